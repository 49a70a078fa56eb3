//! Builtins that steer: leaving loops, functions and the shell, running text, and asking what a name means.

use super::super::dialect::Dialect;
use super::super::machine::{Kind, Leave, Machine, Meaning};
use super::super::trap::Condition;
use super::{Outcome, find, is_keyword};
use crate::userland::{Errno, Signal, Sys};

/// `break` and `continue`
pub(super) fn leave(machine: &mut Machine, sys: &mut Sys<'_>, args: &[String]) -> Outcome {
    let how = if args[0] == "break" { Leave::Break } else { Leave::Continue };
    let count = args.get(1).map_or(Some(1), |count| count.parse::<usize>().ok().filter(|n| *n > 0));
    let Some(count) = count else {
        machine.say(sys, &args[0], &format!("Illegal number: {}", args[1]));
        return Outcome::Fatal(2);
    };
    if machine.leave_loop(sys, how, count) {
        return Outcome::Elsewhere;
    }
    if machine.dialect() == Dialect::Bash {
        machine.say(sys, &args[0], "only meaningful in a `for', `while', or `until' loop");
    }
    Outcome::Status(0)
}

/// `return`
pub(super) fn leave_function(machine: &mut Machine, sys: &mut Sys<'_>, args: &[String]) -> Outcome {
    let status = match number(machine, sys, args) {
        Ok(status) => status,
        Err(outcome) => return outcome,
    };
    if machine.return_early(sys) {
        machine.state.status = status & 0xff;
        return Outcome::Elsewhere;
    }
    if machine.dialect() == Dialect::Bash {
        machine.say(sys, "return", "can only `return' from a function or sourced script");
        return Outcome::Status(1);
    }
    Outcome::Exit(status)
}

/// `exit`
pub(super) fn exit(machine: &mut Machine, sys: &mut Sys<'_>, args: &[String]) -> Outcome {
    match number(machine, sys, args) {
        Ok(status) => Outcome::Exit(status & 0xff),
        Err(outcome) => outcome,
    }
}

/// The status given as argument, or the last one.
fn number(machine: &Machine, sys: &mut Sys<'_>, args: &[String]) -> Result<i32, Outcome> {
    let Some(text) = args.get(1) else { return Ok(machine.state.status) };
    text.parse().map_err(|_| {
        let text = match machine.dialect() {
            Dialect::Bash => format!("{text}: numeric argument required"),
            Dialect::Ash | Dialect::Dash => format!("Illegal number: {text}"),
        };
        machine.say(sys, &args[0], &text);
        if machine.dialect() == Dialect::Bash { Outcome::Exit(2) } else { Outcome::Fatal(2) }
    })
}

/// `eval`
pub(super) fn eval(machine: &mut Machine, _: &mut Sys<'_>, args: &[String]) -> Outcome {
    machine.call_text(&args[1..].join(" "), Kind::Eval);
    Outcome::Elsewhere
}

/// `.`
pub(super) fn source(machine: &mut Machine, sys: &mut Sys<'_>, args: &[String]) -> Outcome {
    let Some(path) = args.get(1) else {
        machine.say(sys, &args[0], "filename argument required");
        return Outcome::Status(2);
    };
    match sys.files().read(&sys.absolute(path)) {
        Ok(bytes) => {
            let text = String::from_utf8_lossy(&bytes).into_owned();
            let given = args.get(2..).filter(|given| !given.is_empty());
            let before = given.map(|given| core::mem::replace(&mut machine.state.positional, given.to_vec()));
            machine.call_text(&text, Kind::File(before));
            Outcome::Elsewhere
        }
        Err(errno) => unreadable(machine, sys, path, errno),
    }
}

fn unreadable(machine: &Machine, sys: &mut Sys<'_>, path: &str, errno: Errno) -> Outcome {
    match machine.dialect() {
        Dialect::Ash => machine.say(sys, ".", &format!("can't open '{path}': {errno}")),
        Dialect::Dash => machine.say(sys, ".", &format!("cannot open {path}: No such file")),
        Dialect::Bash => {
            machine.complain(sys, &format!("{path}: {errno}"));
            return Outcome::Status(1);
        }
    }
    Outcome::Fatal(2)
}

/// `exec`
pub(super) fn exec(_: &mut Machine, _: &mut Sys<'_>, args: &[String]) -> Outcome {
    if args.len() == 1 { Outcome::Keep } else { Outcome::Become(args[1..].to_vec()) }
}

