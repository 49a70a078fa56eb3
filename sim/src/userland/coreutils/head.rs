//! `head`: the beginning of its input, in lines or bytes.

use std::collections::VecDeque;

use super::tail::{heading, obsolete};
use crate::userland::Sys;
use crate::userland::filter::{Filter, Flow, Made};
use crate::userland::options::{Options, Order};

/// What is wanted of a file.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Part {
    Lines(usize),
    Bytes(usize),
    /// All lines but so many at the end.
    AllBut(usize),
}

#[derive(Clone)]
struct Head {
    part: Part,
    /// Files still to come, the one that is read included.
    files: usize,
    headings: bool,
    begun: bool,
    left: usize,
    held: VecDeque<Vec<u8>>,
}

pub(super) fn make(sys: &Sys<'_>) -> Made {
    let argv = obsolete(sys.argv());
    let synopsis = "[OPTIONS] [FILE]...";
    let options = Options::parse(&argv, "n:c:qv", Order::Anywhere)
        .map_err(|error| (error.text("head", synopsis, sys.flavour()), 1))?;
    let part = part(&options).ok_or_else(|| {
        let word = options.value('c').or_else(|| options.value('n')).unwrap_or_default();
        (format!("head: invalid number of lines: '{word}'\n"), 1)
    })?;
    let files = options.operands.len();
    let headings = options.has('v') || (files > 1 && !options.has('q'));
    Ok((Box::new(Head::new(part, files, headings)), options.operands))
}

fn part(options: &Options) -> Option<Part> {
    if let Some(bytes) = options.value('c') {
        return bytes.parse().ok().map(Part::Bytes);
    }
    let lines = options.value('n').unwrap_or("10");
    match lines.strip_prefix('-') {
        Some(count) => count.parse().ok().map(Part::AllBut),
        None => lines.parse().ok().map(Part::Lines),
    }
}

impl Head {
    fn new(part: Part, files: usize, headings: bool) -> Self {
        Self { part, files: files.max(1), headings, begun: false, left: 0, held: VecDeque::new() }
    }

    /// What follows when this file gave enough.
    fn enough(&self) -> Flow {
        if self.files <= 1 { Flow::Stop } else { Flow::NextFile }
    }
}

impl Filter for Head {
    fn begin(&mut self, name: &str, out: &mut Vec<u8>) {
        if self.headings {
            out.extend(heading(name, self.begun));
        }
        self.begun = true;
        self.held.clear();
        self.left = match self.part {
            Part::Lines(count) | Part::Bytes(count) | Part::AllBut(count) => count,
        };
    }

    fn line(&mut self, line: &[u8], out: &mut Vec<u8>) -> Flow {
        match self.part {
            Part::Bytes(_) => {
                let take = line.len().min(self.left);
                out.extend_from_slice(&line[..take]);
                self.left -= take;
            }
            Part::Lines(0) => return self.enough(),
            Part::Lines(_) => {
                out.extend_from_slice(line);
                out.push(b'\n');
                self.left -= 1;
            }
            Part::AllBut(count) => {
                self.held.push_back(line.to_vec());
                if self.held.len() > count {
                    out.extend(self.held.pop_front().into_iter().flatten());
                    out.push(b'\n');
                }
                return Flow::Go;
            }
        }
        if self.left == 0 { self.enough() } else { Flow::Go }
    }

    fn end(&mut self, _: &mut Vec<u8>) {
        self.files -= 1;
    }

    fn takes_bytes(&self) -> bool {
        matches!(self.part, Part::Bytes(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::userland::filter::filtered;

    const FILE: (&str, &str) = ("f", "b 2\na 1\nc 3\n");

    fn head(part: Part, files: &[(&str, &str)]) -> String {
        filtered(Box::new(Head::new(part, files.len(), files.len() > 1)), files).0
    }

    #[test]
    fn lines_bytes_and_all_but_the_last() {
        assert_eq!(head(Part::Lines(1), &[FILE]), "b 2\n");
        assert_eq!(head(Part::Bytes(5), &[FILE]), "b 2\na");
        assert_eq!(head(Part::AllBut(1), &[FILE]), "b 2\na 1\n");
    }

    #[test]
    fn several_files_have_headings() {
        assert_eq!(head(Part::Lines(1), &[FILE, FILE]), "==> f <==\nb 2\n\n==> f <==\nb 2\n");
    }
}
