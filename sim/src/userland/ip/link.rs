//! `ip link`: shows devices, makes veth pairs and bridges, changes and deletes devices.

use core::fmt::Write as _;

use super::bridge as bridge_kind;
use super::device::{Listing, Scene, state, statistics};
use super::selection::{Selection, group};
use super::{Error, Options, Refusal, Words, device, device_at, json, mac, named_peers, netns, permit, usage, vxlan};
use crate::addr::Mac;
use crate::device::{Device, IfIndex, Kind, Mtu};
use crate::fabric::NamespaceId;
use crate::link::Condition;
use crate::namespace::LinkError;
use crate::stack::{IpvlanMode, MacvlanMode, Over};
use crate::userland::json::Json;
use crate::userland::{Pid, Sys};

#[derive(Clone, Copy)]
enum Verb {
    Add,
    Set,
    Delete,
    Show,
}

const VERBS: [(&str, Verb); 7] = [
    ("add", Verb::Add),
    ("set", Verb::Set),
    ("change", Verb::Set),
    ("delete", Verb::Delete),
    ("show", Verb::Show),
    ("lst", Verb::Show),
    ("list", Verb::Show),
];

pub(super) fn run(
    sys: &mut Sys<'_>,
    namespace: NamespaceId,
    options: &Options,
    mut words: Words,
) -> Result<String, Error> {
    if words.take("help") {
        let page = words.take_next().and_then(|kind| usage::of_type(&kind));
        return page.map(str::to_owned).ok_or(Error::Help);
    }
    match words.command(&VERBS, Verb::Show)? {
        Verb::Show => return show(sys, namespace, options, &mut words),
        Verb::Add => add(sys, namespace, words),
        Verb::Set => set(sys, namespace, words),
        Verb::Delete => delete(sys, namespace, words),
    }
    .map(|()| String::new())
}

fn show(sys: &mut Sys<'_>, namespace: NamespaceId, options: &Options, words: &mut Words) -> Result<String, Error> {
    let selection = Selection::parse(words, options.family)?;
    let (flavour, peers) = (sys.flavour(), named_peers(sys, namespace));
    let now = sys.now();
    let scene = Scene { devices: &sys.fabric().namespace(namespace).devices, peers: &peers, flavour, now };
    let devices = selection.devices(&scene)?;
    if options.json {
        let all = devices.into_iter().map(|d| json::link(&scene, options, d)).collect();
        return Ok(Json::List(all).print(options.pretty));
    }
    Ok(devices.into_iter().map(|d| described(&scene, options, d)).collect())
}

/// The text of `ip link` for one device.
fn described(scene: &Scene<'_>, options: &Options, device: &Device) -> String {
    if options.brief {
        let (name, state) = (scene.name(device), state(device));
        let mac = if device.is_tun() { String::new() } else { format!("{} ", device.mac) };
        return format!("{name:<16} {state:<14} {mac}<{}> \n", scene.flags(device));
    }
    let oneline = options.oneline;
    let mut text = scene.header(device, Listing::Links, options);
    text.push(if oneline { '\\' } else { '\n' });
    let _ = writeln!(text, "{}", scene.hardware(device, Listing::Links, options));
    if options.statistics > 0 && !oneline {
        text.push_str(&statistics(device, options.statistics));
    }
    text
}

/// What `ip link set` shall change; a part that is none stays.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
struct Change {
    device: Option<String>,
    name: Option<String>,
    up: Option<bool>,
    mtu: Option<String>,
    mac: Option<Mac>,
    queue_len: Option<u32>,
    promiscuous: Option<bool>,
    /// A bridge by name, or none to leave the one it is in.
    master: Option<Option<String>>,
    netns: Option<String>,
    /// The group that it shall be in, or without a device the one that is meant.
    group: Option<u32>,
    alias: Option<String>,
    /// The type that the device is said to be of, and what of it shall change.
    kind: Option<(String, Words)>,
}

impl Change {
    fn parse(mut words: Words) -> Result<Self, Error> {
        let mut change = Self::default();
        while let Some(word) = words.take_next() {
            change.set(word, &mut words)?;
        }
        Ok(change)
    }

