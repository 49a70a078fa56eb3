//! The tasks of a node: each has a container, which is made, started, stopped and removed as the manager wants it, and the
//! manager is told how it goes.
//!
//! How it works: what is to be done next for a task follows from what is wanted and how its container is ([`Step`]); that
//! is looked at again whenever something has happened, so nobody has to remember what was begun.

use std::collections::{BTreeMap, BTreeSet};

use netyard_sim::time::Duration;
use netyard_sim::world::World;
use serde_json::{Map, Value, json};

use super::carry::Purpose;
use super::{NOBODY, Stage, Swarm, own_request};
use crate::cluster::message::{Ask, Assignment, Grant, Report};
use crate::cluster::service::{ContainerSpec, Place, PortSpec, PublishMode, Status, Task, TaskState};
use crate::container::{Membership, State};
use crate::endpoint::{EndpointConfig, IngressPort, OfService, StaticAddresses};
use crate::engine::health::Health;
use crate::engine::request::Target;
use crate::engine::{Call, Engine, Reply};
use crate::error::Error;
use crate::id::Id;

/// How long a container is given to stop when nothing was said.
const GRACE: Duration = Duration::from_secs(10);
/// What is said of a task that is not healthy.
const UNHEALTHY: &str = "dockerexec: unhealthy container";

/// The tasks of a node.
#[derive(Clone, Debug, Default)]
pub(super) struct Work {
    assigned: BTreeMap<String, Assignment>,
    /// The containers of tasks.
    held: BTreeMap<String, Id>,
    /// How tasks are, as far as the node has changed it.
    status: BTreeMap<String, Status>,
    /// The tasks of which the manager does not know yet how they are.
    untold: BTreeSet<String>,
    /// The tasks that end because they are not healthy.
    unhealthy: BTreeSet<String>,
}

impl Work {
    /// Has these tasks, and no more; none when nothing has changed.
    pub(super) fn assign(&mut self, assigned: Option<Vec<Assignment>>) {
        let Some(assigned) = assigned else { return };
        self.assigned = assigned.into_iter().map(|assignment| (assignment.task.id.clone(), assignment)).collect();
        self.status.retain(|task, _| self.assigned.contains_key(task));
        self.untold.retain(|task| self.assigned.contains_key(task));
        self.unhealthy.retain(|task| self.assigned.contains_key(task));
    }

    /// What the manager does not know yet.
    pub(super) fn reports(&self) -> Vec<Report> {
        let untold = self.untold.iter().filter_map(|task| Some((task, self.status.get(task)?)));
        untold.map(|(task, status)| Report { task: task.clone(), status: status.clone() }).collect()
    }

    /// The manager knows.
    pub(super) fn has_told(&mut self, reports: &[Report]) {
        for Report { task, status } in reports {
            if self.status.get(task) == Some(status) {
                self.untold.remove(task);
            }
        }
    }

    /// Somebody else shall know all of it.
    pub(super) fn tell_again(&mut self) {
        self.untold = self.status.keys().cloned().collect();
    }

    /// The tasks that have containers, with those.
    pub(super) fn tasks(&self) -> impl Iterator<Item = (&Task, Id)> {
        self.held.iter().filter_map(|(task, id)| Some((&self.assigned.get(task)?.task, *id)))
    }

    fn status_of(&self, task: &Task) -> Status {
        self.status.get(&task.id).filter(|own| own.state >= task.status.state).unwrap_or(&task.status).clone()
    }
}

/// What is to be done next for a task.
#[derive(Clone, Debug, Eq, PartialEq)]
enum Step {
    Create,
    Start(Id),
    Stop(Id),
    /// It is healthy.
    Ready(Id),
    /// It is not, and goes.
    GiveUp(Id),
    /// Its container ended or was never made.
    Note(TaskState, i32),
    /// Nobody wants to know of it any more.
    Discard(Id),
    Forget,
}

impl Swarm {
    /// Whether the node knows of its tasks what the cluster does not.
    fn has_news(&self) -> bool {
        !self.work.untold.is_empty() || !self.ended.is_empty()
    }
}

impl Engine {
    /// Whether a container is that of a task which shall run.
    pub(super) fn is_task_to_start(&self, container: Id) -> bool {
        let Some(Swarm { work, .. }) = &self.swarm else { return false };
        let held = work.held.iter().find(|(_, id)| **id == container);
        held.and_then(|(task, _)| work.assigned.get(task)).is_some_and(|assignment| {
            assignment.task.is_wanted() && work.status_of(&assignment.task).state <= TaskState::Running
        })
    }

