//! The bridge driver: a Linux bridge in the host's namespace for each network, a veth pair for each endpoint, and the
//! firewall's rules between them. It picks no addresses and knows no names.

mod firewall;
mod mapper;

use core::net::IpAddr;
use std::collections::BTreeMap;

use netyard_sim::addr::{IpNetwork, Mac};
use netyard_sim::device::{Address, IfIndex, Mtu};
use netyard_sim::link::Condition;
use netyard_sim::namespace::is_device_name;
use netyard_sim::rng::{Rng, Seed};

use crate::bug::{Bug, Bugs};
use crate::daemon::{Config, Firewall};
use crate::driver::{Addressing, Driver, EndpointSpec, Ground, Interface, NetworkSpec};
use crate::error::{Error, PublishFailure};
use crate::id::Id;
use crate::options::BridgeOptions;
use crate::ports::{Machine, PortBinding, Publication};
use firewall::{Hairpin, Reach, Walls};
use mapper::{Mapper, Mapping, Target, UserlandProxy};

/// The longest name of a Linux device, in bytes.
const DEVICE_NAME_MAX: usize = 15;

/// What a driver's own network is made of.
#[derive(Clone, Debug)]
struct Network {
    bridge: String,
    device: IfIndex,
    /// Whether the driver made the device; a hand-made bridge is left standing.
    owned: bool,
    mtu: Option<u64>,
    /// Its subnets and the gateways that the bridge is.
    subnets: Vec<(IpNetwork, IpAddr)>,
    inhibit_v4: bool,
    interface_prefix: String,
    /// The address of the host at which its ports are published.
    host_binding: IpAddr,
    walls: Walls,
    endpoints: BTreeMap<Id, Endpoint>,
}

#[derive(Clone, Debug)]
struct Endpoint {
    outer: IfIndex,
    inner: IfIndex,
    v4: Option<IpAddr>,
    v6: Option<IpAddr>,
    published: Vec<Mapping>,
}

/// The driver of bridge networks.
#[derive(Clone, Debug)]
pub struct Bridge {
    networks: BTreeMap<Id, Network>,
    firewall: Firewall,
    hairpin: Hairpin,
    mapper: Mapper,
    bugs: Bugs,
    names: Rng,
    macs: Rng,
}

impl Bridge {
    /// A driver without networks.
    #[must_use]
    pub fn new(seed: Seed, host: &str) -> Self {
        let stream = |what: &str| seed.stream(&format!("bridge/{host}/{what}"));
        Self {
            networks: BTreeMap::new(),
            firewall: Firewall::Managed,
            hairpin: Hairpin::Off,
            mapper: Mapper::default(),
            bugs: Bugs::new(),
            names: stream("names"),
            macs: stream("macs"),
        }
    }

    /// What decides the rules of a network.
    fn walls(&self, bridge: &str, options: &BridgeOptions, spec: &NetworkSpec<'_>) -> Walls {
        Walls {
            bridge: bridge.to_owned(),
            subnets: spec.subnets.iter().map(|(net, _)| *net).collect(),
            reach: if spec.internal { Reach::Internal } else { Reach::Outside(options.masquerade) },
            icc: options.icc,
            hairpin: self.hairpin,
        }
    }

    /// Makes bridges that are gone again, as they are when the host was started anew.
    fn rebuild(&mut self, ground: &mut Ground<'_>) {
        let is_gone = |network: &Network| ground.fabric.namespace(ground.host).device_named(&network.bridge).is_none();
        let gone: Vec<Id> = self.networks.iter().filter(|(_, network)| is_gone(network)).map(|(id, _)| *id).collect();
        for id in gone {
            let mac = self.random_mac();
            let network = self.networks.get_mut(&id).expect("it was just found");
            network.device = make_bridge(ground, &network.bridge, mac);
            address_bridge(ground, network.device, &network.subnets, network.inhibit_v4);
        }
    }

    /// 02:42 and four random bytes: a bridge's address does not follow its ports (oracle fact 28).
    fn random_mac(&mut self) -> Mac {
        let [a, b, c, d] = self.macs.u32().to_be_bytes();
        Mac([0x02, 0x42, a, b, c, d])
    }
}

/// An MTU that a device can have.
fn device_mtu(bytes: u64) -> Option<Mtu> {
    u32::try_from(bytes).ok().and_then(Mtu::new)
}

/// The name of a network's bridge: what the user said, else `br-` and the short id.
#[must_use]
pub fn bridge_name(id: Id, options: &BridgeOptions) -> String {
    options.name.clone().unwrap_or_else(|| format!("br-{}", id.short()))
}

