//! Programs that print their arguments: `basename`, `dirname`, `echo`, `printf` and `yes`.

use core::fmt::Write as _;

use crate::userland::options::usage;
use crate::userland::{Flavour, Program, Step, Sys, escape};

/// `basename NAME [SUFFIX]`
pub(super) fn basename(sys: &mut Sys<'_>) -> i32 {
    let words: Vec<String> = sys.argv().iter().skip(1).cloned().collect();
    let Some(name) = words.first() else {
        return missing(sys, "basename", "FILE [SUFFIX] | -a FILE... | -s SUFFIX FILE...");
    };
    let trimmed = name.trim_end_matches('/');
    let last = if trimmed.is_empty() { "/" } else { trimmed.rsplit('/').next().unwrap_or(trimmed) };
    let cut = words.get(1).and_then(|suffix| last.strip_suffix(suffix.as_str())).filter(|rest| !rest.is_empty());
    sys.print(format!("{}\n", cut.unwrap_or(last)));
    0
}

/// `dirname NAME`
pub(super) fn dirname(sys: &mut Sys<'_>) -> i32 {
    let Some(name) = sys.argv().get(1).cloned() else { return missing(sys, "dirname", "FILENAME") };
    let directory = match name.trim_end_matches('/').rsplit_once('/') {
        Some((directory, _)) if directory.trim_end_matches('/').is_empty() => "/",
        Some((directory, _)) => directory.trim_end_matches('/'),
        None if name.starts_with('/') => "/",
        None => ".",
    };
    sys.print(format!("{directory}\n"));
    0
}

fn missing(sys: &mut Sys<'_>, name: &str, synopsis: &str) -> i32 {
    let flavour = sys.flavour();
    let said = if flavour == Flavour::Host { format!("{name}: missing operand\n") } else { String::new() };
    sys.eprint(said + &usage(name, synopsis, flavour));
    1
}

/// `echo [-neE] [WORD]…`
pub(super) fn echo(sys: &mut Sys<'_>) -> i32 {
    let text = echoed(&sys.argv()[1..]);
    sys.print(text);
    0
}

fn echoed(words: &[String]) -> String {
    let is_option = |w: &&String| w.len() > 1 && w.starts_with('-') && w[1..].chars().all(|c| "neE".contains(c));
    let options = words.iter().take_while(is_option).count();
    let letters: String = words[..options].concat();
    let escapes = letters.chars().rfind(|c| "eE".contains(*c)) == Some('e');
    let mut text = words[options..].join(" ");
    let mut go_on = true;
    if escapes {
        (text, go_on) = unescaped(&text);
    }
    if go_on && !letters.contains('n') {
        text.push('\n');
    }
    text
}

/// `text` with its backslash sequences replaced, and whether there was no `\c`, which ends all output.
fn unescaped(text: &str) -> (String, bool) {
    let mut out = String::new();
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match rest.next() {
            Some('c') => return (out, false),
            Some('0') => out.push(octal(&mut rest, 3, 0)),
            Some(digit @ '1'..='7') => out.push(octal(&mut rest, 2, digit.to_digit(8).unwrap_or(0))),
            Some('e') => out.push('\x1b'),
            Some(letter) => match escape::meaning(letter) {
                Some(meant) => out.push(meant),
                None => out.extend(['\\', letter]),
            },
            None => out.push('\\'),
        }
    }
    (out, true)
}

/// The character of up to `most` more octal digits.
fn octal(rest: &mut core::iter::Peekable<core::str::Chars<'_>>, most: usize, begun: u32) -> char {
    let mut code = begun;
    for _ in 0..most {
        let Some(digit) = rest.peek().and_then(|c| c.to_digit(8)) else { break };
        code = code * 8 + digit;
        rest.next();
    }
    char::from(u8::try_from(code & 0xff).expect("eight bits"))
}

