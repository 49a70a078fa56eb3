//! `ip route`: shows the routing table, asks it for one destination, adds and removes routes.

use core::fmt::Write as _;
use core::net::IpAddr;

use super::addr::scope;
use super::{Error, Family, Options, Refusal, Words, device, json, permit, prefix};
use crate::addr::{self, IpNetwork};
use crate::device::{Devices, IfIndex, Ipv6, Scope};
use crate::fabric::NamespaceId;
use crate::namespace::Namespace;
use crate::route::{Action, Protocol, Route};
use crate::time::Duration;
use crate::userland::json::Json;
use crate::userland::{Flavour, Sys};

/// What the kernel gives its own routes of IPv6.
const V6_METRIC: u32 = 256;

#[derive(Clone, Copy)]
enum Verb {
    Show,
    Get,
    Add,
    Replace,
    Delete,
    Flush,
}

const VERBS: [(&str, Verb); 8] = [
    ("list", Verb::Show),
    ("show", Verb::Show),
    ("get", Verb::Get),
    ("add", Verb::Add),
    ("change", Verb::Replace),
    ("replace", Verb::Replace),
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
        Verb::Show => return show(sys, namespace, options, words),
        Verb::Get => return lookup(sys, namespace, options.family, words),
        Verb::Add => add(sys, namespace, &Change::parse(words, options.family)?, false),
        Verb::Replace => add(sys, namespace, &Change::parse(words, options.family)?, true),
        Verb::Delete => delete(sys, namespace, &Change::parse(words, options.family)?),
        Verb::Flush => flush(sys, namespace, options.family, words),
    }
    .map(|()| String::new())
}

/// Which routes are meant by the words after `show` or `flush`.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
struct Selection {
    exact: Option<IpNetwork>,
    within: Option<IpNetwork>,
    around: Option<IpNetwork>,
    device: Option<IfIndex>,
}

impl Selection {
    fn parse(sys: &mut Sys<'_>, namespace: NamespaceId, family: Family, mut words: Words) -> Result<Self, Error> {
        let mut selection = Self::default();
        while let Some(word) = words.take_next() {
            match word.as_str() {
                "dev" => selection.device = Some(device(sys, namespace, &words.value()?)?),
                "table" if words.take("main") => {}
                "root" => selection.within = Some(prefix(&words.value()?, family)?),
                "match" => selection.around = Some(prefix(&words.value()?, family)?),
                "exact" | "to" => selection.exact = Some(prefix(&words.value()?, family)?),
                _ if selection.exact.is_some() => return Err(Error::Garbage { place: "to", word }),
                _ => selection.exact = Some(prefix(&word, family)?),
            }
        }
        Ok(selection)
    }

    /// Whether a route is meant; IPv6 ones only when asked for by `-6` or by a prefix.
    fn includes(&self, route: &Route, family: Family) -> bool {
        let named = [self.exact, self.within, self.around].into_iter().flatten().next();
        let v6 = family == Family::V6 || named.is_some_and(|net| net.is_ipv6());
        route.dst.is_ipv6() == v6
            && self.exact.is_none_or(|net| net == route.dst)
            && self.within.is_none_or(|net| holds(net, route.dst))
            && self.around.is_none_or(|net| holds(route.dst, net))
            && self.device.is_none_or(|index| route.device == Some(index))
    }
}

/// Whether `inner` lies within `outer`.
fn holds(outer: IpNetwork, inner: IpNetwork) -> bool {
    outer.prefix() <= inner.prefix() && outer.contains(inner.ip())
}

fn show(sys: &mut Sys<'_>, namespace: NamespaceId, options: &Options, words: Words) -> Result<String, Error> {
    let family = options.family;
    let selection = Selection::parse(sys, namespace, family, words)?;
    let flavour = sys.flavour();
    let here = sys.fabric().namespace(namespace);
    let chosen = here.routes.iter().filter(|r| selection.includes(r, family));
    if options.json {
        let all = ordered(chosen.copied());
        let all = all.iter().map(|route| json::route(route, &here.devices, selection.device)).collect();
        return Ok(Json::List(all).print(options.pretty));
    }
    let mut text = listing(chosen.copied(), &here.devices, selection.device, flavour);
    if flavour == Flavour::Busybox {
        text.push_str(&multicasts(&here.devices, &selection, family));
    }
    Ok(text)
}

