//! `netyard why`: whether one place reaches another, and what stops it if not. It is found out by a real packet: the site
//! is copied, a program in the copy looks the name up and sends, and the capture of the copy tells where the packet
//! went and what dropped it. Nothing here models the network a second time, and the site itself is not touched.
//!
//! What set the cause is found the same way: the copies that [`Site::mark`] kept are asked the same question.

mod name;
mod packet;
mod probe;
mod question;
mod trail;
mod tunnel;
mod way;

use core::fmt;
use core::net::IpAddr;
use std::collections::BTreeSet;

use netyard_sim::capture::Hop;
use netyard_sim::drop::DropReason;
use netyard_sim::id::NamespaceId;
use netyard_sim::time::Duration;
use netyard_sim::userland::{Pid, Read, Spawn, Stream};
use thiserror::Error;

use self::packet::Scene;
use self::probe::{Outcome, Probe};
use self::trail::{Kin, Sight};
use super::{Place, Site};

pub use question::{Manner, Question, Unreadable};

/// How long a probe may take, its look-up included.
const PATIENCE: Duration = Duration::from_secs(60);

/// The first thing that stops a packet.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Stop {
    /// Where and what: a rule, a route, a record, a device, a listener.
    pub what: String,
    /// What would mend it, when that can be said.
    pub mend: Option<String>,
    /// What set it, by the label of a mark.
    pub set_by: Option<String>,
    /// Whether the world was made so: no command set it.
    pub is_given: bool,
    /// The namespace in which nobody listened, when it is that.
    unheard_at: Option<NamespaceId>,
}

impl Stop {
    const fn new(what: String, mend: Option<String>) -> Self {
        Self { what, mend, set_by: None, is_given: false, unheard_at: None }
    }
}

/// What came of a question.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Answer {
    /// What was asked.
    pub question: Question,
    /// The address of the name.
    pub address: Option<IpAddr>,
    /// Where the packet and its answer were seen, a line each.
    pub hops: Vec<String>,
    /// What stopped it; none when it arrived.
    pub stop: Option<Stop>,
    /// Where it arrived at a real program's device, of which a copy cannot tell who listens.
    pub outside: Option<String>,
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.question)?;
        if let Some(address) = self.address.filter(|address| address.to_string() != self.question.to) {
            writeln!(f, "  name: {} is {address}", self.question.to)?;
        }
        self.hops.iter().try_for_each(|hop| writeln!(f, "  {hop}"))?;
        if let Some(device) = &self.outside {
            let (what, manner) = ("a real program's device: whether it listens on", self.question.manner);
            return writeln!(f, "reached {device}, {what} {manner} is not known here");
        }
        let Some(stop) = &self.stop else { return writeln!(f, "reached") };
        writeln!(f, "stopped at {}", stop.what)?;
        stop.set_by.iter().try_for_each(|label| writeln!(f, "set by {label}"))?;
        stop.mend.iter().try_for_each(|mend| writeln!(f, "to mend it: {mend}"))
    }
}

/// Why a question cannot be answered.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum Unanswerable {
    /// There is no host, running container or namespace of that name.
    #[error("no such place: {0}")]
    NoPlace(String),
}

/// A site as it was before something was done to it.
pub(super) struct Mark {
    label: String,
    site: Box<Site>,
}

impl Site {
    /// Keeps the site as it is now, before `label` is done to it, so that [`Site::why`] can tell what set a cause.
    pub fn mark(&mut self, label: &str) {
        let mut site = Box::new(self.fork());
        site.world.fabric.capture.restart();
        self.marks.push(Mark { label: label.to_owned(), site });
    }

    /// Whether one place reaches another, and what stops it if not.
    ///
    /// # Errors
    /// `NoPlace` when the one who asks is not there.
    pub fn why(&self, question: &Question) -> Result<Answer, Unanswerable> {
        let mut answer = self.fork().probe(question)?;
        self.ask_outside(&mut answer);
        if let Some(stop) = answer.stop.as_mut().filter(|stop| !stop.is_given) {
            stop.set_by = self.what_set(question, &stop.what);
        }
        Ok(answer)
    }

