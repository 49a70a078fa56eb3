//! What is run inside a real namespace, by this test's own program: an agent that does as the judge says by a Unix
//! socket, line by line. It serves the open port, runs command lines and knocks at doors; it decides nothing.

use core::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use core::time::Duration;
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};
use std::thread;

use super::topology::OPEN;

/// The variable that holds the path of the judge's socket.
pub(crate) const DOOR: &str = "NETYARD_JUDGE";
/// How long an answer is waited for in the kernel's time: a silent neighbour is given up after 0.6 seconds there, for
/// the judge shortens that time.
pub(crate) const PATIENCE: Duration = Duration::from_secs(2);

/// What an agent is told.
#[derive(Clone, Debug)]
pub(crate) enum Order {
    Serve,
    Run(String),
    Udp(SocketAddr),
    Tcp(SocketAddr),
}

impl Order {
    /// Tells it and waits for the answer.
    pub(crate) fn give(&self, agent: &mut UnixStream) -> io::Result<String> {
        let line = match self {
            Self::Serve => "serve\n".to_owned(),
            Self::Run(line) => format!("run {line}\n"),
            Self::Udp(to) => format!("udp {to}\n"),
            Self::Tcp(to) => format!("tcp {to}\n"),
        };
        agent.write_all(line.as_bytes())?;
        let mut length = [0; 4];
        agent.read_exact(&mut length)?;
        let mut answer = vec![0; u32::from_be_bytes(length) as usize];
        agent.read_exact(&mut answer)?;
        Ok(String::from_utf8_lossy(&answer).into_owned())
    }
}

/// Obeys until the judge hangs up.
pub(crate) fn obey(door: &str) {
    let mut judge = UnixStream::connect(door).expect("the judge listens");
    let orders = BufReader::new(judge.try_clone().expect("a socket can be shared"));
    for order in orders.lines().map_while(Result::ok) {
        let answer = match order.split_once(' ').unwrap_or((&order, "")) {
            ("serve", _) => serve(),
            ("run", line) => run(line),
            ("udp", to) => tell(knock_udp(to.parse().expect("the judge wrote an address"))),
            ("tcp", to) => tell(knock_tcp(to.parse().expect("the judge wrote an address"))),
            _ => panic!("no such order: {order}"),
        };
        let length = u32::try_from(answer.len()).expect("programs say little");
        let said = judge.write_all(&length.to_be_bytes()).and_then(|()| judge.write_all(answer.as_bytes()));
        if said.is_err() {
            return;
        }
    }
}

/// What a command line printed, and its exit code.
fn run(line: &str) -> String {
    let script = format!("{line} 2>&1; echo \"exit $?\"");
    let output = Command::new("sh").args(["-c", &script]).stdin(Stdio::null()).output().expect("sh can be started");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn tell(outcome: io::Result<()>) -> String {
    let text = match outcome {
        Ok(()) => "answered",
        Err(error) => word(error.kind()),
    };
    format!("{text}\n")
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
    let any = if to.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let socket = UdpSocket::bind(SocketAddr::new(any, 0))?;
    socket.connect(to)?;
    socket.set_read_timeout(Some(PATIENCE))?;
    socket.send(b"knock")?;
    socket.recv(&mut [0; 16]).map(drop)
}

fn knock_tcp(to: SocketAddr) -> io::Result<()> {
    TcpStream::connect_timeout(&to, PATIENCE).map(drop)
}

/// Serves as long as this program lives.
fn serve() -> String {
    // Sockets of IPv6 that nothing is said of serve IPv4 too.
    let datagrams = UdpSocket::bind(("::", OPEN)).expect("the namespace is new");
    let connections = TcpListener::bind(("::", OPEN)).expect("the namespace is new");
    thread::spawn(move || {
        let mut buffer = [0; 16];
        // An error is that of an earlier answer; who knocks next is served all the same.
        loop {
            if let Ok((length, from)) = datagrams.recv_from(&mut buffer) {
                let _ = datagrams.send_to(&buffer[..length], from);
            }
        }
    });
    thread::spawn(move || connections.incoming().for_each(drop));
    String::new()
}
