//! The container1–7 tutorial against what a real engine (Docker 20.10.24) did: every row of the matrix of names and
//! containers, and every state dump, after every step. The recordings are in `tests/oracle`.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::chance::{Chance, canonical_json};
use super::host::Host;

pub(crate) const MATRIX: &str = include_str!("../oracle/matrix.tsv");
const EVENTS: &str = include_str!("../oracle/events.txt");

/// The steps after which the engine's state was recorded, and what was typed since the one before.
pub(crate) const STEPS: [(&str, &[&str]); 17] = [
    (
        "1-step01",
        &[
            "docker network create --driver bridge isolated_nw",
            "docker network rm isolated_nw",
            "docker run -itd --name container1 busybox",
            "docker run -itd --name container2 busybox",
        ],
    ),
    ("2-step02", &["docker network create -d bridge --subnet 172.25.0.0/16 isolated_nw"]),
    ("3-step03", &["docker network connect isolated_nw container2"]),
    ("4-step04", &["docker run --network=isolated_nw --ip=172.25.3.3 -itd --name=container3 busybox"]),
    ("5-step09", &[]),
    ("6-step10", &["docker run --network=isolated_nw -itd --name=container4 --link container5:c5 busybox"]),
    ("7-step11", &["docker run --network=isolated_nw -itd --name=container5 --link container4:c4 busybox"]),
    (
        "8-alias1",
        &[
            "docker network create -d bridge --subnet 172.26.0.0./24 local_alias",
            "docker network create -d bridge --subnet 172.26.0.0/24 local_alias",
        ],
    ),
    ("9-alias2a", &["docker network connect --link container5:foo local_alias container4"]),
    ("10-alias2b", &["docker network connect --link container4:bar local_alias container5"]),
    ("11-alias4", &["docker network disconnect isolated_nw container5"]),
    ("12-scoped1", &["docker run --network=isolated_nw -itd --name=container6 --network-alias app busybox"]),
    ("13-scoped3", &["docker network connect --alias scoped-app local_alias container6"]),
    ("14-app1", &["docker run --network=isolated_nw -itd --name=container7 --network-alias app busybox"]),
    ("15-app3-container6-stopped", &["docker stop container6"]),
    ("16-app5-container6-started", &["docker start container6"]),
    ("17-disconnected", &["docker network disconnect isolated_nw container2"]),
];

/// What follows the last recorded state, for the events.
const ENDING: &[&str] = &[
    "docker stop -t 1 container5",
    "docker run -itd --name filler --network local_alias busybox",
    "docker start container5",
    "docker rm -f filler",
    "docker stop -t 1 container5",
    "docker start container5",
    "docker network rm isolated_nw",
    "docker network rm local_alias",
    "docker rm -f container7 container6 container5 container4 container3 container2 container1",
    "docker network rm isolated_nw local_alias",
];

/// A seed with which chance decides as it did when the engine was recorded: container6, when it is started again, joins
/// `local_alias` before `isolated_nw`.
pub(crate) const AS_RECORDED: u64 = 1;

macro_rules! state {
    ($name:literal) => {
        include_str!(concat!("../oracle/states/", $name, ".txt"))
    };
}

/// The recorded state after each step.
pub(crate) const STATES: [&str; 17] = [
    state!("01-step01"),
    state!("02-step02"),
    state!("03-step03"),
    state!("04-step04"),
    state!("05-step09"),
    state!("06-step10"),
    state!("07-step11"),
    state!("08-alias1"),
    state!("09-alias2a"),
    state!("10-alias2b"),
    state!("11-alias4"),
    state!("12-scoped1"),
    state!("13-scoped3"),
    state!("14-app1"),
    state!("15-app3-container6-stopped"),
    state!("16-app5-container6-started"),
    state!("17-disconnected"),
];

#[test]
fn every_row_of_the_matrix_agrees() {
    for seed in [1, 2, 3] {
        let (agree, disagree) = play_matrix(seed);
        println!("seed {seed}: {agree} of {} rows of the matrix agree", MATRIX.lines().count());
        assert_eq!(disagree, "", "rows that differ with seed {seed}");
        assert_eq!(agree, 1120);
    }
}

fn play_matrix(seed: u64) -> (usize, String) {
    let mut host = Host::new(seed);
    let (mut agree, mut disagree) = (0, String::new());
    for (step, commands) in STEPS {
        commands.iter().for_each(|c| drop(host.run(c)));
        for row in MATRIX.lines().filter(|r| r.split('\t').next() == Some(step)) {
            let [_, from, name, ping, dns] = row.split('\t').collect::<Vec<_>>()[..] else {
                panic!("a row has five columns: {row}")
            };
            let (our_ping, our_dns) = (host.ping_as_matrix(from, name), host.dig_as_matrix(from, name));
            if same_owner(dns, ping, &our_ping) && same_answer(dns, &our_dns) {
                agree += 1;
            } else {
                writeln!(disagree, "{row}\n    netyard: {our_ping}\t{our_dns}").expect("a string takes text");
            }
        }
    }
    (agree, disagree)
}

