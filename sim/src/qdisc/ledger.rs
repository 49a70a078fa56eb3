//! What a discipline was asked against what it delivered. Each is compared by how unlikely it would be by chance alone: a
//! finding is missed when less than one run in three million would show it (five standard deviations). It changes
//! nothing.

use std::collections::BTreeMap;

use super::netem::{Loss, Netem, Rate};
use super::tbf::Tbf;
use super::{Settings, Share};
use crate::time::{Duration, Instant, nanos};

/// How unlikely is too unlikely: exp(-15), about that of five standard deviations.
const LIMIT: f64 = 15.0;
/// Steps after which a loss model has forgotten where it began.
const STEPS: u64 = 2_000;

/// How often something happened that might have.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Tally {
    /// How often it might.
    pub of: u64,
    /// How often it did.
    pub happened: u64,
}

impl Tally {
    pub(super) fn note(&mut self, happened: bool) {
        self.of += 1;
        self.happened += u64::from(happened);
    }
}

/// What a discipline did since it has its settings.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    /// Frames that came, and those that came twice.
    pub doubled: Tally,
    /// Frames that could be lost, and those that were.
    pub lost: Tally,
    /// Frames in which a bit could be turned, and those in which one was.
    pub spoilt: Tally,
    /// Frames that could overtake, and those that did.
    pub overtook: Tally,
    /// Frames for which there was no room.
    pub refused: u64,
    /// Frames that were delayed and have not arrived.
    pub on_the_way: u64,
    delays: Delays,
    pace: Pace,
}

/// The delays of frames, in classes that are a thirty-second wide.
#[derive(Clone, Debug, Default)]
struct Delays {
    classes: BTreeMap<u32, u64>,
    count: u64,
}

/// How many bytes left in which time.
#[derive(Clone, Copy, Debug, Default)]
struct Pace {
    first: Option<Instant>,
    last: Instant,
    bytes: u64,
    longest: u64,
    /// Since when frames wait.
    waiting: Option<Instant>,
    /// For how long frames waited, and the bytes that left meanwhile.
    busy: Duration,
    busy_bytes: u64,
    periods: u64,
}

impl Ledger {
    /// Whether any frame came.
    #[must_use]
    pub const fn has_seen_any(&self) -> bool {
        self.doubled.of > 0 || self.pace.first.is_some()
    }

    /// A frame arrived after a delay.
    pub(super) fn arrived(&mut self, delay: Duration, len: usize, now: Instant) {
        self.on_the_way = self.on_the_way.saturating_sub(1);
        self.delays.count += 1;
        *self.delays.classes.entry(class_of(delay)).or_default() += 1;
        let began = Instant::from_nanos(now.as_nanos().saturating_sub(nanos(delay)));
        self.pace.first = Some(self.pace.first.map_or(began, |first| first.min(began)));
        self.pace.pass(now, len as u64);
    }

    /// A shaper was asked for a frame: whether one left, and whether one waits.
    pub(super) fn shaped(&mut self, now: Instant, left: Option<usize>, waits: bool) {
        let pace = &mut self.pace;
        if let Some(len) = left {
            pace.first.get_or_insert(now);
            pace.pass(now, len as u64);
            if let Some(since) = pace.waiting.replace(now) {
                pace.busy += now.since(since);
                pace.busy_bytes += len as u64;
            } else {
                pace.waiting = None;
            }
        }
        match (waits, pace.waiting) {
            (true, None) => {
                pace.waiting = Some(now);
                pace.periods += 1;
            }
            (false, Some(_)) if left.is_none() => pace.waiting = None,
            _ => {}
        }
    }

    /// What was asked by these settings against what is in here.
    #[must_use]
    pub fn findings(&self, settings: &Settings) -> Vec<Finding> {
        match settings {
            Settings::Netem(told) => self.of_netem(told),
            Settings::Tbf(told) => self.of_tbf(told).into_iter().collect(),
            _ => Vec::new(),
        }
    }

