//! The header that a TAP device puts before each frame (`struct virtio_net_hdr_v1`): what is left to do with a frame
//! before it could be on a wire. Bytes only; it touches no device.

use netyard_sim::frame::{ETHERNET_LEN, Frame, HEADROOM, Offload, ethertype};
use netyard_sim::packet::{Ip, Upper, checksum, segment};

/// The length of the header.
pub const LEN: usize = 12;
/// The longest frame with its header: a packet of 64 KiB, an Ethernet header and a tag.
pub const FRAME_MAX: usize = LEN + 65535 + 14 + 4;

const NEEDS_CHECKSUM: u8 = 1;
const TCP_V4: u8 = 1;
const TCP_V6: u8 = 4;
/// Not a kind of segments but a mark on one: they took part in explicit congestion notification.
const ECN: u8 = 0x80;
/// The shortest segments that a kernel makes (`tcp_min_snd_mss`); shorter ones would be a flood.
const SEGMENT_MIN: u16 = 48;

/// A frame as it came from a TAP device: its header ends where the [`HEADROOM`] of the frame in the buffer does. None when
/// there is no whole header, or one that says what cannot be.
#[must_use]
pub fn read(buffer: Vec<u8>) -> Option<Frame> {
    let header: [u8; LEN] = buffer.get(HEADROOM - LEN..HEADROOM)?.try_into().expect("it is so long");
    let mut frame = Frame::within(buffer, HEADROOM);
    if !frame.is_ethernet() {
        return None;
    }
    let number = |at: usize| u16::from_ne_bytes([header[at], header[at + 1]]);
    let (kind, gso_size, start, offset) = (header[1] & !ECN, number(4), number(6), number(8));
    let is_partial = header[0] & NEEDS_CHECKSUM != 0;
    if kind != 0 {
        frame.offload = Offload { partial_checksum: true, gso_size, ..Offload::default() };
        return (is_partial && can_be_cut(&frame, kind)).then_some(frame);
    }
    if is_partial {
        complete(&mut frame, usize::from(start), usize::from(offset))?;
    }
    Some(frame)
}

/// Whether a frame can be cut as its header says.
fn can_be_cut(frame: &Frame, kind: u8) -> bool {
    let bare = frame.untagged();
    let Some((ip, _)) = segment::headers(&bare) else { return false };
    let is_kind = kind == if ip.is_v4() { TCP_V4 } else { TCP_V6 };
    is_kind && frame.offload.gso_size >= SEGMENT_MIN
}

/// Notes that a checksum is to be completed; does it at once where the header means none that the world knows.
fn complete(frame: &mut Frame, start: usize, offset: usize) -> Option<()> {
    if checksum_field(frame) == Some((start, offset)) {
        frame.offload.partial_checksum = true;
        return Some(());
    }
    let field = start.checked_add(offset)?;
    let bytes = frame.bytes_mut();
    let sum = checksum::of(bytes.get(start..)?);
    bytes.get_mut(field..field + 2)?.copy_from_slice(&sum.to_be_bytes());
    Some(())
}

/// Where what a TCP or UDP checksum covers begins in a frame, and where the checksum is from there.
fn checksum_field(frame: &Frame) -> Option<(usize, usize)> {
    if !matches!(frame.ethertype(), ethertype::IPV4 | ethertype::IPV6) {
        return None;
    }
    let ip = Ip::parse(frame.payload()).filter(|ip| ip.fragment.is_none())?;
    let offset = match ip.upper {
        Upper::Tcp { .. } => 16,
        Upper::Udp { .. } => 6,
        Upper::Icmp { .. } | Upper::Other => return None,
    };
    Some((ETHERNET_LEN + ip.upper_at(), offset))
}

