//! The machine that runs code. It stops before an operation that cannot be done yet and goes on when it is stepped
//! again; nothing of it lives on Rust's stack in between.
//!
//! How it works: `pc` walks over the operations of `code`. Everything that is begun and must be ended (a word, a
//! command, a loop, a redirection, a call) is a frame; leaving early, by `break`, `return` or a failure, pops frames
//! and undoes what they did. While something must be waited for, `block` says what.

mod call;
mod command;
mod expansion;
mod flow;
mod line;
mod redirection;
mod wait;

use std::rc::Rc;

use super::code::{Code, Op};
use super::compile;
use super::descriptor::{Descriptors, Saved};
use super::dialect::{Dialect, Failure, Origin};
use super::field::Word;
use super::job::Jobs;
use super::prompt;
use super::source::{Source, Unit};
use super::state::State;
use super::trap::Traps;
use super::variables::Variable;
use crate::time::{Duration, Instant};
use crate::userland::{Program, Read, Signal, Sys};
pub(super) use call::{Call, Kind};
pub(super) use command::Meaning;
pub(super) use flow::Leave;
pub(super) use line::Line;
pub(super) use wait::Block;

/// Operations of one step; then time passes, so that a script that loops for ever does not stop the world.
const STEP: usize = 2000;

/// How long [`STEP`] operations take: about a microsecond each, as a shell needs.
const STEP_TIME: Duration = Duration::from_millis(2);

/// What the process does after a step.
pub(super) enum Turn {
    /// Another program takes its place.
    Become(Box<dyn Program>),
    /// It ends.
    Exit(i32),
    /// It waits.
    Wait(Option<Instant>),
    /// It lets the others go first.
    Yield,
}

/// What an operation leads to.
pub(super) enum Flow {
    /// The next operation.
    Next,
    /// Something to wait for.
    Block(Block),
    /// The end of this step.
    Turn(Turn),
    /// The end of the shell.
    Exit(i32),
}

type Done = Result<Flow, Failure>;

/// Something begun.
#[derive(Clone)]
enum Frame {
    /// A function, `eval` or file that runs; what called it goes on behind.
    Call(Call),
    /// The subject of a `case`.
    Case(String),
    /// A command whose words are being expanded.
    Command(Simple),
    /// A loop.
    Loop(Loop),
    /// Redirections and assignments that end with it.
    Scope(Scope),
    /// A stretch in which failure is a question and not an end.
    Tested,
    /// When a timed pipeline began.
    Timed(Instant),
    /// A word under construction.
    Word(Word),
}

/// A simple command before it runs.
#[derive(Clone, Default)]
struct Simple {
    words: Vec<String>,
    /// The assignments that were made, for `set -x`.
    assigned: Vec<(String, String)>,
    scope: Scope,
}

/// What is put back at the end of a command.
#[derive(Clone, Default)]
struct Scope {
    saved: Vec<Saved>,
    variables: Vec<(String, Option<Variable>)>,
}

#[derive(Clone)]
struct Loop {
    done: usize,
    next: usize,
    items: std::vec::IntoIter<String>,
    status: i32,
}

/// A shell at work.
#[derive(Clone)]
pub(super) struct Machine {
    /// What children inherit.
    pub(super) state: State,
    /// Its jobs.
    pub(super) jobs: Jobs,
    /// Its traps.
    pub(super) traps: Traps,
    /// Its open streams.
    pub(super) descriptors: Descriptors,
    source: Source,
    code: Rc<Code>,
    pc: usize,
    frames: Vec<Frame>,
    block: Option<Block>,
    /// Whether it is a copy that runs a piece of its parent's code.
    child: bool,
    /// Whether the parent asked a question, so that `set -e` does not count.
    questioned: bool,
    /// The status of the last command substitution in the present command.
    substituted: Option<i32>,
    /// A line came since the session was last said to be ready.
    fed: bool,
    /// The user interrupted the session.
    interrupted: bool,
    /// A prompt was shown since the last line came.
    prompted: bool,
}

impl Machine {
    /// A shell that runs `source`, or what it reads when that is empty.
    pub(super) fn new(state: State, source: Source) -> Self {
        Self {
            state,
            jobs: Jobs::default(),
            traps: Traps::default(),
            descriptors: Descriptors::default(),
            source,
            code: Rc::default(),
            pc: 0,
            frames: Vec::new(),
            block: None,
            child: false,
            questioned: false,
            substituted: None,
            fed: false,
            interrupted: false,
            prompted: false,
        }
    }

    /// A copy of this shell that runs `code` and ends.
    fn subshell(&self, code: Rc<Code>) -> Self {
        let mut child = Self::new(self.state.clone(), Source::whole(""));
        child.code = code;
        child.child = true;
        child.questioned = self.is_tested();
        child.traps = self.traps.inherited();
        child
    }

