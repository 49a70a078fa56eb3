//! `ip`: shows and changes devices, addresses, routes, neighbours and named namespaces. On a host it prints what
//! iproute2 6.1 prints, in a container what busybox 1.35's applet of that name prints, down to the trailing blanks.
//!
//! How it works: the command line is parsed into an [`Object`], [`Options`] and the words after them; each object has a
//! module that shows (text from data) and changes (checks all that can fail, then asks the fabric).

mod addr;
mod batch;
mod bridge;
mod detail;
pub(in crate::userland) mod device;
mod error;
pub(in crate::userland) mod json;
mod keyword;
mod link;
mod maddress;
mod monitor;
mod neigh;
pub mod netns;
mod nexthop;
pub(in crate::userland) mod port;
mod route;
mod rule;
mod selection;
mod tuntap;
mod usage;
mod vxlan;

use std::collections::{BTreeMap, VecDeque};

pub use device::{Scene, state};
pub use error::{Error, Refusal};
pub use rule::rule_in_words;

#[cfg(test)]
pub(in crate::userland) use device::tests as samples;

use super::exec::{Exec, Launcher, Next};
use super::{Flavour, Program, Programs, Sys};
use crate::addr::{IpNetwork, Mac};
use crate::device::{Device, IfIndex};
use crate::fabric::NamespaceId;

/// Puts `ip` on the path of hosts and containers.
pub fn add(programs: &mut Programs) {
    for flavour in [Flavour::Host, Flavour::Busybox] {
        programs.add(flavour, "ip", || Box::new(Launcher::new(start)));
    }
}

/// What `ip` is about.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Object {
    /// `ip addr`
    Address,
    /// `ip link`
    Link,
    /// `ip maddress`
    Maddress,
    /// `ip route`
    Route,
    /// `ip neigh`
    Neighbour,
    /// `ip netns`
    Netns,
    /// `ip rule`
    Rule,
    /// `ip tuntap`
    Tuntap,
    /// `ip monitor`
    Monitor,
    /// `ip nexthop`
    Nexthop,
}

impl Object {
    /// The objects by the names that may be shortened, in iproute2's order: the first that fits is meant.
    const NAMES: [(&'static str, Self); 11] = [
        ("address", Self::Address),
        ("route", Self::Route),
        ("rule", Self::Rule),
        ("neighbor", Self::Neighbour),
        ("neighbour", Self::Neighbour),
        ("link", Self::Link),
        ("maddress", Self::Maddress),
        ("tuntap", Self::Tuntap),
        ("monitor", Self::Monitor),
        ("netns", Self::Netns),
        ("nexthop", Self::Nexthop),
    ];

    /// The name that messages use.
    const fn name(self) -> &'static str {
        match self {
            Self::Address => "address",
            Self::Link => "link",
            Self::Maddress => "maddr",
            Self::Route => "route",
            Self::Neighbour => "neigh",
            Self::Netns => "netns",
            Self::Rule => "rule",
            Self::Tuntap => "tuntap",
            Self::Monitor => "monitor",
            Self::Nexthop => "nexthop",
        }
    }
}

/// Which addresses are meant.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Family {
    /// Both, or what the object takes for granted.
    #[default]
    Any,
    /// `-4`
    V4,
    /// `-6`
    V6,
    /// `-0`: those of the link layer.
    Link,
    /// `-M`, `-B`: those of which there are none.
    Other,
}

impl Family {
    /// IPv4 where nothing is said, for objects that are of one family.
    pub(crate) const fn or_v4(self) -> Self {
        if let Self::Any = self { Self::V4 } else { self }
    }

    /// Whether a prefix is of this family.
    #[must_use]
    pub fn includes(self, net: IpNetwork) -> bool {
        match self {
            Self::Any => true,
            Self::V4 => net.is_ipv4(),
            Self::V6 => net.is_ipv6(),
            Self::Link | Self::Other => false,
        }
    }

    /// What messages call a prefix of it.
    const fn prefix(self) -> &'static str {
        match self {
            Self::Any => "any valid prefix",
            Self::V4 => "inet prefix",
            Self::V6 => "inet6 prefix",
            Self::Link | Self::Other => "link prefix",
        }
    }
}

