//! nginx's command line: what it says of itself, and the signals that `-s` sends to the server that runs. The server itself
//! is in `large`.

use crate::userland::getopt::{Getopt, OptError};
use crate::userland::{Pid, Signal, Sys};

const SPEC: &str = "?hvVtTqs:p:e:c:g:";
const VERSION: &str = "nginx version: nginx/1.27.3\n";
const CHECKED: &str = "nginx: the configuration file /etc/nginx/nginx.conf syntax is ok\n\
                       nginx: configuration file /etc/nginx/nginx.conf test is successful\n";

/// Does what the command line asks beside serving; its exit code, or none when it is to serve.
pub(super) fn errand(sys: &mut Sys<'_>) -> Option<i32> {
    let (said, status) = match asked(sys.argv()) {
        Ok(None) => return None,
        Ok(Some(Errand::Say(text))) => (text.to_owned(), 0),
        Ok(Some(Errand::Send(signal))) => match master(sys) {
            Some(pid) if sys.kill(pid, Some(signal)).is_ok() => (notice(sys, "signal process started"), 0),
            _ => ("nginx: [error] open() \"/run/nginx.pid\" failed (2: No such file or directory)\n".to_owned(), 1),
        },
        Err(text) => (format!("nginx: {text}\n"), 1),
    };
    sys.eprint(said);
    Some(status)
}

/// A line of the log, as the image has it: on standard error, from `notice` on.
fn notice(sys: &Sys<'_>, text: &str) -> String {
    let (at, pid) = (sys.epoch().utc(sys.now()), sys.pid().0);
    let (year, month, day) = (at.year(), u8::from(at.month()), at.day());
    let (hour, minute, second) = at.to_hms();
    format!("{year}/{month:02}/{day:02} {hour:02}:{minute:02}:{second:02} [notice] {pid}#{pid}: {text}\n")
}

#[derive(Debug, Eq, PartialEq)]
enum Errand {
    Say(&'static str),
    Send(Signal),
}

fn asked(argv: &[String]) -> Result<Option<Errand>, String> {
    let mut errand = None;
    for option in &mut Getopt::new(argv, SPEC) {
        let option = option.map_err(|error| match error {
            OptError::MissingValue(flag) => format!("option \"-{flag}\" requires parameter"),
            OptError::Invalid(flag) => format!("invalid option: \"{flag}\""),
            OptError::Unrecognized(name) | OptError::UnexpectedValue(name) | OptError::MissingLongValue(name) => {
                format!("invalid option: \"-{name}\"")
            }
        })?;
        errand = match (option.flag, option.value) {
            ('v' | 'V' | 'h' | '?', _) => Some(Errand::Say(VERSION)),
            ('t' | 'T', _) => Some(Errand::Say(CHECKED)),
            ('s', "stop") => Some(Errand::Send(Signal::Terminate)),
            ('s', "quit") => Some(Errand::Send(Signal::Quit)),
            ('s', "reopen") => Some(Errand::Send(Signal::User1)),
            ('s', "reload") => Some(Errand::Send(Signal::Hangup)),
            ('s', other) => return Err(format!("invalid option: \"-s {other}\"")),
            _ => errand,
        };
    }
    Ok(errand)
}

/// The server that runs here.
fn master(sys: &Sys<'_>) -> Option<Pid> {
    let is_server =
        |argv: &[String]| argv.first().is_some_and(|name| name.ends_with("nginx")) && asked(argv) == Ok(None);
    sys.processes().find(|(_, argv)| is_server(argv)).map(|(pid, _)| pid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_line_serves_unless_it_has_an_errand() {
        let asked = |line: &str| asked(&line.split(' ').map(str::to_owned).collect::<Vec<_>>());
        assert_eq!(asked("nginx -g daemon_off; -e stderr"), Ok(None));
        assert_eq!(asked("nginx -s reload"), Ok(Some(Errand::Send(Signal::Hangup))));
        assert_eq!(asked("nginx -s now"), Err("invalid option: \"-s now\"".to_owned()));
        assert_eq!(asked("nginx -x"), Err("invalid option: \"x\"".to_owned()));
        assert_eq!(asked("nginx -s"), Err("option \"-s\" requires parameter".to_owned()));
    }
}
