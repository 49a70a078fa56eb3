//! What a rule does with a packet that it matches (`-j …`): reading the options, printing them. Doing it is not here.

mod connmark;
mod service;
mod ttl;

use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use core::str::FromStr as _;

use super::marks::Segment;
use super::matching::{Argument, mark, multiport};
use super::prefix::Prefix;
use super::words;
use super::{Family, Usage, name};
use crate::range;
pub use connmark::Connmark;
pub use service::Service;
pub use ttl::Ttl;

/// How a rejected packet is answered.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RejectWith {
    /// A TCP reset.
    TcpReset,
    /// ICMP destination unreachable (type 3) with this code.
    V4(u8),
    /// `ICMPv6` destination unreachable (type 1) with this code.
    V6(u8),
}

/// Family, code, name, short name.
const REJECTS: [(Family, u8, &str, &str); 13] = [
    (Family::V4, 0, "icmp-net-unreachable", "net-unreach"),
    (Family::V4, 1, "icmp-host-unreachable", "host-unreach"),
    (Family::V4, 2, "icmp-proto-unreachable", "proto-unreach"),
    (Family::V4, 3, "icmp-port-unreachable", "port-unreach"),
    (Family::V4, 9, "icmp-net-prohibited", "net-prohib"),
    (Family::V4, 10, "icmp-host-prohibited", "host-prohib"),
    (Family::V4, 13, "icmp-admin-prohibited", "admin-prohib"),
    (Family::V6, 0, "icmp6-no-route", "no-route"),
    (Family::V6, 1, "icmp6-adm-prohibited", "adm-prohibited"),
    (Family::V6, 3, "icmp6-addr-unreachable", "addr-unreach"),
    (Family::V6, 4, "icmp6-port-unreachable", "port-unreach"),
    (Family::V6, 5, "icmp6-policy-fail", "policy-fail"),
    (Family::V6, 6, "icmp6-reject-route", "reject-route"),
];

impl RejectWith {
    /// Port unreachable, when nothing else was asked for.
    const fn default_of(family: Family) -> Self {
        match family {
            Family::V4 => Self::V4(3),
            Family::V6 => Self::V6(4),
        }
    }

    fn parse(family: Family, text: &str) -> Result<Self, Usage> {
        if text == "tcp-reset" {
            return Ok(Self::TcpReset);
        }
        let found = REJECTS.iter().find(|(of, _, long, short)| *of == family && (*long == text || *short == text));
        let (_, code, ..) = found.ok_or_else(|| Usage::RejectType(text.to_owned()))?;
        Ok(match family {
            Family::V4 => Self::V4(*code),
            Family::V6 => Self::V6(*code),
        })
    }

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        let (family, code) = match self {
            Self::TcpReset => return "tcp-reset",
            Self::V4(code) => (Family::V4, code),
            Self::V6(code) => (Family::V6, code),
        };
        REJECTS.iter().find(|(f, c, ..)| (*f, *c) == (family, code)).map_or("", |(_, _, name, _)| name)
    }
}

/// What DNAT, SNAT and their like translate to.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Translation {
    /// The first and last address; as it is when none.
    pub addresses: Option<(IpAddr, IpAddr)>,
    /// The first and last port; as it is when none.
    pub ports: Option<(u16, u16)>,
    /// `--random`; ports are chosen as without it here.
    pub random: bool,
    /// `--random-fully`; the same.
    pub random_fully: bool,
    /// `--persistent`; a client always gets the same address here.
    pub persistent: bool,
}

/// What LOG would write.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Log {
    prefix: String,
    level: u8,
    /// 1 TCP sequence, 2 TCP options, 4 IP options, 8 user, 32 link header.
    flags: u8,
}

const LEVELS: [(&str, u8); 11] = [
    ("emerg", 0),
    ("alert", 1),
    ("crit", 2),
    ("err", 3),
    ("warn", 4),
    ("notice", 5),
    ("info", 6),
    ("debug", 7),
    ("error", 3),
    ("warning", 4),
    ("panic", 0),
];
const LOG_FLAGS: [(u8, &str, &str); 5] = [
    (1, "log-tcp-sequence", "tcp-sequence"),
    (2, "log-tcp-options", "tcp-options"),
    (4, "log-ip-options", "ip-options"),
    (8, "log-uid", "uid"),
    (32, "log-macdecode", "macdecode"),
];
/// What iptables writes `--log-level` for is any level but this.
const WARN: u8 = 4;

