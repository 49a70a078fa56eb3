//! One run of Linux traceroute as a function of time and responses: up to sixteen probes under way at once, printed in
//! order, each given up after a time that depends on what its neighbours took. It has no socket and knows no names.

use core::net::IpAddr;
use core::time::Duration;
use std::collections::VecDeque;

use super::options::{Options, Wait};
use crate::time::Instant;
use crate::userland::Errno;
use crate::userland::aimed::Refusal;
use crate::userland::icmp::Problem;
use crate::userland::traceroute::{self, Action, Method, Response, Verdict};

/// What is added to a time before it is multiplied (`DEF_WAIT_PREC`).
const PRECISION: Duration = Duration::from_millis(1);

#[derive(Clone, Debug)]
struct Probe {
    sent_at: Instant,
    number: u16,
    outcome: Outcome,
}

#[derive(Clone, Debug)]
enum Outcome {
    Pending,
    /// Nothing came in time.
    Silence,
    Answered {
        from: IpAddr,
        took: Duration,
        mark: String,
    },
}

/// How far it has come.
#[derive(Clone, Debug)]
pub(super) struct Session {
    probes_per_hop: usize,
    at_once: usize,
    wait: Wait,
    pause: Duration,
    first_number: u16,
    first: usize,
    /// The probes sent so far; the first of them is number `first` of all.
    probes: Vec<Probe>,
    /// The probe to be printed next.
    printed: usize,
    /// The end of the probes that are wanted.
    end: usize,
    output: VecDeque<Action>,
}

impl Session {
    pub(super) fn new(options: &Options) -> Self {
        let probes_per_hop = options.probes as usize;
        let first = (options.first_hop as usize - 1) * probes_per_hop;
        let first_number = options.port.unwrap_or(if options.method == Method::Udp { 33434 } else { 1 });
        Self {
            probes_per_hop,
            at_once: options.at_once as usize,
            wait: options.wait,
            pause: options.pause,
            first_number,
            first,
            probes: Vec::new(),
            printed: first,
            end: options.max_hops as usize * probes_per_hop,
            output: VecDeque::new(),
        }
    }

    fn probe(&self, at: usize) -> Option<&Probe> {
        self.probes.get(at.checked_sub(self.first)?)
    }

    /// Writes the next probe if it is done, or is given up now; false when it must be waited for.
    fn print_next(&mut self, now: Instant) -> bool {
        if self.printed >= self.end {
            return false;
        }
        let Some(probe) = self.probe(self.printed) else { return false };
        let pending = matches!(probe.outcome, Outcome::Pending);
        if pending && self.expiry().is_some_and(|at| now < at) {
            return false;
        }
        let at = self.printed - self.first;
        if pending {
            self.probes[at].outcome = Outcome::Silence;
        }
        self.print(self.printed);
        self.printed += 1;
        if self.printed == self.end {
            self.output.push_back(Action::Print("\n".to_owned()));
        }
        true
    }

    fn print(&mut self, at: usize) {
        let place = at % self.probes_per_hop;
        let from = |p: Option<&Probe>| match p.map(|p| &p.outcome) {
            Some(Outcome::Answered { from, .. }) => Some(*from),
            _ => None,
        };
        let before = if place == 0 { None } else { from(at.checked_sub(1).and_then(|at| self.probe(at))) };
        let probe = self.probe(at).expect("only probes that were sent are printed").clone();
        if place == 0 {
            self.output.push_back(Action::Print(format!("\n{:2} ", at / self.probes_per_hop + 1)));
        }
        let Outcome::Answered { from, took, mark, .. } = probe.outcome else {
            self.output.push_back(Action::Print(" *".to_owned()));
            return;
        };
        if before != Some(from) {
            self.output.push_back(Action::Print(" ".to_owned()));
            self.output.push_back(Action::PrintAddress(from));
        }
        self.output.push_back(Action::Print(format!("  {} ms{mark}", millis(took))));
    }

    /// When the next probe may be sent; none while enough are under way or all are.
    fn next_send(&self, now: Instant) -> Option<Instant> {
        let under_way = self.probes.iter().filter(|p| matches!(p.outcome, Outcome::Pending)).count();
        let all = self.first + self.probes.len() >= self.end;
        let last = self.probes.last().map(|p| p.sent_at + self.pause);
        (!all && under_way < self.at_once).then(|| last.unwrap_or(now))
    }

