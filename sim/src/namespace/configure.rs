//! What `ip` and Docker change in a namespace: devices, addresses, routes, masters. Moving frames is elsewhere.

use core::fmt;
use core::net::{IpAddr, Ipv6Addr};

use ipnetwork::{IpNetwork, Ipv6Network};

use super::{Cx, Namespace};
use crate::addr::{Mac, network_of};
use crate::bridge::Bridge;
use crate::device::{
    Address, Conf6, Counters, Device, GEN_NONE, GEN_RANDOM, IfIndex, Ipv6, Kind, Manners, Mtu, Scope, Tun,
};
use crate::link::{LinkId, NamespaceId};
use crate::neighbour;
use crate::route::policy::remove_everywhere;
use crate::route::{Protocol, Route};
use crate::stack::Over;
use crate::time::Instant;
use crate::vxlan::Tunnel;

/// Why a change was refused, as the kernel says it (`RTNETLINK answers: …`).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum LinkError {
    /// The address is there already.
    AddressExists,
    /// It is a bridge, which cannot be a port.
    Busy,
    /// The device shares its parent in a way that those already there do not allow.
    Incompatible,
    /// A device of that name is there already.
    Exists,
    /// The name is empty, too long or has a slash or blank in it.
    InvalidName,
    /// The gateway is on no link.
    NextHopUnreachable,
    /// There is no such address.
    NoAddress,
    /// There is no such device.
    NoDevice,
    /// The device is down.
    NetworkDown,
    /// The device that shall be the master is no bridge.
    NotABridge,
    /// A tunnel for this network is there already.
    NetworkExists,
    /// Such a device stays where it is.
    NotMovable,
    /// The route is there already.
    RouteExists,
    /// The device is shared in another way, or a port of a bridge.
    Sharing,
}

impl fmt::Display for LinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AddressExists | Self::Exists | Self::NetworkExists | Self::RouteExists => "File exists",
            Self::Busy | Self::Sharing => "Device or resource busy",
            Self::Incompatible | Self::InvalidName | Self::NotMovable => "Invalid argument",
            Self::NetworkDown => "Network is down",
            Self::NextHopUnreachable => "Network is unreachable",
            Self::NoAddress => "Cannot assign requested address",
            Self::NoDevice => "No such device",
            Self::NotABridge => "Operation not supported",
        })
    }
}

impl core::error::Error for LinkError {}

/// Whether Linux lets a device be called so.
#[must_use]
pub fn is_device_name(name: &str) -> bool {
    let forbidden = |c: char| matches!(c, '/' | ':') || c.is_whitespace();
    !matches!(name, "" | "." | "..") && name.len() <= 15 && !name.contains(forbidden)
}

impl Namespace {
    pub(super) fn add_loopback(&mut self) {
        let index = self.add_device("lo", Mac::ZERO, Kind::Loopback);
        let device = self.devices.get_mut(&index).expect("it was just added");
        device.mtu = Mtu::LOOPBACK;
        device.inet6 = device.inet6.loopback();
        device.carrier = true;
    }

    pub(crate) fn add_veth(&mut self, name: &str, mac: Mac, link: LinkId) -> IfIndex {
        self.add_device(name, mac, Kind::Veth { link })
    }

    /// A dummy has carrier from the beginning.
    pub(crate) fn add_dummy(&mut self, name: &str, mac: Mac) -> IfIndex {
        let index = self.add_device(name, mac, Kind::Dummy);
        self.devices.get_mut(&index).expect("it was just added").carrier = true;
        index
    }

    /// A device that a program may open.
    pub(crate) fn add_tun(&mut self, name: &str, mac: Mac, tun: Tun) -> IfIndex {
        let queue_len = if tun.tap { 1000 } else { 500 };
        let index = self.add_device(name, mac, Kind::Tun(Box::new(tun)));
        self.devices.get_mut(&index).expect("it was just added").queue_len = queue_len;
        index
    }

