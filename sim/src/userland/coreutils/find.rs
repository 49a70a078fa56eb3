//! `find`: walks trees and says which files fit. It prints, deletes and runs commands on what it found.

use crate::userland::exec::Exec;
use crate::userland::files::{Kind, Stat, path};
use crate::userland::options::usage;
use crate::userland::shell::wildcard;
use crate::userland::user::Want;
use crate::userland::{Errno, Flavour, Program, Step, Sys};

/// A file that is looked at.
struct Here<'a> {
    name: &'a str,
    stat: Stat,
}

/// One word of the expression.
#[derive(Clone, Debug)]
enum Test {
    Name { pattern: String, fold: bool },
    Path(String),
    Type(char),
    MinDepth(u32),
    MaxDepth(u32),
    Size(i8, u64, u64),
    Newer(u64),
    Age(i8, u64, u64),
    Perm(u32),
    Empty,
    User(u32),
    Links(i8, u64),
    Print { zero: bool },
    Delete,
    Prune,
    Exec { words: Vec<String>, all: bool },
    Always(bool),
    Not(Box<Self>),
    And(Vec<Self>),
    Or(Vec<Self>),
}

/// `find [PATH…] [EXPRESSION]`
#[derive(Clone, Default)]
pub(super) struct Find {
    begun: bool,
    queue: Vec<Vec<String>>,
    running: Option<Exec>,
    status: i32,
}

impl Program for Find {
    fn step(&mut self, sys: &mut Sys<'_>) -> Step {
        if !self.begun {
            self.begun = true;
            if let Err(said) = self.walk(sys) {
                sys.eprint(said);
                return Step::Exit(1);
            }
        }
        loop {
            if let Some(exec) = &self.running {
                match exec.step(sys) {
                    Step::Exit(_) => self.running = None,
                    other => return other,
                }
            }
            let Some(words) = self.queue.pop() else { return Step::Exit(self.status) };
            let name = words[0].clone();
            match Exec::start(sys, words, |_| {}) {
                Ok(exec) => self.running = Some(exec),
                Err(errno) => {
                    sys.eprint(match sys.flavour() {
                        Flavour::Host => format!("find: '{name}': {errno}\n"),
                        Flavour::Busybox => format!("find: {name}: {errno}\n"),
                    });
                    self.status = 1;
                }
            }
        }
    }
}

/// What busybox says of a word that it does not know.
fn unrecognized(word: &str) -> String {
    let usage = usage("find", include_str!("find/usage.txt").trim_end(), Flavour::Busybox);
    format!("find: unrecognized: {word}\n{usage}")
}

/// Files that one run looks at, at most.
const FILES: usize = 200_000;

impl Find {
    fn walk(&mut self, sys: &mut Sys<'_>) -> Result<(), String> {
        let words: Vec<String> = sys.argv().iter().skip(1).cloned().collect();
        let begins = |word: &String| word.starts_with('-') || matches!(word.as_str(), "(" | "!");
        let split = words.iter().position(begins).unwrap_or(words.len());
        let (roots, expression) = words.split_at(split);
        let roots = if roots.is_empty() { vec![".".to_owned()] } else { roots.to_vec() };
        let mut parser = Parser { words: expression, at: 0, sys };
        let mut test = parser.or()?;
        if let Some(word) = expression.get(parser.at) {
            return Err(unrecognized(word));
        }
        if !test.acts() {
            test = Test::And(vec![test, Test::Print { zero: false }]);
        }
        let (least, most) = test.depths();
        let mut run = Run { out: String::new(), commands: Vec::new(), delete: Vec::new(), together: Vec::new() };
        for root in roots {
            self.tree(sys, root, &test, (least, most), &mut run);
        }
        sys.print(core::mem::take(&mut run.out));
        for name in run.delete.iter().rev() {
            let path = sys.absolute(name);
            let mut files = sys.files_mut();
            if files.unlink(&path).is_err() && files.remove_directory(&path).is_err() {
                self.status = 1;
            }
        }
        let together = core::mem::take(&mut run.together);
        run.commands.extend(together.into_iter().map(|(mut words, names)| {
            words.extend(names);
            words
        }));
        run.commands.reverse();
        self.queue = run.commands;
        Ok(())
    }

    fn complain(&mut self, sys: &mut Sys<'_>, name: &str, errno: Errno) {
        sys.eprint(match sys.flavour() {
            Flavour::Host => format!("find: '{name}': {errno}\n"),
            Flavour::Busybox => format!("find: {name}: {errno}\n"),
        });
        self.status = 1;
    }

