//! Tunnels: neighbours over networks that only route, what is learned of them, and what comes in that is none.

use netyard_sim::addr::Mac;
use netyard_sim::device::IfIndex;
use netyard_sim::drop::DropReason;
use netyard_sim::fabric::NamespaceId;
use netyard_sim::frame::{Frame, ethertype};
use netyard_sim::namespace::LinkError;
use netyard_sim::packet::build::{self, Parts};
use netyard_sim::packet::protocol;
use netyard_sim::time::Duration;
use netyard_sim::vxlan::{Life, PORT, Put, Remote, Settings, Vni};

use super::lab::{Lab, Ping, ip};

fn settings(vni: u32, local: &str, remote: Option<&str>) -> Settings {
    let vni = Vni::new(vni).unwrap();
    Settings { local: Some(ip(local)), remote: remote.map(ip), port: PORT, ..Settings::new(vni) }
}

/// A tunnel's device in a host, up, with an address.
fn tunnel(lab: &mut Lab, host: NamespaceId, settings: Settings, address: &str) -> IfIndex {
    let device = lab.fabric.create_vxlan(host, "vx0", settings).unwrap();
    lab.fabric.set_up(host, device, true);
    lab.fabric.add_address(host, device, address.parse().unwrap()).unwrap();
    device
}

/// Two hosts with a router between them.
fn apart(lab: &mut Lab) -> (NamespaceId, NamespaceId) {
    let (a, router, b) = (lab.host("a"), lab.host("router"), lab.host("b"));
    lab.cable((a, "eth0", "10.1.0.2/24"), (router, "eth0", "10.1.0.1/24"));
    lab.cable((b, "eth0", "10.2.0.2/24"), (router, "eth1", "10.2.0.1/24"));
    lab.default_route(a, "10.1.0.1", "eth0");
    lab.default_route(b, "10.2.0.1", "eth0");
    lab.fabric.namespace_mut(router).set_ipv4_forward(1);
    (a, b)
}

#[test]
fn hosts_behind_a_router_are_neighbours_in_a_tunnel_and_big_packets_are_cut_outside() {
    let mut lab = Lab::new();
    let (a, b) = apart(&mut lab);
    tunnel(&mut lab, a, settings(42, "10.1.0.2", Some("10.2.0.2")), "192.168.0.1/24");
    tunnel(&mut lab, b, settings(42, "10.2.0.2", Some("10.1.0.2")), "192.168.0.2/24");
    assert_eq!(lab.ping(a, "192.168.0.2"), Ping::Reply { ttl: 64 }, "no router is seen inside");
    // Without a device beneath, the MTU is 1500, and the datagrams are longer than the wire's.
    assert_eq!(lab.ping_with(b, "192.168.0.1", 1472, Default::default()), Ping::Reply { ttl: 64 });
    let device = lab.fabric.namespace(a).device_named("vx0").unwrap();
    assert_eq!(device.mtu.bytes(), 1500);
    let known: Vec<_> =
        device.tunnel().unwrap().fdb(lab.fabric.now()).map(|(_, e)| (e.life, e.remotes[0].ip)).collect();
    assert_eq!(known, [(Life::Ageing, ip("10.2.0.2")), (Life::Permanent, ip("10.2.0.2"))]);
}

#[test]
fn a_tunnel_works_on_where_its_device_is_moved_to_and_ends_with_the_namespace_it_was_made_in() {
    let mut lab = Lab::new();
    let (a, b) = apart(&mut lab);
    let inside = lab.host("inside");
    let device = tunnel(&mut lab, a, settings(42, "10.1.0.2", Some("10.2.0.2")), "192.168.0.1/24");
    let moved = lab.fabric.move_device(a, device, inside, "vx0").unwrap();
    lab.fabric.set_up(inside, moved, true);
    lab.fabric.add_address(inside, moved, "192.168.0.1/24".parse().unwrap()).unwrap();
    tunnel(&mut lab, b, settings(42, "10.2.0.2", Some("10.1.0.2")), "192.168.0.2/24");
    assert_eq!(lab.ping(inside, "192.168.0.2"), Ping::Reply { ttl: 64 });
    let again = lab.fabric.create_vxlan(a, "vx1", settings(42, "10.1.0.2", None));
    assert_eq!(again, Err(LinkError::NetworkExists));
    lab.fabric.delete_namespace(a);
    assert!(lab.fabric.namespace(inside).device_named("vx0").is_none());
}

