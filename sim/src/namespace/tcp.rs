//! TCP: connections, listeners and who a segment belongs to. The state machine of a connection is smoltcp's; finding
//! it, accepting, refusing and closing are ours.
//!
//! How it works: every connection is one smoltcp socket in a set of its own, found by its four addresses in one
//! look-up. One smoltcp interface per MTU serves them all: it has no address of its own, takes any, and its device
//! is a slot with at most one packet in it. A listener is an entry of ours; a SYN for it makes the socket. After
//! everything that touches a connection it is polled: what it wants to send leaves as ordinary packets, and its next
//! timer is noted.

mod time_wait;

use core::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use indexmap::IndexMap;
use rustc_hash::FxBuildHasher;
use smoltcp::iface::{Config, Interface, PollIngressSingleResult, PollResult, SocketHandle, SocketSet};
use smoltcp::phy::{Checksum, Device, DeviceCapabilities, Medium, RxToken, TxToken};
use smoltcp::socket::tcp::{self, Socket, SocketBuffer, State};
use smoltcp::wire::{HardwareAddress, IpListenEndpoint, TcpPacket, TcpSeqNumber};

use self::time_wait::{Outcome, Parting, TimeWait, acknowledgment};
use super::udp::ports;
use super::{Cx, Namespace};
use crate::addr::unspecified;
use crate::drop::DropReason;
use crate::frame::Frame;
use crate::netfilter::Passage;
use crate::packet::{Ip, Upper, protocol, tcp_flag};
use crate::route::policy::Flow;
use crate::socket::{Errno, SocketId};
use crate::time::{Duration, Instant};

/// Bytes a connection can hold in each direction. With delayed ACKs smoltcp stalls for 10 ms a window of this size,
/// so they are off.
const BUFFER: usize = 65536;
/// How long a connection that stands goes without an acknowledgment (`tcp_retries2` 15), and how long at most one that
/// is tried waits between two SYNs (`TCP_RTO_MAX`).
const LONGEST_PAUSE: u64 = 120;
const DATA_TIMEOUT: smoltcp::time::Duration = smoltcp::time::Duration::from_secs(924);
/// How long the peer of a connection that nobody holds has time to say goodbye (`tcp_fin_timeout`).
const FAREWELL: Duration = Duration::from_secs(60);
/// Rounds of sending after one event: a full window of small segments.
const ROUNDS: usize = 4096;

/// Where a connection is in its life, by the names of RFC 9293.
pub type TcpState = State;

/// The four addresses of a connection: ours and the peer's.
type Tuple = (SocketAddr, SocketAddr);

/// What a read from a connection gave.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Received {
    /// Some bytes.
    Data(Vec<u8>),
    /// Nothing yet.
    Blocked,
    /// The peer will send no more.
    Closed,
}

/// A listener, as `ss` shows it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ListenerView {
    /// The socket.
    pub socket: SocketId,
    /// Where it listens.
    pub local: SocketAddr,
    /// Whether it takes both families.
    pub dual: bool,
    /// Connections that wait to be accepted.
    pub waiting: usize,
    /// How many may.
    pub backlog: usize,
}

/// A connection, as `ss` shows it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ConnectionView {
    /// The socket.
    pub socket: SocketId,
    /// Our address.
    pub local: SocketAddr,
    /// The peer's.
    pub peer: SocketAddr,
    /// Whether it came to a listener for both families.
    pub dual: bool,
    /// Where it is in its life.
    pub state: TcpState,
    /// Bytes that nobody has read.
    pub received: usize,
    /// Bytes that nobody has acknowledged.
    pub unsent: usize,
}

struct Connection {
    set: SocketSet<'static>,
    handle: SocketHandle,
    tuple: Tuple,
    /// The listener that it waits at to be accepted.
    listener: Option<SocketId>,
    /// Whether it came to a listener for both families.
    dual: bool,
    /// Whether this host began it.
    is_begun: bool,
    /// Nobody holds it: it only says goodbye.
    orphan: bool,
    timer: Option<Instant>,
    error: Option<Errno>,
    /// What the peer acknowledged last while our FIN alone was on its way.
    acknowledged: Option<TcpSeqNumber>,
    /// Up to where we sent: what begins before it is sent again.
    sent: Option<TcpSeqNumber>,
    /// Up to where we said that the peer was heard.
    heard: Option<TcpSeqNumber>,
    /// Where the peer began, if it did.
    began: Option<TcpSeqNumber>,
    /// Until when the peer's goodbye is waited for, where nobody holds the connection any more.
    patience: Option<Instant>,
}

