//! The command line of dig: what to ask for, whom, and which parts of the answers to print. Words before the first
//! name hold for all names, words after a name for that one.

use core::net::IpAddr;
use core::str::FromStr;

use crate::userland::lookup::Family;
use crate::userland::lookup::message::{self, DNSClass, RecordType};

/// One name to ask for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Job {
    pub(super) name: String,
    pub(super) kind: Option<RecordType>,
    pub(super) class: DNSClass,
    /// `@server`.
    pub(super) server: Option<String>,
    pub(super) flags: Flags,
}

/// What `+keyword` sets.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Flags {
    pub(super) short: bool,
    pub(super) show: Show,
    pub(super) tries: u32,
    /// In seconds.
    pub(super) timeout: u32,
    pub(super) recurse: bool,
    pub(super) ad: bool,
    pub(super) cd: bool,
    pub(super) dnssec: bool,
    /// The UDP size that the query offers; none without EDNS.
    pub(super) edns: Option<u16>,
    /// A truncated answer is good enough.
    pub(super) ignore: bool,
    /// By TCP or not, when it was said.
    pub(super) tcp: Option<bool>,
    pub(super) search: bool,
    pub(super) ndots: Option<usize>,
}

/// Which parts to print.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Show {
    pub(super) command: bool,
    pub(super) comments: bool,
    pub(super) question: bool,
    pub(super) answer: bool,
    pub(super) authority: bool,
    pub(super) additional: bool,
    pub(super) stats: bool,
    pub(super) ttl: bool,
    pub(super) class: bool,
}

impl Show {
    const ALL: Self = Self::sections(true);

    /// All parts or none; the columns of a record stay.
    const fn sections(on: bool) -> Self {
        Self {
            command: on,
            comments: on,
            question: on,
            answer: on,
            authority: on,
            additional: on,
            stats: on,
            ttl: true,
            class: true,
        }
    }
}

/// All of a command line.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Options {
    pub(super) jobs: Vec<Job>,
    pub(super) family: Family,
    pub(super) port: u16,
    /// Warnings to print before anything else.
    pub(super) warnings: String,
}

/// Why nothing is asked.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Refusal {
    pub(super) stdout: String,
    pub(super) stderr: String,
    pub(super) code: i32,
}

/// The version that dig says it is.
pub(in crate::userland) const VERSION: &str = "9.18.49-1~deb12u3-Debian";

const USAGE: &str = "\
Usage:  dig [@global-server] [domain] [q-type] [q-class] {q-opt}
            {global-d-opt} host [@local-server] {local-d-opt}
            [ host [@local-server] {local-d-opt} [...]]

Use \"dig -h\" (or \"dig -h | more\") for complete list of options
";

fn invalid(word: &str) -> Refusal {
    Refusal { stderr: format!("Invalid option: {word}\n{USAGE}"), code: 1, ..Refusal::default() }
}

/// Reads the words from left to right.
struct Parser {
    options: Options,
    /// What new jobs begin as.
    default: Job,
}

impl Options {
    /// Reads the arguments. Without a name the root's name servers are asked for.
    pub(super) fn parse(argv: &[String]) -> Result<Self, Refusal> {
        let options = Self { jobs: Vec::new(), family: Family::Any, port: 53, warnings: String::new() };
        let mut parser = Parser { options, default: Job::default() };
        let mut words = argv.iter().skip(1).map(String::as_str);
        while let Some(word) = words.next() {
            parser.read(word, &mut words)?;
        }
        if parser.options.jobs.is_empty() {
            let kind = parser.default.kind.unwrap_or(RecordType::NS);
            parser.options.jobs.push(Job { name: ".".to_owned(), kind: Some(kind), ..parser.default });
        }
        Ok(parser.options)
    }
}

impl Default for Job {
    fn default() -> Self {
        let flags = Flags {
            short: false,
            show: Show::ALL,
            tries: 3,
            timeout: 5,
            recurse: true,
            ad: true,
            cd: false,
            dnssec: false,
            edns: Some(1232),
            ignore: false,
            tcp: None,
            search: false,
            ndots: None,
        };
        Self { name: String::new(), kind: None, class: DNSClass::IN, server: None, flags }
    }
}

impl Parser {
    /// The job that a word is about.
    fn job(&mut self) -> &mut Job {
        self.options.jobs.last_mut().unwrap_or(&mut self.default)
    }

    fn add(&mut self, name: &str) {
        self.options.jobs.push(Job { name: name.to_owned(), ..self.default.clone() });
    }

