//! `/services` and `/tasks`: what a cluster runs, on the node that decides.

use netyard_sim::time::Instant;
use netyard_sim::world::World;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::request::{Filters, json_body};
use super::swarm::Logged;
use super::{Call, Engine, Reply};
use crate::cluster::manager::Manager;
use crate::cluster::object::Network;
use crate::cluster::service::{Service, Spec, Task, TaskState, UpdateStatus};
use crate::date;
use crate::error::{Error, SwarmError};
use crate::names;
use crate::shape::Shape;

const SERVICE_FILTERS: [&str; 5] = ["id", "label", "mode", "name", "runtime"];
const TASK_FILTERS: [&str; 8] = ["id", "label", "name", "node", "service", "desired-state", "_up-to-date", "runtime"];

/// Parts of a specification that are only kept, with their fields in the order of the engine's structs.
const ORDERS: [(&str, &[&str]); 4] = [
    ("/ContainerSpec", &CONTAINER),
    ("/ContainerSpec/DNSConfig", &["Nameservers", "Search", "Options"]),
    ("/Resources/Limits", &["NanoCPUs", "MemoryBytes", "Pids"]),
    ("/Resources/Reservations", &["NanoCPUs", "MemoryBytes", "GenericResources"]),
];
/// The fields of `swarm.ContainerSpec` that are only kept.
const CONTAINER: [&str; 19] = [
    "Groups",
    "Privileges",
    "Init",
    "StopSignal",
    "TTY",
    "OpenStdin",
    "ReadOnly",
    "Mounts",
    "StopGracePeriod",
    "Healthcheck",
    "Hosts",
    "DNSConfig",
    "Secrets",
    "Configs",
    "Isolation",
    "Sysctls",
    "CapabilityAdd",
    "CapabilityDrop",
    "Ulimits",
];

impl Engine {
    /// The rest of `/services`.
    pub(super) fn route_service(
        &mut self,
        world: &mut World,
        method: &str,
        rest: &[&str],
        call: &Call<'_>,
    ) -> Result<Reply, Error> {
        match (method, rest) {
            ("GET", []) => self.service_list(call),
            ("GET", [name]) => {
                let manager = self.manager()?;
                let (mut service, version) = manager.find_service(name)?;
                if call.target.query.flag("insertDefaults") {
                    service.spec = service.spec.with_defaults();
                }
                let mut json = self.service_json(&service, version);
                in_order(&mut json["Spec"]["TaskTemplate"]);
                Ok(Reply::ok(&json))
            }
            ("GET", [name, "logs"]) => self.read_logs(world, (Logged::Service, name), call),
            ("POST", ["create"]) => self.service_create(world, call),
            ("POST", [name, "update"]) => self.service_update(world, name, call),
            ("DELETE", [name]) => {
                let now = world.now();
                let manager = self.manager_mut()?;
                let (service, _) = manager.find_service(name)?;
                manager.remove_service(now, &service);
                self.manager_changed(world);
                Ok(Reply::Empty(200))
            }
            _ => Err(Error::PageUnknown),
        }
    }

    /// The rest of `/tasks`.
    pub(super) fn route_task(
        &mut self,
        world: &mut World,
        method: &str,
        rest: &[&str],
        call: &Call<'_>,
    ) -> Result<Reply, Error> {
        if let ("GET", [name, "logs"]) = (method, rest) {
            return self.read_logs(world, (Logged::Task, name), call);
        }
        let manager = self.manager()?;
        match (method, rest) {
            ("GET", []) => {
                let filters = call.target.query.filters(&TASK_FILTERS)?;
                let wanted = TaskFilters::of(&filters, manager)?;
                let services = manager.services();
                let is_current = |task: &Task| {
                    let own = services.iter().find(|(service, _)| service.id == task.service);
                    own.is_some_and(|(service, _)| service.generation == task.generation)
                };
                let tasks = manager.tasks();
                let fits = tasks.iter().filter(|(task, _)| wanted.fit(task) && is_listed(task, &filters));
                let fits = fits.filter(|(task, _)| filters.values("_up-to-date").is_empty() || is_current(task));
                Ok(Reply::ok(&fits.map(|(task, version)| self.task_json(manager, task, *version)).collect::<Vec<_>>()))
            }
            ("GET", [name]) => {
                let (task, version) = manager.find_task(name)?;
                Ok(Reply::ok(&self.task_json(manager, &task, version)))
            }
            _ => Err(Error::PageUnknown),
        }
    }

