//! Playing a scenario: it opens a terminal at each place, types the commands one after the other, lets the virtual
//! time of a site pass until each is done, and compares what came. It judges nothing and prints nothing.

pub mod asked;
pub mod conform;
pub mod consoles;
pub mod docker;
pub mod janitor;
pub mod lint;
pub mod real;
pub mod recording;
pub mod session;
mod shell;
pub mod shrink;
pub mod sweep;
pub mod verdict;

use std::fmt;
use std::time::{Duration, Instant as WallInstant};

use netyard_drivers::daemon::Config;
use netyard_drivers::site::impair::Impairment;
use netyard_drivers::site::{Site, SiteConfig};
use netyard_sim::rng::Seed;
use netyard_sim::time::Instant;
use sha2::{Digest, Sha256};

use crate::live::owner;
use crate::scenario::Scenario;
use crate::scenario::captures::Captures;
use crate::scenario::comparison::{Compared, Expected, agrees, compare};
use crate::scenario::fault::{Fault, FaultKind};
use crate::scenario::period::Period;
use crate::scenario::step::Step;
use consoles::{Consoles, Ended};
use real::Real;
use recording::Recording;
use shell::Stopped;

/// The seed of a scenario that names none.
pub const DEFAULT_SEED: u64 = 1;

/// How a scenario is played.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Where all chance comes from.
    pub seed: u64,
    /// How much virtual time it may take.
    pub time_limit: Period,
    /// How much time it may take on this machine.
    pub wall_limit: Period,
    /// What follows a step that is not met.
    pub on_failure: OnFailure,
}

impl Default for Settings {
    /// Seed 1, an hour of virtual time, a minute on this machine, every step played.
    fn default() -> Self {
        Self {
            seed: DEFAULT_SEED,
            time_limit: Period(Duration::from_secs(3600)),
            wall_limit: Period(Duration::from_secs(60)),
            on_failure: OnFailure::GoOn,
        }
    }
}

impl Settings {
    /// What the head of a scenario wants, and the usual where it says nothing.
    #[must_use]
    pub fn of(scenario: &Scenario) -> Self {
        let usual = Self::default();
        let head = &scenario.head;
        Self { seed: head.seed.unwrap_or(usual.seed), time_limit: head.time_limit.unwrap_or(usual.time_limit), ..usual }
    }

    /// The same, but for a seed and limits that somebody asks for.
    #[must_use]
    pub fn asked(self, seed: Option<u64>, time_limit: Option<Period>, wall_limit: Option<Period>) -> Self {
        Self {
            seed: seed.unwrap_or(self.seed),
            time_limit: time_limit.unwrap_or(self.time_limit),
            wall_limit: wall_limit.unwrap_or(self.wall_limit),
            ..self
        }
    }
}

/// What follows a step that is not met.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum OnFailure {
    /// The next step.
    GoOn,
    /// Nothing.
    Stop,
}

/// What came of a scenario.
#[derive(Clone, Debug)]
pub struct Playback {
    /// What came of each step that was played, in order.
    pub steps: Vec<Played>,
    /// How it ended.
    pub end: End,
    /// The virtual time that it took.
    pub elapsed: Duration,
    /// What links were told to do to frames, and what they did.
    pub links: Vec<Impairment>,
}

/// A playback with all that went over the wires meanwhile.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// What came of the scenario.
    pub playback: Playback,
    /// What was seen meanwhile.
    pub recording: Recording,
}

/// What came of a step.
#[derive(Clone, Debug)]
pub struct Played {
    /// When it was done.
    pub at: Instant,
    /// What its terminal showed.
    pub output: String,
    /// Its exit code.
    pub status: i32,
    /// What it showed beside what was expected.
    pub comparison: Vec<Compared>,
    /// What the names stand for in lines that are missing.
    pub known_names: Vec<String>,
    /// What stops that which it wanted to reach, when it was the first not to be met.
    pub why: Option<String>,
}

impl Recorded {
    /// 64 hexadecimal digits that stand for all that happened: output, exit codes, times, frames and events. Two runs
    /// that differ in any of it have different ones, on every machine.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let mut hash = Sha256::new();
        let mut add = |bytes: &[u8]| {
            hash.update((bytes.len() as u64).to_le_bytes());
            hash.update(bytes);
        };
        for step in &self.playback.steps {
            add(step.output.as_bytes());
            add(&step.status.to_le_bytes());
            add(&step.at.as_nanos().to_le_bytes());
        }
        for packet in self.recording.packets.iter().filter(|packet| packet.passed) {
            add(packet.device.as_bytes());
            add(&packet.at.as_nanos().to_le_bytes());
            add(packet.frame.bytes());
        }
        self.recording.events.iter().for_each(|event| add(event.as_bytes()));
        hash.finalize().iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
    }
}

