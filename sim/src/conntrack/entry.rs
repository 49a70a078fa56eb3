//! One tracked flow: its two tuples, its state, how long it still lives, and what NAT decided about it.

use core::time::Duration;

use super::tuple::is_icmp_query;
use super::{Direction, Tuple, tcp};
use crate::packet::{End, Ip, Upper, protocol};
use crate::time::Instant;

/// What NAT did to one end of a flow.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Nat {
    /// Nothing was decided yet.
    #[default]
    Undecided,
    /// It stays as it is.
    Kept,
    /// It is translated.
    Translated,
}

/// What conntrack keeps of a flow besides its tuples, by protocol.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Flow {
    /// ICMP queries.
    Icmp,
    /// A protocol without ports that it knows.
    Other,
    /// TCP.
    Tcp(tcp::State),
    /// UDP, which counts as a stream from this instant on.
    Udp {
        /// Two seconds after the first datagram.
        stream_at: Instant,
    },
}

/// What a packet of a known flow does to it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Update {
    /// It belongs to the flow.
    Accepted,
    /// It does not fit the flow.
    Invalid,
    /// It begins another flow in place of this one.
    Reopened,
}

/// A tracked flow.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Entry {
    /// The first packet's direction, as it came.
    pub original: Tuple,
    /// The direction of what comes back; the inverse of `original` but for NAT.
    pub reply: Tuple,
    /// What NAT did to the source of the first packet.
    pub source_nat: Nat,
    /// What NAT did to its destination.
    pub destination_nat: Nat,
    /// Its state.
    pub flow: Flow,
    /// Whether a packet came back.
    pub replied: bool,
    /// Whether it was seen to work, so that it is not dropped early when the table is full.
    pub assured: bool,
    /// When it ends unless a packet passes.
    pub deadline: Instant,
    /// The mark that rules gave it (`CONNMARK`).
    pub mark: u32,
}

/// How long a refused flow is still known: as long as the refusal takes through lo.
const LAST_WORD: Duration = Duration::from_micros(20);

impl Entry {
    /// The flow that a packet begins; none when such a packet begins none.
    pub(super) fn begin(now: Instant, ip: &Ip) -> Option<Self> {
        let flow = match ip.upper {
            Upper::Icmp { kind, .. } => is_icmp_query(ip.protocol, kind).then_some(Flow::Icmp)?,
            Upper::Other => Flow::Other,
            Upper::Tcp { flags, .. } => Flow::Tcp(tcp::State::first(flags)?),
            Upper::Udp { .. } => Flow::Udp { stream_at: now + Duration::from_secs(2) },
        };
        let original = Tuple::of(ip);
        let mut entry = Self {
            original,
            reply: original.inverse(),
            source_nat: Nat::Undecided,
            destination_nat: Nat::Undecided,
            flow,
            replied: false,
            assured: false,
            deadline: now,
            mark: 0,
        };
        entry.deadline = now + entry.timeout(now);
        Some(entry)
    }

    /// A flow that somebody made by hand.
    #[must_use]
    pub const fn made(original: Tuple, flow: Flow, deadline: Instant) -> Self {
        Self {
            original,
            reply: original.inverse(),
            source_nat: Nat::Kept,
            destination_nat: Nat::Kept,
            flow,
            replied: false,
            assured: false,
            deadline,
            mark: 0,
        }
    }

    /// Takes note of a packet of this flow.
    pub(super) fn update(&mut self, now: Instant, direction: Direction, ip: &Ip) -> Update {
        if let (Flow::Tcp(state), Upper::Tcp { flags, .. }) = (self.flow, ip.upper) {
            match state.step(direction, flags) {
                tcp::Step::To(next) => self.step_tcp(state, next),
                tcp::Step::Ignored => return Update::Accepted,
                tcp::Step::Invalid => return Update::Invalid,
                tcp::Step::Reopened => return Update::Reopened,
            }
        } else if let Flow::Udp { stream_at } = self.flow {
            self.assured |= self.replied && now > stream_at;
        }
        let refused = self.flow == Flow::Tcp(tcp::State::Close) && !self.replied;
        // A refusal ends the flow, which the refusal itself still belongs to, also where it comes in again by lo.
        self.deadline = now + if refused { LAST_WORD } else { self.timeout(now) };
        self.replied |= direction == Direction::Reply && !refused;
        Update::Accepted
    }

    /// A connection is assured once it was established in both directions.
    fn step_tcp(&mut self, before: tcp::State, next: tcp::State) {
        let open = matches!(before, tcp::State::SynRecv | tcp::State::Established);
        self.assured |= self.replied && open && next == tcp::State::Established;
        self.flow = Flow::Tcp(next);
    }

    /// A rule resets its connection; false when it is none, or closed already.
    pub(super) fn close(&mut self, now: Instant) -> bool {
        let is_open = matches!(self.flow, Flow::Tcp(state) if state != tcp::State::Close);
        if is_open {
            self.flow = Flow::Tcp(tcp::State::Close);
            self.deadline = now + self.timeout(now);
        }
        is_open
    }

    /// How long it lives from its last packet: Linux's sysctl defaults.
    fn timeout(&self, now: Instant) -> Duration {
        match self.flow {
            Flow::Icmp => Duration::from_secs(30),
            Flow::Other => Duration::from_mins(10),
            Flow::Tcp(state) => state.timeout(self.replied),
            Flow::Udp { stream_at } if self.replied && now > stream_at => Duration::from_mins(2),
            Flow::Udp { .. } => Duration::from_secs(30),
        }
    }

    /// The tuple of one direction.
    #[must_use]
    pub const fn tuple(&self, direction: Direction) -> &Tuple {
        match direction {
            Direction::Original => &self.original,
            Direction::Reply => &self.reply,
        }
    }

    /// What NAT did to one end of the first packet.
    #[must_use]
    pub const fn nat(&self, end: End) -> Nat {
        match end {
            End::Source => self.source_nat,
            End::Destination => self.destination_nat,
        }
    }

    /// Notes what NAT did to one end of the first packet.
    pub const fn set_nat(&mut self, end: End, nat: Nat) {
        match end {
            End::Source => self.source_nat = nat,
            End::Destination => self.destination_nat = nat,
        }
    }

    /// Whether a packet in `direction` has `end` translated: what NAT did to the source of the first packet is undone
    /// at the destination of the replies.
    #[must_use]
    pub fn translates(&self, direction: Direction, end: End) -> bool {
        let end = match direction {
            Direction::Original => end,
            Direction::Reply => end.other(),
        };
        self.nat(end) == Nat::Translated
    }

    /// Its protocol as `conntrack` names it.
    #[must_use]
    pub const fn protocol_name(&self) -> &'static str {
        match self.original.protocol {
            protocol::ICMP => "icmp",
            protocol::ICMPV6 => "icmpv6",
            protocol::TCP => "tcp",
            protocol::UDP => "udp",
            _ => "unknown",
        }
    }
}