    fn read<'a>(&mut self, word: &'a str, words: &mut impl Iterator<Item = &'a str>) -> Result<(), Refusal> {
        if let Some(server) = word.strip_prefix('@') {
            self.job().server = Some(server.to_owned());
        } else if let Some(keyword) = word.strip_prefix('+') {
            self.job().flags.set(keyword)?;
        } else if let Some(letters) = word.strip_prefix('-').filter(|l| !l.is_empty()) {
            return self.dash(letters, words);
        } else if let Some(kind) = record_type(word) {
            self.job().kind = Some(kind);
        } else if let Some(class) = class(word) {
            self.job().class = class;
        } else {
            self.add(word);
        }
        Ok(())
    }

    /// `-x ADDR`, `-xADDR`, `-4`.
    fn dash<'a>(&mut self, letters: &'a str, words: &mut impl Iterator<Item = &'a str>) -> Result<(), Refusal> {
        let mut rest = letters;
        while let Some(letter) = rest.chars().next() {
            rest = &rest[letter.len_utf8()..];
            match letter {
                '4' => self.options.family = Family::V4,
                '6' => self.options.family = Family::V6,
                'r' | 'u' if rest.is_empty() => {}
                'v' => {
                    let stderr = format!("DiG {VERSION}\n");
                    return Err(Refusal { stderr, ..Refusal::default() });
                }
                _ => {
                    let attached = (!rest.is_empty()).then_some(rest);
                    let value = attached.or_else(|| words.next()).ok_or_else(|| invalid(&format!("-{letters}")))?;
                    return self.value(letter, value).unwrap_or_else(|| Err(invalid(&format!("-{letters}"))));
                }
            }
        }
        Ok(())
    }

    /// An option with a value; none when there is no such option.
    fn value(&mut self, letter: char, value: &str) -> Option<Result<(), Refusal>> {
        match letter {
            'q' => self.add(value),
            't' => match record_type(value) {
                Some(kind) => self.job().kind = Some(kind),
                None => self.warn("type", value),
            },
            'c' => match class(value) {
                Some(class) => self.job().class = class,
                None => self.warn("class", value),
            },
            'x' => {
                self.add(&reverse(value));
                self.job().kind = Some(RecordType::PTR);
            }
            'p' => match number("port number", value, 65535, 1) {
                Ok(port) => self.options.port = u16::try_from(port).expect("the range was checked"),
                Err(refusal) => return Some(Err(refusal)),
            },
            _ => return None,
        }
        Some(Ok(()))
    }

    fn warn(&mut self, what: &str, value: &str) {
        self.options.warnings += &format!(";; Warning, ignoring invalid {what} {value}\n");
    }
}

impl Flags {
    fn set(&mut self, keyword: &str) -> Result<(), Refusal> {
        let (key, value) = keyword.split_once('=').unwrap_or((keyword, ""));
        match key {
            "time" | "timeout" => self.timeout = number("timeout", value, 65535, 10)?.max(1),
            "tries" => self.tries = number("tries", value, 1_000_000, 10)?.max(1),
            "retry" => self.tries = number("retries", value, 1_000_000, 10)? + 1,
            "ndots" => self.ndots = Some(number("ndots", value, 65535, 10)? as usize),
            "bufsize" => {
                let size = number("buffer size", value, 65535, 10)?;
                self.edns = Some(u16::try_from(size).expect("the range was checked"));
            }
            _ => {
                let (key, on) = key.strip_prefix("no").map_or((key, true), |key| (key, false));
                return self.switch(key, on).ok_or_else(|| invalid(&format!("+{keyword}")));
            }
        }
        Ok(())
    }

    fn switch(&mut self, key: &str, on: bool) -> Option<()> {
        let switch = match key {
            "short" => &mut self.short,
            "cmd" => &mut self.show.command,
            "comments" => &mut self.show.comments,
            "question" => &mut self.show.question,
            "answer" => &mut self.show.answer,
            "authority" => &mut self.show.authority,
            "additional" => &mut self.show.additional,
            "stats" => &mut self.show.stats,
            "ttlid" | "ttl" => &mut self.show.ttl,
            "class" => &mut self.show.class,
            "recurse" | "rec" | "rdflag" => &mut self.recurse,
            "adflag" | "ad" => &mut self.ad,
            "cdflag" | "cd" => &mut self.cd,
            "dnssec" | "do" => &mut self.dnssec,
            "search" => &mut self.search,
            "ignore" => &mut self.ignore,
            // There is no cookie here, and these are so already.
            "cookie" | "besteffort" | "fail" => return Some(()),
            "tcp" | "vc" => {
                self.tcp = Some(on);
                return Some(());
            }
            "edns" => {
                self.edns = on.then_some(self.edns.unwrap_or(1232));
                return Some(());
            }
            "all" => {
                self.show = Show { ttl: self.show.ttl, class: self.show.class, ..Show::sections(on) };
                return Some(());
            }
            _ => return None,
        };
        *switch = on;
        Some(())
    }
}

