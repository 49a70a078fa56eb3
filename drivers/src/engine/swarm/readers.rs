//! `GET /services/{id}/logs` and `GET /tasks/{id}/logs`: clients who read what the tasks of a cluster print. Who leads asks
//! the nodes and gets it from them; another manager gets it from who leads.
//!
//! How it works: each reader has the lines that have come for it and not gone out. Who sends more than it takes is told to
//! wait. A manager that reads for a client of its own asks again and again, and says how many lines it has heard, so nothing
//! is lost or said twice; when it asks no more, nobody reads.

use std::collections::VecDeque;

use netyard_sim::time::{Duration, Instant};
use netyard_sim::world::World;

use super::Swarm;
use super::carry::Purpose;
use crate::cluster::broker::{Batch, Line, Origin, Wanted};
use crate::cluster::manager::{find_service_in, find_task_in};
use crate::cluster::message::{Answer, Ask};
use crate::cluster::service::{ContainerSpec, TaskSpec};
use crate::cluster::store::Store;
use crate::engine::console::{Channel, frame_of_engine};
use crate::engine::logs::{Entry, PIECE, Shape, Wants};
use crate::engine::request::{Query, instant};
use crate::engine::{Call, Engine, ExchangeId, Media, Output, Reply};
use crate::error::{Error, SwarmError};

/// How much may wait for a reader, in bytes.
const ROOM: usize = 1024 * 1024;
/// When another manager asks again that could not be asked.
const AGAIN: Duration = Duration::from_secs(1);
/// How long another manager may be silent that reads for a client.
const SILENCE: Duration = Duration::from_secs(30);

/// Whose logs are wanted, as a request names it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::engine) enum Kind {
    Service,
    Task,
}

/// Somebody who reads logs.
#[derive(Clone, Debug)]
pub(super) struct Reader {
    source: Source,
    outlet: Outlet,
    lines: VecDeque<Line>,
    weight: usize,
    /// How it ended, when all has come.
    end: Option<Result<(), String>>,
}

/// Where lines come from.
#[derive(Clone, Debug)]
enum Source {
    /// The nodes, by the number of the subscription.
    Nodes(u64),
    /// Who leads.
    Leader(Reading),
}

/// How a manager reads from who leads.
#[derive(Clone, Debug)]
struct Reading {
    wanted: Wanted,
    /// The number of the subscription there.
    subscription: Option<u64>,
    /// How many lines have come.
    heard: usize,
    is_asking: bool,
    again: Option<Instant>,
}

/// Where lines go.
#[derive(Clone, Debug)]
enum Outlet {
    Client(Client),
    /// Another manager, that calls by this number and is not expected to be gone before then.
    Manager {
        visit: Option<u64>,
        until: Instant,
        /// How many lines it has said to have.
        heard: usize,
    },
}

#[derive(Clone, Copy, Debug)]
struct Client {
    exchange: ExchangeId,
    wants: Wants,
    tty: bool,
    /// It takes no more for now.
    is_held: bool,
}

impl Reader {
    const fn new(source: Source, outlet: Outlet) -> Self {
        Self { source, outlet, lines: VecDeque::new(), weight: 0, end: None }
    }

    fn is_of(&self, exchange: ExchangeId) -> bool {
        self.exchange() == Some(exchange)
    }

    const fn exchange(&self) -> Option<ExchangeId> {
        match &self.outlet {
            Outlet::Client(client) => Some(client.exchange),
            Outlet::Manager { .. } => None,
        }
    }

    const fn subscription(&self) -> Option<u64> {
        match &self.source {
            Source::Nodes(number) => Some(*number),
            Source::Leader(_) => None,
        }
    }

    const fn reading(&mut self) -> Option<&mut Reading> {
        match &mut self.source {
            Source::Nodes(_) => None,
            Source::Leader(reading) => Some(reading),
        }
    }

    fn add(&mut self, lines: Vec<Line>) {
        self.weight += lines.iter().map(Line::weight).sum::<usize>();
        self.lines.extend(lines);
    }

    fn drop_first(&mut self, count: usize) {
        let dropped = self.lines.drain(..count.min(self.lines.len()));
        self.weight -= dropped.map(|line| line.weight()).sum::<usize>();
    }

    /// When something is to be done about it.
    pub(super) fn next_at(&self) -> Option<Instant> {
        let again = match &self.source {
            Source::Leader(reading) => reading.again,
            Source::Nodes(_) => None,
        };
        let until = match &self.outlet {
            Outlet::Manager { until, .. } => Some(*until),
            Outlet::Client(_) => None,
        };
        again.into_iter().chain(until).min()
    }
}

