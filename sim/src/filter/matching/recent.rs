//! `-m recent`: addresses that were seen not long ago, in lists with names that all rules share.

use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use core::time::Duration;
use std::collections::{BTreeMap, VecDeque};

use super::Argument;
use crate::filter::{Family, Usage};
use crate::packet::Ip;
use crate::time::Instant;

/// How many moments a list keeps of an address (`ip_pkt_list_tot`).
const MOMENTS: usize = 20;
/// How many addresses a list has (`ip_list_tot`); the one that was not seen for longest makes room.
const ADDRESSES: usize = 100;

/// The lists by name: when each address was seen.
#[derive(Clone, Debug, Default)]
pub struct Lists(BTreeMap<String, BTreeMap<IpAddr, VecDeque<Instant>>>);

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Verb {
    Set,
    Check,
    Update,
    Remove,
}

/// The match.
#[derive(Clone, Debug, PartialEq)]
pub struct Recent {
    family: Family,
    verb: Option<(Verb, bool)>,
    seconds: Option<u64>,
    hits: Option<usize>,
    name: String,
    /// Which bits of an address count.
    mask: IpAddr,
    by_destination: bool,
}

impl Recent {
    pub(super) fn any(family: Family) -> Self {
        let (verb, seconds, hits) = (None, None, None);
        let mask = match family {
            Family::V4 => IpAddr::V4(Ipv4Addr::BROADCAST),
            Family::V6 => IpAddr::V6(Ipv6Addr::from_bits(u128::MAX)),
        };
        Self { family, verb, seconds, hits, name: "DEFAULT".to_owned(), mask, by_destination: false }
    }

    pub(super) fn parse(&mut self, argument: &mut Argument<'_, '_>) -> Result<bool, Usage> {
        let range = |option: &str| Usage::Range("recent", option.to_owned(), u32::MAX);
        let verb = match argument.name {
            "set" => Some(Verb::Set),
            "rcheck" => Some(Verb::Check),
            "update" => Some(Verb::Update),
            "remove" => Some(Verb::Remove),
            _ => None,
        };
        if let Some(verb) = verb {
            if self.verb.is_some() {
                return Err(Usage::Said("recent: only one of `--set', `--rcheck' `--update' or `--remove' may be set"));
            }
            self.verb = Some((verb, argument.negated));
            return Ok(true);
        }
        match argument.name {
            "seconds" => self.seconds = Some(argument.value()?.parse().map_err(|_| range("--seconds"))?),
            "hitcount" => self.hits = Some(argument.value()?.parse().map_err(|_| range("--hitcount"))?),
            "name" => argument.value()?.clone_into(&mut self.name),
            "mask" => {
                let text = argument.value()?;
                let mask = text.parse().ok().filter(|mask: &IpAddr| mask.is_ipv4() == (self.family == Family::V4));
                self.mask = mask.ok_or_else(|| Usage::Address(text.to_owned()))?;
            }
            "rsource" => self.by_destination = false,
            "rdest" => self.by_destination = true,
            _ => return Ok(false),
        }
        Ok(true)
    }

    pub(super) const fn check(&self) -> Result<(), Usage> {
        if self.verb.is_some() {
            return Ok(());
        }
        Err(Usage::Said("recent: you must specify one of `--set', `--rcheck' `--update' or `--remove'"))
    }

    /// Whether it can stand in a rule: a list keeps no more moments than that.
    pub(super) fn is_sound(&self) -> bool {
        self.hits.is_none_or(|hits| (1..=MOMENTS).contains(&hits))
    }

