//! iputils ping: how it begins, receives and names what answers. Unlike busybox it tells of ICMP errors, and asks for
//! the name of each address that it prints unless the target was a number.

mod options;
mod report;
mod session;

use core::net::{IpAddr, SocketAddr};
use core::task::Poll;
use core::time::Duration;
use std::collections::VecDeque;

use options::{Options, refuse};
use session::{Arrival, Session};

use super::{Action, Echo};
use crate::addr;
use crate::socket::{Datagram, SendOptions};
use crate::time::Instant;
use crate::userland::aimed::{Aim, Aimed, Refusal};
use crate::userland::icmp::{Message, Problem};
use crate::userland::lookup::config::numeric;
use crate::userland::lookup::{Found, Lookup, LookupError, Reverse};
use crate::userland::{Errno, Program, Signal, Step, Sys, origin};

/// Bytes of payload in which the time of sending travels: seconds and microseconds since 1970.
const STAMP_LEN: usize = 16;

/// Bytes of payload beyond which no packet could hold them anyway.
const MAX_PAYLOAD: usize = 65_536;

/// The port whose reachability tells the source address before anything is sent.
const PROBE_PORT: u16 = 1025;

/// The program.
pub(super) fn program() -> Box<dyn Program> {
    Box::new(Aimed::<Run>::Starting)
}

/// Takes the first address of the family that was asked for. Only the first of all carries the canonical name: with
/// `-4` and an IPv6 address before it, iputils prints no name.
fn choose(options: &Options, found: Result<Found, LookupError>) -> Result<(String, IpAddr), Refusal> {
    let refuse = |error| refuse(2, format!("{}: {error}", options.host));
    let found = found.map_err(refuse)?;
    let chosen = found.addresses.iter().position(|a| options.family.has(*a));
    let at = chosen.ok_or(LookupError::AddressFamily).map_err(refuse)?;
    let host = if at == 0 { found.canonical } else { String::new() };
    Ok((host, found.addresses[at]))
}

/// A line with an address in it that may need a name.
#[derive(Clone, Debug)]
struct Line {
    before: String,
    addr: IpAddr,
    after: String,
}

#[derive(Clone, Debug)]
struct Run {
    session: Session,
    echo: Echo,
    host: String,
    with_names: bool,
    payload: Vec<u8>,
    /// What came, and when, and was not looked at yet: nothing is while a name is asked for.
    arrivals: VecDeque<(Instant, Datagram)>,
    naming: Option<(Reverse, Line)>,
}

impl Aim for Run {
    type Options = Options;

    fn read(sys: &mut Sys<'_>) -> Result<(Options, Lookup), Refusal> {
        let options = Options::parse(sys.argv())?;
        let lookup = Lookup::new(sys, &options.host, Default::default());
        Ok((options, lookup))
    }

    fn begin(sys: &mut Sys<'_>, options: Options, found: Result<Found, LookupError>) -> Result<Self, Refusal> {
        let (host, dst) = choose(&options, found)?;
        let (source, from) = choose_source(sys, &options, dst)?;
        let device = options.source.clone().filter(|name| name.parse::<IpAddr>().is_err());
        if is_broadcast(sys, dst) {
            allow_broadcast(sys, options.broadcast)?;
        }
        let send = SendOptions { ttl: options.ttl, discovery: options.discovery, source, tos: options.tos };
        let with_names = !options.numeric && numeric(&options.host).is_none();
        let echo = Echo::open(sys, dst, device.as_deref(), send)
            .map_err(|error| refuse(2, format!("socktype: SOCK_RAW\nsocket: {error}")))?;
        let mut run = Self {
            echo,
            payload: (0..options.size.min(MAX_PAYLOAD)).map(|at| at.to_le_bytes()[0]).collect(),
            session: Session::new(options, sys.now()),
            host,
            with_names,
            arrivals: VecDeque::new(),
            naming: None,
        };
        run.greet(sys, dst, &from);
        Ok(run)
    }

    fn step(&mut self, sys: &mut Sys<'_>) -> Step {
        loop {
            while let Some(datagram) = self.echo.receive(sys) {
                self.arrivals.push_back((sys.now(), datagram));
            }
            if let Some(until) = self.wait_for_name(sys) {
                return Step::Wait(until);
            }
            let over = self.session.is_over(sys.now());
            if let Some((at, datagram)) = self.arrivals.pop_front().filter(|_| !over) {
                self.handle(sys, at, &datagram);
                continue;
            }
            match self.session.poll(sys.now()) {
                Action::Wait(at) => return Step::Wait(at),
                Action::Send(seq) => self.send(sys, seq),
                Action::Finish => {
                    sys.print(self.session.statistics(&self.host));
                    return Step::Exit(self.session.exit_code());
                }
            }
        }
    }

