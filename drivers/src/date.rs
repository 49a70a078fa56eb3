//! Dates as the engine's JSON has them: RFC 3339 in UTC with the nanoseconds that are not zero at the end, as Go prints
//! a time. It reads no clock.

pub mod moment;

use netyard_sim::time::{Duration, Epoch, Instant};

/// What Go prints for a time that never came.
pub const NEVER: &str = "0001-01-01T00:00:00Z";

/// `2026-11-21T07:08:35.692454440Z`, always with nine digits, as logs have it.
#[must_use]
pub fn rfc3339_fixed(epoch: Epoch, at: Instant) -> String {
    format!("{}.{:09}Z", whole_seconds(epoch, at), epoch.utc(at).nanosecond())
}

/// `2026-11-21T07:08:35Z`, the second that `at` lies in, as log lines have it.
#[must_use]
pub fn rfc3339_second(epoch: Epoch, at: Instant) -> String {
    whole_seconds(epoch, at) + "Z"
}

fn whole_seconds(epoch: Epoch, at: Instant) -> String {
    let t = epoch.utc(at);
    let (month, (hour, minute, second)) = (u8::from(t.month()), t.to_hms());
    format!("{:04}-{month:02}-{:02}T{hour:02}:{minute:02}:{second:02}", t.year(), t.day())
}

/// `2026-11-21T07:08:35.69245444Z`.
#[must_use]
pub fn rfc3339(epoch: Epoch, at: Instant) -> String {
    let whole = whole_seconds(epoch, at);
    let fraction = format!("{:09}", epoch.utc(at).nanosecond());
    match fraction.trim_end_matches('0') {
        "" => format!("{whole}Z"),
        digits => format!("{whole}.{digits}Z"),
    }
}

/// The same, or [`NEVER`].
#[must_use]
pub fn rfc3339_or_never(epoch: Epoch, at: Option<Instant>) -> String {
    at.map_or_else(|| NEVER.to_owned(), |at| rfc3339(epoch, at))
}

/// A span of time in words, as `docker ps` says it.
#[must_use]
pub fn human(span: Duration) -> String {
    let seconds = span.as_secs();
    let minutes = seconds / 60;
    let hours = (seconds + 1800) / 3600;
    match (seconds, minutes, hours) {
        (0, ..) => "Less than a second".to_owned(),
        (1, ..) => "1 second".to_owned(),
        (..60, ..) => format!("{seconds} seconds"),
        (_, 1, _) => "About a minute".to_owned(),
        (_, ..60, _) => format!("{minutes} minutes"),
        (.., 1) => "About an hour".to_owned(),
        (.., ..48) => format!("{hours} hours"),
        (.., ..336) => format!("{} days", hours / 24),
        (.., ..1440) => format!("{} weeks", hours / 24 / 7),
        (.., ..17520) => format!("{} months", hours / 24 / 30),
        _ => format!("{} years", hours / 24 / 365),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_said_in_one_unit() {
        let said = |seconds| human(Duration::from_secs(seconds));
        assert_eq!(said(0), "Less than a second");
        assert_eq!([said(1), said(59), said(60), said(120)], ["1 second", "59 seconds", "About a minute", "2 minutes"]);
        assert_eq!([said(3600), said(7200), said(50 * 3600)], ["About an hour", "2 hours", "2 days"]);
    }

    #[test]
    fn zeros_at_the_end_of_the_fraction_are_not_printed() {
        let said = |nanos| rfc3339(Epoch::DEFAULT, Instant::from_nanos(nanos));
        assert_eq!(said(0), "2026-01-01T00:00:00Z");
        assert_eq!(said(61_692_454_440), "2026-01-01T00:01:01.69245444Z");
        assert_eq!(rfc3339_or_never(Epoch::DEFAULT, None), NEVER);
    }
}