/// The header for a frame that goes to a TAP device; none when that frame has to be made whole first.
#[must_use]
pub fn header(frame: &Frame) -> Option<[u8; LEN]> {
    let mut header = [0; LEN];
    if frame.offload.is_whole() {
        return Some(header);
    }
    let (start, offset) = checksum_field(frame)?;
    let mut put = |at: usize, number: usize| {
        let number = u16::try_from(number).expect("lengths in a frame have 16 bits");
        header[at..at + 2].copy_from_slice(&number.to_ne_bytes());
    };
    put(6, start);
    put(8, offset);
    if frame.offload.gso_size != 0 {
        let (ip, headers) = segment::headers(frame)?;
        put(2, ETHERNET_LEN + headers);
        put(4, usize::from(frame.offload.gso_size));
        header[1] = if ip.is_v4() { TCP_V4 } else { TCP_V6 };
    }
    header[0] = NEEDS_CHECKSUM;
    Some(header)
}

const _: () = assert!(LEN <= HEADROOM, "a header fits before every frame");

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Option<Frame> {
        super::read([&[0; HEADROOM - LEN], bytes].concat())
    }

    /// An IPv4 TCP packet with `len` bytes of data in a frame, after a header of this kind.
    fn tcp(flags: u8, kind: u8, gso_size: u16, len: u8) -> Vec<u8> {
        let mut bytes = vec![0; LEN + 54 + usize::from(len)];
        (bytes[0], bytes[1]) = (flags, kind);
        bytes[4..6].copy_from_slice(&gso_size.to_ne_bytes());
        bytes[6..8].copy_from_slice(&34_u16.to_ne_bytes());
        bytes[8..10].copy_from_slice(&16_u16.to_ne_bytes());
        bytes[LEN + 12] = 8;
        let ip = &mut bytes[LEN + 14..];
        (ip[0], ip[3], ip[8], ip[9]) = (0x45, 40 + len, 64, 6);
        ip[12..20].copy_from_slice(&[10, 0, 0, 1, 10, 0, 0, 2]);
        ip[32] = 5 << 4;
        segment::begin_checksum(ip);
        bytes
    }

    #[test]
    fn what_is_left_to_do_goes_through() {
        for bytes in [tcp(1, 0, 0, 9), tcp(1, TCP_V4, 100, 200)] {
            let frame = read(&bytes).expect("it is as a kernel makes it");
            assert!(!frame.offload.is_whole());
            let mut header = header(&frame).expect("it is plain TCP");
            header[2..4].copy_from_slice(&[0, 0]);
            assert_eq!([&header, frame.bytes()].concat(), bytes);
            assert!(segment::whole(frame).iter().all(|frame| checksum::is_right(&{
                let mut packet = frame.payload().to_vec();
                packet[10..12].fill(0);
                let sum = checksum::of(&packet[..20]);
                packet[10..12].copy_from_slice(&sum.to_be_bytes());
                packet
            })));
        }
    }

    #[test]
    fn a_header_that_says_what_cannot_be_is_refused() {
        let refused =
            [tcp(0, TCP_V4, 100, 200), tcp(1, TCP_V6, 100, 200), tcp(1, TCP_V4, 1, 200), tcp(1, 77, 100, 200)];
        assert!(refused.iter().all(|bytes| read(bytes).is_none()));
        assert!(read(&tcp(1, 0, 0, 0)[..LEN + 13]).is_none(), "no whole Ethernet header");
        let mut odd = tcp(1, 0, 0, 9);
        odd[6..8].copy_from_slice(&9999_u16.to_ne_bytes());
        assert!(read(&odd).is_none(), "a checksum beyond the end");
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_a_frame_or_nothing(header in proptest::array::uniform12(proptest::prelude::any::<u8>()),
                                            mut rest in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..300)) {
            if let Some(version) = rest.get_mut(14) {
                *version = if *version < 128 { 0x45 } else { 0x60 };
            }
            if let Some(frame) = read(&[&header[..], &rest].concat()) {
                let _ = super::header(&frame);
                segment::whole(frame).iter().for_each(|frame| assert!(frame.offload.is_whole()));
            }
        }
    }
}
