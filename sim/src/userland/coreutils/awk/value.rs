//! Awk's values: texts and numbers that become each other, and how numbers and formats are printed.

use crate::userland::real::general;

/// A value. What came from input is a text that counts as a number when it looks like one.
#[derive(Clone, Debug, Default)]
pub(super) enum Value {
    /// Nothing was assigned yet.
    #[default]
    Nothing,
    /// A number.
    Number(f64),
    /// A text.
    Text(String),
    /// A text from input.
    Input(String),
}

impl Value {
    /// The value as a number: that at its beginning.
    pub(super) fn number(&self) -> f64 {
        match self {
            Self::Nothing => 0.0,
            Self::Number(number) => *number,
            Self::Text(text) | Self::Input(text) => number(text),
        }
    }

    /// The value as a text.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Nothing => String::new(),
            Self::Number(number) => shown(*number),
            Self::Text(text) | Self::Input(text) => text.clone(),
        }
    }

    /// The value as a truth.
    pub(super) fn holds(&self) -> bool {
        match self {
            Self::Nothing => false,
            Self::Number(number) => *number != 0.0,
            Self::Text(text) => !text.is_empty(),
            Self::Input(text) => match looks_numeric(text) {
                true => number(text) != 0.0,
                false => !text.is_empty(),
            },
        }
    }

    fn is_numeric(&self) -> bool {
        match self {
            Self::Nothing | Self::Number(_) => true,
            Self::Text(_) => false,
            Self::Input(text) => looks_numeric(text),
        }
    }

    /// How it stands to another: as numbers when both are, else as texts.
    pub(super) fn compare(&self, other: &Self) -> core::cmp::Ordering {
        if self.is_numeric() && other.is_numeric() {
            return self.number().partial_cmp(&other.number()).unwrap_or(core::cmp::Ordering::Equal);
        }
        self.text().cmp(&other.text())
    }
}

fn looks_numeric(text: &str) -> bool {
    let text = text.trim();
    !text.is_empty() && prefix(text) == text.len()
}

/// The bytes at the beginning of a text that make a decimal number.
fn prefix(text: &str) -> usize {
    let digits = |from: usize| text[from..].find(|c: char| !c.is_ascii_digit()).map_or(text.len(), |at| from + at);
    let begin = usize::from(text.starts_with(['+', '-']));
    let whole = digits(begin);
    let mut end = whole;
    let mut count = whole - begin;
    if text[end..].starts_with('.') {
        let fraction = digits(end + 1);
        count += fraction - end - 1;
        end = fraction;
    }
    if count == 0 {
        return 0;
    }
    if text[end..].starts_with(['e', 'E']) {
        let from = end + 1 + usize::from(text[end + 1..].starts_with(['+', '-']));
        let exponent = digits(from);
        if exponent > from {
            end = exponent;
        }
    }
    end
}

/// The number at the beginning of a text; 0 when there is none.
pub(super) fn number(text: &str) -> f64 {
    let text = text.trim_start();
    text[..prefix(text)].parse().unwrap_or(0.0)
}

/// A number as it is printed: whole ones as such, others with six digits.
#[expect(clippy::cast_possible_truncation, reason = "whole numbers of this size fit")]
fn shown(number: f64) -> String {
    if number.fract() == 0.0 && number.abs() < 1e16 {
        return (number as i64).to_string();
    }
    general(number, 6)
}

/// The widest field that a format may ask for.
const WIDTH_MAX: usize = 4096;

/// What `printf` makes of a format and its arguments.
pub(super) fn format(format: &str, arguments: &[Value]) -> String {
    let mut out = String::new();
    let mut arguments = arguments.iter();
    let mut rest = format;
    while let Some(at) = rest.find('%') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let end = rest.find(|c: char| c.is_ascii_alphabetic() || c == '%').unwrap_or(rest.len());
        let mut spec = rest[..end].to_owned();
        while let Some(star) = spec.find('*') {
            let width = arguments.next().map_or(0.0, Value::number);
            spec.replace_range(star..=star, &shown(width));
        }
        let Some(letter) = rest[end..].chars().next() else { break };
        rest = &rest[end + letter.len_utf8()..];
        if letter == '%' {
            out.push('%');
            continue;
        }
        let value = arguments.next().cloned().unwrap_or_default();
        out.push_str(&field(&spec, letter, &value));
    }
    out.push_str(rest);
    out
}

#[expect(clippy::cast_possible_truncation, reason = "C truncates too")]
fn field(spec: &str, letter: char, value: &Value) -> String {
    let flags: String = spec.chars().take_while(|c| "-0+ #".contains(*c)).collect();
    let counts = &spec[flags.len()..];
    let (width, precision) = counts.split_once('.').map_or((counts, None), |(width, p)| (width, Some(p)));
    let width = width.parse::<usize>().unwrap_or(0).min(WIDTH_MAX);
    let precision = precision.map(|p| p.parse::<usize>().unwrap_or(0).min(WIDTH_MAX));
    let whole = value.number() as i64;
    let text = match letter {
        'd' | 'i' => format!("{:0>1$}", whole.unsigned_abs(), precision.unwrap_or(1)),
        'o' => format!("{whole:o}"),
        'x' => format!("{whole:x}"),
        'X' => format!("{whole:X}"),
        'u' => format!("{whole}"),
        'c' => match value {
            Value::Number(_) => char::from(whole.to_le_bytes()[0]).to_string(),
            other => other.text().chars().take(1).collect(),
        },
        'f' | 'F' => format!("{:.*}", precision.unwrap_or(6), value.number().abs()),
        'e' | 'E' => {
            let plain = format!("{:.*e}", precision.unwrap_or(6), value.number().abs());
            let (mantissa, exponent) = plain.split_once('e').expect("the notation has an exponent");
            let exponent: i32 = exponent.parse().unwrap_or(0);
            format!("{mantissa}e{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.abs())
        }
        'g' | 'G' => general(value.number().abs(), precision.unwrap_or(6)),
        _ => value.text().chars().take(precision.unwrap_or(usize::MAX)).collect(),
    };
    let numeric = "difFeEgG".contains(letter);
    let negative = numeric && if "di".contains(letter) { whole < 0 } else { value.number() < 0.0 };
    let sign = match negative {
        true => "-",
        false if numeric && flags.contains('+') => "+",
        false if numeric && flags.contains(' ') => " ",
        false => "",
    };
    let room = width.saturating_sub(sign.len());
    if flags.contains('-') {
        return format!("{:<width$}", format!("{sign}{text}"));
    }
    if flags.contains('0') && !"sc".contains(letter) {
        return format!("{sign}{text:0>room$}");
    }
    format!("{:>width$}", format!("{sign}{text}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_print_as_c_prints_them() {
        assert_eq!(shown(3.0), "3");
        assert_eq!(shown(0.1 + 0.2), "0.3");
        assert_eq!(shown(1e-7), "1e-07");
        assert_eq!(
            format("%5.2f|%-4d|%04d|%s|%c|%x|%%", &[2.56789, -7.0, 42.0, 1.5, 65.0, 255.0].map(Value::Number)),
            " 2.57|-7  |0042|1.5|A|ff|%"
        );
    }

    #[test]
    fn input_counts_as_a_number_when_it_looks_like_one() {
        let input = |text: &str| Value::Input(text.to_owned());
        assert!(input("10").compare(&input("9")).is_gt());
        assert!(input("10x").compare(&input("9x")).is_lt());
        assert!(!input("0").holds() && input("x").holds());
        assert!((Value::Text("3abc".to_owned()).number() - 3.0).abs() < f64::EPSILON);
    }
}
