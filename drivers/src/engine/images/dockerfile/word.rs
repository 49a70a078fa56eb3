//! A word of a Dockerfile's line: where it ends, and what quotes, backslashes and `$NAME` in it become (moby's
//! `dockerfile/shell`, asked of a real engine). It runs nothing.

use core::iter::Peekable;
use core::str::Chars;

/// What is wrong with a word.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub(super) enum Fault {
    /// `${}` and the like.
    #[error("syntax error: bad substitution")]
    BadSubstitution,
    /// No `:` behind the name in braces.
    #[error("missing ':' in substitution")]
    NoColon,
    /// A quote that nobody closes.
    #[error("unexpected end of statement while looking for matching {0}-quote")]
    OpenQuote(&'static str),
    /// A brace that nobody closes.
    #[error("syntax error: missing '}}'")]
    OpenBrace,
    /// `${NAME:!x}`.
    #[error("unsupported modifier ({0}) in substitution")]
    UnknownModifier(char),
    /// A value that there must be.
    #[error("{name}: {why}")]
    Unset {
        /// Whose.
        name: String,
        /// In the line's own words, if it has any.
        why: String,
    },
}

/// Parts a line at the blanks that neither quotes nor backslashes hold; those stay in the words.
pub(super) fn part(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), String::new(), None);
    let mut letters = line.chars();
    while let Some(letter) = letters.next() {
        match (quote, letter) {
            (None, blank) if blank.is_whitespace() => words.push(core::mem::take(&mut word)),
            // At the end it is nothing.
            (None | Some('"'), '\\') => word.extend(letters.next().into_iter().flat_map(|next| ['\\', next])),
            (open, letter) => {
                if open == Some(letter) {
                    quote = None;
                } else if open.is_none() && matches!(letter, '"' | '\'') {
                    quote = Some(letter);
                }
                word.push(letter);
            }
        }
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    words
}

/// What a word means where the environment is `env`.
///
/// # Errors
/// What is wrong with it.
pub(super) fn expand(word: &str, env: &[String]) -> Result<String, Fault> {
    Reader { letters: word.chars().peekable(), env }.read(None)
}

struct Reader<'a> {
    letters: Peekable<Chars<'a>>,
    env: &'a [String],
}

impl Reader<'_> {
    /// Reads to the end, or to a closing brace.
    fn read(&mut self, end: Option<char>) -> Result<String, Fault> {
        let mut text = String::new();
        while let Some(letter) = self.letters.next() {
            match letter {
                letter if Some(letter) == end => return Ok(text),
                '\'' => self.single(&mut text)?,
                '"' => self.double(&mut text)?,
                '$' => text.push_str(&self.variable()?),
                '\\' => text.extend(self.letters.next()),
                letter => text.push(letter),
            }
        }
        if end.is_none() { Ok(text) } else { Err(Fault::OpenBrace) }
    }

    fn single(&mut self, text: &mut String) -> Result<(), Fault> {
        loop {
            match self.letters.next().ok_or(Fault::OpenQuote("single"))? {
                '\'' => return Ok(()),
                letter => text.push(letter),
            }
        }
    }

    /// In double quotes a backslash is one unless what follows means something there.
    fn double(&mut self, text: &mut String) -> Result<(), Fault> {
        loop {
            match self.letters.next().ok_or(Fault::OpenQuote("double"))? {
                '"' => return Ok(()),
                '$' => text.push_str(&self.variable()?),
                '\\' => text.push(self.letters.next_if(|next| matches!(next, '"' | '$' | '\\')).unwrap_or('\\')),
                letter => text.push(letter),
            }
        }
    }

    /// What follows a `$`.
    fn variable(&mut self) -> Result<String, Fault> {
        if self.letters.next_if_eq(&'{').is_none() {
            let name = self.name();
            return Ok(if name.is_empty() { "$".to_owned() } else { self.value(&name).unwrap_or_default().to_owned() });
        }
        match self.letters.peek() {
            None => return Err(Fault::OpenBrace),
            Some('{' | '}' | ':') => return Err(Fault::BadSubstitution),
            Some(_) => {}
        }
        let name = self.name();
        match self.letters.next() {
            Some('}') => Ok(self.value(&name).unwrap_or_default().to_owned()),
            Some('?') => {
                let why = self.read(Some('}'))?;
                self.value(&name).map(str::to_owned).ok_or_else(|| unset(name, why, "unset"))
            }
            Some(':') => self.modified(name),
            _ => Err(Fault::NoColon),
        }
    }

    /// What follows `${NAME:`; a value that is empty is as good as none there.
    fn modified(&mut self, name: String) -> Result<String, Fault> {
        let modifier = self.letters.next().ok_or(Fault::OpenBrace)?;
        let word = self.read(Some('}'))?;
        let known = self.value(&name);
        let value = known.filter(|value| !value.is_empty()).map(str::to_owned);
        match modifier {
            '+' => Ok(value.map(|_| word).unwrap_or_default()),
            '-' => Ok(value.unwrap_or(word)),
            '?' => {
                let lack = if known.is_some() { "empty" } else { "unset" };
                value.ok_or_else(|| unset(name, word, lack))
            }
            other => Err(Fault::UnknownModifier(other)),
        }
    }

    /// A name, a number, or one of the shell's own names of one letter.
    fn name(&mut self) -> String {
        let mut name = String::new();
        match self.letters.peek() {
            Some(digit) if digit.is_ascii_digit() => {
                while let Some(digit) = self.letters.next_if(char::is_ascii_digit) {
                    name.push(digit);
                }
            }
            Some('@' | '*' | '#' | '?' | '-' | '$' | '!') => name.extend(self.letters.next()),
            _ => {
                while let Some(letter) = self.letters.next_if(|next| next.is_alphanumeric() || *next == '_') {
                    name.push(letter);
                }
            }
        }
        name
    }

    fn value(&self, name: &str) -> Option<&str> {
        self.env
            .iter()
            .filter_map(|line| line.split_once('='))
            .find(|(known, _)| *known == name)
            .map(|(_, value)| value)
    }
}

