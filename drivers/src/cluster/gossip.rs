//! What nodes tell each other without a manager: each what it has itself, as records that every other one keeps a copy of.
//! Datagrams come and go by the post; what records mean is not known here.
//!
//! How it works: a node numbers the changes of its own records. It tells each other node those that this one has not
//! confirmed, and how far it has heard itself; what is lost is told again with the next. Who is not heard for a while
//! has failed: what it told is not believed until it is heard again. When two do not agree on how far one has heard the
//! other, because one has begun anew or somebody has lied, that one tells all it has.

use core::net::IpAddr;
use std::collections::BTreeMap;

use netyard_sim::time::{Duration, Instant};
use serde::{Deserialize, Serialize};

use super::message::Member;
use crate::endpoint::OfService;

/// How often a node is heard that has nothing to tell.
const PERIOD: Duration = Duration::from_secs(2);
/// After how long of silence a node has failed.
const SILENCE: Duration = Duration::from_secs(7);
/// How many records one datagram has at most.
const AT_ONCE: usize = 64;

/// An endpoint that a node has on a network of the cluster.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Record {
    /// The id of the network.
    pub network: String,
    /// The container's name; none when it is the node's own endpoint there.
    pub name: Option<String>,
    /// More names.
    pub aliases: Vec<String>,
    /// Its address.
    pub addr: IpAddr,
    /// Its Ethernet address.
    pub mac: String,
    /// The service whose task it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<OfService>,
}

/// A record, or that there is none any more, and the number of that change.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
struct Version {
    number: u64,
    record: Option<Record>,
}

/// For what a manager calls the nodes: whoever knows it already need not ask.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Call {
    /// The revision of its store.
    pub revision: u64,
    /// The version of what is wanted of the output of tasks.
    pub wanted: u64,
}

/// What one node tells another.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Packet {
    /// Who.
    from: String,
    /// Its other name, by which peers of networks are shown.
    name: String,
    /// Where its tunnels end.
    data: IpAddr,
    /// What it calls the others for, when it is a manager.
    call: Option<Call>,
    /// How far it has heard who is told.
    heard: u64,
    /// The change after which the records begin.
    after: u64,
    /// The change that they go up to.
    upto: u64,
    records: BTreeMap<String, Version>,
}

/// What is known of another node.
#[derive(Clone, Debug)]
struct Peer {
    addr: IpAddr,
    name: String,
    data: IpAddr,
    /// When it was last heard.
    at: Option<Instant>,
    failed: bool,
    /// Up to which of its changes it has been heard.
    heard: u64,
    /// Up to which of our changes it has heard us.
    confirmed: u64,
    records: BTreeMap<String, Record>,
    /// When it is told next.
    due: Instant,
}

/// A peer, as who looks at the records sees it.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// The name by which peers of networks are shown.
    pub name: &'a str,
    /// Where its tunnels end.
    pub data: IpAddr,
}

/// What came of a packet.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct News {
    /// Records have come, changed or gone.
    pub records: bool,
    /// For what a manager calls.
    pub call: Option<Call>,
}

/// The records of a node and of those it hears.
#[derive(Clone, Debug)]
pub struct Gossip {
    node: String,
    name: String,
    data: IpAddr,
    number: u64,
    own: BTreeMap<String, Version>,
    peers: BTreeMap<String, Peer>,
}

impl Gossip {
    /// A node that has nothing and knows nobody.
    #[must_use]
    pub const fn new(node: String, name: String, data: IpAddr) -> Self {
        Self { node, name, data, number: 0, own: BTreeMap::new(), peers: BTreeMap::new() }
    }

