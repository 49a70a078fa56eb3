//! The controller: all networks, endpoints and sandboxes of one engine, and the order in which they change. Each change
//! is planned first (names, addresses, conflicts: all that can fail) and then committed, which cannot fail. Containers,
//! processes and HTTP are known above.

mod balance;
mod boot;
mod bugs;
mod cluster;
mod create;
mod endpoints;
mod external;
mod interfaces;
mod records;
mod remote;
mod way_out;

use std::collections::BTreeMap;

use netyard_sim::fabric::NamespaceId;
use netyard_sim::rng::{Rng, Seed};
use netyard_sim::userland::ContextId;
use netyard_sim::world::World;

use crate::bridge::Bridge;
use crate::bug::Bugs;
use crate::driver::Driver;
use crate::endpoint::{Endpoint, Standing};
use crate::error::Error;
use crate::host::Host;
use crate::id::Id;
use crate::ipam::{AddressSpace, PoolId};
use crate::macvlan::{Macvlan, Sharing};
use crate::network::Network;
use crate::none::Null;
use crate::overlay::Overlay;
use crate::plugin::{Question, Registry};
use crate::sandbox::{Kind, Sandbox, SandboxConfig};

use remote::PluginPool;

pub use endpoints::EndpointRequest;
pub use remote::{Talk, Wanted};

/// All networks of an engine.
#[derive(Clone)]
pub struct Controller {
    host: NamespaceId,
    context: ContextId,
    seed: Seed,
    ids: Rng,
    /// In the order of making, as the engine lists them.
    networks: Vec<Network>,
    sandboxes: BTreeMap<Id, Sandbox>,
    ipam: AddressSpace,
    drivers: BTreeMap<String, Box<dyn Driver>>,
    /// What is known of plugins.
    plugins: Registry,
    /// The pools that plugins gave.
    pools: BTreeMap<PoolId, PluginPool>,
    /// Endpoints that plugins were asked for and that lie ready, by container and network.
    prepared: BTreeMap<(Id, Id), Endpoint>,
    /// The sandboxes that containers with such endpoints will have.
    sandboxes_to_be: BTreeMap<Id, Id>,
    /// What plugins have to be told.
    farewells: Vec<Question>,
    /// The sandboxes that the host itself has, by network, on networks across hosts.
    posts: BTreeMap<Id, Id>,
    /// The services of those networks.
    balance: balance::Balance,
    /// How often endpoints came, went or changed their names.
    changes: u64,
    /// What it does wrong.
    bugs: Bugs,
}

impl Controller {
    /// A controller without networks on the host with this name, namespace and files. [`Self::boot`] comes next.
    #[must_use]
    pub fn new(seed: Seed, host_name: &str, host: NamespaceId, context: ContextId) -> Self {
        let bridge = Bridge::new(seed, host_name);
        let stacked = |sharing| Box::new(Macvlan::new(sharing, seed, host_name));
        let (macvlan, ipvlan) = (stacked(Sharing::Macvlan), stacked(Sharing::Ipvlan));
        let overlay = Box::new(Overlay::new(seed, host_name));
        let drivers: [Box<dyn Driver>; 6] =
            [Box::new(bridge), Box::new(Host), Box::new(Null), macvlan, ipvlan, overlay];
        Self {
            host,
            context,
            seed,
            ids: seed.stream(&format!("engine/{host_name}/networks")),
            networks: Vec::new(),
            sandboxes: BTreeMap::new(),
            ipam: AddressSpace::default(),
            bugs: Bugs::new(),
            drivers: drivers.into_iter().map(|driver| (driver.name().to_owned(), driver)).collect(),
            plugins: Registry::default(),
            pools: BTreeMap::new(),
            prepared: BTreeMap::new(),
            sandboxes_to_be: BTreeMap::new(),
            farewells: Vec::new(),
            posts: BTreeMap::new(),
            balance: balance::Balance::default(),
            changes: 0,
        }
    }

    /// The networks, oldest first.
    #[must_use]
    pub fn networks(&self) -> &[Network] {
        &self.networks
    }

    /// A network by id.
    #[must_use]
    pub fn network(&self, id: Id) -> Option<&Network> {
        self.networks.iter().find(|n| n.id == id)
    }

    /// The network that `term` means: a full id, a name, or the beginning of one id.
    ///
    /// # Errors
    /// `NetworkUnknown`, `AmbiguousNetwork`.
    pub fn find(&self, term: &str) -> Result<&Network, Error> {
        if let Some(network) = self.networks.iter().find(|n| n.id.to_string() == term) {
            return Ok(network);
        }
        let named: Vec<&Network> = self.named(term).collect();
        let begun: Vec<&Network> = self.networks.iter().filter(|n| n.id.begins_with(term)).collect();
        let ambiguous = |matches, by| Err(Error::AmbiguousNetwork { term: term.to_owned(), matches, by });
        match (named.as_slice(), begun.as_slice()) {
            ([one], _) | ([], [one]) => Ok(one),
            ([], []) => Err(Error::NetworkUnknown(term.to_owned())),
            ([], more) => ambiguous(more.len(), "ID prefix"),
            (more, _) => ambiguous(more.len(), "name"),
        }
    }