    /// Whether a person types here.
    pub(super) fn is_session(&self) -> bool {
        self.state.voice.origin == Origin::Session && !self.child
    }

    /// Its dialect.
    pub(super) const fn dialect(&self) -> Dialect {
        self.state.voice.dialect
    }

    /// Prints a message of the shell itself.
    pub(super) fn complain(&self, sys: &mut Sys<'_>, text: &str) {
        sys.eprint(self.state.voice.message(self.state.line, text));
    }

    /// Runs until it would block.
    pub(super) fn run(&mut self, sys: &mut Sys<'_>) -> Turn {
        for _ in 0..STEP {
            let flow = self.advance(sys);
            match flow {
                Flow::Next => {}
                Flow::Block(block) => self.block = Some(block),
                Flow::Turn(turn) => return turn,
                Flow::Exit(status) => {
                    if let Some(turn) = self.finish(sys, status) {
                        return turn;
                    }
                }
            }
        }
        Turn::Wait(Some(sys.now() + STEP_TIME))
    }

    fn advance(&mut self, sys: &mut Sys<'_>) -> Flow {
        if let Some(block) = self.block.take() {
            return self.unblock(sys, block);
        }
        if core::mem::take(&mut self.interrupted) {
            self.state.status = 130;
            self.abandon(sys);
            self.prompted = false;
            if sys.is_terminal(0) {
                sys.eprint("\n");
            }
            return Flow::Next;
        }
        self.spring();
        let code = Rc::clone(&self.code);
        let Some(op) = code.ops.get(self.pc) else { return self.end_of_code(sys) };
        self.pc += 1;
        match self.execute(sys, op) {
            Ok(flow) => flow,
            Err(failure) => self.fail(sys, &failure),
        }
    }

    fn execute(&mut self, sys: &mut Sys<'_>, op: &Op) -> Done {
        match op {
            Op::Command(line) => {
                self.state.line = *line;
                self.substituted = None;
                self.frames.push(Frame::Command(Simple::default()));
            }
            Op::Fields => self.take_fields(sys),
            Op::Field => {
                let word = self.pop_word().into_text();
                self.command().words.push(word);
            }
            Op::Assign { name, append } => self.take_assignment(name, *append)?,
            Op::Redirect { fd, how, failed } => self.redirect(sys, *fd, *how, *failed)?,
            Op::Run => return self.run_command(sys),
            Op::Subshell(code) => return self.run_subshell(sys, code),
            Op::Pipeline(stages) => return self.run_pipeline(sys, stages),
            Op::Background(job) => self.run_background(sys, job)?,
            Op::Check => {
                let fatal = self.state.options.errexit && self.state.status != 0 && !self.is_tested();
                return Ok(if fatal { Flow::Exit(self.state.status) } else { Flow::Next });
            }
            Op::Substitute(code, quoting) => return self.substitute(sys, code, *quoting),
            _ if self.control(sys, op)? => {}
            _ => self.expand(sys, op)?,
        }
        Ok(Flow::Next)
    }

    /// All operations of the present code are done.
    fn end_of_code(&mut self, sys: &mut Sys<'_>) -> Flow {
        if !self.frames.is_empty() {
            return self.end_call(sys);
        }
        if self.child {
            return Flow::Exit(self.state.status);
        }
        self.jobs.reap(sys);
        match self.source.next() {
            Unit::Program(program, line) => match compile::program(&program, self.dialect(), line) {
                Ok(code) => {
                    self.code = Rc::new(code);
                    self.pc = 0;
                    Flow::Next
                }
                Err(failure) => {
                    self.state.line = line + 1;
                    self.fail(sys, &failure)
                }
            },
            Unit::Error { error, line, source } => {
                sys.eprint(self.state.voice.syntax(None, line, &error, &source));
                self.state.status = 2;
                if self.is_session() { Flow::Next } else { Flow::Exit(2) }
            }
            Unit::End => {
                if self.is_session() && sys.is_terminal(0) {
                    sys.eprint(if self.dialect() == Dialect::Bash { "exit\n" } else { "\n" });
                }
                Flow::Exit(self.state.status)
            }
            Unit::More => self.read_script(sys),
        }
    }

    /// Reads the next line of the script from standard input, and no byte more: the rest is for the commands in it.
    fn read_script(&mut self, sys: &mut Sys<'_>) -> Flow {
        let mut line = Vec::new();
        loop {
            match sys.read(1) {
                Read::Data(byte) => line.extend(byte),
                Read::End => self.source.end(),
                Read::Blocked => {
                    self.source.push(&String::from_utf8_lossy(&line));
                    return self.starve(sys);
                }
            }
            if line.last().is_none_or(|byte| *byte == b'\n') {
                (self.fed, self.prompted) = (true, false);
                self.source.push(&String::from_utf8_lossy(&line));
                return Flow::Next;
            }
        }
    }

