//! `nc`: standard input into a connection, what comes back to standard output. Two voices: busybox's in containers and
//! OpenBSD's on hosts. What flows is the same for both and is in `relay`.

mod options;
mod relay;

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use core::task::Poll;
use std::collections::VecDeque;

use options::Options;
use relay::Relay;

use super::lookup::{Family, Found, Lookup, LookupError, Reverse};
use super::{Errno, Flavour, Program, Programs, Step, Sys};
use crate::addr::unspecified;
use crate::filter::name;
use crate::namespace::TcpState;
use crate::packet::protocol;
use crate::socket::{SendOptions, SocketId};
use crate::time::{Duration, Instant};

/// Connections that may wait while one is served.
const BACKLOG: usize = 1;
/// How long OpenBSD's waits for a word against its datagrams before it takes a port for open.
const UDP_SCAN: Duration = Duration::from_secs(3);

/// Adds the program for both flavours.
pub fn add(programs: &mut Programs) {
    for flavour in [Flavour::Busybox, Flavour::Host] {
        programs
            .add(flavour, "nc", || Box::new(Nc { state: State::Starting, options: Options::default(), source: None }));
    }
}

#[derive(Clone)]
struct Nc {
    state: State,
    options: Options,
    /// The own address that was asked for.
    source: Option<IpAddr>,
}

#[derive(Clone)]
enum State {
    Starting,
    Resolving(Lookup),
    /// The peer is known, and it is looked up from where it shall be spoken to.
    Sourcing(Lookup, Journey),
    Connecting(Journey, Attempt),
    /// Datagrams are out that a closed port would answer.
    Testing(Journey, Attempt),
    Listening(SocketId),
    /// A peer's or an own address is told by name before it goes on.
    Naming(Reverse, Naming),
    /// The peers that come next, and the listener that goes on.
    Relaying(Relay, Next),
}

/// What is said about an address.
#[derive(Clone)]
struct Naming {
    what: &'static str,
    at: SocketAddr,
    then: Box<State>,
}

/// What is left to be tried: the addresses of the host for the first port, then all of them for each port that follows.
#[derive(Clone)]
struct Journey {
    all: Vec<IpAddr>,
    addresses: VecDeque<IpAddr>,
    ports: VecDeque<u16>,
    /// Whether a connection came about.
    reached: bool,
}

#[derive(Clone)]
struct Attempt {
    socket: SocketId,
    peer: SocketAddr,
    deadline: Option<Instant>,
}

/// What follows a relay.
#[derive(Clone)]
enum Next {
    /// The ports that are left.
    Ports(Journey),
    /// The next connection.
    Listener(SocketId),
    Nothing,
}

/// What a state comes to.
enum Turn {
    /// The next state.
    Go(State),
    /// This step ends in this state.
    Pause(State, Step),
    Exit(i32),
}

impl Program for Nc {
    fn step(&mut self, sys: &mut Sys<'_>) -> Step {
        loop {
            let state = core::mem::replace(&mut self.state, State::Starting);
            let turn = match state {
                State::Starting => self.start(sys),
                State::Resolving(lookup) => self.resolve(sys, lookup),
                State::Sourcing(lookup, journey) => self.source(sys, lookup, journey),
                State::Connecting(journey, attempt) => self.connect(sys, journey, attempt),
                State::Testing(journey, attempt) => self.test(sys, journey, &attempt),
                State::Listening(listener) => self.accept(sys, listener),
                State::Naming(reverse, naming) => tell(sys, reverse, naming),
                State::Relaying(relay, next) => self.relay(sys, relay, next),
            };
            match turn {
                Turn::Go(next) => self.state = next,
                Turn::Exit(code) => return Step::Exit(code),
                Turn::Pause(state, step) => {
                    self.state = state;
                    return step;
                }
            }
        }
    }
}

fn fail(sys: &mut Sys<'_>, text: &str) -> Turn {
    if !text.is_empty() {
        sys.eprint(format!("nc: {text}\n"));
    }
    Turn::Exit(1)
}

/// Says an address by name, unless numbers are wanted or it is that of everybody.
fn tell(sys: &mut Sys<'_>, mut reverse: Reverse, naming: Naming) -> Turn {
    let name = match reverse.poll(sys) {
        Poll::Pending => {
            let step = Step::Wait(reverse.next_at());
            return Turn::Pause(State::Naming(reverse, naming), step);
        }
        Poll::Ready(name) => name,
    };
    let Naming { what, at, then } = naming;
    let host = name.unwrap_or_else(|| at.ip().to_string());
    sys.eprint(format!("{what} on {host} {}\n", at.port()));
    Turn::Go(*then)
}

