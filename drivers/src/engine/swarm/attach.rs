//! Containers on networks across hosts: the manager, or the store that is shared, is asked first, and what was asked of the engine waits for its answer.
//! The networks themselves come and go with the containers that use them.

use core::net::IpAddr;
use std::collections::BTreeMap;

use netyard_sim::time::{Duration, Instant};
use netyard_sim::userland::Request;
use netyard_sim::world::World;

use super::carry::Purpose;
use super::{Stage, Swarm};
use crate::cluster::gossip::Record;
use crate::cluster::message::{Answer, Ask, Grant};
use crate::cluster::object::Network as Object;
use crate::container::{AfterExit, State};
use crate::endpoint::{EndpointConfig, Standing, StaticAddresses};
use crate::engine::lifecycle::Volumes;
use crate::engine::{Engine, ExchangeId, NetworkName};
use crate::error::{Error, SwarmError};
use crate::id::Id;
use crate::network::{Elsewhere, Network, NetworkConfig, Peer, Scope, Station};

/// How long a container waits for its networks.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long until the manager is asked again.
const AGAIN: Duration = Duration::from_secs(1);

/// What waits for the manager.
#[derive(Clone, Debug)]
pub(in crate::engine) struct Parked {
    pub(in crate::engine) container: Id,
    /// The networks that it wants, by the words that it has for them, and the addresses there.
    wants: Vec<(String, Option<IpAddr>)>,
    then: Then,
    until: Instant,
    again: Option<Instant>,
    /// Whether the manager has answered, but not given it.
    is_pending: bool,
}

/// What is done when all networks are there.
#[derive(Clone, Debug)]
pub(in crate::engine) enum Then {
    /// The request is looked at once more.
    Request(ExchangeId, Request),
    /// The container starts, since the engine wants it.
    Start,
}

impl Parked {
    /// Asks again at once.
    pub(in crate::engine) const fn hurry(&mut self, now: Instant) {
        self.again = Some(now);
    }

    fn next_at(&self) -> Instant {
        self.again.map_or(self.until, |again| again.min(self.until))
    }
}

impl Engine {
    /// When something is to be done for containers on networks across hosts; a time that is over when it is at once.
    pub(in crate::engine) fn attachments_next_at(&self) -> Option<Instant> {
        let is_told = |swarm: &Swarm| !matches!(swarm.stage, Stage::Active) || swarm.told == self.controller.changes();
        let is_news = !self.swarm.as_ref().is_none_or(is_told);
        let at_once = (is_news || self.stale_grant().is_some() || self.has_work_to_do()).then_some(Instant::ZERO);
        self.parked.values().map(Parked::next_at).chain(at_once).min()
    }

    /// Lets a container wait for the networks across hosts that it will be on. False when it need not wait.
    pub(in crate::engine) fn park_start(&mut self, world: &mut World, id: Id, then: Then) -> bool {
        if !self.is_in_cluster() {
            return false;
        }
        let container = self.containers.get(&id).expect("the caller found the container");
        let wants = container.networks.iter().filter_map(|(key, membership)| {
            let term = membership.network.map_or_else(|| key.clone(), |id| id.to_string());
            let addresses = membership.config.addresses.as_ref().filter(|_| !membership.config.granted);
            let wanted = addresses.and_then(|addresses| addresses.v4);
            self.must_ask(id, &term).then_some((term, wanted))
        });
        let wants = wants.collect();
        self.park(world, id, wants, then)
    }

    /// Lets a running container wait for one network more. False when it need not wait.
    ///
    /// # Errors
    /// It is on the network.
    pub(in crate::engine) fn park_connect(
        &mut self,
        world: &mut World,
        id: Id,
        (network, wanted): (&str, Option<IpAddr>),
        then: Then,
    ) -> Result<bool, SwarmError> {
        if !self.is_in_cluster() {
            return Ok(false);
        }
        if let Ok(found) = self.controller.find(network)
            && found.is_shared()
            && found.endpoint_of(id).is_some()
        {
            let name = &self.containers.get(&id).expect("the caller found the container").name;
            return Err(SwarmError::Said(format!("{name} is already attached to network {network}")));
        }
        let wants = if self.must_ask(id, network) { vec![(network.to_owned(), wanted)] } else { Vec::new() };
        Ok(self.park(world, id, wants, then))
    }

