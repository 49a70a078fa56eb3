//! Virtual time: instants that only the caller moves. It is not a clock and knows no wall time but the epoch it is
//! told when text is made of it.

use core::fmt;
use core::ops::{Add, AddAssign, Sub};

pub use core::time::Duration;
use time::OffsetDateTime;

/// A duration in nanoseconds; 584 years at most.
#[must_use]
pub fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// A point in virtual time, in nanoseconds since the world began. Ranges to 584 years.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Instant(u64);

impl Instant {
    /// The beginning of the world.
    pub const ZERO: Self = Self(0);

    /// The instant `nanos` nanoseconds after the beginning.
    #[must_use]
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds since the beginning.
    #[must_use]
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// The time from `earlier` to here; zero when `earlier` is later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    /// The same point for smoltcp, which counts microseconds.
    #[must_use]
    pub fn to_smoltcp(self) -> smoltcp::time::Instant {
        smoltcp::time::Instant::from_micros(i64::try_from(self.0 / 1000).unwrap_or(i64::MAX))
    }

    /// A smoltcp instant, which counts microseconds; one before the beginning is the beginning.
    #[must_use]
    pub fn from_smoltcp(at: smoltcp::time::Instant) -> Self {
        Self(u64::try_from(at.total_micros()).unwrap_or(0).saturating_mul(1000))
    }
}

impl Add<Duration> for Instant {
    type Output = Self;
    fn add(self, rhs: Duration) -> Self {
        Self(self.0.saturating_add(nanos(rhs)))
    }
}

impl AddAssign<Duration> for Instant {
    fn add_assign(&mut self, rhs: Duration) {
        *self = *self + rhs;
    }
}

impl Sub for Instant {
    type Output = Duration;
    fn sub(self, rhs: Self) -> Duration {
        self.since(rhs)
    }
}

impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:09}", self.0 / 1_000_000_000, self.0 % 1_000_000_000)
    }
}

/// What wall time the beginning of the world stands for, so that dates can be printed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Epoch(u64);

impl Epoch {
    /// 2026-01-01 00:00:00 UTC, the date every world begins at unless it is told otherwise.
    pub const DEFAULT: Self = Self(1_767_225_600);

    /// The epoch `seconds` after 1970-01-01 00:00:00 UTC.
    #[must_use]
    pub const fn from_unix(seconds: u64) -> Self {
        Self(seconds)
    }

    /// Nanoseconds since 1970 of `at`.
    #[must_use]
    pub const fn unix_nanos(self, at: Instant) -> u64 {
        self.0 * 1_000_000_000 + at.0
    }

    /// The date and time of `at`, in UTC.
    ///
    /// # Panics
    /// Never: the largest instant lies in the year 2610.
    #[must_use]
    pub fn utc(self, at: Instant) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.unix_nanos(at))).expect("the year is below 9999")
    }
}

impl Default for Epoch {
    fn default() -> Self {
        Self::DEFAULT
    }
}
