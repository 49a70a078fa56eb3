//! Frames through bridges. Where a frame goes is decided in [`crate::bridge`]; this carries it there, past the firewall
//! when that is asked for, and speaks with other bridges where a spanning tree is on.

use super::{Cx, Namespace};
use crate::addr::Mac;
use crate::bridge::bpdu::{self, Bpdu};
use crate::bridge::tree::State;
use crate::bridge::{Address, Admitted, Bridge, Egress};
use crate::capture::Hop;
use crate::device::{Device, IfIndex, Kind};
use crate::drop::DropReason;
use crate::frame::Frame;
use crate::time::Instant;

impl Namespace {
    /// A frame that came in by a port of a bridge.
    pub(super) fn bridge_frame(&mut self, cx: &mut Cx, bridge: IfIndex, port: IfIndex, frame: Frame) {
        // No station has such an address (`br_handle_frame`).
        if frame.src().is_multicast() || frame.src() == Mac::ZERO {
            self.drop_frame(cx, Some(port), DropReason::Malformed, &frame);
            return;
        }
        let Some(device) = self.devices.get_mut(&bridge).filter(|d| d.up) else {
            self.drop_frame(cx, Some(port), DropReason::LinkDown, &frame);
            return;
        };
        let own = device.mac;
        let Some(table) = device.bridge_mut() else { return };
        if !table.is_plain() {
            self.bridge_carefully(cx, bridge, port, frame);
            return;
        }
        match table.forward(cx.now, port, frame.src(), frame.dst(), own) {
            Egress::Local => self.bridge_up(cx, bridge, frame),
            Egress::Port(out) => self.bridge_across(cx, bridge, (port, out), frame),
            Egress::Nowhere => self.drop_frame(cx, Some(port), DropReason::SamePort, &frame),
            Egress::Flood if frame.dst().is_multicast() => {
                self.flood_across(cx, bridge, port, frame.clone());
                self.bridge_up(cx, bridge, frame);
            }
            Egress::Flood => self.flood_across(cx, bridge, port, frame),
        }
    }

    /// A bridged frame goes up to the host's own stack, at the bridge's device.
    fn bridge_up(&mut self, cx: &mut Cx, bridge: IfIndex, frame: Frame) {
        if let Some(device) = self.devices.get_mut(&bridge) {
            device.count_received(&frame);
        }
        cx.hop(Some(bridge), Hop::Received, &frame);
        if let Some(frame) = self.share(cx, bridge, frame) {
            self.accept(cx, bridge, frame);
        }
    }

    /// A bridged frame goes out by one port, past the firewall when that is asked for.
    fn bridge_across(&mut self, cx: &mut Cx, bridge: IfIndex, (port, out): (IfIndex, IfIndex), frame: Frame) {
        if let Some(frame) = self.filter_bridged(cx, bridge, (Some(port), Some(out)), frame) {
            self.transmit(cx, out, frame);
        }
    }

    /// A bridged frame goes out by every other port, past the firewall when that is asked for.
    fn flood_across(&mut self, cx: &mut Cx, bridge: IfIndex, port: IfIndex, frame: Frame) {
        if let Some(frame) = self.filter_bridged(cx, bridge, (Some(port), None), frame) {
            self.flood(cx, bridge, Some(port), &frame);
        }
    }

    /// A frame goes out by every port but the one it came from.
    fn flood(&mut self, cx: &mut Cx, bridge: IfIndex, ingress: Option<IfIndex>, frame: &Frame) {
        // The list of ports is lent out, for sending needs the other devices.
        let Some(ports) = self.devices.get_mut(&bridge).and_then(Device::bridge_mut).map(Bridge::lend_ports) else {
            return;
        };
        for port in ports.iter().filter(|port| Some(**port) != ingress) {
            let Some(device) = self.devices.get_mut(port).filter(|d| d.is_running()) else { continue };
            match device.kind {
                Kind::Veth { link } if device.queue.is_none() && device.fits(frame) => {
                    device.launch(cx, Some(link), frame.clone());
                }
                _ => self.transmit(cx, *port, frame.clone()),
            }
        }
        if let Some(bridge) = self.devices.get_mut(&bridge).and_then(Device::bridge_mut) {
            bridge.return_ports(ports);
        }
    }

    /// A frame of the host itself goes out by a bridge's ports.
    pub(super) fn originate_bridged(&mut self, cx: &mut Cx, bridge: IfIndex, egress: Egress, frame: Frame) {
        match egress {
            Egress::Port(port) => self.transmit(cx, port, frame),
            Egress::Flood => self.flood(cx, bridge, None, &frame),
            Egress::Local | Egress::Nowhere => self.drop_frame(cx, Some(bridge), DropReason::SamePort, &frame),
        }
    }

