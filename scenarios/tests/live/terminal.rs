//! A shell of this machine at a terminal of its own, which somebody types at.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::process::{Child, Command};

use nix::poll::{PollFd, PollFlags, poll};
use nix::pty::{Winsize, openpty};

/// How long something may take that is to be shown next, in milliseconds.
const PATIENCE: u16 = 60_000;
/// How long between two presses of a key, and how many.
const BETWEEN: u16 = 500;
const PRESSES: u32 = 20;

/// A terminal, and the shell at it.
pub(super) struct Terminal {
    shell: Child,
    screen: File,
    /// What is shown and was not looked at yet.
    shown: String,
}

impl Terminal {
    /// A shell at a terminal of 33 lines and 99 columns. `dress` says what else is to be known of its command.
    pub(super) fn new(dress: impl FnOnce(Command) -> Command) -> Self {
        let size = Winsize { ws_row: 33, ws_col: 99, ws_xpixel: 0, ws_ypixel: 0 };
        let pair = openpty(Some(&size), None).expect("there are terminals");
        let end = || pair.slave.try_clone().expect("there are descriptors");
        let mut command = Command::new("setsid");
        command.args(["--ctty", "bash", "--norc", "--noediting", "-i"]);
        command = dress(command);
        command.env("LANG", "C").stdin(end()).stdout(end()).stderr(end());
        let shell = command.spawn().expect("util-linux and bash are there");
        let mut terminal = Self { shell, screen: File::from(pair.master), shown: String::new() };
        terminal.enter("stty -echo; PS1=; echo; echo begun\n");
        terminal.await_line("begun");
        terminal
    }

    /// Types.
    pub(super) fn enter(&mut self, text: &str) {
        self.screen.write_all(text.as_bytes()).expect("the terminal is there");
    }

    /// Presses a key until a line is shown that ends so: a program that has just begun may not be where keys reach it.
    #[track_caller]
    pub(super) fn press(&mut self, key: &str, expected: &str) {
        let is_shown = (0..PRESSES).any(|_| {
            self.enter(key);
            self.shows(expected, BETWEEN)
        });
        assert!(is_shown, "{expected} is not shown, but {:?}", self.shown);
    }

    /// Reads what is shown until a line ends so.
    #[track_caller]
    pub(super) fn await_line(&mut self, expected: &str) {
        assert!(self.shows(expected, PATIENCE), "{expected} is not shown, but {:?}", self.shown);
    }

    /// Whether a line is shown that ends so, before nothing is shown for so many milliseconds.
    fn shows(&mut self, expected: &str, patience: u16) -> bool {
        loop {
            while let Some((line, rest)) = self.shown.split_once('\n') {
                let is_it = line.trim_end().ends_with(expected);
                self.shown = rest.to_owned();
                if is_it {
                    return true;
                }
            }
            let mut ends = [PollFd::new(self.screen.as_fd(), PollFlags::POLLIN)];
            if poll(&mut ends, patience).expect("the terminal is there") == 0 {
                return false;
            }
            let mut bytes = [0; 4096];
            let len = self.screen.read(&mut bytes).expect("the terminal is there");
            self.shown.push_str(&String::from_utf8_lossy(&bytes[..len]));
        }
    }

    /// Leaves the shell; its exit code.
    pub(super) fn leave(mut self) -> Option<i32> {
        self.enter("exit 0\n");
        self.shell.wait().expect("it is ours").code()
    }
}
