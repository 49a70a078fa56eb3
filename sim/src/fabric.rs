//! The fabric: all namespaces, the links between them and the queue of what is under way. It carries frames from one
//! end of a link to the other; what a frame means is the namespaces' affair.
//!
//! A namespace is only touched through [`Fabric::with`], which afterwards puts what it sent on the links, notes which
//! sockets have something, and plans its next timer.

use core::num::NonZeroU32;
use std::collections::BTreeMap;

use ipnetwork::IpNetwork;

use crate::addr::Mac;
use crate::bridge::Bridge;
use crate::capture::{Capture, Captured, Hop};
use crate::device::{Address, Device, IfIndex, Ipv6, Kind, Mtu, Tun};
use crate::drop::DropReason;
use crate::event::Queue;
use crate::frame::Frame;
pub use crate::link::NamespaceId;
use crate::link::{Condition, End, Joint, Link, LinkId};
use crate::namespace::{Cx, LinkError, Lost, Namespace, Passed, Retired, Sent};
use crate::packet::segment;
use crate::rng::{Rng, Seed};
use crate::route::Route;
use crate::socket::SocketId;
use crate::stack::{MacvlanMode, Over};
use crate::time::{Duration, Epoch, Instant};
use crate::vxlan::{Ear, Settings, Tunnel, Tunnelled, Way};

/// How long a frame takes through lo.
const LOOPBACK_DELAY: Duration = Duration::from_micros(5);

#[derive(Clone)]
enum Event {
    Arrive {
        end: End,
        frame: Frame,
    },
    /// A device that stands on another one sent a frame down by this link.
    Descend {
        end: End,
        link: LinkId,
        frame: Frame,
    },
    /// A frame between a tunnel's device and the namespace that sends for it.
    Tunnel(Box<Tunnelled>),
    Poll(NamespaceId),
}

/// All namespaces and links, and the present.
#[derive(Clone)]
pub struct Fabric {
    now: Instant,
    seed: Seed,
    /// What date the beginning of the world is.
    pub(crate) epoch: Epoch,
    macs: Rng,
    queue: Queue<Event>,
    namespaces: BTreeMap<NamespaceId, Namespace>,
    planned: BTreeMap<NamespaceId, Instant>,
    links: BTreeMap<LinkId, Link>,
    woken: Vec<(NamespaceId, SocketId)>,
    left: Vec<(End, Frame)>,
    /// Queueing disciplines of namespaces that are gone, by the names of those.
    retired: Vec<(String, Retired)>,
    scratch: Cx,
    next_namespace: u32,
    next_link: NonZeroU32,
    /// What passed, when capturing is on.
    pub capture: Capture,
}

impl Fabric {
    /// An empty fabric at the beginning of time.
    #[must_use]
    pub fn new(seed: Seed) -> Self {
        Self {
            now: Instant::ZERO,
            seed,
            epoch: Epoch::DEFAULT,
            macs: seed.stream("macs"),
            queue: Queue::default(),
            namespaces: BTreeMap::new(),
            planned: BTreeMap::new(),
            links: BTreeMap::new(),
            woken: Vec::new(),
            left: Vec::new(),
            retired: Vec::new(),
            scratch: Cx::default(),
            next_namespace: 1,
            next_link: NonZeroU32::MIN,
            capture: Capture::default(),
        }
    }

    /// The present.
    #[must_use]
    pub const fn now(&self) -> Instant {
        self.now
    }

    // Namespaces.

    /// A new namespace with lo in it, down. `name` is for people: captures and graphs.
    pub fn create_namespace(&mut self, name: &str) -> NamespaceId {
        let id = NamespaceId(self.next_namespace);
        self.next_namespace += 1;
        let mut namespace = Namespace::new(name, self.seed);
        namespace.netfilter.epoch = self.epoch;
        self.namespaces.insert(id, namespace);
        id
    }

    /// The same beside the one that a machine began with: not all of its settings can be written.
    pub fn create_nested_namespace(&mut self, name: &str) -> NamespaceId {
        let id = self.create_namespace(name);
        self.namespace_mut(id).is_nested = true;
        id
    }

    /// Removes a namespace with its devices and the other ends of its links.
    pub fn delete_namespace(&mut self, id: NamespaceId) {
        self.delete_tunnels(|lower| lower.namespace == id);
        let devices: Vec<IfIndex> = self.namespace(id).devices.keys().collect();
        for device in devices {
            self.delete_device(id, device);
        }
        if let Some(mut gone) = self.namespaces.remove(&id) {
            self.retired.extend(gone.take_retired_qdiscs().into_iter().map(|retired| (gone.name.clone(), retired)));
        }
        self.namespaces.values_mut().for_each(|ns| ns.forget_namespace(id));
        self.planned.remove(&id);
    }

    /// A namespace.
    ///
    /// # Panics
    /// When it was deleted.
    #[must_use]
    pub fn namespace(&self, id: NamespaceId) -> &Namespace {
        self.namespaces.get(&id).expect("the namespace was not deleted")
    }