    /// Itself, as the others see it.
    #[must_use]
    pub fn itself(&self) -> Seen<'_> {
        Seen { name: &self.name, data: self.data }
    }

    /// Has these other nodes, and no more; false when nobody's records have gone with it.
    pub fn set_members(&mut self, now: Instant, members: &[Member]) -> bool {
        let before: usize = self.peers.values().map(|peer| peer.records.len()).sum();
        self.peers.retain(|id, _| members.iter().any(|member| member.id == *id));
        for Member { id, addr } in members.iter().filter(|member| member.id != self.node) {
            let new = || Peer {
                addr: *addr,
                name: String::new(),
                data: *addr,
                at: None,
                failed: false,
                heard: 0,
                confirmed: 0,
                records: BTreeMap::new(),
                due: now,
            };
            self.peers.entry(id.clone()).or_insert_with(new).addr = *addr;
        }
        before != self.peers.values().map(|peer| peer.records.len()).sum::<usize>()
    }

    /// Sets a record of its own, or takes it back.
    pub fn set(&mut self, now: Instant, key: &str, record: Option<Record>) {
        if self.own.get(key).is_some_and(|own| own.record == record) {
            return;
        }
        self.number += 1;
        self.own.insert(key.to_owned(), Version { number: self.number, record });
        self.peers.values_mut().filter(|peer| !peer.failed).for_each(|peer| peer.due = now);
    }

    /// Has these records of its own, and no more.
    pub fn set_all(&mut self, now: Instant, records: &BTreeMap<String, Record>) {
        let gone = self.own.keys().filter(|key| !records.contains_key(*key)).cloned().collect::<Vec<_>>();
        gone.iter().for_each(|key| self.set(now, key, None));
        records.iter().for_each(|(key, record)| self.set(now, key, Some(record.clone())));
    }

    /// Its own records.
    pub fn own(&self) -> impl Iterator<Item = &Record> {
        self.own.values().filter_map(|own| own.record.as_ref())
    }

    /// What the others have that are heard.
    pub fn others(&self) -> impl Iterator<Item = (Seen<'_>, &str, &Record)> {
        self.peers.values().filter(|peer| !peer.failed).flat_map(|peer| {
            let seen = Seen { name: &peer.name, data: peer.data };
            peer.records.iter().map(move |(key, record)| (seen, key.as_str(), record))
        })
    }

    /// When somebody is told something, or has been silent for too long.
    #[must_use]
    pub fn next_at(&self) -> Option<Instant> {
        let silent = |peer: &Peer| peer.at.filter(|_| !peer.failed).map(|at| at + SILENCE);
        self.peers.values().flat_map(|peer| [Some(peer.due), silent(peer)]).flatten().min()
    }

    /// Notes who has been silent for too long; whether records are not believed any more.
    pub fn lose_silent(&mut self, now: Instant) -> bool {
        let is_lost = |peer: &&mut Peer| !peer.failed && peer.at.is_some_and(|at| at + SILENCE <= now);
        let mut any = false;
        for peer in self.peers.values_mut().filter(is_lost) {
            peer.failed = true;
            any |= !peer.records.is_empty();
        }
        any
    }

    /// What is told now, and to whom; a manager calls for something.
    pub fn take_due(&mut self, now: Instant, call: Option<Call>) -> Vec<(IpAddr, Packet)> {
        let mut told = Vec::new();
        for peer in self.peers.values_mut().filter(|peer| peer.due <= now) {
            peer.due = now + PERIOD;
            let mut news: Vec<_> = self.own.iter().filter(|(_, own)| own.number > peer.confirmed).collect();
            news.sort_by_key(|(_, own)| own.number);
            let is_all = news.len() <= AT_ONCE;
            news.truncate(AT_ONCE);
            let upto = news.last().filter(|_| !is_all).map_or(self.number, |(_, own)| own.number);
            let packet = Packet {
                from: self.node.clone(),
                name: self.name.clone(),
                data: self.data,
                call,
                heard: peer.heard,
                after: peer.confirmed,
                upto,
                records: news.into_iter().map(|(key, own)| (key.clone(), own.clone())).collect(),
            };
            told.push((peer.addr, packet));
        }
        self.forget_confirmed();
        told
    }

    /// What is gone need not be told any more when all have heard of it.
    fn forget_confirmed(&mut self) {
        let heard = self.peers.values().map(|peer| peer.confirmed).min().unwrap_or(self.number);
        self.own.retain(|_, own| own.record.is_some() || own.number > heard);
    }

    /// Everybody is told at once: something has changed that is no record.
    pub fn hurry(&mut self, now: Instant) {
        self.peers.values_mut().for_each(|peer| peer.due = now);
    }

    /// Takes in what somebody tells. Who is no member is not listened to.
    pub fn take_in(&mut self, now: Instant, packet: Packet) -> News {
        let Some(peer) = self.peers.get_mut(&packet.from) else { return News::default() };
        let mut news = News { records: peer.failed && !peer.records.is_empty(), call: packet.call };
        if peer.failed {
            peer.due = now;
        }
        (peer.at, peer.failed, peer.name, peer.data) = (Some(now), false, packet.name, packet.data);
        if packet.heard < peer.confirmed {
            // It has begun anew.
            (peer.confirmed, peer.heard, peer.due) = (0, 0, now);
        } else if packet.heard > self.number {
            (peer.confirmed, peer.due) = (0, now);
        } else if packet.heard > peer.confirmed {
            peer.confirmed = packet.heard;
            if self.number > packet.heard {
                peer.due = now;
            }
        }
        let is_whole = packet.after == 0 && packet.upto != peer.heard;
        if is_whole || (packet.after <= peer.heard && packet.upto > peer.heard) {
            if is_whole {
                news.records |= !peer.records.is_empty();
                peer.records.clear();
            }
            for (key, Version { record, .. }) in packet.records {
                news.records = true;
                match record {
                    Some(record) => peer.records.insert(key, record),
                    None => peer.records.remove(&key),
                };
            }
            peer.heard = packet.upto;
            peer.due = now;
        }
        news
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(id: &str, last: u8) -> Gossip {
        let mut gossip = Gossip::new(id.to_owned(), id.to_owned(), addr(last));
        let members = [("a", 1), ("b", 2)].map(|(id, last)| Member { id: id.to_owned(), addr: addr(last) });
        gossip.set_members(Instant::ZERO, &members);
        gossip
    }

    fn addr(last: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, last])
    }

    fn record(name: &str) -> Record {
        let (network, mac) = ("n".to_owned(), "02:42:0a:00:00:02".to_owned());
        Record { network, name: Some(name.to_owned()), aliases: Vec::new(), addr: addr(9), mac, service: None }
    }

    fn names(gossip: &Gossip) -> Vec<&str> {
        gossip.others().filter_map(|(_, _, record)| record.name.as_deref()).collect()
    }

    /// Carries what is due from one to the other.
    fn tell(now: Instant, from: &mut Gossip, to: &mut Gossip) -> usize {
        let packets = from.take_due(now, None);
        let count = packets.len();
        packets.into_iter().for_each(|(_, packet)| {
            to.take_in(now, packet);
        });
        count
    }

    /// They tell each other until neither has anything to tell.
    fn settle(now: Instant, one: &mut Gossip, other: &mut Gossip) {
        for _ in 0..10 {
            if tell(now, one, other) + tell(now, other, one) == 0 {
                return;
            }
        }
        panic!("they talk without end");
    }

    #[test]
    fn what_is_lost_is_told_again() {
        let (mut a, mut b, start) = (node("a", 1), node("b", 2), Instant::ZERO);
        a.set(start, "e1", Some(record("c1")));
        assert_eq!(a.take_due(start, None).len(), 1, "and it is lost");
        a.set(start, "e2", Some(record("c2")));
        tell(start, &mut a, &mut b);
        assert_eq!(names(&b), ["c1", "c2"]);
        tell(start, &mut b, &mut a);
        a.set(start, "e1", None);
        tell(start, &mut a, &mut b);
        assert_eq!(names(&b), ["c2"]);
        tell(start, &mut b, &mut a);
        tell(start + PERIOD, &mut a, &mut b);
        assert_eq!(a.own.len(), 1, "what is gone and heard of is forgotten");
    }

    #[test]
    fn the_silent_are_not_believed_until_they_are_heard() {
        let (mut a, mut b, start) = (node("a", 1), node("b", 2), Instant::ZERO);
        a.set(start, "e1", Some(record("c1")));
        tell(start, &mut a, &mut b);
        assert!(!b.lose_silent(start + PERIOD));
        assert!(b.lose_silent(start + SILENCE));
        assert_eq!(names(&b), [] as [&str; 0]);
        a.set(start, "e2", Some(record("c2")));
        let packet = a.take_due(start + SILENCE, None).remove(0).1;
        assert!(b.take_in(start + SILENCE, packet).records);
        assert_eq!(names(&b), ["c1", "c2"]);
    }

    #[test]
    fn many_records_come_in_several_datagrams() {
        let (mut a, mut b, start) = (node("a", 1), node("b", 2), Instant::ZERO);
        for n in 0..150 {
            a.set(start, &format!("e{n}"), Some(record(&format!("c{n}"))));
        }
        let mut rounds = 0;
        while tell(start, &mut a, &mut b) > 0 {
            tell(start, &mut b, &mut a);
            rounds += 1;
            assert!(rounds < 10);
        }
        assert_eq!(names(&b).len(), 150);
    }

    #[test]
    fn who_begins_anew_is_heard_and_what_it_had_is_forgotten() {
        let (mut a, mut b, start) = (node("a", 1), node("b", 2), Instant::ZERO);
        a.set(start, "e1", Some(record("c1")));
        b.set(start, "e2", Some(record("c2")));
        settle(start, &mut a, &mut b);
        let mut a = node("a", 1);
        a.set(start, "e3", Some(record("c3")));
        settle(start, &mut a, &mut b);
        assert_eq!((names(&a), names(&b)), (vec!["c2"], vec!["c3"]));
    }

    #[test]
    fn a_lie_about_how_far_somebody_was_heard_is_found_out_and_starts_no_storm() {
        let (mut a, mut b, start) = (node("a", 1), node("b", 2), Instant::ZERO);
        a.set(start, "e1", Some(record("c1")));
        settle(start, &mut a, &mut b);
        for (liar, to) in [("a", &mut b), ("b", &mut a)] {
            let (from, name, data) = (liar.to_owned(), liar.to_owned(), addr(7));
            let (heard, upto, records) = (u64::MAX, u64::MAX, BTreeMap::new());
            to.take_in(start, Packet { from, name, data, call: None, heard, after: 0, upto, records });
        }
        settle(start + PERIOD, &mut a, &mut b);
        assert_eq!(names(&b), ["c1"]);
        a.set(start, "e2", Some(record("c2")));
        settle(start + PERIOD, &mut a, &mut b);
        assert_eq!(names(&b), ["c1", "c2"]);
    }

    #[test]
    fn strangers_are_not_listened_to() {
        let (mut a, start) = (node("a", 1), Instant::ZERO);
        let mut c = Gossip::new("c".to_owned(), "c".to_owned(), addr(3));
        c.set_members(start, &[Member { id: "a".to_owned(), addr: addr(1) }]);
        c.set(start, "e", Some(record("x")));
        tell(start, &mut c, &mut a);
        assert_eq!(names(&a), [] as [&str; 0]);
    }
}
