//! What `[TIME]` stands for: points and lengths of time as the programs of a scenario print them. It says how long a
//! time at the beginning of a text is; it does not compute with it.
//!
//! | form | printed by |
//! |---|---|
//! | `2026-11-21T07:08:30.297114282Z`, `2026-11-21T07:08:30+01:00` | docker inspect, docker events, `date -Ins` |
//! | `2026-11-21 07:08:30.29 +0000 UTC`, without the zone, or the day alone | docker ps, docker network ls |
//! | `Sat Nov 21 07:08:30 2026`, `Sat Nov 21 07:08:30 UTC 2026` | iptables-save, docker version, date |
//! | `07:08:30.297114` | tcpdump |
//! | `3 seconds`, `About a minute`, `Less than a second`, each with or without ` ago` | docker ps, docker images |
//! | `0.045`, `0.045 ms`, `1001ms`, `2s` | ping, curl, time |

/// The words of Docker for a length of time that it does not count.
const VAGUE: [&str; 4] = ["Less than a second", "About a minute", "About an hour", "1 second"];
/// The units that Docker counts.
const COUNTED: [&str; 7] = [" seconds", " minutes", " hours", " days", " weeks", " months", " years"];
/// The units behind a decimal number.
const UNITS: [&str; 7] = ["ns", "us", "µs", "ms", "s", "m", "h"];

/// The lengths in bytes of all times that `text` begins with, the longest first.
#[must_use]
pub fn lengths(text: &str) -> Vec<usize> {
    let forms = [iso, day, date_with_zone, date_of_c, clock, spoken, spoken_ago, decimal, decimal_with_unit];
    let mut lengths: Vec<usize> = forms.iter().filter_map(|form| form(text)).collect();
    lengths.sort_unstable_by(|a, b| b.cmp(a));
    lengths.dedup();
    lengths
}

/// The length of `shape` when `text` begins with it: `0` is a digit, `_` a digit or a space, `a` a letter.
fn shaped(text: &str, shape: &str) -> Option<usize> {
    let bytes = text.as_bytes().get(..shape.len())?;
    let fits = |(byte, shape): (&u8, u8)| match shape {
        b'0' => byte.is_ascii_digit(),
        b'_' => byte.is_ascii_digit() || *byte == b' ',
        b'a' => byte.is_ascii_alphabetic(),
        other => *byte == other,
    };
    bytes.iter().zip(shape.bytes()).all(fits).then_some(shape.len())
}

/// The length of the digits that `text` begins with.
fn digits(text: &str) -> usize {
    text.bytes().take_while(u8::is_ascii_digit).count()
}

/// The length of a fraction (`.297`), or 0.
fn fraction(text: &str) -> usize {
    match text.strip_prefix('.').map(digits) {
        Some(digits) if digits > 0 => 1 + digits,
        _ => 0,
    }
}

fn day(text: &str) -> Option<usize> {
    shaped(text, "0000-00-00")
}

/// A day and a time of day, with what follows of fraction and zone.
fn iso(text: &str) -> Option<usize> {
    let whole = shaped(text, "0000-00-00T00:00:00").or_else(|| shaped(text, "0000-00-00 00:00:00"))?;
    let seconds = whole + fraction(&text[whole..]);
    Some(seconds + zone(&text[seconds..]))
}

/// The length of a zone, or 0.
fn zone(text: &str) -> usize {
    let zones = ["Z", "+00:00", "-00:00", " +0000 aaaa", " +0000 aaa", " -0000 aaa", " +0000", " -0000"];
    zones.iter().find_map(|zone| shaped(text, zone)).unwrap_or(0)
}

fn date_of_c(text: &str) -> Option<usize> {
    shaped(text, "aaa aaa _0 00:00:00 0000")
}

fn date_with_zone(text: &str) -> Option<usize> {
    shaped(text, "aaa aaa _0 00:00:00 aaa 0000").or_else(|| shaped(text, "aaa aaa _0 00:00:00 aaaa 0000"))
}

fn clock(text: &str) -> Option<usize> {
    let whole = shaped(text, "00:00:00")?;
    Some(whole + fraction(&text[whole..]))
}

/// A length of time in Docker's words.
fn spoken(text: &str) -> Option<usize> {
    let vague = VAGUE.iter().find(|words| text.starts_with(**words)).map(|words| words.len());
    vague.or_else(|| {
        let number = digits(text);
        let unit = COUNTED.iter().find(|unit| text[number..].starts_with(**unit))?;
        (number > 0).then_some(number + unit.len())
    })
}

fn spoken_ago(text: &str) -> Option<usize> {
    let words = spoken(text)?;
    text[words..].starts_with(" ago").then_some(words + " ago".len())
}

fn decimal(text: &str) -> Option<usize> {
    let whole = digits(text);
    (whole > 0).then(|| whole + fraction(&text[whole..]))
}

/// A number with its unit, with or without a space between.
fn decimal_with_unit(text: &str) -> Option<usize> {
    let number = decimal(text)?;
    let rest = &text[number..];
    let space = usize::from(rest.starts_with(' '));
    let unit = UNITS.iter().find(|unit| rest[space..].starts_with(**unit))?;
    Some(number + space + unit.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_forms_are_times_as_a_whole() {
        let forms = [
            "2026-11-21T07:08:30.297114282Z",
            "2026-11-21T07:08:30+01:00",
            "2026-11-21 07:08:30.29 +0000 UTC",
            "2026-11-21 07:08:30 +0100 CET",
            "2026-11-21 07:08:30",
            "2026-11-21",
            "Sat Nov 21 07:08:30 2026",
            "Thu Jan  1 00:00:00 UTC 2026",
            "07:08:30.297114",
            "3 seconds",
            "5 weeks ago",
            "About a minute ago",
            "Less than a second",
            "0.045",
            "0.045 ms",
            "1001ms",
        ];
        for form in forms {
            assert_eq!(lengths(form).first(), Some(&form.len()), "{form}");
        }
    }

    #[test]
    fn what_is_no_time_has_no_length() {
        for text in ["", "soon", "Sat", "-1", ".5", "About", "µs"] {
            assert_eq!(lengths(text), Vec::<usize>::new(), "{text}");
        }
    }

    #[test]
    fn a_number_may_keep_its_unit_to_itself() {
        assert_eq!(lengths("0.045 ms"), [8, 5]);
        assert_eq!(lengths("3 seconds ago"), [13, 9, 3, 1]);
    }
}
