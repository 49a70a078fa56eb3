//! What is refused because of a swarm: that there is none, that there is one, or what its manager says.

use core::net::SocketAddr;

use netyard_sim::socket::Errno;

use super::dial::dial;

/// A refusal. Its `Display` is what follows `Error response from daemon: `.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum SwarmError {
    /// There is one.
    #[error(
        "This node is already part of a swarm. Use \"docker swarm leave\" to leave this swarm and join another one."
    )]
    Active,
    /// The address of a node cannot be told from what was written, or from its devices.
    #[error("{0}")]
    Address(String),
    /// The prefix or name fits several.
    #[error("{kind} {term} is ambiguous ({matches} matches found)")]
    Ambiguous {
        /// Of what.
        kind: &'static str,
        /// As it was asked for.
        term: String,
        /// How many.
        matches: usize,
    },
    /// It was told to share a store instead.
    #[error("--cluster-store and --cluster-advertise daemon configurations are incompatible with swarm mode")]
    SharesStore,
    /// The store cannot be used; the words around the reason are those of docker's client of etcd.
    #[error("{what}: client: etcd cluster is unavailable or misconfigured; error #0: {why}")]
    StoreAway {
        /// What was wanted of it.
        what: String,
        /// What happened.
        why: String,
    },
    /// The store went away in the middle of a change.
    #[error("the store went away while {what} ({why}): whether that was done shows when it is back")]
    StoreInDoubt {
        /// What was being done.
        what: String,
        /// What happened.
        why: String,
    },
    /// Others were faster, again and again.
    #[error("the store is too busy: others changed it {0} times meanwhile")]
    StoreBusy(u32),
    /// Linux does not let it listen where it would be asked.
    #[error("failed to listen on remote API address: listen tcp {at}: bind: {}", errno.to_string().to_lowercase())]
    Listen {
        /// Where.
        at: SocketAddr,
        /// What Linux said.
        errno: Errno,
    },
    /// What makes a node decide has ended, with these words.
    #[error("manager stopped: {0}")]
    ManagerStopped(String),
    /// Who wants to decide with the others cannot be asked where it says.
    #[error(
        "rpc error: code = Unknown desc = could not connect to prospective new cluster member using its advertised \
         address: rpc error: code = Unavailable desc = connection error: desc = \"transport: Error while dialing dial \
         tcp {addr}: connect: {why}\""
    )]
    Prospect {
        /// Where.
        addr: SocketAddr,
        /// What happened.
        why: String,
    },
    /// What is written is no token.
    #[error("invalid join token")]
    Token,
    /// Nobody has answered so far.
    #[error(
        "Timeout was reached before node joined. The attempt to join the swarm will continue in the background. Use the \
         \"docker info\" command to see the current swarm status of your node."
    )]
    JoinTimeout,
    /// What the manager said, or what happened on the way to it.
    #[error("{0}")]
    Said(String),
    /// There is none to leave.
    #[error("This node is not part of a swarm")]
    Outside,
    /// It decides for others.
    #[error(
        "You are attempting to leave the swarm on a node that is participating as a manager. Removing the last manager \
         erases all current state of the swarm. Use `--force` to ignore this message."
    )]
    Deciding,
    /// It decides with others, of whom so many of so many would be left where that is too few.
    #[error(
        "You are attempting to leave the swarm on a node that is participating as a manager. {0}The only way to restore a \
         swarm that has lost consensus is to reinitialize it with `--force-new-cluster`. Use `--force` to suppress this \
         message."
    )]
    DecidingWith(TooFew),
    /// It does not decide.
    #[error(
        "This node is not a swarm manager. Worker nodes can't be used to view or modify cluster state. Please run this \
         command on a manager node or promote the current node to a manager."
    )]
    Worker,
    /// A network across hosts is made by who decides.
    #[error("Cannot create a multi-host network from a worker node. Please create the network from a manager node.")]
    OverlayFromWorker,
    /// An overlay is always across hosts.
    #[error("cannot downgrade network scope for overlay networks")]
    Downgrade,
    /// A manager did not give what a container needs.
    #[error(
        "attaching to network failed, make sure your network options are correct and check manager logs: context \
         deadline exceeded"
    )]
    AttachTimeout,
    /// No manager has answered.
    #[error("Could not attach to network {network}: {why}")]
    Attach {
        /// As it was named.
        network: String,
        /// Why not.
        why: String,
    },
    /// A network that is used.
    #[error("rpc error: code = FailedPrecondition desc = network {network} is in use by {kind} {user}")]
    NetworkInUse {
        /// The network.
        network: String,
        /// By a service or a task.
        kind: &'static str,
        /// By which.
        user: String,
    },
    /// What cannot be asked for.
    #[error("rpc error: code = InvalidArgument desc = {0}")]
    Invalid(String),
    /// Ports cannot be published without the network that does it.
    #[error(
        "rpc error: code = FailedPrecondition desc = service needs ingress network, but no ingress network is present"
    )]
    NoIngress,
    /// There is one already.
    #[error("rpc error: code = AlreadyExists desc = ingress network ({0}) is already present")]
    IngressExists(String),
    /// A service's ports are published by it.
    #[error(
        "rpc error: code = FailedPrecondition desc = ingress network cannot be removed because service {0} depends on it"
    )]
    IngressInUse(String),
    /// A manager has started again and needs its key.
    #[error(
        "Swarm is encrypted and needs to be unlocked before it can be used. Please use \"docker swarm unlock\" to \
         unlock it."
    )]
    Locked,
    /// A service has that name.
    #[error(
        "rpc error: code = AlreadyExists desc = name conflicts with an existing object: service {0} already exists"
    )]
    NameConflict(String),
    /// Another service has published that port.
    #[error(
        "rpc error: code = InvalidArgument desc = port '{port}' is already in use by service '{name}' ({id}) as an \
         ingress port"
    )]
    PortTaken {
        /// The port.
        port: u16,
        /// The other service's name.
        name: String,
        /// Its id.
        id: String,
    },
    /// What of a service cannot be changed.
    #[error("rpc error: code = Unimplemented desc = {0}")]
    Fixed(&'static str),
    /// A change in two hands.
    #[error("rpc error: code = Unknown desc = update out of sequence")]
    OutOfSequence,
    /// It decides, and so cannot go.
    #[error(
        "rpc error: code = FailedPrecondition desc = node {0} is a cluster manager and is a member of the raft cluster. \
         It must be demoted to worker before removal"
    )]
    IsManager(String),
    /// Somebody has to decide.
    #[error("rpc error: code = FailedPrecondition desc = attempting to demote the last manager of the swarm")]
    LastManager,
    /// A node that is there.
    #[error("rpc error: code = FailedPrecondition desc = node {0} is not down and can't be removed")]
    NotDown(String),
    /// There is no such thing.
    #[error("{kind} {term} not found")]
    Unknown {
        /// Of what.
        kind: &'static str,
        /// As it was asked for.
        term: String,
    },
    /// Too few managers hear each other.
    #[error(
        "rpc error: code = Unknown desc = The swarm does not have a leader. It's possible that too few managers are \
         online. Make sure more than half of the managers are online."
    )]
    NoLeader,
    /// The leader did not answer.
    #[error("rpc error: code = DeadlineExceeded desc = context deadline exceeded")]
    LeaderSilent,
    /// Nobody listens where a manager was.
    #[error(
        "rpc error: code = Unavailable desc = connection error: desc = \"transport: Error while dialing {}\"",
        dial("tcp", .0, "connection refused")
    )]
    ManagerAway(SocketAddr),
    /// Others do not agree, and it leads no more.
    #[error("rpc error: code = Unknown desc = raft: failed to process the request: node lost leader status")]
    LostLead,
    /// It shall decide, but does not yet.
    #[error("rpc error: code = NotFound desc = can't find manager in raft memberlist")]
    NoMember,
    /// Without it too few would be left.
    #[error(
        "rpc error: code = FailedPrecondition desc = can't remove member from the raft: this would result in a loss of \
         quorum"
    )]
    NoQuorum,
    /// A word that is none of those that may stand there.
    #[error("invalid {field}: \"{word}\"")]
    Word {
        /// For what.
        field: &'static str,
        /// As it was written.
        word: String,
    },
}

