//! One name asked of the name servers in turn, as glibc's `res_send` does it: all its questions at once, the next
//! server after an error or a silence, and round again. It holds no socket: it says what to send and how long to wait.
//!
//! A truncated answer leads to TCP: all questions are asked once more by one connection, of this server and of those
//! that follow in the same, last round.

use core::net::IpAddr;
use core::time::Duration;

use super::config::Config;
use super::message::{self, Message, Query, ResponseCode};
use crate::dns::Transport;
use crate::time::Instant;

/// How long a connection is waited for: as long as Linux tries to make one.
const CONNECTION_PATIENCE: Duration = Duration::from_secs(127);

/// What the one who holds the socket shall do.
#[derive(Debug)]
pub enum Action {
    /// Send these to port 53 of a server, from a fresh socket.
    Ask(IpAddr, Vec<Vec<u8>>),
    /// Send these to port 53 of a server by one connection.
    Connect(IpAddr, Vec<Vec<u8>>),
    /// Wait for messages until then.
    Wait(Instant),
    /// It is over: an answer for each question that got a useful one; none when no server gave any.
    Done(Vec<Message>),
}

#[derive(Clone, Debug)]
enum Reply {
    Missing,
    /// The server failed or refused.
    Useless,
    Useful(Box<Message>),
}

#[derive(Clone, Debug)]
struct Pending {
    id: u16,
    question: Query,
    reply: Reply,
}

/// The questions about one name, and how far the round of the servers has come.
#[derive(Clone, Debug)]
pub struct Inquiry {
    servers: Vec<IpAddr>,
    timeout: Duration,
    rounds_left: u32,
    server: usize,
    transport: Transport,
    deadline: Option<Instant>,
    pending: Vec<Pending>,
}

impl Inquiry {
    /// Questions, each with the id of its query.
    #[must_use]
    pub fn new(config: &Config, questions: Vec<(u16, Query)>) -> Self {
        let pending =
            questions.into_iter().map(|(id, question)| Pending { id, question, reply: Reply::Missing }).collect();
        Self {
            servers: config.servers_or_local(),
            timeout: config.timeout,
            rounds_left: config.attempts,
            server: 0,
            transport: Transport::Udp,
            deadline: None,
            pending,
        }
    }

    /// What to do now.
    pub fn poll(&mut self, now: Instant) -> Action {
        if self.is_answered() {
            return Action::Done(self.take_answers());
        }
        if self.deadline.is_some_and(|at| at <= now) {
            self.next_server();
        }
        if self.rounds_left == 0 {
            return Action::Done(self.take_answers());
        }
        match self.deadline {
            Some(at) => Action::Wait(at),
            None => {
                self.deadline = Some(now + self.patience());
                let server = self.servers[self.server];
                match self.transport {
                    Transport::Udp => Action::Ask(server, self.unanswered()),
                    Transport::Tcp => Action::Connect(server, self.unanswered()),
                }
            }
        }
    }

    /// A message came from the server that was asked.
    pub fn handle_message(&mut self, bytes: &[u8]) {
        for pending in self.pending.iter_mut().filter(|p| matches!(p.reply, Reply::Missing)) {
            if let Some(answer) = message::answer_to(pending.id, &pending.question, bytes) {
                if answer.metadata.truncation && self.transport == Transport::Udp {
                    return self.turn_to_tcp();
                }
                pending.reply = if is_useful(&answer) { Reply::Useful(Box::new(answer)) } else { Reply::Useless };
            }
        }
        if self.pending.iter().all(|p| matches!(p.reply, Reply::Useless)) {
            self.next_server();
        }
    }

    fn turn_to_tcp(&mut self) {
        self.transport = Transport::Tcp;
        self.rounds_left = 1;
        self.deadline = None;
        self.pending.iter_mut().for_each(|pending| pending.reply = Reply::Missing);
    }

