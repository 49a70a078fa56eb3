//! Policy routing: the rules of `ip rule`, in the order of their priorities, each of which names a table of routes or an
//! end. It owns the rules and the further tables; the main table is the namespace's own, the local one its addresses.

use core::net::IpAddr;
use std::collections::BTreeMap;

use ipnetwork::IpNetwork;

use crate::id::IfIndex;
use crate::packet::{Ip, service};

use super::{Action, Protocol, Route, Table};

/// The bits of the type of service that routes and rules look at.
const SERVICE: u8 = 0x1c;

/// The numbers of the protocols that have ports.
const WITH_PORTS: [u8; 4] = [6, 17, 33, 132];

/// The number of a table.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct TableId(pub u32);

impl TableId {
    /// `default`, which is empty unless somebody fills it.
    pub const DEFAULT: Self = Self(253);
    /// `main`.
    pub const MAIN: Self = Self(254);
    /// `local`: the host's own addresses.
    pub const LOCAL: Self = Self(255);
}

/// What a rule does with what it matches.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Verdict {
    /// Asks a table; the next rule when that has no route.
    Lookup(TableId),
    /// Ends here, as a route of that action would.
    End(Action),
    /// Goes on with the first rule of that priority.
    Goto(u32),
    /// Goes on with the next.
    Nothing,
}

/// A rule. What is not said matches everything.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Rule {
    /// The lower, the earlier.
    pub priority: u32,
    /// Whether it is of IPv6.
    pub v6: bool,
    /// Whether it is for what does not match.
    pub not: bool,
    /// The source.
    pub from: Option<IpNetwork>,
    /// The destination.
    pub to: Option<IpNetwork>,
    /// The mark of the firewall, and which of its bits count.
    pub mark: Option<(u32, u32)>,
    /// The device by which it came; `lo` for what this host sends itself.
    pub iif: Option<String>,
    /// The device that the sender is bound to.
    pub oif: Option<String>,
    /// The type of service.
    pub tos: Option<u8>,
    /// The protocol above IP.
    pub protocol: Option<u8>,
    /// The source port, from and to.
    pub sport: Option<(u16, u16)>,
    /// The destination port, from and to.
    pub dport: Option<(u16, u16)>,
    /// The users whose sockets it is for, from and to.
    pub users: Option<(u32, u32)>,
    /// Routes with no longer a prefix than this are passed over.
    pub suppressed: Option<u8>,
    /// What is done.
    pub verdict: Verdict,
    /// Who made it, where that is said (`proto static`).
    pub maker: Protocol,
}

impl Rule {
    /// A rule for everything.
    #[must_use]
    pub const fn new(priority: u32, v6: bool, verdict: Verdict) -> Self {
        Self {
            priority,
            v6,
            not: false,
            from: None,
            to: None,
            mark: None,
            iif: None,
            oif: None,
            tos: None,
            protocol: None,
            sport: None,
            dport: None,
            users: None,
            suppressed: None,
            verdict,
            maker: Protocol::UNSPECIFIED,
        }
    }

    fn matches(&self, flow: &Flow<'_>) -> bool {
        // Where the sender has no address yet it is none of any prefix.
        let from = self.from.is_none_or(|net| net.prefix() == 0 || flow.src.is_some_and(|src| net.contains(src)));
        let to = self.to.is_none_or(|net| net.contains(flow.dst));
        let mark = self.mark.is_none_or(|(mark, mask)| flow.mark & mask == mark & mask);
        let iif = self.iif.as_deref().is_none_or(|name| name == flow.iif.unwrap_or("lo"));
        let oif = self.oif.as_deref().is_none_or(|name| flow.oif == Some(name));
        let all = from && to && mark && iif && oif && self.matches_service(flow);
        all != self.not
    }

