//! Flows: connections of somebody outside to an address that a host of the site can reach, and of programs of the site to
//! a machine of the LAN behind which somebody outside is; and what somebody outside sees pass. A flow looks like an exchange with an engine: input goes in,
//! parts of the body come out, and an end; there is no head. An empty part says that a program has nothing more to say.

use core::net::{Ipv4Addr, SocketAddr};
use std::collections::{BTreeMap, VecDeque};

use netyard_sim::fabric::NamespaceId;
use netyard_sim::socket::{Errno, SocketId};
use netyard_sim::userland::gate::{TcpGate, UdpGate};
use netyard_sim::userland::process::Table;
use netyard_sim::userland::stream::PipeId;
use netyard_sim::userland::tcpdump;
use netyard_sim::userland::{ContextId, Pid, Program, Read, Rights, Signal, Spawn, Stream};

use super::Site;
use crate::engine::{ExchangeId, Output};

/// How many clients of a machine wait at most until somebody outside takes them.
const BACKLOG: usize = 128;
/// The file descriptor of a client's connection.
const CLIENT_FD: u32 = 3;

/// How bytes are carried.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Transport {
    /// As a stream.
    Tcp,
    /// As datagrams, packed by [`netyard_sim::userland::gate::pack`].
    Udp,
}

/// What becomes of what a program of a flow says on standard error.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Complaints {
    /// Nobody sees it.
    Lost,
    /// It comes with the output.
    Shown,
}

/// A gate and the outer ends of its streams.
#[derive(Clone, Debug)]
struct Flow {
    gate: Pid,
    /// None when the input has ended.
    input: Option<Stream>,
    output: Stream,
    is_held: bool,
    /// Whether it was said that the output has ended.
    has_ended: bool,
}

/// A port of a machine of the LAN at which somebody outside is spoken to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Listener {
    namespace: NamespaceId,
    context: ContextId,
    socket: SocketId,
}

/// All flows.
#[derive(Clone, Debug, Default)]
pub(super) struct Flows(BTreeMap<ExchangeId, Flow>);

impl Flows {
    pub(super) fn contains(&self, id: ExchangeId) -> bool {
        self.0.contains_key(&id)
    }

    /// Sends bytes into a flow; an empty piece ends the input.
    pub(super) fn input(&mut self, processes: &mut Table, id: ExchangeId, bytes: &[u8]) {
        let Some(flow) = self.0.get_mut(&id) else { return };
        match flow.input.take_if(|_| bytes.is_empty()) {
            Some(input) => processes.close(input),
            None => flow.input.iter().for_each(|input| processes.write(input, bytes)),
        }
    }

    pub(super) fn is_input_full(&self, processes: &Table, id: ExchangeId) -> bool {
        let input = self.0.get(&id).and_then(|flow| flow.input.as_ref());
        input.is_some_and(|input| processes.streams().is_full(input))
    }

    pub(super) fn hold(&mut self, id: ExchangeId) {
        self.0.entry(id).and_modify(|flow| flow.is_held = true);
    }

    pub(super) fn release(&mut self, processes: &mut Table, id: ExchangeId, outbox: &mut VecDeque<Output>) {
        if let Some(flow) = self.0.get_mut(&id) {
            flow.is_held = false;
            flow.drain(processes, id, outbox);
        }
    }

    /// Takes in that a pipe has something to read; false when it is of no flow.
    pub(super) fn readable(&mut self, processes: &mut Table, pipe: PipeId, outbox: &mut VecDeque<Output>) -> bool {
        let Some((id, flow)) = self.0.iter_mut().find(|(_, flow)| flow.output == Stream::Read(pipe)) else {
            return false;
        };
        if !flow.is_held {
            flow.drain(processes, *id, outbox);
        }
        true
    }

    /// Takes in that a process ended; false when it is no gate.
    pub(super) fn exited(&mut self, processes: &mut Table, pid: Pid, outbox: &mut VecDeque<Output>) -> bool {
        let Some(exchange) = self.0.iter().find(|(_, flow)| flow.gate == pid).map(|(id, _)| *id) else { return false };
        let mut flow = self.0.remove(&exchange).expect("it was just found");
        flow.drain(processes, exchange, outbox);
        flow.close(processes);
        outbox.push_back(Output::End { exchange });
        true
    }
}

