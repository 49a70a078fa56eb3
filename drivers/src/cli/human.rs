//! Times and sizes as people read them, in the words of docker/go-units. It knows no clock.

use time::OffsetDateTime;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24;

/// How long `seconds` are: `About a minute`, `3 weeks`.
pub(super) fn duration(seconds: u64) -> String {
    let minutes = seconds / MINUTE;
    let hours = (seconds + HOUR / 2) / HOUR;
    match (seconds, minutes, hours) {
        (0, ..) => "Less than a second".to_owned(),
        (1, ..) => "1 second".to_owned(),
        (2..MINUTE, ..) => format!("{seconds} seconds"),
        (_, 1, _) => "About a minute".to_owned(),
        (_, 2..60, _) => format!("{minutes} minutes"),
        (.., 1) => "About an hour".to_owned(),
        (.., 2..48) => format!("{hours} hours"),
        (.., ..336) => format!("{} days", hours / DAY),
        (.., ..1440) => format!("{} weeks", hours / DAY / 7),
        (.., ..17520) => format!("{} months", hours / DAY / 30),
        _ => format!("{} years", hours / DAY / 365),
    }
}

/// `bytes` in units of 1000 with so many digits that count: `1.98MB`.
pub(super) fn size(bytes: u64, digits: usize) -> String {
    const UNITS: [&str; 7] = ["B", "kB", "MB", "GB", "TB", "PB", "EB"];
    let (mut scaled, mut unit, mut divisor) = (bytes, 0, 1_u64);
    while scaled >= 1000 && unit + 1 < UNITS.len() {
        divisor *= 1000;
        scaled = bytes / divisor;
        unit += 1;
    }
    let whole = scaled.to_string().len();
    let decimals = digits.saturating_sub(whole);
    let steps = 10_u128.pow(u32::try_from(decimals).expect("a few digits"));
    let rounded = (u128::from(bytes) * steps + u128::from(divisor) / 2) / u128::from(divisor);
    let text = format!("{}.{:0decimals$}", rounded / steps, rounded % steps);
    format!("{}{}", text.trim_end_matches('0').trim_end_matches('.'), UNITS[unit])
}

/// `bytes` in units of 1024 with four digits that count: `352KiB`.
pub(super) fn binary_size(bytes: u64) -> String {
    const UNITS: [&str; 7] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    let (mut unit, mut divisor) = (0, 1_u64);
    while bytes / divisor >= 1024 && unit + 1 < UNITS.len() {
        divisor *= 1024;
        unit += 1;
    }
    let decimals = 4_usize.saturating_sub((bytes / divisor).to_string().len());
    let steps = 10_u128.pow(u32::try_from(decimals).expect("a few digits"));
    let rounded = (u128::from(bytes) * steps + u128::from(divisor) / 2) / u128::from(divisor);
    let text = format!("{}.{:0decimals$}", rounded / steps, rounded % steps);
    format!("{}{}", text.trim_end_matches('0').trim_end_matches('.'), UNITS[unit])
}

/// A moment as Go prints it: `2026-11-21 06:27:50 +0000 UTC`. `nanos` counts since 1970.
pub(super) fn moment(nanos: i128) -> String {
    let at = OffsetDateTime::from_unix_timestamp_nanos(nanos).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let fraction = match at.nanosecond() {
        0 => String::new(),
        nanos => format!(".{nanos:09}").trim_end_matches('0').to_owned(),
    };
    let (year, month, day) = (at.year(), u8::from(at.month()), at.day());
    let (hour, minute, second) = at.to_hms();
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}{fraction} +0000 UTC")
}

/// A moment as RFC 3339 has it; `seconds` counts since 1970.
pub(super) fn rfc3339(seconds: i64) -> String {
    let at = OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let (year, month, day) = (at.year(), u8::from(at.month()), at.day());
    let (hour, minute, second) = at.to_hms();
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// `text` in at most so many letters, the last of them an ellipsis when some are missing.
pub(super) fn shortened(text: &str, letters: usize) -> String {
    if text.chars().count() <= letters {
        return text.to_owned();
    }
    text.chars().take(letters - 1).chain(['…']).collect()
}

/// A moment written as RFC 3339 in UTC, as Go prints it; other text as it is.
pub(super) fn moment_of(text: &str) -> String {
    match text.strip_suffix('Z').and_then(|text| text.split_once('T')) {
        Some((date, time)) => format!("{date} {time} +0000 UTC"),
        None => text.to_owned(),
    }
}

/// A word with a capital letter.
pub(super) fn title(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_ascii_uppercase().to_string() + letters.as_str()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_in_the_words_of_go_units() {
        let cases = [
            (0, "Less than a second"),
            (1, "1 second"),
            (59, "59 seconds"),
            (60, "About a minute"),
            (119, "About a minute"),
            (120, "2 minutes"),
            (3599, "59 minutes"),
            (3600, "About an hour"),
            (5400, "2 hours"),
            (47 * 3600, "47 hours"),
            (48 * 3600, "2 days"),
            (13 * 86400, "13 days"),
            (14 * 86400, "2 weeks"),
            (60 * 86400, "2 months"),
            (730 * 86400, "2 years"),
        ];
        for (seconds, words) in cases {
            assert_eq!(duration(seconds), words, "{seconds}");
        }
    }

    #[test]
    fn sizes_keep_the_digits_that_count() {
        assert_eq!(size(0, 3), "0B");
        assert_eq!(size(1_984_162, 3), "1.98MB");
        assert_eq!(size(1_984_162, 4), "1.984MB");
        assert_eq!(size(1234, 4), "1.234kB");
        assert_eq!(size(142_000_000, 3), "142MB");
        assert_eq!(size(1_000_000, 3), "1MB");
    }

    #[test]
    fn moments_are_written_as_go_prints_them() {
        assert_eq!(moment(1_795_242_470_000_000_000), "2026-11-21 06:27:50 +0000 UTC");
        assert_eq!(moment(1_795_242_470_120_000_000), "2026-11-21 06:27:50.12 +0000 UTC");
        assert_eq!(moment_of("2026-11-21T06:21:49.334233862Z"), "2026-11-21 06:21:49.334233862 +0000 UTC");
    }
}
