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

/// Where the two bytes of the option are.
fn place(packet: &[u8], tcp: usize) -> Option<usize> {
    let end = tcp + usize::from(packet.get(tcp + 12)? >> 4) * 4;
    let mut at = tcp + 20;
    while at < end {
        match *packet.get(at)? {
            END => return None,
            PADDING => at += 1,
            LARGEST_SEGMENT => return (at + 4 <= end && at + 4 <= packet.len()).then_some(at + 2),
            _ => at += usize::from(*packet.get(at + 1)?).max(2),
        }
    }
    None
}
