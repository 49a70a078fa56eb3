//! The numbers of a route as they are typed and told: `mtu 1400`, `rtt 100ms`, `features ecn`. What they mean is the
//! route's.

use core::fmt::Write as _;

use super::super::{Error, Refusal, Words};
use super::number;
use crate::route::{Lock, Metric, Metrics};
use crate::userland::json::Json;

/// The numbers with their names, and what is said of a wrong one.
const NAMES: [(&str, Metric, &str); 12] = [
    ("mtu", Metric::Mtu, "\"mtu\" value is invalid"),
    ("window", Metric::Window, "\"window\" value is invalid"),
    ("rtt", Metric::Rtt, "\"rtt\" value is invalid"),
    ("rttvar", Metric::RttVariance, "\"rttvar\" value is invalid"),
    ("ssthresh", Metric::SlowStart, "\"ssthresh\" value is invalid"),
    ("cwnd", Metric::CongestionWindow, "\"cwnd\" value is invalid"),
    ("advmss", Metric::AdvertisedSegment, "\"mss\" value is invalid"),
    ("reordering", Metric::Reordering, "\"reordering\" value is invalid"),
    ("hoplimit", Metric::HopLimit, "\"hoplimit\" value is invalid"),
    ("initcwnd", Metric::FirstCongestionWindow, "\"initcwnd\" value is invalid"),
    ("rto_min", Metric::RetransmitLeast, "\"rto_min\" value is invalid"),
    ("initrwnd", Metric::FirstWindow, "\"initrwnd\" value is invalid"),
];

/// What a kernel without further modules knows of.
const ALGORITHMS: [&str; 2] = ["reno", "cubic"];

/// Takes in one number by its name; false when it is none.
pub(super) fn set(metrics: &mut Metrics, word: &str, words: &mut Words) -> Result<bool, Error> {
    match word {
        "features" => {
            let word = words.value()?;
            let wrong = || Error::Wrong { word: word.clone(), why: "\"features\" value not valid" };
            metrics.set(Metric::Features, (word == "ecn").then_some(1).ok_or_else(wrong)?, Lock::Free);
        }
        "quickack" => {
            let word = words.value()?;
            let why = "\"quickack\" value should be 0 or 1";
            let value = number(&word).filter(|value| *value <= 1).ok_or(Error::Wrong { word, why })?;
            metrics.set(Metric::QuickAck, value, Lock::Free);
        }
        "congctl" => {
            words.take("lock");
            metrics.congestion = Some(words.value()?);
        }
        _ => {
            let Some((_, metric, why)) = NAMES.into_iter().find(|(name, ..)| *name == word) else { return Ok(false) };
            let is_locked = words.take("lock") || metric == Metric::RetransmitLeast;
            let word = words.value()?;
            let value = value(metric, &word).ok_or(Error::Wrong { word, why })?;
            metrics.set(metric, value, if is_locked { Lock::Locked } else { Lock::Free });
        }
    }
    Ok(true)
}

/// What the kernel says of them.
pub(super) fn check(metrics: &Metrics) -> Result<(), Refusal> {
    let is_known = metrics.congestion.as_deref().is_none_or(|name| ALGORITHMS.contains(&name));
    if is_known { Ok(()) } else { Err(Refusal::UnknownCongestion) }
}

/// How many parts of a millisecond a time is counted in.
const fn fineness(metric: Metric) -> Option<u32> {
    match metric {
        Metric::Rtt => Some(8),
        Metric::RttVariance => Some(4),
        Metric::RetransmitLeast => Some(1),
        _ => None,
    }
}

/// A value as it is typed: times may have a unit.
fn value(metric: Metric, word: &str) -> Option<u32> {
    if metric == Metric::HopLimit {
        return number(word).filter(|limit| *limit <= 255);
    }
    let Some(fine) = fineness(metric) else { return number(word) };
    if let Some(millis) = word.strip_suffix("ms") {
        return number(millis)?.checked_mul(fine);
    }
    match word.strip_suffix('s') {
        Some(seconds) => number(seconds)?.checked_mul(1000 * fine),
        None => number(word),
    }
}

