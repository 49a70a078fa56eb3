//! The recordings of transcripts/08-dns.md, asked again.

use core::net::IpAddr;
use core::time::Duration;

use hickory_proto::op::{Edns, Message, MessageType, OpCode, Query, ResponseCode};
use hickory_proto::rr::{DNSClass, Name, RecordType};
use proptest::prelude::*;

use super::*;
use crate::rng::Seed;

/// A container's server whose only upstream is the LAN's, and a `dig` that asks it.
struct Asker {
    server: Server,
    lan: Server,
    transport: Transport,
    edns_size: Option<u16>,
}

fn ip(text: &str) -> IpAddr {
    text.parse().expect("the test writes an address")
}

fn zone(network: &str, endpoints: &[(&str, &str)]) -> Zone {
    let mut zone = Zone::new(network);
    for (addr, names) in endpoints {
        names.split(' ').for_each(|name| zone.add_name(name, ip(addr)));
        zone.add_pointer(ip(addr), names.split(' ').next().expect("an endpoint has a name"));
    }
    zone
}

fn isolated_nw() -> Zone {
    zone(
        "isolated_nw",
        &[
            ("172.25.0.2", "client d3a15f761eb2"),
            ("172.25.3.3", "container3 b700cd6e0b4c"),
            ("172.25.0.3", "hosted 02df697fd606 myhost.example.test"),
            ("172.25.0.4", "My_DB.v1 db.internal UPPER"),
            ("172.25.0.8", "twonets"),
        ],
    )
}

fn other_nw() -> Zone {
    zone("other_nw", &[("172.26.0.2", "faraway"), ("172.26.0.3", "twonets tw2")])
}

impl Asker {
    fn on(zones: Vec<Zone>) -> Self {
        let mut server = Server::embedded(Seed(1).stream("dns/client"));
        server.records = Records { zones };
        server.upstreams = vec!["192.0.2.1:53".parse().expect("an address")];
        Self { server, lan: Server::lan(Lan::standard()), transport: Transport::Udp, edns_size: Some(1232) }
    }

    /// What the server sends for `query`, the LAN's server answering at once.
    fn ask(&mut self, query: &[u8]) -> Option<Vec<u8>> {
        let client = Client { addr: "127.0.0.1:40000".parse().expect("an address"), transport: self.transport };
        let mut out = Vec::new();
        self.server.handle_query(Instant::ZERO, client, query, &mut out);
        while let Some(action) = out.pop() {
            match action {
                Action::Reply { bytes, client: to } => {
                    assert_eq!(to, client);
                    return Some(bytes);
                }
                Action::Query { upstream, .. } if upstream.ip() != ip("192.0.2.1") => {}
                Action::Query { upstream, bytes, .. } => {
                    let mut answers = Vec::new();
                    self.lan.handle_query(Instant::ZERO, client, &bytes, &mut answers);
                    for answer in answers {
                        let Action::Reply { bytes, .. } = answer else { panic!("the LAN's server asks nobody") };
                        self.server.handle_response(Instant::ZERO, upstream, &bytes, &mut out);
                    }
                }
            }
        }
        None
    }

    fn query(&self, name: &str, kind: RecordType) -> Message {
        let mut query = Message::new(0x1234, MessageType::Query, OpCode::Query);
        query.metadata.recursion_desired = true;
        query.metadata.authentic_data = true;
        query.add_query(Query::query(name_on_wire(name), kind));
        query.edns = self.edns_size.map(|size| {
            let mut edns = Edns::new();
            edns.set_max_payload(size);
            edns
        });
        query
    }

    fn dig_message(&mut self, query: &Message) -> Option<Message> {
        let reply = self.ask(&query.to_vec().expect("a query has a wire form"))?;
        Some(Message::from_vec(&reply).expect("a reply is well-formed"))
    }

    /// A line as the recordings have it, like `NOERROR [qr rd ra] container3. 600 IN A 172.25.3.3`.
    fn dig(&mut self, name: &str, kind: RecordType) -> String {
        let query = self.query(name, kind);
        self.dig_message(&query).map_or_else(|| "NO REPLY".to_owned(), |reply| line(&reply))
    }

