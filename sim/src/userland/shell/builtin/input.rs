//! `read` and `getopts`: words from outside into variables.

use super::super::dialect::{Dialect, Failure};
use super::super::machine::{Block, Line, Machine};
use super::super::variables::is_name;
use super::Outcome;
use crate::userland::Sys;

/// `read`
pub(super) fn read(machine: &mut Machine, sys: &mut Sys<'_>, args: &[String]) -> Outcome {
    let mut line = Line::default();
    let mut words = args[1..].iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            "-r" => line.raw = true,
            "-p" => {
                let prompt = words.next().cloned().unwrap_or_default();
                sys.eprint(prompt);
            }
            name if is_name(name) => line.names.push(name.to_owned()),
            other => return bad_name(machine, sys, other),
        }
    }
    Outcome::Block(Block::Line(line))
}

fn bad_name(machine: &Machine, sys: &mut Sys<'_>, name: &str) -> Outcome {
    match machine.dialect() {
        Dialect::Ash => machine.complain(sys, &format!("read: '{name}': bad variable name")),
        Dialect::Dash => {
            machine.say(sys, "read", &format!("{name}: bad variable name"));
            return Outcome::Status(2);
        }
        Dialect::Bash => machine.say(sys, "read", &format!("`{name}': not a valid identifier")),
    }
    Outcome::Status(1)
}

/// `getopts`
pub(super) fn getopts(machine: &mut Machine, sys: &mut Sys<'_>, args: &[String]) -> Outcome {
    let [_, letters, name, given @ ..] = args else {
        machine.say(sys, "getopts", "usage: getopts optstring var [arg]");
        return Outcome::Status(2);
    };
    let words = if given.is_empty() { machine.state.positional.clone() } else { given.to_vec() };
    match option(machine, sys, letters, &words) {
        Ok(Some(letter)) => assign(machine, name, &letter.to_string(), 0),
        Ok(None) => assign(machine, name, "?", 1),
        Err(failure) => Outcome::Failure(failure),
    }
}

fn assign(machine: &mut Machine, name: &str, value: &str, status: i32) -> Outcome {
    match machine.state.variables.assign(name, value.to_owned()) {
        Ok(()) => Outcome::Status(status),
        Err(failure) => Outcome::Failure(failure),
    }
}

/// The next option letter, or none at the end of the options.
fn option(machine: &mut Machine, sys: &mut Sys<'_>, letters: &str, words: &[String]) -> Result<Option<char>, Failure> {
    let index = machine.state.variables.value("OPTIND").and_then(|n| n.parse::<usize>().ok()).unwrap_or(1).max(1);
    let inside = if machine.state.option.0 == index { machine.state.option.1 } else { 1 };
    let word = words.get(index - 1).map_or("", String::as_str);
    if word == "--" {
        machine.state.variables.assign("OPTIND", (index + 1).to_string())?;
        return Ok(None);
    }
    let Some(letter) = word.strip_prefix('-').and_then(|_| word.chars().nth(inside)) else { return Ok(None) };
    let ends = word.chars().nth(inside + 1).is_none();
    let known = letters.trim_start_matches(':').find(letter).filter(|_| letter != ':');
    let takes = known.is_some_and(|at| letters.trim_start_matches(':')[at + letter.len_utf8()..].starts_with(':'));
    let next = match (takes, ends) {
        (true, true) => index + 2,
        (true, false) | (false, true) => index + 1,
        (false, false) => index,
    };
    machine.state.option = (next, if next == index { inside + 1 } else { 1 });
    machine.state.variables.assign("OPTIND", next.to_string())?;
    let inline: String = word.chars().skip(inside + 1).collect();
    let argument = if ends { words.get(index).cloned() } else { Some(inline) };
    let found = match (known, takes, argument) {
        (None, ..) => Found::Unknown,
        (Some(_), false, _) => Found::Plain,
        (Some(_), true, None) => Found::Bare,
        (Some(_), true, Some(argument)) => Found::With(argument),
    };
    answer(machine, sys, (letters, letter), found)
}

/// What stands behind an option letter.
enum Found {
    /// It is no letter of the script's.
    Unknown,
    /// Nothing, and nothing is asked for.
    Plain,
    /// Nothing, though it needs an argument.
    Bare,
    /// Its argument.
    With(String),
}

/// Sets OPTARG and complains unless the script asked to do so itself.
fn answer(
    machine: &mut Machine,
    sys: &mut Sys<'_>,
    (letters, letter): (&str, char),
    found: Found,
) -> Result<Option<char>, Failure> {
    let variables = &mut machine.state.variables;
    let known = match found {
        Found::Plain => return variables.unset("OPTARG").map(|()| Some(letter)),
        Found::With(argument) => return variables.assign("OPTARG", argument).map(|()| Some(letter)),
        Found::Bare => true,
        Found::Unknown => false,
    };
    if letters.starts_with(':') {
        variables.assign("OPTARG", letter.to_string())?;
        return Ok(Some(if known { ':' } else { '?' }));
    }
    variables.unset("OPTARG")?;
    let text = match (machine.dialect(), known) {
        (Dialect::Bash, true) => format!("{}: option requires an argument -- {letter}\n", machine.state.name),
        (Dialect::Bash, false) => format!("{}: illegal option -- {letter}\n", machine.state.name),
        (_, true) => format!("No arg for -{letter} option\n"),
        (_, false) => format!("Illegal option -{letter}\n"),
    };
    sys.eprint(text);
    Ok(Some('?'))
}
