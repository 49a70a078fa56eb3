//! What the tasks of a node print, for those who read it elsewhere: a node that is asked for it sends the log of each of its
//! tasks to who leads, a batch at a time. Who reads it is not known here.

use std::collections::BTreeMap;

use netyard_sim::time::{Duration, Instant};
use netyard_sim::world::World;

use super::carry::Purpose;
use super::{Stage, Swarm};
use crate::cluster::broker::{Batch, Line, Wanted};
use crate::cluster::message::{Answer, Ask};
use crate::cluster::service::Task;
use crate::engine::Engine;
use crate::engine::console::Channel;
use crate::engine::logs::{Entry, PIECE, Wants};
use crate::id::Id;

/// When a batch is sent again that did not arrive.
const AGAIN: Duration = Duration::from_secs(1);
/// The same when there was no room for it where it went.
const BUSY: Duration = Duration::from_millis(100);

/// What is wanted of a node.
#[derive(Clone, Debug, Default)]
pub(super) struct Prints {
    /// The version of it.
    version: u64,
    open: BTreeMap<u64, Print>,
}

/// What one reader wants.
#[derive(Clone, Debug)]
struct Print {
    wanted: Wanted,
    /// How far the log of each task has been sent.
    places: BTreeMap<String, Place>,
    /// Whether tasks have been looked for.
    is_begun: bool,
    /// The number of the last batch.
    number: u64,
    /// What has been sent and not arrived.
    unheard: Option<Batch>,
    /// Whether it is under way.
    is_asking: bool,
    again: Option<Instant>,
    is_over: bool,
}

/// A place in the log of a task.
#[derive(Clone, Copy, Debug)]
struct Place {
    container: Id,
    next: usize,
    /// Where it ends, for who does not follow.
    end: Option<usize>,
}

impl Prints {
    /// The version of what is wanted, as far as it is known.
    pub(super) const fn version(&self) -> u64 {
        self.version
    }

    /// When something is sent again.
    pub(super) fn next_at(&self) -> Option<Instant> {
        self.open.values().filter_map(|print| print.again).min()
    }

    /// This is wanted, and no more.
    pub(super) fn want(&mut self, version: u64, wanted: BTreeMap<u64, Wanted>) {
        self.version = version;
        self.open.retain(|number, _| wanted.contains_key(number));
        for (number, wanted) in wanted {
            self.open.entry(number).or_insert_with(|| Print {
                wanted,
                places: BTreeMap::new(),
                is_begun: false,
                number: 0,
                unheard: None,
                is_asking: false,
                again: None,
                is_over: false,
            });
        }
    }

    /// Nothing is wanted.
    pub(super) fn forget(&mut self) {
        *self = Self::default();
    }
}

impl Print {
    fn may_go_on(&self, now: Instant) -> bool {
        !self.is_over && !self.is_asking && self.again.is_none_or(|at| at <= now)
    }

    fn wants(&self) -> Wants {
        let Wanted { stdout, stderr, since, .. } = self.wanted;
        let since = since.map(Instant::from_nanos);
        Wants { stdout, stderr, timestamps: false, details: false, since, until: None }
    }
}

impl Engine {
    /// Sends what somebody reads of the logs of tasks, as far as it has not been sent.
    pub(in crate::engine) fn tell_prints(&mut self, world: &mut World) {
        let Some(swarm) = self.swarm.as_ref().filter(|swarm| matches!(swarm.stage, Stage::Active)) else { return };
        let leads = swarm.manager.is_some();
        let open: Vec<u64> = swarm.prints.open.keys().copied().collect();
        for number in open {
            while let Some(batch) = self.next_batch(world.now(), number) {
                let node = self.swarm.as_ref().map(|swarm| swarm.node.clone()).unwrap_or_default();
                if leads {
                    let answer = self.take_print(world, &node, batch);
                    self.print_answered(world.now(), number, Some(&answer));
                } else {
                    self.ask_cluster(world, Ask::Printed { node, batch }, Purpose::Printed(number));
                }
            }
        }
    }

