//! How virtual time passes beside the time of this machine. It owns no world: it says how far one may go now, and when
//! to look again.

use std::time::{Duration, Instant as WallInstant};

use clap::ValueEnum;
use netyard_sim::time::Instant;

/// How much virtual time passes at most before commands are looked at again.
const SLICE: Duration = Duration::from_millis(10);

/// How far virtual time may be before that of this machine, so that who waits for less need not sleep: as much as Linux lets
/// its own timers be late.
const AHEAD: Duration = Duration::from_micros(50);

/// How virtual time passes.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum Pace {
    /// As on this machine.
    Real,
    /// As fast as can be while a client waits for what time brings; as on this machine else, so that a client who asks
    /// again and again sees it pass.
    Fast,
}

/// What clients want of time.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Demand {
    /// That it passes as for everybody.
    Flow,
    /// That it has passed already.
    Leap,
}

/// When to look again.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Rest {
    /// At once: there is more to do.
    No,
    /// After so long, or when a command comes.
    For(Duration),
    /// When a command comes.
    UntilCommand,
}

impl Rest {
    /// No longer than that.
    #[must_use]
    pub fn at_most(self, limit: Option<Duration>) -> Self {
        match (self, limit) {
            (Self::No, _) | (_, None) => self,
            (Self::For(rest), Some(limit)) => Self::For(rest.min(limit)),
            (Self::UntilCommand, Some(limit)) => Self::For(limit),
        }
    }
}

/// A clock that ties virtual time to real time.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    pace: Pace,
    /// What is the same moment in both times: the last at which they were tied.
    tied: (WallInstant, Instant),
    demand: Demand,
}

impl Clock {
    /// A clock that begins now, at `now` of virtual time.
    #[must_use]
    pub const fn new(pace: Pace, wall: WallInstant, now: Instant) -> Self {
        Self { pace, tied: (wall, now), demand: Demand::Flow }
    }

    /// Takes in what clients want from now on, where that matters.
    pub fn set_demand(&mut self, demand: impl FnOnce() -> Demand, wall: WallInstant, now: Instant) {
        let demand = if self.pace == Pace::Real { Demand::Flow } else { demand() };
        if demand != self.demand {
            // The flow goes on from where the leap or the rest has left it.
            self.demand = demand;
            self.tied = (wall, now);
        }
    }

    /// How far time may go in one piece when it stands at `now` and the next thing happens at `next`.
    #[must_use]
    pub fn limit(&self, wall: WallInstant, now: Instant, next: Option<Instant>) -> Instant {
        match self.demand {
            Demand::Flow => {
                let flow = self.flow(wall).max(now);
                match next {
                    Some(next) if self.is_due(wall, next) => flow.max(next).min(next.max(now) + SLICE),
                    Some(_) | None => flow,
                }
            }
            Demand::Leap => next.map_or(now, |next| next.max(now) + SLICE),
        }
    }

    /// Whether what happens at `next` need not be waited for.
    #[must_use]
    pub fn is_due(&self, wall: WallInstant, next: Instant) -> bool {
        next <= self.flow(wall) + AHEAD
    }

    /// When to look again when all that is due has happened and the next thing happens at `next`.
    #[must_use]
    pub fn rest(&self, wall: WallInstant, next: Option<Instant>) -> Rest {
        match (self.demand, next) {
            (Demand::Flow | Demand::Leap, None) => Rest::UntilCommand,
            (Demand::Leap, Some(_)) => Rest::No,
            (Demand::Flow, Some(next)) if self.is_due(wall, next) => Rest::No,
            (Demand::Flow, Some(next)) => Rest::For(next.since(self.flow(wall))),
        }
    }

    /// The virtual time that belongs to a real one.
    fn flow(&self, wall: WallInstant) -> Instant {
        self.tied.1 + wall.saturating_duration_since(self.tied.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn the_real_pace_is_that_of_the_wall_clock() {
        let wall = WallInstant::now();
        let mut clock = Clock::new(Pace::Real, wall, Instant::ZERO);
        clock.set_demand(|| Demand::Leap, wall, Instant::ZERO);
        let later = wall + SECOND / 200;
        let five = Instant::ZERO + SECOND / 200;
        assert_eq!(clock.limit(later, Instant::ZERO, None), five);
        assert_eq!(clock.rest(later, Some(Instant::ZERO + SECOND)), Rest::For(SECOND * 199 / 200));
        assert_eq!(clock.rest(later, None), Rest::UntilCommand);
    }

    #[test]
    fn late_time_catches_up_in_slices() {
        let wall = WallInstant::now();
        let mut clock = Clock::new(Pace::Real, wall, Instant::ZERO);
        clock.set_demand(|| Demand::Flow, wall, Instant::ZERO);
        let late = wall + SECOND;
        let next = Instant::ZERO + SECOND / 2;
        assert_eq!(clock.limit(late, Instant::ZERO, Some(next)), next + SLICE, "nothing happens before");
        assert_eq!(clock.rest(late, Some(next + SLICE * 2)), Rest::No);
    }

    #[test]
    fn the_fast_pace_leaps_and_flows_on_from_there() {
        let wall = WallInstant::now();
        let mut clock = Clock::new(Pace::Fast, wall, Instant::ZERO);
        let (now, far) = (Instant::ZERO + SECOND, Instant::ZERO + SECOND * 100);
        clock.set_demand(|| Demand::Leap, wall, now);
        assert_eq!(clock.limit(wall, now, Some(far)), far + SLICE);
        assert_eq!(clock.rest(wall, None), Rest::UntilCommand, "there is nothing to leap to");
        clock.set_demand(|| Demand::Flow, wall, far);
        assert_eq!(clock.limit(wall + SLICE, far, None), far + SLICE);
        assert_eq!(clock.limit(wall + SECOND, far, Some(far + SECOND * 9)), far + SECOND);
        assert_eq!(clock.rest(wall + SECOND, Some(far + SECOND * 9)), Rest::For(SECOND * 8));
    }
}
