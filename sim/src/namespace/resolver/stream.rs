//! One TCP connection of a DNS server: messages are told apart by two bytes of length before each (RFC 1035 §4.2.2).

use core::net::SocketAddr;

use crate::dns::framing;
use crate::time::Instant;

/// What a connection is for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Role {
    /// This client asks.
    Client(SocketAddr),
    /// We ask this server.
    Upstream {
        /// The server.
        server: SocketAddr,
        /// Our question.
        query: Vec<u8>,
    },
}

/// A connection with what came and what waits to be sent.
#[derive(Clone, Debug)]
pub(super) struct Stream {
    pub(super) role: Role,
    received: Vec<u8>,
    unsent: Vec<u8>,
    deadline: Instant,
    /// Queries of the client that have no answer yet.
    pub(super) owed: usize,
    /// Whether the peer sends no more.
    pub(super) ended: bool,
}

impl Stream {
    pub(super) const fn new(role: Role, deadline: Instant) -> Self {
        Self { role, received: Vec::new(), unsent: Vec::new(), deadline, owed: 0, ended: false }
    }

    /// When it is given up.
    pub(super) const fn deadline(&self) -> Instant {
        self.deadline
    }

    pub(super) const fn extend(&mut self, deadline: Instant) {
        self.deadline = deadline;
    }

    pub(super) fn receive(&mut self, bytes: &[u8]) {
        self.received.extend_from_slice(bytes);
    }

    /// The next whole message that came.
    pub(super) fn next_message(&mut self) -> Option<Vec<u8>> {
        framing::take(&mut self.received)
    }

    /// Puts a message behind what waits already. One that is too long for the two bytes is none.
    pub(super) fn queue(&mut self, message: &[u8]) {
        framing::put(&mut self.unsent, message);
    }

    /// What waits to be sent.
    pub(super) fn waiting(&self) -> &[u8] {
        &self.unsent
    }

    pub(super) fn sent(&mut self, len: usize) {
        self.unsent.drain(..len.min(self.unsent.len()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_come_whole_however_they_were_cut() {
        let mut stream = Stream::new(Role::Client("127.0.0.1:4000".parse().expect("an address")), Instant::ZERO);
        for byte in [0, 2, b'a', b'b', 0, 0, 0, 1] {
            stream.receive(&[byte]);
        }
        assert_eq!((stream.next_message(), stream.next_message()), (Some(b"ab".to_vec()), Some(Vec::new())));
        assert_eq!(stream.next_message(), None);
        stream.receive(b"c");
        assert_eq!(stream.next_message(), Some(b"c".to_vec()));
        stream.queue(b"xyz");
        stream.sent(3);
        assert_eq!(stream.waiting(), b"yz");
    }
}
