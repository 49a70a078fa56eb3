//! How dig writes an answer: its header, its sections in columns, and where it came from.

use core::time::Duration;

use super::options::Flags;
use crate::dns::Transport;
use crate::userland::exchange::{self, Answer};
use crate::userland::lookup::message::{self, DNSClass, Message, Query, RData, Record, RecordType, ResponseCode};

/// Where the columns of a record begin: TTL, class, type and data (`dns_master_style`).
const COLUMNS: [usize; 4] = [24, 32, 40, 48];

/// The data of each answer on a line of its own: `+short`.
pub(super) fn short(message: &Message) -> String {
    message.answers.iter().map(|record| format!("{}\n", data(&record.data))).collect()
}

/// An answer with all parts that are to be shown. `date` is when it came.
pub(super) fn full(answer: &Answer, flags: &Flags, date: &str) -> String {
    let message = &answer.message;
    let show = flags.show;
    let mut text = String::new();
    if show.comments {
        text += &format!(";; Got answer:\n{}\n{}", header(message), edns(message));
    }
    if show.question {
        let lines: Vec<String> = message.queries.iter().map(question).collect();
        text += &section(show.comments, "QUESTION", &lines);
    }
    let sections = [
        (show.answer, "ANSWER", &message.answers),
        (show.authority, "AUTHORITY", &message.authorities),
        (show.additional, "ADDITIONAL", &message.additionals),
    ];
    for (_, name, records) in sections.iter().filter(|(shown, ..)| *shown) {
        let lines: Vec<String> = records.iter().map(|record| line(record, flags)).collect();
        text += &section(show.comments, name, &lines);
    }
    if show.stats {
        text += &stats(answer, date);
    }
    text
}

fn section(comments: bool, name: &str, lines: &[String]) -> String {
    match (lines.is_empty(), comments) {
        (true, _) => String::new(),
        (false, true) => format!(";; {name} SECTION:\n{}\n", lines.concat()),
        (false, false) => lines.concat(),
    }
}

fn header(message: &Message) -> String {
    let head = &message.metadata;
    let flags = [
        ("qr", true),
        ("aa", head.authoritative),
        ("tc", head.truncation),
        ("rd", head.recursion_desired),
        ("ra", head.recursion_available),
        ("ad", head.authentic_data),
        ("cd", head.checking_disabled),
    ];
    let flags: String = flags.iter().filter(|(_, set)| *set).map(|(name, _)| format!(" {name}")).collect();
    let additional = message.additionals.len() + usize::from(message.edns.is_some());
    let warning = if head.recursion_desired && !head.recursion_available {
        ";; WARNING: recursion requested but not available\n"
    } else {
        ""
    };
    format!(
        ";; ->>HEADER<<- opcode: QUERY, status: {}, id: {}\n\
         ;; flags:{flags}; QUERY: {}, ANSWER: {}, AUTHORITY: {}, ADDITIONAL: {additional}\n{warning}",
        status(head.response_code),
        head.id,
        message.queries.len(),
        message.answers.len(),
        message.authorities.len(),
    )
}

fn edns(message: &Message) -> String {
    let Some(edns) = &message.edns else { return String::new() };
    let secure = if edns.flags().dnssec_ok { " do" } else { "" };
    let (version, size) = (edns.version(), edns.max_payload());
    format!(";; OPT PSEUDOSECTION:\n; EDNS: version: {version}, flags:{secure}; udp: {size}\n")
}

/// A response code in bind's words.
pub(in crate::userland) fn status(code: ResponseCode) -> String {
    let text = match code {
        ResponseCode::NoError => "NOERROR",
        ResponseCode::FormErr => "FORMERR",
        ResponseCode::ServFail => "SERVFAIL",
        ResponseCode::NXDomain => "NXDOMAIN",
        ResponseCode::NotImp => "NOTIMP",
        ResponseCode::Refused => "REFUSED",
        ResponseCode::YXDomain => "YXDOMAIN",
        ResponseCode::YXRRSet => "YXRRSET",
        ResponseCode::NXRRSet => "NXRRSET",
        ResponseCode::NotAuth => "NOTAUTH",
        ResponseCode::NotZone => "NOTZONE",
        ResponseCode::BADVERS => "BADVERS",
        other => return format!("RESERVED{}", u16::from(other)),
    };
    text.to_owned()
}

