//! `sysctl` of procps 4.0: settings by name, by pattern, and from files or standard input.

use regex_lite::Regex;

use super::{Error, list, one};
use crate::userland::exec::{Gather, Next};
use crate::userland::getopt::{Getopt, OptError};
use crate::userland::{Flavour, Sys};

const USAGE: &str = include_str!("usage.txt");
const SPEC: &str = "abenNwf::p::qoxAXr:Vdh";
const LONG: &[(&str, char)] = &[
    ("all", 'a'),
    ("binary", 'b'),
    ("deprecated", 'o'),
    ("dry-run", '0'),
    ("help", 'h'),
    ("ignore", 'e'),
    ("load", 'p'),
    ("names", 'N'),
    ("pattern", 'r'),
    ("quiet", 'q'),
    ("system", '1'),
    ("values", 'n'),
    ("version", 'V'),
    ("write", 'w'),
];
/// What `-p` reads when no file is named.
const FILE: &str = "/etc/sysctl.conf";
/// Where `--system` looks for files: a name that was found hides those of the same name behind it.
const DIRECTORIES: [&str; 5] =
    ["/etc/sysctl.d", "/run/sysctl.d", "/usr/local/lib/sysctl.d", "/usr/lib/sysctl.d", "/lib/sysctl.d"];

/// What is asked for.
#[derive(Debug, Default)]
struct Options {
    all: bool,
    binary: bool,
    dry_run: bool,
    files: Option<Vec<String>>,
    help: bool,
    ignore: bool,
    must_write: bool,
    names: bool,
    pattern: Option<Regex>,
    quiet: bool,
    system: bool,
    values: bool,
    version: bool,
    operands: Vec<String>,
}

impl Options {
    fn parse(argv: &[String]) -> Result<Self, OptError> {
        let mut options = Self::default();
        let spec = format!("{SPEC}01");
        let mut words = Getopt::new(argv, &spec).with_long(LONG);
        for word in &mut words {
            let word = word?;
            match word.flag {
                'a' | 'A' | 'X' => options.all = true,
                'b' => options.binary = true,
                '0' => options.dry_run = true,
                'd' | 'h' => options.help = true,
                'e' => options.ignore = true,
                'f' | 'p' => {
                    let named = Some(word.value.to_owned()).filter(|name| !name.is_empty());
                    options.files.get_or_insert_default().extend(named);
                }
                'n' => options.values = true,
                'N' => options.names = true,
                'q' => options.quiet = true,
                'r' => options.pattern = Regex::new(word.value).ok(),
                '1' => options.system = true,
                'V' => options.version = true,
                'w' => options.must_write = true,
                _ => {}
            }
        }
        options.operands = words.operands().into_iter().map(str::to_owned).collect();
        Ok(options)
    }

    /// Whether standard input is one of the files.
    fn reads_input(&self) -> bool {
        let loads = self.files.is_some() && !(self.help || self.version || self.all || self.system);
        loads && self.files.iter().flatten().chain(&self.operands).any(|file| file == "-")
    }

    /// A setting as it is printed.
    fn line(&self, name: &str, value: &str) -> String {
        match self {
            Self { names: true, .. } => format!("{name}\n"),
            Self { binary: true, .. } => value.to_owned(),
            Self { values: true, .. } => format!("{value}\n"),
            _ => format!("{name} = {value}\n"),
        }
    }
}

/// A setting to be written.
#[derive(Debug)]
struct Wish {
    name: String,
    value: String,
}

impl Wish {
    fn parse(text: &str) -> Option<Self> {
        let (name, value) = text.split_once('=')?;
        Some(Self { name: name.trim().to_owned(), value: value.trim().to_owned() })
    }
}

/// Runs the program; what it reads from standard input is waited for.
pub(super) fn start(sys: &mut Sys<'_>) -> Next {
    let options = Options::parse(sys.argv());
    if options.is_ok_and(|options| options.reads_input()) {
        return Next::Own(Box::new(Gather::new(|sys, text| run(sys, Some(text)))));
    }
    Next::Exit(run(sys, None))
}

