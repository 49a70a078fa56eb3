//! The words of a command line or a rule, taken one by one as getopt does. It knows no option's meaning.

use core::fmt;

use super::Usage;

/// An option as it was typed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Flag<'a> {
    /// `--jump`, without its dashes.
    Long(&'a str),
    /// `-j`.
    Short(char),
}

impl fmt::Display for Flag<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Long(name) => write!(f, "--{name}"),
            Self::Short(letter) => write!(f, "-{letter}"),
        }
    }
}

/// The next thing on a line.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Word<'a> {
    /// A `!` on its own.
    Not,
    /// An option.
    Option(Flag<'a>),
    /// Anything else.
    Plain(&'a str),
}

/// The words of a line, and how far they are read.
#[derive(Clone, Debug)]
pub struct Words<'a> {
    words: &'a [String],
    next: usize,
    /// The letters after the one just read, in `-nvL`: more options, or the value of the last one.
    cluster: &'a str,
    /// What followed `=` in `--table=nat`.
    attached: Option<&'a str>,
    flag: Option<Flag<'a>>,
}

impl<'a> Words<'a> {
    /// Begins at the first word.
    #[must_use]
    pub const fn new(words: &'a [String]) -> Self {
        Self { words, next: 0, cluster: "", attached: None, flag: None }
    }

    /// The value of the option just read: what is attached to it, or the next word, whatever it looks like.
    ///
    /// # Errors
    /// `MissingArgument` at the end of the line.
    pub fn value(&mut self) -> Result<&'a str, Usage> {
        if let Some(value) = self.attached.take() {
            return Ok(value);
        }
        if !self.cluster.is_empty() {
            return Ok(core::mem::take(&mut self.cluster));
        }
        self.take().ok_or_else(|| Usage::MissingArgument(self.flag.map(|f| f.to_string()).unwrap_or_default()))
    }

    /// A value that may be missing: what is attached to the option, or the next word when it is neither an option nor
    /// a `!`.
    pub fn plain(&mut self) -> Option<&'a str> {
        if let Some(value) = self.attached.take() {
            return Some(value);
        }
        if !self.cluster.is_empty() {
            return Some(core::mem::take(&mut self.cluster));
        }
        let word = self.words.get(self.next).filter(|w| !w.starts_with(['-', '!']))?;
        self.next += 1;
        Some(word)
    }

    fn take(&mut self) -> Option<&'a str> {
        let word = self.words.get(self.next)?;
        self.next += 1;
        Some(word)
    }

    fn letter(&mut self) -> Option<Word<'a>> {
        let mut letters = self.cluster.chars();
        let letter = letters.next()?;
        self.cluster = letters.as_str();
        Some(self.option(Flag::Short(letter)))
    }

    const fn option(&mut self, flag: Flag<'a>) -> Word<'a> {
        self.flag = Some(flag);
        Word::Option(flag)
    }
}

impl<'a> Iterator for Words<'a> {
    type Item = Word<'a>;

    fn next(&mut self) -> Option<Word<'a>> {
        self.attached = None;
        if let Some(word) = self.letter() {
            return Some(word);
        }
        let word = self.take()?;
        if word == "!" {
            return Some(Word::Not);
        }
        if let Some(long) = word.strip_prefix("--").filter(|w| !w.is_empty()) {
            let (name, value) = long.split_once('=').map_or((long, None), |(n, v)| (n, Some(v)));
            self.attached = value;
            return Some(self.option(Flag::Long(name)));
        }
        self.cluster = word.strip_prefix('-').unwrap_or_default();
        Some(self.letter().unwrap_or(Word::Plain(word)))
    }
}

/// Cuts a line into words as iptables-restore does: at blanks, but not inside double quotes; a backslash takes the next
/// letter as it is.
#[must_use]
pub fn split(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quoted = false;
    let mut letters = line.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => word.get_or_insert_default().extend(letters.next()),
            '"' => {
                quoted = !quoted;
                word.get_or_insert_default();
            }
            blank if blank.is_ascii_whitespace() && !quoted => words.extend(word.take()),
            letter => word.get_or_insert_default().push(letter),
        }
    }
    words.extend(word);
    words
}

/// A text as iptables-save writes it: in quotes, with backslashes, when it is not plain.
#[must_use]
pub fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    let mut quoted = String::from("\"");
    for letter in text.chars() {
        if matches!(letter, '"' | '\'' | '\\') {
            quoted.push('\\');
        }
        quoted.push(letter);
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_may_be_clustered_and_carry_their_value() {
        let line = split("-nvL INPUT -tnat --line-numbers ! --table=raw -j");
        let mut words = Words::new(&line);
        assert_eq!(words.next(), Some(Word::Option(Flag::Short('n'))));
        assert_eq!(words.next(), Some(Word::Option(Flag::Short('v'))));
        assert_eq!(words.next(), Some(Word::Option(Flag::Short('L'))));
        assert_eq!(words.plain(), Some("INPUT"));
        assert_eq!((words.next(), words.value()), (Some(Word::Option(Flag::Short('t'))), Ok("nat")));
        assert_eq!(words.next(), Some(Word::Option(Flag::Long("line-numbers"))));
        assert_eq!(words.next(), Some(Word::Not));
        assert_eq!((words.next(), words.value()), (Some(Word::Option(Flag::Long("table"))), Ok("raw")));
        assert_eq!(words.next(), Some(Word::Option(Flag::Short('j'))));
        assert_eq!(words.value(), Err(Usage::MissingArgument("-j".into())));
    }

    #[test]
    fn quotes_go_there_and_back() {
        for text in ["two words", "a\"b\\c'", "x", ""] {
            assert_eq!(split(&quoted(text)), [text]);
        }
        assert_eq!(quoted("x"), "x");
        assert_eq!(split("a  \"b c\"d\\ e\tf"), ["a", "b cd e", "f"]);
    }
}
