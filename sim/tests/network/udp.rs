//! Datagrams between sockets.

use netyard_sim::socket::{Errno, SendOptions};
use netyard_sim::time::Duration;

use super::lab::{Lab, at};

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