    /// The same in words: the exit code, and what is said.
    pub(super) fn asked_why(&self, question: Result<Question, Unreadable>) -> (u8, String) {
        let answer = match question {
            Ok(question) => self.why(&question).map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        match answer {
            Ok(answer) => (u8::from(answer.stop.is_some()), answer.to_string()),
            Err(error) => (2, format!("netyard why: {error}\n")),
        }
    }

    /// Nobody outside has a part in a copy: where the answer is that nobody listens, and a real program is there, it is
    /// known no more than that the packet came so far.
    fn ask_outside(&self, answer: &mut Answer) {
        let Some(at) = answer.stop.as_ref().and_then(|stop| stop.unheard_at) else { return };
        let namespace = self.world.fabric.namespaces().find(|(id, _)| *id == at).map(|(_, namespace)| namespace);
        let device = namespace.and_then(|ns| ns.devices.values().find(|device| device.outside));
        let Some(device) = device else { return };
        answer.outside = Some(format!("{}/{}", self.name_of_namespace(at), device.name));
        answer.stop = None;
    }

    /// The mark since which the answer has been this one.
    fn what_set(&self, question: &Question, what: &str) -> Option<String> {
        let is_same = |mark: &&Mark| {
            let before = mark.site.fork().probe(question).ok().and_then(|answer| answer.stop);
            before.is_some_and(|stop| stop.what == what)
        };
        let first = self.marks.iter().rev().take_while(is_same).count();
        // Before that mark it was another one: what the mark is called set it.
        let at = self.marks.len().checked_sub(first + 1)?;
        Some(self.marks[at].label.clone())
    }

    /// Sends a probe; this site is a copy, which it uses up.
    fn probe(mut self, question: &Question) -> Result<Answer, Unanswerable> {
        let place = self.place(&question.from).ok_or_else(|| Unanswerable::NoPlace(question.from.clone()))?;
        self.world.fabric.capture.restart();
        let (outcome, printed) = self.run_probe(&place, question);
        // Who has ended meanwhile cannot be asked any more.
        self.place(&question.from).ok_or_else(|| Unanswerable::NoPlace(question.from.clone()))?;
        let there: BTreeSet<NamespaceId> = self.world.fabric.namespaces().map(|(id, _)| id).collect();
        self.world.fabric.capture.keep(|namespace| there.contains(&namespace));
        let mut lines = printed.lines();
        let (first, said) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
        let address: Option<IpAddr> = first.parse().ok();
        let unanswered = |stop| Answer { question: question.clone(), address, hops: Vec::new(), stop, outside: None };
        let Some(to) = address else { return Ok(unanswered(Some(name::judge(&self, &place, question, first)))) };
        if question.manner == Manner::Name {
            return Ok(unanswered(None));
        }
        let all = trail::follow(&self.world.fabric.capture, place.namespace);
        let (large, small): (Vec<Sight>, Vec<Sight>) = all.into_iter().partition(|sight| sight.is_large);
        let scene = Scene { site: &self, question, from: place.namespace, to };
        let is_there = match outcome {
            Outcome::Reached | Outcome::Narrow => true,
            Outcome::Silence => arrived(question, &small),
            Outcome::Nameless | Outcome::Refused => false,
        };
        let narrow = if outcome == Outcome::Narrow { scene.narrow_place(&large) } else { None };
        let sights = if narrow.is_some() { large } else { small };
        let hops = sights.iter().filter_map(|sight| self.hop(sight)).collect();
        let stop = if is_there { narrow } else { Some(scene.judge(&sights, said)) };
        Ok(Answer { hops, ..unanswered(stop) })
    }

    /// Runs a probe in a place to its end: what it came to and what it printed.
    fn run_probe(&mut self, place: &Place, question: &Question) -> (Outcome, String) {
        let (pid, mut output) = self.begin_probe(place, question);
        let until = self.now() + PATIENCE;
        while self.probes.get(&pid).is_some_and(Option::is_none) && self.now() < until {
            if !self.go_on(until) {
                break;
            }
        }
        let mut printed = Vec::new();
        while let Read::Data(bytes) = self.world.processes.read(&mut output) {
            printed.extend(bytes);
        }
        let code = self.probes.remove(&pid).flatten().unwrap_or(Outcome::Silence as i32);
        let outcome = Outcome::ALL.into_iter().find(|outcome| *outcome as i32 == code).unwrap_or(Outcome::Silence);
        (outcome, String::from_utf8_lossy(&printed).into_owned())
    }

    fn begin_probe(&mut self, place: &Place, question: &Question) -> (Pid, Stream) {
        let processes = &mut self.world.processes;
        let (output, stdout) = processes.streams_mut().pipe();
        let argv = vec!["netyard".to_owned(), "why".to_owned(), question.to.clone()];
        let spawn = Spawn::of_host(argv, (place.namespace, place.context), [Stream::Null, stdout, Stream::Null]);
        let probe = Box::new(Probe::new(question));
        let pid = processes.spawn_program(probe, spawn, None, self.world.fabric.now());
        self.probes.insert(pid, None);
        (pid, output)
    }

    /// A process ended; whether it was a probe.
    pub(super) fn probe_ended(&mut self, pid: Pid, code: i32) -> bool {
        let Some(probe) = self.probes.get_mut(&pid) else { return false };
        *probe = Some(code);
        true
    }

    /// A sight in words; none for copies of the frame that reached a station they are not for.
    fn hop(&self, sight: &Sight) -> Option<String> {
        let here = self.name_of_namespace(sight.namespace);
        let device = sight.spot.rsplit_once('/').map_or("", |(_, device)| device);
        let word = match sight.hop {
            Hop::Received => "in",
            Hop::Sent => "out",
            Hop::Dropped(DropReason::OtherHost) => return None,
            Hop::Dropped(_) => "dropped",
        };
        let arrow = match sight.kin {
            Kin::Question => "->",
            Kin::Answer => "<-",
        };
        let end = match sight.kin {
            Kin::Question => sight.target(),
            Kin::Answer => sight.dst.to_string(),
        };
        let at = if device.is_empty() { here } else { format!("{here}/{device}") };
        Some(format!("{arrow} {at} {word}: {} > {end}", sight.src))
    }
}

/// Whether a datagram that nobody has to answer came to somebody who took it.
fn arrived(question: &Question, sights: &[Sight]) -> bool {
    let is_dropped = sights.iter().any(|s| s.dropped().is_some_and(|reason| !reason.is_of_a_copy()));
    let came = sights.last().is_some_and(|sight| sight.hop == Hop::Received);
    matches!(question.manner, Manner::Udp(_)) && !is_dropped && came
}
