//! Calls: functions, `eval`, `.` and traps run code of their own and come back.

use std::rc::Rc;

use super::super::code::Code;
use super::super::compile;
use super::super::dialect::{Dialect, Failure};
use super::super::source::{Source, Unit};
use super::super::variables::Variable;
use super::{Flow, Frame, Machine};
use crate::userland::Sys;

/// What is called.
#[derive(Clone, Debug)]
pub(in super::super) enum Kind {
    /// `eval`
    Eval,
    /// A function; the caller's parameters.
    Function(Vec<String>),
    /// `.`; the caller's parameters when others were given.
    File(Option<Vec<String>>),
    /// A trap; the status to come back to.
    Trap {
        /// `$?` before.
        status: i32,
    },
}

/// A call under way.
#[derive(Clone, Debug)]
pub(in super::super) struct Call {
    kind: Kind,
    code: Rc<Code>,
    pc: usize,
    /// More text to run, for texts.
    source: Source,
    /// Variables that the function made its own.
    locals: Vec<(String, Option<Variable>)>,
}

impl Call {
    /// Whether `return` comes back from it.
    pub(in super::super) const fn returns(&self) -> bool {
        matches!(self.kind, Kind::Function(_) | Kind::File(_))
    }
}

impl Machine {
    /// Calls a function with these arguments.
    pub(in super::super) fn call_function(&mut self, body: &Rc<Code>, arguments: Vec<String>) {
        let before = core::mem::replace(&mut self.state.positional, arguments);
        self.call(Rc::clone(body), Source::whole(""), Kind::Function(before));
    }

    /// Runs a text.
    pub(in super::super) fn call_text(&mut self, text: &str, kind: Kind) {
        if !matches!(kind, Kind::Trap { .. }) {
            self.state.status = 0;
        }
        self.call(Rc::default(), Source::whole(text), kind);
    }

    fn call(&mut self, code: Rc<Code>, source: Source, kind: Kind) {
        let call = Call {
            kind,
            code: core::mem::replace(&mut self.code, code),
            pc: core::mem::take(&mut self.pc),
            source,
            locals: Vec::new(),
        };
        self.frames.push(Frame::Call(call));
    }

    /// The code of a call is done: more of its text, or back.
    pub(super) fn end_call(&mut self, sys: &mut Sys<'_>) -> Flow {
        let Some(Frame::Call(call)) = self.frames.last_mut() else {
            unreachable!("code that has ended leaves only its call")
        };
        match call.source.next() {
            Unit::Program(program, line) => match compile::program(&program, self.state.voice.dialect, line) {
                Ok(code) => {
                    self.code = Rc::new(code);
                    self.pc = 0;
                }
                Err(failure) => self.fail_in_call(sys, &failure),
            },
            Unit::Error { error, line, source } => {
                let command = matches!(call.kind, Kind::Eval).then_some("eval");
                sys.eprint(self.state.voice.syntax(command, line, &error, &source));
                return self.give_up(sys);
            }
            Unit::End | Unit::More => self.return_from_call(sys),
        }
        Flow::Next
    }

    /// A text that is no script: it ends what runs it, but for bash, to which it is a command that failed.
    fn give_up(&mut self, sys: &mut Sys<'_>) -> Flow {
        self.state.status = 2;
        if self.dialect() == Dialect::Bash {
            self.return_from_call(sys);
            self.state.status = 1;
        } else if self.is_session() {
            self.abandon(sys);
        } else {
            return Flow::Exit(2);
        }
        Flow::Next
    }

    fn fail_in_call(&mut self, sys: &mut Sys<'_>, failure: &Failure) {
        self.tell(sys, failure);
        self.return_from_call(sys);
    }

    /// Back to the caller, and out of the redirections of the call.
    pub(super) fn return_from_call(&mut self, sys: &mut Sys<'_>) {
        let trap = matches!(self.frames.last(), Some(Frame::Call(Call { kind: Kind::Trap { .. }, .. })));
        self.pop(sys);
        if !trap {
            self.pop(sys);
        }
    }

    /// Undoes a call.
    pub(super) fn leave(&mut self, call: Call) {
        call.locals.into_iter().rev().for_each(|variable| self.state.variables.restore(variable));
        match call.kind {
            Kind::Function(positional) | Kind::File(Some(positional)) => self.state.positional = positional,
            Kind::Trap { status } => self.state.status = status,
            Kind::Eval | Kind::File(None) => {}
        }
        self.code = call.code;
        self.pc = call.pc;
    }

    /// `return`: leaves the innermost function or file; false when there is none.
    pub(in super::super) fn return_early(&mut self, sys: &mut Sys<'_>) -> bool {
        let target = self.frames.iter().rposition(|frame| matches!(frame, Frame::Call(call) if call.returns()));
        let Some(target) = target else { return false };
        self.unwind(sys, target + 1);
        self.return_from_call(sys);
        true
    }

    /// `local`: the variable is put back when the function returns; false outside of functions.
    pub(in super::super) fn make_local(&mut self, name: &str) -> bool {
        let function = self.frames.iter_mut().rev().find_map(|frame| match frame {
            Frame::Call(call @ Call { kind: Kind::Function(_), .. }) => Some(call),
            _ => None,
        });
        let Some(call) = function else { return false };
        if call.locals.iter().all(|(known, _)| known != name) {
            call.locals.push(self.state.variables.snapshot(name));
        }
        true
    }
}
