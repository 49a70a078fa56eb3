//! Networks that an engine shares with others by a store (`--cluster-store`): it is a client of the store, and does with its
//! host what the store says. What is planned in the store is [`shared`]'s affair; requests that wait for it are
//! [`errand`]s, and containers that do are [`guest`]s.
//!
//! How it works: what goes to the store is level-triggered. Whatever came between (a lost answer, a lease that has ended,
//! a store that was away), the engine compares what it has with what the store says of it, and tells the first
//! difference, until there is none.

mod errand;
mod guest;
mod memory;
mod place;

use core::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::collections::{BTreeMap, VecDeque};

use netyard_sim::rng::{Rng, Seed};
use netyard_sim::time::Instant;
use netyard_sim::world::World;
use serde_json::{Value, json};

use super::{Engine, ExchangeId, Power};
use crate::cluster::client::{Client, Outcome, Standing};
use crate::cluster::message::Grant;
use crate::cluster::post::{Ears, Order, Post};
use crate::cluster::remote::{Answer, Ask};
use crate::cluster::shared;
use crate::daemon;
use crate::error::{SwarmError, dial};
use errand::Errand;
use memory::Memory;
use place::Place;

pub use place::read_url as read_store_url;

/// What the process is called that carries questions to the store.
const NAME: &str = "dockerd-store";
/// What `docker info` says of it all.
const DEPRECATED: &str = "WARNING: node discovery and overlay networks with an external k/v store (cluster-advertise,\n         \
                          cluster-store, cluster-store-opt) are deprecated and will be removed in a future release.";

/// What a change was asked for.
#[derive(Clone, Debug)]
enum Purpose {
    /// A request of a client.
    Errand,
    /// What a container is given, by the number under which it waits.
    Guest(u64, Box<Grant>),
    /// The store did not know what is here.
    Upkeep,
}

/// The place of an engine among those that share a store.
#[derive(Clone)]
pub(super) struct Sharing {
    place: Place,
    client: Client,
    ids: Rng,
    memory: Memory,
    errands: Vec<Errand>,
    commits: BTreeMap<u64, Purpose>,
    /// Containers whose change was under way when the store went away, and why it did.
    doubts: BTreeMap<u64, String>,
    /// The revision that the host shows, and the state of its endpoints.
    shown: (u64, u64),
    /// The revision that was looked through for what cannot be understood.
    read: Option<u64>,
    /// What was said last of the store.
    noted: Option<String>,
    notes: VecDeque<String>,
}

impl Sharing {
    fn new(now: Instant, place: Place, ids: Rng) -> Self {
        let client = Client::new(now, place.prefix.clone());
        Self {
            place,
            client,
            ids,
            memory: Memory::default(),
            errands: Vec::new(),
            commits: BTreeMap::new(),
            doubts: BTreeMap::new(),
            shown: (0, 0),
            read: None,
            noted: None,
            notes: VecDeque::new(),
        }
    }

    /// That the store cannot be used for something.
    fn away(what: String, why: &str) -> SwarmError {
        SwarmError::StoreAway { what, why: why.to_owned() }
    }

    /// That a network is not in the store, or that nobody knows what is.
    fn has_been_read(&self, term: &str) -> Result<(), SwarmError> {
        let why = match self.client.standing() {
            _ if self.client.view().revision() > 0 => return Ok(()),
            Standing::Up => return Ok(()),
            Standing::Away(why) => why,
            Standing::Calling => "no answer so far",
        };
        Err(Self::away(format!("could not get network {term} from store"), why))
    }

    /// Whether something may be changed now.
    fn is_ready(&self) -> bool {
        self.is_whole() && self.client.lease().is_some()
    }
}

/// Other nodes that are outside the simulation: each seems to be at an address of its own.
#[derive(Clone, Debug, Default)]
pub struct Outside {
    free: VecDeque<Ipv4Addr>,
    ways: BTreeMap<SocketAddr, Ipv4Addr>,
}

impl Outside {
    /// Nobody yet, and room for as many as there are addresses.
    #[must_use]
    pub fn new(addresses: impl IntoIterator<Item = Ipv4Addr>) -> Self {
        Self { free: addresses.into_iter().collect(), ways: BTreeMap::new() }
    }

    /// Who seems to be where.
    #[must_use]
    pub const fn ways(&self) -> &BTreeMap<SocketAddr, Ipv4Addr> {
        &self.ways
    }

    /// Where a node seems to be; nowhere when there are too many.
    fn way(&mut self, node: SocketAddr) -> Option<Ipv4Addr> {
        if let Some(way) = self.ways.get(&node) {
            return Some(*way);
        }
        let way = self.free.pop_front()?;
        self.ways.insert(node, way);
        Some(way)
    }
}

impl Engine {
    /// The store and the nodes that share it are outside the simulation, from the next start on.
    pub fn look_outside(&mut self, outside: Outside) {
        self.outside = Some(outside);
    }

    /// The nodes outside that it knows of.
    #[must_use]
    pub const fn outside(&self) -> Option<&Outside> {
        self.outside.as_ref()
    }

