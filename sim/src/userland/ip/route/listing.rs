//! How routes are listed: those of one table or of all, in the order in which the kernel walks them, as text or JSON.

use core::fmt::Write as _;
use core::net::IpAddr;

use super::super::{Error, Family, Options, Refusal, Words, device, json, nexthop, prefix};
use super::realm::Wanted;
use super::{V6_METRIC, number, parse_protocol, parse_scope, service, table};
use crate::addr::IpNetwork;
use crate::device::{Address, Device, Devices, IfIndex, Ipv6, Scope};
use crate::fabric::NamespaceId;
use crate::namespace::Namespace;
use crate::route::policy::TableId;
use crate::route::{Action, Nexthop, NexthopId, Nexthops, Preference, Protocol, Route};
use crate::userland::json::Json;
use crate::userland::{Flavour, Sys};

/// A route that is listed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(in crate::userland::ip) struct Listed {
    /// What `ip` calls its type.
    pub(in crate::userland::ip) kind: &'static str,
    /// What it says.
    pub(in crate::userland::ip) route: Route,
    /// Where it is.
    pub(in crate::userland::ip) table: TableId,
}

impl Listed {
    pub(super) fn of(route: Route, table: TableId) -> Self {
        let kind = match route.action {
            Action::Unicast => "unicast",
            Action::Blackhole => "blackhole",
            Action::Unreachable => "unreachable",
            Action::Prohibit => "prohibit",
            Action::Throw => "throw",
            Action::Local => "local",
            Action::Broadcast => "broadcast",
            Action::Multicast => "multicast",
            Action::Anycast => "anycast",
        };
        Self { kind, route, table }
    }
}

/// What routes name by number.
#[derive(Clone, Copy, Debug)]
pub(in crate::userland::ip) struct Register<'a> {
    pub(in crate::userland::ip) devices: &'a Devices,
    pub(in crate::userland::ip) nexthops: &'a Nexthops,
}

impl<'a> Register<'a> {
    const fn of(here: &'a Namespace) -> Self {
        Self { devices: &here.devices, nexthops: &here.nexthops }
    }

    /// The next hop that a route names, with its number.
    pub(in crate::userland::ip) fn named_by(self, route: &Route) -> Option<(NexthopId, &'a Nexthop)> {
        let id = route.named?.id;
        self.nexthops.get(id).map(|nexthop| (id, nexthop))
    }
}

/// Which tables are listed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Tables {
    None,
    One(TableId),
    All,
}

/// Which routes are meant by the words after `show` or `flush`. What was asked for is not told again.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::userland::ip) struct Selection {
    exact: Option<IpNetwork>,
    within: Option<IpNetwork>,
    around: Option<IpNetwork>,
    pub(in crate::userland::ip) device: Option<IfIndex>,
    pub(in crate::userland::ip) protocol: Option<Protocol>,
    pub(in crate::userland::ip) scope: Option<Scope>,
    kind: Option<&'static str>,
    pub(in crate::userland::ip) via: Option<IpAddr>,
    pub(in crate::userland::ip) src: Option<IpAddr>,
    metric: Option<u32>,
    tos: Option<u8>,
    realms: Option<Wanted>,
    tables: Tables,
}

impl Default for Selection {
    fn default() -> Self {
        Self {
            exact: None,
            within: None,
            around: None,
            device: None,
            protocol: None,
            scope: None,
            kind: None,
            via: None,
            src: None,
            metric: None,
            tos: None,
            realms: None,
            tables: Tables::One(TableId::MAIN),
        }
    }
}

const KINDS: [&str; 9] =
    ["unicast", "local", "broadcast", "anycast", "multicast", "blackhole", "unreachable", "prohibit", "throw"];

