//! `bridge vlan`: which VLANs pass the ports of bridges, and the bridges' own devices.

use core::fmt::Write as _;

use super::{Failure, Options, fdb::refusal};
use crate::bridge::Bridge;
use crate::bridge::vlan::Vlans;
use crate::device::Device;
use crate::userland::Sys;
use crate::userland::json::Json;

/// Carries out `bridge vlan WORDS`.
pub(super) fn run(sys: &mut Sys<'_>, words: &[&str], options: Options) -> Result<String, Failure> {
    match words {
        ["add", rest @ ..] => change(sys, true, rest),
        ["del" | "delete", rest @ ..] => change(sys, false, rest),
        ["show" | "list" | "lst", rest @ ..] => show(sys, rest, options),
        [] => show(sys, &[], options),
        ["help"] => Err((USAGE.to_owned(), 255)),
        [word, ..] => Err((format!("Command \"{word}\" is unknown, try \"bridge vlan help\".\n"), 255)),
    }
}

fn show(sys: &mut Sys<'_>, words: &[&str], options: Options) -> Result<String, Failure> {
    let (only, id) = limits(words)?;
    if let Some(name) = only.filter(|name| sys.network().device_named(name).is_none()) {
        return Err((format!("Cannot find device \"{name}\"\n"), 255));
    }
    let devices = &sys.network().devices;
    let meant = |device: &&Device| only.is_none_or(|name| device.name == name);
    let of_device = |device: &Device| {
        let master = device.master.and_then(|index| devices.get(&index)).and_then(Device::bridge);
        let of_port = || Some(&master?.port(device.index)?.vlans);
        let vlans = device.bridge().map(Bridge::own_vlans).or_else(of_port)?;
        Some((device.name.clone(), vlans.clone()))
    };
    let passes = |vlans: &Vlans| id.is_none_or(|id| vlans.iter().any(|(vlan, _)| vlan == id));
    let all: Vec<_> = devices.values().filter(meant).filter_map(of_device).filter(|(_, vlans)| passes(vlans)).collect();
    let title = if options.json { "" } else { "port              vlan-id  \n" };
    Ok(title.to_owned() + &options.print(&all, |(name, vlans)| rows(name, vlans), |(name, vlans)| json(name, vlans)))
}

/// The device and the VLAN that alone are asked for.
fn limits<'a>(words: &[&'a str]) -> Result<(Option<&'a str>, Option<u16>), Failure> {
    let (mut device, mut id) = (None, None);
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let value = words.next().copied();
        match (*word, value) {
            ("dev", Some(name)) => device = Some(name),
            ("vid", Some(number)) => id = Some(ids(number)?.0),
            _ => return Err(("Command line is not complete. Try option \"help\"\n".to_owned(), 255)),
        }
    }
    Ok((device, id))
}

/// The same as JSON; a device without VLANs has an empty list.
fn json(name: &str, vlans: &Vlans) -> Json {
    let vlan = |(id, untagged): (u16, bool)| {
        let mut fields = vec![("vlan", u32::from(id).into())];
        let pvid = (vlans.pvid() == Some(id)).then(|| Json::from("PVID"));
        let flags: Vec<_> = pvid.into_iter().chain(untagged.then(|| "Egress Untagged".into())).collect();
        if !flags.is_empty() {
            fields.push(("flags", Json::List(flags)));
        }
        Json::Object(fields)
    };
    Json::Object(vec![("ifname", name.into()), ("vlans", Json::List(vlans.iter().map(vlan).collect()))])
}

/// The rows of a port: its name before the first.
fn rows(name: &str, vlans: &Vlans) -> String {
    let mut text = String::new();
    for (at, (id, untagged)) in vlans.iter().enumerate() {
        let pvid = if vlans.pvid() == Some(id) { " PVID" } else { "" };
        let tag = if untagged { " Egress Untagged" } else { "" };
        let _ = writeln!(text, "{:<16}  {id}{pvid}{tag}", if at == 0 { name } else { "" });
    }
    text
}

/// VLANs that shall pass, or pass no longer.
#[derive(Debug, Default, Eq, PartialEq)]
struct Model<'a> {
    device: Option<&'a str>,
    ids: Option<(u16, u16)>,
    pvid: bool,
    untagged: bool,
    of_self: bool,
    of_master: bool,
}

impl<'a> Model<'a> {
    fn parse(words: &[&'a str]) -> Result<Self, Failure> {
        let mut model = Self::default();
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let mut value =
                || words.next().ok_or_else(|| ("Command line is not complete. Try option \"help\"\n".to_owned(), 255));
            match *word {
                "dev" => model.device = Some(value()?),
                "vid" => model.ids = Some(ids(value()?)?),
                "pvid" => model.pvid = true,
                "untagged" => model.untagged = true,
                "self" => model.of_self = true,
                "master" => model.of_master = true,
                // iproute2 takes any other word for one that is not there.
                _ => {}
            }
        }
        Ok(model)
    }
}

