//! The managers of a cluster at work. What they agree on is carried here; who leads decides, and says so only when a
//! majority has it; the others pass on what they are asked.

use core::net::SocketAddr;

use netyard_sim::time::{Duration, Instant};
use netyard_sim::userland::Request;
use netyard_sim::world::World;
use serde_json::{Value, json};

use super::carry::Purpose;
use super::{NOBODY, Stage, Swarm, own_request};
use crate::cluster::manager::{self, Manager};
use crate::cluster::message::{Answer, Ask, Manager as Managing};
use crate::cluster::object::{Network, Role};
use crate::cluster::post::Order;
use crate::cluster::raft::Raft;
use crate::engine::reply::error_body;
use crate::engine::request::Target;
use crate::engine::{Call, Engine, ExchangeId, Media, Reply};
use crate::error::{Error, SwarmError, TooFew};

/// How long a client waits for the cluster.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);

/// An answer that is given when a majority has what it comes from.
#[derive(Clone, Debug)]
pub(super) struct Held {
    revision: u64,
    until: Instant,
    to: Recipient,
}

/// Who is answered, and what.
#[derive(Clone, Debug)]
pub(super) enum Recipient {
    Client(ExchangeId, Result<Reply, Error>),
    /// A node that called.
    Visitor(u64, Answer),
    /// The leader's own node.
    Itself(Purpose, Answer),
}

impl Swarm {
    /// When something is to be done about what managers have to agree on.
    pub(super) fn council_next_at(&self) -> Option<Instant> {
        let raft = self.raft.as_ref().and_then(Raft::next_at);
        let held = self.held.iter().map(|held| held.until);
        held.chain(raft).chain(self.welcome.map(|(_, until)| until)).min()
    }

    /// Whether the leader's own node waits to be answered what it told.
    pub(super) fn is_told_itself(&self) -> bool {
        self.held.iter().any(|held| matches!(held.to, Recipient::Itself(Purpose::Session(..), _)))
    }

    /// Whether the leader's own node has asked this, and a majority does not have the answer yet.
    pub(super) fn is_asking_itself(&self, purpose: &Purpose) -> bool {
        self.held.iter().any(|held| matches!(&held.to, Recipient::Itself(asked, _) if asked == purpose))
    }

    /// Whom the node asks: the leader, as far as it is known, else any manager.
    pub(super) fn whom_to_ask(&self) -> Option<SocketAddr> {
        if let Some(leader) = self.leader() {
            return Some(leader);
        }
        let others: Vec<&Managing> = self.managers.iter().filter(|manager| manager.node != self.node).collect();
        let turn = self.turn.checked_rem(others.len())?;
        others.get(turn).map(|manager| manager.addr)
    }

    /// Where the leader is, as another manager knows.
    pub(super) fn leader(&self) -> Option<SocketAddr> {
        let raft = self.raft.as_ref()?;
        raft.members().get(raft.leader()?).copied()
    }

    /// Whether it is a manager that does not lead.
    pub(super) const fn follows(&self) -> bool {
        self.raft.is_some() && self.manager.is_none() && matches!(self.stage, Stage::Active)
    }
}

impl Engine {
    /// Where the other nodes reach it.
    pub(in crate::engine) fn swarm_addr(&self) -> Option<core::net::IpAddr> {
        self.swarm.as_ref().map(|swarm| swarm.addr.ip())
    }

    /// Whether it is a manager that does not lead: it passes on what it is asked.
    pub(in crate::engine) fn follows(&self) -> bool {
        self.swarm.as_ref().is_some_and(Swarm::follows)
    }

    /// The networks of the cluster, as far as a manager knows them. Without a leader nobody does.
    pub(in crate::engine) fn known_networks(&self) -> Vec<Network> {
        match &self.swarm {
            Some(Swarm { manager: Some(manager), .. }) => manager.networks(),
            Some(Swarm { raft: Some(raft), .. }) if raft.leader().is_some() => manager::networks_in(raft.store()),
            _ => Vec::new(),
        }
    }

    /// Whether what a client wants is for the leader to decide.
    pub(in crate::engine) fn is_passed_on(&self, method: &str, path: &[String]) -> bool {
        if !self.follows() {
            return false;
        }
        match path {
            [networks, name] if networks == "networks" && method == "DELETE" => {
                let is_other = self.controller.find(name).is_ok_and(|own| !own.is_shared());
                !is_other && manager::find_among(&self.known_networks(), name).is_some()
            }
            [networks, ..] if networks == "networks" => false,
            path => is_of_cluster(path),
        }
    }

