//! Talks with plugins, as parts of what the engine was asked. What needs a plugin's word is looked at again when it has
//! come; what a plugin only has to be told follows when all is done, and whoever asked for it waits until it was.
//!
//! How it works: a carrier takes questions out ([`Engine::poll_question`]) and brings what came of them
//! ([`Engine::hear_plugin`]), in any order and however late. A question that is never answered holds up nothing but what it was
//! asked for.

use std::collections::VecDeque;

use netyard_sim::userland::Request;
use netyard_sim::world::World;

use super::{Call, Engine, ExchangeId, Reply};
use crate::container::{AfterExit, Container, NetworkMode, State};
use crate::controller::{EndpointRequest, Talk, Wanted};
use crate::endpoint::{EndpointConfig, Standing};
use crate::error::Error;
use crate::id::Id;
use crate::plugin::{Halt, Outcome, Ports, Question};

/// The number of a talk.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct TalkId(u64);

/// What is answered to whom.
pub(super) type Replies = Vec<(ExchangeId, Result<Reply, Error>)>;

/// What a talk is about.
#[derive(Clone, Debug)]
pub(super) enum About {
    /// A request, which is looked at again.
    Request(ExchangeId, Request),
    /// A container that starts, since the engine wants it.
    Start(Id),
    /// A container that has ended and starts again, since these asked for it.
    Restart(Id, Vec<ExchangeId>),
    /// What is over here already: what is still to be said, and who waits for it.
    Farewell(VecDeque<Question>, Replies),
}

impl About {
    /// A request.
    pub(super) fn call(call: &Call<'_>) -> Self {
        Self::Request(call.exchange, call.request.clone())
    }

    fn is_waited_for_by(&self, exchange: ExchangeId) -> bool {
        match self {
            Self::Request(waiting, _) => *waiting == exchange,
            Self::Restart(_, waiting) => waiting.contains(&exchange),
            Self::Farewell(_, replies) => replies.iter().any(|(waiting, _)| *waiting == exchange),
            Self::Start(_) => false,
        }
    }
}

/// A talk that waits for an answer.
#[derive(Clone, Debug)]
pub(super) struct Talking {
    about: About,
    talk: Talk,
    asked: Question,
}

impl Talking {
    /// Whether an endpoint on a network is still spoken of.
    fn concerns(&self, network: Id) -> bool {
        let is_of = |question: &Question| question.ask.network_of_endpoint() == Some(network);
        let rest = if let About::Farewell(rest, _) = &self.about { rest.iter().any(is_of) } else { false };
        rest || is_of(&self.asked) || self.talk.concerns(network)
    }
}

impl Engine {
    /// The next question for a plugin.
    pub fn poll_question(&mut self) -> Option<(TalkId, Question)> {
        self.questions.pop_front()
    }

    /// Takes in what came of a question.
    pub fn hear_plugin(&mut self, world: &mut World, id: TalkId, outcome: Outcome) {
        let Some(Talking { about, mut talk, asked }) = self.talks.remove(&id) else { return };
        talk.journal.note(asked, outcome);
        self.resumed = Some(talk);
        match about {
            About::Request(exchange, request) => self.handle(world, exchange, &request),
            About::Start(container) => self.start_by_itself(world, container),
            About::Restart(container, exchanges) => self.restart_ended(world, container, exchanges),
            About::Farewell(rest, replies) => {
                self.resumed = None;
                self.say_farewell(rest, replies);
            }
        }
        if let Some(talk) = self.resumed.take() {
            // Nobody wants any more what it was about.
            self.controller.abandon(talk);
        }
        self.conclude(Vec::new());
        self.settle_power(world);
    }

    /// Whether plugins are still told of endpoints on a network.
    pub(super) fn is_spoken_of(&self, network: Id) -> bool {
        self.talks.values().any(|talking| talking.concerns(network))
    }

    /// Whether somebody waits for a plugin.
    pub(super) fn waits_for_plugin(&self, exchange: ExchangeId) -> bool {
        self.talks.values().any(|talking| talking.about.is_waited_for_by(exchange))
    }

    /// Takes one step of a talk, with all that was said so far. None when it waits for an answer now.
    ///
    /// # Errors
    /// What was refused; all that was made for it is taken back.
    pub(super) fn talk<T>(
        &mut self,
        about: About,
        step: impl FnOnce(&mut Self, &mut Talk) -> Result<T, Halt>,
    ) -> Result<Option<T>, Error> {
        let mut talk = self.resumed.take().unwrap_or_default();
        match step(self, &mut talk) {
            Ok(done) => Ok(Some(done)),
            Err(Halt::Ask(question)) => {
                self.ask_plugin(about, talk, *question);
                Ok(None)
            }
            Err(Halt::Refused(error)) => {
                self.controller.abandon(talk);
                Err(error)
            }
        }
    }

    fn ask_plugin(&mut self, about: About, talk: Talk, asked: Question) {
        self.next_talk += 1;
        let id = TalkId(self.next_talk);
        self.questions.push_back((id, asked.clone()));
        self.talks.insert(id, Talking { about, talk, asked });
    }

    /// Answers, when plugins were told what they have to be told.
    pub(super) fn conclude(&mut self, replies: Replies) {
        let farewells = self.controller.take_farewells();
        self.say_farewell(farewells.into(), replies);
    }

