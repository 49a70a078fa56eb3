//! The header that a TAP device puts before each frame (`struct virtio_net_hdr_v1`): what is left to do with a frame
//! before it could be on a wire. Bytes only; it touches no device.

use netyard_sim::frame::{Frame, HEADROOM};

/// The length of the header.
pub const LEN: usize = 12;
/// The longest frame with its header: a packet of 64 KiB, an Ethernet header and a tag.
pub const FRAME_MAX: usize = LEN + 65535 + 14 + 4;

const NEEDS_CHECKSUM: u8 = 1;
/// What stands there for a frame that is whole.
pub const WHOLE: [u8; LEN] = [0; LEN];

/// A frame as it came from a TAP device, header first. None when there is no whole header, or one that asks for what was not agreed upon.
#[must_use]
pub fn read(bytes: &[u8]) -> Option<Frame> {
    let (header, frame) = bytes.split_first_chunk::<LEN>()?;
    let [flags, kind, ..] = *header;
    (flags & NEEDS_CHECKSUM == 0 && kind == 0).then(|| Frame::copy_of(frame))
}

/// The header for a frame that goes to a TAP device.
#[must_use]
pub const fn header(_frame: &Frame) -> [u8; LEN] {
    WHOLE
}

const _: () = assert!(LEN <= HEADROOM, "a header fits before every frame");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_that_asks_for_what_was_not_agreed_upon_is_refused() {
        let mut bytes = vec![0; LEN + 60];
        assert_eq!(read(&bytes).map(|frame| frame.len()), Some(60));
        bytes[1] = 1;
        assert!(read(&bytes).is_none());
        assert!(read(&bytes[..LEN - 1]).is_none());
    }
}
