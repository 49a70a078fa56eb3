//! A rule: what it asks of a packet and what it does with it, as typed and as printed. It has no counters; those are
//! its chain's.

use core::fmt;

use super::marks::Marks;
use super::matching::recent::Lists;
use super::matching::{Argument, Match};
use super::prefix::Prefix;
use super::subject::{Subject, Surroundings};
use super::target::Target;
use super::{Hook, Usage, name};

/// A device name, or the beginning of some (`eth+`), or all but those.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DevicePattern {
    start: String,
    /// Whether more may follow.
    open: bool,
    /// Whether the others are meant.
    pub negated: bool,
}

impl DevicePattern {
    /// A pattern as typed; none for `+`, which every device is, and for no name at all, which Linux takes for the same.
    ///
    /// # Errors
    /// `DeviceLong`.
    pub fn parse(text: &str, negated: bool) -> Result<Option<Self>, Usage> {
        if text.len() > 15 {
            return Err(Usage::DeviceLong(text.to_owned()));
        }
        let (start, open) = text.strip_suffix('+').map_or((text, false), |start| (start, true));
        Ok((!matches!(text, "+" | "")).then(|| Self { start: start.to_owned(), open, negated }))
    }

    /// Whether a device is meant. Where there is none it is another one, as for Linux: `! -i docker0` holds for what
    /// the host sends itself.
    #[must_use]
    pub fn matches(&self, device: Option<&str>) -> bool {
        let device = device.unwrap_or_default();
        (if self.open { device.starts_with(&self.start) } else { device == self.start }) != self.negated
    }

    /// The pattern without its `!`.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}{}", self.start, if self.open { "+" } else { "" })
    }
}

/// A rule.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rule {
    /// `-s`, and whether the others are meant.
    pub source: Option<(Prefix, bool)>,
    /// `-d`, and whether the others are meant.
    pub destination: Option<(Prefix, bool)>,
    /// `-i`.
    pub in_device: Option<DevicePattern>,
    /// `-o`.
    pub out_device: Option<DevicePattern>,
    /// `-p`, and whether the others are meant.
    pub protocol: Option<(u8, bool)>,
    /// `-f`: later fragments only; `! -f`: all but them.
    pub fragment: Option<bool>,
    /// `-m …`, in order.
    pub matches: Vec<Match>,
    /// `-j …`.
    pub target: Target,
}

impl Rule {
    /// Whether a packet is one of those meant.
    pub fn matches<S: Surroundings>(&mut self, subject: &Subject<'_, S>, marks: &Marks, lists: &mut Lists) -> bool {
        let ip = subject.ip;
        self.in_device.as_ref().is_none_or(|d| d.matches(subject.path.in_device))
            && self.out_device.as_ref().is_none_or(|d| d.matches(subject.path.out_device))
            && self.source.is_none_or(|(net, negated)| net.contains(ip.src) != negated)
            && self.destination.is_none_or(|(net, negated)| net.contains(ip.dst) != negated)
            && self.protocol.is_none_or(|(number, negated)| (number == ip.protocol) != negated)
            && self.fragment.is_none_or(|wanted| ip.fragment.is_some_and(|f| f.offset > 0) == wanted)
            && self.matches.iter_mut().all(|m| m.matches(subject, marks, lists))
    }

    /// Whether it needs flows to be tracked.
    #[must_use]
    pub fn needs_tracking(&self) -> bool {
        self.target.needs_tracking() || self.matches.iter().any(Match::needs_tracking)
    }

    /// What `iptables -L` shows after the addresses: a goto, the matches, the target's options.
    #[must_use]
    pub fn describe(&self, numeric: bool) -> String {
        let proto = self.protocol.map_or(0, |(number, _)| number);
        let mut text = String::from(if matches!(self.target, Target::Goto(_)) { "[goto] " } else { "" });
        for part in self.matches.iter().map(|m| m.describe(proto, numeric)).chain([self.target.describe(numeric)]) {
            if !part.is_empty() {
                text.push(' ');
                text.push_str(part.trim_start());
            }
        }
        text
    }

    /// The rule as iptables-save writes it, with `counters` before the target when they are wanted there (`-vS`).
    #[must_use]
    pub fn save(&self, counters: Option<(u64, u64)>) -> String {
        let mut words: Vec<String> = Vec::new();
        let mut word = |negated, option: &str, value: String| {
            words.push(format!("{}{option} {value}", Argument::sign(negated)));
        };
        for (option, prefix) in [("-s", self.source), ("-d", self.destination)] {
            if let Some((net, negated)) = prefix {
                word(negated, option, net.to_string());
            }
        }
        for (option, device) in [("-i", &self.in_device), ("-o", &self.out_device)] {
            if let Some(device) = device {
                word(device.negated, option, device.name());
            }
        }
        if let Some((number, negated)) = self.protocol {
            word(negated, "-p", name::protocol(number));
        }
        words.extend(self.fragment.map(|later| format!("{}-f", Argument::sign(!later))));
        words.extend(self.matches.iter().map(ToString::to_string));
        words.extend(counters.map(|(packets, bytes)| format!("-c {packets} {bytes}")));
        words.extend((self.target != Target::None).then(|| self.target.to_string()));
        words.join(" ")
    }

