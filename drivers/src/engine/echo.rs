//! What a client asked for when it made a container, as `inspect` repeats it. It is not what the engine acts on.

use serde_json::Value;

/// What `inspect` repeats. It is kept as text: as trees it would be half of what an idle container costs.
#[derive(Clone, Debug)]
pub(super) struct Echo {
    config: Box<str>,
    host_config: Box<str>,
}

impl Echo {
    pub(super) fn new(config: &Value, host_config: &Value) -> Self {
        Self { config: config.to_string().into(), host_config: host_config.to_string().into() }
    }

    /// Takes another host configuration, after an update.
    pub(super) fn set_host_config(&mut self, host_config: &Value) {
        self.host_config = host_config.to_string().into();
    }

    /// `Config`.
    pub(super) fn config(&self) -> Value {
        serde_json::from_str(&self.config).expect("it was written from JSON")
    }

    /// `HostConfig`.
    pub(super) fn host_config(&self) -> Value {
        serde_json::from_str(&self.host_config).expect("it was written from JSON")
    }
}
