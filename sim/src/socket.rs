//! Sockets: what programs hold, and which of them a packet belongs to. It builds no packet and knows no route.
//!
//! UDP sockets are found by their port, then by how much of the packet's addresses they fix, as Linux scores them.
//! TCP connections are kept beside this table (they are state machines); it only gives them their numbers.

use core::fmt;
use core::net::{IpAddr, SocketAddr};
use std::collections::{BTreeMap, VecDeque};

use indexmap::IndexMap;
use rustc_hash::FxBuildHasher;

use crate::id::IfIndex;

/// A socket of a namespace, by number.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct SocketId(pub(crate) u32);

/// What a socket does about narrow places on the way (`IP_MTU_DISCOVER`).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Discovery {
    /// A datagram is never cut, and refused when it is known to be too big.
    Do,
    /// It may be cut by whoever finds it too big.
    Dont,
    /// It is cut by the sender as far as narrow places are known, and by nobody else.
    #[default]
    Want,
}

impl SocketId {
    /// Its number, for people.
    #[must_use]
    pub const fn number(self) -> u32 {
        self.0
    }
}

/// How a datagram shall be sent.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct SendOptions {
    /// The hop limit; 64 when none.
    pub ttl: Option<u8>,
    /// What to do about narrow places on the way.
    pub discovery: Discovery,
    /// The source address; chosen by the route when none.
    pub source: Option<IpAddr>,
    /// The type of service, or the traffic class, that it asks for.
    pub tos: u8,
}

/// A datagram (UDP) or message (raw) that came.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Datagram {
    /// From whom; the port is 0 on a raw socket.
    pub src: SocketAddr,
    /// To which of our addresses.
    pub dst: IpAddr,
    /// Its hop limit when it came.
    pub ttl: u8,
    /// UDP payload, or the message with its ICMP header.
    pub data: Vec<u8>,
}

/// Why a call to the simulated kernel failed, as errno names it; printed as `strerror` does.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Errno {
    /// EACCES
    AccessDenied,
    /// EADDRINUSE
    AddressInUse,
    /// EADDRNOTAVAIL
    AddressNotAvailable,
    /// EBADF
    BadFile,
    /// ERANGE
    OutOfRange,
    /// EPIPE
    BrokenPipe,
    /// EBUSY
    Busy,
    /// ECONNREFUSED
    ConnectionRefused,
    /// ECONNRESET
    ConnectionReset,
    /// EXDEV
    CrossDevice,
    /// EEXIST
    Exists,
    /// EHOSTUNREACH
    HostUnreachable,
    /// EINVAL
    Invalid,
    /// EISDIR
    IsDirectory,
    /// EMSGSIZE
    MessageTooLong,
    /// ENAMETOOLONG
    NameTooLong,
    /// ENETDOWN
    NetworkDown,
    /// ENETUNREACH
    NetworkUnreachable,
    /// ENODEV
    NoDevice,
    /// ENOENT
    NoEntry,
    /// ESRCH
    NoProcess,
    /// ENOPROTOOPT
    NoProtocol,
    /// ENOSPC
    NoSpace,
    /// ENOTCONN
    NotConnected,
    /// ENOTDIR
    NotDirectory,
    /// ENOTEMPTY
    NotEmpty,
    /// EPERM
    NotPermitted,
    /// ENOTTY
    NotTerminal,
    /// EROFS
    ReadOnly,
    /// EAGAIN
    TemporarilyUnavailable,
    /// ETIMEDOUT
    TimedOut,
    /// ELOOP
    TooManyLinks,
}

