//! `bridge link`: the ports of bridges, and what they are set to.

use core::fmt::Write as _;

use super::{Failure, fdb::refusal};
use crate::bridge::setting::{OutOfRange, SWITCHES, Switch};
use crate::bridge::tree::State;
use crate::device::Device;
use crate::userland::ip::{Scene, named_peers};
use crate::userland::{Flavour, Sys};

/// Carries out `bridge link WORDS`.
pub(super) fn run(sys: &mut Sys<'_>, words: &[&str], details: bool) -> Result<String, Failure> {
    match words {
        ["set", rest @ ..] => set(sys, rest),
        ["show" | "list" | "lst", rest @ ..] => show(sys, rest, details),
        [] => show(sys, &[], details),
        [word, ..] => Err((format!("Command \"{word}\" is unknown, try \"bridge link help\".\n"), 255)),
    }
}

fn show(sys: &mut Sys<'_>, words: &[&str], details: bool) -> Result<String, Failure> {
    let only = match words {
        ["dev", name] | [name] => Some((*name).to_owned()),
        _ => None,
    };
    if let Some(name) = only.as_ref().filter(|name| sys.network().device_named(name).is_none()) {
        return Err((format!("Cannot find device \"{name}\"\n"), 1));
    }
    let namespace = sys.namespace_id();
    let peers = named_peers(sys, namespace);
    let now = sys.now();
    let devices = &sys.network().devices;
    let scene = Scene { devices, peers: &peers, flavour: Flavour::Host, now };
    let ports = devices.values().filter(|d| d.master.is_some() && only.as_ref().is_none_or(|name| d.name == *name));
    Ok(ports.map(|port| port_line(&scene, port, details)).collect())
}

/// What is said of a port.
pub(super) fn port_line(scene: &Scene<'_>, port: &Device, details: bool) -> String {
    let bridge = port.master.and_then(|index| scene.devices.get(&index)).and_then(Device::bridge);
    let Some((bridge, known)) = bridge.and_then(|bridge| Some((bridge, bridge.tree().port(port.index)?))) else {
        return String::new();
    };
    let (name, flags, mtu) = (scene.name(port), scene.flags(port), port.mtu.bytes());
    let master = scene.master(port).unwrap_or_default();
    let mut line = format!(
        "{}: {name}: <{flags}> mtu {mtu} master {master} state {} priority {} cost {} \n",
        port.index.0,
        known.state.name(),
        known.priority,
        known.cost
    );
    if let Some(port) = bridge.port(port.index).filter(|_| details) {
        let mut settings = port.settings;
        line.push_str("    ");
        for (name, _, switch) in SWITCHES {
            let _ = write!(line, "{name} {} ", if *switch(&mut settings) { "on" } else { "off" });
            // What cannot be changed here has its place among the others.
            line.push_str(match name {
                "bcast_flood" => "mcast_router 1 ",
                "neigh_suppress" => "vlan_tunnel off ",
                _ => "",
            });
        }
        line.push('\n');
    }
    line
}

/// What shall be changed of a port.
#[derive(Default)]
struct Change {
    device: Option<String>,
    switches: Vec<(Switch, bool)>,
    cost: Option<u32>,
    priority: Option<u64>,
    state: Option<u64>,
}

impl Change {
    fn parse(words: &[&str]) -> Result<Self, Failure> {
        let mut change = Self::default();
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let mut value =
                || words.next().ok_or_else(|| ("Command line is not complete. Try option \"help\"\n".to_owned(), 255));
            match *word {
                "dev" => change.device = Some((*value()?).to_owned()),
                "cost" => change.cost = value()?.parse().ok(),
                "priority" => change.priority = value()?.parse().ok(),
                "state" => change.state = Some(state(value()?)?),
                "self" | "master" => {}
                word => {
                    let known = SWITCHES.iter().find(|(name, ..)| *name == word);
                    let (name, _, switch) = known.ok_or_else(|| (USAGE.to_owned(), 255))?;
                    change.switches.push((*switch, on_or_off(name, value()?)?));
                }
            }
        }
        Ok(change)
    }
}

fn state(word: &str) -> Result<u64, Failure> {
    let names = ["disabled", "listening", "learning", "forwarding", "blocking"];
    let named = (0..).zip(names).find(|(_, name)| *name == word).map(|(number, _)| number);
    named.or_else(|| word.parse().ok()).ok_or_else(|| ("Error: invalid STP port state\n".to_owned(), 255))
}

fn on_or_off(name: &str, word: &str) -> Result<bool, Failure> {
    match word {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err((format!("Error: argument of \"{name}\" must be one of \"off\", \"on\", not \"{word}\"\n"), 234)),
    }
}

fn set(sys: &mut Sys<'_>, words: &[&str]) -> Result<String, Failure> {
    let change = Change::parse(words)?;
    let name = change.device.ok_or_else(|| ("Device is a required argument.\n".to_owned(), 255))?;
    let device = sys.network().device_named(&name);
    let device = device.ok_or_else(|| (format!("Cannot find bridge device \"{name}\"\n"), 255))?;
    let (index, master) = (device.index, device.master);
    if !sys.is_network_administrator() {
        return Err(refusal("Operation not permitted"));
    }
    let Some(master) = master else { return Err(refusal("Operation not supported")) };
    let (namespace, fabric) = (sys.namespace_id(), sys.fabric());
    let done = fabric.set_bridge(namespace, master, |bridge, now| {
        if change.state.is_some() && (bridge.tree().is_on() || bridge.tree().state(index) == State::Disabled) {
            return Err(if bridge.tree().is_on() { "Device or resource busy" } else { "Network is down" });
        }
        for (switch, on) in change.switches {
            bridge.switch_port(index, switch, on, now);
        }
        let out_of_range = |OutOfRange| "Numerical result out of range";
        // A cost of nought is none.
        if let Some(cost) = change.cost.filter(|cost| *cost != 0) {
            bridge.set_port_cost(index, cost, now).map_err(out_of_range)?;
        }
        if let Some(priority) = change.priority {
            bridge.set_port_priority(index, priority, now).map_err(out_of_range)?;
        }
        if let Some(state) = change.state {
            bridge.tell_tree(|tree| tree.set_state(index, state)).map_err(|OutOfRange| "Invalid argument")?;
        }
        Ok(())
    });
    done.map(|()| String::new()).map_err(refusal)
}

const USAGE: &str = "\
Usage: bridge link set dev DEV [ cost COST ] [ priority PRIO ] [ state STATE ]
                               [ guard {on | off} ]
                               [ hairpin {on | off} ]
                               [ fastleave {on | off} ]
                               [ root_block {on | off} ]
                               [ learning {on | off} ]
                               [ learning_sync {on | off} ]
                               [ flood {on | off} ]
                               [ mcast_router MULTICAST_ROUTER ]
                               [ mcast_flood {on | off} ]
                               [ bcast_flood {on | off} ]
                               [ mcast_to_unicast {on | off} ]
                               [ neigh_suppress {on | off} ]
                               [ vlan_tunnel {on | off} ]
                               [ isolated {on | off} ]
                               [ locked {on | off} ]
                               [ hwmode {vepa | veb} ]
                               [ backup_port DEVICE ] [ nobackup_port ]
                               [ self ] [ master ]
       bridge link show [dev DEV]
";
