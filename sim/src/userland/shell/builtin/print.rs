//! `echo` and `printf`.

use super::super::dialect::Dialect;
use super::super::escape::{Set, decode};
use super::super::machine::Machine;
use super::Outcome;
use crate::userland::{Errno, Sys};

/// `echo`: dash always reads escapes, the others after `-e`.
pub(super) fn echo(machine: &mut Machine, sys: &mut Sys<'_>, args: &[String]) -> Outcome {
    let dash = machine.dialect() == Dialect::Dash;
    let mut words = &args[1..];
    let (mut newline, mut escapes) = (true, dash);
    while let Some((first, rest)) = words.split_first().filter(|(first, _)| is_option(first, dash)) {
        for letter in first.chars().skip(1) {
            match letter {
                'n' => newline = false,
                'e' => escapes = true,
                _ => escapes = false,
            }
        }
        words = rest;
    }
    let mut text = words.join(" ");
    if escapes {
        let decoded = decode(&text, Set::Echo);
        text = decoded.text;
        newline &= !decoded.cut;
    }
    if newline {
        text.push('\n');
    }
    match sys.try_write(1, text.as_bytes()) {
        Err(errno) if errno != Errno::BrokenPipe => {
            let text = format!("write error: {errno}");
            match machine.dialect() {
                Dialect::Ash => machine.complain(sys, &text),
                Dialect::Bash => machine.say(sys, "echo", &text),
                Dialect::Dash => machine.say(sys, "echo", "echo: I/O error"),
            }
            Outcome::Status(1)
        }
        _ => Outcome::Status(0),
    }
}

fn is_option(word: &str, dash: bool) -> bool {
    let letters = if dash { "n" } else { "neE" };
    word.len() > 1 && word.starts_with('-') && word.chars().skip(1).all(|c| letters.contains(c))
}

/// `printf`
pub(super) fn printf(machine: &mut Machine, sys: &mut Sys<'_>, args: &[String]) -> Outcome {
    let mut rest = &args[1..];
    let mut variable = None;
    if let [option, name, others @ ..] = rest
        && option == "-v"
        && machine.dialect() == Dialect::Bash
    {
        variable = Some(name.clone());
        rest = others;
    }
    if rest.first().is_some_and(|word| word == "--") {
        rest = &rest[1..];
    }
    let Some((format, arguments)) = rest.split_first() else {
        sys.eprint(machine.state.voice.applet(machine.state.line, "printf", "usage: printf format [arguments]"));
        return Outcome::Status(2);
    };
    let mut printer = Printer { out: String::new(), arguments, used: 0, bad: Vec::new(), cut: false };
    printer.all(format);
    let status = i32::from(!printer.bad.is_empty());
    for word in &printer.bad {
        complain(machine, sys, word);
    }
    let Printer { out, .. } = printer;
    match variable {
        None => sys.print(out),
        Some(name) => {
            if let Err(failure) = machine.state.variables.assign(&name, out) {
                return Outcome::Failure(failure);
            }
        }
    }
    Outcome::Status(status)
}

fn complain(machine: &Machine, sys: &mut Sys<'_>, word: &str) {
    let text = match machine.dialect() {
        Dialect::Ash => format!("invalid number '{word}'"),
        Dialect::Dash => format!("{word}: expected numeric value"),
        Dialect::Bash => format!("{word}: invalid number"),
    };
    sys.eprint(machine.state.voice.applet(machine.state.line, "printf", &text));
}

struct Printer<'a> {
    out: String,
    arguments: &'a [String],
    used: usize,
    /// Arguments that should have been numbers.
    bad: Vec<String>,
    /// `\c` ended it.
    cut: bool,
}

/// What stands between `%` and the letter.
#[derive(Default)]
struct Layout {
    flags: String,
    width: usize,
    precision: Option<usize>,
}

