//! `netyard impair`: what links do to frames, set for places instead of devices. It types what a person could type: a
//! queueing discipline at each end of a cable, rules of the firewall, devices down; each can be seen and undone by `tc`,
//! `iptables` and `ip` too. What disciplines do is [`netyard_sim::qdisc`]'s affair.

mod preset;
mod wall;

use core::fmt;

use netyard_sim::device::Kind;
use netyard_sim::fabric::NamespaceId;
use netyard_sim::link::End;
use netyard_sim::qdisc::{Finding, Ledger, Parent, Qdisc, Request, Settings, Verb, Verdict};
use netyard_sim::userland::tc;

use super::Site;

pub use preset::{PRESETS, Preset};

/// How the command is used.
pub const USAGE: &str = "\
usage: netyard impair set PLACE[:DEVICE] [in|out] PRESET
       netyard impair set PLACE[:DEVICE] [in|out] [netem|tbf|fq_codel|pfifo|bfifo] OPTIONS
       netyard impair set PLACE[:DEVICE] down|up
       netyard impair set PLACE,PLACE... apart PLACE,PLACE...
       netyard impair set PLACE,PLACE... to PLACE,PLACE... blackhole [MATCHES]
       netyard impair show [PLACE[:DEVICE]]
       netyard impair report
       netyard impair reset [PLACE[:DEVICE] [in|out]]
       netyard impair reset PLACE,PLACE... to PLACE,PLACE...
       netyard impair presets
Without `in` or `out` both directions are meant. OPTIONS are those of tc, MATCHES those of iptables.
";

/// The handle of what this command sets, so that it knows its own.
const HANDLE: u16 = 0x10;

/// In which direction frames go, seen from a place.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Direction {
    /// To it.
    In,
    /// From it.
    Out,
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::In => "in",
            Self::Out => "out",
        })
    }
}

/// What a link was told to do in one direction, and what it did.
#[derive(Clone, Debug)]
pub struct Impairment {
    /// `c1/eth0 out`
    pub link: String,
    /// As `tc` prints it.
    pub told: String,
    /// Whether it is over.
    pub over: bool,
    /// What was asked against what was delivered.
    pub findings: Vec<Finding>,
}

impl fmt::Display for Impairment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}: {}{}", self.link, self.told, if self.over { " (over)" } else { "" })?;
        self.findings.iter().try_for_each(|finding| writeln!(f, "  {}", line(finding)))
    }
}

/// A finding in words.
#[must_use]
pub fn line(finding: &Finding) -> String {
    let Finding { what, asked, delivered, of, verdict } = finding;
    let unit = if *what == "rate" { "bytes" } else { "frames" };
    let judged = match verdict {
        Verdict::Met => String::new(),
        Verdict::Missed => ": more than chance allows".to_owned(),
        Verdict::Unjudged(why) => format!(" (not judged: {why})"),
    };
    format!("{what}: asked {asked}, delivered {delivered} of {of} {unit}{judged}")
}

/// A place and its devices, as somebody named them.
struct Target<'a> {
    place: &'a str,
    device: Option<&'a str>,
}

impl<'a> Target<'a> {
    fn read(word: &'a str) -> Self {
        let (place, device) = word.split_once(':').map_or((word, None), |(place, device)| (place, Some(device)));
        Self { place, device }
    }
}

impl Site {
    /// Does what `netyard impair` is asked by these words, and says what it has to say.
    ///
    /// # Errors
    /// What is wrong, in words; nothing is changed then.
    pub fn impair(&mut self, words: &[&str]) -> Result<String, String> {
        match words {
            ["set", places, "apart", others] => self.set_apart(places, others).map(|()| String::new()),
            ["set", from, "to", to, "blackhole", matches @ ..] => {
                self.blackhole(from, to, matches).map(|()| String::new())
            }
            ["set", target, switch @ ("down" | "up")] => self.switch(&Target::read(target), *switch == "up"),
            ["set", target, rest @ ..] if !rest.is_empty() => self.set_links(&Target::read(target), rest),
            ["show"] => Ok(self.shown(None)),
            ["report"] => Ok(self.impairments().iter().map(ToString::to_string).collect()),
            ["show", target] => {
                let target = Target::read(target);
                self.ends(&target)?;
                Ok(self.shown(Some(&target)))
            }
            ["reset"] => self.reset_all(),
            ["reset", target] => self.reset(&Target::read(target)),
            ["reset", target, direction @ ("in" | "out")] => self.reset_direction(&Target::read(target), direction),
            ["reset", from, "to", to] => self.tear_down_between(from, to).map(|()| String::new()),
            ["presets"] => Ok(PRESETS.iter().map(ToString::to_string).collect()),
            _ => Err(USAGE.to_owned()),
        }
    }

