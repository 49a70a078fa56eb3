//! A table: chains by name, those that hooks call and those of the user. It says which rule may stand where, as the
//! kernel checks it; it decides about no packet.

use std::collections::{BTreeMap, BTreeSet};

use super::chain::{Base, Chain, ChainId, Installed, Policy};
use super::target::Target;
use super::{Counters, Hook, Refusal, Rule, RuleError, TableKind, Usage};

/// The deepest that chains may call each other.
pub(super) const DEPTH_MAX: usize = 16;

/// A table.
#[derive(Clone, Debug)]
pub struct Table {
    kind: TableKind,
    chains: Vec<Option<Chain>>,
    names: BTreeMap<String, ChainId>,
    base: [Option<ChainId>; Hook::ALL.len()],
}

impl Table {
    /// A table as it is before anything is in it: the chains that hooks call, which accept.
    #[must_use]
    pub fn new(kind: TableKind) -> Self {
        let mut table = Self { kind, chains: Vec::new(), names: BTreeMap::new(), base: [None; Hook::ALL.len()] };
        for hook in kind.hooks() {
            let base = Some(Base::default());
            let id = table.add(Chain { name: hook.chain().to_owned(), base, rules: Vec::new() });
            table.base[*hook as usize] = Some(id);
        }
        table
    }

    fn add(&mut self, chain: Chain) -> ChainId {
        let index = self.chains.iter().position(Option::is_none).unwrap_or_else(|| {
            self.chains.push(None);
            self.chains.len() - 1
        });
        let id = ChainId(u32::try_from(index).expect("a table has fewer than 2^32 chains"));
        self.names.insert(chain.name.clone(), id);
        self.chains[index] = Some(chain);
        id
    }

    /// The chains as iptables lists them: by hook, then the user's by name.
    pub fn chains(&self) -> impl Iterator<Item = &Chain> {
        let base = self.base.iter().flatten();
        let user = self.names.values().filter(|id| !self.base.contains(&Some(**id)));
        base.chain(user).map(|id| self.at(*id))
    }

    /// A chain by name.
    #[must_use]
    pub fn chain(&self, name: &str) -> Option<&Chain> {
        self.names.get(name).map(|id| self.at(*id))
    }

    /// How many rules go to a chain.
    #[must_use]
    pub fn references(&self, name: &str) -> usize {
        let rules = self.chains.iter().flatten().flat_map(|c| &c.rules);
        rules.filter(|r| r.rule.target.chain() == Some(name)).count()
    }

    pub(super) const fn hooked(&self, hook: Hook) -> Option<ChainId> {
        self.base[hook as usize]
    }

    pub(super) fn at(&self, id: ChainId) -> &Chain {
        self.chains[id.0 as usize].as_ref().expect("a chain that is referred to is not deleted")
    }

    pub(super) fn at_mut(&mut self, id: ChainId) -> &mut Chain {
        self.chains[id.0 as usize].as_mut().expect("a chain that is referred to is not deleted")
    }

    fn id(&self, name: &str) -> Result<ChainId, RuleError> {
        self.names.get(name).copied().ok_or(RuleError::NoChain)
    }

    fn chain_mut(&mut self, name: &str) -> Result<&mut Chain, RuleError> {
        let id = self.id(name)?;
        Ok(self.at_mut(id))
    }

    pub(super) fn needs_tracking(&self) -> bool {
        self.chains.iter().flatten().flat_map(|c| &c.rules).any(|r| r.rule.needs_tracking())
    }

    pub(super) fn new_chain(&mut self, name: &str) -> Result<(), RuleError> {
        if self.names.contains_key(name) {
            return Err(RuleError::ChainExists);
        }
        self.add(Chain { name: name.to_owned(), base: None, rules: Vec::new() });
        Ok(())
    }

    pub(super) fn delete_chain(&mut self, name: &str) -> Result<(), RuleError> {
        let id = self.id(name)?;
        let chain = self.at(id);
        if chain.base.is_some() || !chain.rules.is_empty() || self.references(name) > 0 {
            return Err(RuleError::ChainRefused(Refusal::Busy, name.to_owned()));
        }
        self.names.remove(name);
        self.chains[id.0 as usize] = None;
        Ok(())
    }

