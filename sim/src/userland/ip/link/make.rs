//! `ip link add`: reads what shall be made, looks for what cannot be, makes the device and dresses it. What is changed
//! later is the parent's.

use super::super::bridge as bridge_kind;
use super::super::keyword::{self, Keyword};
use super::super::selection::group;
use super::super::{Error, Refusal, Words, device, device_at, mac, permit, vxlan};
use super::{
    NOT_A_DEVICE, NOT_A_NAME, check_free, checked, count, destination, manner, only_everybody, queue_len, station,
    switch,
};
use crate::addr::Mac;
use crate::device::{IfIndex, Manner, Mtu};
use crate::fabric::NamespaceId;
use crate::link::Condition;
use crate::stack::{IpvlanMode, MacvlanMode, Over};
use crate::userland::Sys;

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
    /// The number that it shall have.
    index: Option<IfIndex>,
    manners: Vec<(Manner, bool)>,
    /// The bridge that it shall be a port of.
    master: Option<String>,
    /// Whether it shall be up at once.
    up: bool,
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
    group: Option<u32>,
    queue_len: Option<u32>,
    index: Option<IfIndex>,
    netns: Option<String>,
    up: bool,
}

impl Model {
    fn parse(mut words: Words, keywords: &[Keyword]) -> Result<Self, Error> {
        let mut model = Self::default();
        while let Some(word) = words.next_of(keywords) {
            match word.as_str() {
                "name" => model.name = Some(checked(words.value()?, NOT_A_NAME)?),
                "dev" => model.name = Some(checked(words.value()?, NOT_A_DEVICE)?),
                "netns" => model.netns = Some(words.value()?),
                "txqueuelen" | "qlen" => model.queue_len = Some(queue_len(words.value()?)?),
                // A device here has one queue, however many are asked for.
                "numtxqueues" => count(words.value()?, "Invalid \"numtxqueues\" value")?,
                "numrxqueues" => count(words.value()?, "Invalid \"numrxqueues\" value")?,
                "mtu" => model.mtu = Some(words.value()?),
                "address" => model.mac = Some(address(&words.value()?)?),
                "broadcast" | "brd" => only_everybody(&words.value()?)?,
                "group" => model.group = Some(group(words.value()?)?),
                "index" => number(&mut model.index, words.value()?)?,
                "link" => model.parent = Some(words.value()?),
                "type" => {
                    model.kind = Some(words.value()?);
                    break;
                }
                "master" => model.master = Some(words.value()?),
                "up" => model.up = true,
                "down" => model.up = false,
                "help" => return Err(Error::Help),
                other => match manner(other) {
                    Some((name, manner)) => model.manners.push((manner, switch(name, words.value()?)?)),
                    None if model.name.is_some() => return Err(Error::Garbage { place: "dev", word }),
                    None => model.name = Some(checked(word, NOT_A_DEVICE)?),
                },
            }
        }
        if words.take("peer") {
            model.peer = Peer::parse(&mut words, keywords)?;
        }
        model.particulars = words;
        Ok(model)
    }

    /// Takes out what is for later, and looks for the bridge that it shall be a port of.
    fn place(&mut self, sys: &mut Sys<'_>, namespace: NamespaceId) -> Result<Place, Error> {
        let find = |name: String| {
            let master = sys.fabric().namespace(namespace).device_named(&name);
            master.map(|master| master.index).ok_or(Error::Wrong { word: name, why: "Device does not exist" })
        };
        let master = self.master.take().map(find).transpose()?;
        Ok(Place { master, manners: core::mem::take(&mut self.manners), up: self.up })
    }
}

impl Peer {
    fn parse(words: &mut Words, keywords: &[Keyword]) -> Result<Self, Error> {
        let mut peer = Self::default();
        while let Some(word) = words.next_of(keywords) {
            match word.as_str() {
                "name" => peer.name = Some(checked(words.value()?, NOT_A_NAME)?),
                "mtu" => peer.mtu = Some(words.value()?),
                "address" => peer.mac = Some(address(&words.value()?)?),
                "txqueuelen" | "qlen" => peer.queue_len = Some(queue_len(words.value()?)?),
                "group" => peer.group = Some(group(words.value()?)?),
                "index" => number(&mut peer.index, words.value()?)?,
                "netns" => peer.netns = Some(words.value()?),
                "up" => peer.up = true,
                _ if peer.name.is_some() => return Err(Error::Garbage { place: "dev", word }),
                _ => peer.name = Some(checked(word, NOT_A_DEVICE)?),
            }
        }
        Ok(peer)
    }
}

