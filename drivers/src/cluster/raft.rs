//! How the managers of a cluster agree on what its store says, though some of them or the cables between them may fail:
//! Raft (Ongaro and Ousterhout 2014) over changes of a [`Store`]. What the values mean is not known here, and nothing is
//! sent: who owns it carries what [`Raft::poll`] gives to the others, and brings their answers.
//!
//! How it works: changes are numbered by revisions of the store, so an entry of the log needs no other number. What a
//! majority has is in the store and stays; what is only known to be accepted here is the tail behind it, and another
//! leader may put something else in its place. A leader that does not hear a majority gives up, who has heard a leader
//! lately votes for nobody else, and a term only begins when a majority would vote for it: so who was cut off and comes back
//! disturbs nobody. Who the members are is said by the store itself, under [`MEMBERS`]. One comes or goes at a time, and counts
//! when a majority of those before has it; what follows such a change in the log says that, so two majorities have one in
//! common.

mod log;
mod message;

use core::net::SocketAddr;
use std::collections::{BTreeMap, BTreeSet};

use netyard_sim::rng::Rng;
use netyard_sim::time::{Duration, Instant};

use super::store::{Change, Store};
use log::Log;
pub use message::{Entry, Position, Said};

/// The keys of the members; each says where the member is reached.
pub const MEMBERS: &str = "raft/";
/// How often a leader is heard (`HeartbeatTick`, of a second).
const HEARTBEAT: Duration = Duration::from_secs(1);
/// How long a leader may be silent at least, and may hear no majority (`ElectionTick`).
const ELECTION: Duration = Duration::from_secs(10);
/// After how long of silence a member counts as unreachable.
const SILENCE: Duration = Duration::from_secs(3);

/// A member of those who agree.
#[derive(Clone, Debug)]
pub struct Raft {
    id: String,
    term: u64,
    voted: Option<String>,
    part: Part,
    log: Log,
    rng: Rng,
}

#[derive(Clone, Debug)]
enum Part {
    Follower {
        leader: Option<String>,
        /// When the leader was heard last.
        heard: Option<Instant>,
        until: Instant,
    },
    Candidate {
        step: Step,
        votes: BTreeSet<String>,
        asked: BTreeSet<String>,
        until: Instant,
    },
    Leader {
        peers: BTreeMap<String, Peer>,
        /// Whether somebody else shall lead.
        hands_over: bool,
    },
}

/// How far a candidate is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Step {
    /// It asks who would vote for it.
    Canvass,
    /// It asks for votes.
    Vote {
        /// Whether the leader has asked it to.
        handed_over: bool,
    },
}

/// Another member, as the leader knows it.
#[derive(Clone, Debug)]
struct Peer {
    /// Up to which revision it has what the leader has.
    agreed: u64,
    /// After which it is told.
    next: u64,
    /// The revision that it knows to be with a majority.
    knows: u64,
    heard: Instant,
    has_failed: bool,
    /// Whether it has been told something and has not answered.
    is_told: bool,
    due: Instant,
}

impl Raft {
    /// The only member, who leads, and whose store says so.
    #[must_use]
    pub const fn alone(id: String, term: u64, store: Store, rng: Rng) -> Self {
        let at = Position { term, revision: store.revision() };
        let part = Part::Leader { peers: BTreeMap::new(), hands_over: false };
        Self { id, term, voted: None, part, log: Log::new(store, at), rng }
    }

    /// Somebody who has been told that it is a member, and waits for a leader.
    #[must_use]
    pub fn newcomer(id: String, now: Instant, rng: Rng) -> Self {
        let mut raft = Self::alone(id, 0, Store::default(), rng);
        raft.follow(now, None);
        raft
    }

    /// It was away: what it has agreed to it knows, but not who leads.
    pub fn restart(&mut self, now: Instant) {
        if self.members().len() > 1 || !self.is_leader() {
            self.follow(now, None);
        }
    }

    /// What a majority has.
    #[must_use]
    pub const fn store(&self) -> &Store {
        self.log.store()
    }

    /// What is known here, whether a majority has it or not.
    #[must_use]
    pub fn latest(&self) -> Store {
        self.log.latest()
    }

    /// The term that it knows of.
    #[must_use]
    pub const fn term(&self) -> u64 {
        self.term
    }

    /// The revision up to which changes are proposed.
    #[must_use]
    pub fn proposed(&self) -> u64 {
        self.log.last().revision
    }