    fn of_netem(&self, told: &Netem) -> Vec<Finding> {
        let mut findings = Vec::new();
        if told.loss != Loss::default() && self.lost.of > 0 {
            findings.push(self.of_loss(told.loss));
        }
        let rates = [
            ("duplicate", Some(told.duplicate).filter(|chance| chance.share != Share::NONE), self.doubled),
            ("corrupt", told.corrupt, self.spoilt),
            ("reorder", told.reorder.filter(|_| told.gap != 0), self.overtook),
        ];
        for (what, chance, tally) in rates {
            if let Some(chance) = chance.filter(|_| tally.of > 0) {
                let asked = probability(chance.share);
                let model = (chance.correlation == Share::NONE).then_some((asked * tally.of as f64, 1.0));
                findings.push(share_finding(what, asked, tally, model));
            }
        }
        if (told.latency.0 != 0 || told.jitter.0 != 0) && self.delays.count > 0 {
            findings.push(self.of_delay(told));
        }
        findings.extend(told.rate.filter(|rate| rate.rate != 0).and_then(|rate| self.of_rate(rate)));
        findings
    }

    fn of_loss(&self, loss: Loss) -> Finding {
        let n = self.lost.of;
        match loss {
            Loss::Random(chance) => {
                let asked = probability(chance.share);
                let model = (chance.correlation == Share::NONE).then_some((asked * n as f64, 1.0));
                share_finding("loss", asked, self.lost, model)
            }
            Loss::Gemodel { p, r, h, k1 } => {
                let [p, r, h, k1] = [p, r, h, k1].map(Share::part);
                let chain =
                    Chain { ways: vec![vec![1.0 - p, p], vec![r, 1.0 - r]], lost: vec![k1, 1.0 - h], entering: false };
                chain.finding(self.lost, 0)
            }
            Loss::State { p13, p31, p32, p23, p14 } => {
                let [p13, p31, p32, p23, p14] = [p13, p31, p32, p23, p14].map(Share::part);
                let ways = vec![
                    vec![(1.0 - p13 - p14).max(0.0), 0.0, p13.min(1.0 - p14), p14],
                    vec![0.0, 1.0 - p23, p23, 0.0],
                    vec![p31.min(1.0 - p32), p32, (1.0 - p31 - p32).max(0.0), 0.0],
                    vec![1.0, 0.0, 0.0, 0.0],
                ];
                Chain { ways, lost: vec![0.0, 0.0, 1.0, 1.0], entering: true }.finding(self.lost, 0)
            }
        }
    }

    fn of_delay(&self, told: &Netem) -> Finding {
        let percentiles =
            |at: &dyn Fn(u64) -> Duration| [50, 90, 99].map(|part| format!("p{part} {}", shown(at(part)))).join(" ");
        let spread = Spread::of(told);
        let asked = percentiles(&|part| spread.percentile(part));
        let delivered = percentiles(&|part| self.delays.percentile(part));
        let verdict = if told.rate.is_some() {
            Verdict::Unjudged("frames also wait for the rate")
        } else if told.jitter.0 != 0 && told.delay_correlation.is_some_and(|share| share != Share::NONE) {
            Verdict::Unjudged("correlated")
        } else if self.misses(&spread) {
            Verdict::Missed
        } else {
            Verdict::Met
        };
        Finding { what: "delay", asked, delivered, of: self.delays.count, verdict }
    }

    /// Whether at the end of some class there are more or fewer frames than chance allows. Those on the way are taken
    /// for whatever fits.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is a share of a number")]
    fn misses(&self, spread: &Spread) -> bool {
        let total = self.delays.count + self.on_the_way;
        let mut below = 0;
        let mut edges: Vec<(u32, u64)> = Vec::new();
        for (class, count) in &self.delays.classes {
            // Both sides of what was seen, so that what was not seen counts too.
            edges.extend(class.checked_sub(1).map(|before| (before, below)));
            below += count;
            edges.push((*class, below));
        }
        edges.iter().any(|(class, below)| {
            let share = spread.up_to(end_of(*class));
            let fits = share * total as f64;
            let nearest = (fits.round() as u64).clamp(*below, below + self.on_the_way);
            surprises(nearest, total, fits, 1.0)
        })
    }

