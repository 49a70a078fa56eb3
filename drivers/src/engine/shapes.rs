//! The JSON of endpoints and networks, with the engine's keys in the engine's order: what clients send and what they
//! get. Whatever is not written here is ignored in requests.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::collections::BTreeMap;

use netyard_sim::time::Epoch;
use serde::{Deserialize, Serialize};

use crate::container::Membership;
use crate::date;
use crate::endpoint::{Endpoint, EndpointConfig, Lease, Link, StaticAddresses};
use crate::error::{Error, SwarmError};
use crate::id::Id;
use crate::ipam::{PoolRequest, parse_prefix};
use crate::network::{Allocation, Namesakes, Network, NetworkConfig, Origin, Role, Scope, Station, SubnetConfig};
use crate::overlay::VNIS;

/// Which request a wrong address came with; the texts differ.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Door {
    Connect,
    Create,
}

impl Door {
    /// `--ip`. Who connects may write an address of the other family, which then is in no subnet.
    fn v4(self, text: String) -> Result<IpAddr, Error> {
        match self {
            Self::Connect => text.parse().map_err(|_| Error::InvalidIpv4AtConnect(text)),
            Self::Create => text.parse::<Ipv4Addr>().map(IpAddr::V4).map_err(|_| Error::InvalidIpv4(text)),
        }
    }

    /// `--ip6`.
    fn v6(self, text: String) -> Result<IpAddr, Error> {
        match self {
            Self::Connect => text.parse().map_err(|_| Error::InvalidIpv6AtConnect(text)),
            Self::Create => text.parse::<Ipv6Addr>().map(IpAddr::V6).map_err(|_| Error::InvalidIpv6(text)),
        }
    }
}

/// `EndpointConfig` of a request.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct EndpointAsked {
    #[serde(rename = "IPAMConfig")]
    ipam: Option<AddressesAsked>,
    links: Option<Vec<String>>,
    aliases: Option<Vec<String>>,
    mac_address: Option<String>,
    driver_opts: Option<BTreeMap<String, String>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct AddressesAsked {
    #[serde(rename = "IPv4Address")]
    v4: Option<String>,
    #[serde(rename = "IPv6Address")]
    v6: Option<String>,
    #[serde(rename = "LinkLocalIPs")]
    link_local: Option<Vec<String>>,
}

impl EndpointAsked {
    /// Whether it asks for an IPv4 address, and for an IPv6 one.
    pub(super) fn wants(&self) -> [bool; 2] {
        let asked = |text: &Option<String>| text.as_ref().is_some_and(|text| !text.is_empty());
        self.ipam.as_ref().map_or([false; 2], |ipam| [asked(&ipam.v4), asked(&ipam.v6)])
    }

    /// What it means.
    ///
    /// # Errors
    /// An address that is none.
    pub(super) fn parse(self, door: Door) -> Result<EndpointConfig, Error> {
        let mac = self.mac_address.filter(|text| !text.is_empty());
        Ok(EndpointConfig {
            addresses: self.ipam.map(|asked| asked.parse(door)).transpose()?,
            links: self.links.map(|links| links.iter().map(|link| Link::parse(link)).collect()),
            aliases: self.aliases,
            mac: mac.map(|text| text.parse().map_err(|_| Error::InvalidMac(text))).transpose()?,
            driver_options: self.driver_opts,
            granted: false,
            service: None,
        })
    }
}

impl AddressesAsked {
    fn parse(self, door: Door) -> Result<StaticAddresses, Error> {
        let v4 = given(self.v4).map(|text| door.v4(text)).transpose()?;
        let v6 = given(self.v6).map(|text| door.v6(text)).transpose()?;
        let link_local = self.link_local.unwrap_or_default();
        let unreadable = |text: &String| !text.is_empty() && text.parse::<IpAddr>().is_err();
        if door == Door::Connect && link_local.iter().any(unreadable) {
            return Err(Error::LinkLocalUnreadable(link_local));
        }
        Ok(StaticAddresses { v4, v6, link_local })
    }
}

