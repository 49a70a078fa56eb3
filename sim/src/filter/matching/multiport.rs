//! `-m multiport`: up to fifteen ports or ranges of ports.

use core::fmt;

use super::Argument;
use super::port::Ports;
use crate::filter::{Usage, name};
use crate::packet::Ip;
use crate::range;

/// The protocols with ports: tcp, udp, dccp, sctp, udplite.
const WITH_PORTS: [u8; 5] = [6, 17, 33, 132, 136];

/// Whether rules of this protocol can tell ports.
#[must_use]
pub fn has_ports(proto: Option<(u8, bool)>) -> bool {
    proto.is_some_and(|(number, negated)| !negated && WITH_PORTS.contains(&number))
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Which {
    Source,
    Destination,
    Either,
}

/// The match.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Multiport {
    which: Option<Which>,
    ports: Vec<Ports>,
    negated: bool,
}

impl Multiport {
    pub(super) fn parse(&mut self, argument: &mut Argument<'_, '_>) -> Result<bool, Usage> {
        let which = match argument.name {
            "sports" | "source-ports" => Which::Source,
            "dports" | "destination-ports" => Which::Destination,
            "ports" => Which::Either,
            _ => return Ok(false),
        };
        if !has_ports(argument.protocol) {
            return Err(Usage::MultiportProtocol);
        }
        let names = argument.protocol.map(|(number, _)| number);
        self.which = Some(which);
        self.negated = argument.negated;
        self.ports = argument.value()?.split(',').map(|text| Ports::parse(text, names)).collect::<Result<_, _>>()?;
        let fields: usize = self.ports.iter().map(|p| if p.first == p.last { 1 } else { 2 }).sum();
        if fields > 15 { Err(Usage::MultiportFull) } else { Ok(true) }
    }

    pub(super) fn check(&self, proto: Option<(u8, bool)>) -> Result<(), Usage> {
        if !has_ports(proto) {
            return Err(Usage::MultiportProtocol);
        }
        if self.which.is_none() { Err(Usage::MultiportEmpty) } else { Ok(()) }
    }

    pub(super) fn matches(&self, ip: &Ip) -> bool {
        let Some((src, dst)) = ip.ports() else { return false };
        let any = |port| self.ports.iter().any(|p| p.contains(port));
        let hit = match self.which {
            Some(Which::Source) => any(src),
            Some(Which::Destination) => any(dst),
            Some(Which::Either) | None => any(src) || any(dst),
        };
        hit != self.negated
    }

    const fn option(&self) -> &'static str {
        match self.which {
            Some(Which::Source) => "sports",
            Some(Which::Destination) => "dports",
            Some(Which::Either) | None => "ports",
        }
    }

    fn list(&self, show: impl Fn(u16) -> String) -> String {
        let one = |p: &Ports| range::text((show(p.first), show(p.last)), ':');
        self.ports.iter().map(one).collect::<Vec<_>>().join(",")
    }

    pub(super) fn describe(&self, proto: u8, numeric: bool) -> String {
        let sign = if self.negated { " !" } else { "" };
        format!("multiport {} {sign}{}", self.option(), self.list(|port| name::port(port, proto, numeric)))
    }
}

impl fmt::Display for Multiport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = Argument::sign(self.negated);
        write!(f, " {sign}--{} {}", self.option(), self.list(|port| port.to_string()))
    }
}
