//! Parcels: lines of text that travel over a Unix socket, each with the descriptors that belong to it. What they say is
//! known to those who send them.

use std::collections::VecDeque;
use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags,
    recvmsg, sendmsg,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::picture::Picture;

/// Descriptors that go with one line at most.
pub const DESCRIPTORS: usize = 64;
/// Bytes of a line that are not complete at most.
const LINE: usize = 8 * 1024 * 1024;
/// Bytes taken at once.
const CHUNK: usize = 64 * 1024;

/// What the engine tells a guest.
#[derive(Debug, Deserialize, Eq, PartialEq, Serialize)]
pub enum Order {
    /// Make namespaces that look like this.
    Make(Picture),
    /// Go into the namespaces whose descriptors come with this, which are of these kinds.
    Join(Vec<Kind>),
    /// The program may begin.
    Begin,
    /// Whoever kept the namespaces is gone: they look like this, and you keep them from now on.
    Keep(Picture),
    /// They shall look like this from now on.
    Change(Picture),
}

/// What a guest tells the engine.
#[derive(Debug, Deserialize, Eq, PartialEq, Serialize)]
pub enum Report {
    /// The descriptors of its namespaces come with this.
    Namespaces(Vec<Kind>),
    /// A descriptor of a TAP device comes with this: that of the interface with this number.
    Tap(u32),
    /// A UDP socket and a listening TCP socket at 127.0.0.11 come with this.
    Resolver,
    /// An interface lost so many frames because its ring was full.
    Lost(u32, u64),
    /// All of the last order is done.
    Ready,
}

impl Report {
    /// How many descriptors come with it.
    #[must_use]
    pub const fn descriptors(&self) -> usize {
        match self {
            Self::Namespaces(kinds) => kinds.len(),
            Self::Tap(_) => 1,
            Self::Resolver => 2,
            Self::Lost(..) | Self::Ready => 0,
        }
    }
}

impl Order {
    /// How many descriptors come with it.
    #[must_use]
    pub const fn descriptors(&self) -> usize {
        match self {
            Self::Join(kinds) => kinds.len(),
            Self::Make(_) | Self::Begin | Self::Keep(_) | Self::Change(_) => 0,
        }
    }
}

/// A kind of namespace, in the order in which one goes into them.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
pub enum Kind {
    /// Of users.
    User,
    /// Of networks.
    Net,
    /// Of the host name.
    Uts,
    /// Of System V's and POSIX's queues.
    Ipc,
    /// Of mounts.
    Mount,
}

/// The bytes of a line.
///
/// # Panics
/// Never: what is sent can be written.
#[must_use]
pub fn line(said: &impl Serialize) -> Vec<u8> {
    let mut line = serde_json::to_vec(said).expect("it has no maps with odd keys");
    line.push(b'\n');
    line
}

/// Sends some of `bytes`, and with the first of them `descriptors`; how many bytes went.
///
/// # Errors
/// What the system says.
pub fn send(socket: impl AsFd, bytes: &[u8], descriptors: &[BorrowedFd<'_>]) -> io::Result<usize> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !descriptors.is_empty() && !control.push(SendAncillaryMessage::ScmRights(descriptors)) {
        return Err(io::Error::other("too many descriptors for one parcel"));
    }
    Ok(sendmsg(socket, &[IoSlice::new(bytes)], &mut control, SendFlags::NOSIGNAL)?)
}

/// Sends all of a line, waiting as long as it takes.
///
/// # Errors
/// What the system says.
pub fn send_all(socket: impl AsFd, said: &impl Serialize, descriptors: &[BorrowedFd<'_>]) -> io::Result<()> {
    let bytes = line(said);
    let mut sent = send(&socket, &bytes, descriptors)?;
    while sent < bytes.len() {
        sent += send(&socket, &bytes[sent..], &[])?;
    }
    Ok(())
}

/// What has come and was not taken yet.
#[derive(Debug, Default)]
pub struct Letterbox {
    bytes: Vec<u8>,
    descriptors: VecDeque<OwnedFd>,
}

impl Letterbox {
    /// Takes in what the socket has; false at its end.
    ///
    /// # Errors
    /// What the system says, and `InvalidData` for a line without end.
    pub fn receive(&mut self, socket: impl AsFd) -> io::Result<bool> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let mut buffer = vec![0; CHUNK];
        let got = recvmsg(socket, &mut [IoSliceMut::new(&mut buffer)], &mut control, RecvFlags::CMSG_CLOEXEC)?;
        for message in control.drain() {
            if let RecvAncillaryMessage::ScmRights(descriptors) = message {
                self.descriptors.extend(descriptors);
            }
        }
        self.bytes.extend_from_slice(&buffer[..got.bytes]);
        let is_flood = self.bytes.len() > LINE || self.descriptors.len() > 2 * DESCRIPTORS;
        if is_flood { Err(io::ErrorKind::InvalidData.into()) } else { Ok(got.bytes > 0) }
    }

    /// The next line, when all of it is here.
    ///
    /// # Errors
    /// `InvalidData` when it says nothing that is known.
    pub fn open<T: DeserializeOwned>(&mut self) -> io::Result<Option<T>> {
        let Some(end) = self.bytes.iter().position(|byte| *byte == b'\n') else { return Ok(None) };
        let said = serde_json::from_slice(&self.bytes[..end]).map_err(|_| io::ErrorKind::InvalidData)?;
        self.bytes.drain(..=end);
        Ok(Some(said))
    }

    /// The next `count` descriptors.
    ///
    /// # Errors
    /// `InvalidData` when fewer have come.
    pub fn descriptors(&mut self, count: usize) -> io::Result<Vec<OwnedFd>> {
        if self.descriptors.len() < count {
            return Err(io::ErrorKind::InvalidData.into());
        }
        Ok(self.descriptors.drain(..count).collect())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::os::unix::net::UnixStream;

    use super::*;

    #[test]
    fn a_descriptor_comes_with_its_line() {
        let (here, there) = UnixStream::pair().expect("a pair of sockets can be had");
        let (mut passed, other) = UnixStream::pair().expect("a pair of sockets can be had");
        send_all(&here, &Report::Ready, &[]).unwrap();
        send_all(&here, &Report::Tap(7), &[other.as_fd()]).unwrap();
        drop((here, other));
        let mut letterbox = Letterbox::default();
        while letterbox.receive(&there).unwrap() {}
        assert_eq!(letterbox.open().unwrap(), Some(Report::Ready));
        let report: Report = letterbox.open().unwrap().expect("there are two");
        assert_eq!(report, Report::Tap(7));
        let descriptors = letterbox.descriptors(report.descriptors()).unwrap();
        assert_eq!(letterbox.open::<Report>().unwrap(), None);
        drop(descriptors);
        assert_eq!(passed.read(&mut [0]).unwrap(), 0, "nobody else has it");
        assert!(letterbox.descriptors(1).is_err());
    }

    #[test]
    fn what_is_not_understood_is_an_error() {
        let (here, there) = UnixStream::pair().expect("a pair of sockets can be had");
        send(&here, b"{\"Nonsense\":1}\n", &[]).unwrap();
        let mut letterbox = Letterbox::default();
        assert!(letterbox.receive(&there).unwrap());
        assert_eq!(letterbox.open::<Order>().unwrap_err().kind(), io::ErrorKind::InvalidData);
    }
}
