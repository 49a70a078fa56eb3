//! Strategies for proptest: subnets, topologies, command lines, firewall rules, partitions, impairments and packets. What
//! is drawn shrinks to fewer networks, containers and commands.

use std::fmt;
use std::net::Ipv4Addr;
use std::ops::{Range, RangeInclusive};
use std::time::Duration;

use ipnetwork::Ipv4Network;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use super::{Lab, LabError};

mod packets;

pub use packets::{damaged, packet};

/// A private subnet for a network of Docker's, with room for a gateway and some containers.
pub fn subnet() -> impl Strategy<Value = Ipv4Network> {
    (16_u8..=28, any::<u16>()).prop_map(|(prefix, host)| {
        let addr = Ipv4Addr::from(u32::from(Ipv4Addr::new(10, 0, 0, 0)) | u32::from(host) << 8);
        let network = Ipv4Network::new(addr, prefix).expect("the prefix is a small one");
        Ipv4Network::new(network.network(), prefix).expect("the prefix is a small one")
    })
}

/// An address that a host of `subnet` may have.
pub fn address_in(subnet: Ipv4Network) -> impl Strategy<Value = Ipv4Addr> {
    let hosts = subnet.size().saturating_sub(2).max(1);
    (1..=hosts).prop_map(move |host| Ipv4Addr::from(u32::from(subnet.network()) + host))
}

/// Networks and containers of one docker host.
#[derive(Clone, Debug)]
pub struct Topology {
    /// The prefix length of each network; they are called n0, n1, … and do not overlap.
    pub networks: Vec<u8>,
    /// The networks that each container is on, by number, in the order of joining; they are called c0, c1, …
    pub containers: Vec<Vec<usize>>,
}

/// Topologies with so many networks and containers. Each container is on one network at least.
pub fn topology(networks: RangeInclusive<usize>, containers: RangeInclusive<usize>) -> impl Strategy<Value = Topology> {
    let joins = vec(any::<Index>(), 1..=3);
    (vec(20_u8..=28, networks), vec(joins, containers)).prop_map(|(networks, containers)| {
        let joined = |joins: Vec<Index>| {
            let mut joined: Vec<usize> = joins.iter().map(|join| join.index(networks.len())).collect();
            let mut seen = Vec::new();
            joined.retain(|network| {
                !seen.contains(network) && {
                    seen.push(*network);
                    true
                }
            });
            joined
        };
        let containers = containers.into_iter().map(joined).collect();
        Topology { networks, containers }
    })
}

impl Topology {
    /// The subnet of a network.
    #[must_use]
    pub fn subnet(&self, network: usize) -> Ipv4Network {
        let third = u8::try_from(network).expect("there are few networks");
        Ipv4Network::new(Ipv4Addr::new(10, 100 + third, 0, 0), self.networks[network]).expect("a short prefix")
    }

    /// The networks that two containers share.
    #[must_use]
    pub fn shared(&self, one: usize, other: usize) -> Vec<usize> {
        self.containers[one].iter().copied().filter(|network| self.containers[other].contains(network)).collect()
    }

    /// Every ordered pair of different containers.
    pub fn pairs(&self) -> impl Iterator<Item = (usize, usize)> {
        let count = self.containers.len();
        (0..count).flat_map(move |one| (0..count).filter(move |other| *other != one).map(move |other| (one, other)))
    }

    /// A lab with all of it.
    ///
    /// # Errors
    /// What Docker says; it takes every topology that is drawn here.
    pub fn build(&self, seed: u64) -> Result<Lab, LabError> {
        let lab = Lab::builder().seed(seed).build();
        for network in 0..self.networks.len() {
            lab.network(&format!("n{network}")).subnet(&self.subnet(network).to_string()).create()?;
        }
        for (number, networks) in self.containers.iter().enumerate() {
            let container = lab.container(&format!("c{number}"));
            networks.iter().fold(container, |container, n| container.network(&format!("n{n}"))).run()?;
        }
        Ok(lab)
    }
}

