//! busybox traceroute: what ties the session to the process.

mod options;
mod session;

use core::net::{IpAddr, SocketAddr};

use options::Options;
use session::Session;

use super::{Course, Prober, Trace};
use crate::userland::aimed::{Aim, Aimed, Refusal};
use crate::userland::lookup::{Found, Lookup, LookupError};
use crate::userland::{Errno, Program, Step, Sys, origin};

/// The program.
pub(super) fn program() -> Box<dyn Program> {
    Box::new(Aimed::<Trace<Session>>::Starting)
}

fn complaint(text: &str) -> String {
    format!("traceroute: {text}\n")
}

fn refuse(text: &str) -> Refusal {
    Refusal { text: complaint(text), code: 1 }
}

/// The bytes of a packet's headers, and of the smallest packet that busybox sends.
const fn lengths(dst: IpAddr) -> (usize, usize) {
    if dst.is_ipv4() { (28, 46) } else { (48, 72) }
}

impl Aim for Trace<Session> {
    type Options = Options;

    fn read(sys: &mut Sys<'_>) -> Result<(Options, Lookup), Refusal> {
        let options = Options::parse(sys.argv()).map_err(|text| Refusal { text, code: 1 })?;
        let lookup = Lookup::new(sys, &options.host, options.family);
        Ok((options, lookup))
    }

    fn begin(sys: &mut Sys<'_>, options: Options, found: Result<Found, LookupError>) -> Result<Self, Refusal> {
        let found = found.map_err(|_| refuse(&format!("bad address '{}'", options.host)))?;
        let dst = found.addresses[0];
        origin::probe(sys, SocketAddr::new(dst, options.port))
            .map_err(|error| refuse(&format!("can't connect to remote host ({dst}): {error}")))?;
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
        let device = options.device.as_deref().filter(|name| sys.network().device_named(name).is_some());
        let prober = Prober::open(sys, course, device).map_err(|error| {
            let call = if error == Errno::NotPermitted { "socket" } else { "bind" };
            refuse(&format!("{call}: {error}"))
        })?;
        let our_address = origin::towards(sys, dst, source);
        let from = options.source.as_ref().map(|s| format!(" from {s}")).unwrap_or_default();
        let (host, hops) = (&options.host, options.max_hops);
        sys.print(format!("traceroute to {host} ({dst}){from}, {hops} hops max, {len} byte packets\n"));
        let with_names = !options.numeric;
        Ok(Self::new(Session::new(options, our_address, sys.now()), prober, with_names))
    }

    fn step(&mut self, sys: &mut Sys<'_>) -> Step {
        self.go_on(sys)
    }
}

/// The address that was asked for, or one of the device. A device that is not there is only complained about.
fn source(sys: &mut Sys<'_>, options: &Options, dst: IpAddr) -> Result<Option<IpAddr>, Refusal> {
    if let Some(text) = &options.source {
        let addr = text.parse().map_err(|_| refuse(&format!("bad address '{text}'")))?;
        let ours = sys.network().is_local(addr);
        return if ours { Ok(Some(addr)) } else { Err(refuse("can't set multicast source interface")) };
    }
    let Some(device) = &options.device else { return Ok(None) };
    if sys.network().device_named(device).is_none() {
        sys.eprint(complaint(&format!("can't bind to interface {device}: {}", Errno::NoDevice)));
    }
    Ok(sys.source_by(device, dst).ok())
}
