//! The first process of a guest's namespace of processes: it starts the program, passes signals on to it, stops with it,
//! and ends as it does. When this process ends, the kernel ends all others in the namespace.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::os::fd::AsFd;
use std::process::{Child, Command};

use nix::errno::Errno;
use nix::mount::{MsFlags, mount};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sched::{CloneFlags, unshare};
use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::Signal;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use super::job::stop_with;
use super::signals::{Signals, pass};

/// How a command ends that cannot be run, and one that is not there, as shells have it.
const CANNOT_RUN: u8 = 126;
const NOT_FOUND: u8 = 127;
/// How one ends that was killed.
const KILLED: u8 = 137;

/// Runs `program` to its end; the exit code. This process shall not outlive the one that started it, whose number on the
/// machine is `parent`.
///
/// # Errors
/// What the system says.
pub fn run(parent: u32, program: &[OsString]) -> io::Result<u8> {
    set_pdeathsig(Some(Signal::SIGKILL))?;
    if !lives(parent) {
        return Ok(KILLED);
    }
    // What is mounted here is this program's alone: others share the files about names.
    unshare(CloneFlags::CLONE_NEWNS)?;
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
    // Where the machine's own is partly hidden the kernel forbids a new one; the numbers there are the machine's then.
    let _ = mount(Some("proc"), "/proc", Some("proc"), flags, None::<&str>);
    let (name, arguments) = program.split_first().ok_or(io::ErrorKind::InvalidInput)?;
    let child = match Command::new(name).args(arguments).spawn() {
        Ok(child) => child,
        Err(error) => {
            let is_bare = !name.as_encoded_bytes().contains(&b'/');
            // A directory of the path that may not be searched makes the system say that one may not, whatever is there.
            let is_missing = match error.kind() {
                io::ErrorKind::PermissionDenied => {
                    is_bare && !is_on_path(name, &env::var_os("PATH").unwrap_or_default())
                }
                kind => kind == io::ErrorKind::NotFound,
            };
            let text = match is_missing && is_bare {
                true => "command not found",
                false => Errno::from_raw(error.raw_os_error().unwrap_or_default()).desc(),
            };
            eprintln!("netyard: {}: {text}", name.display());
            return Ok(if is_missing { NOT_FOUND } else { CANNOT_RUN });
        }
    };
    tend(&child, Signals::take()?)
}

/// Whether any directory of a search path that may be searched has something of that name.
fn is_on_path(name: &OsStr, path: &OsStr) -> bool {
    env::split_paths(path).any(|directory| directory.join(name).exists())
}

/// Whether a process of the machine has not ended yet; the machine's processes are still to be seen.
fn lives(process: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, state)| !state.starts_with(['Z', 'X']))
}

fn tend(child: &Child, mut signals: Signals) -> io::Result<u8> {
    let pid = Pid::from_raw(i32::try_from(child.id()).expect("process ids are small"));
    loop {
        if let Some(code) = reap(pid)? {
            return Ok(code);
        }
        match poll(&mut [PollFd::new(signals.as_fd(), PollFlags::POLLIN)], PollTimeout::NONE) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
        // That the job goes on is the guest's affair.
        for signal in signals.come()?.into_iter().filter(|signal| *signal != Signal::SIGCONT) {
            pass(child, signal);
        }
    }
}

/// Takes note of all processes here that have ended; the exit code of the program when it is among them.
fn reap(program: Pid) -> io::Result<Option<u8>> {
    let mut ended = None;
    loop {
        let (pid, code) = match waitpid(None, Some(WaitPidFlag::WNOHANG | WaitPidFlag::WUNTRACED)) {
            Ok(WaitStatus::Exited(pid, code)) => (pid, code),
            Ok(WaitStatus::Signaled(pid, signal, _)) => (pid, 128 + signal as i32),
            Ok(WaitStatus::Stopped(pid, _)) => {
                if pid == program {
                    stop_with(program);
                }
                continue;
            }
            Ok(_) | Err(Errno::ECHILD) => return Ok(ended),
            Err(Errno::EINTR) => continue,
            Err(error) => return Err(error.into()),
        };
        if pid == program {
            ended = Some(u8::try_from(code).unwrap_or(u8::MAX));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_on_a_path_when_one_of_its_directories_has_it() {
        let is_on_path = |name: &str, path: &str| is_on_path(name.as_ref(), path.as_ref());
        assert!(is_on_path("sh", "/nowhere:/bin"));
        assert!(!is_on_path("sh", "/nowhere:/"));
        assert!(!is_on_path("no-such-program", "/bin"));
    }
}
