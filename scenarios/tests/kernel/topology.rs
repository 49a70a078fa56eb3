//! Networks drawn by chance: hosts, cables and switches between them, routes, rules, states, and what is asked of them.
//! A network becomes command lines that both worlds understand; it builds nothing.

use core::fmt;
use core::net::Ipv4Addr;

use proptest::collection::vec;
use proptest::prelude::*;

/// A network as it is drawn. Numbers that name something are taken modulo how many there are, so that every drawing means
/// something, the smaller ones too.
#[derive(Clone, Debug)]
pub(crate) struct Topology {
    hosts: Vec<Host>,
    segments: Vec<Segment>,
    routes: Vec<Route>,
    rules: Vec<Rule>,
    probes: Vec<Asked>,
}

#[derive(Clone, Copy, Debug)]
struct Host {
    forwards: bool,
    has_lo: bool,
}

/// A cable between two hosts, or a switch between three.
#[derive(Clone, Copy, Debug)]
struct Segment {
    first: usize,
    step: usize,
    has_third: bool,
    mtu: u16,
    /// The member whose device is put down in the end, if there is one of this number.
    down: usize,
}

#[derive(Clone, Copy, Debug)]
struct Route {
    host: usize,
    /// A segment; beyond them the default route.
    to: usize,
    action: RouteAction,
    metric: u32,
}

#[derive(Clone, Copy, Debug)]
enum RouteAction {
    Via { segment: usize, member: usize },
    Blackhole,
    Unreachable,
    Prohibit,
}

#[derive(Clone, Copy, Debug)]
struct Rule {
    host: usize,
    chain: &'static str,
    matches: &'static str,
    segment: usize,
    target: &'static str,
}

#[derive(Clone, Copy, Debug)]
struct Asked {
    from: usize,
    segment: usize,
    /// A member of that segment; beyond them an address that nobody has.
    member: usize,
    kind: Kind,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Ping { ttl: u8, size: u16, whole: bool },
    Udp { open: bool },
    Tcp { open: bool },
}

/// The port that every host serves.
pub(crate) const OPEN: u16 = 7;
const CLOSED: u16 = 9;

const CHAINS: [&str; 3] = ["INPUT", "FORWARD", "OUTPUT"];
const MATCHES: [&str; 8] = [
    "-p icmp",
    "-p udp",
    "-p tcp",
    "-p tcp --dport 7",
    "-p udp -m multiport --dports 7,9",
    "-m state --state NEW",
    "-m conntrack --ctstate ESTABLISHED,RELATED",
    "",
];
const TARGETS: [&str; 8] = [
    "DROP",
    "ACCEPT",
    "REJECT",
    "REJECT --reject-with icmp-host-prohibited",
    "REJECT --reject-with icmp-net-unreachable",
    "REJECT --reject-with icmp-admin-prohibited",
    "DROP",
    "RETURN",
];
const MTUS: [u16; 4] = [1500, 1500, 1400, 1280];
const SIZES: [u16; 5] = [56, 56, 1300, 1472, 3000];

fn choice<T: Copy + fmt::Debug + 'static, const N: usize>(all: [T; N]) -> impl Strategy<Value = T> {
    proptest::sample::select(all.to_vec())
}

fn host() -> impl Strategy<Value = Host> {
    (prop::bool::weighted(0.8), prop::bool::weighted(0.9)).prop_map(|(forwards, has_lo)| Host { forwards, has_lo })
}

fn segment() -> impl Strategy<Value = Segment> {
    (0..5usize, 1..4usize, prop::bool::weighted(0.3), choice(MTUS), 0..12usize)
        .prop_map(|(first, step, has_third, mtu, down)| Segment { first, step, has_third, mtu, down })
}

fn route() -> impl Strategy<Value = Route> {
    let via = (0..6usize, 0..3usize).prop_map(|(segment, member)| RouteAction::Via { segment, member });
    let action = prop_oneof![
        8 => via,
        1 => Just(RouteAction::Blackhole),
        1 => Just(RouteAction::Unreachable),
        1 => Just(RouteAction::Prohibit),
    ];
    (0..5usize, 0..9usize, action, choice([0, 0, 10, 20])).prop_map(|(host, to, action, metric)| Route {
        host,
        to,
        action,
        metric,
    })
}

