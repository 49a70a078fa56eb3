//! `ip route get`: the route of one flow, by the rules and tables that a packet would meet.

use core::net::{IpAddr, Ipv4Addr};

use super::super::{Error, Family, Options, Refusal, Words, device, prefix};
use super::V6_METRIC;
use super::listing::{self, name, preference, protocol};
use super::{metrics, number, service};
use crate::addr::v4;
use crate::device::{Device, IfIndex, Ipv6};
use crate::fabric::NamespaceId;
use crate::namespace::Namespace;
use crate::route::policy::{Flow, Found, TableId};
use crate::route::{Action, Protocol, Realms, Route};
use crate::time::Instant;
use crate::userland::json::Json;
use crate::userland::{Flavour, Sys};

/// What is asked.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Question {
    dst: IpAddr,
    from: Option<IpAddr>,
    iif: Option<String>,
    oif: Option<String>,
    mark: u32,
    tos: u8,
    protocol: u8,
    /// The ports, as they are in a packet.
    ports: [u8; 4],
    uid: u32,
    /// Whether the route is asked for, and not what it means for this packet.
    fibmatch: bool,
}

impl Question {
    fn parse(sys: &mut Sys<'_>, namespace: NamespaceId, options: &Options, mut words: Words) -> Result<Self, Error> {
        let (mut dst, mut from, mut iif, mut oif, mut mark, mut fibmatch) = (None, None, None, None, 0, false);
        let (mut tos, mut protocol, mut ports, mut uid) = (0, 0, [0; 4], 0);
        while let Some(word) = words.take_next() {
            match word.as_str() {
                "to" => dst = Some(destination(sys, &words.value()?, options)?),
                "from" => from = Some(prefix(&words.value()?, family_of(dst, options))?.ip()),
                "vrf" => return Err(Error::Wrong { word: words.value()?, why: "Invalid VRF" }),
                "iif" => {
                    let name = words.value()?;
                    device(sys, namespace, &name)?;
                    iif = Some(name);
                }
                "oif" | "dev" => {
                    let name = words.value()?;
                    device(sys, namespace, &name)?;
                    oif = Some(name);
                }
                "tos" | "dsfield" => tos = service(words.value()?)?,
                "ipproto" => protocol = super::super::rule::protocol(words.value()?)?,
                "sport" => ports[..2].copy_from_slice(&port(words.value()?, "\"sport\" value is invalid")?),
                "dport" => ports[2..].copy_from_slice(&port(words.value()?, "\"dport\" value is invalid")?),
                "uid" => {
                    let word = words.value()?;
                    uid = number(&word).ok_or(Error::Invalid { word, why: "invalid UID" })?;
                }
                "fibmatch" => fibmatch = true,
                "mark" => {
                    let word = words.value()?;
                    mark = number(&word).ok_or(Error::Invalid { word, why: "invalid mark value" })?;
                }
                _ => {
                    let family = family_of(dst, options);
                    dst = Some(destination(sys, &word, &Options { family, ..options.clone() })?);
                }
            }
        }
        let dst = dst.ok_or(Error::MissingDestination)?;
        Ok(Self { dst, from, iif, oif, mark, tos, protocol, ports, uid, fibmatch })
    }

    /// The packet that is asked for.
    fn flow(&self) -> Flow<'_> {
        let Self { dst, from, mark, tos, protocol, .. } = *self;
        let (iif, oif) = (self.iif.as_deref(), self.oif.as_deref());
        Flow { dst, src: from, mark, iif, oif, tos, uid: self.uid, protocol, upper: &self.ports }
    }

    /// What the kernel says to an IPv4 packet that cannot be: one of ours with a stranger's address, or one that came to a
    /// host that does not forward.
    fn mistake(&self, here: &Namespace) -> Option<Refusal> {
        if self.dst.is_ipv6() || is_own(here, self.dst) {
            return None;
        }
        match self.iif {
            Some(_) => (!here.forwards_ipv4()).then_some(Refusal::HostUnreachable),
            None => self.from.is_some_and(|from| !is_own(here, from)).then_some(Refusal::NetworkUnreachable),
        }
    }
}