    /// A namespace, to change what sends nothing (rules, sysctls, records). What may send goes by [`Fabric::with`].
    ///
    /// # Panics
    /// When it was deleted.
    pub fn namespace_mut(&mut self, id: NamespaceId) -> &mut Namespace {
        self.namespaces.get_mut(&id).expect("the namespace was not deleted")
    }

    /// All namespaces, oldest first.
    pub fn namespaces(&self) -> impl Iterator<Item = (NamespaceId, &Namespace)> {
        self.namespaces.iter().map(|(id, ns)| (*id, ns))
    }

    /// Runs an operation of a namespace and carries away what it sends. A socket of a namespace that is gone is
    /// closed without a trace, so `operation` must not be called on one: see [`Fabric::exists`].
    ///
    /// # Panics
    /// When it was deleted.
    pub fn with<R>(&mut self, id: NamespaceId, operation: impl FnOnce(&mut Namespace, &mut Cx) -> R) -> R {
        let mut cx = core::mem::take(&mut self.scratch);
        let (now, is_captured) = (self.now, self.capture.is_on());
        let namespace = self.namespace_mut(id);
        cx.begin(now, is_captured || namespace.is_watched());
        let result = operation(namespace, &mut cx);
        self.settle(id, &mut cx);
        self.scratch = cx;
        result
    }

    /// Whether a namespace is still there.
    #[must_use]
    pub fn exists(&self, id: NamespaceId) -> bool {
        self.namespaces.contains_key(&id)
    }

    /// Puts what a namespace sent on its links and plans its next timer.
    fn settle(&mut self, id: NamespaceId, cx: &mut Cx) {
        self.record(id, cx);
        self.make_whole_for_links(&mut cx.sent);
        for Sent { device, link, frame } in cx.sent.drain(..) {
            let here = End { namespace: id, device };
            match link.and_then(|l| Some((l, self.links.get(&l)?))) {
                Some((link, joint)) => {
                    let (at, end) = (joint.arrival(self.now), joint.other(here));
                    let descends = joint.joint == Joint::Stack && joint.ends[0] == here;
                    self.queue.push(
                        at,
                        if descends { Event::Descend { end, link, frame } } else { Event::Arrive { end, frame } },
                    );
                }
                // What it went up to is gone.
                None if link.is_some() => self.drop_nowhere(here, &frame),
                None => self.queue.push(self.now + LOOPBACK_DELAY, Event::Arrive { end: here, frame }),
            }
        }
        for tunnelled in cx.tunnelled.drain(..) {
            self.queue.push(self.now, Event::Tunnel(Box::new(tunnelled)));
        }
        self.woken.extend(cx.woken.drain(..).map(|socket| (id, socket)));
        self.left.extend(cx.left.drain(..).map(|(device, frame)| (End { namespace: id, device }, frame)));
        self.plan(id);
        for (device, switched) in core::mem::take(&mut cx.shifted) {
            self.carry_up(id, device, switched);
        }
    }

    /// A frame was sent by a link that is not there any more.
    fn drop_nowhere(&mut self, from: End, frame: &Frame) {
        let Some(namespace) = self.namespaces.get_mut(&from.namespace) else { return };
        let mut cx = Cx::default();
        cx.begin(self.now, self.capture.is_on() || namespace.is_watched());
        namespace.drop_sent(&mut cx, from.device, frame);
        self.record(from.namespace, &mut cx);
    }

    /// What a link does to frames it does to those that would be on a wire.
    fn make_whole_for_links(&self, sent: &mut Vec<Sent>) {
        let has_condition = |link: LinkId| {
            self.links.get(&link).is_some_and(|l| l.joint == Joint::Pair && l.condition != Condition::default())
        };
        let is_to_do = |s: &Sent| !s.frame.offload.is_whole() && s.link.is_some_and(has_condition);
        if !sent.iter().any(is_to_do) {
            return;
        }
        for Sent { device, link, frame } in core::mem::take(sent) {
            let frames = if link.is_some_and(has_condition) { segment::whole(frame) } else { vec![frame] };
            sent.extend(frames.into_iter().map(|frame| Sent { device, link, frame }));
        }
    }

    /// What stands on a device has carrier while that runs.
    fn carry_up(&mut self, namespace: NamespaceId, device: IfIndex, switched: bool) {
        let Some(lower) = self.namespaces.get(&namespace).and_then(|ns| ns.devices.get(&device)) else { return };
        let (runs, up) = (lower.is_running(), lower.up);
        let links: Vec<(LinkId, Over)> = lower.uppers.iter().map(|u| (u.link, u.over)).collect();
        for (link, over) in links {
            let Some([upper, _]) = self.links.get(&link).map(|l| l.ends) else { continue };
            self.with(upper.namespace, |ns, cx| ns.set_carrier(cx, upper.device, runs));
            // A sub-interface is switched on and off with its parent.
            if switched && matches!(over, Over::Vlan(_)) {
                self.set_up(upper.namespace, upper.device, up);
            }
        }
    }

