//! What a container's DNS server says to any question.

use std::net::IpAddr;

use hickory_server::proto::op::{Message, MessageType, OpCode, Query, ResponseCode};
use hickory_server::proto::rr::{Name, RData, RecordType};
use netyard::lab::net::{UdpSocket, anywhere};
use netyard::lab::strategy;
use netyard::prelude::*;
use proptest::prelude::*;

use super::config;

/// A name that somebody may ask for: of a container, with or without its network, of nobody, and pointers.
fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => (0_u8..5).prop_map(|n| format!("c{n}.")),
        2 => (0_u8..5, 0_u8..3).prop_map(|(n, network)| format!("C{n}.N{network}.")),
        1 => (0_u8..3, 0_u8..8).prop_map(|(network, last)| format!("{last}.0.0.{}.10.in-addr.arpa.", 100 + network)),
        1 => Just("www.lan.".to_owned()),
        1 => "[a-z0-9][a-z0-9-]{0,62}(\\.[a-z0-9]{1,20}){0,3}\\.",
        1 => Just(".".to_owned()),
    ]
}

fn kind() -> impl Strategy<Value = RecordType> {
    use RecordType::{A, AAAA, ANY, CNAME, MX, NS, PTR, SOA, SRV, TXT};
    prop_oneof![4 => Just(A), 1 => prop::sample::select(vec![AAAA, ANY, CNAME, MX, NS, PTR, SOA, SRV, TXT])]
}

/// What comes back to a container within ten seconds when it sends these bytes to its server.
fn asked(lab: &Lab, place: &str, query: Vec<u8>) -> Option<Vec<u8>> {
    let exchange = async move {
        let socket = UdpSocket::bind(anywhere(0)).await.expect("a port is free");
        socket.send_to(&query, "127.0.0.11:53").await.expect("it is in the container itself");
        let mut buffer = vec![0; 65_535];
        let (count, _) = net::timeout(Duration::from_secs(10), socket.recv_from(&mut buffer)).await.ok()?.ok()?;
        Some(buffer[..count].to_vec())
    };
    lab.run_in(place, exchange).expect("it runs")
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn answers_can_be_read_and_match_their_question(
        topology in strategy::topology(1..=3, 1..=4),
        questions in prop::collection::vec((name(), kind(), any::<u16>(), any::<bool>()), 1..8),
        seed: u64,
    ) {
        let lab = topology.build(seed).expect("it can be built");
        for (name, kind, id, recursive) in questions {
            let question = Query::query(Name::from_ascii(&name).expect("its labels are short"), kind);
            let mut query = Message::new(id, MessageType::Query, OpCode::Query);
            query.metadata.recursion_desired = recursive;
            query.add_query(question.clone());
            let bytes = asked(&lab, "c0", query.to_vec().expect("it is short"));
            let Some(bytes) = bytes else {
                // Docker's server is silent when it is to say whose address something is that is no address.
                let is_silent = kind == RecordType::PTR && !name.ends_with(".in-addr.arpa.");
                prop_assert!(is_silent, "{} is not answered", question);
                continue;
            };
            let answer = Message::from_vec(&bytes).expect("it can be read");
            prop_assert_eq!((answer.id, answer.message_type), (id, MessageType::Response));
            prop_assert_eq!(&answer.queries, std::slice::from_ref(&question));
            prop_assert!(bytes.len() <= 512, "{} bytes by UDP", bytes.len());
            for record in &answer.answers {
                prop_assert_eq!(record.name.to_lowercase(), question.name.to_lowercase(), "{}", record);
                prop_assert!(kind == RecordType::ANY || record.record_type() == kind, "{question} by {record}");
            }
            let member = (0..topology.containers.len()).find(|other| {
                name == format!("c{other}.") && !topology.shared(0, *other).is_empty()
            });
            if let (Some(other), RecordType::A) = (member, kind) {
                prop_assert_eq!(answer.response_code, ResponseCode::NoError);
                let own = lab.addresses(&format!("c{other}")).expect("it runs");
                let told = answer.answers.iter().filter_map(|record| match &record.data {
                    RData::A(addr) => Some(IpAddr::V4(addr.0)),
                    _ => None,
                });
                let told: Vec<IpAddr> = told.collect();
                prop_assert!(!told.is_empty() && told.iter().all(|addr| own.contains(addr)), "{:?}", told);
            }
        }
    }
}
