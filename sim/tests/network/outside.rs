//! A device with two stacks behind it: the simulated one and one outside the world, with the same addresses.

use netyard_sim::addr::Mac;
use netyard_sim::device::IfIndex;
use netyard_sim::drop::DropReason;
use netyard_sim::fabric::NamespaceId;
use netyard_sim::frame::{Frame, Offload, ethertype};
use netyard_sim::link::End;
use netyard_sim::socket::SendOptions;
use netyard_sim::time::Duration;
use proptest::prelude::*;

use super::lab::{Lab, Ping, at};

/// `shared` (10.0.0.2) has somebody outside; `other` (10.0.0.3) is behind the same bridge.
struct Shared {
    lab: Lab,
    shared: NamespaceId,
    other: NamespaceId,
    end: End,
}

impl Shared {
    fn new() -> Self {
        let mut lab = Lab::new();
        let switch = lab.host("switch");
        let bridge = lab.bridge(switch, "br0", "10.0.0.1/24");
        let shared = lab.behind(switch, bridge, "shared", "10.0.0.2/24");
        let other = lab.behind(switch, bridge, "other", "10.0.0.3/24");
        assert!(matches!(lab.ping(other, "10.0.0.2"), Ping::Reply { .. }), "they know each other");
        let device = lab.fabric.namespace(shared).device_named("eth0").expect("it was made").index;
        let end = End { namespace: shared, device };
        lab.fabric.set_outside(end, true).expect("it is there");
        Self { lab, shared, other, end }
    }

    fn mac(&self, namespace: NamespaceId) -> Mac {
        self.lab.fabric.namespace(namespace).device_named("eth0").expect("it was made").mac
    }

    /// Sends a datagram from `other` to a port of `shared`; how many frames left the world for it.
    fn send_to_port(&mut self, port: u16) -> usize {
        let other = self.other;
        let fabric = &mut self.lab.fabric;
        let socket = fabric.with(other, |ns, _| ns.udp_bind(at("0.0.0.0:0"))).expect("there are ports");
        let to = at(&format!("10.0.0.2:{port}"));
        fabric.with(other, |ns, cx| ns.send_to(cx, socket, to, b"hello", SendOptions::default())).expect("it can go");
        self.lab.run_for(Duration::from_millis(1));
        self.lab.fabric.take_left().len()
    }
}

#[test]
fn a_datagram_is_for_the_socket_inside_and_else_for_the_outside() {
    let mut net = Shared::new();
    let (shared, other) = (net.shared, net.other);
    let socket = net.lab.fabric.with(shared, |ns, _| ns.udp_bind(at("0.0.0.0:53"))).unwrap();
    assert_eq!((net.send_to_port(53), net.send_to_port(54)), (0, 1));
    assert!(net.lab.fabric.with(shared, |ns, _| ns.recv_from(socket)).unwrap().is_some());
    assert_eq!(net.lab.fabric.namespace(other).drops.of(DropReason::NoSocket), 0, "the outside complains, or does not");
}

#[test]
fn what_asks_goes_to_the_outside_and_what_answers_to_both() {
    let mut net = Shared::new();
    assert!(matches!(net.lab.ping(net.other, "10.0.0.2"), Ping::Silence), "the outside is silent here");
    assert!(!net.lab.fabric.take_left().is_empty());
    assert!(matches!(net.lab.ping(net.shared, "10.0.0.3"), Ping::Reply { .. }), "who asks inside is answered");
    assert!(!net.lab.fabric.take_left().is_empty(), "and the outside saw that too");
}

#[test]
fn the_outside_sends_as_the_namespace_does_and_no_longer_when_it_has_no_part() {
    let mut net = Shared::new();
    let mut frame = Frame::ethernet(net.mac(net.other), net.mac(net.shared), ethertype::ARP, 28);
    frame.payload_mut()[..8].copy_from_slice(&[0, 1, 8, 0, 6, 4, 0, 1]);
    net.lab.fabric.send_from_outside(net.end, frame.clone());
    net.lab.run_for(Duration::from_millis(1));
    let received = |net: &Shared| net.lab.fabric.namespace(net.other).device_named("eth0").unwrap().counters.rx_packets;
    let before = received(&net);
    net.lab.fabric.set_outside(net.end, false).unwrap();
    net.lab.fabric.send_from_outside(net.end, frame);
    net.lab.run_for(Duration::from_millis(1));
    assert_eq!((received(&net), net.lab.fabric.namespace(net.shared).drops.of(DropReason::LinkDown)), (before, 1));
    let nowhere = End { device: IfIndex(99), ..net.end };
    assert!(net.lab.fabric.set_outside(nowhere, true).is_err());
}

/// An Ethernet header to somebody on the bridge, before any bytes, some of which look like IP.
fn frames() -> impl Strategy<Value = (u8, Vec<u8>, bool, u16)> {
    let begun = prop_oneof![Just(vec![0x45]), Just(vec![0x60]), Just(vec![0, 1, 8, 0, 6, 4, 0, 1]), Just(Vec::new())];
    let bytes = (begun, prop::collection::vec(any::<u8>(), 0..200)).prop_map(|(begun, more)| [begun, more].concat());
    (0..4_u8, bytes, any::<bool>(), prop_oneof![Just(0), 48..200_u16])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn whatever_the_outside_sends_the_network_lives_on(thrown in prop::collection::vec(frames(), 1..20)) {
        let mut net = Shared::new();
        for (how, bytes, partial_checksum, gso_size) in thrown {
            let dst = if how == 0 { Mac::BROADCAST } else { net.mac(net.other) };
            let kind = [ethertype::ARP, ethertype::IPV4, ethertype::IPV6, ethertype::VLAN][usize::from(how)];
            let mut frame = Frame::ethernet(dst, Mac([2, 0, 0, 0, 9, how]), kind, bytes.len());
            frame.payload_mut().copy_from_slice(&bytes);
            frame.offload = Offload { partial_checksum, gso_size, ..Offload::default() };
            net.lab.fabric.send_from_outside(net.end, frame);
            net.lab.fabric.send_from_outside(net.end, Frame::copy_of(&bytes[..bytes.len().min(9)]));
        }
        net.lab.run_for(Duration::from_secs(1));
        net.lab.fabric.take_left();
        prop_assert!(net.lab.fabric.namespace(net.shared).drops.of(DropReason::Malformed) > 0);
        let alive = matches!(net.lab.ping(net.other, "10.0.0.1"), Ping::Reply { .. });
        prop_assert!(alive);
    }
}
