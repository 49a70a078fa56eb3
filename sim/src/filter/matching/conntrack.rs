//! `-m conntrack` and its older form `-m state`: the state of the flow that a packet belongs to.

use core::fmt;

use super::Argument;
use crate::conntrack::{Direction, Nat, State};
use crate::filter::Usage;
use crate::filter::subject::Subject;
use crate::packet::End;

/// Names in the order in which they are printed; `SNAT` and `DNAT` are no states but go with them.
const NAMES: [&str; 7] = ["INVALID", "NEW", "RELATED", "ESTABLISHED", "UNTRACKED", "SNAT", "DNAT"];
const SNAT: u8 = 1 << 5;
const DNAT: u8 = 1 << 6;

const fn bit(state: State) -> u8 {
    match state {
        State::Invalid => 1,
        State::New => 1 << 1,
        State::Related => 1 << 2,
        State::Established => 1 << 3,
        State::Untracked => 1 << 4,
    }
}

/// A set of names as bits, or all but them.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Names {
    bits: u8,
    negated: bool,
}

impl Names {
    /// Reads a list of the first `count` names; gives the name that is none of them.
    fn parse(text: &str, negated: bool, count: usize) -> Result<Self, String> {
        let mut names = Self { bits: 0, negated };
        for name in text.split(',') {
            let index = NAMES[..count].iter().position(|n| n.eq_ignore_ascii_case(name));
            names.bits |= 1 << index.ok_or_else(|| name.to_owned())?;
        }
        Ok(names)
    }

    const fn matches(self, bits: u8) -> bool {
        (self.bits & bits != 0) != self.negated
    }
}

impl fmt::Display for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let set = NAMES.iter().enumerate().filter(|(i, _)| self.bits & (1 << i) != 0);
        let names: Vec<&str> = set.map(|(_, name)| *name).collect();
        f.write_str(&names.join(","))
    }
}

/// `-m conntrack`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Conntrack {
    states: Option<Names>,
    direction: Option<Direction>,
}

impl Conntrack {
    pub(super) fn parse(&mut self, argument: &mut Argument<'_, '_>) -> Result<bool, Usage> {
        match argument.name {
            "ctstate" => {
                let names = Names::parse(argument.value()?, argument.negated, NAMES.len());
                self.states = Some(names.map_err(Usage::CtState)?);
            }
            "ctdir" => {
                self.direction = Some(match argument.value()? {
                    text if text.eq_ignore_ascii_case("ORIGINAL") => Direction::Original,
                    text if text.eq_ignore_ascii_case("REPLY") => Direction::Reply,
                    text => return Err(Usage::CtState(text.to_owned())),
                });
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    pub(super) const fn check(&self) -> Result<(), Usage> {
        if self.states.is_none() && self.direction.is_none() { Err(Usage::CtOptionMissing) } else { Ok(()) }
    }

    pub(super) fn matches<S>(&self, subject: &Subject<'_, S>) -> bool {
        let direction = self.direction.is_none_or(|d| subject.flow.is_some_and(|(_, of)| of == d));
        direction && self.states.is_none_or(|names| names.matches(bits(subject)))
    }

    pub(super) fn describe(&self) -> String {
        let mut parts = Vec::new();
        if let Some(names) = self.states {
            parts.push(format!("{}ctstate {names}", Argument::sign(names.negated)));
        }
        parts.extend(self.direction.map(|d| format!("ctdir {}", name_of(d))));
        parts.join(" ")
    }
}

impl fmt::Display for Conntrack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(names) = self.states {
            write!(f, " {}--ctstate {names}", Argument::sign(names.negated))?;
        }
        self.direction.map_or(Ok(()), |d| write!(f, " --ctdir {}", name_of(d)))
    }
}

const fn name_of(direction: Direction) -> &'static str {
    match direction {
        Direction::Original => "ORIGINAL",
        Direction::Reply => "REPLY",
    }
}

fn bits<S>(subject: &Subject<'_, S>) -> u8 {
    let nat = |end, bit| match subject.flow {
        Some((entry, _)) if entry.nat(end) == Nat::Translated => bit,
        Some(_) | None => 0,
    };
    bit(subject.state) | nat(End::Source, SNAT) | nat(End::Destination, DNAT)
}

/// `-m state`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StateMatch(Names);

impl StateMatch {
    pub(super) fn parse(&mut self, argument: &mut Argument<'_, '_>) -> Result<bool, Usage> {
        if argument.name != "state" {
            return Ok(false);
        }
        self.0 = Names::parse(argument.value()?, argument.negated, 5).map_err(Usage::State)?;
        Ok(true)
    }

    pub(super) const fn check(&self) -> Result<(), Usage> {
        if self.0.bits == 0 { Err(Usage::Required("state", "--state")) } else { Ok(()) }
    }

    pub(super) const fn matches(&self, state: State) -> bool {
        self.0.matches(bit(state))
    }

    pub(super) fn describe(&self) -> String {
        format!("{}state {}", Argument::sign(self.0.negated), self.0)
    }
}

impl fmt::Display for StateMatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, " {}--state {}", Argument::sign(self.0.negated), self.0)
    }
}
