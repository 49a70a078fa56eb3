//! The engines of a site as processes of their hosts: `dockerd`, which begins and ends an engine, and the first process, which
//! `systemctl` asks to begin and end dockerd. What an engine does then is not known here.
//!
//! How it works: a `dockerd` keeps a call open for as long as its engine runs. The end of the call's input asks the engine
//! to shut down, a call that is dropped is an engine that was killed. Hosts have no docker.socket: an engine that was ended
//! stays so until somebody starts it.

use std::collections::VecDeque;

use netyard_sim::userland::{CallId, Pid, Request, Signal, Spawn, Stream};

use super::Site;
use crate::cli::dockerd;
use crate::daemon::{self, Config};
use crate::engine::Power;

/// The unit that hosts have.
const UNIT: &str = "docker.service";
/// How the first process starts it.
const COMMAND: &str = "/usr/sbin/dockerd";

/// What the first process knows of a host's dockerd.
#[derive(Clone, Debug, Default)]
pub(super) struct Unit {
    /// The process whose engine runs, whoever started it.
    main: Option<Pid>,
    /// Its call, and whether it was told that its engine runs.
    keeper: Option<(CallId, bool)>,
    jobs: VecDeque<Job>,
    failed: bool,
    /// Why its engine did not start with the site.
    refusal: Option<daemon::Error>,
}

/// Something that `systemctl` waits for.
#[derive(Clone, Debug)]
struct Job {
    call: CallId,
    step: JobStep,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum JobStep {
    /// The process shall end, and begin again or not.
    Stop { then_start: bool },
    /// The process has begun, and says whether its engine does.
    Start,
}

impl Unit {
    /// The process whose engine runs.
    pub(super) const fn main(&self) -> Option<Pid> {
        self.main
    }

    pub(super) fn is_main(&self, pid: Pid) -> bool {
        self.main == Some(pid)
    }

    fn is_keeper(&self, call: CallId) -> bool {
        self.keeper.is_some_and(|(keeper, _)| keeper == call)
    }
}

impl Site {
    /// Starts every engine with what it was told, which its host's file says too.
    pub(super) fn begin_daemons(&mut self, told: impl Fn(&str) -> Config) {
        for at in 0..self.engines.len() {
            let config = told(&self.engines[at].host().name);
            let context = self.engines[at].host().context;
            let text = config.to_file();
            if !text.is_empty() {
                let files = &mut self.world.processes.context_mut(context).files;
                files.make_directory("/etc/docker");
                files.write(daemon::FILE, text).expect("its directory was just made");
            }
            self.units.push(Unit::default());
            // On a fresh host it runs before anybody logs in; one that cannot is found failed.
            match self.engines[at].boot(&mut self.world, config) {
                Ok(()) => self.spawn_daemon(at),
                Err(error) => {
                    self.units[at].failed = true;
                    self.units[at].refusal = Some(error);
                }
            }
        }
    }

    /// Whether an engine stands still, as one does whose process was stopped.
    pub(super) fn is_engine_still(&self, engine: usize) -> bool {
        self.units.get(engine).and_then(Unit::main).is_some_and(|main| self.world.processes.is_paused(main))
    }

    /// Why an engine did not start with the site, if it did not.
    ///
    /// # Panics
    /// When there is no such engine.
    #[must_use]
    pub fn refusal(&self, engine: usize) -> Option<&daemon::Error> {
        self.units[engine].refusal.as_ref()
    }

    /// Starts the daemon of a host as its first process does.
    pub(super) fn spawn_daemon(&mut self, at: usize) {
        let host = self.engines[at].host();
        let spawn = Spawn::of_host(
            vec![COMMAND.to_owned()],
            (host.namespace, host.context),
            [Stream::Null, Stream::Null, Stream::Null],
        );
        let now = self.now();
        // Worlds without the program, as tests make them, have engines without processes.
        if let Ok(pid) = self.world.processes.spawn(spawn, None, now) {
            self.set_main(at, Some(pid));
        }
    }

