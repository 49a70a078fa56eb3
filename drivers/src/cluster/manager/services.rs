//! Services, as the manager has them: what clients ask for is checked and kept, and nodes are told which tasks they have.
//! Which tasks there shall be is decided on the [`Board`]; here they get addresses and nodes.

use core::net::IpAddr;
use std::collections::{BTreeMap, BTreeSet};

use netyard_sim::time::Instant;

use super::schedule::{self, Candidate, Constraint};
use super::{Manager, Presence, read, text};
use crate::cluster::board::{Board, Ground};
use crate::cluster::message::{Assignment, Grant, Report};
use crate::cluster::object::{Attachment, Availability, Network, Node};
use crate::cluster::service::{
    Mode, Place, PortSpec, PublishMode, Service, Spec, Task, TaskState, UpdateState, UpdateStatus, Vip,
};
use crate::cluster::store::Store;
use crate::error::SwarmError as Refusal;
use crate::id::Id;
use crate::image::Reference;

/// Keys of the store.
const SERVICES: &str = "service/";
const WORK: &str = "work/";
/// The first port that is given to who wants any.
const FIRST_PORT: u16 = 30_000;
/// How long a name may be.
const NAME_MAX: usize = 63;
/// How often tasks may lead to others before the rest waits.
const ROUNDS: usize = 8;

impl Manager {
    /// All services, by their names, with the revision that changed each last.
    #[must_use]
    pub fn services(&self) -> Vec<(Service, u64)> {
        services_of(&self.store)
    }

    /// All tasks, the oldest first, with the revision that changed each last.
    #[must_use]
    pub fn tasks(&self) -> Vec<(Task, u64)> {
        tasks_of(&self.store)
    }

    /// The service that is meant: by its id, its name or the beginning of its id.
    ///
    /// # Errors
    /// `Unknown`, `Ambiguous`.
    pub fn find_service(&self, term: &str) -> Result<(Service, u64), Refusal> {
        find_service_in(&self.store, term)
    }

    /// The task that is meant, likewise.
    ///
    /// # Errors
    /// `Unknown`, `Ambiguous`.
    pub fn find_task(&self, term: &str) -> Result<(Task, u64), Refusal> {
        find_task_in(&self.store, term)
    }

    /// Makes a service; its id.
    ///
    /// # Errors
    /// `Invalid`, `NameConflict`, `PortTaken`.
    pub fn create_service(&mut self, now: Instant, spec: Spec) -> Result<String, Refusal> {
        self.check(&spec, None)?;
        let id = Id::object(&mut self.ids).to_string();
        let (created, updated, spec_is_job) = (now.as_nanos(), now.as_nanos(), spec.mode.is_job());
        let service = Service {
            id: id.clone(),
            ports: self.numbered(&spec, &[]),
            vips: self.take_vips(&spec, Vec::new()),
            spec,
            previous: None,
            begun: spec_is_job.then_some(created),
            generation: 0,
            update: None,
            created,
            updated,
        };
        self.store.put(&format!("{SERVICES}{id}"), text(&service));
        self.orchestrate(now);
        Ok(id)
    }

    /// Changes a service, by who has seen it as it was at revision `version`.
    ///
    /// # Errors
    /// `OutOfSequence`, `Fixed`, and those of a new one.
    pub fn update_service(
        &mut self,
        now: Instant,
        (service, version): (Service, u64),
        spec: Spec,
        is_rollback: bool,
    ) -> Result<(), Refusal> {
        if spec.name != service.spec.name {
            return Err(Refusal::Fixed("renaming services is not supported"));
        }
        if core::mem::discriminant(&spec.mode) != core::mem::discriminant(&service.spec.mode) {
            return Err(Refusal::Fixed("service mode change is not allowed"));
        }
        self.check(&spec, Some(&service.id))?;
        let key = format!("{SERVICES}{}", service.id);
        if self.store.get(&key).is_none_or(|entry| entry.modified != version) {
            return Err(Refusal::OutOfSequence);
        }
        // A job is begun anew by whatever is changed, be it nothing.
        let is_job = spec.mode.is_job();
        let is_other = is_job
            || spec.task_template != service.spec.task_template
            || spec.endpoint_spec != service.spec.endpoint_spec
            || spec.networks != service.spec.networks;
        let rolls = is_other && (is_rollback || !is_job);
        let update = rolls.then(|| UpdateStatus {
            state: if is_rollback { UpdateState::RollbackStarted } else { UpdateState::Updating },
            started: now.as_nanos(),
            completed: None,
            message: if is_rollback { "manually requested rollback" } else { "update in progress" }.to_owned(),
        });
        let changed = Service {
            ports: self.numbered(&spec, &service.ports),
            vips: self.take_vips(&spec, service.vips.clone()),
            previous: Some(service.spec.clone()),
            generation: service.generation + u64::from(is_other),
            begun: is_job.then_some(now.as_nanos()),
            update: update.or_else(|| service.update.clone().filter(|_| !is_job)),
            updated: now.as_nanos(),
            spec,
            ..service
        };
        self.store.put(&key, text(&changed));
        self.orchestrate(now);
        Ok(())
    }

    /// Removes a service, with its tasks.
    pub fn remove_service(&mut self, now: Instant, service: &Service) {
        self.store.delete(&format!("{SERVICES}{}", service.id));
        service.vips.iter().for_each(|vip| self.given.give_back(&vip.network, vip.addr));
        self.orchestrate(now);
    }

