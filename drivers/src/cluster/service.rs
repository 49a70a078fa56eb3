//! Services of a cluster: what a user asks for ([`Spec`]), a service as the manager has it, and its tasks. They are values
//! that are written and read as the JSON of Docker's API. What follows from them is decided in [`super::manager`].
//!
//! Parts of a specification that mean nothing here are kept as they were sent, since clients read them back.

use core::fmt;
use core::net::IpAddr;
use std::collections::BTreeMap;

use netyard_sim::time::{Duration, Instant, nanos};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::ports::Protocol;

/// How long a task has to end when nothing was said.
const STOP_GRACE: Duration = Duration::from_secs(10);

/// What a service shall be.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Spec {
    /// Its name.
    pub name: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// What its tasks are.
    pub task_template: TaskSpec,
    /// How many there are.
    pub mode: Mode,
    /// How changes are rolled out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub update_config: Option<UpdateConfig>,
    /// How they are taken back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rollback_config: Option<UpdateConfig>,
    /// Networks, where old clients write them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub networks: Option<Vec<Wanted>>,
    /// How it is reached.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint_spec: Option<EndpointSpec>,
}

impl Spec {
    /// The networks that tasks shall be on.
    #[must_use]
    pub fn wanted(&self) -> &[Wanted] {
        match self.task_template.networks.as_slice() {
            [] => self.networks.as_deref().unwrap_or_default(),
            networks => networks,
        }
    }

    /// The ports that shall be published.
    #[must_use]
    pub fn ports(&self) -> &[PortSpec] {
        self.endpoint_spec.as_ref().map_or(&[], |spec| &spec.ports)
    }

    /// Whether ports of all nodes lead to it.
    #[must_use]
    pub fn is_published(&self) -> bool {
        self.ports().iter().any(|port| port.publish_mode == PublishMode::Ingress)
    }

    /// The same with what is taken where nothing was said.
    #[must_use]
    pub fn with_defaults(mut self) -> Self {
        let template = &mut self.task_template;
        let container = &mut template.container_spec.rest;
        container.entry("StopGracePeriod").or_insert(json!(nanos(STOP_GRACE)));
        container.entry("DNSConfig").or_insert(json!({}));
        template.resources.get_or_insert_with(|| json!({}));
        template.placement.get_or_insert_default();
        template.restart_policy.get_or_insert_default().fill_in();
        for config in [&mut self.update_config, &mut self.rollback_config] {
            config.get_or_insert(UpdateConfig { parallelism: 1, ..UpdateConfig::default() }).fill_in();
        }
        self
    }

    /// Whether it is reached by addresses of its own.
    #[must_use]
    pub fn has_vip(&self) -> bool {
        self.endpoint_spec.as_ref().is_none_or(|spec| spec.mode != Some(EndpointMode::Dnsrr))
    }
}

/// What a task shall be.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct TaskSpec {
    /// Its container.
    pub container_spec: ContainerSpec,
    /// What it may use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resources: Option<Value>,
    /// What follows its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restart_policy: Option<RestartPolicy>,
    /// Where it may be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub placement: Option<Placement>,
    /// Networks.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub networks: Vec<Wanted>,
    /// Where its container's output goes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_driver: Option<Value>,
    /// Counts up when all tasks shall be made anew.
    pub force_update: u64,
    /// The rest.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// The container of a task.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ContainerSpec {
    /// Its image.
    pub image: String,
    /// Its labels.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// What runs in place of the image's entry point.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub command: Vec<String>,
    /// Arguments.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub args: Vec<String>,
    /// Its host name.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub hostname: String,
    /// Environment, `NAME=value`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub env: Vec<String>,
    /// Where it works.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub dir: String,
    /// As whom.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub user: String,
    /// The rest.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// A network that tasks shall be on.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Wanted {
    /// Its name or id.
    pub target: String,
    /// Further names of the service there.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
}

/// How many tasks there are.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub enum Mode {
    /// So many.
    Replicated {
        /// How many.
        #[serde(rename = "Replicas", default = "one")]
        replicas: u64,
    },
    /// One on each node.
    Global {},
    /// Those that shall end well, once.
    ReplicatedJob {
        /// How many are under way at a time.
        #[serde(rename = "MaxConcurrent", default = "one")]
        at_once: u64,
        /// How many there are.
        #[serde(rename = "TotalCompletions", default = "one")]
        total: u64,
    },
    /// One of those on each node.
    GlobalJob {},
}

impl Mode {
    /// Its name.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Replicated { .. } => "replicated",
            Self::Global {} => "global",
            Self::ReplicatedJob { .. } => "replicated-job",
            Self::GlobalJob {} => "global-job",
        }
    }

    /// Whether tasks shall end.
    #[must_use]
    pub const fn is_job(&self) -> bool {
        matches!(self, Self::ReplicatedJob { .. } | Self::GlobalJob {})
    }
}

const fn one() -> u64 {
    1
}

impl Default for Mode {
    fn default() -> Self {
        Self::Replicated { replicas: one() }
    }
}

