//! A learning bridge: which ports a frame goes to, by the addresses it has seen. It holds no frame and no device;
//! it decides and returns.
//!
//! An entry is learned or refreshed by every frame that comes in and dies after the ageing time (300 s, as Linux
//! has it); a frame to an unknown or group address goes to every port but the one it came from. So it is while nothing
//! else is set ([`Bridge::is_plain`]); VLANs, a spanning tree and what ports are set to are looked at only then.

pub mod bpdu;
pub mod setting;
pub mod tree;
pub mod vlan;

use std::collections::BTreeMap;

use indexmap::IndexMap;
use rustc_hash::FxBuildHasher;

use crate::addr::Mac;
use crate::frame::ethertype;
use crate::id::IfIndex;
use crate::time::{Duration, Instant, nanos};
use tree::{State, Tree};
use vlan::Vlans;

/// How long an address is remembered after its last frame, on Linux.
pub const AGEING: Duration = Duration::from_secs(300);

/// Addresses in a table at most (`fdb_max_learned`, which Linux leaves open): whoever makes up addresses must not fill the
/// memory. Frames to those that found no room are flooded.
const LEARNED_MAX: usize = 65_536;
/// How often a table that is full is swept.
const SWEEP: Duration = Duration::from_secs(1);

/// What is known of one address.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct FdbEntry {
    /// The port behind which it is.
    pub port: IfIndex,
    /// When it was last seen; only what was learned ages.
    pub seen: Instant,
    /// Where it comes from, and so how long it lives.
    pub life: Life,
    /// The VLAN that it is in; 0 while the bridge looks at none.
    pub vlan: u16,
}

/// Where an entry comes from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Life {
    /// It is the bridge's own, or a port's: frames to it are for the host.
    Local,
    /// It was put there by hand: the port is fixed.
    Static,
    /// It was learned, and dies some time after the last frame.
    Learned,
}

/// Where a frame goes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Egress {
    /// To the bridge's own device: the host's stack.
    Local,
    /// To this port.
    Port(IfIndex),
    /// To every other port; `local` when the host's stack gets it too.
    Flood,
    /// Nowhere: it is behind the port that it came from.
    Nowhere,
}

/// What a port is set to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of `bridge link set`")]
pub struct PortSettings {
    /// Whether addresses are learned here.
    pub learning: bool,
    /// Whether frames to unknown stations leave here.
    pub flood: bool,
    /// The same of frames to groups.
    pub mcast_flood: bool,
    /// The same of frames to everybody.
    pub bcast_flood: bool,
    /// Whether a frame may leave by the port that it came from.
    pub hairpin: bool,
    /// Whether no frame passes to another port that is isolated as well.
    pub isolated: bool,
    /// Whether a BPDU is taken for an attack: the port is switched off.
    pub guard: bool,
    /// Whether this port never leads to the root.
    pub root_block: bool,
    /// Whether a group is left at once.
    pub fast_leave: bool,
    /// Whether frames to a group are sent to each member.
    pub mcast_to_unicast: bool,
    /// Whether frames from unknown stations are dropped.
    pub locked: bool,
    /// Whether questions for neighbours are kept from here.
    pub neigh_suppress: bool,
}

impl Default for PortSettings {
    fn default() -> Self {
        Self {
            learning: true,
            flood: true,
            mcast_flood: true,
            bcast_flood: true,
            hairpin: false,
            isolated: false,
            guard: false,
            root_block: false,
            fast_leave: false,
            mcast_to_unicast: false,
            locked: false,
            neigh_suppress: false,
        }
    }
}

/// A port besides what the spanning tree knows of it.
#[derive(Clone, Debug)]
pub struct Port {
    /// What it is set to.
    pub settings: PortSettings,
    /// The VLANs that pass.
    pub vlans: Vlans,
}

/// Whose frame it is, for who decides where it leaves.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Address {
    /// A station that is known.
    Known,
    /// A station that is not.
    Unknown,
    /// A group.
    Group,
    /// Everybody.
    Everybody,
}

/// A frame that was let in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Admitted {
    /// Its VLAN; 0 while the bridge looks at none.
    pub vlan: u16,
    /// Where it goes.
    pub egress: Egress,
}

