//! What is typed behind the name of a device, word by word: each is asked for as it comes. net-tools goes on after what went
//! wrong and adds up what it exits with; busybox stops there.

use core::net::{IpAddr, Ipv4Addr};

use super::request::{Request, ask, device_of, errno, labelled};
use crate::addr::{IpNetwork, Mac};
use crate::device::{Address, Manner, Mtu};
use crate::userland::{Errno, Flavour, Sys};

/// What net-tools exits with where it could not even read the flags of a device.
const NO_FLAGS: i32 = 255;

/// What went wrong so far.
#[derive(Default)]
struct Faults {
    text: String,
    code: i32,
}

impl Faults {
    fn add(&mut self, text: &str, code: i32) {
        self.text.push_str(text);
        self.code |= code;
    }
}

/// Does all that is asked for.
///
/// # Errors
/// What is said about it, and the exit code.
pub(super) fn change(sys: &mut Sys<'_>, name: &str, words: &[&str]) -> Result<(), (String, i32)> {
    let mut typed = Typed { name, flavour: sys.flavour(), faults: Faults::default() };
    let mut words = words.iter().copied();
    while let Some(word) = words.next() {
        let done = typed.word(sys, word, &mut words);
        if done.is_none() {
            typed.faults.add("Usage:\n  ifconfig [-a] [-v] [-s] <interface> [[<AF>] <address>]\n", 3);
            break;
        }
        if typed.faults.code != 0 && typed.flavour == Flavour::Busybox {
            break;
        }
    }
    match typed.faults {
        Faults { code: 0, .. } => Ok(()),
        Faults { text, code } => Err((text, code)),
    }
}

/// A command line on its way.
struct Typed<'n> {
    name: &'n str,
    flavour: Flavour,
    faults: Faults,
}

