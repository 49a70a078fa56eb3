//! `POST /containers/{name}/update`: other limits, another restart policy. Limits are repeated by `inspect` and bind
//! nothing here.

use netyard_sim::world::World;
use serde_json::{Map, Value, json};

use super::request::{json_body, shape};
use super::{Call, Engine, Reply};
use crate::error::Error;

impl Engine {
    /// `POST /containers/{name}/update`. What is 0 or empty stays as it was.
    pub(super) fn container_update(&mut self, world: &World, name: &str, call: &Call<'_>) -> Result<Reply, Error> {
        let asked: Map<String, Value> = json_body(call.request, shape::Shape::Any)?;
        let id = self.find_container(name)?.id;
        let run = self.runs.get_mut(&id).expect("every container has a run");
        let mut host = run.echo.host_config();
        let known = host.as_object_mut().expect("it was made as an object");
        for (key, value) in asked.into_iter().filter(|(_, value)| changes(value)) {
            if let Some(field) = known.get_mut(&key) {
                *field = value;
            }
        }
        run.echo.set_host_config(&host);
        self.tell_container(world, id, "update", &[]);
        Ok(Reply::ok(&json!({ "Warnings": null })))
    }
}

/// Whether a value asks for a change.
fn changes(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => false,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(list) => !list.is_empty(),
        Value::Object(fields) => fields.get("Name").is_none_or(|name| name != ""),
        Value::Bool(true) => true,
    }
}
