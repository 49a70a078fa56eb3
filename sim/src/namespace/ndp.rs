//! Neighbour discovery for IPv6 (RFC 4861): solicitations and advertisements. What is known is kept in the neighbour
//! table. Routers are not discovered: addresses and routes are set by hand, as Docker does.

use core::net::{IpAddr, Ipv6Addr};

use smoltcp::phy::ChecksumCapabilities;
use smoltcp::wire::{Icmpv6Packet, Icmpv6Repr, NdiscNeighborFlags, NdiscRepr, RawHardwareAddress};

use super::{Cx, Namespace};
use crate::addr::{Mac, solicited_node};
use crate::device::{Address, Conf6, IfIndex};
use crate::drop::DropReason;
use crate::filter::Hook;
use crate::frame::{Frame, ethertype};
use crate::packet::build::{self, Parts};
use crate::packet::{Ip, protocol};

/// Neighbour discovery is believed only when no router touched it (RFC 4861 §7.1).
const HOP_LIMIT: u8 = 255;

impl Namespace {
    /// A neighbour solicitation or advertisement came. False when the message is something else.
    pub(super) fn receive_ndp(
        &mut self,
        cx: &mut Cx,
        index: IfIndex,
        src: Ipv6Addr,
        dst: Ipv6Addr,
        bytes: &[u8],
    ) -> bool {
        let Ok(packet) = Icmpv6Packet::new_checked(bytes) else { return false };
        let repr = Icmpv6Repr::parse(&src, &dst, &packet, &ChecksumCapabilities::default());
        let Ok(Icmpv6Repr::Ndisc(repr)) = repr else { return false };
        match repr {
            NdiscRepr::NeighborSolicit { target_addr, lladdr } => {
                if self.answers_solicitation_for(index, target_addr, src) {
                    self.answer_solicitation(cx, index, src, target_addr, lladdr.and_then(mac_of));
                }
            }
            NdiscRepr::NeighborAdvert { flags, target_addr, lladdr } => {
                if let Some(mac) = lladdr.and_then(mac_of) {
                    let solicited = flags.contains(NdiscNeighborFlags::SOLICITED);
                    let waiting = self.neighbours.answer(cx.now, index, IpAddr::V6(target_addr), mac, solicited);
                    self.release(cx, index, mac, waiting);
                }
            }
            NdiscRepr::RouterSolicit { .. } | NdiscRepr::RouterAdvert { .. } | NdiscRepr::Redirect { .. } => {}
        }
        true
    }

    /// A device answers for its own addresses, and of a router for those that it was told to stand for.
    fn answers_solicitation_for(&self, index: IfIndex, target: Ipv6Addr, asker: Ipv6Addr) -> bool {
        let Some(device) = self.devices.get(&index) else { return false };
        let says = |conf| device.inet6.get(conf) != 0;
        let target = IpAddr::V6(target);
        let stands = says(Conf6::ProxyNdp) || self.sysctl.inet6_of_all.get(Conf6::ProxyNdp) != 0;
        device.has(target)
            || stands
                && says(Conf6::Forwarding)
                && !asker.is_unspecified()
                && self.neighbours.is_stood_for(index, target)
    }

    fn answer_solicitation(
        &mut self,
        cx: &mut Cx,
        index: IfIndex,
        src: Ipv6Addr,
        target: Ipv6Addr,
        asker: Option<Mac>,
    ) {
        let Some(own) = self.devices.get(&index).map(|d| d.mac) else { return };
        let Some(asker) = asker.filter(|_| !src.is_unspecified()) else { return };
        let Some(waiting) = self.neighbours.note(cx.now, index, IpAddr::V6(src), asker) else {
            self.drops.count(Some(index), DropReason::NeighbourOverflow);
            return;
        };
        self.release(cx, index, asker, waiting);
        self.send_ndp(cx, index, target, src, asker, &advertisement(target, own));
    }

    /// Asks who has `dst`: everybody of its group, or the one that had it.
    pub(super) fn solicit(&mut self, cx: &mut Cx, index: IfIndex, dst: Ipv6Addr, to: Option<Mac>) {
        let Some(own) = self.devices.get(&index).map(|d| d.mac) else { return };
        let Some(src) = self.asking_address_v6(index, dst) else { return };
        let solicitation =
            NdiscRepr::NeighborSolicit { target_addr: dst, lladdr: Some(RawHardwareAddress::from_bytes(&own.0)) };
        let group = solicited_node(dst);
        let everybody = || (group, Mac::from_multicast(IpAddr::V6(group)));
        let (to_addr, mac) = to.map_or_else(everybody, |mac| (dst, mac));
        self.send_ndp(cx, index, src, to_addr, mac, &solicitation);
    }

    /// The address that asks for a neighbour: that of the packet that waits, when it is the device's, else the link-local
    /// one (`ndisc_solicit`).
    fn asking_address_v6(&self, index: IfIndex, addr: Ipv6Addr) -> Option<Ipv6Addr> {
        let own = || self.devices.get(&index).into_iter().flat_map(|device| &device.addresses).filter_map(Address::v6);
        let waiting = self.neighbours.first_waiting(index, IpAddr::V6(addr)).and_then(Ip::parse).map(|ip| ip.src);
        let suits = own().find(|ip| waiting == Some(IpAddr::V6(*ip)));
        suits.or_else(|| own().find(Ipv6Addr::is_unicast_link_local))
    }

    fn send_ndp(
        &mut self,
        cx: &mut Cx,
        index: IfIndex,
        src: Ipv6Addr,
        dst: Ipv6Addr,
        mac: Mac,
        message: &NdiscRepr<'_>,
    ) {
        let Some(own) = self.devices.get(&index).map(|d| d.mac) else { return };
        let bytes = packet(src, dst, message);
        let mut frame = Frame::ethernet(mac, own, ethertype::IPV6, bytes.len());
        frame.payload_mut().copy_from_slice(&bytes);
        self.count_request(&bytes);
        // A question is a packet of this host's like any other: a rule may stop it.
        let passed = self.pass(cx, Hook::Output, frame.into(), Some(index));
        let passed = passed.and_then(|packet| self.pass(cx, Hook::Postrouting, packet, Some(index)));
        if let Some(packet) = passed {
            self.count_departure(index, IpAddr::V6(dst), bytes.len());
            self.transmit(cx, index, packet.frame);
        }
    }
}

/// A message of neighbour discovery as a whole packet.
pub(super) fn packet(src: Ipv6Addr, dst: Ipv6Addr, message: &NdiscRepr<'_>) -> Vec<u8> {
    let repr = Icmpv6Repr::Ndisc(*message);
    let mut bytes = vec![0; repr.buffer_len()];
    repr.emit(&src, &dst, &mut Icmpv6Packet::new_unchecked(&mut bytes[..]), &ChecksumCapabilities::default());
    let (src, dst) = (IpAddr::V6(src), IpAddr::V6(dst));
    build::packet(&Parts { ttl: HOP_LIMIT, ..Parts::new(src, dst, protocol::ICMPV6, &bytes) })
}

/// What answers a solicitation: `target` has this Ethernet address.
pub(super) fn advertisement<'a>(target: Ipv6Addr, mac: Mac) -> NdiscRepr<'a> {
    NdiscRepr::NeighborAdvert {
        flags: NdiscNeighborFlags::SOLICITED | NdiscNeighborFlags::OVERRIDE,
        target_addr: target,
        lladdr: Some(RawHardwareAddress::from_bytes(&mac.0)),
    }
}

fn mac_of(raw: RawHardwareAddress) -> Option<Mac> {
    raw.as_bytes().try_into().ok().map(Mac)
}
