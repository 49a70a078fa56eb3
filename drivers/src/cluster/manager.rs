//! The manager of a cluster that leads: it alone changes the store, and answers nodes and clients out of it. It sends nothing
//! and knows no clock. Whether other managers agree is not known here.

mod members;
mod networks;
mod schedule;
mod services;

use core::net::SocketAddr;
use std::collections::BTreeMap;

use netyard_sim::rng::Rng;
use netyard_sim::time::{Duration, Instant};
use serde::{Deserialize, Serialize};

use super::message::{Answer, Ask, Member};
use super::object::{Availability, Node, NodeSpec, Role};
use super::settings::Settings;
use super::store::{LeaseId, Store};
use super::token::{self, Token};
use crate::error::SwarmError as Refusal;
use crate::id::Id;
pub use members::{count_nodes, managers_in};
pub use networks::{find_among, networks_in};
pub use services::{find_service_in, find_task_in, is_of_nodes};

/// How many times it may fail to before it is down.
const GRACE: u32 = 3;
/// The same for nodes of which a new leader has not heard yet.
const GRACE_OF_UNKNOWN: u32 = 2 * GRACE;

/// Keys of the store.
const NODES: &str = "node/";
const ALIVE: &str = "alive/";
const CLUSTER: &str = "cluster";
/// What is said of a node of which a new leader has not heard yet.
const UNKNOWN: &str = "unknown";

/// What is known of the cluster as a whole.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Cluster {
    /// Its id.
    pub id: String,
    /// When it began, in nanoseconds since the world's beginning.
    pub created: u64,
    /// When it was changed last.
    pub updated: u64,
    /// The token of workers.
    pub worker: Token,
    /// The token of managers.
    pub manager: Token,
    /// What it is set to.
    pub settings: Settings,
    /// What unlocks managers that start again, when they are locked.
    pub key: Option<String>,
    /// Where networks get their subnets that ask for none.
    pub pools: Pools,
}

/// Where networks get their subnets, and how long these are.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Pools {
    /// The ranges; the usual one when somebody chose none.
    pub chosen: Vec<String>,
    /// Digits of the subnets' prefixes.
    pub size: u8,
}

impl Default for Pools {
    fn default() -> Self {
        Self { chosen: Vec::new(), size: 24 }
    }
}

/// What changes when a cluster is set otherwise.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Rotation {
    /// Workers need another token.
    pub worker: bool,
    /// Managers need another token.
    pub manager: bool,
    /// Locked managers need another key.
    pub key: bool,
}

impl Cluster {
    /// What a store says of it.
    #[must_use]
    pub fn of(store: &Store) -> Option<Self> {
        store.get(CLUSTER).and_then(read)
    }

    /// The revision that changed it last.
    #[must_use]
    pub fn version(store: &Store) -> u64 {
        store.get(CLUSTER).map_or(0, |entry| entry.modified)
    }
}

/// How a node is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Presence {
    /// It is heard.
    Ready,
    /// The leader is new, and has not heard it yet.
    Unknown,
    /// It is not heard.
    Down,
}

/// The manager of a cluster.
#[derive(Clone, Debug)]
pub struct Manager {
    store: Store,
    cluster: Cluster,
    /// The node that it is on.
    node: String,
    leases: BTreeMap<String, LeaseId>,
    given: networks::Given,
    /// When tasks are looked at again.
    work_at: Option<Instant>,
    ids: Rng,
}

impl Manager {
    /// A new cluster, whose first node it is on.
    #[must_use]
    pub fn new(
        mut ids: Rng,
        now: Instant,
        (hostname, addr, availability): (&str, SocketAddr, Availability),
        (settings, pools): (Settings, Pools),
    ) -> Self {
        let digest = token::digest(&mut ids);
        let node = Id::object(&mut ids).to_string();
        let cluster = Cluster {
            id: Id::object(&mut ids).to_string(),
            created: now.as_nanos(),
            updated: now.as_nanos(),
            worker: Token::random(&digest, &mut ids),
            manager: Token::random(&digest, &mut ids),
            key: settings.locks().then(|| token::unlock_key(&mut ids)),
            settings,
            pools,
        };
        let (store, leases, given) = (Store::default(), BTreeMap::new(), networks::Given::nothing(&cluster.pools));
        let mut manager = Self { store, cluster, node: node.clone(), leases, given, work_at: None, ids };
        manager.note_cluster();
        manager.add_node(now, node.clone(), hostname, addr, (Role::Manager, availability));
        manager.enlist(&node);
        manager.note_leader();
        manager.make_ingress(now);
        manager
    }

