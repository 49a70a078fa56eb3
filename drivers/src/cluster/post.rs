//! The post of a node: the process that carries what it says. It listens at the control port and at the gossip port, which
//! it is given, calls others, and tells its engine what came. What is said it does not understand.
//!
//! How it works: orders come on its standard input and news go out on its standard output, a line of JSON each. A call is a
//! TCP connection on which a line goes there and a line comes back.

use core::net::SocketAddr;
use std::collections::BTreeMap;

use netyard_sim::fabric::NamespaceId;
use netyard_sim::namespace::{Received, TcpState};
use netyard_sim::socket::{SendOptions, SocketId};
use netyard_sim::time::Instant;
use netyard_sim::userland::outbox::Outbox;
use netyard_sim::userland::process::Table;
use netyard_sim::userland::{ContextId, Errno, Pid, Program, Read, Spawn, Step, Stream, Sys};
use serde::{Deserialize, Serialize};

/// Bytes carried at once.
const CHUNK: usize = 32768;
/// The longest line that is listened to: a manager may tell another all it knows.
const LINE_MAX: usize = 1 << 24;
/// Descriptors of its sockets.
const FIRST_FD: u32 = 3;

/// What the engine wants carried.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub enum Order {
    /// A datagram.
    Tell(SocketAddr, String),
    /// A call, with a number of the engine's.
    Call(u64, SocketAddr, String),
    /// The answer to somebody's call.
    Answer(u64, String),
    /// A call is not waited for any more.
    Forget(u64),
}

/// What came.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub enum News {
    /// A datagram.
    Told(String),
    /// Somebody calls; the number is for the answer.
    Called(u64, String),
    /// The answer to a call.
    Answered(u64, String),
    /// A call failed, in the words of the system.
    Failed(u64, String),
}

/// The sockets of a node, as far as it listens.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Ears {
    /// Where it is called.
    pub control: Option<SocketId>,
    /// The same of the port of gossip, at which nobody calls.
    pub stream: Option<SocketId>,
    /// Where it is told.
    pub gossip: Option<SocketId>,
}

/// The engine's end.
#[derive(Clone, Debug)]
pub struct Post {
    /// The process.
    pub pid: Pid,
    input: Stream,
    output: Stream,
    /// A line that has not come whole.
    rest: Vec<u8>,
}

impl Post {
    /// Starts the process, which is called so; the sockets are its from then on.
    pub fn start(
        processes: &mut Table,
        name: &str,
        (namespace, context): (NamespaceId, ContextId),
        ears: Ears,
        now: Instant,
    ) -> Self {
        let (stdin, input) = processes.streams_mut().pipe();
        let (output, stdout) = processes.streams_mut().pipe();
        let spawn = Spawn::of_host(vec![name.to_owned()], (namespace, context), [stdin, stdout, Stream::Null]);
        let pid = processes.spawn_program(Box::new(Carrier::new(ears)), spawn, None, now);
        let sockets = [ears.control, ears.stream, ears.gossip].into_iter().flatten();
        sockets.zip(FIRST_FD..).for_each(|(socket, fd)| processes.adopt(pid, namespace, socket, fd));
        Self { pid, input, output, rest: Vec::new() }
    }

    /// Whether news come by this pipe.
    #[must_use]
    pub fn reads(&self, pipe: netyard_sim::userland::stream::PipeId) -> bool {
        self.output == Stream::Read(pipe)
    }

    /// Gives it an order.
    pub fn order(&self, processes: &mut Table, order: &Order) {
        processes.write(&self.input, line(order).as_bytes());
    }

    /// What has come.
    pub fn news(&mut self, processes: &mut Table) -> Vec<News> {
        while let Read::Data(bytes) = processes.read(&mut self.output) {
            self.rest.extend(bytes);
        }
        take_lines(&mut self.rest)
    }

    /// Closes the engine's end.
    pub fn close(self, processes: &mut Table) {
        [self.input, self.output].into_iter().for_each(|stream| processes.close(stream));
    }
}

fn line(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("it is text and numbers") + "\n"
}

/// The whole lines of what came; what cannot be read is nothing.
fn take_lines<T: for<'a> Deserialize<'a>>(bytes: &mut Vec<u8>) -> Vec<T> {
    let Some(end) = bytes.iter().rposition(|byte| *byte == b'\n') else { return Vec::new() };
    let whole: Vec<u8> = bytes.drain(..=end).collect();
    whole.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect()
}

/// The program.
#[derive(Clone)]
struct Carrier {
    ears: Ears,
    orders: Vec<u8>,
    visits: BTreeMap<u64, Visit>,
    calls: BTreeMap<u64, Dialled>,
    next: u64,
}

/// Somebody who called.
#[derive(Clone)]
struct Visit {
    socket: SocketId,
    question: Line,
    is_told: bool,
    answer: Option<Outbox>,
    is_answered: bool,
}

/// A call to somebody.
#[derive(Clone)]
struct Dialled {
    socket: SocketId,
    question: Outbox,
    answer: Line,
}

/// A line that comes by a connection.
#[derive(Clone, Default)]
struct Line(Vec<u8>);

/// How far a line has come.
enum Progress {
    Waiting,
    Whole(String),
    Broken(Errno),
}