#[derive(Clone)]
struct Listener {
    local: SocketAddr,
    /// Whether it takes IPv4 too, as an IPv6 socket does that was not told otherwise.
    dual: bool,
    backlog: usize,
    waiting: VecDeque<SocketId>,
    pending: usize,
}

/// Who takes a segment that no connection takes.
enum Greeting {
    Connection(SocketId),
    Full,
    Nobody,
}

impl Listener {
    /// Whether it takes connections to this address.
    fn takes(&self, local: SocketAddr) -> bool {
        let family = self.local.is_ipv4() == local.is_ipv4() || self.dual;
        self.local == local || (self.local.port() == local.port() && self.local.ip().is_unspecified() && family)
    }

    /// Whether it and another cannot both be.
    fn clashes(&self, local: SocketAddr, dual: bool) -> bool {
        self.takes(local)
            || (self.local.port() == local.port() && local.ip().is_unspecified() && {
                self.local.is_ipv4() == local.is_ipv4() || dual
            })
    }
}

/// All connections and listeners of a namespace.
#[derive(Default)]
pub(super) struct Tcp {
    interfaces: BTreeMap<usize, Interface>,
    connections: BTreeMap<SocketId, Connection>,
    tuples: IndexMap<Tuple, SocketId, FxBuildHasher>,
    listeners: BTreeMap<SocketId, Listener>,
    time_wait: TimeWait,
    timers: BTreeSet<(Instant, SocketId)>,
}

impl Clone for Tcp {
    /// A copy in which all connections were reset, for what smoltcp keeps of one cannot be copied.
    fn clone(&self) -> Self {
        let held = self.connections.iter().filter(|(_, connection)| !connection.orphan);
        Self {
            interfaces: BTreeMap::new(),
            connections: held.map(|(id, connection)| (*id, connection.severed())).collect(),
            tuples: self.tuples.iter().filter(|(_, id)| !self.is_orphan(**id)).map(|(t, id)| (*t, *id)).collect(),
            listeners: self.listeners.clone(),
            time_wait: self.time_wait.clone(),
            timers: BTreeSet::new(),
        }
    }
}

/// How long a connection is tried for that is tried again so often (`tcp_syn_retries`): a second at first, then twice as long.
fn syn_patience(retries: u32) -> smoltcp::time::Duration {
    let pauses = (0..=retries).map(|n| 1_u64.checked_shl(n).unwrap_or(u64::MAX).min(LONGEST_PAUSE));
    smoltcp::time::Duration::from_secs(pauses.sum())
}

/// A set with a socket in it that is not connected; it holds so many bytes in each direction.
fn unconnected(buffer: usize) -> (SocketSet<'static>, SocketHandle) {
    let buffer = || SocketBuffer::new(vec![0; buffer]);
    let mut socket = Socket::new(buffer(), buffer());
    socket.set_ack_delay(None);
    socket.set_timeout(Some(syn_patience(6)));
    let mut set = SocketSet::new(Vec::with_capacity(1));
    let handle = set.add(socket);
    (set, handle)
}

impl Tcp {
    pub(super) fn next_at(&self) -> Option<Instant> {
        let timer = self.timers.first().map(|(at, _)| *at);
        timer.into_iter().chain(self.time_wait.next_at()).min()
    }

    /// Whether the ends, local and remote, are those of a connection, be it one that has ended.
    fn is_used(&self, tuple: Tuple) -> bool {
        self.tuples.contains_key(&tuple) || self.time_wait.get(tuple).is_some()
    }

    fn is_orphan(&self, id: SocketId) -> bool {
        self.connections.get(&id).is_some_and(|connection| connection.orphan)
    }

    fn listener_for(&self, local: SocketAddr) -> Option<SocketId> {
        let mut all = self.listeners.iter().filter(|(_, l)| l.takes(local));
        all.clone().find(|(_, l)| l.local == local).or_else(|| all.next()).map(|(id, _)| *id)
    }

    /// Whether there is a connection between these ends, local and remote, or a listener that could make one.
    pub(super) fn has(&self, tuple: Tuple) -> bool {
        self.is_used(tuple) || self.listener_for(tuple.0).is_some()
    }

    /// Whether another listener keeps one from listening there.
    fn is_taken(&self, local: SocketAddr, dual: bool) -> bool {
        self.listeners.values().any(|other| other.clashes(local, dual))
    }

