//! What a subshell inherits: variables, functions, parameters and options. It is copied, never shared.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::code::Function;
use super::dialect::Voice;
use super::variables::Variables;
use crate::userland::Pid;

/// The options of `set`.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Options {
    /// `-e`: a failing command ends the shell.
    pub(super) errexit: bool,
    /// `-f`: patterns match no paths.
    pub(super) noglob: bool,
    /// `-u`: a parameter that is not set is an error.
    pub(super) nounset: bool,
    /// `-o pipefail`: a pipeline fails when any of its commands does.
    pub(super) pipefail: bool,
    /// `-x`: commands are printed before they run.
    pub(super) xtrace: bool,
}

impl Options {
    /// Turns the option with this letter on or off; false when there is none.
    pub(super) const fn set(&mut self, letter: char, on: bool) -> bool {
        match letter {
            'e' => self.errexit = on,
            'f' => self.noglob = on,
            'u' => self.nounset = on,
            'x' => self.xtrace = on,
            _ => return false,
        }
        true
    }

    /// Turns the option with this long name on or off; false when there is none.
    pub(super) fn set_named(&mut self, name: &str, on: bool) -> bool {
        match name {
            "errexit" => self.errexit = on,
            "noglob" => self.noglob = on,
            "nounset" => self.nounset = on,
            "pipefail" => self.pipefail = on,
            "xtrace" => self.xtrace = on,
            _ => return false,
        }
        true
    }

    /// The letters of `$-`.
    pub(super) fn letters(self) -> String {
        let letters = [('e', self.errexit), ('f', self.noglob), ('u', self.nounset), ('x', self.xtrace)];
        letters.into_iter().filter(|(_, on)| *on).map(|(letter, _)| letter).collect()
    }
}

/// The state of a shell that its children begin with.
#[derive(Clone, Debug)]
pub(super) struct State {
    /// How it speaks.
    pub(super) voice: Voice,
    /// Its variables.
    pub(super) variables: Variables,
    /// Its functions.
    pub(super) functions: BTreeMap<String, Rc<Function>>,
    /// `$0`
    pub(super) name: String,
    /// `$1` and on.
    pub(super) positional: Vec<String>,
    /// Its options.
    pub(super) options: Options,
    /// `$?`
    pub(super) status: i32,
    /// `$$`: the process that began it all, in subshells too.
    pub(super) pid: Pid,
    /// `$!`
    pub(super) last_job: Option<Pid>,
    /// The line of the command that runs.
    pub(super) line: usize,
    /// Where `getopts` is: OPTIND as it left it, and the letter in that word.
    pub(super) option: (usize, usize),
}

impl State {
    /// The state of a new shell.
    pub(super) fn new(
        voice: Voice,
        variables: Variables,
        name: String,
        positional: Vec<String>,
        options: Options,
        pid: Pid,
    ) -> Self {
        Self {
            voice,
            variables,
            functions: BTreeMap::new(),
            name,
            positional,
            options,
            status: 0,
            pid,
            last_job: None,
            line: 1,
            option: (0, 1),
        }
    }
}
