//! A question for somebody's Ethernet address, read from a frame, and the answer that another gives in their place: an
//! ARP request or a neighbour solicitation. Who may answer is decided elsewhere.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use smoltcp::phy::ChecksumCapabilities;
use smoltcp::wire::{ArpOperation, ArpPacket, ArpRepr, Icmpv6Packet, Icmpv6Repr, NdiscRepr};

use super::{arp, ndp};
use crate::addr::Mac;
use crate::frame::{Frame, ethertype};
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
                let packet = ArpPacket::new_checked(frame.payload()).ok()?;
                let ArpRepr::EthernetIpv4 {
                    operation: ArpOperation::Request,
                    source_hardware_addr,
                    source_protocol_addr,
                    target_protocol_addr: target,
                    ..
                } = ArpRepr::parse(&packet).ok()?
                else {
                    return None;
                };
                Some(Self::V4 { target, asker: (source_protocol_addr, Mac(source_hardware_addr.0)) })
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
                let mut frame = Frame::ethernet(to, mac, ethertype::ARP, arp::ARP_LEN);
                arp::write(frame.payload_mut(), ArpOperation::Reply, (target, mac), (asker, to));
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