/// The family that is asked for, once an address was said.
fn family_of(dst: Option<IpAddr>, options: &Options) -> Family {
    match dst {
        Some(IpAddr::V4(_)) => Family::V4,
        Some(IpAddr::V6(_)) => Family::V6,
        None => options.family,
    }
}

/// An address to be asked for; iproute2 warns of more than one.
fn destination(sys: &mut Sys<'_>, word: &str, options: &Options) -> Result<IpAddr, Error> {
    let net = prefix(word, options.family)?;
    let full = if net.is_ipv4() { 32 } else { 128 };
    if net.prefix() != full && word.contains('/') {
        let length = net.prefix();
        sys.eprint(format!("Warning: /{length} as prefix is invalid, only /{full} (or none) is supported.\n"));
    }
    Ok(net.ip())
}

/// What came of it, as both formats tell it.
struct Answer {
    kind: &'static str,
    dst: IpAddr,
    from: Option<IpAddr>,
    gateway: Option<IpAddr>,
    device: String,
    table: Option<TableId>,
    src: Option<IpAddr>,
    mark: u32,
    iif: Option<String>,
    uid: u32,
    tos: u8,
    /// What is known of a narrow place on the way: its MTU, and for how many seconds more.
    narrow: Option<(usize, u64)>,
    /// For how many seconds a nearer router is believed in.
    redirected: Option<u64>,
    /// Of IPv6: who made the route, and its metric.
    route: Option<Route>,
}

pub(super) fn run(sys: &mut Sys<'_>, namespace: NamespaceId, options: &Options, words: Words) -> Result<String, Error> {
    let question = Question::parse(sys, namespace, options, words)?;
    let (flavour, now) = (sys.flavour(), sys.now());
    if question.fibmatch {
        let here = sys.fabric().namespace(namespace);
        return listing::one(here, question.dst, route_of(here, &question)?, options);
    }
    let answer = look(sys.fabric().namespace(namespace), now, question)?;
    Ok(match flavour {
        Flavour::Host if options.json => answer.json().print(options.pretty),
        Flavour::Host => answer.text(options),
        Flavour::Busybox => answer.busybox(),
    })
}

fn look(here: &Namespace, now: Instant, question: Question) -> Result<Answer, Error> {
    if let Some(refusal) = question.mistake(here) {
        return Err(refusal.into());
    }
    // IPv6 tells the table and the route of what is here.
    let v6 = question.dst.is_ipv6();
    let of_local = (v6 || !here.policy.is_plain()).then_some(TableId::LOCAL);
    if is_own(here, question.dst) || question.dst == IpAddr::V4(Ipv4Addr::UNSPECIFIED) {
        let Question { dst, from, iif, mark, uid, .. } = question;
        let own = Route { protocol: Protocol::Kernel, ..Route::via(dst.into(), None, IfIndex(1)) };
        let (gateway, narrow, redirected, route, device) = (None, None, None, v6.then_some(own), "lo".to_owned());
        let src = if dst.is_unspecified() { IpAddr::V4(Ipv4Addr::LOCALHOST) } else { dst };
        let (kind, table, src, tos) = ("local", of_local, Some(src), 0);
        return Ok(Answer {
            kind,
            dst,
            from,
            gateway,
            device,
            table,
            src,
            mark,
            iif,
            uid,
            tos,
            narrow,
            redirected,
            route,
        });
    }
    let (table, route) = match group_route(here, &question) {
        Some(route) => (TableId::LOCAL, route),
        None => route_of(here, &question)?,
    };
    if route.action == Action::Local {
        return Ok(taken_in(here, question, table, route));
    }
    let hop = here.hop_of(&route, &question.flow()).ok_or(Refusal::NetworkUnreachable)?;
    let Question { dst, from, iif, mark, uid, .. } = question;
    let tos = route.tos;
    let to_all = |d: &Device| d.addresses.iter().any(|a| [a.last(), a.broadcast].contains(&v4(dst)) && dst.is_ipv4());
    let everybody = IpAddr::V4(Ipv4Addr::BROADCAST);
    let is_broadcast = dst == everybody
        || route.action == Action::Broadcast && dst.is_ipv4()
        || here.devices.get(&hop.device).is_some_and(to_all);
    let kind = match dst {
        _ if is_broadcast => "broadcast",
        _ if dst.is_multicast() => "multicast",
        _ if route.action == Action::Anycast => "anycast",
        _ => "unicast",
    };
    let device = here.devices.get(&hop.device).map(|d| d.name.clone()).unwrap_or_default();
    let way = || here.address_by(hop, dst).filter(|source| !source.is_unspecified());
    // Of a group of IPv6 the first device answers, and does not say from where.
    let is_vague = kind == "multicast" && dst.is_ipv6() && question.oif.is_none();
    let src = if is_vague || from.is_some() && dst.is_ipv4() { None } else { route.src.or_else(way) };
    let narrow = here.known_path_mtu(now, dst).map(|(mtu, left)| (mtu, left.as_secs()));
    let nearer = here.known_redirect(now, dst).map(|(gateway, left)| (gateway, left.as_secs()));
    let gateway = nearer.map(|(gateway, _)| gateway).or(hop.gateway).filter(|_| kind == "unicast");
    let table = if is_broadcast { of_local.filter(|_| dst != everybody) } else { told_of(here, table, dst) };
    let (route, redirected) = (Some(route), nearer.map(|(_, left)| left));
    Ok(Answer { kind, dst, from, gateway, device, table, src, mark, iif, uid, tos, narrow, redirected, route })
}

