//! Processes: the table of what runs and who waits for what. What a running program can do is [`Sys`]; what it speaks
//! with daemons about is nobody's affair here.
//!
//! How it works: a runnable process is in `ready`, in the order in which it became so. The world takes one, calls its
//! program with a `Sys` that borrows the rest of the table and the network, and puts it back. Every event that
//! concerns a process (bytes in a pipe it holds, a socket, a child, a reply, a signal) makes it runnable; deadlines
//! are kept in `timers`. A process that ended stays as a zombie until its parent asked for its status; one without
//! a parent is reported to the world's owner.

mod call;
mod file;
mod holders;
mod kernel;
mod namespaces;
mod numbers;
mod sys;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

pub use call::{Call, CallId, Request};
pub use kernel::{Kernel, Seen};
pub use sys::Sys;

pub use super::context::{Context, ContextId, Flavour};

use self::holders::Holders;
use self::numbers::Numbers;
use super::files::{Files, Stamp, Volumes};
use super::search::{DEFAULT_PATH, Search};
use super::stream::{Open, PipeId, Read, Stream, Streams, Target};
use super::{Errno, Program, Programs, Signal, Step, User, image};
use crate::fabric::{Fabric, NamespaceId};
use crate::rng::{Rng, Seed};
use crate::socket::SocketId;
use crate::time::{Epoch, Instant};

/// A process, by number. Numbers go up and are never used again. To its table a process has the number that it has in the
/// whole world; to programs ([`Sys`], [`Kernel`]) all processes have those of the program's place.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Pid(pub u32);

/// How a process ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Status {
    /// By itself, with this code.
    Exited(i32),
    /// By this signal.
    Signalled(Signal),
}

impl Status {
    /// The exit status as a shell shows it: 128 + N for a signal.
    #[must_use]
    pub const fn code(self) -> i32 {
        match self {
            Self::Exited(code) => code,
            Self::Signalled(signal) => 128 + signal.number(),
        }
    }
}

/// What a process may do with the network it is in, beyond sending and receiving.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Rights {
    /// Change its devices, addresses, routes and neighbours (CAP_NET_ADMIN).
    pub administer: bool,
    /// Open raw sockets (CAP_NET_RAW).
    pub raw: bool,
    /// Write what is below /proc/sys, which containers have mounted to be read only.
    pub settings: bool,
}

impl Rights {
    /// All there are, as on a host.
    pub const ALL: Self = Self { administer: true, raw: true, settings: true };
    /// Those of a container that was given no others.
    pub const CONTAINER: Self = Self { administer: false, raw: true, settings: false };
    /// None, as a process has that is not root's.
    pub const NONE: Self = Self { administer: false, raw: false, settings: false };
}

/// What a new process shall be.
#[derive(Debug)]
pub struct Spawn {
    /// Its arguments, the program's name first.
    pub argv: Vec<String>,
    /// Its environment.
    pub env: BTreeMap<String, String>,
    /// Its working directory.
    pub cwd: String,
    /// The network it is in.
    pub namespace: NamespaceId,
    /// What it may do there.
    pub rights: Rights,
    /// Who it is.
    pub user: User,
    /// The files and name it sees.
    pub context: ContextId,
    /// Standard input, output and error; the new process owns them.
    pub streams: [Stream; 3],
    /// The process group it joins, by its number in this place; its own when none.
    pub group: Option<Pid>,
    /// Whether it is process 1 of a container: the place counts its processes from there on, and it ignores signals that
    /// it does not handle.
    pub init: bool,
}

impl Spawn {
    /// A process of a host's own: root's, with all rights, in `/`, without an environment and in no group but its own.
    #[must_use]
    pub fn of_host(argv: Vec<String>, (namespace, context): (NamespaceId, ContextId), streams: [Stream; 3]) -> Self {
        Self {
            argv,
            env: BTreeMap::new(),
            cwd: "/".to_owned(),
            namespace,
            rights: Rights::ALL,
            user: User::ROOT,
            context,
            streams,
            group: None,
            init: false,
        }
    }
}

/// What the table tells the owner of the world.
#[derive(Clone, Debug)]
pub enum Event {
    /// A process without a parent ended.
    Exited(Pid, Status),
    /// Bytes (or the end) can be read from a pipe whose reader is outside.
    Readable(PipeId),
    /// A program calls the daemon behind `socket`.
    Called {
        /// The call, to be answered.
        id: CallId,
        /// Who calls.
        pid: Pid,
        /// Where the caller is.
        context: ContextId,
        /// The path of the Unix socket.
        socket: String,
        /// What it asks.
        request: Request,
    },
    /// The caller sent more input on a call that streams; empty at its end.
    CallInput(CallId, Vec<u8>),
    /// The caller is gone before the call was complete.
    CallDropped(CallId),
    /// A shell session has done its line, with this status, and waits for the next.
    Ready(Pid, i32),
}

