//! `ip addr`: shows the addresses of devices, adds and removes them.

use core::fmt::Write as _;
use core::net::{IpAddr, Ipv4Addr};

use super::device::{Listing, Scene, state, statistics};
use super::selection::Selection;
use super::{Error, Family, Options, Refusal, Words, device, device_at, json, named_peers, permit, prefix};
use crate::addr::IpNetwork;
use crate::device::{Address, Device, Given, IfIndex, Label, Lifetime, Scope};
use crate::fabric::NamespaceId;
use crate::time::{Duration, Instant};
use crate::userland::json::Json;
use crate::userland::{Flavour, Sys};

/// What `add` and its kin say of an address that may be there.
#[derive(Clone, Copy)]
enum Standing {
    /// It must not be there.
    New,
    /// Its lifetime and what is said of it change.
    Any,
}

#[derive(Clone, Copy)]
enum Verb {
    Add(Standing),
    Delete,
    Show,
    Flush,
}

const VERBS: [(&str, Verb); 9] = [
    ("add", Verb::Add(Standing::New)),
    ("change", Verb::Add(Standing::Any)),
    ("chg", Verb::Add(Standing::Any)),
    ("replace", Verb::Add(Standing::Any)),
    ("delete", Verb::Delete),
    ("show", Verb::Show),
    ("list", Verb::Show),
    ("lst", Verb::Show),
    ("flush", Verb::Flush),
];

pub(super) fn run(
    sys: &mut Sys<'_>,
    namespace: NamespaceId,
    options: &Options,
    mut words: Words,
) -> Result<String, Error> {
    match words.command(&VERBS, Verb::Show)? {
        Verb::Show => return show(sys, namespace, options, &mut words),
        Verb::Add(standing) => add(sys, namespace, &Change::parse(words, options.family, true)?, standing),
        Verb::Delete => delete(sys, namespace, &Change::parse(words, options.family, false)?),
        Verb::Flush => return flush(sys, namespace, options, words),
    }
    .map(|()| String::new())
}

fn show(sys: &mut Sys<'_>, namespace: NamespaceId, options: &Options, words: &mut Words) -> Result<String, Error> {
    words.take("show");
    let selection = Selection::parse(words, options.family)?;
    let options = &Options { family: selection.family(options.family), ..options.clone() };
    let (flavour, peers) = (sys.flavour(), named_peers(sys, namespace));
    let now = sys.now();
    let scene = Scene { devices: &sys.fabric().namespace(namespace).devices, peers: &peers, flavour, now };
    listing(&scene, options, &selection)
}

/// The text of `ip addr`.
fn listing(scene: &Scene<'_>, options: &Options, selection: &Selection) -> Result<String, Error> {
    let (mut text, mut all) = (String::new(), Vec::new());
    // The kernel tells all of a device that is asked about by name, whatever family is meant.
    let is_told = options.family == Family::V6 && selection.names_device();
    let told = if is_told { Options { family: Family::V4, ..options.clone() } } else { options.clone() };
    for device in selection.devices(scene)? {
        let addresses: Vec<(&Address, bool)> = ordered(device)
            .into_iter()
            .filter(|(a, secondary)| {
                options.family.includes(a.net) && selection.includes_address(device, a, *secondary)
            })
            .collect();
        // A device without any address is shown whatever addresses are asked for, unless a family or a label is.
        let is_bare = device.addresses.is_empty() && options.family == Family::Any && !selection.names_label();
        if addresses.is_empty() && !is_bare && options.family != Family::Link {
            continue;
        }
        if options.json {
            all.push(json::addresses(scene, &told, device, &addresses));
        } else {
            text.push_str(&described(scene, &told, selection, device, &addresses));
        }
    }
    Ok(if options.json { Json::List(all).print(options.pretty) } else { text })
}

