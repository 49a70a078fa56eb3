//! What happens to containers after creation: start, stop, restart, kill, pause, rename, remove, wait. What takes time is
//! an [`Ending`] in the container's run, which goes on when the main process is gone.

use netyard_sim::time::{Duration, Instant};
use netyard_sim::userland::Signal;
use netyard_sim::world::World;
use serde_json::json;

use super::console::Console;
use super::echo::Echo;
use super::health::Health;
use super::logs::Log;
use super::plugins::About;
use super::power::Power;
use super::reply::{ExchangeId, Media, Output, Reply};
use super::request::Query;
use super::swarm::Then as Attached;
use super::{Call, Engine, Owner};
use crate::container::signal::SignalNumber;
use crate::container::{AfterExit, Container, State};
use crate::error::Error;
use crate::id::Id;
use crate::names;

/// What passes between the end of a main process and the engine's hearing of it from the runtime. What the kernel still
/// sends for the process, such as the FIN of its connections, leaves by interfaces that are there yet.
const REPORT: Duration = Duration::from_micros(200);
/// What the engine spends on a container that ended before it removes it by itself.
const REMOVAL: Duration = Duration::from_millis(50);

/// What the engine keeps beside a container.
#[derive(Clone, Debug)]
pub(super) struct Run {
    pub(super) console: Console,
    pub(super) log: Log,
    pub(super) echo: Echo,
    pub(super) ending: Option<Ending>,
    /// With which code its main process ended, and when the engine hears of it.
    report: Option<(Instant, i32)>,
    /// How it fares, when it asks to be checked.
    pub(super) health: Option<Health>,
    /// When it is started again.
    pub(super) restart_at: Option<Instant>,
    /// When it is removed because it ended.
    remove_at: Option<Instant>,
}

/// An end that was asked for and has not come yet.
#[derive(Clone, Debug)]
pub(super) struct Ending {
    /// When it is no longer asked but killed; none when it is killed already.
    deadline: Option<Instant>,
    then: Then,
    /// Who waits for it.
    exchanges: Vec<ExchangeId>,
}

/// What follows an end.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Then {
    Nothing,
    Remove(Volumes),
    Restart,
    /// It is told that the container was stopped.
    Stopped,
}

/// What becomes of the volumes that were made for a container alone.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Volumes {
    Go,
    Stay,
}

/// What a `wait` waits for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Condition {
    NextExit,
    NotRunning,
    Removed,
}

/// A client that waits for a container.
#[derive(Clone, Copy, Debug)]
pub(super) struct Waiter {
    pub(super) exchange: ExchangeId,
    container: Id,
    condition: Condition,
    /// Whether it came before the container ran.
    pub(super) early: bool,
}

impl Run {
    pub(super) fn new(console: Console, echo: Echo, health: Option<Health>) -> Self {
        Self {
            console,
            log: Log::default(),
            echo,
            ending: None,
            report: None,
            health,
            restart_at: None,
            remove_at: None,
        }
    }

    /// The clients that wait for its end, who hear no more of it.
    pub(super) fn take_clients(&mut self) -> Vec<ExchangeId> {
        self.ending.as_mut().map(|ending| core::mem::take(&mut ending.exchanges)).unwrap_or_default()
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        self.ending.as_ref().and_then(|ending| ending.deadline)
    }

    /// When the engine hears that its main process is gone, running itself or not.
    pub(super) fn report_at(&self) -> Option<Instant> {
        self.report.map(|(at, _)| at)
    }

    /// When something is to be done about it.
    pub(super) fn next_at(&self) -> Option<Instant> {
        self.deadline().into_iter().chain(self.report_at()).chain(self.restart_at).chain(self.remove_at).min()
    }
}

impl Engine {
    /// `POST /containers/{name}/start`.
    pub(super) fn container_start(&mut self, world: &mut World, name: &str, call: &Call<'_>) -> Result<Reply, Error> {
        let container = self.find_container(name)?;
        match container.state {
            State::Paused(_) => Err(Error::ContainerPausedForStart),
            State::Running(_) | State::Restarting(_) => Ok(Reply::Empty(304)),
            State::Created | State::Exited(_) => {
                let id = container.id;
                if self.park_start(world, id, Attached::Request(call.exchange, call.request.clone())) {
                    return Ok(Reply::Later);
                }
                if !self.prepare_start(world, id, About::call(call))? {
                    return Ok(Reply::Later);
                }
                self.start_anew(world, id)?;
                Ok(Reply::Empty(204))
            }
        }
    }