    /// The networks that are called so: several, when their makers did not mind.
    pub fn named(&self, name: &str) -> impl Iterator<Item = &Network> {
        self.networks.iter().filter(move |network| network.name() == name)
    }

    /// A sandbox.
    #[must_use]
    pub fn sandbox(&self, id: Id) -> Option<&Sandbox> {
        self.sandboxes.get(&id)
    }

    /// Whether a sandbox has this namespace.
    #[must_use]
    pub fn has_sandbox_in(&self, namespace: NamespaceId) -> bool {
        self.sandboxes.values().any(|sandbox| sandbox.namespace == namespace)
    }

    /// The endpoint of a sandbox on a network.
    #[must_use]
    pub fn endpoint(&self, sandbox: Id, network: Id) -> Option<&Endpoint> {
        let joined = self.sandboxes.get(&sandbox)?.on(network)?;
        self.network(network)?.endpoints.get(&joined.endpoint)
    }

    /// All endpoints of a sandbox, in the order of joining.
    pub fn endpoints_in(&self, sandbox: Id) -> impl Iterator<Item = &Endpoint> {
        let joined = self.sandboxes.get(&sandbox).into_iter().flat_map(|sandbox| &sandbox.joined);
        joined.filter_map(|joined| self.network(joined.network)?.endpoints.get(&joined.endpoint))
    }

    /// A sandbox without endpoints: a namespace of its own, the host's, or another container's.
    pub fn create_sandbox(&mut self, world: &mut World, place: Place, context: ContextId, config: SandboxConfig) -> Id {
        let id = Id::random(&mut self.ids);
        self.create_sandbox_as(world, id, place, context, config)
    }

    /// The same for a container, of whose sandbox plugins may have heard already.
    pub fn create_sandbox_of(
        &mut self,
        world: &mut World,
        container: Id,
        place: Place,
        context: ContextId,
        config: SandboxConfig,
    ) -> Id {
        let id = self.sandboxes_to_be.remove(&container).unwrap_or_else(|| Id::random(&mut self.ids));
        self.create_sandbox_as(world, id, place, context, config)
    }

    fn create_sandbox_as(
        &mut self,
        world: &mut World,
        id: Id,
        place: Place,
        context: ContextId,
        config: SandboxConfig,
    ) -> Id {
        let (namespace, kind, names) = match place {
            Place::Own => (interfaces::create_namespace(world, &id.short()), Kind::Own, context),
            Place::Host => (self.host, Kind::Host, context),
            Place::Shared { namespace, names } => (namespace, Kind::Shared, names),
        };
        let sandbox = Sandbox {
            id,
            namespace,
            kind,
            context,
            names,
            config,
            joined: Vec::new(),
            next_interface: BTreeMap::new(),
            has_resolver: false,
        };
        self.sandboxes.insert(id, sandbox);
        id
    }

    /// Removes a sandbox with its endpoints, which it leaves in the order of their networks. Its namespace stays as long
    /// as another container is in it, but without a DNS server.
    pub fn delete_sandbox(&mut self, world: &mut World, id: Id) {
        let networks: Vec<Id> =
            self.sandboxes.get(&id).map(|s| s.joined.iter().map(|j| j.network).collect()).unwrap_or_default();
        for network in networks {
            self.leave(world, id, network);
        }
        let Some(sandbox) = self.sandboxes.remove(&id).filter(|sandbox| sandbox.kind != Kind::Host) else { return };
        if !self.sandboxes.values().any(|other| other.namespace == sandbox.namespace) {
            world.processes.release_namespace(&mut world.fabric, sandbox.namespace);
        } else if sandbox.kind == Kind::Own {
            world.fabric.with(sandbox.namespace, |ns, cx| ns.stop_resolver(cx));
        }
    }

    /// Gives a running container another name; DNS follows at once (oracle fact 50).
    pub fn rename(&mut self, world: &mut World, container: Id, name: &str) {
        let mut changed = Vec::new();
        for network in &mut self.networks {
            let own = |e: &&mut Endpoint| e.container == container && e.standing == Standing::Container;
            for endpoint in network.endpoints.values_mut().filter(own) {
                name.clone_into(&mut endpoint.name);
                changed.push(network.id);
            }
        }
        self.changes += 1;
        for network in changed {
            self.push_records(world, network);
        }
    }

    fn network_mut(&mut self, id: Id) -> &mut Network {
        self.networks.iter_mut().find(|n| n.id == id).expect("an endpoint's network stands")
    }

    fn sandbox_mut(&mut self, id: Id) -> &mut Sandbox {
        self.sandboxes.get_mut(&id).expect("a running container's sandbox stands")
    }

    fn driver(&mut self, name: &str) -> &mut dyn Driver {
        self.drivers.get_mut(name).expect("a network's driver was checked when it was made").as_mut()
    }
}

/// What network a new sandbox gets.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Place {
    /// A new namespace.
    Own,
    /// The host's.
    Host,
    /// That of another sandbox.
    Shared {
        /// The namespace.
        namespace: NamespaceId,
        /// Whose files about names go with it.
        names: ContextId,
    },
}

#[cfg(test)]
mod tests;
