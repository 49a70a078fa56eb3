//! What the controller does when its engine starts: the firewall's chains, the rules of the networks that stood before,
//! and the three networks that every engine has. Containers are started above.

use core::net::IpAddr;
use std::collections::BTreeMap;

use netyard_sim::addr::{IpNetwork, network_of};
use netyard_sim::world::World;

use super::Controller;
use crate::daemon::{self, Config, DefaultBridge, refused_bridge};
use crate::driver::Ground;
use crate::ipam::PoolRequest;
use crate::network::{Allocation, DEFAULT, NetworkConfig, SubnetConfig};
use crate::options;

/// Under these names an auxiliary address is the way out of containers, instead of the bridge.
pub(super) const DEFAULT_GATEWAY_KEYS: [&str; 2] = ["DefaultGatewayIPv4", "DefaultGatewayIPv6"];
/// Longer prefixes have no room for the MAC address of an interface in them.
const MAC_DERIVED_PREFIX_MAX: u8 = 80;

impl Controller {
    /// Begins, on a fresh host or on one where it has been before: then the networks of users stand as they stood, and
    /// the default one is made anew unless somebody is still on it.
    ///
    /// # Errors
    /// The default network cannot be made as `config` has it.
    pub fn boot(&mut self, world: &mut World, config: &Config) -> Result<(), daemon::Error> {
        self.ipam.set_automatic(config.pools.clone());
        let mut ground = Ground::new(world, self.host, self.context);
        self.drivers.values_mut().for_each(|driver| driver.boot(&mut ground, config));
        self.networks.iter_mut().for_each(show_gateways);
        for (name, driver) in [("none", "null"), ("host", "host")] {
            if !self.networks.iter().any(|network| network.name() == name) {
                let config = NetworkConfig { name: name.into(), driver: driver.into(), ..NetworkConfig::default() };
                self.make_network(world, config).expect("such a network has nothing to refuse");
            }
        }
        self.boot_default(world, config)
    }

    fn boot_default(&mut self, world: &mut World, config: &Config) -> Result<(), daemon::Error> {
        let old = self.networks.iter().find(|network| network.name() == DEFAULT);
        if old.is_some_and(|network| !network.endpoints.is_empty()) {
            return Ok(());
        }
        if let Some(id) = old.map(|network| network.id) {
            self.remove_network(world, id);
        }
        if config.bridge == DefaultBridge::Without || !config.pools.given().is_empty() {
            self.remove_docker0(world);
        }
        let Some(network) = self.default_network(world, config)? else { return Ok(()) };
        self.make_network(world, network).map(drop).map_err(|error| refused_bridge(&error.to_string()))
    }

    /// What the default network shall be; none when there shall be none.
    fn default_network(&self, world: &World, config: &Config) -> Result<Option<NetworkConfig>, daemon::Error> {
        let name = match &config.bridge {
            DefaultBridge::Docker0 => options::DOCKER0,
            DefaultBridge::Given(name) => name,
            DefaultBridge::Without => return Ok(None),
        };
        let device = world.fabric.namespace(self.host).device_named(name);
        if device.is_none() && name != options::DOCKER0 {
            let text = format!("bridge device with non default name {name} must be created manually");
            return Err(refused_bridge(&text));
        }
        let standing = device.map(|device| device.addresses.iter().map(|a| a.net).collect::<Vec<_>>());
        let standing = standing.unwrap_or_default();
        let mut subnets = vec![self.default_v4(world, config, &standing)?];
        subnets.extend(config.fixed_cidr_v6.filter(|_| config.ipv6).map(|net| default_v6(net, config, &standing)));
        Ok(Some(NetworkConfig {
            name: DEFAULT.to_owned(),
            driver: "bridge".to_owned(),
            ipv6: config.ipv6,
            subnets,
            options: options::of_default_bridge(name, config.icc, config.masquerade, config.binding, config.mtu),
            ..NetworkConfig::default()
        }))
    }

    /// The IPv4 subnet: what `--bip` says, what the bridge has already, or the first automatic pool.
    fn default_v4(
        &self,
        world: &World,
        config: &Config,
        standing: &[IpNetwork],
    ) -> Result<SubnetConfig, daemon::Error> {
        let has = config.bip.or_else(|| standing.iter().find(|net| net.is_ipv4()).copied());
        let elected = || self.ipam.elect(&self.routes_in_use(world));
        let subnet = has.map(network_of).or_else(elected).ok_or_else(|| {
            let text = "Error initializing network controller: list bridge addresses failed: no available network";
            daemon::Error::Start(text.to_owned())
        })?;
        Ok(SubnetConfig {
            pool: PoolRequest { subnet, range: config.fixed_cidr.map(network_of) },
            gateway: has.map(|net| net.ip()),
            auxiliary: auxiliary(DEFAULT_GATEWAY_KEYS[0], config.default_gateway),
            allocation: Allocation::Lowest,
        })
    }

    fn remove_docker0(&mut self, world: &mut World) {
        let device = world.fabric.namespace(self.host).device_named(options::DOCKER0).map(|device| device.index);
        if let Some(device) = device {
            world.fabric.delete_device(self.host, device);
        }
    }
}

fn default_v6(net: IpNetwork, config: &Config, standing: &[IpNetwork]) -> SubnetConfig {
    let subnet = network_of(net);
    let inside = |net: &&IpNetwork| net.is_ipv6() && subnet.contains(net.ip());
    let by_mac = net.prefix() <= MAC_DERIVED_PREFIX_MAX;
    SubnetConfig {
        pool: PoolRequest { subnet, range: None },
        gateway: standing.iter().find(inside).map(|net| net.ip()),
        auxiliary: auxiliary(DEFAULT_GATEWAY_KEYS[1], config.default_gateway_v6),
        allocation: if by_mac { Allocation::ByMac } else { Allocation::Lowest },
    }
}

fn auxiliary(key: &str, address: Option<IpAddr>) -> BTreeMap<String, IpAddr> {
    address.map(|address| (key.to_owned(), address)).into_iter().collect()
}

/// An engine that starts again knows the gateways that it chose, and shows them (oracle fact 7).
fn show_gateways(network: &mut crate::network::Network) {
    for asked in &mut network.config.subnets {
        if let Some(has) = network.subnets.iter().find(|has| has.net == asked.pool.subnet) {
            asked.gateway = Some(has.gateway);
        }
    }
}