#[test]
fn a_proxy_answers_for_those_it_knows_and_lets_no_question_through() {
    let mut lab = Lab::new();
    let (a, b) = apart(&mut lab);
    let proxy = Settings { proxy: true, learning: false, ..settings(42, "10.1.0.2", Some("10.2.0.2")) };
    let bridge = lab.bridge(a, "br0", "");
    let guest = lab.behind(a, bridge, "guest", "192.168.0.1/24");
    let device = lab.fabric.create_vxlan(a, "vx0", proxy).unwrap();
    lab.fabric.set_master(a, device, Some(bridge)).unwrap();
    lab.fabric.set_up(a, device, true);
    let far = tunnel(&mut lab, b, settings(42, "10.2.0.2", Some("10.1.0.2")), "192.168.0.2/24");
    let unknown = lab.ping(guest, "192.168.0.2");
    assert_eq!(unknown, Ping::Error { from: ip("192.168.0.1"), kind: 3, code: 1 });
    let mac = lab.fabric.namespace(b).devices.get(&far).unwrap().mac;
    lab.fabric.with(a, |ns, cx| {
        ns.neighbours.set_permanent(device, ip("192.168.0.2"), mac);
        let _ = cx;
    });
    assert_eq!(lab.ping(guest, "192.168.0.2"), Ping::Reply { ttl: 64 });
}

/// A host that hears for network 42, and a wire into it.
fn listener(lab: &mut Lab) -> (NamespaceId, IfIndex) {
    let (host, outside) = (lab.host("host"), lab.host("outside"));
    let (eth0, _) = lab.cable((host, "eth0", "10.0.0.1/24"), (outside, "eth0", "10.0.0.2/24"));
    tunnel(lab, host, settings(42, "10.0.0.1", None), "192.168.0.1/24");
    (host, eth0)
}

fn throw(lab: &mut Lab, host: NamespaceId, door: IfIndex, data: &[u8]) {
    let datagram = build::udp(40000, PORT, data);
    let packet = build::packet(&Parts::new(ip("10.0.0.2"), ip("10.0.0.1"), protocol::UDP, &datagram));
    let mac = lab.fabric.namespace(host).devices.get(&door).unwrap().mac;
    let mut frame = Frame::ethernet(mac, Mac([2, 0, 0, 0, 0, 9]), ethertype::IPV4, packet.len());
    frame.payload_mut().copy_from_slice(&packet);
    lab.fabric.inject(host, door, frame);
    lab.run_for(Duration::from_millis(1));
}

