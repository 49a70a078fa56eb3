//! How a drawn network becomes command lines: what is typed in which namespace, and what is asked then. It draws nothing.

use super::{
    Asked, CLOSED, Choice, IpAddr, Kind, Manner, Nat, OPEN, Plan, Probe, Route, RouteAction, Rule, SocketAddr, Switch,
    Topology, Translation,
};

/// How much the number of a segment's second prefix is more than that of its first.
const SECOND: usize = 10;

impl Topology {
    /// The hosts on a segment.
    fn members(&self, segment: usize) -> Vec<usize> {
        let count = self.hosts.len();
        let s = self.segments[segment];
        let first = s.first % count;
        let second = (first + 1 + s.step % (count - 1)) % count;
        let mut members = vec![first, second];
        if let Some(third) = (0..count).find(|host| s.has_third && !members.contains(host)) {
            members.push(third);
        }
        members
    }

    /// The number of a segment's prefix, or of its second one, if it has that.
    fn number(&self, segment: usize, second: bool) -> usize {
        if second && self.segments[segment].has_second { segment + SECOND } else { segment }
    }

    /// The command lines of this network.
    pub(crate) fn plan(&self) -> Plan {
        let hosts = self.hosts.len();
        let mut plan = Plan {
            namespaces: (0..hosts).map(|host| format!("h{host}")).collect(),
            hosts,
            setup: Vec::new(),
            probes: self.probes.iter().map(|asked| self.probe(*asked)).collect(),
        };
        for (number, host) in self.hosts.iter().enumerate() {
            if host.has_lo {
                plan.on(number, "ip link set lo up".to_owned());
            }
            if host.forwards {
                plan.on(number, "sysctl -q -w net.ipv4.ip_forward=1".to_owned());
            }
            if host.forwards && self.has_v6 {
                plan.on(number, "sysctl -q -w net.ipv6.conf.all.forwarding=1".to_owned());
            }
        }
        for segment in 0..self.segments.len() {
            self.lay(segment, &mut plan);
        }
        self.routes.iter().for_each(|route| self.add_route(*route, &mut plan));
        self.choices.iter().for_each(|choice| self.add_choice(*choice, &mut plan));
        self.rules.iter().for_each(|rule| self.add_rule(*rule, &mut plan));
        self.nats.iter().for_each(|nat| self.add_nat(*nat, &mut plan));
        for (segment, s) in self.segments.iter().enumerate() {
            if let Some(host) = self.members(segment).get(s.down) {
                plan.on(*host, format!("ip link set e{segment} down"));
            }
        }
        let is_down = plan.setup.iter().any(|line| line.text.ends_with(" down"));
        if is_down && plan.setup.iter().any(|line| line.text.starts_with("ip nexthop")) {
            // The kernel takes a moment to see that a cable's other end is down, and only then its next hops go.
            plan.on(0, "sleep 2".to_owned());
        }
        for host in 0..hosts {
            plan.on(host, "ip -4 route show table all type unicast".to_owned());
            plan.on(host, "ip rule".to_owned());
            plan.on(host, "ip nexthop".to_owned());
        }
        plan
    }

    /// The cables of a segment, with a switch when three hosts are on it.
    fn lay(&self, segment: usize, plan: &mut Plan) {
        let members = self.members(segment);
        let device = format!("e{segment}");
        match (members.as_slice(), self.segments[segment].switch) {
            ([first, second], _) => self.cable(segment, plan, (*first, &device), (*second, &device)),
            (_, Switch::Bridge) => self.bridge(segment, plan, &members),
            (_, Switch::Macvlan(mode)) => self.macvlans(segment, plan, &members, mode),
        }
        let seconds = self.segments[segment].has_second.then_some(segment + SECOND);
        for host in members {
            for number in [Some(segment), seconds].into_iter().flatten() {
                plan.on(host, format!("ip addr add {}/24 dev {device}", address(number, host, false)));
                if self.has_v6 {
                    plan.on(host, format!("ip -6 addr add {}/64 dev {device} nodad", address(number, host, true)));
                }
            }
            plan.on(host, format!("ip link set {device} up"));
        }
    }

    fn cable(&self, segment: usize, plan: &mut Plan, near: (usize, &str), far: (usize, &str)) {
        let mtu = self.segments[segment].mtu;
        let there = plan.namespaces[far.0].clone();
        let ends = format!("{} mtu {mtu} type veth peer name {} mtu {mtu} netns {there}", near.1, far.1);
        plan.on(near.0, format!("ip link add {ends}"));
    }

