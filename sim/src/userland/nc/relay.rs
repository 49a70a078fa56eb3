//! Both directions of `nc`: standard input to the peer, the peer to standard output.

use core::net::SocketAddr;
use core::time::Duration;

use crate::namespace::Received;
use crate::socket::{SendOptions, SocketId};
use crate::time::Instant;
use crate::userland::outbox::Outbox;
use crate::userland::{Errno, Read, Step, Sys};

/// Bytes moved at once.
const CHUNK: usize = 16384;

/// A connection, or a UDP socket with its peer.
#[derive(Clone)]
pub(super) struct Relay {
    socket: SocketId,
    way: Way,
    outbox: Outbox,
    input_ended: bool,
    /// When something last came or went.
    moved: Option<Instant>,
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
    pub(super) fn tcp(socket: SocketId) -> Self {
        Self::new(socket, Way::Tcp { is_shut: false })
    }

    pub(super) fn udp(socket: SocketId, peer: Option<SocketAddr>) -> Self {
        Self::new(socket, Way::Udp { peer })
    }

    fn new(socket: SocketId, way: Way) -> Self {
        Self { socket, way, outbox: Outbox::default(), input_ended: false, moved: None }
    }

    /// Moves what can be moved; ends when the peer does, or when nothing moved for `idle`.
    pub(super) fn step(&mut self, sys: &mut Sys<'_>, idle: Option<Duration>) -> Step {
        let result = match self.way {
            Way::Tcp { is_shut } => self.step_tcp(sys, is_shut),
            Way::Udp { peer } => self.step_udp(sys, peer),
        };
        match result {
            Ok(true) => Step::Exit(0),
            Err(_) => Step::Exit(1),
            Ok(false) => self.wait(sys.now(), idle),
        }
    }

    fn wait(&mut self, now: Instant, idle: Option<Duration>) -> Step {
        let since = *self.moved.get_or_insert(now);
        match idle.map(|idle| since + idle) {
            Some(at) if at <= now => Step::Exit(0),
            at => Step::Wait(at),
        }
    }

    fn step_tcp(&mut self, sys: &mut Sys<'_>, is_shut: bool) -> Result<bool, Errno> {
        let is_over = self.receive(sys)?;
        while !self.input_ended && self.outbox.is_empty() {
            match sys.read(CHUNK) {
                Read::Data(bytes) => {
                    self.moved = Some(sys.now());
                    self.outbox.push(&bytes);
                    self.outbox.flush(sys, self.socket)?;
                }
                Read::Blocked => break,
                Read::End => self.input_ended = true,
            }
        }
        self.outbox.flush(sys, self.socket)?;
        if self.input_ended && self.outbox.is_empty() && !is_shut {
            sys.tcp_shutdown(self.socket);
            self.way = Way::Tcp { is_shut: true };
        }
        // A peer that has said all may still be told the rest.
        Ok(is_over && self.outbox.is_empty())
    }

    /// Prints what came; true when the peer has ended.
    fn receive(&mut self, sys: &mut Sys<'_>) -> Result<bool, Errno> {
        loop {
            match sys.tcp_recv(self.socket, CHUNK)? {
                Received::Data(bytes) => {
                    self.moved = Some(sys.now());
                    sys.print(bytes);
                }
                Received::Blocked => return Ok(false),
                Received::Closed => return Ok(true),
            }
        }
    }

    fn step_udp(&mut self, sys: &mut Sys<'_>, mut peer: Option<SocketAddr>) -> Result<bool, Errno> {
        while let Some(datagram) = sys.recv_from(self.socket)? {
            if peer.is_none() {
                sys.udp_connect(self.socket, datagram.src)?;
                peer = Some(datagram.src);
            }
            self.moved = Some(sys.now());
            sys.print(datagram.data);
        }
        self.way = Way::Udp { peer };
        let Some(peer) = peer else { return Ok(false) };
        while !self.input_ended {
            match sys.read(CHUNK) {
                Read::Data(bytes) => {
                    self.moved = Some(sys.now());
                    sys.send_to(self.socket, peer, &bytes, SendOptions::default())?;
                }
                Read::Blocked => break,
                Read::End => self.input_ended = true,
            }
        }
        Ok(false)
    }
}
