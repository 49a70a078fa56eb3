//! What follows the options of `ss`: `state STATE`, `sport = :80`, `src 10.0.0.1:80` and the like, all of which must fit.

use core::net::IpAddr;

use crate::addr::IpNetwork;
use crate::userland::sockets::{Row, State};

/// A condition on one end.
#[derive(Clone, Debug, Eq, PartialEq)]
struct End {
    peer: bool,
    net: Option<IpNetwork>,
    port: Option<u16>,
    /// Whether it must not fit.
    not: bool,
}

/// All conditions.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Filter {
    /// The states that were named.
    pub(super) states: Option<Vec<State>>,
    ends: Vec<End>,
}

impl Filter {
    /// Reads the words, or says what `ss` says about them.
    pub(super) fn parse(words: &[&str]) -> Result<Self, String> {
        let joined = words.join(" ").replace(['(', ')'], " ");
        let mut words = joined.split_whitespace().filter(|word| !matches!(*word, "and" | "&" | "&&"));
        let mut filter = Self::default();
        while let Some(word) = words.next() {
            match word {
                "state" => filter.states.get_or_insert_default().extend(states(words.next().unwrap_or_default())?),
                "exclude" => {
                    let excluded = states(words.next().unwrap_or_default())?;
                    filter.states.get_or_insert_with(|| ALL.to_vec()).retain(|state| !excluded.contains(state));
                }
                "src" | "dst" => filter.ends.push(End::parse(word == "dst", words.next().unwrap_or_default())?),
                "sport" | "dport" => {
                    let mut value = words.next().unwrap_or_default();
                    let not = matches!(value, "!=" | "ne" | "neq");
                    if not || matches!(value, "=" | "==" | "eq") {
                        value = words.next().unwrap_or_default();
                    }
                    let end = End::parse(word == "dport", &format!(":{}", value.trim_start_matches(':')))?;
                    filter.ends.push(End { not, ..end });
                }
                other => filter.ends.push(End::parse(true, other)?),
            }
        }
        Ok(filter)
    }

    pub(super) fn fits(&self, row: &Row) -> bool {
        self.ends.iter().all(|end| end.fits(row))
    }
}

impl End {
    /// `10.0.0.1`, `10.0.0.0/8`, `[::1]:80` or `:80`.
    fn parse(peer: bool, text: &str) -> Result<Self, String> {
        let bad =
            || format!("Error: an inet prefix is expected rather than \"{text}\".\nCannot parse dst/src address.\n");
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) if !host.contains(':') || host.ends_with(']') => (host, Some(port)),
            _ => (text, None),
        };
        let host = host.trim_matches(['[', ']']);
        let net = match host {
            "" | "*" => None,
            host if host.contains('/') => Some(host.parse().map_err(|_| bad())?),
            host => Some(IpNetwork::from(host.parse::<IpAddr>().map_err(|_| bad())?)),
        };
        let port = match port {
            None | Some("*" | "") => None,
            Some(port) => Some(port.parse().map_err(|_| bad())?),
        };
        Ok(Self { peer, net, port, not: false })
    }

    fn fits(&self, row: &Row) -> bool {
        let at = if self.peer { row.peer } else { Some(row.local) };
        let fits = at.is_some_and(|at| {
            self.net.is_none_or(|net| net.contains(at.ip())) && self.port.is_none_or(|port| port == at.port())
        });
        fits != self.not
    }
}

const ALL: [State; 11] = [
    State::Established,
    State::SynSent,
    State::SynReceived,
    State::FinWait1,
    State::FinWait2,
    State::TimeWait,
    State::Closed,
    State::CloseWait,
    State::LastAck,
    State::Listen,
    State::Closing,
];

fn states(word: &str) -> Result<Vec<State>, String> {
    let but = |left_out: &[State]| ALL.into_iter().filter(|state| !left_out.contains(state)).collect();
    Ok(match word {
        "all" => ALL.to_vec(),
        "connected" => but(&[State::Listen, State::Closed]),
        "synchronized" => but(&[State::Listen, State::Closed, State::SynSent]),
        "bucket" => vec![State::SynReceived, State::TimeWait],
        "big" => but(&[State::SynReceived, State::TimeWait]),
        "established" => vec![State::Established],
        "syn-sent" => vec![State::SynSent],
        "syn-recv" => vec![State::SynReceived],
        "fin-wait-1" => vec![State::FinWait1],
        "fin-wait-2" => vec![State::FinWait2],
        "time-wait" => vec![State::TimeWait],
        "closed" | "unconnected" => vec![State::Closed],
        "close-wait" => vec![State::CloseWait],
        "last-ack" => vec![State::LastAck],
        "listening" | "listen" => vec![State::Listen],
        "closing" => vec![State::Closing],
        other => return Err(format!("ss: wrong state name: {other}\n")),
    })
}