impl Flow {
    fn drain(&mut self, processes: &mut Table, exchange: ExchangeId, outbox: &mut VecDeque<Output>) {
        loop {
            match processes.read(&mut self.output) {
                Read::Data(bytes) => outbox.push_back(Output::Body { exchange, bytes }),
                Read::Blocked => return,
                Read::End => break,
            }
        }
        if !std::mem::replace(&mut self.has_ended, true) {
            outbox.push_back(Output::Body { exchange, bytes: Vec::new() });
        }
    }

    fn close(self, processes: &mut Table) {
        self.input.into_iter().chain([self.output]).for_each(|stream| processes.close(stream));
    }
}

impl Site {
    /// Somebody outside speaks to `peer` as a program on the host of an engine would.
    ///
    /// # Panics
    /// When there is no such engine.
    pub fn dial(&mut self, engine: usize, transport: Transport, peer: SocketAddr) -> ExchangeId {
        let host = self.engines[engine].host();
        self.dial_from((host.namespace, host.context), transport, peer)
    }

    /// Somebody outside speaks to `peer` as a program in a namespace, with these files, would.
    pub fn dial_from(&mut self, place: (NamespaceId, ContextId), transport: Transport, peer: SocketAddr) -> ExchangeId {
        let (program, argv): (Box<dyn Program>, _) = match transport {
            Transport::Tcp => (Box::new(TcpGate::new(peer)), format!("gate tcp {peer}")),
            Transport::Udp => (Box::new(UdpGate::new(peer)), format!("gate udp {peer}")),
        };
        self.begin_flow(place, program, argv.split(' '), Complaints::Lost).0
    }

    /// Somebody outside sees what passes the devices of a place, as `tcpdump` with these options shows it at a terminal;
    /// none when there is no such place.
    pub fn capture(&mut self, place: &str, options: &[&str]) -> Option<ExchangeId> {
        let place = self.place(place)?;
        let argv = core::iter::once("tcpdump").chain(options.iter().copied());
        let place = (place.namespace, place.context);
        Some(self.begin_flow(place, tcpdump::program(), argv, Complaints::Shown).0)
    }

    /// Listens at a port of a machine of the LAN, for somebody outside.
    ///
    /// # Errors
    /// `NoEntry` when there is no such machine, and what a program there would be told.
    pub fn listen(&mut self, machine: &str, port: u16) -> Result<Listener, Errno> {
        let machine = self.machines.iter().find(|host| host.name == machine).ok_or(Errno::NoEntry)?;
        let (namespace, context) = (machine.namespace, machine.context);
        let at = SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), port);
        let socket = self.world.fabric.with(namespace, |ns, _| ns.tcp_listen(at, BACKLOG))?;
        Ok(Listener { namespace, context, socket })
    }

    /// The next of those who have connected to somebody outside.
    pub fn accept(&mut self, listener: Listener) -> Option<ExchangeId> {
        let Listener { namespace, context, socket } = listener;
        let (client, peer) = self.world.fabric.with(namespace, |ns, _| ns.tcp_accept(socket))?;
        let gate = Box::new(TcpGate::of_client(peer, client));
        let argv = format!("gate client {peer}");
        let (id, pid) = self.begin_flow((namespace, context), gate, argv.split(' '), Complaints::Lost);
        self.world.processes.adopt(pid, namespace, client, CLIENT_FD);
        Some(id)
    }

    fn begin_flow<'w>(
        &mut self,
        (namespace, context): (NamespaceId, ContextId),
        program: Box<dyn Program>,
        argv: impl Iterator<Item = &'w str>,
        complaints: Complaints,
    ) -> (ExchangeId, Pid) {
        let processes = &mut self.world.processes;
        let (stdin, input) = processes.streams_mut().pipe();
        let (output, stdout) = processes.streams_mut().pipe();
        let stderr = match complaints {
            Complaints::Lost => Stream::Null,
            Complaints::Shown => processes.streams_mut().dup(&stdout),
        };
        let argv = argv.map(str::to_owned).collect();
        let spawn =
            Spawn { rights: Rights::CONTAINER, ..Spawn::of_host(argv, (namespace, context), [stdin, stdout, stderr]) };
        let gate = processes.spawn_program(program, spawn, None, self.world.fabric.now());
        let id = self.exchanges.next_id();
        self.flows.0.insert(id, Flow { gate, input: Some(input), output, is_held: false, has_ended: false });
        (id, gate)
    }

    /// Somebody outside lets a flow go; its peer sees an end.
    pub(super) fn end_flow(&mut self, id: ExchangeId) {
        if let Some(flow) = self.flows.0.remove(&id) {
            self.world.signal(flow.gate, Signal::Kill);
            flow.close(&mut self.world.processes);
        }
    }
}
