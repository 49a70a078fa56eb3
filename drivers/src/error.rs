//! Why the engine refuses a request: every refusal it knows, with Docker's own words and HTTP status (the oracle's
//! errors.tsv and the API samples). It does not decide anything, and a bug of the engine is not in here.
//!
//! `fmt` and `status` are long because they are lists: one arm a refusal, in the order of the variants, nothing else.

mod parent;

use core::fmt;
use core::net::{IpAddr, SocketAddr};

use netyard_sim::socket::Errno;

use netyard_sim::addr::IpNetwork;

pub use parent::ParentError;

use crate::id::Id;

/// A refusal. Its `Display` is what follows `Error response from daemon: `.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Error {
    /// An alias was asked for on a network that has no names.
    AliasOnDefaultNetwork,
    /// No prefix of the automatic pools is free.
    AutomaticPoolsExhausted(Family),
    /// An address that is taken or reserved.
    AddressInUse,
    /// An address outside every subnet of the network.
    AddressOutside(IpAddr),
    /// `--ip` on a network whose subnets the engine chose.
    AddressNeedsUserSubnet,
    /// `--ip` on a predefined network.
    AddressOnDefaultNetwork,
    /// The prefix fits several objects.
    AmbiguousContainer(String),
    /// The prefix fits several networks.
    AmbiguousNetwork {
        /// What was asked for.
        term: String,
        /// How many fit.
        matches: usize,
        /// What of them fits.
        by: &'static str,
    },
    /// Something in the body or the query that cannot be read.
    BadParameter(String),
    /// A reserved address outside the subnet.
    AuxiliaryOutside {
        /// The name it was given.
        name: String,
        /// The address.
        address: String,
        /// The subnet.
        pool: IpNetwork,
    },
    /// A bridge name that Linux refuses.
    BridgeNameTooLong,
    /// Another network has that bridge already.
    BridgeNameTaken {
        /// The network that was to be made.
        network: Id,
        /// The one that has the bridge.
        other: Id,
        /// The name of the bridge.
        bridge: String,
    },
    /// The program of a container cannot be found.
    CommandNotFound(String),
    /// The container runtime refuses to make the process, for this reason.
    Runtime(String),
    /// A container in the host's namespace would get an interface in a subnet that the host has a route to.
    SandboxRouteConflict {
        /// The subnet.
        subnet: IpNetwork,
        /// The host's own address in it.
        gateway: IpAddr,
    },
    /// A container that joins its own network.
    ContainerJoinsItself,
    /// `container:` of a container that does not run.
    ContainerJoinsStopped(Id),
    /// Two containers with one name.
    ContainerNameTaken {
        /// The name, without slash.
        name: String,
        /// Who has it.
        owner: Id,
    },
    /// The container is not running.
    ContainerNotRunning(Id),
    /// The container is paused; named as the client named it.
    ContainerPausedForExec(String),
    /// A paused container that shall be paused.
    ContainerAlreadyPaused(Id),
    /// A running container that shall go on.
    ContainerNotPaused(Id),
    /// The container ended and waits for its next start.
    ContainerRestarting(Id),
    /// Such a container shall be removed.
    ContainerRestartingForRemoval(Id),
    /// A container that shall be removed but runs.
    ContainerRunning(Id),
    /// A paused container that shall be removed.
    ContainerPausedForRemoval(Id),
    /// A container that is paused cannot be started.
    ContainerPausedForStart,
    /// The endpoint's name is taken on the network.
    EndpointExists {
        /// The container.
        container: String,
        /// The network.
        network: String,
    },
    /// More than one network at creation, which API 1.41 does not have.
    EndpointsTooMany(Vec<String>),
    /// `disconnect -f` of something that is not there.
    EndpointUnknown(String),
    /// No exec of that id.
    ExecUnknown(String),
    /// An exec without a command.
    ExecWithoutCommand,
    /// The ports of an endpoint cannot be published.
    ExternalConnectivity {
        /// Its name.
        endpoint: String,
        /// Its id.
        id: Id,
        /// Why.
        reason: PublishFailure,
    },
    /// The gateway or another reserved address cannot be had.
    GatewayUnavailable {
        /// As it was asked for; empty when it was not.
        gateway: String,
        /// Why.
        reason: AllocationFailure,
    },
    /// A device of that name stands and is no bridge.
    InterfaceIsNoBridge(String),
    /// A chain of the engine's was removed; with what was asked of iptables.
    NoChain(String),
    /// Host networking cannot be joined or left.
    HostNetworkIsFixed,
    /// `none` excludes all others.
    NoneExcludesOthers,
    /// A container without a network of its own cannot be connected.
    SharedNamespaceIsFixed,
    /// The image is not there.
    ImageUnknown(String),
    /// The same, as `images/…/json` says it.
    ImageInspectUnknown(String),
    /// An image is the only one of its name, and a container was made of it.
    ImageNameInUse {
        /// As it was named.
        name: String,
        /// The container.
        container: Id,
        /// The image.
        image: Id,
    },
    /// An image that was named by its id has several names.
    ImageNamedOften(Id),
    /// An image that a container was made of.
    ImageUsed {
        /// The image.
        image: Id,
        /// The container.
        container: Id,
        /// Whether it runs.
        running: bool,
    },
    /// A log driver that is not there.
    LogDriverUnknown(String),
    /// The log of a container that keeps none.
    LogUnreadable,
    /// No registry answers in a closed world.
    RegistryUnreachable(String),
    /// A container name that is too short or has a wrong character.
    InvalidContainerName(String),
    /// A gateway that is no address.
    InvalidGateway(String),
    /// A filter that this list does not have.
    InvalidFilter(String),
    /// `--ip` that is no address, at creation.
    InvalidIpv4(String),
    /// `--ip6` that is no address, at creation.
    InvalidIpv6(String),
    /// `--ip` that is no address, at connect; Docker's text has the bracket.
    InvalidIpv4AtConnect(String),
    /// `--link-local-ip` with another kind of address.
    InvalidLinkLocal(IpAddr),
    /// A MAC address that is none.
    InvalidMac(String),
    /// `container:` without a name.
    InvalidNetworkMode,
    /// A subnet that is no prefix.
    InvalidSubnet(String),
    /// A range that is no prefix.
    InvalidRange(String),
    /// A signal that does not exist.
    InvalidSignal(String),
    /// A container that cannot be killed.
    KillRefused {
        /// As the client named it.
        name: String,
        /// Why.
        reason: Box<Self>,
    },
    /// A link shall be removed, and the container itself was named.
    LinkNameIsDefault,
    /// `--link` to a container that cannot be linked to.
    LinkRefused {
        /// As it was named.
        name: String,
        /// Why.
        reason: Box<Self>,
    },
    /// A legacy link to a container that is on no default network.
    LinkTargetElsewhere(String),
    /// A legacy link to a container on the host's network.
    LinkTargetOnHost,
    /// A legacy link whose container does not run.
    LinkTargetStopped {
        /// The linked container.
        target: String,
        /// The container that has the link.
        source: String,
        /// What it calls it.
        alias: String,
    },
    /// `--link-local-ip` that is no address.
    LinkLocalUnreadable(Vec<String>),
    /// A container that is asked for without a name.
    NameEmpty,
    /// A macvlan or ipvlan network cannot stand on its parent.
    Parent(ParentError),
    /// A bridge network was asked for with two subnets of a family.
    BridgeSubnets,
    /// The stopped container is not set up for such a network.
    NotConfigured {
        /// The container.
        container: Id,
        /// The network.
        network: String,
    },
    /// The running container has no such network.
    NotConnected {
        /// The container.
        container: Id,
        /// The network.
        network: String,
    },
    /// A network that somebody uses.
    NetworkActive {
        /// Its name.
        name: String,
        /// Its id.
        id: Id,
    },
    /// A second network of that name.
    NetworkNameTaken(String),
    /// No network of that name or id.
    NetworkUnknown(String),
    /// A network that only the engine makes.
    NetworkPredefined(String),
    /// A network that cannot be removed.
    NetworkNotRemovable(String),
    /// A known option with a value that is none.
    OptionValue {
        /// The option.
        key: &'static str,
        /// Its value.
        value: String,
        /// What Go's strconv says.
        reason: String,
    },
    /// The same, as a filter says it.
    NoSuchContainer(String),
    /// No container of that name or id.
    ContainerUnknown(String),
    /// A second instance of a driver that has one.
    DriverSingleton(&'static str),
    /// No driver of that name.
    PluginUnknown(String),
    /// All addresses of a network are taken.
    PoolExhausted {
        /// Which addresses.
        family: Family,
        /// The network.
        network: String,
        /// Its id.
        id: Id,
    },
    /// A pool that overlaps another of this engine.
    PoolOverlaps,
    /// A reserved extra address cannot be had.
    AuxiliaryUnavailable {
        /// The name it was given.
        name: String,
        /// The address.
        address: String,
        /// Why.
        reason: AllocationFailure,
    },
    /// The new name is the old one.
    RenameToSame,
    /// Neither old nor new name may be empty.
    RenameEmpty,
    /// The new name cannot be had.
    RenameRefused(Box<Self>),
    /// A container cannot be started again.
    RestartRefused {
        /// The container as it was written.
        name: String,
        /// Why.
        reason: Box<Self>,
    },
    /// `top` without pids, by which processes are found.
    PidColumnMissing,
    /// `top` with a column that `ps` does not have.
    PsRefused(String),
    /// There is no swarm.
    SwarmInactive,
    /// What a real engine can do and this one cannot.
    Unsupported(&'static str),
    /// A volume that a container has.
    VolumeInUse {
        /// Its name.
        name: String,
        /// Who has it.
        containers: Vec<Id>,
    },
    /// A name that no volume may have.
    VolumeNameInvalid(String),
    /// No driver of that name for a volume.
    VolumeDriverUnknown {
        /// The volume.
        name: String,
        /// The driver.
        driver: String,
    },
    /// No volume of that name.
    VolumeUnknown(String),
    /// No such path.
    PageUnknown,
    /// The client is from the future.
    VersionTooNew(String),
}

/// A family of addresses, as Docker writes it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V4 => "IPv4",
            Self::V6 => "IPv6",
        })
    }
}