    fn check(&self, spec: &Spec, own: Option<&str>) -> Result<(), Refusal> {
        check_name(&spec.name)?;
        let image = &spec.task_template.container_spec.image;
        if image.is_empty() {
            return Err(Refusal::Invalid("ContainerSpec: image reference must be provided".to_owned()));
        }
        if Reference::parse(image).is_err() {
            return Err(Refusal::Invalid(format!("ContainerSpec: \"{image}\" is not a valid repository/tag")));
        }
        let placement = spec.task_template.placement.iter();
        for constraint in placement.flat_map(|placement| &placement.constraints) {
            Constraint::parse(constraint)
                .map_err(|why| Refusal::Said(format!("rpc error: code = Unknown desc = {why}")))?;
        }
        check_limits(spec)?;
        if spec.mode.is_job() && spec.update_config.is_some() {
            return Err(Refusal::Invalid("Jobs may not have an update config".to_owned()));
        }
        if !spec.has_vip() && spec.is_published() {
            let why = "EndpointSpec: port published with ingress mode can't be used with dnsrr mode";
            return Err(Refusal::Invalid(why.to_owned()));
        }
        if spec.is_published() && !self.networks().iter().any(|network| network.ingress) {
            return Err(Refusal::NoIngress);
        }
        for wanted in spec.wanted() {
            match self.find_network(&wanted.target) {
                Some(network) if network.ingress => {
                    let why =
                        format!("Service cannot be explicitly attached to the ingress network \"{}\"", network.name);
                    return Err(Refusal::Invalid(why));
                }
                Some(_) => {}
                None if is_of_nodes(&wanted.target) => {}
                None => return Err(Refusal::Unknown { kind: "network", term: wanted.target.clone() }),
            }
        }
        let services = self.services();
        let mut others = services.iter().map(|(service, _)| service).filter(|other| Some(other.id.as_str()) != own);
        if others.clone().any(|other| other.spec.name == spec.name) {
            return Err(Refusal::NameConflict(spec.name.clone()));
        }
        let clash = others.find_map(|other| {
            let is_taken = |port: &&PortSpec| other.ports.iter().any(|theirs| clashes(port, theirs));
            spec.ports().iter().find(is_taken).map(|port| (other, port.published_port))
        });
        match clash {
            Some((other, port)) => {
                let (name, id) = (other.spec.name.clone(), other.id.clone());
                Err(Refusal::PortTaken { port, name, id })
            }
            None => Ok(()),
        }
    }

    /// The ports of a service, each with a number; what it had so far it keeps.
    fn numbered(&self, spec: &Spec, before: &[PortSpec]) -> Vec<PortSpec> {
        let services = self.services();
        let taken = services.iter().flat_map(|(service, _)| &service.ports);
        let mut taken: BTreeSet<(u16, _)> = taken.map(|port| (port.published_port, port.protocol)).collect();
        let number = |port: &PortSpec| {
            if port.published_port != 0 || port.publish_mode == PublishMode::Host {
                return port.clone();
            }
            let same = |old: &&PortSpec| PortSpec { published_port: 0, ..(*old).clone() } == *port;
            let known = before.iter().find(same).map(|old| old.published_port);
            let free = || (FIRST_PORT..=u16::MAX).find(|number| !taken.contains(&(*number, port.protocol)));
            let published_port = known.or_else(free).unwrap_or_default();
            taken.insert((published_port, port.protocol));
            PortSpec { published_port, ..port.clone() }
        };
        spec.ports().iter().map(number).collect()
    }

    /// The networks that the tasks of a service are on: the one by which ports are published, then those it asks for.
    fn networks_of(&self, spec: &Spec) -> Vec<(Network, Vec<String>)> {
        let ingress = self.networks().into_iter().find(|network| network.ingress && spec.is_published());
        let asked = spec.wanted().iter();
        let asked = asked.filter_map(|wanted| Some((self.find_network(&wanted.target)?, wanted.aliases.clone())));
        ingress.map(|network| (network, Vec::new())).into_iter().chain(asked).collect()
    }

    /// The addresses of a service; what it had so far it keeps, and gives back what it does not need.
    fn take_vips(&mut self, spec: &Spec, before: Vec<Vip>) -> Vec<Vip> {
        let networks = if spec.has_vip() { self.networks_of(spec) } else { Vec::new() };
        let (kept, lost): (Vec<Vip>, Vec<Vip>) =
            before.into_iter().partition(|vip| networks.iter().any(|(network, _)| network.id == vip.network));
        lost.iter().for_each(|vip| self.given.give_back(&vip.network, vip.addr));
        let mut vips = Vec::new();
        for (network, _) in networks {
            let known = kept.iter().find(|vip| vip.network == network.id).cloned();
            let vip = known.or_else(|| {
                let addr = self.given.take(&network.id, None)?;
                Some(Vip { prefix: prefix_of(&network, addr), addr, network: network.id.clone() })
            });
            vips.extend(vip);
        }
        vips
    }

    /// Makes the tasks what they shall be.
    pub(super) fn orchestrate(&mut self, now: Instant) {
        for _ in 0..ROUNDS {
            let before = self.store.revision();
            self.settle_work(now);
            if self.store.revision() == before {
                return;
            }
        }
    }

    /// When tasks are looked at again although nothing happens.
    #[must_use]
    pub fn work_next_at(&self) -> Option<Instant> {
        self.work_at
    }

