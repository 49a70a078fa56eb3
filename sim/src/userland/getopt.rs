//! Command line options as `getopt(3)` reads them: `-c 3 -qn HOST`, operands and options in any order, with the
//! error texts of glibc that busybox and iputils print. It knows no program's options and checks no value.

use core::fmt;

/// An option as it stood on the command line.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Opt<'a> {
    /// Its letter; of a long option the letter that it stands for.
    pub flag: char,
    /// Its argument, empty when it takes none.
    pub value: &'a str,
}

/// What is wrong with an option; the text follows the program's name and a colon.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum OptError {
    /// A letter that the program does not know.
    Invalid(char),
    /// An option that needs an argument stood last.
    MissingValue(char),
    /// A long option that the program does not know, without its dashes.
    Unrecognized(String),
    /// A long option that takes no argument got one.
    UnexpectedValue(String),
    /// A long option that needs an argument stood last.
    MissingLongValue(String),
}

impl fmt::Display for OptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid(flag) => write!(f, "invalid option -- '{flag}'"),
            Self::MissingValue(flag) => write!(f, "option requires an argument -- '{flag}'"),
            Self::Unrecognized(name) => write!(f, "unrecognized option '--{name}'"),
            Self::UnexpectedValue(name) => write!(f, "option '--{name}' doesn't allow an argument"),
            Self::MissingLongValue(name) => write!(f, "option '--{name}' requires an argument"),
        }
    }
}

/// Whether an option takes an argument.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Takes {
    Nothing,
    Value,
    /// Only in the same word: `-e3`, `--color=auto`.
    Attached,
}

/// Goes through the options of a command line, and keeps what is no option.
#[derive(Clone, Debug)]
pub struct Getopt<'a> {
    argv: &'a [String],
    spec: &'a str,
    long: &'a [(&'a str, char)],
    /// The word to look at next.
    index: usize,
    /// What is left of a word with several letters.
    letters: &'a str,
    operands: Vec<&'a str>,
}

impl<'a> Getopt<'a> {
    /// The options of `argv` (the program's name first). In `spec` a letter with a colon takes an argument, with two
    /// an attached one; a spec that begins with `+` ends the options at the first operand.
    #[must_use]
    pub const fn new(argv: &'a [String], spec: &'a str) -> Self {
        Self { argv, spec, long: &[], index: 1, letters: "", operands: Vec::new() }
    }

    /// Adds long options: names, and the letters of the spec that they stand for. They may be shortened.
    #[must_use]
    pub const fn with_long(mut self, long: &'a [(&'a str, char)]) -> Self {
        self.long = long;
        self
    }

    /// What is no option, to be asked for when all options were read.
    #[must_use]
    pub fn operands(mut self) -> Vec<&'a str> {
        self.operands.extend(self.argv.get(self.index..).unwrap_or_default().iter().map(String::as_str));
        self.operands
    }

    fn takes(&self, flag: char) -> Option<Takes> {
        let at = self.spec.find(flag).filter(|_| flag != ':' && flag != '+')?;
        let after = &self.spec[at + flag.len_utf8()..];
        Some(match (after.starts_with("::"), after.starts_with(':')) {
            (true, _) => Takes::Attached,
            (false, true) => Takes::Value,
            (false, false) => Takes::Nothing,
        })
    }

    /// The next word that holds options; operands on the way are kept.
    fn next_word(&mut self) -> Option<&'a str> {
        while let Some(word) = self.argv.get(self.index) {
            if word == "--" {
                self.index += 1;
                return None;
            }
            if word.len() > 1 && word.starts_with('-') {
                self.index += 1;
                return Some(&word[1..]);
            }
            if self.spec.starts_with('+') {
                return None;
            }
            self.index += 1;
            self.operands.push(word);
        }
        None
    }

    fn take_word(&mut self) -> Option<&'a str> {
        let word = self.argv.get(self.index)?;
        self.index += 1;
        Some(word)
    }

    fn short(&mut self) -> Result<Opt<'a>, OptError> {
        let flag = self.letters.chars().next().expect("it is asked only while letters are left");
        let rest = &self.letters[flag.len_utf8()..];
        self.letters = "";
        let value = match self.takes(flag) {
            None | Some(Takes::Nothing) => {
                self.letters = rest;
                ""
            }
            Some(Takes::Attached) => rest,
            Some(Takes::Value) if !rest.is_empty() => rest,
            Some(Takes::Value) => self.take_word().ok_or(OptError::MissingValue(flag))?,
        };
        self.takes(flag).map(|_| Opt { flag, value }).ok_or(OptError::Invalid(flag))
    }

    fn long(&mut self, word: &'a str) -> Result<Opt<'a>, OptError> {
        let (name, attached) = word.split_once('=').map_or((word, None), |(name, value)| (name, Some(value)));
        let known = self.long.iter().find(|(n, _)| *n == name).or_else(|| self.shortened(name));
        let Some((name, flag)) = known.copied() else { return Err(OptError::Unrecognized(word.to_owned())) };
        let value = match (self.takes(flag), attached) {
            (Some(Takes::Value | Takes::Attached), Some(value)) => value,
            (Some(Takes::Value), None) => {
                self.take_word().ok_or_else(|| OptError::MissingLongValue(name.to_owned()))?
            }
            (_, Some(_)) => return Err(OptError::UnexpectedValue(name.to_owned())),
            (_, None) => "",
        };
        Ok(Opt { flag, value })
    }

    /// The only long option that begins so.
    fn shortened(&self, name: &str) -> Option<&'a (&'a str, char)> {
        let mut matches = self.long.iter().filter(|(n, _)| n.starts_with(name));
        matches.next().filter(|first| matches.all(|other| other.1 == first.1))
    }
}

