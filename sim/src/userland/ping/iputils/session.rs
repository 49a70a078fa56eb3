//! One run of iputils ping as a function of time and replies: when to send, when to end, and the statistics. It has
//! no socket and knows no names.

use core::time::Duration;
use std::collections::BTreeSet;

use super::options::Options;
use crate::time::Instant;
use crate::userland::ping::Action;

/// The pause between requests in flight when the interval came down to nothing.
const MIN_INTERVAL: Duration = Duration::from_millis(10);

/// Whether a reply is the first for its request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Arrival {
    First,
    Duplicate,
}

/// Counters and times of a run.
#[derive(Clone, Debug)]
pub(super) struct Session {
    options: Options,
    start: Instant,
    last_sent: Instant,
    next_send: Instant,
    /// When to give up after the last request.
    exit_at: Option<Instant>,
    interrupted: bool,
    interval: Duration,
    sent: u64,
    received: u64,
    repeated: u64,
    errors: u64,
    /// The most requests that were under way when one was answered.
    pipe: u64,
    seen: BTreeSet<u64>,
    times: Option<Times>,
}

/// Round-trip times, in microseconds.
#[derive(Clone, Copy, Debug)]
struct Times {
    min: u64,
    max: u64,
    sum: u64,
    sum_of_squares: u128,
    count: u64,
    /// Eight times the moving average.
    smoothed: u64,
}

impl Session {
    pub(super) const fn new(options: Options, start: Instant) -> Self {
        Self {
            interval: options.interval,
            options,
            start,
            last_sent: start,
            next_send: start,
            exit_at: None,
            interrupted: false,
            sent: 0,
            received: 0,
            repeated: 0,
            errors: 0,
            pipe: 0,
            seen: BTreeSet::new(),
            times: None,
        }
    }

    pub(super) const fn options(&self) -> &Options {
        &self.options
    }

    /// SIGINT came: end at the next look.
    pub(super) const fn interrupt(&mut self) {
        self.interrupted = true;
    }

    pub(super) fn poll(&mut self, now: Instant) -> Action {
        if self.is_over(now) {
            return Action::Finish;
        }
        if self.has_sent_all() {
            let exit_at =
                *self.exit_at.get_or_insert_with(|| self.last_sent + linger(&self.options, self.times, self.received));
            return if now >= exit_at { Action::Finish } else { Action::Wait(Some(exit_at)) };
        }
        if now < self.next_send {
            return Action::Wait(Some(self.deadline().map_or(self.next_send, |at| at.min(self.next_send))));
        }
        self.sent += 1;
        self.last_sent = now;
        self.next_send = now + if self.interval.is_zero() { MIN_INTERVAL } else { self.interval };
        Action::Send(wire_sequence(self.sent))
    }

    /// When `-w` ends it.
    pub(super) fn deadline(&self) -> Option<Instant> {
        (!self.options.deadline.is_zero()).then(|| self.start + self.options.deadline)
    }

    /// Whether somebody or the deadline broke it off.
    pub(super) fn is_broken_off(&self, now: Instant) -> bool {
        self.interrupted || self.deadline().is_some_and(|at| now >= at)
    }

    /// Whether nothing more is to be sent or received. With a deadline the first error ends it too.
    pub(super) fn is_over(&self, now: Instant) -> bool {
        self.is_broken_off(now)
            || (self.options.count > 0 && self.received + self.errors >= self.options.count)
            || (self.deadline().is_some() && self.errors > 0)
    }

    /// With a deadline requests go on until enough are answered.
    const fn has_sent_all(&self) -> bool {
        self.options.count > 0 && self.sent >= self.options.count && self.options.deadline.is_zero()
    }

    /// The request before the one just sent, when `-O` should say that it is not answered.
    pub(super) fn outstanding(&self) -> Option<u16> {
        let before = self.sent.checked_sub(1).filter(|n| *n > 0)?;
        (self.options.outstanding && !self.seen.contains(&before)).then(|| wire_sequence(before))
    }

