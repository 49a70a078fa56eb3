//! Linux traceroute: what ties the session to the process.

mod options;
mod session;

use core::net::{IpAddr, SocketAddr};
use core::task::Poll;

use options::{Options, Refusal};
use session::{Action, Session};

use super::{Course, Naming, Prober};
use crate::userland::lookup::{Lookup, LookupError};
use crate::userland::{Errno, Program, Step, Sys, origin};

/// Bytes of a packet besides its IP header when no length is given.
const DEFAULT_LEN: usize = 40;

/// The program.
#[derive(Clone, Debug, Default)]
pub(super) struct Traceroute(Stage);

#[derive(Clone, Debug, Default)]
enum Stage {
    #[default]
    Starting,
    Resolving(Box<Options>, Lookup),
    Tracing(Box<Run>),
}

#[derive(Clone, Debug)]
struct Run {
    session: Session,
    prober: Prober,
    with_names: bool,
    naming: Option<Naming>,
}

impl Program for Traceroute {
    fn step(&mut self, sys: &mut Sys<'_>) -> Step {
        loop {
            let next = match &mut self.0 {
                Stage::Starting => Options::parse(sys.argv()).map(|options| {
                    let lookup = Lookup::new(sys, &options.host, options.family);
                    Stage::Resolving(Box::new(options), lookup)
                }),
                Stage::Resolving(options, lookup) => match lookup.poll(sys) {
                    Poll::Pending => return Step::Wait(lookup.next_at()),
                    Poll::Ready(Err(error)) => Err(unknown_host(options, error)),
                    Poll::Ready(Ok(found)) => Run::begin(sys, options, found.addresses[0]),
                },
                Stage::Tracing(run) => return run.step(sys),
            };
            match next {
                Ok(stage) => self.0 = stage,
                Err(refusal) => {
                    sys.eprint(refusal.text);
                    return Step::Exit(refusal.code);
                }
            }
        }
    }
}

fn unknown_host(options: &Options, error: LookupError) -> Refusal {
    let Options { host, host_word, .. } = options;
    let text =
        format!("{host}: {error}\nCannot handle \"host\" cmdline arg `{host}' on position 1 (argc {host_word})\n");
    Refusal { text, code: 2 }
}

/// A call to the kernel failed after the header was begun.
fn failed(call: &str, error: Errno) -> Refusal {
    Refusal { text: format!("\n{call}: {error}\n"), code: 1 }
}

impl Run {
    fn begin(sys: &mut Sys<'_>, options: &Options, dst: IpAddr) -> Result<Stage, Refusal> {
        options.check()?;
        let ip_header = if dst.is_ipv4() { 20 } else { 40 };
        let smallest = ip_header + 8;
        let len = options.packet_len.map_or(ip_header + DEFAULT_LEN, |len| (len as usize).max(smallest));
        let (host, hops) = (&options.host, options.max_hops);
        sys.print(format!("traceroute to {host} ({dst}), {hops} hops max, {len} byte packets"));
        let source = source(sys, options, dst)?;
        let session = Session::new(options);
        let port = options.port.unwrap_or(33434);
        origin::probe(sys, SocketAddr::new(dst, port)).map_err(|error| failed("connect", error))?;
        let dont_fragment = options.dont_fragment;
        let course = Course { dst, method: options.method, source, dont_fragment, payload_len: len - smallest };
        let prober = Prober::open(sys, course).map_err(|error| failed("bind", error))?;
        let with_names = !options.numeric;
        Ok(Stage::Tracing(Box::new(Self { session, prober, with_names, naming: None })))
    }

    fn step(&mut self, sys: &mut Sys<'_>) -> Step {
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
                        sys.eprint(failed("send", error).text);
                        return Step::Exit(1);
                    }
                }
            }
        }
    }
}

/// The address that was asked for, or one of the device.
fn source(sys: &Sys<'_>, options: &Options, dst: IpAddr) -> Result<Option<IpAddr>, Refusal> {
    if let Some(device) = &options.device
        && sys.network().device_named(device).is_none()
    {
        return Err(failed("setsockopt SO_BINDTODEVICE", Errno::NoDevice));
    }
    if let Some(text) = &options.source {
        let ours = text.parse().ok().filter(|addr| sys.network().is_local(*addr));
        return ours.map(Some).ok_or_else(|| failed("bind", Errno::AddressNotAvailable));
    }
    Ok(options.device.as_ref().and_then(|device| origin::address_on(sys, device, dst)))
}
