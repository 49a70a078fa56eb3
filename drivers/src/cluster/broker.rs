//! The broker of logs: who of the clients wants which tasks' output, which nodes have been asked for it, and what is missing
//! when they have said all. Whose client it is and how lines travel is not known here.
//!
//! How it works: a subscription is a wish that nodes hear of with their next session. A node sends what it has in numbered
//! batches, so that one that is sent twice counts once, and says when that was all. Nodes that are down are not waited for;
//! what is said of them is the end of the stream.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::manager::Manager;
use super::service::Task;

/// Whose output is wanted, by id.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub enum Origin {
    /// That of all tasks of a service.
    Service(String),
    /// That of one task.
    Task(String),
}

impl Origin {
    /// Whether a task's output is meant.
    #[must_use]
    pub fn includes(&self, task: &Task) -> bool {
        match self {
            Self::Service(service) => task.service == *service,
            Self::Task(id) => task.id == *id,
        }
    }
}

/// What of it a client wants.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Wanted {
    /// Whose.
    pub origin: Origin,
    /// Also what comes later.
    pub follow: bool,
    /// So many of the last lines of each task; all when there is no number.
    pub tail: Option<usize>,
    /// Nothing from before this, in nanoseconds since the world's beginning.
    pub since: Option<u64>,
    /// Whether standard output is.
    pub stdout: bool,
    /// Whether standard error is.
    pub stderr: bool,
}

/// A line of a task.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Line {
    /// When it was written, in nanoseconds since the world's beginning.
    pub at: u64,
    /// Whether it came on standard error.
    pub is_error: bool,
    /// What is said beside it: labels, variables and whose it is, as a query.
    pub details: String,
    /// The bytes, each as the character of that number: what a task writes need not be text.
    text: String,
}

impl Line {
    /// A line of these bytes.
    #[must_use]
    pub fn new(at: u64, is_error: bool, details: String, bytes: &[u8]) -> Self {
        Self { at, is_error, details, text: bytes.iter().copied().map(char::from).collect() }
    }

    /// The bytes.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        self.text.chars().map(|c| u8::try_from(u32::from(c)).unwrap_or(b'?')).collect()
    }

    /// How much room it takes.
    #[must_use]
    pub const fn weight(&self) -> usize {
        size_of::<Self>() + self.text.len() + self.details.len()
    }
}

/// What one node sends of what was wanted.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Batch {
    /// The number of the subscription.
    pub subscription: u64,
    /// Counts the batches of a node, from 1.
    pub number: u64,
    /// The lines.
    pub lines: Vec<Line>,
    /// Whether that was all.
    pub is_last: bool,
}

/// A client's wish.
#[derive(Clone, Debug)]
struct Subscription {
    wanted: Wanted,
    /// Whether it is known which nodes have something to say. Who does not follow hears no others later.
    is_begun: bool,
    nodes: BTreeMap<String, Asked>,
    /// What could not be had.
    missing: Vec<String>,
}

/// A node that was asked.
#[derive(Clone, Copy, Debug, Default)]
struct Asked {
    /// The number of the last batch that came.
    batch: u64,
    is_done: bool,
}

/// All wishes.
#[derive(Clone, Debug, Default)]
pub struct Broker {
    open: BTreeMap<u64, Subscription>,
    next: u64,
    /// Counts up when a node is to hear of something.
    version: u64,
    /// The revision of the store that nodes and tasks were last looked at.
    seen: u64,
}

impl Broker {
    /// How often there was something new for nodes.
    #[must_use]
    pub const fn version(&self) -> u64 {
        self.version
    }

    /// Somebody wants something; the number of the subscription.
    pub fn subscribe(&mut self, manager: &Manager, wanted: Wanted) -> u64 {
        // Who leads next goes on with other numbers.
        self.next = manager.store().revision().max(self.next + 1);
        let mut missing = Vec::new();
        if let (Origin::Task(id), false) = (&wanted.origin, wanted.follow)
            && manager.find_task(id).is_ok_and(|(task, _)| task.node.is_none())
        {
            missing.push(format!("task {id} has not been scheduled"));
        }
        self.open.insert(self.next, Subscription { wanted, is_begun: false, nodes: BTreeMap::new(), missing });
        self.seen = 0;
        self.look(manager);
        self.next
    }

    /// It is not wanted any more.
    pub fn unsubscribe(&mut self, subscription: u64) {
        self.open.remove(&subscription);
    }

