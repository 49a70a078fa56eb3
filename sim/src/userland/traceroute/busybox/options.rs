//! The command line of busybox traceroute.

use core::time::Duration;

use crate::userland::getopt::Getopt;
use crate::userland::lookup::Family;
use crate::userland::traceroute::Method;

/// What was asked for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Options {
    pub(super) host: String,
    /// The length of the whole packet, when one was given.
    pub(super) packet_len: Option<usize>,
    pub(super) family: Family,
    pub(super) method: Method,
    pub(super) numeric: bool,
    pub(super) verbose: bool,
    pub(super) show_ttl: bool,
    pub(super) dont_fragment: bool,
    pub(super) first_hop: u8,
    pub(super) max_hops: u8,
    pub(super) probes: u32,
    pub(super) port: u16,
    pub(super) source: Option<String>,
    pub(super) device: Option<String>,
    /// How long to wait for each response.
    pub(super) wait: Duration,
    /// How long to wait before each probe.
    pub(super) pause: Duration,
}

const USAGE: &str = "\
BusyBox v1.35.0 (Debian 1:1.35.0-4+deb12u1+b1) multi-call binary.

Usage: traceroute [-46Flnrv] [-f 1ST_TTL] [-m MAXTTL] [-q PROBES] [-p PORT]
\t[-t TOS] [-w WAIT_SEC] [-s SRC_IP] [-i IFACE]
\t[-z PAUSE_MSEC] HOST [BYTES]

Trace the route to HOST

\t-4,-6\tForce IP or IPv6 name resolution
\t-F\tSet don't fragment bit
\t-l\tDisplay TTL value of the returned packet
\t-n\tPrint numeric addresses
\t-r\tBypass routing tables, send directly to HOST
\t-v\tVerbose
\t-f N\tFirst number of hops (default 1)
\t-m N\tMax number of hops
\t-q N\tNumber of probes per hop (default 3)
\t-p N\tBase UDP port number used in probes
\t\t(default 33434)
\t-s IP\tSource address
\t-i IFACE Source interface
\t-t N\tType-of-service in probe packets (default 0)
\t-w SEC\tWait for a response (default 3)
\t-z MSEC\tWait before each send
";

impl Options {
    /// Reads the arguments; the error is what to print on standard error. `-r`, `-d`, `-x` and `-t` change nothing
    /// that can be seen here.
    pub(super) fn parse(argv: &[String]) -> Result<Self, String> {
        let mut options = Self {
            host: String::new(),
            packet_len: None,
            family: Family::Any,
            method: Method::Udp,
            numeric: false,
            verbose: false,
            show_ttl: false,
            dont_fragment: false,
            first_hop: 1,
            max_hops: 30,
            probes: 3,
            port: 33434,
            source: None,
            device: None,
            wait: Duration::from_secs(3),
            pause: Duration::ZERO,
        };
        let mut words = Getopt::new(argv, "FIlnrdvxt:i:m:p:q:s:w:z:f:46");
        for opt in &mut words {
            let opt = opt.map_err(|error| format!("traceroute: {error}\n{USAGE}"))?;
            options.set(opt.flag, opt.value)?;
        }
        if options.first_hop > options.max_hops {
            return Err(out_of_range(&options.first_hop.to_string(), 1, options.max_hops.into()));
        }
        match words.operands().as_slice() {
            [host] => options.host = (*host).to_owned(),
            [host, bytes] => {
                options.host = (*host).to_owned();
                options.packet_len = Some(number(bytes, 46, 32768)? as usize);
            }
            _ => return Err(USAGE.to_owned()),
        }
        Ok(options)
    }

    fn set(&mut self, flag: char, value: &str) -> Result<(), String> {
        match flag {
            'F' => self.dont_fragment = true,
            'I' => self.method = Method::Icmp,
            'l' => self.show_ttl = true,
            'n' => self.numeric = true,
            'v' => self.verbose = true,
            'i' => self.device = Some(value.to_owned()),
            's' => self.source = Some(value.to_owned()),
            'm' => self.max_hops = hops(value)?,
            'f' => self.first_hop = hops(value)?,
            'p' => self.port = u16::try_from(number(value, 1, 65535)?).expect("the range was checked"),
            'q' => self.probes = number(value, 1, i32::MAX.unsigned_abs())?,
            'w' => self.wait = Duration::from_secs(number(value, 1, 86400)?.into()),
            'z' => self.pause = Duration::from_millis(number(value, 0, 3_600_000)?.into()),
            '4' => self.family = Family::V4,
            '6' => self.family = Family::V6,
            _ => {}
        }
        Ok(())
    }
}

fn hops(value: &str) -> Result<u8, String> {
    Ok(u8::try_from(number(value, 1, 255)?).expect("the range was checked"))
}

fn number(value: &str, min: u32, max: u32) -> Result<u32, String> {
    let number: u32 = value.parse().map_err(|_| format!("traceroute: invalid number '{value}'\n"))?;
    if (min..=max).contains(&number) { Ok(number) } else { Err(out_of_range(value, min, max)) }
}

fn out_of_range(value: &str, min: u32, max: u32) -> String {
    format!("traceroute: number {value} is not in {min}..{max} range\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Options, String> {
        Options::parse(&line.split(' ').map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn options_and_a_length() {
        let options = parse("traceroute -n -w 1 -m 3 -q 2 -I 172.17.0.2 100").unwrap();
        assert_eq!((options.numeric, options.wait, options.max_hops), (true, Duration::from_secs(1), 3));
        assert_eq!((options.probes, options.method, options.packet_len), (2, Method::Icmp, Some(100)));
    }

    #[test]
    fn what_is_wrong_is_said_as_busybox_says_it() {
        let error = |line| parse(line).unwrap_err();
        assert_eq!(error("traceroute"), USAGE);
        assert_eq!(error("traceroute -m 300 h"), "traceroute: number 300 is not in 1..255 range\n");
        assert_eq!(error("traceroute h 10"), "traceroute: number 10 is not in 46..32768 range\n");
        assert_eq!(error("traceroute -f 9 -m 3 h"), "traceroute: number 9 is not in 1..3 range\n");
        assert!(error("traceroute -Z h").starts_with("traceroute: invalid option -- 'Z'\nBusyBox"));
    }
}
