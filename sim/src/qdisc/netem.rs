//! What a wire or the air does to frames (`netem`): it delays, loses, doubles, spoils and reorders them, and lets them
//! through at a rate, in the order and by the arithmetic of Linux's `sch_netem`.
//!
//! Each of these draws from a stream of its own, so that one more of them changes nothing of the others.

use std::collections::{BTreeMap, VecDeque};

use super::chance::{Chance, Draws, Share};
use super::distribution::{Distribution, SCALE};
use super::tbf::{Ticks, time_of};
use super::{Counters, Dropped, Ledger};
use crate::drop::DropReason;
use crate::frame::Frame;
use crate::rng::Seed;
use crate::time::{Duration, Instant};

/// How frames are lost.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Loss {
    /// Each by itself, or leaning to what became of the one before.
    Random(Chance),
    /// By four states: good and bad times, and in each of them frames that pass and frames that do not. The shares are
    /// those of the ways from state to state.
    State {
        /// From a good time to a bad one.
        p13: Share,
        /// From a bad time to a good one.
        p31: Share,
        /// From losing to passing in a bad time.
        p32: Share,
        /// From passing to losing in a bad time.
        p23: Share,
        /// To a single loss in a good time.
        p14: Share,
    },
    /// By two states (Gilbert and Elliott).
    Gemodel {
        /// From good to bad.
        p: Share,
        /// From bad to good.
        r: Share,
        /// What passes in the bad state.
        h: Share,
        /// What is lost in the good state.
        k1: Share,
    },
}

impl Default for Loss {
    fn default() -> Self {
        Self::Random(Chance::default())
    }
}

/// How fast frames leave, and what each is taken for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Rate {
    /// Bytes a second.
    pub rate: u64,
    /// Bytes that are added to each frame.
    pub packet_overhead: i32,
    /// Frames fill cells of so many bytes; 0 for none.
    pub cell_size: u32,
    /// Bytes that are added to each cell.
    pub cell_overhead: i32,
}

impl Rate {
    /// The nanoseconds that a frame takes.
    fn time_of(&self, len: usize) -> i64 {
        let mut bytes = i64::try_from(len).unwrap_or(i64::MAX) + i64::from(self.packet_overhead);
        if self.cell_size != 0 {
            let cells = bytes.max(0).div_euclid(i64::from(self.cell_size))
                + i64::from(bytes.max(0) % i64::from(self.cell_size) != 0);
            bytes = cells * (i64::from(self.cell_size) + i64::from(self.cell_overhead));
        }
        time_of(u64::try_from(bytes).unwrap_or(0), self.rate)
    }
}

/// What netem is told. What is none was not said.
#[derive(Clone, Debug, PartialEq)]
pub struct Netem {
    /// Frames that may wait.
    pub limit: u32,
    /// How long a frame takes.
    pub latency: Ticks,
    /// How much that varies.
    pub jitter: Ticks,
    /// How much a delay leans to the one before.
    pub delay_correlation: Option<Share>,
    /// How it varies; evenly when nothing is said.
    pub distribution: Option<Distribution>,
    /// How frames are lost.
    pub loss: Loss,
    /// Whether a frame that could say so is marked instead of lost.
    pub ecn: bool,
    /// How many frames come twice.
    pub duplicate: Chance,
    /// How many frames overtake.
    pub reorder: Option<Chance>,
    /// Among how many one overtakes.
    pub gap: u32,
    /// In how many frames a bit is turned.
    pub corrupt: Option<Chance>,
    /// How fast they leave.
    pub rate: Option<Rate>,
}

impl Default for Netem {
    fn default() -> Self {
        Self {
            limit: 1000,
            latency: Ticks(0),
            jitter: Ticks(0),
            delay_correlation: None,
            distribution: None,
            loss: Loss::default(),
            ecn: false,
            duplicate: Chance::default(),
            reorder: None,
            gap: 0,
            corrupt: None,
            rate: None,
        }
    }
}