    /// Asks the leader what a client wants.
    pub(in crate::engine) fn pass_request(&mut self, world: &mut World, call: &Call<'_>) -> Result<Reply, Error> {
        let leader = self.swarm.as_ref().and_then(Swarm::leader).ok_or(SwarmError::NoLeader)?;
        let Request { method, target, body, .. } = call.request;
        let body = String::from_utf8_lossy(body).into_owned();
        let ask = Ask::Request { method: (*method).to_owned(), target: target.clone(), body };
        let purpose = Purpose::Request(call.exchange, leader, world.now() + PATIENCE);
        self.ask(world, leader, &Ask::Passed(Box::new(ask)), purpose);
        Ok(Reply::Later)
    }

    /// The leader has answered what a client wants; the client is told when this node knows of it, too.
    pub(super) fn take_reply(&mut self, world: &mut World, exchange: ExchangeId, answer: Answer) {
        let now = world.now();
        let (reply, revision) = match answer {
            Answer::Reply { status, body, revision } if body.is_empty() => (Ok(Reply::Empty(status)), revision),
            Answer::Reply { status, body, revision } => (Ok(Reply::Json(status, body)), revision),
            Answer::Refused(why) => (Err(SwarmError::Said(why).into()), 0),
            _ => (Err(SwarmError::NoLeader.into()), 0),
        };
        let Some(swarm) = &mut self.swarm else { return };
        swarm.held.push(Held { revision, until: now + PATIENCE, to: Recipient::Client(exchange, reply) });
        self.deliver_held(world);
    }

    /// The leader did not answer. A client waits for the rest of its time, unless nobody listens there.
    pub(super) fn not_passed(&mut self, exchange: ExchangeId, leader: SocketAddr, until: Instant, why: &str) {
        let Some(swarm) = &mut self.swarm else { return };
        if why == "Connection refused" {
            return self.refuse(exchange, &SwarmError::ManagerAway(leader).into());
        }
        let to = Recipient::Client(exchange, Err(SwarmError::LeaderSilent.into()));
        swarm.held.push(Held { revision: u64::MAX, until, to });
    }

    /// Somebody asks this node as a manager.
    pub(super) fn answer_ask(&mut self, world: &mut World, visit: u64, ask: Ask) {
        let now = world.now();
        let Some(swarm) = &mut self.swarm else { return };
        let Some(raft) = &mut swarm.raft else { return };
        match ask {
            Ask::Raft(said) => {
                let answer = raft.answer(now, said).map_or(Answer::Unknown, Answer::Raft);
                self.answer_visit(world, visit, &answer);
                self.follow_raft(world);
            }
            Ask::Probe => self.answer_visit(world, visit, &Answer::Noted),
            Ask::Passed(ask) if swarm.manager.is_some() => self.decide_for(world, visit, *ask),
            Ask::Passed(_) => self.answer_visit(world, visit, &Answer::Refused(SwarmError::NoLeader.to_string())),
            ask if swarm.manager.is_some() => self.decide_for(world, visit, ask),
            ask => match swarm.leader() {
                Some(leader) => self.ask(world, leader, &Ask::Passed(Box::new(ask)), Purpose::Pass(visit)),
                None => self.answer_visit(world, visit, &Answer::Refused(SwarmError::NoLeader.to_string())),
            },
        }
    }

    /// The leader decides for somebody who called. Who wants to decide with the others is asked first whether it can be, as
    /// with it they may be no majority without it.
    fn decide_for(&mut self, world: &mut World, visit: u64, ask: Ask) {
        if let Ask::Enlist { node } = &ask
            && let Some(Swarm { manager: Some(manager), .. }) = &self.swarm
            && let Some(addr) = manager.candidate(node)
        {
            return self.ask(world, addr, &Ask::Probe, Purpose::Probe(visit, node.clone(), addr));
        }
        match ask {
            Ask::Printed { node, batch } => {
                let answer = self.take_print(world, &node, batch);
                self.answer_visit(world, visit, &answer);
            }
            Ask::Subscribe(wanted) => self.take_subscriber(world, visit, wanted),
            Ask::Read { subscription, heard } => self.take_read(world, visit, subscription, heard),
            ask => self.decide(world, ask, |answer| Recipient::Visitor(visit, answer)),
        }
    }

