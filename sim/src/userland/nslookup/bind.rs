//! bind's nslookup: asks for an A record and, when the name is known, for an AAAA record too; or for the one kind that
//! was named, or for the name of an address.

mod options;
mod page;

use core::net::{IpAddr, SocketAddr};
use core::task::Poll;
use core::time::Duration;
use std::collections::VecDeque;

use options::Options;

use crate::dns::Transport;
use crate::userland::aimed::Refusal;
use crate::userland::exchange::{self, Answer, Exchange, NO_SERVERS, OnServfail, OnTruncation, Outcome, Plan};
use crate::userland::lookup::message::{self, Query, RecordType, ResponseCode};
use crate::userland::lookup::{Family, Lookup};
use crate::userland::{Program, Step, Sys};

/// The program.
#[derive(Clone, Debug, Default)]
pub(super) struct Nslookup(Stage);

#[derive(Clone, Debug, Default)]
enum Stage {
    #[default]
    Starting,
    /// Looking for the server that was named.
    Resolving(Options, String, Lookup),
    Asking(Box<Run>),
}

/// What is asked about the host.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Subject {
    /// Its addresses; `second` when the IPv4 ones are known already.
    Addresses { second: bool },
    /// Records of one kind.
    Records(RecordType),
    /// The name of the address that it is.
    Name,
}

impl Subject {
    const fn kind(self) -> RecordType {
        match self {
            Self::Addresses { second: false } => RecordType::A,
            Self::Addresses { second: true } => RecordType::AAAA,
            Self::Records(kind) => kind,
            Self::Name => RecordType::PTR,
        }
    }
}

#[derive(Clone, Debug)]
struct Run {
    options: Options,
    servers: Vec<(String, SocketAddr)>,
    subject: Subject,
    /// The name that is asked for, and those to try when it is not known.
    name: String,
    names: VecDeque<String>,
    exchange: Exchange,
    queries: u16,
    /// Whether there were IPv4 addresses.
    found: bool,
}

impl Program for Nslookup {
    fn step(&mut self, sys: &mut Sys<'_>) -> Step {
        loop {
            let next = match &mut self.0 {
                Stage::Starting => start(sys),
                Stage::Resolving(options, name, lookup) => match lookup.poll(sys) {
                    Poll::Pending => return Step::Wait(lookup.next_at()),
                    Poll::Ready(Err(_)) => Err(refuse(1, &format!("couldn't get address for '{name}': not found"))),
                    Poll::Ready(Ok(found)) => {
                        let port = options.port;
                        let servers = found.addresses.into_iter().map(|a| (name.clone(), SocketAddr::new(a, port)));
                        Run::begin(sys, options.clone(), servers.collect())
                    }
                },
                Stage::Asking(run) => match run.step(sys) {
                    Ok(step) => return step,
                    Err(refusal) => Err(refusal),
                },
            };
            match next {
                Ok(stage) => self.0 = stage,
                Err(refusal) => {
                    sys.eprint(refusal.text);
                    return Step::Exit(refusal.code);
                }
            }
        }
    }
}

fn refuse(code: i32, text: &str) -> Refusal {
    Refusal { text: format!("nslookup: {text}\n"), code }
}

fn start(sys: &mut Sys<'_>) -> Result<Stage, Refusal> {
    let options = Options::parse(sys.argv())?;
    sys.print(&options.complaints);
    match options.server.clone() {
        Some(server) => {
            let lookup = Lookup::new(sys, &server, Family::Any);
            Ok(Stage::Resolving(options, server, lookup))
        }
        None => {
            let servers = exchange::default_servers(sys, Family::Any, options.port);
            Run::begin(sys, options, servers)
        }
    }
}

impl Run {
    fn begin(sys: &Sys<'_>, options: Options, servers: Vec<(String, SocketAddr)>) -> Result<Stage, Refusal> {
        let addr = options.host.parse::<IpAddr>().ok();
        let subject = match (addr, options.kind) {
            (Some(_), None) => Subject::Name,
            (Some(_), Some(_)) => Subject::Records(RecordType::PTR),
            (None, Some(kind)) => Subject::Records(kind),
            (None, None) => Subject::Addresses { second: false },
        };
        let names = match addr {
            Some(addr) => vec![message::reverse_name(addr)],
            None if options.search => exchange::names(sys, &options.host, None),
            None => vec![options.host.clone()],
        };
        let mut names = VecDeque::from(names);
        let name = names.pop_front().expect("the name itself is always tried");
        let exchange = ask(sys, &options, &servers, &name, subject.kind(), 0)?;
        Ok(Stage::Asking(Box::new(Self { options, servers, subject, name, names, exchange, queries: 1, found: false })))
    }

