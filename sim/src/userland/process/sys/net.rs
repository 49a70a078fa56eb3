//! The network as a program sees it: its namespace and the sockets that the process owns there. What a socket does is
//! the namespace's affair.

use core::net::{IpAddr, SocketAddr};

use super::Sys;
use crate::fabric::{Fabric, NamespaceId};
use crate::filter::subject::Owner;
use crate::frame::Frame;
use crate::id::IfIndex;
use crate::namespace::{Namespace, Received, Seen, TcpState};
use crate::socket::{Datagram, SendOptions, SocketId};
use crate::userland::{Errno, Pid, Rights};

impl Sys<'_> {
    /// The network this process is in, by number.
    #[must_use]
    pub fn namespace_id(&self) -> NamespaceId {
        self.table.process(self.pid).namespace
    }

    /// The network that a living process is in, wherever it runs (`/proc/PID/ns/net`).
    #[must_use]
    pub fn namespace_of(&self, pid: Pid) -> Option<NamespaceId> {
        self.kernel().namespace_of(pid)
    }

    /// The network this process is in.
    #[must_use]
    pub fn network(&self) -> &Namespace {
        self.fabric.namespace(self.namespace_id())
    }

    /// Whether this process may change the network it is in; nothing below asks, so a program that changes one does.
    #[must_use]
    pub fn is_network_administrator(&self) -> bool {
        self.rights().administer
    }

    /// What this process may do with its network.
    #[must_use]
    pub fn rights(&self) -> Rights {
        self.table.process(self.pid).rights
    }

    /// All networks and the links between them, for programs that change them.
    pub const fn fabric(&mut self) -> &mut Fabric {
        self.fabric
    }

    /// A UDP socket bound to a local address (unspecified: any) and port (0: a free one).
    ///
    /// # Errors
    /// `AddressInUse`, `AddressNotAvailable`.
    pub fn udp_bind(&mut self, local: SocketAddr) -> Result<SocketId, Errno> {
        let id = self.namespace_id();
        let socket = self.fabric.with(id, |ns, _| ns.udp_bind(local))?;
        Ok(self.own(socket))
    }

    /// Fixes the peer of a UDP socket, so that ICMP errors reach it as errors.
    ///
    /// # Errors
    /// `NetworkUnreachable` when there is no route.
    pub fn udp_connect(&mut self, socket: SocketId, peer: SocketAddr) -> Result<(), Errno> {
        let id = self.namespace_id();
        let owner = self.owner();
        self.fabric.with(id, |ns, _| ns.speaking_for(owner, |ns| ns.udp_connect(socket, peer)))
    }

    /// A raw socket that sees every packet of an IP protocol (1 ICMP, 58 `ICMPv6`) that arrives here.
    ///
    /// # Errors
    /// `NotPermitted` without the right to it.
    pub fn raw_open(&mut self, protocol: u8) -> Result<SocketId, Errno> {
        if !self.rights().raw {
            return Err(Errno::NotPermitted);
        }
        let id = self.namespace_id();
        let socket = self.fabric.with(id, |ns, _| ns.raw_open(protocol));
        Ok(self.own(socket))
    }

    /// Lets a socket send and hear by one device alone.
    ///
    /// # Errors
    /// `NoDevice`.
    pub fn bind_to_device(&mut self, socket: SocketId, device: &str) -> Result<(), Errno> {
        let device = self.network().device_named(device).ok_or(Errno::NoDevice)?.index;
        let id = self.namespace_id();
        self.fabric.with(id, |ns, _| ns.bind_to_device(socket, device));
        Ok(())
    }

    /// The address this host would send from to reach `dst` by a device.
    ///
    /// # Errors
    /// What `connect(2)` says when no way leads there.
    pub fn source_by(&mut self, device: &str, dst: IpAddr) -> Result<IpAddr, Errno> {
        let id = self.namespace_id();
        self.fabric.with(id, |ns, _| ns.source_by(device, dst))
    }

    /// Sends a datagram on a UDP socket, or a message (its header first) on a raw one.
    ///
    /// # Errors
    /// `NetworkUnreachable`, `MessageTooLong`, or an error that arrived for an earlier one.
    pub fn send_to(
        &mut self,
        socket: SocketId,
        dst: SocketAddr,
        data: &[u8],
        options: SendOptions,
    ) -> Result<(), Errno> {
        let id = self.namespace_id();
        self.fabric.with(id, |ns, cx| ns.send_to(cx, socket, dst, data, options))
    }

    /// The next datagram of a UDP or raw socket, if one has come.
    ///
    /// # Errors
    /// `ConnectionRefused` and the like when an ICMP error came for a connected socket.
    pub fn recv_from(&mut self, socket: SocketId) -> Result<Option<Datagram>, Errno> {
        let id = self.namespace_id();
        self.fabric.with(id, |ns, _| ns.recv_from(socket))
    }

    /// A TCP socket that listens at a local address (unspecified: any) and port.
    ///
    /// # Errors
    /// `AddressInUse`, `AddressNotAvailable`.
    pub fn tcp_listen(&mut self, local: SocketAddr, backlog: usize) -> Result<SocketId, Errno> {
        let id = self.namespace_id();
        let socket = self.fabric.with(id, |ns, _| ns.tcp_listen(local, backlog))?;
        Ok(self.own(socket))
    }

    /// A TCP socket that listens at every address of both families.
    ///
    /// # Errors
    /// `AddressInUse`.
    pub fn tcp_listen_dual(&mut self, port: u16, backlog: usize) -> Result<SocketId, Errno> {
        let id = self.namespace_id();
        let socket = self.fabric.with(id, |ns, _| ns.tcp_listen_dual(port, backlog))?;
        Ok(self.own(socket))
    }

    /// Who has a socket of this network: process, file descriptor and arguments.
    #[must_use]
    pub fn holder(&self, socket: SocketId) -> Option<(Pid, u32, &[String])> {
        let (pid, fd) = self.table.holder(self.namespace_id(), socket)?;
        Some((self.number_of(pid), fd, self.table.argv(pid)?))
    }

    /// The next connection that waits at a listener, and its peer.
    pub fn tcp_accept(&mut self, listener: SocketId) -> Option<(SocketId, SocketAddr)> {
        let id = self.namespace_id();
        let (socket, peer) = self.fabric.with(id, |ns, _| ns.tcp_accept(listener))?;
        Some((self.own(socket), peer))
    }

    /// Begins a connection.
    ///
    /// # Errors
    /// `NetworkUnreachable` when there is no route.
    pub fn tcp_connect(&mut self, peer: SocketAddr) -> Result<SocketId, Errno> {
        let id = self.namespace_id();
        let owner = self.owner();
        let socket = self.fabric.with(id, |ns, cx| ns.speaking_for(owner, |ns| ns.tcp_connect(cx, peer)))?;
        Ok(self.own(socket))
    }

    /// Begins a connection from an own address (unspecified: that of the way) and port (0: a free one).
    ///
    /// # Errors
    /// `NetworkUnreachable` when there is no route, `AddressNotAvailable` when that address cannot be had.
    pub fn tcp_connect_from(&mut self, bound: SocketAddr, peer: SocketAddr) -> Result<SocketId, Errno> {
        let id = self.namespace_id();
        let owner = self.owner();
        let connect =
            |ns: &mut Namespace, cx: &mut _| ns.speaking_for(owner, |ns| ns.tcp_connect_from(cx, bound, peer));
        let socket = self.fabric.with(id, connect)?;
        Ok(self.own(socket))
    }

    /// Where a connection is in its life.
    #[must_use]
    pub fn tcp_state(&self, socket: SocketId) -> TcpState {
        self.network().tcp_state(socket)
    }

    /// Takes bytes to send; how many fitted.
    ///
    /// # Errors
    /// `BrokenPipe`, or what ended the connection.
    pub fn tcp_send(&mut self, socket: SocketId, bytes: &[u8]) -> Result<usize, Errno> {
        let id = self.namespace_id();
        self.fabric.with(id, |ns, cx| ns.tcp_send(cx, socket, bytes))
    }

    /// Takes what came, at most `max` bytes.
    ///
    /// # Errors
    /// What ended the connection.
    pub fn tcp_recv(&mut self, socket: SocketId, max: usize) -> Result<Received, Errno> {
        let id = self.namespace_id();
        self.fabric.with(id, |ns, cx| ns.tcp_recv(cx, socket, max))
    }

    /// Says that nothing more will be sent.
    pub fn tcp_shutdown(&mut self, socket: SocketId) {
        let id = self.namespace_id();
        self.fabric.with(id, |ns, cx| ns.tcp_shutdown(cx, socket));
    }

    /// The address this host would send from to reach `dst`.
    #[must_use]
    pub fn source_for(&self, dst: IpAddr) -> Option<IpAddr> {
        self.network().source_for(dst)
    }

    /// Closes a socket.
    pub fn close(&mut self, socket: SocketId) {
        let id = self.namespace_id();
        self.table.owners.remove(&(id, socket));
        self.table.process_mut(self.pid).sockets.remove(&(id, socket));
        self.fabric.with(id, |ns, cx| ns.close(cx, socket));
    }

    /// Lets this process go on whenever something was done, before anybody else: it sees each change of a network.
    pub fn listen(&mut self) {
        self.table.listeners.insert(self.pid);
    }

    /// A socket that sees all frames of a device of this network, or of all.
    pub fn watch(&mut self, device: Option<IfIndex>) -> SocketId {
        let id = self.namespace_id();
        let socket = self.fabric.with(id, |ns, _| ns.watch(device));
        self.own(socket)
    }

    /// The next frame that such a socket saw.
    pub fn next_seen(&mut self, socket: SocketId) -> Option<Seen> {
        let id = self.namespace_id();
        self.fabric.namespace_mut(id).next_seen(socket)
    }

    /// Sends a frame out of a device, as a packet socket does.
    pub fn send_frame(&mut self, device: IfIndex, frame: Frame) {
        let id = self.namespace_id();
        self.fabric.with(id, |ns, cx| ns.send_frame(cx, device, frame));
    }

    /// How many frames such a socket lost.
    #[must_use]
    pub fn unseen(&self, socket: SocketId) -> u64 {
        self.network().unseen(socket)
    }

    fn own(&mut self, socket: SocketId) -> SocketId {
        let id = self.namespace_id();
        let fd = self.table.free_descriptor(self.pid);
        self.table.adopt(self.pid, id, socket, fd);
        let owner = self.owner();
        self.fabric.namespace_mut(id).set_owner(socket, owner);
        socket
    }

    /// Whose the sockets of this process are.
    fn owner(&self) -> Owner {
        Owner { uid: self.user().uid, gid: self.user().gid }
    }
}
