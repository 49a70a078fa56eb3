//! The door of a swarm: what a stranger on the LAN says to its manager and to a worker of it, and what a false manager
//! answers somebody who wants to join.

use std::cell::OnceCell;
use std::time::Duration;

use super::lines::works;
use crate::lab::Lab;

/// Lines that are heeded.
const LINES_MAX: usize = 12;
/// How much virtual time a line may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// Where the hosts are, in the order of their making.
const MANAGER: &str = "192.0.2.10";
const WORKER: &str = "192.0.2.11";
const STRANGER: &str = "192.0.2.12";

/// Hosts of a swarm with a network across them, a host that is a stranger to it, and one that is alone.
struct Swarm {
    lab: Lab,
    /// What is random in it, each under the name that a line has for it.
    known: Vec<(&'static str, String)>,
}

thread_local!(static KEPT: OnceCell<Swarm> = const { OnceCell::new() });

fn build() -> Swarm {
    let lab = Lab::builder().hosts(["manager", "worker", "stranger", "alone"]).build();
    lab.sh("docker swarm init").expect("nothing is in the way");
    let ask = |command: &str| lab.sh(command).expect("the manager knows").trim().to_owned();
    let token = ask("docker swarm join-token -q worker");
    lab.sh_in("worker", &format!("docker swarm join --token {token} {MANAGER}:2377")).expect("the token is right");
    for command in [
        "docker network create -d overlay --attachable --subnet 10.9.0.0/24 n1",
        "docker run -d --name c1 --network n1 busybox sleep 1000000",
    ] {
        lab.sh(command).expect("nothing is in the way");
    }
    lab.sh_in("worker", "docker run -d --name c2 --network n1 busybox sleep 1000000").expect("the network is known");
    let known = vec![
        ("@manager", ask("docker node inspect -f '{{.ID}}' manager")),
        ("@worker", ask("docker node inspect -f '{{.ID}}' worker")),
        ("@network", ask("docker network inspect -f '{{.Id}}' n1")),
        ("@token", token),
    ];
    Swarm { lab, known }
}

/// A line begins with who is meant: `m` and `w` tell the manager and the worker what nodes tell each other, `c` calls the
/// manager, and `a` is what a false manager answers. `@manager`, `@worker`, `@network` and `@token` are what they are.
pub(super) fn cluster(text: &str) {
    let (lab, known) = KEPT.with(|kept| {
        let swarm = kept.get_or_init(build);
        (swarm.lab.fork().expect("nothing of a test runs in it"), swarm.known.clone())
    });
    for line in text.lines().take(LINES_MAX) {
        let said = known.iter().fold(line.to_owned(), |said, (name, value)| said.replace(name, value));
        say(&lab, &said);
    }
    assert!(works(&lab));
    lab.sh("docker node ls && docker network inspect n1").expect("the manager knows its own");
    lab.sh_in("worker", "docker ps && docker network ls").expect("a worker answers for itself");
    lab.sh_in("alone", "docker info && docker swarm leave --force; docker network ls").expect("it is not harmed");
}

fn say(lab: &Lab, line: &str) {
    let mut rest = line.chars();
    let whom = rest.next();
    let Ok(said) = shlex::try_quote(rest.as_str()) else { return };
    let from_stranger = match whom {
        Some('m') => format!("printf '%s' {said} | nc -u -w 1 {MANAGER} 7946"),
        Some('w') => format!("printf '%s' {said} | nc -u -w 1 {WORKER} 7946"),
        Some('c') => format!("printf '%s\\n' {said} | nc -w 1 {MANAGER} 2377"),
        Some('a') => format!("(printf '%s\\n' {said} | timeout 9 nc -l -p 2377 >/dev/null) &"),
        _ => return,
    };
    let _ = lab.sh_within("stranger", &from_stranger, PATIENCE);
    if whom == Some('a') {
        // Any token of the right form does: it is the false manager who looks at it.
        let token = format!("SWMTKN-1-{}-{}", "1".repeat(50), "1".repeat(25));
        let join = format!("timeout 9 docker swarm join --token {token} {STRANGER}:2377");
        let _ = lab.sh_within("alone", &join, PATIENCE);
    }
}
