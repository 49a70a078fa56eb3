//! Networks that plugins have a hand in: those that a plugin makes, and those whose addresses a plugin gives. What a change
//! needs of plugins is asked before anything is changed, in a [`Talk`]; what only has to be told them is a farewell, sent
//! when all is done here.

mod endpoints;

use core::net::IpAddr;
use std::collections::BTreeMap;

use netyard_sim::addr::{Family, IpNetwork};
use netyard_sim::world::World;

use super::Controller;
use crate::driver::Driver;
use crate::endpoint::Endpoint;
use crate::error::Error;
use crate::id::Id;
use crate::ipam::{PoolId, overlap};
use crate::network::{Allocation, Network, NetworkConfig, Origin, Role as Purpose, Subnet, SubnetConfig};
use crate::plugin::answer::{self, Pool};
use crate::plugin::{Ask, Halt, Journal, Question, Reader, Role, Settings, SubnetData};
use crate::remote::Remote;

pub use endpoints::Wanted;
pub(super) use endpoints::add_routes;

/// How often a plugin may offer a subnet that the host has a route into, when any would do.
const OFFERS_MAX: usize = 16;
/// What the engine's own IPAM calls its address space.
const OWN_SPACE: &str = "LocalDefault";

/// A talk with plugins about one change, and what was taken for that change meanwhile.
#[derive(Clone, Debug, Default)]
pub struct Talk {
    /// What was said.
    pub journal: Journal,
    /// The network that is being made, and the subnets that the engine's own IPAM gave it.
    network: Option<(Id, Vec<Subnet>)>,
    /// The endpoints that are being made.
    endpoints: BTreeMap<Id, Endpoint>,
}

impl Talk {
    /// Whether it is about an endpoint on a network.
    #[must_use]
    pub fn concerns(&self, network: Id) -> bool {
        self.endpoints.contains_key(&network)
    }
}

/// A pool that a plugin gave.
#[derive(Clone, Debug)]
pub(super) struct PluginPool {
    plugin: String,
    id: String,
    /// Whether it wants to know for which Ethernet address an address is.
    requires_mac: bool,
}

/// A subnet of a plugin, before the network stands.
struct Offer {
    pool: PluginPool,
    subnet: SubnetData,
    net: IpNetwork,
    gateway: IpAddr,
    origin: Origin,
}

impl Controller {
    /// Whether plugins have a hand in what a network shall be.
    #[must_use]
    pub fn needs_plugins(&self, config: &NetworkConfig) -> bool {
        config.role != Purpose::Model && (config.ipam_driver.is_some() || self.is_remote(&config.driver))
    }

    /// Whether networks of a driver are made by a plugin of that name.
    pub(super) fn is_remote(&self, driver: &str) -> bool {
        self.drivers.get(driver).is_none_or(|driver| driver.is_remote())
    }

    /// What has to be told plugins by now.
    pub fn take_farewells(&mut self) -> Vec<Question> {
        core::mem::take(&mut self.farewells)
    }

    /// Tells the plugins whose networks go across hosts at which address this host is among others.
    pub fn discover(&mut self, addr: IpAddr) {
        let tell = |plugin: &str| Question { plugin: plugin.to_owned(), ask: Ask::DiscoverNew(addr) };
        self.farewells.extend(self.plugins.global().map(tell));
    }

    /// Gives up what a talk was about: what was made is taken back.
    pub fn abandon(&mut self, talk: Talk) {
        self.farewells.extend(talk.journal.undo());
        let subnets = talk.network.map(|(_, subnets)| subnets).unwrap_or_default();
        subnets.iter().for_each(|subnet| self.ipam.release_pool(subnet.pool));
        talk.endpoints.values().for_each(|endpoint| self.release(endpoint));
    }

    /// Makes a checked network that plugins have a hand in. It is called again with the same talk when a question was answered.
    ///
    /// # Errors
    /// `Ask` when something must be asked first; else what the engine or a plugin refuses.
    pub fn create_with_plugins(
        &mut self,
        world: &mut World,
        talk: &mut Talk,
        config: &NetworkConfig,
    ) -> Result<Id, Halt> {
        let routes = self.routes_in_use(world);
        if talk.network.is_none() {
            let own = if config.ipam_driver.is_none() { self.take_subnets(world, config)? } else { Vec::new() };
            talk.network = Some((Id::random(&mut self.ids), own));
        }
        let (id, own) = talk.network.clone().expect("it was just drafted");
        let is_remote = self.is_remote(&config.driver);
        let mut reader = Reader::new(&talk.journal, &mut self.plugins);
        let known = if is_remote { Some(reader.plugin(&config.driver, Role::Network)?) } else { None };
        let offers = match &config.ipam_driver {
            Some(ipam) => ask_for_pools(&mut reader, ipam, config, &routes)?,
            None => Vec::new(),
        };
        if is_remote {
            let settings = settings(config, &own, &offers);
            reader.ask(&config.driver, Ask::CreateNetwork(id, settings), answer::network_made)?;
        }
        if known.is_some_and(|known| known.is_global()) {
            // Such networks are a swarm's to make, and a swarm knows no plugins of this kind.
            return Err(Halt::Refused(Error::SwarmInactive));
        }
        if is_remote {
            let remote: Box<dyn Driver> = Box::new(Remote::new(&config.driver));
            self.drivers.entry(config.driver.clone()).or_insert(remote);
        }
        let subnets = own.into_iter().chain(offers.into_iter().map(|offer| self.adopt(offer))).collect();
        let built = self.build_network(world, id, config.clone(), subnets);
        // Whatever it was, its subnets are given back already.
        talk.network = None;
        Ok(built?)
    }

