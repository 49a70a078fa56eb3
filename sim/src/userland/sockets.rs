//! The sockets of a network, as programs list them: one row a socket, in the order in which Linux dumps them. How a row
//! is printed is the affair of `ss` and `netstat`.

use core::net::{IpAddr, Ipv4Addr, SocketAddr};

use super::Sys;
use crate::addr::Family;
use crate::namespace::TcpState;
use crate::socket::{Kind, SocketId};

/// What a socket speaks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Transport {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
}

/// Where a socket is in its life, as the kernel numbers it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum State {
    /// A connection stands, or a UDP socket has a peer.
    Established,
    /// The first segment of ours is out.
    SynSent,
    /// The first segment of a peer came.
    SynReceived,
    /// We said that we send no more.
    FinWait1,
    /// And the peer acknowledged it.
    FinWait2,
    /// Both have ended; late segments are still taken.
    TimeWait,
    /// Nothing, or a UDP socket without a peer.
    Closed,
    /// The peer sends no more.
    CloseWait,
    /// Neither do we; the peer has not acknowledged it.
    LastAck,
    /// It waits for connections.
    Listen,
    /// Both ended at once.
    Closing,
}

impl From<TcpState> for State {
    fn from(state: TcpState) -> Self {
        match state {
            TcpState::Closed => Self::Closed,
            TcpState::Listen => Self::Listen,
            TcpState::SynSent => Self::SynSent,
            TcpState::SynReceived => Self::SynReceived,
            TcpState::Established => Self::Established,
            TcpState::FinWait1 => Self::FinWait1,
            TcpState::FinWait2 => Self::FinWait2,
            TcpState::CloseWait => Self::CloseWait,
            TcpState::Closing => Self::Closing,
            TcpState::LastAck => Self::LastAck,
            TcpState::TimeWait => Self::TimeWait,
        }
    }
}

/// Who has a socket.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Holder {
    /// The name of the program.
    pub program: String,
    /// Its process.
    pub pid: u32,
    /// The file descriptor.
    pub fd: u32,
}

/// A socket.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Row {
    /// The socket.
    pub socket: SocketId,
    /// What it speaks.
    pub transport: Transport,
    /// Its family: a socket for both is of IPv6.
    pub family: Family,
    /// Whether it takes both families at any address.
    pub dual: bool,
    /// Where it is in its life.
    pub state: State,
    /// Bytes that wait to be read, or connections to be accepted.
    pub received: usize,
    /// Bytes that are not acknowledged, or connections that may wait.
    pub unsent: usize,
    /// Our address.
    pub local: SocketAddr,
    /// The peer's; none for who has no peer.
    pub peer: Option<SocketAddr>,
    /// Who has it; nobody any more when it only says goodbye.
    pub holder: Option<Holder>,
}

impl Row {
    /// Whether it is of the transports that are asked for, TCP and UDP, and of the family, if one is.
    #[must_use]
    pub fn is_of(&self, [tcp, udp]: [bool; 2], family: Option<Family>) -> bool {
        let is_wanted = match self.transport {
            Transport::Tcp => tcp,
            Transport::Udp => udp,
        };
        is_wanted && family.is_none_or(|family| family == self.family)
    }

    /// Whether it waits for somebody, without a peer.
    #[must_use]
    pub const fn waits(&self) -> bool {
        matches!(self.state, State::Listen | State::Closed)
    }
}

/// The TCP sockets of this network: IPv4 before IPv6, listeners before connections.
#[must_use]
pub fn tcp(sys: &Sys<'_>) -> Vec<Row> {
    let network = sys.network();
    let listeners = network.tcp_listeners().map(|l| Row {
        socket: l.socket,
        transport: Transport::Tcp,
        family: Family::of(l.local.ip()),
        dual: l.dual,
        state: State::Listen,
        received: l.waiting,
        unsent: l.backlog,
        local: l.local,
        peer: None,
        holder: holder(sys, l.socket),
    });
    let connections = network.tcp_connections().map(|c| Row {
        socket: c.socket,
        transport: Transport::Tcp,
        family: if c.local.is_ipv4() && !c.dual { Family::V4 } else { Family::V6 },
        dual: false,
        state: c.state.into(),
        received: c.received,
        unsent: c.unsent,
        local: mapped(c.local, c.dual),
        peer: Some(mapped(c.peer, c.dual)),
        holder: holder(sys, c.socket),
    });
    let mut rows: Vec<Row> = listeners.chain(connections).filter(|row| row.state != State::Closed).collect();
    rows.sort_by_key(|row| row.family);
    rows
}

/// The UDP sockets of this network, IPv4 before IPv6.
#[must_use]
pub fn udp(sys: &Sys<'_>) -> Vec<Row> {
    let sockets = sys.network().sockets().iter().filter_map(|(id, socket)| match socket.kind {
        Kind::Udp { local, peer } => Some(Row {
            socket: id,
            transport: Transport::Udp,
            family: Family::of(local.ip()),
            dual: false,
            state: if peer.is_some() { State::Established } else { State::Closed },
            received: socket.waiting(),
            unsent: 0,
            local,
            peer,
            holder: holder(sys, id),
        }),
        Kind::Raw { .. } => None,
    });
    let mut rows: Vec<Row> = sockets.collect();
    rows.sort_by_key(|row| row.family);
    rows
}

fn holder(sys: &Sys<'_>, socket: SocketId) -> Option<Holder> {
    let (pid, fd, argv) = sys.holder(socket)?;
    let path = argv.first().map_or("", String::as_str);
    // The kernel keeps 15 bytes of a program's name.
    let program = path.rsplit('/').next().unwrap_or(path).chars().take(15).collect();
    Some(Holder { program, pid: pid.0, fd })
}

/// An IPv4 address as a socket for both families sees it.
fn mapped(at: SocketAddr, dual: bool) -> SocketAddr {
    match at.ip() {
        IpAddr::V4(v4) if dual => SocketAddr::new(v4.to_ipv6_mapped().into(), at.port()),
        _ => at,
    }
}

/// The address that stands for "any peer" of a family.
pub(super) const fn anybody(family: Family) -> IpAddr {
    match family {
        Family::V4 => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        Family::V6 => IpAddr::V6(core::net::Ipv6Addr::UNSPECIFIED),
    }
}
