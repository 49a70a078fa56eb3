//! `GET /containers/{name}/json`: all of a container, key by key as the engine sends it, since clients print it verbatim.

use core::net::SocketAddr;
use std::collections::BTreeMap;

use netyard_sim::rng::Seed;
use netyard_sim::world::World;
use serde::Serialize;
use serde_json::{Value, json};

use super::shapes::{EndpointJson, PlaceJson};
use super::{Call, Engine, Reply};
use crate::container::{Container, Membership, Mount, NetworkMode, State};
use crate::date;
use crate::endpoint::Endpoint;
use crate::error::Error;
use crate::id::Id;
use crate::network::DEFAULT;
use crate::sandbox::{Kind, Sandbox};

/// `NetworkSettings`. The fields outside `Networks` are those of the default network, empty without it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct NetworkSettings {
    bridge: &'static str,
    #[serde(rename = "SandboxID")]
    sandbox: String,
    hairpin_mode: bool,
    #[serde(rename = "LinkLocalIPv6Address")]
    link_local: &'static str,
    #[serde(rename = "LinkLocalIPv6PrefixLen")]
    link_local_len: u8,
    ports: BTreeMap<String, Value>,
    sandbox_key: String,
    #[serde(rename = "SecondaryIPAddresses")]
    secondary_v4: Option<Value>,
    #[serde(rename = "SecondaryIPv6Addresses")]
    secondary_v6: Option<Value>,
    #[serde(rename = "EndpointID")]
    endpoint: String,
    #[serde(flatten)]
    place: LegacyPlace,
    networks: BTreeMap<String, EndpointJson>,
}

/// The same as [`PlaceJson`] in the older order of keys.
#[derive(Debug, Serialize)]
struct LegacyPlace {
    #[serde(rename = "Gateway")]
    gateway: String,
    #[serde(rename = "GlobalIPv6Address")]
    v6_address: String,
    #[serde(rename = "GlobalIPv6PrefixLen")]
    v6_prefix_len: u8,
    #[serde(rename = "IPAddress")]
    address: String,
    #[serde(rename = "IPPrefixLen")]
    prefix_len: u8,
    #[serde(rename = "IPv6Gateway")]
    v6_gateway: String,
    #[serde(rename = "MacAddress")]
    mac: String,
}

impl From<PlaceJson> for LegacyPlace {
    fn from(place: PlaceJson) -> Self {
        let PlaceJson { gateway, address, prefix_len, v6_gateway, v6_address, v6_prefix_len, mac } = place;
        Self { gateway, v6_address, v6_prefix_len, address, prefix_len, v6_gateway, mac }
    }
}

impl Engine {
    /// `GET /containers/{name}/json`.
    pub(super) fn container_inspect(&self, world: &mut World, name: &str, call: &Call<'_>) -> Result<Reply, Error> {
        let container = self.find_container(name)?;
        let id = container.id;
        let file = |name: &str| format!("/var/lib/docker/containers/{id}/{name}");
        let echo = &self.runs[&id].echo;
        let (path, args) = container.config.argv.split_first().map_or(("", [].as_slice()), |(p, a)| (p.as_str(), a));
        let written = call.target.query.flag("size").then(|| self.written(world, container));
        let mut told = json!({
            "Id": id,
            "Created": date::rfc3339(self.epoch, container.created),
            "Path": path,
            "Args": args,
            "State": self.state(container),
            "Image": container.config.image.digest(),
            "ResolvConfPath": file("resolv.conf"),
            "HostnamePath": file("hostname"),
            "HostsPath": file("hosts"),
            "LogPath": file(&format!("{id}-json.log")),
            "Name": format!("/{}", container.name),
            "RestartCount": container.restarts.count,
            "Driver": "overlay2",
            "Platform": "linux",
            "MountLabel": "",
            "ProcessLabel": "",
            "AppArmorProfile": "",
            "ExecIDs": self.running_execs(id),
            "HostConfig": self.host_config(container),
            "GraphDriver": graph_driver(container),
            "SizeRw": written,
            "SizeRootFs": written.map(|written| container.config.image.size + written),
            "Mounts": container.config.mounts.iter().map(mount).collect::<Vec<_>>(),
            "Config": echo.config(),
            "NetworkSettings": self.network_settings(container),
        });
        if written.is_none() {
            // Keys that are there only when somebody asks for them; the others keep their order.
            ["SizeRw", "SizeRootFs"]
                .iter()
                .for_each(|key| _ = told.as_object_mut().and_then(|told| told.shift_remove(*key)));
        }
        Ok(Reply::ok(&told))
    }

