//! What a container's log shall be: which drivers and options there are. Logs themselves are `logs`.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::container::{ContainerConfig, LogDriver};
use crate::error::Error;

/// The drivers that a real engine has; all but the last can be read here, from what is kept.
const DRIVERS: [&str; 11] = [
    "awslogs",
    "fluentd",
    "gcplogs",
    "gelf",
    "journald",
    "json-file",
    "local",
    "logentries",
    "splunk",
    "syslog",
    "none",
];
/// The options of the usual driver.
const OPTIONS: [&str; 8] = ["max-file", "max-size", "compress", "labels", "labels-regex", "env", "env-regex", "tag"];

/// `LogConfig` of a request.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Asked {
    #[serde(rename = "Type")]
    kind: Option<String>,
    config: Option<BTreeMap<String, String>>,
}

impl Asked {
    fn driver(&self) -> &str {
        self.kind.as_deref().filter(|kind| !kind.is_empty()).unwrap_or("json-file")
    }
}

/// Refuses what no log can be.
///
/// # Errors
/// `LogDriverUnknown`, or an option that the driver does not have.
pub(super) fn check(asked: Option<&Asked>) -> Result<(), Error> {
    let Some(asked) = asked else { return Ok(()) };
    let driver = asked.driver();
    if !DRIVERS.contains(&driver) {
        return Err(Error::LogDriverUnknown(driver.to_owned()));
    }
    let mut options = asked.config.iter().flat_map(BTreeMap::keys);
    match options.find(|option| driver == "json-file" && !OPTIONS.contains(&option.as_str())) {
        Some(option) => Err(Error::BadParameter(format!("unknown log opt '{option}' for {driver} log driver"))),
        None => Ok(()),
    }
}

/// What keeps the driver from beginning when the container starts.
pub(super) fn obstacle(asked: Option<&Asked>) -> Option<String> {
    let asked = asked?;
    let why = match asked.driver() {
        "journald" => "journald is not enabled on this host".to_owned(),
        "json-file" | "local" => {
            let size = asked.config.as_ref()?.get("max-size")?;
            if crate::engine::create::limits::is_size(size) {
                return None;
            }
            format!("invalid size: '{size}'")
        }
        _ => return None,
    };
    Some(format!("failed to initialize logging driver: {why}"))
}

/// Where the output goes.
pub(super) fn driver(asked: Option<&Asked>) -> LogDriver {
    if asked.is_some_and(|asked| asked.driver() == "none") { LogDriver::None } else { LogDriver::Kept }
}

/// What is said beside each line of a log: labels and variables that were chosen, and a tag, as a query in order of
/// their names.
pub(super) fn details(asked: Option<&Asked>, config: &ContainerConfig) -> String {
    let options = asked.and_then(|asked| asked.config.as_ref());
    let option = |key: &str| options.and_then(|options| options.get(key)).map_or("", String::as_str);
    let chosen =
        |key: &str| option(key).split(',').map(str::to_owned).filter(|name| !name.is_empty()).collect::<Vec<_>>();
    let mut said = BTreeMap::new();
    for name in chosen("labels") {
        if let Some(value) = config.labels.get(&name) {
            said.insert(name, value.clone());
        }
    }
    for name in chosen("env") {
        let mut pairs = config.env.iter().filter_map(|line| line.split_once('='));
        if let Some((_, value)) = pairs.find(|(known, _)| *known == name) {
            said.insert(name, value.to_owned());
        }
    }
    // A tag that is made of the container's own data is not read here.
    let tag = Some(option("tag")).filter(|tag| !tag.is_empty() && !tag.contains("{{"));
    tag.into_iter().for_each(|tag| _ = said.insert("tag".to_owned(), tag.to_owned()));
    let pair = |(name, value): (&String, &String)| format!("{}={}", escaped(name), escaped(value));
    said.iter().map(pair).collect::<Vec<_>>().join(",")
}

/// `text` as a query has it.
fn escaped(text: &str) -> String {
    text.bytes().fold(String::new(), |mut escaped, byte| {
        match byte {
            b' ' => escaped.push('+'),
            byte if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) => escaped.push(char::from(byte)),
            byte => escaped.push_str(&format!("%{byte:02X}")),
        }
        escaped
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(json: &str) -> Option<String> {
        check(Some(&serde_json::from_str(json).expect("a configuration"))).err().map(|error| error.to_string())
    }

    #[test]
    fn drivers_and_options_must_exist() {
        assert_eq!(refused(r#"{"Type":"","Config":null}"#), None);
        assert_eq!(refused(r#"{"Type":"json-file","Config":{"max-file":"3"}}"#), None);
        let unknown = refused(r#"{"Type":"asdf","Config":{}}"#);
        assert_eq!(unknown.as_deref(), Some("error looking up logging plugin asdf: plugin \"asdf\" not found"));
        let option = refused(r#"{"Config":{"asdf":"1"}}"#);
        assert_eq!(option.as_deref(), Some("unknown log opt 'asdf' for json-file log driver"));
    }
}
