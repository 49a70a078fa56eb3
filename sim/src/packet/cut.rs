//! The fields of an IP header that fragmentation changes, written in place: RFC 791 §3.2 and RFC 8200 §4.5.

use smoltcp::wire::{IpProtocol, Ipv4Packet, Ipv6Packet};

/// Length of the fixed IPv6 header and of a fragment header.
const IPV6_LEN: usize = 40;
const FRAGMENT_LEN: usize = 8;
/// The next-header number of a fragment header.
const FRAGMENT: u8 = 44;

/// Sets the identification of an IPv4 packet; IPv6 has none outside of fragments.
pub fn set_ident(packet: &mut [u8], ident: u16) {
    if version(packet) == 4 {
        let mut packet = Ipv4Packet::new_unchecked(packet);
        packet.set_ident(ident);
        packet.fill_checksum();
    }
}

/// Makes the header of a packet that of a fragment, whose data begins `offset` bytes into the whole. An IPv6 packet
/// has eight bytes of room for the fragment header behind its fixed one; `ident` is used for IPv6 only, as an IPv4
/// packet has its own.
pub fn make_fragment(packet: &mut [u8], offset: usize, more: bool, ident: u32) {
    let total = packet.len();
    if version(packet) == 4 {
        let mut packet = Ipv4Packet::new_unchecked(packet);
        packet.set_total_len(length(total));
        packet.set_frag_offset(length(offset));
        packet.set_more_frags(more);
        packet.set_dont_frag(false);
        packet.fill_checksum();
        return;
    }
    let next = packet[6];
    packet[4..6].copy_from_slice(&length(total - IPV6_LEN).to_be_bytes());
    packet[6] = FRAGMENT;
    let header = &mut packet[IPV6_LEN..IPV6_LEN + FRAGMENT_LEN];
    header[0] = next;
    header[1] = 0;
    header[2..4].copy_from_slice(&(length(offset) | u16::from(more)).to_be_bytes());
    header[4..8].copy_from_slice(&ident.to_be_bytes());
}

/// Makes the header of a first fragment, followed by all data, that of the whole packet again; `protocol` is what is
/// inside. The fragment header of an IPv6 packet must be out already. False when it is no IP header.
pub fn make_whole(packet: &mut [u8], protocol: u8) -> bool {
    let total = packet.len();
    match version(packet) {
        4 if total >= 20 => {
            let mut packet = Ipv4Packet::new_unchecked(packet);
            packet.set_total_len(length(total));
            packet.set_frag_offset(0);
            packet.set_more_frags(false);
            packet.fill_checksum();
            true
        }
        6 if total >= IPV6_LEN => {
            let mut packet = Ipv6Packet::new_unchecked(packet);
            packet.set_payload_len(length(total - IPV6_LEN));
            packet.set_next_header(IpProtocol::from(protocol));
            true
        }
        _ => false,
    }
}

fn version(packet: &[u8]) -> u8 {
    packet.first().map_or(0, |b| b >> 4)
}

fn length(bytes: usize) -> u16 {
    u16::try_from(bytes).expect("a packet has at most 65535 bytes")
}
