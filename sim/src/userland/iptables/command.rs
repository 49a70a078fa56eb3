//! A command line of `iptables`, read: one command with its chain and numbers, a rule, and how to print. Nothing is
//! done here.

use super::failure::Failure;
use crate::filter::parse::{NAME_MAX, Parser};
use crate::filter::words::{Flag, Word, Words};
use crate::filter::{Counters, Family, Policy, Rule, RuleError, TableKind, Target, Usage};

/// What is to be done.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// `-A`.
    Append(String),
    /// `-C`.
    Check(String),
    /// `-D`, by the rule.
    Delete(String),
    /// `-D`, by the number.
    DeleteAt(String, usize),
    /// `-X`, of all chains when none is named.
    DeleteChain(Option<String>),
    /// `-F`, of all chains when none is named.
    Flush(Option<String>),
    /// `-h`.
    Help,
    /// `-I`, as which one.
    Insert(String, usize),
    /// `-L`, of a chain, of a rule.
    List(Option<String>, Option<usize>),
    /// `-S`, of a chain, of a rule.
    ListRules(Option<String>, Option<usize>),
    /// `-N`.
    NewChain(String),
    /// `-P`.
    SetPolicy(String, Policy),
    /// `-E`.
    Rename(String, String),
    /// `-R`.
    Replace(String, usize),
    /// `-V`.
    Version,
    /// `-Z`, of a chain, of a rule.
    Zero(Option<String>, Option<usize>),
}

/// A command line.
#[derive(Clone, Debug, PartialEq)]
pub struct CommandLine {
    /// `-t`.
    pub table: TableKind,
    /// The command.
    pub command: Command,
    /// The rules that were typed; one but for lists of addresses.
    pub rules: Vec<Rule>,
    /// `-c`.
    pub counters: Counters,
    /// `-v`.
    pub verbose: bool,
    /// `-n`.
    pub numeric: bool,
    /// `-x`.
    pub exact: bool,
    /// `--line-numbers`.
    pub line_numbers: bool,
    /// `-Z` beside `-L` or `-S`: what is listed is zeroed then.
    pub zero: bool,
}

/// A command line on its way in.
struct Reader<'a> {
    words: Words<'a>,
    parser: Parser,
    command: Option<(char, Command)>,
    table: &'a str,
    /// Options about printing that came: of `vnx` and `0` for line numbers.
    printing: Vec<char>,
    zero: bool,
}

impl CommandLine {
    /// Reads the words after the program's name.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn parse(family: Family, arguments: &[String]) -> Result<Self, Failure> {
        let mut reader = Reader {
            words: Words::new(arguments),
            parser: Parser::new(family),
            command: None,
            table: "filter",
            printing: Vec::new(),
            zero: false,
        };
        reader.read()?;
        reader.finish()
    }
}

impl Reader<'_> {
    fn read(&mut self) -> Result<(), Failure> {
        let mut negated = false;
        while let Some(word) = self.words.next() {
            match word {
                Word::Not if negated => return Err(Usage::NegatedTwice.into()),
                Word::Not => negated = true,
                Word::Option(flag) => self.option(flag, core::mem::take(&mut negated))?,
                Word::Plain(text) => return Err(Usage::BadArgument(text.to_owned()).into()),
            }
        }
        Ok(())
    }

    fn finish(self) -> Result<CommandLine, Failure> {
        let (_, command) = self.command.ok_or(Failure::NoCommand)?;
        if let Some(letter) = illegal(&command, self.parser.seen(), &self.printing) {
            return Err(Failure::Illegal(letter));
        }
        let (rules, counters) = self.parser.finish()?;
        let shown = |letter| self.printing.contains(&letter);
        Ok(CommandLine {
            table: TableKind::named(self.table).ok_or_else(|| Failure::Table(self.table.to_owned()))?,
            command,
            rules,
            counters,
            verbose: shown('v'),
            numeric: shown('n'),
            exact: shown('x'),
            line_numbers: shown('0'),
            zero: self.zero,
        })
    }
}