/// The options before the object.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Options {
    /// `-4`, `-6`, `-f inet`
    pub family: Family,
    /// `-br`
    pub brief: bool,
    /// `-d`
    pub details: bool,
    /// `-o`
    pub oneline: bool,
    /// `-s`
    pub statistics: u8,
    /// `-n NAME`
    pub netns: Option<String>,
    /// `-j`: as JSON.
    pub json: bool,
    /// `-p`: JSON over many lines.
    pub pretty: bool,
    /// `-all`: `netns exec` in each of them.
    pub all: bool,
    /// `-b FILE`: command lines are read from there.
    pub batch: Option<String>,
    /// `-force`: a line that fails is not the last.
    pub force: bool,
    /// `-h`, `-iec`: how large numbers are written.
    pub scale: Scale,
    /// `-t`, `-ts`: when something happened, of `ip monitor`.
    pub timestamp: Stamp,
}

/// How large numbers are written.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub enum Scale {
    /// As they are.
    #[default]
    Whole,
    /// In thousands, as `1.50k`.
    Thousands,
    /// In 1024s, as `1.50Ki`.
    Kibi,
}

/// How a time is written.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Stamp {
    /// Not at all.
    #[default]
    None,
    /// On a line of its own.
    Long,
    /// In front of the line.
    Short,
}

/// The rest of a command line, word by word.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Words(VecDeque<String>);

impl Words {
    /// The next word.
    pub fn take_next(&mut self) -> Option<String> {
        self.0.pop_front()
    }

    /// The next word, which must be there.
    ///
    /// # Errors
    /// `Incomplete` when the line ends.
    pub fn value(&mut self) -> Result<String, Error> {
        self.take_next().ok_or(Error::Incomplete)
    }

    /// Takes the next word when it is this one.
    pub fn take(&mut self, word: &str) -> bool {
        let found = self.0.front().is_some_and(|w| w == word);
        if found {
            self.0.pop_front();
        }
        found
    }

    /// The next word as one of `choices`, which may be shortened: the first that fits. `default` when the line ends.
    ///
    /// # Errors
    /// `UnknownCommand`.
    fn command<T: Copy>(&mut self, choices: &[(&str, T)], default: T) -> Result<T, Error> {
        match self.take_next() {
            None => Ok(default),
            Some(word) if usual_help(&word) => Err(Error::Help),
            Some(word) => matching(&word, choices).ok_or(Error::UnknownCommand(word)),
        }
    }
}

/// Whether a word asks for the page of an object.
fn usual_help(word: &str) -> bool {
    !word.is_empty() && "help".starts_with(word)
}

/// The first of `choices` that begins with `word`.
fn matching<T: Copy>(word: &str, choices: &[(&str, T)]) -> Option<T> {
    choices.iter().find(|(name, _)| name.starts_with(word)).map(|(_, choice)| *choice)
}

/// What a command gives.
enum Outcome {
    /// Text for standard output.
    Text(String),
    /// It goes on as another program.
    Exec(Exec),
    /// It goes on by itself.
    Own(Box<dyn Program>),
}

/// What `ip -V` prints.
const VERSION: &str = "ip utility, iproute2-6.1.0, libbpf 1.1.2\n";

fn start(sys: &mut Sys<'_>) -> Next {
    let flavour = sys.flavour();
    if flavour == Flavour::Host && sys.argv().get(1).is_some_and(|word| is_version(word)) {
        sys.print(VERSION);
        return Next::Exit(0);
    }
    let words = Words(sys.argv().iter().skip(1).cloned().collect());
    let (object, outcome) = match parse(words, flavour) {
        Ok((_, Options { batch: Some(file), .. }, _)) => return batch::start(sys, &file),
        Ok((object, options, words)) => (object, run(sys, object, &options, words)),
        Err(error) => (Object::Link, Err(error)),
    };
    match outcome {
        Ok(Outcome::Text(text)) => {
            sys.print(text);
            Next::Exit(0)
        }
        Ok(Outcome::Exec(exec)) => Next::Exec(exec),
        Ok(Outcome::Own(program)) => Next::Own(program),
        Err(error) => {
            sys.eprint(error.text(flavour, object));
            Next::Exit(error.status(flavour, object))
        }
    }
}

/// Whether a word asks which version it is.
fn is_version(word: &str) -> bool {
    word.len() > 1 && "-Version".starts_with(word)
}

