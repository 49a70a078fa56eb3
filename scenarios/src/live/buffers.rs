//! Buffers for frames of TAP devices, which are used again: one that is as long as a frame can be costs the kernel's memory
//! management more than a frame's whole way through the world.

use std::io;
use std::os::fd::OwnedFd;

use netyard_sim::frame::{Frame, HEADROOM};
use rustix::buffer::spare_capacity;

use super::vnet;

/// Where the header of a frame is read to, so that the frame itself has its headroom.
const BEFORE: usize = HEADROOM - vnet::LEN;
/// The length of a buffer.
const CAPACITY: usize = BEFORE + vnet::FRAME_MAX;
/// A frame up to this length is kept in a buffer of its own length, for it may have to wait with many others.
const SHORT: usize = 4096;
/// How many are kept for later.
const KEPT_MAX: usize = 64;

/// Buffers.
#[derive(Debug, Default)]
pub struct Buffers(Vec<Vec<u8>>);

impl Buffers {
    /// Reads a frame with its header from a device, as [`vnet::read`] takes it.
    ///
    /// # Errors
    /// What the device says.
    pub fn read(&mut self, device: &OwnedFd) -> io::Result<Vec<u8>> {
        let mut buffer = self.long();
        buffer.clear();
        buffer.resize(BEFORE, 0);
        let read = rustix::io::read(device, spare_capacity(&mut buffer));
        match read {
            Ok(len) if len > SHORT => Ok(buffer),
            _ => {
                let short = read.map(|_| buffer.clone());
                self.0.push(buffer);
                Ok(short?)
            }
        }
    }

    /// A buffer for a frame as long as can be. What is in it does not matter to anybody.
    pub fn long(&mut self) -> Vec<u8> {
        self.0.pop().unwrap_or_else(|| Vec::with_capacity(CAPACITY))
    }

    /// Takes back the buffer of a frame that nobody needs any more.
    pub fn take_back(&mut self, frame: Frame) {
        let buffer = frame.into_buffer().filter(|buffer| buffer.capacity() >= CAPACITY);
        self.0.extend(buffer.filter(|_| self.0.len() < KEPT_MAX));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_frame_brings_its_buffer_back_and_a_short_one_never_takes_it() {
        let (reader, writer) = io::pipe().expect("there are descriptors");
        let (reader, writer): (OwnedFd, OwnedFd) = (reader.into(), writer.into());
        let mut buffers = Buffers::default();
        let read = |bytes: &[u8], buffers: &mut Buffers| {
            rustix::io::write(&writer, bytes).expect("a pipe has room for it");
            buffers.read(&reader).expect("it was written")
        };
        let short = read(&[1; 60], &mut buffers);
        assert_eq!((short.len(), short.capacity() < SHORT, buffers.0.len()), (BEFORE + 60, true, 1));
        let long = read(&[2; 9000], &mut buffers);
        assert_eq!((long.len(), buffers.0.len()), (BEFORE + 9000, 0));
        let frame = vnet::read(long);
        assert!(frame.is_none(), "its header says what cannot be");
        let long = Frame::within(read(&[0; 9000], &mut buffers), HEADROOM);
        let shared = long.clone();
        buffers.take_back(long);
        assert_eq!(buffers.0.len(), 0, "somebody else still looks at it");
        buffers.take_back(shared);
        assert_eq!(buffers.0.len(), 1);
    }
}