    fn service_list(&self, call: &Call<'_>) -> Result<Reply, Error> {
        let manager = self.manager()?;
        let filters = call.target.query.filters(&SERVICE_FILTERS)?;
        let with_status = call.target.query.flag("status");
        let services = manager.services();
        let fits = services.iter().filter(|(service, _)| is_service_listed(service, &filters));
        let json = fits.map(|(service, version)| {
            let mut json = self.service_json(service, *version);
            if with_status {
                let (running, desired, completed) = manager.count(service);
                json["ServiceStatus"] =
                    json!({ "RunningTasks": running, "DesiredTasks": desired, "CompletedTasks": completed });
            }
            // It stands at the end.
            if let Some(job) = json.as_object_mut().and_then(|fields| fields.shift_remove("JobStatus")) {
                json["JobStatus"] = job;
            }
            json
        });
        Ok(Reply::ok(&json.collect::<Vec<_>>()))
    }

    fn service_create(&mut self, world: &mut World, call: &Call<'_>) -> Result<Reply, Error> {
        self.manager()?;
        let mut spec = self.service_spec(call)?;
        if spec.name.is_empty() {
            let services = self.manager()?.services();
            let is_taken = |name: &str| services.iter().any(|(service, _)| service.spec.name == name);
            spec.name = names::random_container_name(&mut self.names, is_taken);
        }
        let now = world.now();
        let id = self.manager_mut()?.create_service(now, spec)?;
        self.manager_changed(world);
        Ok(Reply::created(&json!({ "ID": id })))
    }

    fn service_update(&mut self, world: &mut World, name: &str, call: &Call<'_>) -> Result<Reply, Error> {
        self.manager()?;
        let version = call.target.query.version("service")?;
        let is_rollback = call.target.query.text("rollback") == Some("previous");
        let (service, _) = self.manager()?.find_service(name)?;
        let spec = match (is_rollback, &service.previous) {
            (true, Some(previous)) => previous.clone(),
            (true, None) => {
                let why = "rpc error: code = FailedPrecondition desc = service";
                return Err(SwarmError::Said(format!("{why} {} does not have a previous spec", service.id)).into());
            }
            (false, _) => self.service_spec(call)?,
        };
        let now = world.now();
        self.manager_mut()?.update_service(now, (service, version), spec, is_rollback)?;
        self.manager_changed(world);
        Ok(Reply::ok(&json!({ "Warnings": null })))
    }

    /// What a request says of a service. Networks are named by their ids from then on.
    fn service_spec(&self, call: &Call<'_>) -> Result<Spec, Error> {
        let mut asked = without_nulls(json_body(call.request, Shape::Any)?);
        check_words(&asked)?;
        let template = &mut asked["TaskTemplate"];
        fill_in(template, "ForceUpdate", json!(0));
        fill_in(template, "Runtime", json!("container"));
        fill_in(&mut template["ContainerSpec"], "Isolation", json!("default"));
        if let Some(job) = asked.pointer_mut("/Mode/ReplicatedJob") {
            fill_in(job, "MaxConcurrent", json!(1));
            let at_once = job["MaxConcurrent"].clone();
            fill_in(job, "TotalCompletions", at_once);
        }
        let template = &mut asked["TaskTemplate"];
        in_order(template);
        let mut spec: Spec = serde_json::from_value(asked).map_err(|error| Error::BadParameter(error.to_string()))?;
        let manager = self.manager()?;
        let wanted = spec.task_template.networks.iter_mut().chain(spec.networks.iter_mut().flatten());
        for network in wanted {
            if let Some(found) = manager.find_network(&network.target) {
                network.target = found.id;
            } else if let Ok(own) = self.controller.find(&network.target) {
                own.name().clone_into(&mut network.target);
            }
        }
        Ok(spec)
    }

    fn service_json(&self, service: &Service, version: u64) -> Value {
        let at = |nanos| date::rfc3339(self.epoch, Instant::from_nanos(nanos));
        let mut json = json!({
            "ID": service.id,
            "Version": { "Index": version },
            "CreatedAt": at(service.created),
            "UpdatedAt": at(service.updated),
            "Spec": service.spec,
        });
        if let Some(previous) = &service.previous {
            json["PreviousSpec"] = plain(previous);
        }
        json["Endpoint"] = endpoint(service);
        if let Some(UpdateStatus { state, started, completed, message }) = &service.update {
            let mut status = json!({ "State": state, "StartedAt": at(*started) });
            if let Some(completed) = completed {
                status["CompletedAt"] = json!(at(*completed));
            }
            status["Message"] = json!(message);
            json["UpdateStatus"] = status;
        }
        if let Some(begun) = service.begun {
            json["JobStatus"] = json!({ "JobIteration": iteration(service.generation), "LastExecution": at(begun) });
        }
        json
    }

