//! Gates: programs through which somebody outside the world speaks to an address in it, or is spoken to. Standard input
//! and output are that party's; a gate connects, or has a connection, carries bytes both ways at the pace of the slower
//! side, and ends with its peer.
//!
//! A stream is carried as it is. Datagrams are packed: their length in two bytes, then their bytes.

use core::net::SocketAddr;

use crate::addr;
use crate::namespace::{Received, TcpState};
use crate::socket::{SendOptions, SocketId};
use crate::userland::outbox::Outbox;
use crate::userland::{Errno, Program, Read, Step, Stream, Sys};

/// Bytes carried at once.
const CHUNK: usize = 32768;
/// Bytes before a packed datagram.
const HEAD: usize = 2;

/// A gate to a TCP port, or from a client of one.
#[derive(Clone, Debug)]
pub struct TcpGate {
    peer: SocketAddr,
    socket: Option<SocketId>,
    outbox: Outbox,
    input: Input,
    client: Client,
}

/// Whether the peer is a client, who may say that he has nothing more and then wait for an answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Client {
    No,
    Speaks,
    Listens,
}

/// How far the input of a gate has come.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Input {
    Open,
    Ended,
    /// The peer knows.
    Told,
}

impl TcpGate {
    /// A gate that will connect to `peer`.
    #[must_use]
    pub fn new(peer: SocketAddr) -> Self {
        Self { peer, socket: None, outbox: Outbox::default(), input: Input::Open, client: Client::No }
    }

    /// A gate to whom `peer` has connected by `socket`. When the peer has nothing more to say standard output ends.
    #[must_use]
    pub fn of_client(peer: SocketAddr, socket: SocketId) -> Self {
        Self { socket: Some(socket), client: Client::Speaks, ..Self::new(peer) }
    }

    /// Takes in that the peer says nothing more; whether that is the end.
    fn hear_end(&mut self, sys: &mut Sys<'_>) -> bool {
        if self.client == Client::Speaks {
            let output = sys.replace(1, Stream::Null);
            sys.close_stream(output);
            self.client = Client::Listens;
        }
        self.client == Client::No || self.input == Input::Told
    }

    fn carry(&mut self, sys: &mut Sys<'_>, socket: SocketId) -> Result<Step, Errno> {
        self.outbox.flush(sys, socket)?;
        while self.input == Input::Open && self.outbox.is_empty() {
            match sys.read(CHUNK) {
                Read::Data(bytes) => self.outbox.push(&bytes),
                Read::Blocked => break,
                Read::End => self.input = Input::Ended,
            }
            self.outbox.flush(sys, socket)?;
        }
        if self.input == Input::Ended && self.outbox.is_empty() {
            sys.tcp_shutdown(socket);
            self.input = Input::Told;
        }
        while !sys.is_output_full() {
            match sys.tcp_recv(socket, CHUNK)? {
                Received::Data(bytes) => sys.print(bytes),
                Received::Blocked => break,
                Received::Closed if self.hear_end(sys) => return Ok(Step::Exit(0)),
                Received::Closed => break,
            }
        }
        Ok(Step::Wait(None))
    }
}

impl Program for TcpGate {
    fn step(&mut self, sys: &mut Sys<'_>) -> Step {
        let socket = match self.socket {
            Some(socket) => socket,
            None => match sys.tcp_connect(self.peer) {
                Ok(socket) => *self.socket.insert(socket),
                Err(_) => return Step::Exit(1),
            },
        };
        match sys.tcp_state(socket) {
            TcpState::SynSent => Step::Wait(None),
            _ => self.carry(sys, socket).unwrap_or(Step::Exit(1)),
        }
    }
}

/// A gate to a UDP port. It ends when its input does.
#[derive(Clone, Debug)]
pub struct UdpGate {
    peer: SocketAddr,
    socket: Option<SocketId>,
    packed: Vec<u8>,
}

impl UdpGate {
    /// A gate that will send to `peer`.
    #[must_use]
    pub const fn new(peer: SocketAddr) -> Self {
        Self { peer, socket: None, packed: Vec::new() }
    }

    fn open(&self, sys: &mut Sys<'_>) -> Result<SocketId, Errno> {
        let socket = sys.udp_bind(SocketAddr::new(addr::unspecified(self.peer.ip()), 0))?;
        sys.udp_connect(socket, self.peer)?;
        Ok(socket)
    }

    /// Carries what there is; false at the end of the input. Errors of the network are what datagrams are used to.
    fn carry(&mut self, sys: &mut Sys<'_>, socket: SocketId) -> bool {
        loop {
            while let Some((datagram, len)) = unpack(&self.packed) {
                let _ = sys.send_to(socket, self.peer, datagram, SendOptions::default());
                self.packed.drain(..len);
            }
            match sys.read(CHUNK) {
                Read::Data(bytes) => self.packed.extend(bytes),
                Read::Blocked => break,
                Read::End => return false,
            }
        }
        loop {
            match sys.recv_from(socket) {
                // What does not fit is lost, as it would be in a socket.
                Ok(Some(datagram)) if sys.is_output_full() => drop(datagram),
                Ok(Some(datagram)) => sys.print(pack(&datagram.data)),
                Ok(None) => return true,
                Err(_) => {}
            }
        }
    }
}

impl Program for UdpGate {
    fn step(&mut self, sys: &mut Sys<'_>) -> Step {
        let socket = match self.socket {
            Some(socket) => socket,
            None => match self.open(sys) {
                Ok(socket) => *self.socket.insert(socket),
                Err(_) => return Step::Exit(1),
            },
        };
        if self.carry(sys, socket) { Step::Wait(None) } else { Step::Exit(0) }
    }
}

/// A datagram as gates carry it. What is longer than any datagram is cut.
#[must_use]
pub fn pack(datagram: &[u8]) -> Vec<u8> {
    let len = u16::try_from(datagram.len()).unwrap_or(u16::MAX);
    [&len.to_be_bytes(), &datagram[..usize::from(len)]].concat()
}

/// The first datagram, and how many bytes it takes with its length; none while it is not complete.
#[must_use]
pub fn unpack(packed: &[u8]) -> Option<(&[u8], usize)> {
    let (head, rest) = packed.split_first_chunk::<HEAD>()?;
    let len = usize::from(u16::from_be_bytes(*head));
    Some((rest.get(..len)?, HEAD + len))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn datagrams_stay_apart() {
        let packed = [pack(b"one"), pack(b""), pack(b"three")].concat();
        let (first, len) = unpack(&packed).unwrap();
        assert_eq!((first, len), (b"one".as_slice(), 5));
        assert_eq!(unpack(&packed[len..]), Some((b"".as_slice(), 2)));
        assert_eq!(unpack(&packed[len + 2..packed.len() - 1]), None);
    }
}
