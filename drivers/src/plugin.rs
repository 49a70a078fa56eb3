//! Libnetwork's plugin protocol as values: what a plugin is asked ([`Ask`]), what it answers ([`answer`]), and what passed
//! between an engine and its plugins in one talk ([`Journal`]). Nothing is sent here; whoever carries a [`Question`] to a
//! plugin brings an [`Outcome`] back.
//!
//! How it works: whoever talks with plugins does so in a function that can be run again and again. Each time it reads the
//! journal of the talk from its beginning and goes on where the last answer left it; the first question without an answer
//! stops it with [`Halt::Ask`], and it is run again when the answer is there. What a talk has made is taken back by the
//! same journal, read backwards.

pub mod answer;
mod ask;
mod journal;
mod known;

pub use ask::{Ask, Place, Ports, Settings, SubnetData};
pub use journal::{Halt, Journal, Reader};
pub use known::{Known, Registry, Role};

/// The longest answer that is read, in bytes.
pub const ANSWER_MAX: usize = 1024 * 1024;

/// Something that a plugin is asked.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Question {
    /// The name of the plugin.
    pub plugin: String,
    /// What it is asked.
    pub ask: Ask,
}

/// What came of a question: the body of the answer.
pub type Outcome = Result<Vec<u8>, Failure>;

/// Why there is no answer.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Failure {
    /// There is no such plugin.
    Unknown,
    /// The plugin answered with an HTTP status that is none of success, and this body.
    Refused(Vec<u8>),
    /// It could not be asked, in the words of whoever tried.
    Broken(String),
}

impl Failure {
    /// The failure of whoever waited in vain, as Go's HTTP client says it.
    #[must_use]
    pub fn timeout(url: &str) -> Self {
        Self::Broken(format!(
            "Post \"{url}\": context deadline exceeded (Client.Timeout exceeded while awaiting headers)"
        ))
    }

    /// The failure of an answer that is longer than [`ANSWER_MAX`].
    #[must_use]
    pub fn too_long() -> Self {
        Self::Broken(format!("the answer is longer than {ANSWER_MAX} bytes"))
    }
}
