//! Fair queues that are kept short (`fq_codel`, RFC 8290): each flow has its own line, the lines take turns, and a line in
//! which frames wait too long loses some (CoDel, RFC 8289).

use std::collections::VecDeque;

use super::Dropped;
use crate::drop::DropReason;
use crate::frame::Frame;
use crate::packet::{Ip, Upper};
use crate::rng::{Seed, fnv1a, fnv1a_more};
use crate::time::{Duration, Instant};

/// What fair queues are told.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct FqCodel {
    /// Frames that may wait.
    pub limit: u32,
    /// Lines.
    pub flows: u32,
    /// Bytes that a line sends in its turn.
    pub quantum: u32,
    /// How long frames may wait.
    pub target: Duration,
    /// For how long they may wait longer.
    pub interval: Duration,
    /// Bytes that may wait.
    pub memory_limit: u32,
    /// Whether a frame that could say so is marked instead of lost.
    pub ecn: bool,
    /// How many frames of the longest line are dropped at once.
    pub drop_batch: u32,
}

impl Default for FqCodel {
    fn default() -> Self {
        Self {
            limit: 10240,
            flows: 1024,
            quantum: 1514,
            target: Duration::from_millis(5),
            interval: Duration::from_millis(100),
            memory_limit: 32 << 20,
            ecn: true,
            drop_batch: 64,
        }
    }
}

#[derive(Clone, Debug, Default)]
struct Flow {
    frames: VecDeque<(Instant, Frame)>,
    bytes: u64,
    credit: i64,
    listed: bool,
    dropping: bool,
    /// Frames that were dropped since it is dropping.
    count: u32,
    last_count: u32,
    first_above: Option<Instant>,
    drop_next: Instant,
}

/// The lines.
#[derive(Clone, Debug)]
pub(super) struct State {
    flows: Vec<Flow>,
    new: VecDeque<usize>,
    old: VecDeque<usize>,
    salt: u64,
    bytes: u64,
    frames: u64,
}

impl State {
    pub(super) fn new(told: &FqCodel, seed: Seed, name: &str) -> Self {
        let flows = vec![Flow::default(); told.flows.clamp(1, 65536) as usize];
        let salt = seed.stream(&format!("{name}/flows")).u64();
        Self { flows, new: VecDeque::new(), old: VecDeque::new(), salt, bytes: 0, frames: 0 }
    }

    pub(super) fn enqueue(&mut self, told: &FqCodel, now: Instant, frame: Frame, dropped: &mut Dropped) {
        let index = usize::try_from(self.hash(&frame) % self.flows.len() as u64).expect("there are fewer lines");
        self.bytes += frame.len() as u64;
        self.frames += 1;
        let flow = &mut self.flows[index];
        flow.bytes += frame.len() as u64;
        flow.frames.push_back((now, frame));
        if !flow.listed {
            (flow.listed, flow.credit) = (true, i64::from(told.quantum));
            self.new.push_back(index);
        }
        if self.frames > u64::from(told.limit) || self.bytes > u64::from(told.memory_limit) {
            self.shorten(told, dropped);
        }
    }

    /// Takes frames from the line with the most bytes: half of it, but not more than a batch.
    fn shorten(&mut self, told: &FqCodel, dropped: &mut Dropped) {
        let Some(fattest) = self.flows.iter_mut().max_by_key(|flow| flow.bytes) else { return };
        let goal = fattest.bytes / 2;
        let mut gone = 0;
        for _ in 0..told.drop_batch.max(1) {
            let Some((_, frame)) = fattest.frames.pop_front() else { break };
            gone += frame.len() as u64;
            fattest.bytes -= frame.len() as u64;
            self.bytes -= frame.len() as u64;
            self.frames -= 1;
            dropped.push((DropReason::QueueFull, frame));
            if gone >= goal {
                break;
            }
        }
    }

    pub(super) fn dequeue(&mut self, told: &FqCodel, now: Instant, dropped: &mut Dropped) -> Option<Frame> {
        loop {
            let is_new = !self.new.is_empty();
            let index = *self.new.front().or_else(|| self.old.front())?;
            if self.flows[index].credit <= 0 {
                self.flows[index].credit += i64::from(told.quantum);
                self.rotate(is_new, index);
                continue;
            }
            match self.take_from(index, told, now, dropped) {
                Some(frame) => {
                    self.flows[index].credit -= frame.len() as i64;
                    return Some(frame);
                }
                // An empty new line becomes an old one first, so that it cannot jump the queue again.
                None if is_new && !self.old.is_empty() => self.rotate(is_new, index),
                None => {
                    self.flows[index].listed = false;
                    let _ = if is_new { self.new.pop_front() } else { self.old.pop_front() };
                }
            }
        }
    }

