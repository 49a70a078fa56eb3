//! TCP connections as conntrack sees them: from flags that pass, without windows or sequence numbers.
//!
//! The states and their lives are those of Linux (`nf_conntrack_proto_tcp`), with its sysctl defaults. Not here: the
//! window check that makes Linux call a segment out of window invalid, and the count of retransmissions.

use core::time::Duration;

use super::Direction;
use crate::packet::tcp_flag::{ACK, FIN, RST, SYN};

/// Where a connection stands, named as `conntrack -L` prints it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum State {
    /// A SYN was seen.
    SynSent,
    /// SYNs crossed.
    SynSent2,
    /// A SYN was answered with SYN and ACK.
    SynRecv,
    /// Both ends agreed.
    Established,
    /// One end is done sending.
    FinWait,
    /// That was acknowledged.
    CloseWait,
    /// Both ends are done sending.
    LastAck,
    /// All is acknowledged; late segments may still come.
    TimeWait,
    /// It was reset.
    Close,
}

/// What a segment does to a connection.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Step {
    /// It goes on in this state, perhaps the same.
    To(State),
    /// The segment does not fit but may pass, as an end that lost its memory sends it; nothing changes.
    Ignored,
    /// The segment does not belong to the connection.
    Invalid,
    /// A SYN opens a new connection over one that ended.
    Reopened,
}

/// The kind of a segment, by its flags: RST before SYN before FIN before ACK.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Segment {
    Syn,
    SynAck,
    Fin,
    Ack,
    Rst,
    Bare,
}

impl Segment {
    const fn of(flags: u8) -> Self {
        if flags & RST != 0 {
            Self::Rst
        } else if flags & SYN != 0 {
            if flags & ACK != 0 { Self::SynAck } else { Self::Syn }
        } else if flags & FIN != 0 {
            Self::Fin
        } else if flags & ACK != 0 {
            Self::Ack
        } else {
            Self::Bare
        }
    }
}

impl State {
    /// The state that a connection begins in with a segment of these flags; none when it cannot begin so. An ACK can:
    /// a connection that was there before tracking began is picked up (`nf_conntrack_tcp_loose`).
    #[must_use]
    pub const fn first(flags: u8) -> Option<Self> {
        match Segment::of(flags) {
            Segment::Syn => Some(Self::SynSent),
            Segment::Ack => Some(Self::Established),
            Segment::SynAck | Segment::Fin | Segment::Rst | Segment::Bare => None,
        }
    }

    /// What a segment with these flags in this direction does.
    #[must_use]
    pub const fn step(self, direction: Direction, flags: u8) -> Step {
        match (Segment::of(flags), direction) {
            (Segment::Syn, Direction::Original) => self.syn(),
            (Segment::Syn, Direction::Reply) => self.syn_back(),
            (Segment::SynAck, Direction::Original) => self.syn_ack_on(),
            (Segment::SynAck, Direction::Reply) => self.syn_ack(),
            (Segment::Fin, _) => self.fin(),
            (Segment::Ack, Direction::Original) => self.ack(),
            (Segment::Ack, Direction::Reply) => self.ack_back(),
            (Segment::Rst, _) => Step::To(Self::Close),
            (Segment::Bare, _) => Step::Invalid,
        }
    }

    const fn syn(self) -> Step {
        match self {
            Self::SynSent | Self::SynSent2 => Step::To(self),
            Self::TimeWait | Self::Close => Step::Reopened,
            Self::SynRecv | Self::Established | Self::FinWait | Self::CloseWait | Self::LastAck => Step::Ignored,
        }
    }

    const fn syn_back(self) -> Step {
        match self {
            Self::SynSent | Self::SynSent2 => Step::To(Self::SynSent2),
            Self::TimeWait => Step::Reopened,
            _ => Step::Invalid,
        }
    }

    const fn syn_ack_on(self) -> Step {
        match self {
            Self::SynRecv | Self::SynSent2 => Step::To(Self::SynRecv),
            _ => Step::Invalid,
        }
    }

    const fn syn_ack(self) -> Step {
        match self {
            Self::SynSent | Self::SynSent2 => Step::To(Self::SynRecv),
            _ => Step::Ignored,
        }
    }

