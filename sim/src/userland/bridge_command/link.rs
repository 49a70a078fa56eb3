//! `bridge link`: the ports of bridges, and what they are set to.

use core::fmt::Write as _;

use super::{Failure, Options, fdb::refusal};
use crate::bridge::PortSettings;
use crate::bridge::setting::SWITCHES;
use crate::bridge::tree;
use crate::device::{Device, IfIndex};
use crate::userland::ip::port::Change;
use crate::userland::ip::{Scene, json, named_peers};
use crate::userland::json::Json;
use crate::userland::{Flavour, Sys};

/// Carries out `bridge link WORDS`.
pub(super) fn run(sys: &mut Sys<'_>, words: &[&str], options: Options) -> Result<String, Failure> {
    match words {
        ["set", rest @ ..] => set(sys, rest),
        ["show" | "list" | "lst", rest @ ..] => show(sys, rest, options),
        [] => show(sys, &[], options),
        ["help"] => Err((USAGE.to_owned(), 255)),
        [word, ..] => Err((format!("Command \"{word}\" is unknown, try \"bridge link help\".\n"), 255)),
    }
}

fn show(sys: &mut Sys<'_>, words: &[&str], options: Options) -> Result<String, Failure> {
    let only = match words {
        ["dev", name] => Some((*name).to_owned()),
        _ => None,
    };
    if let Some(name) = only.as_ref().filter(|name| sys.network().device_named(name).is_none()) {
        return Err((format!("Cannot find device \"{name}\"\n"), 255));
    }
    let namespace = sys.namespace_id();
    let peers = named_peers(sys, namespace);
    let now = sys.now();
    let devices = &sys.network().devices;
    let scene = Scene { devices, peers: &peers, flavour: Flavour::Host, now };
    let meant = |device: &&Device| only.as_ref().is_none_or(|name| device.name == *name);
    let ports: Vec<_> = devices.values().filter(meant).filter_map(|device| View::of(&scene, device)).collect();
    Ok(options.print(&ports, |port| port.line(&scene, options.details), |port| port.json(&scene, options.details)))
}

/// A port and what its bridge knows of it.
pub(super) struct View<'a> {
    device: &'a Device,
    known: &'a tree::Port,
    settings: PortSettings,
}

impl<'a> View<'a> {
    /// None when the device is no port.
    pub(super) fn of(scene: &Scene<'a>, device: &'a Device) -> Option<Self> {
        let bridge = scene.devices.get(&device.master?)?.bridge()?;
        let settings = bridge.port(device.index)?.settings;
        Some(Self { device, known: bridge.tree().port(device.index)?, settings })
    }

    /// The number of what the device is linked to; not its own.
    fn other_end(&self) -> Option<IfIndex> {
        self.device.peer_index.filter(|index| *index != self.device.index)
    }

    /// The flags. What has the number of the other end here is taken for it, though that may be elsewhere.
    fn flags(&self, scene: &Scene<'_>) -> String {
        let other = self.other_end().and_then(|index| scene.devices.get(&index));
        Scene::flags_of(self.device, other.is_some_and(|other| !other.up))
    }

    pub(super) fn line(&self, scene: &Scene<'_>, details: bool) -> String {
        let Self { device, known, .. } = self;
        let (flags, mtu) = (self.flags(scene), device.mtu.bytes());
        let other = self.other_end().map(|index| format!("@{}", scene.name_at(index))).unwrap_or_default();
        let name = format!("{}{other}", device.name);
        let master = scene.master(device).unwrap_or_default();
        let mut line = format!(
            "{}: {name}: <{flags}> mtu {mtu} master {master} state {} priority {} cost {} \n",
            device.index.0,
            known.state.name(),
            known.priority,
            known.cost
        );
        if details {
            line.push_str("    ");
            for (name, value) in self.details() {
                let _ = match value {
                    Json::Bool(on) => write!(line, "{name} {} ", if on { "on" } else { "off" }),
                    value => write!(line, "{name} {} ", value.print(false).trim_end()),
                };
            }
            line.push('\n');
        }
        line
    }

    fn json(&self, scene: &Scene<'_>, details: bool) -> Json {
        let mut fields = vec![("ifindex", self.device.index.0.into())];
        fields.extend(self.other_end().map(|index| ("link", scene.name_at(index).into())));
        fields.push(("ifname", self.device.name.as_str().into()));
        fields.push(("flags", json::words(&self.flags(scene))));
        fields.push(("mtu", (self.device.mtu.bytes() as u64).into()));
        fields.extend(scene.master(self.device).map(|master| ("master", master.into())));
        fields.push(("state", self.known.state.name().into()));
        fields.push(("priority", u32::from(self.known.priority).into()));
        fields.push(("cost", self.known.cost.into()));
        if details {
            fields.extend(self.details());
        }
        Json::Object(fields)
    }

    /// What it is set to. What cannot be changed here has its place among the others.
    fn details(&self) -> Vec<(&'static str, Json)> {
        let mut settings = self.settings;
        let mut all = Vec::new();
        for (name, _, switch) in SWITCHES {
            all.push((name, Json::Bool(*switch(&mut settings))));
            match name {
                "bcast_flood" => all.push(("mcast_router", 1u32.into())),
                "neigh_suppress" => all.push(("vlan_tunnel", false.into())),
                _ => {}
            }
        }
        all
    }
}

/// What shall be changed, and of which port.
#[derive(Default)]
struct Wish {
    device: Option<String>,
    change: Change,
}

impl Wish {
    fn parse(words: &[&str]) -> Result<Self, Failure> {
        let mut wish = Self::default();
        let change = &mut wish.change;
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let mut value =
                || words.next().ok_or_else(|| ("Command line is not complete. Try option \"help\"\n".to_owned(), 255));
            match *word {
                "dev" => wish.device = Some((*value()?).to_owned()),
                "cost" => change.cost = value()?.parse().ok(),
                "priority" => change.priority = value()?.parse().ok(),
                "state" => change.state = Some(state(value()?)?),
                "self" | "master" => {}
                "hwmode" if !matches!(*value()?, "vepa" | "veb") => {
                    return Err(("Mode argument must be \"vepa\" or \"veb\".\n".to_owned(), 255));
                }
                "hwmode" => return Err(refusal("Operation not supported")),
                "vlan_tunnel" | "mcast_router" | "backup_port" | "learning_sync" => {
                    value()?;
                    return Err(refusal("Operation not supported"));
                }
                word => {
                    let known = SWITCHES.iter().find(|(name, ..)| *name == word);
                    let (name, _, switch) = known.ok_or_else(|| (USAGE.to_owned(), 255))?;
                    change.switches.push((*switch, on_or_off(name, value()?)?));
                }
            }
        }
        Ok(wish)
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
    let Wish { device, change } = Wish::parse(words)?;
    let name = device.ok_or_else(|| ("Device is a required argument.\n".to_owned(), 255))?;
    let device = sys.network().device_named(&name).map(|device| device.index);
    let index = device.ok_or_else(|| (format!("Cannot find bridge device \"{name}\"\n"), 255))?;
    let namespace = sys.namespace_id();
    let done = change.apply(sys, namespace, index);
    done.map(|()| String::new()).map_err(|said| refusal(said.errno()))
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
