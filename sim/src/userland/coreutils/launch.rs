//! Programs that run another one: `busybox nice nohup setsid su time timeout`, and `which`, which only finds it.

use crate::time::Instant;
use crate::userland::exec::{Exec, Next};
use crate::userland::options::{Options, Order, usage};
use crate::userland::search::DEFAULT_PATH;
use crate::userland::{Errno, Flavour, Program, Signal, Step, Sys};

/// Says that there is no such program, as busybox and GNU do; the exit code.
fn missing(sys: &mut Sys<'_>, name: &str, program: &str) -> i32 {
    let text = match sys.flavour() {
        Flavour::Host => format!("{name}: failed to run command '{program}': {}\n", Errno::NoEntry),
        Flavour::Busybox => format!("{name}: can't execute '{program}': {}\n", Errno::NoEntry),
    };
    sys.eprint(text);
    127
}

/// Goes on as `argv`.
fn run(sys: &mut Sys<'_>, name: &str, argv: Vec<String>) -> Next {
    let program = argv.first().cloned().unwrap_or_default();
    match Exec::start(sys, argv, |_| {}) {
        Ok(exec) => Next::Exec(exec),
        Err(_) => Next::Exit(missing(sys, name, &program)),
    }
}

fn begin(sys: &mut Sys<'_>, name: &str, spec: &str, synopsis: &str) -> Result<Vec<String>, i32> {
    let flavour = sys.flavour();
    match Options::parse(sys.argv(), spec, Order::First) {
        Ok(options) if options.operands.is_empty() => {
            sys.eprint(usage(name, synopsis, flavour));
            Err(1)
        }
        Ok(options) => Ok(options.operands),
        Err(error) => {
            sys.eprint(error.text(name, synopsis, flavour));
            Err(1)
        }
    }
}

/// `nohup PROGRAM ARG…`: nobody hangs up here, so that it is the program itself.
pub(super) fn nohup(sys: &mut Sys<'_>) -> Next {
    match begin(sys, "nohup", "", "PROG ARGS\n\nRun PROG immune to hangups, with output to a non-tty") {
        Ok(argv) => run(sys, "nohup", argv),
        Err(status) => Next::Exit(status),
    }
}

/// `nice [-n N] [PROGRAM ARG…]`
pub(super) fn nice(sys: &mut Sys<'_>) -> Next {
    if sys.argv().len() == 1 {
        sys.print("0\n");
        return Next::Exit(0);
    }
    match begin(sys, "nice", "n:", "[-n ADJUST] [PROG ARGS]") {
        Ok(argv) => run(sys, "nice", argv),
        Err(status) => Next::Exit(status),
    }
}

/// `setsid PROGRAM ARG…`
pub(super) fn setsid(sys: &mut Sys<'_>) -> Next {
    match begin(sys, "setsid", "c", "[-c] PROG ARGS\n\nRun PROG in a new session") {
        Ok(argv) => run(sys, "setsid", argv),
        Err(status) => Next::Exit(status),
    }
}

/// `busybox [--list] [PROGRAM ARG…]`
pub(super) fn busybox(sys: &mut Sys<'_>) -> Next {
    let argv: Vec<String> = sys.argv().iter().skip(1).cloned().collect();
    match argv.first().map(String::as_str) {
        None | Some("--help") => {
            let names: Vec<&str> = sys.programs().names(Flavour::Busybox).collect();
            let head = "BusyBox v1.35.0 (Debian 1:1.35.0-4+deb12u1+b1) multi-call binary.\n\
                        BusyBox is copyrighted by many authors between 1998-2015.\n\
                        Licensed under GPLv2. See source distribution for detailed\ncopyright notices.\n\n\
                        Usage: busybox [function [arguments]...]\n   or: busybox --list[-full]\n\n\
                        Currently defined functions:\n";
            sys.print(format!("{head}\t{}\n", names.join(", ")));
            Next::Exit(0)
        }
        Some("--list") => {
            let names: String = sys.programs().names(Flavour::Busybox).map(|name| format!("{name}\n")).collect();
            sys.print(names);
            Next::Exit(0)
        }
        Some(name) => {
            let name = name.to_owned();
            match Exec::start(sys, argv, |_| {}) {
                Ok(exec) => Next::Exec(exec),
                Err(_) => {
                    sys.eprint(format!("{name}: applet not found\n"));
                    Next::Exit(127)
                }
            }
        }
    }
}

/// `which [-a] NAME…`
pub(super) fn which(sys: &mut Sys<'_>) -> i32 {
    let names = match super::operands::operands(sys, "which", "a", "[-a] COMMAND...", 1) {
        Ok(options) => options.operands,
        Err(status) => return status,
    };
    let mut status = 0;
    for name in names {
        let path = sys.env().get("PATH").map_or(DEFAULT_PATH, String::as_str);
        match sys.search().find(&name, path) {
            Ok(found) => sys.print(format!("{}\n", found.path)),
            Err(_) => status = 1,
        }
    }
    status
}

/// `timeout [-s SIGNAL] [-k SECONDS] SECONDS PROGRAM ARG…`
#[derive(Clone, Default)]
pub(super) struct Timeout {
    running: Option<Limited>,
}

#[derive(Clone)]
struct Limited {
    exec: Exec,
    signal: Signal,
    until: Instant,
    kill: Option<crate::time::Duration>,
    fired: bool,
}

