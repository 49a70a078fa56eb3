//! Connection tracking: which flow a packet belongs to and in which state that flow is, as Linux's `nf_conntrack`.
//!
//! How it works: [`Table::track`] looks the packet's tuple up. A known flow is refreshed; a packet that begins one
//! gets an [`Entry`] of its own that is in no table yet and travels with the packet, so that NAT can decide about it
//! and a packet that is dropped leaves nothing behind. [`Table::confirm`] puts it in, under both its tuples, where
//! the packet leaves the host's hooks. The table rewrites no packet and knows no rule.
//!
//! Flows end by their deadline. `timers` holds one instant per flow that is never later than its deadline: a refresh
//! writes only the entry, and a timer that comes too early is set again. So a packet of a known flow costs one lookup.
//!
//! Fragments are to be put together before they come here, as Linux does (`nf_defrag`): the later ones have no ports
//! and are invalid.

pub mod entry;
pub mod tcp;
pub mod tuple;

use std::collections::BTreeSet;

use indexmap::IndexMap;
use rustc_hash::FxBuildHasher;

pub use entry::{Entry, Flow, Nat};
pub use tuple::Tuple;

use crate::packet::{Ip, Upper, protocol};
use crate::time::Instant;
use entry::Update;

/// Flows that a namespace remembers at most (`nf_conntrack_max`).
pub const MAX: usize = 262_144;
/// Flows that are looked at for one to drop when the table is full.
const EARLY_DROP_REACH: usize = 64;

/// A flow in the table, by the number it came in with and its place. Once the flow ended it means nothing any more.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct EntryId {
    serial: u64,
    slot: u32,
}

/// Which way a packet of a flow goes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Direction {
    /// As the first one.
    Original,
    /// Back.
    Reply,
}

impl Direction {
    /// The other way.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Original => Self::Reply,
            Self::Reply => Self::Original,
        }
    }
}

/// The state of a packet, as `--ctstate` matches it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum State {
    /// It begins a flow, or goes on with one that was never answered.
    New,
    /// Its flow was answered.
    Established,
    /// It is an ICMP error about a known flow.
    Related,
    /// It belongs to no flow and cannot begin one.
    Invalid,
    /// It is not tracked: by a rule, or because its protocol has no flows.
    Untracked,
}

/// What tracking found out about a packet.
#[derive(Clone, Debug)]
pub enum Tracked {
    /// It begins this flow.
    Fresh(Entry),
    /// It belongs to no flow and cannot begin one.
    Invalid,
    /// It belongs to a flow in the table.
    Known(EntryId, Direction),
    /// It reports about a packet of that flow which went the other way: an ICMP error, or a reset by a rule.
    Related(EntryId, Direction),
    /// The same of a packet that began this flow, and was stopped before the flow was in the table.
    RelatedUnconfirmed(Entry, Direction),
    /// It is none of conntrack's business.
    Untracked,
}

impl Tracked {
    /// What this host's own report about the packet belongs to, its refusal for example (Linux's `nf_ct_attach`); none when
    /// that is found out as of any packet.
    #[must_use]
    pub fn of_report(&self) -> Option<Self> {
        match self {
            Self::Fresh(entry) => Some(Self::RelatedUnconfirmed(entry.clone(), Direction::Reply)),
            Self::RelatedUnconfirmed(entry, direction) => {
                Some(Self::RelatedUnconfirmed(entry.clone(), direction.other()))
            }
            Self::Known(id, direction) | Self::Related(id, direction) => Some(Self::Related(*id, direction.other())),
            Self::Invalid | Self::Untracked => None,
        }
    }
}

/// Why a flow could not be put into the table.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ConfirmError {
    /// Another flow has one of its tuples.
    Clash,
    /// There is no room, and nothing that could be dropped early.
    Full,
}

#[derive(Clone, Debug)]
struct Slot {
    id: EntryId,
    entry: Entry,
    /// The instant in `timers`, never later than the entry's deadline.
    timer: Instant,
}

/// What went wrong, as `conntrack -S` counts it.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Counts {
    /// Packets that belong to nothing.
    pub invalid: u64,
    /// Flows that clashed with others.
    pub insert_failed: u64,
    /// Packets that were dropped for it, or since the table was full.
    pub drop: u64,
    /// Flows that made room for others.
    pub early_drop: u64,
}