    fn of_rate(&self, rate: Rate) -> Option<Finding> {
        let first = self.pace.first?;
        let passed = self.pace.last.since(first);
        let most = rate.rate as f64 * passed.as_secs_f64() + self.pace.longest as f64;
        let is_plain = rate.packet_overhead == 0 && rate.cell_size == 0;
        let verdict = match is_plain {
            false => Verdict::Unjudged("frames are taken for more than they are"),
            true if self.pace.bytes as f64 > most => Verdict::Missed,
            true => Verdict::Met,
        };
        Some(self.pace.finding(rate.rate, passed, verdict))
    }

    fn of_tbf(&self, told: &Tbf) -> Option<Finding> {
        let pace = &self.pace;
        let passed = pace.last.since(pace.first?);
        let burst = told.burst.size(told.rate) as f64 + pace.longest as f64;
        let most = told.rate as f64 * passed.as_secs_f64() + burst;
        // While frames wait, tokens are used as they come.
        let least = told.rate as f64 * pace.busy.as_secs_f64() - (pace.longest * pace.periods) as f64;
        let is_short = told.peak.is_none() && (pace.busy_bytes as f64) < least;
        let verdict = if pace.bytes as f64 > most || is_short { Verdict::Missed } else { Verdict::Met };
        Some(pace.finding(told.rate, passed, verdict))
    }
}

impl Pace {
    fn pass(&mut self, now: Instant, len: u64) {
        self.last = self.last.max(now);
        self.bytes += len;
        self.longest = self.longest.max(len);
    }

    /// The rate while frames waited, else that of the whole time.
    fn finding(&self, asked: u64, passed: Duration, verdict: Verdict) -> Finding {
        let (bytes, time) = if self.busy.is_zero() { (self.bytes, passed) } else { (self.busy_bytes, self.busy) };
        let delivered = match time.as_secs_f64() {
            0.0 => "one frame".to_owned(),
            seconds => format!("{:.0} kbit/s", bytes as f64 * 8.0 / seconds / 1000.0),
        };
        let asked = format!("at most {:.0} kbit/s", asked as f64 * 8.0 / 1000.0);
        Finding { what: "rate", asked, delivered, of: self.bytes, verdict }
    }
}

impl Delays {
    fn percentile(&self, part: u64) -> Duration {
        let wanted = (self.count * part).div_ceil(100).max(1);
        let mut below = 0;
        let found = self.classes.iter().find(|(_, count)| {
            below += **count;
            below >= wanted
        });
        found.map_or(Duration::ZERO, |(class, _)| begin_of(*class))
    }
}

/// How delays are spread when they are as asked.
struct Spread {
    /// The delays of a table, from the shortest; of an even spread only the ends.
    delays: Vec<i64>,
    is_even: bool,
}

impl Spread {
    fn of(told: &Netem) -> Self {
        let [latency, jitter] = [told.latency, told.jitter].map(|ticks| i64::from(ticks.0) * 64);
        match &told.distribution {
            _ if jitter == 0 => Self { delays: vec![latency], is_even: false },
            None => Self { delays: vec![latency - jitter, latency + jitter], is_even: true },
            Some(table) => {
                let delay = |value: &i16| latency + jitter * i64::from(*value) / super::distribution::SCALE;
                Self { delays: table.values().iter().map(delay).collect(), is_even: false }
            }
        }
    }