    fn a(&mut self, name: &str) -> String {
        self.dig(name, RecordType::A)
    }

    fn ptr(&mut self, addr: &str) -> String {
        let name = Name::from(ip(addr));
        self.dig(&name.to_ascii(), RecordType::PTR)
    }

    fn size(&mut self, name: &str, kind: RecordType) -> usize {
        let query = self.query(name, kind).to_vec().expect("a query has a wire form");
        self.ask(&query).expect("there is a reply").len()
    }
}

fn name_on_wire(text: &str) -> Name {
    if text == "." { Name::root() } else { wire::name_of(text).expect("the test writes a legal name") }
}

fn line(reply: &Message) -> String {
    let header = &reply.metadata;
    assert_eq!((header.id, header.message_type), (0x1234, MessageType::Response));
    let flags = [
        ("aa", header.authoritative),
        ("tc", header.truncation),
        ("rd", header.recursion_desired),
        ("ra", header.recursion_available),
        ("ad", header.authentic_data),
        ("cd", header.checking_disabled),
    ];
    let flags: String = flags.iter().filter(|(_, on)| *on).map(|(word, _)| format!(" {word}")).collect();
    let answers: Vec<String> = reply.answers.iter().map(ToString::to_string).collect();
    let code = format!("{:?}", header.response_code).to_uppercase();
    format!("{code} [qr{flags}] {}", answers.join(" | ")).trim_end().to_owned()
}

const NOWHERE: &str = "NXDOMAIN [qr rd ra]";
const EMPTY: &str = "NOERROR [qr rd ra]";

#[test]
fn names() {
    let mut client = Asker::on(vec![isolated_nw()]);
    for (asked, answer) in [
        ("container3", "container3. 600 IN A 172.25.3.3"),
        ("CONTAINER3", "CONTAINER3. 600 IN A 172.25.3.3"),
        ("container3.", "container3. 600 IN A 172.25.3.3"),
        ("container3.isolated_nw", "container3.isolated_nw. 600 IN A 172.25.3.3"),
        ("b700cd6e0b4c", "b700cd6e0b4c. 600 IN A 172.25.3.3"),
        ("myhost.example.test", "myhost.example.test. 600 IN A 172.25.0.3"),
        ("my_db.v1", "my_db.v1. 600 IN A 172.25.0.4"),
        ("My_DB.v1.isolated_nw", "My_DB.v1.isolated_nw. 600 IN A 172.25.0.4"),
        ("DB.INTERNAL", "DB.INTERNAL. 600 IN A 172.25.0.4"),
        ("upper", "upper. 600 IN A 172.25.0.4"),
        ("twonets", "twonets. 600 IN A 172.25.0.8"),
    ] {
        assert_eq!(client.a(asked), format!("NOERROR [qr rd ra] {answer}"));
    }
    for asked in [
        "CONTAINER3.ISOLATED_NW",
        "container3.other_nw",
        "container3.isolated_nw.lan",
        "b700cd",
        "localhost",
        "myhost",
        "faraway",
        "twonets.other_nw",
        "tw2",
        "isolated_nw",
        ".",
        "*",
        "_http._tcp.app",
        "172.25.3.3",
        "nosuch.lan",
    ] {
        assert_eq!(client.a(asked), NOWHERE, "{asked}");
    }
}

#[test]
fn several_networks_and_link_aliases() {
    let mut linker = isolated_nw();
    linker.add_link("lnk", "container3");
    let mut linker = Asker::on(vec![linker]);
    assert_eq!(linker.a("lnk"), "NOERROR [qr rd ra] lnk. 600 IN A 172.25.3.3");
    assert_eq!(linker.a("lnk.isolated_nw"), "NOERROR [qr rd ra] lnk.isolated_nw. 600 IN A 172.25.3.3");
    assert_eq!(linker.a("LNK"), NOWHERE);

    let mut twonets = Asker::on(vec![isolated_nw(), other_nw()]);
    assert_eq!(twonets.a("twonets"), "NOERROR [qr rd ra] twonets. 600 IN A 172.25.0.8");
    assert_eq!(twonets.a("twonets.other_nw"), "NOERROR [qr rd ra] twonets.other_nw. 600 IN A 172.26.0.3");
    assert_eq!(twonets.ptr("172.26.0.3"), "NOERROR [qr rd ra] 3.0.26.172.in-addr.arpa. 600 IN PTR twonets.other_nw.");
    assert_eq!(
        twonets.ptr("172.25.0.8"),
        "NOERROR [qr rd ra] 8.0.25.172.in-addr.arpa. 600 IN PTR twonets.isolated_nw."
    );
}