impl Engine {
    /// A client wants to read logs.
    pub(in crate::engine) fn read_logs(
        &mut self,
        world: &mut World,
        (kind, name): (Kind, &str),
        call: &Call<'_>,
    ) -> Result<Reply, Error> {
        let query = &call.target.query;
        let (stdout, stderr) = (query.flag("stdout"), query.flag("stderr"));
        if !stdout && !stderr {
            return said("Bad parameters: you must choose at least one stream");
        }
        let (origin, tty) = self.origin_of(kind, name)?;
        let tail = tail(query)?;
        let since = self.since(query)?;
        let wanted = Wanted { origin, follow: query.flag("follow"), tail, since, stdout, stderr };
        let (timestamps, details) = (query.flag("timestamps"), query.flag("details"));
        // What is not wanted does not come.
        let wants = Wants { stdout, stderr, timestamps, details, since: None, until: None };
        let client = Client { exchange: call.exchange, wants, tty, is_held: false };
        self.head_of_pieces(call.exchange, Media::None);
        let Some(swarm) = &mut self.swarm else { return Ok(Reply::Later) };
        let source = match &swarm.manager {
            Some(manager) => Source::Nodes(swarm.broker.subscribe(manager, wanted)),
            None => {
                let (subscription, heard, is_asking, again) = (None, 0, false, None);
                Source::Leader(Reading { wanted, subscription, heard, is_asking, again })
            }
        };
        swarm.readers.push(Reader::new(source, Outlet::Client(client)));
        self.poll_swarm(world);
        Ok(Reply::Later)
    }

    /// The id of whose logs are wanted, and whether they are those of a terminal.
    fn origin_of(&self, kind: Kind, name: &str) -> Result<(Origin, bool), Error> {
        let store: &Store = match (&self.swarm, self.follows()) {
            (Some(Swarm { raft: Some(raft), .. }), true) if raft.leader().is_some() => raft.store(),
            _ => self.manager()?.store(),
        };
        let tty = |spec: &TaskSpec| {
            let ContainerSpec { rest, .. } = &spec.container_spec;
            rest.get("TTY").is_some_and(|tty| *tty == true)
        };
        match kind {
            Kind::Service => {
                let (service, _) = find_service_in(store, name)?;
                Ok((Origin::Service(service.id), tty(&service.spec.task_template)))
            }
            Kind::Task => {
                let (task, _) = find_task_in(store, name)?;
                Ok((Origin::Task(task.id), tty(&task.spec)))
            }
        }
    }

    fn since(&self, query: &Query) -> Result<Option<u64>, Error> {
        let Some(text) = query.text("since").filter(|text| !["", "0"].contains(text)) else { return Ok(None) };
        match instant(text, self.epoch) {
            Some(at) => Ok(Some(at.as_nanos())),
            None => said(&format!(
                "could not parse since timestamp: strconv.ParseInt: parsing \"{}\": invalid syntax",
                text.split('.').next().unwrap_or_default()
            )),
        }
    }

    /// A client is gone.
    pub(in crate::engine) fn stop_reading(&mut self, exchange: ExchangeId) {
        let Some(swarm) = &mut self.swarm else { return };
        for reader in swarm.readers.extract_if(.., |reader| reader.is_of(exchange)) {
            reader.subscription().into_iter().for_each(|number| swarm.broker.unsubscribe(number));
        }
    }

    /// All clients who read.
    pub(in crate::engine) fn drop_readers(&mut self) -> Vec<ExchangeId> {
        let Some(swarm) = &mut self.swarm else { return Vec::new() };
        swarm.prints.forget();
        swarm.broker = crate::cluster::broker::Broker::default();
        swarm.readers.drain(..).filter_map(|reader| reader.exchange()).collect()
    }

    /// It leads no more: what came from nodes ends.
    pub(super) fn lose_readers(&mut self, world: &mut World) {
        let why = SwarmError::LostLead.to_string();
        let Some(swarm) = &mut self.swarm else { return };
        swarm.prints.forget();
        swarm.broker = crate::cluster::broker::Broker::default();
        let lost = swarm.readers.iter_mut().filter(|reader| reader.subscription().is_some() && reader.end.is_none());
        lost.for_each(|reader| reader.end = Some(Err(why.clone())));
        self.serve_readers(world);
    }

