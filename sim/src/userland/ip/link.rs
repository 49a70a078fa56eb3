//! `ip link`: shows devices, changes and deletes them. How they are made is in `make`.

mod make;

use core::fmt::Write as _;

use super::bridge as bridge_kind;
use super::device::{Listing, Scene, state, statistics};
use super::keyword::{self, Keyword};
use super::selection::{Selection, group};
use super::{
    Error, Options, Refusal, Words, device, device_at, json, mac, named_peers, netns, permit, port, usage, vxlan,
};
use crate::addr::Mac;
use crate::device::{Conf6, Device, GEN_NONE, GEN_RANDOM, IfIndex, Kind, Manner, Mtu};
use crate::fabric::NamespaceId;
use crate::namespace::LinkError;
use crate::stack::{MacvlanMode, Over};
use crate::userland::json::Json;
use crate::userland::{Pid, Sys};
pub(super) use make::free_name;

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
        Verb::Add => make::add(sys, namespace, words),
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
    /// How it shall behave on its link.
    manners: Vec<(Manner, bool)>,
    /// A bridge by name, or none to leave the one it is in.
    master: Option<Option<String>>,
    netns: Option<String>,
    /// The number that it shall have there.
    index: Option<IfIndex>,
    /// The group that it shall be in, or without a device the one that is meant.
    group: Option<u32>,
    alias: Option<String>,
    /// How it makes its link-local address.
    generation: Option<i32>,
    /// The type that the device is said to be of, and what of it shall change.
    kind: Option<(String, Words)>,
}

impl Change {
    fn parse(mut words: Words, keywords: &[Keyword]) -> Result<Self, Error> {
        let mut change = Self::default();
        while let Some(word) = words.next_of(keywords) {
            change.set(word, &mut words)?;
        }
        if change.index.is_some() && change.netns.is_none() {
            return Err(Error::FixedIndex);
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
            "index" => make::number(&mut self.index, words.value()?)?,
            "alias" => self.alias = Some(words.value()?),
            "addrgenmode" => self.generation = Some(generation(words.value()?)?),
            "promisc" => self.promiscuous = Some(switch("promisc", words.value()?)?),
            // The kernel takes it and does nothing.
            "trailers" => switch("trailers", words.value()?).map(|_| ())?,
            "carrier" => return Err(carrier(words.value()?)),
            "link" => words.value().map(|_| ())?,
            "numtxqueues" => count(words.value()?, "Invalid \"numtxqueues\" value")?,
            "numrxqueues" => count(words.value()?, "Invalid \"numrxqueues\" value")?,
            "broadcast" | "brd" => only_everybody(&words.value()?)?,
            "txqueuelen" | "qlen" => self.queue_len = Some(queue_len(words.value()?)?),
            "dev" => self.device = Some(words.value()?),
            "help" => return Err(Error::Help),
            "type" => self.kind = Some((words.value()?, core::mem::take(words))),
            other => match manner(other) {
                Some((name, manner)) => self.manners.push((manner, switch(name, words.value()?)?)),
                None if self.device.is_some() => return Err(Error::Garbage { place: "dev", word }),
                None => self.device = Some(word),
            },
        }
        Ok(())
    }
}

/// The switch of a device's manners that a word names.
fn manner(word: &str) -> Option<(&'static str, Manner)> {
    let all = [
        ("arp", Manner::Arp),
        ("multicast", Manner::Multicast),
        ("allmulticast", Manner::AllMulticast),
        ("dynamic", Manner::Dynamic),
    ];
    all.into_iter().find(|(name, _)| *name == word)
}

/// Nothing here has a cable that could be seen to be pulled out by a command.
fn carrier(word: String) -> Error {
    if matches!(word.as_str(), "on" | "off") { Refusal::NotSupported.into() } else { Error::Carrier(word) }
}

/// Everybody on a link has one address, which nobody changes here.
fn only_everybody(word: &str) -> Result<(), Error> {
    if mac(word)? == Mac::BROADCAST { Ok(()) } else { Err(Refusal::NotSupported.into()) }
}

