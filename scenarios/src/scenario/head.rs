//! The YAML head of a scenario: what the world is like before the first command. Keys that it does not know are
//! refused, so that a misspelt one is not silently without effect.

use core::net::{IpAddr, Ipv4Addr};
use std::collections::BTreeMap;

use netyard_drivers::daemon::{self, Config};
use netyard_drivers::site::{Site, SiteConfig, Uplink, has_room_at};
use netyard_sim::dns::Manner;
use netyard_sim::link::Condition;
use serde::Deserialize;

use super::engine::EngineSettings;
use super::fault::FaultKind;
use super::markdown::{Wrong, lines};
use super::period::Period;
use super::step::REAL;

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
    /// Further name servers on the LAN 192.0.2.0/24, by address: `nameservers: {192.0.2.51: servfail}`.
    pub nameservers: BTreeMap<Ipv4Addr, Nameserver>,
    /// What the engines of all hosts are told before they start, with the keys of Docker's `daemon.json`:
    /// `engine: {bip: 172.17.42.1/16, icc: false, mtu: 1400}`.
    pub engine: EngineSettings,
    /// What those of single hosts are told on top of that: `engines: {docker02: {userland-proxy: false}}`.
    pub engines: BTreeMap<String, EngineSettings>,
    /// Whether the steps are to be met.
    pub expect: Expect,
    /// The programs of this machine that steps for real programs need: `needs: [curl, docker]`. Where one is missing these
    /// steps are not played, nor those after them.
    pub needs: Vec<String>,
    /// How much virtual time it may take; the command line's `--time-limit` goes before.
    pub time_limit: Option<Period>,
}

impl Default for Head {
    fn default() -> Self {
        Self {
            hosts: vec![DEFAULT_HOST.to_owned()],
            seed: None,
            links: BTreeMap::new(),
            nameservers: BTreeMap::new(),
            engine: EngineSettings::default(),
            engines: BTreeMap::new(),
            expect: Expect::Pass,
            needs: Vec::new(),
            time_limit: None,
        }
    }
}

/// What a host's uplink does to frames.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct Link {
    /// The time a frame takes in one direction.
    pub delay: Option<Period>,
    /// The share of frames that are lost in each direction: `loss: 1%`.
    pub loss: Option<String>,
    /// How much passes in each direction: `rate: 10mbit`.
    pub rate: Option<String>,
    /// What else is done to frames, in the words of `netyard impair set`: `impair: mobile-3g`, or `impair: duplicate 1%`.
    pub impair: Option<String>,
    /// Whether the LAN's port lets the host have frames for other Ethernet addresses than its uplink's own:
    /// `promiscuity: false` for one that does not, as many switches and hypervisors are, where macvlans and bridges on
    /// the uplink are not reached.
    pub promiscuity: bool,
}

impl Default for Link {
    fn default() -> Self {
        Self { delay: None, loss: None, rate: None, impair: None, promiscuity: true }
    }
}

impl Link {
    /// What is done to frames beside the delay of the cable, in the words of `netyard impair set`.
    fn impairment(&self) -> Vec<&str> {
        let mut words: Vec<&str> = self.impair.iter().flat_map(|words| words.split_whitespace()).collect();
        for (word, value) in [("loss", &self.loss), ("rate", &self.rate)] {
            words.extend(value.iter().flat_map(|value| [word, value.as_str()]));
        }
        words
    }
}

impl From<&Link> for Uplink {
    fn from(link: &Link) -> Self {
        let usual = Condition::default();
        let condition = link.delay.map_or(usual, |delay| Condition { delay: delay.0 });
        Self { condition, promiscuity: link.promiscuity }
    }
}

/// What a name server says to whoever asks, whatever he asks for.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
pub enum Nameserver {
    /// Nothing.
    Silent,
    /// That it failed.
    Servfail,
    /// That it does not answer.
    Refused,
    /// That there is no such name.
    Nxdomain,
    /// This address: `{address: 192.0.2.199}`.
    Address(IpAddr),
    /// This address, but only by TCP: by UDP, that the answer does not fit.
    Truncated(IpAddr),
}

