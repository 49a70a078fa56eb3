//! `cd`, `pwd`, `umask` and `ulimit`: where the shell is, and what it and the files it makes are allowed.

use super::super::dialect::Dialect;
use super::super::machine::Machine;
use super::Outcome;
use crate::userland::user::Want;
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
    if !sys.files().is_directory(&path) || sys.files().access(Want::Search, &path).is_err() {
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
    let why = match (sys.files().stat(path), sys.files().access(Want::Search, path)) {
        (Ok(stat), _) if !stat.is_directory() => Errno::NotDirectory,
        (_, Err(Errno::AccessDenied)) => Errno::AccessDenied,
        _ => Errno::NoEntry,
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

/// `umask`: what new files of this process and its children may not be.
pub(super) fn umask(machine: &mut Machine, sys: &mut Sys<'_>, args: &[String]) -> Outcome {
    let Some(mask) = args.get(1) else {
        let text = format!("{:04o}\n", sys.mask());
        sys.print(text);
        return Outcome::Status(0);
    };
    match u32::from_str_radix(mask, 8) {
        Ok(mask) if mask <= 0o777 => {
            sys.set_mask(mask);
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

/// Open files that a process of a container may have.
const FILES: &str = "1048576";

/// `ulimit [-SH] [-LETTER] [LIMIT]`: shows limits; nothing here comes near one, so a new one is taken and forgotten.
pub(super) fn ulimit(machine: &mut Machine, sys: &mut Sys<'_>, args: &[String]) -> Outcome {
    let words: Vec<&str> = args[1..].iter().map(String::as_str).collect();
    let letter =
        words.iter().filter_map(|word| word.strip_prefix('-')).flat_map(str::chars).rfind(|c| !"SH".contains(*c));
    if words.iter().any(|word| !word.starts_with('-')) {
        return Outcome::Status(0);
    }
    let text = match letter.unwrap_or('f') {
        'n' => FILES,
        's' => "8192",
        'c' => "0",
        'f' | 't' | 'd' | 'm' | 'v' | 'l' | 'p' => "unlimited",
        other => {
            machine.say(sys, "ulimit", &format!("invalid option -- '{other}'"));
            return Outcome::Status(1);
        }
    };
    sys.print(format!("{text}\n"));
    Outcome::Status(0)
}
