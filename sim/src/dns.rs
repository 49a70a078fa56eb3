//! DNS servers as values: a query's bytes and the time go in, replies and questions for other servers come out.
//! Three kinds share one type: Docker's embedded server 127.0.0.11, which every container on a user network has to
//! itself, the server of the LAN's gateway, and one that says the same to everybody. Nothing here owns a socket, sends a packet or knows which container
//! asks: the namespace carries the actions out, and `drivers` pushes the records down.
//!
//! A message is bare, over TCP too: the two bytes of length are the carrier's business. What is forwarded goes out the
//! way the client's query came: a TCP client's by a TCP connection of its own.

mod embedded;
mod forward;
pub mod framing;
mod lan;
mod records;
mod uniform;
mod wire;

use core::net::SocketAddr;
use std::collections::VecDeque;

use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::RecordType;

pub use self::embedded::{Outcome, Unqualified, answer};
pub use self::forward::{ATTEMPTS_MAX, PENDING_MAX, SILENCE};
pub use self::lan::Lan;
pub use self::records::{Records, Zone};
pub use self::uniform::Manner;

use self::forward::Forwards;
use self::wire::{Compression, Incoming};
use crate::rng::Rng;
use crate::time::{Duration, Instant};

/// What carried a query; it limits the size of the answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Transport {
    /// 512 bytes, or what the client's EDNS record allows.
    Udp,
    /// As much as a message can hold.
    Tcp,
}

/// Who asked, and so who gets the reply.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Client {
    /// Where the query came from.
    pub addr: SocketAddr,
    /// How it came.
    pub transport: Transport,
}

/// What a server wants done.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Action {
    /// Send `bytes` to the client, the way its query came.
    Reply {
        /// Who gets them.
        client: Client,
        /// The message.
        bytes: Vec<u8>,
    },
    /// Ask another server; what it says goes to [`Server::handle_response`].
    Query {
        /// Who is asked.
        upstream: SocketAddr,
        /// How.
        transport: Transport,
        /// The message.
        bytes: Vec<u8>,
    },
}

/// Where a server takes its answers from.
#[derive(Clone, Debug)]
enum Mode {
    Embedded { rng: Rng, forwards: Forwards },
    Lan(Lan),
    Uniform(Manner),
}

/// What servers have been seen to do wrong.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Quirks {
    /// A known name without an IPv6 address is denied (NXDOMAIN) when that is asked for, as if there were no such name.
    pub denies_missing_v6: bool,
    /// How long after it was told of records it knows them.
    pub lag: Duration,
}

/// One DNS server with the queries it is waiting for.
#[derive(Clone, Debug)]
pub struct Server {
    /// The names an embedded server knows.
    pub records: Records,
    /// Who an embedded server asks about names that it does not know, in this order; only the first
    /// [`ATTEMPTS_MAX`] count. With none such queries get no reply.
    pub upstreams: Vec<SocketAddr>,
    /// What an embedded server does with unknown names without a dot.
    pub unqualified: Unqualified,
    /// What an embedded server does wrong; nothing, usually.
    pub quirks: Quirks,
    /// Records that are not known yet, and when they will be, the earliest first.
    late: VecDeque<(Instant, Records)>,
    mode: Mode,
}

impl Server {
    /// A server like the one behind 127.0.0.11, knowing nothing yet. `rng` orders the addresses of a name and makes
    /// the ids of forwarded queries.
    #[must_use]
    pub fn embedded(rng: Rng) -> Self {
        Self::with_mode(Mode::Embedded { rng, forwards: Forwards::default() })
    }

    /// A server that knows `zone` and nothing else, like the one of the LAN's gateway.
    #[must_use]
    pub fn lan(zone: Lan) -> Self {
        Self::with_mode(Mode::Lan(zone))
    }

    /// A server that treats every query alike.
    #[must_use]
    pub fn uniform(manner: Manner) -> Self {
        Self::with_mode(Mode::Uniform(manner))
    }

    fn with_mode(mode: Mode) -> Self {
        Self {
            records: Records::default(),
            upstreams: Vec::new(),
            unqualified: Unqualified::Forward,
            quirks: Quirks::default(),
            late: VecDeque::new(),
            mode,
        }
    }

