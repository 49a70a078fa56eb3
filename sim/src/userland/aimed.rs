//! Programs that are about one host, as `ping`, `arping` and `traceroute` are: they read their options, look for the host's
//! addresses, and go on with those. Here is what is the same in all of them; what they ask and print is their own.

use core::fmt;
use core::task::Poll;

use super::lookup::{Found, Lookup, LookupError};
use super::{Program, Signal, Step, Sys};

/// Why a program does nothing: what it says on standard error, and its exit code.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Refusal {
    /// The whole text.
    pub text: String,
    /// The code.
    pub code: i32,
}

impl Refusal {
    /// Says it and ends.
    pub fn tell(self, sys: &mut Sys<'_>) -> Step {
        sys.eprint(self.text);
        Step::Exit(self.code)
    }
}

/// What a program does once it knows its host.
pub trait Aim: Clone + fmt::Debug + Sized + 'static {
    /// What was typed.
    type Options: Clone + fmt::Debug;

    /// Reads what was typed, and asks for the host.
    ///
    /// # Errors
    /// What is wrong with it.
    fn read(sys: &mut Sys<'_>) -> Result<(Self::Options, Lookup), Refusal>;

    /// Begins, with what was found of the host.
    ///
    /// # Errors
    /// There is no such host, or nothing can be done about it.
    fn begin(sys: &mut Sys<'_>, options: Self::Options, found: Result<Found, LookupError>) -> Result<Self, Refusal>;

    /// Goes on, as [`Program::step`] does.
    fn step(&mut self, sys: &mut Sys<'_>) -> Step;

    /// Takes a signal, as [`Program::signal`] does. Before it begins every signal has its usual effect.
    fn signal(&mut self, _sys: &mut Sys<'_>, _signal: Signal) -> bool {
        false
    }
}

/// The program.
#[derive(Clone, Debug)]
pub enum Aimed<A: Aim> {
    /// Nothing was read.
    Starting,
    /// The host is looked for.
    Resolving(A::Options, Lookup),
    /// It is under way.
    Running(Box<A>),
}

impl<A: Aim> Program for Aimed<A> {
    fn step(&mut self, sys: &mut Sys<'_>) -> Step {
        loop {
            let next = match self {
                Self::Starting => A::read(sys).map(|(options, lookup)| Self::Resolving(options, lookup)),
                Self::Resolving(options, lookup) => match lookup.poll(sys) {
                    Poll::Pending => return Step::Wait(lookup.next_at()),
                    Poll::Ready(found) => A::begin(sys, options.clone(), found).map(|aim| Self::Running(Box::new(aim))),
                },
                Self::Running(aim) => return aim.step(sys),
            };
            match next {
                Ok(stage) => *self = stage,
                Err(refusal) => return refusal.tell(sys),
            }
        }
    }

    fn signal(&mut self, sys: &mut Sys<'_>, signal: Signal) -> bool {
        let Self::Running(aim) = self else { return false };
        aim.signal(sys, signal)
    }
}
