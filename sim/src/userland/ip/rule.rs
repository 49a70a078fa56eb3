//! `ip rule`: the rules that say which table of routes is asked for a packet.

use core::fmt::Write as _;
use core::net::IpAddr;

use super::route::listing::name;
use super::route::{number, table};
use super::{Error, Family, Options, Refusal, Words, permit, prefix};
use crate::addr::IpNetwork;
use crate::fabric::NamespaceId;
use crate::namespace::Namespace;
use crate::route::Action;
use crate::route::policy::{Rule, TableId, Verdict};
use crate::userland::Sys;
use crate::userland::json::Json;

#[derive(Clone, Copy)]
enum Verb {
    Show,
    Add,
    Delete,
    Flush,
}

const VERBS: [(&str, Verb); 6] = [
    ("list", Verb::Show),
    ("lst", Verb::Show),
    ("show", Verb::Show),
    ("add", Verb::Add),
    ("delete", Verb::Delete),
    ("flush", Verb::Flush),
];

pub(super) fn run(
    sys: &mut Sys<'_>,
    namespace: NamespaceId,
    options: &Options,
    mut words: Words,
) -> Result<String, Error> {
    let verb = words.command(&VERBS, Verb::Show)?;
    let missing = |verb| Err(Error::MissingRule(verb));
    match verb {
        Verb::Show => return show(sys, namespace, options, words),
        Verb::Add if words.0.is_empty() => return missing("add"),
        Verb::Delete if words.0.is_empty() => return missing("del"),
        Verb::Add => add(sys, namespace, &Change::parse(words)?, options.family),
        Verb::Delete => delete(sys, namespace, &Change::parse(words)?, options.family),
        Verb::Flush => {
            permit(sys)?;
            sys.fabric().namespace_mut(namespace).policy.flush(options.family == Family::V6);
            Ok(())
        }
    }
    .map(|()| String::new())
}

/// The words that choose a rule, or say what a new one is.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
struct Change {
    priority: Option<u32>,
    not: bool,
    from: Option<IpNetwork>,
    to: Option<IpNetwork>,
    mark: Option<(u32, u32)>,
    iif: Option<String>,
    oif: Option<String>,
    table: Option<TableId>,
    end: Option<Action>,
}

impl Change {
    fn parse(mut words: Words) -> Result<Self, Error> {
        let mut change = Self::default();
        while let Some(word) = words.take_next() {
            change.set(word, &mut words, Family::Any)?;
        }
        Ok(change)
    }

    fn set(&mut self, word: String, words: &mut Words, family: Family) -> Result<(), Error> {
        match word.as_str() {
            "not" => self.not = true,
            "from" => self.from = Some(prefix(&words.value()?, family)?),
            "to" => self.to = Some(prefix(&words.value()?, family)?),
            "fwmark" => self.mark = Some(mark(&words.value()?)?),
            "iif" | "dev" => self.iif = Some(words.value()?),
            "oif" => self.oif = Some(words.value()?),
            "table" | "lookup" => self.table = Some(table(words.value()?, "invalid table ID")?),
            "pref" | "preference" | "priority" | "prio" | "order" => {
                let word = words.value()?;
                let wrong = Error::Wrong { word: word.clone(), why: "preference value is invalid" };
                self.priority = Some(number(&word).ok_or(wrong)?);
            }
            "type" => {
                let word = words.value()?;
                self.set_type(word)?;
            }
            _ => self.set_type(word)?,
        }
        Ok(())
    }

    fn set_type(&mut self, word: String) -> Result<(), Error> {
        self.end = match word.as_str() {
            "unicast" => None,
            "blackhole" => Some(Action::Blackhole),
            "unreachable" => Some(Action::Unreachable),
            "prohibit" => Some(Action::Prohibit),
            _ => return Err(Error::Invalid { word, why: "Failed to parse rule type" }),
        };
        Ok(())
    }

    /// Whether it is about rules of IPv6: by an option, or by its prefixes.
    fn is_v6(&self, family: Family) -> bool {
        let prefixes = [self.from, self.to];
        family == Family::V6 || family == Family::Any && prefixes.iter().flatten().any(IpNetwork::is_ipv6)
    }

