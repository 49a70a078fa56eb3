//! A Docker host to type commands on: the words of the walkthrough tests.

use std::collections::BTreeMap;

use netyard_drivers::daemon::Config;
use netyard_drivers::site::{Site, SiteConfig, TerminalEvent, TerminalId};
use netyard_sim::rng::Seed;
use netyard_sim::time::Duration;

use super::python;

const HOUR: Duration = Duration::from_secs(3600);

/// Whose network a command uses.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Machine {
    Docker01,
    /// The peer on the LAN, 192.0.2.1.
    Lan,
}

/// The default world's docker01, with a terminal open on it and one in every container that was asked something.
pub(crate) struct Host {
    site: Site,
    terminals: BTreeMap<String, TerminalId>,
    /// Where a session's commands are typed, on each of its machines.
    session: BTreeMap<Machine, TerminalId>,
}

/// What a command did, its two streams apart.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) status: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Host {
    pub(crate) fn new(seed: u64) -> Self {
        Self::told(seed, &[])
    }

    /// A host whose dockerd was started with these flags.
    pub(crate) fn told(seed: u64, flags: &[&str]) -> Self {
        let flags: Vec<String> = flags.iter().map(|&flag| flag.to_owned()).collect();
        let config = Config::read(&flags, "").expect("dockerd takes these flags");
        let engines = [("docker01".to_owned(), config)].into();
        let mut programs = Site::programs();
        python::add(&mut programs);
        let site = Site::with_programs(&SiteConfig { seed: Seed(seed), engines, ..SiteConfig::default() }, programs);
        Self { site, terminals: BTreeMap::new(), session: BTreeMap::new() }
    }

    /// Runs a command on docker01 to its end; what the terminal showed.
    pub(crate) fn run(&mut self, command: &str) -> String {
        self.run_in("docker01", command)
    }

    /// The same, with nothing to read, and with standard output and standard error apart.
    pub(crate) fn run_apart(&mut self, command: &str) -> Outcome {
        let line = format!("{command} </dev/null >/tmp/stdout 2>/tmp/stderr");
        let terminal = self.terminal("docker01");
        let (_, status) = self.finish(terminal, &line, HOUR).expect("it ends within an hour");
        Outcome { status, stdout: self.run("cat /tmp/stdout"), stderr: self.run("cat /tmp/stderr") }
    }

    /// The same in a container.
    pub(crate) fn run_in(&mut self, place: &str, command: &str) -> String {
        let terminal = self.terminal(place);
        self.finish(terminal, command, HOUR).unwrap_or_else(|| panic!("{place}$ {command}: no end in an hour")).0
    }

    /// Runs a session's next command on docker01, or with the network of the LAN's gateway, in a shell that stays. What
    /// the terminal showed and the exit code, or nothing when it has not ended after ten minutes.
    pub(crate) fn try_run(&mut self, command: &str, on: Machine) -> Option<(String, i32)> {
        let terminal = self.session.remove(&on).unwrap_or_else(|| self.log_in(on));
        let ended = self.finish(terminal, command, HOUR / 6);
        match ended {
            Some(_) => _ = self.session.insert(on, terminal),
            None => self.site.enter(terminal, "exit"),
        }
        ended
    }

    fn log_in(&mut self, on: Machine) -> TerminalId {
        let mut place = self.site.place("docker01").expect("the default world has it");
        if on == Machine::Lan {
            let mut namespaces = self.site.world().fabric.namespaces();
            place.namespace = namespaces.find(|(_, ns)| ns.name == "gateway").expect("a LAN has a gateway").0;
        }
        self.site.open_terminal(&place).expect("a host has a shell")
    }

    fn finish(&mut self, terminal: TerminalId, command: &str, patience: Duration) -> Option<(String, i32)> {
        self.site.enter(terminal, command);
        let limit = self.site.now() + patience;
        loop {
            match self.site.run(limit)? {
                TerminalEvent::Ready { terminal: t, status } | TerminalEvent::Closed { terminal: t, status }
                    if t == terminal =>
                {
                    return Some((String::from_utf8_lossy(&self.site.output(terminal)).into_owned(), status));
                }
                _ => {}
            }
        }
    }

    fn terminal(&mut self, place: &str) -> TerminalId {
        // A container that was stopped and started is another place with the same name.
        if let Some(terminal) = self.terminals.get(place).filter(|_| place == "docker01") {
            return *terminal;
        }
        let found = self.site.place(place).unwrap_or_else(|| panic!("no place called {place}"));
        let terminal = self.site.open_terminal(&found).expect("it has a shell");
        self.terminals.insert(place.to_owned(), terminal);
        terminal
    }

    /// What `ping -c 1 -W 1` sees, in the words of the matrix.
    pub(crate) fn ping_as_matrix(&mut self, from: &str, name: &str) -> String {
        ping_in_words(name, self.run(&format!("docker exec {from} ping -c 1 -W 1 {name}")))
    }

    /// What the first nameserver of a container answers, in the words of the matrix.
    pub(crate) fn dig_as_matrix(&mut self, from: &str, name: &str) -> String {
        let conf = self.run(&format!("docker exec {from} cat /etc/resolv.conf"));
        let server = nameserver(&conf);
        let query = format!("dig @{server} +tries=1 +time=3 +noall +comments +answer {name} A");
        dig_in_words(&self.run_in(from, &query))
    }
}

/// The first nameserver of a resolv.conf.
fn nameserver(conf: &str) -> &str {
    conf.lines().find_map(|l| l.strip_prefix("nameserver ")).unwrap_or("127.0.0.11")
}

/// What a ping printed, in the words of the matrix: the address and `ok`, or `bad address`.
pub(crate) fn ping_in_words(name: &str, output: String) -> String {
    let Some((_, rest)) = output.split_once(&format!("PING {name} (")) else {
        return if output.contains("bad address") { "bad address".to_owned() } else { output };
    };
    let address = rest.split(')').next().unwrap_or_default();
    let verdict = match () {
        () if output.contains(" 0% packet loss") => "ok",
        () if output.contains("unreachable") => "unreach",
        () => "100%loss",
    };
    format!("{address} {verdict}")
}

/// What dig printed, in the words of the matrix.
pub(crate) fn dig_in_words(output: &str) -> String {
    let status = output.split("status: ").nth(1).and_then(|s| s.split(',').next()).unwrap_or("no reply");
    let records: Vec<Vec<&str>> = output
        .lines()
        .filter(|l| !l.starts_with(';'))
        .map(|l| l.split_whitespace().collect::<Vec<_>>())
        .filter(|w| w.len() == 5 && w[2] == "IN")
        .collect();
    match records.first() {
        None => status.to_owned(),
        Some(first) => {
            let addresses: Vec<&str> = records.iter().map(|r| r[4]).collect();
            format!("{status} {} ttl={}", addresses.join(","), first[1])
        }
    }
}
