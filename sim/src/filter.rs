//! Packet filtering as iptables has it: tables, chains, rules, and what they decide about a packet.
//!
//! A [`Ruleset`] holds the four tables of one address family. The drivers and the programs `iptables …` change it by
//! the same calls, with the same refusals as the kernel's; [`Ruleset::evaluate`] walks a packet through the chain of a
//! hook. What it decides is done by others: it rewrites no packet, answers none and tracks no flow.
//!
//! The behaviour and the texts are those of iptables 1.8.9 (nf_tables), compared with the program itself.

pub mod chain;
pub mod error;
pub mod evaluate;
pub mod marks;
pub mod matching;
pub mod name;
pub mod parse;
pub mod prefix;
pub mod rule;
pub mod subject;
pub mod table;
pub mod target;
pub mod words;

pub use crate::addr::Family;
pub use chain::{Chain, Counters, Installed, Policy};
pub use error::{Refusal, RuleError, Usage};
pub use evaluate::{Decision, Place};
pub use marks::{Marks, Segment};
pub use prefix::Prefix;
pub use rule::Rule;
pub use subject::{AddressKind, Path, Subject, Surroundings};
pub use table::Table;
pub use target::{RejectWith, Target, Translation};

/// A table, in the order in which they come at a hook (nat between mangle and filter, but last at input).
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum TableKind {
    /// Before tracking.
    Raw,
    /// Marks.
    Mangle,
    /// Address translation; only the first packet of a flow comes here.
    Nat,
    /// Passing or not.
    Filter,
}

impl TableKind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Raw, Self::Mangle, Self::Nat, Self::Filter];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Mangle => "mangle",
            Self::Nat => "nat",
            Self::Filter => "filter",
        }
    }

    /// The table with this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The hooks that call it.
    #[must_use]
    pub const fn hooks(self) -> &'static [Hook] {
        match self {
            Self::Raw => &[Hook::Prerouting, Hook::Output],
            Self::Mangle => &Hook::ALL,
            Self::Nat => &[Hook::Prerouting, Hook::Input, Hook::Output, Hook::Postrouting],
            Self::Filter => &[Hook::Input, Hook::Forward, Hook::Output],
        }
    }
}

/// A place on the way of a packet through a host.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Hook {
    /// It came in; nobody looked where it goes.
    Prerouting,
    /// It is for this host.
    Input,
    /// It is for another.
    Forward,
    /// This host made it.
    Output,
    /// It goes out.
    Postrouting,
}

impl Hook {
    /// All of them, in the order in which iptables lists their chains.
    pub const ALL: [Self; 5] = [Self::Prerouting, Self::Input, Self::Forward, Self::Output, Self::Postrouting];

    /// The chain it calls in each table that it calls.
    #[must_use]
    pub const fn chain(self) -> &'static str {
        match self {
            Self::Prerouting => "PREROUTING",
            Self::Input => "INPUT",
            Self::Forward => "FORWARD",
            Self::Output => "OUTPUT",
            Self::Postrouting => "POSTROUTING",
        }
    }
}

/// The tables of one address family. A table is there from the first change on; `iptables-save` shows no other.
#[derive(Clone, Debug)]
pub struct Ruleset {
    family: Family,
    tables: [Option<Table>; TableKind::ALL.len()],
    tracking: bool,
    lists: matching::recent::Lists,
}

impl Ruleset {
    /// No table.
    #[must_use]
    pub fn new(family: Family) -> Self {
        let lists = matching::recent::Lists::default();
        Self { family, tables: [const { None }; TableKind::ALL.len()], tracking: false, lists }
    }

    /// Whose packets it judges.
    #[must_use]
    pub const fn family(&self) -> Family {
        self.family
    }

    /// A table, once something touched it.
    #[must_use]
    pub const fn table(&self, kind: TableKind) -> Option<&Table> {
        self.tables[kind as usize].as_ref()
    }

    /// A table, made when it is not there.
    pub fn touch(&mut self, kind: TableKind) -> &mut Table {
        self.tables[kind as usize].get_or_insert_with(|| Table::new(kind))
    }

    /// Whether nothing touched any table, so that every packet passes.
    #[must_use]
    pub fn is_untouched(&self) -> bool {
        self.tables.iter().all(Option::is_none)
    }

    /// Whether a rule needs flows to be tracked; as long as none does, nothing is.
    #[must_use]
    pub const fn needs_tracking(&self) -> bool {
        self.tracking
    }

    /// A change of a table, which is made for it; a change that is refused leaves no table behind.
    fn change(
        &mut self,
        kind: TableKind,
        f: impl FnOnce(&mut Table) -> Result<(), RuleError>,
    ) -> Result<(), RuleError> {
        let untouched = self.table(kind).is_none();
        let result = f(self.touch(kind));
        if untouched && result.is_err() {
            self.tables[kind as usize] = None;
        }
        self.tracking = self.tables.iter().flatten().any(Table::needs_tracking);
        result
    }

    /// A change of a table that must be there.
    fn existing(&mut self, kind: TableKind) -> Result<&mut Table, RuleError> {
        self.tables[kind as usize].as_mut().ok_or(RuleError::NoChain)
    }

    /// Makes a chain (`-N`).
    ///
    /// # Errors
    /// `ChainExists`.
    pub fn new_chain(&mut self, table: TableKind, chain: &str) -> Result<(), RuleError> {
        self.change(table, |t| t.new_chain(chain))
    }

    /// Deletes a chain (`-X`).
    ///
    /// # Errors
    /// `NoChain`, or `ChainRefused` when it has rules, something goes to it, or a hook calls it.
    pub fn delete_chain(&mut self, table: TableKind, chain: &str) -> Result<(), RuleError> {
        self.existing(table)?.delete_chain(chain)
    }

