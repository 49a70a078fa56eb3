//! `-m tos` and `-m dscp`: the type of service that a packet asks for.

use core::fmt;

use super::Argument;
use crate::filter::Usage;

/// The types of service that have a name (RFC 1349).
const NAMES: [(u8, &str); 5] = [
    (0x10, "Minimize-Delay"),
    (0x08, "Maximize-Throughput"),
    (0x04, "Maximize-Reliability"),
    (0x02, "Minimize-Cost"),
    (0x00, "Normal-Service"),
];

/// The classes of DiffServ that have a name (RFC 2474, 2597, 3246).
const CLASSES: [(&str, u8); 22] = [
    ("CS0", 0x00),
    ("CS1", 0x08),
    ("CS2", 0x10),
    ("CS3", 0x18),
    ("CS4", 0x20),
    ("CS5", 0x28),
    ("CS6", 0x30),
    ("CS7", 0x38),
    ("BE", 0x00),
    ("AF11", 0x0a),
    ("AF12", 0x0c),
    ("AF13", 0x0e),
    ("AF21", 0x12),
    ("AF22", 0x14),
    ("AF23", 0x16),
    ("AF31", 0x1a),
    ("AF32", 0x1c),
    ("AF33", 0x1e),
    ("AF41", 0x22),
    ("AF42", 0x24),
    ("AF43", 0x26),
    ("EF", 0x2e),
];

/// A number, decimal or hexadecimal.
fn number(text: &str) -> Option<u8> {
    match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) => u8::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}

/// A type of service and which bits of it count: a name stands for those that it is about.
pub(in crate::filter) fn service(text: &str) -> Result<(u8, u8), Usage> {
    let named = NAMES.iter().find(|(_, name)| name.eq_ignore_ascii_case(text)).map(|(value, _)| (*value, 0x3f));
    let (value, mask) = text.split_once('/').unwrap_or((text, "0xff"));
    let typed = || Some((number(value)?, number(mask)?));
    named.or_else(typed).ok_or_else(|| Usage::Text(format!("Symbolic name \"{text}\" is unknown")))
}

/// The name of a type of service, where it has one.
pub(in crate::filter) fn name_of((value, mask): (u8, u8)) -> Option<&'static str> {
    NAMES.iter().find(|(known, _)| mask == 0x3f && *known == value).map(|(_, name)| *name)
}

/// The six bits of DiffServ, by their number or the name of a class.
pub(in crate::filter) fn codepoint(
    argument: &mut Argument<'_, '_>,
    module: &'static str,
    is_class: bool,
) -> Result<u8, Usage> {
    let option = format!("--{}", argument.name);
    let text = argument.value()?;
    if is_class {
        let class = CLASSES.iter().find(|(name, _)| name.eq_ignore_ascii_case(text)).map(|(_, value)| *value);
        return class.ok_or_else(|| Usage::Text(format!("Invalid DSCP value `{text}'")));
    }
    number(text).filter(|value| *value < 64).ok_or(Usage::Range(module, option, 63))
}

/// `-m tos`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tos {
    wanted: Option<(u8, u8)>,
    negated: bool,
}

impl Tos {
    pub(super) fn parse(&mut self, argument: &mut Argument<'_, '_>) -> Result<bool, Usage> {
        if argument.name != "tos" {
            return Ok(false);
        }
        self.negated = argument.negated;
        self.wanted = Some(service(argument.value()?)?);
        Ok(true)
    }

    pub(super) const fn check(&self) -> Result<(), Usage> {
        if self.wanted.is_none() { Err(Usage::Required("tos", "--tos")) } else { Ok(()) }
    }

    pub(super) fn matches(&self, service: u8) -> bool {
        self.wanted.is_some_and(|(value, mask)| (service & mask == value) != self.negated)
    }

    pub(super) fn describe(&self, numeric: bool) -> String {
        let (value, mask) = self.wanted.unwrap_or_default();
        let sign = if self.negated { "!" } else { "" };
        match name_of((value, mask)).filter(|_| !numeric) {
            Some(name) => format!("tos match{sign} {name}"),
            None => format!("tos match{sign}{value:#04x}/{mask:#04x}"),
        }
    }
}

impl fmt::Display for Tos {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (value, mask) = self.wanted.unwrap_or_default();
        write!(f, " {}--tos {value:#04x}/{mask:#04x}", Argument::sign(self.negated))
    }
}

/// `-m dscp`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Dscp {
    wanted: Option<u8>,
    negated: bool,
}

impl Dscp {
    pub(super) fn parse(&mut self, argument: &mut Argument<'_, '_>) -> Result<bool, Usage> {
        let is_class = match argument.name {
            "dscp" => false,
            "dscp-class" => true,
            _ => return Ok(false),
        };
        self.negated = argument.negated;
        self.wanted = Some(codepoint(argument, "dscp", is_class)?);
        Ok(true)
    }

    pub(super) const fn check(&self) -> Result<(), Usage> {
        if self.wanted.is_none() { Err(Usage::Said("DSCP match: Parameter --dscp is required")) } else { Ok(()) }
    }

    pub(super) fn matches(&self, service: u8) -> bool {
        self.wanted.is_some_and(|wanted| (service >> 2 == wanted) != self.negated)
    }

    pub(super) fn describe(&self) -> String {
        format!("DSCP match {}{:#04x}", if self.negated { "!" } else { "" }, self.wanted.unwrap_or_default())
    }
}

impl fmt::Display for Dscp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, " {}--dscp {:#04x}", Argument::sign(self.negated), self.wanted.unwrap_or_default())
    }
}
