//! A playback as a terminal would have shown it: prompts, commands and what they printed, nothing compared.

use crate::runner::{End, Playback};
use crate::scenario::Scenario;

/// The whole session; the last command may not have ended.
#[must_use]
pub fn text(scenario: &Scenario, playback: &Playback) -> String {
    let mut text = String::new();
    let mut add = |number: usize, output: &str, status: Option<i32>| {
        let step = &scenario.steps[number];
        text += &format!("{}$ {}\n{output}", scenario.place(step), step.command);
        if !output.is_empty() && !output.ends_with('\n') {
            text.push('\n');
        }
        if let Some(status) = status.filter(|status| *status != 0) {
            text += &format!("[exit code {status}]\n");
        }
    };
    for (number, played) in playback.steps.iter().enumerate() {
        add(number, &played.output, Some(played.status));
    }
    match &playback.end {
        End::Finished => {}
        End::Skipped(skip) => {
            add(skip.step, "", None);
            text += &format!("[not played: {}]\n", skip.reason);
        }
        End::TimeLimit(overrun) => {
            add(overrun.step, &overrun.output, None);
            text += &format!("[{}]\n", overrun.to_string().replace('\n', "; "));
        }
    }
    text
}
