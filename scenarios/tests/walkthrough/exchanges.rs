//! The Engine API as real clients use it: 127 exchanges that were recorded between clients and a real engine, sent to
//! this engine again without a socket. Status, content type and headers, every key of every JSON and their order, and
//! the frames of streams are compared; what chance, time or the machine decides is not.
//!
//! How it works: a story prepares what an exchange needs with a few requests of its own and plays the exchange. Ids in
//! recorded requests are replaced by those that this engine gave in their place. What differs must be named in `EXCEPTIONS`
//! with its reason, and what is named there must differ: so it can only get better.

mod carrier;
mod difference;
mod sample;
mod stories;

use std::collections::{BTreeMap, BTreeSet};

use netyard_drivers::engine::ExchangeId;
use netyard_sim::time::{Duration, Epoch};
use netyard_sim::userland::Request;

use super::chance::Chance;
use carrier::Carrier;
use difference::Differences;
use sample::Sample;
use stories::{STORIES, Step};

/// How long an exchange may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// Fields that differ, by the reason why: an exchange, and where in its reply; a star stands for any place below.
const EXCEPTIONS: &[(&str, &[(&str, &str)])] = &[
    (
        "The recording's machine: its kernel, memory, name server without a way there, and who it was drawn to be",
        &[
            ("image_pull_err", "body.message"),
            ("info", "body.ID"),
            ("info", "body.KernelVersion"),
            ("info", "body.MemTotal"),
            ("version", "body.Components.0.Details.KernelVersion"),
            ("version", "body.KernelVersion"),
        ],
    ),
    (
        "The recording's engine had one image, made by hand of one layer and without a sticky /tmp",
        &[
            ("container_archive_head", "x-docker-container-path-stat.mode"),
            ("container_inspect", "body.GraphDriver.Data.LowerDir"),
            ("container_inspect_default_bridge", "body.GraphDriver.Data.LowerDir"),
            ("container_inspect_exited", "body.GraphDriver.Data.LowerDir"),
            ("container_inspect_tty", "body.GraphDriver.Data.LowerDir"),
            ("container_inspect_two_networks", "body.GraphDriver.Data.LowerDir"),
            ("image_inspect", "body.GraphDriver.Data.*"),
            ("image_inspect", "body.RootFS.Layers.0"),
            ("image_list", "body"),
            ("info", "body.Images"),
            ("system_df", "body.Images"),
            ("system_df", "body.LayersSize"),
        ],
    ),
    (
        "Debian's busybox, of which that image was made, greets and asks the terminal where its cursor is; the one that \
         Docker has does neither",
        &[
            ("container_attach_detach_keys", "frames.0.1"),
            ("container_attach_tty", "frames.0.1"),
            ("container_logs_tty", "frames.0.1"),
            ("exec_start_tty", "frames.0.1"),
        ],
    ),
    (
        "What processor and memory a program takes and what the host's own programs send is not simulated",
        &[
            ("container_stats_once", "body.cpu_stats.*"),
            ("container_stats_once", "body.memory_stats.*"),
            ("container_stats_once", "body.networks.eth0.*"),
            ("container_stats_once", "body.precpu_stats.*"),
        ],
    ),
];

/// One story as it is told.
struct Teller {
    carrier: Carrier,
    chance: Chance,
    /// Our id for each of the recording's, by its beginning.
    ids: BTreeMap<String, String>,
    open: BTreeMap<&'static str, ExchangeId>,
    differences: Differences,
}

impl Teller {
    fn new(began: u64) -> Self {
        Self {
            carrier: Carrier::new(Epoch::from_unix(began)),
            chance: Chance::default(),
            ids: BTreeMap::new(),
            open: BTreeMap::new(),
            differences: Differences::default(),
        }
    }

    fn tell(&mut self, step: &Step) {
        match *step {
            Step::Send(method, target, body) => {
                self.prepare(method, target, body);
            }
            Step::Make(recorded, target, body) => {
                let made = self.prepare("POST", target, body);
                let made: serde_json::Value = serde_json::from_slice(&made).unwrap_or_default();
                if let Some(id) = made["Id"].as_str() {
                    self.ids.insert(recorded.to_owned(), id.to_owned());
                }
            }
            Step::Play(name) => {
                self.open(name);
                for piece in Sample::load(name).input() {
                    self.carrier.input(self.open[name], piece.as_bytes());
                }
                self.close(name);
            }
            Step::Type(name) => self.type_in(name),
            Step::Open(name) => self.open(name),
            Step::Close(name) => self.close(name),
            Step::HangUp(name) => self.carrier.hang_up(self.open[name]),
            Step::Pass(seconds) => self.carrier.pass(Duration::from_secs(seconds)),
        }
    }