    /// `POST /containers/{name}/stop`: asks, waits, kills.
    pub(super) fn container_stop(&mut self, world: &mut World, name: &str, call: &Call<'_>) -> Result<Reply, Error> {
        let container = self.find_container(name)?;
        if !container.is_up() {
            return Ok(Reply::Empty(304));
        }
        let id = container.id;
        if self.give_up_restarting(id) {
            self.tell_container(world, id, "stop", &[]);
            return Ok(Reply::Empty(204));
        }
        self.end(world, id, Then::Stopped, call);
        Ok(Reply::Later)
    }

    /// `POST /containers/{name}/restart`.
    pub(super) fn container_restart(&mut self, world: &mut World, name: &str, call: &Call<'_>) -> Result<Reply, Error> {
        let container = self.find_container(name)?;
        let id = container.id;
        if container.is_running() {
            self.end(world, id, Then::Restart, call);
            return Ok(Reply::Later);
        }
        if self.give_up_restarting(id) {
            self.tell_container(world, id, "stop", &[]);
        }
        if self.park_start(world, id, Attached::Request(call.exchange, call.request.clone())) {
            return Ok(Reply::Later);
        }
        let prepared = self.prepare_start(world, id, About::call(call));
        if !prepared.map_err(|error| refused_restart(name, error))? {
            return Ok(Reply::Later);
        }
        self.start_anew(world, id).map_err(|error| refused_restart(name, error))?;
        self.tell_container(world, id, "restart", &[]);
        Ok(Reply::Empty(204))
    }

    fn end(&mut self, world: &mut World, id: Id, then: Then, call: &Call<'_>) {
        let container = self.containers.get(&id).expect("the caller found the container");
        let deadline = deadline(world.now(), &call.target.query, container);
        let signal = container.config.stop_signal.unwrap_or(SignalNumber::TERMINATE);
        let run = self.runs.get_mut(&id).expect("every container has a run");
        match &mut run.ending {
            Some(ending) => {
                ending.exchanges.push(call.exchange);
                ending.deadline = ending.deadline.min(deadline);
            }
            None => run.ending = Some(Ending { deadline, then, exchanges: vec![call.exchange] }),
        }
        self.signal(world, id, signal);
    }

    /// Ends a container because its engine does.
    pub(super) fn end_with_engine(&mut self, world: &mut World, id: Id) {
        let container = self.containers.get(&id).expect("the caller found the container");
        let deadline = container.config.stop_timeout.map(|patience| world.now() + patience);
        let signal = container.config.stop_signal.unwrap_or(SignalNumber::TERMINATE);
        let run = self.runs.get_mut(&id).expect("every container has a run");
        if run.ending.is_none() {
            run.ending = Some(Ending { deadline, then: Then::Stopped, exchanges: Vec::new() });
            self.signal(world, id, signal);
        }
    }

    /// Ends a container because its cluster does not want it any more.
    pub(super) fn end_for_cluster(&mut self, world: &mut World, id: Id, grace: Duration) {
        let Some(container) = self.containers.get(&id) else { return };
        let signal = container.config.stop_signal.unwrap_or(SignalNumber::TERMINATE);
        let deadline = Some(world.now() + grace);
        let run = self.runs.get_mut(&id).expect("every container has a run");
        run.ending = Some(Ending { deadline, then: Then::Stopped, exchanges: Vec::new() });
        self.signal(world, id, signal);
    }

    /// Removes a container, which is killed when it runs.
    pub(super) fn discard(&mut self, world: &mut World, id: Id) {
        let Some(container) = self.containers.get(&id) else { return };
        if !container.is_up() {
            return self.remove(world, id, Volumes::Go);
        }
        let run = self.runs.get_mut(&id).expect("every container has a run");
        run.ending = Some(Ending { deadline: None, then: Then::Remove(Volumes::Go), exchanges: Vec::new() });
        self.signal(world, id, SignalNumber::KILL);
    }

