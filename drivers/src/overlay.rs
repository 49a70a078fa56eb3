//! The overlay driver: a network across hosts. On each host it is a namespace with a bridge and the end of a VXLAN tunnel;
//! containers are ports of that bridge. What is behind the other hosts is told to it ([`Driver::know_peers`]), so that the
//! tunnel answers ARP for them and nothing has to be flooded.

use core::net::IpAddr;
use std::collections::BTreeMap;

use netyard_sim::addr::IpNetwork;
use netyard_sim::device::{Address, IfIndex, Ipv6, Mtu};
use netyard_sim::fabric::NamespaceId;
use netyard_sim::link::Condition;
use netyard_sim::rng::{Rng, Seed};
use netyard_sim::vxlan::{self, Life, OVERHEAD_V4, Put, Remote, Settings, Vni};

use crate::driver::{Addressing, Driver, EndpointSpec, Ground, Interface, NetworkSpec};
use crate::error::Error;
use crate::id::Id;
use crate::network::{NetworkConfig, Peer};

/// The numbers that the subnets of a network have, with commas between.
pub const VNIS: &str = "com.docker.network.driver.overlay.vxlanid_list";
/// Asks for what is not done.
const ENCRYPTED: &str = "encrypted";
const MTU: &str = "com.docker.network.driver.mtu";
/// What a packet may have on the way between hosts, when nothing else was said.
const OUTER_MTU: u32 = 1500;
/// Digits of a network's id in the name of its namespace.
const DIGITS: usize = 10;

/// Whether a network can be what it was asked to be.
///
/// # Errors
/// `Unsupported`.
pub fn check(config: &NetworkConfig) -> Result<(), Error> {
    match () {
        () if config.options.contains_key(ENCRYPTED) => Err(Error::Unsupported("encrypt overlay networks")),
        () if config.ipv6 => Err(Error::Unsupported("give overlay networks IPv6 subnets")),
        () => Ok(()),
    }
}

/// What a network was asked to be.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct OverlayOptions {
    /// The numbers of its subnets, as far as they were chosen.
    pub vnis: Vec<Vni>,
    /// The MTU of its containers.
    pub mtu: Mtu,
}

impl OverlayOptions {
    /// Reads options; none when they cannot be.
    #[must_use]
    pub fn parse(options: &BTreeMap<String, String>) -> Option<Self> {
        let vnis = options.get(VNIS).map_or("", String::as_str).split(',').filter(|text| !text.is_empty());
        let vnis = vnis.map(|text| Vni::new(text.parse().ok()?)).collect::<Option<_>>()?;
        let outer = match options.get(MTU) {
            Some(text) => text.parse().ok()?,
            None => OUTER_MTU,
        };
        let mtu = Mtu::new(outer.checked_sub(u32::try_from(OVERHEAD_V4).ok()?)?)?;
        Some(Self { vnis, mtu })
    }
}

/// The part of a network that has one subnet.
#[derive(Clone, Debug)]
struct Segment {
    net: IpNetwork,
    bridge: IfIndex,
    tunnel: IfIndex,
}

#[derive(Clone, Debug)]
struct Network {
    namespace: NamespaceId,
    mtu: Mtu,
    segments: Vec<Segment>,
    endpoints: BTreeMap<Id, Endpoint>,
    /// The number of the next port.
    next_port: u32,
    peers: Vec<Peer>,
}

#[derive(Clone, Copy, Debug)]
struct Endpoint {
    outer: IfIndex,
    inner: IfIndex,
}

/// The driver.
#[derive(Clone, Debug)]
pub struct Overlay {
    networks: BTreeMap<Id, Network>,
    names: Rng,
}

impl Overlay {
    /// A driver without networks.
    #[must_use]
    pub fn new(seed: Seed, host: &str) -> Self {
        Self { networks: BTreeMap::new(), names: seed.stream(&format!("overlay/{host}/names")) }
    }

    /// The name of a network's namespace.
    #[must_use]
    pub fn namespace_name(network: Id) -> String {
        format!("1-{}", &network.to_string()[..DIGITS])
    }
}

