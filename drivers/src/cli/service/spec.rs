//! What is typed of a service, put into its specification: `docker service create` begins with an empty one, `update` with
//! the service's own.

use serde_json::{Value, json};

use super::port;
use crate::cli::create::health;
use crate::cli::create::quantity::nanoseconds;
use crate::cli::environment;
use crate::cli::flags::{Arguments, Flag, unsigned};
use crate::cli::network::create::pairs;
use crate::cli::script::Failure;
use crate::image::Reference;

fn number(text: &str) -> Result<(), String> {
    unsigned(text, 64)
}

const fn uint(name: &'static str, usage: &'static str) -> Flag {
    Flag::text(name, usage).labelled("uint").checked(number)
}

const fn duration(name: &'static str, usage: &'static str) -> Flag {
    Flag::text(name, usage).labelled("duration").checked(crate::cli::create::quantity::duration)
}

const fn ratio(name: &'static str, usage: &'static str) -> Flag {
    Flag::text(name, usage).labelled("float").checked(check_ratio)
}

fn check_ratio(text: &str) -> Result<(), String> {
    let why = || format!("strconv.ParseFloat: parsing \"{text}\": invalid syntax");
    text.parse::<f32>().map(drop).map_err(|_| why())
}

pub(super) fn check_preference(text: &str) -> Result<(), String> {
    preference(text).map(drop)
}

/// `spread=node.labels.zone` as the engine is told.
pub(super) fn preference(text: &str) -> Result<Value, String> {
    match text.split_once('=') {
        Some(("spread", by)) => Ok(json!({ "Spread": { "SpreadDescriptor": by } })),
        Some((strategy, _)) => Err(format!("unsupported placement preference {strategy} (only spread is supported)")),
        None => Err("placement preference must be of the format \"<strategy>=<arg>\"".to_owned()),
    }
}

pub(super) const DETACH: Flag =
    Flag::switch("detach", "Exit immediately instead of waiting for the service to converge").short('d');
pub(super) const ENDPOINT_MODE: Flag = Flag::text("endpoint-mode", "Endpoint mode (vip or dnsrr)");
pub(super) const ENTRYPOINT: Flag =
    Flag::text("entrypoint", "Overwrite the default ENTRYPOINT of the image").labelled("command");
pub(super) const HOSTNAME: Flag = Flag::text("hostname", "Container hostname");
pub(super) const NO_RESOLVE: Flag =
    Flag::switch("no-resolve-image", "Do not query the registry to resolve image digest and supported platforms");
pub(super) const QUIET: Flag = Flag::switch("quiet", "Suppress progress output").short('q');
pub(super) const REPLICAS: Flag = uint("replicas", "Number of tasks");
pub(super) const MAX_PER_NODE: Flag =
    uint("replicas-max-per-node", "Maximum number of tasks per node (default 0 = unlimited)");
pub(super) const RESTART: [Flag; 3] = [
    Flag::text("restart-condition", "Restart when condition is met (\"none\", \"on-failure\", \"any\")"),
    duration("restart-delay", "Delay between restart attempts (ns|us|ms|s|m|h)"),
    uint("restart-max-attempts", "Maximum number of restarts before giving up"),
];
pub(super) const STOP_GRACE: Flag =
    duration("stop-grace-period", "Time to wait before force killing a container (ns|us|ms|s|m|h)");
pub(super) const HEALTH: [Flag; 6] = [
    Flag::text("health-cmd", "Command to run to check health"),
    duration("health-interval", "Time between running the check (ms|s|m|h)"),
    Flag::int("health-retries", "Consecutive failures needed to report unhealthy"),
    duration(
        "health-start-period",
        "Start period for the container to initialize before counting retries towards unstable (ms|s|m|h)",
    ),
    duration("health-timeout", "Maximum time to allow one check to run (ms|s|m|h)"),
    Flag::switch("no-healthcheck", "Disable any container-specified HEALTHCHECK"),
];
pub(super) const PREFERENCE: Flag =
    Flag::list("placement-pref", "Add a placement preference").labelled("pref").checked(check_preference);
