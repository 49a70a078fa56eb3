//! One query and its answer as bind 9.18's tools go about it: one server at a time, some tries, and a line for each
//! that failed. `dig` and the hosts' `nslookup` share it; programs that only want addresses use `lookup`.
//!
//! A truncated answer is asked for again by TCP, unless the plan says otherwise. A question by TCP is a connection of
//! its own.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use core::task::Poll;
use core::time::Duration;

use super::lookup::Family;
use super::lookup::config::Config;
use super::lookup::connection::{Asked, Connection};
use super::lookup::message::{self, Message, ResponseCode};
use super::{Errno, Sys};
use crate::addr;
use crate::dns::Transport;
use crate::socket::SendOptions;
use crate::time::Instant;

/// What to do when a server answers SERVFAIL.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum OnServfail {
    /// Take it for the answer (dig).
    Keep,
    /// Ask the next server (nslookup).
    MoveOn,
}

/// What to do when an answer by UDP is truncated.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum OnTruncation {
    /// Take it as it is (`+ignore`).
    Keep,
    /// Ask again by TCP.
    Retry,
    /// The same, and say so.
    RetryAloud,
}

/// Whom to ask and how long.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Plan {
    /// The servers, in order; each with the name that it was called by.
    pub servers: Vec<(String, SocketAddr)>,
    /// How often to ask in all before each further server gets one try.
    pub tries: u32,
    /// How long to wait each time.
    pub timeout: Duration,
    /// What SERVFAIL means.
    pub on_servfail: OnServfail,
    /// How to ask.
    pub transport: Transport,
    /// What a truncated answer means.
    pub on_truncation: OnTruncation,
    /// The name asked for, as messages about failures show it.
    pub subject: String,
}

/// How it ended.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// A server answered.
    Answer(Box<Answer>),
    /// No server did, though packets were sent.
    Unreachable,
    /// No packet could be sent at all; the message that no server could be reached is out.
    Unsendable,
}

/// An answer and where it came from.
#[derive(Clone, Debug)]
pub struct Answer {
    /// What it says.
    pub message: Message,
    /// Its bytes on the wire.
    pub len: usize,
    /// The server, as it was called and by address.
    pub server: (String, SocketAddr),
    /// How it came.
    pub transport: Transport,
    /// From the last query to here.
    pub took: Duration,
}

/// Why a try failed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Failure {
    /// Nothing came in time, or the answer was an error of the network.
    Communication(Errno),
    /// The socket could not be set up.
    Setup(Errno),
    /// There was no TCP connection.
    Connection(Errno),
}

/// What follows a failed try.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Next {
    Ask,
    GiveUp,
}

/// Whose turn it is.
#[derive(Clone, Debug)]
struct Turns {
    plan: Plan,
    server: usize,
    tries_left: u32,
}

impl Turns {
    /// The line about a failure, and what follows.
    fn failed(&mut self, failure: Failure) -> (String, Next) {
        let (_, peer) = &self.plan.servers[self.server];
        let line = match failure {
            Failure::Communication(error) => format!(";; communications error to {}: {}\n", show(*peer), reason(error)),
            Failure::Setup(error) => {
                let (ip, subject) = (peer.ip(), &self.plan.subject);
                format!(";; UDP setup with {}({ip}) for {subject} failed: {}.\n", show(*peer), reason(error))
            }
            Failure::Connection(error) => {
                let ((name, _), subject) = (&self.plan.servers[self.server], &self.plan.subject);
                format!(";; Connection to {}({name}) for {subject} failed: {}.\n", show(*peer), reason(error))
            }
        };
        let again = self.tries_left > 1;
        if again {
            self.tries_left -= 1;
        } else {
            self.server += 1;
        }
        let next = if self.server < self.plan.servers.len() { Next::Ask } else { Next::GiveUp };
        let hopeless = !matches!(failure, Failure::Communication(_)) && (again || next == Next::GiveUp);
        (if hopeless { line + NO_SERVERS } else { line }, next)
    }

    /// The line about a SERVFAIL that is not simply taken, and what follows.
    fn servfail(&mut self) -> (String, Next) {
        let ip = self.plan.servers[self.server].1.ip();
        if self.server + 1 < self.plan.servers.len() {
            self.server += 1;
            return (format!(";; Got SERVFAIL reply from {ip}, trying next server\n"), Next::Ask);
        }
        (format!(";; Got SERVFAIL reply from {ip}\n"), Next::GiveUp)
    }
}

/// What is printed when all failed.
pub const NO_SERVERS: &str = ";; no servers could be reached\n";

/// A server as bind writes it: `192.0.2.1#53`.
#[must_use]
pub fn show(peer: SocketAddr) -> String {
    format!("{}#{}", peer.ip(), peer.port())
}

