//! What commands do to the engine.

use std::collections::BTreeMap;

use netyard::lab::strategy::{self, Command};
use netyard::prelude::*;
use proptest::prelude::*;
use serde_json::Value;

use super::config;

/// All that can be seen of networks and containers.
pub(super) fn state(lab: &Lab) -> (Value, Value) {
    let look = |command: &str| {
        let text = lab.sh(command).expect("it lists what is there");
        serde_json::from_str(&text).expect("it is JSON")
    };
    (
        look("docker network inspect $(docker network ls -q)"),
        look("ids=$(docker ps -aq); if [ -n \"$ids\" ]; then docker inspect $ids; else echo '[]'; fi"),
    )
}

pub(super) fn text<'v>(value: &'v Value, path: &str) -> &'v str {
    value.pointer(path).and_then(Value::as_str).unwrap_or_default()
}

/// What does not fit together in the engine's tables; nothing when all does.
pub(super) fn inconsistency(lab: &Lab) -> Option<String> {
    let (networks, containers) = state(lab);
    let networks: BTreeMap<&str, &Value> =
        networks.as_array()?.iter().map(|network| (text(network, "/Id"), network)).collect();
    let mut given: BTreeMap<(String, String), String> = BTreeMap::new();
    for container in containers.as_array()? {
        let (id, name) = (text(container, "/Id"), text(container, "/Name"));
        let runs = container.pointer("/State/Running") == Some(&Value::Bool(true));
        let endpoints = container.pointer("/NetworkSettings/Networks").and_then(Value::as_object)?;
        for (network_name, endpoint) in endpoints {
            let (network_id, address) = (text(endpoint, "/NetworkID"), text(endpoint, "/IPAddress"));
            let network = networks.get(network_id);
            if runs && !address.is_empty() {
                let member = network.and_then(|network| network.pointer(&format!("/Containers/{id}")));
                let Some(member) = member else {
                    return Some(format!("{name} has {address} on {network_name}, which does not know of it"));
                };
                if !text(member, "/IPv4Address").starts_with(&format!("{address}/")) {
                    return Some(format!("{network_name} gives {name} another address than {address}"));
                }
                if let Some(other) = given.insert((network_id.to_owned(), address.to_owned()), name.to_owned()) {
                    return Some(format!("{other} and {name} both have {address} on {network_name}"));
                }
            }
            if !runs && !address.is_empty() {
                return Some(format!("{name} does not run and has {address} on {network_name}"));
            }
        }
        if runs {
            let mut told: Vec<String> = endpoints.values().map(|e| text(e, "/IPAddress").to_owned()).collect();
            let found = lab.addresses(name.trim_start_matches('/')).ok()?;
            let mut found: Vec<String> = found.iter().filter(|a| a.is_ipv4()).map(ToString::to_string).collect();
            told.retain(|address| !address.is_empty());
            told.sort();
            found.sort();
            if told != found {
                return Some(format!("{name} has {found:?} and the engine tells {told:?}"));
            }
        }
    }
    for network in networks.values() {
        for id in network.pointer("/Containers").and_then(Value::as_object)?.keys() {
            let known = containers.as_array()?.iter().any(|container| text(container, "/Id") == id);
            if !known {
                return Some(format!("{} has a container that is not there", text(network, "/Name")));
            }
        }
    }
    None
}

/// What a failed command may leave: a start or a connection that was tried is noted, as Docker notes it.
fn may_leave_a_note(command: &Command) -> bool {
    match command {
        Command::Connect { .. } => true,
        Command::Container(words, _) => words.starts_with("start") || words.starts_with("restart"),
        _ => false,
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn any_commands_leave_the_engine_consistent(commands in strategy::commands(1..12), seed: u64) {
        let lab = Lab::builder().seed(seed).build();
        for command in &commands {
            let _ = lab.sh(&command.to_string());
            prop_assert_eq!(inconsistency(&lab), None, "after {}", command);
        }
    }

    #[test]
    fn a_command_that_fails_changes_nothing(commands in strategy::commands(4..14), seed: u64) {
        let lab = Lab::builder().seed(seed).build();
        for command in &commands {
            let before = state(&lab);
            if lab.sh(&command.to_string()).is_err() && !may_leave_a_note(command) {
                prop_assert_eq!(state(&lab), before, "after {}", command);
            }
        }
    }

    #[test]
    fn disconnect_undoes_connect(topology in strategy::topology(2..=3, 1..=3), seed: u64) {
        let lab = topology.build(seed).expect("it can be built");
        let devices = |lab: &Lab| lab.look("docker01", |stack| stack.devices.values().map(|d| d.name.clone()).collect::<Vec<_>>());
        for network in 0..topology.networks.len() {
            if topology.containers[0].contains(&network) {
                continue;
            }
            let before = (state(&lab), lab.addresses("c0").expect("it runs"), lab.routes("c0").expect("it runs"), devices(&lab).expect("it is there"));
            lab.sh(&format!("docker network connect n{network} c0")).expect("it is not on it");
            lab.sh(&format!("docker network disconnect n{network} c0")).expect("it is on it");
            let after = (state(&lab), lab.addresses("c0").expect("it runs"), lab.routes("c0").expect("it runs"), devices(&lab).expect("it is there"));
            prop_assert!(before == after, "{before:?}\n{after:?}");
        }
    }
}
