//! The commands that a shell does itself: the table of them, and what each can lead to.

mod control;
mod declare;
mod input;
mod jobs;
mod place;
mod print;
pub(super) mod test;

use super::dialect::Failure;
use super::machine::{Block, Machine};
use super::source::is_reserved;
use crate::userland::Sys;

/// What a builtin leads to.
pub(super) enum Outcome {
    /// It is done.
    Status(i32),
    /// The program takes the shell's place.
    Become(Vec<String>),
    /// It must wait.
    Block(Block),
    /// It moved the machine elsewhere and closed its own scope, or opened a call above it.
    Elsewhere,
    /// The shell ends.
    Exit(i32),
    /// It failed in a way that also ends a shell nobody types at.
    Fatal(i32),
    /// The shell cannot go on.
    Failure(Failure),
    /// Its redirections stay.
    Keep,
    /// It is done, and others should do something before the shell goes on.
    Yield(i32),
    /// A program is run after all, as if it had been named.
    Program(Vec<String>),
}

/// What runs a builtin: the arguments begin with its name.
pub(super) type Run = fn(&mut Machine, &mut Sys<'_>, &[String]) -> Outcome;

/// A builtin.
#[derive(Clone, Copy)]
pub(super) struct Builtin {
    /// What runs it.
    pub(super) run: Run,
    /// Whether POSIX calls it special: assignments before it stay.
    pub(super) special: bool,
}

/// The builtin called `name`.
pub(super) fn find(name: &str) -> Option<Builtin> {
    if let Some(run) = special(name) {
        return Some(Builtin { run, special: true });
    }
    let run: Run = match name {
        "[" | "test" => test::run,
        "bg" => jobs::bg,
        "cd" | "chdir" => place::cd,
        "command" => control::command,
        "echo" => print::echo,
        // Assignments before it are for the program it starts.
        "exec" => control::exec,
        "false" => |_, _, _| Outcome::Status(1),
        "fg" => jobs::fg,
        // Where commands are is looked up each time: there is nothing to remember or to forget.
        "hash" => |_, _, _| Outcome::Status(0),
        "getopts" => input::getopts,
        "jobs" => jobs::jobs,
        "kill" => jobs::kill,
        "let" => declare::calculate,
        "local" | "declare" | "typeset" => declare::local,
        "printf" => print::printf,
        "pwd" => place::pwd,
        "read" => input::read,
        "true" => |_, _, _| Outcome::Status(0),
        "type" => control::kind,
        "ulimit" => place::ulimit,
        "umask" => place::umask,
        "wait" => jobs::wait,
        _ => return None,
    };
    Some(Builtin { run, special: false })
}

fn special(name: &str) -> Option<Run> {
    Some(match name {
        ":" => |_, _, _| Outcome::Status(0),
        "." | "source" => control::source,
        "break" => control::leave,
        "continue" => control::leave,
        "eval" => control::eval,
        "exit" => control::exit,
        "export" => declare::export,
        "readonly" => declare::readonly,
        "return" => control::leave_function,
        "set" => declare::set,
        "shift" => declare::shift,
        "times" => control::times,
        "trap" => control::trap,
        "unset" => declare::unset,
        _ => return None,
    })
}

impl Machine {
    /// Prints a message of the builtin called `name`.
    fn say(&self, sys: &mut Sys<'_>, name: &str, text: &str) {
        sys.eprint(self.state.voice.builtin(self.state.line, name, text));
    }
}

/// The words reserved by the grammar, for `type`.
fn is_keyword(word: &str) -> bool {
    is_reserved(word) || matches!(word, "function" | "[[" | "]]" | "time")
}