    /// Kills what was asked to stop long enough ago.
    pub(super) fn kill_overdue(&mut self, world: &mut World) {
        let now = world.now();
        let is_due = |run: &Run| run.deadline().is_some_and(|at| at <= now);
        let due: Vec<Id> = self.runs.iter().filter(|(_, run)| is_due(run)).map(|(id, _)| *id).collect();
        for id in due {
            if let Some(ending) = self.runs.get_mut(&id).and_then(|run| run.ending.as_mut()) {
                ending.deadline = None;
            }
            self.signal(world, id, SignalNumber::KILL);
        }
    }

    /// Sends a signal to the main process and tells so. One that may end it, which is any unless the container has a
    /// stop signal of its own, also wakes a paused container and is the end of its restarts.
    fn signal(&mut self, world: &mut World, id: Id, signal: SignalNumber) {
        let container = self.containers.get(&id).expect("the caller found the container");
        let Some(pid) = container.state.pid() else { return };
        let ends = signal == SignalNumber::KILL || container.config.stop_signal.is_none_or(|own| own == signal);
        let paused = matches!(container.state, State::Paused(_));
        let by_hand = self.power == Power::Up;
        let restarts = &mut self.container_mut(id).restarts;
        restarts.cancelled |= ends;
        restarts.by_hand |= by_hand;
        self.tell_container(world, id, "kill", &[("signal", signal.number().to_string())]);
        // What no program here has a handler for, the first process of a container does not even notice.
        if let Some(signal) = signal.known() {
            world.signal(pid, signal);
        }
        if ends && paused {
            self.set_paused(world, id, State::Running(pid));
            self.tell_container(world, id, "unpause", &[]);
        }
    }

    /// `POST /containers/{name}/kill`.
    pub(super) fn container_kill(&mut self, world: &mut World, name: &str, call: &Call<'_>) -> Result<Reply, Error> {
        let text = call.target.query.text("signal").unwrap_or("KILL");
        let signal = SignalNumber::parse(text).ok_or_else(|| Error::InvalidSignal(text.to_owned()))?;
        let refused = |reason| Error::KillRefused { name: name.to_owned(), reason: Box::new(reason) };
        let container = self.find_container(name).map_err(refused)?;
        if !signal.is_supported() {
            let text = format!("The linux daemon does not support signal {}", signal.number());
            return Err(refused(Error::BadParameter(text)));
        }
        if !container.is_up() {
            return Err(refused(Error::ContainerNotRunning(container.id)));
        }
        let id = container.id;
        if self.give_up_restarting(id) {
            return Ok(Reply::Empty(204));
        }
        if signal != SignalNumber::KILL {
            self.signal(world, id, signal);
            return Ok(Reply::Empty(204));
        }
        self.kill_and_then(world, id, Then::Nothing, call.exchange);
        Ok(Reply::Later)
    }

    /// Kills a container; the client hears of it when it is gone.
    fn kill_and_then(&mut self, world: &mut World, id: Id, then: Then, exchange: ExchangeId) {
        let run = self.runs.get_mut(&id).expect("every container has a run");
        let before = run.ending.take();
        let then = before.as_ref().filter(|_| then == Then::Nothing).map_or(then, |before| before.then);
        let mut exchanges = before.map(|before| before.exchanges).unwrap_or_default();
        exchanges.push(exchange);
        run.ending = Some(Ending { deadline: None, then, exchanges });
        self.signal(world, id, SignalNumber::KILL);
    }

    /// The main process is gone: the kernel ends all others of the container, and the runtime will tell the engine.
    pub(super) fn main_process_ended(&mut self, world: &mut World, id: Id, code: i32) {
        let context = self.containers.get(&id).and_then(|c| c.context).expect("a container that ran has files");
        for pid in world.processes.pids_of(context) {
            world.signal(pid, Signal::Kill);
        }
        self.runs.get_mut(&id).expect("every container has a run").report = Some((world.now() + REPORT, code));
    }

