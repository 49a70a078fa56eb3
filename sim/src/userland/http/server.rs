//! A web server without a program around it: it listens, reads requests, and sends what a [`Software`] answers. Which
//! answers, which headers and which log lines there are is the software's.

use core::net::{IpAddr, SocketAddr};
use std::collections::BTreeMap;

use super::{HEAD_MAX, Malformed, Request};
use crate::namespace::Received;
use crate::socket::SocketId;
use crate::userland::outbox::Outbox;
use crate::userland::{Errno, Sys};

/// Bytes taken from a connection at once.
const CHUNK: usize = 16384;

/// What a server answers.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Answer {
    /// Head and body.
    pub bytes: Vec<u8>,
    /// Whether the connection stays open for the next request.
    pub keep: bool,
}

/// The character of a server.
pub trait Software {
    /// Answers a request (or what should have been one), and logs it.
    fn answer(&mut self, sys: &mut Sys<'_>, peer: SocketAddr, request: Result<&Request, Malformed>) -> Answer;
}

/// Listeners and the connections that came.
#[derive(Clone, Debug, Default)]
pub struct Server {
    listeners: Vec<SocketId>,
    visits: BTreeMap<SocketId, Visit>,
}

#[derive(Clone, Debug)]
struct Visit {
    peer: SocketAddr,
    inbox: Vec<u8>,
    outbox: Outbox,
    /// The last answer was given.
    leaving: bool,
}

impl Server {
    /// Listens on every address of this host with one socket, or on one address. At most `backlog` clients wait to be
    /// accepted.
    ///
    /// # Errors
    /// `AddressInUse`, `AddressNotAvailable`.
    pub fn listen(&mut self, sys: &mut Sys<'_>, addr: Option<IpAddr>, port: u16, backlog: usize) -> Result<(), Errno> {
        self.listeners.push(match addr {
            Some(ip) => sys.tcp_listen(SocketAddr::new(ip, port), backlog)?,
            None => sys.tcp_listen_dual(port, backlog)?,
        });
        Ok(())
    }

    /// Takes what came and sends what fits.
    pub fn step(&mut self, sys: &mut Sys<'_>, software: &mut dyn Software) {
        for listener in &self.listeners {
            while let Some((socket, peer)) = sys.tcp_accept(*listener) {
                let visit = Visit { peer, inbox: Vec::new(), outbox: Outbox::default(), leaving: false };
                self.visits.insert(socket, visit);
            }
        }
        self.visits.retain(|socket, visit| {
            let stays = visit.step(sys, *socket, software);
            if !stays {
                sys.close(*socket);
            }
            stays
        });
    }
}

impl Visit {
    /// Goes on with a connection; false when it is over.
    fn step(&mut self, sys: &mut Sys<'_>, socket: SocketId, software: &mut dyn Software) -> bool {
        if self.outbox.flush(sys, socket).is_err() {
            return false;
        }
        let is_open = self.receive(sys, socket);
        while !self.leaving && self.outbox.is_empty() && self.answer_next(sys, software) {
            if self.outbox.flush(sys, socket).is_err() {
                return false;
            }
        }
        !self.outbox.is_empty() || (is_open && !self.leaving)
    }

    /// Takes what the client sent; false when it will send no more.
    fn receive(&mut self, sys: &mut Sys<'_>, socket: SocketId) -> bool {
        while self.inbox.len() < HEAD_MAX {
            match sys.tcp_recv(socket, CHUNK) {
                Ok(Received::Data(bytes)) => self.inbox.extend(bytes),
                Ok(Received::Blocked) => return true,
                Ok(Received::Closed) | Err(_) => return false,
            }
        }
        true
    }

    /// Answers the next request in the inbox, if a whole one is there.
    fn answer_next(&mut self, sys: &mut Sys<'_>, software: &mut dyn Software) -> bool {
        let request = match Request::parse(&self.inbox) {
            Ok(None) if self.inbox.len() < HEAD_MAX => return false,
            Ok(Some((request, len))) => {
                self.inbox.drain(..len);
                Ok(request)
            }
            Ok(None) | Err(Malformed) => Err(Malformed),
        };
        let answer = software.answer(sys, self.peer, request.as_ref().map_err(|e| *e));
        self.outbox.push(&answer.bytes);
        self.leaving = !answer.keep;
        true
    }
}