    /// There is no more input for now.
    fn starve(&mut self, sys: &mut Sys<'_>) -> Flow {
        if self.is_session() && self.source.is_empty() && core::mem::take(&mut self.fed) {
            sys.announce_ready(self.state.status);
        }
        self.prompt(sys);
        Flow::Turn(Turn::Wait(None))
    }

    /// Says at a terminal that a line is waited for.
    fn prompt(&mut self, sys: &mut Sys<'_>) {
        if !self.is_session() || !sys.is_terminal(0) || core::mem::replace(&mut self.prompted, true) {
            return;
        }
        let variables = &self.state.variables;
        let text = if self.source.is_empty() {
            variables.value("PS1").unwrap_or_else(|| prompt::default(self.dialect()))
        } else {
            variables.value("PS2").unwrap_or(prompt::CONTINUED)
        };
        let shown = prompt::expand(text, sys, variables);
        sys.eprint(shown);
    }

    /// Says what the shell cannot do, and takes the status of that.
    fn tell(&mut self, sys: &mut Sys<'_>, failure: &Failure) {
        sys.eprint(self.state.voice.failure(self.state.line, failure));
        self.state.status = failure.status(self.dialect(), self.child);
    }

    /// Something failed that no script can go on after: a session and bash drop the line, the others end.
    fn fail(&mut self, sys: &mut Sys<'_>, failure: &Failure) -> Flow {
        self.tell(sys, failure);
        if self.is_session() || (failure.drops_line(self.dialect()) && !self.child) {
            self.abandon(sys);
            return Flow::Next;
        }
        Flow::Exit(self.state.status)
    }

    /// Drops all that was begun and the rest of the line.
    fn abandon(&mut self, sys: &mut Sys<'_>) {
        self.unwind(sys, 0);
        self.code = Rc::default();
        self.pc = 0;
    }

    /// The end: runs the trap for it first, if there is one.
    fn finish(&mut self, sys: &mut Sys<'_>, status: i32) -> Option<Turn> {
        self.abandon(sys);
        self.state.status = status;
        let Some(action) = self.traps.at_exit() else { return Some(Turn::Exit(status)) };
        self.source.clear();
        self.source.end();
        self.call_text(&action, Kind::Trap { status });
        None
    }

    /// Runs the action of a trap.
    fn spring(&mut self) {
        while let Some(action) = self.traps.next() {
            self.call_text(&action, Kind::Trap { status: self.state.status });
        }
    }

    /// Pops frames until `depth` remain and undoes what they did.
    fn unwind(&mut self, sys: &mut Sys<'_>, depth: usize) {
        while self.frames.len() > depth {
            self.pop(sys);
        }
    }

    fn pop(&mut self, sys: &mut Sys<'_>) {
        match self.frames.pop() {
            Some(Frame::Call(call)) => self.leave(call),
            Some(Frame::Command(Simple { scope, .. }) | Frame::Scope(scope)) => self.put_back(sys, scope),
            Some(Frame::Case(_) | Frame::Loop(_) | Frame::Tested | Frame::Timed(_) | Frame::Word(_)) | None => {}
        }
    }

    fn put_back(&mut self, sys: &mut Sys<'_>, scope: Scope) {
        for saved in scope.saved.iter().rev() {
            self.descriptors.restore(sys, saved);
        }
        scope.variables.into_iter().rev().for_each(|variable| self.state.variables.restore(variable));
    }

    fn is_tested(&self) -> bool {
        self.questioned || self.frames.iter().any(|frame| matches!(frame, Frame::Tested))
    }

    /// A signal came; false when it ends the shell.
    pub(super) fn signal(&mut self, sys: &mut Sys<'_>, signal: Signal) -> bool {
        if self.traps.take(signal) {
            if let Some(Block::Jobs { .. }) = self.block {
                self.interrupt_wait(sys, signal);
            }
            return true;
        }
        match signal {
            Signal::Interrupt if self.is_session() => self.interrupt(sys),
            Signal::Quit | Signal::Terminate | Signal::TerminalStop => self.is_session(),
            _ => false,
        }
    }

    /// The user wants what runs to end. What runs in the foreground gets the signal; the line is dropped otherwise.
    fn interrupt(&mut self, sys: &mut Sys<'_>) -> bool {
        let group = self.block.as_ref().and_then(Block::foreground);
        match group {
            Some(group) => {
                sys.kill_group(group, Signal::Interrupt);
            }
            None => {
                if let Some(block) = self.block.take() {
                    self.drop_block(sys, &block);
                }
                self.source.clear();
                self.interrupted = true;
            }
        }
        true
    }
}
