//! The LAN 192.0.2.0/24 that a site's hosts are on: a gateway namespace with a bridge, 192.0.2.1, that routes nothing
//! further and answers DNS; www.lan at 192.0.2.80; docker hosts from .10 up; further name servers where one wants them.
//! No packet leaves it.

use core::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::collections::{BTreeMap, BTreeSet};

use netyard_sim::addr::IpNetwork;
use netyard_sim::device::IfIndex;
use netyard_sim::dns::{Lan, Server};
use netyard_sim::fabric::NamespaceId;
use netyard_sim::link::Condition;
use netyard_sim::route::Route;
use netyard_sim::userland::process::Context;
use netyard_sim::userland::{Files, Flavour};
use netyard_sim::world::World;

use super::{SiteConfig, store};
use crate::engine::Host;

const GATEWAY: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
const WWW: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 80);
/// The last byte of the first host's address.
const FIRST_HOST: u8 = 10;
/// The last byte of the first further machine's address.
const FIRST_MACHINE: u8 = 200;
/// How many further machines there may be where no name server takes an address from them.
pub const MACHINES_MAX: usize = 55;
const PREFIX_LEN: u8 = 24;
const DNS_PORT: u16 = 53;

/// How a host is plugged into the LAN.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Uplink {
    /// What the cable does to frames.
    pub condition: Condition,
    /// Whether the LAN's port gives the host frames for other Ethernet addresses than its uplink's own, which macvlans and
    /// bridges on that uplink live by. Many switches and hypervisors do not.
    pub promiscuity: bool,
}

impl Default for Uplink {
    fn default() -> Self {
        Self { condition: Condition::default(), promiscuity: true }
    }
}

/// Builds the LAN of a site, with the docker hosts and the further machines on it.
///
/// # Panics
/// With more hosts or machines than the LAN has addresses for, a name server where there is no room, or a machine whose
/// name is not free.
pub(super) fn build(world: &mut World, config: &SiteConfig) -> Built {
    let SiteConfig { hosts: names, links, nameservers, machines, .. } = config;
    let gateway = namespace(world, "gateway");
    let bridge = world.fabric.create_bridge(gateway, "lan0", None).expect("the namespace is empty");
    give(world, gateway, bridge, GATEWAY);
    plug(world, gateway, bridge, ("www", WWW), Uplink::default());
    let mut lan = Lan::standard();
    for (name, addr) in machines.iter().zip(free(config)) {
        assert!(lan.add_machine(name, addr), "{name} is free");
    }
    serve_names(world, gateway, GATEWAY, Server::lan(lan));
    let addresses = (FIRST_HOST..WWW.octets()[3]).map(|last| Ipv4Addr::new(192, 0, 2, last));
    assert!(names.len() <= addresses.len(), "a LAN has room for 70 hosts");
    let uplink = |name: &String| links.get(name).copied().unwrap_or_default();
    let at = names.iter().zip(addresses);
    let hosts = at.map(|(name, addr)| host(world, (gateway, bridge), (name, addr), uplink(name))).collect();
    for (addr, manner) in nameservers {
        let name = format!("dns{}", addr.octets()[3]);
        let namespace = plug(world, gateway, bridge, (&name, *addr), Uplink::default());
        serve_names(world, namespace, *addr, Server::uniform(*manner));
    }
    let machines = machines.iter().zip(free(config));
    let machines = machines.map(|(name, addr)| host(world, (gateway, bridge), (name, addr), Uplink::default()));
    let machines = machines.collect();
    let keepers: BTreeSet<Ipv4Addr> = store::addresses(config).into_iter().map(|(addr, _)| addr).collect();
    let keepers = keepers.into_iter().filter(|addr| has_room_at(*addr, names.len()));
    let keepers = keepers.filter(|addr| !nameservers.contains_key(addr) && addr.octets()[3] < FIRST_MACHINE);
    let keepers = keepers.map(|addr| {
        let name = format!("store{}", addr.octets()[3]);
        (addr, host(world, (gateway, bridge), (&name, addr), Uplink::default()))
    });
    let keepers = keepers.collect();
    let mut rest = free(config).skip(config.machines.len());
    let outside = rest.next().filter(|_| config.outside);
    let outside =
        outside.map(|addr| (host(world, (gateway, bridge), ("outside", addr), Uplink::default()), rest.collect()));
    Built { hosts, machines, keepers, outside }
}

/// What is on a LAN.
pub(super) struct Built {
    /// The docker hosts.
    pub(super) hosts: Vec<Host>,
    /// The further machines that have names.
    pub(super) machines: Vec<Host>,
    /// Those that stores are on which engines were told of, by address.
    pub(super) keepers: BTreeMap<Ipv4Addr, Host>,
    /// The one that stands for nodes outside, if there are such, and the addresses that it may have for them.
    pub(super) outside: Option<(Host, Vec<Ipv4Addr>)>,
}

/// The addresses of further machines.
fn free(config: &SiteConfig) -> impl Iterator<Item = Ipv4Addr> {
    let addresses = (FIRST_MACHINE..u8::MAX).map(|last| Ipv4Addr::new(192, 0, 2, last));
    addresses.filter(|addr| !config.nameservers.contains_key(addr))
}