/// One device and those of its addresses that are asked for.
fn described(
    scene: &Scene<'_>,
    options: &Options,
    selection: &Selection,
    device: &Device,
    addresses: &[(&Address, bool)],
) -> String {
    if options.brief {
        return brief(scene, device, addresses);
    }
    let mut text = String::new();
    if !options.oneline && !selection.names_label() {
        let _ = writeln!(text, "{}", scene.header(device, Listing::Addresses, options));
        let is_told = matches!(options.family, Family::Any | Family::Link);
        if is_told || options.details && scene.flavour == Flavour::Host {
            let _ = writeln!(text, "{}", scene.hardware(device, Listing::Addresses, options));
        }
    }
    for (address, secondary) in addresses {
        let line = line(device, address, *secondary, scene);
        let lifetime = lifetime(address.lifetime, scene.now);
        let _ = if options.oneline {
            writeln!(text, "{}: {}{line}\\       {lifetime}", device.index.0, device.name)
        } else {
            writeln!(text, "{line}\n       {lifetime}")
        };
    }
    if options.statistics > 0 && !options.oneline && scene.flavour == Flavour::Host {
        text.push_str(&statistics(device, options.statistics));
    }
    text
}

/// The addresses of a device, each as the kernel tells of it unasked.
pub(super) fn told_of(scene: &Scene<'_>, options: &Options, device: &Device) -> Vec<(Address, String)> {
    let end = if options.oneline { '\\' } else { '\n' };
    let told = |(address, secondary): (&Address, bool)| {
        let line = line(device, address, secondary, scene);
        let lifetime = lifetime(address.lifetime, scene.now);
        (*address, format!("{}: {}{line}{end}       {lifetime}\n", device.index.0, device.name))
    };
    ordered(device).into_iter().map(told).collect()
}

/// `valid_lft forever preferred_lft 20sec`
fn lifetime(lifetime: Lifetime, now: Instant) -> String {
    let left = |until: Option<Instant>| match seconds_left(until, now) {
        None => "forever".to_owned(),
        Some(seconds) => format!("{seconds}sec"),
    };
    format!("valid_lft {} preferred_lft {}", left(lifetime.valid), left(lifetime.preferred))
}

/// How many seconds are left until then, as the kernel tells them: those that went by count when they are whole.
pub(super) fn seconds_left(until: Option<Instant>, now: Instant) -> Option<u64> {
    let left = (until? - now).as_nanos();
    Some(u64::try_from(left.div_ceil(1_000_000_000)).unwrap_or(u64::MAX))
}

/// `eth0@if8         UP             172.17.0.2/16 `
fn brief(scene: &Scene<'_>, device: &Device, addresses: &[(&Address, bool)]) -> String {
    let mut text = format!("{:<16} {:<14} ", scene.name(device), state(device));
    addresses.iter().for_each(|(address, _)| text.push_str(&place(address)));
    text.push('\n');
    text
}

/// `10.0.0.1 peer 10.0.0.2/32 metric 5 `
fn place(address: &Address) -> String {
    let mut text = address.net.ip().to_string();
    if let Some(peer) = address.peer {
        let _ = write!(text, " peer {peer}");
    }
    let _ = write!(text, "/{} ", address.net.prefix());
    if address.metric != 0 {
        let _ = write!(text, "metric {} ", address.metric);
    }
    text
}

/// The line of one address; IPv6 addresses have no label, only the blank before it.
fn line(device: &Device, address: &Address, secondary: bool, scene: &Scene<'_>) -> String {
    let family = if address.net.is_ipv4() { "inet" } else { "inet6" };
    let mut line = format!("    {family} {}", place(address));
    if let Some(broadcast) = address.broadcast {
        let _ = write!(line, "brd {broadcast} ");
    }
    let _ = write!(line, "scope {} ", address.scope);
    for flag in flags(address, secondary) {
        // busybox has no name for it.
        line += if flag == "nodad" && scene.flavour == Flavour::Busybox { "flags 02" } else { flag };
        line.push(' ');
    }
    if address.net.is_ipv4() {
        line.push_str(label(device, address));
    }
    line
}

/// What an address is called: its label, or its device's name.
pub(super) fn label<'a>(device: &'a Device, address: &'a Address) -> &'a str {
    address.label.as_ref().map_or(device.name.as_str(), Label::as_str)
}