    /// Gives a chain another name (`-E`).
    ///
    /// # Errors
    /// `NoChain`, `FileExists`.
    pub fn rename_chain(&mut self, table: TableKind, chain: &str, to: &str) -> Result<(), RuleError> {
        self.existing(table)?.rename_chain(chain, to)
    }

    /// Sets the policy of a chain that a hook calls (`-P`); it counts anew.
    ///
    /// # Errors
    /// `BadBuiltIn` when no hook calls it; `Usage` for DROP in the nat table.
    pub fn set_policy(&mut self, table: TableKind, chain: &str, policy: Policy) -> Result<(), RuleError> {
        self.set_policy_counted(table, chain, policy, Counters::default())
    }

    /// The same, counting on from `counters`, as `iptables-restore -c` does.
    ///
    /// # Errors
    /// As for `set_policy`.
    pub fn set_policy_counted(
        &mut self,
        table: TableKind,
        chain: &str,
        policy: Policy,
        counters: Counters,
    ) -> Result<(), RuleError> {
        self.change(table, |t| t.set_policy(chain, policy, counters))
    }

    /// Puts a rule at the end of a chain (`-A`).
    ///
    /// # Errors
    /// `NoChain`; `Usage` when its target does not exist; `RuleRefused` when it cannot stand there.
    pub fn append(&mut self, table: TableKind, chain: &str, rule: Rule) -> Result<(), RuleError> {
        self.append_counted(table, chain, rule, Counters::default())
    }

    /// The same, counting on from `counters` (`-c`).
    ///
    /// # Errors
    /// As for `append`.
    pub fn append_counted(
        &mut self,
        table: TableKind,
        chain: &str,
        rule: Rule,
        counters: Counters,
    ) -> Result<(), RuleError> {
        self.change(table, |t| t.insert("RULE_APPEND", chain, None, rule, counters))
    }

    /// Puts a rule into a chain as its `number`th, from 1 (`-I`).
    ///
    /// # Errors
    /// As for `append`, and `IndexTooBig`.
    pub fn insert(&mut self, table: TableKind, chain: &str, number: usize, rule: Rule) -> Result<(), RuleError> {
        self.insert_counted(table, chain, number, rule, Counters::default())
    }

    /// The same, counting on from `counters` (`-c`).
    ///
    /// # Errors
    /// As for `insert`.
    pub fn insert_counted(
        &mut self,
        table: TableKind,
        chain: &str,
        number: usize,
        rule: Rule,
        counters: Counters,
    ) -> Result<(), RuleError> {
        self.change(table, |t| t.insert("RULE_INSERT", chain, Some(number.max(1)), rule, counters))
    }

    /// Puts a rule in the place of another (`-R`).
    ///
    /// # Errors
    /// As for `append`, and `IndexTooBig`.
    pub fn replace(&mut self, table: TableKind, chain: &str, number: usize, rule: Rule) -> Result<(), RuleError> {
        self.existing(table)?;
        self.change(table, |t| t.replace(chain, number.max(1), rule, Counters::default()))
    }

    /// Deletes the first rule that reads the same (`-D`).
    ///
    /// # Errors
    /// `NoRule`; `Usage` when its target does not exist.
    pub fn delete(&mut self, table: TableKind, chain: &str, rule: &Rule) -> Result<(), RuleError> {
        let number = self.find(table, chain, rule)?;
        self.delete_at(table, chain, number)
    }

    /// Deletes a rule by its number, from 1 (`-D`).
    ///
    /// # Errors
    /// `NoChain`, `IndexTooBig`.
    pub fn delete_at(&mut self, table: TableKind, chain: &str, number: usize) -> Result<(), RuleError> {
        self.existing(table)?;
        self.change(table, |t| t.delete_at(chain, number.max(1)))
    }

    /// Whether a chain has a rule that reads the same (`-C`).
    #[must_use]
    pub fn contains(&self, table: TableKind, chain: &str, rule: &Rule) -> bool {
        self.table(table).is_some_and(|t| t.position(chain, rule).is_some())
    }

    /// The number of the first rule that reads the same.
    ///
    /// # Errors
    /// `NoRule`; `Usage` when its target does not exist.
    pub fn find(&self, table: TableKind, chain: &str, rule: &Rule) -> Result<usize, RuleError> {
        let of = self.table(table);
        if let Some(to) = rule.target.chain().filter(|to| of.is_none_or(|t| t.chain(to).is_none())) {
            return Err(Usage::ChainMissing(to.to_owned()).into());
        }
        of.and_then(|t| t.position(chain, rule)).ok_or(RuleError::NoRule)
    }

    /// Deletes the rules of a chain, or of all (`-F`).
    ///
    /// # Errors
    /// `NoChain`.
    pub fn flush(&mut self, table: TableKind, chain: Option<&str>) -> Result<(), RuleError> {
        match (self.table(table), chain) {
            (None, None) => Ok(()),
            (None, Some(chain)) if !table.hooks().iter().any(|h| h.chain() == chain) => Err(RuleError::NoChain),
            _ => self.change(table, |t| t.flush(chain)),
        }
    }

    /// Sets counters to zero: of a rule, a chain, or all (`-Z`).
    ///
    /// # Errors
    /// `NoChain`.
    pub fn zero(&mut self, table: TableKind, chain: Option<&str>, number: Option<usize>) -> Result<(), RuleError> {
        match (self.table(table), chain) {
            (None, None) => Ok(()),
            _ => self.existing(table)?.zero(chain, number),
        }
    }

    /// Forgets a table, as `iptables-restore` does before it reads one.
    pub fn remove_table(&mut self, table: TableKind) {
        self.tables[table as usize] = None;
        self.tracking = self.tables.iter().flatten().any(Table::needs_tracking);
    }
}
