//! How bind's nslookup writes an answer.

use crate::userland::dig::page;
use crate::userland::exchange::{Answer, show};
use crate::userland::lookup::message::{self, Message, RData, Record, RecordType, ResponseCode};

/// The server that answered.
pub(super) fn server(answer: &Answer) -> String {
    let (name, peer) = &answer.server;
    format!("Server:\t\t{name}\nAddress:\t{}\n\n", show(*peer))
}

/// Whether the answer comes from a cache or the like.
pub(super) const fn authority(message: &Message) -> &'static str {
    if message.metadata.authoritative { "" } else { "Non-authoritative answer:\n" }
}

/// The line about a name that is not known, or a server that would not say.
pub(super) fn not_found(name: &str, code: ResponseCode) -> String {
    format!("** server can't find {name}: {}\n", page::status(code))
}

/// The line about a name that has nothing of the kind.
pub(super) fn no_answer(name: &str) -> String {
    format!("*** Can't find {name}: No answer\n")
}

/// The lines of all answers.
pub(super) fn answers(message: &Message) -> String {
    message.answers.iter().map(record).collect()
}

/// What follows the answers of a question for other things than addresses.
pub(super) fn authorities(message: &Message) -> String {
    let authorities = message.authorities.iter().chain(&message.additionals).map(further);
    format!("\nAuthoritative answers can be found from:\n{}", authorities.collect::<String>())
}

fn record(record: &Record) -> String {
    let name = message::show(&record.name);
    match &record.data {
        RData::A(a) => format!("Name:\t{name}\nAddress: {a}\n"),
        RData::AAAA(aaaa) => format!("Name:\t{name}\nAddress: {aaaa}\n"),
        RData::SOA(soa) => format!(
            "{name}\n\torigin = {}\n\tmail addr = {}\n\tserial = {}\n\trefresh = {}\n\tretry = {}\n\texpire = {}\n\t\
             minimum = {}\n",
            message::show(&soa.mname),
            message::show(&soa.rname),
            soa.serial,
            soa.refresh,
            soa.retry,
            soa.expire,
            soa.minimum
        ),
        data => format!("{name}\t{} = {}\n", noun(record.record_type()), page::data(data)),
    }
}

fn noun(kind: RecordType) -> String {
    let text = match kind {
        RecordType::CNAME => "canonical name",
        RecordType::HINFO => "hinfo",
        RecordType::MX => "mail exchanger",
        RecordType::NS => "nameserver",
        RecordType::PTR => "name",
        RecordType::SRV => "service",
        RecordType::TXT => "text",
        other => return format!("rdata_{}", u16::from(other)),
    };
    text.to_owned()
}

/// A record of the other sections, where addresses are those of servers.
fn further(found: &Record) -> String {
    let name = message::show(&found.name);
    match &found.data {
        RData::A(a) => format!("{name}\tinternet address = {a}\n"),
        RData::AAAA(aaaa) => format!("{name}\thas AAAA address {aaaa}\n"),
        _ => record(found),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hickory_proto::rr::rdata::{CNAME, MX, NS, NULL};
    use message::{Query, name};

    fn message_with(answers: Vec<RData>) -> Message {
        let owner = name("lan").unwrap();
        let mut message = message::query(1, &Query::query(owner.clone(), RecordType::ANY));
        message.answers = answers.into_iter().map(|data| Record::from_rdata(owner.clone(), 1, data)).collect();
        message
    }

    #[test]
    fn names_in_data_keep_their_dot_and_owners_lose_it() {
        let data = vec![
            RData::CNAME(CNAME(name("six.lan").unwrap())),
            RData::MX(MX::new(10, name("mail.lan").unwrap())),
            RData::A(core::net::Ipv4Addr::new(192, 0, 2, 66).into()),
            RData::Unknown { code: 99.into(), rdata: NULL::with(vec![1, 0xab]) },
        ];
        let expected = "lan\tcanonical name = six.lan.\nlan\tmail exchanger = 10 mail.lan.\nName:\tlan\n\
            Address: 192.0.2.66\nlan\trdata_99 = \\# 2 01AB\n";
        assert_eq!(answers(&message_with(data)), expected);
    }

    #[test]
    fn servers_are_listed_after_other_answers() {
        let mut message = message_with(Vec::new());
        let owner = name("lan").unwrap();
        message.authorities = vec![Record::from_rdata(owner.clone(), 1, RData::NS(NS(name("ns.lan").unwrap())))];
        message.additionals =
            vec![Record::from_rdata(owner, 1, RData::A(core::net::Ipv4Addr::new(192, 0, 2, 1).into()))];
        let expected = "\nAuthoritative answers can be found from:\nlan\tnameserver = ns.lan.\n\
            lan\tinternet address = 192.0.2.1\n";
        assert_eq!(authorities(&message), expected);
        assert_eq!(authority(&message), "Non-authoritative answer:\n");
    }
}
