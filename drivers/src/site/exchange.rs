//! Exchanges: what engines are asked, by programs in the world or by clients outside it, and the way back of what they
//! answer. What is asked and answered is not understood here.
//!
//! How it works: whatever comes for an engine is an errand. A request is due a little after the one before; what follows
//! it on the same exchange (input, a hang-up) never comes before it. What an engine puts out goes to the program that
//! called, or into the site's outbox.

use std::collections::BTreeMap;

use netyard_sim::time::{Duration, Instant};
use netyard_sim::userland::process::Table;
use netyard_sim::userland::{CallId, ContextId, Request};

use super::Site;
use crate::engine::{Engine, ExchangeId, Output, Patience, Power, SOCKET, headers_of_reply};

/// What an engine spends on a request before it answers.
const REQUEST_COST: Duration = Duration::from_millis(1);

/// How much happens at most before the outside is looked at again.
const TURNS: u32 = 16;

/// Something for an engine that is due at some time.
#[derive(Clone, Debug)]
enum Errand {
    Hangup,
    Input(Vec<u8>),
    Request(Request),
}

/// Who asks an engine.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Caller {
    Program(CallId),
    Outside,
}

/// One request under way.
#[derive(Clone, Copy, Debug)]
struct Exchange {
    engine: usize,
    /// When the engine begins with it.
    begun: Instant,
    caller: Caller,
}

/// All exchanges under way, and what is due for them.
#[derive(Clone, Debug, Default)]
pub(super) struct Exchanges {
    open: BTreeMap<ExchangeId, Exchange>,
    calls: BTreeMap<CallId, ExchangeId>,
    errands: BTreeMap<(Instant, u64), (ExchangeId, Errand)>,
    next_exchange: u64,
    next_errand: u64,
    /// When the last request is due; the next comes after it.
    busy_until: Instant,
}

impl Exchanges {
    /// When the next errand is due, and which it is; not of engines that stand still.
    fn next(&self, is_still: impl Fn(usize) -> bool) -> Option<(Instant, u64)> {
        let goes = |(_, (id, _)): &(&(Instant, u64), &(ExchangeId, Errand))| {
            self.open.get(id).is_none_or(|exchange| !is_still(exchange.engine))
        };
        self.errands.iter().find(goes).map(|(key, _)| *key)
    }

    /// A program sends more on its call; an empty piece is the end of its input.
    pub(super) fn add_input(&mut self, call: CallId, bytes: Vec<u8>, now: Instant) {
        if let Some(id) = self.calls.get(&call).copied() {
            self.follow(id, Errand::Input(bytes), now);
        }
    }

    /// A program that had called is gone.
    pub(super) fn drop_call(&mut self, call: CallId, now: Instant) {
        if let Some(id) = self.calls.get(&call).copied() {
            self.follow(id, Errand::Hangup, now);
        }
    }

    /// The number of a new exchange.
    pub(super) const fn next_id(&mut self) -> ExchangeId {
        self.next_exchange += 1;
        ExchangeId(self.next_exchange)
    }

    fn begin(&mut self, engine: usize, caller: Caller, request: Request, now: Instant) -> ExchangeId {
        let id = self.next_id();
        let begun = self.busy_until.max(now) + REQUEST_COST;
        self.busy_until = begun;
        self.open.insert(id, Exchange { engine, begun, caller });
        if let Caller::Program(call) = caller {
            self.calls.insert(call, id);
        }
        self.add(begun, id, Errand::Request(request));
        id
    }

    /// More on an exchange, after its request.
    fn follow(&mut self, id: ExchangeId, errand: Errand, now: Instant) {
        if let Some(exchange) = self.open.get(&id) {
            self.add(exchange.begun.max(now), id, errand);
        }
    }

    fn add(&mut self, due: Instant, id: ExchangeId, errand: Errand) {
        self.errands.insert((due, self.next_errand), (id, errand));
        self.next_errand += 1;
    }

    fn end(&mut self, id: ExchangeId) {
        if let Some(Exchange { caller: Caller::Program(call), .. }) = self.open.remove(&id) {
            self.calls.remove(&call);
        }
    }
}

impl Site {
    /// A program calls an engine. Where none listens the call ends without an answer.
    pub(super) fn ask_engine(&mut self, id: CallId, context: ContextId, socket: &str, request: Request) {
        let is_up = |engine: &Engine| engine.host().context == context && engine.power() == Power::Up;
        let engine = self.engines.iter().position(is_up);
        match engine.filter(|_| socket == SOCKET || socket == "/run/docker.sock") {
            Some(engine) => {
                self.exchanges.begin(engine, Caller::Program(id), request, self.world.now());
            }
            None => self.world.processes.respond_end(id),
        }
    }

    /// Somebody outside the world asks an engine, by its place in [`Site::engines`]. The answer comes out of
    /// [`Site::poll_output`] when time passes.
    ///
    /// # Panics
    /// When there is no such engine.
    pub fn request(&mut self, engine: usize, request: Request) -> ExchangeId {
        assert!(engine < self.engines.len(), "the site has this engine");
        self.exchanges.begin(engine, Caller::Outside, request, self.world.now())
    }

    /// Somebody outside sends more on an exchange or a flow; an empty piece is the end of its input.
    pub fn input(&mut self, exchange: ExchangeId, bytes: Vec<u8>) {
        self.flows.input(&mut self.world.processes, exchange, &bytes);
        self.exchanges.follow(exchange, Errand::Input(bytes), self.world.now());
    }