#[test]
fn types_of_a_known_name() {
    let mut client = Asker::on(vec![isolated_nw()]);
    for kind in [RecordType::AAAA, RecordType::MX] {
        assert_eq!(client.dig("container3", kind), EMPTY);
    }
    for kind in [RecordType::TXT, RecordType::SRV, RecordType::NS, RecordType::SOA, RecordType::CNAME] {
        assert_eq!(client.dig("container3", kind), NOWHERE);
    }
    for kind in [RecordType::ANY, RecordType::HINFO, RecordType::CAA, RecordType::HTTPS, RecordType::DS] {
        assert_eq!(client.dig("container3", kind), NOWHERE);
    }
    for name in ["container3", "six.lan", "nosuch"] {
        assert_eq!(client.dig(name, RecordType::PTR), "NO REPLY");
    }
}

#[test]
fn types_of_names_upstream() {
    let mut client = Asker::on(vec![isolated_nw()]);
    let six = "six.lan. 0 IN A 192.0.2.66";
    let six6 = "six.lan. 0 IN AAAA 2001:db8::66";
    let alias = "alias.lan. 0 IN CNAME six.lan.";
    for (name, kind, answer) in [
        ("www.lan", RecordType::A, "www.lan. 0 IN A 192.0.2.80"),
        ("www.lan", RecordType::ANY, "www.lan. 0 IN A 192.0.2.80"),
        ("web.lan", RecordType::A, "web.lan. 0 IN A 192.0.2.81"),
        ("six.lan", RecordType::A, six),
        ("SIX.LAN", RecordType::A, "SIX.LAN. 0 IN A 192.0.2.66"),
        ("six.lan", RecordType::AAAA, six6),
        ("six.lan", RecordType::ANY, &format!("{six} | {six6}")),
        ("alias.lan", RecordType::A, &format!("{alias} | {six}")),
        ("alias.lan", RecordType::AAAA, &format!("{alias} | {six6}")),
        ("alias.lan", RecordType::MX, alias),
        ("alias.lan", RecordType::CNAME, alias),
        ("alias.lan", RecordType::ANY, &format!("{alias} | {six} | {six6}")),
        ("lan", RecordType::MX, "lan. 0 IN MX 10 mail.lan."),
        ("lan", RecordType::ANY, "lan. 0 IN MX 10 mail.lan."),
        ("txt.lan", RecordType::TXT, "txt.lan. 0 IN TXT \"hello\""),
    ] {
        assert_eq!(
            client.dig(name, kind).replace("TXT hello", "TXT \"hello\""),
            format!("NOERROR [qr aa rd ra] {answer}")
        );
    }
    for (name, kind) in [("six.lan", RecordType::MX), ("lan", RecordType::A), ("txt.lan", RecordType::AAAA)] {
        assert_eq!(client.dig(name, kind), EMPTY, "{name} exists");
    }
    for (name, kind) in [("www.lan", RecordType::AAAA), ("www.lan", RecordType::TXT), ("nosuch", RecordType::MX)] {
        assert_eq!(client.dig(name, kind), NOWHERE, "{name} does not");
    }
}

