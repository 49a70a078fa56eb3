//! ICMP and `ICMPv6` messages as programs with a raw socket build and read them. It sends nothing; the kernel's own
//! ICMP is the namespace's.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The IP protocol number of ICMP.
pub const ICMP: u8 = 1;
/// The IP protocol number of UDP.
pub const UDP: u8 = 17;
/// The IP protocol number of `ICMPv6`.
pub const ICMPV6: u8 = 58;
/// The header of an IPv6 fragment, which stands where a protocol would.
const FRAGMENT: u8 = 44;
/// Bytes of the header of an echo.
pub const HEADER_LEN: usize = 8;

/// The ICMP that goes with the family of an address.
#[must_use]
pub const fn protocol(addr: IpAddr) -> u8 {
    match addr {
        IpAddr::V4(_) => ICMP,
        IpAddr::V6(_) => ICMPV6,
    }
}

/// A message that came.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Message<'a> {
    /// The answer to an echo request.
    EchoReply {
        /// Who asked, by a number of its own.
        id: u16,
        /// Which request it answers.
        seq: u16,
        /// What the request carried.
        payload: &'a [u8],
    },
    /// A packet that we sent did not arrive.
    Error(Error),
}

/// A report that a packet did not arrive.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Error {
    /// What happened.
    pub problem: Problem,
    /// The packet.
    pub original: Original,
}

/// Why a packet did not arrive. Codes are those of its family: RFC 792, RFC 4443.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Problem {
    /// Destination unreachable, with its code.
    Unreachable(u8),
    /// Too long for a link of this MTU, in bytes.
    TooBig(u32),
    /// It went on, but another router is nearer (RFC 792: with a code of its own).
    Redirect {
        /// For whom: 0 a network, 1 a host, 2 and 3 the same with a type of service.
        code: u8,
        /// The router.
        gateway: Ipv4Addr,
    },
    /// Time exceeded: code 0 in transit, 1 while waiting for fragments.
    TimeExceeded(u8),
    /// A field that nobody understood, and where.
    Parameter {
        /// What about it.
        code: u8,
        /// Bytes from the beginning of the packet.
        pointer: u32,
    },
}

/// What an ICMP error quotes of the packet that it is about.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Original {
    /// Where it was sent to.
    pub dst: IpAddr,
    /// Its IP protocol.
    pub protocol: u8,
    /// The first bytes after its IP header.
    pub head: [u8; 8],
}

impl Original {
    /// Source and destination port.
    #[must_use]
    pub const fn ports(&self) -> (u16, u16) {
        let [a, b, c, d, ..] = self.head;
        (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]))
    }

    /// Id and sequence number when it was an echo request.
    #[must_use]
    pub fn echo(&self) -> Option<(u16, u16)> {
        let [kind, _, _, _, a, b, c, d] = self.head;
        let request = match self.protocol {
            ICMP => 8,
            ICMPV6 => 128,
            _ => return None,
        };
        (kind == request).then(|| (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d])))
    }
}

/// An echo request from `src` (which only the checksum of `ICMPv6` needs) to `dst`.
#[must_use]
pub fn echo_request(src: IpAddr, dst: IpAddr, id: u16, seq: u16, payload: &[u8]) -> Vec<u8> {
    let [id, seq] = [id.to_be_bytes(), seq.to_be_bytes()];
    let kind = if dst.is_ipv4() { 8 } else { 128 };
    let mut message = vec![kind, 0, 0, 0, id[0], id[1], seq[0], seq[1]];
    message.extend_from_slice(payload);
    let pseudo = match (src, dst) {
        (IpAddr::V6(src), IpAddr::V6(dst)) => pseudo_header(src, dst, message.len()),
        _ => Vec::new(),
    };
    let checksum = checksum(&pseudo, &message);
    message[2..4].copy_from_slice(&checksum.to_be_bytes());
    message
}

/// RFC 8200 §8.1.
fn pseudo_header(src: Ipv6Addr, dst: Ipv6Addr, length: usize) -> Vec<u8> {
    let length = u32::try_from(length).unwrap_or(u32::MAX);
    [&src.octets()[..], &dst.octets(), &length.to_be_bytes(), &[0, 0, 0, ICMPV6]].concat()
}

/// RFC 1071, over two parts of which the first has an even length.
fn checksum(first: &[u8], second: &[u8]) -> u16 {
    let words = first.chunks(2).chain(second.chunks(2));
    let mut sum: u32 = words.map(|w| u32::from(u16::from_be_bytes([w[0], w.get(1).copied().unwrap_or(0)]))).sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !u16::try_from(sum).expect("the carries were folded in")
}

/// Reads a message that came from `src`; none when it is neither an echo reply nor an error.
#[must_use]
pub fn parse(src: IpAddr, message: &[u8]) -> Option<Message<'_>> {
    let [kind, code, _, _, rest @ ..] = message else { return None };
    let (word, quoted) = rest.split_first_chunk::<4>()?;
    let number = u32::from_be_bytes(*word);
    let problem = match (src, *kind) {
        (IpAddr::V4(_), 0) | (IpAddr::V6(_), 129) => {
            let [a, b, c, d] = *word;
            let (id, seq) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
            return Some(Message::EchoReply { id, seq, payload: quoted });
        }
        (IpAddr::V4(_), 3) if *code == 4 => Problem::TooBig(number & 0xffff),
        (IpAddr::V6(_), 2) => Problem::TooBig(number),
        (IpAddr::V4(_), 3) | (IpAddr::V6(_), 1) => Problem::Unreachable(*code),
        (IpAddr::V4(_), 5) => Problem::Redirect { code: *code, gateway: Ipv4Addr::from(*word) },
        (IpAddr::V4(_), 11) | (IpAddr::V6(_), 3) => Problem::TimeExceeded(*code),
        (IpAddr::V4(_), 12) => Problem::Parameter { code: *code, pointer: number >> 24 },
        (IpAddr::V6(_), 4) => Problem::Parameter { code: *code, pointer: number },
        _ => return None,
    };
    Some(Message::Error(Error { problem, original: original(src, quoted)? }))
}

