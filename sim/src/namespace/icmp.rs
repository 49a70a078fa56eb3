//! ICMP and `ICMPv6`: echo replies, errors that we send (RFC 1122 §3.2.2, RFC 4443), and errors that come back to our
//! sockets. Ping itself is a program on a raw socket.

use core::net::{IpAddr, Ipv4Addr};

use super::hooks::Packet;
use super::problem::Problem;
use super::{Cx, Namespace};
use crate::addr::family;
use crate::device::IfIndex;
use crate::netfilter::Passage;
use crate::packet::build::Parts;
use crate::packet::{Ip, Upper, protocol, service};
use crate::route::policy::Flow;
use crate::socket::{Discovery, Errno};

/// Bytes of the packet in question that an ICMP error of IPv4 quotes, as Linux does (RFC 1812 §4.3.2.3).
const QUOTE_V4: usize = 548;
/// The same for IPv6: as much as fits 1280 bytes.
const QUOTE_V6: usize = 1280 - 40 - 8;

/// What an error of IPv4 keeps of the service that its packet asked for, and the precedence that it has (RFC 1812 §4.3.2.5).
const SERVICE: u8 = 0x1e;
const INTERNETWORK_CONTROL: u8 = 0xc0;

const ECHO_REQUEST: u8 = 8;
const ECHO_REPLY: u8 = 0;
const ECHO_REQUEST_V6: u8 = 128;
const ECHO_REPLY_V6: u8 = 129;

/// Whether what an ICMP error says may pass: a UDP socket is not told then (Linux's `icmp_err_convert`).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Gravity {
    /// A route may come back.
    Passing,
    /// Nobody is there.
    Final,
}

/// What an ICMP error of this type and code is to a socket (Linux's `icmp_err_convert` and `tab_unreach`).
const fn meaning(is_v4: bool, kind: u8, code: u8) -> (Errno, Gravity) {
    match (is_v4, kind, code) {
        (true, 3, 0 | 11) | (false, 1, 0) => (Errno::NetworkUnreachable, Gravity::Passing),
        (true, 3, 1 | 5 | 12) | (false, 1, 2 | 3) => (Errno::HostUnreachable, Gravity::Passing),
        (true, 3, 2) => (Errno::NoProtocol, Gravity::Final),
        (true, 3, 3) | (false, 1, 4) => (Errno::ConnectionRefused, Gravity::Final),
        (true, 3, 6 | 9) => (Errno::NetworkUnreachable, Gravity::Final),
        (false, 1, 1 | 5 | 6) => (Errno::AccessDenied, Gravity::Final),
        (true, 3, _) | (false, 1, _) => (Errno::HostUnreachable, Gravity::Final),
        _ => (Errno::HostUnreachable, Gravity::Passing),
    }
}

/// The protocol of messages from an address of this family.
const fn icmp_of(address: IpAddr) -> u8 {
    if address.is_ipv4() { protocol::ICMP } else { protocol::ICMPV6 }
}

impl Namespace {
    pub(super) fn receive_icmp(&mut self, cx: &mut Cx, index: IfIndex, ip: &Ip, packet: &[u8]) {
        let message = &packet[ip.header_len..ip.total_len];
        match message[0] {
            ECHO_REQUEST => self.answer_echo(cx, ip, packet, ECHO_REPLY),
            5 => {
                let nearer = Ipv4Addr::new(message[4], message[5], message[6], message[7]);
                let Some(quoted) = ip.quoted(packet) else { return };
                self.receive_redirect(cx, index, ip.src, (nearer, &quoted));
            }
            3 | 11 | 12 => self.receive_error(cx, ip, packet, message[0] == 3 && message[1] == 4),
            _ => {}
        }
    }

    /// Whether a packet asks for an echo that a setting forbids.
    pub(super) fn ignores(&self, ip: &Ip) -> bool {
        self.sysctl.echo_ignore_all && ip.is_v4() && matches!(ip.upper, Upper::Icmp { kind: ECHO_REQUEST, .. })
    }

