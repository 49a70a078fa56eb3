//! The command line of Linux traceroute 2.1, which has its own way with options: `-q1`, `--queries=1`, and complaints
//! that count the words. Options for other methods than UDP and ICMP are not known here.

use core::time::Duration;

use crate::userland::aimed::Refusal;
use crate::userland::lookup::Family;
use crate::userland::traceroute::Method;

/// What was asked for.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Options {
    pub(super) host: String,
    /// The number of the word that is the host, for complaints.
    pub(super) host_word: usize,
    /// The length of the whole packet, when one was given.
    pub(super) packet_len: Option<u32>,
    pub(super) family: Family,
    pub(super) method: Method,
    pub(super) numeric: bool,
    pub(super) dont_fragment: bool,
    pub(super) first_hop: u32,
    pub(super) max_hops: u32,
    pub(super) probes: u32,
    /// How many probes may be under way at once.
    pub(super) at_once: u32,
    /// Where ports, or sequence numbers, begin.
    pub(super) port: Option<u16>,
    pub(super) source: Option<String>,
    pub(super) device: Option<String>,
    pub(super) wait: Wait,
    /// Between two probes.
    pub(super) pause: Duration,
}

/// How long to wait for a response: `MAX,HERE,NEAR`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Wait {
    pub(super) max: Duration,
    /// So many times what another probe of the same hop took; 0 for never.
    pub(super) here: f64,
    /// So many times what a probe of a later hop took; 0 for never.
    pub(super) near: f64,
}

fn refuse(text: impl Into<String>) -> Refusal {
    Refusal { text: text.into() + "\n", code: 2 }
}

/// Letter, long name, and what the argument is called.
struct Known(char, &'static str, Option<&'static str>);

const KNOWN: [Known; 16] = [
    Known('4', "", None),
    Known('6', "", None),
    Known('F', "dont-fragment", None),
    Known('I', "icmp", None),
    Known('V', "version", None),
    Known('n', "", None),
    Known('r', "", None),
    Known('N', "sim-queries", Some("squeries")),
    Known('f', "first", Some("first_ttl")),
    Known('i', "interface", Some("device")),
    Known('m', "max-hops", Some("max_ttl")),
    Known('p', "port", Some("port")),
    Known('q', "queries", Some("nqueries")),
    Known('s', "source", Some("src_addr")),
    Known('w', "wait", Some("MAX,HERE,NEAR")),
    Known('z', "sendwait", Some("sendwait")),
];

const SYNOPSIS: &str = "\
Usage:
  traceroute [ -46FInr ] [ -f first_ttl ] [ -i device ] [ -m max_ttl ] [ -N squeries ] [ -p port ] \
[ -w MAX,HERE,NEAR ] [ -q nqueries ] [ -s src_addr ] [ -z sendwait ] host [ packetlen ]
";

const VERSION: &str = "\
Modern traceroute for Linux, version 2.1.2
Copyright (c) 2016  Dmitry Butskoy,   License: GPL v2 or any later
";

impl Options {
    /// Reads the arguments. Whether numbers make sense is checked when the host is known.
    pub(super) fn parse(argv: &[String]) -> Result<Self, Refusal> {
        let mut options = Self {
            host: String::new(),
            host_word: 0,
            packet_len: None,
            family: Family::Any,
            method: Method::Udp,
            numeric: false,
            dont_fragment: false,
            first_hop: 1,
            max_hops: 30,
            probes: 3,
            at_once: 16,
            port: None,
            source: None,
            device: None,
            wait: Wait { max: Duration::from_secs(5), here: 3.0, near: 10.0 },
            pause: Duration::ZERO,
        };
        if argv.len() < 2 {
            return Err(Refusal { text: SYNOPSIS.to_owned(), code: 0 });
        }
        let mut operands = Vec::new();
        let mut at = 1;
        while let Some(word) = argv.get(at) {
            at = match word.strip_prefix("--") {
                Some("") => {
                    operands.extend((at + 1)..argv.len());
                    argv.len()
                }
                Some(long) => options.read_long(argv, at, long)?,
                None if word.len() > 1 && word.starts_with('-') => options.read_short(argv, at)?,
                None => {
                    operands.push(at);
                    at + 1
                }
            };
        }
        options.take_operands(argv, &operands)?;
        Ok(options)
    }

