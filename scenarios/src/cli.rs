//! The command line: what was typed becomes what is meant, and the exit code what came of it. Each subcommand is a
//! module of its own; every flag can also be set as `NETYARD_<COMMAND>_<FLAG>`.

pub mod ask;
pub mod attach;
pub mod capture;
pub mod check;
pub mod conform;
pub mod doctor;
pub mod endpoint;
pub mod exec;
pub mod graph;
pub mod guest;
pub mod janitor;
pub mod paper;
pub mod run;
pub mod selection;
pub mod shell;
pub mod shrink;
pub mod sweep;
pub mod test;
pub mod up;

use std::io::{self, BufWriter, IsTerminal, Write};

use clap::{CommandFactory, Parser, Subcommand};

use crate::exit::Exit;
use crate::panics;
use crate::report::Report;
use crate::report::style::Style;

/// A Docker network in one process: scripted walkthroughs in virtual time, without Docker and without root.
#[derive(Debug, Parser)]
#[command(name = "netyard", version)]
struct Typed {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Test(test::Arguments),
    Check(check::Arguments),
    Shrink(shrink::Arguments),
    Sweep(sweep::Arguments),
    Up(up::Arguments),
    Run(run::Arguments),
    Exec(exec::Arguments),
    Attach(attach::Arguments),
    Capture(capture::Arguments),
    Drops(ask::Drops),
    Impair(ask::Impair),
    Fault(ask::Fault),
    Why(ask::Why),
    Graph(graph::Arguments),
    Shell(shell::Arguments),
    Conform(conform::Arguments),
    Doctor(doctor::Arguments),
    Completions(paper::Completions),
    Man(paper::Man),
    #[command(hide = true)]
    Init(guest::Init),
    #[command(hide = true)]
    Janitor(janitor::Arguments),
    /// Try what a program needs that is run on the simulated network
    #[command(hide = true)]
    Trial,
}

/// How what a command found out is written.
#[derive(Clone, Copy, Debug, Eq, PartialEq, clap::ValueEnum)]
pub enum Written {
    /// For people.
    Human,
    /// For programs: one JSON object a line.
    Json,
}

/// Runs the command that this process was started with.
#[must_use]
pub fn run() -> Exit {
    panics::hush();
    let (stdout, mut stderr) = (io::stdout(), io::stderr());
    let done = match &Typed::parse().command {
        Command::Test(arguments) => {
            let style = Style::detect(stdout.is_terminal());
            let coloured_errors = Style::detect(stderr.is_terminal()) == Style::Coloured;
            let mut out = BufWriter::new(stdout.lock());
            let (out, err) = (&mut out, &mut stderr);
            test::run(arguments, Report { format: arguments.format, style, coloured_errors, out, err, told: 0 })
        }
        Command::Check(arguments) => check::run(arguments, &mut stdout.lock(), &mut stderr),
        Command::Completions(arguments) => arguments.run(Typed::command(), &mut stdout.lock()),
        Command::Man(arguments) => arguments.run(Typed::command(), &mut stdout.lock(), &mut stderr),
        Command::Shrink(arguments) => shrink::run(arguments, &mut stdout.lock(), &mut stderr),
        Command::Sweep(arguments) => sweep::run(arguments, &mut stdout.lock(), &mut stderr),
        Command::Up(arguments) => up::run(arguments, &mut stdout.lock(), &mut stderr),
        Command::Run(arguments) => run::run(arguments, &mut stderr),
        Command::Capture(arguments) => capture::run(arguments, &mut stdout.lock(), &mut stderr),
        Command::Drops(arguments) => arguments.run(&mut stdout.lock(), &mut stderr),
        Command::Fault(arguments) => arguments.run(&mut stdout.lock(), &mut stderr),
        Command::Impair(arguments) => arguments.run(&mut stdout.lock(), &mut stderr),
        Command::Why(arguments) => arguments.run(&mut stdout.lock(), &mut stderr),
        Command::Attach(arguments) => attach::run(arguments, &mut stdout.lock(), &mut stderr),
        Command::Exec(arguments) => exec::run(arguments, &mut stderr),
        Command::Graph(arguments) => graph::run(arguments, &mut stdout.lock(), &mut stderr),
        Command::Shell(arguments) => shell::run(arguments, &mut stdout.lock(), &mut stderr),
        Command::Conform(arguments) => conform::run(arguments, &mut stdout.lock(), &mut stderr),
        Command::Doctor(arguments) => doctor::run(arguments, &mut stdout.lock()),
        Command::Trial => doctor::try_out(&mut stderr),
        Command::Janitor(arguments) => Ok(janitor::run(arguments)),
        Command::Init(arguments) => guest::run_init(arguments, &mut stderr),
    };
    match done {
        Ok(exit) => exit,
        // The reader of our output went away: nobody is left to tell.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Exit::Interrupted,
        Err(error) => {
            drop(writeln!(io::stderr(), "error: cannot write the report: {error}"));
            Exit::Usage
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Typed::command().debug_assert();
    }

    #[test]
    fn every_flag_has_a_variable() {
        let command = Typed::command();
        for subcommand in command.get_subcommands() {
            let flags = subcommand.get_arguments().filter(|flag| !flag.is_positional() && flag.get_id() != "help");
            for flag in flags {
                let id = flag.get_id().as_str().replace('-', "_");
                let name = format!("netyard_{}_{id}", subcommand.get_name()).to_uppercase();
                assert_eq!(flag.get_env().and_then(|env| env.to_str()), Some(&*name));
            }
        }
    }
}
