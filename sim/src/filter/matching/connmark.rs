//! `-m connmark`: the mark that a flow carries.

use core::fmt;

use super::{Argument, mark};
use crate::filter::Usage;

/// The match.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Connmark {
    /// Value and mask.
    wanted: Option<(u32, u32)>,
    negated: bool,
}

impl Connmark {
    pub(super) fn parse(&mut self, argument: &mut Argument<'_, '_>) -> Result<bool, Usage> {
        if argument.name != "mark" {
            return Ok(false);
        }
        self.negated = argument.negated;
        let wanted = mark::parse_masked(argument.value()?);
        self.wanted = Some(wanted.ok_or(Usage::Integer("connmark", "--mark"))?);
        Ok(true)
    }

    pub(super) const fn check(&self) -> Result<(), Usage> {
        if self.wanted.is_none() { Err(Usage::Required("connmark", "--mark")) } else { Ok(()) }
    }

    pub(super) fn matches(&self, mark: u32) -> bool {
        self.wanted.is_some_and(|(value, mask)| (mark & mask == value) != self.negated)
    }

    pub(super) fn describe(&self) -> String {
        format!("connmark match {} {}", Argument::sign(self.negated).trim_end(), mark::masked(self.wanted))
    }
}

impl fmt::Display for Connmark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, " {}--mark {}", Argument::sign(self.negated), mark::masked(self.wanted))
    }
}
