//! The DNS server of a twin: real sockets at 127.0.0.11 in its namespace, and behind them the simulated namespace's own
//! server, which is asked as a program there would ask it. It knows no names itself.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::fd::OwnedFd;
use std::time::Duration;

use async_trait::async_trait;
use hickory_server::Server;
use hickory_server::net::runtime::Time;
use hickory_server::net::xfer::Protocol;
use hickory_server::proto::op::{Header, HeaderCounts, Message, MessageType, Metadata};
use hickory_server::server::{Request, RequestHandler, ResponseHandler, ResponseInfo};
use hickory_server::zone_handler::MessageResponseBuilder;
use netyard_drivers::site::Transport;
use netyard_sim::fabric::NamespaceId;
use netyard_sim::userland::ContextId;
use netyard_sim::userland::gate::{pack, unpack};
use tokio::time::timeout;

use super::door::{Door, Part};

/// Where it is asked, inside the world as outside.
pub const ADDRESS: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(127, 0, 0, 11)), 53);
/// How long an answer may take: longer than the simulated server goes on asking others.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long a TCP client may be silent.
const SILENCE: Duration = Duration::from_secs(10);
/// How many answers wait for a TCP client.
const ANSWERS: usize = 64;

/// Serves the names of a namespace, with these files, at a UDP socket and a listening TCP socket.
///
/// # Errors
/// What the system says of the sockets.
pub fn serve(
    door: Door,
    place: (NamespaceId, ContextId),
    datagrams: OwnedFd,
    listener: OwnedFd,
) -> io::Result<Server<Names>> {
    let (datagrams, listener) = (std::net::UdpSocket::from(datagrams), std::net::TcpListener::from(listener));
    datagrams.set_nonblocking(true)?;
    listener.set_nonblocking(true)?;
    let mut server = Server::new(Names { door, place });
    server.register_socket(tokio::net::UdpSocket::from_std(datagrams)?);
    server.register_listener(tokio::net::TcpListener::from_std(listener)?, SILENCE, ANSWERS);
    Ok(server)
}

/// The names of a simulated namespace.
#[derive(Debug)]
pub struct Names {
    door: Door,
    place: (NamespaceId, ContextId),
}

impl Names {
    /// What the simulated server answers; none when it does not.
    async fn ask(&self, query: &[u8], protocol: Protocol) -> Option<Message> {
        let is_udp = protocol == Protocol::Udp;
        let transport = if is_udp { Transport::Udp } else { Transport::Tcp };
        let mut exchange = self.door.dial_from(Some(self.place), transport, ADDRESS);
        // A datagram that a gate carries has its length before it, just as a message in a stream of DNS.
        exchange.input().send(pack(query)).await;
        let mut packed = Vec::new();
        while let Some(Part::Body(bytes)) = exchange.next().await {
            packed.extend_from_slice(&bytes);
            if let Some((answer, _)) = unpack(&packed) {
                return Message::from_vec(answer).ok();
            }
        }
        None
    }
}

#[async_trait]
impl RequestHandler for Names {
    async fn handle_request<R: ResponseHandler, T: Time>(&self, request: &Request, mut handle: R) -> ResponseInfo {
        let asked = timeout(PATIENCE, self.ask(request.as_slice(), request.protocol())).await;
        let Some(answer) = asked.ok().flatten() else { return unanswered(request) };
        let mut builder = MessageResponseBuilder::from_message_request(request);
        if let Some(edns) = &answer.edns {
            builder.edns(edns);
        }
        let (answers, authorities) = (&answer.answers, &answer.authorities);
        let response = builder.build(answer.metadata, answers, authorities, &[], &answer.additionals);
        // A client that is gone needs no answer.
        handle.send_response(response).await.unwrap_or_else(|_| unanswered(request))
    }
}

/// What is noted of a request that gets no answer, as when the simulated server is silent.
fn unanswered(request: &Request) -> ResponseInfo {
    let metadata = Metadata::new(request.metadata.id, MessageType::Response, request.metadata.op_code);
    Header { metadata, counts: HeaderCounts::default() }.into()
}