    /// Whether something is to be done for a task.
    pub(super) fn has_work_to_do(&self) -> bool {
        self.next_step().is_some() || self.swarm.as_ref().is_some_and(|swarm| self.can_tell(swarm))
    }

    fn can_tell(&self, swarm: &Swarm) -> bool {
        let has_news = swarm.has_news() && !swarm.is_told_itself();
        matches!(swarm.stage, Stage::Active) && swarm.manager.is_some() && has_news
    }

    fn next_step(&self) -> Option<(String, Step)> {
        let swarm = self.swarm.as_ref().filter(|swarm| matches!(swarm.stage, Stage::Active))?;
        let work = &swarm.work;
        let unwanted = work.held.iter().filter(|(task, _)| !work.assigned.contains_key(*task));
        let unwanted = unwanted.filter_map(|(task, id)| Some((task.clone(), self.step_out(*id)?)));
        let wanted = work.assigned.values().filter_map(|assignment| {
            let task = &assignment.task;
            Some((task.id.clone(), self.step_of(task, &work.status_of(task), work.held.get(&task.id).copied())?))
        });
        unwanted.chain(wanted).next()
    }

    /// The container of a task that is not the node's any more goes.
    fn step_out(&self, id: Id) -> Option<Step> {
        match self.containers.get(&id) {
            None => Some(Step::Forget),
            Some(container) if container.is_up() && self.is_ending(id) => None,
            Some(container) if container.is_running() => Some(Step::Stop(id)),
            Some(_) => Some(Step::Discard(id)),
        }
    }

    fn is_still_up(&self, id: Id) -> bool {
        self.containers.get(&id).is_some_and(|container| container.is_up()) && !self.is_ending(id)
    }

    fn is_given_up(&self, task: &str) -> bool {
        self.swarm.as_ref().is_some_and(|swarm| swarm.work.unhealthy.contains(task))
    }

    fn is_ending(&self, id: Id) -> bool {
        self.runs.get(&id).is_some_and(|run| run.ending.is_some())
    }

    fn step_of(&self, task: &Task, status: &Status, held: Option<Id>) -> Option<Step> {
        if status.state > TaskState::Running {
            // It was given up where it is decided.
            return held.filter(|id| self.is_still_up(*id)).map(Step::Stop);
        }
        let Some(id) = held else {
            return Some(if task.is_wanted() { Step::Create } else { Step::Note(TaskState::Shutdown, 0) });
        };
        // Who was removed by hand was killed.
        let state = self.containers.get(&id).map_or(State::Exited(137), |container| container.state);
        match state {
            State::Created if !task.is_wanted() => Some(Step::Note(TaskState::Shutdown, 0)),
            State::Created => task.may_run().then_some(Step::Start(id)),
            State::Running(_) | State::Paused(_) if self.is_ending(id) => None,
            State::Running(_) | State::Paused(_) if !task.is_wanted() => Some(Step::Stop(id)),
            State::Running(_) | State::Paused(_) => match self.health_of(id).map(Health::word) {
                Some("unhealthy") => Some(Step::GiveUp(id)),
                Some("healthy") if status.state == TaskState::Starting => Some(Step::Ready(id)),
                _ => None,
            },
            State::Restarting(_) => None,
            State::Exited(code) if !task.is_wanted() => Some(Step::Note(TaskState::Shutdown, code)),
            State::Exited(code) if self.is_given_up(&task.id) => Some(Step::Note(TaskState::Failed, code)),
            State::Exited(0) => Some(Step::Note(TaskState::Complete, 0)),
            State::Exited(code) => Some(Step::Note(TaskState::Failed, code)),
        }
    }

    /// Does what is to be done for tasks, and tells the manager.
    pub(super) fn settle_work(&mut self, world: &mut World) {
        while let Some((task, step)) = self.next_step() {
            match step {
                Step::Create => self.make_task(world, &task),
                Step::Start(id) => self.start_task(world, &task, id),
                Step::Stop(id) => {
                    let grace = self.grace(&task);
                    self.end_for_cluster(world, id, grace);
                }
                Step::Ready(id) => self.ready_task(world, &task, id),
                Step::GiveUp(id) => {
                    self.work().unhealthy.insert(task.clone());
                    let grace = self.grace(&task);
                    self.end_for_cluster(world, id, grace);
                }
                Step::Note(state, code) => self.note_end(world, &task, state, code),
                Step::Discard(id) => self.discard(world, id),
                Step::Forget => {
                    self.work().held.remove(&task);
                }
            }
        }
        self.tell_work(world);
    }