    fn set_main(&mut self, at: usize, pid: Option<Pid>) {
        self.units[at].main = pid;
        let context = self.engines[at].host().context;
        dockerd::write_pid(&mut self.world.processes.context_mut(context).files, pid.map(|pid| pid.0));
    }

    /// A `dockerd` begins: its engine starts, unless it runs already.
    pub(super) fn daemon_begins(&mut self, call: CallId, pid: Pid, at: usize, request: &Request) {
        let unit = &self.units[at];
        if unit.keeper.is_some() || (unit.main.is_some() && !unit.is_main(pid)) {
            let said = "failed to start daemon: pid file found, ensure docker is not running or delete ";
            return self.refuse_daemon(call, &format!("{said}{}\n", dockerd::PID_FILE));
        }
        if self.engines[at].power() == Power::Down
            && let Err(error) = self.start_engine(at, &request.body)
        {
            return self.refuse_daemon(call, &error.report());
        }
        self.set_main(at, Some(pid));
        self.units[at].keeper = Some((call, false));
        self.units[at].failed = false;
        self.settle_daemons();
    }

    fn start_engine(&mut self, at: usize, flags: &[u8]) -> Result<(), daemon::Error> {
        let flags = String::from_utf8_lossy(flags);
        let flags: Vec<String> = flags.lines().map(str::to_owned).collect();
        let file = self.world.processes.context(self.engines[at].host().context).files.text(daemon::FILE);
        let config = Config::read(&flags, &file)?;
        self.engines[at].boot(&mut self.world, config)
    }

    fn refuse_daemon(&mut self, call: CallId, said: &str) {
        let processes = &mut self.world.processes;
        processes.respond_body(call, said.as_bytes());
        processes.respond_end(call);
    }

    /// More on a call that may be a `dockerd`'s: an end of input asks for the end of its engine. False when it is none.
    pub(super) fn daemon_asked_to_end(&mut self, call: CallId) -> bool {
        let Some(at) = self.units.iter().position(|unit| unit.is_keeper(call)) else { return false };
        self.engines[at].shut_down(&mut self.world);
        self.settle_daemons();
        true
    }

    /// A call was dropped that may be a `dockerd`'s: it was killed. False when it is none.
    pub(super) fn daemon_was_killed(&mut self, call: CallId) -> bool {
        let Some(at) = self.units.iter().position(|unit| unit.is_keeper(call)) else { return false };
        self.units[at].keeper = None;
        self.units[at].failed = true;
        self.engines[at].crash(&mut self.world);
        self.set_main(at, None);
        self.go_on_with_jobs(at);
        true
    }

    /// A process ended that may be a `dockerd`: who waits for that goes on. False when it is none.
    pub(super) fn daemon_ended(&mut self, pid: Pid) -> bool {
        let Some(at) = self.units.iter().position(|unit| unit.is_main(pid)) else { return false };
        self.set_main(at, None);
        self.go_on_with_jobs(at);
        true
    }

    /// Tells each `dockerd` what has become of its engine.
    pub(super) fn settle_daemons(&mut self) {
        for at in 0..self.units.len() {
            let Some((call, told)) = self.units[at].keeper else { continue };
            match self.engines[at].power() {
                Power::Up if !told => {
                    self.units[at].keeper = Some((call, true));
                    self.world.processes.respond(call, 200, Vec::new());
                    self.go_on_with_jobs(at);
                }
                Power::Down => {
                    self.units[at].keeper = None;
                    let failure = self.engines[at].take_failure();
                    self.units[at].failed = failure.is_some();
                    let said = failure.map(|error| error.report()).unwrap_or_default();
                    self.refuse_daemon(call, &said);
                    // Whoever started the process hears of its end; that its engine is gone is known here.
                    self.set_main(at, None);
                    self.go_on_with_jobs(at);
                }
                Power::Up | Power::Starting | Power::Stopping => {}
            }
        }
    }

