//! What plugins are asked: methods and bodies as libnetwork sends them, and what takes each back.

use core::net::IpAddr;
use std::collections::BTreeMap;

use netyard_sim::addr::{IpNetwork, Mac};
use serde::Serialize;
use serde_json::{Value, json};

use super::answer;
use super::known::Role;
use crate::id::Id;
use crate::ports::{Port, Protocol, Publication};

const EXPOSED: &str = "com.docker.network.endpoint.exposedports";
const MAC: &str = "com.docker.network.endpoint.macaddress";
const GENERIC: &str = "com.docker.network.generic";
const INTERNAL: &str = "com.docker.network.internal";
const IPV6: &str = "com.docker.network.enable_ipv6";
const PORT_MAP: &str = "com.docker.network.portmap";
const ADDRESS_TYPE: &str = "RequestAddressType";
const GATEWAY: &str = "com.docker.network.gateway";
/// What libnetwork discovers: nodes.
const NODE_DISCOVERY: u32 = 1;

/// An endpoint, where it is.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
pub struct Place {
    /// The network.
    #[serde(rename = "NetworkID")]
    pub network: Id,
    /// The endpoint.
    #[serde(rename = "EndpointID")]
    pub endpoint: Id,
}

/// A subnet as a network's plugin is told of it.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct SubnetData {
    /// Whose addresses they are, a word of IPAM.
    pub address_space: String,
    /// Addresses by name that nobody may have.
    #[serde(rename = "AuxAddresses", skip_serializing_if = "BTreeMap::is_empty")]
    pub auxiliary: BTreeMap<String, String>,
    /// The gateway with its prefix length.
    pub gateway: String,
    /// The subnet.
    pub pool: String,
}

/// What a network is asked to be.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Settings {
    /// Whether it has IPv6.
    pub ipv6: bool,
    /// Whether it has no way out.
    pub internal: bool,
    /// Options of its driver.
    pub options: BTreeMap<String, String>,
    /// Its subnets, IPv4 and IPv6.
    pub subnets: [Vec<SubnetData>; 2],
}

/// Ports of a container.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Ports {
    /// Those that it exposes.
    pub exposed: Vec<Port>,
    /// Those that shall be published.
    pub published: Vec<Publication>,
}

/// Something that a plugin is asked.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Ask {
    /// What it is.
    Activate,
    /// What its networks can do.
    NetworkCapabilities,
    /// To make a network.
    CreateNetwork(Id, Settings),
    /// To remove one.
    DeleteNetwork(Id),
    /// To make an endpoint with these addresses.
    CreateEndpoint {
        /// Which.
        place: Place,
        /// Its addresses.
        addresses: [Option<IpNetwork>; 2],
        /// Its Ethernet address, if it was chosen.
        mac: Option<Mac>,
        /// Ports, when a container starts.
        ports: Option<Ports>,
        /// Options of the endpoint.
        options: BTreeMap<String, String>,
    },
    /// What it knows of an endpoint.
    EndpointOperInfo(Place),
    /// To remove an endpoint.
    DeleteEndpoint(Place),
    /// What a sandbox gets that joins.
    Join(Place, String, Ports),
    /// That a sandbox has left.
    Leave(Place),
    /// To publish ports of an endpoint.
    Publish(Place, Ports),
    /// To take that back.
    Withdraw(Place),
    /// That this host is at an address, in a cluster.
    DiscoverNew(IpAddr),
    /// What it needs to give addresses.
    IpamCapabilities,
    /// What its address spaces are called.
    AddressSpaces,
    /// A subnet: this one, or any.
    RequestPool {
        /// In which space.
        space: String,
        /// The subnet.
        pool: Option<IpNetwork>,
        /// The part of it that addresses are given from.
        range: Option<IpNetwork>,
        /// Options of IPAM.
        options: BTreeMap<String, String>,
        /// Whether it is of IPv6.
        v6: bool,
    },
    /// To take a subnet back.
    ReleasePool(String),
    /// An address: this one, or any.
    RequestAddress {
        /// Of which subnet.
        pool: String,
        /// Which.
        address: Option<IpAddr>,
        /// Whether it is for the gateway.
        is_gateway: bool,
        /// For whom, where that must be known.
        mac: Option<Mac>,
    },
    /// To take an address back.
    ReleaseAddress(String, IpAddr),
}

