//! Real shells, each at a terminal of its own, that stay open between commands. What ends a command is a mark that the
//! shell writes behind it, with the exit code; no program writes that character by itself.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::pty::{OpenptyResult, Winsize, openpty};

use crate::scenario::Scenario;

/// ASCII's record separator, on both sides of an exit code.
const MARK: u8 = 0x1e;
/// What a shell does: it says nothing back, tells that it is there, and then takes commands one by one.
const LOOP: &str = "stty -echo -onlcr; set -m; printf '\\036%d\\036' 0; \
                    while IFS= read -r netyard_line; do eval \"$netyard_line\"; printf '\\036%d\\036' \"$?\"; done";
/// The size of a terminal that nobody has pulled at: `ss` spreads its columns over a wider one.
const SIZE: Winsize = Winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 };

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

/// The open shells, by place.
#[derive(Default)]
pub(super) struct Shells {
    open: BTreeMap<String, Shell>,
}

impl Shells {
    /// Types `command` at `place` and waits until it is done, or until `until`.
    ///
    /// # Errors
    /// [`Stopped`].
    pub(super) fn play(
        &mut self,
        scenario: &Scenario,
        place: &str,
        command: &str,
        until: Instant,
    ) -> Result<Ended, Stopped> {
        if !self.open.contains_key(place) {
            let shell = Shell::open(words(scenario, place), until)?;
            self.open.insert(place.to_owned(), shell);
        }
        let shell = self.open.get_mut(place).expect("it was just opened");
        shell.enter(command).map_err(|error| Stopped::NoShell(error.to_string()))?;
        match shell.read(until) {
            Ok(ended) => Ok(ended),
            Err(Silence::TimeIsUp) => Err(Stopped::TimeIsUp(shell.said())),
            Err(Silence::Closed) => {
                let mut shell = self.open.remove(place).expect("it was open");
                let status = shell.status();
                Ok(Ended { status, output: shell.said() })
            }
        }
    }
}

/// What starts the shell of a place.
fn words<'p>(scenario: &Scenario, place: &'p str) -> Vec<&'p str> {
    match place.split_once('/') {
        Some((_, namespace)) => vec!["ip", "netns", "exec", namespace, "sh"],
        None if scenario.head.hosts.iter().any(|host| host == place) => vec!["bash"],
        None => vec!["docker", "exec", "-it", place, "sh"],
    }
}

/// Why nothing more is read.
enum Silence {
    Closed,
    TimeIsUp,
}

/// A shell at a terminal of its own.
struct Shell {
    child: Child,
    terminal: File,
    /// What was read and is not told yet.
    unread: Vec<u8>,
}

impl Shell {
    fn open(words: Vec<&str>, until: Instant) -> Result<Self, Stopped> {
        let no_shell = |error: io::Error| Stopped::NoShell(error.to_string());
        let OpenptyResult { master, slave } = openpty(&SIZE, None).map_err(|error| no_shell(error.into()))?;
        let end = |fd: &OwnedFd| fd.try_clone().map(Stdio::from);
        // setsid makes the terminal the controlling one, so that it has jobs.
        let mut command = Command::new("setsid");
        command.arg("--ctty").arg("--wait").args(words).args(["-c", LOOP]).env("TERM", "dumb");
        command.stdin(end(&slave).map_err(no_shell)?).stdout(end(&slave).map_err(no_shell)?);
        command.stderr(Stdio::from(slave));
        let child = command.spawn().map_err(no_shell)?;
        // The command holds the other end of the terminal as long as it lives.
        drop(command);
        let mut shell = Self { child, terminal: File::from(master), unread: Vec::new() };
        match shell.read(until) {
            // What it said before it was ready is of no command.
            Ok(_) => Ok(shell),
            Err(Silence::Closed) => Err(Stopped::NoShell(shell.said().trim().to_owned())),
            Err(Silence::TimeIsUp) => Err(Stopped::TimeIsUp(shell.said())),
        }
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
            let mut wanted = [PollFd::new(self.terminal.as_fd(), PollFlags::POLLIN)];
            let timeout = PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX);
            match poll(&mut wanted, timeout) {
                Ok(0) if left.is_zero() => return Err(Silence::TimeIsUp),
                Ok(_) | Err(nix::errno::Errno::EINTR) => {}
                Err(_) => return Err(Silence::Closed),
            }
            if wanted[0].revents().is_none_or(|events| events.is_empty()) {
                continue;
            }
            let mut bytes = [0; 4096];
            match self.terminal.read(&mut bytes) {
                // A terminal whose other end is closed says EIO.
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
