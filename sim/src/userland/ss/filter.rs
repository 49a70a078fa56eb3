//! What follows the options of `ss`: states first, then conditions on the ends of a socket, joined by `and`, `or`, `not` and
//! parentheses (`sport = :80 or ( dst 10.0.0.0/8 and dport gt :1024 )`).

use core::net::IpAddr;
use core::str::FromStr as _;

use crate::addr::IpNetwork;
use crate::filter::name;
use crate::userland::sockets::{self, Row, State};

/// A condition.
#[derive(Clone, Debug, Eq, PartialEq)]
enum Condition {
    Both(Box<Self>, Box<Self>),
    Either(Box<Self>, Box<Self>),
    Not(Box<Self>),
    /// The port of an end is within these.
    Ports(End, u32, u32),
    /// An end is at this address, and this port if there is one.
    At(End, Option<IpNetwork>, Option<u32>),
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum End {
    Local,
    Peer,
}

/// Why words are no filter.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Wrong {
    State(String),
    Address(String),
    Port(String),
    /// Something must follow.
    Incomplete,
    Syntax,
}

impl Wrong {
    /// What `ss` says, without its usage.
    pub(super) fn text(&self) -> String {
        match self {
            Self::State(name) => format!("ss: wrong state name: {name}\n"),
            Self::Address(text) => {
                format!("Error: an inet prefix is expected rather than \"{text}\".\nCannot parse dst/src address.\n")
            }
            Self::Port(text) => {
                format!("Error: \"{text}\" does not look like a port.\nCannot parse dst/src address.\n")
            }
            Self::Incomplete => "Command line is not complete. Try option \"help\"\n".to_owned(),
            Self::Syntax => "ss: bison bellows (while parsing filter): \"syntax error!\" Sorry.\n".to_owned(),
        }
    }
}

/// What sockets must be like.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Filter {
    /// The states that were named.
    pub(super) states: Option<Vec<State>>,
    condition: Option<Condition>,
}

impl Filter {
    /// Reads the words, or says what is wrong with them. A port may have its name with one of the protocols.
    pub(super) fn parse(words: &[&str], protocols: &[u8]) -> Result<Self, Wrong> {
        let mut filter = Self::default();
        let mut words = words;
        while let [word @ ("state" | "exclude" | "excl"), rest @ ..] = words {
            let [name, rest @ ..] = rest else { return Err(Wrong::Incomplete) };
            let named = states(name)?;
            match *word {
                "state" => filter.states.get_or_insert_default().extend(named),
                _ => filter.states.get_or_insert_with(|| ALL.to_vec()).retain(|state| !named.contains(state)),
            }
            words = rest;
        }
        let text = words.join(" ");
        let tokens = tokens(&text);
        if !tokens.is_empty() {
            let mut parser = Parser { left: &tokens, protocols };
            filter.condition = Some(parser.either()?);
            if !parser.left.is_empty() {
                return Err(Wrong::Syntax);
            }
        }
        Ok(filter)
    }

    pub(super) fn fits(&self, row: &Row) -> bool {
        self.condition.as_ref().is_none_or(|condition| condition.fits(row))
    }
}

/// Words, and the signs between them, which need no blank.
fn tokens(text: &str) -> Vec<&str> {
    const SIGNS: [&str; 13] = ["&&", "||", "==", "!=", ">=", "<=", "(", ")", "&", "|", "!", "=", ">"];
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let sign = SIGNS.into_iter().chain(["<"]).find(|sign| rest.starts_with(sign));
        let len = match sign {
            Some(sign) => sign.len(),
            None => rest.find(|c: char| c.is_whitespace() || "()&|!=<>".contains(c)).unwrap_or(rest.len()),
        };
        tokens.push(&rest[..len]);
        rest = rest[len..].trim_start();
    }
    tokens
}

/// The tokens that are left.
struct Parser<'a> {
    left: &'a [&'a str],
    protocols: &'a [u8],
}