/// The table that is told of: not the main one, nor of IPv4 the local one while both are one.
fn told_of(here: &Namespace, table: TableId, dst: IpAddr) -> Option<TableId> {
    let is_one = dst.is_ipv4() && here.policy.has_one_table() && table == TableId::LOCAL;
    Some(table).filter(|table| *table != TableId::MAIN && !is_one)
}

/// The answer about what a route takes in, which goes by lo.
fn taken_in(here: &Namespace, question: Question, table: TableId, route: Route) -> Answer {
    let Question { dst, from, iif, mark, uid, .. } = question;
    let usual = || if dst.is_ipv4() { Some(dst) } else { here.source_for(dst) };
    Answer {
        kind: "local",
        dst,
        from,
        gateway: None,
        device: "lo".to_owned(),
        table: told_of(here, table, dst),
        src: route.src.or_else(usual),
        mark,
        iif,
        uid,
        tos: route.tos,
        narrow: None,
        redirected: None,
        route: Some(route),
    }
}

/// The route of a group of IPv6, which each device that speaks it has: the first, or that of the device asked for.
fn group_route(here: &Namespace, question: &Question) -> Option<Route> {
    let IpAddr::V6(group) = question.dst else { return None };
    let named = |device: &&Device| question.oif.as_ref().is_none_or(|name| device.name == *name);
    let speaks = |device: &&Device| device.up && !device.is_loopback() && device.ipv6 == Ipv6::Enabled;
    let device = here.devices.values().filter(speaks).find(named).filter(|_| group.is_multicast())?;
    let all = "ff00::/8".parse().expect("it is a prefix");
    Some(Route { protocol: Protocol::Kernel, metric: V6_METRIC, ..Route::via(all, None, device.index) })
}

/// A port as it is in a packet.
fn port(word: String, why: &'static str) -> Result<[u8; 2], Error> {
    word.parse::<u16>().map(u16::to_be_bytes).map_err(|_| Error::Wrong { word, why })
}

/// Whether an address is this host's, and so in the local table.
fn is_own(here: &Namespace, dst: IpAddr) -> bool {
    here.devices.values().any(|d| d.up && d.has(dst)) || dst.is_loopback()
}

/// The route that answers, and its table. What shall leave by a device that no route leads to is taken to be on its link.
fn route_of(here: &Namespace, question: &Question) -> Result<(TableId, Route), Error> {
    let Question { dst, oif, .. } = question;
    let flow = question.flow();
    let on_link = || {
        let device = here.device_named(oif.as_deref()?).filter(|device| device.up && dst.is_ipv4())?;
        Some((TableId::MAIN, Route::via((*dst).into(), None, device.index)))
    };
    let route = match here.table_and_route_of(&flow) {
        Some((table, Found::Route(route))) => (table, route.clone()),
        Some((_, Found::End(_))) if oif.is_some() && dst.is_ipv4() => on_link().ok_or(Refusal::NetworkUnreachable)?,
        Some((_, Found::End(Action::Unreachable))) => return Err(Refusal::NetworkUnreachable.into()),
        Some((_, Found::End(action))) => return Err(refusal(action).into()),
        None => on_link().ok_or(Refusal::NetworkUnreachable)?,
    };
    let leads = route.1.action.sends() || route.1.action == Action::Local;
    if leads { Ok(route) } else { Err(refusal(route.1.action).into()) }
}

