//! What can go wrong in a lab.

use std::fmt;

/// Why a lab did not do what it was asked for.
#[derive(Debug)]
pub enum LabError {
    /// A compose file that cannot be read or asks for what is not here.
    Compose(String),
    /// A command whose exit code is not 0.
    Failed {
        /// The command.
        command: String,
        /// Its exit code.
        status: i32,
        /// What it printed.
        output: String,
    },
    /// A future that runs in the lab cannot be in two labs.
    CannotFork,
    /// A future ended with its place.
    Killed(String),
    /// No host, running container or namespace of this name.
    NoSuchPlace(String),
    /// A scenario that does not do what it says.
    Scenario(String),
    /// A socket of a place said so.
    Socket(std::io::Error),
    /// Something was not done in time.
    TimeLimit {
        /// What.
        what: String,
    },
}

impl fmt::Display for LabError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Compose(text) => write!(f, "compose file: {text}"),
            Self::Failed { command, status, output } => {
                write!(f, "{command:?} ended with {status}: {}", output.trim_end())
            }
            Self::CannotFork => f.write_str("a lab in which a future of the test runs cannot be forked"),
            Self::Killed(place) => write!(f, "what ran in {place} was killed"),
            Self::NoSuchPlace(place) => write!(f, "no host, running container or namespace is called {place:?}"),
            Self::Scenario(text) => write!(f, "scenario: {text}"),
            Self::Socket(error) => error.fmt(f),
            Self::TimeLimit { what } => write!(f, "waited too long for {what}"),
        }
    }
}

impl std::error::Error for LabError {}

impl From<std::io::Error> for LabError {
    fn from(error: std::io::Error) -> Self {
        Self::Socket(error)
    }
}
