//! `netyard test`: plays scenarios one after the other, tells what became of them, and ends with the gravest of it.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Component, Path, PathBuf};

use clap::Args;
use clap::builder::FalseyValueParser;
use netyard_sim::time::Epoch;

use super::selection;
use crate::exit::Exit;
use crate::report::progress::Progress;
use crate::report::{Format, Outcome, Report, Summary};
use crate::runner::verdict::{Verdict, first_difference};
use crate::runner::{DEFAULT_SEED, End, Keep, OnFailure, Playback, Played, Settings, play};
use crate::scenario::Scenario;
use crate::scenario::fault::{Fault, FaultKind};
use crate::scenario::head::Expect;
use crate::scenario::period::Period;
use crate::scenario::update::{Correction, corrected};

/// Play scenarios: Markdown files whose console blocks are run and compared
#[derive(Args, Debug)]
pub struct Arguments {
    /// Files, or directories that are searched for *.md
    #[arg(default_value = "scenarios/walkthroughs")]
    path: Vec<PathBuf>,
    /// Play only files whose path or one of whose headings holds this text or matches this glob
    #[arg(long, env = "NETYARD_TEST_FILTER", value_name = "TEXT")]
    filter: Option<String>,
    /// Play with this seed instead of the file's own
    #[arg(long, env = "NETYARD_TEST_SEED", value_name = "N")]
    seed: Option<u64>,
    /// Play each file with so many seeds, up to the first that fails
    #[arg(long, env = "NETYARD_TEST_SEEDS", value_name = "N", default_value_t = 1)]
    #[arg(value_parser = clap::value_parser!(u64).range(1..))]
    seeds: u64,
    /// Play each file twice and compare output, times and frames
    #[arg(long, env = "NETYARD_TEST_CHECK_DETERMINISM", value_parser = FalseyValueParser::new())]
    check_determinism: bool,
    /// Stop at the first step that is not met
    #[arg(long, env = "NETYARD_TEST_FAIL_FAST", value_parser = FalseyValueParser::new())]
    fail_fast: bool,
    /// Rewrite what is expected to what came, where it differs
    #[arg(long, env = "NETYARD_TEST_UPDATE", value_parser = FalseyValueParser::new())]
    #[arg(conflicts_with_all = ["seeds", "fail_fast"])]
    update: bool,
    /// Write the frames of each FILE.md to DIR/FILE.pcapng
    #[arg(long, env = "NETYARD_TEST_PCAP", value_name = "DIR")]
    pcap: Option<PathBuf>,
    /// The virtual time that a file may take, instead of its own limit or 1h
    #[arg(long, env = "NETYARD_TEST_TIME_LIMIT", value_name = "TIME")]
    time_limit: Option<Period>,
    /// The time on this machine that a file may take, instead of 1m
    #[arg(long, env = "NETYARD_TEST_WALL_LIMIT", value_name = "TIME")]
    wall_limit: Option<Period>,
    /// How results are written
    #[arg(long, env = "NETYARD_TEST_FORMAT", value_enum, default_value_t = Format::Human)]
    pub(super) format: Format,
}

/// Plays what `arguments` mean.
///
/// # Errors
/// What the report's streams say.
pub fn run<'a>(arguments: &'a Arguments, report: Report<'a>) -> io::Result<Exit> {
    let mut suite = Suite { arguments, report, summary: Summary::default(), exit: Exit::Pass };
    let scenarios = suite.scenarios()?;
    let progress = Progress::detect();
    for (at, scenario) in scenarios.iter().enumerate() {
        progress.begin(at + 1, scenarios.len(), &scenario.file);
        let played = suite.play(scenario);
        progress.end();
        suite.tell(scenario, played)?;
        if arguments.fail_fast && suite.summary.failed > 0 {
            break;
        }
    }
    suite.finish()
}

/// A run of several scenarios.
struct Suite<'a> {
    arguments: &'a Arguments,
    report: Report<'a>,
    summary: Summary,
    exit: Exit,
}

/// What came of a scenario, with the seed that it was played with last.
struct Done {
    seed: u64,
    playback: Playback,
    verdict: Verdict,
    updated: usize,
}

