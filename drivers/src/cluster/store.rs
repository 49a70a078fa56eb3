//! The cluster's store: text values by key, with revisions, compare-and-set, leases and what a watcher has missed. A plain
//! value: who keeps it, and how it reaches others, is decided outside.
//!
//! Every change has the next revision. Changes are remembered up to a bound; who comes later reads the whole.

use std::collections::{BTreeMap, VecDeque};

use netyard_sim::time::{Duration, Instant};
use serde::{Deserialize, Serialize};

/// How many changes are remembered.
const HISTORY: usize = 1 << 16;

/// A value and its past.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Entry {
    /// What it says.
    pub value: String,
    /// The revision that made it.
    pub created: u64,
    /// The revision that changed it last.
    pub modified: u64,
    /// With what it goes.
    pub lease: Option<LeaseId>,
}

/// A lease, by number.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
pub struct LeaseId(u64);

impl LeaseId {
    /// The lease of this number.
    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// Its number.
    #[must_use]
    pub const fn number(self) -> u64 {
        self.0
    }
}

/// How long what hangs on a lease stays, unless somebody speaks for it.
#[derive(Clone, Copy, Debug)]
struct Lease {
    ttl: Duration,
    until: Instant,
}

/// A change: a new value, or none any more.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Change {
    /// Its revision.
    pub revision: u64,
    /// Of what.
    pub key: String,
    /// What it says now.
    pub value: Option<String>,
    /// With what it goes.
    pub lease: Option<LeaseId>,
}

/// A value to be set.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Put {
    /// Its key.
    pub key: String,
    /// What it shall say.
    pub value: String,
    /// With what it goes.
    pub lease: Option<LeaseId>,
}

/// Changes that are made together or not at all. No key is changed twice.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Commit {
    /// Keys, and which revision must have changed each last; 0 stands for what must not be there.
    pub seen: Vec<(String, u64)>,
    /// What is set.
    pub puts: Vec<Put>,
    /// What is removed, if it is there.
    pub deletes: Vec<String>,
}

/// Why changes were not made.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Refusal {
    /// Somebody else was first.
    Conflict,
    /// A lease has ended.
    NoLease,
}

/// A value is not what the writer took it for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Conflict;

/// So old a revision that not every change since is remembered.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Compacted;

/// Values by key.
#[derive(Clone, Debug, Default)]
pub struct Store {
    revision: u64,
    entries: BTreeMap<String, Entry>,
    leases: BTreeMap<LeaseId, Lease>,
    next_lease: u64,
    history: VecDeque<Change>,
}

impl Store {
    /// The revision of the last change.
    #[must_use]
    pub const fn revision(&self) -> u64 {
        self.revision
    }

