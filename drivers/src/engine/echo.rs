//! What a client asked for when it made a container, as `inspect` repeats it. It is not what the engine acts on.

use serde_json::{Map, Value};

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

    /// `Config`.
    pub(super) fn config(&self) -> Value {
        serde_json::from_str(&self.config).expect("it was written from JSON")
    }

    /// Takes in the names that it got with another container's namespace.
    pub(super) fn name_host(&mut self, hostname: &str, domainname: &str) {
        let mut config = self.config();
        let fields = config.as_object_mut().expect("it was written from an object");
        fields.insert("Hostname".to_owned(), hostname.into());
        fields.insert("Domainname".to_owned(), domainname.into());
        self.config = config.to_string().into();
    }

    /// Takes in what an update says of limits and, with `policy`, of restarts.
    pub(super) fn update_host(&mut self, asked: &Map<String, Value>, policy: bool) {
        let mut host = self.host_config();
        let fields = host.as_object_mut().expect("it was written from an object");
        for (key, value) in asked {
            let says = match value {
                Value::Number(number) => number.as_i64() != Some(0),
                Value::String(text) => !text.is_empty(),
                _ => key == "RestartPolicy" && policy,
            };
            if let Some(field) = fields.get_mut(key).filter(|_| says) {
                *field = value.clone();
            }
        }
        self.host_config = host.to_string().into();
    }

    /// How many processes it may have (`--pids-limit`).
    pub(super) fn processes_max(&self) -> Option<usize> {
        self.host_config()["PidsLimit"].as_u64().filter(|most| *most > 0).and_then(|most| usize::try_from(most).ok())
    }

    /// `HostConfig`.
    pub(super) fn host_config(&self) -> Value {
        serde_json::from_str(&self.host_config).expect("it was written from JSON")
    }
}