    /// A tunnel has carrier from the beginning.
    pub(crate) fn add_vxlan(&mut self, name: &str, mac: Mac, tunnel: Tunnel, mtu: Mtu) -> IfIndex {
        let index = self.add_device(name, mac, Kind::Vxlan(Box::new(tunnel)));
        let device = self.devices.get_mut(&index).expect("it was just added");
        (device.mtu, device.carrier) = (mtu, true);
        index
    }

    /// A device over another one, whose MTU it begins with.
    pub(crate) fn add_stacked(&mut self, name: &str, mac: Mac, (link, over): (LinkId, Over), mtu: Mtu) -> IfIndex {
        let index = self.add_device(name, mac, Kind::Stacked { link, over });
        self.devices.get_mut(&index).expect("it was just added").mtu = mtu;
        index
    }

    pub(crate) fn add_bridge(&mut self, name: &str, mac: Option<Mac>, random: Mac) -> IfIndex {
        let mut bridge = Bridge::default();
        bridge.fixed_mac = mac.is_some();
        mac.into_iter().for_each(|mac| bridge.tell_tree(|tree| tree.set_mac(mac, Instant::ZERO)));
        let index = self.add_device(name, mac.unwrap_or(random), Kind::Bridge(Box::new(bridge)));
        self.devices.get_mut(&index).expect("it was just added").carrier = true;
        index
    }

    fn add_device(&mut self, name: &str, mac: Mac, kind: Kind) -> IfIndex {
        let index = self.free_index();
        let device = Device {
            index,
            name: name.to_owned(),
            mac,
            mtu: Mtu::ETHERNET,
            up: false,
            carrier: false,
            carrier_known: false,
            lower_down: matches!(kind, Kind::Veth { .. }),
            // A veth begins by losing what it had.
            carrier_changes: u32::from(matches!(kind, Kind::Veth { .. })),
            opened: false,
            queue_len: 1000,
            master: None,
            stations: Vec::new(),
            uppers: Vec::new(),
            promiscuous: false,
            manners: Manners::default(),
            port_filters: false,
            peer_index: None,
            peer_netnsid: None,
            addresses: Vec::new(),
            ipv6: self.ipv6,
            inet: self.sysctl.inet_of_new,
            inet6: self.sysctl.inet6_of_new,
            has_link_local: false,
            outside: false,
            queue: None,
            group: 0,
            alias: String::new(),
            counters: Counters::default(),
            kind,
        };
        self.devices.insert(index, device);
        index
    }

    /// Whether a device may be called `name`.
    pub(crate) fn check_name(&self, name: &str) -> Result<(), LinkError> {
        if !is_device_name(name) {
            return Err(LinkError::InvalidName);
        }
        if self.device_named(name).is_some() { Err(LinkError::Exists) } else { Ok(()) }
    }

    /// The link behind a device: to a veth's peer, or to what a device stands on.
    #[must_use]
    pub fn link_of(&self, device: IfIndex) -> Option<LinkId> {
        self.devices.get(&device)?.link()
    }

    /// The number by which this namespace calls another one (`link-netnsid`), given at the first link to it.
    pub(crate) fn netnsid_of(&mut self, other: NamespaceId) -> u32 {
        if let Some(number) = self.netnsids.get(&other) {
            return *number;
        }
        let free = (0..).find(|n| !self.netnsids.values().any(|taken| taken == n)).expect("there are fewer than 2^32");
        self.netnsids.insert(other, free);
        free
    }

    /// The numbers by which this namespace calls others, with them.
    pub fn netnsids(&self) -> impl Iterator<Item = (NamespaceId, u32)> {
        self.netnsids.iter().map(|(other, number)| (*other, *number))
    }

    /// Calls another namespace by a number (`ip netns set`), or by the first free one.
    ///
    /// # Errors
    /// `Busy` when the other has a number already, `Exists` when the number is another's.
    pub fn name_netns(&mut self, other: NamespaceId, number: Option<u32>) -> Result<(), LinkError> {
        if self.netnsids.contains_key(&other) {
            return Err(LinkError::Busy);
        }
        if number.is_some_and(|number| self.netnsids.values().any(|taken| *taken == number)) {
            return Err(LinkError::Exists);
        }
        match number {
            Some(number) => _ = self.netnsids.insert(other, number),
            None => _ = self.netnsid_of(other),
        }
        Ok(())
    }

