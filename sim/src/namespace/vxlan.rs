//! VXLAN at work: a tunnel's device gives its frames to the namespace where it was made, which sends them in UDP
//! datagrams, hears those of the far ends and gives what is in them back. What a tunnel knows is in [`crate::vxlan`].

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::problem::Problem;
use super::question::Question;
use super::way::{Limits, Way};
use super::{Cx, Namespace};
use crate::addr::Mac;
use crate::device::{IfIndex, Kind};
use crate::drop::DropReason;
use crate::frame::{ETHERNET_LEN, Frame, ethertype};
use crate::id::LinkId;
use crate::neighbour::State;
use crate::packet::build::{self, Parts, UpperChecksum};
use crate::packet::protocol;
use crate::route::policy::Flow;
use crate::socket::{Kind as SocketKind, SocketId};
use crate::vxlan::{self, Ear, Outer, Tunnelled, Vni};

/// Tunnels inside each other before a frame is taken to go round in a circle (`XMIT_RECURSION_LIMIT`).
const NESTING: u8 = 8;

/// A socket of the kernel's that hears for tunnels, and for which.
#[derive(Clone, Debug)]
pub(super) struct Hearing {
    socket: SocketId,
    port: u16,
    v6: bool,
    tunnels: Vec<(Vni, LinkId)>,
}

impl Namespace {
    /// Whether a tunnel that goes up could hear: nobody else has its port.
    pub(crate) fn can_hear(&self, ear: Ear) -> bool {
        self.hearing.iter().any(|h| h.port == ear.port && h.v6 == ear.v6) || self.sockets.is_free(everywhere(ear))
    }

    /// A tunnel that was made here goes up: it hears.
    pub(crate) fn begin_to_hear(&mut self, ear: Ear) {
        if !self.can_hear(ear) {
            return;
        }
        let open = self.hearing.iter().position(|h| h.port == ear.port && h.v6 == ear.v6);
        let at = open.unwrap_or_else(|| {
            let socket = self.sockets.open(SocketKind::Udp { local: everywhere(ear), peer: None });
            self.hearing.push(Hearing { socket, port: ear.port, v6: ear.v6, tunnels: Vec::new() });
            self.hearing.len() - 1
        });
        let tunnels = &mut self.hearing[at].tunnels;
        if !tunnels.iter().any(|(_, link)| *link == ear.link) {
            tunnels.push((ear.vni, ear.link));
        }
    }

    /// A tunnel that was made here goes down or away.
    pub(crate) fn cease_to_hear(&mut self, link: LinkId) {
        self.hearing.iter_mut().for_each(|h| h.tunnels.retain(|(_, l)| *l != link));
        for silent in self.hearing.extract_if(.., |h| h.tunnels.is_empty()) {
            self.sockets.close(silent.socket);
        }
    }

    /// Whether a socket hears for tunnels.
    pub(super) fn is_tunnels(&self, socket: SocketId) -> bool {
        self.hearing.iter().any(|h| h.socket == socket)
    }

    /// A datagram came from a far end: the frame inside goes to the device of its network.
    pub(super) fn unwrap_datagram(
        &mut self,
        cx: &mut Cx,
        index: IfIndex,
        socket: SocketId,
        (from, data): (IpAddr, &[u8]),
        outer: &Frame,
    ) {
        let Some((vni, inner)) = vxlan::parse(data).filter(|(_, inner)| inner.len() >= ETHERNET_LEN) else {
            self.drop_frame(cx, Some(index), DropReason::Malformed, outer);
            return;
        };
        let tunnels = self.hearing.iter().filter(|h| h.socket == socket).flat_map(|h| &h.tunnels);
        let Some((_, link)) = tunnels.into_iter().find(|(v, _)| *v == vni).copied() else {
            self.drop_frame(cx, Some(index), DropReason::UnknownNetwork, outer);
            return;
        };
        let mut frame = Frame::copy_of(inner);
        frame.offload.nesting = outer.offload.nesting.saturating_sub(1);
        cx.tunnelled.push(Tunnelled { link, way: vxlan::Way::In(from), frame });
    }

    /// A frame of a far end came out of the tunnel at its device here.
    pub(crate) fn receive_tunnelled(&mut self, cx: &mut Cx, index: IfIndex, from: IpAddr, frame: Frame) {
        let Some(device) = self.devices.get_mut(&index) else { return };
        let (up, own) = (device.up, device.mac);
        let Kind::Vxlan(tunnel) = &mut device.kind else { return };
        // Its own frame came back, or a station is where it cannot be.
        let src = frame.src();
        let reason = if !up {
            Some(DropReason::LinkDown)
        } else if src == own || !tunnel.learn(cx.now, src, from) {
            Some(DropReason::Martian)
        } else {
            None
        };
        match reason {
            Some(reason) => {
                device.counters.rx_dropped += 1;
                self.drop_frame(cx, Some(index), reason, &frame);
            }
            None => self.take_in(cx, index, frame),
        }
    }