impl Nc {
    fn start(&mut self, sys: &mut Sys<'_>) -> Turn {
        self.options = match Options::parse(sys.argv(), sys.flavour()) {
            Ok(options) => options,
            Err(refusal) => {
                sys.eprint(refusal.text());
                return Turn::Exit(i32::from(refusal != options::Refusal::Help));
            }
        };
        let options = &self.options;
        if options.listen && options.host.is_empty() {
            let any: IpAddr =
                if options.family == Family::V6 { Ipv6Addr::UNSPECIFIED.into() } else { Ipv4Addr::UNSPECIFIED.into() };
            return self.listen(sys, any);
        }
        if options.numeric && options.host.parse::<IpAddr>().is_err() {
            return self.unresolved(sys, LookupError::NotKnown);
        }
        Turn::Go(State::Resolving(Lookup::new(sys, &options.host, options.family)))
    }

    fn resolve(&mut self, sys: &mut Sys<'_>, mut lookup: Lookup) -> Turn {
        match lookup.poll(sys) {
            Poll::Pending => {
                let step = Step::Wait(lookup.next_at());
                Turn::Pause(State::Resolving(lookup), step)
            }
            Poll::Ready(Ok(Found { addresses, .. })) if self.options.listen => self.listen(sys, addresses[0]),
            Poll::Ready(Ok(Found { mut addresses, .. })) => {
                if sys.flavour() == Flavour::Busybox {
                    addresses.truncate(1);
                }
                let ports = self.options.ports.iter().copied().collect();
                let family = if addresses[0].is_ipv4() { Family::V4 } else { Family::V6 };
                let journey = Journey { all: addresses, addresses: VecDeque::new(), ports, reached: false };
                match &self.options.source {
                    Some(source) => Turn::Go(State::Sourcing(Lookup::new(sys, source, family), journey)),
                    None => self.go_on(sys, journey),
                }
            }
            Poll::Ready(Err(error)) => self.unresolved(sys, error),
        }
    }

    fn source(&mut self, sys: &mut Sys<'_>, mut lookup: Lookup, journey: Journey) -> Turn {
        match lookup.poll(sys) {
            Poll::Pending => {
                let step = Step::Wait(lookup.next_at());
                Turn::Pause(State::Sourcing(lookup, journey), step)
            }
            Poll::Ready(Ok(found)) => {
                self.source = found.addresses.first().copied();
                self.go_on(sys, journey)
            }
            Poll::Ready(Err(error)) if sys.flavour() == Flavour::Host => fail(sys, &format!("getaddrinfo: {error}")),
            Poll::Ready(Err(_)) => {
                fail(sys, &format!("bad address '{}'", self.options.source.as_deref().unwrap_or_default()))
            }
        }
    }

    fn unresolved(&self, sys: &mut Sys<'_>, error: LookupError) -> Turn {
        let (host, listens) = (&self.options.host, self.options.listen);
        match sys.flavour() {
            Flavour::Busybox => fail(sys, &format!("bad address '{host}'")),
            Flavour::Host if listens => fail(sys, &format!("getaddrinfo: {error}")),
            Flavour::Host => {
                let port = self.options.ports[0];
                fail(sys, &format!("getaddrinfo for host \"{host}\" port {port}: {error}"))
            }
        }
    }

    fn listen(&self, sys: &mut Sys<'_>, addr: IpAddr) -> Turn {
        let local = SocketAddr::new(addr, self.options.ports[0]);
        let is_dual = addr.is_unspecified() && (sys.flavour() == Flavour::Busybox || addr.is_ipv6());
        let opened = match self.options.udp {
            true => sys.udp_bind(local),
            false if is_dual => sys.tcp_listen_dual(local.port(), BACKLOG),
            false => sys.tcp_listen(local, BACKLOG),
        };
        let socket = match opened {
            Ok(socket) => socket,
            Err(errno) if sys.flavour() == Flavour::Busybox => return fail(sys, &format!("bind: {errno}")),
            Err(errno) => return fail(sys, &errno.to_string()),
        };
        if self.options.verbose && sys.flavour() == Flavour::Busybox {
            sys.eprint(format!("listening on {local} ...\n"));
        }
        let then = match self.options.udp {
            true => State::Relaying(Relay::udp(socket, None, &self.options, sys.flavour()), Next::Nothing),
            false => State::Listening(socket),
        };
        self.told(sys, if self.options.udp { "Bound" } else { "Listening" }, local, then)
    }

    /// Goes on when OpenBSD's has said an address, if it says any.
    fn told(&self, sys: &mut Sys<'_>, what: &'static str, at: SocketAddr, then: State) -> Turn {
        if !self.options.verbose || sys.flavour() == Flavour::Busybox {
            return Turn::Go(then);
        }
        if self.options.numeric || at.ip().is_unspecified() {
            sys.eprint(format!("{what} on {} {}\n", at.ip(), at.port()));
            return Turn::Go(then);
        }
        Turn::Go(State::Naming(Reverse::new(sys, at.ip()), Naming { what, at, then: Box::new(then) }))
    }