impl fmt::Display for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AccessDenied => "Permission denied",
            Self::AddressInUse => "Address already in use",
            Self::AddressNotAvailable => "Cannot assign requested address",
            Self::BadFile => "Bad file descriptor",
            Self::BrokenPipe => "Broken pipe",
            Self::OutOfRange => "Numerical result out of range",
            Self::Busy => "Device or resource busy",
            Self::ConnectionRefused => "Connection refused",
            Self::ConnectionReset => "Connection reset by peer",
            Self::CrossDevice => "Invalid cross-device link",
            Self::Exists => "File exists",
            Self::HostUnreachable => "No route to host",
            Self::Invalid => "Invalid argument",
            Self::IsDirectory => "Is a directory",
            Self::MessageTooLong => "Message too long",
            Self::NameTooLong => "File name too long",
            Self::NetworkDown => "Network is down",
            Self::NetworkUnreachable => "Network is unreachable",
            Self::NoDevice => "No such device",
            Self::NoEntry => "No such file or directory",
            Self::NoProcess => "No such process",
            Self::NoProtocol => "Protocol not available",
            Self::NoSpace => "No space left on device",
            Self::NotConnected => "Socket not connected",
            Self::NotDirectory => "Not a directory",
            Self::NotEmpty => "Directory not empty",
            Self::NotPermitted => "Operation not permitted",
            Self::NotTerminal => "Not a tty",
            Self::ReadOnly => "Read-only file system",
            Self::TemporarilyUnavailable => "Resource temporarily unavailable",
            Self::TimedOut => "Connection timed out",
            Self::TooManyLinks => "Too many levels of symbolic links",
        })
    }
}

/// Datagrams that wait in a socket before more are dropped (about `rmem_default` with small ones).
const QUEUE: usize = 256;

/// A UDP or raw socket.
#[derive(Clone, Debug)]
pub struct Socket {
    /// What it listens for.
    pub kind: Kind,
    /// Whether its source is what its connection found, not what who opened it said.
    pub is_source_found: bool,
    /// The device by which alone it sends and hears (`SO_BINDTODEVICE`).
    pub device: Option<IfIndex>,
    queue: VecDeque<Datagram>,
    error: Option<Errno>,
    room: Option<usize>,
}

impl Socket {
    /// Bytes that wait to be read.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.queue.iter().map(|datagram| datagram.data.len()).sum()
    }

    /// How large a packet may be in bytes where the last datagram that was too long would have gone; Linux keeps it in the
    /// socket's queue of errors (`ip_local_error`).
    #[must_use]
    pub const fn room(&self) -> Option<usize> {
        self.room
    }
}

/// What a socket takes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// UDP datagrams to this address and port, from this peer if there is one.
    Udp {
        /// Our address, unspecified for any.
        local: SocketAddr,
        /// The only one who may send to it.
        peer: Option<SocketAddr>,
    },
    /// A copy of every packet of an IP protocol.
    Raw {
        /// 1 ICMP, 58 `ICMPv6`.
        protocol: u8,
    },
}

/// The sockets of a namespace.
#[derive(Clone, Debug, Default)]
pub struct Table {
    sockets: BTreeMap<SocketId, Socket>,
    udp: IndexMap<u16, Vec<SocketId>, FxBuildHasher>,
    raw: Vec<SocketId>,
    next: u32,
}

impl Table {
    /// A number for a new socket of whatever kind.
    pub const fn allocate(&mut self) -> SocketId {
        self.next += 1;
        SocketId(self.next)
    }

    /// A new socket.
    pub fn open(&mut self, kind: Kind) -> SocketId {
        let id = self.allocate();
        match kind {
            Kind::Udp { local, .. } => self.udp.entry(local.port()).or_default().push(id),
            Kind::Raw { .. } => self.raw.push(id),
        }
        let (queue, error, room) = (VecDeque::new(), None, None);
        self.sockets.insert(id, Socket { kind, is_source_found: false, device: None, queue, error, room });
        id
    }

    /// Removes a socket; false when it is none of these.
    pub fn close(&mut self, id: SocketId) -> bool {
        let Some(socket) = self.sockets.remove(&id) else { return false };
        self.raw.retain(|s| *s != id);
        if let Kind::Udp { local, .. } = socket.kind
            && let Some(same_port) = self.udp.get_mut(&local.port())
        {
            same_port.retain(|s| *s != id);
            if same_port.is_empty() {
                self.udp.swap_remove(&local.port());
            }
        }
        true
    }

    /// A socket.
    #[must_use]
    pub fn find(&self, id: SocketId) -> Option<&Socket> {
        self.sockets.get(&id)
    }

