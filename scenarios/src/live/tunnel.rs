//! Real VXLAN: what the tunnels of the simulated host send to nodes outside goes out as UDP datagrams of this machine, and
//! what those send comes in. Each node seems to be at an address of its own on the simulated LAN.
//!
//! How it works: a machine of the LAN has these addresses, with a socket on the port of VXLAN at each. What it receives is
//! what the host's tunnels have sent to that node; what comes from the node's real address it sends to the host. Nothing
//! goes to an address that is not loopback, unless the node itself was told to be at such a one.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;

use netyard_drivers::site::Site;
use netyard_sim::fabric::NamespaceId;
use netyard_sim::socket::{SendOptions, SocketId};
use netyard_sim::vxlan;
use tokio::net::UdpSocket as AsyncSocket;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::door::{Command, Door};

/// The largest datagram.
const DATAGRAM_MAX: usize = 65_535;
/// Datagrams that wait for the owner of the site before more are lost.
const WAITING_MAX: usize = 4096;
/// The prefix length of the simulated LAN.
const LAN_BITS: u8 = 24;

/// A datagram that has come from a node.
#[derive(Debug)]
pub struct Arrived {
    from: SocketAddr,
    data: Vec<u8>,
    _room: OwnedSemaphorePermit,
}

/// The tunnels to nodes outside.
#[derive(Debug)]
pub struct Tunnels {
    socket: UdpSocket,
    own: SocketAddr,
    nodes: BTreeMap<SocketAddr, SocketId>,
}

impl Tunnels {
    /// Binds the address where this node's tunnels end.
    ///
    /// # Errors
    /// It is not this machine's, or somebody has it.
    pub fn bind(addr: SocketAddr) -> io::Result<Self> {
        let socket = UdpSocket::bind(addr)?;
        socket.set_nonblocking(true)?;
        let own = socket.local_addr()?;
        Ok(Self { socket, own, nodes: BTreeMap::new() })
    }

    /// Where they end.
    #[must_use]
    pub const fn own(&self) -> SocketAddr {
        self.own
    }

    /// Listens from now on, in the runtime that is entered.
    ///
    /// # Errors
    /// The socket cannot be watched.
    pub fn listen(&self, door: Door) -> io::Result<()> {
        let socket = AsyncSocket::from_std(self.socket.try_clone()?)?;
        tokio::spawn(listen(socket, door));
        Ok(())
    }

    /// Whether datagrams may go to a node that is said to be there.
    fn may_reach(&self, node: SocketAddr) -> bool {
        let is_one = match node.ip() {
            IpAddr::V4(ip) => !ip.is_broadcast() && !ip.is_multicast() && !ip.is_unspecified(),
            IpAddr::V6(ip) => !ip.is_multicast() && !ip.is_unspecified(),
        };
        let is_allowed = node.ip().is_loopback() || !self.own.ip().is_loopback();
        is_one && is_allowed && node.port() != 0 && node != self.own && node.is_ipv4() == self.own.is_ipv4()
    }

    /// A datagram has come: the host gets it, when it is from a node that is known.
    pub fn take_in(&self, site: &mut Site, arrived: &Arrived) {
        let (Some(socket), Some(machine)) = (self.nodes.get(&arrived.from), site.outside_machine()) else { return };
        let Some(host) = host_address(site) else { return };
        let to = SocketAddr::new(host, vxlan::PORT);
        // What cannot be sent is lost, as anything on a network may be.
        let _ = site
            .world_mut()
            .fabric
            .with(machine, |ns, cx| ns.send_to(cx, *socket, to, &arrived.data, SendOptions::default()));
    }

    /// Sends what the host's tunnels have sent.
    pub fn carry(&mut self, site: &mut Site) {
        let Some(machine) = site.outside_machine() else { return };
        self.meet(site, machine);
        for (node, socket) in &self.nodes {
            let namespace = site.world_mut().fabric.namespace_mut(machine);
            while let Ok(Some(datagram)) = namespace.recv_from(*socket) {
                let _ = self.socket.send_to(&datagram.data, node);
            }
        }
    }

    /// Has a socket for each node that the engine knows.
    fn meet(&mut self, site: &mut Site, machine: NamespaceId) {
        let is_new = |(node, _): &(SocketAddr, Ipv4Addr)| !self.nodes.contains_key(node) && self.may_reach(*node);
        let new: Vec<_> = site.ways_outside(0).filter(is_new).collect();
        for (node, seems) in new {
            let fabric = &mut site.world_mut().fabric;
            let Some(eth0) = fabric.namespace(machine).device_named("eth0").map(|device| device.index) else { return };
            let seems = IpAddr::V4(seems);
            let net = ipnetwork::IpNetwork::new(seems, LAN_BITS).expect("24 is a prefix length");
            // It may have it already.
            let _ = fabric.add_address(machine, eth0, net);
            if let Ok(socket) = fabric.namespace_mut(machine).udp_bind(SocketAddr::new(seems, vxlan::PORT)) {
                self.nodes.insert(node, socket);
            }
        }
    }
}

/// The address of the simulated host on its LAN.
fn host_address(site: &Site) -> Option<IpAddr> {
    let host = site.engines().first()?.host().namespace;
    let eth0 = site.world().fabric.namespace(host).device_named("eth0")?;
    eth0.addresses.iter().map(|address| address.net.ip()).find(IpAddr::is_ipv4)
}

/// Brings what comes to the owner of the site, as far as there is room.
async fn listen(socket: AsyncSocket, door: Door) {
    let room = Arc::new(Semaphore::new(WAITING_MAX));
    let mut buffer = vec![0; DATAGRAM_MAX];
    loop {
        // An error is a node that does not listen: others may.
        let Ok((len, from)) = socket.recv_from(&mut buffer).await else { continue };
        if let Ok(permit) = Arc::clone(&room).try_acquire_owned() {
            door.send(Command::Tunnel(Arrived { from, data: buffer[..len].to_vec(), _room: permit }));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn from_loopback_nothing_leaves_it() {
        let tunnels = Tunnels::bind("127.0.0.1:0".parse().unwrap()).expect("loopback is there");
        let reaches = |node: &str| tunnels.may_reach(node.parse().unwrap());
        assert!(reaches("127.0.0.1:4789") && reaches("127.9.9.9:1"));
        for node in
            ["192.0.2.1:4789", "255.255.255.255:4789", "0.0.0.0:4789", "127.0.0.1:0", "[::1]:4789", "224.0.0.1:1"]
        {
            assert!(!reaches(node), "{node}");
        }
        assert!(!tunnels.may_reach(tunnels.own()), "itself");
    }
}
