//! `netstat`: the sockets and routes of a network, as net-tools prints them on hosts and busybox in containers. Unix
//! sockets are a heading without rows, for there are none here.

mod page;
mod usage;

use super::getopt::{Getopt, OptError};
use super::route_command;
use super::sockets::{self, Row, State, Transport};
use super::{Flavour, Programs, Straight, Sys};
use page::Page;

/// Adds the program for both flavours.
pub fn add(programs: &mut Programs) {
    for flavour in [Flavour::Host, Flavour::Busybox] {
        programs.add(flavour, "netstat", || Box::new(Straight(run)));
    }
}

const BUSYBOX_SPEC: &str = "raltuwxen";
const HOST_SPEC: &str = "rigsMvWnNepoclaFCtuUSwx64";
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
];

/// What is asked for.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
struct Options {
    routes: bool,
    tcp: bool,
    udp: bool,
    unix: bool,
    listening: bool,
    all: bool,
    numeric: bool,
    extended: bool,
    programs: bool,
    family: Option<sockets::Family>,
}

fn run(sys: &mut Sys<'_>) -> i32 {
    let flavour = sys.flavour();
    let options = match Options::parse(sys.argv(), flavour) {
        Ok(options) => options,
        Err(error) => {
            let (text, code) = usage::refusal(&error, flavour);
            sys.eprint(text);
            return code;
        }
    };
    if options.routes {
        let text = route_command::listing(sys, options.numeric);
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
    fn parse(argv: &[String], flavour: Flavour) -> Result<Self, OptError> {
        let mut read = match flavour {
            Flavour::Host => Getopt::new(argv, HOST_SPEC).with_long(HOST_LONG),
            Flavour::Busybox => Getopt::new(argv, BUSYBOX_SPEC),
        };
        let (mut options, mut raw) = (Self::default(), false);
        for option in &mut read {
            match option?.flag {
                'r' => options.routes = true,
                't' => options.tcp = true,
                'u' => options.udp = true,
                'x' => options.unix = true,
                'w' => raw = true,
                'l' => options.listening = true,
                'a' => options.all = true,
                'n' => options.numeric = true,
                'e' => options.extended = true,
                'p' => options.programs = true,
                '4' => options.family = Some(sockets::Family::V4),
                '6' => options.family = Some(sockets::Family::V6),
                _ => {}
            }
        }
        if !options.tcp && !options.udp && !options.unix && !raw {
            (options.tcp, options.udp) = (true, true);
            options.unix = options.family.is_none();
        }
        Ok(options)
    }

    fn shows(&self, row: &Row) -> bool {
        let kind = match row.transport {
            Transport::Tcp => self.tcp,
            Transport::Udp => self.udp,
        };
        let waits = matches!(row.state, State::Listen | State::Closed);
        let state = self.all || waits == self.listening;
        kind && state && self.family.is_none_or(|family| family == row.family)
    }

    const fn title(self) -> &'static str {
        match (self.all, self.listening) {
            (true, _) => "(servers and established)",
            (false, true) => "(only servers)",
            (false, false) => "(w/o servers)",
        }
    }
}
