//! `brctl`: bridges and their ports as bridge-utils 1.7 shows and changes them on a host. Busybox's applet is built
//! without `show`, so containers have only the verbs that change something.

use core::fmt::Write as _;

mod stp;

pub(super) use stp::identifier;

use super::{Flavour, Programs, Straight, Sys, options};
use crate::bridge::{Bridge, Life};
use crate::device::{Device, IfIndex};
use crate::namespace::{LinkError, Namespace};
use crate::time::Instant;

/// Puts `brctl` on the path of hosts and containers.
pub fn add(programs: &mut Programs) {
    for flavour in [Flavour::Host, Flavour::Busybox] {
        programs.add(flavour, "brctl", || Box::new(Straight(run)));
    }
}

fn run(sys: &mut Sys<'_>) -> i32 {
    let words: Vec<String> = sys.argv()[1..].to_vec();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let flavour = sys.flavour();
    let outcome = match (flavour, words.as_slice()) {
        (_, [verb @ ("addbr" | "delbr" | "addif" | "delif"), bridge, rest @ ..])
            if !sys.is_network_administrator() && rest.is_empty() == verb.ends_with("br") =>
        {
            Err(Error::NotPermitted((*bridge).to_owned()))
        }
        (Flavour::Host, ["show", names @ ..]) if !names.is_empty() => return show_named(sys, names),
        (_, ["addbr", name]) => add_bridge(sys, name).map(|()| String::new()),
        (_, ["delbr", name]) => delete_bridge(sys, name).map(|()| String::new()),
        (_, ["addif", bridge, ports @ ..]) if !ports.is_empty() => each(sys, bridge, ports, add_port),
        (_, ["delif", bridge, ports @ ..]) if !ports.is_empty() => each(sys, bridge, ports, delete_port),
        (Flavour::Host, ["--version" | "-V", ..]) => Ok("bridge-utils, 1.7\n".to_owned()),
        (Flavour::Host, ["--help" | "-h", ..]) => Ok(USAGE.to_owned()),
        (Flavour::Host, ["show"]) => Ok(headed(&show(sys.network(), None))),
        (Flavour::Host, ["showmacs", name]) => macs(sys, name),
        (Flavour::Host, ["showstp", name]) => stp::show(sys, name),
        (_, [verb, name, rest @ ..]) if stp::is_change(verb, rest) => {
            stp::change(sys, verb, name, rest).map(|()| String::new())
        }
        (_, words) => Err(Error::Words(words.iter().map(|w| (*w).to_owned()).collect())),
    };
    match outcome {
        Ok(text) => {
            sys.print(text);
            0
        }
        Err(error) => {
            sys.eprint(error.text(flavour));
            1
        }
    }
}

/// Why nothing was changed.
#[derive(Debug, Eq, PartialEq)]
enum Error {
    /// The words make no command.
    Words(Vec<String>),
    /// A device of that name is there.
    Taken(String),
    /// The caller may not change the network; the bridge it spoke of.
    NotPermitted(String),
    /// The kernel will not have it.
    NotMade { bridge: String, why: LinkError },
    /// There is no such bridge, for a verb that makes or removes bridges.
    NoneToDelete(String),
    /// It is no bridge.
    NotDeletable(String),
    /// A bridge that is up stays.
    StillUp(String),
    /// There is no such bridge.
    NoBridge(String),
    /// It is there but is no bridge.
    NotABridge(String),
    /// There is no such device.
    NoDevice(String),
    /// The device is a port already.
    Busy { port: String, bridge: String },
    /// A bridge cannot be a port.
    BridgeInBridge(String),
    /// lo cannot be a port.
    NotAPort { port: String, bridge: String },
    /// The device is a port of another bridge or of none.
    OtherPort { port: String, bridge: String },
    /// The addresses of what is no bridge.
    NoTable,
    /// Neither on nor off.
    NoSwitch,
    /// Not such a value.
    BadValue(&'static str),
    /// A port that frames cannot be sent back by.
    NoHairpin { port: String, bridge: String },
    /// What could not be done, and why.
    Failed { what: &'static str, why: &'static str },
}

impl Error {
    fn text(&self, flavour: Flavour) -> String {
        match flavour {
            Flavour::Host => self.bridge_utils(),
            Flavour::Busybox => self.busybox(),
        }
    }

