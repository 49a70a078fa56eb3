//! `netstat`: the sockets, routes and devices of a network, as net-tools prints them on hosts and busybox in containers. Unix
//! sockets are a heading without rows, for there are none here.

mod page;
mod usage;

use super::getopt::{Getopt, OptError};
use super::sockets::{self, Row};
use super::{Flavour, Programs, Straight, Sys};
use super::{ifconfig, route_command};
use crate::addr::Family;
use crate::device::Device;
use page::Page;

/// Adds the program for both flavours.
pub fn add(programs: &mut Programs) {
    for flavour in [Flavour::Host, Flavour::Busybox] {
        programs.add(flavour, "netstat", || Box::new(Straight(run)));
    }
}

const BUSYBOX_SPEC: &str = "raltuwxen";
const HOST_SPEC: &str = "rigsMvWnNepoclaFCtuUSwx64A:Vh\u{1}\u{2}";
/// What stands for `--inet` and `--inet6`, which have no letter.
const INET: char = '\u{1}';
const INET6: char = '\u{2}';
const HOST_LONG: &[(&str, char)] = &[
    ("route", 'r'),
    ("interfaces", 'i'),
    ("statistics", 's'),
    ("wide", 'W'),
    ("numeric", 'n'),
    ("extend", 'e'),
    ("programs", 'p'),
    ("timers", 'o'),
    ("listening", 'l'),
    ("all", 'a'),
    ("tcp", 't'),
    ("udp", 'u'),
    ("raw", 'w'),
    ("unix", 'x'),
    ("groups", 'g'),
    ("masquerade", 'M'),
    ("continuous", 'c'),
    ("version", 'V'),
    ("help", 'h'),
    ("inet", INET),
    ("ip", INET),
    ("tcpip", INET),
    ("inet6", INET6),
];

/// What is asked for.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
struct Options {
    routes: bool,
    devices: bool,
    tcp: bool,
    udp: bool,
    unix: bool,
    listening: bool,
    all: bool,
    numeric: bool,
    extended: bool,
    programs: bool,
    family: Option<Family>,
}

/// Why nothing is listed.
#[derive(Clone, Debug, Eq, PartialEq)]
enum Refusal {
    Usage(OptError),
    Help,
    Version,
    Family(String),
    /// The kernel has no such table.
    Masquerade,
    NotSimulated(char),
}

impl Refusal {
    fn tell(&self, sys: &mut Sys<'_>) -> i32 {
        let flavour = sys.flavour();
        let (text, code) = match self {
            Self::Usage(error) => usage::refusal(error, flavour),
            Self::Help => (usage::page(), 0),
            Self::Version => {
                sys.print("net-tools 2.10\n");
                return 0;
            }
            Self::Family(name) => (format!("Unknown address family `{name}'.\n"), 1),
            Self::Masquerade => ("netstat: no support for `ip_masquerade' on this system.\n".to_owned(), 1),
            Self::NotSimulated(flag) => (format!("netstat: -{flag} is not simulated\n"), 1),
        };
        sys.eprint(text);
        code
    }
}

fn run(sys: &mut Sys<'_>) -> i32 {
    let flavour = sys.flavour();
    let options = match Options::parse(sys.argv(), flavour) {
        Ok(options) => options,
        Err(refusal) => return refusal.tell(sys),
    };
    if options.devices {
        let text = options.devices(sys);
        sys.print(text);
        return 0;
    }
    if options.routes {
        let text = route_command::listing(sys, options.numeric, options.extended && flavour == Flavour::Host);
        sys.print(text);
        return 0;
    }
    let rows: Vec<Row> = [sockets::tcp(sys), sockets::udp(sys)].concat();
    let shown: Vec<Row> = rows.into_iter().filter(|row| options.shows(row)).collect();
    let page = Page {
        flavour,
        title: options.title(),
        numeric: options.numeric,
        extended: options.extended,
        programs: options.programs,
        unix: options.unix,
        inet: options.tcp || options.udp,
    };
    let text = page.text(&shown);
    sys.print(text);
    0
}

impl Options {
    fn parse(argv: &[String], flavour: Flavour) -> Result<Self, Refusal> {
        let mut read = match flavour {
            Flavour::Host => Getopt::new(argv, HOST_SPEC).with_long(HOST_LONG),
            Flavour::Busybox => Getopt::new(argv, BUSYBOX_SPEC),
        };
        let (mut options, mut raw) = (Self::default(), false);
        for option in &mut read {
            let option = option.map_err(Refusal::Usage)?;
            match option.flag {
                'r' => options.routes = true,
                'i' => options.devices = true,
                't' => options.tcp = true,
                'u' => options.udp = true,
                'x' => options.unix = true,
                'w' => raw = true,
                'l' => options.listening = true,
                'a' => options.all = true,
                'n' => options.numeric = true,
                'e' => options.extended = true,
                'p' => options.programs = true,
                '4' | INET => options.family = Some(Family::V4),
                '6' | INET6 => options.family = Some(Family::V6),
                'A' => options.choose_families(option.value)?,
                'h' => return Err(Refusal::Help),
                'V' => return Err(Refusal::Version),
                'M' => return Err(Refusal::Masquerade),
                flag @ ('s' | 'g' | 'c' | 'o' | 'C') => return Err(Refusal::NotSimulated(flag)),
                _ => {}
            }
        }
        if options.routes && options.family == Some(Family::V6) {
            return Err(Refusal::NotSimulated('6'));
        }
        // A family is that of its sockets of every kind.
        let is_any = !options.tcp && !options.udp && !raw;
        if is_any && (options.family.is_some() || !options.unix) {
            (options.tcp, options.udp) = (true, true);
            options.unix |= options.family.is_none();
        }
        Ok(options)
    }

    /// Which families `-A` names.
    fn choose_families(&mut self, names: &str) -> Result<(), Refusal> {
        let (mut v4, mut v6) = (false, false);
        for name in names.split(',') {
            match name {
                "inet" => v4 = true,
                "inet6" => v6 = true,
                "unix" => self.unix = true,
                name => return Err(Refusal::Family(name.to_owned())),
            }
        }
        self.family = match (v4, v6) {
            (true, false) => Some(Family::V4),
            (false, true) => Some(Family::V6),
            (true, true) | (false, false) => None,
        };
        (self.tcp, self.udp) = (v4 || v6, v4 || v6);
        Ok(())
    }

    /// The devices: a line for each, or all of it.
    fn devices(self, sys: &Sys<'_>) -> String {
        let wanted = |device: &Device| self.all || device.up;
        match self.extended {
            true => format!("Kernel Interface table\n{}", ifconfig::listing(sys, wanted)),
            false => {
                let table = ifconfig::table(sys, wanted);
                format!("Kernel Interface table\nIface             {}{table}", ifconfig::HEADING)
            }
        }
    }

    fn shows(&self, row: &Row) -> bool {
        row.is_of([self.tcp, self.udp], self.family) && (self.all || row.waits() == self.listening)
    }

    const fn title(self) -> &'static str {
        match (self.all, self.listening) {
            (true, _) => "(servers and established)",
            (false, true) => "(only servers)",
            (false, false) => "(w/o servers)",
        }
    }
}
