//! What stopped a packet, told from its trail and from the state of the place where it ended, and what would mend it.

use core::net::IpAddr;

use netyard_sim::capture::{Capture, Hop};
use netyard_sim::device::Device;
use netyard_sim::drop::DropReason;
use netyard_sim::frame::ethertype;
use netyard_sim::id::{IfIndex, NamespaceId};
use netyard_sim::link::End;
use netyard_sim::namespace::Namespace;
use netyard_sim::route::policy::{Flow, Found};

use super::Stop;
use super::question::{Manner, Question};
use super::trail::{self, Inquiry, Kin, Sight};
use super::way::Traveller;
use crate::container::Container;
use crate::site::Site;

/// A site in which a probe has ended.
pub(super) struct Scene<'a> {
    pub(super) site: &'a Site,
    pub(super) question: &'a Question,
    pub(super) from: NamespaceId,
    pub(super) to: IpAddr,
}

impl Scene<'_> {
    /// What stopped the probe's packet or its answer; `said` is what the kernel told the probe.
    pub(super) fn judge(&self, sights: &[Sight], said: &str) -> Stop {
        let dropped = |is: fn(DropReason) -> bool| sights.iter().find(|sight| sight.dropped().is_some_and(is));
        if let Some(sight) = dropped(|reason| !reason.is_of_a_copy()) {
            return self.explain(sight, sight.dropped().unwrap_or(DropReason::Malformed));
        }
        if sights.is_empty() {
            return self.never_sent(said);
        }
        let filtered = dropped(|reason| reason == DropReason::PortFilter);
        if let Some(stop) = self.lost_behind_tunnel(sights).filter(|_| filtered.is_none()) {
            return stop;
        }
        if let Some(sight) = filtered.or_else(|| dropped(DropReason::is_of_a_copy)) {
            return self.explain(sight, sight.dropped().unwrap_or(DropReason::OtherHost));
        }
        self.vanished(sights, said)
    }

    fn namespace(&self, id: NamespaceId) -> &Namespace {
        self.site.world.fabric.namespace(id)
    }

    fn name(&self, id: NamespaceId) -> String {
        self.site.name_of_namespace(id)
    }

    /// The packet was dropped where it was last seen.
    fn explain(&self, sight: &Sight, reason: DropReason) -> Stop {
        let here = self.name(sight.namespace);
        let device = sight.device.and_then(|index| self.namespace(sight.namespace).devices.get(&index));
        let what = match sight.kin {
            Kin::Question => "",
            Kin::Answer => "the answer: ",
        };
        let stop = self.explain_reason(sight, reason, &here, device);
        let stop = match &sight.tunnel {
            Some(outer) => self.sent_by_record(outer, self.towards(sight.kin), stop),
            None => stop,
        };
        Stop { what: format!("{what}{}", stop.what), ..stop }
    }

    /// To whom the packet goes in the end, or its answer.
    fn towards(&self, kin: Kin) -> IpAddr {
        let asker = || self.namespace(self.from).source_for(self.to);
        if kin == Kin::Question { self.to } else { asker().unwrap_or(self.to) }
    }

    fn explain_reason(&self, sight: &Sight, reason: DropReason, here: &str, device: Option<&Device>) -> Stop {
        match reason {
            DropReason::Filtered => self.filtered(sight, here),
            DropReason::NoRoute | DropReason::Blackhole => {
                let iif = device.map(|device| device.name.as_str());
                self.no_route(sight.namespace, Traveller { src: Some(sight.src), dst: sight.dst, iif })
            }
            DropReason::NotForwarding => not_forwarding(here, sight.dst),
            DropReason::LinkDown => self.link_down(sight.namespace, sight.device),
            DropReason::TooBig => too_big(here, self.narrower(sight).or(device), sight.len),
            DropReason::TtlExpired => Stop::new(format!("{here}: its hop limit ran out: the route is a loop"), None),
            DropReason::NeighbourSilent => self.lost_question(sight).unwrap_or_else(|| self.neighbour_silent(sight)),
            DropReason::NeighbourQueue => {
                Stop::new(format!("{here}: too many packets wait for the neighbour {}", sight.dst), None)
            }
            DropReason::NeighbourOverflow => Stop::new(
                format!("{here}: its table of neighbours is full, and all in it are young"),
                Some("sysctl -w net.ipv4.neigh.default.gc_thresh3=4096".to_owned()),
            ),
            DropReason::NoSocket if sight.tunnel.is_none() => self.no_listener(sight),
            DropReason::Unanswered => Stop::new(
                format!("{here}: net.ipv4.icmp_echo_ignore_all = 1: it answers no echo request"),
                Some("sysctl -w net.ipv4.icmp_echo_ignore_all=0".to_owned()),
            ),
            DropReason::SocketFull => Stop::new(format!("{here}: the listener's queue is full"), None),
            DropReason::OtherHost => self.other_host(sight),
            DropReason::PortFilter => self.port_filtered(sight.namespace, &self.spot(sight)),
            DropReason::Lost | DropReason::QueueFull => {
                let mend = device.map(|device| format!("tc qdisc del dev {} root", device.name));
                Stop::new(format!("{}: {reason}", self.spot(sight)), mend)
            }
            DropReason::NoRemote => sight
                .device
                .and_then(|device| self.no_remote(sight.namespace, device, sight.station, self.towards(sight.kin)))
                .unwrap_or_else(|| Stop::new(format!("{}: {reason}", self.spot(sight)), None)),
            DropReason::NoSocket | DropReason::UnknownNetwork => self.no_end(sight.namespace, sight.tunnel.as_ref()),
            DropReason::ReversePath => {
                let mend = "sysctl -w net.ipv4.conf.all.rp_filter=0".to_owned();
                let mend = device.map_or(mend, |device| format!("sysctl -w net.ipv4.conf.{}.rp_filter=2", device.name));
                Stop::new(format!("{}: {reason}", self.spot(sight)), Some(mend))
            }
            DropReason::SamePort
            | DropReason::PortClosed
            | DropReason::Malformed
            | DropReason::UnknownProtocol
            | DropReason::Martian
            | DropReason::RingFull
            | DropReason::Reassembly => Stop::new(format!("{}: {reason}", self.spot(sight)), None),
        }
    }

    /// Where what is large did not fit, on its way or on that of the answer, if that is what stopped it.
    pub(super) fn narrow_place(&self, sights: &[Sight]) -> Option<Stop> {
        let sight = sights.iter().rev().find(|sight| sight.dropped() == Some(DropReason::TooBig))?;
        let stop = self.explain(sight, DropReason::TooBig);
        let what = format!("{}; what is small is answered", stop.what);
        Some(Stop { what, ..stop })
    }

    /// The question for a neighbour's address was lost by a link that was told to: now, or before anybody asked why.
    fn lost_question(&self, sight: &Sight) -> Option<Stop> {
        let capture = &self.site.world.fabric.capture;
        let is_lost = |hop| matches!(hop, Hop::Dropped(DropReason::Lost | DropReason::QueueFull));
        let lost = capture.frames().iter().find(|c| is_lost(c.hop) && c.frame.ethertype() == ethertype::ARP);
        let (namespace, device) = lost.map_or((sight.namespace, sight.device), |lost| capture.place(lost.spot));
        let device = self.namespace(namespace).devices.get(&device?)?;
        if device.queue.as_ref().is_none_or(|queue| queue.counters.drops == 0) {
            return None;
        }
        let mend = format!("tc qdisc del dev {} root", device.name);
        Some(Stop::new(format!("{}/{}: {}", self.name(namespace), device.name, DropReason::Lost), Some(mend)))
    }

    fn spot(&self, sight: &Sight) -> String {
        let device = sight.device.and_then(|index| self.namespace(sight.namespace).devices.get(&index));
        let here = self.name(sight.namespace);
        device.map_or_else(|| here.clone(), |device| format!("{here}/{}", device.name))
    }

    fn filtered(&self, sight: &Sight, here: &str) -> Stop {
        let note = sight.note.clone().unwrap_or_else(|| "a rule".to_owned());
        let mend = match self.missing_network() {
            connect if sight.kin == Kin::Question && is_isolation(&note) => connect,
            _ => undo_rule(&note),
        };
        Stop::new(format!("{here}: {note}"), mend)
    }

    /// How the one who asks would come to a network of the one who is asked, when they share none.
    fn missing_network(&self) -> Option<String> {
        let from = self.site.container_in(self.from)?;
        let to = self.site.owner_of(self.to)?;
        let is_shared = from.networks.keys().any(|name| to.networks.contains_key(name));
        let network = to.networks.keys().next().filter(|_| !is_shared)?;
        Some(format!("docker network connect {network} {}", from.name))
    }

    fn no_route(&self, at: NamespaceId, traveller: Traveller<'_>) -> Stop {
        let (here, namespace) = (self.name(at), self.namespace(at));
        if let Some(stop) = self.end_of_way(at, traveller) {
            return stop;
        }
        let dst = traveller.dst;
        let is_near = |device: &&Device| device.addresses.iter().any(|address| address.net.contains(dst));
        let down = namespace.devices.values().filter(|device| !device.up).find(is_near).map(|device| device.index);
        if down.is_some() {
            return self.link_down(at, down);
        }
        let mend = self.missing_network().filter(|_| at == self.from);
        let by_hand = || {
            let gateway = self.gateway_of(at).map_or_else(|| "GATEWAY".to_owned(), |addr| addr.to_string());
            format!("ip route add default via {gateway}")
        };
        Stop::new(format!("{here}: no route to {dst}"), Some(mend.unwrap_or_else(by_hand)))
    }

    /// The bridge's own address on the link of a container's first device.
    fn gateway_of(&self, at: NamespaceId) -> Option<IpAddr> {
        let device = self.namespace(at).devices.values().find(|device| !device.is_loopback())?;
        let net = device.addresses.iter().find(|address| address.net.is_ipv4() == self.to.is_ipv4())?.net;
        let all = self.site.engines.iter().map(|engine| self.namespace(engine.host().namespace));
        let addresses = all.flat_map(|host| host.devices.values()).flat_map(|device| &device.addresses);
        addresses.map(|address| address.net.ip()).find(|ip| net.contains(*ip))
    }

    pub(super) fn link_down(&self, at: NamespaceId, device: Option<IfIndex>) -> Stop {
        let here = self.name(at);
        let device = device.and_then(|index| self.namespace(at).devices.get(&index));
        let Some(device) = device else { return Stop::new(format!("{here}: the device is gone"), None) };
        let fabric = &self.site.world.fabric;
        let bridge =
            device.master.and_then(|master| self.namespace(at).devices.get(&master)).filter(|bridge| !bridge.up);
        if let Some(bridge) = bridge.filter(|_| device.up) {
            return self.link_down(at, Some(bridge.index));
        }
        let is_down = |end: &End| fabric.namespace(end.namespace).devices.get(&end.device).is_some_and(|peer| !peer.up);
        if let Some(peer) = fabric.peer_of(at, device.index).filter(|peer| device.up && is_down(peer)) {
            return self.link_down(peer.namespace, Some(peer.device));
        }
        if device.up {
            return Stop::new(format!("{here}/{}: no carrier: the other end is down", device.name), None);
        }
        let mend = format!("ip link set {} up", device.name);
        Stop::new(format!("{here}/{}: the device is down", device.name), Some(mend))
    }

    /// Nobody answered for the next hop: unless the question for it was stopped somewhere, nobody has the address.
    fn neighbour_silent(&self, sight: &Sight) -> Stop {
        let hop = self.next_hop(sight.namespace, Traveller { src: Some(sight.src), dst: sight.dst, iif: None });
        let capture = &self.site.world.fabric.capture;
        let spot = self.spot(sight);
        if let Some(inquiry) = trail::dropped_inquiry(capture, hop) {
            let stop = self.inquiry_stopped(&spot, hop, &inquiry);
            return match &inquiry.tunnel {
                Some(outer) => self.sent_by_record(outer, hop, stop),
                None => stop,
            };
        }
        if let Some(stop) = self.down_device_of(hop) {
            return stop;
        }
        match trail::inquiry_in_tunnel(capture, hop) {
            Some(outer) => {
                let stop = Stop::new(format!("{spot}: nobody answers for {hop} at {}", outer.remote), None);
                self.sent_by_record(&outer, hop, stop)
            }
            None => Stop::new(
                format!("{spot}: nobody answers for {hop}"),
                Some(format!("give {hop} to somebody on that link")),
            ),
        }
    }

    /// The question for a neighbour, asked at `spot`, was dropped.
    fn inquiry_stopped(&self, spot: &str, hop: IpAddr, inquiry: &Inquiry) -> Stop {
        let (at, reason) = (inquiry.namespace, inquiry.reason);
        let of_tunnel = inquiry.device.and_then(|device| match reason {
            DropReason::NoRemote => self.no_remote(at, device, inquiry.station, hop),
            DropReason::NeighbourSilent => self.no_neighbour(at, device, hop),
            _ => None,
        });
        match (reason, of_tunnel) {
            (_, Some(stop)) => stop,
            (DropReason::LinkDown, None) => self.link_down(at, inquiry.device),
            (DropReason::NoSocket | DropReason::UnknownNetwork, None) if inquiry.tunnel.is_some() => {
                self.no_end(at, inquiry.tunnel.as_ref())
            }
            (DropReason::PortFilter, None) => self.port_filtered(at, &inquiry.spot),
            _ => {
                let why = inquiry.note.clone().unwrap_or_else(|| reason.to_string());
                let what =
                    format!("{spot}: nobody answers for {hop}: the question was dropped at {}: {why}", inquiry.spot);
                Stop::new(what, inquiry.note.as_deref().and_then(undo_rule))
            }
        }
    }

    fn no_listener(&self, sight: &Sight) -> Stop {
        let (here, namespace) = (self.name(sight.namespace), self.namespace(sight.namespace));
        if sight.kin == Kin::Answer {
            return Stop::new(format!("{here}: no socket waits for it"), None);
        }
        let port = sight.port.unwrap_or_default();
        let protocol = if matches!(self.question.manner, Manner::Udp(_)) { "udp" } else { "tcp" };
        let elsewhere = namespace.tcp_listeners().map(|listener| listener.local).find(|local| local.port() == port);
        match elsewhere {
            Some(local) => Stop::new(
                format!("{here}: no listener on {protocol}/{port} at {}: it listens at {local} alone", sight.dst),
                Some(format!("let it listen at 0.0.0.0:{port}")),
            ),
            None => Stop {
                unheard_at: Some(sight.namespace),
                ..Stop::new(
                    format!("{here}: no listener on {protocol}/{port}"),
                    Some(format!("start something in {here} that listens on {protocol}/{port}")),
                )
            },
        }
    }

    /// The frame came to a station that it was not for, and to no other.
    fn other_host(&self, sight: &Sight) -> Stop {
        let hop = self.next_hop(self.from, Traveller::to(self.to));
        if let Some(stop) = self.down_device_of(hop) {
            return stop;
        }
        let here = self.name(self.from);
        let known = self.namespace(self.from).neighbours.iter().find(|(_, addr, _)| *addr == hop);
        let (device, mac) = known.map_or((None, None), |(device, _, entry)| (Some(device), entry.mac));
        let device = device.and_then(|index| self.namespace(self.from).devices.get(&index));
        match (device, mac) {
            (Some(device), Some(mac)) => Stop::new(
                format!("{here}/{}: the neighbour {hop} has the address {mac}, which nobody has", device.name),
                Some(format!("ip neigh del {hop} dev {}", device.name)),
            ),
            _ => Stop::new(format!("{}: a frame for another station", self.spot(sight)), None),
        }
    }

    /// The frame came out of a tunnel, and nobody there is the station that it is for.
    fn lost_behind_tunnel(&self, sights: &[Sight]) -> Option<Stop> {
        let sight = sights.iter().rev().find(|sight| sight.kin == Kin::Question && sight.tunnel.is_some())?;
        let outer = sight.tunnel.as_ref()?;
        if let Some(stop) = self.down_device_of(outer.remote) {
            return Some(stop);
        }
        let stop = Stop::new(format!("{}: nobody is {} at {}", self.spot(sight), outer.station, outer.remote), None);
        Some(self.sent_by_record(outer, self.to, stop))
    }

    /// The device that has an address, when it is down.
    fn down_device_of(&self, addr: IpAddr) -> Option<Stop> {
        let mut all = self.site.world.fabric.namespaces();
        let (namespace, device) = all.find_map(|(id, ns)| {
            ns.devices.values().find(|d| d.has(addr) && !d.is_running()).map(|device| (id, device.index))
        })?;
        Some(self.link_down(namespace, Some(device)))
    }

    /// The port of the LAN kept it, where the frame was for something that stands on the host's uplink.
    fn port_filtered(&self, at: NamespaceId, spot: &str) -> Stop {
        let host = self.name(at);
        let what = format!("{spot}: the port of the LAN gives it only what is for its own address");
        let mend = format!("allow it in the scenario's head: links: {{{host}: {{promiscuity: true}}}}");
        Stop { is_given: true, ..Stop::new(what, Some(mend)) }
    }

    /// The kernel refused before there was a packet.
    fn never_sent(&self, said: &str) -> Stop {
        match said {
            "Network is unreachable"
            | "Network unreachable"
            | "No route to host"
            | "Permission denied"
            | "Invalid argument"
            | "Cannot assign requested address" => self.no_route(self.from, Traveller::to(self.to)),
            "Message too long" => self.too_long(),
            "" => Stop::new(format!("{}: the packet was never sent", self.name(self.from)), None),
            said => Stop::new(format!("{}: {said}", self.name(self.from)), None),
        }
    }

    /// The device that a packet was to leave by, when it is too narrow and not the one at which it was dropped.
    fn narrower(&self, sight: &Sight) -> Option<&Device> {
        let here = self.namespace(sight.namespace);
        let iif = sight.device.and_then(|index| here.devices.get(&index)).map(|device| device.name.as_str());
        let flow = Flow { src: Some(sight.src), iif, ..Flow::to(sight.dst) };
        let Found::Route(route) = here.route_of(&flow)? else { return None };
        here.devices.get(&here.hop_of(route, &flow)?.device).filter(|device| device.mtu.bytes() < sight.len)
    }

    /// It must not be cut, and does not fit the first link, or a narrower one on the way that is known.
    fn too_long(&self) -> Stop {
        let (here, namespace) = (self.name(self.from), self.namespace(self.from));
        let len = self.question.size.unwrap_or_default() + if self.to.is_ipv4() { 28 } else { 48 };
        if let Some((mtu, _)) = namespace.known_path_mtu(self.site.world.now(), self.to) {
            let what = format!(
                "{here}: {len} bytes are too many for the way to {}: a router told that its MTU is {mtu}",
                self.to
            );
            return Stop::new(what, Some("ip route flush cache, where the way is wider by now".to_owned()));
        }
        let flow = Flow::to(self.to);
        let route = match namespace.route_of(&flow) {
            Some(Found::Route(route)) => namespace.hop_of(route, &flow).map(|hop| hop.device),
            Some(Found::End(_)) | None => None,
        };
        too_big(&here, route.and_then(|index| namespace.devices.get(&index)), len)
    }

    /// The packet was seen, then no more, and nobody says why.
    fn vanished(&self, sights: &[Sight], said: &str) -> Stop {
        let Some(last) = sights.last() else { return self.never_sent(said) };
        let spot = self.spot(last);
        if last.kin == Kin::Answer {
            let said = if said.is_empty() { "no answer" } else { said };
            return Stop::new(format!("{spot}: the answer says: {said}"), None);
        }
        match last.hop {
            Hop::Sent => Stop::new(format!("{spot}: it went out there and came nowhere"), None),
            Hop::Received | Hop::Dropped(_) => Stop::new(format!("{spot}: it came there and was not answered"), None),
        }
    }
}

