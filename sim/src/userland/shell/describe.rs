//! How `jobs` shows a command: bash writes it out as it would write a function, ash on one line in its own spelling.

use brush_parser::ast::{
    AndOr, AndOrList, Command, CommandPrefixOrSuffixItem as Item, CompoundCommand, CompoundList, IoFileRedirectKind,
    IoRedirect, Pipeline, SeparatorOperator, SimpleCommand,
};

use super::dialect::Dialect;

/// The text of a job.
pub(super) fn job(list: &AndOrList, dialect: Dialect) -> String {
    match dialect {
        Dialect::Bash => bash(list),
        Dialect::Ash | Dialect::Dash => and_or(list),
    }
}

/// The parser writes pipes as `a |b`; bash puts a space there.
fn bash(list: &AndOrList) -> String {
    let one = |pipeline: &Pipeline| {
        let stages: Vec<String> = pipeline.seq.iter().map(ToString::to_string).collect();
        format!("{}{}", if pipeline.bang { "! " } else { "" }, stages.join(" | "))
    };
    join(list, one)
}

fn and_or(list: &AndOrList) -> String {
    join(list, pipeline)
}

fn join(list: &AndOrList, one: impl Fn(&Pipeline) -> String) -> String {
    let rest = list.additional.iter().map(|item| match item {
        AndOr::And(pipeline) => format!(" && {}", one(pipeline)),
        AndOr::Or(pipeline) => format!(" || {}", one(pipeline)),
    });
    one(&list.first) + &rest.collect::<String>()
}

fn pipeline(pipeline: &Pipeline) -> String {
    let stages: Vec<String> = pipeline.seq.iter().map(command).collect();
    format!("{}{}", if pipeline.bang { "!" } else { "" }, stages.join(" | "))
}

fn command(command: &Command) -> String {
    match command {
        Command::Simple(command) => simple(command),
        Command::Compound(body, redirects) => {
            let redirects = redirects.iter().flat_map(|r| &r.0).map(redirect);
            compound(body) + &redirects.collect::<String>()
        }
        Command::Function(definition) => format!("{}() {{ ... }}", definition.fname),
        Command::ExtendedTest(..) => command.to_string(),
    }
}

/// The words and redirections; ash leaves assignments out.
fn simple(command: &SimpleCommand) -> String {
    let prefix = command.prefix.iter().flat_map(|p| &p.0);
    let suffix = command.suffix.iter().flat_map(|s| &s.0);
    let words = suffix.clone().filter_map(|item| match item {
        Item::Word(word) | Item::AssignmentWord(_, word) => Some(word),
        Item::IoRedirect(_) | Item::ProcessSubstitution(..) => None,
    });
    let words: Vec<String> = command.word_or_name.iter().chain(words).map(ToString::to_string).collect();
    let redirects = prefix.chain(suffix).filter_map(|item| match item {
        Item::IoRedirect(one) => Some(redirect(one)),
        _ => None,
    });
    words.join(" ") + &redirects.collect::<String>()
}

fn redirect(redirect: &IoRedirect) -> String {
    match redirect {
        IoRedirect::File(fd, kind, target) => {
            let input = matches!(kind, IoFileRedirectKind::Read | IoFileRedirectKind::DuplicateInput);
            let fd = fd.unwrap_or(i32::from(!input));
            format!(" {fd}{kind}{target}")
        }
        IoRedirect::HereDocument(fd, _) | IoRedirect::HereString(fd, _) => format!(" {}<<...", fd.unwrap_or(0)),
        IoRedirect::OutputAndError(target, _) => format!(" 1>{target} 2>&1"),
    }
}

fn list(list: &CompoundList) -> String {
    let mut text = String::new();
    for (at, item) in list.0.iter().enumerate() {
        if at > 0 {
            text.push_str("; ");
        }
        text.push_str(&and_or(&item.0));
        if matches!(item.1, SeparatorOperator::Async) {
            text.push_str(" &");
        }
    }
    text
}

fn compound(command: &CompoundCommand) -> String {
    match command {
        CompoundCommand::BraceGroup(group) => list(&group.list),
        CompoundCommand::Subshell(subshell) => format!("({})", list(&subshell.list)),
        CompoundCommand::ForClause(command) => {
            let words: Vec<String> = command.values.iter().flatten().map(ToString::to_string).collect();
            format!("for {} in {}; do {}; done", command.variable_name, words.join(" "), list(&command.body.list))
        }
        CompoundCommand::CaseClause(command) => format!("case {} in ...", command.value),
        CompoundCommand::IfClause(command) => {
            let mut text = format!("if {}; then {}", list(&command.condition), list(&command.then));
            for branch in command.elses.iter().flatten() {
                text += &match &branch.condition {
                    Some(condition) => format!("; elif {}; then {}", list(condition), list(&branch.body)),
                    None => format!("; else {}", list(&branch.body)),
                };
            }
            text + "; fi"
        }
        CompoundCommand::WhileClause(command) => {
            format!("while {}; do {}; done", list(&command.0), list(&command.1.list))
        }
        CompoundCommand::UntilClause(command) => {
            format!("until {}; do {}; done", list(&command.0), list(&command.1.list))
        }
        CompoundCommand::Arithmetic(_) | CompoundCommand::ArithmeticForClause(_) | CompoundCommand::Coprocess(_) => {
            command.to_string()
        }
    }
}
