//! DNS messages between bytes and hickory's types, and names between the wire and text. No rule about what to answer
//! is here, but for what counts as a query at all.

use core::net::IpAddr;

use hickory_proto::op::{Header, Message, MessageType, Metadata, OpCode};
use hickory_proto::rr::rdata::{A, AAAA};
use hickory_proto::rr::{Label, Name, RData};
use hickory_proto::serialize::binary::{BinDecodable, BinDecoder, BinEncodable, BinEncoder, NameEncoding};

use super::Transport;

/// The size of a UDP reply to a client that says nothing of EDNS (RFC 1035 §4.2.1).
pub(super) const UDP_SIZE: u16 = 512;
/// The size of a TCP reply: one byte less than the length field holds, as libnetwork has it.
pub(super) const TCP_SIZE_MAX: u16 = u16::MAX - 1;

const HEADER_LEN: usize = 12;

/// What arrived at a server.
pub(super) enum Incoming {
    /// A well-formed message with one question.
    Query(Message),
    /// Something with the header of a query that is none: an opcode nobody serves, no or several questions, or
    /// garbage after the header.
    Unfit(Metadata),
    /// Nothing to react to: too short, a response, or a header that promises a question and ends.
    Nothing,
}

/// Sorts out what arrived, by the rules of the Go library that the engine uses (miekg/dns, `DefaultMsgAcceptFunc`).
pub(super) fn read(bytes: &[u8]) -> Incoming {
    let Ok(header) = Header::read(&mut BinDecoder::new(bytes)) else {
        return Incoming::Nothing;
    };
    if header.message_type == MessageType::Response {
        return Incoming::Nothing;
    }
    if !is_acceptable(&header) {
        return Incoming::Unfit(header.metadata);
    }
    if bytes.len() == HEADER_LEN {
        return Incoming::Nothing;
    }
    Message::from_vec(bytes).map_or(Incoming::Unfit(header.metadata), Incoming::Query)
}

fn is_acceptable(header: &Header) -> bool {
    let counts = header.counts;
    is_served(header.op_code)
        && counts.queries == 1
        && counts.answers <= 1
        && counts.authorities <= 1
        && counts.additionals <= 2
}

/// Whether the Go library hands a message with this opcode on.
pub(super) fn is_served(op_code: OpCode) -> bool {
    matches!(op_code, OpCode::Query | OpCode::Notify)
}

/// The most bytes that the reply to `query` may have.
pub(super) fn size_max(transport: Transport, query: &Message) -> u16 {
    match transport {
        Transport::Tcp => TCP_SIZE_MAX,
        Transport::Udp => query.edns.as_ref().map_or(UDP_SIZE, |edns| edns.max_payload().max(UDP_SIZE)),
    }
}

/// Whether names that recur in a message become pointers. The engine's own answers have none (fact 44's sizes).
#[derive(Clone, Copy)]
pub(super) enum Compression {
    On,
    Off,
}

/// Writes `message` in at most `size_max` bytes: answers that do not fit are left out and TC is set. None when a name
/// has no wire form.
pub(super) fn write(mut message: Message, compression: Compression, size_max: u16) -> Option<Vec<u8>> {
    let mut bytes = encode(&message, compression)?;
    while bytes.len() > usize::from(size_max) && message.answers.pop().is_some() {
        message.metadata.truncation = true;
        bytes = encode(&message, compression)?;
    }
    Some(bytes)
}

fn encode(message: &Message, compression: Compression) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(usize::from(UDP_SIZE));
    let mut encoder = BinEncoder::new(&mut bytes);
    encoder.set_name_encoding(match compression {
        Compression::On => NameEncoding::Compressed,
        Compression::Off => NameEncoding::Uncompressed,
    });
    message.emit(&mut encoder).ok()?;
    Some(bytes)
}

/// The record data that holds an address.
pub(super) fn address_data(addr: IpAddr) -> RData {
    match addr {
        IpAddr::V4(addr) => RData::A(A(addr)),
        IpAddr::V6(addr) => RData::AAAA(AAAA(addr)),
    }
}

/// The text of a name without the final dot. Bytes that text has another use for are escaped, so that a dot inside a
/// label is not taken for one between labels.
pub(super) fn text_of(name: &Name) -> String {
    let mut text = String::new();
    for label in name {
        if !text.is_empty() {
            text.push('.');
        }
        label.iter().for_each(|byte| push_escaped(&mut text, *byte));
    }
    text
}

fn push_escaped(text: &mut String, byte: u8) {
    match byte {
        b'.' | b' ' | b'\'' | b'@' | b';' | b'(' | b')' | b'"' | b'\\' => text.extend(['\\', char::from(byte)]),
        b'!'..=b'~' => text.push(char::from(byte)),
        _ => text.push_str(&format!("\\{byte:03}")),
    }
}

/// The absolute name that `text` spells, dot by dot. None when a label is empty or longer than 63 bytes.
pub(super) fn name_of(text: &str) -> Option<Name> {
    let labels: Option<Vec<Label>> =
        text.trim_end_matches('.').split('.').map(|label| Label::from_raw_bytes(label.as_bytes()).ok()).collect();
    Name::from_labels(labels?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dot_inside_a_label_stays_apart_from_one_between_labels() {
        let odd = Name::from_labels([b"a.b".as_slice(), b"c d", b"\xff"]).expect("labels are short");
        assert_eq!(text_of(&odd), "a\\.b.c\\ d.\\255");
        assert_eq!(text_of(&name_of("My_DB.v1.isolated_nw").expect("labels are short")), "My_DB.v1.isolated_nw");
        assert_eq!(text_of(&Name::root()), "");
    }

    #[test]
    fn a_label_that_does_not_fit_has_no_name() {
        assert!(name_of(&"x".repeat(63)).is_some());
        assert!(name_of(&"x".repeat(64)).is_none());
        assert!(name_of("a..b").is_none());
    }
}
