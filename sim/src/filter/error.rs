//! Why a rule or a chain is refused, in the words of iptables 1.8.9. How a program frames the words is not here.

use core::fmt;

/// What was typed is no rule.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Usage {
    /// NAT: not an address.
    Address(String),
    /// tcp: not a flag.
    TcpFlag(String),
    /// addrtype: not a kind of address.
    AddressKind(String),
    /// addrtype without a kind.
    AddressKindMissing,
    /// A word where an option was expected.
    BadArgument(String),
    /// A chain that is jumped to and does not exist.
    ChainMissing(String),
    /// `-c` without two numbers.
    Counters,
    /// conntrack: not a state.
    CtState(String),
    /// conntrack without an option.
    CtOptionMissing,
    /// A device name over 15 bytes.
    DeviceLong(String),
    /// A device's name has no letters.
    DeviceEmpty,
    /// `-i` or `-o` in a chain where there is no such device.
    DeviceWithChain(&'static str, String),
    /// `-f` with IPv6.
    FragmentV6,
    /// Neither an address nor a known host.
    Host(String),
    /// Not an ICMP type; the protocol's name.
    IcmpType(&'static str, String),
    /// A module's option that is no number.
    Integer(&'static str, &'static str),
    /// LOG: not a level.
    LogLevel(String),
    /// MARK without an option.
    MarkMissing,
    /// Not a prefix length or mask.
    Mask(String),
    /// An option at the end that needs a value.
    MissingArgument(String),
    /// multiport with no ports.
    MultiportEmpty,
    /// multiport with more than fifteen ports.
    MultiportFull,
    /// multiport without `-p tcp` or the like.
    MultiportProtocol,
    /// DROP in the nat table.
    NatDrop,
    /// NAT of ports without `-p tcp` or the like.
    NatNeedsPorts,
    /// NAT: not a port.
    NatPort(String),
    /// NAT: the last port is below the first.
    NatPortRange(String),
    /// `!` before an option that takes none.
    Negated(String),
    /// `!` with several addresses.
    NegatedAddresses,
    /// Two `!` in a row.
    NegatedTwice,
    /// `! -p all`.
    NeverMatches,
    /// `-m` of something unknown.
    NoMatch(String),
    /// An option of tcp or udp twice.
    OnlyOne(&'static str),
    /// Not a port.
    Port(String),
    /// The last port is below the first.
    PortRange,
    /// `-m udp`: a port that has no such name.
    PortUnknown(String),
    /// `-m udp`: more than two ends in the value of this option.
    PortComponents(&'static str),
    /// Not a protocol.
    Protocol(String),
    /// A module's option whose number is not in its range, which begins with nought.
    Range(&'static str, String, u32),
    /// limit: not a rate.
    Rate(String),
    /// REJECT: not a way to reject.
    RejectType(String),
    /// A module's option twice.
    Repeated(&'static str, &'static str),
    /// A module without the option it cannot do without.
    Required(&'static str, &'static str),
    /// What a module says of what is missing or cannot be.
    Said(&'static str),
    /// A base option twice.
    Several(String),
    /// state: not a state.
    State(String),
    /// A target of no letters.
    TargetEmpty,
    /// A target over 28 bytes.
    TargetLong(String),
    /// What a module says of a word.
    Text(String),
    /// tcp without `-p tcp`.
    TcpProtocol,
    /// tcp: not the number of an option.
    TcpOption(String),
    /// Ports of udp without `-p udp`.
    UdpProtocol,
    /// An option nobody knows.
    UnknownOption(String),
}

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(text) => write!(f, "Bad IP address \"{text}\""),
            Self::TcpFlag(text) => write!(f, "Unknown TCP flag `{text}'"),
            Self::AddressKind(text) => write!(f, "addrtype: bad type \"{text}\""),
            Self::AddressKindMissing => f.write_str("addrtype: you must specify --src-type or --dst-type"),
            Self::BadArgument(text) => write!(f, "Bad argument `{text}'"),
            Self::ChainMissing(name) => write!(f, "Chain '{name}' does not exist"),
            Self::Counters => f.write_str("-c requires packet and byte counter"),
            Self::CtState(text) => write!(f, "Bad ctstate \"{text}\""),
            Self::CtOptionMissing => f.write_str("conntrack: At least one option is required"),
            Self::DeviceEmpty => f.write_str("Empty interface is likely to be undesired"),
            Self::DeviceLong(name) => write!(f, "interface name `{name}' must be shorter than IFNAMSIZ (15)"),
            Self::DeviceWithChain(option, chain) => writeln!(f, "Can't use {option} with {chain}"),
            Self::FragmentV6 => f.write_str("`-f' is not supported in IPv6, use -m frag instead"),
            Self::Host(text) => write!(f, "host/network `{text}' not found"),
            Self::IcmpType(name, text) => write!(f, "Unknown {name} type `{text}'"),
            Self::Integer(module, option) => {
                writeln!(f, "{module}: bad integer value for option \"{option}\", or out of range.")
            }
            Self::LogLevel(text) => writeln!(f, "log level \"{text}\" unknown"),
            Self::MarkMissing => {
                f.write_str("MARK: One of the --set-xmark, --{and,or,xor,set}-mark options is required")
            }
            Self::Mask(text) => write!(f, "invalid mask `{text}' specified"),
            Self::MissingArgument(option) => write!(f, "option \"{option}\" requires an argument"),
            other => other.fmt_rest(f),
        }
    }
}

impl Usage {
    /// The second half of the texts.
    fn fmt_rest(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MultiportEmpty => f.write_str("multiport expection an option"),
            Self::MultiportFull => f.write_str("too many ports specified"),
            Self::MultiportProtocol => {
                f.write_str("multiport needs `-p tcp', `-p udp', `-p udplite', `-p sctp' or `-p dccp'")
            }
            Self::NatDrop => f.write_str(
                "\nThe \"nat\" table is not intended for filtering, the use of DROP is therefore inhibited.\n\n",
            ),
            Self::NatNeedsPorts => f.write_str("Need TCP, UDP, SCTP or DCCP with port specification"),
            Self::NatPort(text) => write!(f, "Port `{text}' not valid"),
            Self::NatPortRange(text) => write!(f, "Port range `{text}' funky"),
            Self::Negated(option) => write!(f, "cannot have ! before {option}"),
            Self::NegatedAddresses => f.write_str("! not allowed with multiple source or destination IP addresses"),
            Self::NegatedTwice => f.write_str("multiple consecutive ! not allowed"),
            Self::NeverMatches => f.write_str("rule would never match protocol"),
            Self::NoMatch(name) => writeln!(f, "Couldn't load match `{name}':No such file or directory"),
            Self::OnlyOne(option) => write!(f, "Only one `{option}' allowed"),
            Self::Port(text) => write!(f, "invalid port/service `{text}' specified"),
            Self::PortUnknown(text) => writeln!(f, "Port \"{text}\" does not resolve to anything."),
            Self::PortComponents(option) => {
                writeln!(f, "udp: Too many components for option \"{option}\" (max: 2)")
            }
            Self::PortRange => f.write_str("invalid portrange (min > max)"),
            Self::Protocol(text) => write!(f, "unknown protocol \"{text}\" specified"),
            Self::Range(module, option, last) => {
                writeln!(f, "{module}: bad value for option \"{option}\", or out of range (0-{last}).")
            }
            Self::Said(text) => f.write_str(text),
            Self::Text(text) => f.write_str(text),
            Self::Rate(text) => write!(f, "bad rate \"{text}\"'"),
            Self::RejectType(text) => write!(f, "unknown reject type \"{text}\""),
            Self::Repeated(module, option) => writeln!(f, "{module}: option \"{option}\" can only be used once."),
            Self::Required(module, option) => writeln!(f, "{module}: option \"{option}\" must be specified"),
            Self::Several(option) => write!(f, "multiple {option} flags not allowed"),
            Self::State(text) => write!(f, "Bad state \"{text}\""),
            Self::TargetEmpty => f.write_str("Invalid target name (too short)"),
            Self::TargetLong(name) => write!(f, "Invalid target name `{name}' (28 chars max)"),
            Self::TcpProtocol => f.write_str("TCP match requires '-p tcp'"),
            Self::TcpOption(text) => write!(f, "Bad TCP option \"{text}\""),
            Self::UdpProtocol => f.write_str("UDP match requires '-p udp'"),
            Self::UnknownOption(option) => write!(f, "unknown option \"{option}\""),
            _ => Ok(()),
        }
    }
}

/// Why the kernel refuses a change.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Refusal {
    /// EBUSY: something refers to it.
    Busy,
    /// EINVAL: it cannot stand there.
    Invalid,
    /// ELOOP: chains would call each other in a circle, or too deep.
    Loop,
    /// ENOENT: the kernel has no such way of looking.
    Missing,
    /// EOPNOTSUPP: one does not jump to a chain that a hook calls.
    Unsupported,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Busy => "Device or resource busy",
            Self::Invalid => "Invalid argument",
            Self::Loop => "Too many links",
            Self::Missing => "No such file or directory",
            Self::Unsupported => "Operation not supported",
        })
    }
}