/// The options and the object of a command line, and what is left of it.
fn parse(mut words: Words, flavour: Flavour) -> Result<(Object, Options, Words), Error> {
    let mut options = Options::default();
    loop {
        let word = words.take_next().ok_or(Error::Usage)?;
        let Some(option) = word.strip_prefix('-').map(|option| option.strip_prefix('-').unwrap_or(option)) else {
            let unknown = || if word == "help" { Error::Usage } else { Error::UnknownObject(word.clone()) };
            let object = matching(&word, &Object::NAMES).ok_or_else(unknown)?;
            let missing = flavour == Flavour::Busybox
                && !matches!(object, Object::Address | Object::Link | Object::Route | Object::Neighbour);
            return if missing { Err(Error::Usage) } else { Ok((object, options, words)) };
        };
        if flavour == Flavour::Busybox && !matches!(option, "4" | "6" | "o" | "oneline" | "f" | "family") {
            return Err(Error::Usage);
        }
        set_option(&mut options, option, &mut words).ok_or_else(|| Error::UnknownOption(format!("-{option}")))??;
        if options.batch.is_some() && words.0.is_empty() {
            return Ok((Object::Link, options, words));
        }
    }
}

/// iproute2's options in its order: the first that a word begins is meant, those with a mark only when written out.
const OPTIONS: [(&str, bool); 29] = [
    ("loops", false),
    ("family", false),
    ("4", true),
    ("6", true),
    ("0", true),
    ("M", true),
    ("B", true),
    ("human-readable", false),
    ("iec", false),
    ("stats", false),
    ("statistics", false),
    ("details", false),
    ("resolve", false),
    ("oneline", false),
    ("timestamp", false),
    ("tshort", false),
    ("force", false),
    ("batch", false),
    ("brief", false),
    ("json", false),
    ("rcvbuf", false),
    ("color", false),
    ("help", false),
    ("netns", false),
    ("all", false),
    ("echo", false),
    ("pretty", false),
    ("br", true),
    ("ts", true),
];

/// The option that a word means, written out.
fn option_of(word: &str) -> Option<&'static str> {
    let bare = match word {
        "color=never" | "color=auto" | "c=never" | "c=auto" => "color",
        // Letters in colours are not here: who asks for them in any case is refused.
        _ if word.contains("=") => return None,
        word => word,
    };
    let fits = |(name, whole): &&(&str, bool)| if *whole { *name == bare } else { name.starts_with(bare) };
    OPTIONS.iter().filter(|_| !bare.is_empty()).find(fits).map(|(name, _)| *name)
}

/// Sets the option of this name; none when there is no such option.
fn set_option(options: &mut Options, name: &str, words: &mut Words) -> Option<Result<(), Error>> {
    match option_of(name)? {
        "4" => options.family = Family::V4,
        "6" => options.family = Family::V6,
        "0" => options.family = Family::Link,
        // Families that nothing here has addresses of.
        "M" | "B" => options.family = Family::Other,
        "family" => match words.take_next() {
            Some(word) => match family(&word) {
                Some(family) => options.family = family,
                None => return Some(Err(Error::Invalid { word, why: "invalid protocol family" })),
            },
            None => return Some(Err(Error::Usage)),
        },
        "netns" => match words.value() {
            Ok(netns) => options.netns = Some(netns),
            Err(error) => return Some(Err(error)),
        },
        // How often is tried, and how much room there is for answers, changes nothing here.
        "loops" if words.take_next().is_none() => return Some(Err(Error::Usage)),
        "rcvbuf" => match words.take_next() {
            None => return Some(Err(Error::Usage)),
            Some(word) if word.parse::<u32>().is_err() => return Some(Err(Error::BufferSize(word))),
            Some(_) => {}
        },
        "batch" => match words.take_next() {
            Some(file) => options.batch = Some(file),
            None => return Some(Err(Error::Usage)),
        },
        "help" => return Some(Err(Error::Usage)),
        "force" => options.force = true,
        "human-readable" => options.scale = options.scale.max(Scale::Thousands),
        "iec" => options.scale = Scale::Kibi,
        "oneline" => options.oneline = true,
        "details" => options.details = true,
        "stats" | "statistics" => options.statistics = options.statistics.saturating_add(1),
        "json" => options.json = true,
        "pretty" => options.pretty = true,
        "all" => options.all = true,
        "brief" | "br" => options.brief = true,
        "timestamp" => options.timestamp = Stamp::Long,
        "tshort" | "ts" => options.timestamp = Stamp::Short,
        _ => {}
    }
    Some(Ok(()))
}