    /// Whether all that was proposed is with a majority.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.proposed() == self.store().revision()
    }

    /// The members, and where they are.
    #[must_use]
    pub fn members(&self) -> BTreeMap<String, SocketAddr> {
        self.log.members()
    }

    /// Whether it leads.
    #[must_use]
    pub const fn is_leader(&self) -> bool {
        matches!(self.part, Part::Leader { .. })
    }

    /// Who leads, as far as is known.
    #[must_use]
    pub fn leader(&self) -> Option<&str> {
        match &self.part {
            Part::Leader { .. } => Some(&self.id),
            Part::Follower { leader, .. } => leader.as_deref(),
            Part::Candidate { .. } => None,
        }
    }

    /// Whether a leader reaches a member.
    #[must_use]
    pub fn reaches(&self, now: Instant, id: &str) -> bool {
        let Part::Leader { peers, .. } = &self.part else { return false };
        id == self.id || peers.get(id).is_some_and(|peer| !peer.has_failed && now < peer.heard + SILENCE)
    }

    /// When something is to be done.
    #[must_use]
    pub fn next_at(&self) -> Option<Instant> {
        match &self.part {
            Part::Follower { until, .. } => self.members().contains_key(&self.id).then_some(*until),
            Part::Candidate { until, .. } => Some(*until),
            Part::Leader { peers, .. } => {
                let due = peers.values().filter(|peer| !peer.is_told).map(|peer| peer.due);
                due.chain(self.heard_by_majority_until()).min()
            }
        }
    }

    /// A leader's changes, which follow what was proposed before.
    pub fn propose(&mut self, now: Instant, changes: Vec<Change>) {
        if changes.is_empty() || !self.is_leader() {
            return;
        }
        self.log.push(Entry { term: self.term, changes });
        self.hurry(now);
        self.commit(now);
    }

    /// A leader lets another one lead.
    pub const fn hand_over(&mut self) {
        if let Part::Leader { hands_over, .. } = &mut self.part {
            *hands_over = true;
        }
    }

    /// What is to be told now, and to whom. The answer goes to [`Self::take_in`], a failure to [`Self::not_reached`].
    pub fn poll(&mut self, now: Instant) -> Vec<(String, SocketAddr, Said)> {
        match &self.part {
            Part::Follower { until, .. } | Part::Candidate { until, .. }
                if *until <= now && self.members().contains_key(&self.id) =>
            {
                self.stand(now, Step::Canvass);
            }
            Part::Leader { .. } if self.heard_by_majority_until().is_some_and(|until| until <= now) => {
                self.follow(now, None);
            }
            _ => {}
        }
        let members = self.members();
        let told = match &self.part {
            Part::Follower { .. } => Vec::new(),
            Part::Candidate { .. } => self.ask_for_votes(&members),
            Part::Leader { .. } => self.tell_peers(now),
        };
        told.into_iter().filter_map(|(to, said)| Some((to.clone(), *members.get(&to)?, said))).collect()
    }

    fn ask_for_votes(&mut self, members: &BTreeMap<String, SocketAddr>) -> Vec<(String, Said)> {
        let last = self.log.last();
        let Part::Candidate { step, asked, .. } = &mut self.part else { return Vec::new() };
        let said = match step {
            Step::Canvass => {
                Said::Vote { term: self.term + 1, from: self.id.clone(), last, is_canvass: true, handed_over: false }
            }
            Step::Vote { handed_over } => {
                let (term, from, handed_over) = (self.term, self.id.clone(), *handed_over);
                Said::Vote { term, from, last, is_canvass: false, handed_over }
            }
        };
        let others = members.keys().filter(|id| **id != self.id);
        others.filter(|id| asked.insert((*id).clone())).map(|id| (id.clone(), said.clone())).collect()
    }

    fn tell_peers(&mut self, now: Instant) -> Vec<(String, Said)> {
        let last = self.log.last().revision;
        let Part::Leader { peers, hands_over } = &mut self.part else { return Vec::new() };
        let mut told = Vec::new();
        let best = peers.iter().find(|(_, peer)| !peer.has_failed && peer.agreed == last).map(|(id, _)| id.clone());
        if let Some(heir) = best.filter(|_| *hands_over) {
            *hands_over = false;
            told.push((heir, Said::Campaign { term: self.term, from: self.id.clone() }));
        }
        for (id, peer) in peers.iter_mut().filter(|(_, peer)| !peer.is_told && peer.due <= now) {
            (peer.is_told, peer.due) = (true, now + HEARTBEAT);
            peer.knows = self.log.store().revision();
            told.push((id.clone(), self.log.news(self.term, &self.id, peer.next)));
        }
        told
    }

    /// Answers another member; nobody else.
    pub fn answer(&mut self, now: Instant, said: Said) -> Option<Said> {
        let from = said.from()?.to_owned();
        let members = self.members();
        let is_one = members.contains_key(&from) || (members.is_empty() && !matches!(said, Said::Vote { .. }));
        if !is_one || from == self.id {
            return None;
        }
        match said {
            Said::Vote { term, last, is_canvass, handed_over, .. } => {
                let granted = self.votes_for(now, &from, (term, last), is_canvass, handed_over);
                let term = if granted { term } else { self.term };
                Some(Said::Voted { term, is_canvass, granted })
            }
            Said::Append { term, .. } | Said::Whole { term, .. } if term < self.term => {
                Some(Said::Heard { term: self.term, agrees: false, revision: self.store().revision() })
            }
            Said::Append { term, before, entries, known, .. } => {
                self.is_led(now, term, from);
                let agreed = self.log.append(before, entries, known);
                let revision = agreed.unwrap_or_else(|| self.store().revision());
                Some(Said::Heard { term, agrees: agreed.is_some(), revision })
            }
            Said::Whole { term, at, values, .. } => {
                self.is_led(now, term, from);
                self.log.replace(at, values);
                Some(Said::Heard { term, agrees: true, revision: at.revision })
            }
            Said::Campaign { term, .. } => {
                if term == self.term && self.leader() == Some(&from) {
                    self.stand(now, Step::Vote { handed_over: true });
                }
                Some(Said::Heard { term, agrees: false, revision: self.store().revision() })
            }
            Said::Voted { .. } | Said::Heard { .. } => None,
        }
    }

    fn votes_for(
        &mut self,
        now: Instant,
        candidate: &str,
        (term, last): (u64, Position),
        is_canvass: bool,
        handed_over: bool,
    ) -> bool {
        let has_leader = match &self.part {
            Part::Follower { heard, .. } => heard.is_some_and(|heard| now < heard + ELECTION),
            Part::Leader { .. } => true,
            Part::Candidate { .. } => false,
        };
        let is_as_far = last >= self.log.last();
        if has_leader && !handed_over {
            return false;
        }
        if is_canvass {
            return term > self.term && is_as_far;
        }
        if term > self.term {
            self.begin_term(now, term);
        }
        let granted = term == self.term && is_as_far && self.voted.as_deref().is_none_or(|voted| voted == candidate);
        if granted {
            self.voted = Some(candidate.to_owned());
            self.follow(now, None);
        }
        granted
    }

    /// Takes in what a member answers.
    pub fn take_in(&mut self, now: Instant, from: &str, said: &Said) {
        match *said {
            Said::Voted { term, granted, .. } if !granted && term > self.term => self.begin_term(now, term),
            Said::Heard { term, .. } if term > self.term => self.begin_term(now, term),
            Said::Voted { term, is_canvass, granted: true } => self.count_vote(now, from, term, is_canvass),
            Said::Heard { agrees, revision, .. } => self.note_heard(now, from, agrees, revision),
            _ => {}
        }
    }

    fn count_vote(&mut self, now: Instant, from: &str, term: u64, is_canvass: bool) {
        let majority = self.majority();
        let Part::Candidate { step, votes, .. } = &mut self.part else { return };
        let is_for_this = match step {
            Step::Canvass => is_canvass && term == self.term + 1,
            Step::Vote { .. } => !is_canvass && term == self.term,
        };
        if !is_for_this {
            return;
        }
        votes.insert(from.to_owned());
        let has_won = votes.len() >= majority;
        match *step {
            Step::Canvass if has_won => self.stand(now, Step::Vote { handed_over: false }),
            Step::Vote { .. } if has_won => self.lead(now),
            _ => {}
        }
    }

    fn note_heard(&mut self, now: Instant, from: &str, agrees: bool, revision: u64) {
        let (last, known) = (self.log.last().revision, self.store().revision());
        let Part::Leader { peers, .. } = &mut self.part else { return };
        let Some(peer) = peers.get_mut(from) else { return };
        (peer.heard, peer.has_failed, peer.is_told) = (now, false, false);
        let revision = revision.min(last);
        peer.next = revision;
        if agrees {
            peer.agreed = peer.agreed.max(revision);
        }
        if peer.next < last || peer.knows < known {
            peer.due = now;
        }
        self.commit(now);
    }

    /// A member did not answer.
    pub fn not_reached(&mut self, now: Instant, id: &str) {
        let Part::Leader { peers, .. } = &mut self.part else { return };
        if let Some(peer) = peers.get_mut(id) {
            (peer.has_failed, peer.is_told, peer.due) = (true, false, now + HEARTBEAT);
        }
    }

    /// A member or the whole is stood for by a candidate; who is alone has won.
    fn stand(&mut self, now: Instant, step: Step) {
        if let Step::Vote { .. } = step {
            self.term += 1;
            self.voted = Some(self.id.clone());
        }
        let (votes, until) = (BTreeSet::from([self.id.clone()]), now + self.patience());
        self.part = Part::Candidate { step, votes, asked: BTreeSet::new(), until };
        if self.majority() <= 1 {
            match step {
                Step::Canvass => self.stand(now, Step::Vote { handed_over: false }),
                Step::Vote { .. } => self.lead(now),
            }
        }
    }

    fn lead(&mut self, now: Instant) {
        self.part = Part::Leader { peers: BTreeMap::new(), hands_over: false };
        self.meet_members(now);
    }

    /// A leader knows each other member, and no one else.
    fn meet_members(&mut self, now: Instant) {
        let (members, next) = (self.members(), self.log.last().revision);
        let Part::Leader { peers, .. } = &mut self.part else { return };
        peers.retain(|id, _| members.contains_key(id));
        for id in members.keys().filter(|id| **id != self.id) {
            peers.entry(id.clone()).or_insert(Peer {
                agreed: 0,
                next,
                knows: 0,
                heard: now,
                has_failed: false,
                is_told: false,
                due: now,
            });
        }
    }

    fn hurry(&mut self, now: Instant) {
        if let Part::Leader { peers, .. } = &mut self.part {
            peers.values_mut().for_each(|peer| peer.due = now);
        }
    }

    /// Somebody leads in that term.
    fn is_led(&mut self, now: Instant, term: u64, leader: String) {
        if term > self.term {
            (self.term, self.voted) = (term, None);
        }
        self.follow(now, Some(leader));
    }

    fn begin_term(&mut self, now: Instant, term: u64) {
        (self.term, self.voted) = (term, None);
        self.follow(now, None);
    }

    fn follow(&mut self, now: Instant, leader: Option<String>) {
        let heard = leader.as_ref().map(|_| now);
        self.part = Part::Follower { leader, heard, until: now + self.patience() };
    }

    /// How long is waited for a leader; never as long as others wait, or they would all stand.
    fn patience(&mut self) -> Duration {
        let millis = u64::try_from(ELECTION.as_millis()).expect("it is seconds");
        ELECTION + Duration::from_millis(self.rng.below(millis))
    }

    fn majority(&self) -> usize {
        self.members().len() / 2 + 1
    }

    /// Until when a leader may think that a majority hears it; none when it needs nobody.
    fn heard_by_majority_until(&self) -> Option<Instant> {
        let Part::Leader { peers, .. } = &self.part else { return None };
        let mut heard: Vec<Instant> = peers.values().map(|peer| peer.heard).collect();
        heard.sort_unstable_by(|a, b| b.cmp(a));
        let others = self.majority().checked_sub(2)?;
        heard.get(others).map(|heard| *heard + ELECTION)
    }

    /// Notes what a majority has. What earlier terms left behind counts only with something of this one.
    fn commit(&mut self, now: Instant) {
        let Part::Leader { peers, .. } = &self.part else { return };
        let own = self.members().contains_key(&self.id).then_some(self.log.last().revision);
        let mut agreed: Vec<u64> = peers.values().map(|peer| peer.agreed).chain(own).collect();
        agreed.sort_unstable_by(|a, b| b.cmp(a));
        let Some(with_majority) = agreed.get(self.majority() - 1).copied() else { return };
        if self.log.commit_of_term(self.term, with_majority) {
            self.meet_members(now);
            self.hurry(now);
        }
    }
}

#[cfg(test)]
mod tests;
