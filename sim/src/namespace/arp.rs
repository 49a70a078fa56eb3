//! ARP (RFC 826): who has an IPv4 address. What is known is kept in the neighbour table; this builds and reads the
//! packets, and asks NDP for IPv6.

use core::net::{IpAddr, Ipv4Addr};

use super::problem::Problem;
use super::reverse::Source;
use super::{Cx, Namespace};
use crate::addr::Mac;
use crate::device::{Conf, IfIndex, Manner, Scope};
use crate::drop::DropReason;
use crate::frame::{Frame, ethertype};
use crate::neighbour::{Due, Resolution, Waiting};
use crate::packet::Ip;
use crate::packet::arp::{Arp, Operation};
use crate::route::policy::Flow;

impl Namespace {
    pub(super) fn receive_arp(&mut self, cx: &mut Cx, index: IfIndex, frame: &Frame) {
        let Some(Arp { operation, sender: (src, sender), target: (dst, _) }) = Arp::parse(frame.payload()) else {
            self.drop_frame(cx, Some(index), DropReason::Malformed, frame);
            return;
        };
        match operation {
            Operation::Request if self.answers_arp_for(index, dst, src) => {
                if self.learn_from_request(cx, index, src, sender, frame) {
                    self.send_arp(cx, index, Operation::Reply, dst, sender, src);
                }
            }
            Operation::Reply => {
                let solicited = frame.dst() != Mac::BROADCAST;
                let waiting = self.neighbours.answer(cx.now, index, IpAddr::V4(src), sender, solicited);
                self.release(cx, index, sender, waiting);
            }
            Operation::Request | Operation::Other => {}
        }
    }

    /// Linux answers for any of its addresses on any device, except 127.0.0.0/8, unless its settings say otherwise; for
    /// others where it is told to stand for them (`proxy_arp`).
    fn answers_arp_for(&self, index: IfIndex, addr: Ipv4Addr, src: Ipv4Addr) -> bool {
        let (ip, asker) = (IpAddr::V4(addr), IpAddr::V4(src));
        let speaks = self.devices.get(&index).is_some_and(|d| d.up && d.manners.has(Manner::Arp));
        if !speaks || addr.is_loopback() || self.judge_source(index, asker, ip, None) == Source::Refused {
            return false;
        }
        if !src.is_unspecified() && self.is_forged(index, &Flow { src: Some(asker), ..Flow::to(ip) }) {
            return false;
        }
        if self.leads_here(ip) {
            return self.tells_arp(index, addr, src) && self.leads_back(index, addr, src);
        }
        self.stands_for(index, ip, asker)
    }

    /// Whether an address is one that the device tells of (`arp_ignore`).
    fn tells_arp(&self, index: IfIndex, addr: Ipv4Addr, src: Ipv4Addr) -> bool {
        let own = self.devices.get(&index).is_some_and(|device| device.has(IpAddr::V4(addr)));
        let near = |device: &crate::device::Device| {
            device.addresses.iter().any(|a| a.net.ip() == IpAddr::V4(addr) && a.on_link().contains(IpAddr::V4(src)))
        };
        match self.inet(index, Conf::ArpIgnore) {
            1 => own,
            2 => self.devices.get(&index).is_some_and(near),
            // Addresses that are only for this host are not told.
            3 => {
                self.devices.values().any(|d| d.addresses.iter().any(|a| a.net.ip() == addr && a.scope != Scope::HOST))
            }
            8 => false,
            _ => true,
        }
    }

    /// Whether what this host sends from `addr` to who asks leaves by the device (`arp_filter`).
    fn leads_back(&self, index: IfIndex, addr: Ipv4Addr, src: Ipv4Addr) -> bool {
        if self.inet(index, Conf::ArpFilter) == 0 || src.is_unspecified() {
            return true;
        }
        self.way_from(Some(IpAddr::V4(addr)), IpAddr::V4(src)).is_ok_and(|way| way.device == index)
    }

    /// Whether the device answers for an address that is reached by another one: for any, or for those that it was told of.
    fn stands_for(&self, index: IfIndex, addr: IpAddr, asker: IpAddr) -> bool {
        let is_told = self.inet(index, Conf::ProxyArp) != 0 || self.neighbours.is_stood_for(index, addr);
        if !is_told || self.inet(index, Conf::Forwarding) == 0 || asker.is_unspecified() {
            return false;
        }
        let iif = self.devices.get(&index).map(|device| device.name.as_str());
        let way = self.way_of(&Flow { src: Some(asker), iif, ..Flow::to(addr) });
        way.is_ok_and(|way| way.device != index)
    }

