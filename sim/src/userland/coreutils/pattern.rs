//! Patterns as `grep`, `sed` and `expr` write them: POSIX basic, extended or fixed strings, translated into the syntax
//! of regex-lite. Where POSIX takes the longest of several alternatives, this takes the first.

use regex_lite::{Regex, RegexBuilder};

/// How a pattern is written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Syntax {
    /// `\(a\|b\)\{2\}`
    Basic,
    /// `(a|b){2}`
    Extended,
    /// Nothing has a meaning of its own.
    Fixed,
}

/// A pattern ready to be looked for.
#[derive(Clone, Debug)]
pub(super) struct Pattern(Regex);

/// What else a match must be.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Limits {
    /// Upper and lower case are the same (`-i`).
    pub fold: bool,
    /// It begins and ends with a word (`-w`).
    pub word: bool,
    /// It is all of the line (`-x`).
    pub whole: bool,
}

impl Pattern {
    /// Any of these patterns; none when one makes no sense.
    pub(super) fn new(patterns: &[&str], syntax: Syntax, limits: Limits) -> Option<Self> {
        let translated: Vec<String> = patterns.iter().map(|p| translate(p, syntax)).collect();
        let any = match translated.as_slice() {
            [one] => one.clone(),
            several => several.iter().map(|p| format!("(?:{p})")).collect::<Vec<_>>().join("|"),
        };
        let limited = match limits {
            Limits { whole: true, .. } => format!("^(?:{any})$"),
            Limits { word: true, .. } => format!(r"\b(?:{any})\b"),
            _ => any,
        };
        RegexBuilder::new(&limited).case_insensitive(limits.fold).build().ok().map(Self)
    }

    /// The regular expression inside.
    pub(super) const fn regex(&self) -> &Regex {
        &self.0
    }
}

fn translate(pattern: &str, syntax: Syntax) -> String {
    match syntax {
        Syntax::Fixed => regex_lite::escape(pattern),
        Syntax::Basic | Syntax::Extended => Translation::of(pattern, syntax),
    }
}

/// A pattern on its way into the other syntax.
struct Translation<'a> {
    rest: core::iter::Peekable<core::str::Chars<'a>>,
    basic: bool,
    out: String,
}

impl Translation<'_> {
    fn of(pattern: &str, syntax: Syntax) -> String {
        let mut translation =
            Translation { rest: pattern.chars().peekable(), basic: syntax == Syntax::Basic, out: String::new() };
        while let Some(c) = translation.rest.next() {
            translation.push(c);
        }
        translation.out
    }

    fn push(&mut self, c: char) {
        match c {
            '\\' => self.escaped(),
            '[' => self.bracket(),
            '(' | ')' | '{' | '}' | '+' | '?' | '|' if self.basic => self.literal(c),
            '*' if self.basic && self.is_at_start() => self.literal(c),
            '^' if self.basic && !self.is_at_start() => self.literal(c),
            '$' if self.basic && !self.is_at_end() => self.literal(c),
            _ => self.out.push(c),
        }
    }

    fn literal(&mut self, c: char) {
        self.out.push('\\');
        self.out.push(c);
    }

    /// What a backslash makes of the character behind it.
    fn escaped(&mut self) {
        match self.rest.next() {
            Some(c @ ('(' | ')' | '{' | '}' | '+' | '?' | '|')) if self.basic => self.out.push(c),
            Some('<' | '>') => self.out.push_str(r"\b"),
            Some(c @ ('w' | 'W' | 's' | 'S' | 'b' | 'B')) => self.literal(c),
            Some(c) if c.is_ascii_alphanumeric() => self.out.push(c),
            Some(c) => self.out.push_str(&regex_lite::escape(&c.to_string())),
            None => self.out.push_str(r"\\"),
        }
    }

    /// A bracket expression, in which a backslash and `[` are themselves.
    fn bracket(&mut self) {
        self.out.push('[');
        self.copy_if('^');
        if self.rest.next_if_eq(&']').is_some() {
            self.literal(']');
        }
        while let Some(c) = self.rest.next().filter(|c| *c != ']') {
            match c {
                '[' if self.rest.peek() == Some(&':') => self.class(),
                '[' | '\\' | '&' | '~' => self.literal(c),
                _ => self.out.push(c),
            }
        }
        self.out.push(']');
    }

    /// `[:digit:]`, copied as it is.
    fn class(&mut self) {
        self.out.push('[');
        for c in self.rest.by_ref() {
            self.out.push(c);
            if c == ']' {
                break;
            }
        }
    }

    fn copy_if(&mut self, c: char) {
        if self.rest.next_if_eq(&c).is_some() {
            self.out.push(c);
        }
    }

    fn is_at_start(&self) -> bool {
        self.out.is_empty() || self.out.ends_with('(') || self.out.ends_with('|')
    }

    fn is_at_end(&self) -> bool {
        let mut rest = self.rest.clone();
        match rest.next() {
            None => true,
            Some('\\') => matches!(rest.next(), Some(')' | '|')),
            Some(_) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found<'t>(pattern: &str, syntax: Syntax, text: &'t str) -> Option<&'t str> {
        let pattern = Pattern::new(&[pattern], syntax, Limits::default()).unwrap();
        pattern.regex().find(text).map(|m| m.as_str())
    }

    #[test]
    fn basic_patterns_give_a_meaning_by_backslash() {
        assert_eq!(found(r"a\(b\|c\)\{2\}", Syntax::Basic, "xabcx"), Some("abc"));
        assert_eq!(found("a+(b)", Syntax::Basic, "aab a+(b)"), Some("a+(b)"));
        assert_eq!(found("*a", Syntax::Basic, "b*a"), Some("*a"));
        assert_eq!(found("a^b$c", Syntax::Basic, "a^b$c"), Some("a^b$c"));
        assert_eq!(found(r"^ *inet ", Syntax::Basic, "    inet 1"), Some("    inet "));
    }

    #[test]
    fn extended_patterns_have_it_without() {
        assert_eq!(found("flags|MSG", Syntax::Extended, ";; MSG SIZE"), Some("MSG"));
        assert_eq!(found(r"172\.(25|26)\.[0-9]+\.[0-9]{1,3}", Syntax::Extended, "at 172.26.0.3."), Some("172.26.0.3"));
        assert_eq!(found(r"[\.]x", Syntax::Extended, "a.x"), Some(".x"));
        assert_eq!(found("[]x]+", Syntax::Extended, "a]x"), Some("]x"));
        assert_eq!(found("[[:digit:]]+", Syntax::Extended, "eth14"), Some("14"));
    }

    #[test]
    fn fixed_strings_words_and_whole_lines() {
        assert_eq!(found("[d]ocker.", Syntax::Fixed, "x[d]ocker.x"), Some("[d]ocker."));
        let is_match =
            |limits, text: &str| Pattern::new(&["eth0", "lo"], Syntax::Basic, limits).unwrap().regex().is_match(text);
        assert!(!is_match(Limits { word: true, ..Limits::default() }, "veth0"));
        assert!(is_match(Limits { word: true, ..Limits::default() }, "dev eth0 up"));
        assert!(!is_match(Limits { whole: true, ..Limits::default() }, "eth0 up"));
        assert!(is_match(Limits { fold: true, ..Limits::default() }, "VETH0"));
    }
}
