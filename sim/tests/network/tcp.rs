//! Connections: accepted, refused, carrying bytes and ending.

use core::net::SocketAddr;

use netyard_sim::capture::{Captured, Hop};
use netyard_sim::fabric::NamespaceId;
use netyard_sim::filter::{Rule, TableKind};
use netyard_sim::namespace::{Cx, Namespace, Received, TcpState};
use netyard_sim::packet::{Ip, Upper, tcp_flag};
use netyard_sim::socket::{Errno, SocketId};
use netyard_sim::time::Duration;

use super::lab::{Lab, at};

fn pair() -> (Lab, NamespaceId, NamespaceId) {
    let mut lab = Lab::new();
    let (client, server) = (lab.host("client"), lab.host("server"));
    lab.cable((client, "eth0", "10.0.0.1/24"), (server, "eth0", "10.0.0.2/24"));
    (lab, client, server)
}

fn connect(lab: &mut Lab, from: NamespaceId, to: SocketAddr) -> SocketId {
    let socket = lab.fabric.with(from, |ns, cx| ns.tcp_connect(cx, to)).unwrap();
    lab.run_for(Duration::from_millis(5));
    socket
}

#[test]
fn a_megabyte_goes_there_and_the_end_is_seen() {
    let (mut lab, client, server) = pair();
    let listener = lab.fabric.with(server, |ns, _| ns.tcp_listen(at("0.0.0.0:80"), 8)).unwrap();
    let out = connect(&mut lab, client, at("10.0.0.2:80"));
    assert_eq!(lab.fabric.namespace(client).tcp_state(out), TcpState::Established);
    let (into, peer) = lab.fabric.with(server, |ns, _| ns.tcp_accept(listener)).unwrap();
    assert_eq!(peer.ip(), at("10.0.0.1:0").ip());

    let sent: Vec<u8> = (0..1_000_000u32).map(|n| u8::try_from(n % 253).unwrap()).collect();
    let (mut got, mut offset) = (Vec::new(), 0);
    while got.len() < sent.len() {
        offset += lab.fabric.with(client, |ns, cx| ns.tcp_send(cx, out, &sent[offset..])).unwrap();
        lab.run_for(Duration::from_micros(200));
        while let Received::Data(bytes) = lab.fabric.with(server, |ns, cx| ns.tcp_recv(cx, into, 65536)).unwrap() {
            got.extend(bytes);
        }
    }
    assert_eq!(got, sent);
    lab.fabric.with(client, |ns, cx| ns.close(cx, out));
    lab.run_for(Duration::from_millis(1));
    assert_eq!(lab.fabric.with(server, |ns, cx| ns.tcp_recv(cx, into, 1)), Ok(Received::Closed));
}

#[test]
fn a_fin_that_was_lost_is_sent_again_however_often_acknowledgments_are_repeated() {
    let (mut lab, client, server) = pair();
    let listener = lab.fabric.with(server, |ns, _| ns.tcp_listen(at("0.0.0.0:80"), 8)).unwrap();
    let out = connect(&mut lab, client, at("10.0.0.2:80"));
    let (into, _) = lab.fabric.with(server, |ns, _| ns.tcp_accept(listener)).unwrap();
    lab.fabric.capture.start();
    lab.fabric.with(client, |ns, cx| ns.tcp_send(cx, out, b"hello")).unwrap();
    lab.run_for(Duration::from_millis(5));
    let acknowledgment = lab.fabric.capture.frames().last().expect("the server acknowledged").clone();
    let (at_client, door) = lab.fabric.capture.place(acknowledgment.spot);
    assert_eq!((at_client, acknowledgment.hop), (client, Hop::Received));

    let loses_fins = Rule::parse("-p tcp -m tcp --tcp-flags FIN FIN -j DROP").unwrap();
    let firewall = &mut lab.fabric.namespace_mut(server).netfilter.v4;
    firewall.append(TableKind::Filter, "INPUT", loses_fins.clone()).unwrap();
    lab.fabric.with(client, |ns, cx| ns.tcp_shutdown(cx, out));
    for _ in 0..4 {
        lab.fabric.inject(client, door.expect("it came by a device"), acknowledgment.frame.clone());
        lab.run_for(Duration::from_millis(1));
    }
    assert_eq!(lab.fabric.namespace(client).tcp_state(out), TcpState::FinWait1);

    lab.fabric.namespace_mut(server).netfilter.v4.delete(TableKind::Filter, "INPUT", &loses_fins).unwrap();
    lab.run_for(Duration::from_secs(5));
    assert_eq!(lab.fabric.namespace(client).tcp_state(out), TcpState::FinWait2);
    assert_eq!(lab.fabric.namespace(server).tcp_state(into), TcpState::CloseWait);
}