    fn settle_work(&mut self, now: Instant) {
        let mut services: Vec<Service> = self.services().into_iter().map(|(service, _)| service).collect();
        let before: BTreeMap<String, Task> =
            self.tasks().into_iter().map(|(task, _)| (task.id.clone(), task)).collect();
        let nodes: Vec<Node> = self.nodes().into_iter().map(|(node, _)| node).collect();
        let ground = |node: &Node| {
            let takes_no_more = self.presence(&node.id) == Presence::Unknown;
            let availability = match node.spec.availability {
                Availability::Active if takes_no_more => Availability::Pause,
                other => other,
            };
            Ground { id: node.id.clone(), alive: self.is_alive(&node.id), availability }
        };
        let fit = |service: &Service| {
            let fitting = nodes.iter().filter(|node| schedule::fits_service(service, node));
            fitting.map(|node| (service.id.clone(), node.id.clone())).collect::<Vec<_>>()
        };
        let mut ids = self.ids.clone();
        let mut board = Board {
            now,
            nodes: nodes.iter().map(ground).collect(),
            tasks: before.clone(),
            ids: &mut ids,
            history: self.cluster.settings.history(),
            fits: services.iter().flat_map(fit).collect(),
        };
        reject_misplaced(now, &mut board.tasks, &nodes);
        let of_nobody = |task: &&Task| !services.iter().any(|service| service.id == task.service);
        let orphans: BTreeSet<String> = before.values().filter(of_nobody).map(|task| task.service.clone()).collect();
        orphans.iter().for_each(|service| board.remove(service));
        for service in &mut services {
            board.settle(service);
        }
        board.forget_removed();
        self.work_at = board.next_at(&services);
        let tasks = core::mem::take(&mut board.tasks);
        self.ids = ids;
        self.follow_specs(&mut services);
        let tasks = self.give_addresses(now, tasks, &services);
        let tasks = self.give_nodes(now, tasks, &nodes);
        self.keep_work(now, &before, &tasks, &services);
    }

    /// A service that is again what it was has the addresses and ports that belong to it.
    fn follow_specs(&mut self, services: &mut [Service]) {
        for service in services {
            let known = self.store.get(&format!("{SERVICES}{}", service.id)).and_then(read::<Service>);
            if known.is_some_and(|known| known.spec != service.spec) {
                service.ports = self.numbered(&service.spec, &service.ports);
                service.vips = self.take_vips(&service.spec, service.vips.clone());
            }
        }
    }

    /// New tasks get their places on networks.
    fn give_addresses(
        &mut self,
        now: Instant,
        mut tasks: BTreeMap<String, Task>,
        services: &[Service],
    ) -> BTreeMap<String, Task> {
        let order = |task: &&mut Task| (task.created, task.slot, task.id.clone());
        let mut new: Vec<&mut Task> = tasks.values_mut().filter(|t| t.status.state == TaskState::New).collect();
        new.sort_by_key(order);
        for task in new {
            let Some(service) = services.iter().find(|service| service.id == task.service) else { continue };
            let networks = self.networks_of(&service.spec);
            if networks.iter().any(|(network, _)| !network.allocated) {
                continue;
            }
            let Some(places) = self.take_places(task, networks) else { continue };
            let host = service.ports.iter().filter(|port| port.publish_mode == PublishMode::Host);
            task.ports = host.cloned().collect();
            task.places = places;
            note(task, now, TaskState::Pending, "pending task scheduling");
        }
        tasks
    }

    /// An address on each network, or none at all when one of them has none left.
    fn take_places(&mut self, task: &Task, networks: Vec<(Network, Vec<String>)>) -> Option<Vec<Place>> {
        let mut places: Vec<Place> = Vec::new();
        for (network, aliases) in networks {
            let Some(addr) = self.given.take(&network.id, None) else {
                places.iter().for_each(|place| self.given.give_back(&place.network, place.addr));
                return None;
            };
            places.push(Place { network: network.id, addr, aliases });
        }
        for place in &places {
            self.keep_attachment(task, place, String::new());
        }
        Some(places)
    }

    fn keep_attachment(&mut self, task: &Task, place: &Place, node: String) {
        let attachment = Attachment {
            task: attachment_of(task, place),
            network: place.network.clone(),
            container: task.id.clone(),
            node,
            addr: place.addr,
            service: Some(task.service.clone()),
        };
        self.put_attachment(&attachment);
    }

    /// Tasks that have none get a node.
    fn give_nodes(
        &mut self,
        now: Instant,
        mut tasks: BTreeMap<String, Task>,
        nodes: &[Node],
    ) -> BTreeMap<String, Task> {
        let candidates: Vec<Candidate> = nodes
            .iter()
            .map(|node| {
                let takes = node.spec.availability == Availability::Active;
                Candidate { node: node.clone(), takes: takes && self.presence(&node.id) == Presence::Ready }
            })
            .collect();
        let waits = |task: &&Task| task.status.state == TaskState::Pending && task.is_wanted();
        let mut waiting: Vec<Task> = tasks.values().filter(waits).cloned().collect();
        waiting.sort_by_key(|task| (task.created, task.slot, task.id.clone()));
        for mut task in waiting {
            let all: Vec<&Task> = tasks.values().collect();
            match schedule::choose(&task, &candidates, &all) {
                Ok(node) => {
                    task.node = Some(node.clone());
                    task.status.error.clear();
                    note(&mut task, now, TaskState::Assigned, "scheduler assigned task to node");
                    for place in task.places.clone() {
                        self.keep_attachment(&task, &place, node.clone());
                    }
                }
                Err(why) => task.status.error = why,
            }
            tasks.insert(task.id.clone(), task);
        }
        tasks
    }

    /// Writes what has changed, and gives back the addresses of tasks that have ended.
    fn keep_work(
        &mut self,
        now: Instant,
        before: &BTreeMap<String, Task>,
        tasks: &BTreeMap<String, Task>,
        services: &[Service],
    ) {
        for id in before.keys().filter(|id| !tasks.contains_key(*id)) {
            self.store.delete(&format!("{WORK}{id}"));
        }
        for (id, task) in tasks {
            if before.get(id) != Some(task) {
                let task = Task { updated: now.as_nanos(), ..task.clone() };
                self.store.put(&format!("{WORK}{id}"), text(&task));
            }
        }
        for service in services {
            let key = format!("{SERVICES}{}", service.id);
            if self.store.get(&key).and_then(read::<Service>).is_some_and(|known| known != *service) {
                self.store.put(&key, text(service));
            }
        }
        let is_used = |attachment: &Attachment| tasks.get(&attachment.container).is_some_and(|task| !task.is_over());
        for attachment in self.attachments().into_iter().filter(|a| a.service.is_some() && !is_used(a)) {
            self.detach(&attachment.task);
        }
    }

