//! Containers: what one was asked to be and how it stands. Starting and stopping them is the engine's work.

pub mod restart;
pub mod signal;

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use netyard_sim::time::{Duration, Instant};
use netyard_sim::userland::{ContextId, Pid, Rights};

use crate::endpoint::{EndpointConfig, Link};
use crate::error::Error;
use crate::id::Id;
use crate::image::Image;
use crate::network;
use crate::ports::{Port, Publication};
use crate::sandbox::resolv::DnsConfig;
use restart::{RestartPolicy, Restarts};
use signal::SignalNumber;

/// How a container is on the network.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum NetworkMode {
    /// On the default network; how that was written (`default`, `bridge` or nothing) is in the host configuration.
    Bridge,
    /// In the host's own namespace.
    Host,
    /// On none.
    None,
    /// In the namespace of another container, by name or id.
    Container(String),
    /// On a network of a user, by name or id.
    Network(String),
}

impl NetworkMode {
    /// Reads `--network`; `None` when it is `container` without a name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "" | "default" | network::DEFAULT => Self::Bridge,
            "host" => Self::Host,
            "none" => Self::None,
            "container" | "container:" => return None,
            _ => match text.strip_prefix("container:") {
                Some(other) => Self::Container(other.to_owned()),
                None => Self::Network(text.to_owned()),
            },
        })
    }

    /// The network that a container in this mode begins with.
    #[must_use]
    pub fn network(&self) -> Option<&str> {
        match self {
            Self::Bridge => Some(network::DEFAULT),
            Self::Host => Some("host"),
            Self::None => Some("none"),
            Self::Container(_) => None,
            Self::Network(name) => Some(name),
        }
    }

    /// Whether its namespace is its own.
    #[must_use]
    pub const fn is_own_namespace(&self) -> bool {
        !matches!(self, Self::Host | Self::Container(_))
    }
}

/// What becomes of a container that ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum AfterExit {
    /// It stays.
    Keep,
    /// It is removed (`--rm`).
    Remove,
}

/// A directory of a container that is not its own: a volume, or a directory of the host.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Mount {
    /// The volume, by name; none for a directory of the host.
    pub volume: Option<String>,
    /// Where it is on the host.
    pub source: String,
    /// Where it is in the container.
    pub destination: String,
    /// How it was asked for: `ro`, `z` …
    pub mode: String,
    /// Whether the container may write there.
    pub is_writable: bool,
    /// Whether the volume was made for this container alone.
    pub is_anonymous: bool,
}

/// What becomes of a container's output, besides being shown.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum LogDriver {
    /// It is kept, and can be read again.
    Kept,
    /// Nothing.
    None,
}

/// What a container was asked to be.
#[derive(Clone, Debug)]
pub struct ContainerConfig {
    /// Its host name; the short id when none was given.
    pub hostname: String,
    /// Its domain, for `/etc/hosts`.
    pub domainname: String,
    /// The image as it was written.
    pub image_reference: String,
    /// The image.
    pub image: Rc<Image>,
    /// What runs: the entry point, then the command.
    pub argv: Vec<String>,
    /// Environment, `NAME=value`.
    pub env: Vec<String>,
    /// Ports that it exposes, the image's included.
    pub exposed: BTreeSet<Port>,
    /// Which of them shall be published.
    pub publications: Vec<Publication>,
    /// Working directory; `/` when empty.
    pub working_dir: String,
    /// Whether it has a terminal.
    pub tty: bool,
    /// Whether its standard input stays open.
    pub open_stdin: bool,
    /// Whether standard input ends with the first client that sends some.
    pub stdin_once: bool,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// How it is on the network.
    pub mode: NetworkMode,
    /// What root's processes may do there; those of others may nothing beside.
    pub rights: Rights,
    /// Whether its host name is the host's own (`--uts host`).
    pub shares_uts: bool,
    /// Settings of the kernel for its namespaces (`--sysctl`).
    pub sysctls: BTreeMap<String, String>,
    /// What `/etc/resolv.conf` shall say.
    pub dns: DnsConfig,
    /// Lines for `/etc/hosts`: address and name.
    pub extra_hosts: Vec<(String, String)>,
    /// What `--link` said. On the default network these become [`Container::linked`].
    pub links: Vec<Link>,
    /// Directories that are not its own.
    pub mounts: Vec<Mount>,
    /// What becomes of its output.
    pub log: LogDriver,
    /// What its log says of it beside each line, for who asks for details.
    pub log_details: String,
    /// As whom its process runs: `user[:group]`, by name or number.
    pub user: String,
    /// More groups of its process.
    pub groups: Vec<String>,
    /// Devices of the host that it gets.
    pub devices: Vec<String>,
    /// What makes every start of it fail.
    pub obstacle: Option<Error>,
    /// The MAC address that was asked for, when it is none: only a start reads it.
    pub unreadable_mac: Option<String>,
    /// What becomes of it when it ended.
    pub after_exit: AfterExit,
    /// The signal that `stop` sends first, when it is another than SIGTERM.
    pub stop_signal: Option<SignalNumber>,
    /// How long `stop` waits after it; for ever when nothing is said.
    pub stop_timeout: Option<Duration>,
}

