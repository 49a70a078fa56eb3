//! A container's DNS server at 127.0.0.11: what it answers over lo, what it asks outside by the container's own
//! interface, and what its client sees when nobody out there answers.

use core::net::SocketAddr;

use netyard_sim::dns::{Records, Server, Zone};
use netyard_sim::fabric::NamespaceId;
use netyard_sim::filter::{Rule, TableKind};
use netyard_sim::rng::Seed;
use netyard_sim::socket::{SendOptions, SocketId};
use netyard_sim::time::Duration;

use super::lab::{Lab, at, ip};

/// A container beside two LAN servers; the second one knows only one name.
struct Asker {
    lab: Lab,
    container: NamespaceId,
    lan: NamespaceId,
    socket: SocketId,
}

/// What came back: the response code and, of a good answer, the last four bytes.
#[derive(Debug, Eq, PartialEq)]
enum Answer {
    Address([u8; 4]),
    Code(u8),
    Nothing,
}

const SERVER: &str = "127.0.0.11:53";

impl Asker {
    /// A container whose server asks these upstreams.
    fn new(upstreams: &[&str]) -> Self {
        let mut lab = Lab::new();
        let lan = lab.host("lan");
        let br0 = lab.bridge(lan, "br0", "192.0.2.1/24");
        let container = lab.behind(lan, br0, "c1", "192.0.2.30/24");
        let _deaf = lab.behind(lan, br0, "deaf", "192.0.2.2/24");
        let standard = Server::lan(netyard_sim::dns::Lan::standard());
        lab.fabric.with(lan, |ns, cx| ns.set_resolver(cx, at("192.0.2.1:53"), standard)).unwrap();
        let mut server = Server::embedded(Seed(1).stream("dns"));
        let mut zone = Zone::new("isolated_nw");
        zone.add_name("c2", ip("192.0.2.31"));
        server.records = Records { zones: vec![zone] };
        server.upstreams = upstreams.iter().map(|addr| at(addr)).collect();
        lab.fabric.with(container, |ns, cx| ns.set_resolver(cx, at(SERVER), server)).unwrap();
        let socket = lab.fabric.with(container, |ns, _| ns.udp_bind(at("127.0.0.1:4000"))).unwrap();
        Self { lab, container, lan, socket }
    }

    /// Asks for the IPv4 address of a name, and takes what came within that time.
    fn ask(&mut self, name: &str, patience: Duration) -> Answer {
        self.ask_at(at(SERVER), name, patience)
    }

    fn ask_at(&mut self, server: SocketAddr, name: &str, patience: Duration) -> Answer {
        let query = query(name);
        let options = SendOptions::default();
        self.lab.fabric.with(self.container, |ns, cx| ns.send_to(cx, self.socket, server, &query, options)).unwrap();
        self.lab.run_for(patience);
        let Some(datagram) = self.lab.fabric.with(self.container, |ns, _| ns.recv_from(self.socket)).unwrap() else {
            return Answer::Nothing;
        };
        assert_eq!((datagram.src, &datagram.data[..2]), (server, &query[..2]), "it comes from where it was asked");
        match (datagram.data[3] & 0xf, datagram.data.last_chunk()) {
            (0, Some(addr)) => Answer::Address(*addr),
            (code, _) => Answer::Code(code),
        }
    }

    /// Packets that left the container.
    fn sent(&self) -> u64 {
        self.lab.fabric.namespace(self.container).device_named("eth0").unwrap().counters.tx_packets
    }
}

