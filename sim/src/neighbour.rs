//! Neighbour tables: which Ethernet address an IP address of the link has, by ARP or NDP, with Linux's states. It says
//! when to ask and what was waiting; it builds no packet.
//!
//! The life of an entry: a packet makes it `Incomplete` and waits in it (at most [`QUEUE`]); after [`PROBES`] requests
//! a second apart without an answer it is `Failed` and the packets are given back. An answer makes it `Reachable` for
//! [`REACHABLE`], then it is `Stale`; the next use makes it `Delay` for [`DELAY`], and then it asks by unicast
//! (`Probe`).

use core::net::IpAddr;
use std::collections::BTreeMap;

use crate::addr::Mac;
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
    waiting: Vec<Frame>,
}

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
        packets: Vec<Frame>,
    },
}

/// All neighbours of a namespace.
#[derive(Clone, Debug, Default)]
pub struct Table {
    entries: BTreeMap<(IfIndex, IpAddr), Entry>,
}

impl Table {
    /// Finds the address for a packet, or lets it wait.
    pub fn resolve(&mut self, now: Instant, device: IfIndex, addr: IpAddr, packet: Frame) -> Resolution {
        let entry = self.entries.entry((device, addr)).or_insert_with(|| Entry {
            state: State::Failed,
            mac: None,
            probes: 0,
            due: None,
            waiting: Vec::new(),
        });
        match (entry.state, entry.mac) {
            (State::Reachable | State::Permanent | State::NoArp | State::Delay | State::Probe, Some(mac)) => {
                Resolution::Known(mac, packet)
            }
            (State::Stale, Some(mac)) => {
                entry.state = State::Delay;
                entry.due = Some(now + DELAY);
                Resolution::Known(mac, packet)
            }
            (State::Incomplete, _) => {
                if entry.waiting.len() >= QUEUE {
                    return Resolution::Full(packet);
                }
                entry.waiting.push(packet);
                Resolution::Waiting
            }
            _ => {
                entry.state = State::Incomplete;
                entry.mac = None;
                entry.probes = 1;
                entry.due = Some(now + RETRANSMIT);
                entry.waiting.push(packet);
                Resolution::Ask
            }
        }
    }

    /// An answer to a request came (`solicited`), or another sign of the address. Gives back what waited.
    pub fn answer(&mut self, now: Instant, device: IfIndex, addr: IpAddr, mac: Mac, solicited: bool) -> Vec<Frame> {
        let Some(entry) = self.entries.get_mut(&(device, addr)) else { return Vec::new() };
        if entry.state.is_fixed() {
            return Vec::new();
        }
        if solicited {
            entry.state = State::Reachable;
            entry.due = Some(now + REACHABLE);
        } else if entry.mac != Some(mac) || entry.state == State::Incomplete {
            entry.state = State::Stale;
            entry.due = None;
        }
        entry.mac = Some(mac);
        entry.probes = 0;
        core::mem::take(&mut entry.waiting)
    }

    /// Somebody asked us from this address: Linux notes it as stale, so that the answer needs no request.
    pub fn note(&mut self, now: Instant, device: IfIndex, addr: IpAddr, mac: Mac) -> Vec<Frame> {
        self.entries.entry((device, addr)).or_insert_with(|| Entry {
            state: State::Incomplete,
            mac: None,
            probes: 0,
            due: None,
            waiting: Vec::new(),
        });
        self.answer(now, device, addr, mac, false)
    }

    /// A reply from upper layers showed that the address is right (TCP progress).
    pub fn confirm(&mut self, now: Instant, device: IfIndex, addr: IpAddr) {
        if let Some(entry) = self.entries.get_mut(&(device, addr))
            && matches!(entry.state, State::Stale | State::Delay | State::Probe)
        {
            entry.state = State::Reachable;
            entry.due = Some(now + REACHABLE);
            entry.probes = 0;
        }
    }

    /// Puts an entry there by hand.
    pub fn set_permanent(&mut self, device: IfIndex, addr: IpAddr, mac: Mac) {
        let entry = Entry { state: State::Permanent, mac: Some(mac), probes: 0, due: None, waiting: Vec::new() };
        self.entries.insert((device, addr), entry);
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
        self.entries.insert((device, addr), Entry { state, mac, probes: 0, due, waiting: Vec::new() });
    }

    /// Removes an entry; false when there is none.
    pub fn remove(&mut self, device: IfIndex, addr: IpAddr) -> bool {
        self.entries.remove(&(device, addr)).is_some()
    }

    /// Removes all entries of a device that went down.
    pub fn flush(&mut self, device: IfIndex) {
        self.entries.retain(|(d, _), _| *d != device);
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
    /// The next state of an entry whose time has come.
    fn advance(&mut self, now: Instant, device: IfIndex, addr: IpAddr) -> Option<Due> {
        match self.state {
            State::Reachable => {
                self.state = State::Stale;
                self.due = None;
                None
            }
            State::Delay => {
                self.state = State::Probe;
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
        table.resolve(now, DEVICE, PEER, Frame::zeroed(60))
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
        table.note(Instant::ZERO, DEVICE, PEER, MAC);
        assert_eq!((state(&table), table.next_at()), (State::Stale, None), "unused, it may stay so for ever");
        assert!(matches!(resolve(&mut table, Instant::ZERO), Resolution::Known(MAC, _)));
        assert_eq!(state(&table), State::Delay);
        let mac = MAC.to_string();
        assert_eq!(due(&mut table), [mac.as_str(), &mac, &mac, "failed with 0"]);
    }

    #[test]
    fn progress_of_a_connection_spares_the_check() {
        let mut table = Table::default();
        table.note(Instant::ZERO, DEVICE, PEER, MAC);
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

    #[test]
    fn answers_that_nobody_asked_for_make_no_entry() {
        let mut table = Table::default();
        assert!(table.answer(Instant::ZERO, DEVICE, PEER, MAC, true).is_empty());
        assert_eq!(table.iter().count(), 0);
    }
}