    fn say_farewell(&mut self, mut rest: VecDeque<Question>, replies: Replies) {
        match rest.pop_front() {
            Some(question) => self.ask_plugin(About::Farewell(rest, replies), Talk::default(), question),
            None => replies.into_iter().for_each(|(exchange, reply)| self.deliver(exchange, reply)),
        }
    }

    /// Lets plugins prepare what a container needs to start. False when they have to be asked first.
    ///
    /// # Errors
    /// What a plugin refuses.
    pub(super) fn prepare_start(&mut self, world: &mut World, id: Id, about: About) -> Result<bool, Error> {
        let container = self.containers.get(&id).expect("the caller found the container");
        if matches!(container.config.mode, NetworkMode::Container(_) | NetworkMode::Host) {
            return Ok(true);
        }
        let (mut networks, mut wanted) = (Vec::new(), Vec::new());
        for (key, membership) in &container.networks {
            let found = match membership.network {
                Some(id) => self.controller.network(id),
                None => self.controller.find(key).ok(),
            };
            // One that is gone, or takes no such address, is the start's affair.
            let Some(network) = found else { continue };
            networks.push(network.id);
            let fits = super::networks::check_config(network, &membership.config).is_ok();
            if self.controller.is_of_plugins(network) && fits {
                wanted.push((network.id, container.membership_on(&membership.config, network)));
            }
        }
        let prepared = self.prepare(world, (id, None), networks, &wanted, about);
        if let Err(error) = &prepared {
            self.note_start(world, id, Some(error));
        }
        prepared
    }

    /// Lets plugins prepare what a running container needs on one network more. False when they have to be asked first.
    ///
    /// # Errors
    /// What a plugin refuses.
    pub(super) fn prepare_connect(
        &mut self,
        world: &mut World,
        (id, sandbox): (Id, Id),
        network: &str,
        asked: &EndpointConfig,
        about: About,
    ) -> Result<bool, Error> {
        let container = self.containers.get(&id).expect("the caller found the container");
        let Ok(network) = self.controller.find(network) else { return Ok(true) };
        let is_refused = self.check_connection(container, network, asked).is_err() || network.endpoint_of(id).is_some();
        if is_refused || !self.controller.is_of_plugins(network) {
            return Ok(true);
        }
        let wanted = [(network.id, container.membership_on(asked, network))];
        let joined = self.controller.endpoints_in(sandbox).filter(|endpoint| endpoint.standing == Standing::Container);
        let joined: Vec<Id> = joined.map(|endpoint| endpoint.id).collect();
        let networks = self.controller.networks().iter();
        let networks = networks.filter(|n| joined.iter().any(|id| n.endpoints.contains_key(id))).map(|n| n.id);
        let networks = networks.chain([wanted[0].0]).collect();
        self.prepare(world, (id, Some(sandbox)), networks, &wanted, about)
    }

    fn prepare(
        &mut self,
        world: &mut World,
        (container, sandbox): (Id, Option<Id>),
        networks: Vec<Id>,
        wanted: &[(Id, EndpointConfig)],
        about: About,
    ) -> Result<bool, Error> {
        if wanted.is_empty() {
            return Ok(true);
        }
        let found = self.containers.get(&container).expect("the caller found the container");
        let (name, config) = (found.name.clone(), &found.config);
        let ports = Ports { exposed: config.exposed.iter().copied().collect(), published: config.publications.clone() };
        let standing = Standing::Container;
        let request = |(network, config)| EndpointRequest { network, container, name: &name, config, standing };
        let endpoints = wanted.iter().map(|(network, config)| request((*network, config))).collect();
        let wanted = Wanted { container, sandbox, endpoints, networks, ports };
        let step = |engine: &mut Self, talk: &mut Talk| engine.controller.prepare(world, talk, &wanted);
        self.talk(about, step).map(|prepared| prepared.is_some())
    }

    /// Starts a container since the engine wants it. What cannot be started stays as it ended.
    pub(super) fn start_by_itself(&mut self, world: &mut World, id: Id) {
        // Somebody may have started it meanwhile, or said that it shall not start any more.
        let waits = |container: &&Container| !container.is_running() && !container.restarts.cancelled;
        let Some(container) = self.containers.get(&id).filter(waits) else { return };
        let ended = container.state.exit_code();
        let started = match self.prepare_start(world, id, About::Start(id)) {
            Ok(false) => return,
            Ok(true) => self.start(world, id),
            Err(error) => Err(error),
        };
        if let Some(container) = self.containers.get_mut(&id).filter(|_| started.is_err())
            && matches!(container.state, State::Restarting(_))
        {
            container.state = State::Exited(ended);
        }
    }

    /// Notes how a start ended; a container that goes when it ends goes when it cannot start.
    pub(super) fn note_start(&mut self, world: &mut World, id: Id, refused: Option<&Error>) {
        let container = self.container_mut(id);
        container.error = refused.map(ToString::to_string).unwrap_or_default();
        container.refused_with = refused.map(super::start::exit_code).unwrap_or_default();
        if refused.is_some() && container.config.after_exit == AfterExit::Remove {
            self.remove(world, id, super::lifecycle::Volumes::Go);
        }
    }
}
