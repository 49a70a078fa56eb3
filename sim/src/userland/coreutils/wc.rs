//! `wc`: counts lines, words and bytes. All is printed at the end, since the widths depend on it.

use crate::userland::filter::{Filter, Flow, Made, options};
use crate::userland::{Flavour, Sys};

#[derive(Clone, Debug, Default, Eq, PartialEq)]
struct Counts {
    lines: u64,
    words: u64,
    bytes: u64,
    name: String,
}

#[derive(Clone)]
struct Wc {
    columns: [bool; 3],
    flavour: Flavour,
    files: Vec<Counts>,
    in_word: bool,
}

pub(super) fn make(sys: &Sys<'_>) -> Made {
    let options = options(sys, "wc", "lwcm", "[-cmlw] [FILE]...")?;
    let columns = [options.has('l'), options.has('w'), options.has('c') || options.has('m')];
    Ok((Box::new(Wc::new(columns, sys.flavour())), options.operands))
}

impl Wc {
    fn new(columns: [bool; 3], flavour: Flavour) -> Self {
        let columns = if columns == [false; 3] { [true; 3] } else { columns };
        Self { columns, flavour, files: Vec::new(), in_word: false }
    }

    /// One line of counts, as wide as this flavour makes them.
    fn row(&self, counts: &Counts, width: usize) -> String {
        let all = [counts.lines, counts.words, counts.bytes];
        let shown = all.iter().zip(self.columns).filter(|(_, shown)| *shown);
        let cells: Vec<String> = shown.map(|(count, _)| format!("{count:>width$}")).collect();
        let name = if counts.name == "-" { String::new() } else { format!(" {}", counts.name) };
        format!("{}{name}\n", cells.join(" "))
    }

    fn width(&self, total: &Counts) -> usize {
        let single = self.files.len() == 1 && self.columns.iter().filter(|c| **c).count() == 1;
        let piped = self.files.iter().any(|f| f.name == "-");
        match (single, self.flavour) {
            (true, _) => 1,
            (false, Flavour::Busybox) => 9,
            (false, Flavour::Host) if piped => 7,
            (false, Flavour::Host) => total.bytes.to_string().len(),
        }
    }

    fn total(&self) -> Counts {
        let sum = |part: fn(&Counts) -> u64| self.files.iter().map(part).sum();
        Counts { lines: sum(|c| c.lines), words: sum(|c| c.words), bytes: sum(|c| c.bytes), name: "total".to_owned() }
    }
}

impl Filter for Wc {
    fn begin(&mut self, name: &str, _: &mut Vec<u8>) {
        self.in_word = false;
        self.files.push(Counts { name: name.to_owned(), ..Counts::default() });
    }

    fn line(&mut self, bytes: &[u8], _: &mut Vec<u8>) -> Flow {
        let Some(counts) = self.files.last_mut() else { return Flow::Go };
        counts.bytes += bytes.len() as u64;
        for byte in bytes {
            counts.lines += u64::from(*byte == b'\n');
            let blank = byte.is_ascii_whitespace();
            counts.words += u64::from(!blank && !self.in_word);
            self.in_word = !blank;
        }
        Flow::Go
    }

    fn finish(&mut self, out: &mut Vec<u8>) -> i32 {
        let total = self.total();
        let width = self.width(&total);
        for counts in &self.files {
            out.extend(self.row(counts, width).into_bytes());
        }
        if self.files.len() > 1 {
            out.extend(self.row(&total, width).into_bytes());
        }
        0
    }

    fn takes_bytes(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::userland::filter::filtered;

    const TEXT: &str = "b 2\na 1\nc 3\na 1\n";

    fn wc(columns: [bool; 3], flavour: Flavour, names: &[&str]) -> String {
        let files: Vec<(&str, &str)> = names.iter().map(|name| (*name, TEXT)).collect();
        filtered(Box::new(Wc::new(columns, flavour)), &files).0
    }

    #[test]
    fn columns_are_as_wide_as_gnu_or_busybox_make_them() {
        let all = [false; 3];
        assert_eq!(wc(all, Flavour::Host, &["f"]), " 4  8 16 f\n");
        assert_eq!(wc(all, Flavour::Busybox, &["f"]), "        4         8        16 f\n");
        assert_eq!(wc(all, Flavour::Host, &["-"]), "      4       8      16\n");
    }

    #[test]
    fn one_count_of_one_file_is_not_padded() {
        let lines = [true, false, false];
        assert_eq!(wc(lines, Flavour::Host, &["-"]), "4\n");
        assert_eq!(wc(lines, Flavour::Busybox, &["f"]), "4 f\n");
        assert_eq!(wc(lines, Flavour::Host, &["f", "f"]), " 4 f\n 4 f\n 8 total\n");
    }
}
