//! A container, a router and a machine of the LAN that is its DNS server:
//! `172.17.0.2 c1 ── 172.17.0.1 router 192.0.2.10 ── 192.0.2.1, 192.0.2.80 lan`.

use netyard_sim::device::IfIndex;
use netyard_sim::dns::{Lan, Server};
use netyard_sim::fabric::NamespaceId;
use netyard_sim::link::Condition;
use netyard_sim::rng::Seed;
use netyard_sim::route::{Action, Route};
use netyard_sim::time::{Duration, Epoch, Instant};
use netyard_sim::userland::process::{Context, Event};
use netyard_sim::userland::{
    ContextId, Files, Flavour, Pid, Read, Rights, Signal, Spawn, Stream, programs, traceroute,
};
use netyard_sim::world::World;

/// A command line that runs.
pub(crate) struct Job {
    pid: Pid,
    output: Stream,
    started: Instant,
}

/// What a command line did.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Done {
    pub(crate) text: String,
    pub(crate) status: i32,
    pub(crate) took_ms: u128,
}

/// The world of these stories.
pub(crate) struct Lab {
    pub(crate) world: World,
    pub(crate) container: NamespaceId,
    pub(crate) router: NamespaceId,
    busybox: ContextId,
    host: ContextId,
}

impl Lab {
    pub(crate) fn new() -> Self {
        let mut world = World::new(Seed(7), Epoch::DEFAULT, programs::linux());
        traceroute::add(world.processes.programs_mut());
        let [container, router, lan] = ["c1", "router", "lan"].map(|name| world.fabric.create_namespace(name));
        let [busybox, host] = [Flavour::Busybox, Flavour::Host].map(|flavour| {
            let context = Context { files: files(), hostname: "c1".to_owned(), flavour };
            world.processes.create_context(context)
        });
        let mut lab = Self { world, container, router, busybox, host };
        lab.cable((container, "172.17.0.2/16"), (router, "172.17.0.1/16"));
        lab.cable((router, "192.0.2.10/24"), (lan, "192.0.2.1/24"));
        lab.address(lan, "eth0", "192.0.2.80/24");
        lab.default_route(container, "172.17.0.1");
        lab.default_route(lan, "192.0.2.10");
        for namespace in [container, router, lan] {
            lab.world.fabric.set_up(namespace, IfIndex(1), true);
        }
        lab.world.fabric.namespace_mut(router).set_ipv4_forward(1);
        let server = Server::lan(Lan::standard());
        let listen = "192.0.2.1:53".parse().unwrap();
        lab.world.fabric.with(lan, |ns, cx| ns.set_resolver(cx, listen, server)).unwrap();
        lab
    }

    fn cable(&mut self, near: (NamespaceId, &str), far: (NamespaceId, &str)) {
        let fabric = &mut self.world.fabric;
        let name = |devices: usize| format!("eth{}", devices - 1);
        let near_name = name(fabric.namespace(near.0).devices.values().count());
        let far_name = name(fabric.namespace(far.0).devices.values().count());
        let (_, peer) = fabric.create_veth(near.0, &near_name, "peer", Condition::default()).unwrap();
        fabric.move_device(near.0, peer, far.0, &far_name).unwrap();
        self.address(near.0, &near_name, near.1);
        self.address(far.0, &far_name, far.1);
    }

    pub(crate) fn address(&mut self, namespace: NamespaceId, device: &str, address: &str) {
        let index = self.world.fabric.namespace(namespace).device_named(device).unwrap().index;
        self.world.fabric.set_up(namespace, index, true);
        self.world.fabric.add_address(namespace, index, address.parse().unwrap()).unwrap();
    }

    fn default_route(&mut self, namespace: NamespaceId, gateway: &str) {
        let device = self.world.fabric.namespace(namespace).device_named("eth0").unwrap().index;
        let route = Route::via("0.0.0.0/0".parse().unwrap(), Some(gateway.parse().unwrap()), device);
        self.world.fabric.add_route(namespace, route).unwrap();
    }

    /// The router does this with packets to a prefix.
    pub(crate) fn router_does(&mut self, action: Action, prefix: &str) {
        let device = self.world.fabric.namespace(self.router).device_named("eth0").unwrap().index;
        let route = Route { action, device: None, ..Route::via(prefix.parse().unwrap(), None, device) };
        self.world.fabric.add_route(self.router, route).unwrap();
    }

