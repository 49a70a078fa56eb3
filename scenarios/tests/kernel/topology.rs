//! Networks drawn by chance: hosts, cables and switches between them, routes, rules, translations, states, and what is asked
//! of them. A network becomes command lines that both worlds understand; it builds nothing. VLANs are not drawn: the
//! kernels that judge here have neither 802.1Q devices nor bridges that look at tags.

mod lines;

use core::fmt;
use core::net::{IpAddr, SocketAddr};

use proptest::collection::vec;
use proptest::prelude::*;

/// A network as it is drawn. Numbers that name something are taken modulo how many there are, so that every drawing means
/// something, the smaller ones too.
#[derive(Clone, Debug)]
pub(crate) struct Topology {
    hosts: Vec<Host>,
    segments: Vec<Segment>,
    routes: Vec<Route>,
    choices: Vec<Choice>,
    rules: Vec<Rule>,
    nats: Vec<Nat>,
    probes: Vec<Asked>,
    /// Whether there is IPv6 besides.
    has_v6: bool,
}

#[derive(Clone, Copy, Debug)]
struct Host {
    forwards: bool,
    has_lo: bool,
}

/// A cable between two hosts, or a switch between three: a bridge, or what stands on one device.
#[derive(Clone, Copy, Debug)]
struct Segment {
    first: usize,
    step: usize,
    has_third: bool,
    switch: Switch,
    mtu: u16,
    /// Whether everybody on it has a second address, of another prefix.
    has_second: bool,
    /// The member whose device is put down in the end, if there is one of this number.
    down: usize,
}

/// What is between three hosts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Switch {
    Bridge,
    /// The hosts' devices are macvlans of this mode.
    Macvlan(&'static str),
}

#[derive(Clone, Copy, Debug)]
struct Route {
    v6: bool,
    host: usize,
    /// A segment; beyond them the default route.
    to: usize,
    /// Whether it is the segment's second prefix, if it has one.
    second: bool,
    action: RouteAction,
    metric: u32,
    /// Whether it is in the table that only rules lead to.
    aside: bool,
    /// What it says besides.
    numbers: &'static str,
}

