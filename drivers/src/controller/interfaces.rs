//! The inside of a sandbox: its devices, its default route, its DNS server and its files. These are the only functions
//! of the controller that change a namespace or a filesystem.

use core::net::IpAddr;

use netyard_sim::addr::IpNetwork;
use netyard_sim::device::{Address, IfIndex, Ipv6, Scope};
use netyard_sim::fabric::NamespaceId;
use netyard_sim::route::Route;
use netyard_sim::userland::ContextId;
use netyard_sim::world::World;

use super::Controller;
use super::remote::add_routes;
use crate::driver::Interface;
use crate::endpoint::{Endpoint, Standing};
use crate::id::Id;
use crate::sandbox::{Kind, Sandbox, hosts, resolv, resolver};

const HOSTS: &str = "/etc/hosts";
const RESOLV: &str = "/etc/resolv.conf";
/// How long the prefixes of link-local addresses are, of IPv4 and IPv6.
const LINK_LOCAL_LEN: (u8, u8) = (16, 64);
/// What Linux gives an IPv6 route that asks for none.
const V6_METRIC: u32 = 1024;

/// The default way out of a sandbox, in one family.
struct Way {
    gateway: Option<IpAddr>,
    /// The name of the device that leads to it.
    device: String,
    /// Whether a plugin chose it.
    is_remote: bool,
}

/// A namespace in which lo is up, without IPv6 as in containers of networks that have none.
pub(super) fn create_namespace(world: &mut World, name: &str) -> NamespaceId {
    let namespace = world.fabric.create_nested_namespace(name);
    let lo = loopback(world, namespace);
    world.fabric.namespace_mut(namespace).ipv6 = Ipv6::Disabled;
    world.fabric.set_ipv6(namespace, lo, Ipv6::Disabled);
    world.fabric.set_up(namespace, lo, true);
    namespace
}

fn loopback(world: &World, namespace: NamespaceId) -> IfIndex {
    world.fabric.namespace(namespace).device_named("lo").expect("every namespace has lo").index
}

impl Controller {
    /// The container's own lines in `/etc/hosts`, one for each address (oracle fact 34).
    pub(super) fn add_host_lines(&self, world: &mut World, sandbox: &Sandbox, endpoint: &Endpoint) {
        let name = &sandbox.config.hostname;
        self.edit(world, sandbox, HOSTS, |text| {
            endpoint.leases().fold(text.to_owned(), |text, lease| hosts::with(&text, lease.net.ip(), name))
        });
    }

    fn edit(&self, world: &mut World, sandbox: &Sandbox, path: &str, change: impl FnOnce(&str) -> String) {
        self.edit_names(world, sandbox.names, path, change);
    }

    /// Changes a file about names. Containers that joined another's network have that one's files, even when they are
    /// left behind in a namespace that it has no more.
    pub fn edit_names(&self, world: &mut World, owner: ContextId, path: &str, change: impl FnOnce(&str) -> String) {
        let text = change(&world.processes.context(owner).files.text(path));
        let guests = self.sandboxes.values().filter(|s| s.names == owner).map(|s| s.context);
        for context in guests.chain([owner]) {
            // A container whose user removed /etc has no file to edit.
            let _ = world.processes.context_mut(context).files.write(path, text.as_str());
        }
    }

    /// Puts a committed endpoint's device into the sandbox and adjusts what depends on it.
    pub(super) fn populate(&mut self, world: &mut World, sandbox: Id, network: Id) {
        let endpoint = self.endpoint(sandbox, network).expect("the endpoint was committed").clone();
        let found = self.network(network).expect("the endpoint is on it");
        let (driver, user_defined) = (found.config.driver.clone(), found.is_user_defined());
        if let Some(interface) = self.interface_of(world, &driver, network, &endpoint) {
            self.furnish(world, sandbox, &endpoint, (network, interface));
        }
        if user_defined && endpoint.standing == Standing::Container {
            self.start_resolver(world, sandbox);
        }
        self.update_gateway(world, sandbox);
        self.push_records(world, network);
    }

    /// The device that an endpoint brings along: its driver's, or the one that a plugin named.
    fn interface_of(&mut self, world: &World, driver: &str, network: Id, endpoint: &Endpoint) -> Option<Interface> {
        let Some(remote) = &endpoint.remote else { return self.driver(driver).join(network, endpoint.id) };
        let device = self.device_for(world, remote.joined.device.as_deref()?)?;
        Some(Interface { device, prefix: remote.joined.prefix.clone() })
    }

    /// Puts the device of an endpoint into its sandbox.
    fn furnish(&mut self, world: &mut World, sandbox: Id, endpoint: &Endpoint, (network, interface): (Id, Interface)) {
        let host = self.host;
        let inside = self.sandbox_mut(sandbox);
        let next = inside.next_interface.entry(interface.prefix.clone()).or_default();
        let name = format!("{}{next}", interface.prefix);
        *next += 1;
        let namespace = inside.namespace;
        let Ok(device) = world.fabric.move_device(host, interface.device, namespace, &name) else {
            assert!(endpoint.remote.is_some(), "the name that a driver of ours chose is new in the sandbox");
            return;
        };
        let joined = inside.joined.iter_mut().find(|j| j.network == network).expect("it has joined");
        joined.interface = Some(name);
        if let Some(mac) = endpoint.mac.filter(|_| endpoint.remote.is_some()) {
            world.fabric.set_mac(namespace, device, mac);
        }
        configure(world, namespace, device, endpoint);
        if let Some(remote) = &endpoint.remote {
            add_routes(world, namespace, device, &remote.joined);
        }
    }