#[derive(Clone)]
struct Process {
    argv: Vec<String>,
    env: BTreeMap<String, String>,
    cwd: String,
    namespace: NamespaceId,
    rights: Rights,
    user: User,
    context: ContextId,
    streams: Vec<Stream>,
    /// Its number in its place.
    number: Pid,
    parent: Option<Pid>,
    /// Whom it started and has not waited for.
    children: BTreeSet<Pid>,
    /// Whether its parent ended before it.
    orphaned: bool,
    /// Its group, by its number in this place.
    group: Pid,
    init: bool,
    /// Permissions that files it makes do not get.
    mask: u32,
    paused: bool,
    /// Whether it stands in the queue of the runnable already.
    queued: bool,
    pending: VecDeque<Signal>,
    /// Its sockets and their file descriptors.
    sockets: BTreeMap<(NamespaceId, SocketId), u32>,
    calls: BTreeSet<CallId>,
    deadline: Option<Instant>,
    started: Instant,
    program: Option<Box<dyn Program>>,
    ended: Option<Status>,
}

/// How many processes there are at most, as `kernel.pid_max` has it on Linux.
const PROCESSES_MAX: usize = 32_768;

/// All processes of a world.
#[derive(Clone)]
pub struct Table {
    processes: BTreeMap<Pid, Process>,
    ready: VecDeque<Pid>,
    timers: BTreeSet<(Instant, Pid)>,
    owners: BTreeMap<(NamespaceId, SocketId), Pid>,
    contexts: BTreeMap<ContextId, Context>,
    /// How many processes a place may have, where that is limited.
    limits: BTreeMap<ContextId, usize>,
    /// What places of each flavour begin with.
    bases: BTreeMap<Flavour, Files>,
    volumes: Volumes,
    /// What `/dev/urandom` gives.
    random: Rng,
    streams: Streams,
    holders: Holders,
    numbers: Numbers,
    calls: BTreeMap<CallId, (Pid, Call)>,
    programs: Programs,
    events: VecDeque<Event>,
    epoch: Epoch,
    next_pid: u32,
    forks: u64,
    next_context: u32,
    next_call: u32,
    /// Namespaces that live only as long as a process is in them.
    released: BTreeSet<NamespaceId>,
    /// Those that look at a network again whenever something was done, before anybody else goes on (`ip monitor`).
    listeners: BTreeSet<Pid>,
}

impl Table {
    /// An empty table over these programs.
    #[must_use]
    pub fn new(programs: Programs, epoch: Epoch) -> Self {
        Self {
            processes: BTreeMap::new(),
            ready: VecDeque::new(),
            timers: BTreeSet::new(),
            owners: BTreeMap::new(),
            contexts: BTreeMap::new(),
            limits: BTreeMap::new(),
            bases: BTreeMap::new(),
            volumes: Volumes::default(),
            random: Seed(0).stream("/dev/urandom"),
            streams: Streams::default(),
            holders: Holders::default(),
            numbers: Numbers::default(),
            calls: BTreeMap::new(),
            programs,
            events: VecDeque::new(),
            epoch,
            next_pid: 2,
            forks: 0,
            next_context: 1,
            next_call: 1,
            released: BTreeSet::new(),
            listeners: BTreeSet::new(),
        }
    }

    /// The programs, to add more.
    pub const fn programs_mut(&mut self) -> &mut Programs {
        &mut self.programs
    }

    /// The programs.
    #[must_use]
    pub const fn programs(&self) -> &Programs {
        &self.programs
    }

    /// The files that a place of this flavour begins with. They are made once, when the programs are complete; copies
    /// share them.
    pub fn base_files(&mut self, flavour: Flavour) -> Files {
        let built = Stamp(self.epoch.unix_nanos(Instant::ZERO));
        let make = || image::files(flavour, &self.programs, built);
        self.bases.entry(flavour).or_insert_with(make).clone()
    }

    /// A new place for programs.
    pub fn create_context(&mut self, context: Context) -> ContextId {
        let id = ContextId(self.next_context);
        self.next_context += 1;
        self.contexts.insert(id, context);
        id
    }

