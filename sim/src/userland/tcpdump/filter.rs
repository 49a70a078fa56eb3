//! The expressions that tell `tcpdump` which frames are meant (pcap-filter(7)): addresses, networks, ports, protocols,
//! lengths, bits of headers, and `and`, `or`, `not` between them.

use core::fmt;
use core::net::IpAddr;

use ipnetwork::IpNetwork;

use crate::addr::Mac;
use crate::filter::name;
use crate::frame::{Frame, ethertype};
use crate::packet::{Ip, protocol};

/// What is meant.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Filter {
    All,
    And(Box<Self>, Box<Self>),
    Or(Box<Self>, Box<Self>),
    Not(Box<Self>),
    /// An `EtherType`.
    Kind(u16),
    /// A protocol of IP, of a family when it has but one.
    Protocol(u8),
    Net(Side, IpNetwork),
    Station(Side, Mac),
    Ports(Side, Option<u8>, u16, u16),
    Broadcast,
    Multicast,
    AtLeast(usize),
    AtMost(usize),
    Vlan(Option<u16>),
    Bits(Bits),
}

/// Which end is meant.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Side {
    Source,
    Destination,
    Either,
    Both,
}

impl Side {
    fn fits(self, source: bool, destination: bool) -> bool {
        match self {
            Self::Source => source,
            Self::Destination => destination,
            Self::Either => source || destination,
            Self::Both => source && destination,
        }
    }
}

/// A number in a header, and what it has to be.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Bits {
    /// The protocol whose header it is in; 0 for IP's own.
    header: u8,
    offset: usize,
    size: usize,
    mask: u32,
    relation: Relation,
    value: u32,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Relation {
    Equal,
    Unequal,
    Less,
    AtMost,
    More,
    AtLeast,
}

/// What cannot be read.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Wrong {
    Syntax,
    Host(String),
    Port(String),
    PortRange(String),
    PortTooLarge(u64),
    /// A port whose name only another protocol knows.
    PortOf(String, String),
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax => f.write_str("can't parse filter expression: syntax error"),
            Self::Host(name) => write!(f, "unknown host '{name}'"),
            Self::Port(name) => write!(f, "unknown port '{name}'"),
            Self::PortRange(text) => write!(f, "unknown port in range '{text}'"),
            Self::PortTooLarge(number) => write!(f, "illegal port number {number} > 65535"),
            Self::PortOf(name, protocol) => write!(f, "port '{name}' is {protocol}"),
        }
    }
}

/// Deepest parentheses that are read.
const DEPTH: usize = 64;

struct Reader<'a> {
    words: Vec<&'a str>,
    at: usize,
    depth: usize,
    /// What was said before the last name, which holds for the next one when nothing else is said.
    last: Option<(Option<u8>, Side, Sort)>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Sort {
    Host,
    Net,
    Port,
    Range,
    Ether,
}

impl Filter {
    pub(super) fn parse(text: &str) -> Result<Self, Wrong> {
        let words = words(text);
        if words.is_empty() {
            return Ok(Self::All);
        }
        let mut reader = Reader { words, at: 0, depth: 0, last: None };
        let filter = reader.alternatives()?;
        if reader.at == reader.words.len() { Ok(filter) } else { Err(Wrong::Syntax) }
    }

    pub(super) fn fits(&self, frame: &Frame) -> bool {
        let ip = || match frame.ethertype() {
            ethertype::IPV4 | ethertype::IPV6 => Ip::parse(frame.payload()),
            _ => None,
        };
        match self {
            Self::All => true,
            Self::And(a, b) => a.fits(frame) && b.fits(frame),
            Self::Or(a, b) => a.fits(frame) || b.fits(frame),
            Self::Not(a) => !a.fits(frame),
            Self::Kind(kind) => frame.ethertype() == *kind,
            Self::Protocol(number) => ip().is_some_and(|ip| ip.protocol == *number),
            Self::Net(side, net) => {
                addresses(frame).is_some_and(|(src, dst)| side.fits(net.contains(src), net.contains(dst)))
            }
            Self::Station(side, mac) => side.fits(frame.src() == *mac, frame.dst() == *mac),
            Self::Ports(side, of, first, last) => ip().is_some_and(|ip| {
                let within = |port: u16| (*first..=*last).contains(&port);
                of.is_none_or(|of| of == ip.protocol)
                    && ip.ports().is_some_and(|(src, dst)| side.fits(within(src), within(dst)))
            }),
            Self::Broadcast => frame.dst().is_broadcast(),
            Self::Multicast => frame.dst().is_multicast(),
            Self::AtLeast(len) => frame.len() >= *len,
            Self::AtMost(len) => frame.len() <= *len,
            Self::Vlan(id) => {
                let tag = frame.payload().first_chunk().map(|tag| u16::from_be_bytes(*tag) & 0xfff);
                frame.ethertype() == ethertype::VLAN && id.is_none_or(|id| tag == Some(id))
            }
            Self::Bits(bits) => ip().is_some_and(|ip| bits.fits(frame.payload(), &ip)),
        }
    }
}