impl Line {
    fn read(&mut self, sys: &mut Sys<'_>, socket: SocketId) -> Progress {
        loop {
            match sys.tcp_recv(socket, CHUNK) {
                Ok(Received::Data(bytes)) => self.0.extend(bytes),
                Ok(Received::Blocked) => return Progress::Waiting,
                Ok(Received::Closed) => return Progress::Broken(Errno::ConnectionReset),
                Err(errno) => return Progress::Broken(errno),
            }
            if let Some(end) = self.0.iter().position(|byte| *byte == b'\n') {
                return Progress::Whole(String::from_utf8_lossy(&self.0[..end]).into_owned());
            }
            if self.0.len() > LINE_MAX {
                return Progress::Broken(Errno::ConnectionReset);
            }
        }
    }
}

impl Carrier {
    const fn new(ears: Ears) -> Self {
        Self { ears, orders: Vec::new(), visits: BTreeMap::new(), calls: BTreeMap::new(), next: 0 }
    }

    fn carry_out(&mut self, sys: &mut Sys<'_>, order: Order) {
        match order {
            // A datagram that cannot be sent is lost like any other.
            Order::Tell(to, text) => {
                if let Some(gossip) = self.ears.gossip {
                    let _ = sys.send_to(gossip, to, text.as_bytes(), SendOptions::default());
                }
            }
            Order::Call(number, to, text) => match sys.tcp_connect(to) {
                Ok(socket) => {
                    let mut question = Outbox::default();
                    question.push((text + "\n").as_bytes());
                    self.calls.insert(number, Dialled { socket, question, answer: Line::default() });
                }
                Err(errno) => tell(sys, &News::Failed(number, errno.to_string())),
            },
            Order::Answer(number, text) => {
                if let Some(visit) = self.visits.get_mut(&number) {
                    visit.answer.get_or_insert_default().push((text + "\n").as_bytes());
                }
            }
            Order::Forget(number) => {
                if let Some(call) = self.calls.remove(&number) {
                    sys.close(call.socket);
                }
            }
        }
    }

    fn accept(&mut self, sys: &mut Sys<'_>) {
        while let Some((socket, _)) = self.ears.control.and_then(|control| sys.tcp_accept(control)) {
            self.next += 1;
            let question = Line::default();
            self.visits.insert(self.next, Visit { socket, question, is_told: false, answer: None, is_answered: false });
        }
        // Nobody has anything to say there.
        while let Some((socket, _)) = self.ears.stream.and_then(|stream| sys.tcp_accept(stream)) {
            sys.close(socket);
        }
    }

    /// Tells what came by datagram.
    fn hear(&self, sys: &mut Sys<'_>) {
        let Some(gossip) = self.ears.gossip else { return };
        loop {
            match sys.recv_from(gossip) {
                Ok(Some(datagram)) => tell(sys, &News::Told(String::from_utf8_lossy(&datagram.data).into_owned())),
                Ok(None) => return,
                // Somebody does not listen; others may.
                Err(_) => {}
            }
        }
    }
}

fn tell(sys: &mut Sys<'_>, news: &News) {
    sys.print(line(news));
}

impl Program for Carrier {
    fn step(&mut self, sys: &mut Sys<'_>) -> Step {
        loop {
            match sys.read(CHUNK) {
                Read::Data(bytes) => self.orders.extend(bytes),
                Read::Blocked => break,
                Read::End => return Step::Exit(0),
            }
        }
        for order in take_lines(&mut self.orders) {
            self.carry_out(sys, order);
        }
        self.hear(sys);
        self.accept(sys);
        self.visits.retain(|number, visit| {
            let goes_on = visit.step(sys, *number);
            if !goes_on {
                sys.close(visit.socket);
            }
            goes_on
        });
        self.calls.retain(|number, call| {
            let goes_on = call.step(sys, *number);
            if !goes_on {
                sys.close(call.socket);
            }
            goes_on
        });
        Step::Wait(None)
    }
}

impl Visit {
    /// Goes on; false when it is over.
    fn step(&mut self, sys: &mut Sys<'_>, number: u64) -> bool {
        if !self.is_told {
            match self.question.read(sys, self.socket) {
                Progress::Waiting => {}
                Progress::Whole(text) => {
                    self.is_told = true;
                    tell(sys, &News::Called(number, text));
                }
                Progress::Broken(_) => return false,
            }
        }
        let Some(answer) = &mut self.answer else { return true };
        if answer.flush(sys, self.socket).is_err() {
            return false;
        }
        if answer.is_empty() && !self.is_answered {
            sys.tcp_shutdown(self.socket);
            self.is_answered = true;
        }
        // It hangs up when it has read.
        !self.is_answered || matches!(sys.tcp_recv(self.socket, CHUNK), Ok(Received::Data(_) | Received::Blocked))
    }
}

impl Dialled {
    fn step(&mut self, sys: &mut Sys<'_>, number: u64) -> bool {
        if sys.tcp_state(self.socket) == TcpState::SynSent {
            return true;
        }
        let progress = match self.question.flush(sys, self.socket) {
            Ok(()) => self.answer.read(sys, self.socket),
            Err(errno) => Progress::Broken(errno),
        };
        match progress {
            Progress::Waiting => true,
            Progress::Whole(text) => {
                tell(sys, &News::Answered(number, text));
                false
            }
            Progress::Broken(errno) => {
                tell(sys, &News::Failed(number, errno.to_string()));
                false
            }
        }
    }
}