    fn task_json(&self, manager: &Manager, task: &Task, version: u64) -> Value {
        let at = |nanos| date::rfc3339(self.epoch, Instant::from_nanos(nanos));
        let mut json = json!({
            "ID": task.id,
            "Version": { "Index": version },
            "CreatedAt": at(task.created),
            "UpdatedAt": at(task.updated),
            "Labels": {},
            "Spec": task.spec,
            "ServiceID": task.service,
        });
        if let Some(slot) = task.number() {
            json["Slot"] = json!(slot);
        }
        if let Some(node) = &task.node {
            json["NodeID"] = json!(node);
        }
        let mut status = json!({
            "Timestamp": at(task.status.at),
            "State": task.status.state,
            "Message": task.status.message,
        });
        if !task.status.error.is_empty() {
            status["Err"] = json!(task.status.error);
        }
        if let Some(container) = &task.status.container {
            status["ContainerStatus"] =
                json!({ "ContainerID": container, "PID": task.status.pid, "ExitCode": task.status.exit });
        }
        let ports = &task.status.ports;
        status["PortStatus"] = if ports.is_empty() { json!({}) } else { json!({ "Ports": ports }) };
        json["Status"] = status;
        json["DesiredState"] = json!(task.desired);
        let networks = task.places.iter().filter_map(|place| {
            let network = manager.find_network(&place.network)?;
            Some(json!({ "Network": network_json(&network), "Addresses": [address(&network, place.addr)] }))
        });
        let networks: Vec<Value> = networks.collect();
        if !networks.is_empty() {
            json["NetworksAttachments"] = Value::Array(networks);
        }
        if task.is_of_job {
            json["JobIteration"] = iteration(task.generation);
        }
        json
    }
}

/// Which execution of a job something is of; the first has no number.
fn iteration(number: u64) -> Value {
    if number == 0 { json!({}) } else { json!({ "Index": number }) }
}

fn plain(value: &impl Serialize) -> Value {
    serde_json::to_value(value).expect("it is text and numbers")
}

fn endpoint(service: &Service) -> Value {
    // Who is on no network and publishes nothing has none.
    let is_reached = service.spec.has_vip() && !(service.vips.is_empty() && service.ports.is_empty());
    let Some(spec) = service.spec.endpoint_spec.as_ref().filter(|_| is_reached) else {
        return json!({ "Spec": {} });
    };
    let mut json = json!({ "Spec": spec });
    if !service.ports.is_empty() {
        json["Ports"] = plain(&service.ports);
    }
    if !service.vips.is_empty() {
        let vips = service.vips.iter();
        let vips = vips.map(|vip| json!({ "NetworkID": vip.network, "Addr": format!("{}/{}", vip.addr, vip.prefix) }));
        json["VirtualIPs"] = vips.collect();
    }
    json
}

fn network_json(network: &Network) -> Value {
    let subnets = network.subnets.iter().map(|subnet| json!({ "Subnet": subnet.net, "Gateway": subnet.gateway }));
    json!({
        "ID": network.id,
        "Spec": { "Name": network.name, "Labels": network.labels, "DriverConfiguration": {},
            "Attachable": network.attachable, "Ingress": network.ingress, "Scope": "swarm" },
        "DriverState": { "Name": "overlay", "Options": network.options },
        "IPAMOptions": { "Driver": { "Name": "default" }, "Configs": subnets.collect::<Vec<_>>() },
    })
}

/// An address with the digits of its subnet's prefix.
fn address(network: &Network, addr: core::net::IpAddr) -> String {
    let subnets = network.subnets.iter().filter_map(|subnet| subnet.config());
    let net = subnets.map(|subnet| subnet.pool.subnet).find(|net| net.contains(addr));
    net.map_or_else(|| addr.to_string(), |net| format!("{addr}/{}", net.prefix()))
}

/// What is nothing is as if it had not been written.
fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let fields = fields.into_iter().filter(|(_, value)| !value.is_null());
            Value::Object(fields.map(|(key, value)| (key, without_nulls(value))).collect::<Map<_, _>>())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(without_nulls).collect()),
        other => other,
    }
}

