//! The `docker` program: client 28.2.2 as it talks to an engine of API 1.41. It reads its arguments, makes the calls that
//! the real client makes and prints what it prints. It knows no engine: all it has is the Unix socket of its host.
//!
//! How it works: `command::tree` finds the command and reads its flags; the command's first step says what to wait for
//! and the `script` goes on from there. This file carries: calls and output of the script to the system, and what has
//! come back to the script.

mod attach;
mod command;
mod commit;
mod containers;
mod cp;
mod create;
mod diff;
pub mod dockerd;
mod endpoint;
mod environment;
mod events;
mod exec;
mod export;
mod flags;
mod history;
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
mod network;
pub mod netyard;
mod node;
mod object;
#[cfg(test)]
mod play;
mod port;
mod prune;
mod ps;
mod pull;
mod query;
mod removal;
mod rename;
mod rm;
mod run;
mod script;
mod service;
mod shape;
mod start;
mod stats;
mod swarm;
mod system;
pub mod systemctl;
mod tag;
mod top;
mod update;
mod version;
mod volume;
mod wait;
mod words;

use netyard_sim::time::Instant;
use netyard_sim::userland::{CallId, Flavour, Program, Programs, Read, Signal, Step, Sys};

use serde_json::Value;

use command::tree::Invocation;
use script::{Cx, Output, Place, Runner, Ticket, Unpacking};

/// What `--publish` asks for, as a request for a new container carries it: the exposed ports, and their bindings.
///
/// # Errors
/// In the client's words.
pub fn published(ports: &[String]) -> Result<(Value, Value), String> {
    create::published(ports).map_err(|failure| failure.message)
}

/// Bytes read from standard input at once.
const CHUNK: usize = 4096;

/// Puts `docker`, and what begins and ends its engine, into the table of a host's programs.
pub fn add(programs: &mut Programs) {
    programs.add(Flavour::Host, "docker", || Box::new(Docker::default()));
    dockerd::add(programs);
    systemctl::add(programs);
    netyard::add(programs);
}

/// One run of the program.
#[derive(Clone, Default)]
struct Docker {
    session: Option<Session>,
}