    fn signal(&mut self, sys: &mut Sys<'_>, signal: Signal) -> bool {
        match signal {
            Signal::Interrupt => self.session.interrupt(),
            Signal::Quit => sys.eprint(self.session.status()),
            _ => return false,
        }
        true
    }
}

impl Run {
    fn greet(&mut self, sys: &mut Sys<'_>, dst: IpAddr, from: &str) {
        let (size, host) = (self.session.options().size, &self.host);
        if dst.is_ipv4() {
            sys.print(format!("PING {host} ({dst}) {from}{size}({}) bytes of data.\n", size.saturating_add(28)));
            return;
        }
        let line = Line { before: format!("PING {host}("), addr: dst, after: format!(") {from}{size} data bytes\n") };
        self.print(sys, line);
    }

    /// Until when to wait for the name that a line needs; none when no line waits any more.
    fn wait_for_name(&mut self, sys: &mut Sys<'_>) -> Option<Option<Instant>> {
        let (reverse, line) = self.naming.as_mut()?;
        let name = match reverse.poll(sys) {
            Poll::Ready(name) => name.or_else(|| Some(line.addr.to_string())),
            Poll::Pending if self.session.is_broken_off(sys.now()) => None,
            Poll::Pending => {
                let until = [reverse.next_at(), self.session.deadline()].into_iter().flatten().min();
                return Some(until);
            }
        };
        let Line { before, addr, after } = line;
        let text = name.map_or_else(|| addr.to_string(), |name| format!("{name} ({addr})"));
        sys.print(format!("{before}{text}{after}"));
        self.naming = None;
        None
    }

    fn print(&mut self, sys: &mut Sys<'_>, line: Line) {
        if self.with_names {
            self.naming = Some((Reverse::new(sys, line.addr), line));
        } else {
            sys.print(format!("{}{}{}", line.before, line.addr, line.after));
        }
    }

    fn send(&mut self, sys: &mut Sys<'_>, seq: u16) {
        if let Some(before) = self.session.outstanding() {
            let stamp = self.stamp(sys);
            sys.print(format!("{stamp}no answer yet for icmp_seq={before}\n"));
        }
        if let Some(room) = self.payload.first_chunk_mut() {
            *room = clock(unix_us(sys, sys.now()));
        }
        match self.echo.send(sys, seq, &self.payload) {
            Ok(()) => {}
            Err(Errno::MessageTooLong) => {
                if let Some(mtu) = self.echo.room(sys) {
                    self.session.handle_local_error();
                    let sign = if self.echo.dst.is_ipv4() { "=" } else { ": " };
                    self.complain(sys, &format!("local error: message too long, mtu{sign}{mtu}"));
                }
            }
            // What the firewall stops or no route leads to counts as sent. ping asks the socket's queue of errors why, finds
            // it empty, and says nothing.
            Err(_) => {}
        }
    }

    fn complain(&self, sys: &mut Sys<'_>, text: &str) {
        if !self.session.options().quiet {
            sys.eprint(format!("ping: {text}\n"));
        }
    }

    fn handle(&mut self, sys: &mut Sys<'_>, at: Instant, datagram: &Datagram) {
        let src = datagram.src.ip();
        let line = match self.echo.read(datagram) {
            None => return,
            Some(Message::EchoReply { seq, payload, .. }) => self.reply_line(sys, at, datagram, seq, payload),
            Some(Message::Error(error)) => {
                let Some((_, seq)) = error.original.echo() else { return };
                // What went on by another way is not lost.
                let is_lost = !matches!(error.problem, Problem::Redirect { .. });
                if is_lost {
                    self.session.handle_error(seq);
                }
                let colon = if is_lost { "" } else { ":" };
                let after = format!("{colon} icmp_seq={seq} {}\n", report::problem(src, error.problem));
                Line { before: format!("{}From ", self.stamp(sys)), addr: src, after }
            }
        };
        if !self.session.options().quiet {
            self.print(sys, line);
        }
    }

