//! Quantities as they are typed: sizes in bytes, shares of a processor, durations, limits of a process, and rates of
//! devices; with the flags that take them and the words of Docker's client for what is none.

use crate::cli::flags::{Flag, integer, quoted, unsigned};

/// Names of a process's limits.
const LIMITS: [&str; 15] = [
    "core",
    "cpu",
    "data",
    "fsize",
    "locks",
    "memlock",
    "msgqueue",
    "nice",
    "nofile",
    "nproc",
    "rss",
    "rtprio",
    "rttime",
    "sigpending",
    "stack",
];

impl Flag {
    /// One size in bytes.
    pub(in super::super) const fn bytes(name: &'static str, usage: &'static str) -> Self {
        Self::text(name, usage).labelled("bytes").checked(size)
    }

    /// One number of processors.
    pub(in super::super) const fn decimal(name: &'static str, usage: &'static str) -> Self {
        Self::text(name, usage).labelled("decimal").checked(cpus)
    }

    /// One duration.
    pub(in super::super) const fn duration(name: &'static str, usage: &'static str) -> Self {
        Self::text(name, usage).labelled("duration").checked(duration)
    }
}

/// A size such as `10m`.
pub(in super::super) fn size(text: &str) -> Result<(), String> {
    bytes(text).map(drop)
}

/// A size, or -1 for no limit.
pub(in super::super) fn size_or_unlimited(text: &str) -> Result<(), String> {
    if text == "-1" { Ok(()) } else { size(text) }
}

/// A number of processors.
pub(in super::super) fn cpus(text: &str) -> Result<(), String> {
    nano_cpus(text).map(drop)
}

/// Billionths of a processor: a decimal number, perhaps with an exponent, or a fraction.
pub(in super::super) fn nano_cpus(text: &str) -> Result<i64, String> {
    let refused = || format!("failed to parse {text} as a rational number");
    let (numerator, denominator) = match text.split_once('/') {
        Some((above, below)) => {
            let below: i128 = below.parse().ok().filter(|below| *below > 0).ok_or_else(refused)?;
            (above.parse::<i128>().map_err(|_| refused())?, below)
        }
        None => decimal(text).ok_or_else(refused)?,
    };
    let nanos = numerator.checked_mul(1_000_000_000).ok_or_else(refused)?;
    if nanos % denominator != 0 {
        return Err("value is too precise".to_owned());
    }
    i64::try_from(nanos / denominator).map_err(|_| refused())
}

/// `-1.5e3` as a fraction.
fn decimal(text: &str) -> Option<(i128, i128)> {
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let exponent: i32 = exponent.parse().ok()?;
    let (sign, digits) = match mantissa.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, mantissa.strip_prefix('+').unwrap_or(mantissa)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all = format!("{whole}{fraction}");
    if all.is_empty() || !all.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let shift = exponent - i32::try_from(fraction.len()).ok()?;
    let number = sign * all.parse::<i128>().ok()?;
    let power = 10_i128.checked_pow(shift.unsigned_abs())?;
    if shift >= 0 { Some((number.checked_mul(power)?, 1)) } else { Some((number, power)) }
}

/// Bytes of a size such as `10m` or `1.5g`, in units of 1024.
pub(in super::super) fn bytes(text: &str) -> Result<i64, String> {
    let number_end = text.rfind(|c: char| c.is_ascii_digit()).map_or(0, |at| at + 1);
    let (number, suffix) = (&text[..number_end], text[number_end..].trim_start().to_lowercase());
    let power = match suffix.as_str() {
        "" | "b" => 0,
        _ if number.is_empty() => 0,
        suffix => {
            let (unit, rest) = suffix.split_at(suffix.chars().next().map_or(0, char::len_utf8));
            let power = "kmgtp".find(unit).filter(|_| matches!(rest, "" | "b" | "ib"));
            power.ok_or_else(|| format!("invalid suffix: '{suffix}'"))? + 1
        }
    };
    let scale = 1024_i64.pow(u32::try_from(power).expect("at most five"));
    scaled(number, scale).ok_or_else(|| format!("invalid size: '{text}'"))
}