    /// Forgets a place; its processes must be gone.
    pub fn delete_context(&mut self, id: ContextId) {
        self.contexts.remove(&id);
        self.limits.remove(&id);
        self.numbers.forget(id);
    }

    /// A place.
    ///
    /// # Panics
    /// When the place was deleted.
    #[must_use]
    pub fn context(&self, id: ContextId) -> &Context {
        self.contexts.get(&id).expect("the context was not deleted")
    }

    /// A place, to change its files or name.
    ///
    /// # Panics
    /// When the place was deleted.
    pub fn context_mut(&mut self, id: ContextId) -> &mut Context {
        self.contexts.get_mut(&id).expect("the context was not deleted")
    }

    /// Pipes and files, for those who hold an end from outside.
    pub const fn streams_mut(&mut self) -> &mut Streams {
        &mut self.streams
    }

    /// Pipes and files, to look at.
    #[must_use]
    pub const fn streams(&self) -> &Streams {
        &self.streams
    }

    /// Lets what programs take by chance depend on the seed of the world.
    pub fn set_seed(&mut self, seed: Seed) {
        self.random = seed.stream("/dev/urandom");
    }

    /// Takes up to `max` bytes from a stream and wakes those who wait for room.
    pub fn read_at_most(&mut self, stream: &Stream, max: usize) -> Read {
        match stream {
            Stream::Null | Stream::Write(_) => Read::End,
            Stream::File(id) => self.read_open(*id, max),
            Stream::Read(id) => {
                // Only who found it full waits for room.
                let was_full = self.streams.is_full(&Stream::Write(*id));
                let read = self.streams.read(*id, max);
                if was_full && matches!(read, Read::Data(_)) {
                    let writers = self.holders.writers(*id);
                    self.wake_all(writers);
                }
                read
            }
        }
    }

    /// Reads from a pipe's outside end.
    pub fn read(&mut self, stream: &mut Stream) -> Read {
        self.read_at_most(stream, usize::MAX)
    }

    /// Writes into a pipe from outside; a broken pipe is ignored. On a terminal it is typed: what runs in the foreground
    /// gets the signals, and that is the group of the oldest who reads there.
    pub fn write(&mut self, stream: &Stream, bytes: &[u8]) {
        let Stream::Write(id) = stream else { return };
        match self.streams.handle_typed(*id, bytes) {
            None => {
                let _ = self.streams.write(*id, bytes);
            }
            Some((typed, output)) => {
                self.wake_readers(output);
                let oldest = self.holders.readers(*id).first().and_then(|pid| self.processes.get(pid));
                for pid in oldest.map_or_else(Vec::new, |process| self.members(process.context, process.group)) {
                    self.processes.get_mut(&pid).expect("a member lives").pending.extend(&typed.signals);
                    self.wake(pid);
                }
            }
        }
        self.wake_readers(*id);
    }

    /// Closes an outside end.
    pub fn close(&mut self, stream: Stream) {
        let woken = match &stream {
            Stream::Write(id) => Some(*id),
            _ => None,
        };
        if let Some(Open { target: Target::Inode(tree, ino), .. }) = self.streams.close(stream)
            && let Some(tree) = self.tree_mut(tree)
        {
            tree.close(ino);
        }
        if let Some(id) = woken {
            self.wake_readers(id);
        }
    }

    /// Starts a process.
    ///
    /// # Errors
    /// `NoEntry` when no such program is on the path; the streams are closed then.
    pub fn spawn(&mut self, spawn: Spawn, parent: Option<Pid>, now: Instant) -> Result<Pid, Errno> {
        let path = spawn.env.get("PATH").map_or(DEFAULT_PATH, String::as_str);
        match self.search(spawn.context, &spawn.cwd).command(spawn.argv.clone(), path) {
            Ok((program, argv)) => {
                let make = self.programs.find(self.context(spawn.context).flavour, &program);
                let program = make.expect("it was just found")();
                Ok(self.spawn_program(program, Spawn { argv, ..spawn }, parent, now))
            }
            Err(errno) => {
                for stream in spawn.streams {
                    self.close(stream);
                }
                Err(errno)
            }
        }
    }

    /// A place as those see it who look for programs.
    #[must_use]
    pub fn search<'a>(&'a self, context: ContextId, cwd: &'a str) -> Search<'a> {
        let flavour = self.context(context).flavour;
        Search { files: self.files(context), programs: &self.programs, flavour, cwd }
    }

