//! Queries that wait for servers outside: which server is asked, for how long, and what of its answers reaches the
//! client (fact 48). Messages pass as bytes, but for the id: all questions of a namespace leave from one socket, so
//! each gets an id of its own.

use core::net::SocketAddr;
use core::time::Duration;
use std::collections::BTreeMap;

use super::{Action, Client, Transport};
use crate::rng::Rng;
use crate::time::Instant;

/// How many servers are tried for one query (libnetwork, `maxExtDNS`).
pub const ATTEMPTS_MAX: usize = 3;
/// How long one server may be silent (libnetwork, `extIOTimeout`).
pub const SILENCE: Duration = Duration::from_secs(4);
/// How many queries may wait at a time; one more gets no reply (libnetwork, `maxConcurrent`).
pub const PENDING_MAX: usize = 1024;

const HEADER_LEN: usize = 12;

/// One query on its way.
#[derive(Clone, Debug)]
struct Forward {
    client: Client,
    client_id: [u8; 2],
    /// The query under its new id.
    query: Vec<u8>,
    /// Who is asked now, and then who is left.
    servers: Vec<SocketAddr>,
    /// The last server's answer, if it was a bad one; what the client gets when nobody has a better one.
    bad: Option<Vec<u8>>,
    deadline: Instant,
}

/// What an answer from outside is worth.
#[derive(Debug, Eq, PartialEq)]
enum Verdict {
    /// The client gets it.
    Final,
    /// The next server may know better.
    Bad,
}

/// All queries of one server that wait, by the id they went out with.
#[derive(Clone, Debug, Default)]
pub(super) struct Forwards {
    pending: BTreeMap<u16, Forward>,
}

impl Forwards {
    /// Passes the query in `bytes` on to the first of `upstreams`. With none, or too many waiting, nothing happens.
    pub(super) fn start(
        &mut self,
        now: Instant,
        client: Client,
        bytes: &[u8],
        upstreams: &[SocketAddr],
        rng: &mut Rng,
        out: &mut Vec<Action>,
    ) {
        let [high, low, rest @ ..] = bytes else { return };
        if self.pending.len() >= PENDING_MAX || upstreams.is_empty() {
            return;
        }
        let id = self.free_id(rng);
        let query = [id.to_be_bytes().as_slice(), rest].concat();
        let servers = upstreams.iter().copied().take(ATTEMPTS_MAX).collect();
        let forward = Forward { client, client_id: [*high, *low], query, servers, bad: None, deadline: now };
        self.ask(now, id, forward, out);
    }

    fn free_id(&self, rng: &mut Rng) -> u16 {
        loop {
            let id = rng.u16();
            if !self.pending.contains_key(&id) {
                return id;
            }
        }
    }

    /// Asks the first server that `forward` has left; with none the client gets the last bad answer, or nothing.
    fn ask(&mut self, now: Instant, id: u16, mut forward: Forward, out: &mut Vec<Action>) {
        if let Some(upstream) = forward.servers.first() {
            let transport = forward.client.transport;
            out.push(Action::Query { upstream: *upstream, transport, bytes: forward.query.clone() });
            forward.deadline = now + SILENCE;
            self.pending.insert(id, forward);
        } else if let Some(bytes) = forward.bad {
            out.push(Action::Reply { client: forward.client, bytes });
        }
    }

    /// Takes `id` off the server it waits for, leaving `bad` as the last word.
    fn ask_next(&mut self, now: Instant, id: u16, bad: Option<Vec<u8>>, out: &mut Vec<Action>) {
        if let Some(mut forward) = self.pending.remove(&id) {
            forward.servers.remove(0);
            forward.bad = bad;
            self.ask(now, id, forward, out);
        }
    }

    /// Takes in an answer of `upstream`.
    pub(super) fn respond(&mut self, now: Instant, upstream: SocketAddr, bytes: &[u8], out: &mut Vec<Action>) {
        let [high, low, rest @ ..] = bytes else { return };
        let id = u16::from_be_bytes([*high, *low]);
        let Some(forward) = self.pending.get(&id).filter(|f| f.servers.first() == Some(&upstream)) else { return };
        let reply = [forward.client_id.as_slice(), rest].concat();
        let client = forward.client;
        match verdict(bytes) {
            Verdict::Bad => self.ask_next(now, id, Some(reply), out),
            Verdict::Final => {
                self.pending.remove(&id);
                out.push(Action::Reply { client, bytes: reply });
            }
        }
    }

