//! The engine of one host: the Docker Engine API 1.41 as a function of requests and time. A carrier hands in requests,
//! input and what the world reports, and takes out the parts of replies; the engine knows no HTTP, no socket and no clock.
//!
//! How it works: `handle` reads a request, finds its handler and answers at once or later; what takes time (a stop, a
//! wait, a stream) is kept as a value in `runs`, `execs`, `waiters` or `listeners` until the world reports an end or
//! `poll` finds that its time has come. Handlers are one file a resource; the rules of networks are the controller's.

mod archive;
mod attach;
mod bugs;
mod changes;
mod console;
mod containers;
mod create;
mod echo;
mod exec;
mod flow;
mod health;
mod images;
mod inspect;
mod keys;
mod lifecycle;
mod links;
mod listen;
mod login;
mod logs;
mod networks;
mod nodes;
mod plugins;
mod power;
mod reply;
mod request;
mod restart;
mod runtime;
mod services;
mod shapes;
mod sharing;
mod start;
mod stats;
mod swarm;
mod system;
mod top;
mod update;
mod usage;
mod volumes;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use netyard_sim::fabric::NamespaceId;
use netyard_sim::rng::{Rng, Seed};
use netyard_sim::time::{Epoch, Instant};
use netyard_sim::userland::stream::PipeId;
use netyard_sim::userland::{ContextId, Pid, Request, Status};
use netyard_sim::world::World;

use crate::bug::Bugs;
use crate::cluster::message::Grant;
use crate::cluster::post::Post;
use crate::container::Container;
use crate::controller::{Controller, Talk};
use crate::daemon::{self, Config};
use crate::error::Error;
use crate::events::{Message, Subject};
use crate::id::Id;
use crate::image::{Image, Images};
use crate::network::Network;
use crate::plugin::Question;
use crate::ports::Machine;
use crate::sandbox::Sandbox;
use crate::volume::Volume;
use console::Intake;
use exec::Exec;
use lifecycle::Run;
use listen::Listener;
use logs::Follower;
use plugins::Talking;
use reply::Reply;
use request::Target;
use sharing::Sharing;
use stats::Watcher;
use swarm::{Parked, Swarm};

pub use flow::Patience;
pub use login::Login;
pub use plugins::TalkId;
pub use power::Power;
pub use reply::{ExchangeId, Media, Output, headers_of_reply};
pub use sharing::{Outside, read_store_url};
pub use system::VERSION;

/// The socket that an engine answers on.
pub const SOCKET: &str = "/var/run/docker.sock";

/// The host that an engine runs on.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Host {
    /// Its name.
    pub name: String,
    /// Its network.
    pub namespace: NamespaceId,
    /// Its files.
    pub context: ContextId,
}

/// Whose process ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Owner {
    Container(Id),
    Exec(Id),
}

/// A request as its handler sees it.
struct Call<'a> {
    exchange: ExchangeId,
    target: Target,
    request: &'a Request,
}

/// The engine of one host.
#[derive(Clone)]
pub struct Engine {
    host: Host,
    config: Config,
    power: Power,
    failure: Option<daemon::Error>,
    epoch: Epoch,
    controller: Controller,
    containers: BTreeMap<Id, Container>,
    images: Images,
    volumes: BTreeMap<String, Volume>,
    runs: BTreeMap<Id, Run>,
    execs: BTreeMap<Id, Exec>,
    owners: BTreeMap<Pid, Owner>,
    waiters: Vec<lifecycle::Waiter>,
    followers: Vec<Follower>,
    listeners: Vec<Listener>,
    watchers: Vec<Watcher>,
    /// Its place in a cluster, if it has one.
    swarm: Option<Swarm>,
    /// Its place among engines that share a store, if it has one.
    sharing: Option<Sharing>,
    /// Where other nodes seem to be that are outside the simulation, with the store; none when all are in it.
    outside: Option<Outside>,
    /// What carries its words to other nodes.
    post: Option<Post>,
    /// What its containers were given on networks across hosts, by container and network.
    grants: BTreeMap<(Id, Id), Grant>,
    /// What waits for such networks.
    parked: BTreeMap<u64, Parked>,
    next_parked: u64,
    /// What waits for plugins.
    talks: BTreeMap<TalkId, Talking>,
    next_talk: u64,
    /// The talk whose last answer has just come.
    resumed: Option<Talk>,
    /// What plugins are asked.
    questions: VecDeque<(TalkId, Question)>,
    messages: VecDeque<Message>,
    /// What it does wrong.
    bugs: Bugs,
    /// Who left which network, while coming back has a price.
    parted: BTreeSet<(Id, Id)>,
    outbox: VecDeque<Output>,
    identity: [u8; 48],
    ids: Rng,
    names: Rng,
    /// In which order a container joins its networks.
    joining: Rng,
}

