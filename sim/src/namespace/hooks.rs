//! Where packets meet the firewall: each hook of netfilter, in the order in which a packet passes them. The rules and
//! the flows are the firewall's own; this tells it what the packet's devices and addresses are here.

use core::net::IpAddr;

use super::problem::Problem;
use super::{Cx, Namespace};
use crate::addr::v4;
use crate::capture::Ends;
use crate::device::{Address, Device, Devices, IfIndex, Scope};
use crate::drop::DropReason;
use crate::filter::{AddressKind, Hook, Path, RejectWith, Surroundings};
use crate::frame::{Frame, ethertype};
use crate::netfilter::{self, Passage, Verdict};
use crate::packet::{Ip, segment};
use crate::route::policy::{Flow, Found};
use crate::route::{self, Action, Hop, Metric, Route};

/// The ports of a bridge that a frame comes in and goes out by; none to go out by when it goes out by all.
pub(super) type Ports = (Option<IfIndex>, Option<IfIndex>);

/// The code of ICMP.
const PORT_UNREACHABLE: u8 = 3;

/// A packet on its way through this host, and what the hooks remember of it.
pub(super) struct Packet {
    pub(super) frame: Frame,
    pub(super) passage: Passage,
    /// The device by which it came to this host; none when it is its own.
    pub(super) came_by: Option<IfIndex>,
    /// Whom it is given to, where that is known.
    pub(super) next_hop: Option<IpAddr>,
}

impl From<Frame> for Packet {
    fn from(frame: Frame) -> Self {
        Self { frame, passage: Passage::default(), came_by: None, next_hop: None }
    }
}

impl Packet {
    /// One that came by a device.
    pub(super) fn arrived(frame: Frame, index: IfIndex) -> Self {
        Self { came_by: Some(index), ..frame.into() }
    }

    /// The mark that rules gave it.
    pub(super) const fn mark(&self) -> u32 {
        self.passage.mark()
    }

    /// What the hooks are to know of this host's own report about it.
    pub(super) fn report(&self) -> Passage {
        self.passage.of_report()
    }

    /// Whether load balancing has had it in its hands.
    pub(super) const fn is_balanced(&self) -> bool {
        self.passage.is_balanced()
    }

    /// Whether the last hook changed where it goes.
    pub(super) const fn is_rerouted(&self) -> bool {
        self.passage.is_rerouted()
    }
}

/// The addresses of this host and its ways, as the firewall asks for them.
struct Addresses<'a>(&'a Devices, &'a route::Table, &'a route::policy::Policy);

impl Addresses<'_> {
    fn named(&self, device: &str) -> Option<&Device> {
        self.0.values().find(|d| d.name == device)
    }
}

impl Surroundings for Addresses<'_> {
    fn mtu_towards(&self, addr: IpAddr) -> Option<usize> {
        let Self(devices, routes, policy) = self;
        let up = |hop: &Hop| devices.get(&hop.device).filter(|device| device.up);
        let usable = |r: &Route| r.ways().any(|hop| up(&hop).is_some());
        match policy.lookup(routes, &Flow::to(addr), usable)?.1 {
            Found::Route(route) => {
                let device = route.ways().find_map(|hop| up(&hop))?.mtu.bytes();
                Some(route.metrics.get(Metric::Mtu).map_or(device, |mtu| device.min(mtu as usize)))
            }
            Found::End(_) => None,
        }
    }

    fn kind_of(&self, addr: IpAddr, device: Option<&str>) -> AddressKind {
        let mut devices = self.0.values().filter(|d| device.is_none_or(|name| d.name == name));
        let is_broadcast = |v4| devices.clone().any(|d| d.is_broadcast(v4));
        match addr {
            _ if addr.is_unspecified() => AddressKind::Unspecified,
            _ if addr.is_multicast() => AddressKind::Multicast,
            IpAddr::V4(v4) if v4.is_broadcast() || is_broadcast(v4) => AddressKind::Broadcast,
            _ if addr.is_loopback() || devices.any(|d| d.has(addr)) => AddressKind::Local,
            _ => match self.2.kind_of(self.1, addr) {
                Some(Action::Local) => AddressKind::Local,
                Some(Action::Broadcast) => AddressKind::Broadcast,
                _ => AddressKind::Unicast,
            },
        }
    }

    fn source_towards(&self, device: &str, next_hop: IpAddr, dst: IpAddr) -> Option<IpAddr> {
        let out = self.named(device)?.index;
        match dst {
            IpAddr::V4(_) => self.0.source_v4(out, v4(next_hop), Scope::GLOBAL).map(IpAddr::V4),
            IpAddr::V6(dst) => self.0.source_v6(Some(out), dst).map(IpAddr::V6),
        }
    }

    fn address_like(&self, device: &str, addr: IpAddr) -> Option<IpAddr> {
        let own = &self.named(device)?.addresses;
        let reaches_as_far = |a: &&Address| a.scope == Address::new(addr.into()).scope;
        match addr {
            IpAddr::V4(_) => own.iter().find_map(Address::v4).map(IpAddr::V4),
            IpAddr::V6(_) => own.iter().rev().filter(reaches_as_far).find_map(Address::v6).map(IpAddr::V6),
        }
    }
}

