//! The small userland: processes, their streams and files, and the interface that programs see.
//!
//! A program is a state machine: [`Program::step`] runs until it would block and says so. It is stepped again when
//! something that concerns it happened (a socket or stream moved, a child ended, a signal or a reply came) or when its
//! time has come; a step for nothing must do no harm. Nothing here knows Docker: other crates add programs to the
//! table, and a program reaches a daemon by a call to a Unix socket, which the world hands to its owner.

pub mod accounts;
pub mod aimed;
pub mod arp;
pub mod arping;
pub mod base64;
pub mod brctl;
pub mod bridge_command;
pub mod context;
pub mod coreutils;
pub mod curl;
pub mod dig;
pub mod escape;
pub mod ethtool;
pub mod exchange;
pub mod exec;
pub mod files;
pub mod filter;
pub mod gate;
pub mod getopt;
pub mod http;
pub mod httpd;
pub mod icmp;
pub mod ifconfig;
pub mod image;
pub mod input;
pub mod ip;
pub mod iptables;
pub mod ipvsadm;
pub mod json;
pub mod lookup;
pub mod nc;
pub mod netstat;
pub mod nslookup;
pub mod nstat;
pub mod options;
pub mod origin;
pub mod outbox;
pub mod ping;
pub mod proc;
pub mod process;
pub mod programs;
pub mod real;
pub mod route_command;
pub mod search;
pub mod setting;
pub mod shell;
pub mod snmp;
pub mod sockets;
pub mod ss;
pub mod stream;
pub mod sysctl;
pub mod sysfs;
pub mod tc;
pub mod tcpdump;
pub mod terminal;
pub mod traceroute;
pub mod user;
pub mod wget;

use std::collections::BTreeMap;

use dyn_clone::DynClone;

pub use crate::socket::Errno;
pub use context::{ContextId, Flavour};
pub use files::Files;
pub use process::{Call, CallId, Pid, Request, Rights, Spawn, Status, Sys};
pub use stream::{Read, Stream};
pub use user::User;

use crate::time::Instant;

/// What a program does next.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Step {
    /// It ended with this exit code.
    Exit(i32),
    /// It waits for something to happen, at most until then.
    Wait(Option<Instant>),
    /// It has more to do but lets the others go first.
    Yield,
}

/// A signal that a process can be sent.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Signal {
    /// SIGHUP, 1.
    Hangup,
    /// SIGINT, 2.
    Interrupt,
    /// SIGQUIT, 3.
    Quit,
    /// SIGKILL, 9.
    Kill,
    /// SIGUSR1, 10.
    User1,
    /// SIGUSR2, 12.
    User2,
    /// SIGPIPE, 13.
    Pipe,
    /// SIGALRM, 14.
    Alarm,
    /// SIGTERM, 15.
    Terminate,
    /// SIGCONT, 18.
    Continue,
    /// SIGSTOP, 19.
    Stop,
    /// SIGTSTP, 20.
    TerminalStop,
}

impl Signal {
    /// Every signal, by number.
    pub const ALL: [Self; 12] = [
        Self::Hangup,
        Self::Interrupt,
        Self::Quit,
        Self::Kill,
        Self::User1,
        Self::User2,
        Self::Pipe,
        Self::Alarm,
        Self::Terminate,
        Self::Continue,
        Self::Stop,
        Self::TerminalStop,
    ];

    /// Its number on Linux.
    #[must_use]
    pub const fn number(self) -> i32 {
        match self {
            Self::Hangup => 1,
            Self::Interrupt => 2,
            Self::Quit => 3,
            Self::Kill => 9,
            Self::User1 => 10,
            Self::User2 => 12,
            Self::Pipe => 13,
            Self::Alarm => 14,
            Self::Terminate => 15,
            Self::Continue => 18,
            Self::Stop => 19,
            Self::TerminalStop => 20,
        }
    }

    /// Its name without SIG.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hangup => "HUP",
            Self::Interrupt => "INT",
            Self::Quit => "QUIT",
            Self::Kill => "KILL",
            Self::User1 => "USR1",
            Self::User2 => "USR2",
            Self::Pipe => "PIPE",
            Self::Alarm => "ALRM",
            Self::Terminate => "TERM",
            Self::Continue => "CONT",
            Self::Stop => "STOP",
            Self::TerminalStop => "TSTP",
        }
    }

    /// The signal written as `9`, `KILL`, `SIGKILL` or `kill`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let upper = text.to_ascii_uppercase();
        let name = upper.strip_prefix("SIG").unwrap_or(&upper);
        Self::ALL.into_iter().find(|s| s.name() == name || s.number().to_string() == text)
    }
}

/// A program: a state machine over [`Sys`]. It is a value: a copy goes on from where the original was.
pub trait Program: DynClone {
    /// Runs until it ends or would block.
    fn step(&mut self, sys: &mut Sys<'_>) -> Step;

    /// A signal came, other than KILL and STOP. True when the program took it; else the default happens: it ends.
    fn signal(&mut self, sys: &mut Sys<'_>, signal: Signal) -> bool {
        let _ = (sys, signal);
        false
    }
}

dyn_clone::clone_trait_object!(Program);

/// A program that does all it does in one step: prints and ends.
#[derive(Clone)]
pub struct Straight(pub fn(&mut Sys<'_>) -> i32);

impl Program for Straight {
    fn step(&mut self, sys: &mut Sys<'_>) -> Step {
        Step::Exit((self.0)(sys))
    }
}

/// Makes a fresh program.
pub type Make = fn() -> Box<dyn Program>;

/// The programs of the world, by flavour and name.
#[derive(Clone, Debug, Default)]
pub struct Programs(BTreeMap<(Flavour, &'static str), Make>);

impl Programs {
    /// Puts a program into the table.
    pub fn add(&mut self, flavour: Flavour, name: &'static str, make: Make) {
        self.0.insert((flavour, name), make);
    }

    /// The program called `name` where programs are of this flavour.
    #[must_use]
    pub fn find(&self, flavour: Flavour, name: &str) -> Option<Make> {
        let name = name.rsplit('/').next().unwrap_or(name);
        self.0.get(&(flavour, name)).copied()
    }

    /// The names of one flavour, in order.
    pub fn names(&self, flavour: Flavour) -> impl Iterator<Item = &'static str> {
        self.0.keys().filter(move |(f, _)| *f == flavour).map(|(_, n)| *n)
    }
}
