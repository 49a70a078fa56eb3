//! `bridge fdb`: entries of bridges and tunnels put there and taken away by hand; what there is, is listed by `listing`.

mod listing;

use core::net::IpAddr;

use super::{Failure, Options};
use crate::addr::Mac;
use crate::bridge::tree::State;
use crate::bridge::{Bridge, FdbEntry, Life};
use crate::device::{Device, IfIndex};
use crate::time::Instant;
use crate::userland::Sys;
use crate::vxlan::{self, FdbError, Put, Remote, Vni};

/// Carries out `bridge fdb WORDS`.
pub(super) fn run(sys: &mut Sys<'_>, words: &[&str], options: Options) -> Result<String, Failure> {
    let verb = |name: &str, word: &str| name.starts_with(word);
    match words {
        [] => listing::show(sys, &[], options),
        [word, rest @ ..] if verb("add", word) => change(sys, Some(Put::Add), rest),
        [word, rest @ ..] if verb("append", word) => change(sys, Some(Put::Append), rest),
        [word, rest @ ..] if verb("replace", word) => change(sys, Some(Put::Replace), rest),
        [word, rest @ ..] if verb("delete", word) => change(sys, None, rest),
        [word, rest @ ..] if verb("get", word) => listing::get(sys, rest, options),
        [word, rest @ ..] if verb("flush", word) => flush(sys, rest),
        [word, rest @ ..] if verb("show", word) || verb("lst", word) || verb("list", word) => {
            listing::show(sys, rest, options)
        }
        ["help"] => Err((USAGE.to_owned(), 255)),
        [word, ..] => Err((format!("Command \"{word}\" is unknown, try \"bridge fdb help\".\n"), 255)),
    }
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
    vlan: Option<u16>,
    state: Option<&'static str>,
    of_master: bool,
    of_self: bool,
}

impl Model {
    fn parse(words: &[&str]) -> Result<Self, Failure> {
        let mut model = Self::default();
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(|| (INCOMPLETE.to_owned(), 255));
            match *word {
                "dev" => model.device = Some((*value()?).to_owned()),
                "dst" => model.far = Some(address(value()?)?),
                "port" => model.port = Some(number(value()?, "invalid port")?),
                "vni" => model.vni = Some(vni(value()?)?),
                "vlan" => model.vlan = Some(vlan(value()?)?),
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

fn vlan(word: &str) -> Result<u16, Failure> {
    number(word, "invalid vlan id\n")
}

/// The device of this name, which is wanted as `what`.
fn index_of(sys: &Sys<'_>, what: &str, name: &str) -> Result<IfIndex, Failure> {
    let index = sys.network().device_named(name).map(|device| device.index);
    index.ok_or_else(|| (format!("Cannot find {what} \"{name}\"\n"), 255))
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
    let via = model.via.as_ref().map(|via| index_of(sys, "device", via)).transpose()?;
    let index = index_of(sys, "device", name)?;
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
            FdbError::Full => "No space left on device",
            FdbError::Missing => "No such file or directory",
            FdbError::OtherFamily => "Address family not supported by protocol",
        })
    })
}

/// The same for a device that takes frames to more addresses than its own.
fn of_device(device: &mut Device, put: Option<Put>, mac: Mac, state: Option<&'static str>) -> Result<String, Failure> {
    if device.is_loopback() && put.is_some() {
        return Err(("Error: FDB add only supported for Ethernet devices.\n".to_owned(), 255));
    }
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
        (Some("dynamic"), true) => return Err(refusal("Invalid argument")),
        (Some("dynamic"), false) => Life::Learned,
        (Some("static"), false) => Life::Static,
        _ => Life::Local,
    };
    let (namespace, fabric) = (sys.namespace_id(), sys.fabric());
    let bridge = fabric.namespace_mut(namespace).devices.get_mut(&master).and_then(Device::bridge_mut);
    let bridge = bridge.expect("a master is a bridge");
    // What ages is only known where it could be learned.
    let learns = matches!(bridge.tree().state(index), State::Learning | State::Forwarding);
    if put.is_some() && life == Life::Learned && !learns {
        return Err(refusal("Operation not permitted"));
    }
    let vlans = vlans_of(bridge, index, model.vlan)?;
    match put {
        Some(Put::Add) if vlans.iter().any(|vlan| bridge.knows(*vlan, mac)) => Err(refusal("File exists")),
        Some(_) => {
            vlans.into_iter().for_each(|vlan| bridge.put(vlan, mac, index, life, now));
            Ok(String::new())
        }
        // Each is tried, so that none stays.
        None if vlans.into_iter().filter(|vlan| bridge.forget(*vlan, mac, index)).count() > 0 => Ok(String::new()),
        None => Err(refusal("No such file or directory")),
    }
}

