//! Processes: the table of what runs, who waits for what, and [`Sys`], the calls a running program can make.
//!
//! How it works: a runnable process is in `ready`, in the order in which it became so. The world takes one, calls its
//! program with a `Sys` that borrows the rest of the table and the network, and puts it back. Every event that
//! concerns a process (bytes in a pipe it holds, a socket, a child, a reply, a signal) makes it runnable; deadlines
//! are kept in `timers`. A process that ended stays as a zombie until its parent asked for its status; one without
//! a parent is reported to the world's owner.

use core::net::{IpAddr, SocketAddr};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::files::{self, Files};
use super::stream::{PipeId, Read, Stream, Streams};
use super::{Errno, Program, Programs, Signal, Step};
use crate::fabric::{Fabric, NamespaceId};
use crate::namespace::{Namespace, Received, TcpState};
use crate::socket::{Datagram, SendOptions, SocketId};
use crate::time::{Epoch, Instant};

/// A process, by number. Numbers go up and are never used again.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Pid(pub u32);

/// A filesystem with a hostname: what a container or a host is besides its network.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ContextId(pub(crate) u32);

/// Whose programs are on the path.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Flavour {
    /// A Linux host: iproute2, iputils, bind-utils, bash-like shell messages.
    Host,
    /// A container of a busybox image.
    Busybox,
}

/// Files, name and flavour of a place where programs run.
#[derive(Debug)]
pub struct Context {
    /// Its filesystem.
    pub files: Files,
    /// Its host name (UTS namespace).
    pub hostname: String,
    /// Whose programs it has.
    pub flavour: Flavour,
}

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
    /// The files and name it sees.
    pub context: ContextId,
    /// Standard input, output and error; the new process owns them.
    pub streams: [Stream; 3],
    /// The process group it joins; its own when none.
    pub group: Option<Pid>,
    /// Whether it is process 1 of a container, which ignores signals it does not handle.
    pub init: bool,
}

/// A request to a daemon behind a Unix socket: a method, a target and a body, as HTTP has them.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Request {
    /// `GET`, `POST` …
    pub method: &'static str,
    /// Path and query.
    pub target: String,
    /// The body, often JSON.
    pub body: Vec<u8>,
}

/// A call under way, by number.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct CallId(pub u32);

/// The answer to a call as far as it has come.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Call {
    /// The status, once the head has come.
    pub status: Option<u16>,
    /// Bytes of the body that came and were not taken yet.
    pub body: Vec<u8>,
    /// Whether the body is complete.
    pub done: bool,
}

/// What the table tells the owner of the world.
#[derive(Debug)]
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

struct Process {
    argv: Vec<String>,
    env: BTreeMap<String, String>,
    cwd: String,
    namespace: NamespaceId,
    context: ContextId,
    streams: Vec<Stream>,
    parent: Option<Pid>,
    group: Pid,
    init: bool,
    paused: bool,
    pending: VecDeque<Signal>,
    sockets: BTreeSet<(NamespaceId, SocketId)>,
    calls: BTreeSet<CallId>,
    deadline: Option<Instant>,
    started: Instant,
    program: Option<Box<dyn Program>>,
    ended: Option<Status>,
}

