//! A DNS server that runs in the namespace itself: Docker's at 127.0.0.11, or the LAN's. It carries messages between
//! the network and the server, by UDP and by TCP; what the server answers is its own affair (`dns`), and how queries
//! to another port are led here is that of whoever makes the firewall's rules.
//!
//! How it works: the server has a UDP socket and a TCP listener. What it asks others by UDP leaves by one more socket;
//! by TCP, each question has a connection of its own. All of them are ordinary sockets that no process holds.

mod stream;

use core::net::SocketAddr;
use core::time::Duration;
use std::collections::BTreeMap;

use self::stream::{Role, Stream};
use super::{Cx, Namespace, Received, TcpState};
use crate::dns::{Action, Client, SILENCE, Server, Transport};
use crate::socket::{Errno, Kind, SendOptions, SocketId};
use crate::time::Instant;

/// How long a TCP client may take for its first query, and for each further one (miekg/dns, `dnsTimeout`,
/// `tcpIdleTimeout`).
const FIRST_QUERY: Duration = Duration::from_secs(2);
const NEXT_QUERY: Duration = Duration::from_secs(8);
/// Connections that may wait to be accepted.
const BACKLOG: usize = 128;
/// Bytes taken from a connection at a time.
const CHUNK: usize = 65536;

/// The server and its sockets.
#[derive(Clone)]
pub(super) struct Resolver {
    server: Server,
    datagrams: SocketId,
    listener: SocketId,
    /// The socket that forwarded queries leave by.
    upstream: Option<SocketId>,
    streams: BTreeMap<SocketId, Stream>,
}

impl Resolver {
    pub(super) const fn server_mut(&mut self) -> &mut Server {
        &mut self.server
    }

    /// When it has something to do.
    pub(super) fn next_at(&self) -> Option<Instant> {
        self.streams.values().map(Stream::deadline).chain(self.server.next_at()).min()
    }
}

/// Where a DNS server listens.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Listening {
    /// For datagrams.
    pub udp: SocketAddr,
    /// For connections.
    pub tcp: SocketAddr,
}

impl Namespace {
    /// Runs a DNS server at an address and port (0: a free one for each transport) from now on, in the place of any
    /// other; where that is.
    ///
    /// # Errors
    /// `AddressInUse`, `AddressNotAvailable`.
    pub fn set_resolver(&mut self, cx: &mut Cx, listen: SocketAddr, server: Server) -> Result<Listening, Errno> {
        self.stop_resolver(cx);
        let datagrams = self.udp_bind(listen)?;
        let listener = match self.tcp_listen(listen, BACKLOG) {
            Ok(listener) => listener,
            Err(error) => {
                self.close(cx, datagrams);
                return Err(error);
            }
        };
        self.resolver = Some(Resolver { server, datagrams, listener, upstream: None, streams: BTreeMap::new() });
        let udp = match self.sockets.find(datagrams).map(|s| s.kind) {
            Some(Kind::Udp { local, .. }) => local,
            Some(Kind::Raw { .. }) | None => listen,
        };
        Ok(Listening { udp, tcp: self.tcp_listens_at(listener).unwrap_or(listen) })
    }

    /// Ends the DNS server, if there is one; its ports are closed from now on.
    pub fn stop_resolver(&mut self, cx: &mut Cx) {
        if let Some(old) = self.resolver.take() {
            let sockets = [old.datagrams, old.listener].into_iter().chain(old.upstream).chain(old.streams.into_keys());
            sockets.for_each(|socket| self.close(cx, socket));
        }
    }

    /// Whether a UDP socket is the DNS server's.
    /// Whether there is a DNS server.
    #[must_use]
    pub const fn has_resolver(&self) -> bool {
        self.resolver.is_some()
    }

    pub(super) fn is_resolvers(&self, socket: SocketId) -> bool {
        self.resolver.as_ref().is_some_and(|r| r.datagrams == socket || r.upstream == Some(socket))
    }

