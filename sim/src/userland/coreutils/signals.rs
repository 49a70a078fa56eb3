//! Programs about processes and time: `kill killall pidof pgrep pkill ps sleep usleep`.

use crate::time::{Duration, Instant};
use crate::userland::options::{Options, Order, usage};
use crate::userland::{Flavour, Pid, Program, Signal, Step, Sys};

/// `kill [-SIGNAL | -s SIGNAL] PID…`, `kill -l [N]`; `-0` asks whether there is such a process.
pub(super) fn kill(sys: &mut Sys<'_>) -> i32 {
    let words: Vec<String> = sys.argv().iter().skip(1).cloned().collect();
    let flavour = sys.flavour();
    match Kill::parse(&words) {
        Ok(Kill::Names(text)) => {
            sys.print(text);
            0
        }
        Ok(Kill::Send(signal, pids)) => {
            let mut status = 0;
            for word in pids {
                if let Err(said) = send(sys, signal, &word, flavour) {
                    sys.eprint(said);
                    status = 1;
                }
            }
            status
        }
        Err(said) => {
            sys.eprint(format!("kill: {said}\n"));
            1
        }
    }
}

/// What a command line of `kill` asks for; no signal is signal 0.
#[derive(Debug, Eq, PartialEq)]
enum Kill {
    Names(String),
    Send(Option<Signal>, Vec<String>),
}

impl Kill {
    fn parse(words: &[String]) -> Result<Self, String> {
        let bad = |word: &str| format!("bad signal name '{word}'");
        let signal = |word: &str| match word {
            "0" => Ok(None),
            word => Signal::parse(word).map(Some).ok_or_else(|| bad(word)),
        };
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let (chosen, pids) = match words.as_slice() {
            ["-l"] => {
                return Ok(Self::Names(Signal::ALL.map(|s| format!("{:>2}) {}\n", s.number(), s.name())).concat()));
            }
            ["-l", word, ..] => {
                return signal(word).map(|s| Self::Names(format!("{}\n", s.map_or("EXIT", Signal::name))));
            }
            ["-s" | "-n", word, pids @ ..] => (signal(word)?, pids),
            ["--", pids @ ..] => (Some(Signal::Terminate), pids),
            [word, pids @ ..] if word.starts_with('-') && word.len() > 1 => (signal(&word[1..])?, pids),
            pids => (Some(Signal::Terminate), pids),
        };
        if pids.is_empty() {
            return Err("you need to specify whom to kill".to_owned());
        }
        Ok(Self::Send(chosen, pids.iter().map(|p| (*p).to_owned()).collect()))
    }
}

fn send(sys: &mut Sys<'_>, signal: Option<Signal>, word: &str, flavour: Flavour) -> Result<(), String> {
    let Ok(number) = word.parse() else {
        return Err(match flavour {
            Flavour::Host => format!("kill: failed to parse argument: '{word}'\n"),
            Flavour::Busybox => format!("kill: invalid number '{word}'\n"),
        });
    };
    let pid = Pid(number);
    sys.kill(pid, signal).map_err(|errno| match flavour {
        Flavour::Host => format!("kill: ({word}): {errno}\n"),
        Flavour::Busybox => format!("kill: can't kill pid {word}: {errno}\n"),
    })
}

/// The processes of this place whose program is called `name`, the newest first.
fn named(sys: &Sys<'_>, fits: impl Fn(&str) -> bool) -> Vec<Pid> {
    let me = sys.pid();
    let kernel = sys.kernel();
    let found = kernel
        .processes()
        .filter(|seen| seen.state != 'Z' && seen.pid != me && fits(&crate::userland::proc::comm(seen)));
    let mut pids: Vec<Pid> = found.map(|seen| seen.pid).collect();
    pids.reverse();
    pids
}

/// `pidof [-s] NAME…`
pub(super) fn pidof(sys: &mut Sys<'_>) -> i32 {
    let options = match Options::parse(sys.argv(), "so:x", Order::Anywhere) {
        Ok(options) => options,
        Err(error) => {
            let text = error.text("pidof", "[-s] [-o PID] [NAME]...", sys.flavour());
            sys.eprint(text);
            return 1;
        }
    };
    let mut found: Vec<String> = Vec::new();
    for name in &options.operands {
        let name = crate::userland::files::path::base(name);
        found.extend(named(sys, |comm| comm == name).iter().map(|pid| pid.0.to_string()));
    }
    if options.has('s') {
        found.truncate(1);
    }
    if found.is_empty() {
        return 1;
    }
    sys.print(found.join(" ") + "\n");
    0
}

