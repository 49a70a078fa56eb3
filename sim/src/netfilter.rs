//! The hooks of a namespace: what filter, conntrack and NAT do with a packet together, in Linux's order.
//!
//! | hook | steps |
//! |---|---|
//! | prerouting | raw, tracking, mangle, nat (destination) |
//! | input | mangle, filter, balancing, nat (source), confirming |
//! | forward | mangle, filter, balancing |
//! | output | raw, tracking, mangle, nat (destination), filter |
//! | postrouting | mangle, nat (source), confirming |
//!
//! The caller routes, fragments and sends; it hands over whole packets and keeps one [`Passage`] for each from its
//! first hook to its last. Of a flow only the first packet asks the nat table; the others follow what was decided.
//! As long as no rule needs flows, none is tracked.

use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::conntrack::{self, ConfirmError, Direction, Nat, State, Tracked};
use crate::filter::{
    Decision, Family, Hook, Marks, Path, Place, RejectWith, Ruleset, Segment, Subject, Surroundings, TableKind,
    Translation,
};
use crate::ipvs::{self, Turn};
use crate::nat::{self, Range};
use crate::packet::{End, Ip, clamp};
use crate::time::{Epoch, Instant};

/// The rules and flows of a namespace.
#[derive(Clone, Debug)]
pub struct Netfilter {
    /// What `iptables` changes.
    pub v4: Ruleset,
    /// What `ip6tables` changes.
    pub v6: Ruleset,
    /// What `conntrack` lists.
    pub conntrack: conntrack::Table,
    /// What `ipvsadm` lists.
    pub ipvs: ipvs::Table,
    /// What date the world began at, for rules that ask for it.
    pub epoch: Epoch,
}

impl Default for Netfilter {
    fn default() -> Self {
        Self {
            v4: Ruleset::new(Family::V4),
            v6: Ruleset::new(Family::V6),
            conntrack: conntrack::Table::default(),
            ipvs: ipvs::Table::default(),
            epoch: Epoch::DEFAULT,
        }
    }
}

/// What the hooks remember of a packet on its way through a host; a copy of the packet takes a copy along.
#[derive(Clone, Debug, Default)]
pub struct Passage {
    tracked: Option<Tracked>,
    mark: u32,
    rerouted: bool,
    balanced: bool,
}

impl Passage {
    /// Whether the last hook changed where the packet goes, so that a route found before it is void.
    #[must_use]
    pub const fn is_rerouted(&self) -> bool {
        self.rerouted
    }

    /// Whether load balancing has had it in its hands. At the input hook it goes out again then.
    #[must_use]
    pub const fn is_balanced(&self) -> bool {
        self.balanced
    }

    /// What the hooks are to know of this host's own report about the packet.
    #[must_use]
    pub fn of_report(&self) -> Self {
        Self { tracked: self.tracked.as_ref().and_then(Tracked::of_report), ..Self::default() }
    }

    /// The mark that rules gave it.
    #[must_use]
    pub const fn mark(&self) -> u32 {
        self.mark
    }
}

/// Why a packet vanishes at a hook.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum DropReason {
    /// A rule or a policy said so; [`Ruleset::describe`] tells which.
    Rule(Place),
    /// It is no IP packet.
    Malformed,
    /// Its flow would be confused with another.
    Clash,
    /// `nf_conntrack: table full, dropping packet`.
    TableFull,
    /// NAT has no port left for it.
    NoFreePort,
    /// The device to take an address from for it has none.
    NoAddress,
    /// The server of its connection was taken away.
    ServerGone,
    /// Its service has no server; its sender is told.
    Unserved,
}

impl fmt::Display for DropReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rule(_) => "dropped by a rule",
            Self::Malformed => "not an IP packet",
            Self::Clash => "conntrack: clashes with another flow",
            Self::TableFull => "conntrack: table full",
            Self::NoFreePort => "nat: no free port",
            Self::NoAddress => "nat: the device has no address",
            Self::ServerGone => "ipvs: the server of the connection is gone",
            Self::Unserved => "ipvs: the service has no server",
        })
    }
}

/// What becomes of a packet at a hook.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Verdict {
    /// It goes on, perhaps rewritten.
    Accept,
    /// It vanishes.
    Drop(DropReason),
    /// It is dropped and its sender told.
    Reject(RejectWith, Place),
}

