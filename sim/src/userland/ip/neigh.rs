//! `ip neigh`: shows the neighbour table, one entry of it, adds, changes, deletes and flushes entries.

use core::net::IpAddr;

use super::{Error, Family, Options, Refusal, Words, device, json, mac, permit, prefix};
use crate::addr::{IpNetwork, Mac};
use crate::device::IfIndex;
use crate::fabric::NamespaceId;
use crate::neighbour::{Ages, Entry, State};
use crate::time::Instant;
use crate::userland::json::Json;
use crate::userland::{Flavour, Sys};

#[derive(Clone, Copy)]
enum Verb {
    Add(Standing),
    Delete,
    Show,
    Get,
    Flush,
}

/// What `add` and its kin say of an entry that may be there.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Standing {
    /// There must be none.
    New,
    /// There must be one.
    Known,
    /// Either.
    Any,
}

const VERBS: [(&str, Verb); 9] = [
    ("add", Verb::Add(Standing::New)),
    ("change", Verb::Add(Standing::Known)),
    ("replace", Verb::Add(Standing::Any)),
    ("delete", Verb::Delete),
    ("get", Verb::Get),
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
    let query = Query::parse(words, matches!(verb, Verb::Show | Verb::Flush))?;
    match verb {
        Verb::Show if query.proxy => return show_proxies(sys, namespace, options, &query),
        Verb::Show => return show(sys, namespace, options, &query),
        Verb::Get => return get(sys, namespace, options, &query),
        Verb::Add(_) if query.proxy => stand(sys, namespace, &query, true),
        Verb::Delete if query.proxy => stand(sys, namespace, &query, false),
        Verb::Add(standing) => add(sys, namespace, &query, standing),
        Verb::Delete => delete(sys, namespace, &query),
        Verb::Flush => return flush(sys, namespace, options, &query),
    }
    .map(|()| String::new())
}

/// The words after a verb.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
struct Query {
    /// An address, or of lists a prefix.
    to: Option<IpNetwork>,
    device: Option<String>,
    mac: Option<Mac>,
    state: Option<Nud>,
    /// Whether it is about an address that is answered for in another's place.
    proxy: bool,
    router: bool,
    external: bool,
    /// Only what nobody uses.
    unused: bool,
}

/// The state that `nud` names.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Nud {
    /// Whatever it is.
    All,
    /// Not resolved and not being resolved.
    None,
    /// This one.
    Is(State),
}

impl Nud {
    fn parse(word: String) -> Result<Self, Error> {
        let named = State::ALL.into_iter().find(|state| word.eq_ignore_ascii_case(state.name())).map(Self::Is);
        match word.as_str() {
            "all" => Ok(Self::All),
            "none" => Ok(Self::None),
            _ => named.ok_or(Error::Invalid { word, why: "nud state is bad" }),
        }
    }
}

impl Query {
    /// Reads the words; lists may be asked for by a prefix.
    fn parse(mut words: Words, is_list: bool) -> Result<Self, Error> {
        let mut query = Self::default();
        let place = |word: &str| if is_list { prefix(word, Family::Any) } else { address(word).map(Into::into) };
        while let Some(word) = words.take_next() {
            match word.as_str() {
                "dev" => query.device = Some(words.value()?),
                "lladdr" => {
                    let read = mac(&words.value()?);
                    let of_kernel = |error| {
                        if matches!(error, Error::MacLength(_)) { Refusal::BadLinkAddress.into() } else { error }
                    };
                    query.mac = Some(read.map_err(of_kernel)?);
                }
                "nud" => query.state = Some(Nud::parse(words.value()?)?),
                "to" => query.to = Some(place(&words.value()?)?),
                "all" if is_list => {}
                "unused" if is_list => query.unused = true,
                "proxy" => {
                    query.proxy = true;
                    if !is_list {
                        query.to = Some(place(&words.value()?)?);
                    }
                }
                "router" => query.router = true,
                "extern_learn" => query.external = true,
                _ if query.to.is_some() => return Err(Error::Garbage { place: "to", word }),
                _ => query.to = Some(place(&word)?),
            }
        }
        Ok(query)
    }

