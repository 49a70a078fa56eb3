//! Links: what joins the two ends of a veth pair, or a device to the one that it stands on, and how long a frame takes
//! from one to the other. It says when a frame arrives; it carries none.

use crate::id::IfIndex;
pub use crate::id::{LinkId, NamespaceId};
use crate::time::{Duration, Instant};

/// One end of a link.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct End {
    /// The namespace that the device is in.
    pub namespace: NamespaceId,
    /// The device.
    pub device: IfIndex,
}

/// What a link does to frames, the same in both directions.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Condition {
    /// Time from one end to the other.
    pub delay: Duration,
}

impl Default for Condition {
    /// 10 µs: about what a frame spends in a veth pair on real hardware, so that a ping shows a time.
    fn default() -> Self {
        Self { delay: Duration::from_micros(10) }
    }
}

/// What a link is between.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Joint {
    /// The two ends of a veth pair: a cable.
    Pair,
    /// A device, the first end, and the one that it stands on: nothing of a way, and gone with either.
    Stack,
    /// A tunnel's device, the first end, and the namespace where it was made, with the device beneath when there is one:
    /// gone with either.
    Tunnel,
}

/// A link between two devices.
#[derive(Clone, Copy, Debug)]
pub struct Link {
    /// What it is between.
    pub joint: Joint,
    /// Its two ends.
    pub ends: [End; 2],
    /// What it does to frames.
    pub condition: Condition,
}

impl Link {
    /// The end that is not `end`.
    #[must_use]
    pub fn other(&self, end: End) -> End {
        if self.ends[0] == end { self.ends[1] } else { self.ends[0] }
    }

    /// When a frame that is sent at `now` arrives.
    #[must_use]
    pub fn arrival(&self, now: Instant) -> Instant {
        now + self.condition.delay
    }
}