    /// Puts what a namespace saw into the capture and before who watches. A device that is gone already is called by its number.
    fn record(&mut self, id: NamespaceId, cx: &mut Cx) {
        for [before, after] in cx.translated.drain(..) {
            self.capture.note_translation(id, before, after);
        }
        for passed in cx.hops.drain(..) {
            let ns = self.namespaces.get_mut(&id).expect("it was just at work");
            if ns.is_watched() {
                self.woken.extend(ns.show(self.now, &passed).into_iter().map(|socket| (id, socket)));
            }
            if !self.capture.is_on() {
                continue;
            }
            let Passed { device, hop, frame, note } = passed;
            let name = match device.map(|d| (d, ns.devices.get(&d))) {
                Some((_, Some(device))) => format!("{}/{}", ns.name, device.name),
                Some((index, None)) => format!("{}/if{}", ns.name, index.0),
                None => ns.name.clone(),
            };
            let spot = self.capture.spot(id, device, &name);
            let is_dropped = matches!(hop, Hop::Dropped(_));
            let note = note.or_else(|| if is_dropped { None } else { self.capture.translation(id, &frame) });
            for frame in segment::whole(frame) {
                self.capture.record(Captured { at: self.now, spot, hop, frame, note: note.clone() });
            }
        }
    }

    fn plan(&mut self, id: NamespaceId) {
        let Some(at) = self.namespace(id).next_at() else { return };
        let at = at.max(self.now);
        if self.planned.get(&id).is_none_or(|planned| *planned > at) {
            self.planned.insert(id, at);
            self.queue.push(at, Event::Poll(id));
        }
    }

    // Devices.

    /// A pair of joined devices, both in `namespace` and down; the peer gets the lower number, as Linux numbers them.
    ///
    /// # Errors
    /// `Exists` when one of the names is taken.
    pub fn create_veth(
        &mut self,
        namespace: NamespaceId,
        name: &str,
        peer_name: &str,
        condition: Condition,
    ) -> Result<(IfIndex, IfIndex), LinkError> {
        self.create_veth_between((namespace, name), (namespace, peer_name), condition)
    }

    /// The same where the peer is born in another namespace.
    ///
    /// # Errors
    /// `Exists` when one of the names is taken.
    pub fn create_veth_between(
        &mut self,
        (namespace, name): (NamespaceId, &str),
        (there, peer_name): (NamespaceId, &str),
        condition: Condition,
    ) -> Result<(IfIndex, IfIndex), LinkError> {
        self.namespace(namespace).check_name(name)?;
        self.namespace(there).check_name(peer_name)?;
        let link = self.new_link();
        let (mac, peer_mac) = (self.random_mac(), self.random_mac());
        let peer = self.namespace_mut(there).add_veth(peer_name, peer_mac, link);
        let device = self.namespace_mut(namespace).add_veth(name, mac, link);
        let ends = [End { namespace, device }, End { namespace: there, device: peer }];
        self.links.insert(link, Link { joint: Joint::Pair, ends, condition });
        self.link_peers(link);
        ends.iter().for_each(|end| self.namespace_mut(end.namespace).blame_lower(end.device));
        Ok((device, peer))
    }

    /// A device that swallows what is sent, down.
    ///
    /// # Errors
    /// `Exists` when the name is taken.
    pub fn create_dummy(&mut self, namespace: NamespaceId, name: &str) -> Result<IfIndex, LinkError> {
        self.namespace(namespace).check_name(name)?;
        let mac = self.random_mac();
        Ok(self.namespace_mut(namespace).add_dummy(name, mac))
    }

    /// A device that a program may open, down (`ip tuntap`).
    ///
    /// # Errors
    /// `Exists` when the name is taken.
    pub fn create_tun(&mut self, namespace: NamespaceId, name: &str, tun: Tun) -> Result<IfIndex, LinkError> {
        self.namespace(namespace).check_name(name)?;
        let mac = if tun.tap { self.random_mac() } else { Mac::ZERO };
        Ok(self.namespace_mut(namespace).add_tun(name, mac, tun))
    }

    /// A device that shares `parent` of the same namespace, down.
    ///
    /// # Errors
    /// `Exists` when the name or the VLAN is taken, `NoDevice`, `Sharing` when the parent is a bridge's port or macvlans
    /// and ipvlans would share it, `Incompatible` when it is lo or one passes through.
    pub fn create_stacked(
        &mut self,
        namespace: NamespaceId,
        parent: IfIndex,
        name: &str,
        over: Over,
    ) -> Result<IfIndex, LinkError> {
        self.namespace(namespace).check_name(name)?;
        let random = self.random_mac();
        let lower = self.namespace(namespace).devices.get(&parent).ok_or(LinkError::NoDevice)?;
        Self::check_sharing(lower, over)?;
        let mac = match over {
            Over::Macvlan(mode) if mode != MacvlanMode::Passthru => random,
            _ => lower.mac,
        };
        let (mtu, runs) = (lower.mtu, lower.is_running());
        let link = self.new_link();
        let device = self.namespace_mut(namespace).add_stacked(name, mac, (link, over), mtu);
        let ends = [End { namespace, device }, End { namespace, device: parent }];
        let condition = Condition { delay: Duration::ZERO };
        self.links.insert(link, Link { joint: Joint::Stack, ends, condition });
        self.link_peers(link);
        self.note_upper(namespace, device);
        self.with(namespace, |ns, cx| ns.set_carrier(cx, device, runs));
        Ok(device)
    }