    /// The rule that it says, of a table that is `main` when nothing is said.
    fn rule(&self, v6: bool, priority: u32) -> Rule {
        let verdict = self.end.map_or_else(|| Verdict::Lookup(self.table.unwrap_or(TableId::MAIN)), Verdict::End);
        let everything = |net: &IpNetwork| net.prefix() == 0;
        Rule {
            not: self.not,
            from: self.from.filter(|net| !everything(net)),
            to: self.to.filter(|net| !everything(net)),
            mark: self.mark,
            iif: self.iif.clone(),
            oif: self.oif.clone(),
            ..Rule::new(priority, v6, verdict)
        }
    }

    /// Whether `del` means a rule: what was not said may be anything.
    fn means(&self, rule: &Rule, v6: bool) -> bool {
        let end = self.end.is_none_or(|action| rule.verdict == Verdict::End(action));
        rule.v6 == v6
            && self.priority.is_none_or(|priority| rule.priority == priority)
            && (!self.not || rule.not)
            && self.from.is_none_or(|net| net.prefix() == 0 || rule.from == Some(net))
            && self.to.is_none_or(|net| net.prefix() == 0 || rule.to == Some(net))
            && self.mark.is_none_or(|mark| rule.mark == Some(mark))
            && (self.iif.is_none() || self.iif == rule.iif)
            && (self.oif.is_none() || self.oif == rule.oif)
            && self.table.is_none_or(|id| rule.verdict == Verdict::Lookup(id))
            && end
    }

    /// Whether `show` means a rule: prefixes are met by those within them.
    fn shows(&self, rule: &Rule) -> bool {
        let within = |asked: Option<IpNetwork>, net: Option<IpNetwork>| {
            asked.is_none_or(|asked| {
                asked.prefix() == 0 || net.is_some_and(|net| net.prefix() >= asked.prefix() && asked.contains(net.ip()))
            })
        };
        let rest = Self { from: None, to: None, ..self.clone() };
        within(self.from, rule.from) && within(self.to, rule.to) && rest.means(rule, rule.v6)
    }
}

/// A mark and its mask.
fn mark(word: &str) -> Result<(u32, u32), Error> {
    let (value, mask) = word.split_once('/').unwrap_or((word, "0xffffffff"));
    let both = number(value).zip(number(mask));
    both.ok_or_else(|| Error::Wrong { word: value.to_owned(), why: "fwmark value is invalid" })
}

fn add(sys: &mut Sys<'_>, namespace: NamespaceId, change: &Change, family: Family) -> Result<(), Error> {
    permit(sys)?;
    let v6 = change.is_v6(family);
    let of_family = |net: &Option<IpNetwork>| net.is_none_or(|net| net.prefix() == 0 || net.is_ipv6() == v6);
    if !of_family(&change.from) || !of_family(&change.to) {
        return Err(Refusal::BadRuleSource.into());
    }
    let policy = &mut sys.fabric().namespace_mut(namespace).policy;
    let priority = change.priority.unwrap_or_else(|| policy.next_priority(v6));
    let rule = change.rule(v6, priority);
    if policy.add(rule) { Ok(()) } else { Err(Refusal::Exists.into()) }
}

fn delete(sys: &mut Sys<'_>, namespace: NamespaceId, change: &Change, family: Family) -> Result<(), Error> {
    permit(sys)?;
    let v6 = change.is_v6(family);
    let found = sys.fabric().namespace_mut(namespace).policy.remove(|rule| change.means(rule, v6));
    if found { Ok(()) } else { Err(Refusal::NoEntry.into()) }
}

fn show(sys: &mut Sys<'_>, namespace: NamespaceId, options: &Options, mut words: Words) -> Result<String, Error> {
    let family = if options.family == Family::Any { Family::V4 } else { options.family };
    let mut wanted = Change::default();
    while let Some(word) = words.take_next() {
        let known = matches!(
            word.as_str(),
            "not"
                | "from"
                | "to"
                | "fwmark"
                | "iif"
                | "dev"
                | "oif"
                | "table"
                | "lookup"
                | "pref"
                | "preference"
                | "priority"
                | "prio"
                | "order"
        );
        if known {
            wanted.set(word, &mut words, family)?;
        } else {
            wanted.to = Some(prefix(&word, family)?);
        }
    }
    let here = sys.fabric().namespace(namespace);
    let rules = here.policy.rules(family == Family::V6).filter(|rule| wanted.shows(rule));
    if options.json {
        let all = rules.map(|rule| json(rule, here, options.details)).collect();
        return Ok(Json::List(all).print(options.pretty));
    }
    Ok(rules.map(|rule| line(rule, here, options.details)).collect())
}

