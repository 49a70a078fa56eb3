//! Which address a node has for the others: what was written, or the one that its host has.

use core::net::{IpAddr, Ipv4Addr, SocketAddr};

use netyard_sim::world::World;

use crate::cluster::CONTROL_PORT;
use crate::engine::Engine;
use crate::error::SwarmError;

const BAD_LISTEN: &str = "listen address must be an IP address or network interface (with optional port number)";
const BAD_ADVERTISE: &str =
    "advertise address must be a non-zero IP address or network interface (with optional port number)";
const BAD_DATA: &str = "data path address must be a non-zero IP address or network interface (without a port number)";

/// Where a manager is asked, as `HOST[:PORT]` with an address for a host.
pub(super) fn remote(text: &str) -> Result<SocketAddr, SwarmError> {
    let (host, port) = split(text);
    let lost = |why: String| SwarmError::Said(format!("could not find local IP address: dial udp: {why}"));
    let port = match port {
        "" => CONTROL_PORT,
        number if number.bytes().all(|byte| byte.is_ascii_digit()) => {
            number.parse().map_err(|_| lost(format!("address {number}: invalid port")))?
        }
        word => return Err(lost(format!("address udp/{word}: unknown port"))),
    };
    match host.parse() {
        Ok(ip) => Ok(SocketAddr::new(ip, port)),
        Err(_) => Err(lost(format!("lookup {host}: no such host"))),
    }
}

/// `HOST:PORT` or a host alone.
fn split(text: &str) -> (&str, &str) {
    match text.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') || host.starts_with('[') => {
            (host.trim_start_matches('[').trim_end_matches(']'), port)
        }
        _ => (text, ""),
    }
}

/// The number of a port, if one was written.
fn port_of(text: &str) -> Result<Option<u16>, SwarmError> {
    if text.is_empty() {
        return Ok(None);
    }
    let why = || {
        let stopped = format!("failed to listen on remote API address: listen tcp: address {text}: invalid port");
        SwarmError::ManagerStopped(stopped)
    };
    text.parse().map(Some).map_err(|_| why())
}

impl Engine {
    /// Where it listens: everywhere at the usual port, as far as nothing else is said.
    pub(super) fn listens_at(&self, world: &World, asked: &str) -> Result<SocketAddr, SwarmError> {
        let (host, port) = split(asked);
        let port = port_of(port)?.unwrap_or(CONTROL_PORT);
        let ip = match host {
            "" => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            host => self.address_named(world, host, BAD_LISTEN)?,
        };
        Ok(SocketAddr::new(ip, port))
    }

    /// Where the others reach it: at the port at which it listens, when none was written.
    pub(in crate::engine) fn advertised(
        &self,
        world: &World,
        listen_port: u16,
        asked: &str,
    ) -> Result<SocketAddr, SwarmError> {
        let (host, port) = split(asked);
        let refused = || Err(SwarmError::Address(BAD_ADVERTISE.to_owned()));
        let ip = match host {
            "" if !asked.is_empty() => return refused(),
            "" => self.only_address(world)?,
            host => self.address_named(world, host, BAD_ADVERTISE)?,
        };
        if ip.is_unspecified() {
            return refused();
        }
        Ok(SocketAddr::new(ip, port_of(port)?.unwrap_or(listen_port)))
    }

    /// Where its tunnels end, when that was asked for.
    pub(super) fn data_path(&self, world: &World, asked: &str) -> Result<Option<IpAddr>, SwarmError> {
        match asked {
            "" => Ok(None),
            text => match self.address_named(world, text, BAD_DATA)? {
                addr if addr.is_unspecified() => Err(SwarmError::Address(BAD_DATA.to_owned())),
                addr => Ok(Some(addr)),
            },
        }
    }

    /// An address, or the one of a device of this name.
    fn address_named(&self, world: &World, text: &str, otherwise: &str) -> Result<IpAddr, SwarmError> {
        if let Ok(addr) = text.parse::<IpAddr>() {
            return Ok(addr);
        }
        let device = world.fabric.namespace(self.host.namespace).device_named(text);
        let refuse = |said: String| Err(SwarmError::Address(said));
        let Some(device) = device else { return refuse(otherwise.to_owned()) };
        let addresses: Vec<IpAddr> = device.addresses.iter().map(|a| a.net.ip()).filter(IpAddr::is_ipv4).collect();
        match addresses.as_slice() {
            [] => refuse(format!("interface {text} has no usable IPv4 or IPv6 address")),
            [one] => Ok(*one),
            [a, b, ..] => refuse(format!("interface {text} has more than one IPv4 address ({a} and {b})")),
        }
    }

    /// The one address of the host, beside those of its own networks.
    fn only_address(&self, world: &World) -> Result<IpAddr, SwarmError> {
        let subnets: Vec<_> = self.controller.networks().iter().flat_map(|n| &n.subnets).map(|s| s.net).collect();
        let devices = &world.fabric.namespace(self.host.namespace).devices;
        let found = devices.values().filter(|device| device.up && device.name != "lo").flat_map(|device| {
            let addresses = device.addresses.iter().map(|a| a.net.ip()).filter(IpAddr::is_ipv4);
            addresses.map(|addr| (addr, device.name.as_str()))
        });
        let own = |addr: IpAddr| subnets.iter().any(|net| net.contains(addr));
        let found: Vec<(IpAddr, &str)> = found.filter(|(addr, _)| !own(*addr)).collect();
        let said = match found.as_slice() {
            [(one, _)] => return Ok(*one),
            [] => "could not find the system's IP address - specify one with --advertise-addr".to_owned(),
            [(a, on), (b, other), ..] if on == other => format!(
                "could not choose an IP address to advertise since this system has multiple addresses on interface {on} \
                 ({a} and {b}) - specify one with --advertise-addr"
            ),
            [(a, on), (b, other), ..] => format!(
                "could not choose an IP address to advertise since this system has multiple addresses on different \
                 interfaces ({a} on {on} and {b} on {other}) - specify one with --advertise-addr"
            ),
        };
        Err(SwarmError::Address(said))
    }

    /// The address from which it would speak to another.
    pub(in crate::engine) fn source_towards(&self, world: &World, remote: IpAddr) -> Option<IpAddr> {
        world.fabric.namespace(self.host.namespace).source_for(remote)
    }
}