/// All processes of a world.
pub struct Table {
    processes: BTreeMap<Pid, Process>,
    ready: VecDeque<Pid>,
    timers: BTreeSet<(Instant, Pid)>,
    owners: BTreeMap<(NamespaceId, SocketId), Pid>,
    contexts: BTreeMap<ContextId, Context>,
    streams: Streams,
    calls: BTreeMap<CallId, (Pid, Call)>,
    programs: Programs,
    events: VecDeque<Event>,
    epoch: Epoch,
    next_pid: u32,
    next_context: u32,
    next_call: u32,
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
            streams: Streams::default(),
            calls: BTreeMap::new(),
            programs,
            events: VecDeque::new(),
            epoch,
            next_pid: 2,
            next_context: 1,
            next_call: 1,
        }
    }

    /// The programs, to add more.
    pub const fn programs_mut(&mut self) -> &mut Programs {
        &mut self.programs
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

    /// Reads from a pipe's outside end.
    pub fn read(&mut self, stream: &mut Stream) -> Read {
        let read = self.streams.read(stream, &Files::default(), usize::MAX);
        if let (Read::Data(_), Stream::Read(id)) = (&read, &*stream) {
            self.wake_writers(*id);
        }
        read
    }

    /// Writes into a pipe from outside; a broken pipe is ignored.
    pub fn write(&mut self, stream: &Stream, bytes: &[u8]) {
        let _ = self.streams.write(stream, &mut Files::default(), bytes);
        self.wake_readers(stream);
    }

    /// Closes an outside end.
    pub fn close(&mut self, stream: Stream) {
        let woken = match &stream {
            Stream::Write(id) => Some(*id),
            _ => None,
        };
        self.streams.close(stream);
        if let Some(id) = woken {
            self.wake_holders(id);
        }
    }

    /// Starts a process.
    ///
    /// # Errors
    /// `NoEntry` when no such program is on the path; the streams are closed then.
    pub fn spawn(&mut self, spawn: Spawn, parent: Option<Pid>, now: Instant) -> Result<Pid, Errno> {
        let flavour = self.context(spawn.context).flavour;
        let name = spawn.argv.first().map_or("", String::as_str);
        let Some(make) = self.programs.find(flavour, name) else {
            for stream in spawn.streams {
                self.close(stream);
            }
            return Err(Errno::NoEntry);
        };
        Ok(self.spawn_program(make(), spawn, parent, now))
    }

    /// Starts a process that runs `program`, whatever its name.
    pub fn spawn_program(&mut self, program: Box<dyn Program>, spawn: Spawn, parent: Option<Pid>, now: Instant) -> Pid {
        let pid = Pid(self.next_pid);
        self.next_pid += 1;
        let process = Process {
            argv: spawn.argv,
            env: spawn.env,
            cwd: spawn.cwd,
            namespace: spawn.namespace,
            context: spawn.context,
            streams: spawn.streams.into(),
            parent,
            group: spawn.group.unwrap_or(pid),
            init: spawn.init,
            paused: false,
            pending: VecDeque::new(),
            sockets: BTreeSet::new(),
            calls: BTreeSet::new(),
            deadline: None,
            started: now,
            program: Some(program),
            ended: None,
        };
        self.processes.insert(pid, process);
        self.ready.push_back(pid);
        pid
    }

    /// Runs one runnable process for one step; false when none is.
    pub fn run_one(&mut self, fabric: &mut Fabric) -> bool {
        let Some(pid) = self.ready.pop_front() else { return false };
        let Some(process) = self.processes.get_mut(&pid).filter(|p| p.ended.is_none() && !p.paused) else {
            return true;
        };
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
        match step {
            Step::Exit(code) => self.end(fabric, pid, Status::Exited(code)),
            Step::Yield => self.ready.push_back(pid),
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
        process.ended = Some(status);
        process.program = None;
        let streams = core::mem::take(&mut process.streams);
        let sockets = core::mem::take(&mut process.sockets);
        let calls = core::mem::take(&mut process.calls);
        let parent = process.parent;
        if let Some(at) = process.deadline.take() {
            self.timers.remove(&(at, pid));
        }
        for (namespace, socket) in sockets {
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
        self.orphan_children(pid);
        match parent.filter(|p| self.processes.get(p).is_some_and(|p| p.ended.is_none())) {
            Some(parent) => self.wake(parent),
            None => {
                self.processes.remove(&pid);
                self.events.push_back(Event::Exited(pid, status));
            }
        }
    }

    fn orphan_children(&mut self, parent: Pid) {
        let children: Vec<Pid> =
            self.processes.iter().filter(|(_, p)| p.parent == Some(parent)).map(|(pid, _)| *pid).collect();
        for child in children {
            let process = self.processes.get_mut(&child).expect("it was just listed");
            process.parent = None;
            if process.ended.is_some() {
                self.processes.remove(&child);
            }
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

    /// Answers a call: its status, first of all.
    pub fn respond(&mut self, call: CallId, status: u16) {
        self.update_call(call, |c| c.status = Some(status));
    }

    /// Sends a part of the body of an answer.
    pub fn respond_body(&mut self, call: CallId, bytes: &[u8]) {
        self.update_call(call, |c| c.body.extend_from_slice(bytes));
    }

    /// Ends the body of an answer.
    pub fn respond_end(&mut self, call: CallId) {
        self.update_call(call, |c| c.done = true);
    }

    fn update_call(&mut self, id: CallId, update: impl FnOnce(&mut Call)) {
        let Some((pid, call)) = self.calls.get_mut(&id) else { return };
        update(call);
        let pid = *pid;
        self.wake(pid);
    }

    fn wake(&mut self, pid: Pid) {
        if !self.ready.contains(&pid) {
            self.ready.push_back(pid);
        }
    }

    fn wake_readers(&mut self, stream: &Stream) {
        if let Stream::Write(id) = stream {
            self.wake_holders(*id);
        }
    }

    fn wake_writers(&mut self, id: PipeId) {
        let writers: Vec<Pid> = self.holders(&Stream::Write(id));
        writers.into_iter().for_each(|pid| self.wake(pid));
    }

    /// Wakes who reads from a pipe, or tells the owner of the world when the reader is outside.
    fn wake_holders(&mut self, id: PipeId) {
        let readers = self.holders(&Stream::Read(id));
        if readers.is_empty() {
            if !self.events.iter().any(|e| matches!(e, Event::Readable(p) if *p == id)) {
                self.events.push_back(Event::Readable(id));
            }
            return;
        }
        readers.into_iter().for_each(|pid| self.wake(pid));
    }

    fn holders(&self, end: &Stream) -> Vec<Pid> {
        self.processes.iter().filter(|(_, p)| p.streams.contains(end)).map(|(pid, _)| *pid).collect()
    }

    fn close_from_inside(&mut self, stream: Stream) {
        match stream {
            Stream::Read(id) => {
                self.streams.close(stream);
                self.wake_writers(id);
            }
            other => self.close(other),
        }
    }

    fn process(&self, pid: Pid) -> &Process {
        self.processes.get(&pid).expect("the running process is in the table")
    }

    fn process_mut(&mut self, pid: Pid) -> &mut Process {
        self.processes.get_mut(&pid).expect("the running process is in the table")
    }
}

/// The calls a running program can make.
pub struct Sys<'a> {
    table: &'a mut Table,
    fabric: &'a mut Fabric,
    pid: Pid,
}

impl Sys<'_> {
    /// The present.
    #[must_use]
    pub const fn now(&self) -> Instant {
        self.fabric.now()
    }

    /// What wall time the beginning stands for.
    #[must_use]
    pub const fn epoch(&self) -> Epoch {
        self.table.epoch
    }

    /// The process itself.
    #[must_use]
    pub const fn pid(&self) -> Pid {
        self.pid
    }

    /// The arguments, the program's name first.
    #[must_use]
    pub fn argv(&self) -> &[String] {
        &self.table.process(self.pid).argv
    }

    /// The environment.
    #[must_use]
    pub fn env(&self) -> &BTreeMap<String, String> {
        &self.table.process(self.pid).env
    }

    /// The environment, to be changed.
    pub fn env_mut(&mut self) -> &mut BTreeMap<String, String> {
        &mut self.table.process_mut(self.pid).env
    }

    /// The working directory.
    #[must_use]
    pub fn cwd(&self) -> &str {
        &self.table.process(self.pid).cwd
    }

    /// Changes the working directory; the path is taken as it is.
    pub fn set_cwd(&mut self, path: String) {
        self.table.process_mut(self.pid).cwd = path;
    }

    /// Whose programs are here.
    #[must_use]
    pub fn flavour(&self) -> Flavour {
        self.context().flavour
    }

    /// The host name.
    #[must_use]
    pub fn hostname(&self) -> &str {
        &self.context().hostname
    }

    /// Files, name and flavour of where the process runs.
    #[must_use]
    pub fn context(&self) -> &Context {
        self.table.context(self.context_id())
    }

    /// The same, by number.
    #[must_use]
    pub fn context_id(&self) -> ContextId {
        self.table.process(self.pid).context
    }

    /// The filesystem.
    #[must_use]
    pub fn files(&self) -> &Files {
        &self.context().files
    }

    /// The filesystem, to be changed.
    pub fn files_mut(&mut self) -> &mut Files {
        let id = self.context_id();
        &mut self.table.context_mut(id).files
    }

    /// `path` as an absolute one.
    #[must_use]
    pub fn absolute(&self, path: &str) -> String {
        files::normalise(self.cwd(), path)
    }

    /// The programs of this place.
    #[must_use]
    pub fn programs(&self) -> &Programs {
        &self.table.programs
    }

    // Streams.

    /// Reads from standard input, at most `max` bytes.
    pub fn read(&mut self, max: usize) -> Read {
        self.read_from(0, max)
    }

    /// Reads from the open stream number `fd`.
    pub fn read_from(&mut self, fd: usize, max: usize) -> Read {
        let context = self.context_id();
        let table = &mut *self.table;
        let process = table.processes.get_mut(&self.pid).expect("the running process is in the table");
        let files = &table.contexts.get(&context).expect("the context was not deleted").files;
        let Some(stream) = process.streams.get_mut(fd) else { return Read::End };
        let read = table.streams.read(stream, files, max);
        if let (Read::Data(_), Stream::Read(id)) = (&read, &*stream) {
            let id = *id;
            table.wake_writers(id);
        }
        read
    }

    /// Prints to standard output.
    pub fn print(&mut self, text: impl AsRef<[u8]>) {
        self.write(1, text.as_ref());
    }

    /// Prints to standard error.
    pub fn eprint(&mut self, text: impl AsRef<[u8]>) {
        self.write(2, text.as_ref());
    }

    /// Writes to the open stream number `fd`. A broken pipe sends the process SIGPIPE.
    pub fn write(&mut self, fd: usize, bytes: &[u8]) {
        let context = self.context_id();
        let table = &mut *self.table;
        let process = table.processes.get(&self.pid).expect("the running process is in the table");
        let Some(stream) = process.streams.get(fd) else { return };
        let files = &mut table.contexts.get_mut(&context).expect("the context was not deleted").files;
        let pipe = match stream {
            Stream::Write(id) => Some(*id),
            _ => None,
        };
        match table.streams.write(stream, files, bytes) {
            Err(Errno::BrokenPipe) => {
                table.process_mut(self.pid).pending.push_back(Signal::Pipe);
                table.wake(self.pid);
            }
            Err(_) => {}
            Ok(()) => {
                if let Some(id) = pipe {
                    table.wake_holders(id);
                }
            }
        }
    }

    /// Whether standard output is a full pipe, so that a program that writes without end should wait.
    #[must_use]
    pub fn is_output_full(&self) -> bool {
        self.table.process(self.pid).streams.get(1).is_some_and(|s| self.table.streams.is_full(s))
    }

    /// A new pipe: its reading and its writing end, both to be closed or given to a child.
    pub fn pipe(&mut self) -> (Stream, Stream) {
        self.table.streams.pipe()
    }

    /// Another handle on the open stream number `fd`.
    pub fn dup(&mut self, fd: usize) -> Stream {
        let table = &mut *self.table;
        let process = table.processes.get(&self.pid).expect("the running process is in the table");
        process.streams.get(fd).map_or(Stream::Null, |s| table.streams.dup(s))
    }

    /// Another handle on a stream that the program holds itself.
    pub fn dup_stream(&mut self, stream: &Stream) -> Stream {
        self.table.streams.dup(stream)
    }

    /// Puts `stream` in the place of the open stream number `fd` and gives back what was there.
    pub fn replace(&mut self, fd: usize, stream: Stream) -> Stream {
        let streams = &mut self.table.process_mut(self.pid).streams;
        while streams.len() <= fd {
            streams.push(Stream::Null);
        }
        core::mem::replace(&mut streams[fd], stream)
    }

    /// Opens a file for reading.
    ///
    /// # Errors
    /// `NoEntry`, `IsDirectory`.
    pub fn open(&self, path: &str) -> Result<Stream, Errno> {
        let path = self.absolute(path);
        if path == "/dev/null" {
            return Ok(Stream::Null);
        }
        self.files().read(&path)?;
        Ok(Stream::File { path, offset: 0 })
    }

    /// Opens a file for writing, emptied first unless it is to be appended to.
    ///
    /// # Errors
    /// `NoEntry` when its directory is not there, `IsDirectory`.
    pub fn create(&mut self, path: &str, append: bool) -> Result<Stream, Errno> {
        let path = self.absolute(path);
        if path == "/dev/null" {
            return Ok(Stream::Null);
        }
        if append {
            self.files_mut().append(&path, &[])?;
        } else {
            self.files_mut().write(&path, Vec::new())?;
        }
        Ok(Stream::File { path, offset: 0 })
    }

    /// Reads from a stream that the program holds itself.
    pub fn read_stream(&mut self, stream: &mut Stream, max: usize) -> Read {
        let context = self.context_id();
        let table = &mut *self.table;
        let files = &table.contexts.get(&context).expect("the context was not deleted").files;
        let read = table.streams.read(stream, files, max);
        if let (Read::Data(_), Stream::Read(id)) = (&read, &*stream) {
            table.wake_writers(*id);
        }
        read
    }

    /// Closes a stream that the program holds itself.
    pub fn close_stream(&mut self, stream: Stream) {
        self.table.close_from_inside(stream);
    }

    // Processes.

    /// A child with this process's environment, directory and place.
    ///
    /// # Errors
    /// `NoEntry` when there is no such program.
    pub fn spawn(&mut self, argv: Vec<String>, streams: [Stream; 3], group: Option<Pid>) -> Result<Pid, Errno> {
        let spawn = self.inherit(argv, streams, group);
        self.spawn_as(spawn)
    }

    /// A child exactly as said.
    ///
    /// # Errors
    /// `NoEntry` when there is no such program.
    pub fn spawn_as(&mut self, spawn: Spawn) -> Result<Pid, Errno> {
        let now = self.now();
        self.table.spawn(spawn, Some(self.pid), now)
    }

    /// A child that runs `program` (a subshell).
    pub fn spawn_program(&mut self, program: Box<dyn Program>, spawn: Spawn) -> Pid {
        let now = self.now();
        self.table.spawn_program(program, spawn, Some(self.pid), now)
    }

    /// What a child of this process is unless it is told otherwise.
    #[must_use]
    pub fn inherit(&self, argv: Vec<String>, streams: [Stream; 3], group: Option<Pid>) -> Spawn {
        let me = self.table.process(self.pid);
        Spawn {
            argv,
            env: me.env.clone(),
            cwd: me.cwd.clone(),
            namespace: me.namespace,
            context: me.context,
            streams,
            group,
            init: false,
        }
    }

    /// Another program for this process, as `exec` starts it: the process takes over these arguments, and the caller
    /// lets the program run in its own place from now on.
    ///
    /// # Errors
    /// `NoEntry` when there is no such program; nothing changes then.
    pub fn exec(&mut self, argv: Vec<String>) -> Result<Box<dyn Program>, Errno> {
        let name = argv.first().map_or("", String::as_str);
        let make = self.table.programs.find(self.flavour(), name).ok_or(Errno::NoEntry)?;
        self.table.process_mut(self.pid).argv = argv;
        Ok(make())
    }

    /// The process group of the process.
    #[must_use]
    pub fn group(&self) -> Pid {
        self.table.process(self.pid).group
    }

    /// The status of a child that ended, which is then forgotten.
    pub fn try_wait(&mut self, child: Pid) -> Option<Status> {
        let process = self.table.processes.get(&child).filter(|p| p.parent == Some(self.pid))?;
        let status = process.ended?;
        self.table.processes.remove(&child);
        Some(status)
    }

    /// Sends a signal to a process of this place; false when there is none with that number.
    pub fn kill(&mut self, pid: Pid, signal: Signal) -> bool {
        let here = self.context_id();
        if self.table.processes.get(&pid).is_none_or(|p| p.context != here) {
            return false;
        }
        self.table.signal(self.fabric, pid, signal)
    }

    /// Sends a signal to every process of a group; false when it is empty.
    pub fn kill_group(&mut self, group: Pid, signal: Signal) -> bool {
        let pids: Vec<Pid> = self
            .table
            .processes
            .iter()
            .filter(|(_, p)| p.group == group && p.ended.is_none())
            .map(|(pid, _)| *pid)
            .collect();
        let any = !pids.is_empty();
        for pid in pids {
            self.table.signal(self.fabric, pid, signal);
        }
        any
    }

    /// The processes of this place with their arguments, oldest first.
    pub fn processes(&self) -> impl Iterator<Item = (Pid, &[String])> {
        let here = self.context_id();
        self.table.running().filter(move |(_, context, _)| *context == here).map(|(pid, _, argv)| (pid, argv))
    }

    /// Says that a shell session has done its line and waits for the next.
    pub fn announce_ready(&mut self, status: i32) {
        self.table.events.push_back(Event::Ready(self.pid, status));
    }

    // The network.

    /// The network this process is in, by number.
    #[must_use]
    pub fn namespace_id(&self) -> NamespaceId {
        self.table.process(self.pid).namespace
    }

    /// The network that a living process is in, wherever it runs (`/proc/PID/ns/net`).
    #[must_use]
    pub fn namespace_of(&self, pid: Pid) -> Option<NamespaceId> {
        self.table.processes.get(&pid).filter(|p| p.ended.is_none()).map(|p| p.namespace)
    }

    /// The network this process is in.
    #[must_use]
    pub fn network(&self) -> &Namespace {
        self.fabric.namespace(self.namespace_id())
    }

    /// All networks and the links between them, for programs that change them.
    pub const fn fabric(&mut self) -> &mut Fabric {
        self.fabric
    }

    /// A UDP socket bound to a local address (unspecified: any) and port (0: a free one).
    ///
    /// # Errors
    /// `AddressInUse`, `AddressNotAvailable`.
    pub fn udp_bind(&mut self, local: SocketAddr) -> Result<SocketId, Errno> {
        let id = self.namespace_id();
        let socket = self.fabric.with(id, |ns, _| ns.udp_bind(local))?;
        Ok(self.own(socket))
    }

    /// Fixes the peer of a UDP socket, so that ICMP errors reach it as errors.
    ///
    /// # Errors
    /// `NetworkUnreachable` when there is no route.
    pub fn udp_connect(&mut self, socket: SocketId, peer: SocketAddr) -> Result<(), Errno> {
        let id = self.namespace_id();
        self.fabric.with(id, |ns, _| ns.udp_connect(socket, peer))
    }

    /// A raw socket that sees every packet of an IP protocol (1 ICMP, 58 `ICMPv6`) that arrives here.
    pub fn raw_open(&mut self, protocol: u8) -> SocketId {
        let id = self.namespace_id();
        let socket = self.fabric.with(id, |ns, _| ns.raw_open(protocol));
        self.own(socket)
    }

    /// Sends a datagram on a UDP socket, or a message (its header first) on a raw one.
    ///
    /// # Errors
    /// `NetworkUnreachable`, `MessageTooLong`, or an error that arrived for an earlier one.
    pub fn send_to(
        &mut self,
        socket: SocketId,
        dst: SocketAddr,
        data: &[u8],
        options: SendOptions,
    ) -> Result<(), Errno> {
        let id = self.namespace_id();
        self.fabric.with(id, |ns, cx| ns.send_to(cx, socket, dst, data, options))
    }

    /// The next datagram of a UDP or raw socket, if one has come.
    ///
    /// # Errors
    /// `ConnectionRefused` and the like when an ICMP error came for a connected socket.
    pub fn recv_from(&mut self, socket: SocketId) -> Result<Option<Datagram>, Errno> {
        let id = self.namespace_id();
        self.fabric.with(id, |ns, _| ns.recv_from(socket))
    }

    /// A TCP socket that listens at a local address (unspecified: any) and port.
    ///
    /// # Errors
    /// `AddressInUse`, `AddressNotAvailable`.
    pub fn tcp_listen(&mut self, local: SocketAddr, backlog: usize) -> Result<SocketId, Errno> {
        let id = self.namespace_id();
        let socket = self.fabric.with(id, |ns, _| ns.tcp_listen(local, backlog))?;
        Ok(self.own(socket))
    }

    /// The next connection that waits at a listener, and its peer.
    pub fn tcp_accept(&mut self, listener: SocketId) -> Option<(SocketId, SocketAddr)> {
        let id = self.namespace_id();
        let (socket, peer) = self.fabric.with(id, |ns, _| ns.tcp_accept(listener))?;
        Some((self.own(socket), peer))
    }

    /// Begins a connection.
    ///
    /// # Errors
    /// `NetworkUnreachable` when there is no route.
    pub fn tcp_connect(&mut self, peer: SocketAddr) -> Result<SocketId, Errno> {
        let id = self.namespace_id();
        let socket = self.fabric.with(id, |ns, cx| ns.tcp_connect(cx, peer))?;
        Ok(self.own(socket))
    }

    /// Where a connection is in its life.
    #[must_use]
    pub fn tcp_state(&self, socket: SocketId) -> TcpState {
        self.network().tcp_state(socket)
    }

    /// Takes bytes to send; how many fitted.
    ///
    /// # Errors
    /// `BrokenPipe`, or what ended the connection.
    pub fn tcp_send(&mut self, socket: SocketId, bytes: &[u8]) -> Result<usize, Errno> {
        let id = self.namespace_id();
        self.fabric.with(id, |ns, cx| ns.tcp_send(cx, socket, bytes))
    }

    /// Takes what came, at most `max` bytes.
    ///
    /// # Errors
    /// What ended the connection.
    pub fn tcp_recv(&mut self, socket: SocketId, max: usize) -> Result<Received, Errno> {
        let id = self.namespace_id();
        self.fabric.with(id, |ns, cx| ns.tcp_recv(cx, socket, max))
    }

    /// Says that nothing more will be sent.
    pub fn tcp_shutdown(&mut self, socket: SocketId) {
        let id = self.namespace_id();
        self.fabric.with(id, |ns, cx| ns.tcp_shutdown(cx, socket));
    }

    /// The address this host would send from to reach `dst`.
    #[must_use]
    pub fn source_for(&self, dst: IpAddr) -> Option<IpAddr> {
        self.network().source_for(dst)
    }

    /// Closes a socket.
    pub fn close(&mut self, socket: SocketId) {
        let id = self.namespace_id();
        self.table.owners.remove(&(id, socket));
        self.table.process_mut(self.pid).sockets.remove(&(id, socket));
        self.fabric.with(id, |ns, cx| ns.close(cx, socket));
    }

    fn own(&mut self, socket: SocketId) -> SocketId {
        let id = self.namespace_id();
        self.table.owners.insert((id, socket), self.pid);
        self.table.process_mut(self.pid).sockets.insert((id, socket));
        socket
    }

    // Daemons.

    /// Calls the daemon behind a Unix socket.
    pub fn call(&mut self, socket: &str, request: Request) -> CallId {
        let id = CallId(self.table.next_call);
        self.table.next_call += 1;
        self.table.calls.insert(id, (self.pid, Call::default()));
        let context = self.context_id();
        self.table.process_mut(self.pid).calls.insert(id);
        let event = Event::Called { id, pid: self.pid, context, socket: socket.to_owned(), request };
        self.table.events.push_back(event);
        id
    }

    /// What has come for a call; the bytes are taken out.
    pub fn poll_call(&mut self, id: CallId) -> Call {
        let Some((_, call)) = self.table.calls.get_mut(&id) else { return Call { done: true, ..Call::default() } };
        let answer = Call { status: call.status, body: core::mem::take(&mut call.body), done: call.done };
        if answer.done {
            self.table.calls.remove(&id);
            self.table.process_mut(self.pid).calls.remove(&id);
        }
        answer
    }

    /// Sends input on a call that streams; an empty slice ends it.
    pub fn call_input(&mut self, id: CallId, bytes: &[u8]) {
        self.table.events.push_back(Event::CallInput(id, bytes.to_vec()));
    }
}