/// What is said of an address, in iproute2's order.
pub(super) fn flags(address: &Address, secondary: bool) -> Vec<&'static str> {
    let given = address.given;
    let all = [
        ("secondary", secondary),
        ("nodad", given.nodad),
        ("home", given.home),
        ("deprecated", address.is_deprecated),
        ("dynamic", address.lifetime.valid.is_some()),
        ("mngtmpaddr", given.mngtmpaddr),
        ("noprefixroute", given.noprefixroute),
    ];
    all.into_iter().filter(|(_, on)| *on).map(|(name, _)| name).collect()
}

/// The addresses in the kernel's order, each with whether it is secondary: IPv4 as the device has them, then IPv6 from
/// the widest scope down, the newest first.
fn ordered(device: &Device) -> Vec<(&Address, bool)> {
    let all = &device.addresses;
    let mut v6: Vec<&Address> = all.iter().rev().filter(|a| a.net.is_ipv6()).collect();
    v6.sort_by_key(|a| a.scope);
    let v4 = all.iter().enumerate().filter(|(_, a)| a.net.is_ipv4());
    let v4 = v4.map(|(at, a)| (a, Address::is_secondary(all, at)));
    v4.chain(v6.into_iter().map(|a| (a, false))).collect()
}

/// An address and its device, as `add` and `del` name them.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Change {
    address: Address,
    /// Whether a prefix length was written; `del` without one takes any.
    exact: bool,
    device: String,
    /// How long it shall be good for, in seconds; none when nothing was said of that.
    lifetime: Option<[u32; 2]>,
    /// Switches that are of IPv6 alone, and were thrown for IPv4.
    idle: Vec<String>,
}

/// What the words of a change say, as far as they are read.
#[derive(Default)]
struct Wish {
    local: Option<(String, IpNetwork)>,
    peer: Option<IpNetwork>,
    device: Option<String>,
    brd: Option<String>,
    scope: Option<Scope>,
    label: Option<String>,
    metric: u32,
    given: Given,
    autojoin: bool,
    valid: Option<u32>,
    preferred: Option<u32>,
    /// Switches of IPv6, and those that only the kernel throws.
    switches: Vec<String>,
}

/// What "for ever" is in seconds.
const FOREVER: u32 = u32::MAX;

impl Wish {
    /// Takes in one word and its value.
    fn set(&mut self, word: String, words: &mut Words, family: Family) -> Result<(), Error> {
        let is = |name: &str| name.starts_with(word.as_str());
        match word.as_str() {
            "peer" | "remote" if self.peer.is_some() => {
                return Err(Error::Twice { what: "peer", word: words.value()? });
            }
            "peer" | "remote" => self.peer = Some(prefix(&words.value()?, family)?),
            "brd" => self.broadcast(words.value()?)?,
            "scope" => self.scope = Some(parse_scope(words.value()?)?),
            "dev" | "oif" => self.device = Some(words.value()?),
            "label" => self.label = Some(words.value()?),
            "local" => self.own(words.value()?, family)?,
            "nodad" | "optimistic" | "home" | "mngtmpaddr" | "noprefixroute" | "autojoin" => self.switch(word),
            "secondary" | "temporary" | "dadfailed" | "deprecated" | "tentative" | "permanent" | "stable-privacy" => {
                self.switches.push(word);
            }
            "" => self.own(word, family)?,
            _ if is("broadcast") => self.broadcast(words.value()?)?,
            _ if is("metric") || is("priority") || is("preference") => self.metric = metric(words.value()?)?,
            _ if is("valid_lft") => self.valid = Some(lasting(words.value()?, "valid_lft value")?),
            _ if is("preferred_lft") => self.preferred = Some(lasting(words.value()?, "preferred_lft value")?),
            _ if is("help") => return Err(Error::Help),
            _ => self.own(word, family)?,
        }
        Ok(())
    }

    fn own(&mut self, word: String, family: Family) -> Result<(), Error> {
        if self.local.is_some() {
            return Err(Error::Garbage { place: "local", word });
        }
        self.local = Some(prefixed(word, family)?);
        Ok(())
    }

