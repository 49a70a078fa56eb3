//! `-m hashlimit`: so many packets in a time for each address or port, by a bucket for each.

use core::fmt;
use core::net::IpAddr;
use std::collections::BTreeMap;

use super::Argument;
use super::limit::Bucket;
use crate::filter::Usage;
use crate::packet::Ip;
use crate::time::Instant;

/// Buckets of a rule; then those that were full first make room.
const LIMIT: usize = 4096;

/// What tells one bucket from another, in iptables' order.
const MODES: [(&str, u8); 4] = [("srcip", 2), ("srcport", 8), ("dstip", 1), ("dstport", 4)];

type Key = (Option<IpAddr>, Option<u16>, Option<IpAddr>, Option<u16>);

/// The match.
#[derive(Clone, Debug, Default)]
pub struct HashLimit {
    /// The rate and burst, and whether what is above it is meant.
    bucket: Bucket,
    above: Option<bool>,
    modes: u8,
    name: Option<String>,
    buckets: BTreeMap<Key, Bucket>,
}

/// Two are the same rule whatever is in their buckets.
impl PartialEq for HashLimit {
    fn eq(&self, other: &Self) -> bool {
        (&self.bucket, self.above, self.modes, &self.name) == (&other.bucket, other.above, other.modes, &other.name)
    }
}

impl HashLimit {
    pub(super) fn parse(&mut self, argument: &mut Argument<'_, '_>) -> Result<bool, Usage> {
        match argument.name {
            "hashlimit" | "hashlimit-upto" | "hashlimit-above" => {
                self.above = Some((argument.name == "hashlimit-above") != argument.negated);
                self.bucket.set_rate(argument.value()?)?;
            }
            "hashlimit-burst" => self.bucket.set_burst(argument.value()?, ("hashlimit", "--hashlimit-burst"))?,
            "hashlimit-mode" => {
                for word in argument.value()?.split(',') {
                    let mode = MODES.iter().find(|(name, _)| *name == word);
                    let bad = || {
                        Usage::Said(
                            "hashlimit: bad value for option \"--hashlimit-mode\", or out of range.
",
                        )
                    };
                    self.modes |= mode.ok_or_else(bad)?.1;
                }
            }
            "hashlimit-name" => self.name = Some(argument.value()?.to_owned()),
            // How the kernel keeps its table makes no difference here.
            "hashlimit-htable-size"
            | "hashlimit-htable-max"
            | "hashlimit-htable-expire"
            | "hashlimit-htable-gcinterval" => {
                argument.value()?.parse::<u32>().map_err(|_| Usage::Integer("hashlimit", "--hashlimit-htable-size"))?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    pub(super) const fn check(&self) -> Result<(), Usage> {
        if self.above.is_none() {
            return Err(Usage::Said("You have to specify --hashlimit"));
        }
        if self.name.is_none() { Err(Usage::Required("hashlimit", "--hashlimit-name")) } else { Ok(()) }
    }

    pub(super) fn matches(&mut self, now: Instant, ip: &Ip) -> bool {
        let ports = ip.ports();
        let has = |bit: u8| self.modes & bit != 0;
        let key = (
            has(2).then_some(ip.src),
            ports.filter(|_| has(8)).map(|(source, _)| source),
            has(1).then_some(ip.dst),
            ports.filter(|_| has(4)).map(|(_, destination)| destination),
        );
        if self.buckets.len() >= LIMIT && !self.buckets.contains_key(&key) {
            self.buckets.retain(|_, bucket| !bucket.is_full(now));
        }
        let new = self.bucket.clone();
        let is_within = self.buckets.entry(key).or_insert(new).take(now);
        is_within != self.above.unwrap_or_default()
    }

    fn modes(&self, between: &str) -> String {
        let named: Vec<&str> = MODES.iter().filter(|(_, bit)| self.modes & bit != 0).map(|(name, _)| *name).collect();
        named.join(between)
    }

    pub(super) fn describe(&self) -> String {
        let what = if self.above == Some(true) { "above" } else { "up to" };
        let modes = if self.modes == 0 { String::new() } else { format!(" mode {}", self.modes("-")) };
        format!("limit: {what} {} burst {}{modes}", self.bucket.rate(), self.bucket.burst())
    }
}

impl fmt::Display for HashLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = if self.above == Some(true) { "above" } else { "upto" };
        write!(f, " --hashlimit-{what} {} --hashlimit-burst {}", self.bucket.rate(), self.bucket.burst())?;
        if self.modes != 0 {
            write!(f, " --hashlimit-mode {}", self.modes(","))?;
        }
        write!(f, " --hashlimit-name {}", self.name.as_deref().unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::sample;

    #[test]
    fn each_source_has_a_bucket_of_its_own() {
        let mut limit = HashLimit { above: Some(false), modes: 2, ..HashLimit::default() };
        limit.bucket.set_rate("1/s").unwrap();
        limit.bucket.set_burst("2", ("hashlimit", "--hashlimit-burst")).unwrap();
        let mut from = |src: &str| {
            let packet = sample::udp(src, 1, "10.0.0.9", 2);
            limit.matches(Instant::ZERO, &Ip::parse(&packet).unwrap())
        };
        assert_eq!(["10.0.0.1", "10.0.0.1", "10.0.0.1", "10.0.0.2"].map(&mut from), [true, true, false, true]);
    }
}
