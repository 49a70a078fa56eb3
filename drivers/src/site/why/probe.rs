//! The probe: a program that looks a name up and sends one real packet there, as any program would. What became of the
//! packet on its way is not its affair.

use core::net::{IpAddr, SocketAddr};
use core::task::Poll;

use netyard_sim::addr;
use netyard_sim::namespace::TcpState;
use netyard_sim::socket::{Errno, SendOptions, SocketId};
use netyard_sim::time::{Duration, Instant};
use netyard_sim::userland::icmp::{self, Message};
use netyard_sim::userland::lookup::{Family, Lookup};
use netyard_sim::userland::{Program, Step, Sys};

use super::question::Manner;

/// What datagrams of a probe carry, by which they are known wherever they are seen.
pub(super) const MARK: &[u8] = b"netyard why: does this packet arrive?";
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
}

impl Outcome {
    pub(super) const ALL: [Self; 4] = [Self::Reached, Self::Nameless, Self::Refused, Self::Silence];

    const fn exit(self) -> Step {
        Step::Exit(self as i32)
    }
}

/// A probe on its way. It prints the address that it found, a line, and then what the kernel said.
#[derive(Clone, Debug)]
pub(super) struct Probe {
    to: String,
    manner: Manner,
    state: State,
}

#[derive(Clone, Debug)]
enum State {
    Starting,
    Resolving(Lookup),
    Connecting(SocketId, Instant),
    Listening(SocketId, Instant),
}

impl Probe {
    pub(super) fn new(to: &str, manner: Manner) -> Self {
        Self { to: to.to_owned(), manner, state: State::Starting }
    }

    fn send(&mut self, sys: &mut Sys<'_>, to: IpAddr) -> Result<State, Errno> {
        let until = sys.now() + PATIENCE;
        match self.manner {
            Manner::Name | Manner::Tcp(_) => {
                let port = if let Manner::Tcp(port) = self.manner { port } else { 0 };
                Ok(State::Connecting(sys.tcp_connect(SocketAddr::new(to, port))?, until))
            }
            Manner::Udp(port) => {
                let socket = sys.udp_bind(SocketAddr::new(addr::unspecified(to), 0))?;
                let to = SocketAddr::new(to, port);
                sys.udp_connect(socket, to)?;
                sys.send_to(socket, to, MARK, SendOptions::default())?;
                Ok(State::Listening(socket, until))
            }
            Manner::Ping => {
                let socket = sys.raw_open(icmp::protocol(to))?;
                let source = sys.source_for(to).unwrap_or(to);
                let request = icmp::echo_request(source, to, 0x6e79, 1, MARK);
                sys.send_to(socket, SocketAddr::new(to, 0), &request, SendOptions::default())?;
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
            if matches!(self.manner, Manner::Udp(_)) {
                return Some(Outcome::Reached);
            }
            if let Some(Message::EchoReply { payload, .. }) = icmp::parse(datagram.src.ip(), &datagram.data)
                && payload == MARK
            {
                return Some(Outcome::Reached);
            }
        }
    }
}

fn refused(sys: &mut Sys<'_>, errno: Errno) -> Outcome {
    sys.print(format!("{errno}\n"));
    Outcome::Refused
}

impl Program for Probe {
    fn step(&mut self, sys: &mut Sys<'_>) -> Step {
        loop {
            match &mut self.state {
                State::Starting => self.state = State::Resolving(Lookup::new(sys, &self.to, Family::Any)),
                State::Resolving(lookup) => match lookup.poll(sys) {
                    Poll::Pending => return Step::Wait(lookup.next_at()),
                    Poll::Ready(Err(error)) => {
                        sys.print(format!("{error}\n"));
                        return Outcome::Nameless.exit();
                    }
                    Poll::Ready(Ok(found)) => {
                        let to = found.addresses[0];
                        sys.print(format!("{to}\n"));
                        if self.manner == Manner::Name {
                            return Outcome::Reached.exit();
                        }
                        match self.send(sys, to) {
                            Ok(next) => self.state = next,
                            Err(errno) => return refused(sys, errno).exit(),
                        }
                    }
                },
                State::Connecting(socket, until) => match sys.tcp_state(*socket) {
                    TcpState::SynSent if sys.now() < *until => return Step::Wait(Some(*until)),
                    TcpState::SynSent => return Outcome::Silence.exit(),
                    TcpState::Closed => {
                        let errno = sys.tcp_recv(*socket, 1).err().unwrap_or(Errno::ConnectionReset);
                        return refused(sys, errno).exit();
                    }
                    _ => return Outcome::Reached.exit(),
                },
                State::Listening(socket, until) => {
                    let (socket, until) = (*socket, *until);
                    return self.hear(sys, socket, until).map_or(Step::Wait(Some(until)), Outcome::exit);
                }
            }
        }
    }
}