#[test]
fn a_port_without_a_listener_refuses() {
    let (mut lab, client, _) = pair();
    let socket = connect(&mut lab, client, at("10.0.0.2:81"));
    assert_eq!(lab.fabric.namespace(client).tcp_state(socket), TcpState::Closed);
    assert_eq!(lab.fabric.with(client, |ns, cx| ns.tcp_recv(cx, socket, 1)), Err(Errno::ConnectionRefused));
}

#[test]
fn a_silent_host_is_unreachable_after_arp_gave_up() {
    let (mut lab, client, _) = pair();
    let socket = connect(&mut lab, client, at("10.0.0.9:80"));
    lab.run_for(Duration::from_secs(4));
    assert_eq!(lab.fabric.with(client, |ns, cx| ns.tcp_recv(cx, socket, 1)), Err(Errno::HostUnreachable));
}

#[test]
fn a_listener_with_a_full_backlog_takes_no_more_until_one_is_accepted() {
    let (mut lab, client, server) = pair();
    let listener = lab.fabric.with(server, |ns, _| ns.tcp_listen(at("0.0.0.0:80"), 1)).unwrap();
    let first = connect(&mut lab, client, at("10.0.0.2:80"));
    let second = connect(&mut lab, client, at("10.0.0.2:80"));
    let state = |lab: &Lab, socket| lab.fabric.namespace(client).tcp_state(socket);
    assert_eq!((state(&lab, first), state(&lab, second)), (TcpState::Established, TcpState::SynSent));
    lab.fabric.with(server, |ns, _| ns.tcp_accept(listener)).unwrap();
    lab.run_for(Duration::from_secs(2));
    assert_eq!(state(&lab, second), TcpState::Established, "the SYN was sent again");
}

#[test]
fn connections_leave_nothing_behind() {
    let (mut lab, client, server) = pair();
    let listener = lab.fabric.with(server, |ns, _| ns.tcp_listen(at("0.0.0.0:80"), 8)).unwrap();
    for _ in 0..50 {
        let out = connect(&mut lab, client, at("10.0.0.2:80"));
        let (into, _) = lab.fabric.with(server, |ns, _| ns.tcp_accept(listener)).unwrap();
        lab.fabric.with(client, |ns, cx| ns.close(cx, out));
        lab.run_for(Duration::from_millis(1));
        lab.fabric.with(server, |ns, cx| ns.close(cx, into));
    }
    lab.run_for(Duration::from_secs(61));
    assert_eq!(lab.fabric.namespace(client).tcp_count(), 0);
    assert_eq!(lab.fabric.namespace(server).tcp_count(), 0);
}

/// A connection from port 40000 that the server ended first; what the client has seen since is forgotten.
fn ended_by_server(lab: &mut Lab, client: NamespaceId, server: NamespaceId) -> SocketId {
    let listener = lab.fabric.with(server, |ns, _| ns.tcp_listen(at("0.0.0.0:80"), 8)).unwrap();
    let from = |ns: &mut Namespace, cx: &mut Cx| ns.tcp_connect_from(cx, at("10.0.0.1:40000"), at("10.0.0.2:80"));
    let out = lab.fabric.with(client, from).unwrap();
    lab.run_for(Duration::from_millis(1));
    let (into, _) = lab.fabric.with(server, |ns, _| ns.tcp_accept(listener)).unwrap();
    lab.fabric.with(server, |ns, cx| ns.close(cx, into));
    lab.run_for(Duration::from_millis(1));
    lab.fabric.with(client, |ns, cx| ns.close(cx, out));
    lab.run_for(Duration::from_millis(1));
    listener
}

#[test]
fn ports_that_wait_at_the_other_end_can_be_used_again_at_once() {
    let (mut lab, client, server) = pair();
    let listener = ended_by_server(&mut lab, client, server);
    let states = |lab: &Lab| lab.fabric.namespace(server).tcp_connections().map(|c| c.state).collect::<Vec<_>>();
    assert_eq!(states(&lab), [TcpState::TimeWait]);
    let from = |ns: &mut Namespace, cx: &mut Cx| ns.tcp_connect_from(cx, at("10.0.0.1:40000"), at("10.0.0.2:80"));
    let again = lab.fabric.with(client, from).unwrap();
    lab.run_for(Duration::from_millis(1));
    assert_eq!(lab.fabric.namespace(client).tcp_state(again), TcpState::Established);
    assert_eq!(states(&lab), [TcpState::Established]);
    assert!(lab.fabric.with(server, |ns, _| ns.tcp_accept(listener)).is_some());
}