/// `printf FORMAT [ARG]…`
pub(super) fn printf(sys: &mut Sys<'_>) -> i32 {
    let words: Vec<String> = sys.argv().iter().skip(1).cloned().collect();
    let Some((format, arguments)) = words.split_first() else { return missing(sys, "printf", "FORMAT [ARG]...") };
    let mut printing = Printing { arguments, at: 0, bad: Vec::new(), out: String::new() };
    printing.all(format);
    let (out, bad) = (printing.out, printing.bad);
    sys.print(out);
    for word in &bad {
        let said = match sys.flavour() {
            Flavour::Host => format!("printf: '{word}': expected a numeric value\n"),
            Flavour::Busybox => format!("printf: invalid number '{word}'\n"),
        };
        sys.eprint(said);
    }
    i32::from(!bad.is_empty())
}

/// A format at work on its arguments.
struct Printing<'a> {
    arguments: &'a [String],
    at: usize,
    bad: Vec<String>,
    out: String,
}

/// A directive such as `%-5.2f`.
#[derive(Clone, Copy, Default)]
struct Directive {
    left: bool,
    zero: bool,
    plus: bool,
    width: usize,
    precision: Option<usize>,
}

impl Printing<'_> {
    /// The format is used again while arguments are left and it takes any.
    fn all(&mut self, format: &str) {
        loop {
            let before = self.at;
            if !self.once(format) || self.at == before || self.at >= self.arguments.len() {
                return;
            }
        }
    }

    /// False when `\c` ended the output.
    fn once(&mut self, format: &str) -> bool {
        let mut rest = format;
        while let Some(at) = rest.find('%') {
            let (text, go_on) = unescaped(&rest[..at]);
            self.out.push_str(&text);
            if !go_on {
                return false;
            }
            rest = self.directive(&rest[at + 1..]);
        }
        let (text, go_on) = unescaped(rest);
        self.out.push_str(&text);
        go_on
    }

    /// Prints one argument as the directive at the beginning of `rest` says; gives what follows it.
    fn directive<'t>(&mut self, rest: &'t str) -> &'t str {
        let end = rest.find(|c: char| c.is_ascii_alphabetic() || c == '%').unwrap_or(rest.len());
        let directive = self.options(&rest[..end]);
        let mut tail = rest[end..].chars();
        match tail.next() {
            Some('%') => self.out.push('%'),
            Some('s') => {
                let text = self.argument();
                let cut: String = text.chars().take(directive.precision.unwrap_or(usize::MAX)).collect();
                self.pad(directive, &cut);
            }
            Some('c') => {
                let first: String = self.argument().chars().take(1).collect();
                self.pad(directive, &first);
            }
            Some('b') => {
                let text = unescaped(&self.argument()).0;
                self.pad(directive, &text);
            }
            Some(letter) => self.number(directive, letter),
            None => self.out.push('%'),
        }
        tail.as_str()
    }

    fn options(&mut self, text: &str) -> Directive {
        let flags: String = text.chars().take_while(|c| "-0+ #".contains(*c)).collect();
        let counts = &text[flags.len()..];
        let (width, precision) = counts.split_once('.').map_or((counts, None), |(w, p)| (w, Some(p)));
        let mut count = |word: &str| if word == "*" { self.argument().parse() } else { word.parse() };
        Directive {
            left: flags.contains('-'),
            zero: flags.contains('0'),
            plus: flags.contains('+'),
            width: count(width).unwrap_or(0),
            precision: precision.map(|p| count(p).unwrap_or(0)),
        }
    }

    fn argument(&mut self) -> String {
        let word = self.arguments.get(self.at).cloned().unwrap_or_default();
        self.at += 1;
        word
    }

    fn number(&mut self, directive: Directive, letter: char) {
        let word = self.argument();
        let text = match letter {
            'f' | 'F' | 'g' | 'e' => {
                let value: f64 = self.parsed(&word, word.trim().parse().ok());
                format!("{value:.*}", directive.precision.unwrap_or(6))
            }
            _ => {
                let value: i64 = self.parsed(&word, integer(word.trim()));
                match letter {
                    'x' => format!("{value:x}"),
                    'X' => format!("{value:X}"),
                    'o' => format!("{value:o}"),
                    _ => value.to_string(),
                }
            }
        };
        let sign = if directive.plus && !text.starts_with('-') { "+" } else { "" };
        self.pad(directive, &format!("{sign}{text}"));
    }

    /// The value of a word; an empty one is 0, and one that is no number is noted.
    fn parsed<T: Default>(&mut self, word: &str, value: Option<T>) -> T {
        if value.is_none() && !word.is_empty() {
            self.bad.push(word.to_owned());
        }
        value.unwrap_or_default()
    }

    fn pad(&mut self, directive: Directive, text: &str) {
        let width = directive.width;
        let _ = match (directive.left, directive.zero) {
            (true, _) => write!(self.out, "{text:<width$}"),
            (false, true) => {
                let (sign, digits) = text.strip_prefix('-').map_or(("", text), |digits| ("-", digits));
                write!(self.out, "{sign}{digits:0>0$}", width.saturating_sub(sign.len()))
            }
            (false, false) => write!(self.out, "{text:>width$}"),
        };
    }
}

