//! `sed`: `s///`, `p`, `d`, `q` and `=` with addresses, on one line after the other, to standard output or with `-i` in
//! the files themselves. No hold space, labels or files to write.

use super::pattern::{Limits, Pattern, Syntax};
use crate::userland::filter::{Filter, Filtering, Flow, Made};
use crate::userland::options::{Options, Order, usage};
use crate::userland::{Program, Step, Sys};

/// Which lines a command is for.
#[derive(Clone, Debug)]
enum Address {
    Line(usize),
    Last,
    Match(Pattern),
}

#[derive(Clone, Debug)]
enum Verb {
    Substitute { pattern: Pattern, replacement: String, nth: usize, global: bool, print: bool },
    Print,
    Delete,
    Quit,
    Number,
}

#[derive(Clone, Debug)]
struct Command {
    from: Option<Address>,
    to: Option<Address>,
    negated: bool,
    verb: Verb,
    /// Whether the range of a two-address command is open.
    open: bool,
}

#[derive(Clone, Debug)]
struct Editor {
    commands: Vec<Command>,
    quiet: bool,
    number: usize,
    /// The line before, which waits until it is known whether it is the last.
    waiting: Option<Vec<u8>>,
    done: bool,
}

const SYNOPSIS: &str = "[-i[SFX]] [-nrE] [-f FILE]... [-e CMD]... [FILE]...\nor: sed [-i[SFX]] [-nrE] CMD [FILE]...";

/// `sed [-nrE] [-i] [-e COMMAND]… [COMMAND] [FILE]…`
#[derive(Clone, Default)]
pub(super) struct Sed(Option<Filtering>);

impl Program for Sed {
    fn step(&mut self, sys: &mut Sys<'_>) -> Step {
        if let Some(filtering) = &mut self.0 {
            return filtering.step(sys);
        }
        match prepare(sys) {
            Ok(Prepared { in_place: true, editor, files }) => Step::Exit(edit_all(sys, &editor, &files)),
            // It says itself what is wrong.
            Ok(_) | Err(_) => self.0.insert(Filtering::new("sed", make)).step(sys),
        }
    }
}

/// Edits files where they are; the exit code.
fn edit_all(sys: &mut Sys<'_>, editor: &Editor, files: &[String]) -> i32 {
    let mut status = 0;
    for name in files {
        let path = sys.absolute(name);
        let read = sys.files().read(&path).map(|bytes| bytes.into_owned());
        let written = read.and_then(|bytes| {
            let mut out = Vec::new();
            let mut editor = editor.clone();
            for line in bytes.split_inclusive(|byte| *byte == b'\n') {
                if editor.line(line.strip_suffix(b"\n").unwrap_or(line), &mut out) == Flow::Stop {
                    break;
                }
            }
            editor.finish(&mut out);
            sys.files_mut().write(&path, &out)
        });
        if let Err(errno) = written {
            sys.eprint(format!("sed: {name}: {errno}\n"));
            status = 1;
        }
    }
    status
}

/// What the command line asks for.
struct Prepared {
    editor: Editor,
    in_place: bool,
    files: Vec<String>,
}

fn make(sys: &Sys<'_>) -> Made {
    prepare(sys).map(|Prepared { editor, files, .. }| {
        let editor: Box<dyn Filter> = Box::new(editor);
        (editor, files)
    })
}

fn prepare(sys: &Sys<'_>) -> Result<Prepared, (String, i32)> {
    let options = Options::parse(sys.argv(), "nrEe:si", Order::Anywhere)
        .map_err(|error| (error.text("sed", SYNOPSIS, sys.flavour()), 1))?;
    let mut operands = options.operands.clone();
    let mut script: Vec<String> = options.values('e').map(str::to_owned).collect();
    if script.is_empty() {
        if operands.is_empty() {
            return Err((usage("sed", SYNOPSIS, sys.flavour()), 1));
        }
        script.push(operands.remove(0));
    }
    let syntax = if options.has('r') || options.has('E') { Syntax::Extended } else { Syntax::Basic };
    let commands = Script { rest: &script.join("\n"), syntax }.commands();
    let commands = commands.map_err(|said| (format!("sed: {said}\n"), 1))?;
    let editor = Editor::new(commands, options.has('n'));
    Ok(Prepared { editor, in_place: options.has('i'), files: operands })
}

/// A script that is being read.
struct Script<'a> {
    rest: &'a str,
    syntax: Syntax,
}

