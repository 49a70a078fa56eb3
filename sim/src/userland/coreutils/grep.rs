//! `grep`, with `egrep` and `fgrep`: the lines that match, in files and with `-r` in all that are below directories.

use std::collections::VecDeque;

use super::pattern::{Limits, Pattern, Syntax};
use crate::userland::files::path;
use crate::userland::filter::{Filter, Flow, Made};
use crate::userland::options::{Options, Order, usage};
use crate::userland::{Flavour, Sys};

/// What is printed of a file.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Show {
    /// The lines.
    Lines,
    /// The matches alone (`-o`).
    Matches,
    /// How many lines (`-c`).
    Count,
    /// The file's name when one matches (`-l`).
    Names,
    /// The file's name when none does (`-L`).
    OtherNames,
    /// Nothing (`-q`).
    Nothing,
}

#[derive(Clone)]
struct Grep {
    pattern: Pattern,
    invert: bool,
    show: Show,
    numbered: bool,
    named: bool,
    limit: Option<usize>,
    before: usize,
    after: usize,
    name: String,
    line: usize,
    matched: usize,
    any: bool,
    held: VecDeque<(usize, Vec<u8>)>,
    owed: usize,
    printed: Option<usize>,
}

const SPEC: &str = "EFGivcnoqlLsHhrRwxe:m:A:B:C:";

/// Files that `-r` finds, at most.
const FILES: usize = 100_000;
const SYNOPSIS: &str = "[-HhnlLoqvsrRiwFEz] [-m N] [-A|B|C N] { PATTERN | -e PATTERN... | -f FILE... } [FILE]...";

pub(super) fn make(sys: &Sys<'_>) -> Made {
    let program = sys.argv().first().map_or("grep", String::as_str);
    let taken = if program.ends_with("egrep") { Syntax::Extended } else { Syntax::Basic };
    let taken = if program.ends_with("fgrep") { Syntax::Fixed } else { taken };
    let options = Options::parse(sys.argv(), SPEC, Order::Anywhere)
        .map_err(|error| (error.text("grep", SYNOPSIS, sys.flavour()), 2))?;
    let (filter, operands) = build(&options, taken).ok_or_else(|| wrong(&options, sys.flavour()))?;
    let recursive = options.has('r') || options.has('R');
    Ok((filter, if recursive { below(sys, operands) } else { readable(sys, operands) }))
}

/// What is read of what is named: busybox finds nothing in a directory and does not complain.
fn readable(sys: &Sys<'_>, operands: Vec<String>) -> Vec<String> {
    let empty = |name: &String| {
        let path = sys.absolute(name);
        sys.flavour() == Flavour::Busybox && sys.files().stat(&path).is_ok_and(|stat| stat.is_directory())
    };
    operands.into_iter().map(|name| if empty(&name) { "/dev/null".to_owned() } else { name }).collect()
}

/// The files that are or lie below what is named, or below the working directory.
fn below(sys: &Sys<'_>, operands: Vec<String>) -> Vec<String> {
    let mut todo = if operands.is_empty() { vec![".".to_owned()] } else { operands };
    todo.reverse();
    let mut files = Vec::new();
    while let Some(name) = todo.pop() {
        let path = sys.absolute(&name);
        let is_directory = sys.files().lstat(&path).is_ok_and(|stat| stat.is_directory());
        if is_directory {
            todo.extend(sys.files().list(&path).into_iter().rev().map(|inner| path::join(&name, &inner)));
        } else {
            files.push(name);
        }
        if files.len() >= FILES {
            break;
        }
    }
    files
}

/// What is said when there is no pattern, or one that makes no sense.
fn wrong(options: &Options, flavour: Flavour) -> (String, i32) {
    if !options.operands.is_empty() || options.has('e') {
        return ("grep: Invalid regular expression\n".to_owned(), 2);
    }
    let more = usage("grep", SYNOPSIS, flavour);
    match flavour {
        Flavour::Host => (format!("Usage: grep [OPTION]... PATTERNS [FILE]...\n{more}"), 2),
        Flavour::Busybox => (more, 1),
    }
}

