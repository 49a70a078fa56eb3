//! Walking a packet through the chain that a hook calls, counting what matches. It stops at the first decision; what
//! it decides is not done here.

use super::chain::ChainId;
use super::chain::Policy;
use super::marks::Marks;
use super::matching::recent::Lists;
use super::subject::{Subject, Surroundings};
use super::table::DEPTH_MAX;
use super::target::{RejectWith, Target, Translation};
use super::{Hook, Prefix, Ruleset, Table, TableKind};

/// Where a decision was made.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Place {
    /// The table.
    pub table: TableKind,
    /// The chain; see [`Ruleset::chain_at`].
    pub chain: ChainId,
    /// The rule's number, from 1; the policy when none.
    pub rule: Option<u32>,
}

/// What a chain decided about a packet.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Decision {
    /// It passes this table.
    Accept,
    /// It vanishes.
    Drop(Place),
    /// It is dropped and its sender told.
    Reject(RejectWith, Place),
    /// It gets another destination.
    Dnat(Translation),
    /// It gets another source.
    Snat(Translation),
    /// It gets the source address of the device it leaves by.
    Masquerade(Translation),
    /// It gets this host as destination.
    Redirect(Translation),
    /// It gets an address of this network: as destination before routing, as source after.
    Netmap(Prefix),
    /// It is not tracked.
    NoTrack,
}

/// What a rule that matched does to the walk.
enum Effect {
    Next,
    Call(ChainId),
    Goto(ChainId),
    Return,
    Stop(Decision),
}

/// The chains a packet is in, and where it goes on in each: the innermost last.
struct Stack {
    frames: [(ChainId, usize); DEPTH_MAX + 1],
    depth: usize,
}

impl Stack {
    /// Past the last rule of every chain.
    const END: usize = usize::MAX / 2;

    const fn new(base: ChainId) -> Self {
        Self { frames: [(base, 0); DEPTH_MAX + 1], depth: 1 }
    }

    /// The next rule to look at, by chain and index, which is then passed.
    fn advance(&mut self) -> Option<(ChainId, usize)> {
        let frame = self.frames[..self.depth].last_mut()?;
        let at = *frame;
        frame.1 += 1;
        Some(at)
    }

    const fn leave(&mut self) {
        self.depth -= 1;
    }

    /// Goes on in another chain without coming back to this one. The chain of the hook stays, at its end: its policy
    /// is what the packet meets at last.
    fn replace(&mut self, chain: ChainId) {
        if self.depth > 1 {
            self.leave();
        } else {
            self.frames[0].1 = Self::END;
        }
        self.enter(chain);
    }

    fn enter(&mut self, chain: ChainId) {
        if let Some(frame) = self.frames.get_mut(self.depth) {
            *frame = (chain, 0);
            self.depth += 1;
        }
    }
}

impl Ruleset {
    /// What the chain that `hook` calls in a table decides about a packet. Targets change `marks` on the way.
    pub fn evaluate<S: Surroundings>(
        &mut self,
        table: TableKind,
        hook: Hook,
        subject: &Subject<'_, S>,
        marks: &mut Marks,
    ) -> Decision {
        let Some(rules) = self.tables[table as usize].as_mut() else { return Decision::Accept };
        let Some(base) = rules.hooked(hook) else { return Decision::Accept };
        let mut stack = Stack::new(base);
        while let Some((chain, index)) = stack.advance() {
            match rules.try_rule((table, chain, index), subject, marks, &mut self.lists) {
                Effect::Next => {}
                Effect::Call(to) => stack.enter(to),
                Effect::Goto(to) => stack.replace(to),
                Effect::Return => stack.leave(),
                Effect::Stop(decision) => return decision,
            }
        }
        rules.end(table, base, subject.ip.total_len)
    }

    /// The name of the chain at a place.
    #[must_use]
    pub fn chain_at(&self, place: Place) -> &str {
        self.table(place.table).map_or("", |t| t.at(place.chain).name())
    }

