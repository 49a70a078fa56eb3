//! The door of the thread that owns the site: what other threads may ask of it, and how answers come back. Nothing is
//! decided here.
//!
//! How it works: commands go through one channel that never blocks. An answer comes back through a channel of its own,
//! what belongs to one moment in one piece so that nobody sees a half of it, with a `Backlog` that counts what lies in it: the owner holds the exchange when that is too much, and the client's
//! task tells it when it has taken enough.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};

use bytes::Bytes;
use netyard_drivers::engine::{Media, TalkId};
use netyard_drivers::plugin::Outcome;
use netyard_drivers::site::Transport;
use netyard_sim::fabric::NamespaceId;
use netyard_sim::userland::{ContextId, Request};
use tokio::sync::Notify;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::outside::Errand;
use super::owner::Inbox;
use super::store::Answered;
use super::tunnel::Arrived;
use super::watch::{Bell, Watch};

/// Where the simulator itself is asked: a list of words, as `netyard` has them on a host of the simulation.
pub const ASK: &str = "/netyard/ask";

/// Where one asks to see what passes a place: a list of words, the place and options of `tcpdump`. The connection becomes a
/// stream of what that shows.
pub const CAPTURE: &str = "/netyard/capture";

/// Bytes that lie ready for a client before what it watches is held up.
const ENOUGH: usize = 256 * 1024;
/// Bytes that lie ready for a client when it gets more.
const LITTLE: usize = 64 * 1024;

/// An exchange, as the threads number it.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Ticket(u64);

/// What the owner of the site is told.
#[derive(Debug)]
pub enum Command {
    /// A client asks.
    Request {
        /// Its number from now on.
        ticket: Ticket,
        /// What it asks.
        request: Request,
        /// Where the answer goes.
        reply: Reply,
    },
    /// A client of a published port comes.
    Dial {
        /// Its number from now on.
        ticket: Ticket,
        /// Where it speaks from: a namespace and the files of its programs, else the host.
        from: Option<(NamespaceId, ContextId)>,
        /// How it speaks.
        transport: Transport,
        /// To whom it speaks.
        peer: SocketAddr,
        /// Where the answer goes.
        reply: Reply,
    },
    /// A client sends more; an empty piece is the end of its input.
    Input(Ticket, Vec<u8>),
    /// A client is gone.
    Hangup(Ticket),
    /// A client that was held has taken what lay ready.
    Taken(Ticket),
    /// A plugin has answered an engine, or never will.
    Answered(usize, TalkId, Outcome),
    /// Something of the outside.
    Outside(Errand),
    /// The store has answered.
    Store(Answered),
    /// A datagram has come from another node.
    Tunnel(Arrived),
    /// It is over.
    Stop,
}

/// A part of an answer.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Part {
    /// The head; it comes first.
    Head {
        /// The HTTP status.
        status: u16,
        /// What the body is.
        media: Media,
        /// What else is said of it.
        headers: Vec<(&'static str, String)>,
    },
    /// A piece of the body.
    Body(Bytes),
    /// The body is complete.
    End,
}

impl Part {
    /// The bytes of a body in it.
    const fn len(&self) -> usize {
        match self {
            Self::Body(bytes) => bytes.len(),
            Self::Head { .. } | Self::End => 0,
        }
    }
}

/// What lies ready for a client and was not taken yet.
#[derive(Debug, Default)]
struct Backlog {
    bytes: AtomicUsize,
    is_held: AtomicBool,
    is_over: AtomicBool,
    /// Rung when input was taken.
    input_taken: Notify,
}

/// The owner's end of an answer.
#[derive(Debug)]
pub struct Reply {
    parts: UnboundedSender<Vec<Part>>,
    backlog: Arc<Backlog>,
}

impl Reply {
    /// Puts parts ready; false when the client is gone.
    #[must_use]
    pub fn send(&self, parts: Vec<Part>) -> bool {
        self.backlog.bytes.fetch_add(parts.iter().map(Part::len).sum(), Ordering::SeqCst);
        self.parts.send(parts).is_ok()
    }

    /// How many bytes lie ready.
    #[must_use]
    pub fn backlog(&self) -> usize {
        self.backlog.bytes.load(Ordering::SeqCst)
    }

    /// Holds the client when too much lies ready; whether it is held from now on.
    #[must_use]
    pub fn hold_when_full(&self) -> bool {
        if self.backlog() < ENOUGH || self.backlog.is_held.swap(true, Ordering::SeqCst) {
            return false;
        }
        // It may have taken everything in between and will not say so any more.
        self.backlog() >= LITTLE || !self.backlog.is_held.swap(false, Ordering::SeqCst)
    }

    /// Tells the client that its input was taken.
    pub fn input_taken(&self) {
        self.backlog.input_taken.notify_one();
    }
}

/// The way to the owner of the site.
#[derive(Clone, Debug)]
pub struct Door {
    commands: Sender<Command>,
    bell: Arc<Bell>,
    next: Arc<AtomicU64>,
}

impl Door {
    /// A door, and the inbox behind it.
    ///
    /// # Errors
    /// What the system says: there are no descriptors left.
    pub fn new() -> io::Result<(Self, Inbox)> {
        let (commands, inbox) = channel();
        let (watch, bell) = Watch::new()?;
        Ok((Self { commands, bell, next: Arc::default() }, Inbox::new(inbox, watch)))
    }