/// How a playback ended.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum End {
    /// There was no step left, or none wanted after one that failed.
    Finished,
    /// This machine cannot play a step for real programs. Those after it, which may build on it, were not played either.
    Skipped(Skip),
    /// A step had not ended when its time was up.
    TimeLimit(Overrun),
}

/// A step that this machine cannot play.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Skip {
    /// Its number.
    pub step: usize,
    /// Why it cannot.
    pub reason: String,
}

/// Why nothing came of a step.
enum Unplayed {
    /// This machine cannot play it; why.
    Skipped(String),
    /// The limit that was up, and what its terminal had shown until then.
    TimeIsUp(Limit, String),
}

/// A step that had not ended when its time was up.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Overrun {
    /// Its number.
    pub step: usize,
    /// What was up.
    pub limit: Limit,
    /// What its terminal had shown until then.
    pub output: String,
    /// The jobs that were still running, in words.
    pub running: Vec<String>,
}

/// A limit of time.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Limit {
    /// Of virtual time.
    Virtual(Period),
    /// Of time on this machine.
    Wall(Period),
}

impl fmt::Display for Overrun {
    /// What was up and what still ran, a line each.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.limit {
            Limit::Virtual(limit) => write!(f, "not done when {limit} of virtual time had passed")?,
            Limit::Wall(limit) => write!(f, "not done when {limit} had passed")?,
        }
        self.running.iter().try_for_each(|job| write!(f, "\nstill running: {job}"))
    }
}

impl Played {
    /// The lines that its terminal showed, without blank ones at the end.
    #[must_use]
    pub fn lines(&self) -> Vec<&str> {
        said(&self.output)
    }

    /// Whether it did what `step` expects.
    #[must_use]
    pub fn meets(&self, step: &Step) -> bool {
        self.status == step.status && agrees(&self.comparison)
    }
}

impl Playback {
    /// The steps that were played and not met, by number.
    pub fn failed<'a>(&'a self, scenario: &'a Scenario) -> impl Iterator<Item = (usize, &'a Step, &'a Played)> {
        let played = scenario.steps.iter().zip(&self.steps).enumerate();
        played.filter(|(_, (step, played))| !played.meets(step)).map(|(at, (step, played))| (at, step, played))
    }
}

/// Plays a scenario from its first step.
///
/// # Errors
/// A fault of the file that only shows in the world: a place that is not there when its step comes.
pub fn play(scenario: &Scenario, settings: &Settings) -> Result<Playback, Fault> {
    Player::new(scenario, settings, Capturing::Off).play_all()
}

/// Plays a scenario and keeps every frame and event, which takes memory for each.
///
/// # Errors
/// As [`play`].
pub fn record(scenario: &Scenario, settings: &Settings) -> Result<Recorded, Fault> {
    let mut player = Player::new(scenario, settings, Capturing::On);
    let playback = player.play_all()?;
    let mut recording = Recording::of(&player.site);
    let steps = scenario.steps.iter().zip(&playback.steps).map(|(step, played)| (step.line, played.at));
    recording.tell_lines(&scenario.file, steps);
    Ok(Recorded { playback, recording })
}

/// The site of a scenario when all of its steps were played, with the terminals that are open there.
///
/// # Errors
/// Why it does not do what it says, in words.
pub fn site_after(scenario: &Scenario, settings: &Settings) -> Result<(Site, Consoles), String> {
    let mut player = Player::new(scenario, settings, Capturing::On);
    let playback = player.play_all().map_err(|fault| format!("{}: {}", fault.file, fault.kind))?;
    if let End::TimeLimit(overrun) = &playback.end {
        return Err(overrun.to_string());
    }
    if let End::Skipped(skip) = &playback.end {
        return Err(skip.reason.clone());
    }
    match playback.failed(scenario).next() {
        Some((_, step, _)) => Err(format!("{}:{}: {} is not as expected", scenario.file, step.line, step.command)),
        None => Ok((player.site, player.consoles)),
    }
}

/// The site of a scenario when its steps were played, whatever came of them; or how it ended before the last.
///
/// # Errors
/// As [`play`].
pub fn stand(scenario: &Scenario, settings: &Settings) -> Result<Result<Site, End>, Fault> {
    let mut player = Player::new(scenario, settings, Capturing::Off);
    Ok(match player.play_all()?.end {
        End::Finished => Ok(player.site),
        end @ (End::Skipped(_) | End::TimeLimit(_)) => Err(end),
    })
}