fn build(options: &Options, syntax: Syntax) -> Option<(Box<dyn Filter>, Vec<String>)> {
    let mut operands = options.operands.clone();
    let mut patterns: Vec<String> = options.values('e').map(str::to_owned).collect();
    if patterns.is_empty() {
        patterns = (!operands.is_empty()).then(|| operands.remove(0))?.split('\n').map(str::to_owned).collect();
    }
    let syntax = match (options.has('E'), options.has('F')) {
        (true, _) => Syntax::Extended,
        (false, true) => Syntax::Fixed,
        (false, false) => syntax,
    };
    let limits = Limits { fold: options.has('i'), word: options.has('w'), whole: options.has('x') };
    let patterns: Vec<&str> = patterns.iter().map(String::as_str).collect();
    let recursive = options.has('r') || options.has('R');
    let count = |letter| options.value(letter).and_then(|value: &str| value.parse().ok());
    let around = count('C').unwrap_or(0);
    let grep = Grep {
        invert: options.has('v'),
        show: show(options),
        numbered: options.has('n'),
        named: options.has('H') || ((operands.len() > 1 || recursive) && !options.has('h')),
        limit: count('m'),
        before: count('B').unwrap_or(around),
        after: count('A').unwrap_or(around),
        ..Grep::new(Pattern::new(&patterns, syntax, limits)?)
    };
    Some((Box::new(grep), operands))
}

fn show(options: &Options) -> Show {
    let choices = [('q', Show::Nothing), ('l', Show::Names), ('L', Show::OtherNames), ('c', Show::Count)];
    let chosen = choices.into_iter().find(|(letter, _)| options.has(*letter)).map(|(_, show)| show);
    chosen.unwrap_or_else(|| if options.has('o') { Show::Matches } else { Show::Lines })
}

impl Grep {
    fn new(pattern: Pattern) -> Self {
        Self {
            pattern,
            invert: false,
            show: Show::Lines,
            numbered: false,
            named: false,
            limit: None,
            before: 0,
            after: 0,
            name: String::new(),
            line: 0,
            matched: 0,
            any: false,
            held: VecDeque::new(),
            owed: 0,
            printed: None,
        }
    }

    /// Prints one line with what stands before it; `mark` is `:` for a match and `-` for context.
    fn print(&mut self, number: usize, line: &[u8], mark: char, out: &mut Vec<u8>) {
        let apart = (self.before > 0 || self.after > 0) && self.printed.is_some_and(|last| last + 1 < number);
        if apart && self.show == Show::Lines {
            out.extend(b"--\n");
        }
        if self.named {
            out.extend(format!("{}{mark}", self.name).into_bytes());
        }
        if self.numbered {
            out.extend(format!("{number}{mark}").into_bytes());
        }
        out.extend_from_slice(line);
        out.push(b'\n');
        self.printed = Some(number);
    }

    fn hit(&mut self, line: &[u8], text: &str, out: &mut Vec<u8>) -> Flow {
        self.matched += 1;
        self.any = true;
        match self.show {
            Show::Nothing => return Flow::Stop,
            Show::Names | Show::OtherNames => return Flow::NextFile,
            Show::Count => {}
            Show::Matches => {
                let matches: Vec<String> =
                    self.pattern.regex().find_iter(text).map(|m| m.as_str().to_owned()).collect();
                for found in matches.iter().filter(|m| !m.is_empty()) {
                    self.print(self.line, found.as_bytes(), ':', out);
                }
            }
            Show::Lines => {
                for (number, held) in core::mem::take(&mut self.held) {
                    self.print(number, &held, '-', out);
                }
                self.print(self.line, line, ':', out);
                self.owed = self.after;
            }
        }
        if self.limit == Some(self.matched) { Flow::NextFile } else { Flow::Go }
    }

