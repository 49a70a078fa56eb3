//! The command line of iputils ping, as far as it is known here: an option of the original that is not gets a refusal
//! of ours, so that no run means something else than it says.

use core::time::Duration;

use crate::socket::Discovery;
use crate::userland::aimed::Refusal;
use crate::userland::getopt::Getopt;
use crate::userland::lookup::Family;

/// What was asked for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Options {
    pub(super) host: String,
    pub(super) family: Family,
    /// How many requests; 0 means no end.
    pub(super) count: u64,
    pub(super) size: usize,
    pub(super) interval: Duration,
    pub(super) adaptive: bool,
    pub(super) broadcast: bool,
    pub(super) ttl: Option<u8>,
    /// The type of service, or the traffic class.
    pub(super) tos: u8,
    pub(super) source: Option<String>,
    /// How long to wait after the last request while nothing has come at all.
    pub(super) linger: Duration,
    /// When to end in any case; zero means never.
    pub(super) deadline: Duration,
    pub(super) quiet: bool,
    /// No names for the addresses that answer.
    pub(super) numeric: bool,
    /// Say at the next request that the one before is not answered yet.
    pub(super) outstanding: bool,
    /// Print the time before each line.
    pub(super) timestamps: bool,
    pub(super) discovery: Discovery,
}

/// What is said, and the exit code.
pub(super) fn refuse(code: i32, text: impl AsRef<str>) -> Refusal {
    Refusal { text: format!("ping: {}\n", text.as_ref()), code }
}

/// What Debian's ping prints after an option error.
const USAGE: &str = "
Usage
  ping [options] <destination>

Options:
  <destination>      dns name or ip address
  -a                 use audible ping
  -A                 use adaptive ping
  -B                 sticky source address
  -c <count>         stop after <count> replies
  -C                 call connect() syscall on socket creation
  -D                 print timestamps
  -d                 use SO_DEBUG socket option
  -e <identifier>    define identifier for ping session, default is random for
                     SOCK_RAW and kernel defined for SOCK_DGRAM
                     Imply using SOCK_RAW (for IPv4 only for identifier 0)
  -f                 flood ping
  -h                 print help and exit
  -I <interface>     either interface name or address
  -i <interval>      seconds between sending each packet
  -L                 suppress loopback of multicast packets
  -l <preload>       send <preload> number of packages while waiting replies
  -m <mark>          tag the packets going out
  -M <pmtud opt>     define mtu discovery, can be one of <do|dont|want>
  -n                 no dns name resolution
  -O                 report outstanding replies
  -p <pattern>       contents of padding byte
  -q                 quiet output
  -Q <tclass>        use quality of service <tclass> bits
  -s <size>          use <size> as number of data bytes to be sent
  -S <size>          use <size> as SO_SNDBUF socket option value
  -t <ttl>           define time to live
  -U                 print user-to-user latency
  -v                 verbose output
  -V                 print version and exit
  -w <deadline>      reply wait <deadline> in seconds
  -W <timeout>       time to wait for response

IPv4 options:
  -4                 use IPv4
  -b                 allow pinging broadcast
  -R                 record route
  -T <timestamp>     define timestamp, can be one of <tsonly|tsandaddr|tsprespec>

IPv6 options:
  -6                 use IPv6
  -F <flowlabel>     define flow label, default is random
  -N <nodeinfo opt>  use icmp6 node info query, try <help> as argument

For more details see ping(8).
";

impl Options {
    /// Reads the arguments. `-a`, `-B`, `-C`, `-d`, `-L`, `-S` and `-U` change nothing that can be seen here.
    pub(super) fn parse(argv: &[String]) -> Result<Self, Refusal> {
        let mut options = Self {
            host: String::new(),
            family: if argv.first().is_some_and(|name| name.ends_with("ping6")) { Family::V6 } else { Family::Any },
            count: 0,
            size: 56,
            interval: Duration::from_secs(1),
            adaptive: false,
            broadcast: false,
            ttl: None,
            tos: 0,
            source: None,
            linger: Duration::from_secs(10),
            deadline: Duration::ZERO,
            quiet: false,
            numeric: false,
            outstanding: false,
            timestamps: false,
            discovery: Discovery::Want,
        };
        let mut words = Getopt::new(argv, "h?46aAbBc:CdDe:fF:i:I:l:Lm:M:nN:OqQ:rRs:S:t:T:UvVw:W:p:");
        for opt in &mut words {
            let opt = opt.map_err(|error| Refusal { text: format!("ping: {error}\n{USAGE}"), code: 2 })?;
            options.set(opt.flag, opt.value)?;
        }
        match words.operands().last() {
            Some(host) => options.host = (*host).to_owned(),
            None => return Err(refuse(1, "usage error: Destination address required")),
        }
        Ok(options)
    }

