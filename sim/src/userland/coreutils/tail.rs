//! `tail`: the end of its input, in lines or bytes, or all from a line on. With `-f` it stays after that, as an image's
//! command that does nothing does; files that grow later are not followed.

use std::collections::VecDeque;

use crate::userland::filter::{Filter, Flow, Made};
use crate::userland::options::{Options, Order};
use crate::userland::{Flavour, Sys};

/// What is wanted of a file.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Part {
    Lines(usize),
    Bytes(usize),
    /// All from this line on, counted from 1.
    From(usize),
}

#[derive(Clone)]
struct Tail {
    part: Part,
    headings: bool,
    follow: bool,
    begun: bool,
    seen: usize,
    lines: VecDeque<Vec<u8>>,
    bytes: Vec<u8>,
}

pub(super) fn make(sys: &Sys<'_>) -> Made {
    let argv = obsolete(sys.argv());
    let options = Options::parse(&argv, "n:c:qvfF", Order::Anywhere)
        .map_err(|error| (error.text("tail", "[OPTIONS] [FILE]...", sys.flavour()), 1))?;
    let part = part(&options).ok_or_else(|| {
        let word = options.value('c').or_else(|| options.value('n')).unwrap_or_default();
        let what = if sys.flavour() == Flavour::Host { "invalid number of lines:" } else { "invalid number" };
        (format!("tail: {what} '{word}'\n"), 1)
    })?;
    let headings = options.has('v') || (options.operands.len() > 1 && !options.has('q'));
    let tail = Tail { follow: options.has('f') || options.has('F'), ..Tail::new(part, headings) };
    Ok((Box::new(tail), options.operands))
}

fn part(options: &Options) -> Option<Part> {
    if let Some(bytes) = options.value('c') {
        return bytes.parse().ok().map(Part::Bytes);
    }
    let lines = options.value('n').unwrap_or("10");
    match lines.strip_prefix('+') {
        Some(first) => first.parse().ok().map(Part::From),
        None => lines.trim_start_matches('-').parse().ok().map(Part::Lines),
    }
}

/// `-5` and `+5` as they were written before there was `-n`.
pub(super) fn obsolete(argv: &[String]) -> Vec<String> {
    let digits = |word: &str| {
        let number = word.strip_prefix(['-', '+'])?;
        (!number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()))
            .then(|| word.trim_start_matches('-').to_owned())
    };
    let mut words = Vec::with_capacity(argv.len());
    for (at, word) in argv.iter().enumerate() {
        match digits(word).filter(|_| at == 1) {
            Some(count) => words.extend(["-n".to_owned(), count]),
            None => words.push(word.clone()),
        }
    }
    words
}

/// The line above a file when there are several.
pub(super) fn heading(name: &str, later: bool) -> Vec<u8> {
    let name = if name == "-" { "standard input" } else { name };
    format!("{}==> {name} <==\n", if later { "\n" } else { "" }).into_bytes()
}

impl Tail {
    fn new(part: Part, headings: bool) -> Self {
        let (lines, bytes) = (VecDeque::new(), Vec::new());
        Self { part, headings, follow: false, begun: false, seen: 0, lines, bytes }
    }
}

impl Filter for Tail {
    fn begin(&mut self, name: &str, out: &mut Vec<u8>) {
        if self.headings {
            out.extend(heading(name, self.begun));
        }
        self.begun = true;
        self.seen = 0;
    }

    fn line(&mut self, line: &[u8], out: &mut Vec<u8>) -> Flow {
        self.seen += 1;
        match self.part {
            Part::Bytes(_) => self.bytes.extend_from_slice(line),
            Part::From(first) if self.seen < first => {}
            Part::From(_) => {
                out.extend_from_slice(line);
                out.push(b'\n');
            }
            Part::Lines(count) => {
                self.lines.push_back(line.to_vec());
                if self.lines.len() > count {
                    self.lines.pop_front();
                }
            }
        }
        Flow::Go
    }

    fn end(&mut self, out: &mut Vec<u8>) {
        for line in self.lines.drain(..) {
            out.extend(line);
            out.push(b'\n');
        }
        if let Part::Bytes(count) = self.part {
            out.extend_from_slice(&self.bytes[self.bytes.len().saturating_sub(count)..]);
            self.bytes.clear();
        }
    }

    fn takes_bytes(&self) -> bool {
        matches!(self.part, Part::Bytes(_))
    }

    fn lingers(&self) -> bool {
        self.follow
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::userland::filter::filtered;

    const FILE: (&str, &str) = ("f", "b 2\na 1\nc 3\n");

    fn tail(part: Part, files: &[(&str, &str)]) -> String {
        filtered(Box::new(Tail::new(part, files.len() > 1)), files).0
    }

    #[test]
    fn lines_bytes_and_all_from_a_line_on() {
        assert_eq!(tail(Part::Lines(2), &[FILE]), "a 1\nc 3\n");
        assert_eq!(tail(Part::Bytes(3), &[FILE]), " 3\n");
        assert_eq!(tail(Part::From(3), &[FILE]), "c 3\n");
        assert_eq!(tail(Part::Lines(1), &[FILE, FILE]), "==> f <==\nc 3\n\n==> f <==\nc 3\n");
    }

    #[test]
    fn a_count_may_be_an_option_of_its_own() {
        let words = |line: &str| -> Vec<String> { line.split_whitespace().map(str::to_owned).collect() };
        assert_eq!(obsolete(&words("tail -5 f")), words("tail -n 5 f"));
        assert_eq!(obsolete(&words("tail -f f")), words("tail -f f"));
        assert_eq!(obsolete(&words("head -n -5")), words("head -n -5"));
    }
}
