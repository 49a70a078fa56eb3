//! What a controller does wrong while bugs of real engines are switched on: it tells its drivers and the DNS servers of its
//! sandboxes, those that are there and those that come.

use netyard_sim::dns::Quirks;
use netyard_sim::time::Duration;
use netyard_sim::world::World;

use super::Controller;
use crate::bug::{Bug, Bugs};

/// How late names are known that are late.
const LAG: Duration = Duration::from_secs(3);

impl Controller {
    /// Does these things wrong from now on, and no others.
    pub fn suffer(&mut self, world: &mut World, bugs: Bugs) {
        self.bugs = bugs;
        self.drivers.values_mut().for_each(|driver| driver.suffer(&self.bugs));
        let quirks = self.quirks();
        for sandbox in self.sandboxes.values().filter(|sandbox| sandbox.has_resolver) {
            if let Some(resolver) = world.fabric.namespace_mut(sandbox.namespace).resolver_mut() {
                resolver.quirks = quirks;
            }
        }
    }

    /// What is wrong with its DNS servers.
    pub(super) fn quirks(&self) -> Quirks {
        Quirks {
            denies_missing_v6: self.bugs.contains(&Bug::AaaaNxdomain),
            lag: if self.bugs.contains(&Bug::LateRecords) { LAG } else { Duration::ZERO },
        }
    }
}