    fn set(&mut self, word: String, words: &mut Words) -> Result<(), Error> {
        match word.as_str() {
            "up" => self.up = Some(true),
            "down" => self.up = Some(false),
            "mtu" => self.mtu = Some(words.value()?),
            "address" => self.mac = Some(mac(&words.value()?)?),
            "name" => self.name = Some(checked(words.value()?, NOT_A_NAME)?),
            "master" => self.master = Some(Some(words.value()?)),
            "nomaster" => self.master = Some(None),
            "netns" => self.netns = Some(words.value()?),
            "group" => self.group = Some(group(words.value()?)?),
            "alias" => self.alias = Some(words.value()?),
            "promisc" => self.promiscuous = Some(switch("promisc", words.value()?)?),
            "txqueuelen" | "qlen" => self.queue_len = Some(queue_len(words.value()?)?),
            "dev" => self.device = Some(words.value()?),
            "type" => self.kind = Some((words.value()?, core::mem::take(words))),
            _ if self.device.is_some() => return Err(Error::Garbage { place: "dev", word }),
            _ => self.device = Some(word),
        }
        Ok(())
    }
}

const NOT_A_NAME: &str = "\"name\" not a valid ifname";
const NOT_A_DEVICE: &str = "\"dev\" not a valid ifname";

/// A word that can be a device's name, as iproute2 sees it: without `name` before it, it may be longer.
fn checked(word: String, why: &'static str) -> Result<String, Error> {
    let most = if why == NOT_A_NAME { 15 } else { 127 };
    let fits = (1..=most).contains(&word.len()) && !word.contains(|c: char| c == '/' || c.is_ascii_whitespace());
    if fits { Ok(word) } else { Err(Error::Invalid { word, why }) }
}

fn switch(name: &'static str, word: String) -> Result<bool, Error> {
    match word.as_str() {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err(Error::NotASwitch { name, word }),
    }
}

fn queue_len(word: String) -> Result<u32, Error> {
    word.parse().map_err(|_| Error::Wrong { word, why: "Invalid \"txqueuelen\" value" })
}

fn mtu(word: String) -> Result<Mtu, Error> {
    let Ok(bytes) = word.parse() else { return Err(Error::Wrong { word, why: "Invalid \"mtu\" value" }) };
    let refusal = if bytes < 68 { Refusal::MtuTooSmall } else { Refusal::MtuTooLarge };
    Mtu::new(bytes).ok_or_else(|| refusal.into())
}

/// A change whose words all mean something: what can be done.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Plan {
    name: Option<String>,
    up: Option<bool>,
    mtu: Option<Mtu>,
    mac: Option<Mac>,
    queue_len: Option<u32>,
    promiscuous: Option<bool>,
    master: Option<Option<IfIndex>>,
    netns: Option<NamespaceId>,
    group: Option<u32>,
    alias: Option<String>,
}

fn set(sys: &mut Sys<'_>, namespace: NamespaceId, words: Words) -> Result<(), Error> {
    let change = Change::parse(words)?;
    match (change.device.clone(), change.group) {
        (Some(name), _) => {
            let index = device(sys, namespace, &name)?;
            permit(sys)?;
            set_one(sys, namespace, index, change)
        }
        (None, Some(group)) => {
            permit(sys)?;
            let devices = sys.fabric().namespace(namespace).devices.values();
            let meant: Vec<_> = devices.filter(|device| device.group == group).map(|device| device.index).collect();
            meant.into_iter().try_for_each(|index| set_one(sys, namespace, index, change.clone()))
        }
        (None, None) => Err(Error::MissingDevice),
    }
}

fn set_one(sys: &mut Sys<'_>, namespace: NamespaceId, index: IfIndex, change: Change) -> Result<(), Error> {
    if let Some((kind, words)) = change.kind.clone() {
        change_kind(sys, namespace, index, &kind, words)?;
    }
    let plan = plan(sys, namespace, index, change)?;
    Ok(commit(sys, namespace, index, plan)?)
}

