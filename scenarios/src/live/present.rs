//! The present of two clocks. A client that says "now" says it by the clock of this machine, which the virtual time of a
//! fast engine does not follow: where a request asks for a moment that is now here, it gets the one that is now there.

use std::time::Duration;

/// What such moments are called in queries.
const KEYS: [&str; 2] = ["since=", "until="];
/// How long the way of a request may take.
const NEAR: Duration = Duration::from_secs(1);

/// A request's target with the moments that are now by `here` as they are by `there`; both are times since 1970.
#[must_use]
pub fn translate(target: &str, here: Duration, there: Duration) -> String {
    let Some((path, query)) = target.split_once('?') else { return target.to_owned() };
    let pair = |pair: &str| {
        let value = KEYS.iter().find_map(|key| Some((*key, moment(pair.strip_prefix(key)?)?)));
        match value.filter(|(_, at)| at.abs_diff(here) <= NEAR) {
            Some((key, _)) => format!("{key}{}.{:09}", there.as_secs(), there.subsec_nanos()),
            None => pair.to_owned(),
        }
    };
    format!("{path}?{}", query.split('&').map(pair).collect::<Vec<_>>().join("&"))
}

/// Seconds since 1970, perhaps with a fraction.
fn moment(text: &str) -> Option<Duration> {
    let (seconds, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let nanos = format!("{fraction:0<9}").get(..9)?.parse().ok()?;
    Some(Duration::new(seconds.parse().ok()?, nanos))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn now_is_now_everywhere_and_other_moments_stay() {
        let (here, there) = (Duration::from_secs(1_700_000_000), Duration::new(1_700_000_500, 7));
        let told = |target: &str| translate(target, here, there);
        assert_eq!(told("/v1.41/events?until=1700000000.5"), "/v1.41/events?until=1700000500.000000007");
        assert_eq!(
            told("/events?since=1600000000&until=1700000000"),
            "/events?since=1600000000&until=1700000500.000000007"
        );
        for other in ["/events", "/events?until=1700000300", "/events?since=2026-01-01T00%3A00%3A00Z&x=1700000000"] {
            assert_eq!(told(other), other);
        }
    }
}
