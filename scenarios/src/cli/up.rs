//! `netyard up`: a live engine in the foreground, until it is interrupted.

mod daemon;

use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use clap::Args;
use netyard_drivers::daemon::Config;
use netyard_drivers::site::SiteConfig;
use netyard_sim::rng::Seed;
use netyard_sim::time::Epoch;
use serde_json::Value;

use self::daemon::Daemon;
use crate::exit::Exit;
use crate::live::etcd::Etcd;
use crate::live::pace::Pace;
use crate::live::publish::Reach;
use crate::live::tunnel::Tunnels;
use crate::live::uplink::{self, Uplink};
use crate::live::{self, Setup, Share};

/// Run a live engine: the Docker API on a Unix socket, for the docker command and other clients
#[derive(Args, Debug)]
pub struct Arguments {
    /// The Unix socket [default: netyard/docker.sock in the user's runtime directory]
    #[arg(long, env = "NETYARD_UP_SOCKET", value_name = "PATH")]
    socket: Option<PathBuf>,
    /// Listen on this loopback address and port too: everybody on this machine can then use the engine
    #[arg(long, env = "NETYARD_UP_TCP", value_name = "ADDRESS:PORT", value_parser = loopback)]
    tcp: Option<SocketAddr>,
    /// The name of the simulated Docker host
    #[arg(long, env = "NETYARD_UP_HOST_NAME", value_name = "NAME", default_value = "docker01")]
    host_name: String,
    /// Decides all that is random
    #[arg(long, env = "NETYARD_UP_SEED", value_name = "N", default_value_t = 1)]
    seed: u64,
    /// How virtual time passes
    #[arg(long, env = "NETYARD_UP_PACE", value_enum, default_value_t = Pace::Real)]
    pace: Pace,
    /// Where this machine listens for ports of containers that are published everywhere
    #[arg(long, env = "NETYARD_UP_PUBLISH_ON", value_enum, default_value_t = Reach::Loopback)]
    publish_on: Reach,
    /// Let containers reach a service on this machine's loopback by a name of the simulated LAN: nothing else gets out
    #[arg(long, env = "NETYARD_UP_UPLINK", value_name = "ADDRESS:PORT=NAME[:PORT]")]
    uplink: Vec<Uplink>,
    /// Ask libnetwork's plugins in this directory (NAME.sock, NAME.spec, NAME.json) for networks and addresses
    #[arg(long, env = "NETYARD_UP_PLUGINS", value_name = "DIR")]
    plugins: Option<PathBuf>,
    /// Be a plugin of a real engine at this socket, like /run/docker/plugins/netyard.sock: its `-d netyard` networks are here
    #[arg(long, env = "NETYARD_UP_PLUGIN_SOCKET", value_name = "PATH")]
    plugin_socket: Option<PathBuf>,
    #[command(flatten)]
    daemon: Daemon,
}

/// Only addresses that this machine alone can reach.
fn loopback(text: &str) -> Result<SocketAddr, String> {
    let addr: SocketAddr = text.parse().map_err(|_| "not an address and a port, like 127.0.0.1:2375".to_owned())?;
    if addr.ip().is_loopback() { Ok(addr) } else { Err("only loopback addresses can be listened on".to_owned()) }
}

