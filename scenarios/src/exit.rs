//! What the command's exit code says. Every way out of `netyard` is one of these.

use std::process::ExitCode;

/// How a command ended, from the mildest to the gravest: when several files end differently, the gravest counts.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Exit {
    /// All that was run met its expectations.
    Pass,
    /// There was nothing to run: a filter or a directory without scenarios must not look like success.
    NothingRan,
    /// An expectation was not met.
    Failed,
    /// A scenario had not ended when its time was up.
    TimeLimit,
    /// The same seed gave two different results.
    Nondeterministic,
    /// This machine lacks what the command needs; what is missing was said.
    Unsupported,
    /// The command line or a file is wrong.
    Usage,
    /// The user interrupted the command. The default action of SIGINT gives a shell the same number.
    Interrupted,
    /// A program that was run ended so.
    Program(u8),
}

impl Exit {
    /// The number that the process ends with.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Pass => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Unsupported => 3,
            Self::Nondeterministic => 4,
            Self::NothingRan => 5,
            Self::TimeLimit => 124,
            Self::Interrupted => 130,
            Self::Program(code) => code,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gravest_end_counts() {
        let ends = [Exit::Pass, Exit::TimeLimit, Exit::Failed];
        assert_eq!(ends.into_iter().max().map(Exit::code), Some(124));
        assert!(Exit::Usage > Exit::Nondeterministic && Exit::Failed > Exit::NothingRan);
    }
}