/// A docker command, right or wrong. Names are few, so that they meet; none of them can be the beginning of an id.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Command {
    /// `docker network create`
    CreateNetwork {
        /// Which.
        network: u8,
        /// The third byte of its subnet, when one is asked for: few, so that they overlap.
        subnet: Option<u8>,
        /// Whether it is internal.
        internal: bool,
    },
    /// `docker network rm`
    RemoveNetwork(u8),
    /// `docker create`
    Create {
        /// Which container.
        container: u8,
        /// On which network; the default one when none.
        network: Option<u8>,
        /// Its address, when one is asked for: the last byte.
        address: Option<u8>,
        /// An alias of it.
        alias: bool,
    },
    /// A command on one container: its words.
    Container(&'static str, u8),
    /// `docker network connect`
    Connect {
        /// Which container.
        container: u8,
        /// To which network.
        network: u8,
        /// Its address, when one is asked for: the last byte.
        address: Option<u8>,
    },
    /// `docker network disconnect`
    Disconnect {
        /// Which container.
        container: u8,
        /// From which network.
        network: u8,
        /// Whether by force.
        force: bool,
    },
    /// `docker rename`
    Rename(u8, u8),
}

impl fmt::Display for Command {
    /// As it is typed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CreateNetwork { network, subnet, internal } => {
                f.write_str("docker network create")?;
                subnet.iter().try_for_each(|third| write!(f, " --subnet 10.77.{third}.0/24"))?;
                write!(f, "{} n{network}", if *internal { " --internal" } else { "" })
            }
            Self::RemoveNetwork(network) => write!(f, "docker network rm n{network}"),
            Self::Create { container, network, address, alias } => {
                write!(f, "docker create -it --name w{container}")?;
                network.iter().try_for_each(|network| write!(f, " --network n{network}"))?;
                address.iter().try_for_each(|last| write!(f, " --ip 10.77.0.{last}"))?;
                write!(f, "{} busybox", if *alias { " --network-alias a1" } else { "" })
            }
            Self::Container(words, container) => write!(f, "docker {words} w{container}"),
            Self::Connect { container, network, address } => {
                f.write_str("docker network connect")?;
                address.iter().try_for_each(|last| write!(f, " --ip 10.77.0.{last}"))?;
                write!(f, " n{network} w{container}")
            }
            Self::Disconnect { container, network, force } => {
                write!(f, "docker network disconnect{} n{network} w{container}", if *force { " -f" } else { "" })
            }
            Self::Rename(from, to) => write!(f, "docker rename w{from} w{to}"),
        }
    }
}

/// What is done to one container.
const VERBS: [&str; 8] = ["start", "start", "stop -t 0", "rm", "rm -f", "pause", "unpause", "restart -t 0"];

/// One docker command.
pub fn command() -> impl Strategy<Value = Command> {
    let (network, container) = (0_u8..3, 0_u8..4);
    let address = || prop::option::weighted(0.3, prop_oneof![4 => 2_u8..6, 1 => any::<u8>()]);
    prop_oneof![
        3 => (network.clone(), prop::option::weighted(0.6, 0_u8..3), prop::bool::weighted(0.2))
            .prop_map(|(network, subnet, internal)| Command::CreateNetwork { network, subnet, internal }),
        1 => network.clone().prop_map(Command::RemoveNetwork),
        4 => (container.clone(), prop::option::weighted(0.8, network.clone()), address(), any::<bool>()).prop_map(
            |(container, network, address, alias)| Command::Create { container, network, address, alias }
        ),
        5 => (prop::sample::select(&VERBS[..]), container.clone()).prop_map(|(verb, c)| Command::Container(verb, c)),
        3 => (container.clone(), network.clone(), address())
            .prop_map(|(container, network, address)| Command::Connect { container, network, address }),
        2 => (container.clone(), network, prop::bool::weighted(0.2))
            .prop_map(|(container, network, force)| Command::Disconnect { container, network, force }),
        1 => (container.clone(), container).prop_map(|(from, to)| Command::Rename(from, to)),
    ]
}

/// A sequence of docker commands.
pub fn commands(length: Range<usize>) -> impl Strategy<Value = Vec<Command>> {
    vec(command(), length)
}

