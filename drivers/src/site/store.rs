//! The embedded stores of a site: where an engine was told of a store (`--cluster-store`), there is one, on a host of that address
//! or on a machine of the LAN that has it. Engines ask it over the LAN; what it answers is the [`Keeper`]'s.
//!
//! How it works: a process listens at the store's port and carries what comes to the site, and the answers back. The store
//! itself is a value of the site, and outlives the process.

use core::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::collections::{BTreeMap, BTreeSet};

use netyard_sim::fabric::NamespaceId;
use netyard_sim::time::Instant;
use netyard_sim::userland::Pid;
use netyard_sim::userland::stream::PipeId;
use netyard_sim::world::World;

use super::{Site, SiteConfig};
use crate::cluster::keeper::Keeper;
use crate::cluster::post::{Ears, News, Order, Post};
use crate::cluster::remote::{Answer, Ask};
use crate::cluster::store::LeaseId;
use crate::engine::{Host, Outside, read_store_url};

/// What the process is called.
const NAME: &str = "etcd";
/// How many clients may wait to be listened to.
const BACKLOG: usize = 4096;

/// A store, and the process that listens for it.
#[derive(Clone)]
pub(super) struct Stored {
    host: Host,
    port: u16,
    post: Option<Post>,
    keeper: Keeper,
}

/// The addresses of the stores that engines were told of, each once.
pub(super) fn addresses(config: &SiteConfig) -> BTreeSet<(Ipv4Addr, u16)> {
    if config.outside {
        return BTreeSet::new();
    }
    let urls = config.engines.values().filter_map(|config| config.cluster_store.as_deref());
    let at = urls.filter_map(|url| {
        let (host, port, _) = read_store_url(url).ok()?;
        Some((host.parse().ok()?, port))
    });
    at.collect()
}

impl Stored {
    /// An empty store on a host.
    pub(super) fn begin(world: &mut World, host: Host, port: u16) -> Self {
        let mut stored = Self { host, port, post: None, keeper: Keeper::default() };
        stored.listen(world);
        stored
    }

    /// Listens, unless somebody else does at that port.
    fn listen(&mut self, world: &mut World) {
        let Host { namespace, context, .. } = self.host;
        let network = world.fabric.namespace_mut(namespace);
        let Ok(control) = network.tcp_listen_dual(self.port, BACKLOG) else { return };
        let ears = Ears { control: Some(control), ..Ears::default() };
        let now = world.now();
        self.post = Some(Post::start(&mut world.processes, NAME, (namespace, context), ears, now));
    }

    fn tell(&self, world: &mut World, answers: Vec<(u64, Answer)>) {
        let Some(post) = &self.post else { return };
        for (number, answer) in answers {
            let text = serde_json::to_string(&answer).expect("it is text and numbers");
            post.order(&mut world.processes, &Order::Answer(number, text));
        }
    }

    /// Takes in what has come by a pipe; false when it is another's.
    fn read(&mut self, world: &mut World, pipe: PipeId) -> bool {
        let Some(post) = self.post.as_mut().filter(|post| post.reads(pipe)) else { return false };
        let now = world.now();
        for news in post.news(&mut world.processes) {
            // What cannot be understood is not answered.
            let News::Called(number, said) = news else { continue };
            if let Ok(ask) = serde_json::from_str(&said) {
                let answers = self.keeper.take_in(now, number, ask);
                self.tell(world, answers);
            }
        }
        true
    }
}

/// What is outside the simulation: a store, and the nodes that share it.
impl Site {
    /// The machine of the LAN that stands for nodes outside.
    #[must_use]
    pub const fn outside_machine(&self) -> Option<NamespaceId> {
        self.outside
    }

    /// The nodes outside that an engine knows of, and where each seems to be.
    ///
    /// # Panics
    /// When there is no such engine.
    pub fn ways_outside(&self, engine: usize) -> impl Iterator<Item = (SocketAddr, Ipv4Addr)> {
        let ways = self.engines[engine].outside().into_iter().flat_map(Outside::ways);
        ways.map(|(node, seems)| (*node, *seems))
    }

    /// What an engine asks the store outside, with the numbers of the questions.
    ///
    /// # Panics
    /// When there is no such engine.
    pub fn take_store_asks(&mut self, engine: usize) -> Vec<(u64, Ask)> {
        self.engines[engine].take_store_asks()
    }