    fn is_in_cluster(&self) -> bool {
        self.sharing.is_some() || matches!(self.swarm, Some(Swarm { stage: Stage::Active, .. }))
    }

    /// Whether the cluster must be asked for a network: the host does not know it, or only from others.
    fn must_ask(&self, container: Id, term: &str) -> bool {
        match self.controller.find(term) {
            Ok(network) => network.is_shared() && !self.grants.contains_key(&(container, network.id)),
            Err(Error::NetworkUnknown(_)) => self.sharing.is_none() || self.may_share(term),
            Err(_) => false,
        }
    }

    fn park(&mut self, world: &mut World, container: Id, wants: Vec<(String, Option<IpAddr>)>, then: Then) -> bool {
        if wants.is_empty() {
            return false;
        }
        let now = world.now();
        self.next_parked += 1;
        let parked = Parked { container, wants, then, until: now + PATIENCE, again: Some(now), is_pending: false };
        self.parked.insert(self.next_parked, parked);
        self.go_on_parked(world, self.next_parked);
        true
    }

    /// Asks for the next network that something waits for, or does it when all are there.
    fn go_on_parked(&mut self, world: &mut World, number: u64) {
        let now = world.now();
        let Some(parked) = self.parked.get_mut(&number) else { return };
        if parked.until <= now {
            let network = parked.wants.first().map_or_else(String::new, |(network, _)| network.clone());
            let is_pending = parked.is_pending;
            if let Some(error) = self.waited_in_vain(number, &network) {
                return self.give_up_parked(world, number, &error.into());
            }
            let error = match is_pending {
                true => SwarmError::AttachTimeout,
                false => SwarmError::Attach { network, why: "context deadline exceeded".to_owned() },
            };
            return self.give_up_parked(world, number, &error.into());
        }
        if parked.again.is_none_or(|again| again > now) {
            return;
        }
        let Some((network, wanted)) = parked.wants.first().cloned() else { return self.resume(world, number) };
        parked.again = Some(now + AGAIN);
        if self.sharing.is_some() {
            let container = parked.container;
            return self.ask_store_for(world, number, container, &network, wanted);
        }
        let container = parked.container.to_string();
        let Some(swarm) = &self.swarm else { return };
        let purpose = Purpose::Attach(number);
        if !swarm.calls.is_asking(&purpose) && !swarm.is_asking_itself(&purpose) {
            let ask = Ask::Attach { node: swarm.node.clone(), network, container, wanted };
            self.ask_cluster(world, ask, purpose);
        }
    }

    /// The manager has answered.
    pub(in crate::engine) fn take_grant(&mut self, world: &mut World, number: u64, answer: Answer) {
        let Some(parked) = self.parked.get_mut(&number) else {
            // Nobody waits any more, or the same was asked twice.
            if let (Answer::Granted(grant), Some(swarm)) = (answer, &mut self.swarm)
                && !self.grants.values().any(|known| known.task == grant.task)
            {
                swarm.ended.push(grant.task);
            }
            return;
        };
        match answer {
            Answer::Granted(grant) => {
                parked.wants.remove(0);
                parked.again = Some(world.now());
                let container = parked.container;
                match self.have_network(world, &grant.network, grant.own) {
                    Ok(network) => {
                        self.grants.insert((container, network), grant);
                        self.go_on_parked(world, number);
                    }
                    Err(error) => {
                        self.end_task(world, grant.task);
                        let said = error.to_string();
                        self.give_up_parked(world, number, &SwarmError::Said(said).into());
                    }
                }
            }
            Answer::Pending => parked.is_pending = true,
            Answer::Refused(why) => {
                let network = parked.wants.first().map_or_else(String::new, |(network, _)| network.clone());
                self.give_up_parked(world, number, &SwarmError::Attach { network, why }.into());
            }
            _ => {}
        }
    }

