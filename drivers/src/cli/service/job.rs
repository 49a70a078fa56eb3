//! How a job comes to its end, told line by line (docker/cli, `service/progress`), as far as it is told where there is no
//! terminal to draw bars on.

use std::collections::BTreeMap;

use serde_json::Value;

use super::progress::{BARS_MAX, ERROR_MAX, rank};
use crate::cli::human;
use crate::cli::object::text;

/// What is known of an execution.
#[derive(Clone, Debug, Default)]
pub(super) struct Job {
    /// Its number, when it is watched already.
    iteration: Option<u64>,
    /// The nodes that it had when it began to be watched, when it is everywhere.
    nodes: Vec<String>,
}

impl Job {
    /// Looks at the tasks: what is to be said, and whether all have ended well.
    pub(super) fn update(&mut self, service: &Value, tasks: &[Value], active_nodes: usize) -> (Vec<String>, bool) {
        let iteration = number(&service["JobStatus"]["JobIteration"]["Index"]);
        let job = &service["Spec"]["Mode"]["ReplicatedJob"];
        if job.is_object() {
            let (at_once, total) = (number(&job["MaxConcurrent"]), number(&job["TotalCompletions"]));
            return self.update_replicated(iteration, (at_once, total), tasks);
        }
        self.update_global(iteration, tasks, active_nodes)
    }

    fn update_replicated(&mut self, now: u64, (at_once, total): (u64, u64), tasks: &[Value]) -> (Vec<String>, bool) {
        let mut lines = Vec::new();
        let has_bars = total <= u64::try_from(BARS_MAX).unwrap_or(u64::MAX);
        if self.iteration.is_none() {
            lines.extend(overall(0, 0, (at_once, total)));
            lines.extend((1..=total).filter(|_| has_bars).map(|at| format!("{at}/{total}:  ")));
        }
        let iteration = *self.iteration.get_or_insert(now);
        let shown = furthest_from_end(tasks, iteration, |task| number(&task["Slot"]));
        for (slot, task) in shown.iter().filter(|_| has_bars) {
            lines.extend(failure(task).map(|why| format!("{}/{total}: {why}", slot + 1)));
        }
        let count = |fits: &dyn Fn(&Value) -> bool| u64::try_from(shown.values().filter(|task| fits(task)).count());
        let is_active = |task: &Value| rank(state(task)) < rank("complete");
        let active = count(&is_active).unwrap_or(u64::MAX);
        let completed = count(&|task| state(task) == "complete").unwrap_or(u64::MAX);
        lines.extend(overall(active, completed, (at_once, total)));
        (lines, completed == total)
    }

    fn update_global(&mut self, now: u64, tasks: &[Value], active_nodes: usize) -> (Vec<String>, bool) {
        if self.iteration.is_none() {
            if tasks.is_empty() && active_nodes > 0 {
                return (vec!["job progress: waiting for tasks".to_owned()], false);
            }
            let own = tasks.iter().filter(|task| is_of(task, now));
            self.nodes = own.map(|task| text(task, "NodeID").to_owned()).collect();
            self.nodes.sort();
            self.nodes.dedup();
        }
        let iteration = *self.iteration.get_or_insert(now);
        let mut shown = furthest_from_end(tasks, iteration, |task| text(task, "NodeID").to_owned());
        shown.retain(|node, _| self.nodes.contains(node));
        let told = shown.iter().filter(|_| active_nodes <= BARS_MAX);
        let lines = told.filter_map(|(node, task)| Some(format!("{node}: {}", failure(task)?))).collect();
        let completed = shown.values().filter(|task| state(task) == "complete").count();
        (lines, completed == self.nodes.len())
    }
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_default()
}

fn state(task: &Value) -> &str {
    text(&task["Status"], "State")
}

/// Whether a task is of this execution.
fn is_of(task: &Value, iteration: u64) -> bool {
    task["JobIteration"].is_object() && number(&task["JobIteration"]["Index"]) == iteration
}