/// The routes of IPv6's groups, which busybox shows although they are in another table.
fn multicasts(devices: &Devices, selection: &Selection, family: Family) -> String {
    let dst: IpNetwork = "ff00::/8".parse().expect("it is a prefix");
    let speaks = devices.values().filter(|d| d.up && !d.is_loopback() && d.ipv6 == Ipv6::Enabled);
    let routes = speaks.map(|device| (device, Route { metric: V6_METRIC, ..Route::via(dst, None, device.index) }));
    let chosen = routes.filter(|(_, route)| selection.includes(route, family));
    chosen.map(|(device, _)| format!("multicast {dst} dev {}  metric {V6_METRIC} \n", device.name)).collect()
}

/// Routes as a text, in the kernel's order.
fn listing(
    routes: impl Iterator<Item = Route>,
    devices: &Devices,
    hidden: Option<IfIndex>,
    flavour: Flavour,
) -> String {
    ordered(routes).iter().map(|route| line(route, devices, hidden, flavour) + "\n").collect()
}

/// Routes in the order in which the kernel walks its tables: IPv4 by address, IPv6 the same but the default last.
fn ordered(routes: impl Iterator<Item = Route>) -> Vec<Route> {
    let mut routes: Vec<Route> = routes.collect();
    routes.sort_by_key(|r| {
        let last = r.dst.is_ipv6() && r.dst.prefix() == 0;
        (last, r.dst.network(), 128 - r.dst.prefix(), r.metric)
    });
    routes
}

/// One route; the device is left out when it was asked for by name, but busybox prints it all the same.
fn line(route: &Route, devices: &Devices, hidden: Option<IfIndex>, flavour: Flavour) -> String {
    let mut line = format!("{}{} ", kind(route.action), destination(route.dst));
    if let Some(gateway) = route.gateway {
        let _ = write!(line, "via {gateway} ");
    }
    let device = route.device.and_then(|index| devices.get(&index));
    if let Some(device) = device.filter(|d| flavour == Flavour::Busybox || hidden != Some(d.index)) {
        let _ = write!(line, "dev {} ", device.name);
    }
    let gap = if flavour == Flavour::Busybox { " " } else { "" };
    if flavour == Flavour::Host {
        line.push_str(protocol(route.protocol));
    }
    if route.dst.is_ipv4() && route.scope != Scope::Global {
        let _ = write!(line, "scope {} ", scope(route.scope));
    }
    if let Some(src) = route.src {
        let _ = write!(line, "{gap}src {src} ");
    }
    if route.metric > 0 {
        let _ = write!(line, "{gap}metric {} ", route.metric);
    }
    if flavour == Flavour::Host && device.is_some_and(|d| !d.carrier) {
        line.push_str("linkdown ");
    }
    if flavour == Flavour::Host && route.dst.is_ipv6() {
        line.push_str("pref medium");
    }
    line
}

const fn kind(action: Action) -> &'static str {
    match action {
        Action::Unicast => "",
        Action::Blackhole => "blackhole ",
        Action::Unreachable => "unreachable ",
        Action::Prohibit => "prohibit ",
    }
}

const fn protocol(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Kernel => "proto kernel ",
        Protocol::Boot => "",
        Protocol::Static => "proto static ",
    }
}

/// `default`, an address, or a prefix.
pub(super) fn destination(dst: IpNetwork) -> String {
    let full = if dst.is_ipv4() { 32 } else { 128 };
    match dst.prefix() {
        0 => "default".to_owned(),
        length if length == full => dst.ip().to_string(),
        _ => dst.to_string(),
    }
}

fn lookup(sys: &mut Sys<'_>, namespace: NamespaceId, family: Family, mut words: Words) -> Result<String, Error> {
    words.take("to");
    let word = words.take_next().ok_or(Error::MissingDestination)?;
    let dst = prefix(&word, family)?.ip();
    let (flavour, now) = (sys.flavour(), sys.now());
    let here = sys.fabric().namespace(namespace);
    if here.devices.values().any(|d| d.up && d.has(dst)) || dst.is_loopback() {
        return Ok(local(dst, flavour));
    }
    let usable = |r: &Route| r.device.is_none_or(|index| here.devices.get(&index).is_some_and(|d| d.up));
    let route = here.routes.lookup(dst, usable).ok_or(Refusal::NetworkUnreachable)?;
    let src = route.src.or_else(|| here.source_for(dst));
    let narrow = here.known_path_mtu(now, dst);
    found(dst, route, src, narrow, &here.devices, flavour)
}