    fn bridge_utils(&self) -> String {
        match self {
            Self::Words(words) => match words.first().map(String::as_str) {
                None => USAGE.to_owned(),
                Some(word) => match USAGE.lines().find(|line| line.trim_start().starts_with(word)) {
                    Some(line) => {
                        format!("Incorrect number of arguments for command\nUsage: brctl {}\n", arguments(line))
                    }
                    None => format!("never heard of command [{word}]\n{USAGE}"),
                },
            },
            Self::Taken(name) => format!("device {name} already exists; can't create bridge with the same name\n"),
            Self::NotMade { bridge, why } => format!("add bridge failed: {why}: {bridge}\n"),
            Self::NotPermitted(_) => "add bridge failed: Operation not permitted\n".to_owned(),
            Self::NoneToDelete(name) => format!("bridge {name} doesn't exist; can't delete it\n"),
            Self::NotDeletable(name) => format!("can't delete bridge {name}: Operation not permitted\n"),
            Self::StillUp(name) => format!("bridge {name} is still up; can't delete it\n"),
            Self::NoBridge(name) => format!("bridge {name} does not exist!\n"),
            Self::NotABridge(name) => format!("device {name} is not a bridge!\n"),
            Self::NoDevice(name) => format!("interface {name} does not exist!\n"),
            Self::Busy { port, bridge } => {
                format!("device {port} is already a member of a bridge; can't add it to bridge {bridge}.\n")
            }
            Self::BridgeInBridge(name) => {
                format!("device {name} is a bridge device itself; can't add a bridge device to a bridge device.\n")
            }
            Self::NotAPort { port, bridge } => format!("can't add {port} to bridge {bridge}: Invalid argument\n"),
            Self::OtherPort { port, bridge } => format!("device {port} is not a port of {bridge}\n"),
            Self::NoTable => "read of forward table failed: No such device\n".to_owned(),
            Self::NoSwitch => "expect on/off for argument\n".to_owned(),
            Self::BadValue(said) => format!("{said}\n"),
            Self::NoHairpin { port, bridge } => {
                format!("can't set {port} to hairpin on bridge {bridge}: No such file or directory\n")
            }
            Self::Failed { what, why } => format!("{what} failed: {why}\n"),
        }
    }

