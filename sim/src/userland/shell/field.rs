//! From an expanded word to fields: splitting at IFS and matching paths, or neither where a single word is wanted.

use super::code::Quoting;
use super::pattern::Glyph;

/// A part of a word under construction.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Piece {
    /// The boundary between two positional parameters.
    Break,
    /// Text.
    Text(String, Quoting),
}

/// A word under construction.
#[derive(Clone, Debug, Default)]
pub(super) struct Word(pub(super) Vec<Piece>);

impl Word {
    /// Adds text.
    pub(super) fn push(&mut self, text: impl Into<String>, quoting: Quoting) {
        self.0.push(Piece::Text(text.into(), quoting));
    }

    /// Adds a boundary between fields.
    pub(super) fn push_break(&mut self) {
        self.0.push(Piece::Break);
    }

    /// The word as one text; boundaries are spaces.
    pub(super) fn into_text(self) -> String {
        self.0
            .into_iter()
            .map(|piece| match piece {
                Piece::Text(text, _) => text,
                Piece::Break => " ".to_owned(),
            })
            .collect()
    }

    /// The word as a pattern.
    pub(super) fn into_glyphs(self) -> Vec<Glyph> {
        let mut glyphs = Vec::new();
        for piece in self.0 {
            match piece {
                Piece::Text(text, quoting) => glyphs.extend(glyphs_of(&text, quoting)),
                Piece::Break => glyphs.push(Glyph { char: ' ', quoted: false }),
            }
        }
        glyphs
    }

    /// The word split into fields at the characters of `ifs`.
    pub(super) fn into_fields(self, ifs: &str) -> Vec<Vec<Glyph>> {
        let mut splitter = Splitter { ifs, fields: Vec::new(), open: None, spaced: false };
        for piece in self.0 {
            match piece {
                Piece::Break => splitter.close(),
                Piece::Text(text, Quoting::Expanded) => text.chars().for_each(|c| splitter.expanded(c)),
                Piece::Text(text, quoting) => splitter.keep(&text, quoting),
            }
        }
        splitter.close();
        splitter.fields
    }
}

fn glyphs_of(text: &str, quoting: Quoting) -> impl Iterator<Item = Glyph> {
    let quoted = quoting == Quoting::Quoted;
    text.chars().map(move |char| Glyph { char, quoted })
}

struct Splitter<'a> {
    ifs: &'a str,
    fields: Vec<Vec<Glyph>>,
    open: Option<Vec<Glyph>>,
    /// The last field was ended by white space, so that a delimiter after it belongs to the same gap.
    spaced: bool,
}

impl Splitter<'_> {
    /// Adds what is never split. Even nothing makes a field when it was quoted.
    fn keep(&mut self, text: &str, quoting: Quoting) {
        if !text.is_empty() || quoting == Quoting::Quoted {
            self.spaced = false;
            self.open.get_or_insert_default().extend(glyphs_of(text, quoting));
        }
    }

    fn expanded(&mut self, c: char) {
        if !self.ifs.contains(c) {
            self.spaced = false;
            self.open.get_or_insert_default().push(Glyph { char: c, quoted: false });
        } else if matches!(c, ' ' | '\t' | '\n') {
            self.spaced |= self.open.is_some();
            self.close();
        } else if self.open.is_none() && self.spaced {
            self.spaced = false;
        } else {
            self.fields.push(self.open.take().unwrap_or_default());
        }
    }

    fn close(&mut self) {
        self.fields.extend(self.open.take());
    }
}

#[cfg(test)]
mod tests {
    use super::super::pattern::text;
    use super::*;

    fn split(text_: &str, ifs: &str) -> Vec<String> {
        let mut word = Word::default();
        word.push(text_, Quoting::Expanded);
        word.into_fields(ifs).iter().map(|f| text(f)).collect()
    }

    #[test]
    fn white_space_around_a_delimiter_is_one_gap() {
        assert_eq!(split("  a  b ", " \t\n"), ["a", "b"]);
        assert_eq!(split("a : b::c:", " :"), ["a", "b", "", "c"]);
        assert_eq!(split(":a", ":"), ["", "a"]);
        assert_eq!(split("a b", ""), ["a b"]);
    }

    #[test]
    fn quotes_keep_spaces_and_empty_fields() {
        let mut word = Word::default();
        word.push("a", Quoting::Literal);
        word.push("1 2", Quoting::Expanded);
        word.push(" z", Quoting::Quoted);
        word.push_break();
        word.push("", Quoting::Quoted);
        let fields: Vec<String> = word.into_fields(" ").iter().map(|f| text(f)).collect();
        assert_eq!(fields, ["a1", "2 z", ""]);
    }
}