    /// A namespace is gone, and its number is free again.
    pub(crate) fn forget_namespace(&mut self, other: NamespaceId) {
        self.netnsids.remove(&other);
    }

    pub(crate) fn remove_device(&mut self, cx: &mut Cx, index: IfIndex) {
        let ports = self.devices.get(&index).and_then(Device::bridge).map(|b| b.ports().to_vec()).unwrap_or_default();
        for port in ports {
            let _ = self.set_master(cx, port, None);
        }
        self.take_device(cx, index);
    }

    /// Takes a device out, down and without addresses.
    pub(crate) fn take_device(&mut self, cx: &mut Cx, index: IfIndex) -> Option<Device> {
        self.set_up(cx, index, false);
        self.clear_queue(cx, index);
        let _ = self.set_master(cx, index, None);
        let mut device = self.devices.remove(&index)?;
        self.routes.forget_hops(index);
        self.policy.forget_hops(index);
        device.addresses.clear();
        device.counters = Counters::default();
        Some(device)
    }

    /// The next number that no device has. One that came with its number from elsewhere is passed over.
    fn free_index(&mut self) -> IfIndex {
        let mut numbers = (self.next_index..).map(IfIndex);
        let index =
            numbers.find(|index| !self.devices.contains_key(index)).expect("there are fewer devices than numbers");
        self.next_index = index.0 + 1;
        index
    }

    /// Takes a device in under a new name; it keeps its number when that is free.
    pub(crate) fn put_device(&mut self, mut device: Device, name: &str) -> IfIndex {
        if self.devices.contains_key(&device.index) {
            device.index = self.free_index();
        }
        name.clone_into(&mut device.name);
        (device.ipv6, device.inet, device.inet6) = (self.ipv6, self.sysctl.inet_of_new, self.sysctl.inet6_of_new);
        let index = device.index;
        self.devices.insert(index, device);
        index
    }

    /// Sets a device administratively up or down: its routes and its link-local address come and go with it.
    pub(crate) fn set_up(&mut self, cx: &mut Cx, index: IfIndex, up: bool) {
        let Some(device) = self.devices.get_mut(&index).filter(|d| d.up != up) else { return };
        device.up = up;
        device.opened |= up;
        if !device.uppers.is_empty() {
            cx.shifted.push((index, true));
        }
        let is_bridge = device.bridge().is_some();
        if is_bridge {
            self.judge_ports(cx, index);
        }
        if up {
            if is_bridge {
                self.judge_bridge_carrier(cx, index);
            }
            self.came_up(cx, index);
        } else {
            self.flush_queue(cx, index);
            self.went_down(index);
        }
        if let Some(master) = self.devices.get(&index).and_then(|d| d.master) {
            self.judge_ports(cx, master);
            self.judge_bridge_carrier(cx, master);
        }
    }

    fn came_up(&mut self, cx: &mut Cx, index: IfIndex) {
        let Some(device) = self.devices.get(&index) else { return };
        if device.is_loopback() {
            let all = if device.ipv6 == Ipv6::Enabled { &["127.0.0.1/8", "::1/128"][..] } else { &["127.0.0.1/8"] };
            for net in all {
                let net: IpNetwork = net.parse().expect("the loopback prefixes are well formed");
                let _ = self.add_address(cx, index, net.into());
            }
        }
        let nets: Vec<IpNetwork> =
            self.devices.get(&index).map(|d| d.addresses.iter().map(|a| a.net).collect()).unwrap_or_default();
        for net in nets {
            self.add_connected_route(index, net);
        }
        self.add_link_local(cx, index);
    }

