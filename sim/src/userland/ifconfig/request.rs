//! What `ifconfig` asks the kernel for, one thing at a time, as `ioctl(2)` takes it (netdevice(7), `devinet_ioctl`). A request
//! names a device, or by a label one of its addresses (`eth0:1`): of the device itself it means the first address that has no
//! label of its own.

use core::net::Ipv4Addr;

use crate::addr::{IpNetwork, Ipv4Network, Mac, broadcast};
use crate::device::{Address, Device, Flag, IfIndex, Label, Manner, Mtu};
use crate::namespace::LinkError;
use crate::userland::{Errno, Sys};

/// How many bytes of a name count.
const NAME_MAX: usize = 15;

/// One thing.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Request {
    /// Another address, with the prefix of its old class; 0.0.0.0 for none.
    Address(Ipv4Addr),
    Netmask(Ipv4Addr),
    Broadcast(Ipv4Addr),
    /// Up or down; an address that goes down is gone.
    Up(bool),
    Promiscuous(bool),
    Manner(Manner, bool),
    /// None for what is no number of bytes that a device can have.
    Mtu(Option<Mtu>),
    QueueLength(u32),
    Station(Mac),
}

impl Request {
    /// The name of the request, which stands before what went wrong.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Address(_) => "SIOCSIFADDR",
            Self::Netmask(_) => "SIOCSIFNETMASK",
            Self::Broadcast(_) => "SIOCSIFBRDADDR",
            Self::Up(_) | Self::Promiscuous(_) | Self::Manner(..) => "SIOCSIFFLAGS",
            Self::Mtu(_) => "SIOCSIFMTU",
            Self::QueueLength(_) => "SIOCSIFTXQLEN",
            Self::Station(_) => "SIOCSIFHWADDR",
        }
    }
}

/// The device of a name, which may be that of one of its addresses.
pub(super) fn device_of(name: &str) -> &str {
    name.split_once(':').map_or(name, |(device, _)| device)
}

/// The address that a name means.
pub(super) fn labelled<'d>(device: &'d Device, name: &str) -> Option<(Ipv4Network, &'d Address)> {
    let name = name.get(..NAME_MAX).unwrap_or(name);
    let label = name.contains(':').then_some(name);
    device.addresses.iter().find_map(|address| match address.net {
        IpNetwork::V4(net) if address.label.as_ref().map(Label::as_str) == label => Some((net, address)),
        _ => None,
    })
}

/// Asks for one thing.
///
/// # Errors
/// `NoDevice`, `NotPermitted`, `AddressNotAvailable` when no address has this name, `Invalid`, `Exists`.
pub(super) fn ask(sys: &mut Sys<'_>, name: &str, request: Request) -> Result<(), Errno> {
    let device = sys.network().device_named(device_of(name)).ok_or(Errno::NoDevice)?;
    let index = device.index;
    let present = labelled(device, name).map(|(_, address)| *address);
    if !sys.is_network_administrator() {
        return Err(Errno::NotPermitted);
    }
    let (namespace, fabric) = (sys.namespace_id(), sys.fabric());
    match request {
        Request::Address(ip) => return set_address(sys, (index, name), present, ip),
        Request::Netmask(mask) => {
            let changed = masked(present.ok_or(Errno::AddressNotAvailable)?, mask)?;
            return replace(sys, index, present, changed);
        }
        Request::Broadcast(ip) => {
            let present = present.ok_or(Errno::AddressNotAvailable)?;
            return replace(sys, index, Some(present), Address { broadcast: Some(ip), ..present });
        }
        Request::Up(up) if name.contains(':') => {
            let present = present.ok_or(Errno::AddressNotAvailable)?;
            return if up { Ok(()) } else { remove(sys, index, present) };
        }
        Request::Up(up) => fabric.set_up(namespace, index, up),
        Request::Promiscuous(on) => fabric.set_promiscuous(namespace, index, on),
        Request::Manner(manner, on) => device_mut(sys, index).manners.set(manner, on),
        Request::Mtu(mtu) => {
            let fits = |mtu: &Mtu| mtu.bytes() <= fabric.most_mtu(namespace, index);
            let mtu = mtu.filter(fits).ok_or(Errno::Invalid)?;
            fabric.set_mtu(namespace, index, mtu);
        }
        Request::QueueLength(length) => device_mut(sys, index).queue_len = length,
        Request::Station(mac) if mac.is_multicast() => return Err(Errno::AddressNotAvailable),
        Request::Station(mac) => fabric.set_mac(namespace, index, mac),
    }
    Ok(())
}

fn device_mut<'s>(sys: &'s mut Sys<'_>, index: IfIndex) -> &'s mut Device {
    let namespace = sys.namespace_id();
    let devices = &mut sys.fabric().namespace_mut(namespace).devices;
    devices.get_mut(&index).expect("the device was just found")
}

/// `SIOCSIFADDR`. The address that had the name goes, unless it is the same.
fn set_address(
    sys: &mut Sys<'_>,
    (index, name): (IfIndex, &str),
    present: Option<Address>,
    ip: Ipv4Addr,
) -> Result<(), Errno> {
    let length = class(ip).ok_or(Errno::Invalid)?;
    if present.is_some_and(|address| address.net.ip() == ip) {
        return Ok(());
    }
    if ip.is_unspecified() {
        return present.map_or(Ok(()), |address| remove(sys, index, address));
    }
    let broadcasts = device_mut(sys, index).has_flag(Flag::Broadcast);
    let net = Ipv4Network::new(ip, length).expect("a class has a fit length");
    let address = Address::new(IpNetwork::V4(net));
    let label = name.contains(':').then(|| Label::new(name.get(..NAME_MAX).unwrap_or(name))).flatten();
    let address = Address { label, ..if broadcasts { address.with_broadcast() } else { address } };
    replace(sys, index, present, address)
}

/// The length of the prefix that an address of the old classes has; none for groups (`inet_abc_len`).
const fn class(ip: Ipv4Addr) -> Option<u8> {
    match ip.octets()[0] {
        0 => Some(0),
        1..=127 => Some(8),
        128..=191 => Some(16),
        192..=223 => Some(24),
        224..=239 => None,
        240.. => Some(32),
    }
}

/// An address with another mask. Its broadcast address goes with it where that was the last one of the prefix.
fn masked(address: Address, mask: Ipv4Addr) -> Result<Address, Errno> {
    let net = IpNetwork::with_netmask(address.net.ip(), mask.into()).map_err(|_| Errno::Invalid)?;
    let moved = broadcast(net).filter(|_| address.broadcast == broadcast(address.net));
    Ok(Address { net, broadcast: moved.or(address.broadcast), ..address })
}

/// Puts an address in the place of another.
fn replace(sys: &mut Sys<'_>, index: IfIndex, old: Option<Address>, new: Address) -> Result<(), Errno> {
    if old == Some(new) {
        return Ok(());
    }
    if let Some(old) = old {
        remove(sys, index, old)?;
    }
    let namespace = sys.namespace_id();
    sys.fabric().assign(namespace, index, new).map_err(|error| errno(&error))
}

fn remove(sys: &mut Sys<'_>, index: IfIndex, address: Address) -> Result<(), Errno> {
    let namespace = sys.namespace_id();
    sys.fabric().remove_address(namespace, index, address.net).map_err(|error| errno(&error))
}

pub(super) const fn errno(error: &LinkError) -> Errno {
    match error {
        LinkError::AddressExists => Errno::Exists,
        LinkError::NoDevice => Errno::NoDevice,
        LinkError::NoIpv6 => Errno::AccessDenied,
        _ => Errno::AddressNotAvailable,
    }
}
