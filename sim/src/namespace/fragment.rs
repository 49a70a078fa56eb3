//! Fragments (RFC 791 §3.2, RFC 8200 §4.5): cutting packets that are too big for a device, and putting them together
//! again. Overlapping fragments are refused, as Linux refuses them.

use core::net::IpAddr;
use std::collections::{BTreeMap, BTreeSet};

use super::problem::Problem;
use super::{Cx, Namespace};
use crate::addr::family;
use crate::device::IfIndex;
use crate::drop::DropReason;
use crate::frame::{ETHERNET_LEN, Frame};
use crate::packet::{Ip, cut};
use crate::time::{Duration, Instant};

/// How long the first fragment waits for the others (`ipfrag_time`, `ip6frag_time`).
const TIMEOUT: [Duration; 2] = [Duration::from_secs(30), Duration::from_secs(60)];
/// What Linux counts for a fragment beside its data, about: small ones are dear.
const OVERHEAD: usize = 512;
/// Length of the fixed IPv6 header and of a fragment header.
const IPV6_LEN: usize = 40;
const IPV6_FRAGMENT_LEN: usize = 8;

type Key = (IpAddr, IpAddr, u32, u8);

#[derive(Clone, Debug)]
struct Partial {
    device: IfIndex,
    expires: Instant,
    /// The packet up to its payload, from the first fragment.
    head: Option<Vec<u8>>,
    /// By where they begin; none overlaps another.
    pieces: BTreeMap<usize, Vec<u8>>,
    /// The bytes in all of them.
    have: usize,
    /// The longest fragment, as a packet.
    largest: u16,
    total: Option<usize>,
    protocol: u8,
}

/// Packets that are not yet whole.
#[derive(Clone, Debug, Default)]
pub(super) struct Reassembly {
    partials: BTreeMap<Key, Partial>,
    /// When each is given up.
    deadlines: BTreeSet<(Instant, Key)>,
    /// What is kept of each family, as Linux counts it.
    memory: [usize; 2],
}

/// Why a fragment is not taken.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Refusal {
    /// It does not fit the others of its packet: none of them is of use.
    Packet,
    /// There is no room for it.
    Full,
}

impl Reassembly {
    pub(super) fn next_at(&self) -> Option<Instant> {
        self.deadlines.first().map(|(at, _)| *at)
    }

    fn remove(&mut self, key: &Key) -> Option<Partial> {
        let partial = self.partials.remove(key)?;
        self.deadlines.remove(&(partial.expires, *key));
        self.memory[family(key.0)] -= partial.memory();
        Some(partial)
    }
}

impl Namespace {
    /// A whole packet: this one, or the one that this fragment completes.
    pub(super) fn defragment(&mut self, cx: &mut Cx, index: IfIndex, ip: &Ip, frame: Frame) -> Option<Frame> {
        let Some(fragment) = ip.fragment else { return Some(frame) };
        let wanted = self.leads_here(ip.dst) || self.netfilter.tracks(ip.is_v4());
        if !wanted {
            return Some(frame);
        }
        let key = (ip.src, ip.dst, fragment.id, ip.protocol);
        let limit = self.sysctl.fragments[family(ip.src)];
        let counters = &mut self.mib.ip[family(ip.src)];
        counters.fragments_received += 1;
        match self.fragments.add(cx.now, index, key, ip, &frame, limit) {
            Ok(whole) => {
                counters.reassembled += u64::from(whole.is_some());
                whole
            }
            Err(refusal) => {
                counters.not_reassembled += 1;
                if matches!(refusal, Refusal::Packet) {
                    self.fragments.remove(&key);
                }
                self.drop_frame(cx, Some(index), DropReason::Reassembly, &frame);
                None
            }
        }
    }

    /// Gives up on packets whose rest did not come, and says so to their senders.
    pub(super) fn expire_fragments(&mut self, cx: &mut Cx) {
        while let Some((_, key)) = self.fragments.deadlines.first().copied().filter(|(at, _)| *at <= cx.now) {
            let Some(partial) = self.fragments.remove(&key) else { return };
            self.drops.count(Some(partial.device), DropReason::Reassembly);
            let counters = &mut self.mib.ip[family(key.0)];
            counters.reassembly_timeouts += 1;
            counters.not_reassembled += 1;
            if let (Some(mut head), Some(first)) = (partial.head, partial.pieces.get(&0)) {
                head.extend_from_slice(first);
                self.complain(cx, Problem::ReassemblyTimeout, &head[ETHERNET_LEN..]);
            }
        }
    }
}

