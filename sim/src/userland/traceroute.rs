//! `traceroute`, twice: busybox 1.35 as containers have it and Dmitry Butskoy's 2.1 as Debian hosts have it. Here is
//! what both share, the sockets for probes and how a run goes on; what they print and when they send is in `busybox` and
//! `linux`.

mod busybox;
mod linux;

use core::net::{IpAddr, SocketAddr};
use core::task::Poll;

use super::aimed::Refusal;
use super::icmp::{self, Message, Problem};
use super::lookup::Reverse;
use super::{Errno, Flavour, Programs, Step, Sys, origin};
use crate::addr;
use crate::socket::{Datagram, Discovery, SendOptions, SocketId};
use crate::time::Instant;

/// Puts both into the table.
pub fn add(programs: &mut Programs) {
    programs.add(Flavour::Busybox, "traceroute", busybox::program);
    programs.add(Flavour::Host, "traceroute", linux::program);
}

/// What probes are.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Method {
    /// Datagrams to ports where nobody listens.
    Udp,
    /// Echo requests.
    Icmp,
}

/// How probes are sent.
#[derive(Clone, Copy, Debug)]
struct Course {
    dst: IpAddr,
    method: Method,
    source: Option<IpAddr>,
    dont_fragment: bool,
    /// Bytes after the UDP or ICMP header.
    payload_len: usize,
}

/// What a router or the destination says about a probe.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Response {
    from: IpAddr,
    /// The probe's destination port, or sequence number.
    number: u16,
    verdict: Verdict,
    /// The hop limit that the response came with.
    ttl: u8,
    /// Bytes of the ICMP message.
    len: usize,
}

/// What became of a probe.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Verdict {
    /// Its hop limit was used up.
    Expired,
    /// It arrived: an echo reply, or nobody listens at its port.
    Reached,
    /// Somebody could not pass it on.
    Failed(Problem),
}

/// The sockets for probes and for what comes back.
#[derive(Clone, Debug)]
struct Prober {
    course: Course,
    raw: SocketId,
    /// With UDP the socket that sends.
    udp: Option<SocketId>,
    /// Its port; with ICMP the id of the echoes.
    ident: u16,
}

impl Prober {
    /// The port (or id) is made of the process's number; when a port is taken, of the next. All goes by a device, if one is
    /// named.
    fn open(sys: &mut Sys<'_>, course: Course, device: Option<&str>) -> Result<Self, Errno> {
        let prober = Self::open_anywhere(sys, course)?;
        for socket in [Some(prober.raw), prober.udp].into_iter().flatten() {
            device.map_or(Ok(()), |device| sys.bind_to_device(socket, device))?;
        }
        Ok(prober)
    }

    fn open_anywhere(sys: &mut Sys<'_>, course: Course) -> Result<Self, Errno> {
        let raw = sys.raw_open(icmp::protocol(course.dst))?;
        let [_, _, high, low] = sys.pid().0.to_be_bytes();
        let mut ident = u16::from_be_bytes([high, low]) | 0x8000;
        if course.method == Method::Icmp {
            return Ok(Self { course, raw, udp: None, ident });
        }
        let local = course.source.unwrap_or_else(|| addr::unspecified(course.dst));
        loop {
            match sys.udp_bind(SocketAddr::new(local, ident)) {
                Ok(udp) => return Ok(Self { course, raw, udp: Some(udp), ident }),
                Err(Errno::AddressInUse) if ident < u16::MAX => ident += 1,
                Err(error) => return Err(error),
            }
        }
    }