/// A number or a range of them, read as C reads numbers.
fn ids(word: &str) -> Result<(u16, u16), Failure> {
    let number = |text: &str| {
        let digits = text.find(|c: char| !c.is_ascii_digit()).map_or(text, |end| &text[..end]);
        digits.parse::<u32>().unwrap_or(0)
    };
    let (first, last) =
        word.split_once('-').map_or_else(|| (number(word), None), |(a, b)| (number(a), Some(number(b))));
    let valid = |id: u32| u16::try_from(id).ok().filter(|id| *id < 4096);
    let invalid = |id: u32| (format!("Invalid VLAN ID \"{id}\"\n"), 255);
    let from = valid(first).ok_or_else(|| invalid(first))?;
    let Some(last) = last else { return Ok((from, from)) };
    let to = valid(last).filter(|to| *to > from);
    to.map(|to| (from, to)).ok_or_else(|| (format!("Invalid VLAN range \"{first}-{last}\"\n"), 255))
}

fn change(sys: &mut Sys<'_>, add: bool, words: &[&str]) -> Result<String, Failure> {
    let model = Model::parse(words)?;
    let (Some(name), Some((first, last))) = (model.device, model.ids) else {
        return Err(("Device and VLAN ID are required arguments.\n".to_owned(), 255));
    };
    if model.pvid && first != last {
        return Err(("pvid cannot be configured for a vlan range\n".to_owned(), 255));
    }
    let device = sys.network().device_named(name);
    let device = device.ok_or_else(|| (format!("Cannot find bridge device \"{name}\"\n"), 255))?;
    let (index, is_bridge, master) = (device.index, device.bridge().is_some(), device.master);
    if !sys.is_network_administrator() {
        return Err(refusal("Operation not permitted"));
    }
    // The bridge's own device is only meant when it is said.
    let bridge = match (is_bridge, model.of_self) {
        (true, true) => index,
        (true, false) => return Err(refusal("Operation not supported")),
        (false, _) => master.ok_or_else(|| refusal("Operation not supported"))?,
    };
    if first == 0 || last == 4095 {
        return Err(("Error: bridge: Vlan id is invalid.\n".to_owned(), 255));
    }
    let edit = |vlans: &mut Vlans| {
        (first..=last).try_for_each(|id| match add {
            true => {
                vlans.add(id, model.pvid, model.untagged);
                Ok(())
            }
            false => vlans.remove(id).then_some(()).ok_or("No such file or directory"),
        })
    };
    let (namespace, fabric) = (sys.namespace_id(), sys.fabric());
    let done = fabric.set_bridge(namespace, bridge, |table, _| {
        if is_bridge {
            return edit(table.own_vlans_mut());
        }
        let mut done = Ok(());
        table.change_port(index, |port| done = edit(&mut port.vlans));
        done
    });
    done.map(|()| String::new()).map_err(refusal)
}

const USAGE: &str = "\
Usage: bridge vlan { add | del } vid VLAN_ID dev DEV [ tunnel_info id TUNNEL_ID ]
                                                     [ pvid ] [ untagged ]
                                                     [ self ] [ master ]
       bridge vlan { set } vid VLAN_ID dev DEV [ state STP_STATE ]
                                               [ mcast_router MULTICAST_ROUTER ]
       bridge vlan { show } [ dev DEV ] [ vid VLAN_ID ]
       bridge vlan { tunnelshow } [ dev DEV ] [ vid VLAN_ID ]
       bridge vlan global { set } vid VLAN_ID dev DEV
                      [ mcast_snooping MULTICAST_SNOOPING ]
                      [ mcast_querier MULTICAST_QUERIER ]
                      [ mcast_igmp_version IGMP_VERSION ]
                      [ mcast_mld_version MLD_VERSION ]
                      [ mcast_last_member_count LAST_MEMBER_COUNT ]
                      [ mcast_last_member_interval LAST_MEMBER_INTERVAL ]
                      [ mcast_startup_query_count STARTUP_QUERY_COUNT ]
                      [ mcast_startup_query_interval STARTUP_QUERY_INTERVAL ]
                      [ mcast_membership_interval MEMBERSHIP_INTERVAL ]
                      [ mcast_querier_interval QUERIER_INTERVAL ]
                      [ mcast_query_interval QUERY_INTERVAL ]
                      [ mcast_query_response_interval QUERY_RESPONSE_INTERVAL ]
       bridge vlan global { show } [ dev DEV ] [ vid VLAN_ID ]
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_has_a_row_for_each_number() {
        let mut vlans = Vlans::new(Some(1));
        vlans.add(10, false, false);
        assert_eq!(rows("v0", &vlans), "v0                1 PVID Egress Untagged\n                  10\n");
    }

    #[test]
    fn numbers_and_ranges_are_read_as_iproute2_reads_them() {
        assert_eq!((ids("10"), ids("10-20")), (Ok((10, 10)), Ok((10, 20))));
        let refused = |word| ids(word).unwrap_err().0;
        assert_eq!(refused("5000"), "Invalid VLAN ID \"5000\"\n");
        assert_eq!(refused("20-10"), "Invalid VLAN range \"20-10\"\n");
        assert_eq!(refused("10-x"), "Invalid VLAN range \"10-0\"\n");
    }
}