pub(super) const ROLLBACKS: [Flag; 6] = [
    duration("rollback-delay", "Delay between task rollbacks (ns|us|ms|s|m|h)"),
    Flag::text("rollback-failure-action", "Action on rollback failure (\"pause\", \"continue\")"),
    ratio("rollback-max-failure-ratio", "Failure rate to tolerate during a rollback"),
    duration("rollback-monitor", "Duration after each task rollback to monitor for failure (ns|us|ms|s|m|h)"),
    Flag::text("rollback-order", "Rollback order (\"start-first\", \"stop-first\")"),
    uint("rollback-parallelism", "Maximum number of tasks rolled back simultaneously (0 to roll back all at once)"),
];
pub(super) const UPDATES: [Flag; 6] = [
    duration("update-delay", "Delay between updates (ns|us|ms|s|m|h)"),
    Flag::text("update-failure-action", "Action on update failure (\"pause\", \"continue\", \"rollback\")"),
    ratio("update-max-failure-ratio", "Failure rate to tolerate during an update"),
    duration("update-monitor", "Duration after each task update to monitor for failure (ns|us|ms|s|m|h)"),
    Flag::text("update-order", "Update order (\"start-first\", \"stop-first\")"),
    uint("update-parallelism", "Maximum number of tasks updated simultaneously (0 to update all at once)"),
];
pub(super) const USER: Flag = Flag::text("user", "Username or UID (format: <name|uid>[:<group|gid>])").short('u');
pub(super) const WORKDIR: Flag = Flag::text("workdir", "Working directory inside the container").short('w');

/// The specification of a service of which nothing was said.
pub(super) fn usual() -> Value {
    let rolling = json!({ "Parallelism": 1, "FailureAction": "pause", "Monitor": 5_000_000_000_u64,
        "MaxFailureRatio": 0, "Order": "stop-first" });
    json!({
        "Name": "",
        "Labels": {},
        "TaskTemplate": {
            "ContainerSpec": { "Init": false, "StopGracePeriod": 10_000_000_000_u64, "DNSConfig": {} },
            "Resources": { "Limits": {}, "Reservations": {} },
            "RestartPolicy": { "Condition": "any", "Delay": 5_000_000_000_u64, "MaxAttempts": 0 },
            "Placement": {},
            "ForceUpdate": 0,
        },
        "Mode": { "Replicated": { "Replicas": 1 } },
        "UpdateConfig": rolling,
        "RollbackConfig": rolling,
        "EndpointSpec": { "Mode": "vip" },
    })
}

/// Puts in what has one value, whether a service is new or not.
pub(super) fn put(spec: &mut Value, typed: &Arguments) -> Result<(), Failure> {
    const TEXTS: [(&str, &str); 9] = [
        ("endpoint-mode", "/EndpointSpec/Mode"),
        ("hostname", "/TaskTemplate/ContainerSpec/Hostname"),
        ("restart-condition", "/TaskTemplate/RestartPolicy/Condition"),
        ("rollback-failure-action", "/RollbackConfig/FailureAction"),
        ("rollback-order", "/RollbackConfig/Order"),
        ("update-failure-action", "/UpdateConfig/FailureAction"),
        ("update-order", "/UpdateConfig/Order"),
        ("user", "/TaskTemplate/ContainerSpec/User"),
        ("workdir", "/TaskTemplate/ContainerSpec/Dir"),
    ];
    const DURATIONS: [(&str, &str); 6] = [
        ("restart-delay", "/TaskTemplate/RestartPolicy/Delay"),
        ("rollback-delay", "/RollbackConfig/Delay"),
        ("rollback-monitor", "/RollbackConfig/Monitor"),
        ("stop-grace-period", "/TaskTemplate/ContainerSpec/StopGracePeriod"),
        ("update-delay", "/UpdateConfig/Delay"),
        ("update-monitor", "/UpdateConfig/Monitor"),
    ];
    const RATIOS: [(&str, &str); 2] = [
        ("rollback-max-failure-ratio", "/RollbackConfig/MaxFailureRatio"),
        ("update-max-failure-ratio", "/UpdateConfig/MaxFailureRatio"),
    ];
    const NUMBERS: [(&str, &str); 4] = [
        ("replicas-max-per-node", "/TaskTemplate/Placement/MaxReplicas"),
        ("restart-max-attempts", "/TaskTemplate/RestartPolicy/MaxAttempts"),
        ("rollback-parallelism", "/RollbackConfig/Parallelism"),
        ("update-parallelism", "/UpdateConfig/Parallelism"),
    ];
    for (flag, at) in RATIOS {
        if let Some(ratio) = typed.text(flag).and_then(|text| serde_json::from_str::<Value>(text).ok()) {
            set(spec, at, ratio);
        }
    }
    if let Some(check) = health::check(typed)? {
        set(spec, "/TaskTemplate/ContainerSpec/Healthcheck", check);
    }
    for (flag, at) in TEXTS {
        if let Some(text) = typed.text(flag) {
            set(spec, at, json!(text));
        }
    }
    for (flag, at) in DURATIONS {
        if let Some(text) = typed.text(flag) {
            set(spec, at, json!(nanoseconds(text).map_err(Failure::new)?));
        }
    }
    for (flag, at) in NUMBERS {
        if let Some(number) = typed.int(flag) {
            set(spec, at, json!(number));
        }
    }
    if let Some(entrypoint) = typed.text("entrypoint") {
        set(spec, "/TaskTemplate/ContainerSpec/Command", json!(words(entrypoint)));
    }
    if let Some(args) = typed.text("args") {
        set(spec, "/TaskTemplate/ContainerSpec/Args", json!(words(args)));
    }
    Ok(())
}

