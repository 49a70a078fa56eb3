//! A client of a store that is somewhere else: it keeps a view of it, a lease in it, and tells what has become of the
//! changes it was asked to make. It sends nothing: questions are taken from it, answers and failures are told to it.
//!
//! How it works: it reads the whole, then watches. When anything fails the store is away: the view stays as it is and
//! the whole is read again, a second later and for as long as it takes. A change is reported as made only when the view
//! shows it, so that whoever plans the next one does not plan on what is over; of a change that was under way when the
//! store went away nobody knows whether it was made, until the view is fresh again.

use std::collections::{BTreeMap, VecDeque};

use netyard_sim::time::{Duration, Instant};

use super::remote::{Answer, Ask};
use super::store::{Commit, LeaseId};
use super::view::View;

/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long until the store is tried again.
const AGAIN: Duration = Duration::from_secs(1);
/// How long what a node has in the store stays there after it was heard last (docker's `discovery.ttl`).
pub const TTL_S: u64 = 60;
/// How often it is heard (docker's `discovery.heartbeat`).
const HEARTBEAT: Duration = Duration::from_secs(20);

/// Whether the store can be used.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Standing<'a> {
    /// It was not heard yet; nothing has failed so far.
    Calling,
    /// It can, and the view is fresh.
    Up,
    /// It cannot, for this reason.
    Away(&'a str),
}

/// What has become of a change.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// It was made, and the view shows it.
    Made,
    /// It was not made, since the store says something else by now, which the view shows.
    Conflict,
    /// Nobody knows: the store went away, for this reason.
    Doubtful(String),
}

/// What a question was asked for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Purpose {
    Commit,
    Grant,
    Keep,
    Read,
    Watch,
}

/// A client.
#[derive(Clone, Debug)]
pub struct Client {
    view: View,
    is_fresh: bool,
    trouble: Option<String>,
    read_at: Option<Instant>,
    lease: Option<LeaseId>,
    keep_at: Option<Instant>,
    open: BTreeMap<u64, (Purpose, Option<Instant>)>,
    next: u64,
    asks: VecDeque<(u64, Ask)>,
    /// Changes that are decided, and the outcomes that they have when the view is so far.
    decided: Vec<(u64, u64, Outcome)>,
    outcomes: VecDeque<(u64, Outcome)>,
}

impl Client {
    /// A client of the values whose keys begin so, which calls the store at once.
    #[must_use]
    pub const fn new(now: Instant, prefix: String) -> Self {
        Self {
            view: View::new(prefix),
            is_fresh: false,
            trouble: None,
            read_at: Some(now),
            lease: None,
            keep_at: None,
            open: BTreeMap::new(),
            next: 0,
            asks: VecDeque::new(),
            decided: Vec::new(),
            outcomes: VecDeque::new(),
        }
    }

    /// What it knows of the store.
    #[must_use]
    pub const fn view(&self) -> &View {
        &self.view
    }