/// The number of a device, which is said once.
pub(super) fn number(index: &mut Option<IfIndex>, word: String) -> Result<(), Error> {
    if index.is_some() {
        return Err(Error::Twice { what: "index", word });
    }
    let number = word.parse::<i32>().ok().filter(|number| *number > 0).and_then(|number| u32::try_from(number).ok());
    *index = Some(IfIndex(number.ok_or(Error::Invalid { word, why: "Invalid \"index\" value" })?));
    Ok(())
}

/// The address of a new device; one of another length is for the kernel to refuse.
fn address(word: &str) -> Result<Mac, Error> {
    mac(word).map_err(|error| if matches!(error, Error::MacLength(_)) { Refusal::Invalid.into() } else { error })
}

/// The MTU of a new device.
fn mtu(word: String) -> Result<Mtu, Error> {
    let Ok(bytes) = word.parse() else { return Err(Error::Wrong { word, why: "Invalid \"mtu\" value" }) };
    Mtu::new(bytes).ok_or_else(|| Refusal::Invalid.into())
}

/// Makes a device here, and sends it where it shall be.
pub(super) fn add(sys: &mut Sys<'_>, namespace: NamespaceId, words: Words) -> Result<(), Error> {
    let mut model = Model::parse(words, keyword::of_add(sys.flavour()))?;
    let place = model.place(sys, namespace)?;
    let kind = model.kind.clone().ok_or(Error::MissingType)?;
    permit(sys)?;
    model.mac = model.mac.map(station).transpose()?;
    let to = model.netns.take().map(|word| destination(sys, word)).transpose()?;
    if model.index.is_some_and(|index| sys.fabric().namespace(namespace).devices.contains_key(&index)) {
        return Err(Refusal::Exists.into());
    }
    let Some(to) = to.filter(|to| *to != namespace) else {
        let index = choosing(sys, namespace, &kind, model)?;
        return place.settle(sys, namespace, index);
    };
    let chosen = model.index.take();
    if chosen.is_some_and(|index| sys.fabric().namespace(to).devices.contains_key(&index)) {
        return Err(Refusal::IndexBusy.into());
    }
    if kind == "veth" {
        // Both ends are made where they shall be.
        model.index = chosen;
        let index = add_veth(sys, (to, namespace), model)?;
        return place.settle(sys, to, index);
    }
    let name = new_name(sys, to, model.name.take(), &kind)?;
    model.name = Some(free_name(sys, namespace, &kind, ""));
    let index = make(sys, namespace, &kind, model)?;
    let index = move_as(sys, (namespace, index), to, &name, chosen)?;
    place.settle(sys, to, index)
}

/// Moves a device, which has the chosen number there if one was chosen.
pub(super) fn move_as(
    sys: &mut Sys<'_>,
    (from, index): (NamespaceId, IfIndex),
    to: NamespaceId,
    name: &str,
    chosen: Option<IfIndex>,
) -> Result<IfIndex, Error> {
    sys.fabric().namespace_mut(to).choose_indices([chosen]);
    let moved = sys.fabric().move_device(from, index, to, name);
    sys.fabric().namespace_mut(to).choose_indices([]);
    Ok(moved?)
}

/// Makes a device that has the chosen number if one was chosen.
fn choosing(sys: &mut Sys<'_>, namespace: NamespaceId, kind: &str, model: Model) -> Result<IfIndex, Error> {
    if kind != "veth" {
        sys.fabric().namespace_mut(namespace).choose_indices([model.index]);
    }
    let made = make(sys, namespace, kind, model);
    sys.fabric().namespace_mut(namespace).choose_indices([]);
    made
}

/// What is done with a new device once it is there.
struct Place {
    master: Option<IfIndex>,
    manners: Vec<(Manner, bool)>,
    up: bool,
}

impl Place {
    fn settle(self, sys: &mut Sys<'_>, namespace: NamespaceId, index: IfIndex) -> Result<(), Error> {
        let fabric = sys.fabric();
        if let Some(device) = fabric.namespace_mut(namespace).devices.get_mut(&index) {
            self.manners.iter().for_each(|(manner, on)| device.manners.set(*manner, *on));
        }
        if self.up {
            fabric.set_up(namespace, index, true);
        }
        if self.master.is_some() {
            fabric.set_master(namespace, index, self.master)?;
        }
        Ok(())
    }
}

