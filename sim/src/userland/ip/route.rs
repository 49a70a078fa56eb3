//! `ip route`: shows the routing table, asks it for one destination, adds and removes routes.

mod answer;
pub(super) mod listing;
pub(super) mod metrics;
pub(super) mod nexthop;

use core::net::IpAddr;

use super::{Error, Family, Options, Refusal, Words, device, keyword, permit, prefix};
use crate::addr::{self, IpNetwork};
use crate::device::{IfIndex, Scope};
use crate::fabric::NamespaceId;
use crate::namespace::Namespace;
use crate::route::policy::TableId;
use crate::route::{Action, Hop, Metrics, Protocol, Route, Table};
use crate::userland::Sys;
use listing::Selection;

/// What the kernel gives its own routes of IPv6.
const V6_METRIC: u32 = 256;

#[derive(Clone, Copy)]
enum Verb {
    Show,
    Get,
    Add(Standing),
    Delete,
    Flush,
}

/// What `add` and its kin say of a route that may be there.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Standing {
    /// There must be none.
    New,
    /// There must be one.
    Known,
    /// Either.
    Any,
    /// It comes before those that are there.
    First,
    /// It comes behind those that are there.
    Last,
}

const VERBS: [(&str, Verb); 10] = [
    ("list", Verb::Show),
    ("show", Verb::Show),
    ("get", Verb::Get),
    ("add", Verb::Add(Standing::New)),
    ("change", Verb::Add(Standing::Known)),
    ("replace", Verb::Add(Standing::Any)),
    ("prepend", Verb::Add(Standing::First)),
    ("append", Verb::Add(Standing::Last)),
    ("delete", Verb::Delete),
    ("flush", Verb::Flush),
];

pub(super) fn run(
    sys: &mut Sys<'_>,
    namespace: NamespaceId,
    options: &Options,
    mut words: Words,
) -> Result<String, Error> {
    match words.command(&VERBS, Verb::Show)? {
        Verb::Show => return listing::show(sys, namespace, options, words),
        Verb::Get => return answer::run(sys, namespace, options, words),
        Verb::Add(standing) => add(sys, namespace, &Change::parse(words, options.family)?, standing),
        Verb::Delete => delete(sys, namespace, &Change::parse(words, options.family)?),
        Verb::Flush => return flush(sys, namespace, options, words),
    }
    .map(|()| String::new())
}

/// A route as `add`, `replace` and `del` name it.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Change {
    dst: IpNetwork,
    gateway: Option<IpAddr>,
    device: Option<String>,
    src: Option<IpAddr>,
    metric: Option<u32>,
    action: Action,
    protocol: Protocol,
    scope: Option<Scope>,
    table: TableId,
    onlink: bool,
    tos: u8,
    metrics: Metrics,
    hops: Vec<nexthop::Wish>,
}

impl Change {
    fn parse(mut words: Words, family: Family) -> Result<Self, Error> {
        let mut change = Self {
            dst: prefix("default", family)?,
            gateway: None,
            device: None,
            src: None,
            metric: None,
            action: Action::Unicast,
            protocol: Protocol::Boot,
            scope: None,
            table: TableId::MAIN,
            onlink: false,
            tos: 0,
            metrics: Metrics::NONE,
            hops: Vec::new(),
        };
        let mut dst = None;
        while let Some(word) = words.next_of(&keyword::ROUTE) {
            if !change.set(&word, &mut words)? && !metrics::set(&mut change.metrics, &word, &mut words)? {
                let word = if word == "to" { words.value()? } else { word };
                if dst.is_some() {
                    return Err(Error::Garbage { place: "to", word });
                }
                prefix(&word, family)?;
                dst = Some(word);
            }
        }
        let dst = dst.ok_or(Error::MissingRoute)?;
        // A default route is of the family of its gateway.
        let v6 = change.hops.first().map_or(change.gateway, |hop| hop.gateway).is_some_and(|g| g.is_ipv6());
        let is_open = family == Family::Any && matches!(dst.as_str(), "default" | "any" | "all");
        change.dst = prefix(&dst, if v6 && is_open { Family::V6 } else { family })?;
        Ok(change)
    }