    /// The cluster as a whole.
    #[must_use]
    pub const fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// The store.
    #[must_use]
    pub const fn store(&self) -> &Store {
        &self.store
    }

    /// The node that it is on.
    #[must_use]
    pub fn node(&self) -> &str {
        &self.node
    }

    fn note_cluster(&mut self) {
        self.store.put(CLUSTER, text(&self.cluster));
    }

    fn add_node(
        &mut self,
        now: Instant,
        id: String,
        hostname: &str,
        addr: SocketAddr,
        (role, availability): (Role, Availability),
    ) {
        let spec = NodeSpec { labels: BTreeMap::new(), role, availability };
        let (created, updated) = (now.as_nanos(), now.as_nanos());
        let node = Node { id, hostname: hostname.to_owned(), addr, spec, created, updated };
        self.store.put(&format!("{NODES}{}", node.id), text(&node));
        self.keep_alive(now, &node.id);
        self.orchestrate(now);
    }

    /// Takes in that a node is there. The manager's own always is.
    fn keep_alive(&mut self, now: Instant, id: &str) {
        let is_known = self.presence(id) == Presence::Ready;
        if id == self.node || self.leases.get(id).is_some_and(|lease| is_known && self.store.keep_alive(now, *lease)) {
            return;
        }
        self.expect(now, id, "", self.cluster.settings.heartbeat() * GRACE);
        self.orchestrate(now);
    }

    /// A node has so long to be heard.
    fn expect(&mut self, now: Instant, id: &str, said: &str, patience: Duration) {
        let lease = self.store.grant(now, patience);
        self.leases.insert(id.to_owned(), lease);
        self.store.put_leased(&format!("{ALIVE}{id}"), said.to_owned(), lease);
    }

    /// How a node is.
    #[must_use]
    pub fn presence(&self, id: &str) -> Presence {
        let said = self.store.get(&format!("{ALIVE}{id}")).map(|entry| entry.value.as_str());
        match said {
            _ if id == self.node => Presence::Ready,
            Some(UNKNOWN) => Presence::Unknown,
            Some(_) => Presence::Ready,
            None => Presence::Down,
        }
    }

    /// Whether what a node has may be there: it is not known to be down.
    #[must_use]
    pub fn is_alive(&self, id: &str) -> bool {
        self.presence(id) != Presence::Down
    }

    /// When a node may be found to be gone, or tasks are looked at again.
    #[must_use]
    pub fn next_at(&self) -> Option<Instant> {
        self.store.next_end().into_iter().chain(self.work_next_at()).min()
    }

    /// Notes which nodes are gone, and does for tasks what is due.
    pub fn expire(&mut self, now: Instant) {
        self.store.expire(now);
        self.orchestrate(now);
    }

    /// All nodes, the oldest first, with the revision that changed each last.
    #[must_use]
    pub fn nodes(&self) -> Vec<(Node, u64)> {
        let mut nodes: Vec<_> =
            self.store.range(NODES).filter_map(|(_, entry)| Some((read::<Node>(entry)?, entry.modified))).collect();
        nodes.sort_by_key(|(node, _)| (node.created, node.id != self.node));
        nodes
    }

    /// The nodes as they know each other.
    #[must_use]
    pub fn members(&self) -> Vec<Member> {
        self.nodes().into_iter().map(|(Node { id, addr, .. }, _)| Member { id, addr: addr.ip() }).collect()
    }

    /// The node that is meant: by its id, its name or the beginning of its id.
    ///
    /// # Errors
    /// `Unknown`, `Ambiguous`.
    pub fn find_node(&self, term: &str) -> Result<(Node, u64), Refusal> {
        let nodes = self.nodes();
        let by = |fits: &dyn Fn(&Node) -> bool| -> Vec<_> { nodes.iter().filter(|(node, _)| fits(node)).collect() };
        let by_id = by(&|node| node.id == term);
        let by_name = by(&|node| node.hostname == term);
        let by_prefix = by(&|node| !term.is_empty() && node.id.starts_with(term));
        let found = [by_id, by_name, by_prefix].into_iter().find(|found| !found.is_empty()).unwrap_or_default();
        match found.as_slice() {
            [one] => Ok((*one).clone()),
            [] => Err(Refusal::Unknown { kind: "node", term: term.to_owned() }),
            more => Err(Refusal::Ambiguous { kind: "node", term: term.to_owned(), matches: more.len() }),
        }
    }

