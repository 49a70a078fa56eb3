//! A page about one scenario for a browser, complete in itself: it loads nothing from anywhere.

use maud::{DOCTYPE, Markup, html};

use super::Outcome;
use super::difference::{Shown, counted, difference, wrong_exit};
use crate::runner::verdict::Verdict;
use crate::runner::{End, Overrun, Played};
use crate::scenario::Scenario;
use crate::scenario::step::Step;

const STYLE: &str = "
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem; color: #222; background: #fff }
pre { font: 13px/1.45 ui-monospace, monospace; margin: 0; overflow-x: auto }
pre span { display: block; white-space: pre }
.step { border-left: 4px solid #bbb; margin: .8rem 0; padding: .2rem .8rem }
.step.bad { border-color: #c0392b }
.step.good { border-color: #2e8b57 }
.command { font-weight: 600 }
.missing { background: #fbe3e0 }
.unexpected { background: #e0f3e6 }
.note { color: #666 }
@media (prefers-color-scheme: dark) {
  body { color: #ddd; background: #181a1b }
  .missing { background: #5a2320 }
  .unexpected { background: #1d4a2e }
  .note { color: #999 }
}
";

/// The page.
#[must_use]
pub fn page(outcome: &Outcome<'_>) -> String {
    let scenario = outcome.scenario;
    let steps = scenario.steps.iter().zip(&outcome.playback.steps);
    let markup = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width";
                title { (scenario.file) }
                style { (maud::PreEscaped(STYLE)) }
            }
            body {
                h1 { (scenario.file) }
                (verdict(outcome))
                @for (step, played) in steps { (played_step(scenario, step, played)) }
                @if let End::TimeLimit(overrun) = &outcome.playback.end { (unfinished(scenario, overrun)) }
            }
        }
    };
    markup.into_string()
}

/// What became of it all, and how it is played again.
fn verdict(outcome: &Outcome<'_>) -> Markup {
    let failed = outcome.playback.failed(outcome.scenario).count();
    let steps = counted(outcome.scenario.steps.len(), "step");
    html! {
        p {
            @match &outcome.verdict {
                Verdict::Passed => { (steps) ", all as expected." }
                Verdict::Failed => { (failed) " of " (steps) " failed." }
                Verdict::TimeLimit => { "Its time was up after " (outcome.playback.steps.len()) " of " (steps) "." }
                Verdict::Skipped(reason) => { (outcome.playback.steps.len()) " of " (steps) " were played, all as expected; the others were not: " (reason) "." }
                Verdict::Unsupported(obstacle) => { "It was not played: " (obstacle) "." }
                Verdict::Nondeterministic(_) | Verdict::NotAsAsked(_) | Verdict::ShouldHaveFailed => { (outcome.verdict.reason().unwrap_or_default()) }
            }
            " Seed " (outcome.seed) "; " (format!("{:.3}", outcome.playback.elapsed.as_secs_f64())) " s of virtual time."
        }
        pre { span { (outcome.again) } }
    }
}

fn played_step(scenario: &Scenario, step: &Step, played: &Played) -> Markup {
    let is_met = played.meets(step);
    html! {
        section id={ "L" (step.line) } class={ "step " (if is_met { "good" } else { "bad" }) } {
            (command(scenario, step))
            @if is_met {
                @if !played.output.is_empty() {
                    details { summary class="note" { "as expected" } pre { (played.output) } }
                }
            } @else {
                pre { @for line in difference(step, played) { (shown(&line)) } }
                @if let Some(exit) = wrong_exit(step, played) { p { (exit) } }
                @for name in &played.known_names { p class="note" { (name) } }
            }
            p class="note" { "done after " (played.at) " s" }
        }
    }
}

fn unfinished(scenario: &Scenario, overrun: &Overrun) -> Markup {
    let step = &scenario.steps[overrun.step];
    html! {
        section id={ "L" (step.line) } class="step bad" {
            (command(scenario, step))
            pre { (overrun.output) }
            @for line in overrun.to_string().lines() { p { (line) } }
        }
    }
}

fn command(scenario: &Scenario, step: &Step) -> Markup {
    html! {
        pre class="command" { (scenario.place(step)) "$ " (step.command) }
        span class="note" { "line " (step.line) }
    }
}

fn shown(line: &Shown<'_>) -> Markup {
    let class = match line {
        Shown::Alike(_) => "alike",
        Shown::Folded(_) => "note",
        Shown::Missing(_) => "missing",
        Shown::Unexpected(_) => "unexpected",
    };
    html! { span class=(class) { (line.to_string()) } }
}