    /// How often programs ever asked for a child, whether they got it or not.
    #[must_use]
    pub const fn forks(&self) -> u64 {
        self.forks
    }

    /// Lets a place have no more processes than so many, as the cgroup of a container does (`pids.max`).
    pub fn limit(&mut self, context: ContextId, most: Option<usize>) {
        match most {
            Some(most) => self.limits.insert(context, most),
            None => self.limits.remove(&context),
        };
    }

    /// Asks for one more process of a place.
    ///
    /// # Errors
    /// `TemporarilyUnavailable`, as `fork(2)` says it.
    fn fork(&mut self, context: ContextId) -> Result<(), Errno> {
        self.forks += 1;
        let here = || self.processes.values().filter(|process| process.context == context).count();
        let is_full =
            self.processes.len() >= PROCESSES_MAX || self.limits.get(&context).is_some_and(|most| here() >= *most);
        if is_full { Err(Errno::TemporarilyUnavailable) } else { Ok(()) }
    }

    /// Starts a process that runs `program`, whatever its name.
    pub fn spawn_program(&mut self, program: Box<dyn Program>, spawn: Spawn, parent: Option<Pid>, now: Instant) -> Pid {
        let pid = Pid(self.next_pid);
        self.next_pid += 1;
        let number = self.numbers.give(spawn.context, pid, spawn.init);
        let process = Process {
            argv: spawn.argv,
            env: spawn.env,
            cwd: spawn.cwd,
            namespace: spawn.namespace,
            rights: spawn.rights,
            user: spawn.user,
            context: spawn.context,
            streams: spawn.streams.into(),
            number,
            parent,
            children: BTreeSet::new(),
            orphaned: false,
            group: spawn.group.unwrap_or(number),
            init: spawn.init,
            mask: parent.and_then(|parent| self.processes.get(&parent)).map_or(0o022, |parent| parent.mask),
            paused: false,
            queued: false,
            pending: VecDeque::new(),
            sockets: BTreeMap::new(),
            calls: BTreeSet::new(),
            deadline: None,
            started: now,
            program: Some(program),
            ended: None,
        };
        process.streams.iter().for_each(|stream| self.holders.add(pid, stream));
        if let Some(parent) = parent.and_then(|parent| self.processes.get_mut(&parent)) {
            parent.children.insert(pid);
        }
        self.processes.insert(pid, process);
        self.wake(pid);
        pid
    }

    /// Runs one runnable process for one step; false when none is.
    pub fn run_one(&mut self, fabric: &mut Fabric) -> bool {
        let Some(pid) = self.ready.pop_front() else { return false };
        let Some(process) = self.processes.get_mut(&pid) else { return true };
        process.queued = false;
        if process.ended.is_some() || process.paused {
            return true;
        }
        if let Some(at) = process.deadline.take() {
            self.timers.remove(&(at, pid));
        }
        let Some(mut program) = process.program.take() else { return true };
        let step = self
            .deliver_signals(fabric, pid, &mut *program)
            .unwrap_or_else(|| program.step(&mut Sys { table: self, fabric, pid }));
        let Some(process) = self.processes.get_mut(&pid) else { return true };
        if process.ended.is_some() {
            return true;
        }
        process.program = Some(program);
        if !self.listeners.contains(&pid) {
            self.wake_listeners();
        }
        let Some(process) = self.processes.get_mut(&pid) else { return true };
        match step {
            Step::Exit(code) => self.end(fabric, pid, Status::Exited(code)),
            Step::Yield => self.wake(pid),
            Step::Wait(None) => {}
            Step::Wait(Some(at)) => {
                process.deadline = Some(at);
                self.timers.insert((at, pid));
            }
        }
        true
    }

    /// Hands pending signals to the program; `Some` when one of them ended the step.
    fn deliver_signals(&mut self, fabric: &mut Fabric, pid: Pid, program: &mut dyn Program) -> Option<Step> {
        while let Some(signal) = self.processes.get_mut(&pid).and_then(|p| p.pending.pop_front()) {
            let taken = program.signal(&mut Sys { table: self, fabric, pid }, signal);
            let init = self.processes.get(&pid).is_some_and(|p| p.init);
            if !taken && !init && !matches!(signal, Signal::Continue) {
                self.end(fabric, pid, Status::Signalled(signal));
                return Some(Step::Wait(None));
            }
        }
        None
    }

