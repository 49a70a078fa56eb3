//! Moments as people write them for `--since` and `until=`: a duration before now, a date, or seconds since 1970.

use time::{Date, Duration, Month, OffsetDateTime};

/// The moment `text` as the engine takes it: seconds since 1970, with nanoseconds when they were typed. `now` is in
/// nanoseconds since 1970.
///
/// # Errors
/// It is none.
pub fn unix(text: &str, now: u64) -> Result<String, String> {
    if let Some(ago) = duration(text) {
        let at = i128::from(now) - ago;
        return Ok(at.div_euclid(1_000_000_000).to_string());
    }
    if text.bytes().all(|b| b.is_ascii_digit() || b == b'.') && !text.is_empty() {
        let seconds = text.split('.').next().unwrap_or_default();
        // Seconds that no clock counts are no moment either.
        return if seconds.is_empty() || seconds.parse::<i64>().is_ok() {
            Ok(text.to_owned())
        } else {
            Err(refusal(text))
        };
    }
    let at = date(text).ok_or_else(|| refusal(text))?;
    Ok(format!("{}.{:09}", at.unix_timestamp(), at.nanosecond()))
}

/// Why `text` is no moment: what looks like a date has a month or a day that no calendar has.
fn refusal(text: &str) -> String {
    let day = text.split('T').next().unwrap_or_default();
    let month = match day.split('-').collect::<Vec<_>>().as_slice() {
        [year, month, day] if (year.len(), month.len(), day.len()) == (4, 2, 2) => month.parse::<u8>().ok(),
        _ => None,
    };
    match month {
        Some(1..=12) => format!("parsing time {text:?}: day out of range"),
        Some(_) => format!("parsing time {text:?}: month out of range"),
        None => format!("failed to parse value as time or duration: {text:?}"),
    }
}

/// Nanoseconds of a Go duration: `1h30m`, `1.5s`, `-3ms`.
pub(crate) fn duration(text: &str) -> Option<i128> {
    let (sign, mut rest) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
    if rest == "0" {
        return Some(0);
    }
    let mut total: i128 = 0;
    while !rest.is_empty() {
        let unit_at = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, tail) = rest.split_at(unit_at);
        let unit_end = tail.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(unit_end);
        total += scaled(number, nanos(unit)?)?;
        rest = tail;
    }
    (!text.is_empty()).then_some(sign * total)
}

const fn nanos(unit: &str) -> Option<i128> {
    match unit.as_bytes() {
        b"ns" => Some(1),
        b"us" => Some(1000),
        b"ms" => Some(1_000_000),
        b"s" => Some(1_000_000_000),
        b"m" => Some(60_000_000_000),
        b"h" => Some(3_600_000_000_000),
        _ => None,
    }
}

fn scaled(number: &str, unit: i128) -> Option<i128> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let whole: i128 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let parts: i128 = if fraction.is_empty() { 0 } else { fraction.parse().ok()? };
    let scale = 10_i128.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    Some(whole * unit + parts * unit / scale)
}

/// A date in UTC, alone or with a time: `2026-11-21`, `2026-11-21T06:28`, `2026-11-21T06:28:40.5Z`.
fn date(text: &str) -> Option<OffsetDateTime> {
    let text = text.strip_suffix('Z').unwrap_or(text);
    let (day, clock) = text.split_once('T').unwrap_or((text, "00:00"));
    let day = parts(day, '-')?;
    let [year, month, day] = day.as_slice() else { return None };
    let month = Month::try_from(u8::try_from(*month).ok()?).ok()?;
    let date = Date::from_calendar_date(i32::try_from(*year).ok()?, month, u8::try_from(*day).ok()?).ok()?;
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    let clock = parts(clock, ':')?;
    let (hour, minute) = (clock.first()?, clock.get(1)?);
    let seconds = hour * 3600 + minute * 60 + clock.get(2).unwrap_or(&0);
    let nanos = i64::try_from(scaled(&format!("0.{fraction}"), 1_000_000_000)?).ok()?;
    Some(date.midnight().assume_utc() + Duration::seconds(i64::from(seconds)) + Duration::nanoseconds(nanos))
}

fn parts(text: &str, separator: char) -> Option<Vec<u32>> {
    text.split(separator).map(|part| part.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_795_250_755_500_000_000;

    #[test]
    fn a_duration_counts_back_from_now() {
        assert_eq!(unix("10m", NOW).as_deref(), Ok("1795250155"));
        assert_eq!(unix("1h0.5s", NOW).as_deref(), Ok("1795247155"));
        assert_eq!(unix("0s", NOW).as_deref(), Ok("1795250755"));
    }

    #[test]
    fn dates_and_seconds_are_taken_as_they_are() {
        assert_eq!(unix("1795242520.097902749", NOW).as_deref(), Ok("1795242520.097902749"));
        assert_eq!(unix("2026-11-21T06:28:40.5Z", NOW).as_deref(), Ok("1795242520.500000000"));
        assert_eq!(unix("2026-11-21T06:28:40", NOW).as_deref(), Ok("1795242520.000000000"));
        assert_eq!(unix("2026-11-21", NOW).as_deref(), Ok("1795219200.000000000"));
    }

    #[test]
    fn anything_else_is_refused() {
        for text in ["foo", "12x", ""] {
            let expected = format!("failed to parse value as time or duration: \"{text}\"");
            assert_eq!(unix(text, NOW), Err(expected));
        }
        let expected = "parsing time \"2026-13-01\": month out of range";
        assert_eq!(unix("2026-13-01", NOW), Err(expected.to_owned()));
    }
}
