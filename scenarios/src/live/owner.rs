//! The owner: the one thread that has the site. Its keeper takes commands, lets virtual time pass as far as its pace allows,
//! and brings answers to clients.

use std::sync::mpsc::{Receiver, Sender, TryRecvError};
use std::time::{Duration, Instant as WallInstant, SystemTime, UNIX_EPOCH};

use netyard_drivers::cluster::store::LeaseId;
use netyard_drivers::engine::Media;
use netyard_drivers::site::{Site, SiteConfig};
use netyard_sim::time::Epoch;
use netyard_sim::userland::Programs;

use super::clients::Clients;
use super::door::{ASK, CAPTURE, Command, Part, Reply};
use super::outside::Outside;
use super::pace::{Clock, Demand, Pace, Rest};
use super::plugins::Plugins;
use super::present;
use super::publish::Publisher;
use super::stand_in;
use super::store::Store;
use super::tunnel::Tunnels;
use super::uplink::Uplinks;
use super::watch::Watch;

/// How many commands are taken before time goes on.
const AT_ONCE: usize = 1024;

/// The owner's end of the door.
#[derive(Debug)]
pub struct Inbox {
    commands: Receiver<Command>,
    watch: Watch,
}

impl Inbox {
    pub(super) const fn new(commands: Receiver<Command>, watch: Watch) -> Self {
        Self { commands, watch }
    }

    /// Waits for a command, or for a TAP device that has frames, at most that rest; which devices have some.
    fn wait(&self, rest: Rest, awake: bool) -> Vec<u64> {
        let patience = match rest {
            Rest::No => Some(Duration::ZERO),
            Rest::For(rest) => Some(rest),
            Rest::UntilCommand => None,
        };
        self.watch.wait(patience, awake)
    }

    /// The next command that has come already.
    fn take(&self) -> Option<Command> {
        match self.commands.try_recv() {
            Ok(command) => Some(command),
            Err(TryRecvError::Empty) => None,
            Err(TryRecvError::Disconnected) => Some(Command::Stop),
        }
    }
}

/// The words of who asks the simulator itself.
fn words(asked: &[u8]) -> Vec<String> {
    serde_json::from_slice(asked).unwrap_or_default()
}

/// Answers who asks the simulator itself.
fn answer(site: &mut Site, asked: &[u8], reply: &Reply) {
    let words = words(asked);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let (code, said) = site.netyard(&words);
    let body = serde_json::json!({"code": code, "said": said}).to_string();
    let head = Part::Head { status: 200, media: Media::Json, headers: Vec::new() };
    // Who does not listen any more needs no answer.
    let _ = reply.send(vec![head, Part::Body(body.into()), Part::End]);
}

/// What stands between a site and everybody outside it: clients, real programs, services of this machine, and its clock.
#[derive(Debug)]
pub struct Keeper {
    epoch: Epoch,
    clock: Clock,
    clients: Clients,
    outside: Outside,
    uplinks: Uplinks,
    cluster: Option<Cluster>,
    rest: Rest,
    /// What whoever has it wants of time himself.
    wish: Demand,
    /// Whether real programs have just sent something.
    is_busy: bool,
    plugins: Option<Plugins>,
}

/// The store that the engine shares with others, and the tunnels to them.
#[derive(Debug)]
pub struct Cluster {
    /// The way to the store.
    pub store: Store,
    /// The tunnels.
    pub tunnels: Tunnels,
}

/// What the owner has of the world outside.
#[derive(Debug)]
pub struct Belongings {
    /// Where ports are published.
    pub publisher: Publisher,
    /// What containers reach of this machine.
    pub uplinks: Uplinks,
    /// Plugins of this machine.
    pub plugins: Plugins,
    /// Other nodes.
    pub cluster: Option<Cluster>,
}

/// Builds a site, says whether its engine runs, and keeps it alive until it is told to stop; on what hangs in the store that
/// its engine shares what it leaves there. The world cannot leave the thread on which it was built.
pub fn run(
    config: &SiteConfig,
    pace: Pace,
    inbox: &Inbox,
    Belongings { publisher, uplinks, plugins, cluster }: Belongings,
    begun: &Sender<Result<(), String>>,
) -> Option<LeaseId> {
    let mut site = Site::with_programs(config, programs());
    // Who does not listen any more has given up.
    drop(begun.send(site.refusal(0).map_or(Ok(()), |refusal| Err(refusal.to_string()))));
    site.publish_on(0, Box::new(publisher));
    let mut keeper = Keeper::new(&mut site, pace, config.epoch, uplinks);
    plugins.attend(&mut site);
    (keeper.plugins, keeper.cluster) = (Some(plugins), cluster);
    while keeper.turn(&mut site, inbox, None) {}
    site.store_lease(0)
}

