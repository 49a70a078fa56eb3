//! The engine's control plane against a model of it that fits on a page: which networks and containers there are, in
//! which state, and who is on what. Each command must succeed or fail as the model says and leave what the model has.

use std::collections::{BTreeMap, BTreeSet};

use netyard::lab::strategy::{self, Command};
use netyard::prelude::*;
use proptest::prelude::*;
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest, prop_state_machine};

use super::config;
use super::control::{inconsistency, state, text};

/// The state of a container, as `docker ps` calls it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum State {
    Created,
    Running,
    Paused,
    Exited,
}

impl State {
    fn is_up(self) -> bool {
        matches!(self, Self::Running | Self::Paused)
    }

    fn name(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Exited => "exited",
        }
    }
}

#[derive(Clone, Debug)]
struct Container {
    state: State,
    /// The networks it is on, or will be when it starts.
    networks: BTreeSet<String>,
}

/// Everything that the engine should know.
#[derive(Clone, Debug, Default)]
struct Model {
    /// Networks by name, with the third byte of their subnet when that was asked for.
    networks: BTreeMap<u8, Option<u8>>,
    containers: BTreeMap<u8, Container>,
}

/// What a command came to; the model is changed only when it is `Done`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Outcome {
    Done,
    Refused,
}

fn named(network: u8) -> String {
    format!("n{network}")
}

impl Model {
    /// Whether all networks of a container are there.
    fn can_start(&self, container: &Container) -> bool {
        let is_there = |name: &String| name == "bridge" || self.networks.keys().any(|network| named(*network) == *name);
        container.networks.iter().all(is_there)
    }

    fn has_endpoints(&self, network: u8) -> bool {
        self.containers.values().any(|c| c.state.is_up() && c.networks.contains(&named(network)))
    }

    /// Does a command.
    fn obey(&mut self, command: &Command) -> Outcome {
        let done = match *command {
            Command::CreateNetwork { network, subnet, .. } => {
                let overlaps = subnet.is_some() && self.networks.values().any(|taken| *taken == subnet);
                let is_free = !self.networks.contains_key(&network) && !overlaps;
                is_free.then(|| self.networks.insert(network, subnet)).is_some()
            }
            Command::RemoveNetwork(network) => !self.has_endpoints(network) && self.networks.remove(&network).is_some(),
            Command::Create { container, network, .. } => {
                let networks = BTreeSet::from([network.map_or_else(|| "bridge".to_owned(), named)]);
                let is_free = !self.containers.contains_key(&container);
                is_free
                    .then(|| self.containers.insert(container, Container { state: State::Created, networks }))
                    .is_some()
            }
            Command::Container(words, container) => self.obey_for(words, container),
            Command::Connect { container, network, .. } => self.connect(container, network),
            Command::Disconnect { container, network, .. } => {
                // Who does not run is struck off even where there is no such network: it was only noted down.
                let is_there = self.networks.contains_key(&network);
                let member = self.containers.get_mut(&container).filter(|member| is_there || !member.state.is_up());
                member.is_some_and(|member| member.networks.remove(&named(network)))
            }
            Command::Rename(from, to) => self.rename(from, to),
        };
        if done { Outcome::Done } else { Outcome::Refused }
    }

    fn obey_for(&mut self, words: &str, number: u8) -> bool {
        // Who removes by force is content when it is not there.
        let Some(container) = self.containers.get(&number).cloned() else { return words == "rm -f" };
        let verb = words.split(' ').next().unwrap_or_default();
        let next = match (verb, container.state) {
            ("rm", state) if words == "rm" && state.is_up() => return false,
            ("rm", _) => return self.containers.remove(&number).is_some(),
            ("start", State::Paused) | ("pause", State::Paused | State::Created | State::Exited) => return false,
            ("unpause", State::Running | State::Created | State::Exited) => return false,
            ("start", State::Running) | ("unpause", State::Paused) => State::Running,
            ("start" | "restart", _) if !self.can_start(&container) => return false,
            ("start" | "restart", _) => State::Running,
            ("stop", State::Running | State::Paused) => State::Exited,
            ("stop", state) => state,
            ("pause", State::Running) => State::Paused,
            (other, state) => panic!("no such verb is drawn: {other} while {state:?}"),
        };
        self.containers.entry(number).and_modify(|container| container.state = next);
        true
    }

