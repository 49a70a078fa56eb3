//! `netyard fault`: something goes wrong, at once, later, or as soon as something else happens. Containers and engines are
//! harmed by the commands that a person could type on their host, hosts by what becomes of a machine without power. What
//! real engines do wrong by themselves is [`Bug`](crate::bug::Bug)'s affair.
//!
//! How it works: a fault is planned; when its time is there its command is a process of the host, and what that says
//! is kept, or told to whoever waits for it.

mod plan;
mod power;

use netyard_sim::time::Instant;
use netyard_sim::userland::{CallId, Pid, Read, Spawn, Stream};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

use super::{Site, terminal};
use crate::bug::{Bug, Bugs};
use crate::events::{Message, Subject};
use plan::{Act, Fault, Plan, Standing, Victim, When};

pub(super) use plan::USAGE;

/// How many faults are remembered, so that a long life stays bounded.
const PLANS_MAX: usize = 1000;

/// The faults of a site.
#[derive(Clone, Debug, Default)]
pub(super) struct Faults {
    plans: Vec<Plan>,
    running: BTreeMap<Pid, Running>,
    next: u32,
    /// Hosts without power, and those that stand still.
    off: BTreeSet<usize>,
    frozen: BTreeSet<usize>,
}

/// The command of a fault under way.
#[derive(Clone, Debug)]
struct Running {
    plan: u32,
    output: Stream,
    /// Who waits for it.
    call: Option<CallId>,
}

impl Faults {
    /// When the next fault is due that has a time.
    pub(super) fn next_at(&self) -> Option<Instant> {
        self.plans.iter().filter(|plan| plan.standing == Standing::Waiting).filter_map(|plan| plan.when.at()).min()
    }

    /// Whether a process is the command of a fault.
    pub(super) fn is_command(&self, pid: Pid) -> bool {
        self.running.contains_key(&pid)
    }

    fn plan_mut(&mut self, number: u32) -> Option<&mut Plan> {
        self.plans.iter_mut().find(|plan| plan.number == number)
    }
}

impl Site {
    /// Whether the command of a fault is under way.
    #[must_use]
    pub fn is_striking(&self) -> bool {
        !self.faults.running.is_empty()
    }

    /// What the command of the last fault said when it failed.
    #[must_use]
    pub fn failed_fault(&self) -> Option<&str> {
        match &self.faults.plans.last()?.standing {
            Standing::Failed(_, said) => Some(said),
            Standing::Done(_) | Standing::Waiting => None,
        }
    }

    /// Whether a host has power.
    pub(super) fn is_on(&self, at: usize) -> bool {
        !self.faults.off.contains(&at)
    }

    /// Does what `netyard fault` is asked by these words. `call` is told when a fault that happens at once is over.
    ///
    /// # Errors
    /// What is wrong, in words; nothing is changed then.
    pub(super) fn fault(&mut self, words: &[&str], call: Option<CallId>) -> Result<Answered, String> {
        let said = match words {
            ["show"] => self.faults_shown(),
            ["show", "--format", "json"] => self.faults_json().to_string() + "\n",
            ["bugs"] => Bug::ALL.iter().map(|bug| self.bug_line(*bug)).collect(),
            ["bugs", "--format", "json"] => {
                Value::from_iter(Bug::ALL.iter().map(|bug| self.bug_json(*bug))).to_string() + "\n"
            }
            ["clear"] => self.clear_faults(),
            ["bug", name] => self.switch_bug(name, "on", None)?,
            ["bug", name, switch @ ("on" | "off")] => self.switch_bug(name, switch, None)?,
            ["bug", name, switch @ ("on" | "off"), host] => self.switch_bug(name, switch, Some(host))?,
            [_, ..] => return self.plan_fault(words, call),
            [] => return Err(USAGE.to_owned()),
        };
        Ok(Answered::Said(said))
    }

    fn plan_fault(&mut self, words: &[&str], call: Option<CallId>) -> Result<Answered, String> {
        let asked = plan::Asked::read(words)?;
        let victim = self.victim(asked.kind, asked.name)?;
        let fault = Fault { act: asked.act, victim };
        fault.check()?;
        let now = self.now();
        let when = match asked.when {
            plan::Moment::Now => When::At(now),
            plan::Moment::In(wait) => When::At(now + wait),
            plan::Moment::On(action, name) => When::On { action: action.to_owned(), name: name.to_owned(), after: now },
        };
        let is_now = asked.when == plan::Moment::Now;
        let number = self.add_plan(fault, when, asked.lasting);
        if !is_now {
            return Ok(Answered::Said(String::new()));
        }
        Ok(if self.strike(number, call) { Answered::Later } else { Answered::Said(String::new()) })
    }

