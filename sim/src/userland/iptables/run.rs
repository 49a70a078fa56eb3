//! `iptables` and `ip6tables`: a command line done to a ruleset.

use super::Output;
use super::command::{Command, CommandLine};
use super::failure::{Failure, VERSION, program};
use super::listing::Listing;
use crate::filter::{Chain, RuleError, Ruleset, Table};

const HELP: &str = "\
Usage: NAME -[ACD] chain rule-specification [options]
       NAME -I chain [rulenum] rule-specification [options]
       NAME -R chain rulenum rule-specification [options]
       NAME -D chain rulenum [options]
       NAME -[LS] [chain [rulenum]] [options]
       NAME -[FZ] [chain] [options]
       NAME -[NX] chain
       NAME -E old-chain-name new-chain-name
       NAME -P chain target [options]
       NAME -h (print this help information)
";

/// Runs the program.
#[must_use]
pub fn run(rules: &mut Ruleset, arguments: &[String]) -> Output {
    let family = rules.family();
    let done = CommandLine::parse(family, arguments).and_then(|line| execute(rules, &line));
    match done {
        Ok(out) => Output { out, ..Output::default() },
        Err(failure) => failure.report(family),
    }
}

/// Does what a command line says; gives what it prints.
pub(super) fn execute(rules: &mut Ruleset, line: &CommandLine) -> Result<String, Failure> {
    match &line.command {
        Command::Help => {
            let name = program(rules.family());
            Ok(format!("{name} {VERSION}\n\n{}", HELP.replace("NAME", name)))
        }
        Command::Version => Ok(format!("{} {VERSION}\n", program(rules.family()))),
        Command::List(chain, number) | Command::ListRules(chain, number) if line.zero => {
            let told = list(rules, line)?;
            rules.zero(line.table, chain.as_deref(), *number)?;
            Ok(told + &each_chain(rules, line, chain.as_deref(), "Zeroing"))
        }
        Command::List(..) | Command::ListRules(..) => list(rules, line),
        Command::Append(_) | Command::Insert(..) | Command::Replace(..) => write_rules(rules, line),
        Command::Check(_) | Command::Delete(_) => seek_rules(rules, line),
        _ => change_chains(rules, line),
    }
}

fn list(rules: &Ruleset, line: &CommandLine) -> Result<String, Failure> {
    let untouched = Table::new(line.table);
    let table = rules.table(line.table).unwrap_or(&untouched);
    let listing = Listing::new(rules.family(), line);
    let (Command::List(chain, number) | Command::ListRules(chain, number)) = &line.command else {
        return Ok(String::new());
    };
    let chain = chain.as_deref();
    if let Some(missing) = chain.filter(|name| table.chain(name).is_none()) {
        return Err(Failure::Incompatible(missing.to_owned(), line.table.name()));
    }
    let as_table = matches!(line.command, Command::List(..));
    let one = number.and_then(|number| Some((number, table.chain(chain?)?)));
    Ok(match one {
        Some((number, chain)) => one_rule(listing, as_table, chain, number),
        None if as_table => listing.tables(table, chain),
        None => listing.commands(table, chain),
    })
}

/// One rule; nothing when it is not there.
fn one_rule(listing: Listing, as_table: bool, chain: &Chain, number: usize) -> String {
    let Some(installed) = chain.rules().get(number - 1) else { return String::new() };
    if as_table { listing.row(number, installed) } else { listing.rule_command(chain.name(), installed) }
}

fn write_rules(rules: &mut Ruleset, line: &CommandLine) -> Result<String, Failure> {
    for rule in line.rules.iter().cloned() {
        match &line.command {
            Command::Insert(chain, number) => {
                rules.insert_counted(line.table, chain, *number, rule, line.counters)?;
            }
            Command::Replace(chain, number) => rules.replace(line.table, chain, *number, rule)?,
            Command::Append(chain) => rules.append_counted(line.table, chain, rule, line.counters)?,
            _ => {}
        }
    }
    Ok(notices(rules, line))
}

fn seek_rules(rules: &mut Ruleset, line: &CommandLine) -> Result<String, Failure> {
    for rule in &line.rules {
        match &line.command {
            Command::Delete(chain) => rules.delete(line.table, chain, rule)?,
            Command::Check(chain) => drop(rules.find(line.table, chain, rule)?),
            _ => {}
        }
    }
    Ok(notices(rules, line))
}

fn notices(rules: &Ruleset, line: &CommandLine) -> String {
    let listing = Listing::new(rules.family(), line);
    line.rules.iter().filter(|_| line.verbose).map(|rule| listing.notice(rule)).collect()
}

fn change_chains(rules: &mut Ruleset, line: &CommandLine) -> Result<String, Failure> {
    let table = line.table;
    match &line.command {
        Command::DeleteAt(chain, number) => rules.delete_at(table, chain, *number)?,
        Command::DeleteChain(chain) => return delete_chains(rules, line, chain.as_deref()),
        Command::Flush(chain) => {
            rules.flush(table, chain.as_deref())?;
            return Ok(each_chain(rules, line, chain.as_deref(), "Flushing"));
        }
        Command::NewChain(chain) => rules.new_chain(table, chain)?,
        Command::Rename(chain, to) => rules.rename_chain(table, chain, to)?,
        Command::SetPolicy(chain, policy) => rules.set_policy(table, chain, *policy)?,
        Command::Zero(chain, number) => {
            rules.zero(table, chain.as_deref(), *number)?;
            return Ok(each_chain(rules, line, chain.as_deref(), "Zeroing"));
        }
        _ => {}
    }
    Ok(String::new())
}

/// Deletes one chain, or all that are the user's: all of them or none.
fn delete_chains(rules: &mut Ruleset, line: &CommandLine, only: Option<&str>) -> Result<String, Failure> {
    let names = match only {
        Some(name) => vec![name.to_owned()],
        None => rules.table(line.table).map(user_chains).unwrap_or_default(),
    };
    let mut draft = rules.clone();
    let done: Result<(), RuleError> = names.iter().try_for_each(|name| draft.delete_chain(line.table, name));
    done?;
    *rules = draft;
    Ok(names.iter().filter(|_| line.verbose).map(|name| format!("Deleting chain `{name}'\n")).collect())
}

fn user_chains(table: &Table) -> Vec<String> {
    table.chains().filter(|c| c.base().is_none()).map(|c| c.name().to_owned()).collect()
}

/// What `-v` says of each chain that something was done to.
fn each_chain(rules: &Ruleset, line: &CommandLine, only: Option<&str>, what: &str) -> String {
    let chains = rules.table(line.table).into_iter().flat_map(Table::chains);
    let chosen = chains.filter(|c| line.verbose && only.is_none_or(|name| c.name() == name));
    chosen.map(|c| format!("{what} chain `{}'\n", c.name())).collect()
}