/// Changes what a device of this type is set to.
fn change_kind(
    sys: &mut Sys<'_>,
    namespace: NamespaceId,
    index: IfIndex,
    kind: &str,
    words: Words,
) -> Result<(), Error> {
    let device = sys.fabric().namespace_mut(namespace).devices.get_mut(&index).expect("it was just found");
    match (kind, &mut device.kind) {
        ("vxlan", Kind::Vxlan(tunnel)) => vxlan::Wish::parse(words)?.change(tunnel),
        ("bridge", Kind::Bridge(_)) => {
            let wish = bridge_kind::Wish::parse(words)?;
            Ok(sys.fabric().set_bridge(namespace, index, |bridge, now| wish.apply(bridge, now))?)
        }
        ("bridge", _) => {
            bridge_kind::Wish::parse(words)?;
            Err(Refusal::NotSupported.into())
        }
        _ => Err(Refusal::NotSupported.into()),
    }
}

/// Checks everything that can fail.
fn plan(sys: &mut Sys<'_>, namespace: NamespaceId, index: IfIndex, change: Change) -> Result<Plan, Error> {
    let master = match change.master {
        Some(Some(name)) => Some(Some(bridge(sys, namespace, index, name)?)),
        Some(None) => Some(None),
        None => None,
    };
    let netns = change.netns.map(|word| destination(sys, word)).transpose()?;
    let device = device_at(sys, namespace, index);
    let is_up = device.up;
    if netns.is_some() && device.link().is_none() {
        return Err(Refusal::Immutable.into());
    }
    let name = change.name.clone().unwrap_or_else(|| device.name.clone());
    check_new_name(sys, namespace, index, &name)?;
    if let Some(to) = netns.filter(|to| *to != namespace) {
        check_free(sys, to, &name)?;
    }
    if change.up == Some(true) && !is_up && !sys.fabric().can_go_up(namespace, index) {
        return Err(Refusal::AddressInUse.into());
    }
    let mtu = change.mtu.map(mtu).transpose()?;
    if mtu.is_some_and(|mtu| mtu.bytes() > sys.fabric().most_mtu(namespace, index)) {
        let is_tunnel = device_at(sys, namespace, index).tunnel().is_some();
        return Err(if is_tunnel { Refusal::Invalid } else { Refusal::MtuTooLarge }.into());
    }
    Ok(Plan {
        name: change.name,
        up: change.up,
        mtu,
        mac: change.mac,
        queue_len: change.queue_len,
        promiscuous: change.promiscuous,
        master,
        netns,
        group: change.group,
        alias: change.alias,
    })
}

/// A name that no other device has.
fn check_new_name(sys: &mut Sys<'_>, namespace: NamespaceId, index: IfIndex, name: &str) -> Result<(), Error> {
    let taken = sys.fabric().namespace(namespace).device_named(name).is_some_and(|d| d.index != index);
    if taken { Err(Refusal::Exists.into()) } else { Ok(()) }
}

/// A name that no device of a namespace has.
fn check_free(sys: &mut Sys<'_>, namespace: NamespaceId, name: &str) -> Result<(), Refusal> {
    let taken = sys.fabric().namespace(namespace).device_named(name).is_some();
    if taken { Err(Refusal::Exists) } else { Ok(()) }
}

/// The bridge of this name, as a master for the device `port`.
fn bridge(sys: &mut Sys<'_>, namespace: NamespaceId, port: IfIndex, name: String) -> Result<IfIndex, Error> {
    let devices = sys.fabric().namespace(namespace);
    let Some(bridge) = devices.device_named(&name) else {
        return Err(Error::Wrong { word: name, why: "Device does not exist" });
    };
    let (index, is_bridge) = (bridge.index, bridge.bridge().is_some());
    let port = device_at(sys, namespace, port);
    match (is_bridge, port.is_loopback(), port.bridge().is_some()) {
        (false, ..) => Err(Refusal::NotSupported.into()),
        (true, true, _) => Err(Refusal::Invalid.into()),
        (true, false, true) => Err(Refusal::BridgeInBridge.into()),
        (true, false, false) => Ok(index),
    }
}

