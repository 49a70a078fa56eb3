//! ARP and NDP, by what the neighbour table shows.

use netyard_sim::neighbour::State;
use netyard_sim::time::Duration;

use super::lab::{Lab, Ping, ip};

fn two_hosts(a: &str, b: &str) -> (Lab, netyard_sim::fabric::NamespaceId, netyard_sim::fabric::NamespaceId) {
    let mut lab = Lab::new();
    let (left, right) = (lab.host("left"), lab.host("right"));
    lab.cable((left, "eth0", a), (right, "eth0", b));
    (lab, left, right)
}

#[test]
fn an_entry_is_reachable_then_stale_then_checked_when_used_again() {
    let (mut lab, left, _) = two_hosts("10.0.0.1/24", "10.0.0.2/24");
    let state = |lab: &Lab| lab.fabric.namespace(left).neighbour(ip("10.0.0.2")).unwrap().state;
    assert_eq!(lab.ping(left, "10.0.0.2"), Ping::Reply { ttl: 64 });
    assert_eq!(state(&lab), State::Reachable);
    lab.run_for(Duration::from_secs(40));
    assert_eq!(state(&lab), State::Stale);
    lab.ping(left, "10.0.0.2");
    assert_eq!(state(&lab), State::Delay);
    lab.run_for(Duration::from_secs(3));
    assert_eq!(state(&lab), State::Reachable, "the unicast probe was answered");
}

#[test]
fn a_silent_neighbour_fails_after_three_requests_and_the_sender_is_told() {
    let (mut lab, left, _) = two_hosts("10.0.0.1/24", "10.0.0.2/24");
    let told = lab.ping(left, "10.0.0.9");
    assert_eq!(told, Ping::Error { from: ip("10.0.0.1"), kind: 3, code: 1 });
    assert_eq!(lab.fabric.namespace(left).neighbour(ip("10.0.0.9")).unwrap().state, State::Failed);
    let sent = lab.fabric.namespace(left).device_named("eth0").unwrap().counters.tx_packets;
    assert_eq!(sent, 3, "three ARP requests and nothing else");
}

#[test]
fn ipv6_neighbours_are_found_by_solicitation() {
    let (mut lab, left, _) = two_hosts("2001:db8::1/64", "2001:db8::2/64");
    assert_eq!(lab.ping(left, "2001:db8::2"), Ping::Reply { ttl: 64 });
    assert_eq!(lab.fabric.namespace(left).neighbour(ip("2001:db8::2")).unwrap().state, State::Reachable);
    assert_eq!(lab.ping(left, "2001:db8::9"), Ping::Error { from: ip("2001:db8::1"), kind: 1, code: 3 });
}

#[test]
fn an_answer_sends_everything_that_waited() {
    let (mut lab, left, right) = two_hosts("10.0.0.1/24", "10.0.0.2/24");
    let socket = lab.fabric.with(left, |ns, _| ns.raw_open(1));
    for _ in 0..5 {
        let to = core::net::SocketAddr::new(ip("10.0.0.2"), 0);
        lab.fabric
            .with(left, |ns, cx| ns.send_to(cx, socket, to, &[13, 0, 0, 0, 0, 0, 0, 0], Default::default()))
            .unwrap();
    }
    lab.run_for(Duration::from_secs(1));
    let received = lab.fabric.namespace(right).device_named("eth0").unwrap().counters.rx_packets;
    assert_eq!(received, 6, "one ARP request and five packets");
}
