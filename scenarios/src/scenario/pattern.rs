//! One expected line: literal text, `[..]` for any text, and masks with or without a name (`[ID]`, `[ID:net1]`).
//! Several lines and `...` are the affair of [`comparison`](super::comparison).
//!
//! The notation is snapbox's, the matching is not: its redactions rewrite every look-alike in the actual text before
//! they compare, know neither names that must agree nor lower-case letters in a mask, and need regular expressions to
//! be compiled before the first line is looked at.

use super::captures::Captures;
use super::mask::Mask;

/// Stands for any text in a line.
const ANY: &str = "[..]";

/// An expected line.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Pattern {
    pieces: Vec<Piece>,
}

#[derive(Clone, Debug, Eq, PartialEq)]
enum Piece {
    Any,
    Mask(Mask, Option<String>),
    Text(String),
}

impl Pattern {
    /// Reads a line. Brackets that are no mask are literal text, so that every line is a pattern.
    #[must_use]
    pub fn parse(line: &str) -> Self {
        let mut pieces = Vec::new();
        let mut rest = line;
        while !rest.is_empty() {
            let literal = rest.match_indices('[').find_map(|(at, _)| bracket(&rest[at..]).map(|found| (at, found)));
            let Some((at, (piece, length))) = literal else {
                pieces.push(Piece::Text(rest.to_owned()));
                break;
            };
            if at > 0 {
                pieces.push(Piece::Text(rest[..at].to_owned()));
            }
            pieces.push(piece);
            rest = &rest[at + length..];
        }
        Self { pieces }
    }

    /// The line that, read as a pattern, stands for `text`: each bracket that would be a mask is left open.
    #[must_use]
    pub fn literal(text: &str) -> String {
        let mut line = String::with_capacity(text.len());
        for (at, c) in text.char_indices() {
            match c {
                '[' if bracket(&text[at..]).is_some() => line.push_str(ANY),
                c => line.push(c),
            }
        }
        line
    }

    /// Whether it stands for `line`, in the light of what its names stand for already. Binds its names when it does,
    /// and leaves `captures` alone when it does not.
    pub fn matches(&self, line: &str, captures: &mut Captures) -> bool {
        matches(&self.pieces, line, captures)
    }

    /// Its names that are bound to something, with what: what a reader must know to see why a line does not match.
    #[must_use]
    pub fn known_names(&self, captures: &Captures) -> Vec<String> {
        let known = |piece: &Piece| match piece {
            Piece::Mask(mask, Some(name)) => {
                captures.value(*mask, name).map(|value| format!("[{}:{name}] is {value}", mask.name()))
            }
            Piece::Any | Piece::Mask(_, None) | Piece::Text(_) => None,
        };
        self.pieces.iter().filter_map(known).collect()
    }
}

/// The mask that `text` begins with, and its length.
fn bracket(text: &str) -> Option<(Piece, usize)> {
    if text.starts_with(ANY) {
        return Some((Piece::Any, ANY.len()));
    }
    let (inner, _) = text.strip_prefix('[')?.split_once(']')?;
    let (mask, name) = match inner.split_once(':') {
        Some((mask, name)) if is_name(name) => (mask, Some(name.to_owned())),
        Some(_) => return None,
        None => (inner, None),
    };
    Some((Piece::Mask(Mask::named(mask)?, name), inner.len() + 2))
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
}

fn matches(pieces: &[Piece], text: &str, captures: &mut Captures) -> bool {
    let Some((piece, rest)) = pieces.split_first() else { return text.is_empty() };
    match piece {
        Piece::Text(literal) => text.strip_prefix(literal.as_str()).is_some_and(|text| matches(rest, text, captures)),
        Piece::Any if rest.is_empty() => true,
        Piece::Any => {
            text.char_indices().any(|(at, _)| matches(rest, &text[at..], captures)) || matches(rest, "", captures)
        }
        Piece::Mask(mask, name) => {
            let takes = |length: usize| takes(*mask, name.as_deref(), text.split_at(length), rest, captures);
            mask.lengths(text).into_iter().any(takes)
        }
    }
}

/// Whether a mask may stand for the first of two texts and `rest` for the second.
fn takes(mask: Mask, name: Option<&str>, texts: (&str, &str), rest: &[Piece], captures: &mut Captures) -> bool {
    let mark = captures.mark();
    let bound = name.is_none_or(|name| captures.bind(mask, name, texts.0));
    let taken = bound && matches(rest, texts.1, captures);
    if !taken {
        captures.rewind(mark);
    }
    taken
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn fits(pattern: &str, line: &str) -> bool {
        Pattern::parse(pattern).matches(line, &mut Captures::default())
    }

    #[test]
    fn literal_text_is_exact() {
        assert!(fits("64 bytes from 172.25.3.3", "64 bytes from 172.25.3.3"));
        assert!(!fits("64 bytes from 172.25.3.3", "64 bytes from 172.25.3.33"));
        assert!(!fits("", " "));
    }

    #[test]
    fn any_text_may_be_nothing_and_is_tried_at_every_place() {
        assert!(fits("a[..]", "a") && fits("[..]", ""));
        assert!(fits("time=[..] ms", "time=0.045 ms ms"));
        assert!(fits("[..]é[..]x", "éééx"));
        assert!(!fits("a[..]b[..]c", "acb"));
    }

    #[test]
    fn masks_stand_within_text() {
        assert!(fits("[SHORTID]   bridge    [..]", "7917c78e322d   bridge    bridge"));
        assert!(fits("br-[SHORTID]: <UP> [MAC]", "br-7917c78e322d: <UP> 02:42:ac:11:00:02"));
        assert!(fits("time=[TIME] ms", "time=0.045 ms") && fits("time=[TIME]", "time=0.045 ms"));
        assert!(fits("up [TIME] ago", "up 3 seconds ago"));
        assert!(!fits("[ID]", "7917c78e322d"));
    }

    #[test]
    fn brackets_that_are_no_mask_are_text() {
        for line in ["[1] 1042", "[NAME]", "[id]", "[ID:]", "[ID:a b]", "[ID", "[]", "[[.]]"] {
            assert!(fits(line, line), "{line}");
        }
    }

    #[test]
    fn names_agree_and_a_miss_binds_nothing() {
        let mut captures = Captures::default();
        let line = Pattern::parse("[SHORTID:a] [SHORTID:b]");
        assert!(!line.matches("7917c78e322d 7917c78e322", &mut captures));
        assert!(line.matches("7917c78e322d 000000000000", &mut captures));
        assert!(!Pattern::parse("[SHORTID:a]").matches("000000000000", &mut captures));
        assert_eq!(line.known_names(&captures), ["[SHORTID:a] is 7917c78e322d", "[SHORTID:b] is 000000000000"]);
    }

    #[test]
    fn text_that_looks_like_a_mask_can_be_written() {
        assert_eq!(Pattern::literal("see [ID] and [1]"), "see [..]ID] and [1]");
    }

    proptest! {
        #[test]
        fn the_literal_of_a_line_stands_for_it(line in "[a-zI\\[\\].:D ]{0,20}") {
            prop_assert!(fits(&Pattern::literal(&line), &line));
        }
    }
}