/// `scale` times a number that may have a decimal point, cut to a whole one.
fn scaled(number: &str, scale: i64) -> Option<i64> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits = format!("{whole}{fraction}");
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let tens = 10_i128.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    let product = digits.parse::<i128>().ok()?.checked_mul(i128::from(scale))?;
    i64::try_from(product / tens).ok()
}

/// A duration as Go's `time.ParseDuration` takes it.
pub(in super::super) fn duration(text: &str) -> Result<(), String> {
    nanoseconds(text).map(drop)
}

/// Nanoseconds of a duration.
pub(in super::super) fn nanoseconds(text: &str) -> Result<i64, String> {
    let invalid = || format!("time: invalid duration {}", quoted(text));
    let (sign, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Ok(0);
    }
    if rest.is_empty() {
        return Err(invalid());
    }
    let is_number = |c: char| c.is_ascii_digit() || c == '.';
    let mut total = 0_i64;
    while !rest.is_empty() {
        let (number, tail) = rest.split_at(rest.find(|c| !is_number(c)).unwrap_or(rest.len()));
        if !number.bytes().any(|b| b.is_ascii_digit()) {
            return Err(invalid());
        }
        let (unit, tail) = tail.split_at(tail.find(is_number).unwrap_or(tail.len()));
        let scale = match unit {
            "" => return Err(format!("time: missing unit in duration {}", quoted(text))),
            "ns" => 1,
            "us" | "µs" | "μs" => 1_000,
            "ms" => 1_000_000,
            "s" => 1_000_000_000,
            "m" => 60_000_000_000,
            "h" => 3_600_000_000_000,
            _ => return Err(format!("time: unknown unit {} in duration {}", quoted(unit), quoted(text))),
        };
        total = scaled(number, scale).and_then(|nanos| total.checked_add(nanos)).ok_or_else(invalid)?;
        rest = tail;
    }
    Ok(sign * total)
}

/// `nofile=1024:2048`.
pub(in super::super) fn ulimit(text: &str) -> Result<(), String> {
    let (name, values) = text.split_once('=').ok_or_else(|| format!("invalid ulimit argument: {text}"))?;
    if !LIMITS.contains(&name) {
        return Err(format!("invalid ulimit type: {name}"));
    }
    let (soft, hard) = soft_and_hard(values)?;
    match (soft, hard) {
        (_, -1) => Ok(()),
        (-1, _) => Err(format!(
            "ulimit soft limit must be less than or equal to hard limit: soft: -1 (unlimited), hard: {hard}"
        )),
        _ if soft > hard => Err(format!("ulimit soft limit must be less than or equal to hard limit: {soft} > {hard}")),
        _ => Ok(()),
    }
}

/// The two parts of a limit; one alone is both.
pub(in super::super) fn soft_and_hard(values: &str) -> Result<(i64, i64), String> {
    let number = |part: &str| integer(part).map(|()| part.parse::<i64>().unwrap_or_default());
    match values.split(':').collect::<Vec<_>>().as_slice() {
        [one] => number(one).map(|one| (one, one)),
        [soft, hard] => number(hard).and_then(|hard| Ok((number(soft)?, hard))),
        _ => Err(format!("too many limit value arguments - {values}, can only have up to two, `soft[:hard]`")),
    }
}

/// `/dev/sda:100`: what follows the path of a device.
fn of_device(text: &str) -> Result<&str, String> {
    let parts = text.split_once(':').filter(|(path, _)| !path.is_empty());
    let (path, rest) = parts.ok_or_else(|| format!("bad format: {text}"))?;
    if path.starts_with("/dev/") { Ok(rest) } else { Err(format!("bad format for device path: {text}")) }
}

/// The weight of a device.
pub(in super::super) fn device_weight(text: &str) -> Result<(), String> {
    match of_device(text)?.parse::<u16>() {
        Ok(0 | 10..=1000) => Ok(()),
        _ => Err(format!("invalid weight for device: {text}")),
    }
}

/// The rate of a device in bytes.
pub(in super::super) fn device_bytes(text: &str) -> Result<(), String> {
    bytes(of_device(text)?).map(drop).map_err(|_| {
        format!(
            "invalid rate for device: {text}. The correct format is <device-path>:<number>[<unit>]. Number must be a \
             positive integer. Unit is optional and can be kb, mb, or gb"
        )
    })
}