    /// Counts a reply; `took` is none when the payload has no room to tell.
    pub(super) fn handle_reply(&mut self, now: Instant, seq: u16, took: Option<Duration>) -> Arrival {
        let number = self.acknowledge(seq);
        let arrival = if self.seen.insert(number) { Arrival::First } else { Arrival::Duplicate };
        match arrival {
            Arrival::First => self.received += 1,
            Arrival::Duplicate => self.repeated += 1,
        }
        if let Some(took) = took {
            let us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
            self.times = Some(self.times.map_or_else(|| Times::first(us), |times| times.with(us)));
        }
        if self.options.adaptive {
            self.adapt(now);
        }
        arrival
    }

    /// An ICMP error came for a request.
    pub(super) fn handle_error(&mut self, seq: u16) {
        self.acknowledge(seq);
        self.errors += 1;
    }

    /// The kernel did not take a packet that is too long.
    pub(super) const fn handle_local_error(&mut self) {
        self.errors += 1;
    }

    /// The number of the request that `seq` means, the wire having only 16 bits.
    fn acknowledge(&mut self, seq: u16) -> u64 {
        let age = u64::from(wire_sequence(self.sent).wrapping_sub(seq));
        if age <= 0x7fff {
            self.pipe = self.pipe.max(age + 1);
        }
        self.sent.saturating_sub(age)
    }

    /// Adaptive: the interval follows the round trip, in whole milliseconds, and a reply lets the next go.
    fn adapt(&mut self, now: Instant) {
        let smoothed_us = self.times.map_or(0, |t| t.smoothed / 8);
        self.interval = Duration::from_millis((smoothed_us + 500) / 1000);
        self.next_send = now.max(self.last_sent + self.interval);
    }

    /// The lines at the end, for the host as the header named it.
    pub(super) fn statistics(&self, host: &str) -> String {
        let mut text = format!("\n--- {host} ping statistics ---\n");
        text += &format!("{} packets transmitted, {} received", self.sent, self.received);
        for (count, what) in [(self.repeated, "duplicates"), (self.errors, "errors")] {
            if count > 0 {
                text += &format!(", +{count} {what}");
            }
        }
        let elapsed = self.last_sent - self.start;
        if self.sent > 0 {
            let lost = self.sent.saturating_sub(self.received);
            let ms = (elapsed + Duration::from_micros(500)).as_millis();
            text += &format!(", {}% packet loss, time {ms}ms", six_digits(lost * 100, self.sent));
        }
        text + "\n" + &self.summary(elapsed) + "\n"
    }

    fn summary(&self, elapsed: Duration) -> String {
        let mut parts: Vec<String> = self.times.iter().map(ToString::to_string).collect();
        if self.pipe > 1 {
            parts.push(format!("pipe {}", self.pipe));
        }
        if self.received > 0 && self.sent > 1 && (self.options.adaptive || self.options.interval.is_zero()) {
            let gap = elapsed.as_micros() / u128::from(self.sent - 1);
            let average = self.times.map_or(0, |t| t.smoothed / 8);
            parts.push(format!("ipg/ewma {}/{} ms", millis(gap), millis(average.into())));
        }
        parts.join(", ")
    }

    /// The line that SIGQUIT asks for.
    pub(super) fn status(&self) -> String {
        let lost = self.sent.saturating_sub(self.received) * 100;
        let loss = lost.checked_div(self.sent).unwrap_or(0);
        let times = self.times.map(|t| {
            let [min, average, ewma, max] = [t.min, t.sum / t.count, t.smoothed / 8, t.max].map(|us| millis(us.into()));
            format!(", min/avg/ewma/max = {min}/{average}/{ewma}/{max} ms")
        });
        format!("\r{}/{} packets, {loss}% loss{}\n", self.received, self.sent, times.unwrap_or_default())
    }

