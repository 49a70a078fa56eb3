//! [`Sys`], the kernel as a running program sees it: the process itself, its place and other processes. Its streams
//! and its network are in modules of their own; calls to daemons are in [`call`](super::call).

mod net;
mod stream;

use std::collections::BTreeMap;

use super::{Event, Kernel, Pid, Spawn, Status, Table};
use crate::fabric::Fabric;
use crate::time::{Epoch, Instant};
use crate::userland::context::{Context, ContextId, Flavour};
use crate::userland::files::{View, ViewMut, path};
use crate::userland::search::{DEFAULT_PATH, Search};
use crate::userland::stream::Stream;
use crate::userland::{Errno, Program, Programs, Signal, User};

/// The calls a running program can make.
pub struct Sys<'a> {
    pub(super) table: &'a mut Table,
    pub(super) fabric: &'a mut Fabric,
    pub(super) pid: Pid,
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
    pub fn pid(&self) -> Pid {
        self.table.process(self.pid).number
    }

    /// Who the process is.
    #[must_use]
    pub fn user(&self) -> &User {
        &self.table.process(self.pid).user
    }

    /// The process with a number of this place.
    fn numbered(&self, number: Pid) -> Option<Pid> {
        self.table.numbers.pid(self.context_id(), number)
    }

    /// A number of this place for a process, which may be elsewhere.
    pub(super) fn number_of(&self, pid: Pid) -> Pid {
        let process = self.table.process(pid);
        if process.context == self.context_id() { process.number } else { pid }
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

    /// What can be seen from this process without changing anything.
    #[must_use]
    pub const fn kernel(&self) -> Kernel<'_> {
        Kernel { table: self.table, fabric: self.fabric, pid: self.pid }
    }

    /// The files of this place, with all that is mounted.
    #[must_use]
    pub fn files(&self) -> View<'_> {
        self.kernel().files()
    }

    /// The files of this place, to be changed.
    pub fn files_mut(&mut self) -> ViewMut<'_> {
        let (context, now) = (self.context_id(), self.now());
        let user = Some(self.user().clone()).filter(|user| !user.is_root());
        self.table.files_mut(context, now).by(user)
    }

    /// Random bits, as `/dev/urandom` gives them.
    pub fn random(&mut self) -> u64 {
        self.table.random.u64()
    }

    /// `path` as an absolute one.
    #[must_use]
    pub fn absolute(&self, path: &str) -> String {
        path::normalise(self.cwd(), path)
    }

    /// This place as somebody sees it who looks for programs.
    #[must_use]
    pub fn search(&self) -> Search<'_> {
        Search { files: self.files(), programs: &self.table.programs, flavour: self.flavour(), cwd: self.cwd() }
    }

    /// The programs of this place.
    #[must_use]
    pub fn programs(&self) -> &Programs {
        &self.table.programs
    }

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
    /// `NoEntry` when there is no such program, `TemporarilyUnavailable` when there are too many processes; the streams
    /// are closed then.
    pub fn spawn_as(&mut self, spawn: Spawn) -> Result<Pid, Errno> {
        let now = self.now();
        let spawn = self.admitted(spawn)?;
        self.table.spawn(spawn, Some(self.pid), now).map(|pid| self.number_of(pid))
    }

    /// A child that runs `program` (a subshell).
    ///
    /// # Errors
    /// `TemporarilyUnavailable` when there are too many processes; the streams are closed then.
    pub fn spawn_program(&mut self, program: Box<dyn Program>, spawn: Spawn) -> Result<Pid, Errno> {
        let now = self.now();
        let spawn = self.admitted(spawn)?;
        let pid = self.table.spawn_program(program, spawn, Some(self.pid), now);
        Ok(self.number_of(pid))
    }

    /// A child for which there is room.
    fn admitted(&mut self, spawn: Spawn) -> Result<Spawn, Errno> {
        match self.table.fork(spawn.context) {
            Ok(()) => Ok(spawn),
            Err(errno) => {
                spawn.streams.into_iter().for_each(|stream| self.table.close(stream));
                Err(errno)
            }
        }
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
            rights: me.rights,
            user: me.user.clone(),
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
        let path = self.env().get("PATH").map_or(DEFAULT_PATH, String::as_str);
        let (program, argv) = self.search().command(argv, path)?;
        let make = self.table.programs.find(self.flavour(), &program).ok_or(Errno::NoEntry)?;
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
        let child = self.numbered(child)?;
        let process = self.table.processes.get(&child).filter(|p| p.parent == Some(self.pid))?;
        let status = process.ended?;
        self.table.forget(child);
        Some(status)
    }

    /// Sends a signal to a process of this place, or only looks whether that could be done. Nobody in its place can kill
    /// or stop process 1.
    ///
    /// # Errors
    /// `NoProcess` when there is none with that number, `NotPermitted` when it is somebody else's.
    pub fn kill(&mut self, number: Pid, signal: Option<Signal>) -> Result<(), Errno> {
        let here = self.context_id();
        let pid = self.numbered(number).ok_or(Errno::NoProcess)?;
        let process = self.table.processes.get(&pid).filter(|p| p.context == here && p.ended.is_none());
        let process = process.ok_or(Errno::NoProcess)?;
        if !self.user().owns(process.user.uid) {
            return Err(Errno::NotPermitted);
        }
        match signal {
            None => {}
            Some(Signal::Kill | Signal::Stop) if process.init => {}
            Some(signal) => {
                self.table.signal(self.fabric, pid, signal);
            }
        }
        Ok(())
    }

    /// Sends a signal to every process of a group; false when it is empty.
    pub fn kill_group(&mut self, group: Pid, signal: Signal) -> bool {
        let pids = self.table.members(self.context_id(), group);
        let any = !pids.is_empty();
        for pid in pids {
            self.table.signal(self.fabric, pid, signal);
        }
        any
    }

    /// The processes of this place with their arguments, oldest first.
    pub fn processes(&self) -> impl Iterator<Item = (Pid, &[String])> {
        let here = self.context_id();
        let running = self.table.running().filter(move |(_, context, _)| *context == here);
        running.map(|(pid, _, argv)| (self.number_of(pid), argv))
    }

    /// Says that a shell session has done its line and waits for the next.
    pub fn announce_ready(&mut self, status: i32) {
        self.table.events.push_back(Event::Ready(self.pid, status));
    }
}