fn rule() -> impl Strategy<Value = Rule> {
    (0..5usize, choice(CHAINS), choice(MATCHES), 0..9usize, choice(TARGETS))
        .prop_map(|(host, chain, matches, segment, target)| Rule { host, chain, matches, segment, target })
}

fn asked() -> impl Strategy<Value = Asked> {
    let ping = (choice([64, 64, 64, 1, 2, 3]), choice(SIZES), prop::bool::ANY)
        .prop_map(|(ttl, size, whole)| Kind::Ping { ttl, size, whole });
    let kind = prop_oneof![
        4 => ping,
        1 => prop::bool::ANY.prop_map(|open| Kind::Udp { open }),
        1 => prop::bool::ANY.prop_map(|open| Kind::Tcp { open }),
    ];
    (0..5usize, 0..6usize, 0..5usize, kind).prop_map(|(from, segment, member, kind)| Asked {
        from,
        segment,
        member,
        kind,
    })
}

/// Networks of two to five hosts.
pub(crate) fn network() -> impl Strategy<Value = Topology> {
    (vec(host(), 2..=5), vec(segment(), 1..=5), vec(route(), 0..=10), vec(rule(), 0..=3), vec(asked(), 4..=10))
        .prop_map(|(hosts, segments, routes, rules, probes)| Topology { hosts, segments, routes, rules, probes })
}

/// A command line and the namespace in which it is run.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) place: usize,
    pub(crate) text: String,
}

/// What is asked, spelled out.
#[derive(Clone, Debug)]
pub(crate) enum Probe {
    /// What is said to `ping` besides how long it waits.
    Ping {
        from: usize,
        words: String,
    },
    Udp {
        from: usize,
        to: Ipv4Addr,
        port: u16,
    },
    Tcp {
        from: usize,
        to: Ipv4Addr,
        port: u16,
    },
}

impl fmt::Display for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ping { words, .. } => write!(f, "ping {words}"),
            Self::Udp { to, port, .. } => write!(f, "udp {to}:{port}"),
            Self::Tcp { to, port, .. } => write!(f, "tcp {to}:{port}"),
        }
    }
}

impl Probe {
    const fn from(&self) -> usize {
        let (Self::Ping { from, .. } | Self::Udp { from, .. } | Self::Tcp { from, .. }) = self;
        *from
    }

    /// Reads what is asked in the namespace `from`; none when it is a command line.
    pub(crate) fn parse(from: usize, text: &str) -> Option<Self> {
        let (word, rest) = text.split_once(' ')?;
        let door = || {
            let (to, port) = rest.split_once(':').expect("a door is an address and a port");
            (to.parse().expect("an address"), port.parse().expect("a port"))
        };
        match word {
            "ping" => Some(Self::Ping { from, words: rest.to_owned() }),
            "udp" => {
                let (to, port) = door();
                Some(Self::Udp { from, to, port })
            }
            "tcp" => {
                let (to, port) = door();
                Some(Self::Tcp { from, to, port })
            }
            _ => None,
        }
    }
}

/// A network as command lines.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// The names of the namespaces; the hosts come first.
    pub(crate) namespaces: Vec<String>,
    pub(crate) hosts: usize,
    pub(crate) setup: Vec<Line>,
    pub(crate) probes: Vec<Probe>,
}

impl Plan {
    /// All its lines and probes as they are written: a namespace's name and what is typed or asked there.
    pub(crate) fn questions(&self) -> impl Iterator<Item = String> {
        let lines = self.setup.iter().map(|line| format!("{}: {}", self.namespaces[line.place], line.text));
        let probes = self.probes.iter().map(|probe| format!("{}: {probe}", self.namespaces[probe.from()]));
        lines.chain(probes)
    }

