//! The TCP side of `docker-proxy`: for each client a connection of its own to the container, and bytes both ways. A client
//! whose connection cannot be made is let go: it sees an empty answer, or a reset when it had sent something.

use core::net::SocketAddr;

use netyard_sim::namespace::{Received, TcpState};
use netyard_sim::socket::SocketId;
use netyard_sim::userland::outbox::Outbox;
use netyard_sim::userland::{Program, Step, Sys};

/// Bytes carried at once.
const CHUNK: usize = 32768;

/// The program.
#[derive(Clone)]
pub(super) struct Proxy {
    listener: SocketId,
    backend: SocketAddr,
    visits: Vec<Visit>,
}

/// A client and the connection to the container.
#[derive(Clone)]
struct Visit {
    client: SocketId,
    backend: SocketId,
    stage: Stage,
}

#[derive(Clone)]
enum Stage {
    Dialling,
    /// What goes to the container, and what comes back.
    Carrying(Pipe, Pipe),
}

impl Proxy {
    pub(super) const fn new(listener: SocketId, backend: SocketAddr) -> Self {
        Self { listener, backend, visits: Vec::new() }
    }
}

impl Program for Proxy {
    fn step(&mut self, sys: &mut Sys<'_>) -> Step {
        while let Some((client, _)) = sys.tcp_accept(self.listener) {
            match sys.tcp_connect(self.backend) {
                Ok(backend) => self.visits.push(Visit { client, backend, stage: Stage::Dialling }),
                Err(_) => sys.close(client),
            }
        }
        self.visits.retain_mut(|visit| {
            let goes_on = visit.step(sys);
            if !goes_on {
                sys.close(visit.client);
                sys.close(visit.backend);
            }
            goes_on
        });
        Step::Wait(None)
    }
}

impl Visit {
    /// Goes on; false when it is over.
    fn step(&mut self, sys: &mut Sys<'_>) -> bool {
        if matches!(self.stage, Stage::Dialling) {
            match sys.tcp_state(self.backend) {
                TcpState::SynSent => return true,
                TcpState::Closed => return false,
                _ => self.stage = Stage::Carrying(Pipe::default(), Pipe::default()),
            }
        }
        let Stage::Carrying(there, back) = &mut self.stage else { return true };
        there.step(sys, self.client, self.backend);
        back.step(sys, self.backend, self.client);
        !(there.is_over && back.is_over)
    }
}

/// One direction: Go's `io.Copy`, after which the far end is told that no more comes.
#[derive(Clone, Default)]
struct Pipe {
    outbox: Outbox,
    /// The near end has nothing more.
    is_drained: bool,
    is_over: bool,
}

impl Pipe {
    fn step(&mut self, sys: &mut Sys<'_>, from: SocketId, to: SocketId) {
        while !self.is_over {
            let is_broken = self.outbox.flush(sys, to).is_err();
            if !is_broken && !self.outbox.is_empty() {
                return;
            }
            if is_broken || self.is_drained {
                sys.tcp_shutdown(to);
                self.is_over = true;
                return;
            }
            match sys.tcp_recv(from, CHUNK) {
                Ok(Received::Data(bytes)) => self.outbox.push(&bytes),
                Ok(Received::Blocked) => return,
                Ok(Received::Closed) | Err(_) => self.is_drained = true,
            }
        }
    }
}
