//! One pool: a subnet and which of its addresses are taken. Addresses are numbers here, so that both families are one.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::collections::BTreeSet;

use netyard_sim::addr::IpNetwork;

use super::Realm;
use crate::error::AllocationFailure;

/// Addresses from the first to the last, both included.
#[derive(Clone, Copy, Debug)]
struct Span {
    first: u128,
    last: u128,
}

impl Span {
    fn of(net: IpNetwork) -> Self {
        Self { first: number(net.network()), last: number(net.broadcast()) }
    }

    fn contains(self, addr: u128) -> bool {
        (self.first..=self.last).contains(&addr)
    }
}

/// Whether two prefixes have an address in common; those of two families have none.
#[must_use]
pub fn overlap(one: IpNetwork, other: IpNetwork) -> bool {
    one.contains(other.network()) || other.contains(one.network())
}

/// A subnet and its taken addresses. The network's own address is taken from the start, and in IPv4 the broadcast
/// address too (fact 8).
#[derive(Clone, Debug)]
pub(super) struct Pool {
    subnet: IpNetwork,
    all: Span,
    range: Span,
    taken: BTreeSet<u128>,
    /// The last one that was given out in turn.
    last_in_turn: Option<u128>,
    /// Whose addresses they are.
    realm: Realm,
}

impl Pool {
    pub(super) fn new(subnet: IpNetwork, range: Option<IpNetwork>) -> Self {
        let all = Span::of(subnet);
        let range = range.map_or(all, Span::of);
        let range = Span { first: range.first.max(all.first), last: range.last.min(all.last) };
        let mut taken = BTreeSet::from([all.first]);
        if subnet.is_ipv4() {
            taken.insert(all.last);
        }
        Self { subnet, all, range, taken, last_in_turn: None, realm: Realm::Engine }
    }

    /// The same with addresses of that realm.
    pub(super) fn of(self, realm: Realm) -> Self {
        Self { realm, ..self }
    }

    pub(super) const fn subnet(&self) -> IpNetwork {
        self.subnet
    }

    pub(super) fn overlaps(&self, other: &Self) -> bool {
        self.realm == other.realm && overlap(self.subnet, other.subnet)
    }

    pub(super) fn overlaps_net(&self, net: IpNetwork) -> bool {
        self.overlaps(&Self::new(net, None))
    }

    pub(super) fn contains(&self, addr: IpAddr) -> bool {
        addr.is_ipv4() == self.subnet.is_ipv4() && self.all.contains(number(addr))
    }

    pub(super) fn take(&mut self, addr: IpAddr) -> Result<(), AllocationFailure> {
        if !self.contains(addr) {
            return Err(AllocationFailure::Outside);
        }
        if self.taken.insert(number(addr)) { Ok(()) } else { Err(AllocationFailure::InUse) }
    }

    /// Takes the first address of the range that is free.
    pub(super) fn take_lowest(&mut self) -> Result<IpAddr, AllocationFailure> {
        let free = self.gap(self.range).ok_or(AllocationFailure::Exhausted)?;
        self.taken.insert(free);
        Ok(self.address(free))
    }

    /// Takes the first free address after the one that was taken so last, or else the first.
    pub(super) fn take_next(&mut self) -> Result<IpAddr, AllocationFailure> {
        let Span { first, last } = self.range;
        let after = self.last_in_turn.map_or(first, |taken| taken + 1);
        let free = self.gap(Span { first: after, last }).or_else(|| self.gap(self.range));
        let free = free.ok_or(AllocationFailure::Exhausted)?;
        self.taken.insert(free);
        self.last_in_turn = Some(free);
        Ok(self.address(free))
    }

    /// The first free number: walks over the taken ones until there is a gap.
    fn gap(&self, Span { first, last }: Span) -> Option<u128> {
        if first > last {
            return None;
        }
        let taken = self.taken.range(first..=last).copied();
        let run = taken.zip(first..=last).take_while(|(taken, at)| taken == at).count() as u128;
        (run <= last - first).then_some(first + run)
    }

    pub(super) fn release(&mut self, addr: IpAddr) {
        self.taken.remove(&number(addr));
    }

    fn address(&self, number: u128) -> IpAddr {
        if self.subnet.is_ipv4() {
            IpAddr::V4(Ipv4Addr::from(u32::try_from(number).expect("an IPv4 pool holds IPv4 addresses")))
        } else {
            IpAddr::V6(Ipv6Addr::from(number))
        }
    }
}

fn number(addr: IpAddr) -> u128 {
    match addr {
        IpAddr::V4(a) => u128::from(a.to_bits()),
        IpAddr::V6(a) => a.to_bits(),
    }
}