/// The addresses of a packet, or those that ARP tells.
fn addresses(frame: &Frame) -> Option<(IpAddr, IpAddr)> {
    let bytes = frame.payload();
    match frame.ethertype() {
        ethertype::ARP => {
            let at = |at: usize| bytes.get(at..)?.first_chunk::<4>().map(|bytes| IpAddr::from(*bytes));
            Some((at(14)?, at(24)?))
        }
        ethertype::IPV4 | ethertype::IPV6 => Ip::parse(bytes).map(|ip| (ip.src, ip.dst)),
        _ => None,
    }
}

impl Bits {
    fn fits(&self, packet: &[u8], ip: &Ip) -> bool {
        let begins = match self.header {
            0 => 0,
            header if header == ip.protocol && ip.fragment.is_none_or(|fragment| fragment.offset == 0) => ip.upper_at(),
            _ => return false,
        };
        let at = begins + self.offset;
        let Some(bytes) = packet.get(at..at + self.size) else { return false };
        let found = bytes.iter().fold(0u32, |all, byte| all << 8 | u32::from(*byte)) & self.mask;
        match self.relation {
            Relation::Equal => found == self.value,
            Relation::Unequal => found != self.value,
            Relation::Less => found < self.value,
            Relation::AtMost => found <= self.value,
            Relation::More => found > self.value,
            Relation::AtLeast => found >= self.value,
        }
    }
}

