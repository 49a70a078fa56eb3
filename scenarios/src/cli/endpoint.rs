//! A new endpoint for something real: for the engine it is a container whose main process stands for what is outside.

use std::path::Path;

use netyard_drivers::cli::published;
use serde_json::{Value, json};

use super::guest::{self, Trouble};
use crate::live::guest::engine::{Engine, percent_encoded};
use crate::live::guest::stand::Line;
use crate::live::stand_in;

/// Of what image the container is.
const IMAGE: &str = "busybox";

/// What the endpoint shall be.
#[derive(Clone, Debug, Default)]
pub struct Wanted<'a> {
    /// The network.
    pub network: &'a str,
    /// The name of the container.
    pub name: Option<&'a str>,
    /// Other names of it on the network.
    pub alias: &'a [String],
    /// Containers that it shall know by another name.
    pub link: &'a [String],
    /// Ports to publish.
    pub publish: &'a [String],
    /// Its IPv4 address.
    pub ip: Option<&'a str>,
    /// Its IPv6 address.
    pub ip6: Option<&'a str>,
    /// Its host name.
    pub hostname: Option<&'a str>,
    /// Lines for its /etc/hosts.
    pub add_host: &'a [String],
    /// Name servers for what its own does not know.
    pub dns: &'a [String],
    /// What it is, as a list of containers shows it.
    pub words: Vec<String>,
}

impl Wanted<'_> {
    /// Makes the container and starts it; `then` gets its id and the line to its process. What could not be begun is not
    /// left behind.
    ///
    /// # Errors
    /// In the engine's words, and those of `then`.
    pub fn begin<T>(
        &self,
        socket: Option<&Path>,
        then: impl FnOnce(&Engine, &str, Line) -> Result<T, Trouble>,
    ) -> Result<T, Trouble> {
        let engine = guest::engine(socket)?;
        let mut target = "/containers/create".to_owned();
        if let Some(name) = self.name {
            target += &format!("?name={}", percent_encoded(name));
        }
        let made = engine.ask("POST", &target, &self.body()?)?.accepted()?;
        let id = made["Id"].as_str().ok_or_else(|| "the engine made a container without an id".to_owned())?;
        start(&engine, id).and_then(|line| then(&engine, id, line)).inspect_err(|_| {
            drop(engine.ask("DELETE", &format!("/containers/{id}?force=1&v=1"), &Value::Null));
        })
    }

    /// What the engine is asked to make.
    fn body(&self) -> Result<Value, Trouble> {
        let (exposed, bindings) = published(self.publish)?;
        let is_default = matches!(self.network, "bridge" | "default");
        let (links, host_links) =
            if is_default { (json!(null), json!(self.link)) } else { (json!(self.link), json!(null)) };
        let endpoint = json!({
            "Aliases": self.alias, "Links": links,
            "IPAMConfig": { "IPv4Address": self.ip, "IPv6Address": self.ip6 },
        });
        let endpoints = if is_default && self.alias.is_empty() && self.ip.is_none() {
            json!({})
        } else {
            json!({ self.network: endpoint })
        };
        Ok(json!({
            "Image": IMAGE, "Entrypoint": [stand_in::NAME, self.words[0]], "Cmd": self.words[1..],
            "Hostname": self.hostname.unwrap_or_default(), "OpenStdin": true, "StdinOnce": true, "AttachStdin": true,
            "AttachStdout": true, "ExposedPorts": exposed,
            "HostConfig": {
                "NetworkMode": self.network, "AutoRemove": true, "PortBindings": bindings, "Links": host_links,
                "ExtraHosts": self.add_host, "Dns": self.dns,
            },
            "NetworkingConfig": { "EndpointsConfig": endpoints },
        }))
    }
}

fn start(engine: &Engine, id: &str) -> Result<Line, Trouble> {
    let attached = engine.open(&format!("/containers/{id}/attach?stream=1&stdin=1&stdout=1"))?;
    let removed = engine.await_later(&format!("/containers/{id}/wait?condition=removed"))?;
    let line = Line::new(attached.map_err(|refusal| refusal.message())?, removed)?;
    engine.ask("POST", &format!("/containers/{id}/start"), &Value::Null)?.accepted()?;
    Ok(line)
}
