//! What is doubtful in a scenario that is well-formed: it is played, by its own seed and by others, and looked at step by
//! step. Whether its expectations are met is not said here.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use netyard_drivers::site::Site;

use super::{Capturing, Playback, Player, Settings, play};
use crate::scenario::Scenario;
use crate::scenario::comparison::{Compared, Expected};
use crate::scenario::fault::Fault;
use crate::scenario::step::Step;

/// How many other seeds are tried.
const SEEDS: u64 = 2;

/// Something doubtful, and the line of the file where it is.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Lint {
    /// The line, from 1.
    pub line: usize,
    /// What it is.
    pub doubt: Doubt,
}

/// What is doubtful.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Doubt {
    /// From this step on, a name of a network means several containers.
    SharedAlias {
        /// The name.
        alias: String,
        /// The network.
        network: String,
        /// The containers.
        containers: Vec<String>,
    },
    /// An expected line is another one with another seed.
    Unmasked {
        /// What is expected.
        expected: String,
        /// What comes with the other seed.
        came: String,
    },
    /// Whatever comes, the expectation is met.
    Vacuous,
}

impl Doubt {
    /// A word for it.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::SharedAlias { .. } => "shared-alias",
            Self::Unmasked { .. } => "unmasked",
            Self::Vacuous => "vacuous",
        }
    }
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SharedAlias { alias, network, containers } => {
                write!(f, "`{alias}` on {network} is {}: which one answers is chance", containers.join(" and "))
            }
            Self::Unmasked { expected, came } => {
                write!(
                    f,
                    "`{expected}` is chance, another seed gives `{came}`: write a mask, such as [ID], [MAC] or [..]"
                )
            }
            Self::Vacuous => f.write_str("`...` alone stands for any output, so this can hardly fail"),
        }
    }
}

/// All that is doubtful, in the order of lines. A scenario with steps for real programs is not played, but only looked at.
///
/// # Errors
/// A place that is not there when its step comes.
pub fn lint(scenario: &Scenario, settings: &Settings) -> Result<Vec<Lint>, Fault> {
    let mut lints: Vec<Lint> = scenario.steps.iter().filter(|step| is_vacuous(step)).map(vacuous).collect();
    if scenario.first_real().is_some() {
        // Programs of this machine are not started to see what they would do by another seed.
        return Ok(lints);
    }
    let playback = with_aliases(scenario, settings, &mut lints)?;
    for more in 1..=SEEDS {
        let other = play(scenario, &Settings { seed: settings.seed.wrapping_add(more), ..*settings })?;
        lints.extend(unmasked(scenario, &playback, &other));
    }
    lints.sort();
    // Another seed more says the same of a line.
    lints.dedup_by(|two, one| two.line == one.line && two.doubt.word() == one.doubt.word());
    Ok(lints)
}

fn vacuous(step: &Step) -> Lint {
    Lint { line: step.line, doubt: Doubt::Vacuous }
}

/// Whether any output would do.
fn is_vacuous(step: &Step) -> bool {
    !step.expected.is_empty() && step.expected.iter().all(|line| *line == Expected::Elision)
}

/// Plays the scenario and notes which names come to mean several containers.
fn with_aliases(scenario: &Scenario, settings: &Settings, lints: &mut Vec<Lint>) -> Result<Playback, Fault> {
    let mut player = Player::new(scenario, settings, Capturing::Off);
    let mut known = BTreeSet::new();
    player.play_all_and(|site, step| {
        for doubt in shared(site) {
            if known.insert(doubt.clone()) {
                lints.push(Lint { line: step.line, doubt });
            }
        }
    })
}

/// The names that mean several running containers of a network.
fn shared(site: &Site) -> Vec<Doubt> {
    let mut bearers: BTreeMap<(String, String), BTreeSet<String>> = BTreeMap::new();
    for engine in site.engines() {
        for container in engine.containers().filter(|container| container.is_running()) {
            for (network, membership) in &container.networks {
                let aliases = membership.config.aliases.iter().flatten();
                for alias in aliases.chain([&container.name]) {
                    let key = (network.clone(), alias.clone());
                    bearers.entry(key).or_default().insert(container.name.clone());
                }
            }
        }
    }
    let several = bearers.into_iter().filter(|(_, containers)| containers.len() > 1);
    several
        .map(|((network, alias), containers)| Doubt::SharedAlias {
            alias,
            network,
            containers: containers.into_iter().collect(),
        })
        .collect()
}

/// The lines that are as expected with one seed and not with another.
fn unmasked(scenario: &Scenario, playback: &Playback, other: &Playback) -> Vec<Lint> {
    let both = scenario.steps.iter().zip(playback.steps.iter().zip(&other.steps));
    let mut lints = Vec::new();
    for (step, (own, other)) in both.filter(|(step, (own, other))| own.meets(step) && !other.meets(step)) {
        let lines = other.lines();
        let came = other.comparison.iter().find_map(|line| match line {
            Compared::Unexpected(at) => Some(lines[*at].to_owned()),
            Compared::Elided(..) | Compared::Missing(_) | Compared::Same(..) => None,
        });
        let missing = other.comparison.iter().find_map(|line| match line {
            Compared::Missing(at) => Some(*at),
            Compared::Elided(..) | Compared::Same(..) | Compared::Unexpected(_) => None,
        });
        let (line, expected) = match missing {
            Some(at) => (line_of(scenario, step, at), step.written[at].clone()),
            None => (step.line, format!("exit code {}", step.status)),
        };
        let came = came.unwrap_or_else(|| match other.status {
            status if status != own.status => format!("exit code {status}"),
            _ => "nothing".to_owned(),
        });
        lints.push(Lint { line, doubt: Doubt::Unmasked { expected, came } });
    }
    lints
}

/// The line of the file at which an expected line stands.
fn line_of(scenario: &Scenario, step: &Step, expected: usize) -> usize {
    let before = scenario.text[..step.body.start].matches('\n').count() + 1;
    let body = scenario.text[step.body.clone()].lines().count();
    // The exit code comes first where it is written.
    before + (body - step.written.len()) + expected
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(block: &str) -> Vec<String> {
        let text = format!("```console\n{block}\n```\n");
        let scenario = Scenario::parse("a.md", text).expect("the file is right");
        let lints = lint(&scenario, &Settings::default()).expect("all places are there");
        lints.iter().map(|lint| format!("{}: {}", lint.line, lint.doubt.word())).collect()
    }

    #[test]
    fn chance_is_found_by_other_seeds() {
        assert_eq!(told("$ docker network create n1\n[ID:n]\n$ false\n? 1"), [] as [&str; 0]);
        let block = "$ docker network create n1\n[ID]\n$ docker network inspect -f '{{.Id}}' n1 | cut -c 1-2\n";
        let scenario = format!("```console\n{block}[..]\n```\n");
        let scenario = Scenario::parse("a.md", scenario).expect("the file is right");
        let played = play(&scenario, &Settings::default()).expect("all places are there");
        assert_eq!(told(&format!("{block}{}", played.steps[1].output.trim_end())), ["5: unmasked"]);
    }

    #[test]
    fn aliases_of_two_and_empty_expectations_are_found() {
        let run =
            |name: &str| format!("$ docker run -itd --name {name} --network n1 --network-alias app busybox\n[ID]\n");
        let block = format!("$ docker network create n1\n[ID]\n{}{}$ docker ps\n...", run("c1"), run("c2"));
        assert_eq!(told(&block), ["6: shared-alias", "8: vacuous"]);
    }
}
