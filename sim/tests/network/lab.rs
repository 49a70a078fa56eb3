//! The words of these stories: hosts, cables and questions.

use core::net::{IpAddr, SocketAddr};

use netyard_sim::device::IfIndex;
use netyard_sim::fabric::{Fabric, NamespaceId};
use netyard_sim::link::Condition;
use netyard_sim::rng::Seed;
use netyard_sim::route::Route;
use netyard_sim::socket::{Errno, SendOptions, SocketId};
use netyard_sim::time::{Duration, Instant};

/// What a ping saw.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Ping {
    /// A reply, with the hop limit it had on arrival.
    Reply { ttl: u8 },
    /// An ICMP error of this type and code, from there.
    Error { from: IpAddr, kind: u8, code: u8 },
    /// Nothing in two seconds.
    Silence,
    /// The kernel refused to send.
    Refused(Errno),
}

/// A fabric with names.
pub(crate) struct Lab {
    pub(crate) fabric: Fabric,
}

pub(crate) fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

pub(crate) fn at(text: &str) -> SocketAddr {
    text.parse().expect("an address and port")
}

impl Lab {
    pub(crate) fn new() -> Self {
        Self { fabric: Fabric::new(Seed(1)) }
    }

    /// A host with lo up.
    pub(crate) fn host(&mut self, name: &str) -> NamespaceId {
        let id = self.fabric.create_namespace(name);
        self.fabric.set_up(id, IfIndex(1), true);
        id
    }

    /// A cable between two hosts: both ends up, with these addresses.
    pub(crate) fn cable(&mut self, a: (NamespaceId, &str, &str), b: (NamespaceId, &str, &str)) -> (IfIndex, IfIndex) {
        let (near, far) = self.fabric.create_veth(a.0, a.1, "peer", Condition::default()).unwrap();
        let far = self.fabric.move_device(a.0, far, b.0, b.1).unwrap();
        self.plug(a.0, near, a.2);
        self.plug(b.0, far, b.2);
        (near, far)
    }

    fn plug(&mut self, host: NamespaceId, device: IfIndex, address: &str) {
        self.fabric.set_up(host, device, true);
        if !address.is_empty() {
            self.fabric.add_address(host, device, address.parse().unwrap()).unwrap();
        }
    }

    /// A bridge in a host, up.
    pub(crate) fn bridge(&mut self, host: NamespaceId, name: &str, address: &str) -> IfIndex {
        let bridge = self.fabric.create_bridge(host, name, None).unwrap();
        self.plug(host, bridge, address);
        bridge
    }

    /// A host behind a port of a bridge.
    pub(crate) fn behind(&mut self, switch: NamespaceId, bridge: IfIndex, name: &str, address: &str) -> NamespaceId {
        let host = self.host(name);
        let (port, _) = self.cable((switch, &format!("to-{name}"), ""), (host, "eth0", address));
        self.fabric.set_master(switch, port, Some(bridge)).unwrap();
        host
    }

    pub(crate) fn default_route(&mut self, host: NamespaceId, gateway: &str, device: &str) {
        let device = self.fabric.namespace(host).device_named(device).unwrap().index;
        let everywhere = if gateway.contains(':') { "::/0" } else { "0.0.0.0/0" };
        self.fabric.add_route(host, Route::via(everywhere.parse().unwrap(), Some(ip(gateway)), device)).unwrap();
    }

    /// Lets virtual time pass.
    pub(crate) fn run_for(&mut self, time: Duration) {
        let until = self.fabric.now() + time;
        self.run_until(until);
    }

    pub(crate) fn run_until(&mut self, until: Instant) {
        while self.fabric.step(until) {}
        self.fabric.advance(until);
    }

    /// One echo request, and what came back within four seconds.
    pub(crate) fn ping(&mut self, from: NamespaceId, to: &str) -> Ping {
        self.ping_with(from, to, 56, SendOptions::default())
    }

    pub(crate) fn ping_with(&mut self, from: NamespaceId, to: &str, size: usize, options: SendOptions) -> Ping {
        let to = ip(to);
        let protocol = if to.is_ipv4() { 1 } else { 58 };
        let socket = self.fabric.with(from, |ns, _| ns.raw_open(protocol));
        let request = echo_request(to, size);
        let sent = self.fabric.with(from, |ns, cx| ns.send_to(cx, socket, SocketAddr::new(to, 0), &request, options));
        if let Err(errno) = sent {
            return Ping::Refused(errno);
        }
        self.run_for(Duration::from_secs(4));
        let seen = self.first_answer(from, socket);
        self.fabric.with(from, |ns, cx| ns.close(cx, socket));
        seen
    }

    fn first_answer(&mut self, host: NamespaceId, socket: SocketId) -> Ping {
        while let Ok(Some(datagram)) = self.fabric.with(host, |ns, _| ns.recv_from(socket)) {
            match (datagram.src, datagram.data[0]) {
                (_, 8 | 128 | 133..=137) => {}
                (_, 0 | 129) => return Ping::Reply { ttl: datagram.ttl },
                (src, kind) => return Ping::Error { from: src.ip(), kind, code: datagram.data[1] },
            }
        }
        Ping::Silence
    }
}

fn echo_request(to: IpAddr, size: usize) -> Vec<u8> {
    let mut message = vec![if to.is_ipv4() { 8 } else { 128 }, 0, 0, 0, 0x12, 0x34, 0, 1];
    message.extend((0..size).map(|n| u8::try_from(n % 251).unwrap()));
    let sum: u32 = message.chunks(2).map(|w| u32::from(w[0]) << 8 | u32::from(*w.get(1).unwrap_or(&0))).sum();
    let sum = (sum & 0xffff) + (sum >> 16);
    let sum = !u16::try_from((sum & 0xffff) + (sum >> 16)).unwrap();
    message[2..4].copy_from_slice(&sum.to_be_bytes());
    message
}