impl From<Nameserver> for Manner {
    fn from(nameserver: Nameserver) -> Self {
        match nameserver {
            Nameserver::Silent => Self::Silent,
            Nameserver::Servfail => Self::Servfail,
            Nameserver::Refused => Self::Refused,
            Nameserver::Nxdomain => Self::Nxdomain,
            Nameserver::Address(addr) => Self::Address(addr),
            Nameserver::Truncated(addr) => Self::Truncated(addr),
        }
    }
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
        if self.hosts.iter().any(|host| host == REAL) {
            return Some(format!("a host called {REAL}, which is this machine"));
        }
        if let Some(stranger) = self.links.keys().find(|name| !self.hosts.contains(name)) {
            return Some(format!("a link of {stranger}, which is no host"));
        }
        if self.links.values().any(|link| !link.impairment().is_empty()) {
            let mut trial = Site::new(&SiteConfig { hosts: self.hosts.clone(), ..SiteConfig::default() });
            if let Err(complaint) = self.impair(&mut trial) {
                return Some(complaint);
            }
        }
        if let Some(stranger) = self.engines.keys().find(|name| !self.hosts.contains(name)) {
            return Some(format!("an engine of {stranger}, which is no host"));
        }
        if let Some(addr) = self.nameservers.keys().find(|addr| !has_room_at(**addr, self.hosts.len())) {
            return Some(format!("a name server at {addr}, where the LAN 192.0.2.0/24 has no room"));
        }
        self.hosts.iter().find_map(|host| self.engine_of(host).err().map(|error| error.to_string()))
    }

    /// Does to the links of hosts what the head says beside their delay.
    ///
    /// # Errors
    /// What cannot be done, in words; never in a head that was parsed.
    pub fn impair(&self, site: &mut Site) -> Result<(), String> {
        for (host, link) in &self.links {
            let words = link.impairment();
            if !words.is_empty() {
                let words = [vec!["set", host], words].concat();
                site.impair(&words)
                    .map_err(|why| format!("the link of {host}: {}", why.lines().next().unwrap_or_default()))?;
            }
        }
        Ok(())
    }

    /// What the engine of a host is told.
    ///
    /// # Errors
    /// What does not go together; never in a head that was parsed.
    pub fn engine_of(&self, host: &str) -> Result<Config, daemon::Error> {
        self.engines.get(host).cloned().unwrap_or_default().over(&self.engine)
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
        assert_eq!(head.links["docker02"].delay.map(|delay| delay.to_string()).as_deref(), Some("5ms"));
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
    fn engines_are_told_what_the_head_says() {
        let yaml = "hosts: [docker01, docker02]\nengine: {bip: 172.17.42.1/16, icc: false, dns: 192.0.2.9}\nengines:\n  \
                    docker02:\n    icc: true\n    default-address-pools: [{base: 10.10.0.0/16, size: 24}]\n";
        let head = Head::parse(yaml, 0).expect("the head is right");
        let told = |host: &str| head.engine_of(host).expect("it goes together").to_file().replace(['\n', ' '], "");
        assert_eq!(told("docker01"), r#"{"bip":"172.17.42.1/16","icc":false,"dns":["192.0.2.9"]}"#);
        let pools = r#""default-address-pools":[{"base":"10.10.0.0/16","size":24}]"#;
        assert_eq!(told("docker02"), format!(r#"{{"bip":"172.17.42.1/16","dns":["192.0.2.9"],{pools}}}"#));
    }

    #[test]
    fn a_wrong_setting_of_an_engine_is_pointed_at_in_dockerds_words() {
        let at = |yaml: &str, line: &str| {
            let (words, span) = wrong(yaml);
            assert_eq!(&yaml[span.start - 100..span.end - 100], line, "{words}");
            words.strip_prefix("the head is wrong: ").map(str::to_owned).expect("it is about the head")
        };
        assert_eq!(
            at("engine:\n  icc: false\n  mtu: x\n", "  mtu: x"),
            "json: cannot unmarshal string into Go struct field Config.mtu of type int"
        );
        assert_eq!(
            at("engine:\n  nosuch: 1\n  icc: false\n", "  nosuch: 1"),
            "the following directives don't match any configuration option: nosuch"
        );
        assert_eq!(
            at("seed: 1\nengine: {bip: banana}\n", "engine: {bip: banana}"),
            "Error initializing network controller: invalid CIDR address: banana"
        );
        let (words, _) = wrong("engine: {icc: false, iptables: false}\n");
        assert!(words.contains("You specified --iptables=false with --icc=false."), "{words}");
        assert_eq!(wrong("engines: {docker09: {}}\n").0, "the head is wrong: an engine of docker09, which is no host");
    }

    #[test]
    fn name_servers_stand_where_the_lan_has_room() {
        let yaml = "nameservers:\n  192.0.2.51: servfail\n  192.0.2.53: {address: 192.0.2.199}\n";
        let head = Head::parse(yaml, 0).expect("the head is right");
        let addr = "192.0.2.199".parse().expect("an address");
        let told: Vec<_> = head.nameservers.values().copied().collect();
        assert_eq!(told, [Nameserver::Servfail, Nameserver::Address(addr)]);
        for taken in ["192.0.2.1", "192.0.2.10", "192.0.2.80", "192.0.2.255", "192.0.3.51"] {
            let words = wrong(&format!("nameservers: {{{taken}: silent}}\n")).0;
            let expected = format!("a name server at {taken}, where the LAN 192.0.2.0/24 has no room");
            assert_eq!(words, format!("the head is wrong: {expected}"));
        }
        assert!(wrong("nameservers: {192.0.2.51: sulks}\n").0.contains("sulks"));
    }

    #[test]
    fn wrong_values_are_pointed_at() {
        let (words, span) = wrong("seed: 1\ntime-limit: 10\n");
        assert!(words.contains("`10` is no length of time"), "{words}");
        assert_eq!(span.start, 108);
        assert_eq!(wrong("hosts: []\n").0, "the head is wrong: a world has at least one host");
        let (words, _) = wrong("links:\n  docker01: {loss: much}\n");
        assert_eq!(words, "the head is wrong: the link of docker01: Unknown loss parameter: much");
        let (words, _) = wrong("links:\n  docker09: {delay: 1ms}\n");
        assert_eq!(words, "the head is wrong: a link of docker09, which is no host");
    }
}
