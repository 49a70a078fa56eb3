//! `-j TOS` and `-j DSCP`: another type of service.

use core::fmt;

use crate::filter::Usage;
use crate::filter::matching::Argument;
use crate::filter::matching::service::{codepoint, name_of, service};

/// What the type of service becomes: the bits of a mask are cleared, and those of a value turned over.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Service {
    /// `TOS`.
    Tos(Option<(u8, u8)>),
    /// `DSCP`.
    Dscp(Option<u8>),
}

impl Service {
    /// What it is called.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Tos(_) => "TOS",
            Self::Dscp(_) => "DSCP",
        }
    }

    pub(super) fn parse(&mut self, argument: &mut Argument<'_, '_>) -> Result<bool, Usage> {
        match self {
            Self::Dscp(value) => {
                let is_class = match argument.name {
                    "set-dscp" => false,
                    "set-dscp-class" => true,
                    _ => return Ok(false),
                };
                *value = Some(codepoint(argument, "DSCP", is_class)?);
            }
            Self::Tos(change) => {
                if !matches!(argument.name, "set-tos" | "and-tos" | "or-tos" | "xor-tos") {
                    return Ok(false);
                }
                let (bits, mask) = service(argument.value()?)?;
                *change = Some(match argument.name {
                    "and-tos" => (0, !bits),
                    "or-tos" => (bits, bits),
                    "xor-tos" => (bits, 0),
                    _ => (bits, mask),
                });
            }
        }
        Ok(true)
    }

    pub(super) const fn check(self) -> Result<(), Usage> {
        match self {
            Self::Tos(None) => Err(Usage::Said("TOS: An action is required")),
            Self::Dscp(None) => Err(Usage::Said("DSCP target: Parameter --set-dscp is required")),
            _ => Ok(()),
        }
    }

    /// What becomes of a type of service.
    pub(in crate::filter) const fn apply(self, old: u8) -> u8 {
        match self {
            Self::Tos(Some((value, mask))) => old & !mask ^ value,
            Self::Dscp(Some(value)) => old & 3 | value << 2,
            Self::Tos(None) | Self::Dscp(None) => old,
        }
    }

    pub(super) fn describe(self, numeric: bool) -> String {
        match self {
            Self::Tos(Some((value, mask))) => match name_of((value, mask)).filter(|_| !numeric) {
                Some(name) => format!("TOS set {name}"),
                None => format!("TOS set {value:#04x}/{mask:#04x}"),
            },
            Self::Dscp(Some(value)) => format!("DSCP set {value:#04x}"),
            Self::Tos(None) | Self::Dscp(None) => String::new(),
        }
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tos(Some((value, mask))) => write!(f, " --set-tos {value:#04x}/{mask:#04x}"),
            Self::Dscp(Some(value)) => write!(f, " --set-dscp {value:#04x}"),
            Self::Tos(None) | Self::Dscp(None) => Ok(()),
        }
    }
}