    /// Changes what is said of a node, by who has seen it as it was at revision `version`.
    ///
    /// # Errors
    /// `OutOfSequence`, `LastManager`, `NoMember`.
    pub fn update_node(&mut self, now: Instant, node: &Node, version: u64, spec: NodeSpec) -> Result<(), Refusal> {
        match (node.spec.role, spec.role) {
            (Role::Manager, Role::Worker) if self.managers().len() == 1 => return Err(Refusal::LastManager),
            (Role::Manager, Role::Worker) if !self.is_member(&node.id) => return Err(Refusal::NoMember),
            _ => {}
        }
        let node = Node { spec, updated: now.as_nanos(), ..node.clone() };
        let put = self.store.compare_and_put(&format!("{NODES}{}", node.id), version, text(&node));
        put.map_err(|_| Refusal::OutOfSequence)?;
        self.orchestrate(now);
        Ok(())
    }

    /// Removes a node that is down, or by force any that is no manager.
    ///
    /// # Errors
    /// `IsManager`, `NotDown`.
    pub fn remove_node(&mut self, now: Instant, node: &Node, force: bool) -> Result<(), Refusal> {
        if node.spec.role == Role::Manager || self.is_member(&node.id) {
            return Err(Refusal::IsManager(node.id.clone()));
        }
        if self.presence(&node.id) == Presence::Ready && !force {
            return Err(Refusal::NotDown(node.id.clone()));
        }
        self.store.delete(&format!("{ALIVE}{}", node.id));
        self.store.delete(&format!("{NODES}{}", node.id));
        self.leases.remove(&node.id);
        self.detach_node(&node.id);
        self.orchestrate(now);
        Ok(())
    }

    /// Sets the cluster otherwise, by who has seen it as it was at revision `version`, and makes new secrets as it is wanted.
    ///
    /// # Errors
    /// `OutOfSequence`.
    pub fn configure(
        &mut self,
        now: Instant,
        version: u64,
        settings: Settings,
        rotation: Rotation,
    ) -> Result<(), Refusal> {
        if Cluster::version(&self.store) != version {
            return Err(Refusal::OutOfSequence);
        }
        let digest = self.cluster.worker.digest().to_owned();
        for (wanted, token) in
            [(rotation.worker, &mut self.cluster.worker), (rotation.manager, &mut self.cluster.manager)]
        {
            if wanted {
                *token = Token::random(&digest, &mut self.ids);
            }
        }
        match (settings.locks(), &self.cluster.key) {
            (false, _) => self.cluster.key = None,
            (true, Some(_)) if !rotation.key => {}
            (true, _) => self.cluster.key = Some(token::unlock_key(&mut self.ids)),
        }
        if settings.heartbeat() != self.cluster.settings.heartbeat() {
            // Whoever is heard next has as long as it is told then.
            self.leases.clear();
        }
        self.cluster.settings = settings;
        self.cluster.updated = now.as_nanos();
        self.note_cluster();
        self.orchestrate(now);
        Ok(())
    }

