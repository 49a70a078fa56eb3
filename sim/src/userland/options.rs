//! Options of small programs, to be asked for by letter in any order once [`Getopt`] has read them all. What a program
//! does with them is its own affair.

use super::Flavour;
use super::getopt::{Getopt, OptError};

/// The options and operands of a command line.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Options {
    given: Vec<(char, String)>,
    /// What is not an option, in order.
    pub operands: Vec<String>,
}

/// Where options may stand.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Order {
    /// Anywhere before `--`.
    Anywhere,
    /// Before the first operand: what follows belongs to another program.
    First,
}

impl Options {
    /// Reads `argv`, the program's name first; in `spec` a letter with `:` behind it takes a value.
    ///
    /// # Errors
    /// For a letter that is not in `spec` or lacks its value.
    pub fn parse(argv: &[String], spec: &str, order: Order) -> Result<Self, OptError> {
        let spec = match order {
            Order::Anywhere => spec.to_owned(),
            Order::First => format!("+{spec}"),
        };
        let mut words = Getopt::new(argv, &spec);
        let mut given = Vec::new();
        for opt in &mut words {
            let opt = opt?;
            given.push((opt.flag, opt.value.to_owned()));
        }
        let operands = words.operands().into_iter().map(str::to_owned).collect();
        Ok(Self { given, operands })
    }

    /// Whether a letter was given.
    #[must_use]
    pub fn has(&self, letter: char) -> bool {
        self.given.iter().any(|(l, _)| *l == letter)
    }

    /// The last value of a letter.
    #[must_use]
    pub fn value(&self, letter: char) -> Option<&str> {
        self.given.iter().rev().find(|(l, _)| *l == letter).map(|(_, v)| v.as_str())
    }

    /// All values of a letter, in order.
    pub fn values(&self, letter: char) -> impl Iterator<Item = &str> {
        self.given.iter().filter(move |(l, _)| *l == letter).map(|(_, v)| v.as_str())
    }
}

impl OptError {
    /// What `program` prints, with its synopsis where busybox prints one.
    #[must_use]
    pub fn text(&self, program: &str, synopsis: &str, flavour: Flavour) -> String {
        format!("{program}: {self}\n{}", usage(program, synopsis, flavour))
    }
}

/// Where to learn more: GNU programs say only that, busybox prints its name and the synopsis.
#[must_use]
pub fn usage(program: &str, synopsis: &str, flavour: Flavour) -> String {
    match flavour {
        Flavour::Host => format!("Try '{program} --help' for more information.\n"),
        Flavour::Busybox => format!(
            "BusyBox v1.35.0 (Debian 1:1.35.0-4+deb12u1+b1) multi-call binary.\n\nUsage: {program} {synopsis}\n"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str, spec: &str, order: Order) -> Result<Options, OptError> {
        let argv: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        Options::parse(&argv, spec, order)
    }

    #[test]
    fn letters_may_be_joined_and_values_may_touch_them() {
        let options = parse("head -qn5 file -c 3 -- -x", "qn:c:", Order::Anywhere).unwrap();
        assert!(options.has('q') && !options.has('v'));
        assert_eq!((options.value('n'), options.value('c')), (Some("5"), Some("3")));
        assert_eq!(options.operands, ["file", "-x"]);
    }

    #[test]
    fn what_follows_another_programs_name_is_its_own() {
        let options = parse("env -i A=b ls -l", "iu:", Order::First).unwrap();
        assert_eq!(options.operands, ["A=b", "ls", "-l"]);
    }

    #[test]
    fn errors_are_worded_as_getopt_words_them() {
        let error = parse("cut -z", "d:", Order::Anywhere).unwrap_err();
        let text = error.text("cut", "", Flavour::Host);
        assert_eq!(text, "cut: invalid option -- 'z'\nTry 'cut --help' for more information.\n");
        let error = parse("cut -d", "d:", Order::Anywhere).unwrap_err();
        assert_eq!(error, OptError::MissingValue('d'));
    }
}