    /// A client takes no more for now, or takes more again; false when it is none who reads.
    pub(in crate::engine) fn hold_reader(&mut self, exchange: ExchangeId, holds: bool) -> bool {
        let mut readers = self.swarm.iter_mut().flat_map(|swarm| &mut swarm.readers);
        let reader = readers.find(|reader| reader.is_of(exchange));
        let client = reader.and_then(|reader| match &mut reader.outlet {
            Outlet::Client(client) => Some(client),
            Outlet::Manager { .. } => None,
        });
        client.map(|client| client.is_held = holds).is_some()
    }

    /// Asks nodes for what is wanted, and gives readers what has come.
    pub(super) fn settle_logs(&mut self, world: &mut World) {
        let now = world.now();
        let Some(swarm) = &mut self.swarm else { return };
        if let Some(manager) = &swarm.manager {
            swarm.broker.look(manager);
            if swarm.prints.version() != swarm.broker.version() {
                swarm.prints.want(swarm.broker.version(), swarm.broker.wanted_of(&swarm.node));
                swarm.gossip.hurry(now);
            }
        }
        let is_gone = |reader: &mut Reader| matches!(reader.outlet, Outlet::Manager { until, .. } if until <= now);
        for reader in swarm.readers.extract_if(.., is_gone) {
            reader.subscription().into_iter().for_each(|number| swarm.broker.unsubscribe(number));
        }
        self.tell_prints(world);
        self.serve_readers(world);
        self.ask_for_lines(world);
    }

    /// A node has sent what its tasks have printed.
    pub(super) fn take_print(&mut self, world: &mut World, node: &str, batch: Batch) -> Answer {
        let Some(swarm) = &mut self.swarm else { return Answer::Unknown };
        let reader = swarm.readers.iter_mut().find(|reader| reader.subscription() == Some(batch.subscription));
        let Some(reader) = reader else { return Answer::Unknown };
        if reader.weight > ROOM {
            return Answer::Busy;
        }
        let Some(lines) = swarm.broker.take(node, batch) else { return Answer::Unknown };
        reader.add(lines);
        self.serve_readers(world);
        Answer::Noted
    }

    /// Another manager wants to read for a client of its own.
    pub(super) fn take_subscriber(&mut self, world: &mut World, visit: u64, wanted: Wanted) {
        let until = world.now() + SILENCE;
        let Some(swarm) = &mut self.swarm else { return };
        let Some(manager) = &swarm.manager else { return };
        let number = swarm.broker.subscribe(manager, wanted);
        let outlet = Outlet::Manager { visit: None, until, heard: 0 };
        swarm.readers.push(Reader::new(Source::Nodes(number), outlet));
        self.answer_visit(world, visit, &Answer::Subscribed(number));
        self.poll_swarm(world);
    }

    /// Another manager wants what has come since.
    pub(super) fn take_read(&mut self, world: &mut World, caller: u64, subscription: u64, count: usize) {
        let now = world.now();
        let readers = self.swarm.iter_mut().flat_map(|swarm| &mut swarm.readers);
        let reader = readers.into_iter().find(|reader| reader.subscription() == Some(subscription));
        let Some(reader) = reader else {
            return self.answer_visit(world, caller, &Answer::Unknown);
        };
        if let Outlet::Manager { visit, until, heard } = &mut reader.outlet {
            let more = count.saturating_sub(*heard);
            (*visit, *until, *heard) = (Some(caller), now + SILENCE, count);
            reader.drop_first(more);
        }
        self.serve_readers(world);
    }

    /// Gives readers what has come.
    fn serve_readers(&mut self, world: &mut World) {
        let Some(swarm) = &mut self.swarm else { return };
        let (mut answers, mut over) = (Vec::new(), Vec::new());
        for reader in &mut swarm.readers {
            if let (Source::Nodes(number), None) = (&reader.source, &reader.end) {
                reader.end = swarm.broker.end_of(*number);
            }
            match &mut reader.outlet {
                Outlet::Client(Client { is_held: true, .. }) => {}
                Outlet::Client(client) => {
                    let client = *client;
                    let bytes: Vec<u8> = reader.lines.iter().flat_map(|line| client.render(line, self.epoch)).collect();
                    reader.drop_first(usize::MAX);
                    if !bytes.is_empty() {
                        self.outbox.push_back(Output::Body { exchange: client.exchange, bytes });
                    }
                    if let Some(end) = &reader.end {
                        self.outbox.extend(client.farewell(end));
                        over.push(client.exchange);
                    }
                }
                Outlet::Manager { visit, .. } if !reader.lines.is_empty() || reader.end.is_some() => {
                    let Some(visit) = visit.take() else { continue };
                    let mut weight = 0;
                    let lines = reader.lines.iter().take_while(|line| {
                        weight += line.weight();
                        weight <= 2 * PIECE
                    });
                    let lines: Vec<Line> = lines.cloned().collect();
                    let end = reader.end.clone().filter(|_| lines.len() == reader.lines.len());
                    answers.push((visit, Answer::Lines { lines, end }));
                }
                Outlet::Manager { .. } => {}
            }
        }
        over.into_iter().for_each(|exchange| self.stop_reading(exchange));
        answers.into_iter().for_each(|(visit, answer)| self.answer_visit(world, visit, &answer));
    }

