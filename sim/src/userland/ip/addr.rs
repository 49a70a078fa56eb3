//! `ip addr`: shows the addresses of devices, adds and removes them.

use core::cmp::Reverse;
use core::fmt::Write as _;
use core::net::Ipv4Addr;

use super::device::{Listing, Scene, state, statistics};
use super::selection::Selection;
use super::{Error, Family, Options, Refusal, Words, device, device_at, json, named_peers, permit, prefix};
use crate::addr::{self, IpNetwork};
use crate::device::{Address, Device, Scope};
use crate::fabric::NamespaceId;
use crate::userland::json::Json;
use crate::userland::{Flavour, Sys};

#[derive(Clone, Copy)]
enum Verb {
    Add,
    Replace,
    Delete,
    Show,
    Flush,
}

const VERBS: [(&str, Verb); 9] = [
    ("add", Verb::Add),
    ("change", Verb::Replace),
    ("chg", Verb::Replace),
    ("replace", Verb::Replace),
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
        Verb::Add => add(sys, namespace, &Change::parse(words, options.family)?),
        Verb::Replace => replace(sys, namespace, &Change::parse(words, options.family)?),
        Verb::Delete => delete(sys, namespace, &Change::parse(words, options.family)?),
        Verb::Flush => flush(sys, namespace, options.family, words),
    }
    .map(|()| String::new())
}

fn show(sys: &mut Sys<'_>, namespace: NamespaceId, options: &Options, words: &mut Words) -> Result<String, Error> {
    words.take("show");
    let selection = Selection::parse(words, options.family)?;
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
            .filter(|(a, _)| options.family.includes(a.net) && selection.includes_address(a))
            .collect();
        // A device without any address is shown whatever addresses are asked for, unless a family is.
        if addresses.is_empty() && (options.family != Family::Any || !device.addresses.is_empty()) {
            continue;
        }
        if options.json {
            all.push(json::addresses(scene, &told, device, &addresses));
        } else {
            text.push_str(&described(scene, &told, device, &addresses));
        }
    }
    Ok(if options.json { Json::List(all).print(options.pretty) } else { text })
}

/// One device and those of its addresses that are asked for.
fn described(scene: &Scene<'_>, options: &Options, device: &Device, addresses: &[(&Address, bool)]) -> String {
    if options.brief {
        return brief(scene, device, addresses);
    }
    let mut text = String::new();
    if !options.oneline {
        let _ = writeln!(text, "{}", scene.header(device, Listing::Addresses, options));
        if options.family == Family::Any {
            let _ = writeln!(text, "{}", scene.hardware(device, Listing::Addresses, options));
        }
    }
    for (address, secondary) in addresses {
        let line = line(device, address, *secondary, scene.flavour);
        let _ = if options.oneline {
            writeln!(text, "{}: {}{line}\\       {LIFETIME}", device.index.0, device.name)
        } else {
            writeln!(text, "{line}\n       {LIFETIME}")
        };
    }
    if options.statistics > 0 && !options.oneline && scene.flavour == Flavour::Host {
        text.push_str(&statistics(device, options.statistics));
    }
    text
}

const LIFETIME: &str = "valid_lft forever preferred_lft forever";

/// `eth0@if8         UP             172.17.0.2/16 `
fn brief(scene: &Scene<'_>, device: &Device, addresses: &[(&Address, bool)]) -> String {
    let mut text = format!("{:<16} {:<14} ", scene.name(device), state(device));
    for (address, _) in addresses {
        let _ = write!(text, "{} ", address.net);
    }
    text.push('\n');
    text
}

/// The line of one address; IPv6 addresses have no label, only the blank before it.
fn line(device: &Device, address: &Address, secondary: bool, flavour: Flavour) -> String {
    let family = if address.net.is_ipv4() { "inet" } else { "inet6" };
    let mut line = format!("    {family} {} ", address.net);
    if let Some(broadcast) = address.broadcast {
        let _ = write!(line, "brd {broadcast} ");
    }
    let _ = write!(line, "scope {} ", scope(address.scope));
    if address.net.is_ipv4() {
        line.push_str(if secondary { "secondary " } else { "" });
        line.push_str(&device.name);
    } else if address.nodad {
        line.push_str(if flavour == Flavour::Host { "nodad " } else { "flags 02 " });
    }
    line
}

/// A scope as `ip` prints it.
pub(super) const fn scope(scope: Scope) -> &'static str {
    match scope {
        Scope::Host => "host",
        Scope::Link => "link",
        Scope::Global => "global",
    }
}

/// The addresses in the kernel's order, each with whether it is secondary: IPv4 as they were added, then IPv6 from
/// the widest scope down, the newest first.
fn ordered(device: &Device) -> Vec<(&Address, bool)> {
    let (v4, mut v6): (Vec<&Address>, Vec<&Address>) = device.addresses.iter().partition(|a| a.net.is_ipv4());
    v6.reverse();
    v6.sort_by_key(|a| Reverse(a.scope as u8));
    let secondary = |at: usize| v4[..at].iter().any(|a| addr::network_of(a.net) == addr::network_of(v4[at].net));
    let v4 = v4.iter().enumerate().map(|(at, a)| (*a, secondary(at)));
    v4.chain(v6.iter().map(|a| (*a, false))).collect()
}

