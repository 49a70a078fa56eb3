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
    /// Whether it shall have come by a port, go out by one, and be forwarded by a bridge.
    is_in: Option<bool>,
    is_out: Option<bool>,
    bridged: Option<bool>,
}

impl Physdev {
    pub(super) fn parse(&mut self, argument: &mut Argument<'_, '_>) -> Result<bool, Usage> {
        match argument.name {
            "physdev-in" => self.in_port = DevicePattern::parse(argument.value()?, argument.negated)?,
            "physdev-out" => self.out_port = DevicePattern::parse(argument.value()?, argument.negated)?,
            "physdev-is-in" => self.is_in = Some(!argument.negated),
            "physdev-is-out" => self.is_out = Some(!argument.negated),
            "physdev-is-bridged" => self.bridged = Some(!argument.negated),
            _ => return Ok(false),
        }
        Ok(true)
    }

    pub(super) fn matches(&self, path: &Path<'_>) -> bool {
        let fits = |wanted: &Option<DevicePattern>, port| wanted.as_ref().is_none_or(|w| w.matches(port));
        fits(&self.in_port, path.in_port)
            && fits(&self.out_port, path.out_port)
            && self.is_in.is_none_or(|wanted| wanted == path.in_port.is_some())
            && self.is_out.is_none_or(|wanted| wanted == path.out_port.is_some())
            && self.bridged.is_none_or(|b| b == path.bridged)
    }

    pub(super) fn describe(&self) -> String {
        format!("PHYSDEV match{self}")
    }
}

impl fmt::Display for Physdev {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let switch = |f: &mut fmt::Formatter<'_>, option, on: Option<bool>| {
            on.map_or(Ok(()), |on| write!(f, " {}{option}", Argument::sign(!on)))
        };
        let port = |f: &mut fmt::Formatter<'_>, option, port: &Option<DevicePattern>| match port {
            Some(port) => write!(f, " {}{option} {}", Argument::sign(port.negated), port.name()),
            None => Ok(()),
        };
        switch(f, "--physdev-is-in", self.is_in)?;
        port(f, "--physdev-in", &self.in_port)?;
        switch(f, "--physdev-is-out", self.is_out)?;
        port(f, "--physdev-out", &self.out_port)?;
        switch(f, "--physdev-is-bridged", self.bridged)
    }
}