    fn remove(&mut self, id: SocketId) {
        let Some(connection) = self.connections.remove(&id) else { return };
        self.tuples.swap_remove(&connection.tuple);
        if let Some(at) = connection.timer {
            self.timers.remove(&(at, id));
        }
        if let Some(listener) = connection.listener.and_then(|l| self.listeners.get_mut(&l)) {
            listener.waiting.retain(|w| *w != id);
            listener.pending = listener.pending.saturating_sub(1);
        }
    }
}

impl Connection {
    /// What is left of it when it was reset.
    fn severed(&self) -> Self {
        let (set, handle) = unconnected(0);
        Self { set, handle, timer: None, error: Some(Errno::ConnectionReset), ..*self }
    }

    fn socket(&mut self) -> &mut Socket<'static> {
        self.set.get_mut(self.handle)
    }

    /// Whether a segment says nothing but what the peer has acknowledged before, while our FIN alone is on its way.
    /// smoltcp 0.14 must not count those: at the third it means to send the first bytes again, finds that there are
    /// none, and has stopped the timer that would have sent the FIN again.
    fn is_repetition(&mut self, packet: &[u8]) -> bool {
        let socket = self.socket();
        let says_goodbye = matches!(socket.state(), State::FinWait1 | State::Closing | State::LastAck);
        if !says_goodbye || socket.send_queue() > 0 {
            return false;
        }
        let Some(ip) = Ip::parse(packet) else { return false };
        let Ok(segment) = TcpPacket::new_checked(&packet[ip.upper_at()..]) else { return false };
        let is_bare = segment.segment_len() == 0 && segment.ack() && !segment.rst();
        is_bare && self.acknowledged.replace(segment.ack_number()) == Some(segment.ack_number())
    }

    /// Whether a packet of ours says nothing that was not sent before; where both ends stand by it is noted.
    fn repeats(&mut self, packet: &[u8]) -> bool {
        let Some(ip) = Ip::parse(packet) else { return false };
        let Ok(segment) = TcpPacket::new_checked(&packet[ip.upper_at()..]) else { return false };
        let end = segment.seq_number() + segment.segment_len();
        let is_old = segment.segment_len() > 0 && self.sent.is_some_and(|sent| end <= sent);
        if !is_old {
            self.sent = Some(end);
        }
        if segment.ack() {
            self.heard = Some(segment.ack_number());
        }
        is_old
    }

    /// Notes what a change of state means to who holds the connection: `packet` made it, or a timer.
    fn judge(&mut self, before: State, packet: Option<&[u8]>) {
        let after = self.socket().state();
        if before != State::Established && after == State::Established {
            self.socket().set_timeout(Some(DATA_TIMEOUT));
        }
        if after != State::Closed || before == State::Closed || self.orphan {
            return;
        }
        let reset = packet
            .and_then(Ip::parse)
            .is_some_and(|ip| matches!(ip.upper, Upper::Tcp { flags, .. } if flags & tcp_flag::RST != 0));
        self.error = match (packet, reset, before) {
            (Some(_), true, State::SynSent) => Some(Errno::ConnectionRefused),
            // Who has heard the goodbye reads the end, and finds the pipe broken when it writes (`tcp_reset`).
            (Some(_), true, State::CloseWait) => None,
            (Some(_), true, _) => Some(Errno::ConnectionReset),
            (Some(_), false, _) => None,
            (None, _, State::TimeWait) => None,
            (None, ..) => self.error.or(Some(Errno::TimedOut)),
        };
    }
}

impl Namespace {
    /// Listens at an address (unspecified: any) and port (0: a free one). At most `backlog` connections wait to be
    /// accepted.
    ///
    /// # Errors
    /// `AddressInUse`, `AddressNotAvailable`.
    pub fn tcp_listen(&mut self, local: SocketAddr, backlog: usize) -> Result<SocketId, Errno> {
        self.add_listener(local, false, backlog)
    }

    /// Listens at every address of both families with one socket.
    ///
    /// # Errors
    /// `AddressInUse`.
    pub fn tcp_listen_dual(&mut self, port: u16, backlog: usize) -> Result<SocketId, Errno> {
        self.add_listener(SocketAddr::new(Ipv6Addr::UNSPECIFIED.into(), port), true, backlog)
    }

    fn add_listener(&mut self, local: SocketAddr, dual: bool, backlog: usize) -> Result<SocketId, Errno> {
        if !local.ip().is_unspecified() && !self.can_bind(local.ip()) {
            return Err(Errno::AddressNotAvailable);
        }
        let local = if local.port() == 0 { self.free_listening_port(local.ip(), dual)? } else { local };
        if self.tcp.is_taken(local, dual) {
            return Err(Errno::AddressInUse);
        }
        let id = self.sockets.allocate();
        let backlog = backlog.min(self.sysctl.somaxconn).max(1);
        let listener = Listener { local, dual, backlog, waiting: VecDeque::new(), pending: 0 };
        self.tcp.listeners.insert(id, listener);
        Ok(id)
    }

