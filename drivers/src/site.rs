//! A site: the default world of docker hosts on one LAN, an engine on each, and terminals in it. It carries what programs
//! ask engines and what engines answer; it decides nothing about networks.
//!
//! How it works: `run` lets the world go on until something happens. A call to an engine's socket becomes an errand that
//! is due a little later, since every request takes some time; so no two things are made at the same moment. Programs
//! in the world and clients outside it ask in the same way (`exchange`).

mod daemon;
mod drops;
mod exchange;
mod fault;
mod flow;
pub mod graph;
pub mod impair;
mod lan;
mod plugins;
mod store;
mod terminal;
pub mod why;

use core::net::Ipv4Addr;
use std::collections::{BTreeMap, VecDeque};

use netyard_sim::dns::Manner;
use netyard_sim::fabric::NamespaceId;
use netyard_sim::rng::Seed;
use netyard_sim::time::{Duration, Epoch, Instant};
use netyard_sim::userland::process::Event;
use netyard_sim::userland::{CallId, ContextId, Pid, Programs, Request, Rights, Status, User, programs};
use netyard_sim::world::World;

use crate::cli::{self, dockerd, netyard, systemctl};
use crate::container::Container;
use crate::daemon::Config;
use crate::engine::{Engine, Host, Login, Output, Outside};
use crate::image;
use crate::pipework;
use crate::ports::Machine;
use daemon::Unit;
use exchange::Exchanges;
use fault::{Answered, Faults};
use flow::Flows;
use plugins::Plugins;
use store::Stored;
use terminal::Terminal;
use why::Question;

pub use flow::{Listener, Transport};
pub use lan::{MACHINES_MAX, Uplink, has_room_at, is_free};
pub use terminal::{TerminalEvent, TerminalId};

/// How far a step goes at least when nothing else is due.
const BREATH: Duration = Duration::from_millis(1);

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
    pub links: BTreeMap<String, Uplink>,
    /// Further name servers on the LAN. [`has_room_at`] tells where there may be one.
    pub nameservers: BTreeMap<Ipv4Addr, Manner>,
    /// Further machines on the LAN, by their names there: nothing runs on them. See [`is_free`] for names, of which there
    /// are at most [`MACHINES_MAX`].
    pub machines: Vec<String>,
    /// What the engines of hosts were told, where that is not the usual.
    pub engines: BTreeMap<String, Config>,
    /// Whether every frame is kept.
    pub capture: bool,
    /// Whether the stores that engines share are outside the simulation, with the other nodes. These seem to be at the
    /// addresses of a machine of the LAN; only the first host has such an engine.
    pub outside: bool,
}