impl Ask {
    /// The method.
    #[must_use]
    pub const fn method(&self) -> &'static str {
        match self {
            Self::Activate => "Plugin.Activate",
            Self::NetworkCapabilities => "NetworkDriver.GetCapabilities",
            Self::CreateNetwork(..) => "NetworkDriver.CreateNetwork",
            Self::DeleteNetwork(_) => "NetworkDriver.DeleteNetwork",
            Self::CreateEndpoint { .. } => "NetworkDriver.CreateEndpoint",
            Self::EndpointOperInfo(_) => "NetworkDriver.EndpointOperInfo",
            Self::DeleteEndpoint(_) => "NetworkDriver.DeleteEndpoint",
            Self::Join(..) => "NetworkDriver.Join",
            Self::Leave(_) => "NetworkDriver.Leave",
            Self::Publish(..) => "NetworkDriver.ProgramExternalConnectivity",
            Self::Withdraw(_) => "NetworkDriver.RevokeExternalConnectivity",
            Self::DiscoverNew(_) => "NetworkDriver.DiscoverNew",
            Self::IpamCapabilities => "IpamDriver.GetCapabilities",
            Self::AddressSpaces => "IpamDriver.GetDefaultAddressSpaces",
            Self::RequestPool { .. } => "IpamDriver.RequestPool",
            Self::ReleasePool(_) => "IpamDriver.ReleasePool",
            Self::RequestAddress { .. } => "IpamDriver.RequestAddress",
            Self::ReleaseAddress(..) => "IpamDriver.ReleaseAddress",
        }
    }

    /// The body, as JSON; nothing for questions without one.
    ///
    /// # Panics
    /// Never: such values can always be written.
    #[must_use]
    pub fn body(&self) -> String {
        match self {
            Self::Activate | Self::NetworkCapabilities | Self::IpamCapabilities | Self::AddressSpaces => String::new(),
            Self::CreateNetwork(network, settings) => written(&Network::of(*network, settings)),
            Self::DeleteNetwork(network) => written(&json!({ "NetworkID": network })),
            Self::CreateEndpoint { place, addresses, mac, ports, options } => {
                let mut all = ports.as_ref().map(Ports::options).unwrap_or_default();
                all.extend(options.iter().map(|(key, value)| (key.clone(), json!(value))));
                all.extend(mac.map(|mac| (MAC.to_owned(), json!(mac.to_string()))));
                let [address, address_v6] = addresses.map(|net| text(net.as_ref()));
                let interface = Interface { address, address_v6, mac_address: text(mac.as_ref()) };
                written(&NewEndpoint { place: *place, interface, options: all })
            }
            Self::EndpointOperInfo(place)
            | Self::DeleteEndpoint(place)
            | Self::Leave(place)
            | Self::Withdraw(place) => written(place),
            Self::Join(place, key, ports) => {
                written(&Joining { place: *place, sandbox_key: Some(key), options: ports.options() })
            }
            Self::Publish(place, ports) => {
                written(&Joining { place: *place, sandbox_key: None, options: ports.options() })
            }
            Self::DiscoverNew(addr) => written(&Discovery::of(*addr)),
            Self::RequestPool { space, pool, range, options, v6 } => {
                let (pool, sub_pool) = (text(pool.as_ref()), text(range.as_ref()));
                written(&PoolAsked { address_space: space, pool, sub_pool, options, v6: *v6 })
            }
            Self::ReleasePool(pool) => written(&json!({ "PoolID": pool })),
            Self::RequestAddress { pool, address, is_gateway, mac } => {
                let gateway = is_gateway.then(|| (ADDRESS_TYPE, GATEWAY.to_owned()));
                let options: BTreeMap<&str, String> =
                    gateway.into_iter().chain(mac.map(|mac| (MAC, mac.to_string()))).collect();
                let options = Some(options).filter(|options| !options.is_empty());
                written(&AddressAsked { pool, address: text(address.as_ref()), options: Some(options) })
            }
            Self::ReleaseAddress(pool, address) => {
                written(&AddressAsked { pool, address: address.to_string(), options: None })
            }
        }
    }

    /// What takes back what came of it, as far as something did.
    #[must_use]
    pub fn undo(&self, answer: &[u8]) -> Option<Self> {
        let role = if self.method().starts_with(Role::Ipam.word()) { Role::Ipam } else { Role::Network };
        if answer::refusal(role, answer).is_some() {
            return None;
        }
        match self {
            Self::CreateNetwork(network, _) => Some(Self::DeleteNetwork(*network)),
            Self::CreateEndpoint { place, .. } => Some(Self::DeleteEndpoint(*place)),
            Self::Join(place, ..) => Some(Self::Leave(*place)),
            Self::Publish(place, _) => Some(Self::Withdraw(*place)),
            Self::RequestPool { .. } => Some(Self::ReleasePool(answer::pool_id(answer)?)),
            Self::RequestAddress { pool, .. } => {
                Some(Self::ReleaseAddress(pool.clone(), answer::address(answer).ok()?.ip()))
            }
            _ => None,
        }
    }

    /// The network of an endpoint that is asked about.
    #[must_use]
    pub const fn network_of_endpoint(&self) -> Option<Id> {
        match self {
            Self::CreateEndpoint { place, .. }
            | Self::EndpointOperInfo(place)
            | Self::DeleteEndpoint(place)
            | Self::Join(place, ..)
            | Self::Leave(place)
            | Self::Publish(place, _)
            | Self::Withdraw(place) => Some(place.network),
            _ => None,
        }
    }
}

