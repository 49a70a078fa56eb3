//! A network namespace: one host's network stack, with its devices, addresses, routes, neighbours, firewall and
//! sockets. It decides what becomes of a frame and what to send; other namespaces and the time between them are the
//! fabric's affair.
//!
//! How a packet goes: `receive` (ethernet) → a bridge's ports, or by `EtherType` to `arp` or `ingress` →
//! prerouting → for us: input → `deliver` (icmp, udp, tcp, raw) · for others: forward → postrouting → `emit`. What
//! we send ourselves begins in `egress`: route → output → postrouting → `emit` → neighbour → `transmit`.

mod arp;
mod bridging;
mod configure;
mod counting;
mod egress;
mod ethernet;
mod fragment;
mod gateway;
mod hooks;
mod icmp;
mod ingress;
mod ndp;
mod nexthops;
mod outside;
mod path;
mod problem;
mod question;
mod queueing;
mod raw;
mod redirect;
mod resolver;
mod reverse;
mod stack;
mod tcp;
mod udp;
mod vxlan;
mod watching;
mod way;

use core::net::IpAddr;
use std::collections::{BTreeMap, VecDeque};

pub use configure::{LinkError, is_device_name};
pub use gateway::GatewayError;
pub use outside::Lost;
pub use queueing::Retired;
pub use resolver::Listening;
pub use tcp::{ConnectionView, ListenerView, Received, TcpState};
pub use watching::{Concern, Seen};

use crate::capture::Ends;
use crate::capture::Hop;
use crate::device::{Conf, Conf6, Device, Devices, IfIndex, Inet, Inet6, Ipv6};
use crate::dns;
use crate::drop::{DropReason, Drops};
use crate::filter::subject::Owner;
use crate::frame::Frame;
use crate::link::{LinkId, NamespaceId};
use crate::mib::Mib;
use crate::netfilter::Netfilter;
use crate::rng::{Rng, Seed};
use crate::socket::{self, SocketId};
use crate::time::Instant;
use crate::vxlan::Tunnelled;
use crate::{neighbour, route};

/// A frame on its way out of a namespace.
#[derive(Clone, Debug)]
pub struct Sent {
    /// The device it leaves by.
    pub device: IfIndex,
    /// The link behind it; none for lo.
    pub link: Option<LinkId>,
    /// The frame.
    pub frame: Frame,
}

/// A frame that passed a device, or was dropped.
#[derive(Clone, Debug)]
pub(crate) struct Passed {
    pub(crate) device: Option<IfIndex>,
    pub(crate) hop: Hop,
    pub(crate) frame: Frame,
    pub(crate) note: Option<Box<str>>,
}

/// What an operation of a namespace is given and what it gives back: the present, and what it sent and woke.
#[derive(Clone, Debug, Default)]
pub struct Cx {
    pub(crate) now: Instant,
    pub(crate) sent: Vec<Sent>,
    pub(crate) woken: Vec<SocketId>,
    pub(crate) hops: Vec<Passed>,
    /// Devices that began or ceased to run, and on which others stand, with whether they went up or down themselves.
    pub(crate) shifted: Vec<(IfIndex, bool)>,
    /// Frames of tunnels, to their devices and from them.
    pub(crate) tunnelled: Vec<Tunnelled>,
    /// What goes out of the world, by the device at which it came in.
    pub(crate) left: Vec<(IfIndex, Frame)>,
    /// The ends of packets before and after the firewall changed them.
    pub(crate) translated: Vec<[Ends; 2]>,
    capturing: bool,
}

impl Cx {
    /// Makes it ready for an operation at `now`.
    pub(crate) fn begin(&mut self, now: Instant, capturing: bool) {
        self.now = now;
        self.capturing = capturing;
    }

    /// For an operation at `now` outside of a fabric, which then has to carry what was sent.
    #[must_use]
    pub fn at(now: Instant) -> Self {
        Self { now, ..Self::default() }
    }

    /// Takes what was sent, in order.
    pub fn drain_sent(&mut self) -> impl Iterator<Item = Sent> {
        self.sent.drain(..)
    }

    fn hop(&mut self, device: Option<IfIndex>, hop: Hop, frame: &Frame) {
        if self.capturing {
            self.hops.push(Passed { device, hop, frame: frame.clone(), note: None });
        }
    }
}