    /// Takes in that no datagram reaches `upstream`.
    pub(super) fn fail(&mut self, now: Instant, upstream: SocketAddr, out: &mut Vec<Action>) {
        let by_udp = |forward: &Forward| forward.client.transport == Transport::Udp;
        self.skip(now, |forward| by_udp(forward) && forward.servers.first() == Some(&upstream), out);
    }

    /// Takes in that the connection with `query` on it is gone.
    pub(super) fn break_off(&mut self, now: Instant, query: &[u8], out: &mut Vec<Action>) {
        self.skip(now, |forward| forward.query == query, out);
    }

    /// Gives up on servers that were silent until `now`.
    pub(super) fn expire(&mut self, now: Instant, out: &mut Vec<Action>) {
        self.skip(now, |forward| forward.deadline <= now, out);
    }

    /// Goes on to the next server for all queries of which `is_lost` holds. An earlier bad answer is forgotten: the
    /// engine passes on what it heard last, and that was nothing (08: `.51 .52 .59` ends in silence).
    fn skip(&mut self, now: Instant, is_lost: impl Fn(&Forward) -> bool, out: &mut Vec<Action>) {
        let lost: Vec<u16> = self.pending.iter().filter(|(_, f)| is_lost(f)).map(|(id, _)| *id).collect();
        for id in lost {
            self.ask_next(now, id, None, out);
        }
    }

    /// When the next server will have been silent for too long.
    pub(super) fn next_at(&self) -> Option<Instant> {
        self.pending.values().map(|forward| forward.deadline).min()
    }
}