/// The addresses of an answer `NOERROR 172.25.0.4,172.25.0.5 ttl=600`, in order of address.
fn addresses(answer: &str) -> Vec<&str> {
    let mut list: Vec<&str> = answer.split(' ').nth(1).map_or_else(Vec::new, |a| a.split(',').collect());
    list.sort_unstable();
    list
}

/// Where an alias has two owners, either is right for a ping.
pub(crate) fn same_owner(dns: &str, recorded: &str, ours: &str) -> bool {
    recorded == ours || {
        let owners = addresses(dns);
        owners.len() > 1 && owners.iter().any(|a| ours == format!("{a} ok"))
    }
}

/// The same answer, its addresses in any order.
pub(crate) fn same_answer(recorded: &str, ours: &str) -> bool {
    let rest = |answer: &str| {
        answer.split(' ').enumerate().filter(|(n, _)| *n != 1).map(|(_, w)| w.to_owned()).collect::<Vec<_>>()
    };
    addresses(recorded) == addresses(ours) && rest(recorded) == rest(ours)
}

#[test]
fn every_recorded_state_agrees() {
    let mut host = Host::new(AS_RECORDED);
    let mut chance = Chance::default();
    let (mut compared, mut differences) = (0, String::new());
    for ((step, commands), state) in STEPS.iter().zip(STATES) {
        commands.iter().for_each(|c| drop(host.run(c)));
        for (command, recorded) in blocks(state) {
            compared += 1;
            let ours = host.run(command.trim_end_matches(" | jq -S ."));
            let sorted = command.ends_with("jq -S .");
            let (recorded, ours) = match (canonical_json(recorded, sorted), canonical_json(&ours, sorted)) {
                (Some(recorded), Some(ours)) => (recorded, ours),
                _ => (recorded.to_owned(), ours),
            };
            if let Err(difference) = chance.compare(&recorded, &ours) {
                writeln!(differences, "{step}: {command}\n{difference}").expect("a string takes text");
            }
        }
    }
    println!("{compared} commands of the state dumps compared");
    assert!(differences.is_empty(), "{differences}");
    assert_eq!(compared, 724);
}

/// The commands of a state dump and what they printed.
pub(crate) fn blocks(state: &str) -> impl Iterator<Item = (&str, &str)> {
    state.split("\n$ ").enumerate().map(|(n, block)| {
        let block = if n == 0 { block.trim_start_matches("$ ") } else { block };
        let (command, output) = block.split_once('\n').unwrap_or((block, ""));
        // The iptables listings hold lines that look like the start of a block.
        (command, output)
    })
}

#[test]
fn the_events_of_the_whole_walkthrough_agree() {
    let mut host = Host::new(7);
    host.run("docker events > /tmp/events &");
    for (_, commands) in STEPS {
        commands.iter().for_each(|c| drop(host.run(c)));
    }
    ENDING.iter().for_each(|c| drop(host.run(c)));
    let ours = host.run("cat /tmp/events");
    let mut chance = Chance::default();
    let mut names = BTreeMap::new();
    for (recorded, ours) in in_order(EVENTS, &mut names).iter().zip(in_order(&ours, &mut BTreeMap::new())) {
        if let Err(difference) = chance.compare(recorded, &ours) {
            panic!("{difference}");
        }
    }
    assert_eq!(EVENTS.lines().count(), ours.lines().count());
}

/// The events with ids named, and in an order that chance does not change: the networks of one start or stop, and the
/// containers of one `rm -f`, come in any order.
fn in_order(events: &str, names: &mut BTreeMap<String, String>) -> Vec<String> {
    let events: Vec<String> = events.lines().map(|line| named(line, names)).collect();
    let last_start = events.iter().rposition(|e| e.contains(" container start ")).map_or(0, |at| at + 1);
    let (before, after) = events.split_at(last_start);
    let mut out = Vec::new();
    for run in before.chunk_by(|a, b| a.contains(" network ") && b.contains(" network ")) {
        let mut run = run.to_vec();
        run.sort();
        out.extend(run);
    }
    let mut rest = after.to_vec();
    rest.sort();
    out.extend(rest);
    out
}

/// A line without its date, its ids replaced by the names that the line itself tells.
fn named(line: &str, names: &mut BTreeMap<String, String>) -> String {
    let line = line.split_once(' ').map_or("", |(_, rest)| rest);
    let name = line.split("name=").nth(1).and_then(|n| n.split([',', ')']).next()).unwrap_or_default();
    let id = line.split(' ').nth(2).unwrap_or_default();
    names.insert(id.to_owned(), name.to_owned());
    names.iter().fold(format!(" {line}"), |text, (id, name)| text.replace(id, name))
}
