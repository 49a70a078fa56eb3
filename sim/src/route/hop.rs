//! The next hops of a route that has several, and which of them a flow takes: by a hash of its addresses, in proportion to
//! their weights, as Linux's `fib_select_multipath`. It knows no device's state: the caller leaves out those that are down.

use core::net::IpAddr;

use super::Realms;
use crate::id::IfIndex;

/// A next hop.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Hop {
    /// The gateway; none on the link itself.
    pub gateway: Option<IpAddr>,
    /// The device that leads there.
    pub device: IfIndex,
    /// Its part of the flows, 1 to 256.
    pub weight: u32,
    /// Whether the gateway is taken to be on the link, though no route says so.
    pub onlink: bool,
    /// Its realms.
    pub realms: Realms,
}

/// What the choice among hops goes by: the addresses, and where that is wanted what is above them.
#[must_use]
pub fn hash(src: Option<IpAddr>, dst: IpAddr, upper: &[u8]) -> u32 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut mix = |bytes: &[u8]| {
        for byte in bytes {
            hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    };
    for addr in src.into_iter().chain([dst]) {
        match addr {
            IpAddr::V4(v4) => mix(&v4.octets()),
            IpAddr::V6(v6) => mix(&v6.octets()),
        }
    }
    mix(upper);
    // The last bytes must reach the upper bits, which decide.
    hash = (hash ^ hash >> 32).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    u32::try_from(hash >> 33).expect("31 bits are left")
}

/// The hop that a flow with this hash takes among those that can be used, each with whether the flow's source is its own
/// address. That counts more than the hash: a connection stays on the way that it began on.
#[must_use]
pub fn choose(usable: &[(Hop, bool)], hash: u32) -> Option<Hop> {
    let all: u64 = usable.iter().map(|(hop, _)| u64::from(hop.weight)).sum();
    let (mut before, mut best) = (0, None);
    for (hop, is_source) in usable {
        before += u64::from(hop.weight);
        let bound = ((before << 31) + all / 2) / all;
        let score = u8::from(*is_source) * 2 + u8::from(u64::from(hash) < bound);
        if best.is_none_or(|(most, _)| score > most) {
            best = Some((score, *hop));
        }
    }
    best.map(|(_, hop)| hop)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hop(device: u32, weight: u32) -> Hop {
        Hop { gateway: None, device: IfIndex(device), weight, onlink: false, realms: Realms::NONE }
    }

    #[test]
    fn flows_are_spread_by_weight() {
        let usable = [(hop(1, 1), false), (hop(2, 3), false)];
        let to = |n: u32| IpAddr::V4(core::net::Ipv4Addr::from(0x0a17_0000 + n));
        let first = (0..4000).filter(|n| choose(&usable, hash(None, to(*n), &[])) == Some(hop(1, 1))).count();
        assert!((900..1100).contains(&first), "{first} of 4000 went the way that has one part of four");
    }

    #[test]
    fn a_source_that_is_a_hops_own_address_counts_more_than_the_hash() {
        let usable = [(hop(1, 1), false), (hop(2, 1), true)];
        assert!((0..2).all(|n| choose(&usable, n << 30) == Some(hop(2, 1))));
        assert_eq!(choose(&usable[..1], u32::MAX >> 1), Some(hop(1, 1)), "what is left takes all");
        assert_eq!(choose(&[], 0), None);
    }
}