fn not_forwarding(here: &str, dst: IpAddr) -> Stop {
    let key = if dst.is_ipv4() { "net.ipv4.ip_forward" } else { "net.ipv6.conf.all.forwarding" };
    Stop::new(format!("{here}: {key} = 0: it forwards nothing"), Some(format!("sysctl -w {key}=1")))
}

fn too_big(here: &str, device: Option<&Device>, len: usize) -> Stop {
    let Some(device) = device else { return Stop::new(format!("{here}: {len} bytes are too many"), None) };
    let mtu = device.mtu.bytes();
    let mend = format!("ip link set {} mtu {len}", device.name);
    Stop::new(format!("{here}/{}: {len} bytes are too many for its MTU of {mtu}", device.name), Some(mend))
}

/// Whether a rule is one that Docker keeps its networks apart by.
fn is_isolation(note: &str) -> bool {
    note.contains("-A DOCKER-ISOLATION-STAGE")
}

/// The command that takes a rule away that was printed as `iptables -t filter: -A CHAIN …`.
fn undo_rule(note: &str) -> Option<String> {
    let (program, rule) = note.split_once(": ")?;
    match rule.split_once(' ')? {
        ("-A", rest) => Some(format!("{program} -D {rest}")),
        ("-P", rest) => Some(format!("{program} -P {} ACCEPT", rest.split(' ').next()?)),
        _ => None,
    }
}

