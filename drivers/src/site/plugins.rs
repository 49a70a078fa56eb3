//! Plugins of the engines of a site. `netyard plugin NAME FILE` on a host makes a plugin out of a shell script: for each
//! question the script is run with the method as its argument and the body as its input, and what it prints is the
//! answer. What no host has a plugin for is asked outside, where somebody is there; else there is no such plugin.

use std::collections::{BTreeMap, VecDeque};

use netyard_sim::time::{Duration, Instant};
use netyard_sim::userland::{CallId, Pid, Read, Signal, Spawn, Stream};

use super::Site;
use crate::engine::TalkId;
use crate::plugin::{ANSWER_MAX, Failure, Outcome, Question};

/// Where plugins are.
const DIRECTORY: &str = "/run/docker/plugins";
/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(60);

/// How it is used.
pub(super) const USAGE: &str = "usage: netyard plugin NAME FILE\n";

/// A plugin of a host.
#[derive(Clone, Debug)]
struct Served {
    /// The process that serves it: its call.
    call: CallId,
    engine: usize,
    name: String,
    script: String,
}

/// A script at work on an answer.
#[derive(Clone, Debug)]
struct Running {
    engine: usize,
    talk: TalkId,
    url: String,
    output: Stream,
    said: Vec<u8>,
    until: Instant,
}

/// All plugins.
#[derive(Clone, Debug, Default)]
pub(super) struct Plugins {
    served: Vec<Served>,
    running: BTreeMap<Pid, Running>,
    /// Whether somebody outside asks plugins too.
    has_outside: bool,
    /// What is to be asked outside.
    outbox: VecDeque<(usize, TalkId, Question)>,
}

impl Plugins {
    /// When somebody has waited long enough.
    pub(super) fn next_at(&self) -> Option<Instant> {
        self.running.values().map(|running| running.until).min()
    }

    /// Whether a process works on an answer.
    pub(super) fn is_script(&self, pid: Pid) -> bool {
        self.running.contains_key(&pid)
    }
}

/// The URL by which libnetwork asks a plugin of a host.
fn url(question: &Question) -> String {
    let escaped = format!("{DIRECTORY}/{}.sock", question.plugin).replace('/', "%2F");
    format!("http://{escaped}/{}", question.ask.method())
}

impl Site {
    /// Somebody outside asks plugins from now on that no host has.
    pub const fn ask_plugins_outside(&mut self) {
        self.plugins.has_outside = true;
    }

    /// The next question for a plugin outside: which engine asks, in which talk.
    pub fn poll_question(&mut self) -> Option<(usize, TalkId, Question)> {
        self.plugins.outbox.pop_front()
    }

    /// Takes in what came of a question that was asked outside.
    ///
    /// # Panics
    /// When there is no such engine.
    pub fn answer_question(&mut self, engine: usize, talk: TalkId, outcome: Outcome) {
        self.engines[engine].hear_plugin(&mut self.world, talk, outcome);
        self.settle_daemons();
        self.carry_questions();
    }

    /// A process serves a plugin from now on, until it ends. What is wrong, in words, when it cannot.
    pub(super) fn serve_plugin(&mut self, engine: usize, call: CallId, words: &[&str]) -> Result<(), String> {
        let [name, script] = words else { return Err(USAGE.to_owned()) };
        let is_taken = |served: &Served| (served.engine, served.name.as_str()) == (engine, *name);
        if self.plugins.served.iter().any(is_taken) {
            return Err(format!("netyard plugin: {name} is served already\n"));
        }
        let context = self.engines[engine].host().context;
        let files = &mut self.world.processes.context_mut(context).files;
        files.make_directory(DIRECTORY);
        // A host whose user put a file in the way shows no socket.
        let _ = files.write(&format!("{DIRECTORY}/{name}.sock"), "");
        let (name, script) = ((*name).to_owned(), (*script).to_owned());
        self.plugins.served.push(Served { call, engine, name, script });
        Ok(())
    }

