//! Endpoints that plugins have a hand in. Before a container starts or is connected, they are talked over and laid ready;
//! the plan of an endpoint then finds it there ([`Controller::plan_endpoint`]). What is not fetched is taken back.

use core::net::IpAddr;
use std::collections::btree_map::Entry;

use netyard_sim::addr::{Family, IpNetwork, Mac};
use netyard_sim::device::IfIndex;
use netyard_sim::fabric::NamespaceId;
use netyard_sim::route::Route;
use netyard_sim::world::World;

use super::{PluginPool, Talk, refused};
use crate::controller::{Controller, EndpointRequest};
use crate::driver::Addressing;
use crate::endpoint::{Endpoint, Lease, Remote};
use crate::error::Error;
use crate::id::Id;
use crate::ipam::PoolId;
use crate::network::Network;
use crate::plugin::answer::{self, Created, Joined};
use crate::plugin::{Ask, Halt, Place, Ports, Question, Reader, Role};
use crate::sandbox::{Kind, Sandbox};

/// The bytes that the addresses begin with which are chosen where IPAM wants to know one.
const MAC_PREFIX: [u8; 2] = [0x02, 0x42];

/// What a container that starts or is connected wants.
#[derive(Clone, Debug)]
pub struct Wanted<'a> {
    /// The container.
    pub container: Id,
    /// Its sandbox, if it has one already.
    pub sandbox: Option<Id>,
    /// Its endpoints on networks that plugins have a hand in.
    pub endpoints: Vec<EndpointRequest<'a>>,
    /// All networks that it is to be on.
    pub networks: Vec<Id>,
    /// Its ports.
    pub ports: Ports,
}

/// One endpoint as a talk about it begins.
struct Draft<'a> {
    endpoint: Endpoint,
    wanted: EndpointRequest<'a>,
    network: String,
    /// The plugin that makes it.
    plugin: Option<String>,
    /// The subnets whose addresses a plugin gives: their pools, and where they lead out.
    pools: Vec<(PoolId, PluginPool, IpNetwork, Option<IpAddr>)>,
    sandbox_key: String,
    ports: Ports,
    /// Whether the container starts, and is not connected later.
    is_start: bool,
    /// Whether no other network of the container leads out before this.
    leads: bool,
    /// Whether an IPv4 address makes an Ethernet address.
    makes_mac: bool,
}

impl Controller {
    /// Whether plugins have a hand in a network.
    #[must_use]
    pub fn is_of_plugins(&self, network: &Network) -> bool {
        self.needs_plugins(&network.config)
    }

    /// Talks the endpoints over that a container wants, and lays them ready. It is called again with the same talk when a
    /// question was answered.
    ///
    /// # Errors
    /// `Ask` when something must be asked first; else what the engine or a plugin refuses.
    pub fn prepare(&mut self, world: &mut World, talk: &mut Talk, wanted: &Wanted<'_>) -> Result<(), Halt> {
        let sandbox = match wanted.sandbox {
            Some(sandbox) => sandbox,
            None => self.sandbox_to_be(wanted.container),
        };
        for request in &wanted.endpoints {
            if let Entry::Vacant(place) = talk.endpoints.entry(request.network) {
                place.insert(self.plan_unprepared(world, sandbox, *request)?);
            }
        }
        let requests = wanted.endpoints.iter();
        let drafts: Vec<Draft<'_>> =
            requests.map(|request| self.draft(&talk.endpoints[&request.network], *request, wanted)).collect();
        let mut reader = Reader::new(&talk.journal, &mut self.plugins);
        let made: Vec<Endpoint> =
            drafts.iter().map(|draft| draft.talk_over(&mut reader)).collect::<Result<_, Halt>>()?;
        for (request, endpoint) in wanted.endpoints.iter().zip(made) {
            self.prepared.insert((wanted.container, request.network), endpoint);
        }
        talk.endpoints.clear();
        Ok(())
    }

    /// The id that the sandbox of a container will have.
    fn sandbox_to_be(&mut self, container: Id) -> Id {
        let ids = &mut self.ids;
        *self.sandboxes_to_be.entry(container).or_insert_with(|| Id::random(ids))
    }