#[test]
fn ports_wait_for_a_minute_where_the_connection_was_ended_first() {
    let (mut lab, client, server) = pair();
    ended_by_server(&mut lab, client, server);
    assert_eq!([client, server].map(|host| lab.fabric.namespace(host).tcp_count()), [0, 1]);
    // Who has them may not begin there himself.
    let back = |ns: &mut Namespace, cx: &mut Cx| ns.tcp_connect_from(cx, at("10.0.0.2:80"), at("10.0.0.1:40000"));
    assert_eq!(lab.fabric.with(server, back), Err(Errno::AddressNotAvailable));
    lab.run_for(Duration::from_secs(59));
    assert_eq!(lab.fabric.namespace(server).tcp_count(), 1);
    lab.run_for(Duration::from_secs(1));
    assert_eq!(lab.fabric.namespace(server).tcp_count(), 0);
}

fn is_fin(ip: &Ip) -> bool {
    matches!(ip.upper, Upper::Tcp { flags, .. } if flags & tcp_flag::FIN != 0)
}

#[test]
fn a_goodbye_that_comes_once_more_makes_the_ports_wait_anew_and_a_reset_frees_them() {
    let (mut lab, client, server) = pair();
    lab.fabric.capture.start();
    ended_by_server(&mut lab, client, server);
    let is_goodbye = |seen: &&Captured| {
        let ip = Ip::parse(seen.frame.payload()).filter(|_| lab.fabric.capture.place(seen.spot).0 == server);
        ip.is_some_and(|ip| ip.dst == at("10.0.0.2:80").ip() && is_fin(&ip))
    };
    let goodbye = lab.fabric.capture.frames().iter().rfind(is_goodbye).expect("the client said goodbye").clone();
    let (_, door) = lab.fabric.capture.place(goodbye.spot);
    let once_more = |lab: &mut Lab| {
        lab.run_for(Duration::from_secs(30));
        lab.fabric.inject(server, door.expect("it came by a device"), goodbye.frame.clone());
        lab.run_for(Duration::from_secs(31));
        lab.fabric.namespace(server).tcp_count()
    };
    let hears_nothing = Rule::parse("-j DROP").unwrap();
    let firewall =
        |lab: &mut Lab| lab.fabric.namespace_mut(client).netfilter.v4.append(TableKind::Filter, "INPUT", hears_nothing);
    firewall(&mut lab).unwrap();
    assert_eq!(once_more(&mut lab), 1);
    lab.fabric.namespace_mut(client).netfilter.v4.flush(TableKind::Filter, Some("INPUT")).unwrap();
    assert_eq!(once_more(&mut lab), 0, "the client resets what it does not know");
}

#[test]
fn who_sends_to_a_closed_connection_is_reset() {
    let (mut lab, client, server) = pair();
    let listener = lab.fabric.with(server, |ns, _| ns.tcp_listen(at("0.0.0.0:80"), 8)).unwrap();
    let out = connect(&mut lab, client, at("10.0.0.2:80"));
    let (into, _) = lab.fabric.with(server, |ns, _| ns.tcp_accept(listener)).unwrap();
    lab.fabric.with(server, |ns, cx| ns.close(cx, into));
    lab.run_for(Duration::from_millis(1));
    assert_eq!(lab.fabric.namespace(client).tcp_state(out), TcpState::CloseWait);
    assert_eq!(lab.fabric.with(client, |ns, cx| ns.tcp_send(cx, out, b"more")), Ok(4));
    lab.run_for(Duration::from_millis(1));
    // It had the goodbye already, so that it reads the end and not the reset.
    assert_eq!(lab.fabric.with(client, |ns, cx| ns.tcp_recv(cx, out, 1)), Ok(Received::Closed));
    assert_eq!(lab.fabric.with(client, |ns, cx| ns.tcp_send(cx, out, b"more")), Err(Errno::BrokenPipe));
    assert_eq!(lab.fabric.namespace(server).tcp_count(), 0);
}

