//! The report for programs: one JSON object a line, each with `event`: `step` for each step that was not met,
//! `file` for each scenario, `fault` for each file that is wrong, and one `summary` at the end. Times are nanoseconds.

use std::io::{self, Write};

use netyard_drivers::site::impair::Impairment;
use netyard_sim::qdisc::{self, Finding};
use netyard_sim::time::nanos;
use serde_json::{Value, json};

use super::{Outcome, Summary};
use crate::runner::verdict::Verdict;
use crate::runner::{End, Limit, Played};
use crate::scenario::Scenario;
use crate::scenario::comparison::{Compared, ELISION};
use crate::scenario::fault::Fault;
use crate::scenario::step::Step;

/// Tells of a scenario that was played.
///
/// # Errors
/// What the stream says.
pub fn outcome(out: &mut dyn Write, outcome: &Outcome<'_>) -> io::Result<()> {
    for (_, step, played) in outcome.playback.failed(outcome.scenario) {
        writeln!(out, "{}", failure(outcome.scenario, step, played))?;
    }
    writeln!(out, "{}", file(outcome))
}

fn file(outcome: &Outcome<'_>) -> Value {
    let mut object = json!({
        "event": "file",
        "file": outcome.scenario.file,
        "result": result(&outcome.verdict),
        "seed": outcome.seed,
        "seeds": outcome.seeds,
        "steps": outcome.scenario.steps.len(),
        "played": outcome.playback.steps.len(),
        "failed": outcome.playback.failed(outcome.scenario).count(),
        "updated": outcome.updated,
        "virtual_ns": nanos(outcome.playback.elapsed),
    });
    if !outcome.playback.links.is_empty() {
        object["links"] = outcome.playback.links.iter().map(link).collect();
    }
    if let Verdict::Nondeterministic(difference) = &outcome.verdict {
        object["difference"] = json!(difference);
    }
    if let Verdict::Skipped(reason) | Verdict::Unsupported(reason) = &outcome.verdict {
        object["reason"] = json!(reason);
    }
    match &outcome.playback.end {
        End::Finished => {}
        End::Skipped(skip) => {
            object["reason"] = json!(skip.reason);
            object["line"] = json!(outcome.scenario.steps[skip.step].line);
        }
        End::TimeLimit(overrun) => {
            object["line"] = json!(outcome.scenario.steps[overrun.step].line);
            object["limit"] = match overrun.limit {
                Limit::Virtual(limit) => json!({"virtual_ns": nanos(limit.0)}),
                Limit::Wall(limit) => json!({"wall_ns": nanos(limit.0)}),
            };
            object["running"] = json!(overrun.running);
        }
    }
    object
}

/// What a link was asked and what it delivered.
fn link(link: &Impairment) -> Value {
    let finding = |finding: &Finding| {
        json!({
            "what": finding.what,
            "asked": finding.asked,
            "delivered": finding.delivered,
            "of": finding.of,
            "verdict": match finding.verdict {
                qdisc::Verdict::Met => "met",
                qdisc::Verdict::Missed => "missed",
                qdisc::Verdict::Unjudged(_) => "unjudged",
            },
        })
    };
    let findings: Vec<Value> = link.findings.iter().map(finding).collect();
    json!({"link": link.link, "told": link.told, "over": link.over, "findings": findings})
}

/// A verdict in a word.
#[must_use]
pub const fn result(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Failed => "failed",
        Verdict::NotAsAsked(_) => "not-as-asked",
        Verdict::Nondeterministic(_) => "nondeterministic",
        Verdict::Passed => "passed",
        Verdict::ShouldHaveFailed => "should-have-failed",
        Verdict::TimeLimit => "time-limit",
        Verdict::Skipped(_) | Verdict::Unsupported(_) => "skipped",
    }
}

fn failure(scenario: &Scenario, step: &Step, played: &Played) -> Value {
    let actual = played.lines();
    let line = |compared: &Compared| match compared {
        Compared::Elided(..) => json!({"same": ELISION}),
        Compared::Missing(at) => json!({"missing": step.written[*at]}),
        Compared::Same(_, at) => json!({"same": actual[*at]}),
        Compared::Unexpected(at) => json!({"unexpected": actual[*at]}),
    };
    let mut told = json!({
        "event": "step",
        "file": scenario.file,
        "line": step.line,
        "place": scenario.place(step),
        "command": step.command,
        "expected_exit": step.status,
        "exit": played.status,
        "at_ns": played.at.as_nanos(),
        "lines": played.comparison.iter().map(line).collect::<Vec<_>>(),
    });
    if let Some(why) = &played.why {
        told["why"] = json!(why);
    }
    told
}

/// Tells of a file that is wrong.
///
/// # Errors
/// What the stream says.
pub fn fault(out: &mut dyn Write, fault: &Fault) -> io::Result<()> {
    let message = fault.kind.to_string();
    writeln!(out, "{}", json!({"event": "fault", "file": fault.file, "line": fault.line(), "message": message}))
}

/// Tells of all scenarios together.
///
/// # Errors
/// What the stream says.
pub fn summary(out: &mut dyn Write, summary: &Summary) -> io::Result<()> {
    let object = json!({
        "event": "summary",
        "passed": summary.passed,
        "failed": summary.failed,
        "skipped": summary.skipped,
        "faulty": summary.faulty,
        "steps": summary.steps,
        "virtual_ns": nanos(summary.elapsed),
    });
    writeln!(out, "{object}")
}
