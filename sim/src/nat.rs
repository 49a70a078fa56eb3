//! Address translation: what a flow's packets shall look like on the other side, and making them so.
//!
//! [`bind`] decides once per flow and end, by changing the entry's reply tuple: replies come to the translated
//! address. [`translate`] makes a packet of the flow agree with the entry, in either direction, and ICMP errors about
//! it with the packet they quote. It knows no rule; that one applies is told to it.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::conntrack::{Direction, Entry, Nat, Table, Tuple};
use crate::packet::{End, Ip};
use crate::time::Instant;

/// What one end of a flow may be translated to.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Range {
    /// The first and last address; as it is when none.
    pub addresses: Option<(IpAddr, IpAddr)>,
    /// The first and last port (of ICMP: identifier); as it is when none, if no other flow has it.
    pub ports: Option<(u16, u16)>,
}

impl Range {
    /// One address, whatever port.
    #[must_use]
    pub const fn address(addr: IpAddr) -> Self {
        Self { addresses: Some((addr, addr)), ports: None }
    }
}

/// No port of the range is free; the packet is dropped.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Exhausted;

/// Decides what `end` of a flow's first packet becomes.
///
/// An address range is spread by the other end's address, so that one client meets one server. The port is kept when
/// the range allows it and no other flow would be confused; else it is the next free one upward, where Linux draws
/// one, within the ports Linux would: below 512, 512 to 1023, or the rest.
///
/// # Errors
/// [`Exhausted`] when no port is free.
pub fn bind(table: &Table, now: Instant, entry: &mut Entry, end: End, range: Range) -> Result<(), Exhausted> {
    let current = entry.reply.inverse();
    let mut wanted = current;
    if let Some((first, last)) = range.addresses {
        wanted.set_address(end, spread(first, last, current.address(end.other())));
    }
    let free = |tuple: &Tuple| !table.is_taken(now, &tuple.inverse());
    let (keeps_port, single) = match range.ports {
        Some((first, last)) => ((first..=last).contains(&current.port(end)), first == last),
        None => (true, false),
    };
    if let Some((first, _)) = range.ports.filter(|_| single) {
        wanted.set_port(end, first);
    } else if !(keeps_port && free(&wanted)) {
        wanted = next_free(wanted, end, range.ports, free).ok_or(Exhausted)?;
    }
    entry.reply = wanted.inverse();
    entry.set_nat(end, if wanted == current { Nat::Kept } else { Nat::Translated });
    Ok(())
}

/// The first of the allowed ports, counted upward from the present one, that makes a tuple free.
fn next_free(tuple: Tuple, end: End, ports: Option<(u16, u16)>, free: impl Fn(&Tuple) -> bool) -> Option<Tuple> {
    let port = tuple.port(end);
    let (first, last) = match ports {
        Some(ports) => ports,
        // Linux changes no destination port that nobody asked it to: the flow is then refused where it is confirmed.
        None if end == End::Destination => return Some(tuple),
        None if tuple.is_icmp() => (0, u16::MAX),
        None => match port {
            0..512 => (1, 511),
            512..1024 => (600, 1023),
            _ => (1024, u16::MAX),
        },
    };
    let start = if (first..last).contains(&port) { port + 1 } else { first };
    let mut tuple = tuple;
    (start..=last).chain(first..start).find_map(|port| {
        tuple.set_port(end, port);
        free(&tuple).then_some(tuple)
    })
}

/// The address of a range that falls to a peer.
fn spread(first: IpAddr, last: IpAddr, peer: IpAddr) -> IpAddr {
    match (first, last, peer) {
        (IpAddr::V4(first), IpAddr::V4(last), IpAddr::V4(peer)) if first < last => {
            let count = (last.to_bits() - first.to_bits()).saturating_add(1);
            Ipv4Addr::from_bits(first.to_bits() + peer.to_bits() % count).into()
        }
        (IpAddr::V6(first), IpAddr::V6(last), IpAddr::V6(peer)) if first < last => {
            let count = (last.to_bits() - first.to_bits()).saturating_add(1);
            Ipv6Addr::from_bits(first.to_bits() + peer.to_bits() % count).into()
        }
        _ => first,
    }
}

/// Makes `end` of a packet of this flow what the entry says it is on the other side; a second time it changes nothing.
pub fn translate(packet: &mut [u8], ip: &mut Ip, entry: &Entry, direction: Direction, end: End) {
    address(packet, ip, entry.tuple(direction.other()), end);
}

/// Makes `end` of a packet what it is where answers have the tuple `back`.
pub fn address(packet: &mut [u8], ip: &mut Ip, back: &Tuple, end: End) {
    let there = back.inverse();
    ip.set_address(packet, end, there.address(end));
    ip.set_port(packet, end, there.port(end));
}

/// Makes an ICMP error about a packet of this flow agree with what the one who is told of it knows: the packet it
/// quotes went the other way.
pub fn translate_error(packet: &mut [u8], ip: &mut Ip, entry: &Entry, direction: Direction, end: End) {
    address_error(packet, ip, entry.tuple(direction.other()), end);
}

