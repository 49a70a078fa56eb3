//! Fragments (RFC 791 §3.2, RFC 8200 §4.5): cutting packets that are too big for a device, and putting them together
//! again. Overlapping fragments are refused, as Linux refuses them.

use core::net::IpAddr;
use std::collections::BTreeMap;

use super::problem::Problem;
use super::{Cx, Namespace};
use crate::device::IfIndex;
use crate::drop::DropReason;
use crate::frame::{ETHERNET_LEN, Frame};
use crate::packet::{Ip, cut};
use crate::time::{Duration, Instant};

/// How long the first fragment waits for the others (`ipfrag_time`).
const TIMEOUT: Duration = Duration::from_secs(30);
/// Bytes of fragments that one namespace keeps (`ipfrag_high_thresh`).
const LIMIT: usize = 4 << 20;
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
    pieces: BTreeMap<usize, Vec<u8>>,
    total: Option<usize>,
    protocol: u8,
}

/// Packets that are not yet whole.
#[derive(Clone, Debug, Default)]
pub(super) struct Reassembly {
    partials: BTreeMap<Key, Partial>,
    bytes: usize,
}

impl Reassembly {
    pub(super) fn next_at(&self) -> Option<Instant> {
        self.partials.values().map(|p| p.expires).min()
    }

    fn remove(&mut self, key: &Key) -> Option<Partial> {
        let partial = self.partials.remove(key)?;
        self.bytes -= partial.pieces.values().map(Vec::len).sum::<usize>();
        Some(partial)
    }
}

impl Namespace {
    /// A whole packet: this one, or the one that this fragment completes.
    pub(super) fn defragment(&mut self, cx: &mut Cx, index: IfIndex, ip: &Ip, frame: Frame) -> Option<Frame> {
        let Some(fragment) = ip.fragment else { return Some(frame) };
        let wanted = self.is_local(ip.dst) || self.netfilter.tracks(ip.is_v4());
        if !wanted {
            return Some(frame);
        }
        let key = (ip.src, ip.dst, fragment.id, ip.protocol);
        match self.fragments.add(cx.now, index, key, ip, &frame) {
            Ok(None) => None,
            Ok(Some(whole)) => Some(whole),
            Err(()) => {
                self.fragments.remove(&key);
                self.drop_frame(cx, Some(index), DropReason::Reassembly, &frame);
                None
            }
        }
    }

    /// Gives up on packets whose rest did not come, and says so to their senders.
    pub(super) fn expire_fragments(&mut self, cx: &mut Cx) {
        while let Some(key) = self.fragments.partials.iter().find(|(_, p)| p.expires <= cx.now).map(|(k, _)| *k) {
            let Some(partial) = self.fragments.remove(&key) else { return };
            self.drops.count(Some(partial.device), DropReason::Reassembly);
            if let (Some(mut head), Some(first)) = (partial.head, partial.pieces.get(&0)) {
                head.extend_from_slice(first);
                self.complain(cx, Problem::ReassemblyTimeout, &head[ETHERNET_LEN..]);
            }
        }
    }
}

impl Reassembly {
    /// Takes a fragment; the whole packet when it was the last one missing.
    fn add(&mut self, now: Instant, device: IfIndex, key: Key, ip: &Ip, frame: &Frame) -> Result<Option<Frame>, ()> {
        let fragment = ip.fragment.ok_or(())?;
        let data = &frame.payload()[ip.header_len..ip.total_len];
        let offset = usize::from(fragment.offset);
        let end = offset + data.len();
        if end > 65535 || self.bytes + data.len() > LIMIT || (fragment.more && !data.len().is_multiple_of(8)) {
            return Err(());
        }
        let partial = self.partials.entry(key).or_insert_with(|| Partial {
            device,
            expires: now + TIMEOUT,
            head: None,
            pieces: BTreeMap::new(),
            total: None,
            protocol: ip.protocol,
        });
        if partial.overlaps(offset, end) {
            return if partial.pieces.get(&offset).is_some_and(|p| p == data) { Ok(None) } else { Err(()) };
        }
        if !fragment.more {
            partial.total = Some(end);
        }
        if offset == 0 {
            // The extension headers before the data of an IPv6 fragment, its fragment header among them, are left out.
            let header_len = if ip.is_v4() { ip.header_len } else { IPV6_LEN };
            partial.head = Some(frame.bytes()[..ETHERNET_LEN + header_len].to_vec());
        }
        partial.pieces.insert(offset, data.to_vec());
        self.bytes += data.len();
        if !partial.is_whole() {
            return Ok(None);
        }
        let partial = self.remove(&key).ok_or(())?;
        let mut whole = partial.join().ok_or(())?;
        whole.offload.nesting = frame.offload.nesting;
        Ok(Some(whole))
    }
}

impl Partial {
    fn overlaps(&self, start: usize, end: usize) -> bool {
        self.pieces.iter().any(|(at, bytes)| start < at + bytes.len() && *at < end)
            || self.total.is_some_and(|total| end > total)
    }

    fn is_whole(&self) -> bool {
        self.total.is_some_and(|total| self.pieces.values().map(Vec::len).sum::<usize>() == total)
    }

    fn join(self) -> Option<Frame> {
        let mut bytes = self.head?;
        self.pieces.into_values().for_each(|piece| bytes.extend_from_slice(&piece));
        let mut frame = Frame::copy_of(&bytes);
        cut::make_whole(frame.payload_mut(), self.protocol).then_some(frame)
    }
}

/// Cuts a packet into fragments of at most `mtu` bytes; none when it must not be cut.
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
    let pieces = data.chunks(room).enumerate().map(|(n, piece)| {
        let offset = n * room;
        let more = offset + piece.len() < data.len();
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
