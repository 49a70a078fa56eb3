//! A DNS server that says the same to every query, whatever its name: one that fails, or one that leads everybody to one
//! place. It keeps no records and forwards nothing.

use core::net::IpAddr;

use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::Record;

use super::wire::{self, Incoming};
use super::{Transport, lan};

/// How long its address may be kept.
const TTL_SECS: u32 = 30;

/// What the server does.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Manner {
    /// Nothing at all.
    Silent,
    /// It says that it failed.
    Servfail,
    /// It says that it does not want to answer.
    Refused,
    /// It says that there is no such name, though not as one who has to know.
    Nxdomain,
    /// It gives this address; to a query for anything else, an empty answer.
    Address(IpAddr),
    /// By UDP it says that its answer is too long; by TCP it gives this address.
    Truncated(IpAddr),
}

impl Manner {
    /// What this server says to what arrived.
    pub(super) fn reply(self, transport: Transport, incoming: Incoming) -> Option<Message> {
        let query = match incoming {
            Incoming::Query(query) => query,
            Incoming::Unfit(header) if self != Self::Silent => {
                return Some(lan::response(&header, ResponseCode::FormErr));
            }
            Incoming::Unfit(_) | Incoming::Nothing => return None,
        };
        let mut reply = lan::response(&query.metadata, ResponseCode::NoError);
        reply.add_queries(query.queries.iter().cloned());
        match (self, transport) {
            (Self::Silent, _) => return None,
            (Self::Servfail, _) => reply.metadata.response_code = ResponseCode::ServFail,
            (Self::Refused, _) => reply.metadata.response_code = ResponseCode::Refused,
            (Self::Nxdomain, _) => reply.metadata.response_code = ResponseCode::NXDomain,
            (Self::Truncated(_), Transport::Udp) => reply.metadata.truncation = true,
            (Self::Truncated(addr), Transport::Tcp) | (Self::Address(addr), _) => {
                reply.add_answers(addresses(&query, addr));
            }
        }
        Some(reply)
    }
}

/// The record of an address for each question that asks for such.
fn addresses(query: &Message, addr: IpAddr) -> impl Iterator<Item = Record> {
    let data = wire::address_data(addr);
    let asked = query.queries.iter().filter(move |q| q.query_type() == wire::address_data(addr).record_type());
    asked.map(move |question| Record::from_rdata(question.name().clone(), TTL_SECS, data.clone()))
}
