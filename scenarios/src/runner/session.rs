//! A scenario under somebody's hands: its world, in which they type, play its steps one by one, let time pass, and take
//! back what they did. It prints nothing by itself: what a terminal shows goes to whoever watches.
//!
//! How it works: everything that is done is kept in a list. The same seed gives the same, so taking something back is
//! doing the rest of the list once more in a new world, connections and all.

use std::time::{Duration, Instant as WallInstant};

use netyard_drivers::site::Site;
use netyard_drivers::site::why::{Manner, Question};
use netyard_sim::time::Instant;

use super::consoles::Consoles;
use super::{Capturing, Limit, Marks, Played, Player, Settings, played};
use crate::scenario::Scenario;
use crate::scenario::period::Period;
use crate::scenario::step::Step;

/// How much virtual time passes between two looks at what a terminal shows.
const SLICE: Duration = Duration::from_secs(1);
/// How much of it a program has to end in when it was interrupted.
const GRACE: Duration = Duration::from_secs(10);
/// How much of it the command of a condition may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// Who watches a terminal, and may interrupt.
pub trait Watch {
    /// Something was shown.
    fn show(&mut self, text: &str);

    /// Whether what runs shall end.
    fn interrupts(&mut self) -> bool;
}

/// Nobody watches.
struct Nobody;

impl Watch for Nobody {
    fn show(&mut self, _: &str) {}

    fn interrupts(&mut self) -> bool {
        false
    }
}

/// How a command ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Ending {
    /// With this exit code.
    Done(i32),
    /// It was interrupted by who watched.
    Interrupted,
    /// It was interrupted when its time was up.
    TimeIsUp(Limit),
}

/// What somebody waits for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Condition {
    /// A command that ends with 0. It is tried in a copy of the world.
    Command(String),
    /// A name that is found, or somebody who is reached.
    Reached {
        /// Whom.
        to: String,
        /// How.
        manner: Manner,
    },
}

/// There is no such host, running container or namespace.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NoPlace(pub String);

/// What was done.
#[derive(Clone, Debug)]
struct Deed {
    what: What,
    /// Where somebody was before.
    place: String,
}

#[derive(Clone, Debug)]
enum What {
    /// A command, and when it was interrupted if it was.
    Command { place: String, command: String, interrupted: Option<Instant> },
    /// The next step of the file.
    Step { interrupted: Option<Instant> },
    /// Time passed until then.
    Passed(Instant),
}

/// A scenario under somebody's hands.
pub struct Session<'s> {
    player: Player<'s>,
    /// Where somebody is.
    place: String,
    /// The number of the next step.
    next: usize,
    deeds: Vec<Deed>,
    /// When a command was interrupted last.
    interrupted: Instant,
}

impl<'s> Session<'s> {
    /// A scenario before its first step.
    #[must_use]
    pub fn new(scenario: &'s Scenario, settings: &'s Settings) -> Self {
        let player = Player { marks: Marks::Kept, ..Player::new(scenario, settings, Capturing::Off) };
        Self {
            player,
            place: scenario.head.default_host().to_owned(),
            next: 0,
            deeds: Vec::new(),
            interrupted: Instant::ZERO,
        }
    }

    /// The world.
    #[must_use]
    pub const fn site(&self) -> &Site {
        &self.player.site
    }

    /// Where somebody is.
    #[must_use]
    pub fn place(&self) -> &str {
        &self.place
    }

