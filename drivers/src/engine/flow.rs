//! Flow: who waits for whom. A client that takes nothing holds up the process that it watches, and a process that reads
//! nothing holds up the client that types; and a carrier may ask what an exchange waits for, to know whether time is in
//! demand.

use netyard_sim::world::World;

use super::console::Console;
use super::logs::Follower;
use super::{Engine, ExchangeId};
use crate::id::Id;

/// What an exchange waits for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Patience {
    /// For what time brings: a process at work, the end of a container.
    Time,
    /// For somebody else: what is to be typed, what others will do.
    Others,
}

impl Engine {
    /// What an exchange that has begun and not ended waits for.
    #[must_use]
    pub fn patience(&self, world: &World, exchange: ExchangeId) -> Patience {
        let listens = self.listeners.iter().any(|listener| listener.exchange == exchange && listener.until.is_none())
            || self.watchers.iter().any(|watcher| watcher.exchange == exchange);
        // Who began to wait before the container was started may only want to see it start.
        let early = self.waiters.iter().any(|waiter| waiter.exchange == exchange && waiter.early);
        let types = || self.watched_by(exchange).is_some_and(|console| console.awaits_input(world, exchange));
        // Nor does time start what a client attached to beforehand.
        let waits_for_plugin = self.waits_for_plugin(exchange);
        let begins = || self.watched_by(exchange).is_some_and(Console::is_to_begin);
        if listens || early || waits_for_plugin || types() || begins() { Patience::Others } else { Patience::Time }
    }

    /// Whether what a client sent was not read yet, so that it should wait before it sends more.
    #[must_use]
    pub fn is_input_full(&self, world: &World, exchange: ExchangeId) -> bool {
        self.watched_by(exchange).is_some_and(|console| console.is_input_full(world))
    }

    /// A client takes no more for now: the processes that it watches wait before they write more. A log does not.
    pub fn hold(&mut self, exchange: ExchangeId) {
        self.follower_mut(exchange).for_each(Follower::hold);
        self.hold_reader(exchange, true);
        self.consoles_mut().for_each(|console| console.hold(exchange));
    }

    /// A client takes more again.
    pub fn release(&mut self, world: &mut World, exchange: ExchangeId) {
        self.follower_mut(exchange).for_each(|follower| follower.release(world.now()));
        if self.hold_reader(exchange, false) {
            self.poll_swarm(world);
        }
        self.carry(world, |console| console.release(exchange));
    }

    /// Takes what the first process whose console is meant has written and shows it; false when none is meant.
    pub(super) fn carry(&mut self, world: &mut World, mut is_meant: impl FnMut(&mut Console) -> bool) -> bool {
        let run: Option<Id> = self.runs.iter_mut().find_map(|(id, run)| is_meant(&mut run.console).then_some(*id));
        if let Some(container) = run {
            self.carry_output(world, container);
            return true;
        }
        let exec = self.execs.iter_mut().find_map(|(id, exec)| is_meant(&mut exec.console).then_some(*id));
        if let Some(exec) = exec {
            self.carry_exec_output(world, exec);
        }
        exec.is_some()
    }

    fn follower_mut(&mut self, exchange: ExchangeId) -> impl Iterator<Item = &mut Follower> {
        self.followers.iter_mut().filter(move |follower| follower.exchange == exchange)
    }

    pub(super) fn consoles_mut(&mut self) -> impl Iterator<Item = &mut Console> {
        let runs = self.runs.values_mut().map(|run| &mut run.console);
        runs.chain(self.execs.values_mut().map(|exec| &mut exec.console))
    }

    fn watched_by(&self, exchange: ExchangeId) -> Option<&Console> {
        let runs = self.runs.values().map(|run| &run.console);
        runs.chain(self.execs.values().map(|exec| &exec.console)).find(|console| console.is_watched_by(exchange))
    }
}