/// Runs the engine that `arguments` mean until it is told to end.
///
/// # Errors
/// When nobody can be told where it listens.
pub fn run(arguments: &Arguments, out: &mut impl Write, err: &mut impl Write) -> io::Result<Exit> {
    let unix = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let config = match Config::read(arguments.daemon.words(), "") {
        Ok(config) => config,
        Err(error) => {
            writeln!(err, "error: {error}")?;
            return Ok(Exit::Usage);
        }
    };
    let (config, share) = match share(config) {
        Ok(shared) => shared,
        Err(text) => {
            writeln!(err, "error: {text}")?;
            return Ok(Exit::Usage);
        }
    };
    let machines = match uplink::machines(&arguments.uplink) {
        Ok(machines) => machines,
        Err(text) => {
            writeln!(err, "error: {text}")?;
            return Ok(Exit::Usage);
        }
    };
    let site = SiteConfig {
        machines,
        seed: share.as_ref().map_or(Seed(arguments.seed), |share| own_seed(arguments.seed, share)),
        epoch: Epoch::from_unix(unix),
        hosts: vec![arguments.host_name.clone()],
        engines: [(arguments.host_name.clone(), config)].into(),
        outside: share.is_some(),
        ..SiteConfig::default()
    };
    let setup = Setup {
        site,
        pace: arguments.pace,
        socket: arguments.socket.clone().unwrap_or_else(live::socket::default_path),
        tcp: arguments.tcp,
        reach: arguments.publish_on,
        uplinks: arguments.uplink.clone(),
        share,
        plugins: arguments.plugins.clone(),
        plugin_socket: arguments.plugin_socket.clone(),
    };
    let live = match live::begin(setup) {
        Ok(live) => live,
        Err(text) => {
            writeln!(err, "error: {text}")?;
            return Ok(Exit::Usage);
        }
    };
    if let Some(addr) = live.tcp() {
        writeln!(err, "warning: whoever can reach {addr} can use this engine")?;
    }
    writeln!(out, "export DOCKER_HOST={}", quoted(&format!("unix://{}", live.socket().display())))?;
    out.flush()?;
    live.run();
    Ok(Exit::Pass)
}

/// What an engine shares that was told of a store, and where it turns out to be reached: at a free port of loopback when
/// nothing else was said. Docker's documents name a device of the machine: `eth0:2376`.
fn share(mut config: Config) -> Result<(Config, Option<Share>), String> {
    let Some(url) = &config.cluster_store else { return Ok((config, None)) };
    let etcd = Etcd::at(url)?;
    let text = config.cluster_advertise.as_deref().unwrap_or("127.0.0.1:0");
    let addr = text.parse().ok().or_else(|| at_device(text));
    let addr: SocketAddr = addr.ok_or_else(|| {
        format!("{text} is neither an address and a port, like 127.0.0.1:4789, nor a device with an address and a port")
    })?;
    let tunnels = Tunnels::bind(addr).map_err(|error| format!("cannot listen on {addr} for other hosts: {error}"))?;
    config.cluster_advertise = Some(tunnels.own().to_string());
    Ok((config, Some(Share { etcd, tunnels })))
}

/// `DEVICE:PORT`: the first IPv4 address of this machine's device, as `ip` knows it.
fn at_device(text: &str) -> Option<SocketAddr> {
    let (device, port) = text.rsplit_once(':')?;
    let shown = Command::new("ip").args(["-j", "-4", "addr", "show", "dev", device]).output().ok()?;
    let shown: Value = serde_json::from_slice(&shown.stdout).ok()?;
    let mut addresses = shown.as_array()?.iter().filter_map(|link| link["addr_info"].as_array()).flatten();
    let addr: Ipv4Addr = addresses.find_map(|addr| addr["local"].as_str()?.parse().ok())?;
    Some(SocketAddr::new(addr.into(), port.parse().ok()?))
}

/// What decides in a process that shares: what others decide as well, who may have the same seed and name, would have the
/// same ids.
fn own_seed(seed: u64, share: &Share) -> Seed {
    Seed(Seed(seed).stream(&format!("shares/{}", share.tunnels.own())).u64())
}

/// A word as a shell reads it.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/:._-+,@%".contains(c);
    if word.chars().all(is_plain) { word.to_owned() } else { format!("'{}'", word.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_addresses_are_listened_on() {
        assert!(loopback("127.0.0.1:2375").is_ok() && loopback("[::1]:0").is_ok());
        assert!(loopback("0.0.0.0:2375").is_err() && loopback("2375").is_err());
    }

    #[test]
    fn a_device_of_this_machine_is_where_others_reach_it() {
        assert_eq!(at_device("lo:4789"), Some("127.0.0.1:4789".parse().unwrap()));
        assert_eq!([at_device("nosuch0:4789"), at_device("lo"), at_device("lo:x"), at_device("-V:1")], [None; 4]);
    }

    #[test]
    fn a_line_to_paste_survives_a_shell() {
        assert_eq!(quoted("unix:///run/user/0/netyard/docker.sock"), "unix:///run/user/0/netyard/docker.sock");
        assert_eq!(quoted("unix:///tmp/it's here"), r"'unix:///tmp/it'\''s here'");
    }
}