    pub(super) fn rename_chain(&mut self, name: &str, to: &str) -> Result<(), RuleError> {
        if self.names.contains_key(to) {
            return Err(RuleError::FileExists);
        }
        let id = self.id(name)?;
        if self.at(id).base.is_some() {
            return Err(RuleError::NoChain);
        }
        self.names.remove(name);
        self.names.insert(to.to_owned(), id);
        to.clone_into(&mut self.at_mut(id).name);
        for installed in self.chains.iter_mut().flatten().flat_map(|c| &mut c.rules) {
            if let (Target::Jump(chain) | Target::Goto(chain), true) =
                (&mut installed.rule.target, installed.to == Some(id))
            {
                to.clone_into(chain);
            }
        }
        Ok(())
    }

    /// Sets a policy; it counts from then on, and from `counters` when they are given.
    pub(super) fn set_policy(&mut self, name: &str, policy: Policy, counters: Counters) -> Result<(), RuleError> {
        if self.kind == TableKind::Nat && policy == Policy::Drop {
            return Err(Usage::NatDrop.into());
        }
        let chain = self.chain_mut(name).map_err(|_| RuleError::BadBuiltIn)?;
        let base = chain.base.as_mut().ok_or(RuleError::BadBuiltIn)?;
        *base = Base { policy, counters: Some(counters) };
        Ok(())
    }

    pub(super) fn flush(&mut self, name: Option<&str>) -> Result<(), RuleError> {
        match name {
            Some(name) => self.chain_mut(name)?.rules.clear(),
            None => self.chains.iter_mut().flatten().for_each(|c| c.rules.clear()),
        }
        Ok(())
    }

    /// Sets counters to zero: of one rule, of one chain with its end, or of all. A rule that is not there is none.
    pub(super) fn zero(&mut self, name: Option<&str>, number: Option<usize>) -> Result<(), RuleError> {
        let one = name.map(|name| self.id(name)).transpose()?;
        let chosen = self.chains.iter_mut().enumerate().filter(|(i, _)| one.is_none_or(|id| id.0 as usize == *i));
        for chain in chosen.filter_map(|(_, c)| c.as_mut()) {
            let skipped = number.map_or(0, |n| n - 1);
            let taken = if number.is_some() { 1 } else { usize::MAX };
            chain.rules.iter_mut().skip(skipped).take(taken).for_each(|r| r.counters = Counters::default());
            if let (Some(base), None) = (&mut chain.base, number) {
                base.counters = base.counters.map(|_| Counters::default());
            }
        }
        Ok(())
    }

    /// Puts a rule at a place, 1 being the first; at the end when none. `operation` names it for the kernel.
    pub(super) fn insert(
        &mut self,
        operation: &'static str,
        name: &str,
        at: Option<usize>,
        rule: Rule,
        counters: Counters,
    ) -> Result<(), RuleError> {
        let to = self.admit(operation, name, &rule)?;
        let rules = &mut self.chain_mut(name)?.rules;
        let index = at.map_or(rules.len(), |number| number - 1);
        if index > rules.len() {
            return Err(RuleError::IndexTooBig("insertion"));
        }
        rules.insert(index, Installed { rule, counters, to });
        Ok(())
    }

    pub(super) fn replace(&mut self, name: &str, number: usize, rule: Rule, new: Counters) -> Result<(), RuleError> {
        let to = self.admit("RULE_REPLACE", name, &rule)?;
        let slot = self.chain_mut(name)?.rules.get_mut(number - 1);
        *slot.ok_or(RuleError::IndexTooBig("replacement"))? = Installed { rule, counters: new, to };
        Ok(())
    }

    pub(super) fn delete_at(&mut self, name: &str, number: usize) -> Result<(), RuleError> {
        let rules = &mut self.chain_mut(name)?.rules;
        if number > rules.len() {
            return Err(RuleError::IndexTooBig("deletion"));
        }
        rules.remove(number - 1);
        Ok(())
    }

    /// The place of a rule that reads the same, 1 being the first.
    pub(super) fn position(&self, name: &str, rule: &Rule) -> Option<usize> {
        self.chain(name)?.rules.iter().position(|r| r.rule == *rule).map(|i| i + 1)
    }

