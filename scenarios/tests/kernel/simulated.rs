//! netyard's side: the same command lines typed on one machine whose namespaces are simulated, and the same knocks.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use netyard_sim::fabric::NamespaceId;
use netyard_sim::namespace::TcpState;
use netyard_sim::rng::Seed;
use netyard_sim::socket::{Errno, SendOptions, SocketId};
use netyard_sim::time::{Duration, Epoch};
use netyard_sim::userland::process::{Context, Event};
use netyard_sim::userland::{ContextId, Files, Flavour, Read, Rights, Spawn, Stream, programs};
use netyard_sim::world::World;

use super::topology::{OPEN, Plan, Probe, plain};

/// How long an answer is waited for: a silent neighbour is given up after three seconds.
const PATIENCE: Duration = Duration::from_secs(4);
/// Longer than any probe waits.
const HOUR: Duration = Duration::from_secs(3600);

/// How often a router tells of a nearer one depends on how long each probe takes, so none does in either world.
const NO_REDIRECTS: &str = "sysctl -q -w net.ipv4.conf.all.send_redirects=0 net.ipv4.conf.default.send_redirects=0";

struct Machine {
    world: World,
    context: ContextId,
    namespaces: Vec<NamespaceId>,
    /// The sockets at the open ports, with their hosts.
    datagrams: Vec<(NamespaceId, SocketId)>,
}

/// What each command line printed and its exit code, then each answer.
pub(crate) fn run(plan: &Plan) -> Vec<String> {
    let mut machine = Machine::new(plan);
    let mut answers = Vec::new();
    for line in &plan.setup {
        answers.push(plain(&machine.type_in(machine.namespaces[line.place], &line.text)));
    }
    machine.serve(plan.hosts);
    for probe in &plan.probes {
        answers.push(match probe {
            Probe::Ping { from, words } => {
                let line = format!("ping -W {} {words}", PATIENCE.as_secs());
                plain(&machine.type_in(machine.namespaces[*from], &line))
            }
            Probe::Udp { from, to } => machine.knock_udp(machine.namespaces[*from], *to),
            Probe::Tcp { from, to } => machine.knock_tcp(machine.namespaces[*from], *to),
        });
    }
    answers
}

impl Machine {
    fn new(plan: &Plan) -> Self {
        let mut world = World::new(Seed(1), Epoch::DEFAULT, programs::linux());
        let root = world.fabric.create_namespace("root");
        let mut files = Files::default();
        ["/etc", "/tmp", "/run"].iter().for_each(|path| files.make_directory(path));
        let context = Context { files, hostname: "machine".to_owned(), flavour: Flavour::Host };
        let context = world.processes.create_context(context);
        let mut machine = Self { world, context, namespaces: Vec::new(), datagrams: Vec::new() };
        for name in &plan.namespaces {
            assert_eq!(machine.type_in(root, &format!("ip netns add {name}")), "exit 0\n");
            let full = format!("machine/{name}");
            let found = machine.world.fabric.namespaces().find(|(_, ns)| ns.name == full);
            let namespace = found.expect("it was just made").0;
            assert_eq!(machine.type_in(namespace, NO_REDIRECTS), "exit 0\n");
            machine.namespaces.push(namespace);
        }
        machine
    }

    /// Runs a command line to its end: what it prints, and its exit code.
    fn type_in(&mut self, namespace: NamespaceId, line: &str) -> String {
        let streams = self.world.processes.streams_mut();
        let (read, write) = streams.pipe();
        let error = streams.dup(&write);
        let spawn = Spawn {
            argv: line.split_whitespace().map(str::to_owned).collect(),
            env: [("PATH".to_owned(), "/bin".to_owned())].into(),
            cwd: "/".to_owned(),
            namespace,
            rights: Rights::ALL,
            user: netyard_sim::userland::User::ROOT,
            context: self.context,
            streams: [Stream::Null, write, error],
            group: None,
            init: false,
        };
        let now = self.world.now();
        let pid = self.world.processes.spawn(spawn, None, now).expect("the program is on the path");
        let limit = now + HOUR;
        let status = loop {
            match self.world.run_until(limit) {
                Some(Event::Exited(ended, status)) if ended == pid => break status.code(),
                Some(_) => {}
                None => panic!("{line}: no end in an hour"),
            }
        };
        let mut output = read;
        let mut text = Vec::new();
        while let Read::Data(bytes) = self.world.processes.read(&mut output) {
            text.extend(bytes);
        }
        format!("{}exit {status}\n", String::from_utf8_lossy(&text))
    }

