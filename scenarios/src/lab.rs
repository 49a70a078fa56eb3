//! Networks in Rust tests: a [`Lab`] is a site of docker hosts that a test builds, lets run in virtual time, looks into
//! and breaks. It needs no runtime, no root and no sleep. What it does is what the commands do; there is no second way.
//!
//! ```
//! use netyard::prelude::*;
//!
//! # fn main() -> Result<(), LabError> {
//! let lab = Lab::new();
//! lab.network("backend").subnet("172.25.0.0/16").create()?;
//! lab.container("db").network("backend").alias("store").run()?;
//! lab.container("app").network("backend").run()?;
//! assert_eq!(lab.resolve("app", "store")?, ["172.25.0.2".parse::<std::net::IpAddr>().unwrap()]);
//! assert!(lab.ping("app", "store").is_ok());
//! lab.sh("docker network disconnect backend db")?;
//! assert!(lab.resolve("app", "store").is_err());
//! # Ok(())
//! # }
//! ```

mod build;
mod compose;
mod error;
mod impair;
mod look;
pub mod net;
pub mod strategy;
mod task;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::Future;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use netyard_drivers::cluster::keeper::Keeper;
use netyard_drivers::engine::Output;
use netyard_drivers::site::{Site, SiteConfig};
use netyard_sim::link::Condition;
use netyard_sim::rng::Seed;
use netyard_sim::time::Instant;
use netyard_sim::userland::{Pid, Request};

pub use build::{Container, Network};
pub use error::LabError;
pub use impair::Guard;
pub use look::Reply;

use crate::runner::consoles::{Consoles, Ended};
use crate::runner::recording::{Packet, Recording};
use crate::runner::{DEFAULT_SEED, Settings};
use crate::scenario::Scenario;
use task::Native;

/// How much virtual time a command may take.
const PATIENCE: Duration = Duration::from_secs(600);
/// How long nothing may be on a wire until all is quiet.
const QUIET: Duration = Duration::from_secs(1);

/// A site under test. It is a handle: a clone means the same site, a [`fork`](Lab::fork) is another one.
#[derive(Clone)]
pub struct Lab(Rc<RefCell<Inner>>);

struct Inner {
    site: Site,
    consoles: Consoles,
    /// Processes that are futures of the test.
    natives: Vec<Pid>,
}

/// What a [`Lab`] shall be, until it is built.
#[derive(Clone, Debug)]
pub struct Builder(SiteConfig);

impl Builder {
    /// Decides all that is random; 1 when nothing is said.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.0.seed = Seed(seed);
        self
    }

    /// The names of the docker hosts, the default one first; docker01 when nothing is said.
    #[must_use]
    pub fn hosts<T: Into<String>>(mut self, names: impl IntoIterator<Item = T>) -> Self {
        self.0.hosts = names.into_iter().map(Into::into).collect();
        self
    }

    /// How long a frame takes between a host and the LAN.
    #[must_use]
    pub fn link(mut self, host: &str, delay: Duration) -> Self {
        self.0.links.entry(host.to_owned()).or_default().condition = Condition { delay };
        self
    }

    /// Whether the LAN's port gives a host frames for other Ethernet addresses than its uplink's own, which macvlans and
    /// bridges on the uplink live by.
    #[must_use]
    pub fn promiscuity(mut self, host: &str, allowed: bool) -> Self {
        self.0.links.entry(host.to_owned()).or_default().promiscuity = allowed;
        self
    }

    /// Builds it.
    #[must_use]
    pub fn build(self) -> Lab {
        Lab::of(Site::new(&self.0), Consoles::default())
    }
}

/// A future that runs in a place of a lab.
#[derive(Debug)]
pub struct Task<T> {
    pid: Pid,
    value: Rc<RefCell<Option<T>>>,
    is_done: Rc<Cell<bool>>,
}

impl<T> Task<T> {
    /// Whether it came to its end.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.is_done.get()
    }

    /// What it came to, once.
    #[must_use]
    pub fn take(&self) -> Option<T> {
        self.value.take()
    }
}

impl Default for Lab {
    fn default() -> Self {
        Self::new()
    }
}

impl Lab {
    /// A lab with one docker host, docker01.
    #[must_use]
    pub fn new() -> Self {
        Self::builder().build()
    }

    /// A lab to be described.
    #[must_use]
    pub fn builder() -> Builder {
        Builder(SiteConfig { seed: Seed(DEFAULT_SEED), capture: true, ..SiteConfig::default() })
    }

