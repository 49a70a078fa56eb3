//! Trains: TCP segments that came one after the other, put together again to the one long packet that a stack leaves to a
//! device which can cut it ([`segment`]). Linux does so with what its devices receive (GRO, `tcp_gro_receive`).
//!
//! What goes in comes out: a train that is cut is the very frames of which it was made, byte for byte. So a frame whose
//! checksum is wrong, or whose headers say anything but what those of the next segment would, joins none.

use crate::frame::{ETHERNET_LEN, Frame, Offload};

use super::segment::{self, FLAGS, Place};
use super::{Ip, checksum, tcp_flag};

/// The longest packet that there is.
const PACKET_MAX: usize = 65535;
/// Where the checksum is in a TCP header.
const CHECKSUM: usize = 16;
/// The flags that only the last segment of a packet has.
const LAST: u8 = tcp_flag::PSH | tcp_flag::FIN;
/// The flags of segments that are more than a part of a stream.
const APART: u8 = tcp_flag::SYN | tcp_flag::RST | tcp_flag::URG;

/// Makes trains of frames as they come.
#[derive(Debug, Default)]
pub struct Coupler {
    train: Option<Train>,
}

impl Coupler {
    /// Takes a frame; the frames that nothing can join any more leave in order. A train moves to `room` when it begins, where
    /// there should be some for a long packet.
    pub fn take(&mut self, frame: Frame, room: impl FnOnce() -> Vec<u8>, mut leave: impl FnMut(Frame)) {
        let left = match &mut self.train {
            Some(train) => train.join(frame, room).err(),
            None => Some(frame),
        };
        let Some(frame) = left else { return };
        self.finish().into_iter().for_each(&mut leave);
        match Train::of(frame) {
            Ok(train) => self.train = Some(train),
            Err(frame) => leave(frame),
        }
    }

    /// The frame that more might have joined.
    pub fn finish(&mut self) -> Option<Frame> {
        self.train.take().map(Train::into_frame)
    }
}

/// A frame that others may join.
#[derive(Debug)]
struct Train {
    frame: Frame,
    /// The view of its first segment.
    ip: Ip,
    /// The length of all headers of a segment.
    headers: usize,
    segments: usize,
}

impl Train {
    /// A train of one frame; the frame, when none can join it.
    fn of(frame: Frame) -> Result<Self, Frame> {
        match part_of_stream(&frame) {
            Some((ip, headers)) => Ok(Self { frame, ip, headers, segments: 1 }),
            None => Err(frame),
        }
    }

    /// Puts a frame to the end; gives it back when it does not follow.
    fn join(&mut self, next: Frame, room: impl FnOnce() -> Vec<u8>) -> Result<(), Frame> {
        if !self.is_followed_by(&next) {
            return Err(next);
        }
        if self.segments == 1 {
            self.frame.move_to(room());
        }
        self.frame.append(&next.payload()[self.headers..]);
        let flags = next.payload()[self.ip.upper_at() + FLAGS];
        self.frame.payload_mut()[self.ip.upper_at() + FLAGS] |= flags & LAST;
        self.segments += 1;
        Ok(())
    }

    /// The one frame that it is now.
    fn into_frame(mut self) -> Frame {
        if self.segments > 1 {
            let (len, size) = (self.len(), self.size());
            let packet = self.frame.payload_mut();
            segment::set_len(packet, &self.ip, len);
            checksum::fill_header(packet, &self.ip);
            segment::begin_checksum(packet);
            let gso_size = u16::try_from(size).expect("a packet has at most 65535 bytes");
            self.frame.offload = Offload { partial_checksum: true, gso_size, ..self.frame.offload };
        }
        self.frame
    }

    /// The length of the packet that it is.
    fn len(&self) -> usize {
        self.frame.len() - ETHERNET_LEN
    }

    /// How many bytes of data its segments have; the last may have fewer.
    const fn size(&self) -> usize {
        self.ip.total_len - self.headers
    }

