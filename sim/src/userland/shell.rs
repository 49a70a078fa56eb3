//! The shell: `sh`, `ash` and `bash` as programs of the simulated userland. It reads a script, compiles each complete
//! command to flat code and runs that, stopping wherever it would have to wait. It speaks like the shell it stands
//! for: busybox ash in containers, dash and bash on hosts.
//!
//! How it works: `source` cuts the text into complete commands with the parser, `compile` turns each into `code`,
//! `machine` runs code on a stack of frames, `builtin` holds the commands that must run inside. A subshell, a stage
//! of a pipeline, a job and a command substitution are child processes that run a piece of code with a copy of the
//! state; a command that is the last thing a child has to do takes the child's place.
//!
//! It is no terminal: at one it prints a prompt, but what is typed is mended and shown by the terminal, and it announces
//! no job.

mod arithmetic;
mod builtin;
mod code;
mod compile;
mod describe;
mod descriptor;
mod dialect;
mod escape;
mod field;
mod job;
mod machine;
mod pattern;
mod prompt;
mod source;
mod start;
mod state;
mod trap;
mod variables;

#[cfg(test)]
mod tests;

use machine::{Machine, Turn};

use super::{Flavour, Program, Programs, Signal, Step, Sys};

/// Puts the shells into the table of programs.
pub fn add(programs: &mut Programs) {
    for flavour in [Flavour::Host, Flavour::Busybox] {
        for name in ["sh", "ash", "bash"] {
            programs.add(flavour, name, || Box::new(Shell::Fresh));
        }
    }
}

/// Whether `text` matches a shell pattern: `*`, `?` and `[a-z]`. A backslash takes the meaning of what follows it.
#[must_use]
pub fn wildcard(pattern: &str, text: &str) -> bool {
    let mut glyphs = Vec::new();
    let mut letters = pattern.chars();
    while let Some(letter) = letters.next() {
        let (char, quoted) = if letter == '\\' { (letters.next().unwrap_or('\\'), true) } else { (letter, false) };
        glyphs.push(pattern::Glyph { char, quoted });
    }
    pattern::Pattern::new(&glyphs).matches(&text.chars().collect::<Vec<char>>())
}

/// A shell process.
#[derive(Clone)]
enum Shell {
    /// It has not looked at its arguments yet.
    Fresh,
    /// It runs a script.
    Running(Box<Machine>),
    /// Another program took its place (`exec`).
    Replaced(Box<dyn Program>),
}

impl Program for Shell {
    fn step(&mut self, sys: &mut Sys<'_>) -> Step {
        loop {
            match self {
                Self::Fresh => match start::machine(sys) {
                    Ok(machine) => *self = Self::Running(Box::new(machine)),
                    Err(code) => return Step::Exit(code),
                },
                Self::Running(machine) => match machine.run(sys) {
                    Turn::Become(program) => *self = Self::Replaced(program),
                    Turn::Exit(code) => return Step::Exit(code & 0xff),
                    Turn::Wait(until) => return Step::Wait(until),
                    Turn::Yield => return Step::Yield,
                },
                Self::Replaced(program) => return program.step(sys),
            }
        }
    }

    fn signal(&mut self, sys: &mut Sys<'_>, signal: Signal) -> bool {
        match self {
            Self::Fresh => false,
            Self::Running(machine) => machine.signal(sys, signal),
            Self::Replaced(program) => program.signal(sys, signal),
        }
    }
}