    /// A request of the story's own, which is answered and agreed to; that it is not is a difference too.
    fn prepare(&mut self, method: &'static str, target: &str, body: &str) -> Vec<u8> {
        let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        let (target, body) = (self.translated(target), self.translated(body).into_bytes());
        let headers = if body.is_empty() { Vec::new() } else { headers };
        let exchange = self.carrier.send(&Request { method, target: target.clone(), headers, body });
        self.carrier.wait(exchange, PATIENCE);
        let reply = self.carrier.reply(exchange);
        let text = String::from_utf8_lossy(&reply.body);
        if !(reply.is_complete && (200..300).contains(&reply.status)) {
            self.differences.refuse(method, &target, reply.status, &text);
        }
        reply.body.clone()
    }

    fn open(&mut self, name: &'static str) {
        let sample = Sample::load(name);
        let request = sample.request(|text| self.translated(text));
        let exchange = self.carrier.send(&request);
        self.open.insert(name, exchange);
    }

    fn type_in(&mut self, name: &'static str) {
        for piece in Sample::load(name).input() {
            self.carrier.pass(Duration::from_secs(1));
            self.carrier.input(self.open[name], piece.as_bytes());
        }
    }

    fn close(&mut self, name: &'static str) {
        let exchange = self.open.remove(name).expect("it was opened");
        self.carrier.wait(exchange, PATIENCE);
        let sample = Sample::load(name);
        let reply = self.carrier.reply(exchange);
        self.differences.compare(&mut self.chance, &sample, reply);
        if let (Some(recorded), Ok(ours)) = (sample.made_id(), serde_json::from_slice::<serde_json::Value>(&reply.body))
            && let Some(id) = ours["Id"].as_str()
        {
            self.ids.insert(recorded[..12].to_owned(), id.to_owned());
        }
    }

    /// A text with our ids in the places of the recording's.
    fn translated(&self, text: &str) -> String {
        let mut out = text.to_owned();
        for (recorded, ours) in &self.ids {
            while let Some(at) = out.find(recorded.as_str()) {
                let hex = out[at..].find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(out.len() - at);
                out.replace_range(at..at + hex, &ours[..hex.min(ours.len())]);
            }
        }
        out
    }
}

#[test]
fn every_recorded_exchange_is_answered_as_it_was() {
    let mut found = BTreeMap::new();
    let mut played = BTreeSet::new();
    for (began, steps) in STORIES {
        let mut teller = Teller::new(*began);
        for step in *steps {
            if let Step::Play(name) | Step::Open(name) = step {
                assert!(played.insert(*name), "{name} is played once");
            }
            teller.tell(step);
        }
        found.extend(teller.differences.into_map());
    }
    let all = Sample::names();
    let missing: Vec<_> = all.iter().filter(|name| !played.contains(name.as_str())).collect();
    assert!(missing.is_empty(), "not played: {missing:?}");

    let differing: BTreeSet<_> = found.keys().map(|(name, _)| name.clone()).collect();
    println!("{} of {} exchanges agree in everything", all.len() - differing.len(), all.len());
    for ((name, place), text) in &found {
        println!("{name} {place}: {}", text.chars().take(240).collect::<String>());
    }
    let named: Vec<(&str, &str)> = EXCEPTIONS.iter().flat_map(|(_, places)| places.iter().copied()).collect();
    let covers = |(name, place): &(&str, &str), (in_reply, at): &(String, String)| {
        name == in_reply && place.strip_suffix('*').map_or(place == at, |above| at.starts_with(above))
    };
    let worse: Vec<_> = found.keys().filter(|key| !named.iter().any(|exception| covers(exception, key))).collect();
    let better: Vec<_> = named.iter().filter(|exception| !found.keys().any(|key| covers(exception, key))).collect();
    assert!(worse.is_empty() && better.is_empty(), "new differences {worse:?}, mended {better:?}");
}