    /// Whether an entry is meant. Without `nud` those that need no resolving are passed over; by `flush` the permanent
    /// ones too.
    fn includes(&self, addr: IpAddr, entry: &Entry) -> bool {
        let state = match self.state {
            None => entry.state != State::NoArp,
            Some(Nud::All) => true,
            Some(Nud::None) => false,
            Some(Nud::Is(state)) => state == entry.state,
        };
        state && (!self.unused || !entry.has_timer()) && self.to.is_none_or(|net| net.contains(addr))
    }
}

fn address(word: &str) -> Result<IpAddr, Error> {
    word.parse().map_err(|_| Error::Expected { what: "any valid address", word: word.to_owned() })
}

/// One entry, with its device.
fn get(sys: &mut Sys<'_>, namespace: NamespaceId, options: &Options, query: &Query) -> Result<String, Error> {
    let (Some(name), Some(to)) = (&query.device, query.to) else { return Err(Error::MissingEntry) };
    let index = device(sys, namespace, name)?;
    let now = sys.now();
    let here = sys.fabric().namespace(namespace);
    if query.proxy {
        let is_there = here.neighbours.proxies().any(|proxy| proxy == (Some(index), to.ip()));
        return if is_there { Ok(proxy_line(to.ip(), Some(name))) } else { Err(Refusal::NoProxyNeighbour.into()) };
    }
    let entry = here.neighbours.entry(index, to.ip()).ok_or(Refusal::NoNeighbour)?;
    if options.json {
        return Ok(Json::List(vec![json::neighbour(to.ip(), Some(name), entry, ages(entry, options, now))])
            .print(options.pretty));
    }
    Ok(line(to.ip(), Some(name), entry, (Flavour::Host, ages(entry, options, now))))
}

/// How old things are, where statistics are asked for.
fn ages(entry: &Entry, options: &Options, now: Instant) -> Option<Ages> {
    (options.statistics > 0).then(|| entry.ages(now))
}

/// Puts an address among those that are answered for, or takes it out.
fn stand(sys: &mut Sys<'_>, namespace: NamespaceId, query: &Query, stand: bool) -> Result<(), Error> {
    let to = query.to.ok_or(Error::MissingNeighbour)?.ip();
    let on = query.device.as_ref().map(|name| device(sys, namespace, name)).transpose()?;
    permit(sys)?;
    let is_news = sys.fabric().namespace_mut(namespace).neighbours.stand_for(on, to, stand);
    if stand || is_news { Ok(()) } else { Err(Refusal::NoEntry.into()) }
}

fn show_proxies(sys: &mut Sys<'_>, namespace: NamespaceId, options: &Options, query: &Query) -> Result<String, Error> {
    let only = query.device.as_ref().map(|name| device(sys, namespace, name)).transpose()?;
    let here = sys.fabric().namespace(namespace);
    let meant = here.neighbours.proxies().filter(|(index, addr)| {
        only.is_none_or(|only| *index == Some(only))
            && query.to.is_none_or(|net| net.contains(*addr))
            && options.family.includes((*addr).into())
    });
    let name = |index: Option<IfIndex>| here.devices.get(&index.filter(|_| only.is_none())?).map(|d| d.name.as_str());
    if options.json {
        let one = |(index, addr): (Option<IfIndex>, IpAddr)| {
            let mut fields = vec![("dst", addr.to_string().into())];
            fields.extend(name(index).map(|name| ("dev", name.into())));
            fields.push(("proxy", Json::Null));
            Json::Object(fields)
        };
        return Ok(Json::List(meant.map(one).collect()).print(options.pretty));
    }
    Ok(meant.map(|(index, addr)| proxy_line(addr, name(index))).collect())
}

