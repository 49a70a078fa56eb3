//! `ip nexthop`: next hops with numbers, which routes name (`ip route add … nhid 1`).

pub(super) mod listing;

use core::net::IpAddr;

use super::route::{leading, number, parse_protocol};
use super::{Error, Family, Options, Refusal, Words, device_of, permit, usual_help};
use crate::device::{IfIndex, Scope};
use crate::fabric::NamespaceId;
use crate::namespace::Namespace;
use crate::route::nexthop::Target;
use crate::route::policy::TableId;
use crate::route::{Hop, Nexthop, NexthopId, Protocol, Realms};
use crate::userland::Sys;
use listing::Selection;

#[derive(Clone, Copy)]
enum Verb {
    Show,
    Get,
    Add,
    Replace,
    Delete,
    Flush,
}

const VERBS: [(&str, Verb); 9] = [
    ("add", Verb::Add),
    ("replace", Verb::Replace),
    ("delete", Verb::Delete),
    ("list", Verb::Show),
    ("lst", Verb::Show),
    ("ls", Verb::Show),
    ("show", Verb::Show),
    ("get", Verb::Get),
    ("flush", Verb::Flush),
];

pub(super) fn run(
    sys: &mut Sys<'_>,
    namespace: NamespaceId,
    options: &Options,
    mut words: Words,
) -> Result<String, Error> {
    match words.command(&VERBS, Verb::Show)? {
        Verb::Show => listing::show(sys, namespace, options, words),
        Verb::Get => {
            let id = only_id(words, |_| Error::Help)?.ok_or(Error::Help)?;
            listing::one(sys.fabric().namespace(namespace), id, options)
        }
        verb @ (Verb::Add | Verb::Replace) => {
            let wish = Wish::parse(sys, namespace, words, options.family)?;
            permit(sys)?;
            put(sys.fabric().namespace_mut(namespace), &wish, matches!(verb, Verb::Replace)).map(|()| String::new())
        }
        Verb::Delete => {
            let id = only_id(words, unknown)?;
            permit(sys)?;
            delete(sys, namespace, id.ok_or(Refusal::NoNexthopId)?).map(|()| String::new())
        }
        Verb::Flush => flush(sys, namespace, options, words),
    }
}

/// The number after `id`; what is said of another word.
fn only_id(mut words: Words, other: fn(String) -> Error) -> Result<Option<u32>, Error> {
    let mut id = None;
    while let Some(word) = words.take_next() {
        match word.as_str() {
            "id" => id = Some(parse_id(words.value()?)?),
            _ => return Err(other(word)),
        }
    }
    Ok(id)
}

fn parse_id(word: String) -> Result<u32, Error> {
    number(&word).ok_or(Error::Invalid { word, why: "invalid id value" })
}

/// A word that means nothing here; `help` asks for the page.
fn unknown(word: String) -> Error {
    if usual_help(&word) { Error::Help } else { Error::Invalid { word, why: "" } }
}

/// A next hop as it is asked for.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
struct Wish {
    id: u32,
    /// Whether it is of IPv6, once something says so.
    v6: Option<bool>,
    gateway: Option<IpAddr>,
    device: Option<IfIndex>,
    blackhole: bool,
    onlink: bool,
    group: Option<Vec<(NexthopId, u32)>>,
    protocol: Option<Protocol>,
}

impl Wish {
    fn parse(sys: &mut Sys<'_>, namespace: NamespaceId, mut words: Words, family: Family) -> Result<Self, Error> {
        let v6 = match family {
            Family::V4 => Some(false),
            Family::V6 => Some(true),
            Family::Any | Family::Link | Family::Other => None,
        };
        let mut wish = Self { v6, ..Self::default() };
        while let Some(word) = words.take_next() {
            match word.as_str() {
                "id" => wish.id = parse_id(words.value()?)?,
                "dev" => {
                    wish.device = Some(device_of(sys, namespace, words.value()?)?);
                    wish.v6.get_or_insert(false);
                }
                "via" => wish.set_gateway(&mut words)?,
                "blackhole" => {
                    wish.blackhole = true;
                    wish.v6.get_or_insert(false);
                }
                "onlink" => wish.onlink = true,
                "group" => wish.group = Some(parse_group(&words.value()?)?),
                "type" => parse_type(words.value()?)?,
                // Tables of Ethernet addresses have no next hops here, nor is anything wrapped up.
                "fdb" | "encap" => return Err(Refusal::NotSupported.into()),
                _ if !word.is_empty() && "protocol".starts_with(word.as_str()) => {
                    wish.protocol = Some(parse_protocol(words.value()?, "\"protocol\" value is invalid")?);
                }
                _ => return Err(unknown(word)),
            }
        }
        Ok(wish)
    }

