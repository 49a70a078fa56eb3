//! What a rule is held against: a packet, the way it takes, and what its host knows of addresses.

use core::net::IpAddr;

use crate::addr::Mac;
use crate::conntrack::{Direction, Entry, State, Table};
use crate::packet::Ip;
use crate::time::{Epoch, Instant};

/// What an address is to a host (`addrtype`; the route types of `ip route`).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum AddressKind {
    /// None at all: 0.0.0.0 or ::.
    Unspecified,
    /// Somebody else's.
    Unicast,
    /// The host's own.
    Local,
    /// A broadcast address of one of its networks, or 255.255.255.255.
    Broadcast,
    /// Anycast.
    Anycast,
    /// A group.
    Multicast,
    /// Routed into nothing.
    Blackhole,
    /// Routed to an error.
    Unreachable,
    /// Routed to a refusal.
    Prohibit,
}

/// What netfilter asks of the namespace it is in. Asked only when a rule wants to know.
pub trait Surroundings {
    /// What `addr` is to the host; on `device` alone when one is given.
    fn kind_of(&self, addr: IpAddr, device: Option<&str>) -> AddressKind;

    /// The largest packet that fits the first link of the way to `addr`.
    fn mtu_towards(&self, addr: IpAddr) -> Option<usize>;

    /// The address that `device` sends from to `dst` by the neighbour `next_hop`, for masquerade.
    fn source_towards(&self, device: &str, next_hop: IpAddr, dst: IpAddr) -> Option<IpAddr>;

    /// The first address of `device` that is of the family of `addr`, and of IPv6 reaches as far, for redirection.
    fn address_like(&self, device: &str, addr: IpAddr) -> Option<IpAddr>;
}

/// Whose a socket is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Owner {
    /// The user.
    pub uid: u32,
    /// The group.
    pub gid: u32,
}

/// The way of a packet through a host, as far as it is known at a hook.
#[derive(Clone, Copy, Debug, Default)]
pub struct Path<'a> {
    /// The device it came in by; the bridge, for a frame that a bridge forwards.
    pub in_device: Option<&'a str>,
    /// The device it goes out by.
    pub out_device: Option<&'a str>,
    /// The port of the bridge it came in by.
    pub in_port: Option<&'a str>,
    /// The port of the bridge it goes out by.
    pub out_port: Option<&'a str>,
    /// Whether a bridge forwards it (`physdev --physdev-is-bridged`).
    pub bridged: bool,
    /// The source of the Ethernet frame it came in.
    pub source_mac: Option<Mac>,
    /// Whose socket it comes from, of a packet that this host sends.
    pub owner: Option<Owner>,
    /// Whom it is given to, where that is known; the destination itself, where it is not.
    pub next_hop: Option<IpAddr>,
}

/// A packet at a hook.
#[derive(Debug)]
pub struct Subject<'a, S> {
    /// The present.
    pub now: Instant,
    /// What date the beginning was.
    pub epoch: Epoch,
    /// The packet.
    pub ip: &'a Ip,
    /// Its bytes.
    pub packet: &'a [u8],
    /// Its way.
    pub path: &'a Path<'a>,
    /// The state conntrack sees it in.
    pub state: State,
    /// Its flow and which way it goes in it.
    pub flow: Option<(&'a Entry, Direction)>,
    /// Whether load balancing has had it in its hands.
    pub balanced: bool,
    /// All flows of the host.
    pub flows: &'a Table,
    /// The host.
    pub surroundings: &'a S,
}