/// The VLANs in which an entry shall be: the one that is named, else all of its port; 0 where the bridge looks at none.
fn vlans_of(bridge: &Bridge, port: IfIndex, named: Option<u16>) -> Result<Vec<u16>, Failure> {
    let vlans = bridge.port(port).map_or_else(|| bridge.own_vlans(), |port| &port.vlans);
    let passing = || vlans.iter().map(|(vlan, _)| vlan);
    match named {
        Some(0 | 4095..) => Err(("Error: invalid vlan id.\n".to_owned(), 255)),
        Some(vlan) if bridge.is_filtering() && passing().any(|id| id == vlan) => Ok(vec![vlan]),
        Some(_) => Err(refusal("Invalid argument")),
        // The entry without a VLAN is there besides.
        None if bridge.is_filtering() => Ok([0].into_iter().chain(passing()).collect()),
        None => Ok(vec![0]),
    }
}

/// What shall go of the entries of a bridge or a tunnel.
#[derive(Debug, Default, Eq, PartialEq)]
struct Flush<'a> {
    device: Option<&'a str>,
    port: Option<&'a str>,
    of_master: bool,
    /// Only those that live so, or only the others.
    lives: Vec<(Life, bool)>,
}

impl<'a> Flush<'a> {
    /// Words that mean nothing are passed over, as iproute2 does.
    fn parse(words: &[&'a str]) -> Result<Self, Failure> {
        let mut flush = Self::default();
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let mut value = || words.next().copied().ok_or_else(|| (INCOMPLETE.to_owned(), 255));
            match *word {
                "dev" => flush.device = Some(value()?),
                "brport" => flush.port = Some(value()?),
                "master" => flush.of_master = true,
                "permanent" => flush.lives.push((Life::Local, true)),
                "static" => flush.lives.push((Life::Static, true)),
                "dynamic" => flush.lives.push((Life::Learned, true)),
                "nopermanent" => flush.lives.push((Life::Local, false)),
                "nostatic" => flush.lives.push((Life::Static, false)),
                "nodynamic" => flush.lives.push((Life::Learned, false)),
                _ => {}
            }
        }
        Ok(flush)
    }

    fn means(&self, life: Life) -> bool {
        self.lives.iter().all(|(of, wanted)| (*of == life) == *wanted)
    }
}

fn flush(sys: &mut Sys<'_>, words: &[&str]) -> Result<String, Failure> {
    let wanted = Flush::parse(words)?;
    let name = wanted.device.ok_or_else(|| ("Device is a required argument.\n".to_owned(), 255))?;
    let index = index_of(sys, "bridge device", name)?;
    let port = wanted.port.map(|port| index_of(sys, "bridge port device", port)).transpose()?;
    if !sys.is_network_administrator() {
        return Err(refusal("Operation not permitted"));
    }
    let (namespace, fabric) = (sys.namespace_id(), sys.fabric());
    let devices = &mut fabric.namespace_mut(namespace).devices;
    let device = devices.get_mut(&index).expect("it was just found");
    if let Some(tunnel) = device.tunnel_mut().filter(|_| !wanted.of_master) {
        tunnel.flush(|life| {
            wanted.means(match life {
                vxlan::Life::Permanent => Life::Local,
                vxlan::Life::Static => Life::Static,
                vxlan::Life::Ageing => Life::Learned,
            })
        });
        return Ok(String::new());
    }
    let (bridge, port) = match (device.bridge().is_some(), device.master) {
        (true, _) if port.is_none() => (index, None),
        (true, _) if port.and_then(|port| devices.get(&port)).is_some_and(|port| port.master == Some(index)) => {
            (index, port)
        }
        (true, _) => return Err(("Error: bridge: Flush device is not a bridge or bridge port.\n".to_owned(), 255)),
        (false, Some(master)) if wanted.of_master => (master, Some(index)),
        (false, _) => return Err(refusal("Operation not supported")),
    };
    let bridge = devices.get_mut(&bridge).and_then(Device::bridge_mut).expect("a master is a bridge");
    let of_port = |entry: &FdbEntry| port.is_none_or(|port| entry.port == port);
    bridge.flush(|entry| of_port(entry) && wanted.means(entry.life));
    Ok(String::new())
}

const INCOMPLETE: &str = "Command line is not complete. Try option \"help\"\n";

const USAGE: &str = "\
Usage: bridge fdb { add | append | del | replace } ADDR dev DEV
              [ self ] [ master ] [ use ] [ router ] [ extern_learn ]
              [ sticky ] [ local | static | dynamic ] [ vlan VID ]
              { [ dst IPADDR ] [ port PORT] [ vni VNI ] | [ nhid NHID ] }
\t       [ via DEV ] [ src_vni VNI ]
       bridge fdb [ show [ br BRDEV ] [ brport DEV ] [ vlan VID ]
              [ state STATE ] [ dynamic ] ]
       bridge fdb get [ to ] LLADDR [ br BRDEV ] { brport | dev } DEV
              [ vlan VID ] [ vni VNI ] [ self ] [ master ] [ dynamic ]
       bridge fdb flush dev DEV [ brport DEV ] [ vlan VID ]
              [ self ] [ master ] [ [no]permanent | [no]static | [no]dynamic ]
              [ [no]added_by_user ] [ [no]extern_learn ] [ [no]sticky ]
              [ [no]offloaded ]
";

#[cfg(test)]
mod tests {
    use super::*;

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
