//! Which address a node has for the others: what was written, or the one that its host has.

use core::net::{IpAddr, SocketAddr};

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
    let port = if port.is_empty() { Some(CONTROL_PORT) } else { port.parse().ok() };
    match (host.parse::<IpAddr>(), port) {
        (Ok(ip), Some(port)) => Ok(SocketAddr::new(ip, port)),
        _ => {
            let said = format!(
                "rpc error: code = Unavailable desc = connection error: desc = \"transport: Error while dialing dial \
                 tcp: lookup {host}: no such host\""
            );
            Err(SwarmError::Said(said))
        }
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

impl Engine {
    /// The address by which the others reach it.
    pub(in crate::engine) fn advertised(&self, world: &World, listen: &str, asked: &str) -> Result<IpAddr, SwarmError> {
        let (listen_host, listen_port) = split(listen);
        if !matches!(listen_port, "" | "2377") || !matches!(split(asked).1, "" | "2377") {
            return Err(SwarmError::Address(
                "netyard simulates swarms whose managers are asked at port 2377".to_owned(),
            ));
        }
        if !listen_host.is_empty() {
            self.address_named(world, listen_host, BAD_LISTEN)?;
        }
        match split(asked).0 {
            "" => self.only_address(world),
            host => match self.address_named(world, host, BAD_ADVERTISE)? {
                addr if addr.is_unspecified() => Err(SwarmError::Address(BAD_ADVERTISE.to_owned())),
                addr => Ok(addr),
            },
        }
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
