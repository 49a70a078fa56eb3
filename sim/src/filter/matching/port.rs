//! `-m tcp` and `-m udp`: ports, and the flags of TCP.

use core::fmt;

use super::Argument;
use crate::filter::{Usage, name};
use crate::packet::{Ip, Upper, protocol, tcp_flag};

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
    /// `80`, `http`, `1000:2000`, `:80` or `1024:`.
    ///
    /// # Errors
    /// `Port` or `PortRange`.
    pub fn parse(text: &str) -> Result<Self, Usage> {
        let (first, last) = text.split_once(':').unwrap_or((text, text));
        let end = |text: &str, open| if text.is_empty() { Ok(open) } else { name::parse_port(text) };
        let ranged = text.contains(':');
        let (first, last) = if ranged {
            (end(first, 0)?, end(last, u16::MAX)?)
        } else {
            let port = name::parse_port(text)?;
            (port, port)
        };
        if first > last { Err(Usage::PortRange) } else { Ok(Self { first, last, negated: false }) }
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
        let show = |port| name::port(port, proto, numeric);
        if self.first == self.last {
            format!(" {label}:{sign}{}", show(self.first))
        } else {
            format!(" {label}s:{sign}{}:{}", show(self.first), show(self.last))
        }
    }

    fn save(&self, f: &mut fmt::Formatter<'_>, option: &str) -> fmt::Result {
        write!(f, " {}{option} {}", Argument::sign(self.negated), self.first)?;
        if self.first == self.last { Ok(()) } else { write!(f, ":{}", self.last) }
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
    fn parse(&mut self, argument: &mut Argument<'_, '_>) -> Result<bool, Usage> {
        let (field, given, long) = match argument.name {
            "sport" | "source-port" => (&mut self.src, &mut self.given.0, "--source-port"),
            "dport" | "destination-port" => (&mut self.dst, &mut self.given.1, "--destination-port"),
            _ => return Ok(false),
        };
        if core::mem::replace(given, true) {
            return Err(Usage::OnlyOne(long));
        }
        let ports = Ports { negated: argument.negated, ..Ports::parse(argument.value()?)? };
        let every = ports.first == 0 && ports.last == u16::MAX && !ports.negated;
        *field = (!every).then_some(ports);
        Ok(true)
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
            _ => return self.ports.parse(argument),
        }
        Ok(true)
    }

    pub(super) fn matches(&self, ip: &Ip) -> bool {
        let Upper::Tcp { src, dst, flags } = ip.upper else { return false };
        self.ports.matches(src, dst) && self.flags.is_none_or(|f| (flags & f.mask == f.set) != f.negated)
    }

    pub(super) fn describe(&self, numeric: bool) -> String {
        let flags = self.flags.map(|f| {
            let sign = if f.negated { "!" } else { "" };
            if numeric {
                format!(" flags:{sign}0x{:02X}/0x{:02X}", f.mask, f.set)
            } else {
                format!(" flags:{sign}{}/{}", names(f.mask), names(f.set))
            }
        });
        format!("tcp{}{}", self.ports.describe(protocol::TCP, numeric), flags.unwrap_or_default())
    }
}

impl fmt::Display for Tcp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.ports)?;
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
        self.ports.parse(argument)
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

fn parse_flags(text: &str) -> Result<u8, Usage> {
    text.split(',').try_fold(0, |flags, name| match name.to_ascii_uppercase().as_str() {
        "ALL" => Ok(flags | 0x3f),
        "NONE" => Ok(flags),
        upper => {
            let flag = FLAGS.iter().find(|(_, n)| *n == upper).map(|(flag, _)| flags | flag);
            flag.ok_or_else(|| Usage::BadArgument(name.to_owned()))
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
