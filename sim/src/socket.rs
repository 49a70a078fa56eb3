//! Sockets: what programs hold, and which of them a packet belongs to. It builds no packet and knows no route.

use core::fmt;
use core::net::{IpAddr, SocketAddr};

/// A socket of a namespace, by number.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct SocketId(pub(crate) u32);

/// How a datagram shall be sent.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct SendOptions {
    /// The hop limit; 64 when none.
    pub ttl: Option<u8>,
    /// Not to be fragmented on the way (`IP_MTU_DISCOVER`).
    pub dont_fragment: bool,
    /// The source address; chosen by the route when none.
    pub source: Option<IpAddr>,
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
    /// EPIPE
    BrokenPipe,
    /// ECONNREFUSED
    ConnectionRefused,
    /// ECONNRESET
    ConnectionReset,
    /// EHOSTUNREACH
    HostUnreachable,
    /// EINVAL
    Invalid,
    /// EISDIR
    IsDirectory,
    /// EMSGSIZE
    MessageTooLong,
    /// ENETDOWN
    NetworkDown,
    /// ENETUNREACH
    NetworkUnreachable,
    /// ENODEV
    NoDevice,
    /// ENOENT
    NoEntry,
    /// ENOTCONN
    NotConnected,
    /// EPERM
    NotPermitted,
    /// ETIMEDOUT
    TimedOut,
}

impl fmt::Display for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AccessDenied => "Permission denied",
            Self::AddressInUse => "Address already in use",
            Self::AddressNotAvailable => "Cannot assign requested address",
            Self::BadFile => "Bad file descriptor",
            Self::BrokenPipe => "Broken pipe",
            Self::ConnectionRefused => "Connection refused",
            Self::ConnectionReset => "Connection reset by peer",
            Self::HostUnreachable => "No route to host",
            Self::Invalid => "Invalid argument",
            Self::IsDirectory => "Is a directory",
            Self::MessageTooLong => "Message too long",
            Self::NetworkDown => "Network is down",
            Self::NetworkUnreachable => "Network is unreachable",
            Self::NoDevice => "No such device",
            Self::NoEntry => "No such file or directory",
            Self::NotConnected => "Socket not connected",
            Self::NotPermitted => "Operation not permitted",
            Self::TimedOut => "Connection timed out",
        })
    }
}
