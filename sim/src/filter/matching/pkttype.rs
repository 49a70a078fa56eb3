//! `-m pkttype`: for whom a packet is on its link, by its destination: for one, for a group or for everybody.

use core::fmt;

use super::Argument;
use crate::filter::Usage;
use crate::filter::subject::AddressKind;

/// For whom it is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Kind {
    Unicast,
    Broadcast,
    Multicast,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::Unicast => "unicast",
            Self::Broadcast => "broadcast",
            Self::Multicast => "multicast",
        }
    }
}

/// The match.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PktType {
    wanted: Option<Kind>,
    negated: bool,
}

impl PktType {
    pub(super) fn parse(&mut self, argument: &mut Argument<'_, '_>) -> Result<bool, Usage> {
        if argument.name != "pkt-type" {
            return Ok(false);
        }
        self.negated = argument.negated;
        let text = argument.value()?;
        self.wanted = Some(match text.to_ascii_lowercase().as_str() {
            "unicast" | "host" => Kind::Unicast,
            "broadcast" => Kind::Broadcast,
            "multicast" => Kind::Multicast,
            _ => return Err(Usage::Text(format!("Bad packet type '{text}'"))),
        });
        Ok(true)
    }

    pub(super) const fn check(&self) -> Result<(), Usage> {
        if self.wanted.is_none() { Err(Usage::Required("pkttype", "--pkt-type")) } else { Ok(()) }
    }

    pub(super) fn matches(&self, dst: AddressKind) -> bool {
        let kind = match dst {
            AddressKind::Broadcast => Kind::Broadcast,
            AddressKind::Multicast => Kind::Multicast,
            _ => Kind::Unicast,
        };
        self.wanted.is_some_and(|wanted| (wanted == kind) != self.negated)
    }

    pub(super) fn describe(&self) -> String {
        let name = self.wanted.map(Kind::name).unwrap_or_default();
        format!("PKTTYPE {} {name}", if self.negated { "!=" } else { "=" })
    }
}

impl fmt::Display for PktType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.wanted.map(Kind::name).unwrap_or_default();
        write!(f, " {}--pkt-type {name}", Argument::sign(self.negated))
    }
}