/// The answer for one of the host's own addresses.
fn local(dst: IpAddr, flavour: Flavour) -> String {
    match flavour {
        Flavour::Host => format!("local {dst} dev lo src {dst} uid 0 \n    cache <local> \n"),
        Flavour::Busybox => format!("local {dst} dev lo  src {dst} \n"),
    }
}

/// The answer for `dst` by `route`, from the address `src`, with what is known of a narrow place on the way.
fn found(
    dst: IpAddr,
    route: &Route,
    src: Option<IpAddr>,
    narrow: Option<(usize, Duration)>,
    devices: &Devices,
    flavour: Flavour,
) -> Result<String, Error> {
    match route.action {
        Action::Unicast => {}
        Action::Blackhole => return Err(Refusal::Invalid.into()),
        Action::Unreachable => return Err(Refusal::HostUnreachable.into()),
        Action::Prohibit => return Err(Refusal::Prohibited.into()),
    }
    let via = route.gateway.map(|g| format!("via {g} ")).unwrap_or_default();
    let dev = route.device.and_then(|i| devices.get(&i)).map(|d| format!("dev {} ", d.name)).unwrap_or_default();
    let src = src.map(|s| format!("src {s} ")).unwrap_or_default();
    let narrow = narrow.map(|(mtu, left)| format!("expires {}sec mtu {mtu} ", left.as_secs())).unwrap_or_default();
    Ok(match flavour {
        Flavour::Busybox => format!("{dst} {via}{dev} {src}\n"),
        Flavour::Host if dst.is_ipv4() => format!("{dst} {via}{dev}{src}uid 0 \n    cache {narrow}\n"),
        Flavour::Host => {
            let (proto, metric) = (protocol(route.protocol), route.metric);
            format!("{dst} from :: {via}{dev}{proto}{src}metric {metric} {narrow}pref medium\n")
        }
    })
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
    onlink: bool,
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
            onlink: false,
        };
        let mut dst = None;
        while let Some(word) = words.take_next() {
            if !change.set(&word, &mut words)? {
                dst = Some(if word == "to" { words.value()? } else { word });
            }
        }
        let v6 = change.gateway.is_some_and(|g| g.is_ipv6());
        let family = if v6 && family == Family::Any { Family::V6 } else { family };
        change.dst = prefix(&dst.ok_or(Error::Usage)?, family)?;
        Ok(change)
    }

    /// Takes in one word and its value; false when it is the destination.
    fn set(&mut self, word: &str, words: &mut Words) -> Result<bool, Error> {
        match word {
            "via" => {
                let word = words.value()?;
                let said = matches!(word.as_str(), "inet" | "inet6");
                self.gateway = Some(address(&if said { words.value()? } else { word })?);
            }
            "dev" | "oif" => self.device = Some(words.value()?),
            "src" => self.src = Some(address(&words.value()?)?),
            "metric" | "preference" => {
                let word = words.value()?;
                let wrong = Error::Wrong { word: word.clone(), why: "\"metric\" value is invalid" };
                self.metric = Some(word.parse().map_err(|_| wrong)?);
            }
            "proto" | "protocol" => self.protocol = parse_protocol(words.value()?)?,
            "scope" => self.scope = Some(parse_scope(words.value()?)?),
            "table" if words.take("main") => {}
            "onlink" => self.onlink = true,
            "unicast" => self.action = Action::Unicast,
            "blackhole" => self.action = Action::Blackhole,
            "unreachable" => self.action = Action::Unreachable,
            "prohibit" => self.action = Action::Prohibit,
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Whether a route is the one that `del` names: what was not said may be anything.
    fn names(&self, route: &Route, device: Option<IfIndex>) -> bool {
        route.dst == self.dst
            && (self.action == Action::Unicast || route.action == self.action)
            && self.gateway.is_none_or(|g| route.gateway == Some(g))
            && device.is_none_or(|d| route.device == Some(d))
            && self.metric.is_none_or(|m| route.metric == m)
            && self.src.is_none_or(|s| route.src == Some(s))
    }
}

fn address(word: &str) -> Result<IpAddr, Error> {
    word.parse().map_err(|_| Error::Expected { what: "inet address", word: word.to_owned() })
}

fn parse_protocol(word: String) -> Result<Protocol, Error> {
    match word.as_str() {
        "kernel" => Ok(Protocol::Kernel),
        "boot" => Ok(Protocol::Boot),
        "static" => Ok(Protocol::Static),
        _ => Err(Error::Wrong { word, why: "\"protocol\" value is invalid" }),
    }
}

fn parse_scope(word: String) -> Result<Scope, Error> {
    match word.as_str() {
        "global" => Ok(Scope::Global),
        "link" => Ok(Scope::Link),
        "host" => Ok(Scope::Host),
        _ => Err(Error::Wrong { word, why: "invalid \"scope\" value" }),
    }
}

fn add(sys: &mut Sys<'_>, namespace: NamespaceId, change: &Change, replace: bool) -> Result<(), Error> {
    let route = plan(sys, namespace, change)?;
    let same = |r: &Route| r.dst == route.dst && r.metric == route.metric;
    let taken = sys.fabric().namespace(namespace).routes.iter().any(same);
    if taken && !replace {
        return Err(Refusal::Exists.into());
    }
    if taken {
        sys.fabric().namespace_mut(namespace).routes.remove(same);
    }
    Ok(sys.fabric().add_route(namespace, route)?)
}

/// The route that a change means, once everything that can be wrong with it was looked at.
fn plan(sys: &mut Sys<'_>, namespace: NamespaceId, change: &Change) -> Result<Route, Error> {
    let named = change.device.as_ref().map(|name| device(sys, namespace, name)).transpose()?;
    permit(sys)?;
    if addr::network_of(change.dst) != change.dst {
        return Err(Refusal::BadPrefix.into());
    }
    let here = sys.fabric().namespace(namespace);
    if change.src.is_some_and(|src| !here.devices.values().any(|d| d.has(src))) {
        return Err(Refusal::BadSource.into());
    }
    let device = match (change.action, change.gateway) {
        (Action::Unicast, Some(gateway)) => Some(on_link(here, gateway, named, change.onlink)?),
        (Action::Unicast, None) => Some(named.ok_or(Refusal::NoDevice)?),
        (Action::Blackhole | Action::Unreachable | Action::Prohibit, _) => None,
    };
    if device.and_then(|index| here.devices.get(&index)).is_some_and(|d| !d.up) {
        return Err(Refusal::DeviceDown.into());
    }
    let scope = if device.is_some() && change.gateway.is_none() { Scope::Link } else { Scope::Global };
    Ok(Route {
        dst: change.dst,
        gateway: change.gateway,
        device,
        src: change.src,
        metric: change.metric.unwrap_or_else(|| if change.dst.is_ipv6() { 1024 } else { 0 }),
        action: change.action,
        protocol: change.protocol,
        scope: change.scope.unwrap_or(scope),
    })
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
    here.routes.lookup(gateway, reaches).and_then(|r| r.device).ok_or(Refusal::BadGateway)
}

fn delete(sys: &mut Sys<'_>, namespace: NamespaceId, change: &Change) -> Result<(), Error> {
    let device = change.device.as_ref().map(|name| device(sys, namespace, name)).transpose()?;
    permit(sys)?;
    let found = sys.fabric().namespace(namespace).routes.iter().find(|r| change.names(r, device)).copied();
    let route = found.ok_or(Refusal::NoProcess)?;
    sys.fabric().namespace_mut(namespace).routes.remove(|r| *r == route);
    Ok(())
}

fn flush(sys: &mut Sys<'_>, namespace: NamespaceId, family: Family, words: Words) -> Result<(), Error> {
    if words.0.is_empty() {
        return Err(Error::FlushAll);
    }
    if words.0.iter().eq(["cache"]) {
        permit(sys)?;
        sys.fabric().namespace_mut(namespace).forget_path_mtus();
        return Ok(());
    }
    let selection = Selection::parse(sys, namespace, family, words)?;
    permit(sys)?;
    sys.fabric().namespace_mut(namespace).routes.remove(|r| selection.includes(r, family));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::device::tests::{all, bridge, veth};
    use super::*;

    fn devices() -> Devices {
        let mut lost = bridge(3, "docker0", "02:42:4b:18:8e:39");
        lost.carrier = false;
        all([veth(2, "eth0", "02:00:00:00:00:02", 9), lost])
    }

    fn kernel(dst: &str, src: &str, device: u32) -> Route {
        let route = Route::via(dst.parse().unwrap(), None, IfIndex(device));
        Route { src: Some(src.parse().unwrap()), protocol: Protocol::Kernel, ..route }
    }

    fn routes() -> Vec<Route> {
        let default = Route::via("0.0.0.0/0".parse().unwrap(), Some("172.17.0.1".parse().unwrap()), IfIndex(2));
        let nowhere = Route { action: Action::Unreachable, device: None, metric: 5, ..default };
        let nowhere = Route { dst: "10.7.0.0/16".parse().unwrap(), gateway: None, ..nowhere };
        vec![kernel("192.0.2.0/24", "192.0.2.10", 2), nowhere, default, kernel("172.17.0.0/16", "172.17.0.1", 3)]
    }

    #[test]
    fn iproute2_lists_by_address_and_marks_links_that_are_down() {
        assert_eq!(
            listing(routes().into_iter(), &devices(), None, Flavour::Host),
            "default via 172.17.0.1 dev eth0 \n\
             unreachable 10.7.0.0/16 metric 5 \n\
             172.17.0.0/16 dev docker0 proto kernel scope link src 172.17.0.1 linkdown \n\
             192.0.2.0/24 dev eth0 proto kernel scope link src 192.0.2.10 \n"
        );
    }

    #[test]
    fn busybox_has_double_blanks_and_says_neither_who_nor_linkdown() {
        assert_eq!(
            listing(routes().into_iter(), &devices(), None, Flavour::Busybox),
            "default via 172.17.0.1 dev eth0 \n\
             unreachable 10.7.0.0/16  metric 5 \n\
             172.17.0.0/16 dev docker0 scope link  src 172.17.0.1 \n\
             192.0.2.0/24 dev eth0 scope link  src 192.0.2.10 \n"
        );
    }

    #[test]
    fn a_device_that_was_asked_for_is_not_repeated() {
        let link = Selection { device: Some(IfIndex(2)), ..Selection::default() };
        let chosen = routes().into_iter().filter(|r| link.includes(r, Family::Any));
        assert_eq!(
            listing(chosen, &devices(), link.device, Flavour::Host),
            "default via 172.17.0.1 \n192.0.2.0/24 proto kernel scope link src 192.0.2.10 \n"
        );
    }

    #[test]
    fn prefixes_choose_routes_within_around_or_exactly() {
        let count = |s: Selection| routes().iter().filter(|r| s.includes(r, Family::Any)).count();
        let net = |text: &str| Some(text.parse::<IpNetwork>().unwrap());
        assert_eq!(count(Selection { exact: net("0.0.0.0/0"), ..Selection::default() }), 1);
        assert_eq!(count(Selection { within: net("172.16.0.0/12"), ..Selection::default() }), 1);
        assert_eq!(count(Selection { around: net("172.17.0.9/32"), ..Selection::default() }), 2);
        assert_eq!(count(Selection { exact: net("::/0"), ..Selection::default() }), 0);
    }

    #[test]
    fn one_destination_is_answered_by_both() {
        let (dst, src) = ("172.17.0.9".parse().unwrap(), Some("172.17.0.1".parse().unwrap()));
        let answer = |flavour| found(dst, &routes()[3], src, None, &devices(), flavour).unwrap();
        assert_eq!(answer(Flavour::Host), "172.17.0.9 dev docker0 src 172.17.0.1 uid 0 \n    cache \n");
        assert_eq!(answer(Flavour::Busybox), "172.17.0.9 dev docker0  src 172.17.0.1 \n");
        let refused = found(dst, &routes()[1], src, None, &devices(), Flavour::Host);
        assert_eq!(refused, Err(Refusal::HostUnreachable.into()));
        assert_eq!(local(dst, Flavour::Host), "local 172.17.0.9 dev lo src 172.17.0.9 uid 0 \n    cache <local> \n");
    }

    #[test]
    fn del_names_a_route_by_what_is_said() {
        let parse =
            |line: &str| Change::parse(Words(line.split_whitespace().map(str::to_owned).collect()), Family::Any);
        let named = |line: &str| routes().iter().filter(|r| parse(line).unwrap().names(r, None)).count();
        assert_eq!([named("default"), named("default via 172.17.0.1"), named("default via 172.17.0.2")], [1, 1, 0]);
        assert_eq!(named("10.7.0.0/16 metric 5"), 1);
        assert_eq!(parse(""), Err(Error::Usage));
        let what = "any valid prefix";
        assert_eq!(parse("foo dev eth0"), Err(Error::Expected { what, word: "foo".into() }));
    }
}