/// The rate of a device in operations.
pub(in super::super) fn device_operations(text: &str) -> Result<(), String> {
    of_device(text)?.parse::<u64>().map(drop).map_err(|_| {
        format!(
            "invalid rate for device: {text}. The correct format is <device-path>:<number>. Number must be a positive \
             integer"
        )
    })
}

/// `c 1:* rwm`.
pub(in super::super) fn device_rule(text: &str) -> Result<(), String> {
    let number = |part: &str| part == "*" || (!part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()));
    let fits = match text.split(' ').collect::<Vec<_>>().as_slice() {
        [kind, numbers, rights] => {
            matches!(*kind, "a" | "c" | "b")
                && numbers.split_once(':').is_some_and(|(major, minor)| number(major) && number(minor))
                && matches!(rights.len(), 1..=3)
                && rights.chars().all(|c| "rwm".contains(c))
        }
        _ => false,
    };
    if fits { Ok(()) } else { Err(format!("invalid device cgroup format '{text}'")) }
}

/// A weight: a number of 16 bits.
pub(in super::super) fn weight(text: &str) -> Result<(), String> {
    unsigned(text, 16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_shares() {
        assert_eq!(bytes("10m"), Ok(10_485_760));
        assert_eq!(bytes("1GiB"), Ok(1_073_741_824));
        assert_eq!(bytes("7"), Ok(7));
        assert_eq!(bytes("1.5k"), Ok(1536));
        assert_eq!(size("foo"), Err("invalid size: 'foo'".to_owned()));
        assert_eq!(size("4x"), Err("invalid suffix: 'x'".to_owned()));
        assert_eq!(size_or_unlimited("-2"), Err("invalid size: '-2'".to_owned()));
        assert_eq!(size_or_unlimited("-1"), Ok(()));
        assert_eq!(nano_cpus("1.5"), Ok(1_500_000_000));
        assert_eq!(nano_cpus("1/2"), Ok(500_000_000));
        assert_eq!(nano_cpus("1e1"), Ok(10_000_000_000));
        assert_eq!(nano_cpus("0.0000000001"), Err("value is too precise".to_owned()));
        assert_eq!(nano_cpus("x"), Err("failed to parse x as a rational number".to_owned()));
    }

    #[test]
    fn durations_are_read_as_go_does() {
        assert_eq!(nanoseconds("1h30m"), Ok(5_400_000_000_000));
        assert_eq!(nanoseconds("-0.5s"), Ok(-500_000_000));
        assert_eq!(nanoseconds("x"), Err("time: invalid duration \"x\"".to_owned()));
        assert_eq!(nanoseconds("5"), Err("time: missing unit in duration \"5\"".to_owned()));
        assert_eq!(nanoseconds("5q"), Err("time: unknown unit \"q\" in duration \"5q\"".to_owned()));
    }

    #[test]
    fn limits_of_a_process() {
        let refused = |text| ulimit(text).expect_err(text);
        assert_eq!(ulimit("nofile=1024:2048"), Ok(()));
        assert_eq!(ulimit("nofile=-1"), Ok(()));
        assert_eq!(refused("nofile"), "invalid ulimit argument: nofile");
        assert_eq!(refused("banana=5"), "invalid ulimit type: banana");
        assert_eq!(refused("nofile=x"), "strconv.ParseInt: parsing \"x\": invalid syntax");
        assert_eq!(refused("nofile=10:5"), "ulimit soft limit must be less than or equal to hard limit: 10 > 5");
    }

    #[test]
    fn rates_and_rules_of_devices() {
        assert_eq!(device_weight("x"), Err("bad format: x".to_owned()));
        assert_eq!(device_weight("sda:100"), Err("bad format for device path: sda:100".to_owned()));
        assert_eq!(device_bytes("/dev/null:1mb"), Ok(()));
        assert!(
            device_operations("/dev/null:-1").expect_err("negative").ends_with("Number must be a positive integer")
        );
        assert_eq!(device_rule("c 1:* rwm"), Ok(()));
        assert_eq!(device_rule("x"), Err("invalid device cgroup format 'x'".to_owned()));
    }
}