    /// A tunnel's device, down. Its datagrams are sent and heard by this namespace, wherever the device is moved to.
    ///
    /// # Errors
    /// `Exists` when the name is taken, `NoDevice`, `NetworkExists` when a tunnel of this namespace hears for the same
    /// network.
    pub fn create_vxlan(
        &mut self,
        namespace: NamespaceId,
        name: &str,
        settings: Settings,
    ) -> Result<IfIndex, LinkError> {
        self.namespace(namespace).check_name(name)?;
        let lower = match settings.lower {
            Some(index) => Some(self.namespace(namespace).devices.get(&index).ok_or(LinkError::NoDevice)?),
            None => None,
        };
        let room = lower.map(|lower| lower.mtu.bytes().saturating_sub(settings.overhead()));
        let mtu = room.and_then(|room| Mtu::new(u32::try_from(room).ok()?)).unwrap_or(Mtu::ETHERNET);
        let same = |ear: Ear| (ear.vni, ear.port, ear.v6) == (settings.vni, settings.port, settings.is_v6());
        if self.tunnels_of(namespace).any(|(_, ear)| same(ear)) {
            return Err(LinkError::NetworkExists);
        }
        let link = self.new_link();
        let mac = self.random_mac();
        let beneath = End { namespace, device: settings.lower.unwrap_or(IfIndex(0)) };
        let device = self.namespace_mut(namespace).add_vxlan(name, mac, Tunnel::new(link, settings), mtu);
        let ends = [End { namespace, device }, beneath];
        self.links.insert(link, Link { joint: Joint::Tunnel, ends, condition: Condition { delay: Duration::ZERO } });
        Ok(device)
    }

    const fn new_link(&mut self) -> LinkId {
        let link = LinkId(self.next_link);
        self.next_link = self.next_link.checked_add(1).expect("a world has fewer than 2^32 links");
        link
    }

    /// The tunnels that were made in a namespace: where their devices are, and what they hear.
    fn tunnels_of(&self, namespace: NamespaceId) -> impl Iterator<Item = (End, Ear)> {
        let made_here = move |link: &&Link| link.joint == Joint::Tunnel && link.ends[1].namespace == namespace;
        self.links.values().filter(made_here).filter_map(|link| {
            let device = self.namespaces.get(&link.ends[0].namespace)?.devices.get(&link.ends[0].device)?;
            Some((link.ends[0], device.tunnel()?.ear()))
        })
    }

    /// Removes the tunnels that stand on such a place.
    fn delete_tunnels(&mut self, on: impl Fn(End) -> bool) {
        let stands = |link: &&Link| link.joint == Joint::Tunnel && on(link.ends[1]);
        let gone: Vec<End> = self.links.values().filter(stands).map(|link| link.ends[0]).collect();
        gone.into_iter().for_each(|end| self.delete_device(end.namespace, end.device));
    }

    /// What a device's MTU may be at most: a tunnel over a device has to fit into its packets.
    #[must_use]
    pub fn most_mtu(&self, namespace: NamespaceId, device: IfIndex) -> usize {
        let device = self.namespace(namespace).devices.get(&device);
        if let Some(Kind::Tun(tun)) = device.map(|device| &device.kind) {
            return if tun.tap { 65521 } else { 65535 };
        }
        let Some(tunnel) = device.and_then(Device::tunnel) else { return 65535 };
        let beneath = self.links.get(&tunnel.link).map(|link| link.ends[1]);
        let lower = beneath.and_then(|end| self.namespace(end.namespace).devices.get(&end.device));
        lower.map_or(65535, |lower| lower.mtu.bytes().saturating_sub(tunnel.settings.overhead()))
    }

    /// Whether a device can go up: a tunnel needs its port where it was made.
    #[must_use]
    pub fn can_go_up(&self, namespace: NamespaceId, device: IfIndex) -> bool {
        let Some(tunnel) = self.namespace(namespace).devices.get(&device).and_then(Device::tunnel) else { return true };
        self.links.get(&tunnel.link).is_none_or(|link| self.namespace(link.ends[1].namespace).can_hear(tunnel.ear()))
    }

    /// A tunnel hears while its device is up.
    fn update_ear(&mut self, namespace: NamespaceId, device: IfIndex) {
        let Some(device) = self.namespace(namespace).devices.get(&device) else { return };
        let Some(tunnel) = device.tunnel() else { return };
        let (ear, up) = (tunnel.ear(), device.up);
        let Some([_, beneath]) = self.links.get(&ear.link).map(|link| link.ends) else { return };
        let below = self.namespace_mut(beneath.namespace);
        if up { below.begin_to_hear(ear) } else { below.cease_to_hear(ear.link) }
    }

