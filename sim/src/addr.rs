//! Addresses: families, MAC addresses, and what prefixes need beyond ipnetwork. Every address is v4 or v6; nothing here
//! resolves names or picks addresses.

use core::fmt;
use core::hash::{Hash, Hasher};
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use core::str::FromStr;

pub use ipnetwork::{IpNetwork, Ipv4Network, Ipv6Network};

/// A family of addresses.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

impl Family {
    /// The family of an address.
    #[must_use]
    pub const fn of(addr: IpAddr) -> Self {
        match addr {
            IpAddr::V4(_) => Self::V4,
            IpAddr::V6(_) => Self::V6,
        }
    }
}

/// The place of an address's family where there is one for each.
#[inline]
#[must_use]
pub const fn family(addr: IpAddr) -> usize {
    Family::of(addr) as usize
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V4 => "IPv4",
            Self::V6 => "IPv6",
        })
    }
}

/// An Ethernet address.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub struct Mac(pub [u8; 6]);

/// Hashed as one number: six single bytes would cost the bridge 15 ns a look-up.
impl Hash for Mac {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.as_u64());
    }
}

impl Mac {
    /// ff:ff:ff:ff:ff:ff.
    pub const BROADCAST: Self = Self([0xff; 6]);
    /// 00:00:00:00:00:00, what a loopback device has.
    pub const ZERO: Self = Self([0; 6]);

    /// The address Docker gives to the endpoint with this IPv4 address: 02:42 and its four bytes (oracle fact 4).
    #[must_use]
    pub const fn from_ipv4(addr: Ipv4Addr) -> Self {
        let [a, b, c, d] = addr.octets();
        Self([0x02, 0x42, a, b, c, d])
    }

    /// Whether the group bit is set (broadcast included).
    #[must_use]
    pub const fn is_multicast(self) -> bool {
        self.0[0] & 1 == 1
    }

    /// Whether a device can have it: one station's, and not zero (`is_valid_ether_addr`).
    #[must_use]
    pub fn is_assignable(self) -> bool {
        !self.is_multicast() && self != Self::ZERO
    }

    /// Whether this is ff:ff:ff:ff:ff:ff.
    #[must_use]
    pub fn is_broadcast(self) -> bool {
        self == Self::BROADCAST
    }

    /// The Ethernet group of an IP multicast address (RFC 1112 §6.4, RFC 2464 §7).
    #[must_use]
    pub const fn from_multicast(group: IpAddr) -> Self {
        match group {
            IpAddr::V4(g) => {
                let [_, b, c, d] = g.octets();
                Self([0x01, 0x00, 0x5e, b & 0x7f, c, d])
            }
            IpAddr::V6(g) => {
                let o = g.octets();
                Self([0x33, 0x33, o[12], o[13], o[14], o[15]])
            }
        }
    }

    /// The link-local IPv6 address of a device with this address: fe80:: and the modified EUI-64 (RFC 4291 §2.5.1).
    #[must_use]
    pub const fn link_local(self) -> Ipv6Addr {
        let m = self.0;
        Ipv6Addr::from_octets([0xfe, 0x80, 0, 0, 0, 0, 0, 0, m[0] ^ 2, m[1], m[2], 0xff, 0xfe, m[3], m[4], m[5]])
    }

    /// The address whose number this is; the upper sixteen bits do not count.
    #[must_use]
    pub const fn from_u64(number: u64) -> Self {
        let [_, _, a, b, c, d, e, f] = number.to_be_bytes();
        Self([a, b, c, d, e, f])
    }

    /// The address as a number, for tables.
    #[inline]
    #[must_use]
    pub const fn as_u64(self) -> u64 {
        let m = self.0;
        u64::from_be_bytes([0, 0, m[0], m[1], m[2], m[3], m[4], m[5]])
    }
}

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

/// The text was not six hexadecimal bytes between colons.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct MacError;

