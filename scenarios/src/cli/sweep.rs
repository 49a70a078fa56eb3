//! `netyard sweep`: tries faults before every step of a scenario, and tells where an expectation breaks.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::Written;
use super::selection;
use crate::exit::Exit;
use crate::report::difference::{counted, text};
use crate::runner::Settings;
use crate::runner::sweep::{Break, Outcome, Swept, sweep};
use crate::scenario::Scenario;
use crate::scenario::period::Period;

/// Try a fault before every step of a scenario, and tell where an expectation breaks
#[derive(Args, Debug)]
pub struct Arguments {
    /// The scenario
    file: PathBuf,
    /// A fault, as `netyard fault` takes it: 'restart c2', 'pause engine docker01 --for 5s'; may be given several times
    #[arg(long, env = "NETYARD_SWEEP_FAULT", value_name = "FAULT", required = true)]
    fault: Vec<String>,
    /// Play with this seed instead of the file's own
    #[arg(long, env = "NETYARD_SWEEP_SEED", value_name = "N")]
    seed: Option<u64>,
    /// The virtual time that a run may take, instead of the file's own limit or 1h
    #[arg(long, env = "NETYARD_SWEEP_TIME_LIMIT", value_name = "TIME")]
    time_limit: Option<Period>,
    /// The time on this machine that a run may take, instead of 1m
    #[arg(long, env = "NETYARD_SWEEP_WALL_LIMIT", value_name = "TIME")]
    wall_limit: Option<Period>,
    /// How it is told
    #[arg(long, env = "NETYARD_SWEEP_FORMAT", value_enum, default_value_t = Written::Human)]
    format: Written,
}

/// Sweeps what `arguments` name.
///
/// # Errors
/// What the streams say.
pub fn run(arguments: &Arguments, out: &mut impl Write, err: &mut impl Write) -> io::Result<Exit> {
    let Some(scenario) = selection::told_alone(selection::read(&arguments.file), err)? else { return Ok(Exit::Usage) };
    let Arguments { seed, time_limit, wall_limit, .. } = *arguments;
    let settings = Settings::of(&scenario).asked(seed, time_limit, wall_limit);
    let swept = match sweep(&scenario, &settings, &arguments.fault) {
        Ok(swept) => swept,
        Err(not) => {
            writeln!(err, "error: an expectation breaks without any fault\n{}", described(&scenario, not.what()))?;
            return Ok(Exit::Usage);
        }
    };
    for one in &swept {
        match arguments.format {
            Written::Human => human(out, &scenario, one)?,
            Written::Json => json_lines(out, &scenario, one)?,
        }
    }
    let broke = |one: &Swept| one.moments.iter().any(|outcome| matches!(outcome, Outcome::Broke(_)));
    let possible = |one: &Swept| one.moments.iter().any(|outcome| !matches!(outcome, Outcome::Impossible(_)));
    Ok(match () {
        () if swept.iter().any(broke) => Exit::Failed,
        () if swept.iter().all(possible) => Exit::Pass,
        // A fault that never could be was misspelt, most likely.
        () => Exit::Usage,
    })
}

/// What broke, with file and line.
fn described(scenario: &Scenario, what: &Break) -> String {
    let (number, said) = match what {
        Break::NoPlace(fault) => return format!("{}:{}: {}", fault.file, fault.line().unwrap_or(1), fault.kind),
        Break::NotMet(number, played) => (*number, text(&scenario.steps[*number], played)),
        Break::TimeLimit(overrun) => (overrun.step, overrun.to_string()),
    };
    let step = &scenario.steps[number];
    let said = said.lines().fold(String::new(), |all, line| all + "\n  " + line);
    format!("{}:{}: {}$ {}{said}", scenario.file, step.line, scenario.place(step), step.command)
}

fn human(out: &mut impl Write, scenario: &Scenario, swept: &Swept) -> io::Result<()> {
    let file = &scenario.file;
    writeln!(out, "{file}: {}", swept.fault)?;
    for (step, outcome) in scenario.steps.iter().zip(&swept.moments) {
        if let Outcome::Broke(what) = outcome {
            writeln!(out, "  before line {} ({}$ {}):", step.line, scenario.place(step), step.command)?;
            described(scenario, what).lines().try_for_each(|line| writeln!(out, "    {line}"))?;
        }
    }
    let count = |is: fn(&Outcome) -> bool| swept.moments.iter().filter(|outcome| is(outcome)).count();
    let (held, broke) = (count(|o| matches!(o, Outcome::Held)), count(|o| matches!(o, Outcome::Broke(_))));
    let unclear = count(|o| matches!(o, Outcome::Unclear));
    let mut parts = vec![format!("{held} held"), format!("{broke} broke")];
    parts.extend((unclear > 0).then(|| format!("{unclear} unclear, for connections end in a fork")));
    let impossible = swept.moments.iter().filter_map(|outcome| match outcome {
        Outcome::Impossible(reason) => Some(reason),
        Outcome::Broke(_) | Outcome::Held | Outcome::Unclear => None,
    });
    let reasons: Vec<&String> = impossible.collect();
    if let Some(first) = reasons.first() {
        parts.push(format!("{} not possible ({})", reasons.len(), first.lines().next().unwrap_or_default()));
    }
    writeln!(out, "  before {}: {}", counted(swept.moments.len(), "step"), parts.join(", "))
}

fn json_lines(out: &mut impl Write, scenario: &Scenario, swept: &Swept) -> io::Result<()> {
    for (step, outcome) in scenario.steps.iter().zip(&swept.moments) {
        let (word, said, line) = match outcome {
            Outcome::Broke(what) => ("broke", Some(described(scenario, what)), line_of(scenario, what)),
            Outcome::Held => ("held", None, None),
            Outcome::Impossible(reason) => ("impossible", Some(reason.clone()), None),
            Outcome::Unclear => ("unclear", None, None),
        };
        let told = json!({
            "event": "moment",
            "file": scenario.file,
            "fault": swept.fault,
            "before_line": step.line,
            "result": word,
            "line": line,
            "reason": said,
        });
        writeln!(out, "{told}")?;
    }
    Ok(())
}

/// The line at which something broke.
fn line_of(scenario: &Scenario, what: &Break) -> Option<usize> {
    match what {
        Break::NoPlace(fault) => fault.line(),
        Break::NotMet(number, _) => Some(scenario.steps[*number].line),
        Break::TimeLimit(overrun) => Some(scenario.steps[overrun.step].line),
    }
}