#[test]
fn reverse_names() {
    let mut client = Asker::on(vec![isolated_nw()]);
    assert_eq!(
        client.ptr("172.25.3.3"),
        "NOERROR [qr rd ra] 3.3.25.172.in-addr.arpa. 600 IN PTR container3.isolated_nw."
    );
    assert_eq!(
        client.ptr("172.25.0.4"),
        "NOERROR [qr rd ra] 4.0.25.172.in-addr.arpa. 600 IN PTR My_DB.v1.isolated_nw."
    );
    assert_eq!(client.ptr("192.0.2.80"), "NOERROR [qr aa rd ra] 80.2.0.192.in-addr.arpa. 0 IN PTR www.lan.");
    for stranger in ["172.25.0.1", "172.26.0.2", "127.0.0.11", "192.0.2.10"] {
        assert_eq!(client.ptr(stranger), NOWHERE);
    }
}

#[test]
fn ipv6() {
    let mut v6net = Zone::new("v6net");
    for addr in ["172.31.5.3", "2001:db8:1::3"] {
        v6net.add_name("v62", ip(addr));
        v6net.add_name("vv", ip(addr));
        v6net.add_pointer(ip(addr), "v62");
    }
    let mut v61 = Asker::on(vec![v6net]);
    assert_eq!(v61.a("v62"), "NOERROR [qr rd ra] v62. 600 IN A 172.31.5.3");
    assert_eq!(v61.dig("vv", RecordType::AAAA), "NOERROR [qr rd ra] vv. 600 IN AAAA 2001:db8:1::3");
    assert_eq!(v61.dig("v62", RecordType::ANY), NOWHERE);
    assert_eq!(
        v61.ptr("2001:db8:1::3"),
        "NOERROR [qr rd ra] 3.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.1.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa. 600 IN PTR v62.v6net."
    );
}

#[test]
fn a_container_hides_a_name_of_the_same_spelling_upstream() {
    let mut client = Asker::on(vec![zone("isolated_nw", &[("172.25.0.10", "www.lan")])]);
    assert_eq!(client.a("www.lan"), "NOERROR [qr rd ra] www.lan. 600 IN A 172.25.0.10");
    assert_eq!(client.dig("www.lan", RecordType::AAAA), EMPTY);
    assert_eq!(client.a("www"), NOWHERE);
    client.server.records.zones.clear();
    assert_eq!(client.a("www.lan"), "NOERROR [qr aa rd ra] www.lan. 0 IN A 192.0.2.80");
}

#[test]
fn sizes_and_edns() {
    let mut client = Asker::on(vec![isolated_nw()]);
    assert_eq!(client.size("container3", RecordType::A), 54);
    assert_eq!(client.size("container3", RecordType::AAAA), 28);
    assert_eq!(client.size("3.3.25.172.in-addr.arpa", RecordType::PTR), 100);
    assert_eq!(client.size("www.lan", RecordType::A), 52);
    assert_eq!(client.size("nosuch", RecordType::A), 35);
    let edns_of = |client: &mut Asker, name: &str| {
        let query = client.query(name, RecordType::A);
        client.dig_message(&query).expect("there is a reply").edns.map(|edns| edns.max_payload())
    };
    assert_eq!(edns_of(&mut client, "container3"), None);
    assert_eq!(edns_of(&mut client, "www.lan"), Some(1232));
    client.edns_size = None;
    assert_eq!(edns_of(&mut client, "www.lan"), None);
}

#[test]
fn forty_addresses() {
    let mut zone = Zone::new("isolated_nw");
    (10..50).for_each(|last| zone.add_name("many", IpAddr::from([172, 25, 0, last])));
    let mut client = Asker::on(vec![zone]);
    assert_eq!(client.size("many", RecordType::A), 822);
    client.edns_size = None;
    let query = client.query("many", RecordType::A);
    let cut = client.dig_message(&query).expect("there is a reply");
    assert_eq!((cut.answers.len(), cut.metadata.truncation, client.size("many", RecordType::A)), (24, true, 502));
    client.transport = Transport::Tcp;
    let whole = client.dig_message(&query).expect("there is a reply");
    assert_eq!((whole.answers.len(), whole.metadata.truncation), (40, false));
}

