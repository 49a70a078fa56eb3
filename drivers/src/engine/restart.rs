//! Containers that come back by themselves: what their restart policies ask for, carried out when it is time.

use netyard_sim::world::World;

use super::Engine;
use super::lifecycle::Run;
use super::swarm::Then;
use crate::container::restart::Restarts;
use crate::container::{Container, State};
use crate::error::Error;
use crate::id::Id;

impl Engine {
    /// Starts a container because somebody asks for it: what its policy did before is forgotten.
    ///
    /// # Errors
    /// Those of `start`.
    pub(super) fn start_anew(&mut self, world: &mut World, id: Id) -> Result<(), Error> {
        self.container_mut(id).restarts = Restarts::default();
        self.start(world, id)
    }

    /// Starts what has waited long enough. What cannot be started stays as it ended.
    pub(super) fn restart_due(&mut self, world: &mut World) {
        let now = world.now();
        let is_due = |run: &Run| run.restart_at.is_some_and(|at| at <= now);
        let due: Vec<Id> = self.runs.iter().filter(|(_, run)| is_due(run)).map(|(id, _)| *id).collect();
        for id in due {
            self.forget_restart(id);
            if !self.park_start(world, id, Then::Start) {
                self.start_by_itself(world, id);
            }
        }
    }

    /// Starts what comes back with the engine, the oldest first. What cannot be started stays as it is.
    pub(super) fn start_returning(&mut self, world: &mut World) {
        let returns = |c: &&Container| {
            !c.is_running() && c.started.is_some() && c.policy.returns(c.exit_code(), c.restarts.by_hand)
        };
        let mut returning: Vec<_> = self.containers.values().filter(returns).map(|c| (c.created, c.id)).collect();
        returning.sort();
        for (_, id) in returning {
            self.forget_restart(id);
            if !self.park_start(world, id, Then::Start) {
                self.container_mut(id).restarts = Restarts::default();
                self.start_by_itself(world, id);
            }
        }
    }

    /// Somebody stops a container that waits for its next start: it stays as it ended. False when it does not wait.
    pub(super) fn give_up_restarting(&mut self, id: Id) -> bool {
        let container = self.container_mut(id);
        container.restarts.cancelled = true;
        container.restarts.by_hand = true;
        let State::Restarting(code) = container.state else { return false };
        container.state = State::Exited(code);
        self.forget_restart(id);
        true
    }

    fn forget_restart(&mut self, id: Id) {
        self.runs.get_mut(&id).expect("every container has a run").restart_at = None;
    }
}
