//! What `ip` and Docker change in a namespace: devices, addresses, routes, masters. Moving frames is elsewhere.

use core::fmt;
use core::net::{IpAddr, Ipv6Addr};

use ipnetwork::{IpNetwork, Ipv6Network};

use super::{Cx, GatewayError, Namespace};
use crate::addr::Mac;
use crate::bridge::Bridge;
use crate::device::{
    Address, Conf6, Counters, Device, GEN_NONE, GEN_RANDOM, IfIndex, Ipv6, Kind, Lifetime, Mtu, Scope, Tun,
};
use crate::link::{LinkId, NamespaceId};
use crate::neighbour;
use crate::route::policy::{TableId, remove_everywhere};
use crate::route::{Action, Protocol, Route};
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
    /// The device has IPv6 switched off, and no address of it.
    NoIpv6,
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

impl From<GatewayError> for LinkError {
    fn from(error: GatewayError) -> Self {
        match error {
            GatewayError::Down => Self::NetworkDown,
            GatewayError::OffLink | GatewayError::Own | GatewayError::NoDevice | GatewayError::Loopback => {
                Self::NextHopUnreachable
            }
        }
    }
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
            Self::NoIpv6 => "Permission denied",
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
        let chosen = self.chosen_indices.pop_front().flatten();
        let index = chosen.unwrap_or_else(|| self.free_index());
        let device = Device {
            // A veth begins by losing what it had.
            lower_down: matches!(kind, Kind::Veth { .. }),
            carrier_changes: u32::from(matches!(kind, Kind::Veth { .. })),
            ipv6: self.ipv6,
            inet: self.sysctl.inet_of_new,
            inet6: self.sysctl.inet6_of_new,
            ..Device::new(index, name, mac, kind)
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
        remove_everywhere(&mut self.routes, &mut self.policy, |r| r.device == Some(index));
        device.addresses.clear();
        device.counters = Counters::default();
        Some(device)
    }

    /// Says which numbers the devices get that come next, each where it matters; those of no device are free. Nothing stays
    /// chosen that was before.
    pub fn choose_indices(&mut self, indices: impl IntoIterator<Item = Option<IfIndex>>) {
        self.chosen_indices = indices.into_iter().collect();
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
        if let Some(chosen) = self.chosen_indices.pop_front().flatten() {
            device.index = chosen;
        } else if self.devices.contains_key(&device.index) {
            device.index = self.free_index();
        }
        name.clone_into(&mut device.name);
        (device.ipv6, device.inet, device.inet6) = (self.ipv6, self.sysctl.inet_of_new, self.sysctl.inet6_of_new);
        device.opened = false;
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
        let addresses = self.devices.get(&index).map(|d| d.addresses.clone()).unwrap_or_default();
        for address in addresses {
            self.add_connected_route(index, &address);
        }
        self.add_link_local(cx, index);
    }

    /// A device that has carrier and runs IPv6 gets its link-local address, as the kernel gives it.
    fn add_link_local(&mut self, cx: &mut Cx, index: IfIndex) {
        let Some(device) = self.devices.get(&index) else { return };
        let mode = device.inet6.get(Conf6::AddrGenMode);
        let can = device.ipv6 == Ipv6::Enabled && device.mac != Mac::ZERO && device.mtu >= Mtu::IPV6;
        let speaks = device.is_running() && can;
        if !speaks || device.has_link_local || mode == GEN_NONE {
            return;
        }
        let own = device.mac.link_local();
        let addr = if mode == GEN_RANDOM { self.random_link_local() } else { own };
        let net = IpNetwork::V6(Ipv6Network::new(addr, 64).expect("64 is a prefix length"));
        self.devices.get_mut(&index).expect("it was just looked at").has_link_local = true;
        let _ = self.add_address(cx, index, net.into());
    }

    /// Sets the largest packet of a device. One that cannot carry IPv6's least one loses it.
    pub(crate) fn set_mtu(&mut self, cx: &mut Cx, index: IfIndex, mtu: Mtu) {
        let Some(device) = self.devices.get_mut(&index) else { return };
        device.inet6.set(Conf6::Mtu, 0);
        device.mtu = mtu;
        if mtu < Mtu::IPV6 {
            device.inet6 = self.sysctl.inet6_of_new;
            self.end_ipv6(index);
            self.routes.forget_v6_hops(index);
        } else {
            self.add_link_local(cx, index);
        }
    }

