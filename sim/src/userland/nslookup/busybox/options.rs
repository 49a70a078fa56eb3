//! The command line of busybox nslookup: `-type=QUERY_TYPE` and the like, each of which may be shortened.

use core::net::IpAddr;
use core::time::Duration;

use crate::userland::lookup::message::{self, RecordType};

/// What was asked for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Options {
    pub(super) host: String,
    pub(super) server: Option<String>,
    /// Empty when no type was named.
    pub(super) types: Vec<RecordType>,
    pub(super) port: u16,
    pub(super) debug: bool,
    /// How long to try one server.
    pub(super) timeout: Duration,
    /// How often to ask in that time.
    pub(super) tries: u32,
}

pub(super) const USAGE: &str = "\
BusyBox v1.35.0 (Debian 1:1.35.0-4+deb12u1+b1) multi-call binary.

Usage: nslookup [-type=QUERY_TYPE] [-debug] HOST [DNS_SERVER]

Query DNS about HOST

QUERY_TYPE: soa,ns,a,aaaa,cname,mx,txt,ptr,srv,any
";

/// The types it knows, in the order in which it asks for them.
const TYPES: [RecordType; 10] = [
    RecordType::SOA,
    RecordType::NS,
    RecordType::A,
    RecordType::AAAA,
    RecordType::CNAME,
    RecordType::MX,
    RecordType::TXT,
    RecordType::PTR,
    RecordType::SRV,
    RecordType::ANY,
];

const KEYS: [&str; 7] = ["type", "querytype", "port", "retry", "debug", "t", "timeout"];

impl Options {
    /// Reads the arguments; the error is what to print on standard error.
    pub(super) fn parse(argv: &[String]) -> Result<Self, String> {
        let mut options = Self {
            host: String::new(),
            server: None,
            types: Vec::new(),
            port: 53,
            debug: false,
            timeout: Duration::from_secs(5),
            tries: 2,
        };
        let words = argv.get(1..).unwrap_or_default();
        let first = words.iter().position(|w| !w.starts_with('-')).unwrap_or(words.len());
        for word in &words[..first] {
            options.set(&word[1..])?;
        }
        match &words[first..] {
            [host] => options.host.clone_from(host),
            [host, server] => {
                options.host.clone_from(host);
                options.server = Some(server.clone());
            }
            _ => return Err(USAGE.to_owned()),
        }
        options.types.sort_by_key(|t| TYPES.iter().position(|known| known == t));
        options.types.dedup();
        Ok(options)
    }

    fn set(&mut self, word: &str) -> Result<(), String> {
        let (key, value) = word.split_once('=').unwrap_or((word, ""));
        match full_key(key).ok_or(USAGE)? {
            "type" | "querytype" => self.types.push(record_type(value)?),
            "port" => self.port = number(value, 65535)?.try_into().expect("the range was checked"),
            "retry" => self.tries = number(value, i32::MAX.unsigned_abs())?.max(1),
            "debug" => self.debug = true,
            _ => self.timeout = Duration::from_secs(number(value, i32::MAX.unsigned_abs() / 1000)?.into()),
        }
        Ok(())
    }

    /// The names and types to ask for: of a number its reverse name, of a name without a dot what the search list
    /// makes of it.
    pub(super) fn questions(&self, search: &[String]) -> Vec<(String, RecordType)> {
        if self.types.is_empty()
            && let Ok(addr) = self.host.parse::<IpAddr>()
        {
            return vec![(message::reverse_name(addr), RecordType::PTR)];
        }
        let types = if self.types.is_empty() { &[RecordType::A, RecordType::AAAA][..] } else { &self.types };
        types.iter().flat_map(|kind| self.names(*kind, search).into_iter().map(|name| (name, *kind))).collect()
    }

    fn names(&self, kind: RecordType, search: &[String]) -> Vec<String> {
        if kind == RecordType::PTR || search.is_empty() || self.host.contains('.') {
            return vec![self.host.clone()];
        }
        search.iter().map(|domain| format!("{}.{domain}", self.host)).collect()
    }
}

/// The key that is written so, or the only one that begins so.
fn full_key(key: &str) -> Option<&'static str> {
    let mut matches = KEYS.into_iter().filter(|k| k.starts_with(key));
    KEYS.into_iter().find(|k| *k == key).or_else(|| matches.next().filter(|_| matches.next().is_none()))
}

fn record_type(value: &str) -> Result<RecordType, String> {
    let upper = value.to_ascii_uppercase();
    let known = TYPES.into_iter().find(|t| t.to_string() == upper);
    known.ok_or_else(|| format!("nslookup: invalid query type \"{value}\"\n"))
}

fn number(value: &str, max: u32) -> Result<u32, String> {
    let number: u32 = value.parse().map_err(|_| format!("nslookup: invalid number '{value}'\n"))?;
    if number > max { Err(format!("nslookup: number {value} is not in 0..{max} range\n")) } else { Ok(number) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Options, String> {
        Options::parse(&line.split(' ').map(str::to_owned).collect::<Vec<_>>())
    }

    fn questions(line: &str, search: &[&str]) -> Vec<String> {
        let search: Vec<String> = search.iter().map(|s| (*s).to_owned()).collect();
        parse(line).unwrap().questions(&search).into_iter().map(|(name, kind)| format!("{name} {kind}")).collect()
    }

    #[test]
    fn names_ask_for_both_families_and_numbers_for_their_name() {
        assert_eq!(questions("nslookup c5.lan", &["lan"]), ["c5.lan A", "c5.lan AAAA"]);
        assert_eq!(questions("nslookup 172.25.3.3", &["lan"]), ["3.3.25.172.in-addr.arpa PTR"]);
        assert_eq!(
            questions("nslookup www", &["foo", "lan"]),
            ["www.foo A", "www.lan A", "www.foo AAAA", "www.lan AAAA"]
        );
        assert_eq!(questions("nslookup -type=mx -ty=A lan", &[]), ["lan A", "lan MX"]);
        assert_eq!(questions("nslookup -type=ptr 192.0.2.80", &["lan"]), ["192.0.2.80 PTR"]);
    }

    #[test]
    fn options_may_be_shortened() {
        let options = parse("nslookup -t=1 -retry=3 -d -port=54 c5 10.0.0.1").unwrap();
        assert_eq!((options.timeout, options.tries), (Duration::from_secs(1), 3));
        assert_eq!((options.debug, options.port, options.server.as_deref()), (true, 54, Some("10.0.0.1")));
    }

    #[test]
    fn what_is_wrong_is_said_as_busybox_says_it() {
        assert_eq!(parse("nslookup"), Err(USAGE.to_owned()));
        assert_eq!(parse("nslookup -bogus c5"), Err(USAGE.to_owned()));
        assert_eq!(parse("nslookup a b c"), Err(USAGE.to_owned()));
        assert_eq!(parse("nslookup -type=bogus c5"), Err("nslookup: invalid query type \"bogus\"\n".to_owned()));
    }
}
