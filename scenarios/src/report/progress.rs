//! The line on stderr that says which scenario is being played, on a terminal only. It is gone when the scenario is.

use std::env;
use std::io::{IsTerminal, Write, stderr};

/// Clears the line that the cursor is in.
const CLEAR: &str = "\r\x1b[K";

/// Whether progress is shown.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Progress {
    /// It is not.
    Hidden,
    /// It is.
    Shown,
}

impl Progress {
    /// Shown on a terminal, unless `CI` says that nobody looks at it.
    #[must_use]
    pub fn detect() -> Self {
        let is_watched = stderr().is_terminal() && env::var_os("CI").is_none();
        if is_watched { Self::Shown } else { Self::Hidden }
    }

    /// Says that the scenario in `file` is being played: number `number` of `count`.
    pub fn begin(self, number: usize, count: usize, file: &str) {
        self.write(&format!("{CLEAR}[{number}/{count}] {file}"));
    }

    /// Takes the line away.
    pub fn end(self) {
        self.write(CLEAR);
    }

    /// A terminal that cannot be written to is no reason to stop.
    fn write(self, text: &str) {
        match self {
            Self::Shown => drop(stderr().write_all(text.as_bytes())),
            Self::Hidden => {}
        }
    }
}
