//! One request over one connection, from the name to the last byte: a machine inside a program that takes what happens
//! as [`Event`]s. What is printed, kept and timed out is the program's.

use core::net::{IpAddr, SocketAddr};
use core::task::Poll;
use std::collections::VecDeque;

use super::{HEAD_MAX, Response};
use crate::namespace::{Received, TcpState};
use crate::socket::SocketId;
use crate::time::Instant;
use crate::userland::lookup::{Family, Lookup, LookupError};
use crate::userland::outbox::Outbox;
use crate::userland::{Errno, Sys};

/// Bytes taken from the connection at once.
const CHUNK: usize = 65536;

/// What happened.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Event {
    /// A connection to this address was begun.
    Connecting(SocketAddr),
    /// It stands, and the request goes out.
    Connected(SocketAddr),
    /// The head of the answer came.
    Head(Response),
    /// A part of the body came.
    Body(Vec<u8>),
    /// The answer is complete.
    Done,
}

/// Why there is no complete answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Failure {
    /// The name has no address.
    Lookup(LookupError),
    /// No address of it took the connection; the last one said this.
    Connect(SocketAddr, Errno),
    /// The connection broke.
    Broken(Errno),
    /// It was closed before a byte came.
    Empty,
    /// It was closed this many bytes before the end.
    Short(u64),
    /// The answer is not HTTP.
    Malformed,
}

/// Whether every address of a name is tried.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Attempts {
    /// Only the first.
    First,
    /// One after the other, until one takes the connection.
    All,
}

/// What is wanted.
#[derive(Clone, Debug)]
pub struct Wish {
    /// Name or address of the server.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Which of its addresses.
    pub family: Family,
    /// How many of them.
    pub attempts: Attempts,
    /// The request, head and body.
    pub request: Vec<u8>,
    /// Whether the answer has a body, as one to `HEAD` has not.
    pub has_body: bool,
}

/// A request under way.
#[derive(Debug)]
pub struct Fetch {
    wish: Wish,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    Resolving(Lookup),
    Choosing(VecDeque<IpAddr>),
    Connecting { rest: VecDeque<IpAddr>, peer: SocketAddr, socket: SocketId },
    Talking(Talk),
    Over,
}

#[derive(Debug)]
struct Talk {
    socket: SocketId,
    outbox: Outbox,
    inbox: Vec<u8>,
    body: Body,
    /// Whether the peer has closed or broken the connection.
    end: Option<Result<(), Errno>>,
}

/// What is still to come of the answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Body {
    /// All of it, the head first.
    NotBegun,
    /// This many bytes.
    Left(u64),
    /// Bytes until the connection ends.
    UntilEnd,
}

impl Fetch {
    /// Begins with the name.
    #[must_use]
    pub fn new(sys: &Sys<'_>, wish: Wish) -> Self {
        let lookup = Lookup::new(sys, &wish.host, wish.family);
        Self { wish, stage: Stage::Resolving(lookup) }
    }

    /// When to poll again at the latest.
    #[must_use]
    pub const fn next_at(&self) -> Option<Instant> {
        match &self.stage {
            Stage::Resolving(lookup) => lookup.next_at(),
            _ => None,
        }
    }

    /// Whether the name has no address yet.
    #[must_use]
    pub const fn is_resolving(&self) -> bool {
        matches!(self.stage, Stage::Resolving(_))
    }

    /// Whether the connection stands.
    #[must_use]
    pub const fn is_connected(&self) -> bool {
        matches!(self.stage, Stage::Talking(_))
    }

    /// Goes on; after `Done` or a failure it must not be asked again.
    pub fn poll(&mut self, sys: &mut Sys<'_>) -> Poll<Result<Event, Failure>> {
        loop {
            let stage = core::mem::replace(&mut self.stage, Stage::Over);
            match self.advance(sys, stage) {
                Turn::Go(stage) => self.stage = stage,
                Turn::Tell(event, stage) => {
                    self.stage = stage;
                    return Poll::Ready(Ok(event));
                }
                Turn::Wait(stage) => {
                    self.stage = stage;
                    return Poll::Pending;
                }
                Turn::Fail(failure) => return Poll::Ready(Err(failure)),
            }
        }
    }

    fn advance(&self, sys: &mut Sys<'_>, stage: Stage) -> Turn {
        match stage {
            Stage::Resolving(mut lookup) => match lookup.poll(sys) {
                Poll::Pending => Turn::Wait(Stage::Resolving(lookup)),
                Poll::Ready(Err(error)) => Turn::Fail(Failure::Lookup(error)),
                Poll::Ready(Ok(found)) => Turn::Go(Stage::Choosing(self.candidates(found.addresses))),
            },
            Stage::Choosing(rest) => self.connect(sys, rest),
            Stage::Connecting { rest, peer, socket } => self.connecting(sys, rest, peer, socket),
            Stage::Talking(talk) => talk.step(sys, self.wish.has_body),
            Stage::Over => Turn::Wait(Stage::Over),
        }
    }