    fn take_operands(&mut self, argv: &[String], operands: &[usize]) -> Result<(), Refusal> {
        if let Some(extra) = operands.get(2) {
            return Err(refuse(format!("Extra arg `{}' (position 3, argc {extra})", argv[*extra])));
        }
        let Some(host) = operands.first() else {
            return Err(refuse("Specify \"host\" missing argument."));
        };
        self.host.clone_from(&argv[*host]);
        self.host_word = *host;
        if let Some(at) = operands.get(1) {
            let word = &argv[*at];
            let complaint =
                || refuse(format!("Cannot handle \"packetlen\" cmdline arg `{word}' on position 2 (argc {at})"));
            self.packet_len = Some(word.parse().map_err(|_| complaint())?);
        }
        Ok(())
    }

    /// `-n`, `-nI`, `-q1`, `-q 1`: the number of the word after it.
    fn read_short(&mut self, argv: &[String], at: usize) -> Result<usize, Refusal> {
        let letters = &argv[at][1..];
        for (place, letter) in letters.char_indices() {
            let known = KNOWN.iter().find(|k| k.0 == letter);
            let Some(Known(_, _, argument)) = known else {
                return Err(refuse(format!("Bad option `-{letter}' (argc {at})")));
            };
            let Some(argument) = argument else {
                self.switch(letter)?;
                continue;
            };
            let name = format!("-{letter}");
            let rest = &letters[place + letter.len_utf8()..];
            if place == 0 && !rest.is_empty() {
                self.set(letter, rest).ok_or_else(|| unfit(&name, rest, at))?;
                return Ok(at + 1);
            }
            let value =
                argv.get(at + 1).filter(|_| rest.is_empty()).ok_or_else(|| missing(&name, ' ', argument, at))?;
            self.set(letter, value).ok_or_else(|| unfit(&name, value, at + 1))?;
            return Ok(at + 2);
        }
        Ok(at + 1)
    }

    /// `--icmp`, `--queries=1`, `--queries 1`.
    fn read_long(&mut self, argv: &[String], at: usize, word: &str) -> Result<usize, Refusal> {
        let (name, attached) = word.split_once('=').map_or((word, None), |(name, value)| (name, Some(value)));
        let Some(Known(letter, _, argument)) = KNOWN.iter().find(|k| !k.1.is_empty() && k.1 == name) else {
            return Err(refuse(format!("Bad option `--{word}' (argc {at})")));
        };
        let Some(argument) = argument else {
            self.switch(*letter)?;
            return Ok(at + 1);
        };
        let name = format!("--{name}");
        let (value, value_at) = match attached {
            Some(value) => (value, at),
            None => (argv.get(at + 1).ok_or_else(|| missing(&name, '=', argument, at))?.as_str(), at + 1),
        };
        self.set(*letter, value).ok_or_else(|| unfit(&name, value, value_at))?;
        Ok(value_at + 1)
    }

    fn switch(&mut self, letter: char) -> Result<(), Refusal> {
        match letter {
            '4' => self.family = Family::V4,
            '6' => self.family = Family::V6,
            'F' => self.dont_fragment = true,
            'I' => self.method = Method::Icmp,
            'n' => self.numeric = true,
            'V' => return Err(Refusal { text: VERSION.to_owned(), code: 0 }),
            _ => {}
        }
        Ok(())
    }

    /// None when the value does not fit.
    fn set(&mut self, letter: char, value: &str) -> Option<()> {
        match letter {
            'f' => self.first_hop = value.parse().ok()?,
            'm' => self.max_hops = value.parse().ok()?,
            'q' => self.probes = value.parse().ok()?,
            'N' => self.at_once = value.parse::<u32>().ok()?.max(1),
            'p' => {
                let [low, high, ..] = value.parse::<u32>().ok()?.to_le_bytes();
                self.port = Some(u16::from_le_bytes([low, high]));
            }
            'w' => self.wait = wait(value, self.wait)?,
            'z' => {
                let number: f64 = value.parse().ok()?;
                let seconds = if number > 10.0 { number / 1000.0 } else { number };
                self.pause = Duration::try_from_secs_f64(seconds).ok()?;
            }
            'i' => self.device = Some(value.to_owned()),
            _ => self.source = Some(value.to_owned()),
        }
        Some(())
    }

