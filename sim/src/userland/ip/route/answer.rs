//! `ip route get`: the route of one flow, by the rules and tables that a packet would meet.

use core::net::IpAddr;

use super::super::{Error, Options, Refusal, Words, device, prefix};
use super::listing::{self, name, protocol};
use super::{address, metrics, number, service};
use crate::addr::broadcast;
use crate::device::Device;
use crate::fabric::NamespaceId;
use crate::namespace::Namespace;
use crate::route::policy::{Flow, Found, TableId};
use crate::route::{Action, Route};
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
                "to" => dst = Some(prefix(&words.value()?, options.family)?.ip()),
                "from" => from = Some(address(&words.value()?)?),
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
                _ => dst = Some(prefix(&word, options.family)?.ip()),
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
    let of_local = (!here.policy.is_plain()).then_some(TableId::LOCAL);
    if is_own(here, question.dst) {
        let Question { dst, from, iif, mark, uid, .. } = question;
        let (gateway, narrow, redirected, route, device) = (None, None, None, None, "lo".to_owned());
        let (kind, table, src, tos) = ("local", of_local, Some(dst), 0);
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
    let (table, route) = route_of(here, &question)?;
    let hop = here.hop_of(&route, &question.flow()).ok_or(Refusal::NetworkUnreachable)?;
    let Question { dst, from, iif, mark, uid, .. } = question;
    let tos = route.tos;
    let to_all = |d: &Device| d.addresses.iter().any(|a| broadcast(a.net).map(IpAddr::V4) == Some(dst));
    let is_broadcast = here.devices.get(&hop.device).is_some_and(to_all);
    let kind = if is_broadcast { "broadcast" } else { "unicast" };
    let device = here.devices.get(&hop.device).map(|d| d.name.clone()).unwrap_or_default();
    let way = || here.address_by(hop, dst);
    let src = if from.is_some() { None } else { route.src.or_else(way) };
    let narrow = here.known_path_mtu(now, dst).map(|(mtu, left)| (mtu, left.as_secs()));
    let nearer = here.known_redirect(now, dst).map(|(gateway, left)| (gateway, left.as_secs()));
    let gateway = nearer.map(|(gateway, _)| gateway).or(hop.gateway);
    let table = if is_broadcast { of_local } else { Some(table).filter(|table| *table != TableId::MAIN) };
    let (route, redirected) = (Some(route), nearer.map(|(_, left)| left));
    Ok(Answer { kind, dst, from, gateway, device, table, src, mark, iif, uid, tos, narrow, redirected, route })
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
        Some((_, Found::End(Action::Unreachable))) => return Err(Refusal::NetworkUnreachable.into()),
        Some((_, Found::End(action))) => return Err(refusal(action).into()),
        None => on_link().ok_or(Refusal::NetworkUnreachable)?,
    };
    if route.1.action == Action::Unicast { Ok(route) } else { Err(refusal(route.1.action).into()) }
}

const fn refusal(action: Action) -> Refusal {
    match action {
        Action::Unicast | Action::Blackhole => Refusal::Invalid,
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
        let from = from.or_else(|| (self.dst.is_ipv6() && self.kind == "unicast").then(|| "::".to_owned()));
        let mut line = format!("{kind}{} {}", self.dst, word("from", from));
        line += &word("tos", tos);
        line += &word(self.via(), self.gateway.map(|gateway| gateway.to_string()));
        line += &word("dev", Some(self.device.clone()));
        line += &word("table", table);
        if let Some(route) = self.route.as_ref().filter(|_| self.dst.is_ipv6()) {
            if route.protocol != crate::route::Protocol::Boot {
                line += &word("proto", Some(protocol(route.protocol)));
            }
            line += &word("src", self.src.map(|src| src.to_string()));
            return format!("{line}metric {} {cut}pref medium\n", route.metric);
        }
        line += &word("src", self.src.map(|src| src.to_string()));
        line += &word("mark", mark);
        let own = match self.kind {
            "local" => "<local> ",
            "broadcast" => "<local,brd> ",
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
        if let Some(gateway) = self.gateway {
            let told: Json = gateway.to_string().into();
            let other = vec![("family", "inet6".into()), ("host", told.clone())];
            fields.push(if self.via() == "via" { ("gateway", told) } else { ("via", Json::Object(other)) });
        }
        fields.push(("dev", self.device.as_str().into()));
        fields.extend(self.table.map(|table| ("table", name(table).into())));
        fields.extend(self.src.map(|src| ("prefsrc", src.to_string().into())));
        if self.mark != 0 {
            fields.push(("mark", self.mark.into()));
        }
        fields.push(("flags", Json::List(Vec::new())));
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
