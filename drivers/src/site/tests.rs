//! Stories of a site: programs on hosts call engines, terminals speak, and one seed gives one history.

use netyard_sim::userland::process::Call;
use netyard_sim::userland::{Flavour, Program, Read, Step, Sys};

use super::*;

/// A shell that knows one thing: it asks the engine for the path that it is told and prints status and body.
#[derive(Default)]
struct Asker {
    call: Option<CallId>,
    body: Vec<u8>,
    status: u16,
}

impl Asker {
    fn ask(&mut self, sys: &mut Sys<'_>, line: &str) {
        let (method, target) = line.split_once(' ').unwrap_or(("GET", line));
        let method = if method == "POST" { "POST" } else { "GET" };
        let request = Request { method, target: target.into(), ..Request::default() };
        let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        let body = r#"{"Name":"n1"}"#.into();
        let request = if target.contains("create") { Request { headers, body, ..request } } else { request };
        self.call = Some(sys.call(SOCKET, request));
    }

    fn take(&mut self, sys: &mut Sys<'_>, part: Call) {
        self.status = part.status.unwrap_or(self.status);
        self.body.extend(part.body);
        if part.done {
            self.call = None;
            sys.print(format!("{} ", self.status));
            sys.print(core::mem::take(&mut self.body));
            sys.announce_ready(0);
        }
    }
}

impl Program for Asker {
    fn step(&mut self, sys: &mut Sys<'_>) -> Step {
        if let Some(call) = self.call {
            let part = sys.poll_call(call);
            self.take(sys, part);
            return Step::Wait(None);
        }
        match sys.read(usize::MAX) {
            Read::Data(line) => self.ask(sys, String::from_utf8_lossy(&line).trim()),
            Read::Blocked => {}
            Read::End => return Step::Exit(3),
        }
        Step::Wait(None)
    }
}

fn site(seed: u64) -> Site {
    let hosts = vec!["docker01".to_owned(), "docker02".to_owned()];
    let mut programs = Programs::default();
    programs.add(Flavour::Host, "sh", || Box::<Asker>::default());
    Site::with_programs(&SiteConfig { seed: Seed(seed), hosts, ..SiteConfig::default() }, programs)
}

fn far(site: &Site) -> Instant {
    site.now() + Duration::from_secs(60)
}

/// Types a line and returns what the terminal showed until it was ready.
fn enter(site: &mut Site, terminal: TerminalId, line: &str) -> String {
    site.enter(terminal, line);
    let until = far(site);
    assert_eq!(site.run(until), Some(TerminalEvent::Ready { terminal, status: 0 }), "{line}");
    String::from_utf8(site.output(terminal)).unwrap()
}

#[test]
fn a_program_on_a_host_reaches_that_hosts_engine() {
    let mut site = site(1);
    let [one, two] = ["docker01", "docker02"].map(|name| {
        let place = site.place(name).unwrap();
        site.open_terminal(&place).unwrap()
    });
    assert_eq!(enter(&mut site, one, "GET /_ping"), "200 OK");
    assert!(enter(&mut site, one, "POST /networks/create").starts_with("201 {\"Id\":"));
    assert!(enter(&mut site, one, "GET /networks/n1").starts_with("200 {\"Name\":\"n1\""));
    assert!(enter(&mut site, two, "GET /networks/n1").starts_with("404"), "the other host has its own");
}

#[test]
fn every_request_takes_a_millisecond_and_quiet_time_passes_to_the_limit() {
    let mut site = site(1);
    let place = site.place("docker01").unwrap();
    let terminal = site.open_terminal(&place).unwrap();
    enter(&mut site, terminal, "GET /_ping");
    assert_eq!(site.now(), Instant::from_nanos(1_000_000));
    let until = far(&site);
    assert_eq!(site.run(until), None);
    assert_eq!(site.now(), until);
}

#[test]
fn one_seed_gives_one_history() {
    let history = |seed| {
        let mut site = site(seed);
        let place = site.place("docker01").unwrap();
        let terminal = site.open_terminal(&place).unwrap();
        enter(&mut site, terminal, "POST /networks/create") + &enter(&mut site, terminal, "GET /networks")
    };
    assert_eq!(history(7), history(7));
    assert_ne!(history(7), history(8));
}

#[test]
fn places_are_hosts_and_running_containers() {
    let site = site(1);
    assert_eq!(site.place("docker02").unwrap().env["HOSTNAME"], "docker02");
    assert_eq!(site.place("container1"), None);
    assert_eq!(site.place("docker01/test1"), None);
    assert_eq!(site.running(), [""; 0]);
}