    pub(super) fn matches(&self, now: Instant, ip: &Ip, lists: &mut Lists) -> bool {
        let Some((verb, negated)) = self.verb else { return false };
        let addr = masked(if self.by_destination { ip.dst } else { ip.src }, self.mask);
        let list = lists.0.entry(self.name.clone()).or_default();
        let since = self.seconds.map(Duration::from_secs);
        let is_recent = |at: &Instant| since.is_none_or(|since| now.since(*at) <= since);
        let found = match (verb, list.get(&addr)) {
            (Verb::Set, _) => true,
            (_, None) => false,
            (Verb::Remove, Some(_)) => list.remove(&addr).is_some(),
            (Verb::Check | Verb::Update, Some(seen)) => {
                seen.iter().filter(|at| is_recent(at)).count() >= self.hits.unwrap_or(1)
            }
        };
        if verb == Verb::Set || verb == Verb::Update && found {
            note(list, addr, now);
        }
        found != negated
    }

    fn verb(&self) -> (&'static str, &'static str, bool) {
        let (verb, negated) = self.verb.unwrap_or((Verb::Set, false));
        match verb {
            Verb::Set => ("set", "SET", negated),
            Verb::Check => ("rcheck", "CHECK", negated),
            Verb::Update => ("update", "UPDATE", negated),
            Verb::Remove => ("remove", "REMOVE", negated),
        }
    }

    pub(super) fn describe(&self) -> String {
        let (_, verb, negated) = self.verb();
        let mut text = format!("{}recent: {verb}", Argument::sign(negated));
        text += &self.seconds.map(|seconds| format!(" seconds: {seconds}")).unwrap_or_default();
        text += &self.hits.map(|hits| format!(" hit_count: {hits}")).unwrap_or_default();
        let side = if self.by_destination { "dest" } else { "source" };
        format!("{text} name: {} side: {side} mask: {}", self.name, self.mask)
    }
}

/// The bits of an address that count.
fn masked(addr: IpAddr, mask: IpAddr) -> IpAddr {
    match (addr, mask) {
        (IpAddr::V4(addr), IpAddr::V4(mask)) => IpAddr::V4(addr & mask),
        (IpAddr::V6(addr), IpAddr::V6(mask)) => IpAddr::V6(addr & mask),
        (addr, _) => addr,
    }
}

/// Notes that an address was seen.
fn note(list: &mut BTreeMap<IpAddr, VecDeque<Instant>>, addr: IpAddr, now: Instant) {
    if list.len() >= ADDRESSES && !list.contains_key(&addr) {
        let oldest = list.iter().min_by_key(|(_, seen)| seen.back().copied()).map(|(addr, _)| *addr);
        oldest.map(|addr| list.remove(&addr));
    }
    let seen = list.entry(addr).or_default();
    if seen.len() >= MOMENTS {
        seen.pop_front();
    }
    seen.push_back(now);
}

impl fmt::Display for Recent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (verb, _, negated) = self.verb();
        write!(f, " {}--{verb}", Argument::sign(negated))?;
        self.seconds.map_or(Ok(()), |seconds| write!(f, " --seconds {seconds}"))?;
        self.hits.map_or(Ok(()), |hits| write!(f, " --hitcount {hits}"))?;
        let side = if self.by_destination { "rdest" } else { "rsource" };
        write!(f, " --name {} --mask {} --{side}", self.name, self.mask)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::sample;

    #[test]
    fn the_fourth_in_a_minute_is_recognised() {
        let packet = sample::udp("10.0.0.1", 1, "10.0.0.2", 2);
        let ip = Ip::parse(&packet).unwrap();
        let mut lists = Lists::default();
        let rule =
            |verb, hits| Recent { verb: Some((verb, false)), seconds: Some(60), hits, ..Recent::any(Family::V4) };
        let at = |secs| Instant::ZERO + Duration::from_secs(secs);
        let mut stopped = |secs| {
            let is_fourth = rule(Verb::Check, Some(3)).matches(at(secs), &ip, &mut lists);
            rule(Verb::Set, None).matches(at(secs), &ip, &mut lists);
            is_fourth
        };
        assert_eq!([0, 1, 2, 3, 70].map(&mut stopped), [false, false, false, true, false]);
        assert!(rule(Verb::Remove, None).matches(at(71), &ip, &mut lists));
        assert!(!rule(Verb::Update, None).matches(at(71), &ip, &mut lists));
        assert!(!rule(Verb::Check, Some(21)).is_sound());
    }
}
