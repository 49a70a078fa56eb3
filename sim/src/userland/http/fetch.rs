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
    /// It was refused, or not answered.
    Refused(SocketAddr, Errno),
    /// It stands, and the request goes out.
    Connected {
        /// The other end.
        peer: SocketAddr,
        /// Our end.
        local: SocketAddr,
        /// Whether it was made for this request.
        is_new: bool,
    },
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
    /// A connection that stands, to be used again, and who is at its other end.
    pub connection: Option<(SocketId, SocketAddr)>,
    /// Whether the connection is of use afterwards: [`Fetch::take_connection`] gives it.
    pub keep: bool,
}

/// A request under way.
#[derive(Clone, Debug)]
pub struct Fetch {
    wish: Wish,
    stage: Stage,
    /// The connection of a complete answer.
    kept: Option<SocketId>,
}

#[derive(Clone, Debug)]
enum Stage {
    /// A connection stands from before.
    Standing(SocketId, SocketAddr),
    Resolving(Lookup),
    Choosing(VecDeque<IpAddr>),
    Connecting {
        rest: VecDeque<IpAddr>,
        peer: SocketAddr,
        socket: SocketId,
    },
    /// This one did not take the connection; the others are next.
    Failed {
        rest: VecDeque<IpAddr>,
        peer: SocketAddr,
        errno: Errno,
    },
    Talking(Talk),
    /// The answer is complete; the connection when it still stands.
    Over(Option<SocketId>),
}

#[derive(Clone, Debug)]
struct Talk {
    socket: SocketId,
    outbox: Outbox,
    inbox: Vec<u8>,
    body: Body,
    /// Whether the connection may stand afterwards.
    keep: bool,
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
        let stage = match wish.connection {
            Some((socket, peer)) => Stage::Standing(socket, peer),
            None => Stage::Resolving(Lookup::new(sys, &wish.host, wish.family)),
        };
        Self { wish, stage, kept: None }
    }

    /// Whether a connection from before can carry another request: the server neither said something nor closed it.
    pub fn can_reuse(sys: &mut Sys<'_>, socket: SocketId) -> bool {
        sys.tcp_state(socket) == TcpState::Established && sys.tcp_recv(socket, 1) == Ok(Received::Blocked)
    }

    /// The connection of a complete answer, if it still stands.
    pub const fn take_connection(&mut self) -> Option<SocketId> {
        self.kept.take()
    }

    /// Gives up what is under way.
    pub fn abandon(&mut self, sys: &mut Sys<'_>) {
        match core::mem::replace(&mut self.stage, Stage::Over(None)) {
            Stage::Connecting { socket, .. } | Stage::Standing(socket, _) => sys.close(socket),
            Stage::Talking(talk) => sys.close(talk.socket),
            Stage::Resolving(_) | Stage::Choosing(_) | Stage::Failed { .. } | Stage::Over(_) => {}
        }
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

    /// Goes on; after `Done` or a failure it must not be asked again.
    pub fn poll(&mut self, sys: &mut Sys<'_>) -> Poll<Result<Event, Failure>> {
        loop {
            let stage = core::mem::replace(&mut self.stage, Stage::Over(None));
            match self.advance(sys, stage) {
                Turn::Go(stage) => self.stage = stage,
                Turn::Tell(event, stage) => {
                    if let Stage::Over(connection) = stage {
                        self.kept = connection;
                    }
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
            Stage::Failed { rest, peer, errno } if rest.is_empty() => Turn::Fail(Failure::Connect(peer, errno)),
            Stage::Failed { rest, .. } => Turn::Go(Stage::Choosing(rest)),
            Stage::Standing(socket, peer) => self.talk(sys, peer, socket, false),
            Stage::Talking(talk) => talk.step(sys, self.wish.has_body),
            Stage::Over(connection) => Turn::Wait(Stage::Over(connection)),
        }
    }

    fn candidates(&self, addresses: Vec<IpAddr>) -> VecDeque<IpAddr> {
        let mut addresses = addresses;
        let limit = if self.wish.attempts == Attempts::First { 1 } else { usize::MAX };
        // libcurl knows localhost itself, and tries it by IPv4 first.
        if self.wish.attempts == Attempts::All && self.wish.host == "localhost" {
            addresses.sort_by_key(IpAddr::is_ipv6);
        }
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
            _ => self.talk(sys, peer, socket, true),
        }
    }

    fn talk(&self, sys: &Sys<'_>, peer: SocketAddr, socket: SocketId, is_new: bool) -> Turn {
        let mut outbox = Outbox::default();
        outbox.push(&self.wish.request);
        let local = sys.network().tcp_addresses(socket).map_or(peer, |(local, _)| local);
        let keep = self.wish.keep;
        let talk = Talk { socket, outbox, inbox: Vec::new(), body: Body::NotBegun, keep, end: None };
        Turn::Tell(Event::Connected { peer, local, is_new }, Stage::Talking(talk))
    }
}

/// What a stage comes to.
enum Turn {
    Go(Stage),
    Tell(Event, Stage),
    Wait(Stage),
    Fail(Failure),
}

/// Tells of an address that refused; the next comes then, if there is one.
const fn refused(rest: VecDeque<IpAddr>, peer: SocketAddr, errno: Errno) -> Turn {
    Turn::Tell(Event::Refused(peer, errno), Stage::Failed { rest, peer, errno })
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
                // What has no length ends with the connection.
                self.keep &= head.keeps_alive() && (head.length().is_some() || !has_body);
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
        let stands = self.keep && self.end.is_none() && self.inbox.is_empty();
        if !stands {
            sys.close(self.socket);
        }
        Turn::Tell(Event::Done, Stage::Over(stands.then_some(self.socket)))
    }

    fn fail(self, sys: &mut Sys<'_>, failure: Failure) -> Turn {
        sys.close(self.socket);
        Turn::Fail(failure)
    }
}
