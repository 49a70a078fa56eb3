//! The lines of iputils ping about what came: times, and ICMP errors in words.

use core::net::IpAddr;
use core::time::Duration;

use crate::userland::icmp::Problem;

/// A round-trip time with as many digits as fit four places.
pub(super) fn milliseconds(took: Duration) -> String {
    let us = took.as_micros();
    match us {
        99_950.. => format!("{} ms", (us + 500) / 1000),
        9_995.. => format!("{}.{} ms", (us + 50) / 1000, (us + 50) % 1000 / 100),
        1_000.. => format!("{}.{:02} ms", (us + 5) / 1000, (us + 5) % 1000 / 10),
        _ => format!("{}.{us:03} ms", 0),
    }
}

/// What an ICMP error from `src` says.
pub(super) fn problem(src: IpAddr, problem: Problem) -> String {
    if src.is_ipv4() { problem_v4(problem) } else { problem_v6(problem) }
}

fn problem_v4(problem: Problem) -> String {
    let text = match problem {
        Problem::Unreachable(code) => match code {
            0 => "Destination Net Unreachable",
            1 => "Destination Host Unreachable",
            2 => "Destination Protocol Unreachable",
            3 => "Destination Port Unreachable",
            5 => "Source Route Failed",
            6 => "Destination Net Unknown",
            7 => "Destination Host Unknown",
            8 => "Source Host Isolated",
            9 => "Destination Net Prohibited",
            10 => "Destination Host Prohibited",
            11 => "Destination Net Unreachable for Type of Service",
            12 => "Destination Host Unreachable for Type of Service",
            13 => "Packet filtered",
            14 => "Precedence Violation",
            15 => "Precedence Cutoff",
            _ => return format!("Dest Unreachable, Bad Code: {code}"),
        },
        Problem::TooBig(mtu) => return format!("Frag needed and DF set (mtu = {mtu})"),
        Problem::Redirect { code, gateway } => {
            let what = match code {
                0 => "Network",
                1 => "Host",
                2 => "Type of Service and Network",
                3 => "Type of Service and Host",
                _ => return format!("Redirect, Bad Code: {code}(New nexthop: {gateway})"),
            };
            return format!("Redirect {what}(New nexthop: {gateway})");
        }
        Problem::TimeExceeded(0) => "Time to live exceeded",
        Problem::TimeExceeded(1) => "Frag reassembly time exceeded",
        Problem::TimeExceeded(code) => return format!("Time exceeded, Bad Code: {code}"),
        Problem::Parameter { pointer, .. } => return format!("Parameter problem: pointer = {pointer}"),
    };
    text.to_owned()
}

fn problem_v6(problem: Problem) -> String {
    match problem {
        // IPv6 has redirects of another kind.
        Problem::Redirect { gateway, .. } => format!("Redirect: {gateway}"),
        Problem::Unreachable(code) => {
            let why = match code {
                0 => "No route",
                1 => "Administratively prohibited",
                2 => "Beyond scope of source address",
                3 => "Address unreachable",
                4 => "Port unreachable",
                _ => return format!("Destination unreachable: Unknown code {code}"),
            };
            format!("Destination unreachable: {why}")
        }
        Problem::TooBig(mtu) => format!("Packet too big: mtu={mtu}"),
        Problem::TimeExceeded(0) => "Time exceeded: Hop limit".to_owned(),
        Problem::TimeExceeded(1) => "Time exceeded: Defragmentation failure".to_owned(),
        Problem::TimeExceeded(code) => format!("Time exceeded: code {code}"),
        Problem::Parameter { code, pointer } => {
            let what = match code {
                0 => "Wrong header field ",
                1 => "Unknown header ",
                2 => "Unknown option ",
                _ => return format!("Parameter problem: code {code}"),
            };
            format!("Parameter problem: {what}at {pointer}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_lose_digits_as_they_grow() {
        let printed = [62, 999, 1_004, 1_005, 9_994, 9_995, 99_949, 99_950, 965_400]
            .map(|us| milliseconds(Duration::from_micros(us)));
        let expected = ["0.062", "0.999", "1.00", "1.01", "9.99", "10.0", "99.9", "100", "965"];
        assert_eq!(printed, expected.map(|t| format!("{t} ms")));
    }

    #[test]
    fn problems_are_worded_by_family() {
        let v4: IpAddr = "10.0.0.1".parse().unwrap();
        let v6: IpAddr = "fe80::1".parse().unwrap();
        assert_eq!(problem(v4, Problem::Unreachable(1)), "Destination Host Unreachable");
        assert_eq!(problem(v4, Problem::TooBig(1400)), "Frag needed and DF set (mtu = 1400)");
        assert_eq!(problem(v4, Problem::Unreachable(99)), "Dest Unreachable, Bad Code: 99");
        assert_eq!(problem(v6, Problem::Unreachable(0)), "Destination unreachable: No route");
        assert_eq!(problem(v6, Problem::TimeExceeded(0)), "Time exceeded: Hop limit");
        assert_eq!(problem(v6, Problem::TooBig(1280)), "Packet too big: mtu=1280");
    }
}
