//! `iptables -L` and `-S`: chains as tables and as commands.

use super::command::CommandLine;
use crate::filter::rule::DevicePattern;
use crate::filter::{Chain, Counters, Family, Installed, Prefix, Rule, Table, name};

/// Prints rules as a command line asks for them.
#[derive(Clone, Copy, Debug)]
pub struct Listing {
    family: Family,
    verbose: bool,
    numeric: bool,
    exact: bool,
    line_numbers: bool,
}

impl Listing {
    /// As this command line says.
    #[must_use]
    pub const fn new(family: Family, line: &CommandLine) -> Self {
        let CommandLine { verbose, numeric, exact, line_numbers, .. } = *line;
        Self { family, verbose, numeric, exact, line_numbers }
    }

    /// `-L`: a chain, or all of them with an empty line between.
    #[must_use]
    pub fn tables(&self, table: &Table, only: Option<&str>) -> String {
        let chosen = table.chains().filter(|c| only.is_none_or(|name| c.name() == name));
        chosen.map(|chain| self.chain(table, chain)).collect::<Vec<_>>().join("\n")
    }

    fn chain(&self, table: &Table, chain: &Chain) -> String {
        let mut text = format!("Chain {} ({})\n{}\n", chain.name(), self.end(table, chain), self.head());
        for (index, installed) in chain.rules().iter().enumerate() {
            text.push_str(&self.row(index + 1, installed));
        }
        text
    }

    /// The policy of a chain, or how many rules go to it.
    fn end(&self, table: &Table, chain: &Chain) -> String {
        let Some(base) = chain.base() else { return format!("{} references", table.references(chain.name())) };
        let policy = base.policy.name();
        if !self.verbose {
            return format!("policy {policy}");
        }
        let Counters { packets, bytes } = base.counters.unwrap_or_default();
        format!("policy {policy} {} packets, {} bytes", self.short(packets), self.short(bytes))
    }

    fn head(&self) -> String {
        let number = if self.line_numbers { "num  " } else { "" };
        let counters = match (self.verbose, self.exact) {
            (false, _) => "",
            (true, false) => " pkts bytes ",
            (true, true) => "    pkts      bytes ",
        };
        let devices = if self.verbose { "in     out     " } else { "" };
        format!("{number}{counters}target     prot opt {devices}source               destination         ")
    }

    /// `-L CHAIN NUMBER`: one line, without a head.
    #[must_use]
    pub fn row(&self, number: usize, installed: &Installed) -> String {
        let rule = &installed.rule;
        let mut text = String::new();
        if self.line_numbers {
            text.push_str(&format!("{number:<4} "));
        }
        if self.verbose {
            text.push_str(&self.number(installed.counters.packets));
            text.push_str(&self.number(installed.counters.bytes));
        }
        let (sign, protocol) = self.protocol(rule, self.numeric);
        text.push_str(&format!("{:<9} {sign}{protocol:<4} {} ", rule.target.shown(), opt(rule)));
        if self.verbose {
            let any = if self.numeric { "*" } else { "any" };
            text.push_str(&format!(" {:<6} {:<6} ", device(&rule.in_device, any), device(&rule.out_device, any)));
        }
        for end in [rule.source, rule.destination] {
            let (sign, addresses) = self.addresses(end, self.numeric);
            text.push_str(&format!("{sign}{addresses:<19} "));
        }
        text + &rule.describe(self.numeric) + "\n"
    }

    /// What `-v` prints of a rule that is added or deleted.
    #[must_use]
    pub fn notice(&self, rule: &Rule) -> String {
        let (protocol_sign, protocol) = self.protocol(rule, false);
        let (source_sign, source) = self.addresses(rule.source, true);
        let (destination_sign, destination) = self.addresses(rule.destination, true);
        format!(
            "{} {protocol_sign}{protocol} opt {} in {} out {} {source_sign}{source} {destination_sign}-> {destination}  {}\n",
            rule.target.shown(),
            opt(rule),
            device(&rule.in_device, "*"),
            device(&rule.out_device, "*"),
            rule.describe(true),
        )
    }

    fn protocol(&self, rule: &Rule, numeric: bool) -> (char, String) {
        let (number, negated) = rule.protocol.unwrap_or((0, false));
        let shown = match number {
            number if numeric => number.to_string(),
            0 => "all".to_owned(),
            number => name::protocol(number),
        };
        (if negated { '!' } else { ' ' }, shown)
    }

    fn addresses(&self, end: Option<(Prefix, bool)>, numeric: bool) -> (char, String) {
        let every = match self.family {
            Family::V4 => Prefix::V4(0, 0),
            Family::V6 => Prefix::V6(0, 0),
        };
        let (prefix, negated) = end.unwrap_or((every, false));
        (if negated { '!' } else { ' ' }, prefix.describe(numeric))
    }

    /// A counter in its column.
    fn number(&self, n: u64) -> String {
        let shown = self.short(n);
        if self.exact { format!("{shown:>8} ") } else { format!("{shown:>5} ") }
    }

    /// A counter, above 99999 in thousands, those above 9999 in millions, and so on.
    fn short(&self, n: u64) -> String {
        if self.exact || n <= 99_999 {
            return n.to_string();
        }
        let mut n = (n + 500) / 1000;
        for unit in ["K", "M", "G"] {
            if n <= 9999 {
                return format!("{n}{unit}");
            }
            n = (n + 500) / 1000;
        }
        format!("{n}T")
    }

    /// `-S`: chains and rules as the commands that make them.
    #[must_use]
    pub fn commands(&self, table: &Table, only: Option<&str>) -> String {
        let chosen = || table.chains().filter(|c| only.is_none_or(|name| c.name() == name));
        let ends = chosen().map(|c| self.chain_command(c));
        let rules = chosen().flat_map(|c| c.rules().iter().map(|r| self.rule_command(c.name(), r)));
        ends.chain(rules).collect()
    }

    fn chain_command(&self, chain: &Chain) -> String {
        let Some(base) = chain.base() else { return format!("-N {}\n", chain.name()) };
        let Counters { packets, bytes } = base.counters.unwrap_or_default();
        let counters = if self.verbose { format!(" -c {packets} {bytes}") } else { String::new() };
        format!("-P {} {}{counters}\n", chain.name(), base.policy.name())
    }

    /// `-S CHAIN NUMBER`: one rule.
    #[must_use]
    pub fn rule_command(&self, chain: &str, installed: &Installed) -> String {
        let counters = self.verbose.then_some((installed.counters.packets, installed.counters.bytes));
        format!("{}\n", append_command(chain, &installed.rule.save(counters)))
    }
}

/// The command that appends a rule.
pub(super) fn append_command(chain: &str, rule: &str) -> String {
    if rule.is_empty() { format!("-A {chain}") } else { format!("-A {chain} {rule}") }
}

const fn opt(rule: &Rule) -> &'static str {
    match rule.fragment {
        None => "--",
        Some(true) => "-f",
        Some(false) => "!f",
    }
}

fn device(pattern: &Option<DevicePattern>, any: &str) -> String {
    match pattern {
        None => any.to_owned(),
        Some(pattern) => format!("{}{}", if pattern.negated { "!" } else { "" }, pattern.name()),
    }
}
