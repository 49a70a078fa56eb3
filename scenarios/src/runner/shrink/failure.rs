//! How a scenario fails: at which step, and with what. Two scenarios fail in the same way when these are the same, figures
//! and addresses aside, which are others when something before them is left out.

use crate::runner::verdict::missed_link;
use crate::runner::{End, Limit, OnFailure, Playback, Played, Settings, play};
use crate::scenario::Scenario;
use crate::scenario::comparison::Compared;
use crate::scenario::fault::{Fault, FaultKind};
use crate::scenario::shape::shape;
use crate::scenario::step::Step;

/// What goes wrong first in a scenario.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The number of the step; none when every step is met.
    pub step: Option<usize>,
    /// What goes wrong there.
    pub manner: Manner,
    /// What came of the step, when it was played to its end.
    pub played: Option<Played>,
}

/// What goes wrong.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Manner {
    /// The place of the step is not there.
    Fault(FaultKind),
    /// A link does something else than it was told: which link, and what.
    Link(String, String),
    /// The step comes to something else than is expected.
    NotMet {
        /// Its exit code, when that is another one.
        exit: Option<i32>,
        /// The first line that is missing, by number.
        missing: Option<usize>,
        /// The shape of the first line too many.
        unexpected: Option<String>,
        /// What stops that which the step wanted to reach, which step did that and what mends it: the shapes of the lines.
        why: Vec<String>,
    },
    /// The step does not end in its time.
    TimeLimit,
}

/// Why nobody can say how a scenario fails.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum NoFailure {
    /// It does not.
    Passes,
    /// Its time on this machine was up, which says nothing of the scenario.
    WallLimit,
}

impl Failure {
    /// Plays a scenario up to the first thing that goes wrong.
    ///
    /// # Errors
    /// When nothing does, or when that depends on this machine.
    pub fn of(scenario: &Scenario, settings: &Settings) -> Result<Self, NoFailure> {
        let settings = Settings { on_failure: OnFailure::Stop, ..*settings };
        match play(scenario, &settings) {
            Ok(playback) => Self::in_playback(scenario, &playback),
            Err(fault) => Ok(Self::at_fault(scenario, fault)),
        }
    }

    fn at_fault(scenario: &Scenario, fault: Fault) -> Self {
        let step = scenario.steps.iter().position(|step| Some(step.line) == fault.line());
        Self { step, manner: Manner::Fault(fault.kind), played: None }
    }

    fn in_playback(scenario: &Scenario, playback: &Playback) -> Result<Self, NoFailure> {
        if let End::TimeLimit(overrun) = &playback.end {
            return match overrun.limit {
                Limit::Virtual(_) => Ok(Self { step: Some(overrun.step), manner: Manner::TimeLimit, played: None }),
                Limit::Wall(_) => Err(NoFailure::WallLimit),
            };
        }
        if let Some((number, step, played)) = playback.failed(scenario).next() {
            return Ok(Self { step: Some(number), manner: not_met(step, played), played: Some(played.clone()) });
        }
        let (link, finding) = missed_link(playback).ok_or(NoFailure::Passes)?;
        let manner = Manner::Link(link.link.clone(), finding.what.to_string());
        Ok(Self { step: None, manner, played: None })
    }
}

fn not_met(step: &Step, played: &Played) -> Manner {
    let lines = played.lines();
    let missing = played.comparison.iter().find_map(|line| match line {
        Compared::Missing(at) => Some(*at),
        Compared::Elided(..) | Compared::Same(..) | Compared::Unexpected(_) => None,
    });
    let unexpected = played.comparison.iter().find_map(|line| match line {
        Compared::Unexpected(at) => Some(shape(lines[*at])),
        Compared::Elided(..) | Compared::Missing(_) | Compared::Same(..) => None,
    });
    let why = played.why.iter().flat_map(|why| why.lines());
    let is_cause = |line: &&str| ["stopped at ", "set by ", "to mend it: "].iter().any(|word| line.starts_with(word));
    Manner::NotMet {
        exit: (played.status != step.status).then_some(played.status),
        missing,
        unexpected,
        why: why.filter(is_cause).map(shape).collect(),
    }
}