    fn candidates(&self, addresses: Vec<IpAddr>) -> VecDeque<IpAddr> {
        let limit = if self.wish.attempts == Attempts::First { 1 } else { usize::MAX };
        addresses.into_iter().take(limit).collect()
    }

    fn connect(&self, sys: &mut Sys<'_>, mut rest: VecDeque<IpAddr>) -> Turn {
        let Some(addr) = rest.pop_front() else { return Turn::Fail(Failure::Lookup(LookupError::NoAddress)) };
        let peer = SocketAddr::new(addr, self.wish.port);
        match sys.tcp_connect(peer) {
            Ok(socket) => Turn::Tell(Event::Connecting(peer), Stage::Connecting { rest, peer, socket }),
            Err(errno) => refused(rest, peer, errno),
        }
    }

    fn connecting(&self, sys: &mut Sys<'_>, rest: VecDeque<IpAddr>, peer: SocketAddr, socket: SocketId) -> Turn {
        match sys.tcp_state(socket) {
            TcpState::SynSent => Turn::Wait(Stage::Connecting { rest, peer, socket }),
            TcpState::Closed => {
                let errno = sys.tcp_recv(socket, 1).err().unwrap_or(Errno::ConnectionReset);
                sys.close(socket);
                refused(rest, peer, errno)
            }
            _ => {
                let mut outbox = Outbox::default();
                outbox.push(&self.wish.request);
                let talk = Talk { socket, outbox, inbox: Vec::new(), body: Body::NotBegun, end: None };
                Turn::Tell(Event::Connected(peer), Stage::Talking(talk))
            }
        }
    }
}

/// What a stage comes to.
enum Turn {
    Go(Stage),
    Tell(Event, Stage),
    Wait(Stage),
    Fail(Failure),
}

/// The next address after one that refused, if there is one.
fn refused(rest: VecDeque<IpAddr>, peer: SocketAddr, errno: Errno) -> Turn {
    if rest.is_empty() { Turn::Fail(Failure::Connect(peer, errno)) } else { Turn::Go(Stage::Choosing(rest)) }
}

impl Talk {
    fn step(mut self, sys: &mut Sys<'_>, has_body: bool) -> Turn {
        // A server may answer and close before it has read everything; the answer counts.
        let _ = self.outbox.flush(sys, self.socket);
        self.receive(sys);
        match self.body {
            Body::NotBegun => self.head(sys, has_body),
            Body::Left(0) => self.finish(sys),
            Body::Left(_) | Body::UntilEnd => self.body(sys),
        }
    }

    fn receive(&mut self, sys: &mut Sys<'_>) {
        while self.end.is_none() && self.inbox.len() < CHUNK {
            match sys.tcp_recv(self.socket, CHUNK) {
                Ok(Received::Data(bytes)) => self.inbox.extend(bytes),
                Ok(Received::Blocked) => return,
                Ok(Received::Closed) => self.end = Some(Ok(())),
                Err(errno) => self.end = Some(Err(errno)),
            }
        }
    }

    fn head(mut self, sys: &mut Sys<'_>, has_body: bool) -> Turn {
        match Response::parse(&self.inbox) {
            Ok(Some((head, len))) => {
                self.inbox.drain(..len);
                self.body = match head.length() {
                    _ if !has_body => Body::Left(0),
                    Some(length) => Body::Left(length),
                    None => Body::UntilEnd,
                };
                Turn::Tell(Event::Head(head), Stage::Talking(self))
            }
            Ok(None) if self.inbox.len() < HEAD_MAX => match self.end {
                None => Turn::Wait(Stage::Talking(self)),
                Some(Err(errno)) => self.fail(sys, Failure::Broken(errno)),
                Some(Ok(())) if self.inbox.is_empty() => self.fail(sys, Failure::Empty),
                Some(Ok(())) => self.fail(sys, Failure::Malformed),
            },
            Ok(None) | Err(_) => self.fail(sys, Failure::Malformed),
        }
    }

    fn body(mut self, sys: &mut Sys<'_>) -> Turn {
        if self.inbox.is_empty() {
            return match (self.end, self.body) {
                (None, _) => Turn::Wait(Stage::Talking(self)),
                (Some(Err(errno)), _) => self.fail(sys, Failure::Broken(errno)),
                (Some(Ok(())), Body::Left(left)) => self.fail(sys, Failure::Short(left)),
                (Some(Ok(())), _) => self.finish(sys),
            };
        }
        let mut bytes = core::mem::take(&mut self.inbox);
        if let Body::Left(left) = self.body {
            bytes.truncate(usize::try_from(left).unwrap_or(usize::MAX));
            self.body = Body::Left(left - bytes.len() as u64);
        }
        Turn::Tell(Event::Body(bytes), Stage::Talking(self))
    }

    fn finish(self, sys: &mut Sys<'_>) -> Turn {
        sys.close(self.socket);
        Turn::Tell(Event::Done, Stage::Over)
    }

    fn fail(self, sys: &mut Sys<'_>, failure: Failure) -> Turn {
        sys.close(self.socket);
        Turn::Fail(failure)
    }
}
