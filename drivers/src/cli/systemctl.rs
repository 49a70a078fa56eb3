//! `systemctl` and `service`: what a user says to the host's first process about its one unit, docker.service.

use netyard_sim::userland::{CallId, Flavour, Program, Programs, Request, Step, Sys};

/// The socket of the first process.
pub const SOCKET: &str = "/run/systemd/private";
/// What can be asked of a unit.
pub const VERBS: [&str; 10] =
    ["start", "stop", "restart", "reload", "status", "is-active", "is-enabled", "enable", "disable", "daemon-reload"];

/// Puts both on the path of hosts.
pub fn add(programs: &mut Programs) {
    programs.add(Flavour::Host, "systemctl", || Box::new(Asking::new(systemctl)));
    programs.add(Flavour::Host, "service", || Box::new(Asking::new(service)));
}

/// What to ask for: verb and units; or what is wrong and the exit code.
type Asked = Result<(String, Vec<String>), (String, i32)>;

#[derive(Clone)]
struct Asking {
    parse: fn(&[String]) -> Asked,
    verb: String,
    units: Vec<String>,
    call: Option<CallId>,
    begun: bool,
    worst: i32,
}

impl Asking {
    fn new(parse: fn(&[String]) -> Asked) -> Self {
        Self { parse, verb: String::new(), units: Vec::new(), call: None, begun: false, worst: 0 }
    }

    /// Asks about the next unit; the program ends after the last.
    fn next(&mut self, sys: &mut Sys<'_>) -> Step {
        if self.units.is_empty() {
            return Step::Exit(self.worst);
        }
        let target = format!("/{}/{}", self.verb, self.units.remove(0));
        self.call = Some(sys.call(SOCKET, Request { method: "POST", target, ..Request::default() }));
        Step::Wait(None)
    }
}

impl Program for Asking {
    fn step(&mut self, sys: &mut Sys<'_>) -> Step {
        if !self.begun {
            self.begun = true;
            match (self.parse)(sys.argv()) {
                Ok((verb, units)) => (self.verb, self.units) = (verb, units),
                Err((said, code)) => {
                    sys.eprint(said);
                    return Step::Exit(code);
                }
            }
            return self.next(sys);
        }
        let Some(call) = self.call else { return Step::Exit(self.worst) };
        let news = sys.poll_call(call);
        let code = i32::from(news.status.unwrap_or_default());
        let stream =
            if matches!(self.verb.as_str(), "status" | "is-active" | "is-enabled") && code != 4 { 1 } else { 2 };
        sys.write(stream, &news.body);
        if !news.done {
            return Step::Wait(None);
        }
        self.worst = self.worst.max(code);
        self.next(sys)
    }
}

fn systemctl(argv: &[String]) -> Asked {
    let words: Vec<&String> = argv.iter().skip(1).filter(|word| !word.starts_with('-')).collect();
    let Some((verb, units)) = words.split_first() else {
        return Ok(("status".to_owned(), vec!["docker.service".to_owned()]));
    };
    if !VERBS.contains(&verb.as_str()) {
        return Err((format!("Unknown command verb {verb}.\n"), 1));
    }
    if verb.as_str() == "daemon-reload" {
        return Ok(((*verb).clone(), Vec::new()));
    }
    if units.is_empty() {
        return Err(("Too few arguments.\n".to_owned(), 1));
    }
    Ok(((*verb).clone(), units.iter().map(|unit| full_name(unit)).collect()))
}

fn service(argv: &[String]) -> Asked {
    match argv {
        [_, name, verb, ..] if VERBS.contains(&verb.as_str()) => Ok((verb.clone(), vec![full_name(name)])),
        [_, _, verb, ..] => Err((format!("Unknown command verb {verb}.\n"), 1)),
        _ => Err((
            "Usage: service < option > | --status-all | [ service_name [ command | --full-restart ] ]\n".to_owned(),
            1,
        )),
    }
}

/// `docker` is short for `docker.service`.
fn full_name(unit: &str) -> String {
    if unit.contains('.') { unit.to_owned() } else { format!("{unit}.service") }
}
