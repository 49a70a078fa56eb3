//! `test` and `[`: what they ask, by the number of their arguments as POSIX has it, with `-a`, `-o` and parentheses.

use super::super::dialect::Dialect;
use super::super::machine::Machine;
use super::Outcome;
use crate::userland::Sys;
use crate::userland::files::{Kind, Stat};

/// Why a test cannot be answered.
#[derive(Debug, Eq, PartialEq)]
pub(in super::super) enum Problem {
    /// An argument is missing.
    Missing(String),
    /// It should be a number.
    Number(String),
    /// It has no place here.
    Unexpected(String),
}

/// `test` and `[`
pub(super) fn run(machine: &mut Machine, sys: &mut Sys<'_>, args: &[String]) -> Outcome {
    let mut words = &args[1..];
    if args[0] == "[" {
        match words.split_last() {
            Some((last, rest)) if last == "]" => words = rest,
            _ => {
                let text = if machine.dialect() == Dialect::Bash { "missing `]'" } else { "missing ]" };
                sys.eprint(machine.state.voice.applet(machine.state.line, "[", text));
                return Outcome::Status(2);
            }
        }
    }
    let mut test = Test { words, at: 0 };
    match test.all(machine, sys) {
        Ok(holds) => Outcome::Status(i32::from(!holds)),
        Err(problem) => {
            let text = problem.text(machine.dialect());
            sys.eprint(machine.state.voice.applet(machine.state.line, &args[0], &text));
            Outcome::Status(2)
        }
    }
}

impl Problem {
    fn text(&self, dialect: Dialect) -> String {
        match (self, dialect) {
            (Self::Number(word), Dialect::Ash) => format!("{word}: bad number"),
            (Self::Number(word), Dialect::Dash) => format!("Illegal number: {word}"),
            (Self::Number(word), Dialect::Bash) => format!("{word}: integer expression expected"),
            (Self::Missing(word), Dialect::Bash) => format!("{word}: unary operator expected"),
            (Self::Missing(word), Dialect::Ash | Dialect::Dash) => format!("{word}: argument expected"),
            (Self::Unexpected(word), Dialect::Bash) => format!("{word}: binary operator expected"),
            (Self::Unexpected(word), Dialect::Ash) if is_binary(word) => format!("{word}: argument expected"),
            (Self::Unexpected(word), Dialect::Ash) => format!("{word}: unknown operand"),
            (Self::Unexpected(word), Dialect::Dash) => format!("{word}: unexpected operator"),
        }
    }
}

struct Test<'a> {
    words: &'a [String],
    at: usize,
}

type Answer = Result<bool, Problem>;

impl Test<'_> {
    fn all(&mut self, machine: &Machine, sys: &Sys<'_>) -> Answer {
        if self.words.is_empty() {
            return Ok(false);
        }
        let holds = self.or(machine, sys)?;
        match self.peek(0) {
            None => Ok(holds),
            Some(word) => Err(Problem::Unexpected(word.to_owned())),
        }
    }

    fn peek(&self, ahead: usize) -> Option<&str> {
        self.words.get(self.at + ahead).map(String::as_str)
    }

    fn or(&mut self, machine: &Machine, sys: &Sys<'_>) -> Answer {
        let mut holds = self.and(machine, sys)?;
        while self.peek(0) == Some("-o") {
            self.at += 1;
            holds |= self.and(machine, sys)?;
        }
        Ok(holds)
    }

    fn and(&mut self, machine: &Machine, sys: &Sys<'_>) -> Answer {
        let mut holds = self.primary(machine, sys)?;
        while self.peek(0) == Some("-a") {
            self.at += 1;
            holds &= self.primary(machine, sys)?;
        }
        Ok(holds)
    }

    fn primary(&mut self, machine: &Machine, sys: &Sys<'_>) -> Answer {
        let Some(first) = self.peek(0).map(str::to_owned) else {
            return Err(Problem::Missing(self.words.last().cloned().unwrap_or_default()));
        };
        if let (Some(operator), Some(right)) = (self.peek(1), self.peek(2))
            && let Some(holds) = binary(sys, &first, operator, right)?
        {
            self.at += 3;
            return Ok(holds);
        }
        if first == "!" && self.peek(1).is_some() {
            self.at += 1;
            return Ok(!self.primary(machine, sys)?);
        }
        if first == "(" && self.peek(1).is_some() {
            return self.parenthesis(machine, sys);
        }
        if let Some(operand) = self.peek(1)
            && let Some(holds) = unary(machine, sys, &first, operand)
        {
            self.at += 2;
            return Ok(holds);
        }
        self.at += 1;
        Ok(!first.is_empty())
    }

    fn parenthesis(&mut self, machine: &Machine, sys: &Sys<'_>) -> Answer {
        self.at += 1;
        let holds = self.or(machine, sys)?;
        if self.peek(0) != Some(")") {
            return Err(Problem::Missing(")".to_owned()));
        }
        self.at += 1;
        Ok(holds)
    }
}