    /// The server cannot be reached, or says that nobody listens there.
    pub fn handle_unreachable(&mut self) {
        self.next_server();
    }

    /// Every question has its reply, and one of them is of use.
    fn is_answered(&self) -> bool {
        self.pending.iter().all(|p| !matches!(p.reply, Reply::Missing))
            && self.pending.iter().any(|p| matches!(p.reply, Reply::Useful(_)))
    }

    fn take_answers(&mut self) -> Vec<Message> {
        let useful = |p: Pending| match p.reply {
            Reply::Useful(answer) => Some(*answer),
            Reply::Missing | Reply::Useless => None,
        };
        self.pending.drain(..).filter_map(useful).collect()
    }

    fn unanswered(&self) -> Vec<Vec<u8>> {
        let missing = self.pending.iter().filter(|p| matches!(p.reply, Reply::Missing));
        missing.map(|p| message::encode(&message::query(p.id, &p.question))).collect()
    }

    /// Later servers are waited for twice as long each, but their share of it (`send_dg`).
    fn patience(&self) -> Duration {
        if self.transport == Transport::Tcp {
            return CONNECTION_PATIENCE;
        }
        match u32::try_from(self.server) {
            Ok(server) if server > 0 => {
                let shares = u64::try_from(self.servers.len()).unwrap_or(1);
                Duration::from_secs(((self.timeout.as_secs() << server) / shares).max(1))
            }
            _ => self.timeout.max(Duration::from_secs(1)),
        }
    }

    fn next_server(&mut self) {
        for pending in &mut self.pending {
            if matches!(pending.reply, Reply::Useless) {
                pending.reply = Reply::Missing;
            }
        }
        self.deadline = None;
        self.server += 1;
        if self.server == self.servers.len() {
            self.server = 0;
            self.rounds_left = self.rounds_left.saturating_sub(1);
        }
    }
}

