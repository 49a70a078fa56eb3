//! `netyard run`: a real program as a new endpoint of a network of a live engine. For the engine it is a container whose
//! main process stands for the program.

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args;

use super::endpoint::Wanted;
use super::guest::{self, Trouble};
use crate::exit::Exit;
use crate::live::guest::engine::Engine;

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
    #[arg(long, visible_alias = "network-alias", env = "NETYARD_RUN_ALIAS", value_name = "NAME")]
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
    let words = arguments.program.iter().map(|word| word.to_string_lossy().into_owned());
    let wanted = Wanted {
        network: &arguments.network,
        name: arguments.name.as_deref(),
        alias: &arguments.alias,
        link: &arguments.link,
        publish: &arguments.publish,
        ip: arguments.ip.as_deref(),
        ip6: arguments.ip6.as_deref(),
        hostname: arguments.hostname.as_deref(),
        add_host: &arguments.add_host,
        dns: &arguments.dns,
        words: core::iter::once("run".to_owned()).chain(words).collect(),
    };
    let enter = |engine: &Engine, id: &str, line| guest::enter(engine, id, Some(line), &arguments.program);
    wanted.begin(arguments.socket.as_deref(), enter)
}
