//! Networks that engines share by a store: what the store says of them, and changes to it, planned on a view of it. There is
//! no manager: of two plans that contradict each other the store takes one, and the other is made anew.
//!
//! How it works: whoever makes or removes a network changes the key `turn`, and says which turn it was planned on; so no
//! two get the same subnet, number or name. A container takes its address and its name by keys that must not be there yet.
//! They hang on the lease of its node, and go when the node is not heard any more. Each changes the key `users` of its
//! network too, by which whoever removes the network sees that somebody has come meanwhile.
//!
//! | key | says |
//! |---|---|
//! | `mark` | that the store is still the same |
//! | `turn` | where the search for subnets and numbers goes on |
//! | `network/ID` | a network ([`Network`]) |
//! | `users/ID` | who came last |
//! | `endpoint/ID/ADDRESS` | who has this address there ([`Occupant`]) |
//! | `name/ID/NAME` | who is called so there |

use core::net::{IpAddr, SocketAddr};
use std::collections::BTreeMap;

use netyard_sim::addr::{Family, Mac};
use serde::{Deserialize, Serialize};

use super::object::{Network, Occupant, Subnet};
use super::store::{Commit, LeaseId, Put};
use super::view::{Known, View};
use crate::error::{AllocationFailure, Error};
use crate::id::Id;
use crate::ipam::{AddressPools, AddressSpace, PoolId, Realm};
use crate::network::{NetworkConfig, is_predefined};
use crate::overlay::{OverlayOptions, VNIS};

const MARK: &str = "mark";
const TURN: &str = "turn";
const NETWORKS: &str = "network/";
const ENDPOINTS: &str = "endpoint/";
/// The first number that networks get (libnetwork, `vxlanIDStart`).
const FIRST_VNI: u32 = 256;
/// The last.
const LAST_VNI: u32 = (1 << 24) - 1;
/// Where networks get their subnets, and how long these are (libnetwork, `GlobalDefault`).
const POOL: (&str, u8) = ("10.0.0.0/8", 24);

/// Where the search for what networks get goes on.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
struct Turn {
    subnet: u64,
    vni: u32,
}

/// A network, and the revision that changed it last.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Shared {
    /// Its id.
    pub id: Id,
    /// The network.
    pub network: Network,
    modified: u64,
}

/// Somebody who wants to be on a network.
#[derive(Clone, Debug)]
pub struct Guest<'a> {
    /// Who.
    pub occupant: &'a Occupant,
    /// The address that it wants.
    pub wanted: Option<IpAddr>,
    /// On what it hangs.
    pub lease: LeaseId,
}

fn endpoints(network: &str) -> String {
    format!("{ENDPOINTS}{network}/")
}

/// The key of an address on a network.
#[must_use]
pub fn endpoint_key(network: &str, addr: IpAddr) -> String {
    format!("{}{addr}", endpoints(network))
}

fn name_key(network: &str, name: &str) -> String {
    format!("name/{network}/{name}")
}

fn users_key(network: &str) -> String {
    format!("users/{network}")
}

/// What a value says; what cannot be understood says nothing.
fn read<T: for<'a> Deserialize<'a>>(known: &Known) -> Option<T> {
    serde_json::from_str(&known.value).ok()
}

fn put(key: String, value: &impl Serialize, lease: Option<LeaseId>) -> Put {
    Put { key, value: serde_json::to_string(value).expect("it is text and numbers"), lease }
}

/// All networks that can be understood, the oldest first.
#[must_use]
pub fn networks(view: &View) -> Vec<Shared> {
    let mut all: Vec<Shared> = view.range(NETWORKS).filter_map(|(id, known)| one(id, known)).collect();
    all.sort_by_key(|shared| (shared.network.created, shared.id));
    all
}

