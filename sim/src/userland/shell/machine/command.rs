//! Commands: functions and builtins run here, programs and subshells as children.

use std::rc::Rc;

use super::super::Shell;
use super::super::builtin::{self, Outcome};
use super::super::code::{Background, Code, Quoting};
use super::super::dialect::{Dialect, Failure};
use super::super::variables::quoted;
use super::wait::{Block, Waiting};
use super::{Done, Flow, Frame, Machine, Simple, Turn};
use crate::userland::search::DEFAULT_PATH;
use crate::userland::{Errno, Pid, Program, Spawn, Stream, Sys};

/// What a command's name stands for.
pub(in super::super) enum Meaning {
    /// A function of the script.
    Function(Rc<Code>),
    /// Something the shell does itself.
    Builtin(builtin::Builtin),
    /// A program of the place or a script, at this path.
    Program(String),
    /// A directory, or a file that cannot run.
    Useless(Errno),
    /// Nothing.
    Unknown,
}

impl Machine {
    /// What `name` stands for.
    pub(in super::super) fn meaning(&self, sys: &Sys<'_>, name: &str) -> Meaning {
        if let Some(function) = self.state.functions.get(name) {
            return Meaning::Function(Rc::clone(&function.body));
        }
        if let Some(builtin) = builtin::find(name) {
            return Meaning::Builtin(builtin);
        }
        self.program(sys, name)
    }

    /// What `name` stands for outside of the shell.
    pub(in super::super) fn program(&self, sys: &Sys<'_>, name: &str) -> Meaning {
        let path = self.state.variables.value("PATH").unwrap_or(DEFAULT_PATH);
        match sys.search().find(name, path) {
            Ok(found) => Meaning::Program(found.path),
            Err(Errno::NoEntry) => Meaning::Unknown,
            Err(_) if sys.files().is_directory(&sys.absolute(name)) => Meaning::Useless(Errno::IsDirectory),
            Err(errno) => Meaning::Useless(errno),
        }
    }

    /// Runs the command whose words are complete.
    pub(super) fn run_command(&mut self, sys: &mut Sys<'_>) -> Done {
        if sys.is_output_full() {
            self.pc -= 1;
            return Ok(Flow::Turn(Turn::Wait(None)));
        }
        let Some(Frame::Command(command)) = self.frames.pop() else { unreachable!("only a command is run") };
        let Simple { words, assigned, scope } = command;
        self.trace(sys, &assigned, &words);
        self.frames.push(Frame::Scope(scope));
        let Some(name) = words.first() else {
            self.pop(sys);
            self.state.status = self.substituted.take().unwrap_or(0);
            return Ok(Flow::Next);
        };
        match self.meaning(sys, name) {
            Meaning::Function(body) => {
                self.call_function(&body, words[1..].to_vec());
                Ok(Flow::Next)
            }
            Meaning::Builtin(builtin) => {
                if builtin.special && self.dialect() != Dialect::Bash {
                    self.keep_assignments();
                }
                let outcome = (builtin.run)(self, sys, &words);
                self.settle(sys, outcome)
            }
            other => self.run_program(sys, &other, words),
        }
    }

    /// Assignments before a special builtin stay, though not for the environment.
    fn keep_assignments(&mut self) {
        let Some(Frame::Scope(scope)) = self.frames.last_mut() else { return };
        for (name, before) in core::mem::take(&mut scope.variables) {
            self.state.variables.export(&name, before.is_some_and(|variable| variable.exported));
        }
    }

    /// What a builtin leads to. Its scope is the innermost frame unless it went elsewhere.
    fn settle(&mut self, sys: &mut Sys<'_>, outcome: Outcome) -> Done {
        Ok(match outcome {
            Outcome::Status(status) => {
                self.pop(sys);
                self.state.status = status;
                Flow::Next
            }
            Outcome::Yield(status) => {
                self.pop(sys);
                self.state.status = status;
                Flow::Turn(Turn::Yield)
            }
            Outcome::Elsewhere => Flow::Next,
            Outcome::Block(block) => Flow::Block(block),
            Outcome::Exit(status) => Flow::Exit(status),
            Outcome::Fatal(status) => {
                self.state.status = status;
                if self.is_session() {
                    self.abandon(sys);
                    return Ok(Flow::Next);
                }
                Flow::Exit(status)
            }
            Outcome::Failure(failure) => return Err(failure),
            Outcome::Keep => {
                if let Some(Frame::Scope(scope)) = self.frames.pop() {
                    scope.saved.iter().for_each(|saved| self.descriptors.keep(sys, saved));
                }
                self.state.status = 0;
                Flow::Next
            }
            Outcome::Become(words) => self.exec(sys, words),
            Outcome::Program(words) => {
                let meaning = self.program(sys, &words[0]);
                self.run_program(sys, &meaning, words)?
            }
        })
    }

