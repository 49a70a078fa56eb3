//! `-m ttl`, and `-m hl` of IPv6: the hop limit.

use core::fmt;

use super::Argument;
use crate::filter::{Family, Usage};

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Comparison {
    Equal,
    Unequal,
    Less,
    Greater,
}

/// The match.
#[derive(Clone, Debug, PartialEq)]
pub struct Ttl {
    family: Family,
    wanted: Option<(Comparison, u8)>,
}

impl Ttl {
    pub(super) const fn any(family: Family) -> Self {
        Self { family, wanted: None }
    }

    const fn name(&self) -> &'static str {
        match self.family {
            Family::V4 => "ttl",
            Family::V6 => "hl",
        }
    }

    pub(super) fn parse(&mut self, argument: &mut Argument<'_, '_>) -> Result<bool, Usage> {
        let Some(rest) = argument.name.strip_prefix(self.name()) else { return Ok(false) };
        let comparison = match (rest, argument.negated) {
            ("" | "-eq", false) => Comparison::Equal,
            ("" | "-eq", true) => Comparison::Unequal,
            ("-lt", _) => Comparison::Less,
            ("-gt", _) => Comparison::Greater,
            _ => return Ok(false),
        };
        let option = format!("--{}", argument.name);
        let number = argument.value()?.parse().map_err(|_| Usage::Range(self.name(), option, 255))?;
        self.wanted = Some((comparison, number));
        Ok(true)
    }

    pub(super) const fn check(&self) -> Result<(), Usage> {
        match (self.wanted, self.family) {
            (Some(_), _) => Ok(()),
            (None, Family::V4) => {
                Err(Usage::Said("TTL match: You must specify one of `--ttl-eq', `--ttl-lt', `--ttl-gt"))
            }
            (None, Family::V6) => Err(Usage::Said("HL match: You must specify one of `--hl-eq', `--hl-lt', `--hl-gt'")),
        }
    }

    pub(super) fn matches(&self, ttl: u8) -> bool {
        self.wanted.is_some_and(|(comparison, number)| match comparison {
            Comparison::Equal => ttl == number,
            Comparison::Unequal => ttl != number,
            Comparison::Less => ttl < number,
            Comparison::Greater => ttl > number,
        })
    }

    pub(super) fn describe(&self) -> String {
        let Some((comparison, number)) = self.wanted else { return String::new() };
        let sign = match comparison {
            Comparison::Equal => "==",
            Comparison::Unequal => "!=",
            Comparison::Less => "<",
            Comparison::Greater => ">",
        };
        let name = self.name().to_uppercase();
        format!("{name} match {name} {sign} {number}")
    }
}

impl fmt::Display for Ttl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some((comparison, number)) = self.wanted else { return Ok(()) };
        let (sign, word) = match comparison {
            Comparison::Equal => ("", "eq"),
            Comparison::Unequal => ("! ", "eq"),
            Comparison::Less => ("", "lt"),
            Comparison::Greater => ("", "gt"),
        };
        write!(f, "{0} {sign}--{0}-{word} {number}", self.name())
    }
}
