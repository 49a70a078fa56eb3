//! A router between two networks: forwarding, hop limits, MTUs and fragments.

use netyard_sim::device::Mtu;
use netyard_sim::drop::DropReason;
use netyard_sim::fabric::NamespaceId;
use netyard_sim::socket::{Discovery, SendOptions};
use netyard_sim::time::Duration;

use super::lab::{Lab, Ping, ip};

/// left — router — right, with the far link's MTU.
fn routed(forward: bool) -> (Lab, NamespaceId, NamespaceId, NamespaceId) {
    let mut lab = Lab::new();
    let (left, router, right) = (lab.host("left"), lab.host("router"), lab.host("right"));
    lab.cable((left, "eth0", "10.1.0.2/24"), (router, "eth0", "10.1.0.1/24"));
    lab.cable((router, "eth1", "10.2.0.1/24"), (right, "eth0", "10.2.0.2/24"));
    lab.default_route(left, "10.1.0.1", "eth0");
    lab.default_route(right, "10.2.0.1", "eth0");
    lab.fabric.namespace_mut(router).set_ipv4_forward(i32::from(forward));
    (lab, left, router, right)
}

#[test]
fn a_router_takes_one_off_the_hop_limit() {
    let (mut lab, left, ..) = routed(true);
    assert_eq!(lab.ping(left, "10.2.0.2"), Ping::Reply { ttl: 63 });
    assert_eq!(lab.ping(left, "10.2.0.1"), Ping::Reply { ttl: 64 });
}

#[test]
fn a_host_that_does_not_forward_drops_in_silence() {
    let (mut lab, left, router, _) = routed(false);
    assert_eq!(lab.ping(left, "10.2.0.2"), Ping::Silence);
    assert_eq!(lab.fabric.namespace(router).drops.of(DropReason::NotForwarding), 1);
}

#[test]
fn the_hop_limit_runs_out_at_the_router() {
    let (mut lab, left, ..) = routed(true);
    let once = SendOptions { ttl: Some(1), ..SendOptions::default() };
    assert_eq!(lab.ping_with(left, "10.2.0.2", 56, once), Ping::Error { from: ip("10.1.0.1"), kind: 11, code: 0 });
}

#[test]
fn without_a_route_the_kernel_refuses_and_a_router_says_so() {
    let (mut lab, left, router, _) = routed(true);
    assert_eq!(lab.ping(router, "10.9.0.1"), Ping::Refused(netyard_sim::socket::Errno::NetworkUnreachable));
    assert_eq!(lab.ping(left, "10.9.0.1"), Ping::Error { from: ip("10.1.0.1"), kind: 3, code: 0 });
}

#[test]
fn a_big_ping_is_cut_and_put_together_again() {
    let (mut lab, left, _, right) = routed(true);
    assert_eq!(lab.ping_with(left, "10.2.0.2", 4000, SendOptions::default()), Ping::Reply { ttl: 63 });
    let received = lab.fabric.namespace(right).device_named("eth0").unwrap().counters.rx_packets;
    assert_eq!(received, 4, "one ARP and three fragments");
}

#[test]
fn a_narrow_link_answers_with_its_mtu_and_the_sender_remembers() {
    let (mut lab, left, router, right) = routed(true);
    for (host, name) in [(router, "eth1"), (right, "eth0")] {
        let device = lab.fabric.namespace(host).device_named(name).unwrap().index;
        lab.fabric.set_mtu(host, device, Mtu::new(1000).unwrap());
    }
    let whole = SendOptions { discovery: Discovery::Do, ..SendOptions::default() };
    assert_eq!(lab.ping_with(left, "10.2.0.2", 1200, whole), Ping::Error { from: ip("10.1.0.1"), kind: 3, code: 4 });
    let refused = Ping::Refused(netyard_sim::socket::Errno::MessageTooLong);
    assert_eq!(lab.ping_with(left, "10.2.0.2", 1200, whole), refused, "the path's MTU is known now");
    assert_eq!(lab.ping_with(left, "10.2.0.2", 1200, SendOptions::default()), Ping::Reply { ttl: 63 });
}

#[test]
fn a_device_that_goes_down_loses_its_routes_and_gets_only_the_connected_one_back() {
    let (mut lab, left, ..) = routed(true);
    let eth0 = lab.fabric.namespace(left).device_named("eth0").unwrap().index;
    lab.fabric.set_up(left, eth0, false);
    assert_eq!(lab.fabric.namespace(left).routes.iter().count(), 0);
    lab.fabric.set_up(left, eth0, true);
    let v4: Vec<_> = lab.fabric.namespace(left).routes.iter().filter(|r| r.dst.is_ipv4()).collect();
    assert_eq!(v4.len(), 1);
    assert_eq!(v4[0].dst.to_string(), "10.1.0.0/24");
}

#[test]
fn a_host_reaches_its_own_addresses_through_lo_and_only_while_lo_is_up() {
    let (mut lab, left, ..) = routed(true);
    assert_eq!(lab.ping(left, "127.0.0.1"), Ping::Reply { ttl: 64 });
    assert_eq!(lab.ping(left, "10.1.0.2"), Ping::Reply { ttl: 64 });
    assert_eq!(lab.ping(left, "::1"), Ping::Reply { ttl: 64 });
    lab.fabric.set_up(left, netyard_sim::device::IfIndex(1), false);
    assert_ne!(lab.ping(left, "10.1.0.2"), Ping::Reply { ttl: 64 });
    lab.run_for(Duration::from_secs(1));
}
