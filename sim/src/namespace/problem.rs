//! What can be wrong with a packet, and how ICMP, a program and the drop counter say it. It sends nothing.

use core::net::Ipv4Addr;

use crate::drop::DropReason;
use crate::socket::Errno;

/// What is wrong with a packet.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Problem {
    /// No route.
    NetworkUnreachable,
    /// This host has no address of IPv6 at all to send from.
    NoSource,
    /// The neighbour is silent, or a route says so.
    HostUnreachable,
    /// Nobody here speaks that protocol.
    ProtocolUnreachable,
    /// Nobody listens at that port.
    PortUnreachable,
    /// A route forbids it.
    Prohibited,
    /// A route swallows it, in silence.
    Blackhole,
    /// The hop limit ran out.
    TtlExpired,
    /// Fragments are missing.
    ReassemblyTimeout,
    /// Bigger than this MTU, and not to be cut.
    TooBig(usize),
    /// A rule refuses it, with this code of "unreachable".
    Rejected(u8),
    /// Nothing: it goes on, but this router is nearer.
    Redirect(Ipv4Addr),
}

impl Problem {
    pub(super) const fn drop_reason(self) -> DropReason {
        match self {
            Self::NetworkUnreachable | Self::NoSource | Self::HostUnreachable | Self::Prohibited => DropReason::NoRoute,
            Self::ProtocolUnreachable => DropReason::UnknownProtocol,
            Self::PortUnreachable => DropReason::NoSocket,
            Self::Blackhole => DropReason::Blackhole,
            Self::TtlExpired => DropReason::TtlExpired,
            Self::ReassemblyTimeout => DropReason::Reassembly,
            Self::TooBig(_) => DropReason::TooBig,
            Self::Rejected(_) | Self::Redirect(_) => DropReason::Filtered,
        }
    }

    /// What a program that sends there is told.
    pub(super) const fn errno(self) -> Errno {
        match self {
            Self::NetworkUnreachable => Errno::NetworkUnreachable,
            Self::NoSource => Errno::AddressNotAvailable,
            Self::Prohibited => Errno::AccessDenied,
            Self::Blackhole => Errno::Invalid,
            Self::TooBig(_) => Errno::MessageTooLong,
            Self::PortUnreachable => Errno::ConnectionRefused,
            _ => Errno::HostUnreachable,
        }
    }

    /// Type and code of the ICMP error; none when there is none.
    pub(super) const fn icmp(self) -> Option<(u8, u8)> {
        Some(match self {
            Self::NetworkUnreachable | Self::NoSource => (3, 0),
            Self::HostUnreachable => (3, 1),
            Self::ProtocolUnreachable => (3, 2),
            Self::PortUnreachable => (3, 3),
            Self::TooBig(_) => (3, 4),
            Self::Prohibited => (3, 13),
            Self::TtlExpired => (11, 0),
            Self::ReassemblyTimeout => (11, 1),
            Self::Rejected(code) => (3, code),
            Self::Redirect(_) => (5, 1),
            Self::Blackhole => return None,
        })
    }

    /// The same for `ICMPv6` (RFC 4443 §3).
    pub(super) const fn icmpv6(self) -> Option<(u8, u8)> {
        Some(match self {
            Self::NetworkUnreachable | Self::NoSource => (1, 0),
            Self::Prohibited => (1, 1),
            Self::HostUnreachable => (1, 3),
            Self::PortUnreachable => (1, 4),
            Self::TooBig(_) => (2, 0),
            Self::TtlExpired => (3, 0),
            Self::ReassemblyTimeout => (3, 1),
            Self::ProtocolUnreachable => (4, 1),
            Self::Rejected(code) => (1, code),
            Self::Blackhole | Self::Redirect(_) => return None,
        })
    }
}
