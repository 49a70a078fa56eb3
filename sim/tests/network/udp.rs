//! Datagrams between sockets.

use netyard_sim::drop::DropReason;
use netyard_sim::fabric::NamespaceId;
use netyard_sim::socket::{Errno, SendOptions, SocketId};
use netyard_sim::time::Duration;

use super::lab::{Lab, Ping, at};

#[test]
fn a_datagram_finds_the_socket_that_fits_best() {
    let mut lab = Lab::new();
    let (a, b) = (lab.host("a"), lab.host("b"));
    lab.cable((a, "eth0", "10.0.0.1/24"), (b, "eth0", "10.0.0.2/24"));
    let any = lab.fabric.with(b, |ns, _| ns.udp_bind(at("0.0.0.0:53"))).unwrap();
    assert_eq!(lab.fabric.with(b, |ns, _| ns.udp_bind(at("10.0.0.2:53"))), Err(Errno::AddressInUse));
    let sender = lab.fabric.with(a, |ns, _| ns.udp_bind(at("0.0.0.0:4000"))).unwrap();
    lab.fabric.with(a, |ns, cx| ns.send_to(cx, sender, at("10.0.0.2:53"), b"hello", SendOptions::default())).unwrap();
    lab.run_for(Duration::from_millis(1));
    let got = lab.fabric.with(b, |ns, _| ns.recv_from(any)).unwrap().unwrap();
    assert_eq!((got.src, got.ttl, got.data.as_slice()), (at("10.0.0.1:4000"), 64, b"hello".as_slice()));
}

#[test]
fn a_closed_port_answers_and_a_connected_socket_learns_of_it() {
    let mut lab = Lab::new();
    let (a, b) = (lab.host("a"), lab.host("b"));
    lab.cable((a, "eth0", "10.0.0.1/24"), (b, "eth0", "10.0.0.2/24"));
    let socket = lab.fabric.with(a, |ns, _| ns.udp_bind(at("0.0.0.0:0"))).unwrap();
    lab.fabric.with(a, |ns, _| ns.udp_connect(socket, at("10.0.0.2:9"))).unwrap();
    lab.fabric.with(a, |ns, cx| ns.send_to(cx, socket, at("10.0.0.2:9"), b"x", SendOptions::default())).unwrap();
    lab.run_for(Duration::from_millis(1));
    assert_eq!(lab.fabric.with(a, |ns, _| ns.recv_from(socket)), Err(Errno::ConnectionRefused));
    assert_eq!(lab.fabric.with(a, |ns, _| ns.recv_from(socket)), Ok(None));
}

/// Two hosts on a cable, and a socket of each.
struct Pair {
    lab: Lab,
    a: NamespaceId,
    b: NamespaceId,
}

impl Pair {
    fn new() -> Self {
        let mut lab = Lab::new();
        let (a, b) = (lab.host("a"), lab.host("b"));
        lab.cable((a, "eth0", "10.0.0.1/24"), (b, "eth0", "10.0.0.2/24"));
        Self { lab, a, b }
    }

    fn bind(&mut self, host: NamespaceId, local: &str) -> SocketId {
        self.lab.fabric.with(host, |ns, _| ns.udp_bind(at(local))).unwrap()
    }

    fn send(&mut self, host: NamespaceId, socket: SocketId, to: &str, data: &[u8]) -> Result<(), Errno> {
        let sent = self.lab.fabric.with(host, |ns, cx| ns.send_to(cx, socket, at(to), data, SendOptions::default()));
        self.lab.run_for(Duration::from_millis(1));
        sent
    }

    /// What waits at a socket, as text.
    fn received(&mut self, host: NamespaceId, socket: SocketId) -> Vec<String> {
        let next = || self.lab.fabric.with(host, |ns, _| ns.recv_from(socket)).unwrap();
        core::iter::from_fn(next).map(|d| String::from_utf8(d.data).unwrap()).collect()
    }
}

#[test]
fn a_connected_socket_hears_its_peer_and_leaves_the_others_to_the_general_one() {
    let mut pair = Pair::new();
    let (a, b) = (pair.a, pair.b);
    let (peer, other) = (pair.bind(a, "0.0.0.0:4000"), pair.bind(a, "0.0.0.0:4001"));
    let private = pair.bind(b, "10.0.0.2:0");
    pair.lab.fabric.with(b, |ns, _| ns.udp_connect(private, at("10.0.0.1:4000"))).unwrap();
    pair.send(b, private, "10.0.0.1:4000", b"hello").unwrap();
    let greeting = pair.lab.fabric.with(a, |ns, _| ns.recv_from(peer)).unwrap().unwrap();
    let back = greeting.src.to_string();
    pair.send(a, other, &back, b"stranger").unwrap();
    pair.send(a, peer, &back, b"friend").unwrap();
    assert_eq!(pair.received(b, private), ["friend"]);
    assert_eq!(pair.lab.fabric.namespace(b).drops.of(DropReason::NoSocket), 1);
}