/// The namespace that `netns` names: one of `ip netns`, or a process's.
fn destination(sys: &Sys<'_>, word: String) -> Result<NamespaceId, Error> {
    if let Some(id) = netns::find(sys, &word) {
        return Ok(id);
    }
    match word.parse() {
        Ok(pid) => sys.namespace_of(Pid(pid)).ok_or_else(|| Refusal::NoProcess.into()),
        Err(_) => Err(Error::Wrong { word, why: "Invalid \"netns\" value" }),
    }
}

fn commit(sys: &mut Sys<'_>, namespace: NamespaceId, index: IfIndex, plan: Plan) -> Result<(), LinkError> {
    let fabric = sys.fabric();
    if let Some(mac) = plan.mac {
        fabric.set_mac(namespace, index, mac);
    }
    if let Some(mtu) = plan.mtu {
        fabric.set_mtu(namespace, index, mtu);
    }
    if let Some(device) = fabric.namespace_mut(namespace).devices.get_mut(&index) {
        device.queue_len = plan.queue_len.unwrap_or(device.queue_len);
        device.name = plan.name.unwrap_or_else(|| device.name.clone());
        device.group = plan.group.unwrap_or(device.group);
        device.alias = plan.alias.unwrap_or_else(|| device.alias.clone());
    }
    if let Some(promiscuous) = plan.promiscuous {
        fabric.set_promiscuous(namespace, index, promiscuous);
    }
    if let Some(master) = plan.master {
        fabric.set_master(namespace, index, master)?;
    }
    if let Some(up) = plan.up {
        fabric.set_up(namespace, index, up);
    }
    if let Some(to) = plan.netns {
        let name = fabric.namespace(namespace).devices.get(&index).map(|d| d.name.clone()).unwrap_or_default();
        fabric.move_device(namespace, index, to, &name)?;
    }
    Ok(())
}

/// A device to be made.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
struct Model {
    name: Option<String>,
    kind: Option<String>,
    mtu: Option<String>,
    mac: Option<Mac>,
    group: Option<u32>,
    /// The device that it shall stand on.
    parent: Option<String>,
    queue_len: Option<u32>,
    /// Where it shall be.
    netns: Option<String>,
    peer: Peer,
    /// The words after the type.
    particulars: Words,
}

/// The other end of a veth to be made.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
struct Peer {
    name: Option<String>,
    mtu: Option<String>,
    mac: Option<Mac>,
    netns: Option<String>,
}

impl Model {
    fn parse(mut words: Words) -> Result<Self, Error> {
        let mut model = Self::default();
        while let Some(word) = words.take_next() {
            match word.as_str() {
                "name" => model.name = Some(checked(words.value()?, NOT_A_NAME)?),
                "dev" => model.name = Some(checked(words.value()?, NOT_A_DEVICE)?),
                "netns" => model.netns = Some(words.value()?),
                "txqueuelen" | "qlen" => model.queue_len = Some(queue_len(words.value()?)?),
                // A device here has one queue, however many are asked for.
                "numtxqueues" => count(words.value()?, "Invalid \"numtxqueues\" value")?,
                "numrxqueues" => count(words.value()?, "Invalid \"numrxqueues\" value")?,
                "mtu" => model.mtu = Some(words.value()?),
                "address" => model.mac = Some(mac(&words.value()?)?),
                "group" => model.group = Some(group(words.value()?)?),
                "link" => model.parent = Some(words.value()?),
                "type" => {
                    model.kind = Some(words.value()?);
                    break;
                }
                _ if model.name.is_some() => return Err(Error::Garbage { place: "dev", word }),
                _ => model.name = Some(checked(word, NOT_A_DEVICE)?),
            }
        }
        if words.take("peer") {
            model.peer = Peer::parse(&mut words)?;
        }
        model.particulars = words;
        Ok(model)
    }
}