impl Script<'_> {
    fn commands(mut self) -> Result<Vec<Command>, String> {
        let mut commands = Vec::new();
        loop {
            self.rest = self.rest.trim_start_matches([' ', '\t', '\n', ';']);
            if self.rest.is_empty() {
                return Ok(commands);
            }
            commands.push(self.command()?);
        }
    }

    fn command(&mut self) -> Result<Command, String> {
        let from = self.address()?;
        let to = if from.is_some() && self.take(',') { self.address()? } else { None };
        self.rest = self.rest.trim_start();
        let negated = self.take('!');
        self.rest = self.rest.trim_start();
        let letter = self.rest.chars().next().ok_or("missing command")?;
        self.rest = &self.rest[letter.len_utf8()..];
        let verb = match letter {
            's' => self.substitute()?,
            'p' => Verb::Print,
            'd' => Verb::Delete,
            'q' => Verb::Quit,
            '=' => Verb::Number,
            other => return Err(format!("unsupported command {other}")),
        };
        Ok(Command { from, to, negated, verb, open: false })
    }

    fn take(&mut self, c: char) -> bool {
        let rest = self.rest.strip_prefix(c);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn address(&mut self) -> Result<Option<Address>, String> {
        if self.take('$') {
            return Ok(Some(Address::Last));
        }
        if self.take('/') {
            let text = self.until('/')?;
            return self.pattern(&text, false).map(|pattern| Some(Address::Match(pattern)));
        }
        let digits = self.rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(self.rest.len());
        let number = self.rest[..digits].parse().ok();
        self.rest = &self.rest[digits..];
        Ok(number.map(Address::Line))
    }

    /// The text up to an unescaped `end`; an escaped one is itself.
    fn until(&mut self, end: char) -> Result<String, String> {
        let mut text = String::new();
        let mut chars = self.rest.char_indices();
        while let Some((at, c)) = chars.next() {
            match c {
                _ if c == end => {
                    self.rest = &self.rest[at + c.len_utf8()..];
                    return Ok(text);
                }
                '\\' => match chars.next() {
                    Some((_, escaped)) if escaped == end => text.push(end),
                    Some((_, escaped)) => text.extend(['\\', escaped]),
                    None => text.push('\\'),
                },
                _ => text.push(c),
            }
        }
        Err("unterminated address regex".to_owned())
    }

    fn pattern(&self, text: &str, fold: bool) -> Result<Pattern, String> {
        let limits = Limits { fold, ..Limits::default() };
        Pattern::new(&[text], self.syntax, limits).ok_or_else(|| format!("bad regex '{text}'"))
    }

    fn substitute(&mut self) -> Result<Verb, String> {
        let end = self.rest.chars().next().ok_or("unmatched '/'")?;
        self.rest = &self.rest[end.len_utf8()..];
        let unterminated = |_| "unmatched '/'".to_owned();
        let text = self.until(end).map_err(unterminated)?;
        let replacement = self.until(end).map_err(unterminated)?;
        let flags = self.rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(self.rest.len());
        let flags = self.rest.split_at(flags);
        self.rest = flags.1;
        let digits: String = flags.0.chars().filter(char::is_ascii_digit).collect();
        Ok(Verb::Substitute {
            pattern: self.pattern(&text, flags.0.contains(['I', 'i']))?,
            replacement,
            nth: digits.parse().unwrap_or(1),
            global: flags.0.contains('g'),
            print: flags.0.contains('p'),
        })
    }
}

impl Command {
    /// Whether it is for this line.
    fn applies(&mut self, line: &str, number: usize, last: bool) -> bool {
        let meets = |address: &Address| match address {
            Address::Line(n) => *n == number,
            Address::Last => last,
            Address::Match(pattern) => pattern.regex().is_match(line),
        };
        let within = match (&self.from, &self.to) {
            (None, _) => true,
            (Some(from), None) => meets(from),
            (Some(_), Some(to)) if self.open => {
                self.open = !meets(to) && !matches!(to, Address::Line(n) if *n <= number);
                true
            }
            (Some(from), Some(to)) => {
                let begins = meets(from);
                self.open = begins && !matches!(to, Address::Line(n) if *n <= number);
                begins
            }
        };
        within != self.negated
    }
}

impl Editor {
    const fn new(commands: Vec<Command>, quiet: bool) -> Self {
        Self { commands, quiet, number: 0, waiting: None, done: false }
    }

