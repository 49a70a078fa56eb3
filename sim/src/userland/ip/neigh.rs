//! `ip neigh`: shows the neighbour table, adds, deletes and flushes entries.

use core::net::IpAddr;

use super::{Error, Options, Refusal, Words, device, json, mac, permit};
use crate::addr::Mac;
use crate::device::IfIndex;
use crate::fabric::NamespaceId;
use crate::neighbour::{Entry, State};
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

const VERBS: [(&str, Verb); 8] = [
    ("add", Verb::Add),
    ("change", Verb::Replace),
    ("replace", Verb::Replace),
    ("delete", Verb::Delete),
    ("show", Verb::Show),
    ("list", Verb::Show),
    ("lst", Verb::Show),
    ("flush", Verb::Flush),
];

/// The verbs of busybox's applet.
const FEW_VERBS: [(&str, Verb); 2] = [("show", Verb::Show), ("flush", Verb::Flush)];

pub(super) fn run(
    sys: &mut Sys<'_>,
    namespace: NamespaceId,
    options: &Options,
    mut words: Words,
) -> Result<String, Error> {
    let verbs = if sys.flavour() == Flavour::Host { &VERBS[..] } else { &FEW_VERBS };
    let verb = words.command(verbs, Verb::Show)?;
    if matches!(verb, Verb::Flush) && words.0.is_empty() {
        return Err(Error::FlushAll);
    }
    let query = Query::parse(words)?;
    match verb {
        Verb::Show => return show(sys, namespace, options, &query),
        Verb::Add => add(sys, namespace, &query, false),
        Verb::Replace => add(sys, namespace, &query, true),
        Verb::Delete => delete(sys, namespace, &query),
        Verb::Flush => flush(sys, namespace, &query),
    }
    .map(|()| String::new())
}

/// The words after a verb.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
struct Query {
    addr: Option<IpAddr>,
    device: Option<String>,
    mac: Option<Mac>,
    state: Option<String>,
}

impl Query {
    fn parse(mut words: Words) -> Result<Self, Error> {
        let mut query = Self::default();
        while let Some(word) = words.take_next() {
            match word.as_str() {
                "dev" => query.device = Some(words.value()?),
                "lladdr" => query.mac = Some(mac(&words.value()?)?),
                "nud" => query.state = Some(words.value()?),
                "to" => query.addr = Some(address(&words.value()?)?),
                "all" => {}
                _ if query.addr.is_some() => return Err(Error::Garbage { place: "to", word }),
                _ => query.addr = Some(address(&word)?),
            }
        }
        Ok(query)
    }

    /// Whether an entry is meant. Without `nud`, those that were never used (none here) and by `flush` the permanent
    /// ones are passed over.
    fn includes(&self, addr: IpAddr, entry: &Entry) -> bool {
        let state = self.state.as_deref().is_none_or(|s| s == "all" || s.eq_ignore_ascii_case(entry.state.name()));
        state && self.addr.is_none_or(|a| a == addr)
    }
}

fn address(word: &str) -> Result<IpAddr, Error> {
    word.parse().map_err(|_| Error::Expected { what: "any valid address", word: word.to_owned() })
}

fn show(sys: &mut Sys<'_>, namespace: NamespaceId, options: &Options, query: &Query) -> Result<String, Error> {
    let only = query.device.as_ref().map(|name| device(sys, namespace, name)).transpose()?;
    let flavour = sys.flavour();
    let here = sys.fabric().namespace(namespace);
    let entries = here.neighbours.iter().filter(|(index, addr, entry)| {
        only.is_none_or(|o| o == *index) && options.family.includes((*addr).into()) && query.includes(*addr, entry)
    });
    let name = |index: IfIndex| match only {
        None => here.devices.get(&index).map(|d| d.name.as_str()),
        Some(_) => None,
    };
    if options.json {
        let all = entries.map(|(index, addr, entry)| json::neighbour(addr, name(index), entry)).collect();
        return Ok(Json::List(all).print(options.pretty));
    }
    Ok(entries.map(|(index, addr, entry)| line(addr, name(index), entry, flavour)).collect())
}

/// One entry; the device is left out when it was asked for by name. Busybox always prints its statistics, which this
/// kernel keeps only the probes of.
fn line(addr: IpAddr, device: Option<&str>, entry: &Entry, flavour: Flavour) -> String {
    let device = device.map(|name| format!("dev {name} ")).unwrap_or_default();
    let mac = entry.mac.map(|mac| format!("lladdr {mac} ")).unwrap_or_default();
    let state = entry.state.name();
    match flavour {
        Flavour::Host => format!("{addr} {device}{mac}{state} \n"),
        Flavour::Busybox => {
            let gap = if entry.mac.is_some() { "" } else { " " };
            format!("{addr} {device}{mac}{gap}used 0/0/0 probes {} {state}\n", entry.probes)
        }
    }
}

