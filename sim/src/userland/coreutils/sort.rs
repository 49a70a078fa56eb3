//! `sort`: the lines of all its input in order, as the C locale has it: `-n -r -u -f -t C -k N[,M][nrf]`.

use core::cmp::Ordering;

use crate::userland::Sys;
use crate::userland::filter::{Filter, Flow, Made, options};

/// How lines or their keys are compared.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
struct Comparison {
    numeric: bool,
    reverse: bool,
    fold: bool,
}

/// A part of the line, by field numbers from 1; the last may be open.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Key {
    first: usize,
    last: Option<usize>,
    comparison: Comparison,
}

#[derive(Clone, Default)]
struct Sort {
    comparison: Comparison,
    keys: Vec<Key>,
    separator: Option<u8>,
    unique: bool,
    lines: Vec<Vec<u8>>,
}

pub(super) fn make(sys: &Sys<'_>) -> Made {
    let options = options(sys, "sort", "nrufst:k:", "[-nrufs] [-k N[,M]] [-t CHAR] [FILE]...")?;
    let comparison = Comparison { numeric: options.has('n'), reverse: options.has('r'), fold: options.has('f') };
    let mut keys = Vec::new();
    for word in options.values('k') {
        let invalid = || (format!("sort: invalid number at field start: invalid count at start of '{word}'\n"), 2);
        keys.push(key(word, comparison).ok_or_else(invalid)?);
    }
    let separator = options.value('t').and_then(|t| t.bytes().next());
    let sort = Sort { comparison, keys, separator, unique: options.has('u'), lines: Vec::new() };
    Ok((Box::new(sort), options.operands))
}

/// `2`, `2,3` or `1,1n`; a key without letters takes those of the command line.
fn key(word: &str, inherited: Comparison) -> Option<Key> {
    let letters: Vec<char> = word.chars().filter(char::is_ascii_alphabetic).collect();
    let own =
        Comparison { numeric: letters.contains(&'n'), reverse: letters.contains(&'r'), fold: letters.contains(&'f') };
    let mut ends = word.split(',').map(|end| end.trim_end_matches(|c: char| c.is_ascii_alphabetic()));
    let first = ends.next()?.parse().ok().filter(|first| *first > 0)?;
    let last = ends.next().map(str::parse).transpose().ok()?;
    Some(Key { first, last, comparison: if letters.is_empty() { inherited } else { own } })
}

impl Sort {
    fn compare(&self, a: &[u8], b: &[u8]) -> Ordering {
        for key in &self.keys {
            let order = key.comparison.compare(self.part(a, key), self.part(b, key));
            if order != Ordering::Equal {
                return order;
            }
        }
        let whole = if self.keys.is_empty() { self.comparison.compare(a, b) } else { Ordering::Equal };
        if whole != Ordering::Equal || self.unique {
            return whole;
        }
        if self.comparison.reverse { b.cmp(a) } else { a.cmp(b) }
    }

    /// The bytes of a line that a key means. Without a separator a field begins with the blanks before it.
    fn part<'a>(&self, line: &'a [u8], key: &Key) -> &'a [u8] {
        let ends = self.field_ends(line);
        let begin = if key.first == 1 { 0 } else { ends.get(key.first - 2).copied().unwrap_or(line.len()) };
        let skip = usize::from(key.first > 1 && self.separator.is_some()).min(line.len() - begin);
        let end = key.last.and_then(|last| ends.get(last.saturating_sub(1)).copied()).unwrap_or(line.len());
        &line[begin + skip..end.max(begin + skip)]
    }

    /// Where each field ends.
    fn field_ends(&self, line: &[u8]) -> Vec<usize> {
        let is_end = |at: usize| match self.separator {
            Some(separator) => line[at] == separator,
            None => at > 0 && line[at].is_ascii_whitespace() && !line[at - 1].is_ascii_whitespace(),
        };
        (0..line.len()).filter(|at| is_end(*at)).collect()
    }
}

impl Comparison {
    fn compare(self, a: &[u8], b: &[u8]) -> Ordering {
        let order = match (self.numeric, self.fold) {
            (true, _) => number(a).total_cmp(&number(b)),
            (false, true) => a.to_ascii_uppercase().cmp(&b.to_ascii_uppercase()),
            (false, false) => a.cmp(b),
        };
        if self.reverse { order.reverse() } else { order }
    }
}

/// The number that a line begins with, 0 when there is none.
fn number(text: &[u8]) -> f64 {
    let text = String::from_utf8_lossy(text);
    let text = text.trim_start();
    let end = text.char_indices().find(|(at, c)| !(c.is_ascii_digit() || *c == '.' || (*at == 0 && *c == '-')));
    let parsed: f64 = text[..end.map_or(text.len(), |(at, _)| at)].trim_end_matches('.').parse().unwrap_or(0.0);
    parsed + 0.0
}

impl Filter for Sort {
    fn line(&mut self, line: &[u8], _: &mut Vec<u8>) -> Flow {
        self.lines.push(line.to_vec());
        Flow::Go
    }

    fn finish(&mut self, out: &mut Vec<u8>) -> i32 {
        let mut lines = core::mem::take(&mut self.lines);
        lines.sort_by(|a, b| self.compare(a, b));
        if self.unique {
            lines.dedup_by(|a, b| self.compare(a, b) == Ordering::Equal);
        }
        for line in lines {
            out.extend(line);
            out.push(b'\n');
        }
        0
    }

    fn trouble(&self) -> i32 {
        2
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::userland::filter::filtered;

    fn sorted(sort: Sort, text: &str) -> String {
        filtered(Box::new(sort), &[("-", text)]).0
    }

    #[test]
    fn lines_are_compared_as_bytes_or_numbers() {
        assert_eq!(sorted(Sort::default(), "b\nB\n10\n9\n"), "10\n9\nB\nb\n");
        let comparison = Comparison { numeric: true, reverse: true, fold: false };
        assert_eq!(sorted(Sort { comparison, ..Sort::default() }, "9\n-1\n10\nx\n"), "10\n9\nx\n-1\n");
        assert_eq!(sorted(Sort { unique: true, ..Sort::default() }, "b\na\nb\n"), "a\nb\n");
    }

    #[test]
    fn addresses_sort_by_their_numbers() {
        let keys = ["1,1n", "2,2n", "3,3n", "4,4n"].map(|k| key(k, Comparison::default()).unwrap()).to_vec();
        let sort = Sort { keys, separator: Some(b'.'), ..Sort::default() };
        let text = "172.25.10.1\n172.25.9.1\n10.0.0.1\n172.25.9.0\n";
        assert_eq!(sorted(sort, text), "10.0.0.1\n172.25.9.0\n172.25.9.1\n172.25.10.1\n");
    }

    #[test]
    fn a_key_of_blank_separated_fields() {
        let keys = vec![key("2", Comparison::default()).unwrap()];
        assert_eq!(sorted(Sort { keys, ..Sort::default() }, "b 2\na 1\nc 3\na 1\n"), "a 1\na 1\nb 2\nc 3\n");
        assert_eq!(key("x", Comparison::default()), None);
    }
}
