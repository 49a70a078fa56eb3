//! Endpoints: `plan_endpoint` takes the addresses and makes all checks, `start` and `connect` commit, `leave` undoes.

use core::net::{IpAddr, Ipv6Addr};

use netyard_sim::addr::{Family, IpNetwork, Mac};
use netyard_sim::world::World;

use super::Controller;
use crate::driver::{Addressing, EndpointSpec, Ground};
use crate::endpoint::{Endpoint, EndpointConfig, Lease, Standing};
use crate::error::{AllocationFailure, Error};
use crate::id::Id;
use crate::network::{Allocation, Network, Role, Subnet};
use crate::sandbox::Joined;

/// Who wants to be on which network, and as what.
#[derive(Clone, Copy, Debug)]
pub struct EndpointRequest<'a> {
    /// The network.
    pub network: Id,
    /// The container.
    pub container: Id,
    /// Its name.
    pub name: &'a str,
    /// What it asked for.
    pub config: &'a EndpointConfig,
    /// Whose the endpoint will be.
    pub standing: Standing,
}

impl Controller {
    /// Gives a sandbox that just begins all its endpoints, in this order; the numbers of its devices follow the ranks of
    /// the networks (oracle fact 18).
    ///
    /// # Errors
    /// What [`Self::connect`] says of one of them. A sandbox that has joined some stays on them then, the one that
    /// failed included.
    pub fn start(&mut self, world: &mut World, sandbox: Id, wanted: &[EndpointRequest<'_>]) -> Result<(), Error> {
        let mut planned = Vec::new();
        for request in wanted {
            match self.plan_endpoint(world, sandbox, *request) {
                Ok(endpoint) => planned.push((request.network, endpoint)),
                Err(error) => {
                    planned.iter().for_each(|(_, endpoint)| self.release(endpoint));
                    return Err(error);
                }
            }
        }
        let mut networks: Vec<Id> = planned.iter().map(|(network, _)| *network).collect();
        let mut rest = planned.into_iter();
        while let Some((network, endpoint)) = rest.next() {
            let before = self.external(sandbox);
            self.commit_endpoint(world, network, endpoint);
            if let Err(error) = self.move_external(world, sandbox, before) {
                rest.for_each(|(_, endpoint)| self.release(&endpoint));
                return Err(error);
            }
        }
        networks.sort_by_key(|id| self.network(*id).map(Network::rank));
        for network in networks {
            self.populate(world, sandbox, network);
            self.redirect_ports(world, sandbox, network);
        }
        self.settle_way_out(world, sandbox)
    }

    /// Gives a running sandbox one endpoint more.
    ///
    /// # Errors
    /// `EndpointExists`, there is no such or no more address, or its ports cannot be published there.
    pub fn connect(&mut self, world: &mut World, sandbox: Id, wanted: EndpointRequest<'_>) -> Result<(), Error> {
        let endpoint = self.plan_endpoint(world, sandbox, wanted)?;
        let before = self.external(sandbox);
        self.commit_endpoint(world, wanted.network, endpoint);
        self.populate(world, sandbox, wanted.network);
        let moved = self.move_external(world, sandbox, before).and_then(|()| self.settle_way_out(world, sandbox));
        if moved.is_err() {
            self.leave(world, sandbox, wanted.network);
        }
        moved
    }

    /// Takes a sandbox off a network; false when it was not on it.
    pub fn leave(&mut self, world: &mut World, sandbox: Id, network: Id) -> bool {
        let has_left = self.leave_one(world, sandbox, network);
        if has_left {
            // The engine only logs that a way out has no room for it.
            let _ = self.settle_way_out(world, sandbox);
        }
        has_left
    }

    pub(super) fn leave_one(&mut self, world: &mut World, sandbox: Id, network: Id) -> bool {
        let Some(joined) = self.sandboxes.get(&sandbox).and_then(|s| s.on(network)).cloned() else { return false };
        let was_external = self.external(sandbox) == Some(network);
        if was_external {
            self.withdraw(world, sandbox, network);
        }
        let found = self.network_mut(network);
        let (driver, user_defined) = (found.config.driver.clone(), found.is_user_defined());
        let endpoint = found.endpoints.remove(&joined.endpoint).expect("a joined endpoint is on its network");
        self.part_with_endpoint(network, &endpoint);
        self.release(&endpoint);
        if let Some(name) = &joined.interface {
            let namespace = self.sandbox_mut(sandbox).namespace;
            self.give_back(world, namespace, &endpoint, name);
        }
        let mut ground = Ground::new(world, self.host, self.context);
        let driver = self.drivers.get_mut(driver.as_str()).expect("the driver was checked");
        driver.delete_endpoint(&mut ground, network, endpoint.id);
        self.sandbox_mut(sandbox).joined.retain(|j| j.network != network);
        if let Some(next) = self.external(sandbox).filter(|_| was_external) {
            // The engine only logs that the ports cannot be published there.
            let _ = self.publish(world, sandbox, next);
            self.tell_published(sandbox, next, true);
        }
        if user_defined && endpoint.standing == Standing::Container {
            self.forget_host_lines(world, sandbox);
        }
        self.changes += 1;
        self.depopulate(world, sandbox);
        self.push_records(world, network);
        true
    }

    /// Makes all checks of an endpoint and takes its addresses. One that plugins have a hand in lies ready.
    pub(super) fn plan_endpoint(
        &mut self,
        world: &mut World,
        sandbox: Id,
        wanted: EndpointRequest<'_>,
    ) -> Result<Endpoint, Error> {
        let network = self.network(wanted.network).expect("the caller found the network");
        if !self.is_of_plugins(network) {
            return self.plan_unprepared(world, sandbox, wanted);
        }
        check_alone(network, wanted)?;
        let driver = network.config.driver.clone();
        self.take_prepared(world, wanted)?.ok_or(Error::PluginUnknown(driver))
    }

    /// The same without what plugins say.
    pub(super) fn plan_unprepared(
        &mut self,
        world: &mut World,
        sandbox: Id,
        wanted: EndpointRequest<'_>,
    ) -> Result<Endpoint, Error> {
        let network = self.network(wanted.network).expect("the caller found the network");
        if network.config.role == Role::Model {
            return Err(Error::ConfigOnly);
        }
        check_alone(network, wanted)?;
        let link_local = link_local(wanted.config)?;
        let addressing = self.drivers.get(network.config.driver.as_str()).map(|d| d.addressing());
        let (has_pools, is_remote) = (network.config.ipam_driver.is_none(), self.is_remote(&network.config.driver));
        let mut endpoint = Endpoint {
            id: Id::random(&mut self.ids),
            container: wanted.container,
            name: wanted.name.to_owned(),
            sandbox,
            standing: wanted.standing,
            label: None,
            v4: None,
            v6: None,
            link_local,
            mac: None,
            published: None,
            aliases: wanted.config.aliases.clone().unwrap_or_default(),
            links: wanted.config.links.clone().unwrap_or_default(),
            remote: None,
            service: wanted.config.service.clone(),
        };
        if addressing.is_some_and(|a| a != Addressing::Without) && has_pools {
            self.take_addresses(wanted, &mut endpoint)?;
        }
        if addressing == Some(Addressing::IpamOnly) {
            endpoint.mac = None;
        } else if is_remote || !has_pools {
            // The plugin may choose one.
            endpoint.mac = wanted.config.mac;
        }
        if let Err(error) = self.check_room(world, wanted) {
            self.release(&endpoint);
            return Err(error);
        }
        Ok(endpoint)
    }

    /// Asks the driver whether the network takes one more.
    fn check_room(&self, world: &mut World, wanted: EndpointRequest<'_>) -> Result<(), Error> {
        let found = self.network(wanted.network).expect("the caller found the network");
        let driver = self.drivers.get(found.config.driver.as_str()).expect("the driver was checked");
        let planned = driver.plan_endpoint(&Ground::new(world, self.host, self.context), wanted.network);
        planned.map_err(|reason| match reason {
            // What goes wrong with a device that is made at once is said of the endpoint.
            Error::InterfaceMtu(_) => Error::EndpointNotMade {
                endpoint: wanted.name.to_owned(),
                network: found.name().to_owned(),
                reason: Box::new(reason),
            },
            _ => reason,
        })
    }

    fn take_addresses(&mut self, wanted: EndpointRequest<'_>, endpoint: &mut Endpoint) -> Result<(), Error> {
        let asked = wanted.config.addresses.clone().unwrap_or_default();
        endpoint.v4 = self.take_address(wanted.network, Family::V4, asked.v4)?;
        endpoint.mac = wanted.config.mac.or_else(|| endpoint.v4.and_then(|lease| mac_of(lease.net.ip())));
        let v6 = asked.v6.or_else(|| self.address_by_mac(wanted.network, endpoint.mac?));
        match self.take_address(wanted.network, Family::V6, v6) {
            Ok(v6) => endpoint.v6 = v6,
            Err(error) => {
                self.release(endpoint);
                return Err(error);
            }
        }
        Ok(())
    }

    /// The IPv6 address that ends in a MAC address, on a network that gives such addresses.
    fn address_by_mac(&self, network: Id, mac: Mac) -> Option<IpAddr> {
        let subnets = &self.network(network)?.subnets;
        let by_mac = |s: &&Subnet| s.net.is_ipv6() && s.allocation == Allocation::ByMac;
        let IpAddr::V6(base) = subnets.iter().find(by_mac)?.net.network() else { return None };
        let tail = mac.0.iter().fold(0, |tail, byte| (tail << 8) | u128::from(*byte));
        Some(IpAddr::V6(Ipv6Addr::from_bits(base.to_bits() | tail)))
    }

    /// An address of a family out of the first subnet that has one; none when the network has no subnet of that family.
    fn take_address(&mut self, network: Id, family: Family, wanted: Option<IpAddr>) -> Result<Option<Lease>, Error> {
        let network = self.network(network).expect("the caller found the network");
        let (name, id) = (network.name().to_owned(), network.id);
        let of_family = |s: &&Subnet| s.net.is_ipv4() == (family == Family::V4);
        let subnets: Vec<Subnet> = network.subnets.iter().filter(of_family).cloned().collect();
        let leads_out = self.drivers.get(network.config.driver.as_str()).is_none_or(|driver| driver.gives_gateway());
        if subnets.is_empty() {
            return Ok(None);
        }
        for subnet in subnets {
            if wanted.is_some_and(|addr| !self.ipam.contains(subnet.pool, addr)) {
                continue;
            }
            match self.ipam.request_address(subnet.pool, wanted) {
                Ok(addr) => return Ok(Some(lease(&subnet, addr, leads_out))),
                Err(AllocationFailure::InUse) => return Err(Error::AddressInUse),
                Err(AllocationFailure::Exhausted | AllocationFailure::Outside) => {}
            }
        }
        Err(wanted.map_or(Error::PoolExhausted { family, network: name, id }, Error::AddressOutside))
    }

    /// Makes a planned endpoint: its devices in the host, its place on the network and in the sandbox.
    pub(super) fn commit_endpoint(&mut self, world: &mut World, network: Id, endpoint: Endpoint) {
        let address = |lease: Option<Lease>| lease.map(|lease| lease.net.ip());
        let (v4, v6) = (address(endpoint.v4), address(endpoint.v6));
        let spec = EndpointSpec { id: endpoint.id, network, mac: endpoint.mac, v4, v6 };
        let mut ground = Ground::new(world, self.host, self.context);
        let driver = self.network(network).expect("the plan found the network").config.driver.clone();
        self.driver(&driver).create_endpoint(&mut ground, spec);
        let joined = Joined { network, endpoint: endpoint.id, interface: None };
        self.sandbox_mut(endpoint.sandbox).joined.push(joined);
        let sandbox = self.sandbox(endpoint.sandbox).expect("it was just there");
        if endpoint.standing == Standing::Container {
            self.add_host_lines(world, sandbox, &endpoint);
        }
        self.changes += 1;
        self.network_mut(network).endpoints.insert(endpoint.id, endpoint);
    }
}

/// Whether neither the container nor the name is on the network already.
fn check_alone(network: &Network, wanted: EndpointRequest<'_>) -> Result<(), Error> {
    if network.endpoints.values().any(|e| e.container == wanted.container || e.name == wanted.name) {
        let (container, network) = (wanted.name.to_owned(), network.name().to_owned());
        return Err(Error::EndpointExists { container, network });
    }
    Ok(())
}

fn lease(subnet: &Subnet, addr: IpAddr, leads_out: bool) -> Lease {
    let net = IpNetwork::new(addr, subnet.net.prefix()).expect("the prefix length is the subnet's own");
    Lease { pool: Some(subnet.pool), net, gateway: leads_out.then_some(subnet.way_out) }
}

/// What `--link-local-ip` asked for, which must be addresses of one link only.
fn link_local(config: &EndpointConfig) -> Result<Vec<IpAddr>, Error> {
    let asked = config.addresses.as_ref().map_or(&[][..], |addresses| &addresses.link_local);
    let mut addresses = Vec::new();
    for text in asked.iter().filter(|text| !text.is_empty()) {
        let addr: IpAddr = text.parse().map_err(|_| Error::LinkLocalUnreadable(asked.to_vec()))?;
        let fits = match addr {
            IpAddr::V4(v4) => v4.is_link_local(),
            IpAddr::V6(v6) => v6.is_unicast_link_local(),
        };
        if !fits {
            return Err(Error::InvalidLinkLocal(addr));
        }
        addresses.push(addr);
    }
    Ok(addresses)
}

fn mac_of(addr: IpAddr) -> Option<Mac> {
    match addr {
        IpAddr::V4(v4) => Some(Mac::from_ipv4(v4)),
        IpAddr::V6(_) => None,
    }
}