/// Whether a further machine of the LAN can have a name: it is one, and stands for nothing there yet.
#[must_use]
pub fn is_free(name: &str) -> bool {
    Lan::standard().add_machine(name, GATEWAY)
}

/// Whether a further machine of a LAN with so many docker hosts can have an address.
#[must_use]
pub fn has_room_at(addr: Ipv4Addr, hosts: usize) -> bool {
    let [.., last] = addr.octets();
    let is_hosts = last >= FIRST_HOST && usize::from(last - FIRST_HOST) < hosts;
    let is_ends = matches!(last, 0 | u8::MAX);
    addr.octets()[..3] == GATEWAY.octets()[..3] && !is_ends && !is_hosts && ![GATEWAY, WWW].contains(&addr)
}

fn serve_names(world: &mut World, namespace: NamespaceId, addr: Ipv4Addr, server: Server) {
    let listen = SocketAddr::new(IpAddr::V4(addr), DNS_PORT);
    let listening = world.fabric.with(namespace, |ns, cx| ns.set_resolver(cx, listen, server));
    listening.expect("the namespace has the address and listens nowhere else");
}

fn host(
    world: &mut World,
    (gateway, bridge): (NamespaceId, IfIndex),
    (name, addr): (&str, Ipv4Addr),
    uplink: Uplink,
) -> Host {
    let namespace = plug(world, gateway, bridge, (name, addr), uplink);
    let files = files(world, name);
    let context = Context { files, hostname: name.to_owned(), flavour: Flavour::Host };
    let context = world.processes.create_context(context);
    Host { name: name.to_owned(), namespace, context }
}

/// A namespace whose eth0 is a port of the LAN, with the gateway as its default route. The cable is made in a namespace
/// of its own, so that eth0 has the number 2 everywhere, as on a machine that has just booted.
fn plug(
    world: &mut World,
    gateway: NamespaceId,
    bridge: IfIndex,
    (name, addr): (&str, Ipv4Addr),
    uplink: Uplink,
) -> NamespaceId {
    let inside = namespace(world, name);
    let cable = world.fabric.create_namespace("cable");
    let ends = world.fabric.create_veth(cable, "far", "near", uplink.condition);
    let (far, near) = ends.expect("the namespace is empty");
    let port_name = port_name(world, gateway, name, addr);
    let port = world.fabric.move_device(cable, far, gateway, &port_name).expect("the name is free");
    let eth0 = world.fabric.move_device(cable, near, inside, "eth0").expect("the namespace has no eth0");
    world.fabric.delete_namespace(cable);
    world.fabric.set_port_filters(inside, eth0, !uplink.promiscuity);
    world.fabric.set_master(gateway, port, Some(bridge)).expect("lan0 is a bridge");
    world.fabric.set_up(gateway, port, true);
    give(world, inside, eth0, addr);
    route_out(world, inside);
    inside
}

/// The default route of a machine of the LAN; it has only one.
pub(super) fn route_out(world: &mut World, inside: NamespaceId) {
    let default: IpNetwork = "0.0.0.0/0".parse().expect("it is a prefix");
    let Some(eth0) = world.fabric.namespace(inside).device_named("eth0").map(|device| device.index) else { return };
    // It is there already where the card was never down.
    let _ = world.fabric.add_route(inside, Route::via(default, Some(IpAddr::V4(GATEWAY)), eth0));
}

/// A namespace in which lo is up.
fn namespace(world: &mut World, name: &str) -> NamespaceId {
    let namespace = world.fabric.create_namespace(name);
    let lo = world.fabric.namespace(namespace).device_named("lo").expect("every namespace has lo").index;
    world.fabric.set_up(namespace, lo, true);
    namespace
}

fn give(world: &mut World, namespace: NamespaceId, device: IfIndex, addr: Ipv4Addr) {
    let net = IpNetwork::new(IpAddr::V4(addr), PREFIX_LEN).expect("24 is a prefix length");
    world.fabric.add_address(namespace, device, net).expect("the device is new");
    world.fabric.set_up(namespace, device, true);
}

/// What the gateway calls the port of a machine: like the machine, as far as a device's name of 15 bytes goes, or by the
/// end of its address where another device is called so.
fn port_name(world: &World, gateway: NamespaceId, host: &str, addr: Ipv4Addr) -> String {
    let name: String = host.chars().take(15).collect();
    match world.fabric.namespace(gateway).device_named(&name) {
        Some(_) => format!("port{}", addr.octets()[3]),
        None => name,
    }
}

fn files(world: &mut World, name: &str) -> Files {
    let mut files = world.processes.base_files(Flavour::Host);
    files.make_directory("/run/netns");
    let texts = [
        ("/etc/hosts", format!("127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n127.0.1.1\t{name}\n")),
        ("/etc/hostname", format!("{name}\n")),
        ("/etc/resolv.conf", format!("nameserver {GATEWAY}\n")),
    ];
    for (path, text) in texts {
        files.write(path, text).expect("/etc was just made");
    }
    files
}
