//! A token bucket (`tbf`): frames leave at a rate, a burst of them at once. What waits meanwhile stands in its class.

use crate::frame::Frame;
use crate::time::{Duration, Instant};

/// A time in the kernel's ticks of 64 ns, as `tc` tells sizes and delays.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub struct Ticks(pub u32);

impl Ticks {
    /// Of microseconds; what is less than a tick is lost.
    #[expect(clippy::cast_possible_truncation, reason = "it was just compared")]
    #[must_use]
    pub const fn from_micros(micros: u32) -> Option<Self> {
        let ticks = micros as u64 * 1000 / 64;
        if ticks <= u32::MAX as u64 { Some(Self(ticks as u32)) } else { None }
    }

    /// As microseconds; what is less than one is lost.
    #[expect(clippy::cast_possible_truncation, reason = "a microsecond has more than one tick")]
    #[must_use]
    pub const fn micros(self) -> u32 {
        (self.0 as u64 * 64 / 1000) as u32
    }

    /// As time.
    #[must_use]
    pub const fn duration(self) -> Duration {
        Duration::from_nanos(self.0 as u64 * 64)
    }

    /// The time that so many bytes take at a rate, as `tc` computes it.
    #[must_use]
    pub fn of_size(bytes: u64, rate: u64) -> Self {
        let micros = u128::from(bytes) * 1_000_000 / u128::from(rate.max(1));
        Self::from_micros(u32::try_from(micros).unwrap_or(u32::MAX)).unwrap_or(Self(u32::MAX))
    }

    /// The bytes that leave in this time at a rate.
    #[must_use]
    pub fn size(self, rate: u64) -> u64 {
        let bytes = u128::from(rate) * u128::from(self.micros()) / 1_000_000;
        u64::try_from(bytes).unwrap_or(u64::MAX)
    }
}

/// How fast a burst leaves.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Peak {
    /// Bytes a second.
    pub rate: u64,
    /// What may leave at once, as time at that rate.
    pub burst: Ticks,
}

/// What a token bucket is told.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Tbf {
    /// Bytes a second.
    pub rate: u64,
    /// What may leave at once, as time at the rate.
    pub burst: Ticks,
    /// Bytes that may wait.
    pub limit: u32,
    /// A second bucket for bursts.
    pub peak: Option<Peak>,
}

impl Tbf {
    /// The longest frame that ever leaves.
    pub(super) fn longest(&self) -> u64 {
        let fits = |rate: u64, burst: Ticks| {
            u64::try_from(u128::from(rate) * burst.duration().as_nanos() / 1_000_000_000).unwrap_or(u64::MAX)
        };
        let burst = fits(self.rate, self.burst);
        self.peak.map_or(burst, |peak| burst.min(fits(peak.rate, peak.burst)))
    }
}

/// The tokens, in nanoseconds of sending.
#[derive(Clone, Debug)]
pub(super) struct State {
    tokens: i64,
    peak_tokens: i64,
    checked: Instant,
    /// A frame that is next.
    pub(super) held: Option<Frame>,
    /// When it may leave.
    pub(super) ready_at: Instant,
}

impl State {
    pub(super) fn new(told: &Tbf) -> Self {
        let mut state = Self { tokens: 0, peak_tokens: 0, checked: Instant::ZERO, held: None, ready_at: Instant::ZERO };
        state.refill(told);
        state
    }

    pub(super) fn refill(&mut self, told: &Tbf) {
        self.tokens = nanos(told.burst);
        self.peak_tokens = told.peak.map_or(0, |peak| nanos(peak.burst));
    }

    /// Lets go of the frame that is next, when there are tokens for it.
    pub(super) fn release(&mut self, told: &Tbf, now: Instant) -> Option<Frame> {
        let len = self.held.as_ref()?.len() as u64;
        let passed = i64::try_from(now.since(self.checked).as_nanos()).unwrap_or(i64::MAX).min(nanos(told.burst));
        let peak =
            told.peak.map_or(0, |peak| (passed + self.peak_tokens).min(nanos(peak.burst)) - time_of(len, peak.rate));
        let tokens = (passed + self.tokens).min(nanos(told.burst)) - time_of(len, told.rate);
        let lack = (-tokens).max(-peak);
        if lack > 0 {
            self.ready_at = now + Duration::from_nanos(lack.unsigned_abs());
            return None;
        }
        (self.tokens, self.peak_tokens, self.checked) = (tokens, peak, now);
        self.held.take()
    }
}

fn nanos(ticks: Ticks) -> i64 {
    i64::from(ticks.0) * 64
}

/// The nanoseconds that so many bytes take at a rate.
pub(super) fn time_of(bytes: u64, rate: u64) -> i64 {
    let nanos = (u128::from(bytes) * 1_000_000_000).div_ceil(u128::from(rate.max(1)));
    i64::try_from(nanos).unwrap_or(i64::MAX / 4)
}