    pub(super) fn receive_icmpv6(&mut self, cx: &mut Cx, index: IfIndex, ip: &Ip, packet: &[u8]) {
        let message = &packet[ip.header_len..ip.total_len];
        let (IpAddr::V6(src), IpAddr::V6(dst)) = (ip.src, ip.dst) else { return };
        match message[0] {
            ECHO_REQUEST_V6 => self.answer_echo(cx, ip, packet, ECHO_REPLY_V6),
            1..=4 => self.receive_error(cx, ip, packet, message[0] == 2),
            133..=137 if ip.ttl == 255 => {
                self.receive_ndp(cx, index, src, dst, message);
            }
            _ => {}
        }
    }

    /// Answers an echo request from the address that it was sent to, with the service that it asked for. Broadcasts are not
    /// answered unless a setting says so (`icmp_echo_ignore_broadcasts`).
    fn answer_echo(&mut self, cx: &mut Cx, ip: &Ip, packet: &[u8], reply: u8) {
        let is_ours = self.leads_here(ip.dst) || ip.dst.is_ipv6() && self.is_like_own(ip.dst);
        if !is_ours && ip.dst.is_ipv4() && self.sysctl.echo_ignore_broadcasts {
            self.mib.icmp[family(ip.dst)].errors += 1;
            return;
        }
        if is_ours && ip.dst.is_ipv4() && !self.is_local(ip.dst) {
            // What only rules lead here is no source that IPv4 lets pass (`ip_route_output_key`).
            return;
        }
        let src = if is_ours { Some(ip.dst) } else { self.source_for(ip.src) };
        let Some(src) = src else { return };
        let mut message = packet[ip.header_len..ip.total_len].to_vec();
        message[0] = reply;
        let parts = Parts { tos: service(packet), ..Parts::new(src, ip.src, icmp_of(src), &message) };
        self.send_icmp(cx, &parts, Some(src), Passage::default());
    }

    /// Sends a message whose source was settled before its route where it is `bound`.
    fn send_icmp(&mut self, cx: &mut Cx, parts: &Parts<'_>, bound: Option<IpAddr>, passage: Passage) {
        // What Linux itself says may be cut on the way. A reply that has no way back is lost, as on any host.
        let flow =
            Flow { src: bound, tos: parts.tos, protocol: parts.protocol, upper: parts.payload, ..Flow::to(parts.dst) };
        let Ok(way) = self.way_of(&flow).map_err(|problem| self.no_way_out(parts.dst, problem)) else { return };
        let ttl = self.own_ttl(parts.src, way.limits);
        let _ = self.send(cx, way, &Parts { ttl, ..*parts }, Discovery::Dont, passage);
    }

    /// Tells the sender of a packet what is wrong with it, unless that could go on for ever (RFC 1122 §3.2.2).
    pub(super) fn complain(&mut self, cx: &mut Cx, problem: Problem, packet: &[u8]) {
        self.complain_from(cx, problem, packet, None);
    }

    /// The same of a packet that came by a device, if it is none of this host's own.
    pub(super) fn complain_from(&mut self, cx: &mut Cx, problem: Problem, packet: &[u8], came_by: Option<IfIndex>) {
        self.complain_as(cx, problem, packet, (came_by, Passage::default()));
    }

    /// The same of a packet that is still on its way through the hooks: the report belongs to its flow, which may be in no
    /// table yet.
    pub(super) fn complain_of(&mut self, cx: &mut Cx, problem: Problem, packet: &Packet) {
        self.complain_as(cx, problem, packet.frame.payload(), (packet.came_by, packet.report()));
    }

