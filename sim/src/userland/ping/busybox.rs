//! busybox ping: an echo a second, and what it prints about them. ICMP errors are for others: it is silent about them.

mod options;
mod session;

use core::time::Duration;

use options::Options;
use session::{Reply, Session};

use super::{Action, Echo};
use crate::socket::SendOptions;
use crate::time::Instant;
use crate::userland::aimed::{Aim, Aimed, Refusal};
use crate::userland::icmp::Message;
use crate::userland::lookup::{Found, Lookup, LookupError};
use crate::userland::{Program, Signal, Step, Sys};

/// Bytes of payload in which the time of sending travels.
const STAMP_LEN: usize = 4;

/// The program.
pub(super) fn program() -> Box<dyn Program> {
    Box::new(Aimed::<Run>::Starting)
}

#[derive(Clone, Debug)]
struct Run {
    session: Session,
    echo: Echo,
    payload: Vec<u8>,
}

fn refuse(sys: &Sys<'_>, text: &str) -> Refusal {
    Refusal { text: format!("{}: {text}\n", options::applet(sys.argv())), code: 1 }
}

impl Aim for Run {
    type Options = Options;

    fn read(sys: &mut Sys<'_>) -> Result<(Options, Lookup), Refusal> {
        let options = Options::parse(sys.argv()).map_err(|text| Refusal { text, code: 1 })?;
        let lookup = Lookup::new(sys, &options.host, options.family);
        Ok((options, lookup))
    }

    /// Opens the socket and says hello. A source is a device, else an address of ours.
    fn begin(sys: &mut Sys<'_>, options: Options, found: Result<Found, LookupError>) -> Result<Self, Refusal> {
        let found = found.map_err(|_| refuse(sys, &format!("bad address '{}'", options.host)))?;
        let dst = found.addresses[0];
        let (mut source, mut device) = (None, None);
        let mut foreign = false;
        if let Some(name) = &options.source {
            if sys.network().device_named(name).is_some() {
                source = sys.source_by(name, dst).ok();
                device = Some(name.clone());
            } else if let Ok(addr) = name.parse() {
                source = Some(addr);
                foreign = !sys.network().is_local(addr);
            } else {
                return Err(refuse(sys, &format!("bad address '{name}'")));
            }
        }
        let payload = vec![options.pattern; options.size.into()];
        let send = SendOptions { ttl: options.ttl, source, ..SendOptions::default() };
        let session = Session::new(options, sys.now());
        sys.print(session.header(dst));
        let echo = Echo::open(sys, dst, device.as_deref(), send)
            .map_err(|_| refuse(sys, "permission denied (are you root?)"))?;
        if foreign {
            return Err(refuse(sys, "can't set multicast source interface"));
        }
        Ok(Self { session, echo, payload })
    }

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
                        return refuse(sys, &format!("sendto: {error}")).tell(sys);
                    }
                }
            }
        }
    }

    fn signal(&mut self, _sys: &mut Sys<'_>, signal: Signal) -> bool {
        let ends = signal == Signal::Interrupt;
        if ends {
            self.session.interrupt();
        }
        ends
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