    /// Takes in one word and its value; false when it is the destination.
    fn set(&mut self, word: &str, words: &mut Words) -> Result<bool, Error> {
        match word {
            "via" if self.gateway.is_some() => {
                let why = "use nexthop syntax to specify multiple via";
                return Err(Error::Wrong { word: word.to_owned(), why });
            }
            "via" => {
                let word = words.value()?;
                let said = matches!(word.as_str(), "inet" | "inet6");
                self.gateway = Some(address(&if said { words.value()? } else { word })?);
            }
            "dev" | "oif" => self.device = Some(words.value()?),
            "src" => self.src = Some(address(&words.value()?)?),
            "metric" | "priority" | "preference" => {
                let word = words.value()?;
                let wrong = Error::Wrong { word: word.clone(), why: "\"metric\" value is invalid" };
                self.metric = Some(word.parse().map_err(|_| wrong)?);
            }
            "protocol" => self.protocol = parse_protocol(words.value()?, "\"protocol\" value is invalid")?,
            "scope" => self.scope = Some(parse_scope(words.value()?, "invalid \"scope\" value")?),
            "table" => self.table = table(words.value()?, "\"table\" value is invalid")?,
            "onlink" => self.onlink = true,
            "tos" | "dsfield" => self.tos = service(words.value()?)?,
            "nexthop" => self.hops = nexthop::parse(words)?,
            "help" => return Err(Error::Help),
            "throw" => self.action = Action::Throw,
            "unicast" => self.action = Action::Unicast,
            "blackhole" => self.action = Action::Blackhole,
            "unreachable" => self.action = Action::Unreachable,
            "prohibit" => self.action = Action::Prohibit,
            _ => return Ok(false),
        }
        // What a type is said of follows it.
        let is_type = matches!(word, "unicast" | "blackhole" | "unreachable" | "prohibit" | "throw");
        if is_type && words.0.is_empty() { Err(Error::Incomplete) } else { Ok(true) }
    }

    /// Whether a route is the one that `del` names: what was not said may be anything.
    fn names(&self, route: &Route, device: Option<IfIndex>) -> bool {
        route.dst == self.dst
            && (self.action == Action::Unicast || route.action == self.action)
            && (self.tos == 0 || route.tos == self.tos)
            && (self.hops.is_empty() || self.hops.len() == route.hops.len())
            && self.hops.iter().zip(&route.hops).all(|(wish, hop)| wish.gateway.is_none_or(|g| hop.gateway == Some(g)))
            && self.gateway.is_none_or(|g| route.gateway == Some(g))
            && device.is_none_or(|d| route.device == Some(d))
            && self.metric.is_none_or(|m| route.metric == m)
            && self.src.is_none_or(|s| route.src == Some(s))
    }
}

fn address(word: &str) -> Result<IpAddr, Error> {
    word.parse().map_err(|_| Error::Expected { what: "inet address", word: word.to_owned() })
}

/// A table by its name or number.
pub(super) fn table(word: String, why: &'static str) -> Result<TableId, Error> {
    match word.as_str() {
        "local" => Ok(TableId::LOCAL),
        "main" => Ok(TableId::MAIN),
        "default" => Ok(TableId::DEFAULT),
        _ => number(&word).map(TableId).ok_or(Error::Wrong { word, why }),
    }
}

/// A number, decimal or hexadecimal.
pub(super) fn number(word: &str) -> Option<u32> {
    match word.strip_prefix("0x").or_else(|| word.strip_prefix("0X")) {
        Some(digits) => u32::from_str_radix(digits, 16).ok(),
        None => word.parse().ok(),
    }
}

/// A type of service, in hexadecimal with or without a sign of that.
pub(super) fn service(word: String) -> Result<u8, Error> {
    let digits = word.trim_start_matches("0x");
    u8::from_str_radix(digits, 16).map_err(|_| Error::Wrong { word, why: "TOS value is invalid" })
}

