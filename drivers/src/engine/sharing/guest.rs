//! Containers on networks that are shared by a store: they get their addresses there before they start, and what the store
//! says of those on other hosts is told to the networks here.

use core::net::IpAddr;

use netyard_sim::time::Instant;
use netyard_sim::world::World;

use super::{Purpose, Sharing};
use crate::cluster::client::{Outcome, Standing};
use crate::cluster::message::{Answer, Grant};
use crate::cluster::object::Occupant;
use crate::cluster::shared::{self, Guest, Holdings, Shared};
use crate::container::Membership;
use crate::engine::{Engine, NetworkName};
use crate::error::{Error, SwarmError};
use crate::id::Id;
use crate::network::{Elsewhere, Network, NetworkConfig, Peer, Scope, Station};

impl Engine {
    /// Whether a network that the host does not know may be one that is shared.
    pub(in crate::engine) fn may_share(&self, term: &str) -> bool {
        let Some(Sharing { client, .. }) = &self.sharing else { return false };
        client.standing() != Standing::Up || shared::find(client.view(), term).is_some()
    }

    /// Asks the store for a place on a network, for a container that waits under this number.
    pub(in crate::engine) fn ask_store_for(
        &mut self,
        world: &mut World,
        number: u64,
        container: Id,
        term: &str,
        wanted: Option<IpAddr>,
    ) {
        let Some(sharing) = &self.sharing else { return };
        let is_asked = |purpose: &Purpose| matches!(purpose, Purpose::Guest(waiting, _) if *waiting == number);
        if sharing.commits.values().any(is_asked) {
            return;
        }
        if let Standing::Away(why) = sharing.client.standing()
            && !sharing.doubts.contains_key(&number)
        {
            let error = Sharing::away(format!("could not get network {term} from store"), why);
            return self.give_up_parked(world, number, &error.into());
        }
        if !sharing.is_ready() {
            return;
        }
        match self.plan_guest(container, term, wanted) {
            Ok(Planned::Has(grant)) => self.take_grant(world, number, Answer::Granted(grant)),
            Ok(Planned::Asks(grant, commit)) => {
                let now = world.now();
                let Some(sharing) = &mut self.sharing else { return };
                let asked = sharing.client.commit(now, commit);
                sharing.commits.insert(asked, Purpose::Guest(number, Box::new(grant)));
            }
            Err(error) => self.give_up_parked(world, number, &error),
        }
    }

    fn plan_guest(&self, container: Id, term: &str, wanted: Option<IpAddr>) -> Result<Planned, Error> {
        let sharing = self.sharing.as_ref().expect("the caller found it");
        let (view, node) = (sharing.client.view(), sharing.place.node);
        let found = shared::find(view, term).ok_or_else(|| Error::NetworkUnknown(term.to_owned()))?;
        let grant = |found: &Shared, addr| {
            let task = shared::endpoint_key(&found.network.id, addr);
            Grant { task, network: found.network.clone(), addr, own: None }
        };
        let id = container.to_string();
        // The answer to the same question may have been lost.
        let is_own = |occupant: &Occupant| occupant.node == node && occupant.container == id;
        let has = shared::occupants(view, &found.network.id).into_iter().find(|(_, occupant, _)| is_own(occupant));
        if let Some((addr, ..)) = has.filter(|(addr, ..)| wanted.is_none_or(|wanted| wanted == *addr)) {
            return Ok(Planned::Has(grant(&found, addr)));
        }
        let here = self.containers.get(&container);
        let name = here.map(|found| found.name.clone()).unwrap_or_default();
        let is_meant = |(key, membership): &(&String, &Membership)| {
            membership.network == Some(found.id) || **key == found.network.name || *key == term
        };
        let asked = here.and_then(|here| here.networks.iter().find(is_meant)).map(|(_, membership)| &membership.config);
        let mac = asked.and_then(|asked| asked.mac).map(|mac| mac.to_string());
        let aliases = asked.and_then(|asked| asked.aliases.clone()).unwrap_or_default();
        let occupant = Occupant { container: id, name, aliases, mac, endpoint: None, node };
        let lease = sharing.client.lease().expect("the caller found it ready");
        let (commit, addr) = shared::enter(view, &found, &Guest { occupant: &occupant, wanted, lease })?;
        Ok(Planned::Asks(grant(&found, addr), commit))
    }

    /// It is known whether a container has its place.
    pub(super) fn guest_came_to(&mut self, world: &mut World, number: u64, grant: Grant, outcome: Outcome) {
        let Some(sharing) = &mut self.sharing else { return };
        match outcome {
            Outcome::Made => {
                sharing.doubts.remove(&number);
                // Who waits no more has no place, and the store is told so.
                if self.parked.contains_key(&number) {
                    self.take_grant(world, number, Answer::Granted(grant));
                }
            }
            Outcome::Conflict => self.hurry_guest(world.now(), number),
            Outcome::Doubtful(why) => {
                sharing.doubts.insert(number, why);
            }
        }
    }

    /// Why somebody has waited in vain.
    pub(in crate::engine) fn waited_in_vain(&mut self, number: u64, network: &str) -> Option<SwarmError> {
        let sharing = self.sharing.as_mut()?;
        let what = format!("a place on network {network} was being taken");
        Some(match (sharing.doubts.remove(&number), sharing.client.standing()) {
            (Some(why), _) => SwarmError::StoreInDoubt { what, why },
            (None, Standing::Away(why)) => Sharing::away(format!("could not get network {network} from store"), why),
            (None, _) => Sharing::away(format!("could not get network {network} from store"), "no answer so far"),
        })
    }