    /// What was asked for the host's side, except that links are told as the engine keeps them: those on the default
    /// network as `/target:/container/alias`, the others not at all (transcript 02 "links", 01 step 10).
    fn host_config(&self, container: &Container) -> Value {
        let mut host_config = self.runs[&container.id].echo.host_config();
        let name = &container.name;
        let links = container.linked.iter().map(|link| format!("/{}:/{name}/{}", link.name, link.alias));
        host_config["Links"] = if container.linked.is_empty() { Value::Null } else { links.collect() };
        host_config
    }

    fn state(&self, container: &Container) -> Value {
        let mut state = json!({
            "Status": container.state.word(),
            "Running": container.is_up(),
            "Paused": matches!(container.state, State::Paused(_)),
            "Restarting": matches!(container.state, State::Restarting(_)),
            "OOMKilled": false,
            "Dead": false,
            "Pid": container.state.pid().map_or(0, |pid| pid.0),
            "ExitCode": container.exit_code(),
            "Error": container.error,
            "StartedAt": date::rfc3339_or_never(self.epoch, container.started),
            "FinishedAt": date::rfc3339_or_never(self.epoch, container.finished),
        });
        if let Some(health) = self.health_json(container.id) {
            state["Health"] = health;
        }
        state
    }

    fn network_settings(&self, container: &Container) -> NetworkSettings {
        let default = container.networks.get(DEFAULT).and_then(|membership| self.endpoint_of(container, membership));
        let place = default.map(PlaceJson::of).unwrap_or_default();
        let networks = container.networks.iter().map(|(name, membership)| {
            let mut shown = EndpointJson::of(membership, self.endpoint_of(container, membership));
            // What was asked for beside the networks is that of the first, and not repeated there.
            if container.started.is_none() && container.config.mode.network() != Some(name.as_str()) {
                shown.repeat_mac(membership);
            }
            (name.clone(), shown)
        });
        let kind = if container.config.mode == NetworkMode::Host { Kind::Host } else { Kind::Own };
        let sandbox = container.sandbox.filter(|_| !matches!(container.config.mode, NetworkMode::Container(_)));
        NetworkSettings {
            bridge: "",
            sandbox: sandbox.map(|id| id.to_string()).unwrap_or_default(),
            hairpin_mode: false,
            link_local: "",
            link_local_len: 0,
            ports: self.ports_of(container).iter().map(|(port, hosts)| (port.to_string(), bindings(hosts))).collect(),
            sandbox_key: sandbox.map(|id| Sandbox::key(id, kind)).unwrap_or_default(),
            secondary_v4: None,
            secondary_v6: None,
            endpoint: default.map(|endpoint| endpoint.id.to_string()).unwrap_or_default(),
            place: place.into(),
            networks: networks.collect(),
        }
    }

    /// The endpoint of a running container on one of its networks.
    pub(super) fn endpoint_of(&self, container: &Container, membership: &Membership) -> Option<&Endpoint> {
        self.controller.endpoint(container.sandbox?, membership.network?)
    }
}

/// A mount as `inspect` and lists have it.
pub(super) fn mount(mount: &Mount) -> Value {
    match &mount.volume {
        Some(name) => json!({
            "Type": "volume", "Name": name, "Source": mount.source, "Destination": mount.destination,
            "Driver": super::volumes::DRIVER, "Mode": mode(mount), "RW": mount.is_writable, "Propagation": "",
        }),
        None => json!({
            "Type": "bind", "Source": mount.source, "Destination": mount.destination, "Mode": mount.mode,
            "RW": mount.is_writable, "Propagation": "rprivate",
        }),
    }
}

/// What a volume's mode is when nothing is said: that it may be relabelled.
fn mode(mount: &Mount) -> &str {
    if mount.mode.is_empty() { "z" } else { &mount.mode }
}

/// The host's addresses of a port; nothing when it is only exposed.
fn bindings(hosts: &[SocketAddr]) -> Value {
    if hosts.is_empty() {
        return Value::Null;
    }
    hosts.iter().map(|host| json!({ "HostIp": host.ip(), "HostPort": host.port().to_string() })).collect()
}

/// Where a real engine would keep the files.
fn graph_driver(container: &Container) -> Value {
    let id = Id::random(&mut Seed(0).stream(&format!("layer/{}", container.id)));
    let layer = |name: &str| format!("/var/lib/docker/overlay2/{id}/{name}");
    json!({
        "Data": {
            "LowerDir": format!("{}-init/diff:/var/lib/docker/overlay2/{}/diff", layer("").trim_end_matches('/'), container.config.image.id),
            "MergedDir": layer("merged"),
            "UpperDir": layer("diff"),
            "WorkDir": layer("work"),
        },
        "Name": "overlay2",
    })
}