/// Who makes routes besides the kernel and people, by the names of `/etc/iproute2/rt_protos`.
const MAKERS: [(u8, &str); 20] = [
    (0, "unspec"),
    (1, "redirect"),
    (8, "gated"),
    (9, "ra"),
    (10, "mrt"),
    (11, "zebra"),
    (12, "bird"),
    (13, "dnrouted"),
    (14, "xorp"),
    (15, "ntk"),
    (16, "dhcp"),
    (18, "keepalived"),
    (42, "babel"),
    (99, "openr"),
    (186, "bgp"),
    (187, "isis"),
    (188, "ospf"),
    (189, "rip"),
    (192, "eigrp"),
    (196, "ovn"),
];

fn parse_protocol(word: String, why: &'static str) -> Result<Protocol, Error> {
    let by_name = MAKERS.into_iter().find(|(_, name)| *name == word).map(|(number, _)| u32::from(number));
    match word.as_str() {
        "kernel" | "2" => Ok(Protocol::Kernel),
        "boot" | "3" => Ok(Protocol::Boot),
        "static" | "4" => Ok(Protocol::Static),
        _ => {
            let number = by_name.or_else(|| number(&word)).and_then(|number| u8::try_from(number).ok());
            number.map(Protocol::Other).ok_or(Error::Wrong { word, why })
        }
    }
}

fn parse_scope(word: String, why: &'static str) -> Result<Scope, Error> {
    match word.as_str() {
        "global" => Ok(Scope::Global),
        "link" => Ok(Scope::Link),
        "host" => Ok(Scope::Host),
        _ => Err(Error::Wrong { word, why }),
    }
}

/// A table of a namespace that routes can be put into; the local one is made of addresses.
fn routes_of(here: &mut Namespace, id: TableId) -> Result<&mut Table, Refusal> {
    match id {
        TableId::MAIN => Ok(&mut here.routes),
        TableId::LOCAL => Err(Refusal::NotSupported),
        id => Ok(here.policy.table_mut(id)),
    }
}

fn add(sys: &mut Sys<'_>, namespace: NamespaceId, change: &Change, standing: Standing) -> Result<(), Error> {
    let route = plan(sys, namespace, change)?;
    let table = routes_of(sys.fabric().namespace_mut(namespace), change.table)?;
    let same = |r: &Route| r.stands_for(&route);
    let taken = table.iter().any(same);
    let placed = match standing {
        Standing::First => Some(table.prepend(route.clone())),
        Standing::Last => Some(join(table, &route) || table.append(route.clone())),
        Standing::New | Standing::Known | Standing::Any => None,
    };
    match placed {
        Some(true) => return Ok(()),
        Some(false) => return Err(Refusal::Exists.into()),
        None => {}
    }
    match standing {
        Standing::New if taken => return Err(Refusal::Exists.into()),
        Standing::Known if !taken => return Err(Refusal::NoEntry.into()),
        _ => {}
    }
    let same = |r: &Route| r.stands_for(&route);
    table.remove(same);
    if change.table == TableId::MAIN {
        return Ok(sys.fabric().add_route(namespace, route)?);
    }
    table.add(route);
    Ok(())
}

/// Of IPv6, one more gateway for the same packets makes a route with several hops.
fn join(table: &mut Table, route: &Route) -> bool {
    let same = |r: &&mut Route| r.dst.is_ipv6() && r.stands_for(route) && r.ways().all(|hop| hop.gateway.is_some());
    let Some(found) = table.iter_mut().find(same).filter(|_| route.gateway.is_some()) else { return false };
    let hops: Vec<Hop> = found.ways().chain(route.ways()).collect();
    found.set_hops(hops);
    true
}

