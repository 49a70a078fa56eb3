//! The world: the fabric and the processes, and the loop that lets both go on in virtual time. It owns and dispatches;
//! it speaks no protocol.

use crate::fabric::Fabric;
use crate::rng::Seed;
use crate::time::{Duration, Epoch, Instant};
use crate::userland::process::{Event, Pid, Table};
use crate::userland::{Programs, Signal};

/// How many steps programs make at one moment before they are seen to use time.
const STEPS_AT_ONCE: u64 = 10_000;
/// How many bytes a program writes to a pipe in the time of a step.
const BYTES_PER_STEP: u64 = 16;
/// How many steps it takes to start a process, or to be told that there are too many.
const STEPS_PER_FORK: u64 = 500;
/// How much time so many steps take.
const QUANTUM: Duration = Duration::from_millis(1);

/// Everything that is simulated.
pub struct World {
    /// Namespaces and links.
    pub fabric: Fabric,
    /// What runs in them.
    pub processes: Table,
    /// What the run's randomness grows from.
    pub seed: Seed,
    /// What wall time the beginning stands for.
    pub epoch: Epoch,
    /// The steps that programs have made at this moment.
    steps: u64,
}

impl World {
    /// An empty world with these programs.
    #[must_use]
    pub fn new(seed: Seed, epoch: Epoch, programs: Programs) -> Self {
        let mut processes = Table::new(programs, epoch);
        processes.set_seed(seed);
        let mut fabric = Fabric::new(seed);
        fabric.epoch = epoch;
        Self { fabric, processes, seed, epoch, steps: 0 }
    }

    /// Another world with the same past; the two share nothing. TCP connections do not come along: in the copy each was
    /// reset at this moment, and who holds one is told. Nobody outside has a part in the copy.
    #[must_use]
    pub fn fork(&self) -> Self {
        let mut fabric = self.fabric.clone();
        fabric.wake_connections();
        fabric.leave_outside();
        Self { fabric, processes: self.processes.clone(), seed: self.seed, epoch: self.epoch, steps: self.steps }
    }

    /// The present.
    #[must_use]
    pub const fn now(&self) -> Instant {
        self.fabric.now()
    }

    /// When the next thing happens; none when nothing will without a push from outside.
    #[must_use]
    pub fn next_at(&self) -> Option<Instant> {
        if self.processes.is_busy() {
            return Some(self.now());
        }
        [self.fabric.next_at(), self.processes.next_at()].into_iter().flatten().min()
    }

    /// Lets time pass until the owner must know something, or until `limit`, which is then the present. Programs take no
    /// time for what they do, unless they do it on and on: else nothing but them would ever happen again.
    pub fn run_until(&mut self, limit: Instant) -> Option<Event> {
        loop {
            if let Some(event) = self.processes.poll_event() {
                return Some(event);
            }
            let (written, forks) = (self.processes.streams().written(), self.processes.forks());
            if self.steps < STEPS_AT_ONCE && self.processes.run_one(&mut self.fabric) {
                self.steps += 1
                    + (self.processes.streams().written() - written) / BYTES_PER_STEP
                    + (self.processes.forks() - forks) * STEPS_PER_FORK;
                self.wake();
            } else if !self.advance(limit) {
                return None;
            }
        }
    }

    /// Moves to the next frame, timer or deadline; false when none is due by `limit`.
    fn advance(&mut self, limit: Instant) -> bool {
        let before = self.now();
        let is_busy = self.processes.is_busy();
        let came = self.move_on(if is_busy { limit.min(before + QUANTUM) } else { limit });
        let moved = self.now() > before;
        if moved {
            self.steps = 0;
        }
        came || (is_busy && moved)
    }

    fn move_on(&mut self, limit: Instant) -> bool {
        let deadline = self.processes.next_at().filter(|at| *at <= limit);
        if self.fabric.step(deadline.unwrap_or(limit)) {
            self.wake();
            self.processes.wake_listeners();
            return true;
        }
        let Some(at) = deadline else {
            self.fabric.advance(limit);
            return false;
        };
        self.fabric.advance(at);
        self.processes.expire(at);
        true
    }

    fn wake(&mut self) {
        for (namespace, socket) in self.fabric.take_woken() {
            self.processes.socket_ready(namespace, socket);
        }
    }

    /// Sends a signal to a process; false when there is no such process.
    pub fn signal(&mut self, pid: Pid, signal: Signal) -> bool {
        self.processes.signal(&mut self.fabric, pid, signal)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::userland::process::Context;
    use crate::userland::{Flavour, Program, Rights, Spawn, Step, Stream, Sys, User};

    #[derive(Clone)]
    struct Endless;

    impl Program for Endless {
        fn step(&mut self, _: &mut Sys<'_>) -> Step {
            Step::Yield
        }
    }

    #[test]
    fn who_computes_for_ever_uses_time() {
        let mut world = World::new(Seed(1), Epoch::DEFAULT, Programs::default());
        let namespace = world.fabric.create_namespace("host");
        let context = Context { files: Default::default(), hostname: "host".to_owned(), flavour: Flavour::Host };
        let context = world.processes.create_context(context);
        let spawn = Spawn {
            argv: vec!["endless".to_owned()],
            env: BTreeMap::new(),
            cwd: "/".to_owned(),
            namespace,
            rights: Rights::CONTAINER,
            user: User::ROOT,
            context,
            streams: [Stream::Null, Stream::Null, Stream::Null],
            group: None,
            init: false,
        };
        world.processes.spawn_program(Box::new(Endless), spawn, None, Instant::ZERO);
        let limit = Instant::ZERO + Duration::from_millis(5);
        assert!(world.run_until(limit).is_none());
        assert_eq!(world.now(), limit);
    }
}
