//! The matches of a rule (`-m …`): reading their options, holding a packet against them, printing them.
//!
//! Each is a type with the same five verbs; this module only tells which. `parse` takes an option when it is its own,
//! `check` says what is missing at the end, `matches` decides, `Display` is what iptables-save writes after `-m NAME`
//! and `describe` what `iptables -L` shows.

pub mod addrtype;
pub mod connlimit;
pub mod connmark;
pub mod conntrack;
pub mod hashlimit;
pub mod icmp;
pub mod iprange;
pub mod ipvs;
pub mod length;
pub mod limit;
pub mod mark;
pub mod multiport;
pub mod owner;
pub mod physdev;
pub mod pkttype;
pub mod port;
pub mod recent;
pub mod service;
pub mod statistic;
pub mod string;
pub mod tcpmss;
pub mod time;
pub mod ttl;

use core::fmt;

use super::marks::Marks;
use super::subject::{Subject, Surroundings};
use super::words::{self, Words};
use super::{Family, Usage};
use crate::addr::Mac;
use crate::packet::{self, protocol};
use addrtype::AddrType;
use connlimit::ConnLimit;
use connmark::Connmark;
use conntrack::{Conntrack, StateMatch};
use hashlimit::HashLimit;
use icmp::Icmp;
use iprange::IpRange;
use ipvs::Ipvs;
use length::Length;
use limit::Limit;
use mark::Mark;
use multiport::Multiport;
use owner::OwnerMatch;
use physdev::Physdev;
use pkttype::PktType;
use port::{Sctp, Tcp, Udp};
use recent::{Lists, Recent};
use service::{Dscp, Tos};
use statistic::Statistic;
use string::StringMatch;
use tcpmss::TcpMss;
use time::Time;
use ttl::Ttl;

/// An option of a match or target on its way in.
#[derive(Debug)]
pub struct Argument<'w, 'a> {
    /// Its long name without dashes.
    pub name: &'a str,
    /// Whether a `!` stood before it.
    pub negated: bool,
    /// The protocol of the rule as far as it is said before it, and whether all others are meant.
    pub protocol: Option<(u8, bool)>,
    /// Where its value comes from.
    pub words: &'w mut Words<'a>,
}

impl<'a> Argument<'_, 'a> {
    /// Its value.
    ///
    /// # Errors
    /// `MissingArgument` at the end of the line.
    pub fn value(&mut self) -> Result<&'a str, Usage> {
        self.words.value()
    }

    /// An option as it is printed when it is negated.
    pub(super) const fn sign(negated: bool) -> &'static str {
        if negated { "! " } else { "" }
    }
}

/// One match of a rule.
#[derive(Clone, Debug, PartialEq)]
pub enum Match {
    /// What the addresses are to the host.
    AddrType(AddrType),
    /// A remark; it matches everything.
    Comment(Option<String>),
    /// The class of DiffServ that it is in.
    Dscp(Dscp),
    /// For whom it is on its link.
    PktType(PktType),
    /// The largest segment that it allows.
    TcpMss(TcpMss),
    /// When it comes.
    Time(Time),
    /// The type of service that it asks for.
    Tos(Tos),
    /// How many connections there are of its address.
    ConnLimit(ConnLimit),
    /// The mark of its flow.
    Connmark(Connmark),
    /// The state of its flow.
    Conntrack(Conntrack),
    /// So often for each address or port.
    HashLimit(HashLimit),
    /// ICMP type and code.
    Icmp(Icmp),
    /// Addresses from one to another.
    IpRange(IpRange),
    /// Whether load balancing has had it in its hands.
    Ipvs(Ipvs),
    /// How long it is.
    Length(Length),
    /// So often and no more.
    Limit(Limit),
    /// The source of its Ethernet frame, and whether it shall be another.
    Mac(Option<Mac>, bool),
    /// The mark it carries.
    Mark(Mark),
    /// Any of several ports.
    Multiport(Multiport),
    /// Whose socket it comes from.
    Owner(OwnerMatch),
    /// The ports of a bridge.
    Physdev(Physdev),
    /// Whether its address was seen not long ago.
    Recent(Recent),
    /// SCTP ports.
    Sctp(Sctp),
    /// The state of its flow, the older way.
    State(StateMatch),
    /// Some of them.
    Statistic(Statistic),
    /// Bytes in it.
    String(StringMatch),
    /// TCP ports and flags.
    Tcp(Tcp),
    /// Its hop limit.
    Ttl(Ttl),
    /// UDP ports.
    Udp(Udp),
}

