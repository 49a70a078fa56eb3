//! `-m length`: the bytes of the whole packet, IP header included.

use core::fmt;

use super::Argument;
use crate::filter::Usage;
use crate::range;

/// The match.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Length {
    wanted: Option<(u16, u16)>,
    negated: bool,
}

impl Length {
    pub(super) fn parse(&mut self, argument: &mut Argument<'_, '_>) -> Result<bool, Usage> {
        if argument.name != "length" {
            return Ok(false);
        }
        self.negated = argument.negated;
        let text = argument.value()?;
        let number = |text: &str, default| if text.is_empty() { Ok(default) } else { text.parse() };
        let range = match text.split_once(':') {
            Some((first, last)) => number(first, 0).and_then(|first| Ok((first, number(last, u16::MAX)?))),
            None => number(text, 0).map(|bytes| (bytes, bytes)),
        };
        self.wanted = Some(range.map_err(|_| Usage::Range("length", "--length".to_owned(), 65535))?);
        Ok(true)
    }

    pub(super) const fn check(&self) -> Result<(), Usage> {
        if self.wanted.is_none() { Err(Usage::Required("length", "--length")) } else { Ok(()) }
    }

    pub(super) fn matches(&self, bytes: usize) -> bool {
        let holds = |(first, last): (u16, u16)| (usize::from(first)..=usize::from(last)).contains(&bytes);
        self.wanted.is_some_and(|range| holds(range) != self.negated)
    }

    fn range(&self) -> String {
        range::text(self.wanted.unwrap_or_default(), ':')
    }

    pub(super) fn describe(&self) -> String {
        format!("length {}{}", if self.negated { "!" } else { "" }, self.range())
    }
}

impl fmt::Display for Length {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, " {}--length {}", Argument::sign(self.negated), self.range())
    }
}
