//! `read` and `getopts`: words from outside into variables.

use super::super::dialect::{Dialect, Failure};
use super::super::machine::{Block, Line, Machine};
use super::super::variables::{Variables, is_name};
use super::Outcome;
use crate::userland::Sys;

/// `read`
pub(super) fn read(machine: &mut Machine, sys: &mut Sys<'_>, args: &[String]) -> Outcome {
    let mut line = Line { names: Vec::new(), raw: false, bytes: Vec::new(), escaped: false };
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

/// Splits a line that was read into its variables; the last takes what remains.
pub(in super::super) fn take_line(variables: &mut Variables, line: &Line) -> Result<(), Failure> {
    let ifs = variables.value("IFS").unwrap_or(" \t\n").to_owned();
    let mut rest = Rest { bytes: &line.bytes, ifs: ifs.as_bytes() };
    let Some((last, names)) = line.names.split_last() else {
        return variables.assign("REPLY", text(&line.bytes));
    };
    rest.skip_space();
    for name in names {
        variables.assign(name, rest.field())?;
    }
    variables.assign(last, rest.remainder())
}

/// What is left of a line; a byte protected by a backslash separates nothing.
struct Rest<'a> {
    bytes: &'a [(u8, bool)],
    ifs: &'a [u8],
}

impl Rest<'_> {
    fn separates(&self, (byte, escaped): (u8, bool)) -> bool {
        !escaped && self.ifs.contains(&byte)
    }

    fn is_space(&self, one: (u8, bool)) -> bool {
        self.separates(one) && one.0.is_ascii_whitespace()
    }

    fn skip_space(&mut self) {
        let size = self.bytes.iter().take_while(|one| self.is_space(**one)).count();
        self.bytes = &self.bytes[size..];
    }

    fn field(&mut self) -> String {
        let size = self.bytes.iter().take_while(|one| !self.separates(**one)).count();
        let field = text(&self.bytes[..size]);
        self.bytes = &self.bytes[size..];
        self.skip_space();
        if self.bytes.first().is_some_and(|one| self.separates(*one)) {
            self.bytes = &self.bytes[1..];
            self.skip_space();
        }
        field
    }

    /// All that is left, without white space at its end, and without one delimiter when it is a field by itself.
    fn remainder(&mut self) -> String {
        let whole = self.bytes;
        let field = self.field();
        if self.bytes.is_empty() {
            return field;
        }
        let size = whole.iter().rposition(|one| !self.is_space(*one)).map_or(0, |at| at + 1);
        text(&whole[..size])
    }
}

fn text(bytes: &[(u8, bool)]) -> String {
    let bytes: Vec<u8> = bytes.iter().map(|(byte, _)| *byte).collect();
    String::from_utf8_lossy(&bytes).into_owned()
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
    answer(machine, sys, letters, letter, known.is_some(), argument.filter(|_| takes), takes)
}

/// Sets OPTARG and complains unless the script asked to do so itself.
fn answer(
    machine: &mut Machine,
    sys: &mut Sys<'_>,
    letters: &str,
    letter: char,
    known: bool,
    argument: Option<String>,
    takes: bool,
) -> Result<Option<char>, Failure> {
    let silent = letters.starts_with(':');
    if known && (!takes || argument.is_some()) {
        match argument {
            Some(argument) => machine.state.variables.assign("OPTARG", argument)?,
            None => machine.state.variables.unset("OPTARG")?,
        }
        return Ok(Some(letter));
    }
    if silent {
        machine.state.variables.assign("OPTARG", letter.to_string())?;
        return Ok(Some(if known { ':' } else { '?' }));
    }
    machine.state.variables.unset("OPTARG")?;
    let text = match (machine.dialect(), known) {
        (Dialect::Bash, true) => format!("{}: option requires an argument -- {letter}\n", machine.state.name),
        (Dialect::Bash, false) => format!("{}: illegal option -- {letter}\n", machine.state.name),
        (_, true) => format!("No arg for -{letter} option\n"),
        (_, false) => format!("Illegal option -{letter}\n"),
    };
    sys.eprint(text);
    Ok(Some('?'))
}