    /// 1 when nothing came, or less than was asked for by the deadline.
    pub(super) const fn exit_code(&self) -> i32 {
        let short = !self.options.deadline.is_zero() && self.received < self.options.count;
        if self.received == 0 || short { 1 } else { 0 }
    }
}

/// How long to wait after the last request: two round trips and an interval at least, `-W` when nothing came.
fn linger(options: &Options, times: Option<Times>, received: u64) -> Duration {
    if received == 0 {
        return options.linger;
    }
    Duration::from_micros(times.map_or(0, |t| 2 * t.max)).max(options.interval)
}

impl Times {
    const fn first(us: u64) -> Self {
        Self { min: us, max: us, sum: us, sum_of_squares: us as u128 * us as u128, count: 1, smoothed: us * 8 }
    }

    fn with(self, us: u64) -> Self {
        Self {
            min: self.min.min(us),
            max: self.max.max(us),
            sum: self.sum + us,
            sum_of_squares: self.sum_of_squares + u128::from(us) * u128::from(us),
            count: self.count + 1,
            smoothed: self.smoothed + us - self.smoothed / 8,
        }
    }
}

impl core::fmt::Display for Times {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let count = u128::from(self.count);
        let sum = u128::from(self.sum);
        let variance = (self.sum_of_squares - sum * sum / count) / count;
        let [min, average, max, deviation] = [self.min.into(), sum / count, self.max.into(), variance.isqrt()];
        let [min, average, max, deviation] = [min, average, max, deviation].map(millis);
        write!(f, "rtt min/avg/max/mdev = {min}/{average}/{max}/{deviation} ms")
    }
}

fn wire_sequence(number: u64) -> u16 {
    let [low, high, ..] = number.to_le_bytes();
    u16::from_le_bytes([low, high])
}

fn millis(us: u128) -> String {
    format!("{}.{:03}", us / 1000, us % 1000)
}