    /// Who wants to decide can be asked.
    pub(super) fn probed(&mut self, world: &mut World, visit: u64, node: String) {
        self.decide(world, Ask::Enlist { node }, |answer| Recipient::Visitor(visit, answer));
    }

    /// Who has joined to decide cannot be asked: it is no node.
    pub(super) fn not_enlisted(&mut self, world: &mut World, why: &str) {
        let Some(swarm) = &mut self.swarm else { return };
        if let Some((exchange, _)) = swarm.welcome.take() {
            self.forget_swarm(world);
            self.refuse(exchange, &SwarmError::ManagerStopped(format!("can't initialize raft node: {why}")).into());
        }
    }

    pub(super) fn answer_visit(&mut self, world: &mut World, visit: u64, answer: &Answer) {
        if let Some(post) = &self.post {
            post.order(&mut world.processes, &Order::Answer(visit, super::carry::text(answer)));
        }
    }

    /// The node asks its cluster: itself, when it leads.
    pub(super) fn ask_cluster(&mut self, world: &mut World, ask: Ask, purpose: Purpose) {
        let Some(swarm) = &self.swarm else { return };
        if swarm.manager.is_some() {
            return self.decide(world, ask, |answer| Recipient::Itself(purpose, answer));
        }
        if let Some(addr) = swarm.whom_to_ask() {
            self.ask(world, addr, &ask, purpose);
        }
    }

    /// The leader decides; the answer waits for a majority.
    fn decide(&mut self, world: &mut World, ask: Ask, to: impl FnOnce(Answer) -> Recipient) {
        let now = world.now();
        let before = self.revision();
        let Some(Swarm { manager: Some(manager), raft: Some(raft), broker, .. }) = &mut self.swarm else { return };
        let answer = match ask {
            // Members come and go one after the other.
            Ask::Join { .. } | Ask::Enlist { .. } if !raft.is_settled() => Answer::Pending,
            Ask::Request { method, target, body } => self.answer_request(world, &method, &target, body),
            Ask::Session { node, seen, ended, reports } => {
                let mut answer = manager.answer(now, Ask::Session { node: node.clone(), seen, ended, reports });
                if let Answer::Session { wanted, .. } = &mut answer {
                    *wanted = Some((broker.version(), broker.wanted_of(&node)));
                }
                answer
            }
            ask => manager.answer(now, ask),
        };
        let revision = self.revision();
        let Some(swarm) = &mut self.swarm else { return };
        swarm.held.push(Held { revision, until: now + PATIENCE, to: to(answer) });
        if revision == before {
            self.deliver_held(world);
        } else {
            self.manager_changed(world);
        }
    }

    /// The revision of what it knows that leads; 0 when it does not.
    pub(in crate::engine) fn revision(&self) -> u64 {
        let manager = self.swarm.as_ref().and_then(|swarm| swarm.manager.as_ref());
        manager.map_or(0, |manager| manager.store().revision())
    }

    /// What a client of another manager wants.
    fn answer_request(&mut self, world: &mut World, method: &str, target: &str, body: String) -> Answer {
        let Some(method) = ["GET", "POST", "DELETE", "HEAD"].into_iter().find(|known| *known == method) else {
            return Answer::Unknown;
        };
        let request = own_request(method, target.to_owned(), body);
        let reply = Target::parse(&request.target).and_then(|target| {
            if !is_of_cluster(&target.path) {
                return Err(Error::PageUnknown);
            }
            self.route(world, method, &Call { exchange: NOBODY, target, request: &request })
        });
        let (status, body) = match reply {
            Ok(Reply::Empty(status)) => (status, String::new()),
            Ok(Reply::Json(status, body)) => (status, body),
            Ok(Reply::Lines(_) | Reply::Later | Reply::Text(_)) => return Answer::Unknown,
            Err(error) => (error.status(), error_body(&error)),
        };
        Answer::Reply { status, body, revision: self.revision() }
    }

