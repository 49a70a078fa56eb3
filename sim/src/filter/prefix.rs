//! Addresses with a mask, as `-s` and `-d` take them; the mask may have holes. No name is resolved but localhost.

use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{Family, Usage};

/// Some addresses of one family.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Prefix {
    /// IPv4: the bits, and those of them that count.
    V4(u32, u32),
    /// IPv6: the bits, and those of them that count.
    V6(u128, u128),
}

impl Prefix {
    /// One address.
    #[must_use]
    pub const fn single(addr: IpAddr) -> Self {
        match addr {
            IpAddr::V4(addr) => Self::V4(addr.to_bits(), u32::MAX),
            IpAddr::V6(addr) => Self::V6(addr.to_bits(), u128::MAX),
        }
    }

    /// An address with a prefix length (`10.0.0.0/8`) or a mask (`10.0.0.0/255.0.0.0`), or one on its own.
    ///
    /// # Errors
    /// `Host` or `Mask`.
    pub fn parse(family: Family, text: &str) -> Result<Self, Usage> {
        let (host, mask) = text.split_once('/').map_or((text, None), |(h, m)| (h, Some(m)));
        let bad_host = || Usage::Host(host.to_owned());
        let bad_mask = |mask: &str| Usage::Mask(mask.to_owned());
        match family {
            Family::V4 => {
                let addr = address_v4(host).ok_or_else(bad_host)?;
                let mask = mask.map_or(Some(u32::MAX), mask_v4).ok_or_else(|| bad_mask(mask.unwrap_or_default()))?;
                Ok(Self::V4(addr.to_bits() & mask, mask))
            }
            Family::V6 => {
                let local = (host == "localhost").then_some(Ipv6Addr::LOCALHOST);
                let addr: Ipv6Addr = local.or_else(|| host.parse().ok()).ok_or_else(bad_host)?;
                let mask = mask.map_or(Some(u128::MAX), mask_v6).ok_or_else(|| bad_mask(mask.unwrap_or_default()))?;
                Ok(Self::V6(addr.to_bits() & mask, mask))
            }
        }
    }

    /// Whether an address is one of them.
    #[must_use]
    pub const fn contains(&self, addr: IpAddr) -> bool {
        match (self, addr) {
            (Self::V4(bits, mask), IpAddr::V4(addr)) => addr.to_bits() & *mask == *bits,
            (Self::V6(bits, mask), IpAddr::V6(addr)) => addr.to_bits() & *mask == *bits,
            (Self::V4(..), IpAddr::V6(_)) | (Self::V6(..), IpAddr::V4(_)) => false,
        }
    }

    /// Whether it is every address of the family.
    #[must_use]
    pub const fn is_all(&self) -> bool {
        matches!(self, Self::V4(_, 0) | Self::V6(_, 0))
    }

    /// The address with the bits that count here, and those of `addr` where they do not.
    #[must_use]
    pub fn map(&self, addr: IpAddr) -> IpAddr {
        match (self, addr) {
            (Self::V4(bits, mask), IpAddr::V4(addr)) => Ipv4Addr::from_bits(bits | addr.to_bits() & !mask).into(),
            (Self::V6(bits, mask), IpAddr::V6(addr)) => Ipv6Addr::from_bits(bits | addr.to_bits() & !mask).into(),
            _ => addr,
        }
    }

    /// As `iptables -L` shows it: a host without its length, and by words what has them.
    #[must_use]
    pub fn describe(&self, numeric: bool) -> String {
        let (addr, tail) = self.parts();
        match self {
            _ if !numeric && self.is_all() => "anywhere".to_owned(),
            Self::V4(0x7f00_0001, u32::MAX) if !numeric => "localhost".to_owned(),
            Self::V4(_, u32::MAX) | Self::V6(_, u128::MAX) => addr.to_string(),
            _ => format!("{addr}/{tail}"),
        }
    }

    /// The address, and the prefix length or, where the mask has holes, the mask.
    fn parts(&self) -> (IpAddr, String) {
        match self {
            Self::V4(bits, mask) => {
                let whole = mask.leading_ones() == mask.count_ones();
                let tail = if whole { mask.count_ones().to_string() } else { Ipv4Addr::from_bits(*mask).to_string() };
                (Ipv4Addr::from_bits(*bits).into(), tail)
            }
            Self::V6(bits, mask) => {
                let whole = mask.leading_ones() == mask.count_ones();
                let tail = if whole { mask.count_ones().to_string() } else { Ipv6Addr::from_bits(*mask).to_string() };
                (Ipv6Addr::from_bits(*bits).into(), tail)
            }
        }
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (addr, tail) = self.parts();
        write!(f, "{addr}/{tail}")
    }
}

/// A whole address, or its first numbers: `10` is 10.0.0.0.
fn address_v4(text: &str) -> Option<Ipv4Addr> {
    if text == "localhost" {
        return Some(Ipv4Addr::LOCALHOST);
    }
    let mut octets = [0; 4];
    let mut parts = text.split('.');
    let mut fields = octets.iter_mut();
    for part in parts.by_ref() {
        *fields.next()? = part.parse().ok()?;
    }
    Some(octets.into())
}

fn mask_v4(text: &str) -> Option<u32> {
    let length = || text.parse::<u32>().ok().filter(|n| *n <= 32);
    match text.parse::<Ipv4Addr>() {
        Ok(mask) => Some(mask.to_bits()),
        Err(_) => length().map(|n| u32::MAX.checked_shl(32 - n).unwrap_or(0)),
    }
}

fn mask_v6(text: &str) -> Option<u128> {
    let length = || text.parse::<u32>().ok().filter(|n| *n <= 128);
    match text.parse::<Ipv6Addr>() {
        Ok(mask) => Some(mask.to_bits()),
        Err(_) => length().map(|n| u128::MAX.checked_shl(128 - n).unwrap_or(0)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_print_as_iptables_prints_them() {
        let shown = |text| {
            let prefix = Prefix::parse(Family::V4, text).unwrap();
            [prefix.to_string(), prefix.describe(true), prefix.describe(false)]
        };
        assert_eq!(shown("10.1.2.3/8"), ["10.0.0.0/8"; 3]);
        assert_eq!(shown("10/8"), ["10.0.0.0/8"; 3]);
        assert_eq!(shown("10.1.2.3/255.0.255.0"), ["10.0.2.0/255.0.255.0"; 3]);
        assert_eq!(shown("localhost"), ["127.0.0.1/32", "127.0.0.1", "localhost"]);
        assert_eq!(shown("0/0"), ["0.0.0.0/0", "0.0.0.0/0", "anywhere"]);
        assert_eq!(Prefix::parse(Family::V4, "::1"), Err(Usage::Host("::1".into())));
        assert_eq!(Prefix::parse(Family::V4, "10.0.0.0/33"), Err(Usage::Mask("33".into())));
    }

    #[test]
    fn a_prefix_contains_and_maps() {
        let net = Prefix::parse(Family::V6, "fd00:1::/64").unwrap();
        assert!(net.contains("fd00:1::5".parse().unwrap()));
        assert!(!net.contains("fd00:2::5".parse().unwrap()) && !net.contains("10.0.0.1".parse().unwrap()));
        assert_eq!(net.map("2001:db8::9".parse().unwrap()).to_string(), "fd00:1::9");
    }
}
