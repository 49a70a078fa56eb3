//! Playing a scenario on a real engine: the same steps are typed at real shells, one a place, and what they show is
//! compared in the same way. Hosts are this machine, with whatever engine the `docker` command finds there; containers are
//! reached by `docker exec`, namespaces by `ip netns exec`. It cleans nothing up: what a scenario makes stays until somebody
//! removes it.
//!
//! Time is the machine's, so a scenario takes as long as its steps say. What only netyard has (several hosts in one
//! scenario, links and name servers of the head, its own command) cannot be played here, and [`obstacle`] says so.

use std::collections::BTreeMap;
use std::time::Instant as WallInstant;

use netyard_sim::time::Instant;

use super::shell::{Ended, Shell, Stopped};
use super::{End, Limit, OnFailure, Overrun, Playback, Played, Settings, at_prompt, played};
use crate::scenario::Scenario;
use crate::scenario::captures::Captures;
use crate::scenario::engine::EngineSettings;
use crate::scenario::fault::{Fault, FaultKind};
use crate::scenario::step::Step;

/// Why a scenario cannot be played on a real engine; none when it can.
#[must_use]
pub fn obstacle(scenario: &Scenario) -> Option<String> {
    let head = &scenario.head;
    let has_settings = head.engine != EngineSettings::default() || !head.engines.is_empty();
    let real = scenario.steps.iter().find(|step| step.is_real());
    let own = scenario.steps.iter().find(|step| step.command.split_whitespace().any(|word| word == "netyard"));
    match () {
        () if head.hosts.len() > 1 => Some(format!("it has {} hosts, and an engine is one", head.hosts.len())),
        () if !head.links.is_empty() => Some("its head describes links".to_owned()),
        () if !head.nameservers.is_empty() => Some("its head describes name servers".to_owned()),
        () if has_settings => Some("its head describes the engine, which is as it is".to_owned()),
        () if real.is_some() => real.map(|step| format!("line {} lets a real program into netyard", step.line)),
        () => own.map(|step| format!("line {} needs netyard itself", step.line)),
    }
}

/// Plays a scenario on the engine that `docker` finds.
///
/// # Errors
/// A place that cannot be reached when its step comes.
pub fn play(scenario: &Scenario, settings: &Settings) -> Result<Playback, Fault> {
    let began = WallInstant::now();
    let until = began + settings.wall_limit.0;
    let mut shells = Shells::default();
    let mut captures = Captures::default();
    let mut steps: Vec<Played> = Vec::new();
    let mut end = End::Finished;
    for step in &scenario.steps {
        let place = scenario.place(step);
        let at = || Instant::from_nanos(u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX));
        match shells.play(scenario, place, &step.command, until) {
            Ok(ended) => steps.push(played(step, at(), ended.status, ended.output, &mut captures)),
            Err(Stopped::TimeIsUp(output)) => {
                end = End::TimeLimit(overrun(steps.len(), step, place, output, settings));
                break;
            }
            Err(Stopped::NoShell(reason)) => {
                let kind = FaultKind::NoShell { place: place.to_owned(), reason };
                return Err(at_prompt(scenario, step, kind));
            }
        }
        let met = steps.last().is_none_or(|played| played.meets(step));
        if !met && settings.on_failure == OnFailure::Stop {
            break;
        }
    }
    Ok(Playback { steps, end, elapsed: began.elapsed(), links: Vec::new() })
}

/// The shells, by place; none where one has ended.
#[derive(Default)]
struct Shells(BTreeMap<String, Option<Shell>>);

impl Shells {
    /// Types `command` at `place` and waits until it is done, or until `until`.
    ///
    /// # Errors
    /// [`Stopped`].
    fn play(&mut self, scenario: &Scenario, place: &str, command: &str, until: WallInstant) -> Result<Ended, Stopped> {
        let shell = self.0.entry(place.to_owned()).or_default();
        if shell.is_none() {
            *shell = Some(Shell::open(&words(scenario, place), |_| {}, until)?);
        }
        Shell::play(shell, command, until)
    }
}

/// What starts the shell of a place.
fn words<'p>(scenario: &Scenario, place: &'p str) -> Vec<&'p str> {
    match place.split_once('/') {
        Some((_, namespace)) => vec!["ip", "netns", "exec", namespace, "sh"],
        None if scenario.head.hosts.iter().any(|host| host == place) => vec!["bash"],
        None => vec!["docker", "exec", "-it", place, "sh"],
    }
}

fn overrun(number: usize, step: &Step, place: &str, output: String, settings: &Settings) -> Overrun {
    let running = vec![format!("{place}: {}", step.command)];
    Overrun { step: number, limit: Limit::Wall(settings.wall_limit), output, running }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::runner::verdict::Verdict;
    use crate::scenario::period::Period;

    fn scenario(head: &str, block: &str) -> Scenario {
        let text = format!("---\n{head}\n---\n```console\n{block}\n```\n");
        Scenario::parse("a.md", text).expect("the file is right")
    }

    fn of_a_host(block: &str, settings: &Settings) -> Result<(Scenario, Playback), Fault> {
        let scenario = scenario("hosts: [docker01]", block);
        let playback = play(&scenario, settings)?;
        Ok((scenario, playback))
    }

    #[test]
    fn a_host_is_this_machine_and_its_shell_stays_open() {
        let block = "$ x=1; cd /\n$ echo $x $PWD; test -t 0 && echo terminal >&2\n1 /\nterminal\n$ sh -c 'exit 4'\n? 4\n\
                     $ sleep 60 & disown\n$ kill -0 $!; kill $!; echo gone\ngone\n$ exit 3\n? 3\n$ echo again $x\nagain";
        let (scenario, playback) = of_a_host(block, &Settings::default()).expect("bash is everywhere");
        let shown: Vec<_> = playback.steps.iter().map(|step| (step.status, &*step.output)).collect();
        assert_eq!(Verdict::over(&scenario, &playback), Verdict::Passed, "{shown:?}");
    }

    #[test]
    fn a_step_that_never_ends_is_given_up() {
        let settings = Settings { wall_limit: Period(Duration::from_secs(1)), ..Settings::default() };
        let (_, playback) = of_a_host("$ echo begun; sleep 600", &settings).expect("bash is everywhere");
        let End::TimeLimit(overrun) = playback.end else { panic!("the step has no end") };
        assert_eq!((&*overrun.output, &*overrun.running[0]), ("begun\n", "docker01: echo begun; sleep 600"));
    }

    #[test]
    fn a_place_without_a_shell_is_told_in_the_words_of_who_should_have_started_it() {
        let fault = of_a_host("docker01/no-such-namespace$ true", &Settings::default()).expect_err("it is not there");
        assert!(matches!(fault.kind, FaultKind::NoShell { .. }), "{fault:?}");
        assert_eq!(fault.line(), Some(5));
    }

    #[test]
    fn what_only_netyard_has_is_an_obstacle() {
        let said = |head, block| obstacle(&scenario(head, block));
        assert_eq!(said("hosts: [a]", "$ docker ps"), None);
        assert_eq!(said("hosts: [a, b]", "$ true").as_deref(), Some("it has 2 hosts, and an engine is one"));
        let bip = said("engine: {bip: 10.1.0.1/16}", "$ true");
        assert_eq!(bip.as_deref(), Some("its head describes the engine, which is as it is"));
        assert_eq!(said("seed: 2", "$ netyard why a b").as_deref(), Some("line 5 needs netyard itself"));
    }
}