    fn free_listening_port(&mut self, ip: IpAddr, dual: bool) -> Result<SocketAddr, Errno> {
        let mut locals = self.ephemeral_ports().map(|port| SocketAddr::new(ip, port));
        locals.find(|local| !self.tcp.is_taken(*local, dual)).ok_or(Errno::AddressInUse)
    }

    /// Where a listener listens.
    #[must_use]
    pub fn tcp_listens_at(&self, listener: SocketId) -> Option<SocketAddr> {
        self.tcp.listeners.get(&listener).map(|l| l.local)
    }

    /// The next connection that waits at a listener, if one does, and who its peer is.
    pub fn tcp_accept(&mut self, listener: SocketId) -> Option<(SocketId, SocketAddr)> {
        let entry = self.tcp.listeners.get_mut(&listener)?;
        let id = entry.waiting.pop_front()?;
        entry.pending = entry.pending.saturating_sub(1);
        let connection = self.tcp.connections.get_mut(&id)?;
        connection.listener = None;
        Some((id, connection.tuple.1))
    }

    /// Begins a connection. It is there when [`Namespace::tcp_state`] says `Established`.
    ///
    /// # Errors
    /// `NetworkUnreachable` when there is no route, `AddressNotAvailable` when no port is free.
    pub fn tcp_connect(&mut self, cx: &mut Cx, peer: SocketAddr) -> Result<SocketId, Errno> {
        self.tcp_connect_from(cx, SocketAddr::new(unspecified(peer.ip()), 0), peer)
    }

    /// Begins a connection from an own address (unspecified: that of the way) and port (0: a free one).
    ///
    /// # Errors
    /// As of [`Self::tcp_connect`]; `AddressNotAvailable` also when the address is none of ours, or the port has such a
    /// connection.
    pub fn tcp_connect_from(&mut self, cx: &mut Cx, bound: SocketAddr, peer: SocketAddr) -> Result<SocketId, Errno> {
        let src = Some(bound.ip()).filter(|addr| !addr.is_unspecified());
        if src.is_some_and(|addr| !self.can_bind(addr)) {
            return Err(Errno::AddressNotAvailable);
        }
        let ports = ports(bound.port(), peer.port());
        let flow = Flow { src, protocol: protocol::TCP, upper: &ports, ..Flow::to(peer.ip()) };
        // From no address at all smoltcp does not speak.
        let found = self.source_of_connection(&flow)?;
        if found.is_unspecified() {
            return Err(Errno::NetworkUnreachable);
        }
        let source = src.unwrap_or(found);
        let local = match bound.port() {
            0 => self.free_tcp_port(source, peer)?,
            port => Some(SocketAddr::new(source, port))
                .filter(|local| !self.tcp.is_used((*local, peer)))
                .ok_or(Errno::AddressNotAvailable)?,
        };
        let mtu = self.connection_mtu(cx.now, peer.ip());
        let id = self.add_connection((local, peer), None);
        self.owners.extend(self.speaker.map(|owner| (id, owner)));
        let interface = self.interface(cx, mtu);
        let patience = syn_patience(self.sysctl.syn_retries);
        let connection = self.tcp.connections.get_mut(&id).expect("it was just added");
        let begun = {
            let interface = self.tcp.interfaces.get_mut(&interface).expect("it was just made");
            connection.is_begun = src.is_none();
            connection.socket().set_timeout(Some(patience));
            connection.socket().connect(interface.context(), peer, local)
        };
        if begun.is_err() {
            self.tcp.remove(id);
            return Err(Errno::Invalid);
        }
        self.mib.tcp.begun += 1;
        self.poll_connection(cx, id, None);
        Ok(id)
    }

    fn free_tcp_port(&mut self, source: IpAddr, peer: SocketAddr) -> Result<SocketAddr, Errno> {
        let mut locals = self.ephemeral_ports().map(|port| SocketAddr::new(source, port));
        locals.find(|local| !self.tcp.is_used((*local, peer))).ok_or(Errno::AddressNotAvailable)
    }

