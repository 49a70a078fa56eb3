//! `-m mark`: the mark that a packet carries inside its host.

use core::fmt;

use super::Argument;
use crate::filter::Usage;

/// The match.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Mark {
    /// Value and mask.
    wanted: Option<(u32, u32)>,
    negated: bool,
}

impl Mark {
    pub(super) fn parse(&mut self, argument: &mut Argument<'_, '_>) -> Result<bool, Usage> {
        if argument.name != "mark" {
            return Ok(false);
        }
        let text = argument.value()?;
        self.negated = argument.negated;
        self.wanted = Some(parse_masked(text).ok_or(Usage::Integer("mark", "--mark"))?);
        Ok(true)
    }

    pub(super) const fn check(&self) -> Result<(), Usage> {
        if self.wanted.is_none() { Err(Usage::Required("mark", "--mark")) } else { Ok(()) }
    }

    pub(super) fn matches(&self, mark: u32) -> bool {
        self.wanted.is_some_and(|(value, mask)| (mark & mask == value) != self.negated)
    }

    pub(super) fn describe(&self) -> String {
        format!("mark match {}{}", Argument::sign(self.negated), masked(self.wanted))
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, " {}--mark {}", Argument::sign(self.negated), masked(self.wanted))
    }
}

pub(super) fn masked(wanted: Option<(u32, u32)>) -> String {
    match wanted.unwrap_or_default() {
        (value, u32::MAX) => format!("{value:#x}"),
        (value, mask) => format!("{value:#x}/{mask:#x}"),
    }
}

/// `1`, `0x10` or `0x10/0xff`; the mask is all ones when it is missing.
#[must_use]
pub fn parse_masked(text: &str) -> Option<(u32, u32)> {
    let (value, mask) = text.split_once('/').map_or((text, None), |(v, m)| (v, Some(m)));
    Some((number(value)?, mask.map_or(Some(u32::MAX), number)?))
}

/// A number in decimal, or hexadecimal after `0x`.
#[must_use]
pub fn number(text: &str) -> Option<u32> {
    match text.strip_prefix("0x") {
        Some(hex) => u32::from_str_radix(hex, 16).ok(),
        None => text.parse().ok(),
    }
}
