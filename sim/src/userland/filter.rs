//! Text filters: programs that read files or standard input and print something made of it, while it comes. [`Filter`]
//! is what they differ in, [`Filtering`] the reading, waiting and stopping that they share.

use dyn_clone::DynClone;

use super::getopt::OptError;
use super::input::{Chunk, Input, complaint};
use super::options::{Options, Order};
use super::{Flavour, Program, Step, Sys};

/// The longest line that is kept: nobody's memory holds one without an end.
const LINE_MAX: usize = 1 << 24;

/// Whether a filter wants more.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Flow {
    /// More input is welcome.
    Go,
    /// This file is done with; the next one may come.
    NextFile,
    /// It has seen all it needs.
    Stop,
}

/// What one program makes of its input. `out` is printed afterwards.
pub trait Filter: DynClone {
    /// A file begins; `name` is `-` for standard input.
    fn begin(&mut self, name: &str, out: &mut Vec<u8>) {
        let _ = (name, out);
    }

    /// A line, without its newline.
    fn line(&mut self, line: &[u8], out: &mut Vec<u8>) -> Flow;

    /// A file ended, or could not be read further.
    fn end(&mut self, out: &mut Vec<u8>) {
        let _ = out;
    }

    /// All input was seen, or enough; gives the exit code.
    fn finish(&mut self, out: &mut Vec<u8>) -> i32 {
        let _ = out;
        0
    }

    /// The exit code after a file could not be opened.
    fn trouble(&self) -> i32 {
        1
    }

    /// Whether it stays after the last file (`tail -f`).
    fn lingers(&self) -> bool {
        false
    }

    /// Whether it wants bytes as they come, not lines: then `line` gets them.
    fn takes_bytes(&self) -> bool {
        false
    }
}

dyn_clone::clone_trait_object!(Filter);

/// A filter with the files it reads, or the text for standard error and the exit code when the command line is wrong.
pub type Made = Result<(Box<dyn Filter>, Vec<String>), (String, i32)>;

/// The options of a filter's command line.
///
/// # Errors
/// What to print and the exit code when there is one that it does not have.
pub fn options(sys: &Sys<'_>, name: &str, spec: &str, synopsis: &str) -> Result<Options, (String, i32)> {
    let trouble = |error: OptError| (error.text(name, synopsis, sys.flavour()), 1);
    Options::parse(sys.argv(), spec, Order::Anywhere).map_err(trouble)
}

/// A program that is a filter.
#[derive(Clone)]
pub struct Filtering {
    name: &'static str,
    make: fn(&Sys<'_>) -> Made,
    work: Option<Work>,
}

#[derive(Clone)]
struct Work {
    name: &'static str,
    filter: Box<dyn Filter>,
    input: Input,
    rest: Vec<u8>,
    skipping: bool,
    failed: bool,
}

impl Filtering {
    /// A program that makes its filter from its command line.
    #[must_use]
    pub fn new(name: &'static str, make: fn(&Sys<'_>) -> Made) -> Self {
        Self { name, make, work: None }
    }
}

impl Program for Filtering {
    fn step(&mut self, sys: &mut Sys<'_>) -> Step {
        let work = match &mut self.work {
            Some(work) => work,
            empty @ None => match (self.make)(sys) {
                Ok((filter, names)) => empty.insert(Work::new(filter, names).called(self.name)),
                Err((text, code)) => {
                    sys.eprint(text);
                    return Step::Exit(code);
                }
            },
        };
        work.step(sys)
    }
}

impl Work {
    fn new(filter: Box<dyn Filter>, names: Vec<String>) -> Self {
        Self { name: "", filter, input: Input::new(names), rest: Vec::new(), skipping: false, failed: false }
    }

    /// The same, with the name that its complaints begin with.
    fn called(self, name: &'static str) -> Self {
        Self { name, ..self }
    }

    /// Takes one chunk, so that others may run between two.
    fn step(&mut self, sys: &mut Sys<'_>) -> Step {
        if sys.is_output_full() {
            return Step::Wait(None);
        }
        let mut out = Vec::new();
        let chunk = self.input.read(sys);
        let step = self.take(sys, chunk, &mut out);
        sys.print(out);
        step
    }