    /// Whether the main process of a container has ended, of which the engine has not heard yet.
    #[must_use]
    pub fn is_dying(&self, container: &Container) -> bool {
        self.runs.get(&container.id).is_some_and(|run| run.report.is_some())
    }

    /// Takes in what the runtime tells of main processes that are gone.
    pub(super) fn take_reports(&mut self, world: &mut World) {
        let now = world.now();
        let take = |(id, run): (&Id, &mut Run)| run.report.take_if(|(at, _)| *at <= now).map(|(_, code)| (*id, code));
        let ended: Vec<(Id, i32)> = self.runs.iter_mut().filter_map(take).collect();
        for (id, code) in ended {
            self.container_ended(world, id, code);
        }
    }

    /// A container has ended: its networks are left, and what was waiting for it goes on.
    fn container_ended(&mut self, world: &mut World, id: Id, code: i32) {
        self.carry_output(world, id);
        self.suspend_health(id);
        let now = world.now();
        let container = self.container_mut(id);
        let ran = container.started.map_or(Duration::ZERO, |started| now.since(started));
        let wait = container.restarts.after(container.policy, code, ran);
        container.state = if wait.is_some() { State::Restarting(code) } else { State::Exited(code) };
        container.finished = Some(now);
        self.tell_container(world, id, "die", &[("exitCode", code.to_string())]);
        self.leave_networks(world, id);
        let run = self.runs.get_mut(&id).expect("every container has a run");
        run.console.end(world, &mut self.outbox);
        run.log.end_lines(now);
        let ending = run.ending.take();
        run.restart_at = wait.map(|wait| now + wait);
        self.end_followers(id, now);
        self.tell_prints(world);
        self.release_waiters(id, code, |condition| condition != Condition::Removed);
        self.follow_up(world, id, ending);
        self.settle_power(world);
    }

    fn follow_up(&mut self, world: &mut World, id: Id, ending: Option<Ending>) {
        let (then, exchanges) = ending.map_or((None, Vec::new()), |ending| (Some(ending.then), ending.exchanges));
        match then {
            Some(Then::Remove(volumes)) => self.remove(world, id, volumes),
            Some(Then::Restart) => {
                self.tell_container(world, id, "stop", &[]);
                return self.restart_ended(world, id, exchanges);
            }
            Some(Then::Stopped) => self.tell_container(world, id, "stop", &[]),
            Some(Then::Nothing) | None => {}
        }
        let container = self.containers.get(&id);
        if container.is_some_and(|c| c.config.after_exit == AfterExit::Remove && !c.is_running()) {
            // Who asked for its end hears of it when it is gone; of an end by itself clients hear first.
            if exchanges.is_empty() && self.power == Power::Up {
                let run = self.runs.get_mut(&id).expect("every container has a run");
                run.remove_at = Some(world.now() + REMOVAL);
            } else {
                self.remove(world, id, Volumes::Go);
            }
        }
        self.conclude(exchanges.into_iter().map(|exchange| (exchange, Ok(Reply::Empty(204)))).collect());
    }

    /// Removes what ended long enough ago and was to be removed then, unless it runs again.
    pub(super) fn remove_due(&mut self, world: &mut World) {
        let now = world.now();
        let take = |(id, run): (&Id, &mut Run)| run.remove_at.take_if(|at| *at <= now).map(|_| *id);
        let due: Vec<Id> = self.runs.iter_mut().filter_map(take).collect();
        for id in due {
            if self.containers.get(&id).is_some_and(|container| !container.is_up()) {
                self.remove(world, id, Volumes::Go);
            }
        }
    }

    /// Starts a container again that was ended for that.
    pub(super) fn restart_ended(&mut self, world: &mut World, id: Id, exchanges: Vec<ExchangeId>) {
        let Some(name) = self.containers.get(&id).map(|container| container.name.clone()) else { return };
        let started = match self.prepare_start(world, id, About::Restart(id, exchanges.clone())) {
            Ok(false) => return,
            Ok(true) => self.start_anew(world, id),
            Err(error) => Err(error),
        };
        if started.is_ok() {
            self.tell_container(world, id, "restart", &[]);
        }
        let reply = started.map(|()| Reply::Empty(204)).map_err(|error| refused_restart(&name, error));
        self.conclude(exchanges.into_iter().map(|exchange| (exchange, reply.clone())).collect());
    }