    /// The value of a key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Entry> {
        self.entries.get(key)
    }

    /// The values whose keys begin so, in the order of their keys.
    pub fn range<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a str, &'a Entry)> {
        let from = self.entries.range(prefix.to_owned()..);
        from.map(|(key, entry)| (key.as_str(), entry)).take_while(move |(key, _)| key.starts_with(prefix))
    }

    /// A store that says what another one said; what comes of leases is that one's affair.
    #[must_use]
    pub fn restored(revision: u64, entries: Vec<(String, Entry)>) -> Self {
        Self { revision, entries: entries.into_iter().collect(), ..Self::default() }
    }

    /// Makes the changes that another store has made after the same revision.
    pub fn apply(&mut self, changes: &[Change]) {
        for Change { revision, key, value, lease } in changes {
            self.revision = *revision;
            match value {
                Some(value) => self.write(key, value.clone(), *lease),
                None => self.erase(key),
            }
        }
    }

    /// Leases are over, but not what hung on them.
    pub fn forget_leases(&mut self) {
        self.leases.clear();
        self.entries.values_mut().for_each(|entry| entry.lease = None);
    }

    /// Sets a value; the revision of that.
    pub fn put(&mut self, key: &str, value: String) -> u64 {
        self.set(key, value, None)
    }

    /// Makes changes together; the revision that all of them have.
    ///
    /// # Errors
    /// A value is not what the writer took it for, or a lease has ended; nothing is changed then.
    pub fn commit(&mut self, commit: Commit) -> Result<u64, Refusal> {
        let is_seen = |(key, modified): &(String, u64)| self.get(key).map_or(0, |is| is.modified) == *modified;
        if !commit.seen.iter().all(is_seen) {
            return Err(Refusal::Conflict);
        }
        if !commit.puts.iter().filter_map(|put| put.lease).all(|lease| self.leases.contains_key(&lease)) {
            return Err(Refusal::NoLease);
        }
        let deletes: Vec<String> = commit.deletes.into_iter().filter(|key| self.entries.contains_key(key)).collect();
        if commit.puts.is_empty() && deletes.is_empty() {
            return Ok(self.revision);
        }
        self.revision += 1;
        for Put { key, value, lease } in commit.puts {
            self.write(&key, value, lease);
        }
        for key in deletes {
            self.erase(&key);
        }
        Ok(self.revision)
    }

    /// Sets a value that goes when the lease ends, at once when there is no such lease.
    pub fn put_leased(&mut self, key: &str, value: String, lease: LeaseId) -> u64 {
        let revision = self.set(key, value, Some(lease));
        if !self.leases.contains_key(&lease) {
            self.delete(key);
        }
        revision
    }

    /// Sets a value that was last changed by revision `modified`; 0 stands for one that is not there.
    ///
    /// # Errors
    /// Somebody else has changed it.
    pub fn compare_and_put(&mut self, key: &str, modified: u64, value: String) -> Result<u64, Conflict> {
        let is = self.entries.get(key);
        if is.map_or(0, |entry| entry.modified) != modified {
            return Err(Conflict);
        }
        let lease = is.and_then(|entry| entry.lease);
        Ok(self.set(key, value, lease))
    }

    fn set(&mut self, key: &str, value: String, lease: Option<LeaseId>) -> u64 {
        self.revision += 1;
        self.write(key, value, lease);
        self.revision
    }

    /// Sets a value at the present revision.
    fn write(&mut self, key: &str, value: String, lease: Option<LeaseId>) {
        self.note(key, Some(value.clone()), lease);
        let created = self.entries.get(key).map_or(self.revision, |entry| entry.created);
        self.entries.insert(key.to_owned(), Entry { value, created, modified: self.revision, lease });
    }

    /// Removes a value; false when there was none.
    pub fn delete(&mut self, key: &str) -> bool {
        let is_there = self.entries.contains_key(key);
        if is_there {
            self.revision += 1;
            self.erase(key);
        }
        is_there
    }

    /// Removes a value at the present revision.
    fn erase(&mut self, key: &str) {
        self.entries.remove(key);
        self.note(key, None, None);
    }

    fn note(&mut self, key: &str, value: Option<String>, lease: Option<LeaseId>) {
        self.history.push_back(Change { revision: self.revision, key: key.to_owned(), value, lease });
        while self.history.len() > HISTORY {
            let first = self.history.pop_front().map(|change| change.revision);
            // Half a revision is worth nothing.
            while self.history.front().map(|change| change.revision) == first {
                self.history.pop_front();
            }
        }
    }

    /// What a watcher of keys that begin so has missed after a revision, oldest first.
    ///
    /// # Errors
    /// Not all of it is remembered.
    pub fn changes<'a>(
        &'a self,
        after: u64,
        prefix: &'a str,
    ) -> Result<impl Iterator<Item = &'a Change> + use<'a>, Compacted> {
        let forgotten = self.history.front().map_or(self.revision, |first| first.revision - 1);
        if after < forgotten || after > self.revision {
            return Err(Compacted);
        }
        Ok(self.history.iter().filter(move |change| change.revision > after && change.key.starts_with(prefix)))
    }

    /// A new lease, for so long from now.
    pub fn grant(&mut self, now: Instant, ttl: Duration) -> LeaseId {
        self.next_lease += 1;
        let id = LeaseId(self.next_lease);
        self.leases.insert(id, Lease { ttl, until: now + ttl });
        id
    }

    /// Lets a lease begin anew; false when it has ended.
    pub fn keep_alive(&mut self, now: Instant, id: LeaseId) -> bool {
        let lease = self.leases.get_mut(&id).filter(|lease| lease.until > now);
        lease.map(|lease| lease.until = now + lease.ttl).is_some()
    }

    /// Ends a lease, with what hangs on it; the keys of that.
    pub fn revoke(&mut self, now: Instant, id: LeaseId) -> Vec<String> {
        self.leases.remove(&id);
        self.expire(now)
    }

    /// When the next lease ends.
    #[must_use]
    pub fn next_end(&self) -> Option<Instant> {
        self.leases.values().map(|lease| lease.until).min()
    }

    /// Ends the leases whose time is over, with what hangs on them; the keys of that.
    pub fn expire(&mut self, now: Instant) -> Vec<String> {
        self.leases.retain(|_, lease| lease.until > now);
        let leases = &self.leases;
        let is_over = |entry: &Entry| entry.lease.is_some_and(|lease| !leases.contains_key(&lease));
        let gone = self.entries.iter().filter(|(_, entry)| is_over(entry));
        let gone: Vec<String> = gone.map(|(key, _)| key.clone()).collect();
        gone.iter().for_each(|key| {
            self.delete(key);
        });
        gone
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_watcher_hears_what_it_missed_and_nothing_else() {
        let mut store = Store::default();
        store.put("node/a", "1".to_owned());
        let seen = store.put("network/n", "x".to_owned());
        store.put("node/a", "2".to_owned());
        store.delete("node/a");
        store.put("network/n", "y".to_owned());
        let missed: Vec<_> = store.changes(seen, "node/").unwrap().map(|c| (c.revision, c.value.clone())).collect();
        assert_eq!(missed, [(3, Some("2".to_owned())), (4, None)]);
        assert_eq!(store.changes(9, "").err(), Some(Compacted), "a revision that never was");
    }

    #[test]
    fn changes_are_remembered_up_to_a_bound() {
        let mut store = Store::default();
        (0..=HISTORY).for_each(|n| {
            store.put("k", n.to_string());
        });
        assert_eq!(store.changes(0, "").err(), Some(Compacted));
        assert_eq!(store.changes(1, "").unwrap().count(), HISTORY);
    }

    #[test]
    fn of_two_writers_who_read_the_same_one_is_refused() {
        let mut store = Store::default();
        assert_eq!(store.compare_and_put("k", 0, "a".to_owned()), Ok(1));
        assert_eq!(store.compare_and_put("k", 1, "b".to_owned()), Ok(2));
        assert_eq!(store.compare_and_put("k", 1, "c".to_owned()), Err(Conflict));
        assert_eq!(store.compare_and_put("k", 0, "c".to_owned()), Err(Conflict));
        assert_eq!(store.get("k").map(|e| (e.value.as_str(), e.created, e.modified)), Some(("b", 1, 2)));
    }

    #[test]
    fn what_is_committed_together_is_seen_together_or_not_at_all() {
        let mut store = Store::default();
        let put = |key: &str| Put { key: key.to_owned(), value: "x".to_owned(), lease: None };
        let commit = |seen: &[(&str, u64)], puts: &[&str], deletes: &[&str]| Commit {
            seen: seen.iter().map(|(key, revision)| ((*key).to_owned(), *revision)).collect(),
            puts: puts.iter().map(|key| put(key)).collect(),
            deletes: deletes.iter().map(|key| (*key).to_owned()).collect(),
        };
        assert_eq!(store.commit(commit(&[("a", 0)], &["a", "b"], &["nobody"])), Ok(1));
        assert_eq!(store.commit(commit(&[("a", 0)], &["c"], &[])), Err(Refusal::Conflict));
        assert_eq!(store.commit(commit(&[("a", 1), ("c", 0)], &["c"], &["a"])), Ok(2));
        assert_eq!(
            store.changes(0, "").unwrap().map(|c| (c.revision, c.key.as_str())).collect::<Vec<_>>(),
            [(1, "a"), (1, "b"), (2, "c"), (2, "a")]
        );
        assert_eq!(store.commit(commit(&[("c", 2)], &[], &["a"])), Ok(2), "nothing is to be done");
        let lost = Put { lease: Some(LeaseId::new(7)), ..put("d") };
        assert_eq!(store.commit(Commit { puts: vec![lost], ..Commit::default() }), Err(Refusal::NoLease));
    }

    #[test]
    fn what_hangs_on_a_lease_goes_with_it() {
        let mut store = Store::default();
        let start = Instant::ZERO;
        let lease = store.grant(start, 3 * SECOND);
        store.put_leased("alive/a", String::new(), lease);
        store.put("node/a", String::new());
        assert!(store.keep_alive(start + 2 * SECOND, lease));
        assert_eq!(store.expire(start + 4 * SECOND), [] as [String; 0]);
        assert_eq!(store.next_end(), Some(start + 5 * SECOND));
        assert_eq!(store.expire(start + 5 * SECOND), ["alive/a"]);
        assert!(!store.keep_alive(start + 5 * SECOND, lease), "it has ended");
        assert_eq!(store.range("").map(|(key, _)| key).collect::<Vec<_>>(), ["node/a"]);
    }
}
