//! `cd`, `pwd` and `umask`: where the shell is, and what files it makes there are allowed.

use super::super::dialect::Dialect;
use super::super::machine::Machine;
use super::Outcome;
use crate::userland::{Errno, Sys};

/// `cd`
pub(super) fn cd(machine: &mut Machine, sys: &mut Sys<'_>, args: &[String]) -> Outcome {
    let words: Vec<&str> = args[1..].iter().map(String::as_str).filter(|a| !matches!(*a, "-L" | "-P" | "--")).collect();
    let variables = &machine.state.variables;
    let target = match words.first() {
        None => variables.value("HOME").unwrap_or("/").to_owned(),
        Some(&"-") => variables.value("OLDPWD").unwrap_or_default().to_owned(),
        Some(path) => (*path).to_owned(),
    };
    let path = sys.absolute(&target);
    if !sys.files().is_directory(&path) {
        return refuse(machine, sys, &target, &path);
    }
    if words.first() == Some(&"-") {
        sys.print(format!("{path}\n"));
    }
    let before = sys.cwd().to_owned();
    sys.set_cwd(path.clone());
    let assigned = machine.state.variables.assign("OLDPWD", before);
    match assigned.and_then(|()| machine.state.variables.assign("PWD", path)) {
        Ok(()) => Outcome::Status(0),
        Err(failure) => Outcome::Failure(failure),
    }
}

fn refuse(machine: &Machine, sys: &mut Sys<'_>, target: &str, path: &str) -> Outcome {
    let why = match sys.files().read(path) {
        Ok(_) => "Not a directory".to_owned(),
        Err(_) => Errno::NoEntry.to_string(),
    };
    let (text, status) = match machine.dialect() {
        Dialect::Ash => (format!("can't cd to {target}: {why}"), 2),
        Dialect::Dash => (format!("can't cd to {target}"), 2),
        Dialect::Bash => (format!("{target}: {why}"), 1),
    };
    machine.say(sys, "cd", &text);
    Outcome::Status(status)
}

/// `pwd`
pub(super) fn pwd(_: &mut Machine, sys: &mut Sys<'_>, _: &[String]) -> Outcome {
    let text = format!("{}\n", sys.cwd());
    sys.print(text);
    Outcome::Status(0)
}

/// `umask`: remembered and shown; the filesystem has no permissions.
pub(super) fn umask(machine: &mut Machine, sys: &mut Sys<'_>, args: &[String]) -> Outcome {
    let Some(mask) = args.get(1) else {
        let text = format!("{:04o}\n", machine.state.mask);
        sys.print(text);
        return Outcome::Status(0);
    };
    match u32::from_str_radix(mask, 8) {
        Ok(mask) if mask <= 0o777 => {
            machine.state.mask = mask;
            Outcome::Status(0)
        }
        _ if machine.dialect() == Dialect::Bash => {
            machine.say(sys, "umask", &format!("{mask}: octal number out of range"));
            Outcome::Status(1)
        }
        _ => {
            machine.say(sys, "umask", &format!("Illegal mode: {mask}"));
            Outcome::Fatal(2)
        }
    }
}
