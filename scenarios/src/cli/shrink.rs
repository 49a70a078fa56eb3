//! `netyard shrink`: makes a scenario that fails as small as it can be while it fails in the same way.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Value, json};

use super::Written;
use super::selection;
use crate::exit::Exit;
use crate::report::difference::{counted, text};
use crate::runner::Settings;
use crate::runner::shrink::{Failure, Manner, NoFailure, Shrunk, shrink};
use crate::scenario::Scenario;
use crate::scenario::period::Period;
use crate::scenario::step::Step;

/// Make a scenario that fails small: leave out steps and entries of the head while it fails in the same way
#[derive(Args, Debug)]
pub struct Arguments {
    /// The scenario
    file: PathBuf,
    /// Where the small one is written [default: FILE with .shrunk.md at its end]
    #[arg(long, short, env = "NETYARD_SHRINK_OUTPUT", value_name = "FILE")]
    output: Option<PathBuf>,
    /// Play with this seed instead of the file's own
    #[arg(long, env = "NETYARD_SHRINK_SEED", value_name = "N")]
    seed: Option<u64>,
    /// How often a scenario is played at most
    #[arg(long, env = "NETYARD_SHRINK_RUNS", value_name = "N", default_value_t = 2000)]
    runs: usize,
    /// The virtual time that a run may take, instead of the file's own limit or 1h
    #[arg(long, env = "NETYARD_SHRINK_TIME_LIMIT", value_name = "TIME")]
    time_limit: Option<Period>,
    /// The time on this machine that a run may take, instead of 1m
    #[arg(long, env = "NETYARD_SHRINK_WALL_LIMIT", value_name = "TIME")]
    wall_limit: Option<Period>,
    /// How it is told
    #[arg(long, env = "NETYARD_SHRINK_FORMAT", value_enum, default_value_t = Written::Human)]
    format: Written,
}

/// Shrinks what `arguments` name.
///
/// # Errors
/// What the streams say.
pub fn run(arguments: &Arguments, out: &mut impl Write, err: &mut impl Write) -> io::Result<Exit> {
    let Some(scenario) = selection::told_alone(selection::read(&arguments.file), err)? else { return Ok(Exit::Usage) };
    let Arguments { seed, time_limit, wall_limit, .. } = *arguments;
    let settings = Settings::of(&scenario).asked(seed, time_limit, wall_limit);
    let shrunk = match shrink(&scenario, &settings, arguments.runs) {
        Ok(shrunk) => shrunk,
        Err(NoFailure::Passes) => {
            writeln!(err, "error: {} passes with seed {}, there is nothing to shrink", scenario.file, settings.seed)?;
            return Ok(Exit::Usage);
        }
        Err(NoFailure::WallLimit) => {
            let limit = settings.wall_limit;
            writeln!(err, "error: {} is not done when {limit} of this machine had passed", scenario.file)?;
            return Ok(Exit::TimeLimit);
        }
    };
    let output = arguments.output.clone().unwrap_or_else(|| beside(&arguments.file));
    if let Err(error) = fs::write(&output, &shrunk.text) {
        writeln!(err, "error: {}: cannot write: {error}", output.display())?;
        return Ok(Exit::Usage);
    }
    let told = Told { scenario: &scenario, shrunk: &shrunk, output: &output, seed: settings.seed };
    match arguments.format {
        Written::Human => told.human(out)?,
        Written::Json => writeln!(out, "{}", told.json())?,
    }
    Ok(Exit::Pass)
}

/// `a/b.shrunk.md` for `a/b.md`.
fn beside(file: &Path) -> PathBuf {
    file.with_extension("shrunk.md")
}

/// What is told of a scenario that was shrunk.
struct Told<'a> {
    scenario: &'a Scenario,
    shrunk: &'a Shrunk,
    output: &'a Path,
    seed: u64,
}

impl Told<'_> {
    fn step(&self) -> Option<&Step> {
        self.shrunk.failure.step.map(|number| &self.scenario.steps[number])
    }

    fn kept(&self) -> impl Iterator<Item = &Step> {
        self.shrunk.steps.iter().map(|number| &self.scenario.steps[*number])
    }

    fn human(&self, out: &mut impl Write) -> io::Result<()> {
        let Shrunk { head_parts: (parts, parts_left), runs, complete, .. } = self.shrunk;
        let file = &self.scenario.file;
        match self.step() {
            Some(step) => writeln!(out, "{file}:{}: {}", step.line, self.typed(step))?,
            None => writeln!(out, "{file}: every step is met")?,
        }
        reason(&self.shrunk.failure, self.step()).lines().try_for_each(|line| writeln!(out, "  {line}"))?;
        writeln!(out, "\nkept:")?;
        for step in self.kept() {
            writeln!(out, "  {file}:{}: {}", step.line, self.typed(step))?;
        }
        let steps = format!("{} of {}", self.shrunk.steps.len(), counted(self.scenario.steps.len(), "step"));
        let head = match parts {
            0 => String::new(),
            _ => format!(" and {parts_left} of {} of the head", counted(*parts, "part")),
        };
        let more = if *complete { "" } else { "; there may be more to leave out, see --runs" };
        writeln!(out, "\n{}: {steps}{head}, found in {}{more}", self.output.display(), counted(*runs, "run"))
    }

    fn json(&self) -> Value {
        let Shrunk { head_parts: (parts, parts_left), runs, complete, .. } = self.shrunk;
        let step =
            |step: &Step| json!({ "line": step.line, "place": self.scenario.place(step), "command": step.command });
        json!({
            "event": "shrunk",
            "file": self.scenario.file,
            "output": self.output.to_string_lossy(),
            "seed": self.seed,
            "line": self.step().map(|step| step.line),
            "reason": reason(&self.shrunk.failure, self.step()),
            "steps": self.scenario.steps.len(),
            "kept": self.kept().map(step).collect::<Vec<_>>(),
            "head_parts": parts,
            "head_parts_kept": parts_left,
            "runs": runs,
            "complete": complete,
        })
    }

    fn typed(&self, step: &Step) -> String {
        format!("{}$ {}", self.scenario.place(step), step.command)
    }
}

/// What goes wrong, in words, a line each.
fn reason(failure: &Failure, step: Option<&Step>) -> String {
    match (&failure.manner, step, &failure.played) {
        (Manner::NotMet { .. }, Some(step), Some(played)) => text(step, played),
        (Manner::Fault(kind), ..) => kind.to_string(),
        (Manner::Link(link, what), ..) => format!("{link}: {what} is more off than chance allows"),
        (Manner::TimeLimit, ..) => "not done when its virtual time was up".to_owned(),
        (Manner::NotMet { .. }, ..) => String::new(),
    }
}
