//! What plugins answer, read as strictly as libnetwork reads it and in its words where it refuses. A plugin is a stranger:
//! whatever it says is a value or an error.

use core::fmt::Display;
use core::net::IpAddr;

use netyard_sim::addr::{IpNetwork, Mac};
use netyard_sim::namespace::is_device_name;
use serde_json::Value;

use super::known::Role;
use crate::ipam::parse_prefix;
use crate::shape::Shape::{self, Any, Bool, Int, List, Struct, Text, TextMap, Texts};
use crate::shape::first_value;

/// How an automatic pool of a plugin names its gateway.
const GATEWAY: &str = "com.docker.network.gateway";
/// A static route by a next hop; another number is on the link itself.
const NEXT_HOP: i64 = 0;

/// Where a plugin of networks says that something is wrong.
const ERR: &str = "Err";
/// Where one of addresses says so.
const ERROR: &str = "Error";

const NETWORK_MADE: Shape = Struct("api.CreateNetworkResponse", &[(ERR, Text)]);
const PUBLISHED: Shape = Struct("api.ProgramExternalConnectivityResponse", &[(ERR, Text)]);
const DESCRIBED: Shape = Struct("plugins.Plugin", &[("Name", Text), ("Addr", Text), ("TLSConfig", Any)]);
const ACTIVATE: Shape = Struct("plugins.Manifest", &[("Implements", Texts)]);
const NETWORK_CAPABILITIES: Shape =
    Struct("api.GetCapabilityResponse", &[(ERR, Text), ("Scope", Text), ("ConnectivityScope", Text)]);
const IPAM_CAPABILITIES: Shape = Struct(
    "api.GetCapabilityResponse",
    &[(ERROR, Text), ("RequiresMACAddress", Bool), ("RequiresRequestReplay", Bool)],
);
const SPACES: Shape = Struct(
    "api.GetAddressSpacesResponse",
    &[(ERROR, Text), ("LocalDefaultAddressSpace", Text), ("GlobalDefaultAddressSpace", Text)],
);
const CREATED: Shape = Struct(
    "api.CreateEndpointResponse",
    &[
        (ERR, Text),
        (
            "Interface",
            Struct("api.EndpointInterface", &[("Address", Text), ("AddressIPv6", Text), ("MacAddress", Text)]),
        ),
    ],
);
const JOINED: Shape = Struct(
    "api.JoinResponse",
    &[
        (ERR, Text),
        ("InterfaceName", Struct("api.InterfaceName", &[("SrcName", Text), ("DstName", Text), ("DstPrefix", Text)])),
        ("Gateway", Text),
        ("GatewayIPv6", Text),
        (
            "StaticRoutes",
            List(&Struct("api.StaticRoute", &[("Destination", Text), ("RouteType", Int("int")), ("NextHop", Text)])),
        ),
        ("DisableGatewayService", Bool),
    ],
);
const POOL: Shape =
    Struct("api.RequestPoolResponse", &[(ERROR, Text), ("PoolID", Text), ("Pool", Text), ("Data", TextMap)]);
const ADDRESS: Shape = Struct("api.RequestAddressResponse", &[(ERROR, Text), ("Address", Text), ("Data", TextMap)]);

/// What a plugin chose for an endpoint.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Created {
    /// Its addresses.
    pub addresses: [Option<IpNetwork>; 2],
    /// Its Ethernet address.
    pub mac: Option<Mac>,
}

/// A route in a sandbox.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct StaticRoute {
    /// Where to.
    pub to: IpNetwork,
    /// By which next hop; on the link itself when none.
    pub via: Option<IpAddr>,
}

/// What a sandbox gets that joins.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Joined {
    /// The device of the host that goes into it; none when there is none.
    pub device: Option<String>,
    /// What its name there begins with.
    pub prefix: String,
    /// The gateways, IPv4 and IPv6.
    pub gateways: [Option<IpAddr>; 2],
    /// Routes.
    pub routes: Vec<StaticRoute>,
    /// Whether it shall not be led out by another network.
    pub stays_in: bool,
}

impl Joined {
    /// Whether it leads out by itself, in IPv4.
    #[must_use]
    pub fn leads_out(&self) -> bool {
        self.gateways[0].is_some() || self.routes.iter().any(|route| route.to.is_ipv4() && route.to.prefix() == 0)
    }
}

