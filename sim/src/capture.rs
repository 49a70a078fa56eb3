//! The capture: every frame at every device it passes, as tcpdump on all of them would see it, and what was dropped
//! where. It writes no file.

use crate::drop::DropReason;
use crate::frame::Frame;
use crate::id::{IfIndex, NamespaceId};
use crate::rng::fnv1a_more;
use crate::time::Instant;

/// What happened to a frame at a device.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Hop {
    /// It came in.
    Received,
    /// It went out.
    Sent,
    /// It went no further.
    Dropped(DropReason),
}

/// A frame at one place and time.
#[derive(Clone, Debug)]
pub struct Captured {
    /// When.
    pub at: Instant,
    /// In which namespace.
    pub namespace: NamespaceId,
    /// At which device; none for a drop that happened in no device.
    pub device: Option<IfIndex>,
    /// What happened.
    pub hop: Hop,
    /// The frame as it was there.
    pub frame: Frame,
}

/// All that was captured, when capturing is on.
#[derive(Clone, Debug, Default)]
pub struct Capture {
    on: bool,
    frames: Vec<Captured>,
}

impl Capture {
    /// Begins to capture.
    pub fn start(&mut self) {
        self.on = true;
    }

    /// Whether it captures.
    #[must_use]
    pub const fn is_on(&self) -> bool {
        self.on
    }

    /// Takes a frame, if capturing is on. The bytes are shared, not copied.
    pub fn record(&mut self, hop: impl FnOnce() -> Captured) {
        if self.on {
            self.frames.push(hop());
        }
    }

    /// What was captured, in order.
    #[must_use]
    pub fn frames(&self) -> &[Captured] {
        &self.frames
    }

    /// A number that differs when any frame, time or place does.
    #[must_use]
    pub fn fingerprint(&self) -> u64 {
        self.frames.iter().fold(rng_start(), |hash, c| {
            let hash = fnv1a_more(hash, &c.at.as_nanos().to_be_bytes());
            let hash = fnv1a_more(hash, &c.namespace.0.to_be_bytes());
            let hash = fnv1a_more(hash, &c.device.map_or(0, |d| d.0).to_be_bytes());
            fnv1a_more(hash, c.frame.bytes())
        })
    }
}

const fn rng_start() -> u64 {
    0xcbf2_9ce4_8422_2325
}