    fn miss(&mut self, line: &[u8], out: &mut Vec<u8>) {
        if self.show != Show::Lines {
            return;
        }
        if self.owed > 0 {
            self.owed -= 1;
            return self.print(self.line, line, '-', out);
        }
        self.held.push_back((self.line, line.to_vec()));
        if self.held.len() > self.before {
            self.held.pop_front();
        }
    }
}

impl Filter for Grep {
    fn begin(&mut self, name: &str, _: &mut Vec<u8>) {
        self.name = if name == "-" { "(standard input)".to_owned() } else { name.to_owned() };
        (self.line, self.matched, self.owed, self.printed) = (0, 0, 0, None);
        self.held.clear();
    }

    fn line(&mut self, line: &[u8], out: &mut Vec<u8>) -> Flow {
        self.line += 1;
        let text = String::from_utf8_lossy(line);
        if self.pattern.regex().is_match(&text) != self.invert {
            return self.hit(line, &text, out);
        }
        self.miss(line, out);
        Flow::Go
    }

    fn end(&mut self, out: &mut Vec<u8>) {
        let named = match self.show {
            Show::Names => self.matched > 0,
            Show::OtherNames => self.matched == 0,
            Show::Count => {
                let name = if self.named { format!("{}:", self.name) } else { String::new() };
                out.extend(format!("{name}{}\n", self.matched).into_bytes());
                false
            }
            Show::Lines | Show::Matches | Show::Nothing => false,
        };
        if named {
            out.extend(format!("{}\n", self.name).into_bytes());
        }
    }

    fn finish(&mut self, _: &mut Vec<u8>) -> i32 {
        i32::from(!self.any)
    }

    fn trouble(&self) -> i32 {
        2
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::userland::filter::filtered;

    const TEXT: &str = "b 2\na 1\nc 3\na 1\n";

    fn grep(line: &str, files: &[(&str, &str)]) -> (String, i32) {
        let argv: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        let options = Options::parse(&argv, SPEC, Order::Anywhere).unwrap();
        filtered(build(&options, Syntax::Basic).unwrap().0, files)
    }

    #[test]
    fn lines_are_chosen_counted_and_numbered() {
        let one = [("f", TEXT)];
        assert_eq!(grep("grep a", &one), ("a 1\na 1\n".into(), 0));
        assert_eq!(grep("grep -v a", &one), ("b 2\nc 3\n".into(), 0));
        assert_eq!(grep("grep -c a", &one), ("2\n".into(), 0));
        assert_eq!(grep("grep -n -m1 A -i", &one), ("2:a 1\n".into(), 0));
        assert_eq!(grep("grep -o [0-9]", &one), ("2\n1\n3\n1\n".into(), 0));
        assert_eq!(grep("grep -q x", &one), (String::new(), 1));
    }

    #[test]
    fn several_files_are_named() {
        let two = [("f", "a\n"), ("g", "b\n")];
        assert_eq!(grep("grep a f g", &two).0, "f:a\n");
        assert_eq!(grep("grep -c a f g", &two).0, "f:1\ng:0\n");
        assert_eq!(grep("grep -l b f g", &two).0, "g\n");
        assert_eq!(grep("grep -L b f g", &two).0, "f\n");
    }

    #[test]
    fn context_is_set_apart() {
        assert_eq!(grep("grep -A1 b", &[("f", TEXT)]).0, "b 2\na 1\n");
        assert_eq!(grep("grep -n -B1 a", &[("f", TEXT)]).0, "1-b 2\n2:a 1\n3-c 3\n4:a 1\n");
        assert_eq!(grep("grep -C1 x", &[("f", "x\n1\n2\n3\nx\n")]).0, "x\n1\n--\n3\nx\n");
    }

    #[test]
    fn a_pattern_is_required() {
        let options = Options::parse(&["grep".to_owned()], SPEC, Order::Anywhere).unwrap();
        assert!(build(&options, Syntax::Basic).is_none());
        let text = "Usage: grep [OPTION]... PATTERNS [FILE]...\nTry 'grep --help' for more information.\n";
        assert_eq!(wrong(&options, Flavour::Host), (text.to_owned(), 2));
    }
}
