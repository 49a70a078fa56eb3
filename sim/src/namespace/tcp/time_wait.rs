//! Connections that have ended and whose ports are not free yet: TIME-WAIT (RFC 9293 §3.10.7.4), as
//! `tcp_timewait_state_process` has it. What is left of one is its addresses and where the two ends stood. Connections
//! that somebody still holds are in the parent, to the end of that.

use std::collections::{BTreeMap, BTreeSet};

use smoltcp::phy::ChecksumCapabilities;
use smoltcp::wire::{TcpControl, TcpPacket, TcpRepr, TcpSeqNumber};

use super::Tuple;
use crate::packet::build::{self, Parts};
use crate::packet::protocol;
use crate::socket::SocketId;
use crate::time::{Duration, Instant};

/// How long nobody else is given the ports (`TCP_TIMEWAIT_LEN`).
const LENGTH: Duration = Duration::from_secs(60);
/// How many there are at most; nothing is left of more (`tcp_max_tw_buckets`).
const MOST: usize = 65_536;

/// Where the two ends of a connection stood when it ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Parting {
    /// The socket that it was.
    pub(super) socket: SocketId,
    /// Whether it came to a listener for both families.
    pub(super) dual: bool,
    /// Where the peer began.
    pub(super) began: Option<TcpSeqNumber>,
    /// What we would send next.
    pub(super) next: TcpSeqNumber,
    /// What we would take next.
    pub(super) awaited: TcpSeqNumber,
}

/// What becomes of a segment for such a connection.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Outcome {
    /// Nothing is said.
    Silence,
    /// Where it stood is said once more.
    Acknowledge,
    /// A new connection begins, and the old one is forgotten.
    Anew,
}

/// All of a namespace.
#[derive(Clone, Debug, Default)]
pub(super) struct TimeWait {
    parted: BTreeMap<Tuple, (Parting, Instant)>,
    ends: BTreeSet<(Instant, Tuple)>,
}

impl TimeWait {
    pub(super) fn add(&mut self, now: Instant, tuple: Tuple, parting: Parting) {
        if self.parted.len() < MOST {
            self.wait(now, tuple, parting);
        }
    }

    fn wait(&mut self, now: Instant, tuple: Tuple, parting: Parting) {
        self.remove(tuple);
        let until = now + LENGTH;
        self.parted.insert(tuple, (parting, until));
        self.ends.insert((until, tuple));
    }

    fn remove(&mut self, tuple: Tuple) {
        if let Some((_, until)) = self.parted.remove(&tuple) {
            self.ends.remove(&(until, tuple));
        }
    }

    pub(super) fn get(&self, tuple: Tuple) -> Option<Parting> {
        self.parted.get(&tuple).map(|(parting, _)| *parting)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (Tuple, Parting)> {
        self.parted.iter().map(|(tuple, (parting, _))| (*tuple, *parting))
    }

    pub(super) fn len(&self) -> usize {
        self.parted.len()
    }

    pub(super) fn next_at(&self) -> Option<Instant> {
        self.ends.first().map(|(at, _)| *at)
    }

    /// Forgets those that have waited long enough.
    pub(super) fn expire(&mut self, now: Instant) {
        while let Some((_, tuple)) = self.ends.first().copied().filter(|(at, _)| *at <= now) {
            self.remove(tuple);
        }
    }

    /// A segment came for one. `is_open` is whether a listener would take a new connection.
    ///
    /// Linux begins anew when the number or the time stamp of a SYN is higher than all before, as those of a host always are
    /// that counts them by a clock; smoltcp draws its numbers, so here any SYN does but the one that began the connection.
    pub(super) fn hear(
        &mut self,
        now: Instant,
        tuple: Tuple,
        parting: Parting,
        segment: &TcpPacket<&[u8]>,
        is_open: bool,
    ) -> Outcome {
        let is_in_turn = segment.seq_number() == parting.awaited;
        if segment.rst() {
            if is_in_turn {
                self.remove(tuple);
            }
            return Outcome::Silence;
        }
        if segment.syn() && !segment.ack() && is_open && Some(segment.seq_number()) != parting.began {
            self.remove(tuple);
            return Outcome::Anew;
        }
        if segment.ack() {
            self.wait(now, tuple, parting);
        }
        if is_in_turn && segment.segment_len() == 0 { Outcome::Silence } else { Outcome::Acknowledge }
    }
}

/// The packet that says where a connection stood.
pub(super) fn acknowledgment((local, peer): Tuple, parting: Parting) -> Vec<u8> {
    let repr = TcpRepr {
        src_port: local.port(),
        dst_port: peer.port(),
        control: TcpControl::None,
        seq_number: parting.next,
        ack_number: Some(parting.awaited),
        window_len: u16::MAX,
        window_scale: None,
        max_seg_size: None,
        sack_permitted: false,
        sack_ranges: [None; 3],
        timestamp: None,
        payload: &[],
    };
    let mut segment = vec![0; repr.buffer_len()];
    let (src, dst) = (local.ip().into(), peer.ip().into());
    repr.emit(&mut TcpPacket::new_unchecked(&mut segment), &src, &dst, &ChecksumCapabilities::default());
    build::packet(&Parts::new(local.ip(), peer.ip(), protocol::TCP, &segment))
}