/// A target.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum Target {
    /// The packet passes.
    Accept,
    /// Changes the mark of the flow, or the packet's by it.
    Connmark(Connmark),
    /// Another destination (prerouting, output).
    Dnat(Translation),
    /// The packet vanishes.
    Drop,
    /// Goes on in another chain and does not come back to this one.
    Goto(String),
    /// Goes on in another chain and comes back.
    Jump(String),
    /// A line in the kernel's log, which this world does not have; the packet goes on.
    Log(Log),
    /// Changes the packet's mark: clears the bits of the mask, then flips those of the value.
    Mark {
        /// Bits to flip.
        value: u32,
        /// Bits to clear before.
        mask: u32,
    },
    /// The source becomes the address of the device it leaves by (postrouting).
    Masquerade(Translation),
    /// One network for another, host by host.
    Netmap(Prefix),
    /// Nothing; the rule counts.
    #[default]
    None,
    /// The packet is not tracked (raw): asked for as `NOTRACK`, or as `CT --notrack`.
    NoTrack {
        /// Whether as `CT`.
        by_ct: bool,
    },
    /// The destination becomes this host.
    Redirect(Translation),
    /// The packet is dropped and its sender told.
    Reject(RejectWith),
    /// Back to the chain that called; the policy in one that a hook called.
    Return,
    /// Another source (postrouting, input).
    Snat(Translation),
    /// The largest segment that a SYN allows.
    TcpMss(Option<Segment>),
    /// Another hop limit.
    Ttl(Ttl),
    /// Another type of service.
    Service(Service),
    /// Its checksum is made whole, once that is said (`--checksum-fill`).
    Checksum {
        /// Whether it was said.
        fill: bool,
    },
}

impl Target {
    /// The target that `-j` names; a chain when it is none of them.
    #[must_use]
    pub fn named(name: &str, family: Family) -> Self {
        let plain = Translation::default();
        match name {
            "ACCEPT" => Self::Accept,
            "CONNMARK" => Self::Connmark(Connmark::default()),
            "TCPMSS" => Self::TcpMss(None),
            "TTL" if family == Family::V4 => Self::Ttl(Ttl::any(family)),
            "HL" if family == Family::V6 => Self::Ttl(Ttl::any(family)),
            "TOS" => Self::Service(Service::Tos(None)),
            "DSCP" => Self::Service(Service::Dscp(None)),
            "CHECKSUM" => Self::Checksum { fill: false },
            "CT" | "NOTRACK" => Self::NoTrack { by_ct: name == "CT" },
            "DNAT" => Self::Dnat(plain),
            "DROP" => Self::Drop,
            "LOG" => Self::Log(Log { prefix: String::new(), level: WARN, flags: 0 }),
            "MARK" => Self::Mark { value: 0, mask: 0 },
            "MASQUERADE" => Self::Masquerade(plain),
            "NETMAP" => Self::Netmap(match family {
                Family::V4 => Prefix::V4(0, 0),
                Family::V6 => Prefix::V6(0, 0),
            }),
            "REDIRECT" => Self::Redirect(plain),
            "REJECT" => Self::Reject(RejectWith::default_of(family)),
            "RETURN" => Self::Return,
            "SNAT" => Self::Snat(plain),
            chain => Self::Jump(chain.to_owned()),
        }
    }