    /// A tunnel's device sends a frame: to each far end that its destination has.
    pub(super) fn encapsulate(&mut self, cx: &mut Cx, index: IfIndex, frame: &Frame) {
        let Some(device) = self.devices.get(&index) else { return };
        let Kind::Vxlan(tunnel) = &device.kind else { return };
        if let Some(question) = Question::parse(frame).filter(|_| tunnel.settings.proxy) {
            self.answer_for_neighbour(cx, index, question, frame);
            return;
        }
        let remotes = tunnel.remotes(cx.now, frame.dst());
        if remotes.is_empty() || frame.offload.nesting >= NESTING {
            self.refuse_to_wrap(cx, index, frame);
            return;
        }
        for remote in remotes {
            let way = vxlan::Way::Out(tunnel.outer(*remote, frame));
            cx.tunnelled.push(Tunnelled { link: tunnel.link, way, frame: frame.clone() });
        }
        if let Some(device) = self.devices.get_mut(&index) {
            device.count_sent(cx, frame);
        }
    }

    fn refuse_to_wrap(&mut self, cx: &mut Cx, index: IfIndex, frame: &Frame) {
        if let Some(device) = self.devices.get_mut(&index) {
            device.counters.tx_dropped += 1;
        }
        self.drop_frame(cx, Some(index), DropReason::NoRemote, frame);
    }

    /// A tunnel that is a proxy answers for those it knows, and lets no question through.
    fn answer_for_neighbour(&mut self, cx: &mut Cx, index: IfIndex, question: Question, frame: &Frame) {
        let known = self.neighbours.entry(index, question.target());
        let is_sure = |state| matches!(state, State::Reachable | State::Permanent | State::NoArp);
        match known.filter(|entry| is_sure(entry.state)).and_then(|entry| entry.mac) {
            Some(mac) => self.take_in(cx, index, question.answer(mac)),
            None => self.drop_frame(cx, Some(index), DropReason::NeighbourSilent, frame),
        }
    }

    /// Sends a frame of a tunnel in a datagram of this host.
    pub(crate) fn send_tunnelled(&mut self, cx: &mut Cx, device: Option<IfIndex>, outer: &Outer, inner: &Frame) {
        let Ok(way) = self.way_by(outer.dst, outer.via) else {
            self.drop_frame(cx, device, DropReason::NoRoute, inner);
            return;
        };
        let source = outer.src.or_else(|| self.source_on(way, outer.dst));
        // A tunnel whose way leads through itself is a circle.
        let Some(src) = source.filter(|_| Some(way.device) != device) else {
            self.drop_frame(cx, device, DropReason::NoRoute, inner);
            return;
        };
        let mut data = vxlan::header(outer.vni).to_vec();
        data.extend_from_slice(inner.bytes());
        if data.len() > 65507 || src.is_ipv4() != outer.dst.is_ipv4() {
            self.drop_frame(cx, device, DropReason::TooBig, inner);
            return;
        }
        let datagram = build::udp(outer.source_port(self.sysctl.local_ports), outer.port, &data);
        let is_broken = self.breaks_tunnel_checksums;
        let upper_checksum = if outer.checksum || is_broken { UpperChecksum::Fill } else { UpperChecksum::Given };
        let parts = Parts {
            ttl: outer.ttl,
            tos: outer.tos,
            ident: self.take_ident(),
            upper_checksum,
            ..Parts::new(src, outer.dst, protocol::UDP, &datagram)
        };
        let kind = if src.is_ipv4() { ethertype::IPV4 } else { ethertype::IPV6 };
        let mut frame = Frame::ethernet(Mac::ZERO, Mac::ZERO, kind, build::header_len(src) + datagram.len());
        build::write(&parts, frame.payload_mut());
        if is_broken {
            let packet = frame.payload_mut();
            // The lower byte of UDP's checksum: never nought, which would mean that there is none.
            packet[build::header_len(src) + 7] ^= 0x55;
        }
        frame.offload.nesting = inner.offload.nesting + 1;
        // A datagram that the firewall stops is lost like any other.
        let _ = self.originate(cx, way, frame.into());
    }

    /// The way to an address, by one device when that is fixed.
    fn way_by(&self, dst: IpAddr, via: Option<IfIndex>) -> Result<Way, Problem> {
        let Some(device) = via.filter(|_| !self.is_local(dst)) else { return self.way_to(dst) };
        if dst.is_multicast() {
            return Ok(Way { device, gateway: None, source: None, limits: Limits::default(), is_here: false });
        }
        let oif = self.devices.get(&device).map(|device| device.name.as_str());
        self.way_of(&Flow { oif, ..Flow::to(dst) })
    }
}

/// Where a tunnel hears: at every address of the family.
fn everywhere(ear: Ear) -> SocketAddr {
    let ip = if ear.v6 { IpAddr::V6(Ipv6Addr::UNSPECIFIED) } else { IpAddr::V4(Ipv4Addr::UNSPECIFIED) };
    SocketAddr::new(ip, ear.port)
}
