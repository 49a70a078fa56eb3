//! What a real namespace shall show: the devices, addresses, routes and files of the simulated namespace whose twin it
//! is. Making it so is the guest's doing.

use core::net::IpAddr;

use netyard_drivers::site::Site;
use netyard_sim::device::{Device, IfIndex, Ipv6, Scope};
use netyard_sim::fabric::NamespaceId;
use netyard_sim::route::{Action, Protocol, Route};
use netyard_sim::userland::ContextId;
use serde::{Deserialize, Serialize};

/// The network of a namespace, and the files that tell programs about names.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Picture {
    /// The host name.
    pub hostname: String,
    /// The text of `/etc/hosts`.
    pub hosts: String,
    /// The text of `/etc/resolv.conf`.
    pub resolv: String,
    /// Whether a DNS server answers at 127.0.0.11.
    pub resolver: bool,
    /// The devices but lo.
    pub interfaces: Vec<Interface>,
    /// The routes that do not come by themselves with addresses.
    pub routes: Vec<Way>,
}

/// A device.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Interface {
    /// Its number in the simulated namespace.
    pub index: u32,
    /// Its name.
    pub name: String,
    /// Its Ethernet address.
    pub mac: [u8; 6],
    /// Its MTU.
    pub mtu: u32,
    /// Whether it is up.
    pub up: bool,
    /// Whether IPv6 runs on it.
    pub ipv6: bool,
    /// Its addresses with the lengths of their prefixes.
    pub addresses: Vec<(IpAddr, u8)>,
}

/// A route.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Way {
    /// The destinations, with the length of their prefix.
    pub to: (IpAddr, u8),
    /// The next hop.
    pub via: Option<IpAddr>,
    /// The number of the device.
    pub interface: u32,
    /// Lower is better.
    pub metric: u32,
    /// The source address that new packets get.
    pub source: Option<IpAddr>,
}

impl Picture {
    /// The picture of a simulated namespace with these files.
    #[must_use]
    pub fn of(site: &Site, namespace: NamespaceId, context: ContextId) -> Self {
        let world = site.world();
        let ns = world.fabric.namespace(namespace);
        let context = world.processes.context(context);
        Self {
            hostname: context.hostname.clone(),
            hosts: context.files.text("/etc/hosts"),
            resolv: context.files.text("/etc/resolv.conf"),
            resolver: ns.has_resolver(),
            interfaces: ns.devices.values().filter(|device| can_be_shared(device)).map(Interface::of).collect(),
            routes: ns.routes.iter().filter_map(Way::of).collect(),
        }
    }

    /// The interface with a number.
    #[must_use]
    pub fn interface(&self, index: u32) -> Option<&Interface> {
        self.interfaces.iter().find(|interface| interface.index == index)
    }

    /// Whether an interface is the same device here as in another picture: a device that is renamed is made anew.
    #[must_use]
    pub fn has_as(&self, index: u32, other: &Self) -> bool {
        let name = |picture: &Self| picture.interface(index).map(|interface| interface.name.clone());
        name(self).is_some_and(|here| name(other) == Some(here))
    }
}

/// Whether frames of a device come from and go to other namespaces.
fn can_be_shared(device: &Device) -> bool {
    device.link().is_some()
}

impl Interface {
    fn of(device: &Device) -> Self {
        let IfIndex(index) = device.index;
        // An address for one link is made by the kernel itself, of the same Ethernet address.
        let is_own = |ip: IpAddr, scope| ip.is_ipv4() || scope != Scope::LINK;
        let addresses = device.addresses.iter().filter(|address| is_own(address.net.ip(), address.scope));
        Self {
            index,
            name: device.name.clone(),
            mac: device.mac.0,
            mtu: u32::try_from(device.mtu.bytes()).expect("an MTU has 16 bits"),
            up: device.up,
            ipv6: device.ipv6 == Ipv6::Enabled,
            addresses: addresses.map(|address| (address.net.ip(), address.net.prefix())).collect(),
        }
    }
}

impl Way {
    fn of(route: &Route) -> Option<Self> {
        let IfIndex(interface) = route.device?;
        (route.protocol != Protocol::Kernel && route.action == Action::Unicast).then(|| Self {
            to: (route.dst.ip(), route.dst.prefix()),
            via: route.gateway,
            interface,
            metric: route.metric,
            source: route.src,
        })
    }
}