impl Driver for Bridge {
    fn name(&self) -> &'static str {
        "bridge"
    }

    fn addressing(&self) -> Addressing {
        Addressing::Ipam
    }

    /// Makes the chains of the firewall that all its networks share, puts back what was flushed with them, and switches
    /// on forwarding.
    fn boot(&mut self, ground: &mut Ground<'_>, config: &Config) {
        self.firewall = config.firewall;
        self.hairpin = if config.userland_proxy { Hairpin::Off } else { Hairpin::On };
        let proxy = if config.userland_proxy { UserlandProxy::On } else { UserlandProxy::Off };
        self.mapper.configure(proxy, config.firewall);
        self.rebuild(ground);
        firewall::prepare(ground, config);
        if self.firewall == Firewall::Managed {
            for network in self.networks.values_mut() {
                network.walls.hairpin = self.hairpin;
                network.walls.restore(ground);
            }
        }
    }

    fn plan_network(&self, ground: &Ground<'_>, spec: &NetworkSpec<'_>) -> Result<(), Error> {
        let options = BridgeOptions::parse(spec.options)?;
        let name = bridge_name(spec.id, &options);
        let of_family = |v4: bool| spec.subnets.iter().filter(|(net, _)| net.is_ipv4() == v4).count();
        if of_family(true) > 1 || of_family(false) > 1 {
            return Err(Error::BridgeSubnets);
        }
        if name.len() > DEVICE_NAME_MAX {
            return Err(Error::BridgeNameTooLong);
        }
        if let Some((other, _)) = self.networks.iter().find(|(_, n)| n.bridge == name) {
            return Err(Error::BridgeNameTaken { network: spec.id, other: *other, bridge: name });
        }
        match ground.fabric.namespace(ground.host).device_named(&name) {
            Some(device) if device.bridge().is_none() => return Err(Error::InterfaceIsNoBridge(name)),
            None if !is_device_name(&name) => return Err(Error::BridgeNameInvalid),
            Some(_) | None => {}
        }
        match self.firewall {
            Firewall::Managed => self.walls(&name, &options, spec).check(ground),
            Firewall::Untouched => Ok(()),
        }
    }

    fn create_network(&mut self, ground: &mut Ground<'_>, spec: &NetworkSpec<'_>) {
        let options = BridgeOptions::parse(spec.options).expect("the plan parsed them");
        let bridge = bridge_name(spec.id, &options);
        let standing = ground.fabric.namespace(ground.host).device_named(&bridge).map(|d| d.index);
        let device = standing.unwrap_or_else(|| {
            let mac = self.random_mac();
            make_bridge(ground, &bridge, mac)
        });
        address_bridge(ground, device, &spec.subnets, options.inhibit_ipv4);
        let walls = self.walls(&bridge, &options, spec);
        if self.firewall == Firewall::Managed {
            walls.raise(ground);
        }
        let network = Network {
            bridge,
            device,
            owned: standing.is_none() && !options.is_default,
            mtu: options.mtu,
            subnets: spec.subnets.to_vec(),
            inhibit_v4: options.inhibit_ipv4,
            interface_prefix: options.interface_prefix,
            host_binding: options.host_binding,
            walls,
            endpoints: BTreeMap::new(),
        };
        self.networks.insert(spec.id, network);
    }

    fn delete_network(&mut self, ground: &mut Ground<'_>, network: Id) {
        let Some(network) = self.networks.remove(&network) else { return };
        if self.firewall == Firewall::Managed {
            network.walls.tear_down(ground);
        }
        if network.owned {
            ground.fabric.delete_device(ground.host, network.device);
        }
    }

    fn plan_endpoint(&self, ground: &Ground<'_>, network: Id) -> Result<(), Error> {
        let network = self.networks.get(&network).expect("an endpoint's network stands");
        if network.mtu.is_some_and(|bytes| device_mtu(bytes).is_none()) {
            return Err(Error::InterfaceMtu(ground.free_veth_name(&mut self.names.clone())));
        }
        Ok(())
    }

    fn create_endpoint(&mut self, ground: &mut Ground<'_>, spec: EndpointSpec) {
        let outer_name = ground.free_veth_name(&mut self.names);
        let inner_name = ground.free_veth_name(&mut self.names);
        let network = self.networks.get_mut(&spec.network).expect("an endpoint's network stands");
        let (outer, inner) = ground
            .fabric
            .create_veth(ground.host, &outer_name, &inner_name, Condition::default())
            .expect("the names were free");
        if let Some(mac) = spec.mac {
            ground.fabric.set_mac(ground.host, inner, mac);
        }
        let mtu = network.mtu.filter(|_| !self.bugs.contains(&Bug::LargeMtu));
        if let Some(mtu) = mtu.and_then(device_mtu) {
            for device in [outer, inner, network.device] {
                ground.fabric.set_mtu(ground.host, device, mtu);
            }
        }
        ground.fabric.set_master(ground.host, outer, Some(network.device)).expect("the network's device is a bridge");
        ground.fabric.set_up(ground.host, outer, true);
        for device in [outer, inner] {
            ground.fabric.set_queue_len(ground.host, device, 0);
        }
        let endpoint = Endpoint { outer, inner, v4: spec.v4, v6: spec.v6, published: Vec::new() };
        network.endpoints.insert(spec.id, endpoint);
    }

    fn delete_endpoint(&mut self, ground: &mut Ground<'_>, network: Id, endpoint: Id) {
        let network = self.networks.get_mut(&network).expect("an endpoint's network stands");
        if let Some(endpoint) = network.endpoints.remove(&endpoint) {
            ground.fabric.delete_device(ground.host, endpoint.outer);
        }
    }

    fn join(&mut self, network: Id, endpoint: Id) -> Option<Interface> {
        let network = self.networks.get(&network)?;
        let endpoint = network.endpoints.get(&endpoint)?;
        Some(Interface { device: endpoint.inner, prefix: network.interface_prefix.clone() })
    }

    fn publish(
        &mut self,
        ground: &mut Ground<'_>,
        network: Id,
        endpoint: Id,
        wanted: &[Publication],
    ) -> Result<Option<Vec<PortBinding>>, PublishFailure> {
        let network = self.networks.get_mut(&network).expect("an endpoint's network stands");
        let endpoint = network.endpoints.get_mut(&endpoint).expect("the endpoint was made");
        let target = Target { v4: endpoint.v4, v6: endpoint.v6, default_host: network.host_binding };
        endpoint.published = self.mapper.map_all(ground, &network.bridge, target, wanted)?;
        Ok(Some(endpoint.published.iter().map(|mapping| mapping.binding).collect()))
    }

    fn withdraw(&mut self, ground: &mut Ground<'_>, network: Id, endpoint: Id) {
        let network = self.networks.get_mut(&network).expect("an endpoint's network stands");
        let endpoint = network.endpoints.get_mut(&endpoint).expect("the endpoint was made");
        let published = core::mem::take(&mut endpoint.published);
        self.mapper.unmap_all(ground, &network.bridge, &published);
        let target = Target { v4: endpoint.v4, v6: endpoint.v6, default_host: network.host_binding };
        if !self.bugs.contains(&Bug::StaleFlows) {
            mapper::forget_flows(ground, target);
        }
    }

    fn publish_on(&mut self, machine: Box<dyn Machine>) {
        self.mapper.publish_on(machine);
    }

    fn suffer(&mut self, bugs: &Bugs) {
        self.bugs.clone_from(bugs);
    }
}