    /// Asks.
    #[must_use]
    pub fn ask(&self, request: Request) -> Exchange {
        self.begin(|ticket, reply| Command::Request { ticket, request, reply })
    }

    /// Speaks to an address as a program on the simulated host would. There is no head in what comes back.
    #[must_use]
    pub fn dial(&self, transport: Transport, peer: SocketAddr) -> Exchange {
        self.dial_from(None, transport, peer)
    }

    /// The same as a program in a namespace, with these files, would.
    #[must_use]
    pub fn dial_from(
        &self,
        from: Option<(NamespaceId, ContextId)>,
        transport: Transport,
        peer: SocketAddr,
    ) -> Exchange {
        self.begin(|ticket, reply| Command::Dial { ticket, from, transport, peer, reply })
    }

    /// Tells the owner something of the outside.
    pub fn send_out(&self, errand: Errand) {
        self.send(Command::Outside(errand));
    }

    /// Tells the owner what came of asking a plugin.
    pub fn answer_plugin(&self, engine: usize, talk: TalkId, outcome: Outcome) {
        self.send(Command::Answered(engine, talk, outcome));
    }

    fn begin(&self, command: impl FnOnce(Ticket, Reply) -> Command) -> Exchange {
        let (ticket, reply, exchange) = self.open();
        self.send(command(ticket, reply));
        exchange
    }

    /// Both ends of an exchange, and its number: for an owner who begins one.
    #[must_use]
    pub fn open(&self) -> (Ticket, Reply, Exchange) {
        let ticket = Ticket(self.next.fetch_add(1, Ordering::Relaxed));
        let (sender, parts) = unbounded_channel();
        let backlog = Arc::<Backlog>::default();
        let reply = Reply { parts: sender, backlog: Arc::clone(&backlog) };
        let exchange = Exchange { ticket, door: self.clone(), ready: VecDeque::new(), parts, backlog, ended: false };
        (ticket, reply, exchange)
    }

    /// Tells the owner that it is over.
    pub fn stop(&self) {
        self.send(Command::Stop);
    }

    /// An owner that is gone needs to be told nothing.
    pub(super) fn send(&self, command: Command) {
        drop(self.commands.send(command));
        self.bell.ring();
    }
}

/// A client's end of an exchange. Who drops it before its end hangs up.
#[derive(Debug)]
pub struct Exchange {
    ticket: Ticket,
    door: Door,
    /// What came with the part that was taken last.
    ready: VecDeque<Part>,
    parts: UnboundedReceiver<Vec<Part>>,
    backlog: Arc<Backlog>,
    ended: bool,
}

impl Exchange {
    /// The next part; none after the end, or when there is no owner any more.
    pub async fn next(&mut self) -> Option<Part> {
        core::future::poll_fn(|cx| self.poll_next(cx)).await
    }

    /// The next part, if it has come already.
    pub fn try_next(&mut self) -> Option<Part> {
        if self.ready.is_empty() {
            self.ready.extend(self.parts.try_recv().into_iter().flatten());
        }
        let part = self.ready.pop_front();
        self.taken(part)
    }

    /// The next part, for those who poll.
    pub fn poll_next(&mut self, cx: &mut std::task::Context<'_>) -> std::task::Poll<Option<Part>> {
        while self.ready.is_empty() {
            match std::task::ready!(self.parts.poll_recv(cx)) {
                Some(parts) => self.ready.extend(parts),
                None => return std::task::Poll::Ready(None),
            }
        }
        let part = self.ready.pop_front();
        std::task::Poll::Ready(self.taken(part))
    }

    /// Whether all parts have been taken.
    #[must_use]
    pub const fn is_over(&self) -> bool {
        self.ended
    }

    fn taken(&mut self, part: Option<Part>) -> Option<Part> {
        match &part {
            Some(Part::Body(bytes)) => {
                let left = self.backlog.bytes.fetch_sub(bytes.len(), Ordering::SeqCst) - bytes.len();
                if left < LITTLE && self.backlog.is_held.swap(false, Ordering::SeqCst) {
                    self.door.send(Command::Taken(self.ticket));
                }
            }
            Some(Part::End) => {
                self.ended = true;
                self.backlog.is_over.store(true, Ordering::SeqCst);
                self.backlog.input_taken.notify_one();
            }
            Some(Part::Head { .. }) | None => {}
        }
        part
    }

    /// A handle to send input with.
    #[must_use]
    pub fn input(&self) -> Input {
        Input { ticket: self.ticket, door: self.door.clone(), backlog: Arc::clone(&self.backlog) }
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        if !self.ended {
            self.door.send(Command::Hangup(self.ticket));
        }
    }
}

/// Where a client's input goes.
#[derive(Debug)]
pub struct Input {
    ticket: Ticket,
    door: Door,
    backlog: Arc<Backlog>,
}

impl Input {
    /// Sends a piece and waits until it was taken. After the end of the exchange it vanishes.
    pub async fn send(&self, bytes: Vec<u8>) {
        if !self.backlog.is_over.load(Ordering::SeqCst) {
            self.door.send(Command::Input(self.ticket, bytes));
            self.backlog.input_taken.notified().await;
        }
    }

    /// Ends the input.
    pub fn end(&self) {
        self.door.send(Command::Input(self.ticket, Vec::new()));
    }
}