/// The same for an ICMP error, and the packet that it quotes.
pub fn address_error(packet: &mut [u8], ip: &mut Ip, back: &Tuple, end: End) {
    if let Some(mut inner) = ip.quoted(packet) {
        let quoted_end = end.other();
        let address = inner.set_address(packet, quoted_end, back.address(quoted_end));
        let port = inner.set_port(packet, quoted_end, back.port(quoted_end));
        ip.mend_upper(packet, address + port);
    }
    ip.set_address(packet, end, back.inverse().address(end));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::conntrack::Tracked;
    use crate::packet::{checksum, sample};

    const NOW: Instant = Instant::ZERO;
    const PUBLIC: &str = "192.0.2.10";

    /// A datagram of a new flow, its source bound to the public address.
    fn masqueraded(table: &mut Table, src: &str, sport: u16, range: Range) -> Result<Tuple, Exhausted> {
        let packet = sample::udp(src, sport, "198.51.100.1", 53);
        let Tracked::Fresh(mut entry) = table.track(NOW, &packet, &Ip::parse(&packet).unwrap()) else { panic!() };
        bind(table, NOW, &mut entry, End::Source, range)?;
        let out = entry.reply.inverse();
        table.confirm(NOW, entry).unwrap();
        Ok(out)
    }

    #[test]
    fn a_port_is_kept_until_another_flow_has_it() {
        let mut table = Table::default();
        let public = Range::address(PUBLIC.parse().unwrap());
        let mut ports = |src: &str, port| masqueraded(&mut table, src, port, public).unwrap().src_port;
        assert_eq!(ports("172.17.0.2", 4000), 4000);
        assert_eq!(ports("172.17.0.3", 4000), 4001);
        assert_eq!(ports("172.17.0.4", 4000), 4002);
        assert_eq!((ports("172.17.0.2", 53), ports("172.17.0.3", 53)), (53, 54), "low ports stay low");
        assert_eq!((ports("172.17.0.2", 65535), ports("172.17.0.3", 65535)), (65535, 1024));
        assert_eq!((ports("172.17.0.2", 520), ports("172.17.0.3", 520)), (520, 600));
    }

    #[test]
    fn a_range_without_a_free_port_is_exhausted() {
        let mut table = Table::default();
        let range = Range { ports: Some((5000, 5001)), ..Range::address(PUBLIC.parse().unwrap()) };
        assert_eq!(masqueraded(&mut table, "172.17.0.2", 4000, range).unwrap().src_port, 5000);
        assert_eq!(masqueraded(&mut table, "172.17.0.3", 5000, range).unwrap().src_port, 5001);
        assert_eq!(masqueraded(&mut table, "172.17.0.4", 4000, range), Err(Exhausted));
    }

    #[test]
    fn an_address_range_is_spread_by_the_peer() {
        let [first, last] = ["10.0.0.1", "10.0.0.4"].map(|a| a.parse().unwrap());
        let picked: Vec<String> =
            (0..5).map(|i| spread(first, last, Ipv4Addr::new(10, 9, 9, i).into()).to_string()).collect();
        assert_eq!(picked, ["10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.1"]);
    }

    /// What a flow's first packet becomes on its way out, and its answer on its way in.
    fn there_and_back(sent: &[u8], answer: impl Fn(&Ip) -> Vec<u8>, public: &str) -> (Vec<u8>, Vec<u8>) {
        let table = Table::default();
        let mut out = sent.to_vec();
        let mut ip = Ip::parse(&out).unwrap();
        let Tracked::Fresh(mut entry) = Table::default().track(NOW, &out, &ip) else { panic!("a first packet") };
        bind(&table, NOW, &mut entry, End::Source, Range::address(public.parse().unwrap())).unwrap();
        translate(&mut out, &mut ip, &entry, Direction::Original, End::Source);
        let mut back = answer(&ip);
        let mut ip = Ip::parse(&back).unwrap();
        translate(&mut back, &mut ip, &entry, Direction::Reply, End::Destination);
        (out, back)
    }

    proptest! {
        #[test]
        fn replies_are_undone_exactly(host in 1..u16::MAX, sport in 1..u16::MAX, dport in 1..u16::MAX) {
            let [high, low] = host.to_be_bytes();
            for (src, dst, public) in [
                (format!("172.17.{high}.{low}"), "198.51.100.1", PUBLIC),
                (format!("fd00::{host:x}"), "2001:db8::1", "2001:db8::10"),
            ] {
                let sent = sample::udp(&src, sport, dst, dport);
                let (out, back) = there_and_back(&sent, |ip| {
                    let (sport, dport) = ip.ports().expect("it is UDP");
                    sample::udp(dst, dport, public, sport)
                }, public);
                prop_assert_eq!(&out, &sample::udp(public, sport, dst, dport));
                prop_assert_eq!(&back, &sample::udp(dst, dport, &src, sport));
            }
        }

        #[test]
        fn checksums_stay_right_whatever_the_addresses_are(src: [u8; 4], public: [u8; 4], ident: u16) {
            let [src, public] = [src, public].map(|a| Ipv4Addr::from(a).to_string());
            let sent = sample::echo(&src, "198.51.100.1", 8, ident);
            let (out, back) =
                there_and_back(&sent, |_| sample::echo("198.51.100.1", &public, 0, ident), &public);
            prop_assert!(checksum::is_right(&out) && checksum::is_right(&back));
            prop_assert_eq!(back, sample::echo("198.51.100.1", &src, 0, ident));
        }
    }
}
