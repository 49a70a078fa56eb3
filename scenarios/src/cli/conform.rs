//! `netyard conform`: plays scenarios in netyard and on a real engine, and shows where the two differ.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args;
use clap::builder::FalseyValueParser;
use serde_json::json;

use super::Written;
use super::selection;
use crate::exit::Exit;
use crate::report::difference::{counted, text};
use crate::runner::conform::{Differing, conform};
use crate::runner::{Settings, docker};
use crate::scenario::Scenario;
use crate::scenario::fault::Fault;
use crate::scenario::period::Period;

/// Play scenarios both in netyard and on the engine that `docker` finds on this machine, and show where they differ
#[derive(Args, Debug)]
pub struct Arguments {
    /// Files, or directories that are searched for *.md
    #[arg(required = true)]
    path: Vec<PathBuf>,
    /// Play with this seed in netyard instead of the file's own
    #[arg(long, env = "NETYARD_CONFORM_SEED", value_name = "N")]
    seed: Option<u64>,
    /// The time on this machine that a file may take on the engine, instead of 1h
    #[arg(long, env = "NETYARD_CONFORM_WALL_LIMIT", value_name = "TIME")]
    wall_limit: Option<Period>,
    /// Take a file that cannot be played on an engine for skipped, not for a fault of this machine
    #[arg(long, env = "NETYARD_CONFORM_SKIP_UNSUPPORTED", value_parser = FalseyValueParser::new())]
    skip_unsupported: bool,
    /// How it is told
    #[arg(long, env = "NETYARD_CONFORM_FORMAT", value_enum, default_value_t = Written::Human)]
    format: Written,
}

/// Plays what `arguments` name.
///
/// # Errors
/// What the streams say.
pub fn run(arguments: &Arguments, out: &mut impl Write, err: &mut impl Write) -> io::Result<Exit> {
    let mut exits = Vec::new();
    for path in &arguments.path {
        let scenarios = match selection::files(path) {
            Ok(files) => files.iter().map(|file| selection::read(file)).collect(),
            Err(fault) => vec![Err(fault)],
        };
        for scenario in scenarios {
            exits.push(match scenario {
                Ok(scenario) if scenario.steps.is_empty() => Exit::NothingRan,
                Ok(scenario) => arguments.play(&scenario, out, err)?,
                Err(fault) => told(&fault, err)?,
            });
        }
    }
    Ok(exits.into_iter().max().unwrap_or(Exit::NothingRan))
}

fn told(fault: &Fault, err: &mut impl Write) -> io::Result<Exit> {
    writeln!(err, "{}", fault.render(false)).map(|()| Exit::Usage)
}

impl Arguments {
    fn play(&self, scenario: &Scenario, out: &mut impl Write, err: &mut impl Write) -> io::Result<Exit> {
        let file = &scenario.file;
        if let Some(obstacle) = docker::obstacle(scenario) {
            match self.format {
                Written::Human => writeln!(out, "{file}: skipped: {obstacle}")?,
                Written::Json => writeln!(out, "{}", json!({"event": "skipped", "file": file, "reason": obstacle}))?,
            }
            return Ok(if self.skip_unsupported { Exit::Pass } else { Exit::Unsupported });
        }
        let own = Settings::of(scenario);
        let ours = Settings { seed: self.seed.unwrap_or(own.seed), ..own };
        let theirs = Settings { wall_limit: self.wall_limit.unwrap_or_else(|| Settings::default().time_limit), ..own };
        let differing = match conform(scenario, &ours, &theirs) {
            Ok(differing) => differing,
            Err(fault) => return told(&fault, err),
        };
        for one in &differing {
            match self.format {
                Written::Human => human(out, scenario, one)?,
                Written::Json => writeln!(out, "{}", json(scenario, one))?,
            }
        }
        let alike = scenario.steps.len() - differing.len();
        match self.format {
            Written::Human => {
                let steps = counted(scenario.steps.len(), "step");
                writeln!(out, "{file}: {alike} of {steps} alike")?;
            }
            Written::Json => {
                let steps = scenario.steps.len();
                writeln!(out, "{}", json!({"event": "conformed", "file": file, "steps": steps, "alike": alike}))?;
            }
        }
        Ok(if differing.is_empty() { Exit::Pass } else { Exit::Failed })
    }
}

/// What each of the two did beside what the file expects, by name.
fn sides(scenario: &Scenario, one: &Differing) -> [(&'static str, String); 2] {
    let step = &scenario.steps[one.step];
    let said = |side: &Option<crate::runner::Played>| match side {
        Some(played) if played.meets(step) => "as expected".to_owned(),
        Some(played) => text(step, played),
        None => "not done when its time was up, or not played after that".to_owned(),
    };
    [("netyard", said(&one.netyard)), ("engine", said(&one.engine))]
}

fn human(out: &mut impl Write, scenario: &Scenario, one: &Differing) -> io::Result<()> {
    let step = &scenario.steps[one.step];
    writeln!(out, "{}:{}: {}$ {}", scenario.file, step.line, scenario.place(step), step.command)?;
    for (name, said) in sides(scenario, one) {
        match said.as_str() {
            "as expected" => writeln!(out, "  {name}: {said}")?,
            _ => {
                writeln!(out, "  {name}:")?;
                said.lines().try_for_each(|line| writeln!(out, "    {line}"))?;
            }
        }
    }
    Ok(())
}

fn json(scenario: &Scenario, one: &Differing) -> serde_json::Value {
    let step = &scenario.steps[one.step];
    let [(_, netyard), (_, engine)] = sides(scenario, one);
    json!({
        "event": "differs",
        "file": scenario.file,
        "line": step.line,
        "place": scenario.place(step),
        "command": step.command,
        "netyard": netyard,
        "engine": engine,
    })
}