/// Makes the device and gives its number.
fn make(sys: &mut Sys<'_>, namespace: NamespaceId, kind: &str, model: Model) -> Result<IfIndex, Error> {
    match kind {
        "bridge" => add_bridge(sys, namespace, model),
        "veth" => add_veth(sys, (namespace, namespace), model),
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

fn add_dummy(sys: &mut Sys<'_>, namespace: NamespaceId, model: Model) -> Result<IfIndex, Error> {
    let name = new_name(sys, namespace, model.name, "dummy")?;
    let mtu = model.mtu.map(mtu).transpose()?;
    let index = sys.fabric().create_dummy(namespace, &name)?;
    dress(sys, namespace, index, Looks { mtu, mac: model.mac, group: model.group, queue_len: model.queue_len });
    Ok(index)
}

fn add_stacked(sys: &mut Sys<'_>, namespace: NamespaceId, model: Model, over: Over) -> Result<IfIndex, Error> {
    let parent = model.parent.ok_or(Refusal::MissingLink)?;
    let parent = device(sys, namespace, &parent)?;
    let stem = match over {
        Over::Macvlan(_) => "macvlan",
        Over::Ipvlan(_) => "ipvlan",
        Over::Vlan(_) => "vlan",
    };
    let name = new_name(sys, namespace, model.name, stem)?;
    let mtu = model.mtu.map(mtu).transpose()?;
    let parent = beneath(sys, namespace, parent, over);
    let most = device_at(sys, namespace, parent).mtu;
    if mtu.is_some_and(|mtu| mtu > most) {
        return Err(Refusal::Invalid.into());
    }
    let index = sys.fabric().create_stacked(namespace, parent, &name, over)?;
    dress(sys, namespace, index, Looks { mtu, mac: model.mac, group: model.group, queue_len: model.queue_len });
    Ok(index)
}

/// The device that one stands on: a macvlan of a macvlan is one of the device beneath both.
fn beneath(sys: &mut Sys<'_>, namespace: NamespaceId, parent: IfIndex, over: Over) -> IfIndex {
    let device = device_at(sys, namespace, parent);
    let is_shared = matches!((over, device.over()), (Over::Macvlan(_), Some(Over::Macvlan(_))));
    let lower = device.peer_index.filter(|_| is_shared && device.peer_netnsid.is_none());
    lower.unwrap_or(parent)
}

fn add_vxlan(sys: &mut Sys<'_>, namespace: NamespaceId, model: Model) -> Result<IfIndex, Error> {
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
    Ok(index)
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

pub(super) fn macvlan_mode(word: String) -> Result<MacvlanMode, Error> {
    match word.as_str() {
        "private" => Ok(MacvlanMode::Private),
        "vepa" => Ok(MacvlanMode::Vepa),
        "bridge" => Ok(MacvlanMode::Bridge),
        "passthru" => Ok(MacvlanMode::Passthru),
        // Stations that are told apart by where they come from are not here.
        "source" => Err(Refusal::NotSupported.into()),
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

fn add_bridge(sys: &mut Sys<'_>, namespace: NamespaceId, model: Model) -> Result<IfIndex, Error> {
    let wish = bridge_kind::Wish::parse(model.particulars)?;
    let name = new_name(sys, namespace, model.name, "bridge")?;
    let mtu = model.mtu.map(mtu).transpose()?;
    let index = sys.fabric().create_bridge(namespace, &name, model.mac)?;
    dress(sys, namespace, index, Looks { mtu, mac: None, group: model.group, queue_len: model.queue_len });
    let applied = sys.fabric().set_bridge(namespace, index, |bridge, now| wish.apply(bridge, now));
    if applied.is_err() {
        // What cannot be as it was asked for is not left half made.
        sys.fabric().delete_device(namespace, index);
    }
    applied?;
    Ok(index)
}

/// Makes a pair: the first end in one namespace, the other where it says or else in the second.
fn add_veth(
    sys: &mut Sys<'_>,
    (namespace, beside): (NamespaceId, NamespaceId),
    model: Model,
) -> Result<IfIndex, Error> {
    if !model.particulars.0.is_empty() {
        return Err(Error::TypeHelp("veth"));
    }
    if model.peer.up {
        // It would be up before it has a peer.
        return Err(Refusal::NotConnected.into());
    }
    let name = new_name(sys, namespace, model.name, "veth")?;
    let to = model.peer.netns.map(|word| destination(sys, word)).transpose()?.unwrap_or(beside);
    let peer = match model.peer.name {
        Some(peer) if peer == name && to == namespace => return Err(Refusal::Exists.into()),
        Some(peer) => new_name(sys, to, Some(peer), "veth")?,
        None => free_name(sys, to, "veth", &name),
    };
    let peer_mtu = model.peer.mtu.map(mtu).transpose()?;
    let peer_mac = model.peer.mac.map(station).transpose()?;
    let mtu = model.mtu.map(mtu).transpose()?;
    let ends = ((namespace, name.as_str()), (to, peer.as_str()));
    let other = model.peer.index.filter(|_| model.index.is_some());
    choose_pair(sys, (namespace, model.index), (to, other))?;
    let made = sys.fabric().create_veth_between(ends.0, ends.1, Condition::default());
    [namespace, to].into_iter().for_each(|place| sys.fabric().namespace_mut(place).choose_indices([]));
    let (index, other) = made?;
    dress(sys, namespace, index, Looks { mtu, mac: model.mac, group: model.group, queue_len: model.queue_len });
    let looks = Looks { mtu: peer_mtu, mac: peer_mac, group: model.peer.group, queue_len: model.peer.queue_len };
    dress(sys, to, other, looks);
    Ok(index)
}

/// Chooses the numbers of a pair, of which the other end is made first. That of the other end counts only where this end has
/// one (`veth_newlink`).
fn choose_pair(
    sys: &mut Sys<'_>,
    (here, index): (NamespaceId, Option<IfIndex>),
    (there, other): (NamespaceId, Option<IfIndex>),
) -> Result<(), Error> {
    let is_taken = |sys: &mut Sys<'_>, place, index: Option<IfIndex>| {
        index.is_some_and(|index| sys.fabric().namespace(place).devices.contains_key(&index))
    };
    let is_twice = here == there && index.is_some() && index == other;
    if is_twice || is_taken(sys, here, index) || is_taken(sys, there, other) {
        return Err(Refusal::IndexBusy.into());
    }
    if here == there {
        sys.fabric().namespace_mut(here).choose_indices([other, index]);
    } else {
        sys.fabric().namespace_mut(here).choose_indices([index]);
        sys.fabric().namespace_mut(there).choose_indices([other]);
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
pub(in super::super) fn free_name(sys: &mut Sys<'_>, namespace: NamespaceId, stem: &str, taken: &str) -> String {
    let devices = sys.fabric().namespace(namespace);
    let mut names = (0..).map(|n: u32| format!("{stem}{n}"));
    names.find(|name| name != taken && devices.device_named(name).is_none()).expect("there are fewer devices than u32")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Words {
        Words(line.split_whitespace().map(str::to_owned).collect())
    }

    #[test]
    fn a_pair_and_the_words_for_its_other_end() {
        let model = Model::parse(words("add0 mtu 1500 type veth peer name add1 netns test1"), &keyword::LINK).unwrap();
        assert_eq!((model.name.as_deref(), model.kind.as_deref()), (Some("add0"), Some("veth")));
        let peer = Peer { name: Some("add1".into()), netns: Some("test1".into()), ..Peer::default() };
        assert_eq!(model.peer, peer);
        assert_eq!(Model::parse(words("name x type"), &keyword::LINK), Err(Error::Incomplete));
    }

    #[test]
    fn a_word_that_can_be_no_name_is_refused_where_it_stands() {
        let refused = |line| Model::parse(words(line), &keyword::LINK).unwrap_err();
        assert_eq!(refused("a/b type dummy"), Error::Invalid { word: "a/b".into(), why: NOT_A_DEVICE });
        let long = "a-name-that-is-too-long";
        assert_eq!(refused("name a-name-that-is-too-long"), Error::Invalid { word: long.into(), why: NOT_A_NAME });
        assert_eq!(refused("v0 numtxqueues"), Error::Incomplete);
        assert!(
            Model::parse(words("v-name-that-is-too-long type dummy"), &keyword::LINK).is_ok(),
            "the kernel refuses it"
        );
        assert_eq!([refused("a type veth"), refused("b type veth")], [0; 2].map(|_| Error::BadMac("type".into())));
        assert_eq!(refused("d type dummy"), Error::NotASwitch { name: "dynamic", word: "type".into() });
        assert_eq!(refused("t type dummy"), Error::Wrong { word: "type".into(), why: "Invalid \"txqueuelen\" value" });
    }
}
