//! Network devices of a namespace: what `ip link` shows of them, their addresses and counters. A device moves no
//! frame itself.

mod address;
mod flags;
mod inet;
mod inet6;
mod manners;
mod numbers;
mod source;

use core::net::{IpAddr, Ipv4Addr};
use std::collections::BTreeMap;

use crate::addr::{Mac, solicited_node};
use crate::bridge::Bridge;
pub use crate::id::IfIndex;
use crate::id::LinkId;
use crate::qdisc::Qdisc;
use crate::stack::{IpvlanMode, Over, Upper};
use crate::vxlan::Tunnel;
pub use address::{Address, Given, Label, Lifetime, Scope};
pub use flags::Flag;
pub use inet::{CONFS, Conf, Inet};
pub use inet6::{CONFS6, Conf6, GEN_NONE, GEN_RANDOM, Inet6};
pub use manners::{Manner, Manners};

/// The largest transmission unit, in bytes of the packet without the Ethernet header.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Mtu(u32);

impl Mtu {
    /// What Ethernet devices begin with.
    pub const ETHERNET: Self = Self(1500);
    /// What IPv6 needs at least (RFC 8200).
    pub const IPV6: Self = Self(1280);
    /// What lo has.
    pub const LOOPBACK: Self = Self(65536);

    /// An MTU of 68 (RFC 791) to 65535 bytes.
    #[must_use]
    pub const fn new(bytes: u32) -> Option<Self> {
        if bytes >= 68 && bytes <= 65535 { Some(Self(bytes)) } else { None }
    }

    /// The number of bytes.
    #[must_use]
    pub const fn bytes(self) -> usize {
        self.0 as usize
    }
}

/// What a device is made of.
#[derive(Clone, Debug)]
pub enum Kind {
    /// lo: what is sent comes back.
    Loopback,
    /// One end of a link to another device.
    Veth {
        /// The link that its frames travel.
        link: LinkId,
    },
    /// A learning bridge whose ports are devices of the same namespace.
    Bridge(Box<Bridge>),
    /// A device that swallows what is sent.
    Dummy,
    /// A device for a program's frames or packets that no program has opened (`ip tuntap`): it has no carrier.
    Tun(Box<Tun>),
    /// A tunnel through UDP (VXLAN).
    Vxlan(Box<Tunnel>),
    /// A device that stands on another one: macvlan, ipvlan, 802.1Q.
    Stacked {
        /// What leads to the device beneath.
        link: LinkId,
        /// How it shares that device.
        over: Over,
    },
}

/// How a program that opens a device of its kind would speak with it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Tun {
    /// Whether it carries Ethernet frames; else packets.
    pub tap: bool,
    /// Whether a header with the protocol goes before each.
    pub pi: bool,
    /// Whether one about checksums and segments does.
    pub vnet_hdr: bool,
    /// Who may open it, by name or number.
    pub user: Option<String>,
    /// Which group may.
    pub group: Option<String>,
}

/// What passed a device, as `ip -s link` and `ifconfig` count it.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Counters {
    /// Frames and bytes (with the Ethernet header) received.
    pub rx_packets: u64,
    /// Bytes received.
    pub rx_bytes: u64,
    /// Frames dropped on the way in.
    pub rx_dropped: u64,
    /// Frames sent.
    pub tx_packets: u64,
    /// Bytes sent.
    pub tx_bytes: u64,
    /// Frames dropped on the way out.
    pub tx_dropped: u64,
}

/// Whether IPv6 runs on a device (`net.ipv6.conf.DEV.disable_ipv6`).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Ipv6 {
    /// It has a link-local address when it is up.
    Enabled,
    /// It has none; Docker switches it off in containers of networks without IPv6.
    Disabled,
}

