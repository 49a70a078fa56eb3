//! Making and removing networks: the plan takes subnets, gateways and reserved addresses and gives them back when
//! something is refused; the commit lets the driver build.

use core::net::IpAddr;

use netyard_sim::addr::{Family, IpNetwork, network_of};
use netyard_sim::world::World;

use super::Controller;
use super::boot::DEFAULT_GATEWAY_KEYS;
use crate::driver::{Addressing, Ground, NetworkSpec};
use crate::error::Error;
use crate::id::Id;
use crate::ipam::{PoolId, Realm};
use crate::network::{
    Allocation, Namesakes, Network, NetworkConfig, Origin, Role, Scope, Subnet, SubnetConfig, is_predefined,
};

impl Controller {
    /// Makes a network for a user.
    ///
    /// # Errors
    /// The name is predefined or taken, there is no such driver, an option is wrong, or IPAM has no room.
    pub fn create_network(&mut self, world: &mut World, mut config: NetworkConfig) -> Result<Id, Error> {
        self.check_network(&mut config)?;
        if config.role == Role::Model {
            let (id, created) = (Id::random(&mut self.ids), world.now());
            self.networks.push(Network::new(id, created, config, Vec::new()));
            return Ok(id);
        }
        if self.is_remote(&config.driver) {
            return Err(Error::PluginUnknown(config.driver));
        }
        self.make_network(world, config)
    }

    /// Makes the checks of a network that need no IPAM, and gives it what its model has.
    ///
    /// # Errors
    /// The name is predefined or taken, users make no networks with its driver, or there is no such model.
    pub fn check_network(&self, config: &mut NetworkConfig) -> Result<(), Error> {
        if is_predefined(&config.name) {
            return Err(Error::NetworkPredefined(config.name.clone()));
        }
        let is_refused = config.namesakes == Namesakes::Refused && self.named(&config.name).next().is_some();
        if config.name.is_empty() || is_refused {
            return Err(Error::NetworkNameTaken(config.name.clone()));
        }
        if config.name.trim().is_empty() {
            return Err(Error::NetworkNameInvalid(config.name.clone()));
        }
        if config.role == Role::Model {
            return Ok(());
        }
        if let Some(driver) = self.drivers.get(config.driver.as_str()) {
            driver.check_creation()?;
        }
        self.apply_model(config)
    }

    /// Gives a network that is made after a model what the model has.
    fn apply_model(&self, config: &mut NetworkConfig) -> Result<(), Error> {
        let Role::After(name) = &config.role else { return Ok(()) };
        let found = self.networks.iter().find(|n| n.name() == name && n.config.role == Role::Model);
        let model = &found.ok_or_else(|| Error::ConfigUnknown(name.clone()))?.config;
        config.ipv6 = model.ipv6;
        config.subnets.clone_from(&model.subnets);
        config.ipam_driver.clone_from(&model.ipam_driver);
        config.ipam_options.clone_from(&model.ipam_options);
        config.options.clone_from(&model.options);
        config.labels.clone_from(&model.labels);
        Ok(())
    }

    pub(super) fn make_network(&mut self, world: &mut World, config: NetworkConfig) -> Result<Id, Error> {
        let id = Id::random(&mut self.ids);
        self.make_network_as(world, id, config)
    }

    /// The same with an id that it has already.
    pub(super) fn make_network_as(&mut self, world: &mut World, id: Id, config: NetworkConfig) -> Result<Id, Error> {
        let driver = self.drivers.get(config.driver.as_str()).expect("the driver was checked");
        let addressing = driver.addressing();
        let subnets = match addressing {
            Addressing::Ipam | Addressing::IpamOnly => self.take_subnets(world, &config)?,
            Addressing::Without => Vec::new(),
        };
        self.build_network(world, id, config, subnets)
    }

    /// Lets the driver build a network whose subnets are taken. They are given back when it is refused.
    pub(super) fn build_network(
        &mut self,
        world: &mut World,
        id: Id,
        config: NetworkConfig,
        subnets: Vec<Subnet>,
    ) -> Result<Id, Error> {
        let nets = subnets.iter().map(|s| (s.net, s.gateway)).collect();
        let spec = NetworkSpec { id, internal: config.internal, subnets: nets, options: &config.options };
        let mut ground = Ground::new(world, self.host, self.context);
        let driver = self.drivers.get_mut(config.driver.as_str()).expect("the driver was checked");
        // A refusal comes after the subnets were taken, so that the next network gets another automatic pool.
        if let Err(error) = driver.plan_network(&ground, &spec) {
            subnets.iter().for_each(|subnet| self.give_up_pool(subnet.pool));
            return Err(error);
        }
        driver.create_network(&mut ground, &spec);
        let created = world.now();
        self.networks.push(Network::new(id, created, config, subnets));
        Ok(id)
    }

