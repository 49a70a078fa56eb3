//! What Linux says: command lines with what they printed in a namespace of a real kernel, written down by `record` in
//! `recorded/`, and typed here again. An empty line is written as a dot, an exit code that is not 0 as `? CODE`.

use netyard_sim::userland::Flavour;

use super::machine::{Machine, masked};

/// Types all lines of a record in a new machine, and holds what they print against it.
fn replay(record: &str) {
    let mut host = Machine::new(Flavour::Host);
    host.shows("ip link set lo down");
    let mut typed = String::new();
    for line in record.lines().filter(|line| line.starts_with(['#', '$'])) {
        typed += line;
        typed.push('\n');
        let Some(line) = line.strip_prefix("$ ") else { continue };
        let (said, code) = host.run(&format!("sh -c '{line}'"));
        said.lines().for_each(|line| typed += &format!("{}\n", if line.is_empty() { "." } else { line }));
        if code != 0 {
            typed += &format!("? {code}\n");
        }
    }
    compare(&masked(&typed), &masked(record));
}

/// Says which commands said something else, all of them.
fn compare(ours: &str, theirs: &str) {
    let (ours, theirs) = (blocks(ours), blocks(theirs));
    assert_eq!(ours.len(), theirs.len());
    let differs = ours.iter().zip(&theirs).filter(|(ours, theirs)| ours != theirs);
    let wrong: String = differs.map(|(ours, theirs)| format!("--- Linux\n{theirs}+++ here\n{ours}\n")).collect();
    assert!(wrong.is_empty(), "{wrong}");
}

/// The lines from each command to the next.
fn blocks(text: &str) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for line in text.lines() {
        if line.starts_with(['$', '#']) || all.is_empty() {
            all.push(String::new());
        }
        let last = all.last_mut().expect("it was just pushed");
        *last += line;
        last.push('\n');
    }
    all
}

#[test]
fn links() {
    replay(include_str!("recorded/links.txt"));
}

#[test]
fn routes() {
    replay(include_str!("recorded/routes.txt"));
}

#[test]
fn routes_of_ipv6() {
    replay(include_str!("recorded/routes-v6.txt"));
}

#[test]
fn rules() {
    replay(include_str!("recorded/rules.txt"));
}

#[test]
fn ways() {
    replay(include_str!("recorded/ways.txt"));
}

#[test]
fn neighbours() {
    replay(include_str!("recorded/neighbours.txt"));
}

#[test]
fn matches_of_the_firewall() {
    replay(include_str!("recorded/matches.txt"));
}

#[test]
fn features_of_devices() {
    replay(include_str!("recorded/ethtool.txt"));
}

#[test]
fn settings_of_ipv6() {
    replay(include_str!("recorded/ipv6.txt"));
}

#[test]
fn settings() {
    replay(include_str!("recorded/sysctl.txt"));
}

#[test]
fn bridges() {
    replay(include_str!("recorded/bridge.txt"));
}

#[test]
fn bridges_of_old() {
    replay(include_str!("recorded/brctl.txt"));
}

#[test]
fn flows() {
    replay(include_str!("recorded/conntrack.txt"));
}

#[test]
fn users() {
    replay(include_str!("recorded/users.txt"));
}

#[test]
fn namespaces() {
    replay(include_str!("recorded/netns.txt"));
}
