//! A guest without a program: it keeps devices in a namespace that somebody else has made until it is told to leave.

use std::io;
use std::os::fd::AsFd;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::Signal;

use super::agent::Agent;
use super::signals::Signals;
use super::stand::Line;

/// What makes a guest leave, of a container or from a hand.
const LEAVE: [Signal; 4] = [Signal::SIGHUP, Signal::SIGINT, Signal::SIGQUIT, Signal::SIGTERM];

/// Stays until this process or the container is told to end; false when the engine has gone. `line` leads to the process
/// that stands for the namespace in its container.
///
/// # Errors
/// What the system says.
pub fn run(mut agent: Agent, mut line: Line, mut signals: Signals) -> io::Result<bool> {
    loop {
        let rest = agent.rest().and_then(|rest| PollTimeout::try_from(rest).ok()).unwrap_or(PollTimeout::NONE);
        let ends = [signals.as_fd(), agent.as_fd(), line.as_fd()];
        let mut ends = ends.map(|end| PollFd::new(end, PollFlags::POLLIN));
        match poll(&mut ends, rest) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
        let [told, called, worded] = ends.map(|end| end.any().unwrap_or(false));
        if told && signals.all()?.iter().any(|signal| LEAVE.contains(signal)) {
            break;
        }
        if worded {
            match line.come() {
                Ok(Some(signals)) if !signals.iter().any(|signal| LEAVE.contains(signal)) => {}
                _ => break,
            }
        }
        if agent.rest().is_some_and(|rest| rest.is_zero()) {
            // An engine that has broken off is noticed below.
            let _ = agent.tell_losses();
        }
        if called && !agent.attend() {
            return Ok(false);
        }
    }
    let _ = agent.tell_losses();
    line.end(0);
    agent.await_departure();
    Ok(true)
}