/// A bridge's table and ports.
#[derive(Clone, Debug)]
pub struct Bridge {
    ports: Vec<IfIndex>,
    settings: BTreeMap<IfIndex, Port>,
    fdb: IndexMap<u64, FdbEntry, FxBuildHasher>,
    /// How long an entry lives, in nanoseconds: a `Duration` would cost a division a frame.
    ageing: u64,
    /// Whether nothing is set that needs a second look at a frame.
    plain: bool,
    filtering: bool,
    default_pvid: Option<u16>,
    own: Vlans,
    tree: Tree,
    /// When the dead were last thrown away because the table was full.
    swept: Instant,
    /// Whether its address was set by hand, so that it no longer follows its ports (oracle fact 28).
    pub fixed_mac: bool,
    /// Whether packets that cross it pass the firewall, whatever the switch for all bridges says: IPv4, IPv6 and ARP.
    calls: [bool; 3],
}

impl Default for Bridge {
    fn default() -> Self {
        let default_pvid = Some(vlan::DEFAULT);
        Self {
            ports: Vec::new(),
            settings: BTreeMap::new(),
            fdb: IndexMap::default(),
            ageing: nanos(AGEING),
            plain: true,
            filtering: false,
            default_pvid,
            own: Vlans::new(default_pvid),
            tree: Tree::default(),
            fixed_mac: false,
            calls: [false; 3],
            swept: Instant::ZERO,
        }
    }
}

impl Bridge {
    /// The ports, in the order in which they joined.
    #[must_use]
    pub fn ports(&self) -> &[IfIndex] {
        &self.ports
    }

    /// Lends the list of ports to who floods; it has to come back.
    pub(crate) fn lend_ports(&mut self) -> Vec<IfIndex> {
        core::mem::take(&mut self.ports)
    }

    /// Takes the list of ports back.
    pub(crate) fn return_ports(&mut self, ports: Vec<IfIndex>) {
        self.ports = ports;
    }

    /// Takes a device as a port; `mac` is its own address.
    pub fn add_port(&mut self, port: IfIndex, mac: Mac, now: Instant) {
        if !self.ports.contains(&port) {
            self.ports.push(port);
            let vlans = Vlans::new(self.default_pvid);
            self.settings.insert(port, Port { settings: PortSettings::default(), vlans });
            self.tree.add_port(port, now);
            self.put(0, mac, port, Life::Local, now);
        }
    }

    /// Lets a port go, with all that was learned there.
    pub fn remove_port(&mut self, port: IfIndex, now: Instant) {
        self.ports.retain(|p| *p != port);
        self.settings.remove(&port);
        self.tree.remove_port(port, now);
        self.fdb.retain(|_, e| e.port != port);
        self.judge();
    }

    /// Forgets the entries that are meant, the bridge's and the ports' own among them.
    pub fn flush(&mut self, is_meant: impl Fn(&FdbEntry) -> bool) {
        self.fdb.retain(|_, entry| !is_meant(entry));
    }

    /// Forgets what was learned at a port that lost its carrier.
    pub fn flush_port(&mut self, port: IfIndex) {
        self.fdb.retain(|_, e| e.port != port || e.life != Life::Learned);
    }

    // What is set.

    /// Whether frames go where the table says, and nothing else has to be looked at.
    #[inline]
    #[must_use]
    pub const fn is_plain(&self) -> bool {
        self.plain
    }

    fn judge(&mut self) {
        let usual = |port: &Port| {
            let looked_at = PortSettings {
                guard: false,
                root_block: false,
                fast_leave: false,
                mcast_to_unicast: false,
                neigh_suppress: false,
                ..port.settings
            };
            looked_at == PortSettings::default()
        };
        let called = self.calls.contains(&true);
        self.plain = !called && !self.filtering && self.tree.is_plain() && self.settings.values().all(usual);
    }

    /// A port's settings and VLANs.
    #[must_use]
    pub fn port(&self, port: IfIndex) -> Option<&Port> {
        self.settings.get(&port)
    }

    /// Changes a port's settings or VLANs.
    pub fn change_port(&mut self, port: IfIndex, change: impl FnOnce(&mut Port)) {
        if let Some(port) = self.settings.get_mut(&port) {
            change(port);
        }
        self.judge();
    }

