//! A parsed view of an IPv4 or IPv6 packet, and the changes that a router makes to it in place.
//!
//! [`Ip`] is read from the bytes once and holds no reference to them; its setters change the bytes and the view alike
//! and mend every checksum on the way (RFC 1624), so that a checksum that held holds after. It builds no packet,
//! follows no fragment and looks at no payload.
//!
//! A packet that an ICMP error quotes is the same view, beginning inside the other: see [`Ip::quoted`]. It may be cut
//! short, so a field is only changed when it is there.

pub mod arp;
pub mod build;
pub mod checksum;
pub mod clamp;
pub mod cut;
pub mod segment;
pub mod train;

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

pub use checksum::Delta;

/// IP protocol numbers that the stack tells apart.
pub mod protocol {
    /// IPv6 hop-by-hop options; as a match of iptables: all.
    pub const HOP_BY_HOP: u8 = 0;
    /// ICMP for IPv4.
    pub const ICMP: u8 = 1;
    /// TCP.
    pub const TCP: u8 = 6;
    /// UDP.
    pub const UDP: u8 = 17;
    /// IPv6 routing header.
    pub const ROUTING: u8 = 43;
    /// IPv6 fragment header.
    pub const FRAGMENT: u8 = 44;
    /// ICMP for IPv6.
    pub const ICMPV6: u8 = 58;
    /// IPv6 destination options.
    pub const DESTINATION: u8 = 60;
    /// SCTP.
    pub const SCTP: u8 = 132;
}

/// TCP flag bits, as the thirteenth byte of its header has them.
pub mod tcp_flag {
    /// No more data from the sender.
    pub const FIN: u8 = 0x01;
    /// Synchronize sequence numbers.
    pub const SYN: u8 = 0x02;
    /// Reset.
    pub const RST: u8 = 0x04;
    /// Push.
    pub const PSH: u8 = 0x08;
    /// The acknowledgment field counts.
    pub const ACK: u8 = 0x10;
    /// The urgent pointer counts.
    pub const URG: u8 = 0x20;
}

/// One end of a packet: the field that an address or port stands in.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum End {
    /// Where it comes from.
    Source,
    /// Where it goes.
    Destination,
}

impl End {
    /// The other one.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Source => Self::Destination,
            Self::Destination => Self::Source,
        }
    }
}

/// Which part of a datagram a packet is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Fragment {
    /// Where its payload belongs, in bytes.
    pub offset: u16,
    /// Whether others come after it.
    pub more: bool,
    /// The datagram's identification, 16 bits in IPv4 and 32 in IPv6.
    pub id: u32,
}

/// The start of what an IP packet carries.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Upper {
    /// ICMP of either family; the protocol tells which.
    Icmp {
        /// The type.
        kind: u8,
        /// The code.
        code: u8,
        /// The identifier of a query or its answer; what stands there for other types.
        id: u16,
    },
    /// Another protocol, a later fragment, or too few bytes to tell.
    Other,
    /// TCP.
    Tcp {
        /// Source port.
        src: u16,
        /// Destination port.
        dst: u16,
        /// The flag bits; none when they were cut off.
        flags: u8,
    },
    /// UDP.
    Udp {
        /// Source port.
        src: u16,
        /// Destination port.
        dst: u16,
    },
}

/// The view of an IPv4 or IPv6 packet.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Ip {
    /// Source address.
    pub src: IpAddr,
    /// Destination address.
    pub dst: IpAddr,
    /// The protocol of what it carries, past the extension headers of IPv6.
    pub protocol: u8,
    /// Time to live, or hop limit.
    pub ttl: u8,
    /// Bytes before what it carries: options and extension headers are counted in.
    pub header_len: usize,
    /// Bytes of the whole packet, as the header says.
    pub total_len: usize,
    /// Whether routers may not cut it: the DF bit; always in IPv6.
    pub dont_fragment: bool,
    /// Which part of a datagram it is; none when it is whole.
    pub fragment: Option<Fragment>,
    /// The start of what it carries.
    pub upper: Upper,
    /// Where it begins in the buffer: 0 but for a quoted packet.
    at: usize,
}

/// The type of service of a packet, or its traffic class.
#[must_use]
pub fn service(packet: &[u8]) -> u8 {
    match packet {
        [first, second, ..] if first >> 4 == 6 => first << 4 | second >> 4,
        [_, second, ..] => *second,
        _ => 0,
    }
}

