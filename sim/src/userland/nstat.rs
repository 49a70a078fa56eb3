//! `nstat` of iproute2: how much the counters of the protocols grew since it was asked last, or in all. It keeps what it saw
//! in a file of its user. It runs no daemon: `-d` and `-t` are refused.

use core::fmt::Write as _;
use std::collections::BTreeMap;

use super::getopt::Getopt;
use super::shell::wildcard;
use super::snmp;
use super::{Flavour, Programs, Straight, Sys};
use crate::namespace::Namespace;

/// Puts `nstat` on the path of hosts.
pub fn add(programs: &mut Programs) {
    programs.add(Flavour::Host, "nstat", || Box::new(Straight(run)));
}

const SPEC: &str = "hVzrnasd:t:jp";
const LONG: &[(&str, char)] = &[
    ("help", 'h'),
    ("version", 'V'),
    ("zeros", 'z'),
    ("reset", 'r'),
    ("nooutput", 'n'),
    ("ignore", 'a'),
    ("noupdate", 's'),
    ("scan", 'd'),
    ("interval", 't'),
    ("json", 'j'),
    ("pretty", 'p'),
];

const USAGE: &str = "\
Usage: nstat [OPTION] [ PATTERN [ PATTERN ] ]
   -h, --help          this message
   -a, --ignore        ignore history
   -d, --scan=SECS     sample every statistics every SECS
   -j, --json          format output in JSON
   -n, --nooutput      do history only
   -p, --pretty        pretty print
   -r, --reset         reset history
   -s, --noupdate      don't update history
   -t, --interval=SECS report average over the last SECS
   -V, --version       output version information
   -z, --zeros         show entries with zero activity
";

/// What is asked for.
#[derive(Clone, Debug, Default)]
struct Options {
    zeros: bool,
    reset: bool,
    silent: bool,
    absolute: bool,
    keep: bool,
    json: bool,
    pretty: bool,
    patterns: Vec<String>,
}

impl Options {
    /// Reads them; else what is said instead, and the exit code.
    fn parse(argv: &[String]) -> Result<Self, Refusal> {
        let (mut read, mut options) = (Getopt::new(argv, SPEC).with_long(LONG), Self::default());
        for option in &mut read {
            match option.map_err(|error| Refusal::error(format!("nstat: {error}\n{USAGE}"), 255))?.flag {
                'z' => options.zeros = true,
                'r' => (options.reset, options.absolute) = (true, true),
                'n' => options.silent = true,
                'a' => options.absolute = true,
                's' => options.keep = true,
                'j' => options.json = true,
                'p' => options.pretty = true,
                'V' => {
                    return Err(Refusal { text: "nstat utility, iproute2-6.1.0\n".to_owned(), code: 0, error: false });
                }
                'h' => return Err(Refusal::error(USAGE.to_owned(), 255)),
                _ => return Err(Refusal::error("nstat: there is no daemon here\n".to_owned(), 255)),
            }
        }
        options.patterns = read.operands().iter().map(|word| (*word).to_owned()).collect();
        Ok(options)
    }

    /// Whether a counter that grew by so much is shown.
    fn shows(&self, name: &str, grown: i64) -> bool {
        let named = self.patterns.is_empty() || self.patterns.iter().any(|pattern| wildcard(pattern, name));
        named && (grown != 0 || self.zeros)
    }
}

/// What is said instead of an answer.
struct Refusal {
    text: String,
    code: i32,
    error: bool,
}

impl Refusal {
    const fn error(text: String, code: i32) -> Self {
        Self { text, code, error: true }
    }
}

fn run(sys: &mut Sys<'_>) -> i32 {
    match answer(sys) {
        Ok(text) => {
            sys.print(text);
            0
        }
        Err(refusal) => {
            if refusal.error {
                sys.eprint(refusal.text);
            } else {
                sys.print(refusal.text);
            }
            refusal.code
        }
    }
}

fn answer(sys: &mut Sys<'_>) -> Result<String, Refusal> {
    let options = Options::parse(sys.argv())?;
    let file = sys.env().get("NSTAT_HISTORY").cloned().unwrap_or_else(|| "/tmp/.nstat.u0".to_owned());
    let kept = if options.reset { String::new() } else { sys.files().text(&file) };
    let history = History::read(&kept)?;
    let now = counters(sys.network());
    let before = |name: &str| if options.absolute { 0 } else { history.0.get(name).copied().unwrap_or_default() };
    let grown = now.iter().map(|(name, count)| (name.as_str(), count - before(name)));
    let shown: Vec<(&str, i64)> = grown.filter(|(name, grown)| options.shows(name, *grown)).collect();
    let text = match options {
        Options { silent: true, .. } => String::new(),
        Options { json: true, pretty, .. } => json(&shown, pretty),
        _ => table(&shown),
    };
    if !options.keep {
        let all: Vec<(&str, i64)> = now.iter().map(|(name, count)| (name.as_str(), *count)).collect();
        // Where it cannot be kept, what grows is told from the beginning the next time too.
        let _ = sys.files_mut().write(&file, table(&all));
    }
    Ok(text)
}

/// What was counted when it was asked last, by name.
struct History(BTreeMap<String, i64>);

impl History {
    fn read(text: &str) -> Result<Self, Refusal> {
        let broken = || Refusal::error("nstat.c:146: error parsing history file\n".to_owned(), 254);
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        let counts = lines.map(|line| {
            let mut words = line.split_whitespace();
            let (name, count) = (words.next().ok_or_else(broken)?, words.next().ok_or_else(broken)?);
            Ok((name.to_owned(), count.parse().map_err(|_| broken())?))
        });
        counts.collect::<Result<_, _>>().map(Self)
    }
}

/// The counters by their whole names, in order. Those that say how the host is set up do not count.
fn counters(network: &Namespace) -> Vec<(String, i64)> {
    let groups = [snmp::snmp(network), snmp::snmp6(network), snmp::netstat(network)].concat();
    let of = |group: snmp::Group| {
        group.counters.into_iter().map(move |(name, count)| (format!("{}{name}", group.name), count))
    };
    groups.into_iter().flat_map(of).filter(|(name, _)| !FIXED.contains(&name.as_str())).collect()
}

/// What iproute2 takes for settings.
const FIXED: [&str; 6] = ["IpForwarding", "IpDefaultTTL", "TcpRtoAlgorithm", "TcpRtoMin", "TcpRtoMax", "TcpMaxConn"];

fn table(shown: &[(&str, i64)]) -> String {
    let mut text = "#kernel\n".to_owned();
    for (name, grown) in shown {
        let _ = writeln!(text, "{name:<32}{grown:<16} {:>5}", "0.0");
    }
    text
}

/// One object in another.
fn json(shown: &[(&str, i64)], pretty: bool) -> String {
    let (line, inner, colon) = if pretty { ("\n    ", "\n        ", ": ") } else { ("", "", ":") };
    let fields: Vec<String> = shown.iter().map(|(name, grown)| format!("{inner}\"{name}\"{colon}{grown}")).collect();
    let close = if shown.is_empty() { "" } else { line };
    let end = if pretty { "\n" } else { "" };
    format!("{{{line}\"kernel\"{colon}{{{}{close}}}{end}}}\n", fields.join(","))
}
