//! Settings of a new container that the engine looks at one by one, in its own order. Which of them contradict each
//! other is `conflict`'s affair, and limits are `limits`'.

use serde_json::{Map, Value};

use super::{Asked, HostAsked, capability, limits};
use crate::container::restart::RestartPolicy;
use crate::error::Error;

/// The greatest score that the kernel's killer takes.
const OOM_SCORE_MAX: i64 = 1000;
const MILLISECOND: i64 = 1_000_000;

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
    if let Some(text) = asked.healthcheck.as_ref().and_then(health) {
        return bad(text);
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
        return bad(format!("Invalid isolation: \"{}\" - linux only supports 'default'", text("Isolation")));
    }
    let warnings = limits::check(raw, limits::Occasion::Create)?;
    let score = raw.get("OomScoreAdj").and_then(Value::as_i64).unwrap_or(0);
    if score.abs() > OOM_SCORE_MAX {
        return bad(format!("Invalid value {score}, range for oom score adj is [-1000, 1000]"));
    }
    if !matches!(text("Runtime"), "" | "runc" | "io.containerd.runc.v2" | "io.containerd.runtime.v1.linux") {
        return bad(format!("Unknown runtime specified {}", text("Runtime")));
    }
    for (path, options) in raw.get("Tmpfs").and_then(Value::as_object).into_iter().flatten() {
        if !path.starts_with('/') {
            return bad(format!("invalid mount path: '{path}' mount path must be absolute"));
        }
        let options = options.as_str().unwrap_or_default().split(',').filter(|option| !option.is_empty());
        if let Some(option) = options.into_iter().find(|option| !is_tmpfs_option(option)) {
            return bad(format!("invalid tmpfs option [{option:?}]"));
        }
    }
    if !matches!(text("CgroupnsMode"), "" | "host" | "private") {
        return bad(format!("invalid cgroup namespace mode: {}", text("CgroupnsMode")));
    }
    Ok((policy, warnings))
}

/// What is wrong with the times of a health check.
fn health(check: &Map<String, Value>) -> Option<String> {
    let number = |key: &str| check.get(key).and_then(Value::as_i64).unwrap_or(0);
    let short = |key: &&str| number(key) != 0 && number(key) < MILLISECOND;
    let found = ["Interval", "Timeout"].into_iter().find(short);
    let text = found.map(|key| format!("{key} in Healthcheck cannot be less than 1ms"));
    let negative = || (number("Retries") < 0).then(|| "Retries in Healthcheck cannot be negative".to_owned());
    let begin = || short(&"StartPeriod").then(|| "StartPeriod in Healthcheck cannot be less than 1ms".to_owned());
    text.or_else(negative).or_else(begin)
}

/// Options of tmpfs and flags of mounts.
fn is_tmpfs_option(option: &str) -> bool {
    const FLAGS: [&str; 22] = [
        "async",
        "atime",
        "defaults",
        "dev",
        "diratime",
        "dirsync",
        "exec",
        "mand",
        "noatime",
        "nodev",
        "nodiratime",
        "noexec",
        "nomand",
        "norelatime",
        "nostrictatime",
        "nosuid",
        "relatime",
        "ro",
        "rw",
        "strictatime",
        "suid",
        "sync",
    ];
    const VALUES: [&str; 7] = ["mode", "uid", "gid", "size", "nr_inodes", "nr_blocks", "mpol"];
    match option.split_once('=') {
        Some((key, _)) => VALUES.contains(&key),
        None => {
            FLAGS.contains(&option)
                || matches!(
                    option,
                    "private"
                        | "shared"
                        | "slave"
                        | "unbindable"
                        | "rprivate"
                        | "rshared"
                        | "rslave"
                        | "runbindable"
                        | "bind"
                        | "rbind"
                        | "remount"
                )
        }
    }
}