    /// A device that has carrier and runs IPv6 gets its link-local address, as the kernel gives it.
    fn add_link_local(&mut self, cx: &mut Cx, index: IfIndex) {
        let Some(device) = self.devices.get(&index) else { return };
        let mode = device.inet6.get(Conf6::AddrGenMode);
        let speaks = device.is_running() && device.ipv6 == Ipv6::Enabled && device.mac != Mac::ZERO;
        if !speaks || device.has_link_local || mode == GEN_NONE {
            return;
        }
        let own = device.mac.link_local();
        let addr = if mode == GEN_RANDOM { self.random_link_local() } else { own };
        let net = IpNetwork::V6(Ipv6Network::new(addr, 64).expect("64 is a prefix length"));
        self.devices.get_mut(&index).expect("it was just looked at").has_link_local = true;
        let _ = self.add_address(cx, index, net.into());
    }

    fn random_link_local(&mut self) -> Ipv6Addr {
        let [a, b] = [self.rng.u32(), self.rng.u32()].map(u128::from);
        Ipv6Addr::from_bits(0xfe80 << 112 | a << 32 | b)
    }

    /// Says how a device makes its link-local address; one that it has is made anew.
    pub(crate) fn set_address_generation(&mut self, cx: &mut Cx, index: IfIndex, mode: i32) {
        let Some(device) = self.devices.get_mut(&index) else { return };
        device.inet6.set(Conf6::AddrGenMode, mode);
        self.add_link_local(cx, index);
    }

    fn went_down(&mut self, index: IfIndex) {
        let is_down = |device: IfIndex| self.devices.get(&device).is_none_or(|d| !d.up);
        remove_everywhere(&mut self.routes, &mut self.policy, |r| r.uses(index) && r.only_uses(is_down));
        self.neighbours.flush(index);
        let of_all = self.sysctl.inet6_of_all.get(Conf6::KeepAddrOnDown);
        if let Some(device) = self.devices.get_mut(&index) {
            let keeps = if of_all == 0 { device.inet6.get(Conf6::KeepAddrOnDown) > 0 } else { of_all > 0 };
            device.addresses.retain(|a| a.net.is_ipv4() || keeps && a.scope == Scope::Global);
            device.has_link_local = false;
            if let Some(bridge) = device.bridge_mut() {
                let ports = bridge.ports().to_vec();
                ports.into_iter().for_each(|p| bridge.flush_port(p));
            }
        }
    }

    pub(crate) fn set_carrier(&mut self, cx: &mut Cx, index: IfIndex, carrier: bool) {
        let Some(device) = self.devices.get_mut(&index) else { return };
        let changed = device.carrier != carrier;
        device.carrier = carrier;
        device.carrier_known |= carrier;
        device.carrier_changes += u32::from(changed);
        let master = device.master;
        if !changed {
            return;
        }
        if !device.uppers.is_empty() {
            cx.shifted.push((index, false));
        }
        if carrier {
            self.add_link_local(cx, index);
        } else {
            self.flush_queue(cx, index);
        }
        if let Some(master) = master {
            if !carrier && let Some(bridge) = self.devices.get_mut(&master).and_then(Device::bridge_mut) {
                bridge.flush_port(index);
            }
            self.judge_ports(cx, master);
            self.judge_bridge_carrier(cx, master);
        }
    }

    /// After a veth lost its carrier: whether a device that is here is why. Linux looks for the peer by its number, here.
    pub(crate) fn blame_lower(&mut self, index: IfIndex) {
        let peer = self.devices.get(&index).and_then(|device| device.peer_index);
        let peer = peer.filter(|peer| *peer != index).and_then(|peer| self.devices.get(&peer));
        let is_here = peer.is_some_and(|peer| !peer.carrier);
        if let Some(device) = self.devices.get_mut(&index) {
            device.lower_down = is_here;
        }
    }

    /// A bridge has carrier while one of its ports runs. One that never had a port is taken to have it, except that
    /// its state is unknown (oracle fact 24).
    pub(super) fn judge_bridge_carrier(&mut self, cx: &mut Cx, index: IfIndex) {
        let Some(device) = self.devices.get(&index) else { return };
        let Some(bridge) = device.bridge() else { return };
        let runs = |p: &IfIndex| self.devices.get(p).is_some_and(Device::is_running);
        let any = bridge.ports().iter().any(|p| runs(p) && (!device.up || self.forwards(bridge, *p)));
        let never_had_ports = bridge.ports().is_empty() && !device.carrier_known;
        let device = self.devices.get_mut(&index).expect("it was just looked at");
        let carrier = any || never_had_ports;
        device.carrier_changes += u32::from(device.carrier != carrier);
        device.carrier = carrier;
        device.carrier_known |= any || !never_had_ports;
        if !device.uppers.is_empty() {
            cx.shifted.push((index, false));
        }
        self.add_link_local(cx, index);
    }