    /// Whether the store can be used.
    #[must_use]
    pub fn standing(&self) -> Standing<'_> {
        match &self.trouble {
            _ if self.is_fresh => Standing::Up,
            Some(why) => Standing::Away(why),
            None => Standing::Calling,
        }
    }

    /// The lease on which everything hangs that is a node's own.
    #[must_use]
    pub const fn lease(&self) -> Option<LeaseId> {
        self.lease
    }

    /// Asks for changes; the number under which their outcome is told. Keys are without the prefix.
    pub fn commit(&mut self, now: Instant, mut commit: Commit) -> u64 {
        let prefix = self.view.prefix().to_owned();
        let keys = commit.seen.iter_mut().map(|(key, _)| key).chain(commit.puts.iter_mut().map(|put| &mut put.key));
        keys.chain(&mut commit.deletes).for_each(|key| key.insert_str(0, &prefix));
        self.ask(Purpose::Commit, Some(now + PATIENCE), Ask::Commit(commit))
    }

    fn ask(&mut self, purpose: Purpose, until: Option<Instant>, ask: Ask) -> u64 {
        self.next += 1;
        self.open.insert(self.next, (purpose, until));
        self.asks.push_back((self.next, ask));
        self.next
    }

    /// The questions to be carried, with their numbers.
    pub fn take_asks(&mut self) -> Vec<(u64, Ask)> {
        self.asks.drain(..).collect()
    }

    /// The next change of which it is known what has become of it.
    pub fn take_outcome(&mut self) -> Option<(u64, Outcome)> {
        self.outcomes.pop_front()
    }

    /// When [`Self::poll`] has something to do.
    #[must_use]
    pub fn next_at(&self) -> Option<Instant> {
        let overdue = self.open.values().filter_map(|(_, until)| *until);
        let at_once = (!self.asks.is_empty() || !self.outcomes.is_empty()).then_some(Instant::ZERO);
        overdue.chain(self.read_at).chain(self.keep_at).chain(at_once).min()
    }

    /// Does what is due.
    pub fn poll(&mut self, now: Instant) {
        if self.open.values().any(|(_, until)| until.is_some_and(|until| until <= now)) {
            self.fail(now, "no answer within 5 seconds");
        }
        if self.read_at.take_if(|at| *at <= now).is_some() {
            self.read(now);
        }
        if self.keep_at.take_if(|at| *at <= now).is_some()
            && let Some(lease) = self.lease
        {
            self.ask(Purpose::Keep, Some(now + PATIENCE), Ask::KeepAlive { lease });
        }
    }

    fn read(&mut self, now: Instant) {
        if !self.open.values().any(|(purpose, _)| *purpose == Purpose::Read) {
            let prefix = self.view.prefix().to_owned();
            self.ask(Purpose::Read, Some(now + PATIENCE), Ask::Read { prefix });
        }
    }

    fn watch(&mut self) {
        let (prefix, after) = (self.view.prefix().to_owned(), self.view.revision());
        self.ask(Purpose::Watch, None, Ask::Watch { prefix, after });
    }

    /// Takes in the answer to a question, or why there is none. Whoever was not asked is not listened to.
    pub fn take_in(&mut self, now: Instant, number: u64, answer: Result<Answer, String>) {
        let Some((purpose, _)) = self.open.remove(&number) else { return };
        let answer = match answer {
            Ok(answer) => answer,
            Err(why) => {
                self.doubt(number, purpose, &why);
                return self.fail(now, &why);
            }
        };
        match (purpose, answer) {
            (Purpose::Read, Answer::All { revision, found }) => self.take_all(now, revision, found),
            (Purpose::Watch, Answer::Changes { revision, changes }) => {
                if self.view.follow(revision, changes) {
                    self.settle();
                    self.watch();
                } else {
                    self.fail(now, "what it says has changed does not follow what it said before");
                }
            }
            (Purpose::Watch, Answer::Forgotten) => self.read(now),
            (Purpose::Grant, Answer::Granted { lease }) => {
                (self.lease, self.keep_at) = (Some(lease), Some(now + HEARTBEAT));
            }
            (Purpose::Keep, Answer::Noted) => self.keep_at = Some(now + HEARTBEAT),
            (Purpose::Keep, Answer::NoLease) => self.renew(now),
            (Purpose::Commit, Answer::Committed { revision }) => {
                self.decided.push((number, revision, Outcome::Made));
                self.settle();
            }
            (Purpose::Commit, refusal @ (Answer::Conflict | Answer::NoLease)) => {
                // Only what is read from now on shows why.
                self.decided.push((number, u64::MAX, Outcome::Conflict));
                self.read(now);
                if refusal == Answer::NoLease {
                    self.renew(now);
                }
            }
            (purpose, _) => {
                let why = "its answer belongs to another question";
                self.doubt(number, purpose, why);
                self.fail(now, why);
            }
        }
    }

    fn take_all(&mut self, now: Instant, revision: u64, found: Vec<super::remote::Found>) {
        self.view.replace(revision, found);
        (self.is_fresh, self.trouble) = (true, None);
        self.outcomes.extend(self.decided.drain(..).map(|(number, _, outcome)| (number, outcome)));
        // Whatever was watched for before is seen.
        self.open.retain(|_, (purpose, _)| *purpose != Purpose::Watch);
        self.watch();
        match self.lease {
            Some(_) => self.keep_at = Some(now),
            None => self.renew(now),
        }
    }

    /// Tells outcomes that the view shows.
    fn settle(&mut self) {
        let revision = self.view.revision();
        let shown = self.decided.extract_if(.., |(_, at, _)| *at <= revision);
        self.outcomes.extend(shown.map(|(number, _, outcome)| (number, outcome)));
    }

    /// Asks for a lease in place of one that has ended.
    fn renew(&mut self, now: Instant) {
        (self.lease, self.keep_at) = (None, None);
        if !self.open.values().any(|(purpose, _)| *purpose == Purpose::Grant) {
            self.ask(Purpose::Grant, Some(now + PATIENCE), Ask::Grant { ttl_s: TTL_S });
        }
    }

    fn doubt(&mut self, number: u64, purpose: Purpose, why: &str) {
        if purpose == Purpose::Commit {
            self.outcomes.push_back((number, Outcome::Doubtful(why.to_owned())));
        }
    }

    /// The store is away.
    fn fail(&mut self, now: Instant, why: &str) {
        for (number, (purpose, _)) in core::mem::take(&mut self.open) {
            self.doubt(number, purpose, why);
        }
        self.asks.clear();
        (self.is_fresh, self.trouble, self.keep_at) = (false, Some(why.to_owned()), None);
        self.read_at = Some(now + AGAIN);
    }

    /// Whoever carries its questions has begun anew: none of them is answered any more.
    pub fn begin_anew(&mut self, now: Instant) {
        self.fail(now, "it was not called yet");
        (self.trouble, self.read_at) = (None, Some(now));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::keeper::Keeper;
    use crate::cluster::store::Put;

    const START: Instant = Instant::ZERO;

    fn client() -> Client {
        Client::new(START, "p/".to_owned())
    }

    /// Carries questions and answers until nobody has anything to say.
    fn carry(now: Instant, client: &mut Client, keeper: &mut Keeper) {
        client.poll(now);
        loop {
            let asks = client.take_asks();
            if asks.is_empty() {
                return;
            }
            for (number, ask) in asks {
                for (number, answer) in keeper.take_in(now, number, ask) {
                    client.take_in(now, number, Ok(answer));
                }
            }
        }
    }

    fn put(key: &str, value: &str) -> Commit {
        let put = Put { key: key.to_owned(), value: value.to_owned(), lease: None };
        Commit { seen: vec![(key.to_owned(), 0)], puts: vec![put], ..Commit::default() }
    }

    fn value<'a>(client: &'a Client, key: &str) -> Option<&'a str> {
        client.view().get(key).map(|known| known.value.as_str())
    }

    #[test]
    fn a_change_is_made_when_the_view_shows_it() {
        let (mut client, mut keeper) = (client(), Keeper::default());
        assert_eq!(client.standing(), Standing::Calling);
        carry(START, &mut client, &mut keeper);
        assert_eq!(client.standing(), Standing::Up);
        let number = client.commit(START, put("a", "1"));
        carry(START, &mut client, &mut keeper);
        assert_eq!(client.take_outcome(), Some((number, Outcome::Made)));
        assert_eq!(value(&client, "a"), Some("1"));
        let second = client.commit(START, put("a", "2"));
        carry(START, &mut client, &mut keeper);
        assert_eq!(client.take_outcome(), Some((second, Outcome::Conflict)));
        assert_eq!(keeper.store().get("p/a").map(|entry| entry.value.as_str()), Some("1"));
    }

    #[test]
    fn while_the_store_is_away_the_view_stays_and_doubt_ends_when_it_is_back() {
        let (mut client, mut keeper) = (client(), Keeper::default());
        keeper.store_mut().put("p/a", "1".to_owned());
        carry(START, &mut client, &mut keeper);
        let number = client.commit(START, put("b", "2"));
        let (asked, ask) = client.take_asks().remove(0);
        keeper.take_in(START, asked, ask);
        client.take_in(START, number, Err("connection reset by peer".to_owned()));
        assert_eq!(client.standing(), Standing::Away("connection reset by peer"));
        let doubt = Outcome::Doubtful("connection reset by peer".to_owned());
        assert_eq!(client.take_outcome(), Some((number, doubt)));
        assert_eq!((value(&client, "a"), value(&client, "b")), (Some("1"), None));
        carry(START + AGAIN, &mut client, &mut keeper);
        assert_eq!((client.standing(), value(&client, "b")), (Standing::Up, Some("2")));
    }

    #[test]
    fn a_lease_is_kept_and_replaced_when_it_has_ended() {
        let (mut client, mut keeper) = (client(), Keeper::default());
        carry(START, &mut client, &mut keeper);
        let first = client.lease().expect("it was granted");
        carry(START + HEARTBEAT, &mut client, &mut keeper);
        assert_eq!(client.lease(), Some(first));
        // It stood still for longer than its lease lasts.
        let late = START + HEARTBEAT + Duration::from_secs(TTL_S);
        keeper.poll(late);
        carry(late, &mut client, &mut keeper);
        assert_ne!(client.lease().expect("another was granted"), first);
    }

    #[test]
    fn nonsense_is_trouble_and_nothing_worse() {
        let (mut client, mut keeper) = (client(), Keeper::default());
        keeper.store_mut().put("p/a", "1".to_owned());
        carry(START, &mut client, &mut keeper);
        let watch = *client.open.keys().next_back().expect("it watches");
        client.take_in(START, watch, Ok(Answer::Changes { revision: 0, changes: vec![] }));
        assert!(matches!(client.standing(), Standing::Away(_)));
        assert_eq!(value(&client, "a"), Some("1"));
        client.poll(START + AGAIN);
        let (number, _) = client.take_asks().remove(0);
        client.take_in(START + AGAIN, number, Ok(Answer::Conflict));
        assert_eq!(client.standing(), Standing::Away("its answer belongs to another question"));
    }

    #[test]
    fn who_does_not_answer_is_away() {
        let mut client = client();
        client.poll(START);
        assert_eq!(client.take_asks().len(), 1);
        client.poll(START + PATIENCE);
        assert_eq!(client.standing(), Standing::Away("no answer within 5 seconds"));
        assert_eq!(client.next_at(), Some(START + PATIENCE + AGAIN));
    }
}
