//! The probe: a program that looks a name up and sends one real packet there, as any program would; where that was answered,
//! one more as large as the first link takes, or a window of a connection's data. What became of the packets on their way
//! is not its affair.

use core::net::{IpAddr, Ipv4Addr, SocketAddr};
use core::task::Poll;

use netyard_sim::addr;
use netyard_sim::namespace::TcpState;
use netyard_sim::route::policy::{Flow, Found};
use netyard_sim::socket::{Discovery, Errno, SendOptions, SocketId};
use netyard_sim::time::{Duration, Instant};
use netyard_sim::userland::icmp::{self, Message};
use netyard_sim::userland::lookup::{Family, Lookup};
use netyard_sim::userland::{Program, Step, Sys};

use super::question::{Manner, Question};

/// What datagrams of a probe carry, by which they are known wherever they are seen.
pub(super) const MARK: &[u8] = b"netyard why: does this packet arrive?";
/// What makes a packet a large one: such bytes, after the mark.
pub(super) const FILLING: u8 = b'.';
/// How much is sent on a connection that stands: some segments, whatever their size.
pub(super) const WINDOW: u16 = 16384;
/// The number of its echo requests.
const ECHO_ID: u16 = 0x6e79;
/// How long an answer is waited for: longer than a neighbour is asked for in vain.
const PATIENCE: Duration = Duration::from_secs(4);

/// What a probe has found out, as its exit code.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Outcome {
    /// There was an answer, or a datagram was sent and nobody complained.
    Reached,
    /// The name has no address.
    Nameless,
    /// The kernel said why not.
    Refused,
    /// Nothing came.
    Silence,
    /// There was an answer, but none to what is as large as the link takes.
    Narrow,
}

impl Outcome {
    pub(super) const ALL: [Self; 5] = [Self::Reached, Self::Nameless, Self::Refused, Self::Silence, Self::Narrow];

    const fn exit(self) -> Step {
        Step::Exit(self as i32)
    }
}

/// A probe on its way. It prints the address that it found, a line, and then what the kernel said.
#[derive(Clone, Debug)]
pub(super) struct Probe {
    question: Question,
    /// The address of the name, once it is known.
    to: IpAddr,
    state: State,
}

#[derive(Clone, Debug)]
enum State {
    Starting,
    Resolving(Lookup),
    Connecting(SocketId, Instant),
    Listening(SocketId, Instant),
    /// Something large was sent and has to be answered.
    Filling(Large),
}

/// A large echo request or a window of data on its way.
#[derive(Clone, Copy, Debug)]
struct Large {
    socket: SocketId,
    until: Instant,
    /// Whether it was sent a second time, since a router said that it was too large.
    again: bool,
}

impl Probe {
    pub(super) fn new(question: &Question) -> Self {
        Self { question: question.clone(), to: IpAddr::V4(Ipv4Addr::UNSPECIFIED), state: State::Starting }
    }

    /// What a packet carries, and how it is sent.
    fn payload(&self) -> (Vec<u8>, SendOptions) {
        let Some(size) = self.question.size else { return (MARK.to_vec(), SendOptions::default()) };
        let mut payload = MARK[..MARK.len().min(size)].to_vec();
        payload.resize(size, 0);
        (payload, SendOptions { discovery: Discovery::Do, ..SendOptions::default() })
    }

    fn send(&self, sys: &mut Sys<'_>) -> Result<State, Errno> {
        let (to, until) = (self.to, sys.now() + PATIENCE);
        let (payload, options) = self.payload();
        match self.question.manner {
            Manner::Name | Manner::Tcp(_) => {
                let port = if let Manner::Tcp(port) = self.question.manner { port } else { 0 };
                Ok(State::Connecting(sys.tcp_connect(SocketAddr::new(to, port))?, until))
            }
            Manner::Udp(port) => {
                let socket = sys.udp_bind(SocketAddr::new(addr::unspecified(to), 0))?;
                let to = SocketAddr::new(to, port);
                sys.udp_connect(socket, to)?;
                sys.send_to(socket, to, &payload, options)?;
                Ok(State::Listening(socket, until))
            }
            Manner::Ping => {
                let socket = sys.raw_open(icmp::protocol(to))?;
                let source = sys.source_for(to).unwrap_or(to);
                let request = icmp::echo_request(source, to, ECHO_ID, 1, &payload);
                sys.send_to(socket, SocketAddr::new(to, 0), &request, options)?;
                Ok(State::Listening(socket, until))
            }
        }
    }

    /// What a socket for datagrams heard; none when it has to wait on.
    fn hear(&self, sys: &mut Sys<'_>, socket: SocketId, until: Instant) -> Option<Outcome> {
        loop {
            let datagram = match sys.recv_from(socket) {
                Ok(None) if sys.now() < until => return None,
                Ok(None) => return Some(Outcome::Silence),
                Ok(Some(datagram)) => datagram,
                Err(errno) => return Some(refused(sys, errno)),
            };
            if matches!(self.question.manner, Manner::Udp(_)) {
                return Some(Outcome::Reached);
            }
            if let Some(Message::EchoReply { id: ECHO_ID, seq: 1, .. }) = icmp::parse(datagram.src.ip(), &datagram.data)
            {
                return Some(Outcome::Reached);
            }
        }
    }

