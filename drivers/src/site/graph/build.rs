//! Reading a graph off a site: first who is there, then each device once, with what it leads to.

use std::collections::BTreeMap;

use netyard_sim::device::{self, IfIndex, Kind, Scope};
use netyard_sim::fabric::{Fabric, NamespaceId};
use netyard_sim::namespace::Namespace;
use netyard_sim::stack::Over;

use super::{Device, End, Graph, Link, Node, What};
use crate::bridge::bridge_name;
use crate::container::Container;
use crate::engine::Engine;
use crate::id::Id;
use crate::network::{Network, Role};
use crate::options::BridgeOptions;
use crate::overlay::Overlay;
use crate::sandbox::Kind as Whose;
use crate::site::Site;

/// What `-o parent=` is called.
const PARENT: &str = "parent";

/// A graph that grows.
struct Builder<'s> {
    site: &'s Site,
    graph: Graph,
    /// Whose a namespace is.
    owners: BTreeMap<NamespaceId, usize>,
    /// The bridges.
    bridges: BTreeMap<(NamespaceId, IfIndex), usize>,
    /// The namespaces of networks across hosts: nobody's, and on that host for that network.
    hidden: BTreeMap<NamespaceId, (NamespaceId, Id)>,
    /// The networks without bridges, by the devices of their containers.
    members: BTreeMap<(NamespaceId, String), usize>,
}

/// The graph of a site.
pub(super) fn graph(site: &Site) -> Graph {
    let mut builder = Builder {
        site,
        graph: Graph::default(),
        owners: BTreeMap::new(),
        bridges: BTreeMap::new(),
        hidden: hidden(site),
        members: BTreeMap::new(),
    };
    builder.machines();
    site.engines.iter().for_each(|engine| builder.host(engine));
    let namespaces: Vec<NamespaceId> = builder.fabric().namespaces().map(|(id, _)| id).collect();
    namespaces.iter().for_each(|id| builder.links_of(*id));
    site.engines.iter().for_each(|engine| builder.guests(engine));
    builder.graph
}

/// The namespaces that overlay networks have on their hosts.
fn hidden(site: &Site) -> BTreeMap<NamespaceId, (NamespaceId, Id)> {
    let fabric = &site.world.fabric;
    let made_in = |id: NamespaceId, namespace: &Namespace| {
        let tunnel = namespace.devices.values().find(|device| device.tunnel().is_some())?;
        fabric.peer_of(id, tunnel.index).map(|end| end.namespace)
    };
    let networks = |at: NamespaceId| {
        let engine = site.engines.iter().find(move |engine| engine.host().namespace == at);
        engine.into_iter().flat_map(Engine::networks)
    };
    let found = fabric.namespaces().filter_map(|(id, namespace)| {
        let host = made_in(id, namespace)?;
        let network = networks(host).find(|network| namespace.name == Overlay::namespace_name(network.id))?;
        Some((id, (host, network.id)))
    });
    found.collect()
}

