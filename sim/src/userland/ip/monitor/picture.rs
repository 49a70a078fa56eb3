//! What a network looks like at a moment, and in which order the kernel tells what is different a moment later. It prints
//! nothing and waits for nothing.

use core::net::IpAddr;
use std::collections::{BTreeMap, BTreeSet};

use super::super::device::{Listing, Scene};
use super::super::route::listing::{self, Listed};
use super::super::{Family, Options, addr, neigh, nexthop, rule_in_words};
use crate::device::{Address, IfIndex};
use crate::fabric::NamespaceId;
use crate::namespace::Namespace;
use crate::neighbour::State;
use crate::route::{Nexthop, NexthopId};
use crate::time::Instant;
use crate::userland::Flavour;

/// What something is about.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Subject {
    /// `link`
    Link,
    /// `address`
    Address,
    /// `route`
    Route,
    /// `neigh`
    Neighbour,
    /// `rule`
    Rule,
    /// `nsid`
    Nsid,
    /// `nexthop`
    Nexthop,
}

impl Subject {
    /// The mark that `label` puts before it.
    pub(super) const fn label(self) -> &'static str {
        match self {
            Self::Link => "[LINK]",
            Self::Address => "[ADDR]",
            Self::Route => "[ROUTE]",
            Self::Neighbour => "[NEIGH]",
            Self::Rule => "[RULE]",
            Self::Nsid => "[NSID]",
            Self::Nexthop => "[NEXTHOP]",
        }
    }
}

/// One thing that was told.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Tiding {
    pub(super) subject: Subject,
    pub(super) family: Family,
    pub(super) device: Option<IfIndex>,
    /// Whether it is not there any more.
    pub(super) gone: bool,
    pub(super) text: String,
}

/// An address with what is said of it.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Told {
    device: IfIndex,
    address: Address,
    text: String,
}

/// A neighbour with what is said of it.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Known {
    state: State,
    name: String,
    text: String,
}

/// A network at a moment.
#[derive(Clone, Debug, Default)]
pub(super) struct Picture {
    /// Devices, each with what the kernel sees of it and with what is said, which also is about its peer.
    links: BTreeMap<IfIndex, (String, String)>,
    up: BTreeSet<IfIndex>,
    addresses: Vec<Told>,
    routes: Vec<(Listed, String)>,
    neighbours: BTreeMap<(IfIndex, IpAddr), Known>,
    rules: Vec<(bool, String)>,
    nsids: BTreeMap<u32, String>,
    nexthops: BTreeMap<NexthopId, (Nexthop, String)>,
    running: BTreeSet<IfIndex>,
}

impl Picture {
    /// Looks at a network. `only`: the device that is asked for by name, which is then not told again of routes.
    pub(super) fn of(
        here: &Namespace,
        names: &[(String, NamespaceId)],
        only: Option<IfIndex>,
        now: Instant,
        options: &Options,
    ) -> Self {
        let peers = BTreeMap::new();
        let scene = Scene { devices: &here.devices, peers: &peers, flavour: Flavour::Host, now };
        let plain = Options { oneline: options.oneline, ..Options::default() };
        let mut picture = Self::default();
        for device in here.devices.values() {
            let text = link(&scene, device, &plain);
            picture.links.insert(device.index, (without_peer(&text), text));
            picture.up.extend(device.up.then_some(device.index));
            picture.running.extend(device.is_running().then_some(device.index));
            let told = addr::told_of(&scene, &plain, device).into_iter();
            let told = told.map(|(address, text)| Told { device: device.index, address, text });
            picture.addresses.extend(told);
        }
        picture.routes = listing::all(here, only, &plain);
        for (id, nexthop) in here.nexthops.iter() {
            let text = nexthop::listing::text(id, nexthop, &here.devices, false) + "\n";
            picture.nexthops.insert(id, (nexthop.clone(), text));
        }
        for (index, addr, entry) in here.neighbours.iter() {
            let name = here.devices.get(&index).map(|device| device.name.clone()).unwrap_or_default();
            let text = neigh::line(addr, Some(&name), entry, (Flavour::Host, None));
            picture.neighbours.insert((index, addr), Known { state: entry.state, name, text });
        }
        for v6 in [false, true] {
            picture.rules.extend(here.policy.rules(v6).map(|rule| (v6, rule_in_words(rule, here))));
        }
        picture.nsids = here.netnsids().map(|(other, number)| (number, nsid(number, other, names))).collect();
        picture
    }

