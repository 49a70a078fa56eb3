//! `ip rule`: the rules that say which table of routes is asked for a packet.

mod listing;

use super::keyword;
use super::route::{number, parse_protocol, service, table};
use super::{Error, Family, Options, Refusal, Words, permit, prefix};
use crate::addr::IpNetwork;
use crate::fabric::NamespaceId;
use crate::filter::name as names;
use crate::route::policy::{Rule, TableId, Verdict};
use crate::route::{Action, Protocol};
use crate::userland::Sys;
use crate::userland::json::Json;
pub use listing::rule_in_words;
use listing::{json, line};

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
        Verb::Flush => flush(sys, namespace, options.family, words),
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
    tos: Option<u8>,
    protocol: Option<u8>,
    sport: Option<(u16, u16)>,
    dport: Option<(u16, u16)>,
    users: Option<(u32, u32)>,
    suppressed: Option<u8>,
    maker: Option<Protocol>,
    table: Option<TableId>,
    /// What it does besides asking a table.
    verdict: Option<Verdict>,
}

impl Change {
    fn parse(mut words: Words) -> Result<Self, Error> {
        let mut change = Self::default();
        while let Some(word) = words.next_of(&keyword::RULE) {
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
            "tos" | "dsfield" => self.tos = Some(service(words.value()?)?),
            "ipproto" => self.protocol = Some(protocol(words.value()?)?),
            "sport" => self.sport = Some(ports(words.value()?, "invalid sport range")?),
            "dport" => self.dport = Some(ports(words.value()?, "invalid dport range")?),
            "protocol" => self.maker = Some(parse_protocol(words.value()?, "\"protocol\" value is invalid")?),
            "uidrange" => self.users = Some(users(words.value()?)?),
            "suppress_prefixlength" | "sup_pl" => {
                let word = words.value()?;
                let wrong = Error::Wrong { word: word.clone(), why: "suppress_prefixlength value is invalid" };
                self.suppressed = Some(number(&word).and_then(|n| u8::try_from(n).ok()).ok_or(wrong)?);
            }
            "goto" => {
                let word = words.value()?;
                let wrong = Error::Wrong { word: word.clone(), why: "invalid target" };
                self.verdict = Some(Verdict::Goto(number(&word).ok_or(wrong)?));
            }
            "nop" => self.verdict = Some(Verdict::Nothing),
            "help" => return Err(Error::Help),
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
        let end = match word.as_str() {
            "unicast" => None,
            "blackhole" => Some(Action::Blackhole),
            "unreachable" => Some(Action::Unreachable),
            "prohibit" => Some(Action::Prohibit),
            _ => return Err(Error::Invalid { word, why: "Failed to parse rule type" }),
        };
        self.verdict = end.map(Verdict::End);
        Ok(())
    }

    /// Whether it is about rules of IPv6: by an option, or by its prefixes.
    fn is_v6(&self, family: Family) -> bool {
        let prefixes = [self.from, self.to];
        family == Family::V6 || family == Family::Any && prefixes.iter().flatten().any(IpNetwork::is_ipv6)
    }

    /// The rule that it says, of a table that is `main` when nothing is said.
    fn rule(&self, v6: bool, priority: u32) -> Rule {
        let verdict = self.verdict.unwrap_or_else(|| Verdict::Lookup(self.table.unwrap_or(TableId::MAIN)));
        let everything = |net: &IpNetwork| net.prefix() == 0;
        Rule {
            not: self.not,
            from: self.from.filter(|net| !everything(net)),
            to: self.to.filter(|net| !everything(net)),
            mark: self.mark,
            iif: self.iif.clone(),
            oif: self.oif.clone(),
            tos: self.tos.filter(|tos| *tos != 0),
            protocol: self.protocol,
            sport: self.sport,
            dport: self.dport,
            users: self.users,
            suppressed: self.suppressed,
            maker: self.maker.unwrap_or(Protocol::UNSPECIFIED),
            ..Rule::new(priority, v6, verdict)
        }
    }

    /// Whether `del` means a rule: what was not said may be anything.
    fn means(&self, rule: &Rule, v6: bool) -> bool {
        let said = |mine: Option<(u16, u16)>, its| mine.is_none() || mine == its;
        rule.v6 == v6
            && self.priority.is_none_or(|priority| rule.priority == priority)
            && (!self.not || rule.not)
            && self.from.is_none_or(|net| net.prefix() == 0 || rule.from == Some(net))
            && self.to.is_none_or(|net| net.prefix() == 0 || rule.to == Some(net))
            && self.mark.is_none_or(|mark| rule.mark == Some(mark))
            && (self.iif.is_none() || self.iif == rule.iif)
            && (self.oif.is_none() || self.oif == rule.oif)
            && self.table.is_none_or(|id| rule.verdict == Verdict::Lookup(id))
            && self.verdict.is_none_or(|verdict| rule.verdict == verdict)
            && self.tos.is_none_or(|tos| rule.tos.unwrap_or_default() == tos)
            && self.protocol.is_none_or(|protocol| rule.protocol == Some(protocol))
            && self.maker.is_none_or(|maker| rule.maker == maker)
            && said(self.sport, rule.sport)
            && said(self.dport, rule.dport)
            && (self.users.is_none() || self.users == rule.users)
            && self.suppressed.is_none_or(|least| rule.suppressed == Some(least))
    }

    /// What the kernel finds wrong with a new rule of this priority.
    fn check(&self, v6: bool, priority: u32) -> Result<(), Refusal> {
        let of_family = |net: &Option<IpNetwork>| net.is_none_or(|net| net.prefix() == 0 || net.is_ipv6() == v6);
        let reversed = |range: Option<(u16, u16)>| range.is_some_and(|(first, last)| first > last || first == 0);
        match self.verdict {
            _ if !of_family(&self.from) || !of_family(&self.to) => Err(Refusal::BadRuleSource),
            _ if self.tos.is_some_and(|tos| tos & !0x1c != 0) => Err(Refusal::BadService),
            _ if reversed(self.sport) => Err(Refusal::BadSourcePorts),
            _ if reversed(self.dport) => Err(Refusal::BadDestinationPorts),
            _ if self.users.is_some_and(|(first, last)| first > last) => Err(Refusal::BadUsers),
            Some(Verdict::Goto(target)) if target <= priority => Err(Refusal::BackwardGoto),
            _ => Ok(()),
        }
    }

    /// The words that choose those to be shown or flushed.
    fn parse_choice(mut words: Words, family: Family) -> Result<Self, Error> {
        let mut wanted = Self::default();
        while let Some(word) = words.next_of(&keyword::RULE) {
            match word.as_str() {
                "goto" | "nop" | "type" | "suppress_prefixlength" => {
                    return Err(Error::Invalid { word, why: "Failed to parse rule type" });
                }
                _ if keyword::RULE.iter().any(|known| known.word() == word) => wanted.set(word, &mut words, family)?,
                _ => wanted.to = Some(prefix(&word, family)?),
            }
        }
        Ok(wanted)
    }

    /// Whether `show` means a rule: prefixes are met by those within them, and who made it is not looked at.
    fn shows(&self, rule: &Rule) -> bool {
        let within = |asked: Option<IpNetwork>, net: Option<IpNetwork>| {
            asked.is_none_or(|asked| {
                asked.prefix() == 0 || net.is_some_and(|net| net.prefix() >= asked.prefix() && asked.contains(net.ip()))
            })
        };
        let rest = Self { from: None, to: None, maker: None, ..self.clone() };
        within(self.from, rule.from) && within(self.to, rule.to) && rest.means(rule, rule.v6)
    }
}

/// A protocol by name or number.
pub(super) fn protocol(word: String) -> Result<u8, Error> {
    names::parse_protocol(&word).map_err(|_| Error::Wrong { word, why: "Invalid \"ipproto\" value" })
}

/// The first and the last of some users.
fn users(word: String) -> Result<(u32, u32), Error> {
    let range = word.split_once('-').and_then(|(first, last)| Some((first.parse().ok()?, last.parse().ok()?)));
    range.ok_or(Error::Wrong { word, why: "invalid UID range" })
}

/// A port, or the first and the last of some. What is too large for one goes round, as it does in iproute2.
fn ports(word: String, why: &'static str) -> Result<(u16, u16), Error> {
    let port = |text: &str| Some(u16::try_from(text.parse::<u64>().ok()? & 0xffff).expect("16 bits are left"));
    let both = match word.split_once('-') {
        Some((first, last)) => port(first).zip(port(last)),
        None => port(&word).zip(port(&word)),
    };
    both.ok_or(Error::Wrong { word, why })
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
    let policy = &mut sys.fabric().namespace_mut(namespace).policy;
    let priority = change.priority.unwrap_or_else(|| policy.next_priority(v6));
    change.check(v6, priority)?;
    let rule = change.rule(v6, priority);
    if policy.add(rule) { Ok(()) } else { Err(Refusal::Exists.into()) }
}

fn delete(sys: &mut Sys<'_>, namespace: NamespaceId, change: &Change, family: Family) -> Result<(), Error> {
    permit(sys)?;
    let v6 = change.is_v6(family);
    let found = sys.fabric().namespace_mut(namespace).policy.remove(|rule| change.means(rule, v6));
    if found { Ok(()) } else { Err(Refusal::NoEntry.into()) }
}

/// Takes all away that are meant but those of the priority 0, which the kernel does not tell.
fn flush(sys: &mut Sys<'_>, namespace: NamespaceId, family: Family, words: Words) -> Result<(), Error> {
    let family = family.or_v4();
    let wanted = Change::parse_choice(words, family)?;
    permit(sys)?;
    let is_meant = |rule: &Rule| {
        let of_maker = wanted.maker.is_none_or(|maker| rule.maker == maker);
        rule.v6 == (family == Family::V6) && rule.priority != 0 && of_maker && wanted.shows(rule)
    };
    sys.fabric().namespace_mut(namespace).policy.retain(|rule| !is_meant(rule));
    Ok(())
}

fn show(sys: &mut Sys<'_>, namespace: NamespaceId, options: &Options, words: Words) -> Result<String, Error> {
    let family = options.family.or_v4();
    let wanted = Change::parse_choice(words, family)?;
    let here = sys.fabric().namespace(namespace);
    let rules = here.policy.rules(family == Family::V6).filter(|rule| wanted.shows(rule));
    if options.json {
        let all = rules.map(|rule| json(rule, here, options.details)).collect();
        return Ok(Json::List(all).print(options.pretty));
    }
    Ok(rules.map(|rule| line(rule, here, options.details)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Seed;

    fn change(line: &str) -> Result<Change, Error> {
        Change::parse(Words(line.split_whitespace().map(str::to_owned).collect()))
    }

    fn shown(text: &str) -> String {
        let here = crate::namespace::Namespace::new("h", Seed(1));
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
        let here = crate::namespace::Namespace::new("h", Seed(1));
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