/// Whether the site keeps its frames.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Capturing {
    Off,
    On,
}

/// The site of a scenario at its beginning.
fn site(scenario: &Scenario, settings: &Settings, capturing: Capturing) -> Site {
    let links = scenario.head.links.iter();
    // Real programs are stood for by one that other worlds have not.
    let programs = if scenario.first_real().is_some() { owner::programs() } else { Site::programs() };
    let config = SiteConfig {
        seed: Seed(settings.seed),
        hosts: scenario.head.hosts.clone(),
        links: links.map(|(host, link)| (host.clone(), link.into())).collect(),
        nameservers: scenario.head.nameservers.iter().map(|(addr, told)| (*addr, (*told).into())).collect(),
        engines: scenario.head.hosts.iter().map(|host| (host.clone(), engine_of(scenario, host))).collect(),
        capture: capturing == Capturing::On,
        ..SiteConfig::default()
    };
    let mut site = Site::with_programs(&config, programs);
    scenario.head.impair(&mut site).expect("the head was checked when it was parsed");
    site
}

fn engine_of(scenario: &Scenario, host: &str) -> Config {
    scenario.head.engine_of(host).expect("the head was checked when it was parsed")
}

/// A scenario under way.
struct Player<'s> {
    scenario: &'s Scenario,
    settings: &'s Settings,
    site: Site,
    consoles: Consoles,
    captures: Captures,
    marks: Marks,
    /// This machine's part in it, or why it takes none; none where no real program is asked for.
    real: Option<Result<Box<Real>, String>>,
    began: WallInstant,
}

/// Whether the site is kept as it was before each step, for `netyard why`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Marks {
    None,
    Kept,
}

impl<'s> Player<'s> {
    fn new(scenario: &'s Scenario, settings: &'s Settings, capturing: Capturing) -> Self {
        let asks_why = scenario.steps.iter().any(|step| step.command.contains("netyard why"));
        Self {
            scenario,
            settings,
            site: site(scenario, settings, capturing),
            consoles: Consoles::default(),
            captures: Captures::default(),
            marks: if asks_why { Marks::Kept } else { Marks::None },
            real: None,
            began: WallInstant::now(),
        }
    }

    /// A player with the same past, on whose clock no time has passed yet.
    fn fork(&self) -> Self {
        Self {
            scenario: self.scenario,
            settings: self.settings,
            site: self.site.fork(),
            consoles: self.consoles.clone(),
            captures: self.captures.clone(),
            marks: self.marks,
            real: None,
            began: WallInstant::now(),
        }
    }

    /// Plays all steps, or those up to the first that has no end.
    fn play_all(&mut self) -> Result<Playback, Fault> {
        self.play_all_and(|_, _| {})
    }

    /// The same, and shows the site to `look` after each step.
    fn play_all_and(&mut self, mut look: impl FnMut(&Site, &Step)) -> Result<Playback, Fault> {
        let mut steps = Vec::with_capacity(self.scenario.steps.len());
        let mut end = End::Finished;
        self.let_in();
        let mut explained = false;
        for step in &self.scenario.steps {
            match self.play(step)? {
                Ok(played) => steps.push(played),
                Err(Unplayed::Skipped(reason)) => {
                    end = End::Skipped(Skip { step: steps.len(), reason });
                    break;
                }
                Err(Unplayed::TimeIsUp(limit, output)) => {
                    end = End::TimeLimit(self.overrun(steps.len(), step, limit, output));
                    break;
                }
            }
            look(&self.site, step);
            let met = steps.last().is_none_or(|played| played.meets(step));
            if !met && !explained {
                let why = self.explain(steps.len());
                explained = why.is_some();
                steps.last_mut().expect("it was just pushed").why = why;
            }
            if !met && self.settings.on_failure == OnFailure::Stop {
                break;
            }
        }
        if let Some(Ok(real)) = self.real.take() {
            real.close(&mut self.site);
        }
        let elapsed = self.site.now().since(Instant::ZERO);
        Ok(Playback { steps, end, elapsed, links: self.site.impairments() })
    }

    /// Lets this machine take part where steps ask for that.
    fn let_in(&mut self) {
        if self.scenario.first_real().is_some() {
            self.real = Some(Real::open(self.scenario, &mut self.site).map(Box::new));
        }
    }

