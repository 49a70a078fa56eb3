//! The way out of containers that are only on networks across hosts, which lead nowhere else: a bridge of each host,
//! docker_gwbridge, that such a container is put on by the engine.

use netyard_sim::world::World;

use super::{Controller, EndpointRequest};
use crate::endpoint::{Endpoint, EndpointConfig, Standing};
use crate::error::Error;
use crate::id::Id;
use crate::network::{Network, NetworkConfig};
use crate::options;
use crate::sandbox::Kind;

/// The network, which somebody may have made by hand before.
const NAME: &str = "docker_gwbridge";

impl Controller {
    /// Puts a sandbox on the network that leads out, or takes it off, as it needs it now.
    ///
    /// # Errors
    /// There is no address for it, or its ports cannot be published there.
    pub(super) fn settle_way_out(&mut self, world: &mut World, sandbox: Id) -> Result<(), Error> {
        let Some(inside) = self.sandbox(sandbox).filter(|sandbox| sandbox.kind == Kind::Own) else { return Ok(()) };
        let has = self.way_out_of(sandbox);
        let others = inside.joined.iter().filter(|joined| Some(joined.network) != has);
        let others = others.filter_map(|joined| {
            let network = self.network(joined.network)?;
            Some((network, network.endpoints.get(&joined.endpoint)?))
        });
        let others: Vec<(&Network, &Endpoint)> = others.filter(|(network, _)| !network.config.internal).collect();
        let leads = |(network, endpoint): &(&Network, &Endpoint)| match &endpoint.remote {
            Some(remote) => remote.joined.leads_out(),
            None => {
                let driver = self.drivers.get(network.config.driver.as_str());
                !network.subnets.is_empty() && driver.is_some_and(|driver| driver.gives_gateway())
            }
        };
        // A plugin may have its endpoints stay where they are.
        let wants = |(network, endpoint): &(&Network, &Endpoint)| {
            network.is_shared() || endpoint.remote.as_ref().is_some_and(|remote| !remote.joined.stays_in)
        };
        let needs = others.iter().any(wants) && !others.iter().any(leads);
        match (needs, has) {
            (true, None) => self.lead_out(world, sandbox),
            (false, Some(network)) => {
                self.leave_one(world, sandbox, network);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// The network that a sandbox is on only to get out.
    fn way_out_of(&self, sandbox: Id) -> Option<Id> {
        let inside = self.sandbox(sandbox)?;
        let is_way_out = |id: &Id| {
            let endpoint = self.endpoint(sandbox, *id);
            endpoint.is_some_and(|endpoint| endpoint.standing == Standing::WayOut)
        };
        inside.joined.iter().map(|joined| joined.network).find(is_way_out)
    }

    fn lead_out(&mut self, world: &mut World, sandbox: Id) -> Result<(), Error> {
        let network = self.gateway_network(world)?;
        let name = format!("gateway_{}", sandbox.short());
        let inside = self.sandbox(sandbox).expect("the caller found it");
        let mut endpoints = inside.joined.iter().filter_map(|joined| self.endpoint(sandbox, joined.network));
        let container = endpoints.next().map_or(sandbox, |endpoint| endpoint.container);
        let config = EndpointConfig::default();
        let wanted = EndpointRequest { network, container, name: &name, config: &config, standing: Standing::WayOut };
        let endpoint = self.plan_endpoint(world, sandbox, wanted)?;
        let before = self.external(sandbox);
        self.commit_endpoint(world, network, endpoint);
        let moved = self.move_external(world, sandbox, before);
        self.populate(world, sandbox, network);
        if moved.is_err() {
            self.leave_one(world, sandbox, network);
        }
        moved
    }

    /// The network that leads out, made when there is none.
    pub(super) fn gateway_network(&mut self, world: &mut World) -> Result<Id, Error> {
        if let Some(network) = self.named(NAME).next() {
            return Ok(network.id);
        }
        let config = NetworkConfig {
            name: NAME.to_owned(),
            driver: "bridge".to_owned(),
            options: options::of_gateway_bridge(NAME),
            ..NetworkConfig::default()
        };
        let id = self.make_network(world, config)?;
        Ok(id)
    }
}