    /// Tells the device beneath what it has to know of this one, when it stands on one.
    fn note_upper(&mut self, namespace: NamespaceId, device: IfIndex) {
        let upper = self.namespaces.get(&namespace).and_then(|ns| ns.devices.get(&device)).and_then(|d| d.as_upper());
        let Some(upper) = upper else { return };
        let Some([_, lower]) = self.links.get(&upper.link).map(|l| l.ends) else { return };
        self.namespace_mut(lower.namespace).note_upper(lower.device, upper);
    }

    /// A bridge without ports, down. Without `mac` its address follows its ports.
    ///
    /// # Errors
    /// `Exists` when the name is taken.
    pub fn create_bridge(
        &mut self,
        namespace: NamespaceId,
        name: &str,
        mac: Option<Mac>,
    ) -> Result<IfIndex, LinkError> {
        self.namespace(namespace).check_name(name)?;
        let random = self.random_mac();
        Ok(self.namespace_mut(namespace).add_bridge(name, mac, random))
    }

    /// Removes a device with what stands on it, and the other end of its pair when it has one.
    pub fn delete_device(&mut self, namespace: NamespaceId, device: IfIndex) {
        self.delete_uppers(namespace, device);
        self.delete_tunnels(|lower| lower == End { namespace, device });
        let Some(id) = self.namespace(namespace).link_of(device) else {
            self.with(namespace, |ns, cx| ns.remove_device(cx, device));
            return;
        };
        let Some(Link { joint, ends, .. }) = self.links.remove(&id) else { return };
        match joint {
            Joint::Pair => {
                for end in ends {
                    self.delete_uppers(end.namespace, end.device);
                    self.delete_tunnels(|lower| lower == end);
                    self.with(end.namespace, |ns, cx| ns.remove_device(cx, end.device));
                }
            }
            Joint::Stack => {
                self.with(namespace, |ns, cx| ns.remove_device(cx, device));
                self.namespace_mut(ends[1].namespace).forget_upper(ends[1].device, id);
            }
            Joint::Tunnel => {
                self.with(namespace, |ns, cx| ns.remove_device(cx, device));
                self.namespace_mut(ends[1].namespace).cease_to_hear(id);
            }
        }
    }

    /// Removes the device that stands on another one by this link, in whatever namespace it is.
    pub fn delete_stacked(&mut self, link: LinkId) {
        if let Some(upper) = self.links.get(&link).filter(|l| l.joint == Joint::Stack).map(|l| l.ends[0]) {
            self.delete_device(upper.namespace, upper.device);
        }
    }

    fn delete_uppers(&mut self, namespace: NamespaceId, device: IfIndex) {
        for upper in self.uppers_of(namespace, device) {
            self.delete_device(upper.namespace, upper.device);
        }
    }

    /// The devices that stand on one.
    fn uppers_of(&self, namespace: NamespaceId, device: IfIndex) -> Vec<End> {
        let device = self.namespace(namespace).devices.get(&device);
        let links = device.into_iter().flat_map(|d| &d.uppers).filter_map(|u| self.links.get(&u.link));
        links.map(|link| link.ends[0]).collect()
    }

    /// Moves a veth end, or what stands on a device, to another namespace under a new name. It comes down, loses its addresses and keeps its number
    /// when that is free there, as Linux does.
    ///
    /// # Errors
    /// `Exists` when the name is taken there, `NotMovable` when it is neither.
    pub fn move_device(
        &mut self,
        from: NamespaceId,
        device: IfIndex,
        to: NamespaceId,
        name: &str,
    ) -> Result<IfIndex, LinkError> {
        let id = self.namespace(from).link_of(device).ok_or(LinkError::NotMovable)?;
        if from != to {
            self.namespace(to).check_name(name)?;
            // Linux tells who listens in the old namespace where the device has gone.
            self.namespace_mut(from).netnsid_of(to);
        }
        self.delete_tunnels(|lower| lower == End { namespace: from, device });
        let moved = self.with(from, |ns, cx| ns.take_device(cx, device)).ok_or(LinkError::NoDevice)?;
        let index = self.namespace_mut(to).put_device(moved, name);
        let (old, new) = (End { namespace: from, device }, End { namespace: to, device: index });
        let device = self.namespace(to).devices.get(&index).expect("it was just put there");
        let links: Vec<LinkId> = device.uppers.iter().map(|u| u.link).chain([id]).collect();
        for id in links {
            let link = self.links.get_mut(&id).expect("a device's links are there");
            let end = usize::from(link.ends[0] != old);
            link.ends[end] = new;
            self.link_peers(id);
            self.update_carrier(id);
        }
        self.note_upper(to, index);
        self.update_ear(to, index);
        Ok(index)
    }