    /// Takes in what a node says of its tasks.
    pub(super) fn take_reports(&mut self, now: Instant, node: &str, reports: Vec<Report>) {
        for Report { task: id, status } in reports {
            let key = format!("{WORK}{id}");
            let Some(task) = self.store.get(&key).and_then(read::<Task>) else { continue };
            if task.node.as_deref() != Some(node) || status.state < task.status.state || status == task.status {
                continue;
            }
            let task = Task { status, updated: now.as_nanos(), ..task };
            self.store.put(&key, text(&task));
        }
        self.orchestrate(now);
    }

    /// Whether something about tasks has changed since a revision.
    pub(super) fn has_work_since(&self, seen: u64) -> bool {
        let is_news =
            |prefix: &str| self.store.changes(seen, prefix).map_or(true, |mut changes| changes.next().is_some());
        is_news(WORK) || is_news(SERVICES)
    }

    /// The tasks that a node has.
    pub fn assigned_to(&mut self, node: &str) -> Vec<Assignment> {
        let services = self.services();
        let tasks = self.tasks().into_iter().map(|(task, _)| task);
        let own: Vec<Task> =
            tasks.filter(|t| t.node.as_deref() == Some(node) && t.status.state > TaskState::Pending).collect();
        own.into_iter()
            .map(|task| {
                let service = services.iter().map(|(service, _)| service).find(|service| service.id == task.service);
                let grants = if task.is_over() { Vec::new() } else { self.grants_of(&task, node) };
                Assignment {
                    vips: service.map(|service| service.vips.clone()).unwrap_or_default(),
                    ports: service.map(|service| service.ports.clone()).unwrap_or_default(),
                    grants,
                    task,
                }
            })
            .collect()
    }

    fn grants_of(&mut self, task: &Task, node: &str) -> Vec<Grant> {
        let mut grants = Vec::new();
        for place in &task.places {
            let Some(network) = self.find_network(&place.network) else { continue };
            let own = self.own_address(node, &network.id);
            grants.push(Grant { task: attachment_of(task, place), network, addr: place.addr, own });
        }
        grants
    }

    /// How many tasks of a service run, how many shall, and how many of a job have ended well.
    #[must_use]
    pub fn count(&self, service: &Service) -> (u64, u64, u64) {
        let tasks: Vec<Task> = self.tasks().into_iter().map(|(task, _)| task).collect();
        let own = || tasks.iter().filter(|task| task.service == service.id);
        let count = |fits: &dyn Fn(&Task) -> bool| {
            let own = own().filter(|task| task.generation == service.generation && fits(task));
            u64::try_from(own.count()).unwrap_or(u64::MAX)
        };
        // Of a job those count that are not heard, too.
        let is_in = |state: TaskState| count(&|task: &Task| task.status.state == state);
        let is_due = |task: &Task| task.desired == TaskState::Complete && !task.is_over();
        match service.spec.mode {
            Mode::ReplicatedJob { at_once, .. } => {
                return (is_in(TaskState::Running), at_once, is_in(TaskState::Complete));
            }
            Mode::GlobalJob {} => return (is_in(TaskState::Running), count(&is_due), is_in(TaskState::Complete)),
            Mode::Replicated { .. } | Mode::Global {} => {}
        }
        let runs = own().filter(|task| {
            let node = task.node.as_deref();
            task.status.state == TaskState::Running && node.is_some_and(|node| self.is_alive(node))
        });
        let wanted = match service.spec.mode {
            Mode::Replicated { replicas } => replicas,
            _ => u64::try_from(own().filter(|task| task.is_wanted()).count()).unwrap_or(u64::MAX),
        };
        (u64::try_from(runs.count()).unwrap_or(u64::MAX), wanted, 0)
    }
}

/// Tasks whose node is not any more what it has to be are given up (swarmkit's constraint enforcer).
fn reject_misplaced(now: Instant, tasks: &mut BTreeMap<String, Task>, nodes: &[Node]) {
    let is_placed = |task: &&mut Task| {
        let state = task.status.state;
        task.is_wanted() && state >= TaskState::Assigned && state <= TaskState::Running
    };
    for task in tasks.values_mut().filter(is_placed) {
        let node = nodes.iter().find(|node| Some(&node.id) == task.node.as_ref());
        if node.is_some_and(|node| !schedule::fits(&task.spec, node)) {
            note(task, now, TaskState::Rejected, "task rejected by constraint enforcer");
            "assigned node no longer meets constraints".clone_into(&mut task.status.error);
        }
    }
}

fn services_of(store: &Store) -> Vec<(Service, u64)> {
    let found = store.range(SERVICES).filter_map(|(_, entry)| Some((read::<Service>(entry)?, entry.modified)));
    let mut services: Vec<_> = found.collect();
    services.sort_by(|(a, _), (b, _)| a.spec.name.cmp(&b.spec.name));
    services
}

fn tasks_of(store: &Store) -> Vec<(Task, u64)> {
    let found = store.range(WORK).filter_map(|(_, entry)| Some((read::<Task>(entry)?, entry.modified)));
    let mut tasks: Vec<_> = found.collect();
    tasks.sort_by_key(|(task, _)| (task.created, task.slot));
    tasks
}

/// The service of a store that is meant.
///
/// # Errors
/// `Unknown`, `Ambiguous`.
pub fn find_service_in(store: &Store, term: &str) -> Result<(Service, u64), Refusal> {
    found("service", &services_of(store), term, |service| (service.id.clone(), service.spec.name.clone()))
}

