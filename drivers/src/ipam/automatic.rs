//! The prefixes for networks that name none, in the order in which they are given out.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use netyard_sim::addr::{IpNetwork, network_of};

/// A prefix that is cut into subnets of one size.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct PoolRange {
    /// The prefix.
    pub base: IpNetwork,
    /// The prefix length of its subnets.
    pub size: u8,
}

impl PoolRange {
    /// A prefix cut into subnets; none when they are larger than the prefix, or no subnets at all.
    #[must_use]
    pub fn new(base: IpNetwork, size: u8) -> Option<Self> {
        let bits = if base.is_ipv4() { 32 } else { 128 };
        (size > 0 && size >= base.prefix() && size <= bits).then(|| Self { base: network_of(base), size })
    }

    /// How many subnets there are, as far as anybody can count.
    fn count(&self) -> u64 {
        1_u64.checked_shl(u32::from(self.size - self.base.prefix())).unwrap_or(u64::MAX)
    }

    /// The subnet of that number.
    fn subnet(&self, number: u64) -> IpNetwork {
        let number = u128::from(number);
        let addr = match self.base.ip() {
            IpAddr::V4(v4) => {
                let offset = u32::try_from(number << (32 - self.size)).expect("the number is below the count");
                IpAddr::V4(Ipv4Addr::from_bits(v4.to_bits() + offset))
            }
            IpAddr::V6(v6) => {
                let offset = number.checked_shl(128 - u32::from(self.size)).unwrap_or_default();
                IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() + offset))
            }
        };
        IpNetwork::new(addr, self.size).expect("the size is a prefix length")
    }
}

/// All prefixes for networks that name none.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct AddressPools {
    given: Vec<PoolRange>,
}

impl AddressPools {
    /// Those that somebody gave; none when they are the usual ones.
    #[must_use]
    pub fn given(&self) -> &[PoolRange] {
        &self.given
    }

    /// One range, cut into subnets of this prefix length.
    ///
    /// # Panics
    /// When the range is shorter than its subnets.
    #[must_use]
    pub fn one(base: IpNetwork, size: u8) -> Self {
        Self { given: vec![PoolRange::new(base, size).expect("the range has room for a subnet")] }
    }

    /// The usual ones: 172.17.0.0/16 to 172.31.0.0/16, then 192.168.0.0/20 to 192.168.240.0/20.
    fn usual() -> [PoolRange; 7] {
        let range = |second, prefix| {
            let base = IpNetwork::new(IpAddr::V4(Ipv4Addr::new(172, second, 0, 0)), prefix).expect("it is a prefix");
            PoolRange { base, size: 16 }
        };
        let home = IpNetwork::new(IpAddr::V4(Ipv4Addr::new(192, 168, 0, 0)), 16).expect("it is a prefix");
        let large = [range(17, 16), range(18, 16), range(19, 16), range(20, 14), range(24, 14), range(28, 14)];
        let [a, b, c, d, e, f] = large;
        [a, b, c, d, e, f, PoolRange { base: home, size: 20 }]
    }

    /// The ranges of a family.
    pub(super) fn of_family(&self, v4: bool) -> Ranges {
        let ranges = if self.given.is_empty() { Self::usual().to_vec() } else { self.given.clone() };
        Ranges(ranges.into_iter().filter(|range| range.base.is_ipv4() == v4).collect())
    }
}

impl Extend<PoolRange> for AddressPools {
    fn extend<T: IntoIterator<Item = PoolRange>>(&mut self, ranges: T) {
        self.given.extend(ranges);
    }
}

/// The ranges of one family, as one list of subnets.
pub(super) struct Ranges(Vec<PoolRange>);

impl Ranges {
    pub(super) fn count(&self) -> u64 {
        self.0.iter().fold(0, |sum, range| sum.saturating_add(range.count()))
    }

    /// The subnet of that number.
    pub(super) fn get(&self, mut number: u64) -> Option<IpNetwork> {
        for range in &self.0 {
            if number < range.count() {
                return Some(range.subnet(number));
            }
            number -= range.count();
        }
        None
    }
}
