//! IP packets that come in: whether they are sound, whether they are for us, and the way of those that are for others.

use core::net::IpAddr;

use super::hooks::Packet;
use super::problem::Problem;
use super::reverse::Source;
use super::way::Way;
use super::{Cx, Namespace};
use crate::addr::family;
use crate::device::{Conf, IfIndex};
use crate::drop::DropReason;
use crate::filter::Hook;
use crate::frame::{ETHERNET_LEN, Frame};
use crate::packet::{Ip, protocol};
use crate::route::Action;
use crate::route::policy::Flow;

impl Namespace {
    /// An IP packet came in by a device.
    pub(super) fn receive_packet(&mut self, cx: &mut Cx, index: IfIndex, mut frame: Frame) {
        let Some(ip) = self.count_arrival(index, &frame) else {
            self.drop_frame(cx, Some(index), DropReason::Malformed, &frame);
            return;
        };
        frame.truncate(ETHERNET_LEN + ip.total_len);
        if self.is_martian(index, &ip, frame.payload()) {
            self.mib.ip[family(ip.dst)].address_errors += 1;
            self.drop_frame(cx, Some(index), DropReason::Martian, &frame);
            return;
        }
        let Some(frame) = self.defragment(cx, index, &ip, frame) else { return };
        let Some(packet) = self.pass(cx, Hook::Prerouting, Packet::arrived(frame, index), None) else {
            return;
        };
        let Some(ip) = Ip::parse(packet.frame.payload()) else { return };
        if self.is_for_us(index, ip.dst) {
            self.take_delivery(cx, index, &ip, packet);
        } else {
            self.forward(cx, index, ip, packet);
        }
    }

    /// A packet is for this host, if its source may be where it came from.
    fn take_delivery(&mut self, cx: &mut Cx, index: IfIndex, ip: &Ip, packet: Packet) {
        if self.judge_source(index, ip.src, ip.dst, None) == Source::Refused {
            self.drop_frame(cx, Some(index), DropReason::ReversePath, &packet.frame);
            return;
        }
        self.deliver(cx, index, packet);
    }

    /// Loopback addresses must not be seen on a wire, nor can a packet from this host's own address come from one.
    fn is_martian(&self, index: IfIndex, ip: &Ip, packet: &[u8]) -> bool {
        if self.devices.get(&index).is_some_and(crate::device::Device::is_loopback) {
            return false;
        }
        let forged = || self.is_forged(index, &Flow { src: Some(ip.src), ..Flow::of(ip, packet) });
        let of_lo = ip.src.is_loopback() || ip.dst.is_loopback();
        of_lo && (ip.dst.is_ipv6() || self.inet(index, Conf::RouteLocalnet) == 0)
            || ip.src.is_multicast()
            || is_nobody(ip)
            || ip.is_v4() && !ip.src.is_loopback() && forged()
    }

    /// Whether a packet to `addr` that came in by `index` is (also) for this host.
    fn is_for_us(&self, index: IfIndex, addr: IpAddr) -> bool {
        match addr {
            IpAddr::V4(v4) => {
                v4.is_multicast()
                    || self.is_local(addr)
                    || self.devices.get(&index).is_some_and(|device| device.is_broadcast(v4))
                    || self.said_of(addr) == Some(Action::Broadcast)
            }
            IpAddr::V6(v6) => v6.is_multicast() || self.is_local(addr) || self.said_of(addr) == Some(Action::Anycast),
        }
    }

    /// A packet for this host goes to who waits for it.
    fn deliver(&mut self, cx: &mut Cx, index: IfIndex, packet: Packet) {
        let Some(packet) = self.pass(cx, Hook::Input, packet, None) else { return };
        if packet.is_balanced() {
            return self.give_away(cx, index, packet);
        }
        let Packet { frame, .. } = packet;
        let Some(ip) = Ip::parse(frame.payload()) else { return };
        let data = &frame.payload()[ip.header_len..ip.total_len];
        let raw = self.deliver_raw(cx, index, &ip, data);
        if !self.count_delivery(&ip, &frame) {
            self.drop_frame(cx, Some(index), DropReason::Malformed, &frame);
            return;
        }
        match ip.protocol {
            protocol::ICMP if self.ignores(&ip) => self.drop_frame(cx, Some(index), DropReason::Unanswered, &frame),
            protocol::ICMP if ip.dst.is_ipv4() => self.receive_icmp(cx, index, &ip, frame.payload()),
            protocol::ICMPV6 if ip.dst.is_ipv6() => self.receive_icmpv6(cx, index, &ip, frame.payload()),
            protocol::UDP => self.receive_udp(cx, index, &ip, &frame),
            protocol::TCP => self.receive_tcp(cx, &ip, &frame),
            _ if raw => {}
            _ => {
                self.mib.ip[family(ip.dst)].unknown_protocols += 1;
                self.drop_frame(cx, Some(index), DropReason::UnknownProtocol, &frame);
                self.complain(cx, Problem::ProtocolUnreachable, frame.payload());
            }
        }
    }