/// What follows the end of a task.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct RestartPolicy {
    /// After which end another one comes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub condition: Option<Condition>,
    /// After how long, in nanoseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delay: Option<u64>,
    /// How often at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_attempts: Option<u64>,
    /// The rest.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

impl RestartPolicy {
    /// How long is waited when nothing was said.
    pub const DELAY: Duration = Duration::from_secs(5);

    fn fill_in(&mut self) {
        self.condition.get_or_insert(Condition::Any);
        self.delay.get_or_insert_with(|| nanos(Self::DELAY));
        self.max_attempts.get_or_insert(0);
    }

    /// How long is waited.
    #[must_use]
    pub fn wait(&self) -> Duration {
        self.delay.map_or(Self::DELAY, Duration::from_nanos)
    }
}

/// After which end another task comes.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Condition {
    /// After none.
    None,
    /// After one that is a failure.
    OnFailure,
    /// After any.
    Any,
}

/// Where tasks may be.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Placement {
    /// What must be true of the node.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub constraints: Vec<String>,
    /// Over what they are spread first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub preferences: Vec<Preference>,
    /// How many may be on one node; any number when 0.
    #[serde(skip_serializing_if = "is_zero")]
    pub max_replicas: u64,
    /// The rest.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// That tasks are spread evenly over what nodes have of something.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Preference {
    /// Over what.
    pub spread: Spread,
}

/// Of what nodes have something, `node.labels.zone`.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Spread {
    /// Its name.
    pub spread_descriptor: String,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
const fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// How changes are rolled out.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct UpdateConfig {
    /// How many tasks at a time; all at once when 0.
    pub parallelism: u64,
    /// How long to wait between them, in nanoseconds.
    #[serde(skip_serializing_if = "is_zero")]
    pub delay: u64,
    /// What follows a failure: `pause`, `continue`, `rollback`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure_action: Option<String>,
    /// How long a new task is watched, in nanoseconds.
    #[serde(skip_serializing_if = "is_zero")]
    pub monitor: u64,
    /// Which part may fail.
    #[serde(skip_serializing_if = "Value::is_null")]
    pub max_failure_ratio: Value,
    /// Whether the old task goes first: `stop-first`, `start-first`.
    pub order: String,
}

impl UpdateConfig {
    /// How long a new task is watched when nothing was said.
    pub const MONITOR: Duration = Duration::from_secs(5);

    fn fill_in(&mut self) {
        self.failure_action.get_or_insert_with(|| "pause".to_owned());
        self.monitor = nanos(self.watch());
        if self.max_failure_ratio.is_null() {
            self.max_failure_ratio = json!(0);
        }
        if self.order.is_empty() {
            "stop-first".clone_into(&mut self.order);
        }
    }

    /// How long a new task is watched.
    #[must_use]
    pub const fn watch(&self) -> Duration {
        if self.monitor == 0 { Self::MONITOR } else { Duration::from_nanos(self.monitor) }
    }

    /// Which part of tasks may fail.
    #[must_use]
    pub fn tolerates(&self) -> f64 {
        self.max_failure_ratio.as_f64().unwrap_or_default()
    }
}

/// How a service is reached.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct EndpointSpec {
    /// By an address of its own, or by those of its tasks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<EndpointMode>,
    /// The ports that are published.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ports: Vec<PortSpec>,
}

/// By which addresses a service is reached.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum EndpointMode {
    /// By one of its own.
    Vip,
    /// By those of its tasks.
    Dnsrr,
}

/// A port that is published.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct PortSpec {
    /// Its name.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// The protocol.
    pub protocol: Protocol,
    /// The port of a task.
    pub target_port: u16,
    /// The port of nodes; any when 0.
    #[serde(skip_serializing_if = "is_no_port")]
    pub published_port: u16,
    /// Of which nodes.
    pub publish_mode: PublishMode,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
const fn is_no_port(number: &u16) -> bool {
    *number == 0
}

/// On which nodes a port is published.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum PublishMode {
    /// On all.
    #[default]
    Ingress,
    /// On those with a task.
    Host,
}

/// An address of a service's own.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Vip {
    /// The id of the network.
    pub network: String,
    /// The address.
    pub addr: IpAddr,
    /// Digits of the network's prefix.
    pub prefix: u8,
}

/// A service.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Service {
    /// Its id: 25 digits of base 36.
    pub id: String,
    /// What it shall be.
    pub spec: Spec,
    /// What it was to be before.
    pub previous: Option<Spec>,
    /// Counts up when its tasks shall be others; of a job, which execution this is.
    pub generation: u64,
    /// When a job was begun last, in nanoseconds since the world's beginning.
    pub begun: Option<u64>,
    /// Its addresses.
    pub vips: Vec<Vip>,
    /// Its published ports, with numbers.
    pub ports: Vec<PortSpec>,
    /// How the last change of its tasks goes.
    pub update: Option<UpdateStatus>,
    /// When it came, in nanoseconds since the world's beginning.
    pub created: u64,
    /// When it was changed last.
    pub updated: u64,
}

