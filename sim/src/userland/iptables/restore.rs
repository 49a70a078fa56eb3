//! `iptables-restore`: whole tables from text; a table changes all at once, at its COMMIT, or not at all.

use super::Output;
use super::command::{Command, CommandLine};
use super::failure::{Failure, VERSION, program};
use super::run::execute;
use super::save::unknown;
use crate::filter::words::{self, Flag, Word, Words};
use crate::filter::{Counters, Policy, RuleError, Ruleset, TableKind, Usage};

/// What was asked for.
#[derive(Default)]
struct Options {
    /// `-c`: counters are taken over.
    counters: bool,
    /// `-n`: what is there stays.
    noflush: bool,
    /// `-t`: nothing is changed.
    test: bool,
    /// `-T`: other tables are skipped.
    only: Option<String>,
    /// `-v`: what it reads besides rules is told.
    verbose: bool,
    /// `-h`, `-V`: nothing is read.
    asks: Option<char>,
    /// The file that is read instead of standard input.
    file: Option<String>,
}

/// Where the text comes from.
pub(super) enum Source {
    /// Nothing is read.
    None,
    /// Standard input.
    Input,
    /// A file.
    File(String),
}

/// Where the text comes from by a command line.
pub(super) fn source(arguments: &[String]) -> Source {
    match Options::parse(arguments) {
        Err(_) | Ok(Options { asks: Some(_), .. }) => Source::None,
        Ok(Options { file: Some(file), .. }) => Source::File(file),
        Ok(_) => Source::Input,
    }
}

/// Why a line failed; each has a form of its own.
enum Problem {
    /// Before any table.
    NoTable,
    /// A table that does not exist.
    BadTable(String),
    /// A chain with a policy that is none.
    BadPolicy,
    /// A chain without a policy.
    NoPolicy,
    /// Anything that `iptables` would say of the line.
    Command(Failure),
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        Self::Command(failure)
    }
}

impl From<RuleError> for Problem {
    fn from(error: RuleError) -> Self {
        Self::Command(error.into())
    }
}

/// A table on its way in.
struct Draft {
    table: TableKind,
    rules: Ruleset,
    /// Rules and other commands, with their lines; they are done at COMMIT.
    commands: Vec<(usize, CommandLine)>,
}

struct Reader<'a> {
    rules: &'a mut Ruleset,
    options: Options,
    draft: Option<Draft>,
    /// Whether the table at hand is not the one that is wanted.
    skipping: bool,
    /// What commands that list have printed.
    told: String,
}

/// Runs the program on `text`.
#[must_use]
pub fn run(rules: &mut Ruleset, arguments: &[String], text: &str) -> Output {
    let name = format!("{}-restore", program(rules.family()));
    let options = match Options::parse(arguments) {
        Ok(options) => options,
        Err(said) => {
            let err = format!("{name}: {said}\nTry `{name} -h' for more information.\n");
            return Output { err, code: 1, ..Output::default() };
        }
    };
    match options.asks {
        Some('V') => return Output { out: format!("{name} {VERSION}\n"), ..Output::default() },
        Some(_) => return Output { err: USAGE.replace("NAME", &name), ..Output::default() },
        None => {}
    }
    let verbose = options.verbose;
    let mut out = String::new();
    let mut reader = Reader { rules, options, draft: None, skipping: false, told: String::new() };
    let mut lines = 0;
    for (index, line) in text.lines().enumerate() {
        lines = index + 1;
        if verbose && line.starts_with('#') {
            out += &format!("{line}\n");
        }
        if let Err((at, problem)) = reader.line(lines, line) {
            return problem.report(&name, at);
        }
    }
    if reader.draft.is_some() {
        let err = format!("{name}: COMMIT expected at line {}\n", lines + 1);
        return Output { err, code: 1, ..Output::default() };
    }
    Output { out: out + &reader.told, ..Output::default() }
}

const USAGE: &str = "\
Usage: NAME [-c] [-v] [-V] [-t] [-h] [-n] [-T table] [-M command] [-4] [-6] [file]
\t   [ --counters ]
\t   [ --verbose ]
\t   [ --version]
\t   [ --test ]
\t   [ --help ]
\t   [ --noflush ]
\t   [ --table=<TABLE> ]
\t   [ --modprobe=<command> ]
\t   [ --ipv4 ]
\t   [ --ipv6 ]
";

fn help(name: &str) -> String {
    format!("Try `{name} -h' or '{name} --help' for more information.\n")
}

impl Options {
    fn parse(arguments: &[String]) -> Result<Self, String> {
        let mut options = Self::default();
        let mut words = Words::new(arguments);
        while let Some(word) = words.next() {
            let flag = match word {
                Word::Option(flag) => flag,
                Word::Plain(file) => {
                    options.file = Some(file.to_owned());
                    continue;
                }
                Word::Not => continue,
            };
            let missing = |_| "option requires an argument -- 'T'".to_owned();
            match flag {
                Flag::Short('c') | Flag::Long("counters") => options.counters = true,
                Flag::Short('n') | Flag::Long("noflush") => options.noflush = true,
                Flag::Short('t') | Flag::Long("test") => options.test = true,
                Flag::Short('T') | Flag::Long("table") => {
                    options.only = Some(words.value().map_err(missing)?.to_owned());
                }
                Flag::Short('M') | Flag::Long("modprobe") => drop(words.value().map_err(missing)?),
                Flag::Short('v') | Flag::Long("verbose") => options.verbose = true,
                Flag::Short('h') | Flag::Long("help") => options.asks = Some('h'),
                Flag::Short('V') | Flag::Long("version") => options.asks = Some('V'),
                Flag::Short('4' | '6') | Flag::Long("ipv4" | "ipv6") => {}
                Flag::Short('w' | 'W') | Flag::Long("wait" | "wait-interval") => drop(words.plain()),
                other => return Err(unknown(other)),
            }
        }
        Ok(options)
    }
}

