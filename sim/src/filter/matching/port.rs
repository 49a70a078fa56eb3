//! `-m tcp`, `-m udp` and `-m sctp`: ports, and the flags of TCP.

use core::fmt;

use super::Argument;
use crate::filter::{Usage, name};
use crate::packet::{Ip, Upper, clamp, protocol, tcp_flag};
use crate::range;

/// Flags in the order in which they are printed.
const FLAGS: [(u8, &str); 6] = [
    (tcp_flag::FIN, "FIN"),
    (tcp_flag::SYN, "SYN"),
    (tcp_flag::RST, "RST"),
    (tcp_flag::PSH, "PSH"),
    (tcp_flag::ACK, "ACK"),
    (tcp_flag::URG, "URG"),
];
/// The flags that `--syn` looks at.
const OPENING: u8 = tcp_flag::FIN | tcp_flag::SYN | tcp_flag::RST | tcp_flag::ACK;

/// A range of ports, or all others.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ports {
    /// The first.
    pub first: u16,
    /// The last.
    pub last: u16,
    /// Whether the others are meant.
    pub negated: bool,
}

impl Ports {
    /// `80`, `http`, `1000:2000`, `:80` or `1024:`, with the names of a protocol; of any when none is said.
    ///
    /// # Errors
    /// `Port` or `PortRange`.
    pub fn parse(text: &str, protocol: Option<u8>) -> Result<Self, Usage> {
        let port = |text: &str| name::parse_port(text, protocol);
        let end = |text: &str, open| if text.is_empty() { Ok(open) } else { port(text) };
        let (first, last) = match text.split_once(':') {
            Some((first, last)) => (end(first, 0)?, end(last, u16::MAX)?),
            None => (port(text)?, port(text)?),
        };
        if first > last { Err(Usage::PortRange) } else { Ok(Self { first, last, negated: false }) }
    }

    /// The same as iptables reads it for UDP: a number that is too large goes round, an end that is before the other is no
    /// error, and the ports of TCP have their names here too (`login` is 513).
    fn parse_for_udp(text: &str, option: &'static str) -> Result<Self, Usage> {
        let port = |text: &str| name::address_port(text, None).ok_or_else(|| Usage::PortUnknown(text.to_owned()));
        let end = |text: &str, open| if text.is_empty() { Ok(open) } else { port(text) };
        let (first, last) = match text.split(':').collect::<Vec<_>>()[..] {
            [only] => (end(only, 0)?, end(only, 0)?),
            [first, last] => (end(first, 0)?, end(last, u16::MAX)?),
            _ => return Err(Usage::PortComponents(option)),
        };
        Ok(Self { first, last, negated: false })
    }

    /// Whether a port is in the range, whatever is meant.
    pub(super) fn contains(&self, port: u16) -> bool {
        (self.first..=self.last).contains(&port)
    }

    fn matches(&self, port: u16) -> bool {
        self.contains(port) != self.negated
    }

    /// As `-L` shows it, after `dpt` or `spt`.
    fn describe(&self, label: &str, proto: u8, numeric: bool) -> String {
        let sign = if self.negated { "!" } else { "" };
        let plural = if self.first == self.last { "" } else { "s" };
        let [first, last] = [self.first, self.last].map(|port| name::port(port, proto, numeric));
        format!(" {label}{plural}:{sign}{}", range::text((first, last), ':'))
    }

    fn save(&self, f: &mut fmt::Formatter<'_>, option: &str) -> fmt::Result {
        write!(f, " {}{option} {}", Argument::sign(self.negated), range::text((self.first, self.last), ':'))
    }
}

/// Source and destination ports; every port when none.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Pair {
    src: Option<Ports>,
    dst: Option<Ports>,
    /// Which were given, though they may have been every port.
    given: (bool, bool),
}