    fn matches_service(&self, flow: &Flow<'_>) -> bool {
        let within = |range: Option<(u16, u16)>, at: usize| {
            range.is_none_or(|(first, last)| flow.port(at).is_some_and(|port| (first..=last).contains(&port)))
        };
        self.tos.is_none_or(|tos| tos == flow.tos & SERVICE)
            && self.protocol.is_none_or(|protocol| protocol == flow.protocol)
            && within(self.sport, 0)
            && within(self.dport, 2)
            && self.users.is_none_or(|(first, last)| (first..=last).contains(&flow.uid))
    }

    /// Whether a route that its table gives is passed over; one that refuses never is.
    fn suppresses(&self, route: &Route) -> bool {
        route.action == Action::Unicast && self.suppressed.is_some_and(|least| route.dst.prefix() <= least)
    }
}

/// What a route is looked for.
#[derive(Clone, Copy, Debug)]
pub struct Flow<'a> {
    /// Where it goes.
    pub dst: IpAddr,
    /// Where it comes from, where that is settled before the route.
    pub src: Option<IpAddr>,
    /// Its mark.
    pub mark: u32,
    /// The device by which it came; none for what this host sends.
    pub iif: Option<&'a str>,
    /// The device by which it must leave, where its sender says so.
    pub oif: Option<&'a str>,
    /// Its type of service.
    pub tos: u8,
    /// Whose socket it is of; the superuser's where it is of none.
    pub uid: u32,
    /// Its protocol above IP; 0 where that is not known.
    pub protocol: u8,
    /// What is above IP, as far as it is known: the ports are its first bytes.
    pub upper: &'a [u8],
}

impl<'a> Flow<'a> {
    /// A packet of this host's that has no source yet.
    #[must_use]
    pub const fn to(dst: IpAddr) -> Self {
        Self { dst, src: None, mark: 0, iif: None, oif: None, tos: 0, uid: 0, protocol: 0, upper: &[] }
    }

    /// What a packet asks for, without whence it comes.
    #[must_use]
    pub fn of(ip: &Ip, packet: &'a [u8]) -> Self {
        let upper = packet.get(ip.header_len..ip.total_len).filter(|_| ip.fragment.is_none_or(|f| f.offset == 0));
        let upper = upper.unwrap_or_default();
        Self { tos: service(packet), protocol: ip.protocol, upper, ..Self::to(ip.dst) }
    }

    /// The port at this byte of what is above IP.
    fn port(&self, at: usize) -> Option<u16> {
        let bytes = self.upper.get(at..at + 2).filter(|_| WITH_PORTS.contains(&self.protocol))?;
        Some(u16::from_be_bytes([bytes[0], bytes[1]]))
    }

    /// Whether a route is for its service.
    fn is_served_by(&self, route: &Route) -> bool {
        route.tos == 0 || route.tos == self.tos & SERVICE
    }
}

/// What the rules say of a flow.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Found<'a> {
    /// This route.
    Route(&'a Route),
    /// A rule ends it.
    End(Action),
}

/// The rules of a namespace, and its tables besides the main one.
#[derive(Clone, Debug)]
pub struct Policy {
    rules: Vec<Rule>,
    tables: BTreeMap<TableId, Table>,
    /// Whether the rules are those of a new namespace.
    plain: bool,
    /// Whether those of IPv4 are.
    plain_v4: bool,
    /// Whether there ever was something for the local table of IPv4.
    has_local_v4: bool,
}

impl Default for Policy {
    /// `local`, `main` and, of IPv4, `default`.
    fn default() -> Self {
        let rule =
            |priority, v6, table| Rule { maker: Protocol::Kernel, ..Rule::new(priority, v6, Verdict::Lookup(table)) };
        let rules = vec![
            rule(0, false, TableId::LOCAL),
            rule(0, true, TableId::LOCAL),
            rule(32766, false, TableId::MAIN),
            rule(32766, true, TableId::MAIN),
            rule(32767, false, TableId::DEFAULT),
        ];
        Self { rules, tables: BTreeMap::new(), plain: true, plain_v4: true, has_local_v4: false }
    }
}

