//! Which nodes decide, and what a manager knows that begins to lead: all that its predecessor had a majority for.

use core::net::SocketAddr;

use netyard_sim::rng::Rng;
use netyard_sim::time::Instant;

use super::{ALIVE, GRACE_OF_UNKNOWN, Manager, NODES, UNKNOWN, networks, read};
use crate::cluster::message::{Answer, Manager as Managing};
use crate::cluster::object::{Node, NodeSpec, Role};
use crate::cluster::raft::MEMBERS;
use crate::cluster::store::Store;

/// The key of who leads.
const LEADER: &str = "leader";

impl Manager {
    /// Somebody leads from now on who knows this; none when it is not the store of a cluster that the node is in. Nodes are
    /// not given up before they had time to be heard by it.
    #[must_use]
    pub fn successor(mut store: Store, node: &str, now: Instant, ids: Rng) -> Option<Self> {
        let cluster = super::Cluster::of(&store)?;
        store.get(&format!("{NODES}{node}"))?;
        let before = store.get(LEADER).map(|entry| entry.value.clone());
        let alive: Vec<String> =
            store.range(ALIVE).filter_map(|(key, _)| Some(key.strip_prefix(ALIVE)?.to_owned())).collect();
        store.forget_leases();
        let given = networks::Given::recalled(&store);
        let mut manager = Self {
            store,
            cluster,
            node: node.to_owned(),
            leases: std::collections::BTreeMap::new(),
            given,
            work_at: None,
            ids,
        };
        manager.note_leader();
        for other in alive.into_iter().chain(before).filter(|id| id != node) {
            let heartbeat = manager.cluster.settings.heartbeat();
            manager.expect(now, &other, UNKNOWN, heartbeat * GRACE_OF_UNKNOWN);
        }
        manager.orchestrate(now);
        Some(manager)
    }

    /// The only manager that is left decides alone.
    pub fn rule_alone(&mut self, now: Instant) {
        let others: Vec<Node> = self.nodes().into_iter().map(|(node, _)| node).filter(|n| n.id != self.node).collect();
        for other in others {
            self.dismiss(&other.id);
            if other.spec.role == Role::Manager {
                let spec = NodeSpec { role: Role::Worker, ..other.spec.clone() };
                let node = Node { spec, updated: now.as_nanos(), ..other };
                self.store.put(&format!("{NODES}{}", node.id), super::text(&node));
            }
        }
    }

    pub(super) fn note_leader(&mut self) {
        let node = self.node.clone();
        self.store.put(LEADER, node);
    }

    pub(super) fn note_member(&mut self, node: &Node) {
        self.store.put(&format!("{MEMBERS}{}", node.id), node.addr.to_string());
    }

    /// A node decides no more.
    pub fn dismiss(&mut self, node: &str) {
        self.store.delete(&format!("{MEMBERS}{node}"));
    }

    /// A node that shall decide is ready to.
    pub(super) fn enlist(&mut self, id: &str) -> Answer {
        match self.store.get(&format!("{NODES}{id}")).and_then(read::<Node>) {
            Some(node) if node.spec.role == Role::Manager => {
                if !self.is_member(id) {
                    self.note_member(&node);
                }
                Answer::Noted
            }
            _ => Answer::Unknown,
        }
    }

    /// Where a node is asked that shall decide and does not yet.
    #[must_use]
    pub fn candidate(&self, id: &str) -> Option<SocketAddr> {
        let node = self.store.get(&format!("{NODES}{id}")).and_then(read::<Node>)?;
        (node.spec.role == Role::Manager && !self.is_member(id)).then_some(node.addr)
    }

    /// Whether a node decides with others.
    #[must_use]
    pub fn is_member(&self, id: &str) -> bool {
        self.store.get(&format!("{MEMBERS}{id}")).is_some()
    }

    /// The nodes that decide and shall not.
    #[must_use]
    pub fn dismissed(&self) -> Vec<String> {
        let nodes = self.nodes().into_iter().map(|(node, _)| node);
        nodes.filter(|node| node.spec.role == Role::Worker && self.is_member(&node.id)).map(|node| node.id).collect()
    }

    /// Where managers are asked.
    #[must_use]
    pub fn managers(&self) -> Vec<Managing> {
        managers_in(&self.store)
    }
}

/// Where managers are asked, as a store says.
#[must_use]
pub fn managers_in(store: &Store) -> Vec<Managing> {
    let member = |(key, entry): (&str, &crate::cluster::store::Entry)| {
        Some(Managing { node: key.strip_prefix(MEMBERS)?.to_owned(), addr: entry.value.parse().ok()? })
    };
    let mut managers: Vec<Managing> = store.range(MEMBERS).filter_map(member).collect();
    managers.sort_by_key(|manager| manager.addr);
    managers
}

/// How many nodes a store knows.
#[must_use]
pub fn count_nodes(store: &Store) -> usize {
    store.range(NODES).count()
}
