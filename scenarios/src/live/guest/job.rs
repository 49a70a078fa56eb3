//! Job control: a guest and its program are one job of the shell that started the guest. A program may leave the job's
//! process group, as an interactive shell does; that shell is stopped alone when it is suspended, and has to get the
//! terminal back when the job goes on. Nobody but the processes of the guest knows both groups.

use std::fs::{self, File};

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, getpgid, getpgrp, tcgetpgrp, tcsetpgrp};

/// Stops the job that this process, the first of its namespace, is of when its program has stopped in a group of its own:
/// whoever waits for the job has to hear of it. A program in the job's group was stopped with it, or is meant alone.
pub fn stop_with(program: Pid) {
    if getpgid(Some(program)).is_ok_and(|group| group != getpgrp()) {
        // This process itself cannot be stopped, being the first of its namespace.
        let _ = kill(Pid::from_raw(0), Signal::SIGSTOP);
    }
}

/// Lets the program go on that is a child of `init`. When the job is in front of its terminal so is the program.
pub fn resume(init: u32) {
    let children = fs::read_to_string(format!("/proc/{init}/task/{init}/children")).unwrap_or_default();
    let numbers = children.split_whitespace().filter_map(|number| number.parse().ok());
    for program in numbers.map(Pid::from_raw) {
        if let (Ok(terminal), Ok(group)) = (File::open("/dev/tty"), getpgid(Some(program)))
            && tcgetpgrp(&terminal) == Ok(getpgrp())
        {
            // A program that has just ended wants neither.
            let _ = tcsetpgrp(&terminal, group);
        }
        let _ = kill(program, Signal::SIGCONT);
    }
}