    /// The first device or address pattern that a packet of a chain with this name cannot have.
    pub(super) fn misplaced_device(&self, chain: &str) -> Option<Usage> {
        let (option, device) = match chain {
            "INPUT" | "PREROUTING" => ("-o", &self.out_device),
            "OUTPUT" | "POSTROUTING" => ("-i", &self.in_device),
            _ => return None,
        };
        device.as_ref().map(|_| Usage::DeviceWithChain(option, chain.to_owned()))
    }

    /// Whether a packet comes to it at all, as the kernel checks: a match for a protocol in a rule for that protocol,
    /// a reset for TCP only, and no negated `0.0.0.0/0`.
    /// Whether the kernel does not know how to look for what a match wants.
    pub(super) fn asks_for_unknown(&self) -> bool {
        self.matches.iter().any(|m| matches!(m, Match::String(string) if !string.is_known()))
    }

    /// Whether its matches can say anything of packets at a hook.
    pub(super) fn can_be_at(&self, hook: Hook) -> bool {
        matches!(hook, Hook::Output | Hook::Postrouting) || !self.matches.iter().any(Match::is_of_output)
    }

    pub(super) fn is_sound(&self) -> bool {
        let needed = self.matches.iter().filter_map(Match::requires_protocol);
        let for_tcp = matches!(self.target, Target::Reject(super::RejectWith::TcpReset) | Target::TcpMss(_));
        let reset = for_tcp.then_some(6);
        let never = [self.source, self.destination].iter().flatten().any(|(net, negated)| net.is_all() && *negated);
        !never
            && self.matches.iter().all(Match::is_sound)
            && needed.chain(reset).all(|number| self.protocol == Some((number, false)))
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.save(None))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_that_docker_made_reads_and_prints_back() {
        for line in include_str!("recorded.txt").lines() {
            let rule = line.splitn(3, ' ').nth(2).unwrap();
            assert_eq!(Rule::parse(rule).unwrap().to_string(), rule);
        }
    }

    #[test]
    fn what_is_typed_loosely_is_the_same_rule() {
        let same = |typed: &str, printed: &str| assert_eq!(Rule::parse(typed).unwrap(), Rule::parse(printed).unwrap());
        same("-p tcp --dport http -j ACCEPT", "-p tcp -m tcp --dport 80 -j ACCEPT");
        same("--source 10.1.2.3/8 --jump DROP", "-s 10.0.0.0/8 -j DROP");
        same("-m comment --comment \"a b\" -s 0/0", "-m comment --comment \"a b\"");
    }

    #[test]
    fn a_device_pattern_takes_no_device_for_another_one() {
        let pattern = |text, negated| DevicePattern::parse(text, negated).unwrap().unwrap();
        assert!(pattern("eth+", false).matches(Some("eth0")) && !pattern("eth", false).matches(Some("eth0")));
        assert!(!pattern("docker0", false).matches(None) && pattern("docker0", true).matches(None));
        assert_eq!(DevicePattern::parse("+", false), Ok(None));
        assert_eq!(DevicePattern::parse("", true), Ok(None));
    }

