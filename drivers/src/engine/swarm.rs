//! `/swarm`: an engine begins a cluster, joins one, leaves it. What the nodes of it say to each other is carried by
//! [`carry`]; what they mean by it is the cluster's.

mod address;
mod attach;
mod carry;
mod council;
mod tidings;
mod work;

use core::net::{IpAddr, SocketAddr};

use netyard_sim::time::{Duration, Instant};
use netyard_sim::userland::Request;
use netyard_sim::world::World;
use serde::Deserialize;
use serde_json::{Value, json};

use super::request::{json_body, shape};
use super::{Call, Engine, ExchangeId, Reply};
use crate::cluster::CONTROL_PORT;
use crate::cluster::gossip::Gossip;
use crate::cluster::manager::{self, Cluster, HEARTBEAT, Manager};
use crate::cluster::message::{Ask, Manager as Managing};
use crate::cluster::object::{Availability, Network, Role};
use crate::cluster::raft::Raft;
use crate::cluster::store::Store;
use crate::cluster::token::Token;
use crate::date;
use crate::error::{Error, SwarmError};
use carry::{Calls, Purpose};
use council::Held;
use tidings::Tidings;
use work::Work;

pub(super) use attach::{Parked, Then};

/// How long somebody who joins waits for a manager that refuses connections.
const REFUSED_FOR: Duration = Duration::from_secs(10);
/// How long whoever asked for it waits at all.
const JOIN_FOR: Duration = Duration::from_secs(20);
/// How long the manager is told that a node leaves.
const LEAVE_FOR: Duration = Duration::from_secs(1);
/// Who asks where nobody waits for the answer: the node itself, for another one.
const NOBODY: ExchangeId = ExchangeId(u64::MAX);
/// The number of digits by which a node is shown among the peers of a network.
const PEER_DIGITS: usize = 12;

/// How far an engine has come into its cluster.
#[derive(Clone, Debug)]
enum Stage {
    /// It knocks.
    Joining(Joining),
    Active,
    /// It says good-bye; who asked for it waits until then at the latest.
    Leaving {
        exchange: ExchangeId,
        until: Instant,
    },
}

/// A node that is not one yet.
#[derive(Clone, Debug)]
struct Joining {
    /// Who waits; nobody any more when it takes too long.
    exchange: Option<ExchangeId>,
    since: Instant,
    remote: SocketAddr,
    token: String,
    availability: Availability,
    /// When it knocks again.
    again: Option<Instant>,
}

