//! The routing table: longest prefix first, then the lowest metric, then the order of adding. It picks a next hop and a
//! source address; it forwards nothing.

pub mod policy;

use core::net::IpAddr;

use ipnetwork::IpNetwork;

use crate::device::Scope;
use crate::id::IfIndex;

/// What a route does with a packet.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Action {
    /// Sends it out.
    Unicast,
    /// Drops it in silence.
    Blackhole,
    /// Answers with host unreachable.
    Unreachable,
    /// Answers with administratively prohibited.
    Prohibit,
}

/// Who put a route there, as `ip route` prints it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Protocol {
    /// The kernel, for an address: `proto kernel`.
    Kernel,
    /// Somebody by hand, `boot`, which `ip` does not print.
    Boot,
    /// A manager: `proto static`.
    Static,
}

/// A route.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Route {
    /// The destinations; `0.0.0.0/0` or `::/0` is the default route.
    pub dst: IpNetwork,
    /// The next hop; none on the link itself.
    pub gateway: Option<IpAddr>,
    /// The device; none for routes that send nothing.
    pub device: Option<IfIndex>,
    /// The source address that new packets get.
    pub src: Option<IpAddr>,
    /// Lower is better.
    pub metric: u32,
    /// What it does.
    pub action: Action,
    /// Who made it.
    pub protocol: Protocol,
    /// How far the destination is: link when there is no gateway.
    pub scope: Scope,
}

impl Route {
    /// A route to `dst` by `gateway`, if any, out of `device`.
    #[must_use]
    pub const fn via(dst: IpNetwork, gateway: Option<IpAddr>, device: IfIndex) -> Self {
        Self {
            dst,
            gateway,
            device: Some(device),
            src: None,
            metric: 0,
            action: Action::Unicast,
            protocol: Protocol::Boot,
            scope: if gateway.is_some() { Scope::Global } else { Scope::Link },
        }
    }
}

/// All routes of a namespace, v4 and v6.
#[derive(Clone, Debug, Default)]
pub struct Table {
    routes: Vec<Route>,
}

impl Table {
    /// Adds a route; false when the same destination and metric stand already. What comes with an IPv6 address stands on
    /// each device for itself.
    pub fn add(&mut self, route: Route) -> bool {
        let own = route.dst.is_ipv6() && route.protocol == Protocol::Kernel;
        let is_same = |r: &Route| r.dst == route.dst && r.metric == route.metric && !(own && r.device != route.device);
        if self.routes.iter().any(is_same) {
            return false;
        }
        let at = self.routes.partition_point(|r| rank(r) <= rank(&route));
        self.routes.insert(at, route);
        true
    }

    /// Adds a route behind those with the same destination and metric; false when it is there already.
    pub fn append(&mut self, route: Route) -> bool {
        if self.routes.contains(&route) {
            return false;
        }
        let at = self.routes.partition_point(|r| rank(r) <= rank(&route));
        self.routes.insert(at, route);
        true
    }

    /// Removes what `gone` says and returns it.
    pub fn remove(&mut self, gone: impl Fn(&Route) -> bool) -> Vec<Route> {
        self.routes.extract_if(.., |r| gone(r)).collect()
    }

    /// All routes, the best match first for any address.
    pub fn iter(&self) -> core::slice::Iter<'_, Route> {
        self.routes.iter()
    }

    /// The route for `dst` among those that `usable` accepts.
    #[must_use]
    pub fn lookup(&self, dst: IpAddr, usable: impl Fn(&Route) -> bool) -> Option<&Route> {
        self.routes.iter().find(|r| r.dst.contains(dst) && usable(r))
    }
}

/// Longest prefix first, then the lowest metric.
fn rank(route: &Route) -> (u8, u32) {
    (128 - route.dst.prefix(), route.metric)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(dst: &str, device: u32, metric: u32) -> Route {
        Route { metric, ..Route::via(dst.parse().unwrap(), None, IfIndex(device)) }
    }

    #[test]
    fn the_longest_prefix_wins_then_the_lowest_metric() {
        let mut table = Table::default();
        assert!(table.add(route("0.0.0.0/0", 1, 0)));
        assert!(table.add(route("10.0.0.0/8", 2, 20)));
        assert!(table.add(route("10.0.0.0/8", 3, 10)));
        assert!(table.add(route("10.1.0.0/16", 4, 99)));
        assert!(!table.add(route("10.1.0.0/16", 5, 99)));
        let out = |dst: &str| table.lookup(dst.parse().unwrap(), |_| true).and_then(|r| r.device);
        assert_eq!(out("10.1.2.3"), Some(IfIndex(4)));
        assert_eq!(out("10.2.0.1"), Some(IfIndex(3)));
        assert_eq!(out("8.8.8.8"), Some(IfIndex(1)));
        assert_eq!(out("::1"), None);
    }
}