/// The task of a store that is meant.
///
/// # Errors
/// `Unknown`, `Ambiguous`.
pub fn find_task_in(store: &Store, term: &str) -> Result<(Task, u64), Refusal> {
    found("task", &tasks_of(store), term, |task| (task.id.clone(), task.name()))
}

/// All services of a store.
pub(super) fn services_in(store: &Store) -> Vec<Service> {
    store.range(SERVICES).filter_map(|(_, entry)| read(entry)).collect()
}

/// Whether a network is one that every node has of its own.
#[must_use]
pub fn is_of_nodes(name: &str) -> bool {
    matches!(name, "host" | "bridge")
}

fn attachment_of(task: &Task, place: &Place) -> String {
    format!("{}-{}", task.id, place.network.get(..8).unwrap_or(&place.network))
}

fn note(task: &mut Task, now: Instant, state: TaskState, message: &str) {
    (task.status.state, task.status.at, task.status.message) = (state, now.as_nanos(), message.to_owned());
}

fn prefix_of(network: &Network, addr: IpAddr) -> u8 {
    let subnets = network.subnets.iter().filter_map(|subnet| subnet.config());
    let fits = subnets.map(|subnet| subnet.pool.subnet).find(|net| net.contains(addr));
    fits.map_or(32, |net| net.prefix())
}

/// Whether two published ports are one.
fn clashes(one: &PortSpec, other: &PortSpec) -> bool {
    let both = [one, other].iter().all(|port| port.publish_mode == PublishMode::Ingress);
    both && one.published_port != 0 && (one.published_port, one.protocol) == (other.published_port, other.protocol)
}

/// A name that can be a part of a DNS name.
/// What tasks may use is either nothing said, or enough to live on.
fn check_limits(spec: &Spec) -> Result<(), Refusal> {
    const MEMORY_MIN: i64 = 4 << 20;
    const CPU_MIN: i64 = 1_000_000;
    let resources = spec.task_template.resources.as_ref();
    for part in ["Limits", "Reservations"] {
        let amount = |field: &str| resources.and_then(|all| all[part][field].as_i64()).unwrap_or_default();
        let (memory, cpus) = (amount("MemoryBytes"), amount("NanoCPUs"));
        if memory != 0 && memory < MEMORY_MIN {
            return Err(Refusal::Invalid(format!("invalid memory value {memory}: Must be at least 4MiB")));
        }
        if cpus != 0 && cpus < CPU_MIN {
            let cpus = format!("0.{cpus:09}");
            let cpus = cpus.trim_end_matches('0');
            return Err(Refusal::Invalid(format!("invalid cpu value {cpus}: Must be at least 0.001")));
        }
    }
    Ok(())
}

fn check_name(name: &str) -> Result<(), Refusal> {
    let is_end = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    let is_inner = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if !is_end(name.chars().next()) || !is_end(name.chars().last()) || !name.chars().all(is_inner) {
        return Err(Refusal::Invalid("name must be valid as a DNS name component".to_owned()));
    }
    if name.len() > NAME_MAX {
        return Err(Refusal::Invalid(format!("name must be {NAME_MAX} characters or fewer")));
    }
    Ok(())
}

/// The one thing that is meant: by its id, its name or the beginning of its id.
fn found<T: Clone>(
    kind: &'static str,
    all: &[(T, u64)],
    term: &str,
    keys: impl Fn(&T) -> (String, String),
) -> Result<(T, u64), Refusal> {
    let by = |fits: &dyn Fn(&(String, String)) -> bool| all.iter().filter(|(t, _)| fits(&keys(t))).collect::<Vec<_>>();
    let ways = [
        by(&|(id, _)| id == term),
        by(&|(_, name)| name == term),
        by(&|(id, _)| !term.is_empty() && id.starts_with(term)),
    ];
    match ways.into_iter().find(|found| !found.is_empty()).unwrap_or_default().as_slice() {
        [one] => Ok((*one).clone()),
        [] => Err(Refusal::Unknown { kind, term: term.to_owned() }),
        more => Err(Refusal::Ambiguous { kind, term: term.to_owned(), matches: more.len() }),
    }
}

#[cfg(test)]
mod tests {
    use core::net::SocketAddr;

    use netyard_sim::rng::Seed;
    use netyard_sim::time::Duration;
    use serde_json::json;

    use super::*;
    use crate::cluster::CONTROL_PORT;
    use crate::cluster::message::{Answer, Ask};
    use crate::cluster::service::{RestartPolicy, Status, UpdateConfig};

    fn at(seconds: u64) -> Instant {
        Instant::ZERO + Duration::from_secs(seconds)
    }

    /// A cluster of a manager and a worker; the worker's id.
    fn cluster() -> (Manager, String) {
        let addr = |last| SocketAddr::from(([192, 0, 2, last], CONTROL_PORT));
        let mut manager = Manager::new(
            Seed(1).stream("cluster"),
            at(0),
            ("node1", addr(10), Availability::Active),
            Default::default(),
        );
        let token = manager.cluster().worker.to_string();
        let (hostname, availability) = ("node2".to_owned(), Availability::Active);
        let Answer::Joined { node, .. } =
            manager.answer(at(0), Ask::Join { token, hostname, addr: addr(11), availability })
        else {
            panic!("the token is right");
        };
        (manager, node)
    }

    fn spec(name: &str, more: &serde_json::Value) -> Spec {
        let mut spec = json!({ "Name": name, "TaskTemplate": { "ContainerSpec": { "Image": "web" } } });
        spec.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        serde_json::from_value(spec).unwrap()
    }

    fn replicas(count: u64) -> serde_json::Value {
        json!({ "Mode": { "Replicated": { "Replicas": count } } })
    }

