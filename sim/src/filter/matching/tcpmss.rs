//! `-m tcpmss`: the largest segment that a TCP packet allows the other end.

use core::fmt;

use super::Argument;
use crate::filter::Usage;
use crate::range;

/// The match.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TcpMss {
    wanted: Option<(u16, u16)>,
    negated: bool,
}

impl TcpMss {
    pub(super) fn parse(&mut self, argument: &mut Argument<'_, '_>) -> Result<bool, Usage> {
        if argument.name != "mss" {
            return Ok(false);
        }
        self.negated = argument.negated;
        let text = argument.value()?;
        let number = |text: &str| {
            let near = || {
                Usage::Text(format!(
                    "tcpmss: bad value for option \"--mss\" near \"{text}\", or out of range (0-65535).\n"
                ))
            };
            text.parse::<u16>().map_err(|_| near())
        };
        let (first, last) = text.split_once(':').unwrap_or((text, text));
        let (first, last) = (number(first)?, number(last)?);
        if first > last {
            return Err(Usage::Said("tcpmss: invalid range given"));
        }
        self.wanted = Some((first, last));
        Ok(true)
    }

    pub(super) const fn check(&self) -> Result<(), Usage> {
        if self.wanted.is_none() { Err(Usage::Required("tcpmss", "--mss")) } else { Ok(()) }
    }

    /// A packet that allows nothing in particular is never meant.
    pub(super) fn matches(&self, allowed: Option<u16>) -> bool {
        let (Some((first, last)), Some(allowed)) = (self.wanted, allowed) else { return false };
        (first..=last).contains(&allowed) != self.negated
    }

    fn range(&self) -> String {
        range::text(self.wanted.unwrap_or_default(), ':')
    }

    pub(super) fn describe(&self) -> String {
        format!("tcpmss match {}{}", if self.negated { "!" } else { "" }, self.range())
    }
}

impl fmt::Display for TcpMss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, " {}--mss {}", Argument::sign(self.negated), self.range())
    }
}
