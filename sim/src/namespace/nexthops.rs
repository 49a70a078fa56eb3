//! Next hops with numbers in a namespace, and the routes by them: these change when a next hop is replaced, and go with it.

use super::Namespace;
use crate::id::IfIndex;
use crate::route::policy::remove_everywhere;
use crate::route::{Nexthop, NexthopId};

impl Namespace {
    /// Puts a next hop in, in the place of another of its number; routes by it follow.
    pub fn put_nexthop(&mut self, id: NexthopId, nexthop: Nexthop) {
        self.nexthops.put(id, nexthop);
        self.follow_nexthops();
    }

    /// Takes a next hop away, with the routes by it and the groups that have no other; false when there is none.
    pub fn remove_nexthop(&mut self, id: NexthopId) -> bool {
        let gone = self.nexthops.remove(id);
        remove_everywhere(&mut self.routes, &mut self.policy, |r| {
            r.named.is_some_and(|named| gone.contains(&named.id))
        });
        self.follow_nexthops();
        !gone.is_empty()
    }

    /// A device went down, away, or lost its carrier: next hops by it are gone (`nexthop_flush_dev`).
    pub(super) fn lose_nexthops(&mut self, device: IfIndex) {
        let by_it: Vec<NexthopId> = self.nexthops.by_device(device).collect();
        by_it.into_iter().for_each(|id| _ = self.remove_nexthop(id));
    }

    fn follow_nexthops(&mut self) {
        let routes = self.routes.iter_mut().chain(self.policy.routes_mut());
        routes.for_each(|route| self.nexthops.lead(route));
    }
}
