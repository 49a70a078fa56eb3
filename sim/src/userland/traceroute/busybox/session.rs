//! One run of busybox traceroute as a function of time and responses: one probe at a time, each waited for. It has no
//! socket and knows no names.

use core::net::IpAddr;
use core::time::Duration;
use std::collections::VecDeque;

use super::options::Options;
use crate::time::Instant;
use crate::userland::Errno;
use crate::userland::aimed::Refusal;
use crate::userland::icmp::Problem;
use crate::userland::traceroute::{self, Action, Method, Response, Verdict};

#[derive(Clone, Copy, Debug)]
enum State {
    /// A probe is to be sent then.
    Pausing(Instant),
    /// The probe with this number was sent.
    Waiting {
        number: u16,
        sent_at: Instant,
    },
    Finished,
}

/// How far it has come.
#[derive(Clone, Debug)]
pub(super) struct Session {
    options: Options,
    our_address: IpAddr,
    state: State,
    ttl: u8,
    /// Probes of this hop that are done.
    done: u32,
    /// Probes sent in all.
    sent: u16,
    /// Who answered last in this hop.
    last: Option<IpAddr>,
    reached: bool,
    failures: u32,
    output: VecDeque<Action>,
}

impl Session {
    pub(super) fn new(options: Options, our_address: IpAddr, now: Instant) -> Self {
        let ttl = options.first_hop;
        let mut session = Self {
            state: State::Pausing(now + options.pause),
            options,
            our_address,
            ttl,
            done: 0,
            sent: 0,
            last: None,
            reached: false,
            failures: 0,
            output: VecDeque::new(),
        };
        session.print(format!("{ttl:2}"));
        session
    }

    fn print(&mut self, text: impl Into<String>) {
        self.output.push_back(Action::Print(text.into()));
    }

    /// Counts what became of a probe and gives the mark after its time.
    fn mark(&mut self, response: Response) -> String {
        match response.verdict {
            Verdict::Expired => String::new(),
            Verdict::Reached => {
                self.reached = true;
                let strange = response.ttl <= 1 && self.options.method == Method::Udp;
                if strange { " !".to_owned() } else { String::new() }
            }
            Verdict::Failed(problem) => {
                let protocol_unknown = problem == Problem::Unreachable(2) && response.from.is_ipv4();
                if protocol_unknown {
                    self.reached = true;
                } else {
                    self.failures += 1;
                }
                failure_mark(response.from, problem)
            }
        }
    }

    fn next_probe(&mut self, now: Instant) {
        self.done += 1;
        self.state = State::Pausing(now + self.options.pause);
        if self.done < self.options.probes {
            return;
        }
        self.print("\n");
        let stuck = self.failures > 0 && self.failures + 1 >= self.options.probes;
        if self.reached || stuck || self.ttl == self.options.max_hops {
            self.state = State::Finished;
            return;
        }
        self.ttl += 1;
        (self.done, self.last, self.failures) = (0, None, 0);
        self.print(format!("{:2}", self.ttl));
    }
}

impl traceroute::Session for Session {
    fn poll(&mut self, now: Instant) -> Action {
        if let Some(action) = self.output.pop_front() {
            return action;
        }
        match self.state {
            State::Finished => Action::Finish,
            State::Pausing(until) if now < until => Action::Wait(until),
            State::Pausing(_) => {
                self.sent = self.sent.wrapping_add(1);
                let first = if self.options.method == Method::Udp { self.options.port } else { 0 };
                let number = first.wrapping_add(self.sent);
                self.state = State::Waiting { number, sent_at: now };
                Action::Send { ttl: self.ttl, number }
            }
            State::Waiting { sent_at, .. } if now < sent_at + self.options.wait => {
                Action::Wait(sent_at + self.options.wait)
            }
            State::Waiting { .. } => {
                self.print("  *");
                self.next_probe(now);
                self.poll(now)
            }
        }
    }

    /// Takes the response to the probe that is waited for; others come too late.
    fn handle_response(&mut self, now: Instant, response: Response) {
        let State::Waiting { number, sent_at } = self.state else { return };
        if response.number != number {
            return;
        }
        if self.last != Some(response.from) {
            self.last = Some(response.from);
            self.print("  ");
            self.output.push_back(Action::PrintAddress(response.from));
            if self.options.verbose {
                self.print(format!(" {} bytes to {}", response.len, self.our_address));
            }
        }
        let ttl = if self.options.show_ttl { format!(" ({})", response.ttl) } else { String::new() };
        let mark = self.mark(response);
        self.print(format!("  {} ms{ttl}{mark}", millis(now - sent_at)));
        self.next_probe(now);
    }

    fn unsent(error: Errno) -> Refusal {
        super::refuse(&format!("sendto: {error}"))
    }
}

