//! What the user is told of scenarios that were played, in one of several formats. It writes what others found out
//! and finds out nothing itself.

pub mod human;
pub mod json;
pub mod progress;
pub mod style;

use std::io::{self, Write};
use std::time::Duration;

use crate::runner::Playback;
use crate::runner::verdict::Verdict;
use crate::scenario::Scenario;
use crate::scenario::fault::Fault;
use style::Style;

/// A format of reports.
#[derive(Clone, Copy, Debug, Eq, PartialEq, clap::ValueEnum)]
pub enum Format {
    /// For people: a line a file, differences as `diff` shows them.
    Human,
    /// For programs: one JSON object a line.
    Json,
}

/// A scenario that was played, and what became of it.
#[derive(Debug)]
pub struct Outcome<'a> {
    /// The scenario.
    pub scenario: &'a Scenario,
    /// The seed that it was played with: of several, the first that failed or else the last.
    pub seed: u64,
    /// With how many seeds it was played.
    pub seeds: u64,
    /// What came of it.
    pub playback: &'a Playback,
    /// What became of it.
    pub verdict: Verdict,
    /// How many steps `--update` rewrote.
    pub updated: usize,
}

/// The sum of all outcomes.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Summary {
    /// Files that passed.
    pub passed: usize,
    /// Files that did not.
    pub failed: usize,
    /// Files that are wrong in themselves.
    pub faulty: usize,
    /// Steps that were played.
    pub steps: usize,
    /// Virtual time that they took.
    pub elapsed: Duration,
}

impl Summary {
    /// Adds an outcome.
    pub fn add(&mut self, outcome: &Outcome<'_>) {
        match outcome.verdict {
            Verdict::Passed => self.passed += 1,
            Verdict::Failed | Verdict::Nondeterministic(_) | Verdict::ShouldHaveFailed | Verdict::TimeLimit => {
                self.failed += 1;
            }
        }
        self.steps += outcome.playback.steps.len();
        self.elapsed += outcome.playback.elapsed;
    }
}

/// A report in the making: results go to `out`, faults of files to `err`.
pub struct Report<'w> {
    /// How it is written.
    pub format: Format,
    /// Colours on `out`, if any.
    pub style: Style,
    /// Whether `err` is coloured.
    pub coloured_errors: bool,
    /// Where results go.
    pub out: &'w mut dyn Write,
    /// Where faults go.
    pub err: &'w mut dyn Write,
}

impl Report<'_> {
    /// Tells of a scenario that was played.
    ///
    /// # Errors
    /// What the stream says.
    pub fn outcome(&mut self, outcome: &Outcome<'_>) -> io::Result<()> {
        match self.format {
            Format::Human => human::outcome(self.out, self.style, outcome)?,
            Format::Json => json::outcome(self.out, outcome)?,
        }
        self.out.flush()
    }

    /// Tells of a file that is wrong.
    ///
    /// # Errors
    /// What the stream says.
    pub fn fault(&mut self, fault: &Fault) -> io::Result<()> {
        match self.format {
            Format::Human => writeln!(self.err, "{}\n", fault.render(self.coloured_errors)),
            Format::Json => json::fault(self.out, fault),
        }
    }

    /// Tells of all of them together.
    ///
    /// # Errors
    /// What the stream says.
    pub fn summary(&mut self, summary: &Summary) -> io::Result<()> {
        match self.format {
            Format::Human => human::summary(self.out, self.style, summary)?,
            Format::Json => json::summary(self.out, summary)?,
        }
        self.out.flush()
    }
}