    /// What is different in `new`, in the order in which the kernel tells it.
    pub(super) fn changes(&self, new: &Self) -> Vec<Tiding> {
        let mut all = Vec::new();
        self.links_now(new, &mut all);
        self.nexthops_now(new, &mut all);
        self.lost_neighbours(new, &mut all);
        self.lost_routes(new, Family::V6, &mut all);
        self.lost_addresses(new, &mut all);
        self.lost_routes(new, Family::V4, &mut all);
        self.new_addresses(new, &mut all);
        self.new_routes(new, &mut all);
        self.new_neighbours(new, &mut all);
        self.lost_links(new, &mut all);
        let rule = |gone, (v6, text): &(bool, String)| Tiding {
            family: family(*v6),
            ..Tiding::about(Subject::Rule, None, gone, text.clone())
        };
        all.extend(self.rules.iter().filter(|one| !new.rules.contains(one)).map(|one| rule(true, one)));
        all.extend(new.rules.iter().filter(|one| !self.rules.contains(one)).map(|one| rule(false, one)));
        let known = new.nsids.iter().filter(|(number, _)| !self.nsids.contains_key(number));
        all.extend(known.map(|(_, text)| Tiding::about(Subject::Nsid, None, false, text.clone())));
        all
    }

    /// Next hops that are gone, and those that are new or different. Of what goes with its device nobody is told.
    fn nexthops_now(&self, new: &Self, all: &mut Vec<Tiding>) {
        let is_known = |known: &Self, id, nexthop: &Nexthop| known.nexthops.get(id).is_some_and(|(n, _)| n == nexthop);
        let is_silent = !self.running.is_subset(&new.running);
        let tell = |nexthop: &Nexthop, gone, text: &String| Tiding {
            family: if nexthop.is_group() { Family::Any } else { family(nexthop.v6) },
            ..Tiding::about(Subject::Nexthop, nexthop.way().map(|hop| hop.device), gone, text.clone())
        };
        let gone = self.nexthops.iter().filter(|(id, _)| !is_silent && !new.nexthops.contains_key(id));
        all.extend(gone.map(|(_, (nexthop, text))| tell(nexthop, true, text)));
        let is_less = |id: &NexthopId, n: &Nexthop| {
            self.nexthops.get(id).is_some_and(|(old, _)| n.members().len() < old.members().len())
        };
        let come = new.nexthops.iter().filter(|(id, (nexthop, _))| !is_known(self, id, nexthop));
        let come = come.filter(|(id, (nexthop, _))| !(is_silent && is_less(id, nexthop)));
        all.extend(come.map(|(_, (nexthop, text))| tell(nexthop, false, text)));
    }

    /// Whether a route is different, or gone, because its next hop lost members or is gone: nobody is told of that.
    fn follows_loss(&self, new: &Self, listed: &Listed) -> bool {
        let Some(named) = listed.route.named else { return false };
        let members = |picture: &Self| picture.nexthops.get(&named.id).map(|(nexthop, _)| nexthop.members().len());
        members(new) < members(self)
    }

    fn links_now(&self, new: &Self, all: &mut Vec<Tiding>) {
        let is_news = |index: &IfIndex, own: &String| self.links.get(index).is_none_or(|(known, _)| known != own);
        let mut changed: Vec<_> = new.links.iter().filter(|(index, (own, _))| is_news(index, own)).collect();
        // What went up or down comes before what follows it.
        changed.sort_by_key(|(index, _)| self.up.contains(*index) == new.up.contains(*index));
        all.extend(
            changed
                .into_iter()
                .map(|(index, (_, text))| Tiding::about(Subject::Link, Some(*index), false, text.clone())),
        );
    }

    fn lost_links(&self, new: &Self, all: &mut Vec<Tiding>) {
        let gone = self.links.iter().filter(|(index, _)| !new.links.contains_key(index));
        all.extend(gone.map(|(index, (_, text))| Tiding::about(Subject::Link, Some(*index), true, text.clone())));
    }

    /// Whether a device went down, or away.
    fn went_down(&self, new: &Self, device: IfIndex) -> bool {
        self.up.contains(&device) && !new.up.contains(&device)
    }

    fn lost_neighbours(&self, new: &Self, all: &mut Vec<Tiding>) {
        for ((device, addr), known) in self.neighbours.iter().filter(|(key, _)| !new.neighbours.contains_key(key)) {
            let tell = |gone, text: String| Tiding {
                family: family(addr.is_ipv6()),
                ..Tiding::about(Subject::Neighbour, Some(*device), gone, text)
            };
            if self.went_down(new, *device) {
                all.push(tell(true, known.text.clone()));
                continue;
            }
            // Before it goes it is given up.
            let text = format!("{addr} dev {} FAILED \n", known.name);
            all.extend([tell(false, text.clone()), tell(true, text)]);
        }
    }

    fn new_neighbours(&self, new: &Self, all: &mut Vec<Tiding>) {
        let is_news = |key: &(IfIndex, IpAddr), known: &Known| {
            known.state != State::Incomplete && self.neighbours.get(key).is_none_or(|old| old.text != known.text)
        };
        for ((device, addr), known) in new.neighbours.iter().filter(|(key, known)| is_news(key, known)) {
            let tiding = Tiding::about(Subject::Neighbour, Some(*device), false, known.text.clone());
            all.push(Tiding { family: family(addr.is_ipv6()), ..tiding });
        }
    }