/// The route that a change means, once everything that can be wrong with it was looked at.
fn plan(sys: &mut Sys<'_>, namespace: NamespaceId, change: &Change) -> Result<Route, Error> {
    let named = change.device.as_ref().map(|name| device(sys, namespace, name)).transpose()?;
    permit(sys)?;
    if addr::network_of(change.dst) != change.dst {
        return Err(Refusal::BadPrefix.into());
    }
    metrics::check(&change.metrics)?;
    let hops = hops(sys, namespace, change, named)?;
    let here = sys.fabric().namespace(namespace);
    // Of IPv6 each hop is a route of its own in the kernel, which stands there once.
    let twice =
        |at: usize| hops[..at].iter().any(|hop| (hop.gateway, hop.device) == (hops[at].gateway, hops[at].device));
    if change.dst.is_ipv6() && (1..hops.len()).any(twice) {
        return Err(Refusal::Exists.into());
    }
    if hops.iter().any(|hop| here.devices.get(&hop.device).is_some_and(|d| !d.up)) {
        return Err(Refusal::DeviceDown.into());
    }
    if change.src.is_some_and(|src| !here.devices.values().any(|d| d.has(src))) {
        return Err(Refusal::BadSource.into());
    }
    let direct = change.hops.is_empty() && hops.iter().all(|hop| hop.gateway.is_none());
    let scope = if direct && !hops.is_empty() { Scope::Link } else { Scope::Global };
    let mut route = Route {
        dst: change.dst,
        gateway: None,
        device: None,
        hops: Vec::new(),
        tos: change.tos,
        onlink: false,
        metrics: change.metrics.clone(),
        src: change.src,
        metric: change.metric.unwrap_or_else(|| if change.dst.is_ipv6() { 1024 } else { 0 }),
        action: change.action,
        protocol: change.protocol,
        scope: change.scope.unwrap_or(scope),
    };
    route.set_hops(hops);
    Ok(route)
}

/// The ways of a route that sends: one, or several.
fn hops(sys: &mut Sys<'_>, namespace: NamespaceId, change: &Change, named: Option<IfIndex>) -> Result<Vec<Hop>, Error> {
    let says_way = change.gateway.is_some() || named.is_some() || !change.hops.is_empty();
    match change.action {
        Action::Unicast if !change.hops.is_empty() && change.gateway.is_some() => Err(Refusal::OtherGateway.into()),
        Action::Unicast if change.hops.is_empty() => {
            let here = sys.fabric().namespace(namespace);
            let (gateway, onlink) = (change.gateway, change.onlink);
            Ok(vec![Hop { gateway, device: leading(here, gateway, named, onlink)?, weight: 1, onlink }])
        }
        Action::Unicast => change.hops.iter().map(|wish| one_of(sys, namespace, wish)).collect(),
        _ if says_way && change.dst.is_ipv4() => Err(Refusal::NoWayForType.into()),
        _ => Ok(Vec::new()),
    }
}

fn one_of(sys: &mut Sys<'_>, namespace: NamespaceId, wish: &nexthop::Wish) -> Result<Hop, Error> {
    let here = sys.fabric().namespace(namespace);
    let missing = |name: &String| Error::NoHopDevice(name.clone());
    let find = |name: &String| here.device_named(name).map(|device| device.index).ok_or_else(|| missing(name));
    let named = wish.device.as_ref().map(find).transpose()?;
    let device = leading(here, wish.gateway, named, wish.onlink)?;
    Ok(Hop { gateway: wish.gateway, device, weight: wish.weight, onlink: wish.onlink })
}

/// The device that leads to a gateway, or the one that was named.
fn leading(
    here: &Namespace,
    gateway: Option<IpAddr>,
    named: Option<IfIndex>,
    onlink: bool,
) -> Result<IfIndex, Refusal> {
    let Some(gateway) = gateway else { return named.ok_or(Refusal::NoDevice) };
    if gateway.is_ipv6() && here.is_local(gateway) {
        return Err(Refusal::LocalGateway);
    }
    on_link(here, gateway, named, onlink)
}

