//! Scripts: what a command does, as a chain of steps between which it waits for the engine. A step gets the answer it
//! waited for and says what it waits for [`Next`]. The [`Runner`] keeps the calls that are open and takes the step whose
//! time has come. Nothing here knows how a call is made or where output goes: see [`Output`].
//!
//! How it works: [`Cx::open`] makes a call and gives a [`Ticket`]; the calls of one step go out together, in order.
//! A call that nobody waits for stays open in the background until the command ends.

mod session;

pub(super) use session::{End, Framing, Input, OnSignal, Session};

use std::borrow::Cow;
use std::collections::BTreeMap;

use dyn_clone::DynClone;
use netyard_sim::userland::files::{Entry, View};
use netyard_sim::userland::{Call, Errno, Request, Signal};
use serde_json::Value;

use crate::image::ReferenceError;

/// A call that was made, by number.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct Ticket(u32);

/// What the engine answered.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Reply {
    /// The status.
    pub(super) status: u16,
    /// What else was said beside it.
    pub(super) headers: Vec<(&'static str, String)>,
    /// The body, as far as the step waited for it.
    pub(super) body: Vec<u8>,
}

impl Reply {
    /// The reply when it says yes; else what the engine objects to.
    pub(super) fn accepted(self) -> Result<Self, Failure> {
        if self.status < 400 { Ok(self) } else { Err(Failure::daemon(&self.objection())) }
    }

    /// The value of a header.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
    }

    /// The text of a refusal.
    pub(super) fn objection(&self) -> String {
        let parsed: Option<Value> = serde_json::from_slice(&self.body).ok();
        let message = parsed.as_ref().and_then(|v| v["message"].as_str());
        message.map_or_else(|| String::from_utf8_lossy(&self.body).trim().to_owned(), str::to_owned)
    }

    /// The body of a reply that says yes, as JSON.
    pub(super) fn json(self) -> Result<Value, Failure> {
        let reply = self.accepted()?;
        serde_json::from_slice(&reply.body).map_err(|why| Failure::new(why.to_string()))
    }
}

/// Why a command ends early: what it prints on standard error (without its line end) and its exit code.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Failure {
    /// The text; nothing is printed when it is empty.
    pub(super) message: String,
    /// The exit code.
    pub(super) code: i32,
}

impl From<ReferenceError> for Failure {
    fn from(error: ReferenceError) -> Self {
        Self::new(error.to_string())
    }
}

impl Failure {
    /// With exit code 1.
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), code: 1 }
    }

    /// What the engine objects to.
    pub(super) fn daemon(message: &str) -> Self {
        Self::new(format!("Error response from daemon: {message}"))
    }

    /// With another exit code.
    pub(super) fn code(self, code: i32) -> Self {
        Self { code, ..self }
    }

    /// Nobody answers at `host`.
    fn unreachable(host: &str) -> Self {
        Self::new(format!("Cannot connect to the Docker daemon at {host}. Is the docker daemon running?"))
    }
}

/// What a step leads to.
pub(super) type Outcome = Result<Next, Failure>;

/// A step that waits for a `T`.
pub(super) type Then<T> = Box<dyn Continue<T>>;

