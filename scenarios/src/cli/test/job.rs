//! One scenario, played with one seed: what came of it, with all that others will want to keep. It writes no file but
//! the scenario's own under `--update`, and can be done on any thread.

use std::fs;
use std::io;
use std::time::{Duration, Instant};

use netyard_sim::time::Epoch;

use super::{Against, Arguments};
use crate::exit::Exit;
use crate::runner::docker;
use crate::runner::verdict::{Verdict, first_difference};
use crate::runner::{End, OnFailure, Playback, Played, Recorded, Settings, play, record};
use crate::scenario::Scenario;
use crate::scenario::fault::{Fault, FaultKind};
use crate::scenario::head::Expect;
use crate::scenario::update::{Correction, corrected};

/// What came of a scenario with one seed.
pub(super) struct Done {
    pub(super) seed: u64,
    pub(super) playback: Playback,
    pub(super) verdict: Verdict,
    /// How many steps `--update` rewrote.
    pub(super) updated: usize,
    /// How long it took on this machine.
    pub(super) took: Duration,
    /// What was seen meanwhile, where that is kept.
    pub(super) kept: Option<Kept>,
}

/// What a recorded playback leaves behind.
pub(super) struct Kept {
    pub(super) pcapng: Vec<u8>,
    /// The engines' events, a line of JSON each.
    pub(super) events: String,
    pub(super) fingerprint: String,
}

impl Done {
    /// Whether this is worth being told before all seeds are through.
    pub(super) fn is_failure(&self) -> bool {
        self.verdict.exit() != Exit::Pass
    }
}

/// Plays `scenario` with `seed` as the command line says.
///
/// # Errors
/// A fault that only shows in the world, or a file that cannot be rewritten.
pub(super) fn run(arguments: &Arguments, scenario: &Scenario, seed: u64) -> Result<Done, Fault> {
    let began = Instant::now();
    let settings = settings(arguments, scenario, seed);
    let (playback, verdict, kept) = if arguments.against == Against::Docker {
        let (playback, verdict) = on_docker(scenario, &settings)?;
        (playback, verdict, None)
    } else if arguments.records() {
        recorded(arguments, scenario, &settings)?
    } else {
        let playback = play(scenario, &settings)?;
        let verdict = Verdict::over(scenario, &playback);
        (playback, verdict, None)
    };
    let updated = update(arguments, scenario, &playback)?;
    let verdict = if updated > 0 { Verdict::Passed } else { verdict };
    Ok(Done { seed, playback, verdict, updated, took: began.elapsed(), kept })
}

/// Plays on a real engine, where that is possible.
fn on_docker(scenario: &Scenario, settings: &Settings) -> Result<(Playback, Verdict), Fault> {
    if let Some(obstacle) = docker::obstacle(scenario) {
        let nothing = Playback { steps: Vec::new(), end: End::Finished, elapsed: Duration::ZERO, links: Vec::new() };
        return Ok((nothing, Verdict::Unsupported(obstacle)));
    }
    let playback = docker::play(scenario, settings)?;
    let verdict = Verdict::over(scenario, &playback);
    Ok((playback, verdict))
}

/// Plays and keeps what is seen; twice when that is asked for, to compare.
fn recorded(
    arguments: &Arguments,
    scenario: &Scenario,
    settings: &Settings,
) -> Result<(Playback, Verdict, Option<Kept>), Fault> {
    let one = record(scenario, settings)?;
    let mut verdict = Verdict::over(scenario, &one.playback);
    let real = scenario.first_real().filter(|_| arguments.check_determinism && verdict == Verdict::Passed);
    if let Some(step) = real {
        let why = "is for real programs, which do not do the same twice: it was played, and not compared";
        verdict = Verdict::Skipped(format!("line {} {why}", step.line));
    } else if arguments.check_determinism && scenario.first_real().is_none() && verdict != Verdict::TimeLimit {
        let two = record(scenario, settings)?;
        verdict = first_difference(scenario, &one, &two).map_or(verdict, Verdict::Nondeterministic);
    }
    let kept = arguments.keeps().then(|| keep(scenario, &one)).transpose()?;
    Ok((one.playback, verdict, kept))
}

/// What is kept of a recording; the recording itself shares its bytes with a world of this thread.
fn keep(scenario: &Scenario, recorded: &Recorded) -> Result<Kept, Fault> {
    let mut pcapng = Vec::new();
    let written = recorded.recording.write_pcapng(Epoch::DEFAULT, &mut pcapng).map_err(io::Error::other);
    written.map_err(|error| unwritable(scenario, &error))?;
    Ok(Kept { pcapng, events: recorded.recording.events.concat(), fingerprint: recorded.fingerprint() })
}

fn settings(arguments: &Arguments, scenario: &Scenario, seed: u64) -> Settings {
    let own = Settings::of(scenario);
    Settings {
        seed,
        time_limit: arguments.time_limit.unwrap_or(own.time_limit),
        // On a real engine, time is the machine's.
        wall_limit: arguments.wall_limit.unwrap_or_else(|| match arguments.against {
            Against::Docker => Settings::default().time_limit,
            Against::Sim => own.wall_limit,
        }),
        on_failure: if arguments.fail_fast { OnFailure::Stop } else { OnFailure::GoOn },
    }
}

/// Rewrites the file when that was asked for and something differs; how many steps were rewritten. A file that is meant
/// to fail stays as it is.
fn update(arguments: &Arguments, scenario: &Scenario, playback: &Playback) -> Result<usize, Fault> {
    let is_complete = playback.end == End::Finished && scenario.head.expect == Expect::Pass;
    if !arguments.update || !is_complete {
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

/// What `--update` writes for a step.
fn correction(step: usize, played: &Played) -> Correction<'_> {
    Correction { step, status: played.status, actual: played.lines(), comparison: &played.comparison }
}

/// The fault of a file that could not be written.
pub(super) fn unwritable(scenario: &Scenario, error: &io::Error) -> Fault {
    Fault::new(&scenario.file, "", FaultKind::Unwritable(error.to_string()), 0..0)
}