    const fn fin(self) -> Step {
        match self {
            Self::SynRecv | Self::Established => Step::To(Self::FinWait),
            Self::FinWait | Self::CloseWait | Self::LastAck => Step::To(Self::LastAck),
            Self::TimeWait | Self::Close => Step::To(self),
            Self::SynSent | Self::SynSent2 => Step::Invalid,
        }
    }

    const fn ack(self) -> Step {
        match self {
            Self::SynRecv | Self::Established => Step::To(Self::Established),
            Self::SynSent | Self::SynSent2 => Step::Invalid,
            ending => Step::To(ending.acknowledged()),
        }
    }

    const fn ack_back(self) -> Step {
        match self {
            Self::SynSent | Self::SynSent2 => Step::Ignored,
            Self::SynRecv | Self::Established => Step::To(self),
            ending => Step::To(ending.acknowledged()),
        }
    }

    /// The state after an ACK while the connection ends.
    const fn acknowledged(self) -> Self {
        match self {
            Self::FinWait => Self::CloseWait,
            Self::LastAck => Self::TimeWait,
            other => other,
        }
    }

    /// How long it lives without a segment in this state; a connection that was picked up and never answered has five
    /// minutes.
    #[must_use]
    pub const fn timeout(self, replied: bool) -> Duration {
        Duration::from_secs(match self {
            Self::Established if !replied => 300,
            Self::Established => 432_000,
            Self::SynSent | Self::SynSent2 | Self::FinWait | Self::TimeWait => 120,
            Self::SynRecv | Self::CloseWait => 60,
            Self::LastAck => 30,
            Self::Close => 10,
        })
    }

    /// The state of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        use State::{Close, CloseWait, Established, FinWait, LastAck, SynRecv, SynSent, SynSent2, TimeWait};
        let all = [SynSent, SynSent2, SynRecv, Established, FinWait, CloseWait, LastAck, TimeWait, Close];
        all.into_iter().find(|state| state.name() == name)
    }

    /// Its name in `conntrack -L`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::SynSent => "SYN_SENT",
            Self::SynSent2 => "SYN_SENT2",
            Self::SynRecv => "SYN_RECV",
            Self::Established => "ESTABLISHED",
            Self::FinWait => "FIN_WAIT",
            Self::CloseWait => "CLOSE_WAIT",
            Self::LastAck => "LAST_ACK",
            Self::TimeWait => "TIME_WAIT",
            Self::Close => "CLOSE",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Direction::{Original, Reply};

    /// The states that a connection goes through.
    fn walk(segments: &[(Direction, u8)]) -> Vec<State> {
        let mut states = vec![State::first(segments[0].1).unwrap()];
        for (direction, flags) in &segments[1..] {
            let Step::To(next) = states.last().unwrap().step(*direction, *flags) else { panic!("{states:?}") };
            states.push(next);
        }
        states
    }

    #[test]
    fn a_connection_opens_and_closes() {
        let opening = [(Original, SYN), (Reply, SYN | ACK), (Original, ACK), (Reply, ACK)];
        assert_eq!(walk(&opening), [State::SynSent, State::SynRecv, State::Established, State::Established]);
        let closing = [(Original, ACK), (Original, FIN | ACK), (Reply, ACK), (Reply, FIN | ACK), (Original, ACK)];
        let states = walk(&closing);
        assert_eq!(states[1..], [State::FinWait, State::CloseWait, State::LastAck, State::TimeWait]);
    }

    #[test]
    fn a_segment_out_of_the_blue_is_invalid_but_an_ack_picks_up() {
        assert_eq!(State::first(SYN | ACK), None);
        assert_eq!(State::first(RST), None);
        assert_eq!(State::first(ACK), Some(State::Established));
        assert_eq!(State::SynSent.step(Original, ACK), Step::Invalid);
    }

    #[test]
    fn a_syn_opens_anew_what_had_ended() {
        assert_eq!(State::TimeWait.step(Original, SYN), Step::Reopened);
        assert_eq!(State::Established.step(Original, SYN), Step::Ignored);
        assert_eq!(State::Established.step(Reply, RST), Step::To(State::Close));
    }
}
