//! `netyard test`: plays scenarios, several at once where there are cores, tells in the order of the files what became of
//! them, and ends with the gravest of it.

mod archive;
mod job;

use std::fs::{self, File};
use std::io::{self, BufWriter};
use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use clap::Args;
use clap::builder::FalseyValueParser;

use super::selection;
use crate::exit::Exit;
use crate::pool;
use crate::report::progress::Progress;
use crate::report::{Format, Outcome, Report, Summary, junit};
use crate::runner::Settings;
use crate::scenario::Scenario;
use crate::scenario::fault::Fault;
use crate::scenario::period::Period;
use archive::Archive;
use job::{Done, unwritable};

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
    /// How many scenarios are played at once; as many as there are cores when it is not given
    #[arg(long, short, env = "NETYARD_TEST_JOBS", value_name = "N")]
    jobs: Option<NonZeroUsize>,
    /// Rewrite what is expected to what came, where it differs
    #[arg(long, env = "NETYARD_TEST_UPDATE", value_parser = FalseyValueParser::new())]
    #[arg(conflicts_with_all = ["seeds", "fail_fast"])]
    update: bool,
    /// Write the frames of each FILE.md to DIR/FILE.pcapng
    #[arg(long, env = "NETYARD_TEST_PCAP", value_name = "DIR")]
    pcap: Option<PathBuf>,
    /// Keep this run in a directory of its own below DIR: results, transcripts, events, frames, pages of what failed
    #[arg(long, env = "NETYARD_TEST_OUT", value_name = "DIR")]
    out: Option<PathBuf>,
    /// Write the results as JUnit XML, too
    #[arg(long, env = "NETYARD_TEST_JUNIT", value_name = "FILE")]
    junit: Option<PathBuf>,
    /// The virtual time that a file may take, instead of its own limit or 1h
    #[arg(long, env = "NETYARD_TEST_TIME_LIMIT", value_name = "TIME")]
    time_limit: Option<Period>,
    /// The time on this machine that a file may take, instead of 1m
    #[arg(long, env = "NETYARD_TEST_WALL_LIMIT", value_name = "TIME")]
    wall_limit: Option<Period>,
    /// Where the steps are played: in netyard, or on the engine that `docker` finds on this machine, which changes it
    #[arg(long, env = "NETYARD_TEST_AGAINST", value_enum, default_value_t = Against::Sim)]
    against: Against,
    /// Take a file that cannot be played there for skipped, not for a fault of this machine
    #[arg(long, env = "NETYARD_TEST_SKIP_UNSUPPORTED", value_parser = FalseyValueParser::new())]
    skip_unsupported: bool,
    /// How results are written
    #[arg(long, env = "NETYARD_TEST_FORMAT", value_enum, default_value_t = Format::Human)]
    pub(super) format: Format,
}

/// Where the steps of a scenario are played.
#[derive(Clone, Copy, Debug, Eq, PartialEq, clap::ValueEnum)]
enum Against {
    /// On a real engine.
    Docker,
    /// In netyard.
    Sim,
}

impl Arguments {
    /// Whether frames leave this process.
    const fn keeps(&self) -> bool {
        self.pcap.is_some() || self.out.is_some()
    }

    /// Whether frames are kept at all.
    const fn records(&self) -> bool {
        self.keeps() || self.check_determinism
    }

    fn threads(&self) -> NonZeroUsize {
        // A real engine is one world for all of them.
        let alone = (self.against == Against::Docker).then_some(NonZeroUsize::MIN);
        alone.or(self.jobs).or_else(|| thread::available_parallelism().ok()).unwrap_or(NonZeroUsize::MIN)
    }

    /// The command that plays a scenario again as it was played.
    fn again(&self, scenario: &Scenario, seed: u64) -> String {
        let mut words = vec!["netyard".to_owned(), "test".to_owned(), "--seed".to_owned(), seed.to_string()];
        for (flag, limit) in [("--time-limit", self.time_limit), ("--wall-limit", self.wall_limit)] {
            words.extend(limit.into_iter().flat_map(|limit| [flag.to_owned(), limit.to_string()]));
        }
        words.extend((self.against == Against::Docker).then(|| "--against=docker".to_owned()));
        words.extend(self.check_determinism.then(|| "--check-determinism".to_owned()));
        words.push(scenario.file.clone());
        // Only a name with a NUL cannot be quoted, and no file has such.
        shlex::try_join(words.iter().map(String::as_str)).unwrap_or_else(|_| words.join(" "))
    }
}

/// Plays what `arguments` mean.
///
/// # Errors
/// What the report's streams say, or the files that are written beside it.
pub fn run<'a>(arguments: &'a Arguments, report: Report<'a>) -> io::Result<Exit> {
    let archive = arguments.out.as_deref().map(Archive::create).transpose()?;
    let junit = arguments.junit.as_ref().map(|_| junit::Document::default());
    let mut suite = Suite { arguments, report, archive, junit, summary: Summary::default(), exit: Exit::Pass };
    let scenarios = suite.scenarios()?;
    suite.play(&scenarios)?;
    suite.finish()
}