/// The numbers as words behind a route, each with a blank after it.
pub(in crate::userland::ip) fn text(metrics: &Metrics) -> String {
    let mut text = String::new();
    for (metric, value, lock) in metrics.iter() {
        let lock = if lock == Lock::Locked { "lock " } else { "" };
        let _ = match (metric, fineness(metric)) {
            (Metric::Features, _) => write!(text, "features {lock}ecn "),
            (Metric::QuickAck, _) => write!(text, "quickack {lock}{value} "),
            (_, None) => write!(text, "{} {lock}{value} ", name(metric)),
            (_, Some(fine)) => write!(text, "{} {lock}{} ", name(metric), time(value / fine)),
        };
    }
    if let Some(name) = &metrics.congestion {
        let _ = write!(text, "congctl {name} ");
    }
    text
}

fn name(metric: Metric) -> &'static str {
    NAMES.into_iter().find(|(_, known, _)| *known == metric).map_or("", |(name, ..)| name)
}

fn time(millis: u32) -> String {
    match millis {
        0..1000 => format!("{millis}ms"),
        _ if millis.is_multiple_of(1000) => format!("{}s", millis / 1000),
        _ => format!("{}s", f64::from(millis) / 1000.0),
    }
}

/// The same as a list with one object; none when there are none.
pub(in crate::userland::ip) fn json(metrics: &Metrics) -> Option<Json> {
    if metrics.is_empty() {
        return None;
    }
    let field = |(metric, value, _): (Metric, u32, Lock)| match (metric, fineness(metric)) {
        (Metric::Features, _) => ("ecn", Json::Null),
        (Metric::QuickAck, _) => ("quickack", value.into()),
        (_, fine) => (name(metric), (value / fine.unwrap_or(1)).into()),
    };
    let mut fields: Vec<_> = metrics.iter().map(field).collect();
    fields.extend(metrics.congestion.as_deref().map(|name| ("congestion", name.into())));
    Some(Json::List(vec![Json::Object(fields)]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(line: &str) -> Result<Metrics, Error> {
        let mut words = Words(line.split_whitespace().map(str::to_owned).collect());
        let mut metrics = Metrics::default();
        while let Some(word) = words.take_next() {
            assert!(set(&mut metrics, &word, &mut words)?, "{word}");
        }
        Ok(metrics)
    }

    #[test]
    fn numbers_are_told_in_the_kernels_order() {
        let metrics = typed("quickack 1 rtt 100ms mtu lock 1400 rttvar 20 rto_min 40ms features ecn congctl cubic");
        let text = "mtu lock 1400 rtt 100ms rttvar 5ms features ecn rto_min lock 40ms quickack 1 congctl cubic ";
        assert_eq!(super::text(&metrics.unwrap()), text);
        assert_eq!(super::text(&typed("rtt 2s rto_min 1500ms").unwrap()), "rtt 2s rto_min lock 1.5s ");
        let metrics = json(&typed("mtu 1400 congctl reno").unwrap()).map(|json| json.print(false));
        assert_eq!(metrics.as_deref(), Some("[{\"mtu\":1400,\"congestion\":\"reno\"}]\n"));
    }

    #[test]
    fn wrong_numbers_are_refused_and_unknown_algorithms_by_the_kernel() {
        let wrong = |word: &str, why| Error::Wrong { word: word.into(), why };
        assert_eq!(typed("advmss x"), Err(wrong("x", "\"mss\" value is invalid")));
        assert_eq!(typed("hoplimit 300"), Err(wrong("300", "\"hoplimit\" value is invalid")));
        assert_eq!(typed("features foo"), Err(wrong("foo", "\"features\" value not valid")));
        assert_eq!(typed("mtu"), Err(Error::Incomplete));
        assert_eq!(check(&typed("congctl nosuch").unwrap()), Err(Refusal::UnknownCongestion));
    }
}