    fn bridge(&self, segment: usize, plan: &mut Plan, members: &[usize]) {
        let switch = plan.namespaces.len();
        plan.namespaces.push(format!("s{segment}"));
        plan.on(switch, "ip link add br0 type bridge".to_owned());
        for (port, member) in members.iter().enumerate() {
            self.cable(segment, plan, (switch, &format!("p{port}")), (*member, &format!("e{segment}")));
            plan.on(switch, format!("ip link set p{port} master br0"));
            plan.on(switch, format!("ip link set p{port} up"));
        }
        plan.on(switch, "ip link set br0 up".to_owned());
    }

    /// The hosts' devices stand on one end of a cable, whose other end sends nothing back.
    fn macvlans(&self, segment: usize, plan: &mut Plan, members: &[usize], mode: &str) {
        let mtu = self.segments[segment].mtu;
        let switch = plan.namespaces.len();
        plan.namespaces.push(format!("s{segment}"));
        plan.on(switch, format!("ip link add up0 mtu {mtu} type veth peer name up1 mtu {mtu}"));
        plan.on(switch, "ip link set up0 up".to_owned());
        plan.on(switch, "ip link set up1 up".to_owned());
        for (port, member) in members.iter().enumerate() {
            let there = plan.namespaces[*member].clone();
            plan.on(switch, format!("ip link add link up0 name m{port} type macvlan mode {mode}"));
            plan.on(switch, format!("ip link set m{port} name e{segment} netns {there}"));
        }
    }

    fn add_route(&self, route: Route, plan: &mut Plan) {
        let (host, v6) = (route.host % self.hosts.len(), route.v6 && self.has_v6);
        let to = match route.to {
            to if to < self.segments.len() => prefix(self.number(to, route.second), v6),
            _ => "default".to_owned(),
        };
        let metric = if route.metric > 0 { format!(" metric {}", route.metric) } else { String::new() };
        let metric = match route.action {
            RouteAction::Local(table) => format!("{metric} table {table}"),
            _ if route.aside => metric + " table 100",
            _ => metric,
        };
        let ip = if v6 { "ip -6 route add" } else { "ip route add" };
        let line = match route.action {
            RouteAction::Via { segment, second, member, manner } => {
                let segment = segment % self.segments.len();
                let members = self.members(segment);
                let gateway = members[member % members.len()];
                let via = format!("via {}", address(self.number(segment, second), gateway, v6));
                let numbers = route.numbers;
                match manner {
                    Manner::Plain => format!("{ip} {to} {via}{metric}{numbers}"),
                    Manner::Several => format!("{ip} {to}{metric}{numbers} nexthop {via} nexthop {via} weight 3"),
                    Manner::Numbered | Manner::Grouped => {
                        // The number of the line is one that no other next hop has.
                        let id = 10 * plan.setup.len();
                        let hop = |id| format!("ip nexthop add id {id} {via} dev e{segment}");
                        plan.on(host, hop(id));
                        if matches!(manner, Manner::Grouped) {
                            plan.on(host, hop(id + 1));
                            plan.on(host, format!("ip nexthop add id {} group {id}/{},3", id + 2, id + 1));
                        }
                        let id = if matches!(manner, Manner::Grouped) { id + 2 } else { id };
                        format!("{ip} {to}{metric}{numbers} nhid {id}")
                    }
                }
            }
            RouteAction::Local(_) => format!("{ip} local {to} dev lo{metric}"),
            RouteAction::Throw => format!("{ip} throw {to}{metric}"),
            RouteAction::Blackhole => format!("{ip} blackhole {to}{metric}"),
            RouteAction::Unreachable => format!("{ip} unreachable {to}{metric}"),
            RouteAction::Prohibit => format!("{ip} prohibit {to}{metric}"),
        };
        plan.on(host, line);
    }

    fn add_choice(&self, choice: Choice, plan: &mut Plan) {
        let v6 = choice.v6 && self.has_v6;
        let not = if choice.not { "not " } else { "" };
        let what = if choice.segment < self.segments.len() {
            let word = if choice.from { "from" } else { "to" };
            format!("{word} {}", prefix(choice.segment, v6))
        } else {
            choice.service.to_owned()
        };
        let ip = if v6 { "ip -6 rule add" } else { "ip rule add" };
        let line = format!("{ip} pref {} {not}{what} {}", choice.priority, choice.verdict);
        plan.on(choice.host % self.hosts.len(), line);
    }

