//! Both directions of `nc`: standard input to the peer, the peer to standard output, and when that is over.

use core::net::SocketAddr;
use core::time::Duration;

use crate::namespace::Received;
use crate::socket::{SendOptions, SocketId};
use crate::time::Instant;
use crate::userland::outbox::Outbox;
use crate::userland::{Errno, Flavour, Read, Step, Sys};

use super::options::Options;

/// Bytes moved at once.
const CHUNK: usize = 16384;

/// When a relay ends, as its flavour and options have it.
#[derive(Clone, Copy, Debug)]
struct Ends {
    /// Whether it ends as soon as the peer does. OpenBSD's goes on while there is something to be read, unless it listens.
    with_peer: bool,
    /// Whether an error of the socket ends it. To OpenBSD's it is as if the peer had ended.
    with_errors: bool,
    /// Whether a listener for datagrams is idle before the first came; OpenBSD's waits for it as long as it takes.
    counts_from_start: bool,
    /// Whether the peer is told the end of what is read.
    shuts: bool,
    /// When nothing moved for so long.
    idle: Option<Duration>,
    /// So long after the end of what is read, when it closes the connection and hears nothing more.
    quit: Option<Duration>,
    /// After so many receptions.
    receives: Option<u64>,
}

/// A connection, or a UDP socket with its peer.
#[derive(Clone)]
pub(super) struct Relay {
    socket: SocketId,
    way: Way,
    ends: Ends,
    outbox: Outbox,
    input_ended: bool,
    /// When the input ended.
    quitting: Option<Instant>,
    /// When something last came or went.
    moved: Option<Instant>,
    received: u64,
    /// Whether an error came, so that nothing more is heard.
    is_deaf: bool,
}

#[derive(Clone)]
enum Way {
    Tcp {
        is_shut: bool,
    },
    /// The peer of a listener is who speaks first.
    Udp {
        peer: Option<SocketAddr>,
    },
}

impl Relay {
    pub(super) fn tcp(socket: SocketId, options: &Options, flavour: Flavour) -> Self {
        Self::new(socket, Way::Tcp { is_shut: false }, options, flavour)
    }

    pub(super) fn udp(socket: SocketId, peer: Option<SocketAddr>, options: &Options, flavour: Flavour) -> Self {
        Self::new(socket, Way::Udp { peer }, options, flavour)
    }

    fn new(socket: SocketId, way: Way, options: &Options, flavour: Flavour) -> Self {
        let ends = Ends {
            with_peer: options.listen || flavour == Flavour::Busybox,
            with_errors: flavour == Flavour::Busybox,
            counts_from_start: flavour == Flavour::Busybox,
            shuts: options.shuts,
            idle: options.idle,
            quit: options.quit,
            receives: options.receives,
        };
        let input_ended = options.detached;
        Self {
            socket,
            way,
            ends,
            outbox: Outbox::default(),
            input_ended,
            quitting: None,
            moved: None,
            received: 0,
            is_deaf: false,
        }
    }

    /// Its socket.
    pub(super) const fn socket(&self) -> SocketId {
        self.socket
    }

    /// The peer of a UDP socket, when it has one.
    pub(super) const fn peer(&self) -> Option<SocketAddr> {
        match self.way {
            Way::Udp { peer } => peer,
            Way::Tcp { .. } => None,
        }
    }

    /// Whether its peer is known.
    pub(super) const fn has_peer(&self) -> bool {
        !matches!(self.way, Way::Udp { peer: None })
    }

    /// Moves what can be moved, and says when that is over.
    pub(super) fn step(&mut self, sys: &mut Sys<'_>) -> Step {
        if self.has_quit() {
            return self.wait(sys.now());
        }
        let result = match self.way {
            Way::Tcp { is_shut } => self.step_tcp(sys, is_shut),
            Way::Udp { peer } => self.step_udp(sys, peer),
        };
        match result {
            Ok(true) => Step::Exit(0),
            Ok(false) => self.wait(sys.now()),
            Err(_) if self.ends.with_errors => Step::Exit(1),
            Err(_) => {
                self.is_deaf = true;
                self.outbox = Outbox::default();
                self.step(sys)
            }
        }
    }