    /// A lab as it is when all steps of a scenario were played.
    ///
    /// # Errors
    /// `Scenario` when a step does not do what it says.
    pub fn from_scenario(scenario: &Scenario) -> Result<Self, LabError> {
        let (site, consoles) = crate::runner::site_after(scenario, &Settings::default()).map_err(LabError::Scenario)?;
        Ok(Self::of(site, consoles))
    }

    /// A lab that is such a site.
    pub(crate) fn of_site(config: SiteConfig) -> Self {
        Builder(SiteConfig { seed: Seed(DEFAULT_SEED), ..config }).build()
    }

    /// Does something to the store at an address that its engines share, if there is one.
    pub(crate) fn in_store(&self, addr: SocketAddr, change: impl FnOnce(&mut Keeper)) {
        if let Some(keeper) = self.0.borrow_mut().site.store_at(addr) {
            change(keeper);
        }
    }

    /// A lab that keeps no frames: for one that is copied again and again.
    pub(crate) fn uncaptured() -> Self {
        Builder(SiteConfig { seed: Seed(DEFAULT_SEED), ..SiteConfig::default() }).build()
    }

    fn of(site: Site, consoles: Consoles) -> Self {
        Self(Rc::new(RefCell::new(Inner { site, consoles, natives: Vec::new() })))
    }

    /// Types a command on the default host: what it printed.
    ///
    /// # Errors
    /// `Failed` when its exit code is not 0, `TimeLimit` when it has no end.
    pub fn sh(&self, command: &str) -> Result<String, LabError> {
        self.sh_in(&self.host(), command)
    }

    /// The default host.
    fn host(&self) -> String {
        let inner = self.0.borrow();
        inner.site.engines().first().map_or_else(String::new, |engine| engine.host().name.clone())
    }

    /// Types a command in a place: a host, a container, or `HOST/NAMESPACE`.
    ///
    /// # Errors
    /// As for [`sh`](Self::sh), and `NoSuchPlace`.
    pub fn sh_in(&self, place: &str, command: &str) -> Result<String, LabError> {
        self.sh_within(place, command, PATIENCE)
    }

    /// The same for a command that may take so much virtual time.
    ///
    /// # Errors
    /// As for [`sh_in`](Self::sh_in); after `TimeLimit` the place's terminal still waits for the command.
    pub fn sh_within(&self, place: &str, command: &str, patience: Duration) -> Result<String, LabError> {
        let Inner { site, consoles, .. } = &mut *self.0.borrow_mut();
        if !consoles.open(site, place) {
            return Err(LabError::NoSuchPlace(place.to_owned()));
        }
        let until = site.now() + patience;
        let Ended { end, output } =
            consoles.play(site, place, command, until, |site| (site.now() >= until).then_some(()));
        let command = command.to_owned();
        match end {
            Ok(0) => Ok(output),
            Ok(status) => Err(LabError::Failed { command, status, output }),
            Err(()) => Err(LabError::TimeLimit { what: command }),
        }
    }

    /// Asks the default host's engine by its API: the status and the body, as far as they came within `patience`. No
    /// status means that nothing came.
    #[must_use]
    pub fn api(&self, method: &'static str, target: &str, body: &[u8], patience: Duration) -> (Option<u16>, Vec<u8>) {
        let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        let request = Request { method, target: target.to_owned(), headers, body: body.to_vec() };
        let site = &mut self.0.borrow_mut().site;
        let (until, own) = (site.now() + patience, site.request(0, request));
        let (mut status, mut all) = (None, Vec::new());
        while site.run_outside(until) {
            while let Some(output) = site.poll_output() {
                match output {
                    Output::Head { exchange, status: said, .. } if exchange == own => status = Some(said),
                    Output::Body { exchange, bytes } if exchange == own => all.extend(bytes),
                    Output::End { exchange } if exchange == own => return (status, all),
                    _ => {}
                }
            }
        }
        site.hangup(own);
        (status, all)
    }

    /// The virtual time since the world began.
    #[must_use]
    pub fn now(&self) -> Duration {
        self.0.borrow().site.now().since(Instant::ZERO)
    }

    /// Lets time pass.
    pub fn run_for(&self, time: Duration) {
        let until = self.0.borrow().site.now() + time;
        while self.step(until) {}
    }