impl Selection {
    pub(super) fn parse(
        sys: &mut Sys<'_>,
        namespace: NamespaceId,
        family: Family,
        mut words: Words,
    ) -> Result<Self, Error> {
        let mut selection = Self::default();
        while let Some(word) = words.take_next() {
            match word.as_str() {
                "dev" | "oif" | "iif" => selection.device = Some(device(sys, namespace, &words.value()?)?),
                "table" if words.take("all") => selection.tables = Tables::All,
                "table" => {
                    selection.tables = Tables::One(table(words.value()?, "table id value is invalid")?);
                }
                "proto" | "protocol" => {
                    selection.protocol = Some(parse_protocol(words.value()?, "invalid \"protocol\"")?);
                }
                "scope" => selection.scope = Some(parse_scope(words.value()?, "invalid \"scope\"")?),
                "type" => {
                    let word = words.value()?;
                    let kind = KINDS.into_iter().find(|kind| *kind == word);
                    selection.kind = Some(kind.ok_or(Error::Wrong { word, why: "node type value is invalid" })?);
                }
                "via" => selection.via = Some(prefix(&words.value()?, family)?.ip()),
                "src" => selection.src = Some(prefix(&words.value()?, family)?.ip()),
                "metric" | "priority" | "preference" => {
                    let word = words.value()?;
                    let wrong = Error::Wrong { word: word.clone(), why: "invalid metric" };
                    selection.metric = Some(number(&word).ok_or(wrong)?);
                }
                "tos" | "dsfield" => selection.tos = Some(service(words.value()?)?),
                _ if word.len() > 1 && "realms".starts_with(word.as_str()) => {
                    let word = words.value()?;
                    let realms = Wanted::parse(&word);
                    selection.realms = Some(realms.ok_or(Error::Wrong { word, why: "invalid realms" })?);
                }
                // Routes that were made for single flows are not kept any more.
                "cache" | "cached" | "cloned" => selection.tables = Tables::None,
                // Whatever they are for.
                "all" | "any" => {}
                // No route here is for certain sources only.
                "from" => {
                    prefix(&words.value()?, family)?;
                    selection.tables = Tables::None;
                }
                "to" if words.take("root") => selection.within = Some(prefix(&words.value()?, family)?),
                "to" if words.take("match") => selection.around = Some(prefix(&words.value()?, family)?),
                "to" if words.take("exact") => selection.exact = Some(prefix(&words.value()?, family)?),
                "root" => selection.within = Some(prefix(&words.value()?, family)?),
                "match" => selection.around = Some(prefix(&words.value()?, family)?),
                "exact" | "to" => selection.exact = Some(prefix(&words.value()?, family)?),
                _ if selection.exact.is_some() => return Err(Error::Garbage { place: "to", word }),
                _ => selection.exact = Some(prefix(&word, family)?),
            }
        }
        Ok(selection)
    }

    /// Whether a route is meant, whatever its table; IPv6 ones only when asked for by `-6`, by a prefix or by all tables.
    pub(super) fn includes(&self, listed: &Listed, family: Family) -> bool {
        let named = [self.exact, self.within, self.around].into_iter().flatten().next();
        let (route, v6) = (&listed.route, family == Family::V6 || named.is_some_and(|net| net.is_ipv6()));
        let both = self.tables == Tables::All && named.is_none() && family == Family::Any;
        // Of IPv6, iproute2 passes over those that are for this host where the main table is asked for.
        let is_hidden = listed.kind == "local" && route.dst.is_ipv6() && self.tables == Tables::One(TableId::MAIN);
        (both || route.dst.is_ipv6() == v6)
            && !is_hidden
            && self.exact.is_none_or(|net| net == route.dst)
            && self.within.is_none_or(|net| holds(net, route.dst))
            && self.around.is_none_or(|net| holds(route.dst, net))
            && self.device.is_none_or(|index| route.device == Some(index))
            && self.protocol.is_none_or(|protocol| route.protocol == protocol)
            && self.scope.is_none_or(|scope| route.scope == scope)
            && self.kind.is_none_or(|kind| listed.kind == kind)
            && self.via.is_none_or(|via| route.gateway == Some(via))
            && self.src.is_none_or(|src| route.src == Some(src))
            && self.metric.is_none_or(|metric| route.metric == metric)
            && self.tos.is_none_or(|tos| route.tos == tos)
            && self.realms.is_none_or(|wanted| wanted.includes(route.realms))
    }