    /// Load balancing has given a packet to a server: it goes out as if it were our own, whether this host forwards or not.
    fn give_away(&mut self, cx: &mut Cx, index: IfIndex, mut packet: Packet) {
        let Some(mut ip) = Ip::parse(packet.frame.payload()) else { return };
        if ip.ttl <= 1 {
            self.drop_frame(cx, Some(index), DropReason::TtlExpired, &packet.frame);
            self.complain_of(cx, Problem::TtlExpired, &packet);
            return;
        }
        ip.decrement_ttl(packet.frame.payload_mut());
        let way = match self.reroute(&packet) {
            Ok(way) => way,
            Err(problem) => return self.drop_frame(cx, Some(index), problem.drop_reason(), &packet.frame),
        };
        let Some(packet) = self.pass(cx, Hook::Output, packet, Some(way.device)) else { return };
        self.leave(cx, way, packet);
    }

    /// A packet for somebody else goes on, if this host forwards.
    fn forward(&mut self, cx: &mut Cx, index: IfIndex, mut ip: Ip, mut packet: Packet) {
        let frame = &packet.frame;
        let forwards = if ip.dst.is_ipv4() { self.inet(index, Conf::Forwarding) != 0 } else { self.forwards_ipv6() };
        let iif = self.devices.get(&index).map(|device| device.name.as_str());
        let flow = Flow { src: Some(ip.src), mark: packet.mark(), iif, ..Flow::of(&ip, frame.payload()) };
        let way = self.way_of(&flow);
        if way.is_ok_and(|way| way.is_here) {
            return self.take_delivery(cx, index, &ip, packet);
        }
        // IPv6 says that there is no way even where it does not forward.
        if ip.dst.is_multicast() || !forwards && ip.dst.is_ipv4() {
            self.mib.ip[family(ip.dst)].address_errors += u64::from(!ip.dst.is_multicast());
            self.drop_frame(cx, Some(index), DropReason::NotForwarding, frame);
            return;
        }
        let way = match way {
            Ok(way) => way,
            Err(problem) => {
                self.mib.ip[family(ip.dst)].no_way_on += u64::from(problem == Problem::NetworkUnreachable);
                self.drop_frame(cx, Some(index), problem.drop_reason(), frame);
                self.complain_of(cx, problem, &packet);
                return;
            }
        };
        if !forwards {
            self.mib.ip[family(ip.dst)].address_errors += 1;
            self.drop_frame(cx, Some(index), DropReason::NotForwarding, frame);
            return;
        }
        let source = self.judge_source(index, ip.src, ip.dst, Some(way.device));
        if source == Source::Refused {
            self.drop_frame(cx, Some(index), DropReason::ReversePath, frame);
            return;
        }
        if ip.ttl <= 1 {
            self.mib.ip[family(ip.dst)].header_errors += 1;
            self.drop_frame(cx, Some(index), DropReason::TtlExpired, frame);
            self.complain_of(cx, Problem::TtlExpired, &packet);
            return;
        }
        self.mib.ip[family(ip.dst)].forwarded += 1;
        let mtu = self.link_mtu(way);
        // What was put together only for the firewall may be taken apart again.
        let in_fragments = (1..=mtu).contains(&usize::from(frame.offload.largest_fragment));
        if ip.total_len > mtu && ip.dont_fragment && !in_fragments {
            self.mib.ip[family(ip.dst)].not_cut += 1;
            self.drop_frame(cx, Some(index), DropReason::TooBig, frame);
            self.complain_of(cx, Problem::TooBig(mtu), &packet);
            return;
        }
        ip.decrement_ttl(packet.frame.payload_mut());
        self.redirect(cx, index, source, way, &packet);
        let Some(packet) = self.pass(cx, Hook::Forward, packet, Some(way.device)) else { return };
        self.leave(cx, way, packet);
    }

    /// The last hook and out.
    pub(super) fn leave(&mut self, cx: &mut Cx, way: Way, packet: Packet) {
        let packet = Packet { next_hop: way.gateway, ..packet };
        let Some(packet) = self.pass(cx, Hook::Postrouting, packet, Some(way.device)) else { return };
        self.hear_oneself(cx, way.device, &packet.frame);
        self.emit(cx, way, packet.frame, packet.came_by);
    }

    /// What is for everybody on a link is for this host too (`ip_mc_output`): it comes back before it is on the wire.
    fn hear_oneself(&mut self, cx: &mut Cx, index: IfIndex, frame: &Frame) {
        let to_all = Ip::parse(frame.payload()).is_some_and(|ip| match ip.dst {
            IpAddr::V4(v4) => self.devices.get(&index).is_some_and(|d| !d.is_loopback() && d.is_broadcast(v4)),
            IpAddr::V6(_) => false,
        });
        if !to_all {
            return;
        }
        if let Some(packet) = self.pass(cx, Hook::Prerouting, Packet::arrived(frame.clone(), index), None) {
            self.deliver(cx, index, packet);
        }
    }
}

/// Whether nobody can have sent a packet of IPv4, or taken it (`ip_route_input_slow`): from 0.0.0.0/8 comes only what is for
/// everybody on a link, or for a group.
fn is_nobody(ip: &Ip) -> bool {
    let (IpAddr::V4(src), IpAddr::V4(dst)) = (ip.src, ip.dst) else { return false };
    let is_for_many = dst.is_broadcast() || dst.is_multicast() || src.is_unspecified() && dst.is_unspecified();
    src.is_broadcast() || !is_for_many && (src.octets()[0] == 0 || dst.octets()[0] == 0)
}
