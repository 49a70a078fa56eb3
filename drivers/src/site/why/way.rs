//! What the routes and rules of a place say of a packet: which of them ends its way, and by whom it goes on.

use core::net::IpAddr;

use netyard_sim::id::NamespaceId;
use netyard_sim::namespace::Namespace;
use netyard_sim::route::policy::{Flow, Found, Rule, TableId, Verdict};
use netyard_sim::route::{Action, Route};
use netyard_sim::userland::ip;

use super::Stop;
use super::packet::Scene;

/// A packet that looks for its way: its two ends and the device by which it came.
#[derive(Clone, Copy, Debug)]
pub(super) struct Traveller<'a> {
    pub(super) src: Option<IpAddr>,
    pub(super) dst: IpAddr,
    pub(super) iif: Option<&'a str>,
}

impl<'a> Traveller<'a> {
    /// One that this place sends itself and that has no source yet.
    pub(super) const fn to(dst: IpAddr) -> Self {
        Self { src: None, dst, iif: None }
    }

    const fn flow(self, mark: u32) -> Flow<'a> {
        Flow { src: self.src, mark, iif: self.iif, ..Flow::to(self.dst) }
    }
}

impl Scene<'_> {
    /// The route or rule that says that there is no way.
    pub(super) fn end_of_way(&self, at: NamespaceId, traveller: Traveller<'_>) -> Option<Stop> {
        let (here, name) = (self.site.world.fabric.namespace(at), self.site.name_of_namespace(at));
        // What mark the packet had is not told; only those that rules ask for make a difference.
        let marks = here.policy.rules(traveller.dst.is_ipv6()).filter_map(|rule| rule.mark.map(|(mark, _)| mark));
        [0].into_iter().chain(marks).find_map(|mark| {
            let (rule, found) = decide(here, &traveller.flow(mark))?;
            match found {
                Found::End(_) => Some(ended_by_rule(&name, here, rule)),
                Found::Route(route) => ended_by_route(&name, rule, route),
            }
        })
    }

    pub(super) fn next_hop(&self, at: NamespaceId, traveller: Traveller<'_>) -> IpAddr {
        let (here, flow) = (self.site.world.fabric.namespace(at), traveller.flow(0));
        match here.route_of(&flow) {
            Some(Found::Route(route)) => here.hop_of(route, &flow).and_then(|hop| hop.gateway).unwrap_or(traveller.dst),
            Some(Found::End(_)) | None => traveller.dst,
        }
    }
}

fn decide<'a>(here: &'a Namespace, flow: &Flow<'_>) -> Option<(&'a Rule, Found<'a>)> {
    let is_up = |r: &Route| !r.only_uses(|d| here.devices.get(&d).is_none_or(|device| !device.up));
    here.policy.decide(&here.routes, flow, is_up)
}

fn ended_by_rule(name: &str, here: &Namespace, rule: &Rule) -> Stop {
    let text = ip::rule_in_words(rule, here);
    let family = if rule.v6 { "-6 " } else { "" };
    Stop::new(
        format!("{name}: rule `{}`", text.trim_end().replace('\t', " ")),
        Some(format!("ip {family}rule del priority {}", rule.priority)),
    )
}

fn ended_by_route(name: &str, rule: &Rule, route: &Route) -> Option<Stop> {
    let word = match route.action {
        Action::Blackhole => "blackhole",
        Action::Unreachable => "unreachable",
        Action::Prohibit => "prohibit",
        // What is left to the next rule ends nothing.
        Action::Unicast | Action::Throw | Action::Local | Action::Broadcast | Action::Multicast | Action::Anycast => {
            return None;
        }
    };
    let table = match rule.verdict {
        Verdict::Lookup(TableId::MAIN) => String::new(),
        Verdict::Lookup(table) => format!(" table {}", table.0),
        Verdict::End(_) | Verdict::Goto(_) | Verdict::Nothing => return None,
    };
    let is_host = route.dst.prefix() == if route.dst.is_ipv4() { 32 } else { 128 };
    let dst = if is_host { route.dst.ip().to_string() } else { route.dst.to_string() };
    let text = format!("{word} {dst}{table}");
    Some(Stop::new(format!("{name}: route `{text}`"), Some(format!("ip route del {text}"))))
}
