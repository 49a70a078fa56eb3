//! Devices that share another one, at work: what comes from outside goes up to those above, what they send goes across
//! or down. Who gets a frame is decided in [`crate::stack`].

use super::{Cx, Namespace, Sent};
use crate::capture::Hop;
use crate::device::{Device, IfIndex};
use crate::drop::DropReason;
use crate::frame::Frame;
use crate::id::LinkId;
use crate::packet::Ip;
use crate::stack::{self, Over, Upper};

impl Namespace {
    /// Gives a frame that came to a device to those that stand on it; what is left for the device itself.
    pub(super) fn share(&mut self, cx: &mut Cx, index: IfIndex, frame: Frame) -> Option<Frame> {
        let device = self.devices.get(&index)?;
        let shares = stack::from_outside(&device.uppers, &frame);
        let risen = if shares.untag { frame.untagged() } else { frame.clone() };
        raise(cx, index, &shares.uppers, &risen);
        shares.lower.then_some(frame)
    }

    /// A device that stands on this one sends a frame.
    pub fn receive_from_above(&mut self, cx: &mut Cx, index: IfIndex, from: LinkId, frame: Frame) {
        let Some(device) = self.devices.get(&index) else { return };
        let Some(upper) = device.uppers.iter().find(|u| u.link == from) else { return };
        if !device.is_running() {
            self.drop_frame(cx, Some(index), DropReason::LinkDown, &frame);
            return;
        }
        let over = upper.over;
        let shares = stack::from_above(&device.uppers, from, device.mac, &frame);
        raise(cx, index, &shares.uppers, &frame);
        if shares.inward {
            cx.hop(Some(index), Hop::Received, &frame);
            self.accept(cx, index, frame);
        } else if shares.routed {
            self.route_for_above(cx, index, frame);
        } else if shares.lower {
            let frame = if let Over::Vlan(vlan) = over { frame.tagged(vlan) } else { frame };
            self.transmit(cx, index, frame);
        }
    }

    /// An ipvlan in L3 mode has no neighbours: this namespace finds the way of its packets, out of the parent only.
    fn route_for_above(&mut self, cx: &mut Cx, index: IfIndex, frame: Frame) {
        let Some(ip) = Ip::parse(frame.payload()) else { return };
        match self.way_from(Some(ip.src), ip.dst) {
            Ok(way) if way.device == index => {
                let _ = self.originate(cx, way, frame.into());
            }
            Ok(_) => self.drop_frame(cx, Some(index), DropReason::NoRoute, &frame),
            Err(problem) => self.drop_frame(cx, Some(index), problem.drop_reason(), &frame),
        }
    }

    /// Notes what a device has to know of one that stands on it.
    pub(crate) fn note_upper(&mut self, index: IfIndex, upper: Upper) {
        let Some(device) = self.devices.get_mut(&index) else { return };
        match device.uppers.iter_mut().find(|u| u.link == upper.link) {
            Some(known) => *known = upper,
            None => device.uppers.push(upper),
        }
    }

    /// Forgets one that is gone.
    pub(crate) fn forget_upper(&mut self, index: IfIndex, link: LinkId) {
        if let Some(device) = self.devices.get_mut(&index) {
            device.uppers.retain(|u| u.link != link);
        }
    }
}

/// Sends a frame up to each of these.
fn raise(cx: &mut Cx, index: IfIndex, uppers: &[LinkId], frame: &Frame) {
    for link in uppers {
        cx.sent.push(Sent { device: index, link: Some(*link), frame: frame.clone() });
    }
}

impl Device {
    /// What the device beneath has to know of this one.
    pub(crate) fn as_upper(&self) -> Option<Upper> {
        let (Some(link), Some(over)) = (self.link(), self.over()) else { return None };
        let addresses = self.addresses.iter().map(|a| a.net.ip()).collect();
        Some(Upper { link, over, mac: self.mac, addresses, up: self.up })
    }
}