/// Words, and signs that stand alone.
fn words(text: &str) -> Vec<&str> {
    let (mut all, mut rest) = (Vec::new(), text.trim_start());
    while !rest.is_empty() {
        let signs = ["&&", "||", "==", "!=", ">=", "<="];
        let len = if signs.iter().any(|sign| rest.starts_with(sign)) {
            2
        } else if rest.starts_with(['(', ')', '!', '[', ']', '&', '|', '=', '<', '>']) {
            1
        } else {
            rest.find(|c: char| c.is_whitespace() || "()![]&|=<>".contains(c)).unwrap_or(rest.len())
        };
        let (word, after) = rest.split_at(len);
        all.push(word);
        rest = after.trim_start();
    }
    all
}

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<&'a str> {
        self.words.get(self.at).copied()
    }

    fn take(&mut self) -> Result<&'a str, Wrong> {
        let word = self.peek().ok_or(Wrong::Syntax)?;
        self.at += 1;
        Ok(word)
    }

    fn takes(&mut self, word: &str) -> bool {
        let is_next = self.peek() == Some(word);
        self.at += usize::from(is_next);
        is_next
    }

    fn expect(&mut self, word: &str) -> Result<(), Wrong> {
        if self.takes(word) { Ok(()) } else { Err(Wrong::Syntax) }
    }

    /// `and` and `or` bind alike, from left to right.
    fn alternatives(&mut self) -> Result<Filter, Wrong> {
        let mut filter = self.one()?;
        loop {
            if self.takes("and") || self.takes("&&") {
                filter = Filter::And(Box::new(filter), Box::new(self.one()?));
            } else if self.takes("or") || self.takes("||") {
                filter = Filter::Or(Box::new(filter), Box::new(self.one()?));
            } else {
                return Ok(filter);
            }
        }
    }

    fn one(&mut self) -> Result<Filter, Wrong> {
        self.depth += 1;
        if self.depth > DEPTH {
            return Err(Wrong::Syntax);
        }
        let filter = if self.takes("not") || self.takes("!") {
            Filter::Not(Box::new(self.one()?))
        } else if self.takes("(") {
            let filter = self.alternatives()?;
            self.expect(")")?;
            filter
        } else {
            self.primitive()?
        };
        self.depth -= 1;
        Ok(filter)
    }

    fn primitive(&mut self) -> Result<Filter, Wrong> {
        if let Some(bits) = self.bits()? {
            return Ok(Filter::Bits(bits));
        }
        match self.peek().ok_or(Wrong::Syntax)? {
            word @ ("greater" | "less") => {
                self.at += 1;
                let len = self.take()?.parse().map_err(|_| Wrong::Syntax)?;
                Ok(if word == "greater" { Filter::AtLeast(len) } else { Filter::AtMost(len) })
            }
            "vlan" => {
                self.at += 1;
                let id = self.peek().and_then(|word| word.parse().ok());
                self.at += usize::from(id.is_some());
                Ok(Filter::Vlan(id))
            }
            word @ ("broadcast" | "multicast") => {
                self.at += 1;
                Ok(if word == "broadcast" { Filter::Broadcast } else { Filter::Multicast })
            }
            _ => self.qualified(),
        }
    }

    /// `[PROTOCOL] [src|dst] [host|net|port|portrange] NAME`, of which all but one may be left out.
    fn qualified(&mut self) -> Result<Filter, Wrong> {
        let (family, of) = match self.peek() {
            Some("ip") => (Some(Filter::Kind(ethertype::IPV4)), None),
            Some("ip6") => (Some(Filter::Kind(ethertype::IPV6)), None),
            Some("arp") => (Some(Filter::Kind(ethertype::ARP)), None),
            Some("tcp") => (None, Some(protocol::TCP)),
            Some("udp") => (None, Some(protocol::UDP)),
            Some("icmp") => (None, Some(protocol::ICMP)),
            Some("icmp6") => (None, Some(protocol::ICMPV6)),
            _ => (None, None),
        };
        let is_ether = family.is_none() && of.is_none() && self.takes("ether");
        self.at += usize::from(family.is_some() || of.is_some());
        if matches!(self.peek(), Some("broadcast" | "multicast")) && (is_ether || family.is_some()) {
            return self.primitive();
        }
        let side = self.side();
        let sort = self.sort(is_ether);
        let alone = side.is_none() && sort.is_none();
        let protocol = of.map(Filter::Protocol).or_else(|| family.clone());
        if let Some(filter) = protocol.clone().filter(|_| alone) {
            return Ok(filter);
        }
        let meant = match (alone, self.last) {
            (true, Some(last)) => last,
            (true, None) if is_ether => return Err(Wrong::Syntax),
            _ => (of, side.unwrap_or(Side::Either), sort.unwrap_or(if is_ether { Sort::Ether } else { Sort::Host })),
        };
        self.last = Some(meant);
        let named = self.named(meant)?;
        Ok(match (meant.2, protocol) {
            (Sort::Host | Sort::Net, Some(protocol)) => Filter::And(Box::new(protocol), Box::new(named)),
            (Sort::Port | Sort::Range, Some(family @ Filter::Kind(_))) => {
                Filter::And(Box::new(family), Box::new(named))
            }
            _ => named,
        })
    }

    fn side(&mut self) -> Option<Side> {
        let first = match self.peek()? {
            "src" => Side::Source,
            "dst" => Side::Destination,
            _ => return None,
        };
        self.at += 1;
        let other = self.words.get(self.at + 1).copied().filter(|word| matches!(*word, "src" | "dst"));
        match (self.peek(), other) {
            (Some("or"), Some(_)) => {
                self.at += 2;
                Some(Side::Either)
            }
            (Some("and"), Some(word)) if (word == "src") != (first == Side::Source) => {
                self.at += 2;
                Some(Side::Both)
            }
            _ => Some(first),
        }
    }

    fn sort(&mut self, is_ether: bool) -> Option<Sort> {
        let sort = match self.peek()? {
            "host" if is_ether => Sort::Ether,
            "host" => Sort::Host,
            "net" => Sort::Net,
            "port" => Sort::Port,
            "portrange" => Sort::Range,
            _ => return None,
        };
        self.at += 1;
        Some(sort)
    }

    fn named(&mut self, (of, side, sort): (Option<u8>, Side, Sort)) -> Result<Filter, Wrong> {
        let word = self.take().ok().filter(|word| !matches!(*word, "and" | "or" | "not")).ok_or(Wrong::Syntax)?;
        match sort {
            Sort::Ether => Ok(Filter::Station(side, word.parse().map_err(|_| Wrong::Syntax)?)),
            Sort::Host | Sort::Net => {
                let net = match sort {
                    Sort::Host => word.parse::<IpAddr>().map(IpNetwork::from).ok(),
                    _ => network(word),
                };
                let is_word = word.chars().all(|c| c.is_ascii_alphanumeric() || "._-:/".contains(c));
                net.map(|net| Filter::Net(side, net))
                    .ok_or_else(|| if is_word { Wrong::Host(word.to_owned()) } else { Wrong::Syntax })
            }
            Sort::Port => port(word, of).map(|(of, port)| Filter::Ports(side, of, port, port)),
            Sort::Range => {
                let end = |text: &str| match number(text)? {
                    Some(port) => Ok(port),
                    None => name::parse_port(text, None).map_err(|_| Wrong::PortRange(word.to_owned())),
                };
                let (first, last) = word.split_once('-').unwrap_or((word, word));
                Ok(Filter::Ports(side, of, end(first)?, end(last)?))
            }
        }
    }

    /// `tcp[tcpflags] & tcp-syn != 0` and the like.
    fn bits(&mut self) -> Result<Option<Bits>, Wrong> {
        let header = match (self.peek(), self.words.get(self.at + 1)) {
            (Some("ip" | "ip6"), Some(&"[")) => 0,
            (Some("tcp"), Some(&"[")) => protocol::TCP,
            (Some("udp"), Some(&"[")) => protocol::UDP,
            (Some("icmp"), Some(&"[")) => protocol::ICMP,
            (Some("icmp6"), Some(&"[")) => protocol::ICMPV6,
            _ => return Ok(None),
        };
        self.at += 2;
        let place = self.take()?;
        let (offset, size) = place.split_once(':').unwrap_or((place, "1"));
        self.expect("]")?;
        let size: usize = size.parse().map_err(|_| Wrong::Syntax)?;
        let offset = usize::try_from(constant(offset)?).map_err(|_| Wrong::Syntax)?;
        let mask = if self.takes("&") { self.sum()? } else { u32::MAX };
        let relation = match self.take()? {
            "=" | "==" => Relation::Equal,
            "!=" => Relation::Unequal,
            "<" => Relation::Less,
            "<=" => Relation::AtMost,
            ">" => Relation::More,
            ">=" => Relation::AtLeast,
            _ => return Err(Wrong::Syntax),
        };
        let value = self.sum()?;
        match size {
            1 | 2 | 4 => Ok(Some(Bits { header, offset, size, mask, relation, value })),
            _ => Err(Wrong::Syntax),
        }
    }

    /// A constant, or several with `|` between them.
    fn sum(&mut self) -> Result<u32, Wrong> {
        let in_parentheses = self.takes("(");
        let mut sum = constant(self.take()?)?;
        while in_parentheses && self.takes("|") {
            sum |= constant(self.take()?)?;
        }
        if in_parentheses {
            self.expect(")")?;
        }
        Ok(sum)
    }
}

