//! What a network stack leaves to its device: TCP segments that are still one long packet, and checksums of which only the
//! part over the addresses is there. Here it is done, for a frame that leaves those who can do without.

use crate::frame::{ETHERNET_LEN, Frame, Offload};

use super::{Ip, Upper, checksum, tcp_flag};

/// Where the sequence number and the flags are in a TCP header, and where its own length.
const SEQUENCE: usize = 4;
const DATA_OFFSET: usize = 12;
pub(super) const FLAGS: usize = 13;
/// Set on the first segment alone: the congestion window was reduced.
const CWR: u8 = 0x80;

/// Where in a long packet a segment is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    /// How many come before it.
    pub number: usize,
    /// How many bytes of data they have.
    pub offset: usize,
    /// Whether none comes after it.
    pub is_last: bool,
}

/// The frames that a frame would be on a wire, checksums and all. One that has nothing left to do stays as it is.
#[must_use]
pub fn whole(frame: Frame) -> Vec<Frame> {
    if frame.offload.is_whole() {
        return vec![frame];
    }
    if let Some(vlan) = frame.vlan() {
        return whole(frame.untagged()).iter().map(|frame| frame.tagged(vlan)).collect();
    }
    match (frame.offload.gso_size, headers(&frame)) {
        (0, _) | (_, None) => vec![finished(frame)],
        (size, Some((ip, headers))) => cut(&frame, &ip, headers, usize::from(size)),
    }
}

/// The length of the longest packet that a frame would be on a wire.
#[must_use]
pub fn longest(frame: &Frame) -> usize {
    let len = frame.len().saturating_sub(ETHERNET_LEN);
    match (frame.offload.gso_size, headers(frame)) {
        (0, _) | (_, None) => len,
        (size, Some((_, headers))) => len.min(headers + usize::from(size)),
    }
}

/// The view of a TCP packet, and the length of all its headers.
#[must_use]
pub fn headers(frame: &Frame) -> Option<(Ip, usize)> {
    let packet = frame.payload();
    let ip = Ip::parse(packet).filter(|ip| matches!(ip.upper, Upper::Tcp { .. }) && ip.fragment.is_none())?;
    let words = usize::from(packet.get(ip.upper_at() + DATA_OFFSET)? >> 4);
    let headers = ip.upper_at() + 4 * words;
    (words >= 5 && headers <= ip.total_len).then_some((ip, headers))
}

/// Writes what is there of a checksum that is left to a device: the sum over addresses, protocol and length.
pub fn begin_checksum(packet: &mut [u8]) {
    let Some(ip) = Ip::parse(packet) else { return };
    let at = match ip.upper {
        Upper::Tcp { .. } => ip.upper_at() + 16,
        Upper::Udp { .. } => ip.upper_at() + 6,
        Upper::Icmp { .. } | Upper::Other => return,
    };
    if let Some(field) = packet.get_mut(at..at + 2) {
        field.copy_from_slice(&checksum::of_addresses(&ip).to_be_bytes());
    }
}

fn finished(mut frame: Frame) -> Frame {
    frame.offload = Offload { partial_checksum: false, gso_size: 0, ..frame.offload };
    checksum::fill(frame.payload_mut());
    frame
}

fn cut(frame: &Frame, ip: &Ip, headers: usize, size: usize) -> Vec<Frame> {
    let (ethernet, packet) = (&frame.bytes()[..ETHERNET_LEN], frame.payload());
    let data = &packet[headers..ip.total_len];
    let last = data.len().div_ceil(size).saturating_sub(1);
    let segment = |(number, data): (usize, &[u8])| {
        let mut segment = Frame::copy_of(&[ethernet, &packet[..headers], data].concat());
        segment.offload = frame.offload;
        let place = Place { number, offset: number * size, is_last: number == last };
        adjust(segment.payload_mut(), ip, headers + data.len(), place);
        finished(segment)
    };
    if data.is_empty() { vec![finished(frame.clone())] } else { data.chunks(size).enumerate().map(segment).collect() }
}

