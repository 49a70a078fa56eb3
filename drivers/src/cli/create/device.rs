//! Devices, mounts, storage and security options of a new container: read and passed on.

use serde_json::{Map, Value, json};

use super::mount;
use crate::cli::flags::{Arguments, quoted};
use crate::cli::network::create::pairs;
use crate::cli::script::{Cx, Failure};

/// Puts them into the host configuration.
pub(super) fn devices(typed: &Arguments, cx: &Cx<'_>, host: &mut Map<String, Value>) -> Result<(), Failure> {
    let devices = typed.list("device").iter().map(|text| device(text)).collect::<Result<Vec<_>, _>>()?;
    if !devices.is_empty() {
        host.insert("Devices".to_owned(), Value::Array(devices));
    }
    let mounts: Vec<Value> = typed.list("mount").iter().filter_map(|text| mount::read(text).ok()).collect();
    if !mounts.is_empty() {
        host.insert("Mounts".to_owned(), Value::Array(mounts));
    }
    if let Some(text) = typed.text("gpus") {
        let count = if text == "all" { -1 } else { text.parse::<i32>().unwrap_or(1) };
        let request =
            json!({"Driver": "", "Count": count, "DeviceIDs": null, "Capabilities": [["gpu"]], "Options": {}});
        host.insert("DeviceRequests".to_owned(), json!([request]));
    }
    let rules = typed.list("device-cgroup-rule");
    if !rules.is_empty() {
        host.insert("DeviceCgroupRules".to_owned(), json!(rules));
    }
    typed.list("security-opt").iter().try_for_each(|text| security(text, cx))?;
    let storage = typed.list("storage-opt");
    if storage.iter().any(|text| !text.contains('=')) {
        return Err(Failure::new("invalid storage option"));
    }
    if !storage.is_empty() {
        host.insert("StorageOpt".to_owned(), Value::Object(pairs(storage)));
    }
    Ok(())
}

/// How many GPUs are asked for.
pub(super) fn gpus(text: &str) -> Result<(), String> {
    if text.contains('=') {
        const KEYS: [&str; 5] = ["driver", "count", "device", "capabilities", "options"];
        let unknown = |field: &&str| !KEYS.contains(&field.split('=').next().unwrap_or_default());
        return match text.split(',').filter(|field| field.contains('=')).find(unknown) {
            Some(field) => {
                Err(format!("unexpected key '{}' in '{field}'", field.split('=').next().unwrap_or_default()))
            }
            None => Ok(()),
        };
    }
    if text == "all" || text.parse::<i32>().is_ok() {
        return Ok(());
    }
    Err(format!("invalid count ({text}): value must be either \"all\" or an integer: invalid syntax"))
}

/// `/dev/sda:/dev/xvda:rwm`; what is left out is as on the host, and everything may be done.
fn device(text: &str) -> Result<Value, Failure> {
    let is_mode = |word: &str| !word.is_empty() && word.len() <= 3 && word.chars().all(|c| "rwm".contains(c));
    let (source, target, rights) = match text.split(':').collect::<Vec<_>>().as_slice() {
        [source] => (*source, *source, "rwm"),
        [source, rights] if is_mode(rights) => (*source, *source, *rights),
        [source, target] => (*source, *target, "rwm"),
        [source, target, rights] if is_mode(rights) => (*source, *target, *rights),
        [_, _, rights] => return Err(Failure::new(format!("bad mode specified: {rights}"))),
        _ => return Err(Failure::new(format!("bad format for path: {text}"))),
    };
    if !source.starts_with('/') {
        return Err(Failure::new(format!("{source} is not an absolute path")));
    }
    Ok(json!({"PathOnHost": source, "PathInContainer": target, "CgroupPermissions": rights}))
}

/// Options for the security of a container have a value, but for one.
fn security(text: &str, cx: &Cx<'_>) -> Result<(), Failure> {
    let (key, value) = text.split_once('=').or_else(|| text.split_once(':')).unwrap_or((text, ""));
    if value.is_empty() && key != "no-new-privileges" {
        return Err(Failure::new(format!("Invalid --security-opt: {}", quoted(text))));
    }
    if key == "seccomp" && !matches!(value, "unconfined" | "builtin") {
        let read = cx.place.read(value);
        read.map_err(|why| Failure::new(format!("opening seccomp profile ({value}) failed: {}", why.message)))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::play::Play;

    #[test]
    fn a_device_is_a_path_or_two_and_rights() {
        let said = |text| device(text).map(|value| value.to_string()).map_err(|failure| failure.message);
        let expected = r#"{"PathOnHost":"/dev/a","PathInContainer":"/dev/b","CgroupPermissions":"rw"}"#;
        assert_eq!(said("/dev/a:/dev/b:rw"), Ok(expected.to_owned()));
        assert_eq!(said("x"), Err("x is not an absolute path".to_owned()));
        assert_eq!(said("a:b:q"), Err("bad mode specified: q".to_owned()));
        assert_eq!(said("a:b:c:d"), Err("bad format for path: a:b:c:d".to_owned()));
    }

    #[test]
    fn security_options_have_a_value() {
        let said =
            |option: &str| Play::new(&format!("docker create --security-opt {option} busybox")).stderr().to_owned();
        let help = "\n\nRun 'docker create --help' for more information\n";
        assert_eq!(said("banana"), format!("docker: Invalid --security-opt: \"banana\"{help}"));
        let missing = "docker: opening seccomp profile (/nosuch) failed: open /nosuch: no such file or directory";
        assert_eq!(said("seccomp=/nosuch"), format!("{missing}{help}"));
        assert_eq!((said("no-new-privileges"), said("label:disable")), (String::new(), String::new()));
    }
}