/// An Ethernet address that one station can have.
fn station(mac: Mac) -> Result<Mac, Refusal> {
    if mac.is_multicast() || mac == Mac::ZERO { Err(Refusal::UnfitAddress) } else { Ok(mac) }
}

fn count(word: String, why: &'static str) -> Result<(), Error> {
    word.parse::<u32>().map(|_| ()).map_err(|_| Error::Wrong { word, why })
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

fn generation(word: String) -> Result<i32, Error> {
    match word.as_str() {
        "eui64" => Ok(0),
        "none" => Ok(GEN_NONE),
        "stable_secret" => Err(Refusal::Invalid.into()),
        "random" => Ok(GEN_RANDOM),
        _ => Err(Error::Wrong { word, why: "Invalid address generation mode" }),
    }
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
    manners: Vec<(Manner, bool)>,
    master: Option<Option<IfIndex>>,
    group: Option<u32>,
    alias: Option<String>,
    generation: Option<i32>,
}

fn set(sys: &mut Sys<'_>, namespace: NamespaceId, words: Words) -> Result<(), Error> {
    let change = Change::parse(words, keyword::of_set(sys.flavour()))?;
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

fn set_one(sys: &mut Sys<'_>, namespace: NamespaceId, index: IfIndex, mut change: Change) -> Result<(), Error> {
    if let Some(word) = change.netns.take() {
        let to = destination(sys, word)?;
        let (namespace, index) = send(sys, (namespace, index), to, change.name.as_deref(), change.index)?;
        return set_one(sys, namespace, index, change);
    }
    if let Some((kind, words)) = change.kind.clone() {
        change_kind(sys, namespace, index, &kind, words)?;
    }
    let plan = plan(sys, namespace, index, change)?;
    Ok(commit(sys, namespace, index, plan)?)
}

/// Sends a device to another namespace before anything else of it is changed, so it is there also when that is refused. It
/// goes under its own name, or the new one where its own is taken.
fn send(
    sys: &mut Sys<'_>,
    (namespace, index): (NamespaceId, IfIndex),
    to: NamespaceId,
    new: Option<&str>,
    chosen: Option<IfIndex>,
) -> Result<(NamespaceId, IfIndex), Error> {
    let device = device_at(sys, namespace, index);
    if device.link().is_none() {
        return Err(Refusal::Immutable.into());
    }
    if to == namespace {
        return Ok((namespace, index));
    }
    let own = device.name.clone();
    let name = if check_free(sys, to, &own).is_ok() { &own } else { new.unwrap_or(&own) };
    check_free(sys, to, name)?;
    let taken = chosen.filter(|chosen| sys.fabric().namespace(to).devices.contains_key(chosen));
    if let Some(IfIndex(taken)) = taken {
        return Err(Refusal::IndexTaken(taken).into());
    }
    Ok((to, make::move_as(sys, (namespace, index), to, name, chosen)?))
}

/// Changes what a device of this type is set to.
fn change_kind(
    sys: &mut Sys<'_>,
    namespace: NamespaceId,
    index: IfIndex,
    kind: &str,
    words: Words,
) -> Result<(), Error> {
    if kind == "bridge_slave" {
        return Ok(port::Change::parse(words)?.apply(sys, namespace, index)?);
    }
    let device = sys.fabric().namespace_mut(namespace).devices.get_mut(&index).expect("it was just found");
    match (kind, &mut device.kind) {
        ("macvlan", Kind::Stacked { over: Over::Macvlan(mode), .. }) => change_mode(mode, words),
        ("vxlan", Kind::Vxlan(tunnel)) => vxlan::Wish::parse(words)?.change(tunnel),
        ("bridge", Kind::Bridge(_)) => {
            let wish = bridge_kind::Wish::parse(words)?;
            Ok(sys.fabric().set_bridge(namespace, index, |bridge, now| wish.apply(bridge, now))?)
        }
        ("bridge", _) => {
            bridge_kind::Wish::parse(words)?;
            Err(Refusal::NotSupported.into())
        }
        // Where nothing of the type is said, nothing is asked of the kernel.
        _ if words.0.is_empty() => Ok(()),
        _ => Err(Refusal::NotSupported.into()),
    }
}

/// How a macvlan shares its parent; that it has it alone is for good.
fn change_mode(mode: &mut MacvlanMode, mut words: Words) -> Result<(), Error> {
    while let Some(word) = words.take_next() {
        if word != "mode" {
            return Err(Error::UnknownParticular { kind: "macvlan", word });
        }
        let new = make::macvlan_mode(words.value()?)?;
        if (new == MacvlanMode::Passthru) != (*mode == MacvlanMode::Passthru) {
            return Err(Refusal::Invalid.into());
        }
        *mode = new;
    }
    Ok(())
}

/// Checks everything that can fail.
fn plan(sys: &mut Sys<'_>, namespace: NamespaceId, index: IfIndex, change: Change) -> Result<Plan, Error> {
    let master = match change.master {
        Some(Some(name)) => Some(Some(bridge(sys, namespace, index, name)?)),
        Some(None) => Some(None),
        None => None,
    };
    let device = device_at(sys, namespace, index);
    let is_up = device.up;
    let name = change.name.clone().unwrap_or_else(|| device.name.clone());
    check_new_name(sys, namespace, index, &name)?;
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
        mac: change.mac.map(station).transpose()?,
        queue_len: change.queue_len,
        promiscuous: change.promiscuous,
        manners: change.manners,
        master,
        group: change.group,
        alias: change.alias,
        generation: change.generation,
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
    if is_bridge && station(port.mac).is_err() {
        return Err(Refusal::Invalid.into());
    }
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
        // What it has made of itself stays until it comes up again.
        plan.generation.into_iter().for_each(|mode| device.inet6.set(Conf6::AddrGenMode, mode));
        plan.manners.iter().for_each(|(manner, on)| device.manners.set(*manner, *on));
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
    Ok(())
}

/// `ip link del`: it reads what `set` reads, of which only the device counts.
fn delete(sys: &mut Sys<'_>, namespace: NamespaceId, words: Words) -> Result<(), Error> {
    let change = Change::parse(words, keyword::of_set(sys.flavour()))?;
    let Some(name) = change.device else {
        let group = change.group.ok_or(Error::MissingDevice)?;
        return delete_group(sys, namespace, group);
    };
    let index = device(sys, namespace, &name)?;
    permit(sys)?;
    if device_at(sys, namespace, index).is_loopback() {
        return Err(Refusal::NotSupported.into());
    }
    sys.fabric().delete_device(namespace, index);
    Ok(())
}

/// Deletes the devices of a group; the first group, in which everything begins, is not for that.
fn delete_group(sys: &mut Sys<'_>, namespace: NamespaceId, group: u32) -> Result<(), Error> {
    permit(sys)?;
    if group == 0 {
        return Err(Refusal::NotPermitted.into());
    }
    let devices = sys.fabric().namespace(namespace).devices.values();
    let meant: Vec<_> = devices.filter(|device| device.group == group).map(|device| device.index).collect();
    if meant.is_empty() {
        return Err(Refusal::NoDevice.into());
    }
    meant.into_iter().for_each(|index| sys.fabric().delete_device(namespace, index));
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
        let change = Change::parse(words("dev v1 master br0 up mtu 1400"), &keyword::LINK).unwrap();
        let expected = Change {
            device: Some("v1".into()),
            up: Some(true),
            mtu: Some("1400".into()),
            master: Some(Some("br0".into())),
            ..Change::default()
        };
        assert_eq!(change, expected);
        let refused = |line| Change::parse(words(line), &keyword::LINK).unwrap_err();
        assert_eq!(refused("v1 frob"), Error::Garbage { place: "dev", word: "frob".into() });
        assert_eq!([refused("v1 address zz"), refused("a up")], ["zz", "up"].map(|word| Error::BadMac(word.into())));
        assert_eq!(refused("v1 carrier x"), Error::Carrier("x".into()));
        assert_eq!(mtu("50".into()), Err(Refusal::MtuTooSmall.into()));
        assert_eq!(mtu("99999".into()), Err(Refusal::MtuTooLarge.into()));
    }
}