    fn send(&mut self, now: Instant) -> Action {
        let index = self.probes.len();
        let [low, high, ..] = index.to_le_bytes();
        let number = self.first_number.wrapping_add(u16::from_le_bytes([low, high]));
        self.probes.push(Probe { sent_at: now, number, outcome: Outcome::Pending });
        let hop = (self.first + index) / self.probes_per_hop + 1;
        Action::Send { ttl: u8::try_from(hop).expect("there are at most 255 hops"), number }
    }

    /// When the probe to be printed next is given up.
    fn expiry(&self) -> Option<Instant> {
        let probe = self.probe(self.printed)?;
        Some(probe.sent_at + self.patience(self.printed - self.first))
    }

    /// A multiple of what another probe of the hop took, else of what a later one took, else the whole time.
    fn patience(&self, at: usize) -> Duration {
        let hop = (self.first + at) / self.probes_per_hop;
        let same_hop = |p: &usize| (self.first + p) / self.probes_per_hop == hop;
        let here = (0..self.probes.len()).filter(same_hop).find_map(|p| self.took(p));
        let near = (at + 1..self.probes.len()).find_map(|p| self.took(p));
        let Wait { max, here: here_factor, near: near_factor } = self.wait;
        let time = match (here, near) {
            (Some(took), _) if here_factor > 0.0 => (took + PRECISION).mul_f64(here_factor),
            (_, Some(took)) if near_factor > 0.0 => (took + PRECISION).mul_f64(near_factor),
            _ => max,
        };
        time.min(max)
    }

    fn took(&self, at: usize) -> Option<Duration> {
        match &self.probes[at].outcome {
            Outcome::Answered { took, .. } => Some(*took),
            Outcome::Pending | Outcome::Silence => None,
        }
    }
}

impl traceroute::Session for Session {
    fn poll(&mut self, now: Instant) -> Action {
        while self.output.is_empty() && self.print_next(now) {}
        if let Some(action) = self.output.pop_front() {
            return action;
        }
        if self.printed >= self.end {
            return Action::Finish;
        }
        match self.next_send(now) {
            Some(until) if now < until => Action::Wait(self.expiry().map_or(until, |at| at.min(until))),
            Some(_) => self.send(now),
            None => Action::Wait(self.expiry().expect("when nothing is to be sent, something is under way")),
        }
    }

    /// Takes the response to a probe, unless that was given up already.
    fn handle_response(&mut self, now: Instant, response: Response) {
        let number = response.number;
        let probes = self.probes.iter_mut().enumerate();
        let mut pending = probes.filter(|(_, p)| p.number == number && matches!(p.outcome, Outcome::Pending));
        let Some((index, probe)) = pending.next() else { return };
        let mark = mark(response.from, response.verdict);
        probe.outcome = Outcome::Answered { from: response.from, took: now - probe.sent_at, mark };
        if response.verdict != Verdict::Expired {
            let hop = (self.first + index) / self.probes_per_hop;
            self.end = self.end.min((hop + 1) * self.probes_per_hop);
        }
    }

    fn unsent(error: Errno) -> Refusal {
        super::failed("send", error)
    }
}

fn mark(from: IpAddr, verdict: Verdict) -> String {
    let Verdict::Failed(problem) = verdict else { return String::new() };
    let letter = match (problem, from) {
        (Problem::TooBig(mtu), _) => return format!(" !F-{mtu}"),
        (Problem::Unreachable(0 | 6 | 8 | 11), IpAddr::V4(_)) | (Problem::Unreachable(0), IpAddr::V6(_)) => "N",
        (Problem::Unreachable(1 | 7 | 12), IpAddr::V4(_)) | (Problem::Unreachable(2 | 3), IpAddr::V6(_)) => "H",
        (Problem::Unreachable(9 | 10 | 13), IpAddr::V4(_)) | (Problem::Unreachable(1), IpAddr::V6(_)) => "X",
        (Problem::Unreachable(2), IpAddr::V4(_)) | (Problem::Parameter { code: 1, .. }, IpAddr::V6(_)) => "P",
        (Problem::Unreachable(5), IpAddr::V4(_)) => "S",
        (Problem::Unreachable(14), IpAddr::V4(_)) => "V",
        (Problem::Unreachable(15), IpAddr::V4(_)) => "C",
        (Problem::Unreachable(code), _) => return format!(" !<{code}>"),
        (Problem::TimeExceeded(code) | Problem::Parameter { code, .. } | Problem::Redirect { code, .. }, _) => {
            return format!(" !<{code}>");
        }
    };
    format!(" !{letter}")
}

