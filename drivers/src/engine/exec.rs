//! `/exec`: more processes in a running container.

use netyard_sim::time::{Duration, Instant};
use netyard_sim::userland::{Pid, Signal};
use netyard_sim::world::World;
use serde::Deserialize;
use serde_json::{Value, json};

use super::attach::size_of_terminal;
use super::console::{Channel, Console, InputEnd, Viewer};
use super::keys::DetachKeys;
use super::login::Wish;
use super::request::{json_body, shape};
use super::start::{Launch, launch};
use super::{Call, Engine, Owner, Reply, runtime};
use crate::container::State;
use crate::error::Error;
use crate::id::Id;
use crate::shape::Shape;

/// How long an exec that ended can be asked how.
const REMEMBERED: Duration = Duration::from_secs(300);
/// How many of them there are at most.
const ENDED: usize = 2048;
/// What a shell says of a program that cannot be run.
const CANNOT_RUN: i32 = 126;
/// What the runtime says first.
const FAILED: &str = "OCI runtime exec failed: exec failed: ";

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Asked {
    tty: Option<bool>,
    attach_stdin: Option<bool>,
    attach_stdout: Option<bool>,
    attach_stderr: Option<bool>,
    env: Option<Vec<String>>,
    working_dir: Option<String>,
    user: Option<String>,
    privileged: Option<bool>,
    detach_keys: Option<String>,
    cmd: Option<Vec<String>>,
}

/// An exec has another word for keys that are none.
fn escape_keys(text: &str) -> Error {
    Error::BadParameter(format!("Invalid escape keys ({text}) provided"))
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct StartAsked {
    detach: Option<bool>,
    tty: Option<bool>,
}

/// What an exec was asked to be.
#[derive(Clone, Debug)]
struct Config {
    argv: Vec<String>,
    env: Vec<String>,
    working_dir: String,
    user: String,
    tty: bool,
    privileged: bool,
    stdin: bool,
    stdout: bool,
    stderr: bool,
    /// The keys by which its client leaves.
    keys: DetachKeys,
    /// As they were written.
    keys_text: String,
}

/// How it stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Stage {
    Created,
    Running(Pid),
    /// With its exit code.
    Ended(i32, Instant),
}

/// Who watches an exec.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Watch {
    Client,
    Nobody,
}

/// One exec.
#[derive(Clone, Debug)]
pub(super) struct Exec {
    pub(super) container: Id,
    pub(super) console: Console,
    config: Config,
    stage: Stage,
    pid: u32,
    /// What it has written, when it is a health check and nobody watches.
    probe: Option<Vec<u8>>,
}

impl Exec {
    const fn ended(&self) -> Option<Instant> {
        match self.stage {
            Stage::Ended(_, at) => Some(at),
            Stage::Created | Stage::Running(_) => None,
        }
    }
}

impl Engine {
    /// `POST /containers/{name}/exec`.
    pub(super) fn exec_create(&mut self, world: &World, name: &str, call: &Call<'_>) -> Result<Reply, Error> {
        let asked: Asked = json_body(call.request, shape::EXEC)?;
        let container = self.find_container(name)?;
        match container.state {
            State::Running(_) => {}
            State::Paused(_) => return Err(Error::ContainerPausedForExec(name.to_owned())),
            State::Restarting(_) => return Err(Error::ContainerRestarting(container.id)),
            State::Created | State::Exited(_) => return Err(Error::ContainerNotRunning(container.id)),
        }
        self.check_links(container)?;
        let argv = asked.cmd.filter(|cmd| !cmd.is_empty()).ok_or(Error::ExecWithoutCommand)?;
        let tty = asked.tty.unwrap_or_default();
        let keys_text = asked.detach_keys.unwrap_or_default();
        let config = Config {
            keys: DetachKeys::parse(Some(&keys_text)).map_err(|_| escape_keys(&keys_text))?,
            keys_text,
            argv,
            env: asked.env.unwrap_or_default(),
            working_dir: asked.working_dir.unwrap_or_default(),
            user: asked.user.unwrap_or_default(),
            tty,
            privileged: asked.privileged.unwrap_or_default(),
            stdin: asked.attach_stdin.unwrap_or_default(),
            stdout: asked.attach_stdout.unwrap_or_default(),
            stderr: asked.attach_stderr.unwrap_or_default(),
        };
        let container = container.id;
        self.forget_execs(world.now());
        let id = Id::random(&mut self.ids);
        let console = Console::new(tty, InputEnd::Closes);
        self.execs.insert(id, Exec { container, console, config, stage: Stage::Created, pid: 0, probe: None });
        self.tell_exec(world, id, "exec_create");
        Ok(Reply::created(&json!({ "Id": id })))
    }