    fn on(&mut self, place: usize, text: String) {
        self.setup.push(Line { place, text });
    }
}

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
        }
        for segment in 0..self.segments.len() {
            self.lay(segment, &mut plan);
        }
        self.routes.iter().for_each(|route| self.add_route(*route, &mut plan));
        self.rules.iter().for_each(|rule| self.add_rule(*rule, &mut plan));
        for (segment, s) in self.segments.iter().enumerate() {
            if let Some(host) = self.members(segment).get(s.down) {
                plan.on(*host, format!("ip link set e{segment} down"));
            }
        }
        plan
    }

    /// The cables of a segment, with a switch when three hosts are on it.
    fn lay(&self, segment: usize, plan: &mut Plan) {
        let members = self.members(segment);
        let mtu = self.segments[segment].mtu;
        let cable = |plan: &mut Plan, near: (usize, &str), far: (usize, &str)| {
            let there = plan.namespaces[far.0].clone();
            let ends = format!("{} mtu {mtu} type veth peer name {} mtu {mtu} netns {there}", near.1, far.1);
            plan.on(near.0, format!("ip link add {ends}"));
        };
        let device = format!("e{segment}");
        if let [first, second] = members.as_slice() {
            cable(plan, (*first, &device), (*second, &device));
        } else {
            let switch = plan.namespaces.len();
            plan.namespaces.push(format!("s{segment}"));
            plan.on(switch, "ip link add br0 type bridge".to_owned());
            for (port, member) in members.iter().enumerate() {
                cable(plan, (switch, &format!("p{port}")), (*member, &device));
                plan.on(switch, format!("ip link set p{port} master br0"));
                plan.on(switch, format!("ip link set p{port} up"));
            }
            plan.on(switch, "ip link set br0 up".to_owned());
        }
        for host in members {
            plan.on(host, format!("ip addr add {}/24 dev {device}", address(segment, host)));
            plan.on(host, format!("ip link set {device} up"));
        }
    }

    fn add_route(&self, route: Route, plan: &mut Plan) {
        let host = route.host % self.hosts.len();
        let to = if route.to < self.segments.len() { format!("10.{}.0.0/24", route.to) } else { "default".to_owned() };
        let metric = if route.metric > 0 { format!(" metric {}", route.metric) } else { String::new() };
        let line = match route.action {
            RouteAction::Via { segment, member } => {
                let segment = segment % self.segments.len();
                let members = self.members(segment);
                let gateway = members[member % members.len()];
                format!("ip route add {to} via {}{metric}", address(segment, gateway))
            }
            RouteAction::Blackhole => format!("ip route add blackhole {to}{metric}"),
            RouteAction::Unreachable => format!("ip route add unreachable {to}{metric}"),
            RouteAction::Prohibit => format!("ip route add prohibit {to}{metric}"),
        };
        plan.on(host, line);
    }

    fn add_rule(&self, rule: Rule, plan: &mut Plan) {
        // What ping says of its own host's refusal depends on which of two errors it sees first.
        let target = if rule.chain == "OUTPUT" && rule.target.starts_with("REJECT") { "DROP" } else { rule.target };
        let of =
            if rule.segment < self.segments.len() { format!("-d 10.{}.0.0/24 ", rule.segment) } else { String::new() };
        let line = format!("iptables -A {} {of}{} -j {}", rule.chain, rule.matches, target);
        plan.on(rule.host % self.hosts.len(), line);
    }

    fn probe(&self, asked: Asked) -> Probe {
        let from = asked.from % self.hosts.len();
        let segment = asked.segment % self.segments.len();
        let to = self
            .members(segment)
            .get(asked.member)
            .map_or_else(|| Ipv4Addr::new(10, small(segment), 0, 99), |host| address(segment, *host));
        match asked.kind {
            Kind::Ping { ttl, size, whole } => {
                let discovery = if whole { " -M do" } else { "" };
                Probe::Ping { from, words: format!("-n -c 1 -t {ttl} -s {size}{discovery} {to}") }
            }
            Kind::Udp { open } => Probe::Udp { from, to, port: if open { OPEN } else { CLOSED } },
            Kind::Tcp { open } => Probe::Tcp { from, to, port: if open { OPEN } else { CLOSED } },
        }
    }
}

fn address(segment: usize, host: usize) -> Ipv4Addr {
    Ipv4Addr::new(10, small(segment), 0, small(host) + 1)
}

fn small(number: usize) -> u8 {
    u8::try_from(number).expect("there are few segments and hosts")
}

/// What a program printed, without what depends on the machine's speed.
pub(crate) fn plain(output: &str) -> String {
    let lines = output.lines().filter(|line| !line.starts_with("rtt ") && !line.is_empty()).map(|line| {
        let line = line.split(" time=").next().unwrap_or_default();
        line.split(", time ").next().unwrap_or_default().to_owned() + "\n"
    });
    lines.collect()
}