/// A network, if it is one: it has the id of its key, subnets of IPv4 and a number for each.
fn one(id: &str, known: &Known) -> Option<Shared> {
    let network: Network = read(known)?;
    let numbers = OverlayOptions::parse(&network.options)?.vnis.len();
    let is_subnet = |subnet: &Subnet| subnet.config().is_some_and(|config| config.pool.subnet.is_ipv4());
    let parsed = Id::parse(id).filter(|parsed| parsed.to_string() == id && network.id == id)?;
    let is_whole = network.allocated && !network.name.trim().is_empty() && !is_predefined(&network.name);
    let has_all = !network.subnets.is_empty() && numbers >= network.subnets.len();
    let has_room = has_all && network.subnets.iter().all(is_subnet);
    Some(Shared { id: parsed, network, modified: known.modified }).filter(|_| is_whole && has_room)
}

/// Whether a network is there, be it one that can be understood or not.
#[must_use]
pub fn has(view: &View, network: &str) -> bool {
    view.get(&format!("{NETWORKS}{network}")).is_some()
}

/// The networks of which nothing can be understood, by id.
#[must_use]
pub fn nonsense(view: &View) -> Vec<&str> {
    view.range(NETWORKS).filter(|(id, known)| one(id, known).is_none()).map(|(id, _)| id).collect()
}

/// The network that is meant: by its id, its name or the beginning of its id.
#[must_use]
pub fn find(view: &View, term: &str) -> Option<Shared> {
    let all = networks(view);
    let by_id = all.iter().find(|shared| shared.network.id == term);
    let by_name = || all.iter().find(|shared| shared.network.name == term);
    let by_prefix = || all.iter().find(|shared| shared.id.begins_with(term));
    by_id.or_else(by_name).or_else(by_prefix).cloned()
}

/// By what one knows that a store is still the same.
#[must_use]
pub fn mark(view: &View) -> Option<&str> {
    view.get(MARK).map(|known| known.value.as_str())
}

/// Gives a store a mark that has none.
#[must_use]
pub fn give_mark(mark: &str) -> Commit {
    let put = Put { key: MARK.to_owned(), value: mark.to_owned(), lease: None };
    Commit { seen: vec![(MARK.to_owned(), 0)], puts: vec![put], deletes: Vec::new() }
}

/// Tells a store of a network again that it knew.
///
/// # Errors
/// Somebody has its name, its subnet or its number by now: what [`create`] says of that.
pub fn tell_again(view: &View, shared: &Shared) -> Result<Commit, Error> {
    let Shared { id, network, .. } = shared;
    let others = others(view, &network.name)?;
    let mut space = space_of(&others);
    network.subnets.iter().try_for_each(|subnet| take(&mut space, subnet).map(drop))?;
    let turn = turn(view);
    numbers(network, &others, turn.vni)?;
    Ok(appear(view, *id, network, &turn))
}

/// Who is on a network, by address.
pub fn occupants<'a>(view: &'a View, network: &str) -> Vec<(IpAddr, Occupant, &'a Known)> {
    let prefix = endpoints(network);
    let all = view.range(&prefix).map(|(addr, known)| Some((addr.parse().ok()?, read(known)?, known)));
    all.flatten().collect()
}

/// Makes a network with this id. Its subnets and numbers are as many as it asks for, and nobody else's.
///
/// # Errors
/// `NetworkNameTaken`, `PoolOverlaps`, `GatewayUnavailable`, `BadParameter`, and what else IPAM refuses.
pub fn create(view: &View, id: Id, created: u64, config: &NetworkConfig) -> Result<Commit, Error> {
    let others = others(view, &config.name)?;
    let turn = turn(view);
    let mut space = space_of(&others);
    space.set_cursor(turn.subnet);
    let ipam_options = config.ipam_options.clone();
    let mut network =
        Network { created, ipam_options, ..Network::asked(id.to_string(), netyard_sim::time::Instant::ZERO, config) };
    if network.subnets.is_empty() {
        let pool = space.request_automatic(Family::V4, &[])?;
        let gateway = space.request_address(pool, None).ok();
        let (net, range, auxiliary) = (space.subnet(pool).to_string(), None, BTreeMap::new());
        network.subnets.push(Subnet { net, range, gateway, auxiliary, by_user: false });
    } else {
        network.subnets.iter().try_for_each(|subnet| take(&mut space, subnet).map(drop))?;
    }
    let (vnis, next) = numbers(&network, &others, turn.vni)?;
    network.options.insert(VNIS.to_owned(), vnis);
    network.allocated = true;
    Ok(appear(view, id, &network, &Turn { subnet: space.cursor(), vni: next }))
}

