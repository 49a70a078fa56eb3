//! What is typed of a service, put into its specification: `docker service create` begins with an empty one, `update` with
//! the service's own.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::port;
use crate::cli::create::networks::driver_option;
use crate::cli::create::quantity::{bytes, nano_cpus, nanoseconds, soft_and_hard};
use crate::cli::create::{health, mount};
use crate::cli::flags::Arguments;
use crate::cli::network::create::pairs;
use crate::cli::script::Failure;
use crate::cli::words::words;
use crate::image::Reference;

/// Flags, and where their values are in a specification.
const TEXTS: [(&str, &str); 11] = [
    ("endpoint-mode", "/EndpointSpec/Mode"),
    ("hostname", "/TaskTemplate/ContainerSpec/Hostname"),
    ("isolation", "/TaskTemplate/ContainerSpec/Isolation"),
    ("restart-condition", "/TaskTemplate/RestartPolicy/Condition"),
    ("rollback-failure-action", "/RollbackConfig/FailureAction"),
    ("rollback-order", "/RollbackConfig/Order"),
    ("stop-signal", "/TaskTemplate/ContainerSpec/StopSignal"),
    ("update-failure-action", "/UpdateConfig/FailureAction"),
    ("update-order", "/UpdateConfig/Order"),
    ("user", "/TaskTemplate/ContainerSpec/User"),
    ("workdir", "/TaskTemplate/ContainerSpec/Dir"),
];
/// The same of durations.
const DURATIONS: [(&str, &str); 7] = [
    ("restart-delay", "/TaskTemplate/RestartPolicy/Delay"),
    ("restart-window", "/TaskTemplate/RestartPolicy/Window"),
    ("rollback-delay", "/RollbackConfig/Delay"),
    ("rollback-monitor", "/RollbackConfig/Monitor"),
    ("stop-grace-period", "/TaskTemplate/ContainerSpec/StopGracePeriod"),
    ("update-delay", "/UpdateConfig/Delay"),
    ("update-monitor", "/UpdateConfig/Monitor"),
];
/// Of lines that are parted.
const LINES: [(&str, &str); 2] =
    [("args", "/TaskTemplate/ContainerSpec/Args"), ("entrypoint", "/TaskTemplate/ContainerSpec/Command")];
/// Of shares.
const RATIOS: [(&str, &str); 2] = [
    ("rollback-max-failure-ratio", "/RollbackConfig/MaxFailureRatio"),
    ("update-max-failure-ratio", "/UpdateConfig/MaxFailureRatio"),
];
/// Of numbers.
const NUMBERS: [(&str, &str); 4] = [
    ("replicas-max-per-node", "/TaskTemplate/Placement/MaxReplicas"),
    ("restart-max-attempts", "/TaskTemplate/RestartPolicy/MaxAttempts"),
    ("rollback-parallelism", "/RollbackConfig/Parallelism"),
    ("update-parallelism", "/UpdateConfig/Parallelism"),
];

/// `spread=node.labels.zone` as the engine is told.
pub(super) fn preference(text: &str) -> Result<Value, String> {
    match text.split_once('=') {
        Some(("spread", by)) => Ok(json!({ "Spread": { "SpreadDescriptor": by } })),
        Some((strategy, _)) => Err(format!("unsupported placement preference {strategy} (only spread is supported)")),
        None => Err("placement preference must be of the format \"<strategy>=<arg>\"".to_owned()),
    }
}

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
    for (flag, at) in RATIOS {
        if let Some(ratio) = typed.text(flag).and_then(|text| serde_json::from_str::<Value>(text).ok()) {
            set(spec, at, ratio);
        }
    }
    put_limits(spec, typed)?;
    if let Some(driver) = typed.text("log-driver").filter(|driver| !driver.is_empty()) {
        set(spec, "/TaskTemplate/LogDriver", json!({ "Name": driver }));
        if !typed.list("log-opt").is_empty() {
            set(spec, "/TaskTemplate/LogDriver/Options", labels(typed.list("log-opt")));
        }
    }
    if let Some(spec_file) = typed.text("credential-spec") {
        let read = credentials(spec_file).map_err(Failure::new)?;
        set(spec, "/TaskTemplate/ContainerSpec/Privileges/CredentialSpec", read);
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
    for (flag, at) in LINES {
        if let Some(line) = typed.text(flag) {
            let words = words(line).map_err(Failure::new)?;
            set_unless(words.is_empty(), spec, at, json!(words));
        }
    }
    Ok(())
}