    /// Looks which nodes have tasks whose output is wanted, and which are gone.
    pub fn look(&mut self, manager: &Manager) {
        let revision = manager.store().revision();
        if self.open.is_empty() || self.seen == revision {
            return;
        }
        self.seen = revision;
        let tasks = manager.tasks();
        for subscription in self.open.values_mut() {
            let is_meant = |task: &Task| subscription.wanted.origin.includes(task);
            let nodes: BTreeSet<&String> =
                tasks.iter().filter(|(task, _)| is_meant(task)).filter_map(|(task, _)| task.node.as_ref()).collect();
            let is_asked = subscription.wanted.follow || !subscription.is_begun;
            for node in nodes.into_iter().filter(|_| is_asked) {
                if !subscription.nodes.contains_key(node) {
                    subscription.nodes.insert(node.clone(), Asked::default());
                    self.version = revision.max(self.version + 1);
                    subscription.miss(manager, node, "is not available");
                }
            }
            subscription.is_begun = true;
            for node in subscription.nodes.keys().cloned().collect::<Vec<_>>() {
                subscription.miss(manager, &node, "disconnected unexpectedly");
            }
        }
    }

    /// What a node is wanted to send, by the numbers of subscriptions.
    #[must_use]
    pub fn wanted_of(&self, node: &str) -> BTreeMap<u64, Wanted> {
        let of_node = |subscription: &Subscription| subscription.nodes.get(node).is_some_and(|asked| !asked.is_done);
        let open = self.open.iter().filter(|(_, subscription)| of_node(subscription));
        open.map(|(number, subscription)| (*number, subscription.wanted.clone())).collect()
    }

    /// A node has sent something: its lines, unless they had come before. None when nobody wants it.
    pub fn take(&mut self, node: &str, batch: Batch) -> Option<Vec<Line>> {
        let asked = self.open.get_mut(&batch.subscription)?.nodes.get_mut(node).filter(|asked| !asked.is_done)?;
        asked.is_done = batch.is_last;
        if batch.number <= asked.batch {
            return Some(Vec::new());
        }
        asked.batch = batch.number;
        Some(batch.lines)
    }

    /// How a subscription ended, when it has: with words for what is missing, if something is.
    #[must_use]
    pub fn end_of(&self, subscription: u64) -> Option<Result<(), String>> {
        let Subscription { wanted, nodes, missing, .. } = self.open.get(&subscription)?;
        if wanted.follow || nodes.values().any(|asked| !asked.is_done) {
            return None;
        }
        if missing.is_empty() {
            return Some(Ok(()));
        }
        Some(Err(format!(
            "rpc error: code = Unknown desc = warning: incomplete log stream. some logs could not be retrieved for the \
             following reasons: {}",
            missing.join(", ")
        )))
    }
}

