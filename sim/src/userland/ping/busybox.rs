//! busybox ping: an echo a second, and what it prints about them. ICMP errors are for others: it is silent about them.

mod options;
mod session;

use core::net::IpAddr;
use core::task::Poll;
use core::time::Duration;

use options::Options;
use session::{Action, Reply, Session};

use super::Echo;
use crate::socket::SendOptions;
use crate::time::Instant;
use crate::userland::icmp::Message;
use crate::userland::lookup::Lookup;
use crate::userland::{Program, Signal, Step, Sys, origin};

/// Bytes of payload in which the time of sending travels.
const STAMP_LEN: usize = 4;

/// The program.
#[derive(Clone, Debug, Default)]
pub(super) struct Ping(Stage);

#[derive(Clone, Debug, Default)]
enum Stage {
    #[default]
    Starting,
    Resolving(Options, Lookup),
    Running(Box<Run>),
}

#[derive(Clone, Debug)]
struct Run {
    session: Session,
    echo: Echo,
    payload: Vec<u8>,
}

impl Program for Ping {
    fn step(&mut self, sys: &mut Sys<'_>) -> Step {
        loop {
            let next = match &mut self.0 {
                Stage::Starting => start(sys),
                Stage::Resolving(options, lookup) => match lookup.poll(sys) {
                    Poll::Pending => return Step::Wait(lookup.next_at()),
                    Poll::Ready(Err(_)) => Err(fail(sys, &format!("bad address '{}'", options.host))),
                    Poll::Ready(Ok(found)) => open(sys, options.clone(), found.addresses[0]),
                },
                Stage::Running(run) => return run.step(sys),
            };
            match next {
                Ok(stage) => self.0 = stage,
                Err(exit) => return exit,
            }
        }
    }

    fn signal(&mut self, _sys: &mut Sys<'_>, signal: Signal) -> bool {
        match &mut self.0 {
            Stage::Running(run) if signal == Signal::Interrupt => {
                run.session.interrupt();
                true
            }
            _ => false,
        }
    }
}

fn fail(sys: &mut Sys<'_>, text: &str) -> Step {
    let name = options::applet(sys.argv());
    sys.eprint(format!("{name}: {text}\n"));
    Step::Exit(1)
}

fn start(sys: &mut Sys<'_>) -> Result<Stage, Step> {
    match Options::parse(sys.argv()) {
        Ok(options) => {
            let lookup = Lookup::new(sys, &options.host, options.family);
            Ok(Stage::Resolving(options, lookup))
        }
        Err(text) => {
            sys.eprint(text);
            Err(Step::Exit(1))
        }
    }
}

/// Opens the socket and says hello. A source is a device, else an address of ours.
fn open(sys: &mut Sys<'_>, options: Options, dst: IpAddr) -> Result<Stage, Step> {
    let mut source = None;
    let mut foreign = false;
    if let Some(name) = &options.source {
        if sys.network().device_named(name).is_some() {
            source = origin::address_on(sys, name, dst);
        } else if let Ok(addr) = name.parse() {
            source = Some(addr);
            foreign = !sys.network().is_local(addr);
        } else {
            return Err(fail(sys, &format!("bad address '{name}'")));
        }
    }
    let payload = vec![options.pattern; options.size.into()];
    let send = SendOptions { ttl: options.ttl, source, ..SendOptions::default() };
    let session = Session::new(options, sys.now());
    sys.print(session.header(dst));
    let Ok(echo) = Echo::open(sys, dst, send) else {
        return Err(fail(sys, "permission denied (are you root?)"));
    };
    if foreign {
        return Err(fail(sys, "can't set multicast source interface"));
    }
    Ok(Stage::Running(Box::new(Run { session, echo, payload })))
}

impl Run {
    fn step(&mut self, sys: &mut Sys<'_>) -> Step {
        while !self.session.is_complete()
            && let Some(datagram) = self.echo.receive(sys)
        {
            if let Some(Message::EchoReply { seq, payload, .. }) = self.echo.read(&datagram) {
                let took = took(payload, sys.now());
                let (src, len) = (datagram.src.ip(), datagram.data.len());
                let line = self.session.handle_reply(sys.now(), Reply { src, seq, ttl: datagram.ttl, len, took });
                sys.print(line);
            }
        }
        loop {
            match self.session.poll(sys.now()) {
                Action::Wait(at) => return Step::Wait(at),
                Action::Finish => {
                    sys.print(self.session.statistics());
                    return Step::Exit(self.session.exit_code());
                }
                Action::Send(seq) => {
                    stamp(&mut self.payload, sys.now());
                    if let Err(error) = self.echo.send(sys, seq, &self.payload) {
                        return fail(sys, &format!("sendto: {error}"));
                    }
                }
            }
        }
    }
}

/// Microseconds that begin anew every 71 minutes, as busybox counts them.
fn clock_us(now: Instant) -> [u8; STAMP_LEN] {
    let [a, b, c, d, ..] = (now.as_nanos() / 1000).to_le_bytes();
    [a, b, c, d]
}

fn stamp(payload: &mut [u8], now: Instant) {
    if let Some(room) = payload.first_chunk_mut() {
        *room = clock_us(now);
    }
}

fn took(payload: &[u8], now: Instant) -> Option<Duration> {
    let sent = u32::from_le_bytes(*payload.first_chunk::<STAMP_LEN>()?);
    Some(Duration::from_micros(u32::from_le_bytes(clock_us(now)).wrapping_sub(sent).into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_payload_tells_when_it_was_sent() {
        let mut payload = vec![0xff; 56];
        stamp(&mut payload, Instant::from_nanos(5_000_123_456_789));
        assert_eq!(&payload[4..], &[0xff; 52]);
        let later = Instant::from_nanos(5_000_123_597_999);
        assert_eq!(took(&payload, later), Some(Duration::from_micros(141)));
        assert_eq!(took(&payload[..3], later), None);
    }
}
