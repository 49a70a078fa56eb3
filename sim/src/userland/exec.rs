//! Going on as another program, as `ip netns exec`, `env` and `nsenter` do: the other one runs as a child with the same
//! streams, gets the signals that come, and its status becomes the status. It builds no pipeline; that is the shell's.

use super::process::{Spawn, Sys};
use super::{Errno, Pid, Program, Read, Signal, Step};

/// A program that runs in the place of the one that started it.
#[derive(Clone, Debug)]
pub struct Exec {
    child: Pid,
}

impl Exec {
    /// Starts `argv` with the caller's streams; `change` may put it into another network or environment.
    ///
    /// # Errors
    /// `NoEntry` when there is no such program.
    pub fn start(sys: &mut Sys<'_>, argv: Vec<String>, change: impl FnOnce(&mut Spawn)) -> Result<Self, Errno> {
        let streams = [sys.dup(0), sys.dup(1), sys.dup(2)];
        let mut spawn = sys.inherit(argv, streams, None);
        change(&mut spawn);
        sys.spawn_as(spawn).map(|child| Self { child })
    }

    /// Hands a signal on; false when it has ended.
    pub fn pass(&self, sys: &mut Sys<'_>, signal: Signal) -> bool {
        sys.kill(self.child, Some(signal)).is_ok()
    }

    /// Waits for its end.
    pub fn step(&self, sys: &mut Sys<'_>) -> Step {
        sys.try_wait(self.child).map_or(Step::Wait(None), |status| Step::Exit(status.code()))
    }
}

/// What a launcher does after its own part.
pub enum Next {
    /// It ends with this exit code.
    Exit(i32),
    /// It goes on as another program.
    Exec(Exec),
    /// It goes on by itself.
    Own(Box<dyn Program>),
}

/// Reads all of standard input, and then does something with it.
#[derive(Clone, Debug)]
pub struct Gather {
    text: Vec<u8>,
    then: fn(&mut Sys<'_>, &str) -> i32,
}

impl Gather {
    /// Waits for the end of standard input.
    #[must_use]
    pub fn new(then: fn(&mut Sys<'_>, &str) -> i32) -> Self {
        Self { text: Vec::new(), then }
    }
}

impl Program for Gather {
    fn step(&mut self, sys: &mut Sys<'_>) -> Step {
        loop {
            match sys.read(CHUNK) {
                Read::Data(bytes) => self.text.extend(bytes),
                Read::Blocked => return Step::Wait(None),
                Read::End => break,
            }
        }
        let text = String::from_utf8_lossy(&self.text).into_owned();
        Step::Exit((self.then)(sys, &text))
    }
}

/// Bytes that are taken at once.
const CHUNK: usize = 65536;

/// A program that does its part in one step and then ends or goes on as another one.
#[derive(Clone)]
pub struct Launcher {
    start: fn(&mut Sys<'_>) -> Next,
    running: Option<Running>,
}

/// As what it goes on.
#[derive(Clone)]
enum Running {
    Exec(Exec),
    Own(Box<dyn Program>),
}

impl Launcher {
    /// A program whose own part is `start`.
    #[must_use]
    pub fn new(start: fn(&mut Sys<'_>) -> Next) -> Self {
        Self { start, running: None }
    }
}

impl Program for Launcher {
    fn step(&mut self, sys: &mut Sys<'_>) -> Step {
        match &mut self.running {
            Some(Running::Exec(exec)) => return exec.step(sys),
            Some(Running::Own(program)) => return program.step(sys),
            None => {}
        }
        match (self.start)(sys) {
            Next::Exit(code) => Step::Exit(code),
            Next::Exec(exec) => {
                self.running = Some(Running::Exec(exec));
                Step::Wait(None)
            }
            Next::Own(mut program) => {
                let step = program.step(sys);
                self.running = Some(Running::Own(program));
                step
            }
        }
    }

    fn signal(&mut self, sys: &mut Sys<'_>, signal: Signal) -> bool {
        match &mut self.running {
            Some(Running::Exec(exec)) => exec.pass(sys, signal),
            Some(Running::Own(program)) => program.signal(sys, signal),
            None => false,
        }
    }
}
