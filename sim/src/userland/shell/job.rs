//! Jobs: what was started in the background, how it goes and how `jobs` shows it.

use super::dialect::Dialect;
use crate::userland::{Pid, Signal, Status, Sys};

/// A job.
#[derive(Clone, Debug)]
pub(super) struct Job {
    /// What `%` names it by.
    pub(super) number: usize,
    /// Its process group: its first process.
    pub(super) group: Pid,
    /// How it is shown.
    pub(super) text: String,
    /// Whether it was stopped.
    pub(super) stopped: bool,
    processes: Vec<(Pid, Option<Status>)>,
}

impl Job {
    /// The status of the whole, once all its processes ended: that of the last.
    pub(super) fn status(&self) -> Option<Status> {
        self.processes.iter().all(|(_, status)| status.is_some()).then(|| self.processes.last()?.1)?
    }

    /// Whether a process belongs to it.
    pub(super) fn has(&self, pid: Pid) -> bool {
        self.processes.iter().any(|(p, _)| *p == pid)
    }

    /// Its processes that are not known to have ended.
    pub(super) fn pids(&self) -> Vec<Pid> {
        self.processes.iter().map(|(pid, _)| *pid).collect()
    }

    fn state(&self, dialect: Dialect) -> String {
        match self.status() {
            None if self.stopped => "Stopped".to_owned(),
            None => "Running".to_owned(),
            Some(Status::Exited(0)) => "Done".to_owned(),
            Some(Status::Exited(code)) if dialect == Dialect::Bash => format!("Exit {code}"),
            Some(Status::Exited(code)) => format!("Done({code})"),
            Some(Status::Signalled(signal)) => description(signal).to_owned(),
        }
    }
}

/// What is printed of a process that a signal ended.
pub(super) const fn description(signal: Signal) -> &'static str {
    match signal {
        Signal::Hangup => "Hangup",
        Signal::Interrupt => "Interrupt",
        Signal::Quit => "Quit",
        Signal::Kill => "Killed",
        Signal::User1 => "User defined signal 1",
        Signal::User2 => "User defined signal 2",
        Signal::Pipe => "Broken pipe",
        Signal::Alarm => "Alarm clock",
        Signal::Terminate => "Terminated",
        Signal::Continue => "Continued",
        Signal::Stop | Signal::TerminalStop => "Stopped",
    }
}

/// The jobs of a shell, oldest first.
#[derive(Clone, Debug, Default)]
pub(super) struct Jobs(Vec<Job>);

impl Jobs {
    /// Adds a job.
    pub(super) fn add(&mut self, pids: &[Pid], text: String, dialect: Dialect) {
        let taken = |number: &usize| self.0.iter().any(|job| job.number == *number);
        let number = match dialect {
            Dialect::Bash => self.0.iter().map(|job| job.number).max().unwrap_or(0) + 1,
            Dialect::Ash | Dialect::Dash => (1..).find(|n| !taken(n)).expect("numbers do not run out"),
        };
        let processes = pids.iter().map(|pid| (*pid, None)).collect();
        self.0.push(Job { number, group: pids[0], text, stopped: false, processes });
    }

    /// Asks for the status of everything that runs.
    pub(super) fn reap(&mut self, sys: &mut Sys<'_>) {
        for (pid, status) in self.0.iter_mut().flat_map(|job| &mut job.processes) {
            if status.is_none() {
                *status = sys.try_wait(*pid);
            }
        }
    }

    /// The job that `%n`, `%+`, `%-`, `%text` or `%?text` names.
    pub(super) fn find(&self, spec: &str) -> Option<&Job> {
        let name = spec.strip_prefix('%').unwrap_or(spec);
        match name {
            "" | "%" | "+" => self.current(),
            "-" => self.0.iter().rev().nth(1).or_else(|| self.current()),
            _ => match (name.parse::<usize>(), name.strip_prefix('?')) {
                (Ok(number), _) => self.0.iter().find(|job| job.number == number),
                (Err(_), Some(part)) => self.0.iter().rev().find(|job| job.text.contains(part)),
                (Err(_), None) => self.0.iter().rev().find(|job| job.text.starts_with(name)),
            },
        }
    }

    /// The job of a process.
    pub(super) fn of(&self, pid: Pid) -> Option<&Job> {
        self.0.iter().find(|job| job.has(pid))
    }

    /// The job with this number, to be changed.
    pub(super) fn numbered(&mut self, number: usize) -> Option<&mut Job> {
        self.0.iter_mut().find(|job| job.number == number)
    }

    /// The one that was started last.
    pub(super) fn current(&self) -> Option<&Job> {
        self.0.last()
    }

    /// Forgets a job.
    pub(super) fn remove(&mut self, number: usize) {
        self.0.retain(|job| job.number != number);
    }

    /// All jobs, oldest first.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Job> {
        self.0.iter()
    }

    /// What `jobs` prints; what ended is shown this once.
    pub(super) fn show(&mut self, dialect: Dialect, with_pids: bool) -> String {
        let last = self.0.len();
        let line = |(at, job): (usize, &Job)| {
            let mark = match last - at {
                1 => '+',
                2 => '-',
                _ => ' ',
            };
            show(job, mark, dialect, with_pids)
        };
        let lines = self.0.iter().enumerate().map(line);
        let text = match dialect {
            Dialect::Bash => lines.collect(),
            Dialect::Ash | Dialect::Dash => lines.rev().collect(),
        };
        self.0.retain(|job| job.status().is_none());
        text
    }
}

/// One line. bash pads the state, ash the whole front; both leave the command last.
fn show(job: &Job, mark: char, dialect: Dialect, with_pid: bool) -> String {
    let Job { number, group: Pid(pid), text, .. } = job;
    let state = job.state(dialect);
    let running = if job.status().is_none() && !job.stopped { " &" } else { "" };
    match (dialect, with_pid) {
        (Dialect::Bash, false) => format!("[{number}]{mark}  {state:<24}{text}{running}\n"),
        (Dialect::Bash, true) => format!("[{number}]{mark} {pid} {state:<24}{text}{running}\n"),
        (Dialect::Ash | Dialect::Dash, false) => format!("{:<32} {text}\n", format!("[{number}]{mark}  {state}")),
        (Dialect::Ash | Dialect::Dash, true) => format!("{:<32} {text}\n", format!("[{number}]{mark}  {pid} {state}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_as_wide_as_in_the_real_shells() {
        let mut jobs = Jobs::default();
        jobs.add(&[Pid(7)], "ping app".to_owned(), Dialect::Ash);
        jobs.add(&[Pid(8), Pid(9)], "sleep 3 | cat".to_owned(), Dialect::Ash);
        assert_eq!(
            jobs.show(Dialect::Ash, false),
            "[2]+  Running                    sleep 3 | cat\n[1]-  Running                    ping app\n"
        );
        assert_eq!(jobs.show(Dialect::Bash, true).lines().next(), Some("[1]- 7 Running                 ping app &"));
        assert_eq!(jobs.find("%?cat").map(|j| j.number), Some(2));
        assert_eq!(jobs.find("%-").map(|j| j.number), Some(1));
        assert!(jobs.find("%3").is_none());
    }
}
