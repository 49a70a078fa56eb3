//! `bridge fdb`: what bridges have learned behind their ports, the groups that devices listen to, and the far ends of
//! tunnels; entries of bridges and tunnels put there and taken away by hand.

use core::fmt::Write as _;
use core::net::IpAddr;

use super::Failure;
use crate::addr::{Mac, solicited_node};
use crate::bridge::Life;
use crate::device::{Device, Devices, IfIndex, Ipv6};
use crate::time::Instant;
use crate::userland::Sys;
use crate::vxlan::{self, FdbError, Put, Remote, Vni};

/// Carries out `bridge fdb WORDS`.
pub(super) fn run(sys: &mut Sys<'_>, words: &[&str]) -> Result<String, Failure> {
    let verb = |name: &str, word: &str| name.starts_with(word);
    match words {
        [] => show(sys, &[]),
        [word, rest @ ..] if verb("add", word) => change(sys, Some(Put::Add), rest),
        [word, rest @ ..] if verb("append", word) => change(sys, Some(Put::Append), rest),
        [word, rest @ ..] if verb("replace", word) => change(sys, Some(Put::Replace), rest),
        [word, rest @ ..] if verb("delete", word) => change(sys, None, rest),
        [word, rest @ ..] if verb("show", word) || verb("lst", word) || verb("list", word) => show(sys, rest),
        [word, ..] => Err((format!("Command \"{word}\" is unknown, try \"bridge fdb help\".\n"), 255)),
    }
}

/// What `bridge fdb show` is limited to.
#[derive(Debug, Default, Eq, PartialEq)]
struct Limits {
    bridge: Option<IfIndex>,
    port: Option<IfIndex>,
    state: Option<String>,
}

fn show(sys: &mut Sys<'_>, words: &[&str]) -> Result<String, Failure> {
    let mut limits = Limits::default();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let Some(value) = words.next() else {
            // A bare word is no filter, and iproute2 says nothing of it.
            break;
        };
        if *word == "state" {
            limits.state = Some((*value).to_owned());
            continue;
        }
        let device = sys.network().device_named(value).map(|d| d.index);
        let index = device.ok_or_else(|| (format!("Cannot find device \"{value}\"\n"), 255))?;
        match *word {
            "br" => limits.bridge = Some(index),
            _ => limits.port = Some(index),
        }
    }
    let now = sys.now();
    let devices = &sys.network().devices;
    let shown = |device: &&Device| {
        let of_bridge = limits.bridge.is_none_or(|b| device.index == b || device.master == Some(b));
        of_bridge && limits.port.is_none_or(|p| device.index == p)
    };
    let hide = limits.port.is_some();
    let lines: String = devices.values().filter(shown).map(|d| entries(d, devices, now, hide)).collect();
    let state = limits.state.filter(|state| state != "all");
    Ok(lines.split_inclusive('\n').filter(|line| state.as_deref().is_none_or(|s| state_of(line) == s)).collect())
}

/// The state at the end of a line; what ages has none.
fn state_of(line: &str) -> &str {
    match line.trim_end_matches('\n').rsplit_once(' ') {
        Some((_, "")) | None => "dynamic",
        Some((_, state)) => state,
    }
}

const fn life(life: Life) -> &'static str {
    match life {
        Life::Local => "permanent",
        Life::Static => "static",
        Life::Learned => "",
    }
}

