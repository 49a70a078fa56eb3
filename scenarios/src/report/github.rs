//! The report for GitHub Actions: what people read in the log, and behind it workflow commands that put each failure
//! beside its line in the changed files.

use std::io::{self, Write};

use super::style::Style;
use super::{Outcome, difference, human};
use crate::runner::End;
use crate::scenario::fault::Fault;

/// Tells of a scenario that was played.
///
/// # Errors
/// What the stream says.
pub fn outcome(out: &mut dyn Write, style: Style, outcome: &Outcome<'_>) -> io::Result<()> {
    human::outcome(out, style, outcome)?;
    let scenario = outcome.scenario;
    for (_, step, played) in outcome.playback.failed(scenario) {
        let title = format!("{}$ {}", scenario.place(step), step.command);
        annotate(out, &scenario.file, Some(step.line), &title, &difference::text(step, played))?;
    }
    if let End::TimeLimit(overrun) = &outcome.playback.end {
        let step = &scenario.steps[overrun.step];
        let title = format!("{}$ {}", scenario.place(step), step.command);
        annotate(out, &scenario.file, Some(step.line), &title, &overrun.to_string())?;
    }
    if let End::Skipped(skip) = &outcome.playback.end {
        let (file, line) = (property(&scenario.file), scenario.steps[skip.step].line);
        writeln!(out, "::notice file={file},line={line},title=not played from here on::{}", data(&skip.reason))?;
    }
    match outcome.verdict.reason() {
        Some(reason) => annotate(out, &scenario.file, Some(1), "netyard test", &reason),
        None => Ok(()),
    }
}

/// Tells of a file that is wrong.
///
/// # Errors
/// What the stream says.
pub fn fault(out: &mut dyn Write, fault: &Fault) -> io::Result<()> {
    annotate(out, &fault.file, fault.line(), "netyard test", &fault.kind.to_string())
}

/// Tells of something doubtful at a line of a file.
///
/// # Errors
/// What the stream says.
pub fn warning(out: &mut dyn Write, file: &str, line: usize, title: &str, message: &str) -> io::Result<()> {
    writeln!(out, "::warning file={},line={line},title={}::{}", property(file), property(title), data(message))
}

fn annotate(out: &mut dyn Write, file: &str, line: Option<usize>, title: &str, message: &str) -> io::Result<()> {
    let line = line.map(|line| format!(",line={line}")).unwrap_or_default();
    writeln!(out, "::error file={}{line},title={}::{}", property(file), property(title), data(message))
}

/// A text as a workflow command takes it.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// The same for a property, where `:` and `,` mean something.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_means_something_in_a_command_is_escaped() {
        let mut out = Vec::new();
        annotate(&mut out, "a,b.md", Some(4), "c1$ curl http://x", "- 50%\n+ 60%").expect("memory takes all");
        let expected = "::error file=a%2Cb.md,line=4,title=c1$ curl http%3A//x::- 50%25%0A+ 60%25\n";
        assert_eq!(String::from_utf8(out).expect("text"), expected);
    }
}
