//! A learning bridge: which ports a frame goes to, by the addresses it has seen. It holds no frame and no device;
//! it decides and returns.
//!
//! An entry is learned or refreshed by every frame that comes in and dies after the ageing time (300 s, as Linux
//! has it); a frame to an unknown or group address goes to every port but the one it came from.

use indexmap::IndexMap;
use rustc_hash::FxBuildHasher;

use crate::addr::Mac;
use crate::id::IfIndex;
use crate::time::{Duration, Instant};

/// How long an address is remembered after its last frame, on Linux.
pub const AGEING: Duration = Duration::from_secs(300);

/// What is known of one address.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct FdbEntry {
    /// The port behind which it is.
    pub port: IfIndex,
    /// When it was last seen; only what was learned ages.
    pub seen: Instant,
    /// Where it comes from, and so how long it lives.
    pub life: Life,
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

/// A bridge's table and ports.
#[derive(Clone, Debug)]
pub struct Bridge {
    ports: Vec<IfIndex>,
    fdb: IndexMap<u64, FdbEntry, FxBuildHasher>,
    /// How long an entry lives, in nanoseconds: a `Duration` would cost a division a frame.
    ageing: u64,
    /// Whether its address was set by hand, so that it no longer follows its ports (oracle fact 28).
    pub fixed_mac: bool,
}

impl Default for Bridge {
    fn default() -> Self {
        Self { ports: Vec::new(), fdb: IndexMap::default(), ageing: nanos(AGEING), fixed_mac: false }
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
            self.fdb.insert(mac.as_u64(), FdbEntry { port, seen: now, life: Life::Local });
        }
    }

    /// Lets a port go, with all that was learned there.
    pub fn remove_port(&mut self, port: IfIndex) {
        self.ports.retain(|p| *p != port);
        self.fdb.retain(|_, e| e.port != port);
    }

    /// Forgets what was learned at a port that lost its carrier.
    pub fn flush_port(&mut self, port: IfIndex) {
        self.fdb.retain(|_, e| e.port != port || e.life != Life::Learned);
    }

    /// Where a frame from `src` to `dst` goes that came in by `ingress` at `now`; `own` is the bridge's address.
    /// Learns `src` on the way.
    pub fn forward(&mut self, now: Instant, ingress: IfIndex, src: Mac, dst: Mac, own: Mac) -> Egress {
        self.learn(now, ingress, src);
        if dst == own {
            return Egress::Local;
        }
        self.lookup(now, Some(ingress), dst)
    }

    /// Where a frame of the host itself goes.
    #[must_use]
    pub fn originate(&self, now: Instant, dst: Mac) -> Egress {
        self.lookup(now, None, dst)
    }

    fn lookup(&self, now: Instant, ingress: Option<IfIndex>, dst: Mac) -> Egress {
        if dst.is_multicast() {
            return Egress::Flood;
        }
        match self.fdb.get(&dst.as_u64()) {
            Some(entry) if entry.life == Life::Local => Egress::Local,
            Some(entry) if self.is_dead(entry, now) => Egress::Flood,
            Some(entry) if Some(entry.port) == ingress => Egress::Nowhere,
            Some(entry) => Egress::Port(entry.port),
            None => Egress::Flood,
        }
    }

    fn learn(&mut self, now: Instant, port: IfIndex, src: Mac) {
        if src.is_multicast() || src == Mac::ZERO {
            return;
        }
        match self.fdb.get_mut(&src.as_u64()) {
            Some(entry) if entry.life != Life::Learned => {}
            Some(entry) => {
                entry.port = port;
                entry.seen = now;
            }
            None => {
                self.fdb.insert(src.as_u64(), FdbEntry { port, seen: now, life: Life::Learned });
            }
        }
    }

    /// Whether anything is known of an address.
    #[must_use]
    pub fn knows(&self, mac: Mac) -> bool {
        self.fdb.contains_key(&mac.as_u64())
    }

    /// Puts an entry there by hand.
    pub fn put(&mut self, mac: Mac, port: IfIndex, life: Life, now: Instant) {
        self.fdb.insert(mac.as_u64(), FdbEntry { port, seen: now, life });
    }

    /// Takes the entry of an address away; false when there is none at this port.
    pub fn forget(&mut self, mac: Mac, port: IfIndex) -> bool {
        let there = self.fdb.get(&mac.as_u64()).is_some_and(|entry| entry.port == port);
        there && self.fdb.shift_remove(&mac.as_u64()).is_some()
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

    const fn is_dead(&self, entry: &FdbEntry, now: Instant) -> bool {
        matches!(entry.life, Life::Learned) && now.as_nanos() > entry.seen.as_nanos().saturating_add(self.ageing)
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

/// A duration in nanoseconds; 584 years at most.
fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
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
        bridge.remove_port(IfIndex(4));
        assert_eq!(bridge.originate(Instant::ZERO, A), Egress::Flood);
    }
}