    fn wait(&mut self, now: Instant) -> Step {
        let idle = self.ends.idle.filter(|_| self.has_peer() || self.ends.counts_from_start);
        let idle = idle.map(|idle| *self.moved.get_or_insert(now) + idle);
        let quit = self.quitting.zip(self.ends.quit).map(|(since, after)| since + after);
        match [idle, quit].into_iter().flatten().min() {
            Some(at) if at <= now => Step::Exit(0),
            at => Step::Wait(at),
        }
    }

    /// The next bytes of the input; none while there are none, and at its end.
    fn read(&mut self, sys: &mut Sys<'_>) -> Option<Vec<u8>> {
        if self.input_ended {
            return None;
        }
        match sys.read(CHUNK) {
            Read::Data(bytes) => {
                self.moved = Some(sys.now());
                Some(bytes)
            }
            Read::Blocked => None,
            Read::End => {
                self.input_ended = true;
                self.quitting = Some(sys.now());
                None
            }
        }
    }

    fn print(&mut self, sys: &mut Sys<'_>, bytes: Vec<u8>) {
        self.moved = Some(sys.now());
        self.received += 1;
        sys.print(bytes);
    }

    /// Whether it only waits for its end.
    fn has_quit(&self) -> bool {
        self.ends.quit.is_some() && self.quitting.is_some() && self.outbox.is_empty()
    }

    fn has_enough(&self) -> bool {
        self.ends.receives.is_some_and(|enough| self.received >= enough)
    }

    fn step_tcp(&mut self, sys: &mut Sys<'_>, is_shut: bool) -> Result<bool, Errno> {
        if self.is_deaf {
            // What is read next cannot be sent any more.
            return Ok(self.read(sys).is_some() || self.input_ended);
        }
        let peer_ended = self.receive(sys)?;
        while self.outbox.is_empty() {
            let Some(bytes) = self.read(sys) else { break };
            self.outbox.push(&bytes);
            self.outbox.flush(sys, self.socket)?;
        }
        self.outbox.flush(sys, self.socket)?;
        if self.ends.shuts && self.input_ended && self.outbox.is_empty() && !is_shut {
            sys.tcp_shutdown(self.socket);
            self.way = Way::Tcp { is_shut: true };
        }
        // A peer that has said all may still be told the rest.
        let is_over = peer_ended && (self.ends.with_peer || self.input_ended);
        Ok(is_over && self.outbox.is_empty() || self.has_enough())
    }

    /// Prints what came; true when the peer has ended.
    fn receive(&mut self, sys: &mut Sys<'_>) -> Result<bool, Errno> {
        while !self.has_enough() {
            match sys.tcp_recv(self.socket, CHUNK)? {
                Received::Data(bytes) => self.print(sys, bytes),
                Received::Blocked => return Ok(false),
                Received::Closed => return Ok(true),
            }
        }
        Ok(false)
    }

    fn step_udp(&mut self, sys: &mut Sys<'_>, mut peer: Option<SocketAddr>) -> Result<bool, Errno> {
        while !self.is_deaf
            && let Some(datagram) = sys.recv_from(self.socket)?
        {
            if peer.is_none() {
                sys.udp_connect(self.socket, datagram.src)?;
                peer = Some(datagram.src);
            }
            self.print(sys, datagram.data);
            if self.has_enough() {
                return Ok(true);
            }
        }
        self.way = Way::Udp { peer };
        let Some(peer) = peer else { return Ok(false) };
        while let Some(bytes) = self.read(sys) {
            let sent = sys.send_to(self.socket, peer, &bytes, SendOptions::default());
            if self.ends.with_errors {
                sent?;
            }
        }
        Ok(self.is_deaf && self.input_ended)
    }
}
