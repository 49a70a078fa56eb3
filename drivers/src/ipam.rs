//! IP address management of one engine: which prefixes its networks have and which addresses of them are taken.
//!
//! How it works: a pool is a subnet, perhaps with a range in it from which addresses are given out. The lowest free
//! address goes first, and a released one is free at once (oracle fact 1). Networks without a subnet get the next free
//! one of the automatic pools, round robin (fact 5). Who has an address is not known here.

mod automatic;
mod pool;

use core::net::IpAddr;
use std::collections::BTreeMap;

use netyard_sim::addr::{Family, IpNetwork};

use crate::error::{AllocationFailure, Error};
use automatic::Ranges;
use pool::Pool;

pub use automatic::{AddressPools, PoolRange};
pub use pool::overlap;

/// How many automatic pools are looked at before there is none: more than a /8 has /24s.
const SEARCH_MAX: u64 = 1 << 17;

/// A pool, by number.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct PoolId(u32);

/// A subnet that somebody asked for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct PoolRequest {
    /// The subnet; host bits may be set and mean nothing (fact 11).
    pub subnet: IpNetwork,
    /// The part of it from which addresses are given out.
    pub range: Option<IpNetwork>,
}

/// Whose addresses a pool's are. The two may be the same: a cluster's networks touch no route of a host.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Realm {
    /// Those of the engine's own networks.
    #[default]
    Engine,
    /// Those of networks across hosts.
    Cluster,
}

/// All pools of an engine.
#[derive(Clone, Debug, Default)]
pub struct AddressSpace {
    pools: BTreeMap<PoolId, Pool>,
    next: u32,
    automatic: AddressPools,
    /// Where the search among the automatic pools goes on.
    cursor: u64,
}

impl AddressSpace {
    /// An empty space with these automatic pools.
    #[must_use]
    pub fn new(automatic: AddressPools) -> Self {
        Self { automatic, ..Self::default() }
    }

    /// The same pools and other automatic ones, as after a restart: the search begins anew.
    pub fn set_automatic(&mut self, automatic: AddressPools) {
        self.automatic = automatic;
        self.cursor = 0;
    }

    /// Where the search among the automatic pools goes on.
    #[must_use]
    pub const fn cursor(&self) -> u64 {
        self.cursor
    }

    /// Lets it go on from there.
    pub const fn set_cursor(&mut self, cursor: u64) {
        self.cursor = cursor;
    }

    /// Takes a subnet.
    ///
    /// # Errors
    /// `PoolOverlaps` when it shares addresses with another pool.
    pub fn request_pool(&mut self, realm: Realm, asked: PoolRequest) -> Result<PoolId, Error> {
        let pool = Pool::new(asked.subnet, asked.range).of(realm);
        if self.pools.values().any(|other| other.overlaps(&pool)) {
            return Err(Error::PoolOverlaps);
        }
        Ok(self.keep(pool))
    }

    /// Takes the next automatic pool that overlaps neither another pool nor one of `in_use`, the host's routes.
    ///
    /// # Errors
    /// `AutomaticPoolsExhausted`; for IPv6 always, unless it was given some.
    pub fn request_automatic(&mut self, family: Family, in_use: &[IpNetwork]) -> Result<PoolId, Error> {
        let ranges = self.automatic.of_family(family == Family::V4);
        let (at, net) = self.search(&ranges, self.cursor, in_use).ok_or(Error::AutomaticPoolsExhausted(family))?;
        self.cursor = at + 1;
        Ok(self.keep(Pool::new(net, None)))
    }

    /// The first automatic pool of IPv4 that is free, without taking it: where docker0 goes on a fresh host.
    #[must_use]
    pub fn elect(&self, in_use: &[IpNetwork]) -> Option<IpNetwork> {
        self.search(&self.automatic.of_family(true), 0, in_use).map(|(_, net)| net)
    }

    /// The first free subnet from that number on, and round.
    fn search(&self, ranges: &Ranges, from: u64, in_use: &[IpNetwork]) -> Option<(u64, IpNetwork)> {
        let free = |net: &IpNetwork| {
            let pool = Pool::new(*net, None);
            !self.pools.values().any(|other| other.overlaps(&pool)) && !in_use.iter().any(|net| pool.overlaps_net(*net))
        };
        let count = ranges.count();
        let numbers = (0..count.min(SEARCH_MAX)).map(|step| (from % count + step) % count);
        numbers.filter_map(|at| Some((at, ranges.get(at)?))).find(|(_, net)| free(net))
    }