    /// Takes all that a network needs of IPAM, or nothing.
    pub(super) fn take_subnets(&mut self, world: &World, config: &NetworkConfig) -> Result<Vec<Subnet>, Error> {
        let mut taken = Vec::new();
        let result = self.try_take_subnets(world, config, &mut taken);
        if result.is_err() {
            taken.iter().for_each(|pool| self.ipam.release_pool(*pool));
        }
        result
    }

    fn try_take_subnets(
        &mut self,
        world: &World,
        config: &NetworkConfig,
        taken: &mut Vec<PoolId>,
    ) -> Result<Vec<Subnet>, Error> {
        let mut subnets = Vec::new();
        let realm = if config.scope == Scope::Local { Realm::Engine } else { Realm::Cluster };
        for family in [Family::V4, Family::V6] {
            if family == Family::V6 && !config.ipv6 {
                continue;
            }
            let of_family = |s: &&SubnetConfig| s.pool.subnet.is_ipv4() == (family == Family::V4);
            let asked: Vec<&SubnetConfig> = config.subnets.iter().filter(of_family).collect();
            for asked in &asked {
                let pool = self.ipam.request_pool(realm, asked.pool)?;
                taken.push(pool);
                subnets.push(self.take_reserved(pool, asked)?);
            }
            if asked.is_empty() {
                let pool = self.ipam.request_automatic(family, &self.routes_in_use(world))?;
                taken.push(pool);
                subnets.push(self.take_gateway(pool, None, Origin::Automatic)?);
            }
        }
        Ok(subnets)
    }

    /// The gateway and the auxiliary addresses of a subnet.
    fn take_reserved(&mut self, pool: PoolId, asked: &SubnetConfig) -> Result<Subnet, Error> {
        let mut subnet = self.take_gateway(pool, asked.gateway, Origin::User)?;
        subnet.allocation = asked.allocation;
        for (name, address) in &asked.auxiliary {
            if !self.ipam.contains(pool, *address) {
                let (name, address) = (name.clone(), address.to_string());
                return Err(Error::AuxiliaryOutside { name, address, pool: network_of(subnet.net) });
            }
            self.ipam.request_address(pool, Some(*address)).map_err(|reason| Error::AuxiliaryUnavailable {
                name: name.clone(),
                address: address.to_string(),
                reason,
            })?;
            if name == DEFAULT_GATEWAY_KEYS[usize::from(address.is_ipv6())] {
                subnet.way_out = *address;
            }
        }
        Ok(subnet)
    }

    fn take_gateway(&mut self, pool: PoolId, wanted: Option<IpAddr>, origin: Origin) -> Result<Subnet, Error> {
        let gateway = self.ipam.request_address(pool, wanted).map_err(|reason| Error::GatewayUnavailable {
            gateway: wanted.map(|ip| ip.to_string()).unwrap_or_default(),
            reason,
        })?;
        let net = self.ipam.subnet(pool);
        Ok(Subnet { pool, net, gateway, way_out: gateway, allocation: Allocation::Lowest, origin })
    }

    /// The prefixes that the host has routes to; automatic pools stay clear of them (oracle fact 6).
    pub(super) fn routes_in_use(&self, world: &World) -> Vec<IpNetwork> {
        let routes = world.fabric.namespace(self.host).routes.iter();
        routes.map(|route| route.dst).filter(|dst| dst.prefix() > 0).collect()
    }

    /// Removes a network that no running container uses (oracle fact 15).
    ///
    /// # Errors
    /// `NetworkUnknown`, `NetworkNotRemovable`, `NetworkActive`.
    pub fn delete_network(&mut self, world: &mut World, term: &str) -> Result<Network, Error> {
        let network = self.find(term)?;
        if !network.is_user_defined() {
            return Err(Error::NetworkNotRemovable(network.name().to_owned()));
        }
        if !network.endpoints.is_empty() {
            return Err(Error::NetworkActive { name: network.name().to_owned(), id: network.id });
        }
        let (id, name) = (network.id, network.name());
        if self.networks.iter().any(|n| matches!(&n.config.role, Role::After(model) if model == name)) {
            return Err(Error::ConfigInUse(name.to_owned()));
        }
        Ok(self.remove_network(world, id))
    }

    /// Removes a network without endpoints.
    pub(super) fn remove_network(&mut self, world: &mut World, id: Id) -> Network {
        let at = self.networks.iter().position(|n| n.id == id).expect("the caller found it");
        let network = self.networks.remove(at);
        if network.config.role == Role::Model {
            return network;
        }
        let mut ground = Ground::new(world, self.host, self.context);
        let driver = self.drivers.get_mut(network.config.driver.as_str()).expect("the driver was checked");
        driver.delete_network(&mut ground, id);
        self.part_with_network(&network);
        network.subnets.iter().for_each(|subnet| self.give_up_pool(subnet.pool));
        network
    }
}
