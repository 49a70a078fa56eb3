//! The trail of a probe: where its packet and the answers to it were seen, in the capture of a world. It judges nothing.

use core::net::IpAddr;

use netyard_sim::capture::{Capture, Captured, Hop};
use netyard_sim::drop::DropReason;
use netyard_sim::frame::ethertype;
use netyard_sim::id::{IfIndex, NamespaceId};
use netyard_sim::packet::{Ip, Upper, protocol, tcp_flag};

use super::probe::MARK;

/// What a frame has to do with the probe.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kin {
    /// It carries the probe's packet.
    Question,
    /// It carries the answer, or an error that tells of the packet.
    Answer,
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
    pub(super) src: IpAddr,
    pub(super) dst: IpAddr,
    /// The port it goes to, when it has one.
    pub(super) port: Option<u16>,
    /// Its length as an IP packet.
    pub(super) len: usize,
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
        let ip = packet(c)?;
        let kin = kin(c.frame.payload(), &ip, sequence)?;
        let (namespace, device) = capture.place(c.spot);
        Some(Sight {
            kin,
            namespace,
            device,
            spot: capture.name(c.spot).to_owned(),
            hop: c.hop,
            src: ip.src,
            dst: ip.dst,
            port: ip.ports().map(|(_, to)| to),
            len: ip.total_len,
            note: c.note.as_deref().map(str::to_owned),
        })
    };
    capture.frames().iter().filter_map(sight).collect()
}

/// Where a question for an address on a link was dropped, or the answer to it, and why: an ARP or NDP message.
pub(super) fn dropped_inquiry(capture: &Capture, addr: IpAddr) -> Option<(String, NamespaceId, IfIndex, DropReason)> {
    let asks = |c: &&Captured| match addr {
        IpAddr::V4(v4) => {
            let at = |range| c.frame.payload().get(range) == Some(&v4.octets()[..]);
            c.frame.ethertype() == ethertype::ARP && (at(24..28) || at(14..18))
        }
        IpAddr::V6(v6) => packet(c).is_some_and(|ip| {
            matches!(ip.upper, Upper::Icmp { kind: 135 | 136, .. })
                && c.frame.payload().get(ip.upper_at() + 8..ip.upper_at() + 24) == Some(&v6.octets()[..])
        }),
    };
    capture.frames().iter().filter(asks).find_map(|c| {
        let Hop::Dropped(reason) = c.hop else { return None };
        let (namespace, device) = capture.place(c.spot);
        (reason != DropReason::OtherHost).then_some((capture.name(c.spot).to_owned(), namespace, device?, reason))
    })
}

fn packet(captured: &Captured) -> Option<Ip> {
    matches!(captured.frame.ethertype(), ethertype::IPV4 | ethertype::IPV6)
        .then(|| Ip::parse(captured.frame.payload()))
        .flatten()
}

/// The sequence number of the segment that begins a connection; NAT leaves it alone, so the packet is known by it.
fn first_of_connection(captured: &Captured) -> Option<u32> {
    let ip = packet(captured)?;
    let Upper::Tcp { flags, .. } = ip.upper else { return None };
    (flags & (tcp_flag::SYN | tcp_flag::ACK) == tcp_flag::SYN)
        .then(|| number(captured.frame.payload(), ip.upper_at() + 4))
        .flatten()
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|bytes| u32::from_be_bytes(*bytes))
}

fn kin(bytes: &[u8], ip: &Ip, sequence: Option<u32>) -> Option<Kin> {
    let at = ip.upper_at();
    match ip.upper {
        Upper::Tcp { flags, .. } => {
            let sequence = sequence?;
            match flags & tcp_flag::ACK {
                0 => (number(bytes, at + 4) == Some(sequence)).then_some(Kin::Question),
                _ => (number(bytes, at + 8) == Some(sequence.wrapping_add(1))).then_some(Kin::Answer),
            }
        }
        Upper::Udp { .. } => carries_mark(bytes, at + 8).then_some(Kin::Question),
        Upper::Icmp { kind: 8 | 128, .. } => carries_mark(bytes, at + 8).then_some(Kin::Question),
        Upper::Icmp { kind: 0 | 129, .. } => carries_mark(bytes, at + 8).then_some(Kin::Answer),
        Upper::Icmp { .. } if ip.is_icmp_error() => {
            let quoted = ip.quoted(bytes)?;
            let is_ours = match quoted.protocol {
                protocol::TCP => number(bytes, quoted.upper_at() + 4) == sequence,
                _ => carries_mark(bytes, quoted.upper_at() + 8),
            };
            is_ours.then_some(Kin::Answer)
        }
        Upper::Icmp { .. } | Upper::Other => None,
    }
}

fn carries_mark(bytes: &[u8], at: usize) -> bool {
    bytes.get(at..).is_some_and(|rest| rest.starts_with(MARK))
}
