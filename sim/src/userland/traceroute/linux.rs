//! Linux traceroute: what ties the session to the process.

mod options;
mod session;

use core::net::{IpAddr, SocketAddr};

use options::Options;
use session::Session;

use super::{Course, Prober, Trace};
use crate::userland::aimed::{Aim, Aimed, Refusal};
use crate::userland::lookup::{Found, Lookup, LookupError};
use crate::userland::{Errno, Program, Step, Sys, origin};

/// Bytes of a packet besides its IP header when no length is given.
const DEFAULT_LEN: usize = 40;

/// The program.
pub(super) fn program() -> Box<dyn Program> {
    Box::new(Aimed::<Trace<Session>>::Starting)
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

impl Aim for Trace<Session> {
    type Options = Options;

    fn read(sys: &mut Sys<'_>) -> Result<(Options, Lookup), Refusal> {
        let options = Options::parse(sys.argv())?;
        let lookup = Lookup::new(sys, &options.host, options.family);
        Ok((options, lookup))
    }

    fn begin(sys: &mut Sys<'_>, options: Options, found: Result<Found, LookupError>) -> Result<Self, Refusal> {
        let found = found.map_err(|error| unknown_host(&options, error))?;
        let dst = found.addresses[0];
        options.check()?;
        let ip_header = if dst.is_ipv4() { 20 } else { 40 };
        let smallest = ip_header + 8;
        let len = options.packet_len.map_or(ip_header + DEFAULT_LEN, |len| (len as usize).max(smallest));
        let (host, hops) = (&options.host, options.max_hops);
        sys.print(format!("traceroute to {host} ({dst}), {hops} hops max, {len} byte packets"));
        let source = source(sys, &options, dst)?;
        let port = options.port.unwrap_or(33434);
        origin::probe(sys, SocketAddr::new(dst, port)).map_err(|error| failed("connect", error))?;
        let dont_fragment = options.dont_fragment;
        let course = Course { dst, method: options.method, source, dont_fragment, payload_len: len - smallest };
        let prober = Prober::open(sys, course, options.device.as_deref()).map_err(|error| failed("bind", error))?;
        Ok(Self::new(Session::new(&options), prober, !options.numeric))
    }

    fn step(&mut self, sys: &mut Sys<'_>) -> Step {
        self.go_on(sys)
    }
}

/// The address that was asked for, or one of the device.
fn source(sys: &mut Sys<'_>, options: &Options, dst: IpAddr) -> Result<Option<IpAddr>, Refusal> {
    if let Some(device) = &options.device
        && sys.network().device_named(device).is_none()
    {
        return Err(failed("setsockopt SO_BINDTODEVICE", Errno::NoDevice));
    }
    if let Some(text) = &options.source {
        let ours = text.parse().ok().filter(|addr| sys.network().is_local(*addr));
        return ours.map(Some).ok_or_else(|| failed("bind", Errno::AddressNotAvailable));
    }
    Ok(options.device.as_ref().and_then(|device| sys.source_by(device, dst).ok()))
}
