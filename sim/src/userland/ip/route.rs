//! `ip route`: shows the routing table, asks it for one destination, adds and removes routes.

mod answer;
pub(super) mod listing;

use core::net::IpAddr;

use super::{Error, Family, Options, Refusal, Words, device, permit, prefix};
use crate::addr::{self, IpNetwork};
use crate::device::{IfIndex, Scope};
use crate::fabric::NamespaceId;
use crate::namespace::Namespace;
use crate::route::policy::TableId;
use crate::route::{Action, Protocol, Route, Table};
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
    /// It comes behind those that are there.
    Last,
}

const VERBS: [(&str, Verb); 9] = [
    ("list", Verb::Show),
    ("show", Verb::Show),
    ("get", Verb::Get),
    ("add", Verb::Add(Standing::New)),
    ("change", Verb::Add(Standing::Known)),
    ("append", Verb::Add(Standing::Last)),
    ("replace", Verb::Add(Standing::Any)),
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
        };
        let mut dst = None;
        while let Some(word) = words.take_next() {
            if !change.set(&word, &mut words)? {
                let word = if word == "to" { words.value()? } else { word };
                prefix(&word, family)?;
                dst = Some(word);
            }
        }
        let v6 = change.gateway.is_some_and(|g| g.is_ipv6());
        let family = if v6 && family == Family::Any { Family::V6 } else { family };
        change.dst = prefix(&dst.ok_or(Error::MissingRoute)?, family)?;
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
            "proto" | "protocol" => self.protocol = parse_protocol(words.value()?, "\"protocol\" value is invalid")?,
            "scope" => self.scope = Some(parse_scope(words.value()?, "invalid \"scope\" value")?),
            "table" => self.table = table(words.value()?, "\"table\" value is invalid")?,
            "onlink" => self.onlink = true,
            "unicast" => self.action = Action::Unicast,
            "blackhole" => self.action = Action::Blackhole,
            "unreachable" => self.action = Action::Unreachable,
            "prohibit" => self.action = Action::Prohibit,
            _ => return Ok(false),
        }
        // What a type is said of follows it.
        let is_type = matches!(word, "unicast" | "blackhole" | "unreachable" | "prohibit");
        if is_type && words.0.is_empty() { Err(Error::Incomplete) } else { Ok(true) }
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

fn parse_protocol(word: String, why: &'static str) -> Result<Protocol, Error> {
    match word.as_str() {
        "kernel" => Ok(Protocol::Kernel),
        "boot" => Ok(Protocol::Boot),
        "static" => Ok(Protocol::Static),
        _ => Err(Error::Wrong { word, why }),
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
    let same = |r: &Route| r.dst == route.dst && r.metric == route.metric;
    let taken = table.iter().any(same);
    if standing == Standing::Last {
        return if table.append(route) { Ok(()) } else { Err(Refusal::Exists.into()) };
    }
    match standing {
        Standing::New if taken => return Err(Refusal::Exists.into()),
        Standing::Known if !taken => return Err(Refusal::NoEntry.into()),
        _ => {}
    }
    table.remove(same);
    if change.table == TableId::MAIN {
        return Ok(sys.fabric().add_route(namespace, route)?);
    }
    table.add(route);
    Ok(())
}

/// The route that a change means, once everything that can be wrong with it was looked at.
fn plan(sys: &mut Sys<'_>, namespace: NamespaceId, change: &Change) -> Result<Route, Error> {
    let named = change.device.as_ref().map(|name| device(sys, namespace, name)).transpose()?;
    permit(sys)?;
    if addr::network_of(change.dst) != change.dst {
        return Err(Refusal::BadPrefix.into());
    }
    let here = sys.fabric().namespace(namespace);
    if change.gateway.is_some_and(|gateway| gateway.is_ipv6() && here.is_local(gateway)) {
        return Err(Refusal::LocalGateway.into());
    }
    let device = match (change.action, change.gateway) {
        (Action::Unicast, Some(gateway)) => Some(on_link(here, gateway, named, change.onlink)?),
        (Action::Unicast, None) => Some(named.ok_or(Refusal::NoDevice)?),
        (Action::Blackhole | Action::Unreachable | Action::Prohibit, _) => None,
    };
    if device.and_then(|index| here.devices.get(&index)).is_some_and(|d| !d.up) {
        return Err(Refusal::DeviceDown.into());
    }
    if change.src.is_some_and(|src| !here.devices.values().any(|d| d.has(src))) {
        return Err(Refusal::BadSource.into());
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
    if gateway.is_ipv6() {
        // The best route decides, and there must be nothing else to it than the link.
        let is_usable = |r: &Route| r.device.is_none_or(|index| here.devices.get(&index).is_some_and(|d| d.up));
        let best = here.routes.lookup(gateway, is_usable).filter(|r| reaches(r));
        return best.and_then(|r| r.device).ok_or(Refusal::HostUnreachable);
    }
    here.routes.lookup(gateway, reaches).and_then(|r| r.device).ok_or(Refusal::BadGateway)
}

fn delete(sys: &mut Sys<'_>, namespace: NamespaceId, change: &Change) -> Result<(), Error> {
    let device = change.device.as_ref().map(|name| device(sys, namespace, name)).transpose()?;
    permit(sys)?;
    let table = routes_of(sys.fabric().namespace_mut(namespace), change.table)?;
    let route = table.iter().find(|r| change.names(r, device)).copied().ok_or(Refusal::NoProcess)?;
    table.remove(|r| *r == route);
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
        let is_meant = |r: &Route| selection.includes(&listing::Listed::of(*r, id), options.family);
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