    fn take(&mut self, sys: &mut Sys<'_>, chunk: Chunk, out: &mut Vec<u8>) -> Step {
        match chunk {
            Chunk::Begin(name) => {
                self.skipping = false;
                self.filter.begin(&name, out);
            }
            Chunk::Data(_) if self.skipping => {}
            Chunk::Data(bytes) => {
                if self.feed(bytes, out) == Flow::Stop {
                    return self.finish(out);
                }
                if self.rest.len() > LINE_MAX {
                    return self.give_up(sys);
                }
            }
            Chunk::End => return self.end_file(out),
            Chunk::Failed(name, errno) => {
                self.failed = true;
                sys.eprint(complaint(self.name, &name, errno, sys.flavour()));
            }
            Chunk::Blocked => return Step::Wait(None),
            Chunk::Done if self.filter.lingers() => {
                self.filter.finish(out);
                return Step::Wait(None);
            }
            Chunk::Done => return self.finish(out),
        }
        Step::Yield
    }

    /// A line has no end, as in `/dev/zero`.
    fn give_up(&self, sys: &mut Sys<'_>) -> Step {
        let why = if sys.flavour() == Flavour::Busybox { "out of memory" } else { "memory exhausted" };
        sys.eprint(format!("{}: {why}\n", self.name));
        Step::Exit(self.filter.trouble())
    }

    /// Hands over the complete lines that there are now.
    fn feed(&mut self, bytes: Vec<u8>, out: &mut Vec<u8>) -> Flow {
        if self.filter.takes_bytes() {
            return self.filter.line(&bytes, out);
        }
        let has_end = bytes.contains(&b'\n');
        self.rest.extend(bytes);
        if !has_end {
            return Flow::Go;
        }
        let rest = core::mem::take(&mut self.rest);
        for line in rest.split_inclusive(|b| *b == b'\n') {
            let Some(line) = line.strip_suffix(b"\n") else {
                self.rest = line.to_vec();
                break;
            };
            let flow = self.filter.line(line, out);
            self.skipping |= flow == Flow::NextFile;
            if flow != Flow::Go {
                return flow;
            }
        }
        Flow::Go
    }

    /// The last line may lack its newline.
    fn end_file(&mut self, out: &mut Vec<u8>) -> Step {
        let rest = core::mem::take(&mut self.rest);
        let flow = if rest.is_empty() { Flow::Go } else { self.filter.line(&rest, out) };
        self.filter.end(out);
        if flow == Flow::Stop { self.finish(out) } else { Step::Yield }
    }

    fn finish(&mut self, out: &mut Vec<u8>) -> Step {
        let code = self.filter.finish(out);
        Step::Exit(if self.failed { self.filter.trouble() } else { code })
    }
}

/// Runs a filter over some files: what it prints and its exit code.
#[cfg(test)]
pub(in crate::userland) fn filtered(filter: Box<dyn Filter>, files: &[(&str, &str)]) -> (String, i32) {
    let mut out = Vec::new();
    let mut work = Work::new(filter, Vec::new());
    for (name, text) in files {
        work.skipping = false;
        work.filter.begin(name, &mut out);
        let flow = work.feed(text.as_bytes().to_vec(), &mut out);
        if flow == Flow::Stop || matches!(work.end_file(&mut out), Step::Exit(_)) {
            break;
        }
    }
    let code = work.filter.finish(&mut out);
    (String::from_utf8(out).expect("text in, text out"), code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone)]
    struct First;

    impl Filter for First {
        fn line(&mut self, line: &[u8], out: &mut Vec<u8>) -> Flow {
            out.extend_from_slice(line);
            Flow::NextFile
        }
    }

    #[test]
    fn lines_are_whole_even_when_they_come_in_pieces() {
        let mut work = Work::new(Box::new(First), Vec::new());
        let mut out = Vec::new();
        assert_eq!(work.feed(b"one li".to_vec(), &mut out), Flow::Go);
        assert_eq!(work.feed(b"ne\ntwo\n".to_vec(), &mut out), Flow::NextFile);
        assert_eq!(out, b"one line");
    }

    #[test]
    fn a_last_line_without_newline_counts() {
        let (text, code) = filtered(Box::new(First), &[("a", "x"), ("b", "y\nz")]);
        assert_eq!((text.as_str(), code), ("xy", 0));
    }
}
