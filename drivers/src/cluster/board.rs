//! Which tasks there shall be: rules from services, nodes and tasks to tasks, as Docker's orchestrators have them. Addresses
//! and nodes are given to new tasks by others; nothing here is sent or stored.
//!
//! How it works: a service has slots, numbered ones or one for each node, and each shall have one task that is wanted. A
//! task that has ended, or whose node is gone or drained, is wanted no more, and its slot gets another one. So what a
//! user changes, what fails and what comes back is all one rule, and doing it again changes nothing.

mod jobs;

use std::collections::{BTreeMap, BTreeSet};

use netyard_sim::rng::Rng;
use netyard_sim::time::{Duration, Instant, nanos};

use super::object::Availability;
use super::service::{Condition, Mode, Service, Status, Task, TaskState, UpdateConfig, UpdateState, UpdateStatus};
use crate::id::Id;

/// What passes at least before another task is tried, whatever is asked for: making one takes an engine some time.
const BREATH: Duration = Duration::from_millis(100);
/// How many tasks of one service there are at most, whatever is asked for: what a simulated swarm can carry.
const MOST: usize = 1000;

/// A node, as far as tasks care.
#[derive(Clone, Debug)]
pub struct Ground {
    /// Its id.
    pub id: String,
    /// Whether it is heard.
    pub alive: bool,
    /// What it may be used for.
    pub availability: Availability,
}

impl Ground {
    /// Whether what runs on it goes on.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.alive && self.availability != Availability::Drain
    }

    /// Whether it takes more.
    #[must_use]
    pub fn takes(&self) -> bool {
        self.alive && self.availability == Availability::Active
    }
}

/// One of the places of a service, each of which shall have a task.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Slot {
    Number(u64),
    Node(String),
}

impl Slot {
    fn of(task: &Task) -> Self {
        match (task.slot, &task.node) {
            (Some(number), _) => Self::Number(number),
            (None, node) => Self::Node(node.clone().unwrap_or_default()),
        }
    }
}

/// All tasks, and what they are decided by.
#[derive(Debug)]
pub struct Board<'a> {
    /// The present.
    pub now: Instant,
    /// The nodes, the oldest first.
    pub nodes: Vec<Ground>,
    /// The tasks by id.
    pub tasks: BTreeMap<String, Task>,
    /// Where ids come from.
    pub ids: &'a mut Rng,
    /// How many tasks of a slot are remembered (`TaskHistoryRetentionLimit`); all when there is no limit.
    pub history: Option<usize>,
    /// Which node fits a service: for those that have a task on every node.
    pub fits: BTreeSet<(String, String)>,
}