impl Policy {
    /// Whether the rules are those of a new namespace.
    #[must_use]
    pub const fn is_plain(&self) -> bool {
        self.plain
    }

    /// Whether the local table of IPv4 is one with the main one, as the kernel keeps them until somebody changes the rules of
    /// IPv4 (`fib_unmerge`).
    #[must_use]
    pub const fn has_one_table(&self) -> bool {
        self.plain_v4
    }

    /// The rules of a family, in the order in which they are asked.
    pub fn rules(&self, v6: bool) -> impl Iterator<Item = &Rule> {
        self.rules.iter().filter(move |rule| rule.v6 == v6)
    }

    /// The priority that a rule without one gets: before the second rule, as the kernel gives it.
    #[must_use]
    pub fn next_priority(&self, v6: bool) -> u32 {
        let second = self.rules(v6).nth(1).map_or(0, |rule| rule.priority);
        if second > 0 { second - 1 } else { 0 }
    }

    /// An address of IPv4 was given: the first one makes the local table.
    pub const fn note_address(&mut self) {
        self.has_local_v4 = true;
    }

    /// Adds a rule behind those of its priority; false when it is there already. Linux does not look whether the two are
    /// negated, nor where they go on (`rule_exists`).
    pub fn add(&mut self, rule: Rule) -> bool {
        let verdict = |of: Verdict| if let Verdict::Goto(_) = of { Verdict::Goto(0) } else { of };
        let compared = |of: &Rule| Rule { not: false, verdict: verdict(of.verdict), ..of.clone() };
        let new = compared(&rule);
        if self.rules.iter().any(|r| r.priority == rule.priority && compared(r) == new) {
            return false;
        }
        let at = self.rules.partition_point(|r| r.priority <= rule.priority);
        self.plain_v4 &= rule.v6;
        self.rules.insert(at, rule);
        self.plain = false;
        true
    }

    /// Takes the first rule away that is meant; false when there is none.
    pub fn remove(&mut self, is_meant: impl Fn(&Rule) -> bool) -> bool {
        let Some(at) = self.rules.iter().position(is_meant) else { return false };
        self.plain_v4 &= self.rules.remove(at).v6;
        self.plain = false;
        true
    }

    /// Takes away all but some.
    pub fn retain(&mut self, is_kept: impl Fn(&Rule) -> bool) {
        let before = self.rules(false).count();
        self.rules.retain(is_kept);
        self.plain_v4 &= self.rules(false).count() == before;
        self.plain = false;
    }

    /// A further table, when there is something in it.
    #[must_use]
    pub fn table(&self, id: TableId) -> Option<&Table> {
        self.tables.get(&id)
    }

    /// A further table, to be changed; it begins empty.
    pub fn table_mut(&mut self, id: TableId) -> &mut Table {
        self.tables.entry(id).or_default()
    }

    /// The routes of all further tables, to be changed in what they say of their ways.
    pub fn routes_mut(&mut self) -> impl Iterator<Item = &mut Route> {
        self.tables.values_mut().flat_map(Table::iter_mut)
    }

    /// All further tables.
    pub fn tables(&self) -> impl Iterator<Item = (TableId, &Table)> {
        self.tables.iter().map(|(id, table)| (*id, table))
    }

    /// Removes routes from all further tables.
    pub fn remove_routes(&mut self, gone: impl Fn(&Route) -> bool) {
        for table in self.tables.values_mut() {
            table.remove(&gone);
        }
    }

