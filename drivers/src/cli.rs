//! The `docker` program: client 28.2.2 as it talks to an engine of API 1.41. It reads its arguments, makes the calls that
//! the real client makes and prints what it prints. It knows no engine: all it has is the Unix socket of its host.
//!
//! How it works: [`command::tree`] finds the command and reads its flags; the command's first step says what to wait for
//! and the [`script`] goes on from there. This file carries: calls and output of the script to the system, and what has
//! come back to the script.

mod attach;
mod command;
mod containers;
mod create;
mod endpoint;
mod environment;
mod events;
mod exec;
mod flags;
mod human;
mod image;
mod images;
mod info;
mod inspect;
mod json;
mod lifecycle;
mod link;
mod listing;
mod logs;
mod moment;
mod network;
mod object;
#[cfg(test)]
mod play;
mod port;
mod prune;
mod ps;
mod pull;
mod query;
mod reference;
mod rename;
mod rm;
mod run;
mod script;
mod shape;
mod start;
mod top;
mod version;
mod wait;

use netyard_sim::userland::{CallId, Flavour, Program, Programs, Read, Signal, Step, Sys};

use command::tree::Invocation;
use script::{Cx, Output, Place, Runner, Ticket};

/// Bytes read from standard input at once.
const CHUNK: usize = 4096;

/// Puts `docker` into the table of a host's programs.
pub fn add(programs: &mut Programs) {
    programs.add(Flavour::Host, "docker", || Box::new(Docker::default()));
}

/// One run of the program.
#[derive(Default)]
struct Docker {
    session: Option<Session>,
}

/// What stands from the first step on.
struct Session {
    runner: Runner,
    output: Output,
    open: Vec<(Ticket, CallId)>,
    socket: String,
}

impl Program for Docker {
    fn step(&mut self, sys: &mut Sys<'_>) -> Step {
        let exit = match &mut self.session {
            Some(session) => session.go_on(sys),
            None => {
                let (session, exit) = Session::begin(sys);
                self.session = Some(session);
                exit
            }
        };
        exit.map_or(Step::Wait(None), Step::Exit)
    }

    fn signal(&mut self, sys: &mut Sys<'_>, signal: Signal) -> bool {
        let Some(session) = &mut self.session else { return false };
        let mut taken = false;
        session.step(sys, |runner, cx| {
            taken = runner.signal(signal, cx);
            None
        });
        taken
    }
}

impl Session {
    fn begin(sys: &mut Sys<'_>) -> (Self, Option<i32>) {
        let default_host = sys.env().get("DOCKER_HOST").map(String::as_str);
        let invocation = Invocation::parse(sys.argv().get(1..).unwrap_or_default(), default_host);
        let host = invocation.host.clone();
        let mut session = Self {
            socket: host.strip_prefix("unix://").unwrap_or(&host).to_owned(),
            runner: Runner::new(host, invocation.decorate),
            output: Output::default(),
            open: Vec::new(),
        };
        let exit = session.step(sys, |runner, cx| {
            let first = invocation.begin(cx);
            runner.start(first, cx)
        });
        let exit = exit.or_else(|| session.go_on(sys));
        (session, exit)
    }

    fn go_on(&mut self, sys: &mut Sys<'_>) -> Option<i32> {
        let runner = &mut self.runner;
        self.open.retain(|(ticket, id)| {
            let news = sys.poll_call(*id);
            let open = !news.done;
            runner.update(*ticket, news);
            open
        });
        loop {
            if let Some(exit) = self.step(sys, Runner::advance) {
                return Some(exit);
            }
            if !self.runner.wants_input() {
                return None;
            }
            let bytes = match sys.read(CHUNK) {
                Read::Data(bytes) => bytes,
                Read::End => Vec::new(),
                Read::Blocked => return None,
            };
            self.step(sys, |runner, cx| {
                runner.feed(&bytes, cx);
                None
            });
        }
    }

    /// Lets the script do a step and carries out what it wants done.
    fn step(&mut self, sys: &mut Sys<'_>, step: impl FnOnce(&mut Runner, &mut Cx<'_>) -> Option<i32>) -> Option<i32> {
        let now = sys.epoch().unix_nanos(sys.now());
        let place = Place { now, env: sys.env(), cwd: sys.cwd(), files: sys.files() };
        let exit = step(&mut self.runner, &mut Cx { place, output: &mut self.output });
        self.carry_out(sys);
        exit
    }

    fn carry_out(&mut self, sys: &mut Sys<'_>) {
        for (stream, bytes) in self.output.printed.drain(..) {
            sys.write(stream, &bytes);
        }
        for (path, bytes) in self.output.files.drain(..) {
            // A directory that is not there was the user's to make; the container stands all the same.
            let _ = sys.files_mut().write(&path, bytes);
        }
        for (ticket, request) in self.output.calls.drain(..) {
            self.open.push((ticket, sys.call(&self.socket, request)));
        }
        for (ticket, bytes) in self.output.inputs.drain(..) {
            if let Some((_, id)) = self.open.iter().find(|(open, _)| *open == ticket) {
                sys.call_input(*id, &bytes);
            }
        }
    }
}