impl Engine {
    /// An engine on `host` that was never started. [`Self::boot`] comes next.
    #[must_use]
    pub fn new(seed: Seed, epoch: Epoch, host: Host) -> Self {
        let controller = Controller::new(seed, &host.name, host.namespace, host.context);
        let stream = |what: &str| seed.stream(&format!("engine/{}/{what}", host.name));
        let (ids, names, joining) = (stream("ids"), stream("names"), stream("joining"));
        let mut identity = [0; 48];
        stream("identity").fill(&mut identity);
        Self {
            host,
            config: Config::default(),
            power: Power::Down,
            failure: None,
            epoch,
            controller,
            containers: BTreeMap::new(),
            images: Images::default(),
            volumes: BTreeMap::new(),
            runs: BTreeMap::new(),
            execs: BTreeMap::new(),
            owners: BTreeMap::new(),
            waiters: Vec::new(),
            followers: Vec::new(),
            listeners: Vec::new(),
            watchers: Vec::new(),
            swarm: None,
            sharing: None,
            outside: None,
            post: None,
            grants: BTreeMap::new(),
            parked: BTreeMap::new(),
            next_parked: 0,
            talks: BTreeMap::new(),
            next_talk: 0,
            resumed: None,
            questions: VecDeque::new(),
            messages: VecDeque::new(),
            bugs: Bugs::new(),
            parted: BTreeSet::new(),
            outbox: VecDeque::new(),
            identity,
            ids,
            names,
            joining,
        }
    }

    /// Publishes ports on a machine outside the simulation too, from now on.
    pub fn publish_on(&mut self, machine: Box<dyn Machine>) {
        self.controller.publish_on(machine);
    }

    /// The host that it runs on.
    #[must_use]
    pub const fn host(&self) -> &Host {
        &self.host
    }

    /// The container of that name or id.
    #[must_use]
    pub fn container(&self, term: &str) -> Option<&Container> {
        self.find_container(term).ok()
    }

    /// All containers.
    pub fn containers(&self) -> impl Iterator<Item = &Container> {
        self.containers.values()
    }

    /// All networks, oldest first.
    #[must_use]
    pub fn networks(&self) -> &[Network] {
        self.controller.networks()
    }

    /// The network side of a container: of this run, or of the last.
    #[must_use]
    pub fn sandbox_of(&self, container: &Container) -> Option<&Sandbox> {
        self.controller.sandbox(container.sandbox?)
    }

    /// Whether a namespace is one that the engine made for what is on its networks.
    #[must_use]
    pub fn made(&self, namespace: NamespaceId) -> bool {
        namespace != self.host.namespace && self.controller.has_sandbox_in(namespace)
    }

    /// What happened so far, as `docker events` tells it.
    #[must_use]
    pub const fn messages(&self) -> &VecDeque<Message> {
        &self.messages
    }

    /// The network of a running container.
    #[must_use]
    pub fn namespace_of(&self, container: &Container) -> Option<NamespaceId> {
        self.controller.sandbox(container.sandbox?).map(|sandbox| sandbox.namespace)
    }

    /// Takes in a request. Its reply comes out of [`Self::poll_output`], at once or later.
    pub fn handle(&mut self, world: &mut World, exchange: ExchangeId, request: &Request) {
        let before = self.revision();
        let target = Target::parse(&request.target);
        let path = target.as_ref().map_or_else(|_| Vec::new(), |target| target.path.clone());
        let reply = target.and_then(|target| self.route(world, request.method, &Call { exchange, target, request }));
        if let Some(reply) = self.hold_reply(world, (exchange, &path), reply, before) {
            self.conclude(vec![(exchange, reply)]);
        }
    }

