//! A real shell at a terminal of its own, which stays open between commands. It is typed at the terminal, and what it shows
//! is written down: its output goes into a pipe, as a step's does in netyard, so that no program fits it to a window. What
//! ends a command is a mark that the shell writes behind it, with the exit code; no program writes that character by itself.

use std::fs::{self, File};
use std::io::{self, PipeReader, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::pty::{OpenptyResult, Winsize, openpty};
use nix::unistd::Pid;

use super::janitor;

/// ASCII's record separator, on both sides of an exit code.
const MARK: u8 = 0x1e;
/// What a shell does: it says nothing back, tells that it is there, and then takes commands one by one. Only what leaves
/// something in the background has jobs: else it would be told of their ends in between.
const LOOP: &str = "stty -echo -onlcr; printf '\\036%d\\036' 0; \
                    while IFS= read -r netyard_line; do case $netyard_line in *'&'*) set -m;; *) set +m;; esac; \
                    eval \"$netyard_line\"; printf '\\036%d\\036' \"$?\"; done";
/// The size of a terminal that nobody has pulled at.
const SIZE: Winsize = Winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 };

/// How often it is looked at whether the shell is still there.
const GLANCE: Duration = Duration::from_millis(100);

/// What came of a command.
pub(super) struct Ended {
    pub(super) status: i32,
    pub(super) output: String,
}

/// Why there is none.
pub(super) enum Stopped {
    /// There is no shell at that place: in the words of whoever should have started it.
    NoShell(String),
    /// The time was up; what had been shown until then.
    TimeIsUp(String),
}

/// Why nothing more is read.
enum Silence {
    Closed,
    TimeIsUp,
}

/// A shell at a terminal of its own.
#[derive(Debug)]
pub(super) struct Shell {
    child: Child,
    terminal: File,
    shown: PipeReader,
    /// What was read and is not told yet.
    unread: Vec<u8>,
}

impl Shell {
    /// Opens one by `words`, with what `dress` says of its command; it is there before `until`.
    ///
    /// # Errors
    /// [`Stopped`].
    pub(super) fn open(words: &[&str], dress: impl FnOnce(&mut Command), until: Instant) -> Result<Self, Stopped> {
        let no_shell = |error: io::Error| Stopped::NoShell(error.to_string());
        let OpenptyResult { master, slave } = openpty(&SIZE, None).map_err(|error| no_shell(error.into()))?;
        // setsid makes the terminal the controlling one, so that it has jobs.
        let mut command = Command::new("setsid");
        command.arg("--ctty").arg("--wait").args(words).args(["-c", LOOP]).env("TERM", "dumb");
        dress(&mut command);
        let (shown, show) = io::pipe().map_err(no_shell)?;
        command.stdin(slave).stdout(show.try_clone().map_err(no_shell)?).stderr(show);
        let child = command.spawn().map_err(no_shell)?;
        // The command holds the other ends of the terminal and of the pipe as long as it lives.
        drop(command);
        let mut shell = Self { child, terminal: File::from(master), shown, unread: Vec::new() };
        match shell.read(until) {
            // What it said before it was ready is of no command.
            Ok(_) => Ok(shell),
            Err(Silence::Closed) => Err(Stopped::NoShell(shell.said().trim().to_owned())),
            Err(Silence::TimeIsUp) => Err(Stopped::TimeIsUp(shell.said())),
        }
    }

    /// Types `command` in the shell at `place` of those that are open, and waits until it is done, or until `until`. A
    /// shell that ends is forgotten.
    ///
    /// # Errors
    /// [`Stopped`].
    pub(super) fn play(place: &mut Option<Self>, command: &str, until: Instant) -> Result<Ended, Stopped> {
        let shell = place.as_mut().expect("it was opened");
        shell.enter(command).map_err(|error| Stopped::NoShell(error.to_string()))?;
        match shell.read(until) {
            Ok(ended) => Ok(ended),
            Err(Silence::TimeIsUp) => Err(Stopped::TimeIsUp(shell.said())),
            Err(Silence::Closed) => {
                let mut shell = place.take().expect("it was open");
                let ended = Ended { status: shell.status(), output: shell.said() };
                // What it has left behind in the background goes with its terminal.
                shell.hang_up();
                Ok(ended)
            }
        }
    }

    /// Whether something runs that was started from it.
    pub(super) fn has_jobs(&self) -> bool {
        let own = self.child.id();
        fs::read_to_string(format!("/proc/{own}/task/{own}/children")).is_ok_and(|children| !children.trim().is_empty())
    }

    /// Tells the shell and all that was started from it to end, and ends what has not done so when its time is over.
    pub(super) fn hang_up(mut self) {
        janitor::end(self.session(), || !self.child.try_wait().is_ok_and(|ended| ended.is_none()));
    }

    /// The session whose terminal it is at.
    pub(super) fn session(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.child.id()).expect("process ids are small"))
    }

    fn enter(&mut self, command: &str) -> io::Result<()> {
        self.terminal.write_all(command.as_bytes())?;
        self.terminal.write_all(b"\n")
    }

    /// Reads up to the mark behind a command.
    fn read(&mut self, until: Instant) -> Result<Ended, Silence> {
        loop {
            if let Some(ended) = self.marked() {
                return Ok(ended);
            }
            let left = until.saturating_duration_since(Instant::now());
            let mut wanted = [PollFd::new(self.shown.as_fd(), PollFlags::POLLIN)];
            let timeout = PollTimeout::try_from(left.min(GLANCE)).unwrap_or(PollTimeout::MAX);
            match poll(&mut wanted, timeout) {
                Ok(0) if left.is_zero() => return Err(Silence::TimeIsUp),
                // What it has left in the background may hold the terminal open.
                Ok(0) if self.child.try_wait().is_ok_and(|ended| ended.is_some()) => return Err(Silence::Closed),
                Ok(_) | Err(nix::errno::Errno::EINTR) => {}
                Err(_) => return Err(Silence::Closed),
            }
            if wanted[0].revents().is_none_or(|events| events.is_empty()) {
                continue;
            }
            let mut bytes = [0; 4096];
            match self.shown.read(&mut bytes) {
                Ok(0) | Err(_) => return Err(Silence::Closed),
                Ok(count) => self.unread.extend_from_slice(&bytes[..count]),
            }
        }
    }

    /// What stands before the mark, when there is one.
    fn marked(&mut self) -> Option<Ended> {
        let begin = self.unread.iter().position(|byte| *byte == MARK)?;
        let length = self.unread[begin + 1..].iter().position(|byte| *byte == MARK)?;
        let rest = self.unread.split_off(begin + length + 2);
        let told = std::mem::replace(&mut self.unread, rest);
        let status = String::from_utf8_lossy(&told[begin + 1..=begin + length]).parse().ok()?;
        Some(Ended { status, output: String::from_utf8_lossy(&told[..begin]).into_owned() })
    }

    /// All that was shown since the last mark.
    fn said(&mut self) -> String {
        String::from_utf8_lossy(&std::mem::take(&mut self.unread)).into_owned()
    }

    /// How it ended, as a shell tells it.
    fn status(&mut self) -> i32 {
        let ended = self.child.wait().ok();
        ended.and_then(|status| status.code().or_else(|| status.signal().map(|signal| 128 + signal))).unwrap_or(1)
    }
}

impl Drop for Shell {
    /// A terminal that goes away hangs up its shell; a shell that does not care is killed.
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