/// One thing done at a hook.
#[derive(Clone, Copy)]
enum Step {
    Balance,
    Table(TableKind),
    Track,
    Nat(End),
    Confirm,
}

const fn steps(hook: Hook) -> &'static [Step] {
    use Step::{Balance, Confirm, Nat, Table, Track};
    use TableKind::{Filter, Mangle, Raw};
    match hook {
        Hook::Prerouting => &[Table(Raw), Track, Table(Mangle), Nat(End::Destination)],
        Hook::Input => &[Table(Mangle), Table(Filter), Balance, Nat(End::Source), Confirm],
        Hook::Forward => &[Table(Mangle), Table(Filter), Balance],
        Hook::Output => &[Table(Raw), Track, Table(Mangle), Nat(End::Destination), Table(Filter)],
        Hook::Postrouting => &[Table(Mangle), Nat(End::Source), Confirm],
    }
}

impl Netfilter {
    /// The rules of a family.
    #[must_use]
    pub const fn rules(&self, family: Family) -> &Ruleset {
        match family {
            Family::V4 => &self.v4,
            Family::V6 => &self.v6,
        }
    }

    /// The rules of a family, to be changed.
    pub const fn rules_mut(&mut self, family: Family) -> &mut Ruleset {
        match family {
            Family::V4 => &mut self.v4,
            Family::V6 => &mut self.v6,
        }
    }

    /// Whether packets of a family are followed, so that fragments must be whole before they pass.
    #[must_use]
    pub fn tracks(&self, v4: bool) -> bool {
        if v4 { self.v4.needs_tracking() } else { self.v6.needs_tracking() }
    }

    /// Why a packet of this family was dropped, in words: a rule as the program that lists it prints it
    /// (`iptables -t filter -S`: `-A DOCKER-USER -i eth0 -j DROP`).
    #[must_use]
    pub fn explain(&self, v4: bool, reason: DropReason) -> String {
        let (rules, program) = if v4 { (&self.v4, "iptables") } else { (&self.v6, "ip6tables") };
        match reason {
            DropReason::Rule(place) => format!("{program} -t {}: {}", place.table.name(), rules.listed(place)),
            _ => reason.to_string(),
        }
    }

    /// A rule resets the connection of a packet.
    pub fn close(&mut self, now: Instant, passage: &Passage) {
        if let Some(tracked) = &passage.tracked {
            self.conntrack.close(now, tracked);
        }
    }

    /// Takes a packet through a hook; it may be rewritten in place, never in length.
    pub fn hook<S: Surroundings>(
        &mut self,
        now: Instant,
        hook: Hook,
        packet: &mut [u8],
        passage: &mut Passage,
        path: &Path<'_>,
        surroundings: &S,
    ) -> Verdict {
        let Some(ip) = Ip::parse(packet) else { return Verdict::Drop(DropReason::Malformed) };
        passage.rerouted = false;
        if hook == Hook::Input {
            passage.balanced = false;
        }
        let rules = if ip.is_v4() { &mut self.v4 } else { &mut self.v6 };
        if rules.is_untouched() && passage.tracked.is_none() {
            return Verdict::Accept;
        }
        let (dst, mark) = (ip.dst, passage.mark);
        let mut visit = Visit {
            now,
            hook,
            packet,
            ip,
            passage,
            path,
            surroundings,
            rules,
            conntrack: &mut self.conntrack,
            ipvs: &mut self.ipvs,
            epoch: self.epoch,
        };
        let is_elsewhere = |visit: &Visit<'_, S>| hook == Hook::Input && visit.passage.balanced;
        let mut verdict = Ok(());
        for step in steps(hook) {
            verdict = visit.take(*step);
            if verdict.is_err() || is_elsewhere(&visit) {
                break;
            }
        }
        let dst_after = visit.ip.dst;
        passage.rerouted = dst_after != dst || passage.mark != mark;
        verdict.err().unwrap_or(Verdict::Accept)
    }
}