/// A family by its name.
fn family(word: &str) -> Option<Family> {
    match word {
        "inet" => Some(Family::V4),
        "inet6" => Some(Family::V6),
        "link" => Some(Family::Link),
        "mpls" | "bridge" => Some(Family::Other),
        _ => None,
    }
}

fn run(sys: &mut Sys<'_>, object: Object, options: &Options, words: Words) -> Result<Outcome, Error> {
    let namespace = match &options.netns {
        Some(name) => netns::find(sys, name).ok_or_else(|| Error::NotOpened(name.clone()))?,
        None => sys.namespace_id(),
    };
    match object {
        Object::Address => addr::run(sys, namespace, options, words),
        Object::Link => link::run(sys, namespace, options, words),
        Object::Maddress => maddress::run(sys, namespace, options, words),
        Object::Route => route::run(sys, namespace, options, words),
        Object::Neighbour => neigh::run(sys, namespace, options, words),
        Object::Rule => rule::run(sys, namespace, options, words),
        Object::Tuntap => tuntap::run(sys, namespace, words),
        Object::Nexthop => nexthop::run(sys, namespace, options, words),
        Object::Netns => return netns::run(sys, namespace, options, words),
        Object::Monitor => return monitor::run(sys, namespace, options, words),
    }
    .map(Outcome::Text)
}

/// The namespaces of veths' peers that have a name here, by the veth.
#[must_use]
pub fn named_peers(sys: &mut Sys<'_>, namespace: NamespaceId) -> BTreeMap<IfIndex, String> {
    let names = netns::names(sys);
    let fabric = sys.fabric();
    let away: Vec<IfIndex> =
        fabric.namespace(namespace).devices.values().filter(|d| d.peer_netnsid.is_some()).map(|d| d.index).collect();
    away.into_iter()
        .filter_map(|index| {
            let peer = fabric.peer_of(namespace, index)?;
            let (name, _) = names.iter().find(|(_, id)| *id == peer.namespace)?;
            Some((index, name.clone()))
        })
        .collect()
}

/// The kernel's first question about a change: whether the process may make any.
fn permit(sys: &Sys<'_>) -> Result<(), Refusal> {
    if sys.is_network_administrator() { Ok(()) } else { Err(Refusal::NotPermitted) }
}

/// The device of this name, to be changed.
fn device(sys: &mut Sys<'_>, namespace: NamespaceId, name: &str) -> Result<IfIndex, Error> {
    let device = sys.fabric().namespace(namespace).device_named(name);
    device.map(|d| d.index).ok_or_else(|| Error::NoDevice(name.to_owned()))
}

/// The same as an argument of `ip nexthop`, which says otherwise that there is none.
fn device_of(sys: &mut Sys<'_>, namespace: NamespaceId, name: String) -> Result<IfIndex, Error> {
    let device = sys.fabric().namespace(namespace).device_named(&name);
    device.map(|d| d.index).ok_or(Error::Wrong { word: name, why: "Device does not exist" })
}

/// The device of this number, which a name or a listing just gave.
fn device_at<'a>(sys: &'a mut Sys<'_>, namespace: NamespaceId, index: IfIndex) -> &'a Device {
    sys.fabric().namespace(namespace).devices.get(&index).expect("the device was just found by its name")
}

/// A prefix; `default`, `any` and `all` are everything, of IPv4 unless said otherwise.
fn prefix(word: &str, family: Family) -> Result<IpNetwork, Error> {
    if matches!(word, "default" | "any" | "all") {
        let everything = if family == Family::V6 { "::/0" } else { "0.0.0.0/0" };
        return Ok(everything.parse().expect("a literal prefix"));
    }
    let expected = || Error::Expected { what: family.prefix(), word: word.to_owned() };
    let full = word.parse().ok().or_else(|| shortened(word)?.parse().ok());
    full.filter(|net| family.includes(*net)).ok_or_else(expected)
}

/// An IPv4 prefix of which the last parts were not written: `10/8`, `172.16/12`, and `10.1`, which is 10.1.0.0.
fn shortened(word: &str) -> Option<String> {
    let (address, length) = word.split_once('/').map_or((word, None), |(address, length)| (address, Some(length)));
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|c| c.is_ascii_digit());
    let parts: Vec<&str> = address.split('.').collect();
    if parts.len() > 3 || !parts.iter().all(|part| is_number(part)) {
        return None;
    }
    let rest = ".0".repeat(4 - parts.len());
    Some(format!("{address}{rest}/{}", length.unwrap_or("32")))
}