impl Board<'_> {
    /// Makes the tasks of a service what they shall be. What changes of the service itself is how its update goes.
    pub fn settle(&mut self, service: &mut Service) {
        if service.spec.mode.is_job() {
            return self.settle_job(service);
        }
        self.give_up_lost(service);
        self.end_surplus(service);
        self.fill(service);
        self.roll_out(service);
        self.let_run(service);
        self.forget_old(service);
    }

    /// The tasks of a service are not needed any more.
    pub fn remove(&mut self, service: &str) {
        for task in self.tasks.values_mut().filter(|task| task.service == service) {
            task.desired = TaskState::Remove;
        }
    }

    /// Forgets tasks that shall be forgotten and have ended, or whose node will not tell.
    pub fn forget_removed(&mut self) {
        let nodes = &self.nodes;
        let is_heard = |task: &Task| nodes.iter().any(|node| Some(&node.id) == task.node.as_ref() && node.alive);
        self.tasks.retain(|_, task| task.desired != TaskState::Remove || (!task.is_over() && is_heard(task)));
    }

    /// When something is to be done without anything else happening.
    #[must_use]
    pub fn next_at(&self, services: &[Service]) -> Option<Instant> {
        let waits = |task: &&Task| task.desired == TaskState::Ready && task.not_before > self.now.as_nanos();
        let starts = self.tasks.values().filter(waits).map(Task::not_before);
        let watched = services.iter().filter_map(|service| self.watched_until(service));
        starts.chain(watched).filter(|at| *at > self.now).min()
    }

    fn slots(&self, service: &Service) -> BTreeMap<Slot, Vec<&Task>> {
        let mut slots: BTreeMap<Slot, Vec<&Task>> = BTreeMap::new();
        let own = self.tasks.values().filter(|task| task.service == service.id && task.desired != TaskState::Remove);
        own.for_each(|task| slots.entry(Slot::of(task)).or_default().push(task));
        slots.values_mut().for_each(|tasks| tasks.sort_by_key(|task| (task.created, task.restarts, task.id.clone())));
        slots
    }

    fn node(&self, id: Option<&String>) -> Option<&Ground> {
        self.nodes.iter().find(|node| Some(&node.id) == id)
    }

    /// Tasks that have ended, or whose node does not hold them any more, are not wanted.
    fn give_up_lost(&mut self, service: &Service) {
        let ids: Vec<String> = self.tasks.values().filter(|t| t.service == service.id).map(|t| t.id.clone()).collect();
        for id in ids {
            let task = &self.tasks[&id];
            let (has_node, node) = (task.node.is_some(), self.node(task.node.as_ref()));
            let (is_gone, is_held) = (has_node && node.is_none(), node.is_none_or(Ground::holds));
            // What fails before it may run is looked at when it may: or it would be made again and again at once.
            let is_early = task.desired == TaskState::Ready && task.not_before() > self.now;
            let is_over = task.is_over();
            let task = self.tasks.get_mut(&id).expect("it was just there");
            if is_gone && !is_over {
                task.status.state = TaskState::Orphaned;
            }
            if task.is_wanted() && (is_over && !is_early || is_gone || (has_node && !is_held)) {
                task.desired = TaskState::Shutdown;
            }
        }
    }

    /// Ends the tasks of slots that shall not be: first those that do not run, then those of the fullest nodes.
    fn end_surplus(&mut self, service: &Service) {
        let slots = self.slots(service);
        let filled: Vec<(&Slot, &Vec<&Task>)> = slots.iter().filter(|(_, tasks)| is_filled(service, tasks)).collect();
        let surplus: Vec<Slot> = match &service.spec.mode {
            Mode::Replicated { replicas } => {
                let wanted = usize::try_from(*replicas).unwrap_or(usize::MAX);
                let mut left = filled;
                let mut surplus = Vec::new();
                while left.len() > wanted {
                    let at = least_needed(&left);
                    surplus.push(left.remove(at).0.clone());
                }
                surplus
            }
            Mode::Global {} => {
                let fits = |slot: &Slot| matches!(slot, Slot::Node(node) if self.is_for(service, node));
                filled.into_iter().filter(|(slot, _)| !fits(slot)).map(|(slot, _)| slot.clone()).collect()
            }
            Mode::ReplicatedJob { .. } | Mode::GlobalJob {} => Vec::new(),
        };
        let is_global = service.spec.mode == Mode::Global {};
        for task in self.tasks.values_mut().filter(|task| task.service == service.id) {
            if surplus.contains(&Slot::of(task)) && (!is_global || task.is_wanted()) {
                task.desired = if is_global { TaskState::Shutdown } else { TaskState::Remove };
            }
        }
    }

    /// Whether a service that is everywhere is on a node.
    fn is_for(&self, service: &Service, node: &str) -> bool {
        let holds = self.nodes.iter().any(|ground| ground.id == node && ground.holds());
        holds && self.fits.contains(&(service.id.clone(), node.to_owned()))
    }

    /// Gives slots without a task one.
    fn fill(&mut self, service: &Service) {
        let slots = self.slots(service);
        let wanted: Vec<Slot> = match &service.spec.mode {
            Mode::Replicated { replicas } => {
                let filled = slots.iter().filter(|(_, tasks)| is_filled(service, tasks)).map(|(slot, _)| slot.clone());
                let filled: BTreeSet<Slot> = filled.collect();
                let count = usize::try_from(*replicas).unwrap_or(usize::MAX);
                let free = (1..).map(Slot::Number).filter(|slot| !filled.contains(slot));
                free.take(count.min(MOST).saturating_sub(filled.len())).collect()
            }
            Mode::Global {} => {
                let nodes = self.nodes.iter().filter(|node| node.takes() && self.is_for(service, &node.id));
                let slots = nodes.map(|node| Slot::Node(node.id.clone()));
                slots.filter(|slot| !slots_filled(service, self, slot)).collect()
            }
            Mode::ReplicatedJob { .. } | Mode::GlobalJob {} => Vec::new(),
        };
        self.add_to(service, wanted);
    }

    /// Gives slots a task, some time after one of the same kind that has ended by itself.
    fn add_to(&mut self, service: &Service, slots_without: Vec<Slot>) {
        let slots = self.slots(service);
        let wanted: Vec<(Slot, u64, u64)> = slots_without
            .into_iter()
            .map(|slot| {
                let last = slots.get(&slot).and_then(|tasks| tasks.last()).filter(|last| ended_itself(service, last));
                let wait = service.spec.task_template.restart_policy.clone().unwrap_or_default().wait().max(BREATH);
                let (after, restarts) = last.map_or((0, 0), |last| ((self.now + wait).as_nanos(), last.restarts + 1));
                (slot, after, restarts)
            })
            .collect();
        for (slot, after, restarts) in wanted {
            self.add(service, slot, after, restarts);
        }
    }

    fn add(&mut self, service: &Service, slot: Slot, not_before: u64, restarts: u64) {
        let id = Id::object(self.ids).to_string();
        let now = self.now.as_nanos();
        let (slot, node) = match slot {
            Slot::Number(number) => (Some(number), None),
            Slot::Node(node) => (None, Some(node)),
        };
        let task = Task {
            id: id.clone(),
            service: service.id.clone(),
            service_name: service.spec.name.clone(),
            slot,
            node,
            spec: service.spec.task_template.clone(),
            generation: service.generation,
            is_of_job: service.spec.mode.is_job(),
            places: Vec::new(),
            ports: Vec::new(),
            desired: TaskState::Ready,
            not_before,
            restarts,
            status: Status {
                state: TaskState::New,
                at: now,
                message: "created".to_owned(),
                error: String::new(),
                container: None,
                pid: 0,
                exit: 0,
                ports: Vec::new(),
            },
            created: now,
            updated: now,
        };
        self.tasks.insert(id, task);
    }

    /// Replaces tasks that are not what they shall be, so many at a time as the service says.
    fn roll_out(&mut self, service: &mut Service) {
        let Some(update) = &service.update else { return };
        if !matches!(update.state, UpdateState::Updating | UpdateState::RollbackStarted) {
            return;
        }
        let config = service.rolling();
        let since = update.started;
        let slots = self.slots(service);
        let wanted = |tasks: &Vec<&Task>| -> Vec<Task> {
            tasks.iter().filter(|task| task.is_wanted()).map(|task| (*task).clone()).collect()
        };
        let slots: Vec<Vec<Task>> = slots.values().map(wanted).collect();
        let is_new = |task: &Task| task.generation == service.generation;
        if let Some(failed) = self.too_many_failed(service, &config, slots.len(), since) {
            return self.fail_change(service, &config, &failed);
        }
        let is_settled = |task: &Task| task.status.state == TaskState::Running;
        let moving = slots.iter().filter(|tasks| tasks.iter().any(|task| is_new(task) && !is_settled(task))).count();
        let most = if config.parallelism == 0 { u64::MAX } else { config.parallelism };
        let free = most.saturating_sub(u64::try_from(moving).unwrap_or(u64::MAX));
        let dirty: Vec<&Vec<Task>> =
            slots.iter().filter(|tasks| !tasks.is_empty() && !tasks.iter().any(is_new)).collect();
        if dirty.is_empty() && moving == 0 {
            return self.finish_roll_out(service);
        }
        let start_first = config.order == "start-first";
        let chosen: Vec<Task> =
            dirty.into_iter().take(usize::try_from(free).unwrap_or(usize::MAX)).map(|tasks| tasks[0].clone()).collect();
        for old in chosen {
            if !start_first {
                self.tasks.get_mut(&old.id).expect("it was just there").desired = TaskState::Shutdown;
            }
            self.add(service, Slot::of(&old), self.now.as_nanos().saturating_add(delay_of(&config.delay, moving)), 0);
        }
        self.end_replaced(service);
    }

    /// A new task that has failed, when that are more than may; each in the time that it is watched.
    fn too_many_failed(&self, service: &Service, config: &UpdateConfig, slots: usize, since: u64) -> Option<String> {
        if config.failure_action.as_deref() == Some("continue") {
            return None;
        }
        let failed: Vec<&Task> = self
            .tasks
            .values()
            .filter(|task| {
                let is_new = task.generation == service.generation && task.service == service.id;
                let is_bad = matches!(task.status.state, TaskState::Failed | TaskState::Rejected);
                is_new && is_bad && task.status.at >= since
            })
            .collect();
        let failed_slots: BTreeSet<Slot> = failed.iter().map(|task| Slot::of(task)).collect();
        let (count, all) = (u32::try_from(failed_slots.len()).ok()?, u32::try_from(slots.max(1)).ok()?);
        let is_too_many = f64::from(count) / f64::from(all) > config.tolerates();
        failed.first().filter(|_| is_too_many).map(|task| task.id.clone())
    }

    /// So many tasks have failed that the change does not go on, or is taken back.
    fn fail_change(&mut self, service: &mut Service, config: &UpdateConfig, failed: &str) {
        let is_back = service.update.as_ref().is_some_and(|update| update.state == UpdateState::RollbackStarted);
        let why = format!("due to failure or early termination of task {failed}");
        let rolls_back = !is_back && config.failure_action.as_deref() == Some("rollback");
        let Some(previous) = service.previous.take_if(|_| rolls_back) else {
            let (state, what) = match is_back {
                true => (UpdateState::RollbackPaused, "rollback"),
                false => (UpdateState::Paused, "update"),
            };
            return set_update(service, state, format!("{what} paused {why}"), None);
        };
        service.spec = previous;
        service.generation += 1;
        service.updated = self.now.as_nanos();
        set_update(service, UpdateState::RollbackStarted, format!("update rolled back {why}"), None);
        // What was not changed yet is what it shall be.
        let stays = |task: &&mut Task| task.service == service.id && task.spec == service.spec.task_template;
        self.tasks.values_mut().filter(stays).for_each(|task| task.generation = service.generation);
    }

    /// What was to start first runs: the tasks before it go.
    fn end_replaced(&mut self, service: &Service) {
        let slots = self.slots(service);
        let mut replaced = Vec::new();
        for tasks in slots.values() {
            let runs = tasks.iter().any(|task| {
                task.is_wanted() && task.generation == service.generation && task.status.state == TaskState::Running
            });
            let old = tasks.iter().filter(|task| runs && task.is_wanted() && task.generation != service.generation);
            replaced.extend(old.map(|task| task.id.clone()));
        }
        for id in replaced {
            self.tasks.get_mut(&id).expect("it was just there").desired = TaskState::Shutdown;
        }
    }

    /// All tasks are what they shall be: the change is done when the last of them has run for a while.
    fn finish_roll_out(&mut self, service: &mut Service) {
        self.end_replaced(service);
        if self.watched_until(service).is_some_and(|until| until > self.now) {
            return;
        }
        let is_back = service.update.as_ref().is_some_and(|update| update.state == UpdateState::RollbackStarted);
        let (state, message) = match is_back {
            true => (UpdateState::RollbackCompleted, "rollback completed"),
            false => (UpdateState::Completed, "update completed"),
        };
        set_update(service, state, message.to_owned(), Some(self.now.as_nanos()));
    }

    /// Until when the last new task of a change is watched.
    fn watched_until(&self, service: &Service) -> Option<Instant> {
        let rolls = |update: &&UpdateStatus| update.completed.is_none() && !service.spec.mode.is_job();
        let update = service.update.as_ref().filter(rolls)?;
        if !matches!(update.state, UpdateState::Updating | UpdateState::RollbackStarted) {
            return None;
        }
        let watch = nanos(service.rolling().watch());
        let is_new = |task: &&Task| {
            task.service == service.id && task.generation == service.generation && task.status.at >= update.started
        };
        let last = self.tasks.values().filter(is_new).map(|task| task.status.at.saturating_add(watch)).max();
        last.map(Instant::from_nanos)
    }

    /// Tasks that are ready run when they may, and what was in their slot is gone.
    fn let_run(&mut self, service: &Service) {
        let start_first = service.rolling().order == "start-first";
        let mut may_run = Vec::new();
        for tasks in self.slots(service).values() {
            let goes = |task: &&&Task| {
                let is_heard = self.node(task.node.as_ref()).is_some_and(|node| node.alive);
                !task.is_wanted() && !task.is_over() && is_heard
            };
            let is_free = start_first || !tasks.iter().any(|task| goes(&task));
            let ready = tasks.iter().filter(|task| task.desired == TaskState::Ready && task.not_before() <= self.now);
            may_run.extend(ready.filter(|_| is_free).map(|task| task.id.clone()));
        }
        for id in may_run {
            self.tasks.get_mut(&id).expect("it was just there").desired = TaskState::Running;
        }
    }

    /// Of each slot only the last tasks are remembered.
    fn forget_old(&mut self, service: &Service) {
        let Some(history) = self.history else { return };
        let mut old = Vec::new();
        for tasks in self.slots(service).values() {
            let is_past =
                |task: &&&Task| !task.is_wanted() || (task.is_of_job && task.generation != service.generation);
            let over = tasks.iter().filter(|task| task.is_over() && is_past(task));
            old.extend(over.take(tasks.len().saturating_sub(history)).map(|task| task.id.clone()));
        }
        for id in old {
            self.tasks.remove(&id);
        }
    }
}

