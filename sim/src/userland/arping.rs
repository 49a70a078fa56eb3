//! `arping`: asks for an Ethernet address by ARP and says who answers, or tells others of one, as iputils 20221126 does on
//! hosts and busybox 1.35 in containers. What both print is in `page`, their options in `options`.

mod options;
mod page;

use core::net::{IpAddr, Ipv4Addr};
use core::time::Duration;

use options::{Mode, Options};
use page::Count;

use super::aimed::{Aim, Aimed, Refusal};
use super::lookup::{Family, Found, Lookup, LookupError};
use super::{Flavour, Programs, Signal, Step, Sys};
use crate::addr::{Mac, v4};
use crate::device::{Device, IfIndex};
use crate::frame::{Frame, ethertype};
use crate::namespace::Concern;
use crate::packet::arp::{Arp, LEN, Operation};
use crate::socket::SocketId;
use crate::time::Instant;

/// Between two questions.
const INTERVAL: Duration = Duration::from_secs(1);

/// Puts `arping` on the path of hosts and containers.
pub fn add(programs: &mut Programs) {
    for flavour in [Flavour::Host, Flavour::Busybox] {
        programs.add(flavour, "arping", || Box::new(Aimed::<Run>::Starting));
    }
}

/// The questions on their way.
#[derive(Clone, Debug)]
struct Run {
    options: Options,
    socket: SocketId,
    device: IfIndex,
    own: (Ipv4Addr, Mac),
    target: Ipv4Addr,
    /// Who is asked: everybody, or the one that answered.
    to: Mac,
    begun: Instant,
    /// When the last one was sent.
    sent_at: Instant,
    next: Instant,
    count: Count,
    interrupted: bool,
}

fn refuse(text: impl Into<String>) -> Refusal {
    Refusal { text: text.into(), code: 2 }
}

/// The device that is asked on. Without a name busybox takes eth0, iputils the only one that can be.
fn device<'a>(sys: &'a Sys<'_>, options: &Options, flavour: Flavour) -> Result<&'a Device, String> {
    let name = match (&options.device, flavour) {
        (Some(name), _) => name.as_str(),
        (None, Flavour::Busybox) => "eth0",
        (None, Flavour::Host) => {
            let all = sys.network().devices.values();
            let mut able = all.filter(|device| device.up && device.has_neighbours() && !device.is_loopback());
            return match (able.next(), able.next()) {
                (Some(only), None) => Ok(only),
                _ => Err(page::no_device()),
            };
        }
    };
    let device = sys.network().device_named(name).ok_or_else(|| page::missing(name, flavour))?;
    match device {
        _ if !device.up => Err(page::is_down(name, flavour)),
        _ if !device.has_neighbours() => Err(page::not_arpable(name, flavour)),
        _ => Ok(device),
    }
}

/// The address that asks.
fn source(sys: &Sys<'_>, options: &Options, device: IfIndex, target: Ipv4Addr) -> Result<Ipv4Addr, Refusal> {
    let source = match (options.source, options.mode) {
        (Some(source), _) => Some(source).filter(|source| sys.network().is_local(IpAddr::V4(*source))),
        (None, Mode::Tell | Mode::Answer) => Some(target),
        (None, Mode::Detect) => Some(Ipv4Addr::UNSPECIFIED),
        (None, Mode::Ask) => sys.network().address_on(device, IpAddr::V4(target)).and_then(v4),
    };
    source.ok_or_else(|| refuse("arping: bind: Cannot assign requested address\n"))
}

impl Aim for Run {
    type Options = Options;

    fn read(sys: &mut Sys<'_>) -> Result<(Options, Lookup), Refusal> {
        let options = Options::parse(sys.argv(), sys.flavour()).map_err(|(text, code)| {
            if code != 0 {
                return Refusal { text, code };
            }
            sys.print(text);
            Refusal { text: String::new(), code }
        })?;
        let lookup = Lookup::new(sys, &options.host, Family::V4);
        Ok((options, lookup))
    }