/// A server that fails, refuses, or gives an empty referral is passed over.
fn is_useful(answer: &Message) -> bool {
    let head = &answer.metadata;
    match head.response_code {
        ResponseCode::ServFail | ResponseCode::NotImp | ResponseCode::Refused => false,
        ResponseCode::NoError => {
            let empty = answer.answers.is_empty() && answer.additionals.is_empty() && answer.edns.is_none();
            !empty || head.authoritative || head.recursion_available
        }
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::super::message::{MessageType, Name, RData, Record, RecordType};
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn inquiry(servers: &str) -> Inquiry {
        let name = message::name("c5").unwrap();
        let questions = [(1, RecordType::A), (2, RecordType::AAAA)];
        Inquiry::new(&Config::parse(servers, "h"), questions.map(|(id, t)| (id, Query::query(name.clone(), t))).into())
    }

    fn reply(id: u16, kind: RecordType, code: ResponseCode, addr: Option<[u8; 4]>) -> Vec<u8> {
        let name: Name = message::name("c5").unwrap();
        let mut reply = message::query(id, &Query::query(name.clone(), kind));
        reply.metadata.message_type = MessageType::Response;
        reply.metadata.recursion_available = true;
        reply.metadata.response_code = code;
        reply
            .answers
            .extend(addr.map(|a| Record::from_rdata(name, 600, RData::A(core::net::Ipv4Addr::from(a).into()))));
        message::encode(&reply)
    }

    /// The server asked and how many datagrams it gets, or how long to wait.
    fn step(inquiry: &mut Inquiry, seconds: u64) -> String {
        match inquiry.poll(Instant::from_nanos(seconds * SECOND)) {
            Action::Ask(server, datagrams) => format!("ask {server} {}", datagrams.len()),
            Action::Connect(server, messages) => format!("connect {server} {}", messages.len()),
            Action::Wait(at) => format!("wait {}", at.as_nanos() / SECOND),
            Action::Done(answers) => format!("done {}", answers.len()),
        }
    }

    #[test]
    fn both_questions_are_asked_at_once_and_both_answers_awaited() {
        let mut inquiry = inquiry("nameserver 127.0.0.11");
        assert_eq!(step(&mut inquiry, 0), "ask 127.0.0.11 2");
        inquiry.handle_message(&reply(2, RecordType::AAAA, ResponseCode::NoError, None));
        assert_eq!(step(&mut inquiry, 0), "wait 5");
        inquiry.handle_message(&reply(1, RecordType::A, ResponseCode::NoError, Some([172, 25, 0, 4])));
        assert_eq!(step(&mut inquiry, 0), "done 2");
    }

    #[test]
    fn a_silent_server_costs_five_seconds_twice() {
        let mut inquiry = inquiry("nameserver 192.0.2.1");
        let steps: Vec<String> = [0, 0, 5, 5, 10].into_iter().map(|at| step(&mut inquiry, at)).collect();
        assert_eq!(steps, ["ask 192.0.2.1 2", "wait 5", "ask 192.0.2.1 2", "wait 10", "done 0"]);
    }

    #[test]
    fn later_servers_get_their_share_of_time() {
        let mut inquiry = inquiry("nameserver 10.0.0.1\nnameserver 10.0.0.2\nnameserver 10.0.0.3");
        step(&mut inquiry, 0);
        inquiry.handle_unreachable();
        let steps: Vec<String> = [0, 0, 3, 3, 9].into_iter().map(|at| step(&mut inquiry, at)).collect();
        assert_eq!(steps, ["ask 10.0.0.2 2", "wait 3", "ask 10.0.0.3 2", "wait 9", "ask 10.0.0.1 2"]);
    }

    #[test]
    fn a_server_that_fails_for_both_is_passed_over_and_for_one_is_not() {
        let mut both = inquiry("nameserver 10.0.0.1\nnameserver 10.0.0.2");
        step(&mut both, 0);
        both.handle_message(&reply(1, RecordType::A, ResponseCode::Refused, None));
        both.handle_message(&reply(2, RecordType::AAAA, ResponseCode::ServFail, None));
        assert_eq!(step(&mut both, 0), "ask 10.0.0.2 2");
        let mut one = inquiry("nameserver 10.0.0.1\nnameserver 10.0.0.2");
        step(&mut one, 0);
        one.handle_message(&reply(1, RecordType::A, ResponseCode::NoError, Some([10, 0, 0, 9])));
        one.handle_message(&reply(2, RecordType::AAAA, ResponseCode::Refused, None));
        assert_eq!(step(&mut one, 0), "done 1");
    }

    #[test]
    fn a_truncated_answer_leads_to_tcp_for_the_last_round() {
        let mut inquiry = inquiry("nameserver 10.0.0.1\nnameserver 10.0.0.2");
        step(&mut inquiry, 0);
        let mut cut = reply(1, RecordType::A, ResponseCode::NoError, None);
        cut[2] |= 0x02;
        inquiry.handle_message(&cut);
        assert_eq!(step(&mut inquiry, 0), "connect 10.0.0.1 2");
        inquiry.handle_unreachable();
        assert_eq!(step(&mut inquiry, 0), "connect 10.0.0.2 2");
        inquiry.handle_message(&reply(1, RecordType::A, ResponseCode::NoError, Some([10, 0, 0, 9])));
        assert_eq!(step(&mut inquiry, 0), "wait 127");
        inquiry.handle_unreachable();
        assert_eq!(step(&mut inquiry, 0), "done 1");
    }

    #[test]
    fn after_a_timeout_only_what_is_missing_is_asked_again() {
        let mut inquiry = inquiry("nameserver 10.0.0.1");
        step(&mut inquiry, 0);
        inquiry.handle_message(&reply(1, RecordType::A, ResponseCode::NXDomain, None));
        assert_eq!(step(&mut inquiry, 5), "ask 10.0.0.1 1");
    }
}