/// Switches that `sysctl` shows.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Sysctl {
    /// `net.ipv4.conf.all`. Its `forwarding` is `net.ipv4.ip_forward` (`Namespace::set_ipv4_forward`).
    pub inet_of_all: Inet,
    /// `net.ipv4.conf.default`: what new devices get.
    pub inet_of_new: Inet,
    /// `net.ipv6.conf.all`. Its `forwarding` is a switch for all devices (`Namespace::set_ipv6_forward`).
    pub inet6_of_all: Inet6,
    /// `net.ipv6.conf.default`: what new devices get.
    pub inet6_of_new: Inet6,
    /// `net.bridge.bridge-nf-call-iptables`: bridged packets pass the firewall's hooks too. Docker switches it on.
    pub bridge_nf_call: bool,
    /// `net.ipv4.icmp_echo_ignore_all`: no IPv4 echo request is answered.
    pub echo_ignore_all: bool,
    /// `net.ipv4.icmp_echo_ignore_broadcasts`: none is answered that was for all.
    pub echo_ignore_broadcasts: bool,
    /// `net.ipv4.ip_default_ttl`: the hop limit of this host's own packets.
    pub default_ttl: u8,
    /// `net.ipv4.fib_multipath_hash_policy`: what the hop of a flow depends on; 1 and 3 mean its ports too.
    pub multipath_policy: u8,
    /// `net.ipv4.tcp_syn_retries`: how often a connection is tried again.
    pub syn_retries: u32,
    /// `net.ipv4.ip_local_port_range`: the first and the last port that a socket without one is given.
    pub local_ports: (u16, u16),
    /// `net.ipv4.ipfrag_high_thresh` and `net.ipv6.ip6frag_high_thresh`: bytes of fragments with which no packet more
    /// is begun.
    pub fragments: [usize; 2],
    /// `net.core.somaxconn`: connections that wait at a listener at most, whatever it asked for.
    pub somaxconn: usize,
}

impl Default for Sysctl {
    fn default() -> Self {
        Self {
            inet_of_all: Inet::default(),
            inet_of_new: Inet::default(),
            inet6_of_all: Inet6::of_all(),
            inet6_of_new: Inet6::default(),
            bridge_nf_call: false,
            echo_ignore_all: false,
            echo_ignore_broadcasts: true,
            default_ttl: 64,
            multipath_policy: 0,
            syn_retries: 6,
            local_ports: (32768, 60999),
            fragments: [4 << 20; 2],
            somaxconn: 4096,
        }
    }
}

/// One host's network stack.
#[derive(Clone)]
pub struct Namespace {
    /// For people: captures and graphs.
    pub name: String,
    /// Its devices, by number.
    pub devices: Devices,
    /// Its routes.
    pub routes: route::Table,
    /// The rules that say which table of routes is asked, and the tables besides that one.
    pub policy: route::policy::Policy,
    /// Its next hops that have numbers. They are changed by what changes the routes by them too.
    pub nexthops: route::Nexthops,
    /// Its neighbours.
    pub neighbours: neighbour::Table,
    /// Its firewall and connection tracking.
    pub netfilter: Netfilter,
    /// Its switches.
    pub sysctl: Sysctl,
    /// Whether IPv6 runs on devices that are new here (`net.ipv6.conf.default.disable_ipv6`).
    pub ipv6: Ipv6,
    /// What was dropped, where and why.
    pub drops: Drops,
    /// What its protocols count.
    pub mib: Mib,
    /// Whether it was made beside the one that its machine began with.
    pub is_nested: bool,
    /// Whether datagrams of tunnels leave with wrong checksums, as drivers of some network cards make them.
    pub breaks_tunnel_checksums: bool,
    sockets: socket::Table,
    /// Whose the sockets are, as far as somebody said so.
    owners: BTreeMap<SocketId, Owner>,
    /// Whose socket sends just now.
    speaker: Option<Owner>,
    tcp: tcp::Tcp,
    resolver: Option<resolver::Resolver>,
    watchers: watching::Watchers,
    hearing: Vec<vxlan::Hearing>,
    /// When a spanning tree wants to be asked again.
    tree_at: Option<Instant>,
    /// When a device's queue wants to be asked again.
    queues_at: Option<Instant>,
    /// When an address is not good any more.
    addresses_until: Option<Instant>,
    next_qdisc: u16,
    retired: Vec<Retired>,
    seed: Seed,
    fragments: fragment::Reassembly,
    path_mtu: path::PathMtus,
    redirects: redirect::Redirects,
    netnsids: BTreeMap<NamespaceId, u32>,
    next_index: u32,
    /// The numbers that the next devices get, where somebody chose them.
    chosen_indices: VecDeque<Option<IfIndex>>,
    next_ident: u16,
    rng: Rng,
}

impl Namespace {
    /// A namespace with lo in it, down. What it draws at random depends on `seed` and `name`.
    #[must_use]
    pub fn new(name: &str, seed: Seed) -> Self {
        let mut namespace = Self {
            name: name.to_owned(),
            devices: Devices::default(),
            routes: route::Table::default(),
            policy: route::policy::Policy::default(),
            nexthops: route::Nexthops::default(),
            neighbours: neighbour::Table::default(),
            netfilter: Netfilter::default(),
            sysctl: Sysctl::default(),
            ipv6: Ipv6::Enabled,
            drops: Drops::default(),
            mib: Mib::default(),
            is_nested: false,
            breaks_tunnel_checksums: false,
            sockets: socket::Table::default(),
            owners: BTreeMap::new(),
            speaker: None,
            tcp: tcp::Tcp::default(),
            resolver: None,
            watchers: watching::Watchers::default(),
            hearing: Vec::new(),
            tree_at: None,
            queues_at: None,
            addresses_until: None,
            next_qdisc: queueing::FIRST_HANDLE,
            retired: Vec::new(),
            seed,
            fragments: fragment::Reassembly::default(),
            path_mtu: path::PathMtus::default(),
            redirects: redirect::Redirects::default(),
            netnsids: BTreeMap::new(),
            next_index: 1,
            chosen_indices: VecDeque::new(),
            next_ident: 0,
            rng: seed.stream(&format!("namespace/{name}")),
        };
        namespace.add_loopback();
        namespace
    }

