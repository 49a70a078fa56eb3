//! How a device behaves on its link, as far as somebody chose it by `ip link set`: a few switches by name.

use super::Kind;

/// One of the switches.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Manner {
    /// It asks for the Ethernet addresses of others and answers for its own.
    Arp,
    /// It takes part in groups.
    Multicast,
    /// It takes what is for any group.
    AllMulticast,
    /// Its addresses are not for ever, as far as the one who says so knows.
    Dynamic,
}

/// All of them.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Manners([bool; 4]);

impl Manners {
    /// Those that a new device of a kind has.
    pub(super) const fn of(kind: &Kind) -> Self {
        let (arp, multicast) = match kind {
            Kind::Loopback => (true, false),
            Kind::Dummy => (false, false),
            Kind::Tun(tun) => (tun.tap, true),
            _ => (true, true),
        };
        Self([arp, multicast, false, false])
    }

    /// Whether it is on.
    #[must_use]
    pub const fn has(self, manner: Manner) -> bool {
        self.0[manner as usize]
    }

    /// Switches one.
    pub const fn set(&mut self, manner: Manner, on: bool) {
        self.0[manner as usize] = on;
    }
}