impl Builder<'_> {
    const fn fabric(&self) -> &Fabric {
        &self.site.world.fabric
    }

    fn add(&mut self, id: String, name: &str, host: Option<&str>, what: What) -> usize {
        let host = host.map(str::to_owned);
        self.graph.nodes.push(Node { id, name: name.to_owned(), host, what, devices: Vec::new() });
        self.graph.nodes.len() - 1
    }

    /// What is on the LAN beside the hosts.
    fn machines(&mut self) {
        let is_host = |id| self.site.engines.iter().any(|engine| engine.host().namespace == id);
        let is_machine = |id: NamespaceId, name: &str| {
            !is_host(id)
                && !name.contains('/')
                && !self.hidden.contains_key(&id)
                && !self.site.engines.iter().any(|engine| engine.made(id))
        };
        let all = self.fabric().namespaces();
        let machines = all.filter(|(id, namespace)| is_machine(*id, &namespace.name));
        let machines: Vec<(NamespaceId, String)> = machines.map(|(id, ns)| (id, ns.name.clone())).collect();
        for (id, name) in machines {
            let node = self.add(format!("machine/{name}"), &name, None, What::Machine);
            self.owners.insert(id, node);
            self.own_bridges(id, None, &format!("machine/{name}"));
        }
    }

    /// A host with all that is on it.
    fn host(&mut self, engine: &Engine) {
        let (name, namespace) = (&engine.host().name, engine.host().namespace);
        let node = self.add(name.clone(), name, Some(name), What::Host);
        self.owners.insert(namespace, node);
        engine.networks().iter().for_each(|network| self.network(engine, network));
        self.own_bridges(namespace, Some(name), name);
        for (id, own) in self.namespaces_of(engine) {
            let node = self.add(format!("{name}/namespace/{own}"), &own, Some(name), What::Namespace);
            self.owners.insert(id, node);
            self.own_bridges(id, Some(name), &format!("{name}/namespace/{own}"));
        }
        let mut containers: Vec<&Container> = engine.containers().collect();
        containers.sort_by_key(|container| (container.created, &container.name));
        containers.into_iter().for_each(|container| self.container(engine, container));
    }

    /// The namespaces of a host that are no container's, with their names there: what was made by hand, and what the
    /// engine has for itself.
    fn namespaces_of(&self, engine: &Engine) -> Vec<(NamespaceId, String)> {
        let inside = format!("{}/", engine.host().name);
        let named = |(id, namespace): (NamespaceId, &Namespace)| {
            let own = engine.made(id) && self.site.container_in(id).is_none();
            let name = namespace.name.strip_prefix(&inside).or_else(|| own.then_some(&*namespace.name))?;
            Some((id, name.to_owned()))
        };
        self.fabric().namespaces().filter_map(named).collect()
    }

    /// A network, unless it is none: `host` and `none`, and those that are only models of others.
    fn network(&mut self, engine: &Engine, network: &Network) {
        let (host, config) = (engine.host(), &network.config);
        if matches!(&*config.driver, "host" | "null") || config.role == Role::Model {
            return;
        }
        let made = match &*config.driver {
            "bridge" => BridgeOptions::parse(&config.options).ok().and_then(|options| {
                let name = bridge_name(network.id, &options);
                let device = self.fabric().namespace(host.namespace).device_named(&name)?;
                Some((vec![(host.namespace, device.index)], Some(name)))
            }),
            "overlay" => {
                let own = self.hidden.iter().find(|(_, of)| **of == (host.namespace, network.id));
                let bridges = own.map(|(id, _)| (*id, self.fabric().namespace(*id).devices.values()));
                bridges.map(|(id, devices)| {
                    (devices.filter(|d| d.bridge().is_some()).map(|d| (id, d.index)).collect(), None)
                })
            }
            _ => None,
        };
        let (bridges, device): (Vec<_>, _) = made.unwrap_or_default();
        let subnets = network.subnets.iter().map(|subnet| subnet.net.to_string()).collect();
        let what = What::Network { driver: config.driver.clone(), subnets, is_internal: config.internal, device };
        let node =
            self.add(format!("{}/network/{}", host.name, network.name()), network.name(), Some(&host.name), what);
        self.bridges.extend(bridges.into_iter().map(|bridge| (bridge, node)));
        if let Some(parent) = config.options.get(PARENT) {
            self.parent(node, host.namespace, parent, &config.driver);
        }
    }

    /// Joins a network to the device of the host that its containers share.
    fn parent(&mut self, network: usize, host: NamespaceId, parent: &str, driver: &str) {
        let Some(device) = self.fabric().namespace(host).device_named(parent) else { return };
        let (is_up, device) = (device.is_running(), seen(device));
        let ends = [End { node: self.owners[&host], device: Some(device) }, End { node: network, device: None }];
        self.graph.links.push(Link { kind: driver.to_owned(), is_up, ends });
    }

    /// The bridges in a namespace that are no engine's.
    fn own_bridges(&mut self, namespace: NamespaceId, host: Option<&str>, id: &str) {
        let devices = self.fabric().namespace(namespace).devices.values();
        let bridges = devices.filter(|device| device.bridge().is_some());
        for (index, name) in bridges.map(|device| (device.index, device.name.clone())).collect::<Vec<_>>() {
            if !self.bridges.contains_key(&(namespace, index)) {
                let node = self.add(format!("{id}/bridge/{name}"), &name, host, What::Bridge);
                self.bridges.insert((namespace, index), node);
            }
        }
    }

    /// A container, running or not.
    fn container(&mut self, engine: &Engine, container: &Container) {
        let host = &engine.host().name;
        let what = What::Container { image: container.config.image_reference.clone(), state: container.state.word() };
        let id = format!("{host}/container/{}", container.name);
        let node = self.add(id.clone(), &container.name, Some(host), what);
        let Some(sandbox) = engine.sandbox_of(container).filter(|_| container.is_running()) else { return };
        if sandbox.kind != Whose::Own {
            return;
        }
        self.owners.insert(sandbox.namespace, node);
        self.own_bridges(sandbox.namespace, Some(host), &id);
        for joined in &sandbox.joined {
            let name = engine.networks().iter().find(|network| network.id == joined.network).map(Network::name);
            let id = format!("{host}/network/{}", name.unwrap_or_default());
            let network = self.graph.nodes.iter().position(|node| node.id == id);
            let is_bridge = |node: &usize| self.bridges.values().any(|bridge| bridge == node);
            if let (Some(interface), Some(network)) = (&joined.interface, network.filter(|node| !is_bridge(node))) {
                self.members.insert((sandbox.namespace, interface.clone()), network);
            }
        }
    }

    /// Joins the containers that are in somebody else's namespace to whose it is.
    fn guests(&mut self, engine: &Engine) {
        for at in 0..self.graph.nodes.len() {
            let node = &self.graph.nodes[at];
            if node.host.as_ref() != Some(&engine.host().name) || !matches!(node.what, What::Container { .. }) {
                continue;
            }
            let container = engine.container(&node.name).filter(|container| container.is_running());
            let sandbox = container.and_then(|container| engine.sandbox_of(container));
            let Some(sandbox) = sandbox.filter(|sandbox| sandbox.kind != Whose::Own) else { continue };
            let Some(owner) = self.owners.get(&sandbox.namespace) else { continue };
            let ends = [at, *owner].map(|node| End { node, device: None });
            self.graph.links.push(Link { kind: "namespace".to_owned(), is_up: true, ends });
        }
    }

    /// What the devices of a namespace lead to; a cable is told at its older end.
    fn links_of(&mut self, namespace: NamespaceId) {
        let devices: Vec<device::Device> = self.fabric().namespace(namespace).devices.values().cloned().collect();
        for device in devices {
            let Some(node) = self.node_at(namespace, &device) else { continue };
            let end = End { node, device: Some(seen(&device)) };
            match &device.kind {
                Kind::Loopback => {}
                Kind::Bridge(_) => self.bridge_itself(namespace, &device),
                Kind::Dummy | Kind::Tun(_) => self.graph.nodes[node].devices.push(seen(&device)),
                Kind::Veth { .. } => self.veth(namespace, &device, end),
                Kind::Stacked { over, .. } => self.stacked(namespace, &device, end, &over_word(*over)),
                Kind::Vxlan(tunnel) => {
                    self.stacked(namespace, &device, end, &format!("vxlan {}", tunnel.settings.vni.number()));
                }
            }
        }
    }

    /// Where a device is: on the bridge whose port it is, or with whom its namespace belongs to.
    fn node_at(&self, namespace: NamespaceId, device: &device::Device) -> Option<usize> {
        match device.master {
            Some(master) => self.bridges.get(&(namespace, master)).copied(),
            // A bridge of a hidden namespace is nobody's device.
            None if device.bridge().is_some() => self.bridges.get(&(namespace, device.index)).copied(),
            None => self.owners.get(&namespace).copied(),
        }
    }

    /// A bridge is a device of whose namespace it is in.
    fn bridge_itself(&mut self, namespace: NamespaceId, device: &device::Device) {
        let Some(owner) = self.owners.get(&namespace).copied() else { return };
        let Some(bridge) = self.bridges.get(&(namespace, device.index)).copied() else { return };
        let ends = [End { node: owner, device: Some(seen(device)) }, End { node: bridge, device: None }];
        self.graph.links.push(Link { kind: "bridge".to_owned(), is_up: device.is_running(), ends });
    }

    fn veth(&mut self, namespace: NamespaceId, device: &device::Device, end: End) {
        let Some(peer) = self.fabric().peer_of(namespace, device.index) else { return };
        if (peer.namespace, peer.device) < (namespace, device.index) {
            return;
        }
        let Some(other) = self.fabric().namespace(peer.namespace).devices.get(&peer.device) else { return };
        let Some(node) = self.node_at(peer.namespace, other) else { return };
        let is_up = device.is_running() && other.is_running();
        let ends = [end, End { node, device: Some(seen(other)) }];
        self.graph.links.push(Link { kind: "veth".to_owned(), is_up, ends });
    }

    /// A device and the one beneath, which may be in the same place: then the device leads nowhere else.
    fn stacked(&mut self, namespace: NamespaceId, device: &device::Device, end: End, kind: &str) {
        let network = self.members.get(&(namespace, device.name.clone())).copied();
        let beneath = self.fabric().peer_of(namespace, device.index).and_then(|peer| {
            let device = self.fabric().namespace(peer.namespace).devices.get(&peer.device);
            let owner = self.owners.get(&peer.namespace).copied();
            Some(End { node: owner?, device: device.map(seen) })
        });
        let other = network.map(|node| End { node, device: None }).or(beneath);
        match other.filter(|other| other.node != end.node) {
            Some(other) => {
                let link = Link { kind: kind.to_owned(), is_up: device.is_running(), ends: [end, other] };
                self.graph.links.push(link);
            }
            None => self.graph.nodes[end.node].devices.extend(end.device),
        }
    }
}

/// A device as a graph shows it.
fn seen(device: &device::Device) -> Device {
    let addresses = device.addresses.iter().filter(|address| address.scope != Scope::LINK);
    Device { name: device.name.clone(), addresses: addresses.map(|address| address.net.to_string()).collect() }
}

fn over_word(over: Over) -> String {
    match over {
        Over::Vlan(number) => format!("vlan {number}"),
        Over::Macvlan(mode) => format!("macvlan {}", mode.name()),
        Over::Ipvlan(mode) => format!("ipvlan {}", mode.name()),
    }
}