    /// A batch has arrived, or has not.
    pub(super) fn print_answered(&mut self, now: Instant, number: u64, answer: Option<&Answer>) {
        let Some(prints) = self.swarm.as_mut().map(|swarm| &mut swarm.prints) else { return };
        let Some(print) = prints.open.get_mut(&number) else { return };
        (print.is_asking, print.again) = (false, None);
        match answer {
            Some(Answer::Noted) => {
                print.is_over = print.unheard.take().is_some_and(|batch| batch.is_last);
            }
            // Nobody reads it any more; the next session will say so.
            Some(Answer::Unknown) => print.is_over = true,
            Some(Answer::Busy) => print.again = Some(now + BUSY),
            _ => print.again = Some(now + AGAIN),
        }
    }

    /// What is sent next, when something is.
    fn next_batch(&mut self, now: Instant, number: u64) -> Option<Batch> {
        let swarm = self.swarm.as_mut()?;
        let whom = swarm.manager.is_some() || swarm.whom_to_ask().is_some();
        swarm.prints.open.get(&number).filter(|print| print.may_go_on(now))?;
        let mut print = swarm.prints.open.remove(&number)?;
        if print.unheard.is_none() {
            let (lines, is_last) = self.gather_prints(&mut print);
            if is_last || !lines.is_empty() {
                print.number += 1;
                print.unheard = Some(Batch { subscription: number, number: print.number, lines, is_last });
            }
        }
        let batch = print.unheard.clone().filter(|_| whom);
        print.is_asking = batch.is_some();
        print.again = print.unheard.as_ref().filter(|_| !whom).map(|_| now + AGAIN);
        self.swarm.as_mut()?.prints.open.insert(number, print);
        batch
    }

    /// The next lines of all tasks, those that were written first before the others; and whether that was all.
    fn gather_prints(&self, print: &mut Print) -> (Vec<Line>, bool) {
        let Some(Swarm { work, .. }) = &self.swarm else { return (Vec::new(), true) };
        let (wants, mut lines, mut weight) = (print.wants(), Vec::new(), 0);
        for (task, container) in work.tasks().filter(|(task, _)| print.wanted.origin.includes(task)) {
            let Some(run) = self.runs.get(&container) else { continue };
            if print.is_begun && !print.wanted.follow && !print.places.contains_key(&task.id) {
                continue;
            }
            let place = print.places.entry(task.id.clone()).or_insert_with(|| Place {
                container,
                next: run.log.last(&wants, print.wanted.tail.unwrap_or(usize::MAX)),
                end: (!print.wanted.follow).then(|| run.log.end()),
            });
            let details = self.details_of(task, container);
            for (entry, next) in run.log.after(place.next) {
                if weight >= PIECE || place.end.is_some_and(|end| next > end) {
                    break;
                }
                place.next = next;
                if wants.includes(entry) {
                    let line = line_of(entry, &details);
                    weight += line.weight();
                    lines.push(line);
                }
            }
        }
        print.is_begun = true;
        lines.sort_by_key(|line| line.at);
        // What is not there any more has been said as far as it will be.
        let is_said =
            |place: &Place| !self.runs.contains_key(&place.container) || place.end.is_none_or(|end| place.next >= end);
        let is_last = !print.wanted.follow && print.places.values().all(is_said);
        (lines, is_last)
    }

    /// What is said beside each line of a task: what its log says, and whose it is.
    fn details_of(&self, task: &Task, container: Id) -> String {
        let config = self.containers.get(&container).map(|container| container.config.log_details.as_str());
        let node = task.node.as_deref().unwrap_or_default();
        let own = [("node", node), ("service", &task.service), ("task", &task.id)];
        let own = own.map(|(what, id)| format!("com.docker.swarm.{what}.id={id}"));
        let mut said: Vec<&str> = config.unwrap_or_default().split(',').filter(|pair| !pair.is_empty()).collect();
        said.extend(own.iter().map(String::as_str));
        said.sort_by_key(|pair| pair.split('=').next());
        said.join(",")
    }
}

fn line_of(entry: &Entry, details: &str) -> Line {
    Line::new(entry.at.as_nanos(), entry.channel == Channel::Err, details.to_owned(), &entry.bytes)
}
