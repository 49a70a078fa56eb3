//! `ip route`: shows the routing table, asks it for one destination, adds and removes routes.

mod answer;
pub(super) mod listing;
pub(super) mod metrics;
pub(super) mod nexthop;
pub(super) mod realm;

use core::net::IpAddr;

use super::{Error, Family, Options, Refusal, Words, device, keyword, permit, prefix};
use crate::addr::{self, IpNetwork};
use crate::device::{Device, IfIndex, Ipv6, Scope};
use crate::fabric::NamespaceId;
use crate::namespace::{GatewayError, Namespace};
use crate::route::policy::TableId;
use crate::route::{Action, Hop, Metrics, Named, NexthopId, Preference, Protocol, Realms, Route, Table};
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
    /// What it does, where it is said.
    action: Option<Action>,
    protocol: Option<Protocol>,
    scope: Option<Scope>,
    /// Its table, where it is said.
    table: Option<TableId>,
    onlink: bool,
    tos: u8,
    metrics: Metrics,
    hops: Vec<nexthop::Wish>,
    /// The next hop that it names.
    named: Option<NexthopId>,
    realms: Realms,
    preference: Preference,
}

impl Change {
    fn parse(mut words: Words, family: Family) -> Result<Self, Error> {
        let mut change = Self {
            dst: prefix("default", family)?,
            gateway: None,
            device: None,
            src: None,
            metric: None,
            action: None,
            protocol: None,
            scope: None,
            table: None,
            onlink: false,
            tos: 0,
            metrics: Metrics::NONE,
            hops: Vec::new(),
            named: None,
            realms: Realms::NONE,
            preference: Preference::Medium,
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
        if change.dst.is_ipv6() {
            // Of IPv6 the kernel takes the prefix and leaves what is behind it.
            change.dst = addr::network_of(change.dst);
        }
        let gateways = change.hops.iter().filter_map(|hop| hop.gateway).chain(change.gateway);
        match gateways.into_iter().find(|gateway| gateway.is_ipv4() && change.dst.is_ipv6()) {
            Some(word) => Err(Error::Expected { what: "inet6 address", word: word.to_string() }),
            None => Ok(change),
        }
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
            "protocol" => self.protocol = Some(parse_protocol(words.value()?, "\"protocol\" value is invalid")?),
            "scope" => self.scope = Some(parse_scope(words.value()?, "invalid \"scope\" value")?),
            "table" => self.table = Some(table(words.value()?, "\"table\" value is invalid")?),
            "onlink" => self.onlink = true,
            "tos" | "dsfield" => self.tos = service(words.value()?)?,
            "nexthop" => self.hops = nexthop::parse(words)?,
            "help" => return Err(Error::Help),
            "throw" => self.action = Some(Action::Throw),
            "unicast" => self.action = Some(Action::Unicast),
            "blackhole" => self.action = Some(Action::Blackhole),
            "unreachable" => self.action = Some(Action::Unreachable),
            "prohibit" => self.action = Some(Action::Prohibit),
            "local" => self.action = Some(Action::Local),
            "broadcast" => self.action = Some(Action::Broadcast),
            "anycast" => self.action = Some(Action::Anycast),
            "multicast" => self.action = Some(Action::Multicast),
            "nat" | "xresolve" => return Err(Refusal::RetiredType.into()),
            "realms" => self.realms = realms(words.value()?)?,
            "pref" => self.preference = preference(words.value()?)?,
            "nhid" => {
                let word = words.value()?;
                let id = number(&word).ok_or(Error::Wrong { word, why: "\"id\" value is invalid" })?;
                self.named = (id != 0).then_some(NexthopId(id));
            }
            "expires" | "from" | "encap" => return Err(Refusal::NotSupported.into()),
            _ => return Ok(false),
        }
        // What a type is said of follows it.
        let is_type = TYPES.contains(&word);
        if is_type && words.0.is_empty() { Err(Error::Incomplete) } else { Ok(true) }
    }