    /// Takes what a device has of IPv6.
    fn end_ipv6(&mut self, index: IfIndex) {
        if let Some(device) = self.devices.get_mut(&index) {
            device.addresses.retain(|a| a.net.is_ipv4());
            device.has_link_local = false;
        }
        let gone = |r: &Route| r.dst.is_ipv6() && r.named.is_none() && r.only_uses(|device| device == index);
        remove_everywhere(&mut self.routes, &mut self.policy, gone);
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
        self.lose_nexthops(index);
        let is_down = |device: IfIndex| self.devices.get(&device).is_none_or(|d| !d.up);
        // Of IPv4, what is for this host stays while its device is there (`fib_sync_down_dev`).
        let stays = |r: &Route| r.dst.is_ipv4() && r.action == Action::Local;
        // Of IPv6, what sends nothing is by lo.
        let is_loopback = self.devices.get(&index).is_some_and(Device::is_loopback);
        let is_by_it = |r: &Route| {
            let refuses = r.dst.is_ipv6() && r.named.is_none() && r.ways().next().is_none();
            r.uses(index) && r.only_uses(is_down) || is_loopback && refuses
        };
        remove_everywhere(&mut self.routes, &mut self.policy, |r| is_by_it(r) && !stays(r));
        self.neighbours.flush(index);
        let of_all = self.sysctl.inet6_of_all.get(Conf6::KeepAddrOnDown);
        if let Some(device) = self.devices.get_mut(&index) {
            let keeps = if of_all == 0 { device.inet6.get(Conf6::KeepAddrOnDown) > 0 } else { of_all > 0 };
            device.addresses.retain(|a| a.net.is_ipv4() || keeps && a.scope == Scope::GLOBAL);
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
            self.lose_nexthops(index);
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
        if !carrier {
            self.lose_nexthops(index);
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
            Ipv6::Disabled => self.end_ipv6(index),
        }
    }

    pub(crate) fn add_address(&mut self, cx: &mut Cx, index: IfIndex, address: Address) -> Result<(), LinkError> {
        let device = self.devices.get_mut(&index).ok_or(LinkError::NoDevice)?;
        if address.net.is_ipv6() && device.ipv6 == Ipv6::Disabled {
            return Err(LinkError::NoIpv6);
        }
        if device.addresses.iter().any(|a| a.is_same(&address)) {
            return Err(LinkError::AddressExists);
        }
        if address.net.is_ipv4() {
            self.policy.note_address();
        }
        let at = place_for(&device.addresses, &address);
        device.addresses.insert(at, address);
        self.watch_lifetimes(cx.now);
        if self.devices.get(&index).is_some_and(|device| device.up) {
            self.add_connected_route(index, &address);
        }
        Ok(())
    }

    /// Says something else of an address that is there: how long it is good for, and what its route is like.
    pub(crate) fn change_address(&mut self, cx: &mut Cx, index: IfIndex, address: &Address) -> Result<(), LinkError> {
        let device = self.devices.get_mut(&index).ok_or(LinkError::NoDevice)?;
        let known = device.addresses.iter_mut().find(|a| a.is_same(address)).ok_or(LinkError::NoAddress)?;
        let old = *known;
        known.lifetime = address.lifetime;
        known.metric = address.metric;
        if address.net.is_ipv6() {
            known.given = address.given;
        }
        let (new, up) = (*known, device.up);
        self.watch_lifetimes(cx.now);
        if up && (old.metric, old.given.noprefixroute) != (new.metric, new.given.noprefixroute) {
            let route = connected_route(index, &old);
            self.routes.remove(|r| *r == route);
            self.add_connected_route(index, &new);
        }
        Ok(())
    }

    /// Takes the address of this prefix away.
    pub(crate) fn remove_address(&mut self, index: IfIndex, net: IpNetwork) -> Result<(), LinkError> {
        let device = self.devices.get(&index).ok_or(LinkError::NoDevice)?;
        let address = *device.addresses.iter().find(|a| a.net == net).ok_or(LinkError::NoAddress)?;
        self.withdraw(index, &address)
    }

    /// Takes an address away. A primary IPv4 address takes its secondary ones along, and with the last one IPv4 ends on
    /// the device: all its routes go.
    pub(crate) fn withdraw(&mut self, index: IfIndex, address: &Address) -> Result<(), LinkError> {
        let device = self.devices.get_mut(&index).ok_or(LinkError::NoDevice)?;
        let at = device.addresses.iter().position(|a| a == address).ok_or(LinkError::NoAddress)?;
        let v4 = address.net.is_ipv4();
        let same_prefix = |a: &Address| a.net.is_ipv4() && a.on_link() == address.on_link();
        let is_primary = v4 && !device.addresses[..at].iter().any(same_prefix);
        let is_gone = |a: &Address| a == address || is_primary && same_prefix(a);
        let mut gone: Vec<IpAddr> = device.addresses.extract_if(.., |a| is_gone(a)).map(|a| a.net.ip()).collect();
        let is_last = v4 && !device.addresses.iter().any(|a| a.net.is_ipv4());
        let rest: Vec<Address> = device.addresses.clone();
        // An address that is there with another prefix is still a source.
        gone.retain(|ip| !rest.iter().any(|a| a.net.ip() == *ip));
        let route = connected_route(index, address);
        let is_shared = rest.iter().any(|a| !a.given.noprefixroute && connected_route(index, a) == route);
        let ends = !is_shared && (is_primary || !v4);
        remove_everywhere(&mut self.routes, &mut self.policy, |r| {
            let lost_source = r.src.is_some_and(|src| gone.contains(&src));
            let lost_device = is_last && r.dst.is_ipv4() && r.named.is_none() && r.only_uses(|device| device == index);
            let is_own = ends && route == *r;
            lost_source && (v4 || r.uses(index)) || lost_device || is_own
        });
        Ok(())
    }

    /// The route to an address's prefix, which comes with the address (`proto kernel`).
    fn add_connected_route(&mut self, index: IfIndex, address: &Address) {
        let net = address.on_link();
        let full = if net.is_ipv4() { 32 } else { 128 };
        let leads_nowhere = net.prefix() == full && net.ip() == address.net.ip();
        let is_loopback = self.devices.get(&index).is_some_and(Device::is_loopback);
        let is_group = net.is_ipv4() && net.ip().is_multicast();
        if leads_nowhere && net.is_ipv4() || is_group || is_loopback || address.given.noprefixroute {
            return;
        }
        self.routes.add(connected_route(index, address));
    }

    /// Sees which addresses are deprecated by now, and when the next one is or is not good at all any more.
    fn watch_lifetimes(&mut self, now: Instant) {
        self.addresses_until = None;
        for address in self.devices.values_mut().flat_map(|device| &mut device.addresses) {
            let Lifetime { valid, preferred } = address.lifetime;
            address.is_deprecated = preferred.is_some_and(|until| until <= now);
            let next = [valid, preferred.filter(|_| !address.is_deprecated), self.addresses_until];
            self.addresses_until = next.into_iter().flatten().min();
        }
    }

    /// Takes away the addresses that are not good any more.
    pub(super) fn expire_addresses(&mut self, cx: &mut Cx) {
        if self.addresses_until.is_none_or(|until| until > cx.now) {
            return;
        }
        let all = self.devices.values().flat_map(|device| device.addresses.iter().map(|a| (device.index, *a)));
        let gone: Vec<_> = all.filter(|(_, a)| a.lifetime.valid.is_some_and(|until| until <= cx.now)).collect();
        for (index, address) in gone {
            // One that was secondary may be gone with its primary already.
            let _ = self.withdraw(index, &address);
        }
        self.watch_lifetimes(cx.now);
    }

    /// Adds a route.
    ///
    /// # Errors
    /// `RouteExists`, `NextHopUnreachable` when the gateway is on no link, `NetworkDown` when its device is down.
    pub fn add_route(&mut self, route: Route) -> Result<(), LinkError> {
        for hop in route.ways() {
            let device = self.devices.get(&hop.device).ok_or(LinkError::NoDevice)?;
            if !device.up && route.action != Action::Local {
                return Err(LinkError::NetworkDown);
            }
            if let Some(gateway) = hop.gateway.filter(|_| !hop.onlink) {
                self.device_towards(gateway, Some(hop.device), TableId::MAIN)?;
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

/// Where an address comes among those of its device: one of IPv4 that is the first of its prefix behind those that are
/// and reach no farther, the rest at the end (`__inet_insert_ifa`).
fn place_for(addresses: &[Address], new: &Address) -> usize {
    if new.net.is_ipv6() || addresses.iter().any(|a| a.net.is_ipv4() && a.on_link() == new.on_link()) {
        return addresses.len();
    }
    let before = |at: &usize| {
        let a = &addresses[*at];
        a.net.is_ipv4() && a.scope >= new.scope && !Address::is_secondary(addresses, *at)
    };
    let last = (0..addresses.len()).rev().find(before);
    last.map_or(0, |at| at + 1)
}

/// The route to the prefix of an address on a device.
fn connected_route(index: IfIndex, address: &Address) -> Route {
    let v4 = address.net.is_ipv4();
    Route {
        src: Some(address.net.ip()).filter(|_| v4),
        metric: if v4 || address.metric != 0 { address.metric } else { 256 },
        protocol: Protocol::Kernel,
        scope: Scope::LINK,
        ..Route::via(address.on_link(), None, index)
    }
}
