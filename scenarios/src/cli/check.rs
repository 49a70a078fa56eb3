//! `netyard check`: what is wrong or doubtful in scenario files.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use super::selection;
use crate::exit::Exit;
use crate::report::{github, json};
use crate::runner::Settings;
use crate::runner::lint::{Lint, lint};
use crate::scenario::fault::Fault;

/// Say what is wrong or doubtful in scenario files: unknown places, names of several containers, expectations that cannot
/// fail, text that is chance
#[derive(Args, Debug)]
pub struct Arguments {
    /// Files, or directories that are searched for *.md
    #[arg(required = true)]
    path: Vec<PathBuf>,
    /// How it is told
    #[arg(long, env = "NETYARD_CHECK_FORMAT", value_enum, default_value_t = Format::Human)]
    format: Format,
}

/// A format of what is found.
#[derive(Clone, Copy, Debug, Eq, PartialEq, clap::ValueEnum)]
enum Format {
    /// For GitHub Actions: annotations at file and line.
    Github,
    /// For people.
    Human,
    /// For programs: one JSON object a line.
    Json,
}

/// Checks what `arguments` name.
///
/// # Errors
/// What the streams say.
pub fn run(arguments: &Arguments, out: &mut impl Write, err: &mut impl Write) -> io::Result<Exit> {
    let mut exits = Vec::new();
    for path in &arguments.path {
        let files = match selection::files(path) {
            Ok(files) => files,
            Err(fault) => {
                exits.push(tell_fault(arguments.format, &fault, out, err)?);
                continue;
            }
        };
        for file in files {
            exits.push(match check(&file) {
                Ok(lints) => tell(arguments.format, &file.to_string_lossy(), &lints, out)?,
                Err(fault) => tell_fault(arguments.format, &fault, out, err)?,
            });
        }
    }
    Ok(exits.into_iter().max().unwrap_or(Exit::NothingRan))
}

fn check(file: &Path) -> Result<Vec<Lint>, Fault> {
    let scenario = selection::read(file)?;
    lint(&scenario, &Settings::of(&scenario))
}

fn tell(format: Format, file: &str, lints: &[Lint], out: &mut impl Write) -> io::Result<Exit> {
    for Lint { line, doubt } in lints {
        match format {
            Format::Github => github::warning(out, file, *line, doubt.word(), &doubt.to_string())?,
            Format::Human => writeln!(out, "{file}:{line}: {doubt} [{}]", doubt.word())?,
            Format::Json => {
                let told = json!({
                    "event": "lint", "file": file, "line": line, "lint": doubt.word(), "message": doubt.to_string(),
                });
                writeln!(out, "{told}")?;
            }
        }
    }
    Ok(if lints.is_empty() { Exit::Pass } else { Exit::Failed })
}

fn tell_fault(format: Format, fault: &Fault, out: &mut impl Write, err: &mut impl Write) -> io::Result<Exit> {
    match format {
        Format::Github => github::fault(out, fault)?,
        Format::Human => writeln!(err, "{}", fault.render(false))?,
        Format::Json => json::fault(out, fault)?,
    }
    Ok(Exit::Usage)
}