    fn begin(sys: &mut Sys<'_>, options: Options, found: Result<Found, LookupError>) -> Result<Self, Refusal> {
        let flavour = sys.flavour();
        let target = found.ok().and_then(|found| found.addresses.into_iter().find_map(v4));
        let target = target.ok_or_else(|| refuse(page::unknown_host(&options.host, flavour)))?;
        if !sys.rights().raw {
            return Err(refuse("arping: socket: Operation not permitted\n"));
        }
        let device = device(sys, &options, flavour).map_err(refuse)?;
        let (index, name, mac) = (device.index, device.name.clone(), device.mac);
        let source = source(sys, &options, index, target)?;
        if !options.quiet {
            sys.print(format!("ARPING {target} from {source} {name}\n"));
        }
        if source.is_unspecified() && options.mode == Mode::Ask && flavour == Flavour::Host {
            return Err(refuse("arping: no source address in not-DAD mode\n"));
        }
        let socket = sys.watch(Some(index));
        let now = sys.now();
        Ok(Self {
            options,
            socket,
            device: index,
            own: (source, mac),
            target,
            to: Mac::BROADCAST,
            begun: now,
            sent_at: now,
            next: now,
            count: Count::default(),
            interrupted: false,
        })
    }

    fn step(&mut self, sys: &mut Sys<'_>) -> Step {
        while let Some(seen) = sys.next_seen(self.socket) {
            let is_own = seen.concern == Concern::Out || seen.frame.ethertype() != ethertype::ARP;
            let Some(arp) = Arp::parse(seen.frame.payload()).filter(|_| !is_own) else { continue };
            if self.hear(sys, &arp, seen.frame.dst().is_broadcast()) {
                return self.finish(sys);
            }
        }
        let now = sys.now();
        if self.interrupted || now >= self.next && self.is_over(now, sys.flavour()) {
            return self.finish(sys);
        }
        if now >= self.next {
            self.send(sys);
            let tells = matches!(self.options.mode, Mode::Tell | Mode::Answer);
            if tells && sys.flavour() == Flavour::Busybox && self.options.count == Some(self.count.sent) {
                return self.finish(sys);
            }
        }
        Step::Wait(Some(self.next))
    }

    fn signal(&mut self, _sys: &mut Sys<'_>, signal: Signal) -> bool {
        self.interrupted |= signal == Signal::Interrupt;
        signal == Signal::Interrupt
    }
}

impl Run {
    /// Whether nothing is sent any more.
    fn is_over(&self, now: Instant, flavour: Flavour) -> bool {
        let late = self.options.patience.is_some_and(|patience| match flavour {
            Flavour::Host => now >= self.begun + patience,
            Flavour::Busybox => now > self.begun + patience,
        });
        late || self.options.count == Some(self.count.sent)
    }

    fn send(&mut self, sys: &mut Sys<'_>) {
        let (operation, target) = match self.options.mode {
            Mode::Answer => (Operation::Reply, self.own.1),
            Mode::Ask | Mode::Tell | Mode::Detect => (Operation::Request, self.to),
        };
        let arp = Arp { operation, sender: self.own, target: (self.target, target) };
        let mut frame = Frame::ethernet(self.to, self.own.1, ethertype::ARP, LEN);
        frame.payload_mut().copy_from_slice(&arp.bytes());
        sys.send_frame(self.device, frame);
        self.count.sent += 1;
        self.count.broadcast += u64::from(self.to.is_broadcast());
        self.sent_at = sys.now();
        self.next = self.sent_at + INTERVAL;
    }

    /// Takes in what somebody said; whether that is the end.
    fn hear(&mut self, sys: &mut Sys<'_>, arp: &Arp, to_all: bool) -> bool {
        let (of, who) = arp.sender;
        let detects = self.options.mode == Mode::Detect;
        let is_meant = of == self.target && who != self.own.1 && (detects || arp.target.0 == self.own.0);
        if !is_meant || arp.operation == Operation::Other {
            return false;
        }
        if !self.options.quiet {
            let took = sys.now().since(self.sent_at);
            let line = page::heard(arp, to_all, took, sys.flavour());
            sys.print(line);
        }
        self.count.received += 1;
        self.count.requests += u64::from(arp.operation == Operation::Request);
        self.count.heard_by_all += u64::from(to_all);
        if !self.options.broadcast && self.options.mode == Mode::Ask {
            self.to = who;
        }
        self.options.first_only || detects
    }

    fn finish(&self, sys: &mut Sys<'_>) -> Step {
        if !self.options.quiet {
            let summary = self.count.summary(sys.flavour());
            sys.print(summary);
        }
        let received = self.count.received;
        let enough = match (self.options.patience, self.options.count, sys.flavour()) {
            (Some(_), Some(count), Flavour::Host) => received >= count,
            _ => received > 0,
        };
        Step::Exit(match self.options.mode {
            Mode::Detect => i32::from(received > 0),
            Mode::Tell | Mode::Answer => 0,
            Mode::Ask => i32::from(!enough),
        })
    }
}
