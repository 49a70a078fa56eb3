//! `netyard attach`: an interface of a live network in a network namespace that somebody else has made, for as long as
//! the command runs. For the engine it is a container whose main process stands for the namespace.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args;

use super::endpoint::Wanted;
use super::guest::{self, Trouble};
use crate::exit::Exit;
use crate::live::guest::agent::Place;
use crate::live::guest::engine::Engine;
use crate::live::guest::signals::Signals;
use crate::live::guest::stand::Line;
use crate::live::guest::stay;

/// Give a network namespace that is there already an interface on a network of a live engine, until ^C
#[derive(Args, Debug)]
pub struct Arguments {
    /// The namespace: the file that it is, or the number of a process in it
    #[arg(long, env = "NETYARD_ATTACH_NETNS", value_name = "PATH|PID")]
    netns: String,
    /// What the interface is called there [default: the first of eth0, eth1, ... that is free]
    #[arg(long, env = "NETYARD_ATTACH_INTERFACE", value_name = "NAME", value_parser = interface_name)]
    interface: Option<String>,
    /// The network
    #[arg(long, env = "NETYARD_ATTACH_NETWORK", value_name = "NETWORK", default_value = "bridge")]
    network: String,
    /// The name of the container that it is for everybody on the network
    #[arg(long, env = "NETYARD_ATTACH_NAME", value_name = "NAME")]
    name: Option<String>,
    /// Another name of it on the network
    #[arg(long, visible_alias = "network-alias", env = "NETYARD_ATTACH_ALIAS", value_name = "NAME")]
    alias: Vec<String>,
    /// Publish a port of it
    #[arg(long, short, env = "NETYARD_ATTACH_PUBLISH", value_name = "[[ADDRESS:]PORT:]PORT[/PROTOCOL]")]
    publish: Vec<String>,
    /// Its IPv4 address
    #[arg(long, env = "NETYARD_ATTACH_IP", value_name = "ADDRESS")]
    ip: Option<String>,
    /// Its IPv6 address
    #[arg(long, env = "NETYARD_ATTACH_IP6", value_name = "ADDRESS")]
    ip6: Option<String>,
    /// The engine's Unix socket [default: that of DOCKER_HOST, else of this user's engine]
    #[arg(long, env = "NETYARD_ATTACH_SOCKET", value_name = "PATH")]
    socket: Option<PathBuf>,
}

/// What the kernel takes as the name of a device.
fn interface_name(text: &str) -> Result<String, String> {
    let is_name = (1..=15).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'/');
    if is_name && ![".", ".."].contains(&text) && !text.contains(['%', ':']) {
        Ok(text.to_owned())
    } else {
        Err("the name of an interface has 1 to 15 characters, none of them / : % or a space".to_owned())
    }
}

/// Attaches as `arguments` mean, until it is told to end.
///
/// # Errors
/// When nobody can be told what went wrong.
pub fn run(arguments: &Arguments, out: &mut impl Write, err: &mut impl Write) -> io::Result<Exit> {
    let wanted = Wanted {
        network: &arguments.network,
        name: arguments.name.as_deref(),
        alias: &arguments.alias,
        publish: &arguments.publish,
        ip: arguments.ip.as_deref(),
        ip6: arguments.ip6.as_deref(),
        words: vec!["attach".to_owned(), "--netns".to_owned(), arguments.netns.clone()],
        ..Wanted::default()
    };
    let done = wanted.begin(arguments.socket.as_deref(), |engine, id, line| stay(arguments, engine, id, line, out));
    match done {
        Ok(exit) => Ok(exit),
        Err(trouble) => guest::tell(&trouble, err),
    }
}

fn stay(arguments: &Arguments, engine: &Engine, id: &str, line: Line, out: &mut impl Write) -> Result<Exit, Trouble> {
    let signals = Signals::take()?;
    let agent = guest::agent(engine, id, Place::Given(arguments.netns.clone(), arguments.interface.clone()))?;
    for (name, addresses) in agent.devices() {
        let addresses: Vec<String> = addresses.iter().map(|(address, prefix)| format!("{address}/{prefix}")).collect();
        writeln!(out, "{name} {}", addresses.join(" "))?;
    }
    out.flush()?;
    if stay::run(agent, line, signals)? { Ok(Exit::Pass) } else { Err("the engine has gone".to_owned().into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_interfaces_are_those_of_the_kernel() {
        assert!(["eth0", "a", "fifteen-letters"].iter().all(|name| interface_name(name).is_ok()));
        assert!(
            ["", "sixteen-letters-", "a/b", "a b", "..", "eth%d", "a:1"]
                .iter()
                .all(|name| interface_name(name).is_err())
        );
    }
}