    fn accept(&self, sys: &mut Sys<'_>, listener: SocketId) -> Turn {
        let Some((socket, peer)) = sys.tcp_accept(listener) else {
            return Turn::Pause(State::Listening(listener), Step::Wait(None));
        };
        let flavour = sys.flavour();
        let relay = Relay::tcp(socket, &self.options, flavour);
        if flavour == Flavour::Host || self.options.keeps {
            let then = State::Relaying(relay, Next::Listener(listener));
            return self.told(sys, "Connection received", peer, then);
        }
        sys.close(listener);
        if self.options.verbose {
            sys.eprint(format!("connect to {}:{} from {peer}\n", peer.ip(), self.options.ports[0]));
        }
        Turn::Go(State::Relaying(relay, Next::Nothing))
    }

    fn relay(&self, sys: &mut Sys<'_>, mut relay: Relay, next: Next) -> Turn {
        let had_peer = relay.has_peer();
        let step = relay.step(sys);
        match step {
            Step::Exit(code) => self.after(sys, &relay, next, code),
            // Who speaks first to a listener for datagrams is its peer.
            step => match relay.peer().filter(|_| !had_peer) {
                Some(peer) => self.told(sys, "Connection received", peer, State::Relaying(relay, next)),
                None => Turn::Pause(State::Relaying(relay, next), step),
            },
        }
    }

    fn after(&self, sys: &mut Sys<'_>, relay: &Relay, next: Next, code: i32) -> Turn {
        match next {
            Next::Listener(listener) if self.options.keeps => {
                sys.close(relay.socket());
                Turn::Go(State::Listening(listener))
            }
            Next::Ports(journey) if !journey.ports.is_empty() => {
                sys.close(relay.socket());
                self.go_on(sys, Journey { addresses: VecDeque::new(), ..journey })
            }
            Next::Ports(_) | Next::Listener(_) | Next::Nothing => Turn::Exit(code),
        }
    }

    /// Tries the next address, and the next port when none is left.
    fn go_on(&self, sys: &mut Sys<'_>, mut journey: Journey) -> Turn {
        loop {
            if journey.addresses.is_empty() {
                // The port in front was tried at each address.
                journey.addresses = journey.all.iter().copied().collect();
            }
            let (Some(port), Some(addr)) = (journey.ports.front().copied(), journey.addresses.pop_front()) else {
                return Turn::Exit(i32::from(!journey.reached));
            };
            let peer = SocketAddr::new(addr, port);
            match self.open(sys, peer) {
                Ok(Some(attempt)) if self.options.udp => return self.opened_udp(sys, journey, &attempt),
                Ok(Some(attempt)) => return Turn::Go(State::Connecting(journey, attempt)),
                Ok(None) => return Turn::Exit(1),
                Err(errno) => {
                    self.refused(sys, peer, errno);
                    journey.fail();
                }
            }
        }
    }

    /// A socket on its way to a peer; none when it could not be bound where it was asked to.
    fn open(&self, sys: &mut Sys<'_>, peer: SocketAddr) -> Result<Option<Attempt>, Errno> {
        let addr = self.source.unwrap_or_else(|| unspecified(peer.ip()));
        let bound = SocketAddr::new(addr, self.options.source_port);
        let opened = match self.options.udp {
            true => sys.udp_bind(bound).and_then(|socket| sys.udp_connect(socket, peer).map(|()| socket)),
            false => sys.tcp_connect_from(bound, peer),
        };
        let is_asked = self.source.is_some() || self.options.source_port != 0;
        match opened {
            Ok(socket) => {
                let deadline = self.options.idle.map(|wait| sys.now() + wait);
                Ok(Some(Attempt { socket, peer, deadline }))
            }
            Err(errno @ (Errno::AddressNotAvailable | Errno::AddressInUse)) if is_asked => {
                fail(sys, &format!("bind failed: {errno}"));
                Ok(None)
            }
            Err(errno) => Err(errno),
        }
    }

    /// OpenBSD's sends two datagrams to a port whose state is to be told.
    fn opened_udp(&self, sys: &mut Sys<'_>, journey: Journey, attempt: &Attempt) -> Turn {
        if sys.flavour() == Flavour::Busybox || !(self.options.verbose || self.options.scan) {
            return self.reach(sys, journey, attempt);
        }
        let until = sys.now() + self.options.idle.unwrap_or(UDP_SCAN);
        let sent =
            [(); 2].iter().all(|()| sys.send_to(attempt.socket, attempt.peer, b"X", SendOptions::default()).is_ok());
        if !sent {
            return self.closed_udp(sys, journey, attempt);
        }
        let Attempt { socket, peer, .. } = *attempt;
        Turn::Go(State::Testing(journey, Attempt { socket, peer, deadline: Some(until) }))
    }

