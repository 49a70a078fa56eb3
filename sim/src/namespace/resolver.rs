//! A DNS server that runs in the namespace itself: Docker's at 127.0.0.11, or the LAN's. It carries datagrams between
//! the network and the server; what it answers is the server's affair (`dns`).

use core::net::SocketAddr;

use super::{Cx, Namespace};
use crate::dns::{Action, Client, Server, Transport};
use crate::packet::build::{self, Parts};
use crate::packet::protocol;
use crate::socket::{Discovery, Kind, SendOptions, SocketId};

/// The server and its sockets.
pub(super) struct Resolver {
    pub(super) server: Server,
    listen: SocketAddr,
    /// The socket that forwarded queries leave by.
    upstream: Option<SocketId>,
}

impl Namespace {
    /// Runs a DNS server at `listen` from now on, in the place of any other.
    pub fn set_resolver(&mut self, listen: SocketAddr, server: Server) {
        self.resolver = Some(Resolver { server, listen, upstream: None });
    }

    /// Whether a datagram to `dst` is for the namespace's own DNS server.
    pub(super) fn resolver_takes(&self, dst: SocketAddr) -> bool {
        self.resolver.as_ref().is_some_and(|r| r.listen == dst || r.upstream_port(self) == Some(dst.port()))
    }

    /// A datagram for the server: a query, or what an upstream answered.
    pub(super) fn ask_resolver(&mut self, cx: &mut Cx, src: SocketAddr, dst: SocketAddr, data: &[u8]) {
        let Some(resolver) = self.resolver.as_mut() else { return };
        let mut actions = Vec::new();
        if dst == resolver.listen {
            let client = Client { addr: src, transport: Transport::Udp };
            resolver.server.handle_query(cx.now, client, data, &mut actions);
        } else {
            resolver.server.handle_response(cx.now, src, data, &mut actions);
        }
        self.act_for_resolver(cx, actions);
    }

    pub(super) fn poll_resolver(&mut self, cx: &mut Cx) {
        let Some(resolver) = self.resolver.as_mut() else { return };
        let mut actions = Vec::new();
        resolver.server.poll(cx.now, &mut actions);
        self.act_for_resolver(cx, actions);
    }

    fn act_for_resolver(&mut self, cx: &mut Cx, actions: Vec<Action>) {
        for action in actions {
            match action {
                Action::Reply { client, bytes } => self.reply_for_resolver(cx, client, &bytes),
                Action::Query { upstream, bytes } => self.query_upstream(cx, upstream, &bytes),
            }
        }
    }

    fn reply_for_resolver(&mut self, cx: &mut Cx, client: Client, bytes: &[u8]) {
        let Some(listen) = self.resolver.as_ref().map(|r| r.listen) else { return };
        let (src, dst) = (listen.ip(), client.addr.ip());
        let payload = build::udp(listen.port(), client.addr.port(), bytes);
        // A client that has no address any more gets no answer.
        let _ = self.send(cx, &Parts::new(src, dst, protocol::UDP, &payload), Discovery::Want);
    }

    /// Forwards a query from this namespace, an ordinary datagram. An upstream without a route stays silent.
    fn query_upstream(&mut self, cx: &mut Cx, upstream: SocketAddr, bytes: &[u8]) {
        let Some(socket) = self.upstream_socket(upstream) else { return };
        if self.send_to(cx, socket, upstream, bytes, SendOptions::default()).is_err() {
            self.upstream_failed(cx, upstream);
        }
    }

    /// An upstream cannot be reached: the server goes on to the next at once.
    pub(super) fn upstream_failed(&mut self, cx: &mut Cx, upstream: SocketAddr) {
        let Some(resolver) = self.resolver.as_mut() else { return };
        let mut actions = Vec::new();
        resolver.server.handle_unreachable(cx.now, upstream, &mut actions);
        self.act_for_resolver(cx, actions);
    }

    fn upstream_socket(&mut self, upstream: SocketAddr) -> Option<SocketId> {
        if let Some(socket) = self.resolver.as_ref()?.upstream {
            return Some(socket);
        }
        let any = SocketAddr::new(crate::addr::unspecified(upstream.ip()), 0);
        let socket = self.udp_bind(any).ok()?;
        self.resolver.as_mut()?.upstream = Some(socket);
        Some(socket)
    }
}

impl Resolver {
    fn upstream_port(&self, namespace: &Namespace) -> Option<u16> {
        match namespace.sockets.find(self.upstream?)?.kind {
            Kind::Udp { local, .. } => Some(local.port()),
            Kind::Raw { .. } => None,
        }
    }
}