impl<'a> Reader<'a> {
    fn option(&mut self, flag: Flag<'a>, negated: bool) -> Result<(), Failure> {
        if let Some(letter) = command_letter(flag) {
            return self.command(letter, negated);
        }
        match option_letter(flag) {
            Some('t') => self.table = self.words.value()?,
            // Nobody else holds the lock, and there is nothing to load.
            Some('w') => {
                if self.words.plain().is_some_and(|seconds| seconds.parse::<u32>().is_err()) {
                    return Err(Usage::Said("wait seconds not numeric").into());
                }
            }
            Some('W') => {
                self.words.plain();
            }
            Some('M') => {
                self.words.value()?;
            }
            Some('4' | '6') => {}
            Some(letter) => self.printing.push(letter),
            None => match (self.parser.option(flag, negated, &mut self.words), flag) {
                (Err(Usage::UnknownOption(said)), Flag::Long(name)) => match completed(name) {
                    Some(whole) => return self.option(Flag::Long(whole), negated),
                    None => return Err(Usage::UnknownOption(said).into()),
                },
                (done, _) => done?,
            },
        }
        Ok(())
    }

    fn command(&mut self, letter: char, negated: bool) -> Result<(), Failure> {
        match &self.command {
            Some(('L' | 'S', _)) if letter == 'Z' => return self.zero_too(),
            Some((first, _)) => return Err(Failure::CannotUse(letter, *first)),
            None => {}
        }
        if negated {
            return Err(Usage::Negated(format!("-{letter}")).into());
        }
        self.command = Some((letter, self.command_of(letter)?));
        Ok(())
    }

    /// `-Z` behind `-L` or `-S`: it may name the chain for both.
    fn zero_too(&mut self) -> Result<(), Failure> {
        self.zero = true;
        let (named, at) = (self.some_chain(), self.number()?);
        if let Some((_, Command::List(chain, number) | Command::ListRules(chain, number))) = &mut self.command
            && named.is_some()
        {
            (*chain, *number) = (named, at);
        }
        Ok(())
    }

    fn command_of(&mut self, letter: char) -> Result<Command, Failure> {
        Ok(match letter {
            'A' => Command::Append(self.chain()?),
            'C' => Command::Check(self.chain()?),
            'D' => match (self.chain()?, self.number()?) {
                (chain, Some(number)) => Command::DeleteAt(chain, number),
                (chain, None) => Command::Delete(chain),
            },
            'E' => Command::Rename(self.chain()?, self.second_name()?),
            'F' => Command::Flush(self.some_chain()),
            'I' => Command::Insert(self.chain()?, self.number()?.unwrap_or(1)),
            'L' => Command::List(self.some_chain(), self.number()?),
            'N' => Command::NewChain(self.new_name()?),
            'P' => Command::SetPolicy(self.chain()?, self.policy()?),
            'R' => Command::Replace(self.chain()?, self.number()?.ok_or(Failure::NeedsNumber)?),
            'S' => Command::ListRules(self.some_chain(), self.number()?),
            'V' => Command::Version,
            'X' => Command::DeleteChain(self.some_chain()),
            'Z' => Command::Zero(self.some_chain(), self.number()?),
            _ => Command::Help,
        })
    }

    fn chain(&mut self) -> Result<String, Failure> {
        Ok(self.words.value()?.to_owned())
    }

    fn some_chain(&mut self) -> Option<String> {
        self.words.plain().map(str::to_owned)
    }

    /// The number of a rule, when a word follows.
    fn number(&mut self) -> Result<Option<usize>, Failure> {
        let Some(text) = self.words.plain() else { return Ok(None) };
        let number = text.parse().ok().filter(|n| *n > 0);
        number.map(Some).ok_or_else(|| Failure::Number(text.to_owned()))
    }

    fn policy(&mut self) -> Result<Policy, Failure> {
        match self.words.plain() {
            Some("ACCEPT") => Ok(Policy::Accept),
            Some("DROP") => Ok(Policy::Drop),
            Some(_) => Err(RuleError::BadPolicy.into()),
            None => Err(Failure::NeedsPolicy),
        }
    }

    fn second_name(&mut self) -> Result<String, Failure> {
        let name = self.words.plain().ok_or(Failure::NeedsNames)?;
        checked_name(name)
    }