    /// The table that it is about: what is for this host has one of its own.
    fn table(&self) -> TableId {
        let is_own = matches!(self.action, Some(Action::Local | Action::Broadcast | Action::Anycast));
        self.table.unwrap_or(if is_own { TableId::LOCAL } else { TableId::MAIN })
    }

    /// How far it reaches, where that is said or follows from what it does. IPv6 knows nothing of that.
    fn scope(&self) -> Option<Scope> {
        let usual = match self.action {
            Some(Action::Local) => Some(Scope::HOST),
            Some(Action::Broadcast | Action::Multicast | Action::Anycast) => Some(Scope::LINK),
            _ => None,
        };
        self.scope.or(usual).filter(|_| self.dst.is_ipv4())
    }

    /// Whether it says a way by itself.
    fn says_way(&self) -> bool {
        self.gateway.is_some() || self.device.is_some() || !self.hops.is_empty()
    }

    /// Whether a route is the one that `del` names: what was not said may be anything. Of IPv6 one by a next hop with a
    /// number is meant by little (`ip6_route_del`); of IPv4 it is not meant by its way (`fib_nh_match`).
    fn names(&self, route: &Route, device: Option<IfIndex>) -> bool {
        let same_metric = self.metric.is_none_or(|m| route.metric == m);
        let same_maker = self.protocol.is_none_or(|protocol| route.protocol == protocol);
        match route.named {
            None if self.named.is_some() => return false,
            Some(named) if self.named.is_some_and(|id| named.id != id) => return false,
            Some(_) if route.dst.is_ipv6() => return route.dst == self.dst && same_metric && same_maker,
            Some(_) if self.says_way() => return false,
            _ => {}
        }
        let does = route.named.map_or(route.action, |named| named.action);
        route.dst == self.dst
            && self.action.is_none_or(|action| does == action)
            && same_maker
            && self.scope.is_none_or(|scope| route.scope == scope)
            && (self.tos == 0 || route.tos == self.tos)
            && (self.hops.is_empty() || self.hops.len() == route.hops.len())
            && self.hops.iter().zip(&route.hops).all(|(wish, hop)| wish.gateway.is_none_or(|g| hop.gateway == Some(g)))
            && self.gateway.is_none_or(|g| route.gateway == Some(g))
            && device.is_none_or(|d| route.device == Some(d))
            && same_metric
            && self.src.is_none_or(|s| route.src == Some(s))
            // The kernel looks at realms where a way is said (`fib_nh_match`).
            && (self.realms.is_none() || !self.says_way() || route.dst.is_ipv6() || route.realms == self.realms)
    }
}

/// The types of routes.
const TYPES: [&str; 9] =
    ["unicast", "local", "broadcast", "anycast", "multicast", "blackhole", "unreachable", "prohibit", "throw"];

/// Realms, of which the kernel keeps those of IPv4.
fn realms(word: String) -> Result<Realms, Error> {
    realm::parse(&word).ok_or(Error::Wrong { word, why: "\"realm\" value is invalid" })
}

