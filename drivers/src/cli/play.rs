//! A double of the engine for tests: a command line is played against answers that the test gives, without a world.

use std::collections::BTreeMap;

use netyard_sim::userland::{Call, Files, Signal};

use super::command::tree::Invocation;
use super::script::{Cx, Output, Place, Runner, Ticket, Unpacking};
use super::words::words;

/// The moment at which commands are played: 2026-11-21 07:08:30 UTC.
const NOW: u64 = 1_795_244_910_000_000_000;

/// A command being played.
pub(super) struct Play {
    runner: Runner,
    output: Output,
    files: Files,
    env: BTreeMap<String, String>,
    exit: Option<i32>,
    stdout: String,
    stderr: String,
}

impl Play {
    /// Plays `line`, parted as a shell would.
    pub(super) fn new(line: &str) -> Self {
        Self::with_files(line, &[])
    }

    /// Plays `line` where there are these files.
    pub(super) fn with_files(line: &str, texts: &[(&str, &str)]) -> Self {
        let words = words(line).expect("a test closes its quotes");
        let invocation = Invocation::parse(&words[1..], None);
        let runner = Runner::new(invocation.host.clone(), invocation.decorate);
        let mut files = Files::default();
        files.make_directory("/root");
        for (path, text) in texts {
            files.make_directory(path.rsplit_once('/').map_or("/", |(directory, _)| directory));
            files.write(path, *text).expect("its directory is there");
        }
        let env = BTreeMap::from([("HOME".to_owned(), "/root".to_owned())]);
        let mut play = Self {
            runner,
            output: Output::default(),
            files,
            env,
            exit: None,
            stdout: String::new(),
            stderr: String::new(),
        };
        play.step(|runner, cx| {
            let first = invocation.begin(cx);
            runner.start(first, cx)
        });
        play
    }

    /// The requests made so far, in order.
    pub(super) fn requests(&self) -> Vec<String> {
        self.output.calls.iter().map(|(_, r)| format!("{} {}", r.method, r.target)).collect()
    }

    /// The body of request number `index`.
    pub(super) fn body(&self, index: usize) -> &str {
        core::str::from_utf8(&self.output.calls[index].1.body).expect("JSON is text")
    }

    /// The input sent so far on calls that stream, each piece with the number of its call.
    pub(super) fn inputs(&self) -> Vec<(usize, String)> {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let index = |ticket| self.output.calls.iter().position(|(t, _)| *t == ticket).expect("it was opened");
        self.output.inputs.iter().map(|(ticket, bytes)| (index(*ticket), text(bytes))).collect()
    }

    /// The files that the command wants written.
    pub(super) fn written(&self) -> &[(String, Vec<u8>)] {
        &self.output.files
    }

    /// The text of a file that is there now.
    pub(super) fn file(&self, path: &str) -> String {
        self.files.text(path)
    }

    /// Answers request number `index`.
    pub(super) fn answer(&mut self, index: usize, status: u16, body: impl AsRef<[u8]>) {
        self.tell(index, Call { status: Some(status), body: body.as_ref().to_vec(), done: true, ..Call::default() });
    }

    /// Answers request number `index` with something said beside its status.
    pub(super) fn answer_with(&mut self, index: usize, header: (&'static str, String), body: &[u8]) {
        let headers = vec![header];
        self.tell(index, Call { status: Some(200), headers, body: body.to_vec(), done: true });
    }

    /// Begins the answer to request number `index`.
    pub(super) fn head(&mut self, index: usize, status: u16) {
        self.tell(index, Call { status: Some(status), body: Vec::new(), done: false, ..Call::default() });
    }

    /// Sends more of an answer.
    pub(super) fn more(&mut self, index: usize, body: impl AsRef<[u8]>) {
        self.tell(index, Call { status: None, body: body.as_ref().to_vec(), done: false, ..Call::default() });
    }

    /// Ends an answer.
    pub(super) fn end(&mut self, index: usize) {
        self.tell(index, Call { done: true, ..Call::default() });
    }

    /// Nobody answers request number `index`.
    pub(super) fn vanish(&mut self, index: usize) {
        self.end(index);
    }

    /// Types `text` on standard input; nothing is its end.
    pub(super) fn enter(&mut self, text: &str) {
        self.step(|runner, cx| {
            assert!(runner.wants_input(), "nobody reads");
            runner.feed(text.as_bytes(), cx);
            runner.advance(cx)
        });
    }

    /// Whether standard input is read.
    pub(super) fn reads(&self) -> bool {
        self.runner.wants_input()
    }

    /// Sends a signal; false when it would have ended the program.
    pub(super) fn signal(&mut self, signal: Signal) -> bool {
        let mut taken = false;
        self.step(|runner, cx| {
            taken = runner.signal(signal, cx);
            runner.advance(cx)
        });
        taken
    }

    /// What was printed on standard output.
    pub(super) fn stdout(&self) -> &str {
        &self.stdout
    }

    /// What was printed on standard error.
    pub(super) fn stderr(&self) -> &str {
        &self.stderr
    }

    /// The exit code, once it has ended.
    pub(super) const fn exit(&self) -> Option<i32> {
        self.exit
    }

    fn tell(&mut self, index: usize, news: Call) {
        let ticket: Ticket = self.output.calls[index].0;
        self.runner.update(ticket, news);
        self.step(Runner::advance);
    }

    fn step(&mut self, run: impl FnOnce(&mut Runner, &mut Cx<'_>) -> Option<i32>) {
        assert_eq!(self.exit, None, "the command has ended");
        self.run(run);
        if let Some(Unpacking { top, entries }) = self.runner.unpacking() {
            let mut files = self.files.view_mut();
            self.runner.unpacked(entries.iter().try_for_each(|entry| files.import(&top, entry)));
            self.run(Runner::advance);
        }
    }

    fn run(&mut self, run: impl FnOnce(&mut Runner, &mut Cx<'_>) -> Option<i32>) {
        let (env, files, terminals) = (&self.env, self.files.view(), [true; 3]);
        let place = Place { now: NOW, env, cwd: "/root", files, terminals };
        self.exit = run(&mut self.runner, &mut Cx { place, output: &mut self.output });
        for (stream, bytes) in self.output.printed.drain(..) {
            let text = if stream == 1 { &mut self.stdout } else { &mut self.stderr };
            text.push_str(&String::from_utf8_lossy(&bytes));
        }
    }
}

/// The refusal for a container that is not there.
pub(super) fn no_such_container(name: &str) -> String {
    format!("{{\"message\":\"No such container: {name}\"}}")
}

/// One frame of a stream without a terminal.
pub(super) fn frame(stream: u8, text: &str) -> Vec<u8> {
    let length = u32::try_from(text.len()).expect("a short text");
    let mut frame = vec![stream, 0, 0, 0];
    frame.extend(length.to_be_bytes());
    frame.extend(text.as_bytes());
    frame
}