/// What a script does with a `T`: a function that can be copied with the script.
pub(super) trait Continue<T>: FnOnce(T, &mut Cx<'_>) -> Outcome + DynClone {}

impl<T, F: FnOnce(T, &mut Cx<'_>) -> Outcome + Clone> Continue<T> for F {}

dyn_clone::clone_trait_object!(<T> Continue<T>);

/// Something done for each line of a body.
pub(super) type OnLine = Box<dyn TakeLine>;

/// What a script does with a line: a function that can be copied with the script.
pub(super) trait TakeLine: FnMut(&str, &mut Cx<'_>) -> Result<(), Failure> + DynClone {}

impl<F: FnMut(&str, &mut Cx<'_>) -> Result<(), Failure> + Clone> TakeLine for F {}

dyn_clone::clone_trait_object!(TakeLine);

/// What a command waits for.
#[derive(Clone)]
pub(super) enum Next {
    /// Nothing: it ends with this code.
    Exit(i32),
    /// The head of an answer; when it is a refusal, all of it.
    Head(Ticket, Then<Reply>),
    /// A whole answer, or that nobody is there.
    Reply(Ticket, Then<Result<Reply, Failure>>),
    /// Whole answers, in the order of the calls.
    Each(Vec<Ticket>, Box<dyn Gather>),
    /// The lines of an answer as they come, then its end.
    Lines(Ticket, OnLine, Then<Reply>),
    /// The next frame of an answer, with the number of its stream; none at its end.
    Frame(Ticket, Then<Option<(usize, Vec<u8>)>>),
    /// A moment, in nanoseconds since 1970.
    Moment(u64, Then<()>),
    /// All of standard input, to its end.
    Input(Then<Vec<u8>>),
    /// A line from standard input; what there is when it ends.
    Line(Then<String>),
    /// The end of a session.
    Session(Session, Then<End>),
    /// Files that shall stand in this directory; whether they do.
    Unpack(Unpacking, Then<Result<(), Errno>>),
}

/// Files that a command puts into its own filesystem.
#[derive(Clone, Debug)]
pub(super) struct Unpacking {
    /// The directory.
    pub(super) top: String,
    /// What is put there, in order.
    pub(super) entries: Vec<Entry>,
}

impl Next {
    /// Waits for a whole answer; when nobody is there the command ends.
    pub(super) fn reply(ticket: Ticket, then: impl FnOnce(Reply, &mut Cx<'_>) -> Outcome + Clone + 'static) -> Self {
        Self::Reply(ticket, Box::new(move |reply, cx| then(reply?, cx)))
    }
}

/// Takes the answers to several calls that were made at once.
pub(super) trait Gather: DynClone {
    /// The next answer.
    fn take(&mut self, reply: Reply, cx: &mut Cx<'_>);

    /// All answers have come.
    fn finish(self: Box<Self>, cx: &mut Cx<'_>) -> Outcome;
}

dyn_clone::clone_trait_object!(Gather);

/// The end of what was tried one by one: what went wrong, line by line.
pub(super) fn finish(failures: &[String]) -> Outcome {
    if failures.is_empty() { Ok(Next::Exit(0)) } else { Err(Failure::new(failures.join("\n"))) }
}

/// Makes a call and waits for the whole answer.
pub(super) fn call(
    cx: &mut Cx<'_>,
    request: Request,
    then: impl FnOnce(Reply, &mut Cx<'_>) -> Outcome + Clone + 'static,
) -> Outcome {
    let ticket = cx.open(request);
    Ok(Next::reply(ticket, then))
}

/// A request without a body. `path` begins behind the version of the API.
pub(super) fn request(method: &'static str, path: &str) -> Request {
    Request { method, target: format!("/v1.41{path}"), ..Request::default() }
}

/// A request with a JSON body.
pub(super) fn request_with(method: &'static str, path: &str, body: &Value) -> Request {
    let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
    Request { headers, body: body.to_string().into_bytes(), ..request(method, path) }
}

/// A request whose connection becomes a stream in both directions.
pub(super) fn upgrading(mut request: Request) -> Request {
    request.headers.extend([("connection", "Upgrade"), ("upgrade", "tcp")].map(|(k, v)| (k.to_owned(), v.to_owned())));
    request
}

/// Where a command runs: what it can look at besides the engine.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    /// Nanoseconds since 1970.
    pub(super) now: u64,
    /// The environment.
    pub(super) env: &'a BTreeMap<String, String>,
    /// The working directory.
    pub(super) cwd: &'a str,
    /// The filesystem.
    pub(super) files: View<'a>,
    /// Which of standard input, output and error are a terminal.
    pub(super) terminals: [bool; 3],
}

impl Place<'_> {
    /// The bytes of a file, or why not, as Go says it.
    pub(super) fn read(&self, path: &str) -> Result<Cow<'_, [u8]>, Failure> {
        self.files
            .read(&self.absolute(path))
            .map_err(|_| Failure::new(format!("open {path}: no such file or directory")))
    }

    /// A path here, absolute.
    pub(super) fn absolute(&self, path: &str) -> String {
        netyard_sim::userland::files::normalise(self.cwd, path)
    }

    /// Whether somebody sits at a terminal to use one in a container.
    pub(super) fn check_terminal(&self, stdin: bool, tty: bool) -> Result<(), Failure> {
        if stdin && tty && !self.terminals[0] {
            return Err(Failure::new("the input device is not a TTY"));
        }
        Ok(())
    }

    /// Seconds since 1970.
    pub(super) const fn seconds(&self) -> u64 {
        self.now / 1_000_000_000
    }
}

/// What the steps of a command want done, in order.
#[derive(Clone, Debug, Default)]
pub(super) struct Output {
    /// Bytes to write, each piece with the number of the open stream.
    pub(super) printed: Vec<(usize, Vec<u8>)>,
    /// Calls to make.
    pub(super) calls: Vec<(Ticket, Request)>,
    /// Input for open calls; an empty piece ends it.
    pub(super) inputs: Vec<(Ticket, Vec<u8>)>,
    /// Files to write.
    pub(super) files: Vec<(String, Vec<u8>)>,
    tickets: u32,
}

/// What a step sees and does.
pub(super) struct Cx<'a> {
    /// Where the command runs.
    pub(super) place: Place<'a>,
    /// What it wants done.
    pub(super) output: &'a mut Output,
}

impl Cx<'_> {
    /// Writes on standard output.
    pub(super) fn print(&mut self, text: impl AsRef<[u8]>) {
        self.write(1, text.as_ref());
    }

    /// Writes a line on standard output.
    pub(super) fn print_line(&mut self, text: &str) {
        self.print(format!("{text}\n"));
    }

    /// Writes a line on standard error.
    pub(super) fn error_line(&mut self, text: &str) {
        self.write(2, format!("{text}\n").as_bytes());
    }

    /// Writes on an open stream.
    pub(super) fn write(&mut self, stream: usize, bytes: &[u8]) {
        match self.output.printed.last_mut() {
            Some((last, piece)) if *last == stream => piece.extend_from_slice(bytes),
            _ => self.output.printed.push((stream, bytes.to_vec())),
        }
    }

    /// Makes a call.
    pub(super) fn open(&mut self, request: Request) -> Ticket {
        let ticket = Ticket(self.output.tickets);
        self.output.tickets += 1;
        self.output.calls.push((ticket, request));
        ticket
    }

    /// Sends input on a call that streams; an empty slice ends it.
    fn input(&mut self, ticket: Ticket, bytes: &[u8]) {
        self.output.inputs.push((ticket, bytes.to_vec()));
    }
}

/// Runs a command's script.
#[derive(Clone)]
pub(super) struct Runner {
    waiting: Option<Next>,
    calls: BTreeMap<Ticket, Call>,
    line: Vec<u8>,
    line_ended: bool,
    unpacked: Option<Result<(), Errno>>,
    host: String,
    decorate: fn(Failure) -> Failure,
}

impl Runner {
    /// For an engine at `host`; `decorate` gives a failure the form that the command gives it.
    pub(super) fn new(host: String, decorate: fn(Failure) -> Failure) -> Self {
        let (calls, line) = (BTreeMap::new(), Vec::new());
        Self { waiting: None, calls, line, line_ended: false, unpacked: None, host, decorate }
    }

    /// Goes from the first step as far as it can; `Some` when the command ended, with its exit code.
    pub(super) fn start(&mut self, first: Outcome, cx: &mut Cx<'_>) -> Option<i32> {
        self.follow(first, cx).or_else(|| self.advance(cx))
    }

    /// Takes what has come for a call.
    pub(super) fn update(&mut self, ticket: Ticket, news: Call) {
        let call = self.calls.entry(ticket).or_default();
        call.status = news.status.or(call.status);
        call.headers.extend(news.headers);
        call.body.extend(news.body);
        call.done = news.done;
    }

    /// Takes the steps whose time has come; `Some` when the command ended, with its exit code.
    pub(super) fn advance(&mut self, cx: &mut Cx<'_>) -> Option<i32> {
        while let Some(waiting) = self.waiting.take() {
            match self.try_step(waiting, cx) {
                Ok(outcome) => {
                    if let Some(code) = self.follow(outcome, cx) {
                        return Some(code);
                    }
                }
                Err(still) => {
                    self.waiting = Some(still);
                    return None;
                }
            }
        }
        None
    }

    /// Whether standard input is read now.
    pub(super) fn wants_input(&self) -> bool {
        match &self.waiting {
            Some(Next::Session(session, _)) => session.wants_input(),
            Some(Next::Input(_) | Next::Line(_)) => true,
            _ => false,
        }
    }

    /// The moment that is waited for, in nanoseconds since 1970.
    pub(super) const fn wakes_at(&self) -> Option<u64> {
        match &self.waiting {
            Some(Next::Moment(at, _)) => Some(*at),
            _ => None,
        }
    }

    /// Takes what was read from standard input; nothing is its end.
    pub(super) fn feed(&mut self, bytes: &[u8], cx: &mut Cx<'_>) {
        match &mut self.waiting {
            Some(Next::Session(session, _)) if bytes.is_empty() => session.feed_end(cx),
            Some(Next::Session(session, _)) => session.feed(bytes, cx),
            _ => {
                self.line.extend_from_slice(bytes);
                let is_line = matches!(self.waiting, Some(Next::Line(_)));
                self.line_ended |= bytes.is_empty() || (is_line && bytes.contains(&b'\n'));
            }
        }
    }

    /// The files that shall be put into the filesystem now; [`Self::unpacked`] says how it went.
    pub(super) fn unpacking(&mut self) -> Option<Unpacking> {
        match &mut self.waiting {
            Some(Next::Unpack(files, _)) if self.unpacked.is_none() => {
                Some(Unpacking { top: core::mem::take(&mut files.top), entries: core::mem::take(&mut files.entries) })
            }
            _ => None,
        }
    }

    /// Takes how it went with the files.
    pub(super) const fn unpacked(&mut self, done: Result<(), Errno>) {
        self.unpacked = Some(done);
    }

    /// Lets the session take a signal; false when it shall end the command.
    pub(super) fn signal(&mut self, signal: Signal, cx: &mut Cx<'_>) -> bool {
        match &mut self.waiting {
            Some(Next::Session(session, _)) => session.signal(signal, cx),
            _ => false,
        }
    }

    fn follow(&mut self, outcome: Outcome, cx: &mut Cx<'_>) -> Option<i32> {
        match outcome {
            Ok(Next::Exit(code)) => Some(code),
            Ok(mut next) => {
                if let Next::Session(session, _) = &mut next {
                    session.begin(cx);
                }
                self.waiting = Some(next);
                None
            }
            Err(failure) => {
                let failure = (self.decorate)(failure);
                if !failure.message.is_empty() {
                    cx.error_line(&failure.message);
                }
                Some(failure.code)
            }
        }
    }

    /// Takes the step that `waiting` waits for, or gives it back when its time has not come.
    fn try_step(&mut self, waiting: Next, cx: &mut Cx<'_>) -> Result<Outcome, Next> {
        match waiting {
            Next::Exit(code) => Ok(Ok(Next::Exit(code))),
            Next::Head(ticket, then) => match self.head(ticket) {
                Some(reply) => Ok(reply.and_then(|reply| then(reply, cx))),
                None => Err(Next::Head(ticket, then)),
            },
            Next::Reply(ticket, then) => match self.whole(ticket) {
                Some(reply) => Ok(then(reply, cx)),
                None => Err(Next::Reply(ticket, then)),
            },
            Next::Each(tickets, gather) => self.gather(tickets, gather, cx),
            Next::Lines(ticket, on_line, then) => self.lines(ticket, on_line, then, cx),
            Next::Frame(ticket, then) => match self.frame(ticket) {
                Some(frame) => Ok(then(frame, cx)),
                None => Err(Next::Frame(ticket, then)),
            },
            Next::Moment(at, then) if at <= cx.place.now => Ok(then((), cx)),
            Next::Moment(at, then) => Err(Next::Moment(at, then)),
            Next::Input(then) if self.line_ended => Ok(then(core::mem::take(&mut self.line), cx)),
            Next::Input(then) => Err(Next::Input(then)),
            Next::Line(then) if self.line_ended => {
                let line = core::mem::take(&mut self.line);
                Ok(then(String::from_utf8_lossy(&line).into_owned(), cx))
            }
            Next::Line(then) => Err(Next::Line(then)),
            Next::Session(session, then) => self.pump(session, then, cx),
            Next::Unpack(files, then) => match self.unpacked.take() {
                Some(done) => Ok(then(done, cx)),
                None => Err(Next::Unpack(files, then)),
            },
        }
    }

    fn head(&mut self, ticket: Ticket) -> Option<Result<Reply, Failure>> {
        let call = self.calls.get(&ticket)?;
        match call.status {
            Some(status) if status < 400 => Some(Ok(Reply { status, headers: call.headers.clone(), body: Vec::new() })),
            _ => self.whole(ticket),
        }
    }

    fn whole(&mut self, ticket: Ticket) -> Option<Result<Reply, Failure>> {
        let call = self.calls.get_mut(&ticket).filter(|call| call.done)?;
        let (headers, body) = (core::mem::take(&mut call.headers), core::mem::take(&mut call.body));
        let unreachable = || Failure::unreachable(&self.host);
        Some(call.status.map(|status| Reply { status, headers, body }).ok_or_else(unreachable))
    }

    fn gather(
        &mut self,
        mut tickets: Vec<Ticket>,
        mut gather: Box<dyn Gather>,
        cx: &mut Cx<'_>,
    ) -> Result<Outcome, Next> {
        while let Some(ticket) = tickets.first().copied() {
            match self.whole(ticket) {
                None => return Err(Next::Each(tickets, gather)),
                Some(Err(failure)) => return Ok(Err(failure)),
                Some(Ok(reply)) => gather.take(reply, cx),
            }
            tickets.remove(0);
        }
        Ok(gather.finish(cx))
    }

    fn lines(
        &mut self,
        ticket: Ticket,
        mut on_line: OnLine,
        then: Then<Reply>,
        cx: &mut Cx<'_>,
    ) -> Result<Outcome, Next> {
        if let Some(call) = self.calls.get_mut(&ticket).filter(|call| call.status.is_some_and(|s| s < 400)) {
            while let Some(end) = call.body.iter().position(|b| *b == b'\n') {
                let line: Vec<u8> = call.body.drain(..=end).collect();
                if let Err(failure) = on_line(String::from_utf8_lossy(&line).trim_end(), cx) {
                    return Ok(Err(failure));
                }
            }
        }
        match self.whole(ticket) {
            Some(reply) => Ok(reply.and_then(|reply| then(reply, cx))),
            None => Err(Next::Lines(ticket, on_line, then)),
        }
    }

    /// The next frame, or that there is none any more; nothing while it has not come.
    fn frame(&mut self, ticket: Ticket) -> Option<Option<(usize, Vec<u8>)>> {
        let call = self.calls.get_mut(&ticket)?;
        let frame = session::take_frame(&mut call.body);
        if frame.is_some() || call.done { Some(frame) } else { None }
    }

    fn pump(&mut self, mut session: Session, then: Then<End>, cx: &mut Cx<'_>) -> Result<Outcome, Next> {
        let call = self.calls.entry(session.ticket()).or_default();
        let body = core::mem::take(&mut call.body);
        session.show(&body, cx);
        if let Some(end) = session.left() {
            return Ok(then(end, cx));
        }
        if call.done {
            return Ok(then(End::Closed, cx));
        }
        Err(Next::Session(session, then))
    }
}

#[cfg(test)]
mod tests {
    use netyard_sim::userland::Files;

    use super::*;

    fn with_cx<T>(output: &mut Output, run: impl FnOnce(&mut Cx<'_>) -> T) -> T {
        let (env, files) = (BTreeMap::new(), Files::default());
        let place = Place { now: 0, env: &env, cwd: "/", files: files.view(), terminals: [true; 3] };
        run(&mut Cx { place, output })
    }

    fn runner() -> Runner {
        Runner::new("unix:///var/run/docker.sock".to_owned(), |failure| failure)
    }

    fn answer(status: u16, body: &str) -> Call {
        Call { status: Some(status), body: body.as_bytes().to_vec(), done: true, ..Call::default() }
    }

    fn printed(output: &Output) -> String {
        output.printed.iter().map(|(fd, bytes)| format!("{fd}:{}", String::from_utf8_lossy(bytes))).collect()
    }

    #[test]
    fn steps_follow_each_other_as_the_answers_come() {
        let (mut runner, mut output) = (runner(), Output::default());
        let code = with_cx(&mut output, |cx| {
            let first = call(cx, request("GET", "/one"), |reply, cx| {
                cx.print_line(&String::from_utf8_lossy(&reply.accepted()?.body));
                call(cx, request("GET", "/two"), |reply, _| reply.accepted().map(|_| Next::Exit(7)))
            });
            runner.start(first, cx)
        });
        assert_eq!((code, output.calls.len()), (None, 1));
        runner.update(Ticket(0), answer(200, "hello"));
        assert_eq!(with_cx(&mut output, |cx| runner.advance(cx)), None);
        assert_eq!(output.calls[1], (Ticket(1), request("GET", "/two")));
        runner.update(Ticket(1), answer(204, ""));
        assert_eq!(with_cx(&mut output, |cx| runner.advance(cx)), Some(7));
        assert_eq!(printed(&output), "1:hello\n");
    }

    #[test]
    fn a_refusal_ends_the_command_with_the_engines_words() {
        let (mut runner, mut output) = (runner(), Output::default());
        with_cx(&mut output, |cx| {
            let first = call(cx, request("GET", "/"), |reply, _| reply.accepted().map(|_| Next::Exit(0)));
            runner.start(first, cx)
        });
        runner.update(Ticket(0), answer(404, "{\"message\":\"No such container: x\"}"));
        assert_eq!(with_cx(&mut output, |cx| runner.advance(cx)), Some(1));
        assert_eq!(printed(&output), "2:Error response from daemon: No such container: x\n");
    }

    #[test]
    fn an_end_without_a_status_means_that_nobody_is_there() {
        let (mut runner, mut output) = (runner(), Output::default());
        with_cx(&mut output, |cx| {
            let first = call(cx, request("GET", "/"), |_, _| Ok(Next::Exit(0)));
            runner.start(first, cx)
        });
        runner.update(Ticket(0), Call { done: true, ..Call::default() });
        assert_eq!(with_cx(&mut output, |cx| runner.advance(cx)), Some(1));
        let text = "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?";
        assert_eq!(printed(&output), format!("2:{text}\n"));
    }

    #[test]
    fn a_head_is_enough_for_who_waits_for_it_but_a_refusal_is_read_to_its_end() {
        let (mut runner, mut output) = (runner(), Output::default());
        with_cx(&mut output, |cx| {
            let ticket = cx.open(request("POST", "/wait"));
            let first = Ok(Next::Head(ticket, Box::new(|reply, _| reply.accepted().map(|_| Next::Exit(0)))));
            runner.start(first, cx)
        });
        runner.update(
            Ticket(0),
            Call { status: Some(404), body: b"{\"message\":".to_vec(), done: false, ..Call::default() },
        );
        assert_eq!(with_cx(&mut output, |cx| runner.advance(cx)), None);
        runner.update(Ticket(0), answer(404, "\"no\"}"));
        assert_eq!(with_cx(&mut output, |cx| runner.advance(cx)), Some(1));
        assert_eq!(printed(&output), "2:Error response from daemon: no\n");
    }

    #[test]
    fn lines_are_taken_when_they_are_complete() {
        let (mut runner, mut output) = (runner(), Output::default());
        with_cx(&mut output, |cx| {
            let ticket = cx.open(request("GET", "/events"));
            let on_line: OnLine = Box::new(|line, cx| {
                cx.print_line(&line.to_uppercase());
                Ok(())
            });
            runner.start(Ok(Next::Lines(ticket, on_line, Box::new(|_, _| Ok(Next::Exit(0))))), cx)
        });
        runner.update(Ticket(0), Call { status: Some(200), body: b"one\ntw".to_vec(), done: false, ..Call::default() });
        assert_eq!(with_cx(&mut output, |cx| runner.advance(cx)), None);
        assert_eq!(printed(&output), "1:ONE\n");
        runner.update(Ticket(0), Call { status: None, body: b"o\n".to_vec(), done: true, ..Call::default() });
        assert_eq!(with_cx(&mut output, |cx| runner.advance(cx)), Some(0));
        assert_eq!(printed(&output), "1:ONE\nTWO\n");
    }
}