fn failure_mark(from: IpAddr, problem: Problem) -> String {
    let letter = match (problem, from) {
        (Problem::TooBig(mtu), _) => return format!(" !F-{mtu}"),
        (Problem::Unreachable(code), IpAddr::V4(_)) => match code {
            0 => "N",
            1 => "H",
            2 => "P",
            5 => "S",
            6 | 7 => "U",
            8 => "I",
            9 | 13 => "A",
            10 | 15 => "C",
            11 | 12 => "T",
            14 => "V",
            _ => return format!(" !<{code}>"),
        },
        (Problem::Unreachable(code), IpAddr::V6(_)) => match code {
            0 => "N",
            1 => "P",
            2 => "S",
            3 => "A",
            _ => return format!(" !<{code}>"),
        },
        (Problem::TimeExceeded(code) | Problem::Parameter { code, .. } | Problem::Redirect { code, .. }, _) => {
            return format!(" !<{code}>");
        }
    };
    format!(" !{letter}")
}

fn millis(took: Duration) -> String {
    let us = took.as_micros();
    format!("{}.{:03}", us / 1000, us % 1000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::userland::traceroute::Session as _;

    const HERE: IpAddr = IpAddr::V4(core::net::Ipv4Addr::new(172, 25, 0, 2));

    const fn at(us: u64) -> Instant {
        Instant::from_nanos(us * 1000)
    }

    fn session(line: &str) -> Session {
        let argv: Vec<String> = line.split(' ').map(str::to_owned).collect();
        Session::new(Options::parse(&argv).unwrap(), HERE, at(0))
    }

    /// Runs to the end; `answer` says who answers a probe, and how. Silence is waited for.
    fn run(mut session: Session, answer: impl Fn(u8, u16) -> Option<(&'static str, Verdict)>) -> (String, u64) {
        let (mut text, mut now) = (String::new(), at(0));
        loop {
            match session.poll(now) {
                Action::Print(part) => text += &part,
                Action::PrintAddress(addr) => text += &addr.to_string(),
                Action::Wait(until) => now = until,
                Action::Finish => return (text, now.as_nanos() / 1_000_000_000),
                Action::Send { ttl, number } => {
                    if let Some((from, verdict)) = answer(ttl, number) {
                        now += Duration::from_micros(5);
                        let from = from.parse().unwrap();
                        let response = Response { from, number, verdict, ttl: 64, len: 54 };
                        session.handle_response(now, response);
                    }
                }
            }
        }
    }

    #[test]
    fn a_way_of_two_hops() {
        let answer = |ttl, number: u16| match ttl {
            1 => Some(("172.17.0.1", Verdict::Expired)),
            _ => (number == 33436).then_some(("192.0.2.1", Verdict::Reached)),
        };
        let (text, _) = run(session("traceroute -n -q 1 192.0.2.1"), answer);
        assert_eq!(text, " 1  172.17.0.1  0.005 ms\n 2  192.0.2.1  0.005 ms\n");
    }

    #[test]
    fn silence_is_a_star_for_each_probe() {
        let answer = |ttl, _| (ttl == 1).then_some(("172.25.0.1", Verdict::Expired));
        let (text, seconds) = run(session("traceroute -n -w 1 -m 3 172.17.0.2"), answer);
        assert_eq!(text, " 1  172.25.0.1  0.005 ms  0.005 ms  0.005 ms\n 2  *  *  *\n 3  *  *  *\n");
        assert_eq!(seconds, 6);
    }

    #[test]
    fn enough_failures_end_it() {
        let unreachable = Verdict::Failed(Problem::Unreachable(1));
        let answer = |_, number| (number != 33437).then_some(("10.99.0.254", unreachable));
        let (text, _) = run(session("traceroute -n 10.97.0.1"), answer);
        assert_eq!(text, " 1  10.99.0.254  0.005 ms !H  0.005 ms !H  *\n");
    }

    #[test]
    fn echoes_are_numbered_from_one_and_details_shown() {
        let answer = |_, number| Some(("10.0.0.9", if number == 2 { Verdict::Reached } else { Verdict::Expired }));
        let (text, _) = run(session("traceroute -I -q 2 -l -v 10.0.0.9"), answer);
        assert_eq!(text, " 1  10.0.0.9 54 bytes to 172.25.0.2  0.005 ms (64)  0.005 ms (64)\n");
    }

    #[test]
    fn an_answer_to_an_earlier_probe_is_ignored() {
        let mut run = session("traceroute -n -w 1 h");
        assert_eq!(run.poll(at(0)), Action::Print(" 1".to_owned()));
        assert_eq!(run.poll(at(0)), Action::Send { ttl: 1, number: 33435 });
        let response = Response { from: HERE, number: 33434, verdict: Verdict::Expired, ttl: 64, len: 54 };
        run.handle_response(at(1), response);
        assert_eq!(run.poll(at(1)), Action::Wait(at(1_000_000)));
    }
}
