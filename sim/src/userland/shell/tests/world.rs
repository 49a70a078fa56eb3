//! A world for the shell's tests: one place, no network, and four small programs.

use std::collections::BTreeMap;

use crate::fabric::Fabric;
use crate::rng::Seed;
use crate::time::{Epoch, Instant};
use crate::userland::process::{Context, ContextId, Event, Table};
use crate::userland::{
    Files, Flavour, Pid, Program, Programs, Read, Rights, Signal, Spawn, Status, Step, Straight, Stream, Sys, User,
};

/// `cat`
#[derive(Clone)]
struct Cat;

impl Program for Cat {
    fn step(&mut self, sys: &mut Sys<'_>) -> Step {
        if let Some(path) = sys.argv().get(1).cloned() {
            let Ok(bytes) = sys.files().read(&sys.absolute(&path)).map(|bytes| bytes.into_owned()) else {
                return Step::Exit(1);
            };
            sys.print(bytes);
            return Step::Exit(0);
        }
        loop {
            match sys.read(4096) {
                Read::Data(bytes) => sys.print(bytes),
                Read::Blocked => return Step::Wait(None),
                Read::End => return Step::Exit(0),
            }
        }
    }
}

/// `linger`: waits for ever; says good-bye to SIGINT as `ping` prints its statistics.
#[derive(Clone, Default)]
struct Linger {
    ends: bool,
}

impl Program for Linger {
    fn step(&mut self, _: &mut Sys<'_>) -> Step {
        if self.ends { Step::Exit(0) } else { Step::Wait(None) }
    }

    fn signal(&mut self, sys: &mut Sys<'_>, signal: Signal) -> bool {
        if signal == Signal::Interrupt {
            let text = format!("{} ends\n", sys.argv()[1..].join(" "));
            sys.print(text);
            self.ends = true;
        }
        self.ends
    }
}

/// `soon CODE`: ends after the others had their turns.
#[derive(Clone)]
struct Soon(u32);

impl Program for Soon {
    fn step(&mut self, sys: &mut Sys<'_>) -> Step {
        if self.0 > 0 {
            self.0 -= 1;
            return Step::Yield;
        }
        Step::Exit(sys.argv().get(1).and_then(|code| code.parse().ok()).unwrap_or(0))
    }
}

fn env(sys: &mut Sys<'_>) -> i32 {
    let text: String = sys.env().iter().map(|(name, value)| format!("{name}={value}\n")).collect();
    sys.print(text);
    0
}

fn programs() -> Programs {
    let mut programs = Programs::default();
    super::super::add(&mut programs);
    for flavour in [Flavour::Host, Flavour::Busybox] {
        programs.add(flavour, "cat", || Box::new(Cat));
        programs.add(flavour, "env", || Box::new(Straight(env)));
        programs.add(flavour, "linger", || Box::new(Linger::default()));
        programs.add(flavour, "soon", || Box::new(Soon(20)));
    }
    programs
}

/// The world.
pub(super) struct World {
    table: Table,
    fabric: Fabric,
    context: ContextId,
    input: Option<Stream>,
    output: Stream,
    shell: Pid,
}

/// What a shell printed and how it ended.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct Outcome {
    pub(super) output: String,
    pub(super) status: i32,
}

impl World {
    /// A world in which this shell runs; standard output and error are one.
    pub(super) fn new(flavour: Flavour, argv: &[&str]) -> Self {
        let mut fabric = Fabric::new(Seed(1));
        let namespace = fabric.create_namespace("test");
        let mut table = Table::new(programs(), Epoch::DEFAULT);
        let mut files = Files::default();
        for directory in ["/root", "/tmp", "/etc/apt"] {
            files.make_directory(directory);
        }
        files.write("/etc/hosts", "127.0.0.1 localhost\n").expect("/etc is there");
        files.write("/etc/hostname", "box\n").expect("/etc is there");
        let context = table.create_context(Context { files, hostname: "box".to_owned(), flavour });
        let (reader, input) = table.streams_mut().pipe();
        let (output, writer) = table.streams_mut().pipe();
        let errors = table.streams_mut().dup(&writer);
        let spawn = Spawn {
            argv: argv.iter().map(|&word| word.to_owned()).collect(),
            env: BTreeMap::from([("HOME".to_owned(), "/root".to_owned())]),
            cwd: "/tmp".to_owned(),
            namespace,
            rights: Rights::ALL,
            user: User::ROOT,
            context,
            streams: [reader, writer, errors],
            group: None,
            init: false,
        };
        let shell = table.spawn(spawn, None, Instant::ZERO).expect("the shell is a program");
        Self { table, fabric, context, input: Some(input), output, shell }
    }

