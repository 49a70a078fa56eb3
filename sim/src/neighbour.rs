//! Neighbour tables: which Ethernet address an IP address of the link has, by ARP or NDP, with Linux's states. It says
//! when to ask and what was waiting; it builds no packet.
//!
//! The life of an entry: a packet makes it `Incomplete` and waits in it (at most [`QUEUE`]); after [`PROBES`] requests
//! a second apart without an answer it is `Failed` and the packets are given back. An answer makes it `Reachable` for
//! [`REACHABLE`], then it is `Stale`; the next use makes it `Delay` for [`DELAY`], and then it asks by unicast
//! (`Probe`).

use core::net::IpAddr;
use std::collections::{BTreeMap, BTreeSet};

use crate::addr::{Mac, family};
use crate::frame::Frame;
use crate::id::IfIndex;
use crate::time::{Duration, Instant};

/// Packets that wait for one address (Linux counts bytes; this is about `unres_qlen`).
pub const QUEUE: usize = 101;
/// Requests before an address is given up (`mcast_solicit`, `ucast_solicit`).
pub const PROBES: u32 = 3;
/// Time between requests (`retrans_time`).
pub const RETRANSMIT: Duration = Duration::from_secs(1);
/// How long an answer is believed (`base_reachable_time`, without its random part).
pub const REACHABLE: Duration = Duration::from_secs(30);
/// How long a stale entry in use waits for a hint before it probes (`delay_first_probe_time`).
pub const DELAY: Duration = Duration::from_secs(5);
/// How long a failed entry is kept before a new try (`failed` entries are collected by then).
pub const FAILED: Duration = Duration::from_secs(1);

/// How old what nobody waits for must be to go when room is needed (`neigh_forced_gc`).
const YOUNG: Duration = Duration::from_secs(5);

/// How many neighbours of a family there may be, those apart that were put there by hand for good. Linux counts those of
/// all its network namespaces together; here each has a table of its own.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Limits {
    /// So many are kept when room is made (`gc_thresh2`).
    pub kept: usize,
    /// There are never more; who would be one more is not asked for (`gc_thresh3`).
    pub most: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { kept: 512, most: 1024 }
    }
}

/// The state of an entry, by Linux's names (`NUD_*`).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum State {
    /// Asked, not answered.
    Incomplete,
    /// Answered not long ago.
    Reachable,
    /// Answered once; not checked since.
    Stale,
    /// In use again; to be checked soon.
    Delay,
    /// Being checked by unicast.
    Probe,
    /// Nobody answered.
    Failed,
    /// Put there by hand.
    Permanent,
    /// Put there by hand as one that needs no asking (`nud noarp`).
    NoArp,
}

impl State {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Incomplete,
        Self::Reachable,
        Self::Stale,
        Self::Delay,
        Self::Probe,
        Self::Failed,
        Self::Permanent,
        Self::NoArp,
    ];

    /// Whether nobody but who put it there changes it.
    const fn is_fixed(self) -> bool {
        matches!(self, Self::Permanent | Self::NoArp)
    }

    /// As `ip neigh` prints it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Incomplete => "INCOMPLETE",
            Self::Reachable => "REACHABLE",
            Self::Stale => "STALE",
            Self::Delay => "DELAY",
            Self::Probe => "PROBE",
            Self::Failed => "FAILED",
            Self::Permanent => "PERMANENT",
            Self::NoArp => "NOARP",
        }
    }
}

/// What is known of one neighbour.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its state.
    pub state: State,
    /// Its address, while one is known.
    pub mac: Option<Mac>,
    /// Requests sent since the last answer.
    pub probes: u32,
    /// When something is due.
    pub due: Option<Instant>,
    /// When its state or its address last changed (`updated`).
    updated: Instant,
    /// When it was last asked for while it was not known to be right (`used`).
    used: Instant,
    /// When it was last known to be right.
    confirmed: Option<Instant>,
    /// Whether it was said to be a router (`router`).
    pub router: bool,
    /// Whether somebody else than the kernel keeps it (`extern_learn`).
    pub external: bool,
    waiting: Vec<Waiting>,
}

