//! The report as the Test Anything Protocol, version 13: a test a scenario, and below one that failed a YAML block that
//! says why.

use std::io::{self, Write};

use serde_json::{Value, json};

use super::{Outcome, Summary, difference};
use crate::runner::End;
use crate::runner::verdict::Verdict;
use crate::scenario::fault::Fault;

/// The first line.
///
/// # Errors
/// What the stream says.
pub fn begin(out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "TAP version 13")
}

/// Tells of a scenario that was played, as test `number`.
///
/// # Errors
/// What the stream says.
pub fn outcome(out: &mut dyn Write, number: usize, outcome: &Outcome<'_>) -> io::Result<()> {
    let file = description(&outcome.scenario.file);
    if outcome.verdict == Verdict::Passed {
        return writeln!(out, "ok {number} - {file}");
    }
    if let Verdict::Skipped(reason) | Verdict::Unsupported(reason) = &outcome.verdict {
        return writeln!(out, "ok {number} - {file} # SKIP {reason}");
    }
    writeln!(out, "not ok {number} - {file}")?;
    let mut failures = Vec::new();
    for (_, step, played) in outcome.playback.failed(outcome.scenario) {
        let command = format!("{}$ {}", outcome.scenario.place(step), step.command);
        failures.push(json!({ "line": step.line, "command": command, "difference": difference::text(step, played) }));
    }
    if let End::TimeLimit(overrun) = &outcome.playback.end {
        let step = &outcome.scenario.steps[overrun.step];
        let command = format!("{}$ {}", outcome.scenario.place(step), step.command);
        failures.push(json!({ "line": step.line, "command": command, "difference": overrun.to_string() }));
    }
    let mut fields = vec![("seed", json!(outcome.seed)), ("repeat", json!(outcome.again))];
    fields.extend(outcome.verdict.reason().map(|reason| ("message", json!(reason))));
    if let End::Skipped(skip) = &outcome.playback.end {
        let line = outcome.scenario.steps[skip.step].line;
        fields.push(("skipped", json!(format!("from line {line} on: {}", skip.reason))));
    }
    fields.extend((!failures.is_empty()).then(|| ("failures", Value::Array(failures))));
    block(out, &fields)
}

/// Tells of a file that is wrong, as test `number`.
///
/// # Errors
/// What the stream says.
pub fn fault(out: &mut dyn Write, number: usize, fault: &Fault) -> io::Result<()> {
    writeln!(out, "not ok {number} - {}", description(&fault.file))?;
    block(out, &[("message", json!(fault.kind.to_string())), ("line", json!(fault.line()))])
}

/// The plan, which may stand at the end.
///
/// # Errors
/// What the stream says.
pub fn summary(out: &mut dyn Write, summary: &Summary) -> io::Result<()> {
    writeln!(out, "1..{}", summary.files())
}

/// A YAML block. JSON is YAML, and needs no writer of its own.
fn block(out: &mut dyn Write, fields: &[(&str, Value)]) -> io::Result<()> {
    writeln!(out, "  ---")?;
    for (key, value) in fields {
        writeln!(out, "  {key}: {value}")?;
    }
    writeln!(out, "  ...")
}

/// A file's name where a `#` would begin a directive.
fn description(file: &str) -> String {
    file.replace('\\', "\\\\").replace('#', "\\#")
}