    fn new_name(&mut self) -> Result<String, Failure> {
        let name = self.words.value()?;
        checked_name(name)
    }
}

/// A name that a chain may have.
fn checked_name(name: &str) -> Result<String, Failure> {
    if let Some(letter) = name.chars().next().filter(|c| matches!(c, '-' | '!')) {
        return Err(Failure::ChainBegins(letter));
    }
    if name.len() > NAME_MAX {
        return Err(Failure::ChainLong(name.to_owned()));
    }
    if name.chars().any(|c| c.is_ascii_whitespace() || c == '\x0b') {
        return Err(Failure::ChainInvalid(name.to_owned()));
    }
    match Target::named(name, Family::V4) {
        Target::Jump(name) if !name.is_empty() => Ok(name),
        _ => Err(Failure::ChainClash),
    }
}

/// The long options that are of no match or target.
const LONG: [&str; 36] = [
    "append",
    "delete",
    "check",
    "insert",
    "replace",
    "list",
    "list-rules",
    "flush",
    "zero",
    "new-chain",
    "delete-chain",
    "rename-chain",
    "policy",
    "source",
    "destination",
    "src",
    "dst",
    "protocol",
    "in-interface",
    "jump",
    "table",
    "match",
    "numeric",
    "out-interface",
    "verbose",
    "wait",
    "wait-interval",
    "exact",
    "fragments",
    "version",
    "help",
    "line-numbers",
    "modprobe",
    "set-counters",
    "goto",
    "ipv4",
];

/// The one long option that begins so, as getopt_long takes it.
fn completed(name: &str) -> Option<&'static str> {
    let mut fits = LONG.into_iter().filter(|whole| whole.starts_with(name) && *whole != name);
    let first = fits.next()?;
    fits.next().is_none().then_some(first)
}

/// The letter of a command.
fn command_letter(flag: Flag<'_>) -> Option<char> {
    match flag {
        Flag::Short(letter) => "ACDEFILNPRSVXZh".contains(letter).then_some(letter),
        Flag::Long(name) => Some(match name {
            "append" => 'A',
            "check" => 'C',
            "delete" => 'D',
            "rename-chain" => 'E',
            "flush" => 'F',
            "insert" => 'I',
            "list" => 'L',
            "new-chain" | "new" => 'N',
            "policy" => 'P',
            "replace" => 'R',
            "list-rules" => 'S',
            "version" => 'V',
            "delete-chain" => 'X',
            "zero" => 'Z',
            "help" => 'h',
            _ => return None,
        }),
    }
}

/// The letter of an option that is neither a command nor part of a rule.
fn option_letter(flag: Flag<'_>) -> Option<char> {
    match flag {
        Flag::Short(letter) => "tvnxwWM46".contains(letter).then_some(letter),
        Flag::Long(name) => Some(match name {
            "table" => 't',
            "verbose" => 'v',
            "numeric" => 'n',
            "exact" => 'x',
            "line-numbers" => '0',
            "wait" => 'w',
            "wait-interval" => 'W',
            "modprobe" => 'M',
            "ipv4" => '4',
            "ipv6" => '6',
            _ => return None,
        }),
    }
}

/// The first option that a command does not go with.
fn illegal(command: &Command, of_rule: &[char], printing: &[char]) -> Option<char> {
    let takes_rule = matches!(
        command,
        Command::Append(_) | Command::Check(_) | Command::Delete(_) | Command::Insert(..) | Command::Replace(..)
    );
    let lists = matches!(command, Command::List(..));
    let sets_policy = matches!(command, Command::SetPolicy(..));
    let rule = of_rule.iter().find(|letter| !(takes_rule || sets_policy && **letter == 'c'));
    rule.or_else(|| printing.iter().find(|letter| **letter != 'v' && !lists)).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_has_a_name_without_blanks() {
        assert_eq!(checked_name("a\"b"), Ok("a\"b".to_owned()));
        assert_eq!(checked_name(""), Err(Failure::ChainClash));
        for name in ["a b", "a\tb", "\u{b}"] {
            assert_eq!(checked_name(name), Err(Failure::ChainInvalid(name.to_owned())));
        }
    }
}
