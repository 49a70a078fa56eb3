//! What a device is and does in single bits, as `netdevice(7)` and rtnetlink tell it. How each program names and orders
//! them is the program's own.

use super::{Device, Manner};

/// One of the flags, by its bit.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Flag {
    /// Somebody set it up.
    Up = 0x1,
    /// It reaches all on its link at once.
    Broadcast = 0x2,
    /// It is lo.
    Loopback = 0x8,
    /// It has one other end, and packets need no frame.
    PointToPoint = 0x10,
    /// It is up and has carrier.
    Running = 0x40,
    /// Nobody's Ethernet address is asked for on it.
    NoArp = 0x80,
    /// Somebody asked by hand for all frames; what a bridge or an upper device wants is not told here.
    Promiscuous = 0x100,
    /// Somebody asked by hand for what is for any group.
    AllMulticast = 0x200,
    /// It takes part in groups.
    Multicast = 0x1000,
    /// Its addresses go when it is set down.
    Dynamic = 0x8000,
}

impl Flag {
    const ALL: [Self; 10] = [
        Self::Up,
        Self::Broadcast,
        Self::Loopback,
        Self::PointToPoint,
        Self::Running,
        Self::NoArp,
        Self::Promiscuous,
        Self::AllMulticast,
        Self::Multicast,
        Self::Dynamic,
    ];

    /// Its bit.
    #[must_use]
    pub const fn bit(self) -> u16 {
        self as u16
    }
}

impl Device {
    /// Whether a flag is set.
    #[must_use]
    pub fn has_flag(&self, flag: Flag) -> bool {
        match flag {
            Flag::Up => self.up,
            Flag::Broadcast => !self.is_loopback() && !self.is_tun(),
            Flag::Loopback => self.is_loopback(),
            Flag::PointToPoint => self.is_tun(),
            Flag::Running => self.is_running(),
            Flag::NoArp => !self.manners.has(Manner::Arp) || self.is_routed_ipvlan(),
            Flag::Promiscuous => self.promiscuous,
            Flag::AllMulticast => self.manners.has(Manner::AllMulticast),
            Flag::Multicast => self.manners.has(Manner::Multicast),
            Flag::Dynamic => self.manners.has(Manner::Dynamic),
        }
    }

    /// All that are set, as `SIOCGIFFLAGS` gives them.
    #[must_use]
    pub fn flags(&self) -> u16 {
        Flag::ALL.into_iter().filter(|flag| self.has_flag(*flag)).map(Flag::bit).sum()
    }

    /// The words of those that are set, in the order of a list.
    pub fn flag_words<'w, W: Copy>(&self, list: &'w [(W, Flag)]) -> impl Iterator<Item = W> + use<'_, 'w, W> {
        list.iter().filter(|(_, flag)| self.has_flag(*flag)).map(|(word, _)| *word)
    }
}
