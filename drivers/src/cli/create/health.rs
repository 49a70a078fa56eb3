//! Health checks as they are asked for. Nothing here runs one.

use serde_json::{Value, json};

use super::quantity::nanoseconds;
use crate::cli::flags::Arguments;
use crate::cli::script::Failure;

const TIMES: [(&str, &str); 3] =
    [("health-interval", "Interval"), ("health-timeout", "Timeout"), ("health-start-period", "StartPeriod")];

/// What the engine is told; nothing when nothing was asked for.
pub(in crate::cli) fn check(typed: &Arguments) -> Result<Option<Value>, Failure> {
    let command = typed.text("health-cmd").filter(|command| !command.is_empty());
    let nanos = |flag: &str| typed.text(flag).and_then(|text| nanoseconds(text).ok()).unwrap_or(0);
    let retries = typed.int("health-retries").unwrap_or(0);
    let asked = command.is_some() || retries != 0 || TIMES.iter().any(|(flag, _)| nanos(flag) != 0);
    if typed.is_on("no-healthcheck") {
        if asked {
            return Err(Failure::new("--no-healthcheck conflicts with --health-* options"));
        }
        return Ok(Some(json!({"Test": ["NONE"]})));
    }
    if !asked {
        return Ok(None);
    }
    let mut check = serde_json::Map::new();
    if let Some(command) = command {
        check.insert("Test".to_owned(), json!(["CMD-SHELL", command]));
    }
    for (flag, name) in TIMES {
        if nanos(flag) < 0 {
            return Err(Failure::new(format!("--{flag} cannot be negative")));
        }
        if nanos(flag) != 0 {
            check.insert(name.to_owned(), json!(nanos(flag)));
        }
    }
    if retries < 0 {
        return Err(Failure::new("--health-retries cannot be negative"));
    }
    if retries != 0 {
        check.insert("Retries".to_owned(), json!(retries));
    }
    Ok(Some(Value::Object(check)))
}