impl Peer {
    fn parse(words: &mut Words) -> Result<Self, Error> {
        let mut peer = Self::default();
        while let Some(word) = words.take_next() {
            match word.as_str() {
                "name" => peer.name = Some(checked(words.value()?, NOT_A_NAME)?),
                "mtu" => peer.mtu = Some(words.value()?),
                "address" => peer.mac = Some(mac(&words.value()?)?),
                "netns" => peer.netns = Some(words.value()?),
                _ if peer.name.is_some() => return Err(Error::Garbage { place: "dev", word }),
                _ => peer.name = Some(checked(word, NOT_A_DEVICE)?),
            }
        }
        Ok(peer)
    }
}

fn count(word: String, why: &'static str) -> Result<(), Error> {
    word.parse::<u32>().map(|_| ()).map_err(|_| Error::Wrong { word, why })
}

/// Makes a device here, and sends it where it shall be.
fn add(sys: &mut Sys<'_>, namespace: NamespaceId, words: Words) -> Result<(), Error> {
    let mut model = Model::parse(words)?;
    let kind = model.kind.clone().ok_or(Error::MissingType)?;
    permit(sys)?;
    let to = model.netns.take().map(|word| destination(sys, word)).transpose()?;
    let Some(to) = to.filter(|to| *to != namespace) else { return make(sys, namespace, &kind, model) };
    let name = new_name(sys, to, model.name.take(), &kind)?;
    let at_birth = free_name(sys, namespace, &kind, "");
    model.name = Some(at_birth.clone());
    make(sys, namespace, &kind, model)?;
    let index = device(sys, namespace, &at_birth)?;
    sys.fabric().move_device(namespace, index, to, &name)?;
    Ok(())
}

fn make(sys: &mut Sys<'_>, namespace: NamespaceId, kind: &str, model: Model) -> Result<(), Error> {
    match kind {
        "bridge" => add_bridge(sys, namespace, model),
        "veth" => add_veth(sys, namespace, model),
        "dummy" => add_dummy(sys, namespace, model),
        "vxlan" => add_vxlan(sys, namespace, model),
        "macvlan" | "ipvlan" | "vlan" => {
            let over = sharing(kind, model.particulars.clone())?;
            add_stacked(sys, namespace, model, over)
        }
        "tun" => Err(Refusal::NotByNetlink.into()),
        _ => Err(Refusal::UnknownType.into()),
    }
}

fn add_dummy(sys: &mut Sys<'_>, namespace: NamespaceId, model: Model) -> Result<(), Error> {
    let name = new_name(sys, namespace, model.name, "dummy")?;
    let mtu = model.mtu.map(mtu).transpose()?;
    let index = sys.fabric().create_dummy(namespace, &name)?;
    dress(sys, namespace, index, Looks { mtu, mac: model.mac, group: model.group, queue_len: model.queue_len });
    Ok(())
}

fn add_stacked(sys: &mut Sys<'_>, namespace: NamespaceId, model: Model, over: Over) -> Result<(), Error> {
    let parent = model.parent.ok_or(Refusal::MissingLink)?;
    let parent = device(sys, namespace, &parent)?;
    let stem = match over {
        Over::Macvlan(_) => "macvlan",
        Over::Ipvlan(_) => "ipvlan",
        Over::Vlan(_) => "vlan",
    };
    let name = new_name(sys, namespace, model.name, stem)?;
    let mtu = model.mtu.map(mtu).transpose()?;
    let index = sys.fabric().create_stacked(namespace, parent, &name, over)?;
    dress(sys, namespace, index, Looks { mtu, mac: model.mac, group: model.group, queue_len: model.queue_len });
    Ok(())
}

fn add_vxlan(sys: &mut Sys<'_>, namespace: NamespaceId, model: Model) -> Result<(), Error> {
    let wish = vxlan::Wish::parse(model.particulars)?;
    let lower = match &wish.device {
        Some(name) => Some(lower(sys, namespace, name)?),
        None => None,
    };
    if wish.vni.is_some() && wish.port.is_none() {
        sys.eprint(vxlan::NO_PORT);
    }
    let settings = wish.settings(lower)?;
    let name = new_name(sys, namespace, model.name, "vxlan")?;
    let mtu = model.mtu.map(mtu).transpose()?;
    let index = sys.fabric().create_vxlan(namespace, &name, settings)?;
    dress(sys, namespace, index, Looks { mtu, mac: model.mac, group: model.group, queue_len: model.queue_len });
    Ok(())
}