fn fill_in(object: &mut Value, key: &str, value: Value) {
    if object.is_null() {
        *object = json!({});
    }
    if let Some(fields) = object.as_object_mut()
        && !fields.contains_key(key)
    {
        fields.insert(key.to_owned(), value);
    }
}

/// Has what is only kept of a task's specification in order.
fn in_order(template: &mut Value) {
    for (at, order) in ORDERS {
        template.pointer_mut(at).into_iter().for_each(|object| put_in_order(object, order));
    }
}

/// Has the fields of an object, behind what else it has, in the order in which the engine's struct has them.
fn put_in_order(object: &mut Value, order: &[&str]) {
    if let Some(fields) = object.as_object_mut() {
        let (mut known, other): (Vec<_>, Vec<_>) =
            core::mem::take(fields).into_iter().partition(|(field, _)| order.contains(&field.as_str()));
        known.sort_by_key(|(field, _)| order.iter().position(|known| known == field));
        fields.extend(other.into_iter().chain(known));
    }
}

/// Words that are none of those that may stand there, in the engine's words for each.
fn check_words(asked: &Value) -> Result<(), Error> {
    let word = |at: &str| asked.pointer(at).and_then(Value::as_str).filter(|word| !word.is_empty());
    let refuse = |text: String| Err(Error::BadParameter(text));
    if let Some(word) =
        word("/TaskTemplate/RestartPolicy/Condition").filter(|w| !["none", "on-failure", "any"].contains(w))
    {
        return refuse(format!("invalid RestartCondition: \"{word}\""));
    }
    if let Some(word) = word("/EndpointSpec/Mode").filter(|word| !["vip", "dnsrr"].contains(word)) {
        return refuse(format!("invalid resolution mode: \"{word}\""));
    }
    for at in ["/UpdateConfig", "/RollbackConfig"] {
        let order = format!("{at}/Order");
        if let Some(word) = word(&order).filter(|word| !["stop-first", "start-first"].contains(word)) {
            return refuse(format!("unrecognized update order {word}"));
        }
        let action = format!("{at}/FailureAction");
        if let Some(word) = word(&action).filter(|word| !["pause", "continue", "rollback"].contains(word)) {
            return refuse(format!("unrecognized update failure action {word}"));
        }
    }
    if asked["Mode"].as_object().is_some_and(|modes| modes.len() > 1) {
        return refuse("must specify only one service mode".to_owned());
    }
    Ok(())
}

fn is_service_listed(service: &Service, filters: &Filters) -> bool {
    let mode = service.spec.mode.word();
    filters.any("id", |prefix| service.id.starts_with(prefix))
        && filters.any("name", |prefix| service.spec.name.starts_with(prefix))
        && filters.any("mode", |wanted| wanted == mode)
        && filters.labels(&service.spec.labels)
}

/// What tasks must be whose filters name something of the cluster.
#[derive(Debug, Default)]
struct TaskFilters {
    services: Option<Vec<String>>,
    nodes: Option<Vec<String>>,
    desired: Option<Vec<TaskState>>,
}

impl TaskFilters {
    /// Finds what is named.
    fn of(filters: &Filters, manager: &Manager) -> Result<Self, Error> {
        let mut found = Self::default();
        for term in filters.values("service") {
            let (service, _) = manager.find_service(term)?;
            found.services.get_or_insert_default().push(service.id);
        }
        for term in filters.values("node") {
            let (node, _) = manager.find_node(term)?;
            found.nodes.get_or_insert_default().push(node.id);
        }
        for word in filters.values("desired-state") {
            let state = match word.to_lowercase().as_str() {
                "running" => TaskState::Running,
                "shutdown" => TaskState::Shutdown,
                "accepted" => TaskState::Accepted,
                _ => return Err(Error::BadParameter(format!("Invalid desired-state filter: '{word}'"))),
            };
            found.desired.get_or_insert_default().push(state);
        }
        Ok(found)
    }

    fn fit(&self, task: &Task) -> bool {
        let Self { services, nodes, desired } = self;
        services.as_ref().is_none_or(|services| services.contains(&task.service))
            && nodes.as_ref().is_none_or(|nodes| task.node.as_ref().is_some_and(|node| nodes.contains(node)))
            && desired.as_ref().is_none_or(|desired| desired.contains(&task.desired))
    }
}

fn is_listed(task: &Task, filters: &Filters) -> bool {
    let name = task.name();
    filters.any("id", |prefix| task.id.starts_with(prefix)) && filters.any("name", |prefix| name.starts_with(prefix))
}