/// The lines of one device: the far ends of a tunnel, what its bridge learned behind it, its own address, and the
/// groups it listens to.
fn entries(device: &Device, devices: &Devices, now: Instant, hide_device: bool) -> String {
    let dev = if hide_device { String::new() } else { format!("dev {} ", device.name) };
    let own: String = groups(device).iter().map(|mac| format!("{mac} {dev}self permanent\n")).collect();
    let own = far_ends(device, devices, now, &dev) + &own;
    let (bridge, master) = match device.bridge() {
        Some(bridge) => (bridge, device),
        None => match device.master.and_then(|index| devices.get(&index)) {
            Some(master) => (master.bridge().expect("a master is a bridge"), master),
            None => return own,
        },
    };
    let mut known: Vec<_> = bridge.fdb(now).filter(|(_, e)| e.port == device.index).collect();
    known.sort_by_key(|(mac, entry)| (entry.life == Life::Local, *mac));
    let mut text: String =
        known.iter().map(|(mac, e)| format!("{mac} {dev}master {} {}\n", master.name, life(e.life))).collect();
    if device.bridge().is_none() {
        return text + &own;
    }
    if bridge.fixed_mac {
        let _ = writeln!(text, "{} {dev}master {} permanent", device.mac, device.name);
    }
    own + &text
}

/// The far ends of a tunnel.
fn far_ends(device: &Device, devices: &Devices, now: Instant, dev: &str) -> String {
    let mut text = String::new();
    for (mac, entry) in device.tunnel().into_iter().flat_map(|tunnel| tunnel.fdb(now)) {
        for remote in &entry.remotes {
            let _ = write!(text, "{mac} {dev}dst {} ", remote.ip);
            if let Some(port) = remote.port {
                let _ = write!(text, "port {port} ");
            }
            if let Some(vni) = remote.vni {
                let _ = write!(text, "vni {} ", vni.number());
            }
            if let Some(via) = remote.via {
                let name = devices.get(&via).map_or_else(|| format!("if{}", via.0), |d| d.name.clone());
                let _ = write!(text, "via {name} ");
            }
            let state = match entry.life {
                vxlan::Life::Permanent => "permanent",
                vxlan::Life::Static => "static",
                vxlan::Life::Ageing => "",
            };
            let _ = writeln!(text, "self {state}");
        }
    }
    text
}

/// The Ethernet groups that a device listens to: all nodes, a bridge that is up also all snoopers, and with an IPv6 address the
/// solicited nodes of each.
fn groups(device: &Device) -> Vec<Mac> {
    if device.is_loopback() || device.tunnel().is_some() {
        return Vec::new();
    }
    let group = |text: &str| Mac::from_multicast(text.parse().expect("a literal address"));
    let mut groups = device.stations.clone();
    if device.ipv6 == Ipv6::Enabled {
        groups.push(group("ff02::1"));
    }
    if device.bridge().is_some() && device.up {
        groups.extend([group("224.0.0.106"), group("ff02::6a")]);
    }
    if device.up {
        groups.push(group("224.0.0.1"));
    }
    for address in &device.addresses {
        if let IpAddr::V6(ip) = address.net.ip() {
            let solicited = Mac::from_multicast(IpAddr::V6(solicited_node(ip)));
            if !groups.contains(&solicited) {
                groups.push(solicited);
            }
        }
    }
    groups
}

/// An entry that shall come or go.
#[derive(Debug, Default, Eq, PartialEq)]
struct Model {
    mac: Option<Mac>,
    device: Option<String>,
    far: Option<IpAddr>,
    port: Option<u16>,
    vni: Option<Vni>,
    via: Option<String>,
    state: Option<&'static str>,
    of_master: bool,
    of_self: bool,
}

impl Model {
    fn parse(words: &[&str]) -> Result<Self, Failure> {
        let mut model = Self::default();
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let mut value =
                || words.next().ok_or_else(|| ("Command line is not complete. Try option \"help\"\n".to_owned(), 255));
            match *word {
                "dev" => model.device = Some((*value()?).to_owned()),
                "dst" => model.far = Some(address(value()?)?),
                "port" => model.port = Some(number(value()?, "invalid port")?),
                "vni" => model.vni = Some(vni(value()?)?),
                "via" => model.via = Some((*value()?).to_owned()),
                "self" => model.of_self = true,
                "master" => model.of_master = true,
                "local" | "permanent" => model.state = Some("permanent"),
                "static" | "temp" => model.state = Some("static"),
                "dynamic" => model.state = Some("dynamic"),
                "to" => model.mac = Some(mac(value()?)?),
                _ if model.mac.is_some() => {
                    return Err((format!("Error: either \"to\" is duplicate, or \"{word}\" is a garbage.\n"), 255));
                }
                word => model.mac = Some(mac(word)?),
            }
        }
        Ok(model)
    }
}

