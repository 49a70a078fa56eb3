//! How the tasks of a service come to be what they shall be, told line by line until they have been so for a while
//! (docker/cli, `service/progress`). The engine is asked again and again.

use std::collections::BTreeMap;

use serde_json::Value;

use super::job::Job;
use crate::cli::flags::Arguments;
use crate::cli::human;
use crate::cli::object::{items, text};
use crate::cli::query::{filters, path_escaped, query};
use crate::cli::script::{Cx, Failure, Next, Outcome, call, request};

/// How long to wait before asking again, in nanoseconds.
const PERIOD: u64 = 200_000_000;
/// How long tasks are watched when nothing was said, in nanoseconds.
const MONITOR: u64 = 5_000_000_000;
/// How many tasks are told of one by one.
pub(super) const BARS_MAX: usize = 20;
/// Letters of an error.
pub(super) const ERROR_MAX: usize = 75;
/// The states of a task that goes on, in their order.
const STATES: [&str; 9] =
    ["new", "allocated", "pending", "assigned", "accepted", "preparing", "ready", "starting", "running"];
/// Those of one that does not.
const LATER: [&str; 5] = ["complete", "shutdown", "failed", "rejected", "remove"];

/// Whether a command waits for tasks.
pub(super) fn is_wanted(typed: &Arguments) -> bool {
    !typed.is_on("detach")
}