/// Why IPAM has no address to give.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum AllocationFailure {
    /// The one that was asked for is taken or reserved.
    InUse,
    /// None is left.
    Exhausted,
    /// The one that was asked for is in no subnet.
    Outside,
}

impl fmt::Display for AllocationFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::InUse => "Address already in use",
            Self::Exhausted => "No available addresses on this pool",
            Self::Outside => "Requested address is out of range",
        })
    }
}

/// Why a port cannot be published.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum PublishFailure {
    /// Every port of the range is given away.
    AllAllocated,
    /// The port is given away.
    Allocated(SocketAddr),
    /// Linux does not let anybody listen there.
    Listen {
        /// Who tried.
        by: Listener,
        /// `tcp` or `udp`.
        protocol: &'static str,
        /// Where.
        at: SocketAddr,
        /// What Linux said.
        errno: Errno,
    },
    /// A chain of the engine's was removed; with the arguments that were given to iptables.
    NoChain(String),
    /// Linux has no such sockets.
    ProtocolUnsupported(Listener),
}

/// Who listens at a published port of the host.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Listener {
    /// The engine itself, only to keep the port.
    Engine,
    /// A `docker-proxy`.
    Proxy,
}

impl Listener {
    const fn prefix(self) -> &'static str {
        match self {
            Self::Engine => "",
            Self::Proxy => "Error starting userland proxy: ",
        }
    }
}

