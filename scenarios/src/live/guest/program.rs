//! A guest's program, from its start to its end: the agent does what the engine wants meanwhile, and signals go on to the
//! program.

use std::ffi::OsString;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::Signal;

use super::agent::Agent;
use super::farewell;
use super::job::resume;
use super::signals::{Signals, exit_code, pass};
use super::stand::Line;

/// The subcommand of this command that is the first process of a namespace of processes.
pub const INIT: &str = "init";
/// How long a program has to end by itself when its network is gone.
const GRACE: Duration = Duration::from_secs(2);

/// Whoever the guest listens to while the program runs.
struct Company {
    agent: Option<Agent>,
    line: Option<Line>,
    signals: Signals,
    /// When the program is killed.
    deadline: Option<Instant>,
}

/// Runs `program` to its end; the exit code. `line` leads to the process that stands for it in its container.
///
/// # Errors
/// What the system says.
pub fn run(agent: Agent, line: Option<Line>, program: &[OsString]) -> io::Result<u8> {
    let mut init = Command::new("/proc/self/exe");
    init.arg0("netyard").arg(INIT).arg(std::process::id().to_string()).arg("--").args(program);
    let mut child = init.spawn()?;
    let mut company = Company { agent: Some(agent), line, signals: Signals::take()?, deadline: None };
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        company.listen(&child)?;
    };
    let code = exit_code(status);
    if let Some(agent) = &mut company.agent {
        farewell::wait();
        // Nobody is left to be told when the engine has gone meanwhile.
        let _ = agent.tell_losses();
    }
    if let Some(line) = company.line {
        line.end(code);
    }
    Ok(code)
}

impl Company {
    /// Waits until something happens, and does what is to be done then.
    fn listen(&mut self, child: &Child) -> io::Result<()> {
        let (has_signals, is_called, has_word) = self.wait()?;
        if has_signals {
            self.signals.come()?.into_iter().for_each(|signal| tell(child, signal));
        }
        if has_word {
            match self.line.as_mut().map(Line::come) {
                Some(Ok(Some(signals))) => signals.into_iter().for_each(|signal| tell(child, signal)),
                // The container was killed, and so is the program.
                Some(_) => {
                    self.line = None;
                    pass(child, Signal::SIGKILL);
                }
                None => {}
            }
        }
        if self.agent.as_ref().and_then(Agent::rest).is_some_and(|rest| rest.is_zero()) {
            // An engine that has broken off is noticed below.
            let _ = self.agent.as_mut().map(Agent::tell_losses);
        }
        if is_called && !self.agent.as_mut().is_some_and(Agent::attend) {
            self.agent = None;
            pass(child, Signal::SIGTERM);
            self.deadline = Some(Instant::now() + GRACE);
        }
        if self.deadline.is_some_and(|deadline| deadline <= Instant::now()) {
            pass(child, Signal::SIGKILL);
        }
        Ok(())
    }

    /// Waits for a signal, the engine, or a word of the container.
    fn wait(&self) -> io::Result<(bool, bool, bool)> {
        let left = self.deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        let left = left.into_iter().chain(self.agent.as_ref().and_then(Agent::rest)).min();
        let left = left.map(|left| left.max(Duration::from_millis(10)));
        let timeout = left.map_or(PollTimeout::NONE, |left| PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX));
        let mut watched = vec![PollFd::new(self.signals.as_fd(), PollFlags::POLLIN)];
        let agent = self.agent.as_ref().map(|agent| PollFd::new(agent.as_fd(), PollFlags::POLLIN));
        let line = self.line.as_ref().map(|line| PollFd::new(line.as_fd(), PollFlags::POLLIN));
        let (has_agent, has_line) = (agent.is_some(), line.is_some());
        watched.extend(agent.into_iter().chain(line));
        match poll(&mut watched, timeout) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
        let mut any = watched.iter().map(|watched| watched.any().unwrap_or(false));
        let mut next = |is_there: bool| is_there && any.next().unwrap_or(false);
        Ok((next(true), next(has_agent), next(has_line)))
    }
}

/// Sends a signal to the program by its first process.
fn tell(init: &Child, signal: Signal) {
    match signal {
        Signal::SIGCONT => resume(init.id()),
        signal => pass(init, signal),
    }
}
