//! One query and its answer as bind 9.18's tools go about it: one server at a time, some tries, and a line for each
//! that failed. `dig` and the hosts' `nslookup` share it; programs that only want addresses use `lookup`.
//!
//! There is no TCP here: a truncated answer is taken as it is.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use core::task::Poll;
use core::time::Duration;

use super::lookup::Family;
use super::lookup::config::Config;
use super::lookup::message::{self, Message, ResponseCode};
use super::{Errno, Sys};
use crate::addr;
use crate::socket::{Datagram, SendOptions, SocketId};
use crate::time::Instant;

/// What to do when a server answers SERVFAIL.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum OnServfail {
    /// Take it for the answer (dig).
    Keep,
    /// Ask the next server (nslookup).
    MoveOn,
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
}

/// What follows a failed try.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Next {
    Ask,
    GiveUp,
}

/// Whose turn it is.
#[derive(Debug)]
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
        };
        let again = self.tries_left > 1;
        if again {
            self.tries_left -= 1;
        } else {
            self.server += 1;
        }
        let next = if self.server < self.plan.servers.len() { Next::Ask } else { Next::GiveUp };
        let hopeless = matches!(failure, Failure::Setup(_)) && (again || next == Next::GiveUp);
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
#[derive(Debug)]
pub struct Exchange {
    turns: Turns,
    query: Message,
    socket: Option<SocketId>,
    sent_at: Instant,
}

impl Exchange {
    /// A query to be sent by the first `poll`.
    #[must_use]
    pub const fn new(plan: Plan, query: Message) -> Self {
        let tries_left = plan.tries;
        Self { turns: Turns { plan, server: 0, tries_left }, query, socket: None, sent_at: Instant::ZERO }
    }

    /// Goes on; prints what failed. Ready once.
    pub fn poll(&mut self, sys: &mut Sys<'_>) -> Poll<Outcome> {
        loop {
            let failure = match self.socket {
                None => match self.ask(sys) {
                    Ok(()) => continue,
                    Err(error) => Failure::Setup(error),
                },
                Some(socket) => match sys.recv_from(socket) {
                    Ok(Some(datagram)) => match self.receive(sys, &datagram) {
                        Some(answer) => return Poll::Ready(Outcome::Answer(Box::new(answer))),
                        None => continue,
                    },
                    Ok(None) if sys.now() < self.deadline() => return Poll::Pending,
                    Ok(None) => Failure::Communication(Errno::TimedOut),
                    Err(error) => Failure::Communication(error),
                },
            };
            let (text, next) = self.turns.failed(failure);
            sys.print(text);
            self.close(sys);
            match (next, failure) {
                (Next::Ask, _) => {}
                (Next::GiveUp, Failure::Communication(_)) => return Poll::Ready(Outcome::Unreachable),
                (Next::GiveUp, Failure::Setup(_)) => return Poll::Ready(Outcome::Unsendable),
            }
        }
    }

    /// When to poll again at the latest.
    #[must_use]
    pub fn next_at(&self) -> Option<Instant> {
        self.socket.map(|_| self.deadline())
    }

    fn deadline(&self) -> Instant {
        self.sent_at + self.turns.plan.timeout
    }

    fn ask(&mut self, sys: &mut Sys<'_>) -> Result<(), Errno> {
        let peer = self.turns.plan.servers[self.turns.server].1;
        let socket = sys.udp_bind(SocketAddr::new(addr::unspecified(peer.ip()), 0))?;
        self.socket = Some(socket);
        self.sent_at = sys.now();
        sys.udp_connect(socket, peer)?;
        sys.send_to(socket, peer, &message::encode(&self.query), SendOptions::default())
    }

    /// The answer in a datagram, unless it fits no query of ours or sends us to the next server.
    fn receive(&mut self, sys: &mut Sys<'_>, datagram: &Datagram) -> Option<Answer> {
        let question = self.query.queries.first().expect("a query has a question");
        let message = message::answer_to(self.query.metadata.id, question, &datagram.data)?;
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
        Some(Answer { message, len: datagram.data.len(), server, took: sys.now() - self.sent_at })
    }

    fn close(&mut self, sys: &mut Sys<'_>) {
        if let Some(socket) = self.socket.take() {
            sys.close(socket);
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