impl Match {
    /// The match that `-m` names.
    ///
    /// # Errors
    /// `NoMatch`.
    pub fn named(name: &str, family: Family) -> Result<Self, Usage> {
        Ok(match (name, family) {
            ("addrtype", _) => Self::AddrType(AddrType::default()),
            ("comment", _) => Self::Comment(None),
            ("connlimit", _) => Self::ConnLimit(ConnLimit::any(family)),
            ("dscp", _) => Self::Dscp(Dscp::default()),
            ("pkttype", _) => Self::PktType(PktType::default()),
            ("tcpmss", _) => Self::TcpMss(TcpMss::default()),
            ("time", _) => Self::Time(Time::default()),
            ("tos", _) => Self::Tos(Tos::default()),
            ("owner", _) => Self::Owner(OwnerMatch::default()),
            ("string", _) => Self::String(StringMatch::default()),
            ("connmark", _) => Self::Connmark(Connmark::default()),
            ("conntrack", _) => Self::Conntrack(Conntrack::default()),
            ("hashlimit", _) => Self::HashLimit(HashLimit::default()),
            ("hl", Family::V6) | ("ttl", Family::V4) => Self::Ttl(Ttl::any(family)),
            ("length", _) => Self::Length(Length::default()),
            ("recent", _) => Self::Recent(Recent::any(family)),
            ("statistic", _) => Self::Statistic(Statistic::default()),
            ("icmp", Family::V4) | ("icmp6" | "icmpv6", Family::V6) => Self::Icmp(Icmp::any(family)),
            ("iprange", _) => Self::IpRange(IpRange::default()),
            ("ipvs", _) => Self::Ipvs(Ipvs::default()),
            ("limit", _) => Self::Limit(Limit::default()),
            ("mac", _) => Self::Mac(None, false),
            ("mark", _) => Self::Mark(Mark::default()),
            ("multiport", _) => Self::Multiport(Multiport::default()),
            ("physdev", _) => Self::Physdev(Physdev::default()),
            ("sctp", _) => Self::Sctp(Sctp::default()),
            ("state", _) => Self::State(StateMatch::default()),
            ("tcp", _) => Self::Tcp(Tcp::default()),
            ("udp", _) => Self::Udp(Udp::default()),
            _ => return Err(Usage::NoMatch(name.to_owned())),
        })
    }

    /// The match that `-p` brings along when an option of it is used.
    #[must_use]
    pub fn of_protocol(number: u8, family: Family) -> Option<Self> {
        match (number, family) {
            (protocol::ICMP, Family::V4) | (protocol::ICMPV6, Family::V6) => Some(Self::Icmp(Icmp::any(family))),
            (protocol::TCP, _) => Some(Self::Tcp(Tcp::default())),
            (protocol::SCTP, _) => Some(Self::Sctp(Sctp::default())),
            (protocol::UDP, _) => Some(Self::Udp(Udp::default())),
            _ => None,
        }
    }

    /// Takes an option; false when it is none of its own.
    ///
    /// # Errors
    /// What is wrong with its value.
    pub fn parse(&mut self, argument: &mut Argument<'_, '_>) -> Result<bool, Usage> {
        match self {
            Self::AddrType(m) => m.parse(argument),
            Self::Comment(text) if argument.name == "comment" => {
                *text = Some(argument.value()?.to_owned());
                Ok(true)
            }
            Self::Comment(_) => Ok(false),
            Self::ConnLimit(m) => m.parse(argument),
            Self::Dscp(m) => m.parse(argument),
            Self::PktType(m) => m.parse(argument),
            Self::TcpMss(m) => m.parse(argument),
            Self::Time(m) => m.parse(argument),
            Self::Tos(m) => m.parse(argument),
            Self::Owner(m) => m.parse(argument),
            Self::String(m) => m.parse(argument),
            Self::Connmark(m) => m.parse(argument),
            Self::Conntrack(m) => m.parse(argument),
            Self::HashLimit(m) => m.parse(argument),
            Self::Length(m) => m.parse(argument),
            Self::Recent(m) => m.parse(argument),
            Self::Statistic(m) => m.parse(argument),
            Self::Ttl(m) => m.parse(argument),
            Self::Icmp(m) => m.parse(argument),
            Self::IpRange(m) => m.parse(argument),
            Self::Ipvs(m) => Ok(m.parse(argument)),
            Self::Limit(m) => m.parse(argument),
            Self::Mac(mac, negated) if argument.name == "mac-source" => {
                *negated = argument.negated;
                *mac = Some(argument.value()?.parse().map_err(|_| Usage::Said("Invalid MAC address specified."))?);
                Ok(true)
            }
            Self::Mac(..) => Ok(false),
            Self::Mark(m) => m.parse(argument),
            Self::Multiport(m) => m.parse(argument),
            Self::Physdev(m) => m.parse(argument),
            Self::Sctp(m) => m.parse(argument),
            Self::State(m) => m.parse(argument),
            Self::Tcp(m) => m.parse(argument),
            Self::Udp(m) => m.parse(argument),
        }
    }