    /// A datagram for the server: a query, or what an upstream answered.
    pub(super) fn ask_resolver(&mut self, cx: &mut Cx, socket: SocketId, src: SocketAddr, data: &[u8]) {
        let Some(resolver) = self.resolver.as_mut() else { return };
        let mut actions = Vec::new();
        if socket == resolver.datagrams {
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
        let late = resolver.streams.iter().filter(|(_, s)| s.deadline() <= cx.now).map(|(socket, _)| *socket);
        for socket in late.collect::<Vec<_>>() {
            self.drop_stream(cx, socket);
        }
        self.act_for_resolver(cx, actions);
    }

    fn act_for_resolver(&mut self, cx: &mut Cx, actions: Vec<Action>) {
        for action in actions {
            match action {
                Action::Reply { client, bytes } => self.reply_for_resolver(cx, client, &bytes),
                Action::Query { upstream, transport: Transport::Udp, bytes } => {
                    self.query_upstream(cx, upstream, &bytes);
                }
                Action::Query { upstream, transport: Transport::Tcp, bytes } => {
                    self.connect_upstream(cx, upstream, &bytes);
                }
            }
        }
    }

    /// A client that is gone gets no answer.
    fn reply_for_resolver(&mut self, cx: &mut Cx, client: Client, bytes: &[u8]) {
        let Some(resolver) = self.resolver.as_mut() else { return };
        match client.transport {
            Transport::Udp => {
                let socket = resolver.datagrams;
                let _ = self.send_to(cx, socket, client.addr, bytes, SendOptions::default());
            }
            Transport::Tcp => {
                let of_client = |(_, s): &(&SocketId, &mut Stream)| s.role == Role::Client(client.addr);
                let Some((socket, stream)) = resolver.streams.iter_mut().find(of_client) else { return };
                stream.queue(bytes);
                stream.owed = stream.owed.saturating_sub(1);
                let (socket, done) = (*socket, stream.ended && stream.owed == 0);
                self.flush_stream(cx, socket);
                if done {
                    self.drop_stream(cx, socket);
                }
            }
        }
    }

    /// Forwards a query from this namespace, an ordinary datagram.
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

    /// Forwards a TCP client's query by a connection from this namespace.
    fn connect_upstream(&mut self, cx: &mut Cx, upstream: SocketAddr, query: &[u8]) {
        let connected = self.tcp_connect(cx, upstream);
        let Some(resolver) = self.resolver.as_mut() else { return };
        match connected {
            Ok(socket) => {
                let mut stream =
                    Stream::new(Role::Upstream { server: upstream, query: query.to_owned() }, cx.now + SILENCE);
                stream.queue(query);
                resolver.streams.insert(socket, stream);
            }
            Err(_) => self.upstream_broke_off(cx, query),
        }
    }

    fn upstream_broke_off(&mut self, cx: &mut Cx, query: &[u8]) {
        let Some(resolver) = self.resolver.as_mut() else { return };
        let mut actions = Vec::new();
        resolver.server.handle_broken(cx.now, query, &mut actions);
        self.act_for_resolver(cx, actions);
    }

    /// Looks after the server's TCP connections: new ones, what came by them and what they wait to send.
    pub(super) fn attend_resolver(&mut self, cx: &mut Cx) {
        let Some(listener) = self.resolver.as_ref().map(|r| r.listener) else { return };
        while let Some((socket, peer)) = self.tcp_accept(listener) {
            let stream = Stream::new(Role::Client(peer), cx.now + FIRST_QUERY);
            self.resolver.iter_mut().for_each(|r| drop(r.streams.insert(socket, stream.clone())));
        }
        let sockets: Vec<SocketId> = self.resolver.iter().flat_map(|r| r.streams.keys().copied()).collect();
        for socket in sockets {
            self.flush_stream(cx, socket);
            self.read_stream(cx, socket);
        }
    }

    /// Takes what came by a connection; its messages go to the server.
    fn read_stream(&mut self, cx: &mut Cx, socket: SocketId) {
        let ended = loop {
            let received = self.tcp_recv(cx, socket, CHUNK);
            let Some(stream) = self.resolver.as_mut().and_then(|r| r.streams.get_mut(&socket)) else { return };
            match received {
                Ok(Received::Data(bytes)) => stream.receive(&bytes),
                Ok(Received::Blocked) => break false,
                Ok(Received::Closed) | Err(_) => break true,
            }
            while let Some(message) = self.next_message(socket) {
                self.take_message(cx, socket, &message);
            }
        };
        if ended {
            self.end_stream(cx, socket);
        }
    }

    fn next_message(&mut self, socket: SocketId) -> Option<Vec<u8>> {
        self.resolver.as_mut()?.streams.get_mut(&socket)?.next_message()
    }

    fn take_message(&mut self, cx: &mut Cx, socket: SocketId, message: &[u8]) {
        let Some(resolver) = self.resolver.as_mut() else { return };
        let Some(stream) = resolver.streams.get_mut(&socket) else { return };
        let mut actions = Vec::new();
        match stream.role.clone() {
            Role::Client(addr) => {
                stream.extend(cx.now + NEXT_QUERY);
                stream.owed += 1;
                let client = Client { addr, transport: Transport::Tcp };
                resolver.server.handle_query(cx.now, client, message, &mut actions);
            }
            Role::Upstream { server, .. } => {
                resolver.server.handle_response(cx.now, server, message, &mut actions);
                self.drop_stream(cx, socket);
            }
        }
        self.act_for_resolver(cx, actions);
    }

    /// The peer of a connection sends no more: a client may still wait for answers, an upstream failed.
    fn end_stream(&mut self, cx: &mut Cx, socket: SocketId) {
        let Some(stream) = self.resolver.as_mut().and_then(|r| r.streams.get_mut(&socket)) else { return };
        stream.ended = true;
        match stream.role.clone() {
            Role::Client(_) if stream.owed > 0 => {}
            Role::Client(_) => self.drop_stream(cx, socket),
            Role::Upstream { query, .. } => {
                self.drop_stream(cx, socket);
                self.upstream_broke_off(cx, &query);
            }
        }
    }

    fn drop_stream(&mut self, cx: &mut Cx, socket: SocketId) {
        if self.resolver.as_mut().is_some_and(|r| r.streams.remove(&socket).is_some()) {
            self.close(cx, socket);
        }
    }

    /// Sends what waits, as far as the connection stands and has room.
    fn flush_stream(&mut self, cx: &mut Cx, socket: SocketId) {
        if !matches!(self.tcp_state(socket), TcpState::Established | TcpState::CloseWait) {
            return;
        }
        while let Some(waiting) = self.resolver.as_ref().and_then(|r| r.streams.get(&socket)).map(Stream::waiting) {
            let waiting = waiting.to_vec();
            match self.tcp_send(cx, socket, &waiting) {
                Ok(sent) if sent > 0 => self.resolver.iter_mut().for_each(|r| {
                    r.streams.entry(socket).and_modify(|s| s.sent(sent));
                }),
                Ok(_) | Err(_) => return,
            }
        }
    }
}