    fn add_plan(&mut self, fault: Fault, when: When, lasting: Option<core::time::Duration>) -> u32 {
        let faults = &mut self.faults;
        if faults.plans.len() >= PLANS_MAX {
            faults.plans.retain(|plan| !plan.standing.is_over());
        }
        faults.next += 1;
        let number = faults.next;
        faults.plans.push(Plan { number, fault, when, lasting, standing: Standing::Waiting });
        number
    }

    /// Whom a name means: a container, an engine or a host.
    fn victim(&self, kind: Option<&str>, name: &str) -> Result<Victim, String> {
        let host = self.engines.iter().position(|engine| engine.host().name == name);
        let on = |place: &str| {
            let (host, name) = place.split_once('/').map_or((None, place), |(host, name)| (Some(host), name));
            let mut engines = self.engines.iter().enumerate();
            engines.find(|(_, engine)| {
                host.is_none_or(|host| host == engine.host().name) && engine.container(name).is_some()
            })
        };
        match (kind, host) {
            (Some("engine"), Some(host)) => Ok(Victim::Engine { host, name: name.to_owned() }),
            (Some("host") | None, Some(host)) => Ok(Victim::Host { host, name: name.to_owned() }),
            (Some("engine" | "host"), None) => Err(format!("no such host: {name}\n")),
            _ => match on(name) {
                Some((host, _)) => {
                    let bare = name.rsplit('/').next().unwrap_or(name);
                    Ok(Victim::Container { host, name: bare.to_owned() })
                }
                None => Err(format!("no such container: {name}\n")),
            },
        }
    }

    /// Does the faults whose time has come; false when there were none.
    pub(super) fn strike_due(&mut self, now: Instant) -> bool {
        let is_due = |plan: &&Plan| plan.standing == Standing::Waiting && plan.when.at().is_some_and(|at| at <= now);
        let due: Vec<u32> = self.faults.plans.iter().filter(is_due).map(|plan| plan.number).collect();
        for number in &due {
            self.strike(*number, None);
        }
        !due.is_empty()
    }

    /// Does the faults that wait for what has happened.
    pub(super) fn strike_at_events(&mut self) {
        let waits = |plan: &Plan| plan.standing == Standing::Waiting && plan.when.at().is_none();
        if !self.faults.plans.iter().any(waits) {
            return;
        }
        let has_come = |plan: &&Plan| {
            let When::On { action, name, after } = &plan.when else { return false };
            let messages = self.engines.iter().flat_map(|engine| engine.messages());
            messages.filter(|message| message.at > *after).any(|message| self.is_about(message, action, name))
        };
        let come = self.faults.plans.iter().filter(|plan| waits(plan)).filter(has_come);
        let come: Vec<u32> = come.map(|plan| plan.number).collect();
        for number in come {
            self.strike(number, None);
        }
    }

    /// Whether an event is what somebody waits for: `start c2`, `connect c2`, `destroy n1`.
    fn is_about(&self, message: &Message, action: &str, name: &str) -> bool {
        let kind = message.action.split(':').next().unwrap_or_default();
        let named = |id: &str| {
            let containers = self.engines.iter().flat_map(|engine| engine.containers());
            containers.filter(|container| container.id.to_string() == id).any(|container| container.name == name)
        };
        let of_network = message.subject == Subject::Network;
        let member = || message.attributes.get("container").is_some_and(|id| named(id));
        kind == action && (message.attributes.get("name").is_some_and(|own| own == name) || (of_network && member()))
    }

    /// Lets a fault happen. True when somebody is told later what came of it.
    fn strike(&mut self, number: u32, call: Option<CallId>) -> bool {
        let now = self.now();
        let Some(plan) = self.faults.plan_mut(number) else { return false };
        plan.standing = Standing::Done(now);
        let (fault, lasting) = (plan.fault.clone(), plan.lasting);
        if let Some(mending) = fault.mending()
            && let Some(lasting) = lasting.or_else(|| fault.usual_length())
        {
            self.add_plan(mending, When::At(now + lasting), None);
        }
        match (&fault.victim, fault.command()) {
            (Victim::Host { host, .. }, _) => {
                self.strike_host(*host, fault.act);
                false
            }
            (Victim::Container { host, .. } | Victim::Engine { host, .. }, command) => {
                self.run_on(*host, &command, number, call)
            }
        }
    }

