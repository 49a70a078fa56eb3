//! What iproute2 6.1 prints for `help`: a page for each object of `ip` and for each type of device. The pages lie in
//! `usage/` as the program prints them; who asked for one, and the exit code, is `error`'s affair.

use super::Object;

/// The page of an object.
pub(super) const fn of(object: Object) -> &'static str {
    match object {
        Object::Address => include_str!("usage/address.txt"),
        Object::Link => include_str!("usage/link.txt"),
        Object::Maddress => include_str!("usage/maddress.txt"),
        Object::Neighbour => include_str!("usage/neigh.txt"),
        Object::Nexthop => include_str!("usage/nexthop.txt"),
        Object::Netns => include_str!("usage/netns.txt"),
        Object::Route => include_str!("usage/route.txt"),
        Object::Rule => include_str!("usage/rule.txt"),
        Object::Monitor => include_str!("usage/monitor.txt"),
        Object::Tuntap => include_str!("usage/tuntap.txt"),
    }
}

/// The page of a type of device; none of a type that is not known here.
pub(super) fn of_type(kind: &str) -> Option<&'static str> {
    Some(match kind {
        "bridge_slave" => include_str!("usage/bridge_slave.txt"),
        "bridge" => include_str!("usage/bridge.txt"),
        "dummy" => include_str!("usage/dummy.txt"),
        "ipvlan" => include_str!("usage/ipvlan.txt"),
        "macvlan" => include_str!("usage/macvlan.txt"),
        "veth" => include_str!("usage/veth.txt"),
        "vlan" => include_str!("usage/vlan.txt"),
        "vxlan" => include_str!("usage/vxlan.txt"),
        _ => return None,
    })
}