fn mac(word: &str) -> Result<Mac, Failure> {
    word.parse().map_err(|_| (format!("Invalid mac address {word}\n"), 255))
}

fn address(word: &str) -> Result<IpAddr, Failure> {
    word.parse().map_err(|_| (format!("Error: any valid address is expected rather than \"{word}\".\n"), 1))
}

fn number<T: core::str::FromStr>(word: &str, why: &str) -> Result<T, Failure> {
    word.parse().map_err(|_| (format!("Error: argument \"{word}\" is wrong: {why}\n"), 255))
}

fn vni(word: &str) -> Result<Vni, Failure> {
    let vni = word.parse().ok().and_then(Vni::new);
    vni.ok_or_else(|| (format!("Error: argument \"{word}\" is wrong: invalid VNI\n\n"), 255))
}

/// What the kernel says when it does not do it.
pub(super) fn refusal(errno: &str) -> Failure {
    (format!("RTNETLINK answers: {errno}\n"), 255)
}

/// Puts an entry there, or takes it away when there is no way to put it.
fn change(sys: &mut Sys<'_>, put: Option<Put>, words: &[&str]) -> Result<String, Failure> {
    let model = Model::parse(words)?;
    let (Some(name), Some(mac)) = (&model.device, model.mac) else {
        return Err(("Device and address are required arguments.\n".to_owned(), 255));
    };
    let index_of = |sys: &mut Sys<'_>, name: &str| {
        let index = sys.network().device_named(name).map(|d| d.index);
        index.ok_or_else(|| (format!("Cannot find device \"{name}\"\n"), 255))
    };
    let via = match &model.via {
        Some(via) => Some(index_of(sys, via)?),
        None => None,
    };
    let index = index_of(sys, name)?;
    if !sys.is_network_administrator() {
        return Err(refusal("Operation not permitted"));
    }
    let now = sys.now();
    if model.of_master && !model.of_self {
        return of_bridge(sys, put, index, mac, &model, now);
    }
    let (namespace, fabric) = (sys.namespace_id(), sys.fabric());
    let device = fabric.namespace_mut(namespace).devices.get_mut(&index).expect("it was just found");
    if device.bridge().is_some() {
        return of_bridge(sys, put, index, mac, &model, now);
    }
    let Some(tunnel) = device.tunnel_mut() else { return of_device(device, put, mac, model.state) };
    let remote = model.far.map(|ip| Remote { ip, port: model.port, vni: model.vni, via });
    let changed = match put {
        Some(how) => {
            let remote = remote.ok_or_else(|| refusal("Invalid argument"))?;
            let life = match model.state {
                Some("static") => vxlan::Life::Static,
                Some("dynamic") => vxlan::Life::Ageing,
                _ => vxlan::Life::Permanent,
            };
            tunnel.put(now, mac, remote, life, how)
        }
        None => tunnel.remove(mac, remote),
    };
    changed.map(|()| String::new()).map_err(|error| {
        refusal(match error {
            FdbError::Exists => "File exists",
            FdbError::Missing => "No such file or directory",
            FdbError::OtherFamily => "Address family not supported by protocol",
        })
    })
}