/// A packet that waits for an address, and by which device it came to this host; by none when it is the host's own.
pub type Waiting = (Frame, Option<IfIndex>);

/// What to do with a packet for a neighbour.
#[derive(Debug)]
pub enum Resolution {
    /// Send it there.
    Known(Mac, Frame),
    /// It waits; ask (with the source that the first packet had).
    Ask,
    /// It waits; somebody asked already.
    Waiting,
    /// The queue is full: this one is dropped.
    Full(Frame),
    /// The table is full: this one is dropped (`neighbor table overflow!`).
    Overflow(Frame),
}

/// What became due.
#[derive(Debug)]
pub enum Due {
    /// Ask again: everybody, or the address that is thought to be the right one.
    Ask {
        /// On this device.
        device: IfIndex,
        /// For this address.
        addr: IpAddr,
        /// By unicast to this address when it is being checked.
        to: Option<Mac>,
    },
    /// Nobody answered: these packets cannot be delivered.
    Failed {
        /// The device they were to leave by.
        device: IfIndex,
        /// The next hop that is silent.
        addr: IpAddr,
        /// What waited.
        packets: Vec<Waiting>,
    },
}

/// How long ago things happened to an entry, in seconds, as `ip -s neigh` tells it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Ages {
    /// Since it was asked for.
    pub used: u64,
    /// Since it was known to be right; what never was is as old as what is no longer believed.
    pub confirmed: u64,
    /// Since it changed.
    pub updated: u64,
}

impl Entry {
    fn new(now: Instant, state: State, mac: Option<Mac>, due: Option<Instant>) -> Self {
        Self {
            state,
            mac,
            probes: 0,
            due,
            updated: now,
            used: now,
            confirmed: None,
            router: false,
            external: false,
            waiting: Vec::new(),
        }
    }

    /// Whether something is due with it, for which the kernel holds on to it.
    #[must_use]
    pub const fn has_timer(&self) -> bool {
        self.due.is_some()
    }

    /// How long ago things happened to it.
    #[must_use]
    pub fn ages(&self, now: Instant) -> Ages {
        let since = |then: Instant| now.since(then).as_secs();
        let never = || since(self.updated) + 2 * REACHABLE.as_secs();
        let confirmed = self.confirmed.map_or_else(never, since);
        Ages { used: since(self.used), confirmed, updated: since(self.updated) }
    }
}

/// All neighbours of a namespace.
#[derive(Clone, Debug, Default)]
pub struct Table {
    entries: BTreeMap<(IfIndex, IpAddr), Entry>,
    /// Addresses that are answered for in others' place (`ip neigh add proxy`), on a device or on all.
    proxies: BTreeSet<(Option<IfIndex>, IpAddr)>,
    /// How many of IPv4 and of IPv6 there may be.
    pub limits: [Limits; 2],
    /// When room was last made for each.
    flushed: [Option<Instant>; 2],
}

impl Table {
    /// What is known of an address on a device.
    #[must_use]
    pub fn entry(&self, device: IfIndex, addr: IpAddr) -> Option<&Entry> {
        self.entries.get(&(device, addr))
    }

    /// Whether there is an entry, or one can be made: where the table is full, old ones that nobody waits for make room.
    fn admit(&mut self, now: Instant, device: IfIndex, addr: IpAddr) -> Option<&mut Entry> {
        let key = (device, addr);
        if !self.entries.contains_key(&key) && !self.make_room(now, addr) {
            return None;
        }
        let new = || Entry::new(now, State::Failed, None, None);
        Some(self.entries.entry(key).or_insert_with(new))
    }