impl Default for SiteConfig {
    /// One host, docker01.
    fn default() -> Self {
        Self {
            seed: Seed(0),
            epoch: Epoch::DEFAULT,
            hosts: vec!["docker01".to_owned()],
            links: BTreeMap::new(),
            nameservers: BTreeMap::new(),
            machines: Vec::new(),
            engines: BTreeMap::new(),
            capture: false,
            outside: false,
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
    /// Who is logged in.
    pub user: User,
    /// Its files.
    pub context: ContextId,
    /// The environment of a login there.
    pub env: BTreeMap<String, String>,
    /// The directory in which one begins.
    pub cwd: String,
}

/// Docker hosts on a LAN.
pub struct Site {
    world: World,
    engines: Vec<Engine>,
    /// The daemons that the engines are, in the same order.
    units: Vec<Unit>,
    exchanges: Exchanges,
    flows: Flows,
    /// The further machines of the LAN.
    machines: Vec<Host>,
    /// The stores that engines were told of.
    stores: Vec<Stored>,
    /// The machine that stands for nodes outside.
    outside: Option<NamespaceId>,
    terminals: BTreeMap<TerminalId, Terminal>,
    events: VecDeque<TerminalEvent>,
    /// What engines answer to clients outside.
    outbox: VecDeque<Output>,
    /// What the site was before things were done to it, oldest first.
    marks: Vec<why::Mark>,
    faults: Faults,
    plugins: Plugins,
    /// Probes under way, and the exit codes of those that ended.
    probes: BTreeMap<Pid, Option<i32>>,
}

impl Site {
    /// A site at the beginning of its time. Its hosts and containers have Linux's programs, the hosts `docker` too.
    #[must_use]
    pub fn new(config: &SiteConfig) -> Self {
        Self::with_programs(config, Self::programs())
    }

    /// The programs that hosts and containers of a site have.
    #[must_use]
    pub fn programs() -> Programs {
        let mut programs = programs::linux();
        cli::add(&mut programs);
        image::hello::add(&mut programs);
        pipework::add(&mut programs);
        programs
    }

    /// The same with other programs.
    #[must_use]
    pub fn with_programs(config: &SiteConfig, programs: Programs) -> Self {
        let mut world = World::new(config.seed, config.epoch, programs);
        if config.capture {
            world.fabric.capture.start();
        }
        let lan::Built { hosts, machines, keepers, outside } = lan::build(&mut world, config);
        let stores = store::begin(&mut world, config, &hosts, &keepers);
        let engines = hosts.into_iter().map(|host| Engine::new(config.seed, config.epoch, host)).collect();
        let mut site = Self {
            world,
            engines,
            units: Vec::new(),
            exchanges: Exchanges::default(),
            flows: Flows::default(),
            machines,
            stores,
            outside: outside.as_ref().map(|(host, _)| host.namespace),
            terminals: BTreeMap::new(),
            events: VecDeque::new(),
            outbox: VecDeque::new(),
            marks: Vec::new(),
            faults: Faults::default(),
            plugins: Plugins::default(),
            probes: BTreeMap::new(),
        };
        if let (Some((_, addresses)), Some(engine)) = (outside, site.engines.first_mut()) {
            engine.look_outside(Outside::new(addresses));
        }
        site.begin_daemons(|host| config.engines.get(host).cloned().unwrap_or_default());
        site
    }

    /// Another site with the same past; the two share nothing. Ports of the copy are published in it alone, and see
    /// [`World::fork`] for connections.
    #[must_use]
    pub fn fork(&self) -> Self {
        Self {
            world: self.world.fork(),
            engines: self.engines.clone(),
            units: self.units.clone(),
            exchanges: self.exchanges.clone(),
            flows: self.flows.clone(),
            machines: self.machines.clone(),
            stores: self.stores.clone(),
            outside: self.outside,
            terminals: self.terminals.clone(),
            events: self.events.clone(),
            outbox: self.outbox.clone(),
            marks: Vec::new(),
            faults: self.faults.clone(),
            plugins: self.plugins.clone(),
            probes: BTreeMap::new(),
        }
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

    /// Publishes the ports of an engine on a machine outside the site too, from now on.
    ///
    /// # Panics
    /// When there is no such engine.
    pub fn publish_on(&mut self, engine: usize, machine: Box<dyn Machine>) {
        self.engines[engine].publish_on(machine);
    }

    /// The place called `name`: a host, a running container (of the first host that has one of that name), or
    /// `HOST/NAMESPACE` and `HOST/CONTAINER`.
    #[must_use]
    pub fn place(&self, name: &str) -> Option<Place> {
        let on = self.engines.iter().enumerate().filter(|(at, _)| self.is_on(*at)).map(|(_, engine)| engine);
        let host = |name: &str| on.clone().find(|engine| engine.host().name == name);
        if let Some(engine) = host(name) {
            return Some(terminal::host_login(engine.host()));
        }
        match name.split_once('/') {
            Some((on, inner)) => {
                let engine = host(on)?;
                container_login(&self.world, engine, inner).or_else(|| self.namespace_login(engine, inner))
            }
            None => self.engines.iter().find_map(|engine| container_login(&self.world, engine, name)),
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
            if !self.go_on(until) {
                return None;
            }
        }
    }

    /// Goes on to the next moment at which something happens; false when that is not before `until`, which is then the
    /// present. What terminals say is kept for [`Self::run`].
    pub fn step(&mut self, until: Instant) -> bool {
        self.carry_outputs();
        let before = self.now();
        let next = [self.next_due_at(), self.world.next_at()].into_iter().flatten().min();
        let came = self.go_on(next.map_or(until, |at| at.clamp(before, until.max(before))));
        // Programs that compute on and on move only with the time that they are given.
        let came = came || (self.now() == before && before < until && self.go_on(until.min(before + BREATH)));
        came || self.now() < until
    }

    /// One turn of the world; false when `until` is reached and nothing is due.
    fn go_on(&mut self, until: Instant) -> bool {
        let limit = self.next_due_at().map_or(until, |at| at.clamp(self.now(), until.max(self.now())));
        match self.world.run_until(limit) {
            Some(event) => self.take(event),
            None if self.do_what_is_due() => {}
            None if self.now() >= until => return false,
            None => {}
        }
        self.carry_questions();
        self.strike_at_events();
        true
    }

    /// When the next errand or the next thing of an engine is due.
    fn next_due_at(&self) -> Option<Instant> {
        let goes = |(at, _): &(usize, &Engine)| !self.is_engine_still(*at);
        let engines = self.engines.iter().enumerate().filter(goes).filter_map(|(_, engine)| engine.next_at());
        let own = [self.next_errand_at(), self.faults.next_at(), self.plugins.next_at(), self.stores_next_at()];
        engines.chain(own.into_iter().flatten()).min()
    }

    /// Hands a report of the world to whom it concerns.
    fn take(&mut self, event: Event) {
        match event {
            Event::Called { id, pid, context, socket, request } => self.take_call(id, (pid, context), &socket, request),
            Event::CallInput(id, _) if self.daemon_asked_to_end(id) => {}
            Event::CallInput(id, bytes) => self.exchanges.add_input(id, bytes, self.world.now()),
            Event::CallDropped(id) if self.daemon_was_killed(id) || self.plugin_was_dropped(id) => {}
            Event::CallDropped(id) => self.exchanges.drop_call(id, self.world.now()),
            Event::Exited(pid, status) => self.take_exit(pid, status),
            Event::Readable(pipe) => {
                self.read_scripts();
                let world = &mut self.world;
                let _ = self.flows.readable(&mut world.processes, pipe, &mut self.outbox)
                    || self.engines.iter_mut().any(|engine| engine.handle_readable(world, pipe))
                    || self.store_readable(pipe);
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
                netyard::SOCKET => return self.ask_simulator(at, id, &request.target),
                _ => {}
            }
        }
        self.ask_engine(id, context, socket, request);
    }

    /// A program asks the simulator: words, a line each.
    fn ask_simulator(&mut self, at: usize, call: CallId, asked: &str) {
        let words: Vec<&str> = asked.split('\n').collect();
        let done = match words.split_first() {
            Some((&"fault", rest)) => self.fault(rest, Some(call)),
            Some((&"plugin", rest)) => self.serve_plugin(at, call, rest).map(|()| Answered::Later),
            _ => Ok(Answered::Said(String::new())),
        };
        let (code, said) = match done {
            Ok(Answered::Later) => return,
            Ok(Answered::Said(said)) if words[0] == "fault" => (0, said),
            Ok(Answered::Said(_)) => self.netyard(&words),
            Err(error) => (2, error),
        };
        let processes = &mut self.world.processes;
        processes.respond(call, u16::from(code), Vec::new());
        processes.respond_body(call, said.as_bytes());
        processes.respond_end(call);
    }

    /// Does what `netyard` is asked on a host by these words: its exit code, and what it says; to standard error when the
    /// code is 2.
    pub fn netyard(&mut self, words: &[&str]) -> (u8, String) {
        let done = match words {
            ["why", rest @ ..] => match Question::parse(rest) {
                Some(question) => return self.asked_why(question),
                None => Err(netyard::WHY_USAGE.to_owned()),
            },
            ["impair", rest @ ..] => self.impair(rest).map_err(|error| match error.as_str() {
                impair::USAGE => error,
                _ => format!("netyard impair: {error}"),
            }),
            ["drops", places @ ..] => self.drops(places),
            ["graph", rest @ ..] => self.graph_by(rest),
            ["fault", rest @ ..] => self.fault(rest, None).map(|answered| match answered {
                Answered::Said(said) => said,
                Answered::Later => String::new(),
            }),
            _ => Err(format!("{}{}", netyard::WHY_USAGE, netyard::USAGE)),
        };
        done.map_or_else(|error| (2, error), |said| (0, said))
    }

    /// Tells whose process it was that it ended.
    fn take_exit(&mut self, pid: Pid, status: Status) {
        let world = &mut self.world;
        let is_taken = self.engines.iter_mut().any(|engine| engine.handle_exit(world, pid, status))
            || self.flows.exited(&mut world.processes, pid, &mut self.outbox);
        self.settle_daemons();
        let is_taken = is_taken
            || self.script_ended(pid, status.code())
            || self.fault_ended(pid, status.code())
            || self.store_ended(pid);
        if !is_taken && !self.probe_ended(pid, status.code()) && !self.daemon_ended(pid) {
            self.terminal_closed(pid, status.code());
        }
    }

    /// Does the errands that are due and lets the engines do what is due; false when there was nothing.
    fn do_what_is_due(&mut self) -> bool {
        let now = self.now();
        let mut any = self.run_errands(now) | self.strike_due(now) | self.poll_stores() | self.give_up_scripts(now);
        for at in 0..self.engines.len() {
            if self.engines[at].next_at().is_some_and(|at| at <= now) && !self.is_engine_still(at) {
                self.engines[at].poll(&mut self.world);
                any = true;
            }
        }
        if any {
            self.settle_daemons();
        }
        any
    }

    /// What still runs, as `PLACE: COMMAND`: neither terminals nor the containers' own main processes.
    #[must_use]
    pub fn running(&self) -> Vec<String> {
        let mains: Vec<Pid> =
            self.engines.iter().flat_map(Engine::containers).filter_map(|container| container.state.pid()).collect();
        let is_job = |pid: &Pid| !mains.contains(pid) && !self.terminals.values().any(|t| t.is_shell(*pid));
        let is_daemon = |pid: &Pid| {
            self.faults.is_command(*pid)
                || self.is_store(*pid)
                || self.plugins.is_script(*pid)
                || self.units.iter().any(|unit| unit.is_main(*pid))
        };
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

fn container_login(world: &World, engine: &Engine, name: &str) -> Option<Place> {
    let lives = |container: &&Container| container.is_running() && !engine.is_dying(container);
    let container: &Container = engine.container(name).filter(lives)?;
    let cwd = &container.config.working_dir;
    let (namespace, context) = (engine.namespace_of(container)?, container.context?);
    let Login { user, rights, env } = engine.login(world, container);
    Some(Place {
        namespace,
        rights,
        user,
        context,
        env,
        cwd: if cwd.is_empty() { "/".to_owned() } else { cwd.clone() },
    })
}

#[cfg(test)]
mod tests;