/// A run of several scenarios.
struct Suite<'a> {
    arguments: &'a Arguments,
    report: Report<'a>,
    archive: Option<Archive>,
    junit: Option<junit::Document>,
    summary: Summary,
    exit: Exit,
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

    /// Plays each scenario with all seeds, up to the first that fails, and tells of them in order.
    fn play(&mut self, scenarios: &[Scenario]) -> io::Result<()> {
        let arguments = self.arguments;
        let seeds = usize::try_from(arguments.seeds).unwrap_or(usize::MAX);
        let failures: Vec<AtomicU64> = scenarios.iter().map(|_| AtomicU64::new(u64::MAX)).collect();
        let work = |number: usize| {
            let (scenario, first_failure) = (&scenarios[number / seeds], &failures[number / seeds]);
            let first = arguments.seed.unwrap_or_else(|| Settings::of(scenario).seed);
            let seed = first.saturating_add((number % seeds) as u64);
            if first_failure.load(Ordering::Relaxed) < seed {
                return None;
            }
            let played = job::run(arguments, scenario, seed);
            if played.as_ref().is_err() || played.as_ref().is_ok_and(Done::is_failure) {
                first_failure.fetch_min(seed, Ordering::Relaxed);
            }
            Some(played)
        };
        let progress = Progress::detect();
        let mut result = Ok(());
        let mut has_failed = false;
        progress.begin(1, scenarios.len(), scenarios.first().map_or("", |scenario| &scenario.file));
        let take = |number: usize, played: Option<Result<Done, Fault>>| {
            let (at, seed) = (number / seeds, number % seeds);
            has_failed &= seed > 0;
            let is_last = seed + 1 == seeds;
            // After the first seed that fails the others do not count, even if they were played meanwhile.
            let Some(played) = played.filter(|_| !has_failed) else { return ControlFlow::Continue(()) };
            has_failed = played.as_ref().map_or(true, Done::is_failure);
            if has_failed || is_last {
                progress.end();
                result = self.tell(&scenarios[at], played);
                if let Some(next) = scenarios.get(at + 1) {
                    progress.begin(at + 2, scenarios.len(), &next.file);
                }
            }
            let is_over = result.is_err() || (arguments.fail_fast && self.summary.failed > 0);
            if is_over { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        pool::in_order(arguments.threads(), scenarios.len().saturating_mul(seeds), work, take);
        progress.end();
        result
    }

    fn tell(&mut self, scenario: &Scenario, played: Result<Done, Fault>) -> io::Result<()> {
        let done = match played {
            Ok(done) => done,
            Err(fault) => return self.tell_fault(&fault),
        };
        let outcome = Outcome {
            scenario,
            seed: done.seed,
            seeds: self.arguments.seeds,
            playback: &done.playback,
            verdict: done.verdict,
            updated: done.updated,
            took: done.took,
            again: self.arguments.again(scenario, done.seed),
        };
        if let Some(kept) = &done.kept {
            if let Some(directory) = &self.arguments.pcap
                && let Err(error) = write_pcapng(directory, scenario, &kept.pcapng)
            {
                return self.tell_fault(&unwritable(scenario, &error));
            }
            if let Some(archive) = &mut self.archive {
                archive.add(&outcome, kept)?;
            }
        }
        if let Some(junit) = &mut self.junit {
            junit.add(&outcome);
        }
        let is_let_pass = self.arguments.skip_unsupported && outcome.verdict.exit() == Exit::Unsupported;
        if !is_let_pass {
            self.exit = self.exit.max(outcome.verdict.exit());
        }
        self.summary.add(&outcome);
        self.report.outcome(&outcome)
    }

    fn tell_fault(&mut self, fault: &Fault) -> io::Result<()> {
        if let Some(archive) = &mut self.archive {
            archive.add_fault(fault);
        }
        if let Some(junit) = &mut self.junit {
            junit.add_fault(fault);
        }
        self.exit = self.exit.max(Exit::Usage);
        self.summary.faulty += 1;
        self.report.fault(fault)
    }

    fn finish(mut self) -> io::Result<Exit> {
        if let (Some(path), Some(junit)) = (&self.arguments.junit, &self.junit) {
            if let Some(directory) = path.parent() {
                fs::create_dir_all(directory)?;
            }
            junit.write(BufWriter::new(File::create(path)?))?;
        }
        if let Some(archive) = self.archive {
            archive.finish(&self.summary)?;
        }
        self.report.summary(&self.summary)?;
        let empty = match self.summary {
            Summary { passed: 0, failed: 0, skipped: 0, .. } => Exit::NothingRan,
            // Of nothing but what this machine cannot do nobody may believe that it was tried.
            Summary { passed: 0, failed: 0, .. } if !self.arguments.skip_unsupported => Exit::Unsupported,
            Summary { passed: 0, failed: 0, .. } => Exit::NothingRan,
            Summary { .. } => Exit::Pass,
        };
        Ok(self.exit.max(empty))
    }
}

/// Where what belongs to `a/b.md` is kept below a directory: `a/b`, so that files of one name do not meet.
fn below(directory: &Path, scenario: &Scenario) -> PathBuf {
    let names = Path::new(&scenario.file).components().filter(|part| matches!(part, Component::Normal(_)));
    directory.join(names.collect::<PathBuf>()).with_extension("")
}

/// Writes the frames of `a/b.md` to `DIR/a/b.pcapng`.
fn write_pcapng(directory: &Path, scenario: &Scenario, bytes: &[u8]) -> io::Result<()> {
    let path = below(directory, scenario).with_extension("pcapng");
    fs::create_dir_all(path.parent().unwrap_or(directory))?;
    fs::write(path, bytes)
}
