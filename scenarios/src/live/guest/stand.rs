//! The guest's end of the line to the process that stands in the simulated container for its program
//! ([`crate::live::stand_in`]).

use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::live::stand_in::signal_in;

/// Bytes before each piece that a container says: the channel, three zeros, the length.
const HEAD: usize = 8;
/// How long the container may take to end.
const PATIENCE: Duration = Duration::from_secs(10);

/// The line.
#[derive(Debug)]
pub struct Line {
    stream: UnixStream,
    /// Ends when the container is no more.
    removed: UnixStream,
    framed: Vec<u8>,
    said: String,
}

impl Line {
    /// The line on a stream that is attached to the container, and one that ends when the container is removed.
    ///
    /// # Errors
    /// What the system says.
    pub fn new(stream: UnixStream, removed: UnixStream) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        removed.set_read_timeout(Some(PATIENCE))?;
        Ok(Self { stream, removed, framed: Vec::new(), said: String::new() })
    }

    /// The signals that have come for the program; none any more when the container has ended.
    ///
    /// # Errors
    /// What the system says.
    pub fn come(&mut self) -> io::Result<Option<Vec<Signal>>> {
        let mut buffer = [0; 4096];
        loop {
            match self.stream.read(&mut buffer) {
                Ok(0) => return Ok(None),
                Ok(len) => self.framed.extend_from_slice(&buffer[..len]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        while let Some(piece) = take_piece(&mut self.framed) {
            self.said.push_str(&String::from_utf8_lossy(&piece));
        }
        let mut signals = Vec::new();
        while let Some((line, rest)) = self.said.split_once('\n') {
            signals.extend(signal_in(line).and_then(|number| Signal::try_from(number).ok()));
            self.said = rest.to_owned();
        }
        Ok(Some(signals))
    }

    /// Tells how the program ended, and waits until the container has too.
    pub fn end(mut self, code: u8) {
        let told = self.stream.set_nonblocking(false).and_then(|()| writeln!(self.stream, "exit {code}"));
        // Where the container is gone already there is nothing to wait for.
        if told.is_ok() {
            drop(io::copy(&mut self.removed, &mut io::sink()));
        }
    }
}

impl AsFd for Line {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}

/// The first piece of what a container says, when all of it is here.
fn take_piece(framed: &mut Vec<u8>) -> Option<Vec<u8>> {
    let len = framed.get(4..HEAD)?.try_into().map(u32::from_be_bytes).expect("four bytes");
    let end = HEAD + usize::try_from(len).expect("a length has 32 bits");
    let piece = framed.get(HEAD..end)?.to_vec();
    framed.drain(..end);
    Some(piece)
}