    fn set(&mut self, flag: char, value: &str) -> Result<(), Refusal> {
        match flag {
            'a' | 'B' | 'C' | 'd' | 'L' | 'S' | 'U' => {}
            'Q' => self.tos = service(value)?,
            'A' => self.adaptive = true,
            'b' => self.broadcast = true,
            'D' => self.timestamps = true,
            'n' => self.numeric = true,
            'O' => self.outstanding = true,
            'q' => self.quiet = true,
            'c' => self.count = number(value, 1, i64::MAX)?,
            's' => self.size = usize::try_from(number(value, 0, i64::from(i32::MAX))?).unwrap_or(usize::MAX),
            'w' => self.deadline = Duration::from_secs(number(value, 0, i64::from(i32::MAX))?),
            'W' => self.linger = seconds(value),
            'i' => self.interval = seconds(value),
            'I' => self.source = Some(value.to_owned()),
            't' => self.set_ttl(number(value, 0, 255)?)?,
            'M' => self.set_discovery(value)?,
            '4' => self.set_family(Family::V4)?,
            '6' => self.set_family(Family::V6)?,
            'h' | '?' => return Err(Refusal { text: USAGE.to_owned(), code: 2 }),
            other => return Err(refuse(2, format!("option '-{other}' is not known in this network"))),
        }
        Ok(())
    }

    fn set_ttl(&mut self, ttl: u64) -> Result<(), Refusal> {
        self.ttl = u8::try_from(ttl).ok().filter(|ttl| *ttl > 0);
        match self.ttl {
            Some(_) => Ok(()),
            None => Err(refuse(2, "cannot set unicast time-to-live: Invalid argument")),
        }
    }

    fn set_discovery(&mut self, value: &str) -> Result<(), Refusal> {
        self.discovery = match value {
            "do" => Discovery::Do,
            "dont" => Discovery::Dont,
            "want" => Discovery::Want,
            _ => return Err(refuse(2, format!("invalid -M argument: {value}"))),
        };
        Ok(())
    }

    fn set_family(&mut self, family: Family) -> Result<(), Refusal> {
        if self.family != Family::Any && self.family != family {
            return Err(refuse(2, "only one -4 or -6 option may be specified"));
        }
        self.family = family;
        Ok(())
    }
}

fn number(value: &str, min: i64, max: i64) -> Result<u64, Refusal> {
    let wrong = |why: &str| Err(refuse(1, format!("invalid argument: '{value}'{why}")));
    match value.parse::<i128>() {
        Err(_) => wrong(""),
        Ok(number) if i64::try_from(number).is_err() => wrong(": Numerical result out of range"),
        Ok(number) if number < min.into() || number > max.into() => {
            wrong(&format!(": out of range: {min} <= value <= {max}"))
        }
        Ok(number) => Ok(u64::try_from(number).unwrap_or(0)),
    }
}

/// A type of service, as iputils reads it: nothing is 0, and what is below that its lowest byte.
fn service(value: &str) -> Result<u8, Refusal> {
    let (digits, radix) = match value.strip_prefix("0x").or_else(|| value.strip_prefix("0X")) {
        Some(digits) => (digits, 16),
        None => (value, 10),
    };
    let number = if digits.is_empty() { Ok(0) } else { i64::from_str_radix(digits, radix) };
    match number {
        Err(_) => Err(refuse(2, format!("bad TOS value: {value}"))),
        Ok(number @ 256..) => Err(refuse(2, format!("the decimal value of TOS bits must be in range 0-255: {number}"))),
        Ok(number) => Ok(number.to_le_bytes()[0]),
    }
}

/// Seconds with decimals; what is no number counts as none, as iputils reads it.
fn seconds(value: &str) -> Duration {
    value.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Options, Refusal> {
        Options::parse(&line.split(' ').map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn options_may_follow_the_host() {
        let options = parse("ping 10.0.9.4 -c 1 -W 0.5 -M do -s 1422 -n").unwrap();
        assert_eq!((options.host.as_str(), options.count, options.size), ("10.0.9.4", 1, 1422));
        let service = |value: &str| parse(&format!("ping -Q {value} h")).unwrap().tos;
        assert_eq!((service("0x28"), service("010"), service("-1")), (0x28, 10, 255));
        assert_eq!((options.linger, options.discovery), (Duration::from_millis(500), Discovery::Do));
    }

    #[test]
    fn what_is_wrong_is_said_as_iputils_says_it() {
        let error = |line| parse(line).map_err(|e| (e.text, e.code)).unwrap_err();
        let text = |text: &str| format!("ping: {text}\n");
        assert_eq!(error("ping"), (text("usage error: Destination address required"), 1));
        assert_eq!(error("ping -c x h"), (text("invalid argument: 'x'"), 1));
        let range = "invalid argument: '0': out of range: 1 <= value <= 9223372036854775807";
        assert_eq!(error("ping -c 0 h"), (text(range), 1));
        let long = "invalid argument: '99999999999999999999': Numerical result out of range";
        assert_eq!(error("ping -c 99999999999999999999 h"), (text(long), 1));
        assert_eq!(error("ping -4 -6 h"), (text("only one -4 or -6 option may be specified"), 2));
        assert_eq!(error("ping -Q abc h"), (text("bad TOS value: abc"), 2));
        let range = "the decimal value of TOS bits must be in range 0-255: 300";
        assert_eq!(error("ping -Q 300 h"), (text(range), 2));
        assert_eq!(error("ping -M x h"), (text("invalid -M argument: x"), 2));
        assert!(error("ping -Z h").0.starts_with("ping: invalid option -- 'Z'\n\nUsage\n  ping [options]"));
        assert_eq!(error("ping -f h").1, 2);
    }
}
