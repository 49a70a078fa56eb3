//! New IP packets from their parts. Packets that are forwarded are never built anew.

use core::net::IpAddr;

use smoltcp::wire::{IpProtocol, Ipv4Packet, Ipv6Packet};

use super::checksum;

/// The IPv4 header without options, and the fixed IPv6 header.
const IPV4_LEN: usize = 20;
const IPV6_LEN: usize = 40;

/// The parts of a packet to be built.
#[derive(Clone, Copy, Debug)]
pub struct Parts<'a> {
    /// Source address.
    pub src: IpAddr,
    /// Destination address, of the same family.
    pub dst: IpAddr,
    /// The protocol inside.
    pub protocol: u8,
    /// Hop limit.
    pub ttl: u8,
    /// Type of service, or traffic class.
    pub tos: u8,
    /// IPv4 identification.
    pub ident: u16,
    /// IPv4 "don't fragment".
    pub dont_fragment: bool,
    /// What is inside.
    pub payload: &'a [u8],
    /// Who computes the checksum of what is inside.
    pub upper_checksum: UpperChecksum,
}

/// Who computes the checksum of TCP, UDP or ICMP.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum UpperChecksum {
    /// The builder.
    Fill,
    /// It is there already (a raw socket sends what it is given).
    Given,
}

impl<'a> Parts<'a> {
    /// A packet with the usual hop limit of 64.
    #[must_use]
    pub const fn new(src: IpAddr, dst: IpAddr, protocol: u8, payload: &'a [u8]) -> Self {
        let upper_checksum = UpperChecksum::Fill;
        Self { src, dst, protocol, ttl: 64, tos: 0, ident: 0, dont_fragment: false, payload, upper_checksum }
    }
}

/// Length of the header that [`write()`] puts before the payload.
#[must_use]
pub const fn header_len(src: IpAddr) -> usize {
    if src.is_ipv4() { IPV4_LEN } else { IPV6_LEN }
}

/// Writes a packet into `out`, which has just its length.
///
/// # Panics
/// When the families differ or `out` has another length.
pub fn write(parts: &Parts<'_>, out: &mut [u8]) {
    let header = header_len(parts.src);
    out[header..].copy_from_slice(parts.payload);
    let total = u16::try_from(out.len()).expect("a packet has at most 65535 bytes");
    match (parts.src, parts.dst) {
        (IpAddr::V4(src), IpAddr::V4(dst)) => {
            let mut packet = Ipv4Packet::new_unchecked(&mut *out);
            packet.set_version(4);
            packet.set_header_len(20);
            packet.set_dscp(parts.tos >> 2);
            packet.set_ecn(parts.tos & 3);
            packet.set_total_len(total);
            packet.set_ident(parts.ident);
            packet.clear_flags();
            packet.set_dont_frag(parts.dont_fragment);
            packet.set_hop_limit(parts.ttl);
            packet.set_next_header(IpProtocol::from(parts.protocol));
            packet.set_src_addr(src);
            packet.set_dst_addr(dst);
            packet.fill_checksum();
        }
        (IpAddr::V6(src), IpAddr::V6(dst)) => {
            let mut packet = Ipv6Packet::new_unchecked(&mut *out);
            packet.set_version(6);
            packet.set_traffic_class(parts.tos);
            packet.set_flow_label(0);
            packet.set_payload_len(total - 40);
            packet.set_next_header(IpProtocol::from(parts.protocol));
            packet.set_hop_limit(parts.ttl);
            packet.set_src_addr(src);
            packet.set_dst_addr(dst);
        }
        _ => panic!("source and destination are of one family"),
    }
    if parts.upper_checksum == UpperChecksum::Fill {
        checksum::fill(out);
    }
}

/// A whole packet.
#[must_use]
pub fn packet(parts: &Parts<'_>) -> Vec<u8> {
    let mut out = vec![0; header_len(parts.src) + parts.payload.len()];
    write(parts, &mut out);
    out
}

/// A UDP header and its data; the checksum is left to [`write()`]. `data` has at most 65507 bytes.
#[must_use]
pub fn udp(src: u16, dst: u16, data: &[u8]) -> Vec<u8> {
    let len = u16::try_from(8 + data.len()).expect("a datagram has at most 65535 bytes");
    let mut out = Vec::with_capacity(usize::from(len));
    for field in [src, dst, len, 0] {
        out.extend_from_slice(&field.to_be_bytes());
    }
    out.extend_from_slice(data);
    out
}
