//! Packets in pieces: IPv6 senders that learn a path's MTU, pieces that are lost, and routers that only pass them on.

use netyard_sim::device::Mtu;
use netyard_sim::drop::DropReason;
use netyard_sim::fabric::NamespaceId;
use netyard_sim::filter::{Rule, TableKind};
use netyard_sim::socket::{Discovery, Errno, SendOptions};
use netyard_sim::time::Duration;

use super::lab::{Lab, Ping, at, ip};

/// left — router — right, both families.
struct Path {
    lab: Lab,
    left: NamespaceId,
    router: NamespaceId,
    right: NamespaceId,
}

impl Path {
    fn new() -> Self {
        let mut lab = Lab::new();
        let (left, router, right) = (lab.host("left"), lab.host("router"), lab.host("right"));
        let (near, _) = lab.cable((left, "eth0", "10.1.0.2/24"), (router, "eth0", "10.1.0.1/24"));
        let (out, far) = lab.cable((router, "eth1", "10.2.0.1/24"), (right, "eth0", "10.2.0.2/24"));
        let inward = lab.fabric.namespace(router).device_named("eth0").unwrap().index;
        let nets = ["2001:db8:1::2/64", "2001:db8:1::1/64", "2001:db8:2::1/64", "2001:db8:2::2/64"];
        for ((host, device), net) in [(left, near), (router, inward), (router, out), (right, far)].into_iter().zip(nets)
        {
            lab.fabric.add_address(host, device, net.parse().unwrap()).unwrap();
        }
        for (host, gateway) in
            [(left, "10.1.0.1"), (left, "2001:db8:1::1"), (right, "10.2.0.1"), (right, "2001:db8:2::1")]
        {
            lab.default_route(host, gateway, "eth0");
        }
        lab.fabric.namespace_mut(router).set_ipv4_forward(1);
        lab.fabric.namespace_mut(router).set_ipv6_forward(1);
        Self { lab, left, router, right }
    }

    /// Makes the far link narrow.
    fn narrow(&mut self, mtu: u32) {
        for (host, name) in [(self.router, "eth1"), (self.right, "eth0")] {
            let device = self.lab.fabric.namespace(host).device_named(name).unwrap().index;
            self.lab.fabric.set_mtu(host, device, Mtu::new(mtu).unwrap());
        }
    }

    fn received(&self, host: NamespaceId) -> u64 {
        self.lab.fabric.namespace(host).device_named("eth0").unwrap().counters.rx_packets
    }

    fn ping(&mut self, to: &str, size: usize) -> Ping {
        self.lab.ping_with(self.left, to, size, SendOptions::default())
    }
}

#[test]
fn a_router_never_cuts_an_ipv6_packet_but_tells_its_sender_to() {
    let mut path = Path::new();
    assert_eq!(path.ping("2001:db8:2::2", 56), Ping::Reply { ttl: 63 });
    path.narrow(1280);
    let too_big = Ping::Error { from: ip("2001:db8:1::1"), kind: 2, code: 0 };
    assert_eq!(path.ping("2001:db8:2::2", 1400), too_big);
    let before = path.received(path.right);
    assert_eq!(path.ping("2001:db8:2::2", 1400), Ping::Reply { ttl: 63 }, "now the sender cuts it");
    assert_eq!(path.received(path.right) - before, 2);
}

#[test]
fn an_ipv6_sender_that_may_not_cut_is_refused() {
    let mut path = Path::new();
    let whole = SendOptions { discovery: Discovery::Do, ..SendOptions::default() };
    let refused = Ping::Refused(Errno::MessageTooLong);
    assert_eq!(path.lab.ping_with(path.left, "2001:db8:2::2", 1453, whole), refused, "1501 bytes with its headers");
    assert_eq!(path.lab.ping_with(path.left, "2001:db8:2::2", 1452, whole), Ping::Reply { ttl: 63 });
}

#[test]
fn fragments_are_cut_again_where_the_path_gets_narrower() {
    let mut path = Path::new();
    path.ping("10.2.0.2", 0);
    path.lab.run_for(Duration::from_secs(6)); // The neighbours have checked each other.
    path.narrow(600);
    let before = path.received(path.right);
    assert_eq!(path.ping("10.2.0.2", 2900), Ping::Reply { ttl: 63 });
    // 1480 + 1428 bytes of payload: 576 + 576 + 328, and 576 + 576 + 276.
    assert_eq!(path.received(path.right) - before, 6);
    let drops = &path.lab.fabric.namespace(path.right).drops;
    assert_eq!(drops.of(DropReason::Malformed), 0, "what was put together is what was cut");
    let counters = path.lab.fabric.namespace(path.right).mib.ip[0];
    assert_eq!((counters.fragments_received, counters.reassembled, counters.not_reassembled), (6, 1, 0));
}

#[test]
fn when_a_piece_is_lost_the_rest_is_given_up_after_30_seconds_and_the_sender_told() {
    let mut path = Path::new();
    path.ping("10.2.0.2", 0);
    let rules = &mut path.lab.fabric.namespace_mut(path.router).netfilter.v4;
    rules.append(TableKind::Filter, "FORWARD", Rule::parse("-f -j DROP").unwrap()).unwrap();
    let watcher = path.lab.fabric.with(path.left, |ns, _| ns.raw_open(1));
    assert_eq!(path.ping("10.2.0.2", 2000), Ping::Silence);
    assert_eq!(path.lab.fabric.namespace(path.router).drops.of(DropReason::Filtered), 1, "the second piece");
    let reassembly = |path: &Path| path.lab.fabric.namespace(path.right).drops.of(DropReason::Reassembly);
    path.lab.run_for(Duration::from_secs(25));
    assert_eq!(reassembly(&path), 0);
    path.lab.run_for(Duration::from_secs(2));
    assert_eq!(reassembly(&path), 1);
    let error = path.lab.fabric.with(path.left, |ns, _| ns.recv_from(watcher)).unwrap().unwrap();
    assert_eq!((error.src, &error.data[..2]), (at("10.2.0.2:0"), [11, 1].as_slice()));
}

#[test]
fn a_router_that_follows_flows_puts_packets_together_first() {
    let mut path = Path::new();
    path.ping("10.2.0.2", 0);
    let rules = &mut path.lab.fabric.namespace_mut(path.router).netfilter.v4;
    for rule in ["-f -j DROP", "-m conntrack --ctstate INVALID -j DROP"] {
        rules.append(TableKind::Filter, "FORWARD", Rule::parse(rule).unwrap()).unwrap();
    }
    assert_eq!(path.ping("10.2.0.2", 4000), Ping::Reply { ttl: 63 }, "no rule ever sees a fragment");
}