/// The servers of resolv.conf; when it names none, this machine by both its addresses.
#[must_use]
pub fn default_servers(sys: &Sys<'_>, family: Family, port: u16) -> Vec<(String, SocketAddr)> {
    let mut servers = config(sys).servers;
    if servers.is_empty() {
        servers = vec![IpAddr::V6(Ipv6Addr::LOCALHOST), IpAddr::V4(Ipv4Addr::LOCALHOST)];
    }
    let servers = servers.into_iter().filter(|addr| family.has(*addr));
    servers.map(|addr| (addr.to_string(), SocketAddr::new(addr, port))).collect()
}

/// The names to try for `name` with the search list, in order. A name with `ndots` dots stands for itself alone.
#[must_use]
pub fn names(sys: &Sys<'_>, name: &str, ndots: Option<usize>) -> Vec<String> {
    let config = config(sys);
    searched(name, &config.search, ndots.unwrap_or(config.ndots))
}

fn config(sys: &Sys<'_>) -> Config {
    Config::parse(&sys.files().text("/etc/resolv.conf"), sys.hostname())
}

fn searched(name: &str, search: &[String], ndots: usize) -> Vec<String> {
    let domains = if name.matches('.').count() >= ndots { &[] } else { search };
    domains.iter().map(|domain| format!("{name}.{domain}")).chain([name.to_owned()]).collect()
}

/// An error in bind's words.
fn reason(error: Errno) -> String {
    let text = match error {
        Errno::AddressInUse => "address in use",
        Errno::AddressNotAvailable => "address not available",
        Errno::AccessDenied | Errno::NotPermitted => "permission denied",
        Errno::ConnectionRefused => "connection refused",
        Errno::ConnectionReset => "connection reset",
        Errno::HostUnreachable => "host unreachable",
        Errno::NetworkDown => "network down",
        Errno::NetworkUnreachable => "network unreachable",
        Errno::TimedOut => "timed out",
        other => return other.to_string().to_lowercase(),
    };
    text.to_owned()
}

/// A query under way.
#[derive(Clone, Debug)]
pub struct Exchange {
    turns: Turns,
    query: Message,
    asked: Option<Asked>,
    sent_at: Instant,
}

impl Exchange {
    /// A query to be sent by the first `poll`.
    #[must_use]
    pub const fn new(plan: Plan, query: Message) -> Self {
        let tries_left = plan.tries;
        Self { turns: Turns { plan, server: 0, tries_left }, query, asked: None, sent_at: Instant::ZERO }
    }

    /// Goes on; prints what failed. Ready once.
    pub fn poll(&mut self, sys: &mut Sys<'_>) -> Poll<Outcome> {
        loop {
            let failure = match self.progress(sys) {
                Ok(Some(bytes)) => match self.receive(sys, &bytes) {
                    Some(answer) => return Poll::Ready(Outcome::Answer(Box::new(answer))),
                    None => continue,
                },
                Ok(None) if sys.now() < self.deadline() => return Poll::Pending,
                Ok(None) => self.silence(),
                Err(failure) => failure,
            };
            let (text, next) = self.turns.failed(failure);
            sys.print(text);
            self.close(sys);
            match (next, failure) {
                (Next::Ask, _) => {}
                (Next::GiveUp, Failure::Communication(_)) => return Poll::Ready(Outcome::Unreachable),
                (Next::GiveUp, Failure::Connection(_) | Failure::Setup(_)) => {
                    return Poll::Ready(Outcome::Unsendable);
                }
            }
        }
    }

    /// When to poll again at the latest.
    #[must_use]
    pub fn next_at(&self) -> Option<Instant> {
        self.asked.as_ref().map(|_| self.deadline())
    }

    fn deadline(&self) -> Instant {
        self.sent_at + self.turns.plan.timeout
    }

    /// What it means that nothing came in time.
    const fn silence(&self) -> Failure {
        match &self.asked {
            Some(Asked::Tcp(connection)) if !connection.is_sent() => Failure::Connection(Errno::TimedOut),
            _ => Failure::Communication(Errno::TimedOut),
        }
    }

    /// Asks if nobody was asked yet, and takes the bytes of an answer when they are there.
    fn progress(&mut self, sys: &mut Sys<'_>) -> Result<Option<Vec<u8>>, Failure> {
        if self.asked.is_none() {
            match self.turns.plan.transport {
                Transport::Udp => self.ask(sys).map_err(Failure::Setup)?,
                Transport::Tcp => self.connect(sys).map_err(Failure::Connection)?,
            }
        }
        match &mut self.asked {
            None => Ok(None),
            Some(Asked::Udp(socket)) => {
                let datagram = sys.recv_from(*socket).map_err(Failure::Communication)?;
                Ok(datagram.map(|datagram| datagram.data))
            }
            Some(Asked::Tcp(connection)) => connection.poll(sys).map_err(|error| match connection.is_sent() {
                true => Failure::Communication(error),
                false => Failure::Connection(error),
            }),
        }
    }