    fn send(&self, sys: &mut Sys<'_>, ttl: u8, number: u16) -> Result<(), Errno> {
        let Course { dst, source, dont_fragment, payload_len, .. } = self.course;
        let discovery = if dont_fragment { Discovery::Do } else { Discovery::Want };
        let options = SendOptions { ttl: Some(ttl), discovery, source, tos: 0 };
        let payload = vec![0; payload_len];
        if let Some(udp) = self.udp {
            return sys.send_to(udp, SocketAddr::new(dst, number), &payload, options);
        }
        let message = icmp::echo_request(origin::towards(sys, dst, source), dst, self.ident, number, &payload);
        sys.send_to(self.raw, SocketAddr::new(dst, 0), &message, options)
    }

    /// The next response to one of our probes that came.
    fn receive(&self, sys: &mut Sys<'_>) -> Option<Response> {
        loop {
            match sys.recv_from(self.raw) {
                Ok(None) => return None,
                Ok(Some(datagram)) => match response(&datagram, self.course, self.ident) {
                    Some(response) => return Some(response),
                    None => continue,
                },
                Err(_) => continue,
            }
        }
    }
}

/// What a datagram says about a probe of this course.
fn response(datagram: &Datagram, course: Course, ident: u16) -> Option<Response> {
    let from = datagram.src.ip();
    let (number, verdict) = match icmp::parse(from, &datagram.data)? {
        Message::EchoReply { id, seq, .. } if course.method == Method::Icmp && id == ident => (seq, Verdict::Reached),
        Message::EchoReply { .. } => return None,
        // That there is a nearer router answers nothing.
        Message::Error(icmp::Error { problem: Problem::Redirect { .. }, .. }) => return None,
        Message::Error(error) if error.original.dst == course.dst => {
            let ours = match course.method {
                Method::Udp if error.original.protocol == icmp::UDP => error.original.ports(),
                Method::Udp => return None,
                Method::Icmp => error.original.echo()?,
            };
            if ours.0 != ident {
                return None;
            }
            (ours.1, verdict(from, error.problem))
        }
        Message::Error(_) => return None,
    };
    Some(Response { from, number, verdict, ttl: datagram.ttl, len: datagram.data.len() })
}

fn verdict(from: IpAddr, problem: Problem) -> Verdict {
    let nobody_listens = if from.is_ipv4() { 3 } else { 4 };
    match problem {
        Problem::TimeExceeded(0) => Verdict::Expired,
        Problem::Unreachable(code) if code == nobody_listens => Verdict::Reached,
        other => Verdict::Failed(other),
    }
}

/// An address on its way to the page: as `name (address)`, or alone when names are not wanted.
#[derive(Clone, Debug)]
struct Naming {
    addr: IpAddr,
    reverse: Option<Reverse>,
}

impl Naming {
    fn new(sys: &Sys<'_>, addr: IpAddr, with_names: bool) -> Self {
        Self { addr, reverse: with_names.then(|| Reverse::new(sys, addr)) }
    }

    fn poll(&mut self, sys: &mut Sys<'_>) -> Poll<String> {
        let addr = self.addr;
        match &mut self.reverse {
            None => Poll::Ready(addr.to_string()),
            Some(reverse) => {
                reverse.poll(sys).map(|name| format!("{} ({addr})", name.unwrap_or_else(|| addr.to_string())))
            }
        }
    }

    fn next_at(&self) -> Option<Instant> {
        self.reverse.as_ref().and_then(Reverse::next_at)
    }
}

/// What a session wants done next.
#[derive(Clone, Debug, Eq, PartialEq)]
enum Action {
    /// Print this.
    Print(String),
    /// Print an address, with its name if names are wanted.
    PrintAddress(IpAddr),
    /// Send a probe.
    Send {
        /// Its hop limit.
        ttl: u8,
        /// Its destination port or sequence number.
        number: u16,
    },
    /// Wait, at most until then.
    Wait(Instant),
    /// All hops are printed.
    Finish,
}

/// One run as a function of time and responses. It has no socket and knows no names.
trait Session {
    /// What to do now.
    fn poll(&mut self, now: Instant) -> Action;

    /// Takes what came.
    fn handle_response(&mut self, now: Instant, response: Response);