/// Whether a slot has the task that it shall have, or one that has ended for good.
fn is_filled(service: &Service, tasks: &[&Task]) -> bool {
    if tasks.iter().any(|task| task.is_wanted()) {
        return true;
    }
    let policy = service.spec.task_template.restart_policy.clone().unwrap_or_default();
    tasks.last().is_some_and(|last| {
        let is_bad = matches!(last.status.state, TaskState::Failed | TaskState::Rejected);
        let comes_back = match policy.condition {
            Some(Condition::None) => false,
            Some(Condition::OnFailure) => is_bad,
            Some(Condition::Any) | None => true,
        };
        let is_worn_out = policy.max_attempts.is_some_and(|most| most > 0 && last.restarts >= most);
        ended_itself(service, last) && (!comes_back || is_worn_out)
    })
}

fn slots_filled(service: &Service, board: &Board<'_>, slot: &Slot) -> bool {
    board.slots(service).get(slot).is_some_and(|tasks| is_filled(service, tasks))
}

/// Whether a task is what it shall be and has ended without being asked to.
fn ended_itself(service: &Service, task: &Task) -> bool {
    let ended = matches!(task.status.state, TaskState::Complete | TaskState::Failed | TaskState::Rejected);
    ended && task.generation == service.generation
}

/// The slot that can be spared most: one that does not run, else of the node that has the most, else the last.
fn least_needed(slots: &[(&Slot, &Vec<&Task>)]) -> usize {
    let wanted = |tasks: &[&Task]| tasks.iter().rev().find(|task| task.is_wanted()).map(|task| (*task).clone());
    let task_of: Vec<Option<Task>> = slots.iter().map(|(_, tasks)| wanted(tasks)).collect();
    let runs = |task: &Option<Task>| task.as_ref().is_some_and(|task| task.status.state == TaskState::Running);
    let node = |task: &Option<Task>| task.as_ref().and_then(|task| task.node.clone());
    let neighbours = |task: &Option<Task>| task_of.iter().filter(|other| node(other) == node(task)).count();
    let spare = |at: &usize| (!runs(&task_of[*at]), neighbours(&task_of[*at]), slots[*at].0.clone());
    (0..slots.len()).max_by_key(spare).expect("there are more slots than wanted")
}

fn set_update(service: &mut Service, state: UpdateState, message: String, completed: Option<u64>) {
    if let Some(update) = &mut service.update {
        (update.state, update.message, update.completed) = (state, message, completed);
    }
}

/// The pause before a task that is not the first of its change.
const fn delay_of(delay: &u64, moving: usize) -> u64 {
    if moving == 0 { *delay } else { 0 }
}
