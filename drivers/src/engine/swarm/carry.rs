//! The traffic of a node: its post is opened and closed, questions are asked and answered, gossip is told and heard.

use core::net::SocketAddr;
use std::collections::BTreeMap;

use netyard_sim::namespace::Namespace;
use netyard_sim::socket::{Errno, SocketId};
use netyard_sim::time::{Duration, Instant};
use netyard_sim::userland::Pid;
use netyard_sim::userland::stream::PipeId;
use netyard_sim::world::World;

use super::{Stage, Swarm};
use crate::cluster::GOSSIP_PORT;
use crate::cluster::gossip::{Call, Packet};
use crate::cluster::manager::Manager;
use crate::cluster::message::{Answer, Ask, Report};
use crate::cluster::post::{Ears, News, Order, Post};
use crate::engine::{Engine, ExchangeId, Power};
use crate::error::SwarmError;

/// What the process is called that carries words to other nodes.
const NAME: &str = "dockerd-swarm";
/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(5);
/// The same of managers, who tell each other every second that they are there.
const PATIENCE_OF_MANAGERS: Duration = Duration::from_secs(2);

/// What a question was asked for.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Purpose {
    Attach(u64),
    Enlist,
    /// A manager is told to leave by a client, who hears why it does not.
    Farewell(ExchangeId),
    Join,
    Leave,
    /// Whether who calls by this number can be asked as a manager: the node, and where.
    Probe(u64, String, SocketAddr),
    /// Somebody else's question, by the number of its call.
    Pass(u64),
    /// A batch of a subscription is sent.
    Printed(u64),
    /// More is wanted for a client who reads logs.
    Read(ExchangeId),
    /// Another manager has to agree.
    Raft(String),
    /// What a client wants of the leader, where that is, and until when it waits.
    Request(ExchangeId, SocketAddr, Instant),
    /// With the places that it gives back, and what it says of tasks.
    Session(Vec<String>, Vec<Report>),
}

/// Questions that are not answered yet.
#[derive(Clone, Debug, Default)]
pub(super) struct Calls {
    open: BTreeMap<u64, (Purpose, Instant)>,
    next: u64,
}

impl Purpose {
    fn patience(&self, now: Instant) -> Duration {
        match self {
            Self::Raft(_) => PATIENCE_OF_MANAGERS,
            Self::Request(_, _, until) => until.since(now),
            Self::Attach(_)
            | Self::Enlist
            | Self::Farewell(_)
            | Self::Join
            | Self::Leave
            | Self::Pass(_)
            | Self::Printed(_)
            | Self::Probe(..)
            | Self::Read(_)
            | Self::Session(..) => PATIENCE,
        }
    }
}

impl Calls {
    /// When one is given up.
    pub(super) fn next_at(&self) -> Option<Instant> {
        self.open.values().map(|(_, until)| *until).min()
    }

    pub(super) fn is_in_session(&self) -> bool {
        self.open.values().any(|(asked, _)| matches!(asked, Purpose::Session(..)))
    }

    pub(super) fn is_asking(&self, purpose: &Purpose) -> bool {
        self.open.values().any(|(asked, _)| asked == purpose)
    }
}

impl Engine {
    /// Begins to listen to other nodes, at this address; a node that decides is asked there.
    ///
    /// # Errors
    /// It cannot be asked. Where it cannot hear gossip, it hears nobody, as the log of a real engine would say.
    pub(super) fn open_post(&mut self, world: &mut World, listen: SocketAddr, decides: bool) -> Result<(), SwarmError> {
        let namespace = self.host.namespace;
        let network = world.fabric.namespace_mut(namespace);
        let at = SocketAddr::new(listen.ip(), GOSSIP_PORT);
        let (gossip, stream) = (network.udp_bind(at).ok(), listen_at(network, at).ok());
        let control = decides.then(|| listen_at(network, listen)).transpose();
        let control = match control {
            Ok(control) => control,
            Err(errno) => {
                let opened = gossip.into_iter().chain(stream);
                opened.for_each(|socket| world.fabric.with(namespace, |ns, cx| ns.close(cx, socket)));
                return Err(SwarmError::ManagerStopped(SwarmError::Listen { at: listen, errno }.to_string()));
            }
        };
        let ears = Ears { control, stream, gossip };
        let now = world.now();
        self.post = Some(Post::start(&mut world.processes, NAME, (namespace, self.host.context), ears, now));
        Ok(())
    }

