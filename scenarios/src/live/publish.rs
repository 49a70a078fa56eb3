//! Published ports on this machine: a listener for every port that the simulated host publishes, and a flow into the
//! world for whoever comes. A port that a program of this machine has cannot be published. Where the simulated host listens everywhere this machine does so on loopback, unless more
//! was asked for.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

use clap::ValueEnum;
use netyard_drivers::ports::{Machine, Protocol};
use netyard_drivers::site::Transport;
use netyard_sim::socket::Errno;
use netyard_sim::userland::gate::{pack, unpack};
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio::sync::mpsc::{Sender, channel};
use tokio::task::AbortHandle;
use tokio::time::{Instant, timeout};

use super::door::{Door, Exchange, Part};
use super::stream;

/// How long a UDP client may be silent, as with `docker-proxy`.
const SILENCE: Duration = Duration::from_secs(90);
/// How many milliseconds a listener has to end.
const SETTLING: u32 = 1000;
/// How many TCP clients a port serves at a time; others wait in the backlog.
const TCP_CLIENTS: usize = 1024;
/// How many UDP clients a port serves at a time.
const UDP_CLIENTS: usize = 1024;
/// How many datagrams of one client wait for the world.
const UDP_QUEUE: usize = 64;

/// Where ports are published that are published everywhere.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum Reach {
    /// On all addresses of this machine.
    Any,
    /// On its loopback addresses.
    Loopback,
}

/// A port of the simulated host.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Published {
    /// How it is spoken to.
    pub transport: Transport,
    /// Where the simulated host takes it.
    pub at: SocketAddr,
}

/// All listeners of this machine.
#[derive(Debug)]
pub struct Publisher {
    reach: Reach,
    door: Door,
    handle: Handle,
    listeners: BTreeMap<Published, AbortHandle>,
    /// Those that were told to end and may not have done so yet.
    ending: Vec<AbortHandle>,
}

impl Published {
    /// A port of the simulated host; none for a protocol that this machine is not asked to speak.
    const fn of(protocol: Protocol, at: SocketAddr) -> Option<Self> {
        match protocol {
            Protocol::Tcp => Some(Self { transport: Transport::Tcp, at }),
            Protocol::Udp => Some(Self { transport: Transport::Udp, at }),
            Protocol::Sctp => None,
        }
    }

    /// Where this machine listens for it; none for addresses that only the simulated host has.
    fn here(self, reach: Reach) -> Option<SocketAddr> {
        let ip = match (self.at.ip(), reach) {
            (ip, Reach::Any) if ip.is_unspecified() => ip,
            (IpAddr::V4(ip), Reach::Loopback) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
            (IpAddr::V6(ip), Reach::Loopback) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
            (ip, _) if ip.is_loopback() => ip,
            _ => return None,
        };
        Some(SocketAddr::new(ip, self.at.port()))
    }

    /// Where a program on the simulated host would go.
    fn inside(self) -> SocketAddr {
        let ip = match self.at.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
            IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
            ip => ip,
        };
        SocketAddr::new(ip, self.at.port())
    }
}

impl Publisher {
    /// A publisher whose listeners live in the runtime of `handle`.
    #[must_use]
    pub const fn new(reach: Reach, door: Door, handle: Handle) -> Self {
        Self { reach, door, handle, listeners: BTreeMap::new(), ending: Vec::new() }
    }

