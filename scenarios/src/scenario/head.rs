//! The YAML head of a scenario: what the world is like before the first command. Keys that it does not know are
//! refused, so that a misspelt one is not silently without effect.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::fault::FaultKind;
use super::markdown::{Wrong, lines};
use super::period::Period;

/// The host that `$` means when the head names none.
const DEFAULT_HOST: &str = "docker01";

/// What the head says, or would say.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct Head {
    /// The hosts on the LAN, in the order of their addresses. `$` means the first.
    pub hosts: Vec<String>,
    /// Where all chance comes from; the command line's `--seed` goes before.
    pub seed: Option<u64>,
    /// The uplinks of hosts that are not as usual.
    pub links: BTreeMap<String, Link>,
    /// Whether the steps are to be met.
    pub expect: Expect,
    /// How much virtual time it may take; the command line's `--time-limit` goes before.
    pub time_limit: Option<Period>,
}

impl Default for Head {
    fn default() -> Self {
        Self {
            hosts: vec![DEFAULT_HOST.to_owned()],
            seed: None,
            links: BTreeMap::new(),
            expect: Expect::Pass,
            time_limit: None,
        }
    }
}

/// What a host's uplink does to frames.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Link {
    /// The time a frame takes in one direction.
    pub delay: Period,
}

/// What is expected of the scenario as a whole.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
pub enum Expect {
    /// At least one step must not be met: the scenario shows that something is noticed.
    Fail,
    /// Every step must be met.
    Pass,
}

impl Head {
    /// Reads the head `yaml`, which begins at `offset` of its file.
    ///
    /// # Errors
    /// What is wrong, at the line that is.
    pub fn parse(yaml: &str, offset: usize) -> Result<Self, Wrong> {
        if yaml.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#')) {
            return Ok(Self::default());
        }
        let head: Self = serde_saphyr::from_str(yaml).map_err(|error| describe(&error, yaml, offset))?;
        match head.complaint() {
            Some(complaint) => Err((FaultKind::Head(complaint), offset..offset + yaml.trim_end().len())),
            None => Ok(head),
        }
    }

    /// What is wrong with the head as a whole.
    fn complaint(&self) -> Option<String> {
        if self.hosts.is_empty() {
            return Some("a world has at least one host".to_owned());
        }
        let stranger = self.links.keys().find(|name| !self.hosts.contains(name))?;
        Some(format!("a link of {stranger}, which is no host"))
    }

    /// The host that `$` means.
    ///
    /// # Panics
    /// Never: a head without hosts is refused.
    #[must_use]
    pub fn default_host(&self) -> &str {
        self.hosts.first().expect("a head has at least one host")
    }
}

/// The parser's words without its own drawing of the place, and the bytes of the line that it complains of.
fn describe(error: &serde_saphyr::Error, yaml: &str, offset: usize) -> Wrong {
    let error = error.without_snippet();
    let number = error.location().map_or(1, |location| usize::try_from(location.line()).unwrap_or(1));
    let line = lines(yaml).nth(number.saturating_sub(1));
    let span = line.map_or_else(|| 0..yaml.trim_end().len(), |line| line.span());
    (FaultKind::Head(words(&error.to_string())), offset + span.start..offset + span.end)
}

/// A message without the line and column that it counts from the beginning of the head.
fn words(message: &str) -> String {
    let end = message.find(" at line ").unwrap_or(message.len());
    message[..end].lines().next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_says_what_the_world_is_like() {
        let yaml =
            "hosts: [docker01, docker02]\nseed: 7\nexpect: fail\ntime-limit: 10m\nlinks:\n  docker02: {delay: 5ms}\n";
        let head = Head::parse(yaml, 4).expect("the head is right");
        assert_eq!(head.hosts, ["docker01", "docker02"]);
        assert_eq!((head.seed, head.expect), (Some(7), Expect::Fail));
        assert_eq!(head.time_limit.map(|p| p.to_string()).as_deref(), Some("10m"));
        assert_eq!(head.links["docker02"].delay.to_string(), "5ms");
    }

    #[test]
    fn no_head_is_one_host() {
        assert_eq!(Head::parse("# nothing\n\n", 4), Ok(Head::default()));
        assert_eq!(Head::default().default_host(), "docker01");
    }

    fn wrong(yaml: &str) -> (String, std::ops::Range<usize>) {
        let (kind, span) = Head::parse(yaml, 100).expect_err(yaml);
        (kind.to_string(), span)
    }

    #[test]
    fn a_misspelt_key_is_pointed_at() {
        let (words, span) = wrong("seed: 1\nsead: 2\n");
        assert_eq!(span, 108..115);
        assert!(words.starts_with("the head is wrong: unknown field `sead`, expected one of "), "{words}");
    }

    #[test]
    fn wrong_values_are_pointed_at() {
        let (words, span) = wrong("seed: 1\ntime-limit: 10\n");
        assert!(words.contains("`10` is no length of time"), "{words}");
        assert_eq!(span.start, 108);
        assert_eq!(wrong("hosts: []\n").0, "the head is wrong: a world has at least one host");
        let (words, _) = wrong("links:\n  docker09: {delay: 1ms}\n");
        assert_eq!(words, "the head is wrong: a link of docker09, which is no host");
    }
}