    /// Whether a route of this table is meant.
    pub(super) fn is_in(&self, id: TableId) -> bool {
        self.tables == Tables::All || self.tables == Tables::One(id)
    }

    /// Whether realms are told.
    pub(in crate::userland::ip) fn tells_realms(&self) -> bool {
        !self.realms.is_some_and(Wanted::is_whole)
    }

    /// The table that alone was asked for, unless it is one that is always there.
    fn questionable(&self) -> Option<TableId> {
        match self.tables {
            Tables::One(id) if id != TableId::MAIN && id != TableId::LOCAL => Some(id),
            Tables::None | Tables::One(_) | Tables::All => None,
        }
    }

    /// Whether the table of a route is told.
    pub(in crate::userland::ip) fn tells_table(&self, listed: &Listed, details: bool) -> bool {
        self.tables == Tables::All && (listed.table != TableId::MAIN || details)
    }
}

/// Whether `inner` lies within `outer`.
fn holds(outer: IpNetwork, inner: IpNetwork) -> bool {
    outer.prefix() <= inner.prefix() && outer.contains(inner.ip())
}

pub(super) fn show(
    sys: &mut Sys<'_>,
    namespace: NamespaceId,
    options: &Options,
    words: Words,
) -> Result<String, Error> {
    let family = options.family;
    let selection = Selection::parse(sys, namespace, family, words)?;
    let flavour = sys.flavour();
    let here = sys.fabric().namespace(namespace);
    if selection.questionable().is_some_and(|id| here.policy.table(id).is_none()) {
        let missing = if family == Family::V6 { Refusal::NoTable6 } else { Refusal::NoTable };
        return Err(missing.into());
    }
    let chosen = chosen(here, &selection, family);
    if options.json {
        let all =
            chosen.iter().map(|listed| json::route(listed, Register::of(here), &selection, options.details)).collect();
        return Ok(Json::List(all).print(options.pretty));
    }
    let mut text = text(&chosen, Register::of(here), &selection, Manner::of(flavour, options));
    if flavour == Flavour::Busybox {
        text.push_str(&multicasts(&here.devices, &selection, family));
    }
    Ok(text)
}

/// The one route that is the answer for `dst`, as it would be listed.
pub(super) fn one(
    here: &Namespace,
    dst: IpAddr,
    (table, route): (TableId, Route),
    options: &Options,
) -> Result<String, Error> {
    let own = local(here).into_iter().filter(|listed| listed.route.protocol == Protocol::Kernel);
    let mut own = own.filter(|listed| listed.route.dst.contains(dst) && listed.kind == "local");
    let mut listed = own.next_back().unwrap_or_else(|| Listed::of(route, table));
    // Of IPv4, the local table is one with the main one until somebody changes the rules.
    if dst.is_ipv4() && here.policy.has_one_table() && listed.table == TableId::LOCAL {
        listed.table = TableId::MAIN;
    }
    let selection = Selection { tables: Tables::All, ..Selection::default() };
    Ok(if options.json {
        Json::List(vec![json::route(&listed, Register::of(here), &selection, options.details)]).print(options.pretty)
    } else {
        text(&[listed], Register::of(here), &selection, Manner::of(Flavour::Host, options))
    })
}

/// The routes that are meant, table by table: IPv4 first.
fn chosen(here: &Namespace, selection: &Selection, family: Family) -> Vec<Listed> {
    let others = here.policy.tables().map(|(id, table)| (id, table.iter().cloned().collect::<Vec<_>>()));
    let mut tables: Vec<_> = others.chain([(TableId::MAIN, here.routes.iter().cloned().collect())]).collect();
    // The kernel walks the 256 chains in which it keeps its tables.
    tables.sort_by_key(|(id, _)| (id.0 & 0xff, id.0));
    let mut all: Vec<Listed> = Vec::new();
    let is_meant = |id: TableId| id != TableId::LOCAL && selection.is_in(id);
    for (id, routes) in tables.into_iter().filter(|(id, _)| is_meant(*id)) {
        all.extend(ordered(routes.into_iter()).into_iter().map(|route| Listed::of(route, id)));
    }
    if selection.is_in(TableId::LOCAL) {
        all.extend(local(here));
    }
    all.retain(|listed| selection.includes(listed, family));
    all.sort_by_key(|listed| listed.route.dst.is_ipv6());
    all
}

