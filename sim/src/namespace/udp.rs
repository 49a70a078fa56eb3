//! UDP: datagrams to and from sockets. The state of a socket is in the socket table.

use core::net::{IpAddr, SocketAddr};

use super::icmp::Gravity;
use super::problem::Problem;
use super::{Cx, Namespace};
use crate::addr::family;
use crate::device::IfIndex;
use crate::drop::DropReason;
use crate::filter::subject::Owner;
use crate::frame::Frame;
use crate::netfilter::Passage;
use crate::packet::build::{self, Parts, UpperChecksum};
use crate::packet::{Ip, protocol};
use crate::route::policy::Flow;
use crate::socket::{Datagram, Errno, Kind, SendOptions, SocketId};

impl Namespace {
    /// A UDP socket at a local address (unspecified: any) and port (0: a free one).
    ///
    /// # Errors
    /// `AddressInUse`, or `AddressNotAvailable` when the address is none of this host's.
    pub fn udp_bind(&mut self, local: SocketAddr) -> Result<SocketId, Errno> {
        if !local.ip().is_unspecified() && !self.can_bind(local.ip()) {
            return Err(Errno::AddressNotAvailable);
        }
        let local = if local.port() == 0 { self.free_udp_port(local.ip())? } else { local };
        if !self.sockets.is_free(local) {
            return Err(Errno::AddressInUse);
        }
        Ok(self.sockets.open(Kind::Udp { local, peer: None }))
    }

    /// A free port, beginning at a random one.
    fn free_udp_port(&mut self, ip: IpAddr) -> Result<SocketAddr, Errno> {
        let mut locals = self.ephemeral_ports().map(|port| SocketAddr::new(ip, port));
        locals.find(|local| self.sockets.is_free(*local)).ok_or(Errno::AddressInUse)
    }

    /// The ports that a socket without one may be given, beginning at random, as Linux does.
    pub(super) fn ephemeral_ports(&mut self) -> impl Iterator<Item = u16> + use<> {
        let (first, last) = self.sysctl.local_ports;
        let count = u64::from(last - first) + 1;
        let start = self.rng.below(count);
        (0..count).filter_map(move |n| u16::try_from(u64::from(first) + (start + n) % count).ok())
    }

    /// Says whose a socket is, for the firewall.
    pub fn set_owner(&mut self, socket: SocketId, owner: Owner) {
        self.owners.insert(socket, owner);
    }

    /// Does something for somebody, whose sockets those are that come of it.
    pub fn speaking_for<T>(&mut self, owner: Owner, act: impl FnOnce(&mut Self) -> T) -> T {
        self.speaking_as(Some(owner), act)
    }

    /// The same for whoever has a socket.
    pub(super) fn speaking_by<T>(&mut self, socket: SocketId, act: impl FnOnce(&mut Self) -> T) -> T {
        self.speaking_as(self.owners.get(&socket).copied(), act)
    }

    fn speaking_as<T>(&mut self, owner: Option<Owner>, act: impl FnOnce(&mut Self) -> T) -> T {
        self.speaker = owner;
        let done = act(self);
        self.speaker = None;
        done
    }

    /// Lets a socket send and hear by one device alone, whatever the routes say (`SO_BINDTODEVICE`).
    pub fn bind_to_device(&mut self, socket: SocketId, device: IfIndex) {
        self.sockets.bind_to_device(socket, device);
    }

    /// The name of the device that a socket is bound to, if it is.
    fn bound_to(&self, socket: SocketId) -> Option<String> {
        let device = self.sockets.find(socket)?.device?;
        self.devices.get(&device).map(|device| device.name.clone())
    }

    /// Fixes the peer of a UDP socket, so that ICMP errors reach it.
    ///
    /// # Errors
    /// `NetworkUnreachable` when there is no route.
    pub fn udp_connect(&mut self, socket: SocketId, peer: SocketAddr) -> Result<(), Errno> {
        let (src, port) = match self.sockets.find(socket).map(|socket| socket.kind) {
            Some(Kind::Udp { local, .. }) => (Some(local.ip()), local.port()),
            Some(Kind::Raw { .. }) | None => (None, 0),
        };
        let (src, ports) = (src.filter(|src| !src.is_unspecified()), ports(port, peer.port()));
        let bound_to = self.bound_to(socket);
        let oif = bound_to.as_deref();
        let flow = Flow { src, oif, protocol: protocol::UDP, upper: &ports, ..Flow::to(peer.ip()) };
        let source = self.source_of_connection(&flow)?;
        self.sockets.connect(socket, source, peer);
        Ok(())
    }