    /// All networks are there.
    fn resume(&mut self, world: &mut World, number: u64) {
        let Some(parked) = self.parked.remove(&number) else { return };
        match parked.then {
            Then::Request(exchange, request) => self.handle(world, exchange, &request),
            // What cannot be started stays as it is, as at any start of the engine.
            Then::Start if self.containers.contains_key(&parked.container) => {
                self.start_by_itself(world, parked.container);
            }
            Then::Start => {}
        }
    }

    pub(in crate::engine) fn give_up_parked(&mut self, world: &mut World, number: u64, error: &Error) {
        let Some(Parked { container: id, then, .. }) = self.parked.remove(&number) else { return };
        if let Some(container) = self.containers.get_mut(&id).filter(|container| !container.is_running()) {
            container.error = error.to_string();
            container.refused_with = 128;
            if container.config.after_exit == AfterExit::Remove {
                self.remove(world, id, Volumes::Go);
            }
        }
        if let Then::Request(exchange, _) = then {
            self.refuse(exchange, error);
        }
    }

    /// What a container is given on a network, in place of what it asked for.
    pub(in crate::engine) fn granted(&self, container: Id, network: Id, asked: &EndpointConfig) -> EndpointConfig {
        let Some(grant) = self.grants.get(&(container, network)) else { return asked.clone() };
        let old = asked.addresses.clone().unwrap_or_default();
        let is_own_wish = old.v4.is_some() && !asked.granted;
        let addresses = StaticAddresses { v4: Some(grant.addr), ..old };
        EndpointConfig { addresses: Some(addresses), granted: !is_own_wish, ..asked.clone() }
    }

    /// Has a network across hosts, with an address of the host's own.
    pub(super) fn have_network(
        &mut self,
        world: &mut World,
        object: &Object,
        own: Option<IpAddr>,
    ) -> Result<Id, Error> {
        let unreadable = || Error::NetworkUnknown(object.id.clone());
        let id = Id::parse(&object.id).ok_or_else(unreadable)?;
        if self.controller.network(id).is_none() {
            if let Some(own) = own {
                self.controller.share(world, id, object.config(), own)?;
                let name = self.network_name(id);
                self.tell_network(world, &name, "create", &[]);
            } else {
                let config = NetworkConfig { scope: Scope::Global, ..object.config() };
                self.controller.share_plainly(world, id, config, self.time_of(object.created))?;
            }
            self.refresh_shared(world);
        }
        Ok(id)
    }

    /// A grant whose container does not use it any more.
    fn stale_grant(&self) -> Option<(Id, Id)> {
        let is_stale = |(container, network): &(Id, Id)| {
            let waits = self.parked.values().any(|parked| parked.container == *container);
            let Some(found) = self.containers.get(container) else { return !waits };
            match found.state {
                State::Restarting(_) => false,
                State::Running(_) | State::Paused(_) => {
                    let joined = found.sandbox.and_then(|sandbox| self.controller.endpoint(sandbox, *network));
                    joined.is_none() && !waits
                }
                State::Created | State::Exited(_) => !waits && !self.is_task_to_start(*container),
            }
        };
        self.grants.keys().copied().find(is_stale)
    }

    /// The manager hears that a task has ended.
    fn end_task(&mut self, world: &mut World, task: String) {
        if let Some(swarm) = &mut self.swarm {
            swarm.ended.push(task);
            self.tell_work(world);
        }
    }

    /// Gives back what is not used any more, goes on with what waits, and tells the others what is here.
    pub(in crate::engine) fn settle_attachments(&mut self, world: &mut World) {
        while let Some(key) = self.stale_grant() {
            let grant: Grant = self.grants.remove(&key).expect("it was just found");
            self.end_task(world, grant.task);
        }
        let waiting: Vec<u64> = self.parked.keys().copied().collect();
        waiting.into_iter().for_each(|number| self.go_on_parked(world, number));
        let used = |id: Id| self.grants.keys().any(|(_, network)| *network == id);
        let unused = |network: &&Network| {
            let has_container = network.endpoints.values().any(|e| e.standing == Standing::Container);
            !network.config.ingress && !has_container && !used(network.id)
        };
        let unused: Vec<NetworkName> = self.controller.shared().filter(unused).map(NetworkName::of).collect();
        for network in unused {
            self.controller.unshare(world, network.id);
            if self.sharing.is_none() {
                self.tell_network(world, &network, "destroy", &[]);
            }
        }
        self.tell_endpoints(world.now());
        self.refresh_shared(world);
    }

