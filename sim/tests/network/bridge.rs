//! Hosts behind a bridge.

use netyard_sim::drop::DropReason;
use netyard_sim::time::Duration;

use super::lab::{Lab, Ping};

#[test]
fn two_hosts_behind_a_bridge_reach_each_other_and_the_third_sees_only_the_flooding() {
    let mut lab = Lab::new();
    let switch = lab.host("switch");
    let br0 = lab.bridge(switch, "br0", "");
    let a = lab.behind(switch, br0, "a", "10.0.0.1/24");
    let b = lab.behind(switch, br0, "b", "10.0.0.2/24");
    let c = lab.behind(switch, br0, "c", "10.0.0.3/24");
    assert_eq!(lab.ping(a, "10.0.0.2"), Ping::Reply { ttl: 64 });
    let received = |lab: &Lab, host| lab.fabric.namespace(host).device_named("eth0").unwrap().counters.rx_packets;
    // One ARP request is all that c saw; b saw it, the ping, and nothing more.
    assert_eq!(received(&lab, c), 1);
    assert_eq!(received(&lab, b), 2);
    let entry = lab.fabric.namespace(c).drops.of(DropReason::OtherHost);
    assert_eq!(entry, 0);
}

#[test]
fn a_bridge_with_an_address_is_a_host_too() {
    let mut lab = Lab::new();
    let switch = lab.host("switch");
    let br0 = lab.bridge(switch, "br0", "10.0.0.254/24");
    let a = lab.behind(switch, br0, "a", "10.0.0.1/24");
    assert_eq!(lab.ping(a, "10.0.0.254"), Ping::Reply { ttl: 64 });
    assert_eq!(lab.ping(switch, "10.0.0.1"), Ping::Reply { ttl: 64 });
}

#[test]
fn the_table_forgets_after_the_ageing_time() {
    let mut lab = Lab::new();
    let switch = lab.host("switch");
    let br0 = lab.bridge(switch, "br0", "");
    let a = lab.behind(switch, br0, "a", "10.0.0.1/24");
    let _b = lab.behind(switch, br0, "b", "10.0.0.2/24");
    lab.ping(a, "10.0.0.2");
    let learned = |lab: &Lab| {
        let device = lab.fabric.namespace(switch).device_named("br0").unwrap();
        device
            .bridge()
            .unwrap()
            .fdb(lab.fabric.now())
            .filter(|(_, e)| e.life == netyard_sim::bridge::Life::Learned)
            .count()
    };
    assert_eq!(learned(&lab), 2);
    lab.run_for(Duration::from_secs(400));
    assert_eq!(learned(&lab), 0);
}

#[test]
fn a_bridge_has_carrier_while_a_port_runs_and_the_lowest_mac_of_its_ports() {
    let mut lab = Lab::new();
    let switch = lab.host("switch");
    let br0 = lab.bridge(switch, "br0", "");
    let fresh = lab.fabric.namespace(switch).device_named("br0").unwrap();
    assert!(fresh.carrier && !fresh.carrier_known, "a bridge that never had a port: state UNKNOWN");
    let a = lab.behind(switch, br0, "a", "");
    let _b = lab.behind(switch, br0, "b", "");
    let ns = lab.fabric.namespace(switch);
    let lowest = ["to-a", "to-b"].map(|n| ns.device_named(n).unwrap().mac).into_iter().min().unwrap();
    assert_eq!(ns.device_named("br0").unwrap().mac, lowest);
    lab.fabric.delete_namespace(a);
    assert!(lab.fabric.namespace(switch).device_named("to-a").is_none(), "a pair dies with its namespace");
    assert!(lab.fabric.namespace(switch).device_named("br0").unwrap().carrier);
    let port = lab.fabric.namespace(switch).device_named("to-b").unwrap().index;
    lab.fabric.delete_device(switch, port);
    let empty = lab.fabric.namespace(switch).device_named("br0").unwrap();
    assert!(!empty.carrier && empty.carrier_known, "NO-CARRIER after its ports left");
}