    /// The word after `-j` or `-g`; empty when there is none.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Accept => "ACCEPT",
            Self::Connmark(_) => "CONNMARK",
            Self::TcpMss(_) => "TCPMSS",
            Self::Ttl(ttl) => ttl.name(),
            Self::Service(service) => service.name(),
            Self::Checksum { .. } => "CHECKSUM",
            Self::Dnat(_) => "DNAT",
            Self::Drop => "DROP",
            Self::Goto(chain) | Self::Jump(chain) => chain,
            Self::Log(_) => "LOG",
            Self::Mark { .. } => "MARK",
            Self::Masquerade(_) => "MASQUERADE",
            Self::Netmap(_) => "NETMAP",
            Self::None => "",
            Self::NoTrack { by_ct: true } => "CT",
            Self::NoTrack { by_ct: false } => "NOTRACK",
            Self::Redirect(_) => "REDIRECT",
            Self::Reject(_) => "REJECT",
            Self::Return => "RETURN",
            Self::Snat(_) => "SNAT",
        }
    }

    /// The name that `iptables -L` shows: the kernel has one target for what is not tracked.
    #[must_use]
    pub fn shown(&self) -> &str {
        if matches!(self, Self::NoTrack { .. }) { "CT" } else { self.name() }
    }

    /// The chain it goes to.
    #[must_use]
    pub fn chain(&self) -> Option<&str> {
        match self {
            Self::Goto(chain) | Self::Jump(chain) => Some(chain),
            _ => None,
        }
    }

    /// Takes an option; false when it is none of its own.
    ///
    /// # Errors
    /// What is wrong with its value.
    pub fn parse(&mut self, argument: &mut Argument<'_, '_>, family: Family) -> Result<bool, Usage> {
        let begins = |whole: &str| argument.name.len() > 1 && whole.starts_with(argument.name);
        match (self, argument.name) {
            (Self::Dnat(t), _) if begins("to-destination") => {
                t.set(argument.value()?, family, ("DNAT", "--to-destination"))?;
            }
            (Self::Snat(t), _) if begins("to-source") => t.set(argument.value()?, family, ("SNAT", "--to-source"))?,
            (Self::Masquerade(t) | Self::Redirect(t), "to-ports" | "to-port") => {
                t.ports = Some(nat_ports(argument.value()?)?);
            }
            (Self::Dnat(t) | Self::Snat(t) | Self::Masquerade(t) | Self::Redirect(t), "random") => t.random = true,
            (Self::Snat(t) | Self::Masquerade(t), "random-fully") => t.random_fully = true,
            (Self::Dnat(t) | Self::Snat(t), "persistent") => t.persistent = true,
            (Self::Netmap(net), "to") => {
                let most = if family == Family::V4 { 32 } else { 128 };
                let why = format!("neither a valid network mask nor valid CIDR (0-{most}).\n");
                let wrong = |_| Usage::Text(format!("NETMAP: bad value for option \"--to\", {why}"));
                *net = Prefix::parse(family, argument.value()?).map_err(wrong)?;
            }
            (Self::Reject(with), "reject-with") => *with = RejectWith::parse(family, argument.value()?)?,
            (Self::NoTrack { by_ct: true }, "notrack") => {}
            (Self::Log(log), _) => return log.parse(argument),
            (Self::Mark { value, mask }, name) => {
                let Some(change) = mark_change(name, argument, "MARK")? else { return Ok(false) };
                (*value, *mask) = change;
            }
            (Self::Connmark(how), _) => return how.parse(argument),
            (Self::TcpMss(segment), "clamp-mss-to-pmtu") => *segment = Some(Segment::Clamp),
            (Self::TcpMss(segment), "set-mss") => {
                let range = || Usage::Range("TCPMSS", "--set-mss".to_owned(), 65515);
                let bytes = argument.value()?.parse().ok().filter(|bytes| *bytes <= 65515);
                *segment = Some(Segment::Bytes(bytes.ok_or_else(range)?));
            }
            (Self::Ttl(ttl), _) => return ttl.parse(argument),
            (Self::Service(service), _) => return service.parse(argument),
            (Self::Checksum { fill }, "checksum-fill") => *fill = true,
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Whether all is there, in a rule for this protocol. `given`: whether an option came.
    ///
    /// # Errors
    /// What is missing.
    pub fn check(&self, proto: Option<(u8, bool)>, given: bool) -> Result<(), Usage> {
        match self {
            Self::Dnat(_) if !given => Err(Usage::Required("DNAT", "--to-destination")),
            Self::Snat(_) if !given => Err(Usage::Required("SNAT", "--to-source")),
            Self::Netmap(_) if !given => Err(Usage::Required("NETMAP", "--to")),
            Self::Mark { .. } if !given => Err(Usage::MarkMissing),
            Self::Connmark(how) => how.check(),
            Self::TcpMss(None) => Err(Usage::Said("TCPMSS target: At least one parameter is required")),
            Self::Ttl(ttl) => ttl.check(),
            Self::Service(service) => service.check(),
            Self::Checksum { fill: false } => Err(Usage::Required("CHECKSUM", "--checksum-fill")),
            Self::Dnat(t) | Self::Snat(t) | Self::Masquerade(t) | Self::Redirect(t)
                if t.ports.is_some() && !multiport::has_ports(proto) =>
            {
                Err(Usage::NatNeedsPorts)
            }
            _ => Ok(()),
        }
    }

    /// Whether it needs flows to be tracked.
    #[must_use]
    pub const fn needs_tracking(&self) -> bool {
        matches!(
            self,
            Self::Connmark(_)
                | Self::Dnat(_)
                | Self::Snat(_)
                | Self::Masquerade(_)
                | Self::Redirect(_)
                | Self::Netmap(_)
                | Self::NoTrack { .. }
        )
    }

    /// What `iptables -L` shows of its options.
    #[must_use]
    pub fn describe(&self, numeric: bool) -> String {
        match self {
            Self::Dnat(t) | Self::Snat(t) => format!("to:{}{}", t.to(), t.flags("")),
            Self::Log(log) => log.describe(numeric),
            Self::Mark { value, mask } => format!("MARK {}", mark_words(*value, *mask)),
            Self::Connmark(how) => how.describe(),
            Self::TcpMss(Some(Segment::Clamp)) => "TCPMSS clamp to PMTU".to_owned(),
            Self::TcpMss(Some(Segment::Bytes(bytes))) => format!("TCPMSS set {bytes}"),
            Self::Ttl(ttl) => ttl.describe(),
            Self::Service(service) => service.describe(numeric),
            Self::Checksum { .. } => "CHECKSUM fill".to_owned(),
            Self::Masquerade(t) => {
                let ports = t.ports.map(|p| format!("masq ports: {}", range::text(p, '-'))).unwrap_or_default();
                ports + &t.flags("")
            }
            Self::Netmap(net) => format!("to:{net}"),
            Self::NoTrack { by_ct: true } => "CT notrack".to_owned(),
            Self::NoTrack { by_ct: false } => "NOTRACK".to_owned(),
            Self::Redirect(t) => {
                let ports = t.ports.map(|p| format!("redir ports {}", range::text(p, '-'))).unwrap_or_default();
                ports + &t.flags("")
            }
            Self::Reject(with) => format!("reject-with {}", with.name()),
            Self::Accept
            | Self::Drop
            | Self::Goto(_)
            | Self::Jump(_)
            | Self::None
            | Self::Return
            | Self::TcpMss(None) => String::new(),
        }
    }
}

/// What iptables-save writes after the matches.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => return Ok(()),
            Self::Goto(chain) => write!(f, "-g {chain}")?,
            other => write!(f, "-j {}", other.name())?,
        }
        match self {
            Self::Dnat(t) => write!(f, " --to-destination {}{}", t.to(), t.flags("--")),
            Self::Snat(t) => write!(f, " --to-source {}{}", t.to(), t.flags("--")),
            Self::Log(log) => log.fmt(f),
            Self::Mark { value, mask } => write!(f, " --set-xmark {value:#x}/{mask:#x}"),
            Self::Connmark(how) => how.fmt(f),
            Self::TcpMss(Some(Segment::Clamp)) => f.write_str(" --clamp-mss-to-pmtu"),
            Self::TcpMss(Some(Segment::Bytes(bytes))) => write!(f, " --set-mss {bytes}"),
            Self::Ttl(ttl) => ttl.fmt(f),
            Self::Service(service) => service.fmt(f),
            Self::Checksum { .. } => f.write_str(" --checksum-fill"),
            Self::Masquerade(t) | Self::Redirect(t) => {
                t.ports.map_or(Ok(()), |p| write!(f, " --to-ports {}", range::text(p, '-')))?;
                f.write_str(&t.flags("--"))
            }
            Self::Netmap(net) => write!(f, " --to {net}"),
            Self::NoTrack { by_ct: true } => f.write_str(" --notrack"),
            Self::Reject(with) => write!(f, " --reject-with {}", with.name()),
            Self::Accept
            | Self::Drop
            | Self::Goto(_)
            | Self::Jump(_)
            | Self::NoTrack { by_ct: false }
            | Self::None
            | Self::Return
            | Self::TcpMss(None) => Ok(()),
        }
    }
}

