//! Shell patterns: `*`, `?` and `[…]`, matched against text or against the names in the filesystem.

use crate::userland::files::{View, normalise};

/// One character of an expanded word, and whether it was quoted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Glyph {
    /// The character.
    pub(super) char: char,
    /// Whether it stands for itself only.
    pub(super) quoted: bool,
}

/// A pattern ready to match.
#[derive(Debug)]
pub(super) struct Pattern(Vec<Atom>);

#[derive(Debug)]
enum Atom {
    Any,
    Char(char),
    Set { members: Vec<Member>, negated: bool },
    Star,
}

#[derive(Debug)]
enum Member {
    Class(String),
    Range(char, char),
}

impl Pattern {
    /// Reads a pattern.
    pub(super) fn new(glyphs: &[Glyph]) -> Self {
        let mut atoms = Vec::new();
        let mut rest = glyphs;
        while let Some((first, after)) = rest.split_first() {
            rest = after;
            match first {
                Glyph { char: '*', quoted: false } => atoms.push(Atom::Star),
                Glyph { char: '?', quoted: false } => atoms.push(Atom::Any),
                Glyph { char: '[', quoted: false } => match bracket(after) {
                    Some((set, behind)) => {
                        atoms.push(set);
                        rest = behind;
                    }
                    None => atoms.push(Atom::Char('[')),
                },
                Glyph { char, .. } => atoms.push(Atom::Char(*char)),
            }
        }
        Self(atoms)
    }

    /// Whether all of `text` matches.
    pub(super) fn matches(&self, text: &[char]) -> bool {
        let (mut atom, mut at) = (0, 0);
        // Where to go on when what follows the last star does not fit: the star takes one character more.
        let mut retry = None;
        loop {
            match self.0.get(atom) {
                Some(Atom::Star) => {
                    retry = Some((atom, at));
                    atom += 1;
                    continue;
                }
                Some(one) if text.get(at).is_some_and(|c| one.fits(*c)) => {
                    atom += 1;
                    at += 1;
                    continue;
                }
                None if at == text.len() => return true,
                _ => {}
            }
            let Some((star, from)) = retry.filter(|(_, from)| *from < text.len()) else { return false };
            retry = Some((star, from + 1));
            atom = star + 1;
            at = from + 1;
        }
    }
}

impl Atom {
    fn fits(&self, c: char) -> bool {
        match self {
            Self::Any | Self::Star => true,
            Self::Char(own) => *own == c,
            Self::Set { members, negated } => members.iter().any(|m| m.fits(c)) != *negated,
        }
    }
}

impl Member {
    fn fits(&self, c: char) -> bool {
        match self {
            Self::Range(from, to) => (*from..=*to).contains(&c),
            Self::Class(name) => match name.as_str() {
                "alnum" => c.is_alphanumeric(),
                "alpha" => c.is_alphabetic(),
                "blank" => matches!(c, ' ' | '\t'),
                "digit" => c.is_ascii_digit(),
                "lower" => c.is_lowercase(),
                "punct" => c.is_ascii_punctuation(),
                "space" => c.is_whitespace(),
                "upper" => c.is_uppercase(),
                "xdigit" => c.is_ascii_hexdigit(),
                _ => false,
            },
        }
    }
}

/// A bracket expression behind its `[`, and what follows it; none when it is not closed.
fn bracket(glyphs: &[Glyph]) -> Option<(Atom, &[Glyph])> {
    let negated = glyphs.first().is_some_and(|g| !g.quoted && matches!(g.char, '!' | '^'));
    let mut rest = if negated { &glyphs[1..] } else { glyphs };
    let mut members = Vec::new();
    loop {
        let (first, after) = rest.split_first()?;
        if first.char == ']' && !first.quoted && !members.is_empty() {
            return Some((Atom::Set { members, negated }, after));
        }
        if let Some((class, behind)) = class(rest) {
            members.push(class);
            rest = behind;
            continue;
        }
        rest = after;
        match after {
            [dash, last, behind @ ..] if dash.char == '-' && !dash.quoted && last.char != ']' => {
                members.push(Member::Range(first.char, last.char));
                rest = behind;
            }
            _ => members.push(Member::Range(first.char, first.char)),
        }
    }
}