fn given(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}

/// `NetworkSettings.Networks.NAME`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct EndpointJson {
    #[serde(rename = "IPAMConfig")]
    ipam: Option<AddressesJson>,
    links: Option<Vec<String>>,
    aliases: Option<Vec<String>>,
    #[serde(rename = "NetworkID")]
    network: String,
    #[serde(rename = "EndpointID")]
    endpoint: String,
    #[serde(flatten)]
    place: PlaceJson,
    driver_opts: Option<BTreeMap<String, String>>,
}

#[derive(Debug, Serialize)]
struct AddressesJson {
    #[serde(rename = "IPv4Address", skip_serializing_if = "Option::is_none")]
    v4: Option<IpAddr>,
    #[serde(rename = "IPv6Address", skip_serializing_if = "Option::is_none")]
    v6: Option<IpAddr>,
    #[serde(rename = "LinkLocalIPs", skip_serializing_if = "Vec::is_empty")]
    link_local: Vec<String>,
}

/// Where an endpoint is; all empty when it is not.
#[derive(Debug, Default, Serialize)]
pub(super) struct PlaceJson {
    #[serde(rename = "Gateway")]
    pub(super) gateway: String,
    #[serde(rename = "IPAddress")]
    pub(super) address: String,
    #[serde(rename = "IPPrefixLen")]
    pub(super) prefix_len: u8,
    #[serde(rename = "IPv6Gateway")]
    pub(super) v6_gateway: String,
    #[serde(rename = "GlobalIPv6Address")]
    pub(super) v6_address: String,
    #[serde(rename = "GlobalIPv6PrefixLen")]
    pub(super) v6_prefix_len: u8,
    #[serde(rename = "MacAddress")]
    pub(super) mac: String,
}

impl PlaceJson {
    pub(super) fn of(endpoint: &Endpoint) -> Self {
        let address = |lease: Option<Lease>| lease.map(|l| l.net.ip().to_string()).unwrap_or_default();
        let gateway = |lease: Option<Lease>| lease.and_then(|l| l.gateway).map(|g| g.to_string()).unwrap_or_default();
        let prefix_len = |lease: Option<Lease>| lease.map_or(0, |l| l.net.prefix());
        Self {
            gateway: gateway(endpoint.v4),
            address: address(endpoint.v4),
            prefix_len: prefix_len(endpoint.v4),
            v6_gateway: gateway(endpoint.v6),
            v6_address: address(endpoint.v6),
            v6_prefix_len: prefix_len(endpoint.v6),
            mac: endpoint.mac.map(|mac| mac.to_string()).unwrap_or_default(),
        }
    }
}

impl EndpointJson {
    pub(super) fn of(membership: &Membership, endpoint: Option<&Endpoint>) -> Self {
        let config = &membership.config;
        Self {
            ipam: config.addresses.as_ref().map(|a| AddressesJson {
                v4: a.v4,
                v6: a.v6,
                link_local: a.link_local.clone(),
            }),
            links: config.links.as_ref().map(|links| links.iter().map(ToString::to_string).collect()),
            aliases: config.aliases.clone(),
            network: membership.network.map(|id| id.to_string()).unwrap_or_default(),
            endpoint: endpoint.map(|e| e.id.to_string()).unwrap_or_default(),
            place: endpoint.map(PlaceJson::of).unwrap_or_default(),
            driver_opts: config.driver_options.clone(),
        }
    }

    /// A container that was connected and never started shows the Ethernet address that was asked for; once it has
    /// ended there is none.
    pub(super) fn repeat_mac(&mut self, membership: &Membership) {
        self.place.mac = membership.config.mac.map(|mac| mac.to_string()).unwrap_or_default();
    }

    /// The same as lists have it: without names.
    pub(super) fn listed(membership: &Membership, endpoint: Option<&Endpoint>) -> Self {
        Self { links: None, aliases: None, ..Self::of(membership, endpoint) }
    }
}