    /// The share of delays that are no longer.
    fn up_to(&self, delay: Duration) -> f64 {
        let delay = i64::try_from(delay.as_nanos()).unwrap_or(i64::MAX);
        if self.is_even {
            let [least, most] = [self.delays[0], self.delays[1]];
            return ((delay - least) as f64 / (most - least) as f64).clamp(0.0, 1.0);
        }
        self.delays.partition_point(|known| *known <= delay) as f64 / self.delays.len() as f64
    }

    fn percentile(&self, part: u64) -> Duration {
        let part = part.min(100);
        let delay = if self.is_even {
            self.delays[0] + (self.delays[1] - self.delays[0]) / 100 * i64::try_from(part).unwrap_or(100)
        } else {
            self.delays[(self.delays.len() as u64 * part / 100) as usize]
        };
        Duration::from_nanos(u64::try_from(delay).unwrap_or(0))
    }
}

/// A loss model: the ways between its states, and how likely a frame is lost in each.
struct Chain {
    ways: Vec<Vec<f64>>,
    lost: Vec<f64>,
    /// Whether a frame is judged by the state that it leads to, not by the one in which it finds the model.
    entering: bool,
}

impl Chain {
    /// The frames that are to be lost of `n` that begin in a state, how they vary against frames that are lost each by
    /// itself, and the share that is lost in the long run.
    fn expect(&self, n: u64, begin: usize) -> (f64, f64, f64) {
        let share = self.after(STEPS, begin);
        let resting = self.resting(begin);
        let mean: f64 = self.lost.iter().zip(&resting).map(|(lost, there)| lost * there).sum();
        // How a loss now tells of a loss later, summed; and what the beginning adds.
        let mut later = self.lost.clone();
        let (mut told, mut start) = (0.0, 0.0);
        for _ in 0..n.min(STEPS) {
            let next = self.step(&later);
            start += if self.entering { next[begin] } else { later[begin] };
            later = next;
            told += resting.iter().zip(&self.lost).zip(&later).map(|((r, l), k)| r * l * (k - mean)).sum::<f64>();
        }
        let expected = start + (n - n.min(STEPS)) as f64 * share;
        let single = mean * (1.0 - mean);
        let varies = if single > 0.0 { (1.0 + 2.0 * told / single).max(1.0) } else { 1.0 };
        (expected, varies, mean)
    }

    fn step(&self, values: &[f64]) -> Vec<f64> {
        self.ways.iter().map(|way| way.iter().zip(values).map(|(p, v)| p * v).sum()).collect()
    }

    fn after(&self, steps: u64, begin: usize) -> f64 {
        (0..steps).fold(self.lost.clone(), |values, _| self.step(&values))[begin]
    }

    /// How long it is in each state, in the long run.
    fn resting(&self, begin: usize) -> Vec<f64> {
        let states = self.ways.len();
        let mut there: Vec<f64> = (0..states).map(|state| f64::from(u8::from(state == begin))).collect();
        for _ in 0..STEPS {
            there = (0..states).map(|to| (0..states).map(|from| there[from] * self.ways[from][to]).sum()).collect();
        }
        there
    }

    fn finding(&self, tally: Tally, begin: usize) -> Finding {
        let (expected, varies, mean) = self.expect(tally.of, begin);
        share_finding("loss", mean, tally, Some((expected, varies)))
    }
}

/// Something that was asked, and what came of it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Finding {
    /// Of what: `loss`, `delay`, `rate`.
    pub what: &'static str,
    /// What was asked.
    pub asked: String,
    /// What came of it.
    pub delivered: String,
    /// Of how many frames; of bytes for a rate.
    pub of: u64,
    /// Whether that is as asked.
    pub verdict: Verdict,
}

/// Whether something is as asked.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Verdict {
    /// It is, as far as chance allows.
    Met,
    /// Chance does not explain it.
    Missed,
    /// It cannot be told, for this reason.
    Unjudged(&'static str),
}