/// A number up to `max`; what is none ends dig with `code`.
fn number(what: &str, value: &str, max: u32, code: i32) -> Result<u32, Refusal> {
    let why = match value.parse::<u32>() {
        Ok(number) if number <= max => return Ok(number),
        Ok(_) => "out of range",
        Err(_) => "not a valid number",
    };
    let stdout = format!("invalid {what} '{value}': {why}\n");
    Err(Refusal { stdout, stderr: format!("dig: Couldn't parse {what}\n"), code })
}

/// `A`, `mx`, `TYPE99`.
pub(in crate::userland) fn record_type(word: &str) -> Option<RecordType> {
    let upper = word.to_ascii_uppercase();
    match upper.strip_prefix("TYPE").and_then(|n| n.parse::<u16>().ok()) {
        Some(number) => Some(number.into()),
        None => RecordType::from_str(&upper).ok(),
    }
}

fn class(word: &str) -> Option<DNSClass> {
    let class = DNSClass::from_str(&word.to_ascii_uppercase()).ok()?;
    matches!(class, DNSClass::IN | DNSClass::CH | DNSClass::HS | DNSClass::ANY).then_some(class)
}

/// The name to ask for by `-x`: of a part of an IPv4 address too.
fn reverse(text: &str) -> String {
    match text.parse::<IpAddr>() {
        Ok(addr) => message::reverse_name(addr),
        Err(_) => {
            let labels: Vec<&str> = text.split('.').rev().collect();
            format!("{}.in-addr.arpa", labels.join("."))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Options, Refusal> {
        Options::parse(&line.split(' ').map(str::to_owned).collect::<Vec<_>>())
    }

    fn jobs(line: &str) -> Vec<String> {
        let kind = |job: &Job| job.kind.map_or_else(|| "-".to_owned(), |k| k.to_string());
        parse(line).unwrap().jobs.iter().map(|j| format!("{} {} {}", j.name, kind(j), j.class)).collect()
    }

    #[test]
    fn words_are_types_classes_or_names() {
        assert_eq!(jobs("dig @127.0.0.11 c5"), ["c5 - IN"]);
        assert_eq!(jobs("dig container3 CH TXT"), ["container3 TXT CH"]);
        assert_eq!(jobs("dig mx"), [". MX IN"]);
        assert_eq!(jobs("dig"), [". NS IN"]);
        assert_eq!(jobs("dig -q mx"), ["mx - IN"]);
        assert_eq!(jobs("dig -x 172.25.3.3"), ["3.3.25.172.in-addr.arpa PTR IN"]);
        assert_eq!(jobs("dig -x 25.172"), ["172.25.in-addr.arpa PTR IN"]);
        assert_eq!(jobs("dig -taaaa -c in a"), [". A IN"]);
        assert_eq!(parse("dig www TYPE99").unwrap().jobs[0].kind.map(u16::from), Some(99));
    }

    #[test]
    fn words_after_a_name_are_about_it_alone() {
        let jobs = parse("dig +short www.lan @10.0.0.3 A six.lan AAAA +noshort").unwrap().jobs;
        assert_eq!((jobs[0].server.as_deref(), jobs[0].flags.short), (Some("10.0.0.3"), true));
        assert_eq!((jobs[1].server.as_deref(), jobs[1].flags.short), (None, false));
    }

    #[test]
    fn keywords_choose_what_is_printed_and_how_long_it_waits() {
        let job = parse("dig x +noall +answer +comments +tries=1 +time=2 +noedns +norecurse").unwrap().jobs.remove(0);
        let expected = Show { answer: true, comments: true, ..Show::sections(false) };
        assert_eq!(job.flags.show, expected);
        assert_eq!((job.flags.tries, job.flags.timeout, job.flags.edns, job.flags.recurse), (1, 2, None, false));
        assert_eq!(
            parse("dig x +retry=0 +time=0").map(|o| (o.jobs[0].flags.tries, o.jobs[0].flags.timeout)),
            Ok((1, 1))
        );
    }

    #[test]
    fn what_is_wrong_is_said_as_dig_says_it() {
        let refusal = |line| parse(line).unwrap_err();
        assert_eq!(refusal("dig x +bogus").stderr, format!("Invalid option: +bogus\n{USAGE}"));
        assert_eq!(refusal("dig -t").stderr, format!("Invalid option: -t\n{USAGE}"));
        assert_eq!(parse("dig x +vc").unwrap().jobs[0].flags.tcp, Some(true));
        let timeout = refusal("dig +time=x y");
        assert_eq!(timeout.stdout, "invalid timeout 'x': not a valid number\n");
        assert_eq!((timeout.stderr.as_str(), timeout.code), ("dig: Couldn't parse timeout\n", 10));
        assert_eq!(refusal("dig -p 99999 x").stdout, "invalid port number '99999': out of range\n");
        assert_eq!(parse("dig -t bogus x").unwrap().warnings, ";; Warning, ignoring invalid type bogus\n");
    }
}