/// The device that a tunnel shall stand on.
fn lower(sys: &mut Sys<'_>, namespace: NamespaceId, name: &str) -> Result<IfIndex, Error> {
    let lower = sys.fabric().namespace(namespace).device_named(name).map(|device| device.index);
    lower.ok_or_else(|| vxlan::Fault::NoDevice(name.to_owned()).into())
}

/// How a device shall share its parent: what follows `type macvlan` and the like.
fn sharing(kind: &str, mut words: Words) -> Result<Over, Error> {
    let mut over = match kind {
        "macvlan" => Some(Over::Macvlan(MacvlanMode::Vepa)),
        "ipvlan" => Some(Over::Ipvlan(IpvlanMode::L3)),
        _ => None,
    };
    while let Some(word) = words.take_next() {
        match (kind, word.as_str()) {
            ("macvlan", "mode") => over = Some(Over::Macvlan(macvlan_mode(words.value()?)?)),
            ("ipvlan", "mode") => over = Some(Over::Ipvlan(ipvlan_mode(&words.value()?)?)),
            ("ipvlan", "bridge") => {}
            ("vlan", "id") => over = Some(Over::Vlan(vlan_id(words.value()?)?)),
            ("vlan", "protocol" | "proto") if words.take("802.1Q") || words.take("802.1q") => {}
            (_, "help") => return Err(Error::TypeHelp(over.map_or("vlan", of_kind))),
            _ => return Err(Error::UnknownParticular { kind: over.map_or("vlan", of_kind), word }),
        }
    }
    over.ok_or_else(|| Refusal::MissingVlan.into())
}

const fn of_kind(over: Over) -> &'static str {
    match over {
        Over::Macvlan(_) => "macvlan",
        Over::Ipvlan(_) => "ipvlan",
        Over::Vlan(_) => "vlan",
    }
}

fn macvlan_mode(word: String) -> Result<MacvlanMode, Error> {
    match word.as_str() {
        "private" => Ok(MacvlanMode::Private),
        "vepa" => Ok(MacvlanMode::Vepa),
        "bridge" => Ok(MacvlanMode::Bridge),
        "passthru" => Ok(MacvlanMode::Passthru),
        _ => Err(Error::MacvlanMode(word)),
    }
}

fn ipvlan_mode(word: &str) -> Result<IpvlanMode, Error> {
    match word {
        "l2" => Ok(IpvlanMode::L2),
        "l3" => Ok(IpvlanMode::L3),
        "l3s" => Ok(IpvlanMode::L3s),
        _ => Err(Error::IpvlanMode),
    }
}

fn vlan_id(word: String) -> Result<u16, Error> {
    match word.parse() {
        Ok(id @ 1..4095) => Ok(id),
        Ok(0) => Ok(0),
        Ok(4095..) => Err(Refusal::VlanRange.into()),
        Err(_) => Err(Error::Wrong { word, why: "id is invalid" }),
    }
}

fn add_bridge(sys: &mut Sys<'_>, namespace: NamespaceId, model: Model) -> Result<(), Error> {
    let name = new_name(sys, namespace, model.name, "bridge")?;
    let mtu = model.mtu.map(mtu).transpose()?;
    let wish = bridge_kind::Wish::parse(model.particulars)?;
    let index = sys.fabric().create_bridge(namespace, &name, model.mac)?;
    dress(sys, namespace, index, Looks { mtu, mac: None, group: model.group, queue_len: model.queue_len });
    let applied = sys.fabric().set_bridge(namespace, index, |bridge, now| wish.apply(bridge, now));
    if applied.is_err() {
        // What cannot be as it was asked for is not left half made.
        sys.fabric().delete_device(namespace, index);
    }
    Ok(applied?)
}

