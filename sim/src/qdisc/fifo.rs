//! One line that ends when it is full (`pfifo`, `bfifo`).

use std::collections::VecDeque;

use super::Dropped;
use crate::drop::DropReason;
use crate::frame::Frame;

/// What a limit counts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Unit {
    /// Frames.
    Packets,
    /// Bytes.
    Bytes,
}

/// How much may wait.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Fifo {
    /// Of what.
    pub unit: Unit,
    /// How much.
    pub limit: u32,
}

/// The line.
#[derive(Clone, Debug, Default)]
pub(super) struct State {
    frames: VecDeque<Frame>,
    bytes: u64,
}

impl State {
    pub(super) fn enqueue(&mut self, told: Fifo, frame: Frame, dropped: &mut Dropped) {
        let has_room = match told.unit {
            Unit::Packets => (self.frames.len() as u64) < u64::from(told.limit),
            Unit::Bytes => self.bytes + frame.len() as u64 <= u64::from(told.limit),
        };
        if !has_room {
            return dropped.push((DropReason::QueueFull, frame));
        }
        self.bytes += frame.len() as u64;
        self.frames.push_back(frame);
    }

    pub(super) fn dequeue(&mut self) -> Option<Frame> {
        let frame = self.frames.pop_front()?;
        self.bytes -= frame.len() as u64;
        Some(frame)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    pub(super) fn size(&self) -> (u64, u64) {
        (self.bytes, self.frames.len() as u64)
    }

    pub(super) fn take(&mut self) -> Vec<Frame> {
        self.bytes = 0;
        self.frames.drain(..).collect()
    }
}