/// A query for A as it is on the wire.
fn query(name: &str) -> Vec<u8> {
    let mut bytes = vec![0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    for label in name.split('.') {
        bytes.push(u8::try_from(label.len()).unwrap());
        bytes.extend(label.bytes());
    }
    bytes.extend([0, 0, 1, 0, 1]);
    bytes
}

const SOON: Duration = Duration::from_millis(10);

#[test]
fn a_known_name_is_answered_without_leaving_the_container() {
    let mut asker = Asker::new(&["192.0.2.1:53"]);
    assert_eq!(asker.ask("c2", SOON), Answer::Address([192, 0, 2, 31]));
    assert_eq!(asker.ask("C2.isolated_nw", SOON), Answer::Address([192, 0, 2, 31]));
    assert_eq!(asker.sent(), 0);
}

#[test]
fn an_unknown_name_is_asked_outside_by_the_containers_interface() {
    let mut asker = Asker::new(&["192.0.2.1:53"]);
    assert_eq!(asker.ask("www.lan", SOON), Answer::Address([192, 0, 2, 80]));
    assert_eq!(asker.sent(), 2, "an ARP request and the query");
    assert_eq!(asker.ask("nowhere.lan", SOON), Answer::Code(3));
}

#[test]
fn a_closed_port_costs_no_time_and_a_silent_server_four_seconds() {
    let mut asker = Asker::new(&["192.0.2.2:53", "192.0.2.1:53"]);
    assert_eq!(asker.ask("www.lan", SOON), Answer::Address([192, 0, 2, 80]), "the first refuses at once");
    let drop = Rule::parse("-p udp -s 192.0.2.30/32 -j DROP").unwrap();
    let deaf = asker.lab.fabric.namespaces().find(|(_, ns)| ns.name == "deaf").unwrap().0;
    asker.lab.fabric.namespace_mut(deaf).netfilter.v4.append(TableKind::Filter, "INPUT", drop).unwrap();
    assert_eq!(asker.ask("www.lan", Duration::from_millis(3990)), Answer::Nothing);
    asker.lab.run_for(Duration::from_millis(20));
    let late = asker.lab.fabric.with(asker.container, |ns, _| ns.recv_from(asker.socket)).unwrap();
    assert!(late.is_some(), "the second was asked after 4 s");
}

#[test]
fn when_nobody_outside_answers_the_client_hears_nothing() {
    let mut asker = Asker::new(&["192.0.2.77:53", "198.51.100.1:53"]);
    assert_eq!(asker.ask("www.lan", Duration::from_secs(30)), Answer::Nothing);
    assert_eq!(asker.ask("c2", SOON), Answer::Address([192, 0, 2, 31]), "what it knows it still answers");
    let mut alone = Asker::new(&[]);
    assert_eq!(alone.ask("www.lan", Duration::from_secs(30)), Answer::Nothing);
}

#[test]
fn a_bad_answer_leads_on_to_the_next_server_whose_word_is_the_last() {
    let mut asker = Asker::new(&["192.0.2.1:53", "192.0.2.2:53"]);
    assert_eq!(asker.ask("nowhere.lan", SOON), Answer::Nothing, "the second server's port is closed");
    let mut other = Server::embedded(Seed(2).stream("dns"));
    let mut zone = Zone::new("lan");
    zone.add_name("nowhere", ip("192.0.2.99"));
    other.records = Records { zones: vec![zone] };
    let deaf = asker.lab.fabric.namespaces().find(|(_, ns)| ns.name == "deaf").unwrap().0;
    asker.lab.fabric.with(deaf, |ns, cx| ns.set_resolver(cx, at("192.0.2.2:53"), other)).unwrap();
    assert_eq!(asker.ask("nowhere.lan", SOON), Answer::Address([192, 0, 2, 99]));
}

#[test]
fn the_servers_of_a_lan_are_asked_directly_too() {
    let mut asker = Asker::new(&[]);
    let lan = at("192.0.2.1:53");
    asker.socket = asker.lab.fabric.with(asker.container, |ns, _| ns.udp_bind(at("0.0.0.0:4001"))).unwrap();
    assert_eq!(asker.ask_at(lan, "www.lan", SOON), Answer::Address([192, 0, 2, 80]));
    let own = asker.lab.fabric.namespace(asker.lan).drops.iter().count();
    assert_eq!(own, 0);
}
