//! Whether the source of an IPv4 packet may be where it came from (`rp_filter`, RFC 3704), as Linux's `fib_validate_source`
//! asks its routes. It drops nothing itself.

use core::net::IpAddr;

use super::Namespace;
use crate::device::{Conf, IfIndex};
use crate::route::policy::{Flow, Found};
use crate::route::{Action, Route};

/// What the routes say of a source.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Source {
    /// It cannot have come by this device.
    Refused,
    /// It is on the device's link.
    OnLink,
    /// It may have come by this device.
    Possible,
}

impl Namespace {
    /// What holds of IPv4 for a device.
    pub(super) fn inet(&self, index: IfIndex, conf: Conf) -> i32 {
        self.devices.get(&index).map_or(0, |device| device.inet.under(&self.sysctl.inet_of_all, conf))
    }

    /// Whether an IPv4 packet that came in by a device claims to be from here (`accept_local`): from an own address, which by
    /// hand may be much, or with rules by hand from what they say is taken in, asked as the answer would be.
    pub(super) fn is_forged(&self, index: IfIndex, flow: &Flow<'_>) -> bool {
        let Some(src) = flow.src else { return false };
        let is_own = self.is_local(src) || !self.policy.has_one_table() && self.is_taken_in(src, flow);
        is_own && self.inet(index, Conf::AcceptLocal) == 0
    }

    fn is_taken_in(&self, src: IpAddr, flow: &Flow<'_>) -> bool {
        let ports = match flow.upper {
            [a, b, c, d, ..] => [*c, *d, *a, *b],
            _ => [0; 4],
        };
        let Flow { dst, tos, protocol, .. } = *flow;
        let back = Flow { src: Some(dst), tos, protocol, upper: &ports, ..Flow::to(src) };
        matches!(self.route_of(&back), Some(Found::Route(route)) if route.action == Action::Local)
    }

    /// What the routes say of a packet from `src` to `dst` that came in by a device, and goes out by `out` if it goes on.
    pub(super) fn judge_source(&self, index: IfIndex, src: IpAddr, dst: IpAddr, out: Option<IfIndex>) -> Source {
        if src.is_ipv6() || src.is_unspecified() {
            return Source::Possible;
        }
        let strictness = self.inet(index, Conf::RpFilter);
        // Who goes out where it came from may be told of a nearer way; the others are not asked about without need.
        let may_redirect = out == Some(index) && self.inet(index, Conf::SendRedirects) != 0;
        let is_loopback = self.devices.get(&index).is_none_or(crate::device::Device::is_loopback);
        if is_loopback || strictness == 0 && !may_redirect {
            return Source::Possible;
        }
        let flow = Flow { src: Some(dst), ..Flow::to(src) };
        let back = |flow: &Flow<'_>| match self.route_of(flow) {
            Some(Found::Route(route)) if route.action == Action::Unicast => Some(route),
            _ => None,
        };
        let nearness = |route: &Route| {
            let direct = route.ways().any(|hop| hop.device == index && hop.gateway.is_none());
            if direct { Source::OnLink } else { Source::Possible }
        };
        match back(&flow) {
            Some(route) if route.uses(index) => nearness(route),
            Some(_) if strictness == 1 => Source::Refused,
            Some(_) => {
                let name = self.devices.get(&index).map(|device| device.name.as_str());
                back(&Flow { oif: name, ..flow }).map_or(Source::Possible, nearness)
            }
            None if strictness > 0 => Source::Refused,
            None => Source::Possible,
        }
    }
}
