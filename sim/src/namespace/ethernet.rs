//! Frames in and out of devices. It looks at Ethernet addresses only; what bridges do is in `bridging`.

use super::{Cx, Namespace, Sent};
use crate::addr::Mac;
use crate::capture::Hop;
use crate::device::{Device, IfIndex, Kind};
use crate::drop::DropReason;
use crate::frame::{ETHERNET_LEN, Frame, TAG_LEN, ethertype};
use crate::link::LinkId;
use crate::packet::segment;

impl Namespace {
    /// A frame came to a device from its link.
    pub fn receive(&mut self, cx: &mut Cx, index: IfIndex, frame: Frame) {
        let Some(device) = self.devices.get_mut(&index) else {
            return self.drop_frame(cx, None, DropReason::LinkDown, &frame);
        };
        if !device.is_running() || !frame.is_ethernet() {
            let reason = if frame.is_ethernet() { DropReason::LinkDown } else { DropReason::Malformed };
            device.counters.rx_dropped += 1;
            self.drop_frame(cx, Some(index), reason, &frame);
            return;
        }
        // It never came as far as this device.
        if device.port_filters && frame.dst() != device.mac && !frame.dst().is_multicast() {
            self.drop_frame(cx, Some(index), DropReason::PortFilter, &frame);
            return;
        }
        // A veth takes nothing that is longer than its own MTU allows, with room for a tag.
        if matches!(device.kind, Kind::Veth { .. })
            && frame.len() > device.mtu.bytes() + ETHERNET_LEN + TAG_LEN
            && !device.fits(&frame)
        {
            device.counters.rx_dropped += 1;
            self.drop_frame(cx, Some(index), DropReason::TooBig, &frame);
            return;
        }
        self.take_in(cx, index, frame);
    }

    /// A frame came in at a device: to what stands on it, its bridge or this host.
    #[inline]
    pub(super) fn take_in(&mut self, cx: &mut Cx, index: IfIndex, frame: Frame) {
        let Some(device) = self.devices.get_mut(&index) else { return };
        device.count_received(&frame);
        let (master, is_shared) = (device.master, !device.uppers.is_empty());
        cx.hop(Some(index), Hop::Received, &frame);
        let rest = if is_shared { self.share(cx, index, frame) } else { Some(frame) };
        let Some(frame) = rest else { return };
        match master {
            Some(bridge) => self.bridge_frame(cx, bridge, index, frame),
            None => self.accept(cx, index, frame),
        }
    }

    /// A frame that reached the stack of this host at a device.
    pub(super) fn accept(&mut self, cx: &mut Cx, index: IfIndex, frame: Frame) {
        let Some(device) = self.devices.get(&index) else { return };
        let dst = frame.dst();
        if dst != device.mac && !dst.is_multicast() && !device.stations.contains(&dst) {
            self.drop_frame(cx, Some(index), DropReason::OtherHost, &frame);
            return;
        }
        let rest = if device.outside { self.share_with_outside(cx, index, frame) } else { Some(frame) };
        let Some(frame) = rest else { return };
        if frame.offload.is_whole() {
            self.accept_whole(cx, index, frame);
        } else {
            segment::whole(frame).into_iter().for_each(|frame| self.accept_whole(cx, index, frame));
        }
    }

    fn accept_whole(&mut self, cx: &mut Cx, index: IfIndex, frame: Frame) {
        match frame.ethertype() {
            ethertype::ARP => self.receive_arp(cx, index, &frame),
            ethertype::IPV4 | ethertype::IPV6 => self.receive_packet(cx, index, frame),
            _ => self.drop_frame(cx, Some(index), DropReason::UnknownProtocol, &frame),
        }
    }

    /// A frame that was sent by a device has no link to go by.
    pub(crate) fn drop_sent(&mut self, cx: &mut Cx, index: IfIndex, frame: &Frame) {
        self.drop_frame(cx, Some(index), DropReason::LinkDown, frame);
    }

    /// Sends a frame out of a device.
    pub(super) fn transmit(&mut self, cx: &mut Cx, index: IfIndex, frame: Frame) {
        let Some(device) = self.devices.get_mut(&index) else { return };
        let fits = device.fits(&frame);
        if !device.is_running() || !fits {
            device.counters.tx_dropped += 1;
            let reason = if fits { DropReason::LinkDown } else { DropReason::TooBig };
            self.drop_frame(cx, Some(index), reason, &frame);
            return;
        }
        if device.queue.is_some() { self.queue_frame(cx, index, frame) } else { self.depart(cx, index, frame) }
    }

    /// A frame leaves a device, past its queue.
    #[inline]
    pub(super) fn depart(&mut self, cx: &mut Cx, index: IfIndex, frame: Frame) {
        let Some(device) = self.devices.get_mut(&index) else { return };
        match &device.kind {
            Kind::Loopback => device.launch(cx, None, frame),
            // Nobody reads of a device that no program has opened; it has no carrier either.
            Kind::Dummy | Kind::Tun(_) => device.count_sent(cx, &frame),
            Kind::Vxlan(_) => segment::whole(frame).iter().for_each(|frame| self.encapsulate(cx, index, frame)),
            Kind::Veth { link } | Kind::Stacked { link, .. } => {
                let link = *link;
                device.launch(cx, Some(link), frame);
            }
            Kind::Bridge(bridge) if bridge.is_plain() => {
                let egress = bridge.originate(cx.now, frame.dst());
                device.count_sent(cx, &frame);
                self.originate_bridged(cx, index, egress, frame);
            }
            Kind::Bridge(_) => {
                device.count_sent(cx, &frame);
                self.originate_carefully(cx, index, frame);
            }
        }
    }

    /// Sends a frame that a program built (a packet socket) out of a device.
    pub fn send_frame(&mut self, cx: &mut Cx, index: IfIndex, frame: Frame) {
        self.transmit(cx, index, frame);
    }

    /// Builds a frame and sends it out of a device from the device's own address.
    pub(super) fn transmit_new(&mut self, cx: &mut Cx, index: IfIndex, dst: Mac, kind: u16, payload: &[u8]) {
        let Some(device) = self.devices.get(&index) else { return };
        let mut frame = Frame::ethernet(dst, device.mac, kind, payload.len());
        frame.payload_mut().copy_from_slice(payload);
        self.transmit(cx, index, frame);
    }
}

impl Device {
    /// Whether a frame is not longer than the MTU allows; segments are cut where it leaves the simulation.
    pub(super) fn fits(&self, frame: &Frame) -> bool {
        let tag = if frame.vlan().is_some() { TAG_LEN } else { 0 };
        let fits = frame.len() <= self.mtu.bytes() + ETHERNET_LEN + tag;
        fits || (frame.offload.gso_size != 0 && segment::longest(frame) <= self.mtu.bytes())
    }

    /// Puts a frame on the link, or back to the stack for lo.
    pub(super) fn launch(&mut self, cx: &mut Cx, link: Option<LinkId>, frame: Frame) {
        self.count_sent(cx, &frame);
        cx.sent.push(Sent { device: self.index, link, frame });
    }

    pub(super) fn count_sent(&mut self, cx: &mut Cx, frame: &Frame) {
        self.counters.tx_packets += 1;
        self.counters.tx_bytes += frame.len() as u64;
        cx.hop(Some(self.index), Hop::Sent, frame);
    }

    /// Counts a frame in. `rx_bytes` has no Ethernet header, as the kernel counts it above the driver of a veth.
    pub(super) fn count_received(&mut self, frame: &Frame) {
        self.counters.rx_packets += 1;
        self.counters.rx_bytes += frame.len() as u64;
    }
}
