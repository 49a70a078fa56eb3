//! `ip -j`: devices, addresses, routes and neighbours as JSON, with iproute2's names. What is listed is chosen where the
//! text is made.

use super::addr;
use super::device::{Listing, Scene, group, link_type, queueing, state};
use super::route::listing::{self, Listed, Register, Selection};
use super::{Family, Options};
use crate::device::{Address, Device, Scope};
use crate::neighbour::{Ages, Entry};
use crate::route::Protocol;
use crate::userland::json::Json;

/// What "for ever" is in seconds.
const FOREVER: u64 = u32::MAX as u64;

/// A device of a list of links.
pub(super) fn link(scene: &Scene<'_>, options: &Options, device: &Device) -> Json {
    if options.brief {
        let mut fields = named(scene, device);
        fields.push(("operstate", state(device).into()));
        fields.push(("address", device.mac.to_string().into()));
        fields.push(("flags", words(&scene.flags(device))));
        return Json::Object(fields);
    }
    let mut fields = opened(scene, device);
    fields.push(("linkmode", "DEFAULT".into()));
    closed(&mut fields, device, true);
    detailed(&mut fields, scene, device, Listing::Links, options);
    if options.statistics > 0 {
        fields.push(("stats64", statistics(device, options.statistics)));
    }
    Json::Object(fields)
}

/// A device of a list of addresses.
pub(super) fn addresses(scene: &Scene<'_>, options: &Options, device: &Device, addresses: &[(&Address, bool)]) -> Json {
    if options.brief {
        let mut fields = named(scene, device);
        fields.push(("operstate", state(device).into()));
        let all = addresses.iter().map(|(address, _)| Json::Object(place(address))).collect();
        fields.push(("addr_info", Json::List(all)));
        return Json::Object(fields);
    }
    let mut fields = opened(scene, device);
    closed(&mut fields, device, options.family == Family::Any);
    if options.family == Family::Any {
        detailed(&mut fields, scene, device, Listing::Addresses, options);
    }
    let all = addresses.iter().map(|(a, secondary)| address(scene, device, a, *secondary)).collect();
    fields.push(("addr_info", Json::List(all)));
    if options.statistics > 0 {
        fields.push(("stats64", statistics(device, options.statistics)));
    }
    Json::Object(fields)
}

/// The name, with the peer's when it is here and its number when it is elsewhere.
fn named(scene: &Scene<'_>, device: &Device) -> Vec<(&'static str, Json)> {
    let name = scene.name(device);
    let mut fields = Vec::new();
    if let Some((_, peer)) = name.split_once('@') {
        fields.push(match device.peer_index {
            Some(index) if device.peer_netnsid.is_some() => ("link_index", index.0.into()),
            _ => ("link", peer.into()),
        });
    }
    fields.push(("ifname", device.name.as_str().into()));
    fields
}

/// A list of what stands between commas.
pub(in crate::userland) fn words(text: &str) -> Json {
    Json::List(text.split(',').filter(|word| !word.is_empty()).map(Json::from).collect())
}

/// The number, the names and the flags of a device.
fn introduced(scene: &Scene<'_>, device: &Device) -> Vec<(&'static str, Json)> {
    let mut fields = vec![("ifindex", device.index.0.into())];
    fields.extend(named(scene, device));
    fields.push(("flags", words(&scene.flags(device))));
    fields
}

/// What the first line of the text says.
fn opened(scene: &Scene<'_>, device: &Device) -> Vec<(&'static str, Json)> {
    let mut fields = introduced(scene, device);
    fields.push(("mtu", (device.mtu.bytes() as u64).into()));
    fields.push(("qdisc", queueing(device).into()));
    if let Some(master) = scene.master(device) {
        fields.push(("master", master.into()));
    }
    fields.push(("operstate", state(device).into()));
    fields
}

