//! Who tidies up behind the real side of a scenario, however this process ends: a process of its own (`netyard janitor`, which
//! is in no help text). It has nothing to do while this one is there, and makes nothing.
//!
//! How it works: it reads from a pipe whose other end is this process's alone. On it comes which sessions of shells there
//! are. When the pipe ends, be it that this process was killed, the janitor ends what is left of them and removes a directory.

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::io::{self, BufRead, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, getsid};

/// What the subcommand is called.
pub const NAME: &str = "janitor";
/// How long what a shell has started may take to end.
const GRACE: Duration = Duration::from_secs(3);
/// How long is waited between two looks.
const PAUSE: Duration = Duration::from_millis(5);

/// A janitor at work; it tidies up when this is dropped.
#[derive(Debug)]
pub(super) struct Janitor {
    child: Child,
    orders: Option<ChildStdin>,
}

impl Janitor {
    /// Hires one who will remove `directory`.
    ///
    /// # Errors
    /// What the system says.
    pub(super) fn hire(directory: &Path) -> io::Result<Self> {
        let mut command = Command::new(env::current_exe()?);
        command.arg(NAME).arg(directory).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        // What a terminal sends to those in the foreground is not for it.
        let mut child = command.current_dir("/").process_group(0).spawn()?;
        let orders = child.stdin.take();
        Ok(Self { child, orders })
    }

    /// There is a session that has to end.
    ///
    /// # Errors
    /// When the janitor is gone.
    pub(super) fn look_after(&mut self, session: Pid) -> io::Result<()> {
        self.order('+', session)
    }

    /// A session has ended.
    pub(super) fn forget(&mut self, session: Pid) {
        // One who is gone has forgotten it.
        let _ = self.order('-', session);
    }

    fn order(&mut self, what: char, session: Pid) -> io::Result<()> {
        self.orders.as_mut().map_or(Ok(()), |orders| writeln!(orders, "{what}{session}"))
    }
}

impl Drop for Janitor {
    fn drop(&mut self) {
        drop(self.orders.take());
        let _ = self.child.wait();
    }
}

/// What a janitor does: takes `orders` until there are no more, then tidies up and removes `directory`.
pub fn work(orders: impl BufRead, directory: &Path) {
    let mut sessions = BTreeSet::new();
    for order in orders.lines().map_while(Result::ok) {
        let session = order.get(1..).and_then(|session| session.parse().ok()).map(Pid::from_raw);
        match (order.chars().next(), session) {
            (Some('+'), Some(session)) => drop(sessions.insert(session)),
            (Some('-'), Some(session)) => drop(sessions.remove(&session)),
            _ => {}
        }
    }
    for session in sessions {
        end(session, || true);
    }
    // Where it is gone already there is nothing to do.
    drop(fs::remove_dir_all(directory));
}

/// Tells all who are in a session to end, and ends who has not done so when the time for it is over; it is over at once when
/// nobody is left and `is_done`.
pub(super) fn end(session: Pid, mut is_done: impl FnMut() -> bool) {
    for signal in [Signal::SIGHUP, Signal::SIGKILL] {
        let deadline = Instant::now() + GRACE;
        for process in members(session) {
            // Who has just ended needs no signal.
            let _ = (kill(process, signal), kill(process, Signal::SIGCONT));
        }
        while !(is_done() && members(session).is_empty()) && Instant::now() < deadline {
            sleep(PAUSE);
        }
    }
}

/// The processes that are at the terminal of a session, or were started there.
fn members(session: Pid) -> Vec<Pid> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let processes = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok().map(Pid::from_raw));
    processes.filter(|process| getsid(Some(*process)) == Ok(session)).collect()
}
