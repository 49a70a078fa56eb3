//! What the user is told of scenarios that were played, in one of several formats. It writes what others found out
//! and finds out nothing itself.

pub mod difference;
pub mod github;
pub mod html;
pub mod human;
pub mod json;
pub mod junit;
pub mod progress;
pub mod style;
pub mod tap;
pub mod transcript;

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
    /// For GitHub Actions: for people, with annotations at file and line.
    Github,
    /// For people: a line a file, differences as `diff` shows them.
    Human,
    /// For programs: one JSON object a line.
    Json,
    /// The Test Anything Protocol, version 13.
    Tap,
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
    /// How long it took on this machine; it is told where nobody compares two runs.
    pub took: Duration,
    /// The command that plays it again in the same way.
    pub again: String,
}

/// The sum of all outcomes.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Summary {
    /// Files that passed.
    pub passed: usize,
    /// Files that did not.
    pub failed: usize,
    /// Files that cannot be played where they were to be.
    pub skipped: usize,
    /// Files that are wrong in themselves.
    pub faulty: usize,
    /// Steps that were played.
    pub steps: usize,
    /// Virtual time that they took.
    pub elapsed: Duration,
    /// The files that took longest on this machine, the slowest first.
    pub slowest: Vec<(Duration, String)>,
}

/// How many slow files are named.
const SLOWEST: usize = 3;

/// A file that took less than this is not slow.
const SLOW: Duration = Duration::from_secs(1);

impl Summary {
    /// Adds an outcome.
    pub fn add(&mut self, outcome: &Outcome<'_>) {
        match outcome.verdict {
            Verdict::Passed => self.passed += 1,
            Verdict::Failed
            | Verdict::Nondeterministic(_)
            | Verdict::NotAsAsked(_)
            | Verdict::ShouldHaveFailed
            | Verdict::TimeLimit => {
                self.failed += 1;
            }
            Verdict::Skipped(_) | Verdict::Unsupported(_) => self.skipped += 1,
        }
        self.steps += outcome.playback.steps.len();
        self.elapsed += outcome.playback.elapsed;
        self.slowest.push((outcome.took, outcome.scenario.file.clone()));
        self.slowest.sort_by_key(|(took, _)| core::cmp::Reverse(*took));
        self.slowest.truncate(SLOWEST);
    }

    /// How many files there were.
    #[must_use]
    pub const fn files(&self) -> usize {
        self.passed + self.failed + self.skipped + self.faulty
    }

    /// The slowest files that anybody would call slow.
    pub fn slow(&self) -> impl Iterator<Item = &(Duration, String)> {
        self.slowest.iter().filter(|(took, _)| *took >= SLOW)
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
    /// How many files it has told of.
    pub told: usize,
}

impl Report<'_> {
    /// Tells of a scenario that was played.
    ///
    /// # Errors
    /// What the stream says.
    pub fn outcome(&mut self, outcome: &Outcome<'_>) -> io::Result<()> {
        let number = self.count()?;
        match self.format {
            Format::Github => github::outcome(self.out, self.style, outcome)?,
            Format::Human => human::outcome(self.out, self.style, outcome)?,
            Format::Json => json::outcome(self.out, outcome)?,
            Format::Tap => tap::outcome(self.out, number, outcome)?,
        }
        self.out.flush()
    }

    /// Tells of a file that is wrong.
    ///
    /// # Errors
    /// What the stream says.
    pub fn fault(&mut self, fault: &Fault) -> io::Result<()> {
        let number = self.count()?;
        match self.format {
            Format::Human => writeln!(self.err, "{}\n", fault.render(self.coloured_errors)),
            Format::Github => {
                writeln!(self.err, "{}\n", fault.render(self.coloured_errors))?;
                github::fault(self.out, fault)
            }
            Format::Json => json::fault(self.out, fault),
            Format::Tap => tap::fault(self.out, number, fault),
        }
    }

    /// Counts one file more, and begins the report with the first; the number of the file.
    fn count(&mut self) -> io::Result<usize> {
        if self.told == 0 && self.format == Format::Tap {
            tap::begin(self.out)?;
        }
        self.told += 1;
        Ok(self.told)
    }

    /// Tells of all of them together.
    ///
    /// # Errors
    /// What the stream says.
    pub fn summary(&mut self, summary: &Summary) -> io::Result<()> {
        match self.format {
            Format::Github | Format::Human => human::summary(self.out, self.style, summary)?,
            Format::Json => json::summary(self.out, summary)?,
            Format::Tap if self.told == 0 => {
                tap::begin(self.out)?;
                tap::summary(self.out, summary)?;
            }
            Format::Tap => tap::summary(self.out, summary)?,
        }
        self.out.flush()
    }
}
