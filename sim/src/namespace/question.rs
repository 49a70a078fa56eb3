//! A question for somebody's Ethernet address, read from a frame, and the answer that another gives in their place: an
//! ARP request or a neighbour solicitation. Who may answer is decided elsewhere.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use smoltcp::phy::ChecksumCapabilities;
use smoltcp::wire::{Icmpv6Packet, Icmpv6Repr, NdiscRepr};

use super::ndp;
use crate::addr::Mac;
use crate::frame::{Frame, ethertype};
use crate::packet::arp::{self, Arp, Operation};
use crate::packet::{Ip, protocol};

/// Who asks for whom.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Question {
    /// By ARP.
    V4 { target: Ipv4Addr, asker: (Ipv4Addr, Mac) },
    /// By a neighbour solicitation.
    V6 { target: Ipv6Addr, asker: (Ipv6Addr, Mac) },
}

impl Question {
    /// The question in a frame; none when it is something else.
    pub(super) fn parse(frame: &Frame) -> Option<Self> {
        match frame.ethertype() {
            ethertype::ARP => {
                let arp = Arp::parse(frame.payload()).filter(|arp| arp.operation == Operation::Request)?;
                Some(Self::V4 { target: arp.target.0, asker: arp.sender })
            }
            ethertype::IPV6 => Self::parse_solicitation(frame),
            _ => None,
        }
    }

    fn parse_solicitation(frame: &Frame) -> Option<Self> {
        let ip = Ip::parse(frame.payload()).filter(|ip| ip.protocol == protocol::ICMPV6)?;
        let (IpAddr::V6(src), IpAddr::V6(dst)) = (ip.src, ip.dst) else { return None };
        let packet = Icmpv6Packet::new_checked(&frame.payload()[ip.header_len..ip.total_len]).ok()?;
        match Icmpv6Repr::parse(&src, &dst, &packet, &ChecksumCapabilities::default()).ok()? {
            Icmpv6Repr::Ndisc(NdiscRepr::NeighborSolicit { target_addr, .. }) if !src.is_unspecified() => {
                Some(Self::V6 { target: target_addr, asker: (src, frame.src()) })
            }
            _ => None,
        }
    }

    /// Whose address is asked for.
    pub(super) const fn target(&self) -> IpAddr {
        match self {
            Self::V4 { target, .. } => IpAddr::V4(*target),
            Self::V6 { target, .. } => IpAddr::V6(*target),
        }
    }

    /// The answer as the one with this address would give it.
    pub(super) fn answer(&self, mac: Mac) -> Frame {
        match *self {
            Self::V4 { target, asker: (asker, to) } => {
                let mut frame = Frame::ethernet(to, mac, ethertype::ARP, arp::LEN);
                let arp = Arp { operation: Operation::Reply, sender: (target, mac), target: (asker, to) };
                frame.payload_mut().copy_from_slice(&arp.bytes());
                frame
            }
            Self::V6 { target, asker: (asker, to) } => {
                let packet = ndp::packet(target, asker, &ndp::advertisement(target, mac));
                let mut frame = Frame::ethernet(to, mac, ethertype::IPV6, packet.len());
                frame.payload_mut().copy_from_slice(&packet);
                frame
            }
        }
    }
}