    fn keep(&mut self, pool: Pool) -> PoolId {
        let id = self.number();
        self.pools.insert(id, pool);
        id
    }

    /// The number of a pool whose addresses somebody else gives out.
    pub const fn number(&mut self) -> PoolId {
        let id = PoolId(self.next);
        self.next += 1;
        id
    }

    /// Gives a pool back, with all its addresses.
    pub fn release_pool(&mut self, id: PoolId) {
        self.pools.remove(&id);
    }

    /// The subnet of a pool, as it was asked for.
    ///
    /// # Panics
    /// When the pool was released.
    #[must_use]
    pub fn subnet(&self, id: PoolId) -> IpNetwork {
        self.pools.get(&id).expect("a network's pools live as long as it").subnet()
    }

    /// Takes `wanted`, or the lowest free address of the pool's range.
    ///
    /// # Errors
    /// `Outside` when `wanted` is not in the subnet, `InUse` when it is taken or reserved, `Exhausted`.
    ///
    /// # Panics
    /// When the pool was released.
    pub fn request_address(&mut self, id: PoolId, wanted: Option<IpAddr>) -> Result<IpAddr, AllocationFailure> {
        let pool = self.pools.get_mut(&id).expect("a network's pools live as long as it");
        match wanted {
            Some(addr) => pool.take(addr).map(|()| addr),
            None => pool.take_lowest(),
        }
    }

    /// Takes the first free address after the one that was taken so last, and round.
    ///
    /// # Errors
    /// `Exhausted`.
    ///
    /// # Panics
    /// When the pool was released.
    pub fn request_next_address(&mut self, id: PoolId) -> Result<IpAddr, AllocationFailure> {
        self.pools.get_mut(&id).expect("a network's pools live as long as it").take_next()
    }

    /// Gives an address back.
    pub fn release_address(&mut self, id: PoolId, addr: IpAddr) {
        if let Some(pool) = self.pools.get_mut(&id) {
            pool.release(addr);
        }
    }

    /// Whether an address belongs to a pool's subnet.
    #[must_use]
    pub fn contains(&self, id: PoolId, addr: IpAddr) -> bool {
        self.pools.get(&id).is_some_and(|pool| pool.contains(addr))
    }
}