/// How many managers would be left, and out of how many; none when they would be enough, or nobody knows.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct TooFew(pub Option<(usize, usize)>);

impl core::fmt::Display for TooFew {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let Some((left, all)) = self.0 else { return Ok(()) };
        write!(
            f,
            "Removing this node leaves {left} managers out of {all}. Without a Raft quorum your swarm will be inaccessible. "
        )
    }
}

impl SwarmError {
    /// The HTTP status it goes with.
    #[must_use]
    pub const fn status(&self) -> u16 {
        match self {
            Self::OverlayFromWorker | Self::Downgrade => 403,
            Self::Unknown { .. } | Self::NoMember => 404,
            Self::NameConflict(_) | Self::IngressExists(_) => 409,
            Self::Fixed(_) => 501,
            Self::Active | Self::Outside | Self::Deciding | Self::DecidingWith(_) | Self::Locked | Self::Worker => 503,
            Self::ManagerAway(_) => 503,
            Self::Address(_)
            | Self::Ambiguous { .. }
            | Self::Token
            | Self::IsManager(_)
            | Self::LastManager
            | Self::NotDown(_)
            | Self::NetworkInUse { .. }
            | Self::Invalid(_)
            | Self::IngressInUse(_)
            | Self::NoIngress
            | Self::PortTaken { .. }
            | Self::NoQuorum
            | Self::Word { .. } => 400,
            Self::AttachTimeout
            | Self::Attach { .. }
            | Self::JoinTimeout
            | Self::LeaderSilent
            | Self::LostLead
            | Self::NoLeader
            | Self::Listen { .. }
            | Self::ManagerStopped(_)
            | Self::Prospect { .. }
            | Self::Said(_)
            | Self::SharesStore
            | Self::StoreAway { .. }
            | Self::StoreBusy(_)
            | Self::StoreInDoubt { .. }
            | Self::OutOfSequence => 500,
        }
    }
}
