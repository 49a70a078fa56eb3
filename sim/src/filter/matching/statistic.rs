//! `-m statistic`: some of the packets, every nth or by chance. Chance is a sequence of the rule's own, so that the same
//! run has the same.

use core::fmt;

use super::Argument;
use crate::filter::Usage;

/// A probability of one, in the kernel's 31 bits.
const ONE: u64 = 1 << 31;

#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Mode {
    #[default]
    Random,
    Nth,
}

/// The match.
#[derive(Clone, Debug)]
pub struct Statistic {
    mode: Mode,
    probability: Option<u64>,
    every: Option<u32>,
    packet: u32,
    negated: bool,
    /// How many packets were looked at since one was chosen.
    count: Option<u32>,
    chance: u64,
}

impl Default for Statistic {
    fn default() -> Self {
        let (mode, probability, every) = (Mode::Random, None, None);
        Self { mode, probability, every, packet: 0, negated: false, count: None, chance: 0x9e37_79b9_7f4a_7c15 }
    }
}

/// Two are the same rule whatever they counted.
impl PartialEq for Statistic {
    fn eq(&self, other: &Self) -> bool {
        (self.mode, self.probability, self.every, self.packet, self.negated)
            == (other.mode, other.probability, other.every, other.packet, other.negated)
    }
}

impl Statistic {
    pub(super) fn parse(&mut self, argument: &mut Argument<'_, '_>) -> Result<bool, Usage> {
        let integer = |option| Usage::Integer("statistic", option);
        match argument.name {
            "mode" => {
                self.mode = match argument.value()? {
                    "random" => Mode::Random,
                    "nth" => Mode::Nth,
                    word => return Err(Usage::Text(format!("Bad mode \"{word}\""))),
                }
            }
            "probability" => {
                let given = probability(argument.value()?);
                let given = given.ok_or(Usage::Said("--probability must be between 0 and 1"))?;
                (self.probability, self.negated) = (Some(given), argument.negated);
            }
            "every" => {
                let every = argument.value()?.parse().ok().filter(|n| *n > 0);
                (self.every, self.negated) = (Some(every.ok_or_else(|| integer("--every"))?), argument.negated);
            }
            "packet" => self.packet = argument.value()?.parse().map_err(|_| integer("--packet"))?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    pub(super) fn check(&self) -> Result<(), Usage> {
        match (self.mode, self.probability, self.every) {
            (Mode::Random, None, _) => Err(Usage::Said("--probability must be specified when using random mode")),
            (Mode::Nth, _, None) => Err(Usage::Said("--every and --packet must be specified when using nth mode")),
            (Mode::Nth, _, Some(every)) if self.packet >= every => {
                Err(Usage::Said("the --packet p must be 0 <= p <= n-1"))
            }
            _ => Ok(()),
        }
    }

    pub(super) fn matches(&mut self) -> bool {
        let chosen = match self.mode {
            Mode::Random => self.draw() < self.probability.unwrap_or_default(),
            Mode::Nth => {
                let every = self.every.unwrap_or(1);
                // The first that is chosen is the one of this number.
                let count = self.count.unwrap_or(every - 1 - self.packet);
                let due = count + 1 >= every;
                self.count = Some(if due { 0 } else { count + 1 });
                due
            }
        };
        chosen != self.negated
    }

    /// The next 31 bits by chance (xorshift).
    const fn draw(&mut self) -> u64 {
        self.chance ^= self.chance << 13;
        self.chance ^= self.chance >> 7;
        self.chance ^= self.chance << 17;
        self.chance >> 33
    }

    fn probability(&self) -> String {
        format!("{:.11}", self.probability.unwrap_or_default() as f64 / ONE as f64)
    }

    pub(super) fn describe(&self) -> String {
        let sign = Argument::sign(self.negated);
        match self.mode {
            Mode::Random => format!("statistic mode random {sign}probability {}", self.probability()),
            Mode::Nth => {
                let packet = if self.packet == 0 { String::new() } else { format!(" packet {}", self.packet) };
                format!("statistic mode nth {sign}every {}{packet}", self.every.unwrap_or(1))
            }
        }
    }
}

/// A probability such as `0.25` in the kernel's 31 bits.
fn probability(text: &str) -> Option<u64> {
    let (whole, rest) = text.split_once('.').unwrap_or((text, ""));
    let digits = &rest[..rest.len().min(9)];
    let unit = 10_u64.pow(u32::try_from(digits.len()).ok()?);
    let number = |text: &str| if text.is_empty() { Some(0) } else { text.parse::<u64>().ok() };
    let given = number(whole).filter(|whole| *whole <= 1)? * unit + number(digits)?;
    (given <= unit).then(|| (given * ONE + unit / 2) / unit)
}

impl fmt::Display for Statistic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = Argument::sign(self.negated);
        match self.mode {
            Mode::Random => write!(f, " --mode random {sign}--probability {}", self.probability()),
            Mode::Nth => {
                write!(f, " --mode nth {sign}--every {} --packet {}", self.every.unwrap_or(1), self.packet)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_third_from_the_one_that_is_named() {
        let chosen = |packet| {
            let mut nth = Statistic { mode: Mode::Nth, every: Some(3), packet, ..Statistic::default() };
            (0..7).map(|_| nth.matches()).collect::<Vec<_>>()
        };
        assert_eq!(chosen(0), [true, false, false, true, false, false, true]);
        assert_eq!(chosen(2), [false, false, true, false, false, true, false]);
    }

    #[test]
    fn about_a_quarter_by_chance_and_the_same_in_each_run() {
        let mut random = Statistic { probability: Some(ONE / 4), ..Statistic::default() };
        let count = (0..4000).filter(|_| random.matches()).count();
        assert!((900..1100).contains(&count), "{count}");
        assert_eq!(
            ["0.5", "1", ".25", "1.1", "x"].map(probability),
            [Some(ONE / 2), Some(ONE), Some(ONE / 4), None, None]
        );
    }
}