    fn set_gateway(&mut self, words: &mut Words) -> Result<(), Error> {
        let word = words.value()?;
        let family = match word.as_str() {
            "inet" => Some(false),
            "inet6" => Some(true),
            _ => None,
        };
        let word = if family.is_some() { words.value()? } else { word };
        let wanted = family.or(self.v6);
        let what = match wanted {
            None => "any valid address",
            Some(false) => "inet address",
            Some(true) => "inet6 address",
        };
        let gateway: Option<IpAddr> = word.parse().ok();
        let fits = gateway.filter(|gateway| wanted.is_none_or(|v6| gateway.is_ipv6() == v6));
        let gateway = fits.ok_or(Error::Expected { what, word })?;
        self.v6 = self.v6.or_else(|| Some(gateway.is_ipv6()));
        self.gateway = Some(gateway).filter(|gateway| !gateway.is_unspecified());
        Ok(())
    }

    /// What it leads to and how far that is, once everything that can be wrong with it was looked at.
    fn target(&self, here: &Namespace) -> Result<(Target, Scope), Refusal> {
        if let Some(members) = &self.group {
            if self.v6.is_some() {
                return Err(Refusal::GroupFamily);
            }
            check_members(here, members)?;
            return Ok((Target::Group(members.clone()), Scope::GLOBAL));
        }
        let v6 = self.v6.ok_or(Refusal::NoFamily)?;
        if self.blackhole {
            return match (self.gateway, self.device) {
                (None, None) if self.onlink && !v6 => Err(Refusal::IdleOnlink),
                (None, None) => Ok((Target::Blackhole, Scope::GLOBAL)),
                _ => Err(Refusal::BlackholeWay),
            };
        }
        let index = self.device.ok_or(Refusal::NoNexthopDevice)?;
        self.way(here, index, v6)
    }

    fn way(&self, here: &Namespace, index: IfIndex, v6: bool) -> Result<(Target, Scope), Refusal> {
        let device = here.devices.get(&index).ok_or(Refusal::NoDevice)?;
        let Self { gateway, onlink, .. } = *self;
        let way = Target::Way(Hop { gateway, device: index, weight: 1, onlink, realms: Realms::NONE });
        match gateway {
            _ if !device.up => Err(Refusal::NexthopDown),
            _ if !device.carrier => Err(Refusal::NexthopCarrier),
            None if onlink => Err(Refusal::OnlinkWithoutGateway),
            None => Ok((way, if v6 { Scope::LINK } else { Scope::HOST })),
            Some(IpAddr::V4(v4)) if v4.is_multicast() || device.is_broadcast(v4) => Err(Refusal::BadGateway),
            Some(IpAddr::V4(v4)) if device.has(v4.into()) => Ok((way, Scope::HOST)),
            Some(_) => leading(here, gateway, self.device, onlink, TableId::MAIN).map(|_| (way, Scope::LINK)),
        }
    }
}

/// The members of a group as they are typed: `1,2/5`.
fn parse_group(word: &str) -> Result<Vec<(NexthopId, u32)>, Error> {
    let wrong = |word: &str, why| Error::Wrong { word: word.to_owned(), why };
    let mut members = Vec::new();
    for part in word.split('/') {
        let (id, weight) = part.split_once(',').map_or((part, None), |(id, weight)| (id, Some(weight)));
        let id = number(id).filter(|id| *id != 0);
        // iproute2 has cut the word into pieces when it complains.
        let id =
            id.ok_or_else(|| wrong(word.split(['/', ',']).next().unwrap_or_default(), "\"group\" value is invalid"))?;
        let weight = match weight {
            None => 1,
            Some(text) => {
                let weight = number(text).filter(|weight| (1..=256).contains(weight));
                weight.ok_or_else(|| wrong(text, "\"weight\" is invalid"))?
            }
        };
        members.push((NexthopId(id), weight));
    }
    Ok(members)
}

/// How a group spreads flows: by a hash, as it does anyway.
fn parse_type(word: String) -> Result<(), Error> {
    match word.as_str() {
        "mpath" => Ok(()),
        "resilient" => Err(Refusal::NotSupported.into()),
        _ => Err(Error::Wrong { word, why: "\"type\" value is invalid" }),
    }
}