    /// Whether a rule may stand in a chain; gives the chain it goes to.
    fn admit(&self, operation: &'static str, name: &str, rule: &Rule) -> Result<Option<ChainId>, RuleError> {
        let to = match rule.target.chain() {
            Some(chain) => Some(self.id(chain).map_err(|_| Usage::ChainMissing(chain.to_owned()))?),
            None => None,
        };
        if let Some(usage) = rule.misplaced_device(name) {
            return Err(usage.into());
        }
        if self.kind == TableKind::Nat && rule.target == Target::Drop {
            return Err(Usage::NatDrop.into());
        }
        let from = self.id(name)?;
        let refused = |why| RuleError::RuleRefused(operation, why, name.to_owned());
        if rule.asks_for_unknown() {
            return Err(refused(Refusal::Missing));
        }
        let callers = self.callers(from);
        let fits = callers.iter().all(|hook| self.allows(*hook, &rule.target) && rule.can_be_at(*hook));
        if !fits || !rule.is_sound() || !self.is_target_of_table(&rule.target) {
            return Err(refused(Refusal::Invalid));
        }
        if let Some(to) = to {
            self.admit_call(from, to).map_err(refused)?;
        }
        Ok(to)
    }

    /// Whether one chain may call another. What no hook reaches may go in circles.
    fn admit_call(&self, from: ChainId, to: ChainId) -> Result<(), Refusal> {
        if self.at(to).base.is_some() {
            return Err(Refusal::Unsupported);
        }
        let hooks = self.callers(from);
        if hooks.is_empty() {
            return Ok(());
        }
        let below = self.below(to);
        if below.contains(&from) || below.iter().any(|id| self.calls_itself(*id)) {
            return Err(Refusal::Loop);
        }
        if self.height(from) + self.depth(to, 1) > DEPTH_MAX {
            return Err(Refusal::Loop);
        }
        let mut targets = below.iter().flat_map(|id| &self.at(*id).rules).map(|r| &r.rule.target);
        let fit = targets.all(|target| hooks.iter().all(|hook| self.allows(*hook, target)));
        if fit { Ok(()) } else { Err(Refusal::Invalid) }
    }

    /// The chains that are reached from `start`, itself included.
    fn below(&self, start: ChainId) -> BTreeSet<ChainId> {
        let mut found = BTreeSet::new();
        let mut open = vec![start];
        while let Some(id) = open.pop() {
            if found.insert(id) {
                open.extend(self.at(id).rules.iter().filter_map(|r| r.to));
            }
        }
        found
    }

    /// Whether a chain is called by what it calls.
    fn calls_itself(&self, id: ChainId) -> bool {
        self.at(id).rules.iter().filter_map(|r| r.to).any(|to| self.below(to).contains(&id))
    }

    /// The hooks that a chain is reached from.
    fn callers(&self, id: ChainId) -> Vec<Hook> {
        let reaches = |hook: &&Hook| self.hooked(**hook).is_some_and(|base| self.below(base).contains(&id));
        Hook::ALL.iter().filter(reaches).copied().collect()
    }

    /// How deep the calls below a chain go, where they go in no circle.
    fn depth(&self, id: ChainId, level: usize) -> usize {
        let deeper = self.at(id).rules.iter().filter_map(|r| r.to).map(|to| self.depth(to, level + 1));
        deeper.max().unwrap_or(level)
    }

    /// How many calls lead from a hook to a chain at most.
    fn height(&self, id: ChainId) -> usize {
        let calls = |from: &&ChainId| self.at(**from).rules.iter().any(|r| r.to == Some(id));
        let above = self.names.values().filter(calls).filter(|from| !self.callers(**from).is_empty());
        above.map(|from| self.height(*from) + 1).max().unwrap_or(0)
    }

    /// Whether this table has a use for a target.
    const fn is_target_of_table(&self, target: &Target) -> bool {
        match target {
            Target::Dnat(_) | Target::Snat(_) | Target::Masquerade(_) | Target::Redirect(_) | Target::Netmap(_) => {
                matches!(self.kind, TableKind::Nat)
            }
            Target::NoTrack { .. } => matches!(self.kind, TableKind::Raw),
            Target::Reject(_) => matches!(self.kind, TableKind::Filter),
            Target::Ttl(_) | Target::Service(_) | Target::Checksum { .. } => matches!(self.kind, TableKind::Mangle),
            _ => true,
        }
    }

    /// Whether a target may act on packets of a hook.
    const fn allows(&self, hook: Hook, target: &Target) -> bool {
        match target {
            Target::Dnat(_) | Target::Redirect(_) => matches!(hook, Hook::Prerouting | Hook::Output),
            Target::Snat(_) => matches!(hook, Hook::Postrouting | Hook::Input),
            Target::Masquerade(_) => matches!(hook, Hook::Postrouting),
            _ => true,
        }
    }
}
