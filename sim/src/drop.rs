//! Why a packet was dropped, and how often: every drop has a reason, a place and a counter. It drops nothing itself.

use core::fmt;
use std::collections::BTreeMap;

use crate::id::IfIndex;

/// Why a frame or packet went no further.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum DropReason {
    /// A header was cut short, a length lied or a checksum was wrong.
    Malformed,
    /// An `EtherType` or IP version that nobody here speaks.
    UnknownProtocol,
    /// The device is down or has no carrier.
    LinkDown,
    /// The frame was for another station.
    OtherHost,
    /// The frame was for another station, and the port that the device is plugged into allows no promiscuity.
    PortFilter,
    /// The bridge knew that the station is behind the port the frame came from.
    SamePort,
    /// The bridge's port does not let it in or out: by its state, its settings or its VLANs.
    PortClosed,
    /// Bigger than the device's MTU.
    TooBig,
    /// A source or destination that must not be on a wire (127.0.0.0/8, ::1).
    Martian,
    /// The source is reached by another device, or not at all (`rp_filter`).
    ReversePath,
    /// Not for us, and this host does not forward.
    NotForwarding,
    /// No route to the destination.
    NoRoute,
    /// A blackhole route.
    Blackhole,
    /// The hop limit ran out.
    TtlExpired,
    /// A rule of the firewall said DROP or REJECT.
    Filtered,
    /// The neighbour did not answer ARP or NDP.
    NeighbourSilent,
    /// Too many packets wait for a neighbour.
    NeighbourQueue,
    /// The table of neighbours is full (`neighbor table overflow!`).
    NeighbourOverflow,
    /// No socket for it.
    NoSocket,
    /// A tunnel knows no far end for it.
    NoRemote,
    /// A tunnel's datagram for a network that is not here.
    UnknownNetwork,
    /// A setting says that such questions are not answered (`icmp_echo_ignore_all`).
    Unanswered,
    /// The receiver's buffer is full.
    SocketFull,
    /// The ring of a device of the outside is full, or the device is gone.
    RingFull,
    /// The device's queueing discipline was told to lose it, as a bad line does.
    Lost,
    /// The device's queue is full, or too slow for what is in it.
    QueueFull,
    /// A fragment that never met the others, or that does not fit them.
    Reassembly,
}

impl DropReason {
    /// Whether it happens to copies of a frame at stations that they are not for, and stops nothing by itself.
    #[must_use]
    pub const fn is_of_a_copy(self) -> bool {
        matches!(self, Self::OtherHost | Self::PortFilter | Self::SamePort)
    }
}

impl fmt::Display for DropReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "malformed",
            Self::UnknownProtocol => "unknown protocol",
            Self::LinkDown => "device down",
            Self::OtherHost => "for another station",
            Self::PortFilter => "for another station, which the port there does not allow",
            Self::SamePort => "behind the port it came from",
            Self::PortClosed => "the bridge port is closed to it",
            Self::TooBig => "bigger than the MTU",
            Self::Martian => "martian address",
            Self::ReversePath => "source by the wrong device (rp_filter)",
            Self::NotForwarding => "forwarding is off",
            Self::NoRoute => "no route",
            Self::Blackhole => "blackhole route",
            Self::TtlExpired => "hop limit ran out",
            Self::Filtered => "filtered",
            Self::NeighbourSilent => "neighbour is silent",
            Self::NeighbourQueue => "too many wait for the neighbour",
            Self::NeighbourOverflow => "neighbour table overflow",
            Self::NoSocket => "no socket",
            Self::Unanswered => "a setting forbids an answer",
            Self::SocketFull => "receiver is full",
            Self::Lost => "lost on the way, as the link was told",
            Self::QueueFull => "the device's queue is full",
            Self::Reassembly => "fragments do not meet",
            Self::NoRemote => "the tunnel knows no remote for it",
            Self::UnknownNetwork => "of a tunnel's network that is not here",
            Self::RingFull => "the program's ring is full",
        })
    }
}

/// Drops of a namespace, by device and reason.
#[derive(Clone, Debug, Default)]
pub struct Drops(BTreeMap<(Option<IfIndex>, DropReason), u64>);

impl Drops {
    /// Counts one more.
    pub fn count(&mut self, device: Option<IfIndex>, reason: DropReason) {
        *self.0.entry((device, reason)).or_default() += 1;
    }

    /// Counts so many more.
    pub fn count_many(&mut self, device: Option<IfIndex>, reason: DropReason, count: u64) {
        *self.0.entry((device, reason)).or_default() += count;
    }

    /// All counts, by device and reason.
    pub fn iter(&self) -> impl Iterator<Item = (Option<IfIndex>, DropReason, u64)> {
        self.0.iter().map(|((device, reason), n)| (*device, *reason, *n))
    }

    /// How often for this reason, anywhere.
    #[must_use]
    pub fn of(&self, reason: DropReason) -> u64 {
        self.0.iter().filter(|((_, r), _)| *r == reason).map(|(_, n)| n).sum()
    }
}
