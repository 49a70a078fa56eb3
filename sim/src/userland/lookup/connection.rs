//! DNS messages by a TCP connection, from the client's side: each has its length before it (RFC 1035 §4.2.2). What the
//! messages are, and how long to wait for them, is the affair of whoever asks.

use core::net::SocketAddr;

use crate::dns::framing;
use crate::namespace::{Received, TcpState};
use crate::socket::SocketId;
use crate::userland::{Errno, Sys};

/// What questions to a server went out by.
#[derive(Clone, Debug)]
pub enum Asked {
    /// A socket of its own.
    Udp(SocketId),
    /// A connection.
    Tcp(Connection),
}

impl Asked {
    /// Ends it.
    pub fn close(self, sys: &mut Sys<'_>) {
        match self {
            Self::Udp(socket) => sys.close(socket),
            Self::Tcp(connection) => connection.close(sys),
        }
    }
}

/// A connection to a server, with what is asked by it.
#[derive(Clone, Debug)]
pub struct Connection {
    socket: SocketId,
    /// Nothing once all is sent.
    unsent: Vec<u8>,
    received: Vec<u8>,
}

impl Connection {
    /// Begins to connect; the messages are sent once the connection stands.
    ///
    /// # Errors
    /// What the kernel says at once.
    pub fn open(sys: &mut Sys<'_>, peer: SocketAddr, messages: &[Vec<u8>]) -> Result<Self, Errno> {
        let socket = sys.tcp_connect(peer)?;
        let mut unsent = Vec::new();
        messages.iter().for_each(|message| framing::put(&mut unsent, message));
        Ok(Self { socket, unsent, received: Vec::new() })
    }

    /// Whether it stood and all was sent.
    #[must_use]
    pub const fn is_sent(&self) -> bool {
        self.unsent.is_empty()
    }

    /// The next whole message that came, if one did.
    ///
    /// # Errors
    /// Why there is no connection, or not any more.
    pub fn poll(&mut self, sys: &mut Sys<'_>) -> Result<Option<Vec<u8>>, Errno> {
        if !self.is_sent() {
            match sys.tcp_state(self.socket) {
                TcpState::Established | TcpState::CloseWait => {}
                TcpState::SynSent => return Ok(None),
                _ => return Err(sys.tcp_recv(self.socket, 0).err().unwrap_or(Errno::ConnectionReset)),
            }
            let sent = sys.tcp_send(self.socket, &self.unsent)?;
            self.unsent.drain(..sent.min(self.unsent.len()));
        }
        loop {
            if let Some(message) = framing::take(&mut self.received) {
                return Ok(Some(message));
            }
            match sys.tcp_recv(self.socket, usize::from(u16::MAX))? {
                Received::Data(bytes) => self.received.extend(bytes),
                Received::Blocked => return Ok(None),
                Received::Closed => return Err(Errno::ConnectionReset),
            }
        }
    }

    /// Ends it.
    pub fn close(self, sys: &mut Sys<'_>) {
        sys.close(self.socket);
    }
}