    /// All UDP and raw sockets, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = (SocketId, &Socket)> {
        self.sockets.iter().map(|(id, s)| (*id, s))
    }

    /// Fixes the peer and, when it had none, the address of a UDP socket.
    pub fn connect(&mut self, id: SocketId, source: IpAddr, to: SocketAddr) {
        if let Some(Socket { kind: Kind::Udp { local, peer }, is_source_found, .. }) = self.sockets.get_mut(&id) {
            *peer = Some(to);
            if local.ip().is_unspecified() {
                local.set_ip(source);
                *is_source_found = true;
            }
        }
    }

    /// Lets a socket send and hear by one device alone.
    pub fn bind_to_device(&mut self, id: SocketId, device: IfIndex) {
        if let Some(socket) = self.sockets.get_mut(&id) {
            socket.device = Some(device);
        }
    }

    /// Whether a socket hears what came by a device; by none of them came what this host sent to itself.
    fn hears(&self, id: SocketId, by: Option<IfIndex>) -> bool {
        self.sockets[&id].device.is_none_or(|device| by.is_none_or(|by| by == device))
    }

    /// Whether a UDP socket could be bound there.
    #[must_use]
    pub fn is_free(&self, local: SocketAddr) -> bool {
        let taken = |id: &SocketId| match self.sockets[id].kind {
            Kind::Udp { local: other, .. } => clashes(other.ip(), local.ip()),
            Kind::Raw { .. } => false,
        };
        !self.udp.get(&local.port()).is_some_and(|ids| ids.iter().any(taken))
    }

    /// The UDP socket for a datagram that came by a device: the one that fixes most of its addresses.
    #[must_use]
    pub fn udp_for(&self, dst: SocketAddr, src: SocketAddr, by: Option<IfIndex>) -> Option<SocketId> {
        let candidates = self.udp.get(&dst.port())?.iter().filter(|id| self.hears(**id, by));
        let scored = candidates.filter_map(|id| Some((score(self.sockets[id].kind, dst, src)?, *id)));
        scored.max_by_key(|(score, id)| (*score, core::cmp::Reverse(*id))).map(|(_, id)| id)
    }

    /// Every UDP socket that takes a broadcast or multicast datagram.
    #[must_use]
    pub fn udp_all_for(&self, dst: SocketAddr, src: SocketAddr, by: Option<IfIndex>) -> Vec<SocketId> {
        let Some(candidates) = self.udp.get(&dst.port()) else { return Vec::new() };
        let takes = |id: &SocketId| self.hears(*id, by) && score(self.sockets[id].kind, dst, src).is_some();
        candidates.iter().copied().filter(takes).collect()
    }

    /// The raw sockets for what came of a protocol by a device.
    #[must_use]
    pub fn raw_for(&self, protocol: u8, by: Option<IfIndex>) -> Vec<SocketId> {
        let takes = |id: &SocketId| self.hears(*id, by) && self.sockets[id].kind == Kind::Raw { protocol };
        self.raw.iter().copied().filter(takes).collect()
    }

    /// Gives a socket a datagram; false when its queue is full.
    pub fn push(&mut self, id: SocketId, datagram: Datagram) -> bool {
        let Some(socket) = self.sockets.get_mut(&id).filter(|s| s.queue.len() < QUEUE) else { return false };
        socket.queue.push_back(datagram);
        true
    }

    /// Gives a socket an error that its next call returns.
    pub fn fail(&mut self, id: SocketId, error: Errno) {
        if let Some(socket) = self.sockets.get_mut(&id) {
            socket.error = Some(error);
        }
    }

    /// Notes how large a packet may be where a datagram that was too long would have gone.
    pub fn note_room(&mut self, id: SocketId, room: usize) {
        if let Some(socket) = self.sockets.get_mut(&id) {
            socket.room = Some(room);
        }
    }

    /// The error that waits in a socket, which is then gone.
    pub fn take_error(&mut self, id: SocketId) -> Option<Errno> {
        self.sockets.get_mut(&id)?.error.take()
    }

    /// The next datagram of a socket.
    pub fn pop(&mut self, id: SocketId) -> Option<Datagram> {
        self.sockets.get_mut(&id)?.queue.pop_front()
    }
}

/// Whether two local addresses cannot share a port.
fn clashes(a: IpAddr, b: IpAddr) -> bool {
    a == b || ((a.is_unspecified() || b.is_unspecified()) && a.is_ipv4() == b.is_ipv4())
}

