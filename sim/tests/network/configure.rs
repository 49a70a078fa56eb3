//! What `ip` can change, and what the kernel refuses.

use netyard_sim::device::{IfIndex, Ipv6};
use netyard_sim::fabric::NamespaceId;
use netyard_sim::link::Condition;
use netyard_sim::namespace::LinkError;
use netyard_sim::route::Route;
use netyard_sim::time::Duration;

use super::lab::{Lab, Ping, ip};

fn routes(lab: &Lab, host: NamespaceId) -> Vec<String> {
    lab.fabric.namespace(host).routes.iter().filter(|r| r.dst.is_ipv4()).map(|r| r.dst.to_string()).collect()
}

fn pair() -> (Lab, NamespaceId, NamespaceId, IfIndex) {
    let mut lab = Lab::new();
    let (a, b) = (lab.host("a"), lab.host("b"));
    let (eth0, _) = lab.cable((a, "eth0", "10.0.0.1/24"), (b, "eth0", "10.0.0.2/24"));
    (lab, a, b, eth0)
}

#[test]
fn names_are_checked_and_unique_in_their_namespace() {
    let (mut lab, a, b, _) = pair();
    let bridge = |lab: &mut Lab, name: &str| lab.fabric.create_bridge(a, name, None).map(|_| ());
    assert_eq!(bridge(&mut lab, "eth0"), Err(LinkError::Exists));
    for wrong in ["", "a-name-of-16-byte", "with/slash", "with blank"] {
        assert_eq!(bridge(&mut lab, wrong), Err(LinkError::InvalidName), "{wrong:?}");
    }
    assert_eq!(bridge(&mut lab, "fifteen-letters"), Ok(()));
    let (_, peer) = lab.fabric.create_veth(a, "veth0", "eth1", Condition::default()).unwrap();
    assert_eq!(lab.fabric.move_device(a, peer, b, "eth0"), Err(LinkError::Exists));
    assert!(lab.fabric.namespace(a).device_named("eth1").is_some(), "a refused move changes nothing");
    assert_eq!(lab.fabric.move_device(a, IfIndex(1), b, "lo2"), Err(LinkError::NotMovable));
}

#[test]
fn an_address_brings_its_route_and_takes_it_along() {
    let (mut lab, a, _, eth0) = pair();
    assert_eq!(lab.fabric.add_address(a, eth0, "10.0.0.1/24".parse().unwrap()), Err(LinkError::AddressExists));
    lab.fabric.add_address(a, eth0, "10.7.0.1/16".parse().unwrap()).unwrap();
    assert_eq!(routes(&lab, a), ["10.0.0.0/24", "10.7.0.0/16"]);
    lab.fabric.remove_address(a, eth0, "10.7.0.1/16".parse().unwrap()).unwrap();
    assert_eq!(routes(&lab, a), ["10.0.0.0/24"]);
    assert_eq!(lab.fabric.remove_address(a, eth0, "10.7.0.1/16".parse().unwrap()), Err(LinkError::NoAddress));
    assert_eq!(lab.fabric.add_address(a, IfIndex(99), "10.8.0.1/16".parse().unwrap()), Err(LinkError::NoDevice));
}

#[test]
fn a_gateway_must_be_on_a_link_and_a_route_is_there_once() {
    let (mut lab, a, _, eth0) = pair();
    let route = |gateway: &str| Route::via("0.0.0.0/0".parse().unwrap(), Some(ip(gateway)), eth0);
    assert_eq!(lab.fabric.add_route(a, route("172.16.0.1")), Err(LinkError::NextHopUnreachable));
    assert_eq!(lab.fabric.add_route(a, route("10.0.0.2")), Ok(()));
    assert_eq!(lab.fabric.add_route(a, route("10.0.0.2")), Err(LinkError::RouteExists));
    lab.fabric.set_up(a, eth0, false);
    assert_eq!(lab.fabric.add_route(a, route("10.0.0.2")), Err(LinkError::NetworkDown));
}

#[test]
fn only_a_bridge_is_a_master_and_it_is_no_port_itself() {
    let (mut lab, a, _, eth0) = pair();
    let [one, two] = ["one", "two"].map(|name| lab.bridge(a, name, ""));
    assert_eq!(lab.fabric.set_master(a, eth0, Some(IfIndex(1))), Err(LinkError::NotABridge));
    assert_eq!(lab.fabric.set_master(a, one, Some(two)), Err(LinkError::Busy));
    assert_eq!(lab.fabric.set_master(a, eth0, Some(one)), Ok(()));
    assert_eq!(lab.fabric.set_master(a, eth0, Some(two)), Ok(()), "a port changes its bridge");
    let ports = |name: &str| lab.fabric.namespace(a).device_named(name).unwrap().carrier;
    assert_eq!((ports("one"), ports("two")), (false, true));
}

#[test]
fn a_port_hands_its_packets_to_the_bridge_and_no_longer_to_its_host() {
    let (mut lab, a, b, eth0) = pair();
    assert_eq!(lab.ping(b, "10.0.0.1"), Ping::Reply { ttl: 64 });
    let br0 = lab.bridge(a, "br0", "");
    lab.fabric.set_master(a, eth0, Some(br0)).unwrap();
    lab.fabric.remove_address(a, eth0, "10.0.0.1/24".parse().unwrap()).unwrap();
    lab.fabric.add_address(a, br0, "10.0.0.1/24".parse().unwrap()).unwrap();
    lab.run_for(Duration::from_secs(60));
    assert_eq!(lab.ping(b, "10.0.0.1"), Ping::Reply { ttl: 64 }, "the bridge answers now");
    lab.fabric.set_master(a, eth0, None).unwrap();
    lab.run_for(Duration::from_secs(60));
    assert_ne!(lab.ping(b, "10.0.0.1"), Ping::Reply { ttl: 64 });
}

#[test]
fn a_cable_is_cut_when_either_end_goes_down() {
    let (mut lab, a, b, eth0) = pair();
    let far = lab.fabric.namespace(b).device_named("eth0").unwrap().index;
    let carrier = |lab: &Lab, host| lab.fabric.namespace(host).device_named("eth0").unwrap().carrier;
    lab.fabric.set_up(b, far, false);
    let unreachable = Ping::Error { from: ip("10.0.0.1"), kind: 3, code: 1 };
    assert_eq!((carrier(&lab, a), lab.ping(a, "10.0.0.2")), (false, unreachable));
    lab.fabric.set_up(b, far, true);
    assert!(carrier(&lab, a));
    assert_eq!(lab.ping(a, "10.0.0.2"), Ping::Reply { ttl: 64 });
    lab.fabric.delete_device(a, eth0);
    assert!(lab.fabric.namespace(b).device_named("eth0").is_none(), "its peer goes with it");
}

#[test]
fn ipv6_has_a_link_local_address_while_it_is_on() {
    let (mut lab, a, b, eth0) = pair();
    let own = lab.fabric.namespace(a).device_named("eth0").unwrap().mac.link_local();
    let has = |lab: &Lab| lab.fabric.namespace(a).is_local(own.into());
    assert!(has(&lab));
    lab.fabric.set_ipv6(a, eth0, Ipv6::Disabled);
    assert!(!has(&lab));
    lab.fabric.set_ipv6(a, eth0, Ipv6::Enabled);
    assert!(has(&lab));
    assert_eq!(lab.fabric.namespace(b).name, "b");
}