impl Ip {
    /// The view of the packet at the start of `packet`; none when it is not IP or the lengths in it do not fit.
    #[must_use]
    pub fn parse(packet: &[u8]) -> Option<Self> {
        Self::parse_at(packet, 0).filter(|ip| ip.header_len <= ip.total_len && ip.total_len <= packet.len())
    }

    /// The view of the packet that this one, an ICMP error, quotes; none when it is no error or quotes too little.
    #[must_use]
    pub fn quoted(&self, packet: &[u8]) -> Option<Self> {
        self.is_icmp_error().then(|| Self::parse_at(packet, self.upper_at() + 8)).flatten()
    }

    fn parse_at(packet: &[u8], at: usize) -> Option<Self> {
        match packet.get(at)? >> 4 {
            4 => Self::parse_v4(packet, at),
            6 => Self::parse_v6(packet, at),
            _ => None,
        }
    }

    fn parse_v4(packet: &[u8], at: usize) -> Option<Self> {
        let header: &[u8; 20] = packet.get(at..)?.first_chunk()?;
        let header_len = usize::from(header[0] & 0xf) * 4;
        let cut = u16::from_be_bytes([header[6], header[7]]);
        let (offset, more) = ((cut & 0x1fff) * 8, cut & 0x2000 != 0);
        let id = u32::from(u16::from_be_bytes([header[4], header[5]]));
        let fragment = (offset > 0 || more).then_some(Fragment { offset, more, id });
        let upper_at = at + header_len.max(20);
        (header_len >= 20).then(|| Self {
            src: Ipv4Addr::new(header[12], header[13], header[14], header[15]).into(),
            dst: Ipv4Addr::new(header[16], header[17], header[18], header[19]).into(),
            protocol: header[9],
            ttl: header[8],
            header_len,
            total_len: usize::from(u16::from_be_bytes([header[2], header[3]])),
            dont_fragment: cut & 0x4000 != 0,
            fragment,
            upper: upper(packet, upper_at, header[9], fragment),
            at,
        })
    }

    fn parse_v6(packet: &[u8], at: usize) -> Option<Self> {
        let header: &[u8; 40] = packet.get(at..)?.first_chunk()?;
        let chain = Chain::follow(packet, at + 40, header[6]);
        Some(Self {
            src: address_v6(&header[8..24]),
            dst: address_v6(&header[24..40]),
            protocol: chain.protocol,
            ttl: header[7],
            header_len: chain.end - at,
            total_len: 40 + usize::from(u16::from_be_bytes([header[4], header[5]])),
            dont_fragment: true,
            fragment: chain.fragment,
            upper: upper(packet, chain.end, chain.protocol, chain.fragment),
            at,
        })
    }

    /// Whether it is IPv4.
    #[must_use]
    pub const fn is_v4(&self) -> bool {
        self.src.is_ipv4()
    }

    /// Where in the buffer that which it carries begins.
    #[must_use]
    pub const fn upper_at(&self) -> usize {
        self.at + self.header_len
    }

    /// Source and destination port; none when it has no ports.
    #[must_use]
    pub const fn ports(&self) -> Option<(u16, u16)> {
        match self.upper {
            Upper::Tcp { src, dst, .. } | Upper::Udp { src, dst } => Some((src, dst)),
            Upper::Icmp { .. } | Upper::Other => None,
        }
    }

    /// Whether it is an ICMP message that reports about another packet, which it quotes.
    #[must_use]
    pub const fn is_icmp_error(&self) -> bool {
        match self.upper {
            Upper::Icmp { kind, .. } if self.is_v4() => matches!(kind, 3 | 4 | 5 | 11 | 12),
            Upper::Icmp { kind, .. } => kind < 128,
            Upper::Tcp { .. } | Upper::Udp { .. } | Upper::Other => false,
        }
    }

    /// Puts another address of the same family at one end.
    pub fn set_address(&mut self, packet: &mut [u8], end: End, addr: IpAddr) -> Delta {
        let field = match end {
            End::Source => &mut self.src,
            End::Destination => &mut self.dst,
        };
        if *field == addr || field.is_ipv4() != addr.is_ipv4() {
            return Delta::NONE;
        }
        *field = addr;
        match addr {
            IpAddr::V4(addr) => {
                let at = self.at + if end == End::Source { 12 } else { 16 };
                let change = checksum::replace(packet, at, &addr.octets());
                let header = checksum::mend(packet, self.at + 10, change);
                change + header + self.mend_pseudo_header(packet, change)
            }
            IpAddr::V6(addr) => {
                let at = self.at + if end == End::Source { 8 } else { 24 };
                let change = checksum::replace(packet, at, &addr.octets());
                change + self.mend_pseudo_header(packet, change)
            }
        }
    }