impl Site {
    /// The running container whose own network this is.
    pub(in crate::site) fn container_in(&self, namespace: NamespaceId) -> Option<&Container> {
        self.engines.iter().find_map(|engine| {
            let all = engine.containers().filter(|container| container.is_running());
            let mut here = all.filter(|container| engine.namespace_of(container) == Some(namespace));
            here.next().filter(|_| engine.host().namespace != namespace)
        })
    }

    /// The running container that has an address.
    pub(super) fn owner_of(&self, addr: IpAddr) -> Option<&Container> {
        let all = self.engines.iter().flat_map(|engine| engine.containers().map(move |container| (engine, container)));
        let mut running = all.filter(|(_, container)| container.is_running());
        running
            .find(|(engine, container)| {
                let namespace = engine.namespace_of(container).filter(|id| *id != engine.host().namespace);
                namespace.is_some_and(|id| !addr.is_loopback() && self.world.fabric.namespace(id).is_local(addr))
            })
            .map(|(_, container)| container)
    }

    /// What people call a network.
    pub(in crate::site) fn name_of_namespace(&self, namespace: NamespaceId) -> String {
        match self.container_in(namespace) {
            Some(container) => container.name.clone(),
            None => self.name_of_place(namespace),
        }
    }

    /// What a namespace is called that is no container's. That of a network across hosts is on one of them.
    fn name_of_place(&self, namespace: NamespaceId) -> String {
        let fabric = &self.world.fabric;
        let here = fabric.namespace(namespace);
        let tunnel = here.devices.values().find(|device| device.tunnel().is_some() && !here.name.contains('/'));
        let made_in = tunnel.and_then(|device| fabric.peer_of(namespace, device.index)).map(|end| end.namespace);
        match made_in.filter(|host| *host != namespace) {
            Some(host) => format!("{}/{}", fabric.namespace(host).name, here.name),
            None => here.name.clone(),
        }
    }
}

/// Where a name server's exchange was stopped, if it was: the spot and the reason.
pub(super) fn dropped_anywhere(capture: &Capture) -> Option<(String, DropReason, Option<String>)> {
    capture.frames().iter().find_map(|c| {
        let Hop::Dropped(reason) = c.hop else { return None };
        let note = c.note.as_deref().map(str::to_owned);
        (!reason.is_of_a_copy()).then(|| (capture.name(c.spot).to_owned(), reason, note))
    })
}
