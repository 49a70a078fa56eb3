//! How routes are listed: those of one table or of all, in the order in which the kernel walks them, as text or JSON.

use core::fmt::Write as _;
use core::net::IpAddr;

use super::super::addr::scope;
use super::super::{Error, Family, Options, Refusal, Words, device, json, prefix};
use super::{V6_METRIC, address, parse_protocol, parse_scope, table};
use crate::addr::{IpNetwork, broadcast, network_of};
use crate::device::{Device, Devices, IfIndex, Ipv6, Scope};
use crate::fabric::NamespaceId;
use crate::namespace::Namespace;
use crate::route::policy::TableId;
use crate::route::{Action, Protocol, Route};
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
        };
        Self { kind, route, table }
    }
}

/// Which tables are listed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Tables {
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
            tables: Tables::One(TableId::MAIN),
        }
    }
}

const KINDS: [&str; 8] =
    ["unicast", "local", "broadcast", "multicast", "blackhole", "unreachable", "prohibit", "throw"];

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
                "via" => selection.via = Some(address(&words.value()?)?),
                "src" => selection.src = Some(address(&words.value()?)?),
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
        (both || route.dst.is_ipv6() == v6)
            && self.exact.is_none_or(|net| net == route.dst)
            && self.within.is_none_or(|net| holds(net, route.dst))
            && self.around.is_none_or(|net| holds(route.dst, net))
            && self.device.is_none_or(|index| route.device == Some(index))
            && self.protocol.is_none_or(|protocol| route.protocol == protocol)
            && self.scope.is_none_or(|scope| route.scope == scope)
            && self.kind.is_none_or(|kind| listed.kind == kind)
            && self.via.is_none_or(|via| route.gateway == Some(via))
            && self.src.is_none_or(|src| route.src == Some(src))
    }

    /// Whether a route of this table is meant.
    pub(super) fn is_in(&self, id: TableId) -> bool {
        self.tables == Tables::All || self.tables == Tables::One(id)
    }

    /// The table that alone was asked for, unless it is one that is always there.
    fn questionable(&self) -> Option<TableId> {
        match self.tables {
            Tables::One(id) if id != TableId::MAIN && id != TableId::LOCAL => Some(id),
            Tables::One(_) | Tables::All => None,
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
        let all = chosen.iter().map(|listed| json::route(listed, &here.devices, &selection, options.details)).collect();
        return Ok(Json::List(all).print(options.pretty));
    }
    let mut text = text(&chosen, &here.devices, &selection, Manner::of(flavour, options));
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
    let mut own =
        local(&here.devices).into_iter().filter(|listed| listed.route.dst.contains(dst) && listed.kind == "local");
    let listed = own.next_back().unwrap_or_else(|| Listed::of(route, table));
    let selection = Selection::default();
    Ok(if options.json {
        Json::List(vec![json::route(&listed, &here.devices, &selection, options.details)]).print(options.pretty)
    } else {
        text(&[listed], &here.devices, &selection, Manner::of(Flavour::Host, options))
    })
}

/// The routes that are meant, table by table: IPv4 first.
fn chosen(here: &Namespace, selection: &Selection, family: Family) -> Vec<Listed> {
    let others = here.policy.tables().map(|(id, table)| (id, table.iter().cloned().collect::<Vec<_>>()));
    let mut tables: Vec<_> = others.chain([(TableId::MAIN, here.routes.iter().cloned().collect())]).collect();
    // The kernel walks the 256 chains in which it keeps its tables.
    tables.sort_by_key(|(id, _)| (id.0 & 0xff, id.0));
    let mut all: Vec<Listed> = Vec::new();
    for (id, routes) in tables.into_iter().filter(|(id, _)| selection.is_in(*id)) {
        all.extend(ordered(routes.into_iter()).into_iter().map(|route| Listed::of(route, id)));
    }
    if selection.is_in(TableId::LOCAL) {
        all.extend(local(&here.devices));
    }
    all.retain(|listed| selection.includes(listed, family));
    all.sort_by_key(|listed| listed.route.dst.is_ipv6());
    all
}

/// The local table: what the addresses of devices that are up make of themselves.
fn local(devices: &Devices) -> Vec<Listed> {
    let up = || devices.values().filter(|device| device.up);
    let v4 = up().flat_map(|device| device.addresses.iter().flat_map(move |address| of_address(device, address.net)));
    let mut v4: Vec<Listed> = v4.collect();
    v4.sort_by_key(|listed| (listed.route.dst.network(), listed.route.dst.prefix()));
    let all: IpNetwork = "ff00::/8".parse().expect("it is a prefix");
    let speaks = up().filter(|device| !device.is_loopback() && device.ipv6 == Ipv6::Enabled);
    let groups = speaks.map(|device| Listed {
        kind: "multicast",
        route: Route { metric: V6_METRIC, protocol: Protocol::Kernel, ..Route::via(all, None, device.index) },
        table: TableId::LOCAL,
    });
    v4.extend(groups);
    v4
}

