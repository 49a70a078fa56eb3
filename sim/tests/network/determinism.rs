//! The same seed gives the same run, byte for byte; a capture sees all of it.

use netyard_sim::capture::Hop;
use netyard_sim::drop::DropReason;
use netyard_sim::fabric::Fabric;
use netyard_sim::frame::ethertype;
use netyard_sim::rng::Seed;
use netyard_sim::time::Duration;

use super::lab::{Lab, Ping, at};

/// A busy minute: pings, a connection and a silent neighbour on a bridge.
fn busy(seed: u64) -> Lab {
    let mut lab = Lab { fabric: Fabric::new(Seed(seed)) };
    lab.fabric.capture.start();
    let switch = lab.host("switch");
    let br0 = lab.bridge(switch, "br0", "10.0.0.254/24");
    let hosts = ["a", "b", "c"].map(|name| {
        let last = name.as_bytes()[0] - b'a' + 1;
        lab.behind(switch, br0, name, &format!("10.0.0.{last}/24"))
    });
    let listener = lab.fabric.with(hosts[1], |ns, _| ns.tcp_listen(at("0.0.0.0:80"), 8)).unwrap();
    let out = lab.fabric.with(hosts[0], |ns, cx| ns.tcp_connect(cx, at("10.0.0.2:80"))).unwrap();
    lab.run_for(Duration::from_millis(50));
    lab.fabric.with(hosts[1], |ns, _| ns.tcp_accept(listener)).unwrap();
    lab.fabric.with(hosts[0], |ns, cx| ns.tcp_send(cx, out, &[7; 5000])).unwrap();
    assert_eq!(lab.ping(hosts[2], "10.0.0.1"), Ping::Reply { ttl: 64 });
    lab.ping(hosts[2], "10.0.0.77");
    lab.run_for(Duration::from_secs(50));
    lab
}

#[test]
fn the_same_seed_leaves_the_same_fingerprint_and_another_one_another() {
    let print = |seed| busy(seed).fabric.capture.fingerprint();
    assert_eq!(print(1), print(1));
    assert_ne!(print(1), print(2), "other MACs, ports and sequence numbers");
}

#[test]
fn every_frame_is_seen_at_each_device_in_the_order_of_time() {
    let lab = busy(1);
    let frames = lab.fabric.capture.frames();
    assert!(frames.iter().map(|f| f.at).is_sorted());
    let sent_to_switch = |name: &str, hop| {
        let here = |spot| lab.fabric.capture.name(spot) == name;
        frames.iter().filter(|f| here(f.spot) && f.hop == hop).count()
    };
    assert_eq!(sent_to_switch("a/eth0", Hop::Sent), sent_to_switch("switch/to-a", Hop::Received));
    assert_eq!(sent_to_switch("switch/to-b", Hop::Sent), sent_to_switch("b/eth0", Hop::Received));
    assert!(sent_to_switch("switch/br0", Hop::Received) > 0, "what the bridge floods comes to its own stack too");
}

#[test]
fn what_is_dropped_is_in_the_capture_with_its_reason() {
    let lab = busy(1);
    let frames = lab.fabric.capture.frames();
    let dropped = |reason| frames.iter().filter(|f| f.hop == Hop::Dropped(reason)).count() as u64;
    for reason in [DropReason::NoRoute, DropReason::NoSocket, DropReason::OtherHost] {
        let counted: u64 = lab.fabric.namespaces().map(|(_, ns)| ns.drops.of(reason)).sum();
        assert_eq!(dropped(reason), counted, "{reason:?}");
    }
    assert!(frames.iter().any(|f| !f.passed()), "the packet for 10.0.0.77 got nowhere");
}

#[test]
fn nothing_is_kept_until_somebody_starts_the_capture() {
    let mut lab = Lab::new();
    let (a, b) = (lab.host("a"), lab.host("b"));
    lab.cable((a, "eth0", "10.0.0.1/24"), (b, "eth0", "10.0.0.2/24"));
    lab.ping(a, "10.0.0.2");
    assert!(lab.fabric.capture.frames().is_empty());
    lab.fabric.capture.start();
    lab.ping(a, "10.0.0.2");
    let packets = lab.fabric.capture.frames().iter().filter(|f| f.frame.ethertype() == ethertype::IPV4);
    assert_eq!(packets.count(), 4, "a request and a reply at two devices each");
}
