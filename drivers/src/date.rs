//! Dates as the engine's JSON has them: RFC 3339 in UTC with the nanoseconds that are not zero at the end, as Go prints
//! a time. It reads no clock.

use netyard_sim::time::{Epoch, Instant};

/// What Go prints for a time that never came.
pub const NEVER: &str = "0001-01-01T00:00:00Z";

/// `2026-11-21T07:08:35.69245444Z`.
#[must_use]
pub fn rfc3339(epoch: Epoch, at: Instant) -> String {
    let t = epoch.utc(at);
    let whole = format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}",
        t.year(),
        u8::from(t.month()),
        t.day(),
        t.hour(),
        t.minute(),
        t.second()
    );
    let fraction = format!("{:09}", t.nanosecond());
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zeros_at_the_end_of_the_fraction_are_not_printed() {
        let said = |nanos| rfc3339(Epoch::DEFAULT, Instant::from_nanos(nanos));
        assert_eq!(said(0), "2026-01-01T00:00:00Z");
        assert_eq!(said(61_692_454_440), "2026-01-01T00:01:01.69245444Z");
        assert_eq!(rfc3339_or_never(Epoch::DEFAULT, None), NEVER);
    }
}