/// The networks that are there already, none of which may have the name of a new one.
fn others(view: &View, name: &str) -> Result<Vec<Shared>, Error> {
    let others = networks(view);
    match others.iter().any(|other| other.network.name == name) {
        true => Err(Error::NetworkNameTaken(name.to_owned())),
        false => Ok(others),
    }
}

/// Where the search for subnets and numbers goes on.
fn turn(view: &View) -> Turn {
    view.get(TURN).and_then(read::<Turn>).unwrap_or(Turn { subnet: 0, vni: FIRST_VNI })
}

/// The addresses that networks may have, without those that these have.
fn space_of(networks: &[Shared]) -> AddressSpace {
    let mut space = AddressSpace::new(AddressPools::one(POOL.0.parse().expect("it is a prefix"), POOL.1));
    for subnet in networks.iter().flat_map(|other| &other.network.subnets).filter_map(Subnet::config) {
        // Those that overlap others, which nobody planned, are not in the way twice.
        let _ = space.request_pool(Realm::Engine, subnet.pool);
    }
    space
}

/// A network that is not there yet comes into the store.
fn appear(view: &View, id: Id, network: &Network, turn: &Turn) -> Commit {
    let key = format!("{NETWORKS}{id}");
    Commit {
        seen: vec![(TURN.to_owned(), view.modified(TURN)), (key.clone(), 0)],
        puts: vec![put(TURN.to_owned(), turn, None), put(key, network, None)],
        deletes: Vec::new(),
    }
}

/// Takes a subnet as it was asked for, with its gateway and what else nobody gets.
fn take(space: &mut AddressSpace, subnet: &Subnet) -> Result<PoolId, Error> {
    let asked = subnet.config().filter(|asked| asked.pool.subnet.is_ipv4());
    let asked = asked.ok_or(Error::Unsupported("give overlay networks IPv6 subnets"))?;
    let pool = space.request_pool(Realm::Engine, asked.pool)?;
    let gateway = asked.gateway.map(|gateway| gateway.to_string()).unwrap_or_default();
    space.request_address(pool, asked.gateway).map_err(|reason| Error::GatewayUnavailable { gateway, reason })?;
    for (name, addr) in &asked.auxiliary {
        space.request_address(pool, Some(*addr)).map_err(|reason| Error::AuxiliaryUnavailable {
            name: name.clone(),
            address: addr.to_string(),
            reason,
        })?;
    }
    Ok(pool)
}

/// The numbers of a network's subnets: those that it asks for, or the next that are free; and where the search goes on.
fn numbers(network: &Network, others: &[Shared], from: u32) -> Result<(String, u32), Error> {
    let refuse = |why: String| Error::BadParameter(why);
    let options = OverlayOptions::parse(&network.options);
    let options = options.ok_or_else(|| refuse("invalid options of an overlay network".to_owned()))?;
    let others = others.iter().filter_map(|other| OverlayOptions::parse(&other.network.options));
    let taken: Vec<u32> = others.flat_map(|other| other.vnis).map(|vni| vni.number()).collect();
    let asked: Vec<u32> = options.vnis.iter().map(|vni| vni.number()).collect();
    if let Some(vni) = asked.iter().find(|vni| taken.contains(vni)) {
        return Err(refuse(format!("VXLAN number {vni} is another network's")));
    }
    let missing = network.subnets.len().saturating_sub(asked.len());
    let all = (from.clamp(FIRST_VNI, LAST_VNI)..=LAST_VNI).chain(FIRST_VNI..=LAST_VNI);
    let more: Vec<u32> = all.filter(|vni| !taken.contains(vni) && !asked.contains(vni)).take(missing).collect();
    let next = more.last().map_or(from, |last| last + 1);
    let text: Vec<String> = asked.iter().chain(&more).map(u32::to_string).collect();
    Ok((text.join(","), next))
}

