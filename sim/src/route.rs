//! The routing table: longest prefix first, then the lowest metric, then the order of adding. It picks a next hop and a
//! source address; it forwards nothing.

pub mod hop;
pub mod metrics;
pub mod nexthop;
pub mod policy;
pub mod realm;

use core::net::IpAddr;

use ipnetwork::IpNetwork;

use crate::device::Scope;
use crate::id::IfIndex;
pub use hop::Hop;
pub use metrics::{Lock, Metric, Metrics};
pub use nexthop::{Named, Nexthop, NexthopId, Nexthops};
pub use realm::Realms;

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
    /// Leaves it to the next rule.
    Throw,
    /// Takes it in: it is for this host.
    Local,
    /// Sends it out to everybody on the link, and takes it in.
    Broadcast,
    /// Sends it out to a group.
    Multicast,
    /// Sends it out; of IPv6 it takes in what comes.
    Anycast,
}

impl Action {
    /// Whether a packet leaves by one of its hops.
    #[must_use]
    pub const fn sends(self) -> bool {
        match self {
            Self::Unicast | Self::Broadcast | Self::Multicast | Self::Anycast => true,
            Self::Local | Self::Blackhole | Self::Unreachable | Self::Prohibit | Self::Throw => false,
        }
    }
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
    /// Somebody else, by number.
    Other(u8),
}

impl Protocol {
    /// Nobody says who.
    pub const UNSPECIFIED: Self = Self::Other(0);
}

/// How much a router is preferred (RFC 4191).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Preference {
    /// Less than others.
    Low,
    /// As any.
    Medium,
    /// More than others.
    High,
}

/// A route.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Route {
    /// The destinations; `0.0.0.0/0` or `::/0` is the default route.
    pub dst: IpNetwork,
    /// The next hop; none on the link itself.
    pub gateway: Option<IpAddr>,
    /// The device; none for routes that send nothing, and for those with several hops.
    pub device: Option<IfIndex>,
    /// The next hops, where there are several (`nexthop`); a route with one has it in the fields above.
    pub hops: Vec<Hop>,
    /// The next hop with a number that the fields above follow (`nhid`), if it names one.
    pub named: Option<Named>,
    /// The type of service that a packet must ask for; 0 for any.
    pub tos: u8,
    /// Whether the gateway is taken to be on the link, though no route says so.
    pub onlink: bool,
    /// What it says besides.
    pub metrics: Metrics,
    /// Its realms, of IPv4; those of several hops are with them.
    pub realms: Realms,
    /// How much its router is preferred, of IPv6. It is kept and told.
    pub preference: Preference,
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
            hops: Vec::new(),
            named: None,
            tos: 0,
            onlink: false,
            metrics: Metrics::NONE,
            realms: Realms::NONE,
            preference: Preference::Medium,
            src: None,
            metric: 0,
            action: Action::Unicast,
            protocol: Protocol::Boot,
            scope: if gateway.is_some() { Scope::GLOBAL } else { Scope::LINK },
        }
    }

    /// Its next hops: one, several, or none when it sends nothing.
    pub fn ways(&self) -> impl Iterator<Item = Hop> {
        let Self { gateway, device, onlink, realms, .. } = *self;
        let one = device.map(|device| Hop { gateway, device, weight: 1, onlink, realms });
        self.hops.iter().copied().chain(one)
    }

    /// Whether one of its hops is by this device.
    #[must_use]
    pub fn uses(&self, device: IfIndex) -> bool {
        self.device == Some(device) || self.hops.iter().any(|hop| hop.device == device)
    }

    /// Whether it sends, and all its hops are by devices of this kind.
    pub fn only_uses(&self, is_meant: impl Fn(IfIndex) -> bool) -> bool {
        let mut ways = self.ways().peekable();
        ways.peek().is_some() && ways.all(|hop| is_meant(hop.device))
    }

    /// Whether it is for the same packets as another: there can be one of them.
    #[must_use]
    pub fn stands_for(&self, other: &Self) -> bool {
        (self.dst, self.metric, self.tos) == (other.dst, other.metric, other.tos)
    }

    /// Whether it is one of IPv6 that gateways for the same packets can join: it has gateways of its own.
    #[must_use]
    pub fn is_joinable(&self) -> bool {
        let mut ways = self.ways().peekable();
        self.dst.is_ipv6() && self.named.is_none() && ways.peek().is_some() && ways.all(|hop| hop.gateway.is_some())
    }

    /// Puts the hops in: several as they are, one alone as that of a plain route.
    pub fn set_hops(&mut self, hops: Vec<Hop>) {
        (self.gateway, self.device) = (None, None);
        match hops.as_slice() {
            [only] => {
                (self.gateway, self.device, self.onlink, self.hops) =
                    (only.gateway, Some(only.device), only.onlink, Vec::new());
                self.realms = only.realms;
            }
            _ => self.hops = hops,
        }
    }
}

