//! One run of busybox ping as a function of time and replies: when to send, when to end, and every line it prints. It
//! has no socket.

use core::net::IpAddr;
use core::time::Duration;
use std::collections::BTreeSet;

use super::options::Options;
use crate::time::Instant;
use crate::userland::ping::Action;

/// How many sequence numbers are remembered to tell duplicates (`MAX_DUP_CHK`).
const DUPLICATE_WINDOW: u16 = 1024;

/// A reply that came.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reply {
    pub(super) src: IpAddr,
    pub(super) seq: u16,
    pub(super) ttl: u8,
    /// Bytes of the message with its header.
    pub(super) len: usize,
    /// How long it took, when the payload has room to tell.
    pub(super) took: Option<Duration>,
}

/// Counters and times of a run.
#[derive(Clone, Debug)]
pub(super) struct Session {
    options: Options,
    start: Instant,
    interrupted: bool,
    /// When to send next, or after the last request when to give up.
    alarm: Option<Instant>,
    sent: u64,
    received: u64,
    duplicates: u64,
    seen: BTreeSet<u16>,
    /// Smallest, largest and sum of the round-trip times, in microseconds.
    times_us: Option<(u128, u128, u128)>,
}

impl Session {
    pub(super) const fn new(options: Options, start: Instant) -> Self {
        Self {
            options,
            start,
            interrupted: false,
            alarm: Some(start),
            sent: 0,
            received: 0,
            duplicates: 0,
            seen: BTreeSet::new(),
            times_us: None,
        }
    }

    pub(super) fn header(&self, dst: IpAddr) -> String {
        let from = self.options.source.as_deref().filter(|s| s.parse::<IpAddr>().is_ok());
        let from = from.map(|source| format!(" from {source}")).unwrap_or_default();
        format!("PING {} ({dst}){from}: {} data bytes\n", self.options.host, self.options.size)
    }

    pub(super) fn poll(&mut self, now: Instant) -> Action {
        if self.interrupted || self.is_complete() {
            return Action::Finish;
        }
        if self.alarm.is_none_or(|at| now < at) {
            return Action::Wait(self.alarm);
        }
        let deadline = self.options.deadline;
        let all_sent = self.options.count > 0 && self.sent >= self.options.count;
        if all_sent || (!deadline.is_zero() && now - self.start >= deadline) {
            return Action::Finish;
        }
        let seq = sequence(self.sent);
        self.sent += 1;
        self.seen.remove(&(seq % DUPLICATE_WINDOW));
        self.alarm = Some(now + self.pause());
        Action::Send(seq)
    }

    /// Whether as many replies came as were asked for.
    pub(super) const fn is_complete(&self) -> bool {
        self.options.count > 0 && self.received >= self.options.count
    }

    /// SIGINT came: end at the next look.
    pub(super) const fn interrupt(&mut self) {
        self.interrupted = true;
    }

    /// Until the next request; after the last one until it is given up: when others were answered, twice the longest
    /// round trip in whole seconds, at least one.
    fn pause(&self) -> Duration {
        if self.options.count == 0 || self.sent < self.options.count {
            return self.options.interval;
        }
        match self.times_us {
            _ if self.received == 0 => self.options.linger,
            Some((_, max, _)) => Duration::from_secs(u64::try_from(max >> 19).unwrap_or(u64::MAX).max(1)),
            None => Duration::from_secs(1),
        }
    }

    /// Counts a reply and gives its line.
    pub(super) fn handle_reply(&mut self, now: Instant, reply: Reply) -> String {
        let duplicate = !self.seen.insert(reply.seq % DUPLICATE_WINDOW);
        if duplicate {
            self.duplicates += 1;
        } else {
            self.received += 1;
        }
        if let Some(took) = reply.took {
            let us = took.as_micros();
            let (min, max, sum) = self.times_us.unwrap_or((us, us, 0));
            self.times_us = Some((min.min(us), max.max(us), sum + us));
        }
        if self.options.adaptive && (self.options.count == 0 || self.sent < self.options.count) {
            self.alarm = Some(now);
        }
        if self.options.quiet {
            return String::new();
        }
        let Reply { src, seq, ttl, len, .. } = reply;
        let time = reply.took.map(|took| format!(" time={} ms", millis(took.as_micros()))).unwrap_or_default();
        let mark = if duplicate { " (DUP!)" } else { "" };
        format!("{len} bytes from {src}: seq={seq} ttl={ttl}{time}{mark}\n")
    }

    /// The lines at the end.
    pub(super) fn statistics(&self) -> String {
        let Self { sent, received, duplicates, .. } = self;
        let mut text = format!("\n--- {} ping statistics ---\n", self.options.host);
        text += &format!("{sent} packets transmitted, {received} packets received, ");
        if *duplicates > 0 {
            text += &format!("{duplicates} duplicates, ");
        }
        let lost = sent.saturating_sub(*received) * 100;
        text += &format!("{}% packet loss\n", lost.checked_div(*sent).unwrap_or(0));
        if let Some((min, max, sum)) = self.times_us {
            let average = sum / u128::from(received + duplicates);
            text += &format!("round-trip min/avg/max = {}/{}/{} ms\n", millis(min), millis(average), millis(max));
        }
        text
    }

