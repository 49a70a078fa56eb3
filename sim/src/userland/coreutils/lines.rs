//! Filters that turn lines around or join them: `fold nl paste rev tac`.

use crate::userland::Sys;
use crate::userland::filter::{Filter, Flow, Made, options};

/// `rev`
pub(super) fn rev(sys: &Sys<'_>) -> Made {
    let options = options(sys, "rev", "", "[FILE]...")?;
    Ok((Box::new(Rev), options.operands))
}

#[derive(Clone)]
struct Rev;

impl Filter for Rev {
    fn line(&mut self, line: &[u8], out: &mut Vec<u8>) -> Flow {
        let text: String = String::from_utf8_lossy(line).chars().rev().collect();
        out.extend(text.into_bytes());
        out.push(b'\n');
        Flow::Go
    }
}

/// `tac`
pub(super) fn tac(sys: &Sys<'_>) -> Made {
    let options = options(sys, "tac", "", "[FILE]...")?;
    Ok((Box::new(Tac(Vec::new())), options.operands))
}

#[derive(Clone)]
struct Tac(Vec<Vec<u8>>);

impl Filter for Tac {
    fn line(&mut self, line: &[u8], _: &mut Vec<u8>) -> Flow {
        self.0.push(line.to_vec());
        Flow::Go
    }

    fn end(&mut self, out: &mut Vec<u8>) {
        for line in self.0.drain(..).rev() {
            out.extend(line);
            out.push(b'\n');
        }
    }
}

/// `nl [-b a|t|n] [-v N] [-w N] [-s TEXT]`
pub(super) fn nl(sys: &Sys<'_>) -> Made {
    let options = options(sys, "nl", "b:v:w:s:i:p", "[OPTIONS] [FILE]...")?;
    let number = |letter, default| options.value(letter).and_then(|text| text.parse().ok()).unwrap_or(default);
    let filter = Nl {
        next: i64::try_from(number('v', 1_usize)).unwrap_or(1),
        width: number('w', 6).min(100),
        gap: options.value('s').unwrap_or("\t").to_owned(),
        all: options.value('b') == Some("a"),
    };
    Ok((Box::new(filter), options.operands))
}

#[derive(Clone)]
struct Nl {
    next: i64,
    width: usize,
    gap: String,
    all: bool,
}

impl Filter for Nl {
    fn line(&mut self, line: &[u8], out: &mut Vec<u8>) -> Flow {
        let width = self.width;
        if line.is_empty() && !self.all {
            out.extend(" ".repeat(width + self.gap.len()).into_bytes());
        } else {
            out.extend(format!("{:>width$}{}", self.next, self.gap).into_bytes());
            self.next += 1;
        }
        out.extend_from_slice(line);
        out.push(b'\n');
        Flow::Go
    }
}

/// `fold [-w N] [-s]`
pub(super) fn fold(sys: &Sys<'_>) -> Made {
    let options = options(sys, "fold", "bsw:", "[-bs] [-w WIDTH] [FILE]...")?;
    let width = options.value('w').map_or(Some(80), |text| text.parse().ok()).filter(|width| *width > 0);
    let said = || (format!("fold: invalid number '{}'\n", options.value('w').unwrap_or_default()), 1);
    let width = width.ok_or_else(said)?;
    Ok((Box::new(Fold { width, words: options.has('s') }), options.operands.clone()))
}

#[derive(Clone)]
struct Fold {
    width: usize,
    words: bool,
}

impl Filter for Fold {
    fn line(&mut self, line: &[u8], out: &mut Vec<u8>) -> Flow {
        let mut rest = line;
        while rest.len() > self.width {
            let blank = rest[..self.width].iter().rposition(|byte| *byte == b' ').filter(|_| self.words);
            let cut = blank.map_or(self.width, |at| at + 1);
            out.extend_from_slice(&rest[..cut]);
            out.push(b'\n');
            rest = &rest[cut..];
        }
        out.extend_from_slice(rest);
        out.push(b'\n');
        Flow::Go
    }
}

/// `paste [-d LIST] [-s] FILE…`: the lines of several files side by side.
pub(super) fn paste(sys: &Sys<'_>) -> Made {
    let options = options(sys, "paste", "d:s", "[OPTIONS] [FILE]...")?;
    let gaps: Vec<u8> = options.value('d').unwrap_or("\t").replace("\\n", "\n").replace("\\t", "\t").into_bytes();
    let filter = Paste { serial: options.has('s'), gaps, files: Vec::new() };
    Ok((Box::new(filter), options.operands))
}

#[derive(Clone)]
struct Paste {
    serial: bool,
    gaps: Vec<u8>,
    files: Vec<Vec<Vec<u8>>>,
}

impl Paste {
    fn join(&self, parts: impl Iterator<Item = Vec<u8>>, out: &mut Vec<u8>) {
        for (at, part) in parts.enumerate() {
            if at > 0 && !self.gaps.is_empty() {
                out.push(self.gaps[(at - 1) % self.gaps.len()]);
            }
            out.extend(part);
        }
        out.push(b'\n');
    }
}