    /// Lets it have so many processes and no more.
    pub(super) fn limit(&mut self, most: usize) {
        self.table.limit(self.context, Some(most));
    }

    /// Runs until nothing moves: whether the shell said it is ready, and how it ended if it did.
    pub(super) fn settle(&mut self) -> (Option<i32>, Option<Status>) {
        for _ in 0..100_000 {
            if !self.table.run_one(&mut self.fabric) {
                break;
            }
        }
        let (mut ready, mut ended) = (None, None);
        while let Some(event) = self.table.poll_event() {
            match event {
                Event::Ready(pid, status) if pid == self.shell => ready = Some(status),
                Event::Exited(pid, status) if pid == self.shell => ended = Some(status),
                _ => {}
            }
        }
        (ready, ended)
    }

    /// What is printed without input, and how it ends.
    pub(super) fn outcome(mut self) -> Outcome {
        self.hang_up();
        let (_, ended) = self.settle();
        let status = ended.map_or(-1, Status::code);
        Outcome { output: self.output(), status }
    }

    /// Types something.
    pub(super) fn type_in(&mut self, text: &str) {
        let input = self.input.as_ref().expect("the input is open");
        self.table.write(input, text.as_bytes());
    }

    /// Closes the shell's input.
    pub(super) fn hang_up(&mut self) {
        let input = self.input.take().expect("the input is open");
        self.table.close(input);
    }

    /// What was printed since the last time.
    pub(super) fn output(&mut self) -> String {
        match self.table.read(&mut self.output) {
            Read::Data(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Read::Blocked | Read::End => String::new(),
        }
    }

    /// Types a line and tells what it printed and with which status the shell was ready again.
    pub(super) fn line(&mut self, text: &str) -> (String, Option<i32>) {
        self.type_in(&format!("{text}\n"));
        let (ready, _) = self.settle();
        (self.output(), ready)
    }

    /// Whether somebody waits for a later time.
    pub(super) fn waits_for_time(&self) -> bool {
        self.table.next_at().is_some()
    }

    /// Lets every deadline come that there is, as long as any is there, but not for ever.
    pub(super) fn pass_time(&mut self) {
        for _ in 0..1000 {
            let Some(at) = self.table.next_at() else { return };
            self.table.expire(at);
            self.settle();
        }
    }

    /// Sends the shell a signal.
    pub(super) fn signal(&mut self, signal: Signal) {
        self.table.signal(&mut self.fabric, self.shell, signal);
    }

    /// The commands that run.
    pub(super) fn running(&self) -> Vec<String> {
        self.table.running().map(|(_, _, argv)| argv.join(" ")).collect()
    }

    /// Puts a file there.
    pub(super) fn write(&mut self, path: &str, text: &str) {
        self.table.context_mut(self.context).files.write(path, text).expect("the directory is there");
        let mut files = self.table.context_mut(self.context).files.view_mut();
        files.set_mode(path, 0o755).expect("it was just written");
    }

    /// A file's text.
    pub(super) fn file(&self, path: &str) -> String {
        self.table.context(self.context).files.text(path)
    }
}

/// What a shell prints that runs with these arguments, without input.
pub(super) fn run(flavour: Flavour, argv: &[&str]) -> Outcome {
    World::new(flavour, argv).outcome()
}
