//! `date`: the present or another moment as text, in UTC and the C locale, and moments read from text.

use time::{Date, Month, OffsetDateTime, PrimitiveDateTime, Time};

use crate::userland::files::Stamp;
use crate::userland::options::{Options, Order};
use crate::userland::{Flavour, Sys};

const SYNOPSIS: &str = "[OPTIONS] [+FMT] [[-s] TIME]";

/// `date [-uR] [-I[SPEC]] [-d TIME] [-r FILE] [+FORMAT]`
pub(super) fn date(sys: &mut Sys<'_>) -> i32 {
    let iso = |word: &String| word.starts_with("-I");
    let argv: Vec<String> = sys.argv().iter().filter(|word| !iso(word)).cloned().collect();
    let iso = sys.argv().iter().find(|word| iso(word)).map(|word| word[2..].to_owned());
    let argv: Vec<String> =
        argv.into_iter().map(|word| word.replacen("--date=", "-d", 1).replace("--utc", "-u")).collect();
    let options = match Options::parse(&argv, "uRd:s:r:D:", Order::Anywhere) {
        Ok(options) => options,
        Err(error) => {
            let text = error.text("date", SYNOPSIS, sys.flavour());
            sys.eprint(text);
            return 1;
        }
    };
    let at = match moment(sys, &options) {
        Ok(at) => at,
        Err(said) => {
            sys.eprint(said);
            return 1;
        }
    };
    let default = match iso.as_deref() {
        Some("" | "date") => "%Y-%m-%d",
        Some("hours") => "%Y-%m-%dT%H+00:00",
        Some("minutes") => "%Y-%m-%dT%H:%M+00:00",
        Some("ns") => "%Y-%m-%dT%H:%M:%S,%N+00:00",
        Some(_) => "%Y-%m-%dT%H:%M:%S+00:00",
        None if options.has('R') => "%a, %d %b %Y %T +0000",
        None if sys.flavour() == Flavour::Host => "%a %b %e %r UTC %Y",
        None => "%a %b %e %T UTC %Y",
    };
    let default = if default.contains("%r") { "%a %b %e %T UTC %Y" } else { default };
    let pattern = match options.operands.first().map(|word| word.strip_prefix('+').ok_or(word)) {
        None => default,
        Some(Ok(pattern)) => pattern,
        Some(Err(word)) => {
            sys.eprint(format!("date: invalid date '{word}'\n"));
            return 1;
        }
    };
    sys.print(formatted(at, pattern) + "\n");
    0
}

/// The moment that is shown: that of a text, of a file, or the present. Nobody may set the clock.
fn moment(sys: &Sys<'_>, options: &Options) -> Result<OffsetDateTime, String> {
    let now = sys.epoch().utc(sys.now());
    if options.has('s') {
        let said = if sys.flavour() == Flavour::Host { "cannot set date" } else { "can't set date" };
        return Err(format!("date: {said}: Operation not permitted\n"));
    }
    if let Some(name) = options.value('r') {
        let stat = sys.files().stat(&sys.absolute(name)).map_err(|errno| format!("date: {name}: {errno}\n"))?;
        return Ok(of(stat.mtime));
    }
    match options.value('d') {
        None => Ok(now),
        Some(text) => parse(text, now).ok_or_else(|| format!("date: invalid date '{text}'\n")),
    }
}

fn of(stamp: Stamp) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(stamp.seconds()).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

/// The moment that a text means: `@N`, `YYYY-MM-DD[ HH:MM[:SS]]`, `YYYYMMDDHHMM[.SS]`, `HH:MM[:SS]` of today, `now`,
/// `N seconds|minutes|hours|days ago`.
pub(super) fn parse(text: &str, now: OffsetDateTime) -> Option<OffsetDateTime> {
    let text = text.trim();
    if let Some(seconds) = text.strip_prefix('@') {
        let seconds = seconds.split('.').next().unwrap_or(seconds);
        return OffsetDateTime::from_unix_timestamp(seconds.parse().ok()?).ok();
    }
    match text {
        "now" | "today" | "" => return Some(now),
        "yesterday" => return Some(now - time::Duration::DAY),
        "tomorrow" => return Some(now + time::Duration::DAY),
        _ => {}
    }
    let text = text.trim_end_matches('Z').trim_end_matches(" UTC");
    let compact = text.chars().all(|c| c.is_ascii_digit() || c == '.');
    if compact && text.len() >= 12 {
        let part = |from: usize, to: usize| text.get(from..to);
        return assemble(
            part(0, 4)?,
            part(4, 6)?,
            part(6, 8)?,
            (part(8, 10)?, part(10, 12)?, part(13, 15).unwrap_or("0")),
        );
    }
    let (day, clock) = match text.split_once([' ', 'T']) {
        Some((day, clock)) if day.contains('-') => (Some(day), clock),
        None if text.contains('-') => (Some(text), "0:0"),
        None if text.contains(':') => (None, text),
        _ => return relative(text, now),
    };
    let mut clock = clock.split(':');
    let (hour, minute, second) = (clock.next()?, clock.next()?, clock.next().unwrap_or("0"));
    match day {
        Some(day) => {
            let mut parts = day.split('-');
            assemble(parts.next()?, parts.next()?, parts.next()?, (hour, minute, second))
        }
        None => {
            let time = Time::from_hms(hour.parse().ok()?, minute.parse().ok()?, second.parse().ok()?).ok()?;
            Some(now.replace_time(time))
        }
    }
}