    /// Somebody outside is gone. Nothing more comes out for the exchange.
    pub fn hangup(&mut self, exchange: ExchangeId) {
        self.end_flow(exchange);
        self.exchanges.follow(exchange, Errand::Hangup, self.world.now());
    }

    /// Whether an exchange has input before it that was not taken yet: who sends should wait.
    #[must_use]
    pub fn is_input_full(&self, exchange: ExchangeId) -> bool {
        let awaited = |(id, errand): &(ExchangeId, Errand)| *id == exchange && matches!(errand, Errand::Input(_));
        let engine = || self.exchanges.open.get(&exchange).map(|open| &self.engines[open.engine]);
        self.exchanges.errands.values().any(awaited)
            || engine().is_some_and(|engine| engine.is_input_full(&self.world, exchange))
            || self.flows.is_input_full(&self.world.processes, exchange)
    }

    /// Somebody outside takes no more for now: what writes to this exchange waits, where it can.
    pub fn hold(&mut self, exchange: ExchangeId) {
        self.flows.hold(exchange);
        if let Some(open) = self.exchanges.open.get(&exchange) {
            self.engines[open.engine].hold(exchange);
        }
    }

    /// Somebody outside takes more again.
    pub fn release(&mut self, exchange: ExchangeId) {
        self.flows.release(&mut self.world.processes, exchange, &mut self.outbox);
        if let Some(open) = self.exchanges.open.get(&exchange) {
            self.engines[open.engine].release(&mut self.world, exchange);
        }
    }

    /// What an exchange waits for; none when it is over.
    #[must_use]
    pub fn patience(&self, exchange: ExchangeId) -> Option<Patience> {
        if self.flows.contains(exchange) {
            return Some(Patience::Others);
        }
        let open = self.exchanges.open.get(&exchange)?;
        let has_begun = open.begun <= self.now();
        Some(if has_begun { self.engines[open.engine].patience(&self.world, exchange) } else { Patience::Time })
    }

    /// The next part of an answer to somebody outside.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outbox.pop_front()
    }

    /// Lets time pass until there is something for somebody outside, at most to `until`; false says that this is reached.
    /// It comes back early when a lot has happened meanwhile, so that the outside gets a word in.
    pub fn run_outside(&mut self, until: Instant) -> bool {
        for _ in 0..TURNS {
            self.carry_outputs();
            if !self.outbox.is_empty() {
                return true;
            }
            if !self.go_on(until) {
                return false;
            }
        }
        true
    }

    /// When the next thing happens; none when nothing will without a push from outside.
    #[must_use]
    pub fn next_at(&self) -> Option<Instant> {
        self.world.next_at().into_iter().chain(self.next_due_at()).min()
    }

    /// Whether who asks an engine waits: it stands still, or has just begun and looks what is there.
    fn lets_wait(&self, engine: usize) -> bool {
        self.is_engine_still(engine) || self.engines[engine].power() == Power::Starting
    }

    /// When the next errand is due.
    pub(super) fn next_errand_at(&self) -> Option<Instant> {
        self.exchanges.next(|engine| self.lets_wait(engine)).map(|(at, _)| at)
    }

    /// Does the errands that are due; false when there are none.
    pub(super) fn run_errands(&mut self, now: Instant) -> bool {
        let mut any = false;
        while let Some(key) = self.exchanges.next(|engine| self.lets_wait(engine)).filter(|(at, _)| *at <= now) {
            let (id, errand) = self.exchanges.errands.remove(&key).expect("it was just found");
            self.run_errand(id, errand);
            any = true;
        }
        any
    }

    fn run_errand(&mut self, id: ExchangeId, errand: Errand) {
        // An exchange that is over wants nothing more.
        let Some(exchange) = self.exchanges.open.get(&id) else { return };
        let engine = &mut self.engines[exchange.engine];
        match errand {
            Errand::Hangup => {
                engine.handle_hangup(&mut self.world, id);
                self.exchanges.end(id);
            }
            Errand::Input(bytes) => engine.handle_input(&mut self.world, id, &bytes),
            Errand::Request(_) if engine.power() == Power::Down => self.leave_unanswered(id),
            Errand::Request(request) => engine.handle(&mut self.world, id, &request),
        }
    }

    /// Nobody listens any more: the exchange ends without an answer.
    fn leave_unanswered(&mut self, id: ExchangeId) {
        match self.exchanges.open.get(&id).map(|exchange| exchange.caller) {
            Some(Caller::Outside) => self.outbox.push_back(Output::End { exchange: id }),
            Some(Caller::Program(call)) => self.world.processes.respond_end(call),
            None => {}
        }
        self.exchanges.end(id);
    }

    /// Brings what engines answer to those who asked.
    pub(super) fn carry_outputs(&mut self) {
        for engine in &mut self.engines {
            while let Some(output) = engine.poll_output() {
                let id = output.exchange();
                let Some(exchange) = self.exchanges.open.get(&id) else { continue };
                let ended = matches!(output, Output::End { .. });
                match exchange.caller {
                    Caller::Outside => self.outbox.push_back(output),
                    Caller::Program(call) => respond(&mut self.world.processes, call, &output),
                }
                if ended {
                    self.exchanges.end(id);
                }
            }
        }
    }
}

fn respond(processes: &mut Table, call: CallId, output: &Output) {
    match output {
        Output::Head { status, media, headers, .. } => {
            processes.respond(call, *status, headers_of_reply(*media, headers.clone()));
        }
        Output::Body { bytes, .. } => processes.respond_body(call, bytes),
        Output::End { .. } => processes.respond_end(call),
    }
}
