//! The `netyard` command from outside: it is run on the files in `fixtures/`, and what it writes and its exit code are
//! compared. `SNAPSHOTS=overwrite cargo test` writes new expectations into these files.

mod check;
mod conform;
mod engine;
mod failures;
mod faults;
mod formats;
mod graph;
mod kernel;
mod lab;
mod limits;
mod live;
mod page;
mod places;
mod properties;
mod real;
mod selection;
mod shell;
mod shrink;
mod sweep;
mod tcpdump;
mod update;
mod walkthrough;
mod why;

use snapbox::cmd::Command;

/// The command with the words of `arguments`, in the directory of this package, with nothing in its environment.
fn netyard(arguments: &str) -> Command {
    Command::new(env!("CARGO_BIN_EXE_netyard"))
        .env_clear()
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(arguments.split_whitespace())
}
