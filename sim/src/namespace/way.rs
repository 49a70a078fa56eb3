//! Where a packet leaves a namespace. The route is found in `egress`.

use core::net::IpAddr;

use crate::id::IfIndex;

/// Where a packet leaves: a device and the neighbour to give it to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Way {
    /// The device.
    pub(super) device: IfIndex,
    /// The next hop: the gateway, or the destination itself.
    pub(super) next_hop: IpAddr,
    /// The source address that the route asks for.
    pub(super) source: Option<IpAddr>,
}
