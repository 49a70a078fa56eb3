//! By which of its networks a sandbox is reached from outside: its ports are published there, and move when it joins or
//! leaves (oracle fact 21). How a port is published is the driver's work.

use netyard_sim::world::World;

use super::Controller;
use crate::driver::Ground;
use crate::error::Error;
use crate::id::Id;
use crate::network::Network;
use crate::ports::Machine;
use crate::sandbox::Kind;

impl Controller {
    /// Publishes ports on a machine outside the simulation too, from now on.
    pub fn publish_on(&mut self, machine: Box<dyn Machine>) {
        self.driver("bridge").publish_on(machine);
    }

    /// The network whose gateway a sandbox uses: the first by rank that has one (fact 19).
    pub(super) fn external(&self, sandbox: Id) -> Option<Id> {
        let sandbox = self.sandbox(sandbox).filter(|sandbox| sandbox.kind == Kind::Own)?;
        let networks = sandbox.joined.iter().filter_map(|joined| {
            let network = self.network(joined.network)?;
            network.endpoints.get(&joined.endpoint)?.v4?.gateway.map(|_| network)
        });
        networks.min_by_key(|network| network.rank()).map(|network| network.id)
    }

    /// Moves the published ports of a sandbox that has joined a network, when it is reached by another than `before`.
    /// An internal network publishes nothing (fact 64).
    ///
    /// # Errors
    /// `ExternalConnectivity`; the ports are published where they were then.
    pub(super) fn move_external(&mut self, world: &mut World, sandbox: Id, before: Option<Id>) -> Result<(), Error> {
        let Some(now) = self.external(sandbox).filter(|now| before != Some(*now)) else { return Ok(()) };
        if let Some(before) = before {
            self.withdraw(world, sandbox, before);
        }
        if self.network(now).is_some_and(|network| network.config.internal) {
            return Ok(());
        }
        let published = self.publish(world, sandbox, now);
        if let (Err(_), Some(before)) = (&published, before) {
            // The engine only logs it when that fails too.
            let _ = self.publish(world, sandbox, before);
        }
        published
    }

    /// Publishes the ports of a sandbox on one of its networks. A network that has become the way out because another
    /// was left is not asked whether it is internal, as in the engine.
    pub(super) fn publish(&mut self, world: &mut World, sandbox: Id, network: Id) -> Result<(), Error> {
        let wanted = self.sandbox(sandbox).map(|s| s.config.publications.clone()).unwrap_or_default();
        let (driver, endpoint) = self.driver_and_endpoint(sandbox, network);
        let mut ground = Ground::new(world, self.host, self.context);
        let published = self.driver(&driver).publish(&mut ground, network, endpoint, &wanted);
        let endpoint = self.network_mut(network).endpoints.get_mut(&endpoint).expect("the sandbox has joined it");
        match published {
            Ok(published) => endpoint.published = published,
            Err(reason) => {
                let (endpoint, id) = (endpoint.name.clone(), endpoint.id);
                return Err(Error::ExternalConnectivity { endpoint, id, reason });
            }
        }
        Ok(())
    }

    /// Takes the published ports of a sandbox off one of its networks.
    pub(super) fn withdraw(&mut self, world: &mut World, sandbox: Id, network: Id) {
        let (driver, endpoint) = self.driver_and_endpoint(sandbox, network);
        let mut ground = Ground::new(world, self.host, self.context);
        self.driver(&driver).withdraw(&mut ground, network, endpoint);
        self.tell_published(sandbox, network, false);
        let endpoint = self.network_mut(network).endpoints.get_mut(&endpoint).expect("the sandbox has joined it");
        if let Some(published) = &mut endpoint.published {
            published.clear();
        }
    }

    fn driver_and_endpoint(&self, sandbox: Id, network: Id) -> (String, Id) {
        let driver = self.network(network).map(|network: &Network| network.config.driver.clone());
        let joined = self.sandbox(sandbox).and_then(|sandbox| sandbox.on(network));
        let (driver, joined) = driver.zip(joined).expect("the sandbox has joined the network");
        (driver, joined.endpoint)
    }
}
