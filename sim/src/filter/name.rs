//! The names of protocols and ports that iptables reads and prints (`/etc/protocols`, `/etc/services`): of protocols as
//! far as rules of this world have use for them, of ports all that Debian names.

use super::Usage;

const PROTOCOLS: [(u8, &str); 12] = [
    (1, "icmp"),
    (2, "igmp"),
    (4, "ipencap"),
    (6, "tcp"),
    (17, "udp"),
    (41, "ipv6"),
    (47, "gre"),
    (50, "esp"),
    (51, "ah"),
    (58, "ipv6-icmp"),
    (132, "sctp"),
    (136, "udplite"),
];

/// The well-known ports, a line each: the port, the protocols, the name and what it is called too.
const SERVICES: &str = include_str!("services.txt");

/// A well-known port.
struct Service {
    port: u16,
    protocols: &'static str,
    names: &'static str,
}

impl Service {
    /// Whether a protocol has it; every protocol when none is said.
    fn is_of(&self, protocol: Option<u8>) -> bool {
        protocol.is_none_or(|wanted| {
            let is_wanted = |name: &str| PROTOCOLS.contains(&(wanted, name));
            self.protocols.split(',').any(is_wanted)
        })
    }
}

fn services() -> impl Iterator<Item = Service> {
    SERVICES.lines().filter_map(|line| {
        let (port, rest) = line.split_once(' ')?;
        let (protocols, names) = rest.split_once(' ')?;
        Some(Service { port: port.parse().ok()?, protocols, names })
    })
}

/// What a port is called with a protocol, where it is well known.
#[must_use]
pub fn service(port: u16, protocol: u8) -> Option<&'static str> {
    let found = services().find(|service| service.port == port && service.is_of(Some(protocol)));
    found.and_then(|service| service.names.split(' ').next())
}

/// A protocol by name or number; 0 stands for all.
///
/// # Errors
/// `Protocol`.
pub fn parse_protocol(text: &str) -> Result<u8, Usage> {
    let lower = text.to_ascii_lowercase();
    match lower.as_str() {
        "all" => return Ok(0),
        "icmpv6" => return Ok(58),
        _ => {}
    }
    let named = PROTOCOLS.iter().find(|(_, name)| *name == lower).map(|(number, _)| *number);
    named.or_else(|| text.parse().ok()).ok_or_else(|| Usage::Protocol(text.to_owned()))
}

/// The name of a protocol, its number when it has none.
#[must_use]
pub fn protocol(number: u8) -> String {
    match PROTOCOLS.iter().find(|(n, _)| *n == number) {
        Some((_, name)) => (*name).to_owned(),
        None => number.to_string(),
    }
}

/// A port by number or by a name that it has with a protocol; with any when none is said.
///
/// # Errors
/// `Port`.
pub fn parse_port(text: &str, protocol: Option<u8>) -> Result<u16, Usage> {
    let is_named = |service: &Service| service.names.split(' ').any(|name| name == text) && service.is_of(protocol);
    let port = text.parse().ok().or_else(|| Some(services().find(is_named)?.port));
    port.ok_or_else(|| Usage::Port(text.to_owned()))
}

/// A port as `getaddrinfo(3)` reads it: by a name that it has with a protocol, with any when none is said, or by a number,
/// which goes round when it is too large.
#[must_use]
pub fn address_port(text: &str, protocol: Option<u8>) -> Option<u16> {
    let number = text.parse::<u64>().ok().and_then(|number| u16::try_from(number & 0xffff).ok());
    number.or_else(|| parse_port(text, protocol).ok())
}

/// A port as `iptables -L` shows it: by name where the protocol has one and names are wanted.
#[must_use]
pub fn port(port: u16, protocol: u8, numeric: bool) -> String {
    let known = service(port, protocol).filter(|_| !numeric);
    known.map_or_else(|| port.to_string(), str::to_owned)
}
