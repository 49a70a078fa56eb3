//! Control flow: jumps, loops, cases and tests.

use std::rc::Rc;

use super::super::arithmetic;
use super::super::builtin;
use super::super::code::{Condition, Op};
use super::super::dialect::Failure;
use super::super::pattern::Pattern;
use super::{Frame, Loop, Machine, Scope};
use crate::userland::Sys;

/// How a loop is left.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in super::super) enum Leave {
    /// `break`
    Break,
    /// `continue`
    Continue,
}

impl Machine {
    /// Does an operation of control flow; false when it is none.
    pub(super) fn control(&mut self, sys: &mut Sys<'_>, op: &Op) -> Result<bool, Failure> {
        match op {
            Op::Jump(to) => self.pc = *to,
            Op::JumpIf(success, to) => {
                if (self.state.status == 0) == *success {
                    self.pc = *to;
                }
            }
            Op::Negate => self.state.status = i32::from(self.state.status == 0),
            Op::Succeed => self.state.status = 0,
            Op::Tested => self.frames.push(Frame::Tested),
            Op::Scope => self.frames.push(Frame::Scope(Scope::default())),
            Op::Untested | Op::Unscope | Op::Uncase => self.pop(sys),
            Op::Define(name, function) => {
                self.state.functions.insert(name.clone(), Rc::clone(function));
                self.state.status = 0;
            }
            Op::StartTime => self.frames.push(Frame::Timed(sys.now())),
            Op::PrintTime { posix } => self.print_time(sys, *posix),
            Op::Compute => {
                let value = arithmetic::evaluate(&self.pop_word().into_text(), &mut self.state.variables)?;
                self.state.status = i32::from(value == 0);
            }
            Op::Condition(condition) => self.test(sys, condition),
            _ => return self.iterate(sys, op),
        }
        Ok(true)
    }

    /// Does an operation of loops and cases; false when it is none.
    fn iterate(&mut self, sys: &mut Sys<'_>, op: &Op) -> Result<bool, Failure> {
        match op {
            Op::Loop { done, next } => self.enter_loop(Vec::new(), *done, *next),
            Op::ForLoop { positional, done } => {
                let Some(Frame::Command(command)) = self.frames.pop() else {
                    unreachable!("the list of a loop is collected by a command")
                };
                let items = if *positional { self.state.positional.clone() } else { command.words };
                self.enter_loop(items, *done, self.pc);
            }
            Op::Each(name, done) => match self.innermost_loop().items.next() {
                Some(item) => self.state.variables.assign(name, item)?,
                None => self.pc = *done,
            },
            Op::Again(next) => {
                self.innermost_loop().status = self.state.status;
                self.pc = *next;
            }
            Op::Unloop => {
                self.state.status = self.innermost_loop().status;
                self.pop(sys);
            }
            Op::Case => {
                let subject = self.pop_word().into_text();
                self.frames.push(Frame::Case(subject));
            }
            Op::Match(to) => {
                if self.matches_subject() {
                    self.pc = *to;
                }
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn enter_loop(&mut self, items: Vec<String>, done: usize, next: usize) {
        self.frames.push(Frame::Loop(Loop { done, next, items: items.into_iter(), status: 0 }));
    }

    fn innermost_loop(&mut self) -> &mut Loop {
        match self.frames.last_mut() {
            Some(Frame::Loop(innermost)) => innermost,
            _ => unreachable!("a turn of a loop leaves only the loop"),
        }
    }

    fn matches_subject(&mut self) -> bool {
        let pattern = Pattern::new(&self.pop_word().into_glyphs());
        let Some(Frame::Case(subject)) = self.frames.last() else { unreachable!("a pattern stands in a case") };
        pattern.matches(&subject.chars().collect::<Vec<char>>())
    }

    fn test(&mut self, sys: &mut Sys<'_>, condition: &Condition) {
        let last = self.pop_word();
        let holds = match condition {
            Condition::Unary(operator) => builtin::test::unary(self, sys, operator, &last.into_text()),
            Condition::Matches { negated } => {
                let left: Vec<char> = self.pop_word().into_text().chars().collect();
                Some(Pattern::new(&last.into_glyphs()).matches(&left) != *negated)
            }
            Condition::Binary(operator) => {
                let left = self.pop_word().into_text();
                builtin::test::binary(sys, &left, operator, &last.into_text()).unwrap_or(None)
            }
        };
        self.state.status = holds.map_or(2, |holds| i32::from(!holds));
    }

    /// Leaves the `count`th loop from inside, as far as there are loops. A function's caller is not touched.
    pub(in super::super) fn leave_loop(&mut self, sys: &mut Sys<'_>, how: Leave, count: usize) -> bool {
        let mut target = None;
        let mut seen = 0;
        for (at, frame) in self.frames.iter().enumerate().rev() {
            match frame {
                Frame::Call(call) if call.returns() => break,
                Frame::Loop(_) if seen < count => {
                    seen += 1;
                    target = Some(at);
                }
                _ => {}
            }
        }
        let Some(target) = target else { return false };
        self.unwind(sys, target + 1);
        let (next, done) = {
            let innermost = self.innermost_loop();
            innermost.status = 0;
            (innermost.next, innermost.done)
        };
        self.state.status = 0;
        self.pc = match how {
            Leave::Break => {
                self.pop(sys);
                done
            }
            Leave::Continue => next,
        };
        true
    }

    /// Only virtual time is known, none that a processor spent.
    fn print_time(&mut self, sys: &mut Sys<'_>, posix: bool) {
        let Some(Frame::Timed(began)) = self.frames.pop() else {
            unreachable!("a timed pipeline leaves only its beginning")
        };
        let taken = sys.now().since(began);
        let (minutes, seconds) = (taken.as_secs() / 60, taken.as_secs() % 60);
        let text = if posix {
            format!("real {}.{:02}\nuser 0.00\nsys 0.00\n", taken.as_secs(), taken.subsec_millis() / 10)
        } else {
            format!("\nreal\t{minutes}m{seconds}.{:03}s\nuser\t0m0.000s\nsys\t0m0.000s\n", taken.subsec_millis())
        };
        sys.eprint(text);
    }
}