    fn work(&mut self) -> &mut Work {
        &mut self.swarm.as_mut().expect("tasks are of a cluster").work
    }

    fn assignment(&self, task: &str) -> Option<&Assignment> {
        self.swarm.as_ref()?.work.assigned.get(task)
    }

    fn grace(&self, task: &str) -> Duration {
        let rest = self.assignment(task).map(|assignment| &assignment.task.spec.container_spec.rest);
        rest.and_then(|rest| rest.get("StopGracePeriod")?.as_u64()).map_or(GRACE, Duration::from_nanos)
    }

    /// The leader's own node tells it at once, the others with their next session.
    pub(super) fn tell_work(&mut self, world: &mut World) {
        let now = world.now();
        let Some(swarm) = &mut self.swarm else { return };
        if !swarm.has_news() {
            return;
        }
        let Some(manager) = &swarm.manager else {
            swarm.session_at = swarm.session_at.map(|at| at.min(now));
            return;
        };
        let seen = manager.store().revision();
        if !swarm.is_told_itself() {
            self.tell_session(world, seen);
        }
    }

    /// Tells the cluster what it does not know of this node, which has seen so much of the store. What is lost with the
    /// question is told again: the manager does not mind.
    pub(super) fn tell_session(&mut self, world: &mut World, seen: u64) {
        let Some(swarm) = &self.swarm else { return };
        let (node, ended, reports) = (swarm.node.clone(), swarm.ended.clone(), swarm.work.reports());
        let purpose = Purpose::Session(ended.clone(), reports.clone());
        self.ask_cluster(world, Ask::Session { node, seen, ended, reports }, purpose);
    }

    fn note_status(&mut self, world: &World, task: &str, change: impl FnOnce(&mut Status)) {
        let now = world.now().as_nanos();
        let Some(assignment) = self.assignment(task).map(|assignment| assignment.task.clone()) else { return };
        let work = self.work();
        let mut status = work.status_of(&assignment);
        change(&mut status);
        status.at = now;
        work.status.insert(task.to_owned(), status);
        work.untold.insert(task.to_owned());
    }

    fn note_end(&mut self, world: &World, task: &str, state: TaskState, code: i32) {
        let is_unhealthy = self.is_given_up(task);
        self.note_status(world, task, |status| {
            let was_ready = status.state == TaskState::Running;
            status.state = state;
            status.exit = code;
            status.ports.clear();
            match state {
                TaskState::Complete => "finished".clone_into(&mut status.message),
                TaskState::Failed => {
                    let message = if was_ready { "started" } else { "starting" };
                    message.clone_into(&mut status.message);
                    status.error = match (is_unhealthy, was_ready) {
                        (true, false) => UNHEALTHY.to_owned(),
                        (true, true) => format!("task: non-zero exit ({code}): {UNHEALTHY}"),
                        (false, _) => format!("task: non-zero exit ({code})"),
                    };
                }
                _ => "shutdown".clone_into(&mut status.message),
            }
        });
    }

    /// Makes the container of a task.
    fn make_task(&mut self, world: &mut World, task: &str) {
        let Some(assignment) = self.assignment(task).cloned() else { return };
        match self.make_task_container(world, &assignment) {
            Ok(container) => {
                self.work().held.insert(task.to_owned(), container);
                self.note_status(world, task, |status| {
                    status.state = TaskState::Ready;
                    "prepared".clone_into(&mut status.message);
                    status.container = Some(container.to_string());
                });
            }
            Err(error) => self.note_status(world, task, |status| {
                status.state = TaskState::Rejected;
                "preparing".clone_into(&mut status.message);
                status.error = error.to_string();
            }),
        }
    }

    fn make_task_container(&mut self, world: &mut World, assignment: &Assignment) -> Result<Id, Error> {
        let mut networks = Vec::new();
        for grant in &assignment.grants {
            networks.push((self.have_network(world, &grant.network, grant.own)?, grant.clone()));
        }
        let (body, name) = (self.task_body(assignment), assignment.task.name());
        let request = own_request("POST", format!("/containers/create?name={name}"), body.to_string());
        let call = Call { exchange: NOBODY, target: Target::parse(&request.target)?, request: &request };
        let made = match self.container_create(world, &call)? {
            Reply::Json(_, text) => serde_json::from_str::<Value>(&text).ok(),
            _ => None,
        };
        let id = made.and_then(|made| Id::parse(made["Id"].as_str()?)).expect("a new container is told by its id");
        if !networks.is_empty() {
            self.container_mut(id).networks.clear();
        }
        for (network, grant) in networks {
            let config = self.endpoint_config(assignment, &grant, id);
            let membership = Membership { network: Some(network), config };
            self.container_mut(id).networks.insert(grant.network.name.clone(), membership);
            self.grants.insert((id, network), grant);
        }
        Ok(id)
    }