    fn draft<'a>(&self, endpoint: &Endpoint, request: EndpointRequest<'a>, wanted: &Wanted<'_>) -> Draft<'a> {
        let network = self.network(request.network).expect("the caller found the network");
        let is_remote = self.is_remote(&network.config.driver);
        let leads_out = self.drivers.get(&network.config.driver).is_none_or(|driver| driver.gives_gateway());
        let pools = network.subnets.iter().filter_map(|subnet| {
            let pool = self.pools.get(&subnet.pool)?.clone();
            Some((subnet.pool, pool, subnet.net, leads_out.then_some(subnet.way_out)))
        });
        let rank = |id: &Id| self.network(*id).map(Network::rank);
        let others = wanted.networks.iter().filter(|id| **id != request.network);
        let before = others.filter(|id| rank(id) < Some(network.rank()));
        let leads_first = |id: &Id| {
            let other = self.network(*id).and_then(|other| self.drivers.get(&other.config.driver));
            other.is_some_and(|driver| driver.gives_gateway() || driver.is_remote())
        };
        let addressing = self.drivers.get(&network.config.driver).map(|driver| driver.addressing());
        Draft {
            makes_mac: addressing == Some(Addressing::Ipam),
            endpoint: endpoint.clone(),
            wanted: request,
            network: network.name().to_owned(),
            plugin: is_remote.then(|| network.config.driver.clone()),
            pools: pools.collect(),
            sandbox_key: Sandbox::key(endpoint.sandbox, Kind::Own),
            ports: wanted.ports.clone(),
            is_start: wanted.sandbox.is_none(),
            leads: !network.config.internal && !before.into_iter().any(leads_first),
        }
    }

    /// What was laid ready for an endpoint; none when nothing was.
    ///
    /// # Errors
    /// The device that the plugin named is not there.
    pub(in crate::controller) fn take_prepared(
        &mut self,
        world: &World,
        wanted: EndpointRequest<'_>,
    ) -> Result<Option<Endpoint>, Error> {
        let key = (wanted.container, wanted.network);
        let Some(endpoint) = self.prepared.get(&key) else { return Ok(None) };
        let named = endpoint.remote.as_ref().and_then(|remote| remote.joined.device.as_deref());
        if let Some(name) = named
            && self.device_for(world, name).is_none()
        {
            return Err(hook_failed(&format!(
                "failed to add interface {name} to sandbox: failed to get link by name \"{name}\": Link not found"
            )));
        }
        Ok(self.prepared.remove(&key))
    }

    /// A device of the host that can go into a sandbox.
    pub(in crate::controller) fn device_for(&self, world: &World, name: &str) -> Option<IfIndex> {
        let host = world.fabric.namespace(self.host);
        let device = host.device_named(name)?;
        host.link_of(device.index).map(|_| device.index)
    }

    /// Takes back what was laid ready for a container and not fetched.
    pub fn drop_prepared(&mut self, container: Id) {
        self.sandboxes_to_be.remove(&container);
        let of_container: Vec<(Id, Id)> = self.prepared.keys().filter(|(of, _)| *of == container).copied().collect();
        for key in of_container {
            let endpoint = self.prepared.remove(&key).expect("it was just found");
            self.part_with_endpoint(key.1, &endpoint);
            self.release(&endpoint);
        }
    }

    /// Tells the plugin of a network that an endpoint is gone.
    pub(in crate::controller) fn part_with_endpoint(&mut self, network: Id, endpoint: &Endpoint) {
        let Some(remote) = &endpoint.remote else { return };
        let place = Place { network, endpoint: endpoint.id };
        let withdraw = remote.is_published.then_some(Ask::Withdraw(place));
        let asks = withdraw.into_iter().chain([Ask::Leave(place), Ask::DeleteEndpoint(place)]);
        self.tell_driver(network, asks.collect());
    }

    /// Tells the plugin that makes a network something.
    fn tell_driver(&mut self, network: Id, asks: Vec<Ask>) {
        let Some(network) = self.network(network) else { return };
        let plugin = network.config.driver.clone();
        self.farewells.extend(asks.into_iter().map(|ask| Question { plugin: plugin.clone(), ask }));
    }

    /// Tells the plugin of an endpoint that its ports are published no more, or again. The engine only logs when it
    /// does not like that.
    pub(in crate::controller) fn tell_published(&mut self, sandbox: Id, network: Id, shall: bool) {
        let Some(inside) = self.sandbox(sandbox) else { return };
        let ports = ports_of(inside);
        let Some(joined) = inside.on(network).map(|joined| joined.endpoint) else { return };
        let Some(endpoint) = self.network_mut(network).endpoints.get_mut(&joined) else { return };
        let Some(remote) = endpoint.remote.as_mut().filter(|remote| remote.is_published != shall) else { return };
        remote.is_published = shall;
        let place = Place { network, endpoint: joined };
        self.tell_driver(network, vec![if shall { Ask::Publish(place, ports) } else { Ask::Withdraw(place) }]);
    }

    /// Gives the device of an endpoint back to the host, under the name that it had there.
    pub(in crate::controller) fn give_back(&self, world: &mut World, at: NamespaceId, endpoint: &Endpoint, name: &str) {
        let Some(named) = endpoint.remote.as_ref().and_then(|remote| remote.joined.device.as_deref()) else { return };
        let Some(device) = world.fabric.namespace(at).device_named(name).map(|device| device.index) else { return };
        // A host that has another device of that name by now has no room for it.
        let _ = world.fabric.move_device(at, device, self.host, named);
    }