impl Filter for Paste {
    fn begin(&mut self, _: &str, _: &mut Vec<u8>) {
        self.files.push(Vec::new());
    }

    fn line(&mut self, line: &[u8], _: &mut Vec<u8>) -> Flow {
        if let Some(file) = self.files.last_mut() {
            file.push(line.to_vec());
        }
        Flow::Go
    }

    fn finish(&mut self, out: &mut Vec<u8>) -> i32 {
        let files = core::mem::take(&mut self.files);
        if self.serial {
            files.into_iter().for_each(|file| self.join(file.into_iter(), out));
            return 0;
        }
        let longest = files.iter().map(Vec::len).max().unwrap_or(0);
        for at in 0..longest {
            self.join(files.iter().map(|file| file.get(at).cloned().unwrap_or_default()), out);
        }
        0
    }
}

/// `od [-A RADIX] [-t TYPE] [-bcdoxX] [-N N] [-j N] [-v]`
pub(super) fn od(sys: &Sys<'_>) -> Made {
    let options = options(
        sys,
        "od",
        "A:t:bcdoxXvN:j:w:",
        "[-abcdfhilovxs] [-t TYPE] [-A RADIX] [-N SIZE] [-j SKIP] [-S MINSTR] [-w WIDTH] [FILE]...",
    )?;
    let kind = match options.value('t').unwrap_or_default() {
        "x1" | "x1z" => Shape::Hex(1),
        "x2" | "x" if options.has('t') => Shape::Hex(if options.value('t') == Some("x") { 4 } else { 2 }),
        "x4" => Shape::Hex(4),
        "o1" => Shape::Octal(1),
        "c" | "a" => Shape::Char,
        "u1" | "d1" => Shape::Decimal(1),
        "d2" | "u2" => Shape::Decimal(2),
        "d4" | "u4" | "d" | "u" if options.has('t') => Shape::Decimal(4),
        _ if options.has('c') => Shape::Char,
        _ if options.has('b') => Shape::Octal(1),
        _ if options.has('x') => Shape::Hex(2),
        _ if options.has('X') => Shape::Hex(4),
        _ if options.has('d') => Shape::Decimal(2),
        _ => Shape::Octal(2),
    };
    let radix = match options.value('A') {
        Some("n") => Radix::None,
        Some("x") => Radix::Hex(6),
        Some("d") => Radix::Decimal,
        _ => Radix::Octal,
    };
    let number = |letter| options.value(letter).and_then(super::dd::size).and_then(|size| usize::try_from(size).ok());
    let dump = Dump {
        shape: kind,
        radix,
        limit: number('N'),
        skip: number('j').unwrap_or(0),
        squeeze: !options.has('v'),
        bytes: Vec::new(),
    };
    Ok((Box::new(dump), options.operands.clone()))
}

/// `hexdump [-C] [-n N] [-s N] [-v]`
pub(super) fn hexdump(sys: &Sys<'_>) -> Made {
    let options =
        options(sys, "hexdump", "bcCdoxvn:s:e:", "[-bcdoxCv] [-e FMT] [-f FMT_FILE] [-n LEN] [-s OFS] [FILE]...")?;
    let canonical = options.has('C') || sys.argv()[0].ends_with("hd");
    let shape = match canonical {
        true => Shape::Canonical,
        false => Shape::Words,
    };
    let radix = Radix::Hex(if canonical { 8 } else { 7 });
    let number = |letter| options.value(letter).and_then(super::dd::size).and_then(|size| usize::try_from(size).ok());
    let dump = Dump {
        shape,
        radix,
        limit: number('n'),
        skip: number('s').unwrap_or(0),
        squeeze: !options.has('v'),
        bytes: Vec::new(),
    };
    Ok((Box::new(dump), options.operands.clone()))
}

#[derive(Clone, Copy)]
enum Shape {
    Canonical,
    Char,
    Decimal(usize),
    Hex(usize),
    Octal(usize),
    Words,
}

#[derive(Clone, Copy)]
enum Radix {
    Decimal,
    Hex(usize),
    None,
    Octal,
}

/// Bytes as numbers, sixteen a line.
#[derive(Clone)]
struct Dump {
    shape: Shape,
    radix: Radix,
    limit: Option<usize>,
    skip: usize,
    squeeze: bool,
    bytes: Vec<u8>,
}

impl Dump {
    fn address(&self, at: usize) -> String {
        match self.radix {
            Radix::None => String::new(),
            Radix::Decimal => format!("{at:07}"),
            Radix::Octal => format!("{at:07o}"),
            Radix::Hex(width) => format!("{at:0width$x}"),
        }
    }