    /// Whether all is there, in a rule for this protocol (and whether that is negated).
    ///
    /// # Errors
    /// What is missing.
    pub fn check(&self, proto: Option<(u8, bool)>) -> Result<(), Usage> {
        match self {
            Self::AddrType(m) => m.check(),
            Self::Comment(None) => Err(Usage::Required("comment", "--comment")),
            Self::ConnLimit(m) => m.check(),
            Self::Dscp(m) => m.check(),
            Self::PktType(m) => m.check(),
            Self::TcpMss(m) => m.check(),
            Self::Time(m) => m.check(),
            Self::Tos(m) => m.check(),
            Self::Owner(m) => m.check(),
            Self::String(m) => m.check(),
            Self::Connmark(m) => m.check(),
            Self::Conntrack(m) => m.check(),
            Self::HashLimit(m) => m.check(),
            Self::Length(m) => m.check(),
            Self::Recent(m) => m.check(),
            Self::Statistic(m) => m.check(),
            Self::Ttl(m) => m.check(),
            Self::IpRange(m) => m.check(),
            Self::Ipvs(m) => m.check(),
            Self::Mac(None, _) => Err(Usage::Required("mac", "--mac-source")),
            Self::Mark(m) => m.check(),
            Self::Multiport(m) => m.check(proto),
            Self::State(m) => m.check(),
            Self::Tcp(m) => m.check(proto),
            Self::Udp(m) => m.check(proto),
            Self::Comment(Some(_)) | Self::Icmp(_) | Self::Limit(_) | Self::Mac(Some(_), _) => Ok(()),
            Self::Physdev(_) | Self::Sctp(_) => Ok(()),
        }
    }

    /// Whether the packet is one of those meant. Limits, `statistic` and the lists of `recent` change by it.
    pub fn matches<S: Surroundings>(&mut self, subject: &Subject<'_, S>, marks: &Marks, lists: &mut Lists) -> bool {
        match self {
            Self::AddrType(m) => m.matches(subject),
            Self::Comment(_) => true,
            Self::ConnLimit(m) => m.matches(subject),
            Self::Dscp(m) => m.matches(packet::service(subject.packet)),
            Self::PktType(m) => m.matches(subject.surroundings.kind_of(subject.ip.dst, None)),
            Self::TcpMss(m) => m.matches(packet::clamp::allowed(subject.packet, subject.ip)),
            Self::Time(m) => m.matches(subject.epoch.utc(subject.now)),
            Self::Tos(m) => m.matches(packet::service(subject.packet)),
            Self::Owner(m) => m.matches(subject.path.owner),
            Self::String(m) => m.matches(subject.packet),
            Self::Connmark(m) => subject.flow.is_some() && m.matches(marks.flow),
            Self::Conntrack(m) => m.matches(subject),
            Self::HashLimit(m) => m.matches(subject.now, subject.ip),
            Self::Length(m) => m.matches(subject.ip.total_len),
            Self::Recent(m) => m.matches(subject.now, subject.ip, lists),
            Self::Statistic(m) => m.matches(),
            Self::Ttl(m) => m.matches(subject.ip.ttl),
            Self::Icmp(m) => m.matches(subject.ip),
            Self::IpRange(m) => m.matches(subject.ip),
            Self::Ipvs(m) => m.matches(subject.balanced),
            Self::Limit(m) => m.matches(subject.now),
            Self::Mac(mac, negated) => subject.path.source_mac.is_some_and(|m| (Some(m) == *mac) != *negated),
            Self::Mark(m) => m.matches(marks.packet),
            Self::Multiport(m) => m.matches(subject.ip),
            Self::Physdev(m) => m.matches(subject.path),
            Self::Sctp(m) => m.matches(subject.ip, subject.packet),
            Self::State(m) => m.matches(subject.state),
            Self::Tcp(m) => m.matches(subject.ip, subject.packet),
            Self::Udp(m) => m.matches(subject.ip),
        }
    }

    /// Whether it asks for the state of flows, so that they have to be tracked.
    #[must_use]
    pub const fn needs_tracking(&self) -> bool {
        matches!(self, Self::ConnLimit(_) | Self::Connmark(_) | Self::Conntrack(_) | Self::State(_))
    }