    /// All that links are told to do, and what they were told before, with what came of it.
    #[must_use]
    pub fn impairments(&self) -> Vec<Impairment> {
        let fabric = &self.world.fabric;
        let mut all = Vec::new();
        let told = |link: String, settings: &Settings, ledger: &Ledger, over: bool| Impairment {
            link,
            told: tc::describe(settings),
            over,
            findings: ledger.findings(settings),
        };
        for (name, retired) in fabric.retired_qdiscs() {
            let link = format!("{name}/{} out", retired.device);
            all.push(told(link, &retired.past.settings, &retired.past.ledger, true));
        }
        for (id, namespace) in fabric.namespaces() {
            for retired in namespace.retired_qdiscs() {
                let index = namespace.device_named(&retired.device).map(|device| device.index);
                let gone = || format!("{}/{} out", self.name_of_namespace(id), retired.device);
                let link = index.map_or_else(gone, |device| self.link_name(End { namespace: id, device }));
                all.push(told(link, &retired.past.settings, &retired.past.ledger, true));
            }
            for device in namespace.devices.values() {
                let link = || self.link_name(End { namespace: id, device: device.index });
                let chain = device.queue.iter().flat_map(|root| root.chain());
                all.extend(chain.map(|qdisc: &Qdisc| told(link(), &qdisc.settings, &qdisc.ledger, false)));
            }
        }
        all
    }

    /// What a direction of a link is called: by the end that is a container's, a host's uplink, or a namespace's.
    fn link_name(&self, end: End) -> String {
        let fabric = &self.world.fabric;
        let name = |end: End| {
            let device = fabric.namespace(end.namespace).devices.get(&end.device);
            format!("{}/{}", self.name_of_namespace(end.namespace), device.map_or("?", |device| &device.name))
        };
        let is_port = |end: End| {
            let device = fabric.namespace(end.namespace).devices.get(&end.device);
            device.is_some_and(|device| device.master.is_some())
        };
        match fabric.peer_of(end.namespace, end.device) {
            Some(peer) if is_port(end) && !is_port(peer) => format!("{} in", name(peer)),
            _ => format!("{} out", name(end)),
        }
    }

    /// The devices that are meant, with the other ends of their cables.
    fn ends(&self, target: &Target<'_>) -> Result<Vec<(End, Option<End>)>, String> {
        let Target { place, device } = target;
        let namespace = self.namespace_called(place)?;
        let fabric = &self.world.fabric;
        let is_meant = |d: &&netyard_sim::device::Device| match device {
            Some(name) => d.name == *name,
            None => matches!(d.kind, Kind::Veth { .. }) && d.master.is_none(),
        };
        let devices = fabric.namespace(namespace).devices.values().filter(is_meant);
        let ends: Vec<_> = devices
            .map(|device| {
                let pair = matches!(device.kind, Kind::Veth { .. });
                let peer = pair.then(|| fabric.peer_of(namespace, device.index)).flatten();
                (End { namespace, device: device.index }, peer)
            })
            .collect();
        match device {
            Some(name) if ends.is_empty() => Err(format!("{place} has no device {name}\n")),
            None if ends.is_empty() => Err(format!("{place} has no cable\n")),
            _ => Ok(ends),
        }
    }

    /// The namespace of a place.
    pub(super) fn namespace_called(&self, place: &str) -> Result<NamespaceId, String> {
        self.place(place).map(|place| place.namespace).ok_or_else(|| format!("no such place: {place}\n"))
    }

    fn set_links(&mut self, target: &Target<'_>, words: &[&str]) -> Result<String, String> {
        let (directions, words): (&[Direction], &[&str]) = match words {
            ["in", rest @ ..] => (&[Direction::In], rest),
            ["out", rest @ ..] => (&[Direction::Out], rest),
            ["both", rest @ ..] => (&[Direction::In, Direction::Out], rest),
            rest => (&[Direction::In, Direction::Out], rest),
        };
        let ends = self.ends(target)?;
        let mut changes = Vec::new();
        for direction in directions {
            let settings = told(words, *direction)?;
            for (own, peer) in &ends {
                let end = match direction {
                    Direction::Out => Some(*own),
                    Direction::In => *peer,
                };
                let end = end.ok_or_else(|| format!("what comes in at {} cannot be impaired\n", target.place))?;
                changes.push((end, settings.clone()));
            }
        }
        for (end, settings) in changes {
            let request = Request { parent: Some(Parent::Root), handle: 0, settings: Some(settings) };
            self.set_qdisc(end, request)?;
        }
        Ok(String::new())
    }

    /// Sets a discipline, with a handle of its own unless one of the kind is there, which goes on with new settings.
    fn set_qdisc(&mut self, end: End, mut request: Request) -> Result<(), String> {
        let device = self.world.fabric.namespace(end.namespace).devices.get(&end.device);
        let present = device.and_then(|device| device.queue.as_ref());
        let kind = request.settings.as_ref().map(Settings::kind);
        let is_same = present.is_some_and(|present| Some(present.settings.kind()) == kind);
        request.handle = match present {
            Some(present) if is_same => present.handle,
            // Another kind needs another handle.
            Some(present) if present.handle == HANDLE => HANDLE + 1,
            _ => HANDLE,
        };
        let done = self.world.fabric.with(end.namespace, |ns, cx| ns.set_qdisc(cx, end.device, Verb::Replace, request));
        done.map_err(|error| format!("{error}\n"))
    }