/// What stands from the first step on.
#[derive(Clone)]
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
        let wakes_at = self.session.as_ref().and_then(|session| session.runner.wakes_at());
        let start = sys.epoch().unix_nanos(Instant::ZERO);
        let wakes_at = wakes_at.map(|at| Instant::from_nanos(at.saturating_sub(start)));
        exit.map_or(Step::Wait(wakes_at), Step::Exit)
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
            if let Some(Unpacking { top, entries }) = self.runner.unpacking() {
                let mut files = sys.files_mut();
                self.runner.unpacked(entries.iter().try_for_each(|entry| files.import(&top, entry)));
                continue;
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
        let terminals = [0, 1, 2].map(|fd| sys.is_terminal(fd));
        let place = Place { now, env: sys.env(), cwd: sys.cwd(), files: sys.files(), terminals };
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

#[cfg(test)]
mod tests {
    use netyard_sim::fabric::Fabric;
    use netyard_sim::rng::Seed;
    use netyard_sim::time::{Epoch, Instant};
    use netyard_sim::userland::process::{Context, Event, Table};
    use netyard_sim::userland::{Files, Pid, Spawn, Status, Stream};

    use super::*;

    /// A host that runs one command, without a world around it.
    struct Host {
        table: Table,
        fabric: Fabric,
        stdin: Stream,
        stdout: Stream,
        pid: Pid,
    }

    impl Host {
        fn new(line: &str) -> Self {
            let mut programs = Programs::default();
            add(&mut programs);
            let (mut table, mut fabric) = (Table::new(programs, Epoch::DEFAULT), Fabric::new(Seed(1)));
            let namespace = fabric.create_namespace("docker01");
            let (files, hostname) = (Files::default(), "docker01".to_owned());
            let context = table.create_context(Context { files, hostname, flavour: Flavour::Host });
            let (stdin_read, stdin) = table.streams_mut().pipe();
            let (stdout, stdout_write) = table.streams_mut().pipe();
            let stderr = table.streams_mut().dup(&stdout_write);
            let argv = line.split(' ').map(str::to_owned).collect();
            let spawn = Spawn::of_host(argv, (namespace, context), [stdin_read, stdout_write, stderr]);
            let pid = table.spawn(spawn, None, Instant::ZERO).expect("docker is in the table");
            let mut host = Self { table, fabric, stdin, stdout, pid };
            host.run();
            host
        }

        fn run(&mut self) {
            while self.table.run_one(&mut self.fabric) {}
        }

        /// What the owner of the world hears, but for output.
        fn hears(&mut self) -> Option<Event> {
            core::iter::from_fn(|| self.table.poll_event()).find(|event| !matches!(event, Event::Readable(_)))
        }

        fn called(&mut self) -> (CallId, String) {
            match self.hears() {
                Some(Event::Called { id, socket, request, .. }) => (id, format!("{socket} {}", request.target)),
                other => panic!("it should have called, not {other:?}"),
            }
        }

        fn answer(&mut self, call: CallId, status: u16, body: &[u8], end: bool) {
            self.table.respond(call, status, Vec::new());
            self.table.respond_body(call, body);
            if end {
                self.table.respond_end(call);
            }
            self.run();
        }

        fn shown(&mut self) -> String {
            match self.table.read(&mut self.stdout) {
                Read::Data(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
                Read::Blocked | Read::End => String::new(),
            }
        }
    }

    #[test]
    fn a_command_calls_its_hosts_socket_and_ends() {
        let mut host = Host::new("docker pause c1");
        let (call, target) = host.called();
        assert_eq!(target, "/var/run/docker.sock /v1.41/containers/c1/pause");
        host.answer(call, 204, b"", true);
        assert_eq!(host.shown(), "c1\n");
        let pid = host.pid;
        assert!(matches!(host.hears(), Some(Event::Exited(ended, Status::Exited(0))) if ended == pid));
    }

    #[test]
    fn a_socket_that_nobody_answers_is_told() {
        let mut host = Host::new("docker -H unix:///run/other.sock version");
        let (call, target) = host.called();
        assert_eq!(target, "/run/other.sock /v1.41/version");
        host.table.respond_end(call);
        host.run();
        assert!(host.shown().ends_with("at unix:///run/other.sock. Is the docker daemon running?\n"));
        assert!(matches!(host.hears(), Some(Event::Exited(_, Status::Exited(1)))));
    }

    #[test]
    fn input_and_signals_reach_the_session() {
        let mut host = Host::new("docker run -i busybox cat");
        let (create, _) = host.called();
        host.answer(create, 201, br#"{"Id":"6e72","Warnings":[]}"#, true);
        let (attach, _) = host.called();
        host.answer(attach, 101, b"", false);
        let (wait, _) = host.called();
        host.answer(wait, 200, b"", false);
        let (start, _) = host.called();
        host.answer(start, 204, b"", true);
        host.table.write(&host.stdin, b"hello\n");
        host.run();
        assert!(matches!(host.hears(), Some(Event::CallInput(call, bytes)) if call == attach && bytes == b"hello\n"));
        host.table.signal(&mut host.fabric, host.pid, Signal::Terminate);
        host.run();
        assert_eq!(host.called().1, "/var/run/docker.sock /v1.41/containers/6e72/kill?signal=TERM");
        host.answer(attach, 101, &[1, 0, 0, 0, 0, 0, 0, 6, b'h', b'e', b'l', b'l', b'o', b'\n'], true);
        host.answer(wait, 200, br#"{"Error":null,"StatusCode":143}"#, true);
        assert_eq!(host.shown(), "hello\n");
        host.hears();
        assert!(!host.table.is_alive(host.pid));
    }

    #[test]
    fn a_signal_ends_a_command_that_does_not_forward_it() {
        let mut host = Host::new("docker events");
        let (call, _) = host.called();
        host.answer(call, 200, b"", false);
        host.table.signal(&mut host.fabric, host.pid, Signal::Interrupt);
        host.run();
        assert!(matches!(host.hears(), Some(Event::CallDropped(dropped)) if dropped == call));
        assert!(matches!(host.hears(), Some(Event::Exited(_, Status::Signalled(Signal::Interrupt)))));
    }
}
