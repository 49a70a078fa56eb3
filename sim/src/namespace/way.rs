//! Where a packet leaves a namespace. The route is found in `egress`.

use core::net::IpAddr;

use crate::id::IfIndex;
use crate::route::{Metric, Metrics};

/// Where a packet leaves: a device and the neighbour to give it to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Way {
    /// The device.
    pub(super) device: IfIndex,
    /// The gateway; none when the destination itself is on the link.
    pub(super) gateway: Option<IpAddr>,
    /// The source address that the route asks for.
    pub(super) source: Option<IpAddr>,
    /// What the route says of the packets on it.
    pub(super) limits: Limits,
    /// Whether it ends in this host.
    pub(super) is_here: bool,
}

impl Way {
    /// Whom packets to `dst` are given to.
    pub(super) fn next_hop(&self, dst: IpAddr) -> IpAddr {
        self.gateway.unwrap_or(dst)
    }
}

/// What a route says of the packets on it; most say nothing.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Limits {
    /// The largest packet.
    pub(super) mtu: Option<u32>,
    /// The hop limit of those from here.
    pub(super) hop_limit: Option<u8>,
    /// The largest segment that TCP allows the other end.
    pub(super) segment: Option<u32>,
}

impl Limits {
    /// Those that a route's metrics set.
    pub(super) fn of(metrics: &Metrics) -> Self {
        if metrics.is_empty() {
            return Self::default();
        }
        Self {
            mtu: metrics.get(Metric::Mtu),
            hop_limit: metrics.get(Metric::HopLimit).and_then(|limit| u8::try_from(limit).ok()),
            segment: metrics.get(Metric::AdvertisedSegment),
        }
    }
}