    fn row(&self, bytes: &[u8]) -> String {
        let word = |group: &[u8]| group.iter().rev().fold(0_u64, |word, byte| word << 8 | u64::from(*byte));
        let groups = |size: usize, show: &dyn Fn(u64) -> String| bytes.chunks(size).map(|g| show(word(g))).collect();
        match self.shape {
            Shape::Hex(size) => groups(size, &|word| format!(" {word:0width$x}", width = size * 2)),
            Shape::Octal(1) => groups(1, &|word| format!(" {word:03o}")),
            Shape::Octal(size) => groups(size, &|word| format!(" {word:06o}")),
            Shape::Decimal(size) => groups(size, &|word| format!(" {word:>width$}", width = [0, 3, 5, 0, 10][size])),
            Shape::Words => format!("{:<40}", groups(2, &|word| format!(" {word:04x}")) as String),
            Shape::Char => bytes.iter().map(|byte| format!(" {:>3}", character(*byte))).collect(),
            Shape::Canonical => {
                let hex: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
                let (first, second) = hex.split_at(hex.len().min(8));
                let shown = bytes.iter().map(|b| if (32..127).contains(b) { char::from(*b) } else { '.' });
                format!("  {:<23}  {:<23}  |{}|", first.join(" "), second.join(" "), shown.collect::<String>())
            }
        }
    }
}

fn character(byte: u8) -> String {
    match byte {
        0 => "\\0".to_owned(),
        7 => "\\a".to_owned(),
        8 => "\\b".to_owned(),
        9 => "\\t".to_owned(),
        10 => "\\n".to_owned(),
        11 => "\\v".to_owned(),
        12 => "\\f".to_owned(),
        13 => "\\r".to_owned(),
        32..127 => char::from(byte).to_string(),
        _ => format!("{byte:03o}"),
    }
}

impl Filter for Dump {
    fn line(&mut self, bytes: &[u8], _: &mut Vec<u8>) -> Flow {
        self.bytes.extend_from_slice(bytes);
        let enough = self.limit.is_some_and(|limit| self.bytes.len() >= limit + self.skip);
        if enough { Flow::Stop } else { Flow::Go }
    }

    fn finish(&mut self, out: &mut Vec<u8>) -> i32 {
        let bytes = core::mem::take(&mut self.bytes);
        let bytes = bytes.get(self.skip..).unwrap_or_default();
        let bytes = &bytes[..self.limit.unwrap_or(usize::MAX).min(bytes.len())];
        let mut before: Option<&[u8]> = None;
        let mut starred = false;
        for (at, row) in bytes.chunks(16).enumerate() {
            if self.squeeze && before == Some(row) && row.len() == 16 {
                if !starred {
                    out.extend(b"*\n");
                }
                starred = true;
                continue;
            }
            starred = false;
            before = Some(row);
            out.extend(format!("{}{}\n", self.address(self.skip + at * 16), self.row(row)).into_bytes());
        }
        let silent = bytes.is_empty() && matches!(self.shape, Shape::Canonical | Shape::Words);
        if !silent && !matches!(self.radix, Radix::None) {
            out.extend(format!("{}\n", self.address(self.skip + bytes.len())).into_bytes());
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

    fn dump(shape: Shape, radix: Radix, text: &str) -> String {
        let dump = Dump { shape, radix, limit: None, skip: 0, squeeze: true, bytes: Vec::new() };
        filtered(Box::new(dump), &[("-", text)]).0
    }

    #[test]
    fn bytes_are_shown_as_busybox_shows_them() {
        let canonical = "00000000  68 69 0a                                          |hi.|\n00000003\n";
        assert_eq!(dump(Shape::Canonical, Radix::Hex(8), "hi\n"), canonical);
        assert_eq!(dump(Shape::Octal(2), Radix::Octal, "hi\n"), "0000000 064550 000012\n0000003\n");
        assert_eq!(dump(Shape::Char, Radix::Octal, "hi\n"), "0000000   h   i  \\n\n0000003\n");
        assert_eq!(dump(Shape::Hex(1), Radix::None, "hi\n"), " 68 69 0a\n");
        let zeros = dump(Shape::Canonical, Radix::Hex(8), &"\0".repeat(48));
        assert_eq!(zeros.lines().nth(1), Some("*"));
    }

    #[test]
    fn lines_are_turned_and_joined() {
        assert_eq!(filtered(Box::new(Rev), &[("-", "abc\nde\n")]).0, "cba\ned\n");
        assert_eq!(filtered(Box::new(Tac(Vec::new())), &[("-", "1\n2\n")]).0, "2\n1\n");
        let paste = Paste { serial: false, gaps: b",".to_vec(), files: Vec::new() };
        assert_eq!(filtered(Box::new(paste), &[("a", "1\n2\n"), ("b", "x\n")]).0, "1,x\n2,\n");
        assert_eq!(filtered(Box::new(Fold { width: 3, words: false }), &[("-", "abcdefg\n")]).0, "abc\ndef\ng\n");
    }
}