    /// What is small was answered: now an echo request as large as the first link takes. An outcome when there is none.
    fn fill(&self, sys: &mut Sys<'_>, socket: SocketId, again: bool) -> Result<State, Outcome> {
        let size = echo_that_fills(sys, self.to).filter(|_| self.question.size.is_none()).ok_or(Outcome::Reached)?;
        let mut payload = MARK.to_vec();
        payload.resize(size.max(MARK.len()), FILLING);
        let source = sys.source_for(self.to).unwrap_or(self.to);
        let request = icmp::echo_request(source, self.to, ECHO_ID, 2, &payload);
        let options = SendOptions { discovery: Discovery::Want, ..SendOptions::default() };
        sys.send_to(socket, SocketAddr::new(self.to, 0), &request, options).map_err(|_| Outcome::Reached)?;
        Ok(State::Filling(Large { socket, until: sys.now() + PATIENCE, again }))
    }

    /// The same on a connection that stands.
    fn fill_connection(sys: &mut Sys<'_>, socket: SocketId) -> Result<State, Outcome> {
        sys.tcp_send(socket, &vec![FILLING; usize::from(WINDOW)]).map_err(|_| Outcome::Reached)?;
        Ok(State::Filling(Large { socket, until: sys.now() + PATIENCE, again: false }))
    }

    /// What came of what is large: what to do next, or an outcome.
    fn filled(&self, sys: &mut Sys<'_>, large: Large) -> Result<Option<State>, Outcome> {
        let is_late = sys.now() >= large.until;
        if matches!(self.question.manner, Manner::Tcp(_)) {
            // Whoever hung up got it as well.
            let mut connections = sys.network().tcp_connections();
            let is_waiting = connections.any(|view| view.socket == large.socket && view.unsent > 0);
            return match is_waiting && sys.tcp_state(large.socket) != TcpState::Closed {
                false => Err(Outcome::Reached),
                true if is_late => Err(Outcome::Narrow),
                true => Ok(None),
            };
        }
        while let Some(datagram) = sys.recv_from(large.socket).map_err(|_| Outcome::Narrow)? {
            match icmp::parse(datagram.src.ip(), &datagram.data) {
                Some(Message::EchoReply { id: ECHO_ID, seq: 2, .. }) => return Err(Outcome::Reached),
                Some(Message::Error(error)) if is_too_big(&error) && !large.again => {
                    return self.fill(sys, large.socket, true).map(Some);
                }
                _ => {}
            }
        }
        if is_late { Err(Outcome::Narrow) } else { Ok(None) }
    }

    /// Goes on: to another state, to a wait until the given moment, or to an end.
    fn go_on(&mut self, sys: &mut Sys<'_>) -> Result<State, Step> {
        let end = |outcome: Outcome| outcome.exit();
        match &mut self.state {
            State::Starting => Ok(State::Resolving(Lookup::new(sys, &self.question.to, Family::Any))),
            State::Resolving(lookup) => match lookup.poll(sys) {
                Poll::Pending => Err(Step::Wait(lookup.next_at())),
                Poll::Ready(Err(error)) => {
                    sys.print(format!("{error}\n"));
                    Err(Outcome::Nameless.exit())
                }
                Poll::Ready(Ok(found)) => {
                    self.to = found.addresses[0];
                    sys.print(format!("{}\n", self.to));
                    if self.question.manner == Manner::Name {
                        return Err(Outcome::Reached.exit());
                    }
                    self.send(sys).map_err(|errno| refused(sys, errno).exit())
                }
            },
            State::Connecting(socket, until) => match sys.tcp_state(*socket) {
                TcpState::SynSent if sys.now() < *until => Err(Step::Wait(Some(*until))),
                TcpState::SynSent => Err(Outcome::Silence.exit()),
                TcpState::Closed => {
                    let errno = sys.tcp_recv(*socket, 1).err().unwrap_or(Errno::ConnectionReset);
                    Err(refused(sys, errno).exit())
                }
                _ => Self::fill_connection(sys, *socket).map_err(end),
            },
            State::Listening(socket, until) => {
                let (socket, until) = (*socket, *until);
                match self.hear(sys, socket, until) {
                    None => Err(Step::Wait(Some(until))),
                    Some(Outcome::Reached) if self.question.manner == Manner::Ping => {
                        self.fill(sys, socket, false).map_err(end)
                    }
                    Some(outcome) => Err(outcome.exit()),
                }
            }
            State::Filling(large) => {
                let large = *large;
                self.filled(sys, large).map_err(end)?.ok_or(Step::Wait(Some(large.until)))
            }
        }
    }
}

const fn is_too_big(error: &icmp::Error) -> bool {
    matches!(error.problem, icmp::Problem::TooBig(_))
}

/// What an echo request carries that is as large as the first link to `to` takes; none for this host itself.
fn echo_that_fills(sys: &Sys<'_>, to: IpAddr) -> Option<usize> {
    let here = sys.network();
    let flow = Flow::to(to);
    let found = here.route_of(&flow).filter(|_| !here.is_local(to))?;
    let Found::Route(route) = found else { return None };
    let mtu = here.devices.get(&here.hop_of(route, &flow)?.device)?.mtu.bytes();
    Some(mtu.saturating_sub(if to.is_ipv4() { 20 } else { 40 } + 8))
}

fn refused(sys: &mut Sys<'_>, errno: Errno) -> Outcome {
    sys.print(format!("{errno}\n"));
    Outcome::Refused
}

impl Program for Probe {
    fn step(&mut self, sys: &mut Sys<'_>) -> Step {
        loop {
            match self.go_on(sys) {
                Ok(state) => self.state = state,
                Err(step) => return step,
            }
        }
    }
}