impl Printer<'_> {
    /// The format, again and again as long as it takes arguments and there are some.
    fn all(&mut self, format: &str) {
        loop {
            let before = self.used;
            self.once(format);
            if self.cut || self.used == before || self.used >= self.arguments.len() {
                return;
            }
        }
    }

    fn once(&mut self, format: &str) {
        let mut rest = format;
        while let Some(at) = rest.find('%') {
            self.out += &decode(&rest[..at], Set::Printf).text;
            rest = self.directive(&rest[at + 1..]);
            if self.cut {
                return;
            }
        }
        self.out += &decode(rest, Set::Printf).text;
    }

    fn next(&mut self) -> Option<&str> {
        let argument = self.arguments.get(self.used)?;
        self.used += 1;
        Some(argument)
    }

    /// One directive behind its `%`; what follows it.
    fn directive<'f>(&mut self, text: &'f str) -> &'f str {
        let (layout, rest) = self.layout(text);
        let Some(letter) = rest.chars().next() else {
            self.out.push('%');
            return rest;
        };
        let text = match letter {
            '%' => "%".to_owned(),
            's' => self.string(&layout),
            'c' => self.next().and_then(|a| a.chars().next()).map_or_else(String::new, String::from),
            'b' => {
                let decoded = decode(self.next().unwrap_or_default(), Set::Echo);
                self.cut = decoded.cut;
                decoded.text
            }
            'd' | 'i' | 'u' | 'o' | 'x' | 'X' => self.integer(&layout, letter),
            'f' | 'F' | 'e' | 'g' => self.fraction(&layout),
            other => format!("%{other}"),
        };
        self.pad(&layout, &text, letter);
        &rest[letter.len_utf8()..]
    }

    fn layout<'f>(&mut self, text: &'f str) -> (Layout, &'f str) {
        let mut layout = Layout::default();
        let flags = text.len() - text.trim_start_matches(['-', '+', ' ', '#', '0']).len();
        layout.flags = text[..flags].to_owned();
        let (width, rest) = self.count(&text[flags..]);
        layout.width = width.unwrap_or(0);
        let Some(rest) = rest.strip_prefix('.') else { return (layout, rest) };
        let (precision, rest) = self.count(rest);
        layout.precision = Some(precision.unwrap_or(0));
        (layout, rest)
    }

    /// A number in the format, or `*` for the next argument.
    fn count<'f>(&mut self, text: &'f str) -> (Option<usize>, &'f str) {
        if let Some(rest) = text.strip_prefix('*') {
            return (self.next().and_then(|n| n.parse().ok()), rest);
        }
        let size = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        (text[..size].parse().ok(), &text[size..])
    }

    fn string(&mut self, layout: &Layout) -> String {
        let text = self.next().unwrap_or_default();
        text.chars().take(layout.precision.unwrap_or(usize::MAX)).collect()
    }

    fn integer(&mut self, layout: &Layout, letter: char) -> String {
        let word = self.next().unwrap_or_default().to_owned();
        let (value, whole) = leading_integer(&word);
        if !whole {
            self.bad.push(word);
        }
        let sharp = layout.flags.contains('#');
        let digits = match letter {
            'o' if sharp => format!("0{value:o}"),
            'o' => format!("{value:o}"),
            'x' if sharp => format!("{value:#x}"),
            'x' => format!("{value:x}"),
            'X' => format!("{value:X}"),
            'u' => value.cast_unsigned().to_string(),
            _ => value.unsigned_abs().to_string(),
        };
        let digits = format!("{digits:0>width$}", width = layout.precision.unwrap_or(0));
        let sign = match value {
            _ if !matches!(letter, 'd' | 'i') => "",
            ..0 => "-",
            _ if layout.flags.contains('+') => "+",
            _ if layout.flags.contains(' ') => " ",
            _ => "",
        };
        sign.to_owned() + &digits
    }

    fn fraction(&mut self, layout: &Layout) -> String {
        let word = self.next().unwrap_or_default().to_owned();
        let value = match word.parse::<f64>() {
            Ok(value) => value,
            Err(_) if word.is_empty() => 0.0,
            Err(_) => {
                self.bad.push(word);
                0.0
            }
        };
        format!("{value:.digits$}", digits = layout.precision.unwrap_or(6))
    }

    fn pad(&mut self, layout: &Layout, text: &str, letter: char) {
        let missing = layout.width.saturating_sub(text.chars().count());
        // A precision says how many digits an integer has, and nothing of a fraction's.
        let is_free = layout.precision.is_none() || "fF".contains(letter);
        if layout.flags.contains('-') {
            self.out += text;
            self.out += &" ".repeat(missing);
        } else if layout.flags.contains('0') && "diuoxXfF".contains(letter) && is_free {
            let (sign, digits) = text.split_at(text.len() - text.trim_start_matches(['-', '+', ' ']).len());
            self.out += sign;
            self.out += &"0".repeat(missing);
            self.out += digits;
        } else {
            self.out += &" ".repeat(missing);
            self.out += text;
        }
    }
}

/// The number that `word` begins with, and whether it is nothing else. `'c` is the code of a character.
fn leading_integer(word: &str) -> (i64, bool) {
    if let Some(quoted) = word.strip_prefix(['\'', '"']) {
        return (quoted.chars().next().map_or(0, |c| i64::from(u32::from(c))), true);
    }
    let text = word.trim_start();
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.trim_start_matches('+')),
    };
    let (radix, digits) = match digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        Some(hex) => (16, hex),
        None if digits.starts_with('0') => (8, digits),
        None => (10, digits),
    };
    let size = digits.chars().take_while(|c| c.is_digit(radix)).count();
    let value = i64::from_str_radix(&digits[..size], radix).unwrap_or(0);
    (if negative { -value } else { value }, word.is_empty() || (size > 0 && size == digits.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(format: &str, arguments: &[&str]) -> (String, Vec<String>) {
        let arguments: Vec<String> = arguments.iter().map(|&a| a.to_owned()).collect();
        let mut printer = Printer { out: String::new(), arguments: &arguments, used: 0, bad: Vec::new(), cut: false };
        printer.all(format);
        (printer.out, printer.bad)
    }

    #[test]
    fn a_format_is_used_up_as_often_as_there_are_arguments() {
        assert_eq!(printed("%s=%d;", &["a", "1", "b"]).0, "a=1;b=0;");
        assert_eq!(printed("x\\n", &["unused"]).0, "x\n");
        assert_eq!(printed("%b-%s|", &["a\\cb", "c"]).0, "a");
    }

    #[test]
    fn numbers_are_laid_out_as_c_does_it() {
        assert_eq!(
            printed("%5d|%-5d|%05d|%+d|%.3d|%*d", &["42", "42", "-42", "7", "5", "4", "9"]).0.as_str(),
            "   42|42   |-0042|+7|005|   9"
        );
        assert_eq!(printed("%x %X %#o %u %c", &["255", "255", "8", "1", "xyz"]).0, "ff FF 010 1 x");
        assert_eq!(
            printed("%d %d %d %d", &["0x10", "010", "'A", "3x"]),
            ("16 8 65 3".to_owned(), vec!["3x".to_owned()])
        );
        assert_eq!(printed("%.2f %f", &["1.005", "2"]).0, "1.00 2.000000");
    }
}