    pub(crate) fn set_master(&mut self, cx: &mut Cx, index: IfIndex, master: Option<IfIndex>) -> Result<(), LinkError> {
        let device = self.devices.get(&index).ok_or(LinkError::NoDevice)?;
        if device.master == master {
            return Ok(());
        }
        if device.bridge().is_some() {
            return Err(LinkError::Busy);
        }
        let mac = device.mac;
        if let Some(new) = master {
            self.devices.get(&new).ok_or(LinkError::NoDevice)?.bridge().ok_or(LinkError::NotABridge)?;
        }
        let old = core::mem::replace(&mut self.devices.get_mut(&index).expect("it is there").master, master);
        for (bridge, joins) in [(old, false), (master, true)] {
            let Some(bridge) = bridge else { continue };
            self.change_port(cx, bridge, index, mac, joins);
        }
        Ok(())
    }

    fn change_port(&mut self, cx: &mut Cx, bridge: IfIndex, port: IfIndex, mac: Mac, joins: bool) {
        if let Some(b) = self.devices.get_mut(&bridge).and_then(Device::bridge_mut) {
            if joins {
                b.add_port(port, mac, cx.now);
            } else {
                b.remove_port(port, cx.now);
            }
        }
        if let Some(d) = self.devices.get_mut(&bridge).filter(|d| d.up) {
            d.carrier_known = true;
        }
        self.follow_port_addresses(cx, bridge);
        self.name_in_tree(cx, bridge);
        self.judge_ports(cx, bridge);
        self.judge_bridge_carrier(cx, bridge);
    }

    /// A bridge goes by its address in the spanning tree; one without ports whose address was not set has none there.
    fn name_in_tree(&mut self, cx: &mut Cx, index: IfIndex) {
        let Some(device) = self.devices.get_mut(&index) else { return };
        let (own, now) = (device.mac, cx.now);
        let Some(bridge) = device.bridge_mut() else { return };
        let mac = if bridge.ports().is_empty() && !bridge.fixed_mac { Mac::ZERO } else { own };
        bridge.tell_tree(|tree| tree.set_mac(mac, now));
    }

    /// A bridge whose address was not set has the lowest of its ports' (oracle fact 28), and none when the last has left.
    fn follow_port_addresses(&mut self, cx: &mut Cx, bridge: IfIndex) {
        let Some(b) = self.devices.get(&bridge).and_then(Device::bridge).filter(|b| !b.fixed_mac) else { return };
        let lowest = b.ports().iter().filter_map(|p| self.devices.get(p)).map(|d| d.mac).min();
        self.replace_mac(cx, bridge, lowest.unwrap_or(Mac::ZERO));
    }

    pub(crate) fn set_mac(&mut self, cx: &mut Cx, index: IfIndex, mac: Mac) {
        if let Some(bridge) = self.devices.get_mut(&index).and_then(Device::bridge_mut) {
            bridge.fixed_mac = true;
        }
        self.replace_mac(cx, index, mac);
    }

    fn replace_mac(&mut self, cx: &mut Cx, index: IfIndex, mac: Mac) {
        // A link-local address stays what it was until the device goes down.
        if let Some(device) = self.devices.get_mut(&index) {
            device.mac = mac;
        }
        self.name_in_tree(cx, index);
        self.add_link_local(cx, index);
    }

