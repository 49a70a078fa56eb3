//! The embedded store as a server: it answers what clients ask out of a [`Store`], at once or, for who watches, when
//! something has changed. How questions come and answers go is decided outside.

use std::collections::BTreeMap;

use netyard_sim::time::{Duration, Instant};

use super::remote::{Answer, Ask, Found};
use super::store::{Refusal, Store};

/// How long somebody watches before an answer that nothing has changed.
const WATCH_FOR: Duration = Duration::from_secs(30);

/// Somebody who watches.
#[derive(Clone, Debug)]
struct Watcher {
    prefix: String,
    after: u64,
    until: Instant,
}

/// A store, and who watches it, by the number of the question.
#[derive(Clone, Debug, Default)]
pub struct Keeper {
    store: Store,
    watchers: BTreeMap<u64, Watcher>,
}

impl Keeper {
    /// The store.
    #[must_use]
    pub const fn store(&self) -> &Store {
        &self.store
    }

    /// The store, to be changed; watchers hear of it with the next poll.
    pub const fn store_mut(&mut self) -> &mut Store {
        &mut self.store
    }

    /// Takes in a question; all answers that can be given now, by the numbers of their questions.
    pub fn take_in(&mut self, now: Instant, number: u64, ask: Ask) -> Vec<(u64, Answer)> {
        self.store.expire(now);
        let mut answers = Vec::new();
        if let Ask::Watch { prefix, after } = ask {
            self.watchers.insert(number, Watcher { prefix, after, until: now + WATCH_FOR });
        } else {
            answers.push((number, self.answer(now, ask)));
        }
        answers.extend(self.poll(now));
        answers
    }

    fn answer(&mut self, now: Instant, ask: Ask) -> Answer {
        let store = &mut self.store;
        match ask {
            Ask::Read { prefix } => Answer::All { revision: store.revision(), found: found(store, &prefix) },
            Ask::Commit(commit) => match store.commit(commit) {
                Ok(revision) => Answer::Committed { revision },
                Err(Refusal::Conflict) => Answer::Conflict,
                Err(Refusal::NoLease) => Answer::NoLease,
            },
            Ask::Grant { ttl_s } => Answer::Granted { lease: store.grant(now, Duration::from_secs(ttl_s)) },
            Ask::KeepAlive { lease } => {
                if store.keep_alive(now, lease) {
                    Answer::Noted
                } else {
                    Answer::NoLease
                }
            }
            Ask::Revoke { lease } => {
                store.revoke(now, lease);
                Answer::Noted
            }
            // Who watches is answered later.
            Ask::Watch { .. } => Answer::Noted,
        }
    }

    /// When [`Self::poll`] has something to say.
    #[must_use]
    pub fn next_at(&self) -> Option<Instant> {
        self.watchers.values().map(|watcher| watcher.until).chain(self.store.next_end()).min()
    }

    /// Ends what has lasted long enough, and answers who has watched for something that has happened.
    pub fn poll(&mut self, now: Instant) -> Vec<(u64, Answer)> {
        self.store.expire(now);
        let mut answers = Vec::new();
        let store = &self.store;
        self.watchers.retain(|number, watcher| {
            let answer = seen(store, watcher, now);
            let waits = answer.is_none();
            answers.extend(answer.map(|answer| (*number, answer)));
            waits
        });
        answers
    }
}

fn found(store: &Store, prefix: &str) -> Vec<Found> {
    let one = |(key, entry): (&str, &super::store::Entry)| Found {
        key: key.to_owned(),
        value: entry.value.clone(),
        modified: entry.modified,
        lease: entry.lease,
    };
    store.range(prefix).map(one).collect()
}

/// What a watcher is told now, if anything.
fn seen(store: &Store, watcher: &Watcher, now: Instant) -> Option<Answer> {
    let Ok(changes) = store.changes(watcher.after, &watcher.prefix) else { return Some(Answer::Forgotten) };
    let changes: Vec<_> = changes.cloned().collect();
    (!changes.is_empty() || watcher.until <= now).then(|| Answer::Changes { revision: store.revision(), changes })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::store::{Change, Commit, LeaseId, Put};

    fn put(key: &str, lease: Option<LeaseId>) -> Ask {
        let put = Put { key: key.to_owned(), value: "x".to_owned(), lease };
        Ask::Commit(Commit { puts: vec![put], ..Commit::default() })
    }

    #[test]
    fn who_watches_is_answered_when_something_happens() {
        let (mut keeper, start) = (Keeper::default(), Instant::ZERO);
        let watch = Ask::Watch { prefix: "n/".to_owned(), after: 0 };
        assert_eq!(keeper.take_in(start, 1, watch), []);
        assert_eq!(keeper.take_in(start, 2, put("m/a", None)), [(2, Answer::Committed { revision: 1 })]);
        let told = keeper.take_in(start, 3, put("n/a", None));
        let change = Change { revision: 2, key: "n/a".to_owned(), value: Some("x".to_owned()), lease: None };
        let changes = Answer::Changes { revision: 2, changes: vec![change] };
        assert_eq!(told, [(3, Answer::Committed { revision: 2 }), (1, changes)]);
        keeper.take_in(start, 4, Ask::Watch { prefix: "n/".to_owned(), after: 2 });
        assert_eq!(keeper.next_at(), Some(start + WATCH_FOR));
        assert_eq!(keeper.poll(start + WATCH_FOR), [(4, Answer::Changes { revision: 2, changes: vec![] })]);
    }

    #[test]
    fn what_hangs_on_a_lease_is_seen_to_go() {
        let (mut keeper, start) = (Keeper::default(), Instant::ZERO);
        let granted = keeper.take_in(start, 1, Ask::Grant { ttl_s: 3 });
        let [(1, Answer::Granted { lease })] = granted[..] else { panic!("{granted:?}") };
        keeper.take_in(start, 2, put("n/a", Some(lease)));
        keeper.take_in(start, 3, Ask::Watch { prefix: String::new(), after: 1 });
        let end = start + Duration::from_secs(3);
        assert_eq!(keeper.next_at(), Some(end));
        let change = Change { revision: 2, key: "n/a".to_owned(), value: None, lease: None };
        assert_eq!(keeper.poll(end), [(3, Answer::Changes { revision: 2, changes: vec![change] })]);
        assert_eq!(keeper.take_in(end, 4, Ask::KeepAlive { lease }), [(4, Answer::NoLease)]);
    }
}