/// An address and its device, as `add` and `del` name them.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Change {
    address: Address,
    /// Whether a prefix length was written; `del` without one takes any.
    exact: bool,
    device: String,
}

impl Change {
    fn parse(mut words: Words, family: Family) -> Result<Self, Error> {
        let (mut local, mut device, mut brd, mut scope, mut nodad) = (None, None, None, None, false);
        while let Some(word) = words.take_next() {
            match word.as_str() {
                "dev" => device = Some(words.value()?),
                "brd" | "broadcast" => brd = Some(words.value()?),
                "scope" => scope = Some(parse_scope(words.value()?)?),
                "local" => local = Some(prefixed(words.value()?, family)?),
                "nodad" => nodad = true,
                _ if local.is_some() => return Err(Error::Garbage { place: "local", word }),
                _ => local = Some(prefixed(word, family)?),
            }
        }
        let device = device.ok_or(Error::MissingDevice)?;
        let (local, net) = local.ok_or(Refusal::Invalid)?;
        let mut address = Address::new(net);
        address.scope = scope.unwrap_or(address.scope);
        address.broadcast = broadcast(&address, brd.as_deref())?;
        address.nodad = nodad && address.net.is_ipv6();
        Ok(Self { address, exact: local.contains('/'), device })
    }

    /// Whether `address` is the one that is to go.
    fn names(&self, address: &Address) -> bool {
        address.net == self.address.net || (!self.exact && address.net.ip() == self.address.net.ip())
    }
}

/// A prefix, and how it was written.
fn prefixed(word: String, family: Family) -> Result<(String, IpNetwork), Error> {
    prefix(&word, family).map(|net| (word, net))
}

fn parse_scope(word: String) -> Result<Scope, Error> {
    match word.as_str() {
        "global" => Ok(Scope::Global),
        "link" => Ok(Scope::Link),
        "host" => Ok(Scope::Host),
        _ => Err(Error::Wrong { word, why: "invalid scope value." }),
    }
}

/// The broadcast address that `brd` asks for: `+` is the prefix's own, `-` is none.
fn broadcast(address: &Address, word: Option<&str>) -> Result<Option<Ipv4Addr>, Error> {
    match word {
        None | Some("-") => Ok(None),
        Some("+") => Ok(address.with_broadcast().broadcast),
        Some(text) => {
            let expected = || Error::Expected { what: "inet address", word: text.to_owned() };
            text.parse().map(Some).map_err(|_| expected())
        }
    }
}

fn add(sys: &mut Sys<'_>, namespace: NamespaceId, change: &Change) -> Result<(), Error> {
    let index = device(sys, namespace, &change.device)?;
    permit(sys)?;
    let assigned = if change.address.net.is_ipv4() { Refusal::AddressAssigned } else { Refusal::Address6Assigned };
    if device_at(sys, namespace, index).addresses.iter().any(|a| a.net == change.address.net) {
        return Err(assigned.into());
    }
    Ok(sys.fabric().assign(namespace, index, change.address)?)
}

fn replace(sys: &mut Sys<'_>, namespace: NamespaceId, change: &Change) -> Result<(), Error> {
    let index = device(sys, namespace, &change.device)?;
    permit(sys)?;
    if device_at(sys, namespace, index).addresses.iter().any(|a| a.net == change.address.net) {
        return Ok(());
    }
    add(sys, namespace, change)
}

fn delete(sys: &mut Sys<'_>, namespace: NamespaceId, change: &Change) -> Result<(), Error> {
    let index = device(sys, namespace, &change.device)?;
    permit(sys)?;
    let missing = if change.address.net.is_ipv4() { Refusal::AddressNotFound } else { Refusal::Address6NotFound };
    let found = device_at(sys, namespace, index).addresses.iter().find(|a| change.names(a)).map(|a| a.net);
    let net = found.ok_or(missing)?;
    if !change.exact {
        sys.eprint(wildcard(change.address.net));
    }
    Ok(sys.fabric().remove_address(namespace, index, net)?)
}

/// The warning of iproute2 when an address is deleted without its prefix length.
fn wildcard(net: IpNetwork) -> String {
    format!(
        "Warning: Executing wildcard deletion to stay compatible with old scripts.\n         \
         Explicitly specify the prefix length ({net}) to avoid this warning.\n         \
         This special behaviour is likely to disappear in further releases,\n         fix your scripts!\n"
    )
}

fn flush(sys: &mut Sys<'_>, namespace: NamespaceId, family: Family, mut words: Words) -> Result<(), Error> {
    if words.0.is_empty() {
        return Err(Error::FlushAll);
    }
    let selection = Selection::parse(&mut words, family)?;
    let flavour = sys.flavour();
    let peers = std::collections::BTreeMap::new();
    let now = sys.now();
    let scene = Scene { devices: &sys.fabric().namespace(namespace).devices, peers: &peers, flavour, now };
    let mut gone = Vec::new();
    for device in selection.devices(&scene)? {
        let chosen = device.addresses.iter().filter(|a| family.includes(a.net) && selection.includes_address(a));
        gone.extend(chosen.map(|a| (device.index, a.net)));
    }
    for (index, net) in gone {
        permit(sys)?;
        sys.fabric().remove_address(namespace, index, net)?;
    }
    Ok(())
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
            |line: &str| Change::parse(Words(line.split_whitespace().map(str::to_owned).collect()), Family::Any);
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
