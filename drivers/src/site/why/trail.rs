//! The trail of a probe: where its packet and the answers to it were seen, in the capture of a world. It judges nothing.

use core::net::IpAddr;

use netyard_sim::addr::Mac;
use netyard_sim::capture::{Capture, Captured, Hop};
use netyard_sim::drop::DropReason;
use netyard_sim::frame::{ETHERNET_LEN, Frame, ethertype};
use netyard_sim::id::{IfIndex, NamespaceId};
use netyard_sim::packet::{Ip, Upper, protocol, tcp_flag};

use netyard_sim::vxlan;

use super::probe::{FILLING, MARK, WINDOW};

/// What a frame has to do with the probe.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kin {
    /// It carries the probe's packet.
    Question,
    /// It carries the answer, or an error that tells of the packet.
    Answer,
}

/// The packet of a tunnel that carries a frame.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Outer {
    /// The network in the tunnel.
    pub(super) vni: vxlan::Vni,
    /// The station that the inner frame is for.
    pub(super) station: Mac,
    /// The far end.
    pub(super) remote: IpAddr,
}

/// A frame of the probe at one place.
#[derive(Clone, Debug)]
pub(super) struct Sight {
    pub(super) kin: Kin,
    pub(super) namespace: NamespaceId,
    pub(super) device: Option<IfIndex>,
    /// The name of the place, as captures have it.
    pub(super) spot: String,
    pub(super) hop: Hop,
    /// The station that it is for.
    pub(super) station: Mac,
    pub(super) src: IpAddr,
    pub(super) dst: IpAddr,
    /// The port it goes to, when it has one.
    pub(super) port: Option<u16>,
    /// Its length as an IP packet.
    pub(super) len: usize,
    /// Whether it is of what is sent last, as large as a link takes.
    pub(super) is_large: bool,
    /// Where it is in a tunnel, the numbers of the outer packet.
    pub(super) tunnel: Option<Outer>,
    pub(super) note: Option<String>,
}

impl Sight {
    /// Why it went no further here.
    pub(super) const fn dropped(&self) -> Option<DropReason> {
        match self.hop {
            Hop::Dropped(reason) => Some(reason),
            Hop::Received | Hop::Sent => None,
        }
    }

    /// Where it goes, as people write it.
    pub(super) fn target(&self) -> String {
        match self.port {
            Some(port) if self.dst.is_ipv6() => format!("[{}]:{port}", self.dst),
            Some(port) => format!("{}:{port}", self.dst),
            None => self.dst.to_string(),
        }
    }
}

/// All sights of a probe's packet, in order. `from` is the namespace that it comes from.
pub(super) fn follow(capture: &Capture, from: NamespaceId) -> Vec<Sight> {
    let begins = |c: &&Captured| capture.place(c.spot).0 == from;
    let sequence = capture.frames().iter().filter(begins).find_map(first_of_connection);
    let sight = |c: &Captured| {
        let ip = packet(&c.frame)?;
        let inner = tunnelled(&c.frame, &ip);
        let (kin, is_large) = match &inner {
            None => kin(c.frame.payload(), &ip, sequence)?,
            Some((_, frame)) => kin(frame.payload(), &packet(frame)?, sequence)?,
        };
        let (namespace, device) = capture.place(c.spot);
        Some(Sight {
            kin,
            namespace,
            device,
            spot: capture.name(c.spot).to_owned(),
            hop: c.hop,
            station: c.frame.dst(),
            src: ip.src,
            dst: ip.dst,
            port: ip.ports().map(|(_, to)| to),
            len: ip.total_len,
            is_large,
            tunnel: inner.map(|(outer, _)| outer),
            note: c.note.as_deref().map(str::to_owned),
        })
    };
    capture.frames().iter().filter_map(sight).collect()
}

/// Where a question for an address on a link was dropped, or the answer to it: an ARP or NDP message.
#[derive(Clone, Debug)]
pub(super) struct Inquiry {
    pub(super) spot: String,
    pub(super) namespace: NamespaceId,
    pub(super) device: Option<IfIndex>,
    pub(super) reason: DropReason,
    pub(super) note: Option<String>,
    /// The station that it was for.
    pub(super) station: Mac,
    pub(super) tunnel: Option<Outer>,
}

/// The first drop of a question for `addr`, in a tunnel or not.
pub(super) fn dropped_inquiry(capture: &Capture, addr: IpAddr) -> Option<Inquiry> {
    capture.frames().iter().find_map(|c| {
        let Hop::Dropped(reason) = c.hop else { return None };
        let inner = packet(&c.frame).and_then(|ip| tunnelled(&c.frame, &ip));
        let asks = inquires(inner.as_ref().map_or(&c.frame, |(_, frame)| frame), addr);
        let (namespace, device) = capture.place(c.spot);
        let note = c.note.as_deref().map(str::to_owned);
        let inquiry = Inquiry {
            spot: capture.name(c.spot).to_owned(),
            namespace,
            device,
            reason,
            note,
            station: c.frame.dst(),
            tunnel: inner.map(|(outer, _)| outer),
        };
        (asks && reason != DropReason::OtherHost).then_some(inquiry)
    })
}