/// Removes a network that nobody is on but those that are gone.
///
/// # Errors
/// `NetworkActive`.
pub fn remove(view: &View, shared: &Shared, is_gone: impl Fn(&Occupant) -> bool) -> Result<Commit, Error> {
    let Shared { id, network, modified } = shared;
    if occupants(view, &network.id).iter().any(|(_, occupant, _)| !is_gone(occupant)) {
        return Err(Error::NetworkActive { name: network.name.clone(), id: *id });
    }
    let (key, users) = (format!("{NETWORKS}{id}"), users_key(&network.id));
    let left = [endpoints(&network.id), name_key(&network.id, "")];
    let left = left.iter().flat_map(|prefix| view.range(prefix).map(move |(rest, _)| format!("{prefix}{rest}")));
    let turn = view.get(TURN).map(|turn| Put { key: TURN.to_owned(), value: turn.value.clone(), lease: None });
    Ok(Commit {
        seen: vec![
            (TURN.to_owned(), view.modified(TURN)),
            (key.clone(), *modified),
            (users.clone(), view.modified(&users)),
        ],
        puts: turn.into_iter().collect(),
        deletes: left.chain([key, users]).collect(),
    })
}

/// Gives somebody an address and a name on a network.
///
/// # Errors
/// `AddressNeedsUserSubnet`, `AddressInUse`, `AddressOutside`, `EndpointExists`, `PoolExhausted`.
pub fn enter(view: &View, shared: &Shared, guest: &Guest<'_>) -> Result<(Commit, IpAddr), Error> {
    let Shared { id, network, modified } = shared;
    if guest.wanted.is_some() && !network.subnets.iter().any(|subnet| subnet.by_user) {
        return Err(Error::AddressNeedsUserSubnet);
    }
    let name = name_key(&network.id, &guest.occupant.name);
    if view.get(&name).is_some() {
        let (container, network) = (guest.occupant.name.clone(), network.name.clone());
        return Err(Error::EndpointExists { container, network });
    }
    let addr = free_address(view, shared, guest.wanted)?;
    // Others answer for it before it says anything itself.
    let mac = guest.occupant.mac.clone().or_else(|| usual_mac(addr));
    let occupant = Occupant { mac, ..guest.occupant.clone() };
    let (key, users, lease) = (endpoint_key(&network.id, addr), users_key(&network.id), Some(guest.lease));
    let commit = Commit {
        seen: vec![(format!("{NETWORKS}{id}"), *modified), (key.clone(), 0), (name.clone(), 0)],
        puts: vec![put(key, &occupant, lease), put(name, &addr, lease), put(users, &guest.occupant.container, None)],
        deletes: Vec::new(),
    };
    Ok((commit, addr))
}

/// The Ethernet address of whoever asks for none.
fn usual_mac(addr: IpAddr) -> Option<String> {
    match addr {
        IpAddr::V4(addr) => Some(Mac::from_ipv4(addr).to_string()),
        IpAddr::V6(_) => None,
    }
}

/// The lowest address of a network that nobody has, or the one that is wanted.
fn free_address(view: &View, shared: &Shared, wanted: Option<IpAddr>) -> Result<IpAddr, Error> {
    let Shared { id, network, .. } = shared;
    let mut space = AddressSpace::default();
    let taken: Vec<IpAddr> = view.range(&endpoints(&network.id)).filter_map(|(addr, _)| addr.parse().ok()).collect();
    for subnet in &network.subnets {
        let pool = take(&mut space, subnet)?;
        if wanted.is_some_and(|addr| !space.contains(pool, addr)) {
            continue;
        }
        for addr in &taken {
            let _ = space.request_address(pool, Some(*addr));
        }
        match space.request_address(pool, wanted) {
            Ok(addr) => return Ok(addr),
            Err(AllocationFailure::InUse) => return Err(Error::AddressInUse),
            Err(AllocationFailure::Exhausted | AllocationFailure::Outside) => {}
        }
    }
    let exhausted = || Error::PoolExhausted { family: Family::V4, network: network.name.clone(), id: *id };
    Err(wanted.map_or_else(exhausted, Error::AddressOutside))
}