    /// The engine has started again: what it was in goes on, unless it is locked.
    pub(in crate::engine) fn open_post_again(&mut self, world: &mut World) {
        if !self.lock_swarm() {
            self.resume_post(world);
        }
    }

    /// What the node was in goes on.
    pub(super) fn resume_post(&mut self, world: &mut World) {
        let Some(swarm) = &mut self.swarm else { return };
        let (listen, decides) = (swarm.listen, swarm.raft.is_some());
        swarm.gossip.hurry(world.now());
        if let Some(raft) = &mut swarm.raft {
            raft.restart(world.now());
            if !raft.is_leader() {
                (swarm.manager, swarm.session_at) = (None, Some(world.now()));
                swarm.work.tell_again();
            }
        }
        if self.post.is_none() {
            // Somebody else has a port of it meanwhile: then it hears nobody, as the log of a real one would say.
            let _ = self.open_post(world, listen, decides);
        }
    }

    /// Stops listening.
    pub(in crate::engine) fn close_post(&mut self, world: &mut World) {
        if let Some(swarm) = &mut self.swarm {
            swarm.calls.open.clear();
        }
        if let Some(post) = self.post.take() {
            let pid = post.pid;
            post.close(&mut world.processes);
            world.signal(pid, netyard_sim::userland::Signal::Kill);
        }
    }

    /// It begins or ceases to be called. What was under way has failed.
    ///
    /// # Errors
    /// Somebody else has a port of it: then it hears nobody.
    pub(super) fn reopen_post(&mut self, world: &mut World, decides: bool) -> Result<(), SwarmError> {
        let Some(swarm) = &mut self.swarm else { return Ok(()) };
        let listen = swarm.listen;
        let lost: Vec<u64> = swarm.calls.open.keys().copied().collect();
        swarm.session_at = swarm.session_at.map(|at| at.min(world.now() + Duration::from_millis(10)));
        lost.into_iter().for_each(|number| self.take_failed_call(world, number, "Connection reset by peer"));
        self.close_post(world);
        self.open_post(world, listen, decides)
    }

    /// A process ended that may carry its post: another one does it then. False when it is none.
    pub(in crate::engine) fn post_ended(&mut self, world: &mut World, pid: Pid) -> bool {
        if self.post.as_ref().is_none_or(|post| post.pid != pid) {
            return false;
        }
        self.close_post(world);
        if self.power == Power::Up {
            self.open_post_again(world);
            self.call_store(world);
        }
        true
    }

    /// Asks a manager something.
    pub(super) fn ask(&mut self, world: &mut World, manager: SocketAddr, ask: &Ask, purpose: Purpose) {
        let Some(swarm) = &mut self.swarm else { return };
        swarm.calls.next += 1;
        let until = world.now() + purpose.patience(world.now());
        swarm.calls.open.insert(swarm.calls.next, (purpose, until));
        // Without a post nobody answers.
        if let Some(post) = &self.post {
            post.order(&mut world.processes, &Order::Call(swarm.calls.next, manager, text(ask)));
        }
    }

    /// Takes in what has come by the post; false when the pipe is not its.
    pub(in crate::engine) fn read_post(&mut self, world: &mut World, pipe: PipeId) -> bool {
        let Some(post) = self.post.as_mut().filter(|post| post.reads(pipe)) else { return false };
        for news in post.news(&mut world.processes) {
            match news {
                News::Answered(number, said) if self.sharing.is_some() => self.store_said(world, number, &said),
                News::Failed(number, why) if self.sharing.is_some() => self.store_failed(world, number, &why),
                News::Told(said) => self.hear(world, &said),
                News::Called(number, said) => self.answer_call(world, number, &said),
                News::Answered(number, said) => self.take_answer(world, number, &said),
                News::Failed(number, why) => self.take_failed_call(world, number, &why),
            }
        }
        true
    }

    fn hear(&mut self, world: &mut World, said: &str) {
        let now = world.now();
        let Some(swarm) = &mut self.swarm else { return };
        let Ok(packet) = serde_json::from_str::<Packet>(said) else { return };
        let news = swarm.gossip.take_in(now, packet);
        let is_news = |call: Call| call.revision > swarm.seen || call.wanted != swarm.prints.version();
        if news.call.is_some_and(is_news) && swarm.manager.is_none() {
            swarm.session_at = swarm.session_at.map(|at| at.min(now));
        }
        self.poll_swarm(world);
    }