/// The local table: what the addresses of devices that are up make of themselves, and what was put there by hand.
fn local(here: &Namespace) -> Vec<Listed> {
    let devices = &here.devices;
    // IPv4 is there while the device is down, but for what is for everybody on its link.
    let told = |device: &Device, address: &Address| device.up || address.net.is_ipv4();
    let all = devices.values().flat_map(|device| device.addresses.iter().map(move |address| (device, address)));
    let told = all.filter(|(device, address)| told(device, address));
    let mut listed: Vec<Listed> = told.flat_map(|(device, address)| of_address(device, address)).collect();
    listed.sort_by_key(|listed| order(&listed.route));
    listed.dedup();
    let by_hand = here.policy.table(TableId::LOCAL).into_iter().flat_map(|table| table.iter());
    listed.extend(by_hand.map(|route| Listed::of(route.clone(), TableId::LOCAL)));
    listed.sort_by_key(|listed| order(&listed.route));
    listed.extend(groups(devices));
    listed
}

/// The routes that addresses put into the local table.
pub(super) fn are_of_addresses(here: &Namespace) -> impl Iterator<Item = Route> {
    let all = here.devices.values().flat_map(|device| device.addresses.iter().map(move |address| (device, address)));
    let listed = all.flat_map(|(device, address)| of_address(device, address));
    listed.map(|Listed { kind, route, .. }| match kind {
        "local" => Route { action: Action::Local, ..route },
        _ => Route { action: Action::Broadcast, ..route },
    })
}

/// Whether an address has put a route into the local table that stands where this one would.
pub(super) fn is_of_address(here: &Namespace, route: &Route) -> bool {
    are_of_addresses(here).any(|own| own.stands_for(route))
}

/// The routes of IPv6's groups, which each device that speaks it has.
fn groups(devices: &Devices) -> impl Iterator<Item = Listed> {
    let groups: IpNetwork = "ff00::/8".parse().expect("it is a prefix");
    let speaks = devices.values().filter(|device| device.up && !device.is_loopback() && device.ipv6 == Ipv6::Enabled);
    speaks.map(move |device| Listed {
        kind: "multicast",
        route: Route { metric: V6_METRIC, protocol: Protocol::Kernel, ..Route::via(groups, None, device.index) },
        table: TableId::LOCAL,
    })
}

/// What one address puts into the local table.
fn of_address(device: &Device, address: &Address) -> Vec<Listed> {
    let (own, net) = (IpNetwork::from(address.net.ip()), address.on_link());
    let first = device.addresses.iter().find(|a| a.net.is_ipv4() && a.on_link() == net).unwrap_or(address);
    let entry = |kind, dst, scope| {
        let src = Some(first.net.ip()).filter(IpAddr::is_ipv4);
        let route = Route { src, protocol: Protocol::Kernel, scope, ..Route::via(dst, None, device.index) };
        Listed { kind, route, table: TableId::LOCAL }
    };
    let mut all = Vec::new();
    if device.is_loopback() && net.is_ipv4() && net.prefix() < 32 {
        all.push(entry("local", net, Scope::HOST));
    }
    all.push(entry("local", own, Scope::HOST));
    let last = address.last().filter(|_| !net.ip().is_multicast());
    let ends = [address.broadcast, last].into_iter().flatten().filter(|_| device.up);
    all.extend(ends.map(|end| entry("broadcast", IpNetwork::from(IpAddr::V4(end)), Scope::LINK)));
    all
}

