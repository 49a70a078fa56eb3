//! Networks: what one was asked to be ([`NetworkConfig`]) and what stands ([`Network`]). Making devices for them is a
//! driver's work; picking addresses is IPAM's.

use core::net::IpAddr;
use std::collections::BTreeMap;

use netyard_sim::addr::{Family, IpNetwork, Mac};
use netyard_sim::time::Instant;

use crate::endpoint::{Endpoint, OfService, Standing};
use crate::id::Id;
use crate::ipam::{PoolId, PoolRequest};

/// The network of containers that name none.
pub const DEFAULT: &str = "bridge";

/// Names that no user may give to a network.
const PREDEFINED: [&str; 4] = ["bridge", "host", "none", "default"];

/// Whether only the engine itself makes a network of that name.
#[must_use]
pub fn is_predefined(name: &str) -> bool {
    PREDEFINED.contains(&name)
}

/// A subnet as it was asked for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SubnetConfig {
    /// The subnet and the range in it.
    pub pool: PoolRequest,
    /// The gateway; the lowest free address when none.
    pub gateway: Option<IpAddr>,
    /// Addresses by name that nobody may have (`--aux-address`).
    pub auxiliary: BTreeMap<String, IpAddr>,
    /// Which address a container gets that asks for none.
    pub allocation: Allocation,
}

/// Which address of a subnet a container gets that asks for none.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Allocation {
    /// The lowest that is free.
    #[default]
    Lowest,
    /// The one that ends in its MAC address (`--fixed-cidr-v6`).
    ByMac,
}

/// Whether a network may be called like another.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Namesakes {
    /// It may not (`CheckDuplicate`).
    #[default]
    Refused,
    /// It may, and its maker is warned.
    Welcome,
}

/// What a network was asked to be.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct NetworkConfig {
    /// Its name.
    pub name: String,
    /// Whether another network may be called so already.
    pub namesakes: Namesakes,
    /// Its driver, `bridge` and so on.
    pub driver: String,
    /// What it is there for.
    pub role: Role,
    /// Whether it has IPv6 addresses.
    pub ipv6: bool,
    /// Whether it has no way out.
    pub internal: bool,
    /// Whether containers may join it by hand when it is a swarm's; else only repeated by `inspect`.
    pub attachable: bool,
    /// How far it goes.
    pub scope: Scope,
    /// Whether it is the one by which a swarm publishes ports.
    pub ingress: bool,
    /// Its subnets; the engine picks one when there is none of a family.
    pub subnets: Vec<SubnetConfig>,
    /// The plugin that gives addresses; the engine's own IPAM when none.
    pub ipam_driver: Option<String>,
    /// Options of IPAM, repeated by `inspect`; `null` there when none were sent.
    pub ipam_options: Option<BTreeMap<String, String>>,
    /// Options of the driver, repeated by `inspect`; the driver parses them itself, once.
    pub options: BTreeMap<String, String>,
    /// Labels.
    pub labels: BTreeMap<String, String>,
}

/// How far a network goes.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Scope {
    /// One host.
    #[default]
    Local,
    /// All hosts of a swarm.
    Swarm,
    /// All hosts that share a store.
    Global,
}

impl Scope {
    /// The word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Swarm => "swarm",
            Self::Global => "global",
        }
    }
}

/// What a network is there for.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum Role {
    /// Containers.
    #[default]
    Work,
    /// Other networks, which are made after it (`--config-only`); no container is on it.
    Model,
    /// Containers, and it is made after the model of this name (`--config-from`).
    After(String),
}

/// A subnet that a network has.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Subnet {
    /// Its pool.
    pub pool: PoolId,
    /// The subnet, as it was asked for.
    pub net: IpNetwork,
    /// The gateway's address: the bridge's own.
    pub gateway: IpAddr,
    /// The way out of containers: the gateway, unless an auxiliary address is named to be it.
    pub way_out: IpAddr,
    /// Which address a container gets that asks for none.
    pub allocation: Allocation,
    /// Whether the user chose the subnet.
    pub origin: Origin,
}

/// Who chose a subnet.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Origin {
    /// The user, or the engine's settings; `--ip` is allowed then.
    User,
    /// The engine.
    Automatic,
}

/// A network that stands.
#[derive(Clone, Debug)]
pub struct Network {
    /// Its id.
    pub id: Id,
    /// When it was made.
    pub created: Instant,
    /// What it was asked to be.
    pub config: NetworkConfig,
    /// What it has.
    pub subnets: Vec<Subnet>,
    /// The running containers on it, by endpoint.
    pub endpoints: BTreeMap<Id, Endpoint>,
    /// What is on it on other hosts.
    pub elsewhere: Elsewhere,
}

/// What is on a network on other hosts.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Elsewhere {
    /// The containers.
    pub stations: Vec<Station>,
    /// The hosts that have the network, this one first: their names among peers, and where their tunnels end.
    pub hosts: Vec<(String, IpAddr)>,
}

/// Where something on a network is, behind another host.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Peer {
    /// Its address.
    pub addr: IpAddr,
    /// Its Ethernet address.
    pub mac: Mac,
    /// Where the tunnels of its host end.
    pub host: IpAddr,
}

/// Something on a network on another host.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Station {
    /// The name of the container; none when it is the host's own endpoint.
    pub name: Option<String>,
    /// Its other names.
    pub aliases: Vec<String>,
    /// Its endpoint, where lists show it.
    pub endpoint: Option<Id>,
    /// Where it is.
    pub peer: Peer,
    /// The service whose task it is.
    pub service: Option<OfService>,
}

impl Network {
    /// A network that nobody is on.
    #[must_use]
    pub fn new(id: Id, created: Instant, config: NetworkConfig, subnets: Vec<Subnet>) -> Self {
        Self { id, created, config, subnets, endpoints: BTreeMap::new(), elsewhere: Elsewhere::default() }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.config.name
    }

    /// Whether a user made it: then it has DNS, aliases and static addresses.
    #[must_use]
    pub fn is_user_defined(&self) -> bool {
        !is_predefined(&self.config.name)
    }

    /// Whether it goes across hosts.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        self.config.scope != Scope::Local
    }

    /// Whether a static address of this family may be asked for: the user chose a subnet of it, be it of use or not.
    #[must_use]
    pub fn takes_static(&self, family: Family) -> bool {
        self.config.subnets.iter().any(|s| s.pool.subnet.is_ipv4() == (family == Family::V4))
    }

    /// The endpoint of a container.
    #[must_use]
    pub fn endpoint_of(&self, container: Id) -> Option<&Endpoint> {
        self.endpoints.values().find(|e| e.container == container && e.standing == Standing::Container)
    }

    /// What sorts the networks of one sandbox: internal ones last, then by name (oracle facts 18 to 20).
    #[must_use]
    pub fn rank(&self) -> (bool, &str) {
        (self.config.internal, self.name())
    }
}