/// Sets what is at a place, making what is on the way there.
pub(super) fn set(spec: &mut Value, at: &str, value: Value) {
    let mut place = spec;
    for key in at.split('/').skip(1) {
        if !place.is_object() {
            *place = json!({});
        }
        place = &mut place[key];
    }
    *place = value;
}

/// The list at a place, to be changed.
pub(super) fn list<'a>(spec: &'a mut Value, at: &str) -> &'a mut Vec<Value> {
    if spec.pointer(at).is_none_or(|list| !list.is_array()) {
        set(spec, at, json!([]));
    }
    spec.pointer_mut(at).and_then(Value::as_array_mut).expect("it was just made")
}

/// An image as services name it: with a tag.
pub(super) fn image(text: &str) -> String {
    Reference::parse(text).map_or_else(|_| text.to_owned(), |reference| reference.familiar())
}

/// A line as a shell parts it; quotes hold words together.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    for c in line.chars() {
        match quote {
            Some(open) if c == open => quote = None,
            None if c == '"' || c == '\'' => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            None if c.is_whitespace() => words.extend(word.take()),
            _ => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

/// A network as it is typed: `net`, or `name=net,alias=x`.
pub(super) fn network(text: &str) -> Result<Value, String> {
    if !text.contains('=') {
        return Ok(json!({ "Target": text }));
    }
    let mut network = json!({ "Target": "" });
    for field in text.split(',') {
        let Some((key, value)) = field.split_once('=') else { return Err(format!("invalid field {field}")) };
        match key.trim().to_lowercase().as_str() {
            "name" => network["Target"] = json!(value.trim()),
            "alias" => list(&mut network, "/Aliases").push(json!(value.trim())),
            "driver-opt" => {}
            other => return Err(format!("invalid field key {other}")),
        }
    }
    Ok(network)
}

fn check_network(text: &str) -> Result<(), String> {
    network(text).map(drop)
}

pub(super) const NETWORK: Flag =
    Flag::list("network", "Network attachments").labelled("network").checked(check_network);
pub(super) const NETWORK_ADD: Flag =
    Flag::list("network-add", "Add a network").labelled("network").checked(check_network);
pub(super) const PUBLISH: Flag =
    Flag::list("publish", "Publish a port as a node port").short('p').labelled("port").checked(port::check);
pub(super) const PUBLISH_ADD: Flag =
    Flag::list("publish-add", "Add or update a published port").labelled("port").checked(port::check);
pub(super) const ENV: Flag = Flag::list("env", "Set environment variables").short('e').checked(environment::check);

/// Ports, in the order in which the client sends them.
pub(super) fn ports(typed: &[String]) -> Result<Vec<Value>, Failure> {
    let mut ports = Vec::new();
    for text in typed {
        ports.extend(port::parse(text).map_err(Failure::new)?);
    }
    Ok(ports)
}

/// `a=b` as an object.
pub(super) fn labels(typed: &[String]) -> Value {
    Value::Object(pairs(typed))
}