    /// The protocol it looks into, which the kernel wants the rule to be for.
    #[must_use]
    pub const fn requires_protocol(&self) -> Option<u8> {
        match self {
            Self::Icmp(m) => Some(m.protocol()),
            Self::Sctp(_) => Some(protocol::SCTP),
            Self::TcpMss(_) => Some(protocol::TCP),
            Self::Tcp(m) if !m.is_native() => Some(protocol::TCP),
            Self::Udp(m) if !m.is_native() => Some(protocol::UDP),
            _ => None,
        }
    }

    /// Whether it is about packets that this host sends itself, and so for chains that see only those.
    #[must_use]
    pub const fn is_of_output(&self) -> bool {
        matches!(self, Self::Owner(_))
    }

    /// Whether the kernel takes it as it is.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        match self {
            Self::Recent(m) => m.is_sound(),
            _ => true,
        }
    }

    /// As `iptables -L` shows it; `proto` is the rule's, for the names of ports.
    #[must_use]
    pub fn describe(&self, proto: u8, numeric: bool) -> String {
        match self {
            Self::AddrType(m) => m.describe(),
            Self::Comment(text) => format!("/* {} */", text.as_deref().unwrap_or_default()),
            Self::ConnLimit(m) => m.describe(),
            Self::Dscp(m) => m.describe(),
            Self::PktType(m) => m.describe(),
            Self::TcpMss(m) => m.describe(),
            Self::Time(m) => m.describe(),
            Self::Tos(m) => m.describe(numeric),
            Self::Owner(m) => m.describe(),
            Self::String(m) => m.describe(),
            Self::Connmark(m) => m.describe(),
            Self::Conntrack(m) => m.describe(),
            Self::HashLimit(m) => m.describe(),
            Self::Length(m) => m.describe(),
            Self::Recent(m) => m.describe(),
            Self::Statistic(m) => m.describe(),
            Self::Ttl(m) => m.describe(),
            Self::Icmp(m) => m.describe(numeric),
            Self::IpRange(m) => m.describe(),
            Self::Ipvs(m) => m.describe(),
            Self::Limit(m) => m.describe(),
            Self::Mac(mac, negated) => format!("MAC {}{}", Argument::sign(*negated), mac.unwrap_or_default()),
            Self::Mark(m) => m.describe(),
            Self::Multiport(m) => m.describe(proto, numeric),
            Self::Physdev(m) => m.describe(),
            Self::Sctp(m) => m.describe(numeric),
            Self::State(m) => m.describe(),
            Self::Tcp(m) => m.describe(numeric),
            Self::Udp(m) => m.describe(numeric),
        }
    }
}

impl fmt::Display for Match {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AddrType(m) => write!(f, "-m addrtype{m}"),
            Self::Comment(text) => {
                write!(f, "-m comment --comment {}", words::quoted(text.as_deref().unwrap_or_default()))
            }
            Self::ConnLimit(m) => write!(f, "-m connlimit{m}"),
            Self::Dscp(m) => write!(f, "-m dscp{m}"),
            Self::PktType(m) => write!(f, "-m pkttype{m}"),
            Self::TcpMss(m) => write!(f, "-m tcpmss{m}"),
            Self::Time(m) => write!(f, "-m time{m}"),
            Self::Tos(m) => write!(f, "-m tos{m}"),
            Self::Owner(m) => write!(f, "-m owner{m}"),
            Self::String(m) => write!(f, "-m string{m}"),
            Self::Connmark(m) => write!(f, "-m connmark{m}"),
            Self::Conntrack(m) => write!(f, "-m conntrack{m}"),
            Self::HashLimit(m) => write!(f, "-m hashlimit{m}"),
            Self::Length(m) => write!(f, "-m length{m}"),
            Self::Recent(m) => write!(f, "-m recent{m}"),
            Self::Statistic(m) => write!(f, "-m statistic{m}"),
            Self::Ttl(m) => write!(f, "-m {m}"),
            Self::Icmp(m) => write!(f, "-m {m}"),
            Self::IpRange(m) => write!(f, "-m iprange{m}"),
            Self::Ipvs(m) => write!(f, "-m ipvs{m}"),
            Self::Limit(m) => write!(f, "-m limit{m}"),
            Self::Mac(mac, negated) => {
                write!(f, "-m mac {}--mac-source {}", Argument::sign(*negated), mac.unwrap_or_default())
            }
            Self::Mark(m) => write!(f, "-m mark{m}"),
            Self::Multiport(m) => write!(f, "-m multiport{m}"),
            Self::Physdev(m) => write!(f, "-m physdev{m}"),
            Self::Sctp(m) => write!(f, "-m sctp{m}"),
            Self::State(m) => write!(f, "-m state{m}"),
            Self::Tcp(m) => write!(f, "-m tcp{m}"),
            Self::Udp(m) => write!(f, "-m udp{m}"),
        }
    }
}