    fn broadcast(&mut self, word: String) -> Result<(), Error> {
        if self.brd.is_some() {
            return Err(Error::Twice { what: "broadcast", word });
        }
        if !matches!(word.as_str(), "+" | "-") && word.parse::<Ipv4Addr>().is_err() {
            return Err(Error::Expected { what: "inet address", word });
        }
        self.brd = Some(word);
        Ok(())
    }

    fn switch(&mut self, word: String) {
        match word.as_str() {
            "nodad" => self.given.nodad = true,
            "home" => self.given.home = true,
            "mngtmpaddr" => self.given.mngtmpaddr = true,
            "noprefixroute" => self.given.noprefixroute = true,
            "autojoin" => self.autojoin = true,
            // Whether an address is taken is asked so that it can be used meanwhile.
            _ => {}
        }
        if !matches!(word.as_str(), "noprefixroute" | "autojoin") {
            self.switches.push(word);
        }
    }
}

impl Change {
    fn parse(mut words: Words, family: Family, is_new: bool) -> Result<Self, Error> {
        let mut wish = Wish::default();
        while let Some(word) = words.take_next() {
            wish.set(word, &mut words, family)?;
        }
        let device = wish.device.take().ok_or(Error::MissingDevice)?;
        let (word, mut net) = wish.local.take().ok_or(Refusal::NotSupported)?;
        if matches!(word.as_str(), "default" | "any" | "all") {
            return Err(Refusal::NotSupported.into());
        }
        let is_said = word.contains('/');
        let label = wish.label.as_deref().map(|text| Label::new(text).ok_or(Refusal::BadAttribute)).transpose()?;
        if let Some(peer) = wish.peer {
            net = IpNetwork::new(net.ip(), peer.prefix()).map_err(|_| Refusal::Invalid)?;
        }
        let mut address = Address::new(net);
        address.peer = wish.peer.map(|peer| peer.ip()).filter(|peer| *peer != net.ip());
        address.broadcast = broadcast(&address, wish.brd.as_deref().filter(|_| is_new))?;
        if wish.autojoin && !net.ip().is_multicast() {
            return Err(Error::NoGroupToJoin);
        }
        let v6 = net.is_ipv6();
        address.scope = wish.scope.filter(|_| !v6).unwrap_or(address.scope);
        address.label = label.filter(|_| !v6);
        address.metric = wish.metric;
        let v4_given = Given { noprefixroute: wish.given.noprefixroute, ..Given::default() };
        address.given = if v6 { wish.given } else { v4_given };
        let lifetime = lifetimes(wish.valid, wish.preferred)?;
        let only_read = |word: &String| !matches!(word.as_str(), "nodad" | "optimistic" | "home" | "mngtmpaddr");
        let idle = wish.switches.into_iter().filter(|word| !v6 || only_read(word)).collect();
        Ok(Self { address, exact: is_said || wish.peer.is_some(), device, lifetime, idle })
    }

    /// Whether `address` is the one that is to go.
    fn names(&self, address: &Address) -> bool {
        let same_place = address.net.prefix() == self.address.net.prefix()
            && (self.address.net.is_ipv6() || address.on_link() == self.address.on_link());
        let called = self.address.label.is_none_or(|label| address.label == Some(label));
        address.net.ip() == self.address.net.ip() && called && (same_place || !self.exact && self.address.net.is_ipv4())
    }

    /// The address with its end, from now on.
    fn lasting(&self, now: Instant) -> Address {
        let [valid, preferred] = self
            .lifetime
            .unwrap_or([FOREVER; 2])
            .map(|seconds| (seconds != FOREVER).then(|| now + Duration::from_secs(u64::from(seconds))));
        Address { lifetime: Lifetime { valid, preferred }, ..self.address }
    }

    /// What iproute2 says of switches that do nothing.
    fn warnings(&self) -> String {
        let why = |word: &str| match word {
            "nodad" | "optimistic" | "home" | "mngtmpaddr" => "can be set only for IPv6 addresses",
            _ => "is not mutable from userspace",
        };
        self.idle.iter().map(|word| format!("Warning: {word} option {}\n", why(word))).collect()
    }
}