const TIMEOUT: &str = "[-s SIG] [-k KILL_SECS] SECS PROG ARGS\n\nRun PROG. Send SIG to it if it is not gone in SECS seconds.\n\
                       Default SIG: TERM.If it still exists in KILL_SECS seconds, send KILL.\n";

impl Program for Timeout {
    fn step(&mut self, sys: &mut Sys<'_>) -> Step {
        let running = match &mut self.running {
            Some(running) => running,
            empty @ None => match Limited::begin(sys) {
                Ok(running) => empty.insert(running),
                Err(status) => return Step::Exit(status),
            },
        };
        running.step(sys)
    }

    fn signal(&mut self, sys: &mut Sys<'_>, signal: Signal) -> bool {
        self.running.as_ref().is_some_and(|running| running.exec.pass(sys, signal))
    }
}

impl Limited {
    fn begin(sys: &mut Sys<'_>) -> Result<Self, i32> {
        let flavour = sys.flavour();
        let trouble = if flavour == Flavour::Host { 125 } else { 1 };
        let options = Options::parse(sys.argv(), "s:k:v", Order::First).map_err(|error| {
            sys.eprint(error.text("timeout", TIMEOUT, flavour));
            trouble
        })?;
        let [limit, argv @ ..] = options.operands.as_slice() else {
            let said = if flavour == Flavour::Host { "timeout: missing operand\n" } else { "" };
            sys.eprint(said.to_owned() + &usage("timeout", TIMEOUT, flavour));
            return Err(trouble);
        };
        let bad = |word: &str| match flavour {
            Flavour::Host => {
                format!("timeout: invalid time interval '{word}'\nTry 'timeout --help' for more information.\n")
            }
            Flavour::Busybox => format!("timeout: invalid number '{word}'\n"),
        };
        let Some(time) = super::signals::interval(limit) else {
            sys.eprint(bad(limit));
            return Err(trouble);
        };
        let Some(program) = argv.first().cloned() else {
            sys.eprint(usage("timeout", TIMEOUT, flavour));
            return Err(trouble);
        };
        let signal = options.value('s').map_or(Some(Signal::Terminate), Signal::parse);
        let Some(signal) = signal else {
            let word = options.value('s').unwrap_or_default();
            sys.eprint(match flavour {
                Flavour::Host => format!("timeout: '{word}': invalid signal\n"),
                Flavour::Busybox => format!("timeout: unknown signal '{word}'\n"),
            });
            return Err(trouble);
        };
        let kill = options.value('k').and_then(super::signals::interval);
        let until = sys.now() + time;
        match Exec::start(sys, argv.to_vec(), |_| {}) {
            Ok(exec) => Ok(Self { exec, signal, until, kill, fired: false }),
            Err(_) => Err(missing(sys, "timeout", &program)),
        }
    }

    fn step(&mut self, sys: &mut Sys<'_>) -> Step {
        if let Step::Exit(code) = self.exec.step(sys) {
            let killed = self.fired && sys.flavour() == Flavour::Host && code != 137;
            return Step::Exit(if killed { 124 } else { code });
        }
        if sys.now() < self.until {
            return Step::Wait(Some(self.until));
        }
        match (self.fired, self.kill) {
            (false, _) => {
                self.fired = true;
                self.exec.pass(sys, self.signal);
                let Some(kill) = self.kill else { return Step::Wait(None) };
                self.until = sys.now() + kill;
                Step::Wait(Some(self.until))
            }
            (true, Some(_)) => {
                self.kill = None;
                self.exec.pass(sys, Signal::Kill);
                Step::Wait(None)
            }
            (true, None) => Step::Wait(None),
        }
    }
}

/// `time PROGRAM ARG…`
#[derive(Clone, Default)]
pub(super) struct Time {
    running: Option<(Exec, Instant)>,
    posix: bool,
}

impl Program for Time {
    fn step(&mut self, sys: &mut Sys<'_>) -> Step {
        let Some((exec, begun)) = &self.running else {
            let synopsis = "[-vpa] [-o FILE] PROG ARGS";
            self.posix = sys.argv().iter().any(|word| word == "-p");
            let argv = match begin(sys, "time", "vpao:f:", synopsis) {
                Ok(argv) => argv,
                Err(status) => return Step::Exit(status),
            };
            return match run(sys, "time", argv) {
                Next::Exec(exec) => {
                    self.running = Some((exec, sys.now()));
                    Step::Wait(None)
                }
                Next::Exit(status) => Step::Exit(status),
                Next::Own(_) => unreachable!("another program was started, or none"),
            };
        };
        let begun = *begun;
        let step = exec.step(sys);
        if let Step::Exit(_) = step {
            let seconds = sys.now().since(begun).as_secs_f64();
            let text = match self.posix {
                true => format!("real {seconds:.2}\nuser 0.00\nsys 0.00\n"),
                false => {
                    let minutes = sys.now().since(begun).as_secs() / 60;
                    let rest = sys.now().since(begun).as_secs_f64() % 60.0;
                    format!("real\t{minutes}m {rest:.2}s\nuser\t0m 0.00s\nsys\t0m 0.00s\n")
                }
            };
            sys.eprint(text);
        }
        step
    }

    fn signal(&mut self, sys: &mut Sys<'_>, signal: Signal) -> bool {
        self.running.as_ref().is_some_and(|(exec, _)| exec.pass(sys, signal))
    }
}