/// `12`, `-3`, `0x1f`, `017`, or `'a` for the code of a character.
fn integer(word: &str) -> Option<i64> {
    if let Some(character) = word.strip_prefix(['\'', '"']) {
        return character.chars().next().map(|c| i64::from(u32::from(c)));
    }
    match (word.strip_prefix("0x"), word.strip_prefix('0')) {
        (Some(hex), _) => i64::from_str_radix(hex, 16).ok(),
        (None, Some(octal)) if !octal.is_empty() => i64::from_str_radix(octal, 8).ok(),
        _ => word.parse().ok(),
    }
}

/// `yes [WORD]…`: the same line without end, while somebody reads it.
#[derive(Clone, Debug, Default)]
pub(super) struct Yes;

impl Program for Yes {
    fn step(&mut self, sys: &mut Sys<'_>) -> Step {
        if sys.is_output_full() {
            return Step::Wait(None);
        }
        let words = sys.argv()[1..].join(" ");
        let line = if words.is_empty() { "y\n".to_owned() } else { words + "\n" };
        sys.print(line.repeat(1 + 8192 / line.len()));
        Step::Yield
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &[&str]) -> Vec<String> {
        line.iter().map(|w| (*w).to_owned()).collect()
    }

    fn printed(format: &str, arguments: &[&str]) -> (String, Vec<String>) {
        let arguments = words(arguments);
        let mut printing = Printing { arguments: &arguments, at: 0, bad: Vec::new(), out: String::new() };
        printing.all(format);
        (printing.out, printing.bad)
    }

    #[test]
    fn echo_knows_its_options_and_prints_the_rest() {
        assert_eq!(echoed(&words(&["a", "-n", "b"])), "a -n b\n");
        assert_eq!(echoed(&words(&["-n", "a\\n"])), "a\\n");
        assert_eq!(echoed(&words(&["-e", "a\\tb\\041\\cx"])), "a\tb!");
        assert_eq!(echoed(&words(&["-x"])), "-x\n");
    }

    #[test]
    fn printf_uses_its_format_until_the_arguments_are_gone() {
        assert_eq!(printed("%s=%d\\n", &["a", "1", "b", "0x10"]).0, "a=1\nb=16\n");
        assert_eq!(printed("%5.2f|%-5s|%05d|%+d", &["3.14159", "ab", "-42", "7"]).0, " 3.14|ab   |-0042|+7");
        assert_eq!(printed("100%% %c%x\\n", &["yes", "255"]).0, "100% yff\n");
        assert_eq!(printed("%d", &["3a"]), ("0".into(), vec!["3a".into()]));
        assert_eq!(printed("plain", &["left over"]).0, "plain");
    }
}