fn make_bridge(ground: &mut Ground<'_>, name: &str, mac: Mac) -> IfIndex {
    let device = ground.fabric.create_bridge(ground.host, name, Some(mac)).expect("the plan found the name free");
    ground.fabric.set_queue_len(ground.host, device, 0);
    // A bridge of Docker's shows NO-CARRIER from the start, a hand-made one does not (fact 24).
    ground.fabric.namespace_mut(ground.host).devices.get_mut(&device).expect("it was just made").carrier_known = true;
    device
}

/// Gives a bridge the gateways' addresses and brings it up. A bridge that stood before loses the IPv4 address that it had
/// instead.
fn address_bridge(ground: &mut Ground<'_>, device: IfIndex, subnets: &[(IpNetwork, IpAddr)], inhibit_v4: bool) {
    let wanted = subnets.iter().filter(|(net, _)| net.is_ipv6() || !inhibit_v4);
    let mut addresses: Vec<IpNetwork> = wanted.map(|(net, gateway)| with_prefix(*gateway, *net)).collect();
    if let Some(wanted) = addresses.iter().find(|net| net.is_ipv4()) {
        let has = &ground.fabric.namespace(ground.host).devices.get(&device).expect("the bridge stands").addresses;
        let mut has = has.iter().map(|address| address.net).filter(IpNetwork::is_ipv4);
        let first = has.clone().find(|net| wanted.contains(net.ip())).or_else(|| has.next());
        if let Some(other) = first.filter(|net| net != wanted) {
            ground.fabric.remove_address(ground.host, device, other).expect("it was just found");
        }
    }
    if addresses.iter().any(IpNetwork::is_ipv6) {
        addresses.push("fe80::1/64".parse().expect("it is a prefix"));
    }
    for address in addresses {
        // A bridge that the user made may have it already.
        let _ = ground.fabric.assign(ground.host, device, Address::new(address).with_broadcast());
    }
    ground.fabric.set_up(ground.host, device, true);
}

/// An address with the prefix length of its subnet.
fn with_prefix(addr: IpAddr, net: IpNetwork) -> IpNetwork {
    IpNetwork::new(addr, net.prefix()).expect("the prefix length is the subnet's own")
}