impl Subscription {
    /// A node that is down is not waited for. Who follows gets the rest when it is back.
    fn miss(&mut self, manager: &Manager, node: &str, why: &str) {
        if self.wanted.follow || manager.is_alive(node) {
            return;
        }
        if let Some(asked) = self.nodes.get_mut(node).filter(|asked| !asked.is_done) {
            asked.is_done = true;
            self.missing.push(format!("node {node} {why}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use core::net::{IpAddr, SocketAddr};

    use netyard_sim::rng::Seed;
    use netyard_sim::time::{Duration, Instant};
    use serde_json::json;

    use super::*;
    use crate::cluster::message::{Answer, Ask};
    use crate::cluster::object::Availability;

    fn at(seconds: u64) -> Instant {
        Instant::ZERO + Duration::from_secs(seconds)
    }

    fn addr(last: u8) -> SocketAddr {
        SocketAddr::new(IpAddr::from([192, 0, 2, last]), 2377)
    }

    /// A cluster of two nodes with a service that has a task on each; the id of the service and of the other node.
    fn cluster(constraint: &str) -> (Manager, String, String) {
        let mut manager = Manager::new(
            Seed(1).stream("cluster"),
            at(0),
            ("node1", addr(10), Availability::Active),
            Default::default(),
        );
        let token = manager.cluster().worker.to_string();
        let (hostname, availability) = ("node2".to_owned(), Availability::Active);
        let join = Ask::Join { token, hostname, addr: addr(11), availability };
        let Answer::Joined { node, .. } = manager.answer(at(0), join) else { panic!("the token is right") };
        let spec = json!({ "Name": "svc", "Mode": { "Replicated": { "Replicas": 2 } }, "TaskTemplate": {
            "ContainerSpec": { "Image": "web" }, "Placement": { "Constraints": [constraint] } } });
        let service = manager.create_service(at(0), serde_json::from_value(spec).unwrap()).unwrap();
        (manager, service, node)
    }

    fn wanted(origin: Origin, follow: bool) -> Wanted {
        Wanted { origin, follow, tail: None, since: None, stdout: true, stderr: true }
    }

    fn batch(subscription: u64, number: u64, text: &str, is_last: bool) -> Batch {
        let lines = vec![Line::new(0, false, String::new(), text.as_bytes())];
        Batch { subscription, number, lines, is_last }
    }

    #[test]
    fn it_ends_when_all_nodes_have_said_all_and_what_is_said_twice_counts_once() {
        let (manager, service, node) = cluster("node.role!=none");
        let mut broker = Broker::default();
        let number = broker.subscribe(&manager, wanted(Origin::Service(service), false));
        let both = [manager.node(), &node].map(|node| broker.wanted_of(node).len());
        assert_eq!((both, broker.end_of(number)), ([1, 1], None));
        assert_eq!(broker.take(&node, batch(number, 1, "one", false)).map(|lines| lines.len()), Some(1));
        assert_eq!(broker.take(&node, batch(number, 1, "one", false)), Some(Vec::new()));
        assert_eq!(broker.take(&node, batch(number, 2, "two", true)).map(|lines| lines.len()), Some(1));
        assert_eq!(broker.take(&node, batch(number, 3, "more", true)), None, "it has said that it was all");
        assert_eq!((broker.wanted_of(&node).len(), broker.end_of(number)), (0, None));
        broker.take(manager.node(), batch(number, 1, "three", true));
        assert_eq!(broker.end_of(number), Some(Ok(())));
        broker.unsubscribe(number);
        assert_eq!(broker.take(&node, batch(number, 4, "late", true)), None);
    }

    #[test]
    fn a_node_that_is_down_is_not_waited_for_but_told_of() {
        let (mut manager, service, node) = cluster("node.role!=none");
        let mut broker = Broker::default();
        let before = broker.subscribe(&manager, wanted(Origin::Service(service.clone()), false));
        broker.take(manager.node(), batch(before, 1, "one", true));
        assert_eq!(broker.end_of(before), None);
        manager.expire(at(16));
        broker.look(&manager);
        let told = |broker: &Broker, number| broker.end_of(number).unwrap().unwrap_err();
        assert!(told(&broker, before).ends_with(&format!("reasons: node {node} disconnected unexpectedly")));
        let after = broker.subscribe(&manager, wanted(Origin::Service(service.clone()), false));
        broker.take(manager.node(), batch(after, 1, "one", true));
        assert!(told(&broker, after).ends_with(&format!("reasons: node {node} is not available")));
        let follows = broker.subscribe(&manager, wanted(Origin::Service(service), true));
        assert_eq!((broker.wanted_of(&node).len(), broker.end_of(follows)), (1, None), "it may come back");
    }

    #[test]
    fn nodes_that_get_a_task_later_are_asked_by_who_follows() {
        let (mut manager, service, node) = cluster("node.labels.a==b");
        let mut broker = Broker::default();
        let task = manager.tasks()[0].0.id.clone();
        let once = broker.subscribe(&manager, wanted(Origin::Task(task.clone()), false));
        let missing = format!("task {task} has not been scheduled");
        assert!(broker.end_of(once).unwrap().unwrap_err().ends_with(&missing));
        let once = broker.subscribe(&manager, wanted(Origin::Service(service.clone()), false));
        assert_eq!(broker.end_of(once), Some(Ok(())), "of a service nothing is said of tasks without a node");
        let follows = broker.subscribe(&manager, wanted(Origin::Service(service), true));
        let version = broker.version();
        let (found, revision) = manager.find_node(&node).unwrap();
        let mut spec = found.spec.clone();
        spec.labels.insert("a".to_owned(), "b".to_owned());
        manager.update_node(at(1), &found, revision, spec).unwrap();
        broker.look(&manager);
        assert_eq!(broker.wanted_of(&node).keys().copied().collect::<Vec<_>>(), [follows]);
        assert!(broker.version() > version, "the nodes shall hear of it");
    }

    #[test]
    fn what_a_task_writes_need_not_be_text() {
        let line = Line::new(7, true, "a=b".to_owned(), b"\xff\x00\xc3\xa9\n");
        let carried: Line = serde_json::from_str(&serde_json::to_string(&line).unwrap()).unwrap();
        assert_eq!((carried.bytes(), carried), (b"\xff\x00\xc3\xa9\n".to_vec(), line));
    }
}
