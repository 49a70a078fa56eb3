//! `-m ipvs`: whether load balancing has had a packet in its hands. Only `--ipvs` is known.

use core::fmt;

use super::Argument;
use crate::filter::Usage;

/// The match.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Ipvs {
    /// Whether it must not have had it; none when nothing was said.
    negated: Option<bool>,
}

impl Ipvs {
    pub(super) fn parse(&mut self, argument: &Argument<'_, '_>) -> bool {
        let is_own = argument.name == "ipvs";
        if is_own {
            self.negated = Some(argument.negated);
        }
        is_own
    }

    pub(super) const fn check(&self) -> Result<(), Usage> {
        if self.negated.is_none() { Err(Usage::Said("IPVS: At least one parameter is required")) } else { Ok(()) }
    }

    pub(super) fn matches(&self, balanced: bool) -> bool {
        self.negated.is_some_and(|negated| balanced != negated)
    }

    pub(super) fn describe(&self) -> String {
        format!("{}ipvs", Argument::sign(self.negated == Some(true)))
    }
}

impl fmt::Display for Ipvs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, " {}--ipvs", Argument::sign(self.negated == Some(true)))
    }
}