    /// The process that served a plugin is gone; false when it served none.
    pub(super) fn plugin_was_dropped(&mut self, call: CallId) -> bool {
        let Some(at) = self.plugins.served.iter().position(|served| served.call == call) else { return false };
        let served = self.plugins.served.remove(at);
        let context = self.engines[served.engine].host().context;
        let files = &mut self.world.processes.context_mut(context).files;
        files.remove(&format!("{DIRECTORY}/{}.sock", served.name));
        true
    }

    /// Brings what engines ask to plugins.
    pub(super) fn carry_questions(&mut self) {
        for at in 0..self.engines.len() {
            while let Some((talk, question)) = self.engines[at].poll_question() {
                let is_asked = |served: &&Served| (served.engine, &served.name) == (at, &question.plugin);
                if let Some(served) = self.plugins.served.iter().find(is_asked) {
                    let script = served.script.clone();
                    self.run_script(at, talk, &question, script);
                } else if self.plugins.has_outside {
                    self.plugins.outbox.push_back((at, talk, question));
                } else {
                    self.engines[at].hear_plugin(&mut self.world, talk, Err(Failure::Unknown));
                }
            }
        }
    }

    fn run_script(&mut self, engine: usize, talk: TalkId, question: &Question, script: String) {
        let (host, now) = (self.engines[engine].host().clone(), self.now());
        let processes = &mut self.world.processes;
        let (stdin, input) = processes.streams_mut().pipe();
        let (output, stdout) = processes.streams_mut().pipe();
        let argv = vec!["sh".to_owned(), script, question.ask.method().to_owned()];
        let spawn = Spawn::of_host(argv, (host.namespace, host.context), [stdin, stdout, Stream::Null]);
        processes.write(&input, question.ask.body().as_bytes());
        processes.close(input);
        let (url, until, said) = (url(question), now + PATIENCE, Vec::new());
        match processes.spawn(spawn, None, now) {
            Ok(pid) => {
                self.plugins.running.insert(pid, Running { engine, talk, url, output, said, until });
            }
            Err(_) => {
                let failure = Failure::Broken(format!("Post \"{url}\": EOF"));
                self.engines[engine].hear_plugin(&mut self.world, talk, Err(failure));
            }
        }
    }

    /// Takes in what scripts have printed, so that they can print more.
    pub(super) fn read_scripts(&mut self) {
        for running in self.plugins.running.values_mut() {
            while let Read::Data(bytes) = self.world.processes.read(&mut running.output) {
                if running.said.len() <= ANSWER_MAX {
                    running.said.extend(bytes);
                }
            }
        }
    }

    /// A process ended; false when it worked on no answer.
    pub(super) fn script_ended(&mut self, pid: Pid, code: i32) -> bool {
        self.read_scripts();
        let Some(running) = self.plugins.running.remove(&pid) else { return false };
        self.world.processes.close(running.output);
        let outcome = match (running.said.len() > ANSWER_MAX, code) {
            (true, _) => Err(Failure::too_long()),
            (false, 0) => Ok(running.said),
            (false, _) => Err(Failure::Refused(running.said)),
        };
        self.engines[running.engine].hear_plugin(&mut self.world, running.talk, outcome);
        true
    }

    /// Waits no longer for scripts that take too long; false when there are none.
    pub(super) fn give_up_scripts(&mut self, now: Instant) -> bool {
        let late = self.plugins.running.iter().filter(|(_, running)| running.until <= now);
        let late: Vec<Pid> = late.map(|(pid, _)| *pid).collect();
        for pid in &late {
            let running = self.plugins.running.remove(pid).expect("it was just found");
            self.world.processes.close(running.output);
            self.world.signal(*pid, Signal::Kill);
            let failure = Failure::timeout(&running.url);
            self.engines[running.engine].hear_plugin(&mut self.world, running.talk, Err(failure));
        }
        !late.is_empty()
    }
}
