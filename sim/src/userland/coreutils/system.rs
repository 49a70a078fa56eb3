//! Programs about the system and the environment: `arch env nproc nsenter printenv uname`.

use core::fmt::Write as _;

use crate::userland::exec::{Exec, Next};
use crate::userland::getopt::OptError;
use crate::userland::ip::netns;
use crate::userland::options::{Options, Order};
use crate::userland::{Flavour, Sys};

/// Prints what is wrong with the options, and gives the exit code.
pub(super) fn refuse(sys: &mut Sys<'_>, error: &OptError, name: &str, synopsis: &str, status: i32) -> i32 {
    let text = error.text(name, synopsis, sys.flavour());
    sys.eprint(text);
    status
}

/// The version of the kernel, which is that of the recordings this program follows.
const RELEASE: &str = "6.18.0-netyard";

pub(super) fn uname(sys: &mut Sys<'_>) -> i32 {
    let options = match Options::parse(sys.argv(), "amnrspvio", Order::Anywhere) {
        Ok(options) => options,
        Err(error) => return refuse(sys, &error, "uname", "[-amnrspvio]", 1),
    };
    let parts = [
        ('s', "Linux"),
        ('n', sys.hostname()),
        ('r', RELEASE),
        ('v', "#1 SMP PREEMPT_DYNAMIC"),
        ('m', "x86_64"),
        ('o', "GNU/Linux"),
    ];
    let default = |letter| letter == 's' && !"nrvmo".chars().any(|l| options.has(l));
    let wanted = |letter| options.has('a') || options.has(letter) || default(letter);
    let shown: Vec<&str> = parts.iter().filter(|(letter, _)| wanted(*letter)).map(|(_, text)| *text).collect();
    let line = shown.join(" ") + "\n";
    sys.print(line);
    0
}

pub(super) fn arch(sys: &mut Sys<'_>) -> i32 {
    sys.print("x86_64\n");
    0
}

pub(super) fn nproc(sys: &mut Sys<'_>) -> i32 {
    sys.print("1\n");
    0
}

pub(super) fn printenv(sys: &mut Sys<'_>) -> i32 {
    let names: Vec<String> = sys.argv().iter().skip(1).cloned().collect();
    if names.is_empty() {
        let text = environment(sys.env().iter());
        sys.print(text);
        return 0;
    }
    let values: Vec<Option<String>> = names.iter().map(|name| sys.env().get(name).cloned()).collect();
    let status = i32::from(values.iter().any(Option::is_none));
    for value in values.into_iter().flatten() {
        sys.print(value + "\n");
    }
    status
}

/// Variables line by line: PATH, HOSTNAME and TERM first and HOME last, as Docker lays them out, the others between
/// them by name.
fn environment<'a>(variables: impl Iterator<Item = (&'a String, &'a String)>) -> String {
    let rank = |name: &str| match name {
        "PATH" => 0,
        "HOSTNAME" => 1,
        "TERM" => 2,
        "HOME" => 4,
        _ => 3,
    };
    let mut variables: Vec<_> = variables.collect();
    variables.sort_by_key(|(name, _)| rank(name));
    variables.iter().fold(String::new(), |mut text, (name, value)| {
        let _ = writeln!(text, "{name}={value}");
        text
    })
}

/// `env [-i] [-u NAME] [NAME=VALUE]… [PROGRAM ARG…]`
pub(super) fn env(sys: &mut Sys<'_>) -> Next {
    let options = match Options::parse(sys.argv(), "iu:", Order::First) {
        Ok(options) => options,
        Err(error) => {
            let status = if sys.flavour() == Flavour::Host { 125 } else { 1 };
            return Next::Exit(refuse(
                sys,
                &error,
                "env",
                "[-i0] [-u NAME]... [-] [NAME=VALUE]... [PROG ARGS]",
                status,
            ));
        }
    };
    let mut variables = if options.has('i') { Default::default() } else { sys.env().clone() };
    for name in options.values('u') {
        variables.remove(name);
    }
    let mut words = options.operands.iter().peekable();
    while let Some((name, value)) = words.peek().and_then(|word| word.split_once('=')) {
        variables.insert(name.to_owned(), value.to_owned());
        words.next();
    }
    let argv: Vec<String> = words.cloned().collect();
    let Some(program) = argv.first().cloned() else {
        sys.print(environment(variables.iter()));
        return Next::Exit(0);
    };
    run(
        sys,
        argv,
        |spawn| spawn.env = variables,
        |flavour| match flavour {
            Flavour::Host => format!("env: '{program}': No such file or directory\n"),
            Flavour::Busybox => format!("env: can't execute '{program}': No such file or directory\n"),
        },
    )
}

/// Goes on as `argv`, or says that there is no such program (exit code 127).
fn run(
    sys: &mut Sys<'_>,
    argv: Vec<String>,
    change: impl FnOnce(&mut crate::userland::Spawn),
    missing: impl FnOnce(Flavour) -> String,
) -> Next {
    match Exec::start(sys, argv, change) {
        Ok(exec) => Next::Exec(exec),
        Err(_) => {
            let text = missing(sys.flavour());
            sys.eprint(text);
            Next::Exit(127)
        }
    }
}

/// `nsenter -t PID -n PROGRAM…`, `nsenter --net=FILE PROGRAM…`: the network only; files and names stay those of the
/// place where it is run.
pub(super) fn nsenter(sys: &mut Sys<'_>) -> Next {
    let argv: Vec<String> = sys.argv().iter().map(|word| word.replacen("--target=", "-t", 1)).collect();
    let (file, argv): (Vec<String>, Vec<String>) = argv.into_iter().partition(|word| word.starts_with("--net="));
    let options = match Options::parse(&argv, "t:n", Order::First) {
        Ok(options) => options,
        Err(error) => return Next::Exit(refuse(sys, &error, "nsenter", "[OPTIONS] [PROG ARGS]", 1)),
    };
    let path = match (file.first().and_then(|word| word.strip_prefix("--net=")), options.value('t')) {
        (Some(path), _) => path.to_owned(),
        (None, Some(pid)) if options.has('n') => format!("/proc/{pid}/ns/net"),
        (None, Some(_)) => format!("/proc/{}/ns/net", sys.pid().0),
        (None, None) => {
            sys.eprint("nsenter: neither filename nor target pid supplied for ns/net\n");
            return Next::Exit(1);
        }
    };
    let Some(namespace) = netns::open(sys, &path) else {
        let said = match sys.flavour() {
            Flavour::Host => format!("nsenter: cannot open {path}: No such file or directory\n"),
            Flavour::Busybox => format!("nsenter: can't open '{path}': No such file or directory\n"),
        };
        sys.eprint(said);
        return Next::Exit(1);
    };
    let argv = if options.operands.is_empty() { vec!["sh".to_owned()] } else { options.operands };
    let program = argv[0].clone();
    run(
        sys,
        argv,
        |spawn| spawn.namespace = namespace,
        |flavour| match flavour {
            Flavour::Host => format!("nsenter: failed to execute {program}: No such file or directory\n"),
            Flavour::Busybox => format!("nsenter: can't execute '{program}': No such file or directory\n"),
        },
    )
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn the_environment_is_laid_out_as_docker_does() {
        let pairs = [("HOME", "/root"), ("A", "1"), ("PATH", "/bin"), ("HOSTNAME", "c")];
        let variables: BTreeMap<String, String> = pairs.map(|(n, v)| (n.to_owned(), v.to_owned())).into();
        assert_eq!(environment(variables.iter()), "PATH=/bin\nHOSTNAME=c\nA=1\nHOME=/root\n");
    }
}