#[test]
fn what_came_before_a_reset_is_read_before_it() {
    let (mut lab, client, server) = pair();
    let listener = lab.fabric.with(server, |ns, _| ns.tcp_listen(at("0.0.0.0:80"), 8)).unwrap();
    let out = connect(&mut lab, client, at("10.0.0.2:80"));
    let (into, _) = lab.fabric.with(server, |ns, _| ns.tcp_accept(listener)).unwrap();
    lab.fabric.with(client, |ns, cx| ns.tcp_send(cx, out, b"unread")).unwrap();
    lab.fabric.with(server, |ns, cx| ns.tcp_send(cx, into, b"hello")).unwrap();
    lab.run_for(Duration::from_millis(1));
    lab.fabric.with(server, |ns, cx| ns.close(cx, into));
    lab.run_for(Duration::from_millis(1));
    let mut read = || lab.fabric.with(client, |ns, cx| ns.tcp_recv(cx, out, 100));
    assert_eq!([read(), read()], [Ok(Received::Data(b"hello".to_vec())), Err(Errno::ConnectionReset)]);
}

#[test]
fn who_closed_waits_a_minute_for_the_other_to_close() {
    let (mut lab, client, server) = pair();
    let listener = lab.fabric.with(server, |ns, _| ns.tcp_listen(at("0.0.0.0:80"), 8)).unwrap();
    let out = connect(&mut lab, client, at("10.0.0.2:80"));
    let (into, _) = lab.fabric.with(server, |ns, _| ns.tcp_accept(listener)).unwrap();
    lab.fabric.with(server, |ns, cx| ns.close(cx, into));
    lab.run_for(Duration::from_secs(59));
    assert_eq!(lab.fabric.namespace(server).tcp_state(into), TcpState::FinWait2);
    lab.run_for(Duration::from_secs(2));
    assert_eq!(lab.fabric.namespace(server).tcp_count(), 0);
    assert_eq!(lab.fabric.namespace(client).tcp_state(out), TcpState::CloseWait);
}

#[test]
fn in_a_copy_connections_were_reset_and_listeners_listen() {
    let (mut lab, client, server) = pair();
    let listener = lab.fabric.with(server, |ns, _| ns.tcp_listen(at("0.0.0.0:80"), 8)).unwrap();
    let out = connect(&mut lab, client, at("10.0.0.2:80"));
    let (into, _) = lab.fabric.with(server, |ns, _| ns.tcp_accept(listener)).unwrap();

    let mut copy = Lab { fabric: lab.fabric.clone() };
    assert_eq!(copy.fabric.with(client, |ns, cx| ns.tcp_send(cx, out, b"hello")), Err(Errno::ConnectionReset));
    assert_eq!(copy.fabric.with(server, |ns, cx| ns.tcp_recv(cx, into, 5)), Err(Errno::ConnectionReset));
    let again = connect(&mut copy, client, at("10.0.0.2:80"));
    assert_eq!(copy.fabric.namespace(client).tcp_state(again), TcpState::Established);

    assert_eq!(lab.fabric.with(client, |ns, cx| ns.tcp_send(cx, out, b"hello")), Ok(5));
    lab.run_for(Duration::from_millis(1));
    let got = lab.fabric.with(server, |ns, cx| ns.tcp_recv(cx, into, 5));
    assert_eq!(got, Ok(Received::Data(b"hello".to_vec())));
}

#[test]
fn a_client_gets_so_many_connections_and_another_one_when_it_gave_one_up() {
    let (mut lab, client, server) = pair();
    let rule = "-p tcp -m tcp --dport 80 --syn -m connlimit --connlimit-above 2 -j DROP";
    let rules = &mut lab.fabric.namespace_mut(server).netfilter.v4;
    rules.append(TableKind::Filter, "INPUT", Rule::parse(rule).unwrap()).unwrap();
    let listener = lab.fabric.with(server, |ns, _| ns.tcp_listen(at("0.0.0.0:80"), 8)).unwrap();
    let open: Vec<SocketId> = (0..3).map(|_| connect(&mut lab, client, at("10.0.0.2:80"))).collect();
    let states = |lab: &Lab| open[1..].iter().map(|s| lab.fabric.namespace(client).tcp_state(*s)).collect::<Vec<_>>();
    assert_eq!(states(&lab), [TcpState::Established, TcpState::SynSent]);
    // One that both ends closed is none any more; the third asks again after a second.
    let (accepted, _) = lab.fabric.with(server, |ns, _| ns.tcp_accept(listener)).unwrap();
    lab.fabric.with(client, |ns, cx| ns.close(cx, open[0]));
    lab.fabric.with(server, |ns, cx| ns.close(cx, accepted));
    lab.run_for(Duration::from_secs(3));
    assert_eq!(states(&lab), [TcpState::Established, TcpState::Established]);
}
