//! The same scenario in netyard and on a real engine, and the steps at which the two differ. What a file expects is the
//! common measure, for ids and times differ in any case: two that meet it are alike. Where neither meets it, what they
//! showed is compared without what chance and time decide.

use super::{Playback, Played, Settings, docker, play};
use crate::scenario::Scenario;
use crate::scenario::fault::Fault;
use crate::scenario::shape::shape;
use crate::scenario::step::Step;

/// A step at which the two differ; none for who did not come to its end.
#[derive(Clone, Debug)]
pub struct Differing {
    /// Its number.
    pub step: usize,
    /// What netyard made of it.
    pub netyard: Option<Played>,
    /// What the engine made of it.
    pub engine: Option<Played>,
}

/// Plays a scenario on both, with settings for each.
///
/// # Errors
/// A place that is not there, in netyard or on the machine.
pub fn conform(scenario: &Scenario, ours: &Settings, theirs: &Settings) -> Result<Vec<Differing>, Fault> {
    let netyard = play(scenario, ours)?;
    let engine = docker::play(scenario, theirs)?;
    Ok(differing(scenario, &netyard, &engine))
}

/// The steps at which two playbacks differ.
fn differing(scenario: &Scenario, netyard: &Playback, engine: &Playback) -> Vec<Differing> {
    let steps = scenario.steps.iter().enumerate().filter_map(|(number, step)| {
        let (one, two) = (netyard.steps.get(number), engine.steps.get(number));
        let is_alike = match (one, two) {
            (Some(one), Some(two)) => alike(step, one, two),
            (None, None) => true,
            (None, Some(_)) | (Some(_), None) => false,
        };
        (!is_alike).then(|| Differing { step: number, netyard: one.cloned(), engine: two.cloned() })
    });
    steps.collect()
}

fn alike(step: &Step, one: &Played, two: &Played) -> bool {
    let shapes = |played: &Played| played.lines().into_iter().map(shape).collect::<Vec<_>>();
    match (one.meets(step), two.meets(step)) {
        (true, true) => true,
        (false, false) => one.status == two.status && shapes(one) == shapes(two),
        (true, false) | (false, true) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lines of the steps at which netyard's shell and a real one differ.
    fn differing_lines(block: &str) -> Vec<usize> {
        let text = format!("```console\n{block}\n```\n");
        let scenario = Scenario::parse("a.md", text).expect("the file is right");
        let found = conform(&scenario, &Settings::default(), &Settings::default()).expect("bash is everywhere");
        found.iter().map(|one| scenario.steps[one.step].line).collect()
    }

    #[test]
    fn who_does_the_same_is_alike_whatever_the_file_expects() {
        assert!(differing_lines("$ echo hello\nhello\n$ echo hello\nbye\n$ sh -c 'exit 3'").is_empty());
    }

    #[test]
    fn a_step_that_only_one_meets_differs() {
        // Only a real bash knows its version.
        assert_eq!(differing_lines("$ echo here $BASH_VERSINFO\nhere\n$ echo both\nboth"), [2]);
    }

    #[test]
    fn numbers_that_neither_was_expected_to_show_do_not_count() {
        assert!(differing_lines("$ echo $$").is_empty());
    }
}
