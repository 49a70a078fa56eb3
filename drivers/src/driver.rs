//! The trait of a network driver, with libnetwork's verbs. A driver makes the devices and rules of networks and
//! endpoints in the host's namespace; names, addresses and containers are decided above it.

use core::net::IpAddr;
use dyn_clone::DynClone;
use std::collections::BTreeMap;

use netyard_sim::addr::{IpNetwork, Mac};
use netyard_sim::device::IfIndex;
use netyard_sim::fabric::{Fabric, NamespaceId};
use netyard_sim::rng::Rng;
use netyard_sim::userland::ContextId;
use netyard_sim::userland::process::Table;
use netyard_sim::world::World;

use crate::bug::Bugs;
use crate::daemon::Config;
use crate::error::{Error, PublishFailure};
use crate::id::Id;
use crate::network::Peer;
use crate::ports::{Machine, PortBinding, Publication};

/// What a driver works on: all namespaces, links and processes, and which of them are the host's.
pub struct Ground<'a> {
    /// Namespaces and links.
    pub fabric: &'a mut Fabric,
    /// What runs.
    pub processes: &'a mut Table,
    /// The namespace of the engine's host.
    pub host: NamespaceId,
    /// Where the programs of the host run.
    pub context: ContextId,
}

impl<'a> Ground<'a> {
    /// The ground of an engine on a host.
    pub const fn new(world: &'a mut World, host: NamespaceId, context: ContextId) -> Self {
        Self { fabric: &mut world.fabric, processes: &mut world.processes, host, context }
    }
}

impl Ground<'_> {
    /// `veth` and seven hexadecimal digits that no device of the host has.
    pub fn free_veth_name(&self, names: &mut Rng) -> String {
        loop {
            let name = format!("veth{:07x}", names.u32() >> 4);
            if self.fabric.namespace(self.host).device_named(&name).is_none() {
                return name;
            }
        }
    }
}

/// A network to be made.
#[derive(Clone, Debug)]
pub struct NetworkSpec<'a> {
    /// Its id.
    pub id: Id,
    /// Whether it has no way out.
    pub internal: bool,
    /// Its subnets with their gateways.
    pub subnets: Vec<(IpNetwork, IpAddr)>,
    /// Options as the user wrote them, for the driver to parse.
    pub options: &'a BTreeMap<String, String>,
}

/// An endpoint to be made.
#[derive(Clone, Copy, Debug)]
pub struct EndpointSpec {
    /// Its id.
    pub id: Id,
    /// The network it is on.
    pub network: Id,
    /// Its MAC address.
    pub mac: Option<Mac>,
    /// Its IPv4 address.
    pub v4: Option<IpAddr>,
    /// Its IPv6 address.
    pub v6: Option<IpAddr>,
}

/// A device that goes into a sandbox.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Interface {
    /// The device, still in the host's namespace.
    pub device: IfIndex,
    /// What its name in the sandbox begins with.
    pub prefix: String,
}

/// Whether a driver's networks have addresses.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Addressing {
    /// IPAM gives them subnets and addresses, and an IPv4 address makes an Ethernet address.
    Ipam,
    /// The same, and all have the Ethernet address of their parent.
    IpamOnly,
    /// They have none.
    Without,
}

/// A network driver. What can fail is in `plan_network`, `plan_endpoint` and `publish`; the rest is done after every
/// check has passed. What a driver has nothing to do for, it leaves out: `host` and `null` make no devices.
pub trait Driver: DynClone {
    /// Its name, as `docker network ls` shows it.
    fn name(&self) -> &str;

    /// Whether a plugin does its work, which is asked elsewhere.
    fn is_remote(&self) -> bool {
        false
    }

    /// Whether its networks have addresses.
    fn addressing(&self) -> Addressing;

    /// Begins, when the engine starts: on a fresh host, or on one where the driver's networks stand already.
    fn boot(&mut self, _ground: &mut Ground<'_>, _config: &Config) {}

    /// Whether users may make networks with it.
    ///
    /// # Errors
    /// `DriverSingleton` when there is just the one that the engine made.
    fn check_creation(&self) -> Result<(), Error> {
        Ok(())
    }

    /// Checks a network before anything is changed.
    ///
    /// # Errors
    /// What is wrong with its options or subnets.
    fn plan_network(&self, _ground: &Ground<'_>, _spec: &NetworkSpec<'_>) -> Result<(), Error> {
        Ok(())
    }

    /// Makes a network that `plan_network` accepted.
    fn create_network(&mut self, _ground: &mut Ground<'_>, _spec: &NetworkSpec<'_>) {}

    /// Removes a network without endpoints.
    fn delete_network(&mut self, _ground: &mut Ground<'_>, _network: Id) {}

    /// Checks whether a network takes another endpoint.
    ///
    /// # Errors
    /// What the kernel would say.
    fn plan_endpoint(&self, _: &Ground<'_>, _: Id) -> Result<(), Error> {
        Ok(())
    }

    /// Makes the devices of an endpoint.
    fn create_endpoint(&mut self, _ground: &mut Ground<'_>, _spec: EndpointSpec) {}

    /// Removes them.
    fn delete_endpoint(&mut self, _ground: &mut Ground<'_>, _network: Id, _endpoint: Id) {}

    /// What goes into the sandbox of a container that joins; none when the network has no devices.
    fn join(&mut self, _network: Id, _endpoint: Id) -> Option<Interface> {
        None
    }

    /// Publishes ports of an endpoint by which its sandbox is reached from outside (libnetwork's
    /// `ProgramExternalConnectivity`). Nothing comes of it on a network that has no ports to publish.
    ///
    /// # Errors
    /// A port of the host is taken; none is published then.
    fn publish(
        &mut self,
        _ground: &mut Ground<'_>,
        _network: Id,
        _endpoint: Id,
        _wanted: &[Publication],
    ) -> Result<Option<Vec<PortBinding>>, PublishFailure> {
        Ok(None)
    }

    /// Takes that back (`RevokeExternalConnectivity`).
    fn withdraw(&mut self, _ground: &mut Ground<'_>, _network: Id, _endpoint: Id) {}

    /// Publishes ports on a machine outside the simulation too, from now on, if it publishes any.
    fn publish_on(&mut self, _machine: Box<dyn Machine>) {}

    /// Whether its networks lead out of a host; a container that has only others gets another way out.
    fn gives_gateway(&self) -> bool {
        true
    }

    /// Takes in what is on a network behind other hosts, all of it.
    fn know_peers(&mut self, _ground: &mut Ground<'_>, _network: Id, _peers: &[Peer]) {}

    /// The namespace that a network has to itself, if it has one.
    fn namespace_of(&self, _network: Id) -> Option<NamespaceId> {
        None
    }

    /// Does these things wrong from now on, as far as they are its affair.
    fn suffer(&mut self, _bugs: &Bugs) {}

    /// Whether the default route of a container names the device alone, and no gateway.
    fn routes_by_device(&self, _: Id) -> bool {
        false
    }
}

dyn_clone::clone_trait_object!(Driver);