/// The routes of IPv6's groups, which busybox shows although they are in another table.
fn multicasts(devices: &Devices, selection: &Selection, family: Family) -> String {
    let chosen = groups(devices).filter(|listed| selection.includes(listed, family));
    let name = |listed: &Listed| listed.route.device.and_then(|index| devices.get(&index)).map(|d| d.name.clone());
    chosen
        .filter_map(|listed| Some((name(&listed)?, listed.route.dst)))
        .map(|(name, dst)| format!("multicast {dst} dev {name}  metric {V6_METRIC} \n"))
        .collect()
}

/// All routes of all tables, as the kernel tells of them unasked: whether a link has lost its carrier it does not say. The
/// device that was asked for is not told again.
pub(in crate::userland::ip) fn all(
    here: &Namespace,
    device: Option<IfIndex>,
    options: &Options,
) -> Vec<(Listed, String)> {
    let selection = Selection { tables: Tables::All, ..Selection::default() };
    let telling = Selection { device, ..selection };
    let told = |listed: Listed| {
        let line = line(&listed, Register::of(here), &telling, Manner::of(Flavour::Host, options));
        (listed, line.replace("linkdown ", "") + "\n")
    };
    chosen(here, &selection, Family::Any).into_iter().map(told).collect()
}

/// Routes as iproute2 tells them.
pub(super) fn told(all: &[Listed], here: &Namespace, selection: &Selection, options: &Options) -> String {
    text(all, Register::of(here), selection, Manner::of(Flavour::Host, options))
}

/// Routes as a text.
fn text(all: &[Listed], register: Register<'_>, selection: &Selection, manner: Manner) -> String {
    all.iter().map(|listed| line(listed, register, selection, manner) + "\n").collect()
}

/// Routes in the order in which the kernel walks its tables: IPv4 by address, IPv6 so that a prefix comes behind those
/// within it.
fn ordered(routes: impl Iterator<Item = Route>) -> Vec<Route> {
    let mut routes: Vec<Route> = routes.collect();
    routes.sort_by_key(order);
    routes
}

fn order(r: &Route) -> (IpAddr, u8, u8, u32) {
    let at = if r.dst.is_ipv4() { r.dst.network() } else { r.dst.broadcast() };
    (at, 128 - r.dst.prefix(), u8::MAX - r.tos, r.metric)
}

/// How a list is written.
#[derive(Clone, Copy, Debug)]
struct Manner {
    host: bool,
    details: bool,
    /// What ends a line within a route.
    end: char,
}

impl Manner {
    const fn of(flavour: Flavour, options: &Options) -> Self {
        let host = matches!(flavour, Flavour::Host);
        Self { host, details: options.details, end: if options.oneline && host { '\\' } else { '\n' } }
    }
}

