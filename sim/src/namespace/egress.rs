//! IP packets that go out: the route, the source address, fragments and the next hop.

use core::net::{IpAddr, Ipv4Addr};

use super::hooks::Packet;
use super::problem::Problem;
use super::way::{Limits, Way};
use super::{Cx, Namespace};
use crate::addr::{Mac, family, v4};
use crate::device::{Conf6, Device, IfIndex, Scope};
use crate::drop::DropReason;
use crate::filter::Hook;
use crate::frame::{Frame, ethertype};
use crate::namespace::fragment;
use crate::neighbour::Waiting;
use crate::netfilter::Passage;
use crate::packet::build::{self, Parts};
use crate::packet::{Ip, clamp, cut, protocol};
use crate::route::policy::{Flow, Found, TableId};
use crate::route::{Action, Hop, Metrics, Route, hop};
use crate::socket::{Discovery, Errno};
use crate::time::{Duration, Instant};

impl Namespace {
    /// The way to an address of a packet of our own without a source, or why there is none.
    pub(super) fn way_to(&self, dst: IpAddr) -> Result<Way, Problem> {
        self.way_out(&Flow::to(dst))
    }

    /// The same for a flow of which more is known.
    pub(super) fn way_out(&self, flow: &Flow<'_>) -> Result<Way, Problem> {
        let speaks = |device: &Device| device.up && device.addresses.iter().any(|a| a.net.is_ipv6());
        if flow.dst.is_ipv6() && !self.devices.values().any(speaks) {
            return Err(Problem::NoSource);
        }
        self.way_of(flow)
    }

    /// The same for a packet that has a source.
    pub(super) fn way_from(&self, src: Option<IpAddr>, dst: IpAddr) -> Result<Way, Problem> {
        self.way_of(&Flow { src, ..Flow::to(dst) })
    }