    fn add_rule(&self, rule: Rule, plan: &mut Plan) {
        let v6 = rule.v6 && self.has_v6;
        // What ping says of its own host's refusal depends on which of two errors it sees first.
        let target = if rule.chain == "OUTPUT" && rule.target.starts_with("REJECT") { "DROP" } else { rule.target };
        let (target, matches) = if v6 { (of_v6(target), of_v6(rule.matches)) } else { (target, rule.matches) };
        let of = if rule.segment < self.segments.len() {
            format!("-d {} ", prefix(rule.segment, v6))
        } else {
            String::new()
        };
        let line = format!("{} -A {} {of}{matches} -j {target}", program(v6), rule.chain);
        plan.on(rule.host % self.hosts.len(), line);
    }

    fn add_nat(&self, nat: Nat, plan: &mut Plan) {
        let (v6, segment) = (nat.v6 && self.has_v6, nat.segment % self.segments.len());
        let members = self.members(segment);
        let to = address(segment, members[nat.member % members.len()], v6);
        let (device, here) = (format!("e{segment}"), prefix(segment, v6));
        let door = SocketAddr::new(to, OPEN);
        let rule = match nat.kind {
            Translation::Masquerade => format!("POSTROUTING -o {device} -j MASQUERADE"),
            Translation::Snat => format!("POSTROUTING -o {device} -j SNAT --to-source {to}"),
            Translation::Dnat(protocol) => {
                format!("PREROUTING -p {protocol} --dport {CLOSED} -j DNAT --to-destination {door}")
            }
            Translation::DnatOutput(protocol) => {
                format!("OUTPUT -p {protocol} --dport {CLOSED} -j DNAT --to-destination {door}")
            }
            Translation::Redirect(protocol) => {
                format!("PREROUTING -p {protocol} --dport {CLOSED} -j REDIRECT --to-ports {OPEN}")
            }
            Translation::Netmap => {
                let next = prefix((segment + 1) % self.segments.len(), v6);
                format!("PREROUTING -d {next} -j NETMAP --to {here}")
            }
        };
        plan.on(nat.host % self.hosts.len(), format!("{} -t nat -A {rule}", program(v6)));
    }

    fn probe(&self, asked: Asked) -> Probe {
        let from = asked.from % self.hosts.len();
        let (segment, v6) = (asked.segment % self.segments.len(), asked.v6 && self.has_v6);
        let nobody = 98;
        let members = self.members(segment);
        let number = self.number(segment, asked.second);
        let to = address(number, members.get(asked.member).copied().unwrap_or(nobody), v6);
        let door = |open| SocketAddr::new(to, if open { OPEN } else { CLOSED });
        match asked.kind {
            Kind::Ping { ttl, size, whole } => {
                let discovery = if whole { " -M do" } else { "" };
                Probe::Ping { from, words: format!("-n -c 1 -t {ttl} -s {size}{discovery} {to}") }
            }
            Kind::Udp { open } => Probe::Udp { from, to: door(open) },
            Kind::Tcp { open } => Probe::Tcp { from, to: door(open) },
        }
    }
}

const fn program(v6: bool) -> &'static str {
    if v6 { "ip6tables" } else { "iptables" }
}

/// The words for IPv6 that mean what these mean for IPv4.
fn of_v6(words: &'static str) -> &'static str {
    match words {
        "-p icmp" => "-p icmpv6",
        "REJECT --reject-with icmp-host-prohibited" => "REJECT --reject-with icmp6-addr-unreachable",
        "REJECT --reject-with icmp-net-unreachable" => "REJECT --reject-with icmp6-no-route",
        "REJECT --reject-with icmp-admin-prohibited" => "REJECT --reject-with icmp6-adm-prohibited",
        words => words,
    }
}

fn prefix(segment: usize, v6: bool) -> String {
    if v6 { format!("fd00:{segment}::/64") } else { format!("10.{segment}.0.0/24") }
}

fn address(segment: usize, host: usize, v6: bool) -> IpAddr {
    let text = if v6 { format!("fd00:{segment}::{:x}", host + 1) } else { format!("10.{segment}.0.{}", host + 1) };
    text.parse().expect("there are few segments and hosts")
}