/// The semicolon does not count for the columns.
fn question(query: &Query) -> String {
    let mut columns = Columns::new(message::absolute(&query.name));
    columns.put(COLUMNS[1], &class_name(query.query_class));
    columns.put(COLUMNS[2], &type_name(query.query_type));
    format!(";{}\n", columns.text)
}

fn line(record: &Record, flags: &Flags) -> String {
    let mut columns = Columns::new(message::absolute(&record.name));
    let mut next = 0;
    if flags.show.ttl {
        columns.put(COLUMNS[next], &record.ttl.to_string());
        next += 1;
    }
    if flags.show.class {
        columns.put(COLUMNS[next], &class_name(record.dns_class));
        next += 1;
    }
    columns.put(COLUMNS[next], &type_name(record.record_type()));
    columns.put(COLUMNS[next + 1], &data(&record.data));
    columns.text + "\n"
}

/// A line that grows by columns, with tabs between them as far as they reach.
struct Columns {
    text: String,
    at: usize,
}

impl Columns {
    fn new(text: String) -> Self {
        let at = text.len();
        Self { text, at }
    }

    /// Goes to the column, at least one place on, and writes there.
    fn put(&mut self, column: usize, text: &str) {
        let to = column.max(self.at + 1);
        while self.at / 8 < to / 8 {
            self.text.push('\t');
            self.at = (self.at / 8 + 1) * 8;
        }
        self.text.push_str(&" ".repeat(to - self.at));
        self.text.push_str(text);
        self.at = to + text.len();
    }
}

/// The data of a record as master files write it.
pub(in crate::userland) fn data(data: &RData) -> String {
    let quoted = |bytes: &[u8]| format!("\"{}\"", String::from_utf8_lossy(bytes).replace('"', "\\\""));
    match data {
        RData::NS(name) => message::absolute(&name.0),
        RData::CNAME(name) => message::absolute(&name.0),
        RData::PTR(name) => message::absolute(&name.0),
        RData::MX(mx) => format!("{} {}", mx.preference, message::absolute(&mx.exchange)),
        RData::TXT(txt) => txt.txt_data.iter().map(|part| quoted(part)).collect::<Vec<_>>().join(" "),
        RData::HINFO(info) => format!("{} {}", quoted(&info.cpu), quoted(&info.os)),
        RData::SRV(srv) => {
            format!("{} {} {} {}", srv.priority, srv.weight, srv.port, message::absolute(&srv.target))
        }
        RData::SOA(soa) => format!(
            "{} {} {} {} {} {} {}",
            message::absolute(&soa.mname),
            message::absolute(&soa.rname),
            soa.serial,
            soa.refresh,
            soa.retry,
            soa.expire,
            soa.minimum
        ),
        RData::Unknown { rdata, .. } => {
            let hex: String = rdata.anything.iter().map(|byte| format!("{byte:02X}")).collect();
            format!("\\# {} {hex}", rdata.anything.len())
        }
        other => other.to_string(),
    }
}

fn type_name(kind: RecordType) -> String {
    match kind {
        RecordType::Unknown(number) => format!("TYPE{number}"),
        known => known.to_string(),
    }
}

fn class_name(class: DNSClass) -> String {
    match class {
        DNSClass::OPT(number) | DNSClass::Unknown(number) => format!("CLASS{number}"),
        known => known.to_string(),
    }
}

fn stats(answer: &Answer, date: &str) -> String {
    let (name, peer) = &answer.server;
    let transport = match answer.transport {
        Transport::Udp => "UDP",
        Transport::Tcp => "TCP",
    };
    format!(
        ";; Query time: {} msec\n;; SERVER: {}({name}) ({transport})\n;; WHEN: {date}\n;; MSG SIZE  rcvd: {}\n\n",
        whole_millis(answer.took),
        exchange::show(*peer),
        answer.len,
    )
}