impl Namespace {
    /// Lets a packet pass a hook. None when a rule stopped it; its sender is told when the rule says so.
    pub(super) fn pass(&mut self, cx: &mut Cx, hook: Hook, packet: Packet, egress: Option<IfIndex>) -> Option<Packet> {
        self.pass_as(cx, hook, packet, egress, None)
    }

    fn pass_as(
        &mut self,
        cx: &mut Cx,
        hook: Hook,
        mut packet: Packet,
        egress: Option<IfIndex>,
        bridged: Option<Ports>,
    ) -> Option<Packet> {
        // Where it leaves, nobody asks any more how it came.
        let is_leaving = matches!(hook, Hook::Output | Hook::Postrouting);
        let ingress = packet.came_by.filter(|_| !is_leaving);
        let name = |index: Option<IfIndex>| index.and_then(|i| self.devices.get(&i)).map(|d| d.name.as_str());
        let has_frame = |d: &Device| !d.is_loopback() && !d.is_tun();
        let framed = ingress.and_then(|index| self.devices.get(&index)).is_some_and(has_frame);
        let source_mac = framed.then(|| packet.frame.src());
        let (in_port, out_port) = bridged.unwrap_or_default();
        let path = Path {
            in_device: name(ingress),
            out_device: name(egress),
            in_port: name(in_port),
            out_port: name(out_port),
            bridged: bridged.is_some(),
            source_mac,
            owner: self.speaker.filter(|_| is_leaving),
            next_hop: packet.next_hop,
        };
        let addresses = Addresses(&self.devices, &self.routes, &self.policy);
        let before = if cx.capturing { Ends::of(&packet.frame) } else { None };
        let bytes = packet.frame.payload_mut();
        let verdict = self.netfilter.hook(cx.now, hook, bytes, &mut packet.passage, &path, &addresses);
        if let Some(before) = before {
            cx.translated.extend(Ends::of(&packet.frame).filter(|after| *after != before).map(|after| [before, after]));
        }
        let (cause, answer) = match verdict {
            Verdict::Accept => return Some(packet),
            Verdict::Drop(netfilter::DropReason::Unserved) => {
                (netfilter::DropReason::Unserved, Some(RejectWith::V4(PORT_UNREACHABLE)))
            }
            Verdict::Drop(cause) => (cause, None),
            Verdict::Reject(how, place) => (netfilter::DropReason::Rule(place), Some(how)),
        };
        let reason = match cause {
            netfilter::DropReason::Malformed => DropReason::Malformed,
            _ => DropReason::Filtered,
        };
        let v4 = packet.frame.ethertype() == ethertype::IPV4;
        let note = (reason, |ns: &Self| ns.netfilter.explain(v4, cause));
        self.drop_with_note(cx, egress.or(ingress), note, &packet.frame);
        if let Some(how) = answer {
            self.reject(cx, how, &packet);
        }
        None
    }

    /// A rule of the firewall refuses a packet. A fragment is refused in silence: the checksum of the whole cannot be
    /// looked at, and Linux answers to nothing that may be damaged.
    fn reject(&mut self, cx: &mut Cx, how: RejectWith, packet: &Packet) {
        if Ip::parse(packet.frame.payload()).is_some_and(|ip| ip.fragment.is_some()) {
            return;
        }
        match how {
            RejectWith::TcpReset => {
                self.reset(cx, packet.frame.payload(), &packet.report());
                self.netfilter.close(cx.now, &packet.passage);
            }
            RejectWith::V4(code) | RejectWith::V6(code) => self.complain_of(cx, Problem::Rejected(code), packet),
        }
    }

    /// A frame that crosses a bridge passes the hooks too when `bridge-nf-call-iptables` is on (oracle fact 29): the
    /// bridge is both the device it came by and the one it leaves by.
    #[inline]
    pub(super) fn filter_bridged(&mut self, cx: &mut Cx, bridge: IfIndex, ports: Ports, frame: Frame) -> Option<Frame> {
        if !self.sysctl.bridge_nf_call || !matches!(frame.ethertype(), ethertype::IPV4 | ethertype::IPV6) {
            return Some(frame);
        }
        self.pass_bridged(cx, bridge, ports, frame)
    }

    pub(super) fn pass_bridged(&mut self, cx: &mut Cx, bridge: IfIndex, ports: Ports, frame: Frame) -> Option<Frame> {
        let here = Some(bridge);
        let packet = self.pass_as(cx, Hook::Prerouting, Packet::arrived(frame, bridge), None, Some((ports.0, None)))?;
        let packet = self.pass_as(cx, Hook::Forward, packet, here, Some(ports))?;
        let mut frame = self.pass_as(cx, Hook::Postrouting, packet, here, Some(ports))?.frame;
        if frame.offload.partial_checksum {
            // Mending is for checksums that are complete; what is there of this one depends on the addresses alone.
            segment::begin_checksum(frame.payload_mut());
        }
        Some(frame)
    }
}