/// A packet at a hook with all that is held against it. Its steps give the verdict that ends the visit as an error.
struct Visit<'a, S> {
    now: Instant,
    hook: Hook,
    packet: &'a mut [u8],
    ip: Ip,
    passage: &'a mut Passage,
    path: &'a Path<'a>,
    surroundings: &'a S,
    rules: &'a mut Ruleset,
    conntrack: &'a mut conntrack::Table,
    ipvs: &'a mut ipvs::Table,
    epoch: Epoch,
}

impl<S: Surroundings> Visit<'_, S> {
    fn take(&mut self, step: Step) -> Result<(), Verdict> {
        match step {
            Step::Balance => self.balance(),
            Step::Confirm => self.confirm(),
            Step::Nat(end) => self.nat(end),
            Step::Table(table) => self.filter(table),
            Step::Track => {
                self.track();
                Ok(())
            }
        }
    }

    fn filter(&mut self, table: TableKind) -> Result<(), Verdict> {
        match self.evaluate(table) {
            Decision::Drop(place) => Err(Verdict::Drop(DropReason::Rule(place))),
            Decision::Reject(with, place) => Err(Verdict::Reject(with, place)),
            Decision::NoTrack => {
                self.passage.tracked.get_or_insert(Tracked::Untracked);
                Ok(())
            }
            // Translations stand in the nat table only.
            Decision::Accept
            | Decision::Dnat(_)
            | Decision::Snat(_)
            | Decision::Masquerade(_)
            | Decision::Redirect(_)
            | Decision::Netmap(_) => Ok(()),
        }
    }

    /// Gives a packet to the server of its connection, or the answer of one back in the name of the service. What is
    /// given away has its flow changed like it, so that NAT still can decide about the other end (`vs/conntrack`).
    fn balance(&mut self) -> Result<(), Verdict> {
        if self.ipvs.is_idle() {
            return Ok(());
        }
        if self.hook == Hook::Forward {
            let Some(connection) = self.ipvs.answer(self.now, self.packet, &self.ip) else { return Ok(()) };
            if self.ip.is_icmp_error() {
                nat::address_error(self.packet, &mut self.ip, &connection.client, End::Source);
            } else {
                nat::address(self.packet, &mut self.ip, &connection.client, End::Source);
            }
            self.passage.balanced = true;
            return Ok(());
        }
        match self.ipvs.take(self.now, self.passage.mark, &self.ip) {
            Turn::Nobody => Ok(()),
            Turn::Gone => Err(Verdict::Drop(DropReason::ServerGone)),
            Turn::Unserved => Err(Verdict::Drop(DropReason::Unserved)),
            Turn::To(connection) => {
                let back = connection.there().inverse();
                nat::address(self.packet, &mut self.ip, &back, End::Destination);
                if let Some(Tracked::Fresh(entry)) = &mut self.passage.tracked {
                    entry.reply = back;
                    entry.set_nat(End::Destination, Nat::Kept);
                }
                self.passage.balanced = true;
                Ok(())
            }
        }
    }

    fn evaluate(&mut self, table: TableKind) -> Decision {
        let tracked = self.passage.tracked.as_ref();
        let flow = tracked.and_then(|t| self.conntrack.flow(t));
        let noted = flow.map_or(0, |(entry, _)| entry.mark);
        let mut marks = Marks { packet: self.passage.mark, flow: noted, ..Marks::default() };
        let subject = Subject {
            now: self.now,
            epoch: self.epoch,
            ip: &self.ip,
            packet: self.packet,
            path: self.path,
            state: tracked.map_or(State::Untracked, |t| self.conntrack.state(t)),
            flow,
            balanced: self.passage.balanced,
            flows: &*self.conntrack,
            surroundings: self.surroundings,
        };
        let decision = self.rules.evaluate(table, self.hook, &subject, &mut marks);
        self.passage.mark = marks.packet;
        if marks.flow != noted
            && let Some(tracked) = &mut self.passage.tracked
        {
            self.conntrack.set_mark(tracked, marks.flow);
        }
        self.change(&marks);
        decision
    }

    /// Changes of the packet what rules asked for.
    fn change(&mut self, marks: &Marks) {
        if let Some(ttl) = marks.hop_limit {
            self.ip.set_ttl(self.packet, ttl);
        }
        if let Some(service) = marks.service {
            self.ip.set_service(self.packet, service);
        }
        let most = match marks.segment {
            None => return,
            Some(Segment::Bytes(bytes)) => usize::from(bytes),
            Some(Segment::Clamp) => {
                let headers = if self.ip.is_v4() { 40 } else { 60 };
                let mtu = |addr| self.surroundings.mtu_towards(addr).unwrap_or(usize::MAX);
                let narrow = mtu(self.ip.dst).min(mtu(self.ip.src));
                narrow.saturating_sub(headers)
            }
        };
        clamp::segments(self.packet, &self.ip, most);
    }

    fn track(&mut self) {
        if !self.rules.needs_tracking() || self.passage.tracked.is_some() {
            return;
        }
        let looped = self.path.in_device == Some("lo");
        let tracked = if looped {
            self.conntrack.track_looped(self.now, self.packet, &self.ip)
        } else {
            self.conntrack.track(self.now, self.packet, &self.ip)
        };
        self.passage.tracked = Some(tracked);
    }

    fn nat(&mut self, end: End) -> Result<(), Verdict> {
        if let Some(Tracked::Fresh(entry)) = &self.passage.tracked
            && entry.nat(end) == Nat::Undecided
            && self.rules.table(TableKind::Nat).is_some()
        {
            self.bind(end).map_err(Verdict::Drop)?;
        }
        let Some(tracked) = &self.passage.tracked else { return Ok(()) };
        let Some((entry, direction)) = self.conntrack.flow(tracked).filter(|(e, d)| e.translates(*d, end)) else {
            return Ok(());
        };
        if self.ip.is_icmp_error() {
            nat::translate_error(self.packet, &mut self.ip, entry, direction, end);
        } else {
            nat::translate(self.packet, &mut self.ip, entry, direction, end);
        }
        Ok(())
    }

    /// Asks the nat table what one end of a new flow becomes; without an answer it stays as it is.
    fn bind(&mut self, end: End) -> Result<(), DropReason> {
        let decision = self.evaluate(TableKind::Nat);
        let range = self.range(decision, end)?;
        let Some(Tracked::Fresh(entry)) = &mut self.passage.tracked else { return Ok(()) };
        nat::bind(self.conntrack, self.now, entry, end, range).map_err(|_| DropReason::NoFreePort)
    }

    fn range(&self, decision: Decision, end: End) -> Result<Range, DropReason> {
        let to = |addr: IpAddr, t: Translation| Ok(Range { ports: t.ports, ..Range::address(addr) });
        match decision {
            Decision::Dnat(t) | Decision::Snat(t) => Ok(Range { addresses: t.addresses, ports: t.ports }),
            Decision::Masquerade(t) => to(self.masquerade()?, t),
            Decision::Redirect(t) if self.hook == Hook::Output => to(self.loopback(), t),
            Decision::Redirect(t) => {
                let own = self.path.in_device.and_then(|device| self.surroundings.address_like(device, self.ip.dst));
                to(own.ok_or(DropReason::NoAddress)?, t)
            }
            Decision::Netmap(net) => {
                let addr = if end == End::Source { self.ip.src } else { self.ip.dst };
                Ok(Range::address(net.map(addr)))
            }
            Decision::Drop(place) | Decision::Reject(_, place) => Err(DropReason::Rule(place)),
            Decision::Accept | Decision::NoTrack => Ok(Range::default()),
        }
    }

    /// The address that a packet gets that leaves in the name of its device.
    fn masquerade(&self) -> Result<IpAddr, DropReason> {
        let next_hop = self.path.next_hop.unwrap_or(self.ip.dst);
        let source = |device| self.surroundings.source_towards(device, next_hop, self.ip.dst);
        self.path.out_device.and_then(source).ok_or(DropReason::NoAddress)
    }

    const fn loopback(&self) -> IpAddr {
        if self.ip.is_v4() { IpAddr::V4(Ipv4Addr::LOCALHOST) } else { IpAddr::V6(Ipv6Addr::LOCALHOST) }
    }

    /// Puts the flow that the packet begins into the table: nothing can stop the packet any more.
    fn confirm(&mut self) -> Result<(), Verdict> {
        let Some(Tracked::Fresh(entry)) = self.passage.tracked.take_if(|t| matches!(t, Tracked::Fresh(_))) else {
            return Ok(());
        };
        let id = self.conntrack.confirm(self.now, entry).map_err(|error| {
            Verdict::Drop(match error {
                ConfirmError::Clash => DropReason::Clash,
                ConfirmError::Full => DropReason::TableFull,
            })
        })?;
        self.passage.tracked = Some(Tracked::Known(id, Direction::Original));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filter::{AddressKind, Policy, Rule};
    use crate::packet::{checksum, sample, tcp_flag};

    /// A docker host: 192.0.2.10 on eth0, 172.17.0.1 on docker0, 172.18.0.1 on br-two.
    struct Host(Netfilter);

    struct Addresses;

    const OWN: [(&str, &str); 4] =
        [("eth0", "192.0.2.10"), ("docker0", "172.17.0.1"), ("br-two", "172.18.0.1"), ("lo", "127.0.0.1")];

    impl Surroundings for Addresses {
        fn kind_of(&self, addr: IpAddr, _: Option<&str>) -> AddressKind {
            let local = addr.is_loopback() || OWN.iter().any(|(_, own)| *own == addr.to_string());
            if local { AddressKind::Local } else { AddressKind::Unicast }
        }

        fn mtu_towards(&self, _: IpAddr) -> Option<usize> {
            Some(1400)
        }

        fn source_towards(&self, device: &str, _: IpAddr, addr: IpAddr) -> Option<IpAddr> {
            self.address_like(device, addr)
        }

        fn address_like(&self, device: &str, _: IpAddr) -> Option<IpAddr> {
            OWN.iter().find(|(name, _)| *name == device).and_then(|(_, addr)| addr.parse().ok())
        }
    }

    /// The rules that dockerd makes for docker0, a second bridge, and a web server published on 5050.
    const RULES: &str = "\
        nat PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
        nat OUTPUT ! -d 127.0.0.0/8 -m addrtype --dst-type LOCAL -j DOCKER
        nat POSTROUTING -s 172.18.0.0/16 ! -o br-two -j MASQUERADE
        nat POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE
        nat DOCKER -i docker0 -j RETURN
        nat DOCKER ! -i docker0 -p tcp -m tcp --dport 5050 -j DNAT --to-destination 172.17.0.2:80
        filter FORWARD -j DOCKER-ISOLATION-STAGE-1
        filter FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
        filter FORWARD -o docker0 -j DOCKER
        filter FORWARD -i docker0 ! -o docker0 -j ACCEPT
        filter DOCKER -d 172.17.0.2/32 ! -i docker0 -o docker0 -p tcp -m tcp --dport 80 -j ACCEPT
        filter DOCKER-ISOLATION-STAGE-1 -i docker0 ! -o docker0 -j DOCKER-ISOLATION-STAGE-2
        filter DOCKER-ISOLATION-STAGE-1 -i br-two ! -o br-two -j DOCKER-ISOLATION-STAGE-2
        filter DOCKER-ISOLATION-STAGE-2 -o docker0 -j DROP
        filter DOCKER-ISOLATION-STAGE-2 -o br-two -j DROP";

    impl Host {
        fn docker() -> Self {
            let mut netfilter = Netfilter::default();
            let rules = &mut netfilter.v4;
            rules.new_chain(TableKind::Nat, "DOCKER").unwrap();
            for chain in ["DOCKER", "DOCKER-ISOLATION-STAGE-1", "DOCKER-ISOLATION-STAGE-2"] {
                rules.new_chain(TableKind::Filter, chain).unwrap();
            }
            rules.set_policy(TableKind::Filter, "FORWARD", Policy::Drop).unwrap();
            for line in RULES.lines() {
                let [table, chain, rule] = line.trim().splitn(3, ' ').collect::<Vec<_>>().try_into().unwrap();
                rules.append(TableKind::named(table).unwrap(), chain, Rule::parse(rule).unwrap()).unwrap();
            }
            Self(netfilter)
        }

        fn through(&mut self, hooks: &[Hook], from: &str, to: &str, mut packet: Vec<u8>) -> Result<Vec<u8>, Verdict> {
            let name = |device| Some(device).filter(|d: &&str| !d.is_empty());
            let mut passage = Passage::default();
            for hook in hooks {
                let path = match hook {
                    Hook::Prerouting | Hook::Input => Path { in_device: name(from), ..Path::default() },
                    Hook::Forward => Path { in_device: name(from), out_device: name(to), ..Path::default() },
                    Hook::Output | Hook::Postrouting => Path { out_device: name(to), ..Path::default() },
                };
                let verdict = self.0.hook(Instant::ZERO, *hook, &mut packet, &mut passage, &path, &Addresses);
                if verdict != Verdict::Accept {
                    return Err(verdict);
                }
                assert!(checksum::is_right(&packet));
            }
            Ok(packet)
        }

        fn forward(&mut self, from: &str, to: &str, packet: Vec<u8>) -> Result<Vec<u8>, Verdict> {
            self.through(&[Hook::Prerouting, Hook::Forward, Hook::Postrouting], from, to, packet)
        }

        fn why(&self, verdict: &Verdict) -> String {
            match verdict {
                Verdict::Drop(DropReason::Rule(place)) | Verdict::Reject(_, place) => self.0.v4.describe(*place),
                other => format!("{other:?}"),
            }
        }

        fn counted(&self, table: TableKind, chain: &str) -> Vec<u64> {
            let chain = self.0.v4.table(table).unwrap().chain(chain).unwrap();
            chain.rules().iter().map(|r| r.counters.packets).collect()
        }
    }

    #[test]
    fn a_container_speaks_to_the_world_with_the_hosts_address() {
        let mut host = Host::docker();
        let out = host.forward("docker0", "eth0", sample::echo("172.17.0.2", "198.51.100.1", 8, 7)).unwrap();
        assert_eq!(out, sample::echo("192.0.2.10", "198.51.100.1", 8, 7));
        let back = host.forward("eth0", "docker0", sample::echo("198.51.100.1", "192.0.2.10", 0, 7)).unwrap();
        assert_eq!(back, sample::echo("198.51.100.1", "172.17.0.2", 0, 7));
        let second = host.forward("docker0", "eth0", sample::echo("172.17.0.3", "198.51.100.1", 8, 7)).unwrap();
        assert_eq!(second, sample::echo("192.0.2.10", "198.51.100.1", 8, 8), "the identifier was taken");
        let back = host.forward("eth0", "docker0", sample::echo("198.51.100.1", "192.0.2.10", 0, 8)).unwrap();
        assert_eq!(back, sample::echo("198.51.100.1", "172.17.0.3", 0, 7));
        assert_eq!(host.counted(TableKind::Nat, "POSTROUTING"), [0, 2], "replies do not ask the nat table");
    }

    #[test]
    fn an_error_about_a_masqueraded_packet_reaches_the_container() {
        let mut host = Host::docker();
        let sent = sample::udp("172.17.0.2", 4000, "198.51.100.1", 33434);
        let out = host.forward("docker0", "eth0", sent.clone()).unwrap();
        let error = |quoted: &[u8], to| sample::icmp("192.0.2.1", to, 11, 0, [0; 4], quoted);
        let back = host.forward("eth0", "docker0", error(&out[..28], "192.0.2.10")).unwrap();
        assert_eq!(back, error(&sent[..28], "172.17.0.2"), "the router keeps its address; the quote is undone");
        let astray = error(&sample::udp("192.0.2.10", 9, "198.51.100.9", 9), "192.0.2.10");
        assert!(host.through(&[Hook::Prerouting, Hook::Input], "eth0", "", astray).is_ok());
        assert_eq!(host.counted(TableKind::Filter, "FORWARD")[1], 1, "RELATED");
    }

    #[test]
    fn a_published_port_leads_to_the_container_and_back() {
        use tcp_flag::{ACK, SYN};
        let mut host = Host::docker();
        let inside = host.forward("eth0", "docker0", sample::tcp("192.0.2.1", 4000, "192.0.2.10", 5050, SYN));
        assert_eq!(inside, Ok(sample::tcp("192.0.2.1", 4000, "172.17.0.2", 80, SYN)));
        let back = host.forward("docker0", "eth0", sample::tcp("172.17.0.2", 80, "192.0.2.1", 4000, SYN | ACK));
        assert_eq!(back, Ok(sample::tcp("192.0.2.10", 5050, "192.0.2.1", 4000, SYN | ACK)));
        let refused = host.forward("eth0", "docker0", sample::tcp("192.0.2.1", 4000, "172.17.0.2", 81, SYN));
        assert_eq!(host.why(&refused.unwrap_err()), "filter FORWARD policy DROP");
        assert_eq!(host.counted(TableKind::Nat, "DOCKER"), [0, 1]);
        let base = host.0.v4.table(TableKind::Filter).unwrap().chain("FORWARD").unwrap().base().unwrap();
        assert_eq!(base.counters.map(|c| (c.packets, c.bytes)), Some((1, 40)));
    }

    #[test]
    fn a_local_program_reaches_a_published_port_over_output() {
        let mut host = Host::docker();
        let mut packet = sample::tcp("192.0.2.10", 4000, "192.0.2.10", 5050, tcp_flag::SYN);
        let mut passage = Passage::default();
        let path = Path { out_device: Some("lo"), ..Path::default() };
        let verdict = host.0.hook(Instant::ZERO, Hook::Output, &mut packet, &mut passage, &path, &Addresses);
        assert_eq!((verdict, passage.is_rerouted()), (Verdict::Accept, true));
        assert_eq!(packet, sample::tcp("192.0.2.10", 4000, "172.17.0.2", 80, tcp_flag::SYN));
    }

    #[test]
    fn bridges_are_isolated_from_each_other() {
        let mut host = Host::docker();
        let lost = host.forward("docker0", "br-two", sample::echo("172.17.0.2", "172.18.0.2", 8, 7)).unwrap_err();
        assert_eq!(host.why(&lost), "filter DOCKER-ISOLATION-STAGE-2 rule 2: -o br-two -j DROP");
        assert!(host.0.conntrack.is_empty(), "a dropped packet leaves no flow behind");
        assert_eq!(host.counted(TableKind::Filter, "DOCKER-ISOLATION-STAGE-2"), [0, 1]);
        assert_eq!(host.counted(TableKind::Filter, "DOCKER-ISOLATION-STAGE-1"), [1, 0]);
    }

    #[test]
    fn the_resolver_of_a_container_hides_behind_port_53() {
        let mut host = Host(Netfilter::default());
        let rules = &mut host.0.v4;
        for (chain, rule) in [
            ("OUTPUT", "-d 127.0.0.11/32 -p udp -m udp --dport 53 -j DNAT --to-destination 127.0.0.11:49356"),
            ("POSTROUTING", "-s 127.0.0.11/32 -p udp -m udp --sport 49356 -j SNAT --to-source :53"),
        ] {
            rules.append(TableKind::Nat, chain, Rule::parse(rule).unwrap()).unwrap();
        }
        let (out, inward) = ([Hook::Output, Hook::Postrouting], [Hook::Prerouting, Hook::Input]);
        let query = host.through(&out, "", "lo", sample::udp("127.0.0.1", 4000, "127.0.0.11", 53)).unwrap();
        assert_eq!(query, sample::udp("127.0.0.1", 4000, "127.0.0.11", 49356));
        assert_eq!(host.through(&inward, "lo", "", query.clone()), Ok(query), "its flow is found again on the loop");
        let answer = host.through(&out, "", "lo", sample::udp("127.0.0.11", 49356, "127.0.0.1", 4000)).unwrap();
        assert_eq!(answer, sample::udp("127.0.0.11", 53, "127.0.0.1", 4000));
        assert_eq!(host.through(&inward, "lo", "", answer.clone()), Ok(answer));
        assert_eq!(host.0.conntrack.len(), 1);
    }

    #[test]
    fn marks_are_set_and_matched_and_goto_does_not_come_back() {
        let mut host = Host(Netfilter::default());
        let rules = &mut host.0.v4;
        rules.new_chain(TableKind::Filter, "SIDE").unwrap();
        for (table, chain, rule) in [
            (TableKind::Raw, "PREROUTING", "-p udp -j CT --notrack"),
            (TableKind::Mangle, "PREROUTING", "-j MARK --set-mark 0x5"),
            (TableKind::Filter, "SIDE", "-m mark --mark 0x4/0x4 -m conntrack --ctstate UNTRACKED"),
            (TableKind::Filter, "FORWARD", "-g SIDE"),
            (TableKind::Filter, "FORWARD", "-j REJECT --reject-with icmp-host-prohibited"),
        ] {
            rules.append(table, chain, Rule::parse(rule).unwrap()).unwrap();
        }
        host.forward("eth0", "docker0", sample::udp("10.0.0.1", 1, "10.0.0.2", 2)).unwrap();
        assert_eq!(host.counted(TableKind::Filter, "SIDE"), [1]);
        assert_eq!(host.counted(TableKind::Filter, "FORWARD"), [1, 0], "after a goto comes the policy");
    }

    #[test]
    fn nothing_is_tracked_until_a_rule_needs_it() {
        let mut host = Host(Netfilter::default());
        let packet = || sample::udp("10.0.0.1", 1, "10.0.0.2", 2);
        host.0.v4.append(TableKind::Filter, "FORWARD", Rule::parse("-j ACCEPT").unwrap()).unwrap();
        host.forward("eth0", "docker0", packet()).unwrap();
        assert_eq!(host.0.conntrack.len(), 0);
        let state = Rule::parse("-m state --state NEW").unwrap();
        host.0.v4.insert(TableKind::Filter, "FORWARD", 1, state).unwrap();
        host.forward("eth0", "docker0", packet()).unwrap();
        assert_eq!(host.0.conntrack.len(), 1);
    }

    /// A firewall with these rules, a table and a chain before each.
    fn firewall(rules: &[&str]) -> Host {
        let mut netfilter = Netfilter::default();
        for line in rules {
            let [table, chain, rule] = line.splitn(3, ' ').collect::<Vec<_>>().try_into().unwrap();
            netfilter.v4.append(TableKind::named(table).unwrap(), chain, Rule::parse(rule).unwrap()).unwrap();
        }
        Host(netfilter)
    }

    #[test]
    fn a_mark_is_kept_with_the_flow_and_given_back_to_its_packets() {
        let mut host = firewall(&[
            "mangle PREROUTING -j CONNMARK --restore-mark",
            "mangle PREROUTING -m mark ! --mark 0 -j ACCEPT",
            "mangle PREROUTING -i docker0 -j MARK --set-mark 7",
            "mangle PREROUTING -j CONNMARK --save-mark",
            "filter FORWARD -i eth0 -m connmark ! --mark 7 -j DROP",
            "filter FORWARD -i eth0 -m mark ! --mark 7 -j DROP",
        ]);
        let through = [Hook::Prerouting, Hook::Forward, Hook::Postrouting];
        let question = sample::udp("172.17.0.2", 1000, "198.51.100.9", 53);
        assert!(host.through(&through, "docker0", "eth0", question).is_ok());
        let answer = sample::udp("198.51.100.9", 53, "172.17.0.2", 1000);
        assert!(host.through(&through, "eth0", "docker0", answer).is_ok());
        let strange = sample::udp("198.51.100.9", 54, "172.17.0.2", 1000);
        assert!(host.through(&through, "eth0", "docker0", strange).is_err());
    }

    #[test]
    fn a_syn_allows_no_larger_segments_than_fit_the_way() {
        let mut host = firewall(&[
            "mangle FORWARD -p tcp --syn -j TCPMSS --clamp-mss-to-pmtu",
            "mangle FORWARD -j TTL --ttl-set 9",
        ]);
        // A header of 28 bytes: padding, then the option at an odd place.
        let mut head = vec![0x10, 0, 0, 80, 0, 0, 0, 1, 0, 0, 0, 0, 0x70, tcp_flag::SYN, 0xff, 0xff, 0, 0, 0, 0];
        head.extend([1, 2, 4, 0x05, 0xb4, 1, 1, 0]);
        let mut packet = sample::ip("172.17.0.2", "198.51.100.9", 6, &head);
        checksum::fill(&mut packet);
        let sent = host.through(&[Hook::Forward], "docker0", "eth0", packet).unwrap();
        assert_eq!((&sent[40..45], sent[8]), (&[1, 2, 4, 0x05, 0x50][..], 9), "1360 bytes fit an MTU of 1400");
    }
}