    /// The default host.
    #[must_use]
    pub fn default_host(&self) -> &'s str {
        self.player.scenario.head.default_host()
    }

    /// The steps that were not played yet.
    #[must_use]
    pub fn coming(&self) -> &'s [Step] {
        &self.player.scenario.steps[self.next..]
    }

    /// The place of a step.
    #[must_use]
    pub fn place_of(&self, step: &'s Step) -> &'s str {
        self.player.scenario.place(step)
    }

    /// Whether there is such a place now.
    #[must_use]
    pub fn has_place(&self, place: &str) -> bool {
        self.player.site.place(place).is_some()
    }

    /// Goes to another place.
    ///
    /// # Errors
    /// When it is not there.
    pub fn go_to(&mut self, place: &str) -> Result<(), NoPlace> {
        if !self.has_place(place) {
            return Err(NoPlace(place.to_owned()));
        }
        place.clone_into(&mut self.place);
        Ok(())
    }

    /// Asks the simulator by these words, which change nothing: the exit code, and what it says.
    #[must_use]
    pub fn ask(&mut self, words: &[&str]) -> (u8, String) {
        self.player.site.netyard(words)
    }

    /// Types a command at a place and lets time pass until it ends.
    ///
    /// # Errors
    /// When there is no such place, or no shell in it.
    pub fn enter(&mut self, place: &str, command: &str, watch: &mut dyn Watch) -> Result<Ending, NoPlace> {
        let label = format!("{place}$ {command}");
        let (ending, _) = self.command(place, command, &label, None, watch)?;
        let interrupted = self.when(ending);
        self.note(What::Command { place: place.to_owned(), command: command.to_owned(), interrupted });
        Ok(ending)
    }

    /// Plays the next step of the file at its place, where somebody is from then on; none when all were played.
    ///
    /// # Errors
    /// When its place is not there, or has no shell.
    pub fn step(&mut self, watch: &mut dyn Watch) -> Result<Option<(&'s Step, Ending, Played)>, NoPlace> {
        let Some(step) = self.coming().first() else { return Ok(None) };
        let (ending, played) = self.play(step, None, watch)?;
        let interrupted = self.when(ending);
        self.note(What::Step { interrupted });
        self.place_of(step).clone_into(&mut self.place);
        self.next += 1;
        Ok(Some((step, ending, played)))
    }

    /// Lets so much time pass; false when somebody interrupted it.
    pub fn jump(&mut self, time: Duration, watch: &mut dyn Watch) -> bool {
        let until = self.player.site.now() + time;
        let reached = self.pass(until, |_| false, watch);
        self.note(What::Passed(self.player.site.now()));
        reached.is_none()
    }

    /// Lets time pass until a condition holds, which is looked at each second; else why it did not come to that.
    ///
    /// # Errors
    /// When the place where somebody is is gone.
    pub fn wait_for(&mut self, condition: &Condition, watch: &mut dyn Watch) -> Result<Option<Ending>, NoPlace> {
        let Self { place, player, .. } = self;
        if player.site.place(place).is_none() {
            return Err(NoPlace(place.clone()));
        }
        let place = place.clone();
        let until = player.site.now() + player.settings.time_limit.0;
        let holds = |player: &Player<'_>| holds(player, &place, condition);
        if holds(player) {
            return Ok(None);
        }
        let mut met = false;
        let ending = self.pass(
            until,
            |player| {
                met = holds(player);
                met
            },
            watch,
        );
        self.note(What::Passed(self.player.site.now()));
        let limit = Ending::TimeIsUp(Limit::Virtual(self.player.settings.time_limit));
        Ok(if met { None } else { Some(ending.unwrap_or(limit)) })
    }

    /// Takes back what was done last: what it was, in words; none when there is nothing.
    pub fn back(&mut self) -> Option<String> {
        let undone = self.deeds.pop()?;
        let deeds = core::mem::take(&mut self.deeds);
        *self = Self::new(self.player.scenario, self.player.settings);
        for deed in deeds {
            self.place.clone_from(&deed.place);
            // It was there the first time, and all is as it was.
            let _ = self.repeat(&deed.what);
            self.deeds.push(deed);
        }
        let words = match &undone.what {
            What::Command { place, command, .. } => format!("{place}$ {command}"),
            What::Step { .. } => self
                .coming()
                .first()
                .map_or_else(String::new, |step| format!("{}$ {}", self.place_of(step), step.command)),
            What::Passed(_) => "time".to_owned(),
        };
        self.place = undone.place;
        Some(words)
    }

    fn repeat(&mut self, what: &What) -> Result<(), NoPlace> {
        match what {
            What::Command { place, command, interrupted } => {
                self.command(place, command, &format!("{place}$ {command}"), *interrupted, &mut Nobody)?;
            }
            What::Step { interrupted } => {
                let step = &self.player.scenario.steps[self.next];
                self.play(step, *interrupted, &mut Nobody)?;
                self.next += 1;
            }
            What::Passed(until) => self.player.consoles.pass(&mut self.player.site, *until),
        }
        Ok(())
    }

    fn note(&mut self, what: What) {
        self.deeds.push(Deed { what, place: self.place.clone() });
    }

    /// When a command was interrupted, for the next time.
    fn when(&self, ending: Ending) -> Option<Instant> {
        match ending {
            Ending::Done(_) => None,
            Ending::Interrupted | Ending::TimeIsUp(_) => Some(self.interrupted),
        }
    }

    /// Plays a step of the file.
    fn play(
        &mut self,
        step: &Step,
        interrupt: Option<Instant>,
        watch: &mut dyn Watch,
    ) -> Result<(Ending, Played), NoPlace> {
        let scenario = self.player.scenario;
        let place = scenario.place(step);
        let label = format!("{}:{}: {place}$ {}", scenario.file, step.line, step.command);
        let (ending, output) = self.command(place, &step.command, &label, interrupt, watch)?;
        let status = match ending {
            Ending::Done(status) => status,
            // What a shell says of what was interrupted.
            Ending::Interrupted | Ending::TimeIsUp(_) => 130,
        };
        let now = self.player.site.now();
        Ok((ending, played(step, now, status, output, &mut self.player.captures)))
    }

    /// Types a command and lets time pass until it ends, or is interrupted: by who watches, by a limit, or at a time that
    /// is known already.
    fn command(
        &mut self,
        place: &str,
        command: &str,
        label: &str,
        interrupt: Option<Instant>,
        watch: &mut dyn Watch,
    ) -> Result<(Ending, String), NoPlace> {
        let Player { site, consoles, settings, .. } = &mut self.player;
        if !consoles.open(site, place) {
            return Err(NoPlace(place.to_owned()));
        }
        site.mark(label);
        consoles.enter(site, place, command);
        let (began, until) = (WallInstant::now(), site.now() + settings.time_limit.0);
        let mut output = String::new();
        let mut show = |site: &mut Site, consoles: &mut Consoles, watch: &mut dyn Watch| {
            let text = consoles.shown(site, place);
            watch.show(&text);
            output.push_str(&text);
        };
        let ending = loop {
            let slice = interrupt.unwrap_or(until).min(site.now() + SLICE);
            let done = consoles.go_on(site, place, slice);
            show(site, consoles, watch);
            match done {
                Some(status) => break Ending::Done(status),
                None if interrupt.is_some_and(|at| site.now() >= at) => break Ending::Interrupted,
                None if interrupt.is_some() => {}
                None if watch.interrupts() => break Ending::Interrupted,
                None if site.now() >= until => break Ending::TimeIsUp(Limit::Virtual(settings.time_limit)),
                None if began.elapsed() >= settings.wall_limit.0 => {
                    break Ending::TimeIsUp(Limit::Wall(settings.wall_limit));
                }
                None => {}
            }
        };
        if !matches!(ending, Ending::Done(_)) {
            self.interrupted = site.now();
            consoles.interrupt(site, place);
            let until = site.now() + GRACE;
            if consoles.go_on(site, place, until).is_none() {
                consoles.leave(place);
            }
            show(site, consoles, watch);
        }
        Ok((ending, output))
    }

    /// Lets time pass until `until`, or `is_met`, which is asked each second; what else ended it.
    fn pass(
        &mut self,
        until: Instant,
        mut is_met: impl FnMut(&Player<'s>) -> bool,
        watch: &mut dyn Watch,
    ) -> Option<Ending> {
        let (began, limit) = (WallInstant::now(), self.player.settings.wall_limit);
        while self.player.site.now() < until {
            let slice = until.min(self.player.site.now() + SLICE);
            self.player.consoles.pass(&mut self.player.site, slice);
            match () {
                () if is_met(&self.player) => return None,
                () if watch.interrupts() => return Some(Ending::Interrupted),
                () if began.elapsed() >= limit.0 => return Some(Ending::TimeIsUp(Limit::Wall(limit))),
                () => {}
            }
        }
        None
    }
}

/// Whether a condition holds at a place. It is tried in a copy of the world.
fn holds(player: &Player<'_>, place: &str, condition: &Condition) -> bool {
    let mut site = player.site.fork();
    match condition {
        Condition::Reached { to, manner } => {
            let question = Question { from: place.to_owned(), to: to.clone(), manner: *manner, size: None };
            site.why(&question).is_ok_and(|answer| answer.stop.is_none())
        }
        Condition::Command(command) => {
            let mut consoles = player.consoles.clone();
            let until = site.now() + PATIENCE;
            let is_up = |site: &Site| (site.now() >= until).then_some(Period(PATIENCE));
            consoles.open(&mut site, place) && consoles.play(&mut site, place, command, until, is_up).end == Ok(0)
        }
    }
}