#[test]
fn flags_of_the_query() {
    let mut client = Asker::on(vec![isolated_nw()]);
    let mut query = client.query("container3", RecordType::A);
    query.metadata.checking_disabled = true;
    assert_eq!(
        line(&client.dig_message(&query).expect("a reply")),
        "NOERROR [qr rd ra cd] container3. 600 IN A 172.25.3.3"
    );
    query.metadata.checking_disabled = false;
    query.metadata.recursion_desired = false;
    assert_eq!(line(&client.dig_message(&query).expect("a reply")), "NOERROR [qr ra] container3. 600 IN A 172.25.3.3");
    query.queries[0].set_query_class(DNSClass::CH);
    assert_eq!(line(&client.dig_message(&query).expect("a reply")), "NOERROR [qr ra] container3. 600 IN A 172.25.3.3");
    let mut query = client.query("www.lan", RecordType::A);
    query.metadata.recursion_desired = false;
    assert_eq!(line(&client.dig_message(&query).expect("a reply")), "NOERROR [qr aa ra] www.lan. 0 IN A 192.0.2.80");
}

#[test]
fn what_is_no_plain_query() {
    let mut client = Asker::on(vec![isolated_nw()]);
    let mut status = client.query("container3", RecordType::A);
    status.metadata.op_code = OpCode::Status;
    assert_eq!(line(&client.dig_message(&status).expect("a reply")), "NOTIMP [qr rd ad]");
    let mut two = client.query("container3", RecordType::A);
    two.add_query(two.queries[0].clone());
    assert_eq!(line(&client.dig_message(&two).expect("a reply")), "FORMERR [qr rd ad]");
    assert_eq!(line(&client.lan_reply(&two)), "REFUSED [qr rd ra]");

    let bytes = client.query("container3", RecordType::A).to_vec().expect("a query has a wire form");
    let garbled = [&bytes[..12], &[0xff, 0xff]].concat();
    let reply = client.ask(&garbled).expect("a reply");
    assert_eq!(line(&Message::from_vec(&reply).expect("well-formed")), "FORMERR [qr rd ad]");
    assert_eq!(client.ask(&bytes[..12]), None, "a header alone");
    assert_eq!(client.ask(&bytes[..11]), None, "less than a header");
    let response = [&bytes[..2], &[0x80], &bytes[3..]].concat();
    assert_eq!(client.ask(&response), None, "a response");
}

impl Asker {
    fn lan_reply(&mut self, query: &Message) -> Message {
        let client = Client { addr: "192.0.2.10:40000".parse().expect("an address"), transport: Transport::Udp };
        let mut out = Vec::new();
        self.lan.handle_query(Instant::ZERO, client, &query.to_vec().expect("a wire form"), &mut out);
        let [Action::Reply { bytes, .. }] = out.as_slice() else { panic!("the LAN's server always replies") };
        Message::from_vec(bytes).expect("a reply is well-formed")
    }
}

#[test]
fn with_ndots_set_a_word_alone_is_not_asked_upstream() {
    let mut client = Asker::on(vec![isolated_nw()]);
    client.server.unqualified = Unqualified::Withhold;
    assert_eq!(client.a("www"), EMPTY);
    assert_eq!(client.a("www.lan"), "NOERROR [qr aa rd ra] www.lan. 0 IN A 192.0.2.80");
    assert_eq!(client.dig("nosuch", RecordType::TXT), NOWHERE);
}

#[test]
fn without_an_upstream_unknown_names_get_no_reply() {
    let mut client = Asker::on(vec![isolated_nw()]);
    client.server.upstreams.clear();
    assert_eq!(client.a("foo.test"), "NO REPLY");
    assert_eq!(client.a("container3"), "NOERROR [qr rd ra] container3. 600 IN A 172.25.3.3");
}

#[test]
fn a_silent_upstream_is_left_after_four_seconds() {
    let mut client = Asker::on(vec![]);
    client.server.upstreams.insert(0, "192.0.2.59:53".parse().expect("an address"));
    let query = client.query("www.lan", RecordType::A).to_vec().expect("a query has a wire form");
    assert_eq!(client.ask(&query), None);
    let later = Instant::ZERO + Duration::from_secs(4);
    assert_eq!(client.server.next_at(), Some(later));
    let mut out = Vec::new();
    client.server.poll(later, &mut out);
    let [Action::Query { upstream, bytes, .. }] = out.as_slice() else { panic!("the second server is asked") };
    assert_eq!(upstream.to_string(), "192.0.2.1:53");
    assert_ne!(bytes[..2], query[..2], "the id is not the client's");
    assert_eq!(bytes[2..], query[2..]);
    client.server.handle_unreachable(later, *upstream, &mut Vec::new());
    assert_eq!(client.server.next_at(), None);
}

