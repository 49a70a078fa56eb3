//! Jobs: services whose tasks shall end well, each once. What a real engine does was asked of it (20.10.24): a change of
//! whatever kind begins a job anew and removes the tasks that still run; a task that fails is tried again as its service
//! says; and tasks stay where they are when their node is drained or not heard.

use std::collections::BTreeMap;

use super::{Board, MOST, Slot, is_filled};
use crate::cluster::service::{Mode, Service, Task, TaskState};

impl Board<'_> {
    /// Makes the tasks of a job what they shall be.
    pub(super) fn settle_job(&mut self, service: &Service) {
        self.end_executions(service);
        self.give_up_failed(service);
        self.begin_tasks(service);
        self.let_job_run(service);
        self.forget_old(service);
    }

    /// What is under way of earlier executions ends, and is not remembered.
    fn end_executions(&mut self, service: &Service) {
        let is_earlier = |task: &&mut Task| {
            task.service == service.id && task.generation != service.generation && !task.is_over() && task.is_wanted()
        };
        self.tasks.values_mut().filter(is_earlier).for_each(|task| task.desired = TaskState::Remove);
    }

    /// Tasks that have ended badly, or whose node is no more, are not wanted.
    fn give_up_failed(&mut self, service: &Service) {
        let (now, nodes) = (self.now, &self.nodes);
        let is_gone = |task: &Task| task.node.as_ref().is_some_and(|id| !nodes.iter().any(|node| node.id == *id));
        for task in self.tasks.values_mut().filter(|task| task.service == service.id && task.is_wanted()) {
            if is_gone(task) && !task.is_over() {
                task.status.state = TaskState::Orphaned;
            }
            // What fails before it may run is looked at when it may: or it would be made again and again at once.
            let is_early = task.desired == TaskState::Ready && task.not_before() > now;
            if task.is_over() && task.status.state != TaskState::Complete && !is_early {
                task.desired = TaskState::Shutdown;
            }
        }
    }

    /// The tasks of this execution, by their slots.
    fn slots_of_execution(&self, service: &Service) -> BTreeMap<Slot, Vec<&Task>> {
        let mut slots = self.slots(service);
        slots.values_mut().for_each(|tasks| tasks.retain(|task| task.generation == service.generation));
        slots.retain(|_, tasks| !tasks.is_empty());
        slots
    }

    /// Begins so many tasks as may be under way at a time, and tries those again that failed.
    fn begin_tasks(&mut self, service: &Service) {
        let slots = self.slots_of_execution(service);
        let is_open = |slot: &Slot| slots.get(slot).is_none_or(|tasks| !is_filled(service, tasks));
        let wanted: Vec<Slot> = match &service.spec.mode {
            Mode::ReplicatedJob { at_once, total } => {
                let is_done = |tasks: &&Vec<&Task>| tasks.iter().any(|task| task.status.state == TaskState::Complete);
                // Who has failed for good keeps its slot.
                let busy = slots.values().filter(|tasks| is_filled(service, tasks) && !is_done(tasks)).count();
                let most = usize::try_from(*at_once).unwrap_or(usize::MAX).min(MOST);
                (0..*total).map(Slot::Number).filter(is_open).take(most.saturating_sub(busy)).collect()
            }
            Mode::GlobalJob {} if slots.is_empty() => {
                let nodes = self.nodes.iter().filter(|node| node.takes() && self.is_for(service, &node.id));
                nodes.map(|node| Slot::Node(node.id.clone())).collect()
            }
            // Nodes that come later have no part in it.
            Mode::GlobalJob {} => slots.keys().filter(|slot| is_open(slot)).cloned().collect(),
            Mode::Replicated { .. } | Mode::Global {} => Vec::new(),
        };
        self.add_to(service, wanted);
    }

    /// Tasks that are ready run to their end when they may.
    fn let_job_run(&mut self, service: &Service) {
        let now = self.now;
        let own = self.tasks.values_mut().filter(|task| task.service == service.id);
        let ready = own.filter(|task| task.desired == TaskState::Ready && task.not_before() <= now);
        ready.for_each(|task| task.desired = TaskState::Complete);
    }
}
