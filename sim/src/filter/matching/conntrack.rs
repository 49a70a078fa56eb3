//! `-m conntrack` and its older form `-m state`: the state of the flow that a packet belongs to.

use core::fmt;
use std::collections::BTreeMap;

use super::Argument;
use crate::conntrack::{Direction, Entry, Nat, State};
use crate::filter::subject::Subject;
use crate::filter::{Family, Prefix, Usage, name};
use crate::packet::End;
use crate::range;

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

/// What is asked of a flow's tuples, in the order in which it is printed.
const PARTS: [(&str, Part); 9] = [
    ("ctproto", Part::Protocol),
    ("ctorigsrc", Part::Address(Direction::Original, End::Source)),
    ("ctorigdst", Part::Address(Direction::Original, End::Destination)),
    ("ctreplsrc", Part::Address(Direction::Reply, End::Source)),
    ("ctrepldst", Part::Address(Direction::Reply, End::Destination)),
    ("ctorigsrcport", Part::Port(Direction::Original, End::Source)),
    ("ctorigdstport", Part::Port(Direction::Original, End::Destination)),
    ("ctreplsrcport", Part::Port(Direction::Reply, End::Source)),
    ("ctrepldstport", Part::Port(Direction::Reply, End::Destination)),
];

/// A part of a tuple.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Part {
    Protocol,
    Address(Direction, End),
    Port(Direction, End),
}

/// What a part shall be.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Wanted {
    Protocol(u8),
    Net(Prefix),
    Ports(u16, u16),
}

impl Wanted {
    fn parse(part: Part, text: &str) -> Result<Self, Usage> {
        let family = if text.contains(':') { Family::V6 } else { Family::V4 };
        let port = |text: &str| text.parse().map_err(|_| Usage::Port(text.to_owned()));
        Ok(match part {
            Part::Protocol => Self::Protocol(name::parse_protocol(text)?),
            Part::Address(..) => Self::Net(Prefix::parse(family, text)?),
            Part::Port(..) => {
                let (first, last) = text.split_once(':').unwrap_or((text, text));
                Self::Ports(port(first)?, port(last)?)
            }
        })
    }

    fn holds(self, part: Part, entry: &Entry) -> bool {
        let tuple = |direction| if direction == Direction::Original { &entry.original } else { &entry.reply };
        match (self, part) {
            (Self::Protocol(number), _) => entry.original.protocol == number,
            (Self::Net(net), Part::Address(direction, End::Source)) => net.contains(tuple(direction).src),
            (Self::Net(net), Part::Address(direction, End::Destination)) => net.contains(tuple(direction).dst),
            (Self::Ports(a, b), Part::Port(direction, End::Source)) => (a..=b).contains(&tuple(direction).src_port),
            (Self::Ports(a, b), Part::Port(direction, End::Destination)) => {
                (a..=b).contains(&tuple(direction).dst_port)
            }
            (Self::Net(_) | Self::Ports(..), _) => false,
        }
    }
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Protocol(number) => number.fmt(f),
            Self::Net(net) => {
                let text = net.to_string();
                f.write_str(text.strip_suffix("/32").or_else(|| text.strip_suffix("/128")).unwrap_or(&text))
            }
            Self::Ports(first, last) => f.write_str(&range::text((first, last), ':')),
        }
    }
}

/// `-m conntrack`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Conntrack {
    states: Option<Names>,
    /// What parts of its tuples shall be, by their places in the list, and whether they shall be otherwise.
    parts: BTreeMap<usize, (Wanted, bool)>,
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
            name => {
                let Some(at) = PARTS.iter().position(|(option, _)| *option == name) else { return Ok(false) };
                self.parts.insert(at, (Wanted::parse(PARTS[at].1, argument.value()?)?, argument.negated));
            }
        }
        Ok(true)
    }

    pub(super) fn check(&self) -> Result<(), Usage> {
        let is_empty = self.states.is_none() && self.direction.is_none() && self.parts.is_empty();
        if is_empty { Err(Usage::CtOptionMissing) } else { Ok(()) }
    }

    /// What is asked of the tuples: the option, what it shall be, and whether it shall be otherwise.
    fn asked(&self) -> impl Iterator<Item = (&'static str, Part, Wanted, bool)> {
        self.parts.iter().map(|(at, (wanted, negated))| (PARTS[*at].0, PARTS[*at].1, *wanted, *negated))
    }

    pub(super) fn matches<S>(&self, subject: &Subject<'_, S>) -> bool {
        let direction = self.direction.is_none_or(|d| subject.flow.is_some_and(|(_, of)| of == d));
        let of_parts = self.asked().all(|(_, part, wanted, negated)| {
            subject.flow.is_some_and(|(entry, _)| wanted.holds(part, entry) != negated)
        });
        direction && of_parts && self.states.is_none_or(|names| names.matches(bits(subject)))
    }

    pub(super) fn describe(&self) -> String {
        let mut parts = Vec::new();
        if let Some(names) = self.states {
            parts.push(format!("{}ctstate {names}", Argument::sign(names.negated)));
        }
        let asked = self.asked();
        parts.extend(asked.map(|(name, _, wanted, not)| format!("{}{name} {wanted}", Argument::sign(not))));
        parts.extend(self.direction.map(|d| format!("ctdir {}", name_of(d))));
        parts.join(" ")
    }
}

impl fmt::Display for Conntrack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(names) = self.states {
            write!(f, " {}--ctstate {names}", Argument::sign(names.negated))?;
        }
        for (name, _, wanted, not) in self.asked() {
            write!(f, " {}--{name} {wanted}", Argument::sign(not))?;
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