    /// `systemctl VERB UNIT`.
    pub(super) fn ask_unit(&mut self, call: CallId, at: usize, target: &str) {
        let mut words = target.split('/').skip(1);
        let (verb, unit) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        if unit != UNIT {
            let (status, said) = match verb {
                "status" => (4, format!("Unit {unit} could not be found.\n")),
                "is-active" => (3, "inactive\n".to_owned()),
                "enable" | "disable" | "is-enabled" => {
                    (1, format!("Failed to {verb} unit: Unit file {unit} does not exist.\n"))
                }
                _ => (5, format!("Failed to {verb} {unit}: Unit {unit} not found.\n")),
            };
            return self.answer_systemctl(call, status, &said);
        }
        let is_active = self.units[at].main.is_some();
        match verb {
            "start" if is_active => self.answer_systemctl(call, 0, ""),
            "stop" if !is_active => self.answer_systemctl(call, 0, ""),
            "start" => self.begin_job(at, call, true),
            "stop" => self.begin_job(at, call, false),
            "restart" => self.begin_job(at, call, true),
            "is-active" => self.answer_systemctl(call, if is_active { 0 } else { 3 }, &format!("{}\n", self.word(at))),
            "is-enabled" => self.answer_systemctl(call, 0, "enabled\n"),
            "status" => self.answer_systemctl(call, if is_active { 0 } else { 3 }, &self.status(at)),
            _ => self.answer_systemctl(call, 0, ""),
        }
    }

    fn word(&self, at: usize) -> &'static str {
        match &self.units[at] {
            Unit { main: Some(_), .. } => "active",
            Unit { failed: true, .. } => "failed",
            Unit { .. } => "inactive",
        }
    }

    fn status(&self, at: usize) -> String {
        let state = match self.word(at) {
            "active" => "active (running)",
            "failed" => "failed (Result: exit-code)",
            _ => "inactive (dead)",
        };
        let main = self.units[at].main.map(|pid| format!("   Main PID: {} (dockerd)\n", pid.0)).unwrap_or_default();
        format!(
            "● {UNIT} - Docker Application Container Engine\n     Loaded: loaded (/lib/systemd/system/{UNIT}; enabled; \
             preset: enabled)\n     Active: {state}\n       Docs: https://docs.docker.com\n{main}"
        )
    }

    fn answer_systemctl(&mut self, call: CallId, status: u16, said: &str) {
        let processes = &mut self.world.processes;
        processes.respond(call, status, Vec::new());
        processes.respond_body(call, said.as_bytes());
        processes.respond_end(call);
    }

    fn begin_job(&mut self, at: usize, call: CallId, then_start: bool) {
        self.units[at].jobs.push_back(Job { call, step: JobStep::Stop { then_start } });
        match self.units[at].main {
            Some(pid) => {
                self.world.signal(pid, Signal::Terminate);
            }
            None => self.go_on_with_jobs(at),
        }
    }

    /// Does what can be done of what `systemctl` waits for, now that a process has begun or ended.
    fn go_on_with_jobs(&mut self, at: usize) {
        let is_up = self.units[at].keeper.is_some_and(|(_, told)| told);
        let is_gone = self.units[at].main.is_none();
        for Job { call, step } in core::mem::take(&mut self.units[at].jobs) {
            match step {
                JobStep::Stop { then_start: false } if is_gone => {
                    self.units[at].failed = false;
                    self.answer_systemctl(call, 0, "");
                }
                JobStep::Stop { then_start: true } if is_gone => {
                    if self.units[at].main.is_none() {
                        self.spawn_daemon(at);
                    }
                    self.units[at].jobs.push_back(Job { call, step: JobStep::Start });
                }
                JobStep::Start if is_up => self.answer_systemctl(call, 0, ""),
                JobStep::Start if is_gone => {
                    self.units[at].failed = true;
                    let said = format!(
                        "Job for {UNIT} failed because the control process exited with error code.\nSee \"systemctl \
                         status {UNIT}\" and \"journalctl -xeu {UNIT}\" for details.\n"
                    );
                    self.answer_systemctl(call, 1, &said);
                }
                step @ (JobStep::Stop { .. } | JobStep::Start) => self.units[at].jobs.push_back(Job { call, step }),
            }
        }
    }
}
