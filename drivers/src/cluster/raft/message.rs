//! What the members say to each other, and what it consists of.

use serde::{Deserialize, Serialize};

use crate::cluster::store::{Change, Entry as Value};

/// A place in the log: who has the later one knows more.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
pub struct Position {
    /// The term in which the change was proposed.
    pub term: u64,
    /// Its revision.
    pub revision: u64,
}

/// Changes that are accepted together.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Entry {
    /// The term in which they were proposed.
    pub term: u64,
    /// The changes; there is one at least.
    pub changes: Vec<Change>,
}

impl Entry {
    /// Where it is.
    #[must_use]
    pub fn position(&self) -> Position {
        Position { term: self.term, revision: self.changes.last().map_or(0, |change| change.revision) }
    }

    /// Whether it can follow a revision.
    pub(super) fn follows(&self, revision: u64) -> bool {
        let is_sorted = self.changes.is_sorted_by_key(|change| change.revision);
        is_sorted && self.changes.first().is_some_and(|first| first.revision > revision)
    }
}

/// What a member says to another, or answers it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub enum Said {
    /// Vote for me, or would you?
    Vote {
        /// The term.
        term: u64,
        /// Who.
        from: String,
        /// How much it knows.
        last: Position,
        /// Whether it only asks.
        is_canvass: bool,
        /// Whether the leader wants it.
        handed_over: bool,
    },
    /// The answer.
    Voted {
        /// The term.
        term: u64,
        /// What was asked.
        is_canvass: bool,
        /// Whether it has the vote.
        granted: bool,
    },
    /// The leader is there, and this is new.
    Append {
        /// Its term.
        term: u64,
        /// Who.
        from: String,
        /// What comes before.
        before: Position,
        /// What is new.
        entries: Vec<Entry>,
        /// The revision up to which a majority has it.
        known: u64,
    },
    /// The leader is there, and this is all.
    Whole {
        /// Its term.
        term: u64,
        /// Who.
        from: String,
        /// How far it goes.
        at: Position,
        /// All values by key.
        values: Vec<(String, Value)>,
    },
    /// The answer to both.
    Heard {
        /// The term that who answers knows of.
        term: u64,
        /// Whether it has what the leader has, up to the revision.
        agrees: bool,
        /// That, else one up to which it has what a majority has.
        revision: u64,
    },
    /// Stand at once.
    Campaign {
        /// The leader's term.
        term: u64,
        /// Who.
        from: String,
    },
}

impl Said {
    /// Who says it, unless it is an answer.
    #[must_use]
    pub fn from(&self) -> Option<&str> {
        match self {
            Self::Vote { from, .. }
            | Self::Append { from, .. }
            | Self::Whole { from, .. }
            | Self::Campaign { from, .. } => Some(from),
            Self::Voted { .. } | Self::Heard { .. } => None,
        }
    }
}
