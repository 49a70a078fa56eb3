//! Limits of a container: which numbers the engine takes, in its order of checks. Nothing is limited by them here.

use serde_json::{Map, Value};

use crate::error::Error;

/// Processors of a host.
const PROCESSORS: i64 = 2;
/// The least memory that a container may be given, in bytes.
const LEAST_MEMORY: i64 = 6 << 20;
const NANOS: i64 = 1_000_000_000;

/// What the limits are for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in super::super) enum Occasion {
    /// A new container.
    Create,
    /// One that is there.
    Update,
}

/// Checks the limits in a host configuration; the engine's warnings.
///
/// # Errors
/// `BadParameter` with the first that is wrong.
pub(in super::super) fn check(host: &Map<String, Value>, occasion: Occasion) -> Result<Vec<String>, Error> {
    memory(host, occasion)?;
    processors(host)?;
    cpuset(host, "CpusetCpus", "cpus", "CPUs", PROCESSORS - 1)?;
    cpuset(host, "CpusetMems", "mems", "memory nodes", 0)?;
    let mut warnings = Vec::new();
    if host.get("OomKillDisable") == Some(&Value::Bool(true)) && number(host, "Memory") == 0 {
        warnings.push(
            "OOM killer is disabled for the container, but no memory limit is set, this can result in the system \
             running out of resources."
                .to_owned(),
        );
    }
    if number(host, "BlkioWeight") > 0 {
        warnings.push(
            "Your kernel does not support Block I/O weight or the cgroup is not mounted. Weight discarded.".to_owned(),
        );
    }
    Ok(warnings)
}

/// Whether a text is a size as Docker's units write it: `10m`, `1.5GiB`, `512`.
pub(super) fn is_size(text: &str) -> bool {
    let lower = text.to_lowercase();
    let unit = lower.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
    let digits = lower.strip_suffix(unit).unwrap_or_default();
    let unit = unit.trim_start();
    digits.parse::<f64>().is_ok()
        && matches!(unit.trim_end_matches('b').trim_end_matches('i'), "" | "k" | "m" | "g" | "t" | "p")
}

fn number(host: &Map<String, Value>, key: &str) -> i64 {
    host.get(key).and_then(Value::as_i64).unwrap_or(0)
}

/// The first of these that is so is refused.
fn first_of(cases: &[(bool, &str)]) -> Result<(), Error> {
    let found = cases.iter().find(|(found, _)| *found);
    found.map_or(Ok(()), |(_, text)| Err(Error::BadParameter((*text).to_owned())))
}

fn memory(host: &Map<String, Value>, occasion: Occasion) -> Result<(), Error> {
    let of = |key| number(host, key);
    let (memory, swap, reservation, kernel) =
        (of("Memory"), of("MemorySwap"), of("MemoryReservation"), of("KernelMemory"));
    first_of(&[
        (memory != 0 && memory < LEAST_MEMORY, "Minimum memory limit allowed is 6MB"),
        (
            memory > 0 && swap > 0 && swap < memory,
            "Minimum memoryswap limit should be larger than memory limit, see usage",
        ),
        (
            memory == 0 && swap > 0 && occasion == Occasion::Create,
            "You should always set the Memory limit when using Memoryswap limit, see usage",
        ),
        (reservation > 0 && reservation < LEAST_MEMORY, "Minimum memory reservation allowed is 6MB"),
        (
            memory > 0 && reservation > memory,
            "Minimum memory limit can not be less than memory reservation limit, see usage",
        ),
        (kernel > 0 && kernel < LEAST_MEMORY, "Minimum kernel memory limit allowed is 6MB"),
    ])
}

fn processors(host: &Map<String, Value>) -> Result<(), Error> {
    let of = |key| number(host, key);
    let (nanos, period, quota) = (of("NanoCpus"), of("CpuPeriod"), of("CpuQuota"));
    let range = format!("Range of CPUs is from 0.01 to {PROCESSORS}.00, as there are only {PROCESSORS} CPUs available");
    first_of(&[
        (nanos > 0 && period > 0, "Conflicting options: Nano CPUs and CPU Period cannot both be set"),
        (nanos > 0 && quota > 0, "Conflicting options: Nano CPUs and CPU Quota cannot both be set"),
        (!(0..=PROCESSORS * NANOS).contains(&nanos), &range),
        (
            period != 0 && !(1000..=1_000_000).contains(&period),
            "CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)",
        ),
        (quota > 0 && quota < 1000, "CPU cfs quota can not be less than 1ms (i.e. 1000)"),
    ])
}

/// A list such as `0-2,7` of things numbered up to `last`.
fn cpuset(host: &Map<String, Value>, key: &str, name: &str, things: &str, last: i64) -> Result<(), Error> {
    let text = host.get(key).and_then(Value::as_str).unwrap_or_default();
    if text.is_empty() {
        return Ok(());
    }
    let invalid =
        |part: &str| Error::BadParameter(format!("Invalid value {text} for cpuset {name}: invalid format: {part}"));
    for part in text.split(',') {
        let (low, high) = part.split_once('-').unwrap_or((part, part));
        let (low, high) = low.parse::<u32>().ok().zip(high.parse::<u32>().ok()).ok_or_else(|| invalid(part))?;
        if low > high {
            return Err(invalid(part));
        }
        if i64::from(high) > last {
            let available = if last == 0 { "0".to_owned() } else { format!("0-{last}") };
            return Err(Error::BadParameter(format!(
                "Requested {things} are not available - requested {text}, available: {available}"
            )));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn said(host: Value, occasion: Occasion) -> Result<Vec<String>, String> {
        let Value::Object(host) = host else { panic!("an object") };
        check(&host, occasion).map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_too_little_too_much_or_contradicts_itself_is_refused() {
        let refused = |host| said(host, Occasion::Create).expect_err("a wrong limit");
        assert_eq!(refused(json!({"Memory": 1024})), "Minimum memory limit allowed is 6MB");
        assert_eq!(
            refused(json!({"MemorySwap": 5_242_880})),
            "You should always set the Memory limit when using Memoryswap limit, see usage"
        );
        assert_eq!(
            refused(json!({"NanoCpus": 3_000_000_000_i64})),
            "Range of CPUs is from 0.01 to 2.00, as there are only 2 CPUs available"
        );
        assert_eq!(
            refused(json!({"NanoCpus": 1, "CpuPeriod": 5, "CpuQuota": 5})),
            "Conflicting options: Nano CPUs and CPU Period cannot both be set"
        );
        assert_eq!(refused(json!({"CpusetCpus": "x"})), "Invalid value x for cpuset cpus: invalid format: x");
        assert_eq!(
            refused(json!({"CpusetCpus": "0,99"})),
            "Requested CPUs are not available - requested 0,99, available: 0-1"
        );
    }

    #[test]
    fn swap_alone_may_be_changed_later() {
        assert_eq!(said(json!({"MemorySwap": 5_242_880}), Occasion::Update), Ok(Vec::new()));
        assert_eq!(said(json!({"CpusetCpus": "0-1", "CpusetMems": "0"}), Occasion::Create), Ok(Vec::new()));
        assert_eq!(said(json!({"OomKillDisable": true}), Occasion::Create).expect("a warning").len(), 1);
    }
}
