//! More wrong commands, and what the engine of `errors` answers: `tests/oracle/errors-more.tsv`, recorded by
//! `errors-more.py` in sessions, each on a machine where nothing but `MADE` was done before. The rows of one
//! session are played in their order; those that answer well are there for what they leave behind, and for what
//! lists, templates and filters print.

use std::fmt::Write as _;

use super::errors::{MADE, Row};
use super::host::Host;

const ROWS: &str = include_str!("../oracle/errors-more.tsv");

/// What the recorder did after every command.
const CLEARED: &str = "docker rm -f probe probe2; docker network rm probe_nw";
/// What it made again after a command that may have removed it.
const AFTER_PRUNE: [&str; 3] = [
    "docker create --name stopped busybox",
    "docker run -d --name exited busybox true",
    "docker network create --subnet 172.26.0.0/24 local_alias",
];

/// Plays one session and compares every row.
fn play(session: u32) {
    let mut host = Host::new(1);
    MADE.iter().for_each(|command| drop(host.run(command)));
    let (mut agree, mut differences) = (0, String::new());
    for row in ROWS.lines().skip(1).map(Row::parse).filter(|row| row.number == session) {
        // A row may be several commands, of which the recorder kept both streams.
        let ours = host.run_apart(&format!("{{ {}; }}", row.command));
        if row.command.contains(" prune ") {
            AFTER_PRUNE.iter().for_each(|command| drop(host.run(command)));
        }
        host.run(CLEARED);
        match row.difference(&ours) {
            Ok(()) => agree += 1,
            Err(text) => writeln!(differences, "{}\n{text}", row.command).expect("a string takes text"),
        }
    }
    println!("session {session}: {agree} rows agree");
    assert!(differences.is_empty(), "{differences}");
    assert!(agree > 50, "a session has rows");
}

#[test]
fn usage_and_help() {
    play(1);
}

#[test]
fn templates_and_inspection() {
    play(2);
}

#[test]
fn lifecycle_exec_and_logs() {
    play(3);
}

#[test]
fn networks_lists_and_images() {
    play(4);
}

#[test]
fn settings_of_a_container() {
    play(5);
}

#[test]
fn publishing_and_containers() {
    play(7);
}

#[test]
fn flags_of_run() {
    play(8);
}