/// A prefix, read as strictly as Go's `net.ParseCIDR`: an address, a slash, and a number of bits.
#[must_use]
pub fn parse_prefix(text: &str) -> Option<IpNetwork> {
    let (addr, bits) = text.split_once('/')?;
    if !bits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    IpNetwork::new(addr.parse().ok()?, bits.parse().ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn request(subnet: &str, range: Option<&str>) -> PoolRequest {
        PoolRequest { subnet: parse_prefix(subnet).unwrap(), range: range.map(|r| parse_prefix(r).unwrap()) }
    }

    fn pool(space: &mut AddressSpace, subnet: &str) -> PoolId {
        space.request_pool(Realm::Engine, request(subnet, None)).unwrap()
    }

    #[test]
    fn the_lowest_free_address_goes_first_and_a_released_one_at_once() {
        let mut space = AddressSpace::default();
        let id = pool(&mut space, "172.25.0.0/16");
        let mut next = || space.request_address(id, None).unwrap().to_string();
        assert_eq!([next(), next(), next()], ["172.25.0.1", "172.25.0.2", "172.25.0.3"]);
        space.release_address(id, ip("172.25.0.2"));
        assert_eq!(space.request_address(id, None), Ok(ip("172.25.0.2")));
        assert_eq!(space.request_address(id, None), Ok(ip("172.25.0.4")));
    }

    #[test]
    fn a_static_address_must_be_free_and_inside() {
        let mut space = AddressSpace::default();
        let id = pool(&mut space, "172.25.0.0/16");
        let mut take = |text: &str| space.request_address(id, Some(ip(text)));
        assert_eq!(take("172.25.3.3"), Ok(ip("172.25.3.3")));
        assert_eq!(take("172.25.3.3"), Err(AllocationFailure::InUse));
        assert_eq!(take("172.25.0.0"), Err(AllocationFailure::InUse), "the network's own address");
        assert_eq!(take("172.25.255.255"), Err(AllocationFailure::InUse), "the broadcast address");
        assert_eq!(take("172.27.0.5"), Err(AllocationFailure::Outside));
        assert_eq!(take("2001:db8::1"), Err(AllocationFailure::Outside));
    }

    #[test]
    fn a_range_gives_out_its_own_addresses_but_others_can_be_asked_for() {
        let mut space = AddressSpace::default();
        let id = space.request_pool(Realm::Engine, request("172.28.0.0/16", Some("172.28.5.0/29"))).unwrap();
        let given: Vec<String> = (0..8).map(|_| space.request_address(id, None).unwrap().to_string()).collect();
        assert_eq!((given[0].as_str(), given[7].as_str()), ("172.28.5.0", "172.28.5.7"), "even .0 (fact 8)");
        assert_eq!(space.request_address(id, None), Err(AllocationFailure::Exhausted));
        assert_eq!(space.request_address(id, Some(ip("172.28.9.9"))), Ok(ip("172.28.9.9")));
    }

    #[test]
    fn small_subnets_have_no_room() {
        let mut space = AddressSpace::default();
        let id = pool(&mut space, "10.9.9.0/30");
        assert_eq!(space.request_address(id, None), Ok(ip("10.9.9.1")));
        assert_eq!(space.request_address(id, None), Ok(ip("10.9.9.2")));
        assert_eq!(space.request_address(id, None), Err(AllocationFailure::Exhausted));
        for subnet in ["10.9.8.0/31", "10.9.7.1/32"] {
            let id = pool(&mut space, subnet);
            assert_eq!(space.request_address(id, None), Err(AllocationFailure::Exhausted), "{subnet}");
        }
    }

    #[test]
    fn automatic_pools_go_round_and_end() {
        let mut space = AddressSpace::default();
        pool(&mut space, "172.17.0.0/16");
        let next = |space: &mut AddressSpace| {
            let id = space.request_automatic(Family::V4, &[])?;
            Ok::<_, Error>((id, space.subnet(id).to_string()))
        };
        let (first, subnet) = next(&mut space).unwrap();
        assert_eq!(subnet, "172.18.0.0/16");
        space.release_pool(first);
        assert_eq!(next(&mut space).unwrap().1, "172.19.0.0/16", "the cursor moves on");
        let rest: Vec<String> = core::iter::from_fn(|| next(&mut space).ok().map(|(_, subnet)| subnet)).collect();
        assert_eq!(rest.len(), 29);
        assert_eq!(rest[12], "192.168.0.0/20");
        assert_eq!(rest[28], "172.18.0.0/16", "last of all the one that was given back");
        assert_eq!(next(&mut space).unwrap_err(), Error::AutomaticPoolsExhausted(Family::V4));
    }

    #[test]
    fn a_route_of_the_host_is_avoided_by_automatic_pools_only() {
        let mut space = AddressSpace::default();
        let routes = [parse_prefix("172.17.0.0/16").unwrap(), parse_prefix("172.18.4.0/24").unwrap()];
        let id = space.request_automatic(Family::V4, &routes).unwrap();
        assert_eq!(space.subnet(id).to_string(), "172.19.0.0/16");
        assert!(space.request_pool(Realm::Engine, request("172.18.4.0/24", None)).is_ok());
        for overlapping in ["172.18.0.0/16", "172.18.4.128/25", "0.0.0.0/0"] {
            assert_eq!(
                space.request_pool(Realm::Engine, request(overlapping, None)),
                Err(Error::PoolOverlaps),
                "{overlapping}"
            );
        }
    }

    #[test]
    fn ipv6_pools_begin_at_one_and_have_no_broadcast() {
        let mut space = AddressSpace::default();
        let id = pool(&mut space, "2001:db8:1::/64");
        assert_eq!(space.request_address(id, None), Ok(ip("2001:db8:1::1")));
        assert_eq!(space.request_address(id, Some(ip("2001:db8:1::22"))), Ok(ip("2001:db8:1::22")));
        assert_eq!(space.request_automatic(Family::V6, &[]).unwrap_err(), Error::AutomaticPoolsExhausted(Family::V6));
    }

    #[test]
    fn prefixes_are_read_as_go_reads_them() {
        for bad in
            ["172.26.0.0./24", "172.26.0.0", "172.26.0/24", "banana", "10.0.0.0/+8", "010.1.0.0/24", "1.2.3.4/33"]
        {
            assert_eq!(parse_prefix(bad), None, "{bad}");
        }
        assert_eq!(parse_prefix("10.9.9.77/24").unwrap().to_string(), "10.9.9.77/24", "host bits are kept");
    }
}