    /// What a leader's client is told waits for a majority, when it says or has changed what none has yet. None then.
    pub(in crate::engine) fn hold_reply(
        &mut self,
        world: &World,
        (exchange, path): (ExchangeId, &[String]),
        reply: Result<Reply, Error>,
        before: u64,
    ) -> Option<Result<Reply, Error>> {
        let revision = self.revision();
        let Some(Swarm { raft: Some(raft), manager: Some(_), held, .. }) = &mut self.swarm else { return Some(reply) };
        let is_concerned = revision != before || is_of_cluster(path);
        if raft.is_settled() || !is_concerned || reply == Ok(Reply::Later) {
            return Some(reply);
        }
        held.push(Held { revision, until: world.now() + PATIENCE, to: Recipient::Client(exchange, reply) });
        None
    }

    /// The store has changed: a majority shall have it, and then the nodes.
    pub(in crate::engine) fn manager_changed(&mut self, world: &mut World) {
        let now = world.now();
        let Some(Swarm { manager: Some(manager), raft: Some(raft), node, .. }) = &mut self.swarm else { return };
        // What its own node needs for its tasks is part of it.
        manager.assigned_to(node);
        match manager.store().changes(raft.proposed(), "") {
            Ok(changes) => raft.propose(now, changes.cloned().collect()),
            // It has done more than can be told.
            Err(_) => raft.restart(now),
        }
        self.poll_swarm(world);
    }

    /// Does what is due between managers.
    pub(super) fn poll_raft(&mut self, world: &mut World) {
        let now = world.now();
        let Some(raft) = self.swarm.as_mut().and_then(|swarm| swarm.raft.as_mut()) else { return };
        for (member, addr, said) in raft.poll(now) {
            self.ask(world, addr, &Ask::Raft(said), Purpose::Raft(member));
        }
        self.follow_raft(world);
    }

    /// A member has answered, or could not be asked.
    pub(super) fn take_raft_answer(&mut self, world: &mut World, member: &str, answer: Option<&Answer>) {
        let now = world.now();
        let Some(raft) = self.swarm.as_mut().and_then(|swarm| swarm.raft.as_mut()) else { return };
        match answer {
            Some(Answer::Raft(said)) => raft.take_in(now, member, said),
            _ => raft.not_reached(now, member),
        }
        self.follow_raft(world);
    }

    /// Begins or ceases to lead, and tells what a majority has.
    fn follow_raft(&mut self, world: &mut World) {
        let Some(Swarm { raft: Some(raft), manager, .. }) = &self.swarm else { return };
        match (raft.is_leader(), manager.is_some()) {
            (true, false) => self.begin_to_lead(world),
            (false, true) => self.cease_to_lead(world),
            _ => {}
        }
        self.tell_tidings(world);
        self.tell_nodes(world);
        self.deliver_held(world);
        self.welcome(world);
    }

    fn begin_to_lead(&mut self, world: &mut World) {
        let now = world.now();
        let ids = self.cluster_seed().stream("cluster");
        let Some(swarm) = &mut self.swarm else { return };
        let Some(raft) = &mut swarm.raft else { return };
        let Some(manager) = Manager::successor(raft.latest(), &swarm.node, now, ids) else { return raft.restart(now) };
        (swarm.manager, swarm.session_at) = (Some(manager), None);
        self.manager_changed(world);
    }

    /// Somebody else leads now, or nobody: what no majority has was never said.
    fn cease_to_lead(&mut self, world: &mut World) {
        let now = world.now();
        let Some(swarm) = &mut self.swarm else { return };
        (swarm.manager, swarm.session_at) = (None, Some(now));
        swarm.work.tell_again();
        let held = core::mem::take(&mut swarm.held);
        self.lose_readers(world);
        for held in held {
            match held.to {
                Recipient::Client(exchange, _) => self.refuse(exchange, &SwarmError::LostLead.into()),
                Recipient::Visitor(visit, _) => {
                    self.answer_visit(world, visit, &Answer::Refused(SwarmError::NoLeader.to_string()));
                }
                // It asks again.
                Recipient::Itself(..) => {}
            }
        }
    }

    /// What a majority has is told to the nodes; the leader's own knows at once.
    fn tell_nodes(&mut self, world: &World) {
        let now = world.now();
        let Some(swarm) = &mut self.swarm else { return };
        let (Some(manager), Some(raft)) = (&mut swarm.manager, &swarm.raft) else { return };
        if !raft.is_settled() || swarm.seen == manager.store().revision() {
            return;
        }
        swarm.seen = manager.store().revision();
        swarm.work.assign(Some(manager.assigned_to(&swarm.node)));
        swarm.managers = manager.managers();
        swarm.heartbeat = manager.cluster().settings.heartbeat();
        swarm.gossip.set_members(now, &manager.members());
        swarm.gossip.hurry(now);
    }