    /// Removes a container's own lines from `/etc/hosts`, because it leaves a user's network. The default network does
    /// not know them by name and leaves them where they are, so that who comes back to it has one line more.
    pub(super) fn forget_host_lines(&self, world: &mut World, sandbox: Id) {
        let inside = self.sandbox(sandbox).expect("a running container's sandbox stands");
        let hostname = inside.config.hostname.clone();
        self.edit(world, inside, HOSTS, |text| hosts::without(text, &hostname));
    }

    /// Adjusts a sandbox that has left a network.
    pub(super) fn depopulate(&mut self, world: &mut World, sandbox: Id) {
        let inside = self.sandbox(sandbox).expect("a running container's sandbox stands");
        self.push_records_to(world, inside);
        self.update_gateway(world, sandbox);
    }

    /// Points the default routes to the gateway of the first network by rank that has one (oracle fact 19).
    fn update_gateway(&self, world: &mut World, sandbox: Id) {
        let sandbox = self.sandbox(sandbox).expect("a running container's sandbox stands");
        if sandbox.kind != Kind::Own {
            return;
        }
        world.fabric.namespace_mut(sandbox.namespace).routes.remove(|route| route.dst.prefix() == 0);
        for is_v4 in [true, false] {
            if let Some(way) = self.gateway_of(sandbox, is_v4) {
                // Whoever owns the other end may have taken the device away.
                let device = world.fabric.namespace(sandbox.namespace).device_named(&way.device).map(|d| d.index);
                let Some(device) = device else { continue };
                let metric = if is_v4 { 0 } else { V6_METRIC };
                let route = Route { metric, ..Route::via(default_route(is_v4), way.gateway, device) };
                let added = world.fabric.add_route(sandbox.namespace, route);
                assert!(added.is_ok() || way.is_remote, "the gateway is on the device's own subnet");
            }
        }
    }

    /// The gateway of one family, if the way has one, and the device that leads to it.
    fn gateway_of(&self, sandbox: &Sandbox, is_v4: bool) -> Option<Way> {
        let ways = sandbox.joined.iter().filter_map(|joined| {
            let network = self.network(joined.network)?;
            let endpoint = network.endpoints.get(&joined.endpoint)?;
            let lease = if is_v4 { endpoint.v4 } else { endpoint.v6 }?;
            let driver = self.drivers.get(network.config.driver.as_str())?;
            let gateway = Some(lease.gateway?).filter(|_| !driver.routes_by_device(network.id));
            let is_remote = endpoint.remote.is_some();
            Some((network.rank(), Way { gateway, device: joined.interface.clone()?, is_remote }))
        });
        ways.min_by_key(|(rank, _)| *rank).map(|(_, way)| way)
    }

    /// Gives a sandbox its own DNS server, unless it has one: `/etc/resolv.conf` names it from then on (fact 33).
    fn start_resolver(&mut self, world: &mut World, sandbox: Id) {
        let seed = self.seed;
        let inside = self.sandbox_mut(sandbox);
        if inside.has_resolver || inside.kind != Kind::Own {
            return;
        }
        inside.has_resolver = true;
        let inside = self.sandbox(sandbox).expect("it was just there");
        let before = world.processes.context(inside.context).files.text(RESOLV);
        let Some((text, unqualified)) = resolv::embedded(&before) else { return };
        self.edit(world, inside, RESOLV, |_| text);
        let mut server = resolver::server(seed, sandbox, &inside.config.upstreams);
        server.unqualified = unqualified;
        server.quirks = self.quirks();
        resolver::install(world, inside.namespace, server);
    }

    /// Tells every sandbox on a network the names that it may see now.
    pub(super) fn push_records(&self, world: &mut World, network: Id) {
        for sandbox in self.sandboxes.values().filter(|s| s.on(network).is_some()) {
            self.push_records_to(world, sandbox);
        }
    }

    fn push_records_to(&self, world: &mut World, sandbox: &Sandbox) {
        if sandbox.has_resolver {
            let now = world.now();
            // A container whose lo is down has none.
            if let Some(resolver) = world.fabric.namespace_mut(sandbox.namespace).resolver_mut() {
                resolver.learn(now, self.records_for(sandbox));
            }
        }
    }
}

/// MTU and MAC came with the device; addresses, state and routes are set inside.
fn configure(world: &mut World, namespace: NamespaceId, device: IfIndex, endpoint: &Endpoint) {
    let ipv6 = if endpoint.v6.is_some() { Ipv6::Enabled } else { Ipv6::Disabled };
    world.fabric.set_ipv6(namespace, device, ipv6);
    if ipv6 == Ipv6::Enabled {
        let lo = loopback(world, namespace);
        world.fabric.set_ipv6(namespace, lo, Ipv6::Enabled);
    }
    let link_local = endpoint.link_local.iter().filter(|addr| addr.is_ipv4() || ipv6 == Ipv6::Enabled);
    let link_local = link_local.map(|addr| {
        let len = if addr.is_ipv4() { LINK_LOCAL_LEN.0 } else { LINK_LOCAL_LEN.1 };
        IpNetwork::new(*addr, len).expect("it is a prefix length")
    });
    for net in endpoint.leases().map(|lease| lease.net).chain(link_local) {
        // The same address twice is there once.
        let address = Address { scope: Scope::GLOBAL, ..Address::new(net).with_broadcast().without_detection() };
        let _ = world.fabric.assign(namespace, device, address);
    }
    world.fabric.set_up(namespace, device, true);
}

fn default_route(is_v4: bool) -> IpNetwork {
    let text = if is_v4 { "0.0.0.0/0" } else { "::/0" };
    text.parse().expect("it is a prefix")
}
