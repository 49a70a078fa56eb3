//! DNS messages as the programs of the userland write and read them; the wire format is hickory's. It knows names,
//! questions and ids, not servers or time.

use core::fmt;
use core::net::IpAddr;

pub use hickory_proto::op::{Edns, Message, MessageType, OpCode, Query, ResponseCode};
pub use hickory_proto::rr::{DNSClass, Name, RData, Record, RecordType};

use crate::time::Instant;
use crate::userland::Pid;

/// Why a text is no domain name, as bind words it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum NameError {
    /// Two dots in a row, or one at the beginning.
    EmptyLabel,
    /// A label of more than 63 bytes.
    LabelTooLong,
    /// More than 255 bytes in all.
    TooLong,
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::EmptyLabel => "empty label",
            Self::LabelTooLong => "label too long",
            Self::TooLong => "ran out of space",
        })
    }
}

/// The absolute name that `text` writes, with or without its last dot; any byte may stand in a label.
///
/// # Errors
/// When it is no name.
pub fn name(text: &str) -> Result<Name, NameError> {
    let text = text.strip_suffix('.').unwrap_or(text);
    if text.is_empty() {
        return Ok(Name::root());
    }
    let labels: Vec<&[u8]> = text.split('.').map(str::as_bytes).collect();
    if labels.iter().any(|l| l.is_empty()) {
        return Err(NameError::EmptyLabel);
    }
    if labels.iter().any(|l| l.len() > 63) {
        return Err(NameError::LabelTooLong);
    }
    let mut name = Name::from_labels(labels).map_err(|_| NameError::TooLong)?;
    name.set_fqdn(true);
    Ok(name)
}

/// The name under in-addr.arpa or ip6.arpa that stands for an address, without its last dot.
#[must_use]
pub fn reverse_name(addr: IpAddr) -> String {
    match addr {
        IpAddr::V4(v4) => {
            let [a, b, c, d] = v4.octets();
            format!("{d}.{c}.{b}.{a}.in-addr.arpa")
        }
        IpAddr::V6(v6) => {
            let nibbles: String =
                v6.octets().iter().rev().map(|byte| format!("{:x}.{:x}.", byte & 15, byte >> 4)).collect();
            format!("{nibbles}ip6.arpa")
        }
    }
}

/// A query id that no other query of this process at this time has: the world has one clock and no other chance.
#[must_use]
pub fn query_id(pid: Pid, now: Instant, count: u16) -> u16 {
    let mut x = (u64::from(pid.0) << 40) ^ now.as_nanos() ^ (u64::from(count) << 24);
    for _ in 0..2 {
        x = (x ^ (x >> 31)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
    let [high, low, ..] = x.to_be_bytes();
    u16::from_be_bytes([high, low])
}

/// A query for one question that asks for recursion and has no extensions.
#[must_use]
pub fn query(id: u16, question: &Query) -> Message {
    let mut message = Message::new(id, MessageType::Query, OpCode::Query);
    message.metadata.recursion_desired = true;
    message.add_query(question.clone());
    message
}

/// The bytes of a query.
///
/// # Panics
/// Never: names and options of a query were checked when it was made.
#[must_use]
pub fn encode(message: &Message) -> Vec<u8> {
    message.to_vec().expect("a query of a checked name encodes")
}

/// The message in `bytes` when it answers this query.
#[must_use]
pub fn answer_to(id: u16, question: &Query, bytes: &[u8]) -> Option<Message> {
    let message = Message::from_vec(bytes).ok()?;
    let same = |q: &Query| q.name == question.name && q.query_type == question.query_type;
    let fits = message.metadata.id == id && message.metadata.message_type == MessageType::Response;
    (fits && message.queries.first().is_none_or(same)).then_some(message)
}

/// A name with its last dot, escaped as bind does (RFC 1035 §5.1).
#[must_use]
pub fn absolute(name: &Name) -> String {
    if name.is_root() {
        return ".".to_owned();
    }
    let mut text = String::new();
    for byte in name.iter().flat_map(|label| label.iter().map(|b| Some(*b)).chain([None])) {
        match byte {
            None => text.push('.'),
            Some(b'"' | b'(' | b')' | b'.' | b';' | b'\\' | b'@' | b'$') => {
                text.push('\\');
                text.extend(byte.map(char::from));
            }
            Some(b'!'..=b'~') => text.extend(byte.map(char::from)),
            Some(other) => text.push_str(&format!("\\{other:03}")),
        }
    }
    text
}

/// A name as the resolver's programs show it: without the last dot.
#[must_use]
pub fn show(name: &Name) -> String {
    let text = absolute(name);
    match text.strip_suffix('.') {
        Some(relative) if !relative.is_empty() => relative.to_owned(),
        _ => text,
    }
}

/// The address in a record, if it holds one.
#[must_use]
pub const fn address(record: &Record) -> Option<IpAddr> {
    match &record.data {
        RData::A(a) => Some(IpAddr::V4(a.0)),
        RData::AAAA(aaaa) => Some(IpAddr::V6(aaaa.0)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_may_hold_anything_but_empty_and_long_labels() {
        assert_eq!(show(&name("-My_DB.v1.").unwrap()), "-My_DB.v1");
        assert_eq!(absolute(&name("a b(c.x").unwrap()), "a\\032b\\(c.x.");
        assert_eq!(name("a..b"), Err(NameError::EmptyLabel));
        assert_eq!(name(&"x".repeat(64)), Err(NameError::LabelTooLong));
        assert_eq!(name(&["y"; 200].join(".")), Err(NameError::TooLong));
        assert!(name(".").unwrap().is_root());
    }

    #[test]
    fn reverse_names_turn_the_address_around() {
        assert_eq!(reverse_name("172.25.3.3".parse().unwrap()), "3.3.25.172.in-addr.arpa");
        let six = reverse_name("2001:db8::66".parse().unwrap());
        assert_eq!(six, format!("6.6.{}8.b.d.0.1.0.0.2.ip6.arpa", "0.".repeat(22)));
    }

    #[test]
    fn a_reply_must_fit_its_query() {
        let question = Query::query(name("c5").unwrap(), RecordType::A);
        let mut reply = query(7, &question);
        assert!(answer_to(7, &question, &encode(&reply)).is_none(), "a query is no reply");
        reply.metadata.message_type = MessageType::Response;
        let bytes = encode(&reply);
        assert!(answer_to(7, &question, &bytes).is_some());
        assert!(answer_to(8, &question, &bytes).is_none());
        assert!(answer_to(7, &Query::query(name("c4").unwrap(), RecordType::A), &bytes).is_none());
    }

    #[test]
    fn ids_differ_by_process_time_and_count() {
        let at = Instant::from_nanos(5);
        let ids = [query_id(Pid(2), at, 0), query_id(Pid(3), at, 0), query_id(Pid(2), at, 1)];
        assert!(ids[0] != ids[1] && ids[0] != ids[2] && ids[1] != ids[2]);
        assert_eq!(ids[0], query_id(Pid(2), at, 0));
    }
}