    fn add_connection(&mut self, tuple: Tuple, listener: Option<SocketId>) -> SocketId {
        let id = self.sockets.allocate();
        let (mut set, handle) = unconnected(BUFFER);
        let (own, peer) = (tuple.0.ip(), tuple.1.ip());
        let hop_limit = self.own_ttl(own, self.limits_between(own, peer));
        set.get_mut::<Socket<'_>>(handle).set_hop_limit(Some(hop_limit));
        let dual = listener.and_then(|id| self.tcp.listeners.get(&id)).is_some_and(|listener| listener.dual);
        let connection = Connection {
            set,
            handle,
            tuple,
            listener,
            dual,
            is_begun: listener.is_none(),
            orphan: false,
            timer: None,
            error: None,
            acknowledged: None,
            sent: None,
            heard: None,
            began: None,
            patience: None,
        };
        self.tcp.connections.insert(id, connection);
        self.tcp.tuples.insert(tuple, id);
        id
    }

    fn connection_mtu(&self, now: Instant, peer: IpAddr) -> usize {
        self.way_to(peer).map_or(1500, |way| self.path_mtu(now, way, peer)).min(65535)
    }

    /// The interface that serves connections of this MTU, made when there is none.
    fn interface(&mut self, cx: &Cx, mtu: usize) -> usize {
        let random_seed = self.rng.u64();
        self.tcp.interfaces.entry(mtu).or_insert_with(|| {
            let mut config = Config::new(HardwareAddress::Ip);
            config.random_seed = random_seed;
            let mut interface = Interface::new(config, &mut Slot::new(mtu, None), cx.now.to_smoltcp());
            interface.set_any_ip(true);
            interface
        });
        mtu
    }

    pub(super) fn receive_tcp(&mut self, cx: &mut Cx, ip: &Ip, frame: &Frame) {
        let Some((sport, dport)) = ip.ports() else { return };
        let tuple = (SocketAddr::new(ip.dst, dport), SocketAddr::new(ip.src, sport));
        let packet = &frame.payload()[..ip.total_len];
        let known = self.tcp.tuples.get(&tuple).copied();
        if known.is_none() && ip.dst.is_ipv4() && !self.is_local(ip.dst) {
            // For many, or for what only rules lead here: IPv4 would not let an answer from there pass.
            return self.drop_frame(cx, None, DropReason::NoSocket, frame);
        }
        if known.is_none() && self.hear_parted(cx, tuple, ip, packet) {
            return;
        }
        match known.map_or_else(|| self.greet(tuple, ip, packet), Greeting::Connection) {
            Greeting::Connection(id) => {
                self.poll_connection(cx, id, Some(packet));
                self.attend_resolver(cx);
            }
            Greeting::Full => {
                self.mib.tcp.overflows += 1;
                self.drop_frame(cx, None, DropReason::SocketFull, frame);
            }
            Greeting::Nobody => {
                self.drop_frame(cx, None, DropReason::NoSocket, frame);
                self.reset(cx, packet, &Passage::default());
            }
        }
    }

    /// A segment for a connection that has ended; false when it is for none, or begins a new one.
    fn hear_parted(&mut self, cx: &mut Cx, tuple: Tuple, ip: &Ip, packet: &[u8]) -> bool {
        let Some(parting) = self.tcp.time_wait.get(tuple) else { return false };
        let Ok(segment) = TcpPacket::new_checked(&packet[ip.upper_at()..]) else { return true };
        let is_open = self.tcp.listener_for(tuple.0).is_some();
        let outcome = self.tcp.time_wait.hear(cx.now, tuple, parting, &segment, is_open);
        if outcome == Outcome::Acknowledge {
            self.mib.tcp.sent += 1;
            self.send_built(cx, &acknowledgment(tuple, parting), false, Passage::default());
        }
        outcome != Outcome::Anew
    }

    /// A segment without a connection: a SYN for a listener makes one, unless too many wait there already (Linux drops
    /// it then, so that the peer tries again).
    fn greet(&mut self, tuple: Tuple, ip: &Ip, packet: &[u8]) -> Greeting {
        let flags = tcp_flag::SYN | tcp_flag::ACK | tcp_flag::RST;
        if !matches!(ip.upper, Upper::Tcp { flags: f, .. } if f & flags == tcp_flag::SYN) {
            return Greeting::Nobody;
        }
        let Some(listener) = self.tcp.listener_for(tuple.0) else { return Greeting::Nobody };
        let Some(entry) = self.tcp.listeners.get_mut(&listener) else { return Greeting::Nobody };
        if entry.pending >= entry.backlog {
            return Greeting::Full;
        }
        entry.pending += 1;
        let id = self.add_connection(tuple, Some(listener));
        let endpoint = IpListenEndpoint { addr: Some(tuple.0.ip().into()), port: tuple.0.port() };
        let connection = self.tcp.connections.get_mut(&id).expect("it was just added");
        connection.socket().listen(endpoint).expect("a fresh socket can listen");
        connection.began = TcpPacket::new_checked(&packet[ip.upper_at()..]).ok().map(|segment| segment.seq_number());
        Greeting::Connection(id)
    }

