//! The command line of busybox ping.

use core::time::Duration;

use crate::userland::getopt::Getopt;
use crate::userland::lookup::Family;

/// What was asked for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Options {
    pub(super) host: String,
    pub(super) family: Family,
    /// How many requests; 0 means no end.
    pub(super) count: u64,
    pub(super) size: u16,
    pub(super) interval: Duration,
    /// Send the next as soon as a reply came.
    pub(super) adaptive: bool,
    pub(super) ttl: Option<u8>,
    pub(super) source: Option<String>,
    /// How long to wait after the last request while nothing has come at all.
    pub(super) linger: Duration,
    /// When to end in any case; zero means never.
    pub(super) deadline: Duration,
    pub(super) quiet: bool,
    pub(super) pattern: u8,
}

const USAGE: &str = "\
BusyBox v1.35.0 (Debian 1:1.35.0-4+deb12u1+b1) multi-call binary.

Usage: ping [OPTIONS] HOST

Send ICMP ECHO_REQUESTs to HOST

\t-4,-6\t\tForce IP or IPv6 name resolution
\t-c CNT\t\tSend only CNT pings
\t-s SIZE\t\tSend SIZE data bytes in packets (default 56)
\t-i SECS\t\tInterval
\t-A\t\tPing as soon as reply is received
\t-t TTL\t\tSet TTL
\t-I IFACE/IP\tSource interface or IP address
\t-W SEC\t\tSeconds to wait for the first response (default 10)
\t\t\t(after all -c CNT packets are sent)
\t-w SEC\t\tSeconds until ping exits (default:infinite)
\t\t\t(can exit earlier with -c CNT)
\t-q\t\tQuiet, only display output at start/finish
\t-p HEXBYTE\tPayload pattern
";

/// The name under which it is for IPv6 only.
const PING6: &str = "ping6";

/// The name by which it was called.
pub(super) fn applet(argv: &[String]) -> &'static str {
    if argv.first().is_some_and(|name| name.ends_with(PING6)) { PING6 } else { "ping" }
}

/// The usage under a name; that of IPv6 has no choice of family.
fn usage(name: &str) -> String {
    let known = |line: &&str| name != PING6 || !line.starts_with("\t-4,-6");
    let text: String = USAGE.split_inclusive('\n').filter(known).collect();
    text.replace("Usage: ping ", &format!("Usage: {name} "))
}

impl Options {
    /// Reads the arguments. `-v` and `-n` are known and change nothing.
    pub(super) fn parse(argv: &[String]) -> Result<Self, String> {
        let name = applet(argv);
        let mut options = Self {
            host: String::new(),
            family: if name == PING6 { Family::V6 } else { Family::Any },
            count: 0,
            size: 56,
            interval: Duration::from_secs(1),
            adaptive: false,
            ttl: None,
            source: None,
            linger: Duration::from_secs(10),
            deadline: Duration::ZERO,
            quiet: false,
            pattern: 0,
        };
        let mut words = Getopt::new(argv, "qvAc:s:t:w:W:I:np:i:46");
        for opt in &mut words {
            let opt = opt.map_err(|error| format!("{name}: {error}\n{}", usage(name)))?;
            options.set(opt.flag, opt.value).map_err(|text| format!("{name}: {text}\n"))?;
        }
        match words.operands().as_slice() {
            [host] => options.host = (*host).to_owned(),
            _ => return Err(usage(name)),
        }
        Ok(options)
    }

    fn set(&mut self, flag: char, value: &str) -> Result<(), String> {
        match flag {
            'q' => self.quiet = true,
            'A' => self.adaptive = true,
            'c' => self.count = number(value, u64::MAX)?,
            's' => self.size = u16::try_from(number(value, 65535)?).expect("the range was checked"),
            't' => self.ttl = Some(number(value, i32::MAX as u64)?.to_le_bytes()[0]).filter(|ttl| *ttl > 0),
            'w' => self.deadline = Duration::from_secs(number(value, i32::MAX as u64 / 1000)?),
            'W' => self.linger = Duration::from_secs(number(value, i32::MAX as u64)?),
            'I' => self.source = Some(value.to_owned()),
            'p' => self.pattern = u8::from_str_radix(value, 16).map_err(|_| invalid(value))?,
            'i' => self.interval = seconds(value).ok_or_else(|| invalid(value))?,
            '4' => self.family = Family::V4,
            '6' => self.family = Family::V6,
            _ => {}
        }
        Ok(())
    }
}

fn invalid(value: &str) -> String {
    format!("invalid number '{value}'")
}

fn number(value: &str, max: u64) -> Result<u64, String> {
    let number: u64 = value.parse().map_err(|_| invalid(value))?;
    if number > max { Err(format!("number {value} is not in 0..{max} range")) } else { Ok(number) }
}

/// Seconds with decimals.
fn seconds(value: &str) -> Option<Duration> {
    value.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Options, String> {
        Options::parse(&line.split(' ').map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn options_may_follow_the_host() {
        let options = parse("ping c5 -c 3 -W1 -i 0.2 -q -s 8 -4").unwrap();
        assert_eq!((options.host.as_str(), options.count, options.size), ("c5", 3, 8));
        assert_eq!((options.linger, options.interval), (Duration::from_secs(1), Duration::from_millis(200)));
        assert_eq!((options.quiet, options.family), (true, Family::V4));
    }

    #[test]
    fn what_is_wrong_is_said_as_busybox_says_it() {
        let error = |line| parse(line).unwrap_err();
        assert_eq!(error("ping -c x c5"), "ping: invalid number 'x'\n");
        assert_eq!(error("ping -s 70000 c5"), "ping: number 70000 is not in 0..65535 range\n");
        assert_eq!(error("ping -i -1 c5"), "ping: invalid number '-1'\n");
        assert_eq!(error("ping c5 c6"), USAGE);
        assert!(error("ping -M do c5").starts_with("ping: invalid option -- 'M'\nBusyBox v1.35.0 (Debian "));
    }
}