/// Whether a word stands between two others.
fn is_binary(word: &str) -> bool {
    matches!(
        word,
        "=" | "==" | "!=" | "<" | ">" | "-eq" | "-ne" | "-lt" | "-le" | "-gt" | "-ge" | "-nt" | "-ot" | "-ef"
    )
}

/// A test of one operand; none when there is no such operator.
pub(in super::super) fn unary(machine: &Machine, sys: &Sys<'_>, operator: &str, operand: &str) -> Option<bool> {
    let path = sys.absolute(operand);
    let stat = sys.files().stat(&path).ok();
    Some(match operator {
        "-n" => !operand.is_empty(),
        "-z" => operand.is_empty(),
        "-e" | "-a" | "-r" | "-w" => stat.is_some(),
        "-x" => stat.is_some_and(|stat| stat.is_directory() || stat.mode & 0o111 != 0),
        "-d" => stat.is_some_and(|stat| stat.is_directory()),
        "-f" => stat.is_some_and(|stat| stat.is_file()),
        "-s" => stat.is_some_and(|stat| stat.size > 0),
        "-v" => machine.state.variables.value(operand).is_some(),
        "-h" | "-L" => sys.files().target(&path).is_some(),
        "-c" => stat.is_some_and(|stat| matches!(stat.kind, Kind::Device(_))),
        "-p" => stat.is_some_and(|stat| stat.kind == Kind::Fifo),
        "-u" => stat.is_some_and(|stat| stat.mode & 0o4000 != 0),
        "-g" => stat.is_some_and(|stat| stat.mode & 0o2000 != 0),
        "-k" => stat.is_some_and(|stat| stat.mode & 0o1000 != 0),
        "-O" | "-G" => stat.is_some(),
        "-t" => operand.trim().parse().is_ok_and(|fd| sys.is_terminal(fd)),
        "-b" | "-S" => false,
        _ => return None,
    })
}

/// A test of two operands; none when there is no such operator.
pub(in super::super) fn binary(
    sys: &Sys<'_>,
    left: &str,
    operator: &str,
    right: &str,
) -> Result<Option<bool>, Problem> {
    let compare = |holds: fn(&i64, &i64) -> bool| Ok(Some(holds(&number(left)?, &number(right)?)));
    Ok(Some(match operator {
        "=" | "==" => left == right,
        "!=" => left != right,
        "<" => left < right,
        ">" => left > right,
        "-eq" => return compare(i64::eq),
        "-ne" => return compare(i64::ne),
        "-lt" => return compare(i64::lt),
        "-le" => return compare(i64::le),
        "-gt" => return compare(i64::gt),
        "-ge" => return compare(i64::ge),
        "-ef" => {
            stat(sys, left).is_some_and(|a| stat(sys, right).is_some_and(|b| (a.device, a.ino) == (b.device, b.ino)))
        }
        "-nt" => newer(sys, left, right),
        "-ot" => newer(sys, right, left),
        _ => return Ok(None),
    }))
}

fn stat(sys: &Sys<'_>, path: &str) -> Option<Stat> {
    sys.files().stat(&sys.absolute(path)).ok()
}

/// Whether the file `left` is younger than `right`, or alone.
fn newer(sys: &Sys<'_>, left: &str, right: &str) -> bool {
    let time = |path| stat(sys, path).map(|stat| stat.mtime);
    time(left) > time(right)
}

fn number(word: &str) -> Result<i64, Problem> {
    word.trim().parse().map_err(|_| Problem::Number(word.to_owned()))
}
