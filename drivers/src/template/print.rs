//! `print`, `println` and `printf`, as Go's fmt does them. Verbs for what docker's data holds: strings, numbers, truth
//! values, lists and maps; explicit argument indexes (`%[1]d`) are not among them.

use serde_json::Value;

use super::literal;
use super::value::{float_text, printed, text, text_by, type_name, with_exponent};

/// All values, with a blank between two of which neither is a string.
pub(super) fn print(values: &[&Value]) -> String {
    sprint(values, text)
}

/// What `html` and its kin escape: like [`print`], but nothing is `<no value>`.
pub(super) fn escapable(values: &[&Value]) -> String {
    sprint(values, printed)
}

fn sprint(values: &[&Value], show: impl Fn(&Value) -> String) -> String {
    let mut joined = String::new();
    for (i, value) in values.iter().enumerate() {
        if i > 0 && !value.is_string() && !values[i - 1].is_string() {
            joined.push(' ');
        }
        joined.push_str(&show(value));
    }
    joined
}

/// All values with blanks between them, and a line feed.
pub(super) fn println(values: &[&Value]) -> String {
    let words: Vec<String> = values.iter().map(|value| text(value)).collect();
    words.join(" ") + "\n"
}

/// What stands between a `%` and its verb.
#[derive(Clone, Copy, Default)]
struct Spec {
    left: bool,
    plus: bool,
    sharp: bool,
    space: bool,
    zero: bool,
    width: Option<usize>,
    precision: Option<usize>,
}

/// Formats `values` by `format`. Mistakes show in the text, as in Go.
pub(super) fn printf(format: &str, values: &[&Value]) -> String {
    let mut out = String::new();
    let mut values = values.iter().copied();
    let mut chars = format.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        let spec = spec(&mut chars, &mut values);
        match chars.next() {
            None => out.push_str("%!(NOVERB)"),
            Some('%') => out.push('%'),
            Some(verb) => match values.next() {
                Some(value) => out.push_str(&formatted(value, verb, spec)),
                None => out.push_str(&format!("%!{verb}(MISSING)")),
            },
        }
    }
    let extra: Vec<String> = values.map(described).collect();
    if !extra.is_empty() {
        out.push_str(&format!("%!(EXTRA {})", extra.join(", ")));
    }
    out
}

type Chars<'s> = core::iter::Peekable<core::str::Chars<'s>>;

fn spec<'v>(chars: &mut Chars<'_>, values: &mut impl Iterator<Item = &'v Value>) -> Spec {
    let mut spec = Spec::default();
    while let Some(flag) = chars.next_if(|c| matches!(c, '-' | '+' | '#' | ' ' | '0')) {
        match flag {
            '-' => spec.left = true,
            '+' => spec.plus = true,
            '#' => spec.sharp = true,
            ' ' => spec.space = true,
            _ => spec.zero = true,
        }
    }
    spec.width = size(chars, values);
    if chars.next_if_eq(&'.').is_some() {
        spec.precision = Some(size(chars, values).unwrap_or(0));
    }
    spec
}

/// More than any terminal is wide; it keeps a typing error from filling the memory.
const SIZE_MAX: usize = 10_000;

/// A width or a precision: digits, or `*` for the next value.
fn size<'v>(chars: &mut Chars<'_>, values: &mut impl Iterator<Item = &'v Value>) -> Option<usize> {
    if chars.next_if_eq(&'*').is_some() {
        let given = values.next()?.as_u64()?;
        return usize::try_from(given).ok().map(|size| size.min(SIZE_MAX));
    }
    let mut size = None;
    while let Some(digit) = chars.peek().and_then(|c| usize::try_from(c.to_digit(10)?).ok()) {
        chars.next();
        size = Some((size.unwrap_or(0) * 10 + digit).min(SIZE_MAX));
    }
    size
}

/// A value with its type: `int=1`.
fn described(value: &Value) -> String {
    if value.is_null() { "<nil>".to_owned() } else { format!("{}={}", type_name(value), text(value)) }
}