    /// The route for a flow by the rules, among those that `usable` accepts. What is for this host itself is not asked
    /// here.
    pub fn lookup<'a>(
        &'a self,
        main: &'a Table,
        flow: &Flow<'_>,
        usable: impl Fn(&Route) -> bool,
    ) -> Option<(TableId, Found<'a>)> {
        let main_only = self.plain && self.tables.is_empty();
        if main_only {
            return ask(main, flow, usable).map(|route| (TableId::MAIN, Found::Route(route)));
        }
        self.decide(main, flow, usable).map(|(rule, found)| match rule.verdict {
            Verdict::Lookup(id) => (id, found),
            Verdict::End(_) | Verdict::Goto(_) | Verdict::Nothing => (TableId(0), found),
        })
    }

    /// The same, and the rule that says so.
    pub fn decide<'a>(
        &'a self,
        main: &'a Table,
        flow: &Flow<'_>,
        usable: impl Fn(&Route) -> bool,
    ) -> Option<(&'a Rule, Found<'a>)> {
        let v6 = flow.dst.is_ipv6();
        let mut least = 0;
        self.rules(v6).find_map(|rule| {
            if rule.priority < least || !rule.matches(flow) {
                return None;
            }
            match rule.verdict {
                Verdict::End(action) => Some((rule, Found::End(action))),
                Verdict::Lookup(id) => {
                    let table = if id == TableId::MAIN { main } else { self.table(id)? };
                    let route = ask(table, flow, &usable).filter(|route| !rule.suppresses(route))?;
                    if id == TableId::LOCAL && self.is_passed_over(main, route, flow, &usable) {
                        return None;
                    }
                    Some((rule, Found::Route(route)))
                }
                Verdict::Goto(priority) => {
                    // One that leads to no rule is passed over.
                    least = if self.has_rule(v6, priority) { priority } else { least };
                    None
                }
                Verdict::Nothing => None,
            }
        })
    }

    /// Whether a route of the local table gives way to a longer prefix of the main one, where both are one.
    fn is_passed_over(&self, main: &Table, route: &Route, flow: &Flow<'_>, usable: impl Fn(&Route) -> bool) -> bool {
        let is_one = self.plain_v4 && flow.dst.is_ipv4();
        is_one && ask(main, flow, usable).is_some_and(|other| other.dst.prefix() > route.dst.prefix())
    }

    /// What the routes that were put into the local table by hand say of an address (`inet_addr_type`). As long as the main
    /// table of IPv4 is one with it, its routes have a say too; but there is no local table before the first address.
    #[must_use]
    pub fn kind_of(&self, main: &Table, addr: IpAddr) -> Option<Action> {
        let own = self.table(TableId::LOCAL).filter(|own| own.is_special());
        let is_one = self.plain_v4 && addr.is_ipv4() && (own.is_some() || self.has_local_v4 && main.is_special());
        let tables = own.into_iter().chain(is_one.then_some(main));
        let found = tables.filter_map(|table| table.lookup(addr, |_| true));
        let longest = found.reduce(|best, next| if next.dst.prefix() > best.dst.prefix() { next } else { best });
        longest.map(|route| route.action)
    }

    /// Whether there is a rule of this priority.
    #[must_use]
    pub fn has_rule(&self, v6: bool, priority: u32) -> bool {
        self.rules(v6).any(|rule| rule.priority == priority)
    }

    /// A device is gone, and with it the hops by it.
    pub fn forget_hops(&mut self, device: IfIndex) {
        self.tables.values_mut().for_each(|table| table.forget_hops(device));
    }
}

/// The route of a table for a flow; none when the table leaves it to the next rule.
fn ask<'a>(table: &'a Table, flow: &Flow<'_>, usable: impl Fn(&Route) -> bool) -> Option<&'a Route> {
    let found = table.lookup(flow.dst, |route| flow.is_served_by(route) && usable(route));
    found.filter(|route| route.action != Action::Throw)
}