    fn switch(&mut self, target: &Target<'_>, up: bool) -> Result<String, String> {
        for (_, peer) in self.ends(target)? {
            let end = peer.ok_or_else(|| format!("{} has no cable\n", target.place))?;
            self.world.fabric.set_up(end.namespace, end.device, up);
        }
        Ok(String::new())
    }

    fn shown(&self, target: Option<&Target<'_>>) -> String {
        let is_meant = |impairment: &Impairment| {
            !impairment.over
                && target.is_none_or(|Target { place, device }| {
                    let link = impairment.link.split(' ').next().unwrap_or_default();
                    let (of, name) = link.rsplit_once('/').unwrap_or((link, ""));
                    of == *place && device.is_none_or(|device| device == name)
                })
        };
        let links = self.impairments();
        let links = links.iter().filter(|impairment| is_meant(impairment)).map(ToString::to_string);
        links.chain(self.walls(target.map(|target| target.place))).chain(self.cuts(target)).collect()
    }

    /// Cables that are pulled at the other end, a line each.
    fn cuts(&self, target: Option<&Target<'_>>) -> Vec<String> {
        let fabric = &self.world.fabric;
        let mut cuts = Vec::new();
        for (id, namespace) in fabric.namespaces() {
            let place = self.name_of_namespace(id);
            let is_meant =
                |device: &str| target.is_none_or(|t| t.place == place && t.device.is_none_or(|name| name == device));
            for device in namespace.devices.values().filter(|d| d.up && d.master.is_none() && is_meant(&d.name)) {
                let peer = fabric.peer_of(id, device.index).filter(|_| matches!(device.kind, Kind::Veth { .. }));
                let peer = peer.and_then(|end| fabric.namespace(end.namespace).devices.get(&end.device));
                if peer.is_some_and(|peer| !peer.up && peer.master.is_some()) {
                    cuts.push(format!("{place}/{}: down\n", device.name));
                }
            }
        }
        cuts
    }

    fn reset(&mut self, target: &Target<'_>) -> Result<String, String> {
        for (own, peer) in self.ends(target)? {
            for end in [Some(own), peer].into_iter().flatten() {
                self.clear(end);
            }
            if let Some(peer) = peer {
                self.world.fabric.set_up(peer.namespace, peer.device, true);
            }
        }
        if target.device.is_none() {
            self.tear_down(Some(target.place));
        }
        Ok(String::new())
    }

    fn reset_direction(&mut self, target: &Target<'_>, direction: &str) -> Result<String, String> {
        let ends = self.ends(target)?.into_iter();
        let ends: Vec<End> = ends.filter_map(|(own, peer)| if direction == "out" { Some(own) } else { peer }).collect();
        ends.into_iter().for_each(|end| self.clear(end));
        Ok(String::new())
    }

    fn reset_all(&mut self) -> Result<String, String> {
        let fabric = &self.world.fabric;
        let ends: Vec<End> = fabric
            .namespaces()
            .flat_map(|(namespace, ns)| {
                let queued = ns.devices.values().filter(|device| device.queue.is_some());
                queued.map(move |device| End { namespace, device: device.index })
            })
            .collect();
        ends.into_iter().for_each(|end| self.clear(end));
        let pulled: Vec<End> = self.pulled();
        pulled.into_iter().for_each(|end| self.world.fabric.set_up(end.namespace, end.device, true));
        self.tear_down(None);
        Ok(String::new())
    }

    /// The ends at bridges that are down while the others are up.
    fn pulled(&self) -> Vec<End> {
        let fabric = &self.world.fabric;
        let mut pulled = Vec::new();
        for (id, namespace) in fabric.namespaces() {
            for device in namespace.devices.values().filter(|device| !device.up && device.master.is_some()) {
                let peer = fabric.peer_of(id, device.index);
                let peer = peer.and_then(|end| fabric.namespace(end.namespace).devices.get(&end.device));
                if peer.is_some_and(|peer| peer.up) {
                    pulled.push(End { namespace: id, device: device.index });
                }
            }
        }
        pulled
    }

    fn clear(&mut self, end: End) {
        let request = Request { parent: Some(Parent::Root), handle: 0, settings: Some(Settings::Noqueue) };
        let done = self.world.fabric.with(end.namespace, |ns, cx| ns.set_qdisc(cx, end.device, Verb::Replace, request));
        debug_assert!(done.is_ok(), "no queue is never refused");
    }
}

/// What words tell a direction of a link: a preset, or a discipline's options; netem's when no kind is named.
fn told(words: &[&str], direction: Direction) -> Result<Settings, String> {
    const KINDS: [&str; 5] = ["netem", "tbf", "fq_codel", "pfifo", "bfifo"];
    let read =
        |kind: &str, words: &[&str]| tc::settings(kind, words, tc::Defaults::default()).map_err(|refusal| refusal.text);
    match words {
        [name] if preset::named(name).is_some() => {
            let preset = preset::named(name).expect("it was just found");
            let words = if direction == Direction::In { preset.to } else { preset.from };
            read("netem", &words.split_whitespace().collect::<Vec<_>>())
        }
        [kind, rest @ ..] if KINDS.contains(kind) => read(kind, rest),
        rest => read("netem", rest),
    }
}
