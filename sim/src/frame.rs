//! Ethernet frames: one buffer, moved on unicast and shared on flood, with room in front for an outer header.
//! It knows where the Ethernet header ends and nothing of what is inside.
//!
//! A frame that was cloned (flooding, capture) shares its bytes; writing to it copies them first. The count is not
//! atomic: a world lives on one thread.

use std::rc::Rc;

use crate::addr::Mac;

/// Bytes kept free before a frame: a VXLAN outer header (50) and a vnet header (12) fit.
pub const HEADROOM: usize = START as usize;
/// Where a new frame begins in its buffer.
const START: u32 = 64;
/// Length of an Ethernet header.
pub const ETHERNET_LEN: usize = 14;
/// Length of an 802.1Q tag.
pub const TAG_LEN: usize = 4;

/// EtherTypes that the stack knows.
pub mod ethertype {
    /// IPv4.
    pub const IPV4: u16 = 0x0800;
    /// ARP.
    pub const ARP: u16 = 0x0806;
    /// 802.1Q tag.
    pub const VLAN: u16 = 0x8100;
    /// IPv6.
    pub const IPV6: u16 = 0x86dd;
}

/// How far the checksums and the segmentation of a frame are done.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Offload {
    /// The TCP or UDP checksum is still to be computed where the frame leaves the simulation.
    pub partial_checksum: bool,
    /// Not 0: the TCP payload is to be cut into segments of this many bytes.
    pub gso_size: u16,
    /// Not 0: the packet was put together of fragments, of which the largest had so many bytes. It may be cut like that again.
    pub largest_fragment: u16,
    /// In how many tunnels the frame is: so that one that goes round in a circle comes to an end.
    pub nesting: u8,
}

impl Offload {
    /// Whether nothing is left to do.
    #[inline]
    #[must_use]
    pub const fn is_whole(self) -> bool {
        !self.partial_checksum && self.gso_size == 0
    }
}

/// An Ethernet frame.
#[derive(Clone, Debug)]
pub struct Frame {
    buffer: Rc<Vec<u8>>,
    /// Where it begins: a `u32`, so that a frame is two words and is moved by one instruction.
    start: u32,
    /// What is left to do before the frame meets the outside.
    pub offload: Offload,
}

impl Frame {
    /// A frame of `len` zero bytes, with headroom.
    #[must_use]
    pub fn zeroed(len: usize) -> Self {
        Self { buffer: Rc::new(vec![0; HEADROOM + len]), start: START, offload: Offload::default() }
    }

    /// A frame that holds a copy of `bytes`, with headroom.
    #[must_use]
    pub fn copy_of(bytes: &[u8]) -> Self {
        let mut buffer = Vec::with_capacity(HEADROOM + bytes.len());
        buffer.resize(HEADROOM, 0);
        buffer.extend_from_slice(bytes);
        Self { buffer: Rc::new(buffer), start: START, offload: Offload::default() }
    }

    /// The frame that begins at `start` of a buffer; what is before is headroom.
    ///
    /// # Panics
    /// When the buffer ends before, or `start` is more than [`HEADROOM`].
    #[must_use]
    pub fn within(buffer: Vec<u8>, start: usize) -> Self {
        assert!(start <= HEADROOM && start <= buffer.len(), "a frame begins within its buffer");
        let start = u32::try_from(start).expect("headroom is small");
        Self { buffer: Rc::new(buffer), start, offload: Offload::default() }
    }

    /// The buffer that it is in; none while another frame shares it.
    #[must_use]
    pub fn into_buffer(self) -> Option<Vec<u8>> {
        Rc::into_inner(self.buffer)
    }

    /// A frame with an Ethernet header before `payload_len` zero bytes.
    #[must_use]
    pub fn ethernet(dst: Mac, src: Mac, ethertype: u16, payload_len: usize) -> Self {
        let mut frame = Self::zeroed(ETHERNET_LEN + payload_len);
        let bytes = frame.bytes_mut();
        bytes[0..6].copy_from_slice(&dst.0);
        bytes[6..12].copy_from_slice(&src.0);
        bytes[12..14].copy_from_slice(&ethertype.to_be_bytes());
        frame
    }

