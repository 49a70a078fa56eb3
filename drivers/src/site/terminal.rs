//! Terminals: a shell somewhere in the site that reads lines and whose output somebody collects.

use std::collections::BTreeMap;

use netyard_sim::userland::{Errno, Pid, Program, Read, Rights, Signal, Spawn, Stream, User};

use super::{Place, Site};
use crate::engine::Host;

const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// A terminal, by number.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct TerminalId(pub u32);

/// What a terminal says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum TerminalEvent {
    /// It has done its line, with this status, and waits for the next.
    Ready {
        /// Which.
        terminal: TerminalId,
        /// `$?`.
        status: i32,
    },
    /// Its shell is gone.
    Closed {
        /// Which.
        terminal: TerminalId,
        /// The shell's own status.
        status: i32,
    },
}

/// A shell and the ends of its streams.
#[derive(Clone, Debug)]
pub(super) struct Terminal {
    shell: Pid,
    input: Stream,
    output: Stream,
}

impl Terminal {
    pub(super) fn is_shell(&self, pid: Pid) -> bool {
        self.shell == pid
    }
}

/// A login on a host.
pub(super) fn host_login(host: &Host) -> Place {
    let env =
        [("HOME", "/root"), ("HOSTNAME", host.name.as_str()), ("PATH", PATH), ("SHELL", "/bin/bash"), ("USER", "root")];
    Place {
        namespace: host.namespace,
        rights: Rights::ALL,
        user: User::ROOT,
        context: host.context,
        env: env.into_iter().map(|(k, v)| (k.to_owned(), v.to_owned())).collect::<BTreeMap<_, _>>(),
        cwd: "/root".to_owned(),
    }
}

/// A process that somebody who is logged in at a place starts there.
pub(super) fn login(place: &Place, argv: &[&str], streams: [Stream; 3]) -> Spawn {
    Spawn {
        argv: argv.iter().map(|word| (*word).to_owned()).collect(),
        env: place.env.clone(),
        cwd: place.cwd.clone(),
        namespace: place.namespace,
        rights: place.rights,
        user: place.user.clone(),
        context: place.context,
        streams,
        group: None,
        init: false,
    }
}

impl Site {
    /// Opens a terminal: a shell that reads lines from [`Self::enter`]. Standard output and standard error are one.
    ///
    /// # Errors
    /// `NoEntry` when the place has no shell.
    pub fn open_terminal(&mut self, place: &Place) -> Result<TerminalId, Errno> {
        let now = self.now();
        let processes = &mut self.world.processes;
        let streams = processes.streams_mut();
        let (stdin, input) = streams.pipe();
        let (output, stdout) = streams.pipe();
        let stderr = streams.dup(&stdout);
        let spawn = login(place, &["sh", "-s"], [stdin, stdout, stderr]);
        match processes.spawn(spawn, None, now) {
            Ok(shell) => {
                let id = TerminalId(shell.0);
                self.terminals.insert(id, Terminal { shell, input, output });
                Ok(id)
            }
            Err(error) => {
                processes.close(input);
                processes.close(output);
                Err(error)
            }
        }
    }

    /// Starts a process in a place, which runs `program` and is called `name` in lists. What it prints is lost.
    pub fn spawn(&mut self, place: &Place, program: Box<dyn Program>, name: &str) -> Pid {
        let now = self.now();
        let spawn = login(place, &[name], [Stream::Null, Stream::Null, Stream::Null]);
        self.world.processes.spawn_program(program, spawn, None, now)
    }

    /// Types a line, without its newline. A terminal that is closed ignores it.
    pub fn enter(&mut self, terminal: TerminalId, line: &str) {
        if let Some(terminal) = self.terminals.get(&terminal) {
            self.world.processes.write(&terminal.input, format!("{line}\n").as_bytes());
        }
    }

    /// Presses the key that interrupts: what runs in the foreground ends, or the line that is not complete is dropped.
    pub fn interrupt(&mut self, terminal: TerminalId) {
        if let Some(shell) = self.terminals.get(&terminal).map(|terminal| terminal.shell) {
            self.world.signal(shell, Signal::Interrupt);
        }
    }

    /// What has been printed since the last time, as it came.
    pub fn output(&mut self, terminal: TerminalId) -> Vec<u8> {
        let mut bytes = Vec::new();
        if let Some(terminal) = self.terminals.get_mut(&terminal) {
            while let Read::Data(more) = self.world.processes.read(&mut terminal.output) {
                bytes.extend(more);
            }
        }
        bytes
    }

    /// A shell waits for its next line.
    pub(super) fn terminal_ready(&mut self, pid: Pid, status: i32) {
        let terminal = TerminalId(pid.0);
        if self.terminals.contains_key(&terminal) {
            self.events.push_back(TerminalEvent::Ready { terminal, status });
        }
    }

    /// A shell ended; what it printed can still be collected.
    pub(super) fn terminal_closed(&mut self, pid: Pid, status: i32) {
        let terminal = TerminalId(pid.0);
        if self.terminals.contains_key(&terminal) {
            self.events.push_back(TerminalEvent::Closed { terminal, status });
        }
    }
}