/// The place of an engine in a cluster.
#[derive(Clone, Debug)]
pub(super) struct Swarm {
    stage: Stage,
    /// Where the others reach it.
    addr: IpAddr,
    /// Its own id; nothing before it has one.
    node: String,
    /// What it agrees on with other managers, when it is one.
    raft: Option<Raft>,
    /// What decides, when it leads them.
    manager: Option<Manager>,
    /// Answers that wait for other managers.
    held: Vec<Held>,
    /// Who waits for it to be a manager, and until when.
    welcome: Option<(ExchangeId, Instant)>,
    /// Where managers are asked.
    managers: Vec<Managing>,
    /// Which of them is asked next.
    turn: usize,
    gossip: Gossip,
    calls: Calls,
    /// The revision of the store that it knows of.
    seen: u64,
    /// When it says again that it is there.
    session_at: Option<Instant>,
    /// The tasks of which the manager does not know yet that they have ended.
    ended: Vec<String>,
    /// The state of its endpoints that the others know.
    told: u64,
    /// The tasks that it has.
    work: Work,
    /// What a manager has told of.
    tidings: Tidings,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct InitAsked {
    listen_addr: Option<String>,
    advertise_addr: Option<String>,
    data_path_addr: Option<String>,
    data_path_port: Option<u32>,
    auto_lock_managers: Option<bool>,
    force_new_cluster: Option<bool>,
    availability: Option<String>,
    default_addr_pool: Option<Vec<String>>,
    spec: Option<Value>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct JoinAsked {
    listen_addr: Option<String>,
    advertise_addr: Option<String>,
    data_path_addr: Option<String>,
    remote_addrs: Option<Vec<String>>,
    join_token: Option<String>,
    availability: Option<String>,
}

impl Swarm {
    /// When something is to be done about it.
    pub(super) fn next_at(&self) -> Option<Instant> {
        let stage = match &self.stage {
            Stage::Joining(joining) => {
                let patience = joining.exchange.map(|_| joining.since + JOIN_FOR);
                joining.again.into_iter().chain(patience).min()
            }
            Stage::Leaving { until, .. } => Some(*until),
            Stage::Active => {
                let manager = self.manager.as_ref().and_then(Manager::next_at);
                let all = self.gossip.next_at().into_iter().chain(self.session_at).chain(manager);
                all.chain(self.council_next_at()).min()
            }
        };
        stage.into_iter().chain(self.calls.next_at()).min()
    }
}

/// A request that the node makes to its own engine.
fn own_request(method: &'static str, target: String, body: String) -> Request {
    let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
    Request { method, target, headers, body: body.into_bytes() }
}

impl Engine {
    /// The rest of `/swarm`.
    pub(super) fn route_swarm(
        &mut self,
        world: &mut World,
        method: &str,
        rest: &[&str],
        call: &Call<'_>,
    ) -> Result<Reply, Error> {
        match (method, rest) {
            ("GET", []) => {
                self.manager().map(|manager| Reply::ok(&self.swarm_json(manager.store(), manager.cluster())))
            }
            ("POST", ["init"]) => self.swarm_init(world, call),
            ("POST", ["join"]) => self.swarm_join(world, call),
            ("POST", ["leave"]) => self.swarm_leave(world, call),
            ("POST", ["update"]) => self.swarm_update(world, call),
            ("GET", ["unlockkey"]) => self.manager().map(|_| Reply::ok(&json!({ "UnlockKey": "" }))),
            ("POST", ["unlock"]) => Err(match self.swarm {
                Some(_) => SwarmError::Said("swarm is not locked".to_owned()).into(),
                None => SwarmError::Outside.into(),
            }),
            _ => Err(Error::PageUnknown),
        }
    }

    /// What a cluster may have and this one has not.
    pub(super) fn no_such_object(&self, method: &str, rest: &[&str]) -> Result<Reply, Error> {
        self.manager()?;
        match (method, rest) {
            ("GET", []) => Ok(Reply::ok(&json!([]))),
            ("GET" | "DELETE", [name, ..]) => {
                Err(SwarmError::Unknown { kind: "object", term: (*name).to_owned() }.into())
            }
            _ => Err(Error::Unsupported("keep secrets and configurations")),
        }
    }

    /// The manager, on a node that decides.
    pub(super) fn manager(&self) -> Result<&Manager, Error> {
        match &self.swarm {
            Some(Swarm { manager: Some(manager), .. }) => Ok(manager),
            Some(Swarm { raft: Some(_), .. }) => Err(SwarmError::NoLeader.into()),
            Some(Swarm { stage: Stage::Active, .. }) => Err(SwarmError::Worker.into()),
            _ => Err(Error::SwarmInactive),
        }
    }

    /// The same, to be changed.
    pub(super) fn manager_mut(&mut self) -> Result<&mut Manager, Error> {
        self.manager()?;
        Ok(self.swarm.as_mut().and_then(|swarm| swarm.manager.as_mut()).expect("it was just found"))
    }

    fn swarm_init(&mut self, world: &mut World, call: &Call<'_>) -> Result<Reply, Error> {
        let asked: InitAsked = json_body(call.request, shape::SWARM_INIT)?;
        self.check_swarm_mode()?;
        if asked.force_new_cluster == Some(true) && self.swarm.is_some() {
            return self.swarm_rule_alone(world);
        }
        if self.swarm.is_some() {
            return Err(SwarmError::Active.into());
        }
        check_settings(&asked.spec.unwrap_or_default())?;
        if asked.auto_lock_managers == Some(true) {
            return Err(Error::Unsupported("lock managers"));
        }
        if asked.data_path_port.is_some_and(|port| port != 0 && port != 4789) {
            return Err(Error::Unsupported("move VXLAN to another port"));
        }
        if asked.default_addr_pool.is_some_and(|pools| !pools.is_empty()) {
            return Err(Error::Unsupported("change the address pools of a swarm"));
        }
        let availability = availability(asked.availability.as_deref())?;
        let listen = asked.listen_addr.unwrap_or_default();
        let addr = self.advertised(world, &listen, asked.advertise_addr.as_deref().unwrap_or_default())?;
        let data = self.data_path(world, asked.data_path_addr.as_deref().unwrap_or_default())?.unwrap_or(addr);
        self.open_post(world, Some(CONTROL_PORT))?;
        let now = world.now();
        let seed = self.cluster_seed();
        let manager = Manager::new(seed.stream("cluster"), now, &self.host.name, addr, availability);
        let node = manager.node().to_owned();
        let raft = Raft::alone(node.clone(), 1, manager.store().clone(), seed.stream("raft"));
        let managers = manager.managers();
        let mut swarm = self.new_swarm(Stage::Active, addr);
        swarm.gossip = Gossip::new(node.clone(), self.peer_name(), data);
        (swarm.node, swarm.managers, swarm.manager, swarm.raft) = (node.clone(), managers, Some(manager), Some(raft));
        self.swarm = Some(swarm);
        let ingress = self.manager_mut()?.ingress_of(&node);
        self.have_ingress(world, ingress);
        self.manager_changed(world);
        self.discover_itself();
        Ok(Reply::ok(&node))
    }

    /// A manager that has lost the others goes on without them.
    fn swarm_rule_alone(&mut self, world: &mut World) -> Result<Reply, Error> {
        let (now, seed) = (world.now(), self.cluster_seed());
        let Some(swarm) = &mut self.swarm else { return Err(SwarmError::Outside.into()) };
        let Some(raft) = &swarm.raft else { return Err(SwarmError::Worker.into()) };
        let (node, term) = (swarm.node.clone(), raft.term() + 1);
        let Some(mut manager) = Manager::successor(raft.latest(), &node, now, seed.stream("cluster")) else {
            return Err(SwarmError::NoLeader.into());
        };
        manager.rule_alone(now);
        swarm.raft = Some(Raft::alone(node.clone(), term, manager.store().clone(), seed.stream("raft")));
        (swarm.manager, swarm.session_at) = (Some(manager), None);
        swarm.work.tell_again();
        self.manager_changed(world);
        Ok(Reply::ok(&node))
    }

    /// Whether it may be in a swarm at all.
    fn check_swarm_mode(&self) -> Result<(), SwarmError> {
        if self.sharing.is_some() { Err(SwarmError::SharesStore) } else { Ok(()) }
    }

    /// Every node has the network by which ports are published.
    fn have_ingress(&mut self, world: &mut World, ingress: Option<(Network, IpAddr)>) {
        if let Some((network, own)) = ingress {
            // A host where its number is taken by hand is without, as in a real engine, which logs it.
            let _ = self.have_network(world, &network, Some(own));
        }
    }

    fn new_swarm(&self, stage: Stage, addr: IpAddr) -> Swarm {
        Swarm {
            stage,
            addr,
            node: String::new(),
            raft: None,
            manager: None,
            held: Vec::new(),
            welcome: None,
            managers: Vec::new(),
            turn: 0,
            gossip: Gossip::new(String::new(), String::new(), addr),
            calls: Calls::default(),
            seen: 0,
            session_at: None,
            ended: Vec::new(),
            told: 0,
            work: Work::default(),
            tidings: Tidings::default(),
        }
    }

    /// The name by which a node is shown among the peers of a network.
    fn peer_name(&mut self) -> String {
        (0..PEER_DIGITS).map(|_| format!("{:x}", self.ids.u32() >> 28)).collect()
    }

    fn cluster_seed(&mut self) -> netyard_sim::rng::Seed {
        netyard_sim::rng::Seed(self.ids.u64())
    }

    fn swarm_join(&mut self, world: &mut World, call: &Call<'_>) -> Result<Reply, Error> {
        let asked: JoinAsked = json_body(call.request, shape::SWARM_JOIN)?;
        self.check_swarm_mode()?;
        if self.swarm.is_some() {
            return Err(SwarmError::Active.into());
        }
        let remotes = asked.remote_addrs.unwrap_or_default();
        let Some(remote) = remotes.first() else {
            return Err(SwarmError::Address("at least 1 RemoteAddr is required to join".to_owned()).into());
        };
        let remote = address::remote(remote)?;
        let token = asked.join_token.unwrap_or_default();
        if !token.is_empty() && Token::parse(&token).is_none() {
            return Err(SwarmError::Token.into());
        }
        let availability = availability(asked.availability.as_deref())?;
        let listen = asked.listen_addr.unwrap_or_default();
        let addr = match asked.advertise_addr.as_deref().unwrap_or_default() {
            "" => self.source_towards(world, remote.ip()).map_or_else(|| self.advertised(world, &listen, ""), Ok)?,
            given => self.advertised(world, &listen, given)?,
        };
        let data = self.data_path(world, asked.data_path_addr.as_deref().unwrap_or_default())?.unwrap_or(addr);
        self.open_post(world, None)?;
        let exchange = Some(call.exchange);
        let joining = Joining { exchange, since: world.now(), remote, token, availability, again: Some(world.now()) };
        let mut swarm = self.new_swarm(Stage::Joining(joining), addr);
        swarm.gossip = Gossip::new(String::new(), self.peer_name(), data);
        self.swarm = Some(swarm);
        self.poll_swarm(world);
        Ok(Reply::Later)
    }

    /// Knocks, when it is time, and lets go whoever has waited too long.
    fn go_on_joining(&mut self, world: &mut World) {
        let (now, hostname) = (world.now(), self.host.name.clone());
        let Some(Swarm { stage: Stage::Joining(joining), addr, .. }) = &mut self.swarm else { return };
        let overdue = joining.exchange.take_if(|_| joining.since + JOIN_FOR <= now);
        if joining.again.is_some_and(|at| at <= now) {
            joining.again = None;
            let (remote, token, availability) = (joining.remote, joining.token.clone(), joining.availability);
            let ask = Ask::Join { token, hostname, addr: *addr, availability };
            self.ask(world, remote, &ask, Purpose::Join);
        }
        if let Some(exchange) = overdue {
            self.refuse(exchange, &SwarmError::JoinTimeout.into());
        }
    }

    /// Nobody answered the knocking. A manager that is being started is given some time.
    fn knocked_in_vain(&mut self, world: &mut World, why: &str) {
        let now = world.now();
        let Some(Swarm { stage: Stage::Joining(joining), .. }) = &mut self.swarm else { return };
        let is_refused = why == "Connection refused";
        if is_refused && joining.exchange.is_some() && joining.since + REFUSED_FOR <= now {
            let said = format!(
                "rpc error: code = Unavailable desc = connection error: desc = \"transport: Error while dialing dial tcp \
                 {}: connect: connection refused\"",
                joining.remote
            );
            return self.join_refused(world, said);
        }
        joining.again = Some(now + Duration::from_secs(1));
    }

    /// The manager does not want it.
    fn join_refused(&mut self, world: &mut World, said: String) {
        let Some(Swarm { stage: Stage::Joining(joining), .. }) = &self.swarm else { return };
        let exchange = joining.exchange;
        self.forget_swarm(world);
        if let Some(exchange) = exchange {
            self.refuse(exchange, &SwarmError::Said(said).into());
        }
    }

    /// It is a node now.
    fn joined(
        &mut self,
        world: &mut World,
        (node, role): (String, Role),
        managers: Vec<Managing>,
        ingress: Option<(Network, IpAddr)>,
    ) {
        let now = world.now();
        let Some(swarm) = &mut self.swarm else { return };
        let Stage::Joining(Joining { exchange, .. }) = swarm.stage else { return };
        let (name, data) = (swarm.gossip.itself().name.to_owned(), swarm.gossip.itself().data);
        swarm.gossip = Gossip::new(node.clone(), name, data);
        (swarm.stage, swarm.node, swarm.managers, swarm.session_at) = (Stage::Active, node, managers, Some(now));
        self.have_ingress(world, ingress);
        self.discover_itself();
        match (role, exchange) {
            (Role::Manager, exchange) => {
                self.become_manager(world);
                let welcome = exchange.map(|exchange| (exchange, now + council::PATIENCE));
                self.swarm.as_mut().expect("it has just joined").welcome = welcome;
            }
            (Role::Worker, Some(exchange)) => self.answer(exchange, 200, super::Media::None, ""),
            (Role::Worker, None) => {}
        }
        self.poll_swarm(world);
    }

    /// Plugins whose networks go across hosts hear where this host is.
    fn discover_itself(&mut self) {
        if let Some(addr) = self.swarm.as_ref().map(|swarm| swarm.addr) {
            self.controller.discover(addr);
        }
    }

    /// Whoever waited for the join is gone; the join goes on.
    pub(super) fn cancel_join(&mut self, exchange: ExchangeId) {
        let Some(swarm) = &mut self.swarm else { return };
        swarm.welcome.take_if(|(waiting, _)| *waiting == exchange);
        if let Stage::Joining(joining) = &mut swarm.stage {
            joining.exchange.take_if(|waiting| *waiting == exchange);
        }
    }

    fn swarm_leave(&mut self, world: &mut World, call: &Call<'_>) -> Result<Reply, Error> {
        let force = call.target.query.flag("force");
        let now = world.now();
        let Some(swarm) = &mut self.swarm else { return Err(SwarmError::Outside.into()) };
        if swarm.raft.is_some() && !force {
            return self.leave_refused(world, call);
        }
        let is_node = matches!(swarm.stage, Stage::Active);
        let manager = swarm.whom_to_ask().filter(|_| swarm.manager.is_none() && is_node);
        let Some(manager) = manager else {
            if let Stage::Joining(Joining { exchange: Some(waiting), .. }) = swarm.stage {
                self.refuse(waiting, &SwarmError::Said("context canceled".to_owned()).into());
            }
            self.forget_swarm(world);
            return Ok(Reply::Empty(200));
        };
        swarm.stage = Stage::Leaving { exchange: call.exchange, until: now + LEAVE_FOR };
        let ask = Ask::Leave { node: swarm.node.clone() };
        self.ask(world, manager, &ask, Purpose::Leave);
        Ok(Reply::Later)
    }

    /// It has said good-bye, or tried to for long enough.
    fn left(&mut self, world: &mut World) {
        let Some(Swarm { stage: Stage::Leaving { exchange, .. }, .. }) = self.swarm else { return };
        self.forget_swarm(world);
        self.answer(exchange, 200, super::Media::None, "");
    }

    /// It is in no cluster any more.
    fn forget_swarm(&mut self, world: &mut World) {
        self.give_up_work(world);
        self.give_up_networks(world);
        self.close_post(world);
        self.swarm = None;
    }

    fn swarm_update(&mut self, world: &mut World, call: &Call<'_>) -> Result<Reply, Error> {
        let query = &call.target.query;
        let (worker, manager) = (query.flag("rotateWorkerToken"), query.flag("rotateManagerToken"));
        self.manager()?;
        check_settings(&json_body(call.request, shape::SWARM_SPEC)?)?;
        let deciding = self.manager_mut()?;
        deciding.rotate(world.now(), worker, manager);
        self.manager_changed(world);
        Ok(Reply::Empty(200))
    }

    fn swarm_json(&self, store: &Store, cluster: &Cluster) -> Value {
        let mut json = self.cluster_json(store, cluster);
        let Cluster { worker, manager, .. } = cluster;
        json["JoinTokens"] = json!({ "Worker": worker.to_string(), "Manager": manager.to_string() });
        json
    }

    fn cluster_json(&self, store: &Store, cluster: &Cluster) -> Value {
        let at = |nanos: u64| date::rfc3339(self.epoch, Instant::from_nanos(nanos));
        let Cluster { id, created, updated, .. } = cluster;
        json!({
            "ID": id,
            "Version": { "Index": store.revision() },
            "CreatedAt": at(*created),
            "UpdatedAt": at(*updated),
            "Spec": settings(),
            "TLSInfo": {},
            "RootRotationInProgress": false,
            "DefaultAddrPool": null,
            "SubnetSize": 24,
            "DataPathPort": 4789,
        })
    }

    /// What `/info` says of it.
    pub(super) fn swarm_at_a_glance(&self) -> Value {
        let Some(swarm) = &self.swarm else {
            return json!({ "NodeID": "", "NodeAddr": "", "LocalNodeState": "inactive", "ControlAvailable": false,
                "Error": "", "RemoteManagers": null });
        };
        let managers = swarm.managers.iter().map(|m| json!({ "NodeID": m.node, "Addr": m.addr.to_string() }));
        let mut managers: Vec<Value> = managers.collect();
        let state = match &swarm.stage {
            Stage::Joining(Joining { remote, .. }) => {
                managers.push(json!({ "NodeID": "", "Addr": remote.to_string() }));
                "pending"
            }
            Stage::Active | Stage::Leaving { .. } => "active",
        };
        let mut glance = json!({
            "NodeID": swarm.node, "NodeAddr": swarm.addr.to_string(), "LocalNodeState": state,
            "ControlAvailable": swarm.raft.is_some(), "Error": "", "RemoteManagers": managers,
        });
        let Some(raft) = &swarm.raft else { return glance };
        let store = swarm.manager.as_ref().map_or_else(|| raft.store(), Manager::store);
        match Cluster::of(store).filter(|_| raft.leader().is_some()) {
            Some(cluster) => {
                glance["Nodes"] = json!(manager::count_nodes(store));
                glance["Managers"] = json!(manager::managers_in(store).len());
                glance["Cluster"] = self.cluster_json(store, &cluster);
            }
            None => glance["Error"] = json!(SwarmError::NoLeader.to_string()),
        }
        glance
    }
}

/// What every swarm is set to.
fn settings() -> Value {
    json!({
        "Name": "default",
        "Labels": {},
        "Orchestration": { "TaskHistoryRetentionLimit": 5 },
        "Raft": { "SnapshotInterval": 10_000, "KeepOldSnapshots": 0, "LogEntriesForSlowFollowers": 500,
            "ElectionTick": 10, "HeartbeatTick": 1 },
        "Dispatcher": { "HeartbeatPeriod": u64::try_from(HEARTBEAT.as_nanos()).expect("it is seconds") },
        "CAConfig": { "NodeCertExpiry": 7_776_000_000_000_000_u64 },
        "TaskDefaults": {},
        "EncryptionConfig": { "AutoLockManagers": false },
    })
}

/// Whether what is asked for is what every swarm is set to.
fn check_settings(asked: &Value) -> Result<(), Error> {
    let usual = settings();
    if asked["EncryptionConfig"]["AutoLockManagers"] == true {
        return Err(Error::Unsupported("lock managers"));
    }
    let parts = asked.as_object().into_iter().flatten();
    let mut fields = parts.flat_map(|(part, fields)| {
        fields.as_object().into_iter().flatten().map(move |(field, value)| (part, field, value))
    });
    match fields.find(|(part, field, value)| !value.is_null() && usual[part.as_str()][field.as_str()] != **value) {
        Some(_) => Err(Error::Unsupported("change the settings of a swarm")),
        None => Ok(()),
    }
}

/// What `Availability` of a request says.
fn availability(text: Option<&str>) -> Result<Availability, SwarmError> {
    let word = text.filter(|text| !text.is_empty()).unwrap_or("active");
    Availability::parse(word).ok_or_else(|| SwarmError::Word { field: "Availability", word: word.to_owned() })
}
