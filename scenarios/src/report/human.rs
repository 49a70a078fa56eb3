//! The report for people: a line a file, and below it each step that was not met, with what was expected and what
//! came as `diff` shows them. Lines that match through a mask are no difference; long stretches of them are left out.

use std::io::{self, Write};
use std::time::Duration;

use super::difference::{Shown, counted, difference, folded, wrong_exit};
use super::style::{Ink, Style};
use super::{Outcome, Summary};
use crate::runner::verdict::Verdict;
use crate::runner::{End, Overrun, Played};
use crate::scenario::Scenario;
use crate::scenario::step::Step;

/// Tells of a scenario that was played.
///
/// # Errors
/// What the stream says.
pub fn outcome(out: &mut dyn Write, style: Style, outcome: &Outcome<'_>) -> io::Result<()> {
    let (ink, word) = word(outcome);
    writeln!(out, "{}: {} ({})", outcome.scenario.file, style.ink(ink, &word), figures(outcome))?;
    match &outcome.verdict {
        Verdict::Passed => return Ok(()),
        Verdict::Skipped(_) => return skipped(out, outcome),
        Verdict::Unsupported(obstacle) => return writeln!(out, "  {obstacle}"),
        Verdict::Failed
        | Verdict::Nondeterministic(_)
        | Verdict::NotAsAsked(_)
        | Verdict::ShouldHaveFailed
        | Verdict::TimeLimit => {}
    }
    writeln!(out)?;
    let mut page = Page { out: &mut *out, style, scenario: outcome.scenario };
    for (_, step, played) in outcome.playback.failed(outcome.scenario) {
        page.failure(step, played)?;
    }
    if let End::TimeLimit(overrun) = &outcome.playback.end {
        page.unfinished(&outcome.scenario.steps[overrun.step], overrun)?;
    }
    if let Some(reason) = outcome.verdict.reason() {
        writeln!(out, "{reason}\n")?;
    }
    skipped(out, outcome)?;
    writeln!(out, "to repeat: {}\n", outcome.again)
}

/// What was skipped, and why.
fn skipped(out: &mut dyn Write, outcome: &Outcome<'_>) -> io::Result<()> {
    match (&outcome.playback.end, &outcome.verdict) {
        (End::Skipped(skip), _) => {
            let line = outcome.scenario.steps[skip.step].line;
            writeln!(out, "  not played from line {line} on: {}", skip.reason)
        }
        (_, Verdict::Skipped(reason)) => writeln!(out, "  {reason}"),
        _ => Ok(()),
    }
}

/// What became of a scenario, in a word.
fn word(outcome: &Outcome<'_>) -> (Ink, String) {
    match outcome.verdict {
        Verdict::Passed if outcome.updated > 0 => (Ink::Good, format!("updated {}", counted(outcome.updated, "step"))),
        Verdict::Passed => (Ink::Good, "ok".to_owned()),
        Verdict::Failed | Verdict::NotAsAsked(_) | Verdict::ShouldHaveFailed => (Ink::Bad, "FAILED".to_owned()),
        Verdict::Nondeterministic(_) => (Ink::Bad, "NOT DETERMINISTIC".to_owned()),
        Verdict::TimeLimit => (Ink::Bad, "TIME LIMIT".to_owned()),
        Verdict::Skipped(_) | Verdict::Unsupported(_) => (Ink::Dim, "skipped".to_owned()),
    }
}