/// `[:name:]`
fn class(glyphs: &[Glyph]) -> Option<(Member, &[Glyph])> {
    let [Glyph { char: '[', .. }, Glyph { char: ':', .. }, rest @ ..] = glyphs else { return None };
    let size = rest.iter().position(|g| g.char == ':')?;
    let behind = rest.get(size + 1..).filter(|b| b.first().is_some_and(|g| g.char == ']'))?;
    Some((Member::Class(text(&rest[..size])), &behind[1..]))
}

/// The characters as text.
pub(super) fn text(glyphs: &[Glyph]) -> String {
    glyphs.iter().map(|g| g.char).collect()
}

/// Whether a word can match anything but itself.
fn is_wild(glyphs: &[Glyph]) -> bool {
    glyphs.iter().any(|g| !g.quoted && matches!(g.char, '*' | '?' | '['))
}

/// The paths that a word matches, in order; none when it is no pattern or matches nothing.
pub(super) fn paths(files: &View<'_>, cwd: &str, word: &[Glyph]) -> Vec<String> {
    if !is_wild(word) {
        return Vec::new();
    }
    let mut found = vec![String::new()];
    for (at, part) in word.split(|g| g.char == '/').enumerate() {
        if at > 0 {
            found.iter_mut().for_each(|path| path.push('/'));
        }
        found = found.iter().flat_map(|path| below(files, cwd, path, part)).collect();
    }
    found
}

/// The paths one `part` deeper than `path`, which ends with a slash or is empty.
fn below(files: &View<'_>, cwd: &str, path: &str, part: &[Glyph]) -> Vec<String> {
    if !is_wild(part) {
        let path = format!("{path}{}", text(part));
        let absolute = normalise(cwd, &path);
        let exists = path.is_empty() || files.lstat(&absolute).is_ok();
        return if exists { vec![path] } else { Vec::new() };
    }
    let pattern = Pattern::new(part);
    let hidden = part.first().is_some_and(|g| g.char == '.');
    let names = files.list(&normalise(cwd, path)).into_iter();
    let fits =
        |name: &String| (hidden || !name.starts_with('.')) && pattern.matches(&name.chars().collect::<Vec<char>>());
    names.filter(fits).map(|name| format!("{path}{name}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::userland::Files;

    fn glyphs(pattern: &str) -> Vec<Glyph> {
        pattern.chars().map(|char| Glyph { char, quoted: false }).collect()
    }

    fn fits(pattern: &str, text: &str) -> bool {
        Pattern::new(&glyphs(pattern)).matches(&text.chars().collect::<Vec<char>>())
    }

    #[test]
    fn stars_take_as_much_as_the_rest_allows() {
        assert!(fits("*", ""));
        assert!(fits("a*b*c", "a--b-b-c"));
        assert!(!fits("a*b*c", "a--b-b-"));
        assert!(fits("*.tar.??", "x.tar.tar.gz"));
    }

    #[test]
    fn brackets_hold_ranges_classes_and_their_own_end() {
        assert!(fits("[a-c]x", "bx"));
        assert!(!fits("[!a-c]x", "bx"));
        assert!(fits("[]x]", "]"));
        assert!(fits("[[:digit:]_]*", "_9"));
        assert!(fits("[a", "[a"));
    }

    #[test]
    fn paths_are_matched_part_by_part_and_hide_dots() {
        let mut files = Files::default();
        for path in ["/etc/a.conf", "/etc/.b.conf", "/etc/d/c.conf"] {
            files.make_directory(path.rsplit_once('/').map_or("/", |(d, _)| d));
            files.write(path, "").unwrap();
        }
        assert_eq!(paths(&files.view(), "/etc", &glyphs("*.conf")), ["a.conf"]);
        assert_eq!(paths(&files.view(), "/", &glyphs("/e*/*/c*")), ["/etc/d/c.conf"]);
        assert_eq!(paths(&files.view(), "/etc", &glyphs("./.?.conf")), ["./.b.conf"]);
        assert!(paths(&files.view(), "/etc", &glyphs("plain")).is_empty());
    }
}