/// How long an address is good and preferred, when one of the two was said.
fn lifetimes(valid: Option<u32>, preferred: Option<u32>) -> Result<Option<[u32; 2]>, Error> {
    if valid.is_none() && preferred.is_none() {
        return Ok(None);
    }
    let both = [valid.unwrap_or(FOREVER), preferred.unwrap_or(FOREVER)];
    match both {
        [0, _] => Err(Error::NoLifetime),
        [valid, preferred] if valid < preferred => Err(Error::PreferredLonger),
        _ => Ok(Some(both)),
    }
}

fn lasting(word: String, why: &'static str) -> Result<u32, Error> {
    if word == "forever" {
        return Ok(FOREVER);
    }
    word.parse().map_err(|_| Error::Invalid { word, why })
}

fn metric(word: String) -> Result<u32, Error> {
    super::route::number(&word).ok_or(Error::Wrong { word, why: "\"metric\" value is invalid" })
}

/// A prefix, and how it was written.
fn prefixed(word: String, family: Family) -> Result<(String, IpNetwork), Error> {
    prefix(&word, family).map(|net| (word, net))
}

fn parse_scope(word: String) -> Result<Scope, Error> {
    Scope::parse(&word).ok_or(Error::Invalid { word, why: "invalid scope value." })
}

/// The broadcast address that `brd` asks for: `+` is the prefix's last, `-` its first.
fn broadcast(address: &Address, word: Option<&str>) -> Result<Option<Ipv4Addr>, Error> {
    let IpNetwork::V4(net) = address.on_link() else {
        return match word {
            Some("+" | "-") => Err(Error::NoBroadcast),
            _ => Ok(None),
        };
    };
    Ok(match word {
        None => None,
        Some("-") => Some(net.ip()).filter(|_| net.prefix() < 31),
        Some("+") => address.last(),
        Some(text) => text.parse().ok(),
    })
}

fn add(sys: &mut Sys<'_>, namespace: NamespaceId, change: &Change, standing: Standing) -> Result<(), Error> {
    let index = device(sys, namespace, &change.device)?;
    sys.eprint(change.warnings());
    permit(sys)?;
    let address = change.lasting(sys.now());
    check(sys, namespace, index, &address)?;
    let assigned = if address.net.is_ipv4() { Refusal::AddressAssigned } else { Refusal::Address6Assigned };
    let known = device_at(sys, namespace, index).addresses.iter().any(|a| a.is_same(&address));
    match (known, standing) {
        // The kernel takes it, and has nothing to do.
        _ if address.net.is_ipv4() && address.net.ip().is_unspecified() => Ok(()),
        (false, _) => Ok(sys.fabric().assign(namespace, index, address)?),
        (true, Standing::New) => Err(assigned.into()),
        (true, Standing::Any) => Ok(sys.fabric().change_address(namespace, index, address)?),
    }
}

/// What cannot be an address of a device.
fn check(sys: &mut Sys<'_>, namespace: NamespaceId, index: IfIndex, address: &Address) -> Result<(), Refusal> {
    let device = device_at(sys, namespace, index);
    let ip = address.net.ip();
    let elsewhere = |a: &Address| a.net.is_ipv4() && a.on_link() == address.on_link() && a.scope != address.scope;
    match ip {
        IpAddr::V6(ip) if ip.is_unspecified() => Err(Refusal::InvalidAddress6),
        IpAddr::V6(ip) if ip.is_multicast() => Err(Refusal::GroupAddress6),
        IpAddr::V6(ip) if ip.is_loopback() && !device.is_loopback() => Err(Refusal::LoopbackAddress6),
        IpAddr::V4(_) if device.addresses.iter().any(elsewhere) => Err(Refusal::BadScope),
        _ => Ok(()),
    }
}