    /// Takes away the container's way to other networks.
    pub(crate) fn cut_off(&mut self) {
        self.world.fabric.with(self.container, |ns, _| ns.routes.remove(|r| r.gateway.is_some()));
    }

    /// Writes a file of the container and of the host programs in it.
    pub(crate) fn write(&mut self, path: &str, text: &str) {
        for context in [self.busybox, self.host] {
            self.world.processes.context_mut(context).files.write(path, text).unwrap();
        }
    }

    pub(crate) fn start(&mut self, context: ContextId, line: &str) -> Job {
        let streams = self.world.processes.streams_mut();
        let (output, write) = streams.pipe();
        let error = streams.dup(&write);
        let spawn = Spawn {
            argv: line.split(' ').map(str::to_owned).collect(),
            env: Default::default(),
            cwd: "/".to_owned(),
            namespace: self.container,
            rights: Rights::ALL,
            user: netyard_sim::userland::User::ROOT,
            context,
            streams: [Stream::Null, write, error],
            group: None,
            init: false,
        };
        let started = self.world.now();
        let pid = self.world.processes.spawn(spawn, None, started).expect("the program is on the path");
        Job { pid, output, started }
    }

    /// Starts a command line of the container.
    pub(crate) fn begin(&mut self, line: &str) -> Job {
        self.start(self.busybox, line)
    }

    /// Starts a command line of a host's programs in the container's network.
    pub(crate) fn begin_as_host(&mut self, line: &str) -> Job {
        self.start(self.host, line)
    }

    pub(crate) fn interrupt(&mut self, job: &Job) {
        self.world.signal(job.pid, Signal::Interrupt);
    }

    pub(crate) fn run_for(&mut self, time: Duration) {
        let until = self.world.now() + time;
        while self.world.run_until(until).is_some() {}
    }

    /// Lets time pass until the job ends.
    pub(crate) fn wait(&mut self, mut job: Job) -> Done {
        let limit = self.world.now() + Duration::from_secs(100);
        let status = loop {
            match self.world.run_until(limit) {
                Some(Event::Exited(pid, status)) if pid == job.pid => break status.code(),
                Some(_) => {}
                None => panic!("it still runs after 100 s"),
            }
        };
        let mut text = Vec::new();
        while let Read::Data(bytes) = self.world.processes.read(&mut job.output) {
            text.extend(bytes);
        }
        let took_ms = (self.world.now() - job.started).as_millis();
        Done { text: String::from_utf8(text).unwrap(), status, took_ms }
    }

    /// Runs a command line of the container.
    pub(crate) fn run(&mut self, line: &str) -> Done {
        let job = self.begin(line);
        self.wait(job)
    }

    /// Runs a command line of a host's programs in the container's network.
    pub(crate) fn run_as_host(&mut self, line: &str) -> Done {
        let job = self.begin_as_host(line);
        self.wait(job)
    }

    /// What a command line of the container prints, and its exit code.
    pub(crate) fn says(&mut self, line: &str) -> (String, i32) {
        let done = self.run(line);
        (timeless(&done.text), done.status)
    }

    /// The same of a host's programs.
    pub(crate) fn host_says(&mut self, line: &str) -> (String, i32) {
        let done = self.run_as_host(line);
        (timeless(&done.text), done.status)
    }
}

fn files() -> Files {
    let mut files = Files::default();
    files.make_directory("/etc");
    files.write("/etc/hosts", "127.0.0.1\tlocalhost\n172.17.0.1\trouter gateway\n192.0.2.1\tnames\n").unwrap();
    files.write("/etc/resolv.conf", "nameserver 192.0.2.1\n").unwrap();
    files
}

/// Round-trip times and query ids are masked: they follow from the network, not from the program.
pub(crate) fn timeless(text: &str) -> String {
    let word = |word: &str| {
        let digits = word.strip_prefix("time=").unwrap_or(word);
        let number = digits.split('/').all(|n| n.split_once('.').is_some_and(|(a, b)| is_number(a) && is_number(b)));
        if number { word.replace(digits, "#") } else { word.to_owned() }
    };
    let lines = text.split_inclusive('\n').map(|line| {
        let (line, end) = line.strip_suffix('\n').map_or((line, ""), |line| (line, "\n"));
        line.split(' ').map(word).collect::<Vec<_>>().join(" ") + end
    });
    lines.collect()
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}
