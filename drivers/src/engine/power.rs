//! The engine as a daemon: how it starts, on a fresh host or on one where it ran before, and how it ends. Which process it is
//! and who asks for it is known outside.
//!
//! How it works: both take time, since containers are stopped: by an engine that shuts down, and by one that starts and finds
//! some that an engine before it left behind. Every end of a container looks whether that was the last.

use netyard_sim::world::World;

use super::{Engine, Output, Sharing};
use crate::daemon::{self, Config, OnShutdown};
use crate::id::Id;
use crate::network::DEFAULT;

/// Whether an engine answers.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Power {
    /// It does not run.
    Down,
    /// It ends what was left behind, and then runs.
    Starting,
    /// It ends its containers, and then itself.
    Stopping,
    /// It runs.
    Up,
}

impl Engine {
    /// Starts as `config` says.
    ///
    /// # Errors
    /// The default network cannot be made so. When containers must be stopped first, that is known later:
    /// [`Self::take_failure`].
    pub fn boot(&mut self, world: &mut World, config: Config) -> Result<(), daemon::Error> {
        self.config = config;
        self.power = Power::Starting;
        if self.config.on_shutdown == OnShutdown::Stop {
            self.stop_all(world);
        }
        self.settle_power(world);
        self.take_failure().map_or(Ok(()), Err)
    }

    /// Shuts down: its containers are stopped, unless it was told to let them run.
    pub fn shut_down(&mut self, world: &mut World) {
        if self.power != Power::Up {
            return;
        }
        self.power = Power::Stopping;
        if self.config.on_shutdown == OnShutdown::Stop {
            self.stop_all(world);
        }
        self.settle_power(world);
    }

    /// Its process was killed: its clients lose it, its containers run on.
    pub fn crash(&mut self, world: &mut World) {
        self.power = Power::Down;
        self.close_post(world);
        self.talks.clear();
        self.questions.clear();
        self.drop_clients();
    }

    /// Whether it answers.
    #[must_use]
    pub const fn power(&self) -> Power {
        self.power
    }

    /// What it was told when it started.
    #[must_use]
    pub const fn config(&self) -> &Config {
        &self.config
    }

    /// Why it did not start.
    pub const fn take_failure(&mut self) -> Option<daemon::Error> {
        self.failure.take()
    }

    /// Goes on with a start or an end, when no container is in its way any more.
    pub(super) fn settle_power(&mut self, world: &mut World) {
        let waits = self.config.on_shutdown == OnShutdown::Stop && self.containers.values().any(|c| c.is_running());
        match self.power {
            Power::Starting if !waits => match self.boot_controller(world) {
                Ok(()) => {
                    self.power = Power::Up;
                    self.follow_default_network();
                    self.open_post_again(world);
                    self.start_returning(world);
                }
                Err(error) => {
                    self.power = Power::Down;
                    self.failure = Some(error);
                }
            },
            Power::Stopping if !waits && self.talks.is_empty() => self.crash(world),
            Power::Down | Power::Starting | Power::Stopping | Power::Up => {}
        }
    }

    fn boot_controller(&mut self, world: &mut World) -> Result<(), daemon::Error> {
        let sharing = self.plan_sharing(world)?;
        self.controller.boot(world, &self.config)?;
        self.begin_sharing(world, sharing);
        Ok(())
    }

    /// The default network is another one after a start; who was set up for it is set up for that.
    fn follow_default_network(&mut self) {
        let default = self.controller.find(DEFAULT).ok().map(|network| network.id);
        let memberships = self.containers.values_mut().filter_map(|container| container.networks.get_mut(DEFAULT));
        memberships
            .filter(|membership| membership.network.is_some())
            .for_each(|membership| membership.network = default);
    }

    /// Asks every container to end, and kills it when its time is over.
    fn stop_all(&mut self, world: &mut World) {
        let running = self.containers.values().filter(|container| container.is_running());
        for id in running.map(|container| container.id).collect::<Vec<Id>>() {
            self.end_with_engine(world, id);
        }
    }

    /// Clients of streams, and those who wait, hear no more.
    fn drop_clients(&mut self) {
        let readers = self.drop_readers();
        let waiters = self.waiters.drain(..).map(|waiter| waiter.exchange);
        let followers = self.followers.drain(..).map(|follower| follower.exchange);
        let listeners = self.listeners.drain(..).map(|listener| listener.exchange);
        let errands = self.sharing.iter_mut().flat_map(Sharing::drop_errands).collect::<Vec<_>>();
        let ended = waiters.chain(followers).chain(listeners).chain(errands).chain(readers);
        let ended = ended.map(|exchange| Output::End { exchange });
        self.outbox.extend(ended);
        let consoles = self.runs.values_mut().map(|run| &mut run.console);
        let consoles = consoles.chain(self.execs.values_mut().map(|exec| &mut exec.console));
        consoles.for_each(|console| console.dismiss(&mut self.outbox));
        for run in self.runs.values_mut() {
            self.outbox.extend(run.take_clients().into_iter().map(|exchange| Output::End { exchange }));
        }
    }
}
