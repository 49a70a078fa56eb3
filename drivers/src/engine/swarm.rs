//! `/swarm`: an engine begins a cluster, joins one, leaves it. What the nodes of it say to each other is carried by
//! [`carry`]; what they mean by it is the cluster's.

mod address;
mod attach;
mod carry;
mod council;
mod prints;
mod readers;
mod tidings;
mod work;

use core::net::{IpAddr, SocketAddr};

use netyard_sim::addr::IpNetwork;
use netyard_sim::time::{Duration, Instant};
use netyard_sim::userland::Request;
use netyard_sim::world::World;
use serde::Deserialize;
use serde_json::{Value, json};

use super::request::{json_body, shape};
use super::{Call, Engine, ExchangeId, Output, Reply};
use crate::cluster::broker::Broker;
use crate::cluster::gossip::Gossip;
use crate::cluster::manager::{self, Cluster, Manager, Pools, Rotation};
use crate::cluster::message::{Ask, Manager as Managing};
use crate::cluster::object::{Availability, Network, Role};
use crate::cluster::raft::Raft;
use crate::cluster::settings::{HEARTBEAT, Settings};
use crate::cluster::store::Store;
use crate::cluster::token::{self, Token};
use crate::date;
use crate::error::{Error, SwarmError};
use crate::ipam::parse_prefix;
use crate::shape::Shape;
use carry::{Calls, Purpose};
use council::Held;
use prints::Prints;
use readers::Reader;
use tidings::Tidings;
use work::Work;

