//! Uplinks: services on this machine's loopback that containers reach by a name and a port of the simulated LAN. For each
//! client a connection of this process to the service; nothing else gets out, and there is no route to anywhere.

use std::net::SocketAddr;
use std::str::FromStr;

use netyard_drivers::engine::ExchangeId;
use netyard_drivers::site::{Listener, MACHINES_MAX, Site, is_free};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::runtime::Handle;
use tokio::task::JoinSet;

use super::door::{Door, Exchange, Part, Reply, Ticket};
use super::stream::type_in;

/// A service and what it is called inside.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Uplink {
    /// Where the service is on this machine.
    pub service: SocketAddr,
    /// The name of the machine that it seems to be on.
    pub name: String,
    /// Its port there.
    pub port: u16,
}

impl FromStr for Uplink {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        const FORM: &str = "an uplink is ADDRESS:PORT=NAME[:PORT], like 127.0.0.1:5432=db.lan";
        let (service, there) = text.split_once('=').ok_or(FORM)?;
        let service: SocketAddr = service.parse().map_err(|_| FORM)?;
        if !service.ip().is_loopback() {
            return Err(format!("{} is not on this machine's loopback: nothing else is let in", service.ip()));
        }
        let (name, port) = match there.split_once(':') {
            Some((name, port)) => (name, port.parse().map_err(|_| FORM)?),
            None => (there, service.port()),
        };
        if service.port() == 0 || port == 0 {
            return Err("there is no port 0".to_owned());
        }
        let is_label = |label: &str| {
            let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
            (1..=63).contains(&label.len()) && label.bytes().all(is_plain) && !label.starts_with('-')
        };
        if name.len() > 200 || !name.split('.').all(is_label) {
            return Err(format!("{name:?} is no name of a machine: lower-case letters, digits, - and . make one"));
        }
        if !is_free(name) {
            return Err(format!("{name} is on the simulated LAN already"));
        }
        Ok(Self { service, name: name.to_owned(), port })
    }
}

/// The names of all machines that uplinks seem to lead to, each once.
///
/// # Errors
/// In words, when two want the same port, or there are too many.
pub fn machines(uplinks: &[Uplink]) -> Result<Vec<String>, String> {
    let mut names: Vec<String> = Vec::new();
    for (at, uplink) in uplinks.iter().enumerate() {
        let Uplink { name, port, .. } = uplink;
        if uplinks[..at].iter().any(|other| (&other.name, other.port) == (name, *port)) {
            return Err(format!("two uplinks are called {name}:{port}"));
        }
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    if names.len() > MACHINES_MAX { Err(format!("the LAN has room for {MACHINES_MAX} machines")) } else { Ok(names) }
}

/// All uplinks of a site, as the thread that owns it sees them.
#[derive(Debug)]
pub struct Uplinks {
    door: Door,
    handle: Handle,
    uplinks: Vec<Uplink>,
    listeners: Vec<(Listener, SocketAddr)>,
}

impl Uplinks {
    /// These uplinks, whose connections live in the runtime of `handle`.
    #[must_use]
    pub const fn new(uplinks: Vec<Uplink>, door: Door, handle: Handle) -> Self {
        Self { door, handle, uplinks, listeners: Vec::new() }
    }

    /// Listens for clients.
    ///
    /// # Panics
    /// When the site has not all of [`machines`].
    pub fn listen(&mut self, site: &mut Site) {
        self.listeners.extend(self.uplinks.drain(..).map(|Uplink { service, name, port }| {
            let listener = site.listen(&name, port).expect("nobody else listens on a machine that was made for this");
            (listener, service)
        }));
    }

    /// Takes in whoever has come; `welcome` is told what each is called by the site, and where its bytes go.
    pub fn carry(&self, site: &mut Site, mut welcome: impl FnMut(Ticket, ExchangeId, Reply)) {
        for (listener, service) in &self.listeners {
            while let Some(visitor) = site.accept(*listener) {
                let (ticket, reply, exchange) = self.door.open();
                welcome(ticket, visitor, reply);
                self.handle.spawn(join(*service, exchange));
            }
        }
    }
}

/// Carries bytes between a client and a service until both have said all. A client of a service that is not there is let go.
async fn join(service: SocketAddr, mut exchange: Exchange) {
    let Ok(connection) = TcpStream::connect(service).await else { return };
    let (reader, mut writer) = connection.into_split();
    let mut answering = JoinSet::new();
    answering.spawn(type_in(reader, Vec::new(), exchange.input()));
    while let Some(part) = exchange.next().await {
        let is_taken = match part {
            Part::Body(bytes) if bytes.is_empty() => writer.shutdown().await,
            Part::Body(bytes) => writer.write_all(&bytes).await,
            Part::Head { .. } => Ok(()),
            Part::End => return,
        };
        if is_taken.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_services_on_loopback_are_uplinks() {
        let read =
            |text: &str| text.parse::<Uplink>().map(|uplink| (uplink.service.to_string(), uplink.name, uplink.port));
        let uplink = |service: &str, name: &str, port| Ok((service.to_owned(), name.to_owned(), port));
        assert_eq!(read("127.0.0.1:5432=db.lan"), uplink("127.0.0.1:5432", "db.lan", 5432));
        assert_eq!(read("[::1]:8080=api.example:80"), uplink("[::1]:8080", "api.example", 80));
        let refused = [
            ("192.0.2.7:5432=db.lan", "192.0.2.7 is not on this machine's loopback: nothing else is let in"),
            ("0.0.0.0:1=db.lan", "0.0.0.0 is not on this machine's loopback: nothing else is let in"),
            ("127.0.0.1:1=www.lan", "www.lan is on the simulated LAN already"),
            ("127.0.0.1:0=db.lan", "there is no port 0"),
            ("127.0.0.1:1=", "\"\" is no name of a machine: lower-case letters, digits, - and . make one"),
            ("127.0.0.1=db.lan", "an uplink is ADDRESS:PORT=NAME[:PORT], like 127.0.0.1:5432=db.lan"),
        ];
        for (text, why) in refused {
            assert_eq!(read(text), Err(why.to_owned()), "{text}");
        }
    }

    #[test]
    fn a_machine_may_have_several_ports_but_each_once() {
        let uplinks = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect::<Vec<Uplink>>();
        let two = uplinks(&["127.0.0.1:1=db.lan", "127.0.0.1:2=db.lan"]);
        assert_eq!(machines(&two), Ok(vec!["db.lan".to_owned()]));
        let same = uplinks(&["127.0.0.1:1=db.lan:9", "127.0.0.1:2=db.lan:9"]);
        assert_eq!(machines(&same), Err("two uplinks are called db.lan:9".to_owned()));
    }
}
