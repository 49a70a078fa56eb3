//! `-m limit`: so many packets in a time and no more, by a bucket of credit that fills as time passes.

use core::fmt;

use super::Argument;
use crate::filter::Usage;
use crate::time::{Instant, nanos};

/// Units by name, in ten thousandths of a second, longest first.
const UNITS: [(&str, u64); 4] = [("day", 864_000_000), ("hour", 36_000_000), ("min", 600_000), ("sec", 10_000)];
/// Nanoseconds in a ten thousandth of a second.
const TICK_NS: u64 = 100_000;
const DEFAULT_BURST: u64 = 5;

/// A rate and a burst, with the credit that is left.
#[derive(Clone, Debug)]
pub struct Bucket {
    /// Ten thousandths of a second that one packet costs.
    period: u64,
    burst: u64,
    /// Credit in nanoseconds and when it was counted; full at first.
    credit: Option<(u64, Instant)>,
}

/// Two are the same whatever credit they have.
impl PartialEq for Bucket {
    fn eq(&self, other: &Self) -> bool {
        (self.period, self.burst) == (other.period, other.burst)
    }
}

impl Default for Bucket {
    fn default() -> Self {
        Self { period: UNITS[1].1 / 3, burst: DEFAULT_BURST, credit: None }
    }
}

impl Bucket {
    pub(super) fn set_rate(&mut self, text: &str) -> Result<(), Usage> {
        self.period = period(text).ok_or_else(|| Usage::Rate(text.to_owned()))?;
        Ok(())
    }

    pub(super) fn set_burst(&mut self, text: &str, option: (&'static str, &'static str)) -> Result<(), Usage> {
        let burst = text.parse().ok().filter(|n| (1..=10_000).contains(n));
        self.burst = burst.ok_or(Usage::Integer(option.0, option.1))?;
        Ok(())
    }

    pub(super) const fn burst(&self) -> u64 {
        self.burst
    }

    const fn full(&self) -> u64 {
        self.period * TICK_NS * self.burst
    }

    fn credit(&self, now: Instant) -> u64 {
        let (credit, at) = self.credit.unwrap_or_else(|| (self.full(), now));
        let passed = nanos(now.since(at));
        credit.saturating_add(passed).min(self.full())
    }

    pub(super) fn is_full(&self, now: Instant) -> bool {
        self.credit(now) == self.full()
    }

    /// Takes what a packet costs; false when there is not so much.
    pub(super) fn take(&mut self, now: Instant) -> bool {
        let (cost, credit) = (self.period * TICK_NS, self.credit(now));
        let enough = credit >= cost;
        self.credit = Some((if enough { credit - cost } else { credit }, now));
        enough
    }

    /// The rate in the longest unit that it is a whole number of.
    pub(super) fn rate(&self) -> String {
        let mut shown = UNITS[0];
        for unit in &UNITS[1..] {
            if self.period > unit.1 || unit.1 / self.period < unit.1 % self.period {
                break;
            }
            shown = *unit;
        }
        format!("{}/{}", shown.1 / self.period, shown.0)
    }
}

/// The match.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Limit(Bucket);

impl Limit {
    pub(super) fn parse(&mut self, argument: &mut Argument<'_, '_>) -> Result<bool, Usage> {
        match argument.name {
            "limit" => self.0.set_rate(argument.value()?)?,
            "limit-burst" => self.0.set_burst(argument.value()?, ("limit", "--limit-burst"))?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    pub(super) fn matches(&mut self, now: Instant) -> bool {
        self.0.take(now)
    }

    pub(super) fn describe(&self) -> String {
        format!("limit: avg {} burst {}", self.0.rate(), self.0.burst())
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, " --limit {}", self.0.rate())?;
        let burst = self.0.burst();
        if burst == DEFAULT_BURST { Ok(()) } else { write!(f, " --limit-burst {burst}") }
    }
}

/// The cost of a packet at a rate such as `5/min`; a unit may be cut short, and is a second when it is missing.
fn period(text: &str) -> Option<u64> {
    let (count, unit) = text.split_once('/').unwrap_or((text, "sec"));
    let long = |name: &str| if name == "min" { "minute" } else { name }.starts_with(&unit.to_ascii_lowercase());
    let (_, ticks) =
        UNITS.iter().find(|(name, _)| long(name) || unit.eq_ignore_ascii_case("second") && *name == "sec")?;
    let count: u64 = count.parse().ok().filter(|n| *n > 0)?;
    Some(ticks / count).filter(|period| *period > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::time::Duration;

    #[test]
    fn a_burst_passes_and_then_the_rate() {
        let mut limit = Limit(Bucket { period: period("1/s").unwrap(), burst: 2, credit: None });
        let mut at = |ms| limit.matches(Instant::ZERO + Duration::from_millis(ms));
        assert_eq!(
            [at(0), at(0), at(0), at(999), at(1000), at(1500), at(9000), at(9000), at(9000)],
            [true, true, false, false, true, false, true, true, false]
        );
    }

    #[test]
    fn rates_read_and_print() {
        for (text, shown) in
            [("10/s", "10/sec"), ("7/min", "7/min"), ("60/minute", "1/sec"), ("3/day", "3/day"), ("5", "5/sec")]
        {
            let bucket = Bucket { period: period(text).unwrap(), ..Bucket::default() };
            assert_eq!(bucket.rate(), shown);
        }
        assert_eq!(Limit::default().to_string(), " --limit 3/hour");
        assert_eq!((period("foo"), period("0/s"), period("20000/s")), (None, None, None));
    }
}
