//! The UDP side of `docker-proxy`: for each client a socket of its own towards the container, whose answers go back through
//! the published port. A client that gets no answer for 90 seconds is forgotten.

use core::net::SocketAddr;
use core::time::Duration;
use std::collections::BTreeMap;

use netyard_sim::addr;
use netyard_sim::socket::{Errno, SendOptions, SocketId};
use netyard_sim::time::Instant;
use netyard_sim::userland::{Program, Step, Sys};

/// How long an answer is waited for, counted from the last one.
const PATIENCE: Duration = Duration::from_secs(90);

/// The program.
#[derive(Clone)]
pub(super) struct Proxy {
    socket: SocketId,
    backend: SocketAddr,
    clients: BTreeMap<SocketAddr, Client>,
}

/// The way to the container for one client.
#[derive(Clone)]
struct Client {
    socket: SocketId,
    until: Instant,
}

impl Proxy {
    pub(super) const fn new(socket: SocketId, backend: SocketAddr) -> Self {
        Self { socket, backend, clients: BTreeMap::new() }
    }

    fn open(&self, sys: &mut Sys<'_>) -> Result<Client, Errno> {
        let socket = sys.udp_bind(SocketAddr::new(addr::unspecified(self.backend.ip()), 0))?;
        if let Err(errno) = sys.udp_connect(socket, self.backend) {
            sys.close(socket);
            return Err(errno);
        }
        Ok(Client { socket, until: sys.now() + PATIENCE })
    }

    /// Carries what the clients sent.
    fn forward(&mut self, sys: &mut Sys<'_>) {
        while let Ok(Some(datagram)) = sys.recv_from(self.socket) {
            if !self.clients.contains_key(&datagram.src) {
                let Ok(client) = self.open(sys) else { continue };
                self.clients.insert(datagram.src, client);
            }
            let socket = self.clients[&datagram.src].socket;
            // When the container refused the one before, this one is lost too; the next finds its way.
            let _ = sys.send_to(socket, self.backend, &datagram.data, SendOptions::default());
        }
    }
}

impl Client {
    /// Carries the answers to a client; false when it has waited long enough.
    fn answer(&mut self, sys: &mut Sys<'_>, listener: SocketId, address: SocketAddr) -> bool {
        loop {
            match sys.recv_from(self.socket) {
                Ok(Some(datagram)) => {
                    self.until = sys.now() + PATIENCE;
                    // Who cannot be reached any more gets nothing.
                    let _ = sys.send_to(listener, address, &datagram.data, SendOptions::default());
                }
                Ok(None) => return sys.now() < self.until,
                // The container refused a datagram; it may listen later.
                Err(_) => {}
            }
        }
    }
}

impl Program for Proxy {
    fn step(&mut self, sys: &mut Sys<'_>) -> Step {
        self.forward(sys);
        let listener = self.socket;
        self.clients.retain(|address, client| {
            let stays = client.answer(sys, listener, *address);
            if !stays {
                sys.close(client.socket);
            }
            stays
        });
        Step::Wait(self.clients.values().map(|client| client.until).min())
    }
}