impl fmt::Display for PublishFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AllAllocated => f.write_str("all ports are allocated"),
            Self::Allocated(at) => {
                write!(f, "Bind for {}:{} failed: port is already allocated", at.ip(), at.port())
            }
            Self::Listen { by, protocol, at, errno } => {
                let family = if at.is_ipv4() { 4 } else { 6 };
                let said = errno.to_string().to_lowercase();
                write!(f, "{}listen {protocol}{family} {at}: bind: {said}", by.prefix())
            }
            Self::NoChain(arguments) => write!(
                f,
                " (iptables failed: iptables --wait {arguments}: iptables: No chain/target/match by that name.\n (exit \
                 status 1))"
            ),
            Self::ProtocolUnsupported(by) => write!(f, "{}protocol not supported", by.prefix()),
        }
    }
}

impl Error {
    /// The HTTP status it goes with.
    #[must_use]
    pub const fn status(&self) -> u16 {
        match self {
            Self::AddressOnDefaultNetwork
            | Self::AddressNeedsUserSubnet
            | Self::AliasOnDefaultNetwork
            | Self::AmbiguousNetwork { .. }
            | Self::BadParameter(_)
            | Self::CommandNotFound(_)
            | Self::Runtime(_)
            | Self::EndpointsTooMany(_)
            | Self::ExecWithoutCommand
            | Self::HostNetworkIsFixed
            | Self::InvalidContainerName(_)
            | Self::InvalidFilter(_)
            | Self::InvalidGateway(_)
            | Self::InvalidIpv4(_)
            | Self::InvalidIpv6(_)
            | Self::InvalidMac(_)
            | Self::InvalidNetworkMode
            | Self::InvalidSignal(_)
            | Self::InvalidLinkLocal(_)
            | Self::LinkRefused { .. }
            | Self::LinkTargetOnHost
            | Self::NameEmpty
            | Self::NoneExcludesOthers
            | Self::OptionValue { .. }
            | Self::RenameEmpty
            | Self::RenameToSame
            | Self::SharedNamespaceIsFixed
            | Self::VersionTooNew(_)
            | Self::VolumeNameInvalid(_) => 400,
            Self::AddressInUse
            | Self::AuxiliaryOutside { .. }
            | Self::BridgeNameTaken { .. }
            | Self::BridgeSubnets
            | Self::DriverSingleton(_)
            | Self::EndpointExists { .. }
            | Self::InterfaceIsNoBridge(_)
            | Self::NetworkActive { .. }
            | Self::NetworkNotRemovable(_)
            | Self::NetworkPredefined(_)
            | Self::PoolOverlaps => 403,
            Self::ContainerUnknown(_)
            | Self::NoSuchContainer(_)
            | Self::EndpointUnknown(_)
            | Self::ExecUnknown(_)
            | Self::ImageInspectUnknown(_)
            | Self::ImageUnknown(_)
            | Self::LogDriverUnknown(_)
            | Self::NetworkUnknown(_)
            | Self::PageUnknown
            | Self::PluginUnknown(_)
            | Self::VolumeDriverUnknown { .. }
            | Self::VolumeUnknown(_) => 404,
            Self::ContainerAlreadyPaused(_)
            | Self::ContainerJoinsItself
            | Self::ContainerJoinsStopped(_)
            | Self::ContainerNameTaken { .. }
            | Self::ContainerNotRunning(_)
            | Self::ContainerPausedForExec(_)
            | Self::ContainerPausedForRemoval(_)
            | Self::ContainerPausedForStart
            | Self::ContainerRestarting(_)
            | Self::ContainerRestartingForRemoval(_)
            | Self::ContainerRunning(_)
            | Self::ImageNameInUse { .. }
            | Self::ImageNamedOften(_)
            | Self::ImageUsed { .. }
            | Self::NetworkNameTaken(_)
            | Self::VolumeInUse { .. } => 409,
            Self::AddressOutside(_)
            | Self::AmbiguousContainer(_)
            | Self::AutomaticPoolsExhausted(_)
            | Self::AuxiliaryUnavailable { .. }
            | Self::BridgeNameTooLong
            | Self::ContainerNotPaused(_)
            | Self::ExternalConnectivity { .. }
            | Self::GatewayUnavailable { .. }
            | Self::InvalidIpv4AtConnect(_)
            | Self::InvalidRange(_)
            | Self::InvalidSubnet(_)
            | Self::LinkLocalUnreadable(_)
            | Self::LinkNameIsDefault
            | Self::SandboxRouteConflict { .. }
            | Self::LinkTargetElsewhere(_)
            | Self::LinkTargetStopped { .. }
            | Self::NoChain(_)
            | Self::NotConfigured { .. }
            | Self::NotConnected { .. }
            | Self::Parent(_)
            | Self::PoolExhausted { .. }
            | Self::PidColumnMissing
            | Self::PsRefused(_)
            | Self::RegistryUnreachable(_) => 500,
            Self::KillRefused { reason, .. } => reason.status(),
            Self::RenameRefused(inner) => inner.status(),
            Self::RestartRefused { .. } => 500,
            Self::LogUnreadable | Self::Unsupported(_) => 501,
            Self::SwarmInactive => 503,
        }
    }
}

