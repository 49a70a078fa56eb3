//! The `netyard` command. Everything it does is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    netyard::cli::run().into()
}