    // Where more is set than usual.

    /// The same where the bridge looks at VLANs, has a spanning tree, or its ports are set to something.
    fn bridge_carefully(&mut self, cx: &mut Cx, bridge: IfIndex, port: IfIndex, frame: Frame) {
        let Some(device) = self.devices.get_mut(&bridge) else { return };
        let own = device.mac;
        let Some(table) = device.bridge_mut() else { return };
        if frame.dst() == bpdu::GROUP && table.tree().is_on() {
            self.receive_bpdu(cx, bridge, port, &frame);
            return;
        }
        let tag = if table.is_filtering() { frame.vlan() } else { None };
        let Some(admitted) = table.admit(cx.now, port, tag, (frame.src(), frame.dst(), own)) else {
            self.drop_frame(cx, Some(port), DropReason::PortClosed, &frame);
            return;
        };
        let frame = if admitted.vlan == 0 { frame } else { frame.untagged() };
        let called = table.calls_firewall(frame.ethertype());
        if admitted.egress == Egress::Local {
            self.bridge_up_in(cx, bridge, admitted.vlan, frame);
            return;
        }
        let everybody = admitted.egress == Egress::Flood && frame.dst().is_multicast();
        let out = if let Egress::Port(out) = admitted.egress { Some(out) } else { None };
        let passed = if called {
            self.pass_bridged(cx, bridge, (Some(port), out), frame.clone())
        } else {
            self.filter_bridged(cx, bridge, (Some(port), out), frame.clone())
        };
        if let Some(passed) = passed {
            self.spread(cx, bridge, Some(port), admitted, &passed);
        }
        if everybody {
            self.bridge_up_in(cx, bridge, admitted.vlan, frame);
        }
    }

    /// A frame of a VLAN goes up to the host's own stack, when the bridge's device is in it.
    fn bridge_up_in(&mut self, cx: &mut Cx, bridge: IfIndex, vlan: u16, frame: Frame) {
        let table = self.devices.get(&bridge).and_then(Device::bridge);
        let untagged = if vlan == 0 { Some(true) } else { table.and_then(|table| table.own_vlans().egress(vlan)) };
        match untagged {
            Some(true) => self.bridge_up(cx, bridge, frame),
            Some(false) => self.bridge_up(cx, bridge, frame.tagged(vlan)),
            None => self.drop_frame(cx, Some(bridge), DropReason::PortClosed, &frame),
        }
    }

    /// A frame of the host itself, where more is set than usual.
    pub(super) fn originate_carefully(&mut self, cx: &mut Cx, bridge: IfIndex, frame: Frame) {
        let Some(table) = self.devices.get(&bridge).and_then(Device::bridge) else { return };
        let tag = if table.is_filtering() { frame.vlan() } else { None };
        match table.originate_in(cx.now, tag, frame.dst()) {
            Some(admitted) if matches!(admitted.egress, Egress::Port(_) | Egress::Flood) => {
                let frame = if admitted.vlan == 0 { frame } else { frame.untagged() };
                self.spread(cx, bridge, None, admitted, &frame);
            }
            Some(_) => self.drop_frame(cx, Some(bridge), DropReason::SamePort, &frame),
            None => self.drop_frame(cx, Some(bridge), DropReason::PortClosed, &frame),
        }
    }

    /// Sends a frame, without its tag, out of every port that it is for, with the tag that it has there.
    fn spread(&mut self, cx: &mut Cx, bridge: IfIndex, from: Option<IfIndex>, admitted: Admitted, frame: &Frame) {
        let Some(table) = self.devices.get(&bridge).and_then(Device::bridge) else { return };
        let Admitted { vlan, egress } = admitted;
        let (address, candidates) = match egress {
            Egress::Port(port) => (Address::Known, vec![port]),
            _ if frame.dst().is_broadcast() => (Address::Everybody, table.ports().to_vec()),
            _ if frame.dst().is_multicast() => (Address::Group, table.ports().to_vec()),
            _ => (Address::Unknown, table.ports().to_vec()),
        };
        let leaves = |out: IfIndex| Some((out, table.delivers(from, out, vlan, address)?));
        let outs: Vec<(IfIndex, bool)> = candidates.into_iter().filter_map(leaves).collect();
        if outs.is_empty() && address == Address::Known {
            self.drop_frame(cx, from, DropReason::SamePort, frame);
        }
        for (out, untagged) in outs {
            if self.devices.get(&out).is_some_and(Device::is_running) {
                let frame = if vlan == 0 || untagged { frame.clone() } else { frame.tagged(vlan) };
                self.transmit(cx, out, frame);
            }
        }
    }

    // The spanning tree.