    /// Room for one more of this address's family (`neigh_alloc`).
    fn make_room(&mut self, now: Instant, addr: IpAddr) -> bool {
        let Limits { kept, most } = self.limits[family(addr)];
        // Looked at first, since the table as a whole is seldom as large as a family may be.
        if self.entries.len() < kept {
            return true;
        }
        let counted = |addr_of: &IpAddr, entry: &Entry| addr_of.is_ipv4() == addr.is_ipv4() && entry.is_counted();
        let count = self.entries.iter().filter(|((_, other), entry)| counted(other, entry)).count();
        if count < kept || (count < most && self.flushed[family(addr)].is_some_and(|at| now < at + YOUNG)) {
            return true;
        }
        self.flushed[family(addr)] = Some(now);
        let mut surplus = count - kept;
        let before = self.entries.len();
        self.entries.retain(|(_, other), entry| {
            let goes = surplus > 0 && counted(other, entry) && entry.is_idle(now);
            surplus -= usize::from(goes);
            !goes
        });
        self.entries.len() < before || count < most
    }

    /// Finds the address for a packet, or lets it wait.
    pub fn resolve(&mut self, now: Instant, device: IfIndex, addr: IpAddr, (packet, came_by): Waiting) -> Resolution {
        let Some(entry) = self.admit(now, device, addr) else { return Resolution::Overflow(packet) };
        match (entry.state, entry.mac) {
            (State::Reachable | State::Permanent | State::NoArp | State::Delay | State::Probe, Some(mac)) => {
                Resolution::Known(mac, packet)
            }
            (State::Stale, Some(mac)) => {
                entry.used = now;
                entry.state = State::Delay;
                entry.updated = now;
                entry.due = Some(now + DELAY);
                Resolution::Known(mac, packet)
            }
            (State::Incomplete, _) => {
                if entry.waiting.len() >= QUEUE {
                    return Resolution::Full(packet);
                }
                entry.waiting.push((packet, came_by));
                Resolution::Waiting
            }
            _ => {
                entry.state = State::Incomplete;
                entry.mac = None;
                entry.probes = 1;
                (entry.used, entry.updated) = (now, now);
                entry.due = Some(now + RETRANSMIT);
                entry.waiting.push((packet, came_by));
                Resolution::Ask
            }
        }
    }

    /// The packet that waits first for an address, without its Ethernet header.
    #[must_use]
    pub fn first_waiting(&self, device: IfIndex, addr: IpAddr) -> Option<&[u8]> {
        self.entry(device, addr)?.waiting.first().map(|(frame, _)| frame.payload())
    }

    /// Whether a neighbour's address is known and believed in.
    #[must_use]
    pub fn is_valid(&self, device: IfIndex, addr: IpAddr) -> bool {
        self.entry(device, addr).is_some_and(|entry| entry.mac.is_some())
    }

    /// Begins to look for an address that no packet waits for; false when somebody asked already, or there is no room.
    pub fn begin(&mut self, now: Instant, device: IfIndex, addr: IpAddr) -> bool {
        let Some(entry) = self.admit(now, device, addr).filter(|entry| entry.state == State::Failed) else {
            return false;
        };
        (entry.state, entry.mac, entry.probes) = (State::Incomplete, None, 1);
        (entry.updated, entry.due) = (now, Some(now + RETRANSMIT));
        true
    }

    /// An answer to a request came (`solicited`), or another sign of the address. Gives back what waited.
    pub fn answer(&mut self, now: Instant, device: IfIndex, addr: IpAddr, mac: Mac, solicited: bool) -> Vec<Frame> {
        let Some(entry) = self.entries.get_mut(&(device, addr)) else { return Vec::new() };
        if entry.state.is_fixed() {
            return Vec::new();
        }
        if entry.mac != Some(mac) || solicited {
            entry.updated = now;
        }
        if solicited {
            entry.confirmed = Some(now);
            entry.state = State::Reachable;
            entry.due = Some(now + REACHABLE);
        } else if entry.mac != Some(mac) || entry.state == State::Incomplete {
            entry.state = State::Stale;
            entry.due = None;
        }
        entry.mac = Some(mac);
        entry.probes = 0;
        core::mem::take(&mut entry.waiting).into_iter().map(|(packet, _)| packet).collect()
    }

    /// Somebody asked us from this address: Linux notes it as stale, so that the answer needs no request. Gives back what
    /// waited; nothing when there is no room for the asker, who gets no answer then.
    pub fn note(&mut self, now: Instant, device: IfIndex, addr: IpAddr, mac: Mac) -> Option<Vec<Frame>> {
        self.admit(now, device, addr)?;
        Some(self.answer(now, device, addr, mac, false))
    }

