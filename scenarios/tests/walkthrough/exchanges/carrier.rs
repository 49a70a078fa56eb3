//! An engine alone with its world, and somebody who brings it requests and input and collects what it answers: the part
//! that HTTP and sockets play for real clients.

use std::collections::BTreeMap;

use netyard_drivers::daemon::Config;
use netyard_drivers::engine::{Engine, ExchangeId, Host, Media, Output};
use netyard_drivers::plugin::Failure;
use netyard_sim::rng::Seed;
use netyard_sim::time::{Duration, Epoch, Instant};
use netyard_sim::userland::process::{Context, Event};
use netyard_sim::userland::{Flavour, Request, programs};
use netyard_sim::world::World;

/// What came of a request so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) media: Option<Media>,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Vec<u8>,
    pub(crate) is_complete: bool,
}

pub(crate) struct Carrier {
    world: World,
    engine: Engine,
    replies: BTreeMap<ExchangeId, Reply>,
}

impl Carrier {
    /// A host whose resolver and name are those of the recording's machine.
    pub(crate) fn new(epoch: Epoch) -> Self {
        let mut world = World::new(Seed(7), epoch, programs::linux());
        let namespace = world.fabric.create_namespace("vm");
        let lo = world.fabric.namespace(namespace).device_named("lo").expect("every namespace has lo").index;
        world.fabric.set_up(namespace, lo, true);
        let mut files = world.processes.base_files(Flavour::Host);
        files.write("/etc/resolv.conf", "nameserver 10.255.255.53\n").expect("a host has the directory");
        let context = Context { files, hostname: "vm".into(), flavour: Flavour::Host };
        let context = world.processes.create_context(context);
        let host = Host { name: "vm".into(), namespace, context };
        let mut engine = Engine::new(Seed(7), epoch, host);
        engine.boot(&mut world, Config::default()).expect("it starts as it comes");
        Self { world, engine, replies: BTreeMap::new() }
    }

    pub(crate) fn send(&mut self, request: &Request) -> ExchangeId {
        let exchange = ExchangeId(self.replies.len() as u64);
        self.replies.insert(exchange, Reply::default());
        self.engine.handle(&mut self.world, exchange, request);
        self.pass(Duration::from_millis(1));
        exchange
    }

    pub(crate) fn input(&mut self, exchange: ExchangeId, bytes: &[u8]) {
        self.engine.handle_input(&mut self.world, exchange, bytes);
        self.pass(Duration::from_millis(1));
    }

    pub(crate) fn hang_up(&mut self, exchange: ExchangeId) {
        self.engine.handle_hangup(&mut self.world, exchange);
        self.pass(Duration::from_millis(1));
    }

    pub(crate) fn reply(&self, exchange: ExchangeId) -> &Reply {
        &self.replies[&exchange]
    }

    /// Lets time pass until a reply is complete, at most so long.
    pub(crate) fn wait(&mut self, exchange: ExchangeId, patience: Duration) {
        let limit = self.world.now() + patience;
        while !self.replies[&exchange].is_complete && self.world.now() < limit {
            self.pass(Duration::from_millis(1));
        }
    }

    pub(crate) fn pass(&mut self, time: Duration) {
        let until = self.world.now() + time;
        loop {
            self.collect();
            let limit = self.engine.next_at().map_or(until, |at| at.clamp(self.world.now(), until));
            let Some(event) = self.world.run_until(limit) else {
                if self.is_due(limit) {
                    self.engine.poll(&mut self.world);
                    continue;
                }
                if self.world.now() >= until {
                    return;
                }
                continue;
            };
            match event {
                Event::Exited(pid, status) => {
                    self.engine.handle_exit(&mut self.world, pid, status);
                }
                Event::Readable(pipe) => {
                    self.engine.handle_readable(&mut self.world, pipe);
                }
                _ => {}
            }
        }
    }

    fn is_due(&self, now: Instant) -> bool {
        self.engine.next_at().is_some_and(|at| at <= now)
    }

    fn collect(&mut self) {
        // There are no plugins.
        while let Some((talk, _)) = self.engine.poll_question() {
            self.engine.hear_plugin(&mut self.world, talk, Err(Failure::Unknown));
        }
        while let Some(output) = self.engine.poll_output() {
            match output {
                Output::Head { exchange, status, media, headers } => {
                    let reply = self.replies.get_mut(&exchange).expect("it was asked for");
                    (reply.status, reply.media, reply.headers) = (status, Some(media), headers);
                }
                Output::Body { exchange, bytes } => {
                    self.replies.get_mut(&exchange).expect("it was asked for").body.extend(bytes);
                }
                Output::End { exchange } => {
                    self.replies.get_mut(&exchange).expect("it was asked for").is_complete = true;
                }
            }
        }
    }
}
