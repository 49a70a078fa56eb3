//! The Internet checksum (RFC 1071): in full, and mended after a change (RFC 1624). It knows which bytes a checksum
//! covers, not what they mean.

use core::net::IpAddr;
use core::ops::Add;

use super::{Ip, Upper, protocol};

/// By how much a one's complement sum changed.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Delta(u32);

impl Delta {
    /// Not at all.
    pub const NONE: Self = Self(0);

    /// From the word `old` to the word `new`.
    const fn of(old: u16, new: u16) -> Self {
        Self(!old as u32 & 0xffff).plus(Self(new as u32))
    }

    const fn plus(self, other: Self) -> Self {
        Self(fold(self.0 + other.0) as u32)
    }
}

impl Add for Delta {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        self.plus(other)
    }
}

/// Adds the carries of a one's complement sum back in.
const fn fold(mut sum: u32) -> u16 {
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    #[expect(clippy::cast_possible_truncation, reason = "the loop left 16 bits")]
    {
        sum as u16
    }
}

/// The sum of `bytes`, at most 64 KiB of them, taken as words; an odd last byte is the high half of one.
fn sum(bytes: &[u8]) -> u32 {
    let (words, rest) = bytes.as_chunks::<2>();
    let odd = rest.first().map_or(0, |b| u32::from(*b) << 8);
    words.iter().map(|w| u32::from(u16::from_be_bytes(*w))).sum::<u32>() + odd
}

/// The Internet checksum of `bytes`.
#[must_use]
pub fn of(bytes: &[u8]) -> u16 {
    !fold(sum(bytes))
}

/// Writes `new` over the bytes at `at`, an even distance into what a checksum covers. `new` has an even length.
pub fn replace(packet: &mut [u8], at: usize, new: &[u8]) -> Delta {
    let Some(field) = packet.get_mut(at..at + new.len()) else { return Delta::NONE };
    let change = Delta(u32::from(!fold(sum(field)))) + Delta(sum(new));
    field.copy_from_slice(new);
    change
}

/// Makes the checksum at `at` right again after the bytes it covers changed by `change`; gives its own change.
pub fn mend(packet: &mut [u8], at: usize, change: Delta) -> Delta {
    mend_with(packet, at, change, core::convert::identity)
}

/// The same for UDP, where 0 says that there is none and 0xffff stands for it.
pub fn mend_udp(packet: &mut [u8], at: usize, change: Delta) -> Delta {
    mend_with(packet, at, change, |sum| if sum == 0 { 0xffff } else { sum })
}

fn mend_with(packet: &mut [u8], at: usize, change: Delta, written: fn(u16) -> u16) -> Delta {
    let Some([high, low]) = packet.get_mut(at..at + 2) else { return Delta::NONE };
    let old = u16::from_be_bytes([*high, *low]);
    let new = written(!fold(u32::from(!old) + change.0));
    [*high, *low] = new.to_be_bytes();
    Delta::of(old, new)
}

/// Computes every checksum of an IP packet: of the IPv4 header, of TCP, UDP, ICMP or `ICMPv6`. A fragment gets only
/// the first: the others cover the whole datagram.
pub fn fill(packet: &mut [u8]) {
    let Some(ip) = Ip::parse(packet) else { return };
    fill_header(packet, &ip);
    let Some(offset) = field(&ip) else { return };
    let at = ip.upper_at() + offset;
    let Some(bytes) = packet.get_mut(at..at + 2) else { return };
    bytes.fill(0);
    let value = match upper_sum(packet, &ip) {
        0 if ip.protocol == protocol::UDP => 0xffff,
        value => value,
    };
    packet[at..at + 2].copy_from_slice(&value.to_be_bytes());
}

/// Computes the checksum of an IP header, where there is one: that of IPv4.
pub(super) fn fill_header(packet: &mut [u8], ip: &Ip) {
    if ip.is_v4() {
        packet[10..12].fill(0);
        let header = of(&packet[..ip.header_len]);
        packet[10..12].copy_from_slice(&header.to_be_bytes());
    }
}

/// Whether every checksum of an IP packet is right; one of UDP that was left out is.
#[must_use]
pub fn is_right(packet: &[u8]) -> bool {
    let Some(ip) = Ip::parse(packet) else { return false };
    let header = !ip.is_v4() || of(&packet[..ip.header_len]) == 0;
    let Some(offset) = field(&ip) else { return header };
    let at = ip.upper_at() + offset;
    let left_out = ip.protocol == protocol::UDP && packet.get(at..at + 2) == Some(&[0, 0]);
    header && (left_out || upper_sum(packet, &ip) == 0)
}

/// Where the checksum of what a whole packet carries stands, from its start.
const fn field(ip: &Ip) -> Option<usize> {
    match ip.upper {
        _ if ip.fragment.is_some() => None,
        Upper::Icmp { .. } => Some(2),
        Upper::Other => None,
        Upper::Tcp { .. } => Some(16),
        Upper::Udp { .. } => Some(6),
    }
}

/// The sum over the addresses, the protocol and the length of what a packet carries: what a stack writes in the place of a
/// checksum that its device completes.
#[must_use]
pub(super) fn of_addresses(ip: &Ip) -> u16 {
    let len = u32::try_from(ip.total_len - ip.upper_at()).unwrap_or(u32::MAX);
    let tail = u32::from(fold(len)) + u32::from(ip.protocol);
    fold(address_sum(ip.src) + address_sum(ip.dst) + tail)
}

/// The checksum over what a packet carries, with the pseudo header where there is one.
fn upper_sum(packet: &[u8], ip: &Ip) -> u16 {
    let payload = &packet[ip.upper_at()..ip.total_len];
    if ip.protocol == protocol::ICMP {
        return of(payload);
    }
    let len = u32::try_from(payload.len()).unwrap_or(u32::MAX);
    let tail = u32::from(fold(len)) + u32::from(ip.protocol);
    !fold(sum(payload) + address_sum(ip.src) + address_sum(ip.dst) + tail)
}

fn address_sum(addr: IpAddr) -> u32 {
    match addr {
        IpAddr::V4(addr) => sum(&addr.octets()),
        IpAddr::V6(addr) => sum(&addr.octets()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_rfc_1071() {
        assert_eq!(of(&[0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]), !0xddf2);
        assert_eq!(of(&[0x01, 0x02, 0x03]), !0x0402);
    }

    #[test]
    fn the_example_of_rfc_1624() {
        // §4: HC 0xdd2f, a word from 0x5555 to 0x3285 gives 0x0000.
        let mut packet = [0x55, 0x55, 0xdd, 0x2f];
        let change = replace(&mut packet, 0, &[0x32, 0x85]);
        mend(&mut packet, 2, change);
        assert_eq!(packet, [0x32, 0x85, 0, 0]);
    }
}
