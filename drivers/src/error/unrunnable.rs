//! Why a program cannot be run in a container, as Go says it.

/// Why a program cannot be run.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Unrunnable {
    /// It is a directory, or a file that is no program.
    Forbidden,
    /// There is no such file.
    Missing,
    /// No directory of the path has it.
    NotInPath,
}

impl Unrunnable {
    /// What Go says of it.
    #[must_use]
    pub fn text(self, program: &str) -> String {
        match self {
            Self::Forbidden => "permission denied".to_owned(),
            Self::Missing => format!("stat {program}: no such file or directory"),
            Self::NotInPath => "executable file not found in $PATH".to_owned(),
        }
    }

    /// The exit code that goes with it.
    #[must_use]
    pub const fn code(self) -> i32 {
        match self {
            Self::Forbidden => 126,
            Self::Missing | Self::NotInPath => 127,
        }
    }
}