    /// What stops that which the last of the first `count` steps wanted to reach. They are played once more, to see which
    /// of them set it; the same seed gives the same.
    fn explain(&self, count: usize) -> Option<String> {
        let steps = &self.scenario.steps[..count];
        if steps.iter().any(Step::is_real) {
            // Real programs would not do the same.
            return None;
        }
        let last = steps.last()?;
        let question = asked::question(self.scenario.place(last), &last.command)?;
        let mut again = Player { marks: Marks::Kept, ..Self::new(self.scenario, self.settings, Capturing::Off) };
        for step in steps {
            again.play(step).ok()?.ok()?;
        }
        again.site.why(&question).ok().map(|answer| answer.to_string())
    }

    /// What is told of a step whose time was up.
    fn overrun(&self, number: usize, step: &Step, limit: Limit, output: String) -> Overrun {
        let mut running = if step.is_real() { Vec::new() } else { self.site.running() };
        if running.is_empty() {
            // The shell itself, in a loop of builtins; or a real one, of whose programs nothing is known here.
            running.push(format!("{}: {}", self.scenario.place(step), step.command));
        }
        Overrun { step: number, limit, output, running }
    }

    /// Plays a step: what came of it, or why nothing did.
    fn play(&mut self, step: &Step) -> Result<Result<Played, Unplayed>, Fault> {
        if step.is_real() {
            return Ok(self.play_real(step));
        }
        let place = self.scenario.place(step);
        if !self.consoles.open(&mut self.site, place) {
            return Err(at_prompt(self.scenario, step, FaultKind::NoSuchPlace(place.to_owned())));
        }
        if self.marks == Marks::Kept {
            let typed = format!("{}:{}: {place}$ {}", self.scenario.file, step.line, step.command);
            self.site.mark(&typed);
        }
        let Self { settings, began, site, consoles, real, .. } = self;
        let until = Instant::ZERO + settings.time_limit.0;
        let is_up = |site: &Site| match site.now() >= until {
            true => Some(Limit::Virtual(settings.time_limit)),
            false => (began.elapsed() >= settings.wall_limit.0).then_some(Limit::Wall(settings.wall_limit)),
        };
        let Ended { end, output } = match real {
            Some(Ok(real)) => consoles.play_by(site, place, &step.command, |site| real.run(site), is_up),
            Some(Err(_)) | None => consoles.play(site, place, &step.command, until, is_up),
        };
        Ok(match end {
            Ok(status) => Ok(played(step, self.site.now(), status, output, &mut self.captures)),
            Err(limit) => Err(Unplayed::TimeIsUp(limit, output)),
        })
    }

    /// The same by real programs of this machine.
    fn play_real(&mut self, step: &Step) -> Result<Played, Unplayed> {
        let real = match &mut self.real {
            Some(Ok(real)) => real,
            Some(Err(reason)) => return Err(Unplayed::Skipped(reason.clone())),
            None => return Err(Unplayed::Skipped("real programs take part in whole scenarios alone".to_owned())),
        };
        match real.play(&mut self.site, &step.command, self.began + self.settings.wall_limit.0) {
            Ok(shell::Ended { status, output }) => {
                Ok(played(step, self.site.now(), status, output, &mut self.captures))
            }
            Err(Stopped::NoShell(reason)) => Err(Unplayed::Skipped(format!("no shell: {reason}"))),
            Err(Stopped::TimeIsUp(output)) => Err(Unplayed::TimeIsUp(Limit::Wall(self.settings.wall_limit), output)),
        }
    }
}

/// What came of a step that was done `at` that time, beside what it expects.
fn played(step: &Step, at: Instant, status: i32, output: String, captures: &mut Captures) -> Played {
    let lines = said(&output);
    let comparison = compare(&step.expected, &lines, captures);
    let missing = comparison.iter().filter_map(|line| match line {
        Compared::Missing(at) => Some(&step.expected[*at]),
        Compared::Elided(..) | Compared::Same(..) | Compared::Unexpected(_) => None,
    });
    let known = missing.flat_map(|line| match line {
        Expected::Line(pattern) => pattern.known_names(captures),
        Expected::Elision => Vec::new(),
    });
    let known_names = known.collect();
    Played { at, output, status, comparison, known_names, why: None }
}

/// A fault of the file at the place before a step's `$`.
fn at_prompt(scenario: &Scenario, step: &Step, kind: FaultKind) -> Fault {
    let span = step.prompt.start..(step.prompt.end - "$".len()).max(step.prompt.start + 1);
    Fault::new(&scenario.file, &scenario.text, kind, span)
}