    /// Whether it looks at VLANs.
    #[must_use]
    pub const fn is_filtering(&self) -> bool {
        self.filtering
    }

    /// Begins or ceases to look at VLANs.
    pub fn set_filtering(&mut self, filtering: bool) {
        self.filtering = filtering;
        self.judge();
    }

    /// The VLAN that new ports have.
    #[must_use]
    pub const fn default_pvid(&self) -> Option<u16> {
        self.default_pvid
    }

    /// Another VLAN for new ports, and for those that have the old one.
    pub fn set_default_pvid(&mut self, pvid: Option<u16>) {
        let old = core::mem::replace(&mut self.default_pvid, pvid);
        for vlans in self.settings.values_mut().map(|port| &mut port.vlans).chain([&mut self.own]) {
            if vlans.pvid() == old {
                let _ = old.is_some_and(|id| vlans.remove(id));
                pvid.into_iter().for_each(|id| vlans.add(id, true, true));
            }
        }
    }

    /// The VLANs that reach the bridge's own device.
    #[must_use]
    pub const fn own_vlans(&self) -> &Vlans {
        &self.own
    }

    /// The same, to be changed.
    pub const fn own_vlans_mut(&mut self) -> &mut Vlans {
        &mut self.own
    }

    /// Whether packets of this type pass the firewall here even when the switch for all bridges is off.
    #[must_use]
    pub const fn calls_firewall(&self, kind: u16) -> bool {
        match kind {
            ethertype::IPV4 => self.calls[0],
            ethertype::IPV6 => self.calls[1],
            _ => false,
        }
    }

    fn set_call(&mut self, which: usize, on: bool) {
        self.calls[which] = on;
        self.judge();
    }

    /// Its part of the spanning tree.
    #[must_use]
    pub const fn tree(&self) -> &Tree {
        &self.tree
    }

    /// Lets something happen to the spanning tree.
    pub fn tell_tree<T>(&mut self, tell: impl FnOnce(&mut Tree) -> T) -> T {
        let told = tell(&mut self.tree);
        self.judge();
        told
    }

    // What frames meet.

    /// Where a frame from `src` to `dst` goes that came in by `ingress` at `now`; `own` is the bridge's address.
    /// Learns `src` on the way.
    pub fn forward(&mut self, now: Instant, ingress: IfIndex, src: Mac, dst: Mac, own: Mac) -> Egress {
        self.learn(now, ingress, 0, src);
        if dst == own {
            return Egress::Local;
        }
        self.lookup(now, Some(ingress), 0, dst)
    }

    /// The same where more is set: the port's state, its VLANs and what it learns. None when the frame is not let in.
    pub fn admit(
        &mut self,
        now: Instant,
        ingress: IfIndex,
        tag: Option<u16>,
        (src, dst, own): (Mac, Mac, Mac),
    ) -> Option<Admitted> {
        let (state, port) = (self.tree.state(ingress), self.settings.get(&ingress)?);
        if state < State::Learning {
            return None;
        }
        let vlan = if self.filtering { port.vlans.ingress(tag)? } else { 0 };
        let known = || self.fdb.get(&key(vlan, src)).is_some_and(|e| e.port == ingress && e.life != Life::Local);
        if port.settings.locked && !known() {
            return None;
        }
        if port.settings.learning {
            self.learn(now, ingress, vlan, src);
        }
        if state != State::Forwarding {
            return None;
        }
        let egress = if dst == own { Egress::Local } else { self.lookup(now, Some(ingress), vlan, dst) };
        Some(Admitted { vlan, egress })
    }

    /// Whether a frame of a VLAN leaves by a port, and if so whether without a tag.
    #[must_use]
    pub fn delivers(&self, ingress: Option<IfIndex>, out: IfIndex, vlan: u16, to: Address) -> Option<bool> {
        let port = self.settings.get(&out)?;
        let from = ingress.and_then(|port| self.settings.get(&port));
        let back = ingress == Some(out) && !port.settings.hairpin;
        let apart = port.settings.isolated && from.is_some_and(|from| from.settings.isolated);
        let wanted = match to {
            Address::Known => true,
            Address::Unknown => port.settings.flood,
            Address::Group => port.settings.mcast_flood,
            Address::Everybody => port.settings.bcast_flood,
        };
        if back || apart || !wanted || self.tree.state(out) != State::Forwarding {
            return None;
        }
        if self.filtering { port.vlans.egress(vlan) } else { Some(true) }
    }

