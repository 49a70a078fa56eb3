//! Signals for a process that stands between others and a program: those that somebody sends on purpose go on to the
//! program, those that a terminal sends have reached it already.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::process::{Child, ExitStatus};

use nix::libc::SI_KERNEL;
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::unistd::Pid;
use std::os::unix::process::ExitStatusExt;

/// What a program is told of.
const PASSED: [Signal; 9] = [
    Signal::SIGHUP,
    Signal::SIGINT,
    Signal::SIGQUIT,
    Signal::SIGTERM,
    Signal::SIGUSR1,
    Signal::SIGUSR2,
    Signal::SIGALRM,
    Signal::SIGWINCH,
    Signal::SIGCONT,
];

/// The signals of this process, from now on.
#[derive(Debug)]
pub struct Signals(SignalFd);

impl Signals {
    /// Takes them. What is started afterwards would not get them either.
    ///
    /// # Errors
    /// What the system says.
    pub fn take() -> io::Result<Self> {
        let mut set: SigSet = PASSED.into_iter().collect();
        set.add(Signal::SIGCHLD);
        set.thread_block()?;
        Ok(Self(SignalFd::with_flags(&set, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC)?))
    }

    /// Takes that which somebody at the keyboard interrupts with, and no other.
    ///
    /// # Errors
    /// What the system says.
    pub fn take_interrupts() -> io::Result<Self> {
        let set: SigSet = [Signal::SIGINT].into_iter().collect();
        set.thread_block()?;
        Ok(Self(SignalFd::with_flags(&set, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC)?))
    }

    /// Those that have come and are to be passed on.
    ///
    /// # Errors
    /// What the system says.
    pub fn come(&mut self) -> io::Result<Vec<Signal>> {
        // A terminal's go to every process in front of it.
        self.take_if(|code| code != SI_KERNEL)
    }

    /// All that have come, a terminal's too.
    ///
    /// # Errors
    /// What the system says.
    pub fn all(&mut self) -> io::Result<Vec<Signal>> {
        self.take_if(|_| true)
    }

    fn take_if(&mut self, counts: impl Fn(i32) -> bool) -> io::Result<Vec<Signal>> {
        let mut signals = Vec::new();
        while let Some(info) = self.0.read_signal()? {
            let signal = i32::try_from(info.ssi_signo).ok().and_then(|number| Signal::try_from(number).ok());
            signals.extend(signal.filter(|signal| PASSED.contains(signal) && counts(info.ssi_code)));
        }
        Ok(signals)
    }
}

impl AsFd for Signals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Sends a signal to a child that was not waited for yet.
pub fn pass(child: &Child, signal: Signal) {
    let pid = i32::try_from(child.id()).expect("process ids are small");
    // A child that has just ended wants none.
    let _ = nix::sys::signal::kill(Pid::from_raw(pid), signal);
}

/// The exit code that a shell makes of how a process ended.
#[must_use]
pub fn exit_code(status: ExitStatus) -> u8 {
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(u8::MAX)
}
