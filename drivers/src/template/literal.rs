//! Go's literals: numbers, characters and quoted strings, read and written. Where they may stand is the parser's
//! business. Complex numbers are not known here: docker's data has none.

/// A number as it was written, with what it stands for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Number {
    Int(i64),
    Float(f64),
}

impl Number {
    /// The number as an integer, if it is one: `2.0` is.
    pub(super) fn to_int(self) -> Option<i64> {
        match self {
            Self::Int(n) => Some(n),
            Self::Float(f) => format!("{f}").parse().ok(),
        }
    }
}

/// Reads a number; the error is Go's text.
pub(super) fn number(text: &str) -> Result<Number, String> {
    if let Some(n) = integer(text) {
        return Ok(Number::Int(n));
    }
    match text.replace('_', "").parse::<f64>() {
        Ok(_) if !text.contains(['.', 'e', 'E']) => Err(format!("integer overflow: {}", quote(text))),
        Ok(f) => Ok(Number::Float(f)),
        Err(_) => Err(format!("illegal number syntax: {}", quote(text))),
    }
}

fn integer(text: &str) -> Option<i64> {
    let (sign, digits) = match text.strip_prefix(['+', '-']) {
        Some(digits) => (&text[..1], digits),
        None => ("", text),
    };
    let (radix, digits) = match digits.get(..2).map(str::to_ascii_lowercase).as_deref() {
        Some("0x") => (16, &digits[2..]),
        Some("0o") => (8, &digits[2..]),
        Some("0b") => (2, &digits[2..]),
        Some(two) if two.starts_with('0') => (8, &digits[1..]),
        _ => (10, digits),
    };
    let digits = digits.replace('_', "");
    let is_plain = digits.starts_with(|c: char| c.is_ascii_hexdigit());
    if is_plain { i64::from_str_radix(&format!("{sign}{digits}"), radix).ok() } else { None }
}

/// Reads a character constant, quotes included; its value is that of the character.
pub(super) fn character(text: &str) -> Result<Number, String> {
    let body = text.strip_prefix('\'').ok_or(INVALID)?;
    let mut rest = body;
    let value = match unescape(&mut rest, '\'') {
        Some(Unit::Char(c)) => u32::from(c),
        Some(Unit::Byte(b)) => u32::from(b),
        None => return Err(INVALID.to_owned()),
    };
    if rest == "'" { Ok(Number::Int(value.into())) } else { Err(format!("malformed character constant: {text}")) }
}

/// What Go's strconv says of anything that is no literal.
const INVALID: &str = "invalid syntax";