/// An address or a prefix.
fn place(net: IpNetwork) -> String {
    let full = if net.is_ipv4() { 32 } else { 128 };
    if net.prefix() == full { net.ip().to_string() } else { net.to_string() }
}

/// What a rule says of its maker.
const fn maker(rule: &Rule) -> &'static str {
    if rule.by_kernel { "kernel" } else { "unspec" }
}

const fn ending(action: Action) -> &'static str {
    match action {
        Action::Unicast => "unicast",
        Action::Blackhole => "blackhole",
        Action::Unreachable => "unreachable",
        Action::Prohibit => "prohibit",
    }
}

fn is_detached(here: &Namespace, device: &str) -> bool {
    here.device_named(device).is_none()
}

/// A rule as `ip rule` lists it.
#[must_use]
pub fn rule_in_words(rule: &Rule, here: &Namespace) -> String {
    line(rule, here, false)
}

fn line(rule: &Rule, here: &Namespace, details: bool) -> String {
    let not = if rule.not { "not " } else { "" };
    let mut line = format!("{}:\t{not}from {}", rule.priority, rule.from.map_or_else(|| "all".to_owned(), place));
    if let Some(to) = rule.to {
        let _ = write!(line, " to {}", place(to));
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
    let _ = match rule.verdict {
        Verdict::Lookup(id) => write!(line, " lookup {}", name(id)),
        Verdict::End(action) => write!(line, " {}", ending(action)),
    };
    if details {
        let _ = write!(line, " proto {}", maker(rule));
    }
    line + "\n"
}

fn json(rule: &Rule, here: &Namespace, details: bool) -> Json {
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
    fields.push(match rule.verdict {
        Verdict::Lookup(id) => ("table", name(id).into()),
        Verdict::End(action) => ("action", ending(action).into()),
    });
    if details {
        fields.push(("protocol", maker(rule).into()));
    }
    Json::Object(fields)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Seed;

    fn change(line: &str) -> Result<Change, Error> {
        Change::parse(Words(line.split_whitespace().map(str::to_owned).collect()))
    }

    fn shown(text: &str) -> String {
        let here = Namespace::new("h", Seed(1));
        line(&change(text).unwrap().rule(false, 100), &here, false)
    }

    #[test]
    fn rules_are_listed_as_iproute2_lists_them() {
        let cases = [
            ("from 10.1.0.0/16 lookup 100", "100:\tfrom 10.1.0.0/16 lookup 100\n"),
            ("to 10.2.0.1 table main", "100:\tfrom all to 10.2.0.1 lookup main\n"),
            ("fwmark 5/0xff table 200", "100:\tfrom all fwmark 0x5/0xff lookup 200\n"),
            ("oif eth9 lookup 300", "100:\tfrom all oif eth9 [detached] lookup 300\n"),
            ("iif lo lookup main", "100:\tfrom all iif lo lookup main\n"),
            ("prohibit not from 10.9.0.0/24", "100:\tnot from 10.9.0.0/24 prohibit\n"),
        ];
        for (typed, listed) in cases {
            assert_eq!(shown(typed), listed);
        }
        let here = Namespace::new("h", Seed(1));
        let rule = change("not from 10.1.0.0/16 fwmark 5 blackhole").unwrap().rule(false, 7);
        assert_eq!(
            json(&rule, &here, false).print(false),
            "{\"priority\":7,\"not\":null,\"src\":\"10.1.0.0\",\"srclen\":16,\"fwmark\":\"0x5\",\"action\":\"blackhole\"}\n"
        );
    }

    #[test]
    fn what_is_no_rule_is_refused() {
        assert_eq!(
            change("nonsense"),
            Err(Error::Invalid { word: "nonsense".into(), why: "Failed to parse rule type" })
        );
        assert_eq!(change("lookup x"), Err(Error::Wrong { word: "x".into(), why: "invalid table ID" }));
        assert_eq!(change("fwmark x"), Err(Error::Wrong { word: "x".into(), why: "fwmark value is invalid" }));
        assert_eq!(
            change("pref 99999999999").unwrap_err(),
            Error::Wrong { word: "99999999999".into(), why: "preference value is invalid" }
        );
        assert_eq!(change("lookup"), Err(Error::Incomplete));
    }
}