    /// Gives the answers that have waited.
    fn deliver_held(&mut self, world: &mut World) {
        let now = world.now();
        let Some(swarm) = &mut self.swarm else { return };
        let known = swarm.raft.as_ref().map_or(u64::MAX, |raft| raft.store().revision());
        let (given, kept): (Vec<Held>, Vec<Held>) =
            core::mem::take(&mut swarm.held).into_iter().partition(|held| held.revision <= known || held.until <= now);
        swarm.held = kept;
        let leads = swarm.manager.is_some();
        for Held { revision, to, .. } in given {
            let is_late = leads && revision > known;
            match to {
                Recipient::Client(exchange, _) if is_late => self.refuse(exchange, &SwarmError::LeaderSilent.into()),
                Recipient::Client(exchange, reply) => self.conclude(vec![(exchange, reply)]),
                Recipient::Visitor(visit, answer) => self.answer_visit(world, visit, &answer),
                Recipient::Itself(purpose, answer) => self.take_said(world, purpose, answer),
            }
        }
    }

    /// Who has joined as a manager is told when it knows the leader, or has waited for long enough.
    fn welcome(&mut self, world: &World) {
        let Some(swarm) = &mut self.swarm else { return };
        let knows = swarm.leader().is_some();
        let waited = swarm.welcome.take_if(|(_, until)| knows || *until <= world.now());
        if let Some((exchange, _)) = waited {
            if knows {
                self.answer(exchange, 200, Media::None, "");
            } else {
                self.refuse(exchange, &SwarmError::JoinTimeout.into());
            }
        }
    }

    /// The node hears what it shall be, and where managers are.
    pub(super) fn take_role(&mut self, world: &mut World, role: Role, managers: Vec<Managing>) {
        let now = world.now();
        let Some(swarm) = self.swarm.as_mut().filter(|swarm| swarm.manager.is_none()) else { return };
        if !managers.is_empty() {
            swarm.managers = managers;
        }
        let is_member = swarm.managers.iter().any(|manager| manager.node == swarm.node);
        match (role, swarm.raft.is_some()) {
            // Where it cannot listen, nobody can ask it and it stays outside, as the log of a real one would say.
            (Role::Manager, false) => drop(self.become_manager(world)),
            (Role::Worker, true) if !is_member => {
                swarm.raft = None;
                drop(self.reopen_post(world, false));
            }
            _ => {}
        }
        let Some(swarm) = &mut self.swarm else { return };
        if role == Role::Manager && !is_member && swarm.raft.is_some() {
            swarm.session_at = Some(now + Duration::from_secs(1));
            let ask = Ask::Enlist { node: swarm.node.clone() };
            self.ask_cluster(world, ask, Purpose::Enlist);
        }
    }

    /// It waits for the leader to tell it what there is.
    ///
    /// # Errors
    /// It cannot listen.
    pub(super) fn become_manager(&mut self, world: &mut World) -> Result<(), SwarmError> {
        let (now, rng) = (world.now(), self.cluster_seed().stream("raft"));
        let Some(swarm) = &mut self.swarm else { return Ok(()) };
        swarm.raft = Some(Raft::newcomer(swarm.node.clone(), now, rng));
        self.reopen_post(world, true)
    }

    /// Who shall not decide any more does not, as soon as the rest can do without it.
    pub(super) fn dismiss_members(&mut self, world: &mut World) {
        let now = world.now();
        let Some(Swarm { manager: Some(manager), raft: Some(raft), .. }) = &mut self.swarm else { return };
        if !raft.is_settled() || raft.members().len() < 2 {
            return;
        }
        let dismissed = manager.dismissed();
        match dismissed.iter().find(|id| id.as_str() != manager.node()) {
            Some(id) if can_do_without(raft, now, id) => {
                manager.dismiss(id);
                self.manager_changed(world);
            }
            Some(_) => {}
            None if !dismissed.is_empty() => raft.hand_over(),
            None => {}
        }
    }