fn run(sys: &mut Sys<'_>, input: Option<&str>) -> i32 {
    let argv = sys.argv().to_vec();
    let options = match Options::parse(&argv) {
        Ok(options) => options,
        Err(error) => {
            // It does not count as a failure.
            sys.eprint(format!("sysctl: {error}\n{USAGE}"));
            return 0;
        }
    };
    if options.help {
        sys.print(USAGE);
    } else if options.version {
        sys.print("sysctl from procps-ng 4.0.2\n");
    } else if options.all {
        let all: String = list(sys, options.pattern.as_ref(), |name, value| options.line(name, value));
        sys.print(all);
    } else if options.files.is_some() || options.system {
        return load(sys, &options, input);
    } else if options.operands.is_empty() {
        sys.eprint(USAGE);
        return 1;
    } else {
        return options.operands.iter().fold(0, |status, word| add(status, operand(sys, &options, word)));
    }
    0
}

/// What was not read counts each, what was not written once.
const fn add(status: i32, (failed, was_read): (bool, bool)) -> i32 {
    match (failed, was_read) {
        (true, true) => status + 1,
        (true, false) => status | 1,
        (false, _) => status,
    }
}

/// Reads or writes what a word says; gives whether that failed, and whether it was to be read.
fn operand(sys: &mut Sys<'_>, options: &Options, word: &str) -> (bool, bool) {
    if let Some(wish) = Wish::parse(word) {
        return (!write(sys, options, &wish), false);
    }
    if options.must_write {
        sys.eprint(Error::NoValue.text(word, Flavour::Host));
        return (true, false);
    }
    let failed = match one(sys, word, None) {
        Ok((name, value)) => {
            sys.print(options.line(&name, &value));
            false
        }
        Err(Error::Unknown) if options.ignore => false,
        Err(error) => {
            sys.eprint(error.text(word, Flavour::Host));
            true
        }
    };
    (failed, true)
}

fn write(sys: &mut Sys<'_>, options: &Options, wish: &Wish) -> bool {
    let value = if options.dry_run { None } else { Some(wish.value.as_str()) };
    match one(sys, &wish.name, value) {
        Ok((name, _)) => {
            if !options.quiet {
                sys.print(options.line(&name, &wish.value));
            }
            true
        }
        Err(Error::Unknown) if options.ignore => true,
        Err(error) => {
            sys.eprint(error.text(&wish.name, Flavour::Host));
            error == Error::Fixed
        }
    }
}

/// Reads files, and writes what all of them say.
fn load(sys: &mut Sys<'_>, options: &Options, input: Option<&str>) -> i32 {
    let (mut wishes, mut status) = (Vec::new(), 0);
    for file in files(sys, options) {
        if options.system {
            sys.print(format!("* Applying {file} ...\n"));
        }
        let read = || sys.files().read(&sys.absolute(&file)).map(|text| String::from_utf8_lossy(&text).into_owned());
        let read = if file == "-" { Ok(input.unwrap_or_default().to_owned()) } else { read() };
        let Ok(text) = read else {
            sys.eprint(format!("sysctl: cannot open \"{file}\": No such file or directory\n"));
            status = 1;
            continue;
        };
        wishes.extend(parse(sys, &file, &text));
    }
    for wish in wishes {
        status |= i32::from(!write(sys, options, &wish));
    }
    status
}

/// The files that are read, in their order.
fn files(sys: &Sys<'_>, options: &Options) -> Vec<String> {
    if !options.system {
        let named = options.files.iter().flatten().chain(&options.operands).cloned();
        let named: Vec<String> = named.collect();
        return if named.is_empty() { vec![FILE.to_owned()] } else { named };
    }
    let mut found: Vec<(String, String)> = Vec::new();
    for directory in DIRECTORIES {
        for name in sys.files().list(directory).into_iter().filter(|name| name.ends_with(".conf")) {
            if found.iter().all(|(other, _)| *other != name) {
                found.push((name.clone(), format!("{directory}/{name}")));
            }
        }
    }
    found.sort();
    let last = Some(FILE.to_owned()).filter(|file| sys.files().read(file).is_ok());
    found.into_iter().map(|(_, path)| path).chain(last).collect()
}

/// The settings in a file's text; lines that say none are told of.
fn parse(sys: &mut Sys<'_>, file: &str, text: &str) -> Vec<Wish> {
    let mut wishes = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        match Wish::parse(line.strip_prefix('-').unwrap_or(line)) {
            Some(wish) => wishes.push(wish),
            None => sys.eprint(format!("sysctl: {file}({}): invalid syntax, continuing...\n", at + 1)),
        }
    }
    wishes
}
