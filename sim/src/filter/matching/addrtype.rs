//! `-m addrtype`: what the addresses of a packet are to the host.

use core::fmt;
use core::net::IpAddr;

use super::Argument;
use crate::filter::Usage;
use crate::filter::subject::{AddressKind, Subject, Surroundings};

/// The kinds by name, in the order in which they are printed.
const KINDS: [(AddressKind, &str); 9] = [
    (AddressKind::Unspecified, "UNSPEC"),
    (AddressKind::Unicast, "UNICAST"),
    (AddressKind::Local, "LOCAL"),
    (AddressKind::Broadcast, "BROADCAST"),
    (AddressKind::Anycast, "ANYCAST"),
    (AddressKind::Multicast, "MULTICAST"),
    (AddressKind::Blackhole, "BLACKHOLE"),
    (AddressKind::Unreachable, "UNREACHABLE"),
    (AddressKind::Prohibit, "PROHIBIT"),
];

/// Some kinds, or all but them.
#[derive(Clone, Debug, PartialEq)]
struct Kinds {
    any_of: Vec<AddressKind>,
    negated: bool,
}

impl Kinds {
    fn parse(argument: &mut Argument<'_, '_>) -> Result<Self, Usage> {
        let any_of = argument.value()?.split(',').map(kind).collect::<Result<_, _>>()?;
        Ok(Self { any_of, negated: argument.negated })
    }

    fn names(&self) -> String {
        let names: Vec<&str> = KINDS.iter().filter(|(k, _)| self.any_of.contains(k)).map(|(_, n)| *n).collect();
        names.join(",")
    }
}

fn kind(name: &str) -> Result<AddressKind, Usage> {
    let found = KINDS.iter().find(|(_, n)| n.eq_ignore_ascii_case(name));
    found.map(|(k, _)| *k).ok_or_else(|| Usage::AddressKind(name.to_owned()))
}

/// Which device an address must be of.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Limit {
    In,
    Out,
}

/// The match.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AddrType {
    source: Option<Kinds>,
    destination: Option<Kinds>,
    limit: Option<Limit>,
}

impl AddrType {
    pub(super) fn parse(&mut self, argument: &mut Argument<'_, '_>) -> Result<bool, Usage> {
        match argument.name {
            "src-type" => self.source = Some(Kinds::parse(argument)?),
            "dst-type" => self.destination = Some(Kinds::parse(argument)?),
            "limit-iface-in" => self.limit = Some(Limit::In),
            "limit-iface-out" => self.limit = Some(Limit::Out),
            _ => return Ok(false),
        }
        Ok(true)
    }

    pub(super) const fn check(&self) -> Result<(), Usage> {
        if self.source.is_none() && self.destination.is_none() { Err(Usage::AddressKindMissing) } else { Ok(()) }
    }

    pub(super) fn matches<S: Surroundings>(&self, subject: &Subject<'_, S>) -> bool {
        let device = self.limit.and_then(|limit| match limit {
            Limit::In => subject.path.in_device,
            Limit::Out => subject.path.out_device,
        });
        let fits = |kinds: &Option<Kinds>, addr: IpAddr| {
            kinds.as_ref().is_none_or(|k| k.any_of.contains(&subject.surroundings.kind_of(addr, device)) != k.negated)
        };
        fits(&self.source, subject.ip.src) && fits(&self.destination, subject.ip.dst)
    }

    pub(super) fn describe(&self) -> String {
        let mut text = String::from("ADDRTYPE match");
        for (name, kinds) in [("src-type", &self.source), ("dst-type", &self.destination)] {
            if let Some(kinds) = kinds {
                let sign = if kinds.negated { "!" } else { "" };
                text.push_str(&format!(" {name} {sign}{}", kinds.names()));
            }
        }
        text.push_str(match self.limit {
            Some(Limit::In) => " limit-in",
            Some(Limit::Out) => " limit-out",
            None => "",
        });
        text
    }
}

impl fmt::Display for AddrType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, kinds) in [("--src-type", &self.source), ("--dst-type", &self.destination)] {
            if let Some(kinds) = kinds {
                write!(f, " {}{name} {}", Argument::sign(kinds.negated), kinds.names())?;
            }
        }
        f.write_str(match self.limit {
            Some(Limit::In) => " --limit-iface-in",
            Some(Limit::Out) => " --limit-iface-out",
            None => "",
        })
    }
}
