//! `/nodes`: the nodes of a cluster, on the one that decides.

use std::collections::BTreeMap;

use netyard_sim::time::Instant;
use netyard_sim::world::World;
use serde::Deserialize;
use serde_json::{Value, json};

use super::request::{Filters, json_body, shape};
use super::system::VERSION;
use super::{Call, Engine, Reply};
use crate::cluster::manager::{Manager, Presence};
use crate::cluster::object::{Availability, CPUS, MEMORY, Node, NodeSpec, Role};
use crate::date;
use crate::error::{Error, SwarmError};

const FILTERS: [&str; 6] = ["id", "label", "membership", "name", "node.label", "role"];

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct SpecAsked {
    labels: Option<BTreeMap<String, String>>,
    role: Option<String>,
    availability: Option<String>,
}

impl Engine {
    /// The rest of `/nodes`.
    pub(super) fn route_node(
        &mut self,
        world: &mut World,
        method: &str,
        rest: &[&str],
        call: &Call<'_>,
    ) -> Result<Reply, Error> {
        match (method, rest) {
            ("GET", []) => self.node_list(world.now(), call),
            ("GET", [name]) => {
                let manager = self.manager()?;
                let (node, version) = manager.find_node(name)?;
                Ok(Reply::ok(&self.node_json(world.now(), manager, &node, version)))
            }
            ("DELETE", [name]) => {
                let (now, force) = (world.now(), call.target.query.flag("force"));
                let manager = self.manager_mut()?;
                let (node, _) = manager.find_node(name)?;
                manager.remove_node(now, &node, force)?;
                self.manager_changed(world);
                Ok(Reply::Empty(200))
            }
            ("POST", [name, "update"]) => self.node_update(world, name, call),
            _ => Err(Error::PageUnknown),
        }
    }

    fn node_list(&self, now: Instant, call: &Call<'_>) -> Result<Reply, Error> {
        let manager = self.manager()?;
        let filters = call.target.query.filters(&FILTERS)?;
        let nodes = manager.nodes();
        let fits = nodes.iter().filter(|(node, _)| is_listed(node, &filters));
        Ok(Reply::ok(&fits.map(|(node, version)| self.node_json(now, manager, node, *version)).collect::<Vec<_>>()))
    }

    fn node_update(&mut self, world: &mut World, name: &str, call: &Call<'_>) -> Result<Reply, Error> {
        self.manager()?;
        let version = call.target.query.version("node")?;
        let asked: SpecAsked = json_body(call.request, shape::NODE_SPEC)?;
        let role = match asked.role.as_deref().unwrap_or_default().to_lowercase().as_str() {
            "worker" => Role::Worker,
            "manager" => Role::Manager,
            word => return Err(SwarmError::Word { field: "Role", word: word.to_owned() }.into()),
        };
        let word = asked.availability.unwrap_or_default().to_lowercase();
        let availability = Availability::parse(&word).ok_or(SwarmError::Word { field: "Availability", word })?;
        let spec = NodeSpec { labels: asked.labels.unwrap_or_default(), role, availability };
        let now = world.now();
        let (node, _) = self.manager()?.find_node(name)?;
        if (node.spec.role, role) == (Role::Manager, Role::Worker) {
            self.check_demotion(now, &node.id)?;
        }
        let manager = self.manager_mut()?;
        manager.update_node(now, &node, version, spec)?;
        self.manager_changed(world);
        Ok(Reply::Empty(200))
    }

    fn node_json(&self, now: Instant, manager: &Manager, node: &Node, version: u64) -> Value {
        const NEW_LEADER: &str = "Node moved to \"unknown\" state due to leadership change in cluster";
        let status = match manager.presence(&node.id) {
            Presence::Ready => json!({ "State": "ready", "Addr": node.addr.ip() }),
            Presence::Unknown => json!({ "State": "unknown", "Message": NEW_LEADER, "Addr": node.addr.ip() }),
            Presence::Down => json!({ "State": "down", "Message": "heartbeat failure", "Addr": node.addr.ip() }),
        };
        let mut json = json!({
            "ID": node.id,
            "Version": { "Index": version },
            "CreatedAt": date::rfc3339(self.epoch, node.created()),
            "UpdatedAt": date::rfc3339(self.epoch, node.updated()),
            "Spec": node.spec,
            "Description": {
                "Hostname": node.hostname,
                "Platform": { "Architecture": "x86_64", "OS": "linux" },
                "Resources": { "NanoCPUs": CPUS, "MemoryBytes": MEMORY },
                "Engine": { "EngineVersion": VERSION, "Plugins": plugins() },
                "TLSInfo": {},
            },
            "Status": status,
        });
        if let Some(status) = self.manager_status(now, &node.id) {
            json["ManagerStatus"] = status;
        }
        json
    }
}

fn plugins() -> Vec<Value> {
    let told = super::system::plugins();
    let names = |kind: &str| told["Plugins"][kind].as_array().cloned().unwrap_or_default();
    ["Log", "Network", "Volume"]
        .into_iter()
        .flat_map(|kind| names(kind).into_iter().map(move |name| json!({ "Type": kind, "Name": name })))
        .collect()
}

fn is_listed(node: &Node, filters: &Filters) -> bool {
    let role = if node.spec.role == Role::Manager { "manager" } else { "worker" };
    filters.matches("name", &[node.hostname.as_str()])
        && filters.any("id", |prefix| node.id.starts_with(prefix))
        && filters.any("role", |wanted| wanted == role)
        && filters.any("membership", |wanted| wanted == "accepted")
        && filters.labels(&node.spec.labels)
        && filters.any("node.label", |wanted| match wanted.split_once('=') {
            Some((key, value)) => node.spec.labels.get(key).is_some_and(|is| is == value),
            None => node.spec.labels.contains_key(wanted),
        })
}
