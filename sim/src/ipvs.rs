//! Load balancing in the kernel (Linux's IPVS): connections to a service are given to its servers in turn, and what follows
//! of a connection goes to the same server. It finds out who gets a packet; the packet is changed by others.
//!
//! How it works: a service is what carries a firewall mark (`ipvsadm -f`). The first packet of a connection is given to the
//! next server (`rr`), which is noted under the packet's tuple; both directions are found there again. It forwards by
//! masquerading (`-m`): the destination becomes the server, and the source of what comes back becomes the service. The port
//! stays. Connections go through Linux's states for masquerading (`ip_vs_proto_tcp.c`) and end by their deadlines. A connection whose server was taken away is forgotten with
//! its next packet, which is dropped, as with `expire_nodest_conn`.

use core::net::IpAddr;

use indexmap::IndexMap;
use rustc_hash::FxBuildHasher;

use crate::conntrack::Tuple;
use crate::packet::{Ip, Upper, tcp_flag};
use crate::time::{Duration, Instant};

/// Connections that a namespace remembers at most.
pub const MAX: usize = 262_144;
/// How often ended connections are forgotten, and how often when the table is full.
const SWEEP: Duration = Duration::from_mins(1);
const SWEEP_FULL: Duration = Duration::from_secs(1);

/// What passed of a service or of one of its servers: of clients, and of servers.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Counts {
    /// Connections.
    pub connections: u64,
    /// Packets and bytes of clients.
    pub came: (u64, u64),
    /// Packets and bytes of servers.
    pub went: (u64, u64),
}

/// A server of a service.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Server {
    /// Where it is.
    pub addr: IpAddr,
    /// What it was given.
    pub counts: Counts,
}

/// A service.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Service {
    /// The mark of the packets that are for it.
    pub mark: u32,
    /// Its servers, in the order of their turns.
    pub servers: Vec<Server>,
    /// What passed of it.
    pub counts: Counts,
    /// Whose turn it was.
    last: Option<usize>,
}

/// How far a connection is, by what has passed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum State {
    /// Nothing has passed.
    None,
    /// It is open.
    Established,
    /// The server began one.
    SynSent,
    /// A SYN came.
    SynReceived,
    /// The server has closed it.
    FinWait,
    /// Both ends have closed it.
    TimeWait,
    /// It was reset.
    Close,
    /// The client has closed it.
    CloseWait,
    /// Datagrams.
    Udp,
}

/// Which way a packet goes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Way {
    /// To the server.
    There,
    /// To the client.
    Back,
}

impl State {
    const fn timeout(self) -> Duration {
        match self {
            Self::None => Duration::from_secs(2),
            Self::SynReceived | Self::CloseWait => Duration::from_mins(1),
            Self::Established => Duration::from_mins(15),
            Self::FinWait | Self::SynSent | Self::TimeWait => Duration::from_mins(2),
            Self::Close => Duration::from_secs(10),
            Self::Udp => Duration::from_mins(5),
        }
    }

    /// The name by which it is listed.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "NONE",
            Self::Established => "ESTABLISHED",
            Self::SynSent => "SYN_SENT",
            Self::SynReceived => "SYN_RECV",
            Self::FinWait => "FIN_WAIT",
            Self::TimeWait => "TIME_WAIT",
            Self::Close => "CLOSE",
            Self::CloseWait => "CLOSE_WAIT",
            Self::Udp => "UDP",
        }
    }

    /// Whether it counts as active.
    #[must_use]
    pub const fn is_active(self) -> bool {
        matches!(self, Self::Established | Self::SynSent | Self::SynReceived)
    }

    /// Linux's table of what follows what (`tcp_states`).
    const fn after(self, upper: Upper, way: Way) -> Self {
        let Upper::Tcp { flags, .. } = upper else { return Self::Udp };
        if flags & tcp_flag::RST != 0 {
            match (way, self) {
                (Way::There, Self::SynReceived) | (Way::Back, Self::SynSent | Self::TimeWait) => self,
                _ => Self::Close,
            }
        } else if flags & tcp_flag::SYN != 0 {
            match (way, self) {
                (_, Self::Established) | (Way::There, Self::SynSent) => Self::Established,
                (Way::There, _) | (Way::Back, Self::SynReceived) => Self::SynReceived,
                (Way::Back, _) => Self::SynSent,
            }
        } else if flags & tcp_flag::FIN != 0 {
            match (way, self) {
                (_, Self::SynSent) => Self::SynSent,
                (_, Self::Close) | (Way::There, Self::None) => Self::Close,
                (Way::There, Self::Established | Self::CloseWait) => Self::CloseWait,
                (Way::Back, Self::Established | Self::FinWait) => Self::FinWait,
                _ => Self::TimeWait,
            }
        } else {
            match self {
                Self::None | Self::SynReceived => Self::Established,
                _ => self,
            }
        }
    }
}