/// Reads a string between double quotes or backquotes.
pub(super) fn unquote(text: &str) -> Result<String, String> {
    if let Some(raw) = text.strip_prefix('`').and_then(|t| t.strip_suffix('`')) {
        return Ok(raw.replace('\r', ""));
    }
    let mut rest = text.strip_prefix('"').and_then(|t| t.strip_suffix('"')).ok_or(INVALID)?;
    let mut bytes = Vec::new();
    while !rest.is_empty() {
        match unescape(&mut rest, '"').ok_or(INVALID)? {
            Unit::Char(c) => bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
            Unit::Byte(b) => bytes.push(b),
        }
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// One character of a literal: `\x` and octal escapes stand for bytes, all others for characters.
enum Unit {
    Char(char),
    Byte(u8),
}

/// Takes one character, escaped or not, from the front of `rest`.
fn unescape(rest: &mut &str, quote: char) -> Option<Unit> {
    match take(rest)? {
        '\\' => escape(rest, quote),
        c if c == quote => None,
        c => Some(Unit::Char(c)),
    }
}

fn take(rest: &mut &str) -> Option<char> {
    let c = rest.chars().next()?;
    *rest = &rest[c.len_utf8()..];
    Some(c)
}

/// What stands for itself after a backslash, and what it stands for.
const ESCAPES: [(char, char); 8] = [
    ('a', '\u{7}'),
    ('b', '\u{8}'),
    ('f', '\u{c}'),
    ('n', '\n'),
    ('r', '\r'),
    ('t', '\t'),
    ('v', '\u{b}'),
    ('\\', '\\'),
];

fn escape(rest: &mut &str, quote: char) -> Option<Unit> {
    let c = take(rest)?;
    if let Some((_, meant)) = ESCAPES.iter().find(|(written, _)| *written == c) {
        return Some(Unit::Char(*meant));
    }
    match c {
        'x' => digits(rest, 16, 2).and_then(|n| u8::try_from(n).ok()).map(Unit::Byte),
        'u' => digits(rest, 16, 4).and_then(char::from_u32).map(Unit::Char),
        'U' => digits(rest, 16, 8).and_then(char::from_u32).map(Unit::Char),
        '0'..='7' => {
            let tail = digits(rest, 8, 2)?;
            u8::try_from(c.to_digit(8)? * 64 + tail).ok().map(Unit::Byte)
        }
        c if c == quote => Some(Unit::Char(c)),
        _ => None,
    }
}

fn digits(rest: &mut &str, radix: u32, count: usize) -> Option<u32> {
    let text = rest.get(..count)?;
    *rest = &rest[count..];
    u32::from_str_radix(text, radix).ok()
}

/// `text` as Go's `%q` writes it.
pub(super) fn quote(text: &str) -> String {
    let mut quoted = String::from("\"");
    text.chars().for_each(|c| push_quoted(&mut quoted, c, '"'));
    quoted.push('"');
    quoted
}

/// A character as Go's `%q` writes it.
pub(super) fn quote_char(c: char) -> String {
    let mut quoted = String::from("'");
    push_quoted(&mut quoted, c, '\'');
    quoted.push('\'');
    quoted
}

fn push_quoted(quoted: &mut String, c: char, quote: char) {
    if c == quote {
        quoted.extend(['\\', c]);
    } else if let Some((written, _)) = ESCAPES.iter().find(|(_, meant)| *meant == c) {
        quoted.extend(['\\', *written]);
    } else if is_printable(c) {
        quoted.push(c);
    } else if c.is_ascii() {
        quoted.push_str(&format!("\\x{:02x}", u32::from(c)));
    } else {
        quoted.push_str(&format!("\\u{:04x}", u32::from(c)));
    }
}

/// Whether Go prints `c` as it is: no control character, and no white space but the blank.
pub(super) fn is_printable(c: char) -> bool {
    c == ' ' || !(c.is_control() || c.is_whitespace())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_come_in_four_bases() {
        for (text, value) in
            [("0x1F", 31), ("0b11", 3), ("0o17", 15), ("017", 15), ("1_000", 1000), ("-5", -5), ("0", 0)]
        {
            assert_eq!(number(text), Ok(Number::Int(value)), "{text}");
        }
    }

    #[test]
    fn floats_may_be_integers_in_disguise() {
        assert_eq!(number("1e3").map(Number::to_int), Ok(Some(1000)));
        assert_eq!(number("1.5").map(Number::to_int), Ok(None));
        assert_eq!(number("0x"), Err("illegal number syntax: \"0x\"".to_owned()));
    }

    #[test]
    fn what_is_quoted_comes_back() {
        for text in ["", "plain", "q\"\\\n\t\u{1}é\u{2028}", "\u{7f}"] {
            assert_eq!(unquote(&quote(text)).as_deref(), Ok(text));
        }
        assert_eq!(quote("a\u{1}\u{2028}"), "\"a\\x01\\u2028\"");
        assert_eq!(quote_char('\''), "'\\''");
    }

    #[test]
    fn a_foreign_escape_is_no_literal() {
        assert_eq!(unquote("\"a\\qb\""), Err("invalid syntax".to_owned()));
        assert_eq!(unquote("\"\\'\""), Err("invalid syntax".to_owned()));
        assert_eq!(unquote("\"\\xc3\\xa9 \\101\""), Ok("é A".to_owned()));
        assert_eq!(character("'\\n'"), Ok(Number::Int(10)));
    }
}
