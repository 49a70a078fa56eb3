//! Making a scenario that fails as small as it can be while it fails in the same way: steps are left out, in large pieces
//! first and then one by one, and entries of the head. Containers, networks and impairments go with the steps that make
//! them. A candidate counts when the steps before the one that fails are still met, so what is left is a scenario in
//! which all goes well but the last step.
//!
//! It is the same each time: the order is fixed, and a run depends on nothing but the scenario and its seed.

mod failure;

use std::collections::BTreeMap;

use serde_json::json;

use super::Settings;
use crate::scenario::Scenario;
use crate::scenario::excerpt::{self, Entries};

pub use failure::{Failure, Manner, NoFailure};

/// What is left of a scenario.
#[derive(Clone, Debug)]
pub struct Shrunk {
    /// The numbers of the steps that are kept.
    pub steps: Vec<usize>,
    /// How many parts the head had, and how many are kept.
    pub head_parts: (usize, usize),
    /// The text of the small scenario.
    pub text: String,
    /// What goes wrong in the large one; its step is one of the large one's.
    pub failure: Failure,
    /// How often a scenario was played.
    pub runs: usize,
    /// Whether nothing more can be left out; else there were no runs left to find out.
    pub complete: bool,
}

/// Leaves out of `scenario` whatever it fails without, in at most `runs` runs.
///
/// # Errors
/// When it does not fail.
pub fn shrink(scenario: &Scenario, settings: &Settings, runs: usize) -> Result<Shrunk, NoFailure> {
    let failure = Failure::of(scenario, settings)?;
    let count = failure.step.map_or(scenario.steps.len(), |step| step + 1);
    let entries = Entries::of(scenario);
    let began = entries.paths().len();
    let kept = Candidate { steps: (0..count).collect(), entries };
    let tried = BTreeMap::new();
    let mut search = Search { scenario, settings, failure, kept, tried, runs: 1, limit: runs, complete: true };
    while search.leave_out_steps() | search.leave_out_entries() {}
    let Search { kept, failure, runs, complete, .. } = search;
    let small = kept.scenario(scenario).expect("what fails as the large one does was played");
    let title = scenario.headings.first().map_or(scenario.file.as_str(), String::as_str);
    let head = head_of(&kept.entries, scenario, settings);
    Ok(Shrunk {
        text: excerpt::text(title, &head, &small),
        head_parts: (began, kept.entries.paths().len()),
        steps: kept.steps,
        failure,
        runs,
        complete,
    })
}

/// The head of the small scenario, which needs no flags to be played as the large one was.
fn head_of(entries: &Entries, scenario: &Scenario, settings: &Settings) -> Entries {
    let mut head = entries.clone();
    let own = Settings::of(scenario);
    if settings.seed != own.seed {
        head.set("seed", json!(settings.seed));
    }
    if settings.time_limit != own.time_limit {
        head.set("time-limit", json!(settings.time_limit.to_string()));
    }
    head
}

/// A part of a scenario.
#[derive(Clone, Debug)]
struct Candidate {
    steps: Vec<usize>,
    entries: Entries,
}

impl Candidate {
    /// What tells it from others.
    fn key(&self) -> (Vec<usize>, String) {
        (self.steps.clone(), self.entries.to_yaml())
    }

    /// The scenario that it is; none when its head makes no sense.
    fn scenario(&self, whole: &Scenario) -> Option<Scenario> {
        let head = self.entries.head().ok()?;
        let steps = self.steps.iter().map(|number| {
            let mut step = whole.steps[*number].clone();
            // `$` means the first host of the whole, which may be the second of what is left.
            step.place = Some(whole.place(&step).to_owned()).filter(|place| *place != head.default_host());
            step
        });
        Some(Scenario { steps: steps.collect(), head, ..whole.clone() })
    }
}

/// A search under way.
struct Search<'s> {
    scenario: &'s Scenario,
    settings: &'s Settings,
    failure: Failure,
    /// The smallest that is known to fail in the same way.
    kept: Candidate,
    /// What was tried already, and whether it failed in the same way.
    tried: BTreeMap<(Vec<usize>, String), bool>,
    runs: usize,
    limit: usize,
    /// Whether no candidate was left aside for want of runs.
    complete: bool,
}

impl Search<'_> {
    /// Leaves out steps in pieces, from the last to the first, of half the scenario down to a step; whether any went.
    fn leave_out_steps(&mut self) -> bool {
        let mut any = false;
        let mut size = self.kept.steps.len().div_ceil(2);
        while size > 0 {
            let went = self.leave_out_pieces(size);
            any |= went;
            // Single steps are tried until none goes any more.
            if !(went && size == 1) {
                size /= 2;
            }
        }
        any
    }

    fn leave_out_pieces(&mut self, size: usize) -> bool {
        let mut any = false;
        let mut end = self.kept.steps.len();
        while end > 0 {
            let start = end.saturating_sub(size);
            let mut steps = self.kept.steps.clone();
            let target = self.failure.step;
            let mut number = 0;
            steps.retain(|step| {
                number += 1;
                !(start..end).contains(&(number - 1)) || Some(*step) == target
            });
            any |= steps.len() < self.kept.steps.len() && self.keep(Candidate { steps, ..self.kept.clone() });
            end = start;
        }
        any
    }

    /// Leaves out entries of the head; whether any went.
    fn leave_out_entries(&mut self) -> bool {
        let mut any = false;
        for path in self.kept.entries.paths() {
            let entries = self.kept.entries.without(&path);
            any |= entries != self.kept.entries && self.keep(Candidate { entries, ..self.kept.clone() });
        }
        any
    }

    /// Keeps `candidate` when it fails in the same way.
    fn keep(&mut self, candidate: Candidate) -> bool {
        let key = candidate.key();
        let fails = match self.tried.get(&key) {
            Some(known) => *known,
            None if self.runs >= self.limit => {
                self.complete = false;
                false
            }
            None => {
                let fails = self.fails(&candidate);
                self.tried.insert(key, fails);
                fails
            }
        };
        if fails {
            self.kept = candidate;
        }
        fails
    }

    fn fails(&mut self, candidate: &Candidate) -> bool {
        let Some(scenario) = candidate.scenario(self.scenario) else { return false };
        self.runs += 1;
        let Ok(failure) = Failure::of(&scenario, self.settings) else { return false };
        let step = failure.step.map(|number| candidate.steps[number]);
        step == self.failure.step && failure.manner == self.failure.manner
    }
}