/// How much a router is preferred; numbers that mean nothing are for the kernel to pass over.
fn preference(word: String) -> Result<Preference, Error> {
    match (word.as_str(), number(&word)) {
        ("low", _) | (_, Some(3)) => Ok(Preference::Low),
        ("high", _) | (_, Some(1)) => Ok(Preference::High),
        ("medium", _) | (_, Some(0..=255)) => Ok(Preference::Medium),
        _ => Err(Error::Wrong { word, why: "\"pref\" value is invalid" }),
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
        // Where no table is said.
        "0" => Ok(TableId::MAIN),
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

/// Who is said to make a route or a rule.
pub(super) fn parse_protocol(word: String, why: &'static str) -> Result<Protocol, Error> {
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
    Scope::parse(&word).ok_or(Error::Wrong { word, why })
}

/// A table of a namespace. What addresses put into the local one is not in it.
fn routes_of(here: &mut Namespace, id: TableId) -> &mut Table {
    if id == TableId::MAIN { &mut here.routes } else { here.policy.table_mut(id) }
}

fn add(sys: &mut Sys<'_>, namespace: NamespaceId, change: &Change, standing: Standing) -> Result<(), Error> {
    let route = plan(sys, namespace, change)?;
    let here = sys.fabric().namespace_mut(namespace);
    // An address stands in the local table of IPv4 like a route without a metric.
    let of_address = change.table() == TableId::LOCAL && listing::is_of_address(here, &route);
    if of_address {
        return Err(if standing == Standing::New { Refusal::Exists } else { Refusal::NotSupported }.into());
    }
    let table = routes_of(here, change.table());
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
        Standing::Known if !taken && route.dst.is_ipv6() => return Err(Refusal::NothingToReplace.into()),
        Standing::Known if !taken => return Err(Refusal::NoEntry.into()),
        _ => {}
    }
    if taken {
        table.replace(route);
        return Ok(());
    }
    if change.table() == TableId::MAIN {
        return Ok(sys.fabric().add_route(namespace, route)?);
    }
    table.add(route);
    Ok(())
}

/// Of IPv6, one more gateway for the same packets makes a route with several hops.
fn join(table: &mut Table, route: &Route) -> bool {
    let same = |r: &&mut Route| r.is_joinable() && r.stands_for(route);
    let Some(found) = table.iter_mut().find(same).filter(|_| route.is_joinable()) else { return false };
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
    if let Some(id) = change.named {
        return by_number(sys.fabric().namespace(namespace), change, id);
    }
    check_scope(change)?;
    let hops = hops(sys, namespace, change, named)?;
    let here = sys.fabric().namespace(namespace);
    // Of IPv6 each hop is a route of its own in the kernel, which stands there once.
    let twice =
        |at: usize| hops[..at].iter().any(|hop| (hop.gateway, hop.device) == (hops[at].gateway, hops[at].device));
    if change.dst.is_ipv6() && (1..hops.len()).any(twice) {
        return Err(Refusal::Exists.into());
    }
    let any = |holds: fn(&Device) -> bool| hops.iter().any(|hop| here.devices.get(&hop.device).is_some_and(holds));
    if change.dst.is_ipv6() && any(|device| device.ipv6 == Ipv6::Disabled) {
        return Err(Refusal::NoIpv6Onward.into());
    }
    let stays_here = change.scope() == Some(Scope::HOST);
    if !stays_here && any(|device| !device.up) {
        return Err(if change.dst.is_ipv6() { Refusal::NexthopDown } else { Refusal::DeviceDown }.into());
    }
    check_source(here, change)?;
    let v4 = change.dst.is_ipv4();
    if v4 && change.gateway.is_some() && change.scope().is_some_and(|scope| scope >= Scope::LINK) {
        return Err(Refusal::BadGateway.into());
    }
    if v4 && change.onlink && change.gateway.is_none() {
        return Err(Refusal::IdleOnlink.into());
    }
    let direct = change.hops.is_empty() && hops.iter().all(|hop| hop.gateway.is_none());
    let scope = if direct && !hops.is_empty() { Scope::LINK } else { Scope::GLOBAL };
    let mut route = without_way(change, scope);
    if hops.is_empty() {
        return Ok(route);
    }
    route.set_hops(hops);
    route.preference = change.preference;
    Ok(route)
}

/// The address that new packets shall get is one of ours.
fn check_source(here: &Namespace, change: &Change) -> Result<(), Refusal> {
    match change.src {
        Some(src) if !here.devices.values().any(|d| d.has(src)) => {
            Err(if change.dst.is_ipv6() { Refusal::BadRuleSource } else { Refusal::BadSource })
        }
        _ => Ok(()),
    }
}

/// A route as it is asked for, but for where it goes; `scope` is how far it reaches unless that is said.
fn without_way(change: &Change, scope: Scope) -> Route {
    Route {
        dst: change.dst,
        gateway: None,
        device: None,
        hops: Vec::new(),
        named: None,
        tos: change.tos,
        onlink: false,
        metrics: change.metrics.clone(),
        realms: realms_of(change),
        preference: Preference::Medium,
        src: change.src,
        metric: change.metric.unwrap_or_else(|| if change.dst.is_ipv6() { 1024 } else { 0 }),
        action: change.action.unwrap_or(Action::Unicast),
        protocol: change.protocol.unwrap_or(Protocol::Boot),
        scope: change.scope().or(change.scope).unwrap_or(scope),
    }
}

/// What the kernel says of how far a route of IPv4 reaches (`fib_create_info`).
fn check_scope(change: &Change) -> Result<(), Refusal> {
    let least = match change.action {
        Some(Action::Local) => Scope::HOST,
        Some(Action::Broadcast | Action::Anycast) => Scope::LINK,
        _ => Scope::GLOBAL,
    };
    match change.scope() {
        Some(scope) if scope < least => Err(Refusal::RetiredType),
        Some(Scope::HOST) if change.hops.len() > 1 => Err(Refusal::WaysOfHost),
        Some(Scope::HOST) if change.gateway.is_some() => Err(Refusal::GatewayOfHost),
        _ => Ok(()),
    }
}

/// A route by a next hop that has a number.
fn by_number(here: &Namespace, change: &Change, id: NexthopId) -> Result<Route, Error> {
    if change.says_way() {
        return Err(Refusal::NexthopAndWay.into());
    }
    let nexthop = here.nexthops.get(id).ok_or(Refusal::NoSuchNexthop)?;
    if change.dst.is_ipv6() && here.nexthops.has_v4(nexthop) {
        return Err(Refusal::NexthopFamily.into());
    }
    let mut route = without_way(change, Scope::GLOBAL);
    route.named = Some(Named { id, action: route.action });
    route.preference = change.preference;
    here.nexthops.lead(&mut route);
    let is_far = |least: Scope| route.dst.is_ipv6() || route.scope < least;
    match () {
        () if !is_far(Scope::HOST) && route.hops.len() > 1 => return Err(Refusal::WaysOfHost.into()),
        () if !is_far(Scope::HOST) && route.gateway.is_some() => return Err(Refusal::GatewayOfHost.into()),
        () if !is_far(Scope::LINK) && route.onlink => return Err(Refusal::ScopeMismatch.into()),
        () => {}
    }
    check_source(here, change)?;
    Ok(route)
}

/// The ways of a route that sends: one, or several.
fn hops(sys: &mut Sys<'_>, namespace: NamespaceId, change: &Change, named: Option<IfIndex>) -> Result<Vec<Hop>, Error> {
    let says_way = change.gateway.is_some() || named.is_some() || !change.hops.is_empty();
    let action = change.action.unwrap_or(Action::Unicast);
    match action.sends() || action == Action::Local {
        true if !change.hops.is_empty() && change.gateway.is_some() => Err(Refusal::OtherGateway.into()),
        true if change.hops.is_empty() => {
            let here = sys.fabric().namespace(namespace);
            let (gateway, onlink) = (change.gateway, change.onlink);
            Ok(vec![Hop {
                gateway,
                device: leading(here, gateway, named, onlink, change.table())?,
                weight: 1,
                onlink,
                realms: realms_of(change),
            }])
        }
        true => {
            let hops: Vec<Hop> =
                change.hops.iter().map(|wish| one_of(sys, namespace, change, wish)).collect::<Result<_, _>>()?;
            let is_said = change.dst.is_ipv4() && !change.realms.is_none();
            let differs = is_said && hops.first().is_some_and(|hop| hop.realms != change.realms);
            if differs { Err(Refusal::OtherRealms.into()) } else { Ok(hops) }
        }
        false if says_way && change.dst.is_ipv4() => Err(Refusal::NoWayForType.into()),
        false => Ok(Vec::new()),
    }
}

/// The realms of its way: IPv6 knows none.
fn realms_of(change: &Change) -> Realms {
    if change.dst.is_ipv4() { change.realms } else { Realms::NONE }
}

fn one_of(sys: &mut Sys<'_>, namespace: NamespaceId, change: &Change, wish: &nexthop::Wish) -> Result<Hop, Error> {
    let here = sys.fabric().namespace(namespace);
    let missing = |name: &String| Error::NoHopDevice(name.clone());
    let find = |name: &String| here.device_named(name).map(|device| device.index).ok_or_else(|| missing(name));
    let named = wish.device.as_ref().map(find).transpose()?;
    let device = leading(here, wish.gateway, named, wish.onlink, change.table())?;
    let realms = if change.dst.is_ipv4() { wish.realms } else { Realms::NONE };
    Ok(Hop { gateway: wish.gateway, device, weight: wish.weight, onlink: wish.onlink, realms })
}

/// The device that leads to a gateway, or the one that was named.
pub(super) fn leading(
    here: &Namespace,
    gateway: Option<IpAddr>,
    named: Option<IfIndex>,
    onlink: bool,
    table: TableId,
) -> Result<IfIndex, Refusal> {
    let Some(gateway) = gateway else { return named.ok_or(Refusal::NoDevice) };
    let is_own = gateway.is_ipv6() && here.has_address(gateway);
    if let (true, false, Some(index)) = (onlink, is_own, named) {
        return Ok(index);
    }
    here.device_towards(gateway, named, table).map_err(|error| match error {
        GatewayError::OffLink if gateway.is_ipv6() => Refusal::HostUnreachable,
        GatewayError::OffLink => Refusal::BadGateway,
        GatewayError::Down => Refusal::Down,
        GatewayError::Own => Refusal::LocalGateway,
        GatewayError::NoDevice => Refusal::NoEgress,
        GatewayError::Loopback => Refusal::LoopbackEgress,
    })
}

fn delete(sys: &mut Sys<'_>, namespace: NamespaceId, change: &Change) -> Result<(), Error> {
    let device = change.device.as_ref().map(|name| device(sys, namespace, name)).transpose()?;
    permit(sys)?;
    let here = sys.fabric().namespace_mut(namespace);
    let of_address =
        change.table() == TableId::LOCAL && listing::are_of_addresses(here).any(|r| change.names(&r, device));
    let table = routes_of(here, change.table());
    if let Some(route) = table.iter().find(|r| change.names(r, device)).cloned() {
        table.remove(|r| *r == route);
        return Ok(());
    }
    // Of IPv6, one of several hops can be named.
    let by_it = |hop: &Hop| change.gateway.is_some() && hop.gateway == change.gateway;
    let named = |r: &&mut Route| r.is_joinable() && r.dst == change.dst && r.hops.iter().any(by_it);
    if of_address {
        // What comes with an address goes with it alone here.
        return Err(Refusal::NotSupported.into());
    }
    // The root of a table of IPv6 is always there, without a route.
    let missing = if change.dst.is_ipv6() && change.dst.prefix() == 0 { Refusal::NoEntry } else { Refusal::NoProcess };
    let route = table.iter_mut().find(named).ok_or(missing)?;
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
    let (mut gone, mut stays) = (Vec::new(), false);
    for id in ids.into_iter().filter(|id| selection.is_in(*id)) {
        let is_meant = |r: &Route| selection.includes(&listing::Listed::of(r.clone(), id), options.family);
        let table = routes_of(here, id);
        // iproute2 names the way besides the number, which the kernel refuses.
        stays |= table.iter().any(|r| r.named.is_some() && is_meant(r));
        let routes = table.remove(|r| r.named.is_none() && is_meant(r));
        gone.extend(routes.into_iter().map(|route| listing::Listed::of(route, id)));
    }
    if stays {
        return Err(Error::FlushRefused(Refusal::Invalid));
    }
    let count = gone.len();
    let told = if options.statistics > 1 { listing::told(&gone, here, &selection, options) } else { String::new() };
    Ok(match count {
        _ if options.statistics == 0 => String::new(),
        0 => "Nothing to flush.\n".to_owned(),
        count => {
            format!("{told}\n*** Round 1, deleting {count} entries ***\n*** Flush is complete after 1 round ***\n")
        }
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