    /// Runs a program as a child, or in place of this process when that has nothing else to do.
    fn run_program(&mut self, sys: &mut Sys<'_>, meaning: &Meaning, words: Vec<String>) -> Done {
        if let Some((text, status)) = self.unfound(meaning, &words[0]) {
            self.complain(sys, &text);
            self.pop(sys);
            self.state.status = status;
            return Ok(Flow::Next);
        }
        if self.is_last() {
            return Ok(self.replace(sys, words));
        }
        let group = self.foreground_group(sys);
        let text = words.join(" ");
        let name = words[0].clone();
        match self.spawn(sys, words, group) {
            Ok(pid) => {
                self.pop(sys);
                Ok(Flow::Block(Block::Children(Waiting::new(&[pid], group.is_none(), text))))
            }
            Err(errno @ Errno::TemporarilyUnavailable) => Err(Failure::CannotFork(errno)),
            Err(_) => {
                // The interpreter of a script is not there.
                self.complain(sys, &format!("{name}: not found"));
                self.pop(sys);
                self.state.status = 127;
                Ok(Flow::Next)
            }
        }
    }

    /// Why a command cannot be run.
    fn unfound(&self, meaning: &Meaning, name: &str) -> Option<(String, i32)> {
        let dialect = self.dialect();
        match meaning {
            Meaning::Useless(errno) if dialect == Dialect::Bash => Some((format!("{name}: {errno}"), 126)),
            Meaning::Useless(_) => Some((format!("{name}: Permission denied"), 126)),
            Meaning::Unknown if dialect == Dialect::Bash && name.contains('/') => {
                Some((format!("{name}: {}", Errno::NoEntry), 127))
            }
            Meaning::Unknown if dialect == Dialect::Bash => Some((format!("{name}: command not found"), 127)),
            Meaning::Unknown => Some((format!("{name}: not found"), 127)),
            Meaning::Builtin(_) | Meaning::Function(_) | Meaning::Program(_) => None,
        }
    }

    /// Whether the present command is the last thing this process does.
    fn is_last(&self) -> bool {
        let in_place = matches!(self.frames.as_slice(), [Frame::Scope(_)]);
        let whole = self.child || (self.source.is_whole() && self.source.is_empty());
        in_place && whole && self.pc_is_at_end() && self.traps.is_empty()
    }

    /// Whether nothing but checks follows in the present code.
    fn pc_is_at_end(&self) -> bool {
        self.code.ops[self.pc..].iter().all(|op| matches!(op, super::Op::Check))
    }

    /// `exec`: a program takes the place of this shell, if it is there.
    fn exec(&mut self, sys: &mut Sys<'_>, words: Vec<String>) -> Flow {
        let name = &words[0];
        let meaning = self.program(sys, name);
        if self.unfound(&meaning, name).is_some() {
            sys.eprint(self.state.voice.builtin(self.state.line, "exec", &format!("{name}: not found")));
            return Flow::Exit(127);
        }
        self.replace(sys, words)
    }

    /// A program that was found takes the place of this shell.
    fn replace(&mut self, sys: &mut Sys<'_>, words: Vec<String>) -> Flow {
        let name = words[0].clone();
        *sys.env_mut() = self.state.variables.environment();
        for frame in core::mem::take(&mut self.frames) {
            if let Frame::Scope(scope) | Frame::Command(Simple { scope, .. }) = frame {
                scope.saved.iter().for_each(|saved| self.descriptors.keep(sys, saved));
            }
        }
        match sys.exec(words) {
            Ok(program) => Flow::Turn(Turn::Become(program)),
            // The interpreter of a script is not there.
            Err(_) => {
                self.complain(sys, &format!("{name}: not found"));
                Flow::Exit(127)
            }
        }
    }

    fn spawn(&self, sys: &mut Sys<'_>, words: Vec<String>, group: Option<Pid>) -> Result<Pid, Errno> {
        let streams = [sys.dup(0), sys.dup(1), sys.dup(2)];
        let env = self.state.variables.environment();
        let spawn = Spawn { env, ..sys.inherit(words, streams, group) };
        sys.spawn_as(spawn)
    }

    /// The group of a new foreground child: its own in a session, so that it alone can be interrupted.
    fn foreground_group(&self, sys: &Sys<'_>) -> Option<Pid> {
        (!self.is_session()).then(|| sys.group())
    }