    /// A device by name.
    #[must_use]
    pub fn device_named(&self, name: &str) -> Option<&Device> {
        self.devices.values().find(|d| d.name == name)
    }

    /// Whether a packet to `addr` is for this host: one of its addresses, or what the local table says is like one.
    #[must_use]
    pub fn is_local(&self, addr: IpAddr) -> bool {
        self.has_address(addr) || self.said_of(addr) == Some(route::Action::Local)
    }

    /// What routes that were added by hand say of an address, whatever packet it is for.
    fn said_of(&self, addr: IpAddr) -> Option<route::Action> {
        self.policy.kind_of(&self.routes, addr)
    }

    /// Whether a socket can be bound to `addr`. Of IPv6 only own addresses will do.
    #[must_use]
    pub fn can_bind(&self, addr: IpAddr) -> bool {
        if addr.is_ipv4() { self.is_local(addr) } else { self.has_address(addr) }
    }

    /// Whether `addr` is one of this host's addresses.
    #[must_use]
    pub fn has_address(&self, addr: IpAddr) -> bool {
        let lo_up = || self.devices.values().any(|d| d.is_loopback() && d.up);
        match addr {
            IpAddr::V4(a) if a.is_loopback() => lo_up(),
            _ => self.devices.values().any(|d| d.has(addr)),
        }
    }

    /// Whether IPv4 packets for others go on (`net.ipv4.ip_forward`).
    #[must_use]
    pub const fn forwards_ipv4(&self) -> bool {
        self.sysctl.inet_of_all.get(Conf::Forwarding) != 0
    }

    /// Lets IPv4 packets for others go on from every device, or from none; a router is not told of nearer ones.
    pub fn set_ipv4_forward(&mut self, value: i32) {
        self.sysctl.inet_of_all.set(Conf::Forwarding, value);
        self.sysctl.inet_of_all.set(Conf::AcceptRedirects, i32::from(value == 0));
        self.sysctl.inet_of_new.set(Conf::Forwarding, value);
        self.devices.values_mut().for_each(|device| device.inet.set(Conf::Forwarding, value));
    }

    /// Whether IPv6 packets for others go on (`net.ipv6.conf.all.forwarding`).
    #[must_use]
    pub const fn forwards_ipv6(&self) -> bool {
        self.sysctl.inet6_of_all.get(Conf6::Forwarding) != 0
    }

    /// Lets IPv6 packets for others go on, or not: that of all devices is a switch for each of them.
    pub fn set_ipv6_forward(&mut self, value: i32) {
        self.sysctl.inet6_of_all.set(Conf6::Forwarding, value);
        self.sysctl.inet6_of_new.set(Conf6::Forwarding, value);
        self.devices.values_mut().for_each(|device| device.inet6.set(Conf6::Forwarding, value));
    }

    /// The DNS server that this namespace runs itself, if any, to change its records.
    pub fn resolver_mut(&mut self) -> Option<&mut dns::Server> {
        self.resolver.as_mut().map(resolver::Resolver::server_mut)
    }

    /// When the next timer of this namespace ends: neighbours, fragments, connections, forwarded queries.
    #[must_use]
    pub fn next_at(&self) -> Option<Instant> {
        let resolver = self.resolver.as_ref().and_then(resolver::Resolver::next_at);
        let own = [
            self.neighbours.next_at(),
            self.fragments.next_at(),
            self.redirects.next_at(),
            self.tcp.next_at(),
            resolver,
            self.tree_at,
            self.queues_at,
            self.addresses_until,
        ];
        own.into_iter().flatten().min()
    }

    /// Does what is due.
    pub fn poll(&mut self, cx: &mut Cx) {
        while let Some(due) = self.neighbours.poll(cx.now) {
            self.neighbour_due(cx, due);
        }
        self.expire_fragments(cx);
        self.redirects.expire(cx.now);
        self.poll_tcp(cx);
        self.poll_resolver(cx);
        self.poll_trees(cx);
        self.poll_queues(cx);
        self.expire_addresses(cx);
    }

    fn drop_frame(&mut self, cx: &mut Cx, device: Option<IfIndex>, reason: DropReason, frame: &Frame) {
        self.drops.count(device, reason);
        cx.hop(device, Hop::Dropped(reason), frame);
    }

    /// The same for a drop of which there is more to say; nobody says it when nothing is captured.
    fn drop_with_note(
        &mut self,
        cx: &mut Cx,
        device: Option<IfIndex>,
        (reason, note): (DropReason, impl FnOnce(&Self) -> String),
        frame: &Frame,
    ) {
        self.drops.count(device, reason);
        if cx.capturing {
            let (hop, note) = (Hop::Dropped(reason), Some(note(self).into_boxed_str()));
            cx.hops.push(Passed { device, hop, frame: frame.clone(), note });
        }
    }
}
