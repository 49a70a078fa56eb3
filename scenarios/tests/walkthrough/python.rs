//! The two scripts that recordings ran with `python3`: a UDP server that says who asked it, and its client. It is not a
//! Python.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use netyard_sim::socket::{SendOptions, SocketId};
use netyard_sim::time::Instant;
use netyard_sim::userland::{Flavour, Program, Programs, Step, Sys};

/// How long the client waits for an answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// Puts `python3` on the path of hosts.
pub(super) fn add(programs: &mut Programs) {
    programs.add(Flavour::Host, "python3", || Box::new(Script::Starting));
}

#[derive(Clone)]
enum Script {
    Starting,
    /// `udps.py PORT`
    Serving(SocketId),
    /// `udpc.py ADDRESS PORT`
    Asking(SocketId, Instant),
}

impl Script {
    fn begin(sys: &mut Sys<'_>) -> Self {
        let words: Vec<&str> = sys.argv().iter().skip(1).map(String::as_str).collect();
        let any = |port| SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), port);
        match words[..] {
            [script, port] if script.ends_with("udps.py") => {
                let port = port.parse().expect("a port");
                Self::Serving(sys.udp_bind(any(port)).expect("the port is free"))
            }
            [script, addr, port] if script.ends_with("udpc.py") => {
                let server = SocketAddr::new(addr.parse().expect("an address"), port.parse().expect("a port"));
                let socket = sys.udp_bind(any(0)).expect("some port is free");
                sys.send_to(socket, server, b"hello", SendOptions::default()).expect("there is a way");
                Self::Asking(socket, sys.now() + PATIENCE)
            }
            _ => panic!("there is no such script: {words:?}"),
        }
    }
}

impl Program for Script {
    fn step(&mut self, sys: &mut Sys<'_>) -> Step {
        if matches!(self, Self::Starting) {
            *self = Self::begin(sys);
        }
        match *self {
            Self::Starting => Step::Exit(1),
            Self::Serving(socket) => {
                while let Ok(Some(asked)) = sys.recv_from(socket) {
                    let said = String::from_utf8_lossy(&asked.data).into_owned();
                    let answer = format!("you are {} you said {said}", asked.src.ip());
                    let _ = sys.send_to(socket, asked.src, answer.as_bytes(), SendOptions::default());
                }
                Step::Wait(None)
            }
            Self::Asking(socket, until) => match sys.recv_from(socket) {
                Ok(Some(answer)) => {
                    sys.print(format!("from {}: {}\n", answer.src, String::from_utf8_lossy(&answer.data)));
                    Step::Exit(0)
                }
                _ if sys.now() >= until => {
                    sys.print("error: timed out\n");
                    Step::Exit(1)
                }
                _ => Step::Wait(Some(until)),
            },
        }
    }
}