    /// Puts another port at one end; of an ICMP query, which has but one number for both, its identifier.
    pub fn set_port(&mut self, packet: &mut [u8], end: End, port: u16) -> Delta {
        let (offset, field) = match (&mut self.upper, end) {
            (Upper::Tcp { src, .. } | Upper::Udp { src, .. }, End::Source) => (0, src),
            (Upper::Tcp { dst, .. } | Upper::Udp { dst, .. }, End::Destination) => (2, dst),
            (Upper::Icmp { id, .. }, _) => (4, id),
            (Upper::Other, _) => return Delta::NONE,
        };
        if *field == port {
            return Delta::NONE;
        }
        *field = port;
        let change = checksum::replace(packet, self.upper_at() + offset, &port.to_be_bytes());
        change + self.mend_upper(packet, change)
    }

    /// One hop less to live; gives what is left, 0 when nothing was.
    pub fn decrement_ttl(&mut self, packet: &mut [u8]) -> u8 {
        let Some(left) = self.ttl.checked_sub(1) else { return 0 };
        self.set_ttl(packet, left);
        left
    }

    /// Gives the packet another hop limit.
    pub fn set_ttl(&mut self, packet: &mut [u8], ttl: u8) {
        self.ttl = ttl;
        if self.is_v4() {
            let word = [ttl, packet[self.at + 9]];
            let change = checksum::replace(packet, self.at + 8, &word);
            checksum::mend(packet, self.at + 10, change);
        } else {
            packet[self.at + 7] = ttl;
        }
    }

    /// Changes the type of service, or the traffic class.
    pub fn set_service(&self, packet: &mut [u8], service: u8) {
        let at = self.at;
        if self.is_v4() {
            let word = [packet[at], service];
            let change = checksum::replace(packet, at, &word);
            checksum::mend(packet, at + 10, change);
        } else {
            packet[at] = packet[at] & 0xf0 | service >> 4;
            packet[at + 1] = packet[at + 1] & 0x0f | service << 4;
        }
    }

    /// Makes the checksum of this ICMP message right again after bytes inside it changed by `change`.
    pub fn mend_upper(&self, packet: &mut [u8], change: Delta) -> Delta {
        match self.checksum_at(packet) {
            Some(at) if self.protocol == protocol::UDP => checksum::mend_udp(packet, at, change),
            Some(at) => checksum::mend(packet, at, change),
            None => Delta::NONE,
        }
    }

    /// The same after a change of addresses, which ICMP of IPv4 does not cover.
    fn mend_pseudo_header(&self, packet: &mut [u8], change: Delta) -> Delta {
        if self.protocol == protocol::ICMP { Delta::NONE } else { self.mend_upper(packet, change) }
    }

    /// Where its upper checksum stands, when it has one, and it was neither left out nor cut off.
    fn checksum_at(&self, packet: &[u8]) -> Option<usize> {
        let at = self.upper_at()
            + match self.upper {
                Upper::Icmp { .. } => 2,
                Upper::Tcp { .. } => 16,
                Upper::Udp { .. } => 6,
                Upper::Other => return None,
            };
        let field = packet.get(at..at + 2)?;
        (self.protocol != protocol::UDP || field != [0, 0]).then_some(at)
    }
}

/// The extension headers of an IPv6 packet, followed to their end.
struct Chain {
    protocol: u8,
    end: usize,
    fragment: Option<Fragment>,
}

impl Chain {
    fn follow(packet: &[u8], at: usize, first: u8) -> Self {
        let mut chain = Self { protocol: first, end: at, fragment: None };
        while let Some(next) = chain.next(packet) {
            chain = next;
        }
        chain
    }

    fn next(&self, packet: &[u8]) -> Option<Self> {
        let header: &[u8; 8] = packet.get(self.end..)?.first_chunk()?;
        match self.protocol {
            protocol::HOP_BY_HOP | protocol::ROUTING | protocol::DESTINATION => {
                let end = self.end + 8 * (usize::from(header[1]) + 1);
                Some(Self { protocol: header[0], end, fragment: self.fragment })
            }
            protocol::FRAGMENT if self.fragment.is_none_or(|f| f.offset == 0) => {
                let cut = u16::from_be_bytes([header[2], header[3]]);
                let id = u32::from_be_bytes([header[4], header[5], header[6], header[7]]);
                let fragment = Some(Fragment { offset: cut & 0xfff8, more: cut & 1 == 1, id });
                Some(Self { protocol: header[0], end: self.end + 8, fragment })
            }
            _ => None,
        }
    }
}

