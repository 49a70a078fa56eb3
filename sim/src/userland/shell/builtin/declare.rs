//! Builtins for variables, parameters and options.

use super::super::arithmetic;
use super::super::dialect::Dialect;
use super::super::machine::Machine;
use super::super::variables::{is_name, quoted};
use super::Outcome;
use crate::userland::Sys;

/// `export`
pub(super) fn export(machine: &mut Machine, sys: &mut Sys<'_>, args: &[String]) -> Outcome {
    let (names, exported) = match args.get(1).map(String::as_str) {
        Some("-n") => (&args[2..], false),
        Some("-p" | "--") => (&args[2..], true),
        _ => (&args[1..], true),
    };
    if names.is_empty() {
        list(machine, sys, "export");
    }
    mark(machine, sys, args, names, |machine, name| machine.state.variables.export(name, exported))
}

/// `readonly`
pub(super) fn readonly(machine: &mut Machine, sys: &mut Sys<'_>, args: &[String]) -> Outcome {
    let names = if args.get(1).is_some_and(|arg| arg == "-p") { &args[2..] } else { &args[1..] };
    if names.is_empty() {
        list(machine, sys, "readonly");
    }
    mark(machine, sys, args, names, |machine, name| machine.state.variables.protect(name))
}

/// `local`, and bash's `declare` inside of functions.
pub(super) fn local(machine: &mut Machine, sys: &mut Sys<'_>, args: &[String]) -> Outcome {
    for word in args[1..].iter().filter(|word| !word.starts_with('-')) {
        let name = word.split('=').next().unwrap_or_default();
        if !machine.make_local(name) && args[0] == "local" {
            let bash = machine.dialect() == Dialect::Bash;
            machine.say(sys, "local", if bash { "can only be used in a function" } else { "not in a function" });
            return if bash { Outcome::Status(1) } else { Outcome::Fatal(2) };
        }
    }
    let names: Vec<String> = args[1..].iter().filter(|word| !word.starts_with('-')).cloned().collect();
    let exports = args[1..].iter().any(|word| word.starts_with('-') && word.contains('x'));
    mark(machine, sys, args, &names, |machine, name| {
        if exports {
            machine.state.variables.export(name, true);
        }
    })
}

/// Assigns `name=value` words and marks each name.
fn mark(
    machine: &mut Machine,
    sys: &mut Sys<'_>,
    args: &[String],
    names: &[String],
    mark: impl Fn(&mut Machine, &str),
) -> Outcome {
    for word in names {
        let (name, value) = word.split_once('=').map_or((word.as_str(), None), |(name, value)| (name, Some(value)));
        if !is_name(name) {
            return bad_name(machine, sys, args, word, name);
        }
        if let Some(value) = value
            && let Err(failure) = machine.state.variables.assign(name, value.to_owned())
        {
            return Outcome::Failure(failure);
        }
        mark(machine, name);
    }
    Outcome::Status(0)
}

fn bad_name(machine: &Machine, sys: &mut Sys<'_>, args: &[String], word: &str, name: &str) -> Outcome {
    if machine.dialect() == Dialect::Bash {
        machine.say(sys, &args[0], &format!("`{word}': not a valid identifier"));
        return Outcome::Status(1);
    }
    machine.say(sys, &args[0], &format!("{name}: bad variable name"));
    Outcome::Fatal(2)
}

/// Prints the variables that carry a mark, as commands that set it.
fn list(machine: &Machine, sys: &mut Sys<'_>, command: &str) {
    let marked = machine.state.variables.iter().filter(|(_, v)| match command {
        "export" => v.exported,
        _ => v.readonly,
    });
    let (before, quote): (_, fn(&str) -> String) = match (machine.dialect(), command) {
        (Dialect::Bash, "export") => ("declare -x", |value| format!("\"{value}\"")),
        (Dialect::Bash, _) => ("declare -r", |value| format!("\"{value}\"")),
        _ => (command, quoted),
    };
    let line = |(name, variable): (&str, &super::super::variables::Variable)| {
        let value = variable.value.as_deref().map_or_else(String::new, |value| format!("={}", quote(value)));
        format!("{before} {name}{value}\n")
    };
    sys.print(marked.map(line).collect::<String>());
}