    /// A reply from upper layers showed that the address is right (TCP progress).
    pub fn confirm(&mut self, now: Instant, device: IfIndex, addr: IpAddr) {
        if let Some(entry) = self.entries.get_mut(&(device, addr))
            && matches!(entry.state, State::Stale | State::Delay | State::Probe)
        {
            entry.state = State::Reachable;
            (entry.updated, entry.confirmed) = (now, Some(now));
            entry.due = Some(now + REACHABLE);
            entry.probes = 0;
        }
    }

    /// Puts an entry there by hand for good.
    pub fn set_permanent(&mut self, device: IfIndex, addr: IpAddr, mac: Mac) {
        self.set(Instant::ZERO, (device, addr), mac, State::Permanent);
    }

    /// Puts an entry in a state there by hand; it lives on from that state.
    pub fn set(&mut self, now: Instant, (device, addr): (IfIndex, IpAddr), mac: Mac, state: State) {
        let due = match state {
            State::Reachable => Some(now + REACHABLE),
            State::Delay => Some(now + DELAY),
            State::Incomplete | State::Probe => Some(now),
            State::Stale | State::Failed | State::Permanent | State::NoArp => None,
        };
        let mac = Some(mac).filter(|_| !matches!(state, State::Incomplete | State::Failed));
        let mut entry = Entry::new(now, state, mac, due);
        entry.confirmed = (state != State::Stale).then_some(now);
        self.entries.insert((device, addr), entry);
    }

    /// Removes an entry; false when there is none.
    pub fn remove(&mut self, device: IfIndex, addr: IpAddr) -> bool {
        self.entries.remove(&(device, addr)).is_some()
    }

    /// Removes all entries of a device that went down.
    pub fn flush(&mut self, device: IfIndex) {
        self.entries.retain(|(d, _), _| *d != device);
        self.proxies.retain(|(d, _)| *d != Some(device));
    }

    /// Answers for an address from now on, or no more; whether that is something new.
    pub fn stand_for(&mut self, device: Option<IfIndex>, addr: IpAddr, stand: bool) -> bool {
        if stand { self.proxies.insert((device, addr)) } else { self.proxies.remove(&(device, addr)) }
    }

    /// Whether an address is answered for on a device.
    #[must_use]
    pub fn is_stood_for(&self, device: IfIndex, addr: IpAddr) -> bool {
        [Some(device), None].iter().any(|device| self.proxies.contains(&(*device, addr)))
    }

    /// All addresses that are answered for, with their devices.
    pub fn proxies(&self) -> impl Iterator<Item = (Option<IfIndex>, IpAddr)> {
        self.proxies.iter().copied()
    }

    /// The entry of an address, to be told more of.
    pub fn entry_mut(&mut self, device: IfIndex, addr: IpAddr) -> Option<&mut Entry> {
        self.entries.get_mut(&(device, addr))
    }

    /// All entries, by device and address.
    pub fn iter(&self) -> impl Iterator<Item = (IfIndex, IpAddr, &Entry)> {
        self.entries.iter().map(|((device, addr), entry)| (*device, *addr, entry))
    }

    /// When the next entry is due.
    #[must_use]
    pub fn next_at(&self) -> Option<Instant> {
        self.entries.values().filter_map(|e| e.due).min()
    }

    /// What is due at `now`, one thing at a time.
    pub fn poll(&mut self, now: Instant) -> Option<Due> {
        for ((device, addr), entry) in &mut self.entries {
            if entry.due.is_none_or(|at| at > now) {
                continue;
            }
            if let Some(due) = entry.advance(now, *device, *addr) {
                return Some(due);
            }
        }
        None
    }
}

impl Entry {
    /// Whether it counts towards the limits: what is there for good does not.
    const fn is_counted(&self) -> bool {
        !matches!(self.state, State::Permanent)
    }

    /// Whether it may go to make room: nobody waits for it, and it failed or is old.
    fn is_idle(&self, now: Instant) -> bool {
        let is_in_use = self.due.is_some() && self.state != State::Reachable;
        !is_in_use && (matches!(self.state, State::Failed | State::NoArp) || self.updated + YOUNG <= now)
    }