    fn tree(&mut self, sys: &mut Sys<'_>, root: String, test: &Test, (least, most): (u32, u32), run: &mut Run) {
        let mut todo = vec![(root, 0)];
        let mut seen = 0;
        while let Some((name, depth)) = todo.pop() {
            let path = sys.absolute(&name);
            let stat = match sys.files().lstat(&path) {
                Ok(stat) => stat,
                Err(errno) => {
                    self.complain(sys, &name, errno);
                    continue;
                }
            };
            let here = Here { name: &name, stat };
            let mut prune = false;
            if depth >= least {
                test.holds(sys, &here, run, &mut prune);
            }
            seen += 1;
            if stat.is_directory() && depth < most && !prune && seen < FILES {
                if let Err(errno) = sys.files().access(Want::Read, &path) {
                    self.complain(sys, &name, errno);
                    continue;
                }
                let names = sys.files().list(&path).into_iter().rev();
                todo.extend(names.map(|entry| (path::join(&name, &entry), depth + 1)));
            }
        }
    }
}

/// What a run has found to do.
struct Run {
    out: String,
    commands: Vec<Vec<String>>,
    delete: Vec<String>,
    together: Vec<(Vec<String>, Vec<String>)>,
}

impl Test {
    /// Whether it does something by itself, so that nothing is printed without being asked for.
    fn acts(&self) -> bool {
        match self {
            Self::Print { .. } | Self::Delete | Self::Exec { .. } => true,
            Self::Not(inner) => inner.acts(),
            Self::And(inner) | Self::Or(inner) => inner.iter().any(Self::acts),
            _ => false,
        }
    }

    fn depths(&self) -> (u32, u32) {
        match self {
            Self::MinDepth(depth) => (*depth, u32::MAX),
            Self::MaxDepth(depth) => (0, *depth),
            Self::And(inner) | Self::Or(inner) => {
                inner.iter().map(Self::depths).fold((0, u32::MAX), |a, b| (a.0.max(b.0), a.1.min(b.1)))
            }
            _ => (0, u32::MAX),
        }
    }

    fn holds(&self, sys: &Sys<'_>, here: &Here<'_>, run: &mut Run, prune: &mut bool) -> bool {
        let base = path::base(here.name);
        let base = if base.is_empty() { here.name } else { base };
        match self {
            Self::Always(value) => *value,
            Self::MinDepth(_) | Self::MaxDepth(_) => true,
            Self::Name { pattern, fold: true } => wildcard(&pattern.to_lowercase(), &base.to_lowercase()),
            Self::Name { pattern, .. } => wildcard(pattern, base),
            Self::Path(pattern) => wildcard(pattern, here.name),
            Self::Type(letter) => {
                here.stat.kind.letter() == *letter || (*letter == 'f' && here.stat.kind == Kind::File)
            }
            Self::Size(sign, count, unit) => signed(*sign, here.stat.size.div_ceil(*unit), *count),
            Self::Newer(than) => here.stat.mtime.0 > *than,
            Self::Age(sign, count, unit) => {
                let now = sys.epoch().unix_nanos(sys.now());
                signed(*sign, now.saturating_sub(here.stat.mtime.0) / unit, *count)
            }
            Self::Perm(mode) => here.stat.mode == *mode,
            Self::Empty => match here.stat.kind {
                Kind::Directory => sys.files().list(&sys.absolute(here.name)).is_empty(),
                Kind::File => here.stat.size == 0,
                _ => false,
            },
            Self::User(uid) => here.stat.uid == *uid,
            Self::Links(sign, count) => signed(*sign, u64::from(here.stat.links), *count),
            Self::Print { zero } => {
                run.out.push_str(here.name);
                run.out.push(if *zero { '\0' } else { '\n' });
                true
            }
            Self::Delete => {
                run.delete.push(here.name.to_owned());
                true
            }
            Self::Prune => {
                *prune = true;
                true
            }
            Self::Exec { words, all: true } => {
                match run.together.iter_mut().find(|(known, _)| known == words) {
                    Some((_, names)) => names.push(here.name.to_owned()),
                    None => run.together.push((words.clone(), vec![here.name.to_owned()])),
                }
                true
            }
            Self::Exec { words, all: false } => {
                run.commands.push(words.iter().map(|word| word.replace("{}", here.name)).collect());
                true
            }
            Self::Not(inner) => !inner.holds(sys, here, run, prune),
            Self::And(inner) => inner.iter().all(|test| test.holds(sys, here, run, prune)),
            Self::Or(inner) => inner.iter().any(|test| test.holds(sys, here, run, prune)),
        }
    }
}

const fn signed(sign: i8, value: u64, count: u64) -> bool {
    match sign {
        1 => value > count,
        -1 => value < count,
        _ => value == count,
    }
}

struct Parser<'a, 'b> {
    words: &'a [String],
    at: usize,
    sys: &'a Sys<'b>,
}

impl Parser<'_, '_> {
    fn peek(&self) -> Option<&str> {
        self.words.get(self.at).map(String::as_str)
    }

    fn or(&mut self) -> Result<Test, String> {
        let mut tests = vec![self.and()?];
        while matches!(self.peek(), Some("-o" | "-or")) {
            self.at += 1;
            tests.push(self.and()?);
        }
        Ok(if tests.len() == 1 { tests.remove(0) } else { Test::Or(tests) })
    }