/// `unset`
pub(super) fn unset(machine: &mut Machine, sys: &mut Sys<'_>, args: &[String]) -> Outcome {
    let (names, functions) = match args.get(1).map(String::as_str) {
        Some("-f") => (&args[2..], true),
        Some("-v") => (&args[2..], false),
        _ => (&args[1..], false),
    };
    for name in names {
        if functions {
            machine.state.functions.remove(name);
        } else if !is_name(name) && machine.dialect() != Dialect::Bash {
            machine.say(sys, "unset", &format!("{name}: bad variable name"));
            return Outcome::Fatal(2);
        } else if let Err(failure) = machine.state.variables.unset(name) {
            return Outcome::Failure(failure);
        }
    }
    Outcome::Status(0)
}

/// `shift`
pub(super) fn shift(machine: &mut Machine, sys: &mut Sys<'_>, args: &[String]) -> Outcome {
    let count = args.get(1).map_or(Ok(1), |count| count.parse::<usize>());
    let Ok(count) = count else {
        machine.say(sys, "shift", &format!("Illegal number: {}", args[1]));
        return Outcome::Fatal(2);
    };
    if count > machine.state.positional.len() {
        if machine.dialect() == Dialect::Dash {
            machine.say(sys, "shift", "can't shift that many");
            return Outcome::Fatal(2);
        }
        return Outcome::Status(1);
    }
    machine.state.positional.drain(..count);
    Outcome::Status(0)
}

/// `set`
pub(super) fn set(machine: &mut Machine, sys: &mut Sys<'_>, args: &[String]) -> Outcome {
    if args.len() == 1 {
        let line = |(name, variable): (&str, &super::super::variables::Variable)| {
            variable.value.as_deref().map(|value| format!("{name}={}\n", quoted(value)))
        };
        let text: String = machine.state.variables.iter().filter_map(line).collect();
        sys.print(text);
        return Outcome::Status(0);
    }
    let mut rest = &args[1..];
    while let Some((word, others)) = rest.split_first() {
        rest = match word.as_str() {
            "--" => {
                machine.state.positional = others.to_vec();
                return Outcome::Status(0);
            }
            "-o" | "+o" if !others.is_empty() => {
                if !machine.state.options.set_named(&others[0], word == "-o") {
                    return illegal(machine, sys, &format!("{word} {}", others[0]));
                }
                &others[1..]
            }
            _ if word.len() > 1 && word.starts_with(['-', '+']) => {
                if let Some(letter) = letters(machine, word) {
                    return illegal(machine, sys, &format!("{}{letter}", &word[..1]));
                }
                others
            }
            _ => {
                machine.state.positional = rest.to_vec();
                return Outcome::Status(0);
            }
        };
    }
    Outcome::Status(0)
}

/// Sets the options of a word like `-eu`; the first letter that is none.
fn letters(machine: &mut Machine, word: &str) -> Option<char> {
    let on = word.starts_with('-');
    // Job control and its notices are always as a scenario needs them.
    word.chars().skip(1).find(|letter| !matches!(letter, 'm' | 'b' | 'h') && !machine.state.options.set(*letter, on))
}

fn illegal(machine: &Machine, sys: &mut Sys<'_>, option: &str) -> Outcome {
    match machine.dialect() {
        Dialect::Ash => machine.say(sys, "set", &format!("illegal option {option}")),
        Dialect::Dash => machine.say(sys, "set", &format!("Illegal option {option}")),
        Dialect::Bash => {
            machine.say(sys, "set", &format!("{option}: invalid option"));
            return Outcome::Status(2);
        }
    }
    Outcome::Fatal(2)
}

/// `let`
pub(super) fn calculate(machine: &mut Machine, _: &mut Sys<'_>, args: &[String]) -> Outcome {
    let mut last = 0;
    for expression in &args[1..] {
        match arithmetic::evaluate(expression, &mut machine.state.variables) {
            Ok(value) => last = value,
            Err(failure) => return Outcome::Failure(failure),
        }
    }
    Outcome::Status(i32::from(last == 0))
}
