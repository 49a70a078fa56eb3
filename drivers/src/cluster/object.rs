//! What a cluster's store has: nodes, networks, and who is on them, as values that are written and read as JSON.

use core::net::{IpAddr, SocketAddr};
use std::collections::BTreeMap;

use netyard_sim::time::Instant;
use serde::{Deserialize, Serialize};

use crate::ipam::{PoolRequest, parse_prefix};
use crate::network::{Allocation, NetworkConfig, Scope, SubnetConfig};

/// Billionths of processors that a node has.
pub const CPUS: u64 = 2_000_000_000;
/// The memory of a node in bytes.
pub const MEMORY: u64 = 8 << 30;

/// What a node may do in its cluster.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// It runs containers.
    Worker,
    /// It decides, too.
    Manager,
}

/// What a node shall be used for.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Availability {
    /// All.
    Active,
    /// What it has, and no more.
    Pause,
    /// Nothing.
    Drain,
}

impl Availability {
    /// Reads a word of a client.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "active" => Some(Self::Active),
            "pause" => Some(Self::Pause),
            "drain" => Some(Self::Drain),
            _ => None,
        }
    }
}

/// What a user says of a node.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct NodeSpec {
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// What it may do.
    pub role: Role,
    /// What it is used for.
    pub availability: Availability,
}

/// A node.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Node {
    /// Its id: 25 digits of base 36.
    pub id: String,
    /// The name of its host.
    pub hostname: String,
    /// Where it is reached, with the port at which it is asked when it decides.
    pub addr: SocketAddr,
    /// What a user says of it.
    pub spec: NodeSpec,
    /// When it came, in nanoseconds since the world's beginning.
    pub created: u64,
    /// When it was changed last.
    pub updated: u64,
}

impl Node {
    /// When it came.
    #[must_use]
    pub const fn created(&self) -> Instant {
        Instant::from_nanos(self.created)
    }

    /// When it was changed last.
    #[must_use]
    pub const fn updated(&self) -> Instant {
        Instant::from_nanos(self.updated)
    }
}

/// A subnet of a network across hosts.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Subnet {
    /// The subnet.
    pub net: String,
    /// The part of it from which addresses are given out.
    pub range: Option<String>,
    /// The address that no container gets.
    pub gateway: Option<IpAddr>,
    /// More such addresses, by name.
    pub auxiliary: BTreeMap<String, IpAddr>,
    /// Whether a user chose it.
    #[serde(default)]
    pub by_user: bool,
}

/// A network across hosts.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Network {
    /// Its id: 25 digits of base 36.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Whether it has no way out.
    pub internal: bool,
    /// Whether containers may join it by hand.
    pub attachable: bool,
    /// Whether ports are published by it.
    pub ingress: bool,
    /// Its subnets, as they were asked for; when it is allocated, as they are.
    pub subnets: Vec<Subnet>,
    /// Options, likewise.
    pub options: BTreeMap<String, String>,
    /// Options of IPAM, if any were sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ipam_options: Option<BTreeMap<String, String>>,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Whether it has subnets and numbers.
    pub allocated: bool,
    /// When it came, in nanoseconds since the world's beginning.
    pub created: u64,
}

impl Network {
    /// A network as it is asked for.
    #[must_use]
    pub fn asked(id: String, now: Instant, config: &NetworkConfig) -> Self {
        let subnets = config.subnets.iter().map(|asked| Subnet {
            net: asked.pool.subnet.to_string(),
            range: asked.pool.range.map(|range| range.to_string()),
            gateway: asked.gateway,
            auxiliary: asked.auxiliary.clone(),
            by_user: true,
        });
        Self {
            id,
            name: config.name.clone(),
            internal: config.internal,
            attachable: config.attachable,
            ingress: config.ingress,
            subnets: subnets.collect(),
            options: config.options.clone(),
            ipam_options: None,
            labels: config.labels.clone(),
            allocated: false,
            created: now.as_nanos(),
        }
    }

    /// What one host is asked for, to have it.
    #[must_use]
    pub fn config(&self) -> NetworkConfig {
        NetworkConfig {
            name: self.name.clone(),
            driver: if self.allocated { "overlay".to_owned() } else { String::new() },
            internal: self.internal,
            attachable: self.attachable,
            scope: Scope::Swarm,
            ingress: self.ingress,
            subnets: self.subnets.iter().filter_map(Subnet::config).collect(),
            ipam_options: self.ipam_options.clone(),
            options: self.options.clone(),
            labels: self.labels.clone(),
            ..NetworkConfig::default()
        }
    }
}

impl Subnet {
    /// What one host is asked for, to have it.
    #[must_use]
    pub fn config(&self) -> Option<SubnetConfig> {
        Some(SubnetConfig {
            pool: PoolRequest { subnet: parse_prefix(&self.net)?, range: self.range.as_deref().and_then(parse_prefix) },
            gateway: self.gateway,
            auxiliary: self.auxiliary.clone(),
            allocation: Allocation::Lowest,
        })
    }
}

/// A container on a network that nodes share by a store, with what the others must know to reach it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Occupant {
    /// The id of the container.
    pub container: String,
    /// Its name.
    pub name: String,
    /// More names.
    pub aliases: Vec<String>,
    /// Its Ethernet address, once it has one.
    pub mac: Option<String>,
    /// The id of its endpoint, once there is one.
    pub endpoint: Option<String>,
    /// Where the tunnels of its node end.
    pub node: SocketAddr,
}

/// A container on a network.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Attachment {
    /// Its number.
    pub task: String,
    /// The id of the network.
    pub network: String,
    /// The id of the container.
    pub container: String,
    /// The node that it is on.
    pub node: String,
    /// Its address.
    pub addr: IpAddr,
    /// The id of the service whose task it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
}