/// Milliseconds with three decimals, rounded.
fn millis(took: Duration) -> String {
    let us = (took.as_nanos() + 500) / 1000;
    format!("{}.{:03}", us / 1000, us % 1000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::userland::traceroute::Session as _;

    /// What happened, and how long it took in milliseconds.
    fn run(line: &str, answer: impl Fn(u8, u16) -> Option<(&'static str, Verdict)>) -> (String, u64) {
        let argv: Vec<String> = line.split(' ').map(str::to_owned).collect();
        let mut session = Session::new(&Options::parse(&argv).unwrap());
        let (mut text, mut now, mut on_the_way) = (String::new(), Instant::ZERO, VecDeque::new());
        loop {
            match session.poll(now) {
                Action::Print(part) => text += &part,
                Action::PrintAddress(addr) => text += &addr.to_string(),
                Action::Finish => return (text, now.as_nanos() / 1_000_000),
                Action::Send { ttl, number } => {
                    let response = answer(ttl, number).map(|(from, verdict)| {
                        let from = from.parse().unwrap();
                        Response { from, number, verdict, ttl: 64, len: 56 }
                    });
                    on_the_way.extend(response.map(|r| (now + Duration::from_micros(20), r)));
                }
                Action::Wait(until) => match on_the_way.pop_front() {
                    Some((at, response)) => {
                        now = at;
                        session.handle_response(now, response);
                    }
                    None => now = until,
                },
            }
        }
    }

    #[test]
    fn a_way_of_two_hops_is_printed_in_order() {
        let answer = |ttl, _| match ttl {
            1 => Some(("10.99.0.254", Verdict::Expired)),
            _ => Some(("10.98.0.3", Verdict::Reached)),
        };
        let (text, ms) = run("traceroute -n 10.98.0.3", answer);
        let expected = "\n 1  10.99.0.254  0.020 ms  0.020 ms  0.020 ms\n 2  10.98.0.3  0.020 ms  0.020 ms  0.020 ms\n";
        assert_eq!((text.as_str(), ms), (expected, 0));
    }

    #[test]
    fn silence_takes_the_whole_time_once_for_sixteen_probes() {
        let (text, ms) = run("traceroute -n -m 3 -w 1 10.95.0.1", |_, _| None);
        assert_eq!((text.as_str(), ms), ("\n 1  * * *\n 2  * * *\n 3  * * *\n", 1000));
    }

    #[test]
    fn a_silent_probe_beside_quick_ones_is_given_up_soon() {
        let answer = |_, number| (number != 33435).then_some(("10.98.0.3", Verdict::Reached));
        let (text, ms) = run("traceroute -n 10.98.0.3", answer);
        assert_eq!(text, "\n 1  10.98.0.3  0.020 ms * 10.98.0.3  0.020 ms\n");
        assert_eq!(ms, 3, "three times a millisecond and the 0.02 ms that the neighbour took");
    }

    #[test]
    fn an_unreachable_host_ends_it() {
        let answer = |_, _| Some(("10.99.0.254", Verdict::Failed(Problem::Unreachable(1))));
        let (text, _) = run("traceroute -n -q 2 10.97.0.1", answer);
        assert_eq!(text, "\n 1  10.99.0.254  0.020 ms !H  0.020 ms !H\n");
    }

    #[test]
    fn echoes_are_numbered_from_one_and_pauses_kept() {
        let answer = |ttl: u8, number| {
            assert_eq!(u16::from(ttl), number + 1);
            Some(("10.0.0.9", if ttl == 3 { Verdict::Reached } else { Verdict::Expired }))
        };
        let (text, ms) = run("traceroute -I -n -q 1 -f 2 -z 100 10.0.0.9", answer);
        assert_eq!((text.as_str(), ms), ("\n 2  10.0.0.9  0.020 ms\n 3  10.0.0.9  0.020 ms\n", 100));
    }
}