    fn end(&mut self, fabric: &mut Fabric, pid: Pid, status: Status) {
        let Some(process) = self.processes.get_mut(&pid).filter(|p| p.ended.is_none()) else { return };
        self.listeners.remove(&pid);
        process.ended = Some(status);
        process.program = None;
        let streams = core::mem::take(&mut process.streams);
        streams.iter().for_each(|stream| self.holders.remove(pid, stream));
        let sockets = core::mem::take(&mut process.sockets);
        let calls = core::mem::take(&mut process.calls);
        let parent = process.parent;
        if let Some(at) = process.deadline.take() {
            self.timers.remove(&(at, pid));
        }
        for (namespace, socket) in sockets.into_keys() {
            self.owners.remove(&(namespace, socket));
            fabric.with(namespace, |ns, cx| ns.close(cx, socket));
        }
        for call in calls {
            if self.calls.remove(&call).is_some_and(|(_, c)| !c.done) {
                self.events.push_back(Event::CallDropped(call));
            }
        }
        for stream in streams {
            self.close_from_inside(stream);
        }
        self.delete_released(fabric);
        self.orphan_children(pid);
        match parent.filter(|p| self.processes.get(p).is_some_and(|p| p.ended.is_none())) {
            Some(parent) => self.wake(parent),
            None => {
                self.forget(pid);
                self.events.push_back(Event::Exited(pid, status));
            }
        }
    }

    fn orphan_children(&mut self, parent: Pid) {
        let children = self.processes.get_mut(&parent).map(|process| core::mem::take(&mut process.children));
        for child in children.unwrap_or_default() {
            let process = self.processes.get_mut(&child).expect("it was just listed");
            process.parent = None;
            process.orphaned = true;
            if process.ended.is_some() {
                self.forget(child);
            }
        }
    }

    /// Strikes a process that ended off the table.
    fn forget(&mut self, pid: Pid) {
        if let Some(process) = self.processes.remove(&pid) {
            if let Some(parent) = process.parent.and_then(|parent| self.processes.get_mut(&parent)) {
                parent.children.remove(&pid);
            }
            self.numbers.take_back(process.context, process.number);
        }
    }

    /// Sends a signal to a process, at once when it is KILL. False when there is no such process.
    pub fn signal(&mut self, fabric: &mut Fabric, pid: Pid, signal: Signal) -> bool {
        let Some(process) = self.processes.get_mut(&pid).filter(|p| p.ended.is_none()) else { return false };
        match signal {
            Signal::Kill => self.end(fabric, pid, Status::Signalled(signal)),
            Signal::Stop => process.paused = true,
            Signal::Continue => {
                process.paused = false;
                process.pending.push_back(signal);
                self.wake(pid);
            }
            _ => {
                process.pending.push_back(signal);
                self.wake(pid);
            }
        }
        true
    }

    /// The living processes of a group of a place, oldest first.
    fn members(&self, context: ContextId, group: Pid) -> Vec<Pid> {
        let belongs = |p: &Process| p.context == context && p.group == group && p.ended.is_none();
        let living = self.processes.iter().filter(|(_, p)| belongs(p));
        living.map(|(pid, _)| *pid).collect()
    }

    /// Stops (`pause`) or goes on with every process of a place.
    pub fn set_paused(&mut self, context: ContextId, paused: bool) {
        let pids = self.pids_of(context);
        for pid in pids {
            if let Some(process) = self.processes.get_mut(&pid) {
                process.paused = paused;
            }
            if !paused {
                self.wake(pid);
            }
        }
    }

    /// Whether a process stands still, because of a signal or because its place does.
    #[must_use]
    pub fn is_paused(&self, pid: Pid) -> bool {
        self.processes.get(&pid).is_some_and(|process| process.paused)
    }

    /// The living processes of a place, oldest first.
    #[must_use]
    pub fn pids_of(&self, context: ContextId) -> Vec<Pid> {
        self.processes.iter().filter(|(_, p)| p.context == context && p.ended.is_none()).map(|(pid, _)| *pid).collect()
    }

    /// The arguments of a process.
    #[must_use]
    pub fn argv(&self, pid: Pid) -> Option<&[String]> {
        self.processes.get(&pid).map(|p| p.argv.as_slice())
    }

    /// Who a process is.
    #[must_use]
    pub fn user(&self, pid: Pid) -> Option<&User> {
        self.processes.get(&pid).map(|p| &p.user)
    }

    /// The parent of a process; none when that is outside or gone.
    #[must_use]
    pub fn parent(&self, pid: Pid) -> Option<Pid> {
        self.processes.get(&pid)?.parent
    }

