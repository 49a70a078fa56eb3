//! Strangers' bytes: whatever comes in by a wire, a router with rules, bridges and sockets lives on and still works.

use netyard_sim::addr::Mac;
use netyard_sim::device::IfIndex;
use netyard_sim::fabric::NamespaceId;
use netyard_sim::filter::{Rule, TableKind};
use netyard_sim::frame::{Frame, ethertype};
use netyard_sim::time::Duration;
use proptest::prelude::*;

use super::lab::{Lab, Ping, at};

/// A router with all there is, and a friend on another wire.
struct Target {
    lab: Lab,
    router: NamespaceId,
    door: IfIndex,
    friend: NamespaceId,
}

impl Target {
    fn new() -> Self {
        let mut lab = Lab::new();
        let (router, friend, attacker) = (lab.host("router"), lab.host("friend"), lab.host("attacker"));
        let (door, _) = lab.cable((router, "eth0", "10.0.0.1/24"), (attacker, "eth0", "10.0.0.2/24"));
        lab.cable((router, "eth1", "10.1.0.1/24"), (friend, "eth0", "10.1.0.2/24"));
        lab.fabric.add_address(router, door, "2001:db8::1/64".parse().unwrap()).unwrap();
        lab.default_route(friend, "10.1.0.1", "eth0");
        let ns = lab.fabric.namespace_mut(router);
        ns.set_ipv4_forward(1);
        ns.set_ipv6_forward(1);
        ns.sysctl.bridge_nf_call = true;
        for (table, chain, rule) in [
            (TableKind::Nat, "PREROUTING", "-p tcp -m tcp --dport 80 -j DNAT --to-destination 10.1.0.2:8080"),
            (TableKind::Nat, "POSTROUTING", "-o eth1 -j MASQUERADE"),
            (TableKind::Filter, "FORWARD", "-m conntrack --ctstate INVALID -j REJECT"),
        ] {
            ns.netfilter.v4.append(table, chain, Rule::parse(rule).unwrap()).unwrap();
        }
        lab.fabric.with(router, |ns, _| {
            ns.udp_bind(at("0.0.0.0:53")).unwrap();
            ns.tcp_listen(at("0.0.0.0:22"), 4).unwrap();
            ns.raw_open(1);
        });
        Self { lab, router, door, friend }
    }

    fn throw(&mut self, kind: u16, payload: &[u8]) {
        let door = self.lab.fabric.namespace(self.router).devices.get(&self.door).expect("it was just made").mac;
        let mut frame = Frame::ethernet(door, Mac([2, 0, 0, 0, 0, 9]), kind, payload.len());
        frame.payload_mut().copy_from_slice(payload);
        self.lab.fabric.inject(self.router, self.door, frame);
        self.lab.run_for(Duration::from_millis(1));
    }
}

/// An IPv4 header that is right except where fate says otherwise, before any bytes.
fn ipv4() -> impl Strategy<Value = Vec<u8>> {
    let protocol = prop_oneof![Just(1u8), Just(6), Just(17), any::<u8>()];
    let dst = prop_oneof![Just([10, 0, 0, 1]), Just([10, 1, 0, 2]), Just([10, 0, 0, 255]), any::<[u8; 4]>()];
    let fragment = prop_oneof![3 => Just([0u8, 0]), 1 => any::<[u8; 2]>()];
    (protocol, dst, fragment, 0u8..3, prop::collection::vec(any::<u8>(), 0..64)).prop_map(
        |(protocol, dst, fragment, ttl, data)| {
            let total = u16::try_from(20 + data.len()).unwrap().to_be_bytes();
            let mut packet =
                vec![0x45, 0, total[0], total[1], 0, 1, fragment[0], fragment[1], ttl * 30, protocol, 0, 0];
            packet.extend([10, 0, 0, 2]);
            packet.extend(dst);
            let sum: u32 = packet.chunks(2).map(|w| u32::from(w[0]) << 8 | u32::from(w[1])).sum();
            let sum = !u16::try_from((sum & 0xffff) + (sum >> 16)).unwrap_or(0);
            packet[10..12].copy_from_slice(&sum.to_be_bytes());
            packet.extend(data);
            packet
        },
    )
}

/// The same for IPv6, where nothing guards the header.
fn ipv6() -> impl Strategy<Value = Vec<u8>> {
    let next = prop_oneof![Just(0u8), Just(6), Just(17), Just(43), Just(44), Just(58), Just(60), any::<u8>()];
    (next, any::<u8>(), prop::collection::vec(any::<u8>(), 0..96)).prop_map(|(next, hops, data)| {
        let len = u16::try_from(data.len()).unwrap().to_be_bytes();
        let mut packet = vec![0x60, 0, 0, 0, len[0], len[1], next, hops];
        packet.extend([0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2]);
        packet.extend([0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
        packet.extend(data);
        packet
    })
}

fn thrown() -> impl Strategy<Value = (u16, Vec<u8>)> {
    let anything = prop::collection::vec(any::<u8>(), 0..128);
    let kinds = prop_oneof![Just(ethertype::IPV4), Just(ethertype::IPV6), Just(ethertype::ARP), any::<u16>()];
    prop_oneof![
        (kinds, anything),
        ipv4().prop_map(|packet| (ethertype::IPV4, packet)),
        ipv6().prop_map(|packet| (ethertype::IPV6, packet)),
    ]
}

proptest! {
    #[test]
    fn a_router_survives_whatever_it_is_thrown(frames in prop::collection::vec(thrown(), 1..40)) {
        let mut target = Target::new();
        for (kind, payload) in &frames {
            target.throw(*kind, payload);
        }
        target.lab.run_for(Duration::from_secs(60));
        prop_assert_eq!(target.lab.ping(target.friend, "10.0.0.1"), Ping::Reply { ttl: 64 });
    }
}