/// `command`
pub(super) fn command(machine: &mut Machine, sys: &mut Sys<'_>, args: &[String]) -> Outcome {
    let mut rest = &args[1..];
    let mut describe = false;
    while let Some((option, others)) = rest.split_first().filter(|(o, _)| o.starts_with('-') && o.len() > 1) {
        rest = others;
        match option.as_str() {
            "-v" => describe = true,
            "-V" => return kind(machine, sys, &[&args[..1], rest].concat()),
            "-p" | "--" => {}
            other => {
                machine.say(sys, "command", &format!("{other}: invalid option"));
                return Outcome::Status(2);
            }
        }
    }
    let Some(name) = rest.first() else { return Outcome::Status(0) };
    if describe {
        return path(machine, sys, rest);
    }
    match find(name) {
        Some(builtin) => (builtin.run)(machine, sys, rest),
        None => Outcome::Program(rest.to_vec()),
    }
}

/// `command -v`: bash looks at every name, the others at the first.
fn path(machine: &Machine, sys: &mut Sys<'_>, names: &[String]) -> Outcome {
    let count = if machine.dialect() == Dialect::Bash { names.len() } else { 1 };
    let mut status = 1;
    for name in &names[..count] {
        let text = match machine.meaning(sys, name) {
            _ if is_keyword(name) => name.clone(),
            Meaning::Function(_) | Meaning::Builtin(_) => name.clone(),
            Meaning::Program(path) => path,
            Meaning::Unknown | Meaning::Useless(_) => continue,
        };
        sys.print(format!("{text}\n"));
        status = 0;
    }
    Outcome::Status(if status == 1 && machine.dialect() != Dialect::Bash { 127 } else { status })
}

/// `type`
pub(super) fn kind(machine: &mut Machine, sys: &mut Sys<'_>, args: &[String]) -> Outcome {
    let mut status = 0;
    for name in &args[1..] {
        let text = match machine.meaning(sys, name) {
            _ if is_keyword(name) => "is a shell keyword".to_owned(),
            Meaning::Function(_) if machine.dialect() != Dialect::Dash => "is a function".to_owned(),
            Meaning::Function(_) => "is a shell function".to_owned(),
            Meaning::Builtin(builtin) if builtin.special && machine.dialect() != Dialect::Bash => {
                "is a special shell builtin".to_owned()
            }
            Meaning::Builtin(_) => "is a shell builtin".to_owned(),
            Meaning::Program(path) => format!("is {path}"),
            Meaning::Unknown | Meaning::Useless(_) => {
                status = unknown(machine, sys, name);
                continue;
            }
        };
        sys.print(format!("{name} {text}\n"));
    }
    Outcome::Status(status)
}

fn unknown(machine: &Machine, sys: &mut Sys<'_>, name: &str) -> i32 {
    if machine.dialect() == Dialect::Bash {
        machine.say(sys, "type", &format!("{name}: not found"));
        return 1;
    }
    sys.print(format!("{name}: not found\n"));
    127
}

/// `times`: nothing here costs a processor's time.
pub(super) fn times(_: &mut Machine, sys: &mut Sys<'_>, _: &[String]) -> Outcome {
    sys.print("0m0.000s 0m0.000s\n0m0.000s 0m0.000s\n");
    Outcome::Status(0)
}

/// `trap`
pub(super) fn trap(machine: &mut Machine, sys: &mut Sys<'_>, args: &[String]) -> Outcome {
    let rest: Vec<&String> = args[1..].iter().filter(|arg| *arg != "--").collect();
    let Some((action, conditions)) = rest.split_first() else {
        let list = machine.traps.list();
        sys.print(list);
        return Outcome::Status(0);
    };
    let (action, conditions) = match conditions {
        [] => (None, &rest[..]),
        _ if *action == "-" => (None, conditions),
        _ => (Some(*action), conditions),
    };
    let mut status = 0;
    for name in conditions {
        match (Condition::parse(name), action) {
            (Some(Condition::Signal(Signal::Kill | Signal::Stop)), _) => {}
            (Some(condition), Some(action)) => machine.traps.set(condition, action.clone()),
            (Some(condition), None) => machine.traps.reset(condition),
            (None, _) => status = no_condition(machine, sys, name),
        }
    }
    Outcome::Status(status)
}

fn no_condition(machine: &Machine, sys: &mut Sys<'_>, name: &str) -> i32 {
    match machine.dialect() {
        Dialect::Dash => sys.eprint(format!("trap: {name}: bad trap\n")),
        Dialect::Ash | Dialect::Bash => machine.say(sys, "trap", &format!("{name}: invalid signal specification")),
    }
    1
}
