//! `nc`: standard input into a connection, what comes back to standard output. Two voices: busybox's in containers and
//! OpenBSD's on hosts. What flows is the same for both and is in `relay`.

mod options;
mod relay;

use core::net::{IpAddr, Ipv4Addr, SocketAddr};
use core::task::Poll;

use options::Options;
use relay::Relay;

use super::lookup::{Family, Lookup};
use super::{Errno, Flavour, Program, Programs, Step, Sys};
use crate::namespace::TcpState;
use crate::socket::SocketId;
use crate::time::Instant;

/// Connections that may wait while one is served.
const BACKLOG: usize = 1;

/// Adds the program for both flavours.
pub fn add(programs: &mut Programs) {
    for flavour in [Flavour::Busybox, Flavour::Host] {
        programs.add(flavour, "nc", || Box::new(Nc::Starting));
    }
}

#[derive(Clone)]
enum Nc {
    Starting,
    Resolving(Options, Lookup),
    Connecting(Options, Attempt),
    Listening(Options, SocketId),
    Relaying(Options, Relay),
}

#[derive(Clone)]
struct Attempt {
    socket: SocketId,
    peer: SocketAddr,
    deadline: Option<Instant>,
}

/// What a state comes to.
enum Turn {
    /// The next state.
    Go(Nc),
    /// This step ends in this state.
    Pause(Nc, Step),
    Exit(i32),
}

