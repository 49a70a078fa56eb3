//! Rates, sizes, times and percentages as `tc` reads and prints them.

use crate::qdisc::{Share, Ticks};
use crate::userland::real::general;

/// A number and the unit that follows it.
fn split(text: &str) -> Option<(f64, &str)> {
    let end = text
        .char_indices()
        .find(|(at, c)| !(c.is_ascii_digit() || *c == '.' || (*at == 0 && matches!(c, '-' | '+'))))
        .map_or(text.len(), |(at, _)| at);
    Some((text[..end].parse().ok()?, &text[end..]))
}

/// A rate in bytes a second: `1mbit`, `100kbps`; bits when nothing is said.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is not negative")]
pub(super) fn rate(text: &str) -> Option<u64> {
    const UNITS: [(&str, f64); 18] = [
        ("", 1.0),
        ("bit", 1.0),
        ("kibit", 1024.0),
        ("kbit", 1e3),
        ("mibit", 1_048_576.0),
        ("mbit", 1e6),
        ("gibit", 1_073_741_824.0),
        ("gbit", 1e9),
        ("tibit", 1_099_511_627_776.0),
        ("tbit", 1e12),
        ("bps", 8.0),
        ("kibps", 8192.0),
        ("kbps", 8e3),
        ("mibps", 8_388_608.0),
        ("mbps", 8e6),
        ("gibps", 8_589_934_592.0),
        ("gbps", 8e9),
        ("tbps", 8e12),
    ];
    let (number, unit) = split(text)?;
    let (_, scale) = UNITS.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit))?;
    (number >= 0.0).then_some((number * scale / 8.0) as u64)
}

/// A size in bytes: `10kb`, `32kbit`; bytes when nothing is said.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a conversion keeps within the range")]
pub(super) fn size(text: &str) -> Option<u32> {
    const UNITS: [(&str, f64); 11] = [
        ("", 1.0),
        ("b", 1.0),
        ("kb", 1024.0),
        ("k", 1024.0),
        ("mb", 1_048_576.0),
        ("m", 1_048_576.0),
        ("gb", 1_073_741_824.0),
        ("g", 1_073_741_824.0),
        ("kbit", 128.0),
        ("mbit", 131_072.0),
        ("gbit", 134_217_728.0),
    ];
    let (number, unit) = split(text)?;
    let (_, scale) = UNITS.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit))?;
    (number >= 0.0).then_some((number * scale) as u32)
}

/// A time in microseconds: `10ms`, `1.5s`; microseconds when nothing is said.
pub(super) fn micros(text: &str) -> Option<f64> {
    const UNITS: [(&str, f64); 10] = [
        ("", 1.0),
        ("us", 1.0),
        ("usec", 1.0),
        ("usecs", 1.0),
        ("ms", 1e3),
        ("msec", 1e3),
        ("msecs", 1e3),
        ("s", 1e6),
        ("sec", 1e6),
        ("secs", 1e6),
    ];
    let (number, unit) = split(text)?;
    let (_, scale) = UNITS.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit))?;
    Some(number * scale)
}

/// A time in the kernel's ticks; the error is what `tc` says of it first.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a conversion keeps within the range")]
pub(super) fn ticks(text: &str) -> Result<Ticks, String> {
    let micros = micros(text).ok_or_else(String::new)?;
    let whole = if micros < 0.0 { micros as i64 as u32 } else { micros as u32 };
    Ticks::from_micros(whole).ok_or_else(|| format!("Illegal {whole} time (too large)\n"))
}

/// A percentage; a sign after it may be missing.
pub(super) fn percent(text: &str) -> Option<Share> {
    let (number, unit) = split(text)?;
    if matches!(unit, "" | "%") { Share::of(number / 100.0) } else { None }
}

/// `1Mbit`
pub(super) fn shown_rate(bytes: u64) -> String {
    let mut rate = u128::from(bytes) * 8;
    let mut unit = 0;
    while unit < 4 && rate >= 1000 && (rate % 1000 == 0 || rate >= 1_000_000) {
        rate /= 1000;
        unit += 1;
    }
    format!("{rate}{}bit", ["", "K", "M", "G", "T"][unit])
}

/// `4Kb`
pub(super) fn shown_size(bytes: u64) -> String {
    let near = |unit: u64, slack: u64| {
        let rounded = (bytes + unit / 2) / unit;
        (bytes >= unit && (rounded * unit).abs_diff(bytes) < slack).then_some(rounded)
    };
    if let Some(mega) = near(1 << 20, 1024) {
        format!("{mega}Mb")
    } else if let Some(kilo) = near(1024, 16) {
        format!("{kilo}Kb")
    } else {
        format!("{bytes}b")
    }
}

/// `47.2ms`
pub(super) fn shown_time(micros: u32) -> String {
    match micros {
        1_000_000.. => format!("{}s", general(f64::from(micros) / 1e6, 3)),
        1000.. => format!("{}ms", general(f64::from(micros) / 1e3, 3)),
        _ => format!("{micros}us"),
    }
}

/// `0.3`, without the sign.
pub(super) fn shown_percent(share: Share) -> String {
    general(share.part() * 100.0, 6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_are_read_and_printed_as_tc_does() {
        let rates = ["1mbit", "1kibit", "1mbps", "1000", "5kbit", "1500kbit"].map(|text| rate(text).map(shown_rate));
        assert_eq!(rates.map(Option::unwrap), ["1Mbit", "1024bit", "8Mbit", "1Kbit", "5Kbit", "1500Kbit"]);
        assert_eq!((rate("x"), rate("1furlong"), size("x"), micros("150ns")), (None, None, None, None));
        let sizes = ["32kbit", "10k", "5000", "1514000", "3mb"].map(|text| shown_size(size(text).unwrap().into()));
        assert_eq!(sizes, ["4Kb", "10Kb", "5000b", "1514000b", "3Mb"]);
        let times = ["100ms", "5us", "1500us", "1.5s", "999.6ms"].map(|text| shown_time(ticks(text).unwrap().micros()));
        assert_eq!(times, ["100ms", "4us", "1.5ms", "1.5s", "1e+03ms"]);
        assert_eq!(ticks("-1ms"), Err("Illegal 4294966296 time (too large)\n".to_owned()));
        let shares = ["33.3333%", "0.3", "100%"].map(|text| shown_percent(percent(text).unwrap()));
        assert_eq!(shares, ["33.3333", "0.3", "100"]);
        assert_eq!((percent("101%"), percent("-1%"), percent("5%%")), (None, None, None));
    }
}
