//! A Docker host's firewall at work on real packets: addresses hidden and restored, networks kept apart, ports
//! published, errors that find their way back.

use netyard_sim::conntrack::{Flow, tcp};
use netyard_sim::device::{IfIndex, Mtu};
use netyard_sim::drop::DropReason;
use netyard_sim::fabric::NamespaceId;
use netyard_sim::filter::{Policy, Rule, TableKind};
use netyard_sim::namespace::{Received, TcpState};
use netyard_sim::socket::{Discovery, Errno, SendOptions, SocketId};
use netyard_sim::time::Duration;

use super::lab::{Lab, Ping, at, ip};

/// What dockerd sets up for two bridges and a port published on 8080.
const RULES: [(TableKind, &str, &str); 15] = [
    (TableKind::Nat, "PREROUTING", "-m addrtype --dst-type LOCAL -j DOCKER"),
    (TableKind::Nat, "OUTPUT", "! -d 127.0.0.0/8 -m addrtype --dst-type LOCAL -j DOCKER"),
    (TableKind::Nat, "POSTROUTING", "-s 172.17.0.0/16 ! -o docker0 -j MASQUERADE"),
    (TableKind::Nat, "POSTROUTING", "-s 172.18.0.0/16 ! -o br-two -j MASQUERADE"),
    (TableKind::Nat, "DOCKER", "! -i docker0 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80"),
    (TableKind::Filter, "FORWARD", "-j STAGE-1"),
    (TableKind::Filter, "FORWARD", "-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT"),
    (TableKind::Filter, "FORWARD", "-d 172.17.0.2/32 ! -i docker0 -o docker0 -p tcp -m tcp --dport 80 -j ACCEPT"),
    (TableKind::Filter, "FORWARD", "-i docker0 -j ACCEPT"),
    (TableKind::Filter, "FORWARD", "-i br-two ! -o br-two -j ACCEPT"),
    (TableKind::Filter, "FORWARD", "-i br-two -o br-two -j DROP"),
    (TableKind::Filter, "STAGE-1", "-i docker0 ! -o docker0 -j STAGE-2"),
    (TableKind::Filter, "STAGE-1", "-i br-two ! -o br-two -j STAGE-2"),
    (TableKind::Filter, "STAGE-2", "-o docker0 -j DROP"),
    (TableKind::Filter, "STAGE-2", "-o br-two -j DROP"),
];

/// Two containers on docker0, two on br-two, and beyond the host a router to a server far away.
struct Site {
    lab: Lab,
    host: NamespaceId,
    c1: NamespaceId,
    c2: NamespaceId,
    d1: NamespaceId,
    far: NamespaceId,
}

const FAR: &str = "198.51.100.9";

impl Site {
    fn new() -> Self {
        let mut lab = Lab::new();
        let (host, router, far) = (lab.host("host"), lab.host("router"), lab.host("far"));
        lab.cable((host, "eth0", "192.0.2.10/24"), (router, "eth0", "192.0.2.1/24"));
        lab.cable((router, "eth1", "198.51.100.1/24"), (far, "eth0", "198.51.100.9/24"));
        lab.default_route(host, "192.0.2.1", "eth0");
        lab.default_route(far, "198.51.100.1", "eth0");
        let docker0 = lab.bridge(host, "docker0", "172.17.0.1/16");
        let two = lab.bridge(host, "br-two", "172.18.0.1/16");
        let mut container = |bridge: IfIndex, name: &str, net: &str| {
            let container = lab.behind(host, bridge, name, &format!("172.{net}/16"));
            lab.default_route(container, if net.starts_with("17") { "172.17.0.1" } else { "172.18.0.1" }, "eth0");
            container
        };
        let (c1, c2) = (container(docker0, "c1", "17.0.2"), container(docker0, "c2", "17.0.3"));
        let (d1, _) = (container(two, "d1", "18.0.2"), container(two, "d2", "18.0.3"));
        for forwarder in [host, router] {
            lab.fabric.namespace_mut(forwarder).set_ipv4_forward(1);
        }
        let mut site = Self { lab, host, c1, c2, d1, far };
        site.install_rules();
        site
    }

    fn install_rules(&mut self) {
        let rules = &mut self.lab.fabric.namespace_mut(self.host).netfilter.v4;
        rules.new_chain(TableKind::Nat, "DOCKER").unwrap();
        rules.new_chain(TableKind::Filter, "STAGE-1").unwrap();
        rules.new_chain(TableKind::Filter, "STAGE-2").unwrap();
        rules.set_policy(TableKind::Filter, "FORWARD", Policy::Drop).unwrap();
        for (table, chain, rule) in RULES {
            rules.append(table, chain, Rule::parse(rule).unwrap()).unwrap();
        }
    }