impl Service {
    /// How its tasks are replaced now.
    #[must_use]
    pub fn rolling(&self) -> UpdateConfig {
        let is_back = self.update.as_ref().is_some_and(|update| {
            matches!(
                update.state,
                UpdateState::RollbackStarted | UpdateState::RollbackPaused | UpdateState::RollbackCompleted
            )
        });
        let config = if is_back { &self.spec.rollback_config } else { &self.spec.update_config };
        config.clone().unwrap_or_default()
    }
}

/// How a change of a service's tasks goes.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct UpdateStatus {
    /// How.
    pub state: UpdateState,
    /// When it began, in nanoseconds since the world's beginning.
    pub started: u64,
    /// When it ended.
    pub completed: Option<u64>,
    /// What is said of it.
    pub message: String,
}

/// How a change goes.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum UpdateState {
    /// It goes on.
    Updating,
    /// A task failed.
    Paused,
    /// It is done.
    Completed,
    /// It is taken back.
    RollbackStarted,
    /// A task failed when it was taken back.
    RollbackPaused,
    /// It was taken back.
    RollbackCompleted,
}

/// A step in the life of a task, in their order.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum TaskState {
    /// It was thought of.
    New,
    /// It waits for a node.
    Pending,
    /// It has one.
    Assigned,
    /// The node has heard of it.
    Accepted,
    /// The node makes it.
    Preparing,
    /// It can be started.
    Ready,
    /// It is started.
    Starting,
    /// It runs.
    Running,
    /// It has ended well.
    Complete,
    /// It was ended.
    Shutdown,
    /// It has ended badly.
    Failed,
    /// It could not be made.
    Rejected,
    /// It shall be forgotten.
    Remove,
    /// Nobody knows.
    Orphaned,
}

impl fmt::Display for TaskState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::New => "new",
            Self::Pending => "pending",
            Self::Assigned => "assigned",
            Self::Accepted => "accepted",
            Self::Preparing => "preparing",
            Self::Ready => "ready",
            Self::Starting => "starting",
            Self::Running => "running",
            Self::Complete => "complete",
            Self::Shutdown => "shutdown",
            Self::Failed => "failed",
            Self::Rejected => "rejected",
            Self::Remove => "remove",
            Self::Orphaned => "orphaned",
        })
    }
}

/// How a task is.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Status {
    /// How far it is.
    pub state: TaskState,
    /// Since when, in nanoseconds since the world's beginning.
    pub at: u64,
    /// What is said of it.
    pub message: String,
    /// What went wrong.
    pub error: String,
    /// The id of its container.
    pub container: Option<String>,
    /// The number of its main process.
    pub pid: u32,
    /// With which code that ended.
    pub exit: i32,
    /// What is published of it alone.
    pub ports: Vec<PortSpec>,
}

/// A place of a task on a network.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Place {
    /// The id of the network.
    pub network: String,
    /// Its address.
    pub addr: IpAddr,
    /// Further names of the service there.
    pub aliases: Vec<String>,
}

/// A task: one container of a service, from its being thought of to its end. Another container is another task.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Task {
    /// Its id: 25 digits of base 36.
    pub id: String,
    /// The id of the service.
    pub service: String,
    /// The service's name when it was made.
    pub service_name: String,
    /// Which of the service's it is, of a job's counted from 0; none when it is the one of its node.
    pub slot: Option<u64>,
    /// Its node, when it has one.
    pub node: Option<String>,
    /// What it shall be.
    pub spec: TaskSpec,
    /// Of which generation of its service it is.
    pub generation: u64,
    /// Whether it shall end well.
    pub is_of_job: bool,
    /// Its places on networks.
    pub places: Vec<Place>,
    /// The ports that are published on its node alone.
    pub ports: Vec<PortSpec>,
    /// How far it shall go.
    pub desired: TaskState,
    /// When that may be to run, in nanoseconds since the world's beginning.
    pub not_before: u64,
    /// How many before it were its like and ended.
    pub restarts: u64,
    /// How it is.
    pub status: Status,
    /// When it came, in nanoseconds since the world's beginning.
    pub created: u64,
    /// When it was changed last.
    pub updated: u64,
}

impl Task {
    /// Whether it shall be there, or have been.
    #[must_use]
    pub fn is_wanted(&self) -> bool {
        self.desired <= TaskState::Complete
    }

    /// Whether it may run, for as long as it is needed or to its end.
    #[must_use]
    pub const fn may_run(&self) -> bool {
        matches!(self.desired, TaskState::Running | TaskState::Complete)
    }

    /// Its number, as it is told; the first of a job has none.
    #[must_use]
    pub fn number(&self) -> Option<u64> {
        self.slot.filter(|slot| *slot > 0)
    }

    /// Whether it has ended.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.status.state > TaskState::Running
    }

    /// The name of its container: `web.1.…`, or with the node's id in place of the number.
    #[must_use]
    pub fn name(&self) -> String {
        let which = self.number().map(|slot| slot.to_string()).or_else(|| self.node.clone()).unwrap_or_default();
        format!("{}.{which}.{}", self.service_name, self.id)
    }

    /// When it may run.
    #[must_use]
    pub const fn not_before(&self) -> Instant {
        Instant::from_nanos(self.not_before)
    }
}
