//! `-m iprange`: addresses from one to another.

use core::fmt;
use core::net::IpAddr;

use super::Argument;
use crate::filter::Usage;
use crate::packet::Ip;

#[derive(Clone, Copy, Debug, PartialEq)]
struct Range {
    first: IpAddr,
    last: IpAddr,
    negated: bool,
}

impl Range {
    fn parse(argument: &mut Argument<'_, '_>) -> Result<Self, Usage> {
        let text = argument.value()?;
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        let address = |text: &str| text.parse().map_err(|_| Usage::Address(text.to_owned()));
        Ok(Self { first: address(first)?, last: address(last)?, negated: argument.negated })
    }

    fn matches(&self, addr: IpAddr) -> bool {
        (self.first..=self.last).contains(&addr) != self.negated
    }
}

/// The match.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct IpRange {
    source: Option<Range>,
    destination: Option<Range>,
}

impl IpRange {
    pub(super) fn parse(&mut self, argument: &mut Argument<'_, '_>) -> Result<bool, Usage> {
        match argument.name {
            "src-range" => self.source = Some(Range::parse(argument)?),
            "dst-range" => self.destination = Some(Range::parse(argument)?),
            _ => return Ok(false),
        }
        Ok(true)
    }

    pub(super) const fn check(&self) -> Result<(), Usage> {
        if self.source.is_none() && self.destination.is_none() {
            return Err(Usage::Required("iprange", "--src-range"));
        }
        Ok(())
    }

    pub(super) fn matches(&self, ip: &Ip) -> bool {
        self.source.is_none_or(|r| r.matches(ip.src)) && self.destination.is_none_or(|r| r.matches(ip.dst))
    }

    pub(super) fn describe(&self) -> String {
        let parts = [("source", self.source), ("destination", self.destination)];
        let shown = parts.into_iter().filter_map(|(name, range)| {
            range.map(|r| format!("{name} IP range {}{}-{}", Argument::sign(r.negated), r.first, r.last))
        });
        shown.collect::<Vec<_>>().join(" ")
    }
}

impl fmt::Display for IpRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, range) in [("--src-range", self.source), ("--dst-range", self.destination)] {
            if let Some(r) = range {
                write!(f, " {}{name} {}-{}", Argument::sign(r.negated), r.first, r.last)?;
            }
        }
        Ok(())
    }
}