    /// When a process was started.
    #[must_use]
    pub fn started(&self, pid: Pid) -> Option<Instant> {
        self.processes.get(&pid).map(|p| p.started)
    }

    /// The living processes, with their arguments: what still runs.
    pub fn running(&self) -> impl Iterator<Item = (Pid, ContextId, &[String])> {
        self.processes.iter().filter(|(_, p)| p.ended.is_none()).map(|(pid, p)| (*pid, p.context, p.argv.as_slice()))
    }

    /// Whether a process lives.
    #[must_use]
    pub fn is_alive(&self, pid: Pid) -> bool {
        self.processes.get(&pid).is_some_and(|p| p.ended.is_none())
    }

    /// Gives a process a socket that was opened for it, as file descriptor `fd`; it goes when the process does.
    pub fn adopt(&mut self, pid: Pid, namespace: NamespaceId, socket: SocketId, fd: u32) {
        if let Some(process) = self.processes.get_mut(&pid) {
            process.sockets.insert((namespace, socket), fd);
            self.owners.insert((namespace, socket), pid);
        }
    }

    /// Who has a socket, and as which file descriptor.
    #[must_use]
    pub fn holder(&self, namespace: NamespaceId, socket: SocketId) -> Option<(Pid, u32)> {
        let pid = *self.owners.get(&(namespace, socket))?;
        let fd = self.processes.get(&pid)?.sockets.get(&(namespace, socket))?;
        Some((pid, *fd))
    }

    /// A socket has something for its owner.
    pub fn socket_ready(&mut self, namespace: NamespaceId, socket: SocketId) {
        if let Some(pid) = self.owners.get(&(namespace, socket)) {
            self.wake(*pid);
        }
    }

    /// The first deadline of a waiting process.
    #[must_use]
    pub fn next_at(&self) -> Option<Instant> {
        self.timers.first().map(|(at, _)| *at)
    }

    /// Whether a process could run now.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        !self.ready.is_empty()
    }

    /// Makes processes runnable whose deadline has come.
    pub fn expire(&mut self, now: Instant) {
        while let Some((at, pid)) = self.timers.first().copied().filter(|(at, _)| *at <= now) {
            self.timers.remove(&(at, pid));
            if let Some(process) = self.processes.get_mut(&pid) {
                process.deadline = None;
            }
            self.wake(pid);
        }
    }

    /// The next thing the owner of the world should know.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Makes a process runnable, behind those that are already.
    fn wake(&mut self, pid: Pid) {
        if let Some(process) = self.processes.get_mut(&pid).filter(|p| !p.queued) {
            process.queued = true;
            self.ready.push_back(pid);
        }
    }

    /// Lets those who listen look again, before anybody else.
    pub(crate) fn wake_listeners(&mut self) {
        for pid in self.listeners.clone() {
            if let Some(process) = self.processes.get_mut(&pid).filter(|p| !p.queued) {
                process.queued = true;
                self.ready.push_front(pid);
            }
        }
    }

    fn wake_all(&mut self, pids: Vec<Pid>) {
        pids.into_iter().for_each(|pid| self.wake(pid));
    }

    /// Wakes who reads from a pipe, or tells the owner of the world when the reader is outside.
    fn wake_readers(&mut self, id: PipeId) {
        let readers = self.holders.readers(id);
        let told = || self.events.iter().any(|e| matches!(e, Event::Readable(p) if *p == id));
        if readers.is_empty() && !told() {
            self.events.push_back(Event::Readable(id));
        }
        self.wake_all(readers);
    }

    fn close_from_inside(&mut self, stream: Stream) {
        match stream {
            Stream::Read(id) => {
                self.close(stream);
                let writers = self.holders.writers(id);
                self.wake_all(writers);
            }
            other => self.close(other),
        }
    }

    /// The lowest file descriptor that a process has not got.
    fn free_descriptor(&self, pid: Pid) -> u32 {
        let process = self.process(pid);
        let taken: BTreeSet<u32> = process.sockets.values().copied().collect();
        let first = u32::try_from(process.streams.len()).unwrap_or(u32::MAX);
        (first..u32::MAX).find(|fd| !taken.contains(fd)).unwrap_or(u32::MAX)
    }

    fn process(&self, pid: Pid) -> &Process {
        self.processes.get(&pid).expect("the running process is in the table")
    }

    fn process_mut(&mut self, pid: Pid) -> &mut Process {
        self.processes.get_mut(&pid).expect("the running process is in the table")
    }
}

#[cfg(test)]
mod tests;
