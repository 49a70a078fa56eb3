//! Namespaces that a new container shares, and options for its security: which values the engine takes. Nothing is
//! shared by them here but the host's name; the network's own modes are read elsewhere.

use serde_json::{Map, Value};

use crate::engine::Engine;
use crate::error::Error;
use crate::options::parse_go_bool;

impl Engine {
    /// Looks at `IpcMode`, `PidMode`, `SecurityOpt` and `StorageOpt`.
    ///
    /// # Errors
    /// `BadParameter` with the first that is wrong.
    pub(super) fn check_namespaces(&self, host: &Map<String, Value>) -> Result<(), Error> {
        let text = |key: &str| host.get(key).and_then(Value::as_str).unwrap_or_default();
        let bad = |text: String| Err(Error::BadParameter(text));
        let ipc = text("IpcMode");
        let other = ipc.strip_prefix("container:");
        if other.is_none() && !matches!(ipc, "" | "none" | "private" | "shareable" | "host") {
            return bad(format!("Invalid IPC mode: {ipc}"));
        }
        let security = host.get("SecurityOpt").and_then(Value::as_array).into_iter().flatten();
        if let Some(wrong) = security.filter_map(Value::as_str).find(|option| !is_security_option(option)) {
            return bad(format!("invalid --security-opt 2: {wrong:?}"));
        }
        for name in other.into_iter().chain(text("PidMode").strip_prefix("container:")).filter(|name| !name.is_empty())
        {
            self.find_container(name).map_err(|error| Error::BadParameter(error.to_string()))?;
        }
        if host.get("StorageOpt").and_then(Value::as_object).is_some_and(|options| !options.is_empty()) {
            return bad("--storage-opt is supported only for overlay over xfs with 'pquota' mount option".to_owned());
        }
        Ok(())
    }
}

/// `key=value` or, as it once was written, `key:value`.
fn is_security_option(option: &str) -> bool {
    let (key, value) = option.split_once('=').or_else(|| option.split_once(':')).unwrap_or((option, "true"));
    match key {
        "label" | "apparmor" | "seccomp" => true,
        "no-new-privileges" => parse_go_bool(value).is_ok(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn security_options_are_known_ones() {
        assert!(
            ["no-new-privileges", "no-new-privileges:false", "seccomp=unconfined"].into_iter().all(is_security_option)
        );
        assert!(!["x=y", "no-new-privileges=banana"].into_iter().any(is_security_option));
    }
}