impl Netem {
    /// These settings, and of older ones what the kernel keeps when nothing is said of it.
    pub(super) fn over(self, old: &Self) -> Self {
        Self {
            delay_correlation: self.delay_correlation.or(old.delay_correlation),
            distribution: self.distribution.or_else(|| old.distribution.clone()),
            ecn: self.ecn || old.ecn,
            reorder: self.reorder.or(old.reorder),
            corrupt: self.corrupt.or(old.corrupt),
            rate: self.rate.or(old.rate),
            ..self
        }
    }

    /// A delay in nanoseconds; one that is negative is none.
    fn delay(&self, draws: &mut Draws) -> i64 {
        let [latency, jitter] = [self.latency, self.jitter].map(|ticks| i64::from(ticks.0) * 64);
        if jitter == 0 {
            return latency;
        }
        let draw = draws.draw(self.delay_correlation.unwrap_or_default());
        let Some(distribution) = &self.distribution else {
            return latency - jitter
                + i64::try_from((i128::from(draw) * i128::from(2 * jitter)) >> 32).expect("a part of the jitter");
        };
        let value = distribution.at(draw);
        let part = (jitter % SCALE) * value;
        let half = if part >= 0 { SCALE / 2 } else { -(SCALE / 2) };
        (part + half) / SCALE + jitter / SCALE * value + latency
    }
}

/// A frame under way.
#[derive(Clone, Debug)]
struct Waiting {
    frame: Frame,
    since: Instant,
    /// Under which settings it came, counted.
    epoch: u32,
}

/// What is under way, and the streams of chance.
#[derive(Clone, Debug)]
pub(super) struct State {
    delays: Draws,
    losses: Draws,
    doubles: Draws,
    spoils: Draws,
    orders: Draws,
    /// The state of a loss model, from 1.
    model: u8,
    /// Frames since one overtook.
    passed: u32,
    under_way: BTreeMap<(Instant, u64), Waiting>,
    first: VecDeque<Waiting>,
    bytes: u64,
    taken: u64,
    epoch: u32,
}

impl State {
    pub(super) fn new(seed: Seed, name: &str) -> Self {
        let draws = |what: &str| Draws::new(seed.stream(&format!("{name}/{what}")));
        Self {
            delays: draws("delay"),
            losses: draws("loss"),
            doubles: draws("duplicate"),
            spoils: draws("corrupt"),
            orders: draws("reorder"),
            model: 1,
            passed: 0,
            under_way: BTreeMap::new(),
            first: VecDeque::new(),
            bytes: 0,
            taken: 0,
            epoch: 0,
        }
    }

    pub(super) fn enqueue(
        &mut self,
        told: &Netem,
        (ledger, counters): (&mut Ledger, &mut Counters),
        now: Instant,
        frame: Frame,
        dropped: &mut Dropped,
    ) {
        let doubled = self.doubles.happens(told.duplicate);
        ledger.doubled.note(doubled);
        // The second one comes first, and may be lost by itself; but it is not doubled again.
        if doubled {
            self.take_in(told, (ledger, counters), now, frame.clone(), dropped);
        }
        self.take_in(told, (ledger, counters), now, frame, dropped);
    }

    fn take_in(
        &mut self,
        told: &Netem,
        (ledger, counters): (&mut Ledger, &mut Counters),
        now: Instant,
        mut frame: Frame,
        dropped: &mut Dropped,
    ) {
        let lost = self.loses(told.loss);
        ledger.lost.note(lost);
        if lost {
            return dropped.push((DropReason::Lost, frame));
        }
        if let Some(chance) = told.corrupt {
            let spoilt = self.spoils.happens(chance);
            ledger.spoilt.note(spoilt);
            if spoilt {
                let at = self.spoils.below(frame.len() as u64 * 8);
                frame.bytes_mut()[(at / 8) as usize] ^= 1 << (at % 8);
            }
        }
        if self.len() >= u64::from(told.limit) {
            ledger.refused += 1;
            return dropped.push((DropReason::QueueFull, frame));
        }
        self.bytes += frame.len() as u64;
        let can_overtake = told.gap != 0 && self.passed >= told.gap - 1;
        let overtakes = can_overtake && told.reorder.is_none_or(|chance| self.orders.happens(chance));
        if can_overtake {
            ledger.overtook.note(overtakes);
        }
        if overtakes {
            self.passed = 0;
            counters.requeues += 1;
            self.first.push_front(Waiting { frame, since: now, epoch: self.epoch });
            return;
        }
        let leaves = self.leaves_at(told, now, frame.len());
        self.passed = self.passed.saturating_add(1);
        self.taken += 1;
        ledger.on_the_way += 1;
        self.under_way.insert((leaves, self.taken), Waiting { frame, since: now, epoch: self.epoch });
    }

