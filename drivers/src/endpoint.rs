//! Endpoints: what a container was asked to be on a network ([`EndpointConfig`]) and its place there while it runs
//! ([`Endpoint`]).

use core::fmt;
use core::net::IpAddr;
use std::collections::BTreeMap;

use netyard_sim::addr::{IpNetwork, Mac};
use serde::{Deserialize, Serialize};

use crate::id::Id;
use crate::ipam::PoolId;
use crate::plugin::answer::Joined;
use crate::ports::{PortBinding, Protocol};

/// Static addresses that were asked for.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct StaticAddresses {
    /// `--ip`.
    pub v4: Option<IpAddr>,
    /// `--ip6`.
    pub v6: Option<IpAddr>,
    /// `--link-local-ip`, as they were sent.
    pub link_local: Vec<String>,
}

impl StaticAddresses {
    /// Those of the two families that were asked for.
    pub fn iter(&self) -> impl Iterator<Item = IpAddr> {
        self.v4.into_iter().chain(self.v6)
    }
}

/// `container:alias`: a name that one container alone has for another.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Link {
    /// The container that is meant, by name; it need not exist (oracle fact 39).
    pub target: String,
    /// What it is called.
    pub alias: String,
}

impl Link {
    /// Reads `container:alias`, or `container` alone, which then is the alias too.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let (target, alias) = text.split_once(':').unwrap_or((text, text));
        Self { target: target.trim_start_matches('/').to_owned(), alias: alias.to_owned() }
    }
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // As it was written: `web1` alone is its own alias.
        if self.target == self.alias { f.write_str(&self.target) } else { write!(f, "{}:{}", self.target, self.alias) }
    }
}

/// What a container was asked to be on a network. What is `None` was `null`; `inspect` tells that from empty.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct EndpointConfig {
    /// Static addresses.
    pub addresses: Option<StaticAddresses>,
    /// Its own names for other containers.
    pub links: Option<Vec<Link>>,
    /// More names of its own.
    pub aliases: Option<Vec<String>>,
    /// A MAC address; one is made of the IPv4 address when none.
    pub mac: Option<Mac>,
    /// Options for the driver.
    pub driver_options: Option<BTreeMap<String, String>>,
    /// Whether a cluster chose its addresses, which then are not asked for again.
    pub granted: bool,
    /// The service whose task it is.
    pub service: Option<OfService>,
}

/// What an endpoint has of the service whose task it is.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct OfService {
    /// The service's id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its own address on the network; none when it is reached by those of its tasks.
    pub vip: Option<IpAddr>,
    /// Further names of it on the network.
    pub aliases: Vec<String>,
    /// The ports by which it is reached from outside through the network.
    pub ports: Vec<IngressPort>,
    /// Whether the task can be reached by them: it is not when it has to be found healthy first.
    #[serde(default)]
    pub is_ready: bool,
}

/// A port of all nodes by which a service is reached.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
pub struct IngressPort {
    /// The protocol.
    pub protocol: Protocol,
    /// The port of the nodes.
    pub published: u16,
    /// The port of the tasks.
    pub target: u16,
}

impl EndpointConfig {
    /// Whether a static address was asked for.
    #[must_use]
    pub fn has_addresses(&self) -> bool {
        self.addresses.as_ref().is_some_and(|a| a.iter().next().is_some())
    }

    /// Adds a name of its own unless it has it.
    pub fn add_alias(&mut self, alias: &str) {
        let aliases = self.aliases.get_or_insert_default();
        if !aliases.iter().any(|a| a == alias) {
            aliases.push(alias.to_owned());
        }
    }
}

/// An address out of a pool.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Lease {
    /// The pool it goes back to; none when it came from a network's plugin.
    pub pool: Option<PoolId>,
    /// The address with the subnet's prefix length.
    pub net: IpNetwork,
    /// The gateway of that subnet, where it leads out of the host.
    pub gateway: Option<IpAddr>,
}

/// Whose an endpoint is.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Standing {
    /// A container's, that asked for it.
    #[default]
    Container,
    /// A container's, as its way out: it has no names there.
    WayOut,
    /// The host's own, on a network across hosts.
    Host,
}

/// A running container's place on a network.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// Its id.
    pub id: Id,
    /// The container.
    pub container: Id,
    /// Whose it is.
    pub standing: Standing,
    /// What lists of the network's containers call it that is none.
    pub label: Option<String>,
    /// The container's name, which DNS follows when it changes.
    pub name: String,
    /// The sandbox that joined it.
    pub sandbox: Id,
    /// Its IPv4 address.
    pub v4: Option<Lease>,
    /// Its IPv6 address.
    pub v6: Option<Lease>,
    /// Addresses of its device for one link only, `--link-local-ip`.
    pub link_local: Vec<IpAddr>,
    /// Its MAC address; none on networks without devices.
    pub mac: Option<Mac>,
    /// The ports that are published here; none when the container was never reached from outside by this one.
    pub published: Option<Vec<PortBinding>>,
    /// Its other names on this network.
    pub aliases: Vec<String>,
    /// Its own names for other containers.
    pub links: Vec<Link>,
    /// What a plugin gave it, on a network that a plugin makes.
    pub remote: Option<Remote>,
    /// The service whose task it is.
    pub service: Option<OfService>,
}

/// What an endpoint has of a plugin.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Remote {
    /// What its sandbox gets.
    pub joined: Joined,
    /// Whether the plugin was asked to publish its ports.
    pub is_published: bool,
}

impl Endpoint {
    /// Its addresses, IPv4 first.
    pub fn leases(&self) -> impl Iterator<Item = &Lease> {
        self.v4.iter().chain(&self.v6)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_without_alias_is_its_own_alias() {
        assert_eq!(Link::parse("container5:c5").to_string(), "container5:c5");
        assert_eq!(Link::parse("web1").to_string(), "web1");
        assert_eq!(Link::parse("/web1:db").target, "web1");
    }

    #[test]
    fn an_alias_is_added_once() {
        let mut config = EndpointConfig::default();
        config.add_alias("41988f6814e6");
        config.add_alias("41988f6814e6");
        assert_eq!(config.aliases, Some(vec!["41988f6814e6".to_owned()]));
    }
}