    /// `POST /containers/{name}/pause`.
    pub(super) fn container_pause(&mut self, world: &mut World, name: &str) -> Result<Reply, Error> {
        let container = self.find_container(name)?;
        let pid = match container.state {
            State::Running(pid) => pid,
            State::Paused(_) => return Err(Error::ContainerAlreadyPaused(container.id)),
            State::Restarting(_) => return Err(Error::ContainerRestarting(container.id)),
            State::Created | State::Exited(_) => return Err(Error::ContainerNotRunning(container.id)),
        };
        let id = container.id;
        self.set_paused(world, id, State::Paused(pid));
        self.suspend_health(id);
        self.tell_container(world, id, "pause", &[]);
        Ok(Reply::Empty(204))
    }

    /// `POST /containers/{name}/unpause`.
    pub(super) fn container_unpause(&mut self, world: &mut World, name: &str) -> Result<Reply, Error> {
        let container = self.find_container(name)?;
        let State::Paused(pid) = container.state else { return Err(Error::ContainerNotPaused(container.id)) };
        let id = container.id;
        self.set_paused(world, id, State::Running(pid));
        self.resume_health(world.now(), id);
        self.tell_container(world, id, "unpause", &[]);
        Ok(Reply::Empty(204))
    }

    fn set_paused(&mut self, world: &mut World, id: Id, state: State) {
        let container = self.container_mut(id);
        container.state = state;
        let context = container.context.expect("a running container has files");
        world.processes.set_paused(context, matches!(state, State::Paused(_)));
    }

    /// `POST /containers/{name}/rename`.
    pub(super) fn container_rename(&mut self, world: &mut World, name: &str, call: &Call<'_>) -> Result<Reply, Error> {
        let new = call.target.query.text("name").ok_or(Error::RenameEmpty)?;
        let new = new.strip_prefix('/').unwrap_or(new);
        let container = self.find_container(name)?;
        let (id, old) = (container.id, container.name.clone());
        if old == new {
            return Err(Error::RenameToSame);
        }
        names::check_container_name(new, &format!("/{new}"))
            .and_then(|()| self.check_name_is_free(new))
            .map_err(|error| Error::RenameRefused(Box::new(error)))?;
        new.clone_into(&mut self.container_mut(id).name);
        self.rename_links(id, new);
        self.controller.rename(world, id, new);
        self.tell_container(world, id, "rename", &[("oldName", format!("/{old}"))]);
        Ok(Reply::Empty(204))
    }

    /// `DELETE /containers/{name}`.
    pub(super) fn container_remove(&mut self, world: &mut World, name: &str, call: &Call<'_>) -> Result<Reply, Error> {
        let container = self.find_container(name)?;
        if call.target.query.flag("link") {
            return Err(Error::LinkNameIsDefault);
        }
        let id = container.id;
        let volumes = if call.target.query.flag("v") { Volumes::Go } else { Volumes::Stay };
        if !container.is_up() {
            self.remove(world, id, volumes);
            return Ok(Reply::Empty(204));
        }
        if !call.target.query.flag("force") {
            return Err(match container.state {
                State::Paused(_) => Error::ContainerPausedForRemoval(id),
                State::Restarting(_) => Error::ContainerRestartingForRemoval(id),
                State::Created | State::Running(_) | State::Exited(_) => Error::ContainerRunning(id),
            });
        }
        if self.give_up_restarting(id) {
            self.remove(world, id, volumes);
            return Ok(Reply::Empty(204));
        }
        self.kill_and_then(world, id, Then::Remove(volumes), call.exchange);
        Ok(Reply::Later)
    }

