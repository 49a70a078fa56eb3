//! `-m owner`: the user and group of the socket that a packet of this host comes from.

use core::fmt;

use super::Argument;
use crate::filter::Usage;
use crate::filter::subject::Owner;
use crate::range;

/// Numbers from one to another, or all but those.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Range {
    first: u32,
    last: u32,
    negated: bool,
}

impl Range {
    /// Reads a number or two; of names only root's is known here.
    fn parse(argument: &mut Argument<'_, '_>, option: &str) -> Result<Self, Usage> {
        let text = argument.value()?;
        let number = |text: &str| if text == "root" { Some(0) } else { text.parse().ok() };
        let both = match text.split_once('-') {
            Some((first, last)) => number(first).zip(number(last)),
            None => number(text).zip(number(text)),
        };
        let wrong = || Usage::Text(format!("owner: Bad value for \"{option}\" option: \"{text}\""));
        let (first, last) = both.ok_or_else(wrong)?;
        Ok(Self { first, last, negated: argument.negated })
    }

    fn holds(self, number: u32) -> bool {
        (self.first..=self.last).contains(&number) != self.negated
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&range::text((self.first, self.last), '-'))
    }
}

/// The match.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OwnerMatch {
    user: Option<Range>,
    group: Option<Range>,
    /// Whether there shall be a socket at all, or none.
    exists: Option<bool>,
}

impl OwnerMatch {
    pub(super) fn parse(&mut self, argument: &mut Argument<'_, '_>) -> Result<bool, Usage> {
        match argument.name {
            "uid-owner" => self.user = Some(Range::parse(argument, "--uid-owner")?),
            "gid-owner" => self.group = Some(Range::parse(argument, "--gid-owner")?),
            "socket-exists" => self.exists = Some(!argument.negated),
            _ => return Ok(false),
        }
        Ok(true)
    }

    pub(super) const fn check(&self) -> Result<(), Usage> {
        if self.user.is_none() && self.group.is_none() && self.exists.is_none() {
            return Err(Usage::Said("owner: At least one of --uid-owner, --gid-owner or --socket-exists is required"));
        }
        Ok(())
    }

    pub(super) fn matches(&self, owner: Option<Owner>) -> bool {
        let of = |range: Option<Range>, number: fn(Owner) -> u32| {
            range.is_none_or(|range| owner.map_or(range.negated, |owner| range.holds(number(owner))))
        };
        self.exists.is_none_or(|exists| owner.is_some() == exists)
            && of(self.user, |owner| owner.uid)
            && of(self.group, |owner| owner.gid)
    }

    pub(super) fn describe(&self) -> String {
        let range = |name: &str, range: Option<Range>| {
            range.map(|r| format!("{}owner {name} match {r}", Argument::sign(r.negated)))
        };
        let exists = self.exists.map(|exists| format!("{}owner socket exists", Argument::sign(!exists)));
        let parts = [exists, range("UID", self.user), range("GID", self.group)];
        parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
    }
}

impl fmt::Display for OwnerMatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(exists) = self.exists {
            write!(f, " {}--socket-exists", Argument::sign(!exists))?;
        }
        for (name, range) in [("uid", self.user), ("gid", self.group)] {
            if let Some(range) = range {
                write!(f, " {}--{name}-owner {range}", Argument::sign(range.negated))?;
            }
        }
        Ok(())
    }
}
