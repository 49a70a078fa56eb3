//! Going on as another program, as `ip netns exec`, `env` and `nsenter` do: the other one runs as a child with the same
//! streams, gets the signals that come, and its status becomes the status. It builds no pipeline; that is the shell's.

use super::process::{Spawn, Sys};
use super::{Errno, Pid, Program, Signal, Step};

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
#[derive(Debug)]
pub enum Next {
    /// It ends with this exit code.
    Exit(i32),
    /// It goes on as another program.
    Exec(Exec),
}

/// A program that does its part in one step and then ends or goes on as another one.
#[derive(Clone, Debug)]
pub struct Launcher {
    start: fn(&mut Sys<'_>) -> Next,
    running: Option<Exec>,
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
        if let Some(exec) = &self.running {
            return exec.step(sys);
        }
        match (self.start)(sys) {
            Next::Exit(code) => Step::Exit(code),
            Next::Exec(exec) => {
                self.running = Some(exec);
                Step::Wait(None)
            }
        }
    }

    fn signal(&mut self, sys: &mut Sys<'_>, signal: Signal) -> bool {
        self.running.as_ref().is_some_and(|exec| exec.pass(sys, signal))
    }
}
