//! `-m physdev`: the ports of a bridge that a packet passes.

use core::fmt;

use super::Argument;
use crate::filter::Usage;
use crate::filter::rule::DevicePattern;
use crate::filter::subject::Path;

/// The match.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Physdev {
    in_port: Option<DevicePattern>,
    out_port: Option<DevicePattern>,
    /// Whether a bridge shall forward it.
    bridged: Option<bool>,
}

impl Physdev {
    pub(super) fn parse(&mut self, argument: &mut Argument<'_, '_>) -> Result<bool, Usage> {
        match argument.name {
            "physdev-in" => self.in_port = DevicePattern::parse(argument.value()?, argument.negated)?,
            "physdev-out" => self.out_port = DevicePattern::parse(argument.value()?, argument.negated)?,
            "physdev-is-bridged" => self.bridged = Some(!argument.negated),
            _ => return Ok(false),
        }
        Ok(true)
    }

    pub(super) fn matches(&self, path: &Path<'_>) -> bool {
        let fits = |wanted: &Option<DevicePattern>, port| wanted.as_ref().is_none_or(|w| w.matches(port));
        fits(&self.in_port, path.in_port)
            && fits(&self.out_port, path.out_port)
            && self.bridged.is_none_or(|b| b == path.bridged)
    }

    pub(super) fn describe(&self) -> String {
        format!("PHYSDEV match{self}")
    }
}

impl fmt::Display for Physdev {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (option, pattern) in [("--physdev-in", &self.in_port), ("--physdev-out", &self.out_port)] {
            if let Some(pattern) = pattern {
                write!(f, " {}{option} {}", Argument::sign(pattern.negated), pattern.name())?;
            }
        }
        self.bridged.map_or(Ok(()), |b| write!(f, " {}--physdev-is-bridged", Argument::sign(!b)))
    }
}