    /// Tells both ends of a link each other's number; what stands on a device is told, the device beneath has its own
    /// peer.
    fn link_peers(&mut self, link: LinkId) {
        let Link { joint, ends: [a, b], .. } = *self.links.get(&link).expect("the link was just made");
        let told = if joint == Joint::Pair { 2 } else { 1 };
        let knows_number = joint != Joint::Tunnel;
        for (end, peer) in [(a, b), (b, a)].into_iter().take(told) {
            let ns = self.namespace_mut(end.namespace);
            let netnsid = if end.namespace == peer.namespace { None } else { Some(ns.netnsid_of(peer.namespace)) };
            let device = ns.devices.get_mut(&end.device).expect("a link has two ends");
            device.peer_index = knows_number.then_some(peer.device);
            device.peer_netnsid = netnsid;
        }
    }

    /// A veth has carrier while both its ends are up; what stands on a device while that runs.
    fn update_carrier(&mut self, link: LinkId) {
        if let Some(first) = self.links.get(&link).map(|link| link.ends[0]) {
            self.update_carrier_from(link, first);
        }
    }

    /// The same, of which one end is told first: the one that was changed.
    fn update_carrier_from(&mut self, link: LinkId, first: End) {
        let Some(Link { mut ends, joint, .. }) = self.links.get(&link).copied() else { return };
        if joint == Joint::Pair && ends[1] == first {
            ends.reverse();
        }
        match joint {
            Joint::Pair => {}
            Joint::Stack => return self.carry_up(ends[1].namespace, ends[1].device, false),
            Joint::Tunnel => return,
        }
        let devices = ends.map(|end| self.namespace(end.namespace).devices.get(&end.device));
        let up = devices.iter().all(|device| device.is_some_and(|d| d.up));
        let is_lost = !up && devices.iter().flatten().any(|d| d.carrier);
        for end in ends {
            self.with(end.namespace, |ns, cx| ns.set_carrier(cx, end.device, up));
        }
        for end in ends.into_iter().filter(|_| is_lost) {
            self.namespace_mut(end.namespace).blame_lower(end.device);
        }
    }

    /// Sets a device administratively up or down.
    pub fn set_up(&mut self, namespace: NamespaceId, device: IfIndex, up: bool) {
        self.with(namespace, |ns, cx| ns.set_up(cx, device, up));
        self.note_upper(namespace, device);
        self.update_ear(namespace, device);
        if let Some(link) = self.namespace(namespace).link_of(device).filter(|l| self.is_pair(*l)) {
            self.update_carrier_from(link, End { namespace, device });
        }
    }

    fn is_pair(&self, link: LinkId) -> bool {
        self.links.get(&link).is_some_and(|l| l.joint == Joint::Pair)
    }

    /// Makes a device a port of a bridge of its namespace, or of none.
    ///
    /// # Errors
    /// `NoDevice`, `NotABridge`, `Busy` when it is a bridge itself.
    pub fn set_master(
        &mut self,
        namespace: NamespaceId,
        device: IfIndex,
        master: Option<IfIndex>,
    ) -> Result<(), LinkError> {
        self.with(namespace, |ns, cx| ns.set_master(cx, device, master))
    }

    /// Changes what a bridge or its ports are set to, and gives back what the change said.
    ///
    /// # Panics
    /// When it is no bridge.
    pub fn set_bridge<T>(
        &mut self,
        namespace: NamespaceId,
        bridge: IfIndex,
        change: impl FnOnce(&mut Bridge, Instant) -> T,
    ) -> T {
        self.with(namespace, |ns, cx| ns.set_bridge(cx, bridge, change)).expect("the device is a bridge")
    }

    /// Sets the MTU of a device.
    pub fn set_mtu(&mut self, namespace: NamespaceId, device: IfIndex, mtu: Mtu) {
        let Some(found) = self.namespace(namespace).devices.get(&device).filter(|device| device.mtu != mtu) else {
            return;
        };
        let uppers: Vec<LinkId> = found.uppers.iter().map(|upper| upper.link).collect();
        self.with(namespace, |ns, cx| ns.set_mtu(cx, device, mtu));
        // What stands on it takes no larger packet than it does.
        for link in uppers {
            let Some(end) = self.links.get(&link).map(|link| link.other(End { namespace, device })) else { continue };
            if self.namespace(end.namespace).devices.get(&end.device).is_some_and(|upper| upper.mtu > mtu) {
                self.set_mtu(end.namespace, end.device, mtu);
            }
        }
    }

    /// Sets how many packets may wait at a device (`qlen`); 0 for those that Docker makes.
    pub fn set_queue_len(&mut self, namespace: NamespaceId, device: IfIndex, packets: u32) {
        if let Some(device) = self.namespace_mut(namespace).devices.get_mut(&device) {
            device.queue_len = packets;
        }
    }

    /// Sets the Ethernet address of a device.
    pub fn set_mac(&mut self, namespace: NamespaceId, device: IfIndex, mac: Mac) {
        self.with(namespace, |ns, cx| ns.set_mac(cx, device, mac));
        self.note_upper(namespace, device);
    }

    /// Whether a device shall be given all frames (`promisc on`).
    pub fn set_promiscuous(&mut self, namespace: NamespaceId, device: IfIndex, promiscuous: bool) {
        if let Some(device) = self.namespace_mut(namespace).devices.get_mut(&device) {
            device.promiscuous = promiscuous;
        }
    }