    /// The route for a flow that is not for this host.
    #[must_use]
    pub fn route_of(&self, flow: &Flow<'_>) -> Option<Found<'_>> {
        self.table_and_route_of(flow).map(|(_, found)| found)
    }

    /// The same, and in which table it is.
    #[must_use]
    pub fn table_and_route_of(&self, flow: &Flow<'_>) -> Option<(TableId, Found<'_>)> {
        let is_named = |index| flow.oif.is_none_or(|name| self.devices.get(&index).is_some_and(|d| d.name == name));
        let usable = |r: &Route| match r.device {
            // What is for this host comes in whatever its device does.
            Some(index) if r.action == Action::Local => is_named(index),
            // One that sends nothing may name a next hop all the same.
            _ if !r.action.sends() => flow.oif.is_none(),
            Some(index) => self.leads(index, flow),
            None => r.hops.iter().any(|hop| self.leads(hop.device, flow)),
        };
        let speaker = self.speaker.filter(|_| flow.iif.is_none()).map_or(flow.uid, |owner| owner.uid);
        self.policy.lookup(&self.routes, &Flow { uid: speaker, ..*flow }, usable)
    }

    /// Whether a flow can leave by a device.
    fn leads(&self, index: IfIndex, flow: &Flow<'_>) -> bool {
        self.devices.get(&index).is_some_and(|d| d.up && flow.oif.is_none_or(|name| d.name == name))
    }

    /// The next hop of a route that a flow takes; none when the route sends nothing.
    #[must_use]
    pub fn hop_of(&self, route: &Route, flow: &Flow<'_>) -> Option<Hop> {
        if route.hops.is_empty() {
            return route.ways().next();
        }
        // In a group of next hops with numbers nobody looks for the source (`fib_select_multipath`).
        let asks = flow.iif.is_none() && flow.src.is_some() && route.named.is_none();
        let is_source = |hop: &Hop| asks && self.address_by(*hop, flow.dst) == flow.src;
        let usable = route.hops.iter().filter(|hop| self.leads(hop.device, flow));
        let usable: Vec<(Hop, bool)> = usable.map(|hop| (*hop, is_source(hop))).collect();
        let by_ports = matches!(self.sysctl.multipath_policy, 1 | 3);
        let upper = if by_ports { flow.upper.get(..4).unwrap_or_default() } else { &[] };
        hop::choose(&usable, hop::hash(flow.src, flow.dst, upper))
    }

    /// The way of a flow, or why there is none. Where IPv6 finds none for a packet of its own that has no source yet, it asks
    /// again with the source that it would have: a rule may be about that (`ip6_dst_lookup_tail`).
    pub(super) fn way_of(&self, flow: &Flow<'_>) -> Result<Way, Problem> {
        let found = self.way_as_asked(flow);
        if found.is_ok() || flow.dst.is_ipv4() || flow.src.is_some() || flow.iif.is_some() {
            return found;
        }
        let Some(src) = self.source_v6(None, flow.dst) else { return found };
        let way = self.way_as_asked(&Flow { src: Some(src), ..*flow })?;
        Ok(Way { source: way.source.or(Some(src)), ..way })
    }

    fn way_as_asked(&self, flow: &Flow<'_>) -> Result<Way, Problem> {
        let found = self.way_by_routes(flow);
        let Some(named) = flow.oif.filter(|_| found.is_err() && flow.dst.is_ipv4() && flow.iif.is_none()) else {
            return found;
        };
        // What must leave by a device does, whatever the routes say: it is taken to be for somebody on its link.
        let device = self.device_named(named).filter(|device| device.up).ok_or(Problem::NetworkUnreachable)?;
        let limits = Limits::default();
        Ok(Way { device: device.index, gateway: None, source: None, limits, is_here: false })
    }

    fn way_by_routes(&self, flow: &Flow<'_>) -> Result<Way, Problem> {
        let dst = flow.dst;
        if self.has_address(dst) {
            return self.way_home(Some(local_source(dst)), Limits::default());
        }
        let (action, route) = match self.route_of(flow).ok_or(Problem::NetworkUnreachable)? {
            Found::Route(route) => (route.action, Some(route)),
            // A rule that says so is the end of a network, a route the end of a host.
            Found::End(Action::Unreachable) => return Err(Problem::NetworkUnreachable),
            Found::End(action) => (action, None),
        };
        match action {
            Action::Local => {
                let route = route.ok_or(Problem::NetworkUnreachable)?;
                let usual = || match dst {
                    IpAddr::V4(_) => Some(local_source(dst)),
                    IpAddr::V6(_) => self.source_v6(route.device, dst),
                };
                self.way_home(route.src.or_else(usual), Limits::of(&route.metrics))
            }
            Action::Unicast | Action::Broadcast | Action::Multicast | Action::Anycast => {
                let route = route.ok_or(Problem::NetworkUnreachable)?;
                let hop = self.hop_of(route, flow).ok_or(Problem::NetworkUnreachable)?;
                // A gateway that is this host itself leads nowhere: the destination is asked for on the link.
                let nearer = self.redirects.gateway(dst, hop.gateway);
                let gateway = nearer.or(hop.gateway).filter(|gateway| !self.is_local(*gateway));
                // The source is still what suits the gateway that the route names.
                let is_other = gateway != hop.gateway && dst.is_ipv4();
                let source = route.src.or_else(|| if is_other { self.address_by(hop, dst) } else { None });
                let limits = self.limits_on(hop.device, &route.metrics, dst);
                Ok(Way { device: hop.device, gateway, source, limits, is_here: false })
            }
            Action::Throw => Err(Problem::NetworkUnreachable),
            Action::Blackhole => Err(Problem::Blackhole),
            Action::Unreachable => Err(Problem::HostUnreachable),
            Action::Prohibit => Err(Problem::Prohibited),
        }
    }

    /// The way to this host itself. Where lo is down, it swallows what is sent there (oracle fact 27).
    fn way_home(&self, source: Option<IpAddr>, limits: Limits) -> Result<Way, Problem> {
        let lo = self.devices.values().find(|d| d.is_loopback());
        let device = lo.ok_or(Problem::NetworkUnreachable)?.index;
        Ok(Way { device, gateway: None, source, limits, is_here: true })
    }

    /// Whether a packet to `dst` that nothing more is known of ends in this host, by whatever table.
    pub(super) fn leads_here(&self, dst: IpAddr) -> bool {
        self.is_local(dst) || self.way_as_asked(&Flow::to(dst)).is_ok_and(|way| way.is_here)
    }

    /// Whether a packet to `dst` that was taken in is answered from there: it is for no group, nor for any of several hosts.
    pub(super) fn is_like_own(&self, dst: IpAddr) -> bool {
        !self.is_for_many(dst) && self.said_of(dst) != Some(Action::Anycast)
    }

    /// Whether a packet to `dst` is for everybody on a link, or for a group.
    pub(super) fn is_for_many(&self, dst: IpAddr) -> bool {
        let is_broadcast = |v4| self.devices.values().any(|device| device.is_broadcast(v4));
        let is_said = || self.said_of(dst) == Some(Action::Broadcast);
        dst.is_multicast() || matches!(dst, IpAddr::V4(v4) if is_broadcast(v4) || is_said())
    }

    /// What holds of packets to `dst` on a route by a device: of IPv6 the device has its own word where the route has none.
    fn limits_on(&self, index: IfIndex, metrics: &Metrics, dst: IpAddr) -> Limits {
        let said = Limits::of(metrics);
        let Some(device) = self.devices.get(&index).filter(|_| dst.is_ipv6()) else { return said };
        let number = |conf| u32::try_from(device.inet6.get(conf)).ok();
        let mtu = said.mtu.or_else(|| number(Conf6::Mtu).filter(|mtu| *mtu > 0));
        let hop_limit = said.hop_limit.or_else(|| number(Conf6::HopLimit).and_then(|limit| u8::try_from(limit).ok()));
        Limits { mtu, hop_limit, ..said }
    }

    /// The address this host would send from to reach `dst`.
    #[must_use]
    pub fn source_for(&self, dst: IpAddr) -> Option<IpAddr> {
        self.source_on(self.way_to(dst).ok()?, dst)
    }

    /// The same by a device, whatever the routes say (`SO_BINDTODEVICE`).
    ///
    /// # Errors
    /// What `connect(2)` says when no way leads there.
    pub fn source_by(&mut self, device: &str, dst: IpAddr) -> Result<IpAddr, Errno> {
        self.source_of_connection(&Flow { oif: Some(device), protocol: protocol::UDP, ..Flow::to(dst) })
    }

    /// The address this host would send from on a way.
    pub(super) fn source_on(&self, way: Way, dst: IpAddr) -> Option<IpAddr> {
        way.source.or_else(|| self.usual_source(way.device, way.gateway, dst))
    }

    /// The address from which a socket without one speaks to a peer.
    ///
    /// # Errors
    /// What `connect(2)` says when no way leads there.
    pub(super) fn source_of_connection(&mut self, flow: &Flow<'_>) -> Result<IpAddr, Errno> {
        let way = self.way_out(flow).map_err(|problem| self.no_way_out(flow.dst, problem))?;
        let source = self.source_on(way, flow.dst).ok_or(Errno::NetworkUnreachable)?;
        if flow.dst.is_ipv4() && !source.is_unspecified() && !self.is_local(source) {
            // A destination that only the main table takes in is no source (`__ip_dev_find`).
            return Err(Errno::NetworkUnreachable);
        }
        // IPv4 asks once more now that the source is known, which a rule may refuse (`ip_route_connect`).
        if flow.dst.is_ipv4() {
            let flow = Flow { src: flow.src.or(Some(source)), ..*flow };
            self.way_of(&flow).map_err(|problem| self.no_way_out(flow.dst, problem))?;
        }
        Ok(source)
    }

    /// The address this host would send from by a route that names none.
    #[must_use]
    pub fn address_by(&self, hop: Hop, dst: IpAddr) -> Option<IpAddr> {
        self.usual_source(hop.device, hop.gateway, dst)
    }

    /// The source of what leaves to `dst` by a device. IPv4 has one for the route and asks no farther: what suits the gateway,
    /// if there is one (`fib_info_update_nhc_saddr`); a host without an address sends from 0.0.0.0.
    fn usual_source(&self, device: IfIndex, gateway: Option<IpAddr>, dst: IpAddr) -> Option<IpAddr> {
        if dst.is_ipv6() {
            return self.source_v6(Some(device), dst);
        }
        let reach = if gateway.is_some() { Scope::GLOBAL } else { Scope::LINK };
        Some(self.devices.source_v4(device, gateway.and_then(v4), reach).unwrap_or(Ipv4Addr::UNSPECIFIED).into())
    }

    /// The address that this host would send from by a device to a neighbour on its link.
    #[must_use]
    pub fn address_on(&self, device: IfIndex, neighbour: IpAddr) -> Option<IpAddr> {
        match neighbour {
            IpAddr::V4(near) => {
                let own = self.devices.source_v4(device, Some(near), Scope::LINK);
                Some(own.unwrap_or(Ipv4Addr::UNSPECIFIED).into())
            }
            IpAddr::V6(_) => self.source_v6(Some(device), neighbour),
        }
    }

    /// The source that speaks most for itself among all own addresses of IPv6, for what leaves to `dst` by a device.
    pub(super) fn source_v6(&self, out: Option<IfIndex>, dst: IpAddr) -> Option<IpAddr> {
        let IpAddr::V6(dst) = dst else { return None };
        self.devices.source_v6(out, dst).map(IpAddr::V6)
    }

    pub(super) fn mtu_of(&self, index: IfIndex) -> usize {
        self.devices.get(&index).map_or(0, |d| d.mtu.bytes())
    }

    /// The largest packet on a way: the device's MTU, or less when the route says so.
    pub(super) fn link_mtu(&self, way: Way) -> usize {
        let device = self.mtu_of(way.device);
        way.limits.mtu.map_or(device, |mtu| device.min(mtu as usize))
    }

    /// The largest packet to `dst`: the device's MTU, or less when the path is known to be narrower.
    pub(super) fn path_mtu(&self, now: Instant, way: Way, dst: IpAddr) -> usize {
        let mtu = self.link_mtu(way);
        self.path_mtu.get(now, dst).map_or(mtu, |(known, _)| mtu.min(known))
    }

    /// What is known of a narrow place on the way to `dst`, and for how long.
    #[must_use]
    pub fn known_path_mtu(&self, now: Instant, dst: IpAddr) -> Option<(usize, Duration)> {
        self.path_mtu.get(now, dst)
    }

    /// Forgets what is known of narrow places and nearer routers (`ip route flush cache`).
    pub fn forget_path_mtus(&mut self) {
        self.path_mtu.clear();
        self.redirects.clear();
    }

    /// Sends a packet of our own on its way.
    ///
    /// # Errors
    /// `MessageTooLong` when it must not be fragmented; `NotPermitted` when the firewall stops it.
    pub(super) fn send(
        &mut self,
        cx: &mut Cx,
        way: Way,
        parts: &Parts<'_>,
        discovery: Discovery,
        passage: Passage,
    ) -> Result<(), Errno> {
        let len = build::header_len(parts.src) + parts.payload.len();
        let fits = len <= self.path_mtu(cx.now, way, parts.dst);
        if len > 65535 || (!fits && discovery == Discovery::Do) {
            return Err(Errno::MessageTooLong);
        }
        let ident = self.take_ident();
        let dont_fragment = match discovery {
            Discovery::Do => true,
            Discovery::Dont => false,
            Discovery::Want => fits,
        };
        let parts = Parts { ident, dont_fragment, ..*parts };
        let kind = if parts.dst.is_ipv4() { ethertype::IPV4 } else { ethertype::IPV6 };
        let mut frame = Frame::ethernet(Mac::ZERO, Mac::ZERO, kind, len);
        build::write(&parts, frame.payload_mut());
        self.originate(cx, way, Packet { passage, ..frame.into() })
    }

    /// A packet of our own begins its way: the output hook, and a new route when that changed where it goes.
    ///
    /// # Errors
    /// `NotPermitted` when the firewall stops it; what the routing table says when there is no way to where a rule sends it
    /// (`ip_route_me_harder`).
    pub(super) fn originate(&mut self, cx: &mut Cx, way: Way, packet: Packet) -> Result<(), Errno> {
        self.count_request(packet.frame.payload());
        let passed = self.pass(cx, Hook::Output, packet, Some(way.device));
        let packet = passed.ok_or(Errno::NotPermitted)?;
        let way = if packet.is_rerouted() { self.reroute(&packet) } else { Ok(way) };
        match way {
            Ok(way) => {
                self.leave(cx, way, packet);
                Ok(())
            }
            Err(problem) => {
                self.drop_frame(cx, None, problem.drop_reason(), &packet.frame);
                Err(problem.errno())
            }
        }
    }

    /// The way of a packet whose destination or mark a hook changed.
    pub(super) fn reroute(&self, packet: &Packet) -> Result<Way, Problem> {
        let ip = Ip::parse(packet.frame.payload()).ok_or(Problem::NetworkUnreachable)?;
        self.way_of(&Flow { src: Some(ip.src), mark: packet.mark(), ..Flow::of(&ip, packet.frame.payload()) })
    }

    /// Sends a packet that somebody else built (TCP), of a connection that this host began or not. One of IPv6 that it began
    /// keeps the way that was found before it had a source.
    pub(super) fn send_built(&mut self, cx: &mut Cx, bytes: &[u8], is_begun: bool, passage: Passage) {
        let Some(ip) = Ip::parse(bytes) else { return };
        let src = Some(ip.src).filter(|src| src.is_ipv4() || !is_begun);
        let Ok(way) = self.way_of(&Flow { src, ..Flow::of(&ip, bytes) }) else { return };
        let kind = if ip.dst.is_ipv4() { ethertype::IPV4 } else { ethertype::IPV6 };
        let mut frame = Frame::ethernet(Mac::ZERO, Mac::ZERO, kind, bytes.len());
        frame.payload_mut().copy_from_slice(bytes);
        if let Some(most) = way.limits.segment {
            clamp::segments(frame.payload_mut(), &ip, most as usize);
        }
        if ip.dst.is_ipv4() {
            cut::set_ident(frame.payload_mut(), self.take_ident());
        }
        // A connection goes on as if the packet had been lost.
        let _ = self.originate(cx, way, Packet { passage, ..frame.into() });
    }

    /// The hop limit of a packet of our own from this address on this way.
    pub(super) fn own_ttl(&self, src: IpAddr, limits: Limits) -> u8 {
        let usual = if src.is_ipv4() { self.sysctl.default_ttl } else { 64 };
        limits.hop_limit.unwrap_or(usual)
    }

    /// What the route between two addresses says of the packets on it.
    pub(super) fn limits_between(&self, src: IpAddr, dst: IpAddr) -> Limits {
        self.way_from(Some(src), dst).map(|way| way.limits).unwrap_or_default()
    }

    /// The identification for a packet of our own.
    pub(super) const fn take_ident(&mut self) -> u16 {
        let ident = self.next_ident;
        self.next_ident = ident.wrapping_add(1);
        ident
    }

    /// Gives a packet to its next hop, in pieces when it is too big for the device.
    pub(super) fn emit(&mut self, cx: &mut Cx, way: Way, frame: Frame, came_by: Option<IfIndex>) {
        let Some(ip) = Ip::parse(frame.payload()) else { return };
        let mtu = self.path_mtu(cx.now, way, ip.dst);
        if ip.total_len <= mtu || frame.offload.gso_size != 0 {
            self.hand_over(cx, way, ip.dst, (frame, came_by));
            return;
        }
        let ident = self.rng.u32();
        match fragment::split(&frame, &ip, mtu, ident) {
            Some(pieces) => {
                let counters = &mut self.mib.ip[family(ip.dst)];
                counters.cut += 1;
                counters.fragments_made += pieces.len() as u64;
                pieces.into_iter().for_each(|piece| self.hand_over(cx, way, ip.dst, (piece, came_by)));
            }
            None => {
                self.mib.ip[family(ip.dst)].not_cut += 1;
                self.drop_frame(cx, Some(way.device), DropReason::TooBig, &frame);
                self.complain_from(cx, Problem::TooBig(mtu), frame.payload(), came_by);
            }
        }
    }

    /// Finds the Ethernet address and sends.
    fn hand_over(&mut self, cx: &mut Cx, way: Way, dst: IpAddr, (mut frame, came_by): Waiting) {
        self.count_departure(way.device, dst, frame.payload().len());
        let Some(device) = self.devices.get(&way.device) else { return };
        let own = device.mac;
        if device.is_loopback() {
            self.transmit(cx, way.device, frame);
        } else if !device.has_neighbours() {
            frame.readdress(own, own);
            self.transmit(cx, way.device, frame);
        } else if let Some(group) = group_address(device, dst, self.said_of(dst)) {
            frame.readdress(group, own);
            self.transmit(cx, way.device, frame);
        } else {
            self.send_to_neighbour(cx, way.device, way.next_hop(dst), (frame, came_by));
        }
    }
}

/// Whence a packet to an address of this host comes: from that address, but all of 127.0.0.0/8 is one place.
const fn local_source(dst: IpAddr) -> IpAddr {
    if dst.is_ipv4() && dst.is_loopback() { IpAddr::V4(Ipv4Addr::LOCALHOST) } else { dst }
}

/// The Ethernet address of a broadcast or multicast destination.
fn group_address(device: &Device, dst: IpAddr, said: Option<Action>) -> Option<Mac> {
    if dst.is_multicast() {
        return Some(Mac::from_multicast(dst));
    }
    let IpAddr::V4(v4) = dst else { return None };
    (device.is_broadcast(v4) || said == Some(Action::Broadcast)).then_some(Mac::BROADCAST)
}