    fn answer_call(&mut self, world: &mut World, number: u64, said: &str) {
        // What cannot be understood is not answered.
        let Ok(ask) = serde_json::from_str::<Ask>(said) else { return };
        self.answer_ask(world, number, ask);
    }

    fn take_answer(&mut self, world: &mut World, number: u64, said: &str) {
        let Some(swarm) = &mut self.swarm else { return };
        let Some((purpose, _)) = swarm.calls.open.remove(&number) else { return };
        match serde_json::from_str::<Answer>(said) {
            Ok(answer) => self.take_said(world, purpose, answer),
            // Nonsense is no answer.
            Err(_) => self.fail_call(world, purpose, "Protocol error"),
        }
    }

    /// What somebody is asked has an answer.
    pub(super) fn take_said(&mut self, world: &mut World, purpose: Purpose, answer: Answer) {
        let Some(swarm) = &mut self.swarm else { return };
        match (purpose, answer) {
            (Purpose::Raft(member), answer) => self.take_raft_answer(world, &member, Some(&answer)),
            (Purpose::Pass(visit), answer) => self.answer_visit(world, visit, &answer),
            (Purpose::Request(exchange, ..), answer) => self.take_reply(world, exchange, answer),
            (Purpose::Farewell(exchange), answer) => self.take_farewell(exchange, Some(&answer)),
            (Purpose::Join, Answer::Joined { node, role, managers, ingress }) => {
                self.joined(world, (node, role), managers, ingress);
            }
            (Purpose::Join, Answer::Pending) => self.knocked_in_vain(world, "they are busy"),
            (Purpose::Join, Answer::Refused(said)) => self.join_refused(world, said),
            (Purpose::Attach(number), answer) => self.take_grant(world, number, answer),
            (
                Purpose::Session(ended, told),
                Answer::Session { revision, members, assigned, role, managers, ingress, heartbeat, wanted },
            ) => {
                if let Some((version, wanted)) = wanted {
                    swarm.prints.want(version, wanted);
                }
                swarm.seen = revision;
                swarm.heartbeat = heartbeat;
                swarm.ended.retain(|task| !ended.contains(task));
                swarm.work.has_told(&told);
                swarm.work.assign(assigned);
                if let Some(members) = members {
                    swarm.gossip.set_members(world.now(), &members);
                }
                self.take_role(world, role, managers);
                if let Some(ingress) = ingress {
                    self.have_only_ingress(world, ingress.into_iter().next());
                }
                self.poll_swarm(world);
            }
            (Purpose::Printed(number), answer) => {
                self.print_answered(world.now(), number, Some(&answer));
                self.tell_prints(world);
            }
            (Purpose::Read(exchange), answer) => self.take_lines(world, exchange, Some(answer)),
            (Purpose::Session(..), _) => swarm.turn = swarm.turn.wrapping_add(1),
            (Purpose::Leave, _) => self.left(world),
            (Purpose::Probe(visit, node, _), _) => self.probed(world, visit, node),
            (Purpose::Enlist, Answer::Unreached(why)) => self.not_enlisted(world, &why),
            (Purpose::Enlist | Purpose::Join, _) => {}
        }
    }

    fn take_failed_call(&mut self, world: &mut World, number: u64, why: &str) {
        let Some(swarm) = &mut self.swarm else { return };
        if let Some((purpose, _)) = swarm.calls.open.remove(&number) {
            self.fail_call(world, purpose, why);
        }
    }