fn network(word: &str) -> Option<IpNetwork> {
    let (addr, prefix) = word.split_once('/').map_or((word, None), |(addr, prefix)| (addr, Some(prefix)));
    if let Ok(addr) = addr.parse::<IpAddr>() {
        let most = if addr.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.map_or(Some(most), |prefix| prefix.parse().ok())?;
        return IpNetwork::new(addr, prefix).ok();
    }
    // `10.1` is 10.1.0.0/16.
    let parts: Vec<u8> = addr.split('.').map(|part| part.parse().ok()).collect::<Option<_>>()?;
    let mut bytes = [0; 4];
    bytes.get_mut(..parts.len())?.copy_from_slice(&parts);
    let usual = u8::try_from(parts.len() * 8).ok()?;
    IpNetwork::new(IpAddr::from(bytes), prefix.map_or(Some(usual), |prefix| prefix.parse().ok())?).ok()
}

/// A number, or a name that stands for one.
fn constant(word: &str) -> Result<u32, Wrong> {
    let known = match word {
        "tcpflags" => 13,
        "icmptype" | "icmp6type" => 0,
        "icmpcode" | "icmp6code" => 1,
        "tcp-fin" => 1,
        "tcp-syn" => 2,
        "tcp-rst" => 4,
        "tcp-push" => 8,
        "tcp-ack" => 16,
        "tcp-urg" => 32,
        "icmp-echoreply" => 0,
        "icmp-unreach" => 3,
        "icmp-redirect" => 5,
        "icmp-echo" => 8,
        "icmp-timxceed" => 11,
        "icmp6-echo" => 128,
        "icmp6-echoreply" => 129,
        _ => {
            let number =
                word.strip_prefix("0x").map_or_else(|| word.parse().ok(), |hex| u32::from_str_radix(hex, 16).ok());
            return number.ok_or(Wrong::Syntax);
        }
    };
    Ok(known)
}