impl Ports {
    fn options(&self) -> BTreeMap<String, Value> {
        let exposed = self.exposed.iter().map(|port| PortJson { proto: protocol(port.protocol), port: port.number });
        let published = self.published.iter().map(PortMapJson::of);
        let lists = [(EXPOSED, json!(exposed.collect::<Vec<_>>())), (PORT_MAP, json!(published.collect::<Vec<_>>()))];
        lists.into_iter().map(|(key, list)| (key.to_owned(), list)).collect()
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Network<'a> {
    #[serde(rename = "NetworkID")]
    network: Id,
    options: BTreeMap<&'static str, Value>,
    #[serde(rename = "IPv4Data")]
    v4: &'a [SubnetData],
    #[serde(rename = "IPv6Data")]
    v6: &'a [SubnetData],
}

impl<'a> Network<'a> {
    fn of(network: Id, settings: &'a Settings) -> Self {
        let mut options = BTreeMap::from([(IPV6, json!(settings.ipv6)), (GENERIC, json!(settings.options))]);
        options.extend(settings.internal.then(|| (INTERNAL, json!(true))));
        let [v4, v6] = &settings.subnets;
        Self { network, options, v4, v6 }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct NewEndpoint {
    #[serde(flatten)]
    place: Place,
    interface: Interface,
    options: BTreeMap<String, Value>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Interface {
    address: String,
    #[serde(rename = "AddressIPv6")]
    address_v6: String,
    mac_address: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Joining<'a> {
    #[serde(flatten)]
    place: Place,
    #[serde(skip_serializing_if = "Option::is_none")]
    sandbox_key: Option<&'a str>,
    options: BTreeMap<String, Value>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Discovery {
    discovery_type: u32,
    discovery_data: DiscoveryData,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct DiscoveryData {
    address: IpAddr,
    bind_address: IpAddr,
    #[serde(rename = "Self")]
    is_self: bool,
}

impl Discovery {
    const fn of(addr: IpAddr) -> Self {
        let discovery_data = DiscoveryData { address: addr, bind_address: addr, is_self: true };
        Self { discovery_type: NODE_DISCOVERY, discovery_data }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct PoolAsked<'a> {
    address_space: &'a str,
    pool: String,
    sub_pool: String,
    options: &'a BTreeMap<String, String>,
    v6: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct AddressAsked<'a> {
    #[serde(rename = "PoolID")]
    pool: &'a str,
    address: String,
    /// Options, which may be null, or no such key at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    options: Option<Option<BTreeMap<&'static str, String>>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct PortJson {
    proto: u8,
    port: u16,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct PortMapJson {
    proto: u8,
    #[serde(rename = "IP")]
    ip: &'static str,
    port: u16,
    #[serde(rename = "HostIP")]
    host_ip: String,
    host_port: u16,
    host_port_end: u16,
}

impl PortMapJson {
    fn of(published: &Publication) -> Self {
        Self {
            proto: protocol(published.port.protocol),
            ip: "",
            port: published.port.number,
            host_ip: text(published.address.as_ref()),
            host_port: published.range.0,
            host_port_end: published.range.1,
        }
    }
}

/// The number of a protocol in IP.
const fn protocol(protocol: Protocol) -> u8 {
    match protocol {
        Protocol::Tcp => 6,
        Protocol::Udp => 17,
        Protocol::Sctp => 132,
    }
}

fn text(value: Option<&impl ToString>) -> String {
    value.map(ToString::to_string).unwrap_or_default()
}

fn written(body: &impl Serialize) -> String {
    serde_json::to_string(body).expect("its keys are texts")
}