/// The flows of a namespace.
#[derive(Clone, Debug)]
pub struct Table {
    slots: Vec<Option<Slot>>,
    free: Vec<u32>,
    by_tuple: IndexMap<Tuple, (EntryId, Direction), FxBuildHasher>,
    timers: BTreeSet<(Instant, EntryId)>,
    next_serial: u64,
    limit: usize,
    counts: Counts,
}

impl Default for Table {
    fn default() -> Self {
        Self::with_limit(MAX)
    }
}

impl Table {
    /// An empty table for at most `limit` flows.
    #[must_use]
    pub fn with_limit(limit: usize) -> Self {
        Self {
            slots: Vec::new(),
            free: Vec::new(),
            by_tuple: IndexMap::default(),
            timers: BTreeSet::new(),
            next_serial: 0,
            limit,
            counts: Counts::default(),
        }
    }

    /// What went wrong so far.
    #[must_use]
    pub const fn counts(&self) -> Counts {
        self.counts
    }

    /// How many flows it remembers at most.
    #[must_use]
    pub const fn limit(&self) -> usize {
        self.limit
    }

    /// Sets how many flows it remembers at most; those that are there stay.
    pub const fn set_limit(&mut self, limit: usize) {
        self.limit = limit;
    }

    /// How many flows it holds, those included whose time has come but which nobody asked for since.
    #[must_use]
    pub fn len(&self) -> usize {
        self.timers.len()
    }

