//! Names to addresses and back, as a program linked with glibc does it (`hosts: files dns`): [`Lookup`] is
//! `getaddrinfo(3)`, [`Reverse`] is `getnameinfo(3)`. Both are state machines inside a program: poll them in each
//! step until they are ready. `nslookup` and `dig` ask servers by themselves and do not use them.
//!
//! How it works: `config` reads the files, `search` says which full names to try, `inquiry` asks for one of them, and
//! `order` sorts what came. Here is only what needs the process: its files, its socket, its addresses.

pub mod config;
pub mod connection;
pub mod inquiry;
pub mod message;
pub mod order;
pub mod search;

use core::fmt;
use core::net::{IpAddr, SocketAddr};
use core::task::Poll;

use config::Config;
use connection::{Asked, Connection};
use inquiry::{Action, Inquiry};
use message::{Message, Query, RData, RecordType, ResponseCode};
use order::Source;
use search::{Failure, Search};

use super::Sys;
use crate::addr;
use crate::namespace::Namespace;
use crate::socket::SendOptions;
use crate::time::Instant;

/// Which addresses are wanted.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Family {
    /// IPv4 and IPv6 (`AF_UNSPEC`).
    #[default]
    Any,
    /// IPv4 only.
    V4,
    /// IPv6 only.
    V6,
}

impl Family {
    /// Whether an address is of this family.
    #[must_use]
    pub const fn has(self, addr: IpAddr) -> bool {
        match self {
            Self::Any => true,
            Self::V4 => addr.is_ipv4(),
            Self::V6 => addr.is_ipv6(),
        }
    }

    const fn record_types(self) -> &'static [RecordType] {
        match self {
            Self::Any => &[RecordType::A, RecordType::AAAA],
            Self::V4 => &[RecordType::A],
            Self::V6 => &[RecordType::AAAA],
        }
    }
}

/// Why there is no address, printed as `gai_strerror(3)` does.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum LookupError {
    /// `EAI_ADDRFAMILY`: the number is an address of another family.
    AddressFamily,
    /// `EAI_NODATA`: the name is known and has no address.
    NoAddress,
    /// `EAI_NONAME`.
    NotKnown,
    /// `EAI_AGAIN`: no server answered.
    TryAgain,
}

impl fmt::Display for LookupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AddressFamily => "Address family for hostname not supported",
            Self::NoAddress => "No address associated with hostname",
            Self::NotKnown => "Name or service not known",
            Self::TryAgain => "Temporary failure in name resolution",
        })
    }
}

/// What a name stands for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Found {
    /// The name itself, after search list and CNAMEs (`ai_canonname`).
    pub canonical: String,
    /// Its addresses, the preferred first; at least one.
    pub addresses: Vec<IpAddr>,
}

/// A name on its way to addresses.
#[derive(Clone, Debug)]
pub struct Lookup(Lookups);

#[derive(Clone, Debug)]
enum Lookups {
    Ready(Result<Found, LookupError>),
    Asking(Box<Asking>),
}

impl Lookup {
    /// Looks for the addresses of `name`: a number, a line of `/etc/hosts`, or what the name servers say.
    #[must_use]
    pub fn new(sys: &Sys<'_>, name: &str, family: Family) -> Self {
        match local(&sys.files().text("/etc/hosts"), name, family) {
            Some(Ok(found)) => Self(Lookups::Ready(Ok(ordered(sys.network(), found)))),
            Some(Err(error)) => Self(Lookups::Ready(Err(error))),
            None => Self(Lookups::Asking(Box::new(Asking::new(sys, name, family.record_types())))),
        }
    }

    /// Goes on; ready once, with the addresses or the reason why there are none.
    pub fn poll(&mut self, sys: &mut Sys<'_>) -> Poll<Result<Found, LookupError>> {
        match &mut self.0 {
            Lookups::Ready(result) => Poll::Ready(result.clone()),
            Lookups::Asking(asking) => asking.poll(sys, addresses_in).map(|result| Ok(ordered(sys.network(), result?))),
        }
    }

    /// When to poll again at the latest.
    #[must_use]
    pub const fn next_at(&self) -> Option<Instant> {
        match &self.0 {
            Lookups::Ready(_) => None,
            Lookups::Asking(asking) => asking.next_at,
        }
    }
}

/// An address on its way to a name.
#[derive(Clone, Debug)]
pub struct Reverse(Reverses);

#[derive(Clone, Debug)]
enum Reverses {
    Ready(String),
    Asking(Box<Asking>),
}

impl Reverse {
    /// Looks for the name of `addr`.
    #[must_use]
    pub fn new(sys: &Sys<'_>, addr: IpAddr) -> Self {
        match config::host_name(&sys.files().text("/etc/hosts"), addr) {
            Some(name) => Self(Reverses::Ready(name)),
            None => {
                let name = format!("{}.", message::reverse_name(addr));
                Self(Reverses::Asking(Box::new(Asking::new(sys, &name, &[RecordType::PTR]))))
            }
        }
    }