    /// Runs the script on one line.
    fn edit(&mut self, line: &[u8], last: bool, out: &mut Vec<u8>) {
        self.number += 1;
        let mut text = String::from_utf8_lossy(line).into_owned();
        let mut print = !self.quiet;
        for command in &mut self.commands {
            if !command.applies(&text, self.number, last) {
                continue;
            }
            match &command.verb {
                Verb::Print => out.extend(format!("{text}\n").into_bytes()),
                Verb::Number => out.extend(format!("{}\n", self.number).into_bytes()),
                Verb::Delete => {
                    print = false;
                    break;
                }
                Verb::Quit => {
                    self.done = true;
                    break;
                }
                Verb::Substitute { pattern, replacement, nth, global, print } => {
                    if let Some(new) = substituted(&text, pattern, replacement, *nth, *global) {
                        text = new;
                        out.extend(if *print { format!("{text}\n") } else { String::new() }.into_bytes());
                    }
                }
            }
        }
        if print {
            out.extend(format!("{text}\n").into_bytes());
        }
    }
}

/// The text with its `nth` match replaced, or all from there on; none when there is no such match.
fn substituted(text: &str, pattern: &Pattern, replacement: &str, nth: usize, global: bool) -> Option<String> {
    let (mut out, mut from, mut changed) = (String::new(), 0, false);
    for (at, groups) in pattern.regex().captures_iter(text).enumerate() {
        if at + 1 < nth || (changed && !global) {
            continue;
        }
        let found = groups.get(0).expect("group 0 is the match");
        out.push_str(&text[from..found.start()]);
        expand(replacement, &groups, &mut out);
        from = found.end();
        changed = true;
    }
    out.push_str(&text[from..]);
    changed.then_some(out)
}

/// Puts in what `&` and `\1` stand for.
fn expand(replacement: &str, groups: &regex_lite::Captures<'_>, out: &mut String) {
    let group = |n: usize| groups.get(n).map_or("", |m| m.as_str());
    let mut rest = replacement.chars();
    while let Some(c) = rest.next() {
        match c {
            '&' => out.push_str(group(0)),
            '\\' => match rest.next() {
                Some(digit @ '0'..='9') => out.push_str(group(digit.to_digit(10).map_or(0, |d| d as usize))),
                Some('n') => out.push('\n'),
                Some('t') => out.push('\t'),
                Some(other) => out.push(other),
                None => out.push('\\'),
            },
            _ => out.push(c),
        }
    }
}

impl Filter for Editor {
    fn line(&mut self, line: &[u8], out: &mut Vec<u8>) -> Flow {
        if let Some(before) = self.waiting.replace(line.to_vec()) {
            self.edit(&before, false, out);
        }
        if self.done { Flow::Stop } else { Flow::Go }
    }

    fn finish(&mut self, out: &mut Vec<u8>) -> i32 {
        if let Some(last) = self.waiting.take().filter(|_| !self.done) {
            self.edit(&last, true, out);
        }
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::userland::filter::filtered;

    fn sed(script: &str, syntax: Syntax, quiet: bool) -> String {
        let commands = Script { rest: script, syntax }.commands().unwrap();
        filtered(Box::new(Editor::new(commands, quiet)), &[("-", "one 1\ntwo 22\nthree 3\n")]).0
    }

    #[test]
    fn substitutions_with_groups_and_flags() {
        assert_eq!(sed(r"s/\([a-z]*\) \([0-9]*\)/\2-\1/", Syntax::Basic, false), "1-one\n22-two\n3-three\n");
        assert_eq!(sed("s|e|<&>|g", Syntax::Extended, false), "on<e> 1\ntwo 22\nthr<e><e> 3\n");
        assert_eq!(sed("s/2/x/2p", Syntax::Basic, true), "two 2x\n");
    }

    #[test]
    fn addresses_choose_lines() {
        assert_eq!(sed("2p", Syntax::Basic, true), "two 22\n");
        assert_eq!(sed("/two/,$d", Syntax::Basic, false), "one 1\n");
        assert_eq!(sed("$!d", Syntax::Basic, false), "three 3\n");
        assert_eq!(sed("1q", Syntax::Basic, false), "one 1\n");
        assert_eq!(sed("2,1p;=", Syntax::Basic, true), "1\ntwo 22\n2\n3\n");
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        let error = |script| Script { rest: script, syntax: Syntax::Basic }.commands().unwrap_err();
        assert_eq!(error("s/a/b"), "unmatched '/'");
        assert_eq!(error("y/a/b/"), "unsupported command y");
        assert_eq!(error("2"), "missing command");
    }
}