    fn leaves_at(&mut self, told: &Netem, now: Instant, len: usize) -> Instant {
        let mut delay = told.delay(&mut self.delays);
        let mut from = now;
        if let Some(rate) = told.rate.filter(|rate| rate.rate != 0) {
            if let Some((last, _)) = self.under_way.last_key_value().map(|(key, _)| *key) {
                // The line is busy until the last one left: the wait counts as delay.
                let waits = i64::try_from(last.as_nanos()).unwrap_or(i64::MAX)
                    - i64::try_from(now.as_nanos()).unwrap_or(i64::MAX);
                delay = (delay - waits).max(0);
                from = last;
            }
            delay += rate.time_of(len);
        }
        from + Duration::from_nanos(u64::try_from(delay).unwrap_or(0))
    }

    fn loses(&mut self, loss: Loss) -> bool {
        match loss {
            Loss::Random(chance) => self.losses.happens(chance),
            Loss::State { p13, p31, p32, p23, p14 } => {
                let draw = u64::from(self.losses.draw(Share::NONE));
                let [p13, p31, p32, p23, p14] = [p13, p31, p32, p23, p14].map(|share| u64::from(share.0));
                self.model = match self.model {
                    1 if draw < p14 => 4,
                    1 if draw < p14 + p13 => 3,
                    2 if draw < p23 => 3,
                    3 if draw < p32 => 2,
                    3 if draw < p32 + p31 => 1,
                    4 => 1,
                    same => same,
                };
                matches!(self.model, 3 | 4)
            }
            Loss::Gemodel { p, r, h, k1 } => {
                let (turn, draw) = (self.losses.draw(Share::NONE), self.losses.draw(Share::NONE));
                let is_good = self.model == 1;
                if turn < if is_good { p.0 } else { r.0 } {
                    self.model = 3 - self.model;
                }
                if is_good { draw < k1.0 } else { draw > h.0 }
            }
        }
    }

    pub(super) fn dequeue(&mut self, ledger: &mut Ledger, now: Instant) -> Option<Frame> {
        let waiting = match self.first.pop_front() {
            Some(waiting) => waiting,
            None => {
                let entry = self.under_way.first_entry().filter(|entry| entry.key().0 <= now)?;
                let waiting = entry.remove();
                if waiting.epoch == self.epoch {
                    ledger.arrived(now.since(waiting.since), waiting.frame.len(), now);
                }
                waiting
            }
        };
        self.bytes -= waiting.frame.len() as u64;
        Some(waiting.frame)
    }

    /// What comes from now on is under other settings.
    pub(super) fn begin_anew(&mut self) {
        self.epoch += 1;
    }

    pub(super) fn next_at(&self) -> Option<Instant> {
        if self.first.is_empty() { self.under_way.keys().next().map(|key| key.0) } else { Some(Instant::ZERO) }
    }

    fn len(&self) -> u64 {
        (self.first.len() + self.under_way.len()) as u64
    }

    pub(super) fn size(&self) -> (u64, u64) {
        (self.bytes, self.len())
    }

    pub(super) fn take(&mut self) -> Vec<Frame> {
        self.bytes = 0;
        let under_way = core::mem::take(&mut self.under_way).into_values();
        self.first.drain(..).chain(under_way).map(|waiting| waiting.frame).collect()
    }
}
