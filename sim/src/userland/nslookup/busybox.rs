//! busybox nslookup: what ties the session to the process.

mod options;
mod session;

use core::net::{IpAddr, SocketAddr};
use core::task::Poll;

use options::Options;
use session::{Action, Session};

use crate::addr;
use crate::socket::{SendOptions, SocketId};
use crate::userland::lookup::config::Config;
use crate::userland::lookup::{Family, Lookup, message};
use crate::userland::{Errno, Program, Step, Sys};

/// The program.
#[derive(Clone, Debug, Default)]
pub(super) struct Nslookup(Stage);

#[derive(Clone, Debug, Default)]
enum Stage {
    #[default]
    Starting,
    /// Looking for the server that was named.
    Resolving(Options, String, Lookup),
    Asking(Box<Run>),
}

#[derive(Clone, Debug)]
struct Run {
    session: Session,
    /// Each as it was named and its address.
    servers: Vec<(String, SocketAddr)>,
    /// The socket and the number of its server.
    socket: Option<(SocketId, usize)>,
}

impl Program for Nslookup {
    fn step(&mut self, sys: &mut Sys<'_>) -> Step {
        loop {
            let next = match &mut self.0 {
                Stage::Starting => start(sys),
                Stage::Resolving(options, name, lookup) => match lookup.poll(sys) {
                    Poll::Pending => return Step::Wait(lookup.next_at()),
                    Poll::Ready(Err(_)) => Err(format!("nslookup: bad address '{name}'\n")),
                    Poll::Ready(Ok(found)) => Ok(ask(sys, options, vec![(name.clone(), found.addresses[0])])),
                },
                Stage::Asking(run) => return run.step(sys),
            };
            match next {
                Ok(stage) => self.0 = stage,
                Err(text) => {
                    sys.eprint(text);
                    return Step::Exit(1);
                }
            }
        }
    }
}

fn start(sys: &mut Sys<'_>) -> Result<Stage, String> {
    let options = Options::parse(sys.argv())?;
    if let Some(server) = options.server.clone() {
        let lookup = Lookup::new(sys, &server, Family::Any);
        return Ok(Stage::Resolving(options, server, lookup));
    }
    let servers = config(sys).servers_or_local().into_iter().map(|addr| (addr.to_string(), addr)).collect();
    Ok(ask(sys, &options, servers))
}

/// busybox knows no domain but what the file says.
fn config(sys: &Sys<'_>) -> Config {
    Config::parse(&sys.files().text("/etc/resolv.conf"), "")
}

fn ask(sys: &Sys<'_>, options: &Options, servers: Vec<(String, IpAddr)>) -> Stage {
    let questions = options.questions(&config(sys).search);
    let numbered = (0..).zip(questions);
    let questions =
        numbered.map(|(count, (name, kind))| (name, kind, message::query_id(sys.pid(), sys.now(), count))).collect();
    let session = Session::new(options, questions, servers.len());
    let servers = servers.into_iter().map(|(name, addr)| (name, SocketAddr::new(addr, options.port))).collect();
    Stage::Asking(Box::new(Run { session, servers, socket: None }))
}

impl Run {
    fn step(&mut self, sys: &mut Sys<'_>) -> Step {
        loop {
            self.receive(sys);
            match self.session.poll(sys.now()) {
                Action::Wait(at) => return Step::Wait(Some(at)),
                Action::Send(datagrams) => self.send(sys, datagrams),
                Action::Connect(server) => {
                    let peer = self.servers[server].1;
                    if let Err(error) = self.connect(sys, server) {
                        let addr = peer.ip();
                        sys.eprint(format!("nslookup: can't connect to remote host ({addr}): {error}\n"));
                        return Step::Exit(1);
                    }
                    self.session.connected(sys.now());
                }
                Action::Finish => {
                    let (text, code) = self.session.finish();
                    sys.print(text);
                    return Step::Exit(code);
                }
            }
        }
    }

    fn connect(&mut self, sys: &mut Sys<'_>, server: usize) -> Result<(), Errno> {
        self.close(sys);
        let peer = self.servers[server].1;
        let socket = sys.udp_bind(SocketAddr::new(addr::unspecified(peer.ip()), 0))?;
        self.socket = Some((socket, server));
        sys.udp_connect(socket, peer)
    }

    fn close(&mut self, sys: &mut Sys<'_>) {
        if let Some((socket, _)) = self.socket.take() {
            sys.close(socket);
        }
    }

    /// Writes queries to the present server; when one cannot be written the server is given up.
    fn send(&mut self, sys: &mut Sys<'_>, datagrams: Vec<Option<Vec<u8>>>) {
        let Some((socket, server)) = self.socket else { return };
        let (name, peer) = &self.servers[server];
        for datagram in datagrams {
            let sent = match datagram {
                Some(bytes) => sys.send_to(socket, *peer, &bytes, SendOptions::default()),
                None => Err(Errno::MessageTooLong),
            };
            if let Err(error) = sent {
                sys.eprint(format!("nslookup: write to '{name}': {error}\n"));
                self.session.next_server();
                return self.close(sys);
            }
        }
    }

    fn receive(&mut self, sys: &mut Sys<'_>) {
        while let Some((socket, server)) = self.socket {
            let (name, peer) = &self.servers[server];
            match sys.recv_from(socket) {
                Ok(None) => return,
                Err(error) => sys.eprint(format!("nslookup: read: {error}\n")),
                Ok(Some(datagram)) => {
                    let server = (name.as_str(), &*peer.to_string());
                    let (text, again) = self.session.handle_datagram(sys.now(), server, &datagram.data);
                    sys.print(text);
                    if again.is_some() {
                        self.send(sys, vec![again]);
                    }
                }
            }
        }
    }
}