impl Translation {
    /// Reads `ADDR[-ADDR][:PORT[-PORT]]`, with brackets around IPv6 addresses that a port follows.
    fn set(&mut self, text: &str, family: Family, option: (&'static str, &'static str)) -> Result<(), Usage> {
        if self.addresses.is_some() || self.ports.is_some() {
            return Err(Usage::Repeated(option.0, option.1));
        }
        let (addresses, port) = match family {
            Family::V4 => text.split_once(':').map_or((text, None), |(a, p)| (a, Some(p))),
            Family::V6 => match text.strip_prefix('[').and_then(|t| t.split_once(']')) {
                Some((addresses, tail)) => (addresses, tail.strip_prefix(':')),
                None => (text, None),
            },
        };
        self.ports = port.map(nat_ports).transpose()?;
        if !addresses.is_empty() {
            let (first, last) = addresses.split_once('-').unwrap_or((addresses, addresses));
            self.addresses = Some((nat_address(first, family)?, nat_address(last, family)?));
        }
        Ok(())
    }

    fn to(&self) -> String {
        let addresses = self.addresses.map(|range| range::text(range, '-')).unwrap_or_default();
        match self.ports.map(|range| range::text(range, '-')) {
            None => addresses,
            Some(ports) if self.addresses.is_some_and(|(a, _)| a.is_ipv6()) => format!("[{addresses}]:{ports}"),
            Some(ports) => format!("{addresses}:{ports}"),
        }
    }

