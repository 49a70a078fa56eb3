//! What an engine does wrong while bugs of real engines are switched on. Most of it is its controller's affair or its host's
//! kernel's; what is said of containers and networks is its own.

use netyard_sim::device::Kind;
use netyard_sim::link::End;
use netyard_sim::world::World;

use super::Engine;
use crate::bug::{Bug, Bugs};
use crate::endpoint::EndpointConfig;
use crate::id::Id;

impl Engine {
    /// What it does wrong.
    #[must_use]
    pub const fn bugs(&self) -> &Bugs {
        &self.bugs
    }

    /// Does these things wrong from now on, and no others.
    pub fn suffer(&mut self, world: &mut World, bugs: Bugs) {
        let begins = |bug: Bug| bugs.contains(&bug) && !self.bugs.contains(&bug);
        if begins(Bug::LostRemote) {
            self.lose_remotes(world);
        }
        let host = world.fabric.namespace_mut(self.host.namespace);
        host.breaks_tunnel_checksums = bugs.contains(&Bug::BadChecksums);
        if !bugs.contains(&Bug::LostAliases) {
            self.parted.clear();
        }
        self.controller.suffer(world, bugs.clone());
        self.bugs = bugs;
    }

    /// Every tunnel of the host, in whatever namespace its device is, loses what it was told of single addresses.
    fn lose_remotes(&self, world: &mut World) {
        let fabric = &world.fabric;
        let tunnels = fabric.namespaces().flat_map(|(namespace, here)| {
            let tunnels = here.devices.values().filter(|device| device.tunnel().is_some());
            tunnels.map(move |device| End { namespace, device: device.index })
        });
        let made_in = |end: &End| fabric.peer_of(end.namespace, end.device).map_or(end.namespace, |far| far.namespace);
        let own: Vec<End> = tunnels.filter(|end| made_in(end) == self.host.namespace).collect();
        for End { namespace, device } in own {
            let device = world.fabric.namespace_mut(namespace).devices.get_mut(&device);
            if let Some(Kind::Vxlan(tunnel)) = device.map(|device| &mut device.kind) {
                tunnel.lose_remotes();
            }
        }
    }

    /// A container leaves a network, which matters to one that comes back without its aliases.
    pub(super) fn note_parting(&mut self, container: Id, network: Id) {
        if self.bugs.contains(&Bug::LostAliases) {
            self.parted.insert((container, network));
        }
    }

    /// What is left of what is asked for a container on a network: one that comes back gets no aliases.
    pub(super) fn without_lost_aliases(&self, container: Id, network: Id, asked: &EndpointConfig) -> EndpointConfig {
        let mut left = asked.clone();
        if self.parted.contains(&(container, network)) {
            left.aliases = None;
        }
        left
    }
}