impl fmt::Display for Error {
    #[expect(clippy::too_many_lines, reason = "one line a refusal: the list is the point")]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AddressInUse => f.write_str("Address already in use"),
            Self::AddressNeedsUserSubnet => f.write_str(
                "user specified IP address is supported only when connecting to networks with user configured subnets",
            ),
            Self::AddressOnDefaultNetwork => {
                f.write_str("user specified IP address is supported on user defined networks only")
            }
            Self::AddressOutside(addr) => {
                write!(f, "Invalid address {addr}: It does not belong to any of this network's subnets")
            }
            Self::AliasOnDefaultNetwork => {
                f.write_str("network-scoped alias is supported only for containers in user defined networks")
            }
            Self::AmbiguousContainer(term) => write!(f, "Multiple IDs found with provided prefix: {term}"),
            Self::AmbiguousNetwork { term, matches, by } => {
                write!(f, "network {term} is ambiguous ({matches} matches found on {by})")
            }
            Self::AutomaticPoolsExhausted(family) => write!(
                f,
                "could not find an available, non-overlapping {family} address pool among the defaults to assign to \
                 the network"
            ),
            Self::AuxiliaryUnavailable { name, address, reason } => {
                write!(f, "failed to allocate secondary ip address ({name}:{address}): {reason}")
            }
            Self::AuxiliaryOutside { name, address, pool } => {
                write!(f, "auxiliary address: ({name}:{address}) must belong to the master pool: {pool}")
            }
            Self::NoChain(arguments) => write!(
                f,
                "Failed to Setup IP tables: Unable to enable SKIP DNAT rule:  (iptables failed: iptables --wait \
                 {arguments}: iptables: No chain/target/match by that name.\n (exit status 1))"
            ),
            Self::BadParameter(text) => f.write_str(text),
            Self::BridgeNameTaken { network, other, bridge } => write!(
                f,
                "cannot create network {network} ({bridge}): conflicts with network {other} ({bridge}): networks \
                 have same bridge name"
            ),
            Self::BridgeNameTooLong => {
                f.write_str("failed to check bridge interface existence: numerical result out of range")
            }
            Self::CommandNotFound(name) => write!(
                f,
                "failed to create shim task: OCI runtime create failed: runc create failed: unable to start \
                 container process: exec: \"{name}\": executable file not found in $PATH: unknown"
            ),
            Self::Runtime(why) => {
                write!(f, "failed to create shim task: OCI runtime create failed: runc create failed: {why}: unknown")
            }
            Self::SandboxRouteConflict { subnet, gateway } => write!(
                f,
                "failed to add interface to sandbox: cannot program an address of {subnet} in sandbox interface \
                 because it conflicts with existing route {{Dst: {subnet} Src: {gateway} Gw: <nil> Flags: [] Table: \
                 254}}"
            ),
            Self::ContainerAlreadyPaused(id) => write!(f, "Container {id} is already paused"),
            Self::ContainerJoinsItself => f.write_str("cannot join own network"),
            Self::ContainerJoinsStopped(id) => write!(f, "cannot join network of a non running container: {id}"),
            Self::ContainerNameTaken { name, owner } => write!(
                f,
                "Conflict. The container name \"/{name}\" is already in use by container \"{owner}\". You have to \
                 remove (or rename) that container to be able to reuse that name."
            ),
            Self::ContainerNotPaused(id) => write!(f, "Container {id} is not paused"),
            Self::ContainerNotRunning(id) => write!(f, "Container {id} is not running"),
            Self::ContainerPausedForExec(name) => {
                write!(f, "Container {name} is paused, unpause the container before exec")
            }
            Self::ContainerPausedForRemoval(id) => {
                write!(f, "You cannot remove a paused container {id}. Unpause and then stop the container before ")?;
                f.write_str("attempting removal or force remove")
            }
            Self::ContainerPausedForStart => f.write_str("cannot start a paused container, try unpause instead"),
            Self::ContainerRestarting(id) => {
                write!(f, "Container {id} is restarting, wait until the container is running")
            }
            Self::ContainerRestartingForRemoval(id) => write!(
                f,
                "You cannot remove a restarting container {id}. Stop the container before attempting removal or force \
                 remove"
            ),
            Self::ContainerRunning(id) => write!(
                f,
                "You cannot remove a running container {id}. Stop the container before attempting removal or force \
                 remove"
            ),
            Self::ContainerUnknown(name) => write!(f, "No such container: {name}"),
            Self::DriverSingleton(name) => write!(f, "only one instance of \"{name}\" network is allowed"),
            Self::EndpointExists { container, network } => {
                write!(f, "endpoint with name {container} already exists in network {network}")
            }
            Self::EndpointUnknown(name) => write!(f, "endpoint {name} not found"),
            Self::EndpointsTooMany(names) => {
                write!(f, "Container cannot be connected to network endpoints: {}", names.join(", "))
            }
            Self::ExecUnknown(id) => write!(f, "No such exec instance: {id}"),
            Self::ExecWithoutCommand => f.write_str("No exec command specified"),
            Self::ExternalConnectivity { endpoint, id, reason } => {
                write!(f, "driver failed programming external connectivity on endpoint {endpoint} ({id}): {reason}")
            }
            Self::GatewayUnavailable { gateway, reason } => {
                write!(f, "failed to allocate gateway ({gateway}): {reason}")
            }
            Self::HostNetworkIsFixed => {
                f.write_str("container cannot be disconnected from host network or connected to host network")
            }
            Self::ImageInspectUnknown(name) => write!(f, "no such image: {name}: No such image: {}", tagged(name)),
            Self::ImageNameInUse { name, container, image } => write!(
                f,
                "conflict: unable to remove repository reference \"{name}\" (must force) - container {} is using its \
                 referenced image {}",
                container.short(),
                image.short()
            ),
            Self::ImageNamedOften(image) => write!(
                f,
                "conflict: unable to delete {} (must be forced) - image is referenced in multiple repositories",
                image.short()
            ),
            Self::ImageUsed { image, container, running } => {
                let (force, state) = if *running { ("cannot be", "running") } else { ("must be", "stopped") };
                write!(
                    f,
                    "conflict: unable to delete {} ({force} forced) - image is being used by {state} container {}",
                    image.short(),
                    container.short()
                )
            }
            Self::ImageUnknown(name) => write!(f, "No such image: {}", tagged(name)),
            Self::InterfaceIsNoBridge(name) => write!(f, "existing interface {name} is not a bridge"),
            Self::InvalidContainerName(name) => {
                write!(f, "Invalid container name ({name}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed")
            }
            Self::InvalidFilter(name) => write!(f, "Invalid filter '{name}'"),
            Self::InvalidGateway(text) => write!(f, "invalid gateway address {text} in Ipam configuration"),
            Self::InvalidIpv4(text) => write!(f, "invalid IPv4 address: {text}"),
            Self::InvalidIpv4AtConnect(text) => write!(f, "Invalid IPv4 address: {text})"),
            Self::InvalidIpv6(text) => write!(f, "invalid IPv6 address: {text}"),
            Self::InvalidLinkLocal(addr) => write!(f, "invalid link local IP address: {addr}"),
            Self::InvalidMac(text) => write!(f, "invalid mac address: {text}"),
            Self::InvalidNetworkMode => {
                f.write_str("Invalid network mode: invalid container format container:<name|id>")
            }
            Self::InvalidRange(text) => write!(f, "Invalid subPool {text} : invalid CIDR address: {text}"),
            Self::InvalidSignal(text) => write!(f, "Invalid signal: {text}"),
            Self::InvalidSubnet(text) => write!(f, "Invalid subnet {text} : invalid CIDR address: {text}"),
            Self::KillRefused { name, reason } => write!(f, "Cannot kill container: {name}: {reason}"),
            Self::LinkNameIsDefault => f.write_str("Conflict, cannot remove the default link name of the container"),
            Self::LinkRefused { name, reason } => write!(f, "could not get container for {name}: {reason}"),
            Self::LinkTargetElsewhere(target) => {
                write!(f, "Cannot link to /{target}, as it does not belong to the default network")
            }
            Self::LinkTargetOnHost => f.write_str(
                "conflicting options: host type networking can't be used with links. This would result in undefined \
                 behavior",
            ),
            Self::LinkTargetStopped { target, source, alias } => {
                write!(f, "Cannot link to a non running container: /{target} AS /{source}/{alias}")
            }
            Self::LogDriverUnknown(name) => {
                write!(f, "error looking up logging plugin {name}: plugin \"{name}\" not found")
            }
            Self::LogUnreadable => f.write_str("configured logging driver does not support reading"),
            Self::LinkLocalUnreadable(list) => write!(f, "Invalid link-local IP address: [{}]", list.join(" ")),
            Self::NameEmpty => f.write_str("invalid name or ID supplied: \"\""),
            Self::NetworkActive { name, id } => {
                write!(f, "error while removing network: network {name} id {id} has active endpoints")
            }
            Self::NetworkNameTaken(name) => write!(f, "network with name {name} already exists"),
            Self::NetworkNotRemovable(name) => write!(f, "{name} is a pre-defined network and cannot be removed"),
            Self::NetworkPredefined(name) => write!(f, "operation is not permitted on predefined {name} network"),
            Self::NetworkUnknown(name) => write!(f, "network {name} not found"),
            Self::NoSuchContainer(name) => write!(f, "no such container {name}"),
            Self::NoneExcludesOthers => f.write_str(
                "container cannot be connected to multiple networks with one of the networks in private (none) mode",
            ),
            Self::NotConfigured { container, network } => {
                write!(f, "container {container} is not connected to the network {network}")
            }
            Self::NotConnected { container, network } => {
                write!(f, "container {container} is not connected to network {network}")
            }
            Self::OptionValue { key, value, reason } => write!(f, "failed to parse {key} value: {value} ({reason})"),
            Self::PidColumnMissing => f.write_str("Couldn't find PID field in ps output"),
            Self::PsRefused(column) => {
                write!(f, "ps: error: unknown user-defined format specifier \"{column}\"")
            }
            Self::PageUnknown => f.write_str("page not found"),
            Self::PluginUnknown(name) => write!(f, "plugin \"{name}\" not found"),
            Self::PoolExhausted { family, network, id } => {
                write!(f, "no available {family} addresses on this network's address pools: {network} ({id})")
            }
            Self::PoolOverlaps => f.write_str("Pool overlaps with other one on this address space"),
            Self::RegistryUnreachable(server) => write!(
                f,
                "Get \"https://registry-1.docker.io/v2/\": dial tcp: lookup registry-1.docker.io on {server}:53: no \
                 such host"
            ),
            Self::RenameEmpty => f.write_str("Neither old nor new names may be empty"),
            Self::RenameRefused(inner) => write!(f, "Error when allocating new name: {inner}"),
            Self::RenameToSame => f.write_str("Renaming a container with the same name as its current name"),
            Self::Parent(error) => error.fmt(f),
            Self::BridgeSubnets => f.write_str("bridge driver doesn't support multiple subnets"),
            Self::RestartRefused { name, reason } => write!(f, "Cannot restart container {name}: {reason}"),
            Self::SharedNamespaceIsFixed => f.write_str(
                "container sharing network namespace with another container or host cannot be connected to any other \
                 network",
            ),
            Self::SwarmInactive => f.write_str(
                "This node is not a swarm manager. Use \"docker swarm init\" or \"docker swarm join\" to connect \
                 this node to swarm and try again.",
            ),
            Self::Unsupported(what) => write!(f, "netyard simulates networks: it does not {what}"),
            Self::VolumeDriverUnknown { name, driver } => {
                write!(f, "create {name}: error looking up volume plugin {driver}: plugin \"{driver}\" not found")
            }
            Self::VolumeInUse { name, containers } => {
                let ids: Vec<String> = containers.iter().map(ToString::to_string).collect();
                write!(f, "remove {name}: volume is in use - [{}]", ids.join(", "))
            }
            Self::VolumeNameInvalid(name) => write!(
                f,
                "create {name}: \"{name}\" includes invalid characters for a local volume name, only \
                 \"[a-zA-Z0-9][a-zA-Z0-9_.-]\" are allowed. If you intended to pass a host directory, use absolute path"
            ),
            Self::VolumeUnknown(name) => write!(f, "get {name}: no such volume"),
            Self::VersionTooNew(version) => {
                write!(f, "client version {version} is too new. Maximum supported API version is 1.41")
            }
        }
    }
}