    fn complain_as(
        &mut self,
        cx: &mut Cx,
        problem: Problem,
        packet: &[u8],
        (came_by, passage): (Option<IfIndex>, Passage),
    ) {
        let Some(ip) = Ip::parse(packet) else { return };
        if ip.is_icmp_error() || ip.dst.is_multicast() || ip.src.is_unspecified() || ip.src.is_multicast() {
            return;
        }
        if ip.fragment.is_some_and(|f| f.offset != 0) {
            return;
        }
        let head = if ip.src.is_ipv4() { problem.icmp() } else { problem.icmpv6() };
        // A packet that was for this host is answered from the address it was sent to, others from that of the way back,
        // which is found before the source is known: rules about sources do not touch it (`icmp_route_lookup`).
        let bound = Some(ip.dst).filter(|dst| self.leads_here(*dst)).or_else(|| self.address_beside(came_by?, ip.src));
        let own = bound.or_else(|| self.source_for(ip.src));
        let (Some((kind, code)), Some(src)) = (head, own) else { return };
        let quote = &packet[..packet.len().min(if src.is_ipv4() { QUOTE_V4 } else { QUOTE_V6 })];
        let mut message = vec![kind, code, 0, 0, 0, 0, 0, 0];
        match problem {
            Problem::TooBig(mtu) => {
                message[4..8].copy_from_slice(&u32::try_from(mtu).unwrap_or(u32::MAX).to_be_bytes());
            }
            Problem::Redirect(gateway) => message[4..8].copy_from_slice(&gateway.octets()),
            _ => {}
        }
        message.extend_from_slice(quote);
        let tos = if src.is_ipv4() { service(packet) & SERVICE | INTERNETWORK_CONTROL } else { 0 };
        let parts = Parts { tos, ..Parts::new(src, ip.src, icmp_of(src), &message) };
        self.send_icmp(cx, &parts, bound, passage);
    }

    /// The address from which IPv6 reports to `dst` about a packet that came by a device: that device's own, unless the way back
    /// has one to prefer (`icmpv6_rt_has_prefsrc`). IPv4 has none before its way.
    fn address_beside(&self, came_by: IfIndex, dst: IpAddr) -> Option<IpAddr> {
        let is_said = || self.way_of(&Flow::to(dst)).is_ok_and(|way| way.source.is_some());
        let is_far = matches!(dst, IpAddr::V6(dst) if !dst.is_unicast_link_local());
        if !is_far || self.is_local(dst) || is_said() {
            return None;
        }
        self.source_v6(Some(came_by), dst)
    }

    /// An ICMP error came: the socket that sent the quoted packet learns of it.
    fn receive_error(&mut self, cx: &mut Cx, ip: &Ip, packet: &[u8], too_big: bool) {
        let Some(quoted) = ip.quoted(packet) else { return };
        let message = &packet[ip.header_len..];
        if too_big {
            let field = if quoted.dst.is_ipv4() { &message[6..8] } else { &message[4..8] };
            let mtu = field.iter().fold(0usize, |n, b| n << 8 | usize::from(*b));
            self.learn_path_mtu(cx, &quoted, mtu);
            return;
        }
        let (errno, gravity) = meaning(quoted.dst.is_ipv4(), message[0], message[1]);
        self.blame(cx, &quoted, errno, gravity);
    }

    /// The way to the quoted packet's destination has a narrow place.
    fn learn_path_mtu(&mut self, cx: &mut Cx, quoted: &Ip, mtu: usize) {
        let least = if quoted.dst.is_ipv4() { 68 } else { 1280 };
        self.path_mtu.learn(cx.now, quoted.dst, mtu.max(least));
        self.blame(cx, quoted, Errno::MessageTooLong, Gravity::Final);
    }

    /// Gives an error to the socket that sent a packet.
    fn blame(&mut self, cx: &mut Cx, sent: &Ip, errno: Errno, gravity: Gravity) {
        match sent.protocol {
            protocol::UDP => self.blame_udp(cx, sent, errno, gravity),
            protocol::TCP => self.blame_tcp(cx, sent, errno),
            _ => {}
        }
    }
}