    /// The next state of an entry whose time has come.
    fn advance(&mut self, now: Instant, device: IfIndex, addr: IpAddr) -> Option<Due> {
        match self.state {
            State::Reachable => {
                self.state = State::Stale;
                self.updated = now;
                self.due = None;
                None
            }
            State::Delay => {
                self.state = State::Probe;
                self.updated = now;
                self.probes = 1;
                self.due = Some(now + RETRANSMIT);
                Some(Due::Ask { device, addr, to: self.mac })
            }
            State::Incomplete | State::Probe if self.probes < PROBES => {
                self.probes += 1;
                self.due = Some(now + RETRANSMIT);
                Some(Due::Ask { device, addr, to: self.mac })
            }
            State::Incomplete | State::Probe => {
                self.state = State::Failed;
                self.updated = now;
                self.mac = None;
                self.due = None;
                Some(Due::Failed { device, addr, packets: core::mem::take(&mut self.waiting) })
            }
            State::Stale | State::Failed | State::Permanent | State::NoArp => {
                self.due = None;
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use core::net::Ipv4Addr;

    use super::*;

    const DEVICE: IfIndex = IfIndex(2);
    const PEER: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 2));
    const MAC: Mac = Mac([2, 0, 0, 0, 0, 2]);
    const OTHER: Mac = Mac([2, 0, 0, 0, 0, 3]);

    fn resolve(table: &mut Table, now: Instant) -> Resolution {
        table.resolve(now, DEVICE, PEER, (Frame::zeroed(60), None))
    }

    fn state(table: &Table) -> State {
        table.iter().next().expect("there is one entry").2.state
    }

    /// Lets everything happen that is due, as words.
    fn due(table: &mut Table) -> Vec<String> {
        let mut seen = Vec::new();
        while let Some(at) = table.next_at() {
            while let Some(due) = table.poll(at) {
                seen.push(match due {
                    Due::Ask { to: None, .. } => "everybody".to_owned(),
                    Due::Ask { to: Some(mac), .. } => mac.to_string(),
                    Due::Failed { packets, .. } => format!("failed with {}", packets.len()),
                });
            }
        }
        seen
    }

    #[test]
    fn one_packet_asks_and_the_others_wait_until_the_queue_is_full() {
        let mut table = Table::default();
        assert!(matches!(resolve(&mut table, Instant::ZERO), Resolution::Ask));
        for _ in 1..QUEUE {
            assert!(matches!(resolve(&mut table, Instant::ZERO), Resolution::Waiting));
        }
        assert!(matches!(resolve(&mut table, Instant::ZERO), Resolution::Full(_)));
        assert_eq!(table.answer(Instant::ZERO, DEVICE, PEER, MAC, true).len(), QUEUE);
        assert!(matches!(resolve(&mut table, Instant::ZERO), Resolution::Known(MAC, _)));
    }

    #[test]
    fn who_is_silent_is_asked_three_times_and_then_anew_for_the_next_packet() {
        let mut table = Table::default();
        resolve(&mut table, Instant::ZERO);
        assert_eq!(due(&mut table), ["everybody", "everybody", "failed with 1"]);
        assert_eq!(state(&table), State::Failed);
        assert!(matches!(resolve(&mut table, Instant::ZERO), Resolution::Ask));
    }

    #[test]
    fn an_address_in_use_is_checked_by_unicast_and_lost_when_nobody_answers() {
        let mut table = Table::default();
        table.note(Instant::ZERO, DEVICE, PEER, MAC).expect("there is room");
        assert_eq!((state(&table), table.next_at()), (State::Stale, None), "unused, it may stay so for ever");
        assert!(matches!(resolve(&mut table, Instant::ZERO), Resolution::Known(MAC, _)));
        assert_eq!(state(&table), State::Delay);
        let mac = MAC.to_string();
        assert_eq!(due(&mut table), [mac.as_str(), &mac, &mac, "failed with 0"]);
    }

    #[test]
    fn progress_of_a_connection_spares_the_check() {
        let mut table = Table::default();
        table.note(Instant::ZERO, DEVICE, PEER, MAC).expect("there is room");
        resolve(&mut table, Instant::ZERO);
        table.confirm(Instant::ZERO, DEVICE, PEER);
        assert_eq!((state(&table), table.next_at()), (State::Reachable, Some(Instant::ZERO + REACHABLE)));
    }

    #[test]
    fn a_new_address_is_believed_but_not_for_sure() {
        let mut table = Table::default();
        resolve(&mut table, Instant::ZERO);
        table.answer(Instant::ZERO, DEVICE, PEER, MAC, true);
        table.answer(Instant::ZERO, DEVICE, PEER, MAC, false);
        assert_eq!(state(&table), State::Reachable, "the same again changes nothing");
        table.answer(Instant::ZERO, DEVICE, PEER, OTHER, false);
        assert_eq!(state(&table), State::Stale);
        assert!(matches!(resolve(&mut table, Instant::ZERO), Resolution::Known(OTHER, _)));
    }

    #[test]
    fn what_was_put_there_by_hand_stays_as_it_is_until_its_device_goes() {
        let mut table = Table::default();
        table.set_permanent(DEVICE, PEER, MAC);
        table.answer(Instant::ZERO, DEVICE, PEER, OTHER, true);
        assert!(matches!(resolve(&mut table, Instant::ZERO), Resolution::Known(MAC, _)));
        assert_eq!((state(&table), due(&mut table)), (State::Permanent, vec![]));
        table.flush(DEVICE);
        assert_eq!(table.iter().count(), 0);
        assert!(!table.remove(DEVICE, PEER));
    }

    /// The nth of many neighbours.
    fn neighbour(n: usize) -> IpAddr {
        IpAddr::V4(Ipv4Addr::from_bits(0x0a00_0000 + u32::try_from(n).expect("a small number")))
    }

    #[test]
    fn a_full_table_takes_nobody_until_old_entries_can_go() {
        let mut table = Table::default();
        table.set_permanent(DEVICE, neighbour(0), MAC);
        for n in 1..=1024 {
            assert!(table.note(Instant::ZERO, DEVICE, neighbour(n), MAC).is_some(), "{n}");
        }
        let soon = Instant::ZERO + Duration::from_secs(4);
        assert!(table.note(soon, DEVICE, neighbour(2000), MAC).is_none(), "all are young");
        assert!(matches!(
            table.resolve(soon, DEVICE, neighbour(2000), (Frame::zeroed(60), None)),
            Resolution::Overflow(_)
        ));
        let six = "fe80::1".parse().unwrap();
        assert!(table.note(soon, DEVICE, six, MAC).is_some(), "the other family has a table of its own");
        assert!(table.note(Instant::ZERO + YOUNG, DEVICE, neighbour(2000), MAC).is_some());
        assert_eq!(
            table.iter().count(),
            512 + 1 + 1 + 1,
            "as many as are kept, the new one, the fixed one and the other"
        );
        assert!(table.entry(DEVICE, neighbour(0)).is_some(), "what was put there by hand stays");
    }

    #[test]
    fn who_failed_makes_room_at_once_and_who_is_asked_for_does_not() {
        let mut table = Table { limits: [Limits { kept: 1, most: 2 }; 2], ..Table::default() };
        resolve(&mut table, Instant::ZERO);
        table.resolve(Instant::ZERO, DEVICE, neighbour(7), (Frame::zeroed(60), None));
        let late = Instant::ZERO + Duration::from_secs(60);
        assert!(table.note(late, DEVICE, neighbour(8), MAC).is_none(), "both are still asked for");
        due(&mut table);
        assert!(table.note(Instant::ZERO + RETRANSMIT * 3, DEVICE, neighbour(8), MAC).is_some());
    }

    #[test]
    fn answers_that_nobody_asked_for_make_no_entry() {
        let mut table = Table::default();
        assert!(table.answer(Instant::ZERO, DEVICE, PEER, MAC, true).is_empty());
        assert_eq!(table.iter().count(), 0);
    }
}
