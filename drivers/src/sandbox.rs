//! Sandboxes: the network side of one running container: its namespace, the endpoints in it, and the files that tell
//! its programs about names. What goes into the namespace is the controller's doing.

pub mod hosts;
pub mod resolv;
pub mod resolver;

use std::collections::BTreeMap;

use core::net::IpAddr;

use netyard_sim::fabric::NamespaceId;
use netyard_sim::userland::ContextId;

use crate::id::Id;
use crate::ports::{Port, Publication};

/// Where the engine keeps the namespaces of sandboxes.
pub const DIRECTORY: &str = "/var/run/docker/netns";

/// What a sandbox was asked to be.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct SandboxConfig {
    /// The host name, for `/etc/hosts`.
    pub hostname: String,
    /// Whom its own DNS server asks about names it does not know, in this order.
    pub upstreams: Vec<IpAddr>,
    /// Lines for `/etc/hosts`: address and name.
    pub extra_hosts: Vec<(String, String)>,
    /// The ports that shall be published.
    pub publications: Vec<Publication>,
    /// The ports that are exposed.
    pub exposed: Vec<Port>,
}

/// Where the programs of a sandbox see the network.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// A namespace of its own.
    Own,
    /// The host's namespace.
    Host,
    /// The namespace of another container.
    Shared,
}

/// An endpoint that a sandbox has joined.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Joined {
    /// The network.
    pub network: Id,
    /// The endpoint on it.
    pub endpoint: Id,
    /// The device in the sandbox, `eth0` and so on; none on networks without devices.
    pub interface: Option<String>,
}

/// The network side of one running container.
#[derive(Clone, Debug)]
pub struct Sandbox {
    /// Its id.
    pub id: Id,
    /// Its network.
    pub namespace: NamespaceId,
    /// Whose network that is.
    pub kind: Kind,
    /// Its files.
    pub context: ContextId,
    /// Whose files about names it has: its own, or those of the container whose network it joined.
    pub names: ContextId,
    /// What it was asked to be.
    pub config: SandboxConfig,
    /// Its endpoints, in the order of joining.
    pub joined: Vec<Joined>,
    /// The number of the next interface by what its name begins with; numbers are not used again (oracle fact 18).
    pub next_interface: BTreeMap<String, u32>,
    /// Whether it has its own DNS server; once on it stays on (fact 33).
    pub has_resolver: bool,
}

impl Sandbox {
    /// Where the engine keeps the namespace of a sandbox, as `inspect` shows it also when it is gone.
    #[must_use]
    pub fn key(id: Id, kind: Kind) -> String {
        match kind {
            Kind::Host => format!("{DIRECTORY}/default"),
            Kind::Own | Kind::Shared => format!("{DIRECTORY}/{}", id.short()),
        }
    }

    /// What it has on a network.
    #[must_use]
    pub fn on(&self, network: Id) -> Option<&Joined> {
        self.joined.iter().find(|j| j.network == network)
    }
}