    /// `POST /containers/prune`: removes all that do not run.
    pub(super) fn container_prune(&mut self, world: &mut World, call: &Call<'_>) -> Result<Reply, Error> {
        let filters = call.target.query.filters(&["label", "label!", "until"])?;
        let until = filters.until(self.epoch, world.now())?;
        let old = |c: &Container| until.is_none_or(|until| c.created < until);
        let unused = |c: &&Container| !c.is_up() && old(c) && filters.labels(&c.config.labels);
        // The youngest goes first, as the real engine sorts them.
        let mut unused: Vec<&Container> = self.containers.values().filter(unused).collect();
        unused.sort_by_key(|c| core::cmp::Reverse(c.created));
        let ids: Vec<Id> = unused.into_iter().map(|c| c.id).collect();
        let mut space = 0;
        for id in &ids {
            space += self.written(world, &self.containers[id]);
            self.remove(world, *id, Volumes::Stay);
        }
        let deleted = if ids.is_empty() { None } else { Some(ids) };
        Ok(Reply::ok(&json!({ "ContainersDeleted": deleted, "SpaceReclaimed": space })))
    }

    /// Forgets a container that does not run.
    pub(super) fn remove(&mut self, world: &mut World, id: Id, volumes: Volumes) {
        self.tell_container(world, id, "destroy", &[]);
        let container = self.containers.remove(&id).expect("the caller found the container");
        self.runs.remove(&id);
        self.dismiss_followers(id);
        self.end_watchers(id);
        self.execs.retain(|_, exec| exec.container != id);
        self.owners.retain(|_, owner| *owner != Owner::Container(id));
        if let Some(context) = container.context {
            world.processes.delete_context(context);
        }
        if volumes == Volumes::Go {
            self.forget_anonymous(world, &container.config.mounts);
        }
        self.release_waiters(id, container.state.exit_code(), |_| true);
    }

    /// `POST /containers/{name}/wait`. The head goes out at once, for clients start the container when they have it.
    pub(super) fn container_wait(&mut self, name: &str, call: &Call<'_>) -> Result<Reply, Error> {
        let container = self.find_container(name)?;
        let condition = match call.target.query.text("condition") {
            None | Some("not-running") => Condition::NotRunning,
            Some("next-exit") => Condition::NextExit,
            Some("removed") => Condition::Removed,
            Some(other) => return Err(Error::BadParameter(format!("invalid condition: {other:?}"))),
        };
        let (exchange, id, state) = (call.exchange, container.id, container.state);
        self.head_of_pieces(exchange, Media::Json);
        self.waiters.push(Waiter { exchange, container: id, condition, early: state.pid().is_none() });
        if state.pid().is_none() && condition == Condition::NotRunning {
            self.release_waiters(id, state.exit_code(), |condition| condition == Condition::NotRunning);
        }
        Ok(Reply::Later)
    }

    /// A client that waits has gone; one that only sends no more is told so.
    pub(super) fn cancel_waiter(&mut self, exchange: ExchangeId) {
        for Waiter { exchange, .. } in self.waiters.extract_if(.., |waiter| waiter.exchange == exchange) {
            let json = json!({ "Error": { "Message": "context canceled" }, "StatusCode": -1 }).to_string() + "\n";
            self.outbox.push_back(Output::Body { exchange, bytes: json.into_bytes() });
            self.outbox.push_back(Output::End { exchange });
        }
    }

    fn release_waiters(&mut self, container: Id, code: i32, fits: impl Fn(Condition) -> bool) {
        let released = |waiter: &mut Waiter| waiter.container == container && fits(waiter.condition);
        for Waiter { exchange, .. } in self.waiters.extract_if(.., released) {
            let json = json!({ "Error": null, "StatusCode": code }).to_string() + "\n";
            self.outbox.push_back(Output::Body { exchange, bytes: json.into_bytes() });
            self.outbox.push_back(Output::End { exchange });
        }
    }
}

fn refused_restart(name: &str, error: Error) -> Error {
    Error::RestartRefused { name: name.to_owned(), reason: Box::new(error) }
}

/// When a stop gives up asking: `t` seconds from now, or what the container says; a negative number waits for ever.
fn deadline(now: Instant, query: &Query, container: &Container) -> Option<Instant> {
    let wait = match query.number("t") {
        Some(seconds) => u64::try_from(seconds).ok().map(Duration::from_secs),
        None => container.config.stop_timeout,
    };
    wait.map(|wait| now + wait)
}
