//! Trying a fault at every moment of a scenario: before each step its world is forked, the fault happens in the fork, and the
//! rest is played there. What comes of that is compared with what the scenario expects; nothing else is judged.

use std::time::Duration;

use super::{Capturing, Overrun, Played, Player, Settings, Unplayed, at_prompt};
use crate::scenario::Scenario;
use crate::scenario::fault::{Fault, FaultKind};

/// How long a fault may take that happens at once, in virtual time.
const PATIENCE: Duration = Duration::from_secs(60);

/// What came of one fault at all moments.
#[derive(Clone, Debug)]
pub struct Swept {
    /// The fault, as `netyard fault` takes it.
    pub fault: String,
    /// What came of it before each step, in order.
    pub moments: Vec<Outcome>,
}

/// What came of a fault before a step.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// An expectation was not met.
    Broke(Break),
    /// Every expectation was met.
    Held,
    /// There could be no such fault then; why, in words.
    Impossible(String),
    /// What breaks does so in a fork without any fault, because connections end there.
    Unclear,
}

/// What broke.
#[derive(Clone, Debug)]
pub enum Break {
    /// A place was not there any more.
    NoPlace(Fault),
    /// A step came to something else: its number, and what came of it.
    NotMet(usize, Played),
    /// A step did not end.
    TimeLimit(Overrun),
}

/// Why nothing can be tried.
#[derive(Clone, Debug)]
pub enum NotSwept {
    /// The scenario breaks without any fault.
    Broken(Break),
}

impl NotSwept {
    /// What breaks.
    #[must_use]
    pub const fn what(&self) -> &Break {
        let Self::Broken(what) = self;
        what
    }
}

/// Tries each of `faults` before each step of a scenario that does what it says.
///
/// # Errors
/// When it does not.
pub fn sweep(scenario: &Scenario, settings: &Settings, faults: &[String]) -> Result<Vec<Swept>, NotSwept> {
    let swept = faults.iter().map(|fault| Swept { fault: fault.clone(), moments: Vec::new() });
    let mut swept: Vec<Swept> = swept.collect();
    let mut base = Player::new(scenario, settings, Capturing::Off);
    for at in 0..scenario.steps.len() {
        for one in &mut swept {
            one.moments.push(base.with_fault(at, &one.fault));
        }
        base.play_at(at).map_err(NotSwept::Broken)?;
    }
    Ok(swept)
}

impl Player<'_> {
    /// What comes of a fault before a step; all that happens in a fork.
    fn with_fault(&self, at: usize, fault: &str) -> Outcome {
        let mut fork = self.fork();
        match fork.strike(fault) {
            Err(reason) => Outcome::Impossible(reason),
            Ok(()) => match fork.play_from(at) {
                Ok(()) => Outcome::Held,
                Err(_) if self.fork().play_from(at).is_err() => Outcome::Unclear,
                Err(what) => Outcome::Broke(what),
            },
        }
    }

    /// Lets a fault happen, and waits until it has when it happens at once.
    fn strike(&mut self, fault: &str) -> Result<(), String> {
        let words = shlex::split(fault).ok_or_else(|| "a quote is never closed".to_owned())?;
        let words: Vec<&str> = core::iter::once("fault").chain(words.iter().map(String::as_str)).collect();
        let (code, said) = self.site.netyard(&words);
        if code != 0 {
            return Err(said.trim_end().to_owned());
        }
        let until = self.site.now() + PATIENCE;
        while self.site.is_striking() && self.site.step(until) {}
        match self.site.failed_fault() {
            Some(said) => Err(said.to_owned()),
            None => Ok(()),
        }
    }

    /// Plays the steps from `at` on up to the first that is not met.
    fn play_from(&mut self, at: usize) -> Result<(), Break> {
        (at..self.scenario.steps.len()).try_for_each(|at| self.play_at(at))
    }

    fn play_at(&mut self, at: usize) -> Result<(), Break> {
        let step = &self.scenario.steps[at];
        match self.play(step) {
            Err(fault) => Err(Break::NoPlace(fault)),
            Ok(Err(Unplayed::Skipped(_))) => {
                let no_place = FaultKind::NoSuchPlace(self.scenario.place(step).to_owned());
                Err(Break::NoPlace(at_prompt(self.scenario, step, no_place)))
            }
            Ok(Err(Unplayed::TimeIsUp(limit, output))) => Err(Break::TimeLimit(self.overrun(at, step, limit, output))),
            Ok(Ok(played)) if played.meets(step) => Ok(()),
            Ok(Ok(played)) => Err(Break::NotMet(at, played)),
        }
    }
}