impl Reassembly {
    /// Takes a fragment; the whole packet when it was the last one missing. With more than `limit` kept no packet is
    /// begun, as in Linux; those that were begun may go on, to twice as much.
    fn add(
        &mut self,
        now: Instant,
        device: IfIndex,
        key: Key,
        ip: &Ip,
        frame: &Frame,
        limit: usize,
    ) -> Result<Option<Frame>, Refusal> {
        let fragment = ip.fragment.ok_or(Refusal::Packet)?;
        let data = &frame.payload()[ip.header_len..ip.total_len];
        let offset = usize::from(fragment.offset);
        let end = offset + data.len();
        if data.is_empty() || end > 65535 || (fragment.more && !data.len().is_multiple_of(8)) {
            return Err(Refusal::Packet);
        }
        let memory = &mut self.memory[family(key.0)];
        let is_new = !self.partials.contains_key(&key);
        if *memory > if is_new { limit } else { limit.saturating_mul(2) } {
            return Err(Refusal::Full);
        }
        let expires = now + TIMEOUT[family(key.0)];
        if is_new {
            self.deadlines.insert((expires, key));
        }
        let partial = self.partials.entry(key).or_insert_with(|| Partial {
            device,
            expires,
            head: None,
            pieces: BTreeMap::new(),
            have: 0,
            largest: 0,
            total: None,
            protocol: ip.protocol,
        });
        if partial.refuses(offset, end, fragment.more) {
            let is_copy = partial.pieces.get(&offset).is_some_and(|p| p == data);
            return if is_copy { Ok(None) } else { Err(Refusal::Packet) };
        }
        if !fragment.more {
            partial.total = Some(end);
        }
        if offset == 0 {
            // The extension headers before the data of an IPv6 fragment, its fragment header among them, are left out.
            let header_len = if ip.is_v4() { ip.header_len } else { IPV6_LEN };
            partial.head = Some(frame.bytes()[..ETHERNET_LEN + header_len].to_vec());
        }
        partial.largest = partial.largest.max(u16::try_from(ip.total_len).unwrap_or(u16::MAX));
        *memory += partial.take(offset, data);
        if !partial.is_whole() {
            return Ok(None);
        }
        let partial = self.remove(&key).ok_or(Refusal::Packet)?;
        let largest_fragment = partial.largest;
        let mut whole = partial.join().ok_or(Refusal::Packet)?;
        (whole.offload.nesting, whole.offload.largest_fragment) = (frame.offload.nesting, largest_fragment);
        Ok(Some(whole))
    }
}

impl Partial {
    /// Whether a fragment overlaps another, or goes beyond the last one, or is a last one with others beyond it.
    fn refuses(&self, start: usize, end: usize, more: bool) -> bool {
        let reaches = |(at, piece): (&usize, &Vec<u8>)| at + piece.len();
        // Of the pieces that begin before `end` only the last can reach beyond `start`.
        self.pieces.range(..end).next_back().is_some_and(|piece| reaches(piece) > start)
            || self.total.is_some_and(|total| if more { end > total } else { end != total })
            || (!more && self.pieces.last_key_value().is_some_and(|piece| reaches(piece) > end))
    }

    /// Takes a piece that overlaps none; by how much the memory grows.
    fn take(&mut self, offset: usize, data: &[u8]) -> usize {
        self.pieces.insert(offset, data.to_vec());
        self.have += data.len();
        data.len() + OVERHEAD
    }

    fn memory(&self) -> usize {
        self.have + self.pieces.len() * OVERHEAD
    }

    fn is_whole(&self) -> bool {
        self.total == Some(self.have)
    }

    fn join(self) -> Option<Frame> {
        let mut bytes = self.head?;
        self.pieces.into_values().for_each(|piece| bytes.extend_from_slice(&piece));
        let mut frame = Frame::copy_of(&bytes);
        cut::make_whole(frame.payload_mut(), self.protocol).then_some(frame)
    }
}