    fn rule(&mut self, chain: &str, rule: &str) {
        let rules = &mut self.lab.fabric.namespace_mut(self.host).netfilter.v4;
        rules.insert(TableKind::Filter, chain, 1, Rule::parse(rule).unwrap()).unwrap();
    }

    /// Packets that each rule of a filter chain met.
    fn counted(&self, chain: &str) -> Vec<u64> {
        let table = self.lab.fabric.namespace(self.host).netfilter.v4.table(TableKind::Filter).unwrap();
        table.chain(chain).unwrap().rules().iter().map(|r| r.counters.packets).collect()
    }

    fn flows(&self) -> usize {
        let fabric = &self.lab.fabric;
        fabric.namespace(self.host).netfilter.conntrack.list(fabric.now()).len()
    }

    fn udp(&mut self, host: NamespaceId, local: &str) -> SocketId {
        self.lab.fabric.with(host, |ns, _| ns.udp_bind(at(local))).unwrap()
    }

    fn send(&mut self, host: NamespaceId, socket: SocketId, to: &str, data: &[u8]) {
        let options = SendOptions::default();
        self.lab.fabric.with(host, |ns, cx| ns.send_to(cx, socket, at(to), data, options)).unwrap();
        self.lab.run_for(Duration::from_millis(10));
    }

    /// Who sent the next datagram, and what.
    fn receive(&mut self, host: NamespaceId, socket: SocketId) -> Option<(String, Vec<u8>)> {
        let datagram = self.lab.fabric.with(host, |ns, _| ns.recv_from(socket)).unwrap()?;
        Some((datagram.src.to_string(), datagram.data))
    }

    /// A connection as its opener sees it after a moment.
    fn connect(&mut self, from: NamespaceId, to: &str) -> (SocketId, TcpState) {
        let socket = self.lab.fabric.with(from, |ns, cx| ns.tcp_connect(cx, at(to))).unwrap();
        self.lab.run_for(Duration::from_millis(10));
        (socket, self.lab.fabric.namespace(from).tcp_state(socket))
    }
}

#[test]
fn a_container_reaches_the_world_by_the_hosts_address_until_its_flow_is_forgotten() {
    let mut site = Site::new();
    assert_eq!(site.lab.ping(site.c1, FAR), Ping::Reply { ttl: 62 });
    assert_eq!(site.flows(), 1);
    site.lab.run_for(Duration::from_secs(31));
    assert_eq!(site.flows(), 0, "an ICMP flow lasts for 30 s");
    let (here, there) = (site.udp(site.c1, "0.0.0.0:4000"), site.udp(site.far, "0.0.0.0:7"));
    site.send(site.c1, here, "198.51.100.9:7", b"hello");
    let (seen, data) = site.receive(site.far, there).unwrap();
    assert_eq!((seen.as_str(), data.as_slice()), ("192.0.2.10:4000", b"hello".as_slice()));
    site.send(site.far, there, &seen, b"back");
    assert_eq!(site.receive(site.c1, here).unwrap(), ("198.51.100.9:7".to_owned(), b"back".to_vec()));
}

#[test]
fn two_containers_with_the_same_port_get_each_their_own_answer() {
    let mut site = Site::new();
    let there = site.udp(site.far, "0.0.0.0:7");
    let (first, second) = (site.udp(site.c1, "0.0.0.0:4000"), site.udp(site.c2, "0.0.0.0:4000"));
    site.send(site.c1, first, "198.51.100.9:7", b"1");
    site.send(site.c2, second, "198.51.100.9:7", b"2");
    for (container, socket, port) in [(site.c1, first, 4000), (site.c2, second, 4001)] {
        let (seen, data) = site.receive(site.far, there).unwrap();
        assert_eq!(seen, format!("192.0.2.10:{port}"));
        site.send(site.far, there, &seen, &data);
        assert_eq!(site.receive(container, socket).unwrap().1, data);
    }
}

#[test]
fn errors_about_hidden_packets_find_the_container() {
    let mut site = Site::new();
    let two_hops = SendOptions { ttl: Some(2), ..SendOptions::default() };
    let expired = Ping::Error { from: ip("192.0.2.1"), kind: 11, code: 0 };
    assert_eq!(site.lab.ping_with(site.c1, FAR, 56, two_hops), expired);
    let socket = site.udp(site.c1, "0.0.0.0:4000");
    site.lab.fabric.with(site.c1, |ns, _| ns.udp_connect(socket, at("198.51.100.9:9"))).unwrap();
    site.send(site.c1, socket, "198.51.100.9:9", b"x");
    let told = site.lab.fabric.with(site.c1, |ns, _| ns.recv_from(socket));
    assert_eq!(told, Err(Errno::ConnectionRefused), "the port is closed, and the quoted source was restored");
}

