//! `ping`, twice: busybox 1.35 as containers have it and iputils 20221126 as Debian hosts have it. Here is what both
//! share, the socket for echoes and what a session asks for; what they print and when they send is in `busybox` and `iputils`.

mod busybox;
mod iputils;

use core::net::{IpAddr, SocketAddr};

use super::icmp::{self, Message};
use super::{Errno, Flavour, Programs, Sys, origin};
use crate::socket::{Datagram, SendOptions, Socket, SocketId};
use crate::time::Instant;

/// Puts both into the table.
pub fn add(programs: &mut Programs) {
    for name in ["ping", "ping6"] {
        programs.add(Flavour::Busybox, name, busybox::program);
        programs.add(Flavour::Host, name, iputils::program);
    }
}

/// What a session has to do next.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Action {
    /// Send the request with this number.
    Send(u16),
    /// Wait, at most until then.
    Wait(Option<Instant>),
    /// Print the statistics and end.
    Finish,
}

/// A raw socket that sends echo requests to one destination.
#[derive(Clone, Debug)]
struct Echo {
    socket: SocketId,
    dst: IpAddr,
    id: u16,
    options: SendOptions,
}

impl Echo {
    /// The id of the echoes is the process's, as both programs choose it.
    fn open(sys: &mut Sys<'_>, dst: IpAddr, device: Option<&str>, options: SendOptions) -> Result<Self, Errno> {
        let socket = sys.raw_open(icmp::protocol(dst))?;
        if let Some(device) = device {
            sys.bind_to_device(socket, device)?;
        }
        Ok(Self { socket, dst, id: low_word(sys.pid().0), options })
    }

    fn send(&self, sys: &mut Sys<'_>, seq: u16, payload: &[u8]) -> Result<(), Errno> {
        let source = origin::towards(sys, self.dst, self.options.source);
        let message = icmp::echo_request(source, self.dst, self.id, seq, payload);
        sys.send_to(self.socket, SocketAddr::new(self.dst, 0), &message, self.options)
    }

    /// How large a packet may be in bytes where the last one that was too long would have gone, if that was asked.
    fn room(&self, sys: &Sys<'_>) -> Option<usize> {
        sys.network().sockets().find(self.socket).and_then(Socket::room)
    }

    /// The next message that came, of whatever kind. Errors of the socket itself say nothing about a packet.
    fn receive(&self, sys: &mut Sys<'_>) -> Option<Datagram> {
        loop {
            if let Ok(datagram) = sys.recv_from(self.socket) {
                return datagram;
            }
        }
    }

    /// What a datagram says about one of our echoes.
    fn read<'a>(&self, datagram: &'a Datagram) -> Option<Message<'a>> {
        let message = icmp::parse(datagram.src.ip(), &datagram.data)?;
        let ours = match &message {
            Message::EchoReply { id, .. } => *id == self.id,
            Message::Error(error) => error.original.echo().is_some_and(|(id, _)| id == self.id),
        };
        ours.then_some(message)
    }
}

/// The low 16 bits of a number, where the wire has room for no more.
fn low_word(number: u32) -> u16 {
    let [_, _, a, b] = number.to_be_bytes();
    u16::from_be_bytes([a, b])
}
