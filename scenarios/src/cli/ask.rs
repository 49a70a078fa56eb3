//! `netyard drops`, `netyard fault`, `netyard impair` and `netyard why`: what somebody asks the simulator behind a live engine. The words
//! mean what they mean to the command of that name on a host of the simulation.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Value, json};

use super::guest::{self, Trouble};
use crate::exit::Exit;
use crate::live::door::ASK;

/// Show what was dropped on the network of a live engine, where, why and how often
#[derive(Args, Debug)]
pub struct Drops {
    /// The engine's Unix socket [default: that of DOCKER_HOST, else of this user's engine]
    #[arg(long, env = "NETYARD_DROPS_SOCKET", value_name = "PATH")]
    socket: Option<PathBuf>,
    /// Containers, hosts and namespaces [default: all]
    places: Vec<String>,
}

/// Change or show what the links of a live engine do to frames
#[derive(Args, Debug)]
pub struct Impair {
    /// The engine's Unix socket [default: that of DOCKER_HOST, else of this user's engine]
    #[arg(long, env = "NETYARD_IMPAIR_SOCKET", value_name = "PATH")]
    socket: Option<PathBuf>,
    /// set PLACE[:DEVICE] [in|out] PRESET|OPTIONS..., show [PLACE], report, reset [PLACE] or presets
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, required = true, value_name = "WORD")]
    words: Vec<String>,
}

/// Let something go wrong on a live engine: kill, pause or restart a container, an engine or a host, or switch on a bug
#[derive(Args, Debug)]
pub struct Fault {
    /// The engine's Unix socket [default: that of DOCKER_HOST, else of this user's engine]
    #[arg(long, env = "NETYARD_FAULT_SOCKET", value_name = "PATH")]
    socket: Option<PathBuf>,
    /// kill|pause|unpause|restart|start [container|engine|host] NAME [--at TIME|--on EVENT] [--for TIME], bug BUG
    /// [on|off [HOST]], bugs, show or clear
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, required = true, value_name = "WORD")]
    words: Vec<String>,
}

/// Say whether a place of a live engine reaches another, and what stops it if not
#[derive(Args, Debug)]
pub struct Why {
    /// The engine's Unix socket [default: that of DOCKER_HOST, else of this user's engine]
    #[arg(long, env = "NETYARD_WHY_SOCKET", value_name = "PATH")]
    socket: Option<PathBuf>,
    /// Who asks: a container, a host or a namespace
    from: String,
    /// Whom: a name or an address
    to: String,
    /// How: tcp/PORT, udp/PORT, icmp or name
    manner: Option<String>,
    /// By a packet that carries so many bytes and must not be cut, of icmp and udp
    #[arg(long, env = "NETYARD_WHY_SIZE", value_name = "BYTES")]
    size: Option<usize>,
}

impl Drops {
    /// Asks.
    ///
    /// # Errors
    /// When nobody can be told the answer.
    pub fn run(&self, out: &mut impl Write, err: &mut impl Write) -> io::Result<Exit> {
        let places = self.places.iter().map(String::as_str);
        ask(self.socket.as_deref(), &core::iter::once("drops").chain(places).collect::<Vec<_>>(), out, err)
    }
}

impl Impair {
    /// Asks.
    ///
    /// # Errors
    /// When nobody can be told the answer.
    pub fn run(&self, out: &mut impl Write, err: &mut impl Write) -> io::Result<Exit> {
        let words = self.words.iter().map(String::as_str);
        ask(self.socket.as_deref(), &core::iter::once("impair").chain(words).collect::<Vec<_>>(), out, err)
    }
}

impl Fault {
    /// Asks.
    ///
    /// # Errors
    /// When nobody can be told the answer.
    pub fn run(&self, out: &mut impl Write, err: &mut impl Write) -> io::Result<Exit> {
        let words = self.words.iter().map(String::as_str);
        ask(self.socket.as_deref(), &core::iter::once("fault").chain(words).collect::<Vec<_>>(), out, err)
    }
}

impl Why {
    /// Asks.
    ///
    /// # Errors
    /// When nobody can be told the answer.
    pub fn run(&self, out: &mut impl Write, err: &mut impl Write) -> io::Result<Exit> {
        let size = self.size.map(|size| size.to_string());
        let size = size.iter().flat_map(|size| ["--size", size]);
        let words = ["why", &self.from, &self.to].into_iter().chain(self.manner.as_deref()).chain(size);
        ask(self.socket.as_deref(), &words.collect::<Vec<_>>(), out, err)
    }
}

/// Asks the simulator behind the live engine, and passes on what it says.
///
/// # Errors
/// When nobody can be told the answer.
pub(super) fn ask(
    socket: Option<&Path>,
    words: &[&str],
    out: &mut impl Write,
    err: &mut impl Write,
) -> io::Result<Exit> {
    let asked =
        || -> Result<Value, Trouble> { Ok(guest::engine(socket)?.ask("POST", ASK, &json!(words))?.accepted()?) };
    let answer = match asked() {
        Ok(answer) => answer,
        Err(trouble) => return guest::tell(&trouble, err),
    };
    let said = answer["said"].as_str().unwrap_or_default();
    match answer["code"].as_u64() {
        Some(0) => write!(out, "{said}").map(|()| Exit::Pass),
        Some(1) => write!(out, "{said}").map(|()| Exit::Failed),
        _ => write!(err, "{said}").map(|()| Exit::Usage),
    }
}
