//! `POST /containers/{name}/update`: another restart policy or other limits for a container that is there. Limits are
//! checked and told again by `inspect`; nothing here consumes what they limit.

use netyard_sim::world::World;
use serde_json::{Map, Value, json};

use super::create::{PolicyAsked, limits};
use super::request::json_body;
use super::{Call, Engine, Reply};
use crate::container::AfterExit;
use crate::container::restart::RestartPolicy;
use crate::error::Error;
use crate::shape::Shape;

impl Engine {
    /// `POST /containers/{name}/update`.
    pub(super) fn container_update(&mut self, world: &mut World, name: &str, call: &Call<'_>) -> Result<Reply, Error> {
        let asked: Map<String, Value> = json_body(call.request, Shape::Any)?;
        let named: Option<PolicyAsked> =
            serde_json::from_value(asked.get("RestartPolicy").cloned().unwrap_or_default())
                .map_err(|error| Error::BadParameter(error.to_string()))?;
        let policy = named.unwrap_or_default().parse()?;
        let warnings = limits::check(&asked, limits::Occasion::Update)?;
        let container = self.find_container(name)?;
        let (id, context) = (container.id, container.context);
        if policy.is_some_and(|policy| policy != RestartPolicy::No) && container.config.after_exit == AfterExit::Remove
        {
            let text = "Restart policy cannot be updated because AutoRemove is enabled for the container";
            return Err(Error::BadParameter(format!("Cannot update container {id}: {text}")));
        }
        if let Some(policy) = policy {
            self.container_mut(id).policy = policy;
        }
        let run = self.runs.get_mut(&id).expect("every container has a run");
        run.echo.update_host(&asked, policy.is_some());
        if let Some(context) = context {
            world.processes.limit(context, run.echo.processes_max());
        }
        self.tell_container(world, id, "update", &[]);
        let warnings = Some(warnings).filter(|warnings| !warnings.is_empty());
        Ok(Reply::ok(&json!({ "Warnings": warnings })))
    }
}
