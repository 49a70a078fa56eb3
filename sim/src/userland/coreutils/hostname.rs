//! `hostname`: shows the name of the host, its parts, and the addresses and the full name that the resolver knows for it.

use core::task::Poll;

use super::system::refuse;
use crate::userland::lookup::{Family, Found, Lookup, LookupError};
use crate::userland::options::{Options, Order};
use crate::userland::{Flavour, Program, Step, Sys};

/// The program.
#[derive(Clone, Debug, Default)]
pub(super) struct Hostname(Option<(Wanted, Lookup)>);

/// What the resolver is asked for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Wanted {
    /// `-i`
    Addresses,
    /// `-d`
    Domain,
    /// `-f`
    FullName,
}

impl Program for Hostname {
    fn step(&mut self, sys: &mut Sys<'_>) -> Step {
        let (wanted, lookup) = match &mut self.0 {
            Some(asking) => asking,
            none => match start(sys) {
                Ok(wanted) => {
                    let name = sys.hostname().to_owned();
                    none.insert((wanted, Lookup::new(sys, &name, Family::V4)))
                }
                Err(code) => return Step::Exit(code),
            },
        };
        match lookup.poll(sys) {
            Poll::Pending => Step::Wait(lookup.next_at()),
            Poll::Ready(found) => Step::Exit(answer(sys, *wanted, found)),
        }
    }
}

/// Says what can be said at once, and gives the exit code; or what the resolver has to be asked for. Names are not set:
/// the place that runs the program has its name.
fn start(sys: &mut Sys<'_>) -> Result<Wanted, i32> {
    let options = match Options::parse(sys.argv(), "sfidI", Order::Anywhere) {
        Ok(options) => options,
        Err(error) => return Err(refuse(sys, &error, "hostname", "[-sidf] [HOSTNAME | -F FILE]", 1)),
    };
    if !options.operands.is_empty() {
        let said = match sys.flavour() {
            Flavour::Host => "hostname: you must be root to change the host name\n",
            Flavour::Busybox => "hostname: sethostname: Operation not permitted\n",
        };
        sys.eprint(said);
        return Err(1);
    }
    let line = match ['i', 'I', 's', 'd', 'f'].into_iter().find(|letter| options.has(*letter)) {
        Some('i') => return Ok(Wanted::Addresses),
        Some('d') => return Ok(Wanted::Domain),
        Some('f') => return Ok(Wanted::FullName),
        Some('I') => global_addresses(sys),
        Some(_) => sys.hostname().split('.').next().unwrap_or_default().to_owned(),
        None => sys.hostname().to_owned(),
    };
    sys.print(line + "\n");
    Err(0)
}

fn answer(sys: &mut Sys<'_>, wanted: Wanted, found: Result<Found, LookupError>) -> i32 {
    let found = match found {
        Ok(found) => found,
        Err(error) => {
            let said = match (sys.flavour(), error) {
                (Flavour::Busybox, LookupError::TryAgain) => format!("{}: Host name lookup failure", sys.hostname()),
                (Flavour::Busybox, _) => format!("{}: Unknown host", sys.hostname()),
                (Flavour::Host, error) => error.to_string(),
            };
            sys.eprint(format!("hostname: {said}\n"));
            return 1;
        }
    };
    let domain = found.canonical.split_once('.').map(|(_, domain)| domain.to_owned());
    let line = match wanted {
        Wanted::Addresses => Some(found.addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")),
        Wanted::Domain if sys.flavour() == Flavour::Busybox => domain,
        Wanted::Domain => Some(domain.unwrap_or_default()),
        Wanted::FullName => Some(found.canonical),
    };
    sys.print(line.map(|line| line + "\n").unwrap_or_default());
    0
}

/// All IPv4 addresses but those of lo, each with a blank behind it as `hostname -I` prints them.
fn global_addresses(sys: &Sys<'_>) -> String {
    let devices = sys.network().devices.values().filter(|d| !d.is_loopback());
    let addresses = devices.flat_map(|d| &d.addresses).filter(|a| a.net.is_ipv4());
    addresses.map(|a| format!("{} ", a.net.ip())).collect()
}