    /// Asks who leads for more.
    fn ask_for_lines(&mut self, world: &mut World) {
        let now = world.now();
        let Some(swarm) = &mut self.swarm else { return };
        let leader = swarm.leader();
        let mut asks = Vec::new();
        for reader in &mut swarm.readers {
            let (exchange, is_full, is_over) = (reader.exchange(), reader.weight > ROOM, reader.end.is_some());
            let (Some(exchange), Some(reading)) = (exchange, reader.reading()) else { continue };
            if is_full || is_over || reading.is_asking || reading.again.is_some_and(|at| at > now) {
                continue;
            }
            let Some(leader) = leader else {
                reading.again = Some(now + AGAIN);
                continue;
            };
            (reading.is_asking, reading.again) = (true, None);
            let ask = match reading.subscription {
                None => Ask::Subscribe(reading.wanted.clone()),
                Some(subscription) => Ask::Read { subscription, heard: reading.heard },
            };
            asks.push((leader, Ask::Passed(Box::new(ask)), Purpose::Read(exchange)));
        }
        asks.into_iter().for_each(|(leader, ask, purpose)| self.ask(world, leader, &ask, purpose));
    }

    /// Who leads has answered a reader, or has not.
    pub(super) fn take_lines(&mut self, world: &mut World, exchange: ExchangeId, answer: Option<Answer>) {
        let again = world.now() + AGAIN;
        let readers = self.swarm.iter_mut().flat_map(|swarm| &mut swarm.readers);
        let Some(reader) = readers.into_iter().find(|reader| reader.is_of(exchange)) else { return };
        let Some(reading) = reader.reading() else { return };
        reading.is_asking = false;
        match answer {
            Some(Answer::Subscribed(number)) => reading.subscription = Some(number),
            Some(Answer::Lines { lines, end }) => {
                reading.heard += lines.len();
                reader.add(lines);
                reader.end = end;
            }
            // Somebody else leads, and knows nothing of it.
            Some(Answer::Unknown) => reader.end = Some(Err(SwarmError::LostLead.to_string())),
            // It is asked again.
            _ => reading.again = Some(again),
        }
        self.settle_logs(world);
    }
}

impl Client {
    fn render(&self, line: &Line, epoch: netyard_sim::time::Epoch) -> Vec<u8> {
        let channel = if line.is_error { Channel::Err } else { Channel::Out };
        let entry = Entry { at: Instant::from_nanos(line.at), channel, bytes: line.bytes() };
        self.wants.render(&entry, Shape { tty: self.tty, details: &line.details }, epoch)
    }

    /// The end of the stream, with what the engine has to say of it.
    fn farewell(&self, end: &Result<(), String>) -> Vec<Output> {
        let said = end.as_ref().err().map(|why| format!("Error grabbing logs: {why}\n").into_bytes());
        let said = said.map(|text| if self.tty { text } else { frame_of_engine(&text) });
        let body = said.map(|bytes| Output::Body { exchange: self.exchange, bytes });
        body.into_iter().chain([Output::End { exchange: self.exchange }]).collect()
    }
}

fn said<T>(text: &str) -> Result<T, Error> {
    Err(SwarmError::Said(text.to_owned()).into())
}

/// How many of the last lines are wanted.
fn tail(query: &Query) -> Result<Option<usize>, Error> {
    match query.text("tail").unwrap_or_default() {
        "" | "all" => Ok(None),
        text => match text.parse::<i64>() {
            Ok(count) => match usize::try_from(count) {
                Ok(count) => Ok(Some(count)),
                Err(_) => said("negative tail values not supported"),
            },
            Err(_) => said("tail value must be a positive integer or \"all\""),
        },
    }
}