    /// Answers a request, or leaves that to others.
    fn deliver(&mut self, exchange: ExchangeId, reply: Result<Reply, Error>) {
        match reply {
            Ok(Reply::Later) => {}
            Ok(Reply::Empty(status)) => self.answer(exchange, status, Media::None, ""),
            Ok(Reply::Json(status, json)) => self.answer(exchange, status, Media::Json, &json),
            Ok(Reply::Lines(lines)) => {
                self.head_of_pieces(exchange, Media::Json);
                self.outbox.push_back(Output::Body { exchange, bytes: lines.into_bytes() });
                self.outbox.push_back(Output::End { exchange });
            }
            Ok(Reply::Text(text)) => self.answer(exchange, 200, Media::Text, text),
            Err(error) => self.refuse(exchange, &error),
        }
    }

    /// Finds the handler of a request.
    fn route(&mut self, world: &mut World, method: &str, call: &Call<'_>) -> Result<Reply, Error> {
        if self.is_passed_on(method, &call.target.path) {
            return self.pass_request(world, call);
        }
        let path: Vec<&str> = call.target.path.iter().map(String::as_str).collect();
        match (method, path.as_slice()) {
            ("GET", ["_ping"]) => Ok(Reply::Text("OK")),
            // To a HEAD belongs no body.
            ("HEAD", ["_ping"]) => Ok(Reply::Text("")),
            ("GET", ["version"]) => Ok(system::version()),
            ("GET", ["info"]) => Ok(self.info(world)),
            ("GET", ["events"]) => self.events(world, call),
            ("GET", ["system", "df"]) => Ok(self.usage(world)),
            (_, ["images", rest @ ..]) => self.route_image(world, method, rest, call),
            (_, ["volumes", rest @ ..]) => self.route_volume(world, method, rest, call),
            ("POST", ["build", "prune"]) => Ok(usage::build_prune()),
            ("POST", ["build"]) => Err(Error::Unsupported("build images")),
            ("POST", ["commit"]) => self.container_commit(world, call),
            ("POST", ["auth"]) | ("GET", ["distribution", ..]) => Err(self.registry_unreachable(world)),
            ("GET", ["networks"]) => self.network_list(call),
            ("POST", ["networks", "create"]) => self.network_create(world, call),
            ("POST", ["networks", "prune"]) => self.network_prune(world, call),
            ("GET", ["networks", name]) => self.network_inspect(name, call),
            ("DELETE", ["networks", name]) => self.network_remove(world, name, call.exchange),
            ("POST", ["networks", name, "connect"]) => self.network_connect(world, name, call),
            ("POST", ["networks", name, "disconnect"]) => self.network_disconnect(world, name, call),
            ("GET", ["containers", "json"]) => self.container_list(world, call),
            ("POST", ["containers", "create"]) => self.container_create(world, call),
            ("POST", ["containers", "prune"]) => self.container_prune(world, call),
            ("DELETE", ["containers", source, alias]) => self.link_remove(world, source, alias),
            ("GET", ["containers", source, alias, "json"]) => {
                self.container_inspect(world, &format!("{source}/{alias}"), call)
            }
            ("DELETE", ["containers", name]) => self.container_remove(world, name, call),
            ("GET" | "HEAD", ["containers", name, "archive"]) => self.archive_read(world, method, name, call),
            ("PUT", ["containers", name, "archive"]) => self.archive_write(world, name, call),
            ("GET" | "POST", ["containers", name, verb]) => self.route_container(world, name, verb, call),
            ("GET", ["exec", id, "json"]) => self.exec_inspect(id),
            ("POST", ["exec", id, "start"]) => self.exec_start(world, id, call),
            ("POST", ["exec", id, "resize"]) => self.exec_resize(world, id, call),
            // A name that cannot be one is looked for all the same.
            ("GET" | "POST", ["containers", name @ .., verb]) => {
                self.route_container(world, &name.join("/"), verb, call)
            }
            ("GET", ["networks", name @ ..]) => self.network_inspect(&name.join("/"), call),
            ("DELETE", ["networks", name @ ..]) => self.network_remove(world, &name.join("/"), call.exchange),
            (_, ["swarm", rest @ ..]) => self.route_swarm(world, method, rest, call),
            (_, ["nodes", rest @ ..]) => self.route_node(world, method, rest, call),
            (_, ["services", rest @ ..]) => self.route_service(world, method, rest, call),
            (_, ["tasks", rest @ ..]) => self.route_task(world, method, rest, call),
            (_, ["secrets" | "configs", rest @ ..]) => self.no_such_object(method, rest),
            _ => Err(Error::PageUnknown),
        }
    }