/// Whether a tunnel of this number was made on the host.
fn is_heard(ground: &Ground<'_>, vni: Vni) -> bool {
    ground.fabric.namespaces().any(|(at, namespace)| {
        namespace.devices.values().any(|device| {
            let is_such = |tunnel: &vxlan::Tunnel| (tunnel.settings.vni, tunnel.settings.port) == (vni, vxlan::PORT);
            let made_in = || ground.fabric.peer_of(at, device.index).map(|end| end.namespace);
            device.tunnel().is_some_and(is_such) && made_in() == Some(ground.host)
        })
    })
}

impl Network {
    /// The segment that has an address.
    fn segment(&self, addr: Option<IpAddr>) -> &Segment {
        let fits = |segment: &&Segment| addr.is_some_and(|addr| segment.net.contains(addr));
        self.segments.iter().find(fits).unwrap_or(&self.segments[0])
    }

    /// Makes the tunnel of a segment know where a station is, or no more.
    fn tell(&self, ground: &mut Ground<'_>, peer: &Peer, is_there: bool) {
        let device = self.segment(Some(peer.addr)).tunnel;
        let now = ground.fabric.now();
        let namespace = ground.fabric.namespace_mut(self.namespace);
        let tunnel = namespace.devices.get_mut(&device).and_then(netyard_sim::device::Device::tunnel_mut);
        let Some(tunnel) = tunnel else { return };
        if is_there {
            // The far end is of the tunnel's family: nodes have IPv4 addresses.
            let _ = tunnel.put(now, peer.mac, Remote::at(peer.host), Life::Permanent, Put::Replace);
            namespace.neighbours.set_permanent(device, peer.addr, peer.mac);
        } else {
            let _ = tunnel.remove(peer.mac, None);
            namespace.neighbours.remove(device, peer.addr);
        }
    }
}