    /// Where a frame of the host itself goes.
    #[must_use]
    pub fn originate(&self, now: Instant, dst: Mac) -> Egress {
        self.lookup(now, None, 0, dst)
    }

    /// The same where the bridge looks at VLANs: none when its own device is not in the frame's.
    #[must_use]
    pub fn originate_in(&self, now: Instant, tag: Option<u16>, dst: Mac) -> Option<Admitted> {
        let vlan = if self.filtering { self.own.ingress(tag)? } else { 0 };
        Some(Admitted { vlan, egress: self.lookup(now, None, vlan, dst) })
    }

    fn lookup(&self, now: Instant, ingress: Option<IfIndex>, vlan: u16, dst: Mac) -> Egress {
        if dst.is_multicast() {
            // What is for the next bridge only goes no further (IEEE 802.1D §7.12.6), but for BPDUs where nobody hears them.
            return if is_link_local(dst) && ingress.is_some() { Egress::Local } else { Egress::Flood };
        }
        let known = self.fdb.get(&key(vlan, dst));
        // The ports' own addresses are the host's in every VLAN.
        let known = if vlan == 0 { known } else { known.or_else(|| self.fdb.get(&key(0, dst))) };
        match known {
            Some(entry) if entry.life == Life::Local => Egress::Local,
            Some(entry) if self.is_dead(entry, now) => Egress::Flood,
            Some(entry) if Some(entry.port) == ingress && self.plain => Egress::Nowhere,
            Some(entry) => Egress::Port(entry.port),
            None => Egress::Flood,
        }
    }

    fn learn(&mut self, now: Instant, port: IfIndex, vlan: u16, src: Mac) {
        if src.is_multicast() || src == Mac::ZERO {
            return;
        }
        match self.fdb.get_mut(&key(vlan, src)) {
            Some(entry) if entry.life != Life::Learned => {}
            Some(entry) => {
                entry.port = port;
                entry.seen = now;
            }
            None => {
                if self.has_room(now) {
                    self.fdb.insert(key(vlan, src), FdbEntry { port, seen: now, life: Life::Learned, vlan });
                }
            }
        }
    }

    /// Whether one more address can be learned. A full table is swept, but not at every frame of a flood.
    fn has_room(&mut self, now: Instant) -> bool {
        if self.fdb.len() >= LEARNED_MAX && now.since(self.swept) >= SWEEP {
            self.swept = now;
            self.expire(now);
        }
        self.fdb.len() < LEARNED_MAX
    }

    /// Whether anything is known of an address in a VLAN; 0 while the bridge looks at none.
    #[must_use]
    pub fn knows(&self, vlan: u16, mac: Mac) -> bool {
        self.fdb.contains_key(&key(vlan, mac))
    }

    /// Puts an entry there by hand.
    pub fn put(&mut self, vlan: u16, mac: Mac, port: IfIndex, life: Life, now: Instant) {
        self.fdb.insert(key(vlan, mac), FdbEntry { port, seen: now, life, vlan });
    }

    /// Takes the entry of an address away; false when there is none at this port.
    pub fn forget(&mut self, vlan: u16, mac: Mac, port: IfIndex) -> bool {
        let there = self.fdb.get(&key(vlan, mac)).is_some_and(|entry| entry.port == port);
        there && self.fdb.shift_remove(&key(vlan, mac)).is_some()
    }

    /// How long an entry lives.
    #[must_use]
    pub const fn ageing(&self) -> Duration {
        Duration::from_nanos(self.ageing)
    }

    /// Sets how long an entry lives (`bridge ageing_time`).
    pub fn set_ageing(&mut self, ageing: Duration) {
        self.ageing = nanos(ageing);
    }

