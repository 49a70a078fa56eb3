//! Health checks: a command that is run in a container again and again, and what its exit codes say of the container.
//!
//! How it works: a check is an exec that nobody watches. The first comes one interval after the start, each further one
//! an interval after the end of the last. One that takes too long is killed and counts as failed. So many failures in a
//! row make a container unhealthy, but those within the start period do not count; one success makes it healthy.

use std::collections::VecDeque;

use netyard_sim::time::{Duration, Instant};
use netyard_sim::world::World;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Engine;
use crate::container::State;
use crate::date;
use crate::id::Id;

/// What is taken when nothing else is said, for the time between checks and for that of one.
const USUAL: Duration = Duration::from_secs(30);
/// How many failures in a row are too many.
const RETRIES: u64 = 3;
/// How many results are kept.
const KEPT: usize = 5;
/// How much of a check's output is kept.
const OUTPUT_MAX: usize = 4096;
/// The exit code of a check that has none of its own.
const NO_CODE: i32 = -1;

/// `Healthcheck` of a container's configuration; times are nanoseconds, and 0 means the usual.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Asked {
    test: Option<Vec<String>>,
    interval: Option<i64>,
    timeout: Option<i64>,
    start_period: Option<i64>,
    retries: Option<i64>,
}

/// What a check is.
#[derive(Clone, Debug)]
struct Check {
    argv: Vec<String>,
    interval: Duration,
    timeout: Duration,
    start_period: Duration,
    retries: u64,
}

impl Check {
    /// What is asked for; none when nothing is, or `NONE`.
    fn parse(asked: Asked) -> Option<Self> {
        let test = asked.test.unwrap_or_default();
        let (kind, words) = test.split_first()?;
        let argv = match kind.as_str() {
            "CMD" => words.to_vec(),
            "CMD-SHELL" => ["/bin/sh", "-c"].into_iter().map(str::to_owned).chain(words.first().cloned()).collect(),
            _ => return None,
        };
        let time =
            |asked: Option<i64>| asked.and_then(|n| u64::try_from(n).ok()).filter(|n| *n > 0).map(Duration::from_nanos);
        Some(Self {
            argv,
            interval: time(asked.interval).unwrap_or(USUAL),
            timeout: time(asked.timeout).unwrap_or(USUAL),
            start_period: time(asked.start_period).unwrap_or(Duration::ZERO),
            retries: asked.retries.and_then(|n| u64::try_from(n).ok()).filter(|n| *n > 0).unwrap_or(RETRIES),
        })
    }
}

/// How a container fares.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Status {
    Starting,
    Healthy,
    Unhealthy,
}

impl Status {
    const fn word(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Healthy => "healthy",
            Self::Unhealthy => "unhealthy",
        }
    }
}

/// What came of a check.
#[derive(Clone, Debug)]
struct Finding {
    start: Instant,
    end: Instant,
    code: i32,
    output: String,
}

/// A check that runs.
#[derive(Clone, Copy, Debug)]
struct Probe {
    exec: Id,
    start: Instant,
    /// Whether it took too long and was killed.
    is_late: bool,
}

/// The health of a container that is checked.
#[derive(Clone, Debug)]
pub(super) struct Health {
    check: Check,
    status: Status,
    streak: u64,
    log: VecDeque<Finding>,
    /// When the next check begins; none while one runs, or the container does not.
    next: Option<Instant>,
    probe: Option<Probe>,
}

impl Health {
    /// That of a container that asks to be checked.
    pub(super) fn new(asked: Asked) -> Option<Self> {
        let check = Check::parse(asked)?;
        let (status, log) = (Status::Starting, VecDeque::new());
        Some(Self { check, status, streak: 0, log, next: None, probe: None })
    }

    /// When something is to be done.
    pub(super) fn due_at(&self) -> Option<Instant> {
        let late = self.probe.filter(|probe| !probe.is_late).map(|probe| probe.start + self.check.timeout);
        self.next.into_iter().chain(late).min()
    }

    /// What stands behind the time in the list.
    pub(super) fn remark(&self) -> &'static str {
        match self.status {
            Status::Starting => "health: starting",
            Status::Healthy => "healthy",
            Status::Unhealthy => "unhealthy",
        }
    }

    /// The word that lists are filtered by.
    pub(super) const fn word(&self) -> &'static str {
        self.status.word()
    }

    /// Takes in a finding; true when the status is another now.
    fn find(&mut self, finding: Finding, began: Instant) -> bool {
        let before = self.status;
        let is_early = before == Status::Starting && finding.start.since(began) < self.check.start_period;
        if finding.code == 0 {
            (self.status, self.streak) = (Status::Healthy, 0);
        } else if !is_early {
            self.streak += 1;
            if self.streak >= self.check.retries {
                self.status = Status::Unhealthy;
            }
        }
        if self.log.len() == KEPT {
            self.log.pop_front();
        }
        self.log.push_back(finding);
        self.status != before
    }
}

impl Engine {
    /// A container was started: its health begins anew.
    pub(super) fn begin_health(&mut self, now: Instant, container: Id) {
        if let Some(health) = self.health_mut(container) {
            (health.status, health.streak, health.probe) = (Status::Starting, 0, None);
            health.next = Some(now + health.check.interval);
        }
    }

    /// A container ended or was paused: nothing is checked.
    pub(super) fn suspend_health(&mut self, container: Id) {
        if let Some(health) = self.health_mut(container) {
            (health.next, health.probe) = (None, None);
        }
    }

