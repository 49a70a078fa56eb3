//! `route`: shows the IPv4 routing table in the old columns, adds and deletes routes. The table itself is
//! `crate::route`.

use core::net::{IpAddr, Ipv4Addr};

use super::{Errno, Flavour, Programs, Straight, Sys};
use crate::addr::{IpNetwork, Ipv4Network};
use crate::device::IfIndex;
use crate::namespace::LinkError;
use crate::route::policy::TableId;
use crate::route::{Action, Route};

/// Puts `route` on the path of hosts and containers.
pub fn add(programs: &mut Programs) {
    for flavour in [Flavour::Host, Flavour::Busybox] {
        programs.add(flavour, "route", || Box::new(Straight(run)));
    }
}

fn run(sys: &mut Sys<'_>) -> i32 {
    let words: Vec<String> = sys.argv()[1..].to_vec();
    let words: Vec<&str> = words.iter().map(String::as_str).filter(|w| *w != "-4").collect();
    match words.as_slice() {
        ["add", rest @ ..] => change(sys, rest, Verb::Add),
        ["del" | "delete", rest @ ..] => change(sys, rest, Verb::Delete),
        options => {
            let numeric = options.iter().any(|o| o.contains('n'));
            let network = sys.network();
            let name = |index| network.devices.get(&index).map_or("*", |d| d.name.as_str());
            let text = table(network.routes.iter(), name, numeric, sys.flavour());
            sys.print(text);
            0
        }
    }
}

/// The table in the columns of `netstat -r`, where metric, references and uses have made way for TCP's measures unless more
/// is asked for.
#[must_use]
pub fn listing(sys: &Sys<'_>, numeric: bool, extended: bool) -> String {
    let network = sys.network();
    let name = |index| network.devices.get(&index).map_or("*", |d| d.name.as_str());
    let plain = table(network.routes.iter(), name, numeric, sys.flavour());
    if extended {
        return plain;
    }
    let mut text = "Kernel IP routing table\n\
                    Destination     Gateway         Genmask         Flags   MSS Window  irtt Iface\n"
        .to_owned();
    for line in plain.lines().skip(2) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [dst, gateway, mask, flags, .., device] = words[..] else { continue };
        text += &format!("{dst:<15} {gateway:<15} {mask:<15} {flags:<5} {:>5} {:<5} {:>6} {device}\n", 0, 0, 0);
    }
    text
}

/// The whole table, sorted as the kernel lists it.
fn table<'a>(
    routes: impl Iterator<Item = &'a Route>,
    name: impl Fn(IfIndex) -> &'a str,
    numeric: bool,
    flavour: Flavour,
) -> String {
    let mut routes: Vec<&Route> = routes.filter(|r| r.dst.is_ipv4() && !is_for_many(r)).collect();
    routes.sort_by_key(|r| (r.dst.network(), 32 - r.dst.prefix(), r.metric));
    let mut text = "Kernel IP routing table\n\
                    Destination     Gateway         Genmask         Flags Metric Ref    Use Iface\n"
        .to_owned();
    for route in routes {
        // Of several hops the first is told.
        let hop = route.ways().next();
        text.push_str(&row(route, hop.map_or("*", |hop| name(hop.device)), numeric, flavour));
    }
    text
}

/// What is for everybody or for a group is not in `/proc/net/route`.
fn is_for_many(route: &Route) -> bool {
    matches!(route.action, Action::Broadcast | Action::Multicast)
}

fn row(route: &Route, device: &str, numeric: bool, flavour: Flavour) -> String {
    let refused = matches!(route.action, Action::Unreachable | Action::Prohibit);
    let (nowhere, dash) = match (refused, flavour) {
        (true, Flavour::Host) => ("-", true),
        (_, Flavour::Busybox) if !numeric => ("*", false),
        _ => ("0.0.0.0", false),
    };
    let dst = match (route.dst.prefix(), numeric) {
        (0, false) => "default".to_owned(),
        _ => route.dst.network().to_string(),
    };
    let gateway = route.ways().next().and_then(|hop| hop.gateway);
    let gateway = gateway.map_or_else(|| nowhere.to_owned(), |g| g.to_string());
    let (reference, device) = if dash { ("-", "-") } else { ("0", device) };
    let mask = route.dst.mask().to_string();
    let (flags, metric) = (flags(route, refused), route.metric);
    format!("{dst:<15} {gateway:<15} {mask:<15} {flags:<5} {metric:<6} {reference:<2} {:>7} {device}\n", 0)
}