    /// Sends a datagram on a UDP socket, or a message on a raw one.
    ///
    /// # Errors
    /// `NetworkUnreachable`, `MessageTooLong`, or an error that came for an earlier datagram.
    pub fn send_to(
        &mut self,
        cx: &mut Cx,
        socket: SocketId,
        dst: SocketAddr,
        data: &[u8],
        options: SendOptions,
    ) -> Result<(), Errno> {
        self.speaking_by(socket, |ns| ns.send_from(cx, socket, dst, data, options))
    }

    fn send_from(
        &mut self,
        cx: &mut Cx,
        socket: SocketId,
        dst: SocketAddr,
        data: &[u8],
        options: SendOptions,
    ) -> Result<(), Errno> {
        if let Some(error) = self.sockets.take_error(socket) {
            return Err(error);
        }
        let found = self.sockets.find(socket).ok_or(Errno::BadFile)?;
        let (kind, is_found) = (found.kind, found.is_source_found && dst.is_ipv6());
        let bound = match kind {
            Kind::Udp { local, .. } if !local.ip().is_unspecified() => Some(local.ip()),
            Kind::Udp { .. } | Kind::Raw { .. } => None,
        };
        let bound = options.source.or(bound);
        let (protocol, ports) = match kind {
            Kind::Udp { local, .. } => (protocol::UDP, ports(local.port(), dst.port())),
            Kind::Raw { protocol } => (protocol, [0; 4]),
        };
        // A connection of IPv6 keeps the way that was found before it had a source.
        let asking = bound.filter(|_| !is_found);
        let bound_to = self.bound_to(socket);
        let oif = bound_to.as_deref();
        let flow = Flow { src: asking, oif, tos: options.tos, protocol, upper: &ports, ..Flow::to(dst.ip()) };
        let way = self.way_of(&flow).map_err(|problem| self.no_way_out(dst.ip(), problem))?;
        let src = bound.or_else(|| self.source_on(way, dst.ip())).ok_or(Errno::AddressNotAvailable)?;
        let (protocol, payload) = match kind {
            Kind::Udp { local, .. } if data.len() <= 65507 => {
                (protocol::UDP, build::udp(local.port(), dst.port(), data))
            }
            Kind::Udp { .. } => return Err(Errno::MessageTooLong),
            Kind::Raw { protocol } => (protocol, data.to_vec()),
        };
        // More than IPv4 can say is refused before anything is looked at (`ping_common_sendmsg`).
        if data.len() > 65535 && dst.is_ipv4() {
            return Err(Errno::MessageTooLong);
        }
        // Whoever sends ICMP by a raw socket computes its checksum; that of ICMPv6 the kernel fills in (RFC 3542 §3.1).
        let given = matches!(kind, Kind::Raw { protocol } if protocol != protocol::ICMPV6);
        let parts = Parts {
            ttl: options.ttl.unwrap_or_else(|| self.own_ttl(src, way.limits)),
            tos: options.tos,
            upper_checksum: if given { UpperChecksum::Given } else { UpperChecksum::Fill },
            ..Parts::new(src, dst.ip(), protocol, &payload)
        };
        let sent = self.send(cx, way, &parts, options.discovery, Passage::default());
        if sent == Err(Errno::MessageTooLong) {
            let widest = if dst.is_ipv4() { 65535 } else { usize::MAX };
            self.sockets.note_room(socket, self.path_mtu(cx.now, way, dst.ip()).min(widest));
        }
        sent
    }

    /// The next datagram of a UDP or raw socket, if one has come.
    ///
    /// # Errors
    /// `ConnectionRefused` and the like when an ICMP error came for a connected socket.
    pub fn recv_from(&mut self, socket: SocketId) -> Result<Option<Datagram>, Errno> {
        match self.sockets.pop(socket) {
            Some(datagram) => Ok(Some(datagram)),
            None => self.sockets.take_error(socket).map_or(Ok(None), Err),
        }
    }

    /// The UDP and raw sockets that are open.
    #[must_use]
    pub const fn sockets(&self) -> &crate::socket::Table {
        &self.sockets
    }

