//! The order in which `getaddrinfo(3)` gives addresses: RFC 6724 as glibc has it, with glibc's tables. It looks at
//! addresses only; which source belongs to a destination is the caller's to say.

use core::cmp::Reverse;
use core::net::{IpAddr, Ipv6Addr};

/// Where a packet to a destination would come from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Source {
    /// The address.
    pub addr: IpAddr,
    /// The prefix length that glibc believes it has. It reads the kernel's list only when an IPv6 address other than
    /// `::1` is on it, and takes 32 else: then only an own address is nearer than others (oracle fact 47).
    pub prefix: u8,
}

/// Sorts addresses by preference; equals stay in the order of the answer.
pub fn sort(addresses: &mut [IpAddr], source_of: impl Fn(IpAddr) -> Option<Source>) {
    addresses.sort_by_cached_key(|dst| {
        let source = source_of(*dst);
        let matching = |of: fn(IpAddr) -> u8| source.is_some_and(|s| of(s.addr) == of(*dst));
        (
            source.is_none(),
            !matching(scope),
            !matching(label),
            Reverse(precedence(*dst)),
            scope(*dst),
            Reverse(source.map_or(0, |s| common_prefix(*dst, s))),
        )
    });
}

/// The leading bits that a destination shares with its source; for IPv4 only inside the source's own subnet.
fn common_prefix(dst: IpAddr, source: Source) -> u32 {
    match (dst, source.addr) {
        (IpAddr::V4(dst), IpAddr::V4(src)) => {
            let common = (dst.to_bits() ^ src.to_bits()).leading_zeros();
            if common >= u32::from(source.prefix) { common } else { 0 }
        }
        (IpAddr::V6(dst), IpAddr::V6(src)) => (dst.to_bits() ^ src.to_bits()).leading_zeros(),
        _ => 0,
    }
}

/// How far an address reaches, in the numbers of multicast scopes (RFC 6724 §3.1).
fn scope(addr: IpAddr) -> u8 {
    match addr {
        IpAddr::V4(v4) if v4.is_loopback() || v4.is_link_local() => 2,
        IpAddr::V4(_) => 14,
        IpAddr::V6(v6) if v6.is_multicast() => v6.octets()[1] & 15,
        IpAddr::V6(v6) if v6.is_loopback() || v6.is_unicast_link_local() => 2,
        IpAddr::V6(v6) if v6.segments()[0] & 0xffc0 == 0xfec0 => 5,
        IpAddr::V6(_) => 14,
    }
}

fn label(addr: IpAddr) -> u8 {
    let v6 = mapped(addr);
    let first = v6.segments()[0];
    match first {
        _ if v6 == Ipv6Addr::LOCALHOST => 0,
        _ if v6.to_ipv4_mapped().is_some() => 4,
        _ if is_compatible(v6) => 3,
        0x2002 => 2,
        0x2001 if v6.segments()[1] == 0 => 7,
        _ if first & 0xfe00 == 0xfc00 => 6,
        _ if first & 0xffc0 == 0xfec0 => 5,
        _ => 1,
    }
}

fn precedence(addr: IpAddr) -> u8 {
    let v6 = mapped(addr);
    match v6.segments()[0] {
        _ if v6 == Ipv6Addr::LOCALHOST => 50,
        _ if v6.to_ipv4_mapped().is_some() => 10,
        _ if is_compatible(v6) => 20,
        0x2002 => 30,
        _ => 40,
    }
}

const fn mapped(addr: IpAddr) -> Ipv6Addr {
    match addr {
        IpAddr::V4(v4) => v4.to_ipv6_mapped(),
        IpAddr::V6(v6) => v6,
    }
}

/// Whether an address is in `::/96`, which once held IPv4 addresses.
fn is_compatible(addr: Ipv6Addr) -> bool {
    addr.to_bits() >> 32 == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted(addresses: &[&str], source_of: impl Fn(IpAddr) -> Option<Source>) -> Vec<String> {
        let mut addresses: Vec<IpAddr> = addresses.iter().map(|a| a.parse().unwrap()).collect();
        sort(&mut addresses, source_of);
        addresses.iter().map(ToString::to_string).collect()
    }

    fn source(addr: &str, prefix: u8) -> Option<Source> {
        Some(Source { addr: addr.parse().unwrap(), prefix })
    }

    #[test]
    fn without_ipv6_only_the_own_address_goes_first() {
        let order = sorted(&["172.25.0.7", "172.25.0.5", "172.25.0.6"], |_| source("172.25.0.6", 32));
        assert_eq!(order, ["172.25.0.6", "172.25.0.7", "172.25.0.5"]);
    }

    #[test]
    fn with_ipv6_the_nearest_of_the_subnet_goes_first() {
        let order = sorted(&["10.99.0.254", "10.99.0.77", "10.98.0.1", "10.99.0.2"], |_| source("10.99.0.1", 24));
        assert_eq!(order, ["10.99.0.2", "10.99.0.77", "10.99.0.254", "10.98.0.1"]);
    }

    #[test]
    fn ipv6_is_preferred_where_it_can_be_reached() {
        let both = |dst: IpAddr| source(if dst.is_ipv4() { "10.0.0.1" } else { "2001:db8::1" }, 24);
        assert_eq!(sorted(&["10.98.0.3", "2001:db8::3"], both), ["2001:db8::3", "10.98.0.3"]);
        let four = |dst: IpAddr| if dst.is_ipv4() { source("127.0.0.1", 32) } else { None };
        assert_eq!(sorted(&["::1", "127.0.0.1"], four), ["127.0.0.1", "::1"]);
    }

    #[test]
    fn scopes_and_labels_should_match_those_of_the_source() {
        let local = |_| source("fe80::2", 64);
        assert_eq!(sorted(&["2001:db8::3", "fe80::1"], local), ["fe80::1", "2001:db8::3"]);
        let unique = |_| source("fd00::1", 64);
        assert_eq!(sorted(&["2001:db8::3", "fd00::9"], unique), ["fd00::9", "2001:db8::3"]);
    }
}