    /// Whether the port that a device is plugged into gives it only what is for its own address or for many.
    pub fn set_port_filters(&mut self, namespace: NamespaceId, device: IfIndex, filters: bool) {
        if let Some(device) = self.namespace_mut(namespace).devices.get_mut(&device) {
            device.port_filters = filters;
        }
    }

    /// Switches IPv6 on a device on or off.
    pub fn set_ipv6(&mut self, namespace: NamespaceId, device: IfIndex, ipv6: Ipv6) {
        self.with(namespace, |ns, cx| ns.set_ipv6(cx, device, ipv6));
    }

    /// Says how a device makes its link-local address (`addr_gen_mode`).
    pub fn set_address_generation(&mut self, namespace: NamespaceId, device: IfIndex, mode: i32) {
        self.with(namespace, |ns, cx| ns.set_address_generation(cx, device, mode));
    }

    /// Gives a device an address, and the route to its prefix when the device is up.
    ///
    /// # Errors
    /// `NoDevice`, `NoIpv6`, `AddressExists`.
    pub fn add_address(&mut self, namespace: NamespaceId, device: IfIndex, net: IpNetwork) -> Result<(), LinkError> {
        self.assign(namespace, device, net.into())
    }

    /// The same for an address whose scope or broadcast address was chosen.
    ///
    /// # Errors
    /// `NoDevice`, `AddressExists`.
    pub fn assign(&mut self, namespace: NamespaceId, device: IfIndex, address: Address) -> Result<(), LinkError> {
        self.with(namespace, |ns, cx| ns.add_address(cx, device, address))?;
        self.note_upper(namespace, device);
        Ok(())
    }

    /// Says something else of an address that is there.
    ///
    /// # Errors
    /// `NoDevice`, `NoAddress`.
    pub fn change_address(
        &mut self,
        namespace: NamespaceId,
        device: IfIndex,
        address: Address,
    ) -> Result<(), LinkError> {
        self.with(namespace, |ns, cx| ns.change_address(cx, device, &address))
    }

    /// Takes this very address away, with the routes that came with it.
    ///
    /// # Errors
    /// `NoDevice`, `NoAddress`.
    pub fn withdraw(&mut self, namespace: NamespaceId, device: IfIndex, address: &Address) -> Result<(), LinkError> {
        self.with(namespace, |ns, _| ns.withdraw(device, address))?;
        self.note_upper(namespace, device);
        Ok(())
    }

    /// Takes the address of a prefix away, with the routes that came with it.
    ///
    /// # Errors
    /// `NoDevice`, `NoAddress`.
    pub fn remove_address(&mut self, namespace: NamespaceId, device: IfIndex, net: IpNetwork) -> Result<(), LinkError> {
        self.with(namespace, |ns, _| ns.remove_address(device, net))?;
        self.note_upper(namespace, device);
        Ok(())
    }

    /// Adds a route.
    ///
    /// # Errors
    /// `RouteExists`, `NextHopUnreachable` when the gateway is on no link, `NetworkDown` when its device is down.
    pub fn add_route(&mut self, namespace: NamespaceId, route: Route) -> Result<(), LinkError> {
        self.namespace_mut(namespace).add_route(route)
    }

    /// The other end of a veth, or the device beneath, wherever it is.
    #[must_use]
    pub fn peer_of(&self, namespace: NamespaceId, device: IfIndex) -> Option<End> {
        let link = self.namespace(namespace).link_of(device)?;
        self.links.get(&link).map(|l| l.other(End { namespace, device }))
    }

    /// A random, locally administered address.
    fn random_mac(&mut self) -> Mac {
        let mut bytes = [0; 6];
        self.macs.fill(&mut bytes);
        bytes[0] = bytes[0] & 0xfe | 0x02;
        Mac(bytes)
    }

    /// The queueing disciplines of namespaces that are gone, by the names of those.
    #[must_use]
    pub fn retired_qdiscs(&self) -> &[(String, Retired)] {
        &self.retired
    }

    // Time.

    /// When the next frame arrives or timer ends.
    #[must_use]
    pub fn next_at(&self) -> Option<Instant> {
        self.queue.next_at()
    }

    /// Lets the next thing happen that is due by `limit`, and moves the present to it; false when there is none.
    pub fn step(&mut self, limit: Instant) -> bool {
        let Some((at, event)) = self.queue.pop(limit) else { return false };
        self.now = self.now.max(at);
        match event {
            Event::Arrive { end, frame } => self.arrive(end, frame),
            Event::Descend { end, link, frame } => self.descend(end, link, frame),
            Event::Tunnel(tunnelled) => self.tunnel(&tunnelled),
            Event::Poll(id) => self.poll(id),
        }
        true
    }

    /// Moves the present to `at` when nothing happens before.
    pub fn advance(&mut self, at: Instant) {
        debug_assert!(self.next_at().is_none_or(|next| next >= at), "what is due comes first");
        self.now = self.now.max(at);
    }

