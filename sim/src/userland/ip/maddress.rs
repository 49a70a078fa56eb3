//! `ip maddress`: the groups that the devices listen to, of the link layer, of IPv4 and of IPv6. Those of IP follow from
//! addresses; those of the link follow from them, and more can be put there by hand.

use core::fmt::Write as _;
use core::net::{IpAddr, Ipv6Addr};

use super::{Error, Family, Options, Refusal, Words, device, mac, permit};
use crate::addr::{Mac, solicited_node};
use crate::device::{Device, Ipv6};
use crate::fabric::NamespaceId;
use crate::userland::Sys;
use crate::userland::json::Json;

#[derive(Clone, Copy)]
enum Verb {
    Add,
    Delete,
    Show,
}

const VERBS: [(&str, Verb); 5] =
    [("add", Verb::Add), ("delete", Verb::Delete), ("show", Verb::Show), ("list", Verb::Show), ("lst", Verb::Show)];

pub(super) fn run(
    sys: &mut Sys<'_>,
    namespace: NamespaceId,
    options: &Options,
    mut words: Words,
) -> Result<String, Error> {
    match words.command(&VERBS, Verb::Show)? {
        Verb::Show => show(sys, namespace, options, words),
        Verb::Add => change(sys, namespace, words, true),
        Verb::Delete => change(sys, namespace, words, false),
    }
}

/// A group as it is listed: what it is called, its address, and what is said behind it.
struct Group {
    kind: &'static str,
    address: String,
    by_hand: bool,
    users: usize,
}

/// The groups of a device, those of the link first.
fn of_device(device: &Device, family: Family) -> Vec<Group> {
    let mut all = Vec::new();
    if matches!(family, Family::Any | Family::Link) {
        all.extend(of_link(device));
    }
    let mut add = |kind, address: String| all.push(Group { kind, address, by_hand: false, users: 1 });
    if matches!(family, Family::Any | Family::V4) && device.up {
        add("inet", "224.0.0.1".to_owned());
        if device.bridge().is_some() {
            add("inet", "224.0.0.106".to_owned());
        }
    }
    if matches!(family, Family::Any | Family::V6) && device.ipv6 == Ipv6::Enabled {
        of_ipv6(device).into_iter().for_each(|group| add("inet6", group.to_string()));
    }
    all
}

/// Those of the link: what a device listens to by itself, then what it was told.
fn of_link(device: &Device) -> Vec<Group> {
    let own = device.groups();
    let told = device.stations.iter().filter(|station| station.is_multicast() && !own.contains(station));
    let group = |mac: &Mac| {
        let by_hand = device.stations.contains(mac);
        let users = usize::from(by_hand) + usize::from(own.contains(mac));
        Group { kind: "link", address: mac.to_string(), by_hand, users }
    };
    own.iter().chain(told).map(group).collect()
}

/// The groups of IPv6, the newest first: the solicited nodes of each address, and all nodes.
fn of_ipv6(device: &Device) -> Vec<Ipv6Addr> {
    let mut groups: Vec<Ipv6Addr> = Vec::new();
    for address in device.addresses.iter().rev() {
        if let IpAddr::V6(ip) = address.net.ip()
            && !device.is_loopback()
            && !groups.contains(&solicited_node(ip))
        {
            groups.push(solicited_node(ip));
        }
    }
    let group = |text: &str| text.parse().expect("a literal address");
    if device.bridge().is_some() && device.up {
        groups.push(group("ff02::6a"));
    }
    groups.extend([group("ff02::1"), group("ff01::1")]);
    groups
}

fn show(sys: &mut Sys<'_>, namespace: NamespaceId, options: &Options, mut words: Words) -> Result<String, Error> {
    let mut only = None;
    while let Some(word) = words.take_next() {
        only = Some(match word.as_str() {
            "dev" => words.value()?,
            _ if only.is_some() => return Err(Error::Garbage { place: "dev", word }),
            _ => word,
        });
    }
    let devices = &sys.fabric().namespace(namespace).devices;
    let meant = devices.values().filter(|device| only.as_ref().is_none_or(|name| device.name == *name));
    let all: Vec<_> = meant.map(|device| (device, of_device(device, options.family))).collect();
    if options.json {
        return Ok(Json::List(all.iter().map(|(device, groups)| json(device, groups)).collect()).print(options.pretty));
    }
    Ok(all.iter().map(|(device, groups)| text(device, groups, options.oneline)).collect())
}