    /// Whether a manager may be demoted.
    ///
    /// # Errors
    /// `NoQuorum`.
    pub(in crate::engine) fn check_demotion(&self, now: Instant, id: &str) -> Result<(), SwarmError> {
        let Some(raft) = self.swarm.as_ref().and_then(|swarm| swarm.raft.as_ref()) else { return Ok(()) };
        let is_other = raft.members().len() > 1 && raft.members().contains_key(id);
        if is_other && !can_do_without(raft, now, id) { Err(SwarmError::NoQuorum) } else { Ok(()) }
    }

    /// What a node that decides with others is to those: leader or not, and reached or not.
    pub(in crate::engine) fn manager_status(&self, now: Instant, id: &str) -> Option<Value> {
        let raft = self.swarm.as_ref()?.raft.as_ref()?;
        let addr = raft.members().get(id).copied()?;
        let reachability = if raft.reaches(now, id) { "reachable" } else { "unreachable" };
        let mut status = json!({ "Reachability": reachability, "Addr": addr.to_string() });
        if raft.leader() == Some(id) {
            status["Leader"] = json!(true);
        }
        Some(status)
    }

    /// A manager is told to leave without force; it is refused with what would come of it.
    pub(super) fn leave_refused(&mut self, world: &mut World, call: &Call<'_>) -> Result<Reply, Error> {
        let now = world.now();
        let Some(Swarm { raft: Some(raft), stage: Stage::Active, .. }) = &self.swarm else {
            return Err(SwarmError::Deciding.into());
        };
        if let Some(leader) = self.swarm.as_ref().and_then(Swarm::leader).filter(|_| !raft.is_leader()) {
            let (method, target) = ("GET".to_owned(), "/nodes".to_owned());
            let ask = Ask::Request { method, target, body: String::new() };
            self.ask(world, leader, &Ask::Passed(Box::new(ask)), Purpose::Farewell(call.exchange));
            return Ok(Reply::Later);
        }
        if !raft.is_leader() {
            return Err(SwarmError::DecidingWith(TooFew(None)).into());
        }
        let members = raft.members();
        let reached = members.keys().filter(|id| raft.reaches(now, id)).count();
        Err(farewell(reached, members.len() - reached).into())
    }

    /// The leader has told which managers are reached.
    pub(super) fn take_farewell(&mut self, exchange: ExchangeId, answer: Option<&Answer>) {
        let nodes: Option<Value> = match answer {
            Some(Answer::Reply { status: 200, body, .. }) => serde_json::from_str(body).ok(),
            _ => None,
        };
        let refusal = nodes.map_or(SwarmError::DecidingWith(TooFew(None)), |nodes| {
            let managers = nodes.as_array().into_iter().flatten().map(|node| &node["ManagerStatus"]);
            let all: Vec<bool> =
                managers.filter(|m| m.is_object()).map(|manager| manager["Reachability"] == "reachable").collect();
            let reached = all.iter().filter(|is_reached| **is_reached).count();
            farewell(reached, all.len() - reached)
        });
        self.refuse(exchange, &refusal.into());
    }
}

/// Whether the rest of the members would be enough, as far as they are reached.
fn can_do_without(raft: &Raft, now: Instant, id: &str) -> bool {
    let others = raft.members().into_keys().filter(|other| other != id);
    let (reached, missed): (Vec<_>, Vec<_>) = others.partition(|other| raft.reaches(now, other));
    reached.len() > missed.len()
}

/// Why a manager that is asked to leave does not.
fn farewell(reached: usize, missed: usize) -> SwarmError {
    match (reached, missed) {
        (0 | 1, 0) => SwarmError::Deciding,
        _ if reached <= missed + 2 => {
            SwarmError::DecidingWith(TooFew(Some((reached.saturating_sub(1), reached + missed))))
        }
        _ => SwarmError::DecidingWith(TooFew(None)),
    }
}

/// Whether what is asked for is the cluster's.
fn is_of_cluster(path: &[String]) -> bool {
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    match path.as_slice() {
        ["services", _, "logs"] | ["tasks", _, "logs"] => false,
        ["nodes" | "services" | "tasks" | "secrets" | "configs", ..] => true,
        ["swarm"] | ["swarm", "update" | "unlockkey"] => true,
        ["networks", ..] => true,
        _ => false,
    }
}
