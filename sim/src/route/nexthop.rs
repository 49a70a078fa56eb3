//! Next hops that have numbers (`ip nexthop`): one way, none at all, or a group of others with weights. Routes name them,
//! so that all routes by one change with it. It owns them and says what a route by one is like; which routes there are is
//! the tables' affair, and what may be added the affair of who adds it.

use std::collections::BTreeMap;

use super::{Action, Hop, Protocol, Realms, Route};
use crate::device::Scope;
use crate::id::IfIndex;

/// The number of a next hop; never 0.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct NexthopId(pub u32);

/// Where it leads.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Target {
    /// Nowhere, in silence.
    Blackhole,
    /// This way.
    Way(Hop),
    /// One of these, each with its part of the flows.
    Group(Vec<(NexthopId, u32)>),
}

/// A next hop.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Nexthop {
    /// Whether it is of IPv6; groups are of no family.
    pub v6: bool,
    /// Where it leads.
    pub target: Target,
    /// How far the gateway is.
    pub scope: Scope,
    /// Who made it.
    pub protocol: Protocol,
}

impl Nexthop {
    /// Whether it is a group.
    #[must_use]
    pub const fn is_group(&self) -> bool {
        matches!(self.target, Target::Group(_))
    }

    /// The way that it is, if it is one.
    #[must_use]
    pub const fn way(&self) -> Option<Hop> {
        match self.target {
            Target::Way(hop) => Some(hop),
            Target::Blackhole | Target::Group(_) => None,
        }
    }

    /// Its members with their weights, if it is a group.
    #[must_use]
    pub fn members(&self) -> &[(NexthopId, u32)] {
        match &self.target {
            Target::Group(members) => members,
            Target::Blackhole | Target::Way(_) => &[],
        }
    }
}

/// What a route that names a next hop keeps of itself: the rest follows the next hop.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Named {
    /// The next hop.
    pub id: NexthopId,
    /// What the route does if the next hop leads somewhere.
    pub action: Action,
}

/// The next hops of a namespace.
#[derive(Clone, Debug, Default)]
pub struct Nexthops {
    all: BTreeMap<NexthopId, Nexthop>,
    /// The number that was given last to one without.
    last: u32,
}

impl Nexthops {
    /// One by its number.
    #[must_use]
    pub fn get(&self, id: NexthopId) -> Option<&Nexthop> {
        self.all.get(&id)
    }

    /// All of them, by number.
    pub fn iter(&self) -> impl Iterator<Item = (NexthopId, &Nexthop)> {
        self.all.iter().map(|(id, nexthop)| (*id, nexthop))
    }

    /// A number for one that has none.
    pub fn free_id(&mut self) -> NexthopId {
        loop {
            self.last = self.last.wrapping_add(1).max(1);
            if !self.all.contains_key(&NexthopId(self.last)) {
                return NexthopId(self.last);
            }
        }
    }

    /// Puts one in, in the place of another of its number.
    pub fn put(&mut self, id: NexthopId, nexthop: Nexthop) {
        self.all.insert(id, nexthop);
    }

    /// Takes one away, out of the groups too; those that have no other member go with it. What is gone.
    pub fn remove(&mut self, id: NexthopId) -> Vec<NexthopId> {
        let mut gone: Vec<NexthopId> = self.all.remove(&id).map(|_| id).into_iter().collect();
        for (group, nexthop) in &mut self.all {
            let Target::Group(members) = &mut nexthop.target else { continue };
            members.retain(|(member, _)| *member != id);
            gone.extend(members.is_empty().then_some(*group));
        }
        self.all.retain(|id, _| !gone.contains(id));
        gone
    }

    /// Those that lead out of a device.
    pub fn by_device(&self, device: IfIndex) -> impl Iterator<Item = NexthopId> {
        self.iter().filter(move |(_, nexthop)| nexthop.way().is_some_and(|hop| hop.device == device)).map(|(id, _)| id)
    }

    /// Whether one, or a member of it, is of IPv4.
    #[must_use]
    pub fn has_v4(&self, nexthop: &Nexthop) -> bool {
        match &nexthop.target {
            Target::Group(members) => {
                members.iter().any(|(id, _)| self.get(*id).is_some_and(|member| self.has_v4(member)))
            }
            Target::Blackhole | Target::Way(_) => !nexthop.v6,
        }
    }