/// Watches the tasks of a service, which is called `name` when they are there.
pub(super) fn watch(
    service: &str,
    name: &str,
    is_quiet: bool,
    cx: &mut Cx<'_>,
    then: impl FnOnce(&mut Cx<'_>) -> Outcome + Clone + 'static,
) -> Outcome {
    let watch = Watch { service: service.to_owned(), name: name.to_owned(), is_quiet, ..Watch::default() };
    watch.look(cx, then)
}

/// What has been told so far.
#[derive(Clone, Default)]
struct Watch {
    service: String,
    name: String,
    is_quiet: bool,
    has_begun: bool,
    /// Whether all tasks were there when they were last looked at.
    is_done: bool,
    converged: bool,
    since: Option<u64>,
    is_rolled_back: bool,
    job: Job,
    /// The places of slots in the list, in the order of their coming.
    places: BTreeMap<u64, usize>,
}

impl Watch {
    fn say(&self, cx: &mut Cx<'_>, line: &str) {
        if !self.is_quiet {
            cx.print_line(line);
        }
    }

    fn look(mut self, cx: &mut Cx<'_>, then: impl FnOnce(&mut Cx<'_>) -> Outcome + Clone + 'static) -> Outcome {
        let path = format!("/services/{}", path_escaped(&self.service));
        call(cx, request("GET", &path), move |reply, cx| {
            let service = reply.json()?;
            let monitor = service["Spec"]["UpdateConfig"]["Monitor"].as_u64().filter(|monitor| *monitor > 0);
            let monitor = monitor.unwrap_or(MONITOR);
            if self.judge_update(&service["UpdateStatus"], cx)? {
                return then(cx);
            }
            let now = cx.place.now;
            if self.converged && self.since.is_some_and(|since| now - since >= monitor) {
                self.say(cx, &format!("verify: Service {} converged", self.name));
                return then(cx);
            }
            let wanted = [format!("service={}", text(&service, "ID")), "_up-to-date=true".to_owned()];
            let path = format!("/tasks{}", query(&[("filters", filters(&wanted))]));
            call(cx, request("GET", &path), move |reply, cx| {
                let tasks = items(&reply.json()?).to_vec();
                call(cx, request("GET", "/nodes"), move |reply, cx| {
                    let nodes = items(&reply.json()?).to_vec();
                    let active = nodes.iter().filter(|node| text(&node["Status"], "State") != "down");
                    let active: Vec<&str> = active.map(|node| text(node, "ID")).collect();
                    if service["JobStatus"].is_object() {
                        let (lines, is_done) = self.job.update(&service, &tasks, active.len());
                        lines.iter().for_each(|line| self.say(cx, line));
                        if is_done {
                            self.say(cx, "job complete");
                            return then(cx);
                        }
                        let again = move |(), cx: &mut Cx<'_>| self.look(cx, then);
                        return Ok(Next::Moment(cx.place.now + PERIOD, Box::new(again)));
                    }
                    self.converged = self.update(&service, &tasks, &active, cx);
                    self.note_converged(monitor, cx);
                    let again = move |(), cx: &mut Cx<'_>| self.look(cx, then);
                    Ok(Next::Moment(cx.place.now + PERIOD, Box::new(again)))
                })
            })
        })
    }

    /// What is said of the change itself; true when nothing more comes of it.
    fn judge_update(&mut self, status: &Value, cx: &mut Cx<'_>) -> Result<bool, Failure> {
        let message = text(status, "Message");
        match text(status, "State") {
            "updating" => self.is_rolled_back = false,
            "completed" if !self.converged => return Ok(true),
            "paused" => return Err(Failure::new(format!("service update paused: {message}"))),
            "rollback_started" => {
                if !self.is_rolled_back && !message.is_empty() {
                    self.say(cx, &format!("rollback: {message}"));
                }
                self.is_rolled_back = true;
            }
            _ => {}
        }
        Ok(false)
    }

    fn note_converged(&mut self, monitor: u64, cx: &mut Cx<'_>) {
        let now = cx.place.now;
        if !self.converged {
            if self.since.take().is_some() {
                self.say(cx, "verify: Detected task failure");
            }
            return;
        }
        let since = *self.since.get_or_insert(now);
        if let Some(wait) = monitor.checked_sub(now - since) {
            let seconds = wait.saturating_sub(1) / 1_000_000_000 + 1;
            self.say(cx, &format!("verify: Waiting {seconds} seconds to verify that tasks are stable..."));
        }
    }

    /// Tells how tasks are; whether all run.
    fn update(&mut self, service: &Value, tasks: &[Value], active: &[&str], cx: &mut Cx<'_>) -> bool {
        let replicas = service["Spec"]["Mode"]["Replicated"]["Replicas"].as_u64();
        let shown = latest(tasks, active);
        let count = replicas.map_or(shown.len(), |replicas| usize::try_from(replicas).unwrap_or(usize::MAX));
        if !self.has_begun {
            if replicas.is_none() && count == 0 {
                self.say(cx, "overall progress: waiting for new tasks");
                return false;
            }
            self.overall(0, count, cx);
            for at in (1..=count).filter(|_| replicas.is_some() && count <= BARS_MAX) {
                self.say(cx, &format!("{at}/{count}:  "));
            }
            self.has_begun = true;
        }
        let state = |task: &Value| text(&task["Status"], "State").to_owned();
        if self.is_done && shown.iter().any(|task| state(task) != "running") {
            self.is_done = false;
        }
        let runs = |task: &&&Value| state(task) == "running" && STATES.contains(&text(task, "DesiredState"));
        let running = shown.iter().filter(runs).count();
        for task in shown {
            self.tell_task(task, replicas.is_some(), count, cx);
        }
        if !self.is_done {
            self.overall(running, count, cx);
            self.is_done = running == count;
        }
        running == count
    }

    fn overall(&self, running: usize, count: usize, cx: &mut Cx<'_>) {
        let way = if self.is_rolled_back { "rolling back update: " } else { "" };
        self.say(cx, &format!("overall progress: {way}{running} out of {count} tasks"));
    }

    /// Only what went wrong with a task is a line; how far it is would be a bar of a terminal.
    fn tell_task(&mut self, task: &Value, is_replicated: bool, count: usize, cx: &mut Cx<'_>) {
        let slot = task["Slot"].as_u64().unwrap_or_default();
        let next = self.places.len() + 1;
        let place = *self.places.entry(slot).or_insert(next);
        let error = text(&task["Status"], "Err").replace('\n', " ");
        if self.is_done || count > BARS_MAX || error.is_empty() || (is_replicated && place > count) {
            return;
        }
        let what = if is_replicated { format!("{place}/{count}") } else { text(task, "NodeID").to_owned() };
        self.say(cx, &format!("{what}: {}", human::shortened(&error, ERROR_MAX)));
    }
}

/// How far a state is on the way of a task; none when it is not known.
pub(super) fn rank(state: &str) -> Option<usize> {
    STATES.iter().chain(&LATER).position(|known| *known == state)
}

/// The task of each slot that is the furthest from its end, unless its node is gone.
fn latest<'a>(tasks: &'a [Value], active: &[&str]) -> Vec<&'a Value> {
    let mut slots: BTreeMap<String, (usize, usize, &Value)> = BTreeMap::new();
    for task in tasks {
        let (wanted, is) = (rank(text(task, "DesiredState")), rank(text(&task["Status"], "State")));
        let (Some(wanted), Some(is)) = (wanted, is) else { continue };
        let node = text(task, "NodeID");
        if !node.is_empty() && !active.contains(&node) {
            continue;
        }
        let slot = task["Slot"].as_u64().map_or_else(|| node.to_owned(), |slot| format!("{slot:020}"));
        let known = slots.get(&slot).is_some_and(|(w, i, _)| (*w, *i) <= (wanted, is));
        if !known {
            slots.insert(slot, (wanted, is, task));
        }
    }
    slots.into_values().map(|(.., task)| task).collect()
}
