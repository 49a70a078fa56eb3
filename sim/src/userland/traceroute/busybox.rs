//! busybox traceroute: what ties the session to the process.

mod options;
mod session;

use core::net::{IpAddr, SocketAddr};
use core::task::Poll;

use options::Options;
use session::{Action, Session};

use super::{Course, Naming, Prober};
use crate::userland::lookup::Lookup;
use crate::userland::{Errno, Program, Step, Sys, origin};

/// The program.
#[derive(Clone, Debug, Default)]
pub(super) struct Traceroute(Stage);

#[derive(Clone, Debug, Default)]
enum Stage {
    #[default]
    Starting,
    Resolving(Options, Lookup),
    Tracing(Box<Run>),
}

#[derive(Clone, Debug)]
struct Run {
    session: Session,
    prober: Prober,
    our_address: IpAddr,
    with_names: bool,
    naming: Option<Naming>,
}

impl Program for Traceroute {
    fn step(&mut self, sys: &mut Sys<'_>) -> Step {
        loop {
            let next = match &mut self.0 {
                Stage::Starting => Options::parse(sys.argv()).map(|options| {
                    let lookup = Lookup::new(sys, &options.host, options.family);
                    Stage::Resolving(options, lookup)
                }),
                Stage::Resolving(options, lookup) => match lookup.poll(sys) {
                    Poll::Pending => return Step::Wait(lookup.next_at()),
                    Poll::Ready(Err(_)) => Err(complaint(&format!("bad address '{}'", options.host))),
                    Poll::Ready(Ok(found)) => Run::begin(sys, options.clone(), found.addresses[0]),
                },
                Stage::Tracing(run) => return run.step(sys),
            };
            match next {
                Ok(stage) => self.0 = stage,
                Err(text) => {
                    sys.eprint(text);
                    return Step::Exit(1);
                }
            }
        }
    }
}

fn complaint(text: &str) -> String {
    format!("traceroute: {text}\n")
}

/// The bytes of a packet's headers, and of the smallest packet that busybox sends.
const fn lengths(dst: IpAddr) -> (usize, usize) {
    if dst.is_ipv4() { (28, 46) } else { (48, 72) }
}

impl Run {
    fn begin(sys: &mut Sys<'_>, options: Options, dst: IpAddr) -> Result<Stage, String> {
        if let Err(error) = origin::probe(sys, SocketAddr::new(dst, options.port)) {
            return Err(complaint(&format!("can't connect to remote host ({dst}): {error}")));
        }
        let source = source(sys, &options, dst)?;
        let (headers, smallest) = lengths(dst);
        let len = options.packet_len.unwrap_or(smallest).max(smallest);
        let course = Course {
            dst,
            method: options.method,
            source,
            dont_fragment: options.dont_fragment,
            payload_len: len - headers,
        };
        let prober = Prober::open(sys, course).map_err(|error| {
            let call = if error == Errno::NotPermitted { "socket" } else { "bind" };
            complaint(&format!("{call}: {error}"))
        })?;
        let our_address = origin::towards(sys, dst, source);
        let from = options.source.as_ref().map(|s| format!(" from {s}")).unwrap_or_default();
        let (host, hops) = (&options.host, options.max_hops);
        sys.print(format!("traceroute to {host} ({dst}){from}, {hops} hops max, {len} byte packets\n"));
        let with_names = !options.numeric;
        let session = Session::new(options, sys.now());
        Ok(Stage::Tracing(Box::new(Self { session, prober, our_address, with_names, naming: None })))
    }

    fn step(&mut self, sys: &mut Sys<'_>) -> Step {
        loop {
            while let Some(response) = self.prober.receive(sys) {
                self.session.handle_response(sys.now(), response, self.our_address);
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
                        sys.eprint(complaint(&format!("sendto: {error}")));
                        return Step::Exit(1);
                    }
                }
            }
        }
    }
}

/// The address that was asked for, or one of the device. A device that is not there is only complained about.
fn source(sys: &mut Sys<'_>, options: &Options, dst: IpAddr) -> Result<Option<IpAddr>, String> {
    if let Some(text) = &options.source {
        let addr = text.parse().map_err(|_| complaint(&format!("bad address '{text}'")))?;
        let ours = sys.network().is_local(addr);
        return if ours { Ok(Some(addr)) } else { Err(complaint("can't set multicast source interface")) };
    }
    let Some(device) = &options.device else { return Ok(None) };
    if sys.network().device_named(device).is_none() {
        sys.eprint(complaint(&format!("can't bind to interface {device}: {}", Errno::NoDevice)));
    }
    Ok(origin::address_on(sys, device, dst))
}