/// The same for a device that takes frames to more addresses than its own.
fn of_device(device: &mut Device, put: Option<Put>, mac: Mac, state: Option<&'static str>) -> Result<String, Failure> {
    let there = device.stations.contains(&mac);
    match put {
        Some(_) if state.is_some_and(|state| state != "permanent") => {
            return Err(refusal("Invalid argument"));
        }
        Some(Put::Add) if there => return Err(refusal("File exists")),
        Some(_) if there => {}
        Some(_) => device.stations.push(mac),
        None if there => device.stations.retain(|station| *station != mac),
        None => return Err(refusal("No such file or directory")),
    }
    Ok(String::new())
}

/// The same for the bridge that a device is a port of, or for a bridge itself.
fn of_bridge(
    sys: &mut Sys<'_>,
    put: Option<Put>,
    index: IfIndex,
    mac: Mac,
    model: &Model,
    now: Instant,
) -> Result<String, Failure> {
    let device = sys.network().devices.get(&index).expect("it was just found");
    let is_bridge = device.bridge().is_some();
    let master = if is_bridge && !model.of_master { Some(index) } else { device.master };
    let Some(master) = master else { return Err(refusal("Operation not supported")) };
    let life = match (model.state, is_bridge) {
        (Some("dynamic"), _) => return Err(refusal("Operation not permitted")),
        (Some("static"), false) => Life::Static,
        _ => Life::Local,
    };
    let (namespace, fabric) = (sys.namespace_id(), sys.fabric());
    let bridge = fabric.namespace_mut(namespace).devices.get_mut(&master).and_then(Device::bridge_mut);
    let bridge = bridge.expect("a master is a bridge");
    match put {
        Some(Put::Add) if bridge.knows(mac) => Err(refusal("File exists")),
        Some(_) => {
            bridge.put(mac, index, life, now);
            Ok(String::new())
        }
        None if bridge.forget(mac, index) => Ok(String::new()),
        None => Err(refusal("No such file or directory")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::host;
    use super::*;

    #[test]
    fn the_database_lists_groups_learned_and_own_addresses() {
        let devices = host();
        let text: String = devices.values().map(|d| entries(d, &devices, Instant::ZERO, false)).collect();
        assert_eq!(
            text,
            "33:33:00:00:00:01 dev docker0 self permanent\n\
             01:00:5e:00:00:6a dev docker0 self permanent\n\
             33:33:00:00:00:6a dev docker0 self permanent\n\
             01:00:5e:00:00:01 dev docker0 self permanent\n\
             33:33:ff:18:8e:39 dev docker0 self permanent\n\
             02:42:4b:18:8e:39 dev docker0 master docker0 permanent\n\
             02:42:ac:11:00:02 dev veth01020fb master docker0 \n\
             5e:f1:a1:82:d6:a0 dev veth01020fb master docker0 permanent\n\
             33:33:00:00:00:01 dev veth01020fb self permanent\n\
             01:00:5e:00:00:01 dev veth01020fb self permanent\n\
             33:33:ff:82:d6:a0 dev veth01020fb self permanent\n"
        );
    }

    #[test]
    fn the_words_of_a_change() {
        let model = Model::parse(&["00:00:00:00:00:00", "dev", "vxlan0", "dst", "192.0.2.11", "port", "8472"]).unwrap();
        let expected = Model {
            mac: Some(Mac::ZERO),
            device: Some("vxlan0".into()),
            far: Some("192.0.2.11".parse().unwrap()),
            port: Some(8472),
            ..Model::default()
        };
        assert_eq!(model, expected);
        let refused = |words: &[&str]| Model::parse(words).unwrap_err();
        assert_eq!(refused(&["zz"]), ("Invalid mac address zz\n".to_owned(), 255));
        assert_eq!(
            refused(&["02:00:00:00:00:01", "dst", "300.1.1.1"]),
            ("Error: any valid address is expected rather than \"300.1.1.1\".\n".to_owned(), 1)
        );
        assert_eq!(
            refused(&["02:00:00:00:00:01", "frob"]),
            ("Error: either \"to\" is duplicate, or \"frob\" is a garbage.\n".to_owned(), 255)
        );
    }
}