const fn refusal(action: Action) -> Refusal {
    match action {
        Action::Unicast
        | Action::Local
        | Action::Broadcast
        | Action::Multicast
        | Action::Anycast
        | Action::Blackhole => Refusal::Invalid,
        Action::Throw => Refusal::NetworkUnreachable,
        Action::Unreachable => Refusal::HostUnreachable,
        Action::Prohibit => Refusal::Prohibited,
    }
}

impl Answer {
    /// The word before the gateway.
    fn via(&self) -> &'static str {
        let is_other = self.gateway.is_some_and(|gateway| gateway.is_ipv6() && self.dst.is_ipv4());
        if is_other { "via inet6" } else { "via" }
    }

    /// The realms of the route, where it is one way.
    fn realms(&self) -> Realms {
        self.route.as_ref().map(|route| route.realms).unwrap_or_default()
    }

    /// What the route says besides, with what is known better of its MTU.
    fn metrics(&self) -> String {
        let metrics = self.route.as_ref().map(|route| metrics::text(&route.metrics)).unwrap_or_default();
        match self.narrow {
            Some((mtu, _)) => {
                let rest = metrics.strip_prefix("mtu ").and_then(|rest| rest.split_once(' ')).map(|(_, rest)| rest);
                format!("mtu {mtu} {}", rest.unwrap_or(&metrics))
            }
            None => metrics,
        }
    }

    fn text(&self, options: &Options) -> String {
        let details = options.details;
        let word = |name: &str, value: Option<String>| value.map(|v| format!("{name} {v} ")).unwrap_or_default();
        let kind = if self.kind == "unicast" && !details { String::new() } else { format!("{} ", self.kind) };
        let table = self.table.or_else(|| details.then_some(TableId::MAIN)).map(name);
        let mark = (self.mark != 0).then(|| format!("{:#x}", self.mark)).map(|hex| decimal_below_ten(&hex));
        let cut = match (self.narrow, self.redirected) {
            (Some((_, left)), _) | (None, Some(left)) => format!("expires {left}sec "),
            (None, None) => String::new(),
        };
        let cut = cut + &self.metrics();
        let tos = (self.tos != 0).then(|| format!("{:#04x}", self.tos));
        let from = self.from.map(|from| from.to_string());
        let from = from.or_else(|| self.dst.is_ipv6().then(|| "::".to_owned()));
        let mut line = format!("{kind}{} {}", self.dst, word("from", from));
        line += &word("tos", tos);
        line += &word(self.via(), self.gateway.map(|gateway| gateway.to_string()));
        line += &word("dev", Some(self.device.clone()));
        line += &word("table", table);
        if let Some(route) = self.route.as_ref().filter(|_| self.dst.is_ipv6()) {
            if route.protocol != Protocol::Boot {
                line += &word("proto", Some(protocol(route.protocol)));
            }
            line += &word("src", self.src.map(|src| src.to_string()));
            return format!("{line}metric {} {cut}pref {}\n", route.metric, preference(route.preference));
        }
        line += &word("src", self.src.map(|src| src.to_string()));
        // A bit of the kernel's that iproute2 takes for another one.
        line += if self.kind == "multicast" { "rt_offload_failed " } else { "" };
        line += &word("mark", mark);
        line += &super::realm::text(self.realms());
        let own = match self.kind {
            "local" => "<local> ",
            "broadcast" => "<local,brd> ",
            "multicast" => "<mc> ",
            _ if self.redirected.is_some() => "<redirected> ",
            _ => "",
        };
        let iif = word("iif", self.iif.clone());
        let uid = if self.iif.is_some() { String::new() } else { format!("uid {} ", self.uid) };
        let end = if options.oneline { '\\' } else { '\n' };
        format!("{line}{uid}{end}    cache {own}{cut}{iif}\n")
    }

    fn busybox(&self) -> String {
        let kind = if self.kind == "unicast" { String::new() } else { format!("{} ", self.kind) };
        let via = self.gateway.map(|gateway| format!("via {gateway} ")).unwrap_or_default();
        let src = self.src.map(|src| format!(" src {src} ")).unwrap_or_default();
        format!("{kind}{} {via}dev {} {src}\n", self.dst, self.device)
    }

    fn json(&self) -> Json {
        let mut fields: Vec<(&'static str, Json)> = Vec::new();
        if self.kind != "unicast" {
            fields.push(("type", self.kind.into()));
        }
        fields.push(("dst", self.dst.to_string().into()));
        fields.extend(self.from.map(|from| ("from", from.to_string().into())));
        fields.extend(self.gateway.map(|gateway| super::nexthop::told(self.dst.is_ipv4(), gateway)));
        fields.push(("dev", self.device.as_str().into()));
        fields.extend(self.table.map(|table| ("table", name(table).into())));
        fields.extend(self.src.map(|src| ("prefsrc", src.to_string().into())));
        if self.mark != 0 {
            fields.push(("mark", self.mark.into()));
        }
        if let Some(route) = self.route.as_ref().filter(|_| self.dst.is_ipv6()) {
            if self.from.is_none() {
                fields.insert(usize::from(self.kind != "unicast") + 1, ("from", "::".into()));
            }
            fields.extend([("metric", route.metric.into()), ("flags", Json::List(Vec::new()))]);
            fields.push(("pref", preference(route.preference).into()));
            return Json::List(vec![Json::Object(fields)]);
        }
        fields.push(("flags", Json::List(Vec::new())));
        fields.extend(super::realm::json(self.realms()));
        fields.push(("uid", self.uid.into()));
        let cache = match self.kind {
            "local" => vec!["local".into()],
            "broadcast" => vec!["local".into(), "brd".into()],
            _ if self.redirected.is_some() => vec!["redirected".into()],
            _ => Vec::new(),
        };
        fields.push(("cache", Json::List(cache)));
        fields.extend(self.redirected.map(|left| ("expires", left.into())));
        let metrics = self.route.as_ref().and_then(|route| metrics::json(&route.metrics));
        fields.extend(metrics.map(|metrics| ("metrics", metrics)));
        Json::List(vec![Json::Object(fields)])
    }
}