fn whole_millis(took: Duration) -> u128 {
    took.as_micros() / 1000
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::userland::dig::options::Options;
    use message::{Edns, MessageType};

    fn flags(line: &str) -> Flags {
        let argv: Vec<String> = line.split(' ').map(str::to_owned).collect();
        Options::parse(&argv).unwrap().jobs.remove(0).flags
    }

    fn answer(name: &str, kind: RecordType, records: Vec<RData>) -> Answer {
        let name = message::name(name).unwrap();
        let mut message = message::query(64655, &Query::query(name.clone(), kind));
        message.metadata.message_type = MessageType::Response;
        message.metadata.recursion_available = true;
        message.answers = records.into_iter().map(|data| Record::from_rdata(name.clone(), 600, data)).collect();
        let server = ("127.0.0.11".to_owned(), "127.0.0.11:53".parse().unwrap());
        Answer { message, len: 54, server, transport: Transport::Udp, took: Duration::ZERO }
    }

    fn a(last: u8) -> RData {
        RData::A(core::net::Ipv4Addr::new(172, 25, 3, last).into())
    }

    #[test]
    fn a_full_answer_reads_as_dig_prints_it() {
        let text =
            full(&answer("container3", RecordType::A, vec![a(3)]), &flags("dig x"), "Sat Nov 21 06:59:16 UTC 2026");
        let expected = "\
;; Got answer:
;; ->>HEADER<<- opcode: QUERY, status: NOERROR, id: 64655
;; flags: qr rd ra; QUERY: 1, ANSWER: 1, AUTHORITY: 0, ADDITIONAL: 0

;; QUESTION SECTION:
;container3.\t\t\tIN\tA

;; ANSWER SECTION:
container3.\t\t600\tIN\tA\t172.25.3.3

;; Query time: 0 msec
;; SERVER: 127.0.0.11#53(127.0.0.11) (UDP)
;; WHEN: Sat Nov 21 06:59:16 UTC 2026
;; MSG SIZE  rcvd: 54

";
        assert_eq!(text, expected);
    }

    #[test]
    fn an_empty_answer_has_its_code_and_extensions() {
        let mut answer = answer("nosuch", RecordType::A, Vec::new());
        answer.message.metadata.response_code = ResponseCode::NXDomain;
        answer.message.metadata.recursion_available = false;
        answer.message.edns = Some(Edns::new().set_max_payload(1232).clone());
        let expected = "\
;; Got answer:
;; ->>HEADER<<- opcode: QUERY, status: NXDOMAIN, id: 64655
;; flags: qr rd; QUERY: 1, ANSWER: 0, AUTHORITY: 0, ADDITIONAL: 1
;; WARNING: recursion requested but not available

;; OPT PSEUDOSECTION:
; EDNS: version: 0, flags:; udp: 1232
;; QUESTION SECTION:
;nosuch.\t\t\t\tIN\tA

";
        assert_eq!(full(&answer, &flags("dig x +nostats"), ""), expected);
    }

    #[test]
    fn sections_stand_alone_without_comments() {
        let answer = answer("app", RecordType::A, vec![a(7), a(6)]);
        let lines = "app.\t\t\t600\tIN\tA\t172.25.3.7\napp.\t\t\t600\tIN\tA\t172.25.3.6\n";
        assert_eq!(full(&answer, &flags("dig x +noall +answer"), ""), lines);
        assert_eq!(full(&answer, &flags("dig x +noall +question"), ""), ";app.\t\t\t\tIN\tA\n");
        let bare = "app.\t\t\tA\t172.25.3.7\napp.\t\t\tA\t172.25.3.6\n";
        assert_eq!(full(&answer, &flags("dig x +noall +answer +nottlid +noclass"), ""), bare);
        assert_eq!(short(&answer.message), "172.25.3.7\n172.25.3.6\n");
    }

    #[test]
    fn a_long_name_moves_the_columns_on() {
        let ptr = RData::PTR(hickory_proto::rr::rdata::PTR(message::name("c3.net").unwrap()));
        let answer = answer("3.3.25.172.in-addr.arpa", RecordType::PTR, vec![ptr]);
        let text = full(&answer, &flags("dig x +noall +question +answer"), "");
        let expected = ";3.3.25.172.in-addr.arpa.\tIN\tPTR\n3.3.25.172.in-addr.arpa. 600\tIN\tPTR\tc3.net.\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn data_is_written_as_in_master_files() {
        use hickory_proto::rr::rdata::{HINFO, MX, SRV, TXT};
        let name = |n: &str| message::name(n).unwrap();
        assert_eq!(data(&RData::MX(MX::new(10, name("mail.lan")))), "10 mail.lan.");
        assert_eq!(data(&RData::TXT(TXT::new(vec!["hello".to_owned(), "x".to_owned()]))), "\"hello\" \"x\"");
        assert_eq!(data(&RData::SRV(SRV::new(0, 5, 80, name("www.lan")))), "0 5 80 www.lan.");
        let info = HINFO::new("PC".to_owned(), "LINUX".to_owned());
        assert_eq!(data(&RData::HINFO(info)), "\"PC\" \"LINUX\"");
    }
}