impl Pair {
    fn parse(
        &mut self,
        argument: &mut Argument<'_, '_>,
        read: impl FnOnce(&str, &'static str) -> Result<Ports, Usage>,
    ) -> Result<bool, Usage> {
        let (field, given, long) = match argument.name {
            "sport" | "source-port" => (&mut self.src, &mut self.given.0, "--source-port"),
            "dport" | "destination-port" => (&mut self.dst, &mut self.given.1, "--destination-port"),
            _ => return Ok(false),
        };
        if core::mem::replace(given, true) {
            return Err(Usage::OnlyOne(long));
        }
        let ports = Ports { negated: argument.negated, ..read(argument.value()?, long)? };
        let every = ports.first == 0 && ports.last == u16::MAX && !ports.negated;
        *field = (!every).then_some(ports);
        Ok(true)
    }

    const fn is_any(&self) -> bool {
        self.src.is_some() || self.dst.is_some()
    }

    fn matches(&self, src: u16, dst: u16) -> bool {
        self.src.is_none_or(|p| p.matches(src)) && self.dst.is_none_or(|p| p.matches(dst))
    }

    fn describe(&self, proto: u8, numeric: bool) -> String {
        let show = |ports: Option<Ports>, label| ports.map(|p| p.describe(label, proto, numeric)).unwrap_or_default();
        show(self.src, "spt") + &show(self.dst, "dpt")
    }
}

impl fmt::Display for Pair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.src.map_or(Ok(()), |p| p.save(f, "--sport"))?;
        self.dst.map_or(Ok(()), |p| p.save(f, "--dport"))
    }
}

fn is_of(proto: Option<(u8, bool)>, wanted: u8) -> bool {
    proto.is_some_and(|(number, _)| number == wanted)
}

/// Flags to look at, those of them that must be set, and whether another set is meant.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Flags {
    mask: u8,
    set: u8,
    negated: bool,
}

/// `-m tcp`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tcp {
    ports: Pair,
    /// The kind of an option, and whether packets without it are meant.
    option: Option<(u8, bool)>,
    flags: Option<Flags>,
}

impl Tcp {
    pub(super) fn parse(&mut self, argument: &mut Argument<'_, '_>) -> Result<bool, Usage> {
        let negated = argument.negated;
        match argument.name {
            "syn" => self.flags = Some(Flags { mask: OPENING, set: tcp_flag::SYN, negated }),
            "tcp-flags" => {
                let mask = parse_flags(argument.value()?)?;
                let set = parse_flags(argument.value()?)?;
                self.flags = Some(Flags { mask, set, negated });
            }
            "tcp-option" => {
                let text = argument.value()?;
                let kind =
                    text.parse().ok().filter(|kind| *kind > 0).ok_or_else(|| Usage::TcpOption(text.to_owned()))?;
                if self.option.replace((kind, negated)).is_some() {
                    return Err(Usage::OnlyOne("--tcp-option"));
                }
            }
            _ => return self.ports.parse(argument, |text, _| Ports::parse(text, Some(protocol::TCP))),
        }
        Ok(true)
    }

    /// Whether nftables has words of its own for it: then iptables asks for the protocol, be it negated, and else the
    /// kernel does.
    pub(super) const fn is_native(&self) -> bool {
        self.option.is_none() && (self.flags.is_some() || self.ports.is_any())
    }

    pub(super) fn check(&self, proto: Option<(u8, bool)>) -> Result<(), Usage> {
        if self.is_native() && !is_of(proto, protocol::TCP) { Err(Usage::TcpProtocol) } else { Ok(()) }
    }

    pub(super) fn matches(&self, ip: &Ip, packet: &[u8]) -> bool {
        let Upper::Tcp { src, dst, flags } = ip.upper else { return false };
        self.ports.matches(src, dst)
            && self.option.is_none_or(|(kind, negated)| clamp::has_option(packet, ip, kind) != negated)
            && self.flags.is_none_or(|f| (flags & f.mask == f.set) != f.negated)
    }