    fn route_image(&mut self, world: &mut World, method: &str, rest: &[&str], call: &Call<'_>) -> Result<Reply, Error> {
        match (method, rest) {
            ("GET", ["json"]) => self.image_list(call),
            ("GET", ["search"]) => Err(self.registry_unreachable(world)),
            ("GET", ["get"]) => self.image_save(world, &call.target.query.all("names").collect::<Vec<_>>(), call),
            ("GET", [name @ .., "get"]) => self.image_save(world, &[&name.join("/")], call),
            ("POST", ["load"]) => self.image_load(world, call),
            ("GET", [name @ .., "json"]) => self.image_inspect(&name.join("/")),
            ("GET", [name @ .., "history"]) => self.image_history(&name.join("/")),
            ("POST", ["create"]) => self.image_create(world, call),
            ("POST", ["prune"]) => self.image_prune(world, call),
            ("POST", [name @ .., "tag"]) => self.image_tag(world, &name.join("/"), call),
            ("POST", [_, .., "push"]) => Err(self.registry_unreachable(world)),
            ("DELETE", [_, ..]) => self.image_remove(world, &rest.join("/"), call),
            _ => Err(Error::PageUnknown),
        }
    }

    fn route_volume(
        &mut self,
        world: &mut World,
        method: &str,
        rest: &[&str],
        call: &Call<'_>,
    ) -> Result<Reply, Error> {
        match (method, rest) {
            ("GET", []) => self.volume_list(call),
            ("GET", [name]) => self.volume_inspect(name),
            ("POST", ["create"]) => self.volume_create(world, call),
            ("POST", ["prune"]) => self.volume_prune(world, call),
            ("DELETE", [name]) => self.volume_remove(world, name, call),
            _ => Err(Error::PageUnknown),
        }
    }

    fn route_container(&mut self, world: &mut World, name: &str, verb: &str, call: &Call<'_>) -> Result<Reply, Error> {
        match verb {
            "attach" => self.container_attach(world, name, call),
            "changes" => self.container_changes(world, name),
            "exec" => self.exec_create(world, name, call),
            "export" => self.container_export(world, name, call),
            "json" => self.container_inspect(world, name, call),
            "kill" => self.container_kill(world, name, call),
            "logs" => self.container_logs(name, call),
            "pause" => self.container_pause(world, name),
            "rename" => self.container_rename(world, name, call),
            "resize" => self.container_resize(world, name, call),
            "restart" => self.container_restart(world, name, call),
            "start" => self.container_start(world, name, call),
            "stats" => self.container_stats(world, name, call),
            "stop" => self.container_stop(world, name, call),
            "top" => self.container_top(world, name, call),
            "unpause" => self.container_unpause(world, name),
            "update" => self.container_update(world, name, call),
            "wait" => self.container_wait(name, call),
            _ => Err(Error::PageUnknown),
        }
    }

    /// Takes in what a client sends on a stream; empty at its end.
    pub fn handle_input(&mut self, world: &mut World, exchange: ExchangeId, bytes: &[u8]) {
        let mut intakes = self.consoles_mut().map(|console| console.handle_input(world, exchange, bytes));
        let intake = intakes.find(|intake| *intake != Intake::Elsewhere);
        drop(intakes);
        match intake {
            Some(Intake::Detached) => self.detached(world, exchange),
            Some(Intake::Ended) => {
                self.release(world, exchange);
                self.consoles_mut().for_each(|console| console.detach(exchange));
                self.outbox.push_back(Output::End { exchange });
            }
            Some(Intake::Elsewhere | Intake::Taken) | None => {}
        }
    }