/// Why a change of a ruleset is refused.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum RuleError {
    /// A policy was given to a chain that a hook does not call.
    BadBuiltIn,
    /// Neither ACCEPT nor DROP.
    BadPolicy,
    /// A chain cannot be deleted.
    ChainRefused(Refusal, String),
    /// A new chain's name is taken.
    ChainExists,
    /// A renamed chain's name is taken.
    FileExists,
    /// No rule with that number; what was to be done with it: `deletion`, `insertion`, `replacement`.
    IndexTooBig(&'static str),
    /// No such chain.
    NoChain,
    /// No such rule.
    NoRule,
    /// A rule cannot stand in that chain; the operation as the kernel names it: `RULE_APPEND` …
    RuleRefused(&'static str, Refusal, String),
    /// It was no rule.
    Usage(Usage),
}

impl From<Usage> for RuleError {
    fn from(usage: Usage) -> Self {
        Self::Usage(usage)
    }
}

impl fmt::Display for RuleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadBuiltIn => f.write_str("Bad built-in chain name."),
            Self::BadPolicy => f.write_str("Bad policy name. Run `dmesg' for more information."),
            Self::ChainRefused(why, chain) => write!(f, " CHAIN_DEL failed ({why}): chain {chain}"),
            Self::ChainExists => f.write_str("Chain already exists."),
            Self::FileExists => f.write_str("File exists."),
            Self::IndexTooBig(of) => write!(f, "Index of {of} too big."),
            Self::NoChain => f.write_str("No chain/target/match by that name."),
            Self::NoRule => f.write_str("Bad rule (does a matching rule exist in that chain?)."),
            Self::RuleRefused(operation, why, chain) => write!(f, " {operation} failed ({why}): rule in chain {chain}"),
            Self::Usage(usage) => usage.fmt(f),
        }
    }
}

impl core::error::Error for Usage {}
impl core::error::Error for RuleError {}
