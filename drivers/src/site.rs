//! A site: the default world of docker hosts on one LAN, an engine on each, and terminals in it. It carries what programs
//! ask engines and what engines answer; it decides nothing about networks.
//!
//! How it works: `run` lets the world go on until something happens. A call to an engine's socket becomes an errand that
//! is due a little later, since every request takes some time; so no two things are made at the same moment.

mod daemon;
mod lan;
mod terminal;

use std::collections::{BTreeMap, VecDeque};

use netyard_sim::fabric::NamespaceId;
use netyard_sim::link::Condition;
use netyard_sim::rng::Seed;
use netyard_sim::time::{Duration, Epoch, Instant};
use netyard_sim::userland::process::Event;
use netyard_sim::userland::{CallId, ContextId, Pid, Programs, Request, Rights, programs};
use netyard_sim::world::World;

use crate::cli::{self, dockerd, systemctl};
use crate::container::Container;
use crate::daemon::Config;
use crate::engine::{Engine, ExchangeId, Output, Power, SOCKET};
use crate::image;
use daemon::Unit;
use terminal::Terminal;

pub use terminal::{TerminalEvent, TerminalId};

/// What an engine spends on a request before it answers.
const REQUEST_COST: Duration = Duration::from_millis(1);

/// What a site shall be.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SiteConfig {
    /// Decides all that is random.
    pub seed: Seed,
    /// The date on which it begins.
    pub epoch: Epoch,
    /// The names of its docker hosts; the first is the default one. At most 70, for the LAN's addresses.
    pub hosts: Vec<String>,
    /// What the cables of hosts to the LAN do to frames, where that is not the usual.
    pub links: BTreeMap<String, Condition>,
    /// What the engines of hosts were told, where that is not the usual.
    pub engines: BTreeMap<String, Config>,
    /// Whether every frame is kept.
    pub capture: bool,
}

impl Default for SiteConfig {
    /// One host, docker01.
    fn default() -> Self {
        Self {
            seed: Seed(0),
            epoch: Epoch::DEFAULT,
            hosts: vec!["docker01".to_owned()],
            links: BTreeMap::new(),
            engines: BTreeMap::new(),
            capture: false,
        }
    }
}

/// Where programs can be run: a host, a container, or a network namespace of a host.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Place {
    /// Its network.
    pub namespace: NamespaceId,
    /// What a login there may do with it.
    pub rights: Rights,
    /// Its files.
    pub context: ContextId,
    /// The environment of a login there.
    pub env: BTreeMap<String, String>,
    /// The directory in which one begins.
    pub cwd: String,
}

/// Something for an engine that is due at some time.
#[derive(Clone, Debug)]
enum Errand {
    Hangup,
    Input(Vec<u8>),
    Request(Request),
}

/// Docker hosts on a LAN.
pub struct Site {
    world: World,
    engines: Vec<Engine>,
    /// The daemons that the engines are, in the same order.
    units: Vec<Unit>,
    errands: BTreeMap<(Instant, u64), (CallId, usize, Errand)>,
    /// The engine that answers a call, and when it has begun with it.
    calls: BTreeMap<CallId, (usize, Instant)>,
    terminals: BTreeMap<TerminalId, Terminal>,
    events: VecDeque<TerminalEvent>,
    next_errand: u64,
    /// When the last errand is due; the next comes after it.
    busy_until: Instant,
}

impl Site {
    /// A site at the beginning of its time. Its hosts and containers have Linux's programs, the hosts `docker` too.
    #[must_use]
    pub fn new(config: &SiteConfig) -> Self {
        let mut programs = programs::linux();
        cli::add(&mut programs);
        image::hello::add(&mut programs);
        Self::with_programs(config, programs)
    }

    /// The same with other programs.
    #[must_use]
    pub fn with_programs(config: &SiteConfig, programs: Programs) -> Self {
        let mut world = World::new(config.seed, config.epoch, programs);
        if config.capture {
            world.fabric.capture.start();
        }
        let hosts = lan::build(&mut world, &config.hosts, &config.links);
        let engines = hosts.into_iter().map(|host| Engine::new(config.seed, config.epoch, host)).collect();
        let mut site = Self {
            world,
            engines,
            units: Vec::new(),
            errands: BTreeMap::new(),
            calls: BTreeMap::new(),
            terminals: BTreeMap::new(),
            events: VecDeque::new(),
            next_errand: 0,
            busy_until: Instant::ZERO,
        };
        site.begin_daemons(|host| config.engines.get(host).cloned().unwrap_or_default());
        site
    }