    /// Whether a frame is the segment after its last.
    fn is_followed_by(&self, next: &Frame) -> bool {
        let is_full = self.len() - self.headers == self.size() * self.segments;
        is_full
            && next.len() <= ETHERNET_LEN + self.ip.total_len
            && self.len() + self.size() <= PACKET_MAX
            && next.offload == self.frame.offload
            && next.bytes()[..ETHERNET_LEN] == self.frame.bytes()[..ETHERNET_LEN]
            && part_of_stream(next).is_some_and(|(_, headers)| headers == self.headers)
            && self.has_headers_of_the_next(next.payload())
            && is_right(next)
            && (self.segments > 1 || is_right(&self.frame))
    }

    /// Whether the headers of a packet are those that a device would give to the segment after the last, but for what only
    /// the data decide.
    fn has_headers_of_the_next(&self, packet: &[u8]) -> bool {
        let tcp = self.ip.upper_at();
        let mut headers = self.frame.payload()[..self.headers].to_vec();
        let is_last = headers[tcp + FLAGS] & LAST != 0;
        let place = Place { number: self.segments, offset: self.len() - self.headers, is_last: false };
        segment::adjust(&mut headers, &self.ip, packet.len(), place);
        checksum::fill_header(&mut headers, &self.ip);
        headers[tcp + FLAGS] |= packet[tcp + FLAGS] & LAST;
        headers[tcp + CHECKSUM..tcp + CHECKSUM + 2].copy_from_slice(&packet[tcp + CHECKSUM..tcp + CHECKSUM + 2]);
        !is_last && headers == packet[..self.headers]
    }
}

/// The view of a packet that is a part of a TCP stream and nothing else, and the length of its headers.
fn part_of_stream(frame: &Frame) -> Option<(Ip, usize)> {
    if frame.offload.gso_size != 0 {
        return None;
    }
    let (ip, headers) = segment::headers(frame)?;
    let is_bare = frame.vlan().is_none() && frame.len() == ETHERNET_LEN + ip.total_len && headers < ip.total_len;
    let is_plain = frame.payload()[ip.upper_at() + FLAGS] & APART == 0;
    (is_bare && is_plain).then_some((ip, headers))
}