    /// Has a pool of a plugin from now on.
    fn adopt(&mut self, offer: Offer) -> Subnet {
        let pool = self.ipam.number();
        self.pools.insert(pool, offer.pool);
        let (net, gateway, origin) = (offer.net, offer.gateway, offer.origin);
        Subnet { pool, net, gateway, way_out: gateway, allocation: Allocation::Lowest, origin }
    }

    /// Has a pool no more, whoever gave it.
    pub(super) fn give_up_pool(&mut self, pool: PoolId) {
        self.ipam.release_pool(pool);
        self.pools.remove(&pool);
    }

    /// Tells the plugins of a network that it is gone.
    pub(super) fn part_with_network(&mut self, network: &Network) {
        for subnet in &network.subnets {
            let Some(pool) = self.pools.get(&subnet.pool) else { continue };
            let asked = network.config.subnets.iter().find(|asked| asked.pool.subnet == subnet.net);
            let auxiliary = asked.into_iter().flat_map(|asked| asked.auxiliary.values());
            let addresses = [subnet.gateway].into_iter().chain(auxiliary.copied());
            let asks = addresses.map(|addr| Ask::ReleaseAddress(pool.id.clone(), addr));
            let asks = asks.chain([Ask::ReleasePool(pool.id.clone())]);
            self.farewells.extend(asks.map(|ask| Question { plugin: pool.plugin.clone(), ask }));
        }
        if self.is_remote(&network.config.driver) {
            let plugin = network.config.driver.clone();
            self.farewells.push(Question { plugin, ask: Ask::DeleteNetwork(network.id) });
        }
    }
}

/// What a plugin is told of a network.
fn settings(config: &NetworkConfig, own: &[Subnet], offers: &[Offer]) -> Settings {
    let own = own.iter().map(|subnet| {
        let asked = config.subnets.iter().find(|asked| asked.pool.subnet == subnet.net);
        (subnet.net, own_subnet(subnet.net, subnet.gateway, asked))
    });
    let offered = offers.iter().map(|offer| (offer.net, offer.subnet.clone()));
    let mut subnets = [Vec::new(), Vec::new()];
    for (net, data) in own.chain(offered) {
        subnets[usize::from(net.is_ipv6())].push(data);
    }
    let options = config.options.clone();
    Settings { ipv6: config.ipv6, internal: config.internal, options, subnets }
}

/// A subnet that the engine's own IPAM gave.
fn own_subnet(net: IpNetwork, gateway: IpAddr, asked: Option<&SubnetConfig>) -> SubnetData {
    let with_len = |addr: &IpAddr| format!("{addr}/{}", net.prefix());
    let auxiliary = asked.into_iter().flat_map(|asked| &asked.auxiliary);
    SubnetData {
        address_space: OWN_SPACE.to_owned(),
        auxiliary: auxiliary.map(|(name, addr)| (name.clone(), with_len(addr))).collect(),
        gateway: with_len(&gateway),
        pool: net.to_string(),
    }
}