/// Cuts a packet, which may be a fragment already, into fragments of at most `mtu` bytes; none when it must not be cut.
pub(super) fn split(frame: &Frame, ip: &Ip, mtu: usize, ident: u32) -> Option<Vec<Frame>> {
    if ip.dont_fragment && ip.is_v4() {
        return None;
    }
    let extra = if ip.dst.is_ipv4() { 0 } else { IPV6_FRAGMENT_LEN };
    let room = mtu.checked_sub(ip.header_len + extra)? & !7;
    if room == 0 {
        return None;
    }
    let head = &frame.bytes()[..ETHERNET_LEN + ip.header_len];
    let data = &frame.payload()[ip.header_len..ip.total_len];
    // What is a fragment already is cut again where the path gets narrower.
    let (begin, followed) = ip.fragment.map_or((0, false), |fragment| (usize::from(fragment.offset), fragment.more));
    let pieces = data.chunks(room).enumerate().map(|(n, piece)| {
        let (offset, end) = (begin + n * room, n * room + piece.len());
        let more = followed || end < data.len();
        let mut bytes = head.to_vec();
        bytes.resize(head.len() + extra, 0);
        bytes.extend_from_slice(piece);
        let mut fragment = Frame::copy_of(&bytes);
        fragment.offload.nesting = frame.offload.nesting;
        cut::make_fragment(fragment.payload_mut(), offset, more, ident);
        fragment
    });
    Some(pieces.collect())
}

#[cfg(test)]
mod tests {
    use core::net::Ipv4Addr;

    use super::*;
    use crate::addr::Mac;
    use crate::packet::build::{self, Parts};
    use crate::packet::protocol;

    const LIMIT: usize = 64 << 10;

    /// One fragment of the packet `id`: so many bytes from `offset`.
    fn fragment(id: u32, offset: usize, len: usize, more: bool) -> Frame {
        let (src, dst) = (Ipv4Addr::new(10, 0, 0, 1).into(), Ipv4Addr::new(10, 0, 0, 2).into());
        let packet = build::packet(&Parts::new(src, dst, protocol::UDP, &vec![7; len]));
        let mut bytes = vec![0; ETHERNET_LEN];
        bytes.extend_from_slice(&packet);
        let mut frame = Frame::copy_of(&bytes);
        frame.readdress(Mac::ZERO, Mac::ZERO);
        cut::make_fragment(frame.payload_mut(), offset, more, id);
        frame
    }

    /// What becomes of it: a whole packet of so many bytes, nothing yet, or a refusal.
    fn add(all: &mut Reassembly, id: u32, offset: usize, len: usize, more: bool) -> Result<Option<usize>, Refusal> {
        let frame = fragment(id, offset, len, more);
        let ip = Ip::parse(frame.payload()).expect("it is a packet");
        let key = (ip.src, ip.dst, id, ip.protocol);
        let whole = all.add(Instant::ZERO, IfIndex(2), key, &ip, &frame, LIMIT);
        whole.map(|whole| whole.map(|frame| frame.payload().len()))
    }

    #[test]
    fn pieces_of_any_order_meet() {
        let mut all = Reassembly::default();
        assert_eq!(add(&mut all, 1, 16, 8, false), Ok(None));
        assert_eq!(add(&mut all, 1, 8, 8, true), Ok(None));
        assert_eq!(add(&mut all, 1, 8, 8, true), Ok(None), "a copy of one does no harm");
        assert_eq!(add(&mut all, 1, 0, 8, true), Ok(Some(44)));
        assert_eq!((all.next_at(), all.memory), (None, [0, 0]), "nothing is left of it");
    }

    #[test]
    fn pieces_that_do_not_fit_the_others_are_refused() {
        let overlapping = [(0, 16, true), (8, 8, true)];
        let beyond_the_last = [(8, 8, false), (16, 8, true)];
        let last_before_another = [(24, 8, true), (16, 8, false)];
        let two_last = [(16, 8, false), (8, 8, false)];
        let empty = [(8, 8, true), (16, 0, true)];
        for [first, second] in [overlapping, beyond_the_last, last_before_another, two_last, empty] {
            let mut all = Reassembly::default();
            assert_eq!(add(&mut all, 1, first.0, first.1, first.2), Ok(None), "{first:?}");
            assert_eq!(add(&mut all, 1, second.0, second.1, second.2), Err(Refusal::Packet), "{second:?}");
        }
    }

    #[test]
    fn with_too_much_kept_no_packet_is_begun_and_those_begun_go_on() {
        let mut all = Reassembly::default();
        let begun = (0..).take_while(|id| add(&mut all, *id, 0, 1024, true) == Ok(None)).count();
        assert_eq!(begun, LIMIT / (1024 + OVERHEAD) + 1);
        assert_eq!(add(&mut all, 9999, 0, 1024, true), Err(Refusal::Full));
        assert_eq!(add(&mut all, 0, 1024, 8, false), Ok(Some(1052)));
        assert_eq!(all.partials.len(), begun - 1, "the refused ones left nothing");
        assert_eq!(all.deadlines.len(), begun - 1);
    }
}