    /// Waits for the listeners that were told to end: the next may want the same port.
    fn settle(&mut self) {
        for _ in 0..SETTLING {
            self.ending.retain(|listener| !listener.is_finished());
            if self.ending.is_empty() {
                return;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    fn listen(&self, published: Published, here: SocketAddr) -> io::Result<AbortHandle> {
        let (door, inside) = (self.door.clone(), published.inside());
        let _guard = self.handle.enter();
        let task = match published.transport {
            Transport::Tcp => {
                let listener = TcpListener::bind(here)?;
                listener.set_nonblocking(true)?;
                let listener = tokio::net::TcpListener::from_std(listener)?;
                self.handle.spawn(serve_tcp(listener, door, inside))
            }
            Transport::Udp => {
                let socket = UdpSocket::bind(here)?;
                socket.set_nonblocking(true)?;
                let socket = tokio::net::UdpSocket::from_std(socket)?;
                self.handle.spawn(serve_udp(Arc::new(socket), door, inside))
            }
        };
        Ok(task.abort_handle())
    }
}

impl Machine for Publisher {
    fn claim(&mut self, protocol: Protocol, at: SocketAddr) -> Result<(), Errno> {
        let Some(published) = Published::of(protocol, at) else { return Ok(()) };
        let Some(here) = published.here(self.reach) else { return Ok(()) };
        self.settle();
        match self.listen(published, here) {
            Ok(listener) => drop(self.listeners.insert(published, listener)),
            // A machine without IPv6 has no such address.
            Err(error) if error.kind() == io::ErrorKind::AddrNotAvailable && here.is_ipv6() => {}
            Err(error) => return Err(errno(&error)),
        }
        Ok(())
    }

    fn release(&mut self, protocol: Protocol, at: SocketAddr) {
        let listener = Published::of(protocol, at).and_then(|published| self.listeners.remove(&published));
        if let Some(listener) = listener {
            listener.abort();
            self.ending.push(listener);
        }
    }
}

/// What this machine's kernel said, as the simulated one would.
fn errno(error: &io::Error) -> Errno {
    match error.kind() {
        io::ErrorKind::AddrInUse => Errno::AddressInUse,
        io::ErrorKind::AddrNotAvailable => Errno::AddressNotAvailable,
        io::ErrorKind::PermissionDenied => Errno::AccessDenied,
        _ => Errno::Invalid,
    }
}

impl Drop for Publisher {
    fn drop(&mut self) {
        self.listeners.values().for_each(AbortHandle::abort);
    }
}

async fn serve_tcp(listener: tokio::net::TcpListener, door: Door, inside: SocketAddr) {
    let places = Arc::new(Semaphore::new(TCP_CLIENTS));
    loop {
        let place = Arc::clone(&places).acquire_owned().await.expect("nobody closes the semaphore");
        match listener.accept().await {
            Ok((connection, _)) => {
                let (reader, writer) = connection.into_split();
                let exchange = door.dial(Transport::Tcp, inside);
                tokio::spawn(async move {
                    stream::join(reader, writer, Vec::new(), exchange, Instant::now()).await;
                    drop(place);
                });
            }
            // Without a descriptor for it a client waits in the backlog.
            Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
}

async fn serve_udp(socket: Arc<tokio::net::UdpSocket>, door: Door, inside: SocketAddr) {
    let mut clients: HashMap<SocketAddr, Sender<Vec<u8>>> = HashMap::new();
    let mut buffer = vec![0; usize::from(u16::MAX)];
    loop {
        // An error says that an earlier answer did not reach its client.
        let Ok((len, client)) = socket.recv_from(&mut buffer).await else { continue };
        clients.retain(|_, queue| !queue.is_closed());
        if !clients.contains_key(&client) {
            if clients.len() >= UDP_CLIENTS {
                continue;
            }
            let (queue, datagrams) = channel(UDP_QUEUE);
            clients.insert(client, queue);
            let exchange = door.dial(Transport::Udp, inside);
            tokio::spawn(carry_datagrams(Arc::clone(&socket), client, datagrams, exchange));
        }
        // What does not fit is lost, as datagrams are.
        drop(clients[&client].try_send(pack(&buffer[..len])));
    }
}

/// Carries the datagrams of one client until neither side has said anything for long.
async fn carry_datagrams(
    socket: Arc<tokio::net::UdpSocket>,
    client: SocketAddr,
    mut datagrams: tokio::sync::mpsc::Receiver<Vec<u8>>,
    mut exchange: Exchange,
) {
    let input = exchange.input();
    let mut there = tokio::task::JoinSet::new();
    there.spawn(async move {
        while let Ok(Some(datagram)) = timeout(SILENCE, datagrams.recv()).await {
            input.send(datagram).await;
        }
        input.end();
    });
    let mut packed = Vec::new();
    while let Some(part) = exchange.next().await {
        match part {
            Part::Body(bytes) => packed.extend_from_slice(&bytes),
            Part::Head { .. } => {}
            Part::End => return,
        }
        while let Some((datagram, len)) = unpack(&packed) {
            drop(socket.send_to(datagram, client).await);
            packed.drain(..len);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tcp(at: &str) -> Published {
        Published { transport: Transport::Tcp, at: at.parse().expect("it is an address and a port") }
    }

    #[test]
    fn everywhere_is_loopback_unless_more_was_asked_for() {
        let here = |at: &str, reach| tcp(at).here(reach).map(|here| here.to_string());
        assert_eq!(here("0.0.0.0:80", Reach::Loopback).as_deref(), Some("127.0.0.1:80"));
        assert_eq!(here("[::]:80", Reach::Loopback).as_deref(), Some("[::1]:80"));
        assert_eq!(here("0.0.0.0:80", Reach::Any).as_deref(), Some("0.0.0.0:80"));
        assert_eq!(here("127.0.0.2:80", Reach::Any).as_deref(), Some("127.0.0.2:80"));
        assert_eq!(here("192.0.2.10:80", Reach::Any), None, "only the simulated host has it");
    }
}