    /// Whether `id` is `other` or a member of it.
    #[must_use]
    pub fn is_within(&self, id: NexthopId, other: NexthopId) -> bool {
        let has_it = |group: &Nexthop| group.members().iter().any(|(member, _)| *member == id);
        id == other || self.get(other).is_some_and(has_it)
    }

    /// Its ways: none of one that leads nowhere.
    fn ways(&self, nexthop: &Nexthop) -> Vec<Hop> {
        match &nexthop.target {
            Target::Blackhole => Vec::new(),
            Target::Way(hop) => vec![*hop],
            Target::Group(members) => {
                let way = |(id, weight): &(NexthopId, u32)| Some(Hop { weight: *weight, ..self.get(*id)?.way()? });
                members.iter().filter_map(way).collect()
            }
        }
    }

    /// Lets a route that names a next hop go as that does now. A group of IPv6 is several ways even if it has one member.
    pub fn lead(&self, route: &mut Route) {
        let Some(Named { id, action }) = route.named else { return };
        let Some(nexthop) = self.get(id) else { return };
        let ways = self.ways(nexthop);
        (route.gateway, route.device, route.onlink, route.hops) = (None, None, false, Vec::new());
        route.realms = Realms::NONE;
        route.action = if ways.is_empty() { Action::Blackhole } else { action };
        if nexthop.is_group() && route.dst.is_ipv6() {
            route.hops = ways;
        } else {
            route.set_hops(ways);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn way(device: u32) -> Nexthop {
        let hop = Hop { gateway: None, device: IfIndex(device), weight: 1, onlink: false, realms: Realms::NONE };
        Nexthop { v6: false, target: Target::Way(hop), scope: Scope::LINK, protocol: Protocol::UNSPECIFIED }
    }

    fn group(members: &[(u32, u32)]) -> Nexthop {
        let members = members.iter().map(|(id, weight)| (NexthopId(*id), *weight)).collect();
        Nexthop { target: Target::Group(members), ..way(0) }
    }

    fn two_ways() -> Nexthops {
        let mut nexthops = Nexthops::default();
        nexthops.put(NexthopId(1), way(4));
        nexthops.put(NexthopId(2), way(5));
        nexthops.put(NexthopId(10), group(&[(1, 3), (2, 1)]));
        nexthops.put(NexthopId(11), group(&[(1, 1)]));
        nexthops
    }

    #[test]
    fn a_route_by_a_group_has_the_ways_of_its_members() {
        let named = Named { id: NexthopId(10), action: Action::Unicast };
        let mut route = Route { named: Some(named), ..Route::via("10.0.0.0/8".parse().unwrap(), None, IfIndex(9)) };
        let mut nexthops = two_ways();
        nexthops.lead(&mut route);
        assert_eq!(route.ways().map(|hop| (hop.device.0, hop.weight)).collect::<Vec<_>>(), [(4, 3), (5, 1)]);
        nexthops.remove(NexthopId(1));
        nexthops.lead(&mut route);
        assert_eq!((route.device, route.hops.len(), route.action), (Some(IfIndex(5)), 0, Action::Unicast));
        nexthops.put(NexthopId(2), Nexthop { target: Target::Blackhole, ..way(0) });
        nexthops.lead(&mut route);
        assert_eq!((route.device, route.action), (None, Action::Blackhole));
    }

    #[test]
    fn a_group_goes_with_its_last_member() {
        let mut nexthops = two_ways();
        assert_eq!(nexthops.remove(NexthopId(1)), [NexthopId(1), NexthopId(11)]);
        assert_eq!(nexthops.remove(NexthopId(7)), []);
        assert_eq!(nexthops.iter().map(|(id, _)| id.0).collect::<Vec<_>>(), [2, 10]);
    }

    #[test]
    fn who_has_no_number_gets_the_next_free_one() {
        let mut nexthops = two_ways();
        assert_eq!(nexthops.free_id(), NexthopId(3));
        assert_eq!(nexthops.free_id(), NexthopId(4));
    }
}