impl Suite<'_> {
    /// The scenarios that are meant and have something to play. Files that are wrong are told of at once.
    fn scenarios(&mut self) -> io::Result<Vec<Scenario>> {
        let mut scenarios = Vec::new();
        for path in &self.arguments.path {
            match selection::files(path) {
                Ok(files) => scenarios.extend(files.iter().map(|file| selection::read(file))),
                Err(fault) => scenarios.push(Err(fault)),
            }
        }
        let mut meant = Vec::new();
        for scenario in scenarios {
            match scenario {
                Ok(scenario) if self.means(&scenario) => meant.push(scenario),
                Ok(_) => {}
                Err(fault) => self.tell_fault(&fault)?,
            }
        }
        Ok(meant)
    }

    fn means(&self, scenario: &Scenario) -> bool {
        let filter = self.arguments.filter.as_deref();
        !scenario.steps.is_empty() && filter.is_none_or(|filter| selection::lets_through(filter, scenario))
    }

    /// Plays a scenario with all seeds, up to the first that fails, and does with what came what was asked for.
    fn play(&self, scenario: &Scenario) -> Result<Done, Fault> {
        let first = self.arguments.seed.or(scenario.head.seed).unwrap_or(DEFAULT_SEED);
        let last = first.saturating_add(self.arguments.seeds - 1);
        let mut seed = first;
        let (playback, verdict) = loop {
            let (playback, verdict) = self.play_with(scenario, seed)?;
            if verdict != Verdict::Passed || seed == last {
                break (playback, verdict);
            }
            seed += 1;
        };
        if let Some(directory) = &self.arguments.pcap {
            write_pcapng(directory, scenario, &playback).map_err(|error| unwritable(scenario, &error))?;
        }
        let updated = self.update(scenario, &playback)?;
        let verdict = if updated > 0 { Verdict::Passed } else { verdict };
        Ok(Done { seed, playback, verdict, updated })
    }

    fn play_with(&self, scenario: &Scenario, seed: u64) -> Result<(Playback, Verdict), Fault> {
        let settings = self.settings(scenario, seed);
        let playback = play(scenario, &settings)?;
        let verdict = Verdict::over(scenario, &playback);
        if !self.arguments.check_determinism || verdict == Verdict::TimeLimit {
            return Ok((playback, verdict));
        }
        let again = play(scenario, &settings)?;
        let difference = first_difference(scenario, &playback, &again).map(Verdict::Nondeterministic);
        Ok((playback, difference.unwrap_or(verdict)))
    }

    fn settings(&self, scenario: &Scenario, seed: u64) -> Settings {
        let (arguments, default) = (self.arguments, Settings::default());
        let is_recorded = arguments.pcap.is_some() || arguments.check_determinism;
        Settings {
            seed,
            time_limit: arguments.time_limit.or(scenario.head.time_limit).unwrap_or(default.time_limit),
            wall_limit: arguments.wall_limit.unwrap_or(default.wall_limit),
            recording: if is_recorded { Keep::Yes } else { Keep::No },
            on_failure: if arguments.fail_fast { OnFailure::Stop } else { OnFailure::GoOn },
        }
    }

    /// Rewrites the file when that was asked for and something differs; how many steps were rewritten. A file that is
    /// meant to fail stays as it is.
    fn update(&self, scenario: &Scenario, playback: &Playback) -> Result<usize, Fault> {
        let is_complete = playback.end == End::Finished && scenario.head.expect == Expect::Pass;
        if !self.arguments.update || !is_complete {
            return Ok(0);
        }
        let correction = |(step, _, played)| correction(step, played);
        let corrections: Vec<Correction<'_>> = playback.failed(scenario).map(correction).collect();
        if !corrections.is_empty() {
            let text = corrected(scenario, &corrections);
            fs::write(&scenario.file, text).map_err(|error| unwritable(scenario, &error))?;
        }
        Ok(corrections.len())
    }

    fn tell(&mut self, scenario: &Scenario, played: Result<Done, Fault>) -> io::Result<()> {
        let Done { seed, playback, verdict, updated } = match played {
            Ok(done) => done,
            Err(fault) => return self.tell_fault(&fault),
        };
        let seeds = self.arguments.seeds;
        let outcome = Outcome { scenario, seed, seeds, playback: &playback, verdict, updated };
        self.exit = self.exit.max(outcome.verdict.exit());
        self.summary.add(&outcome);
        self.report.outcome(&outcome)
    }

    fn tell_fault(&mut self, fault: &Fault) -> io::Result<()> {
        self.exit = self.exit.max(Exit::Usage);
        self.summary.faulty += 1;
        self.report.fault(fault)
    }

    fn finish(mut self) -> io::Result<Exit> {
        self.report.summary(&self.summary)?;
        let is_empty = self.summary.passed + self.summary.failed == 0;
        Ok(if is_empty { self.exit.max(Exit::NothingRan) } else { self.exit })
    }
}

/// What `--update` writes for a step.
fn correction(step: usize, played: &Played) -> Correction<'_> {
    Correction { step, status: played.status, actual: played.lines(), comparison: &played.comparison }
}

/// Writes the frames of `a/b.md` to `DIR/a/b.pcapng`, so that files of one name do not meet.
fn write_pcapng(directory: &Path, scenario: &Scenario, playback: &Playback) -> io::Result<()> {
    let names = Path::new(&scenario.file).components().filter(|part| matches!(part, Component::Normal(_)));
    let path = directory.join(names.collect::<PathBuf>()).with_extension("pcapng");
    fs::create_dir_all(path.parent().unwrap_or(directory))?;
    let mut file = BufWriter::new(File::create(path)?);
    playback.recording.write_pcapng(Epoch::DEFAULT, &mut file).map_err(io::Error::other)?;
    file.flush()
}

fn unwritable(scenario: &Scenario, error: &io::Error) -> Fault {
    Fault::new(&scenario.file, "", FaultKind::Unwritable(error.to_string()), 0..0)
}
