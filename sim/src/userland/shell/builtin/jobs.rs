//! Job control: `jobs`, `fg`, `bg`, `wait` and `kill`.

use super::super::dialect::Dialect;
use super::super::machine::{Block, Machine};
use super::Outcome;
use crate::userland::{Errno, Pid, Signal, Sys};

/// `jobs`
pub(super) fn jobs(machine: &mut Machine, sys: &mut Sys<'_>, args: &[String]) -> Outcome {
    machine.jobs.reap(sys);
    let has = |letter| args[1..].iter().any(|arg| arg.starts_with('-') && arg.contains(letter));
    if has('p') {
        let pids: String = machine.jobs.iter().map(|job| format!("{}\n", job.group.0)).collect();
        sys.print(pids);
        return Outcome::Status(0);
    }
    let dialect = machine.dialect();
    let text = machine.jobs.show(dialect, has('l'));
    sys.print(text);
    Outcome::Status(0)
}

/// A job as `fg` and `bg` need it: its number, group and text.
fn named(machine: &mut Machine, sys: &mut Sys<'_>, args: &[String]) -> Option<(usize, Pid, String)> {
    machine.jobs.reap(sys);
    let job = match args.get(1) {
        Some(spec) => machine.jobs.find(spec),
        None => machine.jobs.current(),
    };
    if let Some(job) = job.filter(|job| job.status().is_none()) {
        return Some((job.number, job.group, job.text.clone()));
    }
    let text = match (args.get(1), machine.dialect()) {
        (Some(spec), _) => no_such_job(machine.dialect(), spec),
        (None, Dialect::Bash) => "current: no such job".to_owned(),
        (None, Dialect::Ash | Dialect::Dash) => "No current job".to_owned(),
    };
    machine.say(sys, &args[0], &text);
    None
}

fn no_such_job(dialect: Dialect, spec: &str) -> String {
    match dialect {
        Dialect::Dash => format!("No such job: {spec}"),
        Dialect::Ash | Dialect::Bash => format!("{spec}: no such job"),
    }
}

/// What a job builtin exits with when there is no such job.
const fn refused(dialect: Dialect) -> i32 {
    match dialect {
        Dialect::Bash => 1,
        Dialect::Ash | Dialect::Dash => 2,
    }
}

/// `fg`
pub(super) fn fg(machine: &mut Machine, sys: &mut Sys<'_>, args: &[String]) -> Outcome {
    let Some((number, group, text)) = named(machine, sys, args) else {
        return Outcome::Status(refused(machine.dialect()));
    };
    sys.print(format!("{text}\n"));
    go_on(machine, sys, number, group);
    Outcome::Block(Block::Foreground { number, group })
}

/// `bg`
pub(super) fn bg(machine: &mut Machine, sys: &mut Sys<'_>, args: &[String]) -> Outcome {
    let Some((number, group, text)) = named(machine, sys, args) else {
        return Outcome::Status(refused(machine.dialect()));
    };
    sys.print(match machine.dialect() {
        Dialect::Bash => format!("[{number}]+ {text} &\n"),
        Dialect::Ash | Dialect::Dash => format!("[{number}] {text}\n"),
    });
    go_on(machine, sys, number, group);
    Outcome::Status(0)
}

fn go_on(machine: &mut Machine, sys: &mut Sys<'_>, number: usize, group: Pid) {
    if let Some(job) = machine.jobs.numbered(number)
        && job.stopped
    {
        job.stopped = false;
        sys.kill_group(group, Signal::Continue);
    }
}

/// `wait`
pub(super) fn wait(machine: &mut Machine, sys: &mut Sys<'_>, args: &[String]) -> Outcome {
    let [_, specs @ ..] = args else { return Outcome::Status(0) };
    if specs.is_empty() {
        return Outcome::Block(Block::Jobs { pids: None, status: 0 });
    }
    let mut pids = Vec::new();
    let mut status = 0;
    for spec in specs {
        match waited(machine, spec) {
            Ok(pid) => pids.push(pid),
            Err(text) => {
                machine.say(sys, "wait", &text);
                status = if machine.dialect() == Dialect::Bash { 127 } else { 2 };
            }
        }
    }
    Outcome::Block(Block::Jobs { pids: Some(pids), status })
}

/// The process to wait for: the last of a job, or the one with this number.
fn waited(machine: &Machine, spec: &str) -> Result<Pid, String> {
    if spec.starts_with('%') {
        let job = machine.jobs.find(spec).ok_or_else(|| no_such_job(machine.dialect(), spec))?;
        return Ok(*job.pids().last().expect("a job has processes"));
    }
    if let Ok(pid) = spec.parse().map(Pid) {
        let known = machine.jobs.of(pid).is_some() || machine.dialect() != Dialect::Bash;
        return if known { Ok(pid) } else { Err(format!("pid {spec} is not a child of this shell")) };
    }
    Err(match machine.dialect() {
        Dialect::Bash => format!("`{spec}': not a pid or valid job spec"),
        Dialect::Ash | Dialect::Dash => format!("Illegal number: {spec}"),
    })
}

