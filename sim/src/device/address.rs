//! An address of a device: its prefix, how far it reaches, what it is called and how long it is good for. The routes that
//! come with it are made where it is given.

use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnetwork::IpNetwork;

use crate::addr::{broadcast, network_of};
use crate::time::Instant;

/// An address of a device.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Address {
    /// The address with its prefix length; host bits kept.
    pub net: IpNetwork,
    /// The other end (`peer`), where the prefix is that one's and not the address's own.
    pub peer: Option<IpAddr>,
    /// How far it reaches.
    pub scope: Scope,
    /// The broadcast address it was given (`brd`); Docker gives one, `ip addr add` only when asked.
    pub broadcast: Option<Ipv4Addr>,
    /// What it is called where that is not its device's name (`label`); of IPv4.
    pub label: Option<Label>,
    /// What the route to its prefix costs; 0 for what the kernel takes.
    pub metric: u32,
    /// How it was given.
    pub given: Given,
    /// How long it is good for.
    pub lifetime: Lifetime,
    /// Whether new connections do not use it any more, where they can help it; of IPv6. Its namespace watches the time.
    pub is_deprecated: bool,
}

/// How an address was given.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Given {
    /// Nobody was asked whether it is taken (`nodad`); of IPv6.
    pub nodad: bool,
    /// No route to its prefix came with it (`noprefixroute`).
    pub noprefixroute: bool,
    /// It is a mobile node's at home (`home`); of IPv6.
    pub home: bool,
    /// Temporary addresses are made beside it (`mngtmpaddr`), which nothing here does; of IPv6.
    pub mngtmpaddr: bool,
}

/// Until when an address is good, and until when new connections use it; none for ever.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Lifetime {
    /// When it goes (`valid_lft`).
    pub valid: Option<Instant>,
    /// When it is deprecated (`preferred_lft`).
    pub preferred: Option<Instant>,
}

/// How far an address or a route reaches, as `/etc/iproute2/rt_scopes` names it.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Scope(u8);

impl Scope {
    /// Everywhere.
    pub const GLOBAL: Self = Self(0);
    /// This link only.
    pub const LINK: Self = Self(253);
    /// This host only.
    pub const HOST: Self = Self(254);

    const NAMES: [(u8, &'static str); 5] =
        [(0, "global"), (200, "site"), (253, "link"), (254, "host"), (255, "nowhere")];

    /// A scope by its name or number.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        let named = Self::NAMES.into_iter().find(|(_, name)| *name == word).map(|(number, _)| number);
        named.or_else(|| word.parse().ok()).map(Self)
    }

    /// Its number.
    #[must_use]
    pub const fn number(self) -> u8 {
        self.0
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Self::NAMES.into_iter().find(|(number, _)| *number == self.0) {
            Some((_, name)) => f.write_str(name),
            None => write!(f, "{}", self.0),
        }
    }
}

/// The name of an address: up to 15 bytes, as that of a device.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Label {
    bytes: [u8; 15],
    len: u8,
}

impl Label {
    /// A label, unless it is empty or too long.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let mut bytes = [0; 15];
        bytes.get_mut(..text.len()).filter(|room| !room.is_empty())?.copy_from_slice(text.as_bytes());
        Some(Self { bytes, len: u8::try_from(text.len()).expect("it was just found to fit") })
    }

    /// What it says.
    #[must_use]
    pub fn as_str(&self) -> &str {
        core::str::from_utf8(&self.bytes[..usize::from(self.len)]).expect("it was made of a text")
    }
}

impl Address {
    /// An address with the scope that its range implies.
    #[must_use]
    pub fn new(net: IpNetwork) -> Self {
        let scope = match net.ip() {
            ip if ip.is_loopback() => Scope::HOST,
            IpAddr::V6(ip) if ip.is_unicast_link_local() => Scope::LINK,
            _ => Scope::GLOBAL,
        };
        Self {
            net,
            peer: None,
            scope,
            broadcast: None,
            label: None,
            metric: 0,
            given: Given::default(),
            lifetime: Lifetime::default(),
            is_deprecated: false,
        }
    }

    /// The same with the broadcast address of its prefix (`brd +`).
    #[must_use]
    pub fn with_broadcast(self) -> Self {
        Self { broadcast: broadcast(self.net), ..self }
    }

    /// The same without asking whether it is taken (`nodad`).
    #[must_use]
    pub fn without_detection(self) -> Self {
        Self { given: Given { nodad: self.net.is_ipv6(), ..self.given }, ..self }
    }

    /// The address itself, if it is one of IPv4.
    #[must_use]
    pub fn v4(&self) -> Option<Ipv4Addr> {
        match self.net {
            IpNetwork::V4(net) => Some(net.ip()),
            IpNetwork::V6(_) => None,
        }
    }

    /// The address itself, if it is one of IPv6.
    #[must_use]
    pub fn v6(&self) -> Option<Ipv6Addr> {
        match self.net {
            IpNetwork::V4(_) => None,
            IpNetwork::V6(net) => Some(net.ip()),
        }
    }

    /// The prefix that is on the link: its own, or that of the other end.
    #[must_use]
    pub fn on_link(&self) -> IpNetwork {
        let end = self.peer.unwrap_or_else(|| self.net.ip());
        network_of(IpNetwork::new(end, self.net.prefix()).expect("the prefix length is the address's own"))
    }

    /// The broadcast address of the prefix on the link. Every packet is held against it; host bits do not matter to it.
    #[must_use]
    pub fn last(&self) -> Option<Ipv4Addr> {
        broadcast(if self.peer.is_none() { self.net } else { self.on_link() })
    }

    /// Whether one of a device's IPv4 addresses is behind another of its prefix.
    ///
    /// # Panics
    /// When there are not so many addresses.
    #[must_use]
    pub fn is_secondary(all: &[Self], at: usize) -> bool {
        all[..at].iter().any(|a| a.net.is_ipv4() && a.on_link() == all[at].on_link())
    }

    /// Whether a device can have only one of the two: the same address, of IPv4 with the same prefix.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        self.net.ip() == other.net.ip() && (self.net.is_ipv6() || self.on_link() == other.on_link())
    }
}

impl From<IpNetwork> for Address {
    fn from(net: IpNetwork) -> Self {
        Self::new(net)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_has_a_name_or_a_number() {
        let read = |word| Scope::parse(word).map(|scope| scope.to_string());
        assert_eq!([read("link"), read("254"), read("100")].map(Option::unwrap), ["link", "host", "100"]);
        assert_eq!([read("256"), read("foo")], [None, None]);
    }

    #[test]
    fn the_prefix_on_the_link_is_the_peers() {
        let own = Address::new("10.0.0.1/24".parse().unwrap());
        let towards = Address { peer: Some("10.9.0.2".parse().unwrap()), ..own };
        assert_eq!([own.on_link(), towards.on_link()], ["10.0.0.0/24", "10.9.0.0/24"].map(|net| net.parse().unwrap()));
        assert!(!own.is_same(&towards));
    }

    #[test]
    fn a_label_fits_a_devices_name() {
        assert_eq!(Label::new("eth0:1").as_ref().map(Label::as_str), Some("eth0:1"));
        assert_eq!([Label::new(""), Label::new("sixteen-bytes-xx")], [None, None]);
    }
}