    #[test]
    fn what_is_typed_is_saved_and_listed_as_iptables_does_it() {
        let cases = [
            ("-m connmark ! --mark 1/0xff", "-m connmark ! --mark 0x1/0xff", "connmark match ! 0x1/0xff"),
            ("-m connmark --mark 1", "-m connmark --mark 0x1", "connmark match  0x1"),
            ("-j CONNMARK --set-mark 5/0xff", "-j CONNMARK --set-xmark 0x5/0xff", "CONNMARK xset 0x5/0xff"),
            ("-j CONNMARK --and-mark 4", "-j CONNMARK --set-xmark 0x0/0xfffffffb", "CONNMARK and 0x4"),
            (
                "-j CONNMARK --save-mark",
                "-j CONNMARK --save-mark --nfmask 0xffffffff --ctmask 0xffffffff",
                "CONNMARK save",
            ),
            (
                "-j CONNMARK --save-mark --mask 0xff",
                "-j CONNMARK --save-mark --nfmask 0xff --ctmask 0xff",
                "CONNMARK save mask 0xff",
            ),
            (
                "-j CONNMARK --restore-mark --nfmask 0xf --ctmask 0xff",
                "-j CONNMARK --restore-mark --nfmask 0xf --ctmask 0xff",
                "CONNMARK restore ctmask 0xff nfmask ~0xf",
            ),
            (
                "-p tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu",
                "-p tcp -m tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu",
                "tcp flags:0x06/0x02 TCPMSS clamp to PMTU",
            ),
            ("-p tcp -j TCPMSS --set-mss 1300", "-p tcp -j TCPMSS --set-mss 1300", "TCPMSS set 1300"),
            (
                "-m statistic --mode random --probability 0.5",
                "-m statistic --mode random --probability 0.50000000000",
                "statistic mode random probability 0.50000000000",
            ),
            (
                "-m statistic --mode nth --every 3 --packet 2",
                "-m statistic --mode nth --every 3 --packet 2",
                "statistic mode nth every 3 packet 2",
            ),
            (
                "-m statistic --mode nth --every 3",
                "-m statistic --mode nth --every 3 --packet 0",
                "statistic mode nth every 3",
            ),
            ("-m ttl ! --ttl-eq 64", "-m ttl ! --ttl-eq 64", "TTL match TTL != 64"),
            ("-m ttl --ttl-lt 5", "-m ttl --ttl-lt 5", "TTL match TTL < 5"),
            ("-j TTL --ttl-dec 3", "-j TTL --ttl-dec 3", "TTL decrement by 3"),
            ("-m length ! --length :200", "-m length ! --length 0:200", "length !0:200"),
            ("-m length --length 100", "-m length --length 100", "length 100"),
            (
                "-m recent --update --seconds 60 --hitcount 4 --name ssh",
                "-m recent --update --seconds 60 --hitcount 4 --name ssh --mask 255.255.255.255 --rsource",
                "recent: UPDATE seconds: 60 hit_count: 4 name: ssh side: source mask: 255.255.255.255",
            ),
            (
                "-m recent ! --rcheck --rdest",
                "-m recent ! --rcheck --name DEFAULT --mask 255.255.255.255 --rdest",
                "! recent: CHECK name: DEFAULT side: dest mask: 255.255.255.255",
            ),
            (
                "-m hashlimit --hashlimit-above 5/min --hashlimit-mode srcip,dstport --hashlimit-name a",
                "-m hashlimit --hashlimit-above 5/min --hashlimit-burst 5 --hashlimit-mode srcip,dstport --hashlimit-name a",
                "limit: above 5/min burst 5 mode srcip-dstport",
            ),
            (
                "-m hashlimit --hashlimit 5/sec --hashlimit-name bar",
                "-m hashlimit --hashlimit-upto 5/sec --hashlimit-burst 5 --hashlimit-name bar",
                "limit: up to 5/sec burst 5",
            ),
            (
                "-m conntrack --ctproto tcp --ctorigdstport 80 --ctdir ORIGINAL",
                "-m conntrack --ctproto 6 --ctorigdstport 80 --ctdir ORIGINAL",
                "ctproto 6 ctorigdstport 80 ctdir ORIGINAL",
            ),
            ("-m physdev --physdev-is-in", "-m physdev --physdev-is-in", "PHYSDEV match --physdev-is-in"),
            ("-j NOTRACK", "-j NOTRACK", "NOTRACK"),
            ("-j CT --notrack", "-j CT --notrack", "CT notrack"),
        ];
        for (typed, saved, listed) in cases {
            let rule = Rule::parse(typed).unwrap();
            assert_eq!((rule.to_string().as_str(), rule.describe(true).trim_start()), (saved, listed), "{typed}");
            assert_eq!(Rule::parse(saved).unwrap(), rule);
        }
    }

    #[test]
    fn what_a_module_cannot_do_is_refused_in_its_own_words() {
        let cases = [
            ("-j CONNMARK", "CONNMARK target: No operation specified"),
            ("-p tcp -j TCPMSS", "TCPMSS target: At least one parameter is required"),
            (
                "-p tcp -j TCPMSS --set-mss 99999",
                "TCPMSS: bad value for option \"--set-mss\", or out of range (0-65515).\n",
            ),
            ("-m statistic --mode foo", "Bad mode \"foo\""),
            ("-m statistic --mode nth --every 3 --packet 4", "the --packet p must be 0 <= p <= n-1"),
            ("-m ttl --ttl-eq 300", "ttl: bad value for option \"--ttl-eq\", or out of range (0-255).\n"),
            ("-j TTL", "TTL: You must specify an action"),
            ("-m mac --mac-source zz", "Invalid MAC address specified."),
            ("-m recent", "recent: you must specify one of `--set', `--rcheck' `--update' or `--remove'"),
            ("-m hashlimit", "You have to specify --hashlimit"),
        ];
        for (typed, said) in cases {
            assert_eq!(Rule::parse(typed).unwrap_err().to_string(), said, "{typed}");
        }
    }

    #[test]
    fn a_list_of_addresses_is_no_single_rule() {
        assert!(Rule::parse("-s 1.1.1.1,2.2.2.2 -j DROP").is_err());
        assert_eq!(Rule::parse("! -0 docker0").unwrap_err().to_string(), "unknown option \"-0\"");
    }
}