    fn is_dead(&self, entry: &FdbEntry, now: Instant) -> bool {
        // While the tree changes, stations may be elsewhere.
        let ageing =
            if self.plain || !self.tree.changes().0 { self.ageing } else { nanos(self.tree.times().1.forward_delay) };
        matches!(entry.life, Life::Learned) && now.as_nanos() > entry.seen.as_nanos().saturating_add(ageing)
    }

    /// What is known at `now`, in the order in which it was learned.
    pub fn fdb(&self, now: Instant) -> impl Iterator<Item = (Mac, FdbEntry)> {
        self.fdb.iter().filter(move |(_, e)| !self.is_dead(e, now)).map(|(m, e)| (Mac::from_u64(*m), *e))
    }

    /// Throws away entries that died.
    pub fn expire(&mut self, now: Instant) {
        let ageing = self.ageing;
        self.fdb.retain(|_, e| e.life != Life::Learned || now.as_nanos() <= e.seen.as_nanos().saturating_add(ageing));
    }
}

/// An address in a VLAN, as a number for the table.
#[inline]
const fn key(vlan: u16, mac: Mac) -> u64 {
    mac.as_u64() | (vlan as u64) << 48
}

/// Whether a group is one that no bridge passes on.
const fn is_link_local(group: Mac) -> bool {
    matches!(group.0, [0x01, 0x80, 0xc2, 0, 0, 0x01..=0x0f])
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: Mac = Mac([2, 0, 0, 0, 0, 0xa]);
    const B: Mac = Mac([2, 0, 0, 0, 0, 0xb]);
    const OWN: Mac = Mac([2, 0, 0, 0, 0, 1]);

    fn bridge_with_ports() -> Bridge {
        let mut bridge = Bridge::default();
        for port in 2..5 {
            let mac = Mac([6, 0, 0, 0, 0, u8::try_from(port).unwrap()]);
            bridge.add_port(IfIndex(port), mac, Instant::ZERO);
        }
        bridge
    }

    #[test]
    fn it_floods_until_it_has_learned_and_again_after_ageing() {
        let mut bridge = bridge_with_ports();
        let t0 = Instant::ZERO;
        assert_eq!(bridge.forward(t0, IfIndex(2), A, B, OWN), Egress::Flood);
        assert_eq!(bridge.forward(t0, IfIndex(3), B, A, OWN), Egress::Port(IfIndex(2)));
        assert_eq!(bridge.forward(t0, IfIndex(2), A, B, OWN), Egress::Port(IfIndex(3)));
        let later = t0 + AGEING + Duration::from_secs(1);
        assert_eq!(bridge.forward(later, IfIndex(2), A, B, OWN), Egress::Flood);
    }

    #[test]
    fn a_frame_for_somebody_behind_its_own_port_goes_nowhere() {
        let mut bridge = bridge_with_ports();
        bridge.forward(Instant::ZERO, IfIndex(2), A, B, OWN);
        assert_eq!(bridge.forward(Instant::ZERO, IfIndex(2), B, A, OWN), Egress::Nowhere);
    }

    #[test]
    fn a_host_that_moves_is_followed_and_a_port_that_leaves_is_forgotten() {
        let mut bridge = bridge_with_ports();
        bridge.forward(Instant::ZERO, IfIndex(2), A, B, OWN);
        bridge.forward(Instant::ZERO, IfIndex(4), A, B, OWN);
        assert_eq!(bridge.originate(Instant::ZERO, A), Egress::Port(IfIndex(4)));
        bridge.remove_port(IfIndex(4), Instant::ZERO);
        assert_eq!(bridge.originate(Instant::ZERO, A), Egress::Flood);
    }

    #[test]
    fn made_up_addresses_do_not_fill_the_memory() {
        let mut bridge = bridge_with_ports();
        let late = Instant::ZERO + AGEING;
        for n in 0..70_000_u64 {
            bridge.forward(late, IfIndex(2), Mac::from_u64(0x02_00_00_00_00_00 + n), B, OWN);
        }
        assert_eq!(bridge.fdb.len(), LEARNED_MAX);
        let later = late + AGEING + SWEEP;
        bridge.forward(later, IfIndex(3), A, B, OWN);
        assert_eq!((bridge.originate(later, A), bridge.fdb(later).count()), (Egress::Port(IfIndex(3)), 4));
    }
}