fn assemble(year: &str, month: &str, day: &str, (hour, minute, second): (&str, &str, &str)) -> Option<OffsetDateTime> {
    let month = Month::try_from(month.parse::<u8>().ok()?).ok()?;
    let date = Date::from_calendar_date(year.parse().ok()?, month, day.parse().ok()?).ok()?;
    let second = second.split('.').next().unwrap_or(second);
    let time = Time::from_hms(hour.parse().ok()?, minute.parse().ok()?, second.parse().ok()?).ok()?;
    Some(PrimitiveDateTime::new(date, time).assume_utc())
}

fn relative(text: &str, now: OffsetDateTime) -> Option<OffsetDateTime> {
    let mut words = text.split_whitespace();
    let count: i64 = words.next()?.parse().ok()?;
    let unit = match words.next()?.trim_end_matches('s') {
        "sec" | "second" => 1,
        "min" | "minute" => 60,
        "hour" => 3600,
        "day" => 86400,
        "week" => 7 * 86400,
        _ => return None,
    };
    let sign = if words.next() == Some("ago") { -1 } else { 1 };
    now.checked_add(time::Duration::seconds(count.checked_mul(unit)?.checked_mul(sign)?))
}

/// What `strftime` makes of a pattern in the C locale.
pub(super) fn formatted(at: OffsetDateTime, pattern: &str) -> String {
    let mut text = String::new();
    let mut rest = pattern.chars();
    while let Some(c) = rest.next() {
        match (c, rest.clone().next()) {
            ('%', Some(letter)) => {
                rest.next();
                text.push_str(&field(at, letter));
            }
            _ => text.push(c),
        }
    }
    text
}

fn field(at: OffsetDateTime, letter: char) -> String {
    let (weekday, month) = (at.weekday().to_string(), at.month().to_string());
    match letter {
        'Y' => at.year().to_string(),
        'y' => format!("{:02}", at.year() % 100),
        'm' => format!("{:02}", u8::from(at.month())),
        'd' => format!("{:02}", at.day()),
        'e' => format!("{:>2}", at.day()),
        'u' => at.weekday().number_from_monday().to_string(),
        'w' => at.weekday().number_days_from_sunday().to_string(),
        'C' => format!("{:02}", at.year() / 100),
        'k' => format!("{:>2}", at.hour()),
        'l' => format!("{:>2}", (at.hour() + 11) % 12 + 1),
        'I' => format!("{:02}", (at.hour() + 11) % 12 + 1),
        'p' => if at.hour() < 12 { "AM" } else { "PM" }.to_owned(),
        'x' => formatted(at, "%m/%d/%y"),
        'X' => formatted(at, "%H:%M:%S"),
        'r' => formatted(at, "%I:%M:%S %p"),
        'H' => format!("{:02}", at.hour()),
        'M' => format!("{:02}", at.minute()),
        'S' => format!("{:02}", at.second()),
        'N' => format!("{:09}", at.nanosecond()),
        'j' => format!("{:03}", at.ordinal()),
        'F' => formatted(at, "%Y-%m-%d"),
        'T' => formatted(at, "%H:%M:%S"),
        'R' => formatted(at, "%H:%M"),
        'D' => formatted(at, "%m/%d/%y"),
        'c' => formatted(at, "%a %b %e %T %Y"),
        'a' => weekday[..3].to_owned(),
        'A' => weekday,
        'b' | 'h' => month[..3].to_owned(),
        'B' => month,
        's' => at.unix_timestamp().to_string(),
        'Z' => "UTC".to_owned(),
        'z' => "+0000".to_owned(),
        'n' => "\n".to_owned(),
        't' => "\t".to_owned(),
        '%' => "%".to_owned(),
        other => format!("%{other}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::{Epoch, Instant};

    #[test]
    fn dates_are_utc_in_the_c_locale() {
        let at = Epoch::from_unix(1_767_575_045).utc(Instant::from_nanos(7));
        assert_eq!(formatted(at, "%a %b %e %T UTC %Y"), "Mon Jan  5 01:04:05 UTC 2026");
        assert_eq!(formatted(at, "%F %s.%N %j%%%q"), "2026-01-05 1767575045.000000007 005%%q");
    }

    #[test]
    fn moments_are_read_from_text() {
        let now = Epoch::from_unix(1_767_575_045).utc(Instant::ZERO);
        let read = |text| parse(text, now).map(|at| formatted(at, "%F %T"));
        assert_eq!(read("@86400").as_deref(), Some("1970-01-02 00:00:00"));
        assert_eq!(read("2024-02-29 12:30").as_deref(), Some("2024-02-29 12:30:00"));
        assert_eq!(read("202402291230.15").as_deref(), Some("2024-02-29 12:30:15"));
        assert_eq!(read("12:00").as_deref(), Some("2026-01-05 12:00:00"));
        assert_eq!(read("2 days ago").as_deref(), Some("2026-01-03 01:04:05"));
        assert_eq!(read("2023-02-29"), None);
    }
}