#[test]
fn a_broadcast_is_heard_by_everybody_at_that_port_and_complained_about_by_nobody() {
    let mut pair = Pair::new();
    let (a, b) = (pair.a, pair.b);
    let sender = pair.bind(a, "0.0.0.0:68");
    let listener = pair.bind(b, "0.0.0.0:67");
    let watcher = pair.lab.fabric.with(a, |ns, _| ns.raw_open(1));
    pair.send(a, sender, "10.0.0.255:67", b"who is there").unwrap();
    pair.send(a, sender, "10.0.0.255:99", b"anybody").unwrap();
    assert_eq!(pair.received(b, listener), ["who is there"]);
    assert_eq!(pair.received(a, watcher), Vec::<String>::new(), "a broadcast is never answered by an error");
}

#[test]
fn free_ports_differ_and_datagrams_have_a_longest_length() {
    let mut pair = Pair::new();
    let (a, b) = (pair.a, pair.b);
    let (first, second, server) = (pair.bind(a, "0.0.0.0:0"), pair.bind(a, "0.0.0.0:0"), pair.bind(b, "0.0.0.0:7"));
    assert_eq!(pair.send(a, first, "10.0.0.2:7", &vec![b'x'; 65508]), Err(Errno::MessageTooLong));
    pair.send(a, first, "10.0.0.2:7", &vec![b'x'; 65507]).unwrap();
    pair.send(a, second, "10.0.0.2:7", b"short").unwrap();
    let next = |pair: &mut Pair| pair.lab.fabric.with(b, |ns, _| ns.recv_from(server)).unwrap().unwrap();
    let (long, short) = (next(&mut pair), next(&mut pair));
    assert_eq!((long.data.len(), short.data.len()), (65507, 5));
    assert!(long.src.port() >= 32768 && short.src.port() >= 32768 && long.src != short.src);
}

#[test]
fn a_socket_that_nobody_reads_is_full_at_some_time_and_counts_what_it_loses() {
    let mut pair = Pair::new();
    let (a, b) = (pair.a, pair.b);
    let (sender, server) = (pair.bind(a, "0.0.0.0:0"), pair.bind(b, "0.0.0.0:7"));
    for _ in 0..500 {
        pair.send(a, sender, "10.0.0.2:7", &[b'x'; 1000]).unwrap();
    }
    let lost = pair.lab.fabric.namespace(b).drops.of(DropReason::SocketFull);
    let kept = pair.received(b, server).len() as u64;
    assert!(lost > 0 && kept > 100);
    assert_eq!(lost + kept, 500);
}

#[test]
fn every_raw_socket_gets_its_own_copy_of_what_is_delivered() {
    let mut pair = Pair::new();
    let (a, b) = (pair.a, pair.b);
    let [first, second] = [(); 2].map(|()| pair.lab.fabric.with(b, |ns, _| ns.raw_open(1)));
    let other = pair.lab.fabric.with(b, |ns, _| ns.raw_open(58));
    assert_eq!(pair.lab.ping(a, "10.0.0.2"), Ping::Reply { ttl: 64 });
    let kinds = |pair: &mut Pair, socket| {
        let next = || pair.lab.fabric.with(b, |ns, _| ns.recv_from(socket)).unwrap();
        core::iter::from_fn(next).map(|d| d.data[0]).collect::<Vec<_>>()
    };
    assert_eq!((kinds(&mut pair, first), kinds(&mut pair, second)), (vec![8], vec![8]));
    assert!(!kinds(&mut pair, other).contains(&8));
}

#[test]
fn what_a_host_sends_to_itself_never_touches_a_wire() {
    let mut pair = Pair::new();
    let a = pair.a;
    let (sender, server) = (pair.bind(a, "0.0.0.0:0"), pair.bind(a, "10.0.0.1:7"));
    pair.send(a, sender, "10.0.0.1:7", b"me").unwrap();
    assert_eq!(pair.received(a, server), ["me"]);
    assert_eq!(pair.lab.fabric.namespace(a).device_named("eth0").unwrap().counters.tx_packets, 0);
    assert_eq!(pair.send(a, server, "127.0.0.1:7", b"x"), Ok(()), "a bound source is used even on lo");
}

#[test]
fn closed_sockets_are_no_sockets() {
    let mut pair = Pair::new();
    let a = pair.a;
    let socket = pair.bind(a, "0.0.0.0:7");
    pair.lab.fabric.with(a, |ns, cx| ns.close(cx, socket));
    assert_eq!(pair.send(a, socket, "10.0.0.2:7", b"x"), Err(Errno::BadFile));
    assert_eq!(pair.received(a, socket), Vec::<String>::new());
    pair.bind(a, "0.0.0.0:7");
}

#[test]
fn who_speaks_to_everybody_hears_it_too() {
    let mut pair = Pair::new();
    let (a, b) = (pair.a, pair.b);
    let (sender, own, other) = (pair.bind(a, "0.0.0.0:68"), pair.bind(a, "0.0.0.0:67"), pair.bind(b, "0.0.0.0:67"));
    pair.send(a, sender, "10.0.0.255:67", b"all").unwrap();
    assert_eq!((pair.received(a, own), pair.received(b, other)), (vec!["all".to_owned()], vec!["all".to_owned()]));
}