#[derive(Clone, Copy, Debug)]
enum RouteAction {
    Via {
        segment: usize,
        second: bool,
        member: usize,
        manner: Manner,
    },
    /// The host takes it in, by a route in this table.
    Local(&'static str),
    Blackhole,
    Unreachable,
    Prohibit,
    Throw,
}

/// How the way of a route is said. Several ways are one and the same, since which of several is taken is chance.
#[derive(Clone, Copy, Debug)]
enum Manner {
    Plain,
    Several,
    /// By a next hop with a number.
    Numbered,
    /// By a group of two of them.
    Grouped,
}

/// A rule that says which table is asked.
#[derive(Clone, Copy, Debug)]
struct Choice {
    v6: bool,
    host: usize,
    priority: u32,
    not: bool,
    /// The segment whose addresses are the source or the destination; beyond them it is the service that counts.
    segment: usize,
    from: bool,
    service: &'static str,
    verdict: &'static str,
}

#[derive(Clone, Copy, Debug)]
struct Rule {
    v6: bool,
    host: usize,
    chain: &'static str,
    matches: &'static str,
    segment: usize,
    target: &'static str,
}

/// A rule that changes addresses or ports.
#[derive(Clone, Copy, Debug)]
struct Nat {
    v6: bool,
    host: usize,
    /// The segment that it is about.
    segment: usize,
    /// A member of that segment, whose address is the new one.
    member: usize,
    kind: Translation,
}

#[derive(Clone, Copy, Debug)]
enum Translation {
    /// What leaves to the segment gets the address of the device.
    Masquerade,
    /// The same, but with an address that is named.
    Snat,
    /// What comes for the closed port of the segment is for a member's open one.
    Dnat(&'static str),
    /// The same of what this host sends itself.
    DnatOutput(&'static str),
    /// What comes for the closed port is for this host's open one.
    Redirect(&'static str),
    /// A whole segment stands for the next.
    Netmap,
}

#[derive(Clone, Copy, Debug)]
struct Asked {
    v6: bool,
    from: usize,
    segment: usize,
    /// A member of that segment; beyond them an address that nobody has.
    member: usize,
    /// Whether it is that member's second address, if it has one.
    second: bool,
    kind: Kind,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Ping { ttl: u8, size: u16, whole: bool },
    Udp { open: bool },
    Tcp { open: bool },
}

/// The port that every host serves.
pub(crate) const OPEN: u16 = 7;
const CLOSED: u16 = 9;

const CHAINS: [&str; 3] = ["INPUT", "FORWARD", "OUTPUT"];
const MATCHES: [&str; 8] = [
    "-p icmp",
    "-p udp",
    "-p tcp",
    "-p tcp --dport 7",
    "-p udp -m multiport --dports 7,9",
    "-m state --state NEW",
    "-m conntrack --ctstate ESTABLISHED,RELATED",
    "",
];
const TARGETS: [&str; 8] = [
    "DROP",
    "ACCEPT",
    "REJECT",
    "REJECT --reject-with icmp-host-prohibited",
    "REJECT --reject-with icmp-net-unreachable",
    "REJECT --reject-with icmp-admin-prohibited",
    "DROP",
    "RETURN",
];
/// What a packet is for.
const SERVICES: [&str; 5] = ["ipproto icmp", "ipproto udp", "ipproto tcp dport 7", "dport 1-8", "tos 0x10"];
/// What a rule says.
const VERDICTS: [&str; 8] = [
    "lookup 100",
    "lookup 100",
    "lookup 100",
    "prohibit",
    "unreachable",
    "goto 32766",
    "nop",
    "lookup main suppress_prefixlength 0",
];
const MTUS: [u16; 4] = [1500, 1500, 1400, 1280];
const SIZES: [u16; 5] = [56, 56, 1300, 1472, 3000];

fn choice<T: Copy + fmt::Debug + 'static, const N: usize>(all: [T; N]) -> impl Strategy<Value = T> {
    proptest::sample::select(all.to_vec())
}

fn host() -> impl Strategy<Value = Host> {
    (prop::bool::weighted(0.8), prop::bool::weighted(0.9)).prop_map(|(forwards, has_lo)| Host { forwards, has_lo })
}

fn segment() -> impl Strategy<Value = Segment> {
    let switch = prop_oneof![
        4 => Just(Switch::Bridge),
        1 => choice(["bridge", "vepa", "private"]).prop_map(Switch::Macvlan),
    ];
    let plain = (0..5usize, 1..4usize, prop::bool::weighted(0.3), switch, choice(MTUS), 0..12usize);
    (plain, prop::bool::weighted(0.4)).prop_map(|((first, step, has_third, switch, mtu, down), has_second)| Segment {
        first,
        step,
        has_third,
        switch,
        mtu,
        has_second,
        down,
    })
}

fn route() -> impl Strategy<Value = Route> {
    let manner = prop_oneof![
        6 => Just(Manner::Plain),
        2 => Just(Manner::Several),
        2 => Just(Manner::Numbered),
        1 => Just(Manner::Grouped),
    ];
    let via = (0..6usize, prop::bool::ANY, 0..3usize, manner)
        .prop_map(|(segment, second, member, manner)| RouteAction::Via { segment, second, member, manner });
    let action = prop_oneof![
        8 => via,
        1 => choice(["local", "main", "100"]).prop_map(RouteAction::Local),
        1 => Just(RouteAction::Blackhole),
        1 => Just(RouteAction::Unreachable),
        1 => Just(RouteAction::Prohibit),
        1 => Just(RouteAction::Throw),
    ];
    let numbers = choice(["", "", "", " mtu 1280", " hoplimit 2", " advmss 600"]);
    let drawn = (prop::bool::ANY, 0..5usize, 0..9usize, prop::bool::weighted(0.2), action, choice([0, 0, 10, 20]));
    (drawn, prop::bool::weighted(0.3), numbers).prop_map(|((v6, host, to, second, action, metric), aside, numbers)| {
        Route { v6, host, to, second, action, metric, aside, numbers }
    })
}

fn chosen() -> impl Strategy<Value = Choice> {
    let place = (prop::bool::ANY, 0..5usize, 10..40u32);
    (place, prop::bool::weighted(0.2), 0..9usize, prop::bool::ANY, choice(SERVICES), choice(VERDICTS)).prop_map(
        |((v6, host, priority), not, segment, from, service, verdict)| Choice {
            v6,
            host,
            priority,
            not,
            segment,
            from,
            service,
            verdict,
        },
    )
}

fn rule() -> impl Strategy<Value = Rule> {
    (prop::bool::ANY, 0..5usize, choice(CHAINS), choice(MATCHES), 0..9usize, choice(TARGETS))
        .prop_map(|(v6, host, chain, matches, segment, target)| Rule { v6, host, chain, matches, segment, target })
}

fn nat() -> impl Strategy<Value = Nat> {
    let protocol = || choice(["udp", "tcp"]);
    let kind = prop_oneof![
        3 => Just(Translation::Masquerade),
        2 => Just(Translation::Snat),
        3 => protocol().prop_map(Translation::Dnat),
        1 => protocol().prop_map(Translation::DnatOutput),
        1 => protocol().prop_map(Translation::Redirect),
        1 => Just(Translation::Netmap),
    ];
    (prop::bool::ANY, 0..5usize, 0..6usize, 0..3usize, kind).prop_map(|(v6, host, segment, member, kind)| Nat {
        v6,
        host,
        segment,
        member,
        kind,
    })
}

fn asked() -> impl Strategy<Value = Asked> {
    let ping = (choice([64, 64, 64, 1, 2, 3]), choice(SIZES), prop::bool::ANY)
        .prop_map(|(ttl, size, whole)| Kind::Ping { ttl, size, whole });
    let kind = prop_oneof![
        4 => ping,
        1 => prop::bool::ANY.prop_map(|open| Kind::Udp { open }),
        1 => prop::bool::ANY.prop_map(|open| Kind::Tcp { open }),
    ];
    let to = (0..6usize, 0..5usize, prop::bool::weighted(0.3));
    (prop::bool::ANY, 0..5usize, to, kind).prop_map(|(v6, from, (segment, member, second), kind)| Asked {
        v6,
        from,
        segment,
        member,
        second,
        kind,
    })
}

/// Networks of two to five hosts.
pub(crate) fn network() -> impl Strategy<Value = Topology> {
    let things = (vec(host(), 2..=5), vec(segment(), 1..=5), vec(route(), 0..=10), vec(rule(), 0..=3));
    (things, vec(chosen(), 0..=4), vec(nat(), 0..=3), vec(asked(), 4..=10), prop::bool::ANY).prop_map(
        |((hosts, segments, routes, rules), choices, nats, probes, has_v6)| Topology {
            hosts,
            segments,
            routes,
            choices,
            rules,
            nats,
            probes,
            has_v6,
        },
    )
}

/// A command line and the namespace in which it is run.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) place: usize,
    pub(crate) text: String,
}

/// What is asked, spelled out.
#[derive(Clone, Debug)]
pub(crate) enum Probe {
    /// What is said to `ping` besides how long it waits.
    Ping {
        from: usize,
        words: String,
    },
    Udp {
        from: usize,
        to: SocketAddr,
    },
    Tcp {
        from: usize,
        to: SocketAddr,
    },
}

impl fmt::Display for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ping { words, .. } => write!(f, "ping {words}"),
            Self::Udp { to, .. } => write!(f, "udp {to}"),
            Self::Tcp { to, .. } => write!(f, "tcp {to}"),
        }
    }
}

