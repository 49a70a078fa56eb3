//! How next hops with numbers are listed: those that are meant, as text or JSON, and one beneath a route.

use core::fmt::Write as _;

use super::super::route::{listing as routes, number};
use super::super::{Error, Family, Options, Refusal, Words, device_of};
use super::{parse_id, unknown};
use crate::device::{Devices, IfIndex, Scope};
use crate::fabric::NamespaceId;
use crate::namespace::Namespace;
use crate::route::nexthop::Target;
use crate::route::{Nexthop, NexthopId, Protocol};
use crate::userland::Sys;
use crate::userland::json::Json;

/// Which next hops are meant by the words after `list` or `flush`.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Selection {
    /// This one and no other.
    pub(super) id: Option<u32>,
    device: Option<IfIndex>,
    master: Option<IfIndex>,
    protocol: Option<u8>,
    groups: bool,
}

impl Selection {
    pub(super) fn parse(sys: &mut Sys<'_>, namespace: NamespaceId, mut words: Words) -> Result<Self, Error> {
        let mut selection = Self::default();
        while let Some(word) = words.take_next() {
            match word.as_str() {
                "id" => selection.id = Some(parse_id(words.value()?)?),
                "dev" => selection.device = Some(device_of(sys, namespace, words.value()?)?),
                "master" => selection.master = Some(device_of(sys, namespace, words.value()?)?),
                "vrf" => return Err(Error::Wrong { word: words.value()?, why: "Invalid VRF" }),
                "groups" => selection.groups = true,
                // All are meant then: the kernel looks for this only among those of a device's bridge.
                "fdb" => {}
                _ if !word.is_empty() && "protocol".starts_with(word.as_str()) => {
                    let word = words.value()?;
                    let named = number(&word).and_then(|number| u8::try_from(number).ok());
                    selection.protocol = Some(named.ok_or(Error::Invalid { word, why: "invalid protocol value" })?);
                }
                _ => return Err(unknown(word)),
            }
        }
        Ok(selection)
    }

    /// Those that are meant, by number.
    pub(super) fn chosen(self, here: &Namespace, family: Family) -> impl Iterator<Item = (NexthopId, &Nexthop)> {
        let is_port = move |index: IfIndex, master| here.devices.get(&index).is_some_and(|d| d.master == Some(master));
        here.nexthops.iter().filter(move |(_, nexthop)| {
            let device = nexthop.way().map(|hop| hop.device);
            includes(family, nexthop)
                && (!self.groups || nexthop.is_group())
                && self.device.is_none_or(|wanted| device == Some(wanted))
                && self.master.is_none_or(|master| device.is_some_and(|device| is_port(device, master)))
                && self.protocol.is_none_or(|wanted| wanted == 0 || routes::maker(nexthop.protocol) == wanted)
        })
    }
}

/// Whether a next hop is of a family: groups are of none.
fn includes(family: Family, nexthop: &Nexthop) -> bool {
    match family {
        Family::Any => true,
        Family::V4 => !nexthop.is_group() && !nexthop.v6,
        Family::V6 => !nexthop.is_group() && nexthop.v6,
        Family::Link | Family::Other => false,
    }
}

pub(super) fn show(
    sys: &mut Sys<'_>,
    namespace: NamespaceId,
    options: &Options,
    words: Words,
) -> Result<String, Error> {
    let selection = Selection::parse(sys, namespace, words)?;
    let here = sys.fabric().namespace(namespace);
    if let Some(id) = selection.id {
        return one(here, id, options);
    }
    Ok(print(here, selection.chosen(here, options.family), options))
}

/// The one of this number.
pub(super) fn one(here: &Namespace, id: u32, options: &Options) -> Result<String, Error> {
    if id == 0 {
        return Err(Refusal::ZeroNexthopId.into());
    }
    let id = NexthopId(id);
    let nexthop = here.nexthops.get(id).ok_or(Refusal::NoEntry)?;
    Ok(print(here, [(id, nexthop)].into_iter(), options))
}

fn print<'a>(here: &Namespace, all: impl Iterator<Item = (NexthopId, &'a Nexthop)>, options: &Options) -> String {
    if options.json {
        let all = all.map(|(id, nexthop)| json(id, nexthop, &here.devices, options.details)).collect();
        return Json::List(all).print(options.pretty);
    }
    all.map(|(id, nexthop)| text(id, nexthop, &here.devices, options.details) + "\n").collect()
}

/// One as a line, with a blank behind each word.
pub(in crate::userland::ip) fn text(id: NexthopId, nexthop: &Nexthop, devices: &Devices, details: bool) -> String {
    let mut line = format!("id {} ", id.0);
    match &nexthop.target {
        Target::Group(members) => {
            let member = |(id, weight): &(NexthopId, u32)| {
                if *weight == 1 { id.0.to_string() } else { format!("{},{weight}", id.0) }
            };
            let _ = write!(line, "group {} ", members.iter().map(member).collect::<Vec<_>>().join("/"));
        }
        Target::Way(hop) => {
            hop.gateway.iter().for_each(|gateway| line += &format!("via {gateway} "));
            devices.get(&hop.device).iter().for_each(|device| line += &format!("dev {} ", device.name));
        }
        Target::Blackhole => {}
    }
    if nexthop.scope != Scope::GLOBAL || details {
        let _ = write!(line, "scope {} ", nexthop.scope);
    }
    if nexthop.target == Target::Blackhole {
        line += "blackhole ";
    }
    if nexthop.protocol != Protocol::UNSPECIFIED || details {
        let _ = write!(line, "proto {} ", routes::protocol(nexthop.protocol));
    }
    if nexthop.way().is_some_and(|hop| hop.onlink) {
        line += "onlink ";
    }
    line
}

/// The same as an object.
pub(in crate::userland::ip) fn json(id: NexthopId, nexthop: &Nexthop, devices: &Devices, details: bool) -> Json {
    let mut fields: Vec<(&'static str, Json)> = vec![("id", id.0.into())];
    match &nexthop.target {
        Target::Group(members) => {
            let member = |(id, weight): &(NexthopId, u32)| {
                let mut fields = vec![("id", id.0.into())];
                fields.extend((*weight != 1).then(|| ("weight", (*weight).into())));
                Json::Object(fields)
            };
            fields.push(("group", Json::List(members.iter().map(member).collect())));
        }
        Target::Way(hop) => {
            fields.extend(hop.gateway.map(|gateway| ("gateway", gateway.to_string().into())));
            fields.extend(devices.get(&hop.device).map(|device| ("dev", device.name.as_str().into())));
        }
        Target::Blackhole => {}
    }
    if nexthop.scope != Scope::GLOBAL || details {
        fields.push(("scope", nexthop.scope.to_string().into()));
    }
    if nexthop.target == Target::Blackhole {
        fields.push(("blackhole", Json::Null));
    }
    if nexthop.protocol != Protocol::UNSPECIFIED || details {
        fields.push(("protocol", routes::protocol(nexthop.protocol).into()));
    }
    let onlink = nexthop.way().is_some_and(|hop| hop.onlink);
    fields.push(("flags", Json::List(onlink.then(|| "onlink".into()).into_iter().collect())));
    Json::Object(fields)
}