    fn peer(&self) -> SocketAddr {
        self.turns.plan.servers[self.turns.server].1
    }

    fn ask(&mut self, sys: &mut Sys<'_>) -> Result<(), Errno> {
        let peer = self.peer();
        let socket = sys.udp_bind(SocketAddr::new(addr::unspecified(peer.ip()), 0))?;
        self.asked = Some(Asked::Udp(socket));
        self.sent_at = sys.now();
        sys.udp_connect(socket, peer)?;
        sys.send_to(socket, peer, &message::encode(&self.query), SendOptions::default())
    }

    fn connect(&mut self, sys: &mut Sys<'_>) -> Result<(), Errno> {
        self.sent_at = sys.now();
        let connection = Connection::open(sys, self.peer(), &[message::encode(&self.query)])?;
        self.asked = Some(Asked::Tcp(connection));
        Ok(())
    }

    /// The answer in a message, unless it fits no query of ours, sends us to the next server or has to be asked for by
    /// TCP.
    fn receive(&mut self, sys: &mut Sys<'_>, bytes: &[u8]) -> Option<Answer> {
        let question = self.query.queries.first().expect("a query has a question");
        let message = message::answer_to(self.query.metadata.id, question, bytes)?;
        let transport = self.turns.plan.transport;
        if message.metadata.truncation
            && transport == Transport::Udp
            && self.turns.plan.on_truncation != OnTruncation::Keep
        {
            if self.turns.plan.on_truncation == OnTruncation::RetryAloud {
                sys.print(";; Truncated, retrying in TCP mode.\n");
            }
            self.turns.plan.transport = Transport::Tcp;
            self.close(sys);
            return None;
        }
        let server = self.turns.plan.servers[self.turns.server].clone();
        let failed = message.metadata.response_code == ResponseCode::ServFail;
        if failed && self.turns.plan.on_servfail == OnServfail::MoveOn {
            let (text, next) = self.turns.servfail();
            sys.print(text);
            if next == Next::Ask {
                self.close(sys);
                return None;
            }
        }
        self.close(sys);
        Some(Answer { message, len: bytes.len(), server, transport, took: sys.now() - self.sent_at })
    }

    fn close(&mut self, sys: &mut Sys<'_>) {
        if let Some(asked) = self.asked.take() {
            asked.close(sys);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turns(servers: &[&str], tries: u32) -> Turns {
        let servers = servers.iter().map(|s| ((*s).to_owned(), SocketAddr::new(s.parse().unwrap(), 53))).collect();
        let plan = Plan {
            servers,
            tries,
            timeout: Duration::from_secs(5),
            on_servfail: OnServfail::MoveOn,
            transport: Transport::Udp,
            on_truncation: OnTruncation::Retry,
            subject: "www.lan".to_owned(),
        };
        Turns { plan, server: 0, tries_left: tries }
    }

    /// All lines until it gives up.
    fn lines(mut turns: Turns, failure: Failure) -> String {
        let mut text = String::new();
        loop {
            let (line, next) = turns.failed(failure);
            text += &line;
            if next == Next::GiveUp {
                return text;
            }
        }
    }

    #[test]
    fn the_first_server_gets_all_tries_and_the_others_one() {
        let text = lines(turns(&["10.0.0.1", "10.0.0.2"], 3), Failure::Communication(Errno::TimedOut));
        let first = ";; communications error to 10.0.0.1#53: timed out\n";
        assert_eq!(text, format!("{}{}", first.repeat(3), first.replace("10.0.0.1", "10.0.0.2")));
    }

    #[test]
    fn a_socket_that_cannot_be_set_up_says_so_each_time() {
        let line = ";; UDP setup with 10.55.0.1#53(10.55.0.1) for www.lan failed: network unreachable.\n";
        let text = lines(turns(&["10.55.0.1"], 3), Failure::Setup(Errno::NetworkUnreachable));
        assert_eq!(text, format!("{line}{NO_SERVERS}").repeat(3));
    }

    #[test]
    fn short_names_are_searched_and_long_ones_are_not() {
        let search = ["foo", "lan"].map(str::to_owned);
        assert_eq!(searched("www", &search, 1), ["www.foo", "www.lan", "www"]);
        assert_eq!(searched("www.x", &search, 1), ["www.x"]);
        assert_eq!(searched("www", &search, 0), ["www"]);
    }

    #[test]
    fn servfail_leads_to_the_next_server_while_there_is_one() {
        let mut turns = turns(&["10.0.0.1", "10.0.0.2"], 3);
        let moved = turns.servfail();
        assert_eq!(moved, (";; Got SERVFAIL reply from 10.0.0.1, trying next server\n".to_owned(), Next::Ask));
        assert_eq!(turns.servfail(), (";; Got SERVFAIL reply from 10.0.0.2\n".to_owned(), Next::GiveUp));
        assert_eq!(turns.tries_left, 3);
    }
}