impl Probe {
    const fn from(&self) -> usize {
        let (Self::Ping { from, .. } | Self::Udp { from, .. } | Self::Tcp { from, .. }) = self;
        *from
    }

    /// Reads what is asked in the namespace `from`; none when it is a command line.
    pub(crate) fn parse(from: usize, text: &str) -> Option<Self> {
        let (word, rest) = text.split_once(' ')?;
        let door = || rest.parse().expect("a door is an address and a port");
        match word {
            "ping" => Some(Self::Ping { from, words: rest.to_owned() }),
            "udp" => Some(Self::Udp { from, to: door() }),
            "tcp" => Some(Self::Tcp { from, to: door() }),
            _ => None,
        }
    }
}

/// A network as command lines.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// The names of the namespaces; the hosts come first.
    pub(crate) namespaces: Vec<String>,
    pub(crate) hosts: usize,
    pub(crate) setup: Vec<Line>,
    pub(crate) probes: Vec<Probe>,
}

impl Plan {
    /// All its lines and probes as they are written: a namespace's name and what is typed or asked there.
    pub(crate) fn questions(&self) -> impl Iterator<Item = String> {
        let lines = self.setup.iter().map(|line| format!("{}: {}", self.namespaces[line.place], line.text));
        let probes = self.probes.iter().map(|probe| format!("{}: {probe}", self.namespaces[probe.from()]));
        lines.chain(probes)
    }

    /// Whether IPv6 is used.
    pub(crate) fn has_v6(&self) -> bool {
        self.setup.iter().any(|line| line.text.starts_with("ip -6 "))
    }

    fn on(&mut self, place: usize, text: String) {
        self.setup.push(Line { place, text });
    }
}

/// What a program printed, without what depends on the machine's speed: times, and whether the kernel has noticed already
/// that a link lost its carrier.
pub(crate) fn plain(output: &str) -> String {
    let lines = output.lines().filter(|line| !line.starts_with("rtt ") && !line.is_empty()).map(|line| {
        let line = line.split(" time=").next().unwrap_or_default();
        line.split(", time ").next().unwrap_or_default().replace("linkdown ", "") + "\n"
    });
    lines.collect()
}
