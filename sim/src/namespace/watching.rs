//! Packet sockets: a copy of every frame that passes a device, or any, for `tcpdump`. What was dropped before it came to a
//! device is not seen.

use std::collections::{BTreeMap, VecDeque};

use super::{Namespace, Passed};
use crate::capture::Hop;
use crate::device::IfIndex;
use crate::frame::Frame;
use crate::packet::segment;
use crate::socket::SocketId;
use crate::time::Instant;

/// Frames that wait in a socket before more are lost (2 MiB of full ones).
const QUEUE: usize = 1400;

/// How a frame concerned the device that it was at.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Concern {
    /// It came in for this device.
    In,
    /// It went out.
    Out,
    /// It came in for everybody on the link.
    Broadcast,
    /// It came in for a group.
    Multicast,
    /// It came in for another station.
    Other,
}

/// A frame that passed a device.
#[derive(Clone, Debug)]
pub struct Seen {
    /// When.
    pub at: Instant,
    /// The device's name at that time.
    pub device: String,
    /// Its number.
    pub index: IfIndex,
    /// In which way.
    pub concern: Concern,
    /// The frame.
    pub frame: Frame,
}

#[derive(Clone, Debug)]
struct Watcher {
    device: Option<IfIndex>,
    queue: VecDeque<Seen>,
    lost: u64,
}

/// The packet sockets of a namespace.
#[derive(Clone, Debug, Default)]
pub(super) struct Watchers(BTreeMap<SocketId, Watcher>);

impl Watchers {
    pub(super) fn close(&mut self, id: SocketId) -> bool {
        self.0.remove(&id).is_some()
    }
}

impl Namespace {
    /// A socket that sees all frames of a device, or of all.
    pub fn watch(&mut self, device: Option<IfIndex>) -> SocketId {
        let id = self.sockets.allocate();
        self.watchers.0.insert(id, Watcher { device, queue: VecDeque::new(), lost: 0 });
        id
    }

    /// Whether somebody watches.
    pub(crate) fn is_watched(&self) -> bool {
        !self.watchers.0.is_empty()
    }

    /// The next frame that a packet socket saw.
    pub fn next_seen(&mut self, socket: SocketId) -> Option<Seen> {
        self.watchers.0.get_mut(&socket)?.queue.pop_front()
    }

    /// How many frames a packet socket lost, since its program did not look.
    #[must_use]
    pub fn unseen(&self, socket: SocketId) -> u64 {
        self.watchers.0.get(&socket).map_or(0, |watcher| watcher.lost)
    }

    /// Shows a frame to who watches; those who were shown one.
    pub(crate) fn show(&mut self, at: Instant, passed: &Passed) -> Vec<SocketId> {
        let Some(device) = passed.device.and_then(|index| self.devices.get(&index)) else { return Vec::new() };
        let dst = passed.frame.dst();
        let concern = match passed.hop {
            // What lo sends it receives at once, and is seen then.
            Hop::Sent if device.is_loopback() => return Vec::new(),
            Hop::Dropped(_) => return Vec::new(),
            Hop::Sent => Concern::Out,
            Hop::Received if dst.is_broadcast() => Concern::Broadcast,
            Hop::Received if dst.is_multicast() => Concern::Multicast,
            Hop::Received if dst != device.mac => Concern::Other,
            Hop::Received => Concern::In,
        };
        let (index, name) = (device.index, device.name.clone());
        let frames = segment::whole(passed.frame.clone());
        let mut shown = Vec::new();
        for (id, watcher) in self.watchers.0.iter_mut().filter(|(_, w)| w.device.is_none_or(|d| d == index)) {
            for frame in &frames {
                if watcher.queue.len() >= QUEUE {
                    watcher.lost += 1;
                    continue;
                }
                watcher.queue.push_back(Seen { at, device: name.clone(), index, concern, frame: frame.clone() });
            }
            shown.push(*id);
        }
        shown
    }
}
