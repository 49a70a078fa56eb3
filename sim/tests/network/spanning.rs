//! Bridges where more is set than usual: a spanning tree that breaks a loop and heals, VLANs that keep neighbours
//! apart, and ports with settings of their own.

use netyard_sim::bridge::setting::{SWITCHES, Setting};
use netyard_sim::bridge::tree::State;
use netyard_sim::device::IfIndex;
use netyard_sim::fabric::NamespaceId;
use netyard_sim::time::Duration;

use super::lab::{Lab, Ping};

fn set(lab: &mut Lab, host: NamespaceId, bridge: IfIndex, setting: Setting, value: u64) {
    lab.fabric.set_bridge(host, bridge, |bridge, now| bridge.set(setting, value, now)).unwrap();
}

fn switch(lab: &mut Lab, host: NamespaceId, bridge: IfIndex, port: &str, name: &str, on: bool) {
    let port = lab.fabric.namespace(host).device_named(port).unwrap().index;
    let (.., switch) = *SWITCHES.iter().find(|(known, ..)| *known == name).unwrap();
    lab.fabric.set_bridge(host, bridge, |bridge, now| bridge.switch_port(port, switch, on, now));
}

fn states(lab: &Lab, host: NamespaceId, bridge: IfIndex) -> Vec<State> {
    let table = lab.fabric.namespace(host).devices.get(&bridge).unwrap().bridge().unwrap();
    table.ports().iter().map(|port| table.tree().state(*port)).collect()
}

/// Three bridges in a ring, each with a spanning tree; a host behind the first and one behind the last. The first has
/// the lowest priority, so it is the root.
fn ring(lab: &mut Lab) -> ([(NamespaceId, IfIndex); 3], NamespaceId, NamespaceId) {
    let bridges = ["b1", "b2", "b3"].map(|name| {
        let host = lab.host(name);
        let bridge = lab.fabric.create_bridge(host, "br0", None).unwrap();
        set(lab, host, bridge, Setting::StpState, 1);
        lab.fabric.set_up(host, bridge, true);
        (host, bridge)
    });
    set(lab, bridges[0].0, bridges[0].1, Setting::Priority, 4096);
    for (a, b) in [(0, 1), (1, 2), (2, 0)] {
        let (near, far) = lab.cable((bridges[a].0, "next", ""), (bridges[b].0, "prev", ""));
        lab.fabric.set_master(bridges[a].0, near, Some(bridges[a].1)).unwrap();
        lab.fabric.set_master(bridges[b].0, far, Some(bridges[b].1)).unwrap();
    }
    let first = lab.behind(bridges[0].0, bridges[0].1, "first", "10.0.0.1/24");
    let last = lab.behind(bridges[2].0, bridges[2].1, "last", "10.0.0.3/24");
    (bridges, first, last)
}

#[test]
fn a_port_listens_and_learns_before_it_forwards_and_the_bridge_has_carrier_only_then() {
    let mut lab = Lab::new();
    let host = lab.host("switch");
    let bridge = lab.fabric.create_bridge(host, "br0", None).unwrap();
    set(&mut lab, host, bridge, Setting::StpState, 1);
    lab.fabric.set_up(host, bridge, true);
    lab.behind(host, bridge, "a", "10.0.0.1/24");
    let carrier = |lab: &Lab| lab.fabric.namespace(host).devices.get(&bridge).unwrap().carrier;
    for (seconds, state) in [(1, State::Listening), (14, State::Learning), (14, State::Learning)] {
        lab.run_for(Duration::from_secs(seconds));
        assert_eq!((states(&lab, host, bridge), carrier(&lab)), (vec![state], false));
    }
    lab.run_for(Duration::from_secs(1));
    assert_eq!((states(&lab, host, bridge), carrier(&lab)), (vec![State::Forwarding], true));
}

#[test]
fn a_ring_has_one_blocked_port_and_heals_when_a_cable_is_cut() {
    let mut lab = Lab::new();
    let (bridges, first, last) = ring(&mut lab);
    lab.run_for(Duration::from_secs(40));
    let all: Vec<State> = bridges.iter().flat_map(|(host, bridge)| states(&lab, *host, *bridge)).collect();
    assert_eq!(all.iter().filter(|state| **state == State::Blocking).count(), 1, "{all:?}");
    let root = lab.fabric.namespace(bridges[0].0).devices.get(&bridges[0].1).unwrap().bridge().unwrap().tree().id();
    for (host, bridge) in bridges {
        let table = lab.fabric.namespace(host).devices.get(&bridge).unwrap().bridge().unwrap();
        assert_eq!(table.tree().root(), root);
    }
    assert_eq!(lab.ping(first, "10.0.0.3"), Ping::Reply { ttl: 64 });
    let seen = |lab: &Lab| lab.fabric.namespace(last).device_named("eth0").unwrap().counters.rx_packets;
    let before = seen(&lab);
    lab.run_for(Duration::from_secs(10));
    assert!(seen(&lab) - before < 20, "no storm, only what the root says every two seconds");
    let direct = lab.fabric.namespace(bridges[2].0).device_named("next").unwrap().index;
    lab.fabric.set_up(bridges[2].0, direct, false);
    lab.run_for(Duration::from_secs(60));
    assert_eq!(lab.ping(first, "10.0.0.3"), Ping::Reply { ttl: 64 }, "by way of the bridge between");
}

#[test]
fn a_port_with_a_guard_is_switched_off_by_a_bridge_that_speaks() {
    let mut lab = Lab::new();
    let (bridges, ..) = ring(&mut lab);
    switch(&mut lab, bridges[1].0, bridges[1].1, "prev", "guard", true);
    lab.run_for(Duration::from_secs(40));
    assert!(states(&lab, bridges[1].0, bridges[1].1).contains(&State::Disabled));
}