    /// `POST /exec/{id}/start`.
    pub(super) fn exec_start(&mut self, world: &mut World, term: &str, call: &Call<'_>) -> Result<Reply, Error> {
        let asked: StartAsked = json_body(call.request, Shape::Any)?;
        let id = self.find_exec(term)?;
        let exec = &self.execs[&id];
        if exec.stage != Stage::Created {
            return Err(Error::BadParameter(format!("exec command {id} has already run")));
        }
        let container = &self.containers[&exec.container];
        match container.state {
            State::Running(_) => {}
            State::Paused(_) => return Err(Error::ContainerPausedForExec(container.id.to_string())),
            State::Restarting(_) => return Err(Error::ContainerRestarting(container.id)),
            State::Created | State::Exited(_) => return Err(Error::ContainerNotRunning(container.id)),
        }
        self.tell_exec(world, id, "exec_start");
        if asked.detach == Some(true) {
            return self.run_exec(world, id, Watch::Nobody).map(|()| Reply::Empty(200)).map_err(Error::BadParameter);
        }
        self.head_of_stream(call);
        let exec = self.execs.get_mut(&id).expect("it was just found");
        let (stdin, stdout, stderr) = (exec.config.stdin, exec.config.stdout, exec.config.stderr);
        // Whether it has a terminal and whether its client believes so are told apart.
        let (raw, keys) = (asked.tty == Some(true), Some(exec.config.keys.clone()));
        exec.console.attach(Viewer { exchange: call.exchange, stdin, stdout, stderr, raw, keys });
        // The client reads on its stream why it did not run.
        let _ = self.run_exec(world, id, Watch::Client);
        Ok(Reply::Later)
    }

    /// What the runtime refuses of an exec before it looks for the program.
    fn exec_refusal(&self, world: &World, id: Id) -> Option<String> {
        let exec = &self.execs[&id];
        let container = &self.containers[&exec.container];
        if self.is_dying(container) {
            return Some(format!("{FAILED}cannot exec in a stopped container: unknown"));
        }
        let context = container.context.expect("a running container has files");
        let files = &world.processes.context(context).files;
        let directory = || Some(format!("{FAILED}{}: unknown", runtime::directory(files, &exec.config.working_dir)?));
        runtime::identity(files, &exec.config.user).or_else(directory)
    }

    /// Runs it.
    ///
    /// # Errors
    /// The runtime's text, which a client has read by then.
    fn run_exec(&mut self, world: &mut World, id: Id, watch: Watch) -> Result<(), String> {
        let refusal = self.exec_refusal(world, id);
        let (exec, config) = (&self.execs[&id], &self.execs[&id].config);
        let wish = Wish { user: &config.user, env: &config.env, tty: config.tty, privileged: config.privileged };
        let login = self.login_as(world, &self.containers[&exec.container], wish);
        let exec = self.execs.get_mut(&id).expect("the caller found the exec");
        let container = &self.containers[&exec.container];
        let sandbox = container.sandbox.and_then(|sandbox| self.controller.sandbox(sandbox));
        let namespace = sandbox.expect("a running container has its sandbox").namespace;
        let config = &exec.config;
        let spawn = Launch {
            argv: config.argv.clone(),
            login,
            cwd: if config.working_dir.is_empty() { &container.config.working_dir } else { &config.working_dir },
            namespace,
            context: container.context.expect("a running container has files"),
            init: false,
        };
        let streams = exec.console.open(world, config.stdin && watch == Watch::Client);
        if let Some(text) = refusal {
            streams.into_iter().for_each(|stream| world.processes.close(stream));
            return Err(self.exec_failed(world, id, text));
        }
        let (context, cwd) = (spawn.context, spawn.cwd.to_owned());
        match launch(world, spawn, streams) {
            Some(pid) => {
                exec.console.begin(world);
                exec.stage = Stage::Running(pid);
                exec.pid = pid.0;
                self.owners.insert(pid, Owner::Exec(id));
                Ok(())
            }
            None => {
                let program = exec.config.argv.first().map_or("", String::as_str);
                let why = runtime::unrunnable(&world.processes.context(context).files, &cwd, program).text(program);
                let text = format!("{FAILED}unable to start container process: exec: \"{program}\": {why}: unknown");
                Err(self.exec_failed(world, id, text))
            }
        }
    }

    /// Forgets the execs that ended long ago, and the oldest of those that ended when there are too many.
    fn forget_execs(&mut self, now: Instant) {
        self.execs.retain(|_, exec| exec.ended().is_none_or(|at| now.since(at) < REMEMBERED));
        let mut ended: Vec<(Instant, Id)> =
            self.execs.iter().filter_map(|(id, exec)| Some((exec.ended()?, *id))).collect();
        if ended.len() > ENDED {
            ended.sort();
            ended[..ENDED / 2].iter().for_each(|(_, id)| drop(self.execs.remove(id)));
        }
    }

    /// It does not run: the client reads why on standard output, and the exit code is 126.
    fn exec_failed(&mut self, world: &mut World, id: Id, text: String) -> String {
        let exec = self.execs.get_mut(&id).expect("the caller found the exec");
        exec.stage = Stage::Ended(CANNOT_RUN, world.now());
        exec.console.show(Channel::Out, format!("{text}\r\n").as_bytes(), &mut self.outbox);
        exec.console.end(world, &mut self.outbox);
        if exec.probe.is_some() {
            let container = exec.container;
            self.probe_ended(world, container, id, CANNOT_RUN, text.as_bytes());
        }
        text
    }