    fn busybox(&self) -> String {
        let said = match self {
            Self::Words(words) => match words.first() {
                Some(word) => format!("invalid argument '{word}' to 'brctl'"),
                None => return options::usage("brctl", "COMMAND [BRIDGE [ARGS]]", Flavour::Busybox),
            },
            Self::Taken(name) => format!("bridge {name}: File exists"),
            Self::NotMade { bridge, why } => format!("bridge {bridge}: {why}"),
            Self::NotPermitted(bridge) => format!("bridge {bridge}: Operation not permitted"),
            Self::NoneToDelete(name) => format!("bridge {name}: No such device or address"),
            Self::NotDeletable(name) => format!("bridge {name}: Operation not permitted"),
            Self::StillUp(name) => format!("bridge {name}: Device or resource busy"),
            Self::NoBridge(name) | Self::NotABridge(name) => format!("bridge {name}: No such device"),
            Self::NoDevice(name) => format!("iface {name}: No such device"),
            Self::Busy { bridge, .. } => format!("bridge {bridge}: Device or resource busy"),
            Self::BridgeInBridge(name) => format!("bridge {name}: Too many levels of symbolic links"),
            Self::NotAPort { bridge, .. } | Self::OtherPort { bridge, .. } => {
                format!("bridge {bridge}: Invalid argument")
            }
            Self::NoTable => "No such device".to_owned(),
            Self::NoSwitch | Self::BadValue(_) => "invalid argument".to_owned(),
            Self::NoHairpin { port, .. } => format!("iface {port}: No such file or directory"),
            Self::Failed { why, .. } => (*why).to_owned(),
        };
        format!("brctl: {said}\n")
    }
}

/// A line of the usage without its padding: `addbr <bridge>` and what it does.
fn arguments(line: &str) -> String {
    let (verb, rest) = line.trim_start().split_once('\t').unwrap_or((line, ""));
    format!("{} {rest}", verb.trim_end())
}

const USAGE: &str = "\
Usage: brctl [commands]
commands:
\taddbr     \t<bridge>\t\tadd bridge
\tdelbr     \t<bridge>\t\tdelete bridge
\taddif     \t<bridge> <device>\tadd interface to bridge
\tdelif     \t<bridge> <device>\tdelete interface from bridge
\thairpin   \t<bridge> <port> {on|off}\tturn hairpin on/off
\tsetageing \t<bridge> <time>\t\tset ageing time
\tsetbridgeprio\t<bridge> <prio>\t\tset bridge priority
\tsetfd     \t<bridge> <time>\t\tset bridge forward delay
\tsethello  \t<bridge> <time>\t\tset hello time
\tsetmaxage \t<bridge> <time>\t\tset max message age
\tsetpathcost\t<bridge> <port> <cost>\tset path cost
\tsetportprio\t<bridge> <port> <prio>\tset port priority
\tshow      \t[ <bridge> ]\t\tshow a list of bridges
\tshowmacs  \t<bridge>\t\tshow a list of mac addrs
\tshowstp   \t<bridge>\t\tshow bridge stp info
\tstp       \t<bridge> {on|off}\tturn stp on/off
";

/// The rows of bridges with their ports, both by name.
fn show(network: &Namespace, only: Option<&str>) -> String {
    let mut bridges: Vec<(&Device, &Bridge)> = network
        .devices
        .values()
        .filter(|d| only.is_none_or(|name| d.name == name))
        .filter_map(|d| Some((d, d.bridge()?)))
        .collect();
    bridges.sort_by_key(|(device, _)| &device.name);
    let name = |port: &IfIndex| network.devices.get(port).map(|d| d.name.as_str());
    let rows = bridges.iter().map(|(device, bridge)| {
        let mut ports: Vec<&str> = bridge.ports().iter().filter_map(name).collect();
        ports.sort_unstable();
        row(device, bridge, &ports)
    });
    rows.collect()
}

const HEADING: &str = "bridge name\tbridge id\t\tSTP enabled\tinterfaces";

/// One bridge: the first port on its line, the others below.
fn row(device: &Device, bridge: &Bridge, ports: &[&str]) -> String {
    let tree = bridge.tree();
    let (id, stp) = (identifier(tree.id()), if tree.is_on() { "yes" } else { "no" });
    format!("{}\t\t{id}\t{stp}\t\t{}\n", device.name, ports.join("\n\t\t\t\t\t\t\t"))
}

/// Rows below their heading, which does not stand alone.
fn headed(rows: &str) -> String {
    if rows.is_empty() { String::new() } else { format!("{HEADING}\n{rows}") }
}

/// Shows the bridges that are named; what is none is told of first, and does not keep the others back.
fn show_named(sys: &mut Sys<'_>, names: &[&str]) -> i32 {
    let (mut rows, mut status) = (String::new(), 0);
    for name in names {
        let refusal = match sys.network().device_named(name) {
            None => Error::NoBridge((*name).to_owned()),
            Some(device) if device.bridge().is_none() => Error::NotABridge((*name).to_owned()),
            Some(_) => {
                rows += &show(sys.network(), Some(name));
                continue;
            }
        };
        sys.eprint(refusal.text(Flavour::Host));
        status = 1;
    }
    sys.print(headed(&rows));
    status
}

fn macs(sys: &mut Sys<'_>, name: &str) -> Result<String, Error> {
    let now = sys.now();
    let bridge = sys.network().device_named(name).and_then(Device::bridge).ok_or(Error::NoTable)?;
    Ok(addresses(bridge, now))
}

/// What a bridge knows, by address; its ports' own addresses do not age.
fn addresses(bridge: &Bridge, now: Instant) -> String {
    let mut entries: Vec<_> = bridge.fdb(now).collect();
    entries.sort_by_key(|(mac, _)| *mac);
    let mut text = "port no\tmac addr\t\tis local?\tageing timer\n".to_owned();
    for (mac, entry) in entries {
        let port = bridge.tree().port(entry.port).map_or(0, |port| port.number);
        let (local, age) =
            if entry.life == Life::Local { ("yes", 0.0) } else { ("no", now.since(entry.seen).as_secs_f64()) };
        let _ = writeln!(text, "{port:>3}\t{mac}\t{local}\t\t{age:>7.2}");
    }
    text
}

fn add_bridge(sys: &mut Sys<'_>, name: &str) -> Result<(), Error> {
    if sys.network().device_named(name).is_some() {
        return Err(Error::Taken(name.to_owned()));
    }
    // bridge-utils cuts a name to what the kernel has room for.
    let name = if sys.flavour() == Flavour::Host { name.get(..15).unwrap_or(name) } else { name };
    let (namespace, fabric) = (sys.namespace_id(), sys.fabric());
    let made = fabric.create_bridge(namespace, name, None);
    made.map(drop).map_err(|why| Error::NotMade { bridge: name.to_owned(), why })
}

fn delete_bridge(sys: &mut Sys<'_>, name: &str) -> Result<(), Error> {
    let named = || name.to_owned();
    let device = sys.network().device_named(name).ok_or_else(|| Error::NoneToDelete(named()))?;
    let index = match (device.bridge(), device.up) {
        (None, _) => return Err(Error::NotDeletable(named())),
        (Some(_), true) => return Err(Error::StillUp(named())),
        (Some(_), false) => device.index,
    };
    let namespace = sys.namespace_id();
    sys.fabric().delete_device(namespace, index);
    Ok(())
}

/// Does a verb for every port that is named.
fn each(
    sys: &mut Sys<'_>,
    bridge: &str,
    ports: &[&str],
    act: fn(&mut Sys<'_>, &str, &str) -> Result<(), Error>,
) -> Result<String, Error> {
    if sys.network().device_named(bridge).and_then(Device::bridge).is_none() {
        return Err(Error::NoBridge(bridge.to_owned()));
    }
    for port in ports {
        act(sys, bridge, port)?;
    }
    Ok(String::new())
}

fn add_port(sys: &mut Sys<'_>, bridge: &str, port: &str) -> Result<(), Error> {
    let (port_name, bridge_name) = (|| port.to_owned(), || bridge.to_owned());
    let device = sys.network().device_named(port).ok_or_else(|| Error::NoDevice(port_name()))?;
    let index = match (device.master, device.bridge(), device.is_loopback()) {
        (Some(_), ..) => return Err(Error::Busy { port: port_name(), bridge: bridge_name() }),
        (None, Some(_), _) => return Err(Error::BridgeInBridge(port_name())),
        (None, None, true) => return Err(Error::NotAPort { port: port_name(), bridge: bridge_name() }),
        (None, None, false) => device.index,
    };
    set_master(sys, index, Some(bridge)).map_err(|_| Error::NotAPort { port: port_name(), bridge: bridge_name() })
}

fn delete_port(sys: &mut Sys<'_>, bridge: &str, port: &str) -> Result<(), Error> {
    let network = sys.network();
    let device = network.device_named(port).ok_or_else(|| Error::NoDevice(port.to_owned()))?;
    let index = device.index;
    if device.master.is_none() || device.master != network.device_named(bridge).map(|b| b.index) {
        return Err(Error::OtherPort { port: port.to_owned(), bridge: bridge.to_owned() });
    }
    let other = |_| Error::OtherPort { port: port.to_owned(), bridge: bridge.to_owned() };
    set_master(sys, index, None).map_err(other)
}

fn set_master(sys: &mut Sys<'_>, port: IfIndex, bridge: Option<&str>) -> Result<(), LinkError> {
    let master = bridge.and_then(|name| sys.network().device_named(name)).map(|d| d.index);
    let namespace = sys.namespace_id();
    sys.fabric().set_master(namespace, port, master)
}

#[cfg(test)]
mod tests {
    use super::super::ip::samples::bridge;
    use super::*;
    use crate::addr::Mac;
    use crate::time::Duration;

    fn with_ports(fixed_mac: bool) -> Bridge {
        let mut bridge = Bridge::default();
        bridge.fixed_mac = fixed_mac;
        for (port, mac) in [(9, "fe:f1:c5:47:e3:76"), (11, "3e:b0:2b:53:d9:64")] {
            bridge.add_port(IfIndex(port), mac.parse().unwrap(), Instant::ZERO);
        }
        bridge.tell_tree(|tree| tree.set_mac("3e:b0:2b:53:d9:64".parse().unwrap(), Instant::ZERO));
        bridge
    }

    #[test]
    fn a_bridge_has_its_ports_below_each_other() {
        let device = bridge(7, "bridge-test", "3e:b0:2b:53:d9:64");
        assert_eq!(
            row(&device, &with_ports(false), &["v1", "v2"]),
            "bridge-test\t\t8000.3eb02b53d964\tno\t\tv1\n\t\t\t\t\t\t\tv2\n"
        );
    }

    #[test]
    fn without_ports_only_a_fixed_address_is_an_id() {
        let device = bridge(7, "brx", "02:42:4b:18:8e:39");
        assert_eq!(row(&device, &Bridge::default(), &[]), "brx\t\t8000.000000000000\tno\t\t\n");
        let mut fixed = Bridge::default();
        fixed.fixed_mac = true;
        fixed.tell_tree(|tree| tree.set_mac(device.mac, Instant::ZERO));
        assert_eq!(row(&device, &fixed, &[]), "brx\t\t8000.02424b188e39\tno\t\t\n");
    }

    #[test]
    fn addresses_are_listed_with_their_age() {
        let (mut bridge, own) = (with_ports(false), "3e:b0:2b:53:d9:64".parse().unwrap());
        bridge.forward(Instant::ZERO, IfIndex(9), "92:5a:52:80:1c:17".parse().unwrap(), Mac::BROADCAST, own);
        assert_eq!(
            addresses(&bridge, Instant::ZERO + Duration::from_millis(880)),
            "port no\tmac addr\t\tis local?\tageing timer\n  \
             2\t3e:b0:2b:53:d9:64\tyes\t\t   0.00\n  \
             1\t92:5a:52:80:1c:17\tno\t\t   0.88\n  \
             1\tfe:f1:c5:47:e3:76\tyes\t\t   0.00\n"
        );
    }

    #[test]
    fn errors_of_both_flavours() {
        let error = Error::Busy { port: "x1".into(), bridge: "brx".into() };
        assert_eq!(
            error.text(Flavour::Host),
            "device x1 is already a member of a bridge; can't add it to bridge brx.\n"
        );
        assert_eq!(error.text(Flavour::Busybox), "brctl: bridge brx: Device or resource busy\n");
        let error = Error::Words(vec!["addbr".into()]);
        assert_eq!(
            error.text(Flavour::Host),
            "Incorrect number of arguments for command\nUsage: brctl addbr <bridge>\t\tadd bridge\n"
        );
        assert_eq!(
            Error::Words(vec!["show".into()]).text(Flavour::Busybox),
            "brctl: invalid argument 'show' to 'brctl'\n"
        );
    }
}