/// A network device.
#[derive(Clone, Debug)]
pub struct Device {
    /// Its number.
    pub index: IfIndex,
    /// Its name, at most 15 bytes.
    pub name: String,
    /// Its Ethernet address; zero for lo.
    pub mac: Mac,
    /// Its MTU.
    pub mtu: Mtu,
    /// What it is made of.
    pub kind: Kind,
    /// Administratively up (`IFF_UP`).
    pub up: bool,
    /// Whether the other end answers: a veth's peer is up, a bridge has a port that is (`NO-CARRIER` else).
    pub carrier: bool,
    /// Whether carrier was ever judged: a bridge that never had a port shows `state UNKNOWN` (oracle fact 24).
    pub carrier_known: bool,
    /// Of a veth: whether its peer was seen here, down, when carrier was last lost. It then shows `LOWERLAYERDOWN`, also
    /// when the peer has gone elsewhere since (oracle fact 25).
    pub lower_down: bool,
    /// How often that changed, as Linux counts it.
    pub carrier_changes: u32,
    /// Whether it was ever up: its queueing discipline is `noop` until then.
    pub opened: bool,
    /// Packets that its queue holds (`qlen`): 1000 by default, 0 on what Docker makes.
    pub queue_len: u32,
    /// The bridge that it is a port of.
    pub master: Option<IfIndex>,
    /// Addresses that it takes frames for besides its own, put there by hand (`bridge fdb add … self`).
    pub stations: Vec<Mac>,
    /// What stands on it, in the order in which it was put there.
    pub uppers: Vec<Upper>,
    /// Whether somebody asked for all frames (`promisc on`).
    pub promiscuous: bool,
    /// How it behaves on its link.
    pub manners: Manners,
    /// Whether the port that its cable leads to gives it only what is for its own address or for many: a switch, or a
    /// hypervisor, that allows no promiscuity. What the device itself asks for makes no difference to that.
    pub port_filters: bool,
    /// For a veth: the index of its peer, in whatever namespace that is (`@if8`). For a stacked device: of the one
    /// beneath.
    pub peer_index: Option<IfIndex>,
    /// For those: the number by which `ip` names its peer's namespace when it is another (`link-netnsid`).
    pub peer_netnsid: Option<u32>,
    /// Its addresses, in the order in which they were added.
    pub addresses: Vec<Address>,
    /// Whether IPv6 runs here.
    pub ipv6: Ipv6,
    /// What IPv4 is told of it.
    pub inet: Inet,
    /// What IPv6 is told of it.
    pub inet6: Inet6,
    /// Whether it has given itself a link-local address since it came up.
    pub has_link_local: bool,
    /// Whether somebody outside the world has a part in it: a real network stack with the same addresses.
    pub outside: bool,
    /// What it is listed and set together with (`ip link set group`).
    pub group: u32,
    /// What somebody calls it besides its name (`ip link set alias`); empty when nobody does.
    pub alias: String,
    /// What was switched of what it can do, by the names of `ethtool -k`.
    pub features: BTreeMap<&'static str, bool>,
    /// What passed.
    pub counters: Counters,
    /// What frames wait in before they go; none when they go at once.
    pub queue: Option<Box<Qdisc>>,
}

impl Device {
    /// One that is down, as the kernel makes it where nothing else was said.
    #[must_use]
    pub fn new(index: IfIndex, name: &str, mac: Mac, kind: Kind) -> Self {
        Self {
            index,
            name: name.to_owned(),
            mac,
            mtu: Mtu::ETHERNET,
            up: false,
            carrier: false,
            carrier_known: false,
            lower_down: false,
            carrier_changes: 0,
            opened: false,
            queue_len: 1000,
            master: None,
            stations: Vec::new(),
            uppers: Vec::new(),
            promiscuous: false,
            manners: Manners::of(&kind),
            kind,
            port_filters: false,
            peer_index: None,
            peer_netnsid: None,
            addresses: Vec::new(),
            ipv6: Ipv6::Enabled,
            inet: Inet::default(),
            inet6: Inet6::default(),
            has_link_local: false,
            outside: false,
            group: 0,
            alias: String::new(),
            features: BTreeMap::new(),
            counters: Counters::default(),
            queue: None,
        }
    }