    /// A client has left by its keys: what it watched goes on without it.
    fn detached(&mut self, world: &mut World, exchange: ExchangeId) {
        self.release(world, exchange);
        let run = self.runs.iter_mut().find(|(_, run)| run.console.is_watched_by(exchange));
        let run = run.map(|(id, run)| (*id, &mut run.console));
        let exec = self.execs.iter_mut().find(|(_, exec)| exec.console.is_watched_by(exchange));
        if let Some((container, console)) = run {
            console.detach(exchange);
            self.tell_container(world, container, "detach", &[]);
        } else if let Some((id, exec)) = exec {
            exec.console.detach(exchange);
            let (id, container) = (*id, exec.container);
            self.tell_container(world, container, "exec_detach", &[("execID", id.to_string())]);
        }
        self.outbox.push_back(Output::End { exchange });
    }

    /// Takes in that a client is gone.
    pub fn handle_hangup(&mut self, world: &mut World, exchange: ExchangeId) {
        self.cancel_waiter(exchange);
        self.cancel_join(exchange);
        self.cancel_errands(exchange);
        self.stop_reading(exchange);
        self.followers.retain(|follower| follower.exchange != exchange);
        self.listeners.retain(|listener| listener.exchange != exchange);
        self.watchers.retain(|watcher| watcher.exchange != exchange);
        // Others may have waited for it.
        self.release(world, exchange);
        self.consoles_mut().for_each(|console| console.detach(exchange));
    }

    /// Takes in that a pipe has something to read; false when it is none of this engine's.
    pub fn handle_readable(&mut self, world: &mut World, pipe: PipeId) -> bool {
        self.read_post(world, pipe) || self.carry(world, |console| console.reads(pipe) && !console.is_held())
    }

    /// Takes in that a process ended; false when it is none of this engine's.
    pub fn handle_exit(&mut self, world: &mut World, pid: Pid, status: Status) -> bool {
        match self.owners.remove(&pid) {
            Some(Owner::Container(id)) => self.main_process_ended(world, id, status.code()),
            Some(Owner::Exec(id)) => self.exec_ended(world, id, status.code()),
            None => return self.post_ended(world, pid),
        }
        true
    }

    /// When [`Self::poll`] has something to do.
    #[must_use]
    pub fn next_at(&self) -> Option<Instant> {
        if self.power == Power::Down {
            return self.runs.values().filter_map(Run::report_at).min();
        }
        let stops = self.runs.values().filter_map(Run::next_at);
        let listeners = self.listeners.iter().filter_map(|listener| listener.until);
        let followers = self.followers.iter().filter_map(|follower| follower.due);
        let watchers = self.watchers.iter().map(|watcher| watcher.due);
        let checks = self.runs.values().filter_map(|run| run.health.as_ref()?.due_at());
        let swarm = self.swarm.as_ref().and_then(Swarm::next_at).into_iter().chain(self.attachments_next_at());
        let sharing = self.sharing_next_at();
        stops.chain(listeners).chain(followers).chain(watchers).chain(checks).chain(swarm).chain(sharing).min()
    }

    /// Does what is due: kills what was asked to stop long enough ago, and ends streams that have an end.
    pub fn poll(&mut self, world: &mut World) {
        self.take_reports(world);
        if self.power == Power::Down {
            return;
        }
        self.kill_overdue(world);
        self.restart_due(world);
        self.remove_due(world);
        self.end_listeners(world.now());
        self.feed_followers(world.now());
        self.tell_watchers(world);
        self.check_health(world);
        self.poll_swarm(world);
        self.poll_sharing(world);
        self.conclude(Vec::new());
    }

