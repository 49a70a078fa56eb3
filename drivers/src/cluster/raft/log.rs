//! What a member has: the store, as far as a majority has it, and the tail behind it, of which nobody knows yet. Who may
//! say so is not decided here.

use core::net::SocketAddr;
use std::collections::{BTreeMap, VecDeque};

use super::MEMBERS;
use super::message::{Entry, Position, Said};
use crate::cluster::store::{Entry as Value, Store};

/// How many entries are remembered for who is slow (`LogEntriesForSlowFollowers`).
const PAST: usize = 500;
/// How many changes are told at once.
const AT_ONCE: usize = 256;

#[derive(Clone, Debug)]
pub(super) struct Log {
    store: Store,
    at: Position,
    tail: Vec<Entry>,
    past: VecDeque<Entry>,
}

impl Log {
    pub(super) const fn new(store: Store, at: Position) -> Self {
        Self { store, at, tail: Vec::new(), past: VecDeque::new() }
    }

    pub(super) const fn store(&self) -> &Store {
        &self.store
    }

    pub(super) fn last(&self) -> Position {
        self.tail.last().map_or(self.at, Entry::position)
    }

    pub(super) fn latest(&self) -> Store {
        let mut store = self.store.clone();
        self.tail.iter().for_each(|entry| store.apply(&entry.changes));
        store
    }

    pub(super) fn members(&self) -> BTreeMap<String, SocketAddr> {
        let member =
            |(key, value): (&str, &Value)| Some((key.strip_prefix(MEMBERS)?.to_owned(), value.value.parse().ok()?));
        self.store.range(MEMBERS).filter_map(member).collect()
    }

    pub(super) fn push(&mut self, entry: Entry) {
        self.tail.push(entry);
    }

    /// Takes in a leader's entries; up to which revision it has then what the leader has, or none when it lacks what comes
    /// before them.
    pub(super) fn append(&mut self, before: Position, entries: Vec<Entry>, known: u64) -> Option<u64> {
        // What a majority has is the same everywhere.
        let has = before.revision <= self.at.revision || self.tail.iter().any(|entry| entry.position() == before);
        if !has {
            return None;
        }
        let mut agreed = before.revision;
        for entry in entries {
            let position = entry.position();
            if !entry.follows(agreed) {
                return None;
            }
            agreed = position.revision;
            if agreed <= self.at.revision || self.tail.iter().any(|own| own.position() == position) {
                continue;
            }
            let first = entry.changes.first().map_or(0, |change| change.revision);
            self.tail.retain(|own| own.position().revision < first);
            if !entry.follows(self.last().revision) {
                return None;
            }
            self.tail.push(entry);
        }
        self.commit(known.min(agreed));
        Some(agreed.max(self.at.revision))
    }

    /// Takes in all that a leader's majority has. What was accepted behind it stays.
    pub(super) fn replace(&mut self, at: Position, values: Vec<(String, Value)>) {
        if at.revision <= self.at.revision {
            return;
        }
        match self.tail.iter().position(|own| own.position() == at) {
            Some(last) => drop(self.tail.drain(..=last)),
            None => self.tail.clear(),
        }
        self.past.clear();
        (self.store, self.at) = (Store::restored(at.revision, values), at);
    }

    /// What somebody is told who has everything up to `next`.
    pub(super) fn news(&self, term: u64, from: &str, next: u64) -> Said {
        let from = from.to_owned();
        let all = || self.past.iter().chain(&self.tail);
        let known = self.store.revision();
        let before = all().map(Entry::position).chain([self.at]).find(|position| position.revision == next);
        let Some(before) = before else {
            let values = self.store.range("").map(|(key, value)| (key.to_owned(), value.clone()));
            return Said::Whole { term, from, at: self.at, values: values.collect() };
        };
        let mut room = AT_ONCE;
        let later = all().filter(|entry| entry.position().revision > next);
        let entries = later.take_while(|entry| {
            let fits = room > 0;
            room = room.saturating_sub(entry.changes.len());
            fits
        });
        Said::Append { term, from, before, entries: entries.cloned().collect(), known }
    }

    /// Notes that a majority has everything up to a revision, if some of it is of this term; whether that is news.
    pub(super) fn commit_of_term(&mut self, term: u64, revision: u64) -> bool {
        let of_term = self.tail.iter().map(Entry::position).filter(|p| p.term == term && p.revision <= revision).max();
        if let Some(position) = of_term {
            self.commit(position.revision);
        }
        of_term.is_some()
    }

    fn commit(&mut self, revision: u64) {
        let count = self.tail.iter().take_while(|entry| entry.position().revision <= revision).count();
        for entry in self.tail.drain(..count) {
            self.store.apply(&entry.changes);
            self.at = entry.position();
            self.past.push_back(entry);
        }
        while self.past.len() > PAST {
            self.past.pop_front();
        }
    }
}
