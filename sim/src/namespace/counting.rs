//! What the protocols of this host count (`mib`), where it takes a look at a packet. It stops none and sends none.

use core::net::IpAddr;

use smoltcp::socket::tcp::State;

use super::Namespace;
use super::problem::Problem;
use crate::addr::family;
use crate::device::IfIndex;
use crate::frame::Frame;
use crate::mib::Cast;
use crate::packet::{Ip, Upper, checksum, protocol, tcp_flag};
use crate::socket::Errno;

/// The shortest message of ICMP.
const ICMP_MIN: usize = 8;

impl Namespace {
    /// A packet came in by a device: the view of it, if its header is sound.
    pub(super) fn count_arrival(&mut self, index: IfIndex, frame: &Frame) -> Option<Ip> {
        let packet = frame.payload();
        let counters = &mut self.mib.ip[usize::from(packet.first().is_some_and(|byte| byte >> 4 == 6))];
        let Some(ip) = Ip::parse(packet) else {
            counters.received.all.count(packet.len());
            counters.header_errors += 1;
            return None;
        };
        counters.ecn[usize::from(ecn(packet))] += 1;
        if ip.is_v4() && checksum::of(&packet[..ip.header_len]) != 0 {
            counters.received.all.count(ip.total_len);
            counters.checksum_errors += 1;
            counters.header_errors += 1;
            return None;
        }
        let cast = self.cast_of(index, ip.dst);
        self.mib.ip[family(ip.dst)].received.count(cast, ip.total_len);
        Some(ip)
    }

    /// A packet is given to a protocol of this host; false when it is cut short or damaged.
    pub(super) fn count_delivery(&mut self, ip: &Ip, frame: &Frame) -> bool {
        let family = family(ip.dst);
        let is_cut_short =
            matches!(ip.protocol, protocol::ICMP | protocol::ICMPV6) && ip.total_len < ip.header_len + ICMP_MIN;
        let is_right = !is_cut_short && checksum::is_right(frame.payload());
        let wrong = u64::from(!is_right);
        self.mib.ip[family].delivered += 1;
        match ip.upper {
            Upper::Icmp { kind, .. } if (ip.protocol == protocol::ICMP) == ip.is_v4() => {
                let icmp = &mut self.mib.icmp[family];
                icmp.errors += wrong;
                icmp.checksum_errors += wrong;
                *icmp.received.entry(kind).or_default() += 1;
            }
            Upper::Tcp { .. } => {
                let tcp = &mut self.mib.tcp;
                tcp.received += 1;
                tcp.errors += wrong;
                tcp.checksum_errors += wrong;
            }
            Upper::Udp { .. } => {
                self.mib.udp[family].errors += wrong;
                self.mib.udp[family].checksum_errors += wrong;
            }
            _ => {}
        }
        is_right
    }

    /// A protocol of this host sends a packet.
    pub(super) fn count_request(&mut self, packet: &[u8]) {
        let Some(ip) = Ip::parse(packet) else { return };
        let family = family(ip.dst);
        self.mib.ip[family].requested += 1;
        match ip.upper {
            Upper::Icmp { kind, .. } => *self.mib.icmp[family].sent.entry(kind).or_default() += 1,
            Upper::Udp { .. } => self.mib.udp[family].sent += 1,
            Upper::Tcp { flags, .. } => self.mib.tcp.resets_sent += u64::from(flags & tcp_flag::RST != 0),
            Upper::Other => {}
        }
    }

    /// A packet goes out, of whomever it is.
    pub(super) fn count_departure(&mut self, index: IfIndex, dst: IpAddr, len: usize) {
        let cast = self.cast_of(index, dst);
        self.mib.ip[family(dst)].sent.count(cast, len);
    }

    /// A packet of our own is not sent; what its sender is told.
    pub(super) fn no_way_out(&mut self, dst: IpAddr, problem: Problem) -> Errno {
        self.mib.ip[family(dst)].no_way_out += u64::from(problem == Problem::NetworkUnreachable);
        problem.errno()
    }

    /// A connection went from one state to another (RFC 4022).
    pub(super) const fn count_change(&mut self, before: State, after: State) {
        use State::{CloseWait, Closed, Established, Listen, SynReceived, SynSent};
        let tcp = &mut self.mib.tcp;
        match (before, after) {
            (Listen | SynReceived, Established | CloseWait) => tcp.accepted += 1,
            (SynSent | SynReceived, Closed | Listen) => tcp.failed += 1,
            (Established | CloseWait, Closed) => tcp.reset += 1,
            _ => {}
        }
    }

    /// Whom an address is of, at a device.
    fn cast_of(&self, index: IfIndex, dst: IpAddr) -> Cast {
        match dst {
            _ if dst.is_multicast() => Cast::Multicast,
            IpAddr::V4(v4) if self.devices.get(&index).is_some_and(|d| d.is_broadcast(v4)) => Cast::Broadcast,
            _ => Cast::Unicast,
        }
    }
}

/// The two bits of explicit congestion notification (RFC 3168 §5).
const fn ecn(packet: &[u8]) -> u8 {
    let traffic_class = if packet[0] >> 4 == 4 { packet[1] } else { packet[1] >> 4 };
    traffic_class & 3
}