/// A quotient of at most 100 as C prints it with `%g`: six digits that count, without zeros at the end.
fn six_digits(dividend: u64, divisor: u64) -> String {
    let quotient = dividend as f64 / divisor as f64;
    let decimals = if quotient < 1.0 { 6 } else { 6 - (dividend / divisor).to_string().len() };
    let text = format!("{quotient:.decimals$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(line: &str) -> Session {
        let argv: Vec<String> = line.split(' ').map(str::to_owned).collect();
        Session::new(Options::parse(&argv).unwrap(), Instant::ZERO)
    }

    const fn at(ms: u64) -> Instant {
        Instant::from_nanos(ms * 1_000_000)
    }

    fn us(us: u64) -> Option<Duration> {
        Some(Duration::from_micros(us))
    }

    #[test]
    fn one_answered_request() {
        let mut run = session("ping -c 1 h");
        assert_eq!(run.poll(at(0)), Action::Send(1));
        assert_eq!(run.handle_reply(at(0), 1, us(62)), Arrival::First);
        assert_eq!(run.poll(at(0)), Action::Finish);
        let expected = "\n--- h ping statistics ---\n1 packets transmitted, 1 received, 0% packet loss, time 0ms\n\
            rtt min/avg/max/mdev = 0.062/0.062/0.062/0.000 ms\n";
        assert_eq!((run.statistics("h").as_str(), run.exit_code()), (expected, 0));
    }

    #[test]
    fn deviation_and_time_over_several() {
        let mut run = session("ping -c 3 -i 0.2 h");
        for (seq, took) in [(1, 62), (2, 72), (3, 70)] {
            assert_eq!(run.poll(at((u64::from(seq) - 1) * 200)), Action::Send(seq));
            run.handle_reply(at(0), seq, us(took));
        }
        let text = run.statistics("h");
        assert!(text.contains("3 packets transmitted, 3 received, 0% packet loss, time 400ms\n"));
        assert!(text.ends_with("rtt min/avg/max/mdev = 0.062/0.068/0.072/0.004 ms\n"));
    }

    #[test]
    fn errors_count_as_answers_and_show_the_pipe() {
        let mut run = session("ping -c 2 h");
        assert_eq!([run.poll(at(0)), run.poll(at(1000))], [Action::Send(1), Action::Send(2)]);
        run.handle_error(1);
        assert_eq!(run.poll(at(3000)), Action::Wait(Some(at(11_000))));
        run.handle_error(2);
        assert_eq!(run.poll(at(3000)), Action::Finish);
        let expected = "\n--- h ping statistics ---\n\
            2 packets transmitted, 0 received, +2 errors, 100% packet loss, time 1000ms\npipe 2\n";
        assert_eq!((run.statistics("h").as_str(), run.exit_code()), (expected, 1));
    }

    #[test]
    fn after_a_reply_the_last_is_waited_for_one_interval_else_the_linger_time() {
        let mut answered = session("ping -c 2 -W 5 h");
        answered.poll(at(0));
        answered.handle_reply(at(0), 1, us(100));
        answered.poll(at(1000));
        assert_eq!(answered.poll(at(1000)), Action::Wait(Some(at(2000))));
        let mut silent = session("ping -c 1 -W 0.5 h");
        silent.poll(at(0));
        assert_eq!(silent.poll(at(0)), Action::Wait(Some(at(500))));
        assert_eq!(silent.poll(at(500)), Action::Finish);
        assert!(silent.statistics("h").ends_with("1 packets transmitted, 0 received, 100% packet loss, time 0ms\n\n"));
    }

    #[test]
    fn a_deadline_goes_on_until_enough_came_and_ends_at_the_first_error() {
        let mut run = session("ping -w 3 -c 2 h");
        let actions = [0, 1000, 2000, 3000].map(|ms| run.poll(at(ms)));
        assert_eq!(actions, [Action::Send(1), Action::Send(2), Action::Send(3), Action::Finish]);
        let mut run = session("ping -w 3 h");
        run.poll(at(0));
        assert_eq!(run.poll(at(0)), Action::Wait(Some(at(1000))));
        run.handle_error(1);
        assert_eq!(run.poll(at(1)), Action::Finish);
    }

    #[test]
    fn adaptive_follows_the_replies() {
        let mut run = session("ping -A -c 3 h");
        for (seq, took) in [(1, 60), (2, 10), (3, 8)] {
            assert_eq!(run.poll(at(0)), Action::Send(seq));
            run.handle_reply(at(0), seq, us(took));
        }
        let expected = "rtt min/avg/max/mdev = 0.008/0.026/0.060/0.024 ms, ipg/ewma 0.000/0.048 ms\n";
        assert!(run.statistics("h").ends_with(expected), "{}", run.statistics("h"));
    }

    #[test]
    fn loss_is_printed_with_six_digits() {
        let printed = [(100, 3), (0, 4), (200, 3), (100, 1), (100, 200), (700, 8)].map(|(a, b)| six_digits(a, b));
        assert_eq!(printed, ["33.3333", "0", "66.6667", "100", "0.5", "87.5"]);
    }

    #[test]
    fn duplicates_and_what_is_outstanding() {
        let mut run = session("ping -O h");
        run.poll(at(0));
        assert_eq!(run.outstanding(), None);
        run.poll(at(1000));
        assert_eq!(run.outstanding(), Some(1));
        run.handle_reply(at(1000), 2, us(10));
        assert_eq!(run.handle_reply(at(1000), 2, us(10)), Arrival::Duplicate);
        assert!(run.statistics("h").contains("2 packets transmitted, 1 received, +1 duplicates, 50% packet loss"));
        assert_eq!(run.status(), "\r1/2 packets, 50% loss, min/avg/ewma/max = 0.010/0.010/0.010/0.010 ms\n");
    }
}
