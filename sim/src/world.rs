//! The world: the fabric and the processes, and the loop that lets both go on in virtual time. It owns and dispatches;
//! it speaks no protocol.

use crate::fabric::Fabric;
use crate::rng::Seed;
use crate::time::{Epoch, Instant};
use crate::userland::process::{Event, Pid, Table};
use crate::userland::{Programs, Signal};

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
}

impl World {
    /// An empty world with these programs.
    #[must_use]
    pub fn new(seed: Seed, epoch: Epoch, programs: Programs) -> Self {
        Self { fabric: Fabric::new(seed), processes: Table::new(programs, epoch), seed, epoch }
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

    /// Lets time pass until the owner must know something, or until `limit`, which is then the present.
    pub fn run_until(&mut self, limit: Instant) -> Option<Event> {
        loop {
            if let Some(event) = self.processes.poll_event() {
                return Some(event);
            }
            if self.processes.run_one(&mut self.fabric) {
                self.wake();
            } else if !self.advance(limit) {
                return None;
            }
        }
    }

    /// Moves to the next frame, timer or deadline; false when none is due by `limit`.
    fn advance(&mut self, limit: Instant) -> bool {
        let deadline = self.processes.next_at().filter(|at| *at <= limit);
        if self.fabric.step(deadline.unwrap_or(limit)) {
            self.wake();
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
