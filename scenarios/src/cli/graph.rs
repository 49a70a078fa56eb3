//! `netyard graph`: what a scenario or a live engine looks like: hosts, networks, containers, addresses.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use netyard_drivers::site::graph;

use super::{ask, selection};
use crate::exit::Exit;
use crate::runner::{self, End, Settings};

/// Draw the hosts, networks, containers and addresses of a scenario when it has been played, or of a live engine
#[derive(Args, Debug)]
pub struct Arguments {
    /// The scenario [default: the live engine]
    file: Option<PathBuf>,
    /// What is drawn is what stands after the steps up to this line of FILE
    #[arg(long, env = "NETYARD_GRAPH_AT", value_name = "LINE", requires = "file")]
    at: Option<usize>,
    /// Play with this seed instead of the file's own
    #[arg(long, env = "NETYARD_GRAPH_SEED", value_name = "N", requires = "file")]
    seed: Option<u64>,
    /// The engine's Unix socket [default: that of DOCKER_HOST, else of this user's engine]
    #[arg(long, env = "NETYARD_GRAPH_SOCKET", value_name = "PATH", conflicts_with = "file")]
    socket: Option<PathBuf>,
    /// How it is drawn
    #[arg(long, env = "NETYARD_GRAPH_FORMAT", value_enum, default_value_t = Format::Mermaid)]
    format: Format,
}

/// A format of a graph.
#[derive(Clone, Copy, Debug, Eq, PartialEq, clap::ValueEnum)]
enum Format {
    /// For Graphviz.
    Dot,
    /// For programs: an object with nodes and links.
    Json,
    /// For Markdown pages.
    Mermaid,
    /// A picture for browsers.
    Svg,
}

impl From<Format> for graph::Format {
    fn from(format: Format) -> Self {
        match format {
            Format::Dot => Self::Dot,
            Format::Json => Self::Json,
            Format::Mermaid => Self::Mermaid,
            Format::Svg => Self::Svg,
        }
    }
}

/// Draws what `arguments` name.
///
/// # Errors
/// What the streams say.
pub fn run(arguments: &Arguments, out: &mut impl Write, err: &mut impl Write) -> io::Result<Exit> {
    let format = graph::Format::from(arguments.format);
    let Some(file) = &arguments.file else {
        return ask::ask(arguments.socket.as_deref(), &["graph", format.word()], out, err);
    };
    match of_scenario(arguments, file, format) {
        Ok(text) => write!(out, "{text}").map(|()| Exit::Pass),
        Err((exit, text)) => writeln!(err, "{text}").map(|()| exit),
    }
}

fn of_scenario(arguments: &Arguments, file: &Path, format: graph::Format) -> Result<String, (Exit, String)> {
    let mut scenario = selection::read(file).map_err(|fault| (Exit::Usage, fault.render(false)))?;
    if let Some(at) = arguments.at {
        scenario.steps.retain(|step| step.line <= at);
    }
    let settings = Settings::of(&scenario).asked(arguments.seed, None, None);
    let site = runner::stand(&scenario, &settings).map_err(|fault| (Exit::Usage, fault.render(false)))?;
    site.map(|site| site.graph().write(format)).map_err(|end| {
        let (exit, step, why) = match end {
            End::Skipped(skip) => (Exit::Unsupported, skip.step, skip.reason),
            End::TimeLimit(overrun) => (Exit::TimeLimit, overrun.step, overrun.to_string()),
            End::Finished => unreachable!("a site that was played to its end stands"),
        };
        let step = &scenario.steps[step];
        (exit, format!("error: {}:{}: {}: {why}", scenario.file, step.line, step.command))
    })
}