    /// Checks the numbers.
    pub(super) fn check(&self) -> Result<(), Refusal> {
        if !(1..=self.max_hops).contains(&self.first_hop) {
            return Err(refuse("first hop out of range"));
        }
        if self.max_hops > 255 {
            return Err(refuse("max hops cannot be more than 255"));
        }
        if !(1..=10).contains(&self.probes) {
            return Err(refuse("no more than 10 probes per hop"));
        }
        match self.packet_len {
            Some(len) if len > 65000 => Err(refuse(format!("too big packetlen {len} specified"))),
            _ => Ok(()),
        }
    }
}

fn missing(name: &str, glue: char, argument: &str, at: usize) -> Refusal {
    refuse(format!("Option `{name}' (argc {at}) requires an argument: `{name}{glue}{argument}'"))
}

fn unfit(name: &str, value: &str, at: usize) -> Refusal {
    refuse(format!("Cannot handle `{name}' option with arg `{value}' (argc {at})"))
}

/// Up to three numbers; those left out stay.
fn wait(value: &str, before: Wait) -> Option<Wait> {
    let numbers: Vec<f64> = value.split(',').map(|n| n.parse().ok().filter(|n| *n >= 0.0)).collect::<Option<_>>()?;
    let mut wait = before;
    match numbers[..] {
        [max] => wait.max = Duration::try_from_secs_f64(max).ok()?,
        [max, here] => (wait.max, wait.here) = (Duration::try_from_secs_f64(max).ok()?, here),
        [max, here, near] => wait = Wait { max: Duration::try_from_secs_f64(max).ok()?, here, near },
        _ => return None,
    }
    Some(wait)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Options, String> {
        let argv: Vec<String> = line.split(' ').map(str::to_owned).collect();
        let options = Options::parse(&argv).and_then(|o| o.check().map(|()| o));
        options.map_err(|refusal| refusal.text)
    }

    #[test]
    fn options_come_short_joined_and_long() {
        let options = parse("traceroute -nI -q1 --max-hops=2 --first 2 -w 1,2 -N 4 10.0.0.1 100").unwrap();
        assert_eq!((options.numeric, options.method, options.probes), (true, Method::Icmp, 1));
        assert_eq!((options.max_hops, options.first_hop, options.at_once), (2, 2, 4));
        assert_eq!(options.wait, Wait { max: Duration::from_secs(1), here: 2.0, near: 10.0 });
        assert_eq!((options.host_word, options.packet_len), (10, Some(100)));
    }

    #[test]
    fn complaints_count_the_words() {
        let error = |line| parse(line).unwrap_err();
        assert_eq!(error("traceroute -Z"), "Bad option `-Z' (argc 1)\n");
        assert_eq!(error("traceroute --bogus"), "Bad option `--bogus' (argc 1)\n");
        assert_eq!(error("traceroute -n -m x h"), "Cannot handle `-m' option with arg `x' (argc 3)\n");
        assert_eq!(error("traceroute -m"), "Option `-m' (argc 1) requires an argument: `-m max_ttl'\n");
        assert_eq!(error("traceroute -nq1 h"), "Option `-q' (argc 1) requires an argument: `-q nqueries'\n");
        assert_eq!(error("traceroute a b c"), "Extra arg `c' (position 3, argc 3)\n");
        assert_eq!(error("traceroute -n h x"), "Cannot handle \"packetlen\" cmdline arg `x' on position 2 (argc 3)\n");
    }

    #[test]
    fn numbers_must_make_sense() {
        let error = |line| parse(line).unwrap_err();
        assert_eq!(error("traceroute -m 300 h"), "max hops cannot be more than 255\n");
        assert_eq!(error("traceroute -f 5 -m 3 h"), "first hop out of range\n");
        assert_eq!(error("traceroute -q 0 h"), "no more than 10 probes per hop\n");
        assert_eq!(error("traceroute h 70000"), "too big packetlen 70000 specified\n");
    }
}