    /// Goes on; ready once, with the name if there is one.
    pub fn poll(&mut self, sys: &mut Sys<'_>) -> Poll<Option<String>> {
        match &mut self.0 {
            Reverses::Ready(name) => Poll::Ready(Some(name.clone())),
            Reverses::Asking(asking) => asking.poll(sys, name_in).map(Result::ok),
        }
    }

    /// When to poll again at the latest.
    #[must_use]
    pub const fn next_at(&self) -> Option<Instant> {
        match &self.0 {
            Reverses::Ready(_) => None,
            Reverses::Asking(asking) => asking.next_at,
        }
    }
}

/// Questions under way to name servers.
#[derive(Clone, Debug)]
struct Asking {
    config: Config,
    types: &'static [RecordType],
    search: Search,
    inquiry: Option<Inquiry>,
    asked: Option<Asked>,
    queries: u16,
    next_at: Option<Instant>,
}

impl Asking {
    fn new(sys: &Sys<'_>, name: &str, types: &'static [RecordType]) -> Self {
        let config = Config::parse(&sys.files().text("/etc/resolv.conf"), sys.hostname());
        let search = Search::new(&config, name);
        Self { config, types, search, inquiry: None, asked: None, queries: 0, next_at: None }
    }

    /// Drives the inquiry until it must wait, or until `read` finds in the answers what is looked for.
    fn poll<T>(
        &mut self,
        sys: &mut Sys<'_>,
        read: fn(&[Message]) -> Result<T, Failure>,
    ) -> Poll<Result<T, LookupError>> {
        loop {
            self.receive(sys);
            let Some(inquiry) = &mut self.inquiry else {
                if self.next_inquiry(sys) {
                    continue;
                }
                return Poll::Ready(Err(self.search.error()));
            };
            match inquiry.poll(sys.now()) {
                Action::Ask(server, datagrams) => self.ask(sys, server, &datagrams),
                Action::Connect(server, messages) => self.connect(sys, server, &messages),
                Action::Wait(at) => {
                    self.next_at = Some(at);
                    return Poll::Pending;
                }
                Action::Done(answers) => {
                    self.close(sys);
                    self.inquiry = None;
                    match read(&answers) {
                        Ok(found) => return Poll::Ready(Ok(found)),
                        Err(failure) => self.search.failed(failure),
                    }
                }
            }
        }
    }

    /// Begins with the next name of the search; false when there is none. What is no DNS name is not known.
    fn next_inquiry(&mut self, sys: &Sys<'_>) -> bool {
        let Some(text) = self.search.next_name() else { return false };
        let Ok(name) = message::name(&text) else {
            self.search.failed(Failure::NotFound);
            return true;
        };
        let mut questions = Vec::new();
        for kind in self.types {
            questions.push((message::query_id(sys.pid(), sys.now(), self.queries), Query::query(name.clone(), *kind)));
            self.queries += 1;
        }
        self.inquiry = Some(Inquiry::new(&self.config, questions));
        true
    }

    fn ask(&mut self, sys: &mut Sys<'_>, server: IpAddr, datagrams: &[Vec<u8>]) {
        self.close(sys);
        let peer = SocketAddr::new(server, 53);
        let Ok(socket) = sys.udp_bind(SocketAddr::new(addr::unspecified(server), 0)) else {
            return self.unreachable();
        };
        self.asked = Some(Asked::Udp(socket));
        if sys.udp_connect(socket, peer).is_err() {
            return self.unreachable();
        }
        for datagram in datagrams {
            if sys.send_to(socket, peer, datagram, SendOptions::default()).is_err() {
                return self.unreachable();
            }
        }
    }

    fn connect(&mut self, sys: &mut Sys<'_>, server: IpAddr, messages: &[Vec<u8>]) {
        self.close(sys);
        match Connection::open(sys, SocketAddr::new(server, 53), messages) {
            Ok(connection) => self.asked = Some(Asked::Tcp(connection)),
            Err(_) => self.unreachable(),
        }
    }

    fn receive(&mut self, sys: &mut Sys<'_>) {
        while let (Some(asked), Some(inquiry)) = (&mut self.asked, &mut self.inquiry) {
            let came = match asked {
                Asked::Udp(socket) => sys.recv_from(*socket).map(|datagram| datagram.map(|d| d.data)),
                Asked::Tcp(connection) => connection.poll(sys),
            };
            match came {
                Ok(Some(message)) => inquiry.handle_message(&message),
                Ok(None) => return,
                Err(_) => {
                    inquiry.handle_unreachable();
                    self.close(sys);
                }
            }
        }
    }

    fn unreachable(&mut self) {
        if let Some(inquiry) = &mut self.inquiry {
            inquiry.handle_unreachable();
        }
    }

    fn close(&mut self, sys: &mut Sys<'_>) {
        if let Some(asked) = self.asked.take() {
            asked.close(sys);
        }
    }
}

