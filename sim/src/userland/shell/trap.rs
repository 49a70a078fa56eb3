//! What a shell does when a signal comes, or at its end.

use std::collections::{BTreeMap, VecDeque};

use super::variables::quoted;
use crate::userland::Signal;

/// When a trap springs.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Condition {
    /// At the shell's end.
    Exit,
    /// When this signal comes.
    Signal(Signal),
}

impl Condition {
    /// The condition written as `INT`, `SIGINT`, `2`, `EXIT` or `0`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        match text {
            "0" | "EXIT" | "exit" => Some(Self::Exit),
            _ => Signal::parse(text).map(Self::Signal),
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Exit => "EXIT",
            Self::Signal(signal) => signal.name(),
        }
    }
}

/// The traps of a shell, and the signals that wait to be answered.
#[derive(Clone, Debug, Default)]
pub(super) struct Traps {
    actions: BTreeMap<Condition, String>,
    pending: VecDeque<Signal>,
}

impl Traps {
    /// Sets an action; an empty one ignores.
    pub(super) fn set(&mut self, condition: Condition, action: String) {
        self.actions.insert(condition, action);
    }

    /// Back to the default.
    pub(super) fn reset(&mut self, condition: Condition) {
        self.actions.remove(&condition);
    }

    /// A signal came; true when a trap takes it.
    pub(super) fn take(&mut self, signal: Signal) -> bool {
        let Some(action) = self.actions.get(&Condition::Signal(signal)) else { return false };
        if !action.is_empty() {
            self.pending.push_back(signal);
        }
        true
    }

    /// The next action to run.
    pub(super) fn next(&mut self) -> Option<String> {
        let signal = self.pending.pop_front()?;
        self.actions.get(&Condition::Signal(signal)).cloned()
    }

    /// The action for the shell's end, once.
    pub(super) fn at_exit(&mut self) -> Option<String> {
        self.actions.remove(&Condition::Exit)
    }

    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.actions.is_empty()
    }

    /// The traps as commands that set them.
    pub(super) fn list(&self) -> String {
        self.actions.iter().map(|(c, action)| format!("trap -- {} {}\n", quoted(action), c.name())).collect()
    }

    /// What a subshell begins with: signals that are ignored stay so.
    pub(super) fn inherited(&self) -> Self {
        let ignored = self.actions.iter().filter(|(_, action)| action.is_empty());
        Self { actions: ignored.map(|(c, a)| (*c, a.clone())).collect(), pending: VecDeque::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_action_swallows_the_signal_and_reaches_subshells() {
        let mut traps = Traps::default();
        traps.set(Condition::Signal(Signal::Interrupt), String::new());
        traps.set(Condition::Signal(Signal::Terminate), "echo bye".to_owned());
        assert!(traps.take(Signal::Interrupt));
        assert_eq!(traps.next(), None);
        assert!(traps.take(Signal::Terminate));
        assert_eq!(traps.next().as_deref(), Some("echo bye"));
        assert!(!traps.inherited().take(Signal::Terminate));
        assert_eq!(traps.list(), "trap -- '' INT\ntrap -- 'echo bye' TERM\n");
    }
}