#[test]
fn an_error_quotes_the_packet_as_the_container_sent_it() {
    let mut site = Site::new();
    let watcher = site.lab.fabric.with(site.c1, |ns, _| ns.raw_open(1));
    let socket = site.udp(site.c1, "0.0.0.0:4000");
    site.send(site.c1, socket, "198.51.100.9:9", b"x");
    let error = site.lab.fabric.with(site.c1, |ns, _| ns.recv_from(watcher)).unwrap().unwrap();
    assert_eq!((error.src.ip(), &error.data[..2]), (ip(FAR), [3, 3].as_slice()));
    let quoted = &error.data[8..];
    assert_eq!(quoted[12..16], [172, 17, 0, 2], "its source");
    assert_eq!(quoted[20..24], [0x0f, 0xa0, 0, 9], "its ports");
}

#[test]
fn a_narrow_uplink_is_told_to_the_container_and_big_packets_pass_in_pieces() {
    let mut site = Site::new();
    assert_eq!(site.lab.ping_with(site.c1, FAR, 4000, SendOptions::default()), Ping::Reply { ttl: 62 });
    let uplink = site.lab.fabric.namespace(site.host).device_named("eth0").unwrap().index;
    // Both ends of the cable: a veth takes nothing that is longer than its own MTU.
    let far_end = site.lab.fabric.peer_of(site.host, uplink).unwrap();
    for (namespace, device) in [(site.host, uplink), (far_end.namespace, far_end.device)] {
        site.lab.fabric.set_mtu(namespace, device, Mtu::new(1000).unwrap());
    }
    let whole = SendOptions { discovery: Discovery::Do, ..SendOptions::default() };
    let too_big = Ping::Error { from: ip("172.17.0.1"), kind: 3, code: 4 };
    assert_eq!(site.lab.ping_with(site.c1, FAR, 1200, whole), too_big);
    let refused = Ping::Refused(Errno::MessageTooLong);
    assert_eq!(site.lab.ping_with(site.c1, FAR, 1200, whole), refused);
    assert_eq!(site.lab.ping_with(site.c1, FAR, 1200, SendOptions::default()), Ping::Reply { ttl: 62 });
}

#[test]
fn bridges_do_not_reach_each_other_and_the_counters_say_why() {
    let mut site = Site::new();
    assert_eq!(site.lab.ping(site.c1, "172.18.0.2"), Ping::Silence);
    assert_eq!((site.counted("STAGE-1"), site.counted("STAGE-2")), (vec![1, 0], vec![0, 1]));
    assert_eq!(site.lab.ping(site.d1, "172.17.0.2"), Ping::Silence);
    assert_eq!((site.counted("STAGE-1"), site.counted("STAGE-2")), (vec![1, 1], vec![1, 1]));
    assert_eq!(site.lab.fabric.namespace(site.host).drops.of(DropReason::Filtered), 2);
    assert_eq!(site.flows(), 0, "what was dropped leaves no flow");
    assert_eq!(site.lab.ping(site.c1, "172.18.0.1"), Ping::Reply { ttl: 64 }, "the other gateway is the host itself");
}

#[test]
fn bridged_packets_meet_the_firewall_only_when_the_switch_is_on() {
    let mut site = Site::new();
    assert_eq!(site.lab.ping(site.d1, "172.18.0.3"), Ping::Reply { ttl: 64 });
    assert_eq!(site.counted("FORWARD")[5], 0);
    site.lab.fabric.namespace_mut(site.host).sysctl.bridge_nf_call = true;
    assert_eq!(site.lab.ping(site.d1, "172.18.0.3"), Ping::Silence, "icc=false");
    assert_eq!(site.counted("FORWARD")[5], 1);
    assert_eq!(site.lab.ping(site.c1, "172.17.0.3"), Ping::Reply { ttl: 64 }, "docker0 lets its containers talk");
    assert!(site.lab.fabric.namespace(site.d1).neighbour(ip("172.18.0.3")).is_some(), "ARP meets no rule");
}