/// Makes the headers of the whole, at the start of `packet`, those of a segment that is `len` bytes long with them; but for
/// the checksums.
pub(super) fn adjust(packet: &mut [u8], ip: &Ip, len: usize, place: Place) {
    set_len(packet, ip, len);
    if ip.is_v4() {
        let ident = usize::from(u16::from_be_bytes([packet[4], packet[5]]));
        packet[4..6].copy_from_slice(&short(ident + place.number));
    }
    let tcp = &mut packet[ip.upper_at()..];
    let field: &mut [u8; 4] = (&mut tcp[SEQUENCE..SEQUENCE + 4]).try_into().expect("four bytes");
    let offset = u32::try_from(place.offset).expect("a packet has at most 65535 bytes");
    *field = u32::from_be_bytes(*field).wrapping_add(offset).to_be_bytes();
    if !place.is_last {
        tcp[FLAGS] &= !(tcp_flag::FIN | tcp_flag::PSH);
    }
    if place.number != 0 {
        tcp[FLAGS] &= !CWR;
    }
}

/// Writes the length of an IP packet.
pub(super) fn set_len(packet: &mut [u8], ip: &Ip, len: usize) {
    if ip.is_v4() {
        packet[2..4].copy_from_slice(&short(len));
    } else {
        packet[4..6].copy_from_slice(&short(len - 40));
    }
}

/// The last 16 bits of a number, as they are on a wire.
fn short(value: usize) -> [u8; 2] {
    u16::try_from(value & 0xffff).expect("16 bits are left").to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::addr::Mac;
    use crate::frame::ethertype;
    use crate::packet::sample;

    /// A TCP packet with `len` bytes of data, of which segments of `size` are to be made.
    fn superframe(src: &str, dst: &str, len: usize, size: u16) -> Frame {
        let mut tcp = vec![0; 20 + len];
        tcp[SEQUENCE..SEQUENCE + 4].copy_from_slice(&u32::MAX.to_be_bytes());
        tcp[DATA_OFFSET] = 5 << 4;
        tcp[FLAGS] = tcp_flag::ACK | tcp_flag::PSH | tcp_flag::FIN | CWR;
        (20..).zip(&mut tcp[20..]).for_each(|(n, byte): (usize, _)| *byte = (n % 251).try_into().unwrap());
        let packet = sample::ip(src, dst, 6, &tcp);
        let kind = if packet[0] >> 4 == 4 { ethertype::IPV4 } else { ethertype::IPV6 };
        let mut frame = Frame::ethernet(Mac::BROADCAST, Mac([2, 0, 0, 0, 0, 1]), kind, packet.len());
        frame.payload_mut().copy_from_slice(&packet);
        begin_checksum(frame.payload_mut());
        frame.offload = Offload { partial_checksum: true, gso_size: size, ..Offload::default() };
        frame
    }

    #[test]
    fn a_long_packet_becomes_segments_that_could_be_on_a_wire() {
        for (src, dst) in [("10.0.0.1", "10.0.0.2"), ("2001:db8::1", "2001:db8::2")] {
            let frame = superframe(src, dst, 2500, 1000);
            let (_, headers) = headers(&frame).unwrap();
            let data = frame.payload()[headers..].to_vec();
            assert_eq!(longest(&frame), headers + 1000);
            let segments = whole(frame);
            assert!(segments.iter().all(|s| s.offload.is_whole() && checksum::is_right(s.payload())));
            let lens: Vec<usize> = segments.iter().map(|s| s.payload().len() - headers).collect();
            assert_eq!(lens, [1000, 1000, 500]);
            let all: Vec<u8> = segments.iter().flat_map(|s| s.payload()[headers..].to_vec()).collect();
            assert_eq!(all, data);
            let tcp = |s: &Frame| s.payload()[headers - 20..headers].to_vec();
            let first =
                segments.iter().map(tcp).map(|tcp| (u32::from_be_bytes(tcp[4..8].try_into().unwrap()), tcp[FLAGS]));
            let (ack, end) = (tcp_flag::ACK, tcp_flag::PSH | tcp_flag::FIN);
            assert_eq!(first.collect::<Vec<_>>(), [(u32::MAX, ack | CWR), (999, ack), (1999, ack | end)]);
        }
    }

    #[test]
    fn a_checksum_that_was_begun_is_completed_under_a_tag_too() {
        let mut frame = superframe("10.0.0.1", "10.0.0.2", 10, 0);
        frame = frame.tagged(7);
        assert!(!checksum::is_right(frame.untagged().payload()));
        let done = whole(frame);
        assert_eq!((done.len(), done[0].vlan()), (1, Some(7)));
        assert!(checksum::is_right(done[0].untagged().payload()));
    }
}