/// What tasks may use; no limit is none.
fn put_limits(spec: &mut Value, typed: &Arguments) -> Result<(), Failure> {
    const CPUS: [(&str, &str); 2] = [
        ("limit-cpu", "/TaskTemplate/Resources/Limits/NanoCPUs"),
        ("reserve-cpu", "/TaskTemplate/Resources/Reservations/NanoCPUs"),
    ];
    const SIZES: [(&str, &str); 2] = [
        ("limit-memory", "/TaskTemplate/Resources/Limits/MemoryBytes"),
        ("reserve-memory", "/TaskTemplate/Resources/Reservations/MemoryBytes"),
    ];
    const SWITCHES: [(&str, &str); 2] =
        [("read-only", "/TaskTemplate/ContainerSpec/ReadOnly"), ("tty", "/TaskTemplate/ContainerSpec/TTY")];
    let mut numbers = Vec::new();
    for (flag, at) in CPUS {
        numbers.extend(typed.text(flag).map(|text| nano_cpus(text).map(|number| (at, number))));
    }
    for (flag, at) in SIZES {
        numbers.extend(typed.text(flag).map(|text| bytes(text).map(|number| (at, number))));
    }
    numbers.extend(typed.int("limit-pids").map(|number| Ok(("/TaskTemplate/Resources/Limits/Pids", number))));
    for number in numbers {
        let (at, number) = number.map_err(Failure::new)?;
        set_unless(number == 0, spec, at, json!(number));
    }
    for (flag, at) in SWITCHES.into_iter().filter(|(flag, _)| typed.has(flag)) {
        set_unless(!typed.is_on(flag), spec, at, json!(true));
    }
    if typed.has("init") {
        set(spec, "/TaskTemplate/ContainerSpec/Init", json!(typed.is_on("init")));
    }
    Ok(())
}

/// Sets what is at a place, or has nothing there.
fn set_unless(nothing: bool, spec: &mut Value, at: &str, value: Value) {
    if !nothing {
        return set(spec, at, value);
    }
    let (place, key) = at.rsplit_once('/').expect("a place begins with a slash");
    if let Some(fields) = spec.pointer_mut(place).and_then(Value::as_object_mut) {
        fields.shift_remove(key);
    }
}

/// Changes the list at a place; an empty one is none.
pub(super) fn change(spec: &mut Value, at: &str, change: impl FnOnce(&mut Vec<Value>)) {
    let changed = list(spec, at);
    change(changed);
    let is_empty = changed.is_empty();
    if is_empty {
        set_unless(true, spec, at, Value::Null);
    }
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

/// Mounts, as they are typed.
pub(super) fn mounts(typed: &[String]) -> Result<Vec<Value>, Failure> {
    typed.iter().map(|text| mount::read(text).map_err(Failure::new)).collect()
}

/// Limits of processes, `nofile=10:20`; the last one that is typed of a name counts.
pub(super) fn ulimits(typed: &[String]) -> Vec<Value> {
    let mut limits = BTreeMap::new();
    for text in typed {
        if let Some((name, (soft, hard))) =
            text.split_once('=').and_then(|(name, values)| Some((name, soft_and_hard(values).ok()?)))
        {
            limits.insert(name, json!({ "Name": name, "Hard": hard, "Soft": soft }));
        }
    }
    limits.into_values().collect()
}

/// A resource of nodes, `gpu=1` or `gpu=UUID`.
pub(super) fn resource(text: &str) -> Result<Value, String> {
    let refused = || format!("invalid generic-resource format `{text}` expected `name=value`");
    let (kind, value) = text.split_once('=').filter(|(kind, _)| !kind.is_empty()).ok_or_else(refused)?;
    Ok(match value.parse::<i64>() {
        Ok(number) => json!({ "DiscreteResourceSpec": { "Kind": kind, "Value": number } }),
        Err(_) => json!({ "NamedResourceSpec": { "Kind": kind, "Value": value } }),
    })
}

/// Where the credentials of a container of Windows are, `file://x`.
pub(super) fn credentials(text: &str) -> Result<Value, String> {
    let known = [("config://", "Config"), ("file://", "File"), ("registry://", "Registry")];
    let found = known.iter().find_map(|(prefix, name)| Some((*name, text.strip_prefix(prefix)?)));
    match found {
        Some((name, rest)) => Ok(json!({ name: rest })),
        None if text.is_empty() => Ok(json!({})),
        None => Err(r#"invalid credential spec: value must be prefixed with "config://", "file://", or "registry://""#
            .to_owned()),
    }
}

/// Capabilities as the engine names them: `NET_ADMIN` is `CAP_NET_ADMIN`.
pub(super) fn capabilities(typed: &[String]) -> BTreeSet<String> {
    let full = |name: &String| {
        let name = name.trim().to_uppercase();
        let is_full = name.starts_with("CAP_") || ["ALL", "RESET"].contains(&name.as_str());
        if is_full { name } else { format!("CAP_{name}") }
    };
    let all: BTreeSet<String> = typed.iter().map(full).collect();
    if all.contains("ALL") { BTreeSet::from(["ALL".to_owned()]) } else { all }
}

/// `name:address` as services have it, `address name`.
pub(super) fn hosts(typed: &[String]) -> Vec<Value> {
    let hosts = typed.iter().filter_map(|line| line.split_once(':'));
    hosts.map(|(name, address)| json!(format!("{address} {name}"))).collect()
}

/// An image as services name it: with a tag.
pub(super) fn image(text: &str) -> String {
    Reference::parse(text).map_or_else(|_| text.to_owned(), |reference| reference.familiar())
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
            "driver-opt" => {
                let (name, value) = driver_option(value.trim())?;
                network["DriverOpts"][name] = json!(value);
            }
            other => return Err(format!("invalid field key {other}")),
        }
    }
    if network["Target"] == "" {
        return Err("network name/id is not specified".to_owned());
    }
    Ok(network)
}

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