/// iproute2 writes a mark that has one digit without `0x`.
fn decimal_below_ten(hex: &str) -> String {
    let digits = hex.trim_start_matches("0x");
    if digits.len() == 1 && digits.bytes().all(|digit| digit.is_ascii_digit()) {
        digits.to_owned()
    } else {
        hex.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(kind: &'static str) -> Answer {
        let dst = "172.17.0.9".parse().unwrap();
        let (src, device) = (Some("172.17.0.1".parse().unwrap()), "docker0".to_owned());
        let (from, gateway, table, iif) = (None, None, None, None);
        let (narrow, redirected, route, uid, tos) = (None, None, None, 0, 0);
        Answer { kind, dst, from, gateway, device, table, src, mark: 0, iif, uid, tos, narrow, redirected, route }
    }

    #[test]
    fn one_destination_is_answered_by_both() {
        assert_eq!(
            answer("unicast").text(&Options::default()),
            "172.17.0.9 dev docker0 src 172.17.0.1 uid 0 \n    cache \n"
        );
        assert_eq!(answer("unicast").busybox(), "172.17.0.9 dev docker0  src 172.17.0.1 \n");
        let own = "local 172.17.0.9 dev docker0 src 172.17.0.1 uid 0 \n    cache <local> \n";
        assert_eq!(answer("local").text(&Options::default()), own);
    }

    #[test]
    fn a_table_and_a_mark_are_told() {
        let marked = Answer { table: Some(TableId(100)), mark: 7, ..answer("unicast") };
        let text = "172.17.0.9 dev docker0 table 100 src 172.17.0.1 mark 7 uid 0 \n    cache \n";
        assert_eq!(marked.text(&Options::default()), text);
        assert_eq!(
            marked.json().print(false),
            "[{\"dst\":\"172.17.0.9\",\"dev\":\"docker0\",\"table\":\"100\",\"prefsrc\":\"172.17.0.1\",\"mark\":7,\
             \"flags\":[],\"uid\":0,\"cache\":[]}]\n"
        );
    }
}
