//! Waiting: for children, for what a substitution prints, for jobs and for a line of input.

use super::super::code::Quoting;
use super::super::dialect::Dialect;
use super::super::job::description;
use super::line::End;
use super::{Flow, Line, Machine, Turn};
use crate::userland::{Pid, Read, Signal, Status, Sys};

/// What a shell waits for.
#[derive(Clone)]
pub(in super::super) enum Block {
    /// Children in the foreground.
    Children(Waiting),
    /// `wait`: jobs, by their last process; all of them when none are named.
    Jobs {
        /// The processes.
        pids: Option<Vec<Pid>>,
        /// The status of the last that ended.
        status: i32,
    },
    /// `fg`: a job that is in the foreground now.
    Foreground {
        /// Its number.
        number: usize,
        /// Its group.
        group: Pid,
    },
    /// `read`: a line.
    Line(Line),
    /// The output of a command substitution.
    Output {
        /// Who writes it.
        pid: Pid,
        /// Where it comes.
        fd: usize,
        /// What has come.
        bytes: Vec<u8>,
        /// How it stands in the word.
        quoting: Quoting,
    },
}

/// Children in the foreground.
#[derive(Clone)]
pub(in super::super) struct Waiting {
    processes: Vec<(Pid, Option<Status>)>,
    /// Their group when it is theirs alone.
    group: Option<Pid>,
    text: String,
}

impl Waiting {
    /// Waits for these; `leads` when the first leads a group of their own.
    pub(super) fn new(pids: &[Pid], leads: bool, text: String) -> Self {
        let group = if leads { pids.first().copied() } else { None };
        Self { processes: pids.iter().map(|pid| (*pid, None)).collect(), group, text }
    }
}

impl Block {
    /// The group in the foreground, when it is another than the shell's.
    pub(super) const fn foreground(&self) -> Option<Pid> {
        match self {
            Self::Children(waiting) => waiting.group,
            Self::Foreground { group, .. } => Some(*group),
            Self::Output { pid, .. } => Some(*pid),
            Self::Jobs { .. } | Self::Line(_) => None,
        }
    }
}

impl Machine {
    /// Looks whether what the shell waits for has come.
    pub(super) fn unblock(&mut self, sys: &mut Sys<'_>, block: Block) -> Flow {
        match block {
            Block::Children(waiting) => self.await_children(sys, waiting),
            Block::Jobs { pids, status } => self.await_jobs(sys, pids, status),
            Block::Foreground { number, group } => self.await_foreground(sys, number, group),
            Block::Line(line) => self.await_line(sys, line),
            Block::Output { pid, fd, bytes, quoting } => self.await_output(sys, pid, fd, bytes, quoting),
        }
    }

    fn stay(&mut self, block: Block) -> Flow {
        self.block = Some(block);
        Flow::Turn(Turn::Wait(None))
    }

    fn await_children(&mut self, sys: &mut Sys<'_>, mut waiting: Waiting) -> Flow {
        for (pid, status) in &mut waiting.processes {
            if status.is_none() {
                *status = sys.try_wait(*pid);
            }
        }
        let statuses: Option<Vec<Status>> = waiting.processes.iter().map(|(_, status)| *status).collect();
        let Some(statuses) = statuses else { return self.stay(Block::Children(waiting)) };
        let last = *statuses.last().expect("one waits for somebody");
        self.mourn(sys, &waiting, last);
        self.state.status = last.code();
        if self.state.options.pipefail {
            self.state.status = statuses.iter().rev().map(|s| s.code()).find(|code| *code != 0).unwrap_or(0);
        }
        self.interrupted |= self.is_session() && last == Status::Signalled(Signal::Interrupt);
        Flow::Next
    }

    /// Says that a signal ended a child, as shells do of all but the ones users send or expect.
    fn mourn(&self, sys: &mut Sys<'_>, waiting: &Waiting, status: Status) {
        let Status::Signalled(signal) = status else { return };
        if matches!(signal, Signal::Interrupt | Signal::Pipe) {
            return;
        }
        let what = description(signal);
        if self.dialect() != Dialect::Bash || self.is_session() || signal == Signal::Terminate {
            return sys.eprint(format!("{what}\n"));
        }
        let Pid(pid) = waiting.processes.last().expect("one waits for somebody").0;
        self.complain(sys, &format!("{pid:>5} {what:<23} {}", waiting.text));
    }

