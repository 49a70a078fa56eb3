//! What `netyard run` and `netyard exec` have in common: they go into a container with a real program, and say what keeps
//! them from it.

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::Path;

use clap::Args;

use crate::exit::Exit;
use crate::live::doctor::{look, report};
use crate::live::guest::agent::{Agent, Failure, Place};
use crate::live::guest::engine::{Engine, percent_encoded};
use crate::live::guest::stand::Line;
use crate::live::guest::{init, program};
use crate::live::http::ENTER;

/// What keeps a program from being run.
#[derive(Debug)]
pub enum Trouble {
    /// In words.
    Refused(String),
    /// This machine lacks what it takes.
    Unsupported(&'static str, io::Error),
}

impl From<String> for Trouble {
    fn from(text: String) -> Self {
        Self::Refused(text)
    }
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        Self::Refused(error.to_string())
    }
}

/// The engine that is meant.
///
/// # Errors
/// When that cannot be one.
pub fn engine(socket: Option<&Path>) -> Result<Engine, Trouble> {
    Ok(Engine::find(socket, std::env::var("DOCKER_HOST").ok().as_deref())?)
}

/// Runs `program` in a container to its end.
///
/// # Errors
/// See [`Trouble`].
pub fn enter(engine: &Engine, container: &str, line: Option<Line>, words: &[OsString]) -> Result<Exit, Trouble> {
    Ok(Exit::Program(program::run(agent(engine, container, Place::Own)?, line, words)?))
}

/// Goes into a container, with its devices in this place.
///
/// # Errors
/// See [`Trouble`].
pub fn agent(engine: &Engine, container: &str, place: Place) -> Result<Agent, Trouble> {
    let entered = engine.open(&format!("{ENTER}{}", percent_encoded(container)))?;
    let stream = entered.map_err(|refusal| refusal.message())?;
    Agent::enter(stream, place).map_err(|failure| match failure {
        Failure::Unsupported(what, error) => Trouble::Unsupported(what, error),
        Failure::Place(error) => Trouble::Refused(format!("cannot attach to that namespace: {error}")),
        Failure::Engine(error) => Trouble::Refused(format!("the engine broke off: {error}")),
    })
}

/// Says what the trouble is.
///
/// # Errors
/// When nobody can be told.
pub fn tell(trouble: &Trouble, err: &mut impl Write) -> io::Result<Exit> {
    match trouble {
        Trouble::Refused(text) => {
            writeln!(err, "error: {text}")?;
            Ok(Exit::Usage)
        }
        Trouble::Unsupported(what, error) => {
            writeln!(err, "error: this machine does not let netyard {what}: {error}")?;
            write!(err, "{}", report(&look(Path::new("/"))))?;
            Ok(Exit::Unsupported)
        }
    }
}

/// The first process of a program's namespace of processes
#[derive(Args, Debug)]
pub struct Init {
    /// The process that starts it
    parent: u32,
    /// The program and its arguments
    #[arg(trailing_var_arg = true, required = true, value_name = "COMMAND")]
    program: Vec<OsString>,
}

/// Runs a program as the first process of a namespace.
///
/// # Errors
/// When nobody can be told what went wrong.
pub fn run_init(arguments: &Init, err: &mut impl Write) -> io::Result<Exit> {
    match init::run(arguments.parent, &arguments.program) {
        Ok(code) => Ok(Exit::Program(code)),
        Err(error) => tell(&error.into(), err),
    }
}