    /// The next part of a reply.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outbox.pop_front()
    }

    /// Answers a request whole.
    fn answer(&mut self, exchange: ExchangeId, status: u16, media: Media, body: &str) {
        self.head(exchange, status, media);
        if !body.is_empty() {
            self.outbox.push_back(Output::Body { exchange, bytes: body.as_bytes().to_vec() });
        }
        self.outbox.push_back(Output::End { exchange });
    }

    fn refuse(&mut self, exchange: ExchangeId, error: &Error) {
        self.answer(exchange, error.status(), Media::Json, &reply::error_body(error));
    }

    fn head(&mut self, exchange: ExchangeId, status: u16, media: Media) {
        self.outbox.push_back(Output::Head { exchange, status, media, headers: Vec::new() });
    }

    /// The head of a reply that comes in pieces, be it just one: clients read others in another way.
    fn head_of_pieces(&mut self, exchange: ExchangeId, media: Media) {
        let headers = vec![("transfer-encoding", "chunked".to_owned())];
        self.outbox.push_back(Output::Head { exchange, status: 200, media, headers });
    }

    /// The head of a stream in both directions; a client that did not ask for an upgrade can only read.
    fn head_of_stream(&mut self, call: &Call<'_>) {
        let status = if call.request.header("upgrade").is_some() { 101 } else { 200 };
        self.head(call.exchange, status, Media::RawStream);
    }

    /// The container that `term` means: a full id, a name, a link as `source/alias`, or the beginning of one id.
    fn find_container(&self, term: &str) -> Result<&Container, Error> {
        if term.is_empty() {
            return Err(Error::NameEmpty);
        }
        let name = term.strip_prefix('/').unwrap_or(term);
        let exact = |c: &&Container| c.name == name || c.id.to_string() == term;
        if let Some(container) = self.containers.values().find(exact) {
            return Ok(container);
        }
        if let Some(container) = self.find_linked(name) {
            return Ok(container);
        }
        let mut begun = self.containers.values().filter(|c| c.id.begins_with(term));
        match (begun.next(), begun.next()) {
            (None, _) => Err(Error::ContainerUnknown(term.to_owned())),
            (Some(container), None) => Ok(container),
            (Some(_), Some(_)) => Err(Error::AmbiguousContainer(term.to_owned())),
        }
    }

    fn container_mut(&mut self, id: Id) -> &mut Container {
        self.containers.get_mut(&id).expect("the caller found the container")
    }

    /// Tells that something happened to a container.
    fn tell_container(&mut self, world: &World, id: Id, action: &str, more: &[(&str, String)]) {
        let container = self.containers.get(&id).expect("a container tells before it is removed");
        let mut attributes = container.config.labels.clone();
        attributes.insert("image".to_owned(), container.config.image_reference.clone());
        attributes.insert("name".to_owned(), container.name.clone());
        self.tell(world, Subject::Container, id.to_string(), action, attributes, more);
    }

    /// Tells that something happened to a network, which may be gone already.
    fn tell_network(&mut self, world: &World, network: &NetworkName, action: &str, more: &[(&str, String)]) {
        let attributes = [("name", &network.name), ("type", &network.driver)];
        let attributes = attributes.into_iter().map(|(k, v)| (k.to_owned(), v.clone())).collect();
        self.tell(world, Subject::Network, network.id.to_string(), action, attributes, more);
    }

    /// Tells that something happened to a volume.
    fn tell_volume(&mut self, world: &World, name: &str, action: &str, more: &[(&str, String)]) {
        let attributes = BTreeMap::from([("driver".to_owned(), volumes::DRIVER.to_owned())]);
        self.tell(world, Subject::Volume, name.to_owned(), action, attributes, more);
    }

    /// Tells that something happened to an image.
    fn tell_image(&mut self, world: &World, image: &Image, action: &str, name: &str) {
        let attributes = BTreeMap::from([("name".to_owned(), name.to_owned())]);
        self.tell(world, Subject::Image, image.digest(), action, attributes, &[]);
    }

    fn tell(
        &mut self,
        world: &World,
        subject: Subject,
        actor: String,
        action: &str,
        mut attributes: BTreeMap<String, String>,
        more: &[(&str, String)],
    ) {
        attributes.extend(more.iter().map(|(key, value)| ((*key).to_owned(), value.clone())));
        self.publish(Message { at: world.now(), subject, action: action.to_owned(), actor, attributes });
    }
}

/// What messages say of a network.
#[derive(Clone, Debug)]
struct NetworkName {
    id: Id,
    name: String,
    driver: String,
}

impl NetworkName {
    fn of(network: &Network) -> Self {
        Self { id: network.id, name: network.name().to_owned(), driver: network.config.driver.clone() }
    }
}

#[cfg(test)]
mod tests;
