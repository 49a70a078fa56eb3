//! The verdict over a scenario that was played: whether it did what its file says, and whether a second time gave the
//! same. It prints nothing; see [`report`](crate::report).

use netyard_drivers::site::impair::{self, Impairment};
use netyard_sim::qdisc::{self, Finding};

use super::{End, Playback, Recorded};
use crate::exit::Exit;
use crate::scenario::Scenario;
use crate::scenario::head::Expect;

/// What became of a scenario.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Verdict {
    /// Steps were not met.
    Failed,
    /// A link did something else to frames than it was told, and chance does not explain it; in words.
    NotAsAsked(String),
    /// Playing it twice gave two results; the first difference, in words.
    Nondeterministic(String),
    /// All is as the file says.
    Passed,
    /// The head says `expect: fail`, but every step was met.
    ShouldHaveFailed,
    /// This machine cannot play its steps for real programs; why, in words. Those before them were met.
    Skipped(String),
    /// Its time was up.
    TimeLimit,
    /// It cannot be played where it was to be; why, in words.
    Unsupported(String),
}

impl Verdict {
    /// The verdict over one playback.
    #[must_use]
    pub fn over(scenario: &Scenario, playback: &Playback) -> Self {
        let failed = playback.failed(scenario).next().is_some();
        match (&playback.end, scenario.head.expect) {
            (End::TimeLimit(_), _) => Self::TimeLimit,
            (End::Skipped(_), Expect::Pass) if failed => Self::Failed,
            (End::Skipped(skip), Expect::Fail | Expect::Pass) => Self::Skipped(skip.reason.clone()),
            (End::Finished, Expect::Pass) if failed => Self::Failed,
            (End::Finished, Expect::Fail) if !failed => Self::ShouldHaveFailed,
            (End::Finished, Expect::Fail | Expect::Pass) => {
                not_as_asked(playback).map_or(Self::Passed, Self::NotAsAsked)
            }
        }
    }

    /// What is wrong with the scenario as a whole, in words; none when its steps tell it.
    #[must_use]
    pub fn reason(&self) -> Option<String> {
        match self {
            Self::NotAsAsked(link) => Some(link.clone()),
            Self::Nondeterministic(difference) => Some(format!("{difference} when it is played again")),
            Self::ShouldHaveFailed => Some("its head says `expect: fail`, but every step was met".to_owned()),
            Self::Failed | Self::Passed | Self::Skipped(_) | Self::TimeLimit | Self::Unsupported(_) => None,
        }
    }

    /// How the command ends because of it.
    #[must_use]
    pub const fn exit(&self) -> Exit {
        match self {
            // Real programs are let in where that is possible; elsewhere the rest counts.
            Self::Passed | Self::Skipped(_) => Exit::Pass,
            Self::Failed | Self::NotAsAsked(_) | Self::ShouldHaveFailed => Exit::Failed,
            Self::Nondeterministic(_) => Exit::Nondeterministic,
            Self::TimeLimit => Exit::TimeLimit,
            Self::Unsupported(_) => Exit::Unsupported,
        }
    }
}

/// The first link that did something else than it was told, in words.
fn not_as_asked(playback: &Playback) -> Option<String> {
    let (link, missed) = missed_link(playback)?;
    Some(format!("{} ({}): {}", link.link, link.told, impair::line(missed)))
}

/// The first link that did something else than it was told, and what.
pub(super) fn missed_link(playback: &Playback) -> Option<(&Impairment, &Finding)> {
    playback.links.iter().find_map(|link| {
        let missed = link.findings.iter().find(|finding| finding.verdict == qdisc::Verdict::Missed)?;
        Some((link, missed))
    })
}

/// The first thing that two playbacks of a scenario differ in, in words; none when they are the same.
#[must_use]
pub fn first_difference(scenario: &Scenario, one: &Recorded, two: &Recorded) -> Option<String> {
    let (first, second) = (&one.playback.steps, &two.playback.steps);
    let steps = first.iter().zip(second).zip(&scenario.steps);
    let step = steps.into_iter().find_map(|((one, two), step)| {
        let what = match () {
            () if one.output != two.output => "its output",
            () if one.status != two.status => "its exit code",
            () if one.at != two.at => "the time it took",
            () => return None,
        };
        Some(format!("{}:{}: {what} differs", scenario.file, step.line))
    });
    let end = || (first.len() != second.len()).then(|| "the number of steps played differs".to_owned());
    step.or_else(end).or_else(|| one.recording.first_difference(&two.recording))
}
