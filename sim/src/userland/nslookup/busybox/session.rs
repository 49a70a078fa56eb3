//! One run of busybox nslookup as a function of time and datagrams: all questions at once to the first server, again
//! after half its time, then to the next server; answers are printed as they come. It has no socket.

use core::time::Duration;

use super::options::Options;
use crate::time::Instant;
use crate::userland::lookup::message::{self, Message, Query, RData, Record, RecordType, ResponseCode};

/// What to do next.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Action {
    /// Open a socket to the server with this number; say so by `connected`.
    Connect(usize),
    /// Send these there; none stands for a name that no query can hold.
    Send(Vec<Option<Vec<u8>>>),
    /// Wait, at most until then.
    Wait(Instant),
    /// Print the last lines and end.
    Finish,
}

#[derive(Clone, Debug)]
struct Asked {
    name: String,
    id: u16,
    /// None when the name is no DNS name.
    question: Option<Query>,
    answered: bool,
}

/// How the present server was asked so far.
#[derive(Clone, Copy, Debug)]
struct Round {
    start: Instant,
    sent_at: Option<Instant>,
    /// How many queries may be repeated at once because the server failed.
    repeats_left: usize,
}

/// Questions, the servers to ask, and how far it has come.
#[derive(Clone, Debug)]
pub(super) struct Session {
    asked: Vec<Asked>,
    servers: usize,
    server: usize,
    round: Option<Round>,
    timeout: Duration,
    interval: Duration,
    debug: bool,
    failed: bool,
}

impl Session {
    /// Questions with the ids of their queries, for so many servers.
    pub(super) fn new(options: &Options, questions: Vec<(String, RecordType, u16)>, servers: usize) -> Self {
        let asked = questions.into_iter().map(|(name, kind, id)| {
            let question = message::name(&name).ok().map(|n| Query::query(n, kind));
            Asked { name, id, question, answered: false }
        });
        Self {
            asked: asked.collect(),
            servers,
            server: 0,
            round: None,
            timeout: options.timeout,
            interval: options.timeout / options.tries,
            debug: options.debug,
            failed: false,
        }
    }

    pub(super) fn connected(&mut self, now: Instant) {
        self.round = Some(Round { start: now, sent_at: None, repeats_left: 0 });
    }

    /// The server cannot be written to.
    pub(super) const fn next_server(&mut self) {
        self.round = None;
        self.server += 1;
    }

    pub(super) fn poll(&mut self, now: Instant) -> Action {
        if self.asked.iter().all(|a| a.answered) || self.server == self.servers {
            return Action::Finish;
        }
        let Some(round) = &mut self.round else { return Action::Connect(self.server) };
        let end = round.start + self.timeout;
        if now >= end {
            if self.asked.iter().any(|a| a.answered) {
                return Action::Finish;
            }
            self.next_server();
            return self.poll(now);
        }
        match round.sent_at.map(|at| at + self.interval).filter(|at| now < *at) {
            Some(again) => Action::Wait(again.min(end)),
            None => {
                round.sent_at = Some(now);
                round.repeats_left = 2 * self.asked.len();
                Action::Send(self.asked.iter().filter(|a| !a.answered).map(Asked::datagram).collect())
            }
        }
    }

    /// Takes a datagram from the server called `server` at `address`: the lines to print, and what to send again
    /// because the server failed.
    pub(super) fn handle_datagram(
        &mut self,
        now: Instant,
        (server, address): (&str, &str),
        bytes: &[u8],
    ) -> (String, Option<Vec<u8>>) {
        let Some((at, reply)) = self.matching(bytes) else { return (String::new(), None) };
        let round = self.round.as_mut().expect("a datagram came from a server that was asked");
        if reply.metadata.response_code == ResponseCode::ServFail && round.repeats_left > 0 {
            round.repeats_left -= 1;
            return (String::new(), self.asked[at].datagram());
        }
        let mut text = String::new();
        if !self.asked.iter().any(|a| a.answered) {
            text += &format!("Server:\t\t{server}\nAddress:\t{address}\n\n");
        }
        if self.debug {
            let took = round.sent_at.map_or(0, |sent| (now - sent).as_millis());
            text += &format!("Query #{at} completed in {took}ms:\n");
        }
        self.asked[at].answered = true;
        self.failed |= reply.metadata.response_code != ResponseCode::NoError;
        text += &answer(&self.asked[at].name, &reply);
        (text + "\n", None)
    }

