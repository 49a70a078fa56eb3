//! What identifies a flow in one direction. It says nothing about a flow's state.

use core::net::IpAddr;

use crate::packet::{End, Ip, Upper, protocol};

/// One direction of a flow: addresses and protocol with ports, or for an ICMP query its identifier in `src_port` and
/// its type and code in `dst_port`.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Tuple {
    /// Source address.
    pub src: IpAddr,
    /// Destination address.
    pub dst: IpAddr,
    /// IP protocol number.
    pub protocol: u8,
    /// Source port, or ICMP identifier.
    pub src_port: u16,
    /// Destination port, or ICMP type (high byte) and code.
    pub dst_port: u16,
}

impl Tuple {
    /// The direction that a packet belongs to.
    #[must_use]
    pub const fn of(ip: &Ip) -> Self {
        let (src_port, dst_port) = match ip.upper {
            Upper::Icmp { kind, code, id } => (id, u16::from_be_bytes([kind, code])),
            Upper::Other => (0, 0),
            Upper::Tcp { src, dst, .. } | Upper::Udp { src, dst } => (src, dst),
        };
        Self { src: ip.src, dst: ip.dst, protocol: ip.protocol, src_port, dst_port }
    }

    /// The other direction of the same flow.
    #[must_use]
    pub const fn inverse(&self) -> Self {
        let (src_port, dst_port) = if self.is_icmp() {
            let [kind, code] = self.dst_port.to_be_bytes();
            (self.src_port, u16::from_be_bytes([answer(self.protocol, kind), code]))
        } else {
            (self.dst_port, self.src_port)
        };
        Self { src: self.dst, dst: self.src, protocol: self.protocol, src_port, dst_port }
    }

    /// Whether it is of ICMP, of either family.
    #[must_use]
    pub const fn is_icmp(&self) -> bool {
        matches!(self.protocol, protocol::ICMP | protocol::ICMPV6)
    }

    /// ICMP type and code.
    #[must_use]
    pub const fn icmp(&self) -> (u8, u8) {
        let [kind, code] = self.dst_port.to_be_bytes();
        (kind, code)
    }

    /// The address at one end.
    #[must_use]
    pub const fn address(&self, end: End) -> IpAddr {
        match end {
            End::Source => self.src,
            End::Destination => self.dst,
        }
    }

    /// The port at one end; the identifier of an ICMP query at both.
    #[must_use]
    pub const fn port(&self, end: End) -> u16 {
        match end {
            End::Destination if !self.is_icmp() => self.dst_port,
            End::Destination | End::Source => self.src_port,
        }
    }

    /// Puts another address at one end.
    pub const fn set_address(&mut self, end: End, addr: IpAddr) {
        match end {
            End::Source => self.src = addr,
            End::Destination => self.dst = addr,
        }
    }

    /// Puts another port at one end, or gives another identifier to an ICMP query.
    pub const fn set_port(&mut self, end: End, port: u16) {
        match end {
            End::Destination if !self.is_icmp() => self.dst_port = port,
            End::Destination | End::Source => self.src_port = port,
        }
    }
}

/// Whether an ICMP message of this type asks for something, so that it begins a flow.
#[must_use]
pub const fn is_icmp_query(number: u8, kind: u8) -> bool {
    match number {
        protocol::ICMP => matches!(kind, 8 | 13 | 15 | 17),
        _ => matches!(kind, 128 | 139),
    }
}

/// The type of the ICMP message that goes the other way; itself for one that is no query and no answer.
const fn answer(number: u8, kind: u8) -> u8 {
    match (number, kind) {
        (protocol::ICMP, 0) => 8,
        (protocol::ICMP, 8) => 0,
        (protocol::ICMP, 13 | 15 | 17) | (protocol::ICMPV6, 128 | 139) => kind + 1,
        (protocol::ICMP, 14 | 16 | 18) | (protocol::ICMPV6, 129 | 140) => kind - 1,
        _ => kind,
    }
}