#[test]
fn a_published_port_leads_into_the_container_from_outside_and_from_the_host() {
    let mut site = Site::new();
    let listener = site.lab.fabric.with(site.c1, |ns, _| ns.tcp_listen(at("0.0.0.0:80"), 8)).unwrap();
    let (out, state) = site.connect(site.far, "192.0.2.10:8080");
    assert_eq!(state, TcpState::Established);
    let (into, peer) = site.lab.fabric.with(site.c1, |ns, _| ns.tcp_accept(listener)).unwrap();
    assert_eq!(peer.ip(), ip(FAR), "the container sees who really asks");
    site.lab.fabric.with(site.c1, |ns, cx| ns.tcp_send(cx, into, b"welcome")).unwrap();
    site.lab.run_for(Duration::from_millis(10));
    let got = site.lab.fabric.with(site.far, |ns, cx| ns.tcp_recv(cx, out, 100)).unwrap();
    assert_eq!(got, Received::Data(b"welcome".to_vec()));
    assert_eq!(site.connect(site.host, "192.0.2.10:8080").1, TcpState::Established);
    assert_eq!(site.connect(site.far, "192.0.2.10:80").1, TcpState::Closed, "the host itself does not listen there");
}

#[test]
fn rules_refuse_in_the_words_they_name() {
    let mut site = Site::new();
    site.rule("FORWARD", "-p icmp -j REJECT --reject-with icmp-host-prohibited");
    site.rule("FORWARD", "-p tcp -j REJECT --reject-with tcp-reset");
    let prohibited = Ping::Error { from: ip("172.17.0.1"), kind: 3, code: 10 };
    assert_eq!(site.lab.ping(site.c1, FAR), prohibited);
    let (socket, state) = site.connect(site.c1, "198.51.100.9:80");
    let why = site.lab.fabric.with(site.c1, |ns, cx| ns.tcp_recv(cx, socket, 1));
    assert_eq!((state, why), (TcpState::Closed, Err(Errno::ConnectionRefused)));
}

#[test]
fn a_published_port_that_a_rule_refuses_is_refused_in_its_own_name() {
    for how in ["tcp-reset", "icmp-port-unreachable"] {
        let mut site = Site::new();
        site.rule("FORWARD", &format!("-d 172.17.0.2/32 -p tcp -j REJECT --reject-with {how}"));
        let (socket, state) = site.connect(site.far, "192.0.2.10:8080");
        let why = site.lab.fabric.with(site.far, |ns, cx| ns.tcp_recv(cx, socket, 1));
        assert_eq!((state, why), (TcpState::Closed, Err(Errno::ConnectionRefused)), "{how}");
        assert_eq!(site.flows(), 0, "what was refused leaves no flow");
    }
}

#[test]
fn a_refusal_belongs_to_the_flow_that_it_refuses() {
    let mut site = Site::new();
    site.rule("OUTPUT", "-m conntrack --ctstate RELATED -j DROP");
    site.rule("INPUT", "-p udp -j REJECT");
    site.rule("INPUT", "-p tcp -j REJECT --reject-with tcp-reset");
    let socket = site.udp(site.c1, "0.0.0.0:4000");
    site.send(site.c1, socket, "172.17.0.1:9", b"x");
    site.connect(site.c1, "172.17.0.1:80");
    assert_eq!(site.counted("OUTPUT"), [2], "the flow is in no table, yet the refusal is related to it");
}

#[test]
fn a_connection_that_a_rule_resets_is_closed_for_conntrack() {
    let mut site = Site::new();
    site.lab.fabric.with(site.host, |ns, _| ns.tcp_listen(at("0.0.0.0:80"), 8)).unwrap();
    let (socket, state) = site.connect(site.c1, "172.17.0.1:80");
    assert_eq!(state, TcpState::Established);
    site.rule("INPUT", "-p tcp -j REJECT --reject-with tcp-reset");
    site.lab.fabric.with(site.c1, |ns, cx| ns.tcp_send(cx, socket, b"x")).unwrap();
    site.lab.run_for(Duration::from_secs(2));
    let fabric = &site.lab.fabric;
    let flows = fabric.namespace(site.host).netfilter.conntrack.list(fabric.now());
    let left = flows[0].deadline.since(fabric.now()).as_secs();
    assert_eq!((flows.len(), flows[0].flow, left), (1, Flow::Tcp(tcp::State::Close), 8));
}

#[test]
fn a_host_can_hide_from_one_neighbour() {
    let mut site = Site::new();
    site.rule("INPUT", "-s 172.17.0.2/32 -j DROP");
    site.rule("OUTPUT", "-d 172.17.0.3/32 -j DROP");
    assert_eq!(site.lab.ping(site.c1, "172.17.0.1"), Ping::Silence);
    assert_eq!(site.lab.ping(site.c2, "172.17.0.1"), Ping::Silence, "it hears the request but may not answer");
    assert_eq!(site.lab.ping(site.d1, "172.18.0.1"), Ping::Reply { ttl: 64 });
    assert_eq!((site.counted("INPUT"), site.counted("OUTPUT")), (vec![1], vec![1]));
}