    /// Tells who gave them that addresses are free.
    pub(in crate::controller) fn release(&mut self, endpoint: &Endpoint) {
        for lease in endpoint.leases() {
            let Some(pool) = lease.pool else { continue };
            self.ipam.release_address(pool, lease.net.ip());
            if let Some(pool) = self.pools.get(&pool) {
                let ask = Ask::ReleaseAddress(pool.id.clone(), lease.net.ip());
                self.farewells.push(Question { plugin: pool.plugin.clone(), ask });
            }
        }
    }
}

/// The ports of the container in a sandbox.
fn ports_of(sandbox: &Sandbox) -> Ports {
    Ports { exposed: sandbox.config.exposed.clone(), published: sandbox.config.publications.clone() }
}

impl Draft<'_> {
    /// Talks an endpoint over: its addresses, then itself, then what its sandbox gets.
    fn talk_over(&self, reader: &mut Reader<'_>) -> Result<Endpoint, Halt> {
        let mut endpoint = self.endpoint.clone();
        let asked = self.wanted.config.addresses.clone().unwrap_or_default();
        for (family, wanted) in [(Family::V4, asked.v4), (Family::V6, asked.v6)] {
            if let Some(lease) = self.ask_for_address(reader, &mut endpoint, family, wanted)? {
                *(if family == Family::V4 { &mut endpoint.v4 } else { &mut endpoint.v6 }) = Some(lease);
            }
        }
        let Some(plugin) = &self.plugin else {
            if self.makes_mac
                && endpoint.mac.is_none()
                && let Some(IpAddr::V4(addr)) = endpoint.v4.map(|lease| lease.net.ip())
            {
                endpoint.mac = Some(Mac::from_ipv4(addr));
            }
            check_ways(&endpoint, None)?;
            return Ok(endpoint);
        };
        reader.plugin(plugin, Role::Network)?;
        self.create(reader, plugin, &mut endpoint)?;
        let place = Place { network: self.wanted.network, endpoint: endpoint.id };
        let ask = Ask::Join(place, self.sandbox_key.clone(), self.ports.clone());
        let joined = reader.ask(plugin, ask, answer::joined)?;
        take_gateways(&mut endpoint, &joined);
        check_ways(&endpoint, Some(&joined))?;
        let is_published = self.leads && joined.gateways[0].is_some();
        if is_published {
            reader.ask(plugin, Ask::Publish(place, self.ports.clone()), answer::published)?;
            // Nothing that a plugin can say of an endpoint changes what the engine shows of it.
            reader.mention(plugin, Ask::EndpointOperInfo(place))?;
        }
        endpoint.remote = Some(Remote { joined, is_published });
        Ok(endpoint)
    }

    /// Asks for an address, where a plugin gives them.
    fn ask_for_address(
        &self,
        reader: &mut Reader<'_>,
        endpoint: &mut Endpoint,
        family: Family,
        wanted: Option<IpAddr>,
    ) -> Result<Option<Lease>, Halt> {
        let mut pools = self.pools.iter().filter(|(_, _, net, _)| net.is_ipv4() == (family == Family::V4)).peekable();
        if pools.peek().is_none() {
            return Ok(None);
        }
        let fits = |net: &IpNetwork| wanted.is_none_or(|addr| net.contains(addr));
        let Some((number, pool, net, way_out)) = pools.find(|(_, _, net, _)| fits(net)) else {
            return Err(Halt::Refused(wanted.map_or(Error::PoolEmpty, Error::AddressOutside)));
        };
        if pool.requires_mac {
            endpoint.mac.get_or_insert_with(|| mac_of(endpoint.id));
        }
        let mac = endpoint.mac.filter(|_| pool.requires_mac);
        let given = reader.ask(&pool.plugin, pool.request(wanted, false, mac), answer::address)?;
        // Another one than was wanted is taken, as Docker takes it.
        if !net.contains(given.ip()) {
            return Err(Halt::Refused(Error::AddressOutside(given.ip())));
        }
        Ok(Some(Lease { pool: Some(*number), net: given, gateway: *way_out }))
    }

    /// Lets the plugin make the endpoint and takes what it chose.
    fn create(&self, reader: &mut Reader<'_>, plugin: &str, endpoint: &mut Endpoint) -> Result<(), Halt> {
        let has = [endpoint.v4, endpoint.v6].map(|lease| lease.map(|lease| lease.net));
        let ask = Ask::CreateEndpoint {
            place: Place { network: self.wanted.network, endpoint: endpoint.id },
            addresses: has,
            mac: endpoint.mac,
            ports: self.is_start.then(|| self.ports.clone()),
            options: self.wanted.config.driver_options.clone().unwrap_or_default(),
        };
        let created = reader.ask(plugin, ask, answer::created);
        let created = created.and_then(|created| modified(endpoint, &created).map_or(Ok(created), Err));
        let created = created.map_err(|halt| match halt {
            Halt::Refused(reason) => Halt::Refused(Error::EndpointNotMade {
                endpoint: self.wanted.name.to_owned(),
                network: self.network.clone(),
                reason: Box::new(reason),
            }),
            Halt::Ask(_) => halt,
        })?;
        let lease = |net: IpNetwork| Lease { pool: None, net, gateway: None };
        let [v4, v6] = created.addresses.map(|net| net.map(lease));
        endpoint.v4 = endpoint.v4.or(v4);
        endpoint.v6 = endpoint.v6.or(v6);
        endpoint.mac = endpoint.mac.or(created.mac);
        Ok(())
    }
}