impl Problem {
    fn report(&self, name: &str, line: usize) -> Output {
        let occurred = format!("Error occurred at line: {line}\n{}", help(name));
        let (err, code) = match self {
            Self::NoTable => (format!("{name}: line {line} failed\n"), 1),
            Self::BadPolicy => (format!("{name}: line {line} failed: Bad policy name.\n"), 1),
            Self::NoPolicy => (format!("{name} {VERSION}: {name}: line {line} policy invalid\n{occurred}"), 2),
            Self::Command(Failure::Rule(RuleError::Usage(usage @ Usage::BadArgument(_)))) => {
                (format!("{usage}\n{occurred}"), 2)
            }
            Self::BadTable(table) => {
                (format!("{name} {VERSION}: {name}: line {line} table name '{table}' invalid\n{occurred}"), 2)
            }
            Self::Command(failure) if failure.is_usage() => (format!("{name} {VERSION}: {failure}\n{occurred}"), 2),
            Self::Command(failure) => (format!("{name}: line {line} failed: {failure}\n"), 1),
        };
        Output { err, code, ..Output::default() }
    }
}

impl Reader<'_> {
    fn line(&mut self, number: usize, line: &str) -> Result<(), (usize, Problem)> {
        let here = |problem| (number, problem);
        match line.as_bytes().first() {
            None | Some(b'#') => Ok(()),
            Some(b'*') => self.begin(line[1..].trim()).map_err(here),
            _ if self.skipping => {
                self.skipping = line != "COMMIT";
                Ok(())
            }
            _ if line == "COMMIT" => self.commit(number),
            Some(b':') => self.chain(&line[1..]).map_err(here),
            _ => self.command(number, line).map_err(here),
        }
    }

    fn begin(&mut self, name: &str) -> Result<(), Problem> {
        let table = TableKind::named(name).ok_or_else(|| Problem::BadTable(name.to_owned()))?;
        if self.options.only.as_ref().is_some_and(|only| only != name) {
            self.skipping = true;
            return Ok(());
        }
        let mut rules = self.rules.clone();
        if !self.options.noflush {
            rules.remove_table(table);
        }
        rules.touch(table);
        self.draft = Some(Draft { table, rules, commands: Vec::new() });
        Ok(())
    }

    /// `NAME POLICY [PACKETS:BYTES]`; the policy of a user's chain is `-`, and what was in it goes.
    fn chain(&mut self, line: &str) -> Result<(), Problem> {
        let draft = self.draft.as_mut().ok_or(Problem::NoTable)?;
        let mut words = line.split_whitespace();
        let (name, policy) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let given = words.next().and_then(counters).filter(|_| self.options.counters).unwrap_or_default();
        let policy = match policy {
            "-" if draft.rules.table(draft.table).is_some_and(|t| t.chain(name).is_some()) => {
                return Ok(draft.rules.flush(draft.table, Some(name))?);
            }
            "-" => return Ok(draft.rules.new_chain(draft.table, name)?),
            "" => return Err(Problem::NoPolicy),
            "ACCEPT" => Policy::Accept,
            "DROP" => Policy::Drop,
            _ => return Err(Problem::BadPolicy),
        };
        Ok(draft.rules.set_policy_counted(draft.table, name, policy, given)?)
    }

    /// A command as `iptables` takes it, with counters in brackets before it perhaps.
    fn command(&mut self, number: usize, line: &str) -> Result<(), Problem> {
        let draft = self.draft.as_mut().ok_or(Problem::NoTable)?;
        let counted = line.strip_prefix('[').and_then(|tail| tail.split_once(']'));
        let (given, rest) = counted.map_or((None, line), |(numbers, rest)| (counters(numbers), rest));
        let parsed = CommandLine::parse(draft.rules.family(), &words::split(rest))?;
        let counters = given.filter(|_| self.options.counters).unwrap_or(parsed.counters);
        draft.commands.push((number, CommandLine { table: draft.table, counters, ..parsed }));
        Ok(())
    }

    fn commit(&mut self, number: usize) -> Result<(), (usize, Problem)> {
        let mut draft = self.draft.take().ok_or((number, Problem::NoTable))?;
        for (line, command) in &draft.commands {
            // A jump to nowhere is noticed late: iptables names the line of the COMMIT.
            self.told += &execute(&mut draft.rules, command).map_err(|failure| {
                let late = failure.is_usage() && !matches!(command.command, Command::NewChain(_));
                (if late { number } else { *line }, failure.into())
            })?;
        }
        if !self.options.test {
            *self.rules = draft.rules;
        }
        Ok(())
    }
}

/// `[12:3456]`, with or without its brackets.
fn counters(text: &str) -> Option<Counters> {
    let (packets, bytes) = text.trim_matches(['[', ']']).split_once(':')?;
    Some(Counters { packets: packets.parse().ok()?, bytes: bytes.parse().ok()? })
}
