//! The capture: every frame at every device it passes, as tcpdump on all of them would see it, and what was dropped
//! where. It writes no file.

use std::collections::BTreeMap;

use crate::drop::DropReason;
use crate::frame::Frame;
use crate::id::{IfIndex, NamespaceId};
use crate::rng::{fnv1a, fnv1a_more};
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

/// Where a frame was: a device of a namespace, or the namespace itself when it was dropped in no device. Its name is
/// kept by the capture, because a device may be gone before anybody reads it.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Spot(u32);

/// A frame at one place and time.
#[derive(Clone, Debug)]
pub struct Captured {
    /// When.
    pub at: Instant,
    /// Where.
    pub spot: Spot,
    /// What happened.
    pub hop: Hop,
    /// The frame as it was there. Its bytes are shared, not copied.
    pub frame: Frame,
    /// What is to be said of a drop beyond its reason: the rule that did it, as `iptables -S` prints it.
    pub note: Option<Box<str>>,
}

impl Captured {
    /// Whether the frame was on the wire there, and was not merely dropped.
    #[must_use]
    pub const fn passed(&self) -> bool {
        matches!(self.hop, Hop::Received | Hop::Sent)
    }
}

/// All that was captured, when capturing is on.
#[derive(Clone, Debug, Default)]
pub struct Capture {
    on: bool,
    frames: Vec<Captured>,
    spots: BTreeMap<(NamespaceId, Option<IfIndex>), Spot>,
    names: Vec<(String, NamespaceId, Option<IfIndex>)>,
}

impl Capture {
    /// Begins to capture.
    pub const fn start(&mut self) {
        self.on = true;
    }

    /// Forgets what it has and begins anew.
    pub fn restart(&mut self) {
        self.frames.clear();
        self.on = true;
    }

    /// Whether it captures.
    #[must_use]
    pub const fn is_on(&self) -> bool {
        self.on
    }

    /// Takes a frame that was at a spot.
    pub fn record(&mut self, captured: Captured) {
        self.frames.push(captured);
    }

    /// The spot with this name; a device that has another name by now is another spot.
    pub fn spot(&mut self, namespace: NamespaceId, device: Option<IfIndex>, name: &str) -> Spot {
        match self.spots.get(&(namespace, device)) {
            Some(spot) if self.name(*spot) == name => *spot,
            _ => {
                let spot = Spot(u32::try_from(self.names.len()).expect("a world has fewer than 2^32 devices"));
                self.names.push((name.to_owned(), namespace, device));
                self.spots.insert((namespace, device), spot);
                spot
            }
        }
    }

    /// The name of a spot: `docker01/docker0`.
    #[must_use]
    pub fn name(&self, spot: Spot) -> &str {
        &self.names[spot.0 as usize].0
    }

    /// The namespace of a spot, and the device unless it is the namespace itself.
    #[must_use]
    pub fn place(&self, spot: Spot) -> (NamespaceId, Option<IfIndex>) {
        let (_, namespace, device) = self.names[spot.0 as usize];
        (namespace, device)
    }

    /// What was captured, in order.
    #[must_use]
    pub fn frames(&self) -> &[Captured] {
        &self.frames
    }

    /// A number that differs when any frame, time or place does.
    #[must_use]
    pub fn fingerprint(&self) -> u64 {
        self.frames.iter().fold(fnv1a(&[]), |hash, c| {
            let hash = fnv1a_more(hash, &c.at.as_nanos().to_be_bytes());
            let hash = fnv1a_more(hash, self.name(c.spot).as_bytes());
            fnv1a_more(hash, c.frame.bytes())
        })
    }
}