    /// 1 when nothing came, or less than was asked for by the deadline.
    pub(super) const fn exit_code(&self) -> i32 {
        let short = !self.options.deadline.is_zero() && self.received < self.options.count;
        if self.received == 0 || short { 1 } else { 0 }
    }
}

/// The number on the wire begins anew after 65535.
fn sequence(sent: u64) -> u16 {
    let [low, high, ..] = sent.to_le_bytes();
    u16::from_le_bytes([low, high])
}

fn millis(us: u128) -> String {
    format!("{}.{:03}", us / 1000, us % 1000)
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

    fn reply(seq: u16, us: u64) -> Reply {
        let src = "172.25.0.4".parse().unwrap();
        Reply { src, seq, ttl: 64, len: 64, took: Some(Duration::from_micros(us)) }
    }

    #[test]
    fn one_answered_request_reads_as_busybox_prints_it() {
        let mut run = session("ping -c 1 c5");
        assert_eq!(run.header("172.25.0.4".parse().unwrap()), "PING c5 (172.25.0.4): 56 data bytes\n");
        assert_eq!(run.poll(at(0)), Action::Send(0));
        assert_eq!(run.poll(at(0)), Action::Wait(Some(at(10_000))));
        assert_eq!(run.handle_reply(at(0), reply(0, 141)), "64 bytes from 172.25.0.4: seq=0 ttl=64 time=0.141 ms\n");
        assert_eq!(run.poll(at(0)), Action::Finish);
        let expected = "\n--- c5 ping statistics ---\n1 packets transmitted, 1 packets received, 0% packet loss\n\
            round-trip min/avg/max = 0.141/0.141/0.141 ms\n";
        assert_eq!((run.statistics().as_str(), run.exit_code()), (expected, 0));
    }

    #[test]
    fn without_replies_it_waits_and_ends_with_1() {
        let mut run = session("ping -c 2 -W 1 c5");
        let actions = [0, 1000, 1000, 2000].map(|ms| run.poll(at(ms)));
        assert_eq!(actions, [Action::Send(0), Action::Send(1), Action::Wait(Some(at(2000))), Action::Finish]);
        assert_eq!(run.exit_code(), 1);
        let expected = "\n--- c5 ping statistics ---\n2 packets transmitted, 0 packets received, 100% packet loss\n";
        assert_eq!(run.statistics(), expected);
    }

    #[test]
    fn the_deadline_ends_it_before_the_request_that_would_be_due() {
        let mut run = session("ping -w 2 -c 5 c5");
        assert_eq!(run.poll(at(0)), Action::Send(0));
        run.handle_reply(at(1), reply(0, 1000));
        assert_eq!(run.poll(at(1000)), Action::Send(1));
        assert_eq!(run.poll(at(2000)), Action::Finish);
        assert_eq!(run.exit_code(), 1, "fewer came than were asked for");
        assert!(run.statistics().contains("2 packets transmitted, 1 packets received, 50% packet loss\n"));
    }

    #[test]
    fn duplicates_are_marked_and_counted_apart() {
        let mut run = session("ping c5");
        run.poll(at(0));
        run.handle_reply(at(0), reply(0, 100));
        assert_eq!(
            run.handle_reply(at(0), reply(0, 300)),
            "64 bytes from 172.25.0.4: seq=0 ttl=64 time=0.300 ms (DUP!)\n"
        );
        let expected = "1 packets transmitted, 1 packets received, 1 duplicates, 0% packet loss\n\
            round-trip min/avg/max = 0.100/0.200/0.300 ms\n";
        assert!(run.statistics().ends_with(expected));
    }

    #[test]
    fn adaptive_sends_on_each_reply() {
        let mut run = session("ping -A -c 2 -q c5");
        assert_eq!(run.poll(at(0)), Action::Send(0));
        assert_eq!(run.handle_reply(at(3), reply(0, 3000)), "");
        assert_eq!(run.poll(at(3)), Action::Send(1));
        assert_eq!(run.poll(at(3)), Action::Wait(Some(at(1003))));
    }

    #[test]
    fn a_payload_without_room_has_no_time() {
        let mut run = session("ping -s 0 -c 1 c5");
        run.poll(at(0));
        let line = run.handle_reply(at(0), Reply { len: 8, took: None, ..reply(0, 0) });
        assert_eq!(line, "8 bytes from 172.25.0.4: seq=0 ttl=64\n");
        assert!(run.statistics().ends_with("0% packet loss\n"));
    }
}
