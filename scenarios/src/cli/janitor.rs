//! `netyard janitor`, which is in no help text: it tidies up behind a `netyard test` whose steps are for real programs.

use std::io;
use std::path::PathBuf;

use clap::Args;

use crate::exit::Exit;
use crate::runner::janitor;

/// Tidy up when there are no more orders to read
#[derive(Args, Debug)]
pub struct Arguments {
    /// What is removed then
    directory: PathBuf,
}

/// Works until there is nothing left to do.
#[must_use]
pub fn run(arguments: &Arguments) -> Exit {
    janitor::work(io::stdin().lock(), &arguments.directory);
    Exit::Pass
}
