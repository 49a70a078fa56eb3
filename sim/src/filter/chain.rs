//! A chain: its rules in order, with their counters, and for one that a hook calls its policy. It calls no other.

use super::Rule;

/// A chain of a table, by its place.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct ChainId(pub(super) u32);

/// Packets and bytes.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Counters {
    /// Packets.
    pub packets: u64,
    /// Bytes, of the IP packet with its header.
    pub bytes: u64,
}

impl Counters {
    /// One packet more.
    pub(super) const fn count(&mut self, len: usize) {
        self.packets += 1;
        self.bytes += len as u64;
    }
}

/// What becomes of a packet that reaches the end of a chain that a hook calls.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Policy {
    /// It passes.
    #[default]
    Accept,
    /// It vanishes.
    Drop,
}

impl Policy {
    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Accept => "ACCEPT",
            Self::Drop => "DROP",
        }
    }
}

/// The end of a chain that a hook calls.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Base {
    /// What happens there.
    pub policy: Policy,
    /// How often; only from when the policy was set (observed with iptables-nft 1.8.9, whose chains have no counters
    /// before).
    pub counters: Option<Counters>,
}

/// A rule in its chain.
#[derive(Clone, Debug)]
pub struct Installed {
    /// The rule.
    pub rule: Rule,
    /// What it matched.
    pub counters: Counters,
    /// The chain that its target names.
    pub(super) to: Option<ChainId>,
}

/// A chain.
#[derive(Clone, Debug)]
pub struct Chain {
    pub(super) name: String,
    pub(super) base: Option<Base>,
    pub(super) rules: Vec<Installed>,
}

impl Chain {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its end, when a hook calls it.
    #[must_use]
    pub const fn base(&self) -> Option<Base> {
        self.base
    }

    /// Its rules, in order.
    #[must_use]
    pub fn rules(&self) -> &[Installed] {
        &self.rules
    }
}