    /// Answers a segment that belongs to nobody: an interface without sockets says how (RFC 9293 §3.10.7.1).
    pub(super) fn reset(&mut self, cx: &mut Cx, packet: &[u8], passage: &Passage) {
        let mtu = self.interface(cx, 1500);
        let Some(interface) = self.tcp.interfaces.get_mut(&mtu) else { return };
        let mut slot = Slot::new(mtu, Some(packet));
        let mut none = SocketSet::new(Vec::new());
        interface.poll_ingress_single(cx.now.to_smoltcp(), &mut slot, &mut none);
        self.mib.tcp.sent += slot.sent.len() as u64;
        for packet in slot.sent {
            self.send_built(cx, &packet, false, passage.clone());
        }
    }

    /// Lets a connection take a packet and its timers, sends what it wants, and notes when it wants to be asked again.
    fn poll_connection(&mut self, cx: &mut Cx, id: SocketId, packet: Option<&[u8]>) {
        self.speaking_by(id, |ns| ns.go_on(cx, id, packet));
    }

    fn go_on(&mut self, cx: &mut Cx, id: SocketId, packet: Option<&[u8]>) {
        let Some(peer) = self.tcp.connections.get(&id).map(|c| c.tuple.1.ip()) else { return };
        let mtu = self.connection_mtu(cx.now, peer);
        let mtu = self.interface(cx, mtu);
        let tcp = &mut self.tcp;
        let (Some(connection), Some(interface)) = (tcp.connections.get_mut(&id), tcp.interfaces.get_mut(&mtu)) else {
            return;
        };
        let now = cx.now.to_smoltcp();
        let (before, is_begun) = (connection.socket().state(), connection.is_begun);
        let packet = packet.filter(|packet| !connection.is_repetition(packet));
        let mut slot = Slot::new(mtu, packet);
        if packet.is_some() {
            let result = interface.poll_ingress_single(now, &mut slot, &mut connection.set);
            debug_assert!(result != PollIngressSingleResult::None, "the slot held a packet");
        }
        for _ in 0..ROUNDS {
            if interface.poll_egress(now, &mut slot, &mut connection.set) == PollResult::None {
                break;
            }
        }
        if connection.orphan && connection.socket().can_recv() {
            // Nobody will read it (`TCPAbortOnData`).
            connection.socket().abort();
            interface.poll_egress(now, &mut slot, &mut connection.set);
        }
        connection.judge(before, packet);
        let after = connection.socket().state();
        if connection.orphan && after == State::FinWait2 {
            connection.patience.get_or_insert(cx.now + FAREWELL);
        }
        let repeated = slot.sent.iter().filter(|packet| connection.repeats(packet)).count() as u64;
        let next = interface.poll_at(now, &connection.set).map(Instant::from_smoltcp);
        let next = next.into_iter().chain(connection.patience).min();
        self.note_timer(id, next.map(|at| at.max(cx.now)));
        self.mib.tcp.repeated += repeated;
        self.mib.tcp.sent += slot.sent.len() as u64 - repeated;
        self.count_change(before, after);
        for packet in slot.sent {
            self.send_built(cx, &packet, is_begun, Passage::default());
        }
        self.after_poll(cx, id);
    }

    fn note_timer(&mut self, id: SocketId, next: Option<Instant>) {
        let Some(connection) = self.tcp.connections.get_mut(&id) else { return };
        if let Some(old) = core::mem::replace(&mut connection.timer, next) {
            self.tcp.timers.remove(&(old, id));
        }
        if let Some(at) = next {
            self.tcp.timers.insert((at, id));
        }
    }

    /// Tells who waits for the connection what became of it.
    fn after_poll(&mut self, cx: &mut Cx, id: SocketId) {
        let Some(connection) = self.tcp.connections.get_mut(&id) else { return };
        let state = connection.socket().state();
        let (orphan, listener) = (connection.orphan, connection.listener);
        if state == State::Closed && (orphan || listener.is_some()) {
            self.tcp.remove(id);
            return;
        }
        if state == State::TimeWait && orphan {
            self.part(cx.now, id);
            return;
        }
        let ready = !matches!(state, State::Listen | State::SynReceived);
        if let Some(listener) = listener.filter(|_| ready)
            && let Some(entry) = self.tcp.listeners.get_mut(&listener)
        {
            if !entry.waiting.contains(&id) {
                entry.waiting.push_back(id);
            }
            cx.woken.push(listener);
        }
        cx.woken.push(id);
    }