    /// Whether it holds none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.timers.is_empty()
    }

    /// A flow in the table; none once it ended.
    #[must_use]
    pub fn entry(&self, id: EntryId) -> Option<&Entry> {
        self.slots.get(id.slot as usize)?.as_ref().filter(|s| s.id == id).map(|s| &s.entry)
    }

    /// A flow in the table, for NAT to decide about.
    pub fn entry_mut(&mut self, id: EntryId) -> Option<&mut Entry> {
        self.slot_mut(id).map(|s| &mut s.entry)
    }

    fn slot_mut(&mut self, id: EntryId) -> Option<&mut Slot> {
        self.slots.get_mut(id.slot as usize)?.as_mut().filter(|s| s.id == id)
    }

    /// The flows that live at `now`, oldest first.
    #[must_use]
    pub fn list(&self, now: Instant) -> Vec<&Entry> {
        let mut living: Vec<&Slot> = self.slots.iter().flatten().filter(|s| s.entry.deadline > now).collect();
        living.sort_by_key(|s| s.id);
        living.into_iter().map(|s| &s.entry).collect()
    }

    /// Finds out what a packet belongs to, and takes note of it.
    pub fn track(&mut self, now: Instant, packet: &[u8], ip: &Ip) -> Tracked {
        let tracked = self.place(now, packet, ip);
        self.counts.invalid += u64::from(matches!(tracked, Tracked::Invalid));
        tracked
    }

    fn place(&mut self, now: Instant, packet: &[u8], ip: &Ip) -> Tracked {
        if ip.fragment.is_some_and(|f| f.offset > 0) {
            return Tracked::Invalid;
        }
        if is_icmp_untracked(ip) {
            return Tracked::Untracked;
        }
        if let Some(inner) = ip.quoted(packet) {
            return self.track_error(now, ip, &inner);
        }
        match self.find(now, &Tuple::of(ip)) {
            Some((id, direction)) => self.update(now, id, direction, ip),
            None => Entry::begin(now, ip).map_or(Tracked::Invalid, Tracked::Fresh),
        }
    }

    /// The same for a packet that comes in over the loopback device, whose flow was tracked and translated when it
    /// went out: Linux keeps the flow with the packet, here it is found again by the tuple it was translated to.
    pub fn track_looped(&mut self, now: Instant, packet: &[u8], ip: &Ip) -> Tracked {
        let tuple = if ip.is_icmp_error() { None } else { Some(Tuple::of(ip)) };
        let seen = tuple.and_then(|t| self.find(now, &t).is_none().then(|| self.find(now, &t.inverse())).flatten());
        match seen {
            Some((id, back)) => Tracked::Known(id, back.other()),
            None => self.track(now, packet, ip),
        }
    }

    fn track_error(&self, now: Instant, ip: &Ip, inner: &Ip) -> Tracked {
        match self.find(now, &Tuple::of(inner).inverse()) {
            Some((id, direction)) if ip.dst == inner.src => Tracked::Related(id, direction),
            Some(_) | None => Tracked::Invalid,
        }
    }

    fn update(&mut self, now: Instant, id: EntryId, direction: Direction, ip: &Ip) -> Tracked {
        let Some(entry) = self.entry_mut(id) else { return Tracked::Invalid };
        match entry.update(now, direction, ip) {
            Update::Accepted => {
                self.settle_timer(id);
                Tracked::Known(id, direction)
            }
            Update::Invalid => Tracked::Invalid,
            Update::Reopened => {
                self.remove(id);
                Entry::begin(now, ip).map_or(Tracked::Invalid, Tracked::Fresh)
            }
        }
    }

    /// Closes the connection of a packet that a rule resets (`nf_ct_set_closing`).
    pub fn close(&mut self, now: Instant, tracked: &Tracked) {
        let Tracked::Known(id, _) = tracked else { return };
        if self.entry_mut(*id).is_some_and(|entry| entry.close(now)) {
            self.settle_timer(*id);
        }
    }

    /// The state in which `--ctstate` sees a packet.
    #[must_use]
    pub fn state(&self, tracked: &Tracked) -> State {
        match (tracked, self.flow(tracked)) {
            (Tracked::Untracked, _) => State::Untracked,
            (_, None) => State::Invalid,
            (Tracked::Related(..) | Tracked::RelatedUnconfirmed(..), Some(_)) => State::Related,
            (_, Some((entry, Direction::Original))) if !entry.replied => State::New,
            (_, Some(_)) => State::Established,
        }
    }

    /// The flow of a packet, in the table or not yet.
    #[must_use]
    pub fn flow<'a>(&'a self, tracked: &'a Tracked) -> Option<(&'a Entry, Direction)> {
        match tracked {
            Tracked::Fresh(entry) => Some((entry, Direction::Original)),
            Tracked::RelatedUnconfirmed(entry, direction) => Some((entry, *direction)),
            Tracked::Known(id, direction) | Tracked::Related(id, direction) => Some((self.entry(*id)?, *direction)),
            Tracked::Invalid | Tracked::Untracked => None,
        }
    }

    /// Marks the flow of a packet.
    pub fn set_mark(&mut self, tracked: &mut Tracked, mark: u32) {
        let entry = match tracked {
            Tracked::Fresh(entry) | Tracked::RelatedUnconfirmed(entry, _) => Some(entry),
            Tracked::Known(id, _) | Tracked::Related(id, _) => self.entry_mut(*id),
            Tracked::Invalid | Tracked::Untracked => None,
        };
        entry.into_iter().for_each(|entry| entry.mark = mark);
    }

    /// Whether a living flow has this tuple.
    #[must_use]
    pub fn is_taken(&self, now: Instant, tuple: &Tuple) -> bool {
        self.find(now, tuple).is_some()
    }

    /// Whether a living flow has this tuple that is not closed.
    #[must_use]
    pub fn is_open(&self, now: Instant, tuple: &Tuple) -> bool {
        let entry = self.find(now, tuple).and_then(|(id, _)| self.entry(id));
        entry.is_some_and(|entry| !matches!(entry.flow, Flow::Tcp(tcp::State::TimeWait | tcp::State::Close)))
    }

    fn find(&self, now: Instant, tuple: &Tuple) -> Option<(EntryId, Direction)> {
        self.by_tuple.get(tuple).copied().filter(|(id, _)| self.entry(*id).is_some_and(|e| e.deadline > now))
    }

    /// Puts a flow into the table: its first packet is on its way. A copy of that packet, flooded to another port, finds
    /// it there already.
    ///
    /// # Errors
    /// When another flow has one of its tuples, or there is no room; the packet is dropped then.
    pub fn confirm(&mut self, now: Instant, entry: Entry) -> Result<EntryId, ConfirmError> {
        self.expire(now);
        let taken = self.find(now, &entry.original).or_else(|| self.find(now, &entry.reply));
        if let Some((id, _)) = taken {
            let same = self.entry(id).is_some_and(|e| e.original == entry.original && e.reply == entry.reply);
            self.counts.insert_failed += u64::from(!same);
            self.counts.drop += u64::from(!same);
            return if same { Ok(id) } else { Err(ConfirmError::Clash) };
        }
        if self.len() >= self.limit && !self.drop_early() {
            self.counts.drop += 1;
            return Err(ConfirmError::Full);
        }
        Ok(self.insert(entry))
    }

    fn insert(&mut self, entry: Entry) -> EntryId {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            u32::try_from(self.slots.len() - 1).expect("a table holds fewer than 2^32 flows")
        });
        let id = EntryId { serial: self.next_serial, slot };
        self.next_serial += 1;
        self.by_tuple.insert(entry.original, (id, Direction::Original));
        self.by_tuple.insert(entry.reply, (id, Direction::Reply));
        self.timers.insert((entry.deadline, id));
        self.slots[slot as usize] = Some(Slot { id, timer: entry.deadline, entry });
        id
    }

    fn remove(&mut self, id: EntryId) -> Option<Entry> {
        let slot = self.slots.get_mut(id.slot as usize)?.take_if(|s| s.id == id)?;
        self.timers.remove(&(slot.timer, id));
        self.by_tuple.swap_remove(&slot.entry.original);
        self.by_tuple.swap_remove(&slot.entry.reply);
        self.free.push(id.slot);
        Some(slot.entry)
    }

    /// Sets the timer of a flow earlier when its deadline came nearer.
    fn settle_timer(&mut self, id: EntryId) {
        let Some(slot) = self.slot_mut(id).filter(|s| s.entry.deadline < s.timer) else { return };
        let before = core::mem::replace(&mut slot.timer, slot.entry.deadline);
        let after = slot.timer;
        self.timers.remove(&(before, id));
        self.timers.insert((after, id));
    }

    /// Makes room by dropping a flow that was not seen to work, of those that end soonest.
    fn drop_early(&mut self) -> bool {
        let mut soonest = self.timers.iter().take(EARLY_DROP_REACH).map(|(_, id)| *id);
        let victim = soonest.find(|id| self.entry(*id).is_some_and(|e| !e.assured));
        let dropped = victim.is_some_and(|id| self.remove(id).is_some());
        self.counts.early_drop += u64::from(dropped);
        dropped
    }

    /// When [`Self::expire`] may have something to do; none when the table is empty. Nobody has to wake for it: a flow
    /// whose time has come is not found any more.
    #[must_use]
    pub fn next_at(&self) -> Option<Instant> {
        self.timers.first().map(|(at, _)| *at)
    }

    /// Forgets the flows whose time has come.
    pub fn expire(&mut self, now: Instant) {
        while let Some((at, id)) = self.timers.first().copied().filter(|(at, _)| *at <= now) {
            let slot = self.slot_mut(id).expect("a timer belongs to a flow");
            let deadline = slot.entry.deadline;
            if deadline <= now {
                self.remove(id);
            } else {
                slot.timer = deadline;
                self.timers.remove(&(at, id));
                self.timers.insert((deadline, id));
            }
        }
    }

    /// Forgets the living flows that `which` picks, oldest first, and gives them.
    pub fn forget(&mut self, now: Instant, mut which: impl FnMut(&Entry) -> bool) -> Vec<Entry> {
        self.expire(now);
        let living = self.slots.iter().flatten();
        let mut picked: Vec<EntryId> = living.filter(|s| which(&s.entry)).map(|s| s.id).collect();
        picked.sort_unstable();
        picked.into_iter().filter_map(|id| self.remove(id)).collect()
    }
}

