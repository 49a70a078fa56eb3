//! Settings of a new container that the engine looks at one by one, in its own order. Which of them contradict each
//! other is `conflict`'s affair, and limits are `limits`'.

use serde_json::{Map, Value};

use super::{Asked, HostAsked, capability, limits};
use crate::container::restart::RestartPolicy;
use crate::error::Error;

/// The greatest score that the kernel's killer takes.
const OOM_SCORE_MAX: i64 = 1000;

/// Looks at all of them; the restart policy and the engine's warnings.
///
/// # Errors
/// The first that is wrong.
pub(super) fn check(
    asked: &Asked,
    host: &HostAsked,
    raw: &Map<String, Value>,
) -> Result<(RestartPolicy, Vec<String>), Error> {
    let bad = |text: String| Err(Error::BadParameter(text));
    let directory = asked.working_dir.as_deref().unwrap_or_default();
    if !directory.is_empty() && !directory.starts_with('/') {
        return bad(format!("the working directory '{directory}' is invalid, it needs to be an absolute path"));
    }
    let policy_asked = host.restart_policy.clone().unwrap_or_default();
    if host.auto_remove == Some(true) && policy_asked.restarts() {
        return bad("can't create 'AutoRemove' container with restart policy".to_owned());
    }
    let policy = policy_asked.parse()?.unwrap_or_default();
    capability::check(&host.cap_add, "CapAdd")?;
    capability::check(&host.cap_drop, "CapDrop")?;
    let text = |key: &str| raw.get(key).and_then(Value::as_str).unwrap_or_default();
    if !matches!(text("Isolation").to_lowercase().as_str(), "" | "default") {
        return bad(format!("invalid isolation '{}' on linux", text("Isolation")));
    }
    let warnings = limits::check(raw, limits::Occasion::Create)?;
    let score = raw.get("OomScoreAdj").and_then(Value::as_i64).unwrap_or(0);
    if score.abs() > OOM_SCORE_MAX {
        return bad(format!("Invalid value {score}, range for oom score adj is [-1000, 1000]"));
    }
    if !matches!(text("Runtime"), "" | "runc" | "io.containerd.runc.v2" | "io.containerd.runtime.v1.linux") {
        return bad(format!("Unknown runtime specified {}", text("Runtime")));
    }
    let tmpfs = raw.get("Tmpfs").and_then(Value::as_object).into_iter().flat_map(Map::keys);
    if let Some(path) = tmpfs.into_iter().find(|path| !path.starts_with('/')) {
        return bad(format!("invalid mount path: '{path}' mount path must be absolute"));
    }
    if !matches!(text("CgroupnsMode"), "" | "host" | "private") {
        return bad(format!("invalid cgroup namespace mode: {}", text("CgroupnsMode")));
    }
    Ok((policy, warnings))
}