    pub(crate) fn set_ipv6(&mut self, cx: &mut Cx, index: IfIndex, ipv6: Ipv6) {
        let Some(device) = self.devices.get_mut(&index) else { return };
        device.ipv6 = ipv6;
        let is_loopback = device.is_loopback() && device.up;
        match ipv6 {
            Ipv6::Enabled if is_loopback => {
                let own: IpNetwork = "::1/128".parse().expect("the loopback prefix is well formed");
                let _ = self.add_address(cx, index, own.into());
            }
            Ipv6::Enabled => self.add_link_local(cx, index),
            Ipv6::Disabled => {
                device.addresses.retain(|a| a.net.is_ipv4());
                device.has_link_local = false;
                let gone = |r: &Route| r.dst.is_ipv6() && r.only_uses(|device| device == index);
                remove_everywhere(&mut self.routes, &mut self.policy, gone);
            }
        }
    }

    pub(crate) fn add_address(&mut self, _cx: &mut Cx, index: IfIndex, address: Address) -> Result<(), LinkError> {
        let net = address.net;
        let device = self.devices.get_mut(&index).ok_or(LinkError::NoDevice)?;
        if device.addresses.iter().any(|a| a.net == net) {
            return Err(LinkError::AddressExists);
        }
        device.addresses.push(address);
        if device.up {
            self.add_connected_route(index, net);
        }
        Ok(())
    }

    /// Takes an address away. A primary IPv4 address takes its secondary ones along, and with the last one IPv4 ends on
    /// the device: all its routes go.
    pub(crate) fn remove_address(&mut self, index: IfIndex, net: IpNetwork) -> Result<(), LinkError> {
        let device = self.devices.get_mut(&index).ok_or(LinkError::NoDevice)?;
        let at = device.addresses.iter().position(|a| a.net == net).ok_or(LinkError::NoAddress)?;
        let same_prefix = |a: &Address| network_of(a.net) == network_of(net);
        let is_primary = net.is_ipv4() && !device.addresses[..at].iter().any(same_prefix);
        let is_gone = |a: &Address| a.net == net || is_primary && same_prefix(a);
        let gone: Vec<IpAddr> = device.addresses.extract_if(.., |a| is_gone(a)).map(|a| a.net.ip()).collect();
        let is_last = net.is_ipv4() && !device.addresses.iter().any(|a| a.net.is_ipv4());
        remove_everywhere(&mut self.routes, &mut self.policy, |r| {
            let lost_source = r.src.is_some_and(|src| gone.contains(&src));
            let lost_device = is_last && r.dst.is_ipv4() && r.only_uses(|device| device == index);
            lost_source && (net.is_ipv4() || r.uses(index)) || lost_device
        });
        Ok(())
    }

    /// The route to an address's prefix, which comes with the address (`proto kernel`).
    fn add_connected_route(&mut self, index: IfIndex, net: IpNetwork) {
        let host_only = net.prefix() == if net.is_ipv4() { 32 } else { 128 };
        let is_loopback = self.devices.get(&index).is_some_and(Device::is_loopback);
        if host_only || is_loopback {
            return;
        }
        let (src, metric) = if net.is_ipv4() { (Some(net.ip()), 0) } else { (None, 256) };
        let route = Route {
            src,
            metric,
            protocol: Protocol::Kernel,
            scope: Scope::Link,
            ..Route::via(network_of(net), None, index)
        };
        self.routes.add(route);
    }

    /// Adds a route.
    ///
    /// # Errors
    /// `RouteExists`, `NextHopUnreachable` when the gateway is on no link, `NetworkDown` when its device is down.
    pub fn add_route(&mut self, route: Route) -> Result<(), LinkError> {
        for hop in route.ways() {
            let device = self.devices.get(&hop.device).ok_or(LinkError::NoDevice)?;
            if !device.up {
                return Err(LinkError::NetworkDown);
            }
            let Some(gateway) = hop.gateway.filter(|_| !hop.onlink) else { continue };
            if self.routes.lookup(gateway, |r| r.ways().any(|way| way.gateway.is_none())).is_none() {
                return Err(LinkError::NextHopUnreachable);
            }
        }
        if self.routes.add(route) { Ok(()) } else { Err(LinkError::RouteExists) }
    }

    /// The state of a neighbour, if it is known.
    #[must_use]
    pub fn neighbour(&self, addr: IpAddr) -> Option<&neighbour::Entry> {
        self.neighbours.iter().find(|(_, a, _)| *a == addr).map(|(_, _, e)| e)
    }
}