/// The body of `POST /networks/create`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct NetworkAsked {
    name: Option<String>,
    check_duplicate: Option<bool>,
    driver: Option<String>,
    #[serde(rename = "EnableIPv6")]
    ipv6: Option<bool>,
    internal: Option<bool>,
    attachable: Option<bool>,
    ingress: Option<bool>,
    scope: Option<String>,
    config_only: Option<bool>,
    config_from: Option<ConfigFromAsked>,
    #[serde(rename = "IPAM")]
    ipam: Option<IpamAsked>,
    options: Option<BTreeMap<String, String>>,
    labels: Option<BTreeMap<String, String>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct ConfigFromAsked {
    network: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct IpamAsked {
    driver: Option<String>,
    config: Option<Vec<SubnetAsked>>,
    options: Option<BTreeMap<String, String>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct SubnetAsked {
    subnet: Option<String>,
    #[serde(rename = "IPRange")]
    range: Option<String>,
    gateway: Option<String>,
    auxiliary_addresses: Option<BTreeMap<String, String>>,
}

impl NetworkAsked {
    /// What it shall be called.
    pub(super) fn name(&self) -> &str {
        self.name.as_deref().unwrap_or_default()
    }

    /// What it means, where networks across hosts go so far.
    ///
    /// # Errors
    /// A prefix or address that is none, IPAM without pools, or a network for a swarm.
    pub(super) fn parse(self, widest: Scope) -> Result<NetworkConfig, Error> {
        if self.ingress == Some(true) && self.driver.as_deref() != Some("overlay") {
            return Err(Error::BadParameter("Ingress network can only be global scope network".to_owned()));
        }
        if self.ingress == Some(true) && self.attachable == Some(true) {
            return Err(SwarmError::Invalid("ingress network cannot be attachable".to_owned()).into());
        }
        let role = self.role()?;
        let mut driver = given(self.driver).unwrap_or_else(|| "bridge".to_owned());
        if role == Role::Model {
            NO_DRIVER.clone_into(&mut driver);
        }
        let scope = match given(self.scope).as_deref() {
            Some("local") if driver == "overlay" => return Err(SwarmError::Downgrade.into()),
            Some("swarm") => Scope::Swarm,
            Some("local") | None if driver != "overlay" => Scope::Local,
            Some("local") | None => widest,
            Some("global") if widest == Scope::Global && driver == "overlay" => Scope::Global,
            Some(_) => return Err(Error::SwarmInactive),
        };
        let ipam = self.ipam.unwrap_or_default();
        let ipam_driver = given(ipam.driver).filter(|name| name != "default");
        // IPAM without pools, which a bridge cannot do with.
        if ipam_driver.as_deref() == Some("null") {
            return Err(Error::PoolEmpty);
        }
        let asked = ipam.config.unwrap_or_default().into_iter();
        let subnets = asked.filter_map(|asked| asked.parse().transpose()).collect::<Result<_, _>>()?;
        Ok(NetworkConfig {
            name: self.name.unwrap_or_default(),
            namesakes: if self.check_duplicate == Some(true) { Namesakes::Refused } else { Namesakes::Welcome },
            driver,
            role,
            ipv6: self.ipv6.unwrap_or_default(),
            internal: self.internal.unwrap_or_default(),
            attachable: self.attachable.unwrap_or_default(),
            scope,
            ingress: self.ingress.unwrap_or_default(),
            subnets,
            ipam_driver,
            ipam_options: ipam.options,
            options: self.options.unwrap_or_default(),
            labels: self.labels.unwrap_or_default(),
        })
    }
}

impl NetworkAsked {
    /// What the network is there for.
    ///
    /// # Errors
    /// It is asked for more than goes with that.
    fn role(&self) -> Result<Role, Error> {
        let is_model = self.config_only == Some(true);
        let model = self.config_from.as_ref().and_then(|from| given(from.network.clone()));
        let operated = self.internal == Some(true)
            || self.attachable == Some(true)
            || self.scope.as_ref().is_some_and(|s| !s.is_empty());
        if is_model && operated {
            return Err(Error::Modelled(MODEL_IS_OPERATED));
        }
        let Some(model) = model else { return Ok(if is_model { Role::Model } else { Role::Work }) };
        if is_model {
            return Err(Error::Modelled("a configuration network cannot depend on another configuration network"));
        }
        let filled = |map: &Option<BTreeMap<String, String>>| map.as_ref().is_some_and(|map| !map.is_empty());
        let ipam = self.ipam.as_ref();
        let own = self.ipv6 == Some(true)
            || filled(&self.labels)
            || filled(&self.options)
            || ipam
                .is_some_and(|ipam| filled(&ipam.options) || ipam.config.as_ref().is_some_and(|list| !list.is_empty()));
        if own { Err(Error::Modelled(MODELLED_HAS_OWN)) } else { Ok(Role::After(model)) }
    }
}

/// The driver that a network without one is said to have.
const NO_DRIVER: &str = "null";

const MODEL_IS_OPERATED: &str = "configuration network can only contain network specific fields. Network operator fields \
                                 like [ ingress | internal | attachable | scope ] are not supported.";
const MODELLED_HAS_OWN: &str = "user specified configurations are not supported if the network depends on a configuration \
                                network";

impl SubnetAsked {
    /// A subnet, or none when nothing was written.
    fn parse(self) -> Result<Option<SubnetConfig>, Error> {
        let Some(text) = given(self.subnet) else { return Ok(None) };
        let subnet = parse_prefix(&text).ok_or(Error::InvalidSubnet(text))?;
        let range = given(self.range).map(|text| parse_prefix(&text).ok_or(Error::InvalidRange(text)));
        let gateway = given(self.gateway).map(|text| text.parse().map_err(|_| Error::InvalidGateway(text)));
        let auxiliary = self.auxiliary_addresses.unwrap_or_default().into_iter();
        let auxiliary = auxiliary.map(|(name, text)| match text.parse() {
            Ok(addr) => Ok((name, addr)),
            Err(_) => Err(Error::InvalidGateway(text)),
        });
        Ok(Some(SubnetConfig {
            pool: PoolRequest { subnet, range: range.transpose()? },
            gateway: gateway.transpose()?,
            auxiliary: auxiliary.collect::<Result<_, _>>()?,
            allocation: Allocation::Lowest,
        }))
    }
}

/// A network as lists and `inspect` have it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct NetworkJson<'a> {
    name: &'a str,
    id: Id,
    created: String,
    scope: &'static str,
    driver: &'a str,
    #[serde(rename = "EnableIPv6")]
    ipv6: bool,
    #[serde(rename = "IPAM")]
    ipam: IpamJson<'a>,
    internal: bool,
    attachable: bool,
    ingress: bool,
    config_from: ConfigFromJson<'a>,
    config_only: bool,
    containers: Option<BTreeMap<String, MemberJson<'a>>>,
    options: BTreeMap<&'a str, &'a str>,
    labels: Option<&'a BTreeMap<String, String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    peers: Option<Vec<PeerJson<'a>>>,
    #[serde(rename = "Services", skip_serializing_if = "Option::is_none")]
    pub(super) services: Option<BTreeMap<String, serde_json::Value>>,
}

/// A host that has a network across hosts.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct PeerJson<'a> {
    name: &'a str,
    #[serde(rename = "IP")]
    ip: IpAddr,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct ConfigFromJson<'a> {
    network: &'a str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct IpamJson<'a> {
    driver: &'a str,
    options: Option<&'a BTreeMap<String, String>>,
    config: Vec<SubnetJson<'a>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct SubnetJson<'a> {
    subnet: String,
    #[serde(rename = "IPRange", skip_serializing_if = "Option::is_none")]
    range: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    gateway: Option<IpAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    auxiliary_addresses: Option<&'a BTreeMap<String, IpAddr>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct MemberJson<'a> {
    name: &'a str,
    #[serde(rename = "EndpointID")]
    endpoint: Id,
    mac_address: String,
    #[serde(rename = "IPv4Address")]
    v4: String,
    #[serde(rename = "IPv6Address")]
    v6: String,
}

impl<'a> NetworkJson<'a> {
    /// As `inspect` has it, with the running containers.
    pub(super) fn inspected(network: &'a Network, epoch: Epoch) -> Self {
        let key = |e: &Endpoint| e.label.clone().unwrap_or_else(|| e.container.to_string());
        let members = network.endpoints.values().map(|e| (key(e), MemberJson::of(e)));
        let peers = network.elsewhere.hosts.iter().map(|(name, ip)| PeerJson { name, ip: *ip });
        let peers = (network.config.scope == Scope::Swarm).then(|| peers.collect());
        // Those of a swarm are told with its services.
        let elsewhere = network.elsewhere.stations.iter().filter(|_| network.config.scope == Scope::Global);
        let members = members.chain(elsewhere.filter_map(|s| MemberJson::elsewhere(network, s)));
        Self { containers: Some(members.collect()), peers, ..Self::listed(network, epoch) }
    }

    /// As lists have it.
    pub(super) fn listed(network: &'a Network, epoch: Epoch) -> Self {
        let config = &network.config;
        Self {
            name: network.name(),
            id: network.id,
            created: date::rfc3339(epoch, network.created),
            scope: config.scope.word(),
            driver: &config.driver,
            ipv6: config.ipv6,
            ipam: IpamJson {
                driver: config.ipam_driver.as_deref().unwrap_or("default"),
                options: config.ipam_options.as_ref(),
                config: subnets(network),
            },
            internal: config.internal,
            attachable: config.attachable,
            ingress: config.ingress,
            config_from: ConfigFromJson { network: if let Role::After(model) = &config.role { model } else { "" } },
            config_only: config.role == Role::Model,
            containers: Some(BTreeMap::new()),
            options: options(config),
            labels: Some(&config.labels),
            peers: None,
            services: None,
        }
    }

    /// As the manager of a swarm has it whose host does not use it.
    pub(super) fn planned(network: &'a Network, epoch: Epoch) -> Self {
        let labels = Some(&network.config.labels).filter(|labels| !labels.is_empty());
        Self { containers: None, labels, ..Self::listed(network, epoch) }
    }
}

/// The options of a driver, without the numbers that a network was given which is shared by a store.
fn options(config: &NetworkConfig) -> BTreeMap<&str, &str> {
    let all = config.options.iter().map(|(key, value)| (key.as_str(), value.as_str()));
    all.filter(|(key, _)| config.scope != Scope::Global || *key != VNIS).collect()
}

/// The subnets, IPv4 first: those that were asked for as they were asked for, those that the engine chose with their
/// gateways (fact 7).
fn subnets(network: &Network) -> Vec<SubnetJson<'_>> {
    [true, false].into_iter().flat_map(|v4| subnets_of(network, v4)).collect()
}

fn subnets_of(network: &Network, v4: bool) -> Vec<SubnetJson<'_>> {
    let asked = network.config.subnets.iter().filter(|asked| asked.pool.subnet.is_ipv4() == v4);
    let asked = asked.map(|asked| SubnetJson {
        subnet: asked.pool.subnet.to_string(),
        range: asked.pool.range.map(|range| range.to_string()),
        gateway: asked.gateway,
        auxiliary_addresses: (!asked.auxiliary.is_empty()).then_some(&asked.auxiliary),
    });
    let chosen =
        network.subnets.iter().filter(|subnet| subnet.origin == Origin::Automatic && subnet.net.is_ipv4() == v4);
    let chosen = chosen.map(|subnet| SubnetJson {
        subnet: subnet.net.to_string(),
        range: None,
        gateway: Some(subnet.gateway),
        auxiliary_addresses: None,
    });
    asked.chain(chosen).collect()
}

impl<'a> MemberJson<'a> {
    /// Something on another host, if lists show it, and its key.
    fn elsewhere(network: &Network, station: &'a Station) -> Option<(String, Self)> {
        let Station { name: Some(name), endpoint: Some(endpoint), peer, .. } = station else { return None };
        let asked = network.config.subnets.iter().map(|subnet| subnet.pool.subnet);
        let subnet = asked.clone().find(|subnet| subnet.contains(peer.addr))?;
        let (mac_address, v6) = (peer.mac.to_string(), String::new());
        let v4 = format!("{}/{}", peer.addr, subnet.prefix());
        Some((format!("ep-{endpoint}"), Self { name, endpoint: *endpoint, mac_address, v4, v6 }))
    }

    fn of(endpoint: &'a Endpoint) -> Self {
        let address = |lease: Option<Lease>| lease.map(|l| l.net.to_string()).unwrap_or_default();
        Self {
            name: &endpoint.name,
            endpoint: endpoint.id,
            mac_address: endpoint.mac.map(|mac| mac.to_string()).unwrap_or_default(),
            v4: address(endpoint.v4),
            v6: address(endpoint.v6),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(json: &str) -> Result<EndpointConfig, String> {
        let asked: EndpointAsked = serde_json::from_str(json).unwrap();
        asked.parse(Door::Connect).map_err(|error| error.to_string())
    }

    #[test]
    fn null_and_empty_are_told_apart() {
        let connected =
            endpoint(r#"{"IPAMConfig":{},"Links":null,"Aliases":[],"DriverOpts":{},"GwPriority":0}"#).unwrap();
        let run = endpoint(r#"{"IPAMConfig":null,"Links":null,"Aliases":null,"DriverOpts":null}"#).unwrap();
        let json =
            |config| serde_json::to_string(&EndpointJson::of(&Membership { network: None, config }, None)).unwrap();
        let rest = r#""NetworkID":"","EndpointID":"","Gateway":"","IPAddress":"","IPPrefixLen":0,"IPv6Gateway":"","GlobalIPv6Address":"","GlobalIPv6PrefixLen":0,"MacAddress":"""#;
        assert_eq!(
            json(connected),
            format!(r#"{{"IPAMConfig":{{}},"Links":null,"Aliases":[],{rest},"DriverOpts":{{}}}}"#)
        );
        assert_eq!(json(run), format!(r#"{{"IPAMConfig":null,"Links":null,"Aliases":null,{rest},"DriverOpts":null}}"#));
    }

    #[test]
    fn a_wrong_address_is_refused_in_the_engines_words() {
        let refused = endpoint(r#"{"IPAMConfig":{"IPv4Address":"banana"}}"#);
        assert_eq!(refused.unwrap_err(), "Invalid IPv4 address: banana)");
    }

    #[test]
    fn a_network_is_read_strictly() {
        let read = |json: &str| {
            let asked: NetworkAsked = serde_json::from_str(json).unwrap();
            asked.parse(Scope::Swarm).map_err(|error| error.to_string())
        };
        let subnet = |text: &str| read(&format!(r#"{{"Name":"n","IPAM":{{"Config":[{{"Subnet":"{text}"}}]}}}}"#));
        assert_eq!(
            subnet("172.26.0.0./24").unwrap_err(),
            "Invalid subnet 172.26.0.0./24 : invalid CIDR address: 172.26.0.0./24"
        );
        assert_eq!(subnet("").unwrap().subnets, []);
        assert_eq!(read(r#"{"Name":"n","Driver":""}"#).unwrap().driver, "bridge");
        assert_eq!(read(r#"{"IPAM":{"Driver":"net1"}}"#).unwrap().ipam_driver.as_deref(), Some("net1"));
    }
}
