//! What `inspect` repeats of a request for a container: `Config` and `HostConfig` with the engine's keys in its order.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{Asked, Words};
use crate::container::ContainerConfig;

/// The host configuration of a container that asks for nothing, with all keys in the engine's order.
const HOST_CONFIG: &str = include_str!("host_config.json");
/// Keys that are there only when they say something.
const OPTIONAL: [&str; 5] = ["StorageOpt", "Tmpfs", "Sysctls", "Mounts", "Init"];

/// `Config`.
pub(super) fn config(asked: &Asked, config: &ContainerConfig) -> Value {
    let words = |words: &Option<Words>| words.clone().map(Words::into_list).filter(|words| !words.is_empty());
    let own = |words: &[String]| if words.is_empty() { Value::Null } else { json!(words) };
    let entrypoint = words(&asked.entrypoint);
    let image = &config.image.config;
    let own_command = if entrypoint.is_none() { own(&image.command) } else { Value::Null };
    let own_entrypoint = own(&image.entrypoint);
    // The engine repeats the keys as they were written, whatever it makes of them.
    let exposed = asked.exposed_ports.iter().flat_map(BTreeMap::keys).chain(&image.exposed);
    let exposed: BTreeMap<&String, Value> = exposed.map(|port| (port, json!({}))).collect();
    let env = if asked.env.is_none() && config.env.is_empty() { Value::Null } else { json!(config.env) };
    let volumes = asked.volumes.as_ref().filter(|volumes| !volumes.is_empty());
    let given = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    let mut echo = json!({
        "Hostname": config.hostname, "Domainname": config.domainname, "User": config.user,
        "AttachStdin": asked.attach_stdin.unwrap_or_default(),
        "AttachStdout": asked.attach_stdout.unwrap_or_default(),
        "AttachStderr": asked.attach_stderr.unwrap_or_default(),
        "ExposedPorts": (!exposed.is_empty()).then_some(exposed), "Tty": config.tty, "OpenStdin": config.open_stdin,
        "StdinOnce": config.stdin_once, "Env": env, "Cmd": words(&asked.cmd).map_or(own_command, |words| json!(words)),
        "Healthcheck": asked.healthcheck, "Image": config.image_reference, "Volumes": volumes,
        "WorkingDir": config.working_dir, "Entrypoint": entrypoint.map_or(own_entrypoint, |words| json!(words)),
        "MacAddress": given(&asked.mac_address), "OnBuild": null, "Labels": config.labels,
        "StopSignal": given(&asked.stop_signal), "StopTimeout": asked.stop_timeout,
    });
    let fields = echo.as_object_mut().expect("it was just made");
    for key in ["ExposedPorts", "Healthcheck", "MacAddress", "StopSignal", "StopTimeout"] {
        drop_empty(fields, key);
    }
    echo
}

/// `HostConfig`: every known key, with the client's value where it says something.
pub(super) fn host(asked: &Map<String, Value>) -> Value {
    let mut echo: Value = serde_json::from_str(HOST_CONFIG).expect("the file is JSON");
    let fields = echo.as_object_mut().expect("the file is an object");
    for (key, value) in asked {
        if let Some(field) = fields.get_mut(key).filter(|_| says_something(key, value)) {
            repeat(field, value);
        }
    }
    let number = |fields: &Map<String, Value>, key: &str| fields[key].as_i64().unwrap_or_default();
    let memory = number(fields, "Memory");
    if memory > 0 && number(fields, "MemorySwap") == 0 {
        fields["MemorySwap"] = json!(memory.saturating_mul(2));
    }
    OPTIONAL.into_iter().for_each(|key| drop_empty(fields, key));
    echo
}

/// Puts a client's value over the engine's. The log's configuration is two settings.
fn repeat(field: &mut Value, value: &Value) {
    match (value.get("Type"), value.get("Config")) {
        (Some(kind), config) if field.get("Type").is_some() => {
            if kind.as_str().is_some_and(|kind| !kind.is_empty()) {
                field["Type"] = kind.clone();
            }
            if let Some(config) = config.filter(|config| config.is_object()) {
                field["Config"] = config.clone();
            }
        }
        _ => *field = value.clone(),
    }
}

fn drop_empty(fields: &mut Map<String, Value>, key: &str) {
    let is_empty = |value: &Value| match value {
        Value::Null => true,
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.is_empty(),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    };
    if fields.get(key).is_some_and(is_empty) {
        fields.shift_remove(key);
    }
}

/// Whether a value is more than the empty ones that clients send for what they leave to the engine.
fn says_something(key: &str, value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        // For these two a number that cannot be means none.
        Value::Number(number) if matches!(key, "MemorySwappiness" | "PidsLimit") => {
            number.as_i64().is_some_and(|n| n > 0)
        }
        Value::Number(number) => number.as_i64() != Some(0),
        Value::Array(_) | Value::Bool(_) | Value::Object(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repeated(sent: &str) -> Value {
        host(&serde_json::from_str(sent).expect("an object"))
    }

    #[test]
    fn the_host_configuration_is_repeated_with_the_engines_defaults() {
        let echo = repeated(
            r#"{"NetworkMode":"n1","IpcMode":"","ShmSize":0,"MemorySwappiness":-1,"OomScoreAdj":-5,
            "LogConfig":{"Type":"","Config":{"max-file":"3"}},"AutoRemove":true,"Nonsense":1,"Devices":[]}"#,
        );
        assert_eq!(echo["NetworkMode"], "n1");
        assert_eq!(echo["IpcMode"], "private");
        assert_eq!(echo["ShmSize"], 67_108_864);
        assert_eq!(echo["MemorySwappiness"], Value::Null);
        assert_eq!(echo["OomScoreAdj"], -5);
        assert_eq!(echo["LogConfig"], json!({"Type": "json-file", "Config": {"max-file": "3"}}));
        assert_eq!(echo["AutoRemove"], true);
        assert_eq!((&echo["Devices"], &echo["Ulimits"]), (&json!([]), &Value::Null), "an empty list is repeated");
        assert_eq!(echo.get("Nonsense"), None);
    }

    #[test]
    fn what_is_seldom_asked_for_has_its_place_too() {
        let keys = |echo: &Value| echo.as_object().expect("an object").keys().cloned().collect::<Vec<_>>();
        let echo = repeated(r#"{"Sysctls":{"net.ipv4.ip_forward":"1"},"Init":true,"Memory":100}"#);
        let at = |key: &str| keys(&echo).iter().position(|k| k == key).expect("it is there");
        assert_eq!(at("Sysctls"), at("ShmSize") + 1);
        assert_eq!(at("Init"), keys(&echo).len() - 1);
        assert_eq!(echo["MemorySwap"], 200, "as much swap as memory");
        assert!(!keys(&repeated(r#"{"Sysctls":{},"Mounts":[]}"#)).contains(&"Sysctls".to_owned()));
    }
}
