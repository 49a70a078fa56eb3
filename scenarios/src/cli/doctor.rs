//! `netyard doctor`: whether this machine lets real programs onto the simulated network, and what mends it.

use std::io::{self, Write};

use clap::{Args, ValueEnum};

use crate::exit::Exit;
use crate::live::doctor::{Finding, examine, report};
use crate::live::guest::namespaces;
use crate::live::tap;

/// Look at what this machine lacks for real programs on the simulated network
#[derive(Args, Debug)]
pub struct Arguments {
    /// For people or for programs
    #[arg(long, env = "NETYARD_DOCTOR_FORMAT", value_enum, default_value_t = Format::Human)]
    format: Format,
}

/// How it is said.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum Format {
    /// Lines for people.
    Human,
    /// A JSON array.
    Json,
}

/// Says what is there and what is not.
///
/// # Errors
/// When nobody can be told.
pub fn run(arguments: &Arguments, out: &mut impl Write) -> io::Result<Exit> {
    let findings = examine();
    match arguments.format {
        Format::Json => writeln!(out, "{}", serde_json::to_string_pretty(&findings).map_err(io::Error::other)?)?,
        Format::Human => {
            for Finding { what, .. } in findings.iter().filter(|finding| finding.trouble.is_none()) {
                writeln!(out, "ok       {what}")?;
            }
            write!(out, "{}", report(&findings))?;
        }
    }
    Ok(if findings.iter().all(|finding| finding.trouble.is_none()) { Exit::Pass } else { Exit::Unsupported })
}

/// Does what a guest does, and leaves it again.
///
/// # Errors
/// When nobody can be told what went wrong.
pub fn try_out(err: &mut impl Write) -> io::Result<Exit> {
    let tried = namespaces::make("netyard").map_err(|error| format!("cannot make namespaces: {error}"));
    match tried.and_then(|_| tap::open("netyard0").map_err(|error| format!("cannot open {}: {error}", tap::PATH))) {
        Ok(_) => Ok(Exit::Pass),
        Err(text) => writeln!(err, "{text}").map(|()| Exit::Unsupported),
    }
}