/// `killall [-SIGNAL] [-q] NAME…`
pub(super) fn killall(sys: &mut Sys<'_>) -> i32 {
    let (mut signal, mut quiet, mut names) = (Signal::Terminate, false, Vec::new());
    let words: Vec<String> = sys.argv().iter().skip(1).cloned().collect();
    let mut words = words.into_iter();
    while let Some(word) = words.next() {
        let chosen = match word.strip_prefix('-') {
            None => {
                names.push(word);
                continue;
            }
            Some("q") => {
                quiet = true;
                continue;
            }
            Some("s") => words.next().unwrap_or_default(),
            Some(name) => name.to_owned(),
        };
        let Some(parsed) = Signal::parse(&chosen) else {
            sys.eprint(format!("killall: bad signal name '{chosen}'\n"));
            return 1;
        };
        signal = parsed;
    }
    if names.is_empty() {
        let text = usage("killall", "[-lq] [-SIG] PROCESS_NAME...", sys.flavour());
        sys.eprint(text);
        return 1;
    }
    let mut status = 0;
    for name in names {
        let pids = named(sys, |comm| comm == name);
        if pids.is_empty() {
            status = 1;
            if !quiet {
                let said = if sys.flavour() == Flavour::Host { "no process found" } else { "no process killed" };
                sys.eprint(
                    format!("killall: {name}: {said}\n")
                        .replace("killall: ", if sys.flavour() == Flavour::Host { "" } else { "killall: " }),
                );
            }
        }
        for pid in pids {
            // Somebody else's are passed over.
            let _ = sys.kill(pid, Some(signal));
        }
    }
    status
}

/// `pgrep [-flx] PATTERN`
pub(super) fn pgrep(sys: &mut Sys<'_>) -> i32 {
    match matching(sys, "pgrep") {
        Err(status) => status,
        Ok((options, _, mut pids)) => {
            pids.reverse();
            let lines = pids.iter().map(|pid| {
                let argv = sys.processes().find(|(known, _)| known == pid).map(|(_, argv)| argv.join(" "));
                if options.has('l') || options.has('a') {
                    format!("{} {}\n", pid.0, argv.unwrap_or_default())
                } else {
                    format!("{}\n", pid.0)
                }
            });
            let text: String = lines.collect();
            sys.print(text);
            i32::from(pids.is_empty())
        }
    }
}

/// `pkill [-SIGNAL] [-fx] PATTERN`
pub(super) fn pkill(sys: &mut Sys<'_>) -> i32 {
    match matching(sys, "pkill") {
        Err(status) => status,
        Ok((_, signal, pids)) => {
            for pid in &pids {
                // Somebody else's are passed over.
                let _ = sys.kill(*pid, Some(signal));
            }
            i32::from(pids.is_empty())
        }
    }
}

/// The processes that a pattern of `pgrep` fits.
fn matching(sys: &mut Sys<'_>, program: &str) -> Result<(Options, Signal, Vec<Pid>), i32> {
    let mut signal = Signal::Terminate;
    let argv: Vec<String> = sys
        .argv()
        .iter()
        .filter(|word| match word.strip_prefix('-').and_then(Signal::parse) {
            Some(parsed) => {
                signal = parsed;
                false
            }
            None => true,
        })
        .cloned()
        .collect();
    let options = Options::parse(&argv, "flxaovns", Order::Anywhere);
    let options = options.map_err(|error| {
        let text = error.text(program, "[-flanovx] [-s SID|-P PPID|PATTERN]", sys.flavour());
        sys.eprint(text);
        2
    })?;
    let pattern = options.operands.first().cloned().unwrap_or_default();
    let regex = regex_lite::Regex::new(&pattern).map_err(|_| {
        sys.eprint(format!("{program}: bad regex '{pattern}'\n"));
        2
    })?;
    let me = sys.pid();
    let fits = |text: &str| match options.has('x') {
        true => regex.find(text).is_some_and(|found| found.len() == text.len()),
        false => regex.is_match(text),
    };
    let kernel = sys.kernel();
    let found = kernel.processes().filter(|seen| seen.state != 'Z' && seen.pid != me).filter(|seen| {
        if options.has('f') { fits(&seen.argv.join(" ")) } else { fits(&crate::userland::proc::comm(seen)) }
    });
    let pids = found.map(|seen| seen.pid).collect();
    Ok((options, signal, pids))
}

