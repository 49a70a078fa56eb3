//! The line that `read` reads: taken byte by byte, then split into variables. Who waits for the bytes is not here.

use super::super::dialect::Failure;
use super::super::variables::Variables;

/// A line that `read` reads.
#[derive(Clone, Default)]
pub(in super::super) struct Line {
    /// The variables it goes to.
    pub(in super::super) names: Vec<String>,
    /// `-r`: backslashes are nothing special.
    pub(in super::super) raw: bool,
    /// The characters so far, and whether a backslash protects them.
    bytes: Vec<(u8, bool)>,
    /// A backslash came last.
    escaped: bool,
}

/// Whether a line is complete.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum End {
    /// It is.
    Here,
    /// More is to come.
    Later,
}

impl Line {
    /// Takes the next byte; a backslash at the end of a line joins the next one.
    pub(super) fn take(&mut self, byte: u8) -> End {
        match byte {
            b'\n' if core::mem::take(&mut self.escaped) => {}
            b'\n' => return End::Here,
            b'\\' if !self.raw && !self.escaped => self.escaped = true,
            _ => self.bytes.push((byte, core::mem::take(&mut self.escaped))),
        }
        End::Later
    }

    /// Splits the line into its variables; the last takes what remains.
    pub(super) fn assign(&self, variables: &mut Variables) -> Result<(), Failure> {
        let ifs = variables.value("IFS").unwrap_or(" \t\n").to_owned();
        let mut rest = Rest { bytes: &self.bytes, ifs: ifs.as_bytes() };
        let Some((last, names)) = self.names.split_last() else {
            return variables.assign("REPLY", text(&self.bytes));
        };
        rest.skip_space();
        for name in names {
            variables.assign(name, rest.field())?;
        }
        variables.assign(last, rest.remainder())
    }
}

/// What is left of a line; a byte protected by a backslash separates nothing.
struct Rest<'a> {
    bytes: &'a [(u8, bool)],
    ifs: &'a [u8],
}

impl Rest<'_> {
    fn separates(&self, (byte, escaped): (u8, bool)) -> bool {
        !escaped && self.ifs.contains(&byte)
    }

    fn is_space(&self, one: (u8, bool)) -> bool {
        self.separates(one) && one.0.is_ascii_whitespace()
    }

    fn skip_space(&mut self) {
        let size = self.bytes.iter().take_while(|one| self.is_space(**one)).count();
        self.bytes = &self.bytes[size..];
    }

    fn field(&mut self) -> String {
        let size = self.bytes.iter().take_while(|one| !self.separates(**one)).count();
        let field = text(&self.bytes[..size]);
        self.bytes = &self.bytes[size..];
        self.skip_space();
        if self.bytes.first().is_some_and(|one| self.separates(*one)) {
            self.bytes = &self.bytes[1..];
            self.skip_space();
        }
        field
    }

    /// All that is left, without white space at its end, and without one delimiter when it is a field by itself.
    fn remainder(&mut self) -> String {
        let whole = self.bytes;
        let field = self.field();
        if self.bytes.is_empty() {
            return field;
        }
        let size = whole.iter().rposition(|one| !self.is_space(*one)).map_or(0, |at| at + 1);
        text(&whole[..size])
    }
}

fn text(bytes: &[(u8, bool)]) -> String {
    let bytes: Vec<u8> = bytes.iter().map(|(byte, _)| *byte).collect();
    String::from_utf8_lossy(&bytes).into_owned()
}
