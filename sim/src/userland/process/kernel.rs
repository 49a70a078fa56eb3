//! [`Kernel`], what can be seen of a running process and its surroundings without changing them. Generated files show it.

use super::{Pid, Process, Rights, Table};
use crate::fabric::{Fabric, NamespaceId};
use crate::namespace::Namespace;
use crate::time::{Duration, Epoch, Instant};
use crate::userland::context::{Context, ContextId};
use crate::userland::files::View;
use crate::userland::stream::Stream;
use crate::userland::user::User;

/// The world as one process can look at it.
#[derive(Clone, Copy)]
pub struct Kernel<'a> {
    pub(super) table: &'a Table,
    pub(super) fabric: &'a Fabric,
    pub(super) pid: Pid,
}

/// A process as `/proc` and `ps` show it.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// Its number.
    pub pid: Pid,
    /// Its parent's; 0 when that is outside.
    pub parent: Pid,
    /// Its arguments.
    pub argv: &'a [String],
    /// How long it has been running.
    pub age: Duration,
    /// Its state as a letter: R running, S sleeping, T stopped, Z ended.
    pub state: char,
    /// Its process group.
    pub group: Pid,
    /// Its working directory.
    pub cwd: &'a str,
    /// Who it is.
    pub user: &'a User,
}

impl<'a> Kernel<'a> {
    fn process(&self) -> &'a Process {
        self.table.process(self.pid)
    }

    /// The process that looks.
    #[must_use]
    pub fn pid(&self) -> Pid {
        self.process().number
    }

    /// Who the process is.
    #[must_use]
    pub fn user(&self) -> &'a User {
        &self.process().user
    }

    /// The process with a number of this place. On a host those of its containers have numbers too.
    fn numbered(&self, number: Pid) -> Option<&'a Process> {
        let pid = self.table.numbers.pid(self.context_id(), number)?;
        self.table.processes.get(&pid)
    }

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

    /// The place of the process.
    #[must_use]
    pub fn context_id(&self) -> ContextId {
        self.process().context
    }

    /// The same, with files and name.
    #[must_use]
    pub fn context(&self) -> &'a Context {
        self.table.context(self.process().context)
    }

    /// The files of the place.
    #[must_use]
    pub fn files(&self) -> View<'a> {
        View::new(&self.context().files, &self.table.volumes, *self)
    }

    /// What the process may do.
    #[must_use]
    pub fn rights(&self) -> Rights {
        self.process().rights
    }

    /// The network of the process.
    #[must_use]
    pub fn network(&self) -> &'a Namespace {
        self.fabric.namespace(self.process().namespace)
    }

    /// The same, by number.
    #[must_use]
    pub fn namespace_id(&self) -> NamespaceId {
        self.process().namespace
    }

    /// All networks and the links between them.
    #[must_use]
    pub const fn fabric(&self) -> &'a Fabric {
        self.fabric
    }

    /// The network that a living process is in, wherever it runs.
    #[must_use]
    pub fn namespace_of(&self, pid: Pid) -> Option<NamespaceId> {
        self.numbered(pid).filter(|p| p.ended.is_none()).map(|p| p.namespace)
    }

    /// The environment of a process of this place.
    #[must_use]
    pub fn env_of(&self, pid: Pid) -> Option<&'a std::collections::BTreeMap<String, String>> {
        let here = self.context_id();
        self.numbered(pid).filter(|p| p.context == here).map(|p| &p.env)
    }

    /// The processes of this place, oldest first, with those that ended and were not asked about.
    pub fn processes(&self) -> impl Iterator<Item = Seen<'a>> + use<'a> {
        let (here, me, now, kernel) = (self.context_id(), self.pid, self.now(), *self);
        self.table.processes.iter().filter(move |(_, p)| p.context == here).map(move |(pid, p)| Seen {
            pid: p.number,
            parent: kernel.parent_of(p),
            argv: &p.argv,
            age: now.since(p.started),
            state: match p {
                Process { ended: Some(_), .. } => 'Z',
                Process { paused: true, .. } => 'T',
                _ if *pid == me => 'R',
                _ => 'S',
            },
            group: p.group,
            cwd: &p.cwd,
            user: &p.user,
        })
    }

    /// Process 1 takes over those whose parents ended.
    fn parent_of(&self, process: &Process) -> Pid {
        let parent = process.parent.and_then(|parent| self.table.processes.get(&parent));
        let orphan = Pid(u32::from(process.orphaned));
        parent.filter(|parent| parent.context == process.context).map_or(orphan, |parent| parent.number)
    }

    /// The numbers of the open streams of a process, each with the name of what it leads to.
    #[must_use]
    pub fn streams_of(&self, pid: Pid) -> Vec<(usize, String)> {
        let Some(process) = self.numbered(pid) else { return Vec::new() };
        let named = |stream: &Stream| match stream {
            Stream::Null => "/dev/null".to_owned(),
            Stream::Read(id) | Stream::Write(id) => format!("pipe:[{}]", id.0),
            Stream::File(id) => format!("file:[{}]", id.0),
        };
        process.streams.iter().enumerate().map(|(fd, stream)| (fd, named(stream))).collect()
    }
}