    /// A BPDU came in by a port of a bridge with a spanning tree.
    fn receive_bpdu(&mut self, cx: &mut Cx, bridge: IfIndex, port: IfIndex, frame: &Frame) {
        let length = usize::from(frame.ethertype());
        let Some(bpdu) = frame.payload().get(..length).and_then(Bpdu::parse) else {
            self.drop_frame(cx, Some(port), DropReason::Malformed, frame);
            return;
        };
        let now = cx.now;
        let Some(table) = self.devices.get_mut(&bridge).and_then(Device::bridge_mut) else { return };
        if table.port(port).is_some_and(|port| port.settings.guard) {
            table.tell_tree(|tree| tree.disable(port, now));
            table.flush_port(port);
            self.drop_frame(cx, Some(port), DropReason::PortClosed, frame);
        } else {
            table.tell_tree(|tree| tree.receive(now, port, &bpdu));
        }
        self.heed_tree(cx, bridge);
    }

    /// The ports of a bridge work while they run and the bridge is up.
    pub(super) fn judge_ports(&mut self, cx: &mut Cx, bridge: IfIndex) {
        let Some(device) = self.devices.get(&bridge) else { return };
        let (up, Some(table)) = (device.up, device.bridge()) else { return };
        let runs = |port: &IfIndex| up && self.devices.get(port).is_some_and(Device::is_running);
        let ports: Vec<(IfIndex, bool)> = table.ports().iter().map(|port| (*port, runs(port))).collect();
        let now = cx.now;
        let Some(table) = self.devices.get_mut(&bridge).and_then(Device::bridge_mut) else { return };
        table.tell_tree(|tree| {
            tree.set_running(up, now);
            for (port, runs) in ports {
                // A port that a guard switched off waits until its cable is pulled.
                let was = core::mem::replace(tree.works_mut(port), runs);
                match (was, runs) {
                    (false, true) => tree.enable(port, now),
                    (true, false) => tree.disable(port, now),
                    _ => {}
                }
            }
        });
        self.say_tree(cx, bridge);
    }

    /// Changes what a bridge or its ports are set to.
    pub(crate) fn set_bridge<T>(
        &mut self,
        cx: &mut Cx,
        bridge: IfIndex,
        change: impl FnOnce(&mut Bridge, Instant) -> T,
    ) -> Option<T> {
        let now = cx.now;
        let table = self.devices.get_mut(&bridge).and_then(Device::bridge_mut)?;
        let said = change(table, now);
        self.heed_tree(cx, bridge);
        Some(said)
    }

    /// Lets bridges do what is due in their trees.
    pub(super) fn poll_trees(&mut self, cx: &mut Cx) {
        if self.tree_at.is_none_or(|at| at > cx.now) {
            return;
        }
        let now = cx.now;
        let is_due =
            |device: &&Device| device.bridge().and_then(|table| table.tree().next_at()).is_some_and(|at| at <= now);
        let due: Vec<IfIndex> = self.devices.values().filter(is_due).map(|device| device.index).collect();
        self.tree_at = None;
        for bridge in due {
            self.set_bridge(cx, bridge, |table, now| table.tell_tree(|tree| tree.poll(now)));
        }
        self.plan_trees();
    }

    /// After a tree decided: what it says, and whether the bridge has carrier.
    fn heed_tree(&mut self, cx: &mut Cx, bridge: IfIndex) {
        self.say_tree(cx, bridge);
        self.judge_bridge_carrier(cx, bridge);
    }

    /// Sends what a tree has to say, and notes when it wants to be asked again.
    fn say_tree(&mut self, cx: &mut Cx, bridge: IfIndex) {
        let Some(table) = self.devices.get_mut(&bridge).and_then(Device::bridge_mut) else { return };
        let sent = table.tell_tree(|tree| tree.take_sent());
        for (port, bpdu) in sent {
            let Some(mac) = self.devices.get(&port).map(|device| device.mac) else { continue };
            let bytes = bpdu.bytes();
            let length = u16::try_from(bytes.len()).expect("a BPDU is short");
            let mut frame = Frame::ethernet(bpdu::GROUP, mac, length, bytes.len());
            frame.payload_mut().copy_from_slice(&bytes);
            self.transmit(cx, port, frame);
        }
        self.plan_trees();
    }

    fn plan_trees(&mut self) {
        let tables = self.devices.values().filter_map(Device::bridge);
        self.tree_at = tables.filter_map(|table| table.tree().next_at()).min();
    }

    /// Whether a port of a bridge forwards.
    pub(super) fn forwards(&self, bridge: &Bridge, port: IfIndex) -> bool {
        bridge.tree().state(port) == State::Forwarding
    }
}