/// Whether the checksums of a frame are right, or will be.
fn is_right(frame: &Frame) -> bool {
    frame.offload.partial_checksum || checksum::is_right(frame.payload())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::addr::Mac;
    use crate::frame::ethertype;
    use crate::packet::{protocol, sample};

    /// Segment `number` of a stream of bytes in order, with `len` bytes of it from `seq` on.
    fn segment(src: &str, number: u8, seq: u32, len: usize, flags: u8) -> Frame {
        let dst = if src.contains(':') { "2001:db8::2" } else { "10.0.0.2" };
        let mut tcp = vec![0; 20 + len];
        (tcp[4..8]).copy_from_slice(&seq.to_be_bytes());
        (tcp[12], tcp[FLAGS]) = (5 << 4, flags);
        (0..)
            .zip(&mut tcp[20..])
            .for_each(|(n, byte): (u32, _)| *byte = (seq.wrapping_add(n) % 251).try_into().unwrap());
        let mut packet = sample::ip(src, dst, protocol::TCP, &tcp);
        if packet[0] >> 4 == 4 {
            packet[5] = number;
            checksum::fill(&mut packet);
        }
        let kind = if packet[0] >> 4 == 4 { ethertype::IPV4 } else { ethertype::IPV6 };
        let mut frame = Frame::ethernet(Mac::BROADCAST, Mac([2, 0, 0, 0, 0, 1]), kind, packet.len());
        frame.payload_mut().copy_from_slice(&packet);
        frame
    }

    /// The frames that become of these.
    fn joined(frames: &[Frame]) -> Vec<Frame> {
        let (mut coupler, mut joined) = (Coupler::default(), Vec::new());
        for frame in frames {
            coupler.take(frame.clone(), Vec::new, |frame| joined.push(frame));
        }
        joined.extend(coupler.finish());
        joined
    }

    #[test]
    fn segments_in_order_become_one_packet_and_what_ends_it_is_the_last() {
        for src in ["10.0.0.1", "2001:db8::1"] {
            let (ack, end) = (tcp_flag::ACK, tcp_flag::ACK | tcp_flag::PSH);
            let sent = [
                segment(src, 0, u32::MAX, 100, ack),
                segment(src, 1, 99, 100, ack),
                segment(src, 2, 199, 70, ack),
                segment(src, 3, 269, 100, end),
                segment(src, 4, 369, 100, ack),
            ];
            let packets = joined(&sent);
            let lens: Vec<usize> = packets.iter().map(|packet| segment::headers(packet).unwrap().0.total_len).collect();
            let headers = segment::headers(&sent[0]).unwrap().1;
            assert_eq!(
                lens,
                [headers + 270, headers + 100, headers + 100],
                "a short one, and one with PSH, are the last"
            );
            assert_eq!(packets[0].offload.gso_size, 100);
            assert_eq!(packets.into_iter().flat_map(segment::whole).collect::<Vec<_>>(), sent);
        }
    }

    #[test]
    fn what_is_not_the_next_segment_joins_nothing() {
        let first = segment("10.0.0.1", 0, 0, 100, tcp_flag::ACK);
        let follows = |next: &Frame| joined(&[first.clone(), next.clone()]).len() == 1;
        let next = segment("10.0.0.1", 1, 100, 100, tcp_flag::ACK);
        assert!(follows(&next));
        let mut broken = next.clone();
        broken.payload_mut()[80] ^= 1;
        let others = [
            broken,
            next.tagged(7),
            segment("10.0.0.1", 1, 101, 100, tcp_flag::ACK),
            segment("10.0.0.1", 2, 100, 100, tcp_flag::ACK),
            segment("10.0.0.1", 1, 100, 101, tcp_flag::ACK),
            segment("10.0.0.1", 1, 100, 0, tcp_flag::ACK),
            segment("10.0.0.1", 1, 100, 100, tcp_flag::ACK | tcp_flag::URG),
            segment("10.0.0.1", 1, 100, 100, tcp_flag::ACK | 0x80),
            segment("10.0.0.3", 1, 100, 100, tcp_flag::ACK),
        ];
        assert!(others.iter().all(|other| !follows(other)));
        let mut wrong = first.clone();
        wrong.payload_mut()[80] ^= 1;
        assert_eq!(joined(&[wrong.clone(), next.clone()]), [wrong, next.clone()], "it stays wrong alone");
        for flags in [tcp_flag::SYN | tcp_flag::ACK, tcp_flag::PSH | tcp_flag::ACK] {
            let alone = segment("10.0.0.1", 0, 0, 100, flags);
            assert_eq!(joined(&[alone.clone(), next.clone()]), [alone, next.clone()]);
        }
    }

    proptest! {
        #[test]
        fn a_train_that_is_cut_is_the_frames_that_it_was_made_of(
            lens in prop::collection::vec((1_usize..4000, 0_u32..8, 0_u8..64), 1..40),
            start: u32,
            is_v4: bool,
        ) {
            let src = if is_v4 { "10.0.0.1" } else { "2001:db8::1" };
            let mut seq = start;
            let mut sent = Vec::new();
            for (number, (len, gap, flags)) in (0..).zip(&lens) {
                // Most are as long as the first, follow at once and have nothing special.
                let len = if *gap == 0 { *len } else { lens[0].0 };
                let flags = if *gap == 1 { *flags & !APART } else { tcp_flag::ACK };
                seq = seq.wrapping_add(u32::from(*gap == 2));
                sent.push(segment(src, number, seq, len, flags));
                seq = seq.wrapping_add(u32::try_from(len).unwrap());
            }
            let packets = joined(&sent);
            for packet in &packets {
                prop_assert!(packet.len() <= ETHERNET_LEN + PACKET_MAX);
            }
            prop_assert_eq!(packets.into_iter().flat_map(segment::whole).collect::<Vec<_>>(), sent);
        }
    }
}