fn proxy_line(addr: IpAddr, device: Option<&str>) -> String {
    let device = device.map(|name| format!("dev {name} ")).unwrap_or_default();
    format!("{addr} {device}proxy \n")
}

fn show(sys: &mut Sys<'_>, namespace: NamespaceId, options: &Options, query: &Query) -> Result<String, Error> {
    let only = query.device.as_ref().map(|name| device(sys, namespace, name)).transpose()?;
    let (flavour, now) = (sys.flavour(), sys.now());
    let here = sys.fabric().namespace(namespace);
    let entries = here.neighbours.iter().filter(|(index, addr, entry)| {
        only.is_none_or(|o| o == *index) && options.family.includes((*addr).into()) && query.includes(*addr, entry)
    });
    let name = |index: IfIndex| match only {
        None => here.devices.get(&index).map(|d| d.name.as_str()),
        Some(_) => None,
    };
    if options.json {
        let told = |(index, addr, entry)| json::neighbour(addr, name(index), entry, ages(entry, options, now));
        let all = entries.map(told).collect();
        return Ok(Json::List(all).print(options.pretty));
    }
    if options.brief && flavour == Flavour::Host {
        return Ok(entries.map(|(index, addr, entry)| brief(addr, name(index), entry)).collect());
    }
    Ok(entries
        .map(|(index, addr, entry)| line(addr, name(index), entry, (flavour, ages(entry, options, now))))
        .collect())
}

/// One entry in three columns.
fn brief(addr: IpAddr, device: Option<&str>, entry: &Entry) -> String {
    let device = device.map(|name| format!("{name:<16} ")).unwrap_or_default();
    format!("{:<39} {device}{}\n", addr.to_string(), entry.mac.map(|mac| mac.to_string()).unwrap_or_default())
}

/// One entry; the device is left out when it was asked for by name. Busybox always prints its statistics, which this
/// kernel keeps only the probes of.
pub(super) fn line(
    addr: IpAddr,
    device: Option<&str>,
    entry: &Entry,
    (flavour, ages): (Flavour, Option<Ages>),
) -> String {
    let device = device.map(|name| format!("dev {name} ")).unwrap_or_default();
    let mac = entry.mac.map(|mac| format!("lladdr {mac} ")).unwrap_or_default();
    let state = entry.state.name();
    match flavour {
        Flavour::Host => {
            let router = if entry.router { "router " } else { "" };
            let external = if entry.external { "extern_learn " } else { "" };
            let reference = if entry.has_timer() { " ref 1" } else { "" };
            let told = ages.map(|Ages { used, confirmed, updated }| {
                format!("{reference} used {used}/{confirmed}/{updated}probes {} ", entry.probes)
            });
            format!("{addr} {device}{mac}{router}{external}{}{state} \n", told.unwrap_or_default())
        }
        Flavour::Busybox => {
            let gap = if entry.mac.is_some() { "" } else { " " };
            format!("{addr} {device}{mac}{gap}used 0/0/0 probes {} {state}\n", entry.probes)
        }
    }
}

/// The device and address that a change must name.
fn target(sys: &mut Sys<'_>, namespace: NamespaceId, query: &Query) -> Result<(IfIndex, IpAddr), Error> {
    let (Some(name), Some(to)) = (&query.device, query.to) else { return Err(Error::MissingNeighbour) };
    let index = device(sys, namespace, name)?;
    permit(sys)?;
    Ok((index, to.ip()))
}

fn add(sys: &mut Sys<'_>, namespace: NamespaceId, query: &Query, standing: Standing) -> Result<(), Error> {
    let (index, addr) = target(sys, namespace, query)?;
    let mac = query.mac.ok_or(Refusal::NoLinkLayerAddress)?;
    let now = sys.now();
    let table = &mut sys.fabric().namespace_mut(namespace).neighbours;
    let known = table.iter().any(|(i, a, _)| (i, a) == (index, addr));
    match standing {
        Standing::New if known => return Err(Refusal::Exists.into()),
        Standing::Known if !known => return Err(Refusal::NoEntry.into()),
        _ => {}
    }
    let state = match query.state {
        None => State::Permanent,
        Some(Nud::Is(state)) => state,
        Some(Nud::All | Nud::None) => State::Failed,
    };
    table.set(now, (index, addr), mac, state);
    if let Some(entry) = table.entry_mut(index, addr) {
        (entry.router, entry.external) = (query.router, query.external);
    }
    Ok(())
}