/// The orders in which 60 queries for `app` get its three addresses.
fn orders(seed: u64) -> Vec<String> {
    let app = [("172.25.0.5", "app"), ("172.25.0.6", "app"), ("172.25.0.7", "app")];
    let mut client = Asker::on(vec![zone("isolated_nw", &app)]);
    client.server = Server { records: client.server.records, ..Server::embedded(Seed(seed).stream("dns/client")) };
    (0..60).map(|_| client.a("app")).collect()
}

#[test]
fn addresses_are_shuffled_for_each_query() {
    let mut seen = orders(1);
    assert_eq!(seen, orders(1));
    assert_ne!(seen, orders(2));
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 6, "all permutations occur");
}

proptest! {
    #[test]
    fn no_bytes_make_a_server_panic(bytes in proptest::collection::vec(any::<u8>(), 0..80), counts in any::<bool>()) {
        let mut bytes = bytes;
        if let (true, Some(header)) = (counts, bytes.get_mut(..12)) {
            header[2..].copy_from_slice(&[1, 0, 0, 1, 0, 0, 0, 0, 0, 1]);
        }
        let mut client = Asker::on(vec![isolated_nw()]);
        client.ask(&bytes);
        let mut out = Vec::new();
        client.lan.handle_query(Instant::ZERO, Client { addr: ([127, 0, 0, 1], 1).into(), transport: Transport::Udp }, &bytes, &mut out);
        client.server.handle_response(Instant::ZERO, ([192, 0, 2, 1], 53).into(), &bytes, &mut out);
    }
}

/// What a server with this manner says to a query for an address of foo.test: rcode, whether it is cut, answers.
fn said(manner: Manner, transport: Transport, wanted: RecordType) -> Option<(ResponseCode, bool, Vec<String>)> {
    let mut query = Message::query();
    query.add_query(Query::query(Name::from_ascii("foo.test.").expect("a name"), wanted));
    let client = Client { addr: "192.0.2.10:40000".parse().expect("an address"), transport };
    let mut out = Vec::new();
    let bytes = query.to_vec().expect("a query");
    Server::uniform(manner).handle_query(Instant::ZERO, client, &bytes, &mut out);
    let [Action::Reply { bytes, .. }] = &out[..] else { return None };
    let reply = Message::from_vec(bytes).expect("a reply");
    let answers = reply.answers.iter().map(|r| format!("{} {}", r.ttl, r.data)).collect();
    Some((reply.metadata.response_code, reply.metadata.truncation, answers))
}

#[test]
fn a_uniform_server_says_the_same_to_everybody() {
    let addr = ip("192.0.2.199");
    let udp = |manner| said(manner, Transport::Udp, RecordType::A);
    assert_eq!(udp(Manner::Silent), None);
    for (manner, code) in [
        (Manner::Servfail, ResponseCode::ServFail),
        (Manner::Refused, ResponseCode::Refused),
        (Manner::Nxdomain, ResponseCode::NXDomain),
    ] {
        assert_eq!(udp(manner), Some((code, false, Vec::new())));
    }
    let there = Some((ResponseCode::NoError, false, vec!["30 192.0.2.199".to_owned()]));
    assert_eq!(udp(Manner::Address(addr)), there);
    let nothing = Some((ResponseCode::NoError, false, Vec::new()));
    assert_eq!(said(Manner::Address(addr), Transport::Udp, RecordType::AAAA), nothing);
    assert_eq!(udp(Manner::Truncated(addr)), Some((ResponseCode::NoError, true, Vec::new())));
    assert_eq!(said(Manner::Truncated(addr), Transport::Tcp, RecordType::A), there);
}
