//! The DNS server of the LAN's gateway: a fixed set of records, answered as the dnsmasq of the recordings answers them
//! (08 "table: types"). It forwards nothing and hands out no leases.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::collections::BTreeMap;

use hickory_proto::op::{Edns, Message, MessageType, Metadata, OpCode, ResponseCode};
use hickory_proto::rr::rdata::{CNAME, MX, PTR, TXT};
use hickory_proto::rr::{Name, RData, Record, RecordType};

use super::wire::{self, Incoming};

/// The UDP size that dnsmasq offers to clients that speak EDNS.
const EDNS_SIZE: u16 = 1232;
/// Local records are not to be kept.
const TTL_SECS: u32 = 0;

/// The records of a LAN.
#[derive(Clone, Debug, Default)]
pub struct Lan {
    /// Names with all they have. A name in here exists: what it lacks is an empty answer.
    records: BTreeMap<Name, Vec<RData>>,
    /// Names that stand with all names below them for one address (dnsmasq's `--address`). For any other type they do
    /// not exist.
    domains: BTreeMap<Name, IpAddr>,
}

impl Lan {
    /// The LAN that every world has, 192.0.2.0/24, as `make_lan` in the oracle's `host` sets it up.
    #[must_use]
    pub fn standard() -> Self {
        let mut lan = Self::default();
        let six =
            [IpAddr::V4(Ipv4Addr::new(192, 0, 2, 66)), IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0x66))];
        lan.add_domain("www.lan", IpAddr::V4(Ipv4Addr::new(192, 0, 2, 80)));
        lan.add_domain("web.lan", IpAddr::V4(Ipv4Addr::new(192, 0, 2, 81)));
        lan.add_host("six.lan", &six);
        lan.add("alias.lan", RData::CNAME(CNAME(name("six.lan"))));
        lan.add("lan", RData::MX(MX::new(10, name("mail.lan"))));
        lan.add("txt.lan", RData::TXT(TXT::new(vec!["hello".to_owned()])));
        lan.add("80.2.0.192.in-addr.arpa", RData::PTR(PTR(name("www.lan"))));
        lan
    }

    /// Adds a machine, unless its name is none or there is such a name already; whether it was added.
    pub fn add_machine(&mut self, owner: &str, addr: Ipv4Addr) -> bool {
        let is_free = Name::from_ascii(owner).is_ok_and(|name| !self.knows(&name));
        if is_free {
            self.add_host(owner, &[IpAddr::V4(addr)]);
        }
        is_free
    }

    /// Whether a name stands for anything here.
    #[must_use]
    pub fn knows(&self, name: &Name) -> bool {
        let mut name = name.clone();
        name.set_fqdn(true);
        self.records.contains_key(&name) || self.domains.keys().any(|domain| domain.zone_of(&name))
    }

    fn add(&mut self, owner: &str, data: RData) {
        self.records.entry(name(owner)).or_default().push(data);
    }

    fn add_domain(&mut self, owner: &str, addr: IpAddr) {
        self.domains.insert(name(owner), addr);
    }

    /// A name with addresses that also lead back to it (dnsmasq's `--host-record`).
    fn add_host(&mut self, owner: &str, addrs: &[IpAddr]) {
        for addr in addrs {
            self.add(owner, wire::address_data(*addr));
            self.records.entry(Name::from(*addr)).or_default().push(RData::PTR(PTR(name(owner))));
        }
    }

    /// What this server says to what arrived. All that is no plain query is REFUSED, as there is nobody to pass it to.
    pub(super) fn reply(&self, incoming: Incoming) -> Option<Message> {
        match incoming {
            Incoming::Nothing => None,
            Incoming::Unfit(header) => Some(response(&header, ResponseCode::Refused)),
            Incoming::Query(query) if query.op_code != OpCode::Query => {
                Some(response(&query.metadata, ResponseCode::Refused))
            }
            Incoming::Query(query) => Some(self.answer(&query)),
        }
    }

    /// Answers from the records: NOERROR when the name exists, else NXDOMAIN; AA only on what is not empty.
    fn answer(&self, query: &Message) -> Message {
        let mut reply = response(&query.metadata, ResponseCode::NXDomain);
        reply.add_queries(query.queries.iter().cloned());
        reply.edns = query.edns.as_ref().map(edns_for);
        for question in &query.queries {
            if let Some(answers) = self.find(question.name(), question.query_type()) {
                reply.metadata.response_code = ResponseCode::NoError;
                reply.add_answers(answers);
            }
        }
        reply.metadata.authoritative = !reply.answers.is_empty();
        reply
    }

    /// The records of `owner` that a query for `wanted` gets, those of its alias's target included. None when there is
    /// no such name.
    fn find(&self, owner: &Name, wanted: RecordType) -> Option<Vec<Record>> {
        let Some(all) = self.records.get(owner) else { return self.find_domain(owner, wanted) };
        let mut found = Vec::new();
        for data in all {
            let is_alias = data.record_type() == RecordType::CNAME;
            if is_alias || wanted.is_any() || data.record_type() == wanted {
                found.push(Record::from_rdata(owner.clone(), TTL_SECS, data.clone()));
            }
            if let (RData::CNAME(CNAME(target)), true) = (data, wanted != RecordType::CNAME) {
                found.extend(self.find(target, wanted).into_iter().flatten());
            }
        }
        Some(found)
    }

    fn find_domain(&self, owner: &Name, wanted: RecordType) -> Option<Vec<Record>> {
        let domain = self.domains.iter().find(|(domain, _)| domain.zone_of(owner));
        let data = wire::address_data(*domain?.1);
        let hit = wanted.is_any() || wanted == data.record_type();
        hit.then(|| vec![Record::from_rdata(owner.clone(), TTL_SECS, data)])
    }
}

/// A name that is written in this program.
fn name(text: &str) -> Name {
    wire::name_of(text).expect("the names of the LAN have legal labels")
}

/// A reply without sections, `qr ra` and RD and CD as asked.
pub(super) fn response(header: &Metadata, code: ResponseCode) -> Message {
    let mut reply = Message::response(header.id, header.op_code);
    reply.metadata = Metadata::response_from_request(header);
    reply.metadata.message_type = MessageType::Response;
    reply.metadata.recursion_available = true;
    reply.metadata.response_code = code;
    reply
}

fn edns_for(asked: &Edns) -> Edns {
    let mut edns = Edns::new();
    edns.set_max_payload(EDNS_SIZE).set_dnssec_ok(asked.flags().dnssec_ok);
    edns
}