    /// What is said when a probe cannot be sent.
    fn unsent(error: Errno) -> Refusal;
}

/// A run under way.
#[derive(Clone, Debug)]
struct Trace<S> {
    session: S,
    prober: Prober,
    with_names: bool,
    naming: Option<Naming>,
}

impl<S: Session> Trace<S> {
    const fn new(session: S, prober: Prober, with_names: bool) -> Self {
        Self { session, prober, with_names, naming: None }
    }

    fn go_on(&mut self, sys: &mut Sys<'_>) -> Step {
        loop {
            while let Some(response) = self.prober.receive(sys) {
                self.session.handle_response(sys.now(), response);
            }
            if let Some(naming) = &mut self.naming {
                let Poll::Ready(text) = naming.poll(sys) else { return Step::Wait(naming.next_at()) };
                sys.print(text);
                self.naming = None;
            }
            match self.session.poll(sys.now()) {
                Action::Print(text) => sys.print(text),
                Action::PrintAddress(addr) => self.naming = Some(Naming::new(sys, addr, self.with_names)),
                Action::Wait(at) => return Step::Wait(Some(at)),
                Action::Finish => return Step::Exit(0),
                Action::Send { ttl, number } => {
                    if let Err(error) = self.prober.send(sys, ttl, number) {
                        return S::unsent(error).tell(sys);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const IDENT: u16 = 0x8007;

    fn course(method: Method) -> Course {
        Course { dst: "10.0.9.4".parse().unwrap(), method, source: None, dont_fragment: false, payload_len: 18 }
    }

    fn heard(method: Method, message: &[u8]) -> Option<(u16, Verdict)> {
        let src = "10.0.0.254:0".parse().unwrap();
        let datagram = Datagram { src, dst: "10.0.0.1".parse().unwrap(), ttl: 64, data: message.to_vec() };
        response(&datagram, course(method), IDENT).map(|r| (r.number, r.verdict))
    }

    /// An error of this type and code about a packet to 10.0.9.4.
    fn error(kind: u8, code: u8, protocol: u8, head: [u8; 8]) -> Vec<u8> {
        let mut message = vec![kind, code, 0, 0, 0, 0, 0, 0];
        message.extend([0x45, 0, 0, 46, 0, 0, 0, 0, 1, protocol, 0, 0, 10, 0, 0, 1, 10, 0, 9, 4]);
        message.extend(head);
        message
    }

    #[test]
    fn errors_about_our_datagrams_tell_their_port() {
        let head = [0x80, 0x07, 0x82, 0x9b, 0, 26, 0, 0];
        let udp = |kind, code| heard(Method::Udp, &error(kind, code, icmp::UDP, head));
        assert_eq!(udp(11, 0), Some((33435, Verdict::Expired)));
        assert_eq!(udp(3, 3), Some((33435, Verdict::Reached)));
        assert_eq!(udp(3, 1), Some((33435, Verdict::Failed(Problem::Unreachable(1)))));
        let foreign = [0x80, 0x08, 0x82, 0x9b, 0, 26, 0, 0];
        assert_eq!(heard(Method::Udp, &error(11, 0, icmp::UDP, foreign)), None);
        assert_eq!(heard(Method::Udp, &error(11, 0, icmp::ICMP, head)), None);
    }

    #[test]
    fn echoes_come_back_as_replies_or_errors() {
        assert_eq!(heard(Method::Icmp, &[0, 0, 0, 0, 0x80, 0x07, 0, 5]), Some((5, Verdict::Reached)));
        assert_eq!(heard(Method::Icmp, &[0, 0, 0, 0, 0x80, 0x08, 0, 5]), None);
        let expired = error(11, 0, icmp::ICMP, [8, 0, 0, 0, 0x80, 0x07, 0, 6]);
        assert_eq!(heard(Method::Icmp, &expired), Some((6, Verdict::Expired)));
    }
}