    /// Answers a node.
    pub fn answer(&mut self, now: Instant, ask: Ask) -> Answer {
        match ask {
            Ask::Join { token, hostname, addr, availability } => self.join(now, &token, &hostname, addr, availability),
            Ask::Attach { node, network, container, wanted } => self.attach(&node, &network, &container, wanted),
            Ask::Session { node, seen, ended, reports } => {
                let known = self.store.get(&format!("{NODES}{node}")).and_then(read::<Node>);
                let Some(Node { spec: NodeSpec { role, .. }, .. }) = known else { return Answer::Unknown };
                self.keep_alive(now, &node);
                ended.iter().for_each(|task| self.detach(task));
                self.take_reports(now, &node, reports);
                let mut changes = self.store.changes(seen, NODES);
                let is_news = changes.as_mut().map_or(true, |changes| changes.next().is_some());
                drop(changes);
                let members = is_news.then(|| self.members());
                let assigned = self.has_work_since(seen).then(|| self.assigned_to(&node));
                let managers = self.managers();
                let ingress = self.networks_changed_since(seen).then(|| self.ingress_of(&node).into_iter().collect());
                let heartbeat = self.cluster.settings.heartbeat();
                Answer::Session {
                    revision: self.store.revision(),
                    members,
                    assigned,
                    role,
                    managers,
                    ingress,
                    heartbeat,
                    wanted: None,
                }
            }
            Ask::Enlist { node } => self.enlist(&node),
            // These are for who carries them.
            Ask::Probe | Ask::Request { .. } | Ask::Passed(_) | Ask::Raft(_) => Answer::Unknown,
            // These are for who has the broker.
            Ask::Printed { .. } | Ask::Subscribe(_) | Ask::Read { .. } => Answer::Unknown,
            // As in swarmkit, nothing says of a node that it has left: it is down when it is not heard any more, and stays
            // until it is removed.
            Ask::Leave { node } => {
                self.detach_node(&node);
                self.orchestrate(now);
                Answer::Noted
            }
        }
    }

    fn join(
        &mut self,
        now: Instant,
        token: &str,
        hostname: &str,
        addr: SocketAddr,
        availability: Availability,
    ) -> Answer {
        const NO_TOKEN: &str =
            "rpc error: code = InvalidArgument desc = A valid join token is necessary to join this cluster";
        let given = Token::parse(token);
        if let Some(given) = given.as_ref().filter(|given| given.digest() != self.cluster.worker.digest()) {
            let expected = token::hexadecimal(given.digest());
            return Answer::Refused(format!("remote CA does not match fingerprint. Expected: {expected}"));
        }
        let role = match given {
            Some(given) if given == self.cluster.worker => Role::Worker,
            Some(given) if given == self.cluster.manager => Role::Manager,
            _ => return Answer::Refused(NO_TOKEN.to_owned()),
        };
        let node = Id::object(&mut self.ids).to_string();
        self.add_node(now, node.clone(), hostname, addr, (role, availability));
        let ingress = self.ingress_of(&node);
        Answer::Joined { node, role, managers: self.managers(), ingress }
    }
}

fn text(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("it is text and numbers")
}

/// What an entry says; what cannot be understood says nothing.
fn read<T: for<'a> Deserialize<'a>>(entry: &super::store::Entry) -> Option<T> {
    serde_json::from_str(&entry.value).ok()
}

#[cfg(test)]
mod tests {
    use netyard_sim::rng::Seed;

    use super::*;
    use crate::cluster::settings::HEARTBEAT;

    const ADDR: SocketAddr =
        SocketAddr::new(core::net::IpAddr::V4(core::net::Ipv4Addr::new(192, 0, 2, 11)), crate::cluster::CONTROL_PORT);

    fn manager() -> Manager {
        Manager::new(
            Seed(1).stream("cluster"),
            Instant::ZERO,
            ("node1", ADDR, Availability::Active),
            Default::default(),
        )
    }

    fn join(manager: &mut Manager, token: &str) -> Answer {
        let (token, hostname) = (token.to_owned(), "node2".to_owned());
        manager.answer(Instant::ZERO, Ask::Join { token, hostname, addr: ADDR, availability: Availability::Active })
    }

    #[test]
    fn a_node_that_is_not_heard_is_down_until_it_is_heard_again() {
        let mut manager = manager();
        let token = manager.cluster().worker.to_string();
        let Answer::Joined { node, .. } = join(&mut manager, &token) else {
            panic!("the token is right");
        };
        assert!(manager.is_alive(&node));
        manager.expire(Instant::ZERO + HEARTBEAT * GRACE);
        assert!(!manager.is_alive(&node));
        let ask = Ask::Session { node: node.clone(), seen: 0, ended: Vec::new(), reports: Vec::new() };
        let answer = manager.answer(Instant::ZERO + HEARTBEAT * GRACE, ask);
        assert!(matches!(answer, Answer::Session { members: Some(members), .. } if members.len() == 2));
        assert!(manager.is_alive(&node));
        let (found, _) = manager.find_node("node2").unwrap();
        assert_eq!(manager.remove_node(Instant::ZERO, &found, false), Err(Refusal::NotDown(node.clone())));
        manager.answer(Instant::ZERO, Ask::Leave { node: node.clone() });
        assert!(manager.is_alive(&node), "nothing says that it has left but that it is not heard");
        manager.expire(Instant::ZERO + HEARTBEAT * GRACE * 2);
        assert_eq!(manager.remove_node(Instant::ZERO, &found, false), Ok(()));
        assert_eq!(
            manager.answer(Instant::ZERO, Ask::Session { node, seen: 0, ended: Vec::new(), reports: Vec::new() }),
            Answer::Unknown
        );
    }