impl<'a> Iterator for Getopt<'a> {
    type Item = Result<Opt<'a>, OptError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.letters.is_empty() {
            let word = self.next_word()?;
            if let Some(name) = word.strip_prefix('-').filter(|_| !self.long.is_empty()) {
                return Some(self.long(name));
            }
            self.letters = word;
        }
        Some(self.short())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        line.split_whitespace().map(str::to_owned).collect()
    }

    /// Options as `flag=value` and operands, or the first error's text.
    fn read(line: &str, spec: &str) -> Result<(String, String), String> {
        let argv = words(line);
        let mut options = Getopt::new(&argv, spec).with_long(&[("type", 't'), ("quiet", 'q')]);
        let mut seen = Vec::new();
        for opt in &mut options {
            let opt = opt.map_err(|e| e.to_string())?;
            seen.push(format!("{}={}", opt.flag, opt.value));
        }
        Ok((seen.join(" "), options.operands().join(" ")))
    }

    #[test]
    fn options_and_operands_may_be_mixed() {
        let expected = ("c=1 q= n= w=2".to_owned(), "host other -x".to_owned());
        assert_eq!(read("ping -c 1 host -qn -w2 other -- -x", "c:w:qn"), Ok(expected));
        assert_eq!(read("ping - -q", "q"), Ok(("q=".to_owned(), "-".to_owned())));
    }

    #[test]
    fn a_plus_ends_the_options_at_the_first_operand() {
        let expected = ("q=".to_owned(), "sh -c x".to_owned());
        assert_eq!(read("env -q sh -c x", "+q"), Ok(expected));
    }

    #[test]
    fn attached_arguments_never_take_the_next_word() {
        assert_eq!(read("x -e3 -e 4", "e::"), Ok(("e=3 e=".to_owned(), "4".to_owned())));
    }

    #[test]
    fn long_options_stand_for_letters() {
        assert_eq!(read("x --type=a --quiet --ty b c", "t:q"), Ok(("t=a q= t=b".to_owned(), "c".to_owned())));
        assert_eq!(read("x --quiet=1", "t:q"), Err("option '--quiet' doesn't allow an argument".to_owned()));
        assert_eq!(read("x --type", "t:q"), Err("option '--type' requires an argument".to_owned()));
        assert_eq!(read("x --bogus", "t:q"), Err("unrecognized option '--bogus'".to_owned()));
    }

    #[test]
    fn errors_read_as_glibc_writes_them() {
        assert_eq!(read("ping -c1 -Z x", "c:"), Err("invalid option -- 'Z'".to_owned()));
        assert_eq!(read("ping -c", "c:"), Err("option requires an argument -- 'c'".to_owned()));
        let argv = words("ping --help");
        assert_eq!(Getopt::new(&argv, "c:").next(), Some(Err(OptError::Invalid('-'))));
    }
}
