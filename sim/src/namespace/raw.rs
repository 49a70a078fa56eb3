//! Raw sockets: a copy of every packet of one protocol, for ping and traceroute.

use core::net::SocketAddr;

use super::{Cx, Namespace};
use crate::device::IfIndex;
use crate::packet::Ip;
use crate::socket::{Datagram, Kind, SocketId};

impl Namespace {
    /// A socket that sees every packet of an IP protocol that is delivered here.
    pub fn raw_open(&mut self, protocol: u8) -> SocketId {
        self.sockets.open(Kind::Raw { protocol })
    }

    /// Copies a packet to who watches its protocol; whether somebody does.
    pub(super) fn deliver_raw(&mut self, cx: &mut Cx, index: IfIndex, ip: &Ip, data: &[u8]) -> bool {
        let watchers = self.sockets.raw_for(ip.protocol, self.outer_device(index));
        let any = !watchers.is_empty();
        for socket in watchers {
            let datagram = Datagram { src: SocketAddr::new(ip.src, 0), dst: ip.dst, ttl: ip.ttl, data: data.to_vec() };
            if self.sockets.push(socket, datagram) {
                cx.woken.push(socket);
            }
        }
        any
    }
}