fn text(device: &Device, groups: &[Group], oneline: bool) -> String {
    let head = format!("{}:\t{}", device.index.0, device.name);
    let mut text = if oneline { String::new() } else { format!("{head}\n") };
    for group in groups {
        let users = if group.users > 1 { format!(" users {}", group.users) } else { String::new() };
        let by_hand = if group.by_hand { " static" } else { "" };
        let start = if oneline { format!("{head}\\") } else { String::new() };
        let _ = writeln!(text, "{start}\t{:<5} {}{users}{by_hand}", group.kind, group.address);
    }
    text
}

fn json(device: &Device, groups: &[Group]) -> Json {
    let group = |group: &Group| {
        let mut fields: Vec<(&'static str, Json)> = match group.kind {
            "link" => vec![("link", group.address.as_str().into())],
            kind => vec![("family", kind.into()), ("address", group.address.as_str().into())],
        };
        if group.users > 1 {
            fields.push(("users", (group.users as u64).into()));
        }
        if group.by_hand {
            fields.push(("features", "static".into()));
        }
        Json::Object(fields)
    };
    Json::Object(vec![
        ("ifindex", device.index.0.into()),
        ("ifname", device.name.as_str().into()),
        ("maddr", Json::List(groups.iter().map(group).collect())),
    ])
}

/// Lets a device listen to a group of the link, or lets it be.
fn change(sys: &mut Sys<'_>, namespace: NamespaceId, mut words: Words, add: bool) -> Result<String, Error> {
    let (mut group, mut name) = (None, None);
    while let Some(word) = words.take_next() {
        match word.as_str() {
            "dev" => name = Some(words.value()?),
            "address" => group = Some(mac(&words.value()?)?),
            _ if group.is_some() => return Err(Error::Garbage { place: "address", word }),
            _ => group = Some(mac(&word)?),
        }
    }
    let name = name.ok_or(Error::MissingMaddressDevice)?;
    let group = group.unwrap_or(Mac::ZERO);
    let refused = |refusal: Refusal| Error::GroupRefused(refusal);
    permit(sys).map_err(refused)?;
    let index = device(sys, namespace, &name).map_err(|_| refused(Refusal::NoDevice))?;
    let device = sys.fabric().namespace_mut(namespace).devices.get_mut(&index).expect("it was just found");
    if !group.is_multicast() || device.is_loopback() {
        return Err(refused(Refusal::Invalid));
    }
    match (add, device.stations.iter().position(|station| *station == group)) {
        (true, None) => device.stations.push(group),
        (true, Some(_)) => {}
        (false, Some(at)) => _ = device.stations.remove(at),
        (false, None) => return Err(refused(Refusal::NoEntry)),
    }
    Ok(String::new())
}

#[cfg(test)]
mod tests {
    use super::super::device::tests::{address, bridge, loopback, veth};
    use super::*;

    fn listed(device: &Device, family: Family) -> String {
        text(device, &of_device(device, family), false)
    }

    #[test]
    fn groups_follow_from_what_a_device_is_and_has() {
        let mut port = veth(3, "v0", "8a:35:1b:a4:0d:88", 2);
        port.addresses = vec![address("fe80::8835:1bff:fea4:d88/64")];
        port.stations = vec!["33:33:00:00:00:01".parse().unwrap(), "33:33:00:00:00:05".parse().unwrap()];
        assert_eq!(
            listed(&port, Family::Any),
            "3:\tv0\n\tlink  33:33:00:00:00:01 users 2 static\n\tlink  01:00:5e:00:00:01\n\
             \tlink  33:33:ff:a4:0d:88\n\tlink  33:33:00:00:00:05 static\n\tinet  224.0.0.1\n\
             \tinet6 ff02::1:ffa4:d88\n\tinet6 ff02::1\n\tinet6 ff01::1\n"
        );
        assert_eq!(listed(&loopback(), Family::Any), "1:\tlo\n\tinet  224.0.0.1\n");
        let br0 = bridge(4, "br0", "02:42:4b:18:8e:39");
        assert_eq!(listed(&br0, Family::V4), "4:\tbr0\n\tinet  224.0.0.1\n\tinet  224.0.0.106\n");
        assert_eq!(listed(&br0, Family::V6), "4:\tbr0\n\tinet6 ff02::6a\n\tinet6 ff02::1\n\tinet6 ff01::1\n");
    }
}