    /// Whether frames can pass: up, and with carrier.
    #[inline]
    #[must_use]
    pub const fn is_running(&self) -> bool {
        self.up && self.carrier
    }

    /// Whether it has this very address: packets to it are for this host, even while the device is down.
    #[must_use]
    pub fn has(&self, addr: IpAddr) -> bool {
        self.addresses.iter().any(|a| a.net.ip() == addr)
    }

    /// Its IPv4 addresses that are the first of their prefix; those behind them are secondary.
    pub fn primaries(&self) -> impl Iterator<Item = &Address> + Clone {
        let is_primary = |at: &usize| self.addresses[*at].net.is_ipv4() && !Address::is_secondary(&self.addresses, *at);
        (0..self.addresses.len()).filter(is_primary).map(|at| &self.addresses[at])
    }

    /// Whether this address is that of all hosts on one of its prefixes, or of all on its link.
    #[must_use]
    pub fn is_broadcast(&self, addr: Ipv4Addr) -> bool {
        addr.is_broadcast() || self.addresses.iter().any(|a| [a.last(), a.broadcast].contains(&Some(addr)))
    }

    /// The bridge inside, when it is one.
    #[must_use]
    pub fn bridge(&self) -> Option<&Bridge> {
        match &self.kind {
            Kind::Bridge(bridge) => Some(bridge),
            _ => None,
        }
    }

    /// The same, to be changed.
    pub fn bridge_mut(&mut self) -> Option<&mut Bridge> {
        match &mut self.kind {
            Kind::Bridge(bridge) => Some(bridge),
            _ => None,
        }
    }

    /// The tunnel inside, when it is one.
    #[must_use]
    pub fn tunnel(&self) -> Option<&Tunnel> {
        match &self.kind {
            Kind::Vxlan(tunnel) => Some(tunnel),
            _ => None,
        }
    }

    /// The same, to be changed.
    pub fn tunnel_mut(&mut self) -> Option<&mut Tunnel> {
        match &mut self.kind {
            Kind::Vxlan(tunnel) => Some(tunnel),
            _ => None,
        }
    }

    /// How it shares the device beneath, when it stands on one.
    #[must_use]
    pub const fn over(&self) -> Option<Over> {
        match self.kind {
            Kind::Stacked { over, .. } => Some(over),
            _ => None,
        }
    }

    /// The link to its peer, to the device beneath, or to the namespace that a tunnel was made in.
    #[must_use]
    pub fn link(&self) -> Option<LinkId> {
        match &self.kind {
            Kind::Veth { link } | Kind::Stacked { link, .. } => Some(*link),
            Kind::Vxlan(tunnel) => Some(tunnel.link),
            _ => None,
        }
    }

    /// How many want all frames of it: its bridge, somebody by hand, and macvlans whose addresses it is not made to
    /// filter by (`ip -d link`).
    #[must_use]
    pub fn promiscuity(&self) -> u32 {
        let filters = !self.uppers.iter().any(|upper| upper.up && upper.mac != self.mac);
        u32::from(self.master.is_some()) + u32::from(self.promiscuous) + u32::from(!filters)
    }

    /// The Ethernet groups that it listens to by itself: all nodes, while it is up those of IPv4 and, of a bridge, all
    /// snoopers, and the solicited nodes of each IPv6 address.
    #[must_use]
    pub fn groups(&self) -> Vec<Mac> {
        if self.is_loopback() || self.tunnel().is_some() {
            return Vec::new();
        }
        let group = |text: &str| Mac::from_multicast(text.parse().expect("a literal address"));
        let mut groups = Vec::new();
        if self.ipv6 == Ipv6::Enabled {
            groups.push(group("ff02::1"));
        }
        if self.bridge().is_some() && self.up {
            groups.extend([group("224.0.0.106"), group("ff02::6a")]);
        }
        if self.up {
            groups.push(group("224.0.0.1"));
        }
        for address in &self.addresses {
            if let IpAddr::V6(ip) = address.net.ip() {
                let solicited = Mac::from_multicast(IpAddr::V6(solicited_node(ip)));
                if !groups.contains(&solicited) {
                    groups.push(solicited);
                }
            }
        }
        groups
    }

