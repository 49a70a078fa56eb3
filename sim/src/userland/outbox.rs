//! Bytes on their way out of a program into a TCP connection that takes only some of them at a time. It keeps what did
//! not fit; it opens and closes nothing.

use super::{Errno, Sys};
use crate::socket::SocketId;

/// What still waits to be sent.
#[derive(Clone, Debug, Default)]
pub struct Outbox {
    bytes: Vec<u8>,
    sent: usize,
}

impl Outbox {
    /// Adds bytes behind those that wait.
    pub fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Whether everything was taken.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.sent == self.bytes.len()
    }

    /// Bytes that wait.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.bytes.len() - self.sent
    }

    /// Gives the connection as much as it takes.
    ///
    /// # Errors
    /// What ended the connection.
    pub fn flush(&mut self, sys: &mut Sys<'_>, socket: SocketId) -> Result<(), Errno> {
        while !self.is_empty() {
            match sys.tcp_send(socket, &self.bytes[self.sent..])? {
                0 => return Ok(()),
                taken => self.sent += taken,
            }
        }
        self.bytes.clear();
        self.sent = 0;
        Ok(())
    }
}