/// All routes of a namespace, v4 and v6.
#[derive(Clone, Debug, Default)]
pub struct Table {
    routes: Vec<Route>,
    /// Whether there ever was a route in it that sends to more than one host, or takes in.
    is_special: bool,
}

impl Table {
    /// Adds a route; false when the same destination and metric stand already. What comes with an address stands on each
    /// device for itself.
    pub fn add(&mut self, route: Route) -> bool {
        let own = route.protocol == Protocol::Kernel;
        let is_same = |r: &Route| r.stands_for(&route) && !(own && r.device != route.device);
        if self.routes.iter().any(is_same) {
            return false;
        }
        let at = self.routes.partition_point(|r| rank(r) <= rank(&route));
        self.insert(at, route);
        true
    }

    fn insert(&mut self, at: usize, route: Route) {
        let does = route.named.map_or(route.action, |named| named.action);
        self.is_special |= matches!(does, Action::Local | Action::Broadcast | Action::Anycast);
        self.routes.insert(at, route);
    }

    /// Whether it may have a route that sends to more than one host, or takes in: most tables never had.
    #[must_use]
    pub const fn is_special(&self) -> bool {
        self.is_special
    }

    /// Puts a route in the place of the first that is for the same packets; of IPv6 rather of one that others can join, if
    /// they can join this one, or of one that they cannot (`fib6_add_rt2node`).
    pub fn replace(&mut self, route: Route) {
        let is_alike = |known: &Route| known.dst.is_ipv4() || known.is_joinable() == route.is_joinable();
        let stands = |known: &Route| known.stands_for(&route);
        let alike = self.routes.iter().position(|known| stands(known) && is_alike(known));
        if let Some(at) = alike.or_else(|| self.routes.iter().position(stands)) {
            self.routes.remove(at);
            self.insert(at, route);
        }
    }

    /// Adds a route before those with the same destination and metric; false when it is there already.
    pub fn prepend(&mut self, route: Route) -> bool {
        if self.routes.contains(&route) {
            return false;
        }
        let at = self.routes.partition_point(|r| rank(r) < rank(&route));
        self.insert(at, route);
        true
    }

    /// Adds a route behind those with the same destination and metric; false when it is there already.
    pub fn append(&mut self, route: Route) -> bool {
        if self.routes.contains(&route) {
            return false;
        }
        let at = self.routes.partition_point(|r| rank(r) <= rank(&route));
        self.insert(at, route);
        true
    }

    /// Removes what `gone` says and returns it.
    pub fn remove(&mut self, gone: impl Fn(&Route) -> bool) -> Vec<Route> {
        self.routes.extract_if(.., |r| gone(r)).collect()
    }

    /// A device is gone: of IPv4 the routes with a hop by it go too, of IPv6 only those hops.
    pub fn forget_hops(&mut self, device: IfIndex) {
        let by_it = |hop: &Hop| hop.device == device;
        self.routes.retain(|r| r.dst.is_ipv6() || r.named.is_some() || !r.hops.iter().any(by_it));
        self.forget_v6_hops(device);
    }

    /// A device speaks no IPv6 any more: the hops by it go.
    pub fn forget_v6_hops(&mut self, device: IfIndex) {
        let by_it = |hop: &Hop| hop.device == device;
        let is_meant = |r: &Route| r.dst.is_ipv6() && r.named.is_none() && r.hops.iter().any(by_it);
        for route in self.routes.iter_mut().filter(|r| is_meant(r)) {
            let rest = route.hops.iter().copied().filter(|hop| !by_it(hop)).collect();
            route.set_hops(rest);
        }
    }

    /// All routes, to be changed in what they say of their ways.
    pub fn iter_mut(&mut self) -> core::slice::IterMut<'_, Route> {
        self.routes.iter_mut()
    }

    /// All routes, the best match first for any address.
    pub fn iter(&self) -> core::slice::Iter<'_, Route> {
        self.routes.iter()
    }

    /// The route for `dst` among those that `usable` accepts, whatever service it is for.
    #[must_use]
    pub fn lookup(&self, dst: IpAddr, usable: impl Fn(&Route) -> bool) -> Option<&Route> {
        self.routes.iter().find(|r| r.dst.contains(dst) && usable(r))
    }
}

/// Longest prefix first, then what asks for more of the type of service, then the lowest metric.
fn rank(route: &Route) -> (u8, u8, u32) {
    (128 - route.dst.prefix(), u8::MAX - route.tos, route.metric)
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