/// A line of words from `words`, with some that chance makes up: what somebody types who half knows a command.
pub fn line(words: &'static [&'static str], length: Range<usize>) -> impl Strategy<Value = String> {
    let word = prop_oneof![8 => prop::sample::select(words).prop_map(str::to_owned), 1 => "\\PC{0,8}", 1 => "[0-9./:a-f-]{1,12}"];
    vec(word, length).prop_map(|words| words.join(" "))
}

/// A rule of a firewall's filter table, as `iptables -A` takes it after the chain.
pub fn rule() -> impl Strategy<Value = String> {
    let address = prop_oneof![
        Just(String::new()),
        subnet().prop_map(|net| format!("-s {net} ")),
        subnet().prop_map(|net| format!("-d {net} "))
    ];
    let protocol = prop_oneof![
        Just(String::new()),
        Just("-p icmp ".to_owned()),
        (prop::bool::ANY, 1_u16..1024)
            .prop_map(|(tcp, port)| format!("-p {} --dport {port} ", if tcp { "tcp" } else { "udp" })),
    ];
    let target = prop::sample::select(vec!["ACCEPT", "DROP", "REJECT", "RETURN"]);
    (address, protocol, target).prop_map(|(address, protocol, target)| format!("{address}{protocol}-j {target}"))
}

/// A time in which two of some containers cannot reach each other.
#[derive(Clone, Debug)]
pub struct Outage {
    /// How long before it all is well.
    pub after: Duration,
    /// How long it lasts.
    pub lasting: Duration,
    /// The two, among any number.
    pub between: (Index, Index),
}

/// Outages, one after the other; all of them end.
pub fn outages(count: Range<usize>) -> impl Strategy<Value = Vec<Outage>> {
    let outage = (0_u64..2000, 50_u64..5000, any::<(Index, Index)>()).prop_map(|(after, lasting, between)| Outage {
        after: Duration::from_millis(after),
        lasting: Duration::from_millis(lasting),
        between,
    });
    vec(outage, count)
}

/// A time in which the links of one of some containers do something to frames.
#[derive(Clone, Debug)]
pub struct Impairment {
    /// What they do, as [`Lab::impair`] takes it.
    pub told: String,
    /// How long.
    pub lasting: Duration,
    /// Whose links, among any number.
    pub at: Index,
}

/// What netem can do to frames, none of it to all of them.
fn netem() -> impl Strategy<Value = String> {
    let share = |what: &'static str, most: u32| (0..=most).prop_map(move |percent| format!(" {what} {percent}%"));
    let maybe = |what| prop::option::weighted(0.5, what).prop_map(Option::unwrap_or_default);
    let delay = (1_u32..300, 0_u32..100).prop_map(|(delay, jitter)| format!("delay {delay}ms {jitter}ms"));
    let bursts = (1_u32..10, 20_u32..90).prop_map(|(p, r)| format!(" loss gemodel {p}% {r}%"));
    let loss = prop_oneof![share("loss", 25), bursts];
    let rate = (100_u32..10_000).prop_map(|rate| format!(" rate {rate}kbit"));
    let parts = (delay, maybe(loss.boxed()), maybe(share("duplicate", 20).boxed()), maybe(share("corrupt", 5).boxed()));
    (parts, maybe(share("reorder", 30).boxed()), maybe(rate.boxed())).prop_map(
        |((delay, loss, duplicate, corrupt), reorder, rate)| {
            format!("{delay}{loss}{duplicate}{corrupt}{reorder}{rate}")
        },
    )
}

/// Impairments, one after the other; all of them end, and what is told shrinks to a line that does little.
pub fn impairments(count: Range<usize>) -> impl Strategy<Value = Vec<Impairment>> {
    let directed =
        (prop::sample::select(&["", "in ", "out "][..]), netem()).prop_map(|(way, told)| format!("{way}{told}"));
    let queue = (50_u32..2000).prop_map(|rate| format!("out tbf rate {rate}kbit burst 10k latency 200ms"));
    let told = prop_oneof![4 => directed, 1 => queue];
    let impairment = (told, 50_u64..5000, any::<Index>()).prop_map(|(told, lasting, at)| Impairment {
        told,
        lasting: Duration::from_millis(lasting),
        at,
    });
    vec(impairment, count)
}