/// The lines of an output, without blank ones at the end: a file cannot show them.
fn said(output: &str) -> Vec<&str> {
    output.trim_end_matches(['\n', '\r']).lines().collect()
}

#[cfg(test)]
mod tests {
    use super::verdict::{Verdict, first_difference};
    use super::*;

    fn scenario(block: &str) -> Scenario {
        let text = format!("---\nhosts: [docker01, docker02]\n---\n```console\n{block}\n```\n");
        Scenario::parse("a.md", text).expect("the file is right")
    }

    fn played(block: &str) -> (Scenario, Playback) {
        let scenario = scenario(block);
        let playback = play(&scenario, &Settings::default()).expect("all places are there");
        (scenario, playback)
    }

    #[test]
    fn a_scenario_that_does_as_it_says_passes() {
        let (scenario, playback) = played("$ echo hello\nhello\n$ sleep 3\n$ false\n? 1");
        assert_eq!(Verdict::over(&scenario, &playback), Verdict::Passed);
        assert_eq!((playback.steps.len(), playback.elapsed.as_secs()), (3, 3));
    }

    #[test]
    fn each_step_that_is_not_met_is_told() {
        let (scenario, playback) = played("$ echo hello\nbye\n$ echo x\nx\n$ false");
        let failed: Vec<usize> = playback.failed(&scenario).map(|(_, step, _)| step.line).collect();
        assert_eq!(failed, [5, 9]);
        assert_eq!(Verdict::over(&scenario, &playback), Verdict::Failed);
        let settings = Settings { on_failure: OnFailure::Stop, ..Settings::default() };
        assert_eq!(play(&scenario, &settings).expect("all places are there").steps.len(), 1);
    }

    #[test]
    fn a_terminal_that_is_closed_is_opened_again() {
        let (scenario, playback) = played("$ exit 3\n? 3\n$ echo again\nagain\ndocker02$ echo there\nthere");
        assert_eq!(Verdict::over(&scenario, &playback), Verdict::Passed);
    }

    #[test]
    fn a_step_that_never_ends_names_its_job() {
        let (scenario, playback) = played("$ echo a\na\n$ sleep 7200\n$ echo never");
        assert_eq!(Verdict::over(&scenario, &playback), Verdict::TimeLimit);
        let End::TimeLimit(overrun) = &playback.end else { panic!("the step has no end") };
        assert_eq!(overrun.limit, Limit::Virtual(Settings::default().time_limit));
        assert!(overrun.running.iter().any(|job| job.contains("sleep 7200")), "{:?}", overrun.running);
    }

    #[test]
    fn the_wall_clock_is_a_limit_too() {
        let settings = Settings { wall_limit: Period(Duration::ZERO), ..Settings::default() };
        let playback = play(&scenario("$ sleep 60"), &settings).expect("all places are there");
        let End::TimeLimit(overrun) = playback.end else { panic!("there was no time at all") };
        assert_eq!(overrun.limit, Limit::Wall(settings.wall_limit));
    }

    #[test]
    fn a_place_that_is_not_there_is_a_fault_of_the_file() {
        let fault = play(&scenario("$ true\nc9$ true"), &Settings::default()).expect_err("there is no c9");
        assert_eq!((fault.line(), fault.kind), (Some(6), FaultKind::NoSuchPlace("c9".to_owned())));
    }

    #[test]
    fn the_same_seed_gives_the_same_and_a_difference_is_named() {
        let scenario = scenario("$ echo a\na\n$ sleep 2");
        let [one, mut two] = [(); 2].map(|()| record(&scenario, &Settings::default()).expect("all places are there"));
        assert_eq!(first_difference(&scenario, &one, &two), None);
        two.playback.steps[1].status = 1;
        let difference = first_difference(&scenario, &one, &two);
        assert_eq!(difference.as_deref(), Some("a.md:7: its exit code differs"));
    }

    #[test]
    fn a_scenario_may_be_meant_to_fail() {
        let expecting = |block: &str| {
            let text = format!("---\nexpect: fail\n---\n```console\n{block}\n```\n");
            let scenario = Scenario::parse("a.md", text).expect("the file is right");
            let playback = play(&scenario, &Settings::default()).expect("all places are there");
            Verdict::over(&scenario, &playback)
        };
        assert_eq!(expecting("$ false"), Verdict::Passed);
        assert_eq!(expecting("$ true"), Verdict::ShouldHaveFailed);
    }
}