/// The port that a number stands for, if the text is one.
fn number(text: &str) -> Result<Option<u16>, Wrong> {
    let Ok(number) = text.parse::<u64>() else { return Ok(None) };
    u16::try_from(number).map(Some).map_err(|_| Wrong::PortTooLarge(number))
}

/// A port by number or name, and the protocol that it is of. A name that only TCP or only UDP knows is of that protocol,
/// and of no other.
fn port(text: &str, of: Option<u8>) -> Result<(Option<u8>, u16), Wrong> {
    if let Some(number) = number(text)? {
        return Ok((of, number));
    }
    let [tcp, udp] = [protocol::TCP, protocol::UDP].map(|known| name::parse_port(text, Some(known)).ok());
    let (only, port) = match (tcp, udp) {
        (Some(port), Some(_)) => return Ok((of, port)),
        (Some(port), None) => (protocol::TCP, port),
        (None, Some(port)) => (protocol::UDP, port),
        (None, None) => return Err(Wrong::Port(text.to_owned())),
    };
    match of {
        Some(other) if other != only => Err(Wrong::PortOf(text.to_owned(), name::protocol(only))),
        _ => Ok((Some(only), port)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::build::{self, Parts};

    /// A datagram from 10.9.0.1:4000 to 10.9.0.2:53.
    fn datagram() -> Frame {
        let (src, dst) = ("10.9.0.1".parse().unwrap(), "10.9.0.2".parse().unwrap());
        let body = build::udp(4000, 53, b"hello");
        let mut frame =
            Frame::ethernet(Mac([2, 0, 0, 0, 0, 2]), Mac([2, 0, 0, 0, 0, 1]), ethertype::IPV4, 20 + body.len());
        build::write(&Parts::new(src, dst, protocol::UDP, &body), frame.payload_mut());
        frame
    }

    #[test]
    fn expressions_mean_what_pcap_filter_says() {
        for (text, fits) in [
            ("", true),
            ("udp", true),
            ("tcp or icmp", false),
            ("host 10.9.0.2", true),
            ("src host 10.9.0.2", false),
            ("src 10.9.0.1 and dst port domain", true),
            ("tcp port 53", false),
            ("udp port 80 or 53", true),
            ("net 10.9", true),
            ("not net 10.9.0.0/24", false),
            ("dst net 10.9.0.2/32 && !(port 67 or portrange 50-52)", true),
            ("port 67 or portrange 50-53", true),
            ("ip and not ip6", true),
            ("ether src 02:00:00:00:00:01", true),
            ("ether host 02:00:00:00:00:03 or arp", false),
            ("src or dst port 4000", true),
            ("less 46 or greater 48", false),
            ("greater 47", true),
            ("broadcast or ip multicast", false),
            ("udp[0:2] = 4000 and ip[8] > 60", true),
            ("tcp[tcpflags] & (tcp-syn|tcp-fin) != 0", false),
            ("ip[9] == 0x11", true),
        ] {
            assert_eq!(Filter::parse(text).map(|filter| filter.fits(&datagram())), Ok(fits), "{text}");
        }
    }

    #[test]
    fn what_is_no_expression_is_told() {
        for text in
            ["port", "port and", "and", "host 10.0.0.1 and", "(udp", "udp)", "tcp[", "tcp[0:3] = 1", "less x", "ether"]
        {
            assert_eq!(Filter::parse(text), Err(Wrong::Syntax), "{text}");
        }
        assert_eq!(Filter::parse("host nobody"), Err(Wrong::Host("nobody".to_owned())));
        assert_eq!(Filter::parse("port nothing"), Err(Wrong::Port("nothing".to_owned())));
        assert_eq!(Filter::parse("port 70000"), Err(Wrong::PortTooLarge(70_000)));
        assert_eq!(Filter::parse("portrange 80-nothing"), Err(Wrong::PortRange("80-nothing".to_owned())));
        assert_eq!(Filter::parse("tcp port who"), Err(Wrong::PortOf("who".to_owned(), "udp".to_owned())));
        assert_eq!(Filter::parse("port who"), Filter::parse("udp port 513"));
        assert_eq!(Filter::parse(&"(".repeat(10_000)), Err(Wrong::Syntax));
    }
}