    fn fail_call(&mut self, world: &mut World, purpose: Purpose, why: &str) {
        let now = world.now();
        let Some(swarm) = &mut self.swarm else { return };
        match purpose {
            Purpose::Join => self.knocked_in_vain(world, why),
            Purpose::Leave => self.left(world),
            Purpose::Raft(member) => self.take_raft_answer(world, &member, None),
            Purpose::Pass(visit) => {
                self.answer_visit(world, visit, &Answer::Refused(SwarmError::NoLeader.to_string()));
            }
            Purpose::Probe(visit, _, addr) => {
                let why = why.to_lowercase();
                self.answer_visit(world, visit, &Answer::Unreached(SwarmError::Prospect { addr, why }.to_string()));
            }
            Purpose::Request(exchange, leader, until) => self.not_passed(exchange, leader, until, why),
            Purpose::Farewell(exchange) => self.take_farewell(exchange, None),
            Purpose::Printed(number) => self.print_answered(now, number, None),
            Purpose::Read(exchange) => self.take_lines(world, exchange, None),
            // Another manager is asked, if there is one.
            Purpose::Session(..) if swarm.managers.len() > 1 => {
                swarm.turn = swarm.turn.wrapping_add(1);
                swarm.session_at = swarm.session_at.map(|at| at.min(now + Duration::from_secs(1)));
            }
            // It is asked again.
            Purpose::Session(..) | Purpose::Attach(_) | Purpose::Enlist => {}
        }
    }

    /// Does what is due.
    pub(in crate::engine) fn poll_swarm(&mut self, world: &mut World) {
        self.give_up_calls(world);
        self.go_on_joining(world);
        let now = world.now();
        match &self.swarm {
            Some(Swarm { stage: Stage::Leaving { until, .. }, .. }) if *until <= now => self.left(world),
            Some(Swarm { stage: Stage::Active, .. }) => {
                self.poll_raft(world);
                self.find_lost(world);
                self.dismiss_members(world);
                self.settle_work(world);
                self.settle_attachments(world);
                self.settle_logs(world);
                self.keep_session(world);
                self.tell_others(world);
            }
            _ => {}
        }
    }

    fn give_up_calls(&mut self, world: &mut World) {
        let now = world.now();
        let Some(swarm) = &self.swarm else { return };
        let overdue: Vec<u64> =
            swarm.calls.open.iter().filter(|(_, (_, until))| *until <= now).map(|(n, _)| *n).collect();
        for number in overdue {
            if let Some(post) = &self.post {
                post.order(&mut world.processes, &Order::Forget(number));
            }
            self.take_failed_call(world, number, "Connection timed out");
        }
    }

    /// Notes who is gone.
    fn find_lost(&mut self, world: &mut World) {
        let now = world.now();
        let Some(swarm) = &mut self.swarm else { return };
        swarm.gossip.lose_silent(now);
        if let Some(manager) = swarm.manager.as_mut().filter(|manager| manager.next_at().is_some_and(|at| at <= now)) {
            let before = manager.store().revision();
            manager.expire(now);
            if manager.store().revision() != before {
                self.manager_changed(world);
            }
        }
    }

    /// A worker says that it is there, and hears what has changed.
    fn keep_session(&mut self, world: &mut World) {
        let now = world.now();
        let Some(swarm) = &mut self.swarm else { return };
        if swarm.session_at.is_none_or(|at| at > now) || swarm.calls.is_in_session() {
            if let Some(at) = swarm.session_at.as_mut().filter(|at| **at <= now) {
                // It asks already; what it hears may be too old for this.
                *at = now + Duration::from_millis(10);
            }
            return;
        }
        swarm.session_at = Some(now + swarm.heartbeat);
        let seen = swarm.seen;
        self.tell_session(world, seen);
    }

    /// Tells the other nodes what they have not heard.
    fn tell_others(&mut self, world: &mut World) {
        let now = world.now();
        let Some(swarm) = &mut self.swarm else { return };
        let wanted = swarm.broker.version();
        let call =
            swarm.manager.as_ref().map(|manager: &Manager| Call { revision: manager.store().revision(), wanted });
        for (addr, packet) in swarm.gossip.take_due(now, call) {
            // Without a post it is lost, and told again.
            let Some(post) = &self.post else { continue };
            post.order(&mut world.processes, &Order::Tell(SocketAddr::new(addr, GOSSIP_PORT), text(&packet)));
        }
    }
}

/// Where every address is meant, those of both families are.
fn listen_at(network: &mut Namespace, at: SocketAddr) -> Result<SocketId, Errno> {
    const BACKLOG: usize = 4096;
    if at.ip().is_unspecified() { network.tcp_listen_dual(at.port(), BACKLOG) } else { network.tcp_listen(at, BACKLOG) }
}

pub(super) fn text(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).expect("it is text and numbers")
}
