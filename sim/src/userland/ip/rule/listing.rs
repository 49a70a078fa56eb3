//! How rules are listed: as text or JSON.

use core::fmt::Write as _;
use core::net::IpAddr;

use super::super::route::listing::{name, protocol};
use crate::addr::IpNetwork;
use crate::filter::name as names;
use crate::namespace::Namespace;
use crate::range;
use crate::route::policy::{Rule, Verdict};
use crate::route::{Action, Protocol};
use crate::userland::json::Json;

/// An address or a prefix.
fn place(net: IpNetwork) -> String {
    let full = if net.is_ipv4() { 32 } else { 128 };
    if net.prefix() == full { net.ip().to_string() } else { net.to_string() }
}

/// What a rule says of its maker: nothing where that is the kernel or nobody, unless `details` are asked for.
fn maker(rule: &Rule, details: bool) -> Option<String> {
    let is_told = details || !matches!(rule.maker, Protocol::Kernel | Protocol::UNSPECIFIED);
    is_told.then(|| protocol(rule.maker))
}

const fn ending(action: Action) -> &'static str {
    match action {
        Action::Unicast => "unicast",
        Action::Blackhole => "blackhole",
        Action::Unreachable => "unreachable",
        Action::Prohibit => "prohibit",
        Action::Throw => "throw",
        Action::Local => "local",
        Action::Broadcast => "broadcast",
        Action::Multicast => "multicast",
        Action::Anycast => "anycast",
    }
}

fn is_detached(here: &Namespace, device: &str) -> bool {
    here.device_named(device).is_none()
}

/// Whether a rule leads to one that is not there.
fn is_unresolved(rule: &Rule, here: &Namespace) -> bool {
    matches!(rule.verdict, Verdict::Goto(priority) if !here.policy.has_rule(rule.v6, priority))
}

/// A rule as `ip rule` lists it.
#[must_use]
pub fn rule_in_words(rule: &Rule, here: &Namespace) -> String {
    line(rule, here, false)
}

pub(super) fn line(rule: &Rule, here: &Namespace, details: bool) -> String {
    let not = if rule.not { "not " } else { "" };
    let mut line = format!("{}:\t{not}from {}", rule.priority, rule.from.map_or_else(|| "all".to_owned(), place));
    if let Some(to) = rule.to {
        let _ = write!(line, " to {}", place(to));
    }
    if let Some(tos) = rule.tos {
        let _ = write!(line, " tos {tos:#04x}");
    }
    if let Some((mark, mask)) = rule.mark {
        let mask = if mask == u32::MAX { String::new() } else { format!("/{mask:#x}") };
        let _ = write!(line, " fwmark {mark:#x}{mask}");
    }
    for (word, device) in [("iif", &rule.iif), ("oif", &rule.oif)] {
        if let Some(device) = device {
            let detached = if is_detached(here, device) { " [detached]" } else { "" };
            let _ = write!(line, " {word} {device}{detached}");
        }
    }
    if let Some(protocol) = rule.protocol {
        let _ = write!(line, " ipproto {}", names::protocol(protocol));
    }
    for (word, range) in [("sport", rule.sport), ("dport", rule.dport)] {
        if let Some(range) = range {
            let _ = write!(line, " {word} {}", range::text(range, '-'));
        }
    }
    if let Some((first, last)) = rule.users {
        let _ = write!(line, " uidrange {first}-{last}");
    }
    let _ = match rule.verdict {
        Verdict::Lookup(id) => write!(line, " lookup {}", name(id)),
        Verdict::End(action) => write!(line, " {}", ending(action)),
        Verdict::Goto(priority) if is_unresolved(rule, here) => write!(line, " goto {priority} [unresolved]"),
        Verdict::Goto(priority) => write!(line, " goto {priority}"),
        Verdict::Nothing => write!(line, " nop"),
    };
    if let Some(least) = rule.suppressed {
        let _ = write!(line, " suppress_prefixlength {least}");
    }
    if let Some(maker) = maker(rule, details) {
        let _ = write!(line, " proto {maker}");
    }
    line + "\n"
}

pub(super) fn json(rule: &Rule, here: &Namespace, details: bool) -> Json {
    let mut fields: Vec<(&'static str, Json)> = vec![("priority", rule.priority.into())];
    if rule.not {
        fields.push(("not", Json::Null));
    }
    let mut net = |names: [&'static str; 2], net: Option<IpNetwork>| {
        let Some(net) = net else { return };
        fields.push((names[0], net.ip().to_string().into()));
        if net.prefix() < if matches!(net.ip(), IpAddr::V4(_)) { 32 } else { 128 } {
            fields.push((names[1], u32::from(net.prefix()).into()));
        }
    };
    net(["src", "srclen"], rule.from);
    net(["dst", "dstlen"], rule.to);
    if rule.from.is_none() {
        let at = 1 + usize::from(rule.not);
        fields.insert(at, ("src", "all".into()));
    }
    if let Some(tos) = rule.tos {
        fields.push(("tos", format!("{tos:#04x}").into()));
    }
    if let Some((mark, mask)) = rule.mark {
        fields.push(("fwmark", format!("{mark:#x}").into()));
        if mask != u32::MAX {
            fields.push(("fwmask", format!("{mask:#x}").into()));
        }
    }
    for (word, detached, device) in [("iif", "iif_detached", &rule.iif), ("oif", "oif_detached", &rule.oif)] {
        if let Some(device) = device {
            fields.push((word, device.as_str().into()));
            if is_detached(here, device) {
                fields.push((detached, Json::Null));
            }
        }
    }
    if let Some(protocol) = rule.protocol {
        fields.push(("ipproto", names::protocol(protocol).into()));
    }
    let sports = ["sport", "sport_start", "sport_end"];
    let dports = ["dport", "dport_start", "dport_end"];
    for ([one, start, end], range) in [(sports, rule.sport), (dports, rule.dport)] {
        match range {
            None => {}
            Some((first, last)) if first == last => fields.push((one, u32::from(first).into())),
            Some((first, last)) => fields.extend([(start, u32::from(first).into()), (end, u32::from(last).into())]),
        }
    }
    if let Some((first, last)) = rule.users {
        fields.extend([("uid_start", first.into()), ("uid_end", last.into())]);
    }
    fields.push(match rule.verdict {
        Verdict::Lookup(id) => ("table", name(id).into()),
        Verdict::End(action) => ("action", ending(action).into()),
        Verdict::Goto(priority) => ("goto", priority.into()),
        Verdict::Nothing => ("nop", Json::Null),
    });
    if is_unresolved(rule, here) {
        fields.push(("unresolved", Json::Null));
    }
    fields.extend(rule.suppressed.map(|least| ("suppress_prefixlen", u32::from(least).into())));
    fields.extend(maker(rule, details).map(|maker| ("protocol", maker.into())));
    Json::Object(fields)
}