    fn step(&mut self, sys: &mut Sys<'_>) -> Result<Step, Refusal> {
        loop {
            match self.exchange.poll(sys) {
                Poll::Pending => return Ok(Step::Wait(self.exchange.next_at())),
                Poll::Ready(Outcome::Answer(answer)) => {
                    if let Some(code) = self.take(sys, &answer)? {
                        return Ok(Step::Exit(code));
                    }
                }
                Poll::Ready(failure) => {
                    let last = if matches!(failure, Outcome::Unreachable) { NO_SERVERS } else { "" };
                    sys.print(format!("{last}\n"));
                    let first = self.subject != Subject::Addresses { second: true };
                    return Ok(Step::Exit(i32::from(first)));
                }
            }
        }
    }

    /// Prints an answer and asks what comes after it; the exit code when that is nothing.
    fn take(&mut self, sys: &mut Sys<'_>, answer: &Answer) -> Result<Option<i32>, Refusal> {
        let known = answer.message.metadata.response_code == ResponseCode::NoError;
        if let Some(name) = self.names.pop_front().filter(|_| !known) {
            self.name = name;
            return self.ask_next(sys);
        }
        sys.print(self.text(answer));
        if known && self.subject == (Subject::Addresses { second: false }) {
            self.names.clear();
            self.found = !answer.message.answers.is_empty();
            self.subject = Subject::Addresses { second: true };
            return self.ask_next(sys);
        }
        sys.print("\n");
        Ok(Some(i32::from(!known)))
    }

    fn ask_next(&mut self, sys: &Sys<'_>) -> Result<Option<i32>, Refusal> {
        self.exchange = ask(sys, &self.options, &self.servers, &self.name, self.subject.kind(), self.queries)?;
        self.queries += 1;
        Ok(None)
    }

    /// The lines about an answer, but for the empty one at the end.
    fn text(&self, answer: &Answer) -> String {
        let message = &answer.message;
        let asked = if self.options.host.parse::<IpAddr>().is_ok() { &self.name } else { &self.options.host };
        let server = match self.subject {
            Subject::Addresses { second: false } | Subject::Records(_) => page::server(answer),
            Subject::Addresses { second: true } | Subject::Name => String::new(),
        };
        let code = message.metadata.response_code;
        if code != ResponseCode::NoError {
            return server + &page::not_found(asked, code);
        }
        let answers = page::answers(message);
        let or_none = |text: String| if text.is_empty() { page::no_answer(asked) } else { text };
        match self.subject {
            Subject::Addresses { second: false } => server + page::authority(message) + &answers,
            Subject::Addresses { second: true } if self.found => answers,
            Subject::Addresses { second: true } => or_none(answers),
            Subject::Records(RecordType::A | RecordType::AAAA) => server + page::authority(message) + &or_none(answers),
            Subject::Records(_) => server + page::authority(message) + &or_none(answers) + &page::authorities(message),
            Subject::Name => or_none(answers) + &page::authorities(message),
        }
    }
}

fn ask(
    sys: &Sys<'_>,
    options: &Options,
    servers: &[(String, SocketAddr)],
    name: &str,
    kind: RecordType,
    count: u16,
) -> Result<Exchange, Refusal> {
    let parsed = message::name(name).map_err(|why| refuse(10, &format!("'{name}' is not a legal name ({why})")))?;
    let id = message::query_id(sys.pid(), sys.now(), count);
    let mut query = message::query(id, &Query::query(parsed, kind));
    query.metadata.recursion_desired = options.recurse;
    let plan = Plan {
        servers: servers.to_vec(),
        tries: options.tries,
        timeout: Duration::from_secs(options.timeout.into()),
        on_servfail: OnServfail::MoveOn,
        transport: Transport::Udp,
        on_truncation: OnTruncation::RetryAloud,
        subject: name.to_owned(),
    };
    Ok(Exchange::new(plan, query))
}