    fn and(&mut self) -> Result<Test, String> {
        let mut tests = Vec::new();
        loop {
            match self.peek() {
                None | Some(")" | "-o" | "-or") => break,
                Some("-a" | "-and") => self.at += 1,
                Some(_) => tests.push(self.primary()?),
            }
        }
        Ok(Test::And(tests))
    }

    fn primary(&mut self) -> Result<Test, String> {
        let word = self.peek().unwrap_or_default().to_owned();
        self.at += 1;
        match word.as_str() {
            "!" | "-not" => return Ok(Test::Not(Box::new(self.primary()?))),
            "(" => {
                let inner = self.or()?;
                if self.peek() != Some(")") {
                    return Err("find: unpaired '('\n".to_owned());
                }
                self.at += 1;
                return Ok(inner);
            }
            "-print" => return Ok(Test::Print { zero: false }),
            "-print0" => return Ok(Test::Print { zero: true }),
            "-delete" => return Ok(Test::Delete),
            "-prune" => return Ok(Test::Prune),
            "-empty" => return Ok(Test::Empty),
            "-true" | "-follow" | "-xdev" | "-mount" | "-depth" => return Ok(Test::Always(true)),
            "-false" => return Ok(Test::Always(false)),
            "-exec" => return self.exec(),
            _ => {}
        }
        self.valued(&word)
    }

    fn valued(&mut self, word: &str) -> Result<Test, String> {
        const KNOWN: [&str; 13] = [
            "-name",
            "-iname",
            "-path",
            "-type",
            "-mindepth",
            "-maxdepth",
            "-size",
            "-newer",
            "-mtime",
            "-mmin",
            "-perm",
            "-user",
            "-links",
        ];
        if !KNOWN.contains(&word) {
            return Err(match self.sys.flavour() {
                Flavour::Host => format!("find: unknown predicate `{word}'\n"),
                Flavour::Busybox => unrecognized(word),
            });
        }
        let Some(value) = self.words.get(self.at).cloned() else {
            return Err(match self.sys.flavour() {
                Flavour::Host => format!("find: missing argument to `{word}'\n"),
                Flavour::Busybox => format!("find: {word} requires an argument\n"),
            });
        };
        self.at += 1;
        let bad = || format!("find: invalid number '{value}'\n");
        let count = |text: &str| text.parse::<u64>().map_err(|_| bad());
        let (sign, plain) = match value.as_bytes().first() {
            Some(b'+') => (1, &value[1..]),
            Some(b'-') => (-1, &value[1..]),
            _ => (0, value.as_str()),
        };
        Ok(match word {
            "-name" => Test::Name { pattern: value, fold: false },
            "-iname" => Test::Name { pattern: value, fold: true },
            "-path" => Test::Path(value),
            "-type" => Test::Type(value.chars().next().unwrap_or('f')),
            "-mindepth" => Test::MinDepth(value.parse().map_err(|_| bad())?),
            "-maxdepth" => Test::MaxDepth(value.parse().map_err(|_| bad())?),
            "-size" => {
                let (number, unit) = match plain.chars().last() {
                    Some('c') => (&plain[..plain.len() - 1], 1),
                    Some('k') => (&plain[..plain.len() - 1], 1024),
                    Some('M') => (&plain[..plain.len() - 1], 1 << 20),
                    _ => (plain, 512),
                };
                Test::Size(sign, count(number)?, unit)
            }
            "-newer" => {
                let stat = self.sys.files().stat(&self.sys.absolute(&value));
                Test::Newer(stat.map_err(|errno| format!("find: {value}: {errno}\n"))?.mtime.0)
            }
            "-mtime" => Test::Age(sign, count(plain)?, 86_400_000_000_000),
            "-mmin" => Test::Age(sign, count(plain)?, 60_000_000_000),
            "-perm" => Test::Perm(u32::from_str_radix(plain, 8).map_err(|_| bad())?),
            "-user" => {
                let number = super::mode::number(self.sys, crate::userland::accounts::PASSWD, &value);
                Test::User(number.ok_or_else(|| format!("find: unknown user {value}\n"))?)
            }
            _ => Test::Links(sign, count(plain)?),
        })
    }

    fn exec(&mut self) -> Result<Test, String> {
        let rest = &self.words[self.at..];
        let Some(end) = rest.iter().position(|word| word == ";" || word == "+") else {
            return Err("find: -exec requires an argument\n".to_owned());
        };
        let all = rest[end] == "+";
        let mut words = rest[..end].to_vec();
        if all && words.last().is_some_and(|word| word == "{}") {
            words.pop();
        }
        self.at += end + 1;
        if words.is_empty() {
            return Err("find: -exec requires an argument\n".to_owned());
        }
        Ok(Test::Exec { words, all })
    }
}