/// A connection.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Connection {
    /// Client and service, as its first packet had them.
    pub client: Tuple,
    /// Its server.
    pub server: IpAddr,
    /// The mark of its service.
    pub mark: u32,
    /// How far it is.
    pub state: State,
    /// When it ends unless a packet passes.
    pub deadline: Instant,
}

impl Connection {
    /// A packet to the server.
    #[must_use]
    pub const fn there(&self) -> Tuple {
        Tuple { dst: self.server, ..self.client }
    }
}

/// What becomes of a packet that comes in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Turn {
    /// It is none of a service.
    Nobody,
    /// It goes to the server of this connection.
    To(Connection),
    /// The server of its connection was taken away.
    Gone,
    /// Its service has no server.
    Unserved,
}

/// The services and connections of a namespace.
#[derive(Clone, Debug, Default)]
pub struct Table {
    services: Vec<Service>,
    connections: IndexMap<Tuple, Connection, FxBuildHasher>,
    /// The clients' tuples by those of answers.
    answers: IndexMap<Tuple, Tuple, FxBuildHasher>,
    /// When ended connections were last forgotten.
    swept: Instant,
}

impl Table {
    /// Whether no packet can be of a service: there is none, and no connection is left of one.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.services.is_empty() && self.connections.is_empty()
    }

    /// The services, in the order of their coming.
    #[must_use]
    pub fn services(&self) -> &[Service] {
        &self.services
    }

    /// The connections that live.
    pub fn connections(&self, now: Instant) -> impl Iterator<Item = &Connection> {
        self.connections.values().filter(move |connection| connection.deadline > now)
    }

    /// Counts from nothing again.
    pub fn zero(&mut self) {
        for service in &mut self.services {
            service.counts = Counts::default();
            service.servers.iter_mut().for_each(|server| server.counts = Counts::default());
        }
    }

    /// How many connections a server has: those that are active, and others.
    #[must_use]
    pub fn load(&self, now: Instant, mark: u32, server: IpAddr) -> (usize, usize) {
        let own = self.connections(now).filter(|connection| connection.mark == mark && connection.server == server);
        own.fold(
            (0, 0),
            |(active, other), connection| {
                if connection.state.is_active() { (active + 1, other) } else { (active, other + 1) }
            },
        )
    }

    /// Has a service with these servers, which keep their turns as far as they were there; none without servers.
    pub fn set(&mut self, mark: u32, servers: Vec<IpAddr>) {
        let at = self.services.iter().position(|service| service.mark == mark);
        match (at, servers.is_empty()) {
            (Some(at), true) => drop(self.services.remove(at)),
            (None, true) => {}
            (None, false) => {
                let servers = servers.into_iter().map(|addr| Server { addr, counts: Counts::default() });
                let (servers, counts) = (servers.collect(), Counts::default());
                self.services.push(Service { mark, servers, counts, last: None });
            }
            (Some(at), false) => {
                let service = &mut self.services[at];
                let last = service.last.map(|last| service.servers[last].addr);
                service.last = last.and_then(|last| servers.iter().position(|server| *server == last));
                let known = core::mem::take(&mut service.servers);
                let kept = |addr: IpAddr| known.iter().find(|server| server.addr == addr).map(|server| server.counts);
                service.servers = servers
                    .iter()
                    .map(|addr| Server { addr: *addr, counts: kept(*addr).unwrap_or_default() })
                    .collect();
            }
        }
    }

    /// Who gets a packet that comes in with this mark.
    pub fn take(&mut self, now: Instant, mark: u32, ip: &Ip) -> Turn {
        if !matches!(ip.upper, Upper::Tcp { .. } | Upper::Udp { .. }) {
            return Turn::Nobody;
        }
        let client = Tuple::of(ip);
        if let Some(connection) = self.connections.get(&client).filter(|connection| connection.deadline > now) {
            let connection = *connection;
            if !self.has_server(connection.mark, connection.server) {
                self.forget(&client);
                return Turn::Gone;
            }
            return Turn::To(self.go_on(now, connection, ip, Way::There));
        }
        let begins = match ip.upper {
            Upper::Tcp { flags, .. } => flags & (tcp_flag::SYN | tcp_flag::ACK) == tcp_flag::SYN,
            _ => true,
        };
        let Some(service) = self.services.iter_mut().find(|service| service.mark == mark).filter(|_| begins) else {
            return Turn::Nobody;
        };
        if service.servers.is_empty() {
            return Turn::Unserved;
        }
        let next = service.last.map_or(0, |last| (last + 1) % service.servers.len());
        service.last = Some(next);
        let server = &mut service.servers[next];
        server.counts.connections += 1;
        service.counts.connections += 1;
        let connection = Connection { client, server: server.addr, mark, state: State::None, deadline: now };
        self.make_room(now);
        Turn::To(self.go_on(now, connection, ip, Way::There))
    }

    /// The connection that a packet on its way back, or an error about one on its way there, belongs to.
    pub fn answer(&mut self, now: Instant, packet: &[u8], ip: &Ip) -> Option<Connection> {
        let tuple = ip.quoted(packet).map_or_else(|| Tuple::of(ip), |inner| Tuple::of(&inner).inverse());
        let client = *self.answers.get(&tuple)?;
        let connection = *self.connections.get(&client).filter(|connection| connection.deadline > now)?;
        Some(if ip.is_icmp_error() { connection } else { self.go_on(now, connection, ip, Way::Back) })
    }

    fn has_server(&self, mark: u32, server: IpAddr) -> bool {
        self.services
            .iter()
            .any(|service| service.mark == mark && service.servers.iter().any(|known| known.addr == server))
    }

    fn go_on(&mut self, now: Instant, connection: Connection, ip: &Ip, way: Way) -> Connection {
        if let Some(service) = self.services.iter_mut().find(|service| service.mark == connection.mark) {
            let server = service.servers.iter_mut().find(|server| server.addr == connection.server);
            for counts in server.map(|server| &mut server.counts).into_iter().chain([&mut service.counts]) {
                let (packets, bytes) = match way {
                    Way::There => &mut counts.came,
                    Way::Back => &mut counts.went,
                };
                *packets += 1;
                *bytes += u64::try_from(ip.total_len).unwrap_or_default();
            }
        }
        let state = connection.state.after(ip.upper, way);
        let connection = Connection { state, deadline: now + state.timeout(), ..connection };
        self.answers.insert(connection.there().inverse(), connection.client);
        self.connections.insert(connection.client, connection);
        connection
    }

    fn forget(&mut self, client: &Tuple) {
        if let Some(connection) = self.connections.swap_remove(client) {
            self.answers.swap_remove(&connection.there().inverse());
        }
    }

    /// Forgets what has ended now and then, and one more when there are still too many.
    fn make_room(&mut self, now: Instant) {
        let rest = if self.connections.len() >= MAX { SWEEP_FULL } else { SWEEP };
        if now.since(self.swept) >= rest {
            self.swept = now;
            let ended: Vec<Tuple> = self.connections.values().filter(|c| c.deadline <= now).map(|c| c.client).collect();
            ended.iter().for_each(|client| self.forget(client));
        }
        if self.connections.len() >= MAX
            && let Some(client) = self.connections.get_index(0).map(|(client, _)| *client)
        {
            self.forget(&client);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::sample;
    use crate::packet::tcp_flag::{ACK, FIN, SYN};

    const VIP: &str = "10.0.1.2";

    fn table() -> Table {
        let mut table = Table::default();
        table.set(256, ["10.0.1.3", "10.0.1.4"].map(|addr| addr.parse().unwrap()).to_vec());
        table
    }

    fn at(seconds: u64) -> Instant {
        Instant::ZERO + Duration::from_secs(seconds)
    }

    fn send(table: &mut Table, seconds: u64, port: u16, flags: u8) -> String {
        let packet = sample::tcp("10.0.1.9", port, VIP, 80, flags);
        match table.take(at(seconds), 256, &Ip::parse(&packet).unwrap()) {
            Turn::To(connection) => connection.server.to_string(),
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn connections_are_given_to_servers_in_turn_and_stay_with_them() {
        let mut table = table();
        let first: Vec<String> = (1..=3).map(|port| send(&mut table, 0, port, SYN)).collect();
        assert_eq!(first, ["10.0.1.3", "10.0.1.4", "10.0.1.3"]);
        assert_eq!(send(&mut table, 1, 2, ACK), "10.0.1.4");
        assert_eq!(send(&mut table, 800, 2, ACK), "10.0.1.4", "it is remembered for a quarter of an hour");
        assert_eq!(send(&mut table, 1800, 2, ACK), "Nobody", "nothing begins with an acknowledgment");
    }

    #[test]
    fn answers_are_known_by_client_and_server() {
        let mut table = table();
        send(&mut table, 0, 1, SYN);
        let mut back = |src: &str| {
            let packet = sample::tcp(src, 80, "10.0.1.9", 1, SYN | ACK);
            let found = table.answer(at(0), &packet, &Ip::parse(&packet).unwrap());
            found.map(|connection| connection.client.dst.to_string())
        };
        assert_eq!((back("10.0.1.3").as_deref(), back("10.0.1.4")), (Some(VIP), None));
    }

    #[test]
    fn a_server_that_is_taken_away_gets_nothing_more() {
        let mut table = table();
        send(&mut table, 0, 1, SYN);
        send(&mut table, 0, 1, ACK);
        table.set(256, vec!["10.0.1.4".parse().unwrap()]);
        assert_eq!(send(&mut table, 1, 1, ACK), "Gone");
        assert_eq!(send(&mut table, 1, 1, ACK), "Nobody", "and the host itself refuses the rest");
        assert_eq!(send(&mut table, 1, 1, SYN), "10.0.1.4");
        table.set(256, Vec::new());
        assert_eq!(send(&mut table, 1, 7, SYN), "Nobody", "there is no such service");
    }

    #[test]
    fn what_was_closed_is_forgotten_soon() {
        let mut table = table();
        for flags in [SYN, ACK, FIN | ACK, ACK] {
            send(&mut table, 0, 1, flags);
        }
        assert_eq!(
            table.connections(at(59)).map(|connection| connection.state.name()).collect::<Vec<_>>(),
            ["CLOSE_WAIT"]
        );
        assert_eq!(table.connections(at(60)).count(), 0);
        send(&mut table, 121, 2, SYN);
        assert_eq!((table.connections.len(), table.answers.len()), (1, 1), "the memory is given back");
    }

    #[test]
    fn what_passes_is_counted_for_the_service_and_for_the_server() {
        let mut table = table();
        send(&mut table, 0, 1, SYN);
        let back = sample::tcp("10.0.1.3", 80, "10.0.1.9", 1, SYN | ACK);
        let answer = table.answer(at(0), &back, &Ip::parse(&back).unwrap()).unwrap();
        assert_eq!(answer.state, State::SynReceived);
        send(&mut table, 0, 1, ACK);
        assert_eq!(table.load(at(1), 256, answer.server), (1, 0));
        let length = u64::try_from(back.len()).unwrap();
        let counts = Counts { connections: 1, came: (2, 2 * length), went: (1, length) };
        let service = &table.services()[0];
        let of_servers: Vec<Counts> = service.servers.iter().map(|server| server.counts).collect();
        assert_eq!((service.counts, of_servers), (counts, vec![counts, Counts::default()]));
        table.zero();
        assert_eq!(table.services()[0].counts, Counts::default());
        for (flags, way, state) in [(FIN | ACK, Way::Back, "FIN_WAIT"), (FIN | ACK, Way::There, "TIME_WAIT")] {
            if way == Way::There {
                send(&mut table, 1, 1, flags);
            } else {
                let packet = sample::tcp("10.0.1.3", 80, "10.0.1.9", 1, flags);
                table.answer(at(1), &packet, &Ip::parse(&packet).unwrap());
            }
            assert_eq!(table.connections(at(1)).next().map(|connection| connection.state.name()), Some(state));
        }
        assert_eq!(table.load(at(1), 256, answer.server), (0, 1));
    }

    #[test]
    fn an_echo_is_for_the_host_itself() {
        let packet = sample::echo("10.0.1.9", VIP, 8, 7);
        assert_eq!(table().take(at(0), 256, &Ip::parse(&packet).unwrap()), Turn::Nobody);
    }
}
