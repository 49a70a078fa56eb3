//! Why the engine refuses a request: every refusal it knows, with Docker's own words and HTTP status (the oracle's
//! errors.tsv and the API samples). It does not decide anything, and a bug of the engine is not in here.

mod allocation;
mod dial;
mod parent;
mod publish;
mod status;
mod swarm;
mod unrunnable;

use core::net::IpAddr;

use netyard_sim::addr::{Family, IpNetwork};

pub use allocation::AllocationFailure;
pub use dial::dial;
pub use parent::ParentError;
pub use publish::{Listener, PublishFailure};
pub use swarm::{SwarmError, TooFew};
pub use unrunnable::Unrunnable;

use crate::id::Id;

/// A refusal. Its `Display` is what follows `Error response from daemon: `.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Error {
    /// An alias was asked for on a network that has no names.
    #[error("network-scoped alias is supported only for containers in user defined networks")]
    AliasOnDefaultNetwork,
    /// No prefix of the automatic pools is free.
    #[error(
        "could not find an available, non-overlapping {0} address pool among the defaults to assign to the network"
    )]
    AutomaticPoolsExhausted(Family),
    /// An address that is taken or reserved.
    #[error("Address already in use")]
    AddressInUse,
    /// An address outside every subnet of the network.
    #[error("Invalid address {0}: It does not belong to any of this network's subnets")]
    AddressOutside(IpAddr),
    /// `--ip` on a network whose subnets the engine chose.
    #[error("user specified IP address is supported only when connecting to networks with user configured subnets")]
    AddressNeedsUserSubnet,
    /// `--ip` on a predefined network.
    #[error("user specified IP address is supported on user defined networks only")]
    AddressOnDefaultNetwork,
    /// The prefix fits several objects.
    #[error("Multiple IDs found with provided prefix: {0}")]
    AmbiguousContainer(String),
    /// What an archive has cannot be put there.
    #[error("Error processing tar file(exit status 1): open {path}: {reason}")]
    ArchiveRefused {
        /// Where.
        path: String,
        /// Why.
        reason: String,
    },
    /// Bytes that are no archive.
    #[error("Error processing tar file(exit status 1): {0}")]
    ArchiveUnreadable(String),
    /// The prefix fits several networks.
    #[error("network {term} is ambiguous ({matches} matches found on {by})")]
    AmbiguousNetwork {
        /// What was asked for.
        term: String,
        /// How many fit.
        matches: usize,
        /// What of them fits.
        by: &'static str,
    },
    /// Something in the body or the query that cannot be read.
    #[error("{0}")]
    BadParameter(String),
    /// A reserved address outside the subnet.
    #[error("auxiliary address: ({name}:{address}) must belong to the master pool: {pool}")]
    AuxiliaryOutside {
        /// The name it was given.
        name: String,
        /// The address.
        address: String,
        /// The subnet.
        pool: IpNetwork,
    },
    /// A bridge name that Linux refuses.
    #[error("invalid argument")]
    BridgeNameInvalid,
    /// One that is too long even to look for.
    #[error("failed to check bridge interface existence: numerical result out of range")]
    BridgeNameTooLong,
    /// Another network has that bridge already.
    #[error(
        "cannot create network {network} ({bridge}): conflicts with network {other} ({bridge}): networks have same \
         bridge name"
    )]
    BridgeNameTaken {
        /// The network that was to be made.
        network: Id,
        /// The one that has the bridge.
        other: Id,
        /// The name of the bridge.
        bridge: String,
    },
    /// The program of a container cannot be run.
    #[error(
        "failed to create shim task: OCI runtime create failed: runc create failed: unable to start container \
         process: exec: \"{program}\": {}: unknown", .why.text(.program)
    )]
    CommandNotFound {
        /// As it was named.
        program: String,
        /// Why.
        why: Unrunnable,
    },
    /// A network model is in use.
    #[error("error while removing network: configuration network \"{0}\" is in use")]
    ConfigInUse(String),
    /// A container on a network that is only a model.
    #[error("cannot create endpoint on configuration-only network")]
    ConfigOnly,
    /// A network shall be made after a model that is not there.
    #[error("configuration network \"{0}\" does not exist")]
    ConfigUnknown(String),
    /// An endpoint whose devices cannot be made.
    #[error("failed to create endpoint {endpoint} on network {network}: {reason}")]
    EndpointNotMade {
        /// Its name.
        endpoint: String,
        /// The network.
        network: String,
        /// Why.
        reason: Box<Self>,
    },
    /// A device that cannot have its network's MTU.
    #[error("failed to set MTU on host interface {0}: invalid argument")]
    InterfaceMtu(String),
    /// `--ip6` that is no address, at connect; Docker's text has the bracket.
    #[error("Invalid IPv6 address: {0})")]
    InvalidIpv6AtConnect(String),
    /// What a network that is a model, or made after one, cannot have.
    #[error("{0}")]
    Modelled(&'static str),
    /// An MTU below nothing.
    #[error("invalid MTU number: {0}")]
    MtuNegative(i64),
    /// A name that no network may have.
    #[error("invalid name: {0}")]
    NetworkNameInvalid(String),
    /// No addresses at all on a network that needs some.
    #[error("ipv4 pool is empty")]
    PoolEmpty,
    /// A container that cannot be started, in the words of who refuses it.
    #[error("{0}")]
    StartRefused(String),
    /// A network of a swarm's.
    #[error("cannot create a swarm scoped network when swarm is not active")]
    SwarmScope,
    /// The container runtime refuses to make the process, for this reason.
    #[error("failed to create shim task: OCI runtime create failed: runc create failed: {0}: unknown")]
    Runtime(String),
    /// A container in the host's namespace would get an interface in a subnet that the host has a route to.
    #[error(
        "failed to add interface to sandbox: cannot program an address of {subnet} in sandbox interface because it \
         conflicts with existing route {{Dst: {subnet} Src: {gateway} Gw: <nil> Flags: [] Table: 254}}"
    )]
    SandboxRouteConflict {
        /// The subnet.
        subnet: IpNetwork,
        /// The host's own address in it.
        gateway: IpAddr,
    },
    /// A container that joins its own network.
    #[error("cannot join own network")]
    ContainerJoinsItself,
    /// `container:` of a container that does not run.
    #[error("cannot join network of a non running container: {0}")]
    ContainerJoinsStopped(Id),
    /// Two containers with one name.
    #[error(
        "Conflict. The container name \"/{name}\" is already in use by container \"{owner}\". You have to remove (or \
         rename) that container to be able to reuse that name."
    )]
    ContainerNameTaken {
        /// The name, without slash.
        name: String,
        /// Who has it.
        owner: Id,
    },
    /// The container is not running.
    #[error("Container {0} is not running")]
    ContainerNotRunning(Id),
    /// The container is paused; named as the client named it.
    #[error("Container {0} is paused, unpause the container before exec")]
    ContainerPausedForExec(String),
    /// A paused container that shall be paused.
    #[error("Container {0} is already paused")]
    ContainerAlreadyPaused(Id),
    /// A running container that shall go on.
    #[error("Container {0} is not paused")]
    ContainerNotPaused(Id),
    /// The container ended and waits for its next start.
    #[error("Container {0} is restarting, wait until the container is running")]
    ContainerRestarting(Id),
    /// Such a container shall be removed.
    #[error(
        "You cannot remove a restarting container {0}. Stop the container before attempting removal or force remove"
    )]
    ContainerRestartingForRemoval(Id),
    /// A container that shall be removed but runs.
    #[error("You cannot remove a running container {0}. Stop the container before attempting removal or force remove")]
    ContainerRunning(Id),
    /// A paused container that shall be removed.
    #[error(
        "You cannot remove a paused container {0}. Unpause and then stop the container before attempting removal or \
         force remove"
    )]
    ContainerPausedForRemoval(Id),
    /// A container that is paused cannot be started.
    #[error("cannot start a paused container, try unpause instead")]
    ContainerPausedForStart,
    /// The endpoint's name is taken on the network.
    #[error("endpoint with name {container} already exists in network {network}")]
    EndpointExists {
        /// The container.
        container: String,
        /// The network.
        network: String,
    },
    /// More than one network at creation, which API 1.41 does not have.
    #[error("Container cannot be connected to network endpoints: {}", .0.join(", "))]
    EndpointsTooMany(Vec<String>),
    /// `disconnect -f` of something that is not there.
    #[error("endpoint {0} not found")]
    EndpointUnknown(String),
    /// No exec of that id.
    #[error("No such exec instance: {0}")]
    ExecUnknown(String),
    /// An exec without a command.
    #[error("No exec command specified")]
    ExecWithoutCommand,
    /// The ports of an endpoint cannot be published.
    #[error("driver failed programming external connectivity on endpoint {endpoint} ({id}): {reason}")]
    ExternalConnectivity {
        /// Its name.
        endpoint: String,
        /// Its id.
        id: Id,
        /// Why.
        reason: PublishFailure,
    },
    /// The gateway or another reserved address cannot be had.
    #[error("failed to allocate gateway ({gateway}): {reason}")]
    GatewayUnavailable {
        /// As it was asked for; empty when it was not.
        gateway: String,
        /// Why.
        reason: AllocationFailure,
    },
    /// A device of that name stands and is no bridge.
    #[error("existing interface {0} is not a bridge")]
    InterfaceIsNoBridge(String),
    /// A chain of the engine's was removed; with what was asked of iptables.
    #[error(
        "Failed to Setup IP tables: Unable to enable SKIP DNAT rule:  (iptables failed: iptables --wait {0}: \
         iptables: No chain/target/match by that name.\n (exit status 1))"
    )]
    NoChain(String),
    /// A container has no such file.
    #[error("Could not find the file {path} in container {container}")]
    FileUnknown {
        /// As it was asked for.
        path: String,
        /// As the container was named.
        container: String,
    },
    /// Host networking cannot be joined or left.
    #[error("container cannot be disconnected from host network or connected to host network")]
    HostNetworkIsFixed,
    /// `none` excludes all others.
    #[error("container cannot be connected to multiple networks with one of the networks in private (none) mode")]
    NoneExcludesOthers,
    /// A container without a network of its own cannot be connected.
    #[error(
        "container sharing network namespace with another container or host cannot be connected to any other network"
    )]
    SharedNamespaceIsFixed,
    /// The image is not there.
    #[error("No such image: {}", tagged(.0))]
    ImageUnknown(String),
    /// The same, of an image that shall be written to a file.
    #[error("No such image: {0}")]
    ImageNotSaved(String),
    /// An archive of images without what it must have.
    #[error("open /var/lib/docker/tmp/docker-import/{0}: no such file or directory")]
    ImageArchive(String),
    /// The same, as `images/…/json` says it.
    #[error("no such image: {0}: No such image: {tagged}", tagged = tagged(.0))]
    ImageInspectUnknown(String),
    /// An image is the only one of its name, and a container was made of it.
    #[error(
        "conflict: unable to remove repository reference \"{name}\" (must force) - container {} is using its \
         referenced image {}",
        .container.short(),
                .image.short()
    )]
    ImageNameInUse {
        /// As it was named.
        name: String,
        /// The container.
        container: Id,
        /// The image.
        image: Id,
    },
    /// An image that was named by its id has several names.
    #[error(
        "conflict: unable to delete {} (must be forced) - image is referenced in multiple repositories",
        .0.short()
    )]
    ImageNamedOften(Id),
    /// An image that another image was made of.
    #[error("conflict: unable to delete {} (cannot be forced) - image has dependent child images", .0.short())]
    ImageHasChildren(Id),
    /// An image that a container was made of.
    #[error(
        "conflict: unable to delete {} ({} forced) - image is being used by {} container {}",
        .image.short(), if *.running { "cannot be" } else { "must be" }, if *.running { "running" } else { "stopped" }, .container.short()
    )]
    ImageUsed {
        /// The image.
        image: Id,
        /// The container.
        container: Id,
        /// Whether it runs.
        running: bool,
    },
    /// A log driver that is not there.
    #[error("error looking up logging plugin {0}: plugin \"{0}\" not found")]
    LogDriverUnknown(String),
    /// The log of a container that keeps none.
    #[error("configured logging driver does not support reading")]
    LogUnreadable,
    /// No registry answers in a closed world.
    #[error("Get \"https://registry-1.docker.io/v2/\": dial tcp: lookup registry-1.docker.io on {0}:53: no such host")]
    RegistryUnreachable(String),
    /// A container name that is too short or has a wrong character.
    #[error("Invalid container name ({0}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed")]
    InvalidContainerName(String),
    /// A gateway that is no address.
    #[error("invalid gateway address {0} in Ipam configuration")]
    InvalidGateway(String),
    /// A filter that this list does not have.
    #[error("Invalid filter '{0}'")]
    InvalidFilter(String),
    /// `--ip` that is no address, at creation.
    #[error("invalid IPv4 address: {0}")]
    InvalidIpv4(String),
    /// `--ip6` that is no address, at creation.
    #[error("invalid IPv6 address: {0}")]
    InvalidIpv6(String),
    /// `--ip` that is no address, at connect; Docker's text has the bracket.
    #[error("Invalid IPv4 address: {0})")]
    InvalidIpv4AtConnect(String),
    /// `--link-local-ip` with another kind of address.
    #[error("invalid link local IP address: {0}")]
    InvalidLinkLocal(IpAddr),
    /// A MAC address that is none.
    #[error("invalid mac address: {0}")]
    InvalidMac(String),
    /// A MAC address that is none, when a container starts.
    #[error("address {0}: invalid MAC address")]
    MacUnreadable(String),
    /// `container:` without a name.
    #[error("Invalid network mode: invalid container format container:<name|id>")]
    InvalidNetworkMode,
    /// A subnet that is no prefix.
    #[error("Invalid subnet {0} : invalid CIDR address: {0}")]
    InvalidSubnet(String),
    /// A range that is no prefix.
    #[error("Invalid subPool {0} : invalid CIDR address: {0}")]
    InvalidRange(String),
    /// A signal that does not exist.
    #[error("Invalid signal: {0}")]
    InvalidSignal(String),
    /// A container that cannot be killed.
    #[error("Cannot kill container: {name}: {reason}")]
    KillRefused {
        /// As the client named it.
        name: String,
        /// Why.
        reason: Box<Self>,
    },
    /// A link shall be removed, and the container itself was named.
    #[error("Conflict, cannot remove the default link name of the container")]
    LinkNameIsDefault,
    /// `--link` to a container that cannot be linked to.
    #[error("could not get container for {name}: {reason}")]
    LinkRefused {
        /// As it was named.
        name: String,
        /// Why.
        reason: Box<Self>,
    },
    /// A legacy link to a container that is on no default network.
    #[error("Cannot link to /{0}, as it does not belong to the default network")]
    LinkTargetElsewhere(String),
    /// A legacy link to a container on the host's network.
    #[error(
        "conflicting options: host type networking can't be used with links. This would result in undefined behavior"
    )]
    LinkTargetOnHost,
    /// A legacy link whose container does not run.
    #[error("Cannot link to a non running container: /{target} AS /{owner}/{alias}")]
    LinkTargetStopped {
        /// The linked container.
        target: String,
        /// The container that has the link.
        owner: String,
        /// What it calls it.
        alias: String,
    },
    /// `--link-local-ip` that is no address.
    #[error("Invalid link-local IP address: [{}]", .0.join(" "))]
    LinkLocalUnreadable(Vec<String>),
    /// A container that is asked for without a name.
    #[error("invalid name or ID supplied: \"\"")]
    NameEmpty,
    /// A macvlan or ipvlan network cannot stand on its parent.
    #[error(transparent)]
    Parent(ParentError),
    /// A bridge network was asked for with two subnets of a family.
    #[error("bridge driver doesn't support multiple subnets")]
    BridgeSubnets,
    /// The stopped container is not set up for such a network.
    #[error("container {container} is not connected to the network {network}")]
    NotConfigured {
        /// The container.
        container: Id,
        /// The network.
        network: String,
    },
    /// The running container has no such network.
    #[error("container {container} is not connected to network {network}")]
    NotConnected {
        /// The container.
        container: Id,
        /// The network.
        network: String,
    },
    /// A network that somebody uses.
    #[error("error while removing network: network {name} id {id} has active endpoints")]
    NetworkActive {
        /// Its name.
        name: String,
        /// Its id.
        id: Id,
    },
    /// A second network of that name.
    #[error("network with name {0} already exists")]
    NetworkNameTaken(String),
    /// No network of that name or id.
    #[error("network {0} not found")]
    NetworkUnknown(String),
    /// A network that only the engine makes.
    #[error("operation is not permitted on predefined {0} network")]
    NetworkPredefined(String),
    /// A network that cannot be removed.
    #[error("{0} is a pre-defined network and cannot be removed")]
    NetworkNotRemovable(String),
    /// A known option with a value that is none.
    #[error("failed to parse {key} value: {value} ({reason})")]
    OptionValue {
        /// The option.
        key: &'static str,
        /// Its value.
        value: String,
        /// What Go's strconv says.
        reason: String,
    },
    /// The same, as a filter says it.
    #[error("no such container {0}")]
    NoSuchContainer(String),
    /// No container of that name or id.
    #[error("No such container: {0}")]
    ContainerUnknown(String),
    /// A second instance of a driver that has one.
    #[error("only one instance of \"{0}\" network is allowed")]
    DriverSingleton(&'static str),
    /// No driver of that name.
    #[error("plugin \"{0}\" not found")]
    PluginUnknown(String),
    /// What a plugin refuses, or why it cannot be asked, in libnetwork's words.
    #[error("{0}")]
    Plugin(String),
    /// All addresses of a network are taken.
    #[error("no available {family} addresses on this network's address pools: {network} ({id})")]
    PoolExhausted {
        /// Which addresses.
        family: Family,
        /// The network.
        network: String,
        /// Its id.
        id: Id,
    },
    /// A pool that overlaps another of this engine.
    #[error("Pool overlaps with other one on this address space")]
    PoolOverlaps,
    /// A reserved extra address cannot be had.
    #[error("failed to allocate secondary ip address ({name}:{address}): {reason}")]
    AuxiliaryUnavailable {
        /// The name it was given.
        name: String,
        /// The address.
        address: String,
        /// Why.
        reason: AllocationFailure,
    },
    /// The new name is the old one.
    #[error("Renaming a container with the same name as its current name")]
    RenameToSame,
    /// Neither old nor new name may be empty.
    #[error("Neither old nor new names may be empty")]
    RenameEmpty,
    /// The new name cannot be had.
    #[error("Error when allocating new name: {0}")]
    RenameRefused(Box<Self>),
    /// A container cannot be started again.
    #[error("Cannot restart container {name}: {reason}")]
    RestartRefused {
        /// The container as it was written.
        name: String,
        /// Why.
        reason: Box<Self>,
    },
    /// `top` without pids, by which processes are found.
    #[error("Couldn't find PID field in ps output")]
    PidColumnMissing,
    /// `top` with arguments that `ps` does not take.
    #[error("ps: error: {0}")]
    PsRefused(String),
    /// There is no swarm.
    #[error(
        "This node is not a swarm manager. Use \"docker swarm init\" or \"docker swarm join\" to connect this node to \
         swarm and try again."
    )]
    SwarmInactive,
    /// Something about a swarm.
    #[error(transparent)]
    Swarm(#[from] SwarmError),
    /// What a real engine can do and this one cannot.
    #[error("netyard simulates networks: it does not {0}")]
    Unsupported(&'static str),
    /// A volume that a container has.
    #[error("remove {name}: volume is in use - [{}]", ids(.containers))]
    VolumeInUse {
        /// Its name.
        name: String,
        /// Who has it.
        containers: Vec<Id>,
    },
    /// A name that no volume may have.
    #[error(
        "create {0}: \"{0}\" includes invalid characters for a local volume name, only \"[a-zA-Z0-9][a-zA-Z0-9_.-]\" \
         are allowed. If you intended to pass a host directory, use absolute path"
    )]
    VolumeNameInvalid(String),
    /// No driver of that name for a volume.
    #[error("create {name}: error looking up volume plugin {driver}: plugin \"{driver}\" not found")]
    VolumeDriverUnknown {
        /// The volume.
        name: String,
        /// The driver.
        driver: String,
    },
    /// No volume of that name.
    #[error("get {0}: no such volume")]
    VolumeUnknown(String),
    /// No such path.
    #[error("page not found")]
    PageUnknown,
    /// The client is from the future.
    #[error("client version {0} is too new. Maximum supported API version is 1.41")]
    VersionTooNew(String),
}

/// A list of ids, as Docker writes it.
fn ids(ids: &[Id]) -> String {
    ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

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