/// The routes that a device, or an address, took along are gone from every table.
pub fn remove_everywhere(main: &mut Table, policy: &mut Policy, gone: impl Fn(&Route) -> bool) {
    main.remove(&gone);
    policy.remove_routes(&gone);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(dst: &str, device: u32) -> Route {
        Route::via(dst.parse().unwrap(), None, IfIndex(device))
    }

    /// Where a flow leaves, by a main table with a default route out of 1 and a table 100 with one out of 2.
    fn out(policy: &Policy, flow: &Flow<'_>) -> Option<u32> {
        let mut main = Table::default();
        main.add(route("0.0.0.0/0", 1));
        match policy.lookup(&main, flow, |_| true)?.1 {
            Found::Route(route) => route.device.map(|device| device.0),
            Found::End(_) => None,
        }
    }

    fn with(change: impl FnOnce(&mut Rule)) -> Policy {
        let mut policy = Policy::default();
        policy.table_mut(TableId(100)).add(route("0.0.0.0/0", 2));
        let mut rule = Rule::new(policy.next_priority(false), false, Verdict::Lookup(TableId(100)));
        change(&mut rule);
        assert!(policy.add(rule.clone()));
        assert!(!policy.add(rule), "the same rule is not added twice");
        policy
    }

    #[test]
    fn without_rules_the_main_table_decides() {
        let flow = Flow::to("8.8.8.8".parse().unwrap());
        assert_eq!(out(&Policy::default(), &flow), Some(1));
        assert_eq!(Policy::default().next_priority(false), 32765);
    }

    #[test]
    fn a_rule_sends_what_it_matches_to_its_table() {
        let flow = Flow::to("8.8.8.8".parse().unwrap());
        let marked = Flow { mark: 0x15, ..flow };
        let policy = with(|rule| rule.mark = Some((5, 0xf)));
        assert_eq!([out(&policy, &flow), out(&policy, &marked)], [Some(1), Some(2)]);
        let policy = with(|rule| rule.from = Some("10.2.0.0/16".parse().unwrap()));
        let bound = Flow { src: Some("10.2.0.1".parse().unwrap()), ..flow };
        assert_eq!([out(&policy, &flow), out(&policy, &bound)], [Some(1), Some(2)]);
        let policy = with(|rule| rule.iif = Some("eth1".to_owned()));
        let forwarded = Flow { iif: Some("eth1"), ..flow };
        assert_eq!([out(&policy, &flow), out(&policy, &forwarded)], [Some(1), Some(2)]);
        let policy = with(|rule| rule.oif = Some("eth1".to_owned()));
        let bound = Flow { oif: Some("eth1"), ..flow };
        assert_eq!([out(&policy, &flow), out(&policy, &bound)], [Some(1), Some(2)]);
        let policy = with(|rule| (rule.not, rule.to) = (true, Some("8.0.0.0/8".parse().unwrap())));
        assert_eq!(out(&policy, &flow), Some(1));
    }

    #[test]
    fn a_rule_is_for_the_sockets_of_some_users() {
        let flow = Flow::to("8.8.8.8".parse().unwrap());
        let policy = with(|rule| rule.users = Some((1000, 2000)));
        assert_eq!([0, 999, 1000, 2000].map(|uid| out(&policy, &Flow { uid, ..flow })), [1, 1, 2, 2].map(Some));
    }

    #[test]
    fn a_short_prefix_is_passed_over_but_not_a_refusal() {
        let flow = Flow::to("8.8.8.8".parse().unwrap());
        let mut policy = with(|rule| rule.suppressed = Some(0));
        assert_eq!(out(&policy, &flow), Some(1));
        policy.table_mut(TableId(100)).prepend(Route {
            action: Action::Prohibit,
            device: None,
            ..route("0.0.0.0/0", 2)
        });
        assert_eq!(out(&policy, &flow), None);
    }

    #[test]
    fn a_table_without_a_route_leaves_it_to_the_next_rule_and_an_end_does_not() {
        let flow = Flow::to("8.8.8.8".parse().unwrap());
        let policy = with(|rule| rule.verdict = Verdict::Lookup(TableId(7)));
        assert_eq!(out(&policy, &flow), Some(1));
        let policy = with(|rule| rule.verdict = Verdict::End(Action::Blackhole));
        assert_eq!(out(&policy, &flow), None);
        let mut policy = Policy::default();
        policy.retain(|rule| rule.v6 || rule.priority == 0);
        assert_eq!((out(&policy, &flow), policy.rules(false).count(), policy.rules(true).count()), (None, 1, 2));
    }
}
