//! `dig` of bind 9.18: asks a server for one name after the other and prints all that came back. It reads resolv.conf
//! for the server only, unless `+search` is given.

mod options;
pub(in crate::userland) mod page;

use core::net::SocketAddr;
use core::task::Poll;
use core::time::Duration;
use std::collections::VecDeque;

use options::{Job, Options, Refusal};
pub(in crate::userland) use options::{VERSION, record_type};

use super::exchange::{self, Exchange, NO_SERVERS, OnServfail, OnTruncation, Outcome, Plan};
use super::lookup::message::{self, Edns, Message, Query, RecordType, ResponseCode};
use super::lookup::{Family, Found, Lookup, LookupError};
use super::{Flavour, Program, Programs, Step, Sys};
use crate::dns::Transport;

/// Puts it into the table. Busybox has no dig; in a container it stands for one that was installed.
pub fn add(programs: &mut Programs) {
    for flavour in [Flavour::Host, Flavour::Busybox] {
        programs.add(flavour, "dig", || Box::<Dig>::default());
    }
}

/// The program.
#[derive(Clone, Debug, Default)]
struct Dig {
    stage: Stage,
    jobs: VecDeque<Job>,
    family: Family,
    port: u16,
    queries: u16,
    /// The lines about the command, until they were printed.
    greeting: Option<String>,
    exit_code: i32,
}

#[derive(Clone, Debug, Default)]
enum Stage {
    #[default]
    Starting,
    NextJob,
    /// Looking for the server of a job.
    Resolving(Job, String, Lookup),
    /// Asking for a name, and then for the others that the search list makes of it.
    Asking(Box<Asking>),
}

#[derive(Clone, Debug)]
struct Asking {
    job: Job,
    servers: Vec<(String, SocketAddr)>,
    names: VecDeque<String>,
    exchange: Exchange,
}

impl Program for Dig {
    fn step(&mut self, sys: &mut Sys<'_>) -> Step {
        loop {
            let next = match core::mem::take(&mut self.stage) {
                Stage::Starting => self.start(sys),
                Stage::NextJob => match self.jobs.pop_front() {
                    Some(job) => self.find_server(sys, job),
                    None => return Step::Exit(self.exit_code),
                },
                Stage::Resolving(job, server, mut lookup) => match lookup.poll(sys) {
                    Poll::Ready(found) => self.found_server(sys, job, &server, found),
                    Poll::Pending => {
                        let next_at = lookup.next_at();
                        self.stage = Stage::Resolving(job, server, lookup);
                        return Step::Wait(next_at);
                    }
                },
                Stage::Asking(mut asking) => match asking.exchange.poll(sys) {
                    Poll::Ready(outcome) => self.finish(sys, *asking, outcome),
                    Poll::Pending => {
                        let next_at = asking.exchange.next_at();
                        self.stage = Stage::Asking(asking);
                        return Step::Wait(next_at);
                    }
                },
            };
            match next {
                Ok(stage) => self.stage = stage,
                Err(Refusal { stdout, stderr, code }) => {
                    sys.print(stdout);
                    sys.eprint(stderr);
                    return Step::Exit(code);
                }
            }
        }
    }
}

fn refuse(code: i32, text: &str) -> Refusal {
    Refusal { stderr: format!("dig: {text}\n"), code, ..Refusal::default() }
}

impl Dig {
    fn start(&mut self, sys: &mut Sys<'_>) -> Result<Stage, Refusal> {
        let options = Options::parse(sys.argv())?;
        sys.eprint(options.warnings);
        let arguments = sys.argv().get(1..).unwrap_or_default().join(" ");
        self.greeting = Some(format!("\n; <<>> DiG {VERSION} <<>> {arguments}\n"));
        self.jobs = options.jobs.into();
        self.family = options.family;
        self.port = options.port;
        Ok(Stage::NextJob)
    }

    /// The server that was named, or those of resolv.conf; without any, this machine.
    fn find_server(&mut self, sys: &Sys<'_>, job: Job) -> Result<Stage, Refusal> {
        if let Some(server) = job.server.clone() {
            let lookup = Lookup::new(sys, &server, self.family);
            return Ok(Stage::Resolving(job, server, lookup));
        }
        let servers = exchange::default_servers(sys, self.family, self.port);
        self.ask(sys, job, servers)
    }

    fn found_server(
        &mut self,
        sys: &Sys<'_>,
        job: Job,
        server: &str,
        found: Result<Found, LookupError>,
    ) -> Result<Stage, Refusal> {
        let addresses = found.map_err(|error| {
            let why = if error == LookupError::AddressFamily { "address family not supported" } else { "not found" };
            refuse(1, &format!("couldn't get address for '{server}': {why}"))
        })?;
        let (name, port) = (server.to_owned(), self.port);
        let servers: Vec<_> =
            addresses.addresses.into_iter().map(|addr| (name.clone(), SocketAddr::new(addr, port))).collect();
        if let Some(greeting) = self.greeting.as_mut().filter(|g| !g.contains("server found")) {
            let plural = if servers.len() == 1 { "server" } else { "servers" };
            *greeting += &format!("; ({} {plural} found)\n", servers.len());
        }
        self.ask(sys, job, servers)
    }

