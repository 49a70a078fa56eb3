//! How Docker's embedded server answers: a function of the records, the query and a stream of chance. Who is asked
//! about unknown names, and when, is not decided here.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use hickory_proto::op::{Message, MessageType, Metadata, OpCode, ResponseCode};
use hickory_proto::rr::rdata::PTR;
use hickory_proto::rr::{RData, Record, RecordType};

use super::records::Records;
use super::wire;
use crate::addr::Family;
use crate::rng::Rng;

/// What every answer of the engine says, in seconds (libnetwork, `respTTL`).
const TTL_SECS: u32 = 600;

/// What becomes of unknown names without a dot.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Unqualified {
    /// They go upstream like all others.
    #[default]
    Forward,
    /// They get an empty answer at once: the user set `ndots` (`--dns-opt ndots:2`), and the client comes again with a
    /// search domain (libnetwork, `NdotsSet`).
    Withhold,
}

/// What to do with a query.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// Send this.
    Reply(Message),
    /// Pass the query on to a server outside.
    Forward,
    /// Say nothing: the engine logs an error and lets the client wait.
    Ignore,
}

/// Answers `query` from `records` (facts 42 to 47). Several addresses come in an order that is drawn anew each time.
/// The class is not looked at.
#[must_use]
pub fn answer(records: &Records, unqualified: Unqualified, query: &Message, rng: &mut Rng) -> Outcome {
    let Some(question) = query.queries.first() else { return Outcome::Ignore };
    let name = wire::text_of(question.name());
    match question.query_type() {
        RecordType::A => addresses(records, unqualified, query, &name, Family::V4, rng),
        RecordType::AAAA => addresses(records, unqualified, query, &name, Family::V6, rng),
        RecordType::MX => mail(records, query, &name),
        RecordType::PTR => pointer(records, query, &name),
        _ => Outcome::Forward,
    }
}

fn addresses(
    records: &Records,
    unqualified: Unqualified,
    query: &Message,
    name: &str,
    family: Family,
    rng: &mut Rng,
) -> Outcome {
    let Some(mut found) = records.resolve(name, family) else {
        let withheld = unqualified == Unqualified::Withhold && !name.contains('.');
        return if withheld { Outcome::Reply(reply_to(query)) } else { Outcome::Forward };
    };
    rng.shuffle(&mut found);
    Outcome::Reply(with_answers(query, found.into_iter().map(wire::address_data)))
}

/// A known name has no MX record but is no stranger: an empty answer makes mail go to its address.
fn mail(records: &Records, query: &Message, name: &str) -> Outcome {
    let known = [Family::V4, Family::V6].into_iter().any(|f| records.resolve(name, f).is_some_and(|a| !a.is_empty()));
    if known { Outcome::Reply(reply_to(query)) } else { Outcome::Forward }
}

fn pointer(records: &Records, query: &Message, name: &str) -> Outcome {
    let addr = match reverse(name) {
        Reverse::Address(addr) => addr,
        Reverse::Strange => return Outcome::Forward,
        Reverse::No => return Outcome::Ignore,
    };
    let Some(owner) = records.name_of(addr) else { return Outcome::Forward };
    match wire::name_of(&owner) {
        Some(owner) => Outcome::Reply(with_answers(query, [RData::PTR(PTR(owner))])),
        None => Outcome::Ignore,
    }
}

/// What the name of a PTR query is.
#[derive(Debug, Eq, PartialEq)]
enum Reverse {
    /// The reverse name of this address.
    Address(IpAddr),
    /// Below a reverse domain, but not the spelling of an address that the engine would use.
    Strange,
    /// Not below a reverse domain.
    No,
}

/// Reads a reverse name. As in the engine case counts and there is one spelling for an address.
fn reverse(name: &str) -> Reverse {
    let addr = if let Some(octets) = name.strip_suffix(".in-addr.arpa") {
        ipv4_of(octets).map(IpAddr::V4)
    } else if let Some(nibbles) = name.strip_suffix(".ip6.arpa") {
        ipv6_of(nibbles).map(IpAddr::V6)
    } else {
        return Reverse::No;
    };
    addr.map_or(Reverse::Strange, Reverse::Address)
}

fn ipv4_of(octets: &str) -> Option<Ipv4Addr> {
    octets.split('.').rev().collect::<Vec<_>>().join(".").parse().ok()
}

fn ipv6_of(nibbles: &str) -> Option<Ipv6Addr> {
    let mut bits = 0u128;
    let mut count = 0;
    for label in nibbles.split('.').rev() {
        let [digit @ (b'0'..=b'9' | b'a'..=b'f')] = label.as_bytes() else { return None };
        bits = bits << 4 | u128::from(char::from(*digit).to_digit(16)?);
        count += 1;
    }
    (count == 32).then(|| Ipv6Addr::from_bits(bits))
}

/// An empty reply: `qr ra`, and RD and CD as they were asked (fact 44: no AA; an EDNS record is not answered).
fn reply_to(query: &Message) -> Message {
    let mut metadata = Metadata::response_from_request(&query.metadata);
    metadata.recursion_available = true;
    if query.metadata.op_code != OpCode::Query {
        metadata.recursion_desired = false;
        metadata.checking_disabled = false;
    }
    let mut reply = Message::response(metadata.id, metadata.op_code);
    reply.metadata = metadata;
    reply.add_queries(query.queries.first().cloned());
    reply
}

/// A reply with these answers, each under the name as it was asked.
fn with_answers(query: &Message, answers: impl IntoIterator<Item = RData>) -> Message {
    let mut reply = reply_to(query);
    if let Some(question) = query.queries.first() {
        let records = answers.into_iter().map(|data| Record::from_rdata(question.name().clone(), TTL_SECS, data));
        reply.add_answers(records);
    }
    reply
}

/// What a query gets that cannot be served: NOTIMP for a strange opcode, else FORMERR, with the flags that it had
/// (08 "protocol details": `+opcode=STATUS` gives `qr rd ad`) and no question.
pub(super) fn refusal(mut header: Metadata) -> Message {
    header.message_type = MessageType::Response;
    header.authoritative = false;
    if wire::is_served(header.op_code) {
        header.op_code = OpCode::Query;
        header.response_code = ResponseCode::FormErr;
    } else {
        header.response_code = ResponseCode::NotImp;
    }
    let mut reply = Message::response(header.id, header.op_code);
    reply.metadata = header;
    reply
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_engines_own_spelling_of_a_reverse_name_is_an_address() {
        let v4 = |text: &str| Reverse::Address(text.parse().expect("the test writes an address"));
        assert_eq!(reverse("3.3.25.172.in-addr.arpa"), v4("172.25.3.3"));
        assert_eq!(reverse("03.3.25.172.in-addr.arpa"), Reverse::Strange);
        assert_eq!(reverse("25.172.in-addr.arpa"), Reverse::Strange);
        assert_eq!(reverse("3.3.25.172.IN-ADDR.ARPA"), Reverse::No);
        assert_eq!(reverse("in-addr.arpa"), Reverse::No);
        assert_eq!(reverse("container3"), Reverse::No);
        let long = "3.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.1.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa";
        assert_eq!(reverse(long), v4("2001:db8:1::3"));
        assert_eq!(reverse(&long.replace('b', "B")), Reverse::Strange);
        assert_eq!(reverse("8.b.d.0.1.0.0.2.ip6.arpa"), Reverse::Strange);
    }
}
