//! `-m connlimit`: how many connections there are from (or to) an address or its network. A rule counts those that it has
//! seen and that still live.

use core::fmt;
use core::net::IpAddr;

use super::Argument;
use crate::addr::IpNetwork;
use crate::conntrack::{Direction, Tuple};
use crate::filter::subject::{Subject, Surroundings};
use crate::filter::{Family, Usage};

/// The match.
#[derive(Clone, Debug)]
pub struct ConnLimit {
    /// The number, and whether there shall be more than that.
    limit: Option<(u32, bool)>,
    /// How many bits of the address count.
    mask: u8,
    by_destination: bool,
    /// The connections seen, each with the network it counts for.
    seen: Vec<(IpAddr, Tuple)>,
}

/// Two are the same rule whatever they have seen.
impl PartialEq for ConnLimit {
    fn eq(&self, other: &Self) -> bool {
        (self.limit, self.mask, self.by_destination) == (other.limit, other.mask, other.by_destination)
    }
}

impl ConnLimit {
    pub(super) const fn any(family: Family) -> Self {
        let mask = match family {
            Family::V4 => 32,
            Family::V6 => 128,
        };
        Self { limit: None, mask, by_destination: false, seen: Vec::new() }
    }

    pub(super) fn parse(&mut self, argument: &mut Argument<'_, '_>) -> Result<bool, Usage> {
        match argument.name {
            "connlimit-above" => {
                self.limit = Some((number(argument.value()?, "--connlimit-above")?, !argument.negated));
            }
            "connlimit-upto" => {
                self.limit = Some((number(argument.value()?, "--connlimit-upto")?, argument.negated));
            }
            "connlimit-mask" => {
                let mask = u8::try_from(number(argument.value()?, "--connlimit-mask")?).unwrap_or(u8::MAX);
                self.mask = self.mask.min(mask);
            }
            "connlimit-saddr" => self.by_destination = false,
            "connlimit-daddr" => self.by_destination = true,
            _ => return Ok(false),
        }
        Ok(true)
    }

    pub(super) const fn check(&self) -> Result<(), Usage> {
        if self.limit.is_none() {
            return Err(Usage::Said("You must specify \"--connlimit-above\" or \"--connlimit-upto\"."));
        }
        Ok(())
    }

    pub(super) fn matches<S: Surroundings>(&mut self, subject: &Subject<'_, S>) -> bool {
        let Some((limit, above)) = self.limit else { return false };
        let flow = subject.flow.map_or_else(|| Tuple::of(subject.ip), |(entry, _)| *entry.tuple(Direction::Original));
        let addr = network(if self.by_destination { subject.ip.dst } else { subject.ip.src }, self.mask);
        self.seen.retain(|(_, seen)| *seen == flow || subject.flows.is_open(subject.now, seen));
        if !self.seen.iter().any(|(_, seen)| *seen == flow) {
            self.seen.push((addr, flow));
        }
        let count = self.seen.iter().filter(|(of, _)| *of == addr).count();
        (count > limit as usize) == above
    }

    pub(super) fn describe(&self) -> String {
        let (limit, above) = self.limit.unwrap_or_default();
        let end = if self.by_destination { "dst" } else { "src" };
        format!("#conn {end}/{} {} {limit}", self.mask, if above { ">" } else { "<=" })
    }
}

impl fmt::Display for ConnLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (limit, above) = self.limit.unwrap_or_default();
        let (word, end) = (if above { "above" } else { "upto" }, if self.by_destination { "daddr" } else { "saddr" });
        write!(f, " --connlimit-{word} {limit} --connlimit-mask {} --connlimit-{end}", self.mask)
    }
}

fn number(text: &str, option: &str) -> Result<u32, Usage> {
    let wrong = || {
        let why = format!("connlimit: bad value for option \"{option}\", or out of range (0-4294967295).\n");
        Usage::Text(why)
    };
    text.parse().map_err(|_| wrong())
}

/// The first bits of an address.
fn network(addr: IpAddr, bits: u8) -> IpAddr {
    IpNetwork::new(addr, bits).map_or(addr, |network| network.network())
}