/// A share that was asked against a tally; with the number that was to be expected and how much it varies, unless nobody
/// knows.
fn share_finding(what: &'static str, asked: f64, tally: Tally, model: Option<(f64, f64)>) -> Finding {
    let verdict = match model {
        None => Verdict::Unjudged("correlated"),
        Some((expected, varies)) if surprises(tally.happened, tally.of, expected, varies) => Verdict::Missed,
        Some(_) => Verdict::Met,
    };
    let delivered = format!("{:.2}%", tally.happened as f64 * 100.0 / tally.of.max(1) as f64);
    Finding { what, asked: format!("{:.2}%", asked * 100.0), delivered, of: tally.of, verdict }
}

/// Whether chance does not explain that something happened so often: by Chernoff's bound, which holds for few and for
/// rare events too, where five standard deviations of a bell would not.
fn surprises(happened: u64, of: u64, expected: f64, varies: f64) -> bool {
    let (n, seen) = (of as f64, happened as f64 / of as f64);
    let asked = (expected / n).clamp(0.0, 1.0);
    let part = |seen: f64, asked: f64| match (seen, asked) {
        (0.0, _) => 0.0,
        (_, 0.0) => f64::INFINITY,
        (seen, asked) => seen * (seen / asked).ln(),
    };
    n / varies * (part(seen, asked) + part(1.0 - seen, 1.0 - asked)) > LIMIT
}

/// How likely something of this share is.
fn probability(share: Share) -> f64 {
    if share == Share::NONE { 0.0 } else { (f64::from(share.0) + 1.0) / 4_294_967_296.0 }
}

/// The class of a delay: below 64 ns each its own, above by its first six binary digits.
fn class_of(delay: Duration) -> u32 {
    let nanos = nanos(delay);
    let shift = (u64::BITS - nanos.leading_zeros()).saturating_sub(6);
    shift * 32 + u32::try_from(nanos >> shift).expect("six digits")
}

/// The shortest delay of a class.
fn begin_of(class: u32) -> Duration {
    let shift = (class / 32).saturating_sub(1);
    Duration::from_nanos(u64::from(class - shift * 32) << shift)
}

/// The longest delay of a class.
fn end_of(class: u32) -> Duration {
    begin_of(class + 1).saturating_sub(Duration::from_nanos(1))
}

/// A delay with as many digits as a class tells.
fn shown(delay: Duration) -> String {
    let micros = nanos(delay) as f64 / 1000.0;
    if micros >= 1000.0 { format!("{:.1}ms", micros / 1000.0) } else { format!("{micros:.0}us") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_delay_is_in_its_class() {
        for nanos in (0..5000).chain([9_999_999, 10_000_000, 123_456_789_012]) {
            let delay = Duration::from_nanos(nanos);
            let class = class_of(delay);
            assert!(begin_of(class) <= delay && delay <= end_of(class), "{nanos}");
        }
    }

    #[test]
    fn chance_explains_what_is_near_and_not_what_is_far() {
        // 5 % of 10,000: 500 with a standard deviation of 21.8.
        assert!(!surprises(590, 10_000, 500.0, 1.0) && surprises(640, 10_000, 500.0, 1.0));
        assert!(!surprises(420, 10_000, 500.0, 1.0) && surprises(380, 10_000, 500.0, 1.0));
        // One rare loss among few frames is no surprise; one where none was asked is.
        assert!(!surprises(1, 10, 0.001, 1.0) && surprises(1, 10, 0.0, 1.0));
    }

    #[test]
    fn a_model_with_bursts_varies_more() {
        let (p, r) = (0.01, 0.1);
        let chain = Chain { ways: vec![vec![1.0 - p, p], vec![r, 1.0 - r]], lost: vec![0.0, 1.0], entering: false };
        let (expected, varies, mean) = chain.expect(100_000, 0);
        assert!((mean - p / (p + r)).abs() < 1e-9);
        assert!((expected - 100_000.0 * mean).abs() < 2.0);
        let lambda = 1.0 - p - r;
        assert!((varies - (1.0 + lambda) / (1.0 - lambda)).abs() < 1e-6, "{varies}");
    }
}
