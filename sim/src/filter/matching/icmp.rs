//! `-m icmp` and `-m icmp6`: type and code of an ICMP message.

use core::fmt;

use super::Argument;
use crate::filter::{Family, Usage};
use crate::packet::{Ip, Upper, protocol};

/// Name, type, code; the first that fits is the one that is printed.
type Name = (&'static str, u8, Option<u8>);

const NAMES_V4: [Name; 26] = [
    ("echo-reply", 0, None),
    ("pong", 0, None),
    ("destination-unreachable", 3, None),
    ("network-unreachable", 3, Some(0)),
    ("host-unreachable", 3, Some(1)),
    ("protocol-unreachable", 3, Some(2)),
    ("port-unreachable", 3, Some(3)),
    ("fragmentation-needed", 3, Some(4)),
    ("source-route-failed", 3, Some(5)),
    ("network-unknown", 3, Some(6)),
    ("host-unknown", 3, Some(7)),
    ("network-prohibited", 3, Some(9)),
    ("host-prohibited", 3, Some(10)),
    ("communication-prohibited", 3, Some(13)),
    ("source-quench", 4, None),
    ("redirect", 5, None),
    ("echo-request", 8, None),
    ("ping", 8, None),
    ("router-advertisement", 9, None),
    ("router-solicitation", 10, None),
    ("time-exceeded", 11, None),
    ("ttl-exceeded", 11, None),
    ("ttl-zero-during-transit", 11, Some(0)),
    ("ttl-zero-during-reassembly", 11, Some(1)),
    ("parameter-problem", 12, None),
    ("timestamp-request", 13, None),
];

const NAMES_V6: [Name; 19] = [
    ("destination-unreachable", 1, None),
    ("no-route", 1, Some(0)),
    ("communication-prohibited", 1, Some(1)),
    ("beyond-scope", 1, Some(2)),
    ("address-unreachable", 1, Some(3)),
    ("port-unreachable", 1, Some(4)),
    ("packet-too-big", 2, None),
    ("time-exceeded", 3, None),
    ("ttl-exceeded", 3, None),
    ("parameter-problem", 4, None),
    ("echo-request", 128, None),
    ("ping", 128, None),
    ("echo-reply", 129, None),
    ("pong", 129, None),
    ("router-solicitation", 133, None),
    ("router-advertisement", 134, None),
    ("neighbour-solicitation", 135, None),
    ("neighbour-advertisement", 136, None),
    ("redirect", 137, None),
];

/// The match.
#[derive(Clone, Debug, PartialEq)]
pub struct Icmp {
    family: Family,
    /// Type and code; every message when none.
    message: Option<(u8, Option<u8>)>,
    negated: bool,
}

impl Icmp {
    /// Every message of a family.
    pub(super) const fn any(family: Family) -> Self {
        Self { family, message: None, negated: false }
    }

    pub(super) const fn protocol(&self) -> u8 {
        match self.family {
            Family::V4 => protocol::ICMP,
            Family::V6 => protocol::ICMPV6,
        }
    }

    const fn names(&self) -> &'static [Name] {
        match self.family {
            Family::V4 => &NAMES_V4,
            Family::V6 => &NAMES_V6,
        }
    }

    pub(super) fn parse(&mut self, argument: &mut Argument<'_, '_>) -> Result<bool, Usage> {
        let own = match self.family {
            Family::V4 => argument.name == "icmp-type",
            Family::V6 => matches!(argument.name, "icmpv6-type" | "icmp6-type"),
        };
        if own {
            self.negated = argument.negated;
            self.message = self.message_of(argument.value()?)?;
        }
        Ok(own)
    }

    fn message_of(&self, text: &str) -> Result<Option<(u8, Option<u8>)>, Usage> {
        if self.family == Family::V4 && matches!(text, "any" | "255") {
            return Ok(None);
        }
        if let Some((_, kind, code)) = self.names().iter().find(|(name, ..)| name.eq_ignore_ascii_case(text)) {
            return Ok(Some((*kind, *code)));
        }
        let (kind, code) = text.split_once('/').map_or((text, None), |(k, c)| (k, Some(c)));
        let numbers = kind.parse().and_then(|kind| Ok((kind, code.map(str::parse).transpose()?)));
        let name = if self.family == Family::V4 { "ICMP" } else { "ICMPv6" };
        numbers.map(Some).map_err(|_| Usage::IcmpType(name, text.to_owned()))
    }

    pub(super) fn matches(&self, ip: &Ip) -> bool {
        let Upper::Icmp { kind, code, .. } = ip.upper else { return false };
        let fits = |(k, c): (u8, Option<u8>)| k == kind && c.is_none_or(|c| c == code);
        self.message.is_none_or(fits) != self.negated
    }

    pub(super) fn describe(&self, numeric: bool) -> String {
        let family = if self.family == Family::V4 { "icmp" } else { "ipv6-icmp" };
        let (sign, (kind, code)) = (if self.negated { "!" } else { "" }, self.message.unwrap_or((255, None)));
        if !numeric {
            let named = self.names().iter().find(|(_, k, c)| (*k, *c) == (kind, code));
            let name = if self.message.is_none() { Some("any") } else { named.map(|(name, ..)| *name) };
            if let Some(name) = name {
                return format!("{family} {sign}{name}");
            }
        }
        let gap = if self.negated { " " } else { "" };
        let code = code.map(|c| format!(" code {c}")).unwrap_or_default();
        format!("{family}{gap}{sign}type {kind}{code}")
    }
}

impl fmt::Display for Icmp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (module, option) = match self.family {
            Family::V4 => ("icmp", "--icmp-type"),
            Family::V6 => ("icmp6", "--icmpv6-type"),
        };
        write!(f, "{module} {}{option} ", Argument::sign(self.negated))?;
        match self.message {
            None => f.write_str("any"),
            Some((kind, None)) => write!(f, "{kind}"),
            Some((kind, Some(code))) => write!(f, "{kind}/{code}"),
        }
    }
}