    fn rotate(&mut self, is_new: bool, index: usize) {
        let _ = if is_new { self.new.pop_front() } else { self.old.pop_front() };
        self.old.push_back(index);
    }

    fn pop(&mut self, index: usize) -> Option<(Instant, Frame)> {
        let flow = &mut self.flows[index];
        let (since, frame) = flow.frames.pop_front()?;
        flow.bytes -= frame.len() as u64;
        self.bytes -= frame.len() as u64;
        self.frames -= 1;
        Some((since, frame))
    }

    /// CoDel: the next frame of a line, after those that waited too long.
    fn take_from(&mut self, index: usize, told: &FqCodel, now: Instant, dropped: &mut Dropped) -> Option<Frame> {
        let Some((mut since, mut frame)) = self.pop(index) else {
            self.flows[index].dropping = false;
            return None;
        };
        let mut late = self.is_late(index, told, now, since);
        if self.flows[index].dropping {
            if !late {
                self.flows[index].dropping = false;
            }
            while self.flows[index].dropping && now >= self.flows[index].drop_next {
                self.flows[index].count += 1;
                dropped.push((DropReason::QueueFull, frame));
                (since, frame) = self.pop_or_rest(index)?;
                late = self.is_late(index, told, now, since);
                let flow = &mut self.flows[index];
                if late {
                    flow.drop_next += spacing(told, flow.count);
                } else {
                    flow.dropping = false;
                }
            }
        } else if late {
            dropped.push((DropReason::QueueFull, frame));
            (since, frame) = self.pop_or_rest(index)?;
            self.is_late(index, told, now, since);
            let flow = &mut self.flows[index];
            flow.dropping = true;
            // Who was dropping a short while ago goes on where he was.
            let delta = flow.count - flow.last_count;
            let is_recent = now.since(flow.drop_next) < told.interval * 16;
            flow.count = if delta > 1 && is_recent { delta } else { 1 };
            flow.last_count = flow.count;
            flow.drop_next = now + spacing(told, flow.count);
        }
        Some(frame)
    }

    fn pop_or_rest(&mut self, index: usize) -> Option<(Instant, Frame)> {
        let next = self.pop(index);
        if next.is_none() {
            let flow = &mut self.flows[index];
            (flow.dropping, flow.first_above) = (false, None);
        }
        next
    }

    /// Whether frames of a line have waited too long for too long.
    fn is_late(&mut self, index: usize, told: &FqCodel, now: Instant, since: Instant) -> bool {
        let flow = &mut self.flows[index];
        if now.since(since) < told.target || flow.bytes <= u64::from(told.quantum) {
            flow.first_above = None;
            return false;
        }
        match flow.first_above {
            None => {
                flow.first_above = Some(now + told.interval);
                false
            }
            Some(at) => now >= at,
        }
    }

    /// The line of a frame: that of its flow.
    fn hash(&self, frame: &Frame) -> u64 {
        let hash = fnv1a(&self.salt.to_be_bytes());
        let Some(ip) = Ip::parse(frame.payload()) else {
            return fnv1a_more(hash, &frame.bytes()[..crate::frame::ETHERNET_LEN.min(frame.len())]);
        };
        let ports = match ip.upper {
            Upper::Udp { src, dst } | Upper::Tcp { src, dst, .. } => [src, dst],
            _ => [0, 0],
        };
        let hash = fnv1a_more(hash, format!("{}>{}", ip.src, ip.dst).as_bytes());
        fnv1a_more(hash, &[ports.map(u16::to_be_bytes).concat(), vec![ip.protocol]].concat())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.frames == 0
    }

    pub(super) fn size(&self) -> (u64, u64) {
        (self.bytes, self.frames)
    }

    pub(super) fn take(&mut self) -> Vec<Frame> {
        (self.bytes, self.frames) = (0, 0);
        self.new.clear();
        self.old.clear();
        self.flows.iter_mut().flat_map(|flow| core::mem::take(flow).frames).map(|(_, frame)| frame).collect()
    }
}

/// The time between two drops: shorter with the square root of how many there were.
fn spacing(told: &FqCodel, count: u32) -> Duration {
    told.interval.div_f64(f64::from(count.max(1)).sqrt())
}