fn address_v6(bytes: &[u8]) -> IpAddr {
    let octets: [u8; 16] = bytes.try_into().expect("an IPv6 address has 16 bytes");
    Ipv6Addr::from_octets(octets).into()
}

/// What stands at the start of the payload of a packet, when it is there and whole enough.
fn upper(packet: &[u8], at: usize, number: u8, fragment: Option<Fragment>) -> Upper {
    let head: Option<&[u8; 8]> = packet.get(at..).and_then(<[u8]>::first_chunk);
    let Some(head) = head.filter(|_| fragment.is_none_or(|f| f.offset == 0)) else { return Upper::Other };
    let word = |i: usize| u16::from_be_bytes([head[i], head[i + 1]]);
    match number {
        protocol::ICMP | protocol::ICMPV6 => Upper::Icmp { kind: head[0], code: head[1], id: word(4) },
        protocol::TCP => {
            Upper::Tcp { src: word(0), dst: word(2), flags: packet.get(at + 13).copied().unwrap_or_default() }
        }
        protocol::UDP => Upper::Udp { src: word(0), dst: word(2) },
        _ => Upper::Other,
    }
}

#[cfg(test)]
pub(crate) mod sample {
    //! Packets for tests, whole and with right checksums.

    use super::*;

    /// An IP packet of `protocol` from `src` to `dst` that carries `payload`.
    pub(crate) fn ip(src: &str, dst: &str, number: u8, payload: &[u8]) -> Vec<u8> {
        let (src, dst): (IpAddr, IpAddr) = (src.parse().unwrap(), dst.parse().unwrap());
        let len = u16::try_from(payload.len()).unwrap();
        let mut packet = match (src, dst) {
            (IpAddr::V4(src), IpAddr::V4(dst)) => {
                let mut p = vec![0x45, 0, 0, 0, 0, 7, 0x40, 0, 64, number, 0, 0];
                p[2..4].copy_from_slice(&(len + 20).to_be_bytes());
                p.extend(src.octets().iter().chain(&dst.octets()));
                p
            }
            (IpAddr::V6(src), IpAddr::V6(dst)) => {
                let mut p = vec![0x60, 0, 0, 0, 0, 0, number, 64];
                p[4..6].copy_from_slice(&len.to_be_bytes());
                p.extend(src.octets().iter().chain(&dst.octets()));
                p
            }
            _ => panic!("one family"),
        };
        packet.extend(payload);
        checksum::fill(&mut packet);
        packet
    }

    /// A UDP datagram; addresses without ports.
    pub(crate) fn udp(src: &str, sport: u16, dst: &str, dport: u16) -> Vec<u8> {
        let mut payload = [sport.to_be_bytes(), dport.to_be_bytes(), [0, 12], [0, 0]].concat();
        payload.extend(b"data");
        ip(src, dst, protocol::UDP, &payload)
    }