    fn arrive(&mut self, end: End, frame: Frame) {
        if self.exists(end.namespace) {
            self.with(end.namespace, |ns, cx| ns.receive(cx, end.device, frame));
        }
    }

    fn descend(&mut self, end: End, link: LinkId, frame: Frame) {
        if self.exists(end.namespace) {
            self.with(end.namespace, |ns, cx| ns.receive_from_above(cx, end.device, link, frame));
        }
    }

    fn tunnel(&mut self, tunnelled: &Tunnelled) {
        let Some([device, beneath]) = self.links.get(&tunnelled.link).map(|link| link.ends) else { return };
        let frame = &tunnelled.frame;
        match &tunnelled.way {
            Way::Out(outer) => {
                let own = (device.namespace == beneath.namespace).then_some(device.device);
                self.with(beneath.namespace, |ns, cx| ns.send_tunnelled(cx, own, outer, frame));
            }
            Way::In(from) => {
                self.with(device.namespace, |ns, cx| ns.receive_tunnelled(cx, device.device, *from, frame.clone()));
            }
        }
    }

    fn poll(&mut self, id: NamespaceId) {
        if self.exists(id) {
            self.planned.remove(&id);
            self.with(id, |ns, cx| ns.poll(cx));
        }
    }

    /// The sockets that have something for their owners since the last call.
    pub fn take_woken(&mut self) -> Vec<(NamespaceId, SocketId)> {
        core::mem::take(&mut self.woken)
    }

    /// Wakes those who hold a connection.
    pub(crate) fn wake_connections(&mut self) {
        let all = self.namespaces.iter().flat_map(|(id, ns)| ns.tcp_connections().map(|view| (*id, view.socket)));
        self.woken.extend(all);
    }

    /// Puts a frame on the wire towards a device, as if its peer had sent it now.
    pub fn inject(&mut self, namespace: NamespaceId, device: IfIndex, frame: Frame) {
        let end = End { namespace, device };
        self.queue.push(self.now, Event::Arrive { end, frame });
    }

    /// Gives somebody outside the world a part in a device, or takes it away: what this world's sockets there have no
    /// use for is put ready for [`Fabric::take_left`].
    ///
    /// # Errors
    /// `NoDevice`.
    pub fn set_outside(&mut self, at: End, outside: bool) -> Result<(), LinkError> {
        if !self.exists(at.namespace) {
            return Err(LinkError::NoDevice);
        }
        self.namespace_mut(at.namespace).set_outside(at.device, outside)
    }

    /// The outside sends a frame by a device in which it has a part. What cannot be sent is dropped and counted there.
    pub fn send_from_outside(&mut self, at: End, frame: Frame) {
        if self.exists(at.namespace) {
            self.with(at.namespace, |ns, cx| ns.send_from_outside(cx, at.device, frame));
        }
    }

    /// Counts frames that were lost on their way to the outside or from it.
    pub fn count_lost_outside(&mut self, at: End, way: Lost, reason: DropReason, count: u64) {
        if let Some(namespace) = self.namespaces.get_mut(&at.namespace) {
            namespace.count_lost_outside(at.device, way, reason, count);
        }
    }

    /// Takes away the part that somebody outside has in devices.
    pub(crate) fn leave_outside(&mut self) {
        self.left.clear();
        self.namespaces.values_mut().for_each(Namespace::leave_outside);
    }

    /// What left the world since the last call, by the device at which it came in.
    pub fn take_left(&mut self) -> Vec<(End, Frame)> {
        core::mem::take(&mut self.left)
    }

    /// Whether a device may be shared in this way, with what shares it already.
    ///
    /// # Errors
    /// See [`Fabric::create_stacked`].
    pub fn check_sharing(parent: &Device, over: Over) -> Result<(), LinkError> {
        let kinds = |wanted: fn(&Over) -> bool| parent.uppers.iter().any(|u| wanted(&u.over));
        let has_macvlan = kinds(|o| matches!(o, Over::Macvlan(_)));
        let has_ipvlan = kinds(|o| matches!(o, Over::Ipvlan(_)));
        let has_passthru = kinds(|o| *o == Over::Macvlan(MacvlanMode::Passthru));
        match over {
            _ if parent.is_loopback() => Err(LinkError::Incompatible),
            Over::Vlan(_) if parent.uppers.iter().any(|u| u.over == over) => Err(LinkError::Exists),
            Over::Vlan(_) => Ok(()),
            Over::Macvlan(_) | Over::Ipvlan(_) if parent.master.is_some() => Err(LinkError::Sharing),
            Over::Macvlan(_) if has_ipvlan => Err(LinkError::Sharing),
            Over::Macvlan(_) if has_passthru => Err(LinkError::Incompatible),
            Over::Macvlan(MacvlanMode::Passthru) if has_macvlan => Err(LinkError::Incompatible),
            Over::Ipvlan(_) if has_macvlan => Err(LinkError::Sharing),
            Over::Macvlan(_) | Over::Ipvlan(_) => Ok(()),
        }
    }
}
