//! Hosts that lose their power, get it back, or stand still for a while. A host that is off has no processes and no cable;
//! when it is on again its kernel begins anew, with the address and the route that its files give it, and its engine
//! finds its networks and containers as it knew them.

use netyard_sim::device::IfIndex;
use netyard_sim::fabric::NamespaceId;
use netyard_sim::namespace::Sysctl;
use netyard_sim::neighbour;
use netyard_sim::netfilter::Netfilter;
use netyard_sim::userland::{ContextId, Signal};

use super::Site;
use crate::site::lan;

impl Site {
    /// A host loses its power: all that runs there is gone at once, and nobody says goodbye.
    pub(super) fn power_off(&mut self, at: usize) {
        if !self.faults.off.insert(at) {
            return;
        }
        self.plug(at, false);
        // The engine first: it does not see its containers end.
        if let Some(main) = self.units[at].main() {
            self.world.signal(main, Signal::Kill);
        }
        for context in self.contexts_of(at) {
            for pid in self.world.processes.pids_of(context) {
                self.world.signal(pid, Signal::Kill);
            }
        }
    }

    /// A host has power again, if it had none.
    pub(super) fn power_on(&mut self, at: usize) {
        if !self.faults.off.remove(&at) {
            return;
        }
        self.forget_kernel(at);
        self.plug(at, true);
        lan::route_out(&mut self.world, self.engines[at].host().namespace);
        let host = self.engines[at].host().clone();
        self.restart_stores_on(&host);
        self.spawn_daemon(at);
    }

    /// Stops all that happens on a host, or lets it go on.
    pub(super) fn freeze(&mut self, at: usize, frozen: bool) {
        let changes = if frozen { self.faults.frozen.insert(at) } else { self.faults.frozen.remove(&at) };
        if !changes {
            return;
        }
        self.plug(at, !frozen);
        for context in self.contexts_of(at) {
            self.world.processes.set_paused(context, frozen);
        }
        if !frozen {
            lan::route_out(&mut self.world, self.engines[at].host().namespace);
        }
    }

    /// The files of a host and of its containers, by which their processes are known.
    fn contexts_of(&self, at: usize) -> Vec<ContextId> {
        let engine = &self.engines[at];
        let containers = engine.containers().filter(|container| container.is_running());
        containers.filter_map(|container| container.context).chain([engine.host().context]).collect()
    }

    /// Pulls the cable of a host, or puts it back.
    fn plug(&mut self, at: usize, plugged: bool) {
        let host = self.engines[at].host().namespace;
        let Some(eth0) = self.world.fabric.namespace(host).device_named("eth0").map(|device| device.index) else {
            return;
        };
        if let Some(port) = self.world.fabric.peer_of(host, eth0) {
            self.world.fabric.set_up(port.namespace, port.device, plugged);
        }
        self.world.fabric.set_up(host, eth0, plugged);
    }

    /// What a kernel knew is gone: devices but for lo and the card, namespaces, routes, rules, connections, neighbours.
    fn forget_kernel(&mut self, at: usize) {
        let host = self.engines[at].host().clone();
        let fabric = &mut self.world.fabric;
        let devices = fabric.namespace(host.namespace).devices.values();
        let made = devices.filter(|device| !device.is_loopback() && device.name != "eth0").map(|device| device.index);
        let made: Vec<IfIndex> = made.collect();
        for device in made {
            // One that went with its other end is gone already.
            if fabric.namespace(host.namespace).devices.get(&device).is_some() {
                fabric.delete_device(host.namespace, device);
            }
        }
        for name in self.world.processes.context(host.context).files.list("/run/netns") {
            let full = format!("{}/{name}", host.name);
            let found = self.world.fabric.namespaces().find(|(_, ns)| ns.name == full).map(|(id, _)| id);
            if let Some(namespace) = found {
                self.forget_namespace(namespace);
            }
            self.world.processes.context_mut(host.context).files.remove(&format!("/run/netns/{name}"));
        }
        let kernel = self.world.fabric.namespace_mut(host.namespace);
        kernel.netfilter = Netfilter::default();
        kernel.neighbours = neighbour::Table::default();
        kernel.sysctl = Sysctl::default();
    }

    fn forget_namespace(&mut self, namespace: NamespaceId) {
        let is_sandbox = |engine: &crate::engine::Engine| {
            engine.containers().any(|container| engine.namespace_of(container) == Some(namespace))
        };
        if !self.engines.iter().any(is_sandbox) {
            self.world.fabric.delete_namespace(namespace);
        }
    }
}