    /// A TCP segment without data.
    pub(crate) fn tcp(src: &str, sport: u16, dst: &str, dport: u16, flags: u8) -> Vec<u8> {
        let mut payload = [sport.to_be_bytes(), dport.to_be_bytes()].concat();
        payload.extend([0, 0, 0, 1, 0, 0, 0, 2, 0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
        ip(src, dst, protocol::TCP, &payload)
    }

    /// An ICMP message with the four bytes after its checksum, and data.
    pub(crate) fn icmp(src: &str, dst: &str, kind: u8, code: u8, rest: [u8; 4], data: &[u8]) -> Vec<u8> {
        let number = if src.contains(':') { protocol::ICMPV6 } else { protocol::ICMP };
        ip(src, dst, number, &[&[kind, code, 0, 0], &rest[..], data].concat())
    }

    /// An echo request (or reply, of either family) with an identifier.
    pub(crate) fn echo(src: &str, dst: &str, kind: u8, id: u16) -> Vec<u8> {
        let [high, low] = id.to_be_bytes();
        icmp(src, dst, kind, 0, [high, low, 0, 1], b"abcdefgh")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_view_tells_addresses_ports_and_lengths() {
        let packet = sample::tcp("10.0.0.1", 4000, "10.0.0.2", 80, tcp_flag::SYN);
        let ip = Ip::parse(&packet).unwrap();
        assert_eq!((ip.src.to_string(), ip.dst.to_string()), ("10.0.0.1".into(), "10.0.0.2".into()));
        assert_eq!((ip.header_len, ip.total_len, ip.ttl, ip.dont_fragment), (20, 40, 64, true));
        assert_eq!(ip.upper, Upper::Tcp { src: 4000, dst: 80, flags: tcp_flag::SYN });
        assert_eq!(Ip::parse(&packet[..39]), None, "it says 40 bytes");
        assert_eq!(Ip::parse(&[]), None);
    }

    #[test]
    fn only_the_first_fragment_shows_ports() {
        let mut packet = sample::udp("10.0.0.1", 1, "10.0.0.2", 2);
        packet[6..8].copy_from_slice(&[0x20, 0]);
        let first = Ip::parse(&packet).unwrap();
        assert_eq!((first.fragment, first.ports()), (Some(Fragment { offset: 0, more: true, id: 7 }), Some((1, 2))));
        packet[6..8].copy_from_slice(&[0, 3]);
        let last = Ip::parse(&packet).unwrap();
        assert_eq!((last.fragment.unwrap().offset, last.upper), (24, Upper::Other));
    }

    #[test]
    fn extension_headers_of_ipv6_are_passed_over() {
        let udp = [0u8, 53, 0, 53, 0, 8, 0, 0];
        let fragment = [protocol::UDP, 0, 0, 1, 0, 0, 0, 9];
        let options = [protocol::FRAGMENT, 0, 1, 4, 0, 0, 0, 0];
        let packet = sample::ip("fd00::1", "fd00::2", protocol::HOP_BY_HOP, &[options, fragment, udp].concat());
        let ip = Ip::parse(&packet).unwrap();
        assert_eq!((ip.protocol, ip.header_len, ip.ports()), (protocol::UDP, 56, Some((53, 53))));
        assert_eq!(ip.fragment, Some(Fragment { offset: 0, more: true, id: 9 }));
    }

    #[test]
    fn an_icmp_error_quotes_the_packet_that_it_is_about() {
        let lost = sample::udp("10.0.0.1", 4000, "10.9.9.9", 53);
        let error = sample::icmp("10.0.0.254", "10.0.0.1", 3, 1, [0; 4], &lost[..28]);
        let inner = Ip::parse(&error).unwrap().quoted(&error).unwrap();
        assert_eq!((inner.dst.to_string(), inner.ports()), ("10.9.9.9".into(), Some((4000, 53))));
        assert_eq!(inner.total_len, 32, "what the header says, though four bytes are cut off");
        assert_eq!(Ip::parse(&lost).unwrap().quoted(&lost), None);
    }

    #[test]
    fn a_udp_checksum_left_out_stays_out() {
        let mut packet = sample::udp("10.0.0.1", 1, "10.0.0.2", 2);
        packet[26..28].fill(0);
        let mut ip = Ip::parse(&packet).unwrap();
        ip.set_port(&mut packet, End::Source, 9);
        assert_eq!(packet[26..28], [0, 0]);
    }

    fn addresses() -> impl Strategy<Value = (String, String)> {
        let v4 = any::<[[u8; 4]; 2]>().prop_map(|a| a.map(|o| Ipv4Addr::from(o).to_string()));
        let v6 = any::<[[u8; 16]; 2]>().prop_map(|a| a.map(|o| Ipv6Addr::from(o).to_string()));
        prop_oneof![v4, v6].prop_map(|[a, b]| (a, b))
    }

    proptest! {
        #[test]
        fn mended_checksums_are_those_of_a_full_computation(
            (src, dst) in addresses(), number in prop_oneof![Just(1u8), Just(6), Just(17), Just(58), Just(132)],
            payload in prop::collection::vec(any::<u8>(), 20..120), port in any::<u16>(), source in any::<bool>(),
        ) {
            let end = if source { End::Source } else { End::Destination };
            let mut packet = sample::ip(&src, &dst, number, &payload);
            let mut ip = Ip::parse(&packet).unwrap();
            let other = if source { ip.dst } else { ip.src };
            ip.set_address(&mut packet, end, other);
            ip.set_port(&mut packet, end, port);
            ip.decrement_ttl(&mut packet);
            prop_assert_eq!(Ip::parse(&packet), Some(ip));
            prop_assert!(checksum::is_right(&packet), "{:02x?}", packet);
        }

        #[test]
        fn no_bytes_make_it_fail(bytes in prop::collection::vec(any::<u8>(), 0..120)) {
            if let Some(mut ip) = Ip::parse(&bytes) {
                let mut copy = bytes.clone();
                ip.set_address(&mut copy, End::Source, ip.dst);
                ip.set_port(&mut copy, End::Destination, 1);
                let _ = ip.quoted(&copy);
                checksum::fill(&mut copy);
            }
        }
    }
}