    /// A paused container goes on.
    pub(super) fn resume_health(&mut self, now: Instant, container: Id) {
        if let Some(health) = self.health_mut(container) {
            health.next = Some(now + health.check.interval);
        }
    }

    fn health_mut(&mut self, container: Id) -> Option<&mut Health> {
        self.runs.get_mut(&container).and_then(|run| run.health.as_mut())
    }

    /// Begins the checks that are due, and kills those that take too long.
    pub(super) fn check_health(&mut self, world: &mut World) {
        let now = world.now();
        let is_due = |health: &Health| health.due_at().is_some_and(|at| at <= now);
        let due = self.runs.iter().filter(|(_, run)| run.health.as_ref().is_some_and(is_due));
        let due: Vec<Id> = due.map(|(id, _)| *id).collect();
        for container in due {
            let health = self.health_mut(container).expect("it is due");
            if let Some(probe) = &mut health.probe {
                probe.is_late = true;
                let exec = probe.exec;
                self.kill_exec(world, exec);
                continue;
            }
            health.next = None;
            let argv = health.check.argv.clone();
            if matches!(self.containers[&container].state, State::Running(_)) {
                let exec = self.make_probe(world, container, argv);
                let health = self.health_mut(container).expect("it is due");
                health.probe = Some(Probe { exec, start: now, is_late: false });
                self.run_probe(world, exec);
            }
        }
    }

    /// A check is done.
    pub(super) fn probe_ended(&mut self, world: &World, container: Id, exec: Id, code: i32, output: &[u8]) {
        let now = world.now();
        let began = self.containers.get(&container).and_then(|c| c.started).unwrap_or(Instant::ZERO);
        let Some(health) = self.health_mut(container) else { return };
        let Some(probe) = health.probe.take_if(|probe| probe.exec == exec) else { return };
        let (code, output) = if probe.is_late {
            (NO_CODE, format!("Health check exceeded timeout ({})", go_duration(health.check.timeout)))
        } else {
            let kept = &output[..output.len().min(OUTPUT_MAX)];
            (code, String::from_utf8_lossy(kept).into_owned())
        };
        health.next = Some(now + health.check.interval);
        let changed = health.find(Finding { start: probe.start, end: now, code, output }, began);
        let status = health.status.word();
        if changed {
            self.tell_container(world, container, &format!("health_status: {status}"), &[]);
        }
    }

    /// `State.Health`.
    pub(super) fn health_json(&self, container: Id) -> Option<Value> {
        let health = self.runs.get(&container)?.health.as_ref()?;
        let finding = |finding: &Finding| {
            json!({
                "Start": date::rfc3339(self.epoch, finding.start), "End": date::rfc3339(self.epoch, finding.end),
                "ExitCode": finding.code, "Output": finding.output,
            })
        };
        Some(json!({
            "Status": health.status.word(), "FailingStreak": health.streak,
            "Log": health.log.iter().map(finding).collect::<Vec<_>>(),
        }))
    }

    /// How a container fares, when it is checked.
    pub(super) fn health_of(&self, container: Id) -> Option<&Health> {
        self.runs.get(&container)?.health.as_ref()
    }
}

/// A time as Go prints it, for whole seconds and milliseconds.
fn go_duration(time: Duration) -> String {
    let seconds = time.as_secs();
    match (seconds, time.subsec_millis()) {
        (0, millis) => format!("{millis}ms"),
        (..60, 0) => format!("{seconds}s"),
        (..60, millis) => format!("{seconds}.{}s", format!("{millis:03}").trim_end_matches('0')),
        _ => format!("{}m{}s", seconds / 60, seconds % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn health(json: &str) -> Option<Health> {
        Health::new(serde_json::from_str(json).expect("a health check"))
    }

    fn found(health: &mut Health, second: u64, code: i32) -> (bool, &'static str) {
        let at = Instant::ZERO + Duration::from_secs(second);
        let changed = health.find(Finding { start: at, end: at, code, output: String::new() }, Instant::ZERO);
        (changed, health.word())
    }

    #[test]
    fn failures_in_a_row_make_it_unhealthy_and_one_success_heals() {
        let mut health = health(r#"{"Test":["CMD-SHELL","true"],"Retries":2,"StartPeriod":5000000000}"#).unwrap();
        assert_eq!(health.check.argv, ["/bin/sh", "-c", "true"]);
        assert_eq!(found(&mut health, 1, 1), (false, "starting"), "the start period does not count");
        assert_eq!(found(&mut health, 6, 1), (false, "starting"));
        assert_eq!(found(&mut health, 7, 1), (true, "unhealthy"));
        assert_eq!(found(&mut health, 8, 0), (true, "healthy"));
        assert_eq!(found(&mut health, 9, 1), (false, "healthy"));
        (10..20).for_each(|second| assert!(!found(&mut health, second, 0).0));
        assert_eq!(health.log.len(), KEPT);
    }

    #[test]
    fn nothing_is_checked_when_nothing_is_asked() {
        assert!(["{}", r#"{"Test":[]}"#, r#"{"Test":["NONE"]}"#].iter().all(|none| health(none).is_none()));
        let plain = health(r#"{"Test":["CMD","true"]}"#).unwrap().check;
        assert_eq!((plain.interval, plain.timeout, plain.retries), (USUAL, USUAL, RETRIES));
        assert_eq!(
            ["30s", "1m30s", "500ms", "1.5s"],
            [30_000, 90_000, 500, 1_500].map(|ms| go_duration(Duration::from_millis(ms)))
        );
    }
}