    /// The present.
    #[must_use]
    pub fn now(&self) -> Instant {
        self.world.now()
    }

    /// The world underneath.
    #[must_use]
    pub const fn world(&self) -> &World {
        &self.world
    }

    /// The world underneath, to be changed.
    pub const fn world_mut(&mut self) -> &mut World {
        &mut self.world
    }

    /// The engines, one a host, the default host's first.
    #[must_use]
    pub fn engines(&self) -> &[Engine] {
        &self.engines
    }

    /// The place called `name`: a host, a running container (of the first host that has one of that name), or
    /// `HOST/NAMESPACE` and `HOST/CONTAINER`.
    #[must_use]
    pub fn place(&self, name: &str) -> Option<Place> {
        let host = |name: &str| self.engines.iter().find(|engine| engine.host().name == name);
        if let Some(engine) = host(name) {
            return Some(terminal::host_login(engine.host()));
        }
        match name.split_once('/') {
            Some((on, inner)) => {
                let engine = host(on)?;
                container_login(engine, inner).or_else(|| self.namespace_login(engine, inner))
            }
            None => self.engines.iter().find_map(|engine| container_login(engine, name)),
        }
    }

    /// A place in a namespace that was made by hand on a host (`ip netns add`).
    fn namespace_login(&self, engine: &Engine, name: &str) -> Option<Place> {
        let full = format!("{}/{name}", engine.host().name);
        let (namespace, _) = self.world.fabric.namespaces().find(|(_, ns)| ns.name == full)?;
        Some(Place { namespace, ..terminal::host_login(engine.host()) })
    }

    /// Lets time pass until a terminal has something to say, at most to `until`; `None` says that this is reached.
    pub fn run(&mut self, until: Instant) -> Option<TerminalEvent> {
        loop {
            self.carry_outputs();
            if let Some(event) = self.events.pop_front() {
                return Some(event);
            }
            let limit = self.next_at().map_or(until, |at| at.clamp(self.now(), until.max(self.now())));
            match self.world.run_until(limit) {
                Some(event) => self.take(event),
                None if self.do_what_is_due() => {}
                None if self.now() >= until => return None,
                None => {}
            }
        }
    }

    /// When the next errand or the next thing of an engine is due.
    fn next_at(&self) -> Option<Instant> {
        let errand = self.errands.keys().next().map(|(at, _)| *at);
        self.engines.iter().filter_map(Engine::next_at).chain(errand).min()
    }

    /// Hands a report of the world to whom it concerns.
    fn take(&mut self, event: Event) {
        match event {
            Event::Called { id, pid, context, socket, request } => self.take_call(id, (pid, context), &socket, request),
            Event::CallInput(id, _) if self.daemon_asked_to_end(id) => {}
            Event::CallInput(id, bytes) => self.take_more(id, Errand::Input(bytes)),
            Event::CallDropped(id) if self.daemon_was_killed(id) => {}
            Event::CallDropped(id) => self.take_more(id, Errand::Hangup),
            Event::Exited(pid, status) => {
                let of_engine = self.engines.iter_mut().any(|engine| engine.handle_exit(&mut self.world, pid, status));
                self.settle_daemons();
                if !of_engine && !self.daemon_ended(pid) {
                    self.terminal_closed(pid, status.code());
                }
            }
            Event::Readable(pipe) => {
                self.engines.iter_mut().any(|engine| engine.handle_readable(&mut self.world, pipe));
            }
            Event::Ready(pid, status) => self.terminal_ready(pid, status),
        }
    }

    /// A program calls a daemon. Where none listens the call ends without an answer.
    fn take_call(&mut self, id: CallId, caller: (Pid, ContextId), socket: &str, request: Request) {
        let (pid, context) = caller;
        if let Some(at) = self.engines.iter().position(|engine| engine.host().context == context) {
            match socket {
                dockerd::SOCKET => return self.daemon_begins(id, pid, at, &request),
                systemctl::SOCKET => return self.ask_unit(id, at, &request.target),
                _ => {}
            }
        }
        let is_up = |engine: &Engine| engine.host().context == context && engine.power() == Power::Up;
        let engine = self.engines.iter().position(is_up);
        let Some(engine) = engine.filter(|_| socket == SOCKET || socket == "/run/docker.sock") else {
            self.world.processes.respond_end(id);
            return;
        };
        let due = self.busy_until.max(self.now()) + REQUEST_COST;
        self.busy_until = due;
        self.calls.insert(id, (engine, due));
        self.add_errand(due, id, engine, Errand::Request(request));
    }