fn unset(name: String, why: String, lack: &str) -> Fault {
    let why = if why.is_empty() { format!("is not allowed to be {lack}") } else { why };
    Fault::Unset { name, why }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expanded(word: &str) -> String {
        let env = ["X=1".to_owned(), "E=".to_owned()];
        expand(word, &env).unwrap_or_else(|fault| fault.to_string())
    }

    /// Every one of them was asked of a real engine.
    #[test]
    fn words_mean_what_they_mean_in_a_dockerfile() {
        let cases = [
            (r#""x y""#, "x y"),
            (r"a\ b\c", "a bc"),
            (r#""x\"y\ny\\\$X""#, r#"x"y\ny\$X"#),
            (r"'x\ny$X'", r"x\ny$X"),
            (r#"a"b c"d'e'"#, "ab cde"),
            ("$X${X}y$N", "11y"),
            ("$ $1 $12x $? $$", "$  x  "),
            ("é$Xé", "é"),
            (r#""a$""#, "a$"),
            ("${X:-n}${N:-n}${E:-n}", "1nn"),
            ("${X:+n}${N:+n}${E:+n}", "n"),
            ("${X:?n}${E?n}", "1"),
            (r#"${N:-"a b"}${N:-$X}"#, "a b1"),
            ("${N:?no}", "N: no"),
            ("${N?}", "N: is not allowed to be unset"),
            ("${E:?}", "E: is not allowed to be empty"),
            ("${X-n}", "missing ':' in substitution"),
            ("${X", "missing ':' in substitution"),
            ("${X:!b}", "unsupported modifier (!) in substitution"),
            ("${}", "syntax error: bad substitution"),
            ("${", "syntax error: missing '}'"),
            ("${N:-x", "syntax error: missing '}'"),
            ("'x", "unexpected end of statement while looking for matching single-quote"),
            ("\"x", "unexpected end of statement while looking for matching double-quote"),
        ];
        for (word, meaning) in cases {
            assert_eq!(expanded(word), meaning, "{word}");
        }
    }

    #[test]
    fn a_line_is_parted_where_nothing_holds_it() {
        assert_eq!(part(r#"A="x y"  B='a "b' C=d\ e\"#), [r#"A="x y""#, r#"B='a "b'"#, r"C=d\ e"]);
        assert_eq!(part(r#"A="a\"#), [r#"A="a"#]);
    }
}