    /// What is at a place, as `iptables -S` prints it: `-P FORWARD DROP`, `-A DOCKER-USER -i eth0 -j DROP`.
    #[must_use]
    pub fn listed(&self, place: Place) -> String {
        let chain = self.chain_at(place);
        let of = self.table(place.table).map(|t| t.at(place.chain));
        match place.rule {
            None => {
                let policy = of.and_then(|c| c.base).map_or("", |b| b.policy.name());
                format!("-P {chain} {policy}")
            }
            Some(number) => {
                let rule = of.and_then(|c| c.rules.get(number as usize - 1)).map(|r| r.rule.to_string());
                format!("-A {chain} {}", rule.unwrap_or_default())
            }
        }
    }

    /// A place in words: `filter FORWARD policy DROP`, `filter DOCKER-USER rule 1: -i eth0 -j DROP`.
    #[must_use]
    pub fn describe(&self, place: Place) -> String {
        let (table, chain) = (place.table.name(), self.chain_at(place));
        let of = self.table(place.table).map(|t| t.at(place.chain));
        match place.rule {
            None => {
                let policy = of.and_then(|c| c.base).map_or("", |b| b.policy.name());
                format!("{table} {chain} policy {policy}")
            }
            Some(number) => {
                let rule = of.and_then(|c| c.rules.get(number as usize - 1)).map(|r| r.rule.to_string());
                format!("{table} {chain} rule {number}: {}", rule.unwrap_or_default())
            }
        }
    }
}

impl Table {
    /// Holds a packet against one rule, the end of its chain being a return.
    fn try_rule<S: Surroundings>(
        &mut self,
        (table, chain, index): (TableKind, ChainId, usize),
        subject: &Subject<'_, S>,
        marks: &mut Marks,
        lists: &mut Lists,
    ) -> Effect {
        let Some(installed) = self.at_mut(chain).rules.get_mut(index) else { return Effect::Return };
        if !installed.rule.matches(subject, marks, lists) {
            return Effect::Next;
        }
        installed.counters.count(subject.ip.total_len);
        let place = Place { table, chain, rule: u32::try_from(index + 1).ok() };
        let called = installed.to;
        match &installed.rule.target {
            Target::Accept => Effect::Stop(Decision::Accept),
            Target::Dnat(to) => Effect::Stop(Decision::Dnat(*to)),
            Target::Drop => Effect::Stop(Decision::Drop(place)),
            Target::Goto(_) => called.map_or(Effect::Next, Effect::Goto),
            Target::Jump(_) => called.map_or(Effect::Next, Effect::Call),
            Target::Log(_) | Target::None => Effect::Next,
            Target::Mark { value, mask } => {
                marks.packet = marks.packet & !mask ^ value;
                Effect::Next
            }
            Target::Connmark(how) => {
                // What is not tracked has no flow to be marked.
                if subject.flow.is_some() {
                    how.apply(marks);
                }
                Effect::Next
            }
            Target::TcpMss(segment) => {
                marks.segment = *segment;
                Effect::Next
            }
            Target::Ttl(change) => {
                marks.hop_limit = Some(change.apply(marks.hop_limit.unwrap_or(subject.ip.ttl)));
                Effect::Next
            }
            Target::Service(change) => {
                let old = marks.service.unwrap_or_else(|| crate::packet::service(subject.packet));
                marks.service = Some(change.apply(old));
                Effect::Next
            }
            // Checksums are whole here already.
            Target::Checksum { .. } => Effect::Next,
            Target::Masquerade(to) => Effect::Stop(Decision::Masquerade(*to)),
            Target::Netmap(net) => Effect::Stop(Decision::Netmap(*net)),
            Target::NoTrack { .. } => Effect::Stop(Decision::NoTrack),
            Target::Redirect(to) => Effect::Stop(Decision::Redirect(*to)),
            Target::Reject(with) => Effect::Stop(Decision::Reject(*with, place)),
            Target::Return => Effect::Return,
            Target::Snat(to) => Effect::Stop(Decision::Snat(*to)),
        }
    }

    /// The policy, at the end of the chain that the hook called.
    fn end(&mut self, table: TableKind, base: ChainId, len: usize) -> Decision {
        let end = self.at_mut(base).base.as_mut().expect("a hook calls chains with a policy");
        if let Some(counters) = &mut end.counters {
            counters.count(len);
        }
        match end.policy {
            Policy::Accept => Decision::Accept,
            Policy::Drop => Decision::Drop(Place { table, chain: base, rule: None }),
        }
    }
}