    fn matching(&self, bytes: &[u8]) -> Option<(usize, Message)> {
        self.asked.iter().enumerate().filter(|(_, a)| !a.answered).find_map(|(at, asked)| {
            let reply = message::answer_to(asked.id, asked.question.as_ref()?, bytes)?;
            Some((at, reply))
        })
    }

    /// The lines at the end, and the exit code.
    pub(super) fn finish(&self) -> (String, i32) {
        if !self.asked.iter().any(|a| a.answered) {
            return (";; connection timed out; no servers could be reached\n\n".to_owned(), 1);
        }
        let silent = self.asked.iter().filter(|a| !a.answered);
        let text = silent.map(|a| format!("*** Can't find {}: No answer\n\n", a.name)).collect();
        (text, i32::from(self.failed))
    }
}

impl Asked {
    fn datagram(&self) -> Option<Vec<u8>> {
        Some(message::encode(&message::query(self.id, self.question.as_ref()?)))
    }
}

/// The lines of one answer.
fn answer(name: &str, reply: &Message) -> String {
    if reply.metadata.response_code != ResponseCode::NoError {
        return format!("** server can't find {name}: {}\n", code_name(reply.metadata.response_code));
    }
    let head = if reply.metadata.authoritative { "" } else { "Non-authoritative answer:\n" };
    let records: String = reply.answers.iter().filter_map(record).collect();
    format!("{head}{records}")
}

/// The lines of a record; none for those that busybox does not know.
fn record(record: &Record) -> Option<String> {
    let name = message::show(&record.name);
    let show = message::show;
    Some(match &record.data {
        RData::A(a) => format!("Name:\t{name}\nAddress: {a}\n"),
        RData::AAAA(aaaa) => format!("Name:\t{name}\nAddress: {aaaa}\n"),
        RData::NS(ns) => format!("{name}\tnameserver = {}\n", show(&ns.0)),
        RData::CNAME(cname) => format!("{name}\tcanonical name = {}\n", show(&cname.0)),
        RData::PTR(ptr) => format!("{name}\tname = {}\n", show(&ptr.0)),
        RData::MX(mx) => format!("{name}\tmail exchanger = {} {}\n", mx.preference, show(&mx.exchange)),
        RData::TXT(txt) => {
            let first = txt.txt_data.first().map(|t| String::from_utf8_lossy(t).into_owned());
            format!("{name}\ttext = \"{}\"\n", first.unwrap_or_default())
        }
        RData::SRV(srv) => {
            format!("{name}\tservice = {} {} {} {}\n", srv.priority, srv.weight, srv.port, show(&srv.target))
        }
        RData::SOA(soa) => format!(
            "{name}\n\torigin = {}\n\tmail addr = {}\n\tserial = {}\n\trefresh = {}\n\tretry = {}\n\texpire = {}\n\t\
             minimum = {}\n",
            show(&soa.mname),
            show(&soa.rname),
            soa.serial,
            soa.refresh,
            soa.retry,
            soa.expire,
            soa.minimum
        ),
        _ => return None,
    })
}