/// How much a scenario did.
fn figures(outcome: &Outcome<'_>) -> String {
    let failed = outcome.playback.failed(outcome.scenario).count();
    let all = counted(outcome.scenario.steps.len(), "step");
    let steps = match outcome.verdict {
        Verdict::Failed => format!("{failed} of {all} failed"),
        Verdict::Skipped(_) | Verdict::TimeLimit => format!("{} of {all} done", outcome.playback.steps.len()),
        Verdict::Nondeterministic(_)
        | Verdict::NotAsAsked(_)
        | Verdict::Passed
        | Verdict::ShouldHaveFailed
        | Verdict::Unsupported(_) => all,
    };
    let seed = match outcome.verdict {
        _ if outcome.seeds == 1 => String::new(),
        Verdict::Passed => format!(", {} seeds", outcome.seeds),
        Verdict::Failed
        | Verdict::Nondeterministic(_)
        | Verdict::NotAsAsked(_)
        | Verdict::ShouldHaveFailed
        | Verdict::Skipped(_)
        | Verdict::TimeLimit
        | Verdict::Unsupported(_) => {
            format!(", with seed {}", outcome.seed)
        }
    };
    format!("{steps}, {} of virtual time{seed}", seconds(outcome.playback.elapsed))
}

/// What is told of one scenario, in the making.
struct Page<'p> {
    out: &'p mut dyn Write,
    style: Style,
    scenario: &'p Scenario,
}

impl Page<'_> {
    /// A step that was not met.
    fn failure(&mut self, step: &Step, played: &Played) -> io::Result<()> {
        self.headline(step)?;
        for line in folded(&difference(step, played), played.status == step.status) {
            write_line(self.out, self.style, &line)?;
        }
        if let Some(exit) = wrong_exit(step, played) {
            writeln!(self.out, "  {exit}")?;
        }
        for name in &played.known_names {
            writeln!(self.out, "  {}", self.style.ink(Ink::Dim, name))?;
        }
        if let Some(why) = &played.why {
            writeln!(self.out)?;
            why.lines().try_for_each(|line| writeln!(self.out, "  {line}"))?;
        }
        writeln!(self.out)
    }

    /// Where a step is and what it types.
    fn headline(&mut self, step: &Step) -> io::Result<()> {
        let typed = format!("{}$ {}", self.scenario.place(step), step.command);
        writeln!(self.out, "{}:{}: {}", self.scenario.file, step.line, self.style.ink(Ink::Bold, &typed))
    }

    /// A step whose time was up.
    fn unfinished(&mut self, step: &Step, overrun: &Overrun) -> io::Result<()> {
        self.headline(step)?;
        for line in overrun.output.lines() {
            writeln!(self.out, "    {line}")?;
        }
        for line in overrun.to_string().lines() {
            writeln!(self.out, "  {line}")?;
        }
        writeln!(self.out)
    }
}

/// A line of a difference, as `diff` shows it.
fn write_line(out: &mut dyn Write, style: Style, line: &Shown<'_>) -> io::Result<()> {
    match line {
        Shown::Alike(_) => writeln!(out, "  {line}"),
        Shown::Missing(_) => writeln!(out, "  {}", style.ink(Ink::Bad, &line.to_string())),
        Shown::Folded(_) => writeln!(out, "  {}", style.ink(Ink::Dim, &line.to_string())),
        Shown::Unexpected(_) => writeln!(out, "  {}", style.ink(Ink::Good, &line.to_string())),
    }
}

/// Tells of all scenarios together.
///
/// # Errors
/// What the stream says.
pub fn summary(out: &mut dyn Write, style: Style, summary: &Summary) -> io::Result<()> {
    let files = summary.files();
    if files == 0 {
        return writeln!(out, "no test ran");
    }
    let mut parts = vec![format!("{} passed", summary.passed)];
    parts.extend((summary.failed > 0).then(|| format!("{} failed", summary.failed)));
    parts.extend((summary.skipped > 0).then(|| format!("{} skipped", summary.skipped)));
    parts.extend((summary.faulty > 0).then(|| format!("{} with errors", summary.faulty)));
    let ink = if summary.passed == files { Ink::Good } else { Ink::Bad };
    let parts = parts.join(", ");
    let (files, steps) = (counted(files, "file"), counted(summary.steps, "step"));
    writeln!(out, "{files}: {}; {steps}, {} of virtual time", style.ink(ink, &parts), seconds(summary.elapsed))?;
    for (took, file) in summary.slow() {
        let line = format!("slow: {file} took {} of this machine", seconds(*took));
        writeln!(out, "{}", style.ink(Ink::Dim, &line))?;
    }
    Ok(())
}