impl<'a> Parser<'a> {
    fn next(&mut self) -> Result<&'a str, Wrong> {
        let (first, rest) = self.left.split_first().ok_or(Wrong::Syntax)?;
        self.left = rest;
        Ok(first)
    }

    fn skip(&mut self, words: &[&str]) -> bool {
        let is_there = self.left.first().is_some_and(|first| words.contains(first));
        if is_there {
            self.left = &self.left[1..];
        }
        is_there
    }

    fn either(&mut self) -> Result<Condition, Wrong> {
        let mut left = self.both()?;
        while self.skip(&["or", "|", "||"]) {
            left = Condition::Either(Box::new(left), Box::new(self.both()?));
        }
        Ok(left)
    }

    /// Conditions that must all fit, with or without a word between them.
    fn both(&mut self) -> Result<Condition, Wrong> {
        let mut left = self.single()?;
        loop {
            let is_joined = self.skip(&["and", "&", "&&"]);
            let goes_on = self.left.first().is_some_and(|next| !matches!(*next, ")" | "or" | "|" | "||"));
            if !is_joined && !goes_on {
                return Ok(left);
            }
            left = Condition::Both(Box::new(left), Box::new(self.single()?));
        }
    }

    fn single(&mut self) -> Result<Condition, Wrong> {
        match self.next()? {
            "not" | "!" => Ok(Condition::Not(Box::new(self.single()?))),
            "(" => {
                let inner = self.either()?;
                if self.next()? == ")" { Ok(inner) } else { Err(Wrong::Syntax) }
            }
            "src" => self.at(End::Local),
            "dst" => self.at(End::Peer),
            "sport" => self.port(End::Local),
            "dport" => self.port(End::Peer),
            ")" | "&" | "&&" | "and" | "|" | "||" | "or" | "=" | "==" | "!=" | ">" | "<" | ">=" | "<=" => {
                Err(Wrong::Syntax)
            }
            // An end must be named, but the words are looked at first.
            text => self.place(End::Peer, text).and(Err(Wrong::Syntax)),
        }
    }

    fn at(&mut self, end: End) -> Result<Condition, Wrong> {
        self.skip(&["=", "==", "eq"]);
        match self.next()? {
            "!=" | ">" | "<" | ">=" | "<=" | "(" | ")" => Err(Wrong::Syntax),
            text => self.place(end, text),
        }
    }

    fn port(&mut self, end: End) -> Result<Condition, Wrong> {
        let sign = self.next()?;
        let protocols = self.protocols;
        let port = |word: &str| port(word.trim_start_matches(':'), protocols);
        let (first, last) = match sign {
            "=" | "==" | "eq" => port(self.next()?).map(|port| (port, port))?,
            "!=" | "ne" | "neq" => {
                let port = port(self.next()?)?;
                return Ok(Condition::Not(Box::new(Condition::Ports(end, port, port))));
            }
            ">" | "gt" => (port(self.next()?)?.saturating_add(1), u32::MAX),
            ">=" | "ge" | "geq" => (port(self.next()?)?, u32::MAX),
            "<" | "lt" => match port(self.next()?)?.checked_sub(1) {
                Some(last) => (0, last),
                // Nothing is below 0.
                None => (1, 0),
            },
            "<=" | "le" | "leq" => (0, port(self.next()?)?),
            _ => return Err(Wrong::Syntax),
        };
        Ok(Condition::Ports(end, first, last))
    }

    fn place(&self, end: End, text: &str) -> Result<Condition, Wrong> {
        place(end, text, self.protocols)
    }
}

/// A port by number or name; one that is too large for a port is none that a socket has.
fn port(text: &str, protocols: &[u8]) -> Result<u32, Wrong> {
    let named = || protocols.iter().find_map(|protocol| name::parse_port(text, Some(*protocol)).ok()).map(u32::from);
    u32::from_str(text).ok().or_else(named).ok_or_else(|| Wrong::Port(text.to_owned()))
}

/// `10.0.0.1`, `10.0.0.0/8`, `[::1]:80` or `:80`.
fn place(end: End, text: &str, protocols: &[u8]) -> Result<Condition, Wrong> {
    let bad = || Wrong::Address(text.to_owned());
    let (host, number) = match text.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') || host.ends_with(']') => (host, Some(port)),
        _ => (text, None),
    };
    let host = host.trim_matches(['[', ']']);
    let net = match host {
        "" | "*" => None,
        host if host.contains('/') => Some(host.parse().map_err(|_| bad())?),
        host => Some(IpNetwork::from(host.parse::<IpAddr>().map_err(|_| bad())?)),
    };
    let number = number.filter(|port| !matches!(*port, "*" | "")).map(|text| port(text, protocols)).transpose()?;
    Ok(Condition::At(end, net, number))
}

impl Condition {
    fn fits(&self, row: &Row) -> bool {
        let at = |end: &End| match (end, row.peer) {
            (End::Local, _) => (row.local.ip(), row.local.port()),
            (End::Peer, Some(peer)) => (peer.ip(), peer.port()),
            (End::Peer, None) => (sockets::anybody(row.family), 0),
        };
        match self {
            Self::Both(first, second) => first.fits(row) && second.fits(row),
            Self::Either(first, second) => first.fits(row) || second.fits(row),
            Self::Not(inner) => !inner.fits(row),
            Self::Ports(end, first, last) => (*first..=*last).contains(&u32::from(at(end).1)),
            Self::At(end, net, port) => {
                let (addr, number) = at(end);
                net.is_none_or(|net| net.contains(addr)) && port.is_none_or(|port| port == u32::from(number))
            }
        }
    }
}

const ALL: [State; 11] = [
    State::Established,
    State::SynSent,
    State::SynReceived,
    State::FinWait1,
    State::FinWait2,
    State::TimeWait,
    State::Closed,
    State::CloseWait,
    State::LastAck,
    State::Listen,
    State::Closing,
];

fn states(word: &str) -> Result<Vec<State>, Wrong> {
    let but = |left_out: &[State]| ALL.into_iter().filter(|state| !left_out.contains(state)).collect();
    Ok(match word {
        "all" => ALL.to_vec(),
        "connected" => but(&[State::Listen, State::Closed]),
        "synchronized" => but(&[State::Listen, State::Closed, State::SynSent]),
        "bucket" => vec![State::SynReceived, State::TimeWait],
        "big" => but(&[State::SynReceived, State::TimeWait]),
        "established" => vec![State::Established],
        "syn-sent" => vec![State::SynSent],
        "syn-recv" => vec![State::SynReceived],
        "fin-wait-1" => vec![State::FinWait1],
        "fin-wait-2" => vec![State::FinWait2],
        "time-wait" => vec![State::TimeWait],
        "closed" | "unconnected" => vec![State::Closed],
        "close-wait" => vec![State::CloseWait],
        "last-ack" => vec![State::LastAck],
        "listening" | "listen" => vec![State::Listen],
        "closing" => vec![State::Closing],
        other => return Err(Wrong::State(other.to_owned())),
    })
}