impl Program for Nc {
    fn step(&mut self, sys: &mut Sys<'_>) -> Step {
        loop {
            let state = core::mem::replace(self, Self::Starting);
            let turn = match state {
                Self::Starting => start(sys),
                Self::Resolving(options, lookup) => resolve(sys, options, lookup),
                Self::Connecting(options, attempt) => connect(sys, options, attempt),
                Self::Listening(options, listener) => accept(sys, options, listener),
                Self::Relaying(options, mut relay) => {
                    let step = relay.step(sys, options.idle);
                    Turn::Pause(Self::Relaying(options, relay), step)
                }
            };
            match turn {
                Turn::Go(next) => *self = next,
                Turn::Exit(code) => return Step::Exit(code),
                Turn::Pause(state, step) => {
                    *self = state;
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

fn start(sys: &mut Sys<'_>) -> Turn {
    let options = match Options::parse(sys.argv(), sys.flavour()) {
        Ok(options) => options,
        Err(text) => return fail(sys, &text),
    };
    if options.listen {
        return listen(sys, options);
    }
    let family = if options.v6 {
        Family::V6
    } else if options.v4 {
        Family::V4
    } else {
        Family::Any
    };
    let lookup = Lookup::new(sys, &options.host, family);
    Turn::Go(Nc::Resolving(options, lookup))
}

fn listen(sys: &mut Sys<'_>, options: Options) -> Turn {
    let addr = options.host.parse().unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
    let local = SocketAddr::new(addr, options.port);
    let is_dual = sys.flavour() == Flavour::Busybox && local.ip().is_unspecified();
    let opened = match options.udp {
        true => sys.udp_bind(local),
        false if is_dual => sys.tcp_listen_dual(local.port(), BACKLOG),
        false => sys.tcp_listen(local, BACKLOG),
    };
    let socket = match opened {
        Ok(socket) => socket,
        Err(errno) if sys.flavour() == Flavour::Busybox => return fail(sys, &format!("bind: {errno}")),
        Err(errno) => return fail(sys, &errno.to_string()),
    };
    if options.verbose {
        match sys.flavour() {
            Flavour::Busybox => sys.eprint(format!("listening on {local} ...\n")),
            Flavour::Host if options.udp => sys.eprint(format!("Bound on {} {}\n", local.ip(), local.port())),
            Flavour::Host => sys.eprint(format!("Listening on {} {}\n", local.ip(), local.port())),
        }
    }
    if options.udp {
        return Turn::Go(Nc::Relaying(options, Relay::udp(socket, None)));
    }
    Turn::Go(Nc::Listening(options, socket))
}

fn accept(sys: &mut Sys<'_>, options: Options, listener: SocketId) -> Turn {
    let Some((socket, peer)) = sys.tcp_accept(listener) else {
        return Turn::Pause(Nc::Listening(options, listener), Step::Wait(None));
    };
    sys.close(listener);
    if options.verbose {
        match sys.flavour() {
            Flavour::Busybox => sys.eprint(format!("connect to {}:{} from {peer}\n", peer.ip(), options.port)),
            Flavour::Host => sys.eprint(format!("Connection received on {} {}\n", peer.ip(), peer.port())),
        }
    }
    Turn::Go(Nc::Relaying(options, Relay::tcp(socket)))
}

fn resolve(sys: &mut Sys<'_>, options: Options, mut lookup: Lookup) -> Turn {
    let found = match lookup.poll(sys) {
        Poll::Pending => {
            let step = Step::Wait(lookup.next_at());
            return Turn::Pause(Nc::Resolving(options, lookup), step);
        }
        Poll::Ready(found) => found,
    };
    let (host, port) = (&options.host, options.port);
    match found {
        Ok(found) => open(sys, SocketAddr::new(found.addresses[0], port), options),
        Err(_) if sys.flavour() == Flavour::Busybox => fail(sys, &format!("bad address '{host}'")),
        Err(error) => fail(sys, &format!("getaddrinfo for host \"{host}\" port {port}: {error}")),
    }
}

fn open(sys: &mut Sys<'_>, peer: SocketAddr, options: Options) -> Turn {
    if options.udp {
        return open_udp(sys, peer, options);
    }
    match sys.tcp_connect(peer) {
        Ok(socket) => {
            let deadline = options.idle.map(|wait| sys.now() + wait);
            Turn::Go(Nc::Connecting(options, Attempt { socket, peer, deadline }))
        }
        Err(errno) => refused(sys, &options, peer, errno),
    }
}

fn open_udp(sys: &mut Sys<'_>, peer: SocketAddr, options: Options) -> Turn {
    let any = SocketAddr::new(crate::addr::unspecified(peer.ip()), 0);
    let opened = sys.udp_bind(any).and_then(|socket| sys.udp_connect(socket, peer).map(|()| socket));
    match opened {
        Ok(socket) => Turn::Go(Nc::Relaying(options, Relay::udp(socket, Some(peer)))),
        Err(errno) => refused(sys, &options, peer, errno),
    }
}

fn connect(sys: &mut Sys<'_>, options: Options, attempt: Attempt) -> Turn {
    match sys.tcp_state(attempt.socket) {
        TcpState::SynSent if attempt.deadline.is_none_or(|at| sys.now() < at) => {
            let step = Step::Wait(attempt.deadline);
            Turn::Pause(Nc::Connecting(options, attempt), step)
        }
        TcpState::SynSent => refused(sys, &options, attempt.peer, Errno::TimedOut),
        TcpState::Closed => {
            let errno = sys.tcp_recv(attempt.socket, 1).err().unwrap_or(Errno::ConnectionReset);
            refused(sys, &options, attempt.peer, errno)
        }
        _ => {
            opened(sys, &options, attempt.peer);
            if options.scan {
                return Turn::Exit(0);
            }
            Turn::Go(Nc::Relaying(options, Relay::tcp(attempt.socket)))
        }
    }
}

fn opened(sys: &mut Sys<'_>, options: &Options, peer: SocketAddr) {
    if !options.verbose {
        return;
    }
    let (host, port) = (&options.host, peer.port());
    match sys.flavour() {
        Flavour::Busybox => sys.eprint(format!("{host} ({peer}) open\n")),
        Flavour::Host => {
            let service = options::service(port);
            sys.eprint(format!("Connection to {host} {port} port [tcp/{service}] succeeded!\n"));
        }
    }
}

fn refused(sys: &mut Sys<'_>, options: &Options, peer: SocketAddr, errno: Errno) -> Turn {
    let (host, port) = (&options.host, peer.port());
    let is_quiet = !options.verbose;
    let text = match (sys.flavour(), errno) {
        (Flavour::Busybox, Errno::ConnectionRefused) if is_quiet => String::new(),
        (Flavour::Busybox, _) => format!("{host} ({peer}): {errno}"),
        (Flavour::Host, _) if is_quiet => String::new(),
        (Flavour::Host, Errno::TimedOut) => {
            format!("connect to {host} port {port} (tcp) timed out: Operation now in progress")
        }
        (Flavour::Host, _) => format!("connect to {host} port {port} (tcp) failed: {errno}"),
    };
    fail(sys, &text)
}