    /// Nobody holds a connection that has ended: its addresses wait.
    fn part(&mut self, now: Instant, id: SocketId) {
        let Some(connection) = self.tcp.connections.get(&id) else { return };
        let &Connection { tuple, dual, began, .. } = connection;
        let stood = connection.sent.zip(connection.heard);
        self.tcp.remove(id);
        if let Some((next, awaited)) = stood {
            self.tcp.time_wait.add(now, tuple, Parting { socket: id, dual, began, next, awaited });
        }
    }

    pub(super) fn poll_tcp(&mut self, cx: &mut Cx) {
        self.tcp.time_wait.expire(cx.now);
        while let Some((_, id)) = self.tcp.timers.first().copied().filter(|(at, _)| *at <= cx.now) {
            self.note_timer(id, None);
            let patience = self.tcp.connections.get(&id).and_then(|connection| connection.patience);
            if patience.is_some_and(|until| until <= cx.now) {
                self.tcp.remove(id);
                continue;
            }
            self.poll_connection(cx, id, None);
            self.attend_resolver(cx);
        }
    }

    /// Where a connection is in its life; `Closed` when there is none.
    #[must_use]
    pub fn tcp_state(&self, socket: SocketId) -> TcpState {
        let connection = self.tcp.connections.get(&socket);
        connection.map_or(State::Closed, |c| c.set.get::<Socket<'_>>(c.handle).state())
    }

    /// The listeners, oldest first.
    pub fn tcp_listeners(&self) -> impl Iterator<Item = ListenerView> {
        self.tcp.listeners.iter().map(|(id, listener)| ListenerView {
            socket: *id,
            local: listener.local,
            dual: listener.dual,
            waiting: listener.waiting.len(),
            backlog: listener.backlog,
        })
    }

    /// The connections, oldest first, those that only say goodbye included; behind them those that have ended.
    pub fn tcp_connections(&self) -> impl Iterator<Item = ConnectionView> {
        let held = self.tcp.connections.iter().map(|(id, connection)| {
            let socket = connection.set.get::<Socket<'_>>(connection.handle);
            ConnectionView {
                socket: *id,
                local: connection.tuple.0,
                peer: connection.tuple.1,
                dual: connection.dual,
                state: socket.state(),
                received: socket.recv_queue(),
                unsent: socket.send_queue(),
            }
        });
        let parted = self.tcp.time_wait.iter().map(|((local, peer), parting)| ConnectionView {
            socket: parting.socket,
            local,
            peer,
            dual: parting.dual,
            state: State::TimeWait,
            received: 0,
            unsent: 0,
        });
        held.chain(parted)
    }

    /// How many connections there are, those that only say goodbye and those that have ended included.
    #[must_use]
    pub fn tcp_count(&self) -> usize {
        self.tcp.connections.len() + self.tcp.time_wait.len()
    }

    /// Our and the peer's address of a connection.
    #[must_use]
    pub fn tcp_addresses(&self, socket: SocketId) -> Option<(SocketAddr, SocketAddr)> {
        self.tcp.connections.get(&socket).map(|c| c.tuple)
    }

    /// Takes bytes to send; how many of them fitted.
    ///
    /// # Errors
    /// `BrokenPipe` when the connection can send no more, or what ended it.
    pub fn tcp_send(&mut self, cx: &mut Cx, socket: SocketId, bytes: &[u8]) -> Result<usize, Errno> {
        let connection = self.tcp.connections.get_mut(&socket).ok_or(Errno::NotConnected)?;
        if let Some(error) = connection.error.take() {
            return Err(error);
        }
        let taken = connection.socket().send_slice(bytes).map_err(|tcp::SendError::InvalidState| Errno::BrokenPipe)?;
        // A full buffer has nothing new to send, and who finds it full must not be woken by having asked.
        if taken > 0 {
            self.poll_connection(cx, socket, None);
        }
        Ok(taken)
    }

    /// Takes what came, at most `max` bytes.
    ///
    /// # Errors
    /// `ConnectionReset`, `ConnectionRefused` and the like when that ended the connection.
    pub fn tcp_recv(&mut self, cx: &mut Cx, socket: SocketId, max: usize) -> Result<Received, Errno> {
        let connection = self.tcp.connections.get_mut(&socket).ok_or(Errno::NotConnected)?;
        if !connection.socket().can_recv() {
            // What came before an error is read before it.
            let error = connection.error.take();
            let tcp = connection.socket();
            return match (error, tcp.may_recv(), tcp.state()) {
                (Some(error), _, _) => Err(error),
                (None, true, _) | (None, _, State::SynSent | State::SynReceived) => Ok(Received::Blocked),
                (None, false, _) => Ok(Received::Closed),
            };
        }
        let tcp = connection.socket();
        let mut bytes = vec![0; tcp.recv_queue().min(max)];
        let len = tcp.recv_slice(&mut bytes).map_err(|_| Errno::NotConnected)?;
        bytes.truncate(len);
        self.poll_connection(cx, socket, None);
        Ok(Received::Data(bytes))
    }

    /// Says that we send no more; what was taken is still sent.
    pub fn tcp_shutdown(&mut self, cx: &mut Cx, socket: SocketId) {
        if let Some(connection) = self.tcp.connections.get_mut(&socket) {
            connection.socket().close();
            self.poll_connection(cx, socket, None);
        }
    }

    /// Lets a connection go, or a listener with those who wait at it.
    pub(super) fn close_tcp(&mut self, cx: &mut Cx, socket: SocketId) {
        if let Some(listener) = self.tcp.listeners.remove(&socket) {
            listener.waiting.into_iter().for_each(|id| self.abort(cx, id));
            return;
        }
        let Some(connection) = self.tcp.connections.get_mut(&socket) else { return };
        connection.orphan = true;
        let unread = connection.socket().can_recv();
        if unread {
            self.abort(cx, socket);
        } else {
            self.tcp_shutdown(cx, socket);
        }
    }

    /// Ends a connection with a reset.
    fn abort(&mut self, cx: &mut Cx, id: SocketId) {
        if let Some(connection) = self.tcp.connections.get_mut(&id) {
            connection.orphan = true;
            connection.socket().abort();
            self.poll_connection(cx, id, None);
        }
    }

    /// An ICMP error for a segment of ours. Before the connection stands it ends the attempt; later it is ignored, as
    /// RFC 5461 has it.
    pub(super) fn blame_tcp(&mut self, cx: &mut Cx, sent: &Ip, errno: Errno) {
        let Some((sport, dport)) = sent.ports() else { return };
        let tuple = (SocketAddr::new(sent.src, sport), SocketAddr::new(sent.dst, dport));
        let Some(id) = self.tcp.tuples.get(&tuple).copied() else { return };
        let Some(connection) = self.tcp.connections.get_mut(&id) else { return };
        if errno != Errno::MessageTooLong && connection.socket().state() == State::SynSent {
            connection.error = Some(errno);
            connection.socket().abort();
        }
        self.poll_connection(cx, id, None);
        self.attend_resolver(cx);
    }
}

/// smoltcp's device for us: at most one packet comes in, what goes out is collected.
struct Slot<'a> {
    mtu: usize,
    packet: Option<&'a [u8]>,
    sent: Vec<Vec<u8>>,
}