    /// What it has to say of the store.
    ///
    /// # Panics
    /// When there is no such engine.
    pub fn take_store_notes(&mut self, engine: usize) -> Vec<String> {
        self.engines[engine].take_store_notes()
    }

    /// Takes in what the store outside has answered to an engine, or why it has not.
    ///
    /// # Panics
    /// When there is no such engine.
    pub fn store_answered(&mut self, engine: usize, number: u64, answer: Result<Answer, String>) {
        self.engines[engine].store_answered(&mut self.world, number, answer);
    }

    /// On what hangs there what an engine has.
    ///
    /// # Panics
    /// When there is no such engine.
    #[must_use]
    pub fn store_lease(&self, engine: usize) -> Option<LeaseId> {
        self.engines[engine].store_lease()
    }
}

impl Site {
    /// When a store has something to say.
    pub(super) fn stores_next_at(&self) -> Option<Instant> {
        self.stores.iter().filter(|stored| stored.post.is_some()).filter_map(|stored| stored.keeper.next_at()).min()
    }

    /// Lets the stores say what is due; false when there is nothing.
    pub(super) fn poll_stores(&mut self) -> bool {
        let now = self.now();
        let mut any = false;
        for stored in &mut self.stores {
            if stored.post.is_some() && stored.keeper.next_at().is_some_and(|at| at <= now) {
                let answers = stored.keeper.poll(now);
                stored.tell(&mut self.world, answers);
                any = true;
            }
        }
        any
    }

    /// Something has come by a pipe that may be a store's; false when it is none.
    pub(super) fn store_readable(&mut self, pipe: PipeId) -> bool {
        let world = &mut self.world;
        self.stores.iter_mut().any(|stored| stored.read(world, pipe))
    }

    /// A process ended that may be a store's: nobody listens for it any more. False when it is none.
    pub(super) fn store_ended(&mut self, pid: Pid) -> bool {
        let ended = self.stores.iter_mut().find(|stored| stored.post.as_ref().is_some_and(|post| post.pid == pid));
        let Some(stored) = ended else { return false };
        if let Some(post) = stored.post.take() {
            post.close(&mut self.world.processes);
        }
        true
    }

    /// Lets every store listen again whose process has ended, as after a restart.
    pub(super) fn restart_stores_on(&mut self, host: &Host) {
        let ended = self.stores.iter_mut().filter(|stored| stored.post.is_none() && stored.host == *host);
        ended.for_each(|stored| stored.listen(&mut self.world));
    }

    /// The store at an address, to be looked into and changed as nobody would over the LAN.
    pub fn store_at(&mut self, addr: SocketAddr) -> Option<&mut Keeper> {
        let addresses = |host: &Host| {
            let devices = &self.world.fabric.namespace(host.namespace).devices;
            devices.values().flat_map(|device| &device.addresses).map(|a| a.net.ip()).collect::<Vec<IpAddr>>()
        };
        let at = self.stores.iter().position(|s| s.port == addr.port() && addresses(&s.host).contains(&addr.ip()))?;
        Some(&mut self.stores[at].keeper)
    }

    /// Whether a process is a store's.
    pub(super) fn is_store(&self, pid: Pid) -> bool {
        self.stores.iter().any(|stored| stored.post.as_ref().is_some_and(|post| post.pid == pid))
    }
}

/// The stores that engines were told of, each on the docker host that has its address, or on a machine of its own.
pub(super) fn begin(
    world: &mut World,
    config: &SiteConfig,
    hosts: &[Host],
    machines: &BTreeMap<Ipv4Addr, Host>,
) -> Vec<Stored> {
    let on = |world: &World, addr: Ipv4Addr| {
        let has = |host: &&Host| {
            let devices = world.fabric.namespace(host.namespace).devices.values();
            devices.flat_map(|device| &device.addresses).any(|address| address.net.ip() == IpAddr::V4(addr))
        };
        hosts.iter().find(has).or_else(|| machines.get(&addr)).cloned()
    };
    let all = addresses(config).into_iter();
    all.filter_map(|(addr, port)| on(world, addr).map(|host| Stored::begin(world, host, port))).collect()
}