fn add_veth(sys: &mut Sys<'_>, namespace: NamespaceId, model: Model) -> Result<(), Error> {
    if !model.particulars.0.is_empty() {
        return Err(Error::TypeHelp("veth"));
    }
    let name = new_name(sys, namespace, model.name, "veth")?;
    let to = model.peer.netns.map(|word| destination(sys, word)).transpose()?;
    let beside = to.is_none_or(|to| to == namespace);
    let peer = match model.peer.name {
        Some(peer) if peer == name && beside => return Err(Refusal::Exists.into()),
        Some(peer) => new_name(sys, to.unwrap_or(namespace), Some(peer), "veth")?,
        None => free_name(sys, to.unwrap_or(namespace), "veth", &name),
    };
    // A peer that is born elsewhere may have a name that is taken here.
    let at_birth = if beside { peer.clone() } else { free_name(sys, namespace, "veth", &name) };
    let peer_mtu = model.peer.mtu.map(mtu).transpose()?;
    let mtu = model.mtu.map(mtu).transpose()?;
    let (index, other) = sys.fabric().create_veth(namespace, &name, &at_birth, Condition::default())?;
    dress(sys, namespace, index, Looks { mtu, mac: model.mac, group: model.group, queue_len: model.queue_len });
    dress(
        sys,
        namespace,
        other,
        Looks { mtu: peer_mtu, mac: model.peer.mac, group: model.group, queue_len: model.queue_len },
    );
    if let Some(to) = to {
        sys.fabric().move_device(namespace, other, to, &peer)?;
    }
    Ok(())
}

/// What was asked for a new device.
#[derive(Clone, Copy)]
struct Looks {
    mtu: Option<Mtu>,
    mac: Option<Mac>,
    group: Option<u32>,
    queue_len: Option<u32>,
}

/// Gives a new device what was asked for it.
fn dress(sys: &mut Sys<'_>, namespace: NamespaceId, index: IfIndex, looks: Looks) {
    let Looks { mtu, mac, group, queue_len } = looks;
    let fabric = sys.fabric();
    if let Some(mtu) = mtu {
        fabric.set_mtu(namespace, index, mtu);
    }
    if let Some(mac) = mac {
        fabric.set_mac(namespace, index, mac);
    }
    if let Some(device) = fabric.namespace_mut(namespace).devices.get_mut(&index) {
        device.group = group.unwrap_or(device.group);
        device.queue_len = queue_len.unwrap_or(device.queue_len);
    }
}

/// The name for a new device, or a free one of the form `veth0`.
fn new_name(sys: &mut Sys<'_>, namespace: NamespaceId, name: Option<String>, stem: &str) -> Result<String, Error> {
    let Some(name) = name else { return Ok(free_name(sys, namespace, stem, "")) };
    if name.len() > 15 {
        return Err(Refusal::NameTooLong.into());
    }
    check_free(sys, namespace, &name)?;
    Ok(name)
}

/// The first of `veth0`, `veth1` … that no device has and that is not `taken`.
pub(super) fn free_name(sys: &mut Sys<'_>, namespace: NamespaceId, stem: &str, taken: &str) -> String {
    let devices = sys.fabric().namespace(namespace);
    let mut names = (0..).map(|n: u32| format!("{stem}{n}"));
    names.find(|name| name != taken && devices.device_named(name).is_none()).expect("there are fewer devices than u32")
}

