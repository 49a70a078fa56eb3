//! What `arping` prints: a line for each answer, the counts, and why it cannot ask.

use core::time::Duration;

use super::options::USAGE;
use crate::packet::arp::{Arp, Operation};
use crate::userland::Flavour;

/// What was sent and came.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Count {
    pub(super) sent: u64,
    pub(super) broadcast: u64,
    pub(super) received: u64,
    pub(super) requests: u64,
    pub(super) heard_by_all: u64,
}

impl Count {
    /// The last two lines.
    pub(super) fn summary(&self, flavour: Flavour) -> String {
        let Self { sent, broadcast, received, requests, heard_by_all } = *self;
        if flavour == Flavour::Busybox {
            // Busybox prints its own broadcasts and counts none.
            return format!(
                "Sent {sent} probe(s) (0 broadcast(s))\n\
                 Received {received} response(s) ({requests} request(s), {heard_by_all} broadcast(s))\n"
            );
        }
        let of_kinds = [("request(s)", requests), ("broadcast(s)", heard_by_all)];
        let kinds: Vec<String> =
            of_kinds.iter().filter(|(_, n)| *n > 0).map(|(name, n)| format!("{n} {name}")).collect();
        let kinds = if kinds.is_empty() { String::new() } else { format!(" ({})", kinds.join(", ")) };
        format!("Sent {sent} probes ({broadcast} broadcast(s))\nReceived {received} response(s){kinds}\n")
    }
}

/// What somebody said, how long after the question.
pub(super) fn heard(arp: &Arp, to_all: bool, took: Duration, flavour: Flavour) -> String {
    let manner = if to_all { "Broadcast" } else { "Unicast" };
    let kind = if arp.operation == Operation::Reply { "reply" } else { "request" };
    let (addr, mac) = (arp.sender.0, arp.sender.1.to_string());
    let micros = took.as_micros();
    let (mac, gap) = match flavour {
        Flavour::Host => (mac.to_uppercase(), "  "),
        Flavour::Busybox => (mac, " "),
    };
    format!("{manner} {kind} from {addr} [{mac}]{gap}{}.{:03}ms\n", micros / 1000, micros % 1000)
}

pub(super) fn unknown_host(name: &str, flavour: Flavour) -> String {
    match flavour {
        Flavour::Host => format!("arping: {name}: Temporary failure in name resolution\n"),
        Flavour::Busybox => format!("arping: bad address '{name}'\n"),
    }
}

pub(super) fn no_device() -> String {
    format!("arping: Suitable device could not be determined. Please, use option -I.\n{USAGE}")
}

pub(super) fn missing(name: &str, flavour: Flavour) -> String {
    match flavour {
        Flavour::Host => format!("arping: Device {name} not available.\n"),
        Flavour::Busybox => format!("arping: interface {name} not found: No such device\n"),
    }
}

pub(super) fn is_down(name: &str, flavour: Flavour) -> String {
    match flavour {
        Flavour::Host => format!("Interface \"{name}\" is down\n"),
        Flavour::Busybox => format!("arping: interface {name} is down\n"),
    }
}

pub(super) fn not_arpable(name: &str, flavour: Flavour) -> String {
    match flavour {
        Flavour::Host => format!("Interface \"{name}\" is not ARPable\n"),
        Flavour::Busybox => format!("arping: interface {name} is not ARPable\n"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::addr::Mac;

    #[test]
    fn both_flavours_tell_of_an_answer_in_their_own_way() {
        let sender = (core::net::Ipv4Addr::new(10, 0, 0, 2), Mac([2, 0, 0, 0, 0, 0xa]));
        let arp = Arp { operation: Operation::Reply, sender, target: sender };
        let took = Duration::from_micros(1535);
        assert_eq!(
            heard(&arp, false, took, Flavour::Host),
            "Unicast reply from 10.0.0.2 [02:00:00:00:00:0A]  1.535ms\n"
        );
        assert_eq!(
            heard(&arp, true, took, Flavour::Busybox),
            "Broadcast reply from 10.0.0.2 [02:00:00:00:00:0a] 1.535ms\n"
        );
    }

    #[test]
    fn the_summary_counts_by_kinds_only_where_there_are_some() {
        let count = Count { sent: 2, broadcast: 1, received: 2, requests: 0, heard_by_all: 1 };
        assert_eq!(
            count.summary(Flavour::Host),
            "Sent 2 probes (1 broadcast(s))\nReceived 2 response(s) (1 broadcast(s))\n"
        );
        assert_eq!(
            count.summary(Flavour::Busybox),
            "Sent 2 probe(s) (0 broadcast(s))\nReceived 2 response(s) (0 request(s), 1 broadcast(s))\n"
        );
    }
}