/// NOERROR ends the search, and so does NXDOMAIN with AA; SERVFAIL, REFUSED, plain NXDOMAIN and all else do not.
fn verdict(response: &[u8]) -> Verdict {
    const NOERROR: u8 = 0;
    const NXDOMAIN: u8 = 3;
    const AUTHORITATIVE: u8 = 0x04;
    if response.len() < HEADER_LEN {
        return Verdict::Bad;
    }
    match response[3] & 0x0f {
        NOERROR => Verdict::Final,
        NXDOMAIN if response[2] & AUTHORITATIVE != 0 => Verdict::Final,
        _ => Verdict::Bad,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Seed;

    const CLIENT: &str = "127.0.0.1:40000";

    fn at(secs: u64) -> Instant {
        Instant::ZERO + Duration::from_secs(secs)
    }

    fn server(last: u8) -> SocketAddr {
        SocketAddr::from(([192, 0, 2, last], 53))
    }

    /// A bare header with this rcode.
    fn message(id: [u8; 2], flags: u8, rcode: u8) -> Vec<u8> {
        vec![id[0], id[1], flags, rcode, 0, 1, 0, 0, 0, 0, 0, 0]
    }

    /// A query under way to the servers with these last octets.
    struct Case {
        forwards: Forwards,
        out: Vec<Action>,
    }

    impl Case {
        fn start(servers: &[u8]) -> Self {
            let mut case = Self { forwards: Forwards::default(), out: Vec::new() };
            let upstreams: Vec<SocketAddr> = servers.iter().map(|last| server(*last)).collect();
            let client = Client { addr: CLIENT.parse().expect("an address"), transport: Transport::Udp };
            let query = message([0xab, 0xcd], 1, 0);
            case.forwards.start(at(0), client, &query, &upstreams, &mut Seed(1).stream("dns"), &mut case.out);
            case
        }

        /// The server asked last answers with `flags` and `rcode`.
        fn respond(&mut self, now: Instant, flags: u8, rcode: u8) {
            let Some(Action::Query { upstream, bytes, .. }) = self.out.last().cloned() else {
                panic!("nobody is asked")
            };
            self.forwards.respond(now, upstream, &message([bytes[0], bytes[1]], flags, rcode), &mut self.out);
        }

        /// Who was asked, and the replies' rcodes.
        fn story(&self) -> Vec<String> {
            let word = |action: &Action| match action {
                Action::Query { upstream, .. } => format!("ask {}", upstream.ip()),
                Action::Reply { bytes, .. } => format!("reply {:02x}{:02x} {}", bytes[0], bytes[1], bytes[3] & 15),
            };
            self.out.iter().map(word).collect()
        }
    }

    #[test]
    fn a_bad_answer_leads_to_the_next_server_at_once() {
        for rcode in [2, 5, 3, 1] {
            let mut case = Case::start(&[51, 53]);
            case.respond(at(0), 0x81, rcode);
            case.respond(at(0), 0x81, 0);
            assert_eq!(case.story(), ["ask 192.0.2.51", "ask 192.0.2.53", "reply abcd 0"]);
            assert_eq!(case.forwards.next_at(), None);
        }
    }

    #[test]
    fn an_authoritative_nxdomain_is_the_end() {
        let mut case = Case::start(&[51, 53]);
        case.respond(at(0), 0x85, 3);
        assert_eq!(case.story(), ["ask 192.0.2.51", "reply abcd 3"]);
    }

    #[test]
    fn the_only_answer_is_passed_on_even_if_it_is_bad() {
        let mut case = Case::start(&[51]);
        case.respond(at(0), 0x81, 2);
        assert_eq!(case.story(), ["ask 192.0.2.51", "reply abcd 2"]);
    }

    #[test]
    fn a_silent_server_costs_four_seconds() {
        let mut case = Case::start(&[59, 53]);
        assert_eq!(case.forwards.next_at(), Some(at(4)));
        case.forwards.expire(at(3), &mut case.out);
        assert_eq!(case.story(), ["ask 192.0.2.59"]);
        case.forwards.expire(at(4), &mut case.out);
        assert_eq!(case.forwards.next_at(), Some(at(8)));
        case.respond(at(5), 0x81, 0);
        assert_eq!(case.story(), ["ask 192.0.2.59", "ask 192.0.2.53", "reply abcd 0"]);
    }

    #[test]
    fn silence_at_the_end_means_no_reply_and_a_fourth_server_is_not_asked() {
        let mut case = Case::start(&[51, 52, 59, 53]);
        case.respond(at(0), 0x81, 2);
        case.respond(at(0), 0x81, 5);
        case.forwards.expire(at(4), &mut case.out);
        assert_eq!(case.story(), ["ask 192.0.2.51", "ask 192.0.2.52", "ask 192.0.2.59"]);
        assert_eq!(case.forwards.next_at(), None);
    }

    #[test]
    fn a_closed_port_leads_to_the_next_server_at_once() {
        let mut case = Case::start(&[10, 53]);
        case.forwards.fail(at(0), server(53), &mut case.out);
        case.forwards.fail(at(0), server(10), &mut case.out);
        assert_eq!(case.story(), ["ask 192.0.2.10", "ask 192.0.2.53"]);
    }

    #[test]
    fn only_the_server_that_was_asked_may_answer() {
        let mut case = Case::start(&[59, 53]);
        let Action::Query { bytes, .. } = case.out[0].clone() else { panic!("the first server is asked") };
        let answer = message([bytes[0], bytes[1]], 0x81, 0);
        case.forwards.respond(at(0), server(53), &answer, &mut case.out);
        case.forwards.respond(at(0), server(59), &answer[..1], &mut case.out);
        assert_eq!(case.story(), ["ask 192.0.2.59"]);
        case.forwards.respond(at(0), server(59), &answer, &mut case.out);
        case.forwards.respond(at(0), server(59), &answer, &mut case.out);
        assert_eq!(case.story(), ["ask 192.0.2.59", "reply abcd 0"], "the second answer finds nobody waiting");
    }

    #[test]
    fn queries_beyond_the_limit_are_dropped() {
        let mut case = Case::start(&[1]);
        let (client, mut rng) =
            (case.forwards.pending.values().next().expect("one waits").client, Seed(2).stream("dns"));
        for _ in 0..2000 {
            let query = message([0, 0], 1, 0);
            case.forwards.start(at(0), client, &query, &[server(1)], &mut rng, &mut case.out);
        }
        assert_eq!(case.out.len(), PENDING_MAX);
        case.forwards.expire(at(4), &mut case.out);
        assert_eq!(case.forwards.next_at(), None);
    }
}