impl FromStr for Mac {
    type Err = MacError;
    fn from_str(text: &str) -> Result<Self, MacError> {
        let mut mac = [0; 6];
        let mut parts = text.split(':');
        for byte in &mut mac {
            let part = parts.next().filter(|p| (1..=2).contains(&p.len())).ok_or(MacError)?;
            *byte = u8::from_str_radix(part, 16).map_err(|_| MacError)?;
        }
        if parts.next().is_some() { Err(MacError) } else { Ok(Self(mac)) }
    }
}

/// The solicited-node multicast group of `addr` (RFC 4291 §2.7.1).
#[must_use]
pub const fn solicited_node(addr: Ipv6Addr) -> Ipv6Addr {
    let o = addr.octets();
    Ipv6Addr::from_octets([0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, o[13], o[14], o[15]])
}

/// The directed broadcast address of an IPv4 prefix; none for /31, /32 and IPv6.
#[must_use]
pub fn broadcast(net: IpNetwork) -> Option<Ipv4Addr> {
    match net {
        IpNetwork::V4(n) if n.prefix() < 31 => Some(n.broadcast()),
        IpNetwork::V4(_) | IpNetwork::V6(_) => None,
    }
}

/// The address, if it is one of IPv4.
#[must_use]
pub const fn v4(address: IpAddr) -> Option<Ipv4Addr> {
    match address {
        IpAddr::V4(v4) => Some(v4),
        IpAddr::V6(_) => None,
    }
}

/// The prefix with its host bits cleared, as a route to it is written.
#[must_use]
pub fn network_of(net: IpNetwork) -> IpNetwork {
    IpNetwork::new(net.network(), net.prefix()).expect("the prefix length is the network's own")
}

/// The unspecified address of the same family as `like`.
#[must_use]
pub const fn unspecified(like: IpAddr) -> IpAddr {
    match like {
        IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn macs_read_as_they_print_and_nothing_else_does() {
        let mac: Mac = "2:42:ac:11:0:2".parse().unwrap();
        assert_eq!((mac, mac.to_string().as_str()), (Mac([2, 0x42, 172, 17, 0, 2]), "02:42:ac:11:00:02"));
        assert_eq!(mac, Mac::from_ipv4(Ipv4Addr::new(172, 17, 0, 2)));
        for wrong in
            ["", "02:42:ac:11:00", "02:42:ac:11:00:02:03", "02:42:ac:11:00:0g", "024:2:ac:11:00:02", "+1:0:0:0:0:00:"]
        {
            assert_eq!(wrong.parse::<Mac>(), Err(MacError), "{wrong}");
        }
        assert_eq!(Mac::from_u64(mac.as_u64()), mac);
    }

    #[test]
    fn groups_and_link_locals_follow_the_rfcs() {
        let group = |text: &str| Mac::from_multicast(text.parse().unwrap()).to_string();
        assert_eq!(group("224.129.2.3"), "01:00:5e:01:02:03", "the highest bit of 23 is lost");
        assert_eq!(group("ff02::1:ff00:2"), "33:33:ff:00:00:02");
        let mac: Mac = "02:42:ac:11:00:02".parse().unwrap();
        assert_eq!(mac.link_local().to_string(), "fe80::42:acff:fe11:2");
        assert_eq!(solicited_node(mac.link_local()).to_string(), "ff02::1:ff11:2");
        assert!(Mac::BROADCAST.is_multicast() && Mac::BROADCAST.is_broadcast() && !mac.is_multicast());
    }

    #[test]
    fn small_prefixes_have_no_broadcast() {
        let of = |net: &str| broadcast(net.parse().unwrap()).map(|a| a.to_string());
        assert_eq!(of("172.17.0.5/16").as_deref(), Some("172.17.255.255"));
        assert_eq!((of("10.0.0.0/31"), of("10.0.0.1/32"), of("2001:db8::/64")), (None, None, None));
        assert_eq!(network_of("172.17.0.5/16".parse().unwrap()).to_string(), "172.17.0.0/16");
    }
}