/// One route; what was asked for is left out, but busybox prints the device all the same.
fn line(listed: &Listed, register: Register<'_>, asked: &Selection, Manner { host, details, end }: Manner) -> String {
    let (route, devices) = (&listed.route, register.devices);
    let kind = if listed.kind == "unicast" && !details { String::new() } else { format!("{} ", listed.kind) };
    let mut line = format!("{kind}{} ", destination(route.dst));
    if let Some(named) = route.named.filter(|_| host) {
        let _ = write!(line, "nhid {} ", named.id.0);
    }
    if route.tos != 0 {
        let _ = write!(line, "tos {:#04x} ", route.tos);
    }
    if let Some(gateway) = route.gateway.filter(|gateway| !host || asked.via != Some(*gateway)) {
        let family = if gateway.is_ipv6() && route.dst.is_ipv4() { "inet6 " } else { "" };
        let _ = write!(line, "via {family}{gateway} ");
    }
    let device = route.device.and_then(|index| devices.get(&index));
    if let Some(device) = device.filter(|d| !host || asked.device != Some(d.index)) {
        let _ = write!(line, "dev {} ", device.name);
    } else if host && goes_to_lo(route) {
        line.push_str("dev lo ");
    }
    let gap = if host { "" } else { " " };
    if host && asked.tells_table(listed, details) {
        let _ = write!(line, "table {} ", name(listed.table));
    }
    if host && asked.protocol.is_none() && (route.protocol != Protocol::Boot || details) {
        let _ = write!(line, "proto {} ", protocol(route.protocol));
    }
    let told = route.dst.is_ipv4() && route.scope != Scope::GLOBAL || host && details;
    if told && (!host || asked.scope.is_none()) {
        let scope = if route.dst.is_ipv4() { route.scope } else { Scope::GLOBAL };
        let _ = write!(line, "scope {scope} ");
    }
    if let Some(src) = route.src.filter(|src| !host || asked.src != Some(*src)) {
        let _ = write!(line, "{gap}src {src} ");
    }
    if (route.metric > 0 || host && route.dst.is_ipv6()) && asked.metric.is_none() {
        let _ = write!(line, "{gap}metric {} ", route.metric);
    }
    if host && route.onlink {
        line.push_str("onlink ");
    }
    if host && device.is_some_and(|d| !d.carrier) && listed.kind != "local" {
        line.push_str("linkdown ");
    }
    if host && asked.tells_realms() && route.hops.is_empty() {
        line += &super::realm::text(route.realms);
    }
    if host {
        line += &super::metrics::text(&route.metrics);
    }
    if host && route.dst.is_ipv6() {
        let _ = write!(line, "pref {}", preference(route.preference));
    }
    if let Some((id, nexthop)) = register.named_by(route).filter(|_| host && details) {
        let _ = write!(line, "\n\tnh_info {}", nexthop::listing::text(id, nexthop, devices, details));
    }
    line + &super::nexthop::text(route, devices, end)
}

/// What a preference is called.
pub(in crate::userland::ip) const fn preference(preference: Preference) -> &'static str {
    match preference {
        Preference::Low => "low",
        Preference::Medium => "medium",
        Preference::High => "high",
    }
}

/// Whether the loopback device is told of a route that sends nothing: of IPv6, and by a next hop that leads nowhere.
pub(in crate::userland::ip) fn goes_to_lo(route: &Route) -> bool {
    route.ways().next().is_none() && (route.dst.is_ipv6() || route.named.is_some())
}

/// The number of who makes a route.
pub(in crate::userland::ip) const fn maker(protocol: Protocol) -> u8 {
    match protocol {
        Protocol::Kernel => 2,
        Protocol::Boot => 3,
        Protocol::Static => 4,
        Protocol::Other(number) => number,
    }
}

/// What a table is called.
pub(in crate::userland::ip) fn name(id: TableId) -> String {
    match id {
        TableId::LOCAL => "local".to_owned(),
        TableId::MAIN => "main".to_owned(),
        TableId::DEFAULT => "default".to_owned(),
        TableId(number) => number.to_string(),
    }
}

/// What `ip` calls who made a route.
pub(in crate::userland::ip) fn protocol(protocol: Protocol) -> String {
    let name = match protocol {
        Protocol::Kernel => "kernel",
        Protocol::Boot => "boot",
        Protocol::Static => "static",
        Protocol::Other(number) => match super::MAKERS.into_iter().find(|(known, _)| *known == number) {
            Some((_, name)) => name,
            None => return number.to_string(),
        },
    };
    name.to_owned()
}