fn delete(sys: &mut Sys<'_>, namespace: NamespaceId, query: &Query) -> Result<(), Error> {
    let (index, addr) = target(sys, namespace, query)?;
    let found = sys.fabric().namespace_mut(namespace).neighbours.remove(index, addr);
    if found { Ok(()) } else { Err(Refusal::NoEntry.into()) }
}

fn flush(sys: &mut Sys<'_>, namespace: NamespaceId, options: &Options, query: &Query) -> Result<String, Error> {
    let only = query.device.as_ref().map(|name| device(sys, namespace, name)).transpose()?;
    permit(sys)?;
    let table = &mut sys.fabric().namespace_mut(namespace).neighbours;
    let keep_permanent = query.state.is_none();
    let gone: Vec<(IfIndex, IpAddr)> = table
        .iter()
        .filter(|(index, addr, entry)| only.is_none_or(|o| o == *index) && query.includes(*addr, entry))
        .filter(|(_, addr, _)| options.family.includes((*addr).into()))
        .filter(|(_, _, entry)| !(keep_permanent && entry.state == State::Permanent))
        .map(|(index, addr, _)| (index, addr))
        .collect();
    for (index, addr) in &gone {
        table.remove(*index, *addr);
    }
    Ok(match gone.len() {
        _ if options.statistics == 0 => String::new(),
        0 => "Nothing to flush.\n".to_owned(),
        count => format!("\n*** Round 1, deleting {count} entries ***\n*** Flush is complete after 1 round ***\n"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::neighbour::Table;

    fn entries() -> Vec<(IpAddr, Entry)> {
        let mut table = Table::default();
        table.set_permanent(IfIndex(2), "10.1.0.50".parse().unwrap(), "02:00:00:00:00:77".parse().unwrap());
        let packet = crate::frame::Frame::copy_of(&[0; 20]);
        table.resolve(Instant::ZERO, IfIndex(2), "10.1.0.77".parse().unwrap(), (packet, None));
        table.iter().map(|(_, addr, entry)| (addr, entry.clone())).collect()
    }

    fn listed(device: Option<&str>, flavour: Flavour) -> String {
        entries().iter().map(|(addr, entry)| line(*addr, device, entry, (flavour, None))).collect()
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
        let words = |line: &str| Words(line.split_whitespace().map(str::to_owned).collect());
        let query = |line: &str| Query::parse(words(line), true);
        let chosen = |line: &str| {
            let query = query(line).unwrap();
            entries().iter().filter(|(addr, entry)| query.includes(*addr, entry)).count()
        };
        assert_eq!([chosen(""), chosen("10.1.0.50"), chosen("nud permanent"), chosen("nud all")], [2, 1, 1, 2]);
        assert_eq!([chosen("10.1.0.0/26"), chosen("10.1.0.64/26"), chosen("nud stale")], [1, 1, 0]);
        assert_eq!(query("nud foo"), Err(Error::Invalid { word: "foo".into(), why: "nud state is bad" }));
        let what = "any valid prefix";
        assert_eq!(query("foo"), Err(Error::Expected { what, word: "foo".into() }));
        let what = "any valid address";
        assert_eq!(
            Query::parse(words("10.1.0.0/24"), false),
            Err(Error::Expected { what, word: "10.1.0.0/24".into() })
        );
        assert_eq!(query("10.1.0.51 lladdr zz dev br0"), Err(Error::BadMac("zz".into())));
    }
}