/// Asks a plugin for all subnets of a network, with their gateways and reserved addresses.
fn ask_for_pools(
    reader: &mut Reader<'_>,
    plugin: &str,
    config: &NetworkConfig,
    routes: &[IpNetwork],
) -> Result<Vec<Offer>, Halt> {
    let known = reader.plugin(plugin, Role::Ipam)?;
    let space = known.space.unwrap_or_default();
    let mut offers = Vec::new();
    for family in [Family::V4, Family::V6] {
        if family == Family::V6 && !config.ipv6 {
            continue;
        }
        let of_family = |asked: &&SubnetConfig| asked.pool.subnet.is_ipv4() == (family == Family::V4);
        let asked: Vec<Option<&SubnetConfig>> = config.subnets.iter().filter(of_family).map(Some).collect();
        let asked = if asked.is_empty() { vec![None] } else { asked };
        for asked in asked {
            let pool = ask_for_pool(reader, (plugin, &space), config, (family, asked), routes)?;
            let handle =
                PluginPool { plugin: plugin.to_owned(), id: pool.id.clone(), requires_mac: known.ipam.requires_mac };
            let gateway = ask_for_gateway(reader, &handle, &pool, asked)?;
            let subnet = SubnetData {
                address_space: space.clone(),
                auxiliary: ask_for_reserved(reader, &handle, &pool, asked)?,
                gateway: gateway.to_string(),
                pool: pool.net.to_string(),
            };
            let origin = if asked.is_some() { Origin::User } else { Origin::Automatic };
            offers.push(Offer { pool: handle, subnet, net: pool.net, gateway: gateway.ip(), origin });
        }
    }
    Ok(offers)
}

/// Asks for one subnet. One that nobody chose must lead where the host has no route to, and is asked for again.
fn ask_for_pool(
    reader: &mut Reader<'_>,
    (plugin, space): (&str, &str),
    config: &NetworkConfig,
    (family, asked): (Family, Option<&SubnetConfig>),
    routes: &[IpNetwork],
) -> Result<Pool, Halt> {
    let options = config.ipam_options.clone().unwrap_or_default();
    let v6 = family == Family::V6;
    let ask = Ask::RequestPool {
        space: space.to_owned(),
        pool: asked.map(|asked| asked.pool.subnet),
        range: asked.and_then(|asked| asked.pool.range),
        options,
        v6,
    };
    for _ in 0..OFFERS_MAX {
        let pool = reader.ask(plugin, ask.clone(), answer::pool)?;
        if pool.net.is_ipv6() != v6 {
            return Err(refused(format!("invalid pool {}: it is of another address family", pool.net)));
        }
        if asked.is_some() || !routes.iter().any(|route| overlap(*route, pool.net)) {
            return Ok(pool);
        }
    }
    Err(Halt::Refused(Error::AutomaticPoolsExhausted(family)))
}

/// Asks for the gateway of a subnet, unless the plugin named one with it.
fn ask_for_gateway(
    reader: &mut Reader<'_>,
    handle: &PluginPool,
    pool: &Pool,
    asked: Option<&SubnetConfig>,
) -> Result<IpNetwork, Halt> {
    let wanted = asked.and_then(|asked| asked.gateway);
    let gateway = match pool.gateway.filter(|_| wanted.is_none()) {
        Some(gateway) => gateway,
        None => {
            let shown = wanted.map(|addr| addr.to_string()).unwrap_or_default();
            let ask = handle.request(wanted, true, None);
            let given = reader.ask(&handle.plugin, ask, answer::address);
            given.map_err(|halt| said_of(halt, &format!("failed to allocate gateway ({shown})")))?
        }
    };
    if !pool.net.contains(gateway.ip()) {
        let gateway = gateway.ip();
        return Err(refused(format!("failed to allocate gateway ({gateway}): Requested address is out of range")));
    }
    Ok(gateway)
}

/// Asks for the addresses of a subnet that nobody shall have.
fn ask_for_reserved(
    reader: &mut Reader<'_>,
    handle: &PluginPool,
    pool: &Pool,
    asked: Option<&SubnetConfig>,
) -> Result<BTreeMap<String, String>, Halt> {
    let mut reserved = BTreeMap::new();
    for (name, addr) in asked.into_iter().flat_map(|asked| &asked.auxiliary) {
        if !pool.net.contains(*addr) {
            let (name, address) = (name.clone(), addr.to_string());
            let pool = netyard_sim::addr::network_of(pool.net);
            return Err(Halt::Refused(Error::AuxiliaryOutside { name, address, pool }));
        }
        let given = reader.ask(&handle.plugin, handle.request(Some(*addr), false, None), answer::address);
        let given =
            given.map_err(|halt| said_of(halt, &format!("failed to allocate secondary ip address ({name}:{addr})")))?;
        reserved.insert(name.clone(), given.to_string());
    }
    Ok(reserved)
}

impl PluginPool {
    /// Asks for an address of it.
    fn request(&self, address: Option<IpAddr>, is_gateway: bool, mac: Option<netyard_sim::addr::Mac>) -> Ask {
        Ask::RequestAddress { pool: self.id.clone(), address, is_gateway, mac }
    }
}

fn refused(said: String) -> Halt {
    Halt::Refused(Error::Plugin(said))
}

/// The same halt, with what it was about before what a plugin said.
fn said_of(halt: Halt, about: &str) -> Halt {
    match halt {
        Halt::Refused(error) => refused(format!("{about}: {error}")),
        Halt::Ask(_) => halt,
    }
}