/// `kill`
pub(super) fn kill(machine: &mut Machine, sys: &mut Sys<'_>, args: &[String]) -> Outcome {
    let (signal, targets) = match args.get(1).map(String::as_str) {
        None => return usage(machine, sys),
        Some("-l") => {
            sys.print(list(args.get(2).map(String::as_str)));
            return Outcome::Status(0);
        }
        Some("-s" | "-n") => (args.get(2).map(String::as_str), args.get(3..).unwrap_or_default()),
        Some("--") => (None, &args[2..]),
        Some(option) if option.starts_with('-') => (Some(&option[1..]), &args[2..]),
        Some(_) => (None, &args[1..]),
    };
    let name = signal.unwrap_or("TERM");
    let signal = match Signal::parse(name) {
        None if name != "0" => return no_signal(machine, sys, name),
        signal => signal,
    };
    if targets.is_empty() {
        return usage(machine, sys);
    }
    let statuses: Vec<i32> = targets.iter().map(|target| send(machine, sys, target, signal)).collect();
    // A signal to the shell itself must come before its next command.
    Outcome::Yield(statuses.into_iter().max().unwrap_or(0))
}

fn usage(machine: &Machine, sys: &mut Sys<'_>) -> Outcome {
    match machine.dialect() {
        Dialect::Ash => {
            machine.complain(sys, "you need to specify whom to kill");
            return Outcome::Status(1);
        }
        Dialect::Dash => machine.say(
            sys,
            "kill",
            "Usage: kill [-s sigspec | -signum | -sigspec] [pid | job]... or\nkill -l [exitstatus]",
        ),
        Dialect::Bash => {
            sys.eprint(
                "kill: usage: kill [-s sigspec | -n signum | -sigspec] pid | jobspec ... or kill -l [sigspec]\n",
            );
        }
    }
    Outcome::Status(2)
}

fn no_signal(machine: &Machine, sys: &mut Sys<'_>, name: &str) -> Outcome {
    match machine.dialect() {
        Dialect::Ash => machine.complain(sys, &format!("bad signal name '{name}'")),
        Dialect::Bash => machine.say(sys, "kill", &format!("{name}: invalid signal specification")),
        Dialect::Dash => {
            machine.say(sys, "kill", &format!("Illegal option -{}", &name[..1]));
            return Outcome::Status(2);
        }
    }
    Outcome::Status(1)
}

/// The signals a script here can send, or the name of one number.
/// All signals, or the name of a number and the number of a name.
fn list(number: Option<&str>) -> String {
    match number {
        None => Signal::ALL.iter().map(|s| format!("{:2}) {}\n", s.number(), s.name())).collect(),
        Some(number) => {
            let of = |s: &&Signal| s.number().to_string() == number || (s.number() + 128).to_string() == number;
            match (Signal::ALL.iter().find(of), Signal::parse(number)) {
                (Some(signal), _) => format!("{}\n", signal.name()),
                (None, Some(signal)) => format!("{}\n", signal.number()),
                (None, None) => String::new(),
            }
        }
    }
}

/// Signals a job, a process, or with a negative number a group; no signal only asks. What `kill` exits with.
fn send(machine: &mut Machine, sys: &mut Sys<'_>, target: &str, signal: Option<Signal>) -> i32 {
    machine.jobs.reap(sys);
    if target.starts_with('%') {
        return send_to_job(machine, sys, target, signal);
    }
    let Ok(number) = target.parse::<i64>() else {
        let text = match machine.dialect() {
            Dialect::Ash => format!("invalid number '{target}'"),
            Dialect::Dash => format!("Illegal number: {target}"),
            Dialect::Bash => format!("{target}: arguments must be process or job IDs"),
        };
        sys.eprint(machine.state.voice.applet(machine.state.line, "kill", &text));
        return 1;
    };
    let pid = Pid(u32::try_from(number.unsigned_abs()).unwrap_or(u32::MAX));
    let sent = match signal {
        Some(signal) if number < 0 => {
            if sys.kill_group(pid, as_kernel(signal)) {
                Ok(())
            } else {
                Err(Errno::NoProcess)
            }
        }
        signal => sys.kill(pid, signal.map(as_kernel)),
    };
    match (sent, signal) {
        (Err(errno), _) => unreached(machine, sys, number, errno),
        (Ok(()), Some(signal)) if number > 0 => note_stop(machine, pid, signal),
        (Ok(()), _) => {}
    }
    i32::from(sent.is_err())
}

fn send_to_job(machine: &mut Machine, sys: &mut Sys<'_>, spec: &str, signal: Option<Signal>) -> i32 {
    let Some(group) = machine.jobs.find(spec).map(|job| job.group) else {
        let text = no_such_job(machine.dialect(), spec);
        machine.say(sys, "kill", &text);
        return refused(machine.dialect());
    };
    let Some(signal) = signal else { return 0 };
    note_stop(machine, group, signal);
    let reached = sys.kill_group(group, as_kernel(signal));
    if !reached {
        unreached(machine, sys, i64::from(group.0), Errno::NoProcess);
    }
    i32::from(!reached)
}

/// What the process table does with the signal: without a terminal TSTP stops like STOP.
const fn as_kernel(signal: Signal) -> Signal {
    match signal {
        Signal::TerminalStop => Signal::Stop,
        other => other,
    }
}

fn note_stop(machine: &mut Machine, pid: Pid, signal: Signal) {
    let Some(number) = machine.jobs.of(pid).map(|job| job.number) else { return };
    let Some(job) = machine.jobs.numbered(number) else { return };
    match signal {
        Signal::Stop | Signal::TerminalStop => job.stopped = true,
        Signal::Continue => job.stopped = false,
        _ => {}
    }
}

fn unreached(machine: &Machine, sys: &mut Sys<'_>, number: i64, errno: Errno) {
    match machine.dialect() {
        Dialect::Ash => machine.complain(sys, &format!("can't kill pid {number}: {errno}")),
        Dialect::Dash => machine.say(sys, "kill", &format!("{errno}\n")),
        Dialect::Bash => machine.say(sys, "kill", &format!("({number}) - {errno}")),
    }
}