/// A subnet that a plugin gave.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Pool {
    /// What the plugin calls it.
    pub id: String,
    /// The subnet.
    pub net: IpNetwork,
    /// The gateway, if the plugin chose it with the pool.
    pub gateway: Option<IpNetwork>,
}

/// What a plugin's networks or addresses are like.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Capabilities {
    /// How far networks go: `local` or `global`.
    pub scope: String,
    /// Whether an Ethernet address goes with the question for an address.
    pub requires_mac: bool,
}

/// Where a plugin listens, as the file says that describes it (`NAME.json`); nothing when it does not say so.
///
/// # Errors
/// It cannot be read.
pub fn described(file: &[u8]) -> Result<String, String> {
    DESCRIBED.read(first_value(file)?).map(|read| word(&read, "Addr").to_owned())
}

/// Whether an answer has a value, whatever follows it.
#[must_use]
pub fn is_whole(answer: &[u8]) -> bool {
    first_value(answer).is_ok()
}

/// What a plugin says that is wrong, if it does, where those of this role say it.
pub(super) fn refusal(role: Role, answer: &[u8]) -> Option<String> {
    let shape = match role {
        Role::Network => Struct("", &[(ERR, Text)]),
        Role::Ipam => Struct("", &[(ERROR, Text)]),
    };
    let read = shape.read(first_value(answer).ok()?).ok()?;
    said(&read)
}

/// What an answer says that is wrong, wherever its shape has a place for it.
fn said(read: &Value) -> Option<String> {
    let said = [ERR, ERROR].into_iter().map(|key| word(read, key));
    said.filter(|said| !said.is_empty()).map(str::to_owned).next()
}

/// Reads an answer of this shape.
fn read(shape: Shape, answer: &[u8]) -> Result<Value, String> {
    let read = shape.read(first_value(answer)?)?;
    match said(&read) {
        Some(said) => Err(format!("remote: {said}")),
        None => Ok(read),
    }
}

fn word<'v>(value: &'v Value, key: &str) -> &'v str {
    value[key].as_str().unwrap_or_default()
}

/// Whether a network was made.
///
/// # Errors
/// What the plugin says is wrong.
pub fn network_made(answer: &[u8]) -> Result<(), String> {
    read(NETWORK_MADE, answer).map(drop)
}

/// Whether ports were published.
///
/// # Errors
/// What the plugin says is wrong.
pub fn published(answer: &[u8]) -> Result<(), String> {
    read(PUBLISHED, answer).map(drop)
}

/// What a plugin implements.
///
/// # Errors
/// It cannot be read.
pub fn implements(answer: &[u8]) -> Result<Vec<String>, String> {
    let read = read(ACTIVATE, answer)?;
    let words = read["Implements"].as_array().into_iter().flatten().filter_map(Value::as_str);
    Ok(words.map(str::to_owned).collect())
}

/// What its networks can do.
///
/// # Errors
/// It cannot be read.
pub fn network_capabilities(answer: &[u8]) -> Result<Capabilities, String> {
    let read = read(NETWORK_CAPABILITIES, answer)?;
    Ok(Capabilities { scope: word(&read, "Scope").to_owned(), requires_mac: false })
}

/// What it needs to give addresses.
///
/// # Errors
/// It cannot be read.
pub fn ipam_capabilities(answer: &[u8]) -> Result<Capabilities, String> {
    let read = read(IPAM_CAPABILITIES, answer)?;
    let requires_mac = read["RequiresMACAddress"].as_bool().unwrap_or_default();
    Ok(Capabilities { scope: String::new(), requires_mac })
}

/// What a plugin calls the address space of this host's networks.
///
/// # Errors
/// It cannot be read.
pub fn address_space(answer: &[u8]) -> Result<String, String> {
    Ok(word(&read(SPACES, answer)?, "LocalDefaultAddressSpace").to_owned())
}

/// What was chosen for an endpoint.
///
/// # Errors
/// It cannot be read, or has addresses that are none.
pub fn created(answer: &[u8]) -> Result<Created, String> {
    let read = read(CREATED, answer)?;
    let interface = &read["Interface"];
    let mac = match word(interface, "MacAddress") {
        "" => None,
        text => Some(text.parse::<Mac>().map_err(|_| format!("address {text}: invalid MAC address"))?),
    };
    let mut addresses = [None; 2];
    // Docker minds what an address is, and not where it stands.
    for net in [prefix(word(interface, "Address"))?, prefix(word(interface, "AddressIPv6"))?].into_iter().flatten() {
        if let Some(has) = addresses[usize::from(net.is_ipv6())].replace(net) {
            return Err(modified("address", "IP", &has, &net));
        }
    }
    if let Some(mac) = mac.filter(|mac| !mac.is_assignable()) {
        return Err(format!("address {mac}: cannot assign requested address"));
    }
    Ok(Created { addresses, mac })
}