/// `usleep N`: waits so many microseconds.
#[derive(Clone, Debug, Default)]
pub(super) struct Usleep {
    until: Option<Instant>,
}

impl Program for Usleep {
    fn step(&mut self, sys: &mut Sys<'_>) -> Step {
        if self.until.is_none() {
            let word = sys.argv().get(1).cloned().unwrap_or_default();
            let Ok(micros) = word.parse() else {
                let text = match word.is_empty() {
                    true => usage("usleep", "N\n\nPause for N microseconds", sys.flavour()),
                    false => format!("usleep: invalid number '{word}'\n"),
                };
                sys.eprint(text);
                return Step::Exit(1);
            };
            self.until = Some(sys.now() + Duration::from_micros(micros));
        }
        let until = self.until.expect("it was just set");
        if sys.now() >= until { Step::Exit(0) } else { Step::Wait(Some(until)) }
    }
}

/// `sleep N[smhd]…`: waits for the sum, to the fraction of a second.
#[derive(Clone, Debug, Default)]
pub(super) struct Sleep {
    until: Option<Instant>,
}

const SYNOPSIS: &str = "[N]...\n\nPause for a time equal to the total of the args given, where each arg can\n\
                        have an optional suffix of (s)econds, (m)inutes, (h)ours, or (d)ays";

impl Program for Sleep {
    fn step(&mut self, sys: &mut Sys<'_>) -> Step {
        let until = match self.until {
            Some(until) => until,
            None => match duration(sys) {
                Ok(duration) => *self.until.insert(sys.now() + duration),
                Err(said) => {
                    sys.eprint(said);
                    return Step::Exit(1);
                }
            },
        };
        if sys.now() >= until { Step::Exit(0) } else { Step::Wait(Some(until)) }
    }
}

fn duration(sys: &Sys<'_>) -> Result<Duration, String> {
    let flavour = sys.flavour();
    let options = Options::parse(sys.argv(), "", Order::Anywhere).map_err(|e| e.text("sleep", SYNOPSIS, flavour))?;
    if options.operands.is_empty() {
        let said = if flavour == Flavour::Host { "sleep: missing operand\n" } else { "" };
        return Err(said.to_owned() + &usage("sleep", SYNOPSIS, flavour));
    }
    let mut total = Duration::ZERO;
    for word in &options.operands {
        total += interval(word).ok_or_else(|| match flavour {
            Flavour::Host => {
                format!("sleep: invalid time interval '{word}'\nTry 'sleep --help' for more information.\n")
            }
            Flavour::Busybox => format!("sleep: invalid number '{word}'\n"),
        })?;
    }
    Ok(total)
}

/// `1.5m`, `infinity`: a time, at most some centuries.
pub(super) fn interval(word: &str) -> Option<Duration> {
    if matches!(word, "inf" | "infinity") {
        return Some(Duration::from_secs(u64::from(u32::MAX)));
    }
    let (number, unit) = match word.char_indices().last()? {
        (at, 's') => (&word[..at], 1.0),
        (at, 'm') => (&word[..at], 60.0),
        (at, 'h') => (&word[..at], 3600.0),
        (at, 'd') => (&word[..at], 86400.0),
        _ => (word, 1.0),
    };
    let plain = number.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    let seconds: f64 = number.parse().ok().filter(|_| plain)?;
    Duration::try_from_secs_f64(seconds * unit).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_take_fractions_and_suffixes() {
        assert_eq!(interval("0.5"), Some(Duration::from_millis(500)));
        assert_eq!(interval("1.5m"), Some(Duration::from_secs(90)));
        assert_eq!(interval("2d"), Some(Duration::from_secs(172_800)));
        assert_eq!([interval("abc"), interval(""), interval("-1"), interval("1e3")], [None; 4]);
    }

    #[test]
    fn signals_are_named_in_several_ways() {
        let parse = |line: &str| Kill::parse(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>());
        let sent = |signal| Ok(Kill::Send(signal, vec!["12".to_owned()]));
        assert_eq!(parse("12"), sent(Some(Signal::Terminate)));
        assert_eq!(parse("-9 12"), sent(Some(Signal::Kill)));
        assert_eq!(parse("-s INT 12"), sent(Some(Signal::Interrupt)));
        assert_eq!(parse("-0 12"), sent(None));
        assert_eq!(parse("-l 9"), Ok(Kill::Names("KILL\n".into())));
        assert_eq!(parse("-x 12"), Err("bad signal name 'x'".into()));
        assert_eq!(parse(""), Err("you need to specify whom to kill".into()));
    }
}