impl Driver for Overlay {
    fn name(&self) -> &'static str {
        "overlay"
    }

    fn addressing(&self) -> Addressing {
        Addressing::Ipam
    }

    fn gives_gateway(&self) -> bool {
        false
    }

    fn plan_network(&self, ground: &Ground<'_>, spec: &NetworkSpec<'_>) -> Result<(), Error> {
        let Some(options) = OverlayOptions::parse(spec.options) else {
            return Err(Error::BadParameter("invalid options of an overlay network".to_owned()));
        };
        if options.vnis.len() < spec.subnets.len() || spec.subnets.is_empty() {
            return Err(Error::BadParameter("an overlay network needs a VXLAN number for each subnet".to_owned()));
        }
        let is_double = |(at, vni): (usize, &Vni)| options.vnis[..at].contains(vni);
        if options.vnis.iter().enumerate().any(is_double) {
            return Err(Error::BadParameter("two subnets of an overlay network have one VXLAN number".to_owned()));
        }
        let taken = options.vnis.iter().find(|vni| is_heard(ground, **vni));
        match taken {
            Some(vni) => {
                let number = vni.number();
                Err(Error::BadParameter(format!(
                    "error creating vxlan interface: VXLAN number {number} is taken: file exists"
                )))
            }
            None => Ok(()),
        }
    }

    fn create_network(&mut self, ground: &mut Ground<'_>, spec: &NetworkSpec<'_>) {
        let options = OverlayOptions::parse(spec.options).expect("the plan read them");
        let namespace = ground.fabric.create_nested_namespace(&Self::namespace_name(spec.id));
        let lo = ground.fabric.namespace(namespace).device_named("lo").expect("every namespace has lo").index;
        ground.fabric.namespace_mut(namespace).ipv6 = Ipv6::Disabled;
        ground.fabric.set_ipv6(namespace, lo, Ipv6::Disabled);
        ground.fabric.set_up(namespace, lo, true);
        let subnets = spec.subnets.iter().zip(&options.vnis).enumerate();
        let segments = subnets.map(|(number, ((net, gateway), vni))| {
            let (fabric, at) = (&mut *ground.fabric, namespace);
            let bridge = fabric.create_bridge(at, &format!("br{number}"), None).expect("the namespace is new");
            let address = IpNetwork::new(*gateway, net.prefix()).expect("the prefix length is the subnet's own");
            let address = Address::new(address).with_broadcast();
            fabric.assign(at, bridge, address).expect("the bridge is new");
            let settings =
                Settings { port: vxlan::PORT, proxy: true, l2_miss: true, l3_miss: true, ..Settings::new(*vni) };
            let name = format!("vx-{:06x}-{}", vni.number(), &spec.id.to_string()[..5]);
            let tunnel = fabric.create_vxlan(ground.host, &name, settings).expect("the plan found the number free");
            let tunnel = fabric.move_device(ground.host, tunnel, at, &format!("vxlan{number}"));
            let tunnel = tunnel.expect("the namespace is new");
            for device in [bridge, tunnel] {
                fabric.set_mtu(at, device, options.mtu);
                fabric.set_queue_len(at, device, 0);
            }
            fabric.set_master(at, tunnel, Some(bridge)).expect("it is a bridge");
            fabric.set_up(at, tunnel, true);
            fabric.set_up(at, bridge, true);
            Segment { net: *net, bridge, tunnel }
        });
        let segments = segments.collect();
        let network = Network {
            namespace,
            mtu: options.mtu,
            segments,
            endpoints: BTreeMap::new(),
            next_port: 0,
            peers: Vec::new(),
        };
        self.networks.insert(spec.id, network);
    }

    fn delete_network(&mut self, ground: &mut Ground<'_>, network: Id) {
        if let Some(network) = self.networks.remove(&network) {
            ground.fabric.delete_namespace(network.namespace);
        }
    }

    fn create_endpoint(&mut self, ground: &mut Ground<'_>, spec: EndpointSpec) {
        let (outer_name, inner_name) = (ground.free_veth_name(&mut self.names), ground.free_veth_name(&mut self.names));
        let network = self.networks.get_mut(&spec.network).expect("an endpoint's network stands");
        let (fabric, host) = (&mut *ground.fabric, ground.host);
        let made = fabric.create_veth(host, &outer_name, &inner_name, Condition::default());
        let (outer, inner) = made.expect("the names were free");
        if let Some(mac) = spec.mac {
            fabric.set_mac(host, inner, mac);
        }
        for device in [outer, inner] {
            fabric.set_mtu(host, device, network.mtu);
            fabric.set_queue_len(host, device, 0);
        }
        let port = format!("veth{}", network.next_port);
        network.next_port += 1;
        let outer = fabric.move_device(host, outer, network.namespace, &port).expect("the number is new");
        let bridge = network.segment(spec.v4).bridge;
        fabric.set_master(network.namespace, outer, Some(bridge)).expect("it is a bridge");
        fabric.set_up(network.namespace, outer, true);
        network.endpoints.insert(spec.id, Endpoint { outer, inner });
    }

    fn delete_endpoint(&mut self, ground: &mut Ground<'_>, network: Id, endpoint: Id) {
        let network = self.networks.get_mut(&network).expect("an endpoint's network stands");
        if let Some(endpoint) = network.endpoints.remove(&endpoint) {
            ground.fabric.delete_device(network.namespace, endpoint.outer);
        }
    }

    fn join(&mut self, network: Id, endpoint: Id) -> Option<Interface> {
        let device = self.networks.get(&network)?.endpoints.get(&endpoint)?.inner;
        Some(Interface { device, prefix: "eth".to_owned() })
    }

    fn know_peers(&mut self, ground: &mut Ground<'_>, network: Id, peers: &[Peer]) {
        let Some(network) = self.networks.get_mut(&network) else { return };
        let before = core::mem::replace(&mut network.peers, peers.to_vec());
        before.iter().filter(|peer| !peers.contains(peer)).for_each(|peer| network.tell(ground, peer, false));
        peers.iter().filter(|peer| !before.contains(peer)).for_each(|peer| network.tell(ground, peer, true));
    }

    fn namespace_of(&self, network: Id) -> Option<NamespaceId> {
        self.networks.get(&network).map(|network| network.namespace)
    }
}