    /// Who asks us is about to talk to us: its address is noted as stale. A probe has no address yet. Who cannot be noted
    /// gets no answer.
    fn learn_from_request(&mut self, cx: &mut Cx, index: IfIndex, src: Ipv4Addr, sender: Mac, request: &Frame) -> bool {
        if src.is_unspecified() {
            return true;
        }
        let Some(waiting) = self.neighbours.note(cx.now, index, IpAddr::V4(src), sender) else {
            self.drop_frame(cx, Some(index), DropReason::NeighbourOverflow, request);
            return false;
        };
        self.release(cx, index, sender, waiting);
        true
    }

    fn send_arp(&mut self, cx: &mut Cx, index: IfIndex, operation: Operation, src: Ipv4Addr, to: Mac, dst: Ipv4Addr) {
        let Some(own) = self.devices.get(&index).map(|d| d.mac) else { return };
        let target = if to == Mac::BROADCAST { Mac::ZERO } else { to };
        let arp = Arp { operation, sender: (src, own), target: (dst, target) };
        self.transmit_new(cx, index, to, ethertype::ARP, &arp.bytes());
    }

    /// Sends a packet to the next hop `addr` on a device once its Ethernet address is known.
    pub(super) fn send_to_neighbour(&mut self, cx: &mut Cx, index: IfIndex, addr: IpAddr, packet: Waiting) {
        match self.neighbours.resolve(cx.now, index, addr, packet) {
            Resolution::Known(mac, frame) => self.release(cx, index, mac, vec![frame]),
            Resolution::Ask => self.ask(cx, index, addr, None),
            Resolution::Waiting => {}
            Resolution::Full(frame) => self.drop_frame(cx, Some(index), DropReason::NeighbourQueue, &frame),
            Resolution::Overflow(frame) => self.drop_frame(cx, Some(index), DropReason::NeighbourOverflow, &frame),
        }
    }

    /// Asks for a neighbour's address: everybody, or the one that had it.
    pub(super) fn ask(&mut self, cx: &mut Cx, index: IfIndex, addr: IpAddr, to: Option<Mac>) {
        match addr {
            IpAddr::V4(dst) => {
                let Some(IpAddr::V4(src)) = self.asking_address(index, addr) else { return };
                self.send_arp(cx, index, Operation::Request, src, to.unwrap_or(Mac::BROADCAST), dst);
            }
            IpAddr::V6(dst) => self.solicit(cx, index, dst, to),
        }
    }

    /// The address that asks for a neighbour (`arp_announce`): that of the packet that waits, when it is this host's.
    fn asking_address(&self, index: IfIndex, addr: IpAddr) -> Option<IpAddr> {
        let knows = |src: &IpAddr| {
            let all = self.devices.get(&index).into_iter().flat_map(|device| &device.addresses);
            all.filter(|a| a.on_link().contains(*src)).any(|a| a.on_link().contains(addr))
        };
        let waiting = self.neighbours.first_waiting(index, addr).and_then(Ip::parse).map(|ip| ip.src);
        let wished = waiting.filter(|src| self.is_local(*src) && !src.is_loopback());
        let suits = match self.inet(index, Conf::ArpAnnounce) {
            0 => wished,
            1 => wished.filter(knows),
            _ => None,
        };
        suits.or_else(|| self.address_on(index, addr))
    }

    /// Packets that waited for an address go out to it.
    pub(super) fn release(&mut self, cx: &mut Cx, index: IfIndex, mac: Mac, waiting: Vec<Frame>) {
        let Some(own) = self.devices.get(&index).map(|d| d.mac) else { return };
        for mut frame in waiting {
            frame.readdress(mac, own);
            self.transmit(cx, index, frame);
        }
    }

    pub(super) fn neighbour_due(&mut self, cx: &mut Cx, due: Due) {
        match due {
            Due::Ask { device, addr, to } => self.ask(cx, device, addr, to),
            Due::Failed { device, packets, .. } => {
                for (frame, came_by) in packets {
                    self.drop_frame(cx, Some(device), DropReason::NeighbourSilent, &frame);
                    // To this host itself it goes by lo, where it meets the firewall, and is lost while lo is down.
                    self.complain_from(cx, Problem::HostUnreachable, frame.payload(), came_by);
                }
            }
        }
    }
}
