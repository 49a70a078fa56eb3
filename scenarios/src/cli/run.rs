//! `netyard run`: a real program as a new endpoint of a network of a live engine. For the engine it is a container whose
//! main process stands for the program.

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args;
use netyard_drivers::cli::published;
use serde_json::{Value, json};

use super::guest::{self, Trouble};
use crate::exit::Exit;
use crate::live::guest::engine::Engine;
use crate::live::guest::stand::Line;
use crate::live::stand_in;

/// Of what image the container is.
const IMAGE: &str = "busybox";

/// Run a real program on a network of a live engine
#[derive(Args, Debug)]
pub struct Arguments {
    /// The network
    #[arg(long, env = "NETYARD_RUN_NETWORK", value_name = "NETWORK", default_value = "bridge")]
    network: String,
    /// The name of the container that it is for everybody on the network
    #[arg(long, env = "NETYARD_RUN_NAME", value_name = "NAME")]
    name: Option<String>,
    /// Another name of it on the network
    #[arg(long, env = "NETYARD_RUN_ALIAS", value_name = "NAME")]
    alias: Vec<String>,
    /// A container that it shall know by another name
    #[arg(long, env = "NETYARD_RUN_LINK", value_name = "CONTAINER[:NAME]")]
    link: Vec<String>,
    /// Publish a port of it
    #[arg(long, short, env = "NETYARD_RUN_PUBLISH", value_name = "[[ADDRESS:]PORT:]PORT[/PROTOCOL]")]
    publish: Vec<String>,
    /// Its IPv4 address
    #[arg(long, env = "NETYARD_RUN_IP", value_name = "ADDRESS")]
    ip: Option<String>,
    /// Its IPv6 address
    #[arg(long, env = "NETYARD_RUN_IP6", value_name = "ADDRESS")]
    ip6: Option<String>,
    /// Its host name
    #[arg(long, env = "NETYARD_RUN_HOSTNAME", value_name = "NAME")]
    hostname: Option<String>,
    /// A line for its /etc/hosts
    #[arg(long, env = "NETYARD_RUN_ADD_HOST", value_name = "NAME:ADDRESS")]
    add_host: Vec<String>,
    /// A name server for what its own does not know
    #[arg(long, env = "NETYARD_RUN_DNS", value_name = "ADDRESS")]
    dns: Vec<String>,
    /// The engine's Unix socket [default: that of DOCKER_HOST, else of this user's engine]
    #[arg(long, env = "NETYARD_RUN_SOCKET", value_name = "PATH")]
    socket: Option<PathBuf>,
    /// The program and its arguments
    #[arg(trailing_var_arg = true, required = true, value_name = "COMMAND")]
    program: Vec<OsString>,
}

/// Runs the program that `arguments` mean to its end.
///
/// # Errors
/// When nobody can be told what went wrong.
pub fn run(arguments: &Arguments, err: &mut impl Write) -> io::Result<Exit> {
    match begin(arguments) {
        Ok(exit) => Ok(exit),
        Err(trouble) => guest::tell(&trouble, err),
    }
}

fn begin(arguments: &Arguments) -> Result<Exit, Trouble> {
    let engine = guest::engine(arguments.socket.as_deref())?;
    let mut target = "/containers/create".to_owned();
    if let Some(name) = &arguments.name {
        target += &format!("?name={}", guest::percent_encoded(name));
    }
    let made = engine.ask("POST", &target, &body(arguments)?)?.accepted()?;
    let id = made["Id"].as_str().ok_or_else(|| "the engine made a container without an id".to_owned())?;
    start(&engine, id, &arguments.program).inspect_err(|_| {
        // What could not be started is not left behind.
        drop(engine.ask("DELETE", &format!("/containers/{id}?force=1&v=1"), &Value::Null));
    })
}

fn start(engine: &Engine, id: &str, program: &[OsString]) -> Result<Exit, Trouble> {
    let attached = engine.open(&format!("/containers/{id}/attach?stream=1&stdin=1&stdout=1"))?;
    let removed = engine.await_later(&format!("/containers/{id}/wait?condition=removed"))?;
    let line = Line::new(attached.map_err(|refusal| refusal.message())?, removed)?;
    engine.ask("POST", &format!("/containers/{id}/start"), &Value::Null)?.accepted()?;
    guest::enter(engine, id, Some(line), program)
}

/// What the engine is asked to make.
fn body(arguments: &Arguments) -> Result<Value, Trouble> {
    let (exposed, bindings) = published(&arguments.publish)?;
    let words: Vec<String> = arguments.program.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    let network = &arguments.network;
    let is_default = matches!(network.as_str(), "bridge" | "default");
    let (links, host_links) =
        if is_default { (json!(null), json!(arguments.link)) } else { (json!(arguments.link), json!(null)) };
    let endpoint = json!({
        "Aliases": arguments.alias, "Links": links,
        "IPAMConfig": { "IPv4Address": arguments.ip, "IPv6Address": arguments.ip6 },
    });
    let endpoints = if is_default && arguments.alias.is_empty() && arguments.ip.is_none() {
        json!({})
    } else {
        json!({ network: endpoint })
    };
    Ok(json!({
        "Image": IMAGE, "Entrypoint": [stand_in::NAME, "run"], "Cmd": words, "Hostname": arguments.hostname.clone().unwrap_or_default(),
        "OpenStdin": true, "StdinOnce": true, "AttachStdin": true, "AttachStdout": true, "ExposedPorts": exposed,
        "HostConfig": {
            "NetworkMode": network, "AutoRemove": true, "PortBindings": bindings, "Links": host_links,
            "ExtraHosts": arguments.add_host, "Dns": arguments.dns,
        },
        "NetworkingConfig": { "EndpointsConfig": endpoints },
    }))
}