    /// Closes a socket of any kind. A TCP connection says goodbye first.
    pub fn close(&mut self, cx: &mut Cx, socket: SocketId) {
        self.owners.remove(&socket);
        if !self.watchers.close(socket) && !self.sockets.close(socket) {
            self.close_tcp(cx, socket);
        }
    }

    pub(super) fn receive_udp(&mut self, cx: &mut Cx, index: IfIndex, ip: &Ip, frame: &Frame) {
        let Some((src, dst, data)) = udp_parts(ip, frame.payload()) else {
            self.drop_frame(cx, Some(index), DropReason::Malformed, frame);
            return;
        };
        let datagram = |data: &[u8]| Datagram { src, dst: ip.dst, ttl: ip.ttl, data: data.to_vec() };
        let is_ours = self.is_local(ip.dst) || !self.is_for_many(ip.dst);
        let by = self.outer_device(index);
        let receivers = if is_ours {
            self.sockets.udp_for(dst, src, by).into_iter().collect()
        } else {
            self.sockets.udp_all_for(dst, src, by)
        };
        if receivers.is_empty() {
            self.drop_frame(cx, Some(index), DropReason::NoSocket, frame);
            let counters = &mut self.mib.udp[family(ip.dst)];
            counters.no_ports += u64::from(is_ours);
            counters.ignored_groups += u64::from(!is_ours);
            // Where the outside has the datagram too it is the outside's to complain.
            let is_shared = self.devices.get(&index).is_some_and(|d| d.outside);
            if is_ours && !is_shared {
                self.complain(cx, Problem::PortUnreachable, frame.payload());
            }
        }
        for socket in receivers {
            if self.is_resolvers(socket) {
                self.ask_resolver(cx, socket, src, data);
            } else if self.is_tunnels(socket) {
                self.unwrap_datagram(cx, index, socket, (src.ip(), data), frame);
            } else if self.sockets.push(socket, datagram(data)) {
                self.mib.udp[family(ip.dst)].received += 1;
                cx.woken.push(socket);
            } else {
                let counters = &mut self.mib.udp[family(ip.dst)];
                counters.full += 1;
                counters.errors += 1;
                self.drop_frame(cx, Some(index), DropReason::SocketFull, frame);
            }
        }
    }

    /// The device by which something came; none for lo, by which every socket hears.
    pub(super) fn outer_device(&self, index: IfIndex) -> Option<IfIndex> {
        let is_loopback = self.devices.get(&index).is_some_and(crate::device::Device::is_loopback);
        Some(index).filter(|_| !is_loopback)
    }

    /// An error for a datagram that was sent: only a socket with a peer learns of it.
    pub(super) fn blame_udp(&mut self, cx: &mut Cx, sent: &Ip, errno: Errno, gravity: Gravity) {
        let Some((sport, dport)) = sent.ports() else { return };
        let (local, peer) = (SocketAddr::new(sent.src, sport), SocketAddr::new(sent.dst, dport));
        let Some(socket) = self.sockets.udp_for(local, peer, None) else { return };
        if self.is_resolvers(socket) {
            self.upstream_failed(cx, peer);
            return;
        }
        let is_connected = matches!(self.sockets.find(socket).map(|s| s.kind), Some(Kind::Udp { peer: Some(_), .. }));
        if is_connected && gravity == Gravity::Final {
            self.sockets.fail(socket, errno);
            cx.woken.push(socket);
        }
    }
}

/// Source, destination and data of a UDP datagram; none when its length lies.
fn udp_parts<'a>(ip: &Ip, packet: &'a [u8]) -> Option<(SocketAddr, SocketAddr, &'a [u8])> {
    let (sport, dport) = ip.ports()?;
    let segment = &packet[ip.header_len..ip.total_len];
    let len = usize::from(u16::from_be_bytes([*segment.get(4)?, *segment.get(5)?]));
    let data = segment.get(8..len)?;
    Some((SocketAddr::new(ip.src, sport), SocketAddr::new(ip.dst, dport), data))
}

/// Two ports as a packet begins with them.
pub(super) const fn ports(src: u16, dst: u16) -> [u8; 4] {
    let ([a, b], [c, d]) = (src.to_be_bytes(), dst.to_be_bytes());
    [a, b, c, d]
}