    /// `slot host desired state` of each task, the oldest first.
    fn shown(manager: &Manager) -> Vec<String> {
        let host = |node: &Option<String>| {
            let found = node.as_ref().and_then(|node| manager.find_node(node).ok());
            found.map_or_else(|| "-".to_owned(), |(node, _)| node.hostname)
        };
        let tasks = manager.tasks();
        let line = |task: &Task| {
            format!("{} {} {} {}", task.slot.unwrap_or(0), host(&task.node), task.desired, task.status.state)
        };
        tasks.iter().map(|(task, _)| line(task)).collect()
    }

    /// Every node says that its tasks are in this state.
    fn say(manager: &mut Manager, now: Instant, state: TaskState, fits: impl Fn(&Task) -> bool) {
        for (task, _) in manager.tasks().into_iter().filter(|(task, _)| fits(task)) {
            let status = Status { state, at: now.as_nanos(), ..task.status.clone() };
            let node = task.node.clone().unwrap();
            manager.take_reports(now, &node, vec![Report { task: task.id, status }]);
        }
    }

    #[test]
    fn tasks_are_spread_and_what_ends_comes_back_after_a_while() {
        let (mut manager, _) = cluster();
        manager.create_service(at(0), spec("svc", &replicas(2))).unwrap();
        assert_eq!(shown(&manager), ["1 node1 running assigned", "2 node2 running assigned"]);
        say(&mut manager, at(1), TaskState::Running, |_| true);
        say(&mut manager, at(2), TaskState::Failed, |task| task.slot == Some(2));
        let expected = ["1 node1 running running", "2 node2 shutdown failed", "2 node2 ready assigned"];
        assert_eq!((shown(&manager), manager.work_next_at()), (expected.map(str::to_owned).to_vec(), Some(at(7))));
        manager.expire(at(7));
        assert_eq!(shown(&manager)[2], "2 node2 running assigned");
    }

    #[test]
    fn the_tasks_of_a_node_that_is_gone_or_drained_move_and_do_not_come_back() {
        let (mut manager, worker) = cluster();
        manager.create_service(at(0), spec("svc", &replicas(2))).unwrap();
        say(&mut manager, at(1), TaskState::Running, |_| true);
        manager.expire(at(16));
        let moved = ["1 node1 running running", "2 node2 shutdown running", "2 node1 running assigned"];
        assert_eq!(shown(&manager), moved);
        let (seen, ended, reports) = (0, Vec::new(), Vec::new());
        let answer = manager.answer(at(17), Ask::Session { node: worker, seen, ended, reports });
        assert_eq!(shown(&manager), moved, "nothing is spread anew");
        let Answer::Session { assigned: Some(assigned), .. } = answer else { panic!("{answer:?}") };
        assert_eq!(assigned.iter().map(|a| a.task.desired).collect::<Vec<_>>(), [TaskState::Shutdown]);
    }

    #[test]
    fn a_service_shrinks_by_its_last_tasks_and_is_forgotten_with_all() {
        let (mut manager, _) = cluster();
        let id = manager.create_service(at(0), spec("svc", &replicas(3))).unwrap();
        say(&mut manager, at(1), TaskState::Running, |_| true);
        let found = manager.find_service("svc").unwrap();
        manager.update_service(at(2), found, spec("svc", &replicas(1)), false).unwrap();
        let wanted = |manager: &Manager| manager.tasks().iter().filter(|(task, _)| task.is_wanted()).count();
        assert_eq!(wanted(&manager), 1);
        say(&mut manager, at(3), TaskState::Shutdown, |task| !task.is_wanted());
        assert_eq!(shown(&manager).len(), 1);
        let (service, _) = manager.find_service(&id[..6]).unwrap();
        manager.remove_service(at(4), &service);
        say(&mut manager, at(5), TaskState::Shutdown, |_| true);
        assert_eq!((manager.services().len(), manager.tasks().len()), (0, 0));
    }

    #[test]
    fn changed_tasks_are_replaced_one_after_the_other() {
        let (mut manager, _) = cluster();
        manager.create_service(at(0), spec("svc", &replicas(2))).unwrap();
        say(&mut manager, at(1), TaskState::Running, |_| true);
        let mut changed = spec("svc", &replicas(2));
        changed.task_template.container_spec.image = "busybox".to_owned();
        changed.update_config = Some(UpdateConfig { parallelism: 1, ..Default::default() });
        let found = manager.find_service("svc").unwrap();
        manager.update_service(at(2), found, changed, false).unwrap();
        let of_new = |manager: &Manager| manager.tasks().iter().filter(|(task, _)| task.generation == 1).count();
        assert_eq!((shown(&manager)[0].as_str(), of_new(&manager)), ("1 node1 shutdown running", 1));
        for now in 3..6 {
            say(&mut manager, at(now), TaskState::Shutdown, |task| !task.is_wanted());
            say(&mut manager, at(now), TaskState::Running, |task| task.desired == TaskState::Running);
        }
        let state = |manager: &Manager| manager.find_service("svc").unwrap().0.update.unwrap().state;
        assert_eq!((of_new(&manager), state(&manager)), (2, UpdateState::Updating));
        manager.expire(manager.work_next_at().unwrap());
        assert_eq!((state(&manager), manager.work_next_at()), (UpdateState::Completed, None));
    }