    fn reply_line(&mut self, sys: &Sys<'_>, at: Instant, datagram: &Datagram, seq: u16, payload: &[u8]) -> Line {
        let took = (payload.len() >= STAMP_LEN).then(|| took(payload, unix_us(sys, at)));
        let arrival = self.session.handle_reply(at, seq, took);
        let addr = datagram.src.ip();
        let mut after = format!(": icmp_seq={seq} ttl={}", datagram.ttl);
        if let Some(took) = took {
            after += &format!(" time={}", report::milliseconds(took));
        }
        if arrival == Arrival::Duplicate {
            after += " (DUP!)";
        }
        if addr != self.echo.dst && !self.echo.dst.is_multicast() && !self.session.options().broadcast {
            after += " (DIFFERENT ADDRESS!)";
        }
        after.push('\n');
        Line { before: format!("{}{} bytes from ", self.stamp(sys), datagram.data.len()), addr, after }
    }

    /// What `-D` puts before a line.
    fn stamp(&self, sys: &Sys<'_>) -> String {
        let us = unix_us(sys, sys.now());
        let on = self.session.options().timestamps;
        if on { format!("[{}.{:06}] ", us / 1_000_000, us % 1_000_000) } else { String::new() }
    }
}

/// The source address, when one was asked for, and what the header says about it.
fn choose_source(sys: &mut Sys<'_>, options: &Options, dst: IpAddr) -> Result<(Option<IpAddr>, String), Refusal> {
    let failed = |error| match error {
        // What a broadcast is refused with; a route that prohibits says the same.
        Errno::AccessDenied if dst.is_ipv4() => refuse(2, BROADCAST),
        error => refuse(2, format!("connect: {error}")),
    };
    let Some(name) = &options.source else {
        origin::probe(sys, SocketAddr::new(dst, PROBE_PORT)).map_err(failed)?;
        return Ok((None, String::new()));
    };
    if let Ok(addr) = name.parse::<IpAddr>() {
        if !sys.network().is_local(addr) {
            return Err(refuse(2, format!("bind: {}", Errno::AddressNotAvailable)));
        }
        return Ok((Some(addr), format!("from {addr} : ")));
    }
    if sys.network().device_named(name).is_none() {
        return Err(refuse(2, format!("SO_BINDTODEVICE {name}: {}", Errno::NoDevice)));
    }
    let source = sys.source_by(name, dst).map_err(failed)?;
    let is_its_own = sys
        .network()
        .device_named(name)
        .is_some_and(|device| device.has(source) || device.is_loopback() && source.is_loopback());
    if !is_its_own {
        sys.eprint(format!("ping: Warning: source address might be selected on device other than: {name}\n"));
    }
    Ok((Some(source), format!("from {source} {name}: ")))
}

fn is_broadcast(sys: &Sys<'_>, dst: IpAddr) -> bool {
    let directed = |net| addr::broadcast(net).is_some_and(|b| IpAddr::V4(b) == dst);
    let mut addresses = sys.network().devices.values().flat_map(|d| &d.addresses);
    matches!(dst, IpAddr::V4(v4) if v4.is_broadcast()) || addresses.any(|a| directed(a.net))
}

const BROADCAST: &str = "Do you want to ping broadcast? Then -b. If not, check your local firewall rules";

fn allow_broadcast(sys: &mut Sys<'_>, allowed: bool) -> Result<(), Refusal> {
    if !allowed {
        return Err(refuse(2, BROADCAST));
    }
    sys.eprint("WARNING: pinging broadcast address\n");
    Ok(())
}

fn unix_us(sys: &Sys<'_>, at: Instant) -> u64 {
    sys.epoch().unix_nanos(at) / 1000
}

fn clock(unix_us: u64) -> [u8; STAMP_LEN] {
    let mut stamp = [0; STAMP_LEN];
    stamp[..8].copy_from_slice(&(unix_us / 1_000_000).to_le_bytes());
    stamp[8..].copy_from_slice(&(unix_us % 1_000_000).to_le_bytes());
    stamp
}

fn took(payload: &[u8], unix_us: u64) -> Duration {
    let word = |at: usize| payload.get(at..).and_then(|p| p.first_chunk()).map_or(0, |w| u64::from_le_bytes(*w));
    let sent = word(0).saturating_mul(1_000_000).saturating_add(word(8));
    Duration::from_micros(unix_us.saturating_sub(sent))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_payload_tells_when_it_was_sent() {
        let sent = 1_767_225_600_999_938;
        assert_eq!(took(&clock(sent), sent + 62), Duration::from_micros(62));
        assert_eq!(took(&clock(sent), sent - 1), Duration::ZERO);
    }
}