fn formatted(value: &Value, verb: char, spec: Spec) -> String {
    // With %v a plus asks for the names of fields, which maps have anyway, and not for signs.
    let spec = Spec { plus: spec.plus && verb != 'v', ..spec };
    match (verb, value) {
        ('T', Value::Null) => padded("<nil>", spec),
        ('T', _) => padded(type_name(value), spec),
        ('v', Value::Null) => padded("<nil>", spec),
        (_, Value::Null) => format!("%!{verb}(<nil>)"),
        _ => text_by(value, &|plain| scalar(plain, verb, spec)),
    }
}

/// A value that is no list and no map.
fn scalar(value: &Value, verb: char, spec: Spec) -> String {
    let text = match value {
        Value::Bool(b) if matches!(verb, 'v' | 't') => Some(b.to_string()),
        Value::String(s) => string(s, verb, spec),
        Value::Number(n) => match (n.as_i64(), n.as_f64()) {
            (Some(n), _) => return integer(n, verb, spec).map_or_else(|| bad(value, verb), |t| number(t, spec)),
            (None, Some(f)) => return float(f, verb, spec).map_or_else(|| bad(value, verb), |t| number(t, spec)),
            (None, None) => None,
        },
        _ => None,
    };
    text.map_or_else(|| bad(value, verb), |text| padded(&text, spec))
}

fn bad(value: &Value, verb: char) -> String {
    format!("%!{verb}({})", described(value))
}

fn string(s: &str, verb: char, spec: Spec) -> Option<String> {
    let cut: String = s.chars().take(spec.precision.unwrap_or(usize::MAX)).collect();
    match verb {
        'v' if spec.sharp => Some(literal::quote(&cut)),
        'v' | 's' => Some(cut),
        'q' => Some(literal::quote(&cut)),
        'x' => Some(cut.bytes().map(|byte| format!("{byte:02x}")).collect()),
        'X' => Some(cut.bytes().map(|byte| format!("{byte:02X}")).collect()),
        _ => None,
    }
}

fn integer(n: i64, verb: char, spec: Spec) -> Option<String> {
    let sign = if n < 0 { "-" } else { "" };
    let size = n.unsigned_abs();
    let character = || u32::try_from(n).ok().and_then(char::from_u32).unwrap_or('\u{fffd}');
    Some(match verb {
        'v' | 'd' => n.to_string(),
        'b' => format!("{sign}{size:b}"),
        'o' => format!("{sign}{}{size:o}", if spec.sharp { "0" } else { "" }),
        'x' => format!("{sign}{}{size:x}", if spec.sharp { "0x" } else { "" }),
        'X' => format!("{sign}{}{size:X}", if spec.sharp { "0X" } else { "" }),
        'c' => character().to_string(),
        'q' => literal::quote_char(character()),
        'U' => format!("U+{size:04X}"),
        _ => return None,
    })
}

fn float(f: f64, verb: char, spec: Spec) -> Option<String> {
    let precision = spec.precision.unwrap_or(6);
    match verb {
        'v' | 'g' => Some(float_text(f)),
        'G' => Some(float_text(f).to_uppercase()),
        'f' | 'F' => Some(format!("{f:.precision$}")),
        'e' | 'E' => {
            let written = format!("{f:.precision$e}");
            let (mantissa, exponent) = written.split_once('e')?;
            let text = with_exponent(mantissa, exponent.parse().ok()?);
            Some(if verb == 'E' { text.to_uppercase() } else { text })
        }
        _ => None,
    }
}

/// A number with its sign, and zeros on its left if asked for.
fn number(text: String, spec: Spec) -> String {
    let signed = match () {
        () if text.starts_with('-') => text,
        () if spec.plus => format!("+{text}"),
        () if spec.space => format!(" {text}"),
        () => text,
    };
    if !spec.zero || spec.left {
        return padded(&signed, spec);
    }
    let digits = signed.trim_start_matches(['-', '+', ' ']);
    let sign = &signed[..signed.len() - digits.len()];
    format!("{sign}{digits:0>width$}", width = spec.width.unwrap_or(0).saturating_sub(sign.len()))
}

fn padded(text: &str, spec: Spec) -> String {
    let width = spec.width.unwrap_or(0);
    if spec.left { format!("{text:<width$}") } else { format!("{text:>width$}") }
}