/// A length of time in seconds, to the millisecond.
fn seconds(time: Duration) -> String {
    format!("{}.{:03} s", time.as_secs(), time.subsec_millis())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runner::{Limit, Playback};
    use crate::scenario::captures::Captures;
    use crate::scenario::comparison::compare;
    use crate::scenario::period::Period;

    /// The report on a scenario of which each step came to `(status, output)`.
    fn told(block: &str, came: &[(i32, &str)], end: End) -> String {
        let text = format!("```console\n{block}\n```\n");
        let scenario = Scenario::parse("a.md", text).expect("the file is right");
        let mut captures = Captures::default();
        let steps = scenario.steps.iter().zip(came);
        let steps = steps.map(|(step, (status, output))| Played {
            at: netyard_sim::time::Instant::ZERO,
            output: (*output).to_owned(),
            status: *status,
            comparison: compare(&step.expected, &output.lines().collect::<Vec<_>>(), &mut captures),
            known_names: Vec::new(),
            why: None,
        });
        let steps = steps.collect();
        let playback = Playback { steps, end, elapsed: Duration::from_millis(1500), links: Vec::new() };
        let verdict = Verdict::over(&scenario, &playback);
        let (took, again) = (Duration::from_secs(1), "netyard test --seed 1 a.md".to_owned());
        let told =
            Outcome { scenario: &scenario, seed: 1, seeds: 1, playback: &playback, verdict, updated: 0, took, again };
        let mut out = Vec::new();
        outcome(&mut out, Style::Plain, &told).expect("memory takes all");
        String::from_utf8(out).expect("reports are text")
    }

    #[test]
    fn a_scenario_that_passes_is_a_line() {
        let told = told("$ a\n[SHORTID]", &[(0, "7917c78e322d\n")], End::Finished);
        assert_eq!(told, "a.md: ok (1 step, 1.500 s of virtual time)\n");
    }

    #[test]
    fn a_failure_shows_the_step_and_the_difference() {
        let told = told("$ a\n[TIME] x\nold\n$ b", &[(1, "3s x\nnew\n"), (0, "")], End::Finished);
        let expected = "\
a.md: FAILED (1 of 2 steps failed, 1.500 s of virtual time)

a.md:2: docker01$ a
    3s x
  - old
  + new
  exit code 0 expected, 1 came

to repeat: netyard test --seed 1 a.md

";
        assert_eq!(told, expected);
    }

    #[test]
    fn a_step_without_an_end_names_the_jobs() {
        let limit = Limit::Virtual(Period(Duration::from_secs(3600)));
        let overrun = Overrun { step: 1, limit, output: "PING c2\n".to_owned(), running: vec!["ping c2".to_owned()] };
        let told = told("$ true\nc1$ ping c2", &[(0, "")], End::TimeLimit(overrun));
        let expected = "\
a.md: TIME LIMIT (1 of 2 steps done, 1.500 s of virtual time)

a.md:3: c1$ ping c2
    PING c2
  not done when 1h of virtual time had passed
  still running: ping c2

to repeat: netyard test --seed 1 a.md

";
        assert_eq!(told, expected);
    }

    #[test]
    fn the_summary_counts() {
        let told = |sum: Summary| {
            let mut out = Vec::new();
            summary(&mut out, Style::Plain, &sum).expect("memory takes all");
            String::from_utf8(out).expect("reports are text")
        };
        let sum = Summary {
            passed: 2,
            failed: 1,
            skipped: 0,
            faulty: 0,
            steps: 7,
            elapsed: Duration::from_secs(3),
            ..Summary::default()
        };
        assert_eq!(told(sum.clone()), "3 files: 2 passed, 1 failed; 7 steps, 3.000 s of virtual time\n");
        assert_eq!(told(Summary::default()), "no test ran\n");
        let slow = Summary { passed: 1, slowest: vec![(Duration::from_millis(1250), "a.md".to_owned())], ..sum };
        assert!(told(slow).ends_with("\nslow: a.md took 1.250 s of this machine\n"));
    }
}