    /// Makes an exec that nobody asked for: a health check.
    pub(super) fn make_probe(&mut self, world: &World, container: Id, argv: Vec<String>) -> Id {
        let config = Config {
            argv,
            env: Vec::new(),
            working_dir: String::new(),
            user: String::new(),
            tty: false,
            privileged: false,
            stdin: false,
            stdout: true,
            stderr: true,
            keys: DetachKeys::default(),
            keys_text: String::new(),
        };
        let id = Id::random(&mut self.ids);
        let console = Console::new(false, InputEnd::Closes);
        let exec = Exec { container, console, config, stage: Stage::Created, pid: 0, probe: Some(Vec::new()) };
        self.execs.insert(id, exec);
        self.tell_exec(world, id, "exec_create");
        id
    }

    /// Runs it.
    pub(super) fn run_probe(&mut self, world: &mut World, id: Id) {
        self.tell_exec(world, id, "exec_start");
        // What went wrong is a finding of the check.
        let _ = self.run_exec(world, id, Watch::Nobody);
    }

    /// Kills the process of an exec.
    pub(super) fn kill_exec(&self, world: &mut World, id: Id) {
        if let Some(Stage::Running(pid)) = self.execs.get(&id).map(|exec| exec.stage) {
            world.signal(pid, Signal::Kill);
        }
    }

    /// Takes what an exec has written since and shows it to its client.
    pub(super) fn carry_exec_output(&mut self, world: &mut World, id: Id) {
        let exec = self.execs.get_mut(&id).expect("the caller found the exec");
        for (channel, bytes) in exec.console.drain(world) {
            exec.console.show(channel, &bytes, &mut self.outbox);
            if let Some(written) = &mut exec.probe {
                written.extend(bytes);
            }
        }
    }

    /// The process of an exec is gone.
    pub(super) fn exec_ended(&mut self, world: &mut World, id: Id, code: i32) {
        if !self.execs.contains_key(&id) {
            return;
        }
        self.carry_exec_output(world, id);
        let exec = self.execs.get_mut(&id).expect("it was just there");
        exec.stage = Stage::Ended(code, world.now());
        let container = exec.container;
        exec.console.end(world, &mut self.outbox);
        let more = [("execID", id.to_string()), ("exitCode", code.to_string())];
        let probe = exec.probe.take();
        self.tell_container(world, container, "exec_die", &more);
        if let Some(written) = probe {
            self.probe_ended(world, container, id, code, &written);
            self.execs.remove(&id);
        }
    }

    /// `GET /exec/{id}/json`.
    pub(super) fn exec_inspect(&self, term: &str) -> Result<Reply, Error> {
        let id = self.find_exec(term)?;
        let exec = &self.execs[&id];
        let code = match exec.stage {
            Stage::Created | Stage::Running(_) => Value::Null,
            Stage::Ended(code, _) => json!(code),
        };
        let config = &exec.config;
        Ok(Reply::ok(&json!({
            "ID": id, "Running": matches!(exec.stage, Stage::Running(_)), "ExitCode": code,
            "ProcessConfig": {
                "tty": config.tty, "entrypoint": config.argv.first(), "arguments": config.argv.get(1..),
                "privileged": config.privileged,
            },
            "OpenStdin": config.stdin, "OpenStderr": config.stderr, "OpenStdout": config.stdout, "CanRemove": false,
            "ContainerID": exec.container, "DetachKeys": config.keys_text, "Pid": exec.pid,
        })))
    }

    /// `POST /exec/{id}/resize`: the size of its terminal.
    pub(super) fn exec_resize(&self, world: &mut World, term: &str, call: &Call<'_>) -> Result<Reply, Error> {
        let id = self.find_exec(term)?;
        self.execs[&id].console.resize(world, size_of_terminal(call));
        Ok(Reply::Empty(200))
    }

    /// The execs of a container that still run, as `inspect` lists them.
    pub(super) fn running_execs(&self, container: Id) -> Option<Vec<Id>> {
        let of_container = |exec: &Exec| exec.container == container && matches!(exec.stage, Stage::Running(_));
        let ids: Vec<Id> = self.execs.iter().filter(|(_, exec)| of_container(exec)).map(|(id, _)| *id).collect();
        if ids.is_empty() { None } else { Some(ids) }
    }

    fn find_exec(&self, term: &str) -> Result<Id, Error> {
        let found = self.execs.keys().find(|id| id.to_string() == term);
        found.copied().ok_or_else(|| Error::ExecUnknown(term.to_owned()))
    }

    /// The message names the command: program, blank, arguments.
    fn tell_exec(&mut self, world: &World, id: Id, action: &str) {
        let exec = &self.execs[&id];
        let (container, argv) = (exec.container, &exec.config.argv);
        let (program, arguments) = argv.split_first().expect("an exec has a command");
        let action = format!("{action}: {program} {}", arguments.join(" "));
        self.tell_container(world, container, &action, &[("execID", id.to_string())]);
    }
}