/// What a plugin changed that was chosen already.
fn modified(endpoint: &Endpoint, created: &Created) -> Option<Halt> {
    let has = [endpoint.v4, endpoint.v6].map(|lease| lease.map(|lease| lease.net));
    for (has, given) in has.into_iter().zip(created.addresses) {
        if let (Some(has), Some(given)) = (has, given) {
            return Some(refused(answer::modified("address", "IP", &has, &given)));
        }
    }
    let (has, given) = (endpoint.mac?, created.mac?);
    Some(refused(answer::modified("MAC address", "MAC address", &has, &given)))
}

/// An Ethernet address for an endpoint that must have one before it has another address.
fn mac_of(endpoint: Id) -> Mac {
    let [a, b] = MAC_PREFIX;
    let text = endpoint.to_string();
    let [c, d, e, f] = u32::from_str_radix(&text[..8], 16).unwrap_or_default().to_be_bytes();
    Mac([a, b, c, d, e, f])
}

/// The way out of an endpoint is what the plugin said.
fn take_gateways(endpoint: &mut Endpoint, joined: &Joined) {
    let [v4, v6] = joined.gateways;
    if let Some(lease) = &mut endpoint.v4 {
        lease.gateway = v4;
    }
    if let Some(lease) = &mut endpoint.v6 {
        lease.gateway = v6;
    }
}

/// Whether each gateway and each next hop is on the endpoint's own link, and no gateway is itself.
fn check_ways(endpoint: &Endpoint, joined: Option<&Joined>) -> Result<(), Halt> {
    let routes = joined.map_or(&[][..], |joined| &joined.routes);
    let on_link = |addr: IpAddr| {
        let connected = routes.iter().filter(|route| route.via.is_none()).map(|route| route.to);
        endpoint.leases().map(|lease| lease.net).chain(connected).any(|net| net.contains(addr))
    };
    let has_device = joined.is_none_or(|joined| joined.device.is_some());
    let mut gateways = endpoint.leases().filter_map(|lease| lease.gateway);
    if let Some(gateway) = gateways.find(|gateway| !has_device || !on_link(*gateway)) {
        return Err(Halt::Refused(hook_failed(&format!(
            "failed to set gateway while updating gateway: route for the gateway {gateway} could not be found: network \
             is unreachable"
        ))));
    }
    if endpoint.leases().any(|lease| lease.gateway == Some(lease.net.ip())) {
        return Err(Halt::Refused(hook_failed("failed to set gateway while updating gateway: network is unreachable")));
    }
    let lost = routes.iter().find(|route| route.via.is_some_and(|via| !on_link(via)));
    lost.filter(|_| has_device).map_or(Ok(()), |route| {
        let said = format!("failed to add static route to {}: network is unreachable", route.to);
        Err(Halt::Refused(hook_failed(&said)))
    })
}

/// What the hook says that puts devices into a sandbox.
fn hook_failed(said: &str) -> Error {
    let escaped = said.replace('"', "\\\"");
    Error::Runtime(format!(
        "unable to start container process: error during container init: error running hook #0: error running hook: \
         exit status 1, stdout: , stderr: level=fatal msg=\"{escaped}\""
    ))
}

/// Puts routes that a plugin wants into a sandbox. Those that stand already stay.
pub(in crate::controller) fn add_routes(world: &mut World, at: NamespaceId, device: IfIndex, joined: &Joined) {
    let mut routes = joined.routes.clone();
    // What is on the link comes before what is behind it.
    routes.sort_by_key(|route| route.via.is_some());
    for route in routes {
        let _ = world.fabric.add_route(at, Route::via(route.to, route.via, device));
    }
}
