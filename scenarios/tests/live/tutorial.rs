//! The container1–7 tutorial typed with the real command against `netyard up --pace fast`, compared with what a real
//! engine did: every row of the matrix of names and containers, and of the state dumps what the command can see: networks,
//! links, and files, environment, addresses and routes of containers. Firewall and bridges of the host it cannot see.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::engine::Engine;
use crate::walkthrough::chance::{Chance, canonical_json};
use crate::walkthrough::engine::{AS_RECORDED, MATRIX, STATES, STEPS, blocks, same_answer, same_owner};
use crate::walkthrough::host::{dig_in_words, ping_in_words};

/// What stands between the outputs of several commands in one container.
const MARK: &str = "=== next ===";

/// Types a line as a shell would read it; both outputs as a terminal shows them.
fn typed(engine: &Engine, line: &str) -> String {
    let output = engine.shell(line);
    output.stdout + &output.stderr
}

/// Runs several commands in a container at once.
fn exec_all(engine: &Engine, container: &str, commands: &[String]) -> Vec<String> {
    let script = commands.join(&format!(" 2>&1; echo '{MARK}'; ")) + " 2>&1";
    let said = engine.try_docker(&["exec", container, "sh", "-c", &script]);
    said.stdout.split(&format!("{MARK}\n")).map(str::to_owned).collect()
}

/// The rows of the matrix after a step, by container.
fn rows(step: &str) -> BTreeMap<&'static str, Vec<[&'static str; 3]>> {
    let mut rows = BTreeMap::<_, Vec<_>>::new();
    for row in MATRIX.lines().filter(|row| row.split('\t').next() == Some(step)) {
        let [_, from, name, ping, dns] = row.split('\t').collect::<Vec<_>>()[..] else {
            panic!("a row has five columns: {row}")
        };
        rows.entry(from).or_default().push([name, ping, dns]);
    }
    rows
}

/// What was asked after a step, and what the command says to it.
struct Look {
    outputs: BTreeMap<String, String>,
    /// Ping and dig, by container and name.
    probes: BTreeMap<(&'static str, &'static str), (String, String)>,
}

impl Look {
    /// Asks all that a state dump and the matrix ask after a step, everything in one container at once.
    fn around(engine: &Engine, step: &str, state: &'static str) -> Self {
        let mut inside = BTreeMap::<&'static str, Vec<String>>::new();
        for (command, _) in blocks(state) {
            let words = command.strip_prefix("docker exec ").and_then(|rest| rest.split_once(' '));
            if let Some((container, inner)) = words {
                inside.entry(container).or_default().push(inner.to_owned());
            }
        }
        let rows = rows(step);
        let mut look = Self { outputs: BTreeMap::new(), probes: BTreeMap::new() };
        for (container, mut commands) in inside {
            let looks = commands.len();
            let rows = rows.get(container).map(Vec::as_slice).unwrap_or_default();
            for [name, ..] in rows {
                let dig = format!("dig +tries=1 +time=3 +noall +comments +answer {name} A");
                commands.extend([format!("ping -c 1 -W 1 {name}"), dig]);
            }
            let said = exec_all(engine, container, &commands);
            assert_eq!(said.len(), commands.len(), "every command in {container} says something");
            let names = commands.iter().map(|inner| format!("docker exec {container} {inner}"));
            look.outputs.extend(names.zip(said.iter().cloned()).take(looks));
            for ([name, ..], said) in rows.iter().zip(said[looks..].chunks(2)) {
                look.probes.insert((container, name), (said[0].clone(), said[1].clone()));
            }
        }
        look
    }
}

/// How far our engine goes with the recorded one.
#[derive(Default)]
struct Agreement {
    chance: Chance,
    rows: usize,
    commands: usize,
    differences: String,
}

impl Agreement {
    fn compare_state(&mut self, engine: &Engine, step: &str, state: &str, look: &Look) {
        for (command, recorded) in blocks(state) {
            let is_seen = command.starts_with("docker ") && !command.contains("json .NetworkSettings");
            if !is_seen {
                continue;
            }
            let ours = look.outputs.get(command).cloned().unwrap_or_else(|| typed(engine, command));
            let (recorded, ours) = match (canonical_json(recorded, false), canonical_json(&ours, false)) {
                (Some(recorded), Some(ours)) => (recorded, ours),
                _ => (recorded.to_owned(), ours),
            };
            match self.chance.compare(&recorded, &ours) {
                Ok(()) => self.commands += 1,
                Err(difference) => self.differ(&format!("{step}: {command}\n{difference}")),
            }
        }
    }

    fn compare_matrix(&mut self, step: &str, look: &Look) {
        for (from, rows) in rows(step) {
            for [name, ping, dns] in rows {
                let (our_ping, our_dns) = &look.probes[&(from, name)];
                let (our_ping, our_dns) = (ping_in_words(name, our_ping.clone()), dig_in_words(our_dns));
                if same_owner(dns, ping, &our_ping) && same_answer(dns, &our_dns) {
                    self.rows += 1;
                } else {
                    self.differ(&format!("{step}: {from} to {name}: {ping}\t{dns}\n  netyard: {our_ping}\t{our_dns}"));
                }
            }
        }
    }

    fn differ(&mut self, text: &str) {
        writeln!(self.differences, "{text}").expect("a string takes text");
    }
}

#[test]
fn the_tutorial_goes_as_it_went() {
    let Some(engine) = Engine::start(&format!("--pace fast --seed {AS_RECORDED}")) else { return };
    let mut agreement = Agreement::default();
    for ((step, commands), state) in STEPS.iter().zip(STATES) {
        commands.iter().for_each(|command| drop(typed(&engine, command)));
        let look = Look::around(&engine, step, state);
        agreement.compare_state(&engine, step, state, &look);
        agreement.compare_matrix(step, &look);
    }
    let Agreement { rows, commands, differences, .. } = agreement;
    println!("{rows} rows of the matrix and {commands} commands of the state dumps agree");
    assert_eq!(differences, "");
    assert_eq!((rows, commands), (1120, 575));
}
