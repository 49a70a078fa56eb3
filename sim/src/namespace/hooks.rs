//! Where packets meet the firewall: each hook of netfilter, in the order in which a packet passes them. The rules and
//! the connections are the firewall's own; this tells it what the packet's devices and addresses are here.

use core::net::IpAddr;

use super::{Cx, Namespace};
use crate::addr::broadcast;
use crate::device::{Devices, IfIndex};
use crate::drop::DropReason;
use crate::filter::{Hook, Locality, Outcome, Place};
use crate::frame::{Frame, ethertype};

/// A host seen by the firewall: which addresses are its own, and which one a device would send from.
struct Addresses<'a> {
    devices: &'a Devices,
    egress: Option<IfIndex>,
}

impl Locality for Addresses<'_> {
    fn is_local(&self, addr: IpAddr) -> bool {
        addr.is_loopback() || self.devices.values().any(|d| d.has(addr))
    }

    fn is_broadcast(&self, addr: IpAddr) -> bool {
        let IpAddr::V4(v4) = addr else { return false };
        v4.is_broadcast() || self.devices.values().flat_map(|d| &d.addresses).any(|a| broadcast(a.net) == Some(v4))
    }

    fn masquerade_address(&self, like: IpAddr) -> Option<IpAddr> {
        let device = self.devices.get(&self.egress?)?;
        device.addresses.iter().map(|a| a.net.ip()).find(|ip| ip.is_ipv4() == like.is_ipv4())
    }
}

impl Namespace {
    /// Lets a packet pass a hook. None when a rule stopped it; the sender is told when the rule says so.
    pub(super) fn pass(
        &mut self,
        cx: &mut Cx,
        hook: Hook,
        mut frame: Frame,
        ingress: Option<IfIndex>,
        egress: Option<IfIndex>,
    ) -> Option<Frame> {
        if self.netfilter.is_idle() {
            return Some(frame);
        }
        let name = |index: Option<IfIndex>| index.and_then(|i| self.devices.get(&i)).map(|d| d.name.as_str());
        let place = Place { hook, ingress: name(ingress), egress: name(egress) };
        let addresses = Addresses { devices: &self.devices, egress };
        match self.netfilter.pass(cx.now, &place, &addresses, frame.payload_mut()) {
            Outcome::Accept => Some(frame),
            Outcome::Drop => {
                self.drop_frame(cx, egress.or(ingress), DropReason::Filtered, &frame);
                None
            }
            Outcome::Reject(how) => {
                self.drop_frame(cx, egress.or(ingress), DropReason::Filtered, &frame);
                self.reject(cx, how, frame.payload());
                None
            }
        }
    }

    /// A frame that crosses a bridge passes the hooks too when `bridge-nf-call-iptables` is on (oracle fact 29): the
    /// bridge is both the device it came by and the one it leaves by.
    pub(super) fn filter_bridged(&mut self, cx: &mut Cx, bridge: IfIndex, frame: Frame) -> Option<Frame> {
        let is_ip = matches!(frame.ethertype(), ethertype::IPV4 | ethertype::IPV6);
        if !self.sysctl.bridge_nf_call || !is_ip {
            return Some(frame);
        }
        let frame = self.pass(cx, Hook::Prerouting, frame, Some(bridge), None)?;
        let frame = self.pass(cx, Hook::Forward, frame, Some(bridge), Some(bridge))?;
        self.pass(cx, Hook::Postrouting, frame, None, Some(bridge))
    }
}