    /// More on a call, after its request.
    fn take_more(&mut self, id: CallId, errand: Errand) {
        if let Some((engine, begun)) = self.calls.get(&id).copied() {
            self.add_errand(begun.max(self.now()), id, engine, errand);
        }
    }

    fn add_errand(&mut self, due: Instant, id: CallId, engine: usize, errand: Errand) {
        self.errands.insert((due, self.next_errand), (id, engine, errand));
        self.next_errand += 1;
    }

    /// Does the errands that are due and lets the engines do what is due; false when there was nothing.
    fn do_what_is_due(&mut self) -> bool {
        let now = self.now();
        let mut any = false;
        while let Some(entry) = self.errands.first_entry().filter(|entry| entry.key().0 <= now) {
            let (id, engine, errand) = entry.remove();
            self.run_errand(id, engine, errand);
            any = true;
        }
        for engine in &mut self.engines {
            if engine.next_at().is_some_and(|at| at <= now) {
                engine.poll(&mut self.world);
                any = true;
            }
        }
        any
    }

    fn run_errand(&mut self, id: CallId, engine: usize, errand: Errand) {
        let exchange = ExchangeId(u64::from(id.0));
        let engine = &mut self.engines[engine];
        match errand {
            Errand::Hangup => {
                engine.handle_hangup(exchange);
                self.calls.remove(&id);
            }
            Errand::Input(bytes) => engine.handle_input(&mut self.world, exchange, &bytes),
            Errand::Request(request) => engine.handle(&mut self.world, exchange, &request),
        }
    }

    /// Brings what engines answer to the programs that asked.
    fn carry_outputs(&mut self) {
        for engine in &mut self.engines {
            while let Some(output) = engine.poll_output() {
                let processes = &mut self.world.processes;
                match output {
                    Output::Head { exchange, status, .. } => processes.respond(call_of(exchange), status),
                    Output::Body { exchange, bytes } => processes.respond_body(call_of(exchange), &bytes),
                    Output::End { exchange } => {
                        self.calls.remove(&call_of(exchange));
                        processes.respond_end(call_of(exchange));
                    }
                }
            }
        }
    }

    /// What still runs, as `PLACE: COMMAND`: neither terminals nor the containers' own main processes.
    #[must_use]
    pub fn running(&self) -> Vec<String> {
        let mains: Vec<Pid> =
            self.engines.iter().flat_map(Engine::containers).filter_map(|container| container.state.pid()).collect();
        let is_job = |pid: &Pid| !mains.contains(pid) && !self.terminals.values().any(|t| t.is_shell(*pid));
        let is_daemon = |pid: &Pid| self.units.iter().any(|unit| unit.is_main(*pid));
        let jobs = self.world.processes.running().filter(|(pid, ..)| is_job(pid) && !is_daemon(pid));
        jobs.map(|(_, context, argv)| format!("{}: {}", self.name_of(context), argv.join(" "))).collect()
    }

    /// What people call the place with these files.
    fn name_of(&self, context: ContextId) -> &str {
        let containers = self.engines.iter().flat_map(Engine::containers);
        let container = containers.filter(|c| c.context == Some(context)).map(|c| c.name.as_str()).next();
        let host = || self.engines.iter().map(Engine::host).find(|host| host.context == context);
        container.or_else(|| host().map(|host| host.name.as_str())).unwrap_or("?")
    }
}

fn call_of(exchange: ExchangeId) -> CallId {
    CallId(u32::try_from(exchange.0).expect("a site numbers exchanges as the world numbers calls"))
}

fn container_login(engine: &Engine, name: &str) -> Option<Place> {
    let container: &Container = engine.container(name).filter(|container| container.is_running())?;
    let cwd = &container.config.working_dir;
    Some(Place {
        namespace: engine.namespace_of(container)?,
        rights: container.config.rights,
        context: container.context?,
        env: engine.environment_of(container),
        cwd: if cwd.is_empty() { "/".to_owned() } else { cwd.clone() },
    })
}

#[cfg(test)]
mod tests;