impl<'a> Slot<'a> {
    const fn new(mtu: usize, packet: Option<&'a [u8]>) -> Self {
        Self { mtu, packet, sent: Vec::new() }
    }
}

impl Device for Slot<'_> {
    type RxToken<'b>
        = Incoming<'b>
    where
        Self: 'b;
    type TxToken<'b>
        = Outgoing<'b>
    where
        Self: 'b;

    fn receive(&mut self, _: smoltcp::time::Instant) -> Option<(Incoming<'_>, Outgoing<'_>)> {
        let packet = self.packet.take()?;
        Some((Incoming(packet), Outgoing(&mut self.sent)))
    }

    fn transmit(&mut self, _: smoltcp::time::Instant) -> Option<Outgoing<'_>> {
        Some(Outgoing(&mut self.sent))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ip;
        capabilities.max_transmission_unit = self.mtu;
        // Who hands a segment in has looked at its checksum.
        capabilities.checksum.tcp = Checksum::Tx;
        capabilities
    }
}

struct Incoming<'a>(&'a [u8]);

impl RxToken for Incoming<'_> {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, take: F) -> R {
        take(self.0)
    }
}

struct Outgoing<'a>(&'a mut Vec<Vec<u8>>);

impl TxToken for Outgoing<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, fill: F) -> R {
        let mut packet = vec![0; len];
        let result = fill(&mut packet);
        self.0.push(packet);
        result
    }
}