/// What the kernel says of the members of a group (`nh_check_attr_group`).
fn check_members(here: &Namespace, members: &[(NexthopId, u32)]) -> Result<(), Refusal> {
    let twice = |at: usize| members[..at].iter().any(|(id, _)| *id == members[at].0);
    if (1..members.len()).any(twice) {
        return Err(Refusal::MemberTwice);
    }
    for (id, _) in members {
        match here.nexthops.get(*id).ok_or(Refusal::BadNexthopId)?.target {
            Target::Group(_) => return Err(Refusal::GroupInGroup),
            Target::Blackhole if members.len() > 1 => return Err(Refusal::BlackholeAmongOthers),
            Target::Blackhole | Target::Way(_) => {}
        }
    }
    Ok(())
}

fn put(here: &mut Namespace, wish: &Wish, replaces: bool) -> Result<(), Error> {
    let (target, scope) = wish.target(here)?;
    let protocol = wish.protocol.unwrap_or(Protocol::UNSPECIFIED);
    let nexthop = Nexthop { v6: wish.v6 == Some(true), target, scope, protocol };
    if wish.id == 0 && replaces {
        return Err(Refusal::ReplaceWithoutId.into());
    }
    let id = if wish.id == 0 { here.nexthops.free_id() } else { NexthopId(wish.id) };
    if here.nexthops.get(id).is_some() {
        if !replaces {
            return Err(Refusal::Exists.into());
        }
        check_replacement(here, id, &nexthop)?;
    }
    here.put_nexthop(id, nexthop);
    Ok(())
}

/// What the kernel says of a next hop in the place of another (`replace_nexthop`).
fn check_replacement(here: &Namespace, id: NexthopId, new: &Nexthop) -> Result<(), Refusal> {
    let is_group = here.nexthops.get(id).is_some_and(Nexthop::is_group);
    if new.is_group() && !is_group {
        return Err(Refusal::GroupForNexthop);
    }
    if !new.is_group() && is_group {
        return Err(Refusal::NexthopForGroup);
    }
    let is_one_of_many =
        |other: &Nexthop| other.members().len() > 1 && other.members().iter().any(|(member, _)| *member == id);
    if new.target == Target::Blackhole && here.nexthops.iter().any(|(_, other)| is_one_of_many(other)) {
        return Err(Refusal::BlackholeMember);
    }
    let tables = here.policy.tables().map(|(_, table)| table).chain([&here.routes]);
    let routes = tables.flat_map(|table| table.iter()).filter(|route| route.dst.is_ipv6());
    let by_it = routes.filter_map(|route| route.named).any(|named| here.nexthops.is_within(id, named.id));
    if by_it && here.nexthops.has_v4(new) { Err(Refusal::NexthopFamily) } else { Ok(()) }
}

fn delete(sys: &mut Sys<'_>, namespace: NamespaceId, id: u32) -> Result<(), Error> {
    if id == 0 {
        return Err(Refusal::ZeroNexthopId.into());
    }
    let was_there = sys.fabric().namespace_mut(namespace).remove_nexthop(NexthopId(id));
    if was_there { Ok(()) } else { Err(Refusal::NoEntry.into()) }
}

fn flush(sys: &mut Sys<'_>, namespace: NamespaceId, options: &Options, words: Words) -> Result<String, Error> {
    let selection = Selection::parse(sys, namespace, words)?;
    permit(sys)?;
    if let Some(id) = selection.id {
        return delete(sys, namespace, id).map(|()| String::new());
    }
    let here = sys.fabric().namespace_mut(namespace);
    let gone: Vec<NexthopId> = selection.chosen(here, options.family).map(|(id, _)| id).collect();
    // A group may have gone with its members.
    gone.iter().for_each(|id| _ = here.remove_nexthop(*id));
    Ok(if gone.is_empty() { "Nothing to flush\n".to_owned() } else { format!("Flushed {} nexthops\n", gone.len()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_is_numbers_with_weights() {
        let id = NexthopId;
        assert_eq!(parse_group("1/2,5"), Ok(vec![(id(1), 1), (id(2), 5)]));
        let wrong = |word: &str, why| Err(Error::Wrong { word: word.to_owned(), why });
        assert_eq!(parse_group("1/"), wrong("1", "\"group\" value is invalid"));
        assert_eq!(parse_group("x"), wrong("x", "\"group\" value is invalid"));
        assert_eq!(parse_group("1,257"), wrong("257", "\"weight\" is invalid"));
    }

    #[test]
    fn a_number_is_all_that_get_and_del_take() {
        let words = |line: &str| Words(line.split_whitespace().map(str::to_owned).collect());
        assert_eq!(only_id(words("id 0x10"), unknown), Ok(Some(16)));
        assert_eq!(only_id(words(""), unknown), Ok(None));
        assert_eq!(only_id(words("1"), unknown), Err(Error::Invalid { word: "1".into(), why: "" }));
    }
}