/// The device on whose link a next hop is.
fn on_link(here: &Namespace, gateway: IpAddr, named: Option<IfIndex>, onlink: bool) -> Result<IfIndex, Refusal> {
    if let (true, Some(index)) = (onlink, named) {
        return Ok(index);
    }
    let reaches = |r: &Route| {
        let up = r.device.is_some_and(|index| here.devices.get(&index).is_some_and(|d| d.up));
        up && r.gateway.is_none() && named.is_none_or(|index| r.device == Some(index))
    };
    if gateway.is_ipv6() {
        // The best route decides, and there must be nothing else to it than the link.
        let is_up = |index| here.devices.get(&index).is_some_and(|d| d.up);
        let of_link = matches!(gateway, IpAddr::V6(v6) if v6.is_unicast_link_local()) && named.is_some();
        let is_usable = |r: &Route| r.device.is_none_or(|index| is_up(index) && (!of_link || Some(index) == named));
        let best = here.routes.lookup(gateway, is_usable).filter(|r| reaches(r));
        return best.and_then(|r| r.device).ok_or(Refusal::HostUnreachable);
    }
    here.routes.lookup(gateway, reaches).and_then(|r| r.device).ok_or(Refusal::BadGateway)
}

fn delete(sys: &mut Sys<'_>, namespace: NamespaceId, change: &Change) -> Result<(), Error> {
    let device = change.device.as_ref().map(|name| device(sys, namespace, name)).transpose()?;
    permit(sys)?;
    let table = routes_of(sys.fabric().namespace_mut(namespace), change.table)?;
    if let Some(route) = table.iter().find(|r| change.names(r, device)).cloned() {
        table.remove(|r| *r == route);
        return Ok(());
    }
    // Of IPv6, one of several hops can be named.
    let by_it = |hop: &Hop| change.gateway.is_some() && hop.gateway == change.gateway;
    let named = |r: &&mut Route| r.dst.is_ipv6() && r.dst == change.dst && r.hops.iter().any(by_it);
    let route = table.iter_mut().find(named).ok_or(Refusal::NoProcess)?;
    let rest = route.hops.iter().copied().filter(|hop| !by_it(hop)).collect();
    route.set_hops(rest);
    Ok(())
}

fn flush(sys: &mut Sys<'_>, namespace: NamespaceId, options: &Options, words: Words) -> Result<String, Error> {
    if words.0.is_empty() {
        return Err(Error::FlushAll);
    }
    if words.0.iter().eq(["cache"]) {
        permit(sys)?;
        sys.fabric().namespace_mut(namespace).forget_path_mtus();
        return Ok(String::new());
    }
    let selection = Selection::parse(sys, namespace, options.family, words)?;
    permit(sys)?;
    let here = sys.fabric().namespace_mut(namespace);
    let ids: Vec<TableId> = here.policy.tables().map(|(id, _)| id).chain([TableId::MAIN]).collect();
    let mut count = 0;
    for id in ids.into_iter().filter(|id| selection.is_in(*id)) {
        let is_meant = |r: &Route| selection.includes(&listing::Listed::of(r.clone(), id), options.family);
        count += routes_of(here, id)?.remove(is_meant).len();
    }
    Ok(match count {
        _ if options.statistics == 0 => String::new(),
        0 => "Nothing to flush.\n".to_owned(),
        count => format!("\n*** Round 1, deleting {count} entries ***\n*** Flush is complete after 1 round ***\n"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn del_names_a_route_by_what_is_said() {
        let words = |line: &str| Words(line.split_whitespace().map(str::to_owned).collect());
        let parse = |line: &str| Change::parse(words(line), Family::Any);
        let routes = listing::tests::routes();
        let named = |line: &str| routes.iter().filter(|r| parse(line).unwrap().names(r, None)).count();
        assert_eq!([named("default"), named("default via 172.17.0.1"), named("default via 172.17.0.2")], [1, 1, 0]);
        assert_eq!(named("10.7.0.0/16 metric 5"), 1);
        assert_eq!(parse(""), Err(Error::MissingRoute));
        let what = "any valid prefix";
        assert_eq!(parse("foo dev eth0"), Err(Error::Expected { what, word: "foo".into() }));
    }

    #[test]
    fn a_table_has_a_name_or_a_number() {
        let id = |word: &str| table(word.to_owned(), "no");
        assert_eq!([id("main"), id("0x10"), id("100")], [Ok(TableId::MAIN), Ok(TableId(16)), Ok(TableId(100))]);
        assert_eq!(id("x"), Err(Error::Wrong { word: "x".into(), why: "no" }));
    }
}