    /// What it asks the store outside, with the numbers of the questions.
    pub fn take_store_asks(&mut self) -> Vec<(u64, Ask)> {
        if self.outside.is_none() {
            return Vec::new();
        }
        self.sharing.as_mut().map(|sharing| sharing.client.take_asks()).unwrap_or_default()
    }

    /// What it has to say of the store to whoever keeps it.
    pub fn take_store_notes(&mut self) -> Vec<String> {
        self.sharing.iter_mut().flat_map(|sharing| sharing.notes.drain(..)).collect()
    }

    /// The lease on which everything hangs that it has in the store.
    #[must_use]
    pub fn store_lease(&self) -> Option<crate::cluster::store::LeaseId> {
        self.sharing.as_ref()?.client.lease()
    }

    /// What it makes of its settings, before anything is done.
    pub(super) fn plan_sharing(&self, world: &World) -> Result<Option<Place>, daemon::Error> {
        let place = self.place_of(world)?;
        if place.is_some() && self.swarm.is_some() {
            return Err(daemon::Error::Start(SwarmError::SharesStore.to_string()));
        }
        Ok(place)
    }

    /// Begins to share, or goes on.
    pub(super) fn begin_sharing(&mut self, world: &mut World, place: Option<Place>) {
        match place {
            Some(place) if self.sharing.as_ref().is_some_and(|sharing| sharing.place == place) => {}
            Some(place) => {
                let ids = Seed(self.ids.u64()).stream(&format!("store/{}", place.node));
                self.sharing = Some(Sharing::new(world.now(), place, ids));
            }
            None if self.sharing.is_some() => {
                self.give_up_networks(world);
                self.sharing = None;
            }
            None => {}
        }
        self.call_store(world);
    }

    /// Has a process that carries questions to the store, if it is in the simulation, and calls it.
    pub(super) fn call_store(&mut self, world: &mut World) {
        let now = world.now();
        let Some(sharing) = &mut self.sharing else { return };
        if self.post.is_none() && self.outside.is_none() {
            let at = (self.host.namespace, self.host.context);
            self.post = Some(Post::start(&mut world.processes, NAME, at, Ears::default(), now));
        }
        sharing.client.begin_anew(now);
        self.poll_sharing(world);
    }

    /// The answer of a store in the simulation.
    pub(super) fn store_said(&mut self, world: &mut World, number: u64, said: &str) {
        let nonsense = || "it answered what cannot be understood".to_owned();
        let answer = serde_json::from_str::<Answer>(said).map_err(|_| nonsense());
        self.store_answered(world, number, answer);
    }

    /// A store in the simulation was not reached.
    pub(super) fn store_failed(&mut self, world: &mut World, number: u64, why: &str) {
        let Some(addr) = self.sharing.as_ref().and_then(|sharing| sharing.place.addr) else { return };
        let why = dial("tcp", addr, why);
        self.store_answered(world, number, Err(why));
    }

    /// Takes in what the store answers, or why it does not.
    pub fn store_answered(&mut self, world: &mut World, number: u64, answer: Result<Answer, String>) {
        let Some(sharing) = &mut self.sharing else { return };
        sharing.client.take_in(world.now(), number, answer);
        self.poll_sharing(world);
    }

    /// When [`Self::poll_sharing`] has something to do.
    pub(super) fn sharing_next_at(&self) -> Option<Instant> {
        let sharing = self.sharing.as_ref()?;
        let is_behind = sharing.shown != (sharing.client.view().revision(), self.controller.changes());
        let at_once = is_behind.then_some(Instant::ZERO);
        let overdue = sharing.errands.iter().map(|errand| errand.until);
        overdue.chain(at_once).chain(sharing.client.next_at()).min()
    }

    /// Does what is due, and what the store's answers make possible.
    pub(super) fn poll_sharing(&mut self, world: &mut World) {
        let now = world.now();
        if self.power == Power::Down {
            return;
        }
        let Some(sharing) = &mut self.sharing else { return };
        sharing.client.poll(now);
        let was_ready = sharing.noted.is_none() && sharing.shown.0 > 0;
        while let Some((number, outcome)) = self.sharing.as_mut().and_then(|sharing| sharing.client.take_outcome()) {
            self.take_outcome(world, number, outcome);
        }
        self.note_store();
        self.remember(world);
        if !was_ready || self.has_news() {
            self.hurry_guests(now);
        }
        self.settle_attachments(world);
        self.go_on_with_errands(world);
        self.keep_up(world);
        self.refresh_from_store(world);
        self.send_asks(world);
    }

    /// Whether the store says something that the host does not show.
    fn has_news(&self) -> bool {
        self.sharing.as_ref().is_some_and(|sharing| sharing.shown.0 != sharing.client.view().revision())
    }