    fn await_output(&mut self, sys: &mut Sys<'_>, pid: Pid, fd: usize, mut bytes: Vec<u8>, quoting: Quoting) -> Flow {
        loop {
            match sys.read_from(fd, usize::MAX) {
                Read::Data(more) => bytes.extend(more),
                Read::Blocked => return self.stay(Block::Output { pid, fd, bytes, quoting }),
                Read::End => break,
            }
        }
        let Some(status) = sys.try_wait(pid) else {
            return self.stay(Block::Output { pid, fd, bytes, quoting });
        };
        self.descriptors.close(sys, fd);
        bytes.retain(|byte| *byte != 0);
        let text = String::from_utf8_lossy(&bytes);
        self.word().push(text.trim_end_matches('\n'), quoting);
        self.substituted = Some(status.code());
        if self.dialect() == Dialect::Bash {
            self.state.status = status.code();
        }
        Flow::Next
    }

    fn await_jobs(&mut self, sys: &mut Sys<'_>, pids: Option<Vec<Pid>>, mut status: i32) -> Flow {
        self.jobs.reap(sys);
        let Some(mut pids) = pids else {
            if self.jobs.iter().any(|job| job.status().is_none()) {
                return self.stay(Block::Jobs { pids: None, status });
            }
            self.jobs = super::Jobs::default();
            return self.complete(sys, 0);
        };
        while let Some(pid) = pids.first().copied() {
            match self.jobs.of(pid).map(|job| (job.number, job.status())) {
                Some((_, None)) => return self.stay(Block::Jobs { pids: Some(pids), status }),
                Some((number, Some(ended))) => {
                    self.mourn_job(sys, ended);
                    status = ended.code();
                    self.jobs.remove(number);
                }
                None => status = 127,
            }
            pids.remove(0);
        }
        self.complete(sys, status)
    }

    /// ash tells of a job that a signal ended when it is waited for.
    fn mourn_job(&self, sys: &mut Sys<'_>, status: Status) {
        if let (Dialect::Ash | Dialect::Dash, Status::Signalled(signal)) = (self.dialect(), status)
            && !matches!(signal, Signal::Interrupt | Signal::Pipe)
        {
            sys.eprint(format!("{}\n", description(signal)));
        }
    }

    fn await_foreground(&mut self, sys: &mut Sys<'_>, number: usize, group: Pid) -> Flow {
        self.jobs.reap(sys);
        let status = self.jobs.numbered(number).and_then(|job| job.status());
        let Some(status) = status else { return self.stay(Block::Foreground { number, group }) };
        self.jobs.remove(number);
        self.interrupted |= self.is_session() && status == Status::Signalled(Signal::Interrupt);
        self.complete(sys, status.code())
    }

    /// Reads byte by byte, so that what follows the line stays for others.
    fn await_line(&mut self, sys: &mut Sys<'_>, mut line: Line) -> Flow {
        loop {
            let byte = match sys.read(1) {
                Read::Data(bytes) => bytes[0],
                Read::Blocked => return self.stay(Block::Line(line)),
                Read::End => return self.take_line(sys, &line, 1),
            };
            if line.take(byte) == End::Here {
                return self.take_line(sys, &line, 0);
            }
        }
    }

    fn take_line(&mut self, sys: &mut Sys<'_>, line: &Line, status: i32) -> Flow {
        match line.assign(&mut self.state.variables) {
            Ok(()) => self.complete(sys, status),
            Err(failure) => {
                self.tell(sys, &failure);
                self.complete(sys, self.state.status)
            }
        }
    }

    /// A builtin that waited is done.
    fn complete(&mut self, sys: &mut Sys<'_>, status: i32) -> Flow {
        self.pop(sys);
        self.state.status = status;
        Flow::Next
    }

    /// A trapped signal ends `wait`.
    pub(super) fn interrupt_wait(&mut self, sys: &mut Sys<'_>, signal: Signal) {
        self.block = None;
        self.complete(sys, 128 + signal.number());
    }

    /// What was waited for will not be taken any more.
    pub(super) fn drop_block(&mut self, sys: &mut Sys<'_>, block: &Block) {
        if let Block::Output { fd, .. } = block {
            self.descriptors.close(sys, *fd);
        }
    }
}