    #[test]
    fn a_change_that_fails_is_taken_back_where_it_was_made() {
        let (mut manager, _) = cluster();
        manager.create_service(at(0), spec("svc", &replicas(4))).unwrap();
        say(&mut manager, at(1), TaskState::Running, |_| true);
        let mut changed = spec("svc", &replicas(4));
        changed.task_template.container_spec.image = "broken".to_owned();
        let (failure_action, max_failure_ratio) = (Some("rollback".to_owned()), json!(0.2));
        changed.update_config =
            Some(UpdateConfig { parallelism: 2, failure_action, max_failure_ratio, ..Default::default() });
        let found = manager.find_service("svc").unwrap();
        manager.update_service(at(2), found, changed, false).unwrap();
        say(&mut manager, at(3), TaskState::Shutdown, |task| !task.is_wanted());
        say(&mut manager, at(4), TaskState::Failed, |task| task.generation == 1 && task.slot == Some(1));
        let (service, _) = manager.find_service("svc").unwrap();
        let update = service.update.clone().unwrap();
        assert_eq!(
            (update.state, service.spec.task_template.container_spec.image.as_str()),
            (UpdateState::RollbackStarted, "web")
        );
        assert!(update.message.starts_with("update rolled back due to failure or early termination of task "));
        let untouched = manager.tasks().iter().filter(|(task, _)| task.created == 0 && task.is_wanted()).count();
        assert_eq!(untouched, 2, "what was not changed goes on");
    }

    #[test]
    fn tasks_follow_the_labels_of_nodes() {
        let (mut manager, worker) = cluster();
        let label = |manager: &mut Manager, term: &str, zone: &str| {
            let (node, version) = manager.find_node(term).unwrap();
            let mut spec = node.spec.clone();
            spec.labels.insert("zone".to_owned(), zone.to_owned());
            manager.update_node(at(1), &node, version, spec).unwrap();
        };
        label(&mut manager, &worker, "b");
        let placed = |placement: serde_json::Value| json!({ "TaskTemplate": { "ContainerSpec": { "Image": "web" }, "Placement": placement } });
        manager.create_service(at(1), spec("svc", &placed(json!({ "Constraints": ["node.labels.zone==b"] })))).unwrap();
        say(&mut manager, at(2), TaskState::Running, |_| true);
        assert_eq!(shown(&manager), ["1 node2 running running"]);
        label(&mut manager, &worker, "c");
        assert_eq!(shown(&manager)[0], "1 node2 shutdown rejected");
        assert_eq!(manager.tasks()[0].0.status.error, "assigned node no longer meets constraints");
        assert_eq!(shown(&manager)[1], "1 - ready pending");
    }

    #[test]
    fn preferred_are_the_nodes_whose_label_has_the_fewest_tasks() {
        let (mut manager, _) = cluster();
        let token = manager.cluster().worker.to_string();
        let (hostname, addr) = ("node3".to_owned(), SocketAddr::from(([192, 0, 2, 12], CONTROL_PORT)));
        manager.answer(at(0), Ask::Join { token, hostname, addr, availability: Availability::Active });
        for (term, zone) in [("node1", "a"), ("node2", "b"), ("node3", "b")] {
            let (node, version) = manager.find_node(term).unwrap();
            let mut spec = node.spec.clone();
            spec.labels.insert("zone".to_owned(), zone.to_owned());
            manager.update_node(at(0), &node, version, spec).unwrap();
        }
        let preferences = json!([{ "Spread": { "SpreadDescriptor": "node.labels.zone" } }]);
        let template = json!({ "ContainerSpec": { "Image": "web" }, "Placement": { "Preferences": preferences } });
        let more = json!({ "TaskTemplate": template, "Mode": { "Replicated": { "Replicas": 4 } } });
        manager.create_service(at(1), spec("svc", &more)).unwrap();
        let mut hosts: Vec<String> = shown(&manager).iter().map(|line| line[2..7].to_owned()).collect();
        hosts.sort();
        assert_eq!(hosts, ["node1", "node1", "node2", "node3"]);
    }

    #[test]
    fn what_cannot_be_made_is_tried_every_five_seconds() {
        let (mut manager, _) = cluster();
        manager.create_service(at(0), spec("svc", &replicas(1))).unwrap();
        for now in [0, 0, 0, 1] {
            say(&mut manager, at(now), TaskState::Rejected, |task| !task.is_over());
        }
        assert_eq!(shown(&manager), ["1 node1 shutdown rejected", "1 node1 ready rejected"]);
        assert_eq!(manager.work_next_at(), Some(at(5)));
        manager.expire(at(5));
        assert_eq!((shown(&manager).len(), manager.work_next_at()), (3, Some(at(10))));
    }

    #[test]
    fn numbers_beyond_all_measure_do_no_harm() {
        let (mut manager, _) = cluster();
        let mut huge = spec("huge", &replicas(u64::MAX));
        huge.task_template.restart_policy = Some(RestartPolicy { delay: Some(u64::MAX), ..Default::default() });
        manager.create_service(at(0), huge).unwrap();
        assert_eq!(manager.tasks().len(), 1000);
        let status = Status { state: TaskState::Failed, at: u64::MAX, ..manager.tasks()[0].0.status.clone() };
        let (task, node) = (manager.tasks()[0].0.id.clone(), manager.tasks()[0].0.node.clone().unwrap());
        manager.take_reports(at(1), &node, vec![Report { task, status }]);
        assert_eq!(manager.work_next_at(), Some(Instant::from_nanos(u64::MAX)));
    }

    #[test]
    fn a_port_of_a_node_is_given_once_and_one_of_all_nodes_to_one_service() {
        let (mut manager, _) = cluster();
        let port = |mode: &str| {
            let port = json!({ "Protocol": "tcp", "TargetPort": 80, "PublishedPort": 8090, "PublishMode": mode });
            json!({ "Mode": { "Replicated": { "Replicas": 3 } }, "EndpointSpec": { "Ports": [port] } })
        };
        manager.create_service(at(0), spec("host", &port("host"))).unwrap();
        assert_eq!(shown(&manager)[2], "3 - running pending");
        let error = manager.tasks()[2].0.status.error.clone();
        assert_eq!(error, "no suitable node (host-mode port already in use on 2 nodes)");
        let id = manager.create_service(at(0), spec("one", &port("ingress"))).unwrap();
        let refused = manager.create_service(at(0), spec("two", &port("ingress"))).unwrap_err().to_string();
        let expected = format!(
            "rpc error: code = InvalidArgument desc = port '8090' is already in use by service 'one' ({id}) as an ingress port"
        );
        assert_eq!(refused, expected);
    }