    fn endpoint_config(&self, assignment: &Assignment, grant: &Grant, container: Id) -> EndpointConfig {
        let network = &grant.network.id;
        let place = assignment.task.places.iter().find(|place| place.network == *network);
        let ingress = |port: &&PortSpec| grant.network.ingress && port.publish_mode == PublishMode::Ingress;
        let ports = assignment.ports.iter().filter(ingress).map(|port| IngressPort {
            protocol: port.protocol,
            published: port.published_port,
            target: port.target_port,
        });
        let service = OfService {
            id: assignment.task.service.clone(),
            name: assignment.task.service_name.clone(),
            vip: assignment.vips.iter().find(|vip| vip.network == *network).map(|vip| vip.addr),
            aliases: place.map(|place: &Place| place.aliases.clone()).unwrap_or_default(),
            ports: ports.collect(),
            is_ready: self.health_of(container).is_none(),
        };
        EndpointConfig {
            addresses: Some(StaticAddresses { v4: Some(grant.addr), ..StaticAddresses::default() }),
            aliases: Some(vec![container.short()]),
            service: Some(service),
            ..EndpointConfig::default()
        }
    }

    /// The request that makes the container of a task.
    fn task_body(&self, assignment: &Assignment) -> Value {
        let task = &assignment.task;
        let spec = &task.spec.container_spec;
        let node = self.swarm.as_ref().map(|swarm| swarm.node.clone()).unwrap_or_default();
        let filled = |text: &str| self.filled(text, task, &node);
        let mut labels: BTreeMap<String, String> = spec.labels.clone();
        labels.extend([
            ("com.docker.swarm.node.id".to_owned(), node.clone()),
            ("com.docker.swarm.service.id".to_owned(), task.service.clone()),
            ("com.docker.swarm.service.name".to_owned(), task.service_name.clone()),
            ("com.docker.swarm.task".to_owned(), String::new()),
            ("com.docker.swarm.task.id".to_owned(), task.id.clone()),
            ("com.docker.swarm.task.name".to_owned(), task.name()),
        ]);
        let exposed: Map<String, Value> = task.ports.iter().map(|port| (target_of(port), json!({}))).collect();
        let mut body = json!({
            "Hostname": filled(&spec.hostname),
            "User": spec.user,
            "Env": spec.env.iter().map(|line| filled(line)).collect::<Vec<_>>(),
            "Image": spec.image,
            "WorkingDir": spec.dir,
            "Labels": labels,
            "ExposedPorts": exposed,
            "HostConfig": host_config(task),
        });
        if !spec.command.is_empty() {
            body["Entrypoint"] = json!(spec.command);
        }
        if !spec.args.is_empty() {
            body["Cmd"] = json!(spec.args);
        }
        for (from, to) in [("TTY", "Tty"), ("StopSignal", "StopSignal"), ("Healthcheck", "Healthcheck")] {
            if let Some(value) = spec.rest.get(from) {
                body[to] = value.clone();
            }
        }
        body
    }

    /// A text with what it says of the task put in, `{{.Node.Hostname}}`.
    fn filled(&self, text: &str, task: &Task, node: &str) -> String {
        let slot = task.number().map(|slot| slot.to_string()).unwrap_or_else(|| node.to_owned());
        let known = [
            ("Node.Hostname", self.host.name.clone()),
            ("Node.ID", node.to_owned()),
            ("Service.ID", task.service.clone()),
            ("Service.Name", task.service_name.clone()),
            ("Task.ID", task.id.clone()),
            ("Task.Name", task.name()),
            ("Task.Slot", slot),
        ];
        known.iter().fold(text.to_owned(), |text, (name, value)| text.replace(&format!("{{{{.{name}}}}}"), value))
    }

    fn start_task(&mut self, world: &mut World, task: &str, id: Id) {
        let started = self.start_anew(world, id);
        let ports = self.host_ports_of(id);
        let is_checked = self.health_of(id).is_some();
        self.note_status(world, task, |status| match started {
            Ok(()) if is_checked => {
                status.state = TaskState::Starting;
                "starting".clone_into(&mut status.message);
                status.ports = ports;
            }
            Ok(()) => {
                status.state = TaskState::Running;
                "started".clone_into(&mut status.message);
                status.ports = ports;
            }
            Err(error) => {
                status.state = TaskState::Failed;
                "starting".clone_into(&mut status.message);
                status.error = format!("starting container failed: {error}");
            }
        });
    }