pub(super) use attach::{Parked, Then};
pub(super) use readers::Kind as Logged;

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
    /// Its engine has started again, and what it knows of the cluster is locked.
    Locked,
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
    /// Where the others reach it, with the port at which it is asked when it decides.
    addr: SocketAddr,
    /// Where it listens.
    listen: SocketAddr,
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
    /// How often it does.
    heartbeat: Duration,
    /// The tasks of which the manager does not know yet that they have ended.
    ended: Vec<String>,
    /// The state of its endpoints that the others know.
    told: u64,
    /// The tasks that it has.
    work: Work,
    /// What a manager has told of.
    tidings: Tidings,
    /// Who wants to read logs, when it leads.
    broker: Broker,
    /// Who reads them here.
    readers: Vec<Reader>,
    /// What of the logs of its own tasks is wanted.
    prints: Prints,
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
    subnet_size: Option<u32>,
    spec: Option<Value>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct UnlockAsked {
    unlock_key: Option<String>,
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
            Stage::Locked => None,
            Stage::Active => {
                let manager = self.manager.as_ref().and_then(Manager::next_at);
                let all = self.gossip.next_at().into_iter().chain(self.session_at).chain(manager);
                let logs = self.readers.iter().filter_map(Reader::next_at).chain(self.prints.next_at());
                all.chain(self.council_next_at()).chain(logs).min()
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
            ("GET", ["unlockkey"]) => {
                let key = self.manager()?.cluster().key.clone().unwrap_or_default();
                Ok(Reply::ok(&json!({ "UnlockKey": key })))
            }
            ("POST", ["unlock"]) => self.swarm_unlock(world, call),
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
            Some(Swarm { stage: Stage::Locked, .. }) => Err(SwarmError::Locked.into()),
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
        let settings = Settings::begun(&asked.spec.unwrap_or_default())?;
        let locks = settings.locks() || asked.auto_lock_managers == Some(true);
        let settings = settings.locking(locks);
        if asked.data_path_port.is_some_and(|port| port != 0 && port != 4789) {
            return Err(Error::Unsupported("move VXLAN to another port"));
        }
        let pools = pools(&asked.default_addr_pool.unwrap_or_default(), asked.subnet_size.unwrap_or_default())?;
        let availability = availability(asked.availability.as_deref())?;
        let listen = self.listens_at(world, &asked.listen_addr.unwrap_or_default())?;
        let addr = self.advertised(world, listen.port(), asked.advertise_addr.as_deref().unwrap_or_default())?;
        let data =
            self.data_path(world, asked.data_path_addr.as_deref().unwrap_or_default())?.unwrap_or_else(|| addr.ip());
        self.open_post(world, listen, true)?;
        let now = world.now();
        let seed = self.cluster_seed();
        let manager =
            Manager::new(seed.stream("cluster"), now, (&self.host.name, addr, availability), (settings, pools));
        let node = manager.node().to_owned();
        let raft = Raft::alone(node.clone(), 1, manager.store().clone(), seed.stream("raft"));
        let managers = manager.managers();
        let mut swarm = self.new_swarm(Stage::Active, addr, listen);
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

    /// The node has the network by which ports are published, and no other one that was.
    pub(super) fn have_only_ingress(&mut self, world: &mut World, ingress: Option<(Network, IpAddr)>) {
        let known = ingress.as_ref().and_then(|(network, _)| crate::id::Id::parse(&network.id));
        self.give_up_ingress_but(world, known);
        self.have_ingress(world, ingress);
    }

    /// The leader's own node has what it has decided about the network by which ports are published.
    pub(in crate::engine) fn refresh_ingress(&mut self, world: &mut World) {
        let Some(Swarm { manager: Some(manager), node, .. }) = &mut self.swarm else { return };
        let ingress = manager.ingress_of(node);
        self.have_only_ingress(world, ingress);
        self.manager_changed(world);
    }

    fn new_swarm(&self, stage: Stage, addr: SocketAddr, listen: SocketAddr) -> Swarm {
        Swarm {
            stage,
            addr,
            listen,
            node: String::new(),
            raft: None,
            manager: None,
            held: Vec::new(),
            welcome: None,
            managers: Vec::new(),
            turn: 0,
            gossip: Gossip::new(String::new(), String::new(), addr.ip()),
            calls: Calls::default(),
            seen: 0,
            session_at: None,
            heartbeat: HEARTBEAT,
            ended: Vec::new(),
            told: 0,
            work: Work::default(),
            tidings: Tidings::default(),
            broker: Broker::default(),
            readers: Vec::new(),
            prints: Prints::default(),
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
        let listen = self.listens_at(world, &asked.listen_addr.unwrap_or_default())?;
        let given = asked.advertise_addr.as_deref().filter(|given| !given.is_empty());
        // An address that is none is not needed: the others see from where it speaks.
        let given = given.and_then(|given| self.advertised(world, listen.port(), given).ok());
        let seen = || self.source_towards(world, remote.ip()).map(|ip| SocketAddr::new(ip, listen.port()));
        let addr = given.or_else(seen).map_or_else(|| self.advertised(world, listen.port(), ""), Ok)?;
        let data =
            self.data_path(world, asked.data_path_addr.as_deref().unwrap_or_default())?.unwrap_or_else(|| addr.ip());
        self.open_post(world, listen, false)?;
        let exchange = Some(call.exchange);
        let joining = Joining { exchange, since: world.now(), remote, token, availability, again: Some(world.now()) };
        let mut swarm = self.new_swarm(Stage::Joining(joining), addr, listen);
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
            let said = SwarmError::ManagerAway(joining.remote).to_string();
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
                if let Err(stopped) = self.become_manager(world) {
                    self.forget_swarm(world);
                    exchange.into_iter().for_each(|exchange| self.refuse(exchange, &stopped.clone().into()));
                    return;
                }
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
        if let Some(addr) = self.swarm_addr() {
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
        if matches!(swarm.stage, Stage::Locked) && !force {
            let why = "Swarm is encrypted and locked. Please unlock it first or use `--force` to ignore this message.";
            return Err(SwarmError::Said(why.to_owned()).into());
        }
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
        let readers = self.drop_readers().into_iter().map(|exchange| Output::End { exchange });
        self.outbox.extend(readers);
        self.give_up_work(world);
        self.give_up_networks(world);
        self.close_post(world);
        self.swarm = None;
    }

    fn swarm_update(&mut self, world: &mut World, call: &Call<'_>) -> Result<Reply, Error> {
        let query = &call.target.query;
        let rotation = Rotation {
            worker: query.flag("rotateWorkerToken"),
            manager: query.flag("rotateManagerToken"),
            key: query.flag("rotateManagerUnlockKey"),
        };
        self.manager()?;
        let settings = Settings::changed(&json_body(call.request, shape::SWARM_SPEC)?)?;
        let version = query.version("swarm")?;
        self.manager_mut()?.configure(world.now(), version, settings, rotation)?;
        self.manager_changed(world);
        Ok(Reply::Empty(200))
    }

    /// Whether what its engine knows of the cluster is locked from now on: it has started again.
    pub(in crate::engine) fn lock_swarm(&mut self) -> bool {
        let Some(swarm) = &mut self.swarm else { return false };
        let key = swarm.raft.as_ref().and_then(|raft| Cluster::of(raft.store())).and_then(|cluster| cluster.key);
        let locks = key.is_some() && matches!(swarm.stage, Stage::Active | Stage::Locked);
        if locks {
            swarm.stage = Stage::Locked;
        }
        locks
    }

    fn swarm_unlock(&mut self, world: &mut World, call: &Call<'_>) -> Result<Reply, Error> {
        let said = |text: &str| Err(SwarmError::Said(text.to_owned()).into());
        let Some(swarm) = &mut self.swarm else { return Err(SwarmError::Outside.into()) };
        if !matches!(swarm.stage, Stage::Locked) {
            return said("swarm is not locked");
        }
        let asked: UnlockAsked = json_body(call.request, Shape::Any)?;
        let typed = asked.unlock_key.unwrap_or_default();
        if !token::is_unlock_key(&typed) {
            return said("invalid key string");
        }
        let cluster = swarm.raft.as_ref().and_then(|raft| Cluster::of(raft.store()));
        if cluster.and_then(|cluster| cluster.key) != Some(typed) {
            return said("swarm could not be unlocked: invalid key provided");
        }
        swarm.stage = Stage::Active;
        self.resume_post(world);
        self.poll_swarm(world);
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
        let Cluster { id, created, updated, settings, pools, .. } = cluster;
        let chosen = if pools.chosen.is_empty() { Value::Null } else { json!(pools.chosen) };
        json!({
            "ID": id,
            "Version": { "Index": Cluster::version(store) },
            "CreatedAt": at(*created),
            "UpdatedAt": at(*updated),
            "Spec": settings.told(),
            "TLSInfo": {},
            "RootRotationInProgress": false,
            "DefaultAddrPool": chosen,
            "SubnetSize": pools.size,
            "DataPathPort": 4789,
        })
    }

    /// What `/info` says of it.
    pub(super) fn swarm_at_a_glance(&self) -> Value {
        let Some(swarm) = &self.swarm else {
            return json!({ "NodeID": "", "NodeAddr": "", "LocalNodeState": "inactive", "ControlAvailable": false,
                "Error": "", "RemoteManagers": null });
        };
        if matches!(swarm.stage, Stage::Locked) {
            return json!({ "NodeID": "", "NodeAddr": swarm.addr.ip().to_string(), "LocalNodeState": "locked",
                "ControlAvailable": false, "Error": SwarmError::Locked.to_string(), "RemoteManagers": null });
        }
        let managers = swarm.managers.iter().map(|m| json!({ "NodeID": m.node, "Addr": m.addr.to_string() }));
        let mut managers: Vec<Value> = managers.collect();
        let state = match &swarm.stage {
            Stage::Joining(Joining { remote, .. }) => {
                managers.push(json!({ "NodeID": "", "Addr": remote.to_string() }));
                "pending"
            }
            Stage::Active | Stage::Leaving { .. } | Stage::Locked => "active",
        };
        let mut glance = json!({
            "NodeID": swarm.node, "NodeAddr": swarm.addr.ip().to_string(), "LocalNodeState": state,
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

/// Where networks shall get their subnets.
fn pools(asked: &[String], size: u32) -> Result<Pools, SwarmError> {
    let usual = Pools::default();
    let size = if size == 0 { u32::from(usual.size) } else { size };
    let refuse = |why: String| SwarmError::Address(why);
    let mut chosen: Vec<IpNetwork> = Vec::new();
    for text in asked {
        let net = parse_prefix(text).filter(|net| net.is_ipv4());
        let net = net.ok_or_else(|| refuse(format!("invalid CIDR address: {text}")))?;
        if let Some(other) = chosen.iter().find(|other| other.contains(net.ip()) || net.contains(other.ip())) {
            return Err(refuse(format!("pool {net} overlaps with {other}")));
        }
        if u32::from(net.prefix()) > size {
            return Err(refuse(format!("subnet size {size} is larger than the pool {net}")));
        }
        chosen.push(net);
    }
    let size = u8::try_from(size).ok().filter(|size| (1..=29).contains(size));
    let size = size.ok_or_else(|| refuse("subnet size must be between 1 and 29".to_owned()))?;
    Ok(Pools { chosen: chosen.iter().map(IpNetwork::to_string).collect(), size })
}

/// What `Availability` of a request says.
fn availability(text: Option<&str>) -> Result<Availability, SwarmError> {
    let word = text.filter(|text| !text.is_empty()).unwrap_or("active");
    Availability::parse(word).ok_or_else(|| SwarmError::Word { field: "Availability", word: word.to_owned() })
}
