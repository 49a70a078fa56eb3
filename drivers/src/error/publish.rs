//! Why a port cannot be published, in the words of the bridge driver and of docker-proxy.

use core::fmt;
use core::net::SocketAddr;

use netyard_sim::socket::Errno;

/// Why a port cannot be published.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum PublishFailure {
    /// Every port of the range is given away.
    AllAllocated,
    /// The port is given away.
    Allocated(SocketAddr),
    /// Linux does not let anybody listen there.
    Listen {
        /// Who tried.
        by: Listener,
        /// `tcp` or `udp`.
        protocol: &'static str,
        /// Where.
        at: SocketAddr,
        /// What Linux said.
        errno: Errno,
    },
    /// A chain of the engine's was removed; with the arguments that were given to iptables.
    NoChain(String),
    /// Linux has no such sockets.
    ProtocolUnsupported(Listener),
}

/// Who listens at a published port of the host.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Listener {
    /// The engine itself, only to keep the port.
    Engine,
    /// A `docker-proxy`.
    Proxy,
}

impl Listener {
    const fn prefix(self) -> &'static str {
        match self {
            Self::Engine => "",
            Self::Proxy => "Error starting userland proxy: ",
        }
    }
}

impl fmt::Display for PublishFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AllAllocated => f.write_str("all ports are allocated"),
            Self::Allocated(at) => {
                write!(f, "Bind for {}:{} failed: port is already allocated", at.ip(), at.port())
            }
            Self::Listen { by, protocol, at, errno } => {
                let family = if at.is_ipv4() { 4 } else { 6 };
                let said = errno.to_string().to_lowercase();
                write!(f, "{}listen {protocol}{family} {at}: bind: {said}", by.prefix())
            }
            Self::NoChain(arguments) => write!(
                f,
                " (iptables failed: iptables --wait {arguments}: iptables: No chain/target/match by that name.\n (exit \
                 status 1))"
            ),
            Self::ProtocolUnsupported(by) => write!(f, "{}protocol not supported", by.prefix()),
        }
    }
}
