//! `-j TTL`, and `-j HL` of IPv6: another hop limit.

use core::fmt;

use crate::filter::matching::Argument;
use crate::filter::{Family, Usage};

/// What the hop limit becomes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Change {
    To(u8),
    Up(u8),
    Down(u8),
}

/// The target.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Ttl {
    family: Family,
    change: Option<Change>,
}

impl Ttl {
    pub(super) const fn any(family: Family) -> Self {
        Self { family, change: None }
    }

    /// What it is called.
    pub(super) const fn name(self) -> &'static str {
        match self.family {
            Family::V4 => "TTL",
            Family::V6 => "HL",
        }
    }

    const fn word(self) -> &'static str {
        match self.family {
            Family::V4 => "ttl",
            Family::V6 => "hl",
        }
    }

    pub(super) fn parse(&mut self, argument: &mut Argument<'_, '_>) -> Result<bool, Usage> {
        let verb = argument.name.strip_prefix(self.word()).and_then(|rest| rest.strip_prefix('-'));
        let kind = match verb {
            Some("set") => Change::To,
            Some("inc") => Change::Up,
            Some("dec") => Change::Down,
            _ => return Ok(false),
        };
        let option = format!("--{}", argument.name);
        let number = argument.value()?.parse().map_err(|_| Usage::Range(self.name(), option, 255))?;
        self.change = Some(kind(number));
        Ok(true)
    }

    pub(super) const fn check(self) -> Result<(), Usage> {
        match (self.change, self.family) {
            (Some(_), _) => Ok(()),
            (None, Family::V4) => Err(Usage::Said("TTL: You must specify an action")),
            (None, Family::V6) => Err(Usage::Said("HL: You must specify an action")),
        }
    }

    /// What becomes of a hop limit.
    pub(in crate::filter) const fn apply(self, ttl: u8) -> u8 {
        match self.change {
            None => ttl,
            Some(Change::To(number)) => number,
            Some(Change::Up(number)) => ttl.saturating_add(number),
            Some(Change::Down(number)) => ttl.saturating_sub(number),
        }
    }

    pub(super) fn describe(self) -> String {
        let name = self.name();
        match self.change {
            None => String::new(),
            Some(Change::To(number)) => format!("{name} set to {number}"),
            Some(Change::Up(number)) => format!("{name} increment by {number}"),
            Some(Change::Down(number)) => format!("{name} decrement by {number}"),
        }
    }
}

impl fmt::Display for Ttl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = self.word();
        match self.change {
            None => Ok(()),
            Some(Change::To(number)) => write!(f, " --{word}-set {number}"),
            Some(Change::Up(number)) => write!(f, " --{word}-inc {number}"),
            Some(Change::Down(number)) => write!(f, " --{word}-dec {number}"),
        }
    }
}
