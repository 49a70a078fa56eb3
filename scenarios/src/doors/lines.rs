//! Doors for text: what is typed, scenario files and templates. Lines for a program are lines of words; what is in a
//! word has no meaning for the shell.

use std::cell::OnceCell;
use std::time::Duration;

use netyard_drivers::template::Template;
use serde_json::json;

use crate::lab::{Lab, LabError};
use crate::scenario::Scenario;

/// How much virtual time a line may take. A loop without an end takes all of it.
const PATIENCE: Duration = Duration::from_secs(1);
/// Lines that are heeded.
const LINES_MAX: usize = 16;

/// A copy of a lab with a network, n1, and a container on it, c1. It is built once a thread.
pub(super) fn lab() -> Lab {
    thread_local!(static KEPT: OnceCell<Lab> = const { OnceCell::new() });
    KEPT.with(|kept| kept.get_or_init(build).fork().expect("nothing of a test runs in it"))
}

fn build() -> Lab {
    let lab = Lab::uncaptured();
    lab.network("n1").subnet("10.1.0.0/24").create().expect("nothing else is there");
    lab.container("c1").network("n1").run().expect("its name is free");
    lab
}

/// Whether the engine still answers.
pub(super) fn works(lab: &Lab) -> bool {
    lab.api("GET", "/_ping", b"", Duration::from_secs(5)) == (Some(200), b"OK".to_vec())
}

pub(super) fn shell(text: &str) {
    let lab = lab();
    let _ = lab.sh_within("c1", text, PATIENCE);
    assert!(works(&lab));
}

pub(super) fn docker(text: &str) {
    let lab = lab();
    type_lines(&lab, "docker01", "timeout 1 docker", text);
    assert!(works(&lab));
}

pub(super) fn ip(text: &str) {
    let lab = lab();
    type_lines(&lab, "docker01", "ip", text);
    lab.sh("ip -d link && ip addr && ip route && ip -6 route && ip neigh").expect("what is there is listed");
}

/// What a firewall says of itself is what it takes.
pub(super) fn iptables(text: &str) {
    let lab = lab();
    type_lines(&lab, "docker01", "iptables", text);
    let saved = lab.sh("iptables-save -t filter | grep -v '^#'").expect("every table can be saved");
    lab.sh("iptables-save -t filter > /tmp/saved && iptables-restore </tmp/saved").expect("it takes what it saved");
    let again = lab.sh("iptables-save -t filter | grep -v '^#'").expect("every table can be saved");
    let bare = |text: &str| text.split('[').next().unwrap_or_default().to_owned();
    let (saved, again): (Vec<_>, Vec<_>) = (saved.lines().map(bare).collect(), again.lines().map(bare).collect());
    assert_eq!(saved, again);
}

fn type_lines(lab: &Lab, place: &str, program: &str, text: &str) {
    for line in text.lines().take(LINES_MAX) {
        let words = line.split(' ').filter_map(|word| shlex::try_quote(word).ok());
        let command = words.fold(program.to_owned(), |command, word| command + " " + &word);
        if let Err(LabError::TimeLimit { .. }) = lab.sh_within(place, &(command + " </dev/null"), PATIENCE * 5) {
            return;
        }
    }
}

pub(super) fn scenario(text: &str) {
    let _ = Scenario::parse("stranger.md", text.to_owned());
}

pub(super) fn template(text: &str) {
    if let Ok(template) = Template::parse(text) {
        let _ = template.render(&json!({
            "Name": "c1", "Ports": [{ "a": 1 }, null], "x": {}, "N": -7, "F": 1.5, "T": true, "U": 18_446_744_073_709_551_615_u64,
        }));
    }
}
