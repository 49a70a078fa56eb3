//! `-j CONNMARK`: the mark of a flow, set, or carried over from or to a packet's.

use core::fmt;

use crate::filter::Usage;
use crate::filter::marks::Marks;
use crate::filter::matching::{Argument, mark};

/// What is done.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Connmark {
    /// Nothing yet.
    #[default]
    Unsaid,
    /// The flow's bits of the mask are cleared and those of the value flipped.
    Set {
        /// Bits to flip.
        value: u32,
        /// Bits to clear before.
        mask: u32,
    },
    /// The packet's bits become the flow's.
    Save {
        /// Which bits of the packet.
        packet: u32,
        /// Which bits of the flow.
        flow: u32,
    },
    /// The flow's bits become the packet's.
    Restore {
        /// Which bits of the packet.
        packet: u32,
        /// Which bits of the flow.
        flow: u32,
    },
}

impl Connmark {
    /// Takes an option; false when it is none of its own.
    pub(super) fn parse(&mut self, argument: &mut Argument<'_, '_>) -> Result<bool, Usage> {
        let (packet, flow) = (u32::MAX, u32::MAX);
        match argument.name {
            "save-mark" => *self = Self::Save { packet, flow },
            "restore-mark" => *self = Self::Restore { packet, flow },
            "mask" | "nfmask" | "ctmask" => return self.limit(argument),
            name => {
                let Some((value, mask)) = super::mark_change(name, argument, "CONNMARK")? else { return Ok(false) };
                *self = Self::Set { value, mask };
            }
        }
        Ok(true)
    }

    /// `--mask`, `--nfmask`, `--ctmask`
    fn limit(&mut self, argument: &mut Argument<'_, '_>) -> Result<bool, Usage> {
        let name = argument.name;
        let bits = mark::number(argument.value()?).ok_or(Usage::Integer("CONNMARK", "--mask"))?;
        let (Self::Save { packet, flow } | Self::Restore { packet, flow }) = self else { return Ok(false) };
        if name != "ctmask" {
            *packet = bits;
        }
        if name != "nfmask" {
            *flow = bits;
        }
        Ok(true)
    }

    pub(super) const fn check(self) -> Result<(), Usage> {
        if matches!(self, Self::Unsaid) { Err(Usage::Said("CONNMARK target: No operation specified")) } else { Ok(()) }
    }

    /// Changes the marks.
    pub(in crate::filter) const fn apply(self, marks: &mut Marks) {
        match self {
            Self::Unsaid => {}
            Self::Set { value, mask } => marks.flow = marks.flow & !mask ^ value,
            Self::Save { packet, flow } => marks.flow = (marks.flow & !flow) ^ (marks.packet & packet),
            Self::Restore { packet, flow } => marks.packet = (marks.packet & !packet) ^ (marks.flow & flow),
        }
    }

    pub(super) fn describe(self) -> String {
        match self {
            Self::Unsaid => String::new(),
            Self::Set { value, mask } => format!("CONNMARK {}", super::mark_words(value, mask)),
            Self::Save { packet, flow } => format!("CONNMARK save{}", masks("nfmask", packet, "ctmask", flow)),
            Self::Restore { packet, flow } => format!("CONNMARK restore{}", masks("ctmask", flow, "nfmask", packet)),
        }
    }
}

/// What `-L` says of two masks.
fn masks(from: &str, first: u32, to: &str, second: u32) -> String {
    match (first, second) {
        (u32::MAX, u32::MAX) => String::new(),
        _ if first == second => format!(" mask {first:#x}"),
        _ => format!(" {from} {first:#x} {to} ~{second:#x}"),
    }
}

impl fmt::Display for Connmark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unsaid => Ok(()),
            Self::Set { value, mask } => write!(f, " --set-xmark {value:#x}/{mask:#x}"),
            Self::Save { packet, flow } => write!(f, " --save-mark --nfmask {packet:#x} --ctmask {flow:#x}"),
            Self::Restore { packet, flow } => write!(f, " --restore-mark --nfmask {packet:#x} --ctmask {flow:#x}"),
        }
    }
}
