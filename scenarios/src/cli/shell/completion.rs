//! What a word at the prompt can become: a place, a name of the site, or a command.

use std::collections::BTreeSet;

use rustyline::completion::Completer;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::validate::Validator;
use rustyline::{Context, Helper};

use super::order;
use crate::runner::session::Session;

/// Programs that people type first.
const PROGRAMS: [&str; 24] = [
    "arp",
    "brctl",
    "bridge",
    "cat",
    "conntrack",
    "curl",
    "dig",
    "docker",
    "echo",
    "ethtool",
    "getent",
    "hostname",
    "ip",
    "iptables",
    "nc",
    "netyard",
    "nslookup",
    "ping",
    "pipework",
    "ps",
    "sysctl",
    "tc",
    "tcpdump",
    "wget",
];
/// What follows `docker`.
const DOCKER: [&str; 30] = [
    "attach",
    "container",
    "create",
    "events",
    "exec",
    "image",
    "images",
    "info",
    "inspect",
    "kill",
    "logs",
    "network",
    "node",
    "pause",
    "port",
    "ps",
    "rename",
    "restart",
    "rm",
    "run",
    "start",
    "stats",
    "stop",
    "swarm",
    "top",
    "unpause",
    "update",
    "version",
    "volume",
    "wait",
];
/// What follows `docker network`.
const NETWORK: [&str; 7] = ["connect", "create", "disconnect", "inspect", "ls", "prune", "rm"];

/// The words of a site at one moment.
pub(super) struct Completion {
    places: Vec<String>,
    names: Vec<String>,
}

/// Where one can go, sorted.
pub(super) fn places(session: &Session<'_>) -> Vec<String> {
    let site = session.site();
    let mut places = BTreeSet::new();
    for engine in site.engines() {
        places.insert(engine.host().name.clone());
        places.extend(engine.containers().filter(|c| c.is_running()).map(|container| container.name.clone()));
    }
    let made = site.world().fabric.namespaces().map(|(_, namespace)| namespace.name.clone());
    places.extend(made.filter(|name| name.contains('/')));
    places.retain(|place| session.has_place(place));
    places.into_iter().collect()
}

/// The words of a session's site as it is now.
pub(super) fn of(session: &Session<'_>) -> Completion {
    let places = places(session);
    let mut names: BTreeSet<String> = places.iter().cloned().collect();
    for engine in session.site().engines() {
        names.extend(engine.networks().iter().map(|network| network.name().to_owned()));
        for container in engine.containers() {
            names.insert(container.name.clone());
            let asked = container.networks.values().flat_map(|membership| &membership.config.aliases);
            names.extend(asked.flatten().cloned());
        }
    }
    Completion { places, names: names.into_iter().collect() }
}

impl Completion {
    /// Where the word before the cursor begins, and what it can become.
    fn words(&self, line: &str) -> (usize, Vec<String>) {
        let start = line.rfind(|c: char| c.is_whitespace() || c == '=' || c == ',').map_or(0, |at| at + 1);
        let (before, begun) = line.split_at(start);
        let mut before: Vec<&str> = before.split_whitespace().collect();
        if before.first().is_some_and(|first| first.ends_with(['$', '#'])) {
            before.remove(0);
        }
        let fixed: Vec<String> = match before[..] {
            [] => {
                let words = order::WORDS.iter().chain(&PROGRAMS).map(|word| (*word).to_owned());
                words.chain(self.places.iter().map(|place| format!("{place}$"))).collect()
            }
            ["docker"] => DOCKER.iter().map(|word| (*word).to_owned()).collect(),
            ["docker", "network"] => NETWORK.iter().map(|word| (*word).to_owned()).collect(),
            ["until"] => ["dns", "reach"].map(str::to_owned).to_vec(),
            ["graph"] => ["dot", "json", "mermaid", "svg"].map(str::to_owned).to_vec(),
            _ => self.names.clone(),
        };
        (start, fixed.into_iter().filter(|word| word.starts_with(begun)).collect())
    }
}

impl Completer for Completion {
    type Candidate = String;

    fn complete(&self, line: &str, pos: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<String>)> {
        Ok(self.words(&line[..pos]))
    }
}

impl Hinter for Completion {
    type Hint = String;
}

impl Highlighter for Completion {}

impl Validator for Completion {}

impl Helper for Completion {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_becomes_a_place_a_name_or_a_command() {
        let words = |line: &str| {
            let places = vec!["c1".to_owned(), "docker01".to_owned()];
            Completion { places, names: vec!["app".to_owned(), "c1".to_owned()] }.words(line)
        };
        assert_eq!(words("st"), (0, vec!["step".to_owned(), "steps".to_owned()]));
        assert_eq!(words("c1"), (0, vec!["c1$".to_owned()]));
        assert_eq!(words("c1$ pi"), (4, vec!["ping".to_owned(), "pipework".to_owned()]));
        assert_eq!(words("docker network di"), (15, vec!["disconnect".to_owned()]));
        assert_eq!(words("ping -c 1 a"), (10, vec!["app".to_owned()]));
        assert_eq!(words("docker run --network=a"), (21, vec!["app".to_owned()]));
        assert_eq!(words("é z"), (3, vec![]));
    }
}