/// Whether a packet is of neighbour or multicast listener discovery, which Linux leaves untracked.
const fn is_icmp_untracked(ip: &Ip) -> bool {
    match ip.upper {
        Upper::Icmp { kind, .. } if ip.protocol == protocol::ICMPV6 => matches!(kind, 130..=137 | 143),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::{sample, tcp_flag};
    use core::time::Duration;

    const SECOND: Duration = Duration::from_secs(1);

    fn track(table: &mut Table, at: u64, packet: &[u8]) -> State {
        let now = Instant::from_nanos(at * 1_000_000_000);
        let tracked = table.track(now, packet, &Ip::parse(packet).unwrap());
        let state = table.state(&tracked);
        if let Tracked::Fresh(entry) = tracked {
            table.confirm(now, entry).unwrap();
        }
        state
    }

    fn left(table: &Table, at: u64) -> Vec<u64> {
        let now = Instant::from_nanos(at * 1_000_000_000);
        table.list(now).iter().map(|e| e.deadline.since(now).as_secs()).collect()
    }

    #[test]
    fn a_flow_is_new_until_it_is_answered_and_ends_when_silent() {
        let mut table = Table::default();
        let (there, back) = (sample::udp("10.0.0.1", 1, "10.0.0.2", 53), sample::udp("10.0.0.2", 53, "10.0.0.1", 1));
        assert_eq!(track(&mut table, 0, &there), State::New);
        assert_eq!(track(&mut table, 1, &there), State::New, "nothing came back yet");
        assert_eq!(track(&mut table, 2, &back), State::Established);
        assert_eq!(track(&mut table, 2, &there), State::Established);
        assert_eq!(left(&table, 2), [30]);
        assert_eq!(track(&mut table, 5, &there), State::Established);
        assert_eq!(left(&table, 5), [120], "a stream after two seconds");
        assert!(table.list(Instant::ZERO)[0].assured);
        assert_eq!(left(&table, 125), [0u64; 0]);
        assert_eq!(track(&mut table, 125, &back), State::New, "the other end begins now");
    }

    #[test]
    fn tcp_lives_as_long_as_its_state_says() {
        use tcp_flag::{ACK, FIN, RST, SYN};
        let mut table = Table::default();
        let there = |flags| sample::tcp("10.0.0.1", 4000, "10.0.0.2", 80, flags);
        let back = |flags| sample::tcp("10.0.0.2", 80, "10.0.0.1", 4000, flags);
        let mut lives = Vec::new();
        for packet in [there(SYN), back(SYN | ACK), there(ACK), there(FIN | ACK), back(FIN | ACK), there(ACK)] {
            track(&mut table, 0, &packet);
            lives.extend(left(&table, 0));
        }
        assert_eq!(lives, [120, 60, 432_000, 120, 30, 120]);
        assert_eq!(table.next_at(), Some(Instant::ZERO + 30 * SECOND), "the timer came nearer, not later");
        table.expire(Instant::ZERO + 30 * SECOND);
        assert_eq!(table.next_at(), Some(Instant::ZERO + 120 * SECOND));
        assert_eq!(track(&mut table, 1, &there(SYN)), State::New, "opened anew");
        assert_eq!(track(&mut table, 1, &back(RST | ACK)), State::Established);
        let after = Instant::ZERO + SECOND + Duration::from_micros(20);
        assert!(table.list(after).is_empty(), "a refused connection is forgotten at once");
        assert_eq!(track(&mut table, 2, &back(RST)), State::Invalid);
    }

    #[test]
    fn an_icmp_error_about_a_flow_is_related() {
        let mut table = Table::default();
        let lost = sample::udp("10.0.0.1", 4000, "10.9.9.9", 53);
        let error = sample::icmp("10.0.0.254", "10.0.0.1", 11, 0, [0; 4], &lost[..28]);
        assert_eq!(track(&mut table, 0, &error), State::Invalid);
        track(&mut table, 0, &lost);
        assert_eq!(track(&mut table, 0, &error), State::Related);
        let astray = sample::icmp("10.0.0.254", "10.0.0.7", 11, 0, [0; 4], &lost[..28]);
        assert_eq!(track(&mut table, 0, &astray), State::Invalid, "it is not for whom it quotes");
    }

    #[test]
    fn queries_begin_flows_and_answers_do_not() {
        let mut table = Table::default();
        assert_eq!(track(&mut table, 0, &sample::echo("10.0.0.2", "10.0.0.1", 0, 7)), State::Invalid);
        assert_eq!(track(&mut table, 0, &sample::echo("10.0.0.1", "10.0.0.2", 8, 7)), State::New);
        assert_eq!(track(&mut table, 0, &sample::echo("10.0.0.2", "10.0.0.1", 0, 7)), State::Established);
        assert_eq!(track(&mut table, 0, &sample::echo("fd00::1", "fd00::2", 128, 7)), State::New);
        assert_eq!(track(&mut table, 0, &sample::echo("fd00::1", "fd00::2", 135, 7)), State::Untracked);
    }

    #[test]
    fn a_full_table_drops_what_was_not_seen_to_work() {
        let mut table = Table::with_limit(2);
        for port in 1..=3 {
            track(&mut table, 0, &sample::udp("10.0.0.1", port, "10.0.0.2", 53));
        }
        let ports: Vec<u16> = table.list(Instant::ZERO).iter().map(|e| e.original.src_port).collect();
        assert_eq!(ports, [2, 3]);
        assert_eq!(table.counts(), Counts { early_drop: 1, ..Counts::default() });
        let gone = table.forget(Instant::ZERO, |e| e.original.src_port == 2);
        assert_eq!((gone.len(), table.len()), (1, 1));
    }
}