fn original(src: IpAddr, packet: &[u8]) -> Option<Original> {
    let (dst, protocol, body) = match src {
        IpAddr::V4(_) => {
            let header = packet.first_chunk::<20>()?;
            let dst = Ipv4Addr::new(header[16], header[17], header[18], header[19]);
            (IpAddr::V4(dst), header[9], packet.get(usize::from(header[0] & 15) * 4..)?)
        }
        IpAddr::V6(_) => {
            let (header, body) = packet.split_first_chunk::<40>()?;
            let dst = header.last_chunk::<16>().expect("an IPv6 header has 40 bytes");
            // The first fragment of a packet says behind a header more what it is.
            let (protocol, body) = match (header[6], body.split_first_chunk::<8>()) {
                (FRAGMENT, Some((fragment, rest))) if fragment[2] == 0 && fragment[3] & 0xf8 == 0 => {
                    (fragment[0], rest)
                }
                (protocol, _) => (protocol, body),
            };
            (IpAddr::V6(Ipv6Addr::from_octets(*dst)), protocol, body)
        }
    };
    Some(Original { dst, protocol, head: *body.first_chunk::<8>()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addr(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    /// An IPv4 packet of the shape that errors quote.
    fn quoted(dst: [u8; 4], protocol: u8, head: [u8; 8]) -> Vec<u8> {
        let mut packet = vec![0x45, 0, 0, 28, 0, 0, 0, 0, 1, protocol, 0, 0, 10, 0, 0, 1];
        packet.extend(dst);
        packet.extend(head);
        packet
    }

    #[test]
    fn a_request_sums_to_zero_with_its_checksum() {
        let v4 = echo_request(addr("10.0.0.1"), addr("10.0.0.2"), 7, 258, b"abc");
        assert_eq!((&v4[..2], &v4[4..]), (&[8, 0][..], &[0, 7, 1, 2, b'a', b'b', b'c'][..]));
        assert_eq!(checksum(&[], &v4), 0);
        let (src, dst) = (Ipv6Addr::LOCALHOST, Ipv6Addr::UNSPECIFIED);
        let v6 = echo_request(src.into(), dst.into(), 7, 1, b"");
        assert_eq!(v6[0], 128);
        assert_eq!(checksum(&pseudo_header(src, dst, 8), &v6), 0);
    }

    #[test]
    fn replies_carry_id_sequence_and_payload() {
        let reply = [0, 0, 0, 0, 0, 7, 1, 2, b'x'];
        let expected = Message::EchoReply { id: 7, seq: 258, payload: b"x" };
        assert_eq!(parse(addr("10.0.0.2"), &reply), Some(expected));
        assert_eq!(parse(addr("fe80::1"), &reply), None);
        assert_eq!(parse(addr("10.0.0.2"), &echo_request(addr("10.0.0.1"), addr("10.0.0.2"), 7, 1, b"")), None);
    }

    #[test]
    fn errors_quote_the_packet_they_are_about() {
        let mut message = vec![3, 4, 0, 0, 0, 0, 0x05, 0x78];
        message.extend(quoted([10, 0, 9, 4], ICMP, [8, 0, 0, 0, 0, 7, 0, 1]));
        let Some(Message::Error(error)) = parse(addr("10.0.0.254"), &message) else { panic!("it is an error") };
        assert_eq!(error.problem, Problem::TooBig(1400));
        assert_eq!((error.original.dst, error.original.echo()), (addr("10.0.9.4"), Some((7, 1))));

        let mut message = vec![11, 0, 0, 0, 0, 0, 0, 0];
        message.extend(quoted([10, 0, 9, 4], UDP, [0x82, 0x9a, 0x82, 0x9b, 0, 26, 0, 0]));
        let Some(Message::Error(error)) = parse(addr("10.0.0.254"), &message) else { panic!("it is an error") };
        assert_eq!(error.problem, Problem::TimeExceeded(0));
        assert_eq!((error.original.ports(), error.original.echo()), ((33434, 33435), None));
    }

    #[test]
    fn the_first_fragment_says_what_it_is_behind_a_header_more() {
        let mut message = vec![1, 3, 0, 0, 0, 0, 0, 0, 0x60, 0, 0, 0, 0, 16, FRAGMENT, 64];
        message.extend([Ipv6Addr::LOCALHOST.octets(), Ipv6Addr::UNSPECIFIED.octets()].concat());
        message.extend([ICMPV6, 0, 0, 1, 0, 0, 0, 9, 128, 0, 0, 0, 0, 7, 0, 1]);
        let Some(Message::Error(error)) = parse(addr("fd00::1"), &message) else { panic!("it is an error") };
        assert_eq!((error.problem, error.original.echo()), (Problem::Unreachable(3), Some((7, 1))));
    }

    #[test]
    fn what_is_cut_short_is_ignored() {
        assert_eq!(parse(addr("10.0.0.2"), &[0, 0, 0]), None);
        assert_eq!(parse(addr("10.0.0.2"), &[3, 1, 0, 0, 0, 0, 0, 0, 0x45, 0, 0]), None);
        let mut long_header = vec![3, 1, 0, 0, 0, 0, 0, 0];
        long_header.extend(quoted([10, 0, 0, 2], UDP, [0; 8]));
        long_header[8] = 0x4f;
        assert_eq!(parse(addr("10.0.0.2"), &long_header), None);
    }
}