    /// Whether it asks for the Ethernet addresses of others: lo, what carries packets and ipvlans that are routed do not.
    #[must_use]
    pub const fn has_neighbours(&self) -> bool {
        self.manners.has(Manner::Arp) && !self.is_loopback() && !self.is_tun() && !self.is_routed_ipvlan()
    }

    const fn is_routed_ipvlan(&self) -> bool {
        matches!(self.kind, Kind::Stacked { over: Over::Ipvlan(IpvlanMode::L3 | IpvlanMode::L3s), .. })
    }

    /// Whether it carries packets and no frames, from here to one other end.
    #[must_use]
    pub const fn is_tun(&self) -> bool {
        matches!(&self.kind, Kind::Tun(tun) if !tun.tap)
    }

    /// Whether it is lo.
    #[must_use]
    pub const fn is_loopback(&self) -> bool {
        matches!(self.kind, Kind::Loopback)
    }
}

/// Numbers from here on are not those of an array: somebody chose them.
const FAR: usize = 4096;

/// The devices of a namespace, by number. A look-up is an index, because every frame makes several.
#[derive(Clone, Debug, Default)]
pub struct Devices {
    slots: Vec<Option<Box<Device>>>,
    /// Those with numbers from [`FAR`] on.
    far: BTreeMap<usize, Box<Device>>,
}

impl Devices {
    /// The device with this number.
    #[inline]
    #[must_use]
    pub fn get(&self, index: &IfIndex) -> Option<&Device> {
        let at = index.0 as usize;
        match self.slots.get(at) {
            Some(slot) => slot.as_deref(),
            None => self.far.get(&at).map(|device| &**device),
        }
    }

    /// The same, to be changed.
    #[inline]
    pub fn get_mut(&mut self, index: &IfIndex) -> Option<&mut Device> {
        let at = index.0 as usize;
        match self.slots.get_mut(at) {
            Some(slot) => slot.as_deref_mut(),
            None => self.far.get_mut(&at).map(|device| &mut **device),
        }
    }

    /// Whether the number is taken.
    #[must_use]
    pub fn contains_key(&self, index: &IfIndex) -> bool {
        self.get(index).is_some()
    }

    /// Puts a device in its place and gives back what was there.
    pub fn insert(&mut self, index: IfIndex, device: Device) -> Option<Device> {
        let (at, device) = (index.0 as usize, Box::new(device));
        if at >= FAR {
            return self.far.insert(at, device).map(|d| *d);
        }
        if self.slots.len() <= at {
            self.slots.resize_with(at + 1, || None);
        }
        self.slots[at].replace(device).map(|d| *d)
    }

    /// Takes a device out.
    pub fn remove(&mut self, index: &IfIndex) -> Option<Device> {
        let at = index.0 as usize;
        match self.slots.get_mut(at) {
            Some(slot) => slot.take().map(|d| *d),
            None => self.far.remove(&at).map(|d| *d),
        }
    }

    /// All devices, by number.
    pub fn values(&self) -> impl Iterator<Item = &Device> + Clone {
        self.slots.iter().filter_map(Option::as_deref).chain(self.far.values().map(|device| &**device))
    }

    /// The same, to be changed.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut Device> {
        let far = self.far.values_mut().map(|device| &mut **device);
        self.slots.iter_mut().filter_map(Option::as_deref_mut).chain(far)
    }

    /// All numbers that are taken, in order.
    pub fn keys(&self) -> impl Iterator<Item = IfIndex> {
        self.values().map(|d| d.index)
    }
}
