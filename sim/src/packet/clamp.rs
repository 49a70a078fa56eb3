//! The largest segment that a SYN allows the other end (RFC 9293 §3.7.1), made smaller where the way is narrow. A SYN that says
//! nothing of it stays as it is: a packet is never made longer here.

use super::{Ip, Upper, checksum, tcp_flag};

const END: u8 = 0;
const PADDING: u8 = 1;
const LARGEST_SEGMENT: u8 = 2;

/// Lets a SYN allow segments of `most` bytes and no larger ones.
pub fn segments(packet: &mut [u8], ip: &Ip, most: usize) {
    let is_syn = matches!(ip.upper, Upper::Tcp { flags, .. } if flags & tcp_flag::SYN != 0);
    let Some(at) = is_syn.then(|| place(packet, ip.upper_at())).flatten() else { return };
    let allowed = usize::from(u16::from_be_bytes([packet[at], packet[at + 1]]));
    let Some(most) = u16::try_from(most).ok().filter(|most| usize::from(*most) < allowed) else { return };
    // A checksum is of words, which begin at even places.
    let change = if (at - ip.upper_at()).is_multiple_of(2) {
        checksum::replace(packet, at, &most.to_be_bytes())
    } else {
        let [high, low] = most.to_be_bytes();
        let words = [packet[at - 1], high, low, packet[at + 2]];
        checksum::replace(packet, at - 1, &words)
    };
    ip.mend_upper(packet, change);
}

/// The largest segment that a TCP packet allows; none when it says nothing of it.
#[must_use]
pub fn allowed(packet: &[u8], ip: &Ip) -> Option<u16> {
    let Upper::Tcp { .. } = ip.upper else { return None };
    let at = place(packet, ip.upper_at())?;
    Some(u16::from_be_bytes([packet[at], packet[at + 1]]))
}

/// Where the two bytes of the option are.
fn place(packet: &[u8], tcp: usize) -> Option<usize> {
    let mut before_end = options(packet, tcp).take_while(|(_, kind)| *kind != END);
    let (at, _) = before_end.find(|(_, kind)| *kind == LARGEST_SEGMENT)?;
    (at + 4 <= end(packet, tcp)).then_some(at + 2)
}

/// Whether a TCP packet has an option of a kind. As Linux looks for it, what marks the end is an option like others.
#[must_use]
pub fn has_option(packet: &[u8], ip: &Ip, wanted: u8) -> bool {
    matches!(ip.upper, Upper::Tcp { .. }) && options(packet, ip.upper_at()).any(|(_, kind)| kind == wanted)
}

/// The options of a TCP header, by place and kind.
fn options(packet: &[u8], tcp: usize) -> impl Iterator<Item = (usize, u8)> {
    let end = end(packet, tcp);
    let next = move |(at, kind): &(usize, u8)| {
        let length = if *kind <= PADDING { 1 } else { usize::from(*packet.get(at + 1)?).max(2) };
        Some(at + length)
    };
    let option = move |at: usize| (at < end).then(|| Some((at, *packet.get(at)?))).flatten();
    core::iter::successors(option(tcp + 20), move |last| option(next(last)?))
}

/// Where a TCP header ends.
fn end(packet: &[u8], tcp: usize) -> usize {
    packet.get(tcp + 12).map_or(0, |words| tcp + usize::from(words >> 4) * 4).min(packet.len())
}