/// The last tunnel that a question for `addr` went into.
pub(super) fn inquiry_in_tunnel(capture: &Capture, addr: IpAddr) -> Option<Outer> {
    capture.frames().iter().rev().find_map(|c| {
        let (outer, frame) = tunnelled(&c.frame, &packet(&c.frame)?)?;
        inquires(&frame, addr).then_some(outer)
    })
}

/// Whether a frame asks for an address, or tells it.
fn inquires(frame: &Frame, addr: IpAddr) -> bool {
    match addr {
        IpAddr::V4(v4) => {
            let at = |range| frame.payload().get(range) == Some(&v4.octets()[..]);
            frame.ethertype() == ethertype::ARP && (at(24..28) || at(14..18))
        }
        IpAddr::V6(v6) => packet(frame).is_some_and(|ip| {
            matches!(ip.upper, Upper::Icmp { kind: 135 | 136, .. })
                && frame.payload().get(ip.upper_at() + 8..ip.upper_at() + 24) == Some(&v6.octets()[..])
        }),
    }
}

fn packet(frame: &Frame) -> Option<Ip> {
    matches!(frame.ethertype(), ethertype::IPV4 | ethertype::IPV6).then(|| Ip::parse(frame.payload())).flatten()
}

/// The frame that a tunnel's datagram carries. Which port a tunnel has is not known here; the header tells.
fn tunnelled(frame: &Frame, ip: &Ip) -> Option<(Outer, Frame)> {
    let Upper::Udp { .. } = ip.upper else { return None };
    let (vni, inner) = vxlan::parse(frame.payload().get(ip.upper_at() + 8..)?)?;
    let mut inner = Some(inner).filter(|bytes| bytes.len() >= ETHERNET_LEN)?.to_vec();
    if ip.fragment.is_some() {
        // What is in the other pieces is not looked at.
        inner.resize(ETHERNET_LEN + usize::from(u16::MAX), 0);
    }
    let inner = Frame::copy_of(&inner);
    Some((Outer { vni, station: inner.dst(), remote: ip.dst }, inner))
}

/// The sequence number of the segment that begins a connection; NAT leaves it alone, so the packet is known by it.
fn first_of_connection(captured: &Captured) -> Option<u32> {
    let ip = packet(&captured.frame)?;
    let Upper::Tcp { flags, .. } = ip.upper else { return None };
    (flags & (tcp_flag::SYN | tcp_flag::ACK) == tcp_flag::SYN)
        .then(|| number(captured.frame.payload(), ip.upper_at() + 4))
        .flatten()
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|bytes| u32::from_be_bytes(*bytes))
}

/// What a packet has to do with the probe, and whether it is of what is large.
fn kin(bytes: &[u8], ip: &Ip, sequence: Option<u32>) -> Option<(Kin, bool)> {
    let at = ip.upper_at();
    match ip.upper {
        Upper::Tcp { flags, .. } => kin_of_segment(bytes, ip, flags, sequence?),
        Upper::Udp { .. } => carries_mark(bytes, at + 8).then_some((Kin::Question, false)),
        Upper::Icmp { kind: 8 | 128, .. } => {
            carries_mark(bytes, at + 8).then(|| (Kin::Question, is_large(bytes, at + 8)))
        }
        Upper::Icmp { kind: 0 | 129, .. } => {
            carries_mark(bytes, at + 8).then(|| (Kin::Answer, is_large(bytes, at + 8)))
        }
        Upper::Icmp { .. } if ip.is_icmp_error() => {
            let quoted = ip.quoted(bytes)?;
            let at = quoted.upper_at();
            match quoted.protocol {
                protocol::TCP => {
                    let sent = number(bytes, at + 4)?.wrapping_sub(sequence?);
                    (sent <= u32::from(WINDOW)).then_some((Kin::Answer, sent > 0))
                }
                _ => carries_mark(bytes, at + 8).then(|| (Kin::Answer, is_large(bytes, at + 8))),
            }
        }
        Upper::Icmp { .. } | Upper::Other => None,
    }
}

/// The same of a segment: the first of its connection, one of the window of data, or what acknowledges one.
fn kin_of_segment(bytes: &[u8], ip: &Ip, flags: u8, first: u32) -> Option<(Kin, bool)> {
    let at = ip.upper_at();
    let sent = number(bytes, at + 4)?.wrapping_sub(first);
    if flags & tcp_flag::ACK == 0 {
        return (sent == 0).then_some((Kin::Question, false));
    }
    let window = 1..=u32::from(WINDOW) + 1;
    if window.contains(&sent) {
        let header = usize::from(bytes.get(at + 12)? >> 4) * 4;
        return (ip.total_len > at + header).then_some((Kin::Question, true));
    }
    let taken = number(bytes, at + 8)?.wrapping_sub(first);
    window.contains(&taken).then_some((Kin::Answer, taken > 1))
}

fn carries_mark(bytes: &[u8], at: usize) -> bool {
    bytes.get(at..).is_some_and(|rest| rest.starts_with(&MARK[..MARK.len().min(rest.len())]) && !rest.is_empty())
}

fn is_large(bytes: &[u8], at: usize) -> bool {
    bytes.get(at + MARK.len()) == Some(&FILLING)
}
