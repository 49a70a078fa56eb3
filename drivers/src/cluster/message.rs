//! What the nodes of a cluster say to each other: what a node asks its manager, and the answers. How it gets there is the
//! post's affair.

use core::net::{IpAddr, SocketAddr};
use std::collections::BTreeMap;

use netyard_sim::time::Duration;
use serde::{Deserialize, Serialize};

use super::broker::{Batch, Line, Wanted};
use super::object::{Network, Role};
use super::raft;
use super::service::{PortSpec, Status, Task, Vip};

/// A node as the others know it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Member {
    /// Its id.
    pub id: String,
    /// Where it is reached.
    pub addr: IpAddr,
}

/// What a manager is asked.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub enum Ask {
    /// Somebody wants to be a node.
    Join {
        /// The token that it was given.
        token: String,
        /// The name of its host.
        hostname: String,
        /// Where it is reached, with the port at which it is asked when it decides.
        addr: SocketAddr,
        /// What it shall be used for.
        availability: super::object::Availability,
    },
    /// A node is there, and wants to know what has changed.
    Session {
        /// Which.
        node: String,
        /// The revision that it knows of.
        seen: u64,
        /// The places on networks that it does not use any more.
        ended: Vec<String>,
        /// How its tasks are.
        reports: Vec<Report>,
    },
    /// A container of a node wants to be on a network.
    Attach {
        /// The node.
        node: String,
        /// The network, by id or name.
        network: String,
        /// The id of the container.
        container: String,
        /// The address that it wants.
        wanted: Option<IpAddr>,
    },
    /// A node goes.
    Leave {
        /// Which.
        node: String,
    },
    /// A node that was told to decide is ready to.
    Enlist {
        /// Which.
        node: String,
    },
    /// Whether a node that shall decide can be asked at all.
    Probe,
    /// A client of another manager wants something of the cluster.
    Request {
        /// The method.
        method: String,
        /// What is meant.
        target: String,
        /// The body.
        body: String,
    },
    /// Another manager passes this on, since it does not lead.
    Passed(Box<Self>),
    /// Managers agree on what they know.
    Raft(raft::Said),
    /// A node sends what its tasks have printed.
    Printed {
        /// Which.
        node: String,
        /// What.
        batch: Batch,
    },
    /// A client of another manager wants to read the logs of tasks.
    Subscribe(Wanted),
    /// That manager wants what has come since.
    Read {
        /// The number of the subscription.
        subscription: u64,
        /// How many lines it has.
        heard: usize,
    },
}

/// What a manager answers.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub enum Answer {
    /// Who asked is a node now.
    Joined {
        /// Its id.
        node: String,
        /// What it may do.
        role: Role,
        /// Where the managers are asked.
        managers: Vec<Manager>,
        /// The network by which ports are published, and its own address there.
        ingress: Option<(Network, IpAddr)>,
    },
    /// The container may.
    Granted(Grant),
    /// It may, but not now.
    Pending,
    /// What has changed.
    Session {
        /// The revision of what follows.
        revision: u64,
        /// All nodes, when something about them has changed.
        members: Option<Vec<Member>>,
        /// The node's tasks, when something about tasks has changed.
        assigned: Option<Vec<Assignment>>,
        /// What the node may do.
        role: Role,
        /// Where the managers are asked.
        managers: Vec<Manager>,
        /// The network by which ports are published and the node's own address there, if there is one; when networks have
        /// changed.
        ingress: Option<Vec<(Network, IpAddr)>>,
        /// How often the node says that it is there.
        heartbeat: Duration,
        /// What of its tasks' output is wanted, by the numbers of subscriptions, and the version of that.
        wanted: Option<(u64, BTreeMap<u64, Wanted>)>,
    },
    /// Somebody may read logs, under this number.
    Subscribed(u64),
    /// Lines of logs.
    Lines {
        /// What has come.
        lines: Vec<Line>,
        /// How it ended, when it has.
        end: Option<Result<(), String>>,
    },
    /// What a client is answered.
    Reply {
        /// The status of HTTP.
        status: u16,
        /// The body, when there is one.
        body: String,
        /// The revision that it comes from.
        revision: u64,
    },
    /// Managers agree on what they know.
    Raft(raft::Said),
    /// It has been noted.
    Noted,
    /// Not now: it shall be said again.
    Busy,
    /// It is refused, with these words.
    Refused(String),
    /// Who wants to decide cannot be asked where it says, with these words.
    Unreached(String),
    /// The cluster does not know the node that asks.
    Unknown,
}

/// A manager, and where it is asked.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Manager {
    /// The node.
    pub node: String,
    /// Address and port.
    pub addr: SocketAddr,
}

/// What a container has on a network of the cluster.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Grant {
    /// The number under which the manager knows it.
    pub task: String,
    /// The network.
    pub network: Network,
    /// Its address.
    pub addr: IpAddr,
    /// The address of the host itself; none where hosts have none.
    pub own: Option<IpAddr>,
}

/// A task that a node has, with what it must know to make its container.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Assignment {
    /// The task.
    pub task: Task,
    /// The addresses of its service.
    pub vips: Vec<Vip>,
    /// The published ports of its service.
    pub ports: Vec<PortSpec>,
    /// What it has on networks.
    pub grants: Vec<Grant>,
}

/// How a task is, as its node says.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Report {
    /// The id of the task.
    pub task: String,
    /// How it is.
    pub status: Status,
}
