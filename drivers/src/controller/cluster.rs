//! Networks across hosts, as one of the hosts has them: they come with the addresses that a cluster chose, the host has an
//! endpoint of its own on each, and what is on other hosts is told from outside.

use core::net::IpAddr;

use netyard_sim::fabric::NamespaceId;
use netyard_sim::time::Instant;
use netyard_sim::userland::ip::netns;
use netyard_sim::world::World;

use super::{Controller, EndpointRequest, Place};
use crate::driver::Ground;
use crate::endpoint::{Endpoint, EndpointConfig, Standing, StaticAddresses};
use crate::error::Error;
use crate::id::Id;
use crate::network::{Elsewhere, Network, NetworkConfig, Peer};
use crate::overlay::Overlay;
use crate::sandbox::{DIRECTORY, SandboxConfig};

/// Digits of a network's id in the name of the host's own namespace on it.
const DIGITS: usize = 9;

impl Controller {
    /// How often endpoints have come, gone or changed their names.
    #[must_use]
    pub const fn changes(&self) -> u64 {
        self.changes
    }

    /// Has a network across hosts from now on, with the host's own endpoint at `addr`.
    ///
    /// # Errors
    /// The host has a tunnel of its number.
    pub fn share(&mut self, world: &mut World, id: Id, config: NetworkConfig, addr: IpAddr) -> Result<(), Error> {
        let (name, is_ingress) = (config.name.clone(), config.ingress);
        self.make_network_as(world, id, config)?;
        let place = Place::Own;
        let sandbox = self.create_sandbox(world, place, self.context, SandboxConfig::default());
        let addresses = StaticAddresses { v4: Some(addr), ..StaticAddresses::default() };
        let config = EndpointConfig { addresses: Some(addresses), ..EndpointConfig::default() };
        let own = format!("{name}-endpoint");
        let wanted =
            EndpointRequest { network: id, container: sandbox, name: &own, config: &config, standing: Standing::Host };
        let label = if is_ingress { "ingress-sbox".to_owned() } else { format!("lb-{name}") };
        let joined = self.join_as_host(world, sandbox, wanted, &label);
        if let Err(error) = joined {
            self.delete_sandbox(world, sandbox);
            self.remove_network(world, id);
            return Err(error);
        }
        if is_ingress {
            self.lead_host_out(world, sandbox, &label);
        }
        let namespace = self.sandbox(sandbox).expect("it was just made").namespace;
        self.posts.insert(id, sandbox);
        let file = own_file(id, is_ingress);
        self.show(world, &file, namespace);
        self.show_overlay(world, id);
        Ok(())
    }

    /// Has a network across hosts that was made then, without an endpoint of the host's own.
    ///
    /// # Errors
    /// The host has a tunnel of its number.
    pub fn share_plainly(
        &mut self,
        world: &mut World,
        id: Id,
        config: NetworkConfig,
        created: Instant,
    ) -> Result<(), Error> {
        self.make_network_as(world, id, config)?;
        self.network_mut(id).created = created;
        self.show_overlay(world, id);
        Ok(())
    }

    fn show_overlay(&self, world: &mut World, id: Id) {
        let driver = self.drivers.get("overlay").expect("the driver is there");
        if let Some(namespace) = driver.namespace_of(id) {
            self.show(world, &Overlay::namespace_name(id), namespace);
        }
    }

    fn join_as_host(
        &mut self,
        world: &mut World,
        sandbox: Id,
        wanted: EndpointRequest<'_>,
        label: &str,
    ) -> Result<(), Error> {
        let endpoint = self.plan_endpoint(world, sandbox, wanted)?;
        let endpoint = Endpoint { label: Some(label.to_owned()), ..endpoint };
        self.commit_endpoint(world, wanted.network, endpoint);
        self.populate(world, sandbox, wanted.network);
        Ok(())
    }

    /// Published ports of a swarm lead through the host's own namespace, which so has a way out.
    fn lead_host_out(&mut self, world: &mut World, sandbox: Id, label: &str) {
        // Without it nothing can be published, as in the engine, which only logs it.
        let Ok(network) = self.gateway_network(world) else { return };
        let (name, config) = (format!("gateway_{label}"), EndpointConfig::default());
        let standing = Standing::WayOut;
        let wanted = EndpointRequest { network, container: sandbox, name: &name, config: &config, standing };
        let _ = self.join_as_host(world, sandbox, wanted, label);
    }

    /// Has a network across hosts no more. Whoever is on it leaves it.
    pub fn unshare(&mut self, world: &mut World, id: Id) {
        let Some(network) = self.network(id) else { return };
        let is_ingress = network.config.ingress;
        let inside: Vec<Id> = network.endpoints.values().map(|endpoint| endpoint.sandbox).collect();
        for sandbox in inside {
            self.leave(world, sandbox, id);
        }
        if let Some(sandbox) = self.posts.remove(&id) {
            self.delete_sandbox(world, sandbox);
        }
        for file in [own_file(id, is_ingress), Overlay::namespace_name(id)] {
            world.processes.context_mut(self.context).files.remove(&format!("{DIRECTORY}/{file}"));
        }
        self.remove_network(world, id);
    }

    /// A task is found by its service from now on, in a sandbox that has waited for it.
    pub fn is_ready(&mut self, world: &mut World, sandbox: Id) {
        let of_sandbox = |endpoint: &&mut Endpoint| endpoint.sandbox == sandbox;
        let mut changed = Vec::new();
        for network in &mut self.networks {
            for endpoint in network.endpoints.values_mut().filter(of_sandbox) {
                if let Some(service) = endpoint.service.as_mut().filter(|service| !service.is_ready) {
                    service.is_ready = true;
                    changed.push(network.id);
                }
            }
        }
        if !changed.is_empty() {
            self.changes += 1;
        }
        changed.into_iter().for_each(|network| self.push_records(world, network));
        self.settle_services(world);
    }

    /// Takes in what is on a network on other hosts.
    pub fn set_elsewhere(&mut self, world: &mut World, id: Id, elsewhere: Elsewhere) {
        let Some(network) = self.networks.iter_mut().find(|network| network.id == id) else { return };
        if network.elsewhere == elsewhere {
            return;
        }
        let peers: Vec<Peer> = elsewhere.stations.iter().map(|station| station.peer).collect();
        network.elsewhere = elsewhere;
        let driver = network.config.driver.clone();
        let mut ground = Ground::new(world, self.host, self.context);
        self.driver(&driver).know_peers(&mut ground, id, &peers);
        self.push_records(world, id);
    }

    /// The networks across hosts that this one has.
    pub fn shared(&self) -> impl Iterator<Item = &Network> {
        self.networks.iter().filter(|network| network.is_shared())
    }

    fn show(&self, world: &mut World, file: &str, namespace: NamespaceId) {
        let files = &mut world.processes.context_mut(self.context).files;
        files.make_directory(DIRECTORY);
        // A host whose user put a file in the way has no room for it.
        let _ = files.write(&format!("{DIRECTORY}/{file}"), netns::content(namespace));
    }
}

/// The file of the host's own namespace on a network.
fn own_file(network: Id, is_ingress: bool) -> String {
    if is_ingress { "ingress_sbox".to_owned() } else { format!("lb_{}", &network.to_string()[..DIGITS]) }
}
