//! What a cluster is set to, as Docker's API writes it (`swarm.Spec`). Most of it means nothing here and is only told again.

use netyard_sim::time::Duration;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::error::SwarmError;

/// How often a node says that it is there when nothing else was said.
pub const HEARTBEAT: Duration = Duration::from_secs(5);
/// It never does so more often.
const HEARTBEAT_MIN: Duration = Duration::from_millis(100);
/// The shortest life of a certificate, in nanoseconds.
const EXPIRY_MIN: i64 = 3_600_000_000_000;
/// What may be nothing on purpose when a cluster begins.
const POINTERS: [&str; 2] = ["TaskHistoryRetentionLimit", "KeepOldSnapshots"];

/// The settings of a cluster.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Settings(Value);

impl Default for Settings {
    fn default() -> Self {
        Self(json!({
            "Name": "default",
            "Labels": {},
            "Orchestration": { "TaskHistoryRetentionLimit": 5 },
            "Raft": { "SnapshotInterval": 10_000, "KeepOldSnapshots": 0, "LogEntriesForSlowFollowers": 500,
                "ElectionTick": 10, "HeartbeatTick": 1 },
            "Dispatcher": { "HeartbeatPeriod": u64::try_from(HEARTBEAT.as_nanos()).expect("it is seconds") },
            "CAConfig": { "NodeCertExpiry": 7_776_000_000_000_000_u64 },
            "TaskDefaults": {},
            "EncryptionConfig": { "AutoLockManagers": false },
        }))
    }
}

impl Settings {
    /// Those of a new cluster: the usual ones but for what was asked for.
    ///
    /// # Errors
    /// `Invalid`.
    pub fn begun(asked: &Value) -> Result<Self, SwarmError> {
        let is_said = |field: &str, value: &Value| POINTERS.contains(&field) || *value != 0;
        Self::read(asked, |field, value, usual| value.filter(|value| is_said(field, value)).unwrap_or(usual).clone())
    }

    /// Those that a client sends in place of what there was: what it leaves out is nothing.
    ///
    /// # Errors
    /// `Invalid`.
    pub fn changed(asked: &Value) -> Result<Self, SwarmError> {
        let nothing = |usual: &Value| if usual.is_boolean() { json!(false) } else { json!(0) };
        Self::read(asked, |_, value, usual| value.cloned().unwrap_or_else(|| nothing(usual)))
    }

    /// Reads what is asked for, each value chosen from its field, what is said and what is usual.
    fn read(asked: &Value, choose: impl Fn(&str, Option<&Value>, &Value) -> Value) -> Result<Self, SwarmError> {
        let Self(mut settings) = Self::default();
        for (part, fields) in settings.as_object_mut().into_iter().flatten() {
            for (field, usual) in fields.as_object_mut().into_iter().flatten() {
                let said = asked[part.as_str()].get(field).filter(|value| !value.is_null());
                *usual = choose(field, said, usual);
            }
        }
        for (part, field) in [("CAConfig", "ExternalCAs"), ("TaskDefaults", "LogDriver")] {
            if asked[part][field].is_array() || asked[part][field].is_object() {
                settings[part][field] = asked[part][field].clone();
            }
        }
        settings["Labels"] =
            asked.get("Labels").filter(|labels| labels.is_object()).cloned().unwrap_or_else(|| json!({}));
        let settings = Self(settings);
        settings.check().map(|()| settings)
    }

    fn check(&self) -> Result<(), SwarmError> {
        let expiry = self.0["CAConfig"]["NodeCertExpiry"].as_i64().unwrap_or_default();
        if expiry != 0 && expiry < EXPIRY_MIN {
            return Err(SwarmError::Invalid("minimum certificate expiry time is: 1h0m0s".to_owned()));
        }
        if self.0["Dispatcher"]["HeartbeatPeriod"].as_i64().is_some_and(|period| period < 0) {
            return Err(SwarmError::Invalid("heartbeat time period cannot be a negative duration".to_owned()));
        }
        Ok(())
    }

    /// How many tasks of a slot are remembered; all when there is no limit.
    #[must_use]
    pub fn history(&self) -> Option<usize> {
        let limit = self.0["Orchestration"]["TaskHistoryRetentionLimit"].as_i64().unwrap_or_default();
        usize::try_from(limit).ok()
    }

    /// How often a node says that it is there.
    #[must_use]
    pub fn heartbeat(&self) -> Duration {
        match self.0["Dispatcher"]["HeartbeatPeriod"].as_u64() {
            None | Some(0) => HEARTBEAT,
            Some(nanos) => Duration::from_nanos(nanos).max(HEARTBEAT_MIN),
        }
    }

    /// Whether a manager that starts again needs a key.
    #[must_use]
    pub fn locks(&self) -> bool {
        self.0["EncryptionConfig"]["AutoLockManagers"] == true
    }

    /// As the API tells them.
    #[must_use]
    pub fn told(&self) -> Value {
        self.0.clone()
    }

    /// Whether managers that start again need a key from now on.
    #[must_use]
    pub fn locking(mut self, locks: bool) -> Self {
        if let Some(encryption) = self.0["EncryptionConfig"].as_object_mut() {
            *encryption = Map::from_iter([("AutoLockManagers".to_owned(), Value::Bool(locks))]);
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_cluster_has_the_usual_for_what_is_not_said_and_a_change_nothing() {
        let asked = json!({ "Orchestration": { "TaskHistoryRetentionLimit": 0 }, "Dispatcher": { "HeartbeatPeriod": 0 },
            "Raft": { "SnapshotInterval": 77 } });
        let begun = Settings::begun(&asked).unwrap();
        assert_eq!((begun.history(), begun.heartbeat()), (Some(0), HEARTBEAT));
        assert_eq!(
            begun.told()["Raft"],
            json!({ "SnapshotInterval": 77, "KeepOldSnapshots": 0,
            "LogEntriesForSlowFollowers": 500, "ElectionTick": 10, "HeartbeatTick": 1 })
        );
        assert_eq!(Settings::begun(&json!({ "Orchestration": {} })).unwrap(), Settings::default());
        let changed = Settings::changed(&json!({ "Orchestration": { "TaskHistoryRetentionLimit": -1 } })).unwrap();
        assert_eq!((changed.history(), changed.told()["Raft"]["ElectionTick"].as_u64()), (None, Some(0)));
        let short = Settings::changed(&json!({ "CAConfig": { "NodeCertExpiry": 60_000_000_000_u64 } }));
        assert_eq!(short, Err(SwarmError::Invalid("minimum certificate expiry time is: 1h0m0s".to_owned())));
    }
}