    /// Who waits looks at the store again.
    pub(super) fn hurry_guests(&mut self, now: Instant) {
        let waiting: Vec<u64> = self.parked.keys().copied().collect();
        waiting.into_iter().for_each(|number| self.hurry_guest(now, number));
    }

    fn hurry_guest(&mut self, now: Instant, number: u64) {
        if let Some(parked) = self.parked.get_mut(&number) {
            parked.hurry(now);
        }
    }

    /// What its containers have on networks that are shared.
    pub(super) fn holdings(&self) -> Holdings {
        let Some(Sharing { place, .. }) = &self.sharing else { return Holdings::new() };
        let held = self.grants.iter().filter_map(|((container, network), grant)| {
            let found = self.containers.get(container)?;
            let endpoint = self.controller.network(*network).and_then(|network| network.endpoint_of(*container));
            let occupant = Occupant {
                container: container.to_string(),
                name: endpoint.map_or_else(|| found.name.clone(), |endpoint| endpoint.name.clone()),
                aliases: endpoint.map(|endpoint| endpoint.aliases.clone()).unwrap_or_default(),
                mac: endpoint.and_then(|endpoint| endpoint.mac).map(|mac| mac.to_string()),
                endpoint: endpoint.map(|endpoint| endpoint.id.to_string()),
                node: place.node,
            };
            Some(((network.to_string(), grant.addr), occupant))
        });
        held.collect()
    }

    /// A container's place has become somebody else's while this node was not heard: it leaves the network.
    pub(super) fn lose_place(&mut self, world: &mut World, network: &str, addr: IpAddr) {
        let has = |(_, id): &(Id, Id), grant: &Grant| id.to_string() == network && grant.addr == addr;
        let key = self.grants.iter().find(|(key, grant)| has(key, grant)).map(|(key, _)| *key);
        let Some((container, id)) = key else { return };
        self.grants.remove(&(container, id));
        let sandbox = self.containers.get(&container).and_then(|found| found.sandbox.filter(|_| found.is_running()));
        let found = self.controller.network(id).map(NetworkName::of);
        if let Some(sharing) = &mut self.sharing {
            let name = self.containers.get(&container).map_or("", |found| &found.name);
            let network = found.as_ref().map_or(network, |found| &found.name);
            let said = format!("{name} has lost its place at {addr} to another host, and leaves network {network}");
            sharing.notes.push_back(said);
        }
        if let (Some(sandbox), Some(found)) = (sandbox, found) {
            if self.controller.leave(world, sandbox, id) {
                self.tell_network(world, &found, "disconnect", &[("container", container.to_string())]);
            }
            self.forget_network(world, container, &found);
        }
    }

    /// Tells the networks here what the store says of other hosts.
    pub(in crate::engine) fn refresh_from_store(&mut self, world: &mut World) {
        let changes = self.controller.changes();
        let Some(sharing) = &mut self.sharing else { return };
        sharing.shown = (sharing.client.view().revision(), changes);
        let node = sharing.place.node;
        let here: Vec<Id> = self.controller.shared().map(|network| network.id).collect();
        for id in here {
            let Some(Sharing { client, .. }) = &self.sharing else { return };
            // What the store has forgotten goes on as it was known.
            if !shared::has(client.view(), &id.to_string()) {
                continue;
            }
            let others = shared::occupants(client.view(), &id.to_string()).into_iter().map(|(a, o, _)| (a, o));
            let others: Vec<(IpAddr, Occupant)> = others.filter(|(_, occupant)| occupant.node != node).collect();
            let stations = others.into_iter().filter_map(|(addr, occupant)| {
                let (mac, host) = (occupant.mac.as_ref()?.parse().ok()?, self.way_to(occupant.node)?);
                let peer = Peer { addr, mac, host };
                Some(station(peer, occupant))
            });
            let stations = stations.collect();
            self.controller.set_elsewhere(world, id, Elsewhere { stations, hosts: Vec::new() });
        }
    }

    /// A network of the store as lists show it, with whoever is on it.
    pub(super) fn as_listed(&self, found: Shared) -> Network {
        let Shared { id, network, .. } = found;
        let config = NetworkConfig { scope: Scope::Global, ..network.config() };
        let mut listed = Network::new(id, self.time_of(network.created), config, Vec::new());
        let Some(Sharing { client, .. }) = &self.sharing else { return listed };
        let others = shared::occupants(client.view(), &network.id).into_iter().filter_map(|(addr, occupant, _)| {
            let peer = Peer { addr, mac: occupant.mac.as_ref()?.parse().ok()?, host: occupant.node.ip() };
            Some(station(peer, occupant))
        });
        listed.elsewhere.stations = others.collect();
        listed
    }
}

/// What a container wants of the store.
enum Planned {
    /// Nothing: the store has it already.
    Has(Grant),
    /// A change.
    Asks(Grant, crate::cluster::store::Commit),
}

fn station(peer: Peer, occupant: Occupant) -> Station {
    let endpoint = occupant.endpoint.as_deref().and_then(Id::parse);
    Station { name: Some(occupant.name), aliases: occupant.aliases, endpoint, peer, service: None }
}