    fn strike_host(&mut self, host: usize, act: Act) {
        match act {
            Act::Kill | Act::Restart => self.power_off(host),
            Act::Start => self.power_on(host),
            Act::Pause => self.freeze(host, true),
            Act::Unpause => self.freeze(host, false),
        }
    }

    /// Runs the command of a fault on a host. False when there is no shell any more.
    fn run_on(&mut self, host: usize, command: &str, plan: u32, call: Option<CallId>) -> bool {
        let now = self.now();
        let place = terminal::host_login(self.engines[host].host());
        let processes = &mut self.world.processes;
        let streams = processes.streams_mut();
        let (output, stdout) = streams.pipe();
        let stderr = streams.dup(&stdout);
        let spawn: Spawn = terminal::login(&place, &["sh", "-c", command], [Stream::Null, stdout, stderr]);
        match processes.spawn(spawn, None, now) {
            Ok(pid) if self.faults.off.contains(&host) => {
                self.faults.running.insert(pid, Running { plan, output, call });
                self.world.signal(pid, netyard_sim::userland::Signal::Kill);
                true
            }
            Ok(pid) => {
                self.faults.running.insert(pid, Running { plan, output, call });
                true
            }
            Err(_) => {
                processes.close(output);
                false
            }
        }
    }

    /// A process ended that may be a fault's command: who waits for it is told. False when it is none.
    pub(super) fn fault_ended(&mut self, pid: Pid, code: i32) -> bool {
        let Some(Running { plan, mut output, call }) = self.faults.running.remove(&pid) else { return false };
        let now = self.now();
        let processes = &mut self.world.processes;
        let mut bytes = Vec::new();
        while let Read::Data(more) = processes.read(&mut output) {
            bytes.extend(more);
        }
        processes.close(output);
        let said = if code == 0 { String::new() } else { String::from_utf8_lossy(&bytes).into_owned() };
        if let Some(call) = call {
            processes.respond(call, if code == 0 { 0 } else { 2 }, Vec::new());
            processes.respond_body(call, said.as_bytes());
            processes.respond_end(call);
        }
        if let Some(plan) = self.faults.plan_mut(plan)
            && code != 0
        {
            plan.standing = Standing::Failed(now, said.trim_end().to_owned());
        }
        true
    }

    fn faults_shown(&self) -> String {
        self.faults.plans.iter().map(|plan| format!("{plan}\n")).collect()
    }

    fn faults_json(&self) -> Value {
        self.faults.plans.iter().map(Plan::json).collect()
    }

    /// What has not happened will not.
    fn clear_faults(&mut self) -> String {
        self.faults.plans.retain(|plan| plan.standing != Standing::Waiting);
        String::new()
    }

    fn switch_bug(&mut self, name: &str, switch: &str, host: Option<&str>) -> Result<String, String> {
        let bug = Bug::named(name).ok_or_else(|| format!("no such bug: {name}; see netyard fault bugs\n"))?;
        let is_meant = |on: &str| host.is_none_or(|host| host == on);
        let meant = self.engines.iter().enumerate().filter(|(_, engine)| is_meant(&engine.host().name));
        let meant: Vec<usize> = meant.map(|(at, _)| at).collect();
        if meant.is_empty() {
            return Err(format!("no such host: {}\n", host.unwrap_or_default()));
        }
        for at in meant {
            let mut bugs: Bugs = self.engines[at].bugs().clone();
            match switch {
                "on" => bugs.insert(bug),
                _ => bugs.remove(&bug),
            };
            self.engines[at].suffer(&mut self.world, bugs);
        }
        Ok(String::new())
    }

    fn hosts_with(&self, bug: Bug) -> Vec<&str> {
        let with = self.engines.iter().filter(|engine| engine.bugs().contains(&bug));
        with.map(|engine| engine.host().name.as_str()).collect()
    }

    fn bug_line(&self, bug: Bug) -> String {
        let on = self.hosts_with(bug);
        let on = if on.is_empty() { String::new() } else { format!(" [on: {}]", on.join(", ")) };
        format!("{bug}: {} ({}){on}\n", bug.what(), bug.issue())
    }

    fn bug_json(&self, bug: Bug) -> Value {
        json!({ "bug": bug.name(), "what": bug.what(), "issue": bug.issue(), "on": self.hosts_with(bug) })
    }
}

/// What came of a question about faults.
pub(super) enum Answered {
    /// This is said.
    Said(String),
    /// It is told when it is over.
    Later,
}