/// What one address puts into the local table.
fn of_address(device: &Device, net: IpNetwork) -> Vec<Listed> {
    let own = IpNetwork::from(net.ip());
    let entry = |kind, dst, scope| {
        let src = Some(net.ip()).filter(IpAddr::is_ipv4);
        let route = Route { src, protocol: Protocol::Kernel, scope, ..Route::via(dst, None, device.index) };
        Listed { kind, route, table: TableId::LOCAL }
    };
    let mut all = Vec::new();
    if device.is_loopback() && net.is_ipv4() && net.prefix() < 32 {
        all.push(entry("local", network_of(net), Scope::Host));
    }
    all.push(entry("local", own, Scope::Host));
    let last = broadcast(net).filter(|_| net.prefix() < 31);
    all.extend(last.map(|last| entry("broadcast", IpNetwork::from(IpAddr::V4(last)), Scope::Link)));
    all
}

/// The routes of IPv6's groups, which busybox shows although they are in another table.
fn multicasts(devices: &Devices, selection: &Selection, family: Family) -> String {
    let groups = local(devices).into_iter().filter(|listed| listed.kind == "multicast");
    let chosen = groups.filter(|listed| selection.includes(listed, family));
    let name = |listed: &Listed| listed.route.device.and_then(|index| devices.get(&index)).map(|d| d.name.clone());
    chosen
        .filter_map(|listed| Some((name(&listed)?, listed.route.dst)))
        .map(|(name, dst)| format!("multicast {dst} dev {name}  metric {V6_METRIC} \n"))
        .collect()
}

/// Routes as a text.
fn text(all: &[Listed], devices: &Devices, selection: &Selection, manner: Manner) -> String {
    all.iter().map(|listed| line(listed, devices, selection, manner) + "\n").collect()
}

/// Routes in the order in which the kernel walks its tables: IPv4 by address, IPv6 the same but the default last.
fn ordered(routes: impl Iterator<Item = Route>) -> Vec<Route> {
    let mut routes: Vec<Route> = routes.collect();
    routes.sort_by_key(|r| {
        let last = r.dst.is_ipv6() && r.dst.prefix() == 0;
        (last, r.dst.network(), 128 - r.dst.prefix(), u8::MAX - r.tos, r.metric)
    });
    routes
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
fn line(listed: &Listed, devices: &Devices, asked: &Selection, Manner { host, details, end }: Manner) -> String {
    let route = &listed.route;
    let kind = if listed.kind == "unicast" && !details { String::new() } else { format!("{} ", listed.kind) };
    let mut line = format!("{kind}{} ", destination(route.dst));
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
    } else if host && route.ways().next().is_none() && route.dst.is_ipv6() {
        // What IPv6 refuses goes to the loopback device.
        line.push_str("dev lo ");
    }
    let gap = if host { "" } else { " " };
    if host && asked.tells_table(listed, details) {
        let _ = write!(line, "table {} ", name(listed.table));
    }
    if host && asked.protocol.is_none() && (route.protocol != Protocol::Boot || details) {
        let _ = write!(line, "proto {} ", protocol(route.protocol));
    }
    let told = route.dst.is_ipv4() && route.scope != Scope::Global || host && details;
    if told && (!host || asked.scope.is_none()) {
        let scope = if route.dst.is_ipv4() { route.scope } else { Scope::Global };
        let _ = write!(line, "scope {} ", self::scope(scope));
    }
    if let Some(src) = route.src.filter(|src| !host || asked.src != Some(*src)) {
        let _ = write!(line, "{gap}src {src} ");
    }
    if route.metric > 0 || host && route.dst.is_ipv6() {
        let _ = write!(line, "{gap}metric {} ", route.metric);
    }
    if host && route.onlink {
        line.push_str("onlink ");
    }
    if host && device.is_some_and(|d| !d.carrier) && listed.kind == "unicast" {
        line.push_str("linkdown ");
    }
    if host {
        line += &super::metrics::text(&route.metrics);
    }
    if host && route.dst.is_ipv6() {
        line.push_str("pref medium");
    }
    line + &super::nexthop::text(route, devices, end)
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
        text(&chosen, &devices(), selection, Manner::of(flavour, &Options::default()))
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
        let kernel = Selection { protocol: Some(Protocol::Kernel), scope: Some(Scope::Link), ..Selection::default() };
        assert_eq!(
            listed(&kernel, Flavour::Host),
            "172.17.0.0/16 dev docker0 src 172.17.0.1 linkdown \n192.0.2.0/24 dev eth0 src 192.0.2.10 \n"
        );
        let via = Selection { via: Some("172.17.0.1".parse().unwrap()), ..Selection::default() };
        assert_eq!(listed(&via, Flavour::Host), "default dev eth0 \n");
    }
}