/// A host asks anew who its neighbours are.
fn forget(lab: &mut Lab, host: NamespaceId) {
    lab.fabric.with(host, |ns, _| {
        let eth0 = ns.device_named("eth0").unwrap().index;
        ns.neighbours.flush(eth0);
    });
}

/// A bridge that looks at VLANs: two hosts in number 10, one in 20, and a router that has both with tags.
#[test]
fn a_vlan_is_a_bridge_of_its_own() {
    let mut lab = Lab::new();
    let host = lab.host("switch");
    let bridge = lab.bridge(host, "br0", "10.0.0.254/24");
    set(&mut lab, host, bridge, Setting::VlanFiltering, 1);
    let [a, b, c] = [("a", "10.0.0.1/24"), ("b", "10.0.0.2/24"), ("c", "10.0.0.3/24")]
        .map(|(name, address)| lab.behind(host, bridge, name, address));
    let trunk = lab.behind(host, bridge, "trunk", "");
    assert_eq!(lab.ping(a, "10.0.0.3"), Ping::Reply { ttl: 64 }, "all have the default number");
    for (port, id) in [("to-a", 10), ("to-b", 10), ("to-c", 20)] {
        let port = lab.fabric.namespace(host).device_named(port).unwrap().index;
        lab.fabric.set_bridge(host, bridge, |bridge, _| {
            bridge.change_port(port, |port| {
                port.vlans.remove(1);
                port.vlans.add(id, true, true);
            });
        });
    }
    let trunk_port = lab.fabric.namespace(host).device_named("to-trunk").unwrap().index;
    lab.fabric.set_bridge(host, bridge, |bridge, _| {
        bridge.change_port(trunk_port, |port| [10, 20].into_iter().for_each(|id| port.vlans.add(id, false, false)));
    });
    let eth0 = lab.fabric.namespace(trunk).device_named("eth0").unwrap().index;
    let tagged = lab.fabric.create_stacked(trunk, eth0, "eth0.10", netyard_sim::stack::Over::Vlan(10)).unwrap();
    lab.fabric.set_up(trunk, tagged, true);
    lab.fabric.add_address(trunk, tagged, "10.0.0.9/24".parse().unwrap()).unwrap();
    let unreachable = |from: &str| Ping::Error { from: super::lab::ip(from), kind: 3, code: 1 };
    lab.run_for(Duration::from_secs(60));
    assert_eq!(lab.ping(a, "10.0.0.2"), Ping::Reply { ttl: 64 });
    assert_eq!(lab.ping(b, "10.0.0.9"), Ping::Reply { ttl: 64 }, "with a tag behind the trunk");
    forget(&mut lab, a);
    assert_eq!(lab.ping(a, "10.0.0.3"), unreachable("10.0.0.1"));
    forget(&mut lab, c);
    assert_eq!(lab.ping(c, "10.0.0.9"), unreachable("10.0.0.3"));
    forget(&mut lab, a);
    assert_eq!(lab.ping(a, "10.0.0.254"), unreachable("10.0.0.1"), "the bridge's own device is in number 1 only");
    lab.fabric.set_bridge(host, bridge, |bridge, _| bridge.own_vlans_mut().add(10, true, true));
    assert_eq!(lab.ping(a, "10.0.0.254"), Ping::Reply { ttl: 64 });
}

#[test]
fn isolated_ports_reach_others_but_not_each_other() {
    let mut lab = Lab::new();
    let host = lab.host("switch");
    let bridge = lab.bridge(host, "br0", "");
    let [a, b, c] = [("a", "10.0.0.1/24"), ("b", "10.0.0.2/24"), ("c", "10.0.0.3/24")]
        .map(|(name, address)| lab.behind(host, bridge, name, address));
    switch(&mut lab, host, bridge, "to-a", "isolated", true);
    switch(&mut lab, host, bridge, "to-b", "isolated", true);
    assert_ne!(lab.ping(a, "10.0.0.2"), Ping::Reply { ttl: 64 });
    assert_eq!(lab.ping(a, "10.0.0.3"), Ping::Reply { ttl: 64 });
    assert_eq!(lab.ping(c, "10.0.0.2"), Ping::Reply { ttl: 64 });
    let _ = b;
}

#[test]
fn a_port_that_learns_nothing_is_flooded_and_one_that_is_not_flooded_stays_silent() {
    let mut lab = Lab::new();
    let host = lab.host("switch");
    let bridge = lab.bridge(host, "br0", "");
    let [a, _, c] = [("a", "10.0.0.1/24"), ("b", "10.0.0.2/24"), ("c", "10.0.0.3/24")]
        .map(|(name, address)| lab.behind(host, bridge, name, address));
    switch(&mut lab, host, bridge, "to-b", "learning", false);
    let seen = |lab: &Lab| lab.fabric.namespace(c).device_named("eth0").unwrap().counters.rx_packets;
    assert_eq!(lab.ping(a, "10.0.0.2"), Ping::Reply { ttl: 64 });
    let before = seen(&lab);
    assert_eq!(lab.ping(a, "10.0.0.2"), Ping::Reply { ttl: 64 });
    assert!(seen(&lab) > before, "what is for b goes to everybody");
    switch(&mut lab, host, bridge, "to-c", "flood", false);
    let before = seen(&lab);
    assert_eq!(lab.ping(a, "10.0.0.2"), Ping::Reply { ttl: 64 });
    assert_eq!(seen(&lab), before);
}