    fn job(more: &serde_json::Value) -> serde_json::Value {
        json!({ "Mode": { "ReplicatedJob": more } })
    }

    #[test]
    fn of_a_job_so_many_tasks_are_under_way_and_what_has_ended_well_stays() {
        let (mut manager, _) = cluster();
        let id = manager
            .create_service(at(0), spec("job", &job(&json!({ "MaxConcurrent": 2, "TotalCompletions": 3 }))))
            .unwrap();
        assert_eq!(shown(&manager), ["0 node1 complete assigned", "1 node2 complete assigned"]);
        say(&mut manager, at(1), TaskState::Running, |_| true);
        let count = |manager: &Manager| manager.count(&manager.find_service(&id).unwrap().0);
        assert_eq!(count(&manager), (2, 2, 0));
        say(&mut manager, at(2), TaskState::Complete, |task| task.slot == Some(1));
        let expected = ["0 node1 complete running", "1 node2 complete complete", "2 node2 complete assigned"];
        assert_eq!((shown(&manager), count(&manager)), (expected.map(str::to_owned).to_vec(), (1, 2, 1)));
        say(&mut manager, at(3), TaskState::Complete, |_| true);
        assert_eq!((shown(&manager).len(), count(&manager)), (3, (0, 2, 3)), "and no more");
        assert_eq!(manager.tasks()[0].0.number(), None, "the first has no number that is told");
    }

    #[test]
    fn a_job_that_is_changed_begins_anew_and_its_running_tasks_are_removed() {
        let (mut manager, _) = cluster();
        let id = manager.create_service(at(0), spec("job", &job(&json!({ "TotalCompletions": 2 })))).unwrap();
        say(&mut manager, at(1), TaskState::Complete, |_| true);
        say(&mut manager, at(2), TaskState::Running, |task| task.slot == Some(1));
        let (service, version) = manager.find_service(&id).unwrap();
        let same = service.spec.clone();
        manager.update_service(at(3), (service, version), same, false).unwrap();
        let expected = ["0 node1 complete complete", "1 node1 remove running", "0 node2 complete assigned"];
        assert_eq!(shown(&manager), expected);
        say(&mut manager, at(4), TaskState::Shutdown, |task| task.desired == TaskState::Remove);
        assert_eq!(shown(&manager), ["0 node1 complete complete", "0 node2 complete assigned"]);
        let (service, _) = manager.find_service(&id).unwrap();
        assert_eq!((service.generation, service.begun, service.update), (1, Some(at(3).as_nanos()), None));
    }

    #[test]
    fn a_task_of_a_job_that_fails_is_tried_again_as_often_as_it_may() {
        let (mut manager, _) = cluster();
        let mut spec = spec("job", &job(&json!({ "TotalCompletions": 2 })));
        let policy = json!({ "Delay": 2_000_000_000_u64, "MaxAttempts": 1 });
        spec.task_template.restart_policy = serde_json::from_value(policy).unwrap();
        manager.create_service(at(0), spec).unwrap();
        say(&mut manager, at(1), TaskState::Failed, |_| true);
        assert_eq!(shown(&manager), ["0 node1 shutdown failed", "0 node1 ready assigned"]);
        assert_eq!(manager.work_next_at(), Some(at(3)));
        manager.expire(at(3));
        assert_eq!(shown(&manager)[1], "0 node1 complete assigned");
        say(&mut manager, at(4), TaskState::Failed, |task| task.is_wanted());
        manager.expire(at(60));
        assert_eq!(shown(&manager), ["0 node1 shutdown failed", "0 node1 shutdown failed"], "its slot is not free");
    }

    #[test]
    fn a_global_job_is_on_the_nodes_that_there_were_and_stays_there() {
        let (mut manager, worker) = cluster();
        let set = |manager: &mut Manager, availability| {
            let (node, revision) = manager.find_node(&worker).unwrap();
            let spec = crate::cluster::object::NodeSpec { availability, ..node.spec.clone() };
            manager.update_node(at(1), &node, revision, spec).unwrap();
        };
        manager.create_service(at(0), spec("both", &json!({ "Mode": { "GlobalJob": {} } }))).unwrap();
        say(&mut manager, at(1), TaskState::Running, |_| true);
        set(&mut manager, Availability::Drain);
        assert_eq!(shown(&manager), ["0 node1 complete running", "0 node2 complete running"]);
        say(&mut manager, at(2), TaskState::Complete, |_| true);
        manager.create_service(at(2), spec("one", &json!({ "Mode": { "GlobalJob": {} } }))).unwrap();
        set(&mut manager, Availability::Active);
        let count = |name: &str| manager.count(&manager.find_service(name).unwrap().0);
        assert_eq!((count("both"), count("one")), ((0, 0, 2), (0, 1, 0)));
        manager.expire(at(60));
        assert_eq!(shown(&manager).len(), 3);
    }

    #[test]
    fn a_job_has_no_way_to_roll_out_its_changes() {
        let (mut manager, _) = cluster();
        let config = json!({ "Mode": { "GlobalJob": {} }, "UpdateConfig": { "Parallelism": 1 } });
        let refused = manager.create_service(at(0), spec("job", &config)).unwrap_err().to_string();
        assert_eq!(refused, "rpc error: code = InvalidArgument desc = Jobs may not have an update config");
    }
}