    fn connect(&mut self, container: u8, network: u8) -> bool {
        let Some(container) = self.containers.get_mut(&container) else { return false };
        // Who does not run is noted to be on it, even where there is none: Docker looks when it starts.
        if container.state.is_up() && !self.networks.contains_key(&network) {
            return false;
        }
        let is_new = container.networks.insert(named(network));
        is_new || !container.state.is_up()
    }

    fn rename(&mut self, from: u8, to: u8) -> bool {
        if self.containers.contains_key(&to) {
            return false;
        }
        let Some(container) = self.containers.remove(&from) else { return false };
        self.containers.insert(to, container).is_none()
    }
}

impl ReferenceStateMachine for Model {
    type State = Self;
    type Transition = Command;

    fn init_state() -> BoxedStrategy<Self> {
        Just(Self::default()).boxed()
    }

    /// Commands as people type them, without addresses of their own: which of those are free is not the model's affair.
    fn transitions(_: &Self) -> BoxedStrategy<Command> {
        let bare = |command| match command {
            Command::Create { container, network, .. } => {
                Command::Create { container, network, address: None, alias: network.is_some() }
            }
            Command::Connect { container, network, .. } => Command::Connect { container, network, address: None },
            other => other,
        };
        strategy::command().prop_map(bare).boxed()
    }

    fn apply(mut state: Self, command: &Command) -> Self {
        state.obey(command);
        state
    }
}

/// The engine under test, and the model as it was before the command at hand.
struct Engine {
    lab: Lab,
    before: Model,
}

impl StateMachineTest for Engine {
    type SystemUnderTest = Self;
    type Reference = Model;

    fn init_test(model: &Model) -> Self {
        Self { lab: Lab::new(), before: model.clone() }
    }

    fn apply(mut engine: Self, model: &Model, command: Command) -> Self {
        let expected = engine.before.obey(&command);
        let said = engine.lab.sh(&command.to_string());
        let got = if said.is_ok() { Outcome::Done } else { Outcome::Refused };
        assert_eq!(got, expected, "{command}: {said:?} {model:#?}");
        engine.before = model.clone();
        engine
    }

    fn check_invariants(engine: &Self, model: &Model) {
        assert_eq!(inconsistency(&engine.lab), None);
        let (networks, containers) = state(&engine.lab);
        let names = |value: &serde_json::Value| -> BTreeSet<String> {
            value
                .as_array()
                .into_iter()
                .flatten()
                .map(|one| text(one, "/Name").trim_start_matches('/').to_owned())
                .collect()
        };
        let expected = model.networks.keys().map(|network| named(*network));
        let expected = expected.chain(["bridge", "host", "none"].map(str::to_owned));
        assert_eq!(names(&networks), expected.collect());
        assert_eq!(names(&containers), model.containers.keys().map(|container| format!("w{container}")).collect());
        for container in containers.as_array().into_iter().flatten() {
            let number = text(container, "/Name").trim_start_matches("/w").parse::<u8>().expect("w and a number");
            let expected = &model.containers[&number];
            assert_eq!(text(container, "/State/Status"), expected.state.name(), "w{number}");
            let on = container.pointer("/NetworkSettings/Networks").and_then(serde_json::Value::as_object);
            let on: BTreeSet<String> = on.into_iter().flatten().map(|(name, _)| name.clone()).collect();
            assert_eq!(on, expected.networks, "w{number}");
        }
    }
}

prop_state_machine! {
    #![proptest_config(config())]

    #[test]
    fn the_engine_is_as_its_model(sequential 1..16 => Engine);
}