fn delete(sys: &mut Sys<'_>, namespace: NamespaceId, mut words: Words) -> Result<(), Error> {
    words.take("dev");
    let name = words.take_next().ok_or(Error::MissingDevice)?;
    let index = device(sys, namespace, &name)?;
    permit(sys)?;
    if device_at(sys, namespace, index).is_loopback() {
        return Err(Refusal::NotSupported.into());
    }
    sys.fabric().delete_device(namespace, index);
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::device::tests::{all, bridge, loopback, veth};
    use super::*;
    use crate::time::Instant;
    use crate::userland::Flavour;

    fn words(line: &str) -> Words {
        Words(line.split_whitespace().map(str::to_owned).collect())
    }

    #[test]
    fn brief_and_oneline_listings() {
        let mut port = veth(3, "up0", "1a:be:9c:c4:7f:3c", 7);
        (port.peer_netnsid, port.queue_len) = (Some(0), 1000);
        let devices = all([loopback(), port]);
        let peers = BTreeMap::new();
        let scene = Scene { devices: &devices, peers: &peers, flavour: Flavour::Host, now: Instant::ZERO };
        let brief = Options { brief: true, ..Options::default() };
        assert_eq!(
            described(&scene, &brief, devices.get(&IfIndex(3)).unwrap()),
            "up0@if7          UP             1a:be:9c:c4:7f:3c <BROADCAST,MULTICAST,UP,LOWER_UP> \n"
        );
        let oneline = Options { oneline: true, ..Options::default() };
        assert_eq!(
            described(&scene, &oneline, devices.get(&IfIndex(1)).unwrap()),
            "1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN mode DEFAULT group default qlen 1000\\    \
             link/loopback 00:00:00:00:00:00 brd 00:00:00:00:00:00\n"
        );
    }

    #[test]
    fn a_port_of_a_docker_bridge_has_a_master_and_no_queue() {
        let mut port = veth(6, "veth01020fb", "5e:f1:a1:82:d6:a0", 5);
        (port.peer_netnsid, port.master) = (Some(1), Some(IfIndex(3)));
        let devices = all([bridge(3, "docker0", "02:42:4b:18:8e:39"), port]);
        let peers = BTreeMap::new();
        let scene = Scene { devices: &devices, peers: &peers, flavour: Flavour::Host, now: Instant::ZERO };
        assert_eq!(
            described(&scene, &Options::default(), devices.get(&IfIndex(6)).unwrap()),
            "6: veth01020fb@if5: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue master docker0 state UP \
             mode DEFAULT group default \n    link/ether 5e:f1:a1:82:d6:a0 brd ff:ff:ff:ff:ff:ff link-netnsid 1\n"
        );
    }

    #[test]
    fn the_words_of_set_in_any_order() {
        let change = Change::parse(words("dev v1 master br0 up mtu 1400")).unwrap();
        let expected = Change {
            device: Some("v1".into()),
            up: Some(true),
            mtu: Some("1400".into()),
            master: Some(Some("br0".into())),
            ..Change::default()
        };
        assert_eq!(change, expected);
        assert_eq!(Change::parse(words("v1 frob")), Err(Error::Garbage { place: "dev", word: "frob".into() }));
        assert_eq!(Change::parse(words("v1 address zz")), Err(Error::BadMac("zz".into())));
        assert_eq!(mtu("50".into()), Err(Refusal::MtuTooSmall.into()));
        assert_eq!(mtu("99999".into()), Err(Refusal::MtuTooLarge.into()));
    }

    #[test]
    fn a_pair_and_the_words_for_its_other_end() {
        let model = Model::parse(words("add0 mtu 1500 type veth peer name add1 netns test1")).unwrap();
        assert_eq!((model.name.as_deref(), model.kind.as_deref()), (Some("add0"), Some("veth")));
        let peer = Peer { name: Some("add1".into()), netns: Some("test1".into()), ..Peer::default() };
        assert_eq!(model.peer, peer);
        assert_eq!(Model::parse(words("type")), Err(Error::Incomplete));
    }

    #[test]
    fn a_word_that_can_be_no_name_is_refused_where_it_stands() {
        let refused = |line| Model::parse(words(line)).unwrap_err();
        assert_eq!(refused("a/b type dummy"), Error::Invalid { word: "a/b".into(), why: NOT_A_DEVICE });
        let long = "a-name-that-is-too-long";
        assert_eq!(refused("name a-name-that-is-too-long"), Error::Invalid { word: long.into(), why: NOT_A_NAME });
        assert_eq!(refused("v0 numtxqueues"), Error::Incomplete);
        assert!(Model::parse(words("a-name-that-is-too-long type dummy")).is_ok(), "the kernel refuses it");
    }
}