fn delete(sys: &mut Sys<'_>, namespace: NamespaceId, change: &Change) -> Result<(), Error> {
    let index = device(sys, namespace, &change.device)?;
    permit(sys)?;
    if !change.exact && change.address.net.is_ipv4() {
        sys.eprint(wildcard(change.address.net));
    }
    let missing = if change.address.net.is_ipv4() { Refusal::AddressNotFound } else { Refusal::Address6NotFound };
    let found = device_at(sys, namespace, index).addresses.iter().find(|a| change.names(a)).copied();
    Ok(sys.fabric().withdraw(namespace, index, &found.ok_or(missing)?)?)
}

/// The warning of iproute2 when an address is deleted without its prefix length.
fn wildcard(net: IpNetwork) -> String {
    format!(
        "Warning: Executing wildcard deletion to stay compatible with old scripts.\n         \
         Explicitly specify the prefix length ({net}) to avoid this warning.\n         \
         This special behaviour is likely to disappear in further releases,\n         fix your scripts!\n"
    )
}

fn flush(sys: &mut Sys<'_>, namespace: NamespaceId, options: &Options, mut words: Words) -> Result<String, Error> {
    if words.0.is_empty() {
        return Err(Error::FlushAll);
    }
    let selection = Selection::parse(&mut words, options.family)?;
    let flavour = sys.flavour();
    let peers = std::collections::BTreeMap::new();
    let now = sys.now();
    let scene = Scene { devices: &sys.fabric().namespace(namespace).devices, peers: &peers, flavour, now };
    let (mut gone, mut told) = (Vec::new(), String::new());
    let manner = Options { oneline: true, statistics: 0, ..Options::default() };
    for device in selection.devices(&scene)? {
        let chosen = ordered(device).into_iter().filter(|(a, secondary)| {
            options.family.includes(a.net) && selection.includes_address(device, a, *secondary)
        });
        let chosen: Vec<(&Address, bool)> = chosen.collect();
        told += &described(&scene, &manner, &selection, device, &chosen).replace('\\', "\n");
        gone.extend(chosen.into_iter().map(|(a, _)| (device.index, *a)));
    }
    for (index, address) in &gone {
        permit(sys)?;
        // A primary address took its secondary ones along.
        if device_at(sys, namespace, *index).addresses.contains(address) {
            sys.fabric().withdraw(namespace, *index, address)?;
        }
    }
    Ok(match gone.len() {
        _ if options.statistics == 0 => String::new(),
        0 => "Nothing to flush.\n".to_owned(),
        count => {
            let told = if options.statistics > 1 { told } else { String::new() };
            format!("{told}\n*** Round 1, deleting {count} addresses ***\n*** Flush is complete after 1 round ***\n")
        }
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::device::tests::{address, all, bridge, loopback, veth};
    use super::*;
    use crate::device::Devices;
    use crate::time::Instant;

    fn listed(devices: &Devices, flavour: Flavour, options: &Options) -> String {
        let peers = BTreeMap::new();
        let scene = Scene { devices, peers: &peers, flavour, now: Instant::ZERO };
        listing(&scene, options, &Selection::default()).unwrap()
    }

    fn container() -> Devices {
        let mut eth0 = veth(14, "eth0", "02:42:ac:19:00:03", 15);
        eth0.peer_netnsid = Some(0);
        eth0.addresses = vec![address("172.25.0.3/16").with_broadcast()];
        all([loopback(), eth0])
    }

    #[test]
    fn busybox_lists_the_devices_of_a_container() {
        assert_eq!(
            listed(&container(), Flavour::Busybox, &Options::default()),
            "\
1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue qlen 1000
    link/loopback 00:00:00:00:00:00 brd 00:00:00:00:00:00
    inet 127.0.0.1/8 scope host lo
       valid_lft forever preferred_lft forever
14: eth0@if15: <BROADCAST,MULTICAST,UP,LOWER_UP,M-DOWN> mtu 1500 qdisc noqueue \n    \
    link/ether 02:42:ac:19:00:03 brd ff:ff:ff:ff:ff:ff
    inet 172.25.0.3/16 brd 172.25.255.255 scope global eth0
       valid_lft forever preferred_lft forever
"
        );
    }

    #[test]
    fn iproute2_lists_a_host_with_ipv6_link_locals() {
        let mut docker0 = bridge(3, "docker0", "02:42:4b:18:8e:39");
        docker0.addresses = vec![address("172.17.0.1/16").with_broadcast(), address("fe80::42:4bff:fe18:8e39/64")];
        assert_eq!(
            listed(&all([docker0]), Flavour::Host, &Options::default()),
            "3: docker0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP group default \n    \
             link/ether 02:42:4b:18:8e:39 brd ff:ff:ff:ff:ff:ff\n    \
             inet 172.17.0.1/16 brd 172.17.255.255 scope global docker0\n       \
             valid_lft forever preferred_lft forever\n    \
             inet6 fe80::42:4bff:fe18:8e39/64 scope link \n       \
             valid_lft forever preferred_lft forever\n"
        );
    }

    #[test]
    fn brief_and_oneline_give_a_line_each() {
        let brief = Options { brief: true, ..Options::default() };
        assert_eq!(
            listed(&container(), Flavour::Host, &brief),
            "lo               UNKNOWN        127.0.0.1/8 \neth0@if15        UP             172.25.0.3/16 \n"
        );
        let oneline = Options { oneline: true, family: Family::V4, ..Options::default() };
        assert_eq!(
            listed(&container(), Flavour::Busybox, &oneline),
            "1: lo    inet 127.0.0.1/8 scope host lo\\       valid_lft forever preferred_lft forever\n\
             14: eth0    inet 172.25.0.3/16 brd 172.25.255.255 scope global eth0\\       \
             valid_lft forever preferred_lft forever\n"
        );
    }

    #[test]
    fn a_family_hides_the_ethernet_line_and_devices_without_addresses() {
        let mut br = bridge(2, "br0", "02:00:00:00:00:02");
        br.addresses = vec![address("fd00::1/64")];
        let devices = all([loopback(), br]);
        let v6 = Options { family: Family::V6, ..Options::default() };
        assert_eq!(
            listed(&devices, Flavour::Host, &v6),
            "2: br0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 state UP \n    inet6 fd00::1/64 scope global \n       \
             valid_lft forever preferred_lft forever\n"
        );
        let v4 = Options { family: Family::V4, ..Options::default() };
        assert!(!listed(&devices, Flavour::Host, &v4).contains("link/"));
    }

    #[test]
    fn a_second_address_of_a_prefix_is_secondary_and_new_ipv6_ones_come_first() {
        let mut br = bridge(2, "br0", "02:00:00:00:00:02");
        let nets = ["10.1.0.1/24", "fe80::1/64", "10.1.0.2/24", "fd00::1/64", "fd00::2/64", "10.2.0.1/24"];
        br.addresses = nets.map(address).to_vec();
        let order: Vec<String> = ordered(&br).iter().map(|(a, s)| format!("{} {s}", a.net)).collect();
        assert_eq!(
            order,
            ["10.1.0.1/24 false", "10.1.0.2/24 true", "10.2.0.1/24 false"]
                .into_iter()
                .chain(["fd00::2/64 false", "fd00::1/64 false", "fe80::1/64 false"])
                .collect::<Vec<_>>()
        );
    }

    #[test]
    fn the_words_of_add_are_checked_before_anything_changes() {
        let parse =
            |line: &str| Change::parse(Words(line.split_whitespace().map(str::to_owned).collect()), Family::Any, true);
        let change = parse("10.0.0.220/24 brd + dev eth1").unwrap();
        assert_eq!(change.address.broadcast, Some(Ipv4Addr::new(10, 0, 0, 255)));
        assert_eq!(parse("10.0.0.5/24"), Err(Error::MissingDevice));
        assert_eq!(parse("10.0.0.5/24 dev"), Err(Error::Incomplete));
        let what = "any valid prefix";
        assert_eq!(parse("10.0.0.300/24 dev br0"), Err(Error::Expected { what, word: "10.0.0.300/24".into() }));
        let without_length = parse("10.0.0.5 dev eth1").unwrap();
        assert!(without_length.names(&address("10.0.0.5/24")) && !change.names(&address("10.0.0.220/16")));
    }
}