    fn serve(&mut self, hosts: usize) {
        for namespace in self.namespaces[..hosts].iter().copied() {
            for any in [IpAddr::V4(Ipv4Addr::UNSPECIFIED), IpAddr::V6(Ipv6Addr::UNSPECIFIED)] {
                let (door, fabric) = (SocketAddr::new(any, OPEN), &mut self.world.fabric);
                fabric.with(namespace, |ns, _| ns.tcp_listen(door, 16)).expect("the port is free");
                let socket = fabric.with(namespace, |ns, _| ns.udp_bind(door)).expect("the port is free");
                self.datagrams.push((namespace, socket));
            }
        }
    }

    /// Lets some milliseconds pass, and servers answer.
    fn pass(&mut self) {
        let limit = self.world.now() + Duration::from_millis(10);
        while self.world.run_until(limit).is_some() {}
        for (host, socket) in self.datagrams.clone() {
            let fabric = &mut self.world.fabric;
            while let Ok(Some(got)) = fabric.with(host, |ns, _| ns.recv_from(socket)) {
                let options = SendOptions::default();
                // A reply that cannot be sent is silence for who knocked.
                let _ = fabric.with(host, |ns, cx| ns.send_to(cx, socket, got.src, &got.data, options));
            }
        }
    }

    fn knock_udp(&mut self, from: NamespaceId, peer: SocketAddr) -> String {
        let any = if peer.is_ipv4() { IpAddr::V4(Ipv4Addr::UNSPECIFIED) } else { IpAddr::V6(Ipv6Addr::UNSPECIFIED) };
        let any = SocketAddr::new(any, 0);
        let socket = self.world.fabric.with(from, |ns, _| ns.udp_bind(any)).expect("a port is free");
        let outcome = self.exchange(from, socket, peer);
        self.world.fabric.with(from, |ns, cx| ns.close(cx, socket));
        outcome
    }

    fn exchange(&mut self, from: NamespaceId, socket: SocketId, peer: SocketAddr) -> String {
        let fabric = &mut self.world.fabric;
        let sent = fabric
            .with(from, |ns, _| ns.udp_connect(socket, peer))
            .and_then(|()| fabric.with(from, |ns, cx| ns.send_to(cx, socket, peer, b"knock", SendOptions::default())));
        if let Err(errno) = sent {
            return word(errno);
        }
        let limit = self.world.now() + PATIENCE;
        while self.world.now() < limit {
            self.pass();
            match self.world.fabric.with(from, |ns, _| ns.recv_from(socket)) {
                Ok(Some(_)) => return "answered\n".to_owned(),
                Ok(None) => {}
                Err(errno) => return word(errno),
            }
        }
        "silence\n".to_owned()
    }

    fn knock_tcp(&mut self, from: NamespaceId, peer: SocketAddr) -> String {
        let socket = match self.world.fabric.with(from, |ns, cx| ns.tcp_connect(cx, peer)) {
            Ok(socket) => socket,
            Err(errno) => return word(errno),
        };
        let limit = self.world.now() + PATIENCE;
        let mut answer = "silence\n".to_owned();
        while self.world.now() < limit && answer == "silence\n" {
            self.pass();
            answer = match self.world.fabric.namespace(from).tcp_state(socket) {
                TcpState::Established => "answered\n".to_owned(),
                TcpState::Closed => match self.world.fabric.with(from, |ns, cx| ns.tcp_recv(cx, socket, 1)) {
                    Err(errno) => word(errno),
                    Ok(_) => "another error\n".to_owned(),
                },
                _ => answer,
            };
        }
        self.world.fabric.with(from, |ns, cx| ns.close(cx, socket));
        answer
    }
}

/// What an error is called in both worlds.
fn word(errno: Errno) -> String {
    let word = match errno {
        Errno::ConnectionRefused => "refused",
        Errno::HostUnreachable => "host unreachable",
        Errno::NetworkUnreachable => "network unreachable",
        Errno::AccessDenied | Errno::NotPermitted => "denied",
        Errno::Invalid => "invalid",
        Errno::TimedOut => "silence",
        _ => "another error",
    };
    format!("{word}\n")
}