    fn ask(&mut self, sys: &Sys<'_>, job: Job, servers: Vec<(String, SocketAddr)>) -> Result<Stage, Refusal> {
        let list =
            if job.flags.search { exchange::names(sys, &job.name, job.flags.ndots) } else { vec![job.name.clone()] };
        let mut names = VecDeque::from(list);
        let name = names.pop_front().expect("the name itself is always tried");
        let exchange = self.exchange(sys, &job, &name, &servers)?;
        Ok(Stage::Asking(Box::new(Asking { job, servers, names, exchange })))
    }

    fn exchange(
        &mut self,
        sys: &Sys<'_>,
        job: &Job,
        name: &str,
        servers: &[(String, SocketAddr)],
    ) -> Result<Exchange, Refusal> {
        let parsed = message::name(name).map_err(|why| refuse(10, &format!("'{name}' is not a legal name ({why})")))?;
        let mut question = Query::query(parsed, job.kind.unwrap_or(RecordType::A));
        question.set_query_class(job.class);
        let id = message::query_id(sys.pid(), sys.now(), self.queries);
        self.queries += 1;
        let plan = Plan {
            servers: servers.to_vec(),
            tries: job.flags.tries,
            timeout: Duration::from_secs(job.flags.timeout.into()),
            on_servfail: OnServfail::Keep,
            transport: transport(job),
            on_truncation: match (job.flags.ignore, job.flags.show.comments && !job.flags.short) {
                (true, _) => OnTruncation::Keep,
                (false, true) => OnTruncation::RetryAloud,
                (false, false) => OnTruncation::Retry,
            },
            subject: name.to_owned(),
        };
        Ok(Exchange::new(plan, query(id, &question, job)))
    }

    /// Prints an outcome, unless the search list has another name for it.
    fn finish(&mut self, sys: &mut Sys<'_>, mut asking: Asking, outcome: Outcome) -> Result<Stage, Refusal> {
        match outcome {
            Outcome::Answer(answer) => {
                if answer.message.metadata.response_code != ResponseCode::NoError
                    && let Some(name) = asking.names.pop_front()
                {
                    asking.exchange = self.exchange(sys, &asking.job, &name, &asking.servers)?;
                    return Ok(Stage::Asking(Box::new(asking)));
                }
                let flags = &asking.job.flags;
                let greeting = self.greeting.take().filter(|_| flags.show.command && !flags.short);
                sys.print(greeting.map(|g| g + ";; global options: +cmd\n").unwrap_or_default());
                let text =
                    if flags.short { page::short(&answer.message) } else { page::full(&answer, flags, &date(sys)) };
                sys.print(text);
            }
            Outcome::Unreachable => {
                self.exit_code = 9;
                let flags = &asking.job.flags;
                let greeting = self.greeting.take().filter(|_| flags.show.command && !flags.short);
                let greeting = greeting.map(|g| g + ";; global options: +cmd\n");
                sys.print(greeting.unwrap_or_default() + NO_SERVERS);
            }
            Outcome::Unsendable => self.exit_code = 9,
        }
        Ok(Stage::NextJob)
    }
}

/// How to ask: by UDP unless `+tcp` is given, or all types are asked for without `+notcp`.
fn transport(job: &Job) -> Transport {
    let wants_all = job.kind == Some(RecordType::ANY);
    if job.flags.tcp.unwrap_or(wants_all) { Transport::Tcp } else { Transport::Udp }
}

fn query(id: u16, question: &Query, job: &Job) -> Message {
    let flags = &job.flags;
    let mut query = message::query(id, question);
    query.metadata.recursion_desired = flags.recurse;
    query.metadata.authentic_data = flags.ad;
    query.metadata.checking_disabled = flags.cd;
    if let Some(size) = flags.edns {
        let mut edns = Edns::new();
        edns.set_max_payload(size).set_dnssec_ok(flags.dnssec);
        query.set_edns(edns);
    }
    query
}

/// The present as dig writes it.
fn date(sys: &Sys<'_>) -> String {
    const NAMES: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let now = sys.epoch().utc(sys.now());
    let day = NAMES[usize::from(now.weekday().number_days_from_monday())];
    let month = MONTHS[usize::from(u8::from(now.month())) - 1];
    let (hour, minute, second) = now.to_hms();
    format!("{day} {month} {:02} {hour:02}:{minute:02}:{second:02} UTC {}", now.day(), now.year())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_offers_extensions_and_wants_recursion() {
        let argv = ["dig", "c5", "+cdflag"].map(str::to_owned);
        let job = Options::parse(&argv).unwrap().jobs.remove(0);
        let question = Query::query(message::name("c5").unwrap(), RecordType::A);
        let sent = Message::from_vec(&message::encode(&query(7, &question, &job))).unwrap();
        let head = &sent.metadata;
        let bits = (head.recursion_desired, head.authentic_data, head.checking_disabled);
        assert_eq!((head.id, bits), (7, (true, true, true)));
        assert_eq!(sent.edns.map(|e| e.max_payload()), Some(1232));
    }

    #[test]
    fn without_edns_a_query_is_just_its_question() {
        let argv = ["dig", "c5", "+noedns", "+norecurse", "+noad"].map(str::to_owned);
        let job = Options::parse(&argv).unwrap().jobs.remove(0);
        let question = Query::query(message::name("c5").unwrap(), RecordType::A);
        let bytes = message::encode(&query(7, &question, &job));
        assert_eq!(bytes, [0, 7, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 2, b'c', b'5', 0, 0, 1, 0, 1]);
    }
}
