//! `netyard exec`: a real program in the place of a simulated container on its networks.

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args;

use super::guest;
use crate::exit::Exit;

/// Run a real program with the network of a container of a live engine
#[derive(Args, Debug)]
pub struct Arguments {
    /// The engine's Unix socket [default: that of DOCKER_HOST, else of this user's engine]
    #[arg(long, env = "NETYARD_EXEC_SOCKET", value_name = "PATH")]
    socket: Option<PathBuf>,
    /// The container
    container: String,
    /// The program and its arguments
    #[arg(trailing_var_arg = true, required = true, value_name = "COMMAND")]
    program: Vec<OsString>,
}

/// Runs the program that `arguments` mean to its end.
///
/// # Errors
/// When nobody can be told what went wrong.
pub fn run(arguments: &Arguments, err: &mut impl Write) -> io::Result<Exit> {
    let engine = guest::engine(arguments.socket.as_deref());
    let done = engine.and_then(|engine| guest::enter(&engine, &arguments.container, None, &arguments.program));
    match done {
        Ok(exit) => Ok(exit),
        Err(trouble) => guest::tell(&trouble, err),
    }
}