    #[test]
    fn a_session_tells_of_nodes_only_when_they_have_changed() {
        let mut manager = manager();
        let token = manager.cluster().worker.to_string();
        let Answer::Joined { node, .. } = join(&mut manager, &token) else {
            panic!("the token is right");
        };
        let seen = manager.store().revision();
        let answer = manager.answer(Instant::ZERO, Ask::Session { node, seen, ended: Vec::new(), reports: Vec::new() });
        let managers = manager.managers();
        let (members, assigned, ingress, heartbeat) = (None, None, None, HEARTBEAT);
        let expected = Answer::Session {
            revision: seen,
            members,
            assigned,
            role: Role::Worker,
            managers,
            ingress,
            heartbeat,
            wanted: None,
        };
        assert_eq!(answer, expected);
    }

    #[test]
    fn a_token_opens_one_cluster_only() {
        let (mut manager, mut rng) = (manager(), Seed(2).stream("other"));
        let foreign = Token::random(&token::digest(&mut rng), &mut rng).to_string();
        let old = manager.cluster().worker.to_string();
        let refused = |answer: Answer| match answer {
            Answer::Refused(text) => text,
            other => panic!("{other:?}"),
        };
        assert!(refused(join(&mut manager, &foreign)).starts_with("remote CA does not match fingerprint. Expected: "));
        let (version, settings) = (Cluster::version(manager.store()), manager.cluster().settings.clone());
        let rotation = Rotation { worker: true, ..Rotation::default() };
        assert_eq!(manager.configure(Instant::ZERO, version, settings.clone(), rotation), Ok(()));
        assert_eq!(manager.configure(Instant::ZERO, version, settings, rotation), Err(Refusal::OutOfSequence));
        let needed = "rpc error: code = InvalidArgument desc = A valid join token is necessary to join this cluster";
        assert_eq!(refused(join(&mut manager, &old)), needed);
        assert_eq!(refused(join(&mut manager, "")), needed);
    }

    #[test]
    fn who_shall_decide_is_a_candidate_until_it_has_come_to_decide() {
        let mut manager = manager();
        let token = manager.cluster().manager.to_string();
        let Answer::Joined { node, role: Role::Manager, managers, .. } = join(&mut manager, &token) else {
            panic!("the token is right");
        };
        assert_eq!((managers.len(), manager.candidate(&node)), (1, Some(ADDR)), "it may not be reached there");
        manager.answer(Instant::ZERO, Ask::Enlist { node: node.clone() });
        assert_eq!((manager.managers().len(), manager.candidate(&node)), (2, None));
    }

    #[test]
    fn a_key_comes_and_goes_with_the_lock_and_changes_when_it_is_wanted() {
        let mut manager = manager();
        let mut set = |locks: bool, key: bool| {
            let version = Cluster::version(manager.store());
            let settings = Settings::default().locking(locks);
            let rotation = Rotation { key, ..Rotation::default() };
            manager.configure(Instant::ZERO, version, settings, rotation).unwrap();
            manager.cluster().key.clone()
        };
        let first = set(true, false);
        assert!(first.is_some());
        assert_eq!(set(true, false), first);
        assert_ne!(set(true, true), first);
        assert_eq!(set(false, false), None);
    }

    #[test]
    fn of_two_who_change_a_node_the_second_is_refused() {
        let mut manager = manager();
        let (node, version) = manager.find_node(manager.node()).unwrap();
        let spec = NodeSpec { availability: Availability::Drain, ..node.spec.clone() };
        assert_eq!(manager.update_node(Instant::ZERO, &node, version, spec.clone()), Ok(()));
        assert_eq!(manager.update_node(Instant::ZERO, &node, version, spec), Err(Refusal::OutOfSequence));
        let worker = NodeSpec { role: Role::Worker, ..node.spec.clone() };
        assert_eq!(manager.update_node(Instant::ZERO, &node, version, worker), Err(Refusal::LastManager));
    }
}