    fn take_outcome(&mut self, world: &mut World, number: u64, outcome: Outcome) {
        let Some(purpose) = self.sharing.as_mut().and_then(|sharing| sharing.commits.remove(&number)) else { return };
        match purpose {
            Purpose::Errand => self.errand_came_to(number, outcome),
            Purpose::Guest(waiting, grant) => self.guest_came_to(world, waiting, *grant, outcome),
            // What is still different is told anew.
            Purpose::Upkeep => {}
        }
    }

    /// Says when the store goes away and when it is back, and what in it cannot be understood.
    fn note_store(&mut self) {
        let Some(sharing) = &mut self.sharing else { return };
        let url = &sharing.place.url;
        let now = match sharing.client.standing() {
            Standing::Away(why) => {
                sharing.read = None;
                Some(format!("store {url} is away: {why}"))
            }
            Standing::Calling => return,
            Standing::Up if sharing.read == Some(sharing.client.view().revision()) => return,
            Standing::Up => {
                sharing.read = Some(sharing.client.view().revision());
                let wrong = shared::nonsense(sharing.client.view());
                let wrong = wrong.first().map(|id| format!("store {url}: network {id} is none that can be understood"));
                if wrong.is_none() && sharing.noted.is_some() {
                    sharing.notes.push_back(format!("store {url} is back"));
                }
                wrong
            }
        };
        if sharing.noted != now {
            sharing.notes.extend(now.clone());
            sharing.noted = now;
        }
    }

    /// Tells the store the first thing that it does not know as it is.
    fn keep_up(&mut self, world: &mut World) {
        let now = world.now();
        while let Some(upkeep) = self.next_upkeep() {
            let Some(sharing) = &mut self.sharing else { return };
            match upkeep {
                shared::Upkeep::Tell(commit) => {
                    let number = sharing.client.commit(now, commit);
                    sharing.commits.insert(number, Purpose::Upkeep);
                    return;
                }
                shared::Upkeep::Lost(network, addr) => self.lose_place(world, &network, addr),
            }
        }
    }

    fn next_upkeep(&self) -> Option<shared::Upkeep> {
        let sharing = self.sharing.as_ref().filter(|sharing| sharing.is_ready())?;
        if sharing.commits.values().any(|purpose| matches!(purpose, Purpose::Upkeep)) {
            return None;
        }
        let waits = |container: &str| self.parked.values().any(|parked| parked.container.to_string() == container);
        shared::upkeep(sharing.client.view(), sharing.place.node, &self.holdings(), waits, sharing.client.lease()?)
    }

    /// Gives its questions to the process that carries them; those for a store outside are taken.
    fn send_asks(&mut self, world: &mut World) {
        if self.outside.is_some() {
            return;
        }
        let Some(sharing) = &mut self.sharing else { return };
        let asks = sharing.client.take_asks();
        let Some(addr) = sharing.place.addr else {
            let why = format!("dial tcp: lookup {}: no such host", sharing.place.host);
            let now = world.now();
            asks.into_iter().for_each(|(number, _)| sharing.client.take_in(now, number, Err(why.clone())));
            return;
        };
        // Without a post nobody answers.
        let Some(post) = &self.post else { return };
        for (number, ask) in asks {
            let text = serde_json::to_string(&ask).expect("it is text and numbers");
            post.order(&mut world.processes, &Order::Call(number, addr, text));
        }
    }

    /// What `/info` says of it.
    pub(super) fn store_at_a_glance(&self) -> Value {
        let Some(Sharing { place, client, .. }) = &self.sharing else { return json!({ "Warnings": null }) };
        let mut warnings = vec![DEPRECATED.to_owned()];
        if let Standing::Away(why) = client.standing() {
            warnings.push(format!("WARNING: cluster store {} is away: {why}", place.url));
        }
        let mut glance = json!({ "ClusterStore": place.url });
        if let Some(advertise) = &place.advertise {
            glance["ClusterAdvertise"] = advertise.as_str().into();
        }
        glance["Warnings"] = json!(warnings);
        glance
    }

    /// Where the tunnels of a node end, as the host sees it.
    fn way_to(&mut self, node: SocketAddr) -> Option<IpAddr> {
        match &mut self.outside {
            Some(outside) => outside.way(node).map(IpAddr::V4),
            None => Some(node.ip()).filter(IpAddr::is_ipv4),
        }
    }

    /// A time of the store, which counts from 1970.
    pub(super) fn time_of(&self, unix_nanos: u64) -> Instant {
        Instant::from_nanos(unix_nanos.saturating_sub(self.epoch.unix_nanos(Instant::ZERO)))
    }

    /// Whoever waited for a change is gone; the change goes on.
    pub(super) fn cancel_errands(&mut self, exchange: ExchangeId) {
        let errands = self.sharing.iter_mut().flat_map(|sharing| &mut sharing.errands);
        errands.for_each(|errand| {
            errand.exchange.take_if(|waiting| *waiting == exchange);
        });
    }
}

impl Sharing {
    /// Clients who wait hear no more.
    pub(super) fn drop_errands(&mut self) -> Vec<ExchangeId> {
        self.errands.drain(..).filter_map(|errand| errand.exchange).collect()
    }
}