/// A network that a container is set up for, running or not.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Membership {
    /// The network, once it was seen; a later one of the same name is another (oracle fact 15).
    pub network: Option<Id>,
    /// What was asked for.
    pub config: EndpointConfig,
}

impl Membership {
    /// Has left a network across hosts, which may be gone: it is found by its name again, and gives an address again.
    pub fn forget(&mut self) {
        self.network = None;
        if core::mem::take(&mut self.config.granted) {
            self.config.addresses = None;
        }
    }
}

/// A legacy link on the default network: it follows the container that it meant when it was made.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LegacyLink {
    /// What the source calls it.
    pub alias: String,
    /// The linked container, which may be gone.
    pub target: Id,
    /// Its name, or the last that it had.
    pub name: String,
}

/// How a container stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum State {
    /// It was never started.
    Created,
    /// Its main process lives.
    Running(Pid),
    /// It lives but does not run.
    Paused(Pid),
    /// It ended with this code and will be started again.
    Restarting(i32),
    /// It ended with this code.
    Exited(i32),
}

impl State {
    /// The word in `inspect` and lists.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Running(_) => "running",
            Self::Paused(_) => "paused",
            Self::Restarting(_) => "restarting",
            Self::Exited(_) => "exited",
        }
    }

    /// The main process while it lives.
    #[must_use]
    pub const fn pid(self) -> Option<Pid> {
        match self {
            Self::Running(pid) | Self::Paused(pid) => Some(pid),
            Self::Created | Self::Restarting(_) | Self::Exited(_) => None,
        }
    }

    /// The exit code; 0 before there is one.
    #[must_use]
    pub const fn exit_code(self) -> i32 {
        match self {
            Self::Exited(code) | Self::Restarting(code) => code,
            Self::Created | Self::Running(_) | Self::Paused(_) => 0,
        }
    }
}

/// A container.
#[derive(Clone, Debug)]
pub struct Container {
    /// Its id.
    pub id: Id,
    /// Its name, without slash.
    pub name: String,
    /// When it was made.
    pub created: Instant,
    /// What it was asked to be.
    pub config: ContainerConfig,
    /// The networks it is set up for, by name.
    pub networks: BTreeMap<String, Membership>,
    /// Its legacy links, the oldest target first; Docker leaves their order to chance.
    pub linked: Vec<LegacyLink>,
    /// Whether it is started again when it ended.
    pub policy: RestartPolicy,
    /// What came of that so far.
    pub restarts: Restarts,
    /// How it stands.
    pub state: State,
    /// When it was last started.
    pub started: Option<Instant>,
    /// When it last ended.
    pub finished: Option<Instant>,
    /// Why it could not be started.
    pub error: String,
    /// The exit code that the last start left when it was refused; 0 when it was not.
    pub refused_with: i32,
    /// Its network side: of this run, or of the last (fact 3).
    pub sandbox: Option<Id>,
    /// Its files; none for a container that was never started.
    pub context: Option<ContextId>,
}

impl Container {
    /// Whether its main process lives, paused or not.
    #[must_use]
    pub const fn is_running(&self) -> bool {
        self.state.pid().is_some()
    }

    /// The exit code of its main process; of a refused start when there is no other (03 "port already allocated").
    #[must_use]
    pub const fn exit_code(&self) -> i32 {
        match self.state {
            State::Created | State::Exited(0) => self.refused_with,
            state => state.exit_code(),
        }
    }

    /// Whether it counts as running, as one does that will be started again.
    #[must_use]
    pub const fn is_up(&self) -> bool {
        self.is_running() || matches!(self.state, State::Restarting(_))
    }

    /// What it is as a member of a user network: the short id and the host name are aliases there.
    #[must_use]
    pub fn membership_on(&self, asked: &EndpointConfig, network: &network::Network) -> EndpointConfig {
        let mut config = asked.clone();
        if network.is_user_defined() {
            config.add_alias(&self.id.short());
            config.add_alias(&self.config.hostname);
        }
        config
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_mode_is_read_once() {
        assert_eq!(NetworkMode::parse("default"), Some(NetworkMode::Bridge));
        assert_eq!(NetworkMode::parse("").unwrap().network(), Some("bridge"));
        assert_eq!(NetworkMode::parse("container:web1"), Some(NetworkMode::Container("web1".into())));
        assert_eq!(NetworkMode::parse("container:"), None);
        assert_eq!(NetworkMode::parse("isolated_nw").unwrap().network(), Some("isolated_nw"));
        assert!(!NetworkMode::Host.is_own_namespace());
    }
}