/// What went wrong with a task.
fn failure(task: &Value) -> Option<String> {
    let error = text(&task["Status"], "Err").replace('\n', " ");
    (!error.is_empty()).then(|| human::shortened(&error, ERROR_MAX))
}

/// The task of each slot that is the furthest from its end.
fn furthest_from_end<K: Ord>(tasks: &[Value], iteration: u64, slot: impl Fn(&Value) -> K) -> BTreeMap<K, &Value> {
    let mut slots: BTreeMap<K, &Value> = BTreeMap::new();
    for task in tasks.iter().filter(|task| is_of(task, iteration)) {
        if rank(text(task, "DesiredState")).is_none() || rank(state(task)).is_none() {
            continue;
        }
        let known = slots.entry(slot(task)).or_insert(task);
        if rank(state(known)) > rank(state(task)) {
            *known = task;
        }
    }
    slots
}

/// How far all of it is. How many have ended is a bar of a terminal, but where there is nothing to be done.
fn overall(active: u64, completed: u64, (at_once, total): (u64, u64)) -> Vec<String> {
    let width = at_once.to_string().len();
    let due = total.saturating_sub(completed).min(at_once);
    let active = format!("active tasks: {active:width$} out of {due:width$} tasks");
    if total == 0 { vec!["job progress: 0 out of 0 complete".to_owned(), active] } else { vec![active] }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn task(slot: u64, iteration: u64, state: &str) -> Value {
        json!({ "Slot": slot, "NodeID": format!("n{slot}"), "DesiredState": "complete", "Status": { "State": state },
            "JobIteration": { "Index": iteration } })
    }

    fn service(mode: &Value) -> Value {
        json!({ "Spec": { "Mode": mode }, "JobStatus": { "JobIteration": { "Index": 1 } } })
    }

    /// What a real client printed of five tasks, two at a time.
    #[test]
    fn so_many_are_under_way_until_all_have_ended() {
        let mut job = Job::default();
        let service = service(&json!({ "ReplicatedJob": { "MaxConcurrent": 2, "TotalCompletions": 3 } }));
        let begun = [task(0, 0, "complete"), task(0, 1, "running"), task(1, 1, "starting")];
        let expected =
            ["active tasks: 0 out of 2 tasks", "1/3:  ", "2/3:  ", "3/3:  ", "active tasks: 2 out of 2 tasks"];
        assert_eq!(job.update(&service, &begun, 1), (expected.map(str::to_owned).to_vec(), false));
        let mut failed = task(0, 1, "failed");
        failed["Status"]["Err"] = json!("task: non-zero exit (3)");
        let later = [failed, task(1, 1, "complete")];
        let expected = ["1/3: task: non-zero exit (3)", "active tasks: 0 out of 2 tasks"];
        assert_eq!(job.update(&service, &later, 1), (expected.map(str::to_owned).to_vec(), false));
        let ended = [0, 1, 2].map(|slot| task(slot, 1, "complete"));
        assert_eq!(job.update(&service, &ended, 1), (vec!["active tasks: 0 out of 0 tasks".to_owned()], true));
    }

    #[test]
    fn of_one_that_is_everywhere_only_failures_are_told() {
        let mut job = Job::default();
        let service = service(&json!({ "GlobalJob": {} }));
        let waits = vec!["job progress: waiting for tasks".to_owned()];
        assert_eq!(job.update(&service, &[], 2), (waits, false));
        assert_eq!(job.update(&service, &[task(1, 1, "running"), task(2, 1, "complete")], 2), (vec![], false));
        assert_eq!(job.update(&service, &[task(1, 1, "complete"), task(2, 1, "complete")], 2), (vec![], true));
    }

    #[test]
    fn nothing_to_be_done_is_done() {
        let service = service(&json!({ "ReplicatedJob": { "MaxConcurrent": 0, "TotalCompletions": 0 } }));
        let (lines, is_done) = Job::default().update(&service, &[], 1);
        let told = ["job progress: 0 out of 0 complete", "active tasks: 0 out of 0 tasks"].repeat(2);
        assert_eq!((lines, is_done), (told.into_iter().map(str::to_owned).collect(), true));
    }
}