/// How well a socket fits a datagram; none when it does not.
fn score(kind: Kind, dst: SocketAddr, src: SocketAddr) -> Option<u8> {
    let Kind::Udp { local, peer } = kind else { return None };
    if local.is_ipv4() != dst.is_ipv4() {
        return None;
    }
    let bound = match local.ip() {
        ip if ip.is_unspecified() => 0,
        ip if ip == dst.ip() => 1,
        _ => return None,
    };
    match peer {
        None => Some(bound),
        Some(peer) if peer == src => Some(bound + 2),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> SocketAddr {
        text.parse().expect("the test writes an address")
    }

    fn udp(table: &mut Table, local: &str, peer: Option<&str>) -> SocketId {
        table.open(Kind::Udp { local: at(local), peer: peer.map(at) })
    }

    #[test]
    fn the_socket_that_says_most_about_a_datagram_gets_it() {
        let mut table = Table::default();
        let any = udp(&mut table, "0.0.0.0:53", None);
        let bound = udp(&mut table, "10.0.0.1:53", None);
        let connected = udp(&mut table, "10.0.0.1:53", Some("10.0.0.9:4000"));
        let six = udp(&mut table, "[::]:53", None);
        let found = |dst: &str, src: &str| table.udp_for(at(dst), at(src), None);
        assert_eq!(found("10.0.0.2:53", "10.0.0.9:4000"), Some(any));
        assert_eq!(found("10.0.0.1:53", "10.0.0.8:4000"), Some(bound));
        assert_eq!(found("10.0.0.1:53", "10.0.0.9:4000"), Some(connected));
        assert_eq!(found("[2001:db8::1]:53", "[2001:db8::9]:4000"), Some(six));
        assert_eq!(found("10.0.0.1:54", "10.0.0.9:4000"), None);
        assert_eq!(table.udp_all_for(at("10.0.0.1:53"), at("10.0.0.9:4000"), None), [any, bound, connected]);
    }

    #[test]
    fn the_oldest_of_equals_is_first() {
        let mut table = Table::default();
        let first = udp(&mut table, "224.0.0.1:5353", None);
        udp(&mut table, "224.0.0.1:5353", None);
        assert_eq!(table.udp_for(at("224.0.0.1:5353"), at("10.0.0.9:1"), None), Some(first));
    }

    #[test]
    fn a_port_is_taken_by_its_address_or_by_all_of_its_family() {
        let mut table = Table::default();
        let one = udp(&mut table, "10.0.0.1:53", None);
        let free = |table: &Table| {
            ["10.0.0.1:53", "10.0.0.2:53", "0.0.0.0:53", "[::]:53"].map(|local| table.is_free(at(local)))
        };
        assert_eq!(free(&table), [false, true, false, true]);
        udp(&mut table, "[::]:53", None);
        assert_eq!(free(&table), [false, true, false, false]);
        assert!(table.close(one) && !table.close(one));
        assert_eq!(free(&table), [true, true, true, false]);
    }

    #[test]
    fn connecting_fixes_the_address_that_was_open() {
        let mut table = Table::default();
        let socket = udp(&mut table, "0.0.0.0:4000", None);
        table.connect(socket, at("10.0.0.1:0").ip(), at("10.0.0.9:53"));
        let kind = table.find(socket).map(|s| s.kind);
        assert_eq!(kind, Some(Kind::Udp { local: at("10.0.0.1:4000"), peer: Some(at("10.0.0.9:53")) }));
    }

    #[test]
    fn an_error_is_told_once_and_a_queue_has_an_end() {
        let mut table = Table::default();
        let raw = table.open(Kind::Raw { protocol: 1 });
        table.fail(raw, Errno::ConnectionRefused);
        assert_eq!((table.take_error(raw), table.take_error(raw)), (Some(Errno::ConnectionRefused), None));
        let datagram = Datagram { src: at("10.0.0.9:0"), dst: at("10.0.0.1:0").ip(), ttl: 64, data: vec![8, 0] };
        let taken = (0..=QUEUE).filter(|_| table.push(raw, datagram.clone())).count();
        assert_eq!((taken, table.raw_for(1, None), table.raw_for(58, None)), (QUEUE, vec![raw], vec![]));
        assert_eq!(table.pop(raw), Some(datagram));
    }
}