impl core::error::Error for Error {}

/// The name of an image with its tag, `latest` when it has none.
fn tagged(name: &str) -> String {
    let after_host = name.rsplit('/').next().unwrap_or(name);
    if after_host.contains(':') { name.to_owned() } else { format!("{name}:latest") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_and_statuses_are_the_engines_own() {
        let id = Id::from_bytes([0xab; 32]);
        let said = |e: Error| (e.status(), e.to_string());
        let full = "ab".repeat(32);
        assert_eq!(said(Error::ContainerUnknown("x".into())), (404, "No such container: x".into()));
        assert_eq!(
            said(Error::NetworkActive { name: "n1".into(), id }),
            (403, format!("error while removing network: network n1 id {full} has active endpoints"))
        );
        assert_eq!(said(Error::ImageUnknown("nosuchimage".into())), (404, "No such image: nosuchimage:latest".into()));
        assert_eq!(said(Error::ImageUnknown("a:5000/b:9".into())), (404, "No such image: a:5000/b:9".into()));
        assert_eq!(
            said(Error::RenameRefused(Box::new(Error::InvalidContainerName("/bad name".into())))),
            (
                400,
                "Error when allocating new name: Invalid container name (/bad name), only \
                 [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed"
                    .into()
            )
        );
    }
}