    fn lost_addresses(&self, new: &Self, all: &mut Vec<Tiding>) {
        let still =
            |old: &Told| new.addresses.iter().any(|a| a.device == old.device && a.address.is_same(&old.address));
        all.extend(self.addresses.iter().filter(|old| !still(old)).map(|old| old.tiding(true)));
    }

    fn new_addresses(&self, new: &Self, all: &mut Vec<Tiding>) {
        let known = |one: &Told| self.addresses.iter().any(|a| a.device == one.device && a.address == one.address);
        all.extend(new.addresses.iter().filter(|one| !known(one)).map(|one| one.tiding(false)));
    }

    /// Routes that are gone. Of those of IPv4 that go with their device nobody is told, nor of one that another replaces.
    fn lost_routes(&self, new: &Self, family: Family, all: &mut Vec<Tiding>) {
        let counted = |routes: &[(Listed, String)], text: &str| routes.iter().filter(|(_, t)| t == text).count();
        let is_replaced = |listed: &Listed| {
            let stands = |(other, text): &(Listed, String)| {
                other.table == listed.table
                    && other.route.stands_for(&listed.route)
                    && counted(&self.routes, text) < counted(&new.routes, text)
            };
            new.routes.iter().any(stands)
        };
        let is_silent = |listed: &Listed| {
            listed.route.dst.is_ipv4() && listed.route.device.is_some_and(|device| self.went_down(new, device))
        };
        let mut gone: Vec<&(Listed, String)> = self
            .routes
            .iter()
            .filter(|(listed, _)| family.includes(listed.route.dst))
            .filter(|(_, text)| counted(&new.routes, text) < counted(&self.routes, text))
            .filter(|(listed, _)| !is_replaced(listed) && !is_silent(listed) && !self.follows_loss(new, listed))
            .collect();
        gone.sort_by_key(|(listed, _)| (listed.route.src, going(listed.kind)));
        all.extend(gone.into_iter().map(|(listed, text)| of_route(listed, text, true)));
    }

    fn new_routes(&self, new: &Self, all: &mut Vec<Tiding>) {
        let counted = |routes: &[(Listed, String)], text: &str| routes.iter().filter(|(_, t)| t == text).count();
        let is_news = |(_, text): &&(Listed, String)| counted(&self.routes, text) < counted(&new.routes, text);
        let come = new.routes.iter().filter(is_news).filter(|(listed, _)| !self.follows_loss(new, listed));
        let mut come: Vec<&(Listed, String)> = come.collect();
        come.sort_by_key(|(listed, _)| (listed.route.dst.is_ipv6(), listed.route.src, coming(listed.kind)));
        all.extend(come.into_iter().map(|(listed, text)| of_route(listed, text, false)));
    }
}

impl Told {
    fn tiding(&self, gone: bool) -> Tiding {
        let tiding = Tiding::about(Subject::Address, Some(self.device), gone, self.text.clone());
        Tiding { family: family(self.address.net.is_ipv6()), ..tiding }
    }
}

impl Tiding {
    const fn about(subject: Subject, device: Option<IfIndex>, gone: bool, text: String) -> Self {
        Self { subject, family: Family::Any, device, gone, text }
    }
}

fn of_route(listed: &Listed, text: &str, gone: bool) -> Tiding {
    let tiding = Tiding::about(Subject::Route, listed.route.device, gone, text.to_owned());
    Tiding { family: family(listed.route.dst.is_ipv6()), ..tiding }
}

const fn family(v6: bool) -> Family {
    if v6 { Family::V6 } else { Family::V4 }
}

/// In which order the routes of an address come: first that it is here, then its prefix.
fn coming(kind: &str) -> u8 {
    match kind {
        "local" => 0,
        "broadcast" => 2,
        _ => 1,
    }
}

/// In which order they go.
fn going(kind: &str) -> u8 {
    match kind {
        "local" => 2,
        "broadcast" => 1,
        _ => 0,
    }
}

/// A device, as the kernel tells of it unasked: without its queue's length.
fn link(scene: &Scene<'_>, device: &crate::device::Device, options: &Options) -> String {
    let header = scene.header(device, Listing::Addresses, options);
    let header = header.rsplit_once("qlen ").map_or(header.as_str(), |(head, _)| head);
    let end = if options.oneline { '\\' } else { '\n' };
    format!("{header}{end}{}\n", scene.hardware(device, Listing::Addresses, options))
}

/// What is said of a device without what is its peer's: its name, and whether it is up.
fn without_peer(text: &str) -> String {
    let text = text.replace(",M-DOWN", "");
    let Some((before, rest)) = text.split_once('@') else { return text };
    let behind = rest.split_once(':').map_or("", |(_, behind)| behind);
    format!("{before}:{behind}")
}

fn nsid(number: u32, other: NamespaceId, names: &[(String, NamespaceId)]) -> String {
    match names.iter().find(|(_, id)| *id == other) {
        Some((name, _)) => format!("nsid {number} (iproute2 netns name: {name})\n"),
        None => format!("nsid {number} \n"),
    }
}