/// The programs of a site that somebody outside takes part in.
#[must_use]
pub fn programs() -> Programs {
    let mut programs = Site::programs();
    stand_in::add(&mut programs);
    programs
}

impl Keeper {
    /// A keeper of a site that began at `epoch`, from now on.
    #[must_use]
    pub fn new(site: &mut Site, pace: Pace, epoch: Epoch, mut uplinks: Uplinks) -> Self {
        uplinks.listen(site);
        Self {
            epoch,
            clock: Clock::new(pace, WallInstant::now(), site.now()),
            clients: Clients::default(),
            outside: Outside::default(),
            uplinks,
            plugins: None,
            cluster: None,
            rest: Rest::No,
            wish: Demand::Flow,
            is_busy: false,
        }
    }

    /// Whoever has it wants this of time from now on.
    pub const fn wish(&mut self, wish: Demand) {
        self.wish = wish;
    }

    /// Waits until something is to be done, no longer than `patience`, and does it; false when it was told to stop.
    pub fn turn(&mut self, site: &mut Site, inbox: &Inbox, patience: Option<Duration>) -> bool {
        let ready = inbox.wait(self.rest.at_most(patience), self.is_busy);
        // What came while we rested comes at the present, not at the time when the rest began.
        self.go_on(site);
        let mut taken = 0;
        while taken < AT_ONCE
            && let Some(command) = inbox.take()
        {
            if matches!(command, Command::Stop) {
                self.rest = Rest::No;
                return false;
            }
            self.obey(site, command, &inbox.watch);
            taken += 1;
        }
        self.outside.take_in(site, &inbox.watch, &ready);
        self.is_busy = !ready.is_empty();
        self.rest = self.go_on(site);
        if taken == AT_ONCE {
            // The bell that told of those that are left was heard.
            self.rest = Rest::No;
        }
        true
    }

    fn obey(&mut self, site: &mut Site, command: Command, watch: &Watch) {
        let clients = &mut self.clients;
        match command {
            Command::Request { request, reply, .. } if request.target == ASK => answer(site, &request.body, &reply),
            Command::Request { ticket, request, reply } if request.target == CAPTURE => {
                clients.capture(site, ticket, &words(&request.body), reply);
            }
            Command::Request { ticket, mut request, reply } => {
                if let Ok(here) = SystemTime::now().duration_since(UNIX_EPOCH) {
                    let there = Duration::from_nanos(self.epoch.unix_nanos(site.now()));
                    request.target = present::translate(&request.target, here, there);
                }
                clients.request(site, 0, ticket, request, reply);
            }
            Command::Dial { ticket, from, transport, peer, reply } => {
                clients.dial(site, from, ticket, (transport, peer), reply);
            }
            Command::Outside(errand) => self.outside.run(site, errand, watch),
            Command::Store(answered) => answered.tell(site),
            Command::Tunnel(arrived) => {
                if let Some(cluster) = &self.cluster {
                    cluster.tunnels.take_in(site, &arrived);
                }
            }
            Command::Input(ticket, bytes) => clients.input(site, ticket, bytes),
            Command::Hangup(ticket) => clients.hangup(site, ticket),
            Command::Answered(engine, talk, outcome) => site.answer_question(engine, talk, outcome),
            Command::Taken(ticket) => clients.taken(site, ticket),
            Command::Stop => {}
        }
    }

    /// Lets some time pass and brings what came of it to the clients; when to go on.
    fn go_on(&mut self, site: &mut Site) -> Rest {
        let wall = WallInstant::now();
        let outside = &self.outside;
        // Real programs and real stores live in real time.
        let is_real = outside.is_connected() || self.cluster.is_some();
        let wanted = || self.clients.demand(site).max(self.wish);
        let demand = || if is_real { Demand::Flow } else { wanted() };
        self.clock.set_demand(demand, wall, site.now());
        let limit = self.clock.limit(wall, site.now(), site.next_at());
        let came = site.run_outside(limit);
        let clients = &mut self.clients;
        self.uplinks.carry(site, |ticket, visitor, reply| clients.welcome(ticket, visitor, reply));
        self.plugins.iter().for_each(|plugins| plugins.carry(site));
        self.clients.deliver(site);
        self.outside.carry(site);
        if let Some(Cluster { store, tunnels }) = &mut self.cluster {
            tunnels.carry(site);
            store.carry(site);
        }
        let look = self.outside.look(site, wall);
        if came { Rest::No } else { self.clock.rest(WallInstant::now(), site.next_at()).at_most(look) }
    }
}
