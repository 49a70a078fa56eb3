//! A length of time as people write it: `90s`, `250ms`, `1h30m`. It is not a point in time.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::Deserialize;

/// The units, the largest first, with their nanoseconds.
const UNITS: [(&str, u64); 6] = [
    ("h", 3_600_000_000_000),
    ("m", 60_000_000_000),
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
    ("us", 1_000),
    ("ns", 1),
];

/// A length of time, written as whole numbers with units: `1h30m`.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd)]
#[serde(try_from = "String")]
pub struct Period(pub Duration);

/// A text that is no length of time.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PeriodError(String);

impl fmt::Display for PeriodError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is no length of time: write numbers with h, m, s, ms, us or ns, such as 1h30m", self.0)
    }
}

impl std::error::Error for PeriodError {}

impl FromStr for Period {
    type Err = PeriodError;

    fn from_str(text: &str) -> Result<Self, PeriodError> {
        let mut rest = text;
        let mut nanos = 0_u64;
        while !rest.is_empty() {
            let (part, after) = first_part(rest).ok_or_else(|| PeriodError(text.to_owned()))?;
            nanos = nanos.checked_add(part).ok_or_else(|| PeriodError(text.to_owned()))?;
            rest = after;
        }
        if text.is_empty() { Err(PeriodError(String::new())) } else { Ok(Self(Duration::from_nanos(nanos))) }
    }
}

/// The nanoseconds of the first number and its unit, and what follows.
fn first_part(text: &str) -> Option<(u64, &str)> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, rest) = text.split_at(digits);
    let letters = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
    let (unit, rest) = rest.split_at(letters);
    let (_, nanos) = UNITS.iter().find(|(name, _)| *name == unit)?;
    Some((number.parse::<u64>().ok()?.checked_mul(*nanos)?, rest))
}

impl TryFrom<String> for Period {
    type Error = PeriodError;
    fn try_from(text: String) -> Result<Self, PeriodError> {
        text.parse()
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = u64::try_from(self.0.as_nanos()).unwrap_or(u64::MAX);
        if rest == 0 {
            return f.write_str("0s");
        }
        for (unit, nanos) in UNITS {
            if rest >= nanos {
                write!(f, "{}{unit}", rest / nanos)?;
                rest %= nanos;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_read_as_they_are_written() {
        for text in ["1h", "1h30m", "90ms", "2m5s", "1s1ns", "0s"] {
            assert_eq!(text.parse::<Period>().expect(text).to_string(), text);
        }
        assert_eq!("90s".parse::<Period>().map(|p| p.to_string()), Ok("1m30s".to_owned()));
    }

    #[test]
    fn a_number_without_a_unit_is_refused() {
        for text in ["", "10", "10 s", "s", "1.5s", "-1s", "1d", "99999999999999h"] {
            assert_eq!(text.parse::<Period>(), Err(PeriodError(text.to_owned())));
        }
    }
}