    /// A task has been found healthy: its service is reached by it from now on.
    fn ready_task(&mut self, world: &mut World, task: &str, id: Id) {
        if let Some(sandbox) = self.containers.get(&id).and_then(|container| container.sandbox) {
            self.controller.is_ready(world, sandbox);
        }
        self.note_status(world, task, |status| {
            status.state = TaskState::Running;
            "started".clone_into(&mut status.message);
        });
    }

    /// The ports of the node by which a container is reached.
    fn host_ports_of(&self, id: Id) -> Vec<PortSpec> {
        let sandbox = self.containers.get(&id).and_then(|container| container.sandbox);
        let endpoints = sandbox.into_iter().flat_map(|sandbox| self.controller.endpoints_in(sandbox));
        let bindings = endpoints.flat_map(|endpoint| endpoint.published.iter().flatten());
        let port = bindings.map(|binding| PortSpec {
            protocol: binding.port.protocol,
            target_port: binding.port.number,
            published_port: binding.host.port(),
            publish_mode: PublishMode::Host,
            ..PortSpec::default()
        });
        port.collect()
    }

    /// The node has left its cluster, and the tasks go.
    pub(super) fn give_up_work(&mut self, world: &mut World) {
        let Some(swarm) = &mut self.swarm else { return };
        let held = core::mem::take(&mut swarm.work).held;
        for id in held.into_values() {
            self.discard(world, id);
        }
    }
}

fn target_of(port: &PortSpec) -> String {
    format!("{}/{}", port.target_port, port.protocol)
}

fn host_config(task: &Task) -> Value {
    let mut bindings: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for port in &task.ports {
        let number = if port.published_port == 0 { String::new() } else { port.published_port.to_string() };
        bindings.entry(target_of(port)).or_default().push(json!({ "HostPort": number }));
    }
    let ContainerSpec { rest, .. } = &task.spec.container_spec;
    let on_host = task.spec.networks.iter().any(|wanted| wanted.target == "host");
    let mut config = json!({
        "NetworkMode": if on_host { "host" } else { "default" },
        "PortBindings": bindings,
        "IpcMode": "private",
        "Isolation": "default",
        "Init": rest.get("Init").cloned().unwrap_or(Value::Bool(false)),
    });
    let same = [
        ("CapabilityAdd", "CapAdd"),
        ("CapabilityDrop", "CapDrop"),
        ("Hosts", "ExtraHosts"),
        ("Groups", "GroupAdd"),
        ("Mounts", "Mounts"),
        ("ReadOnly", "ReadonlyRootfs"),
        ("Sysctls", "Sysctls"),
        ("Ulimits", "Ulimits"),
    ];
    for (from, to) in same {
        match (from, rest.get(from)) {
            (_, None) => {}
            ("Hosts", Some(hosts)) => config[to] = json!(extra_hosts(hosts)),
            (_, Some(value)) => config[to] = value.clone(),
        }
    }
    let resources = task.spec.resources.clone().unwrap_or_default();
    let limits = [
        ("/Limits/MemoryBytes", "Memory"),
        ("/Limits/NanoCPUs", "NanoCpus"),
        ("/Limits/Pids", "PidsLimit"),
        ("/Reservations/MemoryBytes", "MemoryReservation"),
    ];
    for (from, to) in limits {
        if let Some(limit) = resources.pointer(from).and_then(Value::as_i64).filter(|limit| *limit != 0) {
            config[to] = json!(limit);
        }
    }
    if let Some(driver) = &task.spec.log_driver {
        config["LogConfig"] = json!({ "Type": driver["Name"], "Config": driver["Options"] });
    }
    let dns = rest.get("DNSConfig").cloned().unwrap_or_default();
    for (from, to) in [("Nameservers", "Dns"), ("Search", "DnsSearch"), ("Options", "DnsOptions")] {
        if dns[from].is_array() {
            config[to] = dns[from].clone();
        }
    }
    config
}

/// `address name` of a specification as `name:address`.
fn extra_hosts(hosts: &Value) -> Vec<String> {
    let lines = hosts.as_array().into_iter().flatten().filter_map(Value::as_str);
    lines.filter_map(|line| line.split_once(' ')).map(|(address, name)| format!("{name}:{address}")).collect()
}
