//! `docker-proxy`: the process that listens at a published port of the host and carries what comes to the container. It is
//! given its socket, as the engine has tried it already; firewall rules are the bridge driver's.

mod tcp;
mod udp;

use core::net::SocketAddr;

use netyard_sim::fabric::NamespaceId;
use netyard_sim::socket::SocketId;
use netyard_sim::userland::process::Table;
use netyard_sim::userland::{ContextId, Pid, Program, Spawn, Stream};

use crate::ports::{PortBinding, Protocol};

/// The path of the real program.
const PATH: &str = "/usr/sbin/docker-proxy";
/// The file descriptor of its socket: before it came the pipe on which the real one tells that it listens.
const LISTENER_FD: u32 = 4;

/// Where a proxy runs.
#[derive(Clone, Copy, Debug)]
pub struct Site {
    /// The network of the host.
    pub namespace: NamespaceId,
    /// Its files.
    pub context: ContextId,
}

/// Starts the proxy of a port; the socket is its from then on. None for a protocol that it does not speak.
pub fn start(
    processes: &mut Table,
    site: Site,
    binding: &PortBinding,
    socket: SocketId,
    now: netyard_sim::time::Instant,
) -> Option<Pid> {
    let program: Box<dyn Program> = match binding.port.protocol {
        Protocol::Tcp => Box::new(tcp::Proxy::new(socket, binding.container)),
        Protocol::Udp => Box::new(udp::Proxy::new(socket, binding.container)),
        Protocol::Sctp => return None,
    };
    let spawn =
        Spawn::of_host(arguments(binding), (site.namespace, site.context), [Stream::Null, Stream::Null, Stream::Null]);
    let pid = processes.spawn_program(program, spawn, None, now);
    processes.adopt(pid, site.namespace, socket, LISTENER_FD);
    Some(pid)
}

/// Its command line, as `ps` shows it.
fn arguments(PortBinding { port, container, host }: &PortBinding) -> Vec<String> {
    let place = |what: &str, at: &SocketAddr| {
        [format!("-{what}-ip"), at.ip().to_string(), format!("-{what}-port"), at.port().to_string()]
    };
    let protocol = ["-proto".to_owned(), port.protocol.to_string()];
    let places = place("host", host).into_iter().chain(place("container", container));
    [PATH.to_owned()].into_iter().chain(protocol).chain(places).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_says_from_where_to_where() {
        let binding = PortBinding {
            port: "80/tcp".parse().unwrap(),
            container: "172.18.0.4:80".parse().unwrap(),
            host: "[::]:5050".parse().unwrap(),
        };
        let expected = "/usr/sbin/docker-proxy -proto tcp -host-ip :: -host-port 5050 -container-ip 172.18.0.4 \
                        -container-port 80";
        assert_eq!(arguments(&binding).join(" "), expected);
    }
}