/// An address of the link layer: bytes in hexadecimal, of which each goes as far as its digits do. How many there should
/// be is another question.
fn link_layer(word: &str) -> Result<Vec<u8>, Error> {
    let byte = |part: &str| {
        let bare = part.strip_prefix("0x").unwrap_or(part);
        let end = bare.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(bare.len());
        let number = u32::from_str_radix(&bare[..end], 16).ok().and_then(|number| u8::try_from(number).ok());
        number.ok_or_else(|| Error::BadMac(part.to_owned()))
    };
    word.split(':').map(byte).collect()
}

/// An Ethernet address.
fn mac(word: &str) -> Result<Mac, Error> {
    let bytes = link_layer(word)?;
    <[u8; 6]>::try_from(bytes).map(Mac).map_err(|bytes| Error::MacLength(bytes.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str, flavour: Flavour) -> Result<(Object, Options), Error> {
        let words = Words(line.split_whitespace().map(str::to_owned).collect());
        parse(words, flavour).map(|(object, options, _)| (object, options))
    }

    #[test]
    fn objects_can_be_shortened() {
        let object = |word| parsed(word, Flavour::Host).map(|(object, _)| object);
        assert_eq!(object("a"), Ok(Object::Address));
        assert_eq!(object("r"), Ok(Object::Route));
        assert_eq!(object("n"), Ok(Object::Neighbour));
        assert_eq!(object("net"), Ok(Object::Netns));
        assert_eq!(object("l"), Ok(Object::Link));
        assert_eq!(object("foo"), Err(Error::UnknownObject("foo".into())));
        assert_eq!(object(""), Err(Error::Usage));
    }

    #[test]
    fn busybox_has_fewer_options_and_no_namespaces() {
        let options = Options { oneline: true, family: Family::V4, ..Options::default() };
        assert_eq!(parsed("-o -4 addr", Flavour::Busybox), Ok((Object::Address, options)));
        assert_eq!(parsed("-br a", Flavour::Busybox), Err(Error::Usage));
        assert_eq!(parsed("netns", Flavour::Busybox), Err(Error::Usage));
        assert!(parsed("-br a", Flavour::Host).is_ok_and(|(_, o)| o.brief));
        assert_eq!(parsed("-z a", Flavour::Host), Err(Error::UnknownOption("-z".into())));
    }

    #[test]
    fn a_prefix_may_leave_out_its_last_parts() {
        let read = |word| prefix(word, Family::Any).map(|net| net.to_string()).ok();
        assert_eq!(read("0/0").as_deref(), Some("0.0.0.0/0"));
        assert_eq!(read("172.16/12").as_deref(), Some("172.16.0.0/12"));
        assert_eq!(read("10.1").as_deref(), Some("10.1.0.0/32"));
        assert_eq!((read("x/8"), read("10./8"), read("1.2.3.4.5/8")), (None, None, None));
    }

    #[test]
    fn an_address_of_the_link_layer_is_read_as_far_as_it_goes() {
        let wrong = |word: &str| mac(word).unwrap_err();
        assert_eq!(mac("2:0:0:0:0:0a").unwrap().to_string(), "02:00:00:00:00:0a");
        assert_eq!([wrong("foo"), wrong("1:2:3:4:5:6:7")], [Error::MacLength(1), Error::MacLength(7)]);
        assert_eq!(wrong("02:00:00:00:00:zz"), Error::BadMac("zz".into()));
        assert_eq!([wrong("type"), wrong("1ff")], [Error::BadMac("type".into()), Error::BadMac("1ff".into())]);
    }

    #[test]
    fn a_prefix_must_be_of_the_family() {
        assert_eq!(prefix("default", Family::V6), Ok("::/0".parse().unwrap()));
        let what = "any valid prefix";
        assert_eq!(prefix("10.0.0.5/33", Family::Any), Err(Error::Expected { what, word: "10.0.0.5/33".into() }));
        let what = "inet prefix";
        assert_eq!(prefix("fd00::1", Family::V4), Err(Error::Expected { what, word: "fd00::1".into() }));
    }
}