/// What a node has on networks, by network and address.
pub type Holdings = BTreeMap<(String, IpAddr), Occupant>;

/// What became of something that a node has on a network.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Upkeep {
    /// The store shall be told.
    Tell(Commit),
    /// Somebody else has its address or its name by now: it has lost its place.
    Lost(String, IpAddr),
}

/// The first thing that the store does not know as it is on the node with this address; none when it knows all.
/// `is_coming` are containers that may get more than `holdings` says.
#[must_use]
pub fn upkeep(
    view: &View,
    node: SocketAddr,
    holdings: &Holdings,
    is_coming: impl Fn(&str) -> bool,
    lease: LeaseId,
) -> Option<Upkeep> {
    for (place, known) in view.range(ENDPOINTS) {
        let Some(occupant) = read::<Occupant>(known) else { continue };
        if occupant.node != node || is_coming(&occupant.container) {
            continue;
        }
        let (network, addr) = place.rsplit_once('/').unwrap_or((place, ""));
        let addr: Option<IpAddr> =
            addr.parse().ok().filter(|addr: &IpAddr| addr.to_string() == place[network.len() + 1..]);
        if addr.is_none_or(|addr| !holdings.contains_key(&(network.to_owned(), addr))) {
            let (key, name) = (format!("{ENDPOINTS}{place}"), name_key(network, &occupant.name));
            let is_named = addr.is_some() && view.get(&name).and_then(read::<IpAddr>) == addr;
            let seen = vec![(key.clone(), known.modified)];
            let deletes = [key].into_iter().chain(is_named.then_some(name)).collect();
            return Some(Upkeep::Tell(Commit { seen, puts: Vec::new(), deletes }));
        }
    }
    holdings.iter().find_map(|((network, addr), occupant)| keep(view, (network, *addr), occupant, lease))
}

/// Makes the store say what somebody has, if it does not.
fn keep(view: &View, (network, addr): (&str, IpAddr), occupant: &Occupant, lease: LeaseId) -> Option<Upkeep> {
    // A network that the store has forgotten lives on here alone.
    let network_key = format!("{NETWORKS}{network}");
    view.get(&network_key)?;
    let (key, name) = (endpoint_key(network, addr), name_key(network, &occupant.name));
    let is: Option<Occupant> = view.get(&key).and_then(read);
    let named: Option<IpAddr> = view.get(&name).and_then(read);
    let hangs = |key: &str| view.get(key).is_some_and(|known| known.lease == Some(lease));
    if is.as_ref() == Some(occupant) && named == Some(addr) && hangs(&key) && hangs(&name) {
        return None;
    }
    let is_others = |other: &Occupant| (other.node, &other.container) != (occupant.node, &occupant.container);
    let is_taken = view.get(&key).is_some() && is.as_ref().is_none_or(is_others);
    if is_taken || named.is_some_and(|named| named != addr) {
        return Some(Upkeep::Lost(network.to_owned(), addr));
    }
    let old_name = is.filter(|old| old.name != occupant.name).map(|old| name_key(network, &old.name));
    let lease = Some(lease);
    let seen = [&network_key, &key, &name].map(|key| (key.clone(), view.modified(key)));
    let users = put(users_key(network), &occupant.container, None);
    Some(Upkeep::Tell(Commit {
        seen: seen.into(),
        puts: vec![put(key, occupant, lease), put(name, &addr, lease), users],
        deletes: old_name.into_iter().collect(),
    }))
}

#[cfg(test)]
mod tests;