    pub(super) fn describe(&self, numeric: bool) -> String {
        let sign = |negated| if negated { "!" } else { "" };
        let flags = self.flags.map(|f| {
            let sign = sign(f.negated);
            if numeric {
                format!(" flags:{sign}0x{:02X}/0x{:02X}", f.mask, f.set)
            } else {
                format!(" flags:{sign}{}/{}", names(f.mask), names(f.set))
            }
        });
        let option = self.option.map(|(kind, negated)| format!(" option={}{kind}", sign(negated))).unwrap_or_default();
        format!("tcp{}{option}{}", self.ports.describe(protocol::TCP, numeric), flags.unwrap_or_default())
    }
}

impl fmt::Display for Tcp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.ports)?;
        if let Some((kind, negated)) = self.option {
            write!(f, " {}--tcp-option {kind}", Argument::sign(negated))?;
        }
        self.flags.map_or(Ok(()), |flags| {
            write!(f, " {}--tcp-flags {} {}", Argument::sign(flags.negated), names(flags.mask), names(flags.set))
        })
    }
}

/// `-m udp`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Udp {
    ports: Pair,
}

impl Udp {
    pub(super) fn parse(&mut self, argument: &mut Argument<'_, '_>) -> Result<bool, Usage> {
        self.ports.parse(argument, Ports::parse_for_udp)
    }

    /// As for TCP.
    pub(super) const fn is_native(&self) -> bool {
        self.ports.is_any()
    }

    pub(super) fn check(&self, proto: Option<(u8, bool)>) -> Result<(), Usage> {
        if self.is_native() && !is_of(proto, protocol::UDP) { Err(Usage::UdpProtocol) } else { Ok(()) }
    }

    pub(super) fn matches(&self, ip: &Ip) -> bool {
        let Upper::Udp { src, dst } = ip.upper else { return false };
        self.ports.matches(src, dst)
    }

    pub(super) fn describe(&self, numeric: bool) -> String {
        format!("udp{}", self.ports.describe(protocol::UDP, numeric))
    }
}

impl fmt::Display for Udp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.ports.fmt(f)
    }
}

/// `-m sctp`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sctp {
    ports: Pair,
}

impl Sctp {
    pub(super) fn parse(&mut self, argument: &mut Argument<'_, '_>) -> Result<bool, Usage> {
        self.ports.parse(argument, |text, _| Ports::parse(text, Some(protocol::SCTP)))
    }

    pub(super) fn matches(&self, ip: &Ip, packet: &[u8]) -> bool {
        let is_beginning = ip.fragment.is_none_or(|fragment| fragment.offset == 0);
        let Some([a, b, c, d]) = packet.get(ip.header_len..ip.header_len + 4).filter(|_| is_beginning) else {
            return false;
        };
        ip.protocol == protocol::SCTP && self.ports.matches(u16::from_be_bytes([*a, *b]), u16::from_be_bytes([*c, *d]))
    }

    pub(super) fn describe(&self, numeric: bool) -> String {
        format!("sctp{}", self.ports.describe(protocol::SCTP, numeric))
    }
}

impl fmt::Display for Sctp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.ports.fmt(f)
    }
}

fn parse_flags(text: &str) -> Result<u8, Usage> {
    text.split(',').try_fold(0, |flags, name| match name.to_ascii_uppercase().as_str() {
        "ALL" => Ok(flags | 0x3f),
        "NONE" => Ok(flags),
        upper => {
            let flag = FLAGS.iter().find(|(_, n)| *n == upper).map(|(flag, _)| flags | flag);
            flag.ok_or_else(|| Usage::TcpFlag(name.to_owned()))
        }
    })
}

fn names(flags: u8) -> String {
    if flags == 0 {
        return "NONE".to_owned();
    }
    let set: Vec<&str> = FLAGS.iter().filter(|(flag, _)| flags & flag != 0).map(|(_, name)| *name).collect();
    set.join(",")
}
