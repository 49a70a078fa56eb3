//! What makes the start of a container fail, whatever else stands: settings that the engine takes without a look, and
//! that the runtime or Linux then refuse (errors recorded at `docker run`).

use serde_json::{Map, Value};

use super::{HostAsked, logging};
use crate::error::Error;

/// The first obstacle to a start.
pub(super) fn find(host: &HostAsked, raw: &Map<String, Value>) -> Option<Error> {
    gpus(raw).or_else(|| logging::obstacle(host.log_config.as_ref())).map(Error::StartRefused)
}

fn gpus(raw: &Map<String, Value>) -> Option<String> {
    let first = raw.get("DeviceRequests")?.as_array()?.first()?;
    let driver = first["Driver"].as_str().unwrap_or_default();
    let list = |list: &Value| {
        let words: Vec<&str> = list.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        format!("[{}]", words.join(" "))
    };
    let capabilities: Vec<String> = first["Capabilities"].as_array().into_iter().flatten().map(list).collect();
    let capabilities = capabilities.join(" ");
    Some(format!("could not select device driver \"{driver}\" with capabilities: [{capabilities}]"))
}
