//! Ports of containers as `80/tcp`, where they shall be published, and which ports of the host are given away. Making a
//! published port work is a driver's affair.

mod allocator;
mod machine;
mod publication;

use core::fmt;
use core::net::SocketAddr;
use core::str::FromStr;

use serde::{Deserialize, Serialize};

pub use allocator::Allocator;
pub use machine::Machine;
pub use publication::{Publication, publications};

/// The protocol of a port.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// SCTP.
    Sctp,
    /// TCP.
    #[default]
    Tcp,
    /// UDP.
    Udp,
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sctp => "sctp",
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        })
    }
}

/// A port of a container.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Port {
    /// Its number.
    pub number: u16,
    /// Its protocol.
    pub protocol: Protocol,
}

impl fmt::Display for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.number, self.protocol)
    }
}

/// A port of a container that is published.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct PortBinding {
    /// The port of the container.
    pub port: Port,
    /// Where the container is.
    pub container: SocketAddr,
    /// Where the host takes it.
    pub host: SocketAddr,
}

/// The text was not `NUMBER` or `NUMBER/PROTOCOL`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct PortError;

impl FromStr for Port {
    type Err = PortError;
    fn from_str(text: &str) -> Result<Self, PortError> {
        let (number, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
        let protocol = match protocol {
            "sctp" => Protocol::Sctp,
            "tcp" => Protocol::Tcp,
            "udp" => Protocol::Udp,
            _ => return Err(PortError),
        };
        Ok(Self { number: number.parse().map_err(|_| PortError)?, protocol })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tcp_is_meant_when_nothing_is_said() {
        assert_eq!("80".parse::<Port>().unwrap().to_string(), "80/tcp");
        assert_eq!("53/udp".parse::<Port>().unwrap().to_string(), "53/udp");
        assert!(["", "x/tcp", "80/foo", "70000/tcp"].iter().all(|bad| bad.parse::<Port>().is_err()));
    }
}