    fn test(&self, sys: &mut Sys<'_>, journey: Journey, attempt: &Attempt) -> Turn {
        if attempt.deadline.is_some_and(|at| sys.now() < at) {
            return Turn::Pause(State::Testing(journey, attempt.clone()), Step::Wait(attempt.deadline));
        }
        match sys.send_to(attempt.socket, attempt.peer, b"X", SendOptions::default()) {
            Err(Errno::ConnectionRefused) => self.closed_udp(sys, journey, attempt),
            _ => self.reach(sys, journey, attempt),
        }
    }

    fn closed_udp(&self, sys: &mut Sys<'_>, mut journey: Journey, attempt: &Attempt) -> Turn {
        sys.close(attempt.socket);
        journey.ports.pop_front();
        journey.addresses.clear();
        self.go_on(sys, Journey { reached: false, ..journey })
    }

    fn connect(&self, sys: &mut Sys<'_>, mut journey: Journey, attempt: Attempt) -> Turn {
        let errno = match sys.tcp_state(attempt.socket) {
            TcpState::SynSent if attempt.deadline.is_none_or(|at| sys.now() < at) => {
                let step = Step::Wait(attempt.deadline);
                return Turn::Pause(State::Connecting(journey, attempt), step);
            }
            TcpState::SynSent => Errno::TimedOut,
            TcpState::Closed => sys.tcp_recv(attempt.socket, 1).err().unwrap_or(Errno::ConnectionReset),
            _ => return self.reach(sys, journey, &attempt),
        };
        sys.close(attempt.socket);
        self.refused(sys, attempt.peer, errno);
        journey.fail();
        self.go_on(sys, journey)
    }

    /// A peer is reached: bytes flow, unless that is all that was to be known.
    fn reach(&self, sys: &mut Sys<'_>, mut journey: Journey, attempt: &Attempt) -> Turn {
        self.opened(sys, attempt.peer);
        journey.reached = true;
        journey.ports.pop_front();
        journey.addresses.clear();
        if self.options.scan {
            sys.close(attempt.socket);
            return self.go_on(sys, journey);
        }
        let (options, flavour) = (&self.options, sys.flavour());
        let relay = match options.udp {
            true => Relay::udp(attempt.socket, Some(attempt.peer), options, flavour),
            false => Relay::tcp(attempt.socket, options, flavour),
        };
        Turn::Go(State::Relaying(relay, Next::Ports(journey)))
    }

    /// The host as it was named, and its address where that is something else.
    fn named(&self, peer: SocketAddr) -> String {
        let (host, addr) = (&self.options.host, peer.ip().to_string());
        if *host == addr { addr } else { format!("{host} ({addr})") }
    }

    const fn transport(&self) -> (&'static str, u8) {
        if self.options.udp { ("udp", protocol::UDP) } else { ("tcp", protocol::TCP) }
    }

    fn opened(&self, sys: &mut Sys<'_>, peer: SocketAddr) {
        if !self.options.verbose {
            return;
        }
        let (host, port, (transport, number)) = (&self.options.host, peer.port(), self.transport());
        match sys.flavour() {
            Flavour::Busybox => sys.eprint(format!("{host} ({peer}) open\n")),
            Flavour::Host => {
                let service = name::service(port, number).unwrap_or("*");
                let named = self.named(peer);
                sys.eprint(format!("Connection to {named} {port} port [{transport}/{service}] succeeded!\n"));
            }
        }
    }

    fn refused(&self, sys: &mut Sys<'_>, peer: SocketAddr, errno: Errno) {
        let (host, port, (transport, _)) = (&self.options.host, peer.port(), self.transport());
        let is_quiet = !self.options.verbose;
        let text = match (sys.flavour(), errno) {
            (Flavour::Busybox, Errno::ConnectionRefused) | (Flavour::Host, _) if is_quiet => return,
            (Flavour::Busybox, _) => format!("{host} ({peer}): {errno}"),
            (Flavour::Host, Errno::TimedOut) => {
                format!(
                    "connect to {} port {port} ({transport}) timed out: Operation now in progress",
                    self.named(peer)
                )
            }
            (Flavour::Host, _) => format!("connect to {} port {port} ({transport}) failed: {errno}", self.named(peer)),
        };
        sys.eprint(format!("nc: {text}\n"));
    }
}

impl Journey {
    /// An address is of no use: the next one is, or the next port at the first.
    fn fail(&mut self) {
        if self.addresses.is_empty() {
            self.ports.pop_front();
        }
    }
}