#[test]
fn what_is_no_frame_of_the_network_is_dropped_and_counted() {
    let mut lab = Lab::new();
    let (host, door) = listener(&mut lab);
    let inner = Frame::ethernet(Mac::BROADCAST, Mac([2, 0, 0, 0, 0, 7]), ethertype::ARP, 28);
    let datagram = |header: [u8; 8], inner: &[u8]| [&header[..], inner].concat();
    let good = [8, 0, 0, 0, 0, 0, 42, 0];
    for (header, inner) in [
        (good, &inner.bytes()[..13]),
        ([0, 0, 0, 0, 0, 0, 42, 0], inner.bytes()),
        ([0x0c, 0, 0, 0, 0, 0, 42, 0], inner.bytes()),
        ([8, 0, 0, 1, 0, 0, 42, 0], inner.bytes()),
        ([8, 0, 0, 0, 0, 0, 42, 1], inner.bytes()),
    ] {
        throw(&mut lab, host, door, &datagram(header, inner));
    }
    throw(&mut lab, host, door, &good[..7]);
    throw(&mut lab, host, door, &datagram([8, 0, 0, 0, 0, 0, 43, 0], inner.bytes()));
    let drops = &lab.fabric.namespace(host).drops;
    assert_eq!((drops.of(DropReason::Malformed), drops.of(DropReason::UnknownNetwork)), (6, 1));
    let own = lab.fabric.namespace(host).device_named("vx0").unwrap().mac;
    let forged = Frame::ethernet(Mac::BROADCAST, own, ethertype::ARP, 28);
    throw(&mut lab, host, door, &datagram(good, forged.bytes()));
    let device = lab.fabric.namespace(host).device_named("vx0").unwrap();
    assert_eq!((device.counters.rx_packets, device.counters.rx_dropped), (0, 1));
    throw(&mut lab, host, door, &datagram(good, inner.bytes()));
    assert_eq!(lab.fabric.namespace(host).device_named("vx0").unwrap().counters.rx_packets, 1);
}

#[test]
fn a_tunnel_through_itself_and_two_through_each_other_come_to_an_end() {
    let mut lab = Lab::new();
    let host = lab.host("host");
    let first = tunnel(&mut lab, host, settings(1, "10.8.0.1", Some("10.9.0.2")), "10.8.0.1/24");
    let second = lab.fabric.create_vxlan(host, "vx1", settings(2, "10.9.0.1", Some("10.8.0.2"))).unwrap();
    lab.fabric.set_up(host, second, true);
    lab.fabric.add_address(host, second, "10.9.0.1/24".parse().unwrap()).unwrap();
    lab.fabric.with(host, |ns, _| {
        let mac = Mac([2, 0, 0, 0, 0, 7]);
        ns.neighbours.set_permanent(first, ip("10.8.0.2"), mac);
        ns.neighbours.set_permanent(second, ip("10.9.0.2"), mac);
    });
    assert_eq!(lab.ping(host, "10.8.0.2"), Ping::Silence);
    let dropped = lab.fabric.namespace(host).drops.of(DropReason::NoRemote);
    assert!(dropped > 0, "the frame that is in too many tunnels");
    let own = lab.fabric.create_vxlan(host, "vx2", settings(3, "10.7.0.1", Some("10.7.0.2"))).unwrap();
    lab.fabric.set_up(host, own, true);
    lab.fabric.add_address(host, own, "10.7.0.1/24".parse().unwrap()).unwrap();
    assert_ne!(lab.ping(host, "10.7.0.2"), Ping::Reply { ttl: 64 });
}

#[test]
fn a_broadcast_is_copied_to_every_far_end_of_the_list() {
    let mut lab = Lab::new();
    let switch = lab.host("switch");
    let bridge = lab.bridge(switch, "br0", "");
    let hosts = ["10.0.0.1", "10.0.0.2", "10.0.0.3"]
        .map(|address| lab.behind(switch, bridge, &format!("h{}", &address[7..]), &format!("{address}/24")));
    for (host, last) in hosts.into_iter().zip(1..) {
        let device =
            tunnel(&mut lab, host, settings(42, &format!("10.0.0.{last}"), None), &format!("192.168.0.{last}/24"));
        let now = lab.fabric.now();
        for other in (1..4).filter(|other| *other != last) {
            let far = Remote::at(ip(&format!("10.0.0.{other}")));
            let device = lab.fabric.namespace_mut(host).devices.get_mut(&device).unwrap();
            device.tunnel_mut().unwrap().put(now, Mac::ZERO, far, Life::Permanent, Put::Append).unwrap();
        }
    }
    for from in hosts {
        for last in 1..4 {
            assert_eq!(lab.ping(from, &format!("192.168.0.{last}")), Ping::Reply { ttl: 64 });
        }
    }
}
