//! Devices that somebody outside the world has a part in: a real network stack with the same addresses. It sends by the
//! device as if it were this namespace, and gets what comes in and is of no use to this namespace's own sockets.
//!
//! Two stacks behind one address must not answer twice. So each frame has one that answers: this namespace where it has a
//! socket for a segment or datagram, the outside for everything else that asks for an answer (ARP, echo requests, ports
//! where nobody listens). What answers somebody's question, or reports an error, goes to both, and so do broadcasts that
//! a socket here waits for: whoever did not ask takes no notice.

use core::net::{IpAddr, SocketAddr};

use super::{Cx, LinkError, Namespace};
use crate::device::IfIndex;
use crate::drop::DropReason;
use crate::frame::{Frame, ethertype};
use crate::packet::{Ip, Upper, protocol};

/// Which stack a frame is for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Side {
    Inside,
    Outside,
    Both,
}

/// On which way the outside lost a frame.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Lost {
    /// From the outside, before it was in the world.
    In,
    /// To the outside.
    Out,
}

/// ARP's operation that answers.
const ARP_REPLY: [u8; 2] = [0, 2];
/// ICMP's message that asks for an answer, of IPv4.
const ECHO_REQUEST: u8 = 8;
/// Those of IPv6: an echo, and who has an address.
const V6_REQUESTS: [u8; 2] = [128, 135];

impl Namespace {
    /// Whether somebody outside has a part in a device.
    pub(crate) fn set_outside(&mut self, index: IfIndex, outside: bool) -> Result<(), LinkError> {
        self.devices.get_mut(&index).ok_or(LinkError::NoDevice)?.outside = outside;
        Ok(())
    }

    /// Nobody outside has a part in any device.
    pub(crate) fn leave_outside(&mut self) {
        let devices: Vec<IfIndex> = self.devices.keys().collect();
        for device in devices {
            let _ = self.set_outside(device, false);
        }
    }

    /// The outside sends a frame by a device.
    pub(crate) fn send_from_outside(&mut self, cx: &mut Cx, index: IfIndex, frame: Frame) {
        let Some(device) = self.devices.get_mut(&index) else { return };
        if !device.outside || !frame.is_ethernet() {
            device.counters.tx_dropped += 1;
            let reason = if device.outside { DropReason::Malformed } else { DropReason::LinkDown };
            return self.drop_frame(cx, Some(index), reason, &frame);
        }
        self.transmit(cx, index, frame);
    }

    /// The outside could not take frames, or lost them before they could be sent.
    pub(crate) fn count_lost_outside(&mut self, index: IfIndex, way: Lost, reason: DropReason, count: u64) {
        let Some(device) = self.devices.get_mut(&index) else { return };
        match way {
            Lost::In => device.counters.tx_dropped += count,
            Lost::Out => device.counters.rx_dropped += count,
        }
        self.drops.count_many(Some(index), reason, count);
    }

    /// Hands a frame that came in by a device to the outside when it is the outside's; what is left for this namespace.
    pub(super) fn share_with_outside(&self, cx: &mut Cx, index: IfIndex, frame: Frame) -> Option<Frame> {
        match self.side_of(index, &frame) {
            Side::Inside => Some(frame),
            Side::Outside => {
                cx.left.push((index, frame));
                None
            }
            Side::Both => {
                cx.left.push((index, frame.clone()));
                Some(frame)
            }
        }
    }

    fn side_of(&self, index: IfIndex, frame: &Frame) -> Side {
        match frame.ethertype() {
            ethertype::ARP if frame.payload().get(6..8) == Some(&ARP_REPLY) => Side::Both,
            ethertype::IPV4 | ethertype::IPV6 => {
                Ip::parse(frame.payload()).map_or(Side::Outside, |ip| self.side_of_packet(index, &ip))
            }
            _ => Side::Outside,
        }
    }

    fn side_of_packet(&self, index: IfIndex, ip: &Ip) -> Side {
        let is_group = self.is_group(index, ip.dst);
        if !is_group && !self.is_local(ip.dst) {
            return Side::Outside;
        }
        match ip.upper {
            // Whose it is stands in the first piece, which may come last.
            _ if ip.fragment.is_some() && ip.protocol == protocol::UDP => Side::Both,
            _ if ip.fragment.is_some() => Side::Outside,
            Upper::Icmp { kind, .. } if ip.is_v4() && kind != ECHO_REQUEST => Side::Both,
            Upper::Icmp { kind, .. } if !ip.is_v4() && !V6_REQUESTS.contains(&kind) => Side::Both,
            Upper::Udp { src, dst } => self.side_of_datagram(SocketAddr::new(ip.src, src), (ip.dst, dst), is_group),
            Upper::Tcp { src, dst, .. } => {
                let tuple = (SocketAddr::new(ip.dst, dst), SocketAddr::new(ip.src, src));
                if self.tcp.has(tuple) { Side::Inside } else { Side::Outside }
            }
            Upper::Icmp { .. } | Upper::Other => Side::Outside,
        }
    }

    fn side_of_datagram(&self, src: SocketAddr, (dst, port): (IpAddr, u16), is_group: bool) -> Side {
        let dst = SocketAddr::new(dst, port);
        match is_group {
            true if self.sockets.udp_all_for(dst, src, None).is_empty() => Side::Outside,
            true => Side::Both,
            false if self.sockets.udp_for(dst, src, None).is_none() => Side::Outside,
            false => Side::Inside,
        }
    }

    /// Whether an address means several hosts on a device's link.
    fn is_group(&self, index: IfIndex, addr: IpAddr) -> bool {
        let IpAddr::V4(v4) = addr else { return addr.is_multicast() };
        v4.is_multicast() || self.devices.get(&index).is_some_and(|device| device.is_broadcast(v4))
    }
}