/// That a plugin chose something that was chosen before, in the words of Docker: `IP` is one of an interface's `address`es.
pub(crate) fn modified(what: &str, short: &str, has: &impl Display, given: &impl Display) -> String {
    format!(
        "driver modified interface {what}: endpoint interface {short} present ({has}). Cannot be modified with \
         ({given}).; rolled back"
    )
}

/// What a sandbox gets.
///
/// # Errors
/// It cannot be read, or has gateways, routes or names that are none.
pub fn joined(answer: &[u8]) -> Result<Joined, String> {
    let read = read(JOINED, answer)?;
    let gateway = |key: &str, is_v4: bool| match word(&read, key) {
        "" => Ok(None),
        text => match text.parse::<IpAddr>() {
            Ok(addr) if addr.is_ipv4() == is_v4 => Ok(Some(addr)),
            _ => Err(format!("unable to parse {key} \"{text}\"")),
        },
    };
    let gateways = [gateway("Gateway", true)?, gateway("GatewayIPv6", false)?];
    let routes = read["StaticRoutes"].as_array().into_iter().flatten();
    let routes = routes.map(route).collect::<Result<Vec<_>, _>>()?;
    let interface = &read["InterfaceName"];
    let device = Some(word(interface, "SrcName").to_owned()).filter(|name| !name.is_empty());
    let prefix = word(interface, "DstPrefix").to_owned();
    if device.is_some() && !is_device_name(&format!("{prefix}0")) {
        return Err(format!("an interface cannot be called {prefix:?} and a number"));
    }
    Ok(Joined {
        device,
        prefix,
        gateways,
        routes,
        stays_in: read["DisableGatewayService"].as_bool().unwrap_or_default(),
    })
}

fn route(value: &Value) -> Result<StaticRoute, String> {
    let to = word(value, "Destination");
    let to = parse_prefix(to).ok_or_else(|| format!("invalid CIDR address: {to}"))?;
    let is_by_hop = value["RouteType"].as_i64().unwrap_or(NEXT_HOP) == NEXT_HOP;
    let text = word(value, "NextHop");
    let via: Option<IpAddr> = text.parse().ok().filter(|via: &IpAddr| via.is_ipv4() == to.is_ipv4());
    if via.is_none() && (is_by_hop || !text.is_empty()) {
        return Err(format!("failed to parse nexthop IP {text}"));
    }
    Ok(StaticRoute { to, via: via.filter(|_| is_by_hop) })
}

/// What a plugin calls a pool that it gave, be the rest of the answer as it may.
pub(super) fn pool_id(answer: &[u8]) -> Option<String> {
    Some(word(&read(POOL, answer).ok()?, "PoolID").to_owned()).filter(|id| !id.is_empty())
}

/// A pool.
///
/// # Errors
/// It cannot be read, or has prefixes that are none.
pub fn pool(answer: &[u8]) -> Result<Pool, String> {
    let read = read(POOL, answer)?;
    let text = word(&read, "Pool");
    let net = parse_prefix(text).ok_or_else(|| format!("invalid CIDR address: {text}"))?;
    let gateway = match word(&read["Data"], GATEWAY) {
        "" => None,
        text => Some(parse_prefix(text).ok_or_else(|| {
            format!("failed to parse gateway address ({text}) returned by ipam driver: invalid CIDR address: {text}")
        })?),
    };
    Ok(Pool { id: word(&read, "PoolID").to_owned(), net, gateway })
}

/// An address with its prefix length.
///
/// # Errors
/// It cannot be read, or is none.
pub fn address(answer: &[u8]) -> Result<IpNetwork, String> {
    prefix(word(&read(ADDRESS, answer)?, "Address"))?.ok_or_else(|| "No address returned".to_owned())
}

fn prefix(text: &str) -> Result<Option<IpNetwork>, String> {
    match text {
        "" => Ok(None),
        text => parse_prefix(text).map(Some).ok_or_else(|| format!("invalid CIDR address: {text}")),
    }
}
