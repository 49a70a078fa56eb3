//! The program `dockerd`: the engine as a process of its host. It hands its flags to the engine, says why that does not start,
//! and lives as long as it does: SIGTERM, SIGINT and SIGQUIT shut the engine down, SIGKILL leaves its containers behind.

use netyard_sim::userland::{CallId, Files, Flavour, Program, Programs, Request, Signal, Step, Sys};

/// The socket between the program and the engine, which no file shows.
pub const SOCKET: &str = "@netyard/engine";
/// Where a running engine's process number stands.
pub const PID_FILE: &str = "/var/run/docker.pid";

/// Puts it on the path of hosts.
pub fn add(programs: &mut Programs) {
    programs.add(Flavour::Host, "dockerd", || Box::new(Dockerd::default()));
}

/// Keeps the number of a running engine's process, or takes it away.
pub fn write_pid(files: &mut Files, pid: Option<u32>) {
    match pid {
        Some(pid) => {
            files.make_directory("/var/run");
            // A host whose user put a directory there has no such file.
            let _ = files.write(PID_FILE, pid.to_string());
        }
        None => {
            files.remove(PID_FILE);
        }
    }
}

#[derive(Clone, Default)]
struct Dockerd {
    call: Option<CallId>,
    /// Whether the engine has begun.
    begun: bool,
}

impl Program for Dockerd {
    fn step(&mut self, sys: &mut Sys<'_>) -> Step {
        let Some(call) = self.call else {
            let flags = sys.argv().get(1..).unwrap_or_default().join("\n");
            let target = "/start".to_owned();
            self.call = Some(
                sys.call(SOCKET, Request { method: "POST", target, body: flags.into_bytes(), ..Request::default() }),
            );
            return Step::Wait(None);
        };
        let news = sys.poll_call(call);
        self.begun |= news.status == Some(200);
        sys.eprint(&news.body);
        match news.done {
            true => Step::Exit(i32::from(!self.begun)),
            false => Step::Wait(None),
        }
    }

    fn signal(&mut self, sys: &mut Sys<'_>, signal: Signal) -> bool {
        match (signal, self.call) {
            (Signal::Terminate | Signal::Interrupt | Signal::Quit, Some(call)) => {
                sys.call_input(call, &[]);
                true
            }
            // It reads its file anew; none of what this engine was told changes so.
            (Signal::Hangup, _) => true,
            _ => false,
        }
    }
}