impl Typed<'_> {
    /// One word, with the value behind it; none when that is missing.
    fn word<'w>(&mut self, sys: &mut Sys<'_>, word: &str, rest: &mut impl Iterator<Item = &'w str>) -> Option<()> {
        if let Some((request, _)) = SWITCHES.iter().find(|(_, known)| *known == word) {
            self.switch(sys, *request);
            return Some(());
        }
        match word {
            "inet" => {}
            "mtu" => {
                let mtu = rest.next()?.parse().ok().and_then(Mtu::new);
                self.ask(sys, Request::Mtu(mtu));
            }
            "txqueuelen" => {
                let length = rest.next()?.parse().unwrap_or(0);
                self.ask(sys, Request::QueueLength(length));
            }
            "netmask" => self.with_address(sys, rest.next()?, Request::Netmask),
            "broadcast" => self.with_address(sys, rest.next()?, Request::Broadcast),
            "hw" => {
                rest.next()?;
                self.station(sys, rest.next()?);
            }
            "add" => self.further(sys, rest.next()?, true),
            "del" => self.further(sys, rest.next()?, false),
            _ => self.address(sys, word),
        }
        Some(())
    }

    fn ask(&mut self, sys: &mut Sys<'_>, request: Request) {
        let outcome = ask(sys, self.name, request);
        self.note(request, outcome);
    }

    fn note(&mut self, request: Request, outcome: Result<(), Errno>) {
        let Err(errno) = outcome else { return };
        let of_flags = matches!(request, Request::Up(_) | Request::Promiscuous(_) | Request::Manner(..));
        match self.flavour {
            Flavour::Host => {
                self.faults.add(&format!("{}: {errno}\n", request.name()), if of_flags { NO_FLAGS } else { 1 });
            }
            Flavour::Busybox => self.faults.add(&format!("ifconfig: {}: {errno}\n", request.name()), 1),
        }
    }

    /// Both read all flags before they set one.
    fn switch(&mut self, sys: &mut Sys<'_>, request: Request) {
        if sys.network().device_named(device_of(self.name)).is_some() {
            self.ask(sys, request);
            return;
        }
        let errno = Errno::NoDevice;
        match self.flavour {
            Flavour::Host => {
                let text = format!("{}: ERROR while getting interface flags: {errno}\n", self.name);
                self.faults.add(&text, NO_FLAGS);
            }
            Flavour::Busybox => self.faults.add(&format!("ifconfig: SIOCGIFFLAGS: {errno}\n"), 1),
        }
    }

    fn with_address(&mut self, sys: &mut Sys<'_>, word: &str, request: fn(Ipv4Addr) -> Request) {
        match word.parse() {
            Ok(ip) => self.ask(sys, request(ip)),
            Err(_) => self.unknown_host(word),
        }
    }

    fn unknown_host(&mut self, word: &str) {
        match self.flavour {
            Flavour::Host => self.faults.add(&format!("{word}: Host name lookup failure\n"), 1),
            Flavour::Busybox => self.faults.add(&format!("ifconfig: bad address '{word}'\n"), 1),
        }
    }

    fn station(&mut self, sys: &mut Sys<'_>, word: &str) {
        match (word.parse::<Mac>(), self.flavour) {
            (Ok(mac), _) => self.ask(sys, Request::Station(mac)),
            (Err(_), Flavour::Host) => self.faults.add(&format!("{word}: invalid ether address.\n"), 1),
            (Err(_), Flavour::Busybox) => self.faults.add(&format!("ifconfig: invalid hw-addr {word}\n"), 1),
        }
    }

    /// An address brings a device up. Of net-tools it may say the length of its prefix.
    fn address(&mut self, sys: &mut Sys<'_>, word: &str) {
        let (ip, length) = match word.split_once('/') {
            Some((ip, length)) if self.flavour == Flavour::Host => (ip, length.parse::<u32>().ok()),
            _ => (word, None),
        };
        let Ok(ip) = ip.parse::<Ipv4Addr>() else {
            self.unknown_host(ip);
            if self.flavour == Flavour::Host {
                self.faults.add("ifconfig: `--help' gives usage information.\n", 1);
            }
            return;
        };
        self.ask(sys, Request::Address(ip));
        if self.faults.code != 0 && self.flavour == Flavour::Busybox {
            return;
        }
        // An address that was taken away cannot be set up.
        if !(ip.is_unspecified() && self.name.contains(':')) {
            self.switch(sys, Request::Up(true));
        }
        if let Some(length) = length {
            self.ask(sys, Request::Netmask(mask(length)));
        }
    }

    /// `add` and `del`: one more address. One of IPv4 gets a label of its own, and mask and broadcast address of the first.
    fn further(&mut self, sys: &mut Sys<'_>, word: &str, add: bool) {
        match word.split_once('/').map_or(word, |(ip, _)| ip).parse() {
            Ok(IpAddr::V4(ip)) => self.further_v4(sys, ip, add),
            Ok(IpAddr::V6(_)) => self.further_v6(sys, word, add),
            Err(_) => self.unknown_host(word),
        }
    }

    fn further_v4(&mut self, sys: &mut Sys<'_>, ip: Ipv4Addr, add: bool) {
        let Some(device) = sys.network().device_named(self.name) else {
            self.note(Request::Address(ip), Err(Errno::NoDevice));
            return;
        };
        let first = labelled(device, self.name).map(|(net, address)| (net.mask(), address.broadcast));
        let name = |number: u32| format!("{}:{number}", self.name);
        let held = |number: u32| labelled(device, &name(number)).map(|(net, _)| net.ip());
        let known = (0..256).find(|number| held(*number) == Some(ip));
        if add && known.is_some() {
            self.note(Request::Address(ip), Err(Errno::Exists));
            return;
        }
        let free = (0..256).find(|number| held(*number).is_none()).unwrap_or(0);
        let label = name(known.unwrap_or(free));
        let mut requests = vec![Request::Address(ip)];
        match known {
            Some(_) => requests = vec![Request::Up(false)],
            // What is not there is made before it could be taken away, and stays.
            None => requests.extend(first.into_iter().flat_map(|(mask, broadcast)| {
                [Some(Request::Netmask(mask)), broadcast.map(Request::Broadcast)].into_iter().flatten()
            })),
        }
        for request in requests {
            let outcome = ask(sys, &label, request);
            self.note(request, outcome);
        }
    }

    fn further_v6(&mut self, sys: &mut Sys<'_>, word: &str, add: bool) {
        let whole = if word.contains('/') { word.to_owned() } else { format!("{word}/0") };
        let Ok(net) = whole.parse::<IpNetwork>() else { return self.unknown_host(word) };
        let index = sys.network().device_named(self.name).map(|device| device.index);
        let (namespace, is_allowed) = (sys.namespace_id(), sys.is_network_administrator());
        let outcome = match index {
            None => Err(Errno::NoDevice),
            Some(_) if !is_allowed => Err(Errno::NotPermitted),
            Some(index) if add => {
                sys.fabric().assign(namespace, index, Address::new(net)).map_err(|error| errno(&error))
            }
            Some(index) => sys.fabric().remove_address(namespace, index, net).map_err(|error| errno(&error)),
        };
        let request = if add { "SIOCSIFADDR" } else { "SIOCDIFADDR" };
        if let Err(errno) = outcome {
            let program = if self.flavour == Flavour::Busybox { "ifconfig: " } else { "" };
            self.faults.add(&format!("{program}{request}: {errno}\n"), 1);
        }
    }
}

/// The mask of a prefix. One that is longer than an address goes round.
const fn mask(length: u32) -> Ipv4Addr {
    let left = if length == 32 { 32 } else { length % 32 };
    Ipv4Addr::from_bits(match left {
        0 => 0,
        left => u32::MAX << (32 - left),
    })
}

/// The words that stand alone.
const SWITCHES: [(Request, &str); 11] = [
    (Request::Up(true), "up"),
    (Request::Up(false), "down"),
    (Request::Promiscuous(true), "promisc"),
    (Request::Promiscuous(false), "-promisc"),
    (Request::Manner(Manner::Arp, true), "arp"),
    (Request::Manner(Manner::Arp, false), "-arp"),
    (Request::Manner(Manner::Multicast, true), "multicast"),
    (Request::Manner(Manner::Multicast, false), "-multicast"),
    (Request::Manner(Manner::AllMulticast, true), "allmulti"),
    (Request::Manner(Manner::AllMulticast, false), "-allmulti"),
    (Request::Manner(Manner::Dynamic, true), "dynamic"),
];
