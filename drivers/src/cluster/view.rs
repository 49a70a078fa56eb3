//! What a store says, as a client of it knows: a copy of its values, brought up to date by what it tells.

use std::collections::BTreeMap;

use super::remote::Found;
use super::store::{Change, LeaseId};

/// A value.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Known {
    /// What it says.
    pub value: String,
    /// The revision that changed it last.
    pub modified: u64,
    /// With what it goes.
    pub lease: Option<LeaseId>,
}

/// All values of a store whose keys begin in one way, by the rest of their keys.
#[derive(Clone, Debug, Default)]
pub struct View {
    prefix: String,
    revision: u64,
    known: BTreeMap<String, Known>,
}

impl View {
    /// Nothing, as it is before a store was read.
    #[must_use]
    pub const fn new(prefix: String) -> Self {
        Self { prefix, revision: 0, known: BTreeMap::new() }
    }

    /// How all keys begin.
    #[must_use]
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The revision that it shows.
    #[must_use]
    pub const fn revision(&self) -> u64 {
        self.revision
    }

    /// A value.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Known> {
        self.known.get(key)
    }

    /// The revision that changed a value last; 0 when it is not there.
    #[must_use]
    pub fn modified(&self, key: &str) -> u64 {
        self.get(key).map_or(0, |known| known.modified)
    }

    /// The values whose keys begin so: the rest of each key, and the value.
    pub fn range<'a, 'p>(&'a self, prefix: &'p str) -> impl Iterator<Item = (&'a str, &'a Known)> + use<'a, 'p> {
        let from = self.known.range(prefix.to_owned()..);
        from.map_while(move |(key, known)| Some((key.strip_prefix(prefix)?, known)))
    }

    /// Shows all that was read.
    pub(super) fn replace(&mut self, revision: u64, found: Vec<Found>) {
        let known = found.into_iter().filter_map(|Found { key, value, modified, lease }| {
            let key = key.strip_prefix(&self.prefix)?.to_owned();
            Some((key, Known { value, modified, lease }))
        });
        self.known = known.collect();
        self.revision = revision;
    }

    /// Takes in changes; false when they do not follow what it shows.
    #[must_use]
    pub(super) fn follow(&mut self, revision: u64, changes: Vec<Change>) -> bool {
        let is_next = |change: &Change| (self.revision + 1..=revision).contains(&change.revision);
        let is_sorted = changes.is_sorted_by_key(|change| change.revision);
        if revision < self.revision || !is_sorted || !changes.iter().all(is_next) {
            return false;
        }
        for Change { revision: modified, key, value, lease } in changes {
            let Some(key) = key.strip_prefix(&self.prefix) else { continue };
            match value {
                Some(value) => self.known.insert(key.to_owned(), Known { value, modified, lease }),
                None => self.known.remove(key),
            };
        }
        self.revision = revision;
        true
    }
}