    /// Notes for the other nodes what this one has.
    fn tell_endpoints(&mut self, now: Instant) {
        let Some(swarm) = &mut self.swarm else { return };
        if swarm.told == self.controller.changes() {
            return;
        }
        swarm.told = self.controller.changes();
        let mut records = BTreeMap::new();
        for network in self.controller.shared() {
            for endpoint in network.endpoints.values().filter(|endpoint| endpoint.standing != Standing::WayOut) {
                let (Some(lease), Some(mac)) = (endpoint.v4, endpoint.mac) else { continue };
                let is_container = endpoint.standing == Standing::Container;
                let record = Record {
                    network: network.id.to_string(),
                    name: is_container.then(|| endpoint.name.clone()),
                    aliases: endpoint.aliases.clone(),
                    addr: lease.net.ip(),
                    mac: mac.to_string(),
                    service: endpoint.service.clone(),
                };
                records.insert(endpoint.id.to_string(), record);
            }
        }
        swarm.gossip.set_all(now, &records);
    }

    /// Tells the networks here what the other nodes have.
    fn refresh_shared(&mut self, world: &mut World) {
        if self.sharing.is_some() {
            return self.refresh_from_store(world);
        }
        let Some(swarm) = &self.swarm else { return };
        let networks: Vec<Id> = self.controller.shared().map(|network| network.id).collect();
        for id in networks {
            let text = id.to_string();
            let own = swarm.gossip.itself();
            let mut hosts = vec![(own.name.to_owned(), own.data)];
            let mut stations = Vec::new();
            for (seen, key, record) in swarm.gossip.others().filter(|(.., record)| record.network == text) {
                let Ok(mac) = record.mac.parse() else { continue };
                if record.name.is_none() {
                    hosts.push((seen.name.to_owned(), seen.data));
                }
                let peer = Peer { addr: record.addr, mac, host: seen.data };
                stations.push(Station {
                    name: record.name.clone(),
                    aliases: record.aliases.clone(),
                    endpoint: Id::parse(key),
                    peer,
                    service: record.service.clone(),
                });
            }
            hosts.sort();
            self.controller.set_elsewhere(world, id, Elsewhere { stations, hosts });
        }
        self.controller.settle_services(world);
    }

    /// Has no network across hosts any more.
    pub(in crate::engine) fn give_up_networks(&mut self, world: &mut World) {
        let waiting: Vec<u64> = self.parked.keys().copied().collect();
        for number in waiting {
            self.give_up_parked(world, number, &SwarmError::Said("context canceled".to_owned()).into());
        }
        self.grants.clear();
        let shared: Vec<NetworkName> = self.controller.shared().map(NetworkName::of).collect();
        for network in shared {
            self.controller.unshare(world, network.id);
            self.forget_memberships(network.id);
            self.tell_network(world, &network, "destroy", &[]);
        }
        self.controller.settle_services(world);
    }

    /// Networks by which ports were published are gone, but for this one.
    pub(super) fn give_up_ingress_but(&mut self, world: &mut World, kept: Option<Id>) {
        let gone = self.controller.shared().filter(|network| network.config.ingress && Some(network.id) != kept);
        for network in gone.map(NetworkName::of).collect::<Vec<_>>() {
            self.controller.unshare(world, network.id);
            self.tell_network(world, &network, "destroy", &[]);
        }
        self.controller.settle_services(world);
    }

    /// Containers are set up for a network that is gone by its name, without the address that they were given.
    fn forget_memberships(&mut self, network: Id) {
        let memberships = self.containers.values_mut().flat_map(|container| container.networks.values_mut());
        memberships.filter(|membership| membership.network == Some(network)).for_each(|membership| membership.forget());
    }
}