    /// A child shell that runs `code`.
    fn fork(
        &self,
        sys: &mut Sys<'_>,
        code: &Rc<Code>,
        streams: [Stream; 3],
        group: Option<Pid>,
    ) -> Result<Pid, Failure> {
        let machine = self.subshell(Rc::clone(code));
        let spawn = sys.inherit(sys.argv().to_vec(), streams, group);
        let program: Box<dyn Program> = Box::new(Shell::Running(Box::new(machine)));
        sys.spawn_program(program, spawn).map_err(Failure::CannotFork)
    }

    pub(super) fn run_subshell(&mut self, sys: &mut Sys<'_>, code: &Rc<Code>) -> Done {
        let group = self.foreground_group(sys);
        let streams = [sys.dup(0), sys.dup(1), sys.dup(2)];
        let pid = self.fork(sys, code, streams, group)?;
        Ok(Flow::Block(Block::Children(Waiting::new(&[pid], group.is_none(), String::new()))))
    }

    pub(super) fn run_pipeline(&mut self, sys: &mut Sys<'_>, stages: &[Rc<Code>]) -> Done {
        let group = self.foreground_group(sys);
        let input = sys.dup(0);
        let pids = self.fork_stages(sys, stages, group, input)?;
        Ok(Flow::Block(Block::Children(Waiting::new(&pids, group.is_none(), String::new()))))
    }

    /// Starts the stages of a pipeline, joined by pipes; they make a group of their own unless they join one.
    fn fork_stages(
        &self,
        sys: &mut Sys<'_>,
        stages: &[Rc<Code>],
        group: Option<Pid>,
        first_input: Stream,
    ) -> Result<Vec<Pid>, Failure> {
        let mut input = first_input;
        let mut pids: Vec<Pid> = Vec::new();
        for (at, code) in stages.iter().enumerate() {
            let last = at + 1 == stages.len();
            let (next, output) = if last { (Stream::Null, sys.dup(1)) } else { sys.pipe() };
            let streams = [core::mem::replace(&mut input, next), output, sys.dup(2)];
            let group = group.or_else(|| pids.first().copied());
            match self.fork(sys, code, streams, group) {
                Ok(pid) => pids.push(pid),
                Err(failure) => {
                    sys.close_stream(input);
                    return Err(failure);
                }
            }
        }
        Ok(pids)
    }

    pub(super) fn run_background(&mut self, sys: &mut Sys<'_>, job: &Background) -> Result<(), Failure> {
        let pids = self.fork_stages(sys, &job.stages, None, Stream::Null)?;
        self.jobs.reap(sys);
        self.state.last_job = pids.last().copied();
        self.jobs.add(&pids, job.text.clone(), self.dialect());
        self.state.status = 0;
        Ok(())
    }

    pub(super) fn substitute(&mut self, sys: &mut Sys<'_>, code: &Rc<Code>, quoting: Quoting) -> Done {
        let (reader, writer) = sys.pipe();
        let group = self.foreground_group(sys);
        let streams = [sys.dup(0), writer, sys.dup(2)];
        let pid = match self.fork(sys, code, streams, group) {
            Ok(pid) => pid,
            Err(failure) => {
                sys.close_stream(reader);
                return Err(failure);
            }
        };
        let fd = self.descriptors.park(sys, reader);
        Ok(Flow::Block(Block::Output { pid, fd, bytes: Vec::new(), quoting }))
    }

    /// `set -x`: shows what is about to run.
    fn trace(&self, sys: &mut Sys<'_>, assignments: &[(String, String)], words: &[String]) {
        if !self.state.options.xtrace {
            return;
        }
        let quote = |text: &String| match self.dialect() {
            Dialect::Dash => text.clone(),
            Dialect::Ash | Dialect::Bash => plain(text),
        };
        let assigned = assignments.iter().map(|(name, value)| format!("{name}={}", quote(value)));
        let shown: Vec<String> = assigned.chain(words.iter().map(quote)).collect();
        let before = self.state.variables.value("PS4").unwrap_or("+ ");
        sys.eprint(format!("{before}{}\n", shown.join(" ")));
    }
}

/// A word as it is, or in quotes when a shell would not read it as itself.
fn plain(text: &str) -> String {
    let harmless = |c: char| c.is_alphanumeric() || "%+,-./:=@_^~".contains(c);
    if !text.is_empty() && text.chars().all(harmless) { text.to_owned() } else { quoted(text) }
}
