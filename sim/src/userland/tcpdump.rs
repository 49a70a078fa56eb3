//! `tcpdump` 4.99 as Debian hosts have it: what passes the devices of a namespace, a line for each frame. It asks no name
//! server for the names of addresses, which it would itself see; those of `/etc/hosts` it knows. Files of packets are
//! written by `netyard test --pcap`.

mod dns;
mod filter;
mod options;
mod page;
mod upper;

use self::filter::Filter;
use self::options::{Asked, Options};
use self::page::{Memory, Names};
use super::{Flavour, Program, Programs, Signal, Step, Sys};
use crate::namespace::Concern;
use crate::socket::SocketId;

/// How much of each frame is taken.
const SNAPLEN: u32 = 262_144;

/// Puts it on the path of hosts.
pub fn add(programs: &mut Programs) {
    programs.add(Flavour::Host, "tcpdump", program);
}

/// The program, for a place whose files have none.
#[must_use]
pub fn program() -> Box<dyn Program> {
    Box::<Tcpdump>::default()
}

#[derive(Clone, Debug, Default)]
struct Tcpdump {
    run: Option<Run>,
    interrupted: bool,
}

#[derive(Clone, Debug)]
struct Run {
    options: Options,
    filter: Filter,
    socket: SocketId,
    hosts: String,
    memory: Memory,
    count: u64,
}

impl Tcpdump {
    /// Opens the device; else the exit code.
    fn begin(sys: &mut Sys<'_>) -> Result<Run, i32> {
        let fail = |sys: &mut Sys<'_>, text: String| {
            sys.eprint(text);
            1
        };
        let mut options = match options::parse(sys.argv()) {
            Ok(Asked::Capture(options)) => options,
            Ok(Asked::Devices) => {
                sys.print(devices(sys));
                return Err(0);
            }
            Ok(Asked::Version) => {
                sys.print(options::VERSION);
                return Err(0);
            }
            Err(text) => return Err(fail(sys, text)),
        };
        let device = options.device.clone().or_else(|| usual_device(sys)).unwrap_or_else(|| "any".to_owned());
        if !sys.rights().raw {
            let hint = "(Attempt to create packet socket failed - CAP_NET_RAW may be required)";
            let text = format!(
                "tcpdump: {device}: You don't have permission to perform this capture on that device\n{hint}\n"
            );
            return Err(fail(sys, text));
        }
        options.style.any = device == "any";
        let index = sys.network().device_named(&device).map(|device| (device.index, device.up));
        match index {
            None if !options.style.any => {
                let text = format!("tcpdump: {device}: No such device exists\n(No such device exists)\n");
                return Err(fail(sys, text));
            }
            Some((_, false)) => return Err(fail(sys, format!("tcpdump: {device}: That device is not up\n"))),
            _ => {}
        }
        let filter = Filter::parse(&options.expression).map_err(|wrong| fail(sys, format!("tcpdump: {wrong}\n")))?;
        sys.eprint(heading(&device, &options));
        let socket = sys.watch(index.map(|(index, _)| index));
        let hosts = sys.files().text("/etc/hosts");
        Ok(Run { options, filter, socket, hosts, memory: Memory::default(), count: 0 })
    }
}

fn heading(device: &str, options: &Options) -> String {
    let cooked = options.style.any;
    let first = if cooked { "tcpdump: data link type LINUX_SLL2\n" } else { "" };
    let link = if cooked { "LINUX_SLL2 (Linux cooked v2)" } else { "EN10MB (Ethernet)" };
    let quiet = match options.style.verbose {
        0 => "tcpdump: verbose output suppressed, use -v[v]... for full protocol decode\n",
        _ => "tcpdump: ",
    };
    format!("{first}{quiet}listening on {device}, link-type {link}, snapshot length {SNAPLEN} bytes\n")
}

/// The first device that is up and not lo.
fn usual_device(sys: &Sys<'_>) -> Option<String> {
    let all = || sys.network().devices.values().filter(|device| device.up);
    let first = all().find(|device| !device.is_loopback()).or_else(|| all().next());
    first.map(|device| device.name.clone())
}

fn devices(sys: &Sys<'_>) -> String {
    let all = sys.network().devices.values();
    let mut lines: Vec<(bool, String)> = all
        .map(|device| {
            let state = match (device.up, device.is_running()) {
                (true, true) => "Up, Running",
                (true, false) => "Up",
                (false, _) => "none",
            };
            let loopback = if device.is_loopback() { ", Loopback" } else { "" };
            let link = match (device.is_loopback(), device.is_running()) {
                (true, _) => "",
                (false, true) => ", Connected",
                (false, false) => ", Disconnected",
            };
            (device.is_loopback(), format!("{} [{state}{loopback}{link}]", device.name))
        })
        .collect();
    lines.sort_by_key(|(is_loopback, _)| *is_loopback);
    let any = "any (Pseudo-device that captures on all interfaces) [Up, Running]".to_owned();
    let lines = lines.into_iter().map(|(_, line)| line).chain([any]);
    lines.enumerate().map(|(at, line)| format!("{}.{line}\n", at + 1)).collect()
}

impl Run {
    /// Tells what was seen; whether that was all that was asked for.
    fn tell(&mut self, sys: &mut Sys<'_>) -> bool {
        while self.options.count.is_none_or(|count| self.count < count) {
            let Some(seen) = sys.next_seen(self.socket) else { return false };
            let is_meant = match self.options.only {
                None => true,
                Some(out) => (seen.concern == Concern::Out) == out,
            };
            if !is_meant || !self.filter.fits(&seen.frame) {
                continue;
            }
            self.count += 1;
            let names = Names { style: &self.options.style, hosts: &self.hosts };
            let line = page::text(&seen, sys.epoch(), &names, &mut self.memory);
            sys.print(line);
        }
        true
    }

    fn summary(&self, sys: &mut Sys<'_>) {
        let (count, lost) = (self.count, sys.unseen(self.socket));
        let plural = if count == 1 { "" } else { "s" };
        let received = count + lost;
        let others = if received == 1 { "" } else { "s" };
        let missing = if lost == 1 { "" } else { "s" };
        sys.eprint(format!(
            "{count} packet{plural} captured\n{received} packet{others} received by filter\n{lost} packet{missing} dropped by kernel\n"
        ));
    }
}

impl Program for Tcpdump {
    fn step(&mut self, sys: &mut Sys<'_>) -> Step {
        if self.run.is_none() {
            match Self::begin(sys) {
                Ok(run) => self.run = Some(run),
                Err(code) => return Step::Exit(code),
            }
        }
        let Some(run) = &mut self.run else { return Step::Exit(1) };
        let is_all = run.tell(sys);
        if self.interrupted {
            sys.eprint("\n");
        } else if !is_all {
            return Step::Wait(None);
        }
        run.summary(sys);
        Step::Exit(0)
    }

    fn signal(&mut self, _: &mut Sys<'_>, signal: Signal) -> bool {
        let ends = matches!(signal, Signal::Interrupt | Signal::Terminate | Signal::Hangup);
        self.interrupted |= ends;
        ends
    }
}
