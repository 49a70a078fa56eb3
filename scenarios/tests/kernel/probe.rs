//! What is run inside a real namespace, by this test's own program: a server at the open port, or a knock at a door. The
//! order comes in the environment, the answer goes to a file.

use core::net::{Ipv4Addr, SocketAddr};
use core::time::Duration;
use std::fs;
use std::io::{self, ErrorKind};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::path::Path;
use std::thread;

use super::topology::OPEN;

/// The variable that holds the order.
pub(crate) const ORDER: &str = "NETYARD_PROBE";
/// How long an answer is waited for: a silent neighbour is given up after three seconds.
pub(crate) const PATIENCE: Duration = Duration::from_secs(4);

pub(crate) fn serve(ready: &Path) -> String {
    format!("serve {}", ready.display())
}

pub(crate) fn udp(to: Ipv4Addr, port: u16, answer: &Path) -> String {
    format!("udp {to}:{port} {}", answer.display())
}

pub(crate) fn tcp(to: Ipv4Addr, port: u16, answer: &Path) -> String {
    format!("tcp {to}:{port} {}", answer.display())
}

/// Does what an order says.
pub(crate) fn obey(order: &str) {
    match order.split(' ').collect::<Vec<_>>().as_slice() {
        ["serve", ready] => answer_all(Path::new(ready)),
        ["udp", to, answer] => tell(answer, knock_udp(to.parse().expect("the judge wrote an address"))),
        ["tcp", to, answer] => tell(answer, knock_tcp(to.parse().expect("the judge wrote an address"))),
        _ => panic!("no such order: {order}"),
    }
}

fn tell(answer: &str, outcome: io::Result<()>) {
    let text = match outcome {
        Ok(()) => "answered",
        Err(error) => word(error.kind()),
    };
    fs::write(answer, format!("{text}\n")).expect("the judge made the directory");
}

/// What an error is called in both worlds.
fn word(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::ConnectionRefused => "refused",
        ErrorKind::HostUnreachable => "host unreachable",
        ErrorKind::NetworkUnreachable => "network unreachable",
        ErrorKind::PermissionDenied => "denied",
        ErrorKind::InvalidInput => "invalid",
        ErrorKind::TimedOut | ErrorKind::WouldBlock => "silence",
        _ => "another error",
    }
}

fn knock_udp(to: SocketAddr) -> io::Result<()> {
    let socket = UdpSocket::bind("0.0.0.0:0")?;
    socket.connect(to)?;
    socket.set_read_timeout(Some(PATIENCE))?;
    socket.send(b"knock")?;
    socket.recv(&mut [0; 16]).map(drop)
}

fn knock_tcp(to: SocketAddr) -> io::Result<()> {
    TcpStream::connect_timeout(&to, PATIENCE).map(drop)
}

/// Serves until it is killed, or two minutes: the file says that it does, and who is to be killed.
fn answer_all(ready: &Path) {
    let datagrams = UdpSocket::bind(("0.0.0.0", OPEN)).expect("the namespace is new");
    let connections = TcpListener::bind(("0.0.0.0", OPEN)).expect("the namespace is new");
    thread::spawn(move || {
        while let Ok((length, from)) = datagrams.recv_from(&mut [0; 16]) {
            let _ = datagrams.send_to(&[0; 16][..length], from);
        }
    });
    thread::spawn(move || connections.incoming().for_each(drop));
    fs::write(ready, std::process::id().to_string()).expect("the judge made the directory");
    thread::sleep(Duration::from_secs(120));
}
