//! DNS as `tcpdump` prints it: the number, flags, the question, how many records there are, and those of the answer.

use core::fmt::Write as _;

use crate::userland::lookup::message::{Message, MessageType, RData, Record, ResponseCode};

/// Bits of the second pair of bytes that a usual message does not have.
const UNUSUAL: u16 = 0x06cf;

/// The text for a datagram to or from port 53; none when it is no message.
pub(super) fn text(data: &[u8]) -> Option<String> {
    let message = Message::from_vec(data).ok()?;
    let flags = u16::from_be_bytes([*data.get(2)?, *data.get(3)?]);
    let counts = [message.queries.len(), message.answers.len(), message.authorities.len(), additionals(data)?];
    let body = match message.metadata.message_type {
        MessageType::Query => question(&message, flags, counts),
        MessageType::Response => answer(&message, counts),
    };
    Some(format!("{}{body} ({})", message.metadata.id, data.len()))
}

fn additionals(data: &[u8]) -> Option<usize> {
    Some(usize::from(u16::from_be_bytes([*data.get(10)?, *data.get(11)?])))
}

fn question(message: &Message, flags: u16, [queries, answers, authorities, additionals]: [usize; 4]) -> String {
    let mut text = if message.metadata.recursion_desired { "+".to_owned() } else { String::new() };
    if flags & UNUSUAL != 0 {
        let _ = write!(text, " [b2&3=0x{flags:x}]");
    }
    for (count, usual, letters) in [(answers, 0, "a"), (queries, 1, "q"), (authorities, 0, "n"), (additionals, 0, "au")]
    {
        if count != usual {
            let _ = write!(text, " [{count}{letters}]");
        }
    }
    for query in &message.queries {
        let _ = write!(text, " {}? {}", query.query_type(), absolute(&query.name().to_string()));
    }
    text
}

fn answer(message: &Message, [queries, answers, authorities, additionals]: [usize; 4]) -> String {
    let data = &message.metadata;
    let mut text = match data.response_code {
        ResponseCode::NoError => String::new(),
        ResponseCode::FormErr => " FormErr".to_owned(),
        ResponseCode::ServFail => " ServFail".to_owned(),
        ResponseCode::NXDomain => " NXDomain".to_owned(),
        ResponseCode::NotImp => " NotImp".to_owned(),
        ResponseCode::Refused => " Refused".to_owned(),
        code => format!(" Resp{}", u16::from(code)),
    };
    for (is_set, mark) in [
        (data.authoritative, "*"),
        (!data.recursion_available, "-"),
        (data.truncation, "|"),
        (data.authentic_data, "$"),
    ] {
        text += if is_set { mark } else { "" };
    }
    if queries != 1 {
        let _ = write!(text, " [{queries}q]");
    }
    let _ = write!(text, " {answers}/{authorities}/{additionals}");
    let records: Vec<String> = message.answers.iter().map(record).collect();
    text + &records.join(",")
}

fn record(record: &Record) -> String {
    let kind = record.record_type();
    match &record.data {
        RData::A(addr) => format!(" A {addr}"),
        RData::AAAA(addr) => format!(" AAAA {addr}"),
        RData::CNAME(name) => format!(" CNAME {}", absolute(&name.to_string())),
        RData::PTR(name) => format!(" PTR {}", absolute(&name.to_string())),
        RData::SRV(srv) => {
            format!(" SRV {}:{} {} {}", absolute(&srv.target.to_string()), srv.port, srv.priority, srv.weight)
        }
        _ => format!(" {kind}"),
    }
}

fn absolute(name: &str) -> String {
    if name.ends_with('.') { name.to_owned() } else { format!("{name}.") }
}