    /// Is told that these are the records from now on.
    pub fn learn(&mut self, now: Instant, records: Records) {
        if self.quirks.lag.is_zero() {
            self.late.clear();
            self.records = records;
        } else {
            self.late.push_back((now + self.quirks.lag, records));
        }
    }

    /// Takes in a query. What is no query at all (too short, or a response) gets no reply.
    pub fn handle_query(&mut self, now: Instant, client: Client, bytes: &[u8], out: &mut Vec<Action>) {
        while self.late.front().is_some_and(|(at, _)| *at <= now) {
            self.records = self.late.pop_front().expect("there is a first").1;
        }
        let incoming = wire::read(bytes);
        match &mut self.mode {
            Mode::Lan(lan) => reply(out, client, lan.reply(incoming), Compression::On, wire::TCP_SIZE_MAX),
            Mode::Uniform(manner) => {
                reply(out, client, manner.reply(client.transport, incoming), Compression::On, wire::TCP_SIZE_MAX);
            }
            Mode::Embedded { rng, forwards } => match incoming {
                Incoming::Nothing => {}
                Incoming::Unfit(header) => {
                    reply(out, client, Some(embedded::refusal(header)), Compression::Off, wire::UDP_SIZE);
                }
                Incoming::Query(query) => match answer(&self.records, self.unqualified, &query, rng) {
                    Outcome::Ignore => {}
                    Outcome::Forward => forwards.start(now, client, bytes, &self.upstreams, rng, out),
                    Outcome::Reply(mut message) => {
                        if self.quirks.denies_missing_v6 && is_empty_for_v6(&message) {
                            message.metadata.response_code = ResponseCode::NXDomain;
                        }
                        reply(out, client, Some(message), Compression::Off, wire::size_max(client.transport, &query));
                    }
                },
            },
        }
    }

    /// Takes in what `upstream` answered. It is ignored unless a query waits for just that server.
    pub fn handle_response(&mut self, now: Instant, upstream: SocketAddr, bytes: &[u8], out: &mut Vec<Action>) {
        if let Mode::Embedded { forwards, .. } = &mut self.mode {
            forwards.respond(now, upstream, bytes, out);
        }
    }

    /// Takes in that `upstream` cannot be asked by UDP: an ICMP error came back, or there is no way to send to it. The
    /// queries that wait for it go on to the next server at once (fact 48: a closed port costs no time).
    pub fn handle_unreachable(&mut self, now: Instant, upstream: SocketAddr, out: &mut Vec<Action>) {
        if let Mode::Embedded { forwards, .. } = &mut self.mode {
            forwards.fail(now, upstream, out);
        }
    }

    /// Takes in that the TCP connection which carried `query` to a server ended without an answer.
    pub fn handle_broken(&mut self, now: Instant, query: &[u8], out: &mut Vec<Action>) {
        if let Mode::Embedded { forwards, .. } = &mut self.mode {
            forwards.break_off(now, query, out);
        }
    }

    /// Gives up on servers that were silent for too long. Call it at [`Self::next_at`].
    pub fn poll(&mut self, now: Instant, out: &mut Vec<Action>) {
        if let Mode::Embedded { forwards, .. } = &mut self.mode {
            forwards.expire(now, out);
        }
    }

    /// When [`Self::poll`] has something to do.
    #[must_use]
    pub fn next_at(&self) -> Option<Instant> {
        match &self.mode {
            Mode::Embedded { forwards, .. } => forwards.next_at(),
            Mode::Lan(_) | Mode::Uniform(_) => None,
        }
    }
}

/// Whether a reply says that a name has no IPv6 address.
fn is_empty_for_v6(message: &Message) -> bool {
    let asked = message.queries.first().map(|question| question.query_type());
    asked == Some(RecordType::AAAA) && message.answers.is_empty()
}

/// Puts `message` out as the reply; one that cannot be written (a label of 64 bytes) is not sent, as in the engine.
fn reply(out: &mut Vec<Action>, client: Client, message: Option<Message>, compression: Compression, size_max: u16) {
    if let Some(bytes) = message.and_then(|m| wire::write(m, compression, size_max)) {
        out.push(Action::Reply { client, bytes });
    }
}

#[cfg(test)]
mod tests;