/// The device and address that a change must name.
fn target(sys: &mut Sys<'_>, namespace: NamespaceId, query: &Query) -> Result<(IfIndex, IpAddr), Error> {
    let (Some(name), Some(addr)) = (&query.device, query.addr) else { return Err(Error::MissingNeighbour) };
    let index = device(sys, namespace, name)?;
    permit(sys)?;
    Ok((index, addr))
}

fn add(sys: &mut Sys<'_>, namespace: NamespaceId, query: &Query, replace: bool) -> Result<(), Error> {
    let (index, addr) = target(sys, namespace, query)?;
    let mac = query.mac.ok_or(Refusal::NoLinkLayerAddress)?;
    let table = &mut sys.fabric().namespace_mut(namespace).neighbours;
    if !replace && table.iter().any(|(i, a, _)| (i, a) == (index, addr)) {
        return Err(Refusal::Exists.into());
    }
    table.set_permanent(index, addr, mac);
    Ok(())
}

fn delete(sys: &mut Sys<'_>, namespace: NamespaceId, query: &Query) -> Result<(), Error> {
    let (index, addr) = target(sys, namespace, query)?;
    let found = sys.fabric().namespace_mut(namespace).neighbours.remove(index, addr);
    if found { Ok(()) } else { Err(Refusal::NoEntry.into()) }
}

fn flush(sys: &mut Sys<'_>, namespace: NamespaceId, query: &Query) -> Result<(), Error> {
    let only = query.device.as_ref().map(|name| device(sys, namespace, name)).transpose()?;
    permit(sys)?;
    let table = &mut sys.fabric().namespace_mut(namespace).neighbours;
    let keep_permanent = query.state.is_none();
    let gone: Vec<(IfIndex, IpAddr)> = table
        .iter()
        .filter(|(index, addr, entry)| only.is_none_or(|o| o == *index) && query.includes(*addr, entry))
        .filter(|(_, _, entry)| !(keep_permanent && entry.state == State::Permanent))
        .map(|(index, addr, _)| (index, addr))
        .collect();
    for (index, addr) in gone {
        table.remove(index, addr);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::neighbour::Table;

    fn entries() -> Vec<(IpAddr, Entry)> {
        let mut table = Table::default();
        table.set_permanent(IfIndex(2), "10.1.0.50".parse().unwrap(), "02:00:00:00:00:77".parse().unwrap());
        let packet = crate::frame::Frame::copy_of(&[0; 20]);
        table.resolve(crate::time::Instant::ZERO, IfIndex(2), "10.1.0.77".parse().unwrap(), packet);
        table.iter().map(|(_, addr, entry)| (addr, entry.clone())).collect()
    }

    fn listed(device: Option<&str>, flavour: Flavour) -> String {
        entries().iter().map(|(addr, entry)| line(*addr, device, entry, flavour)).collect()
    }

    #[test]
    fn both_flavours_print_known_and_unknown_neighbours() {
        assert_eq!(
            listed(Some("br0"), Flavour::Host),
            "10.1.0.50 dev br0 lladdr 02:00:00:00:00:77 PERMANENT \n10.1.0.77 dev br0 INCOMPLETE \n"
        );
        assert_eq!(
            listed(None, Flavour::Busybox),
            "10.1.0.50 lladdr 02:00:00:00:00:77 used 0/0/0 probes 0 PERMANENT\n\
             10.1.0.77  used 0/0/0 probes 1 INCOMPLETE\n"
        );
    }

    #[test]
    fn an_entry_is_chosen_by_address_and_state() {
        let query = |line: &str| Query::parse(Words(line.split_whitespace().map(str::to_owned).collect()));
        let chosen = |line: &str| {
            let query = query(line).unwrap();
            entries().iter().filter(|(addr, entry)| query.includes(*addr, entry)).count()
        };
        assert_eq!([chosen(""), chosen("10.1.0.50"), chosen("nud permanent"), chosen("nud all")], [2, 1, 1, 2]);
        let what = "any valid address";
        assert_eq!(query("add foo"), Err(Error::Expected { what, word: "add".into() }));
        assert_eq!(query("10.1.0.51 lladdr zz dev br0"), Err(Error::BadMac("zz".into())));
    }
}