    /// The frame from its destination address to its last byte.
    #[inline]
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.buffer[self.start as usize..]
    }

    /// The same, to be written; copied first when another frame shares the bytes.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        &mut Rc::make_mut(&mut self.buffer)[self.start as usize..]
    }

    /// Length with the Ethernet header, without a frame check sequence.
    #[inline]
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "a frame has a header, so it is never empty")]
    pub fn len(&self) -> usize {
        self.buffer.len() - self.start as usize
    }

    /// Whether there is a whole Ethernet header. Everything below expects one.
    #[inline]
    #[must_use]
    pub fn is_ethernet(&self) -> bool {
        self.len() >= ETHERNET_LEN
    }

    /// Destination address.
    #[inline]
    #[must_use]
    pub fn dst(&self) -> Mac {
        Mac(self.bytes()[0..6].try_into().expect("six bytes"))
    }

    /// Source address.
    #[inline]
    #[must_use]
    pub fn src(&self) -> Mac {
        Mac(self.bytes()[6..12].try_into().expect("six bytes"))
    }

    /// EtherType, or 0x8100 when a VLAN tag comes first.
    #[inline]
    #[must_use]
    pub fn ethertype(&self) -> u16 {
        let b = self.bytes();
        u16::from_be_bytes([b[12], b[13]])
    }

    /// What follows the Ethernet header.
    #[inline]
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        &self.bytes()[ETHERNET_LEN..]
    }

    /// The same, to be written.
    pub fn payload_mut(&mut self) -> &mut [u8] {
        &mut self.bytes_mut()[ETHERNET_LEN..]
    }

    /// Writes both addresses, as a router does on the way out.
    pub fn readdress(&mut self, dst: Mac, src: Mac) {
        let bytes = self.bytes_mut();
        bytes[0..6].copy_from_slice(&dst.0);
        bytes[6..12].copy_from_slice(&src.0);
    }

    /// The 802.1Q number of the frame's tag, when it has one.
    #[must_use]
    pub fn vlan(&self) -> Option<u16> {
        if self.ethertype() != ethertype::VLAN || self.len() < ETHERNET_LEN + TAG_LEN {
            return None;
        }
        let b = self.bytes();
        Some(u16::from_be_bytes([b[14], b[15]]) & 0x0fff)
    }

    /// The same frame with an 802.1Q tag.
    #[must_use]
    pub fn tagged(&self, vlan: u16) -> Self {
        let bytes = self.bytes();
        let mut tagged = Self::zeroed(self.len() + TAG_LEN);
        tagged.offload = self.offload;
        let to = tagged.bytes_mut();
        to[0..12].copy_from_slice(&bytes[0..12]);
        to[12..14].copy_from_slice(&ethertype::VLAN.to_be_bytes());
        to[14..16].copy_from_slice(&(vlan & 0x0fff).to_be_bytes());
        to[16..].copy_from_slice(&bytes[12..]);
        tagged
    }

    /// The same frame without its tag.
    #[must_use]
    pub fn untagged(&self) -> Self {
        if self.vlan().is_none() {
            return self.clone();
        }
        let bytes = self.bytes();
        let mut bare = Self::zeroed(self.len() - TAG_LEN);
        bare.offload = self.offload;
        let to = bare.bytes_mut();
        to[0..12].copy_from_slice(&bytes[0..12]);
        to[12..].copy_from_slice(&bytes[16..]);
        bare
    }

    /// Drops what follows the first `len` bytes (the padding of a short frame).
    pub fn truncate(&mut self, len: usize) {
        let end = self.start as usize + len;
        if end < self.buffer.len() {
            Rc::make_mut(&mut self.buffer).truncate(end);
        }
    }

    /// Moves it to another buffer, of which nothing else is left.
    pub fn move_to(&mut self, mut buffer: Vec<u8>) {
        buffer.clear();
        buffer.resize(HEADROOM, 0);
        buffer.extend_from_slice(self.bytes());
        (self.buffer, self.start) = (Rc::new(buffer), START);
    }

    /// Puts more to its end.
    pub fn append(&mut self, bytes: &[u8]) {
        Rc::make_mut(&mut self.buffer).extend_from_slice(bytes);
    }

    /// Whether another frame shares these bytes.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        Rc::strong_count(&self.buffer) > 1
    }
}

impl PartialEq for Frame {
    fn eq(&self, other: &Self) -> bool {
        self.bytes() == other.bytes()
    }
}

impl Eq for Frame {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_goes_between_the_addresses_and_the_type() {
        let mut frame = Frame::ethernet(Mac::BROADCAST, Mac([2, 0, 0, 0, 0, 1]), ethertype::ARP, 2);
        frame.payload_mut().copy_from_slice(&[7, 9]);
        let tagged = frame.tagged(10);
        assert_eq!(tagged.bytes()[12..], [0x81, 0, 0, 10, 8, 6, 7, 9]);
        assert_eq!((frame.vlan(), tagged.vlan()), (None, Some(10)));
        assert_eq!(tagged.untagged(), frame);
        assert_eq!(frame.untagged(), frame);
    }

    #[test]
    fn a_flooded_frame_is_one_buffer_until_somebody_writes() {
        let mut first = Frame::ethernet(Mac::BROADCAST, Mac([2, 0, 0, 0, 0, 1]), ethertype::ARP, 28);
        let second = first.clone();
        assert!(first.is_shared());
        first.readdress(Mac([2, 0, 0, 0, 0, 9]), first.src());
        assert_eq!(second.dst(), Mac::BROADCAST);
        assert!(!second.is_shared());
    }
}
