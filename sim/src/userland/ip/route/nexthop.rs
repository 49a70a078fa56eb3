//! The next hops of a route as they are typed and listed: `nexthop via 10.0.0.2 dev eth0 weight 2`.

use core::fmt::Write as _;
use core::net::IpAddr;

use super::super::{Error, Words};
use crate::device::Devices;
use crate::route::{Hop, Realms, Route};
use crate::userland::json::Json;

/// A next hop as it is asked for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Wish {
    pub(super) gateway: Option<IpAddr>,
    pub(super) device: Option<String>,
    pub(super) weight: u32,
    pub(super) onlink: bool,
    pub(super) realms: Realms,
}

/// Reads the hops behind the first `nexthop`, up to the end of the line.
pub(super) fn parse(words: &mut Words) -> Result<Vec<Wish>, Error> {
    let mut wishes = Vec::new();
    loop {
        if words.0.is_empty() {
            return Err(Error::NoHop);
        }
        wishes.push(one(words)?);
        match words.take_next() {
            None => return Ok(wishes),
            Some(word) if word == "nexthop" => {}
            Some(word) => return Err(Error::NotAHop(word)),
        }
    }
}

fn one(words: &mut Words) -> Result<Wish, Error> {
    let mut wish = Wish { gateway: None, device: None, weight: 1, onlink: false, realms: Realms::NONE };
    loop {
        if words.take("via") {
            let word = words.value()?;
            let said = matches!(word.as_str(), "inet" | "inet6");
            wish.gateway = Some(address(&if said { words.value()? } else { word })?);
        } else if words.take("dev") {
            wish.device = Some(words.value()?);
        } else if words.take("weight") {
            wish.weight = weight(words.value()?)?;
        } else if words.take("realms") || words.take("realm") {
            wish.realms = super::realms(words.value()?)?;
        } else if words.take("onlink") {
            wish.onlink = true;
        } else {
            return Ok(wish);
        }
    }
}

fn address(word: &str) -> Result<IpAddr, Error> {
    word.parse().map_err(|_| Error::Expected { what: "any valid address", word: word.to_owned() })
}

fn weight(word: String) -> Result<u32, Error> {
    let weight = super::number(&word).filter(|weight| (1..=256).contains(weight));
    weight.ok_or(Error::Wrong { word, why: "\"weight\" is invalid" })
}

/// The lines of the hops beneath a route: each begins with `end`, which ends the line before.
pub(super) fn text(route: &Route, devices: &Devices, end: char) -> String {
    let mut text = String::new();
    for hop in &route.hops {
        let _ = write!(text, "{end}\tnexthop ");
        if let Some(gateway) = hop.gateway {
            let family = if gateway.is_ipv6() && route.dst.is_ipv4() { "inet6 " } else { "" };
            let _ = write!(text, "via {family}{gateway} ");
        }
        text += &super::realm::text(hop.realms);
        if let Some(device) = devices.get(&hop.device) {
            let _ = write!(text, "dev {} ", device.name);
        }
        let _ = write!(text, "weight {} ", hop.weight);
        flags(hop, devices).into_iter().for_each(|flag| text += &format!("{flag} "));
    }
    text
}

/// What is to be known of a hop: its device may be down, or lead nowhere.
fn flags(hop: &Hop, devices: &Devices) -> Vec<&'static str> {
    let device = devices.get(&hop.device);
    let all = [
        ("dead", device.is_none_or(|device| !device.up)),
        ("onlink", hop.onlink),
        ("linkdown", device.is_none_or(|device| !device.is_running())),
    ];
    all.into_iter().filter_map(|(name, holds)| holds.then_some(name)).collect()
}

/// A gateway as JSON: of a route of IPv4 it may be of the other family.
pub(in crate::userland::ip) fn told(v4: bool, gateway: IpAddr) -> (&'static str, Json) {
    let host: Json = gateway.to_string().into();
    if v4 && gateway.is_ipv6() {
        ("via", Json::Object(vec![("family", "inet6".into()), ("host", host)]))
    } else {
        ("gateway", host)
    }
}

/// The hops as JSON; none of a route with one.
pub(in crate::userland::ip) fn json(route: &Route, devices: &Devices) -> Option<Json> {
    let hop = |hop: &Hop| {
        let mut fields = Vec::new();
        fields.extend(hop.gateway.map(|gateway| told(route.dst.is_ipv4(), gateway)));
        fields.extend(super::realm::json(hop.realms));
        fields.extend(devices.get(&hop.device).map(|device| ("dev", device.name.as_str().into())));
        fields.push(("weight", hop.weight.into()));
        fields.push(("flags", Json::List(flags(hop, devices).into_iter().map(Json::from).collect())));
        Json::Object(fields)
    };
    (!route.hops.is_empty()).then(|| Json::List(route.hops.iter().map(hop).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(line: &str) -> Result<Vec<Wish>, Error> {
        parse(&mut Words(line.split_whitespace().map(str::to_owned).collect()))
    }

    #[test]
    fn hops_are_read_to_the_end_of_the_line() {
        let hops = typed("via 10.0.0.2 dev v0 weight 3 nexthop via 10.1.0.2 onlink").unwrap();
        assert_eq!(hops.iter().map(|hop| (hop.weight, hop.onlink)).collect::<Vec<_>>(), [(3, false), (1, true)]);
        assert_eq!(typed(""), Err(Error::NoHop));
        assert_eq!(typed("via 10.0.0.2 foo"), Err(Error::NotAHop("foo".into())));
        assert_eq!(typed("via"), Err(Error::Incomplete));
        let wrong = Error::Wrong { word: "257".into(), why: "\"weight\" is invalid" };
        assert_eq!(typed("weight 257"), Err(wrong));
    }
}