/// `default`, an address, or a prefix.
pub(in crate::userland::ip) fn destination(dst: IpNetwork) -> String {
    let full = if dst.is_ipv4() { 32 } else { 128 };
    match dst.prefix() {
        0 => "default".to_owned(),
        length if length == full => dst.ip().to_string(),
        _ => dst.to_string(),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::super::device::tests::{all, bridge, veth};
    use super::*;

    pub(in crate::userland::ip) fn devices() -> Devices {
        let mut lost = bridge(3, "docker0", "02:42:4b:18:8e:39");
        lost.carrier = false;
        all([veth(2, "eth0", "02:00:00:00:00:02", 9), lost])
    }

    fn kernel(dst: &str, src: &str, device: u32) -> Route {
        let route = Route::via(dst.parse().unwrap(), None, IfIndex(device));
        Route { src: Some(src.parse().unwrap()), protocol: Protocol::Kernel, ..route }
    }

    pub(in crate::userland::ip) fn routes() -> Vec<Route> {
        let default = Route::via("0.0.0.0/0".parse().unwrap(), Some("172.17.0.1".parse().unwrap()), IfIndex(2));
        let nowhere = Route { action: Action::Unreachable, device: None, metric: 5, ..default.clone() };
        let nowhere = Route { dst: "10.7.0.0/16".parse().unwrap(), gateway: None, ..nowhere };
        vec![kernel("192.0.2.0/24", "192.0.2.10", 2), nowhere, default, kernel("172.17.0.0/16", "172.17.0.1", 3)]
    }

    /// Those that are meant, as a text.
    fn listed(selection: &Selection, flavour: Flavour) -> String {
        let all = ordered(routes().into_iter()).into_iter().map(|route| Listed::of(route, TableId::MAIN));
        let chosen: Vec<Listed> = all.filter(|listed| selection.includes(listed, Family::Any)).collect();
        let (devices, nexthops) = (devices(), Nexthops::default());
        text(
            &chosen,
            Register { devices: &devices, nexthops: &nexthops },
            selection,
            Manner::of(flavour, &Options::default()),
        )
    }

    #[test]
    fn iproute2_lists_by_address_and_marks_links_that_are_down() {
        assert_eq!(
            listed(&Selection::default(), Flavour::Host),
            "default via 172.17.0.1 dev eth0 \n\
             unreachable 10.7.0.0/16 metric 5 \n\
             172.17.0.0/16 dev docker0 proto kernel scope link src 172.17.0.1 linkdown \n\
             192.0.2.0/24 dev eth0 proto kernel scope link src 192.0.2.10 \n"
        );
    }

    #[test]
    fn busybox_has_double_blanks_and_says_neither_who_nor_linkdown() {
        assert_eq!(
            listed(&Selection::default(), Flavour::Busybox),
            "default via 172.17.0.1 dev eth0 \n\
             unreachable 10.7.0.0/16  metric 5 \n\
             172.17.0.0/16 dev docker0 scope link  src 172.17.0.1 \n\
             192.0.2.0/24 dev eth0 scope link  src 192.0.2.10 \n"
        );
    }

    #[test]
    fn a_device_that_was_asked_for_is_not_repeated() {
        let link = Selection { device: Some(IfIndex(2)), ..Selection::default() };
        assert_eq!(
            listed(&link, Flavour::Host),
            "default via 172.17.0.1 \n192.0.2.0/24 proto kernel scope link src 192.0.2.10 \n"
        );
    }

    #[test]
    fn prefixes_choose_routes_within_around_or_exactly() {
        let count = |s: Selection| listed(&s, Flavour::Host).lines().count();
        let net = |text: &str| Some(text.parse::<IpNetwork>().unwrap());
        assert_eq!(count(Selection { exact: net("0.0.0.0/0"), ..Selection::default() }), 1);
        assert_eq!(count(Selection { within: net("172.16.0.0/12"), ..Selection::default() }), 1);
        assert_eq!(count(Selection { around: net("172.17.0.9/32"), ..Selection::default() }), 2);
        assert_eq!(count(Selection { exact: net("::/0"), ..Selection::default() }), 0);
    }

    #[test]
    fn what_was_asked_for_is_not_told_again() {
        let kernel = Selection { protocol: Some(Protocol::Kernel), scope: Some(Scope::LINK), ..Selection::default() };
        assert_eq!(
            listed(&kernel, Flavour::Host),
            "172.17.0.0/16 dev docker0 src 172.17.0.1 linkdown \n192.0.2.0/24 dev eth0 src 192.0.2.10 \n"
        );
        let via = Selection { via: Some("172.17.0.1".parse().unwrap()), ..Selection::default() };
        assert_eq!(listed(&via, Flavour::Host), "default dev eth0 \n");
    }
}