fn flags(route: &Route, refused: bool) -> String {
    let mut flags = if refused { "!" } else { "U" }.to_owned();
    if route.ways().next().is_some_and(|hop| hop.gateway.is_some()) {
        flags.push('G');
    }
    if route.dst.prefix() == 32 {
        flags.push('H');
    }
    flags
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Verb {
    Add,
    Delete,
}

impl Verb {
    /// What net-tools and busybox say before the reason, with the exit code.
    fn failed(self, why: &str, flavour: Flavour) -> (String, i32) {
        let call = if self == Self::Add { "SIOCADDRT" } else { "SIOCDELRT" };
        match flavour {
            Flavour::Host => (format!("{call}: {why}\n"), 7),
            Flavour::Busybox => (format!("route: {call}: {why}\n"), 1),
        }
    }
}

/// A route as the words after `add` and `del` name it.
#[derive(Debug, Default, Eq, PartialEq)]
struct Named {
    dst: Option<IpNetwork>,
    gateway: Option<IpAddr>,
    device: Option<String>,
    metric: u32,
    reject: bool,
}

impl Named {
    /// None when a word makes no sense.
    fn parse(words: &[&str]) -> Option<Self> {
        let mut named = Self::default();
        let mut words = words.iter().copied();
        let mut mask = None;
        while let Some(word) = words.next() {
            match word {
                "-net" | "-host" => {}
                "gw" => named.gateway = Some(words.next()?.parse().ok()?),
                "dev" => named.device = Some(words.next()?.to_owned()),
                "netmask" => mask = Some(words.next()?.parse::<Ipv4Addr>().ok()?),
                "metric" => named.metric = words.next()?.parse().ok()?,
                "reject" => named.reject = true,
                "default" => named.dst = "0.0.0.0/0".parse().ok(),
                word if named.dst.is_none() => named.dst = Some(word.parse().ok()?),
                word => named.device = Some(word.to_owned()),
            }
        }
        if let (Some(IpAddr::V4(ip)), Some(mask)) = (named.dst.map(|net| net.ip()), mask) {
            named.dst = Some(IpNetwork::V4(Ipv4Network::with_netmask(ip, mask).ok()?));
        }
        Some(named)
    }
}

fn change(sys: &mut Sys<'_>, words: &[&str], verb: Verb) -> i32 {
    let flavour = sys.flavour();
    let outcome = match Named::parse(words).and_then(|named| Some((named.dst?, named))) {
        Some(_) if !sys.is_network_administrator() => Err(Errno::NotPermitted.to_string()),
        Some((dst, named)) if verb == Verb::Add => add_route(sys, dst, &named).map_err(|why| why.to_string()),
        Some((dst, named)) => delete_route(sys, dst, &named).map_err(str::to_owned),
        None => Err("Invalid argument".to_owned()),
    };
    let Err(why) = outcome else { return 0 };
    let (text, status) = verb.failed(&why, flavour);
    sys.eprint(text);
    status
}

fn add_route(sys: &mut Sys<'_>, dst: IpNetwork, named: &Named) -> Result<(), LinkError> {
    let network = sys.network();
    let given =
        named.device.as_ref().map(|name| network.device_named(name).map(|d| d.index).ok_or(LinkError::NoDevice));
    let is_up = |index: IfIndex| network.devices.get(&index).is_some_and(|d| d.up);
    let device = match (given, named.gateway) {
        _ if named.reject => None,
        (Some(device), _) => Some(device?),
        (None, Some(gateway)) => Some(network.device_towards(gateway, None, TableId::MAIN)?),
        (None, None) => return Err(LinkError::NoDevice),
    };
    if device.is_some_and(|index| !is_up(index)) {
        return Err(LinkError::NetworkDown);
    }
    let action = if named.reject { Action::Unreachable } else { Action::Unicast };
    let route = Route::via(dst, named.gateway, device.unwrap_or(IfIndex(0)));
    let route = Route { device, action, metric: named.metric, ..route };
    let namespace = sys.namespace_id();
    sys.fabric().add_route(namespace, route)
}

fn delete_route(sys: &mut Sys<'_>, dst: IpNetwork, named: &Named) -> Result<(), &'static str> {
    let network = sys.network();
    let device = named.device.as_ref().and_then(|name| network.device_named(name)).map(|d| d.index);
    let meant = |r: &&Route| {
        r.dst == dst
            && named.gateway.is_none_or(|g| r.gateway == Some(g))
            && device.is_none_or(|index| r.device == Some(index))
    };
    let route = network.routes.iter().find(meant).cloned().ok_or("No such process")?;
    let namespace = sys.namespace_id();
    sys.fabric().namespace_mut(namespace).routes.remove(|r| *r == route);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn routes() -> Vec<Route> {
        let via = |dst: &str, gateway: Option<&str>| {
            Route::via(dst.parse().unwrap(), gateway.map(|g| g.parse().unwrap()), IfIndex(2))
        };
        let refused = Route { action: Action::Unreachable, device: None, metric: 5, ..via("10.7.0.0/16", None) };
        vec![via("10.1.0.0/24", None), refused, via("0.0.0.0/0", Some("10.1.0.9")), via("10.71.1.1/32", None)]
    }

    #[test]
    fn the_table_has_the_old_columns() {
        let head = "Kernel IP routing table\n\
                    Destination     Gateway         Genmask         Flags Metric Ref    Use Iface\n";
        let text = table(routes().iter(), |_| "br0", true, Flavour::Host);
        assert_eq!(
            text.strip_prefix(head).unwrap(),
            "0.0.0.0         10.1.0.9        0.0.0.0         UG    0      0        0 br0\n\
             10.1.0.0        0.0.0.0         255.255.255.0   U     0      0        0 br0\n\
             10.7.0.0        -               255.255.0.0     !     5      -        0 -\n\
             10.71.1.1       0.0.0.0         255.255.255.255 UH    0      0        0 br0\n"
        );
        let text = table(routes().iter(), |_| "br0", false, Flavour::Busybox);
        assert!(text.contains("default         10.1.0.9        0.0.0.0         UG    0      0        0 br0\n"));
        assert!(text.contains("10.7.0.0        *               255.255.0.0     !     5      0        0 *\n"));
    }

    #[test]
    fn a_net_may_have_its_mask_apart() {
        let named = Named::parse(&["-net", "10.70.0.0", "netmask", "255.255.0.0", "gw", "10.1.0.5"]).unwrap();
        assert_eq!((named.dst, named.gateway), ("10.70.0.0/16".parse().ok(), "10.1.0.5".parse().ok()));
        assert_eq!(Named::parse(&["default", "gw"]), None);
        let text = Verb::Add.failed("Network is unreachable", Flavour::Host);
        assert_eq!(text, ("SIOCADDRT: Network is unreachable\n".to_owned(), 7));
    }
}