    /// Lets time pass until something is so; it is looked at whenever something has happened.
    ///
    /// # Errors
    /// `TimeLimit` when it is not so after `limit`.
    pub fn run_until(&self, limit: Duration, is_so: impl Fn(&Self) -> bool) -> Result<(), LabError> {
        let until = self.0.borrow().site.now() + limit;
        while !is_so(self) {
            if !self.step(until) {
                return Err(LabError::TimeLimit { what: "what the lab waits for".to_owned() });
            }
        }
        Ok(())
    }

    /// Lets time pass until no frame has been on any wire for a second.
    ///
    /// # Errors
    /// `TimeLimit` when the network does not come to rest within `limit`.
    pub fn idle(&self, limit: Duration) -> Result<(), LabError> {
        let until = self.0.borrow().site.now() + limit;
        loop {
            let before = self.frames();
            self.run_for(QUIET);
            if self.frames() == before {
                return Ok(());
            }
            if self.0.borrow().site.now() >= until {
                return Err(LabError::TimeLimit { what: "the network to come to rest".to_owned() });
            }
        }
    }

    fn frames(&self) -> usize {
        self.0.borrow().site.world().fabric.capture.frames().len()
    }

    /// Goes on to the next moment at which something happens; false when that is not before `until`, which is then the
    /// present.
    fn step(&self, until: Instant) -> bool {
        self.0.borrow_mut().site.step(until)
    }

    /// Runs a future in a place, as a process there, until it is done. It has the sockets of [`net`].
    ///
    /// # Errors
    /// `NoSuchPlace`; `TimeLimit` when it is not done after ten minutes of virtual time, `Killed` when its place went away.
    pub fn run_in<T: 'static>(&self, place: &str, future: impl Future<Output = T> + 'static) -> Result<T, LabError> {
        let task = self.spawn_in(place, future)?;
        let runs = |lab: &Self| lab.is_alive(task.pid);
        let waited = self.run_until(PATIENCE, |lab| task.is_done() || !runs(lab));
        match task.take() {
            Some(value) => Ok(value),
            None => Err(waited.err().unwrap_or_else(|| LabError::Killed(place.to_owned()))),
        }
    }

    /// Lets a future run in a place, as a process there, while time passes.
    ///
    /// # Errors
    /// `NoSuchPlace`.
    pub fn spawn_in<T: 'static>(
        &self,
        place: &str,
        future: impl Future<Output = T> + 'static,
    ) -> Result<Task<T>, LabError> {
        let (value, is_done) = (Rc::new(RefCell::new(None)), Rc::new(Cell::new(false)));
        let (slot, done) = (Rc::clone(&value), Rc::clone(&is_done));
        let native = Native::new(Box::pin(async move {
            slot.replace(Some(future.await));
            done.set(true);
        }));
        let inner = &mut *self.0.borrow_mut();
        let found = inner.site.place(place).ok_or_else(|| LabError::NoSuchPlace(place.to_owned()))?;
        let pid = inner.site.spawn(&found, Box::new(native), "native");
        inner.natives.push(pid);
        Ok(Task { pid, value, is_done })
    }

    fn is_alive(&self, pid: Pid) -> bool {
        self.0.borrow().site.world().processes.running().any(|(running, ..)| running == pid)
    }

    /// Another lab with the same past; what happens in one is not seen in the other. TCP connections do not come along:
    /// in the copy each was reset at this moment, and who holds one is told.
    ///
    /// # Errors
    /// `CannotFork` while a future of the test runs in this one.
    pub fn fork(&self) -> Result<Self, LabError> {
        let inner = self.0.borrow();
        if inner.natives.iter().any(|pid| self.is_alive(*pid)) {
            return Err(LabError::CannotFork);
        }
        Ok(Self::of(inner.site.fork(), inner.consoles.clone()))
    }

    /// Every frame that passed a device so far, in order.
    #[must_use]
    pub fn packets(&self) -> Vec<Packet> {
        let packets = Recording::of(&self.0.borrow().site).packets;
        packets.into_iter().filter(|packet| packet.passed).collect()
    }

    /// The events of the engines, as their API tells them: a line of JSON each.
    #[must_use]
    pub fn events(&self) -> Vec<String> {
        Recording::of(&self.0.borrow().site).events
    }

    /// The containers of the default host, by name, and whether they run.
    #[must_use]
    pub fn containers(&self) -> BTreeMap<String, bool> {
        let inner = self.0.borrow();
        let containers = inner.site.engines().first().into_iter().flat_map(|engine| engine.containers());
        containers.map(|container| (container.name.clone(), container.is_running())).collect()
    }
}
