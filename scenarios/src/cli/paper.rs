//! `netyard completions` and `netyard man`: what the command line says of itself, for shells and for `man`.

use std::io::{self, Write};

use clap::{Args, Command};
use clap_complete::Shell;

use crate::exit::Exit;

/// Print a script that completes the words of this command in a shell
#[derive(Args, Debug)]
pub struct Completions {
    /// The shell
    shell: Shell,
}

/// Print the manual page, or that of a subcommand
#[derive(Args, Debug)]
pub struct Man {
    /// The subcommand
    command: Option<String>,
}

impl Completions {
    /// Prints it.
    ///
    /// # Errors
    /// What the stream says.
    pub fn run(&self, mut command: Command, out: &mut impl Write) -> io::Result<Exit> {
        // Through memory: the generator panics where a reader goes away.
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut command, "netyard", &mut script);
        out.write_all(&script).map(|()| Exit::Pass)
    }
}

impl Man {
    /// Prints it.
    ///
    /// # Errors
    /// What the streams say.
    pub fn run(&self, mut command: Command, out: &mut impl Write, err: &mut impl Write) -> io::Result<Exit> {
        command.build();
        let page = match &self.command {
            None => command,
            Some(name) => match command.find_subcommand(name).filter(|found| !found.is_hide_set()) {
                Some(found) => found.clone().display_name(format!("netyard-{name}")),
                None => {
                    writeln!(err, "error: no such subcommand: {name}")?;
                    return Ok(Exit::Usage);
                }
            },
        };
        clap_mangen::Man::new(page).render(out).map(|()| Exit::Pass)
    }
}