fn code_name(code: ResponseCode) -> String {
    match code {
        ResponseCode::FormErr => "FORMERR".to_owned(),
        ResponseCode::ServFail => "SERVFAIL".to_owned(),
        ResponseCode::NXDomain => "NXDOMAIN".to_owned(),
        ResponseCode::NotImp => "NOTIMP".to_owned(),
        ResponseCode::Refused => "REFUSED".to_owned(),
        ResponseCode::YXDomain => "YXDOMAIN".to_owned(),
        ResponseCode::YXRRSet => "YXRRSET".to_owned(),
        ResponseCode::NXRRSet => "NXRRSET".to_owned(),
        ResponseCode::NotAuth => "NOTAUTH".to_owned(),
        ResponseCode::NotZone => "NOTZONE".to_owned(),
        other => u16::from(other).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::userland::lookup::message::MessageType;

    const SERVER: (&str, &str) = ("127.0.0.11", "127.0.0.11:53");

    const fn at(ms: u64) -> Instant {
        Instant::from_nanos(ms * 1_000_000)
    }

    fn session(servers: usize) -> Session {
        let argv = ["nslookup", "c5"].map(str::to_owned);
        let questions = vec![("c5".to_owned(), RecordType::A, 1), ("c5".to_owned(), RecordType::AAAA, 2)];
        Session::new(&Options::parse(&argv).unwrap(), questions, servers)
    }

    fn reply(id: u16, kind: RecordType, code: ResponseCode, data: Option<RData>) -> Vec<u8> {
        let name = message::name("c5").unwrap();
        let mut reply = message::query(id, &Query::query(name.clone(), kind));
        reply.metadata.message_type = MessageType::Response;
        reply.metadata.response_code = code;
        reply.answers.extend(data.map(|d| Record::from_rdata(name, 600, d)));
        message::encode(&reply)
    }

    fn a() -> RData {
        RData::A(core::net::Ipv4Addr::new(172, 25, 0, 4).into())
    }

    fn started(servers: usize) -> Session {
        let mut run = session(servers);
        assert_eq!(run.poll(at(0)), Action::Connect(0));
        run.connected(at(0));
        assert!(matches!(run.poll(at(0)), Action::Send(datagrams) if datagrams.len() == 2));
        run
    }

    #[test]
    fn answers_are_printed_in_the_order_of_arrival() {
        let mut run = started(1);
        let (aaaa, _) = run.handle_datagram(at(0), SERVER, &reply(2, RecordType::AAAA, ResponseCode::NoError, None));
        let head = "Server:\t\t127.0.0.11\nAddress:\t127.0.0.11:53\n\n";
        assert_eq!(aaaa, format!("{head}Non-authoritative answer:\n\n"));
        let (a, _) = run.handle_datagram(at(0), SERVER, &reply(1, RecordType::A, ResponseCode::NoError, Some(a())));
        assert_eq!(a, "Non-authoritative answer:\nName:\tc5\nAddress: 172.25.0.4\n\n");
        assert_eq!((run.poll(at(0)), run.finish()), (Action::Finish, (String::new(), 0)));
    }

    #[test]
    fn an_unknown_name_is_said_for_each_question_and_is_a_failure() {
        let mut run = started(1);
        run.handle_datagram(at(0), SERVER, &reply(1, RecordType::A, ResponseCode::NXDomain, None));
        let (text, _) = run.handle_datagram(at(0), SERVER, &reply(2, RecordType::AAAA, ResponseCode::NXDomain, None));
        assert_eq!(text, "** server can't find c5: NXDOMAIN\n\n");
        assert_eq!(run.finish(), (String::new(), 1));
    }

    #[test]
    fn silence_is_asked_twice_and_then_the_next_server() {
        let mut run = started(2);
        assert_eq!(run.poll(at(0)), Action::Wait(at(2500)));
        assert!(matches!(run.poll(at(2500)), Action::Send(_)));
        assert_eq!(run.poll(at(2500)), Action::Wait(at(5000)));
        assert_eq!(run.poll(at(5000)), Action::Connect(1));
        run.next_server();
        assert_eq!(run.poll(at(5000)), Action::Finish);
        assert_eq!(run.finish(), (";; connection timed out; no servers could be reached\n\n".to_owned(), 1));
    }

    #[test]
    fn what_one_server_left_out_is_said_at_its_end() {
        let mut run = started(2);
        run.handle_datagram(at(0), SERVER, &reply(1, RecordType::A, ResponseCode::NoError, Some(a())));
        assert!(matches!(run.poll(at(2500)), Action::Send(datagrams) if datagrams.len() == 1));
        assert_eq!(run.poll(at(5000)), Action::Finish);
        assert_eq!(run.finish(), ("*** Can't find c5: No answer\n\n".to_owned(), 0));
    }

    #[test]
    fn a_server_that_fails_is_asked_again_at_once_four_times_in_all() {
        let mut run = started(1);
        let failed = reply(1, RecordType::A, ResponseCode::ServFail, None);
        for _ in 0..4 {
            let (text, again) = run.handle_datagram(at(0), SERVER, &failed);
            assert_eq!((text.as_str(), again.is_some()), ("", true));
        }
        let (text, again) = run.handle_datagram(at(0), SERVER, &failed);
        assert!(text.ends_with("** server can't find c5: SERVFAIL\n\n") && again.is_none());
    }

    #[test]
    fn a_pointer_is_one_line() {
        let ptr = RData::PTR(hickory_proto::rr::rdata::PTR(message::name("c5.isolated_nw").unwrap()));
        let owner = message::name("4.0.25.172.in-addr.arpa").unwrap();
        let line = record(&Record::from_rdata(owner, 600, ptr));
        assert_eq!(line.as_deref(), Some("4.0.25.172.in-addr.arpa\tname = c5.isolated_nw\n"));
    }
}