/// What the number or the hosts file say; none when the name servers must be asked.
fn local(hosts: &str, name: &str, family: Family) -> Option<Result<Found, LookupError>> {
    if let Some(addr) = config::numeric(name) {
        let found = Found { canonical: name.to_owned(), addresses: vec![addr] };
        return Some(if family.has(addr) { Ok(found) } else { Err(LookupError::AddressFamily) });
    }
    let mut lines = config::host_addresses(hosts, name);
    lines.retain(|(addr, _)| family.has(*addr));
    let canonical = lines.first()?.1.clone();
    Some(Ok(Found { canonical, addresses: lines.into_iter().map(|(addr, _)| addr).collect() }))
}

/// The addresses in the answers, IPv4 first, and the name that has them.
fn addresses_in(answers: &[Message]) -> Result<Found, Failure> {
    let records = || answers.iter().flat_map(|m| &m.answers).filter(|r| message::address(r).is_some());
    let Some(first) = records().next() else { return Err(failure_of(answers)) };
    Ok(Found { canonical: message::show(&first.name), addresses: records().filter_map(message::address).collect() })
}

/// The first name that an address points to.
fn name_in(answers: &[Message]) -> Result<String, Failure> {
    let mut records = answers.iter().flat_map(|m| &m.answers);
    let name = records.find_map(|record| match &record.data {
        RData::PTR(ptr) => Some(message::show(&ptr.0)),
        _ => None,
    });
    name.ok_or_else(|| failure_of(answers))
}

fn failure_of(answers: &[Message]) -> Failure {
    if answers.is_empty() {
        Failure::TryAgain
    } else if answers.iter().any(|a| a.metadata.response_code == ResponseCode::NoError) {
        Failure::NoData
    } else {
        Failure::NotFound
    }
}

fn ordered(network: &Namespace, mut found: Found) -> Found {
    let reads_prefixes = addresses(network).any(|a| a.is_ipv6() && !a.ip().is_loopback());
    order::sort(&mut found.addresses, |dst| {
        let addr = network.source_for(dst)?;
        let own = addresses(network).find(|a| reads_prefixes && a.ip() == addr);
        Some(Source { addr, prefix: own.map_or(32, |a| a.prefix()) })
    });
    found
}

fn addresses(network: &Namespace) -> impl Iterator<Item = addr::IpNetwork> {
    network.devices.values().flat_map(|d| &d.addresses).map(|a| a.net)
}

#[cfg(test)]
mod tests {
    use super::*;
    use message::{Name, Record};

    const HOSTS: &str = "127.0.0.1 localhost\n::1 localhost ip6-localhost\n172.25.0.4 c5 container5\n";

    fn answer(code: ResponseCode, records: Vec<Record>) -> Message {
        let mut message = message::query(1, &Query::query(Name::root(), RecordType::A));
        message.metadata.response_code = code;
        message.answers = records;
        message
    }

    fn record(name: &str, data: RData) -> Record {
        Record::from_rdata(message::name(name).unwrap(), 600, data)
    }

    #[test]
    fn numbers_and_the_hosts_file_need_no_server() {
        let addresses = |name, family| local(HOSTS, name, family).map(|r| r.map(|f| f.addresses.len()));
        assert_eq!(addresses("10.99.1", Family::Any), Some(Ok(1)));
        assert_eq!(addresses("10.99.1", Family::V6), Some(Err(LookupError::AddressFamily)));
        assert_eq!(addresses("localhost", Family::Any), Some(Ok(2)));
        assert_eq!(addresses("localhost", Family::V6), Some(Ok(1)));
        assert_eq!(addresses("c5", Family::V6), None);
        let found = local(HOSTS, "container5", Family::V4).unwrap().unwrap();
        assert_eq!(found.canonical, "c5");
    }

    #[test]
    fn the_canonical_name_is_the_owner_of_the_address() {
        let six = RData::A(core::net::Ipv4Addr::new(192, 0, 2, 66).into());
        let cname = RData::CNAME(hickory_proto::rr::rdata::CNAME(message::name("six.lan").unwrap()));
        let alias = answer(ResponseCode::NoError, vec![record("alias.lan", cname), record("six.lan", six)]);
        let found = addresses_in(&[alias]).unwrap();
        assert_eq!(found, Found { canonical: "six.lan".to_owned(), addresses: vec!["192.0.2.66".parse().unwrap()] });
    }

    #[test]
    fn failures_tell_unknown_names_from_names_without_addresses() {
        let nothing = |code| answer(code, Vec::new());
        assert_eq!(addresses_in(&[]), Err(Failure::TryAgain));
        assert_eq!(addresses_in(&[nothing(ResponseCode::NXDomain)]), Err(Failure::NotFound));
        let mixed = [nothing(ResponseCode::NXDomain), nothing(ResponseCode::NoError)];
        assert_eq!(addresses_in(&mixed), Err(Failure::NoData));
    }
}