    fn flags(&self, dashes: &str) -> String {
        let flags = [(self.random, "random"), (self.random_fully, "random-fully"), (self.persistent, "persistent")];
        flags.iter().filter(|(set, _)| *set).map(|(_, name)| format!(" {dashes}{name}")).collect()
    }
}

impl Log {
    fn parse(&mut self, argument: &mut Argument<'_, '_>) -> Result<bool, Usage> {
        match argument.name {
            "log-prefix" => self.prefix = argument.value()?.chars().take(29).collect(),
            "log-level" => self.level = log_level(argument.value()?)?,
            name => match LOG_FLAGS.iter().find(|(_, option, _)| *option == name) {
                Some((bit, ..)) => self.flags |= bit,
                None => return Ok(false),
            },
        }
        Ok(true)
    }

    fn describe(&self, numeric: bool) -> String {
        let mut text = if numeric {
            format!("LOG flags {} level {}", self.flags, self.level)
        } else {
            let level = LEVELS.iter().find(|(_, n)| *n == self.level).map_or("", |(name, _)| name);
            let flags = LOG_FLAGS.iter().filter(|(bit, ..)| self.flags & bit != 0);
            format!("LOG level {level}{}", flags.map(|(_, _, word)| format!(" {word}")).collect::<String>())
        };
        if !self.prefix.is_empty() {
            text.push_str(&format!(" prefix \"{}\"", self.prefix));
        }
        text
    }
}

impl fmt::Display for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.prefix.is_empty() {
            write!(f, " --log-prefix {}", words::quoted(&self.prefix))?;
        }
        if self.level != WARN {
            write!(f, " --log-level {}", self.level)?;
        }
        let mut set = LOG_FLAGS.iter().filter(|(bit, ..)| self.flags & bit != 0);
        set.try_for_each(|(_, option, _)| write!(f, " --{option}"))
    }
}

fn log_level(text: &str) -> Result<u8, Usage> {
    let named = LEVELS.iter().find(|(name, _)| *name == text).map(|(_, level)| *level);
    let number = || text.parse().ok().filter(|n| *n < 8);
    named.or_else(number).ok_or_else(|| Usage::LogLevel(text.to_owned()))
}

/// What an option says that changes a mark: the bits to flip, and those to clear before; none when it is no such option.
fn mark_change(name: &str, argument: &mut Argument<'_, '_>, module: &'static str) -> Result<Option<(u32, u32)>, Usage> {
    let option = match name {
        "set-mark" => "--set-mark",
        "set-xmark" => "--set-xmark",
        "or-mark" => "--or-mark",
        "and-mark" => "--and-mark",
        "xor-mark" => "--xor-mark",
        _ => return Ok(None),
    };
    let (bits, under) = mark::parse_masked(argument.value()?).ok_or(Usage::Integer(module, option))?;
    Ok(Some(match name {
        // CONNMARK clears no more than it is told to.
        "set-mark" if module == "MARK" => (bits, under | bits),
        "set-mark" | "set-xmark" => (bits, under),
        "or-mark" => (bits, bits),
        "and-mark" => (0, !bits),
        _ => (bits, 0),
    }))
}

/// What `iptables -L` says of a change of a mark.
fn mark_words(value: u32, mask: u32) -> String {
    match (value, mask) {
        (value, u32::MAX) => format!("set {value:#x}"),
        (value, mask) if value == mask => format!("or {value:#x}"),
        (0, mask) => format!("and {:#x}", !mask),
        (value, 0) => format!("xor {value:#x}"),
        (value, mask) => format!("xset {value:#x}/{mask:#x}"),
    }
}

fn nat_address(text: &str, family: Family) -> Result<IpAddr, Usage> {
    let address = match family {
        Family::V4 => text.parse::<Ipv4Addr>().ok().map(IpAddr::V4),
        Family::V6 => text.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
    };
    address.ok_or_else(|| Usage::Address(text.to_owned()))
}

fn nat_ports(text: &str) -> Result<(u16, u16), Usage> {
    if let Ok(named) = name::parse_port(text, None) {
        return Ok((named, named));
    }
    let first = |(first, last)| Some((u16::from_str(first).ok()?, last));
    let (first, last) = text.split_once('-').and_then(first).ok_or_else(|| Usage::NatPort(text.to_owned()))?;
    let range = (first, last.parse().map_err(|_| Usage::NatPort(last.to_owned()))?);
    if range.0 > range.1 { Err(Usage::NatPortRange(last.to_owned())) } else { Ok(range) }
}