/// The rest of it, and the second line when it is wanted.
fn closed(fields: &mut Vec<(&'static str, Json)>, device: &Device, hardware: bool) {
    fields.push(("group", group(device).into()));
    if device.queue_len > 0 {
        fields.push(("txqlen", device.queue_len.into()));
    }
    if hardware {
        let (kind, all) = link_type(device);
        fields.push(("link_type", kind.into()));
        if let Some(all) = all {
            fields.push(("address", device.mac.to_string().into()));
            fields.push(("broadcast", all.to_string().into()));
        }
    }
    if let Some(id) = device.peer_netnsid {
        fields.push(("link_netnsid", id.into()));
    }
}

/// What `-d` adds, and what somebody calls it.
fn detailed(
    fields: &mut Vec<(&'static str, Json)>,
    scene: &Scene<'_>,
    device: &Device,
    listing: Listing,
    options: &Options,
) {
    if options.details {
        fields.extend(scene.details(device, listing, options).fields());
    }
    if !device.alias.is_empty() {
        fields.push(("ifalias", device.alias.as_str().into()));
    }
}

fn place(address: &Address) -> Vec<(&'static str, Json)> {
    let mut fields = vec![("local", address.net.ip().to_string().into())];
    fields.extend(address.peer.map(|peer| ("address", peer.to_string().into())));
    fields.push(("prefixlen", address.net.prefix().into()));
    if address.metric != 0 {
        fields.push(("metric", address.metric.into()));
    }
    fields
}

fn address(scene: &Scene<'_>, device: &Device, address: &Address, secondary: bool) -> Json {
    let v4 = address.net.is_ipv4();
    let mut fields = vec![("family", if v4 { "inet" } else { "inet6" }.into())];
    fields.extend(place(address));
    if let Some(broadcast) = address.broadcast {
        fields.push(("broadcast", broadcast.to_string().into()));
    }
    fields.push(("scope", address.scope.to_string().into()));
    fields.extend(addr::flags(address, secondary).into_iter().map(|flag| (flag, true.into())));
    if v4 {
        fields.push(("label", addr::label(device, address).into()));
    }
    let left = |until| addr::seconds_left(until, scene.now).unwrap_or(FOREVER);
    fields.push(("valid_life_time", left(address.lifetime.valid).into()));
    fields.push(("preferred_life_time", left(address.lifetime.preferred).into()));
    Json::Object(fields)
}

fn statistics(device: &Device, level: u8) -> Json {
    let c = device.counters;
    let errors = |names: &[&'static str]| names.iter().map(|name| (*name, 0u64.into())).collect::<Vec<_>>();
    let side = |[bytes, packets, dropped]: [u64; 3], names: &[&'static str]| {
        let mut fields = vec![
            ("bytes", bytes.into()),
            ("packets", packets.into()),
            ("errors", 0u64.into()),
            ("dropped", dropped.into()),
        ];
        fields.extend(errors(names));
        fields
    };
    let mut rx = side([c.rx_bytes, c.rx_packets, c.rx_dropped], &["over_errors", "multicast"]);
    let mut tx = side([c.tx_bytes, c.tx_packets, c.tx_dropped], &["carrier_errors", "collisions"]);
    if level > 1 {
        rx.extend(errors(&["length_errors", "crc_errors", "frame_errors", "fifo_errors", "missed_errors"]));
        tx.extend(errors(&["aborted_errors", "fifo_errors", "window_errors", "heartbeat_errors"]));
        tx.push(("carrier_changes", device.carrier_changes.into()));
    }
    Json::Object(vec![("rx", Json::Object(rx)), ("tx", Json::Object(tx))])
}

/// A route; what was asked for is left out.
pub(super) fn route(listed: &Listed, register: Register<'_>, asked: &Selection, details: bool) -> Json {
    let (route, devices) = (&listed.route, register.devices);
    let mut fields = Vec::new();
    if listed.kind != "unicast" || details {
        fields.push(("type", listed.kind.into()));
    }
    fields.push(("dst", listing::destination(route.dst).into()));
    fields.extend(route.named.map(|named| ("nhid", named.id.0.into())));
    if route.tos != 0 {
        fields.push(("tos", format!("{:#04x}", route.tos).into()));
    }
    let gateway = route.gateway.filter(|gateway| asked.via != Some(*gateway));
    fields.extend(gateway.map(|gateway| super::route::nexthop::told(route.dst.is_ipv4(), gateway)));
    let device = route.device.and_then(|index| devices.get(&index));
    if let Some(device) = device.filter(|device| asked.device != Some(device.index)) {
        fields.push(("dev", device.name.as_str().into()));
    } else if listing::goes_to_lo(route) {
        fields.push(("dev", "lo".into()));
    }
    if asked.tells_table(listed, details) {
        fields.push(("table", listing::name(listed.table).into()));
    }
    if asked.protocol.is_none() && (route.protocol != Protocol::Boot || details) {
        fields.push(("protocol", listing::protocol(route.protocol).into()));
    }
    let told = route.dst.is_ipv4() && route.scope != Scope::GLOBAL || details;
    if told && asked.scope.is_none() {
        let scope = if route.dst.is_ipv4() { route.scope } else { Scope::GLOBAL };
        fields.push(("scope", scope.to_string().into()));
    }
    if let Some(src) = route.src.filter(|src| asked.src != Some(*src)) {
        fields.push(("prefsrc", src.to_string().into()));
    }
    if route.metric > 0 || route.dst.is_ipv6() {
        fields.push(("metric", route.metric.into()));
    }
    let down = device.is_some_and(|device| !device.carrier) && listed.kind != "local";
    let flags = [("onlink", route.onlink), ("linkdown", down)];
    fields.push(("flags", Json::List(flags.iter().filter(|(_, on)| *on).map(|(name, _)| (*name).into()).collect())));
    let realms = super::route::realm::json(route.realms);
    fields.extend(realms.filter(|_| asked.tells_realms() && route.hops.is_empty()));
    fields.extend(super::route::metrics::json(&route.metrics).map(|metrics| ("metrics", metrics)));
    if route.dst.is_ipv6() {
        fields.push(("pref", listing::preference(route.preference).into()));
    }
    let told = register.named_by(route).filter(|_| details);
    fields.extend(told.map(|(id, it)| ("nh_info", super::nexthop::listing::json(id, it, devices, details))));
    fields.extend(super::route::nexthop::json(route, devices).map(|hops| ("nexthops", hops)));
    Json::Object(fields)
}

/// A neighbour; its device is left out when it was asked for by name.
pub(super) fn neighbour(addr: core::net::IpAddr, device: Option<&str>, entry: &Entry, ages: Option<Ages>) -> Json {
    let mut fields = vec![("dst", addr.to_string().into())];
    if let Some(device) = device {
        fields.push(("dev", device.into()));
    }
    if let Some(mac) = entry.mac {
        fields.push(("lladdr", mac.to_string().into()));
    }
    let flags = [("router", entry.router), ("extern_learn", entry.external)];
    fields.extend(flags.iter().filter(|(_, on)| *on).map(|(name, _)| (*name, Json::Null)));
    if let Some(Ages { used, confirmed, updated }) = ages {
        if entry.has_timer() {
            fields.push(("refcnt", 1u32.into()));
        }
        fields.extend([("used", used.into()), ("confirmed", confirmed.into()), ("updated", updated.into())]);
        fields.push(("probes", entry.probes.into()));
    }
    fields.push(("state", Json::List(vec![entry.state.name().into()])));
    Json::Object(fields)
}
